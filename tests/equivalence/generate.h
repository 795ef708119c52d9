/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * generate - random policies, and random packets that are nearly right for them.
 *
 * Bytes at random are not ours and prove little.  A packet here starts as one that a listener of
 * the policy would rewrite; then one or two things about it are made wrong, or odd: a length that
 * lies, a header too many, a tag one bit off, a number at its bound or one beyond.
 */
#ifndef EQUIVALENCE_GENERATE_H
#define EQUIVALENCE_GENERATE_H

#include "model.h"
#include "random.h"

/* The longest frame without a VLAN tag that the interfaces of the rig carry. */
#define GENERATE_FRAME_MAX 1514

/* A policy that the tool accepts. */
void generate_policy(struct random *random, struct model_policy *policy);

/* Adds copies to it, to ports that it does not have otherwise. */
void generate_copies(struct random *random, struct model_policy *policy);

/* Whether a listener and one of the policy claim the same packets, which is an error. */
bool generate_clashes(const struct model_policy *policy, const struct model_listener *listener);

/* Of a listener whose tag is made. */
void generate_entities(struct random *random, struct model_listener *listener);

/* A port with this chance in percent. */
struct em_action generate_action(struct random *random, unsigned int chance);
uint16_t generate_port(struct random *random);

void generate_bytes(struct random *random, uint8_t *bytes, size_t length);
/* Mostly takes out the bits that the mask takes out: with them, it would be impossible to match. */
void generate_mask_bytes(struct random *random, uint8_t *bytes, const uint8_t *mask, size_t length);

void generate_packet(struct random *random, const struct model_policy *policy,
		     struct model_packet *packet);

/*
 * Whether a frame can be evidence: not where it would not come out of a bridge as it went in when
 * no policy is in force, and not where backends are known to differ.  README.md lists both.
 */
bool generate_compared(const uint8_t *frame, size_t length);

/* Addresses of packets and policies come from a few, so that they meet. */
struct em_address generate_address(struct random *random, uint8_t family);

#endif
