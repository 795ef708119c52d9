/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "command.h"

#include <stdio.h>

#include "host.h"
#include "tests/lib/rig_parts.h"

static const char *program;

static const struct {
	const char *kind, *tag, *port;
	enum policy after;
} edits[] = {
	[SCENARIO_ADD] = {"add", "0x00000003", "6003", ADDED},
	[SCENARIO_MOVE] = {"move", "0x00000002", "6003", MOVED},
	[SCENARIO_DELETE] = {"delete", "0x00000002", NULL, DELETED},
	[SCENARIO_SAVE] = {"add", "0x00000003", "6003", ADDED},
	[SCENARIO_WHEN_DUE] = {NULL},
};

void command_init(const char *entitymux)
{
	program = entitymux;
}

bool command_is_change(const struct scenario *scenario)
{
	return scenario->command == SCENARIO_APPLY || command_is_edit(scenario);
}

bool command_is_edit(const struct scenario *scenario)
{
	return edits[scenario->command].kind;
}

bool command_is_undo(const struct scenario *scenario)
{
	return scenario->command == SCENARIO_ROLLBACK || scenario->command == SCENARIO_WHEN_DUE;
}

enum policy command_before(const struct scenario *scenario)
{
	return command_is_undo(scenario) ? NEW : scenario->before ? OLD : NOTHING;
}

enum policy command_after(const struct scenario *scenario)
{
	if (scenario->command == SCENARIO_REMOVE)
		return NOTHING;
	if (command_is_edit(scenario))
		return edits[scenario->command].after;
	return scenario->command != SCENARIO_APPLY || scenario->same || !scenario->before ? OLD
											  : NEW;
}

static void apply(struct inject *inject, const char *backend, enum policy policy, bool dry)
{
	char option[32];
	const char *const argv[] = {
		program, "apply", option, policy_file(policy), dry ? "--dry-run" : NULL, NULL};

	snprintf(option, sizeof(option), "--backend=%s", backend);
	inject->uid = host_uid();
	inject_run(inject, argv);
}

void command_apply(struct inject *inject, const char *backend, enum policy policy)
{
	apply(inject, backend, policy, false);
}

void command_try(struct inject *inject, const char *backend, enum policy policy)
{
	apply(inject, backend, policy, true);
}

void command_edit(struct inject *inject, const struct scenario *scenario, enum policy in_force)
{
	const char *kind = edits[scenario->command].kind, *tag = edits[scenario->command].tag,
		   *port = edits[scenario->command].port;
	const char *const again[] = {program,	   "entity", "move", "sorter",
				     "0x00000001", "6001",   NULL};
	const char *const argv[] = {program, "entity", kind, "sorter", tag, port, NULL};
	const bool saves = scenario->command == SCENARIO_SAVE;
	const bool done = in_force == edits[scenario->command].after;
	const char *const save[] = {
		program, "entity", done ? "move" : kind, "--save", "sorter", tag, port, NULL};

	inject->uid = host_uid();
	inject_run(inject, saves ? save : done ? again : argv);
}

void command_word(struct inject *inject, const char *command, const char *option)
{
	const char *const argv[] = {program, command, option, NULL};

	inject->uid = host_uid();
	inject_run(inject, argv);
}

void command_run(struct inject *inject, const struct scenario *scenario)
{
	switch (scenario->command) {
	case SCENARIO_APPLY:
		command_apply(inject, scenario->backend, command_after(scenario));
		return;
	case SCENARIO_ADD:
	case SCENARIO_MOVE:
	case SCENARIO_DELETE:
	case SCENARIO_SAVE:
		command_edit(inject, scenario, OLD);
		return;
	case SCENARIO_REMOVE:
		command_word(inject, "remove", NULL);
		return;
	case SCENARIO_RESET:
		command_word(inject, "stats", "--reset");
		return;
	case SCENARIO_STATUS:
		command_word(inject, "status", NULL);
		return;
	case SCENARIO_STATS:
		command_word(inject, "stats", "--json");
		return;
	case SCENARIO_UNKNOWN:
		command_word(inject, "unknown", NULL);
		return;
	case SCENARIO_ROLLBACK:
		command_word(inject, "rollback", NULL);
		return;
	case SCENARIO_WHEN_DUE:
		command_word(inject, "rollback", "--when-due");
		return;
	}
}

void command_apply_for_a_second(const char *backend)
{
	char script[512];

	snprintf(script, sizeof(script), "setpriv --ruid %d %s apply --backend=%s --confirm=1 %s",
		 host_uid(), program, backend, policy_file(NEW));
	rig_shell(script);
}
