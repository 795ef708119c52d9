/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "host/sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>

#include "host/nl.h"

struct visiting {
	void (*visit)(void *context, uint16_t port);
	void *context;
};

static int take(void *context, const struct nlmsghdr *header)
{
	const struct inet_diag_msg *socket = mnl_nlmsg_get_payload(header);
	const struct visiting *visiting = context;

	if (mnl_nlmsg_get_payload_len(header) < sizeof(*socket))
		return -EBADMSG;
	/* One that is not bound yet has none. */
	if (socket->id.idiag_sport)
		visiting->visit(visiting->context, ntohs(socket->id.idiag_sport));
	return 0;
}

int em_sockets_each(void (*visit)(void *context, uint16_t port), void *context,
		    struct em_diag *diag)
{
	static const uint8_t families[] = {AF_INET, AF_INET6};
	struct visiting visiting = {visit, context};
	int rc = 0;

	for (size_t i = 0; !rc && i < sizeof(families); i++) {
		const struct inet_diag_req_v2 wanted = {.sdiag_family = families[i],
							.sdiag_protocol = IPPROTO_UDP,
							.idiag_states = UINT32_MAX};
		struct em_nl_message message;
		struct nlmsghdr *request =
			em_nl_begin(&message, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP,
				    &wanted, sizeof(wanted));

		rc = em_nl_ask(NETLINK_SOCK_DIAG, request, take, &visiting);
		/* Without IPv6 there are no such sockets. */
		if (rc == -ENOENT && families[i] == AF_INET6)
			rc = 0;
	}
	return rc && rc != -ENOENT ? em_diag_errno(diag, rc, NULL, "cannot list the UDP sockets")
				   : rc;
}
