/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * config - the configuration file, read into a policy.
 */
#include "config/config.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "config/parse.h"
#include "config/reader.h"
#include "config/source.h"

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

	if (!policy->listeners)
		policy->listeners = calloc(EM_LISTENERS_MAX, sizeof(*policy->listeners));
	if (!policy->listeners)
		return -ENOMEM;
	/* Those of the files before count as well. */
	if (policy->n_listeners && policy->n_listeners + setting->n > EM_LISTENERS_MAX)
		return em_config_mistake(reader, setting,
					 "%zu with those of the files before, expected at most %d",
					 policy->n_listeners + setting->n, EM_LISTENERS_MAX);
	return em_config_list(reader, key, setting, em_config_read_listener, policy);
}

static const struct em_config_key root_keys[] = {
	EM_KEY_WORD("backend", em_policy, backend, em_backend_names,
		    "\"auto\", \"xdp\", \"xdp-generic\", \"tc\" or \"nft\""),
	{"listeners", read_listeners, EM_KEY_REQUIRED, .min = 1, .max = EM_LISTENERS_MAX,
	 .expected = "a list of 1-256 listeners, ( { name = …; … } )"},
	{NULL},
};

/* Where the files of a folder have what may be there only once. */
struct parts {
	struct em_place backend; /* file is NULL: nowhere yet */
};

/* The keys of a file in a folder: another one may have the listeners. */
static const struct em_config_key *part_keys(struct em_config_key *keys)
{
	memcpy(keys, root_keys, sizeof(root_keys));
	keys[1].required = false;
	keys[1].min = 0;
	return keys;
}

/* Reads one file into the policy; parts is NULL where it is the whole configuration. */
static int read_file(struct em_reader *reader, struct parts *parts)
{
	struct em_config_key copy[sizeof(root_keys) / sizeof(root_keys[0])];
	const struct em_config_key *keys = parts ? part_keys(copy) : root_keys;
	__attribute__((cleanup(em_tree_clear))) struct em_tree tree;
	const struct em_setting *backend;
	int rc = em_tree_init(&tree);

	if (!rc)
		rc = em_parse(reader, &tree);
	if (rc)
		return rc;
	rc = em_config_group(reader, tree.root, "a group", keys, reader->policy);
	backend = parts && rc != -ENOMEM ? em_config_find(tree.root, keys, "backend") : NULL;
	if (backend && parts->backend.file)
		rc = em_config_worse(rc, em_config_repeated(reader, backend, &parts->backend));
	else if (backend)
		parts->backend = backend->place;
	return rc;
}

static int is_part(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return entry->d_name[0] != '.' && dot && !strcmp(dot, ".conf");
}

/* Whatever the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* Folders in it are left out, whatever their names. */
static int read_part(struct em_reader *reader, struct parts *parts, const char *all,
		     const char *name, bool *found)
{
	__attribute__((cleanup(em_freep))) char *path = em_source_path(all, name);
	struct stat status;
	int rc;

	if (!path)
		return -ENOMEM;
	if (!stat(path, &status) && S_ISDIR(status.st_mode))
		return 0;
	*found = true;
	reader->path = em_policy_file(reader->policy, path);
	rc = reader->path ? read_file(reader, parts) : -ENOMEM;
	return rc;
}

/* The files of a folder are one policy, in the order of their names. */
static int read_folder(struct em_reader *reader, bool beside)
{
	const char *all = reader->path;
	const struct em_place place = {.file = all};
	struct parts parts = {0};
	struct dirent **entries;
	int n = scandir(reader->path, &entries, is_part, by_name), rc = 0;
	bool found = false;

	if (n < 0)
		return em_diag_errno(reader->diag, -errno, &place, "read");
	if (!beside)
		reader->folder = all;
	for (int i = 0; i < n; i++) {
		if (rc != -ENOMEM)
			rc = em_config_worse(
				rc, read_part(reader, &parts, all, entries[i]->d_name, &found));
		free(entries[i]);
	}
	free(entries);
	if (!rc && !found)
		rc = em_diag_error(reader->diag, -EM_EUSAGE, &place,
				   "a folder without a configuration, expected *.conf");
	else if (!rc && !reader->policy->n_listeners)
		rc = em_diag_error(reader->diag, -EM_EUSAGE, &place,
				   "no file has listeners, expected one at least");
	return rc;
}

static int read_all(struct em_reader *reader, bool beside)
{
	unsigned int errors = reader->diag->errors;
	struct stat status;
	int rc;

	if (!stat(reader->path, &status) && S_ISDIR(status.st_mode))
		rc = read_folder(reader, beside);
	else
		rc = read_file(reader, NULL);
	if (rc != -ENOMEM && reader->policy->listeners)
		rc = em_config_worse(rc, em_policy_finish(reader->policy, reader->diag));
	/* A key that is there twice. */
	if (!rc && reader->diag->errors > errors)
		rc = -EM_EUSAGE;
	return rc;
}

int em_config_read_in(struct em_policy **out, const char *path, const char *beside,
		      struct em_diag *diag)
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
		reader.folder = beside ? beside : folder;
		rc = read_all(&reader, beside != NULL);
	}
	if (rc == -ENOMEM)
		em_diag_error(diag, rc, &place, "out of memory");
	if (rc)
		return rc;
	*out = policy;
	policy = NULL;
	return 0;
}

int em_config_read(struct em_policy **out, const char *path, struct em_diag *diag)
{
	return em_config_read_in(out, path, NULL, diag);
}
