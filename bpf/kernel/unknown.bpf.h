/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * unknown - remembers the tags that no entity has, for the administrator.  Whatever fails here, the
 * datagram is sorted all the same.
 */
#ifndef EM_UNKNOWN_BPF_H
#define EM_UNKNOWN_BPF_H

#include "bpf/kernel/clock.bpf.h"
#include "bpf/kernel/maps.bpf.h"
#include "bpf/kernel/parse.bpf.h"

/* A look takes half as long as all the rest. */
static __always_inline bool em_may_look(struct em_abi_listener_count *count, __u64 now)
{
	__u64 window = now / EM_ABI_UNKNOWN_WINDOW;

	if (count->window != window) {
		count->window = window;
		count->unknown_seen = 0;
		count->new_tags = 0;
	}
	count->unknown_seen++;
	return count->unknown_seen <= EM_ABI_UNKNOWN_ALL ||
	       count->unknown_seen % EM_ABI_UNKNOWN_EACH == 0;
}

static __always_inline void em_record_unknown(em_context *context, const struct em_packet *packet,
					      const volatile struct em_abi_format *format,
					      const struct em_abi_tag *tag,
					      struct em_abi_listener_count *count)
{
	struct em_abi_unknown_key key = {.tag = *tag, .format = format->number};
	struct em_abi_unknown first = {.packets = 1, .last = em_now(count)};
	struct em_abi_unknown *seen;

	if (!em_may_look(count, first.last))
		return;
	seen = bpf_map_lookup_elem(&entitymux_unk, &key);
	if (!seen && count->new_tags < EM_ABI_UNKNOWN_NEW) {
		count->new_tags++;
		first.family = em_family(packet);
		if (em_read_address(context, packet, true, first.sender) &&
		    em_read(context, packet->transport, &first.port, sizeof(first.port)) &&
		    !bpf_map_update_elem(&entitymux_unk, &key, &first, BPF_NOEXIST))
			return;
		/* Perhaps another CPU was faster. */
		seen = bpf_map_lookup_elem(&entitymux_unk, &key);
	}
	if (seen) {
		__sync_fetch_and_add(&seen->packets, 1);
		seen->last = first.last;
	}
}

#endif
