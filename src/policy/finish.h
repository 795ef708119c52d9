/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * finish - shared by the files of em_policy_finish(), and by nobody else.
 */
#ifndef EM_FINISH_H
#define EM_FINISH_H

#include "policy/policy.h"

#define EM_FINISH_PATH_MAX 64

/* "formats[1]." where the listener has the key.  Returns text. */
const char *em_finish_path(const struct em_listener *listener, const struct em_format *format,
			   char text[EM_FINISH_PATH_MAX]);

/* "line 7", or with the name of another file, or "in force" without a line.  Returns text. */
const char *em_finish_where(const struct em_place *there, const struct em_place *here, char *text,
			    size_t size);

/*
 * Reports formats of one name, formats that can never be reached because those before them fit all
 * that they fit, and tags of another IP version than all that the listener permits.  Returns 0 or
 * -EM_EUSAGE.
 */
int em_finish_formats(const struct em_listener *listener, struct em_diag *diag);

/*
 * The part of em_policy_finish() that concerns the entities of a format.  Returns 0, -EM_EUSAGE or
 * -ENOMEM.
 */
int em_finish_entities(const struct em_listener *listener, struct em_format *format,
		       struct em_diag *diag);

/*
 * Reports ports of copies that get a datagram of the format already.  Returns 0 or -EM_EUSAGE.
 */
int em_finish_copies(const struct em_listener *listener, const struct em_format *format,
		     struct em_diag *diag);
/*
 * Reports ports of copies that are the port of a listener on the same interface, or in two lists of
 * a listener.  Returns 0 or -EM_EUSAGE.
 */
int em_finish_loops(const struct em_policy *policy, struct em_diag *diag);

/*
 * Makes the intervals of a format whose entities are sorted, and lie within each other or apart.
 * Returns 0 or -ENOMEM.
 */
int em_finish_intervals(struct em_format *format);

#endif
