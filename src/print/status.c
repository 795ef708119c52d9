/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "print/print.h"

#include <limits.h>
#include <stdio.h>

static const char *describe(const struct em_view *view)
{
	if (!em_inspect_is_applied(view))
		return "nothing is applied";
	if (em_inspect_is_whole(view))
		return "in place";
	return em_inspect_is_in_place(view) ? "in place, but see the problems"
					    : "no longer whole; apply again";
}

static void print_record(struct em_document *out, const struct em_record *record)
{
	em_document_string(out, "config", "config:      ", record->config, "\n");
	em_document_string(out, "applied_at", "applied at:  ", record->applied_at, "\n");
	em_document_string(out, "backend", "backend:     ", em_backend_name(record->backend), "");
	em_document_string(out, "reason", " (", record->reason, ")\n");
	em_document_number(out, "listeners", "policy:      listeners: ", record->listeners, ", ");
	em_document_number(out, "entities", "entities: ", record->entities, "\n");
}

static void print_interfaces(struct em_document *out, const struct em_view *view)
{
	const struct em_record *record = &view->record;

	em_document_array(out, "interfaces");
	for (size_t i = 0; i < record->n_attachments; i++) {
		const struct em_attachment *attachment = &record->attachments[i];
		bool in_place = em_inspect_has(view, attachment);

		em_document_object(out, EM_DOCUMENT_ELEMENT);
		em_document_string(out, "name", "interface:   ", attachment->interface, "");
		em_print_alias(out, attachment->alias);
		em_document_string(out, "hook", " ", em_hook_name(attachment->hook), "");
		em_document_bool(out, "in_place", in_place ? "\n" : " (gone)\n", in_place);
		em_document_close(out);
	}
	em_document_close(out);
}

static void print_problems(struct em_document *out, const struct em_view *view)
{
	em_document_array(out, "problems");
	for (size_t i = 0; i < view->n_problems; i++) {
		const struct em_problem *problem = &view->problems[i];
		const char *remedy = problem->obstacle.remedy;

		em_document_object(out, EM_DOCUMENT_ELEMENT);
		em_document_string(out, "interface", "problem:     ", problem->interface, ": ");
		em_document_string(out, "what", "", problem->obstacle.what, "");
		em_document_string(out, "remedy", "; clear it with: ", remedy[0] ? remedy : NULL,
				   "");
		em_document_close(out);
		em_document_text(out, "\n");
	}
	em_document_close(out);
}

/* The command that puts it right. */
static void format_remedy(char *text, size_t size, const struct em_record *record)
{
	bool any = record->wanted == EM_BACKEND_AUTO;

	snprintf(text, size, "entitymux apply%s%s %s",
		 any ? "" : " --backend=", any ? "" : em_backend_name(record->wanted),
		 record->config);
}

static void print_drifts(struct em_document *out, const struct em_view *view)
{
	char remedy[PATH_MAX + 64] = "";

	if (view->record.generation)
		format_remedy(remedy, sizeof(remedy), &view->record);
	em_document_array(out, "drift");
	for (size_t i = 0; i < view->kernel.n_drifts; i++) {
		const struct em_drift *drift = &view->kernel.drifts[i];

		em_document_object(out, EM_DOCUMENT_ELEMENT);
		em_document_string(out, "object", "drift:       ", drift->object, " ");
		em_document_string(out, "what", "", drift->what, "");
		em_document_string(out, "remedy", "; mend it with: ", remedy[0] ? remedy : NULL,
				   "");
		em_document_close(out);
		em_document_text(out, "\n");
	}
	em_document_close(out);
}

void em_print_status(struct em_document *out, const struct em_view *view)
{
	bool applied = em_inspect_is_applied(view);

	em_document_bool(out, "applied", NULL, applied);
	em_document_bool(out, "whole", NULL, applied && em_inspect_is_whole(view));
	if (view->record.generation)
		print_record(out, &view->record);
	print_interfaces(out, view);
	print_problems(out, view);
	print_drifts(out, view);
	if (view->kernel.fault.text[0])
		em_document_string(out, "fault", "fault:       ", view->kernel.fault.text, "\n");
	em_document_string(out, NULL, "state:       ", describe(view), "\n");
}
