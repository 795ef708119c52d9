/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "load.h"

#include <errno.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/choose.h"
#include "bpf/flows.h"
#include "config/config.h"
#include "policy/conversation.h"

#define LO_IFINDEX 1

/* As if lo had an Ethernet header, as it has for TEST_RUN, and a driver of the program's kind. */
static int plan_for(struct em_plan *plan, enum em_program_kind kind)
{
	const struct em_samples *samples = plan->samples;
	bool tc = em_programs_at_tc(kind);

	*plan = (struct em_plan){
		.backend = tc ? EM_BACKEND_TC : EM_BACKEND_XDP,
		.attachments = calloc(1, sizeof(*plan->attachments)),
		.links = calloc(1, sizeof(*plan->links)),
		.n_attachments = 1,
		.samples = samples,
	};
	if (!plan->attachments || !plan->links)
		return -ENOMEM;
	plan->attachments[0] = (struct em_attachment){.interface = "lo", .ifindex = LO_IFINDEX};
	plan->links[0] = (struct em_link){
		.name = "lo",
		.ifindex = LO_IFINDEX,
		.type = ARPHRD_ETHER,
		.ethernet = true,
		.up = true,
	};
	plan->links[0].local = kind == EM_PROGRAM_XDP_LOCAL;
	return 0;
}

static int load_policy(struct em_programs **programs, const struct em_policy *policy,
		       enum em_program_kind kind, struct em_plan *plan, struct em_outcome *outcome,
		       struct em_diag *diag)
{
	struct em_program_options options = {.ipv6_header_limit = EM_HEADER_LIMIT_MAX, .flows = -1};
	struct em_flows flows = {-1, -1};
	int rc = plan_for(plan, kind);

	if (!rc) {
		plan->policy = policy;
		plan->attachments[0].replies = em_conversation_on(policy, "lo");
		rc = em_choose_hooks(plan, outcome, diag);
	}
	if (!rc)
		rc = em_flows_open(&flows, policy, diag);
	if (!rc) {
		options.flows = flows.table;
		rc = em_programs_load(programs, policy, plan, &options, 1, outcome, diag);
	}
	em_flows_close(&flows);
	return rc;
}

int load_programs(const struct bench *bench, const struct bench_policy *of,
		  enum em_program_kind kind, struct em_programs **programs, struct em_policy **out,
		  char message[LOAD_MESSAGE])
{
	struct em_policy *policy = NULL;
	const struct em_samples samples = {.reasons = of->sampled};
	struct em_outcome outcome = {0};
	struct em_plan plan = {.samples = of->sampled ? &samples : NULL};
	struct em_diag diag;
	char path[256];
	int rc;

	bench_write_policy(bench, of, path);
	em_diag_init(&diag, stderr);
	rc = em_config_read(&policy, path, &diag);
	if (!rc)
		rc = load_policy(programs, policy, kind, &plan, &outcome, &diag);
	snprintf(message, LOAD_MESSAGE, "%s",
		 rc == -EM_EUNSUPPORTED ? outcome.lacking : strerror(-rc));
	em_plan_clear(&plan);
	if (!rc && out)
		*out = policy;
	else
		em_policy_free(policy);
	return rc;
}
