/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * object - what the rules of a ruleset refer to: sets, maps, counters and timeouts, as data.
 *
 * An object is described once, in objects.c or beside the rules that use it. The text, the
 * messages, and the code that installs, counts, lists and removes objects are loops over the
 * objects of a ruleset, and know no particular one.
 */
#ifndef EM_NFT_OBJECT_H
#define EM_NFT_OBJECT_H

#include "nft/identifier.h"
#include "nft/key.h"

/* The two tables, both of the same name, of the families netdev and inet. */
enum em_table { EM_TABLE_NETDEV, EM_TABLE_INET, EM_TABLES };

enum em_object_kind {
	EM_OBJECT_COUNTER, /* named counters: each element is one */
	EM_OBJECT_TIMEOUT, /* of conntrack; has no elements */
	EM_OBJECT_SET,
	EM_OBJECT_MAP,	       /* to values of a field */
	EM_OBJECT_COUNTER_MAP, /* to named counters */
	EM_OBJECT_VERDICT_MAP, /* to chains; lives and dies with its rule, and has no name */
	EM_OBJECT_KINDS
};

/* Of an element what its kind of object asks for; bytes are in the order of the wire. */
struct em_element {
	uint8_t key[EM_KEY_MAX];
	uint8_t last[EM_KEY_MAX];	/* of ranges, inclusive; `key` has the first of each load */
	uint8_t data[EM_LOAD_MAX];	/* of a map, as long as its field */
	char target[EM_IDENTIFIER_MAX]; /* a counter, or the chain that a verdict map leads to */
	const char *comment;		/* not owned; NULL: none */
	const struct em_place *place;	/* NULL: that of the object */
};

struct em_object;

/* Fills in element i, which is zeroed. */
typedef void em_element_fn(const struct em_object *object, size_t i, struct em_element *element);

struct em_object {
	enum em_object_kind kind;
	enum em_table table;
	struct em_identifier name; /* of counters nothing but the generation */
	struct em_place place;	   /* of what it is made for */
	const char *purpose;	   /* what a kernel that refuses it cannot do: "add map" */
	struct em_key key;
	enum em_field data; /* of EM_OBJECT_MAP */
	bool interval;	    /* elements are ranges, of each load of the key */
	bool counting;	    /* elements count what is looked up */
	uint32_t size;	 /* rules add elements, which time out, up to this number; 0: they do not */
	bool copied;	 /* what its elements count are datagrams that were copied */
	bool per_entity; /* elements are entities of the format; em_object_entity() */
	uint32_t seconds; /* of EM_OBJECT_TIMEOUT */
	uint8_t family;	  /* likewise: AF_INET or AF_INET6 */
	size_t n;
	em_element_fn *element;
	const struct em_listener *listener; /* NULL: it is not of one */
	const struct em_format *format;	    /* likewise, of the listener */
	void *items;			    /* what `element` reads besides; owned by the ruleset */
};

/*
 * Whether nft is told the type of its key by name, `type ipv4_addr`, and not by what is read,
 * `typeof …`.  Maps are not: the data of some has no such name.
 */
bool em_object_is_typed(const struct em_object *object);

/*
 * The most elements that it may have, those included that are added one by one; 0: whatever number.
 * The kernel looks up faster in a hash table whose size it knows.
 */
uint32_t em_object_room(const struct em_object *object);

/* Which entity of the format element i is, where an object has elements of entities. */
size_t em_object_entity(const struct em_object *object, size_t i);

/* Those that are also tried by themselves: a timeout, and the map from zones to ports, empty. */
struct em_object em_object_timeout(uint32_t seconds, uint8_t family);
struct em_object em_object_ports(uint32_t generation);
#endif
