/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * classify - the reference: what a policy does with one packet, in plain C.
 *
 * Written from the rules of entitymux(8), "What happens to a packet", step by step and without
 * regard to speed.  It shares no code with a backend, because every test of a backend is a
 * comparison with it.
 */
#ifndef EM_CLASSIFY_H
#define EM_CLASSIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/policy.h"

/*
 * EM_REWRITTEN, EM_PASSED and EM_DROPPED are of datagrams of an entity, by the verdict of its
 * action.
 */
enum em_result { EM_NOT_OURS, EM_REWRITTEN, EM_PASSED, EM_DROPPED, EM_UNKNOWN, EM_INVALID };

/* Why a format does not fit a datagram. */
struct em_misfit {
	enum em_reason reason;	      /* EM_REASON_SOURCE: it is for the other IP version */
	const struct em_check *check; /* the first that does not hold; else NULL; not owned */
};

struct em_classification {
	enum em_result result;
	const char *stranger;		    /* with EM_NOT_OURS: why, for users */
	bool has_port;			    /* a listener on the interface has its port */
	enum em_reason reason;		    /* with EM_INVALID */
	const struct em_listener *listener; /* NULL with EM_NOT_OURS; not owned */
	const struct em_format *format;	    /* NULL: not valid; not owned */
	const struct em_entity *entity;	    /* of the format; NULL: none has it; not owned */
	struct em_action action;	    /* that was carried out; EM_PASS with EM_NOT_OURS */
	uint16_t copies[EM_COPIES_EACH];    /* ports that get a copy, before that */
	size_t n_copies;
	/* Of the formats before the one that fits, in the order of the listener. */
	struct em_misfit misfits[EM_FORMATS_MAX];
	size_t n_misfits;
	struct em_address source; /* family 0 with EM_NOT_OURS */
	const uint8_t *payload;	  /* within the frame; NULL with EM_NOT_OURS */
	uint32_t bytes; /* what it adds to `bytes`: from the IP header to the end of the frame */
	size_t headers; /* bytes of the frame, to the end of the last header that was read */
};

/*
 * Classifies one Ethernet frame of length bytes as received on an interface, and rewrites it in
 * place as the policy says.  The frame has its UDP checksum filled in (or 0), its VLAN tag in
 * place and no frame check sequence.
 */
void em_classify(const struct em_policy *policy, const char *interface, uint8_t *frame,
		 size_t length, struct em_classification *out);

/*
 * The same on a kernel whose nf_tables walks at most `depth` IPv6 extension headers, and finds no
 * UDP behind more; see header_limit.h.
 */
void em_classify_with_limit(const struct em_policy *policy, const char *interface, uint8_t *frame,
			    size_t length, unsigned int ipv6_header_limit,
			    struct em_classification *out);

/* The tag of a datagram that fits the format: its pieces joined, and masked. */
void em_format_tag(const struct em_format *format, const struct em_address *source,
		   const uint8_t *payload, uint8_t tag[EM_TAG_MAX]);

/* "not-ours", "rewritten", "passed", "dropped", "unknown", "invalid". */
const char *em_result_name(enum em_result result);

#endif
