/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * compile - a policy in the terms of the programs in the kernel (abi.h); pure.
 *
 * Listeners keep their index, and formats are numbered in the order of the policy.
 */
#ifndef EM_COMPILE_H
#define EM_COMPILE_H

#include <stdbool.h>
#include <stddef.h>

#include "bpf/abi.h"
#include "engine/plan.h"
#include "policy/policy.h"

/* All conditions, formats, intervals and lists of copies of a policy, in the order of its
 * listeners. */
struct em_compiled {
	struct em_abi_condition *steps; /* all owned by the caller of em_compile() */
	size_t n_steps;
	struct em_abi_format *formats; /* none where each listener has one */
	size_t n_formats;
	struct em_abi_interval *intervals;
	size_t n_intervals;
	struct em_abi_copies *copies; /* none where nothing is copied */
	size_t n_copies;
};

/*
 * Fills in the constants that the policy determines, and makes the rest (free() the arrays of
 * *out). samples may be NULL. Returns 0 or -ENOMEM.
 */
int em_compile(const struct em_policy *policy, const struct em_samples *samples,
	       struct em_abi_constants *constants, struct em_compiled *out);

/* Without copies. */
struct em_abi_action em_compile_action(const struct em_action *action);
/* What becomes of the datagrams of an entity, and whether they are sampled. */
struct em_abi_action em_compile_entity(const struct em_listener *listener,
				       const struct em_format *format,
				       const struct em_entity *entity,
				       const struct em_samples *samples);

/* A tag of the format, as the programs put it together. */
struct em_abi_tag em_compile_tag(const struct em_format *format, const uint8_t *tag);

/* And back. */
void em_compile_take_tag(const struct em_format *format, const struct em_abi_tag *from,
			 uint8_t tag[EM_TAG_MAX]);

/* A source prefix as a key; the index is that of the listener. */
struct em_abi_source em_compile_source(size_t listener, const struct em_prefix *prefix);

/* A claim of a listener on one interface; address is NULL for one without addresses. */
struct em_abi_claim em_compile_claim(const struct em_policy *policy, size_t listener,
				     unsigned int ifindex, const struct em_address *address);

/* The conditions that the checks of a format become, each of up to 8 bytes. */
size_t em_compile_count_conditions(const struct em_format *format);

/* Whether some tag has more than 8 bytes. */
bool em_compile_has_long_tags(const struct em_policy *policy);

#endif
