/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "print/screen.h"

#include <curses.h>
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/utf8.h"

struct em_screen {
	SCREEN *screen;
	int signals;   /* a signalfd */
	sigset_t mask; /* of signals, before */
};

/* A picture is never drawn over by a handler, and a signal never lost between two waits. */
static int take_signals(struct em_screen *screen)
{
	static const int taken[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH};
	sigset_t mask;

	sigemptyset(&mask);
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		sigaddset(&mask, taken[i]);
	screen->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (screen->signals < 0)
		return -errno;
	return sigprocmask(SIG_BLOCK, &mask, &screen->mask) ? -errno : 0;
}

/* Names are UTF-8, whatever the locale is. */
static void choose_locale(void)
{
	if (!setlocale(LC_CTYPE, "") || strcmp(nl_langinfo(CODESET), "UTF-8"))
		setlocale(LC_CTYPE, "C.UTF-8");
}

int em_screen_open(struct em_screen **out, struct em_diag *diag)
{
	struct em_screen *screen = calloc(1, sizeof(*screen));
	const char *name = getenv("TERM");
	int rc;

	if (!screen)
		return em_diag_enomem(diag);
	choose_locale();
	screen->screen = newterm(NULL, stdout, stdin);
	if (!screen->screen) {
		free(screen);
		return em_diag_error(diag, -ENOTTY, NULL,
				     "cannot draw on a terminal of the type %s; is TERM right?",
				     name && *name ? name : "that TERM does not name");
	}
	rc = take_signals(screen);
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(50);
	curs_set(0);
	*out = screen;
	if (rc) {
		em_screen_close(screen);
		*out = NULL;
		return em_diag_errno(diag, rc, NULL, "cannot wait for signals");
	}
	return 0;
}

void em_screen_close(struct em_screen *screen)
{
	struct signalfd_siginfo taken;

	if (!screen)
		return;
	endwin();
	delscreen(screen->screen);
	if (screen->signals >= 0) {
		/* One that is still pending would end the process. */
		while (read(screen->signals, &taken, sizeof(taken)) > 0)
			;
		sigprocmask(SIG_SETMASK, &screen->mask, NULL);
		close(screen->signals);
	}
	free(screen);
}

void em_screen_size(const struct em_screen *screen, unsigned int *lines, unsigned int *columns)
{
	(void)screen;
	*lines = (unsigned int)getmaxy(stdscr);
	*columns = (unsigned int)getmaxx(stdscr);
}

void em_screen_begin(struct em_screen *screen)
{
	(void)screen;
	erase();
}

/* The bytes of the first characters, one column each. */
static int cut(const char *text, int columns)
{
	const char *end = text;

	for (; *end && columns > 0; columns--) {
		size_t length = em_utf8_length(end);

		end += length ? length : 1;
	}
	return (int)(end - text);
}

void em_screen_line(struct em_screen *screen, unsigned int line, enum em_screen_style style,
		    const char *text)
{
	static const attr_t attributes[] = {
		[EM_SCREEN_PLAIN] = A_NORMAL,
		[EM_SCREEN_BOLD] = A_BOLD,
		[EM_SCREEN_BAR] = A_REVERSE,
	};

	(void)screen;
	attrset((int)attributes[style]);
	move((int)line, 0);
	if (style == EM_SCREEN_BAR)
		hline(' ' | A_REVERSE, getmaxx(stdscr));
	addnstr(text, cut(text, getmaxx(stdscr)));
	attrset(A_NORMAL);
}

void em_screen_show(struct em_screen *screen)
{
	(void)screen;
	refresh();
}

static int take_signal(const struct em_screen *screen)
{
	struct signalfd_siginfo taken;
	struct winsize size;

	if (read(screen->signals, &taken, sizeof(taken)) != sizeof(taken))
		return EM_SCREEN_NOTHING;
	if (taken.ssi_signo != SIGWINCH)
		return EM_SCREEN_END;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_row && size.ws_col)
		resizeterm(size.ws_row, size.ws_col);
	return EM_SCREEN_NOTHING;
}

static int key_of(int character)
{
	static const struct {
		int character, key;
	} keys[] = {
		{KEY_UP, EM_SCREEN_UP},		{'k', EM_SCREEN_UP},
		{KEY_DOWN, EM_SCREEN_DOWN},	{'j', EM_SCREEN_DOWN},
		{KEY_PPAGE, EM_SCREEN_PAGE_UP}, {KEY_NPAGE, EM_SCREEN_PAGE_DOWN},
		{' ', EM_SCREEN_PAGE_DOWN},	{KEY_HOME, EM_SCREEN_HOME},
		{KEY_END, EM_SCREEN_LAST},
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (keys[i].character == character)
			return keys[i].key;
	return character > 0 && character < 256 ? character : EM_SCREEN_NOTHING;
}

int em_screen_key(struct em_screen *screen, int milliseconds)
{
	struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
			       {.fd = screen->signals, .events = POLLIN}};
	int character = getch();

	if (character != ERR)
		return key_of(character);
	/* A handler of curses may interrupt it, after a stop: the picture is drawn again. */
	if (poll(fds, 2, milliseconds) <= 0)
		return EM_SCREEN_NOTHING;
	if (fds[1].revents)
		return take_signal(screen);
	if (fds[0].revents & (POLLHUP | POLLERR | POLLNVAL))
		return EM_SCREEN_END;
	character = getch();
	return character == ERR ? EM_SCREEN_NOTHING : key_of(character);
}
