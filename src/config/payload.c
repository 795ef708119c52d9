/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * config_payload - what a listener reads in a datagram: payload, checks, tag.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "config/reader.h"

#define EXPECTED_CHECK	"a group { offset = …; … }"
#define EXPECTED_KIND	"either bytes, or length with values, or with min, max or both"
#define EXPECTED_VALUES "an array of 1-16 numbers, e.g. [ 1, 3 ]"
#define EXPECTED_LENGTH "1, 2, 4 or 8"
#define EXPECTED_PIECE	"a group { offset = …; length = …; }"

static const char *const endians[] = {"big", "little", NULL};

static int read_number_length(struct em_reader *reader, const struct em_config_key *key,
			      const struct em_setting *setting, void *object)
{
	uint64_t length;
	int rc = em_config_number(reader, key, setting, &length);

	if (rc)
		return rc;
	if (length & (length - 1))
		return em_config_mistake(reader, setting,
					 "%" PRIu64 " is out of range, expected %s", length,
					 key->expected);
	((struct em_check *)object)->length = (uint16_t)length;
	return 0;
}

static const struct em_config_key check_keys[] = {
	EM_KEY_NUMBER("offset", em_check, offset, 0, EM_REACH_MAX - 1, EM_KEY_REQUIRED),
	{"bytes"},
	{"mask"},
	{"length", read_number_length, .min = 1, .max = 8, .expected = EXPECTED_LENGTH},
	{"min"},
	{"max"},
	{"values", .min = 1, .max = EM_VALUES_MAX, .expected = EXPECTED_VALUES},
	EM_KEY_BOOL("not", em_check, negated),
	EM_KEY_WORD("endian", em_check, little_endian, endians, "\"big\" or \"little\""),
	{NULL},
};

static const struct em_setting *of_check(const struct em_setting *group, const char *key)
{
	return em_config_find(group, check_keys, key);
}

static int check_reach(struct em_reader *reader, const struct em_setting *group, uint16_t offset,
		       unsigned int length)
{
	const struct em_setting *setting = em_setting_member(group, "offset");

	if (offset + length <= EM_REACH_MAX)
		return 0;
	return em_config_mistake(reader, setting ? setting : group,
				 "%u and %u bytes end at byte %u, expected %d at the latest",
				 offset, length, offset + length, EM_REACH_MAX);
}

const struct em_config_key em_config_payload_keys[] = {
	EM_KEY_NUMBER("min", em_format, payload_min, 0, EM_PAYLOAD_MAX),
	EM_KEY_NUMBER("max", em_format, payload_max, 0, EM_PAYLOAD_MAX),
	{NULL},
};

int em_config_read_payload(struct em_reader *reader, const struct em_config_key *key,
			   const struct em_setting *setting, void *object)
{
	struct em_format own = {.payload_max = EM_PAYLOAD_MAX}, *format = object;
	int rc = em_config_group(reader, setting, key->expected, em_config_payload_keys, &own);

	if (!rc && own.payload_min > own.payload_max)
		rc = em_config_mistake(reader, setting,
				       "min %u is more than max %u, expected "
				       "at most as much",
				       own.payload_min, own.payload_max);
	else if (own.payload_min > format->payload_max || own.payload_max < format->payload_min)
		rc = em_config_mistake(
			reader, setting, "%u-%u, expected lengths within the listener's %u-%u",
			own.payload_min, own.payload_max, format->payload_min, format->payload_max);
	if (own.payload_min > format->payload_min)
		format->payload_min = own.payload_min;
	if (own.payload_max < format->payload_max)
		format->payload_max = own.payload_max;
	return rc;
}

/*
 * Reads the bytes of the key into *out: `wanted` of them, or any number if that is 0. Returns how
 * many, or -errno.
 */
static int read_check_bytes(struct em_reader *reader, const struct em_setting *setting, int wanted,
			    const char *of, uint8_t **out)
{
	uint8_t bytes[EM_REACH_MAX];
	int length = em_config_bytes(reader, setting, bytes, sizeof(bytes));

	if (length < 0)
		return length;
	if (wanted && length != wanted)
		return em_config_mistake(reader, setting, "%d bytes, expected %d (the length%s)",
					 length, wanted, of);
	if (length > EM_REACH_MAX)
		return em_config_mistake(reader, setting, "%d bytes, expected 1-%d", length,
					 EM_REACH_MAX);
	*out = malloc((size_t)length);
	if (!*out)
		return -ENOMEM;
	memcpy(*out, bytes, (size_t)length);
	return length;
}

static int read_bytes_check(struct em_reader *reader, const struct em_setting *group,
			    struct em_check *check)
{
	const struct em_setting *mask = of_check(group, "mask");
	int length, masked;

	length = read_check_bytes(reader, of_check(group, "bytes"), 0, "", &check->bytes);
	if (length == -ENOMEM)
		return length;
	if (mask) {
		masked = read_check_bytes(reader, mask, length < 0 ? 0 : length, " of bytes",
					  &check->mask);
		if (length < 0 || masked < 0)
			return em_config_worse(length < 0 ? length : 0, masked < 0 ? masked : 0);
	}
	if (length < 0)
		return length;
	check->length = (uint16_t)length;
	return check_reach(reader, group, check->offset, check->length);
}

/* A bound of a number of so many bytes: a number, or a byte string where that is not enough. */
static int read_bound(struct em_reader *reader, const struct em_setting *setting,
		      unsigned int length, uint64_t *out)
{
	const struct em_config_key key = {.max = UINT64_MAX >> (64 - 8 * length)};
	uint8_t bytes[8];
	int n;

	if (setting->type != EM_SETTING_STRING)
		return em_config_number(reader, &key, setting, out);
	n = em_config_bytes(reader, setting, bytes, sizeof(bytes));
	if (n < 0)
		return n;
	if ((unsigned int)n > length)
		return em_config_mistake(reader, setting,
					 "%d bytes, expected at most %u (the length)", n, length);
	*out = 0;
	for (int i = 0; i < n; i++)
		*out = *out << 8 | bytes[i];
	return 0;
}

static int read_bounds(struct em_reader *reader, const struct em_setting *group,
		       struct em_check *check, unsigned int length)
{
	const struct em_setting *min = of_check(group, "min");
	const struct em_setting *max = of_check(group, "max");
	int result = 0;

	check->max = UINT64_MAX >> (64 - 8 * length);
	if (min)
		result = read_bound(reader, min, length, &check->min);
	if (max)
		result = em_config_worse(result, read_bound(reader, max, length, &check->max));
	if (!result && check->min > check->max)
		result = em_config_mistake(reader, group,
					   "min %" PRIu64 " is more than max %" PRIu64
					   ", expected at most as much",
					   check->min, check->max);
	return result;
}

/* The first of the keys that the group has, or NULL. */
static const struct em_setting *first_of(const struct em_setting *group, const char *const *keys)
{
	const struct em_setting *found = NULL;

	for (; *keys && !found; keys++)
		found = of_check(group, *keys);
	return found;
}

/* In the order of their size, so that the same values are the same check. */
static int add_value(struct em_reader *reader, const struct em_setting *setting,
		     struct em_check *check, uint64_t value)
{
	uint8_t at = check->n_values;

	for (uint8_t i = 0; i < check->n_values; i++)
		if (check->values[i] == value)
			return em_config_mistake(reader, setting, "%" PRIu64 " is there already",
						 value);
	for (; at > 0 && check->values[at - 1] > value; at--)
		check->values[at] = check->values[at - 1];
	check->values[at] = value;
	check->n_values++;
	return 0;
}

static int read_value(struct em_reader *reader, const struct em_setting *setting, void *object)
{
	struct em_check *check = object;
	uint64_t value;
	int rc = read_bound(reader, setting, check->length ? check->length : 8, &value);

	return rc ? rc : add_value(reader, setting, check, value);
}

static int read_values(struct em_reader *reader, const struct em_setting *group,
		       struct em_check *check)
{
	static const struct em_config_key key = {"values", .min = 1, .max = EM_VALUES_MAX,
						 .expected = EXPECTED_VALUES};
	const char *const bounds[] = {"min", "max", NULL};
	const struct em_setting *bound = first_of(group, bounds);
	int rc = em_config_array(reader, &key, of_check(group, "values"), read_value, check);

	if (bound)
		rc = em_config_worse(rc, em_config_mistake(reader, bound,
							   "does not go with values, expected %s",
							   EXPECTED_KIND));
	return rc;
}

static int read_number_mask(struct em_reader *reader, const struct em_setting *mask,
			    struct em_check *check)
{
	int rc = read_check_bytes(reader, mask, check->length, "", &check->mask);

	return rc < 0 ? rc : 0;
}

static int read_number_check(struct em_reader *reader, const struct em_setting *group,
			     struct em_check *check)
{
	static const struct em_config_key missing = {"length", .expected = EXPECTED_LENGTH};
	const struct em_setting *mask = of_check(group, "mask");
	int result = 0;

	check->kind = EM_CHECK_NUMBER;
	if (!of_check(group, "length"))
		result = em_config_missing(reader, group, &missing);
	/* Without the length, numbers are checked against the widest one. */
	if (of_check(group, "values"))
		result = em_config_worse(result, read_values(reader, group, check));
	else
		result = em_config_worse(result, read_bounds(reader, group, check,
							     check->length ? check->length : 8));
	if (mask)
		result = em_config_worse(result, read_number_mask(reader, mask, check));
	return em_config_worse(result, check_reach(reader, group, check->offset, check->length));
}

static int read_kind(struct em_reader *reader, const struct em_setting *group,
		     struct em_check *check)
{
	static const char *const of_numbers[] = {"min", "max", "values", "length", "endian", NULL};
	static const char *const numbers[] = {"min", "max", "values", NULL};
	const struct em_setting *bytes = of_check(group, "bytes");
	const struct em_setting *mask = of_check(group, "mask");
	const struct em_setting *other = first_of(group, of_numbers);

	if (bytes && other)
		return em_config_mistake(reader, other, "does not go with bytes, expected %s",
					 EXPECTED_KIND);
	if (bytes)
		return read_bytes_check(reader, group, check);
	if (!first_of(group, numbers))
		return em_config_mistake(reader, mask ? mask : group,
					 "nothing to check, expected %s", EXPECTED_KIND);
	return read_number_check(reader, group, check);
}

static int read_check(struct em_reader *reader, const struct em_setting *setting, void *object)
{
	struct em_format *format = object;
	struct em_check *check = &format->checks[format->n_checks++];
	int rc;

	check->place = setting->place;
	rc = em_config_group(reader, setting, EXPECTED_CHECK, check_keys, check);
	if (rc == -ENOMEM || setting->type != EM_SETTING_GROUP)
		return rc;
	rc = em_config_worse(rc, read_kind(reader, setting, check));
	/* The key `length` stands for a number. */
	if (!check->bytes && check->kind == EM_CHECK_BYTES)
		check->length = 0;
	return rc;
}

int em_config_read_checks(struct em_reader *reader, const struct em_config_key *key,
			  const struct em_setting *setting, void *object)
{
	return em_config_list(reader, key, setting, read_check, object);
}

/* A piece of the tag as it is read, with its part of the mask. */
struct piece {
	enum em_piece_source source;
	uint16_t offset;
	unsigned int length; /* 0: not known */
	uint8_t mask[EM_TAG_MAX];
};

static int read_piece_mask(struct em_reader *reader, const struct em_config_key *key,
			   const struct em_setting *setting, void *object)
{
	struct piece *piece = object;
	int length = em_config_bytes(reader, setting, piece->mask, sizeof(piece->mask));

	(void)key;
	if (length < 0)
		return length;
	if (piece->length && (unsigned int)length != piece->length)
		return em_config_mistake(reader, setting, "%d bytes, expected %u (the length)",
					 length, piece->length);
	return 0;
}

/* The tag while its pieces are read. */
struct pieces {
	struct em_tag *tag;
	const struct em_piece_field *field; /* one that a piece has; NULL: none */
	unsigned int length; /* of all pieces so far, which may be too many bytes for a tag */
};

static void join(struct pieces *pieces, const struct piece *piece)
{
	struct em_tag *tag = pieces->tag;

	tag->pieces[tag->n_pieces].source = piece->source;
	tag->pieces[tag->n_pieces].offset = piece->offset;
	tag->pieces[tag->n_pieces].length = (uint8_t)piece->length;
	tag->n_pieces++;
	memcpy(tag->mask + pieces->length, piece->mask, piece->length);
}

static const struct em_config_key piece_keys[] = {
	{"field"},
	EM_KEY_NUMBER("offset", piece, offset, 0, EM_REACH_MAX - 1),
	EM_KEY_NUMBER("length", piece, length, 1, EM_TAG_MAX),
	{"mask", read_piece_mask},
	{NULL},
};

/* Of a piece with a field, which needs none of the other keys. */
static int read_field(struct em_reader *reader, const struct em_setting *group,
		      const struct em_setting *setting, struct piece *piece)
{
	const char *words[EM_PIECE_SOURCES] = {NULL};
	const struct em_config_key key = {"field", .words = words,
					  .expected = "\"ip saddr\" or \"ip6 saddr\""};
	uint64_t word;
	int rc;

	for (size_t i = 1; i < EM_PIECE_SOURCES; i++)
		words[i - 1] = em_piece_field(i)->name;
	rc = em_config_word(reader, &key, setting, &word);
	for (const struct em_config_key *other = piece_keys + 1; other->name; other++) {
		const struct em_setting *found = em_config_find(group, piece_keys, other->name);

		if (found)
			rc = em_config_mistake(reader, found,
					       "does not go with field, expected either field, or "
					       "offset and length");
	}
	piece->length = 0;
	if (rc)
		return rc;
	piece->source = word + 1;
	piece->length = em_piece_field(piece->source)->length;
	return 0;
}

/* Of a piece of the payload. */
static int check_place(struct em_reader *reader, const struct em_setting *group,
		       const struct piece *piece)
{
	int rc = 0;

	for (const struct em_config_key *key = piece_keys + 1; key->size; key++)
		if (!em_config_find(group, piece_keys, key->name))
			rc = em_config_missing(reader, group, key);
	return em_config_worse(rc, check_reach(reader, group, piece->offset, piece->length));
}

/* No datagram has fields of both IP versions. */
static int check_versions(struct em_reader *reader, const struct em_setting *setting,
			  struct pieces *pieces, const struct piece *piece)
{
	const struct em_piece_field *field = em_piece_field(piece->source);

	if (field && pieces->field && field->family != pieces->field->family)
		return em_config_mistake(
			reader, setting,
			"does not go with \"%s\", expected fields of one IP version",
			pieces->field->name);
	pieces->field = field ? field : pieces->field;
	return 0;
}

static int read_piece(struct em_reader *reader, const struct em_setting *setting, void *object)
{
	struct pieces *pieces = object;
	struct piece piece = {0};
	const struct em_setting *field;
	int rc;

	memset(piece.mask, 0xff, sizeof(piece.mask));
	rc = em_config_group(reader, setting, EXPECTED_PIECE, piece_keys, &piece);
	if (setting->type != EM_SETTING_GROUP)
		return rc;
	field = em_config_find(setting, piece_keys, "field");
	if (field) {
		rc = em_config_worse(rc, read_field(reader, setting, field, &piece));
		rc = em_config_worse(rc, check_versions(reader, field, pieces, &piece));
	} else {
		rc = em_config_worse(rc, check_place(reader, setting, &piece));
	}
	if (!rc && pieces->length + piece.length <= EM_TAG_MAX)
		join(pieces, &piece);
	pieces->length += piece.length;
	return rc;
}

int em_config_read_tag(struct em_reader *reader, const struct em_config_key *key,
		       const struct em_setting *setting, void *object)
{
	struct pieces pieces = {.tag = &((struct em_format *)object)->tag};
	int rc;

	pieces.tag->place = setting->place;
	if (setting->type == EM_SETTING_GROUP)
		rc = read_piece(reader, setting, &pieces);
	else
		rc = em_config_list(reader, key, setting, read_piece, &pieces);
	if (pieces.length > EM_TAG_MAX)
		rc = em_config_worse(rc, em_config_mistake(reader, setting,
							   "%u bytes in all, expected 1-%d",
							   pieces.length, EM_TAG_MAX));
	if (!rc)
		pieces.tag->length = (uint8_t)pieces.length;
	return rc;
}
