/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * replies - conversations between real sockets, step by step.
 *
 * A client asks, by a datagram with a tag, and a server that has a socket for each port of the
 * policies of replies.sh answers.  Each step says what has to come of it; where something else
 * does, it says so and counts.  The hosts and their wires are those of replies.sh.
 */
#ifndef REPLIES_H
#define REPLIES_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

/* Those that send come first. */
enum replies_host { REPLIES_CLIENT, REPLIES_OTHER, REPLIES_ROUTER, REPLIES_BEHIND, REPLIES_HOSTS };
#define REPLIES_SENDERS 2

/* Where the server is: on the router, behind it, or on it and in a VLAN. */
enum replies_place { REPLIES_LOCAL, REPLIES_ROUTED, REPLIES_VLAN, REPLIES_PLACES };

#define REPLIES_PORTS 11 /* those that the server has a socket on */

struct replies_name {
	union {
		struct sockaddr any;
		struct sockaddr_in ip4;
		struct sockaddr_in6 ip6;
	};
	socklen_t length;
};

/* Where a conversation takes place. */
struct replies_bench {
	const char *entitymux;
	const char *backend;
	const char *folder; /* of the configurations */
	int namespaces[REPLIES_HOSTS];
	int family;
	enum replies_place place;
	const char *link;   /* in0 or in1: the addresses are link-local ones there; NULL: not */
	uint16_t next_port; /* of a client */

	int servers[REPLIES_PORTS];
	struct replies_name server; /* without a port */
	int sniffers[REPLIES_SENDERS];
	uint16_t last_checksum; /* of the last UDP packet that a sniffer has seen */
	uint32_t number;	/* of the last datagram */
	unsigned int steps;
	unsigned int failures;

	/* Of the datagrams to come. */
	size_t length; /* 0: no more than is needed */
	bool no_checksum;
};

/* A socket that asks. */
struct replies_peer {
	enum replies_host host;
	struct replies_name name;
	int fd;
};

void __attribute__((noreturn)) replies_die(const char *what);

/* What a datagram begins with. */
struct replies_payload {
	char magic[4];
	uint8_t tag[4];
	uint32_t number;
};

/* Writes a datagram with the next number; returns its length. */
size_t replies_make(struct replies_bench *bench, uint32_t tag, uint8_t *bytes);

/* Moves this thread to a host. */
void replies_enter(const struct replies_bench *bench, enum replies_host host);

/* The server's address with a port. */
struct replies_name replies_server_name(const struct replies_bench *bench, uint16_t port);

/* Opens the server's sockets and the sniffers; what comes before them is filled in. */
void replies_open(struct replies_bench *bench);

/* Counts, and prints the step and what is wrong with it. */
void __attribute__((format(printf, 2, 3)))
replies_fail(struct replies_bench *bench, const char *format, ...);

/* A socket on a port of its own; of the client's two addresses, the first (0) or the second (1). */
struct replies_peer replies_peer(struct replies_bench *bench, enum replies_host host,
				 unsigned int address);

/* From now on the peer receives from this port of the server only, and is told of errors. */
void replies_connect(struct replies_bench *bench, struct replies_peer *peer, uint16_t port);

/* The peer sends to a port of the server, and it arrives at `arrives`, otherwise as it was. */
void replies_ask(struct replies_bench *bench, const struct replies_peer *peer, uint16_t to,
		 uint32_t tag, uint16_t arrives);

/* The peer sends to a port of many hosts, on the wire to the router, and it arrives at `arrives`.
 */
void replies_ask_group(struct replies_bench *bench, const struct replies_peer *peer,
		       const char *group, uint16_t to, uint32_t tag, uint16_t arrives);

/*
 * replies_flood.c: a process that sends so many datagrams each millisecond or somewhat more, each
 * from another address that nobody has, to a port of the server, over IPv4; it ends after as many
 * such pauses as `ms`.
 */
pid_t replies_flood(struct replies_bench *bench, uint16_t to, uint32_t tag, unsigned int each_ms,
		    unsigned int ms);

/* The server sends from a port to the peer, which sees it come from `seen`. */
void replies_answer(struct replies_bench *bench, uint16_t from, const struct replies_peer *peer,
		    uint16_t seen);

/* The same, by a socket that is not among the server's. */
void replies_answer_by(struct replies_bench *bench, int server, const struct replies_peer *peer,
		       const struct replies_name *seen);

/* A socket of the server with its `address`, the first (0) or the second (1), and a port. */
int replies_server(struct replies_bench *bench, unsigned int address, uint16_t port,
		   struct replies_name *name);

/* replies_links.c: a scenario, with links.conf. */
void replies_links(struct replies_bench *bench);

/* Closes the server's socket on a port, and opens another. */
void replies_restart(struct replies_bench *bench, uint16_t port);

/* A datagram of the peer to `to` that no socket takes: the error names that port. */
void replies_refused(struct replies_bench *bench, struct replies_peer *peer, uint16_t to,
		     uint32_t tag);

/* The server sends three datagrams in one call, which the kernel takes apart. */
void replies_segments(struct replies_bench *bench, uint16_t from, const struct replies_peer *peer,
		      uint16_t seen);

/* Applies FOLDER/NAME.conf; what goes wrong ends the program. */
void replies_apply(const struct replies_bench *bench, const char *name);

/*
 * replies_frame.c: what an Ethernet frame with IPv4 or IPv6 without extension headers holds.
 * Unfragmented UDP and ICMP only.
 */
struct replies_frame {
	int family;
	uint8_t protocol;
	const uint8_t *ip;	/* header */
	const uint8_t *payload; /* of IP */
	size_t length;		/* of the payload, as the IP header says */
};

/* False for frames of another kind, and where they are not whole. */
bool replies_frame(const uint8_t *bytes, size_t length, struct replies_frame *frame);
/* An IP packet without Ethernet header; with `quoted`, its end may be missing. */
bool replies_packet(const uint8_t *bytes, size_t length, bool quoted, struct replies_frame *frame);
/* Whether the checksum of UDP, ICMP or ICMPv6 is right.  0 is right for UDP. */
bool replies_checksum(const struct replies_frame *frame);

#endif
