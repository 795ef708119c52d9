/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * discover - which generation our programs on the interfaces are, and whether all of it is there.
 */
#ifndef EM_DISCOVER_H
#define EM_DISCOVER_H

#include "engine/backend.h"

/* The operation `inspect` of the backend. */
int em_discover(struct em_kernel_state *out, struct em_diag *diag);

#endif
