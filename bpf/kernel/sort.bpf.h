/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * sort - the decision about one packet: whose it is, whether it is valid, where it goes, and the
 * counters. All hooks share it. A hook itself finds the frame and rewrites it.
 */
#ifndef EM_SORT_BPF_H
#define EM_SORT_BPF_H

#include <stddef.h>

#include "bpf/kernel/checks.bpf.h"
#include "bpf/kernel/entity.bpf.h"
#include "bpf/kernel/maps.bpf.h"
#include "bpf/kernel/parse.bpf.h"
#include "bpf/kernel/remember.bpf.h"
#include "bpf/kernel/sample.bpf.h"
#include "bpf/kernel/unknown.bpf.h"

/* What the hook is to do. */
struct em_decision {
	bool ours;     /* a listener's */
	bool deferred; /* ours, and left to the TC program behind this one */
	bool handed;   /* ours, and the backend behind this one has to be told */
	bool unmarked; /* with has_copies, asked for: only of claims that are unmarked */
	struct em_abi_action action;
	__u32 listener; /* with has_copies */
};

/*
 * Whether the checksum may be one that the device is still to complete: then it is the sum of the
 * pseudo header so far, which does not change with the port.  XDP is not told (CHECKSUM_PARTIAL is
 * a property of the socket buffer).  One in 65,536 complete checksums looks the same.
 *
 * On a detour the pseudo header has the last address of the route, which is not looked for: any
 * checksum may be unfinished.
 */
static __always_inline bool em_maybe_unfinished(em_context *context, const struct em_packet *packet,
						const struct udphdr *udp)
{
	__u64 at = packet->network, sum = bpf_htons(IPPROTO_UDP) + udp->len;
	__u32 words[8], i;

	if (packet->detour)
		return true;
	if (packet->protocol == bpf_htons(ETH_P_IP)) {
		if (!em_read(context, at + offsetof(struct iphdr, saddr), words, 8))
			return false;
		sum += (__u64)words[0] + words[1];
	} else {
		if (!em_read(context, at + offsetof(struct ipv6hdr, saddr), words, sizeof(words)))
			return false;
		EM_UNROLL
		for (i = 0; i < 8; i++)
			sum += words[i];
	}
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return udp->check == sum;
}

static __always_inline bool em_same_claim(const struct em_abi_claim *a,
					  const struct em_abi_claim *b)
{
	return a->ifindex == b->ifindex && a->port == b->port && a->vlan == b->vlan &&
	       a->family == b->family && a->address_words[0] == b->address_words[0] &&
	       a->address_words[1] == b->address_words[1];
}

static __always_inline const struct em_abi_claim *em_find_claim(const struct em_abi_claim *wanted)
{
	__u32 first = em_constant(claims.slots) == 1 ? 0 : em_abi_hash_claim(wanted), slot, i;
	const struct em_abi_claim *claim;

	EM_UNROLL
	for (i = 0; em_within(i, EM_ABI_UNROLLED_PROBES) && i < em_constant(claims.probes); i++) {
		slot = (first + i) & (em_constant(claims.slots) - 1);
		claim = bpf_map_lookup_elem(&entitymux_claim, &slot);
		if (!claim || !claim->used)
			return NULL;
		if (em_same_claim(claim, wanted))
			return claim;
	}
	return NULL;
}

static __always_inline bool em_may_be_port(__be16 port)
{
	return bpf_ntohs(port) >= em_constant(port_min) && bpf_ntohs(port) <= em_constant(port_max);
}

static __always_inline const struct em_abi_claim *
em_claim(em_context *context, const struct em_packet *packet, __u32 ifindex, __be16 port)
{
	struct em_abi_claim wanted = {.ifindex = ifindex, .port = port, .vlan = packet->vlan};
	const struct em_abi_claim *claim;

	if (em_constant(has_addresses)) {
		wanted.family = em_family(packet);
		if (!em_read_address(context, packet, false, wanted.address))
			return NULL;
		claim = em_find_claim(&wanted);
		if (claim)
			return claim;
		wanted.family = 0;
		wanted.address_words[0] = wanted.address_words[1] = 0;
	}
	return em_find_claim(&wanted);
}

static __always_inline bool em_source_permitted(em_context *context, const struct em_packet *packet,
						__u32 id)
{
	struct em_abi_source source = {.listener = id, .family = em_family(packet)};

	source.prefix_length = EM_ABI_SOURCE_FIXED + (source.family == EM_ABI_IPV4 ? 32 : 128);
	if (!em_read_address(context, packet, true, source.address))
		return false;
	return bpf_map_lookup_elem(&entitymux_src, &source);
}

/* `end` is the offset of the end of the frame, `length` that of the UDP header. */
static __always_inline bool em_length_valid(const volatile struct em_abi_format *format,
					    __u64 payload, __u64 end, __u32 length)
{
	return length >= format->length_min && length <= format->length_max &&
	       payload + format->need <= end;
}

/*
 * The index of the first format of a listener that fits, or -1 less the reason why none does.
 * Global, so that what follows is verified once, and not for each format; so it has 5 arguments at
 * most. `length` is that of the UDP header, with the family in front (em_family() << 16).
 */
EM_FUNCTION int em_choose_format(em_context *context, __u32 id, __u64 payload, __u64 end,
				 __u32 length)
{
	const volatile struct em_abi_listener *listener = em_get_listener(id);
	const struct em_abi_format *format;
	__u32 family = length >> 16;
	int reason = EM_ABI_LENGTH;
	__u32 i, index;

	if (!listener)
		return -1 - reason;
	for (i = 0; i < em_constant(max_formats); i++) {
		if (i >= listener->n_formats)
			break;
		index = listener->first_format + i;
		format = bpf_map_lookup_elem(&entitymux_fmt, &index);
		if (!format)
			break;
		if (em_constant(has_fields) && format->family && format->family != family)
			continue;
		if (!em_length_valid(format, payload, end, length & 0xffff))
			continue;
		if (em_format_checks_hold(context, payload, format))
			return index;
		reason = EM_ABI_CHECK;
	}
	return -1 - reason;
}

/*
 * Where a load of a tag counts from. A branch would double the paths of the verifier with each
 * load.
 */
static __always_inline __u64 em_tag_base(const struct em_packet *packet, __u64 payload,
					 const volatile struct em_abi_load *load)
{
	__u64 network = load->from_network;

	if (!em_constant(has_fields))
		return payload;
	network |= network << 32;
	/* Opaque to the compiler, which else makes it a branch. */
	barrier_var(network);
	return (packet->network & network) | (payload & ~network);
}

static __always_inline bool em_tag(em_context *context, const struct em_packet *packet,
				   __u64 payload, const volatile struct em_abi_format *format,
				   struct em_abi_tag *tag)
{
	__u32 i, half;
	__u64 value;

	if (!em_load(context, em_tag_base(packet, payload, &format->loads[0]), &format->loads[0],
		     &tag->low))
		return false;
	EM_UNROLL
	for (i = 1; i < EM_ABI_LOADS; i++) {
		if (i >= format->n_loads)
			break;
		if (!em_load(context, em_tag_base(packet, payload, &format->loads[i]),
			     &format->loads[i], &value))
			return false;
		/* A shift by 64 at once would be a shift by 0. */
		half = 4 * format->loads[i].length;
		tag->top = tag->top << half << half | tag->high >> (64 - 2 * half);
		tag->high = tag->high << half << half | tag->low >> (64 - 2 * half);
		tag->low = tag->low << half << half | value;
	}
	return true;
}

static __always_inline void em_set_action(struct em_abi_action *to,
					  const volatile struct em_abi_action *action)
{
	to->verdict = action->verdict;
	to->copies = action->copies;
	to->port = action->port;
}

static __always_inline void em_invalid(const volatile struct em_abi_listener *listener,
				       struct em_abi_listener_count *count,
				       enum em_abi_reason reason, struct em_abi_action *action)
{
	count->invalid[reason]++;
	em_note_sample(count, reason);
	em_set_action(action, &listener->invalid);
}

/* The ports that an action of a listener copies to. */
static __always_inline const struct em_abi_copies *em_find_copies(__u32 id, __u32 copies)
{
	const volatile struct em_abi_listener *listener = em_get_listener(id);
	__u32 index = copies - 1;

	if (!listener)
		return NULL;
	index += listener->first_copies;
	return bpf_map_lookup_elem(&entitymux_copy, &index);
}

/* A copy of a fragment could never be put together. */
static __always_inline bool em_is_copied(const struct em_packet *packet,
					 struct em_abi_listener_count *count,
					 struct em_abi_action *action)
{
	if (!em_has_copies())
		return false;
	if (packet->fragment)
		action->copies = 0;
	if (!action->copies)
		return false;
	count->copied++;
	return true;
}

static __always_inline void em_unknown(const struct em_packet *packet,
				       const volatile struct em_abi_format *format,
				       struct em_abi_listener_count *count,
				       struct em_abi_action *action)
{
	count->unknown++;
	em_note_sample(count, EM_ABI_UNKNOWN);
	em_set_action(action, &format->unknown);
	em_is_copied(packet, count, action);
}

/* The one of this CPU. */
static __always_inline __u32 em_counter_index(__u32 counter)
{
	__u32 cpu = bpf_get_smp_processor_id();

	if (em_constant(counters.shared))
		cpu &= em_constant(counters.shards) - 1;
	return cpu * em_constant(counters.each) + counter;
}

static __always_inline void em_count_copied(__u32 counter)
{
	__u32 index = em_counter_index(counter);
	__u64 *copied = bpf_map_lookup_elem(&entitymux_ccnt, &index);

	if (copied && em_constant(counters.shared))
		__sync_fetch_and_add(copied, 1);
	else if (copied)
		++*copied;
}

static __always_inline void em_count_entity(const struct em_packet *packet, __u32 counter,
					    struct em_abi_listener_count *count)
{
	__u32 index = em_counter_index(counter);
	struct em_abi_entity_count *entity_count;

	entity_count = bpf_map_lookup_elem(&entitymux_ecnt, &index);
	if (!entity_count)
		return;
	if (em_constant(counters.shared)) {
		__sync_fetch_and_add(&entity_count->count.packets, 1);
		__sync_fetch_and_add(&entity_count->count.bytes, packet->length);
	} else {
		entity_count->count.packets++;
		entity_count->count.bytes += packet->length;
	}
	entity_count->last = em_now(count);
}

static __always_inline void em_known(const struct em_packet *packet,
				     const struct em_abi_action *known, __u32 counter,
				     struct em_abi_listener_count *count,
				     struct em_abi_action *action)
{
	__u64 verdict = known->verdict;

	*action = *known;
	/* Opaque to the compiler, so that what is compared with the bound is what is added. */
	barrier_var(verdict);
	if (verdict < EM_ABI_VERDICTS)
		count->sorted[verdict]++;
	if (em_constant(has_samples) && known->sampled)
		em_note_sample(count, EM_ABI_SORTED);
	em_count_entity(packet, counter, count);
	if (em_is_copied(packet, count, action))
		em_count_copied(counter);
}

/* The datagram is one of the format. */
static __always_inline void em_sort_valid(em_context *context, const struct em_packet *packet,
					  __u64 payload,
					  const volatile struct em_abi_listener *listener,
					  const volatile struct em_abi_format *format,
					  struct em_abi_listener_count *count,
					  struct em_abi_action *action)
{
	const struct em_abi_action *known;
	struct em_abi_tag tag = {};
	__u32 counter;

	if (!em_tag(context, packet, payload, format, &tag))
		return em_invalid(listener, count, EM_ABI_LENGTH, action);
	known = em_find_entity(&tag, format, &counter);
	if (!EM_IS_UNROLLED && !known && em_constant(interval_steps))
		known = em_find_interval(&tag, format, &counter);
	if (known)
		return em_known(packet, known, counter, count, action);
	em_unknown(packet, format, count, action);
	em_record_unknown(context, packet, format, &tag, count);
}

/* Counts a datagram of the listener, of this length in its UDP header, and decides about it. */
static __always_inline void em_decide(em_context *context, const struct em_packet *packet, __u32 id,
				      const volatile struct em_abi_listener *listener, __u32 length,
				      struct em_abi_action *action)
{
	__u64 payload = packet->transport + sizeof(struct udphdr);
	const volatile struct em_abi_format *format = &listener->format;
	struct em_abi_listener_count *count;
	int index;

	count = bpf_map_lookup_elem(&entitymux_lcnt, &id);
	if (!count)
		return;
	count->total.packets++;
	count->total.bytes += packet->length;
	if (em_constant(has_fields) && listener->family && listener->family != em_family(packet))
		return em_invalid(listener, count, EM_ABI_SOURCE, action);
	if (listener->has_sources && !em_source_permitted(context, packet, id))
		return em_invalid(listener, count, EM_ABI_SOURCE, action);
	if (!EM_IS_UNROLLED && em_constant(max_formats)) {
		index = em_choose_format(context, id, payload, packet->network + packet->length,
					 em_family(packet) << 16 | length);
		if (index < 0)
			return em_invalid(
				listener, count,
				index == -1 - EM_ABI_LENGTH ? EM_ABI_LENGTH : EM_ABI_CHECK, action);
		format = bpf_map_lookup_elem(&entitymux_fmt, &index);
		if (!format)
			return;
	} else {
		if (!em_length_valid(format, payload, packet->network + packet->length, length))
			return em_invalid(listener, count, EM_ABI_LENGTH, action);
		if (!em_format_checks_hold(context, payload, format))
			return em_invalid(listener, count, EM_ABI_CHECK, action);
	}
	em_sort_valid(context, packet, payload, listener, format, count, action);
}

/*
 * Defined by the program: leaves the packet to the one behind, or returns false where that cannot
 * be told.
 */
static __always_inline bool em_defer(em_context *context, const struct em_decision *decision);

/* Defined by the program, with has_copies: makes room for the mark, or returns false. */
static __always_inline bool em_reserve(em_context *context);

/*
 * GRO looks at the UDP header.  If that is not in the linear part of the packet, which has some 3.4
 * kB after XDP where pages have 4 KiB, the kernel makes another linear part, without the mark.
 */
#define EM_MARK_LOST 2048

/*
 * Whether XDP leaves the packet to TC.  Where there are copies, all that it decides about has to
 * have a mark.
 */
static __always_inline bool em_is_left(em_context *context, const struct em_packet *packet,
				       const struct udphdr *udp)
{
	return (em_has_copies() && packet->transport >= EM_MARK_LOST) ||
	       em_maybe_unfinished(context, packet, udp);
}

/*
 * With `local`, a packet whose checksum may be unfinished is left for later.  Counters are per CPU,
 * and no hook of one CPU interrupts another: plain additions do.
 */
static __always_inline void em_sort(em_context *context, const struct em_packet *packet,
				    __u32 ifindex, bool local, struct em_decision *decision)
{
	const volatile struct em_abi_listener *listener;
	const struct em_abi_claim *claim;
	struct em_abi_action *action = &decision->action;
	struct udphdr udp;
	__u64 index;

	if (packet->upper != IPPROTO_UDP ||
	    !em_read(context, packet->transport, &udp, sizeof(udp)) || !em_may_be_port(udp.dest))
		return;
	claim = em_claim(context, packet, ifindex, udp.dest);
	if (!claim)
		return;
	if (em_has_copies() && decision->unmarked && !claim->unmarked)
		return;
	decision->ours = true;
	decision->handed = claim->used == EM_ABI_HANDS_OVER;
	/* If it is a constant, the verifier leaves out what that listener does not need. */
	index = em_constant(n_listeners) == 1 ? 0 : claim->listener;
	if (local && em_has_copies() && (claim->unmarked || !em_reserve(context))) {
		((struct em_abi_claim *)claim)->unmarked = 1;
		decision->deferred = true;
		return;
	}
	if (local && em_is_left(context, packet, &udp)) {
		decision->deferred = true;
		if (em_defer(context, decision))
			return;
		decision->deferred = false;
	}
	/* Only now, see em_get_listener(). */
	listener = em_get_listener(index);
	if (!listener)
		return;
	if (em_has_copies())
		decision->listener = index;
	em_decide(context, packet, index, listener, bpf_ntohs(udp.len), action);
	if (em_constant(has_samples))
		em_sample(context, packet->network + packet->length,
			  (__u32)packet->vlan << 16 | (__u32)index);
	if (!EM_IS_UNROLLED && em_constant(n_replies) && listener->flow_timeout &&
	    action->verdict == EM_ABI_PORT)
		em_remember(context, packet->network, packet->transport, action->port,
			    listener->flow_timeout);
}

#endif
