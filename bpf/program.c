// SPDX-License-Identifier: GPL-2.0-or-later
#include "program.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compile.h"
/* Generated, by rules of its own. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual"
#include "xdp.skel.h"
#pragma GCC diagnostic pop

#define VERIFIER_LOG 65536 /* bytes; the end of the log is what matters */

struct em_program {
	struct em_xdp *skeleton;
	char log[VERIFIER_LOG];
};

/* Whether bpf(2) is there for us at all, tried with the simplest of maps. */
static int try_bpf(struct em_plan *plan, struct em_diag *diag)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "entitymux_try", 4, 4, 1, NULL);

	if (fd >= 0) {
		close(fd);
		return 0;
	}
	if (fd == -ENOSYS || fd == -EINVAL)
		return em_plan_lacks(plan, NULL, "this kernel has no bpf(2)");
	if (fd == -EPERM)
		return em_diag_error(diag, fd, NULL,
				     "bpf: not permitted: needs root, or CAP_BPF and CAP_NET_ADMIN");
	return em_diag_error(diag, fd, NULL, "bpf: %s", strerror(-fd));
}

/* The line before the statistics is the verifier's reason. */
static const char *last_reason(char *log)
{
	char *reason = log, *line = strtok(log, "\n");

	for (; line; line = strtok(NULL, "\n"))
		if (strncmp(line, "processed ", 10) && strncmp(line, "verification time", 17) &&
		    strncmp(line, "stack depth", 11))
			reason = line;
	return reason;
}

static int report_load(struct em_program *program, int rc, struct em_diag *diag)
{
	if (rc == -EPERM)
		return em_diag_error(diag, rc, NULL,
				     "bpf: loading the program is not permitted: needs root, or "
				     "CAP_BPF and CAP_NET_ADMIN");
	if (program->log[0])
		return em_diag_error(diag, rc == -EOPNOTSUPP ? -EIO : rc, NULL,
				     "bpf: the kernel rejects the program: %s: %s", strerror(-rc),
				     last_reason(program->log));
	return em_diag_error(diag, rc == -EOPNOTSUPP ? -EIO : rc, NULL,
			     "bpf: cannot load the program: %s", strerror(-rc));
}

static size_t at_least_one(size_t n)
{
	return n ? n : 1;
}

static size_t count_claims(const struct em_policy *policy)
{
	size_t n = 0;

	for (size_t i = 0; i < policy->n_listeners; i++)
		n += policy->listeners[i].n_interfaces *
		     at_least_one(policy->listeners[i].n_addresses);
	return n;
}

static size_t count_sources(const struct em_policy *policy)
{
	size_t n = 0;

	for (size_t i = 0; i < policy->n_listeners; i++)
		n += policy->listeners[i].n_sources;
	return n;
}

static int set_sizes(const struct em_xdp *skeleton, const struct em_policy *policy, size_t n_steps)
{
	const struct {
		struct bpf_map *map;
		size_t entries;
	} sizes[] = {
		{ skeleton->maps.entitymux_claim, count_claims(policy) },
		{ skeleton->maps.entitymux_src, count_sources(policy) },
		{ skeleton->maps.entitymux_step, n_steps },
		{ skeleton->maps.entitymux_tag, em_compile_count_entities(policy) },
		{ skeleton->maps.entitymux_lcnt, policy->n_listeners },
		{ skeleton->maps.entitymux_ecnt, em_compile_count_entities(policy) },
	};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		int rc = bpf_map__set_max_entries(sizes[i].map, at_least_one(sizes[i].entries));

		if (rc)
			return rc;
	}
	return 0;
}

static int fill_claims(const struct bpf_map *map, const struct em_policy *policy)
{
	for (uint32_t i = 0; i < policy->n_listeners; i++) {
		const struct em_listener *listener = &policy->listeners[i];

		for (size_t j = 0; j < listener->n_interfaces; j++) {
			unsigned int ifindex = if_nametoindex(listener->interfaces[j]);

			if (!ifindex)
				return -errno;
			for (size_t k = 0; k < at_least_one(listener->n_addresses); k++) {
				struct em_abi_claim claim = em_compile_claim(
					listener, ifindex,
					listener->n_addresses ? &listener->addresses[k] : NULL);
				int rc = bpf_map__update_elem(map, &claim, sizeof(claim), &i,
							      sizeof(i), BPF_NOEXIST);

				if (rc)
					return rc;
			}
		}
	}
	return 0;
}

static int fill_sources(const struct bpf_map *map, const struct em_policy *policy)
{
	const uint32_t unused = 0;

	for (size_t i = 0; i < policy->n_listeners; i++) {
		for (size_t j = 0; j < policy->listeners[i].n_sources; j++) {
			struct em_abi_source source =
				em_compile_source(i, &policy->listeners[i].sources[j]);
			int rc = bpf_map__update_elem(map, &source, sizeof(source), &unused,
						      sizeof(unused), BPF_ANY);

			if (rc)
				return rc;
		}
	}
	return 0;
}

static int fill_steps(const struct bpf_map *map, const struct em_compiled_steps *steps)
{
	for (uint32_t i = 0; i < steps->n_steps; i++) {
		int rc = bpf_map__update_elem(map, &i, sizeof(i), &steps->steps[i],
					      sizeof(steps->steps[i]), BPF_ANY);

		if (rc)
			return rc;
	}
	return 0;
}

static int fill_entities(const struct bpf_map *map, const struct em_policy *policy)
{
	uint32_t counter = 0;

	for (size_t i = 0; i < policy->n_listeners; i++) {
		const struct em_listener *listener = &policy->listeners[i];

		for (size_t j = 0; j < listener->n_entities; j++) {
			const struct em_entity *entity = &listener->entities[j];
			struct em_abi_entity_key key = {
				.tag = em_compile_tag(listener, entity->tag),
				.listener = i,
			};
			struct em_abi_entity value = { .counter = counter++,
						       .port = htons(entity->port) };
			int rc = bpf_map__update_elem(map, &key, sizeof(key), &value,
						      sizeof(value), BPF_NOEXIST);

			if (rc)
				return rc;
		}
	}
	return 0;
}

static int fill_maps(const struct em_xdp *skeleton, const struct em_policy *policy,
		     const struct em_compiled_steps *steps)
{
	int rc = fill_claims(skeleton->maps.entitymux_claim, policy);

	if (!rc)
		rc = fill_sources(skeleton->maps.entitymux_src, policy);
	if (!rc)
		rc = fill_steps(skeleton->maps.entitymux_step, steps);
	if (!rc)
		rc = fill_entities(skeleton->maps.entitymux_tag, policy);
	return rc;
}

static int load(struct em_program *program, const struct em_policy *policy, uint32_t generation,
		struct em_compiled_steps *steps, struct em_diag *diag)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .kernel_log_buf = program->log,
		    .kernel_log_size = sizeof(program->log));
	struct em_abi_constants *constants;
	int rc;

	program->skeleton = em_xdp__open_opts(&options);
	if (!program->skeleton)
		return em_diag_error(diag, -errno, NULL, "bpf: cannot open the program: %s",
				     strerror(errno));
	constants = (void *)&program->skeleton->rodata->em_constants;
	rc = em_compile(policy, constants, steps);
	constants->generation = generation;
	if (!rc)
		rc = set_sizes(program->skeleton, policy, steps->n_steps);
	if (rc)
		return em_diag_error(diag, rc, NULL, "bpf: %s", strerror(-rc));
	rc = em_xdp__load(program->skeleton);
	if (rc)
		return report_load(program, rc, diag);
	rc = fill_maps(program->skeleton, policy, steps);
	if (rc)
		return em_diag_error(diag, rc == -EOPNOTSUPP ? -EIO : rc, NULL,
				     "bpf: cannot fill a map: %s", strerror(-rc));
	return 0;
}

int em_program_load(struct em_program **out, const struct em_policy *policy, struct em_plan *plan,
		    uint32_t generation, struct em_diag *diag)
{
	struct em_compiled_steps steps = { 0 };
	struct em_program *program;
	int rc;

	/* What libbpf prints goes to standard error behind our back. */
	libbpf_set_print(NULL);
	rc = try_bpf(plan, diag);
	if (rc)
		return rc;
	program = calloc(1, sizeof(*program));
	if (!program)
		return em_diag_error(diag, -ENOMEM, NULL, "%s", strerror(ENOMEM));
	rc = load(program, policy, generation, &steps, diag);
	free(steps.steps);
	if (rc) {
		em_program_free(program);
		return rc;
	}
	*out = program;
	return 0;
}

void em_program_free(struct em_program *program)
{
	if (!program)
		return;
	em_xdp__destroy(program->skeleton);
	free(program);
}

int em_program_fd(const struct em_program *program)
{
	return bpf_program__fd(program->skeleton->progs.entitymux_xdp);
}
