/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * replies_flood - many senders that nobody is.
 */
#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <time.h>
#include <unistd.h>

#include "replies.h"

/* From an address that nobody has, another one each time. */
static void spoof(struct replies_bench *bench, int raw, uint32_t sender, uint16_t to, uint32_t tag)
{
	struct {
		struct iphdr ip;
		struct udphdr udp;
		uint8_t payload[sizeof(struct replies_payload)];
	} __attribute__((packed)) packet = {
		.ip = {.version = 4,
		       .ihl = 5,
		       .ttl = 64,
		       .protocol = IPPROTO_UDP,
		       .saddr = htonl(0x0b000000 + sender),
		       .daddr = bench->server.ip4.sin_addr.s_addr},
		.udp = {.source = htons(4000), .dest = htons(to)},
	};
	const struct replies_name name = replies_server_name(bench, to);

	packet.udp.len = htons(sizeof(packet) - sizeof(packet.ip));
	replies_make(bench, tag, packet.payload);
	if (sendto(raw, &packet, sizeof(packet), 0, &name.any, name.length) < 0)
		replies_die("spoof");
}

pid_t replies_flood(struct replies_bench *bench, uint16_t to, uint32_t tag, unsigned int each_ms,
		    unsigned int ms)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	pid_t child = fork();
	int raw;

	if (child < 0)
		replies_die("fork");
	if (child)
		return child;
	replies_enter(bench, REPLIES_CLIENT);
	/* None that somebody waits for. */
	bench->number = 1U << 31;
	raw = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (raw < 0)
		replies_die("raw socket");
	for (uint32_t sent = 0, i = 0; i < ms; i++) {
		for (unsigned int n = 0; n < each_ms; n++)
			spoof(bench, raw, sent++, to, tag);
		nanosleep(&pause, NULL);
	}
	_exit(0);
}
