/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * events - waits until something changes on this host: an interface, what is attached to one at XDP
 * or TC, or a ruleset of nf_tables.  What changed is not said; whoever waits looks again.
 */
#ifndef EM_EVENTS_H
#define EM_EVENTS_H

/* Netlink sockets that are in the groups of these changes; -1: the kernel has no such group. */
struct em_events {
	int links;
	int rulesets;
};

/* Returns 0 or -errno, unreported.  *out is closed with em_events_close() in any case. */
int em_events_open(struct em_events *out);
void em_events_close(struct em_events *events);

/*
 * Waits for a change, at most so many milliseconds, and takes all that have been announced.
 * Returns 1 for a change, 0 where the time is over, or -errno, unreported.
 */
int em_events_wait(const struct em_events *events, int milliseconds);

#endif
