/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * ways - to sort datagrams, or not to: what is measured, put on a host and taken away again.
 */
#include "ways.h"

#include <stdio.h>
#include <string.h>

#define NOT_SUPPORTED 3
#define ANY	      UINT32_MAX
#define REPLIES	      "replies = true;"

const struct way ways[] = {
	{"nothing"},
	{"empty XDP program", .empty_xdp = true},
	{"entitymux xdp", "xdp", .entities_max = ANY},
	{"entitymux tc", "tc", .entities_max = ANY},
	{"entitymux nft", "nft", .entities_max = ANY},
	{"entitymux xdp-generic", "xdp-generic", .entities_max = ANY},
	{"entitymux xdp, replies", "xdp", .keys = REPLIES, .answers = true, .entities_max = 100},
	{"entitymux tc, replies", "tc", .keys = REPLIES, .answers = true, .entities_max = 100},
	{"entitymux nft, replies", "nft", .keys = REPLIES, .answers = true, .entities_max = 100},
	{"entitymux xdp-generic, replies", "xdp-generic", .keys = REPLIES, .answers = true,
	 .entities_max = 100},
	{"nft by hand, stateless", .other = "stateless", .entities_max = ANY},
	{"nft by hand, counters", .other = "counting", .entities_max = ANY},
	{"nft by hand, counters and guards", .other = "guarded", .entities_max = ANY},
	{"nft by hand, dnat", .other = "dnat", .answers = true, .entities_max = 1},
	{"nft by hand, zones and dnat", .other = "zones", .answers = true, .entities_max = 65536},
	{"iptables u32, TPROXY", .other = "u32", .only_ip4 = true, .entities_max = 100},
	{"tc u32, pedit, csum", .other = "pedit", .only_ip4 = true, .entities_max = 100},
};
const size_t n_ways = sizeof(ways) / sizeof(ways[0]);

bool way_is_asked_for(const struct way *way, const struct bench *bench)
{
	return !bench->word || !way->entities_max || strstr(way->what, bench->word);
}

uint16_t way_port(const struct way *way)
{
	return way->entities_max ? BENCH_ENTITY_PORT : BENCH_LISTENER_PORT;
}

static int run(const struct host *host, const char *const *arguments, char message[WAY_MESSAGE])
{
	struct rig_output output;
	const char *why;
	int status;

	host_run(host, &output, arguments);
	status = output.status;
	output.err[strcspn(output.err, "\n")] = '\0';
	/* Of "FILE:LINE: WHAT cannot carry this policy here: WHY" a row has the rest already. */
	why = strstr(output.err, "here: ");
	snprintf(message, WAY_MESSAGE, "%s", why ? why + strlen("here: ") : output.err);
	rig_output_clear(&output);
	if (status == NOT_SUPPORTED)
		return WAY_ABSENT;
	return status ? WAY_FAILED : 0;
}

static int apply(const struct way *way, const struct bench *bench, const struct host *host,
		 uint32_t entities, char message[WAY_MESSAGE])
{
	const struct bench_policy policy = {"in0", entities, BENCH_ENTITY_PORT, 0, way->keys};
	char path[256], backend[32];
	const char *const arguments[] = {bench->entitymux, "apply", backend, path, NULL};

	snprintf(backend, sizeof(backend), "--backend=%s", way->backend);
	bench_write_policy(bench, &policy, path);
	return run(host, arguments, message);
}

static int attach(const struct host *host, int program, char message[WAY_MESSAGE])
{
	int rc = host_attach(host, program);

	snprintf(message, WAY_MESSAGE, "%s", strerror(-rc));
	return rc ? WAY_FAILED : 0;
}

int way_put(const struct way *way, const struct bench *bench, const struct host *host,
	    const struct generator *generator, uint32_t entities, char message[WAY_MESSAGE])
{
	char count[16];
	const char *const other[] = {"sh", bench->others, way->other, count, NULL};

	snprintf(count, sizeof(count), "%u", entities);
	if (way->empty_xdp)
		return attach(host, generator_empty_xdp(generator), message);
	if (way->backend)
		return apply(way, bench, host, entities, message);
	return way->other ? run(host, other, message) : 0;
}

int way_take(const struct way *way, const struct bench *bench, const struct host *host,
	     char message[WAY_MESSAGE])
{
	const char *const remove[] = {bench->entitymux, "remove", NULL};
	const char *const other[] = {"sh", bench->others, "remove", NULL};

	if (way->empty_xdp)
		return attach(host, -1, message);
	if (way->backend)
		return run(host, remove, message);
	return way->other ? run(host, other, message) : 0;
}
