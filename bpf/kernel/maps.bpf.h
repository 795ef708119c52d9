/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * maps - the constants and maps of a program.  Sizes of 1 are set to what the policy needs before
 * the program is loaded; abi.h describes keys and values.
 */
#ifndef EM_MAPS_BPF_H
#define EM_MAPS_BPF_H

#include <stddef.h>

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf/abi.h"

/*
 * Every program is built twice. With EM_PLAIN, for kernels without what the other one needs: BTF of
 * the kernel, without which no global function takes the context, or constants that the verifier
 * reads from a map (Linux 5.5).  Then the constants are immediates, which the loader writes into
 * the instructions, and functions are inlined.
 */
#ifdef EM_PLAIN

#define EM_FUNCTION static __always_inline

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct em_abi_constants);
} entitymux_const SEC(".maps");

/* Not volatile: reading it twice is reading it once. */
#define em_constant(member)                                                                        \
	({                                                                                         \
		__u64 em_value;                                                                    \
		asm("%0 = %1 ll"                                                                   \
		    : "=r"(em_value)                                                               \
		    : "i"(EM_ABI_PLACEHOLDER(offsetof(struct em_abi_constants, member),            \
					     sizeof(((struct em_abi_constants *)0)->member))));    \
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

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32); /* slot */
	__type(value, struct em_abi_entity);
} entitymux_tag SEC(".maps");

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
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32); /* em_abi_entity.counter, em_abi_interval.counter */
	__type(value, struct em_abi_count);
} entitymux_ecnt SEC(".maps");

/* Outlives its generation: the next one goes on with it. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct em_abi_flow_key);
	__type(value, struct em_abi_flow);
} entitymux_flow SEC(".maps");

/* The ports that answers come from, as bits of 64 ports each. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} entitymux_port SEC(".maps");

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
