/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * rtnl - what is attached to interfaces: XDP programs, and filters and tcx programs at TC.
 *
 * All changes but those of tcx and of stubs go to the kernel in one batch, see nl.h.  libbpf makes
 * one call per interface and drops the kernel's explanation of a refusal.
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
	EM_RTNL_TCX_SET, /* put a tcx program before all others, or replace one */
	EM_RTNL_TCX_DEL,
	EM_RTNL_STUB_PUT,    /* put a program into a slot of a stub, or empty it; see stub.h */
	EM_RTNL_STUB_SWITCH, /* bring a slot into force */
};

struct em_rtnl_change {
	enum em_rtnl_kind kind;
	unsigned int ifindex;
	int program;	   /* descriptor; -1 with EM_RTNL_XDP: detach, EM_RTNL_STUB_PUT: empty */
	uint32_t mode;	   /* XDP: XDP_FLAGS_DRV_MODE or XDP_FLAGS_SKB_MODE */
	int expected;	   /* XDP: the program that must be there; -1: there must be none.
			      EM_RTNL_TCX_SET: the one to replace; -1: none.
			      EM_RTNL_STUB_…: the stub */
	bool unchecked;	   /* XDP: the kernel cannot check that; it is looked up just before */
	uint32_t slot;	   /* stub */
	const char *name;  /* filter: how it is listed */
	uint32_t handle;   /* filter */
	uint16_t priority; /* filter; 0: the kernel chooses one */
	bool egress;	   /* filter, tcx: else at ingress */
	int error;	   /* set: 0 or -errno */
	char message[96];  /* set: the kernel's explanation, or "" */
};

/*
 * Makes the changes in their order: those between two of tcx or stubs in one batch, each whether or
 * not those before it succeeded; behind a batch or another change that failed, none.  Returns 0 or
 * the first error.
 */
int em_rtnl_change(struct em_rtnl_change *changes, size_t n);

/* The XDP program of an interface. */
struct em_rtnl_xdp {
	uint32_t program; /* id; 0: there is none */
	bool generic;
};

/* Returns 0 or -errno. */
int em_rtnl_read_xdp(struct em_rtnl_xdp *out, unsigned int ifindex);

/* A filter or a tcx program. */
struct em_rtnl_filter {
	uint32_t program; /* id; 0: not a BPF filter */
	uint32_t handle;
	uint32_t chain; /* 0: that packets begin with */
	uint16_t priority;
	bool tcx; /* neither handle, nor chain, nor priority */
	bool egress;
};

struct em_rtnl_filters {
	struct em_rtnl_filter *all; /* owned */
	size_t n;
};

/*
 * The tcx programs and the filters of an interface, in the order in which packets meet them; those
 * at ingress first.  The filters of an ingress qdisc, which has no egress, are listed for both.
 * Without CAP_NET_ADMIN, tcx programs are left out.  *out is cleared with em_rtnl_clear_filters()
 * in any case.  Returns 0 or -errno.
 */
int em_rtnl_list_filters(struct em_rtnl_filters *out, unsigned int ifindex);
void em_rtnl_clear_filters(struct em_rtnl_filters *filters);

/* The qdisc of an interface that holds its ingress filters; a clsact one holds egress filters, too.
 */
enum em_rtnl_ingress { EM_RTNL_NO_INGRESS, EM_RTNL_INGRESS, EM_RTNL_CLSACT };

/* Which of them there is, or -errno. */
int em_rtnl_ingress(unsigned int ifindex);

/*
 * Whether its filters at ingress or egress are those of a block that interfaces may share (Linux
 * 4.16), which are not changed by way of an interface; or -errno.
 */
int em_rtnl_is_shared(unsigned int ifindex, bool egress);

#endif
