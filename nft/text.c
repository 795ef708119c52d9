/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * text - a ruleset in nft's own language; see text.h.
 */
#include "text.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <string.h>

/* How a value is written. */
enum notation { HEX, NUMBER, ETHER_TYPE, L4PROTO, NFPROTO, IPV4, IPV6 };

static const struct {
	const char *name;
	uint8_t length;
	enum notation notation;
	const char *mask;
} fields[EM_FIELDS] = {
	[EM_FIELD_L4PROTO] = {"meta l4proto", 1, L4PROTO},
	[EM_FIELD_PROTOCOL] = {"meta protocol", 2, ETHER_TYPE},
	[EM_FIELD_ETHER_TYPE] = {"ether type", 2, ETHER_TYPE},
	[EM_FIELD_VLAN_ID] = {"vlan id", 2, NUMBER},
	[EM_FIELD_VLAN_TYPE] = {"vlan type", 2, ETHER_TYPE},
	[EM_FIELD_IP_FRAG_OFF] = {"ip frag-off", 2, NUMBER, " & 0x1fff"},
	[EM_FIELD_IP_SADDR] = {"ip saddr", 4, IPV4},
	[EM_FIELD_IP_DADDR] = {"ip daddr", 4, IPV4},
	[EM_FIELD_IP6_SADDR] = {"ip6 saddr", 16, IPV6},
	[EM_FIELD_IP6_DADDR] = {"ip6 daddr", 16, IPV6},
	[EM_FIELD_IP6_FRAG_OFF] = {"frag frag-off", 2, NUMBER},
	[EM_FIELD_UDP_DPORT] = {"udp dport", 2, NUMBER},
	[EM_FIELD_UDP_LENGTH] = {"udp length", 2, NUMBER},
	[EM_FIELD_UDP_CHECKSUM] = {"udp checksum", 2, NUMBER},
	[EM_FIELD_NFPROTO] = {"meta nfproto", 1, NFPROTO},
	[EM_FIELD_MARK] = {"meta mark", 4, HEX},
	[EM_FIELD_ZONE] = {"ct original zone", 2, NUMBER},
};

static uint8_t load_length(const struct em_load *load)
{
	return load->field == EM_FIELD_PAYLOAD ? load->length : fields[load->field].length;
}

static void print_hex(FILE *out, const uint8_t *bytes, size_t length)
{
	fputs("0x", out);
	for (size_t i = 0; i < length; i++)
		fprintf(out, "%02x", bytes[i]);
}

static unsigned int get_u16(const uint8_t *bytes)
{
	return bytes[0] << 8 | bytes[1];
}

static void print_ether_type(FILE *out, unsigned int type)
{
	fputs(type == ETH_P_IP	     ? "ip"
	      : type == ETH_P_IPV6   ? "ip6"
	      : type == ETH_P_8021AD ? "8021ad"
				     : "8021q",
	      out);
}

static void print_value(FILE *out, const struct em_load *load, const uint8_t *bytes)
{
	char text[INET6_ADDRSTRLEN];

	switch (fields[load->field].notation) {
	case HEX:
		print_hex(out, bytes, load_length(load));
		break;
	case NUMBER:
		fprintf(out, "%u", get_u16(bytes));
		break;
	case ETHER_TYPE:
		print_ether_type(out, get_u16(bytes));
		break;
	case L4PROTO:
		fputs(bytes[0] == IPPROTO_UDP ? "udp" : "tcp", out);
		break;
	case NFPROTO:
		fputs(bytes[0] == AF_INET ? "ipv4" : "ipv6", out);
		break;
	case IPV4:
		fputs(inet_ntop(AF_INET, bytes, text, sizeof(text)), out);
		break;
	case IPV6:
		fputs(inet_ntop(AF_INET6, bytes, text, sizeof(text)), out);
		break;
	}
}

static void print_bits(FILE *out, const struct em_load *load)
{
	fprintf(out, "@th,%u,%u", load->offset * 8, load->length * 8);
}

static void print_load(FILE *out, const struct em_load *load)
{
	if (load->field == EM_FIELD_PAYLOAD)
		print_bits(out, load);
	else
		fputs(fields[load->field].name, out);
	if (fields[load->field].mask)
		fputs(fields[load->field].mask, out);
	if (load->masked) {
		fputs(" & ", out);
		print_hex(out, load->mask, load_length(load));
	}
}

/* Of the parts of a concatenation, nft takes a mask without parentheses only in the first. */
static void print_loads(FILE *out, const struct em_statement *statement)
{
	for (uint8_t i = 0; i < statement->n_loads; i++) {
		bool group = i > 0 && statement->loads[i].masked;

		fputs(i ? " . " : "", out);
		fputs(group ? "(" : "", out);
		print_load(out, &statement->loads[i]);
		fputs(group ? ")" : "", out);
	}
}

static void print_name(FILE *out, const struct em_identifier *name)
{
	char text[EM_IDENTIFIER_MAX];

	fputs(em_identifier_format(name, text), out);
}

static void print_entries(FILE *out, const struct em_statement *statement)
{
	fputs(" vmap {", out);
	for (size_t e = 0; e < statement->n_entries; e++) {
		const struct em_entry *entry = &statement->entries[e];
		size_t at = 0;

		fputs(e ? ",\n\t\t\t" : statement->n_entries > 1 ? "\n\t\t\t" : " ", out);
		for (uint8_t i = 0; i < statement->n_loads; i++) {
			fputs(i ? " . " : "", out);
			print_value(out, &statement->loads[i], entry->key + at);
			at += (load_length(&statement->loads[i]) + 3) & ~3;
		}
		fputs(" : goto ", out);
		print_name(out, &entry->chain);
	}
	fputs(statement->n_entries > 1 ? "\n\t\t}" : " }", out);
}

static void print_target(FILE *out, const char *before, const struct em_statement *statement,
			 const char *after)
{
	fputs(before, out);
	print_name(out, &statement->target);
	fputs(after, out);
}

static void print_match(FILE *out, const struct em_statement *statement, const char *operator)
{
	const struct em_load *load = &statement->loads[0];

	print_load(out, load);
	fputs(operator, out);
	print_value(out, load, statement->low);
	if (statement->kind == EM_STATEMENT_RANGE) {
		fputs("-", out);
		print_value(out, load, statement->high);
	}
}

static void print_mark(FILE *out, const uint8_t *mark)
{
	static const uint8_t none[4];

	fprintf(out, "meta mark set meta mark & 0x%08x", ~EM_MARK_MASK);
	if (memcmp(mark, none, sizeof(none))) {
		fputs(" | ", out);
		print_hex(out, mark, sizeof(none));
	}
}

static void print_statement(FILE *out, const struct em_statement *statement)
{
	struct em_load written = {.field = statement->written};

	switch (statement->kind) {
	case EM_STATEMENT_EQUAL:
		print_match(out, statement, statement->loads[0].masked ? " == " : " ");
		break;
	case EM_STATEMENT_NOT_EQUAL:
		print_match(out, statement, " != ");
		break;
	case EM_STATEMENT_RANGE:
		print_match(out, statement, " ");
		break;
	case EM_STATEMENT_IN_FRAME:
		print_load(out, &statement->loads[0]);
		fputs(" >= 0", out);
		break;
	case EM_STATEMENT_IN:
		print_loads(out, statement);
		print_target(out, " @", statement, "");
		break;
	case EM_STATEMENT_NOT_IN:
		print_load(out, &statement->loads[0]);
		print_target(out, " != @", statement, "");
		break;
	case EM_STATEMENT_DISPATCH:
		print_loads(out, statement);
		print_entries(out, statement);
		break;
	case EM_STATEMENT_SET_MAPPED:
		fprintf(out, "%s set ", fields[statement->written].name);
		print_loads(out, statement);
		print_target(out, " map @", statement, "");
		break;
	case EM_STATEMENT_SET:
		fprintf(out, "%s set ", fields[statement->written].name);
		print_value(out, &written, statement->low);
		break;
	case EM_STATEMENT_SET_MARK:
		print_mark(out, statement->low);
		break;
	case EM_STATEMENT_TIMEOUT:
		print_target(out, "ct timeout set \"", statement, "\"");
		break;
	case EM_STATEMENT_TRANSLATE:
		fputs("dnat to :", out);
		print_load(out, &statement->loads[0]);
		print_target(out, " map @", statement, "");
		break;
	case EM_STATEMENT_COUNT:
		print_target(out, "counter name \"", statement, "\"");
		break;
	case EM_STATEMENT_COUNT_MAPPED:
		fputs("counter name ", out);
		print_loads(out, statement);
		print_target(out, " map @", statement, "");
		break;
	case EM_STATEMENT_JUMP:
		print_target(out, "jump ", statement, "");
		break;
	case EM_STATEMENT_GOTO:
		print_target(out, "goto ", statement, "");
		break;
	case EM_STATEMENT_RETURN:
		fputs("return", out);
		break;
	case EM_STATEMENT_ACCEPT:
		fputs("accept", out);
		break;
	case EM_STATEMENT_DROP:
		fputs("drop", out);
		break;
	}
}

static void print_chain(FILE *out, const struct em_chain *chain)
{
	fputs("\n\tchain ", out);
	print_name(out, &chain->name);
	fputs(" {\n", out);
	for (size_t r = 0; r < chain->n_rules; r++) {
		const struct em_rule *rule = &chain->rules[r];

		for (size_t s = 0; s < rule->n_statements; s++) {
			fputs(s ? " " : "\t\t", out);
			print_statement(out, &rule->statements[s]);
		}
		fputs("\n", out);
	}
	fputs("\t}\n", out);
}

static void print_base(FILE *out, const char *interface, uint32_t generation)
{
	struct em_identifier base = em_ruleset_base(interface);
	struct em_identifier dispatch = em_ruleset_dispatch(generation, interface);

	fputs("\n\tchain ", out);
	print_name(out, &base);
	fprintf(out, " {\n\t\ttype filter hook ingress device \"%s\" priority %d; policy accept;\n",
		interface, EM_RULESET_PRIORITY);
	fputs("\t\tgoto ", out);
	print_name(out, &dispatch);
	fputs("\n\t}\n", out);
}

/* The length of the prefix that a range is, or -1. */
static int prefix_length(const struct em_range *range, size_t length)
{
	unsigned int bit = 0;

	while (bit < length * 8 &&
	       !((range->first[bit / 8] ^ range->last[bit / 8]) & 0x80 >> bit % 8))
		bit++;
	for (unsigned int i = bit; i < length * 8; i++)
		if (range->first[i / 8] & 0x80 >> i % 8 || !(range->last[i / 8] & 0x80 >> i % 8))
			return -1;
	return bit;
}

static void print_range(FILE *out, const struct em_load *load, const struct em_range *range)
{
	size_t length = load_length(load);
	int prefix = prefix_length(range, length);

	print_value(out, load, range->first);
	if (prefix < 0) {
		fputs("-", out);
		print_value(out, load, range->last);
	} else if ((size_t)prefix < length * 8) {
		fprintf(out, "/%d", prefix);
	}
}

static void print_set(FILE *out, const struct em_set *set)
{
	struct em_load load = {.field = set->family == AF_INET ? EM_FIELD_IP_SADDR
							       : EM_FIELD_IP6_SADDR};

	fputs("\n\tset ", out);
	print_name(out, &set->name);
	fprintf(out, " {\n\t\ttype %s\n\t\tflags interval\n\t\telements = {\n",
		set->family == AF_INET ? "ipv4_addr" : "ipv6_addr");
	for (size_t i = 0; i < set->n_ranges; i++) {
		fputs("\t\t\t", out);
		print_range(out, &load, &set->ranges[i]);
		fputs(",\n", out);
	}
	fputs("\t\t}\n\t}\n", out);
}

static void print_key_type(FILE *out, const struct em_identifier *name, const char *kind,
			   const struct em_key *key)
{
	fprintf(out, "\n\t%s ", kind);
	print_name(out, name);
	fputs(" {\n\t\ttypeof ", out);
	for (uint8_t i = 0; i < key->n_loads; i++) {
		fputs(i ? " . " : "", out);
		print_bits(out, &key->loads[i]);
	}
}

/* What an entity's tag leads to. */
enum data { NOTHING, PORT, ZONE };

static void print_entity(FILE *out, const struct em_listener *listener, const struct em_key *key,
			 const struct em_entity *entity, enum data data)
{
	fputs("\t\t\t", out);
	for (uint8_t i = 0; i < key->n_loads; i++) {
		fputs(i ? " . " : "", out);
		print_hex(out, entity->tag + key->tag_offset[i], key->loads[i].length);
	}
	if (entity->name)
		fprintf(out, " comment \"%s\"", entity->name);
	if (data == PORT)
		fprintf(out, " : %u", entity->port);
	else if (data == ZONE)
		fprintf(out, " : %u", em_ruleset_zone(listener, entity->port));
	fputs(",\n", out);
}

static void print_entities(FILE *out, const struct em_listener *listener, const struct em_key *key,
			   enum data data)
{
	if (listener->n_entities) {
		fputs("\t\telements = {\n", out);
		for (size_t i = 0; i < listener->n_entities; i++)
			print_entity(out, listener, key, &listener->entities[i], data);
		fputs("\t\t}\n", out);
	}
	fputs("\t}\n", out);
}

static void print_map(FILE *out, const struct em_listener *listener, uint32_t generation)
{
	struct em_identifier name = em_ruleset_map(generation, listener);
	struct em_key key;

	em_ruleset_key(listener, &key);
	print_key_type(out, &name, listener->replies ? "set" : "map", &key);
	fputs(listener->replies ? "\n\t\tcounter\n" : " : udp dport\n\t\tcounter\n", out);
	print_entities(out, listener, &key, listener->replies ? NOTHING : PORT);
}

static void print_counters(FILE *out, const struct em_listener *listener, uint32_t generation)
{
	for (int i = 0; i < EM_COUNTERS; i++) {
		struct em_identifier name = em_ruleset_counter(generation, listener, i);

		fputs("\tcounter ", out);
		print_name(out, &name);
		fputs(" { }\n", out);
	}
}

/* Table inet. */

static void print_timeout(FILE *out, uint32_t seconds, uint8_t family)
{
	struct em_identifier name = em_ruleset_timeout(seconds, family);

	fputs("\tct timeout ", out);
	print_name(out, &name);
	fprintf(out,
		" {\n\t\tprotocol udp\n\t\tl3proto %s\n"
		"\t\tpolicy = { unreplied : %u, replied : %u }\n\t}\n",
		name.owner, seconds, seconds);
}

static void print_zones(FILE *out, const struct em_listener *listener, uint32_t generation)
{
	struct em_identifier name = em_ruleset_zones(generation, listener);
	struct em_key key;

	em_ruleset_key(listener, &key);
	print_key_type(out, &name, "map", &key);
	fputs(" : ct original zone\n", out);
	print_entities(out, listener, &key, ZONE);
}

static void print_conversations(FILE *out, const struct em_ruleset *ruleset, uint32_t seconds)
{
	struct em_identifier name = em_ruleset_conversations(ruleset->generation, seconds);

	fputs("\n\tset ", out);
	print_name(out, &name);
	fputs(" {\n\t\ttypeof udp dport . ct original zone\n\t\telements = {\n", out);
	for (size_t i = 0; i < ruleset->conversations.n; i++) {
		const struct em_conversation *conversation = &ruleset->conversations.all[i];

		if (conversation->timeout == seconds)
			fprintf(out, "\t\t\t%u . %u,\n", conversation->known, conversation->target);
	}
	fputs("\t\t}\n\t}\n", out);
}

static void print_ports(FILE *out, const struct em_ruleset *ruleset)
{
	const struct em_conversations *conversations = &ruleset->conversations;
	struct em_identifier name = em_ruleset_ports(ruleset->generation);

	fputs("\n\tmap ", out);
	print_name(out, &name);
	fputs(" {\n\t\ttypeof ct original zone : udp dport\n", out);
	fputs(conversations->n ? "\t\telements = {\n" : "", out);
	for (size_t i = 0; i < conversations->n; i++) {
		uint16_t target = conversations->all[i].target;

		if (i == 0 || target != conversations->all[i - 1].target)
			fprintf(out, "\t\t\t%u : %u,\n", target, target);
	}
	fputs(conversations->n ? "\t\t}\n\t}\n" : "\t}\n", out);
}

static void print_inet_base(FILE *out, enum em_base which, uint32_t generation)
{
	const struct em_base_chain *base = &em_ruleset_bases[which];
	struct em_identifier entry = em_ruleset_entry(generation, which);

	fputs("\n\tchain ", out);
	print_name(out, &base->name);
	fprintf(out, " {\n\t\ttype %s hook prerouting priority %d; policy accept;\n\t\tjump ",
		base->type, base->priority);
	print_name(out, &entry);
	fputs("\n\t}\n", out);
}

/* What is printed is what is there afterwards, and nothing else under this name. */
static void open_table(FILE *out, const char *family)
{
	fprintf(out,
		"table %s " EM_RULESET_TABLE "\n"
		"delete table %s " EM_RULESET_TABLE "\n"
		"\n"
		"table %s " EM_RULESET_TABLE " {\n",
		family, family, family);
}

static void print_chains(FILE *out, const struct em_ruleset *ruleset, enum em_table table)
{
	for (size_t i = 0; i < ruleset->n_chains; i++)
		if (ruleset->chains[i].table == table)
			print_chain(out, &ruleset->chains[i]);
}

static void print_inet(FILE *out, const struct em_ruleset *ruleset)
{
	const struct em_policy *policy = ruleset->policy;

	fputs("\n", out);
	open_table(out, "inet");
	for (size_t i = 0; i < ruleset->n_timeouts; i++) {
		fputs(i ? "\n" : "", out);
		print_timeout(out, ruleset->timeouts[i], AF_INET);
		fputs("\n", out);
		print_timeout(out, ruleset->timeouts[i], AF_INET6);
	}
	for (size_t i = 0; i < policy->n_listeners; i++)
		if (policy->listeners[i].replies)
			print_zones(out, &policy->listeners[i], ruleset->generation);
	for (size_t i = 0; i < ruleset->n_timeouts; i++)
		print_conversations(out, ruleset, ruleset->timeouts[i]);
	print_ports(out, ruleset);
	print_chains(out, ruleset, EM_TABLE_INET);
	for (int i = 0; i < EM_BASES; i++)
		print_inet_base(out, i, ruleset->generation);
	fputs("}\n", out);
}

void em_text_print(FILE *out, const struct em_ruleset *ruleset)
{
	const struct em_policy *policy = ruleset->policy;

	fputs("# Written by `entitymux ruleset`; see entitymux(8).  For `nft -f`: replaces what "
	      "is\n"
	      "# there under this name in one transaction, and touches nothing else.\n",
	      out);
	open_table(out, "netdev");
	for (size_t i = 0; i < policy->n_listeners; i++)
		print_counters(out, &policy->listeners[i], ruleset->generation);
	for (size_t i = 0; i < ruleset->n_sets; i++)
		print_set(out, &ruleset->sets[i]);
	for (size_t i = 0; i < policy->n_listeners; i++)
		print_map(out, &policy->listeners[i], ruleset->generation);
	print_chains(out, ruleset, EM_TABLE_NETDEV);
	for (size_t i = 0; i < ruleset->n_interfaces; i++)
		print_base(out, ruleset->interfaces[i], ruleset->generation);
	fputs("}\n", out);
	if (ruleset->replies)
		print_inet(out, ruleset);
}
