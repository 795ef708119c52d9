// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <jansson.h>

#include "cmd/cmd.h"
#include "engine/transaction.h"

static bool is_applied(const struct em_view *current)
{
	return current->datapath || current->applied.generation;
}

static const char *describe(const struct em_view *current, bool whole)
{
	if (!is_applied(current))
		return "nothing is applied";
	return whole ? "in place" : "no longer whole; apply again";
}

static void print_text(const struct em_view *current, bool whole)
{
	const struct em_record *applied = &current->applied;

	if (applied->generation) {
		printf("config:      %s\n", applied->config);
		printf("applied at:  %s\n", applied->applied_at);
		printf("backend:     %s (%s)\n", em_backend_name(applied->backend),
		       applied->reason);
	}
	for (size_t i = 0; i < applied->n_attachments; i++)
		printf("interface:   %s %s%s\n", applied->attachments[i].interface,
		       em_hook_name(applied->attachments[i].hook),
		       em_view_has(current, &applied->attachments[i]) ? "" : " (gone)");
	printf("state:       %s\n", describe(current, whole));
}

static int print_json(const struct em_view *current, bool whole)
{
	const struct em_record *applied = &current->applied;
	json_t *document = json_pack("{s:i, s:b, s:b}", "schema", 1, "applied", is_applied(current),
				     "whole", whole);
	json_t *interfaces = json_array();
	int rc;

	for (size_t i = 0; i < applied->n_attachments; i++)
		json_array_append_new(
			interfaces,
			json_pack("{s:s, s:s, s:b}", "name", applied->attachments[i].interface,
				  "hook", em_hook_name(applied->attachments[i].hook), "in_place",
				  em_view_has(current, &applied->attachments[i])));
	if (applied->generation)
		json_object_update_new(document,
				       json_pack("{s:s, s:s, s:s, s:s}", "config", applied->config,
						 "applied_at", applied->applied_at, "backend",
						 em_backend_name(applied->backend), "reason",
						 applied->reason));
	json_object_set_new(document, "interfaces", interfaces);
	rc = json_dumpf(document, stdout, JSON_INDENT(2));
	json_decref(document);
	printf("\n");
	return rc ? -EIO : 0;
}

static int run(struct em_view *current, struct em_state *state, bool json, struct em_diag *diag)
{
	int rc = em_view_read(current, state, diag);
	bool whole;

	if (rc)
		return rc;
	whole = is_applied(current) && em_view_is_whole(current);
	if (json)
		rc = print_json(current, whole);
	else
		print_text(current, whole);
	if (!rc && is_applied(current) && !whole)
		rc = -EM_EDRIFT;
	return rc;
}

int em_cmd_status(const struct em_command *self, int argc, char **argv, struct em_diag *diag)
{
	struct em_state *state __attribute__((cleanup(em_state_closep))) = NULL;
	struct em_view current = {0};
	bool json = false, done;
	const struct em_option options[] = {{"json", 0, &json, NULL}, {0}};
	int rc = em_cmd_options(self, argc, argv, options, NULL, &done, diag);

	if (rc || done)
		return rc;
	rc = em_state_open(&state, EM_STATE_READ, diag);
	if (!rc)
		rc = run(&current, state, json, diag);
	em_view_clear(&current);
	return rc;
}
