/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * build - how the chains of a ruleset are put together; see build.h.
 */
#include "nft/build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One more element of a zeroed array that grows by doubling.  NULL when out of memory. */
void *em_build_append(void *array, size_t *n, size_t size)
{
	void **elements = array;

	if ((*n & (*n - 1)) == 0) {
		void *grown = reallocarray(*elements, *n ? *n * 2 : 1, size);

		if (!grown)
			return NULL;
		*elements = grown;
	}
	return memset((char *)*elements + (*n)++ * size, 0, size);
}

struct em_identifier em_build_listener_name(const struct em_builder *b, const char *role)
{
	return (struct em_identifier){
		.generation = b->ruleset->generation, .role = role, .owner = b->listener->name};
}

struct em_identifier em_build_format_name(const struct em_builder *b, const char *role)
{
	struct em_identifier name = em_build_listener_name(b, role);

	name.format = b->format->name;
	return name;
}

struct em_identifier em_build_interface_name(const struct em_builder *b, const char *role,
					     const char *interface)
{
	return (struct em_identifier){
		.generation = b->ruleset->generation, .role = role, .owner = interface};
}

void em_build_object(struct em_builder *b, struct em_object object)
{
	struct em_ruleset *ruleset = b->ruleset;
	struct em_object *added = NULL;

	if (!b->error)
		added = em_build_append(&ruleset->objects, &ruleset->n_objects, sizeof(*added));
	if (added) {
		*added = object;
		return;
	}
	free(object.items);
	b->error = -ENOMEM;
}

/* Chains, rules and statements: each is appended to the one opened last. */

void em_build_chain(struct em_builder *b, struct em_identifier name)
{
	struct em_ruleset *ruleset = b->ruleset;
	struct em_chain *chain;

	if (b->error)
		return;
	chain = em_build_append(&ruleset->chains, &ruleset->n_chains, sizeof(*chain));
	if (!chain)
		b->error = -ENOMEM;
	else
		*chain = (struct em_chain){.table = b->table, .name = name};
}

void em_build_rule(struct em_builder *b, const struct em_place *place)
{
	struct em_chain *chain;
	struct em_rule *rule;

	if (b->error)
		return;
	chain = &b->ruleset->chains[b->ruleset->n_chains - 1];
	rule = em_build_append(&chain->rules, &chain->n_rules, sizeof(*rule));
	if (!rule)
		b->error = -ENOMEM;
	else
		rule->place = *place;
}

struct em_statement *em_build_add(struct em_builder *b, enum em_statement_kind kind)
{
	struct em_statement *statement = NULL;

	if (!b->error) {
		struct em_chain *chain = &b->ruleset->chains[b->ruleset->n_chains - 1];
		struct em_rule *rule = &chain->rules[chain->n_rules - 1];

		statement =
			em_build_append(&rule->statements, &rule->n_statements, sizeof(*statement));
	}
	if (!statement) {
		b->error = -ENOMEM;
		statement = &b->scratch;
	}
	statement->kind = kind;
	return statement;
}

void em_build_target(struct em_builder *b, enum em_statement_kind kind, struct em_identifier target)
{
	em_build_add(b, kind)->target = target;
}

void em_build_count(struct em_builder *b, enum em_counter counter)
{
	em_build_target(b, EM_STATEMENT_COUNT,
			em_ruleset_counter(b->ruleset->generation, b->listener, counter));
}

struct em_load em_build_field(enum em_field name)
{
	return (struct em_load){.field = name};
}

struct em_load em_build_payload(uint16_t offset, uint8_t length)
{
	return (struct em_load){
		.field = EM_FIELD_PAYLOAD, .offset = EM_UDP_HEADER + offset, .length = length};
}

struct em_statement *em_build_match(struct em_builder *b, enum em_statement_kind kind,
				    struct em_load load)
{
	struct em_statement *statement = em_build_add(b, kind);

	statement->loads[0] = load;
	statement->n_loads = 1;
	return statement;
}

struct em_statement *em_build_lookup(struct em_builder *b, enum em_statement_kind kind,
				     struct em_identifier map)
{
	struct em_statement *statement = em_build_add(b, kind);
	struct em_key key;

	em_key_of_tag(b->format, &key);
	memcpy(statement->loads, key.loads, sizeof(key.loads));
	statement->n_loads = key.n_loads;
	statement->target = map;
	return statement;
}

bool em_build_marks(const struct em_builder *b)
{
	return b->listener->replies && b->ruleset->form.zones;
}

void em_build_mark(struct em_builder *b, uint32_t mark)
{
	em_build_number(em_build_add(b, EM_STATEMENT_SET_MARK)->low, mark, sizeof(mark));
}

void em_build_entry(struct em_builder *b, struct em_statement *dispatch, const void *key,
		    size_t length, struct em_identifier chain)
{
	struct em_entry *entry;

	if (b->error)
		return;
	entry = em_build_append(&dispatch->entries, &dispatch->n_entries, sizeof(*entry));
	if (!entry) {
		b->error = -ENOMEM;
		return;
	}
	memcpy(entry->key, key, length);
	entry->chain = chain;
}

void em_build_number(uint8_t *bytes, uint64_t value, unsigned int length)
{
	while (length--) {
		bytes[length] = value & 0xff;
		value >>= 8;
	}
}

void em_build_u16(struct em_builder *b, enum em_statement_kind kind, enum em_field name,
		  uint16_t value)
{
	em_build_number(em_build_match(b, kind, em_build_field(name))->low, value, sizeof(value));
}

void em_build_rule_invalid(struct em_builder *b, enum em_counter reason,
			   const struct em_place *place)
{
	em_build_rule(b, place);
	em_build_invalid(b, reason);
}
