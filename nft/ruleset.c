/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * ruleset - a policy as rules of nf_tables; see ruleset.h.
 */
#include "nft/ruleset.h"

/* Before <linux/netfilter.h>, which else brings its own. */
#include <netinet/in.h>

#include <errno.h>
#include <linux/netfilter.h>
#include <stdlib.h>

#include "engine/backend.h"
#include "host/ifb.h"
#include "nft/build.h"
#include "policy/conversation.h"
#include "policy/copies.h"

static int make(struct em_ruleset **out, const struct em_policy *policy, uint32_t generation,
		struct em_form form, void (*build)(struct em_builder *b))
{
	struct em_builder b = {0};

	b.ruleset = calloc(1, sizeof(*b.ruleset));
	if (!b.ruleset)
		return -ENOMEM;
	b.ruleset->policy = policy;
	b.ruleset->generation = generation;
	b.ruleset->form = form;
	build(&b);
	if (b.error) {
		em_ruleset_free(b.ruleset);
		return b.error;
	}
	*out = b.ruleset;
	return 0;
}

static void for_each_listener(struct em_builder *b, void (*build)(struct em_builder *b))
{
	const struct em_policy *policy = b->ruleset->policy;

	for (size_t i = 0; i < policy->n_listeners; i++) {
		b->listener = &policy->listeners[i];
		b->format = b->listener->formats;
		build(b);
	}
}

static void for_each_format(struct em_builder *b, void (*build)(struct em_builder *b))
{
	const struct em_policy *policy = b->ruleset->policy;

	for (size_t i = 0; i < policy->n_listeners; i++) {
		b->listener = &policy->listeners[i];
		for (size_t j = 0; j < b->listener->n_formats; j++) {
			b->format = &b->listener->formats[j];
			build(b);
		}
	}
}

static void build_counters(struct em_builder *b)
{
	for_each_listener(b, em_build_counters);
	for_each_format(b, em_build_entities);
}

static void build_netdev(struct em_builder *b)
{
	const struct em_ruleset *ruleset = b->ruleset;
	int n = em_policy_interfaces(ruleset->policy, &b->ruleset->interfaces);

	if (n < 0) {
		b->error = n;
		return;
	}
	b->ruleset->n_interfaces = n;
	for_each_listener(b, em_build_counters);
	/* What the kernel refuses of a check or a tag is refused in the chain that has its place.
	 */
	for_each_listener(b, em_build_listener);
	for (size_t i = 0; i < ruleset->n_interfaces; i++)
		em_build_interface(b, ruleset->interfaces[i]);
	for_each_format(b, em_build_entities);
}

static void build_bases(struct em_builder *b)
{
	const struct em_listener *first = em_conversation_first(b->ruleset->policy);
	static const struct em_place nowhere;

	for (size_t i = 0; i < b->ruleset->n_interfaces; i++) {
		em_build_base(b, EM_BASE_HEADERS, b->ruleset->interfaces[i], &nowhere);
		em_build_base(b, EM_BASE_SORT, b->ruleset->interfaces[i], &nowhere);
		if (!b->ruleset->form.zones &&
		    em_conversation_on(b->ruleset->policy, b->ruleset->interfaces[i]))
			em_build_base(b, EM_BASE_EGRESS, b->ruleset->interfaces[i],
				      &first->replies_place);
	}
	for (size_t i = 0; i < b->ruleset->n_interfaces; i++)
		if (em_copies_on(b->ruleset->policy, b->ruleset->interfaces[i]))
			em_build_base(b, EM_BASE_LAST, b->ruleset->interfaces[i],
				      em_copies_first(b->ruleset->policy));
	if (b->ruleset->form.ifb && em_copies_first(b->ruleset->policy))
		em_build_base(b, EM_BASE_COPIES, EM_IFB_NAME, em_copies_first(b->ruleset->policy));
	if (first && b->ruleset->form.zones) {
		em_build_base(b, EM_BASE_RAW, NULL, &first->replies_place);
		em_build_base(b, EM_BASE_NAT, NULL, &first->replies_place);
	}
}

static void build_all(struct em_builder *b)
{
	build_netdev(b);
	if (b->ruleset->form.zones)
		em_build_replies(b);
	else
		em_build_answers(b);
	b->table = EM_TABLE_NETDEV;
	em_build_copier(b);
	build_bases(b);
}

int em_ruleset_new(struct em_ruleset **out, const struct em_policy *policy, uint32_t generation,
		   struct em_form form)
{
	return make(out, policy, generation, form, build_all);
}

int em_ruleset_new_counters(struct em_ruleset **out, const struct em_policy *policy,
			    uint32_t generation, struct em_form form)
{
	return make(out, policy, generation, form, build_counters);
}

/* Only what is marked; the marks of listeners have other values. */
static void build_handover(struct em_builder *b)
{
	struct em_load mark = em_build_field(EM_FIELD_MARK);
	static const struct em_place nowhere;

	mark.masked = true;
	em_build_number(mark.mask, EM_HANDOVER_MASK, sizeof(uint32_t));
	em_build_chain(b, em_ruleset_base(EM_BASE_SORT, b->ruleset->interfaces[0]));
	em_build_rule(b, &nowhere);
	em_build_number(em_build_match(b, EM_STATEMENT_EQUAL, mark)->low, EM_HANDOVER_MARK,
			sizeof(uint32_t));
	em_build_mark(b, 0);
	em_build_add(b, EM_STATEMENT_ACCEPT);
	if (b->error)
		return;
	b->ruleset->chains[0].base = &em_ruleset_bases[EM_BASE_SORT];
	b->ruleset->chains[0].device = b->ruleset->interfaces[0];
}

int em_ruleset_new_handover(struct em_ruleset **out, const char *interface)
{
	struct em_builder b = {.table = EM_TABLE_NETDEV, .ruleset = calloc(1, sizeof(*b.ruleset))};
	char(*interfaces)[IF_NAMESIZE] = calloc(1, sizeof(*interfaces));

	if (!b.ruleset || !interfaces) {
		free(interfaces);
		em_ruleset_free(b.ruleset);
		return -ENOMEM;
	}
	snprintf(*interfaces, sizeof(*interfaces), "%s", interface);
	b.ruleset->interfaces = interfaces;
	b.ruleset->n_interfaces = 1;
	build_handover(&b);
	if (!b.error)
		*out = b.ruleset;
	else
		em_ruleset_free(b.ruleset);
	return b.error;
}

static void free_chain(struct em_chain *chain)
{
	for (size_t r = 0; r < chain->n_rules; r++) {
		for (size_t s = 0; s < chain->rules[r].n_statements; s++)
			free(chain->rules[r].statements[s].entries);
		free(chain->rules[r].statements);
	}
	free(chain->rules);
}

void em_ruleset_free(struct em_ruleset *ruleset)
{
	if (!ruleset)
		return;
	for (size_t i = 0; i < ruleset->n_chains; i++)
		free_chain(&ruleset->chains[i]);
	for (size_t i = 0; i < ruleset->n_objects; i++)
		free(ruleset->objects[i].items);
	free(ruleset->chains);
	free(ruleset->objects);
	free(ruleset->interfaces);
	free(ruleset);
}

void em_ruleset_freep(struct em_ruleset **ruleset)
{
	em_ruleset_free(*ruleset);
	*ruleset = NULL;
}

bool em_ruleset_uses(const struct em_ruleset *ruleset, enum em_table table)
{
	for (size_t i = 0; i < ruleset->n_chains; i++)
		if (ruleset->chains[i].table == table)
			return true;
	return false;
}

uint8_t em_ruleset_family(enum em_table table)
{
	return table == EM_TABLE_INET ? NFPROTO_INET : NFPROTO_NETDEV;
}

/* 7 bits of the generation, 1-127, are enough for the generations that exist at one time. */
uint32_t em_ruleset_mark(uint32_t generation, size_t listener, bool invalid)
{
	return (generation % 127 + 1) << 25 | (uint32_t)invalid << 24 | (uint32_t)listener << 16;
}

uint16_t em_ruleset_zone(const struct em_listener *listener, uint16_t target)
{
	return target == listener->port ? 0 : target;
}
