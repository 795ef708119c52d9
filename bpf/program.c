/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "bpf/program.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpf/choose.h"
#include "bpf/clock.h"
#include "bpf/fill.h"
#include "bpf/flows.h"
#include "bpf/object.h"
#include "bpf/pins.h"
#include "bpf/privilege.h"
#include "host/netns.h"
#include "policy/copies.h"

#define LOADED_MAX 32 /* more maps, and more programs, than an object has */

struct em_programs {
	struct em_objects objects;
};

static int report_refusal(int rc, struct em_diag *diag)
{
	char text[EM_PRIVILEGE_TEXT];

	return em_diag_error(diag, rc, NULL, "bpf: not permitted: %s", em_privilege_explain(text));
}

/* What em_variant_find() has returned: a variant, em_outcome_lacks(), or -errno, reported. */
static int find_variant(int found, struct em_outcome *outcome, struct em_diag *diag)
{
	if (found == EM_VARIANTS)
		return em_outcome_lacks(outcome, NULL,
					"this kernel's eBPF lacks what all programs need (Linux "
					"4.16)");
	if (found == -EPERM || found == -EACCES)
		return report_refusal(found, diag);
	return found < 0 ? em_diag_errno(diag, found, NULL, "bpf") : found;
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
	rc = find_variant(fd < 0 ? fd : em_variant_find(), outcome, diag);
	if (rc < 0)
		return rc;
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
	} else if (!link->local && hook == EM_HOOK_XDP_NATIVE &&
		   !em_copies_on(plan->policy, plan->attachments[attachment].interface)) {
		kinds[n++] = EM_PROGRAM_XDP;
	} else {
		/*
		 * Generic XDP may see packets of a local sender on any interface, and copies are
		 * made at TC. The order matters: the program behind must be there before packets
		 * are left to it.
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

static uint16_t count_replies(const struct em_plan *plan)
{
	uint16_t n = 0;

	for (size_t i = 0; i < plan->n_attachments; i++)
		n += plan->attachments[i].replies;
	return n;
}

/* Why a variant is not loaded; the outcome says what is lacking. */
#define LACKS	  1 /* the kernel lacks what the variant needs */
#define TOO_LARGE 2 /* the policy is larger than the verifier admits */

/* What a call of em_programs_load() is to load. */
struct request {
	const struct em_policy *policy;
	const struct em_plan *plan;
	const struct em_program_options *options;
	uint32_t generation;
	struct em_outcome *outcome;
};

/* The same programs, which use the same, for the smallest policy that does so. */
static void reduce(struct em_abi_constants *constants)
{
	if (constants->max_steps > 1)
		constants->max_steps = 1;
	if (constants->max_formats > 2)
		constants->max_formats = 2;
	if (constants->ipv6_header_limit > 1)
		constants->ipv6_header_limit = 1;
	constants->claims.probes = 1;
}

/* Bits by enum em_abi_reason are those by enum em_reason. */
static void set_samples(struct em_abi_constants *constants, const struct request *request)
{
	const struct em_policy *policy = request->policy;

	_Static_assert((int)EM_ABI_UNKNOWN == (int)EM_SAMPLE_UNKNOWN, "the same reasons");
	_Static_assert((int)EM_ABI_SORTED == (int)EM_SAMPLE_SORTED, "the same reasons");
	constants->has_samples = request->plan->samples != NULL;
	for (size_t i = 0; i < policy->n_listeners; i++)
		for (unsigned int reason = 0; reason < EM_SAMPLE_REASONS; reason++)
			if (em_plan_samples(request->plan->samples, &policy->listeners[i], reason))
				constants->listeners[i].samples |= 1U << reason;
}

static int set_constants(struct em_objects *objects, const struct request *request,
			 enum em_variant variant, bool sample, struct em_fill *fill)
{
	struct em_abi_constants *constants = calloc(1, sizeof(*constants));
	int rc = constants ? em_fill_init(fill, request->policy, request->plan->samples,
					  em_variant_probes(variant), constants)
			   : -ENOMEM;

	if (!rc && !sample)
		rc = em_variant_check(variant, constants, request->policy, request->outcome);
	if (!rc && request->options->marks)
		em_fill_mark(fill);
	if (!rc)
		rc = em_netns_inode(&constants->namespace);
	if (!rc)
		rc = em_clock_try_jiffies();
	if (rc >= 0) {
		constants->has_jiffies = rc;
		constants->generation = request->generation;
		constants->ipv6_header_limit = request->options->ipv6_header_limit;
		constants->has_fragments = request->options->fragments && objects->xdp;
		constants->n_replies = count_replies(request->plan);
		constants->tells_links = em_plan_tells_links(request->plan);
		set_samples(constants, request);
		if (sample)
			reduce(constants);
		rc = em_objects_set_constants(objects, constants);
	}
	free(constants);
	return rc;
}

static int open_objects(struct em_objects *objects, const struct request *request,
			enum em_variant variant, bool sample, struct em_fill *fill)
{
	const struct em_program_options *options = request->options;
	const struct bpf_map *flows;
	int rc = em_objects_open(objects, variant, needed(request->plan, options->bridge));

	if (!rc && options->fragments && objects->xdp)
		rc = em_objects_take_fragments(objects);
	if (!rc)
		rc = set_constants(objects, request, variant, sample, fill);
	/* The verifier does not look at the sizes. */
	if (rc || sample || options->trial)
		return rc;
	rc = em_fill_set_sizes(fill, em_objects_first(objects), request->policy);
	flows = bpf_object__find_map_by_name(em_objects_first(objects), EM_FLOW_MAP);
	if (!rc && options->flows >= 0)
		rc = bpf_map__reuse_fd((struct bpf_map *)(uintptr_t)flows, options->flows);
	return rc;
}

/* The sample is loaded only to see whether the verifier takes it. */
static int try_sample(const struct request *request, enum em_variant variant,
		      struct em_objects *sample)
{
	struct em_fill fill = {0};
	int rc = open_objects(sample, request, variant, true, &fill);

	if (!rc)
		rc = em_objects_load(sample);
	em_fill_clear(&fill);
	return rc;
}

static int report(const struct em_objects *objects, int rc, struct em_diag *diag)
{
	char text[EM_OBJECTS_TEXT];

	if (rc == -EPERM)
		return report_refusal(rc, diag);
	if (em_objects_have_failed_try(objects, rc))
		return em_diag_errno(diag, -EAGAIN, NULL, "bpf: cannot load the program");
	if (!em_objects_reject(objects, rc))
		return em_diag_errno(diag, rc, NULL, "bpf: cannot load the program");
	em_objects_describe(objects, rc, text);
	return em_diag_error(diag, rc, NULL, "bpf: the kernel rejects the program: %s", text);
}

/*
 * The verifier has rejected the programs, with `rc`.  Where it takes the sample, the policy is
 * larger than it admits, or else something is wrong; where not, it lacks what they need.
 * Returns LACKS or TOO_LARGE, as does load_variant(), to go on with another variant, or -errno,
 * reported.
 */
static int judge(const struct request *request, enum em_variant variant,
		 const struct em_objects *objects, int rc, struct em_outcome *outcome,
		 struct em_diag *diag)
{
	struct em_objects *sample = calloc(1, sizeof(*sample));
	char text[EM_OBJECTS_TEXT];
	int sampled = sample ? try_sample(request, variant, sample) : -ENOMEM;

	if (sampled && !(sample && em_objects_reject(sample, sampled))) {
		rc = sample ? report(sample, sampled, diag) : em_diag_enomem(diag);
	} else if (sampled) {
		em_objects_describe(sample, sampled, text);
		(void)em_outcome_lacks(outcome, NULL,
				       "this kernel's verifier rejects the program: %s", text);
		rc = LACKS;
	} else if (em_objects_too_large(objects, rc)) {
		em_objects_describe(objects, rc, text);
		(void)em_outcome_lacks(
			outcome, em_choose_largest(request->policy),
			"the policy is larger than this kernel's verifier admits: %s", text);
		rc = TOO_LARGE;
	} else {
		rc = report(objects, rc, diag);
	}
	if (sample)
		em_objects_close(sample);
	free(sample);
	return rc;
}

static int fill_maps(const struct em_objects *objects, const struct em_fill *fill,
		     const struct request *request, struct em_diag *diag)
{
	int rc = em_objects_fill_constants(objects);

	if (!rc)
		rc = em_fill_maps(fill, em_objects_first(objects), request->policy);
	return rc ? em_diag_errno(diag, rc, NULL, "bpf: cannot fill a map") : 0;
}

static int load_variant(struct em_objects *objects, const struct request *request,
			enum em_variant variant, struct em_outcome *outcome, struct em_diag *diag)
{
	struct em_fill fill = {0};
	int rc = open_objects(objects, request, variant, false, &fill);

	if (rc == -EM_EUNSUPPORTED) {
		/* The outcome says what is lacking. */
	} else if (rc) {
		em_diag_errno(diag, rc, NULL, "bpf: cannot open the programs");
	} else {
		rc = em_objects_load(objects);
		if (rc && em_objects_reject(objects, rc))
			rc = judge(request, variant, objects, rc, outcome, diag);
		else if (rc)
			report(objects, rc, diag);
		else if (!request->options->trial)
			rc = fill_maps(objects, &fill, request, diag);
	}
	em_fill_clear(&fill);
	return rc;
}

int em_programs_load(struct em_programs **out, const struct em_policy *policy,
		     const struct em_plan *plan, const struct em_program_options *options,
		     uint32_t generation, struct em_outcome *outcome, struct em_diag *diag)
{
	const struct request request = {policy, plan, options, generation, outcome};
	struct em_programs *programs = calloc(1, sizeof(*programs));
	int variant = find_variant(em_variant_find(), outcome, diag);
	int rc = variant < 0 ? variant : LACKS;
	struct em_outcome too_large;
	bool is_too_large = false;

	if (!programs)
		return em_diag_enomem(diag);
	while (rc > 0 && variant < EM_VARIANTS) {
		em_objects_close(&programs->objects);
		rc = load_variant(&programs->objects, &request, variant, outcome, diag);
		variant++;
		if (rc == TOO_LARGE && !is_too_large) {
			is_too_large = true;
			too_large = *outcome;
			/* It is the smallest one, and does what most policies need. */
			if (variant < EM_VARIANT_UNROLLED)
				variant = EM_VARIANT_UNROLLED;
		}
	}
	if (rc > 0)
		rc = -EM_EUNSUPPORTED;
	if (rc) {
		if (rc == -EM_EUNSUPPORTED && is_too_large)
			*outcome = too_large;
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
	em_objects_close(&programs->objects);
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
	int rc = programs->objects.xdp ? pin_object(programs->objects.xdp) : 0;

	if (!rc && programs->objects.tc)
		rc = pin_object(programs->objects.tc);
	if (rc)
		return em_diag_errno(diag, rc, NULL, "bpf: cannot pin the programs");
	return 0;
}

int em_programs_fd(const struct em_programs *programs, enum em_program_kind kind)
{
	return bpf_program__fd(em_objects_find(&programs->objects, kind));
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

int em_programs_has(uint32_t id)
{
	int fd = bpf_prog_get_fd_by_id(id);

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	close(fd);
	return 1;
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
