/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * nl - requests over rtnetlink and generic netlink, with libmnl.
 *
 * A message is begun here, filled in with mnl_attr_put…(), and sent in one of two ways.  A question
 * returns its whole answer or none of it.  A batch of messages is handled by the kernel within one
 * system call.
 *
 * All functions retry after EINTR, and report nothing.  nf_tables has batches of another kind, see
 * nft/netlink.h.
 */
#ifndef EM_NL_H
#define EM_NL_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EM_NL_MESSAGE_MAX 512 /* bytes of the longest message sent */

/* Room for one message. */
struct em_nl_message {
	_Alignas(NLMSG_ALIGNTO) char bytes[EM_NL_MESSAGE_MAX];
};

/*
 * Begins a request with the fixed header of its family, of size bytes.  Returns a pointer into
 * message.
 */
struct nlmsghdr *em_nl_begin(struct em_nl_message *message, uint16_t type, uint16_t flags,
			     const void *family, size_t size);

/*
 * Sends a question over a NETLINK_… protocol and calls visit for each message of the answer: once
 * per object with NLM_F_DUMP, else once.  The calls start when the whole answer has arrived; a dump
 * that was interrupted by a change is repeated before.  A visit that returns other than 0 ends the
 * loop. Returns that value, 0, or -errno: -EAGAIN if each attempt at a dump was interrupted.
 */
int em_nl_ask(int protocol, struct nlmsghdr *request,
	      int (*visit)(void *context, const struct nlmsghdr *header), void *context);

/* The outcome of a message of a batch. */
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

/* Makes room for n_max messages.  Returns 0 or -ENOMEM; then there is nothing to clear. */
int em_nl_batch_init(struct em_nl_batch *batch, size_t n_max);
void em_nl_batch_clear(struct em_nl_batch *batch);

/* Begins the next message like em_nl_begin().  The caller adds at most n_max. */
struct nlmsghdr *em_nl_batch_add(struct em_nl_batch *batch, uint16_t type, uint16_t flags,
				 const void *family, size_t size);

/*
 * Sends all messages over rtnetlink in one system call.  The kernel handles each of them within
 * that call, also after one has failed: a process that is killed has made all of the changes or
 * none. Returns 0, the first error of a message, or -errno of the socket.  If nothing could be
 * sent, the outcome of each message is that error.  The outcome of a message whose answer is lost
 * is 0.
 */
int em_nl_batch_send(struct em_nl_batch *batch);

/*
 * Finds the first attribute of a type behind a fixed header of that many bytes, or in a nest; or
 * NULL.
 */
const struct nlattr *em_nl_find(const struct nlmsghdr *header, size_t fixed, uint16_t type);
const struct nlattr *em_nl_find_in(const struct nlattr *nest, uint16_t type);

/*
 * Copies size bytes of its value.  Returns false if attr is NULL or shorter; then out is unchanged.
 */
bool em_nl_get(const struct nlattr *attr, void *out, size_t size);
/* An error that the kernel has answered: 0, -errno, or -EPROTO for what can be neither. */
int em_nl_error(int error);

/* Returns its value; 0 if attr is NULL or too short. */
uint32_t em_nl_get_u32(const struct nlattr *attr);
/* Returns its value; "" if attr is NULL or no string. */
const char *em_nl_get_text(const struct nlattr *attr);

#endif
