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
#include "engine/explain.h"
#include "engine/probe.h"
#include "engine/transaction.h"
#include "policy/stats.h"
#include "print/document.h"
#include "print/rows.h"

/* `apply`: what was done, or would be done. */
void em_print_apply(struct em_document *out, const struct em_transaction *done);

/* What changes from one policy to another; in text one line each, or sums of many entities. */
void em_print_changes(struct em_document *out, const struct em_changes *changes);

/* `diff`: the same, and what else is different; record is that in force, or NULL. */
void em_print_diff(struct em_document *out, const struct em_record *record,
		   const struct em_transaction *foreseen, const struct em_changes *changes);

/* `status`: what is applied, and whether it is complete. */
void em_print_status(struct em_document *out, const struct em_view *view);

/*
 * `stats`: the counters of what is applied.  A negative sum is printed as 0.  It occurs when the
 * offset of a reset has outlived its counters.  Returns 0 or -ENOMEM, as do those below.
 */
int em_print_stats(struct em_document *out, const struct em_record *record,
		   const struct em_policy *policy, const struct em_stats *stats,
		   const struct em_rows_wanted *wanted);

/* `stats --prometheus`.  Returns 0 or -ENOMEM. */
int em_print_metrics(FILE *out, const struct em_record *record, const struct em_policy *policy,
		     const struct em_stats *stats, const struct em_rows_wanted *wanted);

/* `check`: the findings of the backends about a valid policy.  path is as the user gave it. */
void em_print_check(struct em_document *out, const char *path, const struct em_policy *policy);

void em_print_probe(struct em_document *out, const struct em_probe *probe);

/* `explain`: one packet. */
void em_print_explanation(struct em_document *out, const struct em_explanation *explanation);

/* `explain`: the sums over all packets. */
int em_print_explained(struct em_document *out, const struct em_policy *policy,
		       const struct em_stats *stats, uint64_t packets);

/* The counters of each listener and entity, as in `stats`. */
int em_print_counters(struct em_document *out, const struct em_policy *policy,
		      const struct em_stats *stats, const struct em_rows_wanted *wanted);

/* Prints " (NAME)" after an interface that the configuration names by an alternative name. */
void em_print_alias(struct em_document *out, const char *alias);

/* The hooks of a plan; in text one line each. */
void em_print_hooks(struct em_document *out, const struct em_plan *plan);

#endif
