/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * attribute - netlink attributes as they were sent, compared with those that the kernel has.
 */
#ifndef EM_NFT_ATTRIBUTE_H
#define EM_NFT_ATTRIBUTE_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Attributes one behind the other, of a message or in a nest; not owned. */
struct em_row {
	const void *start;
	size_t length; /* bytes */
};

struct em_row em_row_of(const struct nlmsghdr *message);
/* NULL: an empty one. */
struct em_row em_row_in(const struct nlattr *nest);

/* The first attribute, or the one behind another; NULL: none. */
const struct nlattr *em_row_next(struct em_row row, const struct nlattr *before);
/* The n-th attribute of a type, from 0; NULL: there is none. */
const struct nlattr *em_row_find(struct em_row row, uint16_t type, size_t n);

/* Whether all that was sent is there, with the same value; kernels add attributes of their own. */
bool em_row_is_kept(struct em_row sent, struct em_row kept);

#endif
