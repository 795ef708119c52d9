/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "capture/pcapng.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Types of blocks, and their bytes without options: both lengths, and what is fixed. */
#define SECTION		0x0a0d0d0a
#define SECTION_BYTES	28
#define INTERFACE	1
#define INTERFACE_BYTES 20
#define PACKET		6
#define PACKET_BYTES	32

#define BYTE_ORDER_MAGIC 0x1a2b3c4d
#define LINK_ETHERNET	 1   /* LINKTYPE_ETHERNET */
#define LINK_IP		 101 /* LINKTYPE_RAW: IPv4 or IPv6 */

#define OPTION_END     0
#define OPTION_COMMENT 1
#define OPTION_PROGRAM 4 /* shb_userappl */
#define OPTION_NAME    2 /* if_name */
#define OPTION_CLOCK   9 /* if_tsresol: a power of 10 */
#define NANOSECONDS    9

/* Everything begins at a multiple of 4 bytes. */
static size_t padded(size_t length)
{
	return (length + 3) / 4 * 4;
}

static size_t option_bytes(size_t length)
{
	return 4 + padded(length);
}

static void put16(const struct em_pcapng *pcapng, uint16_t value)
{
	fwrite(&value, sizeof(value), 1, pcapng->out);
}

static void put32(const struct em_pcapng *pcapng, uint32_t value)
{
	fwrite(&value, sizeof(value), 1, pcapng->out);
}

static void put_bytes(const struct em_pcapng *pcapng, const void *bytes, size_t length)
{
	static const uint8_t zeros[4];

	fwrite(bytes, 1, length, pcapng->out);
	fwrite(zeros, 1, padded(length) - length, pcapng->out);
}

static void put_option(const struct em_pcapng *pcapng, uint16_t option, const void *value,
		       size_t length)
{
	put16(pcapng, option);
	put16(pcapng, (uint16_t)length);
	put_bytes(pcapng, value, length);
}

/* After the other options; and then the length of the block once more. */
static void end_block(const struct em_pcapng *pcapng, uint32_t length)
{
	put_option(pcapng, OPTION_END, "", 0);
	put32(pcapng, length);
}

void em_pcapng_begin(struct em_pcapng *pcapng, const char *program)
{
	const uint32_t length =
		(uint32_t)(SECTION_BYTES + option_bytes(strlen(program)) + option_bytes(0));

	put32(pcapng, SECTION);
	put32(pcapng, length);
	put32(pcapng, BYTE_ORDER_MAGIC);
	put16(pcapng, 1); /* the version */
	put16(pcapng, 0);
	put32(pcapng, UINT32_MAX); /* the length of the section is not known */
	put32(pcapng, UINT32_MAX);
	put_option(pcapng, OPTION_PROGRAM, program, strlen(program));
	end_block(pcapng, length);
}

static void put_interface(const struct em_pcapng *pcapng, const char *name, bool ethernet)
{
	const uint8_t clock = NANOSECONDS;
	const uint32_t length = (uint32_t)(INTERFACE_BYTES + option_bytes(strlen(name)) +
					   option_bytes(sizeof(clock)) + option_bytes(0));

	put32(pcapng, INTERFACE);
	put32(pcapng, length);
	put16(pcapng, ethernet ? LINK_ETHERNET : LINK_IP);
	put16(pcapng, 0);
	put32(pcapng, 0); /* the snapshot length: no limit */
	put_option(pcapng, OPTION_NAME, name, strlen(name));
	put_option(pcapng, OPTION_CLOCK, &clock, sizeof(clock));
	end_block(pcapng, length);
}

int em_pcapng_add_interface(struct em_pcapng *pcapng, const char *name, bool ethernet)
{
	char(*grown)[EM_PCAPNG_NAME] =
		reallocarray(pcapng->interfaces, pcapng->n_interfaces + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	pcapng->interfaces = grown;
	snprintf(grown[pcapng->n_interfaces++], sizeof(*grown), "%s", name);
	put_interface(pcapng, name, ethernet);
	return 0;
}

static uint32_t find_interface(const struct em_pcapng *pcapng, const char *name)
{
	uint32_t i = 0;

	while (i + 1 < pcapng->n_interfaces && strcmp(pcapng->interfaces[i], name) != 0)
		i++;
	return i;
}

void em_pcapng_add(struct em_pcapng *pcapng, const struct em_pcapng_packet *packet)
{
	const size_t comment = strlen(packet->comment);
	const uint32_t length = (uint32_t)(PACKET_BYTES + padded(packet->captured) +
					   option_bytes(comment) + option_bytes(0));

	put32(pcapng, PACKET);
	put32(pcapng, length);
	put32(pcapng, find_interface(pcapng, packet->interface));
	put32(pcapng, (uint32_t)(packet->time >> 32));
	put32(pcapng, (uint32_t)packet->time);
	put32(pcapng, (uint32_t)packet->captured);
	put32(pcapng, (uint32_t)packet->length);
	put_bytes(pcapng, packet->bytes, packet->captured);
	put_option(pcapng, OPTION_COMMENT, packet->comment, comment);
	end_block(pcapng, length);
}

void em_pcapng_clear(struct em_pcapng *pcapng)
{
	free(pcapng->interfaces);
	*pcapng = (struct em_pcapng){0};
}
