/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "nft/log.h"

/* Before <linux/netfilter.h>, which else brings its own. */
#include <netinet/in.h>

#include <endian.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "nft/attribute.h"
#include "nft/build.h"
#include "nft/netlink.h"

/* Numbers that other programs hardly use; a group has one reader. */
#define GROUP_FIRST 0xe170
#define GROUPS	    16
#define FLUSH_MS    100	      /* that a packet waits for others in the kernel, at most */
#define RECEIVE	    (1 << 17) /* bytes of messages at a time: more than the kernel joins */
#define HEADER_MAX  64	      /* of a link layer */

/* Rules. */

bool em_build_copied(const struct em_builder *b, unsigned int reason)
{
	return em_plan_samples(b->ruleset->form.samples, b->listener, reason);
}

/* The prefix says whose packet it is, and why it is copied: "v2-check-telemetry". */
void em_build_copy(struct em_builder *b, unsigned int reason)
{
	struct em_statement *log = em_build_add(b, EM_STATEMENT_LOG);

	log->target = em_build_listener_name(b, em_plan_sample_reason(reason));
	log->group = b->ruleset->form.samples->group;
}

/* Reading. */

struct em_sampler {
	struct em_netlink netlink;
	uint32_t generation;
	const struct em_policy *policy;
	uint8_t *buffer; /* RECEIVE bytes */
	uint8_t packet[HEADER_MAX + EM_SAMPLE_BYTES];

	/* While it is read. */
	em_sampled_fn *take;
	void *context;
	int rc; /* the first error of take */
};

static void put_bind(struct nlmsghdr *message, const void *context)
{
	const struct nfulnl_msg_config_cmd command = {.command = NFULNL_CFG_CMD_BIND};

	(void)context;
	mnl_attr_put(message, NFULA_CFG_CMD, sizeof(command), &command);
}

static void put_mode(struct nlmsghdr *message, const void *context)
{
	const struct nfulnl_msg_config_mode mode = {.copy_range = htonl(EM_SAMPLE_BYTES),
						    .copy_mode = NFULNL_COPY_PACKET};

	(void)context;
	mnl_attr_put(message, NFULA_CFG_MODE, sizeof(mode), &mode);
	mnl_attr_put_u32(message, NFULA_CFG_TIMEOUT, htonl(FLUSH_MS / 10));
}

static int configure(struct em_netlink *netlink, uint16_t group,
		     void (*attributes)(struct nlmsghdr *message, const void *context))
{
	const struct em_query query = {.subsystem = NFNL_SUBSYS_ULOG,
				       .type = NFULNL_MSG_CONFIG,
				       .flags = NLM_F_ACK,
				       .resource = group,
				       .attributes = attributes};

	return em_netlink_query(netlink, &query, NULL, NULL);
}

/* The kernel says EPERM of a group that somebody else reads, and EBUSY of one of ours. */
static int bind_group(struct em_netlink *netlink, uint16_t *group)
{
	int rc = -EPERM;

	for (uint16_t i = 0; (rc == -EPERM || rc == -EBUSY) && i < GROUPS; i++) {
		*group = GROUP_FIRST + i;
		rc = configure(netlink, *group, put_bind);
	}
	return rc ? rc : configure(netlink, *group, put_mode);
}

/* Of a subsystem that it does not have, the kernel says that the message is wrong. */
static int report(int rc, struct em_diag *diag)
{
	if (rc == -EINVAL || rc == -EOPNOTSUPP)
		return em_diag_error(diag, -EM_EUNSUPPORTED, NULL,
				     "nftables: this kernel has no log that programs can read "
				     "(nfnetlink_log)");
	return em_diag_errno(diag, rc, NULL, "nftables: cannot read the log of the kernel");
}

int em_log_open(struct em_sampler **out, struct em_samples *samples, struct em_diag *diag)
{
	struct em_sampler *sampler = calloc(1, sizeof(*sampler));
	int rc;

	if (sampler)
		sampler->buffer = malloc(RECEIVE);
	if (!sampler || !sampler->buffer) {
		free(sampler);
		return em_diag_enomem(diag);
	}
	rc = em_netlink_open(&sampler->netlink, diag);
	if (rc == -EPROTONOSUPPORT)
		em_diag_error(diag, rc, NULL, "nftables: this kernel has no nf_tables");
	if (!rc) {
		rc = bind_group(&sampler->netlink, &samples->group);
		rc = rc ? report(rc, diag) : 0;
	}
	if (rc)
		em_log_close(sampler);
	else
		*out = sampler;
	return rc;
}

int em_log_begin(struct em_sampler *sampler, uint32_t generation, const struct em_policy *policy,
		 struct em_diag *diag)
{
	(void)diag;
	sampler->generation = generation;
	sampler->policy = policy;
	return 0;
}

/* What the prefix says.  False: it is not of this generation. */
static bool read_prefix(const struct em_sampler *sampler, const struct nlattr *prefix,
			struct em_sampled *sampled)
{
	const char *text = prefix ? mnl_attr_get_str(prefix) : "";

	if (em_identifier_generation(text) != sampler->generation)
		return false;
	for (unsigned int reason = 0; reason < EM_SAMPLE_REASONS; reason++) {
		const char *name = em_identifier_owner(text, em_plan_sample_reason(reason));

		for (size_t i = 0; name && i < sampler->policy->n_listeners; i++) {
			sampled->listener = &sampler->policy->listeners[i];
			sampled->reason = reason;
			if (!strcmp(sampled->listener->name, name))
				return true;
		}
	}
	return false;
}

static size_t append(uint8_t *to, size_t room, const struct nlattr *attribute)
{
	size_t length = attribute ? mnl_attr_get_payload_len(attribute) : 0;

	if (length > room)
		length = room;
	if (length)
		memcpy(to, mnl_attr_get_payload(attribute), length);
	return length;
}

/* The kernel does not say how long the packet is that it has cut, but its IP header does. */
static size_t length_of(const uint8_t *packet, size_t length)
{
	size_t whole = 0;

	if (length >= 20 && packet[0] >> 4 == 4)
		whole = (size_t)packet[2] << 8 | packet[3];
	else if (length >= 40 && packet[0] >> 4 == 6)
		whole = 40 + ((size_t)packet[4] << 8 | packet[5]);
	return whole > length ? whole : length;
}

/* When the interface has received it; 0: that is not known. */
static uint64_t time_of(const struct nlattr *attribute)
{
	struct nfulnl_msg_packet_timestamp stamp;

	if (!attribute || mnl_attr_get_payload_len(attribute) < sizeof(stamp))
		return 0;
	memcpy(&stamp, mnl_attr_get_payload(attribute), sizeof(stamp));
	return be64toh(stamp.sec) * EM_SECOND + be64toh(stamp.usec) * 1000;
}

static int take_packet(const struct nlmsghdr *message, void *data)
{
	struct em_row row = em_row_of(message);
	const struct nlattr *interface = em_row_find(row, NFULA_IFINDEX_INDEV, 0);
	const struct nlattr *payload = em_row_find(row, NFULA_PAYLOAD, 0);
	struct em_sampler *sampler = data;
	struct em_sampled sampled = {.bytes = sampler->packet,
				     .time = time_of(em_row_find(row, NFULA_TIMESTAMP, 0))};
	size_t header, bytes;

	if ((message->nlmsg_type & 0xff) != NFULNL_MSG_PACKET || !interface || !payload ||
	    !read_prefix(sampler, em_row_find(row, NFULA_PREFIX, 0), &sampled))
		return MNL_CB_OK;
	header = append(sampler->packet, HEADER_MAX, em_row_find(row, NFULA_HWHEADER, 0));
	bytes = append(sampler->packet + header, EM_SAMPLE_BYTES, payload);
	sampled.ifindex = ntohl(mnl_attr_get_u32(interface));
	sampled.captured = header + bytes;
	sampled.length = header + length_of(sampler->packet + header, bytes);
	if (!sampled.time)
		sampled.time = em_clock_wall();
	sampler->rc = sampler->take(sampler->context, &sampled);
	return sampler->rc ? MNL_CB_ERROR : MNL_CB_OK;
}

/* Returns 0, -EAGAIN where there is no more, or -errno. */
static int receive(struct em_sampler *sampler)
{
	int fd = mnl_socket_get_fd(sampler->netlink.socket);
	ssize_t length = recv(fd, sampler->buffer, RECEIVE, MSG_DONTWAIT);

	if (length < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	if (mnl_cb_run(sampler->buffer, (size_t)length, 0, 0, take_packet, sampler) < 0 &&
	    !sampler->rc)
		return -errno;
	return sampler->rc;
}

int em_log_read(struct em_sampler *sampler, int timeout_ms, em_sampled_fn *take, void *context,
		uint64_t *lost, struct em_diag *diag)
{
	struct pollfd wait = {.fd = mnl_socket_get_fd(sampler->netlink.socket), .events = POLLIN};
	int rc;

	sampler->take = take;
	sampler->context = context;
	sampler->rc = 0;
	if (poll(&wait, 1, timeout_ms) < 0 && errno != EINTR)
		return em_diag_errno(diag, -errno, NULL, "nftables: cannot wait for copies");
	do {
		rc = receive(sampler);
		/* How many it was the kernel does not say. */
		*lost += rc == -ENOBUFS;
	} while (!rc || rc == -EINTR || rc == -ENOBUFS);
	if (sampler->rc)
		return sampler->rc;
	return rc == -EAGAIN ? 0
			     : em_diag_errno(diag, rc, NULL,
					     "nftables: cannot read the log of the kernel");
}

void em_log_close(struct em_sampler *sampler)
{
	if (!sampler)
		return;
	em_netlink_close(&sampler->netlink);
	free(sampler->buffer);
	free(sampler);
}
