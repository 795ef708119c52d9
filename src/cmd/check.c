// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <jansson.h>

#include "cmd/cmd.h"
#include "config/config.h"

/* What the backends have to say of a policy. */
struct review {
	const struct em_backend_ops *datapath;
	json_t *findings; /* NULL: print as text */
};

static void note_finding(void *context, const struct em_place *place, const char *finding)
{
	struct review *review = context;

	if (review->findings)
		json_array_append_new(review->findings,
				      json_pack("{s:s, s:s, s:i, s:s}", "backend",
						review->datapath->name, "file", place->file, "line",
						(int)place->line, "finding", finding));
	else
		printf("%s:%u: %s: %s\n", place->file, place->line, review->datapath->name,
		       finding);
}

static void review_policy(const struct em_policy *policy, json_t *findings)
{
	struct review review = {.findings = findings};

	for (size_t i = 0; em_backends[i]; i++) {
		review.datapath = em_backends[i];
		em_backends[i]->review(policy, note_finding, &review);
	}
}

static size_t count_entities(const struct em_policy *policy)
{
	size_t n = 0;

	for (size_t i = 0; i < policy->n_listeners; i++)
		n += policy->listeners[i].n_entities;
	return n;
}

static int print_json(const char *path, const struct em_policy *policy)
{
	json_t *findings = json_array(), *document;
	int rc;

	review_policy(policy, findings);
	document = json_pack("{s:i, s:s, s:i, s:i, s:o}", "schema", 1, "config", path, "listeners",
			     (int)policy->n_listeners, "entities", (int)count_entities(policy),
			     "findings", findings);
	rc = document ? json_dumpf(document, stdout, JSON_INDENT(2)) : -1;
	json_decref(document);
	printf("\n");
	return rc ? -EIO : 0;
}

int em_cmd_check(const struct em_command *self, int argc, char **argv, struct em_diag *diag)
{
	struct em_policy *policy __attribute__((cleanup(em_policy_freep))) = NULL;
	const char *path = EM_DEFAULT_CONFIG;
	bool json = false, done;
	const struct em_option options[] = {{"json", 0, &json, NULL}, {0}};
	int rc = em_cmd_options(self, argc, argv, options, &path, &done, diag);

	if (rc || done)
		return rc;
	rc = em_config_read(&policy, path, diag);
	if (rc)
		return rc;
	if (json)
		return print_json(path, policy);
	review_policy(policy, NULL);
	printf("%s: correct: listeners: %zu, entities: %zu\n", path, policy->n_listeners,
	       count_entities(policy));
	return 0;
}
