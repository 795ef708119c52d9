/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "capture/capture.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NO_PROTOCOL (-1)
/* No packet is larger (the greatest snapshot length of libpcap), whatever a damaged file says. */
#define LENGTH_MAX 262144

/* Link types: the length of the header, and where in it what is. */
static const struct link_type {
	int type;
	size_t header;
	int protocol;  /* of Ethernet; NO_PROTOCOL: the IP version behind the header says it */
	int direction; /* the low byte of the packet's type; 0: it has none */
} link_types[] = {
	{DLT_EN10MB, 0, NO_PROTOCOL, 0}, /* which is the frame itself */
	{DLT_LINUX_SLL, 16, 14, 1},	 {DLT_LINUX_SLL2, 20, 0, 10},
	{DLT_RAW, 0, NO_PROTOCOL, 0},	 {DLT_IPV4, 0, NO_PROTOCOL, 0},
	{DLT_IPV6, 0, NO_PROTOCOL, 0},	 {DLT_NULL, 4, NO_PROTOCOL, 0},
	{DLT_LOOP, 4, NO_PROTOCOL, 0},
};

struct em_capture {
	pcap_t *pcap;
	const struct link_type *link;
	const char *path; /* for messages */
	uint64_t count;
	uint8_t *bytes;
	size_t room;
};

/* Where is this file in messages. */
static struct em_place place_of(const char *path)
{
	return (struct em_place){.file = path};
}

static FILE *open_file(const char *path)
{
	int fd;

	if (strcmp(path, "-") != 0)
		return fopen(path, "re");
	fd = dup(STDIN_FILENO);
	return fd < 0 ? NULL : fdopen(fd, "r");
}

static int find_link_type(struct em_capture *capture, struct em_diag *diag)
{
	struct em_place place = place_of(capture->path);
	int type = pcap_datalink(capture->pcap);
	const char *name = pcap_datalink_val_to_name(type);

	for (size_t i = 0; i < sizeof(link_types) / sizeof(*link_types); i++) {
		if (link_types[i].type == type)
			capture->link = &link_types[i];
	}
	if (capture->link)
		return 0;
	return em_diag_error(diag, -EINVAL, &place,
			     "link type %s: expected Ethernet, Linux cooked, raw IP or loopback",
			     name ? name : "of a number that is not known");
}

int em_capture_open(struct em_capture **out, const char *path, struct em_diag *diag)
{
	struct em_capture *capture __attribute__((cleanup(em_capture_closep))) =
		calloc(1, sizeof(*capture));
	struct em_place place = place_of(strcmp(path, "-") ? path : "standard input");
	char text[PCAP_ERRBUF_SIZE] = "";
	FILE *file = open_file(path);
	int rc;

	if (!file)
		rc = em_diag_errno(diag, -errno, NULL, "%s", place.file);
	else if (!capture)
		rc = em_diag_enomem(diag);
	else
		rc = 0;
	if (rc) {
		if (file)
			fclose(file);
		return rc;
	}
	capture->path = place.file;
	capture->pcap = pcap_fopen_offline(file, text);
	if (!capture->pcap) {
		fclose(file);
		return em_diag_error(diag, -EINVAL, &place, "%s", text);
	}
	rc = find_link_type(capture, diag);
	if (rc)
		return rc;
	*out = capture;
	capture = NULL;
	return 0;
}

/* Room for this many bytes.  Returns false out of memory. */
static bool reserve(struct em_capture *capture, size_t length)
{
	uint8_t *bytes;

	if (length <= capture->room)
		return true;
	bytes = realloc(capture->bytes, length);
	if (!bytes)
		return false;
	capture->bytes = bytes;
	capture->room = length;
	return true;
}

static uint16_t protocol_of(const struct link_type *link, const uint8_t *packet, size_t length)
{
	const uint8_t *protocol = packet + link->protocol;

	if (link->protocol != NO_PROTOCOL)
		return (uint16_t)(protocol[0] << 8 | protocol[1]);
	return length > link->header && packet[link->header] >> 4 == 6 ? ETH_P_IPV6 : ETH_P_IP;
}

/* Copies a packet, with an Ethernet header if it had another one, and zeros for what was cut. */
static int convert(struct em_capture *capture, const struct pcap_pkthdr *header,
		   const uint8_t *packet, struct em_frame *frame)
{
	const struct link_type *link = capture->link;
	size_t ethernet = link->type == DLT_EN10MB ? 0 : ETH_HLEN;
	size_t kept = header->caplen > link->header ? header->caplen - link->header : 0;
	size_t whole = header->len > link->header ? header->len - link->header : 0;
	uint16_t protocol = 0;

	if (whole > LENGTH_MAX)
		whole = LENGTH_MAX;
	if (whole < kept)
		whole = kept;
	if (!reserve(capture, ethernet + whole + 1))
		return -ENOMEM;
	memset(capture->bytes, 0, ethernet + whole);
	if (ethernet && header->caplen >= link->header)
		protocol = protocol_of(link, packet, header->caplen);
	if (ethernet) {
		capture->bytes[12] = protocol >> 8;
		capture->bytes[13] = protocol & 0xff;
	}
	memcpy(capture->bytes + ethernet, packet + header->caplen - kept, kept);
	*frame = (struct em_frame){.number = capture->count,
				   .bytes = capture->bytes,
				   .length = ethernet + whole,
				   .captured = ethernet + kept};
	return 0;
}

static bool was_sent(const struct link_type *link, const struct pcap_pkthdr *header,
		     const uint8_t *packet)
{
	return link->direction && header->caplen >= link->header &&
	       packet[link->direction] == PACKET_OUTGOING;
}

int em_capture_next(struct em_capture *capture, struct em_frame *frame, struct em_diag *diag)
{
	struct em_place place = place_of(capture->path);
	struct pcap_pkthdr *header;
	const uint8_t *packet;
	int seen;

	do {
		seen = pcap_next_ex(capture->pcap, &header, &packet);
		capture->count++;
	} while (seen == 1 && was_sent(capture->link, header, packet));
	if (seen == PCAP_ERROR_BREAK)
		return 0;
	if (seen != 1)
		return em_diag_error(diag, -EIO, &place, "%s", pcap_geterr(capture->pcap));
	return convert(capture, header, packet, frame) ? em_diag_enomem(diag) : 1;
}

void em_capture_close(struct em_capture *capture)
{
	if (!capture)
		return;
	if (capture->pcap)
		pcap_close(capture->pcap);
	free(capture->bytes);
	free(capture);
}

void em_capture_closep(struct em_capture **capture)
{
	em_capture_close(*capture);
}
