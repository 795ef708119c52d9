/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "nft/readback_elements.h"
#include "nft/uapi.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "nft/attribute.h"
#include "nft/element.h"
#include "nft/inventory.h"
#include "nft/ruleset.h"

struct listing {
	enum em_table table;
	const char *set;
	const struct nlattr **sent; /* by key */
	size_t n;
	size_t found;
	bool kept;
};

/* The elements in a message that adds or lists some. */
static struct em_row elements_of(const struct nlmsghdr *message)
{
	return em_row_in(em_row_find(em_row_of(message), NFTA_SET_ELEM_LIST_ELEMENTS, 0));
}

static int compare_attributes(const struct nlattr *a, const struct nlattr *b)
{
	struct em_row x = em_row_in(a), y = em_row_in(b);

	return x.length == y.length ? memcmp(x.start, y.start, x.length)
				    : (x.length > y.length) - (x.length < y.length);
}

static const struct nlattr *key_of(struct em_row element)
{
	return em_row_find(em_row_in(em_row_find(element, NFTA_SET_ELEM_KEY, 0)), NFTA_DATA_VALUE,
			   0);
}

/* By the key; an interval may begin where another one ends, which the flags tell apart. */
static int compare_keys(const void *a, const void *b)
{
	struct em_row x = em_row_in(*(const struct nlattr *const *)a);
	struct em_row y = em_row_in(*(const struct nlattr *const *)b);
	int order = compare_attributes(key_of(x), key_of(y));

	return order ? order
		     : compare_attributes(em_row_find(x, NFTA_SET_ELEM_FLAGS, 0),
					  em_row_find(y, NFTA_SET_ELEM_FLAGS, 0));
}

/* From the messages of the batch, into room for all of them. */
static void index_sent(struct listing *listing, const struct em_batch *batch)
{
	const struct nlmsghdr *message = (const struct nlmsghdr *)batch->buffer;
	int length = batch->used;

	for (; mnl_nlmsg_ok(message, length); message = mnl_nlmsg_next(message, &length)) {
		struct em_row row = {"", 0};

		if ((message->nlmsg_type & 0xff) == NFT_MSG_NEWSETELEM)
			row = elements_of(message);
		for (const struct nlattr *at = em_row_next(row, NULL); at;
		     at = em_row_next(row, at))
			listing->sent[listing->n++] = at;
	}
	qsort(listing->sent, listing->n, sizeof(listing->sent[0]), compare_keys);
}

static int compare_elements(const struct nlmsghdr *message, void *data)
{
	struct listing *listing = data;
	struct em_row row = elements_of(message);

	for (const struct nlattr *at = em_row_next(row, NULL); at; at = em_row_next(row, at)) {
		const struct nlattr **sent = bsearch(&at, listing->sent, listing->n,
						     sizeof(listing->sent[0]), compare_keys);

		listing->found++;
		listing->kept &= sent && em_row_is_kept(em_row_in(*sent), em_row_in(at));
	}
	return MNL_CB_OK;
}

static void name_set(struct nlmsghdr *message, const void *context)
{
	const struct listing *listing = context;

	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, EM_RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, listing->set);
}

static int list(struct listing *listing, struct em_netlink *netlink)
{
	const struct em_query query = {.subsystem = NFNL_SUBSYS_NFTABLES,
				       .type = NFT_MSG_GETSETELEM,
				       .family = em_ruleset_family(listing->table),
				       .flags = NLM_F_DUMP,
				       .attributes = name_set,
				       .context = listing};

	return em_netlink_query(netlink, &query, compare_elements, listing);
}

static int compare_all(struct em_netlink *netlink, struct em_batch *batch,
		       const struct em_object *object, struct listing *listing)
{
	int rc;

	for (size_t next = 0; next < object->n;)
		next = em_element_add(batch, object, 0, next);
	if (batch->error)
		return batch->error;
	listing->sent = calloc(em_element_count(object) + 1, sizeof(listing->sent[0]));
	if (!listing->sent)
		return -ENOMEM;
	index_sent(listing, batch);
	rc = list(listing, netlink);
	free(listing->sent);
	return rc;
}

int em_readback_elements(struct em_netlink *netlink, struct em_batch *batch,
			 const struct em_object *object, const char *name, bool *kept)
{
	struct listing listing = {.table = object->table, .set = name, .kept = true};
	uint32_t n;
	int rc;

	if (object->n > EM_LISTED_MAX) {
		rc = em_inventory_count(netlink, object->table, name, 0, &n);
		*kept = n;
		return rc;
	}
	rc = compare_all(netlink, batch, object, &listing);
	batch->used = batch->last = 0;
	*kept = listing.kept && listing.found == listing.n;
	return rc;
}
