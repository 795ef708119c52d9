/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/* A configuration; what is read is the same after it was written. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct em_policy *policy = fuzz_policy(data, size), *again;
	size_t length, length_again;
	char *text, *text_again;

	if (!policy)
		return 0;
	text = fuzz_write(policy, &length);
	again = fuzz_policy(text, length);
	if (!again)
		abort();
	text_again = fuzz_write(again, &length_again);
	if (length != length_again || memcmp(text, text_again, length) != 0)
		abort();
	free(text);
	free(text_again);
	em_policy_free(policy);
	em_policy_free(again);
	return 0;
}
