/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "bpf/marks.h"

#include <bpf/bpf.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "bpf/abi.h"
#include "bpf/attached.h"
#include "engine/backend.h"

#define CLAIM_MAP "entitymux_claim"

_Static_assert(EM_ABI_HANDED == EM_HANDOVER_MARK, "the backends agree");
_Static_assert(EM_ABI_HANDED_MASK == EM_HANDOVER_MASK, "the backends agree");

/* Programs read the claim meanwhile; only one field of it changes. */
static int set_claim(int map, uint32_t slot, uint16_t used)
{
	struct em_abi_claim claim;
	int rc = bpf_map_lookup_elem(map, &slot, &claim);

	if (rc || claim.used == EM_ABI_FREE || claim.used == used)
		return rc;
	claim.used = used;
	return bpf_map_update_elem(map, &slot, &claim, BPF_EXIST);
}

static int set_claims(int program, uint16_t used)
{
	int map __attribute__((cleanup(em_closep))) = em_attached_open_map(program, CLAIM_MAP);
	struct bpf_map_info info = {0};
	uint32_t length = sizeof(info);
	int rc;

	if (map < 0)
		return map;
	rc = bpf_obj_get_info_by_fd(map, &info, &length);
	if (!rc && info.value_size != sizeof(struct em_abi_claim))
		return 0;
	for (uint32_t slot = 0; !rc && slot < info.max_entries; slot++)
		rc = set_claim(map, slot, used);
	return rc;
}

int em_marks_set(uint32_t generation, bool on, struct em_diag *diag)
{
	int program, rc = em_attached_find(&program, generation, diag);

	if (rc || program < 0)
		return rc;
	rc = set_claims(program, on ? EM_ABI_HANDS_OVER : EM_ABI_USED);
	close(program);
	return rc ? em_diag_errno(diag, rc, NULL, "bpf: cannot change a map") : 0;
}
