/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * comments - prints of each packet of a pcapng file on standard input, of the byte order of this
 * host: its interface, the bytes that were captured and those it has, its comment, and whether its
 * time is of the last hour.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BLOCK_MAX      65536
#define INTERFACES_MAX 16

static char names[INTERFACES_MAX][32];
static unsigned int n_interfaces;

static void fail(const char *what)
{
	printf("damaged: %s\n", what);
	exit(1);
}

static uint32_t get32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static uint16_t get16(const uint8_t *at)
{
	uint16_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

/* Copies the value of an option, which has to be there; returns its length. */
static size_t find_option(const uint8_t *at, const uint8_t *end, uint16_t wanted, char *out,
			  size_t room)
{
	while (at + 4 <= end) {
		size_t length = get16(at + 2);

		if (!get16(at) || at + 4 + length > end)
			break;
		if (get16(at) == wanted) {
			snprintf(out, room, "%.*s", (int)length, (const char *)at + 4);
			return length;
		}
		at += 4 + (length + 3) / 4 * 4;
	}
	fail("no such option");
	return 0;
}

static void read_interface(const uint8_t *block, size_t length)
{
	char clock[8];

	if (n_interfaces == INTERFACES_MAX || (get16(block) != 1 && get16(block) != 101))
		fail("interface");
	find_option(block + 8, block + length, 2, names[n_interfaces++], sizeof(names[0]));
	find_option(block + 8, block + length, 9, clock, sizeof(clock));
	if (clock[0] != 9)
		fail("resolution of times");
}

static void print_packet(const uint8_t *block, size_t length)
{
	uint64_t ns = (uint64_t)get32(block + 4) << 32 | get32(block + 8);
	uint32_t captured = get32(block + 12), interface = get32(block);
	long age = (long)time(NULL) - (long)(ns / 1000000000);
	char comment[1024];

	if (interface >= n_interfaces || 20 + (size_t)captured > length)
		fail("packet");
	find_option(block + 20 + (captured + 3) / 4 * 4, block + length, 1, comment,
		    sizeof(comment));
	printf("%s %u %u %s %s\n", names[interface], captured, get32(block + 16),
	       age >= -1 && age < 3600 ? "now" : "then", comment);
}

int main(void)
{
	static uint8_t block[BLOCK_MAX];
	uint8_t head[8];

	while (fread(head, sizeof(head), 1, stdin) == 1) {
		uint32_t length = get32(head + 4), rest = length - sizeof(head);

		if (length < 12 || length % 4 || rest > sizeof(block) ||
		    fread(block, rest, 1, stdin) != 1 || get32(block + rest - 4) != length)
			fail("length of a block");
		rest -= 4;
		if (get32(head) == 0x0a0d0d0a && get32(block) != 0x1a2b3c4d)
			fail("byte order");
		if (get32(head) == 1)
			read_interface(block, rest);
		if (get32(head) == 6)
			print_packet(block, rest);
	}
	return 0;
}
