/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * udp - a UDP header with another destination port.
 */
#ifndef EM_UDP_BPF_H
#define EM_UDP_BPF_H

#include <linux/udp.h>

#include <bpf/bpf_helpers.h>

/*
 * RFC 1624, equation 3.  The sum of a datagram cannot be 0 before the complement, so that 0xffff
 * is the only spelling of zero that comes out, as in csum_fold() of the kernel.
 */
static __always_inline void em_udp_redirect(struct udphdr *udp, __be16 port)
{
	__u32 sum;

	if (udp->check) {
		sum = (__u16)~udp->check + (__u16)~udp->dest + port;
		sum = (sum & 0xffff) + (sum >> 16);
		sum = (sum & 0xffff) + (sum >> 16);
		sum = (__u16)~sum;
		udp->check = sum ? sum : 0xffff;
	}
	udp->dest = port;
}

#endif
