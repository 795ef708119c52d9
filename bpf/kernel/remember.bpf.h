/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * remember - which conversations there are, for the way back.
 */
#ifndef EM_REMEMBER_BPF_H
#define EM_REMEMBER_BPF_H

#include <stddef.h>

#include "bpf/kernel/maps.bpf.h"
#include "bpf/kernel/parse.bpf.h"

/* Both addresses of a conversation; the ports are the caller's. */
static __always_inline bool em_flow_key(em_context *context, const struct em_packet *packet,
					bool from_client, struct em_abi_flow_key *key)
{
	key->scope = em_family(packet);
	if (!em_read_address(context, packet, from_client, key->client) ||
	    !em_read_address(context, packet, !from_client, key->server))
		return false;
	if (em_constant(tells_links) && key->scope == EM_ABI_IPV6 && key->client[0] == 0xfe &&
	    (key->client[1] & 0xc0) == 0x80) {
		key->scope = EM_ABI_LINK | em_interface(context);
		__builtin_memset(key->server, 0, sizeof(key->server));
	}
	return true;
}

/*
 * Whether many hosts are asked, by the frame or, where it has none, by the address.  A server
 * answers from an address of its own.
 */
static __always_inline bool em_asks_group(em_context *context, const struct em_packet *packet,
					  const struct em_abi_flow_key *key)
{
	const __u8 *address = key->server;
	__u8 first = 0;

	if (packet->network && (!em_read(context, 0, &first, sizeof(first)) || first & 1))
		return true;
	if (key->scope != EM_ABI_IPV4)
		return address[0] == 0xff;
	return (address[0] & 0xf0) == 0xe0 ||
	       (address[0] & address[1] & address[2] & address[3]) == 0xff;
}

/* All of a key that differs from client to client. */
static __always_inline __u32 em_noted_index(const struct em_abi_flow_key *key)
{
	const __u64 *words = (const __u64 *)key->client;
	__u64 ports = (__u64)key->client_port << 16 | key->server_port;

	return em_abi_mix(words[0] ^ words[1], ports, 0x9e3779b97f4a7c15ULL) >> 32 &
	       (EM_ABI_NOTED - 1);
}

static __always_inline bool em_same_key(const struct em_abi_flow_key *a,
					const struct em_abi_flow_key *b)
{
	const __u64 *one = (const __u64 *)a, *other = (const __u64 *)b;

	_Static_assert(sizeof(*a) == 5 * sizeof(*one), "all of it");
	return one[0] == other[0] && one[1] == other[1] && one[2] == other[2] &&
	       one[3] == other[3] && one[4] == other[4];
}

/*
 * Whether this CPU has just remembered the same, within a tick of the kernel: else notes that it
 * does now.
 */
static __always_inline bool em_is_noted(const struct em_abi_flow_key *key,
					const struct em_abi_flow *flow)
{
	__u32 index = em_noted_index(key);
	struct em_abi_noted *noted;
	__u64 tick;

	if (!em_constant(has_jiffies))
		return false;
	tick = bpf_jiffies64();
	noted = bpf_map_lookup_elem(&entitymux_noted, &index);
	if (!noted)
		return false;
	if (noted->tick == tick && em_same_key(&noted->key, key) && noted->known == flow->known &&
	    noted->timeout == flow->timeout)
		return true;
	noted->key = *key;
	noted->tick = tick;
	noted->known = flow->known;
	noted->timeout = flow->timeout;
	return false;
}

/*
 * Remembers that a datagram, not yet rewritten, goes to `port`. A full table makes room; if even
 * that fails, the datagram is sorted all the same.
 *
 * A global function, like em_walk_headers(): otherwise the verifier would follow it anew for each
 * number of conditions.
 */
EM_FUNCTION int em_remember(em_context *context, __u64 network, __u64 transport, __be16 port,
			    __u32 timeout)
{
	struct em_packet packet = {.network = network};
	struct em_abi_flow now = {.timeout = timeout};
	struct em_abi_flow_key key = {.server_port = port};
	struct em_abi_flow *flow;
	struct udphdr udp;
	__u8 version;

	if (!em_read(context, network, &version, sizeof(version)) ||
	    !em_read(context, transport, &udp, sizeof(udp)))
		return 0;
	packet.protocol = version >> 4 == 4 ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	if (!em_flow_key(context, &packet, true, &key))
		return 0;
	if (em_asks_group(context, &packet, &key))
		__builtin_memset(key.server, 0, sizeof(key.server));
	key.client_port = udp.source;
	now.known = udp.dest;
	if (em_is_noted(&key, &now))
		return 0;
	now.last = bpf_ktime_get_ns();
	flow = bpf_map_lookup_elem(&entitymux_flow, &key);
	if (flow && flow->known == now.known && flow->timeout == now.timeout)
		flow->last = now.last;
	else
		bpf_map_update_elem(&entitymux_flow, &key, &now, BPF_ANY);
	return 0;
}

#endif
