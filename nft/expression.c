/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * expression - the statements of a rule as the kernel's expressions; see expression.h.
 *
 * A field of a header is only meant where that header is there: nft puts comparisons before it that
 * say so, and takes them for granted when it lists the rule.  The same ones are put here.
 */
#include "nft/expression.h"

/* Before <linux/netfilter.h>, which else brings its own. */
#include <netinet/in.h>

#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <net/if_arp.h>
#include <string.h>

/* Word of 4 bytes among the data registers that everything starts at; 0 is NFT_REG_1. */
#define FIRST 0

enum dependency { ON_NOTHING, ON_ETHER, ON_VLAN, ON_IP, ON_IP6, ON_UDP };

enum source { FROM_PAYLOAD, FROM_META, FROM_IP6_HEADER, FROM_CONNTRACK };

/* IP_CT_DIR_ORIGINAL of the kernel. */
#define ORIGINAL 0

static const struct {
	enum source source;
	uint32_t base; /* NFT_PAYLOAD_…, or the key of meta or ct, or the IPv6 header */
	uint16_t offset;
	uint8_t length;
	uint16_t mask;
	enum dependency dependency;
	bool number; /* in the order of the machine */
} fields[EM_FIELDS] = {
	[EM_FIELD_PAYLOAD] = {FROM_PAYLOAD, NFT_PAYLOAD_TRANSPORT_HEADER},
	[EM_FIELD_L4PROTO] = {FROM_META, NFT_META_L4PROTO, .length = 1},
	[EM_FIELD_PROTOCOL] = {FROM_META, NFT_META_PROTOCOL, .length = 2},
	[EM_FIELD_ETHER_TYPE] = {FROM_PAYLOAD, NFT_PAYLOAD_LL_HEADER, 12, 2, 0, ON_ETHER},
	[EM_FIELD_VLAN_ID] = {FROM_PAYLOAD, NFT_PAYLOAD_LL_HEADER, 14, 2, 0x0fff, ON_VLAN},
	[EM_FIELD_VLAN_TYPE] = {FROM_PAYLOAD, NFT_PAYLOAD_LL_HEADER, 16, 2, 0, ON_VLAN},
	[EM_FIELD_IP_FRAG_OFF] = {FROM_PAYLOAD, NFT_PAYLOAD_NETWORK_HEADER, 6, 2, 0x1fff, ON_IP},
	[EM_FIELD_IP_SADDR] = {FROM_PAYLOAD, NFT_PAYLOAD_NETWORK_HEADER, 12, 4, 0, ON_IP},
	[EM_FIELD_IP_DADDR] = {FROM_PAYLOAD, NFT_PAYLOAD_NETWORK_HEADER, 16, 4, 0, ON_IP},
	[EM_FIELD_IP6_SADDR] = {FROM_PAYLOAD, NFT_PAYLOAD_NETWORK_HEADER, 8, 16, 0, ON_IP6},
	[EM_FIELD_IP6_DADDR] = {FROM_PAYLOAD, NFT_PAYLOAD_NETWORK_HEADER, 24, 16, 0, ON_IP6},
	[EM_FIELD_IP6_HOPLIMIT] = {FROM_PAYLOAD, NFT_PAYLOAD_NETWORK_HEADER, 7, 1, 0, ON_IP6},
	[EM_FIELD_IP6_FRAG_OFF] = {FROM_IP6_HEADER, IPPROTO_FRAGMENT, 2, 2, 0xfff8, ON_IP6},
	[EM_FIELD_UDP_DPORT] = {FROM_PAYLOAD, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, 0, ON_UDP},
	[EM_FIELD_UDP_LENGTH] = {FROM_PAYLOAD, NFT_PAYLOAD_TRANSPORT_HEADER, 4, 2, 0, ON_UDP},
	[EM_FIELD_UDP_CHECKSUM] = {FROM_PAYLOAD, NFT_PAYLOAD_TRANSPORT_HEADER, 6, 2, 0, ON_UDP},
	[EM_FIELD_NFPROTO] = {FROM_META, NFT_META_NFPROTO, .length = 1},
	[EM_FIELD_MARK] = {FROM_META, NFT_META_MARK, .length = 4, .number = true},
	[EM_FIELD_ZONE] = {FROM_CONNTRACK, NFT_CT_ZONE, .length = 2, .number = true},
};

struct lowering {
	struct nftnl_rule *rule;
	unsigned int known; /* dependencies that the rule has checked */
	const char *map_name;
	uint32_t map_id;
	bool failed;
};

uint8_t em_expression_length(const struct em_load *load)
{
	return load->field == EM_FIELD_PAYLOAD ? load->length : fields[load->field].length;
}

void em_expression_value(enum em_field field, const uint8_t *wire, uint8_t *value, uint8_t length)
{
	bool reverse = fields[field].number && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;

	for (uint8_t i = 0; i < length; i++)
		value[i] = wire[reverse ? length - 1 - i : i];
}

static uint32_t data_register(unsigned int word)
{
	return word % 4 == 0 ? NFT_REG_1 + word / 4 : NFT_REG32_00 + word;
}

static struct nftnl_expr *add(struct lowering *l, const char *name)
{
	struct nftnl_expr *expression = nftnl_expr_alloc(name);

	if (expression)
		nftnl_rule_add_expr(l->rule, expression);
	else
		l->failed = true;
	return expression;
}

/* Into a register or out of it: NFTNL_EXPR_META_DREG or …_SREG. */
static void add_meta(struct lowering *l, uint32_t key, uint16_t direction, unsigned int word)
{
	struct nftnl_expr *e = add(l, "meta");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, key);
	nftnl_expr_set_u32(e, direction, data_register(word));
}

/* Likewise: NFTNL_EXPR_CT_DREG or …_SREG. */
static void add_conntrack(struct lowering *l, uint32_t key, uint16_t direction, unsigned int word)
{
	struct nftnl_expr *e = add(l, "ct");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_CT_KEY, key);
	nftnl_expr_set_u32(e, direction, data_register(word));
	nftnl_expr_set_u8(e, NFTNL_EXPR_CT_DIR, ORIGINAL);
}

static void add_payload(struct lowering *l, uint32_t base, uint16_t offset, uint8_t length,
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

static void add_ip6_header(struct lowering *l, uint8_t type, uint16_t offset, uint8_t length,
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

static void add_bitwise(struct lowering *l, const uint8_t *mask, const uint8_t * xor,
			uint8_t length, unsigned int word)
{
	struct nftnl_expr *e = add(l, "bitwise");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_SREG, data_register(word));
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_DREG, data_register(word));
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_OP, NFT_BITWISE_BOOL);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_LEN, length);
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_MASK, mask, length);
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_XOR, xor, length);
}

static void add_mask(struct lowering *l, const uint8_t *mask, uint8_t length, unsigned int word)
{
	static const uint8_t zero[16];

	add_bitwise(l, mask, zero, length, word);
}

static void add_compare(struct lowering *l, uint32_t op, const void *value, uint8_t length)
{
	struct nftnl_expr *e = add(l, "cmp");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_SREG, data_register(FIRST));
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP, op);
	nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, value, length);
}

static void require_meta(struct lowering *l, uint32_t key, const void *value, uint8_t length)
{
	add_meta(l, key, NFTNL_EXPR_META_DREG, FIRST);
	add_compare(l, NFT_CMP_EQ, value, length);
}

static void require(struct lowering *l, enum dependency dependency)
{
	const uint16_t ether = ARPHRD_ETHER, ip = htons(ETH_P_IP), ip6 = htons(ETH_P_IPV6),
		       vlan = htons(ETH_P_8021Q);
	const uint8_t udp = IPPROTO_UDP;

	if (l->known & 1U << dependency)
		return;
	l->known |= 1U << dependency;
	switch (dependency) {
	case ON_NOTHING:
		break;
	case ON_ETHER:
		require_meta(l, NFT_META_IIFTYPE, &ether, sizeof(ether));
		break;
	case ON_VLAN:
		require(l, ON_ETHER);
		add_payload(l, NFT_PAYLOAD_LL_HEADER, 12, 2, FIRST);
		add_compare(l, NFT_CMP_EQ, &vlan, sizeof(vlan));
		break;
	case ON_IP:
		require_meta(l, NFT_META_PROTOCOL, &ip, sizeof(ip));
		break;
	case ON_IP6:
		require_meta(l, NFT_META_PROTOCOL, &ip6, sizeof(ip6));
		break;
	case ON_UDP:
		require_meta(l, NFT_META_L4PROTO, &udp, sizeof(udp));
		break;
	}
}

static void add_load(struct lowering *l, const struct em_load *load, unsigned int word)
{
	uint8_t length = em_expression_length(load);
	uint32_t base = fields[load->field].base;
	uint16_t offset = fields[load->field].offset;
	uint16_t mask = htons(fields[load->field].mask);
	uint8_t value[16];

	switch (fields[load->field].source) {
	case FROM_META:
		add_meta(l, base, NFTNL_EXPR_META_DREG, word);
		break;
	case FROM_IP6_HEADER:
		add_ip6_header(l, base, offset, length, word);
		break;
	case FROM_CONNTRACK:
		add_conntrack(l, base, NFTNL_EXPR_CT_DREG, word);
		break;
	case FROM_PAYLOAD:
		add_payload(l, base, load->field == EM_FIELD_PAYLOAD ? load->offset : offset,
			    length, word);
		break;
	}
	if (mask)
		add_mask(l, (const uint8_t *)&mask, sizeof(mask), word);
	if (load->masked) {
		em_expression_value(load->field, load->mask, value, length);
		add_mask(l, value, length, word);
	}
}

/* The parts of a concatenation lie in registers of 4 bytes, one after the other. */
static void add_loads(struct lowering *l, const struct em_statement *statement)
{
	unsigned int word = FIRST;

	for (uint8_t i = 0; i < statement->n_loads; i++)
		require(l, fields[statement->loads[i].field].dependency);
	for (uint8_t i = 0; i < statement->n_loads; i++) {
		add_load(l, &statement->loads[i], word);
		word += (em_expression_length(&statement->loads[i]) + 3) / 4;
	}
}

static void add_lookup(struct lowering *l, const char *set, bool not )
{
	struct nftnl_expr *e = add(l, "lookup");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SREG, data_register(FIRST));
	nftnl_expr_set_str(e, NFTNL_EXPR_LOOKUP_SET, set);
	if (not )
		nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
}

static void add_map_lookup(struct lowering *l, const char *set, uint32_t id, uint32_t dreg)
{
	struct nftnl_expr *e = add(l, "lookup");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SREG, data_register(FIRST));
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_DREG, dreg);
	nftnl_expr_set_str(e, NFTNL_EXPR_LOOKUP_SET, set);
	if (id)
		nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SET_ID, id);
}

static void add_value(struct lowering *l, const uint8_t *value, uint8_t length)
{
	struct nftnl_expr *e = add(l, "immediate");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, data_register(FIRST));
	nftnl_expr_set(e, NFTNL_EXPR_IMM_DATA, value, length);
}

/* The fields of the UDP header are under its checksum; no other that is written is under one. */
static void write_payload(struct lowering *l, enum em_field field)
{
	struct nftnl_expr *e = add(l, "payload");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_SREG, data_register(FIRST));
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, fields[field].base);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, fields[field].offset);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, fields[field].length);
	if (fields[field].dependency != ON_UDP)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_CSUM_TYPE, NFT_PAYLOAD_CSUM_INET);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_CSUM_OFFSET, fields[EM_FIELD_UDP_CHECKSUM].offset);
}

static void add_write(struct lowering *l, enum em_field field)
{
	if (fields[field].source == FROM_CONNTRACK)
		add_conntrack(l, fields[field].base, NFTNL_EXPR_CT_SREG, FIRST);
	else
		write_payload(l, field);
}

static void set_mark(struct lowering *l, const uint8_t *wire)
{
	const uint32_t others = ~EM_MARK_MASK;
	uint8_t mark[sizeof(others)];

	em_expression_value(EM_FIELD_MARK, wire, mark, sizeof(mark));
	add_meta(l, NFT_META_MARK, NFTNL_EXPR_META_DREG, FIRST);
	add_bitwise(l, (const uint8_t *)&others, mark, sizeof(mark), FIRST);
	add_meta(l, NFT_META_MARK, NFTNL_EXPR_META_SREG, FIRST);
}

static void add_nat(struct lowering *l)
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

static void add_object(struct lowering *l, uint32_t type, const char *name)
{
	struct nftnl_expr *e = add(l, "objref");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_OBJREF_IMM_TYPE, type);
	nftnl_expr_set_str(e, NFTNL_EXPR_OBJREF_IMM_NAME, name);
}

static void add_count_mapped(struct lowering *l, const char *map)
{
	struct nftnl_expr *e = add(l, "objref");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_OBJREF_SET_SREG, data_register(FIRST));
	nftnl_expr_set_str(e, NFTNL_EXPR_OBJREF_SET_NAME, map);
}

static void add_verdict(struct lowering *l, uint32_t verdict, const char *chain)
{
	struct nftnl_expr *e = add(l, "immediate");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, verdict);
	if (chain)
		nftnl_expr_set_str(e, NFTNL_EXPR_IMM_CHAIN, chain);
}

/* Of the type of a tagged frame, nft takes for granted what follows. */
static void learn(struct lowering *l, const struct em_statement *statement)
{
	static const uint8_t ip6[2] = {ETH_P_IPV6 >> 8, ETH_P_IPV6 & 0xff};

	if (statement->kind == EM_STATEMENT_EQUAL &&
	    statement->loads[0].field == EM_FIELD_VLAN_TYPE &&
	    !memcmp(statement->low, ip6, sizeof(ip6)))
		l->known |= 1U << ON_IP6;
}

static void add_match(struct lowering *l, const struct em_statement *statement)
{
	uint8_t length = em_expression_length(&statement->loads[0]);
	uint8_t low[16], high[16];

	em_expression_value(statement->loads[0].field, statement->low, low, length);
	em_expression_value(statement->loads[0].field, statement->high, high, length);
	add_loads(l, statement);
	switch (statement->kind) {
	case EM_STATEMENT_NOT_EQUAL:
		add_compare(l, NFT_CMP_NEQ, low, length);
		break;
	case EM_STATEMENT_RANGE:
		add_compare(l, NFT_CMP_GTE, low, length);
		add_compare(l, NFT_CMP_LTE, high, length);
		break;
	case EM_STATEMENT_IN_FRAME:
		add_compare(l, NFT_CMP_GTE, low, length);
		break;
	default:
		add_compare(l, NFT_CMP_EQ, low, length);
		break;
	}
}

static void add_statement(struct lowering *l, const struct em_statement *statement)
{
	char target[EM_IDENTIFIER_MAX] = "";
	uint8_t value[16];

	if (statement->target.role)
		em_identifier_format(&statement->target, target);
	switch (statement->kind) {
	case EM_STATEMENT_EQUAL:
	case EM_STATEMENT_NOT_EQUAL:
	case EM_STATEMENT_RANGE:
	case EM_STATEMENT_IN_FRAME:
		add_match(l, statement);
		learn(l, statement);
		break;
	case EM_STATEMENT_IN:
		add_loads(l, statement);
		add_lookup(l, target, false);
		break;
	case EM_STATEMENT_NOT_IN:
		add_loads(l, statement);
		add_lookup(l, target, true);
		break;
	case EM_STATEMENT_DISPATCH:
		add_loads(l, statement);
		add_map_lookup(l, l->map_name, l->map_id, NFT_REG_VERDICT);
		break;
	case EM_STATEMENT_SET_MAPPED:
		require(l, fields[statement->written].dependency);
		add_loads(l, statement);
		add_map_lookup(l, target, 0, data_register(FIRST));
		add_write(l, statement->written);
		break;
	case EM_STATEMENT_COPY:
		add_loads(l, statement);
		add_write(l, statement->written);
		break;
	case EM_STATEMENT_SET:
		require(l, fields[statement->written].dependency);
		em_expression_value(statement->written, statement->low, value,
				    fields[statement->written].length);
		add_value(l, value, fields[statement->written].length);
		add_write(l, statement->written);
		break;
	case EM_STATEMENT_SET_MARK:
		set_mark(l, statement->low);
		break;
	case EM_STATEMENT_TIMEOUT:
		add_object(l, NFT_OBJECT_CT_TIMEOUT, target);
		break;
	case EM_STATEMENT_TRANSLATE:
		add_loads(l, statement);
		add_map_lookup(l, target, 0, data_register(FIRST));
		add_nat(l);
		break;
	case EM_STATEMENT_COUNT:
		add_object(l, NFT_OBJECT_COUNTER, target);
		break;
	case EM_STATEMENT_COUNT_MAPPED:
		add_loads(l, statement);
		add_count_mapped(l, target);
		break;
	case EM_STATEMENT_JUMP:
		add_verdict(l, NFT_JUMP, target);
		break;
	case EM_STATEMENT_GOTO:
		add_verdict(l, NFT_GOTO, target);
		break;
	case EM_STATEMENT_RETURN:
		add_verdict(l, NFT_RETURN, NULL);
		break;
	case EM_STATEMENT_ACCEPT:
		add_verdict(l, NF_ACCEPT, NULL);
		break;
	case EM_STATEMENT_DROP:
		add_verdict(l, NF_DROP, NULL);
		break;
	}
}

bool em_expression_add(struct nftnl_rule *to, const struct em_rule *rule, const char *map_name,
		       uint32_t map_id)
{
	struct lowering l = {.rule = to, .map_name = map_name, .map_id = map_id};

	for (size_t s = 0; s < rule->n_statements; s++)
		add_statement(&l, &rule->statements[s]);
	return !l.failed;
}
