/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * netns - identifies the network namespace of this process.
 *
 * The state of a namespace is in a folder named by its inode number.  The kernel reuses the number
 * when the namespace is gone, while the folder stays.  The cookie and the boot tell the namespaces
 * apart.
 */
#ifndef EM_NETNS_H
#define EM_NETNS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#define EM_NETNS_PREFIX "net-" /* of the name of a folder */

struct em_netns {
	uint64_t cookie; /* unique since boot; 0: unknown, before Linux 5.14 */
	char boot[37];	 /* the boot's UUID */
};

/*
 * Identifies the namespace of this process.  Returns 0 or -errno, unreported; then *out is
 * unchanged.
 */
int em_netns_read(struct em_netns *out);

/*
 * Whether the namespace with this cookie and inode number, of this boot, is gone for certain.  Only
 * Linux 6.18 and later can tell, and only root of the initial user and process namespaces.
 */
bool em_netns_is_gone(uint64_t cookie, uint32_t inode);

/* The inode number of the namespace of this process.  Returns 0 or -errno, unreported. */
int em_netns_inode(uint32_t *out);

/* Writes the path of this namespace's folder, above/net-INODE.  Returns 0 or -errno, unreported. */
int em_netns_folder(char path[PATH_MAX], const char *above);

#endif
