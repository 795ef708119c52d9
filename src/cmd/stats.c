/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/replace.h"
#include "cmd/cmd.h"
#include "policy/names.h"
#include "print/print.h"

struct options {
	bool prometheus;
	bool reset;
	const char *output;
	const char *sort;
	const char *top;
};

/* By enum em_rows_order. */
static const char *const orders[] = {
	[EM_ROWS_AS_CONFIGURED] = "config",
	[EM_ROWS_BY_NAME] = "name",
	[EM_ROWS_BY_PACKETS] = "packets",
	[EM_ROWS_BY_BYTES] = "bytes",
	NULL,
};

static const struct em_option options[] = {
	{"prometheus", 0, NULL, NULL, offsetof(struct options, prometheus),
	 "print the text format of Prometheus"},
	{"output", 0, "FILE", NULL, offsetof(struct options, output),
	 "write to a file, which is replaced in one step"},
	{"sort", 0, "KEY", orders, offsetof(struct options, sort), "the order of entities"},
	{"top", 0, "N", NULL, offsetof(struct options, top),
	 "print the first N entities of each listener"},
	{"reset", 0, NULL, NULL, offsetof(struct options, reset),
	 "set all of them to zero instead"},
	{0},
};

/* What is to be printed, and how. */
struct showing {
	const struct options *options;
	struct em_rows_wanted wanted;
	struct em_diag *diag;
};

static int print(const struct showing *showing, struct em_document *out,
		 const struct em_record *record, const struct em_policy *policy,
		 const struct em_stats *stats)
{
	int rc = showing->options->prometheus
			 ? em_print_metrics(out->out, record, policy, stats, &showing->wanted)
			 : em_print_stats(out, record, policy, stats, &showing->wanted);

	return rc ? em_diag_enomem(showing->diag) : 0;
}

static int print_to_file(const struct showing *showing, bool json, const struct em_record *record,
			 const struct em_policy *policy, const struct em_stats *stats)
{
	const char *path = showing->options->output;
	struct em_replacement file;
	struct em_document out;
	int rc = em_replace_begin(&file, path), ended;

	if (rc)
		return em_diag_errno(showing->diag, rc, NULL, "%s", path);
	em_document_init(&out, file.stream, json);
	rc = print(showing, &out, record, policy, stats);
	(void)em_document_end(&out);
	ended = em_replace_end(&file, !rc);
	return !rc && ended ? em_diag_errno(showing->diag, ended, NULL, "%s", path) : rc;
}

static int show_counts(const struct showing *showing, struct em_document *out,
		       const struct em_record *record, const struct em_counts *counts,
		       struct em_state *state)
{
	struct em_stats *stats __attribute__((cleanup(em_stats_freep))) = NULL;
	const char *unknown = em_names_unknown(showing->wanted.names, counts->policy);
	int rc;

	if (unknown)
		return em_diag_error(showing->diag, -ENOENT, NULL,
				     "stats: no listener or entity is named %s", unknown);
	rc = em_counts_read(&stats, counts, state, showing->diag);
	if (rc)
		return rc;
	return showing->options->output
		       ? print_to_file(showing, out->json, record, counts->policy, stats)
		       : print(showing, out, record, counts->policy, stats);
}

static int show(const struct showing *showing, struct em_state *state, struct em_document *out)
{
	struct em_view view __attribute__((cleanup(em_inspect_clear)));
	struct em_counts counts __attribute__((cleanup(em_counts_close))) = {0};
	struct em_diag *diag = showing->diag;
	int rc = em_inspect(&view, state, diag);

	if (rc)
		return rc;
	if (!em_inspect_is_applied(&view))
		return em_diag_error(diag, -ENOENT, NULL, "nothing is applied");
	rc = em_counts_open(&counts, view.generation, view.ops, state, diag);
	if (rc)
		return rc;
	if (!counts.policy || !view.record.generation)
		return em_diag_error(diag, -EIO, NULL,
				     "what the counters are of is not known; apply again");
	return show_counts(showing, out, &view.record, &counts, state);
}

static int reset(struct em_document *out, struct em_diag *diag)
{
	int rc = em_transaction_reset(diag);

	if (rc)
		return rc;
	out->done = "the counters are set to zero";
	em_document_bool(out, "reset", NULL, true);
	return 0;
}

static enum em_rows_order find_order(const char *name)
{
	enum em_rows_order order = EM_ROWS_AS_CONFIGURED;

	while (name && strcmp(orders[order], name))
		order++;
	return order;
}

/* Returns false where it is no number of entities. */
static bool read_top(const char *text, size_t *top)
{
	unsigned long n;
	char *end;

	*top = 0;
	if (!text)
		return true;
	errno = 0;
	n = strtoul(text, &end, 10);
	*top = n;
	return *text >= '1' && *text <= '9' && !*end && !errno;
}

/* Options that exclude one another. */
static const char *find_conflict(const struct options *given, bool json, char *const *words)
{
	if (given->prometheus && json)
		return "--json and --prometheus exclude each other";
	if (given->reset && (given->prometheus || given->output || given->sort || given->top))
		return "--reset goes with --json only";
	return given->reset && *words ? "--reset sets all counters to zero: it takes no names"
				      : NULL;
}

static int run(const void *given, char *const *words, struct em_document *out, struct em_diag *diag)
{
	struct em_state *state __attribute__((cleanup(em_state_closep))) = NULL;
	const struct options *wanted = given;
	struct showing showing = {
		wanted, {.names = words, .order = find_order(wanted->sort)}, diag};
	const char *conflict = find_conflict(wanted, out->json, words);
	int rc;

	if (!conflict && !read_top(wanted->top, &showing.wanted.top))
		conflict = "--top: expected a number of entities, 1 or more";
	if (conflict)
		return em_diag_error(diag, -EM_EUSAGE, NULL, "stats: %s", conflict);
	if (wanted->reset)
		return reset(out, diag);
	rc = em_state_open(&state, EM_STATE_READ, diag);
	return rc ? rc : show(&showing, state, out);
}

const struct em_command em_cmd_stats = {
	.name = "stats",
	.help = "Show the counters, or set them to zero.",
	.words = "[LISTENER[:FORMAT][/ENTITY]]...",
	.words_help = "The names may be patterns, as in the shell; none of them means all.",
	.n_words = UINT_MAX,
	.json = true,
	.options = options,
	.size = sizeof(struct options),
	.run = run,
};
