/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "policy.h"

#include <stdio.h>
#include <string.h>

#include "tests/lib/rig_parts.h"

/* Where each sorts the datagrams of host_where(); the last tag is unknown to both. */
static const struct host_ports sorted[POLICIES] = {
	[NOTHING] = {{HOST_LISTENER, HOST_LISTENER, HOST_LISTENER, HOST_LISTENER}},
	[OLD] = {{6001, 6002, HOST_LISTENER, HOST_LISTENER}},
	[NEW] = {{7001, 7002, 7003, HOST_LISTENER}},
	[ADDED] = {{6001, 6002, 6003, HOST_LISTENER}},
	[MOVED] = {{6001, 6003, HOST_LISTENER, HOST_LISTENER}},
	[DELETED] = {{6001, HOST_LISTENER, HOST_LISTENER, HOST_LISTENER}},
};

static const char *const files[POLICIES] = {
	[OLD] = RUNSTATEDIR "/old.conf",
	[NEW] = RUNSTATEDIR "/new.conf",
};

static bool with_copies;

static FILE *create(const char *path)
{
	FILE *file = fopen(path, "w");

	if (!file)
		rig_die(path);
	return file;
}

static void write_file(enum policy policy, const char *entities)
{
	FILE *file = create(files[policy]);

	fprintf(file,
		"listeners = ( { name = \"sorter\"; interfaces = [ \"in0\" ]; port = %d; replies = "
		"true;\n"
		"  tag = { offset = 4; length = 4; };\n",
		HOST_LISTENER);
	if (with_copies)
		fprintf(file, "  copies = [ %d ];\n", HOST_COPIES);
	fprintf(file, "  %s; } );\n", entities);
	fclose(file);
}

#define ENTITIES     "0x00000001,6001,one\n0x00000002,6002,two\n"
#define ONE_MORE     "0x00000003,6003"
#define ENTITIES_MAX 1024

static void write_entities(void)
{
	FILE *file = create(RUNSTATEDIR "/old.entities");

	fputs(ENTITIES, file);
	fclose(file);
}

enum policy policy_in_file(void)
{
	FILE *file = fopen(RUNSTATEDIR "/old.entities", "r");
	char text[ENTITIES_MAX + 1] = "";

	if (!file)
		return POLICIES;
	text[fread(text, 1, ENTITIES_MAX, file)] = '\0';
	fclose(file);
	if (!strcmp(text, ENTITIES))
		return OLD;
	return !strcmp(text, ENTITIES ONE_MORE "\n") ? ADDED : POLICIES;
}

const char *policy_file(enum policy policy)
{
	return files[policy];
}

void policy_write_files(bool copies, bool in_file)
{
	with_copies = copies;
	if (in_file)
		write_entities();
	write_file(
		OLD,
		in_file ? "entities_file = \"old.entities\""
			: "entities = ( { name = \"one\"; tag = \"0x00000001\"; port = 6001; },\n"
			  "{ name = \"two\"; tag = \"0x00000002\"; port = 6002; } )");
	write_file(NEW, "entities = ( { name = \"one\"; tag = \"0x00000001\"; port = 7001; },\n"
			"{ name = \"two\"; tag = \"0x00000002\"; port = 7002; },\n"
			"{ name = \"three\"; tag = \"0x00000003\"; port = 7003; } )");
}

enum policy policy_in_force(struct host_ports *where)
{
	enum policy policy;

	*where = host_where(with_copies);
	for (policy = 0; policy < POLICIES; policy++)
		if (!memcmp(where->of, sorted[policy].of, sizeof(where->of)))
			break;
	for (size_t i = 0; i < HOST_TAGS; i++)
		if (where->copies[i] != (with_copies && policy != NOTHING))
			return POLICIES;
	return policy;
}

void policy_count(struct host_counters *counters, enum policy policy)
{
	if (policy == NOTHING)
		return;
	counters->packets += HOST_TAGS;
	counters->copied += with_copies ? HOST_TAGS : 0;
	for (size_t i = 0; i < HOST_TAGS; i++) {
		bool rewritten = sorted[policy].of[i] != HOST_LISTENER;

		counters->rewritten += rewritten;
		counters->unknown += !rewritten;
		counters->entities[i] += rewritten;
	}
}
