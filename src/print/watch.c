/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "print/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "engine/snapshot.h"
#include "policy/names.h"
#include "print/print.h"
#include "print/rates.h"
#include "print/screen.h"

#define HEAD 2 /* lines above those that are scrolled */
#define FOOT 1 /* and below */

struct watch {
	struct em_rows_wanted wanted;
	unsigned int seconds; /* between two readings */
	struct em_snapshot before, now;
	double at;    /* when now was read, in seconds of CLOCK_MONOTONIC */
	double since; /* between before and now */
	struct em_rates rates;
	char *message; /* of the last reading; owned; "": none */
	size_t top;    /* the first line that is shown */
	size_t page;   /* lines that are shown */
	unsigned int columns;
	bool ended;
};

static double clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int count_rates(struct watch *watch)
{
	em_rates_clear(&watch->rates);
	if (!watch->now.stats)
		return 0;
	return em_rates_init(&watch->rates, watch->before.stats ? &watch->before : NULL,
			     &watch->now, watch->since, &watch->wanted);
}

/* The next snapshot, in place of the earlier of the two that are known. */
static int read_next(struct watch *watch, struct em_diag *diag)
{
	struct em_state *state __attribute__((cleanup(em_state_closep))) = NULL;
	struct em_snapshot next = {0};
	int rc = em_state_open(&state, EM_STATE_TRY, diag);
	double at;

	if (rc == -EBUSY) {
		em_diag_note(diag, "waiting for another entitymux run");
		return 0;
	}
	if (!rc)
		rc = em_snapshot_read(&next, state, diag);
	if (rc) {
		em_snapshot_clear(&next);
		return rc;
	}
	at = clock_now();
	em_rates_clear(&watch->rates);
	em_snapshot_clear(&watch->before);
	watch->before = watch->now;
	watch->now = next;
	watch->since = at - watch->at;
	watch->at = at;
	if (!watch->now.stats)
		em_diag_note(diag, "nothing is applied; waiting for an apply");
	return count_rates(watch) ? em_diag_enomem(diag) : 0;
}

/* Messages are part of the picture. */
static int read_quietly(struct watch *watch)
{
	struct em_diag_kept kept;
	int rc = em_diag_keep(&kept);

	if (rc)
		return rc;
	rc = read_next(watch, &kept.diag);
	free(watch->message);
	watch->message = em_diag_take_kept(&kept);
	return watch->message ? rc : -ENOMEM;
}

/* The picture. */

static const char *const order_names[] = {
	[EM_ROWS_AS_CONFIGURED] = "config", [EM_ROWS_BY_NAME] = "name",
	[EM_ROWS_BY_PACKETS] = "packets",   [EM_ROWS_BY_BYTES] = "bytes",
	[EM_ROWS_BY_LAST] = "last",
};

static void print_title(FILE *out, const struct watch *watch)
{
	const struct em_record *record = &watch->now.record;
	char before[32] = "entitymux", behind[64];
	size_t used;

	snprintf(behind, sizeof(behind), ", every %u s, by %s", watch->seconds,
		 order_names[watch->wanted.order]);
	if (watch->now.stats)
		snprintf(before, sizeof(before), "entitymux: %s, ",
			 em_print_backend(record->backend));
	used = strlen(before) + strlen(behind);
	fputs(before, out);
	/* The order is to be seen, however long the path is. */
	if (watch->now.stats)
		em_utf8_print_cut(out, record->config,
				  watch->columns > used ? watch->columns - used : 0);
	fputs(behind, out);
}

static void print_foot(FILE *out, const struct watch *watch)
{
	if (watch->rates.n > watch->page)
		fprintf(out, "%zu-%zu of %zu  ", watch->top + 1, watch->top + watch->page,
			watch->rates.n);
	if (watch->message && *watch->message)
		em_utf8_print(out, watch->message);
	else
		fputs("q quit  arrows scroll  sort by: p packets, b bytes, n name, c config", out);
}

enum part { TITLE, HEADINGS, LINE, FOOT_LINE };

static int draw_line(const struct watch *watch, struct em_screen *screen, unsigned int line,
		     enum em_screen_style style, enum part part)
{
	char *text __attribute__((cleanup(em_freep))) = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return -errno;
	if (part == TITLE)
		print_title(out, watch);
	else if (part == HEADINGS)
		em_rates_print_headings(out, &watch->rates);
	else if (part == LINE)
		em_rates_print_line(out, &watch->rates, watch->top + line - HEAD);
	else
		print_foot(out, watch);
	if (fclose(out) || !text)
		return -ENOMEM;
	em_screen_line(screen, line, style, text);
	return 0;
}

/* A smaller screen or fewer lines may leave less to scroll. */
static void fit(struct watch *watch, unsigned int lines)
{
	size_t most;

	watch->page = lines > HEAD + FOOT ? lines - HEAD - FOOT : 0;
	most = watch->rates.n > watch->page ? watch->rates.n - watch->page : 0;
	if (watch->top > most)
		watch->top = most;
}

static int draw(struct watch *watch, struct em_screen *screen)
{
	unsigned int lines;
	int rc;

	em_screen_size(screen, &lines, &watch->columns);
	fit(watch, lines);
	em_screen_begin(screen);
	rc = draw_line(watch, screen, 0, EM_SCREEN_BAR, TITLE);
	if (!rc && watch->rates.n && lines > 1)
		rc = draw_line(watch, screen, 1, EM_SCREEN_PLAIN, HEADINGS);
	for (size_t i = 0; !rc && i < watch->page && watch->top + i < watch->rates.n; i++)
		rc = draw_line(watch, screen, HEAD + (unsigned int)i,
			       em_rates_is_listener(&watch->rates, watch->top + i)
				       ? EM_SCREEN_BOLD
				       : EM_SCREEN_PLAIN,
			       LINE);
	if (!rc && lines > 1)
		rc = draw_line(watch, screen, lines - 1, EM_SCREEN_BAR, FOOT_LINE);
	em_screen_show(screen);
	return rc;
}

/* Keys. */

static void scroll(struct watch *watch, int key)
{
	size_t back = key == EM_SCREEN_UP	 ? 1
		      : key == EM_SCREEN_PAGE_UP ? watch->page
		      : key == EM_SCREEN_HOME	 ? watch->top
						 : 0;
	size_t on = key == EM_SCREEN_DOWN	 ? 1
		    : key == EM_SCREEN_PAGE_DOWN ? watch->page
		    : key == EM_SCREEN_LAST	 ? watch->rates.n
						 : 0;

	watch->top = watch->top > back ? watch->top - back : 0;
	watch->top += on; /* draw() ends it at the last page */
}

static int sort(struct watch *watch, enum em_rows_order order)
{
	watch->wanted.order = order;
	watch->top = 0;
	return count_rates(watch);
}

static int obey(struct watch *watch, int key)
{
	switch (key) {
	case 'q':
	case 'Q':
	case EM_SCREEN_END:
		watch->ended = true;
		return 0;
	case 'p':
		return sort(watch, EM_ROWS_BY_PACKETS);
	case 'b':
		return sort(watch, EM_ROWS_BY_BYTES);
	case 'l':
		return sort(watch, EM_ROWS_BY_LAST);
	case 'n':
		return sort(watch, EM_ROWS_BY_NAME);
	case 'c':
		return sort(watch, EM_ROWS_AS_CONFIGURED);
	default:
		scroll(watch, key);
		return 0;
	}
}

/* Draws and obeys keys until it is time for the next reading. */
static int show_until(struct watch *watch, struct em_screen *screen, double until)
{
	int rc = 0;

	while (!rc && !watch->ended) {
		double left = until - clock_now();

		rc = draw(watch, screen);
		if (rc || left <= 0)
			break;
		rc = obey(watch, em_screen_key(screen, (int)(left * 1000) + 1));
	}
	return rc;
}

static int watch_on(struct watch *watch, struct em_screen *screen)
{
	/* There are no rates before the second reading. */
	unsigned int seconds = 1;
	int rc = 0;

	while (!rc && !watch->ended) {
		rc = show_until(watch, screen, clock_now() + seconds);
		seconds = watch->seconds;
		if (!rc && !watch->ended)
			rc = read_quietly(watch);
	}
	return rc;
}

/* The first reading is as that of `stats`: messages go to the terminal as it was. */
static int begin(struct watch *watch, struct em_diag *diag)
{
	int rc = read_next(watch, diag);

	if (rc || !watch->now.stats)
		return rc;
	return em_names_check(watch->wanted.names, watch->now.policy, "stats", diag);
}

int em_print_watch(const struct em_rows_wanted *wanted, unsigned int seconds, struct em_diag *diag)
{
	struct watch watch = {.wanted = *wanted, .seconds = seconds};
	struct em_screen *screen = NULL;
	int rc = begin(&watch, diag);

	if (!rc)
		rc = em_screen_open(&screen, diag);
	if (!rc) {
		rc = watch_on(&watch, screen);
		em_screen_close(screen);
		if (rc)
			em_diag_error(diag, rc, NULL, "%s",
				      watch.message && *watch.message ? watch.message
								      : strerror(-rc));
	}
	em_rates_clear(&watch.rates);
	em_snapshot_clear(&watch.before);
	em_snapshot_clear(&watch.now);
	free(watch.message);
	return rc;
}
