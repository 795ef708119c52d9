/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "bpf/stub.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "bpf/attached.h"
#include "bpf/pins.h"
#include "bpf/trial.h"

#define JUMPS_MAP "entitymux_jump" /* a program in each slot */
#define SLOT_MAP  "entitymux_slot" /* the number of the one in force */

int em_stub_needed(void)
{
	int replaces = em_trial_replaces();

	return replaces < 0 ? replaces : !replaces;
}

int em_stub_possible(void)
{
	int needed = em_stub_needed();

	return needed > 0 ? em_pins_possible() : needed < 0 ? needed : 1;
}

/* What is in force is read first, so that a packet meets one generation only. */
static int load_program(int jumps, int slot)
{
	/* Newer kernels jump only to a program that was loaded likewise. */
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_XDP);
	const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_6, .src_reg = BPF_REG_1},
		{.code = BPF_ST | BPF_MEM | BPF_W, .dst_reg = BPF_REG_10, .off = -4},
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_2, .src_reg = BPF_REG_10},
		{.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = BPF_REG_2, .imm = -4},
		{.code = BPF_LD | BPF_IMM | BPF_DW,
		 .dst_reg = BPF_REG_1,
		 .src_reg = BPF_PSEUDO_MAP_FD,
		 .imm = slot},
		{0},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_map_lookup_elem},
		{.code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = BPF_REG_0, .off = 5},
		{.code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = BPF_REG_3, .src_reg = BPF_REG_0},
		{.code = BPF_LD | BPF_IMM | BPF_DW,
		 .dst_reg = BPF_REG_2,
		 .src_reg = BPF_PSEUDO_MAP_FD,
		 .imm = jumps},
		{0},
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_1, .src_reg = BPF_REG_6},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_tail_call},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};

	return bpf_prog_load(BPF_PROG_TYPE_XDP, EM_STUB_NAME, "GPL", insns,
			     sizeof(insns) / sizeof(insns[0]), &options);
}

static int pin(int stub, int jumps, int slot)
{
	const int maps[] = {jumps, slot};
	const struct em_pins pins = {.maps = maps, .programs = &stub, .n_maps = 2, .n_programs = 1};

	return em_pins_add(&pins);
}

int em_stub_load(int like)
{
	int jumps __attribute__((cleanup(em_closep))) =
		bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, JUMPS_MAP, sizeof(uint32_t),
			       sizeof(uint32_t), EM_STUB_SLOTS, NULL);
	int slot __attribute__((cleanup(em_closep))) =
		like >= 0 ? em_attached_open_map(like, SLOT_MAP)
			  : bpf_map_create(BPF_MAP_TYPE_ARRAY, SLOT_MAP, sizeof(uint32_t),
					   sizeof(uint32_t), 1, NULL);
	int stub, rc;

	if (jumps < 0 || slot < 0)
		return jumps < 0 ? jumps : slot;
	stub = load_program(jumps, slot);
	if (stub < 0)
		return stub;
	rc = pin(stub, jumps, slot);
	if (!rc)
		return stub;
	close(stub);
	return rc;
}

/* The maps of a stub. */
struct maps {
	int jumps;
	int slot;
};

static void close_maps(struct maps *maps)
{
	em_closep(&maps->jumps);
	em_closep(&maps->slot);
}

static int open_maps(struct maps *maps, int stub)
{
	maps->jumps = em_attached_open_map(stub, JUMPS_MAP);
	maps->slot = em_attached_open_map(stub, SLOT_MAP);
	return maps->jumps < 0 ? maps->jumps : maps->slot < 0 ? maps->slot : 0;
}

int em_stub_pin(int stub)
{
	struct maps maps __attribute__((cleanup(close_maps)));
	int rc = open_maps(&maps, stub);

	return rc ? rc : pin(stub, maps.jumps, maps.slot);
}

int em_stub_read(struct em_stub_state *out, int stub)
{
	struct maps maps __attribute__((cleanup(close_maps)));
	struct bpf_map_info info = {0};
	uint32_t length = sizeof(info);
	const uint32_t zero = 0;
	int rc = open_maps(&maps, stub);

	*out = (struct em_stub_state){0};
	if (!rc)
		rc = bpf_obj_get_info_by_fd(maps.slot, &info, &length);
	out->slots = info.id;
	if (!rc)
		rc = bpf_map_lookup_elem(maps.slot, &zero, &out->slot);
	if (!rc && out->slot >= EM_STUB_SLOTS)
		return -EUCLEAN;
	for (uint32_t i = 0; !rc && i < EM_STUB_SLOTS; i++) {
		rc = bpf_map_lookup_elem(maps.jumps, &i, &out->programs[i]);
		if (rc == -ENOENT)
			rc = 0;
	}
	return rc;
}

int em_stub_put(int stub, uint32_t slot, int program)
{
	int jumps __attribute__((cleanup(em_closep))) = em_attached_open_map(stub, JUMPS_MAP);
	int rc;

	if (jumps < 0)
		return jumps;
	if (program >= 0)
		return bpf_map_update_elem(jumps, &slot, &program, BPF_ANY);
	rc = bpf_map_delete_elem(jumps, &slot);
	return rc == -ENOENT ? 0 : rc;
}

int em_stub_switch(int stub, uint32_t slot)
{
	int map __attribute__((cleanup(em_closep))) = em_attached_open_map(stub, SLOT_MAP);
	const uint32_t zero = 0;

	return map < 0 ? map : bpf_map_update_elem(map, &zero, &slot, BPF_EXIST);
}
