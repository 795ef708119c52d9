/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "bpf/object.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/lost.h"

/* Generated, by rules of its own. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual"
#include "bpf/kernel/tc.skel.h"
#include "bpf/kernel/tc_plain.skel.h"
#include "bpf/kernel/tc_unrolled.skel.h"
#include "bpf/kernel/xdp.skel.h"
#include "bpf/kernel/xdp_plain.skel.h"
#include "bpf/kernel/xdp_unrolled.skel.h"
#pragma GCC diagnostic pop

#define CONSTANTS_MAP "entitymux_const"

/*
 * BPF_LOG_STATS: what it verifies is not listed, so that the reason of an error has room.  Kernels
 * before 5.2 would list it in full: for those, libbpf asks for a log only once a program has
 * failed.
 */
#define LOG_LEVEL 4
#define NO_LOG	  0

static const struct {
	const void *(*bytes)(size_t *size);
	const char *name;
} built_in[EM_VARIANTS][2] = {
	[EM_VARIANT_FULL] = {{em_xdp__elf_bytes, "em_xdp"}, {em_tc__elf_bytes, "em_tc"}},
	[EM_VARIANT_PLAIN] = {{em_xdp_plain__elf_bytes, "em_xdp"},
			      {em_tc_plain__elf_bytes, "em_tc"}},
	[EM_VARIANT_UNROLLED] = {{em_xdp_unrolled__elf_bytes, "em_xdp"},
				 {em_tc_unrolled__elf_bytes, "em_tc"}},
};

/* FNV-1a of each word. */
uint64_t em_objects_hash(void)
{
	uint64_t hash = 0xcbf29ce484222325ULL ^ EM_ABI_VERSION, word;

	for (size_t i = 0; i < EM_VARIANTS * 2; i++) {
		size_t length;
		const char *bytes = built_in[i / 2][i % 2].bytes(&length);

		for (size_t at = 0; at + sizeof(word) <= length; at += sizeof(word)) {
			memcpy(&word, bytes + at, sizeof(word));
			hash = (hash ^ word) * 0x100000001b3ULL;
			hash ^= hash >> 32;
		}
	}
	return hash;
}

static struct bpf_object *open_object(enum em_variant variant, bool at_tc, char *log)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .kernel_log_buf = log,
		    .kernel_log_size = EM_OBJECTS_LOG,
		    .object_name = built_in[variant][at_tc].name);
	size_t length;
	const void *bytes = built_in[variant][at_tc].bytes(&length);

	return bpf_object__open_mem(bytes, length, &options);
}

/* Of the kinds, the ones at TC or the ones at XDP. */
static unsigned int kinds_at(unsigned int kinds, bool at_tc)
{
	for (enum em_program_kind kind = 0; kind < EM_PROGRAM_KINDS; kind++)
		if (em_programs_at_tc(kind) != at_tc)
			kinds &= ~(1U << kind);
	return kinds;
}

struct bpf_program *em_objects_find(const struct em_objects *objects, enum em_program_kind kind)
{
	const struct bpf_object *object = em_programs_at_tc(kind) ? objects->tc : objects->xdp;

	return bpf_object__find_program_by_name(object, em_programs_name(kind));
}

static void select_programs(const struct em_objects *objects, enum em_variant variant,
			    unsigned int kinds)
{
	const int level = variant == EM_VARIANT_UNROLLED ? NO_LOG : LOG_LEVEL;

	for (enum em_program_kind kind = 0; kind < EM_PROGRAM_KINDS; kind++) {
		struct bpf_program *program;

		if (!(em_programs_at_tc(kind) ? objects->tc : objects->xdp))
			continue;
		program = em_objects_find(objects, kind);
		bpf_program__set_autoload(program, kinds & 1U << kind);
		bpf_program__set_log_level(program, level);
	}
}

int em_objects_open(struct em_objects *objects, enum em_variant variant, unsigned int kinds)
{
	objects->log[0] = '\0';
	if (kinds_at(kinds, false)) {
		objects->xdp = open_object(variant, false, objects->log);
		if (!objects->xdp)
			return -errno;
	}
	if (kinds_at(kinds, true)) {
		objects->tc = open_object(variant, true, objects->log);
		if (!objects->tc)
			return -errno;
	}
	select_programs(objects, variant, kinds);
	return 0;
}

void em_objects_close(struct em_objects *objects)
{
	bpf_object__close(objects->tc);
	bpf_object__close(objects->xdp);
	free(objects->in_map);
	objects->tc = objects->xdp = NULL;
	objects->loaded = NULL;
	objects->in_map = NULL;
}

struct bpf_object *em_objects_first(const struct em_objects *objects)
{
	return objects->xdp ? objects->xdp : objects->tc;
}

int em_objects_take_fragments(const struct em_objects *objects)
{
	int rc = bpf_program__set_flags(em_objects_find(objects, EM_PROGRAM_XDP),
					BPF_F_XDP_HAS_FRAGS);

	if (rc)
		return rc;
	return bpf_program__set_flags(em_objects_find(objects, EM_PROGRAM_XDP_LOCAL),
				      BPF_F_XDP_HAS_FRAGS);
}

static uint64_t read_constant(const struct em_abi_constants *constants, size_t offset, size_t size)
{
	const uint8_t *from = (const uint8_t *)constants + offset;
	uint16_t half;
	uint32_t word;
	uint64_t both;

	switch (size) {
	case 1:
		return *from;
	case 2:
		memcpy(&half, from, sizeof(half));
		return half;
	case 8:
		memcpy(&both, from, sizeof(both));
		return both;
	default:
		memcpy(&word, from, sizeof(word));
		return word;
	}
}

/* An instruction with 64 bits of data takes the place of two. */
static void replace_placeholder(struct bpf_insn insn[2], const struct em_abi_constants *constants)
{
	uint64_t wanted = (uint64_t)(uint32_t)insn[1].imm << 32 | (uint32_t)insn[0].imm;
	size_t offset = wanted & 0xffffff, size = wanted >> 24 & 0xff;
	uint64_t value;

	if (insn[0].code != (BPF_LD | BPF_IMM | BPF_DW) || insn[0].src_reg ||
	    wanted >> 32 != EM_ABI_PLACEHOLDER_MAGIC || offset + size > sizeof(*constants))
		return;
	value = read_constant(constants, offset, size);
	insn[0].imm = value;
	insn[1].imm = value >> 32;
}

static int set_immediates(struct bpf_program *program, const struct em_abi_constants *constants)
{
	size_t n = bpf_program__insn_cnt(program);
	struct bpf_insn *insns = calloc(n + 1, sizeof(*insns));
	int rc;

	if (!insns)
		return -ENOMEM;
	memcpy(insns, bpf_program__insns(program), n * sizeof(*insns));
	for (size_t i = 0; i + 1 < n; i++)
		replace_placeholder(&insns[i], constants);
	rc = bpf_program__set_insns(program, insns, n);
	free(insns);
	return rc;
}

/* Constants in a map of their own are in the section, and others in the instructions, too. */
static int set_constants(const struct bpf_object *object, const struct em_abi_constants *constants)
{
	struct bpf_program *program;
	struct bpf_map *map;

	bpf_object__for_each_map(map, object)
	{
		if (bpf_map__is_internal(map))
			return bpf_map__set_initial_value(map, constants, sizeof(*constants));
	}
	bpf_object__for_each_program(program, object)
	{
		int rc = set_immediates(program, constants);

		if (rc)
			return rc;
	}
	return 0;
}

int em_objects_set_constants(struct em_objects *objects, const struct em_abi_constants *constants)
{
	int rc = 0;

	if (bpf_object__find_map_by_name(em_objects_first(objects), CONSTANTS_MAP)) {
		objects->in_map = malloc(sizeof(*objects->in_map));
		if (!objects->in_map)
			return -ENOMEM;
		*objects->in_map = *constants;
	}
	if (objects->xdp)
		rc = set_constants(objects->xdp, constants);
	if (!rc && objects->tc)
		rc = set_constants(objects->tc, constants);
	return rc;
}

int em_objects_fill_constants(const struct em_objects *objects)
{
	const struct bpf_map *map =
		bpf_object__find_map_by_name(em_objects_first(objects), CONSTANTS_MAP);
	const uint32_t zero = 0;

	if (!map)
		return 0;
	return bpf_map__update_elem(map, &zero, sizeof(zero), objects->in_map,
				    sizeof(*objects->in_map), BPF_ANY);
}

/* All maps except the one of a section, of which each object has its own. */
static int share_maps(const struct bpf_object *from, const struct bpf_object *to)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, from)
	{
		struct bpf_map *twin = bpf_object__find_map_by_name(to, bpf_map__name(map));
		int rc;

		if (bpf_map__is_internal(map) || !twin)
			continue;
		rc = bpf_map__reuse_fd(twin, bpf_map__fd(map));
		if (rc)
			return rc;
	}
	return 0;
}

int em_objects_load(struct em_objects *objects)
{
	int rc = 0;

	if (objects->xdp) {
		objects->loaded = objects->xdp;
		rc = bpf_object__load(objects->xdp);
	}
	if (!rc && objects->xdp && objects->tc)
		rc = share_maps(objects->xdp, objects->tc);
	if (!rc && objects->tc) {
		objects->loaded = objects->tc;
		rc = bpf_object__load(objects->tc);
	}
	return rc;
}

/* The verifier's, or a limit of the kernel's. */
static bool is_refusal(int rc)
{
	switch (-rc) {
	case EINVAL:
	case EACCES:
	case E2BIG:
	case ENOSPC: /* the log is too short */
	case EFAULT: /* the verifier has lost its way: "BUG regs", "backtracking" */
	case EOPNOTSUPP:
		return true;
	default:
		return false;
	}
}

/* Whether libbpf leaves out maps of constants, as it does where it found no global data. */
static bool lost_constants(const struct bpf_object *object)
{
	const struct bpf_map *map = NULL;

	while ((map = bpf_object__next_map(object, map)))
		if (bpf_map__is_internal(map) && !bpf_map__autocreate(map))
			return true;
	return false;
}

/*
 * Every kernel with loops has the maps of constants (Linux 5.2), so one that libbpf did not make
 * means that a call failed.  Only another run can try it again.
 */
bool em_objects_have_failed_try(const struct em_objects *objects, int rc)
{
	return strstr(objects->log, "is referenced but wasn't created") ||
	       (is_refusal(rc) && lost_constants(objects->loaded)) ||
	       (rc == -E2BIG && em_lost_functions(objects->loaded));
}

bool em_objects_reject(const struct em_objects *objects, int rc)
{
	return is_refusal(rc) && !em_objects_have_failed_try(objects, rc);
}

bool em_objects_too_large(const struct em_objects *objects, int rc)
{
	static const char *const reasons[] = {"too large", "too many", "too complex", "stack"};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (strstr(objects->log, reasons[i]))
			return true;
	return rc == -E2BIG || rc == -ENOSPC;
}

static bool is_statistics(const char *line)
{
	return !strncmp(line, "processed ", 10) || !strncmp(line, "verification time", 17) ||
	       !strncmp(line, "stack depth", 11);
}

/* The last line that is not one of the statistics is the verifier's reason. */
void em_objects_describe(const struct em_objects *objects, int rc, char text[EM_OBJECTS_TEXT])
{
	const char *reason = "", *line = objects->log;

	while (*line) {
		size_t length = strcspn(line, "\n");

		if (length && !is_statistics(line))
			reason = line;
		line += length + (line[length] == '\n');
	}
	snprintf(text, EM_OBJECTS_TEXT, "%s%s%.*s", strerror(-rc), reason[0] ? ": " : "",
		 (int)strcspn(reason, "\n"), reason);
}
