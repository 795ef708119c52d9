/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "bpf/variant.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

#include "bpf/choose.h"
#include "bpf/table.h"
#include "policy/conversation.h"
#include "policy/copies.h"

#define LOOP 3 /* instructions of the sample */

/* What all of ours do, whoever loads them (Linux 4.16). */
static const struct bpf_insn smallest[] = {
	{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0},
	{.code = BPF_LDX | BPF_MEM | BPF_W,
	 .dst_reg = BPF_REG_2,
	 .src_reg = BPF_REG_1,
	 .off = offsetof(struct xdp_md, ingress_ifindex)},
	{.code = BPF_JMP | BPF_EXIT},
};

/*
 * What all of ours do and not every verifier takes from everybody: an offset into the packet that
 * is not constant (CAP_PERFMON).  And in front, what the unrolled ones do not: a loop (Linux 5.3;
 * an older one finds a jump backwards invalid).
 */
static const struct bpf_insn sample[] = {
	{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 4},
	{.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = BPF_REG_0, .imm = -1},
	{.code = BPF_JMP | BPF_JNE | BPF_K, .dst_reg = BPF_REG_0, .off = -2},
	{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0},
	{.code = BPF_LDX | BPF_MEM | BPF_W,
	 .dst_reg = BPF_REG_2,
	 .src_reg = BPF_REG_1,
	 .off = offsetof(struct xdp_md, ingress_ifindex)},
	{.code = BPF_ALU64 | BPF_AND | BPF_K, .dst_reg = BPF_REG_2, .imm = 7},
	{.code = BPF_LDX | BPF_MEM | BPF_W,
	 .dst_reg = BPF_REG_1,
	 .src_reg = BPF_REG_1,
	 .off = offsetof(struct xdp_md, data)},
	{.code = BPF_ALU64 | BPF_ADD | BPF_X, .dst_reg = BPF_REG_1, .src_reg = BPF_REG_2},
	{.code = BPF_JMP | BPF_EXIT},
};

/*
 * And that libbpf gives names to programs: it has tried once whether the kernel takes them, and if
 * that has failed for want of memory, nobody would find our programs again.  Returns 0 or -errno;
 * -EAGAIN: no name; -ENOMSG: the kernel keeps none.
 */
static int try_sample(size_t first)
{
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "entitymux_try", "GPL", sample + first,
			       sizeof(sample) / sizeof(sample[0]) - first, NULL);
	struct bpf_prog_info info = {0};
	uint32_t length = sizeof(info);
	int rc;

	if (fd < 0)
		return fd;
	rc = bpf_obj_get_info_by_fd(fd, &info, &length);
	close(fd);
	if (rc || info.name[0])
		return rc;
	/* The kernel says how much it knows. */
	return length <= offsetof(struct bpf_prog_info, name) ? -ENOMSG : -EAGAIN;
}

/* Where the verifier takes the smallest one, it is from us that it does not take more. */
static int judge_access(void)
{
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "entitymux_try", "GPL", smallest,
			       sizeof(smallest) / sizeof(smallest[0]), NULL);

	if (fd < 0)
		return fd == -EACCES ? EM_VARIANTS : fd;
	close(fd);
	return -EACCES;
}

int em_variant_find(void)
{
	int rc = try_sample(0);

	if (!rc)
		return EM_VARIANT_FULL;
	if (rc == -EINVAL) {
		rc = try_sample(LOOP);
		if (!rc)
			return EM_VARIANT_UNROLLED;
	}
	if (rc == -EACCES)
		return judge_access();
	return rc == -EINVAL || rc == -ENOMSG ? EM_VARIANTS : rc;
}

uint32_t em_variant_probes(enum em_variant variant)
{
	return variant == EM_VARIANT_UNROLLED ? EM_ABI_UNROLLED_PROBES : EM_TABLE_PROBES;
}

/* The first listener with several formats. */
static const struct em_place *find_formats(const struct em_policy *policy)
{
	for (size_t i = 0; i < policy->n_listeners; i++)
		if (policy->listeners[i].n_formats > 1)
			return &policy->listeners[i].formats[1].place;
	return NULL;
}

static const struct em_place *find_interval(const struct em_policy *policy)
{
	for (size_t i = 0; i < policy->n_listeners; i++)
		for (size_t j = 0; j < policy->listeners[i].n_formats; j++) {
			const struct em_format *format = &policy->listeners[i].formats[j];

			if (format->n_intervals)
				return &format->entities[format->intervals[0].entity].place;
		}
	return NULL;
}

int em_variant_check(enum em_variant variant, const struct em_abi_constants *constants,
		     const struct em_policy *policy, struct em_outcome *outcome)
{
	if (variant != EM_VARIANT_UNROLLED)
		return 0;
	if (em_conversation_first(policy))
		return em_outcome_lacks(outcome, &em_conversation_first(policy)->replies_place,
					"replies: at TC they need a verifier that takes loops "
					"(Linux 5.3)");
	if (constants->has_copies)
		return em_outcome_lacks(outcome, em_copies_first(policy),
					"copies: they need a verifier that takes loops (Linux "
					"5.3)");
	if (constants->max_formats)
		return em_outcome_lacks(outcome, find_formats(policy),
					"formats: several of them need a verifier that takes loops "
					"(Linux 5.3)");
	if (constants->interval_steps)
		return em_outcome_lacks(outcome, find_interval(policy),
					"entities: one that covers more than one tag needs a "
					"verifier that takes loops (Linux 5.3)");
	if (constants->max_steps > EM_ABI_UNROLLED_STEPS)
		return em_outcome_lacks(outcome, em_choose_largest(policy),
					"checks: more than %d comparisons of up to 8 bytes need a "
					"verifier that takes loops (Linux 5.3)",
					EM_ABI_UNROLLED_STEPS);
	return 0;
}
