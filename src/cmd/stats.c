/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/replace.h"
#include "cmd/cmd.h"
#include "engine/snapshot.h"
#include "engine/unattended.h"
#include "policy/names.h"
#include "print/print.h"
#include "print/watch.h"

#define WATCH_MAX 3600 /* seconds */

struct options {
	bool prometheus;
	bool reset;
	const char *output;
	const char *sort;
	const char *top;
	const char *silent;
	const char *watch;
};

/* By enum em_rows_order. */
static const char *const orders[] = {
	[EM_ROWS_AS_CONFIGURED] = "config", [EM_ROWS_BY_NAME] = "name",
	[EM_ROWS_BY_PACKETS] = "packets",   [EM_ROWS_BY_BYTES] = "bytes",
	[EM_ROWS_BY_LAST] = "last",	    NULL,
};

static const struct em_option options[] = {
	{"prometheus", 0, NULL, NULL, offsetof(struct options, prometheus),
	 "print the text format of Prometheus"},
	{"output", 0, "FILE", NULL, offsetof(struct options, output),
	 "write to a file, which is replaced in one step"},
	{"sort", 0, "KEY", orders, offsetof(struct options, sort), "the order of entities"},
	{"top", 0, "N", NULL, offsetof(struct options, top),
	 "print the first N entities of each listener"},
	{"silent", 0, "SECONDS", NULL, offsetof(struct options, silent),
	 "print the entities without a datagram for so long; exit status 4: there are some"},
	{"watch", 0, "SECONDS", NULL, offsetof(struct options, watch),
	 "show rates on the terminal, read every 1 or so many seconds", true},
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
		 const struct em_snapshot *now)
{
	int rc = showing->options->prometheus ? em_print_metrics(out->out, now, &showing->wanted)
					      : em_print_stats(out, &now->record, now->policy,
							       now->stats, &showing->wanted);

	return rc ? em_diag_enomem(showing->diag) : 0;
}

static int print_to_file(const struct showing *showing, bool json, const struct em_snapshot *now)
{
	const char *path = showing->options->output;
	struct em_replacement file;
	struct em_document out;
	int rc = em_replace_begin(&file, path), ended;

	if (rc == -EEXIST)
		return em_diag_error(showing->diag, rc, NULL,
				     "%s: not a regular file, which nothing can take the place of",
				     path);
	if (rc)
		return em_diag_errno(showing->diag, rc, NULL, "%s", path);
	em_document_init(&out, file.stream, json);
	rc = print(showing, &out, now);
	(void)em_document_end(&out);
	ended = em_replace_end(&file, !rc);
	return !rc && ended ? em_diag_errno(showing->diag, ended, NULL, "%s", path) : rc;
}

/* Returns -EM_EDRIFT where there are silent ones, or 0 or -ENOMEM, reported. */
static int find_silent(const struct showing *showing, const struct em_snapshot *now)
{
	int rc =
		showing->wanted.silent ? em_rows_any(now->policy, now->stats, &showing->wanted) : 0;

	if (rc < 0)
		return em_diag_enomem(showing->diag);
	return rc ? -EM_EDRIFT : 0;
}

static int show(struct showing *showing, struct em_state *state, struct em_document *out)
{
	struct em_ports *sockets __attribute__((cleanup(em_freep))) = NULL;
	struct em_snapshot now __attribute__((cleanup(em_snapshot_clear)));
	struct em_diag *diag = showing->diag;
	int rc = em_snapshot_read(&now, state, diag);

	if (!rc && showing->options->prometheus)
		rc = em_snapshot_check(&now, state, diag);
	if (rc)
		return rc;
	/* A monitor sees it in the metrics. */
	if (!now.stats && !showing->options->prometheus)
		return em_diag_error(diag, -ENOENT, NULL, "nothing is applied");
	rc = now.stats ? em_names_check(showing->wanted.names, now.policy, "stats", diag) : 0;
	if (!rc)
		rc = em_unattended_sockets(&sockets, diag);
	if (rc)
		return rc;
	showing->wanted.sockets = sockets;
	rc = showing->options->output ? print_to_file(showing, out->json, &now)
				      : print(showing, out, &now);
	return rc ? rc : find_silent(showing, &now);
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

/* Options that exclude one another. */
static const char *find_conflict(const struct options *given, bool json, char *const *words)
{
	if (given->prometheus && json)
		return "--json and --prometheus exclude each other";
	if (given->prometheus && given->silent)
		return "--prometheus and --silent exclude each other";
	if (given->watch &&
	    (json || given->prometheus || given->output || given->reset || given->silent))
		return "--watch goes with --sort and --top only";
	if (given->watch && (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)))
		return "--watch needs a terminal";
	if (given->reset &&
	    (given->prometheus || given->output || given->sort || given->top || given->silent))
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
	size_t seconds = 1, silent = 0;
	int rc;

	if (!conflict && !em_cmd_number(wanted->silent, UINT32_MAX, &silent))
		conflict = "--silent: expected a number of seconds, 1 or more";
	if (!conflict && !em_cmd_number(wanted->top, SIZE_MAX, &showing.wanted.top))
		conflict = "--top: expected a number of entities, 1 or more";
	if (!conflict && wanted->watch && *wanted->watch &&
	    !em_cmd_number(wanted->watch, WATCH_MAX, &seconds))
		conflict = "--watch: expected a number of seconds, 1 to 3600";
	showing.wanted.silent = silent;
	if (conflict)
		return em_diag_error(diag, -EM_EUSAGE, NULL, "stats: %s", conflict);
	if (wanted->reset)
		return reset(out, diag);
	if (wanted->watch)
		return em_print_watch(&showing.wanted, (unsigned int)seconds, diag);
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
