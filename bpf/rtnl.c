/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "bpf/rtnl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/pins.h"
#include "bpf/stub.h"
#include "bpf/tcx.h"
#include "host/nl.h"

#define INGRESS TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)
#define EGRESS	TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS)

static void put_xdp(struct em_nl_batch *batch, const struct em_rtnl_change *change)
{
	const struct ifinfomsg link = {.ifi_family = AF_UNSPEC, .ifi_index = change->ifindex};
	struct nlmsghdr *header = em_nl_batch_add(batch, RTM_SETLINK, 0, &link, sizeof(link));
	struct nlattr *nest = mnl_attr_nest_start(header, IFLA_XDP);
	bool replace = change->expected >= 0 && !change->unchecked;
	uint32_t flags = replace ? XDP_FLAGS_REPLACE : XDP_FLAGS_UPDATE_IF_NOEXIST;

	mnl_attr_put_u32(header, IFLA_XDP_FD, change->program);
	mnl_attr_put_u32(header, IFLA_XDP_FLAGS,
			 change->mode | (change->unchecked && change->expected >= 0 ? 0 : flags));
	if (replace)
		mnl_attr_put_u32(header, IFLA_XDP_EXPECTED_FD, change->expected);
	mnl_attr_nest_end(header, nest);
}

static void put_qdisc(struct em_nl_batch *batch, const struct em_rtnl_change *change)
{
	const struct tcmsg tc = {.tcm_family = AF_UNSPEC,
				 .tcm_ifindex = change->ifindex,
				 .tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0),
				 .tcm_parent = TC_H_CLSACT};
	bool add = change->kind == EM_RTNL_QDISC_ADD;
	struct nlmsghdr *header =
		em_nl_batch_add(batch, add ? RTM_NEWQDISC : RTM_DELQDISC,
				add ? NLM_F_CREATE | NLM_F_EXCL : 0, &tc, sizeof(tc));

	if (add)
		mnl_attr_put_strz(header, TCA_KIND, "clsact");
}

static void put_filter(struct em_nl_batch *batch, const struct em_rtnl_change *change)
{
	const struct tcmsg tc = {
		.tcm_family = AF_UNSPEC,
		.tcm_ifindex = change->ifindex,
		.tcm_handle = change->handle,
		.tcm_parent = change->egress ? EGRESS : INGRESS,
		.tcm_info = TC_H_MAKE((uint32_t)change->priority << 16, htons(ETH_P_ALL))};
	bool set = change->kind == EM_RTNL_FILTER_SET;
	struct nlmsghdr *header = em_nl_batch_add(batch, set ? RTM_NEWTFILTER : RTM_DELTFILTER,
						  set ? NLM_F_CREATE : 0, &tc, sizeof(tc));
	struct nlattr *nest;

	mnl_attr_put_strz(header, TCA_KIND, "bpf");
	if (!set)
		return;
	nest = mnl_attr_nest_start(header, TCA_OPTIONS);
	mnl_attr_put_u32(header, TCA_BPF_FD, change->program);
	mnl_attr_put_strz(header, TCA_BPF_NAME, change->name);
	mnl_attr_put_u32(header, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	mnl_attr_nest_end(header, nest);
}

static void put_change(struct em_nl_batch *batch, const struct em_rtnl_change *change)
{
	switch (change->kind) {
	case EM_RTNL_XDP:
		put_xdp(batch, change);
		break;
	case EM_RTNL_QDISC_ADD:
	case EM_RTNL_QDISC_DEL:
		put_qdisc(batch, change);
		break;
	default:
		put_filter(batch, change);
		break;
	}
}

static int make_batch(struct em_nl_batch *batch, struct em_rtnl_change *changes, size_t n)
{
	int rc;

	/* The kernel takes a descriptor of -1 for "none" and would detach what is there. */
	for (size_t i = 0; i < n; i++)
		if (changes[i].kind == EM_RTNL_XDP && changes[i].program < -1)
			return changes[i].error = -EBADF;
	rc = em_nl_batch_init(batch, n);
	for (size_t i = 0; !rc && i < n; i++)
		put_change(batch, &changes[i]);
	return rc;
}

/* As near as it gets to a check by the kernel. */
static int look_first(struct em_rtnl_change *changes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct em_rtnl_change *change = &changes[i];
		struct em_rtnl_xdp seen;
		uint32_t expected;
		int rc;

		if (change->kind != EM_RTNL_XDP || !change->unchecked || change->expected < 0)
			continue;
		rc = em_pins_program_id(change->expected, &expected);
		if (!rc)
			rc = em_rtnl_read_xdp(&seen, change->ifindex);
		if (!rc && seen.program != expected)
			rc = -EEXIST;
		if (rc)
			return change->error = rc;
	}
	return 0;
}

static void take_outcomes(struct em_nl_batch *batch, struct em_rtnl_change *changes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		changes[i].error = batch->outcomes[i].error;
		memcpy(changes[i].message, batch->outcomes[i].message, sizeof(changes[i].message));
	}
	em_nl_batch_clear(batch);
}

/* By bpf(2), each for itself. */
static bool is_single(const struct em_rtnl_change *change)
{
	switch (change->kind) {
	case EM_RTNL_TCX_SET:
	case EM_RTNL_TCX_DEL:
	case EM_RTNL_STUB_PUT:
	case EM_RTNL_STUB_SWITCH:
		return true;
	default:
		return false;
	}
}

static int make_single(const struct em_rtnl_change *change)
{
	switch (change->kind) {
	case EM_RTNL_TCX_SET:
		return em_tcx_attach(change->ifindex, change->egress, change->program,
				     change->expected);
	case EM_RTNL_TCX_DEL:
		return em_tcx_detach(change->ifindex, change->egress, change->program);
	case EM_RTNL_STUB_PUT:
		return em_stub_put(change->expected, change->slot, change->program);
	default:
		return em_stub_switch(change->expected, change->slot);
	}
}

static int make_several(struct em_rtnl_change *changes, size_t n)
{
	struct em_nl_batch batch;
	int rc = look_first(changes, n);

	if (!rc)
		rc = make_batch(&batch, changes, n);
	if (rc)
		return rc;
	rc = em_nl_batch_send(&batch);
	take_outcomes(&batch, changes, n);
	return rc;
}

int em_rtnl_change(struct em_rtnl_change *changes, size_t n)
{
	size_t made = 0;
	int rc = 0;

	for (size_t i = 0; i < n; i++) {
		changes[i].error = -ECANCELED;
		changes[i].message[0] = '\0';
	}
	while (!rc && made < n) {
		size_t one = 1;

		if (is_single(&changes[made])) {
			rc = changes[made].error = make_single(&changes[made]);
		} else {
			while (made + one < n && !is_single(&changes[made + one]))
				one++;
			rc = make_several(&changes[made], one);
		}
		made += one;
	}
	return rc;
}

/* With several attached at once there is no single id; the one of the driver counts. */
static int note_xdp(void *context, const struct nlmsghdr *header)
{
	const struct nlattr *xdp = em_nl_find(header, sizeof(struct ifinfomsg), IFLA_XDP);
	struct em_rtnl_xdp *out = context;
	uint8_t mode = XDP_ATTACHED_NONE;

	if (!xdp)
		return 0;
	em_nl_get(em_nl_find_in(xdp, IFLA_XDP_ATTACHED), &mode, sizeof(mode));
	out->generic = mode == XDP_ATTACHED_SKB;
	out->program = em_nl_get_u32(em_nl_find_in(xdp, IFLA_XDP_PROG_ID));
	if (!out->program)
		out->program = em_nl_get_u32(em_nl_find_in(xdp, IFLA_XDP_DRV_PROG_ID));
	return 0;
}

int em_rtnl_read_xdp(struct em_rtnl_xdp *out, unsigned int ifindex)
{
	const struct ifinfomsg link = {.ifi_family = AF_UNSPEC, .ifi_index = ifindex};
	struct em_nl_message message;

	*out = (struct em_rtnl_xdp){0};
	return em_nl_ask(NETLINK_ROUTE, em_nl_begin(&message, RTM_GETLINK, 0, &link, sizeof(link)),
			 note_xdp, out);
}

/* Those of one direction. */
struct filter_list {
	struct em_rtnl_filters *filters;
	bool egress;
};

static int add_filter(struct em_rtnl_filters *filters, const struct em_rtnl_filter *filter)
{
	struct em_rtnl_filter *grown = reallocarray(filters->all, filters->n + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	filters->all = grown;
	grown[filters->n++] = *filter;
	return 0;
}

static const char *kind_of(const struct nlmsghdr *header)
{
	return em_nl_get_text(em_nl_find(header, sizeof(struct tcmsg), TCA_KIND));
}

static int note_filter(void *context, const struct nlmsghdr *header)
{
	const struct filter_list *list = context;
	const struct tcmsg *tc = mnl_nlmsg_get_payload(header);
	const struct nlattr *options = em_nl_find(header, sizeof(*tc), TCA_OPTIONS);
	struct em_rtnl_filter filter = {
		.handle = tc->tcm_handle, .priority = tc->tcm_info >> 16, .egress = list->egress};

	/* Each priority is listed once without a handle, before its filters. */
	if (header->nlmsg_type != RTM_NEWTFILTER || !tc->tcm_handle)
		return 0;
	filter.chain = em_nl_get_u32(em_nl_find(header, sizeof(*tc), TCA_CHAIN));
	if (options && !strcmp(kind_of(header), "bpf"))
		filter.program = em_nl_get_u32(em_nl_find_in(options, TCA_BPF_ID));
	return add_filter(list->filters, &filter);
}

static int list(uint16_t type, const struct tcmsg *tc,
		int (*visit)(void *context, const struct nlmsghdr *header), void *context)
{
	struct em_nl_message message;

	return em_nl_ask(NETLINK_ROUTE, em_nl_begin(&message, type, NLM_F_DUMP, tc, sizeof(*tc)),
			 visit, context);
}

static int list_tcx(struct em_rtnl_filters *filters, unsigned int ifindex, bool egress)
{
	struct em_rtnl_filter filter = {.tcx = true, .egress = egress};
	uint32_t ids[EM_TCX_MAX];
	int n = em_tcx_list(ids, ifindex, egress), rc = n < 0 ? n : 0;

	/* Without the privilege to ask for tcx programs, filters are listed all the same. */
	if (rc == -EPERM)
		return 0;
	for (int i = 0; !rc && i < n; i++) {
		filter.program = ids[i];
		rc = add_filter(filters, &filter);
	}
	return rc;
}

int em_rtnl_list_filters(struct em_rtnl_filters *out, unsigned int ifindex)
{
	struct tcmsg tc = {.tcm_family = AF_UNSPEC, .tcm_ifindex = ifindex};
	int rc = 0;

	*out = (struct em_rtnl_filters){0};
	for (int egress = 0; !rc && egress < 2; egress++) {
		struct filter_list one = {out, egress};

		tc.tcm_parent = egress ? EGRESS : INGRESS;
		rc = list_tcx(out, ifindex, egress);
		if (!rc)
			rc = list(RTM_GETTFILTER, &tc, note_filter, &one);
	}
	return rc;
}

void em_rtnl_clear_filters(struct em_rtnl_filters *filters)
{
	free(filters->all);
}

struct qdisc {
	unsigned int ifindex; /* asked for */
	enum em_rtnl_ingress kind;
	bool shared[2]; /* ingress, egress */
};

static int visit_qdisc(void *context, const struct nlmsghdr *header)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(header);
	struct qdisc *qdisc = context;

	/* Older kernels list the qdiscs of all interfaces, whichever was asked for. */
	if (header->nlmsg_type != RTM_NEWQDISC || tc->tcm_parent != TC_H_INGRESS ||
	    (unsigned int)tc->tcm_ifindex != qdisc->ifindex)
		return 0;
	qdisc->kind = strcmp(kind_of(header), "clsact") ? EM_RTNL_INGRESS : EM_RTNL_CLSACT;
	qdisc->shared[0] = em_nl_get_u32(em_nl_find(header, sizeof(*tc), TCA_INGRESS_BLOCK));
	qdisc->shared[1] = em_nl_get_u32(em_nl_find(header, sizeof(*tc), TCA_EGRESS_BLOCK));
	return 0;
}

static int read_qdisc(struct qdisc *out, unsigned int ifindex)
{
	const struct tcmsg tc = {.tcm_family = AF_UNSPEC, .tcm_ifindex = ifindex};

	*out = (struct qdisc){.ifindex = ifindex, .kind = EM_RTNL_NO_INGRESS};
	return list(RTM_GETQDISC, &tc, visit_qdisc, out);
}

int em_rtnl_ingress(unsigned int ifindex)
{
	struct qdisc qdisc;
	int rc = read_qdisc(&qdisc, ifindex);

	return rc ? rc : (int)qdisc.kind;
}

int em_rtnl_is_shared(unsigned int ifindex, bool egress)
{
	struct qdisc qdisc;
	int rc = read_qdisc(&qdisc, ifindex);

	return rc ? rc : qdisc.shared[egress];
}
