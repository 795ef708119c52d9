/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "engine/keep.h"

#include <string.h>
#include <time.h>

/* The policy in the state has the interfaces' own names alone. */
void em_keep_aliases(struct em_transaction *t)
{
	for (size_t i = 0; t->keeps && i < t->plan.n_attachments; i++) {
		struct em_attachment *to = &t->plan.attachments[i];

		for (size_t j = 0; !to->alias[0] && j < t->keeps->n_attachments; j++)
			if (!strcmp(to->interface, t->keeps->attachments[j].interface))
				memcpy(to->alias, t->keeps->attachments[j].alias,
				       sizeof(to->alias));
	}
}

uint32_t em_keep_edits_before(const struct em_transaction *t)
{
	return t->keeps ? t->keeps->edits : 0;
}

static void stamp(char text[32])
{
	time_t now = time(NULL);
	struct tm utc;

	strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
}

/* The policy in force is only put in its place: a rollback goes behind it. */
static bool mends(const struct em_transaction *t)
{
	const struct em_record *record = &t->view.record;

	return t->compared && !t->changes.n && !t->confirm && record->generation &&
	       (t->heals || (record->backend == t->plan.backend && record->wanted == t->wanted &&
			     !strcmp(record->config, t->config)));
}

uint32_t em_keep_edits(const struct em_transaction *t)
{
	return em_keep_edits_before(t) + (t->edit && !t->edit->save && t->changes.n);
}

bool em_keep_takes_back(const struct em_transaction *t, const struct em_change *change)
{
	return em_edited_has(&t->view.record.edited, change) &&
	       !(t->keeps && em_edited_has(&t->keeps->edited, change));
}

bool em_keep_has_programs(const struct em_transaction *t)
{
	const char *programs = t->view.record.programs;

	return programs && !strcmp(programs, t->programs);
}

/* The entities whose edits the configuration does not have then. */
static int note_edited(struct em_edited_list *out, const struct em_transaction *t)
{
	static const struct em_edited_list none;
	static const struct em_changes nothing;

	return em_edited_note(out, t->keeps ? &t->keeps->edited : &none,
			      t->edit ? &t->changes : &nothing, t->edit && t->edit->save);
}

int em_keep_record(const struct em_transaction *t)
{
	struct em_edited_list edited __attribute__((cleanup(em_edited_clear))) = {0};
	struct em_ports ports = {.words = {0}};
	struct em_record record = {
		.generation = t->plan.generation,
		.backend = t->plan.backend,
		.wanted = t->wanted,
		.config = (char *)(uintptr_t)t->config,
		.reason = (char *)(uintptr_t)t->outcome.reason,
		.programs = (char *)(uintptr_t)t->programs,
		.replaces = mends(t) ? t->view.record.replaces : t->view.generation,
		.restores = t->restores,
		.edits = em_keep_edits(t),
		.samples = t->samples != NULL,
		.header_limit = t->header_limit,
		.undoes = t->undoes ? t->view.record.config : NULL,
		.listeners = t->policy->n_listeners,
		.ports = &ports,
		.attachments = t->plan.attachments,
		.n_attachments = t->plan.n_attachments,
		.waiting = t->plan.waiting.names,
		.n_waiting = t->plan.waiting.n,
	};

	if (note_edited(&edited, t))
		return em_diag_enomem(t->diag);
	record.edited = edited;
	for (size_t i = 0; i < t->policy->n_listeners; i++)
		record.entities += em_listener_entities(&t->policy->listeners[i]);
	em_ports_add_targets(&ports, t->policy);
	if (mends(t) && (t->samples || t->view.record.samples))
		memcpy(record.applied_at, t->view.record.applied_at, sizeof(record.applied_at));
	else
		stamp(record.applied_at);
	return em_generation_store(t->state, &record, t->policy, t->diag);
}
