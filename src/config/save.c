/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "config/save.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

/* As it is written in the file: text with a comma or with a blank at its end is none there. */
static const char *tag_of_line(const struct em_format *format, const struct em_entity_edit *change,
			       const char *tag, char text[EM_COVER_TEXT_MAX])
{
	struct em_entity entity = {0};

	if (!tag[strcspn(tag, ", \t\r\n")])
		return tag;
	if (em_entity_set(&entity, NULL, &change->cover))
		return NULL;
	em_entity_tag_format(format, &entity, text);
	em_entity_clear(&entity);
	return text;
}

static void write_line(FILE *out, const char *tag, size_t length,
		       const struct em_entity_edit *change)
{
	char action[EM_ACTION_TEXT_MAX];

	fprintf(out, "%.*s,%s%s%s\n", (int)length, tag, em_action_format(&change->action, action),
		change->name ? "," : "", change->name ? change->name : "");
}

/* Returns 0 or -errno. */
static int copy(FILE *out, FILE *in, const struct em_entity *entity,
		const struct em_entity_edit *change, const char *tag)
{
	char *line __attribute__((cleanup(em_freep))) = NULL;
	unsigned int number = 0;
	bool ended = true;
	size_t size = 0;
	ssize_t length;

	errno = 0;
	while ((length = getline(&line, &size, in)) > 0) {
		ended = line[length - 1] == '\n';
		if (!entity || ++number != entity->place.line)
			fwrite(line, 1, (size_t)length, out);
		else if (change->kind != EM_EDIT_DELETE)
			/* The tag stays as it is written there. */
			write_line(out, line, strcspn(line, ","), change);
	}
	if (ferror(in) || (length < 0 && !feof(in)))
		return errno ? -errno : -EIO;
	if (!ended && !entity)
		fputc('\n', out);
	if (!entity)
		write_line(out, tag, strlen(tag), change);
	return 0;
}

/* It is on the disk before the older one is given up. */
static int finish(FILE *out)
{
	return fflush(out) || fsync(fileno(out)) ? -errno : 0;
}

static int rewrite(struct em_save *save, const struct em_entity *entity,
		   const struct em_entity_edit *change, const char *tag)
{
	FILE *in __attribute__((cleanup(em_fclosep))) = fopen(save->path, "re");
	int rc;

	if (!in)
		return -errno;
	rc = em_replace_begin(&save->file, save->path);
	if (rc)
		return rc;
	rc = copy(save->file.stream, in, entity, change, tag);
	return rc ? rc : finish(save->file.stream);
}

static bool same_file(const char *a, const char *b)
{
	struct stat x, y;

	return a && b && !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

/* A change for one of them would be one for the others as well. */
static int check_alone(const struct em_policy *policy, const struct em_format *format,
		       struct em_diag *diag)
{
	for (size_t i = 0; i < policy->n_listeners; i++) {
		const struct em_listener *other = &policy->listeners[i];

		for (size_t j = 0; j < other->n_formats; j++)
			if (&other->formats[j] != format &&
			    same_file(other->formats[j].entities_file, format->entities_file))
				return em_diag_error(diag, -EM_EUSAGE, &other->formats[j].place,
						     "listener \"%s\" has the same entities_file, "
						     "expected one of "
						     "its own to save in: %s",
						     other->name, format->entities_file);
	}
	return 0;
}

/* Where the entity is, or is to be, is a file of this format alone. */
static int check_place(const struct em_policy *policy, const struct em_format *format,
		       const struct em_entity *entity, struct em_diag *diag)
{
	if (entity && (size_t)(entity - format->entities) < format->n_listed)
		return em_diag_error(diag, -EM_EUSAGE, &entity->place,
				     "the entity is in the configuration itself, where nothing is "
				     "saved: expected one of an entities_file");
	if (!format->entities_file)
		return em_diag_error(diag, -EM_EUSAGE, &format->place,
				     "there is no entities_file to save in");
	return check_alone(policy, format, diag);
}

int em_save_begin(struct em_save *out, const struct em_policy *policy,
		  const struct em_format *format, const struct em_entity_edit *change,
		  const char *tag, struct em_diag *diag)
{
	const struct em_place place = {.file = format->entities_file};
	const struct em_entity *entity;
	char text[EM_COVER_TEXT_MAX];
	size_t guess = 0;
	int rc;

	entity = em_format_find_cover(format, &change->cover, &guess);
	rc = check_place(policy, format, entity, diag);
	if (rc)
		return rc;
	/* What only the policy in force had is not in the file. */
	if (!entity && change->kind == EM_EDIT_DELETE)
		return 0;
	tag = tag_of_line(format, change, tag, text);
	/* A link stays one. */
	out->path = tag ? realpath(format->entities_file, NULL) : NULL;
	if (!tag)
		return em_diag_enomem(diag);
	rc = out->path ? rewrite(out, entity, change, tag) : -errno;
	if (!rc)
		return 0;
	em_diag_errno(diag, rc, &place, "cannot save the change");
	em_save_end(out, false, diag);
	return rc;
}

int em_save_end(struct em_save *save, bool keep, struct em_diag *diag)
{
	const struct em_place place = {.file = save->path};
	int rc = save->file.stream ? em_replace_end(&save->file, keep) : 0;

	/* That it is not kept has its reason. */
	if (rc && keep)
		em_diag_errno(diag, rc, &place, "the change is in force, but cannot be saved");
	free(save->path);
	*save = (struct em_save){0};
	return keep ? rc : 0;
}
