/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * plan - which backend carries a policy, and at which hook of each interface.
 *
 * The engine creates a plan with the facts about the interfaces.  The backend that prepares it
 * chooses the hooks.
 */
#ifndef EM_PLAN_H
#define EM_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "host/hook.h"
#include "host/link.h"
#include "policy/policy.h"

/* The most extension headers that fit in 1500 bytes.  It stands for "all of them". */
#define EM_HEADER_LIMIT_MAX 192

struct em_plan {
	const struct em_policy *policy; /* not owned */
	/*
	 * EM_BACKEND_AUTO until em_plan_settle(): each interface gets the fastest hook it supports.
	 */
	enum em_backend backend;
	struct em_link *links;		   /* owned; the policy's interfaces, in its order */
	struct em_attachment *attachments; /* owned; of the same interfaces */
	size_t n_attachments;		   /* of both */

	/* For EM_BUILD. */
	uint32_t generation;
	unsigned int ipv6_header_limit; /* number of extension headers to follow */
	bool marks;			/* with marks, between backends; see backend.h */
};

/* The result of preparing a plan, as text for the user. */
struct em_outcome {
	char reason[512];	       /* why this backend, and these hooks */
	char lacking[256];	       /* why prepare() returned -EM_EUNSUPPORTED */
	struct em_place lacking_place; /* place of the key concerned, if any */
};

/*
 * Makes a plan with the interfaces of the policy.  Reports an interface that is missing or down.
 * The caller calls em_plan_clear() in any case.  Returns 0 or -errno.
 */
int em_plan_init(struct em_plan *plan, const struct em_policy *policy, struct em_diag *diag);
void em_plan_clear(struct em_plan *plan);

/* Adds the properties of the policy that matter for an attachment to this interface. */
void em_plan_describe(struct em_attachment *out, const struct em_policy *policy,
		      const char *interface);

/*
 * Called when each interface has its hook: EM_BACKEND_AUTO becomes the fastest backend among them.
 */
void em_plan_settle(struct em_plan *plan);

/*
 * Checks the attachments for obstacles, see obstacle.h.  Returns 0, or em_outcome_lacks() with the
 * command that clears the obstacle.
 */
int em_plan_check_links(const struct em_plan *plan, struct em_outcome *outcome);

/* Adds to the reason. */
void em_outcome_note(struct em_outcome *outcome, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Writes what is missing to the outcome.  place may be NULL.  Returns -EM_EUNSUPPORTED. */
int em_outcome_lacks(struct em_outcome *outcome, const struct em_place *place, const char *format,
		     ...) __attribute__((format(printf, 3, 4)));

#endif
