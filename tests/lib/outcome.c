/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * outcome - what became of a packet, in the words that the tests use.
 */
#include "tests/lib/outcome.h"

#include <stdio.h>

static void describe_result(const struct em_classification *class, char *text, size_t size)
{
	const char *verdict = class->drop ? "drop" : "pass";
	char tag[EM_TAG_TEXT_MAX];

	if (class->result == EM_REWRITTEN)
		snprintf(text, size, " %s %u", em_entity_name(class->listener, class->entity, tag),
			 class->port);
	else if (class->result == EM_INVALID)
		snprintf(text, size, " %s %s", em_reason_name(class->reason), verdict);
	else if (class->result == EM_UNKNOWN && class->port)
		snprintf(text, size, " %u", class->port);
	else if (class->result == EM_UNKNOWN)
		snprintf(text, size, " %s", verdict);
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
