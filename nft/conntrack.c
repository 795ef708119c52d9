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
#define TUPLE_MAX 128

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
		.reply = reply,
		.id = find(message, CTA_ID),
	};
}

bool em_conntrack_is_ours(const struct em_conntrack *entry,
			  const struct em_conversations *conversations)
{
	if (entry->protocol != IPPROTO_UDP || !entry->zone || entry->reply_zone)
		return false;
	if (entry->translated)
		return entry->target == entry->zone;
	return em_conversations_find(conversations, entry->known, entry->zone);
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

struct tuple {
	uint16_t length;
	uint8_t bytes[TUPLE_MAX] __attribute__((aligned(NLA_ALIGNTO))); /* a nest's payload */
};

struct ended {
	uint8_t family;
	struct tuple original;
	struct tuple mirror;
	uint32_t id;
};

struct ending {
	struct em_conversations kept;
	struct ended *list;
	size_t n;
};

static bool copy_tuple(struct tuple *tuple, const struct nlattr *nest)
{
	tuple->length = nest ? mnl_attr_get_payload_len(nest) : 0;
	if (!tuple->length || tuple->length > TUPLE_MAX)
		return false;
	memcpy(tuple->bytes, mnl_attr_get_payload(nest), tuple->length);
	return true;
}

/* Attributes of addresses and of ports, by those that stand for the other end. */
static const uint16_t other_address[] = {
	[CTA_IP_V4_SRC] = CTA_IP_V4_DST,
	[CTA_IP_V4_DST] = CTA_IP_V4_SRC,
	[CTA_IP_V6_SRC] = CTA_IP_V6_DST,
	[CTA_IP_V6_DST] = CTA_IP_V6_SRC,
};
static const uint16_t other_port[] = {
	[CTA_PROTO_NUM] = CTA_PROTO_NUM,
	[CTA_PROTO_SRC_PORT] = CTA_PROTO_DST_PORT,
	[CTA_PROTO_DST_PORT] = CTA_PROTO_SRC_PORT,
};

static void turn_part(const struct nlattr *nest, const uint16_t *other, size_t n)
{
	struct nlattr *attr;

	mnl_attr_for_each_nested (attr, nest)
		if (mnl_attr_get_type(attr) < n)
			attr->nla_type = other[mnl_attr_get_type(attr)];
}

/* Source and destination change places. */
static void turn_round(struct tuple *tuple)
{
	struct nlattr *attr;
	void *bytes = tuple->bytes;

	mnl_attr_for_each_payload(bytes, tuple->length)
	{
		if (mnl_attr_get_type(attr) == CTA_TUPLE_IP)
			turn_part(attr, other_address, CTA_IP_MAX + 1);
		else if (mnl_attr_get_type(attr) == CTA_TUPLE_PROTO)
			turn_part(attr, other_port, CTA_PROTO_DST_PORT + 1);
	}
}

static bool note_ended(void *context, const struct em_conntrack *entry)
{
	struct ending *ending = context;
	struct ended *ended;

	if (!em_conntrack_is_ours(entry, &ending->kept) || !entry->id ||
	    (entry->translated &&
	     em_conversations_find(&ending->kept, entry->known, entry->target)))
		return true;
	ended = em_build_append(&ending->list, &ending->n, sizeof(*ended));
	if (!ended)
		return false;
	ended->family = entry->family;
	ended->id = mnl_attr_get_u32(entry->id);
	if (!copy_tuple(&ended->original, entry->original) ||
	    !copy_tuple(&ended->mirror, entry->reply))
		ending->n--;
	else
		turn_round(&ended->mirror);
	return true;
}

static void name_entry(struct nlmsghdr *message, const void *context)
{
	const struct ended *ended = context;

	mnl_attr_put(message, CTA_TUPLE_ORIG | NLA_F_NESTED, ended->original.length,
		     ended->original.bytes);
	mnl_attr_put_u32(message, CTA_ID, ended->id);
}

static void name_mirror(struct nlmsghdr *message, const void *context)
{
	const struct tuple *mirror = context;

	mnl_attr_put(message, CTA_TUPLE_ORIG | NLA_F_NESTED, mirror->length, mirror->bytes);
}

static int delete_entry(struct em_netlink *netlink, uint8_t family,
			void (*name)(struct nlmsghdr *message, const void *context),
			const void *context)
{
	const struct em_query query = {.subsystem = NFNL_SUBSYS_CTNETLINK,
				       .type = IPCTNL_MSG_CT_DELETE,
				       .family = family,
				       .flags = NLM_F_ACK,
				       .attributes = name,
				       .context = context};
	int rc = em_netlink_query(netlink, &query, NULL, NULL);

	/* Its time was up meanwhile. */
	return rc == -ENOENT ? 0 : rc;
}

/*
 * Datagrams that another backend has sorted meanwhile arrive at the target's port and have an entry
 * of their own. Beside it, the server's answers to earlier requests, which belong to our entry,
 * cannot be confirmed: the kernel drops them, and the server's sendto() fails with EPERM.
 */
static int end_one(struct em_netlink *netlink, const struct ended *ended)
{
	int rc = delete_entry(netlink, ended->family, name_entry, ended);

	return rc ? rc : delete_entry(netlink, ended->family, name_mirror, &ended->mirror);
}

static int end_all(struct em_netlink *netlink, struct ending *ending)
{
	int rc = em_conntrack_list(netlink, note_ended, ending);

	/* Without ctnetlink apply refuses `replies`, so that there are no conversations of ours. */
	if (rc == -EINVAL || rc == -EOPNOTSUPP)
		return 0;
	for (size_t i = 0; !rc && i < ending->n; i++)
		rc = end_one(netlink, &ending->list[i]);
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
