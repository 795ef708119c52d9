/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "bpf/program.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpf/compile.h"
#include "bpf/fill.h"
#include "bpf/flows.h"
#include "bpf/lost.h"
#include "bpf/pins.h"
#include "bpf/privilege.h"
/* Generated, by rules of its own. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual"
#include "bpf/kernel/tc.skel.h"
#include "bpf/kernel/xdp.skel.h"
#pragma GCC diagnostic pop

#define VERIFIER_LOG (16 << 20) /* bytes; older kernels fail anew where it is too small */
#define LOADED_MAX   32		/* more maps, and more programs, than an object has */

struct em_programs {
	struct em_xdp *xdp;
	struct em_tc *tc;
	const struct bpf_object *loaded; /* the last one that was loaded, or was to be */
	char log[VERIFIER_LOG];
};

/*
 * What all of ours do and not every verifier takes from everybody: a loop (Linux 5.3; an older one
 * finds a jump backwards invalid), and an offset into the packet that is not constant
 * (CAP_PERFMON).  And that libbpf gives names to programs: it has tried once whether the kernel
 * takes them, and if that has failed for want of memory, nobody would find our programs again.
 * Returns 0 or -errno; -EAGAIN: no names.
 */
static int try_program(void)
{
	const struct bpf_insn sample[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 4},
		{.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = BPF_REG_0, .imm = -1},
		{.code = BPF_JMP | BPF_JNE | BPF_K, .dst_reg = BPF_REG_0, .off = -2},
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
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "entitymux_try", "GPL", sample,
			       sizeof(sample) / sizeof(sample[0]), NULL);
	struct bpf_prog_info info = {0};
	uint32_t length = sizeof(info);
	int rc;

	if (fd < 0)
		return fd;
	rc = bpf_obj_get_info_by_fd(fd, &info, &length);
	close(fd);
	return rc || info.name[0] ? rc : -EAGAIN;
}

static int report_refusal(int rc, struct em_diag *diag)
{
	char text[EM_PRIVILEGE_TEXT];

	return em_diag_error(diag, rc, NULL, "bpf: not permitted: %s", em_privilege_explain(text));
}

int em_programs_try(struct em_outcome *outcome, struct em_diag *diag)
{
	int fd, rc;

	/* Without this, libbpf prints to standard error by itself. */
	libbpf_set_print(NULL);
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "entitymux_try", 4, 4, 1, NULL);
	if (fd == -ENOSYS || fd == -EINVAL)
		return em_outcome_lacks(outcome, NULL, "this kernel has no bpf(2)");
	if (fd >= 0)
		close(fd);
	rc = fd < 0 ? fd : try_program();
	if (rc == -EINVAL)
		return em_outcome_lacks(outcome, NULL,
					"this kernel's verifier takes no loops (Linux 5.3)");
	if (rc == -EPERM || rc == -EACCES)
		return report_refusal(rc, diag);
	if (rc)
		return em_diag_errno(diag, rc, NULL, "bpf");
	rc = em_pins_unneeded() ? 1 : em_pins_possible();
	if (rc < 0)
		return em_diag_errno(diag, rc, NULL, "bpf: cannot look for a bpffs");
	if (!rc)
		return em_diag_error(diag, -EPERM, NULL,
				     "bpf: not permitted: needs CAP_SYS_ADMIN (run as root), or a "
				     "bpffs that this user may write to (mount -t bpf bpf "
				     "/sys/fs/bpf), without which the kernel lets nobody find a "
				     "program again");
	return 0;
}

/* The line before the statistics is the verifier's reason. */
static const char *last_reason(char *log)
{
	char *reason = log, *line = strtok(log, "\n");

	for (; line; line = strtok(NULL, "\n"))
		if (strncmp(line, "processed ", 10) && strncmp(line, "verification time", 17) &&
		    strncmp(line, "stack depth", 11))
			reason = line;
	return reason;
}

/*
 * Whether a try of libbpf has failed, see lost.h.  Every kernel with loops has the maps of
 * constants (Linux 5.2), so one that libbpf did not make means that a call failed.  Only another
 * run can try it again.
 */
static bool has_failed_try(const struct em_programs *programs, int rc)
{
	return strstr(programs->log, "is referenced but wasn't created") ||
	       (rc == -E2BIG && em_lost_functions(programs->loaded));
}

static int report_load(struct em_programs *programs, int rc, struct em_diag *diag)
{
	if (rc == -EPERM)
		return report_refusal(rc, diag);
	if (has_failed_try(programs, rc))
		return em_diag_errno(diag, -EAGAIN, NULL, "bpf: cannot load the program");
	if (programs->log[0])
		return em_diag_error(diag, rc, NULL, "bpf: the kernel rejects the program: %s: %s",
				     strerror(-rc), last_reason(programs->log));
	return em_diag_errno(diag, rc, NULL, "bpf: cannot load the program");
}

/* All maps except the one of the constants, of which each object has its own. */
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

static struct bpf_program *find_program(const struct em_programs *programs,
					enum em_program_kind kind)
{
	const struct bpf_object *object =
		em_programs_at_tc(kind) ? programs->tc->obj : programs->xdp->obj;

	return bpf_object__find_program_by_name(object, em_programs_name(kind));
}

/* Which kinds the plan needs, as bits. */
static unsigned int needed(const struct em_plan *plan, bool bridge)
{
	enum em_program_kind kinds[EM_PROGRAMS_EACH];
	unsigned int bits = 0;

	for (size_t i = 0; i < plan->n_attachments; i++)
		for (size_t n = em_programs_kinds(plan, i, kinds); n > 0; n--)
			bits |= 1U << kinds[n - 1];
	/* XDP goes only onto interfaces with an Ethernet header. */
	return bridge ? bits | 1U << EM_PROGRAM_TC : bits;
}

/* Of these, the ones at TC or the ones at XDP. */
static unsigned int needed_at(unsigned int bits, bool at_tc)
{
	for (enum em_program_kind kind = 0; kind < EM_PROGRAM_KINDS; kind++)
		if (em_programs_at_tc(kind) != at_tc)
			bits &= ~(1U << kind);
	return bits;
}

static int open_objects(struct em_programs *programs, const struct em_plan *plan, bool bridge)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .kernel_log_buf = programs->log,
		    .kernel_log_size = sizeof(programs->log));
	unsigned int bits = needed(plan, bridge);

	if (needed_at(bits, false)) {
		programs->xdp = em_xdp__open_opts(&options);
		if (!programs->xdp)
			return -errno;
	}
	if (needed_at(bits, true)) {
		programs->tc = em_tc__open_opts(&options);
		if (!programs->tc)
			return -errno;
	}
	for (enum em_program_kind kind = 0; kind < EM_PROGRAM_KINDS; kind++)
		if (em_programs_at_tc(kind) ? !!programs->tc : !!programs->xdp)
			bpf_program__set_autoload(find_program(programs, kind), bits & 1U << kind);
	return 0;
}

/* The object whose maps are made; those of the other one are the same. */
static struct bpf_object *first_object(const struct em_programs *programs)
{
	return programs->xdp ? programs->xdp->obj : programs->tc->obj;
}

static uint16_t count_replies(const struct em_plan *plan)
{
	uint16_t n = 0;

	for (size_t i = 0; i < plan->n_attachments; i++)
		n += plan->attachments[i].replies;
	return n;
}

static int set_constants(struct em_programs *programs, const struct em_policy *policy,
			 const struct em_plan *plan, const struct em_program_options *options,
			 uint32_t generation, struct em_fill *fill)
{
	struct em_abi_constants *constants = malloc(sizeof(*constants));
	int rc = constants ? em_fill_init(fill, policy, constants) : -ENOMEM;

	if (!rc) {
		constants->generation = generation;
		constants->ipv6_header_limit = options->ipv6_header_limit;
		constants->has_fragments = options->fragments && programs->xdp;
		constants->n_replies = count_replies(plan);
		if (programs->xdp)
			memcpy((void *)&programs->xdp->rodata->em_constants, constants,
			       sizeof(*constants));
		if (programs->tc)
			memcpy((void *)&programs->tc->rodata->em_constants, constants,
			       sizeof(*constants));
		rc = em_fill_set_sizes(fill, first_object(programs), policy);
	}
	free(constants);
	return rc;
}

static int load_objects(struct em_programs *programs)
{
	int rc = 0;

	if (programs->xdp) {
		programs->loaded = programs->xdp->obj;
		rc = em_xdp__load(programs->xdp);
	}
	if (!rc && programs->xdp && programs->tc)
		rc = share_maps(programs->xdp->obj, programs->tc->obj);
	if (!rc && programs->tc) {
		programs->loaded = programs->tc->obj;
		rc = em_tc__load(programs->tc);
	}
	return rc;
}

static int set_fragments(const struct em_programs *programs)
{
	int rc = bpf_program__set_flags(programs->xdp->progs.entitymux_xdp, BPF_F_XDP_HAS_FRAGS);

	if (rc)
		return rc;
	return bpf_program__set_flags(programs->xdp->progs.entitymux_local, BPF_F_XDP_HAS_FRAGS);
}

static int open_programs(struct em_programs *programs, const struct em_policy *policy,
			 const struct em_plan *plan, const struct em_program_options *options,
			 uint32_t generation, struct em_fill *fill, struct em_diag *diag)
{
	int rc = open_objects(programs, plan, options->bridge);

	if (!rc && options->fragments && programs->xdp)
		rc = set_fragments(programs);
	if (!rc)
		rc = set_constants(programs, policy, plan, options, generation, fill);
	if (!rc && options->flows >= 0)
		rc = bpf_map__reuse_fd(
			bpf_object__find_map_by_name(first_object(programs), EM_FLOW_MAP),
			options->flows);
	if (rc)
		return em_diag_errno(diag, rc, NULL, "bpf: cannot open the programs");
	return 0;
}

size_t em_programs_kinds(const struct em_plan *plan, size_t attachment,
			 enum em_program_kind kinds[EM_PROGRAMS_EACH])
{
	const struct em_link *link = &plan->links[attachment];
	enum em_hook hook = plan->attachments[attachment].hook;
	size_t n = 0;

	if (plan->attachments[attachment].replies)
		kinds[n++] = link->ethernet ? EM_PROGRAM_REPLY : EM_PROGRAM_REPLY_IP;
	if (hook == EM_HOOK_TC_INGRESS) {
		kinds[n++] = link->ethernet ? EM_PROGRAM_TC : EM_PROGRAM_TC_IP;
	} else if (!link->local && hook == EM_HOOK_XDP_NATIVE) {
		kinds[n++] = EM_PROGRAM_XDP;
	} else {
		/*
		 * Generic XDP may see packets of a local sender on any interface. The order
		 * matters: the program behind must be there before packets are left to it.
		 */
		kinds[n++] = EM_PROGRAM_TC_DEFERRED;
		kinds[n++] = EM_PROGRAM_XDP_LOCAL;
	}
	return n;
}

bool em_programs_at_tc(enum em_program_kind kind)
{
	return kind != EM_PROGRAM_XDP && kind != EM_PROGRAM_XDP_LOCAL;
}

bool em_programs_at_egress(enum em_program_kind kind)
{
	return kind == EM_PROGRAM_REPLY || kind == EM_PROGRAM_REPLY_IP;
}

int em_programs_load(struct em_programs **out, const struct em_policy *policy,
		     const struct em_plan *plan, const struct em_program_options *options,
		     uint32_t generation, struct em_diag *diag)
{
	struct em_fill fill = {0};
	struct em_programs *programs;
	int rc;

	programs = calloc(1, sizeof(*programs));
	if (!programs)
		return em_diag_enomem(diag);
	rc = open_programs(programs, policy, plan, options, generation, &fill, diag);
	if (!rc) {
		rc = load_objects(programs);
		if (rc)
			report_load(programs, rc, diag);
	}
	if (!rc) {
		rc = em_fill_maps(&fill, first_object(programs), policy);
		if (rc)
			em_diag_errno(diag, rc, NULL, "bpf: cannot fill a map");
	}
	em_fill_clear(&fill);
	if (rc) {
		em_programs_free(programs);
		return rc;
	}
	*out = programs;
	return 0;
}

void em_programs_free(struct em_programs *programs)
{
	if (!programs)
		return;
	if (programs->tc)
		em_tc__destroy(programs->tc);
	if (programs->xdp)
		em_xdp__destroy(programs->xdp);
	free(programs);
}

/* Returns -E2BIG where an object has grown, and LOADED_MAX has not. */
static int pin_object(const struct bpf_object *object)
{
	int maps[LOADED_MAX], programs[LOADED_MAX];
	struct em_pins pins = {.maps = maps, .programs = programs};
	struct bpf_program *program;
	struct bpf_map *map;

	bpf_object__for_each_map(map, object)
	{
		if (pins.n_maps == LOADED_MAX)
			return -E2BIG;
		maps[pins.n_maps++] = bpf_map__fd(map);
	}
	bpf_object__for_each_program(program, object)
	{
		if (!bpf_program__autoload(program))
			continue;
		if (pins.n_programs == LOADED_MAX)
			return -E2BIG;
		programs[pins.n_programs++] = bpf_program__fd(program);
	}
	return em_pins_add(&pins);
}

int em_programs_pin(const struct em_programs *programs, struct em_diag *diag)
{
	int rc = programs->xdp ? pin_object(programs->xdp->obj) : 0;

	if (!rc && programs->tc)
		rc = pin_object(programs->tc->obj);
	if (rc)
		return em_diag_errno(diag, rc, NULL, "bpf: cannot pin the programs");
	return 0;
}

int em_programs_fd(const struct em_programs *programs, enum em_program_kind kind)
{
	return bpf_program__fd(find_program(programs, kind));
}

/* The kernel cuts off longer names, and we would not find our own program again. */
static const char names[EM_PROGRAM_KINDS][BPF_OBJ_NAME_LEN] = {
	[EM_PROGRAM_XDP] = "entitymux_xdp",	      [EM_PROGRAM_XDP_LOCAL] = "entitymux_local",
	[EM_PROGRAM_TC_DEFERRED] = "entitymux_defer", [EM_PROGRAM_TC] = "entitymux_tc",
	[EM_PROGRAM_TC_IP] = "entitymux_tc_ip",	      [EM_PROGRAM_REPLY] = "entitymux_reply",
	[EM_PROGRAM_REPLY_IP] = "entitymux_re_ip",
};

const char *em_programs_name(enum em_program_kind kind)
{
	return names[kind];
}

int em_programs_parse(const char *name)
{
	for (int kind = 0; kind < EM_PROGRAM_KINDS; kind++)
		if (!strcmp(names[kind], name))
			return kind;
	return -1;
}

int em_programs_placeholder(bool fragments)
{
	LIBBPF_OPTS(bpf_prog_load_opts, options, .prog_flags = fragments ? BPF_F_XDP_HAS_FRAGS : 0);
	const struct bpf_insn pass[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};

	return bpf_prog_load(BPF_PROG_TYPE_XDP, "entitymux_hold", "GPL", pass,
			     sizeof(pass) / sizeof(pass[0]), &options);
}
