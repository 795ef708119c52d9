/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/* marks - lets the programs of a generation mark what they have decided about; see backend.h. */
#ifndef EM_BPF_MARKS_H
#define EM_BPF_MARKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"

/*
 * Begins or ends with that, in the newest generation (0) or in another, if it is attached.  Returns
 * 0 or -errno, reported.
 */
int em_marks_set(uint32_t generation, bool on, struct em_diag *diag);

#endif
