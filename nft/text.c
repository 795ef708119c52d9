/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * text - a ruleset in nft's own language; see text.h.
 */
#include "nft/text.h"

#include <netinet/in.h>

#include "nft/statement.h"

/* Objects. */

static void print_counters(FILE *out, const struct em_object *object)
{
	for (size_t i = 0; i < object->n; i++) {
		struct em_element element = {.comment = NULL};

		object->element(object, i, &element);
		fprintf(out, "\tcounter %s { }\n", element.target);
	}
}

static void print_timeout(FILE *out, const struct em_object *object)
{
	fputs("\tct timeout ", out);
	em_print_name(out, &object->name);
	fprintf(out,
		" {\n\t\tprotocol udp\n\t\tl3proto %s\n"
		"\t\tpolicy = { unreplied : %u, replied : %u }\n\t}\n",
		object->family == AF_INET ? "ip" : "ip6", object->seconds, object->seconds);
}

static void print_types(FILE *out, const struct em_object *object)
{
	const struct em_field_row *data = &em_fields[object->data];
	bool typed = em_object_is_typed(object);

	if (typed) {
		fprintf(out, "\t\ttype %s", em_fields[object->key.loads[0].field].type->name);
	} else {
		fputs("\t\ttypeof ", out);
		em_loads_print_typeof(out, object->key.loads, object->key.n_loads);
	}
	if (object->kind == EM_OBJECT_MAP)
		fprintf(out, " : %s", data->name);
	else if (object->kind == EM_OBJECT_COUNTER_MAP)
		fputs(" : counter", out);
	fputs("\n", out);
}

/* The length of the prefix that a range is, or -1. */
static int prefix_length(const uint8_t *first, const uint8_t *last, uint8_t length)
{
	unsigned int bit = 0;

	while (bit < length * 8U && !((first[bit / 8] ^ last[bit / 8]) & 0x80 >> bit % 8))
		bit++;
	for (unsigned int i = bit; i < length * 8U; i++)
		if (first[i / 8] & 0x80 >> i % 8 || !(last[i / 8] & 0x80 >> i % 8))
			return -1;
	return bit;
}

/* nft lists prefixes of addresses alone as such. */
static void print_range(FILE *out, const struct em_load *load, const uint8_t *first,
			const uint8_t *last)
{
	bool address = em_fields[load->field].type->id != EM_TYPE_INTEGER;
	uint8_t length = em_load_length(load);
	int prefix = prefix_length(first, last, length);

	em_load_print_value(out, load, first);
	if (prefix == length * 8)
		return;
	if (address && prefix >= 0) {
		fprintf(out, "/%d", prefix);
	} else {
		fputs("-", out);
		em_load_print_value(out, load, last);
	}
}

static void print_interval(FILE *out, const struct em_key *key, const struct em_element *range)
{
	uint8_t at = 0;

	for (uint8_t i = 0; i < key->n_loads; i++) {
		fputs(i ? " . " : "", out);
		print_range(out, &key->loads[i], range->key + at, range->last + at);
		at += em_load_padded(key->loads, key->n_loads, i);
	}
}

static void print_element(FILE *out, const struct em_object *object, size_t i)
{
	const struct em_load data = {.field = object->data};
	struct em_element element = {.comment = NULL};

	object->element(object, i, &element);
	fputs("\t\t\t", out);
	if (object->interval)
		print_interval(out, &object->key, &element);
	else
		em_loads_print_values(out, object->key.loads, object->key.n_loads, element.key);
	if (element.comment)
		fprintf(out, " comment \"%s\"", element.comment);
	if (object->kind == EM_OBJECT_MAP) {
		fputs(" : ", out);
		em_load_print_value(out, &data, element.data);
	} else if (object->kind == EM_OBJECT_COUNTER_MAP) {
		fprintf(out, " : \"%s\"", element.target);
	}
	fputs(",\n", out);
}

static void print_set(FILE *out, const struct em_object *object)
{
	fputs(object->kind == EM_OBJECT_SET ? "\tset " : "\tmap ", out);
	em_print_name(out, &object->name);
	fputs(" {\n", out);
	print_types(out, object);
	fputs(object->interval ? "\t\tflags interval\n" : "", out);
	if (em_object_room(object))
		fprintf(out, "\t\tsize %u\n", em_object_room(object));
	fputs(object->size ? "\t\tflags dynamic,timeout\n" : "", out);
	fputs(object->counting ? "\t\tcounter\n" : "", out);
	if (object->n) {
		fputs("\t\telements = {\n", out);
		for (size_t i = 0; i < object->n; i++)
			print_element(out, object, i);
		fputs("\t\t}\n", out);
	}
	fputs("\t}\n", out);
}

static void print_objects(FILE *out, const struct em_ruleset *ruleset, enum em_table table)
{
	bool first = true;

	for (size_t i = 0; i < ruleset->n_objects; i++) {
		const struct em_object *object = &ruleset->objects[i];

		if (object->table != table)
			continue;
		if (object->kind == EM_OBJECT_COUNTER) {
			print_counters(out, object);
		} else {
			fputs(first ? "" : "\n", out);
			if (object->kind == EM_OBJECT_TIMEOUT)
				print_timeout(out, object);
			else
				print_set(out, object);
		}
		first = false;
	}
}

/* Chains. */

static void print_base(FILE *out, const struct em_chain *chain)
{
	fprintf(out, "\t\ttype %s hook %s ", chain->base->type, chain->base->hook);
	if (chain->device)
		fprintf(out, "device \"%s\" ", chain->device);
	fprintf(out, "priority %d; policy accept;\n", chain->base->priority);
}

static void print_chain(FILE *out, const struct em_chain *chain)
{
	fputs("\n\tchain ", out);
	em_print_name(out, &chain->name);
	fputs(" {\n", out);
	if (chain->base)
		print_base(out, chain);
	for (size_t r = 0; r < chain->n_rules; r++) {
		const struct em_rule *rule = &chain->rules[r];

		fputs(em_rule_is_printable(rule) ? "\t\t" : "\t\t# not in nft's language: ", out);
		for (size_t s = 0; s < rule->n_statements; s++) {
			fputs(s ? " " : "", out);
			em_statement_print(out, &rule->statements[s]);
		}
		fputs("\n", out);
	}
	fputs("\t}\n", out);
}

/* The printed file replaces everything that has this name. */
static void print_table(FILE *out, const struct em_ruleset *ruleset, enum em_table table)
{
	const char *family = table == EM_TABLE_INET ? "inet" : "netdev";

	fprintf(out,
		"table %s " EM_RULESET_TABLE "\n"
		"delete table %s " EM_RULESET_TABLE "\n"
		"\n"
		"table %s " EM_RULESET_TABLE " {\n",
		family, family, family);
	print_objects(out, ruleset, table);
	for (size_t i = 0; i < ruleset->n_chains; i++)
		if (ruleset->chains[i].table == table)
			print_chain(out, &ruleset->chains[i]);
	fputs("}\n", out);
}

void em_text_print(FILE *out, const struct em_ruleset *ruleset)
{
	fputs("# Written by `entitymux ruleset`; see entitymux(8).  For `nft -f`: replaces what "
	      "is\n"
	      "# there under this name in one transaction, and touches nothing else.\n",
	      out);
	for (enum em_table table = 0; table < EM_TABLES; table++) {
		if (!em_ruleset_uses(ruleset, table))
			continue;
		fputs(table ? "\n" : "", out);
		print_table(out, ruleset, table);
	}
}
