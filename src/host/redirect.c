/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "host/redirect.h"

#include <errno.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "host/nl.h"

/* From Linux 4.5; before, the parent is the qdisc `ingress` itself, which has the same number. */
#define INGRESS TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)

/* Where each kind of filter has its actions. */
static const struct {
	const char *kind;
	uint16_t actions;
} kinds[] = {
	{"u32", TCA_U32_ACT},	   {"flower", TCA_FLOWER_ACT}, {"matchall", TCA_MATCHALL_ACT},
	{"basic", TCA_BASIC_ACT},  {"bpf", TCA_BPF_ACT},       {"fw", TCA_FW_ACT},
	{"route", TCA_ROUTE4_ACT}, {"flow", TCA_FLOW_ACT},
};

static bool is_redirect(const struct nlattr *action)
{
	const struct nlattr *kind = em_nl_find_in(action, TCA_ACT_KIND);
	const struct nlattr *options = em_nl_find_in(action, TCA_ACT_OPTIONS);
	struct tc_mirred mirred;

	return kind && options && !strcmp(em_nl_get_text(kind), "mirred") &&
	       em_nl_get(em_nl_find_in(options, TCA_MIRRED_PARMS), &mirred, sizeof(mirred)) &&
	       (mirred.eaction == TCA_EGRESS_REDIR || mirred.eaction == TCA_INGRESS_REDIR);
}

static bool redirects(const char *kind, const struct nlattr *options)
{
	const struct nlattr *actions = NULL;
	struct nlattr *action;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(kind, kinds[i].kind))
			actions = em_nl_find_in(options, kinds[i].actions);
	if (!actions)
		return false;
	mnl_attr_for_each_nested (action, actions)
		if (is_redirect(action))
			return true;
	return false;
}

static int note(void *context, const struct nlmsghdr *header)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(header);
	const struct nlattr *kind = em_nl_find(header, sizeof(*tc), TCA_KIND);
	const struct nlattr *options = em_nl_find(header, sizeof(*tc), TCA_OPTIONS);
	uint32_t *priority = context;

	if (header->nlmsg_type == RTM_NEWTFILTER && !*priority && kind && options &&
	    redirects(em_nl_get_text(kind), options))
		*priority = TC_H_MAJ(tc->tcm_info) >> 16;
	return 0;
}

int em_redirect_find(unsigned int ifindex, uint32_t *priority)
{
	const struct tcmsg tc = {
		.tcm_family = AF_UNSPEC, .tcm_ifindex = ifindex, .tcm_parent = INGRESS};
	struct em_nl_message message;
	int rc;

	*priority = 0;
	rc = em_nl_ask(NETLINK_ROUTE,
		       em_nl_begin(&message, RTM_GETTFILTER, NLM_F_DUMP, &tc, sizeof(tc)), note,
		       priority);
	/* A kernel without traffic control. */
	return rc == -EOPNOTSUPP ? 0 : rc;
}
