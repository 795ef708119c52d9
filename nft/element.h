/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * element - elements of objects as netlink messages.
 */
#ifndef EM_NFT_ELEMENT_H
#define EM_NFT_ELEMENT_H

#include "nft/netlink.h"
#include "nft/object.h"

/*
 * Adds elements from index first on, as many as a message takes (of counters, each of which is a
 * message, as many as a batch should have).  Returns the index of the next one.  `id` is the number
 * of a verdict map in the batch; else 0.
 */
size_t em_element_add(struct em_batch *batch, const struct em_object *object, uint32_t id,
		      size_t first);

/* Elements as the kernel lists them: an interval has two, or three. */
uint32_t em_element_count(const struct em_object *object);

/* The key of an element, for a message that asks for it. */
void em_element_put_key(struct nlmsghdr *message, const struct em_object *object,
			const struct em_element *element);

#endif
