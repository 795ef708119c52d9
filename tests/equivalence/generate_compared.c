/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * generate - frames that are no evidence.
 */
#include <linux/if_ether.h>
#include <netinet/in.h>

#include "generate.h"

#define TAG_LENGTH   4
#define IP6_LENGTH   40
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

static bool is_walked(uint8_t type)
{
	return type == IPPROTO_HOPOPTS || type == IPPROTO_ROUTING || type == IPPROTO_FRAGMENT ||
	       type == IPPROTO_DSTOPTS;
}

/* Lengths that lie make headers out of what was data, so they are counted in the frame. */
static bool few_extensions(const uint8_t *frame, size_t length)
{
	bool tagged = type_at(frame, ETH_HLEN - 2) == ETH_P_8021Q;
	size_t ip = ETH_HLEN + (tagged ? TAG_LENGTH : 0), at = ip + IP6_LENGTH;
	unsigned int n = 0;
	uint8_t type;

	if (length < at || type_at(frame, ip - 2) != ETH_P_IPV6)
		return true;
	for (type = frame[ip + 6]; is_walked(type) && at + 2 <= length; n++) {
		size_t units = type == IPPROTO_FRAGMENT ? 0 : frame[at + 1];

		type = frame[at];
		at += 8 * (units + 1);
	}
	return n <= MODEL_EXTENSIONS_MAX;
}

bool generate_compared(const uint8_t *frame, size_t length)
{
	size_t most = GENERATE_FRAME_MAX;

	if (length < ETH_HLEN)
		return false;
	if (type_at(frame, ETH_HLEN - 2) == ETH_P_8021Q)
		most += TAG_LENGTH;
	return length <= most && headers_complete(frame, length) && few_extensions(frame, length);
}
