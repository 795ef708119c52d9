/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * capture - the packets of a capture file (pcap, pcapng) as Ethernet frames.
 */
#ifndef EM_CAPTURE_H
#define EM_CAPTURE_H

#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

struct em_capture;

struct em_frame {
	uint64_t number; /* in the capture, from 1 */
	uint8_t *bytes;	 /* may be changed; the capture's, until its next frame */
	size_t length;	 /* bytes, as on the wire */
	size_t captured; /* the first of them, which are known; the others are 0 */
};

/*
 * Opens a file, or standard input where path is "-".  A packet without an Ethernet header gets one
 * with its protocol: link types of Linux "any" devices, of raw IP and of loopback devices.  Returns
 * 0 or -errno, reported; a file that is no capture or that has another link type is -EINVAL.
 */
int em_capture_open(struct em_capture **out, const char *path, struct em_diag *diag);

/*
 * Passes over packets that the capture of an "any" device says this host has sent.  Returns 1 with
 * a frame, 0 at the end, or -errno, reported.
 */
int em_capture_next(struct em_capture *capture, struct em_frame *frame, struct em_diag *diag);

void em_capture_close(struct em_capture *capture);
void em_capture_closep(struct em_capture **capture);

#endif
