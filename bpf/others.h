/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * others - programs and filters of others on an interface.
 */
#ifndef EM_OTHERS_H
#define EM_OTHERS_H

#include "engine/backend.h"

/* The operation `survey` of the backend. */
int em_others_list(const struct em_link *link, em_other_fn *found, void *context,
		   struct em_diag *diag);

#endif
