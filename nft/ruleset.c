/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * ruleset - a policy as rules of nf_tables; see ruleset.h.
 */
#include "nft/ruleset.h"

#include <errno.h>
#include <stdlib.h>

#include "nft/build.h"

static int make(struct em_ruleset **out, const struct em_policy *policy, uint32_t generation,
		bool object_counters)
{
	struct em_builder b = {0};
	int n;

	b.ruleset = calloc(1, sizeof(*b.ruleset));
	if (!b.ruleset)
		return -ENOMEM;
	b.ruleset->policy = policy;
	b.ruleset->generation = generation;
	b.ruleset->object_counters = object_counters;
	n = em_policy_interfaces(policy, &b.ruleset->interfaces);
	if (n < 0)
		b.error = n;
	for (int i = 0; i < n; i++)
		em_build_interface(&b, b.ruleset->interfaces[i]);
	b.ruleset->n_interfaces = n > 0 ? n : 0;
	for (size_t i = 0; i < policy->n_listeners; i++) {
		b.listener = &policy->listeners[i];
		em_build_listener(&b);
	}
	em_build_replies(&b);
	if (b.error) {
		em_ruleset_free(b.ruleset);
		return b.error;
	}
	*out = b.ruleset;
	return 0;
}

int em_ruleset_new(struct em_ruleset **out, const struct em_policy *policy, uint32_t generation)
{
	return make(out, policy, generation, false);
}

int em_ruleset_new_with_objects(struct em_ruleset **out, const struct em_policy *policy,
				uint32_t generation)
{
	return make(out, policy, generation, true);
}

static void free_chain(struct em_chain *chain)
{
	for (size_t r = 0; r < chain->n_rules; r++) {
		for (size_t s = 0; s < chain->rules[r].n_statements; s++)
			free(chain->rules[r].statements[s].entries);
		free(chain->rules[r].statements);
	}
	free(chain->rules);
}

void em_ruleset_free(struct em_ruleset *ruleset)
{
	if (!ruleset)
		return;
	for (size_t i = 0; i < ruleset->n_chains; i++)
		free_chain(&ruleset->chains[i]);
	for (size_t i = 0; i < ruleset->n_sets; i++)
		free(ruleset->sets[i].ranges);
	em_conversations_clear(&ruleset->conversations);
	free(ruleset->timeouts);
	free(ruleset->chains);
	free(ruleset->sets);
	free(ruleset->interfaces);
	free(ruleset);
}

void em_ruleset_freep(struct em_ruleset **ruleset)
{
	em_ruleset_free(*ruleset);
	*ruleset = NULL;
}
