/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include <stdlib.h>
#include <string.h>

#include "print/error.h"

/* Out of memory, a message is left out here.  Users still see it on standard error. */
void em_print_keep_message(void *context, const struct em_place *place, const char *text)
{
	struct em_print_messages *messages = context;
	struct em_print_message message = {.line = place ? place->line : 0, .text = strdup(text)};
	struct em_print_message *grown =
		reallocarray(messages->list, messages->n + 1, sizeof(*messages->list));

	if (place)
		message.file = strdup(place->file);
	if (grown)
		messages->list = grown;
	if (grown && message.text) {
		grown[messages->n++] = message;
		return;
	}
	free(message.file);
	free(message.text);
}

void em_print_clear_messages(struct em_print_messages *messages)
{
	for (size_t i = 0; i < messages->n; i++) {
		free(messages->list[i].file);
		free(messages->list[i].text);
	}
	free(messages->list);
}

static const char *kind_of(int rc)
{
	switch (rc) {
	case -EM_EUSAGE:
		return "usage";
	case -EM_EUNSUPPORTED:
		return "unsupported";
	default:
		return "failed";
	}
}

void em_print_error(struct em_document *out, int rc, const struct em_print_messages *messages)
{
	em_document_schema(out);
	em_document_string(out, "error", NULL, kind_of(rc), "");
	em_document_array(out, "messages");
	for (size_t i = 0; i < messages->n; i++) {
		const struct em_print_message *message = &messages->list[i];

		em_document_object(out, EM_DOCUMENT_ELEMENT);
		em_document_string(out, "file", NULL, message->file, "");
		if (message->line)
			em_document_number(out, "line", NULL, message->line, "");
		else
			em_document_string(out, "line", NULL, NULL, "");
		em_document_string(out, "text", NULL, message->text, "");
		em_document_close(out);
	}
	em_document_close(out);
}
