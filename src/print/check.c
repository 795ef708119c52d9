/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "print/print.h"

struct review {
	const struct em_backend_ops *backend;
	struct em_document *out;
};

static void print_finding(void *context, const struct em_place *place, const char *finding)
{
	const struct review *review = context;

	em_document_object(review->out, EM_DOCUMENT_ELEMENT);
	em_document_string(review->out, "file", "", place->file, ":");
	em_document_number(review->out, "line", "", place->line, ": ");
	em_document_string(review->out, "backend", "", review->backend->name, ": ");
	em_document_string(review->out, "finding", "", finding, "\n");
	em_document_close(review->out);
}

static void print_findings(struct em_document *out, const struct em_policy *policy)
{
	struct review review = {.out = out};

	em_document_array(out, "findings");
	for (size_t i = 0; em_backends[i]; i++) {
		review.backend = em_backends[i];
		if (review.backend->check)
			review.backend->check(policy, print_finding, &review);
	}
	em_document_close(out);
}

static size_t count_entities(const struct em_policy *policy)
{
	size_t n = 0;

	for (size_t i = 0; i < policy->n_listeners; i++)
		n += em_listener_entities(&policy->listeners[i]);
	return n;
}

void em_print_check(struct em_document *out, const char *path, const struct em_policy *policy)
{
	print_findings(out, policy);
	em_document_string(out, "config", "", path, ": correct: ");
	em_document_number(out, "listeners", "listeners: ", policy->n_listeners, ", ");
	em_document_number(out, "entities", "entities: ", count_entities(policy), "\n");
}
