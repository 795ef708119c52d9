/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "print/print.h"

#include <limits.h>
#include <stdio.h>

static const char *describe(const struct em_view *view)
{
	if (!em_inspect_is_applied(view))
		return "nothing is applied";
	/* What is waited for is no fault, but it is not in place either. */
	if (view->record.n_waiting && em_inspect_is_whole(view) && !view->pending.generation)
		return view->record.n_attachments ? "in place, but for what is waited for"
						  : "waits, and nothing is sorted yet";
	if (em_inspect_is_whole(view))
		return view->pending.generation ? "in place, and waits for confirmation"
						: "in place";
	if (em_inspect_is_in_place(view))
		return "in place, but see the problems";
	return view->leftovers ? "no longer whole: something of another run is left"
			       : "no longer whole";
}

static void print_record(struct em_document *out, const struct em_record *record)
{
	em_document_string(out, "config", "config:      ", record->config, "\n");
	em_document_string(out, "applied_at", "applied at:  ", record->applied_at, "\n");
	em_document_string(out, "backend", "backend:     ", em_backend_name(record->backend), "");
	em_document_string(out, "reason", " (", record->reason, ")\n");
	if (record->undoes)
		em_document_string(out, "undoes", "undoes:      ", record->undoes, "\n");
	em_document_number(out, "edits", record->edits ? "edited:      live edits: " : NULL,
			   record->edits,
			   record->edits ? ", which the configuration does not have\n" : "");
	em_document_number(out, "listeners", "policy:      listeners: ", record->listeners, ", ");
	em_document_number(out, "entities", "entities: ", record->entities, "\n");
}

#define RANGES_MAX 8

static void print_range(struct em_document *out, unsigned int index, uint16_t first, uint16_t last)
{
	char text[32];

	if (last > first)
		snprintf(text, sizeof(text), "%s%u-%u", index ? ", " : "", first, last);
	else
		snprintf(text, sizeof(text), "%s%u", index ? ", " : "", first);
	em_document_text(out, index < RANGES_MAX ? text : index == RANGES_MAX ? ", ..." : "");
}

void em_print_unattended(struct em_document *out, const struct em_ports *ports)
{
	uint16_t first, last;
	unsigned int n = 0;

	if (!ports) {
		em_document_string(out, "ports_without_socket", NULL, NULL, "");
		return;
	}
	em_document_array(out, "ports_without_socket");
	for (uint32_t from = 0; em_ports_range(ports, from, &first, &last); from = last + 1U) {
		em_document_text(out, n ? "" : "no socket:   ");
		print_range(out, n++, first, last);
		for (uint32_t port = first; out->json && port <= last; port++)
			em_document_number(out, EM_DOCUMENT_ELEMENT, NULL, port, "");
	}
	em_document_text(out, n ? "\n" : "");
	em_document_close(out);
}

static void print_left(struct em_document *out, const struct em_pending *pending)
{
	if (pending->damaged) {
		em_document_text(out, "confirm:     not known: what waits is unreadable");
		em_document_string(out, "seconds_left", NULL, NULL, "");
		return;
	}
	em_document_number(out, "seconds_left", "confirm:     seconds left: ",
			   (int64_t)(em_pending_left(pending) + 999) / 1000, "");
}

/* What waits for confirmation. */
static void print_pending(struct em_document *out, const struct em_pending *pending)
{
	em_document_object(out, "confirm");
	print_left(out, pending);
	em_document_bool(out, "guarded",
			 pending->guarded || pending->failed[0] ? "" : ", but nothing will undo it",
			 pending->guarded);
	em_document_string(out, "failed", ", but it cannot be undone: ",
			   pending->failed[0] ? pending->failed : NULL, "");
	em_document_text(out, "; keep it with: entitymux confirm; undo it with: entitymux "
			      "rollback\n");
	em_document_close(out);
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

static void print_waiting(struct em_document *out, const struct em_record *record)
{
	em_document_array(out, "waiting");
	for (size_t i = 0; i < record->n_waiting; i++)
		em_document_string(out, EM_DOCUMENT_ELEMENT, "waiting:     ", record->waiting[i],
				   ", until it is there and up\n");
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

static void print_samples(struct em_document *out, const struct em_view *view)
{
	char remedy[PATH_MAX + 64] = "";

	em_document_string(out, "samples", NULL,
			   !view->record.samples ? NULL
			   : view->abandoned	 ? "abandoned"
						 : "read",
			   "");
	if (!view->record.samples || out->json)
		return;
	em_document_text(out, "samples:     packets are copied, ");
	if (!view->abandoned) {
		em_document_text(out, "until entitymux sample ends\n");
		return;
	}
	em_inspect_remedy(&view->record, remedy, sizeof(remedy));
	em_document_string(out, NULL, "and nobody reads them; end it with: ", remedy, "\n");
}

static void print_drifts(struct em_document *out, const struct em_view *view)
{
	char remedy[PATH_MAX + 64] = "";

	if (view->record.generation)
		em_inspect_remedy(&view->record, remedy, sizeof(remedy));
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

static void print_state(struct em_document *out, const struct em_view *view)
{
	bool broken = em_inspect_is_applied(view) && !em_inspect_is_in_place(view);
	char remedy[PATH_MAX + 64];

	if (out->json)
		return;
	em_document_string(out, NULL, "state:       ", describe(view), "");
	if (broken && view->record.generation) {
		em_inspect_remedy(&view->record, remedy, sizeof(remedy));
		em_document_string(out, NULL, "; mend it with: ", remedy, "");
	} else if (broken) {
		em_document_text(out, "; apply again");
	}
	em_document_text(out, "\n");
}

void em_print_status(struct em_document *out, const struct em_view *view)
{
	bool applied = em_inspect_is_applied(view);

	em_document_bool(out, "applied", NULL, applied);
	em_document_bool(out, "whole", NULL, applied && em_inspect_is_whole(view));
	if (view->record.generation)
		print_record(out, &view->record);
	if (view->config)
		em_document_bool(
			out, "config_in_force",
			view->config == EM_VIEW_CONFIG_SAME
				? "file:        is what is in force\n"
				: "file:        is not what is in force; see entitymux diff\n",
			view->config == EM_VIEW_CONFIG_SAME);
	if (view->record.generation)
		em_print_unattended(out, view->unattended);
	if (view->pending.generation)
		print_pending(out, &view->pending);
	if (view->record.generation)
		print_samples(out, view);
	print_interfaces(out, view);
	print_waiting(out, &view->record);
	print_problems(out, view);
	print_drifts(out, view);
	if (view->kernel.fault.text[0])
		em_document_string(out, "fault", "fault:       ", view->kernel.fault.text, "\n");
	print_state(out, view);
}
