/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * names - which listeners and entities the words of a command line mean.
 *
 * A word is LISTENER[:FORMAT][/ENTITY], divided at the first `/`, and what is before it at the
 * first
 * `:`; each part is a pattern of the shell (fnmatch(3)). An entity without a name is named by its
 * tag. No words mean all.
 */
#ifndef EM_NAMES_H
#define EM_NAMES_H

#include <stdbool.h>

#include "policy/policy.h"

/* words ends with NULL.  Whether one means the listener, or a format or an entity that it has. */
bool em_names_listener(char *const *words, const struct em_listener *listener);

bool em_names_format(char *const *words, const struct em_listener *listener,
		     const struct em_format *format);
bool em_names_entity(char *const *words, const struct em_listener *listener,
		     const struct em_format *format, const struct em_entity *entity);

/* Whether the word is LISTENER[:FORMAT]/ENTITY. */
bool em_names_is_entity(const char *word);

/*
 * Reports the first word that means no listener, no format or no entity of the policy, with the
 * nearest name.  Returns 0 or -ENOENT.
 */
int em_names_check(char *const *words, const struct em_policy *policy, const char *command,
		   struct em_diag *diag);

#endif
