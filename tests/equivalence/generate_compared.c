/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * generate - frames that are no evidence.
 */
#include <linux/if_ether.h>

#include "generate.h"

#define TAG_LENGTH   4
#define PPPOE_LENGTH 8 /* with the protocol of PPP */

static uint16_t type_at(const uint8_t *frame, size_t offset)
{
	return (uint16_t)(frame[offset] << 8 | frame[offset + 1]);
}

/* The kernel reads two bytes behind a tag that it takes off, and all of what it looks through. */
static bool headers_complete(const uint8_t *frame, size_t length)
{
	uint16_t type = type_at(frame, ETH_HLEN - 2);
	size_t need = ETH_HLEN;

	if (type == ETH_P_8021Q || type == ETH_P_8021AD) {
		need += TAG_LENGTH;
		if (length < need + 2)
			return false;
		type = type_at(frame, need - 2);
	}
	if (type == ETH_P_8021Q)
		need += TAG_LENGTH;
	else if (type == ETH_P_PPP_SES)
		need += PPPOE_LENGTH;
	return length >= need;
}

bool generate_compared(const uint8_t *frame, size_t length)
{
	size_t most = GENERATE_FRAME_MAX;

	if (length < ETH_HLEN)
		return false;
	if (type_at(frame, ETH_HLEN - 2) == ETH_P_8021Q)
		most += TAG_LENGTH;
	return length <= most && headers_complete(frame, length);
}
