/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config_reader - between the files that read a configuration, for nobody else: values of one key
 * with their type and range, groups of keys, and mistakes with the place and the key they are in.
 *
 * A function that reads returns 0; -EM_EUSAGE for a mistake, which it has reported; -ENOMEM, which
 * em_config_read() reports; or the -errno of a file, reported.  After a mistake the reader goes on,
 * and em_config_worse() keeps what matters most.
 */
#ifndef EM_CONFIG_READER_H
#define EM_CONFIG_READER_H

#include <stddef.h>
#include <stdint.h>

#include "policy/policy.h"

struct config_setting_t; /* libconfig's, which only the .c files know */

struct em_reader {
	struct em_policy *policy; /* that is being filled; not owned */
	struct em_diag *diag;
	const char *path;   /* of the configuration, as the user named it */
	const char *folder; /* it is in; NULL: the current one */
	const char *source; /* libconfig's name of the file the last place was in, */
	const char *file;   /* and the policy's */
};

/* A key of a group. */
struct em_config_key {
	const char *name;
	/* Reads it into the object that the group is about; NULL: whoever reads the group does. */
	int (*read)(struct em_reader *reader, const struct config_setting_t *setting, void *object);
	const char *required; /* what was expected if it is missing; NULL: it may be */
};

/* Numbers a key may have, inclusive; text says it better where min-max does not. */
struct em_config_range {
	uint64_t min;
	uint64_t max;
	const char *text;
};

/* The policy's name for the file that libconfig calls source; NULL when out of memory. */
const char *em_config_file(struct em_reader *reader, const char *source);
struct em_place em_config_place(struct em_reader *reader, const struct config_setting_t *setting);

/* Reports "KEY: message", KEY being the whole path below the listener.  Returns -EM_EUSAGE. */
int em_config_mistake(struct em_reader *reader, const struct config_setting_t *setting,
		      const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The same where a value is of the wrong type: "KEY: expected …, found a string". */
int em_config_wrong_type(struct em_reader *reader, const struct config_setting_t *setting,
			 const char *expected);

int em_config_worse(int a, int b);

/*
 * Reads a group of `keys`, ended by one without a name, in their order, and reports those that are
 * unknown or missing.  `expected` is what to say where the setting is no group.
 */
int em_config_group(struct em_reader *reader, const struct config_setting_t *setting,
		    const char *expected, const struct em_config_key *keys, void *object);

/*
 * The group's member of this name, or else one that is misspelt so that it was reported as probably
 * meaning this one: it is read as such, that its own mistakes do not wait for the next run.
 */
const struct config_setting_t *em_config_find(const struct config_setting_t *group,
					      const struct em_config_key *keys, const char *name);

/* Reports that a key the group needs is missing.  Returns -EM_EUSAGE. */
int em_config_missing(struct em_reader *reader, const struct config_setting_t *group,
		      const struct em_config_key *key);

int em_config_number(struct em_reader *reader, const struct config_setting_t *setting,
		     const struct em_config_range *range, uint64_t *out);
/* *out belongs to libconfig. */
int em_config_string(struct em_reader *reader, const struct config_setting_t *setting,
		     const char **out);
/* One of the words, ended by NULL: its index in *out. */
int em_config_word(struct em_reader *reader, const struct config_setting_t *setting,
		   const char *const *words, const char *expected, int *out);
/* A byte string into bytes[size].  Returns how many there are, which may be more than size. */
int em_config_bytes(struct em_reader *reader, const struct config_setting_t *setting,
		    uint8_t *bytes, size_t size);
/* An array, or a list, of at least one: how many.  `expected` is what to say of anything else. */
int em_config_array(struct em_reader *reader, const struct config_setting_t *setting,
		    const char *expected);

/* The keys of a listener that have a file of their own; object is the struct em_listener. */
int em_config_read_interfaces(struct em_reader *reader, const struct config_setting_t *setting,
			      void *object);
int em_config_read_addresses(struct em_reader *reader, const struct config_setting_t *setting,
			     void *object);
int em_config_read_sources(struct em_reader *reader, const struct config_setting_t *setting,
			   void *object);
int em_config_read_payload(struct em_reader *reader, const struct config_setting_t *setting,
			   void *object);
int em_config_read_checks(struct em_reader *reader, const struct config_setting_t *setting,
			  void *object);
int em_config_read_tag(struct em_reader *reader, const struct config_setting_t *setting,
		       void *object);

/* The element i of the list `listeners`. */
int em_config_read_listener(struct em_reader *reader, const struct config_setting_t *setting);

#endif
