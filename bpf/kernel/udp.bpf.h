/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * udp - a UDP header with another port.
 */
#ifndef EM_UDP_BPF_H
#define EM_UDP_BPF_H

#include <stdbool.h>

#include <linux/udp.h>

#include <bpf/bpf_helpers.h>

/*
 * Sets the source or the destination port; `source` is a constant.
 *
 * RFC 1624, equation 3. The sum of a datagram cannot be 0 before the complement, so that 0xffff is
 * the only spelling of zero that comes out, as in csum_fold() of the kernel.
 */
static __always_inline void em_udp_set_port(struct udphdr *udp, bool source, __be16 port)
{
	__be16 before = source ? udp->source : udp->dest;
	__u32 sum;

	if (udp->check) {
		sum = (__u16)~udp->check + (__u16)~before + port;
		sum = (sum & 0xffff) + (sum >> 16);
		sum = (sum & 0xffff) + (sum >> 16);
		sum = (__u16)~sum;
		udp->check = sum ? sum : 0xffff;
	}
	if (source)
		udp->source = port;
	else
		udp->dest = port;
}

#endif
