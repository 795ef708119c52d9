/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/* cleanup - functions for __attribute__((cleanup(…))), called at the end of a variable's scope. */
#ifndef EM_CLEANUP_H
#define EM_CLEANUP_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* For a pointer of any type from malloc(), or NULL. */
static inline void em_freep(void *pointer)
{
	free(*(void **)pointer);
}

/* -1: nothing is open. */
static inline void em_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void em_fclosep(FILE **file)
{
	if (*file)
		fclose(*file);
}

static inline void em_closedirp(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

#endif
