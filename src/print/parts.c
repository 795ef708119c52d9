/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/* Parts that several results have. */
#include <string.h>

#include "print/print.h"

const char *em_print_backend(enum em_backend backend)
{
	return em_backend_name(backend == EM_BACKEND_XDP_GENERIC ? EM_BACKEND_XDP : backend);
}

void em_print_alias(struct em_document *out, const char *alias)
{
	if (alias[0])
		em_document_string(out, "alias", " (", alias, ")");
}

/* Only a number is a port. */
void em_print_action(struct em_document *out, const char *before, const struct em_action *action,
		     unsigned int width)
{
	const char *name = em_verdict_name(action->verdict);
	unsigned int length = (unsigned int)strlen(name);

	em_document_string(out, "action", NULL, name, "");
	if (action->verdict == EM_PORT) {
		em_document_number_cell(out, "port", before, action->port, width);
		return;
	}
	em_document_string_cell(out, NULL, before, "", length < width ? width - length : 0);
	em_document_string(out, "port", "", out->json ? NULL : name, "");
}
