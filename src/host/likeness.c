/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "host/likeness.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <string.h>

#include "host/nl.h"

/* Attributes that the kind requires.  The other end of a veth gets the same size. */
static void put_kind_data(struct nlmsghdr *header, const struct em_link *like)
{
	const struct ifinfomsg link = {.ifi_family = AF_UNSPEC};
	struct nlattr *data, *peer;

	if (!strcmp(like->kind, "vlan")) {
		data = mnl_attr_nest_start(header, IFLA_INFO_DATA);
		mnl_attr_put_u16(header, IFLA_VLAN_ID, 1);
		mnl_attr_nest_end(header, data);
	} else if (!strcmp(like->kind, "veth")) {
		data = mnl_attr_nest_start(header, IFLA_INFO_DATA);
		peer = mnl_attr_nest_start(header, VETH_INFO_PEER);
		memcpy(mnl_nlmsg_put_extra_header(header, sizeof(link)), &link, sizeof(link));
		mnl_attr_put_u32(header, IFLA_MTU, like->peer_mtu ? like->peer_mtu : like->mtu);
		if (like->peer_queues)
			mnl_attr_put_u32(header, IFLA_NUM_TX_QUEUES, like->peer_queues);
		mnl_attr_nest_end(header, peer);
		mnl_attr_nest_end(header, data);
	}
}

int em_likeness_make(const char *name, const struct em_link *like, unsigned int lower)
{
	const struct ifinfomsg link = {.ifi_family = AF_UNSPEC};
	struct em_nl_batch batch;
	struct nlmsghdr *header;
	struct nlattr *info;
	int rc = em_nl_batch_init(&batch, 1);

	if (rc)
		return rc;
	header = em_nl_batch_add(&batch, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &link,
				 sizeof(link));
	mnl_attr_put_strz(header, IFLA_IFNAME, name);
	mnl_attr_put_u32(header, IFLA_MTU, like->mtu);
	if (like->peer_queues)
		mnl_attr_put_u32(header, IFLA_NUM_RX_QUEUES, like->rx_queues);
	if (lower)
		mnl_attr_put_u32(header, IFLA_LINK, lower);
	info = mnl_attr_nest_start(header, IFLA_LINKINFO);
	mnl_attr_put_strz(header, IFLA_INFO_KIND, like->kind);
	put_kind_data(header, like);
	mnl_attr_nest_end(header, info);
	rc = em_nl_batch_send(&batch);
	em_nl_batch_clear(&batch);
	return rc;
}
