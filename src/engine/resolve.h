/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * resolve - the interfaces of a policy under the names that they have on this host.
 *
 * An interface may be named by an alternative name; what counts is the interface.
 */
#ifndef EM_RESOLVE_H
#define EM_RESOLVE_H

#include <stdbool.h>

#include "policy/policy.h"

/*
 * Puts the own name of each interface in the place of an alternative one, see em_interface.  A name
 * that no interface has stays; but where the policy is to be used here, one that is too long for an
 * own name is an error.  Reports interfaces that are named twice in a listener, and listeners that
 * claim the same packet by different names.  Returns 0, -EM_EUSAGE or -errno, reported.
 */
int em_resolve(struct em_policy *policy, bool used_here, struct em_diag *diag);

#endif
