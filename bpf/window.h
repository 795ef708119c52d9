/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * window - the values of a large array map, all at once: mapped where the kernel can do that (Linux
 * 5.5), otherwise a copy.
 *
 * Functions return 0 or -errno, unreported.
 */
#ifndef EM_WINDOW_H
#define EM_WINDOW_H

#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stddef.h>

struct em_window {
	void *values; /* one after the other; their sizes are multiples of 8 */
	size_t n;
	size_t size; /* of a value */
	int map;
	bool mapped;
	bool write;
};

/* Before the map is made: lets it be mapped where that is possible. */
int em_window_allow(struct bpf_map *map);

/* To write, of a map that has only zeros so far, or to read. */
int em_window_open(struct em_window *out, int map, bool write);

/* What was written is in the map then. */
int em_window_close(struct em_window *window);

#endif
