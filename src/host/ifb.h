/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * ifb - the device `entitymux` of kind ifb, through which the nft backend makes copies.
 *
 * What is forwarded to such a device comes in again on the interface on which it came before,
 * behind the ingress hooks (drivers/net/ifb.c).  Each network namespace has one device of ours at
 * most.  Its alternative description (IFLA_IFALIAS) tells it from a device of somebody else with
 * the same name, which is never touched.
 */
#ifndef EM_IFB_H
#define EM_IFB_H

#include <stdbool.h>
#include <stdint.h>

#define EM_IFB_NAME "entitymux"
/* Packets that wait in it.  The 32 of a new ifb device lose packets in bursts. */
#define EM_IFB_QUEUE 10000

struct em_ifb {
	uint32_t ifindex; /* 0: there is none */
	bool ours;
	bool up;
	uint32_t queue; /* packets */
};

/* Returns 0, also where there is none, or -errno, unreported. */
int em_ifb_read(struct em_ifb *out);

/*
 * Makes the device, or mends the one of ours that is there, and reads it.  *made says whether it
 * is new.  Returns 0 or -errno, unreported: -EEXIST where the name is somebody else's, -EOPNOTSUPP
 * where the kernel has no such devices.
 */
int em_ifb_make(struct em_ifb *out, bool *made);

/*
 * Makes one in a network namespace for trials.  Returns 0 or -errno, unreported: -EOPNOTSUPP where
 * the kernel has no such devices, else see em_scratch_run_anyone().
 */
int em_ifb_try(void);

/* Deletes the device, if there is one of ours.  Returns 0 or -errno, unreported. */
int em_ifb_delete(void);

#endif
