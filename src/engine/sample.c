/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "engine/sample.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/entities.h"

static int no_memory(struct em_diag *diag)
{
	return em_diag_enomem(diag);
}

static int add_format(struct em_listener *listener)
{
	static const struct em_entity entity = {.action = {EM_PORT, 6001}};

	listener->formats = calloc(1, sizeof(*listener->formats));
	if (!listener->formats)
		return -ENOMEM;
	listener->n_formats = 1;
	listener->formats[0] = (struct em_format){
		.payload_max = EM_PAYLOAD_MAX,
		.tag = {.pieces = {{.length = 4}},
			.n_pieces = 1,
			.length = 4,
			.mask = {0xff, 0xff, 0xff, 0xff}},
	};
	return em_entities_append(listener->formats, &entity);
}

int em_sample_new(struct em_policy **out, struct em_diag *diag)
{
	struct em_policy *policy __attribute__((cleanup(em_policy_freep))) = NULL;
	struct em_listener *listener;

	if (em_policy_new(&policy))
		return no_memory(diag);
	policy->listeners = calloc(1, sizeof(*policy->listeners));
	if (!policy->listeners)
		return no_memory(diag);
	policy->n_listeners = 1;
	listener = &policy->listeners[0];
	*listener = (struct em_listener){
		.name = "sample",
		.port = EM_SAMPLE_PORT,
		.invalid = {EM_DROP},
	};
	if (add_format(listener))
		return no_memory(diag);
	listener->interfaces = calloc(1, sizeof(*listener->interfaces));
	if (!listener->interfaces)
		return no_memory(diag);
	listener->n_interfaces = 1;
	memcpy(listener->interfaces[0].name, "lo", sizeof("lo"));
	if (em_policy_finish(policy, diag))
		return -ENOMEM;
	*out = policy;
	policy = NULL;
	return 0;
}
