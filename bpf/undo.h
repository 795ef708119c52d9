/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/* undo - the way back from a set of changes, some of which have failed. */
#ifndef EM_UNDO_H
#define EM_UNDO_H

#include "bpf/changes.h"

/* Takes the steps back that succeeded, the last one first.  Reports where that fails. */
void em_undo(const struct em_changes *changes, struct em_diag *diag);

#endif
