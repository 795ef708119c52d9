/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "print/print.h"

static const char *result_of(const struct em_transaction *done)
{
	if (done->unchanged)
		return "unchanged";
	if (done->undoes)
		return "in force again";
	return done->dry_run ? "would apply" : "applied";
}

void em_print_hooks(struct em_document *out, const struct em_plan *plan)
{
	em_document_array(out, "interfaces");
	for (size_t i = 0; i < plan->n_attachments; i++) {
		em_document_object(out, EM_DOCUMENT_ELEMENT);
		em_document_string(out, "name", "  ", plan->attachments[i].interface, "");
		em_print_alias(out, plan->attachments[i].alias);
		em_document_string(out, "hook", ": ", em_hook_name(plan->attachments[i].hook),
				   "\n");
		em_document_close(out);
	}
	em_document_close(out);
}

static void print_waiting(struct em_document *out, const struct em_waiting *waiting)
{
	em_document_array(out, "waiting");
	for (size_t i = 0; i < waiting->n; i++)
		em_document_string(out, EM_DOCUMENT_ELEMENT, "  ", waiting->names[i],
				   ": waits until it is there and up\n");
	em_document_close(out);
}

void em_print_apply(struct em_document *out, const struct em_transaction *done)
{
	em_document_string(out, "config", "", done->config, "");
	em_document_string(out, "result", ": ", result_of(done), "");
	em_document_string(out, "backend", ": backend ", em_backend_name(done->plan.backend), "");
	em_document_string(out, "reason", " (", done->outcome.reason, ")\n");
	em_print_hooks(out, &done->plan);
	print_waiting(out, &done->plan.waiting);
	if (done->confirm && !done->unchanged && !done->dry_run)
		em_document_number(out, "confirm", "  to keep it, within seconds: ", done->confirm,
				   ", run: entitymux confirm\n");
	if (!done->compared || done->unchanged)
		return;
	em_document_object(out, "diff");
	if (out->json || em_inspect_is_applied(&done->view))
		em_print_diff(out, done);
	em_document_close(out);
}

void em_print_rollback(struct em_document *out, const struct em_rollback *rollback)
{
	em_document_string(out, "undone", "", rollback->undone, ": undone\n");
	if (rollback->policy)
		em_print_apply(out, &rollback->change);
}
