/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * stream - many frames through the rig at a time.
 */
#include "tests/lib/stream.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#define BATCH 32
#define TRIES 15

/* Room for a VLAN tag that is put back. */
#define TAG_LENGTH 4

struct slot {
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	struct iovec iov;
	uint8_t bytes[STREAM_FRAME_MAX];
};

static int send_linear(int fd, const struct stream_frame *const *frames, unsigned int n)
{
	struct mmsghdr messages[STREAM_WINDOW] = {0};
	struct iovec iov[STREAM_WINDOW];
	unsigned int sent = 0;

	for (unsigned int i = 0; i < n; i++) {
		iov[i].iov_base = (void *)(uintptr_t)frames[i]->bytes;
		iov[i].iov_len = frames[i]->length;
		messages[i].msg_hdr.msg_iov = &iov[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	while (sent < n) {
		int more = sendmmsg(fd, messages + sent, n - sent, 0);

		if (more < 0)
			return -errno;
		sent += more;
	}
	return 0;
}

/* In their order, whichever way each of them goes. */
static int send_all(struct rig *rig, unsigned int interface,
		    const struct stream_frame *const *frames, unsigned int n)
{
	unsigned int i = 0;
	int err = 0;

	while (!err && i < n) {
		unsigned int linear = 0;

		while (i + linear < n && !frames[i + linear]->paged)
			linear++;
		err = send_linear(rig->senders[interface], frames + i, linear);
		i += linear;
		if (!err && i < n) {
			err = ring_send(&rig->rings[interface], frames[i]->bytes,
					frames[i]->length);
			i++;
		}
	}
	return err;
}

static void take(struct stream_frame *frame, const struct mmsghdr *message, const struct slot *slot)
{
	const struct cmsghdr *header = (const void *)slot->control;
	size_t length = message->msg_len;
	struct tpacket_auxdata aux = {0};

	if (length > STREAM_FRAME_MAX - TAG_LENGTH)
		length = STREAM_FRAME_MAX - TAG_LENGTH;
	if (message->msg_hdr.msg_controllen && header->cmsg_level == SOL_PACKET &&
	    header->cmsg_type == PACKET_AUXDATA)
		memcpy(&aux, CMSG_DATA(header), sizeof(aux));
	memcpy(frame->bytes, slot->bytes, length);
	frame->length = length;
	frame->paged = false;
	if (aux.tp_status & TP_STATUS_VLAN_VALID)
		frame->length = rig_put_tag_back(frame->bytes, length, &aux);
}

/* Up to a batch of frames, at least one.  Returns how many or -errno. */
static int receive(int fd, struct slot *slots, struct stream_frame *frames)
{
	struct mmsghdr messages[BATCH] = {0};
	int n;

	for (unsigned int i = 0; i < BATCH; i++) {
		slots[i].iov = (struct iovec){slots[i].bytes, STREAM_FRAME_MAX};
		messages[i].msg_hdr = (struct msghdr){
			.msg_iov = &slots[i].iov,
			.msg_iovlen = 1,
			.msg_control = slots[i].control,
			.msg_controllen = sizeof(slots[i].control),
		};
	}
	n = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);
	if (n < 0)
		return -errno;
	for (int i = 0; i < n; i++)
		take(&frames[i], &messages[i], &slots[i]);
	return n;
}

/* The same, with patience: on a busy machine softirqs may wait for seconds. */
static int wait_for_frames(int fd, struct slot *slots, struct stream_frame *frames)
{
	int n = -EAGAIN;

	for (int tries = 0; n == -EAGAIN && tries < TRIES; tries++)
		n = receive(fd, slots, frames);
	return n;
}

int stream_exchange(struct rig *rig, unsigned int interface,
		    const struct stream_frame *const *frames, unsigned int n,
		    struct stream_frame *seen)
{
	struct stream_frame batch[BATCH];
	struct slot slots[BATCH];
	bool done = false;
	int count = 0, err;

	err = send_all(rig, interface, frames, n);
	if (!err)
		err = rig_send_sentinel(rig, interface);
	while (!err && !done) {
		int got = wait_for_frames(rig->capture, slots, batch);

		if (got < 0)
			return got;
		for (int i = 0; i < got; i++) {
			uint32_t sentinel;

			if (!rig_is_sentinel(batch[i].bytes, batch[i].length, &sentinel)) {
				if (count < STREAM_WINDOW)
					seen[count] = batch[i];
				count++;
			} else if (sentinel == rig->sentinels) {
				/* Behind it there may be copies, which nft makes late. */
				done = true;
			} else {
				/* That was what came too late for an exchange before. */
				count = 0;
			}
		}
	}
	return err ? err : count;
}
