/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * unknown - the tags seen lately that no entity has, free of any backend.
 */
#ifndef EM_UNKNOWN_H
#define EM_UNKNOWN_H

#include <stddef.h>
#include <stdint.h>

#include "policy/policy.h"

/* Tags of a listener: the most that are shown, and for how many seconds after their last datagram.
 */
#define EM_UNKNOWN_MAX	   1024
#define EM_UNKNOWN_SECONDS 3600

struct em_unknown {
	const struct em_listener *listener; /* not owned */
	const struct em_format *format;	    /* likewise, of the listener */
	uint8_t tag[EM_TAG_MAX];	    /* masked */
	uint64_t packets;
	uint64_t age;		  /* ns since the last one */
	struct em_address sender; /* of the first one; family 0: not known */
	uint16_t sender_port;	  /* 0: not known */
};

/* All zero: empty. */
struct em_unknown_list {
	struct em_unknown *all; /* owned */
	size_t n;
};

void em_unknown_clear(struct em_unknown_list *list);

/* Returns 0 or -ENOMEM. */
int em_unknown_add(struct em_unknown_list *list, const struct em_unknown *unknown);

/*
 * Leaves each tag once, and of each listener those seen last, up to EM_UNKNOWN_MAX and back to
 * EM_UNKNOWN_SECONDS.  Sorts them by listener and format, in the order of the policy; by packets,
 * most first; and by tag.
 */
void em_unknown_arrange(struct em_unknown_list *list);

#endif
