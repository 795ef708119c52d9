/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * json - prints the one JSON document on standard input in a line; fails where there is no such.
 */
#include <jansson.h>

int main(void)
{
	json_error_t error;
	json_t *document = json_loadf(stdin, JSON_REJECT_DUPLICATES, &error);
	int rc;

	if (!document) {
		fprintf(stderr, "json: line %d: %s\n", error.line, error.text);
		return 1;
	}
	rc = json_dumpf(document, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(document);
	return rc ? 1 : 0;
}
