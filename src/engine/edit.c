/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "engine/edit.h"

#include <errno.h>
#include <string.h>

#include "base/nearest.h"
#include "config/config.h"
#include "config/entities.h"
#include "engine/resolve.h"

/* Where the change is to be made, in one of the two policies. */
struct target {
	struct em_listener *listener;
	struct em_format *format;
};

static bool is_name(const char *name, const char *text, size_t length)
{
	return strlen(name) == length && !strncmp(name, text, length);
}

static int find_format(struct target *out, const char *where, const char *name,
		       struct em_diag *diag)
{
	char all[EM_FORMATS_MAX * (EM_NAME_MAX + 2)] = "";
	const struct em_listener *listener = out->listener;
	size_t used = 0;

	if (!name && !*listener->formats->name) {
		out->format = listener->formats;
		return 0;
	}
	for (size_t i = 0; i < listener->n_formats && *listener->formats->name; i++) {
		out->format = &listener->formats[i];
		if (name && !strcmp(out->format->name, name))
			return 0;
		used += snprintf(all + used, sizeof(all) - used, "%s%s", i ? ", " : "",
				 out->format->name);
	}
	if (!used)
		return em_diag_error(diag, -EM_EUSAGE, NULL,
				     "%s: listener \"%s\" has no formats, expected %s alone", where,
				     listener->name, listener->name);
	return em_diag_error(diag, -EM_EUSAGE, NULL, "%s: expected %s:FORMAT, of %s", where,
			     listener->name, all);
}

/* LISTENER or LISTENER:FORMAT: no name has a colon. */
static int find(struct target *out, const struct em_policy *policy, const char *where,
		struct em_diag *diag)
{
	size_t length = strcspn(where, ":");
	struct em_nearest nearest = em_nearest_of(where);

	for (size_t i = 0; i < policy->n_listeners; i++) {
		out->listener = &policy->listeners[i];
		if (is_name(out->listener->name, where, length))
			return find_format(out, where, where[length] ? where + length + 1 : NULL,
					   diag);
		em_nearest_offer(&nearest, out->listener->name);
	}
	return em_diag_error(diag, -EM_EUSAGE, NULL, "%s: no such listener%s%s%s", where,
			     nearest.found ? "; did you mean " : "",
			     nearest.found ? nearest.found : "", nearest.found ? "?" : "");
}

static int read_tag(struct em_edit *edit, const struct em_format *format, struct em_diag *diag)
{
	const char *expected;
	int length = em_tag_parse(format, edit->tag, &edit->change.cover, &expected);

	if (length < 0)
		return em_diag_error(diag, -EM_EUSAGE, NULL, "tag: \"%.80s\": expected %s",
				     edit->tag, expected);
	if (length != format->tag.length)
		return em_diag_error(diag, -EM_EUSAGE, NULL,
				     "tag: %d bytes, expected %u (the length of the tag)", length,
				     format->tag.length);
	return 0;
}

/* The same, where the file may have had it before, or not yet. */
static int check_file(const struct target *file, struct em_entity_edit change, struct em_diag *diag)
{
	size_t guess = 0;
	bool there = em_format_find_cover(file->format, &change.cover, &guess);

	if (!there && change.kind == EM_EDIT_DELETE)
		return 0;
	if (change.kind != EM_EDIT_DELETE)
		change.kind = there ? EM_EDIT_MOVE : EM_EDIT_ADD;
	return em_policy_edit(file->listener, file->format, &change, diag);
}

/* With the name that the entity has in force. */
static int save(struct em_edit *edit, const struct em_format *changed, const char *config,
		struct em_diag *diag)
{
	struct em_policy *policy __attribute__((cleanup(em_policy_freep))) = NULL;
	struct em_entity_edit change = edit->change;
	const struct em_entity *entity;
	struct target file;
	size_t guess = 0;
	int rc = em_config_read(&policy, config, diag);

	if (!rc)
		rc = find(&file, policy, edit->where, diag);
	if (rc)
		return rc;
	if (file.format->tag.length != changed->tag.length)
		return em_diag_error(diag, -EM_EUSAGE, &file.format->tag.place,
				     "the tag has another length than in force: apply it first");
	entity = em_format_find_cover(changed, &change.cover, &guess);
	change.name = entity ? entity->name : NULL;
	rc = em_save_begin(&edit->saved, policy, file.format, &change, edit->tag, diag);
	return rc ? rc : check_file(&file, change, diag);
}

int em_edit_begin(struct em_edit *edit, const struct em_view *view, struct em_state *state,
		  struct em_diag *diag)
{
	struct target target;
	int rc;

	if (!em_inspect_is_applied(view))
		return em_diag_error(diag, -ENOENT, NULL, "nothing is applied");
	rc = em_generation_load_policy(state, view->generation, &edit->policy, diag);
	if (!rc && (!edit->policy || !view->record.generation))
		rc = em_diag_error(diag, -EIO, NULL,
				   "the policy in force is not known; apply again");
	if (!rc && em_policy_copy(&edit->before, edit->policy))
		rc = em_diag_enomem(diag);
	if (!rc)
		rc = find(&target, edit->policy, edit->where, diag);
	if (!rc)
		rc = read_tag(edit, target.format, diag);
	if (rc)
		return rc;
	rc = em_policy_edit(target.listener, target.format, &edit->change, diag);
	if (!rc && edit->save)
		rc = save(edit, target.format, view->record.config, diag);
	return rc ? rc : em_resolve_again(edit->policy, &view->record, diag);
}

int em_edit_end(struct em_edit *edit, bool in_force, struct em_diag *diag)
{
	return em_save_end(&edit->saved, in_force, diag);
}

void em_edit_clear(struct em_edit *edit)
{
	em_policy_free(edit->before);
	em_policy_free(edit->policy);
	edit->before = NULL;
	edit->policy = NULL;
}
