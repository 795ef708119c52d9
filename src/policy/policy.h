/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * policy - a whole configuration after it has been read and checked: the pivot of the tool.
 *
 * The reader of the configuration fills it, every backend, the reference classifier and the
 * printers read it.  It does no I/O and knows neither the file format nor the kernel.
 *
 * Ports, offsets and lengths are in host byte order; tags, masks, byte strings and addresses are
 * bytes in the order of the wire.  Offsets count from the first byte of the UDP payload.
 * Everything a policy points to is owned by it and freed by em_policy_free().
 */
#ifndef EM_POLICY_H
#define EM_POLICY_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/decimal.h"
#include "base/diag.h"

/* Limits of the configuration; entitymux.conf(5). */
#define EM_LISTENERS_MAX   256
#define EM_INTERFACES_MAX  64
#define EM_INTERFACE_MAX   127 /* bytes of a name: ALTIFNAMSIZ of the kernel, less the NUL */
#define EM_FORMATS_MAX	   8
#define EM_CHECKS_MAX	   8
#define EM_VALUES_MAX	   16 /* of a check */
#define EM_PIECES_MAX	   4
#define EM_TAG_MAX	   24	   /* bytes of all pieces together */
#define EM_REACH_MAX	   1024	   /* a tag or a check ends at this payload byte at the latest */
#define EM_PART_MAX	   16	   /* bytes; see em_format_parts() */
#define EM_ENTITIES_MAX	   1048576 /* per listener */
#define EM_COVERING_MAX	   65536   /* entities of a format that cover more than one tag */
#define EM_BOXES_MAX	   1024	   /* of a format; see em_format_boxes() */
#define EM_NAME_MAX	   32	   /* bytes of a listener's name */
#define EM_ENTITY_NAME_MAX 64	   /* bytes of an entity's name */
#define EM_PAYLOAD_MAX	   65507   /* bytes of UDP payload in one IPv4 packet */
#define EM_COPIES_MAX	   4	   /* ports of a key */
#define EM_COPIES_EACH	   8	   /* ports of a datagram: of a listener and of an entity */
#define EM_COPY_LISTS_MAX  120	   /* that the entities of a listener have, and that differ */
#define EM_FLOWS_MAX	   4194304
#define EM_TIMEOUT_MAX	   86400	  /* seconds */
#define EM_ACTION_TEXT_MAX EM_DECIMAL_MAX /* see em_action_format() */
/* Hex digits of the longest tag, "0x" and NUL; see em_tag_format(). */
#define EM_TAG_TEXT_MAX (2 + 2 * EM_TAG_MAX + 1)
/* Two of them and ".." between; see em_entity_tag_format(). */
#define EM_COVER_TEXT_MAX (2 * EM_TAG_TEXT_MAX + 1)

enum em_backend {
	EM_BACKEND_AUTO,
	EM_BACKEND_XDP,
	EM_BACKEND_XDP_GENERIC,
	EM_BACKEND_TC,
	EM_BACKEND_NFT,
	EM_BACKENDS
};

/* What becomes of a datagram. */
enum em_verdict {
	EM_PASS, /* as it is */
	EM_DROP,
	EM_PORT, /* passes, with another destination port */
};

#define EM_VERDICTS (EM_PORT + 1)

/* 4 bytes: there may be a million of them. */
struct em_action {
	enum em_verdict verdict : 8;
	uint16_t port; /* with EM_PORT; else not looked at */
};

/* Ports that get a copy of a datagram; see copies.h. */
struct em_copies {
	struct em_place place;
	uint16_t ports[EM_COPIES_MAX]; /* they differ; in the order of the configuration */
	uint8_t n;		       /* 0: none */
};

/* Why a datagram is invalid, in the order in which it is found out. */
enum em_reason { EM_REASON_SOURCE, EM_REASON_LENGTH, EM_REASON_CHECK, EM_REASONS };

struct em_address {
	uint8_t family;	   /* AF_INET or AF_INET6 */
	uint8_t bytes[16]; /* network order; the first 4 for IPv4, the rest 0 */
};

/* Host bits are 0. */
struct em_prefix {
	struct em_address address;
	uint8_t length; /* bits: 0-32 or 0-128 */
};

enum em_check_kind { EM_CHECK_BYTES, EM_CHECK_NUMBER };

struct em_check {
	struct em_place place;
	enum em_check_kind kind;
	uint16_t offset;
	uint16_t length; /* bytes; for a number 1, 2, 4 or 8 */
	bool negated;	 /* it holds when the comparison does not */
	uint8_t *mask; /* of the payload, `length` bytes in the order of the wire; NULL: all ones */
	/* EM_CHECK_BYTES: (payload & mask) == bytes, which are `length` bytes */
	uint8_t *bytes;
	/*
	 * EM_CHECK_NUMBER: the masked number is one of the values, which are sorted and differ; or,
	 * where there are none, min <= number <= max.  Host order.
	 */
	uint64_t values[EM_VALUES_MAX];
	uint8_t n_values;
	uint64_t min;
	uint64_t max;
	bool little_endian; /* of the number in the payload */
};

/* What a piece of the tag is read from: the payload, or a field of a header. */
enum em_piece_source { EM_PIECE_PAYLOAD, EM_PIECE_IP_SADDR, EM_PIECE_IP6_SADDR, EM_PIECE_SOURCES };

/* A field of a header. */
struct em_piece_field {
	const char *name; /* as in the configuration */
	uint8_t family;	  /* AF_INET or AF_INET6: the IP version that has it */
	uint8_t length;	  /* bytes */
};

struct em_piece {
	enum em_piece_source source : 8;
	uint8_t length;	 /* 1-24; of a field, all of it */
	uint16_t offset; /* with EM_PIECE_PAYLOAD; else 0 */
};

/* Where the tag is: its pieces joined in order, then masked. */
struct em_tag {
	struct em_place place;
	struct em_piece pieces[EM_PIECES_MAX];
	uint8_t n_pieces;
	uint8_t length;		  /* bytes of all pieces, 1-24 */
	uint8_t mask[EM_TAG_MAX]; /* `length` bytes; without a mask all ones */
};

/* Tags from the first to the last, inclusive, as big-endian numbers. */
struct em_cover {
	uint8_t first[EM_TAG_MAX]; /* `tag.length` bytes */
	uint8_t last[EM_TAG_MAX];
};

struct em_entity {
	struct em_place place;
	char *name; /* NULL: named by its tag, see em_entity_name() */
	uint8_t tag[EM_TAG_MAX];
	/* EM_TAG_MAX bytes, owned: the last tag that it covers, `tag` being the first; NULL: one */
	uint8_t *last;
	struct em_action action;
	uint8_t copies;	 /* 1 + the index of its own list of the listener's; 0: it has none */
	bool unreadable; /* the tag is not known, after a mistake; see em_policy_finish() */
};

/*
 * Tags whose datagrams are those of an entity that covers more than one tag, but for the tags that
 * are an entity's own.
 */
struct em_interval {
	struct em_cover tags;
	uint32_t entity; /* index in the format's entities */
};

/* em_resolve() replaces an alternative name by the interface's own, shorter than IF_NAMESIZE. */
struct em_interface {
	struct em_place place;
	char name[EM_INTERFACE_MAX + 1];  /* as in the configuration, or the interface's own */
	char alias[EM_INTERFACE_MAX + 1]; /* in the latter case, that of the configuration */
};

/*
 * One layout of datagrams. The listener's own payload range and checks are part of each of its
 * formats.
 */
struct em_format {
	struct em_place place;
	char name[EM_NAME_MAX + 1]; /* "": the only one, of a listener without the key `formats` */
	uint16_t payload_min;	    /* bytes, inclusive */
	uint16_t payload_max;
	struct em_check checks[2 * EM_CHECKS_MAX];
	size_t n_checks;
	size_t n_shared; /* the first n of them are the listener's own, where it has several formats
			  */
	struct em_tag tag;
	struct em_entity *entities; /* in the order of the configuration */
	size_t n_entities;
	size_t n_listed; /* the first n of them are from `entities`, the others from a file: */
	const char *entities_file; /* its path, one of the policy's files; NULL: there is none */
	/*
	 * Made by em_policy_finish(): indices into entities, sorted by tag. First those with one
	 * tag, `n_exact`; then those that cover more, of which one stands behind those around it.
	 */
	uint32_t *by_tag;
	size_t n_exact;
	struct em_interval *intervals; /* likewise: disjoint and sorted */
	size_t n_intervals;
	struct em_action unknown;
};

/* What an interface that is missing or down means for an apply. */
enum em_missing { EM_MISSING_ERROR, EM_MISSING_WAIT };

struct em_listener {
	struct em_place place; /* of the listener; the first line of its group */
	bool unreadable;       /* what it claims is not known, after a mistake */
	char name[EM_NAME_MAX + 1];
	struct em_interface *interfaces;
	size_t n_interfaces;
	uint16_t port;
	uint16_t vlan; /* 802.1Q id 1-4094; 0: untagged frames only */
	struct em_address *addresses;
	size_t n_addresses; /* 0: any; an empty array is an error of the reader */
	struct em_prefix *sources;
	size_t n_sources;	   /* 0: any; likewise */
	struct em_format *formats; /* in the order in which they are tried */
	size_t n_formats;	   /* at least 1 */
	struct em_action invalid;
	struct em_copies copies;	 /* of all valid datagrams, and besides … */
	struct em_copies unknown_copies; /* … of those whose tag no entity has, and … */
	struct em_copies *copy_lists;	 /* … of those of its entities: each list once */
	size_t n_copy_lists;
	enum em_missing missing;
	bool replies;
	struct em_place replies_place;
	uint32_t flows;
	uint32_t flow_timeout; /* seconds */
};

struct em_policy {
	enum em_backend backend;       /* as asked for in the configuration */
	struct em_listener *listeners; /* in the order of the configuration */
	size_t n_listeners;
	char **files; /* names that places point to */
	size_t n_files;
};

/* An empty policy in *out, which stays as it is on failure.  Returns 0 or -ENOMEM. */
int em_policy_new(struct em_policy **out);
/*
 * A copy of the policy in *out, which stays as it is on failure.  Its places and the paths of its
 * entities files are strings of the original, which the caller frees after the copy.  It is for
 * reading: no entity can be added to it.  Returns 0 or -ENOMEM.
 */
int em_policy_copy(struct em_policy **out, const struct em_policy *policy);
/* Frees the policy and all it points to; NULL is fine. */
void em_policy_free(struct em_policy *policy);
/* Frees what the format points to. */
void em_format_clear(struct em_format *format);
/* For __attribute__((cleanup)). */
void em_policy_freep(struct em_policy **policy);

/* For a policy that was read from a file of ours: its lines mean nothing to the user. */
void em_policy_forget_places(struct em_policy *policy);

/*
 * Keeps a copy of a file name for as long as the policy lives, for places to point to.
 * The same name gives the same pointer.  NULL when out of memory.
 */
const char *em_policy_file(struct em_policy *policy, const char *name);

/*
 * Checks what concerns more than one key: sorts the entities of each format by tag, and makes its
 * intervals; reports every duplicate (tags, names of entities, names of listeners), entities that
 * cover some of the same tags while none of them lies within the other, and every pair of listeners
 * that could claim the same packet; and warns of what can never match. The reader calls it once,
 * after everything is filled in, also where mistakes were found: an entity or a listener that is
 * `unreadable` is compared with no other, and with a tag of length 0 the entities are left alone.
 * Returns 0, -EM_EUSAGE when anything was reported, or -ENOMEM.
 */
int em_policy_finish(struct em_policy *policy, struct em_diag *diag);

/*
 * Whether the comparison of the check, `negated` or not, can never hold: the mask takes out bits
 * that are asked for.
 */
bool em_check_impossible(const struct em_check *check);
/* Whether the number has bits that the check's mask takes out. */
bool em_check_outside_mask(const struct em_check *check, uint64_t number);
/* The byte i of a number of the check, in the order of the wire. */
uint8_t em_check_wire_byte(const struct em_check *check, uint64_t number, unsigned int i);
/* The number that the payload has there, masked. */
uint64_t em_check_number(const struct em_check *check, const uint8_t *bytes);

/*
 * Whether every datagram of the format, if of an IP version that the other format is for, would
 * have been one of that, which comes first.
 */
bool em_format_covers(const struct em_format *other, const struct em_format *format);

/* The bytes of payload that the tag and all checks need, 0-1024. */
uint16_t em_format_need(const struct em_format *format);

/* The rows of the fields, indexed by the source of a piece; NULL for EM_PIECE_PAYLOAD. */
const struct em_piece_field *em_piece_field(enum em_piece_source source);

/* The field that is the whole tag, or NULL. */
const struct em_piece_field *em_tag_field(const struct em_tag *tag);

/* The only IP version that the format is for, AF_INET or AF_INET6; AF_UNSPEC: both. */
uint8_t em_format_family(const struct em_format *format);
/* The same of all formats of the listener together. */
uint8_t em_listener_family(const struct em_listener *listener);

/*
 * The entity with this tag (`tag.length` bytes, already masked) or, where last is not NULL, the one
 * that covers just the tags from tag to last; NULL: there is none.
 */
const struct em_entity *em_format_find(const struct em_format *format, const uint8_t *tag,
				       const uint8_t *last);

/*
 * The entity that covers just this; NULL: there is none.  *guess is the index at which it is looked
 * for first, and becomes the next: two policies have most of their entities in the same order, and
 * a search among a million is a hundred times a comparison.
 */
const struct em_entity *em_format_find_cover(const struct em_format *format,
					     const struct em_cover *cover, size_t *guess);

/* Gives it a copy of the name (NULL: none) and what it covers. Returns 0 or -ENOMEM. */
int em_entity_set(struct em_entity *entity, const char *name, const struct em_cover *cover);
/* Frees what the entity points to. */
void em_entity_clear(const struct em_entity *entity);

/* The last tag that an entity covers. */
const uint8_t *em_entity_last(const struct em_entity *entity);
/* All that it covers, in *out. */
void em_entity_cover(const struct em_entity *entity, struct em_cover *out);

/* A part of a tag, where it is read as a whole. */
struct em_part {
	uint8_t piece;
	uint8_t at;	/* its first byte, in the piece */
	uint8_t offset; /* the same in the tag */
	uint8_t length;
	bool masked;
};

#define EM_PARTS_MAX (EM_PIECES_MAX + 1)
/*
 * The parts that nf_tables reads the tag in, in its order: the pieces; but a piece with a mask, or
 * one of several where there are intervals, is read EM_PART_MAX bytes at a time, which is what
 * masks and joined ranges take.  Returns their number.
 */
uint8_t em_format_parts(const struct em_format *format, struct em_part parts[EM_PARTS_MAX]);

/* Whether the tag has several pieces, or a mask: then intervals of it are boxes to nf_tables. */
bool em_tag_has_boxes(const struct em_tag *tag);
/*
 * The intervals of the format as boxes: of each part a range, every combination of which is in
 * the interval. As long as the tag has one part they are the intervals. *out is the caller's to
 * free; NULL: they are only counted. Returns 0 or -ENOMEM.
 */
int em_format_boxes(const struct em_format *format, struct em_interval **out, size_t *n);

/* How many of its entities with one tag have an action with this verdict. */
size_t em_format_count(const struct em_format *format, enum em_verdict verdict);

/* The format of this name, or NULL. */
const struct em_format *em_listener_format(const struct em_listener *listener, const char *name);

/* The entities of all formats of the listener. */
size_t em_listener_entities(const struct em_listener *listener);
/* How many of them are of the formats before this one. */
size_t em_listener_entities_before(const struct em_listener *listener,
				   const struct em_format *format);

/* Whether the listener is on this interface, by its own name. */
bool em_listener_on(const struct em_listener *listener, const char *interface);

/* "0x" and the tag in lower-case hex.  Returns text. */
const char *em_tag_format(const struct em_format *format, const uint8_t *tag,
			  char text[EM_TAG_TEXT_MAX]);

/* Besides, the tag as text in quotes, and a blank. */
#define EM_TAG_SHOWN_MAX (EM_TAG_TEXT_MAX + EM_TAG_MAX + 3)
/* For people: in hex and, if all of it is printable ASCII, as text, too.  Returns text. */
const char *em_tag_show(const struct em_format *format, const uint8_t *tag,
			char text[EM_TAG_SHOWN_MAX]);

/*
 * What the entity covers: its tag in hex, or "0x0a010000/16" where the first bits decide, or else
 * "0x20..0x63". Returns text.
 */
const char *em_entity_tag_format(const struct em_format *format, const struct em_entity *entity,
				 char text[EM_COVER_TEXT_MAX]);

/* The same, and what is text in it. */
#define EM_COVER_SHOWN_MAX (EM_COVER_TEXT_MAX + EM_TAG_MAX + 3)
const char *em_entity_tag_show(const struct em_format *format, const struct em_entity *entity,
			       char text[EM_COVER_SHOWN_MAX]);

/* The entity's name, or what it covers, written to text. */
const char *em_entity_name(const struct em_format *format, const struct em_entity *entity,
			   char text[EM_COVER_TEXT_MAX]);

/* The address has the first `length` bits of the prefix, and its family. */
bool em_prefix_holds(const struct em_prefix *prefix, const struct em_address *address);

/* "auto", "xdp", …; and back: -1 where it is no backend's name. */
extern const char *const em_backend_names[EM_BACKENDS + 1]; /* ended by NULL */
const char *em_backend_name(enum em_backend backend);
int em_backend_parse(const char *name);

/* The words for verdicts, "pass" and "drop", indexed by the verdict; ended by NULL. */
extern const char *const em_verdict_words[];
/* "pass", "drop", "port". */
const char *em_verdict_name(enum em_verdict verdict);
/* The other way round; false: it is none of these, and *out is unchanged. */
bool em_action_parse(struct em_action *out, const char *text);
/* "pass", "drop" or the port, which is somewhere in text. */
const char *em_action_format(const struct em_action *action, char text[EM_ACTION_TEXT_MAX]);

/* "IPv4" or "IPv6". */
const char *em_family_name(uint8_t family);

/* "source", "length", "check". */
const char *em_reason_name(enum em_reason reason);

/*
 * The interfaces of all listeners, each once, in the order of the configuration.  *out is the
 * caller's to free.  A name that is too long to be an interface's own is left out: em_resolve() has
 * seen to it.  Returns their number or -ENOMEM.
 */
int em_policy_interfaces(const struct em_policy *policy, char (**out)[IF_NAMESIZE]);

/*
 * The first interface with this name of its own, preferably one that was configured by an alias;
 * NULL: none.
 */
const struct em_interface *em_policy_find_interface(const struct em_policy *policy,
						    const char *name);

/*
 * Reports every pair of listeners that could claim the same packet. em_policy_finish() has done so
 * already; this is for after the names of interfaces have been resolved. Returns 0, -EM_EUSAGE or
 * -ENOMEM.
 */
int em_policy_check_claims(const struct em_policy *policy, struct em_diag *diag);

#endif
