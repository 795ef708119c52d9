/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * interval - what entities that cover more than one tag leave to each other: disjoint intervals,
 * at most 2n - 1 of n entities; and these as boxes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/finish.h"

/* The next tag; false where there is none. */
static bool next_tag(uint8_t *tag, size_t length)
{
	while (length--)
		if (++tag[length])
			return true;
	return false;
}

static void previous_tag(uint8_t *tag, size_t length)
{
	while (length--)
		if (tag[length]--)
			return;
}

/* Entities around each other, and the first tag that is still to be given away. */
struct sweep {
	struct em_format *format;
	uint32_t *around; /* the innermost last */
	size_t n;
	uint8_t at[EM_TAG_MAX];
	bool ended; /* there is no tag behind those given away */
};

/* Gives the tags up to `last` to the innermost entity. */
static void give(struct sweep *sweep, const uint8_t *last)
{
	struct em_format *format = sweep->format;
	size_t length = format->tag.length;
	struct em_interval *to = &format->intervals[format->n_intervals];

	if (sweep->ended || memcmp(sweep->at, last, length) > 0)
		return;
	*to = (struct em_interval){.entity = sweep->around[sweep->n - 1]};
	memcpy(to->tags.first, sweep->at, length);
	memcpy(to->tags.last, last, length);
	format->n_intervals++;
	memcpy(sweep->at, last, length);
	sweep->ended = !next_tag(sweep->at, length);
}

static const struct em_entity *innermost(const struct sweep *sweep)
{
	return sweep->n ? &sweep->format->entities[sweep->around[sweep->n - 1]] : NULL;
}

/* All that end before the tag; NULL: all. */
static void leave(struct sweep *sweep, const uint8_t *tag)
{
	const struct em_entity *inner;

	while ((inner = innermost(sweep)) &&
	       (!tag || memcmp(inner->last, tag, sweep->format->tag.length) < 0)) {
		give(sweep, inner->last);
		sweep->n--;
	}
}

static void enter(struct sweep *sweep, uint32_t index)
{
	const struct em_entity *entity = &sweep->format->entities[index];
	size_t length = sweep->format->tag.length;
	uint8_t before[EM_TAG_MAX];

	leave(sweep, entity->tag);
	memcpy(before, entity->tag, length);
	if (sweep->n && memcmp(sweep->at, entity->tag, length) < 0) {
		previous_tag(before, length);
		give(sweep, before);
	}
	memcpy(sweep->at, entity->tag, length);
	sweep->around[sweep->n++] = index;
}

/* The sweep enters an entity before those within it: by_tag has them in this order. */
int em_finish_intervals(struct em_format *format)
{
	size_t n = format->n_entities - format->n_exact;
	struct sweep sweep = {.format = format, .around = calloc(n + 1, sizeof(*sweep.around))};

	free(format->intervals);
	format->n_intervals = 0;
	format->intervals = calloc(2 * n + 1, sizeof(*format->intervals));
	if (sweep.around && format->intervals)
		for (size_t i = format->n_exact; i < format->n_entities; i++)
			enter(&sweep, format->by_tag[i]);
	leave(&sweep, NULL);
	free(sweep.around);
	return sweep.around && format->intervals ? 0 : -ENOMEM;
}

static bool all_are(const uint8_t *bytes, size_t n, uint8_t value)
{
	while (n--)
		if (bytes[n] != value)
			return false;
	return true;
}

bool em_tag_has_boxes(const struct em_tag *tag)
{
	return tag->n_pieces > 1 || !all_are(tag->mask, tag->length, 0xff);
}

uint8_t em_format_parts(const struct em_format *format, struct em_part parts[EM_PARTS_MAX])
{
	const struct em_tag *tag = &format->tag;
	bool joined = tag->n_pieces > 1 && format->n_intervals;
	uint8_t n = 0, offset = 0;

	for (uint8_t i = 0; i < tag->n_pieces; offset += tag->pieces[i++].length) {
		uint8_t length = tag->pieces[i].length, step = length;

		if (length > EM_PART_MAX && (joined || !all_are(tag->mask + offset, length, 0xff)))
			step = EM_PART_MAX;
		for (uint8_t at = 0; at < length; at += step) {
			struct em_part *part = &parts[n++];

			*part = (struct em_part){.piece = i, .at = at, .offset = offset + at};
			part->length = length - at < step ? length - at : step;
			part->masked = !all_are(tag->mask + part->offset, part->length, 0xff);
		}
	}
	return n;
}

/*
 * Sets *to to the largest box that begins at `at` and ends within `last`, of a range in the part
 * at [begin, end) of the tag, one value in those before, and all values in those behind. False:
 * there is none.
 */
static bool largest_box(const struct em_tag *tag, size_t begin, size_t end, const uint8_t *at,
			const uint8_t *last, struct em_interval *to)
{
	if (!all_are(at + end, tag->length - end, 0))
		return false;
	memcpy(to->tags.first, at, tag->length);
	memcpy(to->tags.last, at, begin);
	memset(to->tags.last + begin, 0xff, tag->length - begin);
	if (memcmp(to->tags.last, last, tag->length) <= 0)
		return true;
	memcpy(to->tags.last + begin, last + begin, end - begin);
	if (!all_are(last + end, tag->length - end, 0xff)) {
		if (all_are(last + begin, end - begin, 0))
			return false;
		previous_tag(to->tags.last + begin, end - begin);
	}
	return memcmp(to->tags.first, to->tags.last, tag->length) <= 0;
}

/* Returns how many boxes the interval has; writes them to `to` unless that is NULL. */
static size_t split(const struct em_format *format, const struct em_interval *interval,
		    struct em_interval *to)
{
	const struct em_tag *tag = &format->tag;
	struct em_interval box = *interval;
	struct em_part parts[EM_PARTS_MAX];
	uint8_t at[EM_TAG_MAX];
	size_t n = 0;

	em_format_parts(format, parts);
	memcpy(at, interval->tags.first, sizeof(at));
	do {
		const struct em_part *part = parts;

		while (!largest_box(tag, part->offset, part->offset + part->length, at,
				    interval->tags.last, &box))
			part++;
		if (to)
			to[n] = box;
		n++;
		memcpy(at, box.tags.last, sizeof(at));
	} while (next_tag(at, tag->length) && memcmp(at, interval->tags.last, tag->length) <= 0);
	return n;
}

int em_format_boxes(const struct em_format *format, struct em_interval **out, size_t *n)
{
	struct em_interval *boxes;
	size_t all = 0;

	for (size_t i = 0; i < format->n_intervals; i++)
		all += split(format, &format->intervals[i], NULL);
	*n = all;
	if (!out)
		return 0;
	boxes = calloc(all + 1, sizeof(*boxes));
	if (!boxes)
		return -ENOMEM;
	*out = boxes;
	for (size_t i = 0; i < format->n_intervals; i++)
		boxes += split(format, &format->intervals[i], boxes);
	return 0;
}
