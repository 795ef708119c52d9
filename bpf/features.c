/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "bpf/features.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpf/attached.h"
#include "bpf/pins.h"
#include "bpf/program.h"
#include "bpf/rtnl.h"
#include "bpf/stub.h"

static void try_bpf(struct em_feature *feature, int placeholder)
{
	feature->available = placeholder >= 0;
	snprintf(feature->detail, sizeof(feature->detail), "%s",
		 placeholder >= 0 ? "loads programs" : strerror(-placeholder));
}

static void try_jit(struct em_feature *feature, int placeholder)
{
	struct bpf_prog_info info = {0};
	uint32_t length = sizeof(info);

	feature->available = placeholder >= 0 &&
			     !bpf_obj_get_info_by_fd(placeholder, &info, &length) &&
			     info.jited_prog_len;
	snprintf(feature->detail, sizeof(feature->detail), "programs are %s",
		 feature->available ? "machine code" : "interpreted, which is slow");
	feature->remedy = "sysctl -w net.core.bpf_jit_enable=1";
}

static void try_bpffs(struct em_feature *feature)
{
	int rc = em_pins_possible();

	feature->available = rc > 0;
	snprintf(feature->detail, sizeof(feature->detail), "%s; only needed without CAP_SYS_ADMIN",
		 rc > 0	   ? "takes pins"
		 : rc == 0 ? "none is mounted that takes pins"
			   : strerror(-rc));
	feature->remedy = rc == 0 ? "mount -t bpf bpf /sys/fs/bpf" : NULL;
}

/*
 * The sample, loaded as apply would load it for the plan; NULL where that failed, with the reason
 * in the feature.
 */
static struct em_programs *load_sample(const struct em_policy *sample, struct em_plan *plan,
				       struct em_feature *feature)
{
	const struct em_program_options options = {
		.trial = true, .ipv6_header_limit = 1, .flows = -1};
	struct em_programs *programs = NULL;
	struct em_outcome outcome = {0};
	struct em_diag_kept kept;
	char *text;
	int rc;

	if (em_diag_keep(&kept))
		return NULL;
	rc = em_programs_load(&programs, sample, plan, &options, 1, &outcome, &kept.diag);
	text = em_diag_take_kept(&kept);
	if (rc == -EM_EUNSUPPORTED)
		snprintf(feature->detail, sizeof(feature->detail), "%s", outcome.lacking);
	else if (rc)
		snprintf(feature->detail, sizeof(feature->detail), "%s",
			 text ? text : strerror(-rc));
	free(text);
	return rc ? NULL : programs;
}

static void attach_sample(struct em_rtnl_change *changes, size_t n, struct em_feature *feature)
{
	int rc = em_rtnl_change(changes, n);

	feature->available = !rc;
	if (!rc) {
		snprintf(feature->detail, sizeof(feature->detail), "takes our program, on lo");
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (changes[i].error == rc)
			snprintf(feature->detail, sizeof(feature->detail), "%s%s%s", strerror(-rc),
				 changes[i].message[0] ? ": " : "", changes[i].message);
}

static struct em_rtnl_change attach_change(const struct em_programs *programs,
					   enum em_program_kind kind)
{
	struct em_rtnl_change change = {.kind = EM_RTNL_XDP,
					.ifindex = EM_RTNL_LOOPBACK,
					.program = em_programs_fd(programs, kind),
					.mode = XDP_FLAGS_SKB_MODE,
					.expected = -1};

	if (em_programs_at_tc(kind)) {
		change.kind = EM_RTNL_FILTER_SET;
		change.name = em_programs_name(kind);
		change.handle = EM_TC_HANDLE_OWNER;
	}
	return change;
}

/*
 * Attaches what apply would attach for the hook, and detaches it again, so that the next trial
 * finds lo as it was.
 */
static void try_hook(struct em_feature *feature, const struct em_policy *sample, enum em_hook hook)
{
	struct em_attachment attachment = {
		.interface = "lo", .ifindex = EM_RTNL_LOOPBACK, .hook = hook};
	struct em_link link = {.name = "lo", .ethernet = true};
	struct em_plan plan = {
		.policy = sample, .attachments = &attachment, .links = &link, .n_attachments = 1};
	struct em_programs *programs = load_sample(sample, &plan, feature);
	struct em_rtnl_change changes[1 + EM_PROGRAMS_EACH] = {
		{.kind = EM_RTNL_QDISC_ADD, .ifindex = EM_RTNL_LOOPBACK}};
	struct em_rtnl_change off = {.kind = EM_RTNL_QDISC_DEL, .ifindex = EM_RTNL_LOOPBACK};
	enum em_program_kind kinds[EM_PROGRAMS_EACH];
	size_t n;

	if (!programs)
		return;
	n = em_programs_kinds(&plan, 0, kinds);
	for (size_t i = 0; i < n; i++)
		changes[1 + i] = attach_change(programs, kinds[i]);
	attach_sample(changes, 1 + n, feature);
	(void)em_rtnl_change(&off, 1);
	em_programs_free(programs);
}

/* Where neither a program nor what a stub jumps to can be replaced, apply attaches none. */
static void try_generic(struct em_feature *feature, const struct em_policy *sample)
{
	try_hook(feature, sample, EM_HOOK_XDP_GENERIC);
	if (!feature->available || em_stub_possible())
		return;
	feature->available = false;
	snprintf(feature->detail, sizeof(feature->detail), "%s", EM_STUB_NO_BPFFS);
	feature->remedy = "mount -t bpf bpf /sys/fs/bpf";
}

void em_features_try(const struct em_policy *sample, em_feature_fn *found, void *context)
{
	struct em_feature bpf = {.name = "bpf"}, jit = {.name = "jit"}, bpffs = {.name = "bpffs"},
			  generic = {.name = "xdp-generic"}, clsact = {.name = "clsact"};
	int placeholder;

	/* Without this, libbpf prints to standard error by itself. */
	libbpf_set_print(NULL);
	placeholder = em_programs_placeholder(false);
	try_bpf(&bpf, placeholder);
	try_jit(&jit, placeholder);
	try_bpffs(&bpffs);
	try_generic(&generic, sample);
	try_hook(&clsact, sample, EM_HOOK_TC_INGRESS);
	if (placeholder >= 0)
		close(placeholder);
	found(context, &bpf);
	found(context, &jit);
	found(context, &bpffs);
	found(context, &generic);
	found(context, &clsact);
}
