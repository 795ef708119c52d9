/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "bpf/lost.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

static void freep(void **memory)
{
	free(*memory);
}

static void btf_freep(struct btf **btf)
{
	btf__free(*btf);
}

static bool has_global_function(const struct btf *btf)
{
	for (uint32_t id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);

		if (btf_is_func(type) && btf_vlen(type) == BTF_FUNC_GLOBAL)
			return true;
	}
	return false;
}

/* The BTF as libbpf has loaded it; NULL: none, or it cannot be read. */
static struct btf *read_loaded(const struct bpf_object *object)
{
	void *data __attribute__((cleanup(freep))) = NULL;
	struct bpf_btf_info info = {0};
	uint32_t length = sizeof(info);
	int fd = bpf_object__btf_fd(object);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &length))
		return NULL;
	data = malloc(info.btf_size);
	if (!data)
		return NULL;
	info = (struct bpf_btf_info){.btf = (uintptr_t)data, .btf_size = info.btf_size};
	length = sizeof(info);
	return bpf_obj_get_info_by_fd(fd, &info, &length) ? NULL : btf__new(data, info.btf_size);
}

/* Asks the kernel itself, with a function that returns nothing. */
static bool kernel_takes_global_functions(void)
{
	struct btf *btf __attribute__((cleanup(btf_freep))) = btf__new_empty();
	const void *data;
	uint32_t size;
	int fd, proto = btf ? btf__add_func_proto(btf, 0) : -ENOMEM;

	if (proto < 0 || btf__add_func(btf, "f", BTF_FUNC_GLOBAL, proto) < 0)
		return false;
	data = btf__raw_data(btf, &size);
	fd = data ? bpf_btf_load(data, size, NULL) : -ENOMEM;
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

bool em_lost_functions(const struct bpf_object *object)
{
	struct btf *loaded __attribute__((cleanup(btf_freep))) = read_loaded(object);

	/* Without BTF there are no global functions, either. */
	if (!loaded && bpf_object__btf_fd(object) >= 0)
		return false;
	return !(loaded && has_global_function(loaded)) && kernel_takes_global_functions();
}
