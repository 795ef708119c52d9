/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * trial - a policy and packets, what the reference says comes of them, and what a backend makes of
 * them.
 */
#ifndef EQUIVALENCE_TRIAL_H
#define EQUIVALENCE_TRIAL_H

#include "model.h"
#include "policy/classify.h"
#include "policy/stats.h"
#include "tests/lib/stream.h"

struct trial_packet {
	const struct model_packet *model;
	size_t index; /* among the models */
	struct stream_frame sent;
	struct stream_frame expected;
	struct em_classification class;
};

/* Ready to be run with any number of backends. */
struct trial {
	char *config;
	unsigned int ipv6_header_limit; /* IPv6 extension headers that the kernel walks, see
					   header_limit.h */
	struct em_policy *policy;
	struct trial_packet *packets;
	size_t n_packets;
	struct em_stats *expected;
};

/*
 * Reads the policy as the tool does and classifies the packets, which stay the caller's.  Frames
 * that generate_compared() rules out are left out.  Returns false where the policy is not valid;
 * the messages go to `messages`, or nowhere where that is NULL.
 */
bool trial_open(struct trial *trial, unsigned int ipv6_header_limit,
		const struct model_policy *policy, const struct model_packet *packets,
		size_t n_packets, FILE *messages);
void trial_close(struct trial *trial);

enum trial_outcome {
	TRIAL_AGREED,
	TRIAL_REFUSED,	/* exit status 3: this kernel cannot carry the policy so */
	TRIAL_FRAMES,	/* what came out differs */
	TRIAL_COUNTERS, /* the frames agree, the counters do not */
	TRIAL_NOT_APPLIED,
};

struct trial_host {
	struct rig rig;
	const char *entitymux;
	unsigned int ipv6_header_limit;
};

struct trial_result {
	enum trial_outcome outcome;
	size_t packet; /* TRIAL_FRAMES: the first that differs, its index among the models */
	int n_seen;    /* how many frames came of that packet; -errno: see stream.h */
	struct stream_frame seen;
	char text[2048]; /* what is wrong; TRIAL_FRAMES: how many came, and the first that should
			    not */
};

/* In place of a backend: nothing is applied, and every frame has to come out as it went in. */
#define TRIAL_CONTROL "none"

/* Applies the policy, sends the packets, compares, and removes the policy. */
void trial_run(struct trial_host *host, const struct trial *trial, const char *backend,
	       struct trial_result *result);

/*
 * The parts of it, for trials of another kind.  The text of a packet and the frame that it is built
 * to; false where it is no evidence.  What entitymux says; a result that is no agreement is set.
 */
#define TRIAL_TEXT_MAX 8192
struct packet;
bool trial_build(const struct model_packet *model, char text[TRIAL_TEXT_MAX],
		 struct stream_frame *frame, struct packet *scratch);
void trial_apply(const char *entitymux, const struct trial *trial, const char *backend,
		 struct trial_result *result);
void trial_compare_counters(const char *entitymux, const struct trial *trial,
			    struct trial_result *result);
void trial_remove(const char *entitymux, struct trial_result *result);

#endif
