/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario.h"
#include "tests/lib/rig_parts.h"

static void add(struct scenario *list, size_t *n, const char *name, enum scenario_command command,
		const char *before, const char *backend)
{
	struct scenario *scenario = &list[(*n)++];

	*scenario = (struct scenario){
		.command = command,
		.before = before,
		.backend = backend,
		.same = !strcmp(name, "again"),
		.copies = !strncmp(name, "copies-", 7),
	};
	snprintf(scenario->name, sizeof(scenario->name), "%s:%s", name, backend);
}

/* The policy before with each of the other backends. */
static void add_from(struct scenario *list, size_t *n, const char *prefix,
		     const char *const *backends, const char *to)
{
	for (const char *const *from = backends; *from; from++) {
		char name[24];

		snprintf(name, sizeof(name), "%sfrom-%s", prefix, *from);
		if (*from != to)
			add(list, n, name, SCENARIO_APPLY, *from, to);
	}
}

struct scenario *scenario_list(const char *const *backends, size_t *n)
{
	size_t n_backends = 0;
	struct scenario *list;

	while (backends[n_backends])
		n_backends++;
	list = calloc(n_backends * (2 * n_backends + 16), sizeof(*list));
	if (!list)
		rig_die("memory");
	*n = 0;
	for (const char *const *to = backends; *to; to++) {
		add(list, n, "first", SCENARIO_APPLY, NULL, *to);
		add(list, n, "newer", SCENARIO_APPLY, *to, *to);
		add_from(list, n, "", backends, *to);
		add(list, n, "again", SCENARIO_APPLY, *to, *to);
		add(list, n, "add", SCENARIO_ADD, *to, *to);
		add(list, n, "move", SCENARIO_MOVE, *to, *to);
		add(list, n, "delete", SCENARIO_DELETE, *to, *to);
		add(list, n, "save", SCENARIO_SAVE, *to, *to);
		add(list, n, "remove", SCENARIO_REMOVE, *to, *to);
		add(list, n, "reset", SCENARIO_RESET, *to, *to);
		add(list, n, "status", SCENARIO_STATUS, *to, *to);
		add(list, n, "stats", SCENARIO_STATS, *to, *to);
		add(list, n, "rollback", SCENARIO_ROLLBACK, *to, *to);
		add(list, n, "when-due", SCENARIO_WHEN_DUE, *to, *to);
		add(list, n, "unknown", SCENARIO_UNKNOWN, *to, *to);
		add(list, n, "copies-first", SCENARIO_APPLY, NULL, *to);
		add(list, n, "copies-newer", SCENARIO_APPLY, *to, *to);
		add_from(list, n, "copies-", backends, *to);
		add(list, n, "copies-rollback", SCENARIO_ROLLBACK, *to, *to);
		add(list, n, "copies-remove", SCENARIO_REMOVE, *to, *to);
	}
	return list;
}
