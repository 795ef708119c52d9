/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * policy - the two policies that are applied, and what each does with the datagrams of
 * host_where().
 */
#ifndef FAULTS_POLICY_H
#define FAULTS_POLICY_H

#include "host.h"

enum policy { NOTHING, OLD, NEW, POLICIES };

/* Writes both, and says where. */
void policy_write_files(void);
const char *policy_file(enum policy policy);

/* Sends datagrams, and returns which policy all of them have met; POLICIES: none of these.
 */
enum policy policy_in_force(struct host_ports *where);

/* Adds what the policy counts of them. */
void policy_count(struct host_counters *counters, enum policy policy);

#endif
