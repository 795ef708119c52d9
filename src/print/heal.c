/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include <time.h>

#include "print/print.h"

void em_print_healed(struct em_document *out, const char *text)
{
	time_t now = time(NULL);
	char stamp[32];
	struct tm utc;

	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
	em_document_schema(out);
	em_document_string(out, "time", "", stamp, ": ");
	em_document_bool(out, "healed", text ? "cannot be healed" : "healed", !text);
	em_document_string(out, "text", ": ", text, "");
	em_document_text(out, "\n");
	em_document_next(out);
}

static const char *describe(const struct em_heal *result)
{
	if (!result->applied)
		return "nothing is applied\n";
	if (result->healed)
		return "healed\n";
	return result->whole ? "whole\n" : "waits for confirmation, and is left alone\n";
}

void em_print_heal(struct em_document *out, const struct em_heal *result)
{
	em_document_text(out, describe(result));
	em_document_bool(out, "applied", NULL, result->applied);
	em_document_bool(out, "whole", NULL, result->whole);
	em_document_bool(out, "healed", NULL, result->healed);
}
