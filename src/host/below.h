/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * below - the interfaces that packets of an interface have been received on before: those under a
 * VLAN or a macvlan, and the ports of a bridge or a bond, of this network namespace.
 */
#ifndef EM_BELOW_H
#define EM_BELOW_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

struct em_below {
	char (*names)[IF_NAMESIZE]; /* owned */
	size_t n;
};

/*
 * Lists them, however many lie between; `kind` is that of the interface as in ip-link(8).  The
 * caller clears *out in any case.  Returns 0 or -errno, unreported.
 */
int em_below_list(struct em_below *out, unsigned int ifindex, const char *kind);
void em_below_clear(struct em_below *below);

/* Whether an interface of this kind is on top of another one, whose packets it takes. */
bool em_below_is_stackable(const char *kind);

#endif
