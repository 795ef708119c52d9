/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * policy - the two policies that are applied, and the first after edits; what each does with the
 * datagrams of host_where().
 */
#ifndef FAULTS_POLICY_H
#define FAULTS_POLICY_H

#include "host.h"

/* The last three are the old one with an entity of tag 3 and port 6003, with tag 2 moved there, and
 * without tag 2. */
enum policy { NOTHING, OLD, NEW, ADDED, MOVED, DELETED, POLICIES };

/*
 * Writes the two, with copies of each datagram to HOST_COPIES or without, and says where.
 * `in_file`: the entities of the old one are in a file of their own.
 */
void policy_write_files(bool copies, bool in_file);
const char *policy_file(enum policy policy);

/* Which policy the entities file has, OLD or ADDED; POLICIES: it is not whole. */
enum policy policy_in_file(void);

/* Sends datagrams, and returns which policy all of them have met; POLICIES: none of these. */
enum policy policy_in_force(struct host_ports *where);

/* Adds what the policy counts of them. */
void policy_count(struct host_counters *counters, enum policy policy);

#endif
