/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * expression - the kernel's expressions; see expression.h.
 */
#include "nft/expression.h"
#include "nft/uapi.h"

#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/if_ether.h>
#include <linux/netfilter/nf_nat.h>
#include <net/if_arp.h>

/* Word of 4 bytes among the data registers that everything starts at; 0 is NFT_REG_1. */
#define FIRST 0

/* IP_CT_DIR_ORIGINAL of the kernel. */
#define ORIGINAL 0

static uint32_t data_register(unsigned int word)
{
	return word % 4 == 0 ? NFT_REG_1 + word / 4 : NFT_REG32_00 + word;
}

static struct nftnl_expr *add(struct em_lowering *l, const char *name)
{
	struct nftnl_expr *expression = nftnl_expr_alloc(name);

	if (expression)
		nftnl_rule_add_expr(l->rule, expression);
	else
		l->failed = true;
	return expression;
}

/* libnftnl copies text, which needs memory; other values have room in the expression. */
static void set_text(struct em_lowering *l, struct nftnl_expr *e, uint16_t attribute,
		     const char *text)
{
	if (nftnl_expr_set_str(e, attribute, text))
		l->failed = true;
}

/* Into a register or out of it: NFTNL_EXPR_META_DREG or …_SREG. */
static void add_meta(struct em_lowering *l, uint32_t key, uint16_t direction, unsigned int word)
{
	struct nftnl_expr *e = add(l, "meta");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, key);
	nftnl_expr_set_u32(e, direction, data_register(word));
}

/* Likewise: NFTNL_EXPR_CT_DREG or …_SREG. */
static void add_conntrack(struct em_lowering *l, uint32_t key, uint16_t direction,
			  unsigned int word)
{
	struct nftnl_expr *e = add(l, "ct");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_CT_KEY, key);
	nftnl_expr_set_u32(e, direction, data_register(word));
	nftnl_expr_set_u8(e, NFTNL_EXPR_CT_DIR, ORIGINAL);
}

static void add_payload(struct em_lowering *l, uint32_t base, uint16_t offset, uint8_t length,
			unsigned int word)
{
	struct nftnl_expr *e = add(l, "payload");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, base);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, length);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_DREG, data_register(word));
}

static void add_ip6_header(struct em_lowering *l, uint8_t type, uint16_t offset, uint8_t length,
			   unsigned int word)
{
	struct nftnl_expr *e = add(l, "exthdr");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_EXTHDR_DREG, data_register(word));
	nftnl_expr_set_u8(e, NFTNL_EXPR_EXTHDR_TYPE, type);
	nftnl_expr_set_u32(e, NFTNL_EXPR_EXTHDR_OFFSET, offset);
	nftnl_expr_set_u32(e, NFTNL_EXPR_EXTHDR_LEN, length);
	nftnl_expr_set_u32(e, NFTNL_EXPR_EXTHDR_OP, NFT_EXTHDR_OP_IPV6);
}

static void add_bitwise(struct em_lowering *l, const uint8_t *mask, const uint8_t * xor,
			uint8_t length, unsigned int word)
{
	struct nftnl_expr *e = add(l, "bitwise");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_SREG, data_register(word));
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_DREG, data_register(word));
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_LEN, length);
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_MASK, mask, length);
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_XOR, xor, length);
}

static void add_mask(struct em_lowering *l, const uint8_t *mask, uint8_t length, unsigned int word)
{
	static const uint8_t zero[16];

	add_bitwise(l, mask, zero, length, word);
}

/* The first two of 4 bytes, as a number in the order of the machine. */
static void add_shift(struct em_lowering *l, unsigned int word)
{
	struct nftnl_expr *order = add(l, "byteorder"), *shift = add(l, "bitwise");
	const uint32_t bits = 16;

	if (!order || !shift)
		return;
	nftnl_expr_set_u32(order, NFTNL_EXPR_BYTEORDER_SREG, data_register(word));
	nftnl_expr_set_u32(order, NFTNL_EXPR_BYTEORDER_DREG, data_register(word));
	nftnl_expr_set_u32(order, NFTNL_EXPR_BYTEORDER_OP, NFT_BYTEORDER_NTOH);
	nftnl_expr_set_u32(order, NFTNL_EXPR_BYTEORDER_LEN, sizeof(uint32_t));
	nftnl_expr_set_u32(order, NFTNL_EXPR_BYTEORDER_SIZE, sizeof(uint32_t));
	nftnl_expr_set_u32(shift, NFTNL_EXPR_BITWISE_SREG, data_register(word));
	nftnl_expr_set_u32(shift, NFTNL_EXPR_BITWISE_DREG, data_register(word));
	nftnl_expr_set_u32(shift, NFTNL_EXPR_BITWISE_LEN, sizeof(uint32_t));
	nftnl_expr_set_u32(shift, NFTNL_EXPR_BITWISE_OP, NFT_BITWISE_RSHIFT);
	nftnl_expr_set(shift, NFTNL_EXPR_BITWISE_DATA, &bits, sizeof(bits));
}

static void compare(struct em_lowering *l, uint32_t op, const void *value, uint8_t length)
{
	struct nftnl_expr *e = add(l, "cmp");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_SREG, data_register(FIRST));
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP, op);
	nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, value, length);
}

void em_expression_compare(struct em_lowering *l, uint32_t op, const struct em_load *load,
			   const uint8_t *wire)
{
	uint8_t value[EM_LOAD_MAX];

	em_load_value(load, wire, value);
	compare(l, op, value, em_load_length(load));
}

void em_expression_range(struct em_lowering *l, const struct em_load *load, const uint8_t *low,
			 const uint8_t *high)
{
	struct nftnl_expr *e = add(l, "range");
	uint8_t value[EM_LOAD_MAX];

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_RANGE_SREG, data_register(FIRST));
	nftnl_expr_set_u32(e, NFTNL_EXPR_RANGE_OP, NFT_RANGE_EQ);
	em_load_value(load, low, value);
	nftnl_expr_set(e, NFTNL_EXPR_RANGE_FROM_DATA, value, em_load_length(load));
	em_load_value(load, high, value);
	nftnl_expr_set(e, NFTNL_EXPR_RANGE_TO_DATA, value, em_load_length(load));
}

static void require_meta(struct em_lowering *l, uint32_t key, const void *value, uint8_t length)
{
	add_meta(l, key, NFTNL_EXPR_META_DREG, FIRST);
	compare(l, NFT_CMP_EQ, value, length);
}

void em_expression_require(struct em_lowering *l, enum em_dependency dependency)
{
	const uint16_t ether = ARPHRD_ETHER, ip = htons(ETH_P_IP), ip6 = htons(ETH_P_IPV6),
		       vlan = htons(ETH_P_8021Q);
	const uint8_t udp = IPPROTO_UDP, ipv4 = NFPROTO_IPV4, ipv6 = NFPROTO_IPV6;

	if (l->known & 1U << dependency)
		return;
	l->known |= 1U << dependency;
	switch (dependency) {
	case EM_ON_NOTHING:
		break;
	case EM_ON_ETHER:
		require_meta(l, NFT_META_IIFTYPE, &ether, sizeof(ether));
		break;
	case EM_ON_VLAN:
		em_expression_require(l, EM_ON_ETHER);
		add_payload(l, NFT_PAYLOAD_LL_HEADER, 12, 2, FIRST);
		compare(l, NFT_CMP_EQ, &vlan, sizeof(vlan));
		break;
	case EM_ON_IP:
		if (l->inet)
			require_meta(l, NFT_META_NFPROTO, &ipv4, sizeof(ipv4));
		else
			require_meta(l, NFT_META_PROTOCOL, &ip, sizeof(ip));
		break;
	case EM_ON_IP6:
		if (l->inet)
			require_meta(l, NFT_META_NFPROTO, &ipv6, sizeof(ipv6));
		else
			require_meta(l, NFT_META_PROTOCOL, &ip6, sizeof(ip6));
		break;
	case EM_ON_UDP:
		require_meta(l, NFT_META_L4PROTO, &udp, sizeof(udp));
		break;
	}
}

static void add_load(struct em_lowering *l, const struct em_load *load, unsigned int word)
{
	const struct em_field_row *field = &em_fields[load->field];
	uint8_t length = em_load_length(load);
	uint16_t mask = htons(field->mask);
	uint8_t value[EM_LOAD_MAX];

	switch (field->source) {
	case EM_FROM_META:
		add_meta(l, field->base, NFTNL_EXPR_META_DREG, word);
		break;
	case EM_FROM_IP6_HEADER:
		add_ip6_header(l, field->base, field->offset, length, word);
		break;
	case EM_FROM_CONNTRACK:
		add_conntrack(l, field->base, NFTNL_EXPR_CT_DREG, word);
		break;
	case EM_FROM_PAYLOAD:
		/* One of the two offsets is 0. */
		add_payload(l, field->base, field->offset + load->offset, length, word);
		break;
	}
	if (mask)
		add_mask(l, (const uint8_t *)&mask, sizeof(mask), word);
	if (load->shifted)
		add_shift(l, word);
	if (load->masked) {
		em_load_value(load, load->mask, value);
		add_mask(l, value, length, word);
	}
}

/* The parts of a concatenation lie in registers of 4 bytes, one after the other. */
void em_expression_loads(struct em_lowering *l, const struct em_load *loads, uint8_t n)
{
	unsigned int word = FIRST;

	for (uint8_t i = 0; i < n; i++)
		em_expression_require(l, em_fields[loads[i].field].dependency);
	for (uint8_t i = 0; i < n; i++) {
		add_load(l, &loads[i], word);
		word += (em_load_length(&loads[i]) + 3) / 4;
	}
}

void em_expression_lookup(struct em_lowering *l, const char *set, bool not )
{
	struct nftnl_expr *e = add(l, "lookup");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SREG, data_register(FIRST));
	set_text(l, e, NFTNL_EXPR_LOOKUP_SET, set);
	if (not )
		nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
}

static void lookup_map(struct em_lowering *l, const char *map, uint32_t id, uint32_t dreg)
{
	struct nftnl_expr *e = add(l, "lookup");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SREG, data_register(FIRST));
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_DREG, dreg);
	set_text(l, e, NFTNL_EXPR_LOOKUP_SET, map);
	if (id)
		nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SET_ID, id);
}

void em_expression_lookup_data(struct em_lowering *l, const char *map)
{
	lookup_map(l, map, 0, data_register(FIRST));
}

void em_expression_lookup_verdict(struct em_lowering *l)
{
	lookup_map(l, l->map_name, l->map_id, NFT_REG_VERDICT);
}

void em_expression_value(struct em_lowering *l, enum em_field field, const uint8_t *wire)
{
	const struct em_load load = {.field = field};
	struct nftnl_expr *e = add(l, "immediate");
	uint8_t value[EM_LOAD_MAX];

	if (!e)
		return;
	em_load_value(&load, wire, value);
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, data_register(FIRST));
	nftnl_expr_set(e, NFTNL_EXPR_IMM_DATA, value, em_load_length(&load));
}

/* The fields of the UDP header are under its checksum; no other that is written is under one. */
static void write_payload(struct em_lowering *l, const struct em_field_row *field)
{
	struct nftnl_expr *e = add(l, "payload");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_SREG, data_register(FIRST));
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, field->base);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, field->offset);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, field->length);
	if (field->dependency != EM_ON_UDP)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_CSUM_TYPE, NFT_PAYLOAD_CSUM_INET);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_CSUM_OFFSET,
			   em_fields[EM_FIELD_UDP_CHECKSUM].offset);
}

void em_expression_write(struct em_lowering *l, enum em_field field)
{
	switch (em_fields[field].source) {
	case EM_FROM_META:
		add_meta(l, em_fields[field].base, NFTNL_EXPR_META_SREG, FIRST);
		break;
	case EM_FROM_CONNTRACK:
		add_conntrack(l, em_fields[field].base, NFTNL_EXPR_CT_SREG, FIRST);
		break;
	case EM_FROM_PAYLOAD:
		write_payload(l, &em_fields[field]);
		break;
	case EM_FROM_IP6_HEADER: /* read only */
		break;
	}
}

void em_expression_write_quoted(struct em_lowering *l, const struct em_load *load,
				const uint8_t *wire, uint16_t checksum)
{
	struct nftnl_expr *value = add(l, "immediate"), *e = add(l, "payload");

	if (!value || !e)
		return;
	nftnl_expr_set_u32(value, NFTNL_EXPR_IMM_DREG, data_register(FIRST));
	nftnl_expr_set(value, NFTNL_EXPR_IMM_DATA, wire, load->length);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_SREG, data_register(FIRST));
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, NFT_PAYLOAD_TRANSPORT_HEADER);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, load->offset);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, load->length);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_CSUM_TYPE, NFT_PAYLOAD_CSUM_INET);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_CSUM_OFFSET, checksum);
}

void em_expression_note(struct em_lowering *l, enum em_field field, const struct em_load *loads,
			uint8_t n)
{
	const struct em_load noted = {.field = field};

	em_expression_require(l, em_fields[field].dependency);
	em_expression_loads(l, loads, n);
	l->noted = FIRST + EM_NOTED_KEY_MAX / 4;
	add_load(l, &noted, l->noted);
}

void em_expression_update(struct em_lowering *l, const char *set, uint32_t seconds, bool counting)
{
	struct nftnl_expr *e = add(l, "dynset");
	struct nftnl_expr *counter = counting ? nftnl_expr_alloc("counter") : NULL;

	l->failed |= counting && !counter;
	if (!e) {
		if (counter)
			nftnl_expr_free(counter);
		return;
	}
	/* It is the expression's from now on. */
	if (counter)
		nftnl_expr_set(e, NFTNL_EXPR_DYNSET_EXPR, counter, 0);
	nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_OP, NFT_DYNSET_OP_UPDATE);
	nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_SREG_KEY, data_register(FIRST));
	if (l->noted)
		nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_SREG_DATA, data_register(l->noted));
	l->noted = 0;
	nftnl_expr_set_u64(e, NFTNL_EXPR_DYNSET_TIMEOUT, seconds * UINT64_C(1000));
	set_text(l, e, NFTNL_EXPR_DYNSET_SET_NAME, set);
}

void em_expression_bits(struct em_lowering *l, const uint8_t *mask, const uint8_t *value)
{
	add_bitwise(l, mask, value, sizeof(uint32_t), FIRST);
}

void em_expression_limit(struct em_lowering *l, uint32_t each_second, uint32_t burst)
{
	struct nftnl_expr *e = add(l, "limit");

	if (!e)
		return;
	nftnl_expr_set_u64(e, NFTNL_EXPR_LIMIT_RATE, each_second);
	nftnl_expr_set_u64(e, NFTNL_EXPR_LIMIT_UNIT, 1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_BURST, burst);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS);
}

void em_expression_log(struct em_lowering *l, uint16_t group, uint32_t bytes, const char *prefix)
{
	struct nftnl_expr *e = add(l, "log");

	if (!e)
		return;
	set_text(l, e, NFTNL_EXPR_LOG_PREFIX, prefix);
	nftnl_expr_set_u16(e, NFTNL_EXPR_LOG_GROUP, group);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOG_SNAPLEN, bytes);
}

void em_expression_to_device(struct em_lowering *l, bool forward, uint32_t ifindex)
{
	struct nftnl_expr *value = add(l, "immediate"), *e = add(l, forward ? "fwd" : "dup");

	if (!value || !e)
		return;
	nftnl_expr_set_u32(value, NFTNL_EXPR_IMM_DREG, data_register(FIRST));
	nftnl_expr_set(value, NFTNL_EXPR_IMM_DATA, &ifindex, sizeof(ifindex));
	nftnl_expr_set_u32(e, forward ? NFTNL_EXPR_FWD_SREG_DEV : NFTNL_EXPR_DUP_SREG_DEV,
			   data_register(FIRST));
}

void em_expression_translate(struct em_lowering *l)
{
	struct nftnl_expr *e = add(l, "nat");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_TYPE, NFT_NAT_DNAT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_FAMILY, NFPROTO_INET);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_PROTO_MIN, data_register(FIRST));
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_PROTO_MAX, data_register(FIRST));
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_FLAGS, NF_NAT_RANGE_PROTO_SPECIFIED);
}

void em_expression_object(struct em_lowering *l, uint32_t type, const char *name)
{
	struct nftnl_expr *e = add(l, "objref");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_OBJREF_IMM_TYPE, type);
	set_text(l, e, NFTNL_EXPR_OBJREF_IMM_NAME, name);
}

void em_expression_object_mapped(struct em_lowering *l, const char *map)
{
	struct nftnl_expr *e = add(l, "objref");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_OBJREF_SET_SREG, data_register(FIRST));
	set_text(l, e, NFTNL_EXPR_OBJREF_SET_NAME, map);
}

void em_expression_verdict(struct em_lowering *l, uint32_t verdict, const char *chain)
{
	struct nftnl_expr *e = add(l, "immediate");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, verdict);
	if (chain)
		set_text(l, e, NFTNL_EXPR_IMM_CHAIN, chain);
}
