/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "table.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#include "inject.h"

#define CALL(name, ...)                                                                            \
	{                                                                                          \
		SYS_##name, #name,                                                                 \
		{                                                                                  \
			__VA_ARGS__                                                                \
		}                                                                                  \
	}

/* What the man page of each call names and may happen on a host that has run short of something. */
static const struct table_call table[] = {
	CALL(bpf, ENOMEM, EPERM, EMFILE, EINTR),
	CALL(socket, ENOMEM, EMFILE, ENOBUFS, EPERM),
	CALL(bind, ENOMEM, EPERM),
	CALL(getsockname, ENOBUFS),
	CALL(setsockopt, ENOMEM, EPERM),
	CALL(getsockopt, ENOMEM, EPERM),
	CALL(sendto, ENOBUFS, ENOMEM, EINTR, EPERM),
	CALL(sendmsg, ENOBUFS, ENOMEM, EINTR, EPERM),
	CALL(recvfrom, ENOBUFS, ENOMEM, EINTR),
	CALL(recvmsg, ENOBUFS, ENOMEM, EINTR),
	CALL(ioctl, ENOMEM, EPERM),
	CALL(openat, ENOMEM, EMFILE, EINTR, EIO),
	CALL(read, EIO, EINTR),
	CALL(pread64, EIO, EINTR),
	CALL(write, ENOSPC, EIO, EINTR),
	CALL(close, EIO),
	CALL(dup3, EMFILE),
	CALL(flock, EINTR, ENOLCK),
	CALL(getdents64, EIO, ENOMEM),
#ifdef SYS_newfstatat
	CALL(newfstatat, ENOMEM, EIO),
#else /* 32 bits */
	CALL(fstatat64, ENOMEM, EIO),
#endif
	CALL(fstat, ENOMEM, EIO),
	CALL(statfs, ENOMEM, EIO),
	CALL(faccessat, ENOMEM, EIO),
	CALL(mkdirat, ENOSPC, ENOMEM, EACCES),
	CALL(renameat, ENOSPC, EIO),
	CALL(unlinkat, EIO, ENOMEM, EPERM),
#ifdef SYS_mmap
	CALL(mmap, ENOMEM),
#else /* 32 bits */
	CALL(mmap2, ENOMEM),
#endif
	CALL(mprotect, ENOMEM),
	CALL(munmap, ENOMEM),
	CALL(clone, ENOMEM, EAGAIN),
	CALL(unshare, ENOMEM, ENOSPC, EPERM),
	CALL(wait4, EINTR),
	CALL(membarrier, EPERM),
	CALL(getrandom, EINTR),
	CALL(sysinfo, EFAULT),
	CALL(prlimit64, EPERM),
	CALL(lseek, EIO),
#ifdef SYS_faccessat2
	CALL(faccessat2, ENOMEM, EIO),
#endif
#ifdef SYS_open
	CALL(open, ENOMEM, EMFILE, EINTR, EIO),
	CALL(stat, ENOMEM, EIO),
	CALL(access, ENOMEM, EIO),
	CALL(mkdir, ENOSPC, ENOMEM, EACCES),
	CALL(rmdir, EIO, ENOMEM),
	CALL(unlink, EIO, ENOMEM, EPERM),
	CALL(rename, ENOSPC, EIO),
	CALL(readlink, ENOMEM, EIO),
#endif
};

#define CALLS (sizeof(table) / sizeof(table[0]))

#define ERROR(name)                                                                                \
	{                                                                                          \
		name, #name                                                                        \
	}

/* The C library has such a table, too, but only since glibc 2.32. */
static const struct {
	int error;
	const char *name;
} errors[] = {
	{INJECT_KILL, "KILL"}, ERROR(EACCES), ERROR(EAGAIN), ERROR(EFAULT),
	ERROR(EINTR),	       ERROR(EIO),    ERROR(EMFILE), ERROR(ENOBUFS),
	ERROR(ENOLCK),	       ERROR(ENOMEM), ERROR(ENOSPC), ERROR(EPERM),
};

#define ERRORS (sizeof(errors) / sizeof(errors[0]))

const struct table_call *table_find(int number)
{
	for (size_t i = 0; i < CALLS; i++)
		if (table[i].number == number)
			return &table[i];
	return NULL;
}

const struct table_call *table_find_name(const char *name)
{
	for (size_t i = 0; i < CALLS; i++)
		if (!strcmp(table[i].name, name))
			return &table[i];
	return NULL;
}

const char *table_error_name(int error)
{
	for (size_t i = 0; i < ERRORS; i++)
		if (errors[i].error == error)
			return errors[i].name;
	return NULL;
}

int table_error_parse(const char *name)
{
	for (size_t i = 0; i < ERRORS; i++)
		if (!strcmp(errors[i].name, name))
			return errors[i].error;
	return 0;
}
