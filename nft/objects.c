/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/* objects - the objects of a listener: its counters, and the sets and maps for its tags. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/plan.h"
#include "nft/build.h"
#include "policy/copies.h"

/* The counters of a listener. */

struct em_identifier em_ruleset_counter(uint32_t generation, const struct em_listener *listener,
					enum em_counter counter)
{
	static const char *const roles[EM_COUNTERS_ALL] = {
		[EM_COUNTER_REWRITTEN] = "rewritten", [EM_COUNTER_PASSED] = "passed",
		[EM_COUNTER_DROPPED] = "dropped",     [EM_COUNTER_UNKNOWN] = "unknown",
		[EM_COUNTER_SOURCE] = "source",	      [EM_COUNTER_LENGTH] = "length",
		[EM_COUNTER_CHECK] = "check",	      [EM_COUNTER_COPIED] = "copied",
	};

	return (struct em_identifier){
		.generation = generation, .role = roles[counter], .owner = listener->name};
}

static void name_counter(const struct em_object *object, size_t i, struct em_element *element)
{
	struct em_identifier name =
		em_ruleset_counter(object->name.generation, object->listener, i);

	em_identifier_format(&name, element->target);
}

void em_build_counters(struct em_builder *b)
{
	em_build_object(b, (struct em_object){.kind = EM_OBJECT_COUNTER,
					      .table = EM_TABLE_NETDEV,
					      .name = em_build_listener_name(b, "counters"),
					      .place = b->listener->place,
					      .purpose = "add counter",
					      .listener = b->listener,
					      .n = em_copies_any(b->listener) ? EM_COUNTERS_ALL
									      : EM_COUNTERS,
					      .element = name_counter});
}

/*
 * What its tags lead to: an element for each entity, or for each that has some verdict, and for
 * ranges of tags.
 */

bool em_object_is_typed(const struct em_object *object)
{
	const struct em_key *key = &object->key;

	return object->kind != EM_OBJECT_MAP && key->n_loads == 1 &&
	       em_fields[key->loads[0].field].type->id != EM_TYPE_INTEGER;
}

/* There is room for as many entities more, and for an eighth of those that there are. */
#define ADDED_MAX 64

uint32_t em_object_room(const struct em_object *object)
{
	if (object->size)
		return object->size;
	/* Of such short keys the kernel makes a bitmap, if it is not told a size. */
	if (object->interval ||
	    (object->kind == EM_OBJECT_SET && em_key_length(&object->key) <= sizeof(uint16_t)))
		return 0;
	if (!object->n || object->kind == EM_OBJECT_VERDICT_MAP)
		return (uint32_t)object->n;
	return (uint32_t)(object->n + object->n / 8 + ADDED_MAX);
}

size_t em_object_entity(const struct em_object *object, size_t i)
{
	if (object->interval)
		return ((const struct em_interval *)object->items)[i].entity;
	return object->items ? ((const uint32_t *)object->items)[i] : i;
}

static const struct em_entity *put_tag(const struct em_object *object, size_t i,
				       struct em_element *element)
{
	const struct em_entity *entity = &object->format->entities[em_object_entity(object, i)];
	const struct em_interval *interval = object->items;

	if (object->interval) {
		em_key_from_tag(&object->key, interval[i].tags.first, element->key);
		em_key_from_tag(&object->key, interval[i].tags.last, element->last);
	} else {
		em_key_from_tag(&object->key, entity->tag, element->key);
	}
	element->place = &entity->place;
	element->comment = entity->name;
	return entity;
}

/* The element itself says it: an entity has this tag. */
static void tag(const struct em_object *object, size_t i, struct em_element *element)
{
	put_tag(object, i, element);
}

static void tag_to_port(const struct em_object *object, size_t i, struct em_element *element)
{
	em_build_number(element->data, put_tag(object, i, element)->action.port, 2);
}

static void tag_to_zone(const struct em_object *object, size_t i, struct em_element *element)
{
	const struct em_entity *entity = put_tag(object, i, element);

	em_build_number(element->data, em_ruleset_zone(object->listener, entity->action.port), 2);
}

/* "v1-entity-telemetry-deadbeef", or "…-0a010000-0a01ffff" */
static void entity_counter(const struct em_object *object, size_t i, struct em_element *element)
{
	const struct em_identifier name = {.generation = object->name.generation,
					   .role = "entity",
					   .owner = object->listener->name,
					   .format = object->format->name};
	const struct em_entity *entity = &object->format->entities[em_object_entity(object, i)];
	char hex[EM_TAG_TEXT_MAX];

	em_identifier_format(&name, element->target);
	/* Without "0x". */
	sprintf(element->target + strlen(element->target), "-%s",
		em_tag_format(object->format, entity->tag, hex) + 2);
	if (entity->last)
		sprintf(element->target + strlen(element->target), "-%s",
			em_tag_format(object->format, entity->last, hex) + 2);
	element->place = &entity->place;
}

static void tag_to_counter(const struct em_object *object, size_t i, struct em_element *element)
{
	entity_counter(object, i, element);
	put_tag(object, i, element);
	element->comment = NULL;
}

/* What is for all entities, where it has no items. */
static void add_per_entity(struct em_builder *b, const char *role, struct em_object object)
{
	const uint32_t number = object.name.number;

	object.name = em_build_format_name(b, role);
	object.name.number = number;
	object.listener = b->listener;
	object.format = b->format;
	object.per_entity = true;
	if (!object.items)
		object.n = b->format->n_entities;
	em_key_of_tag(b->format, &object.key);
	em_build_object(b, object);
}

/* Verdicts, one bit each; and instead, those whose datagrams are sampled. */
#define ALL_VERDICTS ((1U << EM_VERDICTS) - 1)
#define SAMPLED	     (1U << EM_VERDICTS)
/* Or those of which copies go to this list, see em_entity. */
#define COPIED(list) (2U << EM_VERDICTS | (unsigned int)(list) << 16)

static bool is_of(const struct em_builder *b, const struct em_entity *entity, unsigned int verdicts)
{
	if (verdicts == SAMPLED)
		return em_plan_samples_entity(b->ruleset->form.samples, b->listener, b->format,
					      entity);
	if (verdicts & COPIED(0))
		return entity->copies == verdicts >> 16;
	return verdicts >> entity->action.verdict & 1;
}

static size_t count_exact(const struct em_builder *b, unsigned int verdicts)
{
	const struct em_format *format = b->format;
	size_t n = 0;

	for (size_t i = 0; i < format->n_entities; i++)
		n += !format->entities[i].last && is_of(b, &format->entities[i], verdicts);
	return n;
}

/* Of those with one tag that have one of the verdicts, or are sampled. */
static void add_exact(struct em_builder *b, const char *role, struct em_object object,
		      unsigned int verdicts)
{
	const struct em_format *format = b->format;
	uint32_t *items = NULL;

	object.n = count_exact(b, verdicts);
	if (object.n < format->n_entities) {
		items = calloc(object.n + 1, sizeof(*items));
		b->error = items ? b->error : -ENOMEM;
	}
	object.items = items;
	for (size_t i = 0; items && i < format->n_entities; i++)
		if (!format->entities[i].last && is_of(b, &format->entities[i], verdicts))
			*items++ = (uint32_t)i;
	add_per_entity(b, role, object);
}

/* What such entities leave to each other, as ranges of the loads of the key. */
static void add_ranges(struct em_builder *b, const char *role, struct em_object object,
		       unsigned int verdicts)
{
	const struct em_format *format = b->format;
	struct em_interval *boxes;
	size_t n, kept = 0;

	if (em_format_boxes(format, &boxes, &n)) {
		b->error = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (is_of(b, &format->entities[boxes[i].entity], verdicts))
			boxes[kept++] = boxes[i];
	object.items = boxes;
	object.n = kept;
	object.interval = true;
	object.place = *em_build_ranges_place(b);
	add_per_entity(b, role, object);
}

const struct em_place *em_build_ranges_place(const struct em_builder *b)
{
	const struct em_format *format = b->format;

	return format->n_intervals ? &format->entities[format->intervals[0].entity].place
				   : &format->tag.place;
}

bool em_build_has(const struct em_builder *b, enum em_verdict verdict, bool ranges)
{
	const struct em_format *format = b->format;

	if (!ranges)
		return em_format_count(format, verdict) > 0;
	for (size_t i = 0; i < format->n_intervals; i++)
		if (format->entities[format->intervals[i].entity].action.verdict == verdict)
			return true;
	return false;
}

struct em_identifier em_build_entities_name(const struct em_builder *b, enum em_verdict verdict,
					    bool ranges)
{
	const bool marks = em_build_marks(b);
	const char *const roles[EM_VERDICTS][2] = {
		[EM_PASS] = {"pass", "passranges"},
		[EM_DROP] = {"drop", "dropranges"},
		[EM_PORT] = {marks ? EM_ROLE_TAGS : "entities", marks ? "tagranges" : "ranges"},
	};

	return em_build_format_name(b, roles[verdict][ranges]);
}

static const char *ranges_purpose(const struct em_builder *b)
{
	return b->format->tag.n_pieces > 1 ? "look a tag of several pieces up in ranges"
					   : "look a tag up in ranges";
}

static struct em_object set_of_tags(const struct em_builder *b, bool ranges)
{
	return (struct em_object){.kind = EM_OBJECT_SET,
				  .table = EM_TABLE_NETDEV,
				  .place = b->format->tag.place,
				  .purpose = ranges ? ranges_purpose(b) : "add set of tags",
				  .element = tag};
}

bool em_build_has_sampled(const struct em_builder *b, bool ranges)
{
	const struct em_format *format = b->format;

	if (!em_plan_samples(b->ruleset->form.samples, b->listener, EM_SAMPLE_SORTED))
		return false;
	if (!ranges)
		return count_exact(b, SAMPLED) > 0;
	for (size_t i = 0; i < format->n_intervals; i++)
		if (is_of(b, &format->entities[format->intervals[i].entity], SAMPLED))
			return true;
	return false;
}

struct em_identifier em_build_sampled_name(const struct em_builder *b, bool ranges)
{
	return em_build_format_name(b, ranges ? "sampledranges" : "sampled");
}

static void build_sampled(struct em_builder *b)
{
	if (em_build_has_sampled(b, false))
		add_exact(b, em_build_sampled_name(b, false).role, set_of_tags(b, false), SAMPLED);
	if (em_build_has_sampled(b, true))
		add_ranges(b, em_build_sampled_name(b, true).role, set_of_tags(b, true), SAMPLED);
}

static void build_sorted(struct em_builder *b, enum em_verdict verdict, bool ranges)
{
	struct em_object object = set_of_tags(b, ranges);
	const char *role = em_build_entities_name(b, verdict, ranges).role;

	object.counting = !b->ruleset->form.object_counters;
	if (verdict == EM_PORT && !em_build_marks(b)) {
		object.kind = EM_OBJECT_MAP;
		object.purpose = ranges ? ranges_purpose(b) : "add map";
		object.data = EM_FIELD_UDP_DPORT;
		object.element = tag_to_port;
	}
	if (ranges)
		add_ranges(b, role, object, 1U << verdict);
	else
		add_exact(b, role, object, 1U << verdict);
}

/* Named counters, and the maps that lead to them. */
static void build_object_counters(struct em_builder *b)
{
	const struct em_object map = {.kind = EM_OBJECT_COUNTER_MAP,
				      .table = EM_TABLE_NETDEV,
				      .place = b->format->tag.place,
				      .purpose = "add map of counters",
				      .element = tag_to_counter};

	add_per_entity(b, "entity",
		       (struct em_object){.kind = EM_OBJECT_COUNTER,
					  .table = EM_TABLE_NETDEV,
					  .place = b->format->tag.place,
					  .purpose = "add counter",
					  .element = entity_counter});
	add_exact(b, "counts", map, ALL_VERDICTS);
	if (b->format->n_intervals)
		add_ranges(b, "countranges", map, ALL_VERDICTS);
}

bool em_build_has_copied(const struct em_builder *b, uint8_t list, bool ranges)
{
	const struct em_format *format = b->format;

	if (!list && !b->listener->copies.n)
		return false;
	if (!ranges)
		return count_exact(b, COPIED(list)) > 0;
	for (size_t i = 0; i < format->n_intervals; i++)
		if (is_of(b, &format->entities[format->intervals[i].entity], COPIED(list)))
			return true;
	return false;
}

struct em_identifier em_build_copied_name(const struct em_builder *b, uint8_t list, bool ranges)
{
	struct em_identifier name = em_build_format_name(b, ranges ? "copiedranges" : "copied");

	name.number = 1U + list;
	return name;
}

static void build_copied(struct em_builder *b)
{
	for (unsigned int list = 0; list <= b->listener->n_copy_lists; list++)
		for (int ranges = 0; ranges < 2; ranges++) {
			struct em_object object = set_of_tags(b, ranges);
			struct em_identifier name = em_build_copied_name(b, list, ranges);

			if (!em_build_has_copied(b, list, ranges))
				continue;
			object.counting = object.copied = true;
			object.name.number = name.number;
			if (ranges)
				add_ranges(b, name.role, object, COPIED(list));
			else
				add_exact(b, name.role, object, COPIED(list));
		}
}

void em_build_entities(struct em_builder *b)
{
	build_sorted(b, EM_PORT, false);
	for (enum em_verdict verdict = EM_PASS; verdict < EM_PORT; verdict++)
		if (em_build_has(b, verdict, false))
			build_sorted(b, verdict, false);
	if (em_build_has(b, EM_PORT, true))
		build_sorted(b, EM_PORT, true);
	for (enum em_verdict verdict = EM_PASS; verdict < EM_PORT; verdict++)
		if (em_build_has(b, verdict, true))
			build_sorted(b, verdict, true);
	build_sampled(b);
	build_copied(b);
	if (b->ruleset->form.object_counters)
		build_object_counters(b);
}

void em_build_zones(struct em_builder *b)
{
	const struct em_object object = {.kind = EM_OBJECT_MAP,
					 .table = EM_TABLE_INET,
					 .place = b->listener->replies_place,
					 .purpose = "add map of zones",
					 .data = EM_FIELD_ZONE,
					 .element = tag_to_zone};

	add_exact(b, EM_ROLE_ZONES, object, 1U << EM_PORT);
	if (em_build_has(b, EM_PORT, true))
		add_ranges(b, EM_ROLE_ZONE_RANGES, object, 1U << EM_PORT);
}
