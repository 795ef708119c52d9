/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * grace - waiting until no packet is under way any more in what has been replaced.
 */
#ifndef EM_GRACE_H
#define EM_GRACE_H

/* Returns after every packet that was being handled when it was called is through. */
void em_grace_wait(void);

#endif
