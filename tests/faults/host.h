/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * host - two network namespaces with a wire between them, in the first of which policies are
 * applied, and what can be seen of them: where datagrams arrive, what was counted, what is there.
 */
#ifndef FAULTS_HOST_H
#define FAULTS_HOST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define HOST_LISTENER 5000 /* port of the listener of every policy */
#define HOST_COPIES   8001 /* port of copies */
#define HOST_TAGS     4	   /* datagrams that host_where() sends, with the tags 1, 2, … */

/* Where the datagram with each tag arrived, 0: nowhere; how many copies of it came. */
struct host_ports {
	uint16_t of[HOST_TAGS];
	uint8_t copies[HOST_TAGS];
};

/* What a listener named "sorter" has counted. */
struct host_counters {
	uint64_t packets, rewritten, unknown, copied;
	uint64_t entities[HOST_TAGS]; /* of the first ones */
};

/*
 * Builds the namespaces, moves this process into the first of them, with a /run, a /sys and a bpffs
 * of its own.  What cannot be built is printed, and ends the program.
 */
void host_open(void);

/* The real user who loads programs here, and nowhere else: the kernel remembers it. */
uid_t host_uid(void);

/* Kills the processes that a command has left behind. */
void host_kill_orphans(void);

/* Sends one datagram for each tag.  Copies may be late, and are waited for a moment. */
struct host_ports host_where(bool copies);

/* False: `text`, what `stats --json` prints, has no such listener. */
bool host_read_counters(struct host_counters *counters, const char *text);

/*
 * All that entitymux may have in the kernel and in /run, as text, the caller's.  `rough`: without
 * what differs from one generation to the next (numbers become '#') and the files of /run.  What
 * nobody uses any more goes away a moment later: where the text differs from `expected` (may be
 * NULL), it is taken again for up to some milliseconds.
 */
char *host_snapshot(bool rough, const char *expected, int milliseconds);

/* The first line that differs between two, as text that lasts until the next call. */
const char *host_difference(const char *expected, const char *seen);

#endif
