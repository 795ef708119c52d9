/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * capture - writes a capture to standard output, of packets that are described
 *(tests/lib/packet.h).
 *
 *	capture FORMAT SNAPLEN DESCRIPTION...
 *
 * FORMAT is pcap or pcapng, of Ethernet frames, or sll, sll2, raw or null: a pcap of another link
 * type; or sll-sent or sll2-sent, of packets that the host has sent.
 */
#include <linux/if_packet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/packet.h"

#define ETHERNET 14

static const struct format {
	const char *name;
	uint32_t link_type; /* LINKTYPE_… of the pcap format */
	size_t header; /* bytes in place of the Ethernet header; the protocol is at `protocol` */
	size_t protocol;
	size_t sent; /* the byte that is PACKET_OUTGOING */
} formats[] = {
	{"pcap", 1, ETHERNET, 12, 0}, {"pcapng", 1, ETHERNET, 12, 0}, {"sll", 113, 16, 14, 0},
	{"sll2", 276, 20, 0, 0},      {"raw", 101, 0, 0, 0},	      {"null", 0, 4, 0, 0},
	{"sll-sent", 113, 16, 14, 1}, {"sll2-sent", 276, 20, 0, 10},
};

static void put32(uint32_t value)
{
	fwrite(&value, sizeof(value), 1, stdout);
}

static void put_zeros(size_t n)
{
	while (n--)
		putchar(0);
}

static void put_file_header(const struct format *format)
{
	const uint32_t pcap[] = {0xa1b2c3d4, 2 | 4 << 16, 0, 0, 262144, format->link_type};
	const uint32_t pcapng[] = {0x0a0d0d0a, 28, 0x1a2b3c4d, 1, UINT32_MAX, UINT32_MAX,
				   28,	       1,  20,	       1, 0,	      20};

	if (strcmp(format->name, "pcapng") != 0)
		fwrite(pcap, sizeof(pcap), 1, stdout);
	else
		fwrite(pcapng, sizeof(pcapng), 1, stdout);
}

/* Returns the zeros that are to follow the packet. */
static size_t put_packet_header(const struct format *format, size_t kept, size_t length)
{
	size_t padding = (4 - kept % 4) % 4;

	if (!strcmp(format->name, "pcapng")) {
		put32(6);
		put32((uint32_t)(32 + kept + padding));
		put32(0);
	}
	put32(0);
	put32(0);
	put32((uint32_t)kept);
	put32((uint32_t)length);
	return strcmp(format->name, "pcapng") ? 0 : padding;
}

static void put_packet(const struct format *format, size_t snaplen, const char *description)
{
	uint8_t bytes[sizeof(struct packet) + 20] = {0};
	struct packet packet;
	size_t length, kept, padding;

	packet_build(&packet, description);
	length = packet.length - ETHERNET + format->header;
	kept = length < snaplen ? length : snaplen;
	if (format->header == ETHERNET)
		memcpy(bytes, packet.bytes, ETHERNET);
	else if (format->header > 4)
		memcpy(bytes + format->protocol, packet.bytes + 12, 2);
	if (format->sent)
		bytes[format->sent] = PACKET_OUTGOING;
	memcpy(bytes + format->header, packet.bytes + ETHERNET, packet.length - ETHERNET);
	padding = put_packet_header(format, kept, length);
	fwrite(bytes, kept, 1, stdout);
	put_zeros(padding);
	if (!strcmp(format->name, "pcapng"))
		put32((uint32_t)(32 + kept + padding));
}

int main(int argc, char **argv)
{
	const struct format *format = NULL;

	for (size_t i = 0; argc > 3 && i < sizeof(formats) / sizeof(*formats); i++) {
		if (!strcmp(argv[1], formats[i].name))
			format = &formats[i];
	}
	if (!format) {
		fprintf(stderr, "usage: capture FORMAT SNAPLEN DESCRIPTION...\n");
		return 2;
	}
	put_file_header(format);
	for (int i = 3; i < argc; i++)
		put_packet(format, strtoul(argv[2], NULL, 0), argv[i]);
	return fflush(stdout) ? 1 : 0;
}
