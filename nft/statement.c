/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * statement - the statements of a rule in nft's own language; see statement.h.
 */
#include "nft/statement.h"

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
	[EM_FIELD_IP6_HOPLIMIT] = {"ip6 hoplimit", 1, HEX},
	[EM_FIELD_IP6_FRAG_OFF] = {"frag frag-off", 2, NUMBER},
	[EM_FIELD_UDP_DPORT] = {"udp dport", 2, NUMBER},
	[EM_FIELD_UDP_LENGTH] = {"udp length", 2, NUMBER},
	[EM_FIELD_UDP_CHECKSUM] = {"udp checksum", 2, NUMBER},
	[EM_FIELD_NFPROTO] = {"meta nfproto", 1, NFPROTO},
	[EM_FIELD_MARK] = {"meta mark", 4, HEX},
	[EM_FIELD_ZONE] = {"ct original zone", 2, NUMBER},
};

uint8_t em_statement_length(const struct em_load *load)
{
	return load->field == EM_FIELD_PAYLOAD ? load->length : fields[load->field].length;
}

void em_statement_print_hex(FILE *out, const uint8_t *bytes, size_t length)
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

void em_statement_print_value(FILE *out, const struct em_load *load, const uint8_t *bytes)
{
	char text[INET6_ADDRSTRLEN];

	switch (fields[load->field].notation) {
	case HEX:
		em_statement_print_hex(out, bytes, em_statement_length(load));
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

void em_statement_print_bits(FILE *out, const struct em_load *load)
{
	fprintf(out, "@th,%u,%u", load->offset * 8, load->length * 8);
}

static void print_load(FILE *out, const struct em_load *load)
{
	if (load->field == EM_FIELD_PAYLOAD)
		em_statement_print_bits(out, load);
	else
		fputs(fields[load->field].name, out);
	if (fields[load->field].mask)
		fputs(fields[load->field].mask, out);
	if (load->masked) {
		fputs(" & ", out);
		em_statement_print_hex(out, load->mask, em_statement_length(load));
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

void em_statement_print_name(FILE *out, const struct em_identifier *name)
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
			em_statement_print_value(out, &statement->loads[i], entry->key + at);
			at += (em_statement_length(&statement->loads[i]) + 3) & ~3;
		}
		fputs(" : goto ", out);
		em_statement_print_name(out, &entry->chain);
	}
	fputs(statement->n_entries > 1 ? "\n\t\t}" : " }", out);
}

static void print_target(FILE *out, const char *before, const struct em_statement *statement,
			 const char *after)
{
	fputs(before, out);
	em_statement_print_name(out, &statement->target);
	fputs(after, out);
}

static void print_match(FILE *out, const struct em_statement *statement, const char *operator)
{
	const struct em_load *load = &statement->loads[0];

	print_load(out, load);
	fputs(operator, out);
	em_statement_print_value(out, load, statement->low);
	if (statement->kind == EM_STATEMENT_RANGE) {
		fputs("-", out);
		em_statement_print_value(out, load, statement->high);
	}
}

static void print_mark(FILE *out, const uint8_t *mark)
{
	static const uint8_t none[4];

	fprintf(out, "meta mark set meta mark & 0x%08x", ~EM_MARK_MASK);
	if (memcmp(mark, none, sizeof(none))) {
		fputs(" | ", out);
		em_statement_print_hex(out, mark, sizeof(none));
	}
}

void em_statement_print(FILE *out, const struct em_statement *statement)
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
	case EM_STATEMENT_COPY:
		fprintf(out, "%s set ", fields[statement->written].name);
		print_loads(out, statement);
		break;
	case EM_STATEMENT_SET:
		fprintf(out, "%s set ", fields[statement->written].name);
		em_statement_print_value(out, &written, statement->low);
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
