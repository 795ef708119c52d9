/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * expected - a number that the kernel keeps with each rule and each set; see expected.h.
 */
#include "nft/expected.h"

#include <string.h>

/* One of a row of attributes, as libnftnl and nft have them: type, length, bytes. */
enum { TYPE, LENGTH, HEADER };

void em_expected_write(uint8_t userdata[EM_EXPECTED_SIZE], uint32_t n)
{
	userdata[TYPE] = EM_EXPECTED_TYPE;
	userdata[LENGTH] = sizeof(n);
	memcpy(userdata + HEADER, &n, sizeof(n));
}

uint32_t em_expected_read(const void *userdata, size_t length)
{
	const uint8_t *at = userdata, *end = at + length;
	uint32_t n;

	for (; end - at >= HEADER && end - at - HEADER >= at[LENGTH]; at += HEADER + at[LENGTH]) {
		if (at[TYPE] != EM_EXPECTED_TYPE || at[LENGTH] != sizeof(n))
			continue;
		memcpy(&n, at + HEADER, sizeof(n));
		return n;
	}
	return EM_EXPECTED_NONE;
}
