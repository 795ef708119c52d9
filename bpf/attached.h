/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attached - our programs found again through the interfaces they are attached to, and the
 * counters in their maps.
 */
#ifndef EM_ATTACHED_H
#define EM_ATTACHED_H

#include <stdbool.h>
#include <stdint.h>

#include "datapath.h"

/* The XDP program of an interface. */
struct em_attached {
	int fd;		     /* -1: there is none, or it is not ours; else the caller's to close */
	uint32_t id;	     /* 0: there is none */
	char name[16];	     /* as far as the kernel keeps it */
	uint32_t mode;	     /* XDP_FLAGS_DRV_MODE, XDP_FLAGS_SKB_MODE or XDP_FLAGS_HW_MODE */
	uint32_t generation; /* of ours */
};

/*
 * Looks at an interface.  Returns 0 or -errno, unreported; a kernel without bpf(2), and a process
 * that may not look, has none of ours there.
 */
int em_attached_find(struct em_attached *out, unsigned int ifindex);
bool em_attached_is_ours(const struct em_attached *attached);

/* The operations of the backend. */
int em_attached_open_counters(struct em_counters **out, int program, struct em_diag *diag);
int em_attached_read_counters(struct em_counters *counters, const struct em_policy *policy,
		     struct em_stats *stats, struct em_diag *diag);
void em_attached_close_counters(struct em_counters *counters);

#endif
