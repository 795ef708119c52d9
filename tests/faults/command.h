/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * command - runs the command of a scenario, or another one, with a fault.
 */
#ifndef FAULTS_COMMAND_H
#define FAULTS_COMMAND_H

#include "policy.h"
#include "scenario.h"

/* The program; not owned. */
void command_init(const char *entitymux);

/* Whether it replaces the policy by another one. */
bool command_is_change(const struct scenario *scenario);
/* Whether it does so by an edit. */
bool command_is_edit(const struct scenario *scenario);
/* Whether it takes back an apply. */
bool command_is_undo(const struct scenario *scenario);
/* What is in force before the command, and what after it. */
enum policy command_before(const struct scenario *scenario);
enum policy command_after(const struct scenario *scenario);

/* The caller clears what was run. */
void command_run(struct inject *inject, const struct scenario *scenario);
void command_apply(struct inject *inject, const char *backend, enum policy policy);
/* Only tries it. */
void command_try(struct inject *inject, const char *backend, enum policy policy);
/* The edit of the scenario; where its policy is in force already, one that changes nothing. */
void command_edit(struct inject *inject, const struct scenario *scenario, enum policy in_force);
/* option may be NULL. */
void command_word(struct inject *inject, const char *command, const char *option);
/* The new policy, which the process that is left behind takes back a second later. */
void command_apply_for_a_second(const char *backend);

#endif
