/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * conversation - a small model of `replies`: what a router with a policy makes of requests, answers
 * and ICMP errors.
 *
 * Requests are as em_classify() says.  What it has sorted for a listener with replies, the model
 * remembers: who asked whom, on which port it arrived, and which port the sender knows.  Answers
 * and errors are looked up there.  That is all; nothing is ever forgotten.
 */
#ifndef EQUIVALENCE_CONVERSATION_H
#define EQUIVALENCE_CONVERSATION_H

#include "policy/classify.h"
#include "tests/lib/router.h"

/* A UDP datagram in a frame, or one that an ICMP error quotes. */
struct flow {
	struct em_address source;
	struct em_address destination;
	uint16_t from;
	uint16_t to;
	size_t udp; /* offset of the UDP header */
};

/*
 * False where it is not plain UDP, sound in every respect: the frame has no VLAN tag and no
 * padding, is no fragment, holds what its lengths say, a hop limit to go on with, and checksums
 * that are right, or none of UDP.  Extension headers are those that are walked.
 */
bool flow_read(const struct stream_frame *frame, struct flow *flow);

/* The address is that of a host on the wire. */
bool flow_is_host(const struct em_address *address, enum router_wire wire);

enum event_kind { EVENT_REQUEST, EVENT_ANSWER, EVENT_ERROR };

struct event {
	enum event_kind kind;
	enum router_wire from;
	enum router_wire to;
	struct stream_frame sent;
	struct flow flow; /* of what was sent; of an error, of what it quotes */
	size_t icmp;	  /* of an error: offset of the ICMP header */
	char *text;	  /* owned; for people */
	/* As expect() finds out. */
	bool drop;
	struct stream_frame expected;
	struct em_classification class; /* of a request */
};

struct conversation {
	struct em_address client;
	struct em_address server;
	uint16_t client_port;
	uint16_t server_port; /* on which its datagrams arrive */
	uint16_t asked;	      /* port to which they were sent */
	uint16_t known;	      /* port from which the client sees answers come */
};

struct conversations {
	struct conversation *all; /* owned */
	size_t n;
};

/* What a client and a server have with each other, or NULL. */
const struct conversation *conversation_find(const struct conversations *conversations,
					     const struct em_address *client, uint16_t client_port,
					     const struct em_address *server, uint16_t server_port);

/* With a policy of NULL every frame is only routed. */
void conversation_expect(struct conversations *conversations, const struct em_policy *policy,
			 struct event *event);

/*
 * Whether a request is one of two conversations that the server cannot tell apart, of which
 * entitymux(8) says nothing.
 */
bool conversation_is_ambiguous(const struct conversations *conversations,
			       const struct em_policy *policy, const struct event *event);

void conversation_clear(struct conversations *conversations);

/* A right checksum of the UDP header, and of ICMP from here to the end of the frame. */
uint16_t conversation_udp_checksum(const struct stream_frame *frame, const struct flow *flow);
void conversation_put_icmp_checksum(struct stream_frame *frame, size_t icmp, uint8_t family);

#endif
