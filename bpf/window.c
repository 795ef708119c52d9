/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "bpf/window.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* 1: the kernel takes maps that can be mapped; 0: it does not know them; or -errno. */
static int try_mappable(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "entitymux_try", 4, 8, 1, &options);

	if (fd == -EINVAL)
		return 0;
	if (fd < 0)
		return fd;
	close(fd);
	return 1;
}

int em_window_allow(struct bpf_map *map)
{
	int rc = try_mappable();

	if (rc <= 0)
		return rc;
	return bpf_map__set_map_flags(map, bpf_map__map_flags(map) | BPF_F_MMAPABLE);
}

static int map_values(struct em_window *window)
{
	void *values = mmap(NULL, window->n * window->size,
			    window->write ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED,
			    window->map, 0);

	if (values == MAP_FAILED)
		return -errno;
	window->values = values;
	return 0;
}

static int read_values(struct em_window *window)
{
	int rc = 0;

	for (uint32_t i = 0; !rc && i < window->n; i++)
		rc = bpf_map_lookup_elem(window->map, &i,
					 (char *)window->values + i * window->size);
	return rc;
}

static bool is_zero(const char *value, size_t size)
{
	return !value[0] && !memcmp(value, value + 1, size - 1);
}

static int write_values(const struct em_window *window)
{
	int rc = 0;

	for (uint32_t i = 0; !rc && i < window->n; i++) {
		const char *value = (const char *)window->values + i * window->size;

		if (!is_zero(value, window->size))
			rc = bpf_map_update_elem(window->map, &i, value, BPF_ANY);
	}
	return rc;
}

static int copy_values(struct em_window *window)
{
	int rc;

	window->values = calloc(window->n, window->size);
	if (!window->values)
		return -ENOMEM;
	rc = window->write ? 0 : read_values(window);
	if (rc)
		free(window->values);
	return rc;
}

int em_window_open(struct em_window *out, int map, bool write)
{
	struct bpf_map_info info = {0};
	uint32_t length = sizeof(info);
	int rc = bpf_obj_get_info_by_fd(map, &info, &length);

	if (rc)
		return rc;
	*out = (struct em_window){.n = info.max_entries,
				  .size = info.value_size,
				  .map = map,
				  .mapped = info.map_flags & BPF_F_MMAPABLE,
				  .write = write};
	return out->mapped ? map_values(out) : copy_values(out);
}

int em_window_close(struct em_window *window)
{
	int rc = 0;

	if (window->mapped)
		return munmap(window->values, window->n * window->size) ? -errno : 0;
	if (window->write)
		rc = write_values(window);
	free(window->values);
	return rc;
}
