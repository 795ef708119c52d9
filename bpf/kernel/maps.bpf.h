/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * maps - the constants and maps of a program.  Sizes of 1 are set to what the policy needs before
 * the program is loaded; abi.h describes keys and values.
 */
#ifndef EM_MAPS_BPF_H
#define EM_MAPS_BPF_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf/abi.h"

/*
 * Every program is built three times.  With EM_PLAIN, for kernels without what the first one needs:
 * BTF of the kernel, without which no global function takes the context, or constants that the
 * verifier reads from a map (Linux 5.5).  Then the constants are immediates, which the loader
 * writes into the instructions, and functions are inlined.
 *
 * With EM_UNROLLED as well, for kernels whose verifier takes no loops (before Linux 5.3) and at
 * most 4096 instructions.  Then loops have a most of rounds, see abi.h, and what newer kernels have
 * is left out: such a verifier looks at code behind constants if they have been on the stack.
 */
#ifdef EM_UNROLLED
#define EM_IS_UNROLLED	   true
#define EM_UNROLL	   _Pragma("clang loop unroll(full)")
#define em_within(i, most) ((i) < (most))
#else
#define EM_IS_UNROLLED false
#define EM_UNROLL
#define em_within(i, most) true
#endif

#ifdef EM_PLAIN

#define EM_FUNCTION static __always_inline

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct em_abi_constants);
} entitymux_const SEC(".maps");

/*
 * Not volatile: reading it twice is reading it once.  But a loop that is to be unrolled must not
 * end at the smaller of two numbers, of which the compiler knows one.
 */
#ifdef EM_UNROLLED
#define EM_ASM asm volatile
#else
#define EM_ASM asm
#endif

#define em_constant(member)                                                                        \
	({                                                                                         \
		__u64 em_value;                                                                    \
		EM_ASM("%0 = %1 ll"                                                                \
		       : "=r"(em_value)                                                            \
		       : "i"(EM_ABI_PLACEHOLDER(offsetof(struct em_abi_constants, member),         \
						sizeof(((struct em_abi_constants *)0)->member)))); \
		em_value;                                                                          \
	})

#else

#define EM_FUNCTION __noinline

/* The only variable of its section, so that it is found at its beginning. */
const volatile struct em_abi_constants em_constants;

#define em_constant(member) (em_constants.member)

#endif

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32); /* slot */
	__type(value, struct em_abi_claim);
} entitymux_claim SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct em_abi_source);
	__type(value, __u32); /* unused */
} entitymux_src SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct em_abi_condition);
} entitymux_step SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct em_abi_format);
} entitymux_fmt SEC(".maps");

/* Which slot a tag may be in: pilots of several buckets each. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} entitymux_pilot SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32); /* slot */
	__type(value, struct em_abi_short_entity);
} entitymux_tag SEC(".maps");

/* Instead of it, with has_long_tags. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32); /* slot */
	__type(value, struct em_abi_entity);
} entitymux_ltag SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct em_abi_interval);
} entitymux_ival SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32); /* listener */
	__type(value, struct em_abi_listener_count);
} entitymux_lcnt SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32); /* see em_abi_shards */
	__type(value, struct em_abi_entity_count);
} entitymux_ecnt SEC(".maps");

/* With has_copies: how many of an entity's datagrams were copied, beside entitymux_ecnt. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} entitymux_ccnt SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct em_abi_copies);
} entitymux_copy SEC(".maps");

/* The tags seen lately that no entity has. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct em_abi_unknown_key);
	__type(value, struct em_abi_unknown);
} entitymux_unk SEC(".maps");

/* Copies of packets, for each CPU where somebody reads them; see sample.bpf.h. */
struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} entitymux_smp SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct em_abi_sampled);
} entitymux_smpd SEC(".maps");

/* Outlives its generation: the next one goes on with it. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct em_abi_flow_key);
	__type(value, struct em_abi_flow);
} entitymux_flow SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct em_abi_noted);
} entitymux_noted SEC(".maps");

/* The ports that answers come from, as bits of 64 ports each. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} entitymux_port SEC(".maps");

/* Whether some datagram is copied to other ports; the unrolled ones know no copies. */
#define em_has_copies() (!EM_IS_UNROLLED && em_constant(has_copies))

/* An id is any number.  NULL only where the verifier has to be told so. */
static __always_inline const volatile struct em_abi_listener *em_get_listener(__u64 id)
{
#ifdef EM_PLAIN
	const struct em_abi_listener *listener;
	const struct em_abi_constants *constants;
	const __u32 zero = 0;

	constants = bpf_map_lookup_elem(&entitymux_const, &zero);
	if (!constants)
		return NULL;
	/* Opaque to the compiler: older verifiers know nothing of numbers on the stack. */
	barrier_var(id);
	listener = &constants->listeners[id & (EM_ABI_LISTENERS - 1)];
	barrier_var(listener);
	return listener;
#else
	/*
	 * Opaque to the compiler: older verifiers (5.10) do not know of a copy on the stack what
	 * they know of the register.
	 */
	barrier_var(id);
	return &em_constants.listeners[id & (EM_ABI_LISTENERS - 1)];
#endif
}

#endif
