/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * frame - reading from the frame of a hook's context, the same for XDP and TC.
 *
 * The program that includes this defines em_context, the type of its context, em_interface(), the
 * ifindex of where it runs, and em_read_rest(), which reads what lies outside the linear part of a
 * packet, or fails.  Offsets count from the first byte of the frame.
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
static __always_inline __u32 em_interface(em_context *context);

/*
 * Adds an offset up to EM_ABI_OFFSET_MAX to a pointer, or returns false.  The offset is 64 bits
 * wide, and opaque to the compiler, so that the register that is compared with the bound is the one
 * that is added to the pointer: the form the verifier can follow.  Older ones have to be sure.
 */
static __always_inline bool em_add_offset(void **data, __u64 offset)
{
#ifdef EM_PLAIN
	__u64 within;

	asm volatile("%0 = 0\n\t"
		     "if %2 > %3 goto +2\n\t"
		     "%1 += %2\n\t"
		     "%0 = 1"
		     : "=&r"(within), "+r"(*data)
		     : "r"(offset), "i"(EM_ABI_OFFSET_MAX));
	return within;
#else
	barrier_var(offset);
	if (offset > EM_ABI_OFFSET_MAX)
		return false;
	*data += offset;
	return true;
#endif
}

/*
 * Copies `size` bytes, a constant up to EM_READ_MAX.  No helper gets to know where they go, so that
 * the compiler keeps those that are used in registers and loads no others.
 */
static __always_inline bool em_read(em_context *context, __u64 offset, void *to, __u32 size)
{
#if defined(EM_UNROLLED) && defined(EM_REST_IS_ALL)
	if (offset > EM_ABI_OFFSET_MAX)
		return false;
	return em_read_rest(context, offset, to, size);
#else
	void *data_end, *data;
	__u8 rest[EM_READ_MAX] __attribute__((aligned(8)));

	/* Otherwise the compiler keeps the addresses of members, which verifiers refuse. */
	barrier_var(context);
	data_end = (void *)(long)context->data_end;
	data = (void *)(long)context->data;
	if (!em_add_offset(&data, offset))
		return false;
	if (data + size > data_end) {
		if (!em_read_rest(context, offset, rest, size))
			return false;
		__builtin_memcpy(to, rest, size);
		return true;
	}
	__builtin_memcpy(to, __builtin_assume_aligned(data, EM_FRAME_ALIGNMENT), size);
	return true;
#endif
}

/* The same in a loop, where each way of reading is one that older verifiers follow in each round.
 */
static __always_inline bool em_read_in_loop(em_context *context, __u64 offset, void *to, __u32 size)
{
#if defined(EM_PLAIN) && defined(EM_REST_IS_ALL)
	if (offset > EM_ABI_OFFSET_MAX)
		return false;
	return em_read_rest(context, offset, to, size);
#else
	return em_read(context, offset, to, size);
#endif
}

#endif
