/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * moved - finds interfaces that were moved to another network namespace with our XDP program.
 *
 * When an interface is moved, the kernel removes TC programs and nf_tables hooks from it, but not
 * an XDP program.
 */
#ifndef EM_MOVED_H
#define EM_MOVED_H

#include <limits.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EM_MOVED_MAX 16 /* reported in one call */

struct em_moved {
	char netns[NAME_MAX + 1]; /* the name in ip-netns(8), or a path in /proc */
	char interface[IF_NAMESIZE];
	uint32_t program; /* id */
	bool generic;
};

/*
 * Looks for interfaces with one of n XDP programs in the other network namespaces that have a name
 * or a process.  *hidden: some of them this process may not look into, for which it needs
 * CAP_SYS_ADMIN and CAP_SYS_PTRACE.  Returns the number of interfaces in *out, or -errno,
 * unreported.
 */
int em_moved_find(struct em_moved out[EM_MOVED_MAX], const uint32_t *programs, size_t n,
		  bool *hidden);

/* Writes the command that detaches the program to text.  Returns text. */
const char *em_moved_remedy(const struct em_moved *moved, char *text, size_t size);

#endif
