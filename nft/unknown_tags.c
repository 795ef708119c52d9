/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "nft/unknown_tags.h"
#include "nft/uapi.h"

#include <endian.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "base/clock.h"
#include "nft/attribute.h"
#include "nft/build.h"
#include "nft/check_host.h"

#define NS_PER_MS UINT64_C(1000000)

static struct em_object make_object(uint32_t generation, const struct em_listener *listener,
				    const struct em_format *format)
{
	struct em_object object = {.kind = EM_OBJECT_SET,
				   .table = EM_TABLE_NETDEV,
				   .name = {.generation = generation,
					    .role = "unknown",
					    .owner = listener->name,
					    .format = format->name},
				   .place = format->tag.place,
				   .purpose = "add set of unknown tags",
				   .size = EM_UNKNOWN_MAX,
				   .listener = listener,
				   .format = format};

	em_key_of_tag(format, &object.key);
	return object;
}

/* Alone in its rule, which a full set ends. */
void em_build_unknown_tags(struct em_builder *b)
{
	struct em_object object = make_object(b->ruleset->generation, b->listener, b->format);
	struct em_statement *update;

	if (b->ruleset->form.forgets)
		return;
	/* The second chain has the same set. */
	if (!b->whole)
		em_build_object(b, object);
	em_build_rule(b, &b->format->tag.place);
	update = em_build_lookup(b, EM_STATEMENT_UPDATE, object.name);
	update->seconds = EM_UNKNOWN_SECONDS;
	update->counting = true;
}

/* Reading. */

struct reading {
	const struct em_object *object;
	struct em_unknown_list *list;
};

static uint64_t number(const struct nlattr *attribute)
{
	return attribute && mnl_attr_get_payload_len(attribute) == sizeof(uint64_t)
		       ? be64toh(mnl_attr_get_u64(attribute))
		       : 0;
}

/* The kernel prolongs an element with each datagram. */
static uint64_t age_of(struct em_row element)
{
	const uint64_t all = EM_UNKNOWN_SECONDS * EM_SECOND;
	uint64_t left = number(em_row_find(element, NFTA_SET_ELEM_EXPIRATION, 0)) * NS_PER_MS;

	return left < all ? all - left : 0;
}

static uint64_t packets_of(struct em_row element)
{
	struct em_row counter = em_row_in(em_row_find(element, NFTA_SET_ELEM_EXPR, 0));

	return number(em_row_find(em_row_in(em_row_find(counter, NFTA_EXPR_DATA, 0)),
				  NFTA_COUNTER_PACKETS, 0));
}

static int add(const struct reading *reading, struct em_row element)
{
	const struct em_object *object = reading->object;
	const struct nlattr *key = em_row_find(
		em_row_in(em_row_find(element, NFTA_SET_ELEM_KEY, 0)), NFTA_DATA_VALUE, 0);
	struct em_unknown unknown = {.listener = object->listener,
				     .format = object->format,
				     .packets = packets_of(element),
				     .age = age_of(element)};

	/* Another program may have made a set of another kind. */
	if (!key || mnl_attr_get_payload_len(key) != em_key_length(&object->key))
		return -EBADMSG;
	em_key_to_tag(&object->key, mnl_attr_get_payload(key), unknown.tag);
	return em_unknown_add(reading->list, &unknown);
}

static int read_elements(const struct nlmsghdr *message, void *data)
{
	struct em_row row =
		em_row_in(em_row_find(em_row_of(message), NFTA_SET_ELEM_LIST_ELEMENTS, 0));
	const struct reading *reading = data;
	int rc = 0;

	for (const struct nlattr *at = em_row_next(row, NULL); !rc && at; at = em_row_next(row, at))
		rc = add(reading, em_row_in(at));
	errno = -rc;
	return rc ? MNL_CB_ERROR : MNL_CB_OK;
}

static void name_set(struct nlmsghdr *message, const void *context)
{
	const struct em_object *object = context;
	char text[EM_IDENTIFIER_MAX];

	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, EM_RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET,
			  em_identifier_format(&object->name, text));
}

/* A change of the ruleset interrupts a dump: it begins anew. */
static int read_set(struct em_netlink *netlink, const struct em_object *object,
		    struct em_unknown_list *list)
{
	const struct em_query query = {.subsystem = NFNL_SUBSYS_NFTABLES,
				       .type = NFT_MSG_GETSETELEM,
				       .family = em_ruleset_family(object->table),
				       .flags = NLM_F_DUMP,
				       .attributes = name_set,
				       .context = object};
	struct reading reading = {object, list};
	const size_t before = list->n;
	int rc = -EINTR;

	for (int i = 0; rc == -EINTR && i < EM_DUMP_TRIES; i++) {
		list->n = before;
		rc = em_netlink_query(netlink, &query, read_elements, &reading);
	}
	return rc;
}

int em_unknown_tags_read(struct em_netlink *netlink, const struct em_policy *policy,
			 uint32_t generation, struct em_unknown_list *list, struct em_diag *diag)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < policy->n_listeners; i++)
		for (size_t j = 0; !rc && j < policy->listeners[i].n_formats; j++) {
			const struct em_object object =
				make_object(generation, &policy->listeners[i],
					    &policy->listeners[i].formats[j]);

			rc = read_set(netlink, &object, list);
		}
	if (rc == -ENOENT && em_nft_forgets()) {
		em_diag_warning(diag, NULL,
				"no unknown tags are recorded: nf_tables of this kernel has no "
				"sets with a size whose elements time out (Linux 4.16)");
		return 0;
	}
	return rc ? em_diag_errno(diag, rc, NULL, "nftables: cannot read the unknown tags") : 0;
}
