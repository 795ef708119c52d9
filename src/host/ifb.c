/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "host/ifb.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

#include "host/nl.h"
#include "host/scratch.h"

#define KIND  "ifb"
#define ALIAS "entitymux: copies of datagrams"

static const struct nlattr *find(const struct nlmsghdr *header, uint16_t type)
{
	return em_nl_find(header, sizeof(struct ifinfomsg), type);
}

static int take(void *context, const struct nlmsghdr *header)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(header);
	const struct nlattr *kind = find(header, IFLA_LINKINFO);
	struct em_ifb *out = context;

	out->ifindex = (uint32_t)info->ifi_index;
	out->up = info->ifi_flags & IFF_UP;
	out->queue = em_nl_get_u32(find(header, IFLA_TXQLEN));
	kind = kind ? em_nl_find_in(kind, IFLA_INFO_KIND) : NULL;
	out->ours = !strcmp(em_nl_get_text(kind), KIND) &&
		    !strcmp(em_nl_get_text(find(header, IFLA_IFALIAS)), ALIAS);
	return 0;
}

int em_ifb_read(struct em_ifb *out)
{
	const struct ifinfomsg info = {.ifi_family = AF_UNSPEC};
	struct em_nl_message message;
	struct nlmsghdr *request = em_nl_begin(&message, RTM_GETLINK, 0, &info, sizeof(info));
	int rc;

	*out = (struct em_ifb){0};
	mnl_attr_put_strz(request, IFLA_IFNAME, EM_IFB_NAME);
	rc = em_nl_ask(NETLINK_ROUTE, request, take, out);
	return rc == -ENODEV ? 0 : rc;
}

/* No IPv6 address, which would make the kernel send through it. */
static void put_no_addresses(struct nlmsghdr *request)
{
	struct nlattr *all = mnl_attr_nest_start(request, IFLA_AF_SPEC);
	struct nlattr *ip6 = mnl_attr_nest_start(request, AF_INET6);

	mnl_attr_put_u8(request, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(request, ip6);
	mnl_attr_nest_end(request, all);
}

static void add_new(struct em_nl_batch *batch)
{
	const struct ifinfomsg info = {.ifi_family = AF_UNSPEC};
	struct nlmsghdr *request = em_nl_batch_add(
		batch, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, &info, sizeof(info));
	struct nlattr *kind;

	mnl_attr_put_strz(request, IFLA_IFNAME, EM_IFB_NAME);
	mnl_attr_put_u32(request, IFLA_TXQLEN, EM_IFB_QUEUE);
	kind = mnl_attr_nest_start(request, IFLA_LINKINFO);
	mnl_attr_put_strz(request, IFLA_INFO_KIND, KIND);
	mnl_attr_nest_end(request, kind);
}

/* By its name: within a batch the number of a new device is not known. */
static struct nlmsghdr *add_change(struct em_nl_batch *batch, bool up)
{
	const struct ifinfomsg info = {.ifi_family = AF_UNSPEC,
				       .ifi_flags = up ? IFF_UP : 0,
				       .ifi_change = up ? IFF_UP : 0};
	struct nlmsghdr *request =
		em_nl_batch_add(batch, RTM_NEWLINK, NLM_F_ACK, &info, sizeof(info));

	mnl_attr_put_strz(request, IFLA_IFNAME, EM_IFB_NAME);
	return request;
}

/*
 * In one system call: a process that is killed leaves no device that nobody knows to be ours.  A
 * kernel without IPv6 refuses what is asked of addresses, which then are none.
 */
static int make(bool is_new)
{
	struct em_nl_batch batch;
	int rc = em_nl_batch_init(&batch, 4);
	size_t addresses;

	if (rc)
		return rc;
	if (is_new)
		add_new(&batch);
	mnl_attr_put_strz(add_change(&batch, false), IFLA_IFALIAS, ALIAS);
	addresses = batch.n;
	put_no_addresses(add_change(&batch, false));
	mnl_attr_put_u32(add_change(&batch, true), IFLA_TXQLEN, EM_IFB_QUEUE);
	rc = em_nl_batch_send(&batch);
	if (rc && batch.outcomes[addresses].error)
		rc = 0;
	for (size_t i = 0; !rc && i < batch.n; i++)
		if (i != addresses)
			rc = batch.outcomes[i].error;
	em_nl_batch_clear(&batch);
	return rc;
}

int em_ifb_make(struct em_ifb *out, bool *made)
{
	int rc = em_ifb_read(out);

	*made = false;
	if (rc)
		return rc;
	if (out->ifindex && !out->ours)
		return -EEXIST;
	if (!out->ifindex || !out->up || out->queue < EM_IFB_QUEUE) {
		*made = !out->ifindex;
		rc = make(*made);
	}
	return rc ? rc : em_ifb_read(out);
}

/* In the child. */
static void try_to_make(void *result, const void *context)
{
	struct em_ifb ifb;
	int *rc = result;
	bool made;

	(void)context;
	*rc = em_ifb_make(&ifb, &made);
}

int em_ifb_try(void)
{
	int tried = 0, rc = em_scratch_run_anyone(try_to_make, &tried, sizeof(tried), NULL);

	return rc ? rc : tried;
}

int em_ifb_delete(void)
{
	struct ifinfomsg info = {.ifi_family = AF_UNSPEC};
	struct em_nl_batch batch;
	struct em_ifb ifb;
	int rc = em_ifb_read(&ifb);

	if (rc || !ifb.ours)
		return rc;
	info.ifi_index = (int)ifb.ifindex;
	rc = em_nl_batch_init(&batch, 1);
	if (rc)
		return rc;
	em_nl_batch_add(&batch, RTM_DELLINK, NLM_F_ACK, &info, sizeof(info));
	rc = em_nl_batch_send(&batch);
	em_nl_batch_clear(&batch);
	return rc == -ENODEV ? 0 : rc;
}
