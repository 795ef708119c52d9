/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * reader - shared by the files that read a configuration, and by nobody else: values of one key
 * with their type and range, groups of keys, and mistakes with their place and key.
 *
 * A function that reads returns 0; -EM_EUSAGE for a mistake, which it has reported; -ENOMEM, which
 * em_config_read() reports; or the -errno of a file, reported. After a mistake the reader goes on,
 * and em_config_worse() keeps the more important code.
 */
#ifndef EM_READER_H
#define EM_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "config/tree.h"
#include "policy/policy.h"

struct em_reader {
	struct em_policy *policy; /* that is being filled; not owned */
	struct em_diag *diag;
	const char *path;   /* of the configuration, as the user named it */
	const char *folder; /* it is in; NULL: the current one */
};

/*
 * A key of a group: one row of a table. It says once which member of the object the key sets, and
 * which values it may have. The macros below make rows of the common types.
 */
struct em_config_key {
	const char *name;
	/* Reads it into the object that the group is about; NULL: whoever reads the group does. */
	int (*read)(struct em_reader *reader, const struct em_config_key *key,
		    const struct em_setting *setting, void *object);
	/* Writes `lead` and "NAME = VALUE;", or nothing where it is not set; NULL: likewise. */
	void (*write)(FILE *out, const char *lead, const struct em_config_key *key,
		      const void *object);
	bool required;
	const char *expected;	  /* what a value is; NULL: min-max */
	uint64_t min, max;	  /* of a number, or of how many elements; inclusive */
	const char *const *words; /* ended by NULL; the value is the index of the word */
	size_t offset, size;	  /* of the member */
	size_t place;		  /* offset of a struct em_place that gets the key's; 0: none */
	size_t unreadable;	  /* of a bool, true where it is missing or wrong; 0: none */
	size_t through; /* offset of a pointer to the object that has the value; 0: itself */
};

/* A member of an unsigned type, an enumeration or bool. */
#define EM_KEY_MEMBER(type, member)                                                                \
	.offset = offsetof(struct type, member), .size = sizeof(((struct type *)0)->member)

/* A whole number, least-most; a member with a value outside is one that is not set. */
#define EM_KEY_NUMBER(key, type, member, least, most, ...)                                         \
	{                                                                                          \
		.name = key, .read = em_config_read_number, .write = em_config_write_number,       \
		.min = least, .max = most, EM_KEY_MEMBER(type, member), __VA_ARGS__                \
	}
#define EM_KEY_BOOL(key, type, member, ...)                                                        \
	{                                                                                          \
		.name = key, .read = em_config_read_bool, .write = em_config_write_bool,           \
		EM_KEY_MEMBER(type, member), __VA_ARGS__                                           \
	}
/* One of the words. */
#define EM_KEY_WORD(key, type, member, of, text, ...)                                              \
	{                                                                                          \
		.name = key, .read = em_config_read_word, .write = em_config_write_word,           \
		.words = of, .expected = text, EM_KEY_MEMBER(type, member), __VA_ARGS__            \
	}
/* What becomes of a datagram. */
#define EM_EXPECTED_ACTION "\"pass\", \"drop\" or a port 1-65535"
#define EM_KEY_ACTION(key, type, member, ...)                                                      \
	{                                                                                          \
		.name = key, .read = em_config_read_action, .write = em_config_write_action,       \
		.words = em_verdict_words, .expected = EM_EXPECTED_ACTION, EM_KEY_PORTS,           \
		EM_KEY_MEMBER(type, member), __VA_ARGS__                                           \
	}
/* Ports that get a copy. */
#define EM_KEY_COPIES(key, type, member, ...)                                                      \
	{                                                                                          \
		.name = key, .read = em_config_read_copies, .write = em_config_write_copies,       \
		.min = 1, .max = EM_COPIES_MAX,                                                    \
		.expected = "an array of 1-4 ports, e.g. [ 7001 ]", EM_KEY_MEMBER(type, member),   \
		__VA_ARGS__                                                                        \
	}
#define EM_KEY_REQUIRED .required = true
#define EM_KEY_PORTS	.min = 1, .max = 65535

/* An element of the list `listeners`, whose name stands for it in messages. */
bool em_config_is_listener(const struct em_setting *setting);
/* Appends to text: "listeners[1]", "checks[0].offset", "port"; cut where it is longer. */
#define EM_KEY_MAX 128
void em_config_path(const struct em_setting *setting, char text[EM_KEY_MAX]);

/* Reports "KEY: message", KEY being the whole path below the listener.  Returns -EM_EUSAGE. */
int em_config_mistake(struct em_reader *reader, const struct em_setting *setting,
		      const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The same where a value is of the wrong type: "KEY: expected …, found a string". */
int em_config_wrong_type(struct em_reader *reader, const struct em_setting *setting,
			 const char *expected);

/* Reports that the key is there already, at `first`.  Returns -EM_EUSAGE. */
int em_config_repeated(struct em_reader *reader, const struct em_setting *setting,
		       const struct em_place *first);

int em_config_worse(int a, int b);

/*
 * Reads a group of `keys`, ended by one without a name, in their order, and reports those that are
 * unknown or missing.  `expected` is what to say where the setting is no group.
 */
int em_config_group(struct em_reader *reader, const struct em_setting *setting,
		    const char *expected, const struct em_config_key *keys, void *object);

/*
 * The group's member of this name, or else a misspelt one that was reported as probably meaning it.
 * That one is read as well, so that its own mistakes are in the same run.
 */
const struct em_setting *em_config_find(const struct em_setting *group,
					const struct em_config_key *keys, const char *name);

/* Reports that a key the group needs is missing.  Returns -EM_EUSAGE. */
int em_config_missing(struct em_reader *reader, const struct em_setting *group,
		      const struct em_config_key *key);

/* A whole number that the key may have. */
int em_config_number(struct em_reader *reader, const struct em_config_key *key,
		     const struct em_setting *setting, uint64_t *out);
/* *out belongs to the tree. */
int em_config_string(struct em_reader *reader, const struct em_setting *setting, const char **out);
/* One of the key's words: its index in *out. */
int em_config_word(struct em_reader *reader, const struct em_config_key *key,
		   const struct em_setting *setting, uint64_t *out);
/* A byte string into bytes[size].  Returns how many there are, which may be more than size. */
int em_config_bytes(struct em_reader *reader, const struct em_setting *setting, uint8_t *bytes,
		    size_t size);
/* Reads one element into the object that the list is about. */
typedef int em_config_element(struct em_reader *reader, const struct em_setting *element,
			      void *object);
/*
 * Reads the elements of a list; the range of the key, unless its max is 0, is how many there may
 * be.  Those beyond are not looked at.
 */
int em_config_list(struct em_reader *reader, const struct em_config_key *key,
		   const struct em_setting *setting, em_config_element *read, void *object);
/* The same for an array, or a list, of at least one. */
int em_config_array(struct em_reader *reader, const struct em_config_key *key,
		    const struct em_setting *setting, em_config_element *read, void *object);

/* Of the rows that the macros make. */
int em_config_read_number(struct em_reader *reader, const struct em_config_key *key,
			  const struct em_setting *setting, void *object);
int em_config_read_bool(struct em_reader *reader, const struct em_config_key *key,
			const struct em_setting *setting, void *object);
int em_config_read_word(struct em_reader *reader, const struct em_config_key *key,
			const struct em_setting *setting, void *object);
int em_config_read_action(struct em_reader *reader, const struct em_config_key *key,
			  const struct em_setting *setting, void *object);
/* Ports, in a struct em_copies. */
int em_config_read_copies(struct em_reader *reader, const struct em_config_key *key,
			  const struct em_setting *setting, void *object);
void em_config_write_copies(FILE *out, const char *lead, const struct em_config_key *key,
			    const void *object);
void em_config_write_number(FILE *out, const char *lead, const struct em_config_key *key,
			    const void *object);
void em_config_write_bool(FILE *out, const char *lead, const struct em_config_key *key,
			  const void *object);
void em_config_write_word(FILE *out, const char *lead, const struct em_config_key *key,
			  const void *object);
void em_config_write_action(FILE *out, const char *lead, const struct em_config_key *key,
			    const void *object);
/* The value of the key's member. */
uint64_t em_config_member(const struct em_config_key *key, const void *object);

/* The keys of a listener that have a file of their own; object is the struct em_listener. */
int em_config_read_interfaces(struct em_reader *reader, const struct em_config_key *key,
			      const struct em_setting *setting, void *object);
int em_config_read_addresses(struct em_reader *reader, const struct em_config_key *key,
			     const struct em_setting *setting, void *object);
int em_config_read_sources(struct em_reader *reader, const struct em_config_key *key,
			   const struct em_setting *setting, void *object);
int em_config_read_payload(struct em_reader *reader, const struct em_config_key *key,
			   const struct em_setting *setting, void *object);
int em_config_read_checks(struct em_reader *reader, const struct em_config_key *key,
			  const struct em_setting *setting, void *object);
int em_config_read_tag(struct em_reader *reader, const struct em_config_key *key,
		       const struct em_setting *setting, void *object);
void em_config_write_interfaces(FILE *out, const char *lead, const struct em_config_key *key,
				const void *object);
void em_config_write_addresses(FILE *out, const char *lead, const struct em_config_key *key,
			       const void *object);
void em_config_write_sources(FILE *out, const char *lead, const struct em_config_key *key,
			     const void *object);
void em_config_write_payload(FILE *out, const char *lead, const struct em_config_key *key,
			     const void *object);
void em_config_write_checks(FILE *out, const char *lead, const struct em_config_key *key,
			    const void *object);
void em_config_write_tag(FILE *out, const char *lead, const struct em_config_key *key,
			 const void *object);

/* The keys of a listener; of a format and of its payload, whose object is the struct em_format. */
extern const struct em_config_key em_config_listener_keys[];
extern const struct em_config_key em_config_format_keys[];
extern const struct em_config_key em_config_payload_keys[];
/* What a listener with formats has for all of them; only written, the object is the listener. */
extern const struct em_config_key em_config_shared_keys[];

/* An element of the list `listeners`; object is the struct em_policy, which has room for it. */
int em_config_read_listener(struct em_reader *reader, const struct em_setting *setting,
			    void *object);

#endif
