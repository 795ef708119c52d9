/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * expected - a number that the kernel keeps with each rule and each set, in the data that it keeps
 * for programs: how many rules the chain of the rule was made with, or how many elements the set.
 *
 * By it, whoever looks later sees that some are gone, without knowing the policy.  nft passes over
 * what it does not know, and does not keep it when a listing is loaded.
 */
#ifndef EM_NFT_EXPECTED_H
#define EM_NFT_EXPECTED_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of it. */
#define EM_EXPECTED_SIZE 6
/* No such number; more than there can be. */
#define EM_EXPECTED_NONE UINT32_MAX

void em_expected_write(uint8_t userdata[EM_EXPECTED_SIZE], uint32_t n);

/* Finds it in what the kernel has kept; EM_EXPECTED_NONE where it is not there. */
uint32_t em_expected_read(const void *userdata, size_t length);

/* Its type, among those of libnftnl/udata.h. */
#define EM_EXPECTED_TYPE 0x65

#endif
