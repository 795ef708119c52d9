/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * finish_entities - the checks that concern the entities of a format: what they cover, and names.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/finish.h"

/* The most reports of one kind: a file of entities or a mask may cause a million. */
#define SHOWN 20

/* How two entities of a format do not go together. */
enum clash { CLASH_TAG, CLASH_NAME, CLASH_OVERLAP, CLASHES };

/* Messages about the entities of one format. */
struct report {
	const struct em_listener *listener;
	const struct em_format *format;
	struct em_diag *diag;
	unsigned int clashes; /* in entities files */
	unsigned int unmatched;
	bool mistaken;
};

/* As the policy has them: those with one tag first, and what covers another before that. */
static int by_tag(const void *a, const void *b, void *context)
{
	const struct em_format *format = context;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	const struct em_entity *p = &format->entities[x], *q = &format->entities[y];
	int order = !!p->last - !!q->last;

	if (!order)
		order = memcmp(p->tag, q->tag, format->tag.length);
	if (!order && p->last)
		order = memcmp(q->last, p->last, format->tag.length);
	return order ? order : (x > y) - (x < y);
}

/* "entities[5]." for an entity of the configuration itself; for one of a file, the line says it. */
static const char *element(const struct report *report, size_t i, char text[EM_FINISH_PATH_MAX])
{
	char *end;

	text[0] = '\0';
	if (i >= report->format->n_listed)
		return text;
	em_finish_path(report->listener, report->format, text);
	end = text + strlen(text);
	snprintf(end, EM_FINISH_PATH_MAX - (size_t)(end - text), "entities[%zu].", i);
	return text;
}

/* Reports that entity i clashes with entity `first`, which stands before it. */
static void report_clash(struct report *report, size_t i, size_t first, enum clash clash)
{
	const struct em_format *format = report->format;
	const struct em_entity *entity = &format->entities[i], *other = &format->entities[first];
	char key[EM_FINISH_PATH_MAX], line[512], tag[EM_COVER_TEXT_MAX], name[EM_COVER_TEXT_MAX];
	char others[EM_COVER_TEXT_MAX];

	report->mistaken = true;
	if (i >= format->n_listed && report->clashes++ >= SHOWN)
		return;
	element(report, i, key);
	em_finish_where(&other->place, &entity->place, line, sizeof(line));
	em_entity_tag_format(format, entity, tag);
	if (clash == CLASH_NAME)
		em_diag_error(report->diag, -EM_EUSAGE, &entity->place,
			      "%sname: \"%s\" is the name of another entity already (%s)", key,
			      em_entity_name(format, entity, name), line);
	else if (clash == CLASH_TAG)
		em_diag_error(report->diag, -EM_EUSAGE, &entity->place,
			      "%stag: %s is the tag of \"%s\" already (%s)", key, tag,
			      em_entity_name(format, other, name), line);
	else
		em_diag_error(
			report->diag, -EM_EUSAGE, &entity->place,
			"%stag: %s overlaps %s of \"%s\" (%s), expected that one of them lies "
			"within the other, or that they have no tag in common",
			key, tag, em_entity_tag_format(format, other, others),
			em_entity_name(format, other, name), line);
}

static bool same_cover(const struct em_format *format, const struct em_entity *a,
		       const struct em_entity *b)
{
	return !a->last == !b->last && !memcmp(a->tag, b->tag, format->tag.length) &&
	       (!a->last || !memcmp(a->last, b->last, format->tag.length));
}

/* first[i]: the entity whose tag entity i repeats, or UINT32_MAX. */
static void find_duplicate_tags(const struct em_format *format, uint32_t *first)
{
	const uint32_t *sorted = format->by_tag;
	uint32_t head = UINT32_MAX;

	for (size_t k = 0; k < format->n_entities; k++) {
		const struct em_entity *entity = &format->entities[sorted[k]];

		first[sorted[k]] = UINT32_MAX;
		if (entity->unreadable)
			continue;
		if (head != UINT32_MAX && same_cover(format, &format->entities[head], entity))
			first[sorted[k]] = head;
		else
			head = sorted[k];
	}
}

/*
 * overlap[i]: the entity before entity i that covers some of its tags, while neither covers all of
 * the other's, or UINT32_MAX. `around` has room for all entities.
 */
static void find_overlaps(const struct em_format *format, uint32_t *overlap, uint32_t *around)
{
	size_t length = format->tag.length, depth = 0;

	for (size_t i = 0; i < format->n_entities; i++)
		overlap[i] = UINT32_MAX;
	for (size_t k = format->n_exact; k < format->n_entities; k++) {
		uint32_t i = format->by_tag[k];
		const struct em_entity *entity = &format->entities[i];

		while (depth &&
		       memcmp(format->entities[around[depth - 1]].last, entity->tag, length) < 0)
			depth--;
		if (depth &&
		    memcmp(entity->last, format->entities[around[depth - 1]].last, length) > 0) {
			uint32_t other = around[depth - 1];

			overlap[i > other ? i : other] = i > other ? other : i;
		}
		around[depth++] = i;
	}
}

/* Orders a name and the first tag of an entity in hex, as far as that goes. */
static int compare_first(const struct em_format *format, const struct em_entity *entity,
			 const char *name)
{
	char text[EM_TAG_TEXT_MAX];

	em_tag_format(format, entity->tag, text);
	return strncmp(name, text, strlen(text));
}

/*
 * The entity whose name is its tag in hex, if it is this text; NULL: none. Tags in hex sort as tags
 * do; of those that cover several tags, some may begin with the same one.
 */
static const struct em_entity *find_nameless(const struct em_format *format, const char *name)
{
	bool covers = strlen(name) > 2 + 2 * (size_t)format->tag.length;
	size_t low = covers ? format->n_exact : 0;
	size_t end = covers ? format->n_entities : format->n_exact, high = end;

	while (low < high && strncmp(name, "0x", 2) == 0) {
		size_t middle = low + (high - low) / 2;

		if (compare_first(format, &format->entities[format->by_tag[middle]], name) > 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < end; low++) {
		const struct em_entity *entity = &format->entities[format->by_tag[low]];
		char text[EM_COVER_TEXT_MAX];

		if (compare_first(format, entity, name) != 0)
			break;
		if (strcmp(name, em_entity_tag_format(format, entity, text)) == 0)
			return entity->name || entity->unreadable ? NULL : entity;
	}
	return NULL;
}

/* FNV-1a */
static size_t hash_name(const char *name)
{
	uint64_t hash = 0xcbf29ce484222325;

	while (*name)
		hash = (hash ^ (unsigned char)*name++) * 0x100000001b3;
	return hash ^ hash >> 32;
}

/*
 * The entity before entity i that has its name, or UINT32_MAX: then entity i is noted.  The table
 * has a power of two of places, more than there are entities; UINT32_MAX: free.
 */
static uint32_t find_or_note(const struct em_format *format, uint32_t *table, size_t size,
			     uint32_t i)
{
	const char *name = format->entities[i].name;
	size_t at = hash_name(name) & (size - 1);

	while (table[at] != UINT32_MAX) {
		if (strcmp(format->entities[table[at]].name, name) == 0)
			return table[at];
		at = (at + 1) & (size - 1);
	}
	table[at] = i;
	return UINT32_MAX;
}

/* The same for names: of two that clash, the later one is reported. */
static int find_duplicate_names(const struct em_format *format, uint32_t *first)
{
	size_t size = 2;
	uint32_t *table;

	while (size < 2 * format->n_entities)
		size *= 2;
	table = malloc(size * sizeof(*table));
	if (!table)
		return -ENOMEM;
	memset(table, 0xff, size * sizeof(*table));
	memset(first, 0xff, format->n_entities * sizeof(*first));
	for (uint32_t i = 0; i < format->n_entities; i++) {
		const char *name = format->entities[i].name;
		const struct em_entity *nameless = name ? find_nameless(format, name) : NULL;
		uint32_t same = name ? find_or_note(format, table, size, i) : UINT32_MAX;

		if (same != UINT32_MAX) {
			first[i] = same;
		} else if (nameless) {
			uint32_t other = (uint32_t)(nameless - format->entities);

			first[i > other ? i : other] = i > other ? other : i;
		}
	}
	free(table);
	return 0;
}

/*
 * Makes the tag the next one without bits outside the mask, unless it has none. False where there
 * is none behind it.
 */
static bool next_masked(const struct em_tag *format, uint8_t *tag)
{
	unsigned int bit = 0;

	/* The first bit outside has to go, and so one before it to come. */
	while (bit < format->length * 8U &&
	       !(tag[bit / 8] & ~format->mask[bit / 8] & 0x80 >> bit % 8))
		bit++;
	if (bit == format->length * 8U)
		return true;
	for (unsigned int clear = bit; clear < format->length * 8U; clear++)
		tag[clear / 8] &= ~(0x80 >> clear % 8);
	while (bit--) {
		uint8_t here = 0x80 >> bit % 8;

		if (!(tag[bit / 8] & here) && (format->mask[bit / 8] & here)) {
			tag[bit / 8] |= here;
			return true;
		}
		tag[bit / 8] &= ~here;
	}
	return false;
}

static void warn_of_unmatched(struct report *report, size_t i)
{
	const struct em_format *format = report->format;
	const struct em_entity *entity = &format->entities[i];
	char key[EM_FINISH_PATH_MAX], tag[EM_COVER_TEXT_MAX], mask[EM_TAG_TEXT_MAX];
	uint8_t first[EM_TAG_MAX];

	memcpy(first, entity->tag, sizeof(first));
	if (next_masked(&format->tag, first) &&
	    memcmp(first, em_entity_last(entity), format->tag.length) <= 0)
		return;
	if (entity->unreadable || report->unmatched++ >= SHOWN)
		return;
	em_diag_warning(report->diag, &entity->place,
			"%stag: %s can never match, %s bits outside the mask %s",
			element(report, i, key), em_entity_tag_format(format, entity, tag),
			entity->last ? "all that it covers has" : "it has",
			em_tag_format(format, format->tag.mask, mask));
}

static void report_rest(const struct report *report)
{
	const struct em_listener *listener = report->listener;

	if (report->clashes > SHOWN)
		em_diag_error(report->diag, -EM_EUSAGE, &listener->place,
			      "listener \"%s\": … and %u more duplicates in its entities file",
			      listener->name, report->clashes - SHOWN);
	if (report->unmatched > SHOWN)
		em_diag_warning(report->diag, &listener->place,
				"listener \"%s\": … and %u more tags that can never match",
				listener->name, report->unmatched - SHOWN);
}

/* Reports the first entity that is one too many to cover more than one tag. */
static void check_covering(struct report *report)
{
	const struct em_format *format = report->format;
	char key[EM_FINISH_PATH_MAX];
	size_t n = 0;

	for (size_t i = 0; i < format->n_entities; i++) {
		n += format->entities[i].last != NULL;
		if (n <= EM_COVERING_MAX)
			continue;
		report->mistaken = true;
		em_diag_error(report->diag, -EM_EUSAGE, &format->entities[i].place,
			      "%stag: one entity too many that covers more than one tag, expected "
			      "at most %d",
			      element(report, i, key), EM_COVERING_MAX);
		return;
	}
}

static int check_boxes(const struct em_listener *listener, const struct em_format *format,
		       struct em_diag *diag)
{
	char path[EM_FINISH_PATH_MAX];
	size_t n = 0;

	if (em_tag_has_boxes(&format->tag))
		em_format_boxes(format, NULL, &n);
	if (n <= EM_BOXES_MAX)
		return 0;
	return em_diag_error(
		diag, -EM_EUSAGE, &format->tag.place,
		"%stag: what entities with more than one tag cover is %zu combinations "
		"of ranges in its pieces, expected at most %d with several pieces, or "
		"a mask",
		em_finish_path(listener, format, path), n, EM_BOXES_MAX);
}

/* As they mostly come. */
static bool is_sorted(struct em_format *format)
{
	for (size_t k = 1; k < format->n_entities; k++)
		if (by_tag(&format->by_tag[k - 1], &format->by_tag[k], format) > 0)
			return false;
	return true;
}

static int sort_entities(struct em_format *format)
{
	size_t n = format->n_entities;

	free(format->by_tag);
	format->by_tag = calloc(n + 1, sizeof(*format->by_tag));
	if (!format->by_tag)
		return -ENOMEM;
	format->n_exact = 0;
	for (size_t i = 0; i < n; i++) {
		format->by_tag[i] = (uint32_t)i;
		format->n_exact += !format->entities[i].last;
	}
	if (!is_sorted(format))
		qsort_r(format->by_tag, n, sizeof(*format->by_tag), by_tag, format);
	return 0;
}

/* What clashes with what, and what never matches. */
static int compare_entities(struct report *report, struct em_format *format)
{
	size_t n = format->n_entities;
	uint32_t *first = calloc((CLASHES + 1) * n + 1, sizeof(*first));
	int rc = first ? 0 : -ENOMEM;

	if (!rc) {
		find_duplicate_tags(format, first + CLASH_TAG * n);
		find_overlaps(format, first + CLASH_OVERLAP * n, first + CLASHES * n);
		rc = find_duplicate_names(format, first + CLASH_NAME * n);
	}
	for (size_t i = 0; !rc && i < n; i++) {
		for (enum clash clash = 0; clash < CLASHES; clash++)
			if (first[clash * n + i] != UINT32_MAX)
				report_clash(report, i, first[clash * n + i], clash);
		warn_of_unmatched(report, i);
	}
	free(first);
	return rc;
}

int em_finish_entities(const struct em_listener *listener, struct em_format *format,
		       struct em_diag *diag)
{
	struct report report = {.listener = listener, .format = format, .diag = diag};
	int rc = sort_entities(format);

	if (!rc)
		rc = compare_entities(&report, format);
	check_covering(&report);
	report_rest(&report);
	report.mistaken |= em_finish_copies(listener, format, diag) != 0;
	if (!rc && report.mistaken)
		rc = -EM_EUSAGE;
	if (!rc)
		rc = em_finish_intervals(format);
	return rc ? rc : check_boxes(listener, format, diag);
}
