/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attr - finding an attribute in a rtnetlink message.
 *
 * (Messages of nf_tables are read with libmnl, in nft/.)
 */
#ifndef EM_ATTR_H
#define EM_ATTR_H

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

/* The first attribute of a type in length bytes of attributes, checked to lie within; or NULL. */
const struct nlattr *em_attr_find(const void *attrs, size_t length, uint16_t type);

/* The same in a nest. */
const struct nlattr *em_attr_find_in(const struct nlattr *nest, uint16_t type);

#endif
