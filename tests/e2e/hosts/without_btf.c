/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * without_btf - entitymux as on a kernel before 5.6, or without BTF of its own.
 *
 * Linked with --wrap: it rejects programs that need constants in a map, or global functions, and
 * has no operations on many elements of a map.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>

int __real_bpf_object__load(struct bpf_object *object);
__attribute__((used)) int __wrap_bpf_object__load(struct bpf_object *object);
__attribute__((used)) int __wrap_bpf_map_lookup_batch(int fd, void *in_batch, void *out_batch,
						      void *keys, void *values, __u32 *count,
						      const struct bpf_map_batch_opts *opts);

int __wrap_bpf_object__load(struct bpf_object *object)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object)
	{
		if (bpf_map__is_internal(map))
			return -EINVAL;
	}
	return __real_bpf_object__load(object);
}

int __wrap_bpf_map_lookup_batch(int fd, void *in_batch, void *out_batch, void *keys, void *values,
				__u32 *count, const struct bpf_map_batch_opts *opts)
{
	(void)fd;
	(void)in_batch;
	(void)out_batch;
	(void)keys;
	(void)values;
	(void)count;
	(void)opts;
	return -EINVAL;
}
