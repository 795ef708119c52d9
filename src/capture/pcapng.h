/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * pcapng - writes captures in which each packet has a comment (draft-ietf-opsawg-pcapng).
 */
#ifndef EM_PCAPNG_H
#define EM_PCAPNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define EM_PCAPNG_NAME 32 /* bytes of the name of an interface, with the NUL */

/* All zero but out: nothing has been written. */
struct em_pcapng {
	FILE *out;			    /* not owned; errors stay in the stream */
	char (*interfaces)[EM_PCAPNG_NAME]; /* that were written; owned */
	size_t n_interfaces;
};

struct em_pcapng_packet {
	uint64_t time;	       /* in ns since 1970 */
	const char *interface; /* its name */
	const uint8_t *bytes;
	size_t captured;     /* bytes: these, … */
	size_t length;	     /* … and all of the packet */
	const char *comment; /* UTF-8, less than 64 KiB */
};

/* Writes what comes first, with the name of the program that writes. */
void em_pcapng_begin(struct em_pcapng *pcapng, const char *program);
/*
 * Then the interfaces, whose packets begin with an Ethernet header, or with the IP header.  Returns
 * 0 or -ENOMEM.
 */
int em_pcapng_add_interface(struct em_pcapng *pcapng, const char *name, bool ethernet);
/* A packet of one of them. */
void em_pcapng_add(struct em_pcapng *pcapng, const struct em_pcapng_packet *packet);
void em_pcapng_clear(struct em_pcapng *pcapng);

#endif
