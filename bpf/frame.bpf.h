/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * frame - reading from the frame of a hook's context, the same for XDP and TC.
 *
 * The program that includes this defines em_context, the type of its context, and em_read_rest(),
 * which reads what lies outside the linear part of a packet, or fails.  Offsets count from the first
 * byte of the frame.
 */
#ifndef EM_FRAME_BPF_H
#define EM_FRAME_BPF_H

#include <stdbool.h>

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "abi.h"

static __always_inline bool em_read_rest(em_context *context, __u64 offset, void *to, __u32 size);

/*
 * Copies `size` bytes, a constant.  The offset is 64 bits wide, and opaque to the compiler, so that
 * the register that is compared with the bound is the one that is added to the pointer: the form the
 * verifier can follow.
 */
static __always_inline bool em_read(em_context *context, __u64 offset, void *to, __u32 size)
{
	void *data_end = (void *)(long)context->data_end;
	void *data = (void *)(long)context->data;

	barrier_var(offset);
	if (offset > EM_ABI_OFFSET_MAX)
		return false;
	data += offset;
	if (data + size > data_end)
		return em_read_rest(context, offset, to, size);
	__builtin_memcpy(to, data, size);
	return true;
}

#endif
