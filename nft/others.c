/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * others - chains of others at the ingress hook of an interface; see others.h.
 */
#include "nft/others.h"
#include "nft/uapi.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nft/build.h"
#include "nft/netlink.h"
#include "nft/parsed.h"
#include "nft/ruleset.h"

struct text {
	char text[160];
};

struct listing {
	const char *interface;
	struct text *chains;
	size_t n_chains;
};

static bool is_at_ingress(const struct nftnl_chain *chain)
{
	uint32_t family = nftnl_chain_get_u32(chain, NFTNL_CHAIN_FAMILY);
	uint32_t hook = nftnl_chain_get_u32(chain, NFTNL_CHAIN_HOOKNUM);

	if (!nftnl_chain_is_set(chain, NFTNL_CHAIN_HOOKNUM))
		return false;
	return (family == NFPROTO_NETDEV && hook == NF_NETDEV_INGRESS) ||
	       (family == NFPROTO_INET && hook == NF_INET_INGRESS);
}

static bool is_on(const struct nftnl_chain *chain, const char *interface)
{
	const char *device = nftnl_chain_get_str(chain, NFTNL_CHAIN_DEV);
	const char *const *devices = nftnl_chain_get(chain, NFTNL_CHAIN_DEVICES);

	if (device)
		return strcmp(device, interface) == 0;
	for (size_t i = 0; devices && devices[i]; i++)
		if (strcmp(devices[i], interface) == 0)
			return true;
	return false;
}

static bool is_ours(const struct nftnl_chain *chain)
{
	return nftnl_chain_get_u32(chain, NFTNL_CHAIN_FAMILY) == NFPROTO_NETDEV &&
	       strcmp(nftnl_chain_get_str(chain, NFTNL_CHAIN_TABLE), EM_RULESET_TABLE) == 0;
}

static bool describe(struct listing *listing, const struct nftnl_chain *chain)
{
	bool inet = nftnl_chain_get_u32(chain, NFTNL_CHAIN_FAMILY) == NFPROTO_INET;
	struct text *found = em_build_append(&listing->chains, &listing->n_chains, sizeof(*found));

	if (!found)
		return false;
	snprintf(found->text, sizeof(found->text),
		 "nftables chain at ingress, priority %d: %s %s %s",
		 nftnl_chain_get_s32(chain, NFTNL_CHAIN_PRIO), inet ? "inet" : "netdev",
		 nftnl_chain_get_str(chain, NFTNL_CHAIN_TABLE),
		 nftnl_chain_get_str(chain, NFTNL_CHAIN_NAME));
	return true;
}

static int note_chain(const struct nlmsghdr *message, void *data)
{
	struct nftnl_chain *chain __attribute__((cleanup(em_parsed_chain_freep))) = NULL;
	struct listing *listing = data;
	int result = em_parsed_chain(&chain, message);

	if (chain && is_at_ingress(chain) && is_on(chain, listing->interface) && !is_ours(chain) &&
	    !describe(listing, chain))
		result = MNL_CB_ERROR;
	return result;
}

static int query(struct listing *listing, struct em_netlink *netlink)
{
	/* Of all families: those on devices are in netdev and, from Linux 5.10 on, in inet. */
	const struct em_query chains = {.subsystem = NFNL_SUBSYS_NFTABLES,
					.type = NFT_MSG_GETCHAIN,
					.family = NFPROTO_UNSPEC,
					.flags = NLM_F_DUMP};
	int rc = -EINTR;

	for (int i = 0; rc == -EINTR && i < EM_DUMP_TRIES; i++) {
		listing->n_chains = 0;
		rc = em_netlink_query(netlink, &chains, note_chain, listing);
	}
	/* The kernel has netfilter, but no nf_tables. */
	return rc == -EINVAL || rc == -EOPNOTSUPP ? 0 : rc;
}

int em_nft_others_list(struct em_link *link, em_other_fn *found, void *context,
		       struct em_diag *diag)
{
	struct listing listing = {.interface = link->name};
	struct em_netlink netlink;
	int rc = em_netlink_open(&netlink, diag);

	if (rc)
		return rc == -EPROTONOSUPPORT ? 0 : rc;
	rc = query(&listing, &netlink);
	em_netlink_close(&netlink);
	for (size_t i = 0; !rc && i < listing.n_chains; i++)
		found(context, listing.chains[i].text, NULL);
	free(listing.chains);
	if (rc) {
		struct em_refusal refusal = {rc, {.what = "list the chains"}};

		return em_netlink_report(diag, &refusal);
	}
	return 0;
}
