/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * rig - two network namespaces in which every frame that a policy lets pass can be seen whole.
 *
 *	sender namespace        host namespace: entitymux runs here
 *	tx0 ------------------- in0 \
 *	tx1 ------------------- in1  bridge
 *	capture --------------- out /
 *
 * Frames are sent on tx0 or tx1.  The bridge floods them unchanged, behind XDP, TC and nf_tables
 * ingress alike, and they are read back from capture.  The namespaces have no names and no other
 * processes: the kernel takes them away with this one, however it ends.
 */
#ifndef TEST_RIG_H
#define TEST_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/lib/packet.h"
#include "tests/lib/ring.h"

#define RIG_INTERFACES 2

struct rig {
	int senders[RIG_INTERFACES];	   /* AF_PACKET on tx0, tx1 */
	struct ring rings[RIG_INTERFACES]; /* for frames in pages */
	int capture;			   /* AF_PACKET on capture */
	uint32_t sentinels;		   /* sent so far */
};

/*
 * Builds the rig and moves this process into the host namespace.  What cannot be built is
 * printed, and ends the program.
 */
void rig_open(struct rig *rig);

/*
 * Sends a frame to in0 or in1, and behind it a sentinel; what arrives before the sentinel goes to
 * seen[max].  Returns how many frames that were (which may be more than max), or -ETIMEDOUT.
 */
int rig_exchange(struct rig *rig, unsigned int interface, const struct packet *frame,
		 struct packet *seen, int max);

/*
 * For stream.c: sends a frame of its own kind, with the number rig->sentinels, behind what was sent
 * to in0 or in1 (0 or -errno); whether a frame is one of these, and its number; and a frame as it
 * was before the kernel moved its outermost VLAN tag out of it (the new length).
 */
int rig_send_sentinel(struct rig *rig, unsigned int interface);
bool rig_is_sentinel(const uint8_t *frame, size_t length, uint32_t *number);
struct tpacket_auxdata;
size_t rig_put_tag_back(uint8_t *frame, size_t length, const struct tpacket_auxdata *aux);

/* What a command wrote, and its exit status (128 and more: it was killed). */
struct rig_output {
	char *out;
	char *err;
	int status;
};

/* Runs a command in the host namespace; argv[0] is looked up in PATH. */
void rig_run(struct rig_output *output, const char *const *argv);
void rig_output_clear(struct rig_output *output);

/*
 * All that a backend could leave in the host namespace, as text: links with their XDP programs,
 * qdiscs, TC filters, nf_tables rules.  The caller frees it.
 */
char *rig_snapshot(void);

/* A folder that lives as long as this process. */
const char *rig_folder(void);

#endif
