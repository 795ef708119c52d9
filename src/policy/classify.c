/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * classify - the reference: what a policy does with one packet, in plain C.
 *
 * One function per step of entitymux(8), "What happens to a packet", in the order of the steps. An
 * IP header is sound if nf_tables takes it at ingress: nft_set_pktinfo_ipv4_validate(),
 * nft_set_pktinfo_ipv6_validate() and ipv6_find_hdr().
 */
#include "policy/classify.h"

#include <limits.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "policy/copies.h"

#define VLAN_HEADER 4
#define IP4_HEADER  20
#define IP6_HEADER  40
#define UDP_HEADER  8

/* The headers of a frame, once they are known to be sound. */
struct packet {
	uint8_t *ip;   /* the IP header */
	size_t length; /* bytes from there to the end of the frame */
	uint16_t vlan; /* 0: untagged */
	struct em_address source;
	struct em_address destination;
	bool fragment;	/* the first of several */
	uint8_t *udp;	/* the UDP header, all of it within the frame */
	size_t headers; /* bytes of the frame, to the end of the last header that was read */
	/* Why it is for no listener, for users. */
	const char *stranger;
};

/* Returns false. */
static bool is_stranger(struct packet *packet, const char *why)
{
	packet->stranger = why;
	return false;
}

static uint16_t get16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static void put16(uint8_t *bytes, uint16_t value)
{
	bytes[0] = value >> 8;
	bytes[1] = value & 0xff;
}

static struct em_address address_of(uint8_t family, const uint8_t *bytes)
{
	struct em_address address = {.family = family};

	memcpy(address.bytes, bytes, family == AF_INET ? 4 : 16);
	return address;
}

/* Finds the IP header: untagged, or behind one 802.1Q tag. */
static bool read_ethernet(struct packet *packet, uint8_t *frame, size_t length, uint16_t *ethertype)
{
	size_t header = ETH_HLEN;

	if (length < header)
		return is_stranger(packet, "no whole Ethernet header");
	packet->vlan = 0;
	*ethertype = get16(frame + 12);
	if (*ethertype == ETH_P_8021Q) {
		header += VLAN_HEADER;
		if (length < header)
			return is_stranger(packet, "no whole VLAN tag");
		packet->vlan = get16(frame + 14) & 0x0fff;
		*ethertype = get16(frame + 16);
		/* A priority tag: not untagged, and no VLAN that a listener could name. */
		if (packet->vlan == 0)
			return is_stranger(packet, "a priority tag");
	}
	packet->ip = frame + header;
	packet->length = length - header;
	packet->headers = header;
	return true;
}

/* Sets *udp to the offset of the UDP header from the IP header. */
static bool read_ip4(struct packet *packet, size_t *udp)
{
	const uint8_t *ip = packet->ip;
	size_t header, total;

	if (packet->length < IP4_HEADER || ip[0] >> 4 != 4)
		return is_stranger(packet, "no sound IPv4 header");
	header = 4 * (ip[0] & 0x0f);
	total = get16(ip + 2);
	if (header < IP4_HEADER || total < header || total > packet->length)
		return is_stranger(packet, "no sound IPv4 header");
	if (get16(ip + 6) & 0x1fff)
		return is_stranger(packet, "a later fragment");
	packet->fragment = get16(ip + 6) & 0x2000;
	packet->headers += header;
	if (ip[9] != IPPROTO_UDP)
		return is_stranger(packet, "not UDP");
	packet->source = address_of(AF_INET, ip + 12);
	packet->destination = address_of(AF_INET, ip + 16);
	*udp = header;
	return true;
}

/* The length of the extension header at `offset`, or 0 where a UDP header can no longer follow. */
static size_t extension_length(const struct packet *packet, uint8_t type, size_t offset)
{
	const uint8_t *header = packet->ip + offset;
	size_t rest = packet->length > offset ? packet->length - offset : 0;

	switch (type) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_DSTOPTS:
		return rest >= 2 ? 8 * (header[1] + 1) : 0;
	case IPPROTO_ROUTING:
		return rest >= 4 ? 8 * (header[1] + 1) : 0;
	case IPPROTO_FRAGMENT:
		/* The low three bits are two reserved bits and "more fragments". */
		return rest >= 4 && (get16(header + 2) & ~7) == 0 ? 8 : 0;
	default:
		return 0;
	}
}

static bool read_ip6(struct packet *packet, unsigned int ipv6_header_limit, size_t *udp)
{
	const uint8_t *ip = packet->ip;
	size_t offset = IP6_HEADER;
	bool is_fragment = false;
	unsigned int walked = 0;
	uint8_t type;

	if (packet->length < IP6_HEADER || ip[0] >> 4 != 6)
		return is_stranger(packet, "no sound IPv6 header");
	if ((size_t)IP6_HEADER + get16(ip + 4) > packet->length)
		return is_stranger(packet, "no sound IPv6 header");
	packet->fragment = false;
	packet->headers += IP6_HEADER;
	for (type = ip[6]; type != IPPROTO_UDP; walked++) {
		size_t length = extension_length(packet, type, offset);

		if (length == 0 || walked == ipv6_header_limit)
			return is_stranger(packet, "not UDP, or not its first fragment");
		/* The first fragment header says whether more follow. */
		if (type == IPPROTO_FRAGMENT && !is_fragment) {
			packet->fragment = get16(ip + offset + 2) & 1;
			is_fragment = true;
		}
		type = ip[offset];
		offset += length;
		packet->headers += length;
	}
	if (offset > UINT16_MAX)
		return is_stranger(packet, "IPv6 extension headers of 64 KiB");
	packet->source = address_of(AF_INET6, ip + 8);
	packet->destination = address_of(AF_INET6, ip + 24);
	*udp = offset;
	return true;
}

static bool read_packet(struct packet *packet, uint8_t *frame, size_t length,
			unsigned int ipv6_header_limit)
{
	uint16_t ethertype;
	size_t udp;

	if (!read_ethernet(packet, frame, length, &ethertype))
		return false;
	if (ethertype != ETH_P_IP && ethertype != ETH_P_IPV6)
		return is_stranger(packet, "not IP");
	if (ethertype == ETH_P_IP ? !read_ip4(packet, &udp)
				  : !read_ip6(packet, ipv6_header_limit, &udp))
		return false;
	if (packet->length < udp + UDP_HEADER)
		return is_stranger(packet, "no whole UDP header");
	packet->udp = packet->ip + udp;
	packet->headers += UDP_HEADER;
	return true;
}

static bool answers_for(const struct em_listener *listener, const struct em_address *address)
{
	for (size_t i = 0; i < listener->n_addresses; i++) {
		if (listener->addresses[i].family == address->family &&
		    !memcmp(listener->addresses[i].bytes, address->bytes, sizeof(address->bytes)))
			return true;
	}
	return false;
}

/* Step 1.  A listener that names the address comes before one that takes any. */
static const struct em_listener *find_listener(const struct em_policy *policy,
					       const char *interface, const struct packet *packet,
					       struct em_classification *out)
{
	const struct em_listener *any = NULL;
	uint16_t port = get16(packet->udp + 2);

	out->stranger = "no listener on its port";
	for (size_t i = 0; i < policy->n_listeners; i++) {
		const struct em_listener *listener = &policy->listeners[i];

		if (listener->port != port || !em_listener_on(listener, interface))
			continue;
		out->stranger = "no listener on its port with its VLAN and address";
		out->has_port = true;
		if (listener->vlan != packet->vlan)
			continue;
		if (answers_for(listener, &packet->destination))
			return listener;
		if (listener->n_addresses == 0)
			any = listener;
	}
	return any;
}

static bool is_for_family(uint8_t family, const struct packet *packet)
{
	return family == AF_UNSPEC || family == packet->source.family;
}

/* Step 3. */
static bool source_valid(const struct em_listener *listener, const struct packet *packet)
{
	if (!is_for_family(em_listener_family(listener), packet))
		return false;
	if (listener->n_sources == 0)
		return true;
	for (size_t i = 0; i < listener->n_sources; i++) {
		if (em_prefix_holds(&listener->sources[i], &packet->source))
			return true;
	}
	return false;
}

/* Step 4.  The UDP length may claim less than its own header. */
static bool length_valid(const struct em_format *format, const struct packet *packet)
{
	long payload = (long)get16(packet->udp + 4) - UDP_HEADER;
	long need = em_format_need(format);
	long held = packet->ip + packet->length - (packet->udp + UDP_HEADER);

	return payload >= format->payload_min && payload <= format->payload_max &&
	       payload >= need && held >= need;
}

static bool number_fits(const struct em_check *check, uint64_t number)
{
	for (uint8_t i = 0; i < check->n_values; i++)
		if (number == check->values[i])
			return true;
	return !check->n_values && number >= check->min && number <= check->max;
}

static bool bytes_fit(const struct em_check *check, const uint8_t *bytes)
{
	for (size_t i = 0; i < check->length; i++) {
		if ((bytes[i] & (check->mask ? check->mask[i] : 0xff)) != check->bytes[i])
			return false;
	}
	return true;
}

static bool check_holds(const struct em_check *check, const uint8_t *payload)
{
	const uint8_t *bytes = payload + check->offset;
	bool fits = check->kind == EM_CHECK_NUMBER
			    ? number_fits(check, em_check_number(check, bytes))
			    : bytes_fit(check, bytes);

	return fits != check->negated;
}

/* Step 5: the first check that does not hold, or NULL. */
static const struct em_check *failing_check(const struct em_format *format, const uint8_t *payload)
{
	for (size_t i = 0; i < format->n_checks; i++) {
		if (!check_holds(&format->checks[i], payload))
			return &format->checks[i];
	}
	return NULL;
}

/* Steps 4 and 5.  Returns false, with *misfit, if the format does not fit. */
static bool fits(const struct em_format *format, const struct packet *packet,
		 struct em_misfit *misfit)
{
	*misfit = (struct em_misfit){.reason = EM_REASON_SOURCE};
	if (!is_for_family(em_format_family(format), packet))
		return false;
	misfit->reason = EM_REASON_LENGTH;
	if (!length_valid(format, packet))
		return false;
	misfit->reason = EM_REASON_CHECK;
	misfit->check = failing_check(format, packet->udp + UDP_HEADER);
	return !misfit->check;
}

/*
 * The first format that fits.  If there is none, the reason is "check" if the length fits one of
 * them.
 */
static void find_format(struct em_classification *out, const struct packet *packet)
{
	const struct em_listener *listener = out->listener;

	out->reason = EM_REASON_LENGTH;
	for (size_t i = 0; i < listener->n_formats; i++) {
		struct em_misfit *misfit = &out->misfits[out->n_misfits];

		if (fits(&listener->formats[i], packet, misfit)) {
			out->format = &listener->formats[i];
			return;
		}
		out->n_misfits++;
		if (misfit->reason == EM_REASON_CHECK)
			out->reason = EM_REASON_CHECK;
	}
}

void em_format_tag(const struct em_format *format, const struct em_address *source,
		   const uint8_t *payload, uint8_t tag[EM_TAG_MAX])
{
	size_t length = 0;

	for (size_t i = 0; i < format->tag.n_pieces; i++) {
		const struct em_piece *piece = &format->tag.pieces[i];

		if (piece->source == EM_PIECE_PAYLOAD)
			memcpy(tag + length, payload + piece->offset, piece->length);
		else
			memcpy(tag + length, source->bytes, piece->length);
		length += piece->length;
	}
	for (size_t i = 0; i < length; i++)
		tag[i] &= format->tag.mask[i];
}

static bool lies_within(const struct em_format *format, const uint8_t *first, const uint8_t *last,
			const struct em_entity *entity)
{
	return memcmp(first, entity->tag, format->tag.length) >= 0 &&
	       memcmp(last, em_entity_last(entity), format->tag.length) <= 0;
}

/* The innermost of those that cover it among other tags. */
static const struct em_entity *find_covering(const struct em_format *format, const uint8_t *tag)
{
	const struct em_entity *found = NULL;

	for (size_t i = format->n_exact; i < format->n_entities; i++) {
		const struct em_entity *entity = &format->entities[format->by_tag[i]];

		if (lies_within(format, tag, tag, entity) &&
		    (!found || lies_within(format, entity->tag, entity->last, found)))
			found = entity;
	}
	return found;
}

/* Step 6: the entity that the tag names. */
static const struct em_entity *find_entity(const struct em_format *format,
					   const struct packet *packet)
{
	const struct em_entity *entity;
	uint8_t tag[EM_TAG_MAX];

	em_format_tag(format, &packet->source, packet->udp + UDP_HEADER, tag);
	entity = em_format_find(format, tag, NULL);
	return entity ? entity : find_covering(format, tag);
}

/* RFC 1624, equation 3; and RFC 768: 0 says that there is no checksum. */
static uint16_t update_checksum(uint16_t checksum, uint16_t from, uint16_t to)
{
	uint32_t sum = (uint16_t)~checksum + (uint16_t)~from + to;
	uint16_t result;

	if (checksum == 0)
		return 0;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	result = ~sum;
	return result ? result : 0xffff;
}

static void rewrite_port(uint8_t *udp, uint16_t port)
{
	put16(udp + 6, update_checksum(get16(udp + 6), get16(udp + 2), port));
	put16(udp + 2, port);
}

/* Steps 6 and 7.  A copy of a fragment could never be put together. */
static void sort_valid(const struct em_format *format, const struct packet *packet,
		       struct em_classification *out)
{
	static const enum em_result results[EM_VERDICTS] = {
		[EM_PASS] = EM_PASSED, [EM_DROP] = EM_DROPPED, [EM_PORT] = EM_REWRITTEN};

	out->entity = find_entity(format, packet);
	out->result = out->entity ? results[out->entity->action.verdict] : EM_UNKNOWN;
	out->action = out->entity ? out->entity->action : format->unknown;
	if (!packet->fragment)
		out->n_copies = em_copies_of(out->listener, out->entity, out->copies);
}

void em_classify(const struct em_policy *policy, const char *interface, uint8_t *frame,
		 size_t length, struct em_classification *out)
{
	em_classify_with_limit(policy, interface, frame, length, UINT_MAX, out);
}

void em_classify_with_limit(const struct em_policy *policy, const char *interface, uint8_t *frame,
			    size_t length, unsigned int ipv6_header_limit,
			    struct em_classification *out)
{
	struct packet packet = {0};
	bool readable = read_packet(&packet, frame, length, ipv6_header_limit);

	*out = (struct em_classification){.result = EM_NOT_OURS, .headers = packet.headers};
	if (!readable) {
		out->stranger = packet.stranger;
		return;
	}
	out->listener = find_listener(policy, interface, &packet, out);
	if (!out->listener)
		return;
	out->stranger = NULL;
	out->bytes = packet.length;
	out->source = packet.source;
	out->payload = packet.udp + UDP_HEADER;
	out->reason = EM_REASON_SOURCE;
	if (source_valid(out->listener, &packet))
		find_format(out, &packet);
	if (out->format) {
		sort_valid(out->format, &packet, out);
	} else {
		out->result = EM_INVALID;
		out->action = out->listener->invalid;
	}
	if (out->action.verdict == EM_PORT)
		rewrite_port(packet.udp, out->action.port);
}

const char *em_result_name(enum em_result result)
{
	switch (result) {
	case EM_NOT_OURS:
		return "not-ours";
	case EM_REWRITTEN:
		return "rewritten";
	case EM_PASSED:
		return "passed";
	case EM_DROPPED:
		return "dropped";
	case EM_UNKNOWN:
		return "unknown";
	case EM_INVALID:
		return "invalid";
	}
	return "?";
}
