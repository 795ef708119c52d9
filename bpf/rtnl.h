/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rtnl - changes of the XDP programs of several interfaces in one system call.
 *
 * All changes go to the kernel in one message buffer, which it works off before sendmsg() returns:
 * a process that is killed has made all of them or none.  libbpf makes one call per interface and
 * drops the kernel's explanation of a refusal (NLMSGERR_ATTR_MSG), which is kept here.
 */
#ifndef EM_RTNL_H
#define EM_RTNL_H

#include <stddef.h>
#include <stdint.h>

struct em_rtnl_xdp {
	unsigned int ifindex;
	uint32_t mode;	 /* XDP_FLAGS_DRV_MODE or XDP_FLAGS_SKB_MODE */
	int program;	 /* descriptor; -1: detach */
	int expected;	 /* descriptor of the program that must be there; -1: there must be none */
	int error;	 /* set: 0 or -errno */
	char message[96]; /* set: the kernel's explanation, or "" */
};

/*
 * Makes the changes in their order, each whether or not those before it succeeded.  Returns 0, the
 * first error of a change, or -errno of the socket.
 */
int em_rtnl_change_xdp(struct em_rtnl_xdp *changes, size_t n);

#endif
