/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * ring - frames of which the kernel has only the Ethernet header in the linear part of the packet.
 */
#include "tests/lib/ring.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "tests/lib/rig_parts.h"

#define SLOT_SIZE  2048U
#define BLOCK_SIZE 4096U
/* Where the kernel looks for the frame in a slot. */
#define FRAME_AT (TPACKET2_HDRLEN - sizeof(struct sockaddr_ll))

void ring_open(struct ring *ring, const char *interface)
{
	const struct tpacket_req request = {
		.tp_block_size = BLOCK_SIZE,
		.tp_block_nr = RING_SLOTS * SLOT_SIZE / BLOCK_SIZE,
		.tp_frame_size = SLOT_SIZE,
		.tp_frame_nr = RING_SLOTS,
	};
	int version = TPACKET_V2;

	*ring = (struct ring){.fd = rig_packet_socket(interface, false)};
	if (setsockopt(ring->fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) ||
	    setsockopt(ring->fd, SOL_PACKET, PACKET_TX_RING, &request, sizeof(request)))
		rig_die("PACKET_TX_RING");
	ring->slots =
		mmap(NULL, RING_SLOTS * SLOT_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, 0);
	if (ring->slots == MAP_FAILED)
		rig_die("PACKET_TX_RING");
}

int ring_send(struct ring *ring, const uint8_t *frame, size_t length)
{
	struct tpacket2_hdr *slot = (void *)(ring->slots + ring->next * SLOT_SIZE);

	if (length > RING_FRAME_MAX)
		return -EMSGSIZE;
	ring->next = (ring->next + 1) % RING_SLOTS;
	memcpy((uint8_t *)slot + FRAME_AT, frame, length);
	slot->tp_len = length;
	__atomic_store_n(&slot->tp_status, TP_STATUS_SEND_REQUEST, __ATOMIC_RELEASE);
	return send(ring->fd, NULL, 0, 0) < 0 ? -errno : 0;
}
