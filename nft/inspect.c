/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * inspect - what of ours is in the kernel, and whether it is whole; see inspect.h.
 */
#include "nft/inspect.h"

/* Before <linux/netfilter.h>, which else brings its own. */
#include <netinet/in.h>

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/ifb.h"
#include "nft/drift.h"
#include "nft/inventory.h"
#include "nft/netlink.h"
#include "nft/translations.h"

static bool is_leftover(const struct em_inventory *inventory, uint32_t generation)
{
	for (size_t i = 0; i < inventory->n_chains; i++)
		if (inventory->chains[i].generation != generation)
			return true;
	for (size_t i = 0; i < inventory->n_rules; i++)
		if (inventory->rules[i].generation != generation)
			return true;
	for (size_t i = 0; i < inventory->n_objects; i++)
		if (!em_inventory_is_shared(&inventory->objects[i]) &&
		    inventory->objects[i].generation != generation)
			return true;
	return generation == 0 && inventory->present;
}

static bool has_zones(const struct em_inventory *inet, uint32_t generation, const char *listener)
{
	for (size_t i = 0; i < inet->n_objects; i++) {
		const struct em_inventory_object *object = &inet->objects[i];
		const char *owner = em_identifier_owner(object->name, EM_ROLE_ZONES);

		if (owner && object->generation == generation && !strcmp(owner, listener))
			return true;
	}
	return false;
}

static bool has_base(const struct em_inventory *inventory, uint32_t generation,
		     enum em_base_kind which, const char *device)
{
	struct em_identifier base = em_ruleset_base(which, device);
	char text[EM_IDENTIFIER_MAX];

	return em_inventory_leads(inventory, em_identifier_format(&base, text), generation);
}

/* The base chain by which an interface carries the policy. */
static bool sorts(const struct em_inventory_chain *chain)
{
	return chain->device[0] &&
	       em_identifier_owner(chain->name, em_ruleset_bases[EM_BASE_SORT].role);
}

static bool has_chain(const struct em_inventory *inventory, const struct em_identifier *name)
{
	char text[EM_IDENTIFIER_MAX];

	em_identifier_format(name, text);
	for (size_t i = 0; i < inventory->n_chains; i++)
		if (strcmp(inventory->chains[i].name, text) == 0)
			return true;
	return false;
}

/* A base chain that has to lead to the generation. */
static int need_base(struct em_kernel_state *out, const struct em_inventory *inventory,
		     enum em_base_kind which, const char *device)
{
	struct em_identifier name = em_ruleset_base(which, device);
	char text[EM_IDENTIFIER_MAX];

	if (has_base(inventory, out->generation, which, device))
		return 0;
	return em_drift_add(out, inventory->table, "chain", em_identifier_format(&name, text),
			    "is missing or does not lead to the policy");
}

/* Where an interface carries the policy; egress where there are chains for what leaves. */
static int need_bases(struct em_kernel_state *out, const struct em_inventory *netdev,
		      const char *device)
{
	struct em_identifier leaving = em_ruleset_entry(out->generation, EM_BASE_EGRESS, device);
	struct em_identifier forward = em_ruleset_entry(out->generation, EM_BASE_LAST, device);
	int rc = need_base(out, netdev, EM_BASE_HEADERS, device);

	if (!rc && has_chain(netdev, &leaving))
		rc = need_base(out, netdev, EM_BASE_EGRESS, device);
	if (!rc && has_chain(netdev, &forward))
		rc = need_base(out, netdev, EM_BASE_LAST, device);
	return rc;
}

/* Packets that are marked at ingress need the rules that know the mark. */
static int need_zones(struct em_kernel_state *out, const struct em_inventory *inet,
		      const char *listener)
{
	struct em_identifier name = {
		.generation = out->generation, .role = EM_ROLE_ZONES, .owner = listener};
	char text[EM_IDENTIFIER_MAX];

	if (has_zones(inet, out->generation, listener))
		return 0;
	return em_drift_add(out, EM_TABLE_INET, "map", em_identifier_format(&name, text),
			    "is missing");
}

static int add_ifb(struct em_kernel_state *out, const char *what)
{
	struct em_drift drift = {.object = "interface " EM_IFB_NAME};

	snprintf(drift.what, sizeof(drift.what), "%s", what);
	return em_kernel_state_add_drift(out, &drift);
}

/* The device that makes copies, and its chain, where there are rules for it. */
static int need_ifb(struct em_kernel_state *out, const struct em_inventory *netdev,
		    const struct em_ifb *ifb)
{
	struct em_identifier copier =
		em_ruleset_entry(out->generation, EM_BASE_COPIES, EM_IFB_NAME);
	int rc = 0;

	if (!has_chain(netdev, &copier))
		return 0;
	if (!ifb->ours)
		return add_ifb(out, "is missing: nothing that has copies arrives");
	if (!ifb->up)
		rc = add_ifb(out, "is down: ip link set " EM_IFB_NAME " up");
	if (!rc && ifb->queue < EM_IFB_QUEUE)
		rc = add_ifb(out, "drops bursts: ip link set " EM_IFB_NAME " txqueuelen 10000");
	return rc ? rc : need_base(out, netdev, EM_BASE_COPIES, EM_IFB_NAME);
}

/* What is there because of something else that is there. */
static int find_missing(struct em_kernel_state *out, const struct em_inventory *netdev,
			const struct em_inventory *inet)
{
	bool marks = false;
	int rc = 0;

	for (size_t i = 0; !rc && i < netdev->n_chains; i++)
		if (sorts(&netdev->chains[i]))
			rc = need_bases(out, netdev, netdev->chains[i].device);
	for (size_t i = 0; !rc && i < netdev->n_objects; i++) {
		const char *owner = em_identifier_owner(netdev->objects[i].name, EM_ROLE_TAGS);

		if (!owner || netdev->objects[i].generation != out->generation)
			continue;
		marks = true;
		rc = need_zones(out, inet, owner);
	}
	if (!rc && marks)
		rc = need_base(out, inet, EM_BASE_RAW, NULL);
	if (!rc && marks)
		rc = need_base(out, inet, EM_BASE_NAT, NULL);
	return rc;
}

static int find_attachments(struct em_kernel_state *out, const struct em_inventory *inventory,
			    struct em_diag *diag)
{
	out->attachments = calloc(inventory->n_chains + 1, sizeof(*out->attachments));
	if (!out->attachments)
		return em_diag_enomem(diag);
	for (size_t i = 0; i < inventory->n_chains; i++) {
		const struct em_inventory_chain *chain = &inventory->chains[i];
		struct em_attachment *attachment = &out->attachments[out->n_attachments];

		if (!sorts(chain) || chain->generation != out->generation)
			continue;
		attachment->ifindex = if_nametoindex(chain->device);
		/* From 6.16 on, a chain stays when its device goes. */
		if (!attachment->ifindex && errno == ENODEV)
			continue;
		if (!attachment->ifindex)
			return em_diag_errno(diag, -errno, NULL, "interface %s", chain->device);
		memcpy(attachment->interface, chain->device, sizeof(chain->device));
		attachment->hook = EM_HOOK_NFT_INGRESS;
		out->n_attachments++;
	}
	return 0;
}

/* The newest generation before the one in force (0: of all) that has counters. */
static uint32_t find_older(const struct em_inventory *netdev, uint32_t in_force)
{
	uint32_t older = 0;

	for (size_t i = 0; i < netdev->n_objects; i++) {
		uint32_t generation = netdev->objects[i].generation;

		if (netdev->objects[i].kind == EM_OBJECT_COUNTER && generation > older &&
		    (!in_force || generation < in_force))
			older = generation;
	}
	return older;
}

static int judge(struct em_kernel_state *out, const struct em_inventory *netdev,
		 const struct em_inventory *inet, struct em_diag *diag)
{
	struct em_identifier copier;
	struct em_ifb ifb;
	int rc = em_ifb_read(&ifb);

	if (rc)
		return em_diag_errno(diag, rc, NULL, "read interface " EM_IFB_NAME);
	out->generation = em_inventory_in_force(netdev);
	out->older = find_older(netdev, out->generation);
	out->leftovers = is_leftover(netdev, out->generation) || is_leftover(inet, out->generation);
	copier = em_ruleset_entry(out->generation, EM_BASE_COPIES, EM_IFB_NAME);
	out->leftovers |= ifb.ours && !has_chain(netdev, &copier);
	if (!out->generation)
		return 0;
	if (find_missing(out, netdev, inet) || need_ifb(out, netdev, &ifb))
		return em_diag_enomem(diag);
	return find_attachments(out, netdev, diag);
}

static int find_drift(struct em_kernel_state *out, const struct em_inventory *netdev,
		      const struct em_inventory *inet, struct em_netlink *netlink,
		      struct em_diag *diag)
{
	int rc = em_drift_find(out, netlink, netdev, diag);

	return rc ? rc : em_drift_find(out, netlink, inet, diag);
}

int em_nft_inspect(struct em_kernel_state *out, struct em_diag *diag)
{
	struct em_inventory netdev, inet = {0};
	struct em_netlink netlink;
	int rc = em_netlink_open(&netlink, diag);

	*out = (struct em_kernel_state){0};
	if (rc)
		return rc == -EPROTONOSUPPORT ? 0 : rc;
	rc = em_inventory_read(&netdev, EM_TABLE_NETDEV, &netlink, diag);
	if (!rc)
		rc = em_inventory_read(&inet, EM_TABLE_INET, &netlink, diag);
	if (!rc)
		rc = judge(out, &netdev, &inet, diag);
	if (!rc && out->generation)
		rc = find_drift(out, &netdev, &inet, &netlink, diag);
	if (!rc && out->generation)
		rc = em_translations_inspect(&out->fault, &netlink, &inet, out->generation, diag);
	em_inventory_clear(&netdev);
	em_inventory_clear(&inet);
	em_netlink_close(&netlink);
	return rc;
}
