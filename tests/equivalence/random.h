/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * random - numbers that are the same for the same seed, on every machine and with every C library.
 */
#ifndef EQUIVALENCE_RANDOM_H
#define EQUIVALENCE_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random {
	uint64_t state;
};

static inline uint64_t random_bits(struct random *random)
{
	/* splitmix64, which takes any seed. */
	uint64_t z = random->state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* From 0 to n - 1; n is small enough for the bias not to matter. */
static inline uint32_t random_below(struct random *random, uint32_t n)
{
	return (uint32_t)((random_bits(random) >> 32) * n >> 32);
}

static inline int random_between(struct random *random, int first, int last)
{
	return first + (int)random_below(random, (uint32_t)(last - first + 1));
}

static inline bool random_chance(struct random *random, unsigned int percent)
{
	return random_below(random, 100) < percent;
}

#define random_pick(random, array)                                                                 \
	((array)[random_below((random), sizeof(array) / sizeof((array)[0]))])

#endif
