/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "nft/others_rule.h"
#include "nft/uapi.h"

#include <libnftnl/expr.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <stddef.h>
#include <string.h>

#define PROTOCOL_OFFSET 9 /* in the IPv4 header */
#define PORT_OFFSET	2 /* of the destination, in the UDP header */

enum loaded { LOADED_OTHER, LOADED_PROTOCOL, LOADED_PORT };

/* The value that the expression before has loaded, and where to. */
struct reading {
	struct em_others_rule *rule;
	enum loaded loaded;
	uint32_t sreg;
};

static bool is_one_of(const char *name, const char *const *names)
{
	while (*names && strcmp(name, *names))
		names++;
	return *names;
}

static void narrow(struct em_others_rule *rule, uint32_t low, uint32_t high)
{
	if (low > high || low > rule->high || high < rule->low) {
		rule->udp = false;
		return;
	}
	rule->low = low > rule->low ? low : rule->low;
	rule->high = high < rule->high ? high : rule->high;
}

/* Of 1 or 2 bytes, in the order of the wire. */
static uint32_t get_number(struct nftnl_expr *expression, uint16_t attribute)
{
	uint32_t length = 0;
	const uint8_t *bytes = nftnl_expr_get(expression, attribute, &length);

	if (!bytes || !length)
		return 0;
	return length == 1 ? bytes[0] : bytes[0] << 8 | bytes[1];
}

static void load_payload(struct reading *reading, struct nftnl_expr *expression)
{
	uint32_t base = nftnl_expr_get_u32(expression, NFTNL_EXPR_PAYLOAD_BASE);
	uint32_t offset = nftnl_expr_get_u32(expression, NFTNL_EXPR_PAYLOAD_OFFSET);
	uint32_t length = nftnl_expr_get_u32(expression, NFTNL_EXPR_PAYLOAD_LEN);

	if (!nftnl_expr_is_set(expression, NFTNL_EXPR_PAYLOAD_DREG))
		return;
	reading->sreg = nftnl_expr_get_u32(expression, NFTNL_EXPR_PAYLOAD_DREG);
	if (base == NFT_PAYLOAD_TRANSPORT_HEADER && offset == PORT_OFFSET && length == 2)
		reading->loaded = LOADED_PORT;
	else if (base == NFT_PAYLOAD_NETWORK_HEADER && offset == PROTOCOL_OFFSET && length == 1)
		reading->loaded = LOADED_PROTOCOL;
}

static void load_meta(struct reading *reading, struct nftnl_expr *expression)
{
	if (!nftnl_expr_is_set(expression, NFTNL_EXPR_META_DREG))
		return;
	reading->sreg = nftnl_expr_get_u32(expression, NFTNL_EXPR_META_DREG);
	if (nftnl_expr_get_u32(expression, NFTNL_EXPR_META_KEY) == NFT_META_L4PROTO)
		reading->loaded = LOADED_PROTOCOL;
}

static void compare_port(struct em_others_rule *rule, uint32_t op, uint32_t port)
{
	switch (op) {
	case NFT_CMP_EQ:
		narrow(rule, port, port);
		break;
	case NFT_CMP_LT:
		narrow(rule, 0, port ? port - 1 : 0);
		break;
	case NFT_CMP_LTE:
		narrow(rule, 0, port);
		break;
	case NFT_CMP_GT:
		narrow(rule, port + 1, UINT16_MAX);
		break;
	case NFT_CMP_GTE:
		narrow(rule, port, UINT16_MAX);
		break;
	default:
		break;
	}
}

static void compare(struct reading *reading, struct nftnl_expr *expression)
{
	uint32_t op = nftnl_expr_get_u32(expression, NFTNL_EXPR_CMP_OP);
	uint32_t value = get_number(expression, NFTNL_EXPR_CMP_DATA);

	if (nftnl_expr_get_u32(expression, NFTNL_EXPR_CMP_SREG) != reading->sreg)
		return;
	if (reading->loaded == LOADED_PORT)
		compare_port(reading->rule, op, value);
	else if (reading->loaded == LOADED_PROTOCOL)
		reading->rule->udp &= op == NFT_CMP_EQ	  ? value == IPPROTO_UDP
				      : op == NFT_CMP_NEQ ? value != IPPROTO_UDP
							  : true;
}

static void compare_range(struct reading *reading, struct nftnl_expr *expression)
{
	if (reading->loaded != LOADED_PORT ||
	    nftnl_expr_get_u32(expression, NFTNL_EXPR_RANGE_OP) != NFT_RANGE_EQ ||
	    nftnl_expr_get_u32(expression, NFTNL_EXPR_RANGE_SREG) != reading->sreg)
		return;
	narrow(reading->rule, get_number(expression, NFTNL_EXPR_RANGE_FROM_DATA),
	       get_number(expression, NFTNL_EXPR_RANGE_TO_DATA));
}

/* A match of iptables. */
static void match(struct reading *reading, struct nftnl_expr *expression)
{
	static const char *const others[] = {"tcp", "sctp", "dccp", "icmp", "icmp6", NULL};
	const char *name = nftnl_expr_get_str(expression, NFTNL_EXPR_MT_NAME);
	uint32_t length = 0;
	const struct xt_udp *udp = nftnl_expr_get(expression, NFTNL_EXPR_MT_INFO, &length);

	if (is_one_of(name, others))
		reading->rule->udp = false;
	else if (!strcmp(name, "udp") && udp && length >= sizeof(*udp) &&
		 !(udp->invflags & XT_UDP_INV_DSTPT))
		narrow(reading->rule, udp->dpts[0], udp->dpts[1]);
}

/* A target of iptables. */
static void target(struct reading *reading, struct nftnl_expr *expression)
{
	static const char *const translating[] = {"DNAT", "REDIRECT", "NETMAP", NULL};
	static const char *const untracking[] = {"CT", "NOTRACK", NULL};
	const char *name = nftnl_expr_get_str(expression, NFTNL_EXPR_TG_NAME);

	reading->rule->translates |= is_one_of(name, translating);
	reading->rule->untracks |= is_one_of(name, untracking);
}

static void translate(struct reading *reading, struct nftnl_expr *expression)
{
	reading->rule->translates |=
		nftnl_expr_get_u32(expression, NFTNL_EXPR_NAT_TYPE) == NFT_NAT_DNAT;
}

static void redirect(struct reading *reading, struct nftnl_expr *expression)
{
	(void)expression;
	reading->rule->translates = true;
}

static void untrack(struct reading *reading, struct nftnl_expr *expression)
{
	(void)expression;
	reading->rule->untracks = true;
}

static void look_up(struct reading *reading, struct nftnl_expr *expression)
{
	reading->rule->dispatches |=
		nftnl_expr_is_set(expression, NFTNL_EXPR_LOOKUP_DREG) &&
		nftnl_expr_get_u32(expression, NFTNL_EXPR_LOOKUP_DREG) == NFT_REG_VERDICT;
}

static void lead(struct reading *reading, struct nftnl_expr *expression)
{
	if (nftnl_expr_is_set(expression, NFTNL_EXPR_IMM_CHAIN))
		reading->rule->leads = nftnl_expr_get_str(expression, NFTNL_EXPR_IMM_CHAIN);
}

static const struct {
	const char *name;
	void (*read)(struct reading *reading, struct nftnl_expr *expression);
	bool loads; /* else what was loaded before stays */
} expressions[] = {
	{"payload", load_payload, true}, {"meta", load_meta, true},  {"cmp", compare, false},
	{"range", compare_range, false}, {"match", match, false},    {"target", target, false},
	{"nat", translate, false},	 {"redir", redirect, false}, {"notrack", untrack, false},
	{"lookup", look_up, false},	 {"immediate", lead, true},  {"counter", NULL, false},
};

static int read_expression(struct nftnl_expr *expression, void *data)
{
	const char *name = nftnl_expr_get_str(expression, NFTNL_EXPR_NAME);
	struct reading *reading = data;

	for (size_t i = 0; i < sizeof(expressions) / sizeof(expressions[0]); i++) {
		if (strcmp(name, expressions[i].name))
			continue;
		if (expressions[i].loads)
			reading->loaded = LOADED_OTHER;
		if (expressions[i].read)
			expressions[i].read(reading, expression);
		return 0;
	}
	/* It may have written the register. */
	reading->loaded = LOADED_OTHER;
	return 0;
}

void em_others_rule_read(struct em_others_rule *out, struct nftnl_rule *rule)
{
	struct reading reading = {.rule = out};

	*out = (struct em_others_rule){.udp = true, .high = UINT16_MAX};
	nftnl_expr_foreach(rule, read_expression, &reading);
}
