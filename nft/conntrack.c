/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * conntrack - the kernel's table of connections; see conntrack.h.
 */
#include "nft/conntrack.h"

/* Before <linux/netfilter.h>, which else brings its own. */
#include <netinet/in.h>

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nft/build.h"

#define MAX_PATH "/proc/sys/net/netfilter/nf_conntrack_max"
/* Bytes of a CTA_TUPLE_ORIG: IPv6 addresses, two ports, a zone, and what is around them. */
#define ORIGINAL_MAX 128

/* Listing. */

static const struct nlattr *find_in(const struct nlattr *nest, uint16_t type)
{
	struct nlattr *attribute;

	if (!nest)
		return NULL;
	mnl_attr_for_each_nested (attribute, nest)
		if (mnl_attr_get_type(attribute) == type)
			return attribute;
	return NULL;
}

static const struct nlattr *find(const struct nlmsghdr *message, uint16_t type)
{
	struct nlattr *attribute;

	mnl_attr_for_each (attribute, message, sizeof(struct nfgenmsg))
		if (mnl_attr_get_type(attribute) == type)
			return attribute;
	return NULL;
}

/* A number of 2 bytes on the wire; 0 where there is none. */
static uint16_t get_u16(const struct nlattr *attribute)
{
	return attribute ? ntohs(mnl_attr_get_u16(attribute)) : 0;
}

/* The zone of one direction, or of both. */
static uint16_t zone_of(const struct nlmsghdr *message, const struct nlattr *tuple)
{
	const struct nlattr *zone = find_in(tuple, CTA_TUPLE_ZONE);

	return get_u16(zone ? zone : find(message, CTA_ZONE));
}

static void read_entry(struct em_conntrack *entry, const struct nlmsghdr *message)
{
	const struct nfgenmsg *header = mnl_nlmsg_get_payload(message);
	const struct nlattr *original = find(message, CTA_TUPLE_ORIG);
	const struct nlattr *reply = find(message, CTA_TUPLE_REPLY);
	const struct nlattr *status = find(message, CTA_STATUS);
	const struct nlattr *ports = find_in(original, CTA_TUPLE_PROTO);
	const struct nlattr *protocol = find_in(ports, CTA_PROTO_NUM);

	*entry = (struct em_conntrack){
		.family = header->nfgen_family,
		.protocol = protocol ? mnl_attr_get_u8(protocol) : 0,
		.translated = status && ntohl(mnl_attr_get_u32(status)) & IPS_DST_NAT,
		.zone = zone_of(message, original),
		.reply_zone = zone_of(message, reply),
		.known = get_u16(find_in(ports, CTA_PROTO_DST_PORT)),
		.target = get_u16(find_in(find_in(reply, CTA_TUPLE_PROTO), CTA_PROTO_SRC_PORT)),
		.original = original,
		.id = find(message, CTA_ID),
	};
}

bool em_conntrack_is_ours(const struct em_conntrack *entry,
			  const struct em_conversations *conversations)
{
	if (entry->protocol != IPPROTO_UDP || !entry->zone || entry->reply_zone)
		return false;
	return entry->translated ? entry->target == entry->zone
				 : em_conversations_have(conversations, entry->known, entry->zone);
}

struct listing {
	bool (*found)(void *context, const struct em_conntrack *entry);
	void *context;
};

static int read_message(const struct nlmsghdr *message, void *data)
{
	const struct listing *listing = data;
	struct em_conntrack entry;

	read_entry(&entry, message);
	if (listing->found(listing->context, &entry))
		return MNL_CB_OK;
	errno = ENOMEM;
	return MNL_CB_ERROR;
}

int em_conntrack_list(struct em_netlink *netlink,
		      bool (*found)(void *context, const struct em_conntrack *entry), void *context)
{
	const struct em_query dump = {.subsystem = NFNL_SUBSYS_CTNETLINK,
				      .type = IPCTNL_MSG_CT_GET,
				      .family = NFPROTO_UNSPEC,
				      .flags = NLM_F_DUMP};
	struct listing listing = {found, context};

	return em_netlink_query(netlink, &dump, read_message, &listing);
}

/* Ending. */

struct ended {
	uint8_t family;
	uint16_t length;
	uint8_t original[ORIGINAL_MAX];
	uint32_t id;
};

struct ending {
	struct em_conversations kept;
	struct ended *list;
	size_t n;
};

static bool note_ended(void *context, const struct em_conntrack *entry)
{
	struct ending *ending = context;
	struct ended *ended;

	if (!em_conntrack_is_ours(entry, &ending->kept) || !entry->id ||
	    mnl_attr_get_payload_len(entry->original) > ORIGINAL_MAX ||
	    (entry->translated &&
	     em_conversations_have(&ending->kept, entry->known, entry->target)))
		return true;
	ended = em_build_append(&ending->list, &ending->n, sizeof(*ended));
	if (!ended)
		return false;
	ended->family = entry->family;
	ended->length = mnl_attr_get_payload_len(entry->original);
	memcpy(ended->original, mnl_attr_get_payload(entry->original), ended->length);
	ended->id = mnl_attr_get_u32(entry->id);
	return true;
}

static void name_entry(struct nlmsghdr *message, const void *context)
{
	const struct ended *ended = context;

	mnl_attr_put(message, CTA_TUPLE_ORIG | NLA_F_NESTED, ended->length, ended->original);
	mnl_attr_put_u32(message, CTA_ID, ended->id);
}

static int delete_entry(struct em_netlink *netlink, const struct ended *ended)
{
	const struct em_query query = {.subsystem = NFNL_SUBSYS_CTNETLINK,
				       .type = IPCTNL_MSG_CT_DELETE,
				       .family = ended->family,
				       .flags = NLM_F_ACK,
				       .attributes = name_entry,
				       .context = ended};
	int rc = em_netlink_query(netlink, &query, NULL, NULL);

	/* Its time was up meanwhile. */
	return rc == -ENOENT ? 0 : rc;
}

static int end_all(struct em_netlink *netlink, struct ending *ending)
{
	int rc = em_conntrack_list(netlink, note_ended, ending);

	/* Without ctnetlink apply does not carry `replies`, and there are none of ours. */
	if (rc == -EINVAL || rc == -EOPNOTSUPP)
		return 0;
	for (size_t i = 0; !rc && i < ending->n; i++)
		rc = delete_entry(netlink, &ending->list[i]);
	return rc;
}

int em_conntrack_end(struct em_netlink *netlink, const struct em_policy *policy,
		     struct em_diag *diag)
{
	struct ending ending = {0};
	int rc = em_conversations_init(&ending.kept, policy);

	if (!rc)
		rc = end_all(netlink, &ending);
	em_conversations_clear(&ending.kept);
	free(ending.list);
	if (rc) {
		struct em_refusal refusal = {rc, {.what = "end conversations in conntrack"}};

		return em_netlink_report(diag, &refusal);
	}
	return 0;
}

void em_conntrack_warn(const struct em_policy *policy, struct em_diag *diag)
{
	const struct em_listener *first = em_conversation_first(policy);
	FILE *file = first ? fopen(MAX_PATH, "re") : NULL;
	unsigned long long flows = 0, max;

	for (size_t i = 0; i < policy->n_listeners; i++)
		if (policy->listeners[i].replies)
			flows += policy->listeners[i].flows;
	if (!file)
		return;
	if (fscanf(file, "%llu", &max) == 1 && max < flows)
		em_diag_warning(
			diag, &first->replies_place,
			"conntrack of this host remembers %llu connections in all, and the "
			"listeners ask for %llu flows: sysctl net.netfilter.nf_conntrack_max",
			max, flows);
	fclose(file);
}
