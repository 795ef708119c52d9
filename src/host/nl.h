/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * nl - requests over rtnetlink and generic netlink, on libmnl.
 *
 * A message is begun here, filled in with mnl_attr_put…(), and sent in one of two ways: as a
 * question, of which the caller sees the whole answer or none of it; or with others in a batch that
 * the kernel works off within one system call.
 *
 * All functions retry what a signal has interrupted, and report nothing.  (nf_tables has batches of
 * another kind, see nft/netlink.h.)
 */
#ifndef EM_NL_H
#define EM_NL_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EM_NL_MESSAGE_MAX 512 /* bytes of the longest message that is sent */

/* Room for one message. */
struct em_nl_message {
	_Alignas(NLMSG_ALIGNTO) char bytes[EM_NL_MESSAGE_MAX];
};

/*
 * Begins a request with the fixed header of its family, size bytes.  What is returned lies in
 * message.
 */
struct nlmsghdr *em_nl_begin(struct em_nl_message *message, uint16_t type, uint16_t flags,
			     const void *family, size_t size);

/*
 * Asks the kernel over a NETLINK_… protocol and calls visit for each message of the answer: with
 * NLM_F_DUMP for each object, else once.  It is called when all of them have come; a dump that was
 * interrupted by a change is repeated first.  Visit ends it by returning something other than 0.
 * Returns that, 0, or -errno: -EAGAIN where a dump was interrupted again and again.
 */
int em_nl_ask(int protocol, struct nlmsghdr *request,
	      int (*visit)(void *context, const struct nlmsghdr *header), void *context);

/* What became of a message of a batch. */
struct em_nl_outcome {
	int error;	  /* 0 or -errno */
	char message[96]; /* the kernel's explanation (NLMSGERR_ATTR_MSG, Linux 4.12), or "" */
};

struct em_nl_batch {
	char *bytes;
	struct em_nl_outcome *outcomes; /* of each message, once it is sent */
	struct nlmsghdr *last;
	size_t n;
	size_t n_max;
};

/* Room for n_max messages.  Returns 0 or -ENOMEM; then there is nothing to clear. */
int em_nl_batch_init(struct em_nl_batch *batch, size_t n_max);
void em_nl_batch_clear(struct em_nl_batch *batch);

/* Begins the next message as em_nl_begin() does.  Adding one more than n_max is a mistake. */
struct nlmsghdr *em_nl_batch_add(struct em_nl_batch *batch, uint16_t type, uint16_t flags,
				 const void *family, size_t size);

/*
 * Sends all messages over rtnetlink in one system call, within which the kernel works them off,
 * each whether or not those before it succeeded: a process that is killed has made all of the
 * changes or none.  Returns 0, the first error of a message, or -errno of the socket.  Where
 * nothing could be sent, that is the outcome of each message; one that did not arrive is 0.
 */
int em_nl_batch_send(struct em_nl_batch *batch);

/* The first attribute of a type, behind a fixed header of so many bytes, or in a nest; or NULL. */
const struct nlattr *em_nl_find(const struct nlmsghdr *header, size_t fixed, uint16_t type);
const struct nlattr *em_nl_find_in(const struct nlattr *nest, uint16_t type);

/* Copies size bytes of its value.  False where attr is NULL or shorter; then out is untouched. */
bool em_nl_get(const struct nlattr *attr, void *out, size_t size);
/* Its value; 0 where attr is NULL or too short. */
uint32_t em_nl_get_u32(const struct nlattr *attr);
/* Its value; "" where attr is NULL or no string. */
const char *em_nl_get_text(const struct nlattr *attr);

#endif
