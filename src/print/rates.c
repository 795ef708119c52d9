/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "print/rates.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "policy/names.h"
#include "print/human.h"

#define BAR_MAX	       20
#define NAME_WIDTH_MAX 40 /* columns; longer names push the rest of their line to the right */

struct em_rates_line {
	enum kind { LISTENER, RESULTS, ENTITY } kind;
	size_t listener;
	size_t row; /* ENTITY */
};

/* What has changed since `before`, in the shape of the policy that is in force now. */
static int subtract(struct em_stats **out, const struct em_snapshot *before,
		    const struct em_snapshot *now)
{
	struct em_stats *change __attribute__((cleanup(em_stats_freep))) = NULL;

	if (em_stats_new(&change, now->policy))
		return -ENOMEM;
	if (before) {
		em_stats_add(change, now->policy, before->stats, before->policy);
		em_stats_negate(change);
		em_stats_add(change, now->policy, now->stats, now->policy);
		/* A reset in between. */
		em_stats_settle(change);
	}
	em_stats_take_times(change, now->stats);
	*out = change;
	change = NULL;
	return 0;
}

static void widen(unsigned int *width, size_t needed)
{
	if (needed > NAME_WIDTH_MAX)
		needed = NAME_WIDTH_MAX;
	if (*width < needed)
		*width = (unsigned int)needed;
}

static void add_line(struct em_rates *rates, enum kind kind, size_t listener, size_t row)
{
	rates->lines[rates->n++] = (struct em_rates_line){kind, listener, row};
}

static void add_listener(struct em_rates *rates, size_t index)
{
	const struct em_rows *rows = &rates->rows[index];
	uint64_t packets = rates->change->listeners[index].total.packets;

	if (packets > rates->most_of_listeners)
		rates->most_of_listeners = packets;
	widen(&rates->name, strlen(rates->policy->listeners[index].name));
	add_line(rates, LISTENER, index, 0);
	add_line(rates, RESULTS, index, 0);
	for (size_t i = 0; i < rows->n; i++) {
		char name[EM_ROW_NAME_MAX];

		widen(&rates->name, 2 + em_utf8_columns(em_row_name(&rows->all[i], true, name)));
		if (rows->all[i].count.packets > rates->most_of_entities)
			rates->most_of_entities = rows->all[i].count.packets;
		add_line(rates, ENTITY, index, i);
	}
}

static int add_lines(struct em_rates *rates, const struct em_rows_wanted *wanted)
{
	size_t n = 0;

	for (size_t i = 0; i < rates->policy->n_listeners; i++)
		n += 2 + rates->rows[i].n;
	rates->lines = calloc(n + 1, sizeof(*rates->lines));
	if (!rates->lines)
		return -ENOMEM;
	for (size_t i = 0; i < rates->policy->n_listeners; i++)
		if (em_names_listener(wanted->names, &rates->policy->listeners[i]))
			add_listener(rates, i);
	return 0;
}

int em_rates_init(struct em_rates *out, const struct em_snapshot *before,
		  const struct em_snapshot *now, double seconds,
		  const struct em_rows_wanted *wanted)
{
	int rc;

	*out = (struct em_rates){
		.policy = now->policy, .seconds = before ? seconds : 0, .name = strlen("NAME")};
	rc = subtract(&out->change, before, now);
	if (rc)
		return rc;
	out->rows = calloc(now->policy->n_listeners + 1, sizeof(*out->rows));
	if (!out->rows)
		return -ENOMEM;
	for (size_t i = 0; !rc && i < now->policy->n_listeners; i++)
		rc = em_rows_init(&out->rows[i], now->policy, out->change, i, wanted);
	return rc ? rc : add_lines(out, wanted);
}

void em_rates_clear(struct em_rates *rates)
{
	for (size_t i = 0; rates->rows && i < rates->policy->n_listeners; i++)
		em_rows_clear(&rates->rows[i]);
	free(rates->rows);
	free(rates->lines);
	em_stats_free(rates->change);
	*rates = (struct em_rates){0};
}

static const char *rate(const struct em_rates *rates, uint64_t count, char text[EM_HUMAN_SIZE])
{
	if (rates->seconds > 0)
		return em_human(text, (double)count / rates->seconds);
	strcpy(text, "-");
	return text;
}

static void print_bar(FILE *out, uint64_t count, uint64_t most)
{
	unsigned int length = most ? (unsigned int)((double)count / (double)most * BAR_MAX) : 0;

	/* The least traffic can be told from none. */
	if (count && !length)
		length = 1;
	while (length--)
		fputc('#', out);
}

static void print_row(FILE *out, const struct em_rates *rates, const char *name, const char *port,
		      const struct em_count *count, uint64_t most)
{
	char packets[EM_HUMAN_SIZE], bytes[EM_HUMAN_SIZE];
	size_t columns = em_utf8_columns(name);

	em_utf8_print(out, name);
	fprintf(out, "%*s  %5s  %9s  %7s  ",
		columns < rates->name ? (int)(rates->name - columns) : 0, "", port,
		rate(rates, count->packets, packets), rate(rates, count->bytes, bytes));
	print_bar(out, count->packets, most);
}

/* The reasons are there where they matter: all of it is wider than 80 columns. */
static void print_invalid(FILE *out, const struct em_rates *rates,
			  const struct em_listener_stats *change)
{
	char text[EM_HUMAN_SIZE];
	uint64_t sum = 0;

	for (int reason = 0; reason < EM_REASONS; reason++)
		sum += change->invalid[reason];
	fprintf(out, ", invalid %s", rate(rates, sum, text));
	for (int reason = 0; sum && reason < EM_REASONS; reason++)
		fprintf(out, "%s%s %s", reason ? ", " : " (", em_reason_name(reason),
			rate(rates, change->invalid[reason], text));
	if (sum)
		fputc(')', out);
}

static void print_results(FILE *out, const struct em_rates *rates,
			  const struct em_listener_stats *change)
{
	const struct {
		const char *name;
		uint64_t count;
	} results[] = {{"  rewritten ", change->rewritten},
		       {", passed ", change->passed},
		       {", dropped ", change->dropped},
		       {", unknown ", change->unknown}};
	char text[EM_HUMAN_SIZE];

	for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++)
		fprintf(out, "%s%s", results[i].name, rate(rates, results[i].count, text));
	print_invalid(out, rates, change);
}

void em_rates_print_headings(FILE *out, const struct em_rates *rates)
{
	fprintf(out, "%-*s  %5s  %9s  %7s", (int)rates->name, "NAME", "PORT", "PACKETS/S",
		"BYTES/S");
}

static void print_entity(FILE *out, const struct em_rates *rates, const struct em_row *row)
{
	char name[2 + EM_ROW_NAME_MAX] = "  ", action[EM_ACTION_TEXT_MAX];

	em_row_name(row, true, name + 2);
	print_row(out, rates, name, em_action_format(&row->entity->action, action), &row->count,
		  rates->most_of_entities);
}

void em_rates_print_line(FILE *out, const struct em_rates *rates, size_t i)
{
	const struct em_rates_line *line = &rates->lines[i];
	const struct em_listener *listener = &rates->policy->listeners[line->listener];
	const struct em_listener_stats *change = &rates->change->listeners[line->listener];
	char port[8];

	switch (line->kind) {
	case LISTENER:
		snprintf(port, sizeof(port), "%u", listener->port);
		print_row(out, rates, listener->name, port, &change->total,
			  rates->most_of_listeners);
		break;
	case RESULTS:
		print_results(out, rates, change);
		break;
	case ENTITY:
		print_entity(out, rates, &rates->rows[line->listener].all[line->row]);
	}
}

bool em_rates_is_listener(const struct em_rates *rates, size_t i)
{
	return rates->lines[i].kind == LISTENER;
}
