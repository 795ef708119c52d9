/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * config_copies - the keys with ports that get a copy.
 */
#include "config/reader.h"

static int read_port(struct em_reader *reader, const struct em_setting *setting, void *object)
{
	static const struct em_config_key port = {EM_KEY_PORTS};
	struct em_copies *list = object;
	uint64_t value;
	int rc = em_config_number(reader, &port, setting, &value);

	if (rc)
		return rc;
	for (uint8_t i = 0; i < list->n; i++)
		if (list->ports[i] == value)
			return em_config_mistake(reader, setting,
						 "%u is there already, expected another port",
						 list->ports[i]);
	list->ports[list->n++] = (uint16_t)value;
	return 0;
}

int em_config_read_copies(struct em_reader *reader, const struct em_config_key *key,
			  const struct em_setting *setting, void *object)
{
	struct em_copies *list = (void *)((char *)object + key->offset);

	list->place = setting->place;
	return em_config_array(reader, key, setting, read_port, list);
}

void em_config_write_copies(FILE *out, const char *lead, const struct em_config_key *key,
			    const void *object)
{
	const struct em_copies *list = (const void *)((const char *)object + key->offset);

	if (!list->n)
		return;
	fprintf(out, "%s%s = [ ", lead, key->name);
	for (uint8_t i = 0; i < list->n; i++)
		fprintf(out, "%s%u", i ? ", " : "", list->ports[i]);
	fputs(" ];", out);
}
