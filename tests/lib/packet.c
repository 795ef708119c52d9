/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * packet - Ethernet frames from one-line descriptions, for tests.
 */
#include "tests/lib/packet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

enum checksum { CHECKSUM_OK, CHECKSUM_BAD, CHECKSUM_VALUE, CHECKSUM_ZERO_AT_PORT, CHECKSUM_PSEUDO };

/* A length field: the truth plus `value`, or `value`. */
struct length_field {
	bool absolute;
	long value;
};

struct builder {
	const char *description;
	const char *word; /* being worked on */
	struct packet *packet;
	size_t type;	  /* offset of the ethertype */
	size_t ip;	  /* offset of the IP header; 0: none yet */
	int version;	  /* as in `ip4`, `ip6` */
	size_t extension; /* of the last extension header; 0: none */
	size_t fragment;  /* of the last fragment header or, ip4, of that field; 0: none */
	size_t udp;	  /* of the UDP header; 0: none */
	struct length_field total;
	struct length_field udp_length;
	enum checksum checksum;
	uint16_t checksum_value;
};

static void __attribute__((noreturn)) fail(const struct builder *b, const char *problem)
{
	fprintf(stderr, "packet \"%s\": %s: %s\n", b->description, b->word, problem);
	abort();
}

static long number_of(const struct builder *b, const char *text, long min, long max)
{
	char *end;
	long number;

	errno = 0;
	number = text ? strtol(text, &end, 0) : 0;
	if (!text || errno || end == text || *end)
		fail(b, "expected a number");
	if (number < min || number > max)
		fail(b, "number out of range");
	return number;
}

static struct length_field length_of(const struct builder *b, const char *text)
{
	bool absolute = text && *text != '+' && *text != '-';

	return (struct length_field){absolute, number_of(b, text, -65535, 65535)};
}

static uint8_t *at(const struct builder *b, size_t offset)
{
	return b->packet->bytes + offset;
}

static uint16_t get16(const struct builder *b, size_t offset)
{
	return (uint16_t)(at(b, offset)[0] << 8 | at(b, offset)[1]);
}

static void put16(const struct builder *b, size_t offset, uint16_t value)
{
	at(b, offset)[0] = value >> 8;
	at(b, offset)[1] = value & 0xff;
}

/* Appends zeros; returns their offset. */
static size_t append(struct builder *b, size_t count)
{
	size_t offset = b->packet->length;

	if (count > PACKET_MAX - offset)
		fail(b, "frame too long");
	memset(at(b, offset), 0, count);
	b->packet->length += count;
	return offset;
}

static void need_ip(const struct builder *b, int version)
{
	if (!b->ip || (version && b->version != version))
		fail(b, version == 4   ? "only after ip4"
			: version == 6 ? "only after ip6"
				       : "only after ip4 or ip6");
}

static void need_udp(const struct builder *b)
{
	if (!b->udp)
		fail(b, "only after udp");
}

static void put_mac(const struct builder *b, size_t offset, const char *text)
{
	unsigned int mac[6];
	char rest;

	if (sscanf(text ? text : "", "%x:%x:%x:%x:%x:%x%c", &mac[0], &mac[1], &mac[2], &mac[3],
		   &mac[4], &mac[5], &rest) != 6)
		fail(b, "expected a MAC address");
	for (size_t i = 0; i < ARRAY_SIZE(mac); i++)
		at(b, offset)[i] = mac[i];
}

static void word_dmac(struct builder *b, const char *value)
{
	put_mac(b, 0, value);
}

static void word_smac(struct builder *b, const char *value)
{
	put_mac(b, ETH_ALEN, value);
}

static void put_tag(struct builder *b, uint16_t type, const char *tci)
{
	if (b->ip)
		fail(b, "only before the IP header");
	put16(b, b->type, type);
	put16(b, append(b, 2), number_of(b, tci, 0, 65535));
	b->type = append(b, 2);
}

static void word_vlan(struct builder *b, const char *value)
{
	put_tag(b, ETH_P_8021Q, value);
}

static void word_adtag(struct builder *b, const char *value)
{
	put_tag(b, ETH_P_8021AD, value);
}

static void word_type(struct builder *b, const char *value)
{
	put16(b, b->type, number_of(b, value, 0, 65535));
}

static void put_address(const struct builder *b, size_t offset, const char *text)
{
	if (inet_pton(b->version == 4 ? AF_INET : AF_INET6, text ? text : "", at(b, offset)) != 1)
		fail(b, "expected an address of this family");
}

static void begin_ip(struct builder *b, int version, uint16_t type, size_t length)
{
	if (b->ip)
		fail(b, "one IP header only");
	if (!get16(b, b->type))
		put16(b, b->type, type);
	b->ip = append(b, length);
	b->version = version;
}

static void word_ip4(struct builder *b, const char *value)
{
	(void)value;
	begin_ip(b, 4, ETH_P_IP, 20);
	at(b, b->ip)[0] = 0x45;
	at(b, b->ip)[8] = 64;
	at(b, b->ip)[9] = IPPROTO_UDP;
	put_address(b, b->ip + 12, "192.0.2.9");
	put_address(b, b->ip + 16, "192.0.2.1");
}

static void word_ip6(struct builder *b, const char *value)
{
	(void)value;
	begin_ip(b, 6, ETH_P_IPV6, 40);
	at(b, b->ip)[0] = 0x60;
	at(b, b->ip)[6] = IPPROTO_UDP;
	at(b, b->ip)[7] = 64;
	put_address(b, b->ip + 8, "2001:db8::9");
	put_address(b, b->ip + 24, "2001:db8::1");
}

static void word_src(struct builder *b, const char *value)
{
	need_ip(b, 0);
	put_address(b, b->ip + (b->version == 4 ? 12 : 8), value);
}

static void word_dst(struct builder *b, const char *value)
{
	need_ip(b, 0);
	put_address(b, b->ip + (b->version == 4 ? 16 : 24), value);
}

static void word_ttl(struct builder *b, const char *value)
{
	need_ip(b, 0);
	at(b, b->ip)[b->version == 4 ? 8 : 7] = number_of(b, value, 0, 255);
}

/* Where the protocol of what comes next is written. */
static size_t next_header(const struct builder *b)
{
	return b->version == 4 ? b->ip + 9 : b->extension ? b->extension : b->ip + 6;
}

static void word_proto(struct builder *b, const char *value)
{
	need_ip(b, 0);
	*at(b, next_header(b)) = number_of(b, value, 0, 255);
}

static void word_version(struct builder *b, const char *value)
{
	uint8_t *first = at(b, b->ip);

	need_ip(b, 0);
	*first = (*first & 0x0f) | number_of(b, value, 0, 15) << 4;
}

static void word_total(struct builder *b, const char *value)
{
	need_ip(b, 0);
	b->total = length_of(b, value);
}

static void word_opts(struct builder *b, const char *value)
{
	long count = number_of(b, value, 4, 40);

	need_ip(b, 4);
	if (b->udp || count % 4)
		fail(b, "a multiple of 4, before udp");
	memset(at(b, append(b, count)), 1 /* no operation */, count);
	*at(b, b->ip) += count / 4;
}

static void word_ihl(struct builder *b, const char *value)
{
	need_ip(b, 4);
	*at(b, b->ip) = (*at(b, b->ip) & 0xf0) | number_of(b, value, 0, 15);
}

/* An extension header of `length` bytes, the first of which has the protocol of the next. */
static size_t append_extension(struct builder *b, uint8_t type, size_t length)
{
	size_t offset;

	need_ip(b, 6);
	if (b->udp)
		fail(b, "only before udp");
	offset = append(b, length);
	*at(b, offset) = IPPROTO_UDP;
	*at(b, next_header(b)) = type;
	b->extension = offset;
	return offset;
}

static void put_extension(struct builder *b, uint8_t type, const char *value)
{
	long length = value ? number_of(b, value, 8, 2048) : 8;
	size_t offset;

	if (length % 8)
		fail(b, "expected a multiple of 8");
	offset = append_extension(b, type, length);
	at(b, offset)[1] = length / 8 - 1;
	if (type == IPPROTO_HOPOPTS || type == IPPROTO_DSTOPTS) {
		at(b, offset)[2] = 1; /* PadN, as far as one option reaches */
		at(b, offset)[3] = length - 4 > 255 ? 255 : length - 4;
	}
}

static void word_hbh(struct builder *b, const char *value)
{
	put_extension(b, IPPROTO_HOPOPTS, value);
}

static void word_rt(struct builder *b, const char *value)
{
	put_extension(b, IPPROTO_ROUTING, value);
}

static void word_dopt(struct builder *b, const char *value)
{
	put_extension(b, IPPROTO_DSTOPTS, value);
}

/* The length of AH counts in words of four bytes, less two. */
static void word_ah(struct builder *b, const char *value)
{
	long length = value ? number_of(b, value, 8, 1024) : 16;

	at(b, append_extension(b, IPPROTO_AH, length))[1] = length / 4 - 2;
}

static void word_ext(struct builder *b, const char *value)
{
	append_extension(b, number_of(b, value, 0, 255), 8);
}

static void word_hdrlen(struct builder *b, const char *value)
{
	if (!b->extension)
		fail(b, "only after an extension header");
	at(b, b->extension)[1] = number_of(b, value, 0, 255);
}

static void word_frag(struct builder *b, const char *value)
{
	long offset = number_of(b, value, 0, 65528);

	need_ip(b, 0);
	if (offset % 8)
		fail(b, "expected a multiple of 8");
	if (b->version == 4)
		put16(b, b->ip + 6, offset / 8);
	else
		put16(b, append_extension(b, IPPROTO_FRAGMENT, 8) + 2, offset);
	b->fragment = b->version == 4 ? b->ip + 6 : b->extension + 2;
}

static void word_mf(struct builder *b, const char *value)
{
	(void)value;
	if (!b->fragment)
		fail(b, "only after frag=");
	put16(b, b->fragment, get16(b, b->fragment) | (b->version == 4 ? 0x2000 : 1));
}

static void word_udp(struct builder *b, const char *value)
{
	(void)value;
	need_ip(b, 0);
	if (b->udp)
		fail(b, "one UDP header only");
	b->udp = append(b, 8);
	put16(b, b->udp, 40000);
	put16(b, b->udp + 2, 5000);
}

static void word_ports(struct builder *b)
{
	unsigned int source, destination;
	char rest;

	need_udp(b);
	if (sscanf(b->word, "%u>%u%c", &source, &destination, &rest) != 2 || source > 65535 ||
	    destination > 65535)
		fail(b, "expected SPORT>DPORT");
	put16(b, b->udp, source);
	put16(b, b->udp + 2, destination);
}

static void word_len(struct builder *b, const char *value)
{
	need_udp(b);
	b->udp_length = length_of(b, value);
}

static void word_sum(struct builder *b, const char *value)
{
	need_udp(b);
	if (value && !strcmp(value, "ok")) {
		b->checksum = CHECKSUM_OK;
	} else if (value && !strcmp(value, "bad")) {
		b->checksum = CHECKSUM_BAD;
	} else if (value && !strcmp(value, "pseudo")) {
		b->checksum = CHECKSUM_PSEUDO;
	} else if (value && !strncmp(value, "zero:", 5)) {
		b->checksum = CHECKSUM_ZERO_AT_PORT;
		b->checksum_value = number_of(b, value + 5, 1, 65535);
	} else {
		b->checksum = CHECKSUM_VALUE;
		b->checksum_value = number_of(b, value, 0, 65535);
	}
}

static void word_hex(struct builder *b, const char *value)
{
	size_t digits = value ? strlen(value) : 0;

	if (digits % 2 || (digits && strspn(value, "0123456789abcdefABCDEF") != digits))
		fail(b, "expected an even number of hex digits");
	for (size_t i = 0; i < digits; i += 2) {
		char byte[] = {value[i], value[i + 1], '\0'};

		*at(b, append(b, 1)) = strtoul(byte, NULL, 16);
	}
}

static void word_text(struct builder *b, const char *value)
{
	size_t length = value ? strlen(value) : 0;

	memcpy(at(b, append(b, length)), value ? value : "", length);
}

static void word_fill(struct builder *b, const char *value)
{
	unsigned int byte, count;
	char rest;

	if (!value || sscanf(value, "%2x*%u%c", &byte, &count, &rest) != 2)
		fail(b, "expected BYTE*COUNT");
	memset(at(b, append(b, count)), byte, count);
}

static void add_words(uint32_t *sum, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		*sum += i % 2 ? bytes[i] : bytes[i] << 8;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* The ones' complement sum over the pseudo header. */
static uint16_t pseudo_sum(const struct builder *b)
{
	uint32_t sum = IPPROTO_UDP + get16(b, b->udp + 4);

	if (b->version == 4)
		add_words(&sum, at(b, b->ip + 12), 8);
	else
		add_words(&sum, at(b, b->ip + 8), 32);
	return fold(sum);
}

/* The same over pseudo header, UDP header and payload, checksum field as it is. */
static uint16_t udp_sum(const struct builder *b, size_t end)
{
	uint32_t sum = pseudo_sum(b);

	add_words(&sum, at(b, b->udp), end - b->udp);
	return fold(sum);
}

/* Chooses the source port so that all words with `port` as destination add up to 0xffff. */
static void choose_source_port(const struct builder *b, size_t end, uint16_t port)
{
	uint16_t destination = get16(b, b->udp + 2);
	uint16_t rest;

	put16(b, b->udp, 0);
	put16(b, b->udp + 2, port);
	rest = ~udp_sum(b, end);
	put16(b, b->udp, rest ? rest : 0xffff);
	put16(b, b->udp + 2, destination);
}

static uint16_t finished_length(struct length_field field, size_t truth)
{
	return field.absolute ? field.value : (long)truth + field.value;
}

static void finish_udp(const struct builder *b, size_t end)
{
	uint16_t right;

	put16(b, b->udp + 4, finished_length(b->udp_length, end - b->udp));
	if (b->checksum == CHECKSUM_ZERO_AT_PORT)
		choose_source_port(b, end, b->checksum_value);
	right = ~udp_sum(b, end);
	right = right ? right : 0xffff;
	put16(b, b->udp + 6,
	      b->checksum == CHECKSUM_VALUE    ? b->checksum_value
	      : b->checksum == CHECKSUM_PSEUDO ? pseudo_sum(b)
	      : b->checksum == CHECKSUM_BAD    ? right ^ 0x0100
					       : right);
}

static void finish_ip(const struct builder *b, size_t end)
{
	uint32_t sum = 0;
	size_t header = 4 * (*at(b, b->ip) & 0x0f);

	if (b->version == 6) {
		put16(b, b->ip + 4, finished_length(b->total, end - b->ip - 40));
		return;
	}
	put16(b, b->ip + 2, finished_length(b->total, end - b->ip));
	add_words(&sum, at(b, b->ip), header < end - b->ip ? header : end - b->ip);
	put16(b, b->ip + 10, ~fold(sum));
}

/* Lengths and checksums, once all is there. */
static void finish(const struct builder *b)
{
	size_t end = b->packet->length;

	if (b->udp)
		finish_udp(b, end);
	if (b->ip)
		finish_ip(b, end);
}

static void word_cut(struct builder *b, const char *value)
{
	long length = number_of(b, value, -PACKET_MAX, PACKET_MAX);

	if (*value == '-')
		length += (long)b->packet->length;
	if (length < 0 || (size_t)length > b->packet->length)
		fail(b, "the frame is shorter than that");
	b->packet->length = length;
}

static void word_pad(struct builder *b, const char *value)
{
	size_t length = number_of(b, value, 0, PACKET_MAX);

	if (length < b->packet->length)
		fail(b, "the frame is longer than that");
	append(b, length - b->packet->length);
}

static void word_poke(struct builder *b, const char *value)
{
	unsigned int offset;
	char rest;
	int byte;

	if (!value || sscanf(value, "%u:%i%c", &offset, &byte, &rest) != 2 || byte < 0 ||
	    byte > 255)
		fail(b, "expected OFFSET:BYTE");
	if (offset >= b->packet->length)
		fail(b, "the frame is shorter than that");
	*at(b, offset) = byte;
}

static void word_paged(struct builder *b, const char *value)
{
	(void)value;
	b->packet->paged = true;
}

static const struct {
	const char *name;
	void (*apply)(struct builder *b, const char *value);
	bool after_finish; /* works on the finished frame */
} words[] = {
	{"dmac", word_dmac, false},	{"smac", word_smac, false},
	{"vlan", word_vlan, false},	{"adtag", word_adtag, false},
	{"type", word_type, false},	{"ip4", word_ip4, false},
	{"ip6", word_ip6, false},	{"src", word_src, false},
	{"dst", word_dst, false},	{"ttl", word_ttl, false},
	{"proto", word_proto, false},	{"version", word_version, false},
	{"total", word_total, false},	{"opts", word_opts, false},
	{"ihl", word_ihl, false},	{"hbh", word_hbh, false},
	{"rt", word_rt, false},		{"dopt", word_dopt, false},
	{"ah", word_ah, false},		{"ext", word_ext, false},
	{"hdrlen", word_hdrlen, false}, {"frag", word_frag, false},
	{"mf", word_mf, false},		{"udp", word_udp, false},
	{"len", word_len, false},	{"sum", word_sum, false},
	{"hex", word_hex, false},	{"text", word_text, false},
	{"fill", word_fill, false},	{"poke", word_poke, true},
	{"cut", word_cut, true},	{"pad", word_pad, true},
	{"paged", word_paged, true},
};

static void apply_word(struct builder *b, char *word, bool *finished)
{
	size_t length = strcspn(word, "=:>");
	const char *value = word[length] ? word + length + 1 : NULL;

	b->word = word;
	if (word[length] == '>') {
		word_ports(b);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strlen(words[i].name) != length || strncmp(words[i].name, word, length) != 0)
			continue;
		if (*finished && !words[i].after_finish)
			fail(b, "poke, cut, pad and paged come last");
		if (!*finished && words[i].after_finish)
			finish(b);
		*finished = words[i].after_finish;
		words[i].apply(b, value);
		return;
	}
	fail(b, "no such word");
}

#define DEI 0x10

/* Kernels before 5.0 clear this bit of a tag when they move it out of the frame. */
static void clear_dei(struct packet *packet)
{
	struct utsname kernel;
	uint16_t type;

	memcpy(&type, packet->bytes + 2 * ETH_ALEN, sizeof(type));
	if ((ntohs(type) != ETH_P_8021Q && ntohs(type) != ETH_P_8021AD) || uname(&kernel) ||
	    strtoul(kernel.release, NULL, 10) >= 5)
		return;
	if (packet->length > ETH_HLEN)
		packet->bytes[ETH_HLEN] &= ~DEI;
}

void packet_build(struct packet *packet, const char *description)
{
	struct builder b = {.description = description, .word = "start", .packet = packet};
	char *copy = strdup(description), *position = NULL;
	bool finished = false;

	if (!copy)
		fail(&b, "out of memory");
	packet->length = 0;
	packet->paged = false;
	append(&b, ETH_HLEN);
	b.type = ETH_HLEN - 2;
	put_mac(&b, 0, "02:00:00:00:00:02");
	put_mac(&b, ETH_ALEN, "02:00:00:00:00:01");
	for (char *word = strtok_r(copy, " \t", &position); word;
	     word = strtok_r(NULL, " \t", &position))
		apply_word(&b, word, &finished);
	if (!finished)
		finish(&b);
	clear_dei(packet);
	free(copy);
}
