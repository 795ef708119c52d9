/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "host/moved.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "host/capability.h"
#include "host/nl.h"
#include "host/scratch.h"

#define NAMED "/run/netns"
#define OURS  "/proc/self/ns/net"

/* The task of the child. */
struct search {
	const uint32_t *programs;
	size_t n_programs;
	ino_t ours;
};

/* The result of the child. */
struct result {
	struct em_moved found[EM_MOVED_MAX];
	size_t n_found;
	bool hidden;
	int error;
};

/* In the child. */
struct walk {
	const struct search *search;
	struct result *result;
	ino_t *seen; /* namespaces */
	size_t n_seen;
	const char *netns; /* the one that it is in */
};

static bool is_wanted(const struct search *search, uint32_t program)
{
	for (size_t i = 0; program && i < search->n_programs; i++)
		if (search->programs[i] == program)
			return true;
	return false;
}

static int note_link(void *context, const struct nlmsghdr *header)
{
	const struct walk *walk = context;
	const size_t fixed = sizeof(struct ifinfomsg);
	const struct nlattr *xdp = em_nl_find(header, fixed, IFLA_XDP);
	const char *name = em_nl_get_text(em_nl_find(header, fixed, IFLA_IFNAME));
	uint32_t program = xdp ? em_nl_get_u32(em_nl_find_in(xdp, IFLA_XDP_PROG_ID)) : 0;
	struct result *result = walk->result;
	struct em_moved *moved = &result->found[result->n_found];

	if (!is_wanted(walk->search, program) || result->n_found == EM_MOVED_MAX)
		return 0;
	*moved = (struct em_moved){.program = program,
				   .generic = em_nl_find_in(xdp, IFLA_XDP_SKB_PROG_ID)};
	snprintf(moved->netns, sizeof(moved->netns), "%s", walk->netns);
	snprintf(moved->interface, sizeof(moved->interface), "%s", name);
	result->n_found++;
	return 0;
}

/* Returns 1 if the namespace is this one, or was seen before. */
static int is_known(struct walk *walk, ino_t inode)
{
	ino_t *grown;

	for (size_t i = 0; i < walk->n_seen; i++)
		if (walk->seen[i] == inode)
			return 1;
	grown = reallocarray(walk->seen, walk->n_seen + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	walk->seen = grown;
	grown[walk->n_seen++] = inode;
	return inode == walk->search->ours;
}

/*
 * Some containers have processes that nobody in them may look into.  What is in there is theirs.
 */
static bool may_see_all(void)
{
	const uint64_t needed = 1ULL << CAP_SYS_ADMIN | 1ULL << CAP_SYS_PTRACE;

	return (em_capability_effective() & needed) == needed;
}

/* Returns -errno; 0: it is gone, or the walk notes that it is hidden. */
static int skip(struct walk *walk, int error)
{
	switch (error) {
	case ENOENT:
	case ESRCH:
	case ENOTDIR:
	case ENXIO:
		return 0;
	case EPERM:
	case EACCES:
		walk->result->hidden |= !may_see_all();
		return 0;
	default:
		return -error;
	}
}

/* /proc says EACCES, too, while a process comes to its end. */
static int open_netns(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 && errno == EACCES ? open(path, O_RDONLY | O_CLOEXEC) : fd;
}

static int visit(struct walk *walk, const char *path, const char *name)
{
	const struct ifinfomsg any = {.ifi_family = AF_UNSPEC};
	int fd __attribute__((cleanup(em_closep))) = open_netns(path), rc;
	struct em_nl_message message;
	struct stat status;

	if (fd < 0)
		return skip(walk, errno);
	if (fstat(fd, &status))
		return -errno;
	rc = is_known(walk, status.st_ino);
	if (rc)
		return rc < 0 ? rc : 0;
	/* A file in /run/netns may be none. */
	if (setns(fd, CLONE_NEWNET))
		return errno == EINVAL ? 0 : skip(walk, errno);
	walk->netns = name;
	return em_nl_ask(NETLINK_ROUTE,
			 em_nl_begin(&message, RTM_GETLINK, NLM_F_DUMP, &any, sizeof(any)),
			 note_link, walk);
}

/* Returns NULL at the end, where errno is 0, and on an error. */
static const struct dirent *next_entry(DIR *dir)
{
	errno = 0;
	return readdir(dir);
}

/* Namespaces with a name come first: users know them by it. */
static int visit_named(struct walk *walk)
{
	DIR *dir __attribute__((cleanup(em_closedirp))) = opendir(NAMED);
	const struct dirent *entry;
	char path[PATH_MAX];
	int rc = 0;

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while (!rc && (entry = next_entry(dir))) {
		snprintf(path, sizeof(path), NAMED "/%s", entry->d_name);
		if (entry->d_name[0] != '.')
			rc = visit(walk, path, entry->d_name);
	}
	return rc ? rc : -errno;
}

static int visit_processes(struct walk *walk)
{
	DIR *dir __attribute__((cleanup(em_closedirp))) = opendir("/proc");
	const struct dirent *entry;
	char path[PATH_MAX];
	int rc = 0;

	if (!dir)
		return -errno;
	while (!rc && (entry = next_entry(dir))) {
		snprintf(path, sizeof(path), "/proc/%s/ns/net", entry->d_name);
		if (isdigit((unsigned char)entry->d_name[0]))
			rc = visit(walk, path, path);
	}
	return rc ? rc : -errno;
}

static void run(void *result, const void *context)
{
	struct walk walk = {.search = context, .result = result};

	walk.result->error = visit_named(&walk);
	if (!walk.result->error)
		walk.result->error = visit_processes(&walk);
	free(walk.seen);
}

int em_moved_find(struct em_moved out[EM_MOVED_MAX], const uint32_t *programs, size_t n,
		  bool *hidden)
{
	struct search search = {.programs = programs, .n_programs = n};
	struct result result = {0};
	struct stat status;
	int rc;

	if (stat(OURS, &status))
		return -errno;
	search.ours = status.st_ino;
	rc = em_scratch_run(run, &result, sizeof(result), &search);
	*hidden = rc == -EPERM || result.hidden;
	if (rc == -EPERM)
		return 0;
	if (!rc)
		rc = result.error;
	if (rc)
		return rc;
	memcpy(out, result.found, sizeof(result.found));
	return result.n_found;
}

const char *em_moved_remedy(const struct em_moved *moved, char *text, size_t size)
{
	const char *mode = moved->generic ? "xdpgeneric" : "xdpdrv";

	if (moved->netns[0] == '/')
		snprintf(text, size, "nsenter --net=%s ip link set dev %s %s off", moved->netns,
			 moved->interface, mode);
	else
		snprintf(text, size, "ip -n %s link set dev %s %s off", moved->netns,
			 moved->interface, mode);
	return text;
}
