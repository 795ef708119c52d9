/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "bpf/flows.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bpf/abi.h"
#include "bpf/attached.h"
#include "policy/conversation.h"

#define BATCH 4096 /* entries read at once; far more than one bucket of the hash holds */

/*
 * Each CPU keeps this many free entries for itself (LOCAL_FREE_TARGET of the kernel). A table
 * without room for them would evict conversations that are still in use.
 */
#define SPARE_PER_CPU 128

struct batch {
	struct em_abi_flow_key keys[BATCH];
	struct em_abi_flow flows[BATCH];
};

typedef int visit_fn(void *context, const struct em_abi_flow_key *key,
		     const struct em_abi_flow *flow);

/* Returns -EINVAL before anything is visited where the kernel has no batches (Linux 5.6). */
static int visit_batches(int table, struct batch *batch, visit_fn *visit, void *context)
{
	struct em_abi_flow_key place, *from = NULL;
	int rc = 0, failed = 0;

	while (!rc && !failed) {
		uint32_t n = BATCH;

		rc = bpf_map_lookup_batch(table, from, &place, batch->keys, batch->flows, &n, NULL);
		for (uint32_t i = 0; !failed && (!rc || rc == -ENOENT) && i < n; i++)
			failed = visit(context, &batch->keys[i], &batch->flows[i]);
		from = &place;
	}
	return failed ? failed : rc == -ENOENT ? 0 : rc;
}

static int count_entries(int table, uint32_t *entries)
{
	struct bpf_map_info info = {0};
	uint32_t length = sizeof(info);
	int rc = bpf_obj_get_info_by_fd(table, &info, &length);

	*entries = info.max_entries;
	return rc;
}

/*
 * The key is asked for its successor before it is visited, which may delete it.  Where the kernel
 * deletes a successor meanwhile, it begins anew, so that there is a limit.
 */
static int visit_singly(int table, visit_fn *visit, void *context)
{
	struct em_abi_flow_key key, next;
	struct em_abi_flow flow;
	uint32_t left;
	int failed = count_entries(table, &left);
	int rc = failed ? failed : bpf_map_get_next_key(table, NULL, &next);

	for (uint64_t n = 2ULL * left; !rc && !failed && n; n--) {
		key = next;
		rc = bpf_map_get_next_key(table, &key, &next);
		if (rc && rc != -ENOENT)
			break;
		failed = bpf_map_lookup_elem(table, &key, &flow);
		if (!failed)
			failed = visit(context, &key, &flow);
		else if (failed == -ENOENT)
			failed = 0;
	}
	return failed ? failed : rc == -ENOENT ? 0 : rc;
}

/* Entries that come or go meanwhile may be missed; those that stay are not. */
static int each_flow(int table, visit_fn *visit, void *context)
{
	struct batch *batch = malloc(sizeof(*batch));
	int rc = batch ? visit_batches(table, batch, visit, context) : -ENOMEM;

	free(batch);
	return rc == -EINVAL ? visit_singly(table, visit, context) : rc;
}

static size_t count_flows(const struct em_policy *policy)
{
	size_t n = 0;

	for (size_t i = 0; i < policy->n_listeners; i++)
		if (policy->listeners[i].replies)
			n += policy->listeners[i].flows;
	return n;
}

static int make_table(const struct em_policy *policy, uint32_t entries, struct em_diag *diag)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_LRU_HASH, EM_FLOW_MAP, sizeof(struct em_abi_flow_key),
				sizeof(struct em_abi_flow), entries, NULL);

	if (fd >= 0)
		return fd;
	return em_diag_error(diag, fd, &em_conversation_first(policy)->replies_place,
			     "flows: cannot make a table for %zu conversations: %s",
			     count_flows(policy), strerror(-fd));
}

/* The table of the newest generation; -1: there is none.  Returns 0 or -errno, reported. */
static int find_table(int *table, uint32_t generation, struct em_diag *diag)
{
	int program, rc = em_attached_find(&program, generation, diag);

	*table = -1;
	if (rc || program < 0)
		return rc;
	rc = em_attached_open_map(program, EM_FLOW_MAP);
	close(program);
	if (rc < 0)
		return em_diag_errno(diag, rc, NULL, "bpf: cannot find the conversations");
	*table = rc;
	return 0;
}

static bool has_size(int table, uint32_t wanted)
{
	uint32_t entries;

	return !count_entries(table, &entries) && entries == wanted;
}

int em_flows_open(struct em_flows *out, const struct em_policy *policy, struct em_diag *diag)
{
	size_t flows = count_flows(policy);
	int before, cpus, rc;
	uint32_t entries;

	*out = (struct em_flows){.table = -1, .before = -1};
	if (!flows)
		return 0;
	cpus = libbpf_num_possible_cpus();
	if (cpus < 0)
		return em_diag_errno(diag, cpus, NULL, "cannot count the CPUs");
	entries = flows + SPARE_PER_CPU * (size_t)cpus;
	rc = find_table(&before, 0, diag);
	if (rc)
		return rc;
	if (before >= 0 && has_size(before, entries)) {
		out->table = before;
		return 0;
	}
	rc = make_table(policy, entries, diag);
	if (rc < 0) {
		if (before >= 0)
			close(before);
		return rc;
	}
	*out = (struct em_flows){.table = rc, .before = before};
	return 0;
}

void em_flows_close(struct em_flows *flows)
{
	if (flows->table >= 0)
		close(flows->table);
	if (flows->before >= 0)
		close(flows->before);
	*flows = (struct em_flows){.table = -1, .before = -1};
}

static int add_flow(void *context, const struct em_abi_flow_key *key,
		    const struct em_abi_flow *flow)
{
	const int *table = context;
	int rc = bpf_map_update_elem(*table, key, flow, BPF_NOEXIST);

	return rc == -EEXIST ? 0 : rc;
}

int em_flows_take_over(const struct em_flows *flows, struct em_diag *diag)
{
	int table = flows->table, rc;

	if (flows->before < 0)
		return 0;
	rc = each_flow(flows->before, add_flow, &table);
	if (rc)
		return em_diag_errno(diag, rc, NULL, "bpf: cannot carry conversations over");
	return 0;
}

struct ending {
	struct em_conversations conversations;
	int table;
};

static int end_flow(void *context, const struct em_abi_flow_key *key,
		    const struct em_abi_flow *flow)
{
	const struct ending *ending = context;
	int rc;

	if (em_conversations_find(&ending->conversations, ntohs(flow->known),
				  ntohs(key->server_port)))
		return 0;
	rc = bpf_map_delete_elem(ending->table, key);
	return rc == -ENOENT ? 0 : rc;
}

int em_flows_end(uint32_t generation, const struct em_policy *policy, struct em_diag *diag)
{
	struct ending ending = {.table = -1};
	int rc;

	if (!policy || !em_conversation_first(policy))
		return 0;
	rc = find_table(&ending.table, generation, diag);
	if (rc || ending.table < 0)
		return rc;
	rc = em_conversations_init(&ending.conversations, policy);
	if (!rc)
		rc = each_flow(ending.table, end_flow, &ending);
	em_conversations_clear(&ending.conversations);
	close(ending.table);
	if (rc)
		return em_diag_errno(diag, rc, NULL, "bpf: cannot end conversations");
	return 0;
}

/* To and from another backend. */

static int read_flow(void *context, const struct em_abi_flow_key *key,
		     const struct em_abi_flow *flow)
{
	struct em_flow one = {.family = key->scope == EM_ABI_IPV4 ? AF_INET : AF_INET6,
			      .link = key->scope & EM_ABI_LINK ? key->scope & ~EM_ABI_LINK : 0,
			      .sender_port = ntohs(key->client_port),
			      .known = ntohs(flow->known),
			      .target = ntohs(key->server_port)};

	memcpy(one.sender, key->client, sizeof(one.sender));
	memcpy(one.server, key->server, sizeof(one.server));
	return em_flow_list_add(context, &one);
}

int em_flows_read(struct em_flow_list *list, struct em_diag *diag)
{
	int table, rc = find_table(&table, 0, diag);

	if (rc || table < 0)
		return rc;
	rc = each_flow(table, read_flow, list);
	close(table);
	return rc ? em_diag_errno(diag, rc, NULL, "bpf: cannot read conversations") : 0;
}

static uint32_t scope_of(const struct em_flow *flow)
{
	if (flow->link)
		return EM_ABI_LINK | flow->link;
	return flow->family == AF_INET ? EM_ABI_IPV4 : EM_ABI_IPV6;
}

static int fill_flow(int table, const struct em_flow *flow, uint32_t timeout)
{
	struct em_abi_flow_key key = {.client_port = htons(flow->sender_port),
				      .server_port = htons(flow->target),
				      .scope = scope_of(flow)};
	struct em_abi_flow value = {.timeout = timeout, .known = htons(flow->known)};
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	value.last = now.tv_sec * UINT64_C(1000000000) + now.tv_nsec;
	memcpy(key.client, flow->sender, sizeof(key.client));
	memcpy(key.server, flow->server, sizeof(key.server));
	return add_flow(&table, &key, &value);
}

int em_flows_fill(const struct em_flows *flows, const struct em_policy *policy,
		  const struct em_flow_list *list, struct em_diag *diag)
{
	struct em_conversations conversations;
	int rc = em_conversations_init(&conversations, policy);

	for (size_t i = 0; !rc && flows->table >= 0 && i < list->n; i++) {
		const struct em_flow *flow = &list->all[i];
		const struct em_conversation *conversation =
			em_conversations_find(&conversations, flow->known, flow->target);

		if (conversation)
			rc = fill_flow(flows->table, flow, conversation->timeout);
	}
	em_conversations_clear(&conversations);
	return rc ? em_diag_errno(diag, rc, NULL, "bpf: cannot carry conversations over") : 0;
}
