/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/* Instead of screen.c, in a build without curses. */
#include <stdlib.h>

#include "print/screen.h"

int em_screen_open(struct em_screen **out, struct em_diag *diag)
{
	(void)out;
	return em_diag_error(diag, -EM_EUNSUPPORTED, NULL,
			     "this build cannot draw on a terminal: it is one without ncurses");
}

/* Nothing below is reached without a screen. */

void em_screen_close(struct em_screen *screen)
{
	(void)screen;
}

void em_screen_size(const struct em_screen *screen, unsigned int *lines, unsigned int *columns)
{
	(void)screen;
	*lines = *columns = 0;
}

void em_screen_begin(struct em_screen *screen)
{
	(void)screen;
}

void em_screen_line(struct em_screen *screen, unsigned int line, enum em_screen_style style,
		    const char *text)
{
	(void)screen;
	(void)line;
	(void)style;
	(void)text;
}

void em_screen_show(struct em_screen *screen)
{
	(void)screen;
}

int em_screen_key(struct em_screen *screen, int milliseconds)
{
	(void)screen;
	(void)milliseconds;
	return EM_SCREEN_END;
}
