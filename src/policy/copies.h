/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * copies - the ports that get a copy of a datagram.
 *
 * Those of the listener get one of each valid datagram; besides, those of the entity, or those of
 * unknown datagrams.  A port is in only one of them, and the datagram itself goes to none, so that
 * each gets it once.
 */
#ifndef EM_COPIES_H
#define EM_COPIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/policy.h"

/*
 * Makes the list one of those of the entities of a listener, unless there is such a one.  *number
 * is what an entity with it has.  Returns 0, -E2BIG where there are too many, or -ENOMEM.
 */
int em_copies_add(struct em_listener *listener, const struct em_copies *list, uint8_t *number);

/* The list of an entity itself, or NULL. */
const struct em_copies *em_copies_own(const struct em_listener *listener,
				      const struct em_entity *entity);

/*
 * All ports that get a copy of a datagram of the entity; NULL: of an unknown one.  Returns their
 * number.
 */
size_t em_copies_of(const struct em_listener *listener, const struct em_entity *entity,
		    uint16_t ports[EM_COPIES_EACH]);

/* Whether any datagram of the listener is copied. */
bool em_copies_any(const struct em_listener *listener);
/* The first key of the policy, or of its listeners on this interface, that has copies; or NULL. */
const struct em_place *em_copies_first(const struct em_policy *policy);
const struct em_place *em_copies_on(const struct em_policy *policy, const char *interface);

/* Calls take for each list of the listener. */
typedef void em_copies_fn(void *context, const char *key, const struct em_copies *list);
void em_copies_each(const struct em_listener *listener, em_copies_fn *take, void *context);

#endif
