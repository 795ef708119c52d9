/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "bpf/perf.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "bpf/abi.h"
#include "bpf/attached.h"

#define SAMPLE_MAP "entitymux_smp"
#define PAGES	   32 /* of each CPU: more than it may fill in the time between two readings */

struct em_sampler {
	int map;		    /* -1: none; the kernel takes the buffers out with it */
	struct perf_buffer *buffer; /* NULL: it has not begun */
	const struct em_policy *policy;

	/* While it is read. */
	em_sampled_fn *take;
	void *context;
	uint64_t lost;
	int rc; /* the first error of take */
};

int em_perf_open(struct em_sampler **out, struct em_samples *samples, struct em_diag *diag)
{
	(void)samples;
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return em_diag_enomem(diag);
	(*out)->map = -1;
	return 0;
}

/* The kernel's clock goes on from its start, whatever the time is set to. */
static uint64_t wall_time(uint64_t monotonic)
{
	return em_clock_wall() - em_clock_monotonic() + monotonic;
}

static void take_sample(void *context, int cpu, void *data, __u32 size)
{
	const struct em_abi_sample *sample = data;
	struct em_sampler *sampler = context;
	struct em_sampled sampled;

	(void)cpu;
	/* Another program may have written to the map. */
	if (sampler->rc || size < sizeof(*sample) || size - sizeof(*sample) < sample->bytes ||
	    sample->listener >= sampler->policy->n_listeners || sample->reason > EM_ABI_SORTED)
		return;
	sampled = (struct em_sampled){
		.time = wall_time(sample->time),
		.ifindex = sample->ifindex,
		.listener = &sampler->policy->listeners[sample->listener],
		.reason = sample->reason,
		.bytes = (const uint8_t *)(sample + 1),
		.captured = sample->bytes,
		.length = sample->length,
	};
	sampler->rc = sampler->take(sampler->context, &sampled);
}

static void take_lost(void *context, int cpu, __u64 lost)
{
	struct em_sampler *sampler = context;

	(void)cpu;
	sampler->lost += lost;
}

int em_perf_begin(struct em_sampler *sampler, uint32_t generation, const struct em_policy *policy,
		  struct em_diag *diag)
{
	int program, rc = em_attached_find(&program, generation, diag);

	if (rc)
		return rc;
	if (program < 0)
		return em_diag_error(diag, -ENOENT, NULL, "no program of generation %u is attached",
				     generation);
	sampler->map = em_attached_open_map(program, SAMPLE_MAP);
	close(program);
	if (sampler->map < 0)
		return em_diag_errno(diag, sampler->map, NULL,
				     "bpf: cannot find the map of samples");
	sampler->policy = policy;
	sampler->buffer =
		perf_buffer__new(sampler->map, PAGES, take_sample, take_lost, sampler, NULL);
	rc = sampler->buffer ? 0 : -errno;
	return rc ? em_diag_errno(diag, rc, NULL, "bpf: cannot open the buffers of samples") : 0;
}

int em_perf_read(struct em_sampler *sampler, int timeout_ms, em_sampled_fn *take, void *context,
		 uint64_t *lost, struct em_diag *diag)
{
	int rc;

	sampler->take = take;
	sampler->context = context;
	sampler->rc = 0;
	sampler->lost = 0;
	rc = perf_buffer__poll(sampler->buffer, timeout_ms);
	*lost += sampler->lost;
	if (rc < 0 && rc != -EINTR)
		return em_diag_errno(diag, rc, NULL, "bpf: cannot read the samples");
	return sampler->rc;
}

void em_perf_close(struct em_sampler *sampler)
{
	if (!sampler)
		return;
	perf_buffer__free(sampler->buffer);
	if (sampler->map >= 0)
		close(sampler->map);
	free(sampler);
}
