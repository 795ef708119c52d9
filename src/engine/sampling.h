/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * sampling - copies of the packets that the policy in force finds invalid or unknown, or that it
 * sorts for some entities.
 *
 * The policy in force is put in its place once more, in a generation that makes copies, and at the
 * end in one that makes none.  Nothing is asked for each packet when nobody wants copies.  A
 * process that is killed leaves its generation: `status` says so, and the next apply, or heal, ends
 * it.
 */
#ifndef EM_SAMPLING_H
#define EM_SAMPLING_H

#include "engine/explain.h"
#include "engine/plan.h"

/* A copy, and what the reference says of it. */
struct em_sampling_packet {
	uint64_t time; /* when it came, in ns since 1970 */
	char interface[IF_NAMESIZE];
	bool ethernet;	      /* it begins with an Ethernet header, else with the IP header */
	const uint8_t *bytes; /* with its VLAN tag */
	size_t captured;      /* bytes */
	size_t length;	      /* of the packet, as far as it is known */
	const struct em_listener *listener;
	unsigned int reason; /* enum em_reason, or EM_SAMPLE_… */
	/* NULL: too little was copied to tell more than the reason, … */
	const struct em_explanation *explanation;
	/* … and with EM_SAMPLE_SORTED, the entity, where it can be but one; else NULL. */
	const struct em_format *format;
	const struct em_entity *entity;
};

/*
 * Called for each interface, before any packet, and once it is known that there is something to
 * copy. Returns 0 or -errno, reported.
 */
typedef int em_sampling_interface_fn(void *context, const char *name, bool ethernet);
/* Returns 0, 1 to end, or -errno, reported.  All of the packet is valid during the call only. */
typedef int em_sampling_fn(void *context, const struct em_sampling_packet *packet);

struct em_sampling {
	/* The request. */
	unsigned int reasons;  /* bits, by 1 << reason */
	char *const *names;    /* of listeners; see names.h; not owned */
	char *const *entities; /* likewise, of entities; none of them means none */
	em_sampling_interface_fn *begin;
	em_sampling_fn *take;
	void *context;

	/* The result. */
	bool replaced; /* another apply has ended it */
	uint64_t lost; /* copies that came too fast to be read; nft: how often that was so */
};

/*
 * Takes copies until one of SIGINT, SIGTERM and SIGHUP comes, which are blocked once `begin` was
 * called, as SIGPIPE is from the start, or take ends it, or something else is applied.  Returns 0
 * or -errno, reported.
 */
int em_sampling_run(struct em_sampling *sampling, struct em_diag *diag);

#endif
