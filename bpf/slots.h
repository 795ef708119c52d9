/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/* slots - the changes that bring programs into force in the slots of stubs; see stub.h. */
#ifndef EM_SLOTS_H
#define EM_SLOTS_H

#include "bpf/changes.h"

/* Empties the slots that are not in force. */
void em_slots_empty(struct em_changes *changes);

/*
 * Puts a program into the free slot of the stub of an interface.  If that is to be at the other
 * hook of XDP, a step before has taken it off; it comes to the new one.  Returns 0, or -EBUSY,
 * unreported, where there is no stub.
 */
int em_slots_add(struct em_changes *changes, unsigned int ifindex, enum em_hook hook, int program);

/* Brings the free slots of all stubs that are present into force. */
void em_slots_switch(struct em_changes *changes);

#endif
