/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/* watch - `stats --watch`: rates on a terminal, read again and again, until a key or a signal. */
#ifndef EM_WATCH_H
#define EM_WATCH_H

#include "base/diag.h"
#include "print/rows.h"

/*
 * Takes over the terminal, see screen.h, and reads every so many seconds what is in force then.
 * Returns 0 when it was ended by the user, or -errno, reported when the terminal is restored.
 */
int em_print_watch(const struct em_rows_wanted *wanted, unsigned int seconds, struct em_diag *diag);

#endif
