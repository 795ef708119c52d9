/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * constants - what a program that is in the kernel was loaded with.
 */
#ifndef EM_CONSTANTS_H
#define EM_CONSTANTS_H

#include "bpf/abi.h"

/*
 * The constants of a program.  Of a version that is not EM_ABI_VERSION, what is not kept is 0: all
 * behind EM_ABI_KEPT_CONSTANTS, or, with another EM_ABI_KEPT, all but the version.  Returns 0,
 * -ENOENT where it has none, or -errno.
 */
int em_constants_read(int program, struct em_abi_constants *constants);

#endif
