/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * netlink - transactions and dumps of nf_tables over libmnl; see netlink.h.
 */
#include "nft/netlink.h"
#include "nft/uapi.h"

#include <errno.h>
#include <libnftnl/common.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/nl.h"

/* A nested attribute is less than 64 KiB. */
#define MESSAGE_MAX    (128 << 10)
#define RECEIVE_BUFFER (4 << 20)

/* netlink->socket is left alone on failure. */
static int open_socket(struct em_netlink *netlink)
{
	const int receive = RECEIVE_BUFFER, on = 1;
	struct mnl_socket *opened = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	int fd;

	if (!opened)
		return -errno;
	if (mnl_socket_bind(opened, 0, MNL_SOCKET_AUTOPID) < 0) {
		int rc = -errno;

		mnl_socket_close(opened);
		return rc;
	}
	fd = mnl_socket_get_fd(opened);
	/* An error then carries only the header of what it is about.  Both are only for speed. */
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &receive, sizeof(receive));
	netlink->socket = opened;
	return 0;
}

/* A signal in between is not a failure. */
static int send_bytes(const struct em_netlink *netlink, const void *bytes, size_t length)
{
	ssize_t sent;

	do
		sent = mnl_socket_sendto(netlink->socket, bytes, length);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

int em_netlink_open(struct em_netlink *netlink, struct em_diag *diag)
{
	int rc;

	netlink->socket = NULL;
	rc = open_socket(netlink);
	if (rc && rc != -EPROTONOSUPPORT)
		em_diag_errno(diag, rc, NULL, "nftables: cannot open a netlink socket");
	return rc;
}

void em_netlink_close(struct em_netlink *netlink)
{
	if (netlink->socket)
		mnl_socket_close(netlink->socket);
	netlink->socket = NULL;
}

/*
 * Between messages there is always room for a whole one, so that opening one cannot fail; after an
 * error it is the room at the beginning.
 */
static void make_room(struct em_batch *batch)
{
	size_t size = batch->size;
	uint8_t *grown;

	while (size < batch->used + MESSAGE_MAX)
		size *= 2;
	if (size == batch->size)
		return;
	grown = realloc(batch->buffer, size);
	if (!grown) {
		batch->error = -ENOMEM;
		batch->used = 0;
		return;
	}
	/* libmnl leaves what it pads with as it is, and the kernel gets that, too. */
	memset(grown + batch->size, 0, size - batch->size);
	batch->buffer = grown;
	batch->size = size;
}

static void keep_origin(struct em_batch *batch, const char *what, const struct em_place *place)
{
	size_t n = batch->n_origins;

	if ((n & (n - 1)) == 0) {
		struct em_origin *grown =
			reallocarray(batch->origins, n ? n * 2 : 1, sizeof(*grown));

		if (!grown) {
			batch->error = -ENOMEM;
			return;
		}
		batch->origins = grown;
	}
	batch->origins[n] = (struct em_origin){.what = what};
	if (place)
		batch->origins[n].place = *place;
	batch->n_origins++;
}

static void put_boundary(struct em_batch *batch, uint16_t type)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(batch->buffer + batch->used);
	struct nfgenmsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));

	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST;
	message->nlmsg_seq = batch->n_origins;
	header->version = NFNETLINK_V0;
	header->res_id = htons(NFNL_SUBSYS_NFTABLES);
	batch->used += message->nlmsg_len;
}

static void start(struct em_batch *batch)
{
	batch->last = batch->n_origins = batch->sets = 0;
	put_boundary(batch, NFNL_MSG_BATCH_BEGIN);
	keep_origin(batch, "change the ruleset", NULL);
}

int em_batch_init(struct em_batch *batch, struct em_diag *diag)
{
	*batch = (struct em_batch){.size = 2 * MESSAGE_MAX};
	batch->buffer = calloc(1, batch->size);
	if (!batch->buffer)
		return em_diag_error(diag, -ENOMEM, NULL, "out of memory");
	return 0;
}

void em_batch_clear(struct em_batch *batch)
{
	free(batch->buffer);
	free(batch->origins);
	*batch = (struct em_batch){0};
}

struct nlmsghdr *em_batch_open(struct em_batch *batch, uint8_t family, uint16_t type,
			       uint16_t flags, const char *what, const struct em_place *place)
{
	struct nlmsghdr *message;

	if (batch->used == 0 && !batch->error)
		start(batch);
	message = nftnl_nlmsg_build_hdr((char *)batch->buffer + batch->used, type, family, flags,
					batch->n_origins);
	keep_origin(batch, what, place);
	return message;
}

void em_batch_close(struct em_batch *batch, struct nlmsghdr *message)
{
	if (batch->error)
		return;
	batch->last = batch->used;
	batch->used += NLMSG_ALIGN(message->nlmsg_len);
	make_room(batch);
}

const char *em_refusal_reason(const struct em_refusal *refusal)
{
	return refusal->altered ? "it was taken without an error, but is listed differently"
				: strerror(-refusal->error);
}

int em_netlink_report(struct em_diag *diag, const struct em_refusal *refusal)
{
	if (refusal->error == -EPERM)
		return em_diag_error(diag, -EPERM, NULL,
				     "nftables: needs CAP_NET_ADMIN (run as root)%s",
				     geteuid() ? "" : "; or another program owns table entitymux");
	return em_diag_error(diag, refusal->error, &refusal->origin.place,
			     "nftables: cannot %s: %s", refusal->origin.what,
			     em_refusal_reason(refusal));
}

/* One buffer of answers.  Returns 1 once the message with sequence number `last` is done. */
static int take_answers(const struct em_batch *batch, const uint8_t *buffer, int length,
			uint32_t last, struct em_refusal *refusal)
{
	const struct nlmsghdr *message = (const struct nlmsghdr *)buffer;
	int done = 0;

	for (; mnl_nlmsg_ok(message, length); message = mnl_nlmsg_next(message, &length)) {
		const struct nlmsgerr *error = mnl_nlmsg_get_payload(message);

		if (message->nlmsg_type != NLMSG_ERROR ||
		    mnl_nlmsg_get_payload_len(message) < sizeof(*error))
			continue;
		if (error->error == 0) {
			done |= message->nlmsg_seq == last;
		} else if (!refusal->error) {
			refusal->error = em_nl_error(error->error);
			if (message->nlmsg_seq < batch->n_origins)
				refusal->origin = batch->origins[message->nlmsg_seq];
		}
	}
	return done;
}

/*
 * The kernel handles a batch within the call that sends it: all answers are there when it returns.
 * If there are more errors than the receive buffer holds, the first ones are kept.
 */
static int receive_answers(struct em_netlink *netlink, const struct em_batch *batch, uint32_t last,
			   struct em_refusal *refusal)
{
	int fd = mnl_socket_get_fd(netlink->socket);
	uint8_t buffer[16384] __attribute__((aligned(8)));
	int done = 0;

	for (;;) {
		ssize_t length = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);

		if (length < 0 && (errno == EINTR || errno == ENOBUFS))
			continue;
		if (length < 0 && errno == EAGAIN)
			break;
		if (length <= 0)
			return length ? -errno : -EIO;
		done |= take_answers(batch, buffer, length, last, refusal);
	}
	if (refusal->error)
		return refusal->error;
	return done ? 0 : -EIO;
}

static int exchange(struct em_netlink *netlink, struct em_batch *batch, bool try,
		    struct em_refusal *refusal)
{
	struct nlmsghdr *last = (struct nlmsghdr *)(batch->buffer + batch->last);
	int fd = mnl_socket_get_fd(netlink->socket);
	int size, error;

	/*
	 * Only the last message asks for an acknowledgement: answers to all could overflow the
	 * receive buffer. A batch without an end message is rolled back, which is also how `nft
	 * --check` tries one.
	 */
	last->nlmsg_flags |= NLM_F_ACK;
	if (!try)
		put_boundary(batch, NFNL_MSG_BATCH_END);
	size = batch->used + MESSAGE_MAX;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	error = send_bytes(netlink, batch->buffer, batch->used);
	return error ? error : receive_answers(netlink, batch, last->nlmsg_seq, refusal);
}

int em_batch_send(struct em_netlink *netlink, struct em_batch *batch, bool try,
		  struct em_refusal *refusal)
{
	int rc = batch->error;

	*refusal = (struct em_refusal){.origin.what = "change the ruleset"};
	if (!rc && batch->last)
		rc = exchange(netlink, batch, try, refusal);
	refusal->error = rc;
	batch->used = batch->last = 0;
	return rc;
}

int em_batch_commit(struct em_netlink *netlink, struct em_batch *batch, struct em_diag *diag)
{
	struct em_refusal refusal;

	if (em_batch_send(netlink, batch, false, &refusal))
		return em_netlink_report(diag, &refusal);
	return 0;
}

static int receive_query(struct em_netlink *netlink, uint8_t *buffer, uint32_t sequence,
			 mnl_cb_t callback, void *data)
{
	unsigned int port = mnl_socket_get_portid(netlink->socket);
	int result = MNL_CB_OK;

	while (result == MNL_CB_OK) {
		ssize_t length = mnl_socket_recvfrom(netlink->socket, buffer, MESSAGE_MAX);

		if (length < 0 && errno == EINTR)
			continue;
		if (length >= 0)
			length = mnl_cb_run(buffer, length, sequence, port, callback, data);
		/* What libmnl has negated may be any number. */
		result = length < 0 ? em_nl_error(errno > 0 ? -errno : 1) : length;
	}
	return result;
}

/* The rest of the answers to a query that failed is left with its socket. */
static int start_over(struct em_netlink *netlink)
{
	struct mnl_socket *old = netlink->socket;
	int rc = open_socket(netlink);

	if (!rc)
		mnl_socket_close(old);
	return rc;
}

static struct nlmsghdr *put_query(uint8_t *buffer, const struct em_query *query)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));

	message->nlmsg_type = query->subsystem << 8 | query->type;
	message->nlmsg_flags = NLM_F_REQUEST | query->flags;
	message->nlmsg_seq = 1;
	header->nfgen_family = query->family;
	header->version = NFNETLINK_V0;
	header->res_id = htons(query->resource);
	if (query->attributes)
		query->attributes(message, query->context);
	return message;
}

int em_netlink_query(struct em_netlink *netlink, const struct em_query *query, mnl_cb_t callback,
		     void *data)
{
	uint8_t *buffer = calloc(1, MESSAGE_MAX);
	struct nlmsghdr *message;
	int rc;

	if (!buffer)
		return -ENOMEM;
	message = put_query(buffer, query);
	rc = send_bytes(netlink, message, message->nlmsg_len);
	if (!rc)
		rc = receive_query(netlink, buffer, message->nlmsg_seq, callback, data);
	free(buffer);
	if (rc)
		return start_over(netlink) ? -EIO : rc;
	return 0;
}

static int read_id_attribute(const struct nlattr *attribute, void *data)
{
	if (mnl_attr_get_type(attribute) == NFTA_GEN_ID)
		*(uint32_t *)data = ntohl(mnl_attr_get_u32(attribute));
	return MNL_CB_OK;
}

static int read_id(const struct nlmsghdr *message, void *data)
{
	return mnl_attr_parse(message, sizeof(struct nfgenmsg), read_id_attribute, data);
}

int em_netlink_ruleset_id(struct em_netlink *netlink, uint32_t *id)
{
	const struct em_query query = {
		.subsystem = NFNL_SUBSYS_NFTABLES, .type = NFT_MSG_GETGEN, .flags = NLM_F_ACK};

	*id = 0;
	return em_netlink_query(netlink, &query, read_id, id);
}

size_t em_netlink_receive_buffer(const struct em_netlink *netlink)
{
	socklen_t length = sizeof(int);
	int size = 0;

	getsockopt(mnl_socket_get_fd(netlink->socket), SOL_SOCKET, SO_RCVBUF, &size, &length);
	return size > 0 ? size : 0;
}
