/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * heal - puts the policy in force in its place again, from the state and never from its file.
 */
#ifndef EM_HEAL_H
#define EM_HEAL_H

#include <stdbool.h>

#include "base/diag.h"

struct em_heal {
	bool applied; /* there is a policy in force */
	bool whole;   /* it was whole, or is again */
	bool healed;  /* it was not */
	bool waits;   /* it waits for confirmation: it is left alone */
};

/* Looks once, and mends what is missing.  Returns 0 or -errno, reported. */
int em_heal_once(struct em_heal *out, struct em_diag *diag);

/*
 * What is told.  text is NULL for a policy that was mended, or says why it could not be; the same
 * reason is told once.
 */
typedef void em_heal_fn(void *context, const char *text);

/*
 * Stays, and mends whenever something changes.  A policy that is taken away again and again is put
 * back less and less often, once a minute in the end.  Returns -errno, reported, where it cannot
 * go on.
 */
int em_heal_run(em_heal_fn *tell, void *context, struct em_diag *diag);

#endif
