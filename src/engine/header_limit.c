/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "engine/header_limit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "engine/backend.h"
#include "engine/sample.h"
#include "host/scratch.h"

#define DEVICE	      "lo"
#define HEADER_LENGTH 8 /* each of the shortest possible length */
#define SECONDS_MAX   5 /* for what takes microseconds */

struct frame {
	struct ethhdr ethernet;
	struct ip6_hdr ip;
	uint8_t rest[(EM_HEADER_LIMIT_MAX + 1) * HEADER_LENGTH + sizeof(struct udphdr)];
} __attribute__((packed));

/* A destination options header, filled with padding. */
static void put_header(uint8_t *header, uint8_t next)
{
	const uint8_t bytes[HEADER_LENGTH] = {next, 0, IP6OPT_PADN, 4};

	memcpy(header, bytes, sizeof(bytes));
}

static size_t make_frame(struct frame *frame, unsigned int n_headers, uint16_t port)
{
	/*
	 * The destination is not this host, so IPv6 drops the frame.  Packet sockets still see it.
	 */
	static const uint8_t elsewhere[ETH_ALEN] = {0x02, 0, 0, 0, 0, 1};
	size_t length = n_headers * HEADER_LENGTH + sizeof(struct udphdr);
	struct udphdr udp = {.uh_dport = htons(port), .uh_ulen = htons(sizeof(udp))};

	memset(frame, 0, sizeof(*frame));
	memcpy(frame->ethernet.h_dest, elsewhere, ETH_ALEN);
	frame->ethernet.h_proto = htons(ETH_P_IPV6);
	frame->ip.ip6_vfc = 6 << 4;
	frame->ip.ip6_nxt = n_headers ? IPPROTO_DSTOPTS : IPPROTO_UDP;
	frame->ip.ip6_plen = htons(length);
	for (unsigned int i = 1; i <= n_headers; i++)
		put_header(frame->rest + (i - 1) * HEADER_LENGTH,
			   i < n_headers ? IPPROTO_DSTOPTS : IPPROTO_UDP);
	memcpy(frame->rest + n_headers * HEADER_LENGTH, &udp, sizeof(udp));
	return offsetof(struct frame, rest) + length;
}

static bool send_frame(int wire, unsigned int n_headers, uint16_t port)
{
	struct frame frame;
	size_t length = make_frame(&frame, n_headers, port);

	return send(wire, &frame, length, 0) == (ssize_t)length;
}

/*
 * The policy drops datagrams that it finds to be ours.  Returns the number of headers in the first
 * frame that gets through.  The last frame always does, as no listener has its port.  -1: no frame
 * came.
 */
static int first_passed(int wire)
{
	struct frame frame;
	ssize_t length;

	for (unsigned int n = 0; n <= EM_HEADER_LIMIT_MAX; n++)
		if (!send_frame(wire, n, EM_SAMPLE_PORT))
			return -1;
	if (!send_frame(wire, EM_HEADER_LIMIT_MAX + 1, EM_SAMPLE_PORT + 1))
		return -1;
	length = recv(wire, &frame, sizeof(frame), 0);
	return length < 0 ? -1 : (length - (ssize_t)make_frame(&frame, 0, 0)) / HEADER_LENGTH;
}

static int bring_up(int fd)
{
	struct ifreq request = {.ifr_name = DEVICE, .ifr_flags = IFF_UP};

	return ioctl(fd, SIOCSIFFLAGS, &request);
}

/*
 * A packet socket that sees incoming frames that pass the policy, and no outgoing ones; or -errno.
 */
static int open_wire(void)
{
	const struct timeval patience = {.tv_sec = SECONDS_MAX};
	struct sockaddr_ll address = {.sll_family = AF_PACKET,
				      .sll_protocol = htons(ETH_P_IPV6),
				      .sll_ifindex = if_nametoindex(DEVICE)};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), rc;

	if (fd < 0)
		return -errno;
	if (!bring_up(fd) && !bind(fd, (struct sockaddr *)&address, sizeof(address)) &&
	    !setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)))
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

static int apply_planned(const struct em_choice *choice, struct em_plan *plan, struct em_diag *diag)
{
	struct em_prepared *prepared = NULL;
	struct em_outcome outcome = {0};
	int rc = choice->ops->prepare(&prepared, plan, &outcome, EM_TRY, diag);

	if (!rc)
		rc = choice->ops->prepare(&prepared, plan, &outcome, EM_BUILD, diag);
	if (!rc)
		rc = choice->ops->commit(prepared, diag);
	choice->ops->abort(prepared);
	return rc;
}

static int apply_sample(struct em_diag *diag)
{
	struct em_policy *sample __attribute__((cleanup(em_policy_freep))) = NULL;
	struct em_choice choices[EM_CHOICES_MAX];
	struct em_plan plan = {0};
	int rc = em_backend_choices(EM_BACKEND_NFT, choices) ? 0 : -EM_EUNSUPPORTED;

	if (!rc)
		rc = em_sample_new(&sample, diag);
	if (!rc)
		rc = em_plan_init(&plan, sample, diag);
	plan.backend = choices[0].backend;
	plan.generation = 1;
	if (!rc)
		rc = apply_planned(&choices[0], &plan, diag);
	em_plan_clear(&plan);
	return rc;
}

struct result {
	uint32_t limit;
	int error;
};

static int find_on(int wire, uint32_t *limit)
{
	struct em_diag_kept kept;
	int passed = -1, rc = em_diag_keep(&kept);

	if (rc)
		return rc;
	rc = apply_sample(&kept.diag);
	if (!rc)
		passed = first_passed(wire);
	/* A frame without extension headers has to match; otherwise the trial itself failed. */
	if (passed > 0)
		*limit = passed - 1;
	free(em_diag_take_kept(&kept));
	return rc;
}

/* In the child. */
static void find(void *out, const void *context)
{
	struct result *result = out;
	int wire = open_wire();

	(void)context;
	result->error = wire < 0 ? wire : find_on(wire, &result->limit);
	if (wire >= 0)
		close(wire);
}

int em_header_limit_find(uint32_t *limit, struct em_diag *diag)
{
	struct result result = {0};
	int rc = em_scratch_run_anyone(find, &result, sizeof(result), NULL);

	/*
	 * A process that may not create a namespace can still apply a policy, and a kernel that the
	 * nft backend refuses one for XDP.
	 */
	if (!rc && em_error_is_passing(result.error))
		rc = result.error;
	*limit = result.limit;
	if (!em_scratch_failed(rc))
		return 0;
	return em_diag_errno(diag, rc, NULL,
			     "cannot try how many IPv6 extension headers nf_tables follows");
}
