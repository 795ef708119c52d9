/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * maps - the constants and maps of a program.  Sizes of 1 are set to what the policy needs before
 * the program is loaded; abi.h describes keys and values.
 */
#ifndef EM_MAPS_BPF_H
#define EM_MAPS_BPF_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf/abi.h"

/* The only variable of its section, so that it is found at its beginning. */
const volatile struct em_abi_constants em_constants;

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
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32); /* listener */
	__type(value, struct em_abi_listener_count);
} entitymux_lcnt SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32); /* em_abi_entity.counter */
	__type(value, struct em_abi_count);
} entitymux_ecnt SEC(".maps");

/* Outlives its generation: the next one goes on with it. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct em_abi_flow_key);
	__type(value, struct em_abi_flow);
} entitymux_flow SEC(".maps");

#endif
