/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "print/print.h"

static const char *describe(bool applied, bool whole)
{
	if (!applied)
		return "nothing is applied";
	return whole ? "in place" : "no longer whole; apply again";
}

static void print_record(struct em_document *out, const struct em_record *record)
{
	em_document_string(out, "config", "config:      ", record->config, "\n");
	em_document_string(out, "applied_at", "applied at:  ", record->applied_at, "\n");
	em_document_string(out, "backend", "backend:     ", em_backend_name(record->backend), "");
	em_document_string(out, "reason", " (", record->reason, ")\n");
}

static void print_interfaces(struct em_document *out, const struct em_view *view)
{
	const struct em_record *record = &view->applied;

	em_document_array(out, "interfaces");
	for (size_t i = 0; i < record->n_attachments; i++) {
		const struct em_attachment *attachment = &record->attachments[i];
		bool in_place = em_view_has(view, attachment);

		em_document_object(out, EM_DOCUMENT_ELEMENT);
		em_document_string(out, "name", "interface:   ", attachment->interface, " ");
		em_document_string(out, "hook", "", em_hook_name(attachment->hook), "");
		em_document_bool(out, "in_place", in_place ? "\n" : " (gone)\n", in_place);
		em_document_close(out);
	}
	em_document_close(out);
}

void em_print_status(struct em_document *out, const struct em_view *view, bool applied, bool whole)
{
	em_document_bool(out, "applied", NULL, applied);
	em_document_bool(out, "whole", NULL, whole);
	if (view->applied.generation)
		print_record(out, &view->applied);
	print_interfaces(out, view);
	if (view->installed.fault.text[0])
		em_document_string(out, "fault", "fault:       ", view->installed.fault.text, "\n");
	em_document_string(out, NULL, "state:       ", describe(applied, whole), "\n");
}
