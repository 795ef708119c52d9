/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * userdata - what the kernel keeps with sets and their elements for nft, and does not read itself:
 * a row of attributes, each a type, a length in bytes, and the value; some hold attributes.
 *
 * libnftnl has these types and writes such attributes since 1.2.0; this is the same with every
 * version of it. None of the functions can fail: an attribute for which there is no space is left
 * out.
 */
#ifndef EM_NFT_USERDATA_H
#define EM_NFT_USERDATA_H

#include <stddef.h>
#include <stdint.h>

/* Of a set; include/libnftnl/udata.h. */
enum em_userdata_set {
	EM_USERDATA_KEY_ORDER = 0,
	EM_USERDATA_DATA_ORDER = 1,
	EM_USERDATA_KEY_TYPEOF = 3,
	EM_USERDATA_DATA_TYPEOF = 4,
	EM_USERDATA_DATA_INTERVAL = 6,
};

/* The most that the kernel keeps. */
#define EM_USERDATA_MAX 256

/* Zeroed at first. */
struct em_userdata {
	uint8_t bytes[EM_USERDATA_MAX];
	size_t length;
};

/* Adds a number, in the byte order of the host. */
void em_userdata_put_u32(struct em_userdata *userdata, uint8_t type, uint32_t value);

/*
 * Begins an attribute that holds the attributes which are added until em_userdata_close() is called
 * with what this returns.
 */
size_t em_userdata_open(struct em_userdata *userdata, uint8_t type);
void em_userdata_close(struct em_userdata *userdata, size_t start);

#endif
