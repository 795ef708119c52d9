/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * policy - the two policies that are applied, and the first after an edit; what each does with the
 * datagrams of host_where().
 */
#ifndef FAULTS_POLICY_H
#define FAULTS_POLICY_H

#include "host.h"

enum policy { NOTHING, OLD, NEW, EDITED, POLICIES };

/* What the edit adds to the old one. */
#define POLICY_EDIT_TAG	 "0x00000003"
#define POLICY_EDIT_PORT "6003"

/* Writes the two, with copies of each datagram to HOST_COPIES or without, and says where. */
void policy_write_files(bool copies);
const char *policy_file(enum policy policy);

/* Sends datagrams, and returns which policy all of them have met; POLICIES: none of these. */
enum policy policy_in_force(struct host_ports *where);

/* Adds what the policy counts of them. */
void policy_count(struct host_counters *counters, enum policy policy);

#endif
