/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * explain - what a policy does with a packet, and why, by the reference.  Needs no kernel.
 */
#ifndef EM_EXPLAIN_H
#define EM_EXPLAIN_H

#include "capture/capture.h"
#include "policy/classify.h"

struct em_explanation {
	uint64_t packet; /* its number */
	struct em_classification class;
	/* The capture lacks bytes that the policy looks at, and which have been taken for 0. */
	bool cut;
	size_t captured, length; /* bytes of the frame */
};

/*
 * Explains a frame that was received on this interface, by its own name.  NULL: on the first
 * interface of the policy on which a listener claims it.  The frame is rewritten.
 */
void em_explain_frame(const struct em_policy *policy, const char *interface, struct em_frame *frame,
		      struct em_explanation *out);

/*
 * Makes a frame that the listener claims on this interface: with its port, its VLAN, and an address
 * that it answers for and no other listener names, from a sender that it admits.  Both addresses
 * have the IP version of the listener's first address or, where it has none, of its first source.
 * *out is the caller's to free; the payload has at most EM_PAYLOAD_MAX bytes.  Returns its length
 * or -ENOMEM.
 */
int em_explain_build(const struct em_policy *policy, const char *interface,
		     const struct em_listener *listener, const uint8_t *payload, size_t length,
		     uint8_t **out);

#endif
