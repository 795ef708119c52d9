/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * model - a policy and a packet as text.
 */
#include "model.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

unsigned int model_tag_length(const struct model_listener *listener)
{
	unsigned int length = 0;

	for (uint8_t i = 0; i < listener->n_pieces; i++)
		length += listener->pieces[i].length;
	return length;
}

uint8_t model_family(const struct model_listener *listener)
{
	for (uint8_t i = 0; i < listener->n_pieces; i++)
		if (listener->pieces[i].source != EM_PIECE_PAYLOAD)
			return listener->pieces[i].source == EM_PIECE_IP_SADDR ? AF_INET : AF_INET6;
	return AF_UNSPEC;
}

uint16_t model_target(const struct model_listener *listener, const struct em_action *action)
{
	return action->verdict == EM_PORT ? action->port : listener->port;
}

unsigned int model_need(const struct model_listener *listener)
{
	unsigned int need = 0;

	for (uint8_t i = 0; i < listener->n_pieces; i++) {
		unsigned int end = listener->pieces[i].offset + listener->pieces[i].length;

		if (listener->pieces[i].source == EM_PIECE_PAYLOAD && end > need)
			need = end;
	}
	for (uint8_t i = 0; i < listener->n_checks; i++) {
		unsigned int end = listener->checks[i].offset + listener->checks[i].length;

		need = end > need ? end : need;
	}
	return need;
}

/* Not the whole length: that of what is always there. */
static unsigned int least_length(const struct model_packet *packet)
{
	return 14 + (packet->family == AF_INET ? 20 : 40) + 8 + packet->length;
}

bool model_packet_fits(const struct model_packet *packet)
{
	for (uint8_t i = 0; i < packet->n_pokes; i++)
		if (packet->pokes[i].offset >= least_length(packet))
			return false;
	return packet->cut < least_length(packet);
}

static void print_hex(FILE *out, const uint8_t *bytes, size_t length)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < length; i++) {
		putc_unlocked(digits[bytes[i] >> 4], out);
		putc_unlocked(digits[bytes[i] & 0xf], out);
	}
}

static void print_bytes(FILE *out, const char *key, const uint8_t *bytes, size_t length)
{
	fprintf(out, " %s = \"0x", key);
	print_hex(out, bytes, length);
	fputs("\";", out);
}

static void print_address(FILE *out, const struct em_address *address)
{
	char text[INET6_ADDRSTRLEN];

	fputs(inet_ntop(address->family, address->bytes, text, sizeof(text)), out);
}

static void print_addresses(FILE *out, const struct model_listener *listener)
{
	for (uint8_t i = 0; i < listener->n_addresses; i++) {
		fputs(i ? ", \"" : "\t\taddresses = [ \"", out);
		print_address(out, &listener->addresses[i]);
		putc('"', out);
	}
	if (listener->n_addresses)
		fputs(" ];\n", out);
	for (uint8_t i = 0; i < listener->n_sources; i++) {
		fputs(i ? ", \"" : "\t\tsources = [ \"", out);
		print_address(out, &listener->sources[i].address);
		fprintf(out, "/%u\"", listener->sources[i].length);
	}
	if (listener->n_sources)
		fputs(" ];\n", out);
}

static void print_payload(FILE *out, const struct model_listener *listener)
{
	if (listener->payload_min == MODEL_UNSET && listener->payload_max == MODEL_UNSET)
		return;
	fputs("\t\tpayload = {", out);
	if (listener->payload_min != MODEL_UNSET)
		fprintf(out, " min = %d;", listener->payload_min);
	if (listener->payload_max != MODEL_UNSET)
		fprintf(out, " max = %d;", listener->payload_max);
	fputs(" };\n", out);
}

/* Every number of 8 bytes as a byte string, which all of them can be. */
static void print_value(FILE *out, const struct model_check *check, uint64_t value)
{
	if (check->length == 8)
		fprintf(out, "\"0x%016" PRIx64 "\"", value);
	else
		fprintf(out, "0x%" PRIx64 "L", value);
}

static void print_values(FILE *out, const struct model_check *check)
{
	for (uint8_t i = 0; i < check->n_values; i++) {
		fputs(i ? ", " : " values = ( ", out);
		print_value(out, check, check->values[i]);
	}
	if (check->n_values) {
		fputs(" );", out);
		return;
	}
	fputs(" min = ", out);
	print_value(out, check, check->min);
	fputs("; max = ", out);
	print_value(out, check, check->max);
	fputs(";", out);
}

static void print_check(FILE *out, const struct model_check *check)
{
	fprintf(out, "{ offset = %u;", check->offset);
	if (check->kind == EM_CHECK_BYTES) {
		print_bytes(out, "bytes", check->bytes, check->length);
	} else {
		fprintf(out, " length = %u;", check->length);
		print_values(out, check);
		if (check->little_endian)
			fputs(" endian = \"little\";", out);
	}
	if (check->masked)
		print_bytes(out, "mask", check->mask, check->length);
	if (check->negated)
		fputs(" not = true;", out);
	fputs(" }", out);
}

static void print_checks(FILE *out, const struct model_listener *listener)
{
	for (uint8_t i = 0; i < listener->n_checks; i++) {
		fputs(i ? ",\n\t\t\t   " : "\t\tchecks = ( ", out);
		print_check(out, &listener->checks[i]);
	}
	if (listener->n_checks)
		fputs(" );\n", out);
}

static void print_tag(FILE *out, const struct model_listener *listener)
{
	unsigned int at = 0;

	fprintf(out, "\t\ttag = %s", listener->n_pieces > 1 ? "( " : "");
	for (uint8_t i = 0; i < listener->n_pieces; at += listener->pieces[i++].length) {
		const struct em_piece *piece = &listener->pieces[i];

		fputs(i ? ", {" : "{", out);
		if (piece->source == EM_PIECE_PAYLOAD)
			fprintf(out, " offset = %u; length = %u;", piece->offset, piece->length);
		else
			fprintf(out, " field = \"%s\";",
				piece->source == EM_PIECE_IP_SADDR ? "ip saddr" : "ip6 saddr");
		if (listener->masked && piece->source == EM_PIECE_PAYLOAD)
			print_bytes(out, "mask", listener->mask + at, piece->length);
		fputs(" }", out);
	}
	fprintf(out, "%s;\n", listener->n_pieces > 1 ? " )" : "");
}

static void print_action(FILE *out, const char *key, const struct em_action *action)
{
	if (action->verdict == EM_PORT)
		fprintf(out, "%s = %u;", key, action->port);
	else
		fprintf(out, "%s = \"%s\";", key, em_verdict_name(action->verdict));
}

static void print_copies(FILE *out, const char *key, const struct model_copies *copies)
{
	if (!copies->n)
		return;
	fprintf(out, "%s = [ ", key);
	for (uint8_t i = 0; i < copies->n; i++)
		fprintf(out, "%s%u", i ? ", " : "", copies->ports[i]);
	fputs(" ];", out);
}

static void print_entities(FILE *out, const struct model_listener *listener)
{
	unsigned int length = model_tag_length(listener);

	fputs("\t\tentities = ( ", out);
	for (uint8_t i = 0; i < listener->n_entities; i++) {
		const struct model_entity *entity = &listener->entities[i];

		fprintf(out, "%s{ tag = \"0x", i ? ",\n\t\t\t     " : "");
		print_hex(out, entity->tag, length);
		if (memcmp(entity->tag, entity->last, length) != 0) {
			fputs("..0x", out);
			print_hex(out, entity->last, length);
		}
		fputs("\";", out);
		print_action(out, " port", &listener->entities[i].action);
		print_copies(out, " copies", &listener->entities[i].copies);
		fputs(" }", out);
	}
	fputs(" );\n", out);
}

static void print_format(FILE *out, const struct model_listener *format)
{
	print_payload(out, format);
	print_checks(out, format);
	print_tag(out, format);
	print_entities(out, format);
	if (format->unknown.verdict != EM_PASS)
		print_action(out, "\t\tunknown", &format->unknown);
	putc('\n', out);
}

static void print_formats(FILE *out, const struct model_listener *formats, size_t n)
{
	if (n == 1) {
		print_format(out, formats);
		return;
	}
	fputs("\t\tformats = (", out);
	for (size_t i = 0; i < n; i++) {
		fprintf(out, "%s { name = \"f%zu\";\n", i ? "," : "", i);
		print_format(out, &formats[i]);
		fputs("\t\t}", out);
	}
	fputs(" );\n", out);
}

/* Of n formats. */
static void print_listener(FILE *out, const struct model_listener *listener, size_t n, size_t index)
{
	static const char *const interfaces[] = {"", "\"in0\"", "\"in1\"", "\"in0\", \"in1\""};

	fprintf(out, "%s{ name = \"l%zu\"; interfaces = [ %s ]; port = %u;", index ? ", " : "",
		index, interfaces[listener->interfaces & 3], listener->port);
	if (listener->vlan)
		fprintf(out, " vlan = %u;", listener->vlan);
	putc('\n', out);
	print_addresses(out, listener);
	print_formats(out, listener, n);
	if (listener->invalid.verdict != EM_DROP)
		print_action(out, "\t\tinvalid", &listener->invalid);
	print_copies(out, "\n\t\tcopies", &listener->copies);
	print_copies(out, "\n\t\tunknown_copies", &listener->unknown_copies);
	/* A table for each listener, of which there may be some. */
	if (listener->replies)
		fputs("\t\treplies = true; flows = 4096;\n", out);
	fputs("\n\t}", out);
}

void model_print_policy(FILE *out, const struct model_policy *policy)
{
	fputs("\tlisteners = ( ", out);
	for (size_t i = 0, n; i < policy->n_listeners; i += n) {
		n = 1;
		while (i + n < policy->n_listeners && policy->listeners[i + n].joins)
			n++;
		print_listener(out, &policy->listeners[i], n, i);
	}
	fputs(" );\n", out);
}

static void print_length(FILE *out, const char *word, struct model_length length)
{
	if (length.kind == MODEL_RELATIVE)
		fprintf(out, " %s=%+d", word, length.value);
	else if (length.kind == MODEL_ABSOLUTE)
		fprintf(out, " %s=%d", word, length.value);
}

static void print_number(FILE *out, const char *word, int value)
{
	if (value != MODEL_UNSET)
		fprintf(out, " %s=%d", word, value);
}

static void print_ethernet(FILE *out, const struct model_packet *packet)
{
	static const char *const casts[] = {"", "dmac=ff:ff:ff:ff:ff:ff ",
					    "dmac=01:00:5e:00:00:01 "};

	fprintf(out, "%s%s", packet->interface ? "in1: " : "", casts[packet->cast]);
	for (uint8_t i = 0; i < packet->n_tags; i++)
		fprintf(out, "%s=0x%04x ", packet->tags[i].service ? "adtag" : "vlan",
			packet->tags[i].tci);
	if (packet->type != MODEL_UNSET)
		fprintf(out, "type=0x%04x ", packet->type);
	else if (packet->pppoe)
		fprintf(out, "type=0x%04x ", ETH_P_PPP_SES);
	/* Version and type, session data, session 1, length; and the protocol as PPP knows it. */
	if (packet->pppoe)
		fprintf(out, "hex:110000010020%04x ", packet->family == AF_INET ? 0x0021 : 0x0057);
}

/* Both families have these. */
static void print_ip(FILE *out, const struct model_packet *packet)
{
	fputs(packet->family == AF_INET ? "ip4" : "ip6", out);
	if (packet->source.family) {
		fputs(" src=", out);
		print_address(out, &packet->source);
	}
	if (packet->destination.family) {
		fputs(" dst=", out);
		print_address(out, &packet->destination);
	}
	print_number(out, "version", packet->version);
	print_number(out, "ttl", packet->ttl);
	print_length(out, "total", packet->total);
}

static void print_ip4(FILE *out, const struct model_packet *packet)
{
	if (packet->options)
		fprintf(out, " opts=%u", packet->options);
	print_number(out, "ihl", packet->ihl);
	print_number(out, "frag", packet->fragment);
	if (packet->fragment != MODEL_UNSET && packet->more)
		fputs(" mf", out);
}

static void print_extension(FILE *out, const struct model_extension *extension)
{
	switch (extension->type) {
	case IPPROTO_FRAGMENT:
		fprintf(out, " frag=%u%s", extension->fragment, extension->more ? " mf" : "");
		return;
	case IPPROTO_HOPOPTS:
		fprintf(out, " hbh=%u", extension->length);
		break;
	case IPPROTO_ROUTING:
		fprintf(out, " rt=%u", extension->length);
		break;
	case IPPROTO_DSTOPTS:
		fprintf(out, " dopt=%u", extension->length);
		break;
	case IPPROTO_AH:
		fprintf(out, " ah=%u", extension->length);
		break;
	default:
		fprintf(out, " ext=%u", extension->type);
		break;
	}
	print_number(out, "hdrlen", extension->hdrlen);
}

static void print_checksum(FILE *out, const struct model_packet *packet)
{
	if (packet->checksum == MODEL_SUM_BAD)
		fputs(" sum=bad", out);
	else if (packet->checksum == MODEL_SUM_PSEUDO)
		fputs(" sum=pseudo", out);
	else if (packet->checksum == MODEL_SUM_VALUE)
		fprintf(out, " sum=%u", packet->checksum_value);
	else if (packet->checksum == MODEL_SUM_ZERO_AT_PORT)
		fprintf(out, " sum=zero:%u", packet->checksum_value);
}

static void print_udp(FILE *out, const struct model_packet *packet)
{
	fprintf(out, " udp %u>%u", packet->from, packet->to);
	print_length(out, "len", packet->udp_length);
	print_checksum(out, packet);
}

/* What is all zeros at the end is said in short. */
static void print_data(FILE *out, const struct model_packet *packet)
{
	size_t length = packet->length;

	while (length && !packet->payload[length - 1])
		length--;
	if (packet->length - length < 4)
		length = packet->length;
	if (length) {
		fputs(" hex:", out);
		print_hex(out, packet->payload, length);
	}
	if (length < packet->length)
		fprintf(out, " fill:00*%zu", packet->length - length);
}

static void print_frame(FILE *out, const struct model_packet *packet)
{
	for (uint8_t i = 0; i < packet->n_pokes; i++)
		fprintf(out, " poke=%u:0x%02x", packet->pokes[i].offset, packet->pokes[i].value);
	if (packet->cut)
		fprintf(out, " cut=-%u", packet->cut);
	if (packet->paged)
		fputs(" paged", out);
}

void model_print_packet(FILE *out, const struct model_packet *packet)
{
	print_ethernet(out, packet);
	print_ip(out, packet);
	if (packet->family == AF_INET)
		print_ip4(out, packet);
	for (uint8_t i = 0; packet->family == AF_INET6 && i < packet->n_extensions; i++)
		print_extension(out, &packet->extensions[i]);
	/* Says what the last header before UDP says of it. */
	print_number(out, "proto", packet->protocol);
	print_udp(out, packet);
	print_data(out, packet);
	print_frame(out, packet);
}
