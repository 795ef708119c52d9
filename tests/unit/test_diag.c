/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/* Progress on a terminal; what messages look like is tested with those that report them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/diag.h"

#define ERASE "\r\033[K"

static const char work[] = "add entities";

struct stream {
	struct em_diag diag;
	char *text;
	size_t size;
};

/* As if on a terminal, some seconds after the command has begun. */
static void begin(struct stream *stream, bool terminal, uint64_t seconds)
{
	FILE *out = open_memstream(&stream->text, &stream->size);

	assert_non_null(out);
	em_diag_init(&stream->diag, out);
	assert_false(stream->diag.progress.terminal);
	stream->diag.progress.terminal = terminal;
	stream->diag.progress.begun -= seconds * EM_SECOND;
}

static void ends_with(struct stream *stream, const char *expected)
{
	fclose(stream->diag.out);
	assert_string_equal(stream->text, expected);
	free(stream->text);
}

static void progress_is_shown(void **state)
{
	struct stream stream;

	(void)state;
	begin(&stream, true, 2);
	em_diag_progress(&stream.diag, work, 0, 200);
	em_diag_progress(&stream.diag, work, 50, 200);
	ends_with(&stream, "entitymux: add entities: 25 % of 200, 0 s left");
}

static void progress_tells_the_time_left(void **state)
{
	struct stream stream;

	(void)state;
	begin(&stream, true, 2);
	em_diag_progress(&stream.diag, work, 0, 200);
	stream.diag.progress.since -= 3 * EM_SECOND;
	em_diag_progress(&stream.diag, work, 50, 200);
	ends_with(&stream, "entitymux: add entities: 25 % of 200, 9 s left");
}

static void progress_goes_when_done(void **state)
{
	struct stream stream;

	(void)state;
	begin(&stream, true, 2);
	em_diag_progress(&stream.diag, work, 198, 200);
	em_diag_progress(&stream.diag, work, 200, 200);
	ends_with(&stream, "entitymux: add entities: 99 % of 200, 0 s left" ERASE);
}

static void progress_gives_way_to_a_message(void **state)
{
	struct stream stream;

	(void)state;
	begin(&stream, true, 2);
	em_diag_progress(&stream.diag, work, 198, 200);
	em_diag_note(&stream.diag, "something");
	em_diag_progress(&stream.diag, work, 200, 200);
	ends_with(&stream,
		  "entitymux: add entities: 99 % of 200, 0 s left" ERASE "entitymux: something\n");
}

static void progress_is_not_shown_all_the_time(void **state)
{
	struct stream stream;

	(void)state;
	begin(&stream, true, 2);
	em_diag_progress(&stream.diag, work, 100, 200);
	em_diag_progress(&stream.diag, work, 198, 200);
	ends_with(&stream, "entitymux: add entities: 50 % of 200, 0 s left");
}

static void short_work_has_no_progress(void **state)
{
	struct stream stream;

	(void)state;
	begin(&stream, true, 0);
	em_diag_progress(&stream.diag, work, 100, 200);
	em_diag_progress(&stream.diag, work, 200, 200);
	ends_with(&stream, "");
}

static void no_progress_without_a_terminal(void **state)
{
	struct stream stream;

	(void)state;
	begin(&stream, false, 2);
	em_diag_progress(&stream.diag, work, 100, 200);
	em_diag_progress(&stream.diag, work, 200, 200);
	ends_with(&stream, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(progress_is_shown),
		cmocka_unit_test(progress_tells_the_time_left),
		cmocka_unit_test(progress_goes_when_done),
		cmocka_unit_test(progress_gives_way_to_a_message),
		cmocka_unit_test(progress_is_not_shown_all_the_time),
		cmocka_unit_test(short_work_has_no_progress),
		cmocka_unit_test(no_progress_without_a_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
