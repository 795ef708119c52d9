/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * ring - frames of which the kernel has only the Ethernet header in the linear part of the packet.
 *
 * send(2) on a packet socket copies a frame of up to a page into the linear part, as most drivers
 * do with the headers of what they receive.  A PACKET_TX_RING leaves in the pages of the ring what
 * is behind the Ethernet header.
 */
#ifndef TEST_RING_H
#define TEST_RING_H

#include <stddef.h>
#include <stdint.h>

#define RING_SLOTS     128 /* frames that may be on their way at once */
#define RING_FRAME_MAX 1536

struct ring {
	int fd;
	uint8_t *slots;
	unsigned int next;
};

/* On an interface of this namespace.  What cannot be done is printed, and ends the program. */
void ring_open(struct ring *ring, const char *interface);

/* Returns 0 or -errno. */
int ring_send(struct ring *ring, const uint8_t *frame, size_t length);

#endif
