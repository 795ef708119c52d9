/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * object - the programs of XDP and of TC as they are built in, and as they are loaded.
 */
#ifndef EM_BPF_OBJECT_H
#define EM_BPF_OBJECT_H

#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stdint.h>

#include "bpf/abi.h"
#include "bpf/program.h"
#include "bpf/variant.h"

/* Bytes.  Before Linux 5.2 the most that there may be; there, a longer one is an error of its own.
 */
#define EM_OBJECTS_LOG ((16 << 20) - 1)

/* A number that differs from that of other versions of the programs. */
uint64_t em_objects_hash(void);

/* All zero: closed. */
struct em_objects {
	struct bpf_object *xdp; /* NULL: no such program is needed */
	struct bpf_object *tc;
	const struct bpf_object *loaded; /* the last one that was loaded, or was to be */
	struct em_abi_constants *in_map; /* to go into a map; NULL: they go elsewhere */
	char log[EM_OBJECTS_LOG];	 /* what the verifier has to say */
};

/*
 * Opens what the kinds need, which are bits.  All are closed with em_objects_close(), also after a
 * failure.  Returns 0 or -errno, unreported.
 */
int em_objects_open(struct em_objects *objects, enum em_variant variant, unsigned int kinds);
void em_objects_close(struct em_objects *objects);

/* These two come before loading, and return 0 or -errno, unreported. */
int em_objects_take_fragments(const struct em_objects *objects);
int em_objects_set_constants(struct em_objects *objects, const struct em_abi_constants *constants);

/* Returns 0 or -errno, unreported; see em_objects_reject(). */
int em_objects_load(struct em_objects *objects);

/* After loading.  Returns 0 or -errno, unreported. */
int em_objects_fill_constants(const struct em_objects *objects);

/* The object whose maps are made; those of the other one are the same. */
struct bpf_object *em_objects_first(const struct em_objects *objects);
struct bpf_program *em_objects_find(const struct em_objects *objects, enum em_program_kind kind);

/*
 * What an error of loading means: that a try of libbpf has failed, see lost.h; that the verifier
 * rejects a program; and then, that it gives up on it, and would take a smaller one.
 */
bool em_objects_have_failed_try(const struct em_objects *objects, int rc);
bool em_objects_reject(const struct em_objects *objects, int rc);
bool em_objects_too_large(const struct em_objects *objects, int rc);

/* The error, and the reason that the verifier gives. */
#define EM_OBJECTS_TEXT 200
void em_objects_describe(const struct em_objects *objects, int rc, char text[EM_OBJECTS_TEXT]);

#endif
