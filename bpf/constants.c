/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "bpf/constants.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpf/attached.h"

#define CONSTANTS	".rodata"
#define CONSTANTS_PLAIN "entitymux_const"

/* Of another version, what is not kept has another meaning, or all has. */
static void take_constants(struct em_abi_constants *constants, const void *value, size_t size)
{
	const size_t kept = EM_ABI_KEPT_CONSTANTS;
	struct em_abi_constants first = {0};

	*constants = (struct em_abi_constants){0};
	if (size < kept)
		return;
	memcpy(&first, value, kept);
	if (first.version == EM_ABI_VERSION && size >= sizeof(*constants))
		memcpy(constants, value, sizeof(*constants));
	else if (first.kept == EM_ABI_KEPT)
		memcpy(constants, &first, kept);
	else
		constants->version = first.version;
}

/* The kernel copies all of the value, whatever size another version has given it. */
static int read_value(int map, struct em_abi_constants *constants)
{
	const uint32_t zero = 0;
	struct bpf_map_info info = {0};
	uint32_t length = sizeof(info);
	int rc = bpf_obj_get_info_by_fd(map, &info, &length);
	void *value = rc ? NULL : malloc(info.value_size);

	if (rc || !value)
		return rc ? rc : -ENOMEM;
	rc = bpf_map_lookup_elem(map, &zero, value);
	if (!rc)
		take_constants(constants, value, info.value_size);
	free(value);
	return rc;
}

int em_constants_read(int program, struct em_abi_constants *constants)
{
	int fd = em_attached_open_map(program, CONSTANTS), rc;

	if (fd == -ENOENT)
		fd = em_attached_open_map(program, CONSTANTS_PLAIN);
	if (fd < 0)
		return fd;
	rc = read_value(fd, constants);
	close(fd);
	return rc;
}
