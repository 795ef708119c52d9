/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * ports - a set of UDP ports.
 */
#ifndef EM_PORTS_H
#define EM_PORTS_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/policy.h"

#define EM_PORTS_EACH 64

/* All zero: empty. */
struct em_ports {
	uint64_t words[65536 / EM_PORTS_EACH];
};

void em_ports_add(struct em_ports *ports, uint16_t port);
bool em_ports_has(const struct em_ports *ports, uint16_t port);
/* Takes those out that the other one has. */
void em_ports_subtract(struct em_ports *ports, const struct em_ports *other);

/*
 * Adds the ports that a policy sorts to, of entities, of what is unknown and of what is invalid,
 * and those of copies.
 */
void em_ports_add_targets(struct em_ports *ports, const struct em_policy *policy);

/*
 * The first port above `after` and above 1023 that is not in it; behind the last one it begins
 * anew.  0: there is none.
 */
uint16_t em_ports_next_free(const struct em_ports *ports, uint16_t after);

/* Finds the first range in it from port `from` on.  Returns false where there is none. */
bool em_ports_range(const struct em_ports *ports, uint32_t from, uint16_t *first, uint16_t *last);

#endif
