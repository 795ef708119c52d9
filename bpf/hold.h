/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * hold - the places of native XDP programs, held by one that passes everything until they come.
 *
 * Whether a driver takes a native program shows only when it gets one.  It stays to hold the place:
 * most NICs reset their queues when the first program comes, but not when it is replaced.
 */
#ifndef EM_HOLD_H
#define EM_HOLD_H

#include "engine/backend.h"

struct em_hold; /* what is held */

/*
 * Where the kernel replaces no given program, what holds a place is a stub, also that of a generic
 * program; see stub.h.
 */

/*
 * Holds the places that the plan needs; where a driver refuses, and may, the interface gets TC.
 * Fills in `fragments` of the plan's attachments.  *out is ended by one of the functions below.
 * Returns 0, em_outcome_lacks(), or -errno, reported; then nothing is held.
 */
int em_hold_places(struct em_hold **out, struct em_plan *plan, struct em_outcome *outcome,
		   struct em_diag *diag);

/*
 * Frees the handle (may be NULL). The first keeps what is attached, because the real programs are
 * there now; the second detaches the placeholders, too.
 */
void em_hold_free(struct em_hold *hold);
void em_hold_give_up(struct em_hold *hold);

#endif
