/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/* diag - messages for the user, and the only writer of standard error. */
#include "base/diag.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/utf8.h"

#define PROGRAM "entitymux: "

void em_diag_init(struct em_diag *diag, FILE *out)
{
	*diag = (struct em_diag){.out = out};
	diag->progress.terminal = isatty(fileno(out));
	diag->progress.begun = em_clock_monotonic();
}

static void erase_progress(struct em_diag *diag)
{
	if (diag->progress.shown)
		fputs("\r\033[K", diag->out);
	diag->progress.shown = false;
}

void em_diag_progress(struct em_diag *diag, const char *what, size_t done, size_t total)
{
	struct em_progress *progress = &diag->progress;
	uint64_t now;

	if (!progress->terminal)
		return;
	now = em_clock_monotonic();
	if (progress->what != what) {
		progress->what = what;
		progress->since = now;
	}
	if (done >= total) {
		erase_progress(diag);
		fflush(diag->out);
		progress->what = NULL;
	} else if (done && now - progress->begun >= EM_SECOND && now >= progress->next) {
		double left = (double)(now - progress->since) / EM_SECOND * (total - done) / done;

		erase_progress(diag);
		fprintf(diag->out, PROGRAM "%s: %.0f %% of %zu, %.0f s left", what,
			100.0 * done / total, total, left);
		fflush(diag->out);
		progress->shown = true;
		progress->next = now + EM_SECOND / 10;
	}
}

/* error: an errno to append to the message, or 0. */
static char *compose(const char *severity, int error, const char *format, va_list arguments)
	__attribute__((format(printf, 3, 0)));

static char *compose(const char *severity, int error, const char *format, va_list arguments)
{
	char *message = NULL, *text = NULL;

	if (vasprintf(&message, format, arguments) < 0)
		message = NULL;
	if (asprintf(&text, "%s%s%s%s", severity, message ? message : format, error ? ": " : "",
		     error ? strerror(error) : "") < 0)
		text = NULL;
	free(message);
	return text;
}

static void report(struct em_diag *diag, const struct em_place *place, const char *severity,
		   int error, const char *format, va_list arguments)
	__attribute__((format(printf, 5, 0)));

static void report(struct em_diag *diag, const struct em_place *place, const char *severity,
		   int error, const char *format, va_list arguments)
{
	char *composed = compose(severity, error, format, arguments);
	const char *text = composed ? composed : format;

	if (place && !place->file)
		place = NULL;
	erase_progress(diag);
	fputs(PROGRAM, diag->out);
	if (place)
		em_utf8_print(diag->out, place->file);
	if (place && place->line)
		fprintf(diag->out, ":%u", place->line);
	if (place)
		fputs(": ", diag->out);
	em_utf8_print(diag->out, text);
	fputc('\n', diag->out);
	fflush(diag->out);
	if (diag->listen)
		diag->listen(diag->context, place, text);
	free(composed);
}

int em_diag_error(struct em_diag *diag, int code, const struct em_place *place, const char *format,
		  ...)
{
	va_list arguments;

	va_start(arguments, format);
	report(diag, place, "", 0, format, arguments);
	va_end(arguments);
	diag->errors++;
	return code;
}

int em_diag_errno(struct em_diag *diag, int rc, const struct em_place *place, const char *format,
		  ...)
{
	va_list arguments;

	va_start(arguments, format);
	report(diag, place, "", -rc, format, arguments);
	va_end(arguments);
	diag->errors++;
	return rc;
}

int em_diag_enomem(struct em_diag *diag)
{
	/* There may be no memory to put a text together. */
	return em_diag_error(diag, -ENOMEM, NULL, "out of memory");
}

void em_diag_warning(struct em_diag *diag, const struct em_place *place, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	report(diag, place, "warning: ", 0, format, arguments);
	va_end(arguments);
	diag->warnings++;
}

void em_diag_note(struct em_diag *diag, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	report(diag, NULL, "", 0, format, arguments);
	va_end(arguments);
}

int em_diag_keep(struct em_diag_kept *kept)
{
	FILE *out;

	*kept = (struct em_diag_kept){0};
	out = open_memstream(&kept->text, &kept->size);
	if (!out)
		return -errno;
	em_diag_init(&kept->diag, out);
	return 0;
}

char *em_diag_take_kept(struct em_diag_kept *kept)
{
	char *to, *line, *rest;

	if (fclose(kept->diag.out) || !kept->text) {
		free(kept->text);
		return NULL;
	}
	to = kept->text;
	for (line = strtok_r(kept->text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		size_t length;

		if (!strncmp(line, PROGRAM, strlen(PROGRAM)))
			line += strlen(PROGRAM);
		length = strlen(line);
		if (to != kept->text)
			to = stpcpy(to, "; ");
		memmove(to, line, length);
		to += length;
	}
	*to = '\0';
	return kept->text;
}

bool em_error_is_passing(int rc)
{
	static const int passing[] = {ENOMEM, ENOBUFS, EMFILE, ENFILE, EINTR, EAGAIN};

	for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++)
		if (rc == -passing[i])
			return true;
	return false;
}
