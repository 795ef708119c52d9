/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * fuzz - what the harnesses have in common.  Each defines LLVMFuzzerTestOneInput() of libFuzzer,
 * and ends by abort() where something that always holds does not.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/diag.h"
#include "policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_PATH_MAX 32

/* A file with these bytes, without a name: its path.  The caller closes the descriptor. */
int fuzz_file(const void *data, size_t size, char path[FUZZ_PATH_MAX]);

/* Messages go nowhere. */
void fuzz_diag(struct em_diag *diag);

/* Reads a configuration; NULL where it has a mistake. */
struct em_policy *fuzz_policy(const void *text, size_t size);

/* Some policies of which every field of a datagram decides something; they last. */
#define FUZZ_POLICIES 4
const struct em_policy *fuzz_known_policy(uint8_t choice);

/* The policy as a configuration; the caller frees it. */
char *fuzz_write(const struct em_policy *policy, size_t *size);

#endif
