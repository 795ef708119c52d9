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

/*
 * Why a packet is copied: an enum em_reason, or that no entity has its tag, or that one has it of
 * which copies are wanted.
 */
#define EM_SAMPLE_UNKNOWN EM_REASONS
#define EM_SAMPLE_SORTED  (EM_REASONS + 1)
#define EM_SAMPLE_REASONS (EM_REASONS + 2)

/* Of a longer packet, the first bytes are copied. */
#define EM_SAMPLE_BYTES 256

/* What a generation copies for `sample`; see sampling.h. */
struct em_samples {
	unsigned int reasons;  /* bits, by 1 << reason, but for EM_SAMPLE_SORTED */
	char *const *names;    /* of listeners, see names.h; not owned */
	char *const *entities; /* likewise, of entities; none of them means none */
	uint16_t group;	       /* nft: that of the kernel's log, to which the copies go */
};

/*
 * Whether the listener's datagrams are copied for this reason; EM_SAMPLE_SORTED: those of some of
 * its entities.  samples may be NULL.
 */
bool em_plan_samples(const struct em_samples *samples, const struct em_listener *listener,
		     unsigned int reason);
/* Whether those of the entity are sampled.  samples may be NULL. */
bool em_plan_samples_entity(const struct em_samples *samples, const struct em_listener *listener,
			    const struct em_format *format, const struct em_entity *entity);
/* "source", "length", "check", "unknown", "sorted". */
const char *em_plan_sample_reason(unsigned int reason);

/* Interfaces that are missing or down, and that the policy waits for; see waiting.h. */
struct em_waiting {
	char (*names)[EM_INTERFACE_MAX + 1]; /* owned; as the policy has them, each once */
	size_t n;
	/*
	 * The policy without them, where there are any: all its listeners, but on the other
	 * interfaces alone.  The rest of it belongs to the policy.
	 */
	struct em_policy part;
};

struct em_plan {
	const struct em_policy *policy; /* not owned; without the interfaces that wait */
	struct em_waiting waiting;	/* owned */
	/*
	 * EM_BACKEND_AUTO until em_plan_settle(): each interface gets the fastest hook it supports.
	 */
	enum em_backend backend;
	struct em_link *links;		   /* owned; the policy's interfaces, in its order */
	struct em_attachment *attachments; /* owned; of the same interfaces */
	size_t n_attachments;		   /* of both */

	/* For EM_BUILD. */
	uint32_t generation;
	unsigned int ipv6_header_limit;	  /* number of extension headers to follow */
	bool marks;			  /* with marks, between backends; see backend.h */
	const struct em_samples *samples; /* NULL: nothing is copied; not owned */
};

/* The result of preparing a plan, as text for the user. */
struct em_outcome {
	char reason[512];	       /* why this backend, and these hooks */
	char lacking[256];	       /* why prepare() returned -EM_EUNSUPPORTED */
	struct em_place lacking_place; /* place of the key concerned, if any */
};

/*
 * Makes a plan with the interfaces of the policy, but for those that wait; there may be none left.
 * Reports another one that is missing or down.
 * The caller calls em_plan_clear() in any case.  Returns 0 or -errno.
 */
int em_plan_init(struct em_plan *plan, const struct em_policy *policy, struct em_diag *diag);
void em_plan_clear(struct em_plan *plan);

/* Adds the properties of the policy that matter for an attachment to this interface. */
void em_plan_describe(struct em_attachment *out, const struct em_policy *policy,
		      const char *interface);

/*
 * Whether `replies` tell senders with link-local addresses apart by the interface as well.  Answers
 * leave a bond, a team or a bridge by any of its ports: where one of these has replies, they do
 * not.
 */
bool em_plan_tells_links(const struct em_plan *plan);

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
