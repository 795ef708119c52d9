/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/* A frame; the first byte chooses the policy. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "policy/classify.h"

/* Of what may change: ports and checksum of the UDP header. */
#define CHANGED_MAX 4

static size_t count_changes(const uint8_t *a, const uint8_t *b, size_t n)
{
	size_t changes = 0;

	for (size_t i = 0; i < n; i++)
		changes += a[i] != b[i];
	return changes;
}

static void check(const struct em_classification *result, const uint8_t *before,
		  const uint8_t *after, size_t size)
{
	size_t changes = count_changes(before, after, size);

	if (changes > CHANGED_MAX || (changes && result->action.verdict != EM_PORT))
		abort();
	if (result->result == EM_NOT_OURS ? result->action.verdict != EM_PASS || result->listener
					  : !result->listener)
		abort();
	if (result->payload && (result->payload < after || result->payload > after + size))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct em_classification result;
	uint8_t *frame;

	if (!size)
		return 0;
	/* Of just its size, so that a byte behind it is noticed. */
	frame = malloc(size - 1 ? size - 1 : 1);
	if (!frame)
		abort();
	memcpy(frame, data + 1, size - 1);
	em_classify(fuzz_known_policy(data[0]), "in0", frame, size - 1, &result);
	check(&result, data + 1, frame, size - 1);
	free(frame);
	return 0;
}
