/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * moved - interfaces that have gone to another network namespace with the XDP program on them.
 *
 * What is at TC and in nf_tables the kernel takes off an interface that is moved, and an XDP
 * program it leaves there.
 */
#ifndef EM_MOVED_H
#define EM_MOVED_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EM_MOVED_MAX 16 /* that are told of at once */

struct em_moved {
	char netns[64]; /* the name of ip-netns(8), or a path in /proc */
	char interface[IF_NAMESIZE];
	uint32_t program; /* id */
	bool generic;
};

/*
 * Looks in the namespaces with a name or a process in them, but not in this one, for interfaces
 * with one of n XDP programs.  Returns how many are in *out, or -errno, unreported: -EPERM without
 * CAP_SYS_ADMIN.  Namespaces that this process may not enter are left out.
 */
int em_moved_find(struct em_moved out[EM_MOVED_MAX], const uint32_t *programs, size_t n);

/* The command that takes the program off, in text.  Returns text. */
const char *em_moved_remedy(const struct em_moved *moved, char *text, size_t size);

#endif
