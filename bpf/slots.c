/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "bpf/slots.h"

#include <errno.h>

/* The slot of a stub that is not in force. */
static uint32_t free_slot(const struct em_attached *present)
{
	return (present->jumps.slot + 1) % EM_STUB_SLOTS;
}

static void put(struct em_changes *changes, const struct em_attached *present, int program)
{
	const struct em_rtnl_change step = {.kind = EM_RTNL_STUB_PUT,
					    .ifindex = present->ifindex,
					    .program = program,
					    .expected = present->stub,
					    .slot = free_slot(present)};

	em_changes_add(changes, &step, present);
}

/* What a run that died, or the generation before, has left there must not come into force. */
void em_slots_empty(struct em_changes *changes)
{
	for (size_t i = 0; i < changes->n_present; i++) {
		const struct em_attached *present = &changes->present[i];

		if (present->stub >= 0 && present->jumps.programs[free_slot(present)])
			put(changes, present, -1);
	}
}

/* In whichever mode. */
static const struct em_attached *find_stub(const struct em_changes *changes, unsigned int ifindex)
{
	for (size_t i = 0; i < changes->n_present; i++)
		if (changes->present[i].ifindex == ifindex && changes->present[i].stub >= 0)
			return &changes->present[i];
	return NULL;
}

int em_slots_add(struct em_changes *changes, unsigned int ifindex, enum em_hook hook, int program)
{
	const struct em_attached *present = find_stub(changes, ifindex);
	struct em_rtnl_change step = {.kind = EM_RTNL_XDP,
				      .ifindex = ifindex,
				      .mode = em_attached_mode(hook),
				      .expected = -1,
				      .unchecked = true};

	if (!present)
		return -EBUSY;
	put(changes, present, program);
	step.program = present->stub;
	if (present->hook != hook)
		em_changes_add(changes, &step, NULL);
	return 0;
}

static bool is_switched(const struct em_changes *changes, const struct em_attached *present)
{
	for (size_t i = 0; i < changes->n_steps; i++)
		if (changes->steps[i].kind == EM_RTNL_STUB_SWITCH &&
		    changes->before[i].jumps.slots == present->jumps.slots)
			return true;
	return false;
}

/*
 * All stubs of a namespace have the same number, except one that has been in another namespace
 * meanwhile.
 */
void em_slots_switch(struct em_changes *changes)
{
	for (size_t i = 0; i < changes->n_present; i++) {
		const struct em_attached *present = &changes->present[i];
		const struct em_rtnl_change step = {.kind = EM_RTNL_STUB_SWITCH,
						    .ifindex = present->ifindex,
						    .expected = present->stub,
						    .slot = free_slot(present)};

		if (present->stub >= 0 && !is_switched(changes, present))
			em_changes_add(changes, &step, present);
	}
}
