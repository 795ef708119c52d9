/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * statement - what a rule is made of; see statement.h.
 */
#include "nft/statement.h"
#include "nft/uapi.h"

#include <linux/if_ether.h>
#include <string.h>

#include "engine/plan.h"
#include "host/ifb.h"

void em_print_name(FILE *out, const struct em_identifier *name)
{
	char text[EM_IDENTIFIER_MAX];

	fputs(em_identifier_format(name, text), out);
}

static void print_loads(FILE *out, const struct em_statement *statement)
{
	em_loads_print(out, statement->loads, statement->n_loads);
}

static void print_target(FILE *out, const char *before, const struct em_statement *statement,
			 const char *after)
{
	fputs(before, out);
	em_print_name(out, &statement->target);
	fputs(after, out);
}

static void lower_loads(struct em_lowering *l, const struct em_statement *statement)
{
	em_expression_loads(l, statement->loads, statement->n_loads);
}

static const char *target(const struct em_statement *statement, char text[EM_IDENTIFIER_MAX])
{
	return em_identifier_format(&statement->target, text);
}

/* Comparisons. */

static void print_compared(FILE *out, const struct em_statement *statement, const char *operator)
{
	print_loads(out, statement);
	fputs(operator, out);
	em_load_print_value(out, &statement->loads[0], statement->low);
}

static void lower_compared(struct em_lowering *l, const struct em_statement *statement, uint32_t op)
{
	lower_loads(l, statement);
	em_expression_compare(l, op, &statement->loads[0], statement->low);
}

static void print_equal(FILE *out, const struct em_statement *statement)
{
	print_compared(out, statement, statement->loads[0].masked ? " == " : " ");
}

/* Of the type of a tagged frame, nft takes for granted what follows. */
static void lower_equal(struct em_lowering *l, const struct em_statement *statement)
{
	static const uint8_t ip6[2] = {ETH_P_IPV6 >> 8, ETH_P_IPV6 & 0xff};

	lower_compared(l, statement, NFT_CMP_EQ);
	if (statement->loads[0].field == EM_FIELD_VLAN_TYPE &&
	    !memcmp(statement->low, ip6, sizeof(ip6)))
		l->known |= 1U << EM_ON_IP6;
}

static void print_not_equal(FILE *out, const struct em_statement *statement)
{
	print_compared(out, statement, " != ");
}

static void lower_not_equal(struct em_lowering *l, const struct em_statement *statement)
{
	lower_compared(l, statement, NFT_CMP_NEQ);
}

static void print_range(FILE *out, const struct em_statement *statement)
{
	print_compared(out, statement, statement->loads[0].masked ? " == " : " ");
	fputs("-", out);
	em_load_print_value(out, &statement->loads[0], statement->high);
}

/*
 * nft 1.1.3 lists a comparison under a mask that is no run of bits as one of other bits, but not a
 * range.
 */
static void lower_range(struct em_lowering *l, const struct em_statement *statement)
{
	if (statement->loads[0].masked) {
		lower_loads(l, statement);
		em_expression_range(l, &statement->loads[0], statement->low, statement->high);
		return;
	}
	lower_compared(l, statement, NFT_CMP_GTE);
	em_expression_compare(l, NFT_CMP_LTE, &statement->loads[0], statement->high);
}

static void print_in_frame(FILE *out, const struct em_statement *statement)
{
	print_loads(out, statement);
	fputs(" >= 0", out);
}

static void lower_in_frame(struct em_lowering *l, const struct em_statement *statement)
{
	lower_compared(l, statement, NFT_CMP_GTE);
}

/* Lookups. */

static void print_in(FILE *out, const struct em_statement *statement)
{
	print_loads(out, statement);
	print_target(out, " @", statement, "");
}

static void lower_in(struct em_lowering *l, const struct em_statement *statement)
{
	char text[EM_IDENTIFIER_MAX];

	lower_loads(l, statement);
	em_expression_lookup(l, target(statement, text), false);
}

static void print_not_in(FILE *out, const struct em_statement *statement)
{
	print_loads(out, statement);
	print_target(out, " != @", statement, "");
}

static void lower_not_in(struct em_lowering *l, const struct em_statement *statement)
{
	char text[EM_IDENTIFIER_MAX];

	lower_loads(l, statement);
	em_expression_lookup(l, target(statement, text), true);
}

static void print_entry(FILE *out, const struct em_statement *statement, size_t i)
{
	const struct em_entry *entry = &statement->entries[i];

	em_loads_print_values(out, statement->loads, statement->n_loads, entry->key);
	fputs(" : goto ", out);
	em_print_name(out, &entry->chain);
}

static void print_dispatch(FILE *out, const struct em_statement *statement)
{
	size_t n = statement->n_entries;

	print_loads(out, statement);
	fputs(" vmap {", out);
	for (size_t i = 0; i < n; i++) {
		fputs(i ? ",\n\t\t\t" : n > 1 ? "\n\t\t\t" : " ", out);
		print_entry(out, statement, i);
	}
	fputs(n > 1 ? "\n\t\t}" : " }", out);
}

static void lower_dispatch(struct em_lowering *l, const struct em_statement *statement)
{
	lower_loads(l, statement);
	em_expression_lookup_verdict(l);
}

/* What is written. */

static void print_written(FILE *out, const struct em_statement *statement)
{
	fprintf(out, "%s set ", em_fields[statement->written].name);
}

static void print_set_mapped(FILE *out, const struct em_statement *statement)
{
	print_written(out, statement);
	print_loads(out, statement);
	print_target(out, " map @", statement, "");
}

static void lower_set_mapped(struct em_lowering *l, const struct em_statement *statement)
{
	char text[EM_IDENTIFIER_MAX];

	em_expression_require(l, em_fields[statement->written].dependency);
	lower_loads(l, statement);
	em_expression_lookup_data(l, target(statement, text));
	em_expression_write(l, statement->written);
}

static void print_copy(FILE *out, const struct em_statement *statement)
{
	print_written(out, statement);
	print_loads(out, statement);
}

static void lower_copy(struct em_lowering *l, const struct em_statement *statement)
{
	lower_loads(l, statement);
	em_expression_write(l, statement->written);
}

static void print_set(FILE *out, const struct em_statement *statement)
{
	const struct em_load written = {.field = statement->written};

	print_written(out, statement);
	em_load_print_value(out, &written, statement->low);
}

static void lower_set(struct em_lowering *l, const struct em_statement *statement)
{
	em_expression_require(l, em_fields[statement->written].dependency);
	em_expression_value(l, statement->written, statement->low);
	em_expression_write(l, statement->written);
}

/* nft writes raw bytes, and lets no checksum follow. */
static void print_set_quoted(FILE *out, const struct em_statement *statement)
{
	print_loads(out, statement);
	fputs(" set ", out);
	em_load_print_value(out, &statement->loads[0], statement->low);
}

static void lower_set_quoted(struct em_lowering *l, const struct em_statement *statement)
{
	em_expression_write_quoted(l, &statement->loads[0], statement->low, statement->checksum);
}

static void print_update(FILE *out, const struct em_statement *statement)
{
	print_target(out, "update @", statement, " { ");
	print_loads(out, statement);
	fprintf(out, " timeout %us%s", statement->seconds, statement->counting ? " counter" : "");
	if (statement->noting)
		fprintf(out, " : %s", em_fields[statement->written].name);
	fputs(" }", out);
}

static void lower_update(struct em_lowering *l, const struct em_statement *statement)
{
	char text[EM_IDENTIFIER_MAX];

	if (statement->noting)
		em_expression_note(l, statement->written, statement->loads, statement->n_loads);
	else
		lower_loads(l, statement);
	em_expression_update(l, target(statement, text), statement->seconds, statement->counting);
}

static void print_set_mark(FILE *out, const struct em_statement *statement)
{
	static const uint8_t none[4];

	fprintf(out, "meta mark set meta mark & 0x%08x", ~EM_MARK_MASK);
	if (memcmp(statement->low, none, sizeof(none))) {
		fputs(" | ", out);
		em_print_hex(out, statement->low, sizeof(none));
	}
}

static void lower_set_mark(struct em_lowering *l, const struct em_statement *statement)
{
	const struct em_load mark = {.field = EM_FIELD_MARK};
	const uint32_t others = ~EM_MARK_MASK;
	uint8_t value[sizeof(others)];

	em_load_value(&mark, statement->low, value);
	em_expression_loads(l, &mark, 1);
	em_expression_bits(l, (const uint8_t *)&others, value);
	em_expression_write(l, EM_FIELD_MARK);
}

/* Conntrack. */

static void print_timeout(FILE *out, const struct em_statement *statement)
{
	print_target(out, "ct timeout set \"", statement, "\"");
}

static void lower_timeout(struct em_lowering *l, const struct em_statement *statement)
{
	char text[EM_IDENTIFIER_MAX];

	em_expression_object(l, NFT_OBJECT_CT_TIMEOUT, target(statement, text));
}

static void print_translate(FILE *out, const struct em_statement *statement)
{
	fputs("dnat to :", out);
	print_loads(out, statement);
	print_target(out, " map @", statement, "");
}

static void lower_translate(struct em_lowering *l, const struct em_statement *statement)
{
	char text[EM_IDENTIFIER_MAX];

	lower_loads(l, statement);
	em_expression_lookup_data(l, target(statement, text));
	em_expression_translate(l);
}

/* Counters. */

static void print_count(FILE *out, const struct em_statement *statement)
{
	print_target(out, "counter name \"", statement, "\"");
}

static void lower_count(struct em_lowering *l, const struct em_statement *statement)
{
	char text[EM_IDENTIFIER_MAX];

	em_expression_object(l, NFT_OBJECT_COUNTER, target(statement, text));
}

static void print_count_mapped(FILE *out, const struct em_statement *statement)
{
	fputs("counter name ", out);
	print_loads(out, statement);
	print_target(out, " map @", statement, "");
}

static void lower_count_mapped(struct em_lowering *l, const struct em_statement *statement)
{
	char text[EM_IDENTIFIER_MAX];

	lower_loads(l, statement);
	em_expression_object_mapped(l, target(statement, text));
}

/* Copies. */

#define LOG_EACH_SECOND 1000
#define LOG_BURST	100

static void print_log(FILE *out, const struct em_statement *statement)
{
	fprintf(out, "limit rate %u/second burst %u packets ", LOG_EACH_SECOND, LOG_BURST);
	print_target(out, "log prefix \"", statement, "\"");
	fprintf(out, " group %u snaplen %u", statement->group, EM_SAMPLE_BYTES);
}

static void lower_log(struct em_lowering *l, const struct em_statement *statement)
{
	char text[EM_IDENTIFIER_MAX];

	em_expression_limit(l, LOG_EACH_SECOND, LOG_BURST);
	em_expression_log(l, statement->group, EM_SAMPLE_BYTES, target(statement, text));
}

static void print_to_device(FILE *out, const struct em_statement *statement)
{
	fputs(statement->kind == EM_STATEMENT_FORWARD ? "fwd" : "dup", out);
	fputs(" to \"" EM_IFB_NAME "\"", out);
}

static void lower_to_device(struct em_lowering *l, const struct em_statement *statement)
{
	em_expression_to_device(l, statement->kind == EM_STATEMENT_FORWARD, statement->ifindex);
}

/* `ruleset` prints no such rules. */
static void print_note(FILE *out, const struct em_statement *statement)
{
	print_copy(out, statement);
}

static void lower_note(struct em_lowering *l, const struct em_statement *statement)
{
	lower_loads(l, statement);
	em_expression_bits(l, statement->high, statement->low);
	em_expression_write(l, EM_FIELD_PRIORITY);
}

/* Verdicts. */

static void print_jump(FILE *out, const struct em_statement *statement)
{
	print_target(out, "jump ", statement, "");
}

static void lower_jump(struct em_lowering *l, const struct em_statement *statement)
{
	char text[EM_IDENTIFIER_MAX];

	em_expression_verdict(l, NFT_JUMP, target(statement, text));
}

static void print_goto(FILE *out, const struct em_statement *statement)
{
	print_target(out, "goto ", statement, "");
}

static void lower_goto(struct em_lowering *l, const struct em_statement *statement)
{
	char text[EM_IDENTIFIER_MAX];

	em_expression_verdict(l, NFT_GOTO, target(statement, text));
}

static void print_end(FILE *out, const struct em_statement *statement)
{
	fputs(statement->kind == EM_STATEMENT_RETURN   ? "return"
	      : statement->kind == EM_STATEMENT_ACCEPT ? "accept"
						       : "drop",
	      out);
}

static void lower_end(struct em_lowering *l, const struct em_statement *statement)
{
	em_expression_verdict(l,
			      statement->kind == EM_STATEMENT_RETURN   ? (uint32_t)NFT_RETURN
			      : statement->kind == EM_STATEMENT_ACCEPT ? NF_ACCEPT
								       : NF_DROP,
			      NULL);
}

static const struct {
	void (*print)(FILE *out, const struct em_statement *statement);
	void (*lower)(struct em_lowering *l, const struct em_statement *statement);
	const char *purpose; /* NULL: every kernel has it */
} kinds[] = {
	[EM_STATEMENT_EQUAL] = {print_equal, lower_equal},
	[EM_STATEMENT_NOT_EQUAL] = {print_not_equal, lower_not_equal},
	[EM_STATEMENT_RANGE] = {print_range, lower_range},
	[EM_STATEMENT_IN_FRAME] = {print_in_frame, lower_in_frame},
	[EM_STATEMENT_IN] = {print_in, lower_in},
	[EM_STATEMENT_NOT_IN] = {print_not_in, lower_not_in},
	[EM_STATEMENT_DISPATCH] = {print_dispatch, lower_dispatch},
	[EM_STATEMENT_SET_MAPPED] = {print_set_mapped, lower_set_mapped},
	[EM_STATEMENT_SET_QUOTED] = {print_set_quoted, lower_set_quoted},
	[EM_STATEMENT_UPDATE] = {print_update, lower_update, "add elements to sets"},
	[EM_STATEMENT_COPY] = {print_copy, lower_copy},
	[EM_STATEMENT_SET] = {print_set, lower_set},
	[EM_STATEMENT_SET_MARK] = {print_set_mark, lower_set_mark},
	[EM_STATEMENT_TIMEOUT] = {print_timeout, lower_timeout, "set conntrack timeouts"},
	[EM_STATEMENT_TRANSLATE] = {print_translate, lower_translate,
				    "translate addresses in family inet"},
	[EM_STATEMENT_COUNT] = {print_count, lower_count},
	[EM_STATEMENT_COUNT_MAPPED] = {print_count_mapped, lower_count_mapped},
	[EM_STATEMENT_LOG] = {print_log, lower_log, "copy packets to the log"},
	[EM_STATEMENT_FORWARD] = {print_to_device, lower_to_device, "forward to a device"},
	[EM_STATEMENT_DUPLICATE] = {print_to_device, lower_to_device, "duplicate to a device"},
	[EM_STATEMENT_NOTE] = {print_note, lower_note},
	[EM_STATEMENT_JUMP] = {print_jump, lower_jump},
	[EM_STATEMENT_GOTO] = {print_goto, lower_goto},
	[EM_STATEMENT_RETURN] = {print_end, lower_end},
	[EM_STATEMENT_ACCEPT] = {print_end, lower_end},
	[EM_STATEMENT_DROP] = {print_end, lower_end},
};

void em_statement_print(FILE *out, const struct em_statement *statement)
{
	kinds[statement->kind].print(out, statement);
}

void em_statement_lower(struct em_lowering *l, const struct em_statement *statement)
{
	kinds[statement->kind].lower(l, statement);
}

bool em_rule_is_printable(const struct em_rule *rule)
{
	for (size_t s = 0; s < rule->n_statements; s++)
		if (rule->statements[s].kind == EM_STATEMENT_SET_QUOTED)
			return false;
	return true;
}

const char *em_statement_purpose(const struct em_statement *statement)
{
	return statement->written == EM_FIELD_ZONE ? "set conntrack zones"
						   : kinds[statement->kind].purpose;
}
