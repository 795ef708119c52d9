/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * frame - reading from the frame of a hook's context, the same for XDP and TC.
 *
 * The program that includes this defines em_context, the type of its context, and em_read_rest(),
 * which reads what lies outside the linear part of a packet, or fails.  Offsets count from the
 * first byte of the frame.
 */
#ifndef EM_FRAME_BPF_H
#define EM_FRAME_BPF_H

#include <stdbool.h>

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/abi.h"

/*
 * The alignment that loads from a frame may assume. The default is 1, loads of single bytes;
 * configure sets more where the architecture allows it.
 */
#ifndef EM_FRAME_ALIGNMENT
#define EM_FRAME_ALIGNMENT 1
#endif

#define EM_READ_MAX 40

static __always_inline bool em_read_rest(em_context *context, __u64 offset, void *to, __u32 size);

/*
 * Copies `size` bytes, a constant up to EM_READ_MAX.  No helper gets to know where they go, so that
 * the compiler keeps those that are used in registers and loads no others.  The offset is 64 bits
 * wide, and opaque to the compiler, so that the register that is compared with the bound is the one
 * that is added to the pointer: the form the verifier can follow.
 */
static __always_inline bool em_read(em_context *context, __u64 offset, void *to, __u32 size)
{
	void *data_end = (void *)(long)context->data_end;
	void *data = (void *)(long)context->data;
	__u8 rest[EM_READ_MAX] __attribute__((aligned(8)));

	barrier_var(offset);
	if (offset > EM_ABI_OFFSET_MAX)
		return false;
	data += offset;
	if (data + size > data_end) {
		if (!em_read_rest(context, offset, rest, size))
			return false;
		__builtin_memcpy(to, rest, size);
		return true;
	}
	__builtin_memcpy(to, __builtin_assume_aligned(data, EM_FRAME_ALIGNMENT), size);
	return true;
}

#endif
