/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * lost - features of the kernel that libbpf takes for missing.
 *
 * libbpf tries each feature of the kernel once, and remembers any failure of the try as "not
 * supported", for as long as the process lives.  A call that failed for want of memory or of
 * descriptors then looks like an old kernel.
 */
#ifndef EM_BPF_LOST_H
#define EM_BPF_LOST_H

#include <stdbool.h>

struct bpf_object;

/*
 * Whether libbpf has loaded the object without its global functions, or with these made static,
 * although the kernel knows global functions (Linux 5.6).  The verifier then follows them anew at
 * each call, and may find the program too large.
 */
bool em_lost_functions(const struct bpf_object *object);

#endif
