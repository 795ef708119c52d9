/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * keep - what a transaction keeps in the state for those after it: the record of the new
 * generation, and its policy.
 */
#ifndef EM_KEEP_H
#define EM_KEEP_H

#include "engine/transaction.h"

/* Names the interfaces of the plan as the record that it keeps does. */
void em_keep_aliases(struct em_transaction *t);

/* How many edits the policy has that its configuration does not have: before an edit, and then. */
uint32_t em_keep_edits_before(const struct em_transaction *t);
uint32_t em_keep_edits(const struct em_transaction *t);

/* Whether a change of the transaction takes back what was edited live. */
bool em_keep_takes_back(const struct em_transaction *t, const struct em_change *change);

/* Whether what is in force was installed by this version. */
bool em_keep_has_programs(const struct em_transaction *t);

/* Writes the folder of the new generation.  Returns 0 or -errno, reported. */
int em_keep_record(const struct em_transaction *t);

#endif
