/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * without_loops - entitymux as on a kernel before 5.2.
 *
 * Linked with --wrap: it rejects programs with constants in a map, with a loop, or with more than
 * 4096 instructions, and maps that can be mapped.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>

#define INSNS_MAX 4096 /* BPF_MAXINSNS */

int __real_bpf_object__load(struct bpf_object *object);
int __real_bpf_prog_load(enum bpf_prog_type type, const char *name, const char *license,
			 const struct bpf_insn *insns, size_t n, struct bpf_prog_load_opts *opts);
__attribute__((used)) int __wrap_bpf_object__load(struct bpf_object *object);
__attribute__((used)) int __wrap_bpf_prog_load(enum bpf_prog_type type, const char *name,
					       const char *license, const struct bpf_insn *insns,
					       size_t n, struct bpf_prog_load_opts *opts);
int __real_bpf_map_create(enum bpf_map_type type, const char *name, __u32 key_size,
			  __u32 value_size, __u32 entries, const struct bpf_map_create_opts *opts);
__attribute__((used)) int __wrap_bpf_map_create(enum bpf_map_type type, const char *name,
						__u32 key_size, __u32 value_size, __u32 entries,
						const struct bpf_map_create_opts *opts);

/* Where an instruction may go on to: 0, 1 or 2 places. */
static size_t successors(const struct bpf_insn *insn, size_t at, size_t to[2])
{
	unsigned int class = BPF_CLASS(insn->code), op = BPF_OP(insn->code);
	size_t n = 0;

	if (class == BPF_JMP && op == BPF_EXIT)
		return 0;
	if ((class == BPF_JMP || class == BPF_JMP32) && op != BPF_CALL)
		to[n++] = at + 1 + insn->off;
	if (class != BPF_JMP || op != BPF_JA)
		to[n++] = at + (insn->code == (BPF_LD | BPF_IMM | BPF_DW) ? 2 : 1);
	return n;
}

enum { NEW, ON_THE_WAY, DONE };

/* As check_cfg() of the kernel: whether a walk in depth comes back to where it is. */
static bool has_loop(const struct bpf_insn *insns, size_t n)
{
	char *seen = calloc(n, 1);
	size_t *way = calloc(n + 1, sizeof(*way)), depth = 0, to[2];
	bool found = false;

	if (!seen || !way)
		abort();
	seen[0] = ON_THE_WAY;
	for (depth = 1; !found && depth > 0;) {
		size_t at = way[depth - 1], next = successors(&insns[at], at, to), i;

		for (i = 0; i < next; i++) {
			if (to[i] >= n || seen[to[i]] == DONE)
				continue;
			found = found || seen[to[i]] == ON_THE_WAY;
			break;
		}
		if (i < next && !found) {
			seen[to[i]] = ON_THE_WAY;
			way[depth++] = to[i];
		} else if (!found) {
			seen[at] = DONE;
			depth--;
		}
	}
	free(seen);
	free(way);
	return found;
}

static int judge(const struct bpf_insn *insns, size_t n)
{
	if (n > INSNS_MAX)
		return -E2BIG;
	return has_loop(insns, n) ? -EINVAL : 0;
}

int __wrap_bpf_object__load(struct bpf_object *object)
{
	struct bpf_program *program;
	struct bpf_map *map;
	int rc = 0;

	bpf_object__for_each_map(map, object)
	{
		if (bpf_map__is_internal(map))
			return -EINVAL;
	}
	bpf_object__for_each_program(program, object)
	{
		if (!rc && bpf_program__autoload(program))
			rc = judge(bpf_program__insns(program), bpf_program__insn_cnt(program));
	}
	return rc ? rc : __real_bpf_object__load(object);
}

int __wrap_bpf_prog_load(enum bpf_prog_type type, const char *name, const char *license,
			 const struct bpf_insn *insns, size_t n, struct bpf_prog_load_opts *opts)
{
	int rc = judge(insns, n);

	return rc ? rc : __real_bpf_prog_load(type, name, license, insns, n, opts);
}

int __wrap_bpf_map_create(enum bpf_map_type type, const char *name, __u32 key_size,
			  __u32 value_size, __u32 entries, const struct bpf_map_create_opts *opts)
{
	if (opts && opts->map_flags & BPF_F_MMAPABLE)
		return -EINVAL;
	return __real_bpf_map_create(type, name, key_size, value_size, entries, opts);
}
