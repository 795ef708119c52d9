/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * split - ranges of numbers taken apart into ranges of bytes; see split.h.
 */
#include "nft/split.h"

static uint8_t byte_of(uint64_t value, unsigned int byte)
{
	return value >> byte * 8 & 0xff;
}

/*
 * Take the highest byte in which min and max differ. All values strictly between theirs are in the
 * range. With min's own value there, the numbers above min in a lower byte are in it; with max's,
 * the numbers below. Lower bytes that exclude nothing (0 in min, 0xff in max) need no box.
 */
size_t em_split_range(uint64_t min, uint64_t max, unsigned int length,
		      struct em_byte_range out[EM_SPLIT_RANGE_MAX])
{
	unsigned int top = length - 1, low = 0, high = 0;
	uint8_t first, last;
	size_t n = 0;

	while (top > 0 && byte_of(min, top) == byte_of(max, top))
		top--;
	first = byte_of(min, top);
	last = byte_of(max, top);
	while (low < top && byte_of(min, low) == 0)
		low++;
	while (high < top && byte_of(max, high) == 0xff)
		high++;
	for (unsigned int i = low; i < top; i++) {
		unsigned int from = byte_of(min, i) + (i > low);

		if (from <= 0xff)
			out[n++] = (struct em_byte_range){min, i, from, 0xff};
	}
	for (unsigned int i = high; i < top; i++) {
		int to = byte_of(max, i) - (i > high);

		if (to >= 0)
			out[n++] = (struct em_byte_range){max, i, 0, to};
	}
	if (low < top)
		first++;
	if (high < top)
		last--;
	if (first <= last)
		out[n++] = (struct em_byte_range){min, top, first, last};
	return n;
}
