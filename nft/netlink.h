/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * netlink - transactions of nf_tables and dumps of netfilter over libmnl.
 *
 * A batch is a transaction: the kernel does all of it or nothing.  Each message remembers the place
 * in the configuration that it is made for, so that a refusal by the kernel is reported there.
 */
#ifndef EM_NFT_NETLINK_H
#define EM_NFT_NETLINK_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

/* What a message is for: "add rule" for the place. */
struct em_origin {
	const char *what; /* static */
	struct em_place place;
};

struct em_batch {
	uint8_t *buffer;
	size_t used;
	size_t size;
	size_t last;		   /* where the last message starts */
	struct em_origin *origins; /* by sequence number */
	size_t n_origins;
	uint32_t sets; /* anonymous sets numbered so far */
	int error;     /* the first; nothing is sent after one */
};

/* Which message was refused, and why. */
struct em_refusal {
	int error; /* -errno as the kernel gave it */
	struct em_origin origin;
	bool altered; /* error is -ERANGE, but the kernel gave none; see readback.h */
};

/* The reason, for a person. */
const char *em_refusal_reason(const struct em_refusal *refusal);

struct em_netlink {
	struct mnl_socket *socket;
};

/* Bytes of messages after which a batch that can be divided is sent. */
#define EM_BATCH_FULL (2 << 20)
/* How often a dump is tried that changes of the ruleset interrupt. */
#define EM_DUMP_TRIES 20

/*
 * -EPROTONOSUPPORT, not reported, where the kernel has no netlink sockets for netfilter; else
 * reported.
 */
int em_netlink_open(struct em_netlink *netlink, struct em_diag *diag);
void em_netlink_close(struct em_netlink *netlink);

/* Returns 0 or -ENOMEM, reported. */
int em_batch_init(struct em_batch *batch, struct em_diag *diag);
void em_batch_clear(struct em_batch *batch);

/*
 * A message with a header and nothing else, to be filled in and closed.  It may become as long as
 * two full attributes.  family is NFPROTO_…, type NFT_MSG_…, place may be NULL.  Never NULL; after
 * an error it is one that will not be sent.
 */
struct nlmsghdr *em_batch_open(struct em_batch *batch, uint8_t family, uint16_t type,
			       uint16_t flags, const char *what, const struct em_place *place);
void em_batch_close(struct em_batch *batch, struct nlmsghdr *message);

/*
 * Sends the batch and empties it.  Where try is set, the kernel does all of it and then takes it
 * back, so that no packet and no other program sees any of it.  Returns 0, or -errno and *refusal
 * filled in; nothing is reported.
 */
int em_batch_send(struct em_netlink *netlink, struct em_batch *batch, bool try,
		  struct em_refusal *refusal);

/* Sends and empties the batch and reports a refusal. */
int em_batch_commit(struct em_netlink *netlink, struct em_batch *batch, struct em_diag *diag);

int em_netlink_report(struct em_diag *diag, const struct em_refusal *refusal);

/* One message that is not part of a transaction. */
struct em_query {
	uint8_t subsystem; /* NFNL_SUBSYS_… */
	uint8_t type;	   /* its message: NFT_MSG_… */
	uint8_t family;	   /* NFPROTO_…; NFPROTO_UNSPEC: all, where it dumps what has no table */
	uint16_t flags;
	uint16_t resource; /* that it is about, where the subsystem has several; else 0 */
	/* Adds to the request; may be NULL. */
	void (*attributes)(struct nlmsghdr *message, const void *context);
	const void *context;
};

/*
 * Sends it and calls callback, which may be NULL, for each answer.  Returns 0 or -errno, not
 * reported; -EINTR where the ruleset changed under the dump.
 */
int em_netlink_query(struct em_netlink *netlink, const struct em_query *query, mnl_cb_t callback,
		     void *data);

/*
 * The number of the ruleset of this network namespace: each transaction that changes something,
 * of any program, adds 1.  Returns 0 or -errno, not reported.
 */
int em_netlink_ruleset_id(struct em_netlink *netlink, uint32_t *id);

/* Bytes that wait at most to be received, as the kernel counts them. */
size_t em_netlink_receive_buffer(const struct em_netlink *netlink);

#endif
