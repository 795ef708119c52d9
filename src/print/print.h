/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * print - prints the result of each command as a document, one file per result.
 *
 * Write errors are found by em_document_end().
 */
#ifndef EM_PRINT_H
#define EM_PRINT_H

#include "config/compare.h"
#include "engine/confirm.h"
#include "engine/explain.h"
#include "engine/heal.h"
#include "engine/probe.h"
#include "engine/snapshot.h"
#include "engine/transaction.h"
#include "policy/ports.h"
#include "policy/stats.h"
#include "policy/unknown.h"
#include "print/document.h"
#include "print/rows.h"

/* `apply`: what was done, or would be done. */
void em_print_apply(struct em_document *out, const struct em_transaction *done);

/* `heal`: that the policy was put in its place, or (text) why it could not be. */
void em_print_healed(struct em_document *out, const char *text);

/* `heal --once`. */
void em_print_heal(struct em_document *out, const struct em_heal *result);

/* `rollback`: what was undone. */
void em_print_rollback(struct em_document *out, const struct em_rollback *rollback);

/*
 * `diff`: what is different from what was in force before; in text one line each, or sums of many
 * entities.
 */
void em_print_diff(struct em_document *out, const struct em_transaction *done);

/* `status`: what is applied, and whether it is complete. */
void em_print_status(struct em_document *out, const struct em_view *view);

/*
 * `stats`: the counters of what is applied.  A negative sum is printed as 0.  It occurs when the
 * offset of a reset has outlived its counters.  Returns 0 or -ENOMEM, as do those below.
 */
int em_print_stats(struct em_document *out, const struct em_record *record,
		   const struct em_policy *policy, const struct em_stats *stats,
		   const struct em_rows_wanted *wanted);

/* `stats --prometheus`, also where nothing is applied.  Returns 0 or -ENOMEM. */
int em_print_metrics(FILE *out, const struct em_snapshot *snapshot,
		     const struct em_rows_wanted *wanted);

/* `unknown`: the list, arranged, of the listeners and formats that the words mean. */
void em_print_unknown(struct em_document *out, const struct em_policy *policy,
		      const struct em_unknown_list *list, char *const *words);
/*
 * `unknown --config`: as entities, each with a port that is not used, which is used from then on.
 * Returns 0, or -ENOSPC where there is no such port any more.
 */
int em_print_unknown_config(FILE *out, const struct em_unknown_list *list, char *const *words,
			    struct em_ports *used);

/* `check`: the findings of the backends about a valid policy.  path is as the user gave it. */
void em_print_check(struct em_document *out, const char *path, const struct em_policy *policy);

void em_print_probe(struct em_document *out, const struct em_probe *probe);

/* `explain`: one packet. */
void em_print_explanation(struct em_document *out, const struct em_explanation *explanation);

/* What is to be said of a packet of a listener in a comment, in one line without its end. */
void em_print_reason(struct em_document *out, const struct em_explanation *explanation);

/* `explain`: the sums over all packets. */
int em_print_explained(struct em_document *out, const struct em_policy *policy,
		       const struct em_stats *stats, uint64_t packets);

/* The counters of each listener and entity, as in `stats`. */
int em_print_counters(struct em_document *out, const struct em_policy *policy,
		      const struct em_stats *stats, const struct em_rows_wanted *wanted);

/* xdp, tc or nft: the name of a backend beside hooks, which tell the modes of XDP apart. */
const char *em_print_backend(enum em_backend backend);

/* What is done with datagrams, in so many columns at least. */
void em_print_action(struct em_document *out, const char *before, const struct em_action *action,
		     unsigned int width);

/* Prints " (NAME)" after an interface that the configuration names by an alternative name. */
void em_print_alias(struct em_document *out, const char *alias);

/* Ports without a socket, in text those of the first ranges; NULL: not known. */
void em_print_unattended(struct em_document *out, const struct em_ports *ports);

/* The hooks of a plan; in text one line each. */
void em_print_hooks(struct em_document *out, const struct em_plan *plan);

#endif
