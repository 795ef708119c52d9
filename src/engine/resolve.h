/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * resolve - replaces alternative interface names in a policy by the interfaces' own names.
 *
 * The configuration may use an alternative name.  Everything after this step uses the own name.
 */
#ifndef EM_RESOLVE_H
#define EM_RESOLVE_H

#include <stdbool.h>

#include "policy/policy.h"
#include "state/record.h"

/*
 * Replaces each alternative name by the own name of the interface, see em_interface.  A name that
 * no interface has is kept.  Where the policy is to be used on this host, such a name is an error
 * if it is too long for an own name.  Reports interfaces that are named twice in a listener, and
 * listeners that claim the same packet under different names.  Returns 0, -EM_EUSAGE or -errno,
 * reported.
 */
int em_resolve(struct em_policy *policy, bool used_here, struct em_diag *diag);

/*
 * For a policy that has been in force: an interface that is not there by its own name any more is
 * looked for by the alternative name that the record has for it.  To be used here.
 */
int em_resolve_again(struct em_policy *policy, const struct em_record *record,
		     struct em_diag *diag);

#endif
