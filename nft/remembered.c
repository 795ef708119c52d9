/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * remembered - the conversations in the sets of table netdev; see remembered.h.
 *
 * An element of a set is the sender's address and port, and the address and port that it has been
 * sorted to, as the rules of answers.c load them: a port, and an interface before them, is a number
 * of 4 bytes in the order of the machine.  The set's name has the listener's port.
 */
#include "nft/remembered.h"
#include "nft/uapi.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "nft/inventory.h"
#include "nft/parsed.h"
#include "policy/conversation.h"

/* Elements in one transaction: one that fails takes the others along. */
#define AT_ONCE 512

/* A set: its family and the listener's port, as its name says. */
struct memory {
	const char *name;
	uint8_t family;
	uint16_t known;
	bool any;   /* its keys have no address of the server */
	bool links; /* its keys begin with the interface */
};

static uint8_t address_length(uint8_t family)
{
	return family == AF_INET ? 4 : 16;
}

static bool has_role(const char *name, const char *role)
{
	return strncmp(name, role, strlen(role)) == 0;
}

/* The name is one of em_inventory_is_conversations(): ROLE4-PORT or ROLE6-PORT. */
static struct memory identify(const char *name)
{
	const char *dash = strrchr(name, '-');
	bool links = has_role(name, EM_ROLE_LINKS6) || has_role(name, EM_ROLE_LINK_OVERFLOW6);

	return (struct memory){.name = name,
			       .family = dash[-1] == '4' ? AF_INET : AF_INET6,
			       .known = strtoul(dash + 1, NULL, 10),
			       .any = links || has_role(name, EM_ROLE_GROUPS4) ||
				      has_role(name, EM_ROLE_GROUPS6),
			       .links = links};
}

/* Keys. */

static uint8_t *put_bytes(uint8_t *to, const void *bytes, size_t length)
{
	memcpy(to, bytes, length);
	return to + length;
}

static const uint8_t *take_bytes(void *bytes, const uint8_t *from, size_t length)
{
	memcpy(bytes, from, length);
	return from + length;
}

static bool is_of_any(const struct em_flow *flow)
{
	static const uint8_t none[sizeof(flow->server)];

	return memcmp(flow->server, none, sizeof(none)) == 0;
}

/* Returns its length. */
static uint8_t key_of(const struct em_flow *flow, uint8_t key[EM_KEY_MAX])
{
	const uint32_t sender_port = flow->sender_port, target = flow->target;
	uint8_t length = address_length(flow->family), *end = key;

	if (flow->link)
		end = put_bytes(end, &flow->link, sizeof(flow->link));
	end = put_bytes(end, flow->sender, length);
	end = put_bytes(end, &sender_port, sizeof(sender_port));
	if (!is_of_any(flow))
		end = put_bytes(end, flow->server, length);
	end = put_bytes(end, &target, sizeof(target));
	return end - key;
}

static struct em_flow flow_of(const struct memory *memory, const uint8_t *key)
{
	struct em_flow flow = {.family = memory->family, .known = memory->known};
	uint8_t length = address_length(memory->family);
	uint32_t sender_port, target;

	if (memory->links)
		key = take_bytes(&flow.link, key, sizeof(flow.link));
	key = take_bytes(flow.sender, key, length);
	key = take_bytes(&sender_port, key, sizeof(sender_port));
	if (!memory->any)
		key = take_bytes(flow.server, key, length);
	take_bytes(&target, key, sizeof(target));
	flow.sender_port = sender_port;
	flow.target = target;
	return flow;
}

static uint32_t key_length(const struct memory *memory)
{
	const uint32_t end = address_length(memory->family) + sizeof(uint32_t);
	const uint32_t link = memory->links ? sizeof(uint32_t) : 0;

	return link + (memory->any ? end + sizeof(uint32_t) : 2 * end);
}

/* Reading. */

struct reading {
	const struct memory *memory;
	struct em_flow_list *list;
	int error;
};

static int read_element(struct nftnl_set_elem *element, void *data)
{
	struct reading *reading = data;
	struct em_flow flow;
	uint32_t length;
	const void *key = nftnl_set_elem_get(element, NFTNL_SET_ELEM_KEY, &length);

	if (!key || length != key_length(reading->memory))
		return 0;
	flow = flow_of(reading->memory, key);
	reading->error = em_flow_list_add(reading->list, &flow);
	return reading->error;
}

static int read_elements(const struct nlmsghdr *message, void *data)
{
	struct nftnl_set *set = nftnl_set_alloc();
	struct reading *reading = data;
	int rc;

	if (!set)
		return MNL_CB_ERROR;
	rc = nftnl_set_elems_nlmsg_parse(message, set);
	if (!rc)
		rc = nftnl_set_elem_foreach(set, read_element, reading);
	nftnl_set_free(set);
	if (!rc)
		return MNL_CB_OK;
	errno = reading->error ? -reading->error : errno;
	return MNL_CB_ERROR;
}

static void name_set(struct nlmsghdr *message, const void *context)
{
	const struct memory *memory = context;

	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, EM_RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, memory->name);
}

/* Another program's change of the ruleset interrupts a dump: it begins anew. */
static int read_set(struct em_netlink *netlink, const char *name, struct em_flow_list *list)
{
	const struct memory memory = identify(name);
	const struct em_query query = {.subsystem = NFNL_SUBSYS_NFTABLES,
				       .type = NFT_MSG_GETSETELEM,
				       .family = em_ruleset_family(EM_TABLE_NETDEV),
				       .flags = NLM_F_DUMP,
				       .attributes = name_set,
				       .context = &memory};
	const size_t before = list->n;
	int rc = -EINTR;

	for (int i = 0; rc == -EINTR && i < EM_DUMP_TRIES; i++) {
		struct reading reading = {.memory = &memory, .list = list};

		list->n = before;
		rc = em_netlink_query(netlink, &query, read_elements, &reading);
	}
	return rc == -ENOENT ? 0 : rc;
}

static int read_sets(struct em_netlink *netlink, const struct em_inventory *inventory,
		     struct em_flow_list *list)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < inventory->n_objects; i++)
		if (em_inventory_is_conversations(&inventory->objects[i]))
			rc = read_set(netlink, inventory->objects[i].name, list);
	return rc;
}

int em_remembered_read(struct em_netlink *netlink, struct em_flow_list *list, struct em_diag *diag)
{
	struct em_inventory inventory;
	int rc = em_inventory_read(&inventory, EM_TABLE_NETDEV, netlink, diag);

	if (!rc) {
		rc = read_sets(netlink, &inventory, list);
		if (rc)
			rc = em_diag_errno(diag, rc, NULL, "nftables: cannot read conversations");
	}
	em_inventory_clear(&inventory);
	return rc;
}

/* Changing. */

/* What is done with elements of a set. */
struct change {
	uint16_t type, flags;
	const char *what;
	const char *set;
	const struct em_conversations *conversations; /* they time out as these; NULL: they go */
};

static void put_element(struct nlmsghdr *message, const struct change *change,
			const struct em_flow *flow)
{
	struct nlattr *element = mnl_attr_nest_start(message, NFTA_LIST_ELEM);
	struct nlattr *nest = mnl_attr_nest_start(message, NFTA_SET_ELEM_KEY);
	uint8_t key[EM_KEY_MAX];

	mnl_attr_put(message, NFTA_DATA_VALUE, key_of(flow, key), key);
	mnl_attr_nest_end(message, nest);
	if (change->conversations) {
		const struct em_conversation *conversation =
			em_conversations_find(change->conversations, flow->known, flow->target);

		mnl_attr_put_u64(message, NFTA_SET_ELEM_TIMEOUT,
				 htobe64(conversation->timeout * UINT64_C(1000)));
	}
	mnl_attr_nest_end(message, element);
}

static void add_message(struct em_batch *batch, const struct change *change,
			const struct em_flow *flows, size_t n)
{
	struct nlmsghdr *message = em_batch_open(batch, em_ruleset_family(EM_TABLE_NETDEV),
						 change->type, change->flags, change->what, NULL);
	struct nlattr *list;

	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, EM_RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, change->set);
	list = mnl_attr_nest_start(message, NFTA_SET_ELEM_LIST_ELEMENTS);
	for (size_t i = 0; i < n; i++)
		put_element(message, change, &flows[i]);
	mnl_attr_nest_end(message, list);
	em_batch_close(batch, message);
}

/* Where one of many fails, each is tried by itself; for one that is no failure the rest goes on. */
static int change_elements(struct em_netlink *netlink, struct em_batch *batch,
			   const struct change *change, const struct em_flow *flows, size_t n,
			   struct em_refusal *refusal)
{
	const int harmless = change->conversations ? -ENFILE : -ENOENT;
	int rc;

	add_message(batch, change, flows, n);
	rc = em_batch_send(netlink, batch, false, refusal);
	if (rc != harmless)
		return rc;
	rc = 0;
	for (size_t i = 0; n > 1 && !rc && i < n; i++)
		rc = change_elements(netlink, batch, change, &flows[i], 1, refusal);
	return rc;
}

static int change_all(struct em_netlink *netlink, struct em_batch *batch,
		      const struct change *change, const struct em_flow_list *list,
		      struct em_refusal *refusal)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < list->n; i += AT_ONCE)
		rc = change_elements(netlink, batch, change, list->all + i,
				     list->n - i < AT_ONCE ? list->n - i : AT_ONCE, refusal);
	return rc;
}

/* Of those that are of this family and listener's port, what the policy has, or what it has not. */
static int select_flows(struct em_flow_list *out, const struct em_flow_list *list,
			const struct memory *memory, const struct em_conversations *conversations,
			bool had)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < list->n; i++) {
		const struct em_flow *flow = &list->all[i];

		if (flow->family == memory->family && flow->known == memory->known &&
		    is_of_any(flow) == memory->any && !!flow->link == memory->links &&
		    had == !!em_conversations_find(conversations, flow->known, flow->target))
			rc = em_flow_list_add(out, flow);
	}
	return rc;
}

static int fill_set(struct em_netlink *netlink, struct em_batch *batch, const char *name,
		    const struct em_flow_list *list, const struct em_conversations *conversations)
{
	const struct change change = {NFT_MSG_NEWSETELEM, NLM_F_CREATE, "add conversations", name,
				      conversations};
	const struct memory memory = identify(name);
	struct em_flow_list selected = {0};
	struct em_refusal refusal;
	int rc = select_flows(&selected, list, &memory, conversations, true);

	if (!rc)
		rc = change_all(netlink, batch, &change, &selected, &refusal);
	em_flow_list_clear(&selected);
	return rc;
}

static int end_in_set(struct em_netlink *netlink, struct em_batch *batch, const char *name,
		      const struct em_conversations *conversations)
{
	const struct change change = {NFT_MSG_DELSETELEM, 0, "end conversations", name, NULL};
	struct em_flow_list list = {0}, selected = {0};
	const struct memory memory = identify(name);
	struct em_refusal refusal;
	int rc = read_set(netlink, name, &list);

	if (!rc)
		rc = select_flows(&selected, &list, &memory, conversations, false);
	if (!rc)
		rc = change_all(netlink, batch, &change, &selected, &refusal);
	em_flow_list_clear(&list);
	em_flow_list_clear(&selected);
	return rc;
}

/* The overflow sets are for those that come from now on. */
static bool is_filled(const struct em_inventory_object *object)
{
	return em_inventory_is_conversations(object) &&
	       !has_role(object->name, EM_ROLE_OVERFLOW4) &&
	       !has_role(object->name, EM_ROLE_OVERFLOW6) &&
	       !has_role(object->name, EM_ROLE_LINK_OVERFLOW6);
}

/* Fills the sets, or without a list ends what the policy does not have. */
static int change_sets(struct em_netlink *netlink, struct em_batch *batch,
		       const struct em_inventory *inventory, const struct em_policy *policy,
		       const struct em_flow_list *list)
{
	struct em_conversations conversations;
	int rc = em_conversations_init(&conversations, policy);

	for (size_t i = 0; !rc && i < inventory->n_objects; i++) {
		const struct em_inventory_object *object = &inventory->objects[i];

		if (list && is_filled(object))
			rc = fill_set(netlink, batch, object->name, list, &conversations);
		else if (!list && em_inventory_is_conversations(object))
			rc = end_in_set(netlink, batch, object->name, &conversations);
	}
	em_conversations_clear(&conversations);
	return rc;
}

static int change(struct em_netlink *netlink, struct em_batch *batch,
		  const struct em_policy *policy, const struct em_flow_list *list, const char *what,
		  struct em_diag *diag)
{
	struct em_inventory inventory;
	int rc = em_inventory_read(&inventory, EM_TABLE_NETDEV, netlink, diag);

	if (!rc) {
		rc = change_sets(netlink, batch, &inventory, policy, list);
		if (rc)
			rc = em_diag_errno(diag, rc, NULL, "nftables: cannot %s conversations",
					   what);
	}
	em_inventory_clear(&inventory);
	return rc;
}

int em_remembered_fill(struct em_netlink *netlink, struct em_batch *batch,
		       const struct em_policy *policy, const struct em_flow_list *list,
		       struct em_diag *diag)
{
	return list->n ? change(netlink, batch, policy, list, "carry over", diag) : 0;
}

int em_remembered_end(struct em_netlink *netlink, struct em_batch *batch,
		      const struct em_policy *policy, struct em_diag *diag)
{
	return change(netlink, batch, policy, NULL, "end", diag);
}

/* Sizes. */

static int read_size(const struct nlmsghdr *message, void *data)
{
	struct nftnl_set *set __attribute__((cleanup(em_parsed_set_freep))) = NULL;
	int result = em_parsed_set(&set, message);
	uint32_t *size = data;

	if (set && nftnl_set_is_set(set, NFTNL_SET_DESC_SIZE))
		*size = nftnl_set_get_u32(set, NFTNL_SET_DESC_SIZE);
	return result;
}

static void name_one(struct nlmsghdr *message, const void *context)
{
	mnl_attr_put_strz(message, NFTA_SET_TABLE, EM_RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_SET_NAME, context);
}

static int check_size(struct em_netlink *netlink, const struct em_object *object,
		      struct em_diag *diag)
{
	char name[EM_IDENTIFIER_MAX];
	const struct em_query query = {.subsystem = NFNL_SUBSYS_NFTABLES,
				       .type = NFT_MSG_GETSET,
				       .family = em_ruleset_family(object->table),
				       .flags = NLM_F_ACK,
				       .attributes = name_one,
				       .context = em_identifier_format(&object->name, name)};
	uint32_t size = object->size;
	int rc = em_netlink_query(netlink, &query, read_size, &size);

	if (rc)
		return em_diag_errno(diag, rc, &object->place, "nftables: cannot read set %s",
				     name);
	if (size != object->size)
		em_diag_warning(diag, &object->place,
				"flows: set %s has room for %u conversations, not for %u: this "
				"kernel does not change it; clear it with: entitymux remove",
				name, size, object->size);
	return 0;
}

int em_remembered_check_sizes(struct em_netlink *netlink, const struct em_ruleset *ruleset,
			      struct em_diag *diag)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < ruleset->n_objects; i++)
		if (ruleset->objects[i].size && !ruleset->objects[i].name.generation)
			rc = check_size(netlink, &ruleset->objects[i], diag);
	return rc;
}
