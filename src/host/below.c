/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "host/below.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "host/nl.h"

/* An interface of this namespace. */
struct node {
	unsigned int ifindex;
	unsigned int lower; /* the interface that it is stacked on; 0: none here */
	unsigned int master;
	bool takes; /* what its ports receive */
	bool found;
	char name[IF_NAMESIZE];
};

struct nodes {
	struct node *all;
	size_t n, room;
};

static bool is_one_of(const char *kind, const char *const *kinds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(kind, kinds[i]))
			return true;
	return false;
}

bool em_below_is_stackable(const char *kind)
{
	static const char *const kinds[] = {"vlan",   "macvlan", "macvtap",
					    "ipvlan", "ipvtap",	 "macsec"};

	return is_one_of(kind, kinds, sizeof(kinds) / sizeof(kinds[0]));
}

static bool has_ports(const char *kind)
{
	static const char *const kinds[] = {"bridge", "openvswitch", "bond", "team", "vrf", "hsr"};

	return is_one_of(kind, kinds, sizeof(kinds) / sizeof(kinds[0]));
}

static const struct nlattr *find_attr(const struct nlmsghdr *header, uint16_t type)
{
	return em_nl_find(header, sizeof(struct ifinfomsg), type);
}

static int note(void *context, const struct nlmsghdr *header)
{
	const struct ifinfomsg *link = mnl_nlmsg_get_payload(header);
	const struct nlattr *info = find_attr(header, IFLA_LINKINFO);
	const char *kind = em_nl_get_text(info ? em_nl_find_in(info, IFLA_INFO_KIND) : NULL);
	struct nodes *nodes = context;
	struct node *node, *grown;

	if (nodes->n == nodes->room) {
		nodes->room = nodes->room ? 2 * nodes->room : 64;
		grown = reallocarray(nodes->all, nodes->room, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		nodes->all = grown;
	}
	node = &nodes->all[nodes->n++];
	*node = (struct node){.ifindex = link->ifi_index,
			      .master = em_nl_get_u32(find_attr(header, IFLA_MASTER)),
			      .takes = has_ports(kind)};
	if (em_below_is_stackable(kind) && !find_attr(header, IFLA_LINK_NETNSID))
		node->lower = em_nl_get_u32(find_attr(header, IFLA_LINK));
	snprintf(node->name, sizeof(node->name), "%s",
		 em_nl_get_text(find_attr(header, IFLA_IFNAME)));
	return 0;
}

static bool is_below(const struct node *node, const struct node *upper)
{
	return upper->lower == node->ifindex || (upper->takes && node->master == upper->ifindex);
}

/* One more level.  Returns whether there was any. */
static bool mark_below(struct nodes *nodes)
{
	bool more = false;

	for (size_t i = 0; i < nodes->n; i++)
		for (size_t j = 0; nodes->all[i].found && j < nodes->n; j++)
			if (!nodes->all[j].found && is_below(&nodes->all[j], &nodes->all[i]))
				more = nodes->all[j].found = true;
	return more;
}

static int take(struct em_below *out, const struct nodes *nodes, unsigned int ifindex)
{
	out->names = calloc(nodes->n + 1, sizeof(*out->names));
	if (!out->names)
		return -ENOMEM;
	for (size_t i = 0; i < nodes->n; i++)
		if (nodes->all[i].found && nodes->all[i].ifindex != ifindex)
			memcpy(out->names[out->n++], nodes->all[i].name, IF_NAMESIZE);
	return 0;
}

int em_below_list(struct em_below *out, unsigned int ifindex, const char *kind)
{
	const struct ifinfomsg any = {.ifi_family = AF_UNSPEC};
	struct em_nl_message message;
	struct nodes nodes = {0};
	int rc;

	*out = (struct em_below){0};
	/* All interfaces are looked at only where it makes a difference. */
	if (!has_ports(kind) && !em_below_is_stackable(kind))
		return 0;
	rc = em_nl_ask(NETLINK_ROUTE,
		       em_nl_begin(&message, RTM_GETLINK, NLM_F_DUMP, &any, sizeof(any)), note,
		       &nodes);
	for (size_t i = 0; i < nodes.n; i++)
		nodes.all[i].found = nodes.all[i].ifindex == ifindex;
	while (!rc && mark_below(&nodes))
		;
	if (!rc)
		rc = take(out, &nodes, ifindex);
	free(nodes.all);
	return rc;
}

void em_below_clear(struct em_below *below)
{
	free(below->names);
	*below = (struct em_below){0};
}
