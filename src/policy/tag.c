/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * tag - what an entity covers: found by it, and as text.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/policy.h"

int em_entity_set(struct em_entity *entity, const char *name, const struct em_cover *cover)
{
	bool one = !memcmp(cover->first, cover->last, sizeof(cover->first));

	entity->name = name ? strdup(name) : NULL;
	entity->last = one ? NULL : malloc(sizeof(cover->last));
	if ((name && !entity->name) || (!one && !entity->last)) {
		em_entity_clear(entity);
		return -ENOMEM;
	}
	memcpy(entity->tag, cover->first, sizeof(entity->tag));
	if (!one)
		memcpy(entity->last, cover->last, sizeof(cover->last));
	return 0;
}

void em_entity_clear(const struct em_entity *entity)
{
	free(entity->name);
	free(entity->last);
}

const uint8_t *em_entity_last(const struct em_entity *entity)
{
	return entity->last ? entity->last : entity->tag;
}

void em_entity_cover(const struct em_entity *entity, struct em_cover *out)
{
	memcpy(out->first, entity->tag, sizeof(out->first));
	memcpy(out->last, entity->tag, sizeof(out->last));
	if (entity->last)
		memcpy(out->last, entity->last, sizeof(out->last));
}

/* Of two that begin at the same tag, the one around the other comes first. */
static int order(const struct em_format *format, const uint8_t *tag, const uint8_t *last,
		 const struct em_entity *entity)
{
	int rc = memcmp(tag, entity->tag, format->tag.length);

	return rc || !last ? rc : memcmp(entity->last, last, format->tag.length);
}

const struct em_entity *em_format_find(const struct em_format *format, const uint8_t *tag,
				       const uint8_t *last)
{
	size_t low = last ? format->n_exact : 0;
	size_t high = last ? format->n_entities : format->n_exact;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct em_entity *entity = &format->entities[format->by_tag[middle]];
		int rc = order(format, tag, last, entity);

		if (rc == 0)
			return entity;
		if (rc < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static bool has_cover(const struct em_format *format, const struct em_entity *entity,
		      const struct em_cover *cover)
{
	return !memcmp(entity->tag, cover->first, format->tag.length) &&
	       !memcmp(em_entity_last(entity), cover->last, format->tag.length);
}

const struct em_entity *em_format_find_cover(const struct em_format *format,
					     const struct em_cover *cover, size_t *guess)
{
	bool one = !memcmp(cover->first, cover->last, format->tag.length);
	const struct em_entity *entity = NULL;

	if (*guess < format->n_entities)
		entity = &format->entities[*guess];
	if (!entity || !has_cover(format, entity, cover))
		entity = em_format_find(format, cover->first, one ? NULL : cover->last);
	if (entity)
		*guess = (size_t)(entity - format->entities) + 1;
	return entity;
}

const char *em_tag_format(const struct em_format *format, const uint8_t *tag,
			  char text[EM_TAG_TEXT_MAX])
{
	static const char digits[] = "0123456789abcdef";
	char *to = text;

	*to++ = '0';
	*to++ = 'x';
	for (size_t i = 0; i < format->tag.length; i++) {
		*to++ = digits[tag[i] >> 4];
		*to++ = digits[tag[i] & 15];
	}
	*to = '\0';
	return text;
}

/* Appends the bytes as text in quotes, if they are printable and not all blank. */
static void show_text(const uint8_t *bytes, size_t n, char *text, size_t size)
{
	size_t length = strlen(text);
	bool is_text = true, is_blank = true;

	for (size_t i = 0; i < n; i++) {
		is_text &= bytes[i] >= ' ' && bytes[i] <= '~';
		is_blank &= bytes[i] == ' ';
	}
	if (is_text && !is_blank)
		snprintf(text + length, size - length, " \"%.*s\"", (int)n, (const char *)bytes);
}

const char *em_tag_show(const struct em_format *format, const uint8_t *tag,
			char text[EM_TAG_SHOWN_MAX])
{
	em_tag_format(format, tag, text);
	show_text(tag, format->tag.length, text, EM_TAG_SHOWN_MAX);
	return text;
}

static unsigned int bit_of(const uint8_t *bytes, unsigned int i)
{
	return bytes[i / 8] >> (7 - i % 8) & 1;
}

/* How many of the first bits decide, or -1 where what the entity covers is no such prefix. */
static int prefix_bits(const struct em_format *format, const struct em_entity *entity)
{
	unsigned int all = format->tag.length * 8U, bits = 0;

	while (bits < all && bit_of(entity->tag, bits) == bit_of(entity->last, bits))
		bits++;
	for (unsigned int i = bits; i < all; i++)
		if (bit_of(entity->tag, i) || !bit_of(entity->last, i))
			return -1;
	return (int)bits;
}

const char *em_entity_tag_format(const struct em_format *format, const struct em_entity *entity,
				 char text[EM_COVER_TEXT_MAX])
{
	int bits = entity->last ? prefix_bits(format, entity) : -1;
	size_t length = strlen(em_tag_format(format, entity->tag, text));

	if (bits >= 0) {
		snprintf(text + length, EM_COVER_TEXT_MAX - length, "/%d", bits);
	} else if (entity->last) {
		strcpy(text + length, "..");
		em_tag_format(format, entity->last, text + length + 2);
	}
	return text;
}

const char *em_entity_tag_show(const struct em_format *format, const struct em_entity *entity,
			       char text[EM_COVER_SHOWN_MAX])
{
	int bits = entity->last ? prefix_bits(format, entity) : format->tag.length * 8;

	em_entity_tag_format(format, entity, text);
	if (bits > 0 && bits % 8 == 0)
		show_text(entity->tag, bits / 8, text, EM_COVER_SHOWN_MAX);
	return text;
}

const char *em_entity_name(const struct em_format *format, const struct em_entity *entity,
			   char text[EM_COVER_TEXT_MAX])
{
	return entity->name ? entity->name : em_entity_tag_format(format, entity, text);
}
