/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * split - ranges of numbers taken apart into ranges of bytes, for numbers that the kernel cannot
 * compare in the order in which they are on the wire.
 */
#ifndef EM_NFT_SPLIT_H
#define EM_NFT_SPLIT_H

#include <stddef.h>
#include <stdint.h>

/*
 * The numbers min to max, of n bytes, as sets in which each byte has a range of its own: the bytes
 * above `byte` (0 is the least significant) are those of `value`, `byte` is from first to last, and
 * those below are any.  Whole ranges need one, others up to 2n-1.  Returns how many.
 */
struct em_byte_range {
	uint64_t value;
	uint8_t byte;
	uint8_t first;
	uint8_t last;
};

#define EM_SPLIT_RANGE_MAX 15

size_t em_split_range(uint64_t min, uint64_t max, unsigned int length,
		      struct em_byte_range out[EM_SPLIT_RANGE_MAX]);

#endif
