/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/* The files of the state; the first byte chooses which.  A record is the same after it was written.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "policy/stats.h"
#include "state/baseline.h"
#include "state/record.h"

static char *write_record(const struct em_record *record, size_t *size)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, size);

	if (!out || em_record_write(record, out) || fclose(out))
		abort();
	return text;
}

static void read_record(FILE *in)
{
	struct em_record record = {0}, again = {0};
	size_t size, size_again;
	char *text, *text_again;
	FILE *written;

	if (!em_record_read(&record, in)) {
		text = write_record(&record, &size);
		written = fmemopen(text, size, "r");
		if (!written || em_record_read(&again, written))
			abort();
		text_again = write_record(&again, &size_again);
		if (size != size_again || memcmp(text, text_again, size) != 0)
			abort();
		fclose(written);
		free(text);
		free(text_again);
	}
	em_record_clear(&record);
	em_record_clear(&again);
}

static void read_baseline(FILE *in, const struct em_policy *policy)
{
	struct em_stats *stats;
	unsigned long lost = 0;

	if (em_stats_new(&stats, policy))
		abort();
	(void)em_baseline_read(in, policy, stats, &lost);
	em_stats_free(stats);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FILE *in;

	if (size < 2)
		return 0;
	in = fmemopen((void *)(uintptr_t)(data + 1), size - 1, "r");
	if (!in)
		abort();
	if (data[0] & 1)
		read_record(in);
	else
		read_baseline(in, fuzz_known_policy(data[0] >> 1));
	fclose(in);
	return 0;
}
