/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * program - a policy as loaded programs with filled maps, not attached to anything yet.
 *
 * There is one program per hook and kind of interface; all of a generation share their maps.
 */
#ifndef EM_PROGRAM_H
#define EM_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/backend.h"

enum em_program_kind {
	EM_PROGRAM_XDP,
	EM_PROGRAM_XDP_LOCAL, /* interfaces whose packets may come from this host, or are copied */
	EM_PROGRAM_TC_DEFERRED, /* and behind it, for unfinished checksums, and to make copies */
	EM_PROGRAM_TC,		/* interfaces with an Ethernet header */
	EM_PROGRAM_TC_IP,	/* interfaces on which the IP header comes first */
	EM_PROGRAM_REPLY,	/* what goes back, where there is an Ethernet header, */
	EM_PROGRAM_REPLY_IP,	/* and where not */
	EM_PROGRAM_KINDS
};

struct em_programs;

/*
 * Whether bpf(2) is there for us at all, tried with the simplest of maps and programs, and whether
 * what we attach could be found again.  Returns 0, em_outcome_lacks(), or -errno, reported.
 */
int em_programs_try(struct em_outcome *outcome, struct em_diag *diag);

/* The most programs that one interface gets. */
#define EM_PROGRAMS_EACH 3

/* The programs of an attachment of the plan, whose hook is chosen.  Returns how many. */
size_t em_programs_kinds(const struct em_plan *plan, size_t attachment,
			 enum em_program_kind kinds[EM_PROGRAMS_EACH]);

/* Where a program goes; a generic one of XDP is told by the attachment. */
bool em_programs_at_tc(enum em_program_kind kind);
bool em_programs_at_egress(enum em_program_kind kind);

struct em_program_options {
	bool fragments; /* those of XDP take frames in several buffers */
	bool trial;	/* only to see whether they load: their maps stay empty */
	bool bridge;	/* also those that have the whole decision at TC, see changes.h */
	unsigned int
		ipv6_header_limit; /* IPv6 extension headers that are walked, see header_limit.h */
	bool marks;		   /* what they have decided about, see marks.h */
	int flows; /* the table of conversations, see flows.h; -1: no listener has replies */
};

/*
 * Loads the policy as a generation, with the programs that the plan needs.  *out is freed with
 * em_programs_free().  Returns 0, em_outcome_lacks() where the verifier does not take programs
 * such as these, or the policy is larger than it admits, or -errno, reported.
 */
int em_programs_load(struct em_programs **out, const struct em_policy *policy,
		     const struct em_plan *plan, const struct em_program_options *options,
		     uint32_t generation, struct em_outcome *outcome, struct em_diag *diag);
void em_programs_free(struct em_programs *programs);

/*
 * Pins the programs where that is needed to find them again once they are attached; see pins.h.
 * Returns 0 or -errno, reported.
 */
int em_programs_pin(const struct em_programs *programs, struct em_diag *diag);

/* The descriptor to attach; owned by the programs. */
int em_programs_fd(const struct em_programs *programs, enum em_program_kind kind);

/* The name of the program in the kernel; and back: -1 where no program of ours has that name. */
const char *em_programs_name(enum em_program_kind kind);
int em_programs_parse(const char *name);

/* Whether the kernel has a program with this id.  Returns 1, 0 or -errno, unreported. */
int em_programs_has(uint32_t id);

/*
 * An XDP program that passes everything, to try whether an interface takes one, in one buffer or in
 * several, and to hold its place: a descriptor, the caller's to close, or -errno, unreported.
 */
int em_programs_placeholder(bool fragments);

#endif
