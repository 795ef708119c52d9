/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * attached - our programs, found again through the interfaces they are attached to, and their maps.
 *
 * Programs that are attached by netlink live without a pin. A pin is needed only to find them
 * without CAP_SYS_ADMIN; see pins.h.
 */
#ifndef EM_ATTACHED_H
#define EM_ATTACHED_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/abi.h"
#include "bpf/rtnl.h"
#include "bpf/stub.h"
#include "engine/backend.h"

/*
 * The handle of our filters says whether the clsact qdisc they are on is ours as well. So whoever
 * removes the last of them knows whether to remove the qdisc.
 */
#define EM_TC_HANDLE_SHARED 0xe17a0001
#define EM_TC_HANDLE_OWNER  0xe17a0002

#define EM_ATTACHED_TEXT 80 /* to describe a filter */

/* One program of ours on an interface. */
struct em_attached {
	char interface[IF_NAMESIZE];
	unsigned int ifindex;
	enum em_hook hook; /* EM_HOOK_XDP_… and EM_HOOK_TC_… */
	int kind;	   /* enum em_program_kind; -1: a placeholder */
	int fd;		   /* whoever gets the struct closes it, with em_attached_close() */
	int stub; /* XDP: the descriptor of the stub that jumps to it, see stub.h; -1: none does */
	struct em_stub_state jumps; /* of that stub.  An empty one is a placeholder */
	uint32_t generation; /* 0: a placeholder, or of a version that keeps nothing for us */
	size_t n_replies;    /* interfaces that have EM_HOOK_TC_EGRESS in its generation */
	bool tcx;	     /* TC: a tcx program, else a filter: */
	uint32_t handle;
	uint16_t priority;
	/* TC: what of somebody else's packets meet before it, for a person; "": nothing */
	char front[EM_ATTACHED_TEXT];
};

/* The XDP program of an interface, ours or not. */
struct em_xdp_seen {
	uint32_t id;   /* 0: there is none */
	char name[16]; /* as far as the kernel keeps it */
	bool ours;
	bool stub;	   /* ours: a stub */
	bool fragments;	   /* ours: takes frames in several buffers */
	enum em_hook hook; /* EM_HOOK_XDP_… */
};
int em_attached_see_xdp(struct em_xdp_seen *out, unsigned int ifindex);

void em_attached_close(const struct em_attached *attached);

/* XDP_FLAGS_… of a hook at XDP. */
uint32_t em_attached_mode(enum em_hook hook);

/*
 * Calls visit for each program of ours on each interface of this namespace; visit owns its
 * descriptors.  Stops at the first error, reports and returns it.  A kernel without bpf(2) has
 * none; those that this process may not look at are left out.
 */
int em_attached_each(int (*visit)(void *context, const struct em_attached *attached), void *context,
		     struct em_diag *diag);

/* Whether something is attached that may be ours, but this process may not look; or -errno,
 * reported. */
int em_attached_any_hidden(struct em_diag *diag);

/*
 * A program of a generation (0: of the newest) that sorts: *program is the caller's to close, or -1
 * where there is none.  Returns 0 or -errno, reported.
 */
int em_attached_find(int *program, uint32_t generation, struct em_diag *diag);

/*
 * Removes the pins of programs that are attached to no interface (any more).  Returns 0 or -errno,
 * reported.
 */
int em_attached_unpin_others(struct em_diag *diag);

/* Whether an interface has TC filters besides ours; or -errno. */
int em_attached_has_others(unsigned int ifindex);

/*
 * Whether a program is ours, or -errno; and its name, as far as the kernel keeps and tells it.  One
 * that this process may not look at is not.
 */
int em_attached_is_ours(uint32_t program, char name[16]);

/* "TC filter at ingress, priority 1: BPF program, id 7, its_name"; the name may be "". */
void em_attached_describe(char text[EM_ATTACHED_TEXT], const struct em_rtnl_filter *filter,
			  const char *name);

/* The map of a program whose name ends in `name`; a descriptor or -errno. */
int em_attached_open_map(int program, const char *name);

#endif
