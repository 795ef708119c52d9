/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * screen - a terminal that is drawn in place.  screen.c is the only file that uses curses; a build
 * without it has screen_none.c instead.
 */
#ifndef EM_SCREEN_H
#define EM_SCREEN_H

#include "base/diag.h"

struct em_screen;

enum em_screen_style {
	EM_SCREEN_PLAIN,
	EM_SCREEN_BOLD,
	EM_SCREEN_BAR, /* in reverse, over the whole width */
};

/* What em_screen_key() returns besides the characters of keys. */
enum em_screen_event {
	EM_SCREEN_NOTHING,   /* the time is over, or the size has changed: draw again */
	EM_SCREEN_END = 256, /* a signal that ends programs, or the terminal is gone */
	EM_SCREEN_UP,
	EM_SCREEN_DOWN,
	EM_SCREEN_PAGE_UP,
	EM_SCREEN_PAGE_DOWN,
	EM_SCREEN_HOME,
	EM_SCREEN_LAST,
};

/*
 * Takes over the terminal at standard input and output until em_screen_close(), which restores it.
 * Signals that end programs are events meanwhile.  Returns 0 or -errno, reported.
 */
int em_screen_open(struct em_screen **out, struct em_diag *diag);
void em_screen_close(struct em_screen *screen); /* NULL: nothing */

void em_screen_size(const struct em_screen *screen, unsigned int *lines, unsigned int *columns);

/* A picture: begin, any lines, from 0 at the top, show.  text is printable UTF-8, and is cut. */
void em_screen_begin(struct em_screen *screen);
void em_screen_line(struct em_screen *screen, unsigned int line, enum em_screen_style style,
		    const char *text);
void em_screen_show(struct em_screen *screen);

/* Waits for a key or an event, at most so long.  Returns a character or an em_screen_event. */
int em_screen_key(struct em_screen *screen, int milliseconds);

#endif
