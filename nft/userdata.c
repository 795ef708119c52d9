/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * userdata - what the kernel keeps for nft; see userdata.h.
 */
#include "nft/userdata.h"

#include <string.h>

enum { TYPE, LENGTH, HEADER };

static void put(struct em_userdata *userdata, uint8_t type, const void *value, uint8_t length)
{
	uint8_t *at = userdata->bytes + userdata->length;

	if (sizeof(userdata->bytes) - userdata->length < HEADER + (size_t)length)
		return;
	at[TYPE] = type;
	at[LENGTH] = length;
	if (length)
		memcpy(at + HEADER, value, length);
	userdata->length += HEADER + length;
}

void em_userdata_put_u32(struct em_userdata *userdata, uint8_t type, uint32_t value)
{
	put(userdata, type, &value, sizeof(value));
}

size_t em_userdata_open(struct em_userdata *userdata, uint8_t type)
{
	size_t start = userdata->length;

	put(userdata, type, NULL, 0);
	return start;
}

void em_userdata_close(struct em_userdata *userdata, size_t start)
{
	if (userdata->length > start)
		userdata->bytes[start + LENGTH] = userdata->length - start - HEADER;
}
