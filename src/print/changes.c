/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include <string.h>

#include "engine/keep.h"
#include "print/print.h"

/* With more changes of entities than this, text has their number alone. */
#define ENTITIES_MAX 20

static const char *const kinds[] = {"added", "removed", "changed"};
static const char *const signs[] = {"+ ", "- ", "~ "};

static void print_path(struct em_document *out, const struct em_change *change)
{
	char text[EM_COVER_TEXT_MAX];

	em_document_string(out, "change", NULL, kinds[change->kind], "");
	em_document_text(out, signs[change->kind]);
	em_document_string(out, "listener", "", change->listener ? change->listener->name : NULL,
			   "");
	if (change->format && *change->format->name)
		em_document_string(out, "format", ":", change->format->name, "");
	if (!change->entity)
		return;
	em_document_string(out, "entity", "/", em_entity_name(change->format, change->entity, text),
			   "");
	if (out->json || change->entity->name)
		em_document_string(out, "tag", " ",
				   em_entity_tag_format(change->format, change->entity, text), "");
}

/* Of an entity or of a listener that comes or goes. */
static void print_whole(struct em_document *out, const struct em_change *change)
{
	if (change->entity)
		em_print_action(out, ": ", &change->entity->action, 0);
	else if (change->format)
		em_document_number(out, "entities", ": entities ",
				   (int64_t)change->format->n_entities, "");
	else
		em_document_number(out, "entities", ": entities ",
				   (int64_t)em_listener_entities(change->listener), "");
}

static void print_key(struct em_document *out, const struct em_change *change)
{
	em_document_string(out, "key", change->listener ? ": " : "", change->key, " ");
	em_document_string(out, "before", "", change->before, "");
	if (!change->before)
		em_document_text(out, "not set");
	em_document_string(out, "after", " -> ", change->after, "");
	if (!change->after)
		em_document_text(out, " -> not set");
}

static void print_change(struct em_document *out, const struct em_transaction *done,
			 const struct em_change *change)
{
	bool back = change->entity && em_keep_takes_back(done, change);

	em_document_object(out, EM_DOCUMENT_ELEMENT);
	print_path(out, change);
	if (change->key)
		print_key(out, change);
	else
		print_whole(out, change);
	if (change->entity)
		em_document_bool(out, "takes_back", back ? " (was edited live)" : NULL, back);
	em_document_close(out);
	em_document_text(out, "\n");
}

static size_t count_entities(const struct em_changes *changes)
{
	size_t n = 0;

	for (size_t i = 0; i < changes->n; i++)
		n += changes->all[i].entity != NULL;
	return n;
}

/* From i on, all changes of entities of the same listener; returns the first behind them. */
static size_t print_sum(struct em_document *out, const struct em_transaction *done, size_t i)
{
	const struct em_changes *changes = &done->changes;
	const struct em_listener *listener = changes->all[i].listener;
	int64_t sums[3] = {0}, back = 0;

	for (; i < changes->n && changes->all[i].entity &&
	       !strcmp(changes->all[i].listener->name, listener->name);
	     i++) {
		sums[changes->all[i].kind]++;
		back += em_keep_takes_back(done, &changes->all[i]);
	}
	em_document_string(out, NULL, "~ ", listener->name, ": entities");
	em_document_number(out, NULL, " +", sums[EM_ADDED], "");
	em_document_number(out, NULL, " -", sums[EM_REMOVED], "");
	em_document_number(out, NULL, " ~", sums[EM_CHANGED], "");
	if (back)
		em_document_number(out, NULL, " (were edited live: ", back, ")");
	em_document_text(out, "\n");
	return i;
}

static void print_changes(struct em_document *out, const struct em_transaction *done)
{
	const struct em_changes *changes = &done->changes;
	bool sums = !out->json && count_entities(changes) > ENTITIES_MAX;

	em_document_array(out, "changes");
	for (size_t i = 0; i < changes->n;) {
		if (sums && changes->all[i].entity)
			i = print_sum(out, done, i);
		else
			print_change(out, done, &changes->all[i++]);
	}
	em_document_close(out);
}

static const char *hook_on(const struct em_attachment *attachments, size_t n, const char *interface)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(attachments[i].interface, interface))
			return em_hook_name(attachments[i].hook);
	return NULL;
}

static void print_interface(struct em_document *out, const char *name, const char *before,
			    const char *after)
{
	if (before && after && !strcmp(before, after))
		return;
	em_document_object(out, EM_DOCUMENT_ELEMENT);
	em_document_string(out, "name", !before ? "+ " : !after ? "- " : "~ ", name, ":");
	em_document_string(out, "before", " ", before, before && after ? " ->" : "");
	em_document_string(out, "after", " ", after, "");
	em_document_text(out, "\n");
	em_document_close(out);
}

/* Where datagrams are sorted at another hook, or no longer. */
static void print_interfaces(struct em_document *out, const struct em_record *record,
			     const struct em_plan *plan)
{
	size_t n = record ? record->n_attachments : 0;

	em_document_array(out, "interfaces");
	for (size_t i = 0; i < plan->n_attachments; i++) {
		const struct em_attachment *at = &plan->attachments[i];

		print_interface(out, at->interface,
				n ? hook_on(record->attachments, n, at->interface) : NULL,
				em_hook_name(at->hook));
	}
	for (size_t i = 0; i < n; i++) {
		const struct em_attachment *at = &record->attachments[i];

		if (!hook_on(plan->attachments, plan->n_attachments, at->interface))
			print_interface(out, at->interface, em_hook_name(at->hook), NULL);
	}
	em_document_close(out);
}

static void print_values(struct em_document *out, const char *key, const char *before,
			 const char *after)
{
	bool differs = !before || strcmp(before, after);

	em_document_object(out, key);
	if (differs) {
		em_document_string(out, NULL, before ? "~ " : "+ ", key, ": ");
		em_document_string(out, NULL, "", before, " -> ");
		em_document_string(out, NULL, "", after, "\n");
	}
	em_document_string(out, "before", NULL, before, "");
	em_document_string(out, "after", NULL, after, "");
	em_document_close(out);
}

/* Those that the configuration does not have: with an apply it is in force alone. */
static void print_edits(struct em_document *out, int64_t before, int64_t after)
{
	em_document_object(out, "edits");
	if (before != after) {
		em_document_number(out, NULL, "~ live edits: ", before, " -> ");
		em_document_number(out, NULL, "", after, "\n");
	}
	em_document_number(out, "before", NULL, before, "");
	em_document_number(out, "after", NULL, after, "");
	em_document_close(out);
}

/* With another backend they are others anyway. */
static void print_programs(struct em_document *out, const struct em_record *record,
			   const struct em_transaction *done)
{
	em_document_object(out, "programs");
	if (record && record->backend == done->plan.backend && !em_keep_has_programs(done))
		em_document_text(out, "~ programs: of another version of entitymux\n");
	em_document_string(out, "before", NULL, record ? record->programs : NULL, "");
	em_document_string(out, "after", NULL, done->programs, "");
	em_document_close(out);
}

void em_print_diff(struct em_document *out, const struct em_transaction *done)
{
	const struct em_view *view = &done->view;
	const struct em_record *record = em_inspect_is_applied(view) ? &view->record : NULL;

	print_values(out, "config", record ? record->config : NULL, done->config);
	print_values(out, "backend", record ? em_print_backend(record->backend) : NULL,
		     em_print_backend(done->plan.backend));
	print_programs(out, record, done);
	print_interfaces(out, record, &done->plan);
	print_edits(out, record ? record->edits : 0, em_keep_edits(done));
	print_changes(out, done);
}
