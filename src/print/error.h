/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * error - the document of a command that has failed without a result: why, and the messages.
 */
#ifndef EM_PRINT_ERROR_H
#define EM_PRINT_ERROR_H

#include "base/diag.h"
#include "print/document.h"

/* The error messages, for JSON only: users see them on standard error. */
struct em_print_message {
	char *file; /* NULL: it has no place */
	unsigned int line;
	char *text;
};

struct em_print_messages {
	struct em_print_message *list;
	size_t n;
};

/* An em_diag_listen_fn that adds a message to the struct em_print_messages. */
void em_print_keep_message(void *messages, const struct em_place *place, const char *text);
void em_print_clear_messages(struct em_print_messages *messages);
/* rc is what the command returns. */
void em_print_error(struct em_document *out, int rc, const struct em_print_messages *messages);

#endif
