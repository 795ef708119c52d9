/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * text - a ruleset in nft's own language; see text.h.
 */
#include "nft/text.h"

#include <sys/socket.h>

#include "nft/statement.h"

static void print_chain(FILE *out, const struct em_chain *chain)
{
	fputs("\n\tchain ", out);
	em_print_name(out, &chain->name);
	fputs(" {\n", out);
	for (size_t r = 0; r < chain->n_rules; r++) {
		const struct em_rule *rule = &chain->rules[r];

		for (size_t s = 0; s < rule->n_statements; s++) {
			fputs(s ? " " : "\t\t", out);
			em_statement_print(out, &rule->statements[s]);
		}
		fputs("\n", out);
	}
	fputs("\t}\n", out);
}

static void print_base(FILE *out, enum em_ingress which, const char *interface, uint32_t generation)
{
	struct em_identifier base = em_ruleset_base(which, interface);
	struct em_identifier dispatch = em_ruleset_dispatch(generation, which, interface);

	fputs("\n\tchain ", out);
	em_print_name(out, &base);
	fprintf(out, " {\n\t\ttype filter hook ingress device \"%s\" priority %d; policy accept;\n",
		interface, em_ruleset_ingress[which].priority);
	fputs("\t\tgoto ", out);
	em_print_name(out, &dispatch);
	fputs("\n\t}\n", out);
}

/* The length of the prefix that a range is, or -1. */
static int prefix_length(const struct em_range *range, size_t length)
{
	unsigned int bit = 0;

	while (bit < length * 8 &&
	       !((range->first[bit / 8] ^ range->last[bit / 8]) & 0x80 >> bit % 8))
		bit++;
	for (unsigned int i = bit; i < length * 8; i++)
		if (range->first[i / 8] & 0x80 >> i % 8 || !(range->last[i / 8] & 0x80 >> i % 8))
			return -1;
	return bit;
}

static void print_range(FILE *out, const struct em_load *load, const struct em_range *range)
{
	size_t length = em_load_length(load);
	int prefix = prefix_length(range, length);

	em_load_print_value(out, load, range->first);
	if (prefix < 0) {
		fputs("-", out);
		em_load_print_value(out, load, range->last);
	} else if ((size_t)prefix < length * 8) {
		fprintf(out, "/%d", prefix);
	}
}

static void print_set(FILE *out, const struct em_set *set)
{
	struct em_load load = {.field = set->family == AF_INET ? EM_FIELD_IP_SADDR
							       : EM_FIELD_IP6_SADDR};

	fputs("\n\tset ", out);
	em_print_name(out, &set->name);
	fprintf(out, " {\n\t\ttype %s\n\t\tflags interval\n\t\telements = {\n",
		set->family == AF_INET ? "ipv4_addr" : "ipv6_addr");
	for (size_t i = 0; i < set->n_ranges; i++) {
		fputs("\t\t\t", out);
		print_range(out, &load, &set->ranges[i]);
		fputs(",\n", out);
	}
	fputs("\t\t}\n\t}\n", out);
}

static void print_key_type(FILE *out, const struct em_identifier *name, const char *kind,
			   const struct em_key *key)
{
	fprintf(out, "\n\t%s ", kind);
	em_print_name(out, name);
	fputs(" {\n\t\ttypeof ", out);
	em_loads_print_typeof(out, key->loads, key->n_loads);
}

/* What an entity's tag leads to. */
enum data { NOTHING, PORT, ZONE };

static void print_entity(FILE *out, const struct em_listener *listener, const struct em_key *key,
			 const struct em_entity *entity, enum data data)
{
	fputs("\t\t\t", out);
	for (uint8_t i = 0; i < key->n_loads; i++) {
		fputs(i ? " . " : "", out);
		em_print_hex(out, entity->tag + key->tag_offset[i], key->loads[i].length);
	}
	if (entity->name)
		fprintf(out, " comment \"%s\"", entity->name);
	if (data == PORT)
		fprintf(out, " : %u", entity->action.port);
	else if (data == ZONE)
		fprintf(out, " : %u", em_ruleset_zone(listener, entity->action.port));
	fputs(",\n", out);
}

static void print_entities(FILE *out, const struct em_listener *listener, const struct em_key *key,
			   enum data data)
{
	if (listener->n_entities) {
		fputs("\t\telements = {\n", out);
		for (size_t i = 0; i < listener->n_entities; i++)
			print_entity(out, listener, key, &listener->entities[i], data);
		fputs("\t\t}\n", out);
	}
	fputs("\t}\n", out);
}

static void print_map(FILE *out, const struct em_listener *listener, uint32_t generation)
{
	struct em_identifier name = em_ruleset_map(generation, listener);
	struct em_key key;

	em_ruleset_key(listener, &key);
	print_key_type(out, &name, listener->replies ? "set" : "map", &key);
	fputs(listener->replies ? "\n\t\tcounter\n" : " : udp dport\n\t\tcounter\n", out);
	print_entities(out, listener, &key, listener->replies ? NOTHING : PORT);
}

static void print_counters(FILE *out, const struct em_listener *listener, uint32_t generation)
{
	for (int i = 0; i < EM_COUNTERS; i++) {
		struct em_identifier name = em_ruleset_counter(generation, listener, i);

		fputs("\tcounter ", out);
		em_print_name(out, &name);
		fputs(" { }\n", out);
	}
}

/* Table inet. */

static void print_timeout(FILE *out, uint32_t seconds, uint8_t family)
{
	struct em_identifier name = em_ruleset_timeout(seconds, family);

	fputs("\tct timeout ", out);
	em_print_name(out, &name);
	fprintf(out,
		" {\n\t\tprotocol udp\n\t\tl3proto %s\n"
		"\t\tpolicy = { unreplied : %u, replied : %u }\n\t}\n",
		name.owner, seconds, seconds);
}

static void print_zones(FILE *out, const struct em_listener *listener, uint32_t generation)
{
	struct em_identifier name = em_ruleset_zones(generation, listener);
	struct em_key key;

	em_ruleset_key(listener, &key);
	print_key_type(out, &name, "map", &key);
	fputs(" : ct original zone\n", out);
	print_entities(out, listener, &key, ZONE);
}

static void print_conversations(FILE *out, const struct em_ruleset *ruleset, uint32_t seconds)
{
	struct em_identifier name = em_ruleset_conversations(ruleset->generation, seconds);

	fputs("\n\tset ", out);
	em_print_name(out, &name);
	fputs(" {\n\t\ttypeof udp dport . ct original zone\n\t\telements = {\n", out);
	for (size_t i = 0; i < ruleset->conversations.n; i++) {
		const struct em_conversation *conversation = &ruleset->conversations.all[i];

		if (conversation->timeout == seconds)
			fprintf(out, "\t\t\t%u . %u,\n", conversation->known, conversation->target);
	}
	fputs("\t\t}\n\t}\n", out);
}

static void print_ports(FILE *out, const struct em_ruleset *ruleset)
{
	const struct em_conversations *conversations = &ruleset->conversations;
	struct em_identifier name = em_ruleset_ports(ruleset->generation);

	fputs("\n\tmap ", out);
	em_print_name(out, &name);
	fputs(" {\n\t\ttypeof ct original zone : udp dport\n", out);
	fputs(conversations->n ? "\t\telements = {\n" : "", out);
	for (size_t i = 0; i < conversations->n; i++) {
		uint16_t target = conversations->all[i].target;

		if (i == 0 || target != conversations->all[i - 1].target)
			fprintf(out, "\t\t\t%u : %u,\n", target, target);
	}
	fputs(conversations->n ? "\t\t}\n\t}\n" : "\t}\n", out);
}

static void print_inet_base(FILE *out, enum em_base which, uint32_t generation)
{
	const struct em_base_chain *base = &em_ruleset_bases[which];
	struct em_identifier entry = em_ruleset_entry(generation, which);

	fputs("\n\tchain ", out);
	em_print_name(out, &base->name);
	fprintf(out, " {\n\t\ttype %s hook prerouting priority %d; policy accept;\n\t\tjump ",
		base->type, base->priority);
	em_print_name(out, &entry);
	fputs("\n\t}\n", out);
}

/* What is printed is what is there afterwards, and nothing else under this name. */
static void open_table(FILE *out, const char *family)
{
	fprintf(out,
		"table %s " EM_RULESET_TABLE "\n"
		"delete table %s " EM_RULESET_TABLE "\n"
		"\n"
		"table %s " EM_RULESET_TABLE " {\n",
		family, family, family);
}

static void print_chains(FILE *out, const struct em_ruleset *ruleset, enum em_table table)
{
	for (size_t i = 0; i < ruleset->n_chains; i++)
		if (ruleset->chains[i].table == table)
			print_chain(out, &ruleset->chains[i]);
}

static void print_inet(FILE *out, const struct em_ruleset *ruleset)
{
	const struct em_policy *policy = ruleset->policy;

	fputs("\n", out);
	open_table(out, "inet");
	for (size_t i = 0; i < ruleset->n_timeouts; i++) {
		fputs(i ? "\n" : "", out);
		print_timeout(out, ruleset->timeouts[i], AF_INET);
		fputs("\n", out);
		print_timeout(out, ruleset->timeouts[i], AF_INET6);
	}
	for (size_t i = 0; i < policy->n_listeners; i++)
		if (policy->listeners[i].replies)
			print_zones(out, &policy->listeners[i], ruleset->generation);
	for (size_t i = 0; i < ruleset->n_timeouts; i++)
		print_conversations(out, ruleset, ruleset->timeouts[i]);
	print_ports(out, ruleset);
	print_chains(out, ruleset, EM_TABLE_INET);
	for (int i = 0; i < EM_BASES; i++)
		print_inet_base(out, i, ruleset->generation);
	fputs("}\n", out);
}

void em_text_print(FILE *out, const struct em_ruleset *ruleset)
{
	const struct em_policy *policy = ruleset->policy;

	fputs("# Written by `entitymux ruleset`; see entitymux(8).  For `nft -f`: replaces what "
	      "is\n"
	      "# there under this name in one transaction, and touches nothing else.\n",
	      out);
	open_table(out, "netdev");
	for (size_t i = 0; i < policy->n_listeners; i++)
		print_counters(out, &policy->listeners[i], ruleset->generation);
	for (size_t i = 0; i < ruleset->n_sets; i++)
		print_set(out, &ruleset->sets[i]);
	for (size_t i = 0; i < policy->n_listeners; i++)
		print_map(out, &policy->listeners[i], ruleset->generation);
	print_chains(out, ruleset, EM_TABLE_NETDEV);
	for (size_t i = 0; i < ruleset->n_interfaces; i++)
		for (int which = 0; which < EM_INGRESSES; which++)
			print_base(out, which, ruleset->interfaces[i], ruleset->generation);
	fputs("}\n", out);
	if (ruleset->replies)
		print_inet(out, ruleset);
}
