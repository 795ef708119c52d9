/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * rtnl - what is attached to interfaces: XDP programs, and filters at TC.
 *
 * All changes go to the kernel in one batch, see nl.h.  libbpf makes one call per interface and
 * drops the kernel's explanation of a refusal.
 */
#ifndef EM_RTNL_H
#define EM_RTNL_H

#include <linux/if_link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EM_RTNL_LOOPBACK 1 /* the index of the loopback interface of every network namespace */

enum em_rtnl_kind {
	EM_RTNL_XDP,	    /* attach, replace or detach an XDP program */
	EM_RTNL_QDISC_ADD,  /* make a clsact qdisc */
	EM_RTNL_QDISC_DEL,  /* remove it, with all its filters */
	EM_RTNL_FILTER_SET, /* make or replace a BPF filter of it */
	EM_RTNL_FILTER_DEL,
};

struct em_rtnl_change {
	enum em_rtnl_kind kind;
	unsigned int ifindex;
	int program;	   /* descriptor; -1 with EM_RTNL_XDP: detach */
	uint32_t mode;	   /* XDP: XDP_FLAGS_DRV_MODE or XDP_FLAGS_SKB_MODE */
	int expected;	   /* XDP: the program that must be there; -1: there must be none */
	const char *name;  /* filter: how it is listed */
	uint32_t handle;   /* filter */
	uint16_t priority; /* filter; 0: before all others */
	bool egress;	   /* filter: else at ingress */
	int error;	   /* set: 0 or -errno */
	char message[96];  /* set: the kernel's explanation, or "" */
};

/*
 * Makes the changes in their order, each whether or not those before it succeeded.  Returns 0, the
 * first error of a change, or -errno of the socket.
 */
int em_rtnl_change(struct em_rtnl_change *changes, size_t n);

/* A BPF filter at TC ingress or egress. */
struct em_rtnl_filter {
	uint32_t program; /* id; 0: not a BPF filter */
	uint32_t handle;
	uint16_t priority;
	bool egress;
};

/*
 * Calls visit for each filter of an interface at TC ingress and egress; one that returns non-zero
 * ends it.  Returns that, 0, or -errno.
 */
int em_rtnl_each_filter(unsigned int ifindex,
			int (*visit)(void *context, const struct em_rtnl_filter *filter),
			void *context);

/* The qdisc of an interface that holds its ingress filters; a clsact one holds egress filters, too.
 */
enum em_rtnl_ingress { EM_RTNL_NO_INGRESS, EM_RTNL_INGRESS, EM_RTNL_CLSACT };

/* Which of them there is, or -errno. */
int em_rtnl_ingress(unsigned int ifindex);

#endif
