/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * life - a server with a socket for each port of the policies of life.sh, and a sender.
 *
 * A payload holds its tag twice, plain at offset 4 and inverted at offset 8, so that two policies
 * may look for it in different places: a datagram sorted by one half of each is unknown to both.
 */
#ifndef LIFE_H
#define LIFE_H

#include <stddef.h>
#include <stdint.h>

#define LIFE_LISTENER 5000 /* port of the listener */
#define LIFE_SENTINEL 9999 /* of nobody */
#define LIFE_TAGS     3

struct life_payload {
	char magic[4];
	uint8_t tag[4];
	uint8_t inverted[4];
	uint32_t number;
};

/* The ports, the listener's first and the sentinel's last. */
extern const uint16_t life_ports[];
#define LIFE_PORTS 8

struct life_link {
	int server[LIFE_PORTS]; /* bound to life_ports[] */
	/*
	 * To be given an address.  The datagrams of the first have a checksum that nobody on the
	 * way has filled in, those of the second have none.
	 */
	int sender[2];
};

void __attribute__((noreturn)) life_die(const char *what);

/* Sockets for all ports here, and one in the namespace of the sender. */
void life_open(struct life_link *link, const char *sender);

void life_payload(struct life_payload *payload, uint32_t tag, uint32_t number);
uint32_t life_tag(const struct life_payload *payload);

/* life_stream.c */
int life_stream(int argc, char **argv);

#endif
