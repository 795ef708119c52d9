/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * field - what a rule can read from a packet, or about it; see field.h.
 */
#include "nft/field.h"
#include "nft/uapi.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>

/* Types. */

void em_print_hex(FILE *out, const uint8_t *bytes, uint8_t length)
{
	fputs("0x", out);
	for (uint8_t i = 0; i < length; i++)
		fprintf(out, "%02x", bytes[i]);
}

static unsigned int number(const uint8_t *wire, uint8_t length)
{
	unsigned int value = 0;

	for (uint8_t i = 0; i < length; i++)
		value = value << 8 | wire[i];
	return value;
}

static void print_number(FILE *out, const uint8_t *wire, uint8_t length)
{
	fprintf(out, "%u", number(wire, length));
}

static void print_ether_type(FILE *out, const uint8_t *wire, uint8_t length)
{
	unsigned int type = number(wire, length);

	fputs(type == ETH_P_IP	     ? "ip"
	      : type == ETH_P_IPV6   ? "ip6"
	      : type == ETH_P_8021AD ? "8021ad"
				     : "8021q",
	      out);
}

static void print_protocol(FILE *out, const uint8_t *wire, uint8_t length)
{
	unsigned int protocol = number(wire, length);

	fputs(protocol == IPPROTO_UDP	   ? "udp"
	      : protocol == IPPROTO_ICMP   ? "icmp"
	      : protocol == IPPROTO_ICMPV6 ? "ipv6-icmp"
					   : "tcp",
	      out);
}

static void print_pkttype(FILE *out, const uint8_t *wire, uint8_t length)
{
	static const char *const names[] = {[PACKET_HOST] = "host",
					    [PACKET_BROADCAST] = "broadcast",
					    [PACKET_MULTICAST] = "multicast"};

	fputs(names[number(wire, length)], out);
}

static void print_family(FILE *out, const uint8_t *wire, uint8_t length)
{
	fputs(number(wire, length) == AF_INET ? "ipv4" : "ipv6", out);
}

static void print_address(FILE *out, const uint8_t *wire, uint8_t length)
{
	char text[INET6_ADDRSTRLEN];

	fputs(inet_ntop(length == 4 ? AF_INET : AF_INET6, wire, text, sizeof(text)), out);
}

static const struct em_datatype bytes = {"integer", EM_TYPE_INTEGER, false, em_print_hex};
static const struct em_datatype integer = {"integer", EM_TYPE_INTEGER, false, print_number};
static const struct em_datatype host_integer = {"integer", EM_TYPE_INTEGER, true, print_number};
static const struct em_datatype family = {"nf_proto", EM_TYPE_NFPROTO, false, print_family};
static const struct em_datatype ipv4_addr = {"ipv4_addr", EM_TYPE_IPADDR, false, print_address};
static const struct em_datatype ipv6_addr = {"ipv6_addr", EM_TYPE_IP6ADDR, false, print_address};
static const struct em_datatype ether_type = {"ether_type", EM_TYPE_ETHERTYPE, false,
					      print_ether_type};
static const struct em_datatype protocol = {"inet_proto", EM_TYPE_INET_PROTOCOL, false,
					    print_protocol};
static const struct em_datatype service = {"inet_service", EM_TYPE_INET_SERVICE, false,
					   print_number};
static const struct em_datatype pkt_type = {"pkt_type", EM_TYPE_PKTTYPE, false, print_pkttype};
static const struct em_datatype ifindex = {"iface_index", EM_TYPE_IFINDEX, true, print_number};
static const struct em_datatype mark = {"mark", EM_TYPE_MARK, true, em_print_hex};

/* Fields. */

#define LINK	  EM_FROM_PAYLOAD, NFT_PAYLOAD_LL_HEADER
#define NETWORK	  EM_FROM_PAYLOAD, NFT_PAYLOAD_NETWORK_HEADER
#define TRANSPORT EM_FROM_PAYLOAD, NFT_PAYLOAD_TRANSPORT_HEADER

enum { HEADER_UDP = 6, HEADER_IP = 12, HEADER_IP6 = 13 };
enum { UDP_DPORT = 2, IP_SADDR = 11, IP6_SADDR = 8 };

const struct em_field_row em_fields[EM_FIELDS] = {
	[EM_FIELD_PAYLOAD] = {NULL, &bytes, TRANSPORT},
	[EM_FIELD_NETWORK] = {NULL, &bytes, NETWORK},
	[EM_FIELD_L4PROTO] = {"meta l4proto", &protocol, EM_FROM_META, NFT_META_L4PROTO, 0, 1},
	[EM_FIELD_PROTOCOL] = {"meta protocol", &ether_type, EM_FROM_META, NFT_META_PROTOCOL, 0, 2},
	[EM_FIELD_PKTTYPE] = {"meta pkttype", &pkt_type, EM_FROM_META, NFT_META_PKTTYPE, 0, 1},
	[EM_FIELD_IIF] = {"iif", &ifindex, EM_FROM_META, NFT_META_IIF, 0, 4},
	[EM_FIELD_OIF] = {"oif", &ifindex, EM_FROM_META, NFT_META_OIF, 0, 4},
	[EM_FIELD_NFPROTO] = {"meta nfproto", &family, EM_FROM_META, NFT_META_NFPROTO, 0, 1},
	[EM_FIELD_MARK] = {"meta mark", &mark, EM_FROM_META, NFT_META_MARK, 0, 4},
	[EM_FIELD_PRIORITY] = {"meta priority", &bytes, EM_FROM_META, NFT_META_PRIORITY, 0, 4},
	[EM_FIELD_ZONE] = {"ct original zone", &host_integer, EM_FROM_CONNTRACK, NFT_CT_ZONE, 0, 2},
	[EM_FIELD_ETHER_TYPE] = {"ether type", &ether_type, LINK, 12, 2, 0, EM_ON_ETHER},
	[EM_FIELD_VLAN_ID] = {"vlan id", &integer, LINK, 14, 2, 0x0fff, EM_ON_VLAN},
	[EM_FIELD_VLAN_TYPE] = {"vlan type", &ether_type, LINK, 16, 2, 0, EM_ON_VLAN},
	[EM_FIELD_IP_FRAG_OFF] = {"ip frag-off", &integer, NETWORK, 6, 2, 0x1fff, EM_ON_IP, true},
	[EM_FIELD_IP_SADDR] = {"ip saddr", &ipv4_addr, NETWORK, 12, 4, 0, EM_ON_IP,
			       .header = HEADER_IP, .header_field = IP_SADDR},
	[EM_FIELD_IP_DADDR] = {"ip daddr", &ipv4_addr, NETWORK, 16, 4, 0, EM_ON_IP},
	[EM_FIELD_IP6_HOPLIMIT] = {"ip6 hoplimit", &integer, NETWORK, 7, 1, 0, EM_ON_IP6},
	[EM_FIELD_IP6_SADDR] = {"ip6 saddr", &ipv6_addr, NETWORK, 8, 16, 0, EM_ON_IP6,
				.header = HEADER_IP6, .header_field = IP6_SADDR},
	[EM_FIELD_IP6_DADDR] = {"ip6 daddr", &ipv6_addr, NETWORK, 24, 16, 0, EM_ON_IP6},
	[EM_FIELD_IP6_FRAG_OFF] = {"frag frag-off", &integer, EM_FROM_IP6_HEADER, IPPROTO_FRAGMENT,
				   2, 2, 0xfff8, EM_ON_IP6},
	[EM_FIELD_IP6_FRAG_MORE] = {"frag more-fragments", &integer, EM_FROM_IP6_HEADER,
				    IPPROTO_FRAGMENT, 3, 1, 0, EM_ON_IP6},
	[EM_FIELD_UDP_SPORT] = {"udp sport", &service, TRANSPORT, 0, 2, 0, EM_ON_UDP},
	[EM_FIELD_UDP_DPORT] = {"udp dport", &service, TRANSPORT, 2, 2, 0, EM_ON_UDP,
				.header = HEADER_UDP, .header_field = UDP_DPORT},
	[EM_FIELD_UDP_LENGTH] = {"udp length", &integer, TRANSPORT, 4, 2, 0, EM_ON_UDP},
	[EM_FIELD_UDP_CHECKSUM] = {"udp checksum", &integer, TRANSPORT, 6, 2, 0, EM_ON_UDP},
};

/* Loads. */

uint8_t em_load_length(const struct em_load *load)
{
	return em_fields[load->field].name ? em_fields[load->field].length : load->length;
}

uint8_t em_load_padded(const struct em_load *loads, uint8_t n, uint8_t i)
{
	uint8_t length = em_load_length(&loads[i]);

	return n == 1 ? length : (length + 3) & ~3;
}

void em_load_value(const struct em_load *load, const uint8_t *wire, uint8_t *value)
{
	bool reverse = em_fields[load->field].type->host_order &&
		       __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
	uint8_t length = em_load_length(load);

	for (uint8_t i = 0; i < length; i++)
		value[i] = wire[reverse ? length - 1 - i : i];
}

static void print_name(FILE *out, const struct em_load *load)
{
	if (em_fields[load->field].name)
		fputs(em_fields[load->field].name, out);
	else
		fprintf(out, "@%s,%u,%u", load->field == EM_FIELD_NETWORK ? "nh" : "th",
			load->offset * 8, load->length * 8);
}

static void print_masks(FILE *out, const struct em_load *load)
{
	if (em_fields[load->field].mask_is_written)
		fprintf(out, " & 0x%04x", em_fields[load->field].mask);
	if (load->masked) {
		fputs(" & ", out);
		em_print_hex(out, load->mask, em_load_length(load));
	}
}

/* nft takes a mask without parentheses only in the first part of a concatenation. */
void em_loads_print(FILE *out, const struct em_load *loads, uint8_t n)
{
	for (uint8_t i = 0; i < n; i++) {
		bool group = i > 0 && loads[i].masked;

		fputs(i ? " . " : "", out);
		fputs(group ? "(" : "", out);
		print_name(out, &loads[i]);
		print_masks(out, &loads[i]);
		fputs(loads[i].shifted ? " >> 16" : "", out);
		fputs(group ? ")" : "", out);
	}
}

void em_loads_print_typeof(FILE *out, const struct em_load *loads, uint8_t n)
{
	for (uint8_t i = 0; i < n; i++) {
		fputs(i ? " . " : "", out);
		print_name(out, &loads[i]);
	}
}

void em_load_print_value(FILE *out, const struct em_load *load, const uint8_t *wire)
{
	em_fields[load->field].type->print(out, wire, em_load_length(load));
}

void em_loads_print_values(FILE *out, const struct em_load *loads, uint8_t n, const uint8_t *wire)
{
	for (uint8_t i = 0; i < n; wire += em_load_padded(loads, n, i++)) {
		fputs(i ? " . " : "", out);
		em_load_print_value(out, &loads[i], wire);
	}
}
