/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/* grace - waits until no packet is still being handled by what has been replaced. */
#ifndef EM_GRACE_H
#define EM_GRACE_H

/* Returns when all packets that were being handled at the time of the call are done. */
void em_grace_wait(void);

#endif
