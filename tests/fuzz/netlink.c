/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * What the kernel answers, over rtnetlink, sock_diag and nf_tables; the first byte chooses the
 * question.
 *
 * The socket of libmnl is ours: what is sent goes nowhere, and what is received is the input, each
 * datagram behind two bytes of length, and in the end that all is said.  Messages belong to the
 * question that was asked last.
 *
 * libnftnl ends the program where an attribute has another length than it always had.  That is no
 * finding, and comes back here; what was allocated by then is lost.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/backend.h"
#include "fuzz.h"
#include "host/ifb.h"
#include "host/link.h"
#include "host/netdev.h"
#include "host/sockets.h"
#include "nft/counters.h"
#include "nft/inspect.h"
#include "nft/inventory.h"
#include "nft/others.h"
#include "nft/remembered.h"
#include "nft/unknown_tags.h"
#include "policy/flow.h"
#include "policy/stats.h"
#include "policy/unknown.h"

#define DATAGRAM_MAX 32768 /* the least that a caller has room for is more */

__attribute__((used)) const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

static const uint8_t *input;
static size_t left;
static uint32_t sequence;
static int opened; /* its address is that of the socket */
static jmp_buf asking;
static bool is_asking;

void exit(int status)
{
	if (is_asking)
		longjmp(asking, 1);
	_exit(status);
}

struct mnl_socket *mnl_socket_open2(int bus, int flags)
{
	(void)bus;
	(void)flags;
	return (struct mnl_socket *)&opened;
}

int mnl_socket_bind(struct mnl_socket *socket, unsigned int groups, pid_t pid)
{
	(void)socket;
	(void)groups;
	(void)pid;
	return 0;
}

int mnl_socket_close(struct mnl_socket *socket)
{
	(void)socket;
	return 0;
}

int mnl_socket_get_fd(const struct mnl_socket *socket)
{
	(void)socket;
	return -1;
}

unsigned int mnl_socket_get_portid(const struct mnl_socket *socket)
{
	(void)socket;
	return 0;
}

int mnl_socket_setsockopt(const struct mnl_socket *socket, int type, void *value, socklen_t length)
{
	(void)socket;
	(void)type;
	(void)value;
	(void)length;
	return 0;
}

ssize_t mnl_socket_sendto(const struct mnl_socket *socket, const void *bytes, size_t length)
{
	(void)socket;
	sequence = ((const struct nlmsghdr *)bytes)->nlmsg_seq;
	return (ssize_t)length;
}

static ssize_t end_answer(void *buffer)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	struct nlmsgerr *done = mnl_nlmsg_put_extra_header(header, sizeof(*done));

	header->nlmsg_type = NLMSG_ERROR;
	header->nlmsg_seq = sequence;
	done->error = 0;
	return header->nlmsg_len;
}

ssize_t mnl_socket_recvfrom(const struct mnl_socket *socket, void *buffer, size_t size)
{
	size_t length, at = 0;

	(void)socket;
	if (size < DATAGRAM_MAX)
		abort();
	if (left < 2)
		return end_answer(buffer);
	length = input[0] | (input[1] & 0x7f) << 8;
	length = length < left - 2 ? length : left - 2;
	memcpy(buffer, input + 2, length);
	input += 2 + length;
	left -= 2 + length;
	if (length < sizeof(struct nlmsghdr))
		return end_answer(buffer);
	while (length - at >= sizeof(struct nlmsghdr)) {
		struct nlmsghdr *header = (struct nlmsghdr *)((char *)buffer + at);

		header->nlmsg_seq = sequence;
		header->nlmsg_pid = 0;
		if (header->nlmsg_len < sizeof(*header) || header->nlmsg_len > length - at)
			header->nlmsg_len = length - at;
		at += NLMSG_ALIGN(header->nlmsg_len);
		if (at > length)
			break;
	}
	/* The kernel sends whole messages. */
	return at < length ? (ssize_t)at : (ssize_t)length;
}

/* What is found is of no interest here. */

static void found_other(void *context, const char *what, const char *remedy)
{
	(void)context;
	(void)what;
	(void)remedy;
}

static void found_port(void *context, uint16_t port)
{
	(void)context;
	(void)port;
}

static void ask_link(struct em_diag *diag)
{
	struct em_link link;

	/* Of lo, as some is asked for in other ways than over netlink. */
	if (!em_link_read(&link, "lo", NULL, diag))
		(void)em_nft_others_list(&link, found_other, NULL, diag);
}

static void ask_inventory(struct em_netlink *netlink)
{
	struct em_inventory inventory;
	uint32_t n;

	(void)em_inventory_list(&inventory, EM_TABLE_NETDEV, netlink);
	(void)em_inventory_in_force(&inventory);
	em_inventory_clear(&inventory);
	(void)em_inventory_count(netlink, EM_TABLE_NETDEV, "v1-entities-a", 100, &n);
}

static void ask_counters(struct em_netlink *netlink, const struct em_policy *policy,
			 struct em_diag *diag)
{
	struct em_stats *stats;

	if (em_stats_new(&stats, policy))
		abort();
	(void)em_counters_read(netlink, policy, 1, stats, diag);
	em_stats_free(stats);
}

static void ask_unknown(struct em_netlink *netlink, const struct em_policy *policy,
			struct em_diag *diag)
{
	struct em_unknown_list list = {0};

	(void)em_unknown_tags_read(netlink, policy, 1, &list, diag);
	em_unknown_clear(&list);
}

static void ask_conversations(struct em_netlink *netlink, struct em_diag *diag)
{
	struct em_flow_list list = {0};

	(void)em_remembered_read(netlink, &list, diag);
	em_flow_list_clear(&list);
}

static void ask_all_of_nft(struct em_diag *diag)
{
	struct em_kernel_state state;

	(void)em_nft_inspect(&state, diag);
	em_kernel_state_clear(&state);
}

static void ask(uint8_t choice, struct em_netlink *netlink, struct em_diag *diag)
{
	const struct em_policy *policy = fuzz_known_policy(choice >> 4);
	struct em_ifb ifb;
	uint64_t features;

	switch (choice & 0xf) {
	case 0:
		return ask_link(diag);
	case 1:
		(void)em_ifb_read(&ifb);
		return;
	case 2:
		(void)em_netdev_xdp_features(1, &features);
		return;
	case 3:
		(void)em_sockets_each(found_port, NULL, diag);
		return;
	case 4:
		return ask_inventory(netlink);
	case 5:
		return ask_counters(netlink, policy, diag);
	case 6:
		return ask_unknown(netlink, policy, diag);
	case 7:
		return ask_conversations(netlink, diag);
	default:
		return ask_all_of_nft(diag);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct em_netlink netlink;
	struct em_diag diag;

	if (size < 2)
		return 0;
	input = data + 1;
	left = size - 1;
	fuzz_diag(&diag);
	if (em_netlink_open(&netlink, &diag))
		abort();
	is_asking = true;
	if (!setjmp(asking))
		ask(data[0], &netlink, &diag);
	is_asking = false;
	em_netlink_close(&netlink);
	return 0;
}
