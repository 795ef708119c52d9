/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "bpf/compile.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "policy/copies.h"

#define LOAD_BYTES 8

static uint64_t ones(size_t length)
{
	return UINT64_MAX >> (64 - 8 * length);
}

static uint64_t big_endian(const uint8_t *bytes, size_t length)
{
	uint64_t value = 0;

	for (size_t i = 0; i < length; i++)
		value = value << 8 | bytes[i];
	return value;
}

static uint16_t family(uint8_t of)
{
	return of == AF_INET ? EM_ABI_IPV4 : EM_ABI_IPV6;
}

/* For what may be for both. */
static uint16_t family_or_both(uint8_t of)
{
	return of == AF_UNSPEC ? 0 : family(of);
}

static struct em_abi_load make_load(uint16_t offset, size_t length, uint64_t mask)
{
	return (struct em_abi_load){.end = offset + length, .length = length, .mask = mask};
}

static size_t count_conditions(const struct em_check *check)
{
	if (check->kind == EM_CHECK_BYTES)
		return (check->length + LOAD_BYTES - 1) / LOAD_BYTES;
	return check->n_values ? check->n_values : 1;
}

size_t em_compile_count_conditions(const struct em_format *format)
{
	size_t n = 0;

	for (size_t i = 0; i < format->n_checks; i++)
		n += count_conditions(&format->checks[i]);
	return n;
}

/* Bits of `bytes` outside the mask make min == max a value that no masked load has. */
static void compile_bytes(const struct em_check *check, struct em_abi_condition *steps)
{
	for (size_t done = 0; done < check->length; done += LOAD_BYTES, steps++) {
		size_t length = check->length - done;

		if (length > LOAD_BYTES)
			length = LOAD_BYTES;
		steps->load = make_load(check->offset + done, length,
					check->mask ? big_endian(check->mask + done, length)
						    : ones(length));
		steps->min = steps->max = big_endian(check->bytes + done, length);
	}
}

static void compile_number(const struct em_check *check, struct em_abi_condition *steps)
{
	for (size_t i = 0; i < count_conditions(check); i++) {
		steps[i].load = make_load(check->offset, check->length,
					  check->mask ? big_endian(check->mask, check->length)
						      : ones(check->length));
		steps[i].little_endian = check->little_endian;
		steps[i].min = check->n_values ? check->values[i] : check->min;
		steps[i].max = check->n_values ? check->values[i] : check->max;
	}
}

/*
 * All parts of bytes have to be equal; of values, one is enough.  `next` is what follows when the
 * check holds; the first condition is `index` of all.
 */
static void compile_check(const struct em_check *check, struct em_abi_condition *steps,
			  uint32_t index, uint32_t next)
{
	const uint32_t yes = check->negated ? EM_ABI_FAILS : next;
	const uint32_t no = check->negated ? next : EM_ABI_FAILS;
	const bool all = check->kind == EM_CHECK_BYTES;
	size_t n = count_conditions(check);

	if (all)
		compile_bytes(check, steps);
	else
		compile_number(check, steps);
	for (size_t i = 0; i < n; i++) {
		steps[i].yes = all && i + 1 < n ? index + i + 1 : yes;
		steps[i].no = !all && i + 1 < n ? index + i + 1 : no;
	}
}

/* Returns the index behind the last condition. */
static size_t compile_checks(const struct em_format *format, struct em_abi_condition *steps,
			     size_t index)
{
	for (size_t i = 0; i < format->n_checks; i++) {
		size_t next = index + count_conditions(&format->checks[i]);

		compile_check(&format->checks[i], steps + index, index,
			      i + 1 < format->n_checks ? next : EM_ABI_HOLDS);
		index = next;
	}
	return index;
}

/* Bytes from the IP header, of a field in it. */
static uint16_t field_offset(enum em_piece_source source)
{
	static const uint16_t offsets[EM_PIECE_SOURCES] = {
		[EM_PIECE_IP_SADDR] = offsetof(struct iphdr, saddr),
		[EM_PIECE_IP6_SADDR] = offsetof(struct ipv6hdr, saddr),
	};

	return offsets[source];
}

static void compile_tag_loads(const struct em_tag *tag, struct em_abi_format *out)
{
	size_t at = 0;

	for (size_t i = 0; i < tag->n_pieces; i++) {
		const struct em_piece *piece = &tag->pieces[i];
		bool is_field = piece->source != EM_PIECE_PAYLOAD;
		uint16_t offset = is_field ? field_offset(piece->source) : piece->offset;

		for (size_t done = 0; done < piece->length; done += LOAD_BYTES) {
			struct em_abi_load *load = &out->loads[out->n_loads++];
			size_t length = piece->length - done;

			if (length > LOAD_BYTES)
				length = LOAD_BYTES;
			*load = make_load(offset + done, length,
					  big_endian(tag->mask + at, length));
			load->from_network = is_field ? UINT32_MAX : 0;
			at += length;
		}
	}
}

/* Of a listener: the list that all have; for each list of its entities, both; and of the unknown.
 */
enum { COPIES_NONE, COPIES_OF_ALL, COPIES_OF_ENTITIES };

static uint8_t copies_of_unknown(const struct em_listener *listener)
{
	if (listener->unknown_copies.n)
		return COPIES_OF_ENTITIES + listener->n_copy_lists;
	return listener->copies.n ? COPIES_OF_ALL : COPIES_NONE;
}

static uint8_t copies_of_entity(const struct em_listener *listener, const struct em_entity *entity)
{
	if (entity->copies)
		return COPIES_OF_ENTITIES + entity->copies - 1;
	return listener->copies.n ? COPIES_OF_ALL : COPIES_NONE;
}

static void add_ports(struct em_abi_copies *out, const struct em_copies *list)
{
	size_t at = 0;

	while (out->ports[at])
		at++;
	for (uint8_t i = 0; i < list->n; i++)
		out->ports[at++] = htons(list->ports[i]);
}

/* Returns the index behind the last one. */
static size_t compile_copies(const struct em_listener *listener, struct em_abi_copies *out,
			     size_t first)
{
	size_t n = COPIES_OF_ENTITIES + listener->n_copy_lists;

	out += first;
	for (size_t i = 0; i < n; i++)
		add_ports(&out[i], &listener->copies);
	for (size_t i = 0; i < listener->n_copy_lists; i++)
		add_ports(&out[COPIES_OF_ENTITIES - 1 + i], &listener->copy_lists[i]);
	add_ports(&out[n - 1], &listener->unknown_copies);
	return first + n;
}

static int compile_all_copies(const struct em_policy *policy, struct em_compiled *out)
{
	size_t n = 0;

	out->copies = calloc(out->n_copies + 1, sizeof(*out->copies));
	if (!out->copies)
		return -ENOMEM;
	for (size_t i = 0; out->n_copies && i < policy->n_listeners; i++)
		n = compile_copies(&policy->listeners[i], out->copies, n);
	return 0;
}

struct em_abi_action em_compile_action(const struct em_action *action)
{
	switch (action->verdict) {
	case EM_DROP:
		return (struct em_abi_action){.verdict = EM_ABI_DROP};
	case EM_PORT:
		return (struct em_abi_action){.verdict = EM_ABI_PORT, .port = htons(action->port)};
	case EM_PASS:
		break;
	}
	return (struct em_abi_action){.verdict = EM_ABI_PASS};
}

struct em_abi_action em_compile_entity(const struct em_listener *listener,
				       const struct em_format *format,
				       const struct em_entity *entity,
				       const struct em_samples *samples)
{
	struct em_abi_action action = em_compile_action(&entity->action);

	action.copies = copies_of_entity(listener, entity);
	action.sampled = em_plan_samples_entity(samples, listener, format, entity);
	return action;
}

static struct em_abi_format compile_format(const struct em_listener *listener,
					   const struct em_format *format)
{
	uint16_t need = em_format_need(format);
	struct em_abi_format out = {
		.need = need,
		.length_min = sizeof(struct udphdr) +
			      (format->payload_min > need ? format->payload_min : need),
		.length_max = sizeof(struct udphdr) + format->payload_max,
		.unknown = em_compile_action(&format->unknown),
		.n_steps = em_compile_count_conditions(format),
		.n_intervals = format->n_intervals,
		.family = family_or_both(em_format_family(format)),
	};

	out.unknown.copies = copies_of_unknown(listener);
	compile_tag_loads(&format->tag, &out);
	return out;
}

static size_t count_formats(const struct em_policy *policy, size_t *most)
{
	size_t n = 0;

	*most = 0;
	for (size_t i = 0; i < policy->n_listeners; i++) {
		n += policy->listeners[i].n_formats;
		if (policy->listeners[i].n_formats > *most)
			*most = policy->listeners[i].n_formats;
	}
	return n;
}

/* Each halves what is left. */
static uint16_t search_steps(size_t n)
{
	uint16_t steps = 0;

	for (; n; n /= 2)
		steps++;
	return steps;
}

static void compile_listener(const struct em_listener *listener, struct em_abi_constants *constants,
			     struct em_abi_listener *out, struct em_compiled *all)
{
	*out = (struct em_abi_listener){
		.flow_timeout = listener->replies ? listener->flow_timeout : 0,
		.invalid = em_compile_action(&listener->invalid),
		.first_format = all->n_formats,
		.n_formats = listener->n_formats,
		.has_sources = listener->n_sources > 0,
		.family = family_or_both(em_listener_family(listener)),
		.first_copies = all->n_copies,
	};
	all->n_copies += COPIES_OF_ENTITIES + listener->n_copy_lists;
	for (size_t i = 0; i < listener->n_formats; i++) {
		struct em_abi_format *format = &all->formats[all->n_formats++];

		*format = compile_format(listener, &listener->formats[i]);
		format->number = all->n_formats - 1;
		format->first_step = all->n_steps;
		format->salt = em_abi_salt(format->number);
		format->first_interval = all->n_intervals;
		all->n_steps += format->n_steps;
		all->n_intervals += format->n_intervals;
		constants->has_fields |= format->family != 0;
		if (format->n_steps > constants->max_steps)
			constants->max_steps = format->n_steps;
		if (search_steps(format->n_intervals) > constants->interval_steps)
			constants->interval_steps = search_steps(format->n_intervals);
	}
	out->format = all->formats[out->first_format];
}

static int compile_steps(const struct em_policy *policy, struct em_compiled *out)
{
	size_t n = 0;

	out->steps = calloc(out->n_steps + 1, sizeof(*out->steps));
	if (!out->steps)
		return -ENOMEM;
	for (size_t i = 0; i < policy->n_listeners; i++)
		for (size_t j = 0; j < policy->listeners[i].n_formats; j++)
			n = compile_checks(&policy->listeners[i].formats[j], out->steps, n);
	return 0;
}

static void compile_intervals(const struct em_listener *listener, const struct em_format *format,
			      const struct em_samples *samples, struct em_abi_interval *out)
{
	for (size_t i = 0; i < format->n_intervals; i++) {
		const struct em_interval *interval = &format->intervals[i];

		out[i].first = em_compile_tag(format, interval->tags.first);
		out[i].last = em_compile_tag(format, interval->tags.last);
		out[i].action = em_compile_entity(listener, format,
						  &format->entities[interval->entity], samples);
	}
}

static int compile_all_intervals(const struct em_policy *policy, const struct em_samples *samples,
				 struct em_compiled *out)
{
	size_t n = 0;

	out->intervals = calloc(out->n_intervals + 1, sizeof(*out->intervals));
	if (!out->intervals)
		return -ENOMEM;
	for (size_t i = 0; i < policy->n_listeners; i++)
		for (size_t j = 0; j < policy->listeners[i].n_formats; j++) {
			const struct em_format *format = &policy->listeners[i].formats[j];

			compile_intervals(&policy->listeners[i], format, samples,
					  out->intervals + n);
			n += format->n_intervals;
		}
	return 0;
}

int em_compile(const struct em_policy *policy, const struct em_samples *samples,
	       struct em_abi_constants *constants, struct em_compiled *out)
{
	size_t most, n = count_formats(policy, &most);

	memset(constants, 0, sizeof(*constants));
	*out = (struct em_compiled){.formats = calloc(n + 1, sizeof(*out->formats))};
	if (!out->formats)
		return -ENOMEM;
	constants->version = EM_ABI_VERSION;
	constants->kept = EM_ABI_KEPT;
	constants->max_formats = most > 1 ? most : 0;
	constants->has_long_tags = em_compile_has_long_tags(policy);
	constants->n_listeners = policy->n_listeners;
	constants->port_min = UINT16_MAX;
	for (size_t i = 0; i < policy->n_listeners; i++) {
		compile_listener(&policy->listeners[i], constants, &constants->listeners[i], out);
		constants->has_addresses |= policy->listeners[i].n_addresses > 0;
		constants->has_vlans |= policy->listeners[i].vlan > 0;
		if (policy->listeners[i].port < constants->port_min)
			constants->port_min = policy->listeners[i].port;
		if (policy->listeners[i].port > constants->port_max)
			constants->port_max = policy->listeners[i].port;
	}
	if (!constants->max_formats)
		out->n_formats = 0;
	constants->has_copies = em_copies_first(policy) != NULL;
	if (!constants->has_copies)
		out->n_copies = 0;
	return compile_steps(policy, out) || compile_all_intervals(policy, samples, out) ||
			       compile_all_copies(policy, out)
		       ? -ENOMEM
		       : 0;
}

/* The part of a tag that is `behind` bytes from its end, at most LOAD_BYTES long. */
static uint64_t tag_word(const struct em_format *format, const uint8_t *tag, size_t behind)
{
	size_t length = format->tag.length, end, begin;

	if (length <= behind)
		return 0;
	end = length - behind;
	begin = end > LOAD_BYTES ? end - LOAD_BYTES : 0;
	return big_endian(tag + begin, end - begin);
}

struct em_abi_tag em_compile_tag(const struct em_format *format, const uint8_t *tag)
{
	return (struct em_abi_tag){.top = tag_word(format, tag, 2 * LOAD_BYTES),
				   .high = tag_word(format, tag, LOAD_BYTES),
				   .low = tag_word(format, tag, 0)};
}

void em_compile_take_tag(const struct em_format *format, const struct em_abi_tag *from,
			 uint8_t tag[EM_TAG_MAX])
{
	const uint64_t words[] = {from->low, from->high, from->top};

	memset(tag, 0, EM_TAG_MAX);
	for (size_t behind = 0; behind < format->tag.length; behind++)
		tag[format->tag.length - 1 - behind] =
			words[behind / LOAD_BYTES] >> 8 * (behind % LOAD_BYTES);
}

struct em_abi_source em_compile_source(size_t listener, const struct em_prefix *prefix)
{
	struct em_abi_source source = {.prefix_length = EM_ABI_SOURCE_FIXED + prefix->length,
				       .listener = listener,
				       .family = family(prefix->address.family)};

	memcpy(source.address, prefix->address.bytes, sizeof(source.address));
	return source;
}

struct em_abi_claim em_compile_claim(const struct em_policy *policy, size_t listener,
				     unsigned int ifindex, const struct em_address *address)
{
	struct em_abi_claim claim = {.ifindex = ifindex,
				     .port = htons(policy->listeners[listener].port),
				     .vlan = policy->listeners[listener].vlan,
				     .listener = listener,
				     .used = EM_ABI_USED};

	if (address) {
		claim.family = family(address->family);
		memcpy(claim.address, address->bytes, sizeof(claim.address));
	}
	return claim;
}

bool em_compile_has_long_tags(const struct em_policy *policy)
{
	for (size_t i = 0; i < policy->n_listeners; i++)
		for (size_t j = 0; j < policy->listeners[i].n_formats; j++)
			if (policy->listeners[i].formats[j].tag.length > LOAD_BYTES)
				return true;
	return false;
}
