/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * config - the configuration file, read into a policy.
 */
#include "config/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/parse.h"
#include "config/reader.h"

/* The folder of a path in *out, NULL for the current one.  Returns 0 or -ENOMEM. */
static int folder_of(const char *path, char **out)
{
	const char *slash = strrchr(path, '/');

	*out = NULL;
	if (!slash)
		return 0;
	*out = strndup(path, slash == path ? 1 : (size_t)(slash - path));
	return *out ? 0 : -ENOMEM;
}

static int read_listeners(struct em_reader *reader, const struct em_config_key *key,
			  const struct em_setting *setting, void *object)
{
	struct em_policy *policy = object;

	policy->listeners = calloc(EM_LISTENERS_MAX, sizeof(*policy->listeners));
	if (!policy->listeners)
		return -ENOMEM;
	return em_config_list(reader, key, setting, em_config_read_listener, policy);
}

static const struct em_config_key root_keys[] = {
	EM_KEY_WORD("backend", em_policy, backend, em_backend_names,
		    "\"auto\", \"xdp\", \"xdp-generic\", \"tc\" or \"nft\""),
	{"listeners", read_listeners, EM_KEY_REQUIRED, .min = 1, .max = EM_LISTENERS_MAX,
	 .expected = "a list of 1-256 listeners, ( { name = …; … } )"},
	{NULL},
};

static int read_file(struct em_reader *reader)
{
	__attribute__((cleanup(em_tree_clear))) struct em_tree tree;
	unsigned int errors = reader->diag->errors;
	int rc = em_tree_init(&tree);

	if (!rc)
		rc = em_parse(reader, &tree);
	if (rc)
		return rc;
	rc = em_config_group(reader, tree.root, "a group", root_keys, reader->policy);
	if (rc != -ENOMEM)
		rc = em_config_worse(rc, em_policy_finish(reader->policy, reader->diag));
	/* A key that is there twice. */
	if (!rc && reader->diag->errors > errors)
		rc = -EM_EUSAGE;
	return rc;
}

int em_config_read(struct em_policy **out, const char *path, struct em_diag *diag)
{
	__attribute__((cleanup(em_policy_freep))) struct em_policy *policy = NULL;
	__attribute__((cleanup(em_freep))) char *folder = NULL;
	struct em_reader reader = {.diag = diag, .path = path};
	struct em_place place = {.file = path};
	int rc = folder_of(path, &folder);

	if (!rc)
		rc = em_policy_new(&policy);
	if (!rc) {
		reader.policy = policy;
		reader.folder = folder;
		rc = read_file(&reader);
	}
	if (rc == -ENOMEM)
		em_diag_error(diag, rc, &place, "%s", strerror(ENOMEM));
	if (rc)
		return rc;
	*out = policy;
	policy = NULL;
	return 0;
}
