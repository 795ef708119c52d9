/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * rig_parts - what the rigs are made of.  What cannot be done is printed, and ends the program.
 */
#ifndef TEST_RIG_PARTS_H
#define TEST_RIG_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#define RIG_TIMEOUT_MS 2000 /* for a frame to arrive */

void __attribute__((noreturn)) rig_die(const char *what);

/* To a file under /proc/sys, say, if there is one. */
void rig_write_file(const char *path, const char *text);

/* Leaves this process in a new network namespace, without IPv6 of its own; returns the namespace.
 */
int rig_new_namespace(void);
void rig_enter(int namespace);

/*
 * A mount namespace in which the state of entitymux is our own, and /sys shows the interfaces of
 * this network namespace: it belongs to the one in which it is mounted.
 */
void rig_private_mounts(void);

/* Runs a script, which has to succeed. */
void rig_shell(const char *script);

/* Checksums, segmentation, aggregation and VLAN tags are as in the frame. */
void rig_no_offloads(const char *const *interfaces, size_t count);

/*
 * AF_PACKET on an interface of this namespace.  Receives only where asked to: a socket that sends
 * would fill up with the frames it has sent.
 */
int rig_packet_socket(const char *interface, bool receive);

/* So that nothing is lost while the other end sends, and nobody waits for what was lost. */
void rig_prepare_capture(int fd);

#endif
