/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * plan - how a policy is to be carried: over which backend, and at which hook of each interface.
 *
 * The engine begins a plan, with what there is to know about the interfaces; the backend that
 * prepares it chooses the hooks.
 */
#ifndef EM_PLAN_H
#define EM_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "host/hook.h"
#include "host/link.h"
#include "policy/policy.h"

/* All that 1500 bytes hold, and so what "all" IPv6 extension headers means. */
#define EM_HEADER_LIMIT_MAX 192

struct em_plan {
	const struct em_policy *policy; /* not owned */
	/*
	 * EM_BACKEND_AUTO: each interface gets the hook that suits it best, until em_plan_settle().
	 */
	enum em_backend backend;
	struct em_link *links;		   /* owned; the policy's interfaces, in its order */
	struct em_attachment *attachments; /* owned; of the same interfaces */
	size_t n_attachments;		   /* of both */

	/* For EM_BUILD. */
	uint32_t generation;
	unsigned int ipv6_header_limit; /* how many extension headers are walked */
};

/* What has become of a plan, for a person. */
struct em_outcome {
	char reason[512];	       /* why this backend, and these hooks */
	char lacking[256];	       /* what made prepare() return -EM_EUNSUPPORTED */
	struct em_place lacking_place; /* the key it is about, if it is about one */
};

/*
 * A plan with the interfaces of the policy; cleared with em_plan_clear() in any case.  Reports an
 * interface that is missing or down.  Returns 0 or -errno.
 */
int em_plan_init(struct em_plan *plan, const struct em_policy *policy, struct em_diag *diag);
void em_plan_clear(struct em_plan *plan);

/* What of a policy there is to say about an attachment to this interface. */
void em_plan_describe(struct em_attachment *out, const struct em_policy *policy,
		      const char *interface);

/* Where each interface has its hook, EM_BACKEND_AUTO becomes the fastest backend among them. */
void em_plan_settle(struct em_plan *plan);

/*
 * What keeps an attachment from sorting as it should, see obstacle.h: 0, or em_outcome_lacks() with
 * the command that clears it.
 */
int em_plan_check_links(const struct em_plan *plan, struct em_outcome *outcome);

/* Adds to the reason. */
void em_outcome_note(struct em_outcome *outcome, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Writes what is lacking; place may be NULL.  Returns -EM_EUNSUPPORTED. */
int em_outcome_lacks(struct em_outcome *outcome, const struct em_place *place, const char *format,
		     ...) __attribute__((format(printf, 3, 4)));

#endif
