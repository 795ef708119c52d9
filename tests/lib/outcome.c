/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * outcome - what became of a packet, in the words that the tests use.
 */
#include "tests/lib/outcome.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/header_limit.h"

static void describe_result(const struct em_classification *class, char *text, size_t size)
{
	char tag[EM_COVER_TEXT_MAX], port[EM_ACTION_TEXT_MAX];
	const char *action = em_action_format(&class->action, port);

	if (class->result == EM_REWRITTEN)
		snprintf(text, size, " %s %s", em_entity_name(class->format, class->entity, tag),
			 action);
	else if (class->entity)
		snprintf(text, size, " %s", em_entity_name(class->format, class->entity, tag));
	else if (class->result == EM_INVALID)
		snprintf(text, size, " %s %s", em_reason_name(class->reason), action);
	else if (class->result == EM_UNKNOWN)
		snprintf(text, size, " %s", action);
}

const char *outcome_describe(const struct em_policy *policy, const struct em_classification *class,
			     char text[OUTCOME_MAX])
{
	char result[16 + EM_ENTITY_NAME_MAX] = "";
	bool named = class->listener && class->listener != policy->listeners;

	describe_result(class, result, sizeof(result));
	snprintf(text, OUTCOME_MAX, "%s%s%s%s", em_result_name(class->result), result,
		 named ? " @" : "", named ? class->listener->name : "");
	return text;
}

unsigned int outcome_header_limit(void)
{
	uint32_t limit;
	struct em_diag diag;

	em_diag_init(&diag, stderr);
	if (em_header_limit_find(&limit, &diag))
		exit(1);
	return limit ? limit : EM_HEADER_LIMIT_MAX;
}
