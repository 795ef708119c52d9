// SPDX-License-Identifier: GPL-2.0-or-later
#include "attached.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abi.h"

#define PROGRAM_NAME  "entitymux_xdp"
#define CONSTANTS     ".rodata" /* what the name of their map ends in */
#define LISTENER_MAP  "entitymux_lcnt"
#define ENTITY_MAP    "entitymux_ecnt"
#define PROGRAM_MAPS  16 /* more than a program of ours has */

struct em_counters {
	int listeners;
	int entities;
};

static bool ends_in(const char *text, const char *end)
{
	size_t length = strlen(text), tail = strlen(end);

	return length >= tail && !strcmp(text + length - tail, end);
}

/* The map of a program whose name ends in `name`; a descriptor or -errno. */
static int find_map(int program, const char *name)
{
	uint32_t ids[PROGRAM_MAPS], length = sizeof(struct bpf_prog_info);
	struct bpf_prog_info info = { .nr_map_ids = PROGRAM_MAPS,
				      .map_ids = (uintptr_t)ids };
	int rc = bpf_obj_get_info_by_fd(program, &info, &length);

	if (rc)
		return rc;
	for (uint32_t i = 0; i < info.nr_map_ids && i < PROGRAM_MAPS; i++) {
		struct bpf_map_info map = { 0 };
		int fd = bpf_map_get_fd_by_id(ids[i]);

		if (fd < 0)
			return fd;
		length = sizeof(map);
		if (!bpf_obj_get_info_by_fd(fd, &map, &length) && ends_in(map.name, name))
			return fd;
		close(fd);
	}
	return -ENOENT;
}

static int read_generation(int program, uint32_t *generation)
{
	struct em_abi_constants *constants;
	int fd = find_map(program, CONSTANTS), rc;
	const uint32_t zero = 0;

	if (fd < 0)
		return fd;
	constants = malloc(sizeof(*constants));
	if (!constants) {
		close(fd);
		return -ENOMEM;
	}
	rc = bpf_map_lookup_elem(fd, &zero, constants);
	/* That of another version is still ours, but no generation that could be read. */
	*generation = !rc && constants->version == EM_ABI_VERSION ? constants->generation : 0;
	free(constants);
	close(fd);
	return rc;
}

static uint32_t mode_of(uint8_t attach_mode)
{
	switch (attach_mode) {
	case XDP_ATTACHED_SKB:
		return XDP_FLAGS_SKB_MODE;
	case XDP_ATTACHED_HW:
		return XDP_FLAGS_HW_MODE;
	default:
		return XDP_FLAGS_DRV_MODE;
	}
}

bool em_attached_is_ours(const struct em_attached *attached)
{
	return attached->fd >= 0;
}

static int identify(struct em_attached *out)
{
	struct bpf_prog_info info = { 0 };
	uint32_t length = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(out->id), rc;

	/* Gone meanwhile; or somebody else's, for all that an unprivileged process can know. */
	if (fd == -ENOENT || fd == -EPERM)
		return 0;
	if (fd < 0)
		return fd;
	rc = bpf_obj_get_info_by_fd(fd, &info, &length);
	if (!rc)
		memcpy(out->name, info.name, sizeof(out->name) - 1);
	if (rc || strcmp(out->name, PROGRAM_NAME)) {
		close(fd);
		return rc;
	}
	rc = read_generation(fd, &out->generation);
	if (rc) {
		close(fd);
		return rc;
	}
	out->fd = fd;
	return 0;
}

int em_attached_find(struct em_attached *out, unsigned int ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	int rc;

	*out = (struct em_attached){ .fd = -1 };
	rc = bpf_xdp_query(ifindex, 0, &query);
	if (rc)
		return rc;
	/* With several attached at once there is no single id; the one of the driver counts. */
	out->id = query.prog_id ? query.prog_id : query.drv_prog_id;
	out->mode = mode_of(query.attach_mode == XDP_ATTACHED_MULTI ? XDP_ATTACHED_DRV :
								      query.attach_mode);
	return out->id ? identify(out) : 0;
}

int em_attached_open_counters(struct em_counters **out, int program, struct em_diag *diag)
{
	struct em_counters *counters = malloc(sizeof(*counters));

	if (!counters)
		return em_diag_error(diag, -ENOMEM, NULL, "%s", strerror(ENOMEM));
	counters->listeners = find_map(program, LISTENER_MAP);
	counters->entities = find_map(program, ENTITY_MAP);
	if (counters->listeners < 0 || counters->entities < 0) {
		int rc = counters->listeners < 0 ? counters->listeners : counters->entities;

		em_attached_close_counters(counters);
		return em_diag_error(diag, rc, NULL, "bpf: cannot find the counters: %s",
				     strerror(-rc));
	}
	*out = counters;
	return 0;
}

static int read_listener(const struct em_counters *counters, uint32_t index,
			 struct em_abi_listener_count *per_cpu, int cpus,
			 struct em_listener_stats *stats)
{
	int rc = bpf_map_lookup_elem(counters->listeners, &index, per_cpu);

	for (int i = 0; !rc && i < cpus; i++) {
		stats->total.packets += per_cpu[i].total.packets;
		stats->total.bytes += per_cpu[i].total.bytes;
		stats->rewritten += per_cpu[i].rewritten;
		stats->unknown += per_cpu[i].unknown;
		stats->invalid[EM_REASON_SOURCE] += per_cpu[i].invalid[EM_ABI_SOURCE];
		stats->invalid[EM_REASON_LENGTH] += per_cpu[i].invalid[EM_ABI_LENGTH];
		stats->invalid[EM_REASON_CHECK] += per_cpu[i].invalid[EM_ABI_CHECK];
	}
	return rc;
}

static int read_entity(const struct em_counters *counters, uint32_t index,
		       struct em_abi_count *per_cpu, int cpus, struct em_count *count)
{
	int rc = bpf_map_lookup_elem(counters->entities, &index, per_cpu);

	for (int i = 0; !rc && i < cpus; i++) {
		count->packets += per_cpu[i].packets;
		count->bytes += per_cpu[i].bytes;
	}
	return rc;
}

static int read_all(const struct em_counters *counters, const struct em_policy *policy, int cpus,
		    void *per_cpu, struct em_stats *stats)
{
	uint32_t counter = 0;
	int rc = 0;

	for (uint32_t i = 0; !rc && i < policy->n_listeners; i++) {
		struct em_listener_stats *listener = &stats->listeners[i];

		rc = read_listener(counters, i, per_cpu, cpus, listener);
		for (size_t j = 0; !rc && j < policy->listeners[i].n_entities; j++)
			rc = read_entity(counters, counter++, per_cpu, cpus,
					 &listener->entities[j]);
	}
	return rc;
}

int em_attached_read_counters(struct em_counters *counters, const struct em_policy *policy,
		     struct em_stats *stats, struct em_diag *diag)
{
	int cpus = libbpf_num_possible_cpus(), rc;
	void *per_cpu;

	if (cpus < 0)
		return em_diag_error(diag, cpus, NULL, "cannot count the CPUs: %s",
				     strerror(-cpus));
	per_cpu = calloc(cpus, sizeof(struct em_abi_listener_count));
	if (!per_cpu)
		return em_diag_error(diag, -ENOMEM, NULL, "%s", strerror(ENOMEM));
	rc = read_all(counters, policy, cpus, per_cpu, stats);
	free(per_cpu);
	if (rc)
		return em_diag_error(diag, rc, NULL, "bpf: cannot read the counters: %s",
				     strerror(-rc));
	return 0;
}

void em_attached_close_counters(struct em_counters *counters)
{
	if (!counters)
		return;
	if (counters->listeners >= 0)
		close(counters->listeners);
	if (counters->entities >= 0)
		close(counters->entities);
	free(counters);
}
