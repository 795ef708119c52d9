/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * netns - which network namespace this process is in.
 *
 * What we keep for a namespace is in a folder that has its inode number in the name.  When a
 * namespace is gone its number is given to another one, while the folder stays: the cookie and the
 * boot tell them apart.
 */
#ifndef EM_NETNS_H
#define EM_NETNS_H

#include <limits.h>
#include <stdint.h>

#define EM_NETNS_PREFIX "net-" /* of the name of a folder */

struct em_netns {
	uint64_t cookie; /* no other one since the boot has it; 0: unknown, before Linux 5.14 */
	char boot[37];	 /* the boot's UUID */
};

/* Of this process.  Returns 0 or -errno, unreported; then *out is untouched. */
int em_netns_read(struct em_netns *out);

/* Writes the path of this namespace's folder, above/net-INODE.  Returns 0 or -errno, unreported. */
int em_netns_folder(char path[PATH_MAX], const char *above);

#endif
