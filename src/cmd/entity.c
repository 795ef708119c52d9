/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include <string.h>

#include "cmd/cmd.h"
#include "config/entities.h"
#include "print/print.h"

struct options {
	bool dry_run;
	bool save;
	const char *confirm;
};

static const struct em_option options[] = {
	{"dry-run", 'n', NULL, NULL, offsetof(struct options, dry_run),
	 "only print what would be done"},
	{"save", 0, NULL, NULL, offsetof(struct options, save), "in the entities file as well"},
	{"confirm", 0, "SECONDS", NULL, offsetof(struct options, confirm),
	 "undo it after that time, unless entitymux confirm follows"},
	{0},
};

enum { WORD_KIND, WORD_WHERE, WORD_TAG, WORD_PORT, WORD_NAME, WORDS };

static const char *const kinds[] = {
	[EM_EDIT_ADD] = "add", [EM_EDIT_MOVE] = "move", [EM_EDIT_DELETE] = "delete"};

#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static size_t count(char *const *words)
{
	size_t n = 0;

	while (n < WORDS && words[n])
		n++;
	return n;
}

static int read_change(struct em_entity_edit *out, char *const *words, struct em_diag *diag)
{
	const char *expected;

	if (out->kind == EM_EDIT_DELETE)
		return 0;
	if (!em_action_parse(&out->action, words[WORD_PORT]))
		return em_diag_error(diag, -EM_EUSAGE, NULL,
				     "entity: port: \"%.40s\": expected pass, drop or a port "
				     "1-65535 in decimal",
				     words[WORD_PORT]);
	out->name = words[WORD_NAME];
	expected = out->name ? em_entity_name_check(out->name) : NULL;
	if (expected)
		return em_diag_error(diag, -EM_EUSAGE, NULL, "entity: name: \"%.80s\": expected %s",
				     out->name, expected);
	return 0;
}

static int read_words(struct em_edit *out, char *const *words, struct em_diag *diag)
{
	size_t n = count(words), kind = 0;

	while (n && kind < N_KINDS && strcmp(words[WORD_KIND], kinds[kind]) != 0)
		kind++;
	if (!n || kind == N_KINDS)
		return em_diag_error(diag, -EM_EUSAGE, NULL,
				     "entity: %s%.64s%sexpected add, move or delete", n ? "\"" : "",
				     n ? words[WORD_KIND] : "", n ? "\": " : "");
	if (kind == EM_EDIT_DELETE ? n != WORD_PORT : n < WORD_NAME)
		return em_diag_error(diag, -EM_EUSAGE, NULL,
				     "entity %s: expected LISTENER[:FORMAT] TAG%s", kinds[kind],
				     kind == EM_EDIT_DELETE ? "" : " PORT [NAME]");
	out->change.kind = (enum em_edit_kind)kind;
	out->where = words[WORD_WHERE];
	out->tag = words[WORD_TAG];
	return read_change(&out->change, words, diag);
}

static int run(const void *given, char *const *words, struct em_document *out, struct em_diag *diag)
{
	const struct options *wanted = given;
	struct em_edit edit = {.save = wanted->save};
	struct em_transaction transaction = {.dry_run = wanted->dry_run, .edit = &edit};
	size_t seconds = 0;
	int rc = read_words(&edit, words, diag);

	if (rc)
		return rc;
	if (!em_cmd_number(wanted->confirm, EM_CMD_CONFIRM_MAX, &seconds))
		return em_diag_error(diag, -EM_EUSAGE, NULL,
				     "entity: --confirm=%.64s: expected seconds, 1-86400",
				     wanted->confirm);
	if (wanted->confirm && wanted->save)
		return em_diag_error(diag, -EM_EUSAGE, NULL,
				     "entity: --save does not go with --confirm: what is undone "
				     "would stay in the file");
	transaction.confirm = (unsigned int)seconds;
	rc = em_transaction_apply(&transaction, diag);
	if (!rc && !wanted->dry_run)
		out->done = "the change is in force";
	if (!rc)
		em_print_apply(out, &transaction);
	em_transaction_clear(&transaction);
	em_edit_clear(&edit);
	return rc;
}

const struct em_command em_cmd_entity = {
	.name = "entity",
	.help = "Add, move or delete an entity of the policy in force.",
	.words = "add|move|delete LISTENER[:FORMAT] TAG [PORT [NAME]]",
	.words_help = "TAG is as in a configuration, PORT is a port, pass or drop.",
	.n_words = WORDS,
	.json = true,
	.options = options,
	.size = sizeof(struct options),
	.run = run,
};
