/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * expected - a number that the kernel keeps with each rule and each set, in their user data: the
 * number of rules that the chain was made with, or of elements of the set.
 *
 * A later run sees by it that some are gone, without knowing the policy. nft ignores user data that
 * it does not know, and does not keep it when a listing is loaded.
 */
#ifndef EM_NFT_EXPECTED_H
#define EM_NFT_EXPECTED_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of it. */
#define EM_EXPECTED_SIZE 6
/* No such number; more than there can be. */
#define EM_EXPECTED_NONE UINT32_MAX
/* Of a set whose elements come and go. */
#define EM_EXPECTED_ANY (UINT32_MAX - 1)

void em_expected_write(uint8_t userdata[EM_EXPECTED_SIZE], uint32_t n);

/* Finds it in what the kernel has kept; EM_EXPECTED_NONE where it is not there. */
uint32_t em_expected_read(const void *userdata, size_t length);

/* Its type, among those of libnftnl/udata.h. */
#define EM_EXPECTED_TYPE 0x65

#endif
