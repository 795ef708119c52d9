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

static void write_file(enum policy policy, const char *entities)
{
	FILE *file = fopen(files[policy], "w");

	if (!file)
		rig_die(files[policy]);
	fprintf(file,
		"listeners = ( { name = \"sorter\"; interfaces = [ \"in0\" ]; port = %d; replies = "
		"true;\n"
		"  tag = { offset = 4; length = 4; };\n",
		HOST_LISTENER);
	if (with_copies)
		fprintf(file, "  copies = [ %d ];\n", HOST_COPIES);
	fprintf(file, "  entities = ( %s ); } );\n", entities);
	fclose(file);
}

const char *policy_file(enum policy policy)
{
	return files[policy];
}

void policy_write_files(bool copies)
{
	with_copies = copies;
	write_file(OLD, "{ name = \"one\"; tag = \"0x00000001\"; port = 6001; },\n"
			"{ name = \"two\"; tag = \"0x00000002\"; port = 6002; }");
	write_file(NEW, "{ name = \"one\"; tag = \"0x00000001\"; port = 7001; },\n"
			"{ name = \"two\"; tag = \"0x00000002\"; port = 7002; },\n"
			"{ name = \"three\"; tag = \"0x00000003\"; port = 7003; }");
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
