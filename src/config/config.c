/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * config - the configuration file, read into a policy.
 */
#include "config/config.h"

#include <errno.h>
#include <libconfig.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "config/numbers.h"
#include "config/reader.h"

static void freep(char **text)
{
	free(*text);
}

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

static int parse(struct em_reader *reader, config_t *config, const char *text)
{
	struct em_place place;

	if (reader->folder)
		config_set_include_dir(config, reader->folder);
	if (config_read_string(config, text) == CONFIG_TRUE)
		return 0;
	place.file = em_config_file(reader, config_error_file(config));
	place.line = (unsigned int)config_error_line(config);
	return em_diag_error(reader->diag, -EM_EUSAGE, &place, "%s",
			     config_error_text(config) ? config_error_text(config)
						       : "syntax error");
}

/*
 * Hangs each number, as it was written, on its setting: both are in the order of the text.
 * Returns how many there were, which is more than n if there are too few.
 */
static size_t attach(config_setting_t *setting, const struct em_numbers *integers, size_t used)
{
	int type = config_setting_type(setting);

	if (type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64) {
		if (used < integers->n)
			config_setting_set_hook(setting, &integers->items[used]);
		return used + 1;
	}
	if (!config_setting_is_aggregate(setting))
		return used;
	for (int i = 0; i < config_setting_length(setting); i++)
		used = attach(config_setting_get_elem(setting, (unsigned int)i), integers, used);
	return used;
}

static int read_listeners(struct em_reader *reader, const struct em_config_key *key,
			  const config_setting_t *setting, void *object)
{
	struct em_policy *policy = object;
	int n, result = 0;

	if (!config_setting_is_list(setting))
		return em_config_wrong_type(reader, setting, key->expected);
	n = config_setting_length(setting);
	if (n < 1 || n > EM_LISTENERS_MAX)
		result = em_config_mistake(reader, setting, "%d listeners, expected 1-%d", n,
					   EM_LISTENERS_MAX);
	policy->listeners = calloc((size_t)n + 1, sizeof(*policy->listeners));
	if (!policy->listeners)
		return -ENOMEM;
	for (int i = 0; i < n && result != -ENOMEM; i++) {
		const config_setting_t *listener =
			config_setting_get_elem(setting, (unsigned int)i);

		result = em_config_worse(result, em_config_read_listener(reader, listener));
	}
	return result;
}

static const struct em_config_key root_keys[] = {
	EM_KEY_WORD("backend", em_policy, backend, em_backend_names,
		    "\"auto\", \"xdp\", \"xdp-generic\", \"tc\" or \"nft\""),
	{"listeners", read_listeners, EM_KEY_REQUIRED,
	 .expected = "a list of 1-256 listeners, ( { name = …; … } )"},
	{NULL},
};

static int read_tree(struct em_reader *reader, config_t *config, const struct em_numbers *integers)
{
	struct em_place place = {.file = reader->path};
	int result;

	if (attach(config_root_setting(config), integers, 0) != integers->n)
		return em_diag_error(
			reader->diag, -EM_EUSAGE, &place,
			"its numbers are not clear, expected decimal or hex ones, "
			"apart from each other, and files that do not change meanwhile");
	result = em_config_group(reader, config_root_setting(config), "a group", root_keys,
				 reader->policy);
	if (result == -ENOMEM)
		return result;
	return em_config_worse(result, em_policy_finish(reader->policy, reader->diag));
}

static int read_text(struct em_reader *reader, const struct em_numbers *integers, const char *text)
{
	__attribute__((cleanup(config_destroy))) config_t config;
	int error;

	config_init(&config);
	error = parse(reader, &config, text);
	if (!error)
		error = read_tree(reader, &config, integers);
	return error;
}

static int read_file(struct em_reader *reader)
{
	__attribute__((cleanup(em_numbers_clear))) struct em_numbers integers;
	__attribute__((cleanup(freep))) char *text = NULL;
	int error;

	error = em_numbers_read(&integers, &text, reader->path, reader->folder, reader->diag);
	if (!text)
		return error;
	return em_config_worse(error, read_text(reader, &integers, text));
}

int em_config_read(struct em_policy **out, const char *path, struct em_diag *diag)
{
	__attribute__((cleanup(em_policy_freep))) struct em_policy *policy = NULL;
	__attribute__((cleanup(freep))) char *folder = NULL;
	struct em_reader reader = {.diag = diag, .path = path};
	struct em_place place = {.file = path};
	int error = folder_of(path, &folder);

	if (!error)
		error = em_policy_new(&policy);
	if (!error) {
		reader.policy = policy;
		reader.folder = folder;
		error = read_file(&reader);
	}
	if (error == -ENOMEM)
		em_diag_error(diag, error, &place, "%s", strerror(ENOMEM));
	if (error)
		return error;
	*out = policy;
	policy = NULL;
	return 0;
}
