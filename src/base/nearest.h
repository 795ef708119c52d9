/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * nearest - finds the word most similar to a misspelt one ("did you mean ...?").
 *
 *	struct em_nearest nearest = em_nearest_of("aply");
 *	em_nearest_offer(&nearest, "apply");		(for each word)
 *	if (nearest.found) ...
 */
#ifndef EM_NEAREST_H
#define EM_NEAREST_H

struct em_nearest {
	const char *written; /* not owned */
	const char *found;   /* the nearest word offered so far; not owned; NULL: none yet */
	unsigned int best;   /* a nearer word has fewer differences than this */
};

struct em_nearest em_nearest_of(const char *written);
void em_nearest_offer(struct em_nearest *nearest, const char *word);

#endif
