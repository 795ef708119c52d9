/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "host/nl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"

#define DATAGRAM_MAX 65536 /* bytes of one datagram from the kernel: 32 KB at most */
#define ASK_TRIES    20	   /* attempts at a dump that concurrent changes interrupt */
#define ERRNO_MAX    4095  /* MAX_ERRNO of <linux/err.h> */
#define SEQUENCE     1	   /* sequence number of a question; those of a batch follow */

/* Bytes that the kernel charges for one acknowledgement, including its skb and explanation. */
#define ACK_SIZE 2048

static void closep(struct mnl_socket **socket)
{
	if (*socket)
		mnl_socket_close(*socket);
}

struct nlmsghdr *em_nl_begin(struct em_nl_message *message, uint16_t type, uint16_t flags,
			     const void *family, size_t size)
{
	struct nlmsghdr *header;

	memset(message, 0, sizeof(*message));
	header = mnl_nlmsg_put_header(message->bytes);
	header->nlmsg_type = type;
	header->nlmsg_flags = NLM_F_REQUEST | flags;
	header->nlmsg_seq = SEQUENCE;
	memcpy(mnl_nlmsg_put_extra_header(header, size), family, size);
	return header;
}

static int open_socket(struct mnl_socket **out, int protocol, int flags)
{
	struct mnl_socket *socket = mnl_socket_open2(protocol, SOCK_CLOEXEC | flags);
	int on = 1;

	if (!socket)
		return -errno;
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		int rc = -errno;

		mnl_socket_close(socket);
		return rc;
	}
	/* Both options only improve the answers.  Older kernels do not have them. */
	(void)mnl_socket_setsockopt(socket, NETLINK_EXT_ACK, &on, sizeof(on));
	(void)mnl_socket_setsockopt(socket, NETLINK_CAP_ACK, &on, sizeof(on));
	*out = socket;
	return 0;
}

static int send_bytes(const struct mnl_socket *socket, const void *bytes, size_t length)
{
	ssize_t sent;

	do
		sent = mnl_socket_sendto(socket, bytes, length);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

/* Returns the length of the next datagram, or -errno. */
static ssize_t receive(const struct mnl_socket *socket, void *buffer)
{
	ssize_t length;

	do
		length = mnl_socket_recvfrom(socket, buffer, DATAGRAM_MAX);
	while (length < 0 && errno == EINTR);
	return length < 0 ? -errno : length;
}

/* The datagrams of an answer, one after the other. */
struct answer {
	char *bytes;
	size_t used;
	size_t size;
};

static int make_room(struct answer *answer)
{
	size_t size = 2 * answer->size + DATAGRAM_MAX;
	char *grown;

	if (answer->size - answer->used >= DATAGRAM_MAX)
		return 0;
	grown = realloc(answer->bytes, size);
	if (!grown)
		return -ENOMEM;
	answer->bytes = grown;
	answer->size = size;
	return 0;
}

int em_nl_error(int error)
{
	return error > 0 || error < -ERRNO_MAX ? -EPROTO : error;
}

/* The payload of NLMSG_ERROR, and of the NLMSG_DONE of a dump that failed midway. */
static int error_of(const struct nlmsghdr *header)
{
	int error = 0;

	if (mnl_nlmsg_get_payload_len(header) >= sizeof(error))
		memcpy(&error, mnl_nlmsg_get_payload(header), sizeof(error));
	return em_nl_error(error);
}

/* Returns 1 if the answer ends with this datagram, 0 if more follows, or -errno. */
static int is_last(const struct nlmsghdr *header, int length, bool dump)
{
	for (; mnl_nlmsg_ok(header, length); header = mnl_nlmsg_next(header, &length)) {
		bool end = header->nlmsg_type == NLMSG_ERROR || header->nlmsg_type == NLMSG_DONE;

		if (header->nlmsg_seq != SEQUENCE)
			continue;
		if (header->nlmsg_flags & NLM_F_DUMP_INTR)
			return -EINTR;
		if (end && error_of(header))
			return error_of(header);
		if (end || !dump)
			return 1;
	}
	return 0;
}

static int collect(struct answer *answer, int protocol, const struct nlmsghdr *request)
{
	struct mnl_socket *socket __attribute__((cleanup(closep))) = NULL;
	int rc = open_socket(&socket, protocol, 0);

	answer->used = 0;
	if (!rc)
		rc = send_bytes(socket, request, request->nlmsg_len);
	while (!rc) {
		ssize_t length;
		char *end;

		rc = make_room(answer);
		if (rc)
			return rc;
		end = answer->bytes + answer->used;
		length = receive(socket, end);
		if (length < 0)
			return length;
		answer->used += MNL_ALIGN(length);
		rc = is_last((const void *)end, length, request->nlmsg_flags & NLM_F_DUMP);
	}
	return rc < 0 ? rc : 0;
}

int em_nl_ask(int protocol, struct nlmsghdr *request,
	      int (*visit)(void *context, const struct nlmsghdr *header), void *context)
{
	char *bytes __attribute__((cleanup(em_freep))) = NULL;
	const struct nlmsghdr *header;
	struct answer answer = {0};
	int rc = -EINTR, left;

	for (int i = 0; (rc == -EINTR || rc == -ENOBUFS) && i < ASK_TRIES; i++)
		rc = collect(&answer, protocol, request);
	bytes = answer.bytes;
	if (rc)
		return rc == -EINTR ? -EAGAIN : rc;
	header = (const void *)bytes;
	left = answer.used;
	for (; !rc && mnl_nlmsg_ok(header, left); header = mnl_nlmsg_next(header, &left))
		if (header->nlmsg_seq == SEQUENCE && header->nlmsg_type >= NLMSG_MIN_TYPE)
			rc = visit(context, header);
	return rc;
}

int em_nl_batch_init(struct em_nl_batch *batch, size_t n_max)
{
	*batch = (struct em_nl_batch){.n_max = n_max};
	batch->bytes = calloc(n_max, EM_NL_MESSAGE_MAX);
	batch->outcomes = calloc(n_max, sizeof(*batch->outcomes));
	if (batch->bytes && batch->outcomes)
		return 0;
	em_nl_batch_clear(batch);
	return -ENOMEM;
}

void em_nl_batch_clear(struct em_nl_batch *batch)
{
	free(batch->bytes);
	free(batch->outcomes);
	*batch = (struct em_nl_batch){0};
}

struct nlmsghdr *em_nl_batch_add(struct em_nl_batch *batch, uint16_t type, uint16_t flags,
				 const void *family, size_t size)
{
	void *end = batch->last ? mnl_nlmsg_get_payload_tail(batch->last) : batch->bytes;

	batch->last = em_nl_begin(end, type, flags | NLM_F_ACK, family, size);
	batch->last->nlmsg_seq = SEQUENCE + batch->n++;
	return batch->last;
}

/* Without NETLINK_CAP_ACK the request is copied in front of the explanation. */
static void note_explanation(struct em_nl_outcome *outcome, const struct nlmsghdr *header)
{
	const struct nlmsgerr *answer = mnl_nlmsg_get_payload(header);
	size_t fixed = sizeof(*answer);

	if (!(header->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(header->nlmsg_flags & NLM_F_CAPPED))
		fixed += mnl_nlmsg_get_payload_len(&answer->msg);
	strncat(outcome->message, em_nl_get_text(em_nl_find(header, fixed, NLMSGERR_ATTR_MSG)),
		sizeof(outcome->message) - 1);
}

static size_t note_outcomes(struct em_nl_batch *batch, const struct nlmsghdr *header, int length)
{
	size_t n = 0;

	for (; mnl_nlmsg_ok(header, length); header = mnl_nlmsg_next(header, &length)) {
		size_t number = header->nlmsg_seq - SEQUENCE;

		if (header->nlmsg_type != NLMSG_ERROR || number >= batch->n ||
		    mnl_nlmsg_get_payload_len(header) < sizeof(struct nlmsgerr))
			continue;
		batch->outcomes[number] = (struct em_nl_outcome){.error = error_of(header)};
		note_explanation(&batch->outcomes[number], header);
		n++;
	}
	return n;
}

/* All acknowledgements are there once the messages are sent, so reading does not wait. */
static int receive_outcomes(struct em_nl_batch *batch, const struct mnl_socket *socket)
{
	char *buffer __attribute__((cleanup(em_freep))) = malloc(DATAGRAM_MAX);
	bool lost = false;
	size_t n = 0;

	if (!buffer)
		return -ENOMEM;
	while (n < batch->n) {
		ssize_t length = receive(socket, buffer);

		/* The loss of messages is reported once; the others follow. */
		if (length == -ENOBUFS && !lost) {
			lost = true;
			continue;
		}
		if (length < 0)
			return length == -EAGAIN ? -ENOBUFS : length;
		n += note_outcomes(batch, (const void *)buffer, length);
	}
	return 0;
}

/* Without the privilege for a larger buffer, the usual size may be enough. */
static void size_buffers(const struct mnl_socket *socket, size_t length, size_t n)
{
	int fd = mnl_socket_get_fd(socket), out = length + EM_NL_MESSAGE_MAX, in = n * ACK_SIZE;

	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &out, sizeof(out)))
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &out, sizeof(out));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &in, sizeof(in)))
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &in, sizeof(in));
}

int em_nl_batch_send(struct em_nl_batch *batch)
{
	struct mnl_socket *socket __attribute__((cleanup(closep))) = NULL;
	size_t length;
	int rc;

	if (!batch->n)
		return 0;
	length = (char *)mnl_nlmsg_get_payload_tail(batch->last) - batch->bytes;
	rc = open_socket(&socket, NETLINK_ROUTE, SOCK_NONBLOCK);
	if (!rc) {
		size_buffers(socket, length, batch->n);
		rc = send_bytes(socket, batch->bytes, length);
	}
	for (size_t i = 0; rc && i < batch->n; i++)
		batch->outcomes[i].error = rc;
	if (!rc)
		rc = receive_outcomes(batch, socket);
	for (size_t i = 0; !rc && i < batch->n; i++)
		rc = batch->outcomes[i].error;
	return rc;
}

const struct nlattr *em_nl_find(const struct nlmsghdr *header, size_t fixed, uint16_t type)
{
	struct nlattr *attr;

	mnl_attr_for_each (attr, header, fixed)
		if (mnl_attr_get_type(attr) == type)
			return attr;
	return NULL;
}

const struct nlattr *em_nl_find_in(const struct nlattr *nest, uint16_t type)
{
	struct nlattr *attr;

	mnl_attr_for_each_nested (attr, nest)
		if (mnl_attr_get_type(attr) == type)
			return attr;
	return NULL;
}

bool em_nl_get(const struct nlattr *attr, void *out, size_t size)
{
	if (!attr || mnl_attr_get_payload_len(attr) < size)
		return false;
	memcpy(out, mnl_attr_get_payload(attr), size);
	return true;
}

uint32_t em_nl_get_u32(const struct nlattr *attr)
{
	uint32_t value = 0;

	em_nl_get(attr, &value, sizeof(value));
	return value;
}

const char *em_nl_get_text(const struct nlattr *attr)
{
	return attr && mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0 ? mnl_attr_get_str(attr)
									 : "";
}
