/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * shrink - a disagreement over many packets and a large policy, made as small as it goes.
 */
#include "shrink.h"

#include <stdlib.h>
#include <string.h>

/* Each trial applies a policy; a shrinker that takes minutes is worse than a larger result. */
#define TRIALS_MAX 600
/* Packets are simplified one by one once there are no more than this. */
#define FEW 4

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

struct work {
	struct trial_host *host;
	struct shrink *shrink;
	unsigned int trials;
};

static bool disagrees(enum trial_outcome outcome)
{
	return outcome == TRIAL_FRAMES || outcome == TRIAL_COUNTERS;
}

/* Whether the disagreement is still there; if so, this is the new result. */
static bool still(struct work *work, const struct model_policy *policy,
		  const struct model_packet *packets, size_t n_packets)
{
	struct shrink *shrink = work->shrink;
	struct trial_result result;
	struct trial trial;

	if (work->trials++ >= TRIALS_MAX)
		return false;
	if (!trial_open(&trial, work->host->ipv6_header_limit, policy, packets, n_packets, NULL))
		return false;
	result.outcome = TRIAL_AGREED;
	if (trial.n_packets || !n_packets)
		trial_run(work->host, &trial, shrink->backend, &result);
	trial_close(&trial);
	if (result.outcome != shrink->result.outcome &&
	    !(disagrees(result.outcome) && disagrees(shrink->result.outcome)))
		return false;
	shrink->result = result;
	return true;
}

static void keep(struct shrink *shrink, const struct model_packet *packets, size_t n_packets)
{
	memmove(shrink->packets, packets, n_packets * sizeof(*packets));
	shrink->n_packets = n_packets;
}

/* Tries to do without `count` packets from `first` on. */
static bool drop_packets(struct work *work, size_t first, size_t count)
{
	struct shrink *shrink = work->shrink;
	size_t rest = shrink->n_packets - first - count;
	struct model_packet *fewer = calloc(shrink->n_packets, sizeof(*fewer));
	bool dropped = false;

	if (!fewer)
		return false;
	memcpy(fewer, shrink->packets, first * sizeof(*fewer));
	memcpy(fewer + first, shrink->packets + first + count, rest * sizeof(*fewer));
	if (still(work, &shrink->policy, fewer, first + rest)) {
		keep(shrink, fewer, first + rest);
		dropped = true;
	}
	free(fewer);
	return dropped;
}

static void shrink_packets(struct work *work)
{
	struct shrink *shrink = work->shrink;
	size_t guilty = shrink->result.packet;

	if (shrink->result.outcome == TRIAL_NOT_APPLIED) {
		shrink->n_packets = 0;
		return;
	}
	if (shrink->result.outcome == TRIAL_FRAMES &&
	    still(work, &shrink->policy, &shrink->packets[guilty], 1)) {
		keep(shrink, &shrink->packets[guilty], 1);
		return;
	}
	for (size_t count = shrink->n_packets / 2; count; count /= 2)
		for (size_t first = 0; first + count <= shrink->n_packets;)
			if (shrink->n_packets == 1 || !drop_packets(work, first, count))
				first += count;
}

/* Removes element i of an array of n. */
#define REMOVE(array, n, i)                                                                        \
	do {                                                                                       \
		memmove(&(array)[i], &(array)[(i) + 1], ((n) - (i)-1) * sizeof((array)[0]));       \
		(n)--;                                                                             \
	} while (0)

/*
 * An edit makes a policy or a packet simpler in its way number i, and returns false where it has
 * no more such ways.
 */

static bool drop_entity(struct model_listener *listener, unsigned int i)
{
	if (i >= listener->n_entities)
		return false;
	REMOVE(listener->entities, listener->n_entities, i);
	return true;
}

static bool drop_address(struct model_listener *listener, unsigned int i)
{
	if (i >= listener->n_addresses)
		return false;
	REMOVE(listener->addresses, listener->n_addresses, i);
	return true;
}

static bool drop_source(struct model_listener *listener, unsigned int i)
{
	if (i >= listener->n_sources)
		return false;
	REMOVE(listener->sources, listener->n_sources, i);
	return true;
}

static bool drop_check(struct model_listener *listener, unsigned int i)
{
	if (i >= listener->n_checks)
		return false;
	REMOVE(listener->checks, listener->n_checks, i);
	return true;
}

static bool unmask_check(struct model_listener *listener, unsigned int i)
{
	if (i >= listener->n_checks)
		return false;
	listener->checks[i].masked = false;
	return true;
}

static bool affirm_check(struct model_listener *listener, unsigned int i)
{
	if (i >= listener->n_checks)
		return false;
	listener->checks[i].negated = false;
	return true;
}

/* All but its first half. */
static bool drop_values(struct model_listener *listener, unsigned int i)
{
	if (i >= listener->n_checks)
		return false;
	listener->checks[i].n_values = (listener->checks[i].n_values + 1) / 2;
	return true;
}

/* To its first half. */
static bool shorten_check(struct model_listener *listener, unsigned int i)
{
	if (i >= listener->n_checks)
		return false;
	if (listener->checks[i].kind == EM_CHECK_BYTES)
		listener->checks[i].length = (listener->checks[i].length + 1) / 2;
	return true;
}

static void cut_out(uint8_t *bytes, unsigned int at, unsigned int length)
{
	memmove(bytes + at, bytes + at + length, EM_TAG_MAX - at - length);
}

static bool drop_piece(struct model_listener *listener, unsigned int i)
{
	unsigned int at = 0, length;

	if (i >= listener->n_pieces || listener->n_pieces == 1)
		return false;
	length = listener->pieces[i].length;
	for (unsigned int j = 0; j < i; j++)
		at += listener->pieces[j].length;
	cut_out(listener->mask, at, length);
	for (uint8_t j = 0; j < listener->n_entities; j++) {
		cut_out(listener->entities[j].tag, at, length);
		cut_out(listener->entities[j].last, at, length);
	}
	REMOVE(listener->pieces, listener->n_pieces, i);
	return true;
}

/* Some payload in place of a field. */
static bool plain_piece(struct model_listener *listener, unsigned int i)
{
	if (i >= listener->n_pieces)
		return false;
	listener->pieces[i].source = EM_PIECE_PAYLOAD;
	return true;
}

static bool plain_entity(struct model_listener *listener, unsigned int i)
{
	if (i >= listener->n_entities)
		return false;
	listener->entities[i].action.verdict = EM_PORT;
	return true;
}

/* With its first tag only. */
static bool narrow_entity(struct model_listener *listener, unsigned int i)
{
	if (i >= listener->n_entities)
		return false;
	memcpy(listener->entities[i].last, listener->entities[i].tag, EM_TAG_MAX);
	return true;
}

static bool plain_listener(struct model_listener *listener, unsigned int i)
{
	switch (i) {
	case 0:
		listener->masked = false;
		return true;
	case 1:
		listener->payload_min = MODEL_UNSET;
		return true;
	case 2:
		listener->payload_max = MODEL_UNSET;
		return true;
	case 3:
		listener->unknown.verdict = EM_PASS;
		return true;
	case 4:
		listener->invalid.verdict = EM_DROP;
		return true;
	case 5:
		listener->vlan = 0;
		return true;
	case 6:
		listener->interfaces = 1;
		return true;
	case 7:
		listener->copies.n = listener->unknown_copies.n = 0;
		for (uint8_t j = 0; j < listener->n_entities; j++)
			listener->entities[j].copies.n = 0;
		return true;
	default:
		return false;
	}
}

static void shrink_listener(struct work *work, size_t index)
{
	static bool (*const edits[])(struct model_listener *, unsigned int) = {
		drop_entity,  drop_address,  drop_source,    drop_check, unmask_check,
		affirm_check, drop_values,   shorten_check,  drop_piece, plain_piece,
		plain_entity, narrow_entity, plain_listener,
	};
	struct shrink *shrink = work->shrink;
	struct model_policy *policy = malloc(sizeof(*policy));

	for (size_t e = 0; policy && e < ARRAY_SIZE(edits); e++) {
		for (unsigned int i = 0;;) {
			*policy = shrink->policy;
			if (!edits[e](&policy->listeners[index], i))
				break;
			if (memcmp(policy, &shrink->policy, sizeof(*policy)) != 0 &&
			    still(work, policy, shrink->packets, shrink->n_packets))
				shrink->policy = *policy;
			else
				i++;
		}
	}
	free(policy);
}

static void drop_listeners(struct work *work)
{
	struct shrink *shrink = work->shrink;
	struct model_policy *policy = malloc(sizeof(*policy));

	for (size_t i = 0; policy && i < shrink->policy.n_listeners && policy;) {
		*policy = shrink->policy;
		REMOVE(policy->listeners, policy->n_listeners, i);
		if (policy->n_listeners && still(work, policy, shrink->packets, shrink->n_packets))
			shrink->policy = *policy;
		else
			i++;
	}
	free(policy);
}

static bool drop_tag(struct model_packet *packet, unsigned int i)
{
	if (i >= packet->n_tags)
		return false;
	REMOVE(packet->tags, packet->n_tags, i);
	return true;
}

static bool drop_poke(struct model_packet *packet, unsigned int i)
{
	if (i >= packet->n_pokes)
		return false;
	REMOVE(packet->pokes, packet->n_pokes, i);
	return true;
}

static bool drop_extension(struct model_packet *packet, unsigned int i)
{
	if (i >= packet->n_extensions)
		return false;
	REMOVE(packet->extensions, packet->n_extensions, i);
	return true;
}

static bool plain_extension(struct model_packet *packet, unsigned int i)
{
	struct model_extension *extension = &packet->extensions[i / 2];

	if (i / 2 >= packet->n_extensions)
		return false;
	if (i % 2)
		extension->hdrlen = MODEL_UNSET;
	else if (extension->length > 8)
		extension->length = 8;
	return true;
}

static bool plain_ethernet(struct model_packet *packet, unsigned int i)
{
	switch (i) {
	case 0:
		packet->cast = MODEL_UNICAST;
		return true;
	case 1:
		packet->type = MODEL_UNSET;
		return true;
	case 2:
		packet->cut = 0;
		return true;
	case 3:
		packet->cut /= 2;
		return true;
	case 4:
		packet->pppoe = false;
		return true;
	case 5:
		packet->paged = false;
		return true;
	default:
		return false;
	}
}

static bool plain_ip(struct model_packet *packet, unsigned int i)
{
	switch (i) {
	case 0:
		packet->version = MODEL_UNSET;
		return true;
	case 1:
		packet->protocol = MODEL_UNSET;
		return true;
	case 2:
		packet->total = (struct model_length){0};
		return true;
	case 3:
		packet->options = 0;
		return true;
	case 4:
		packet->ihl = MODEL_UNSET;
		return true;
	case 5:
		packet->fragment = MODEL_UNSET;
		return true;
	case 6:
		packet->source.family = 0;
		return true;
	case 7:
		packet->destination.family = 0;
		return true;
	default:
		return false;
	}
}

static bool plain_udp(struct model_packet *packet, unsigned int i)
{
	switch (i) {
	case 0:
		packet->udp_length = (struct model_length){0};
		return true;
	case 1:
		packet->checksum = MODEL_SUM_OK;
		return true;
	case 2:
		packet->from = 40000;
		return true;
	case 3:
		packet->length /= 2;
		return true;
	case 4:
		packet->length -= packet->length > 0;
		return true;
	default:
		return false;
	}
}

static bool zero_payload(struct model_packet *packet, unsigned int i)
{
	size_t at = 8 * (size_t)i;

	if (at >= packet->length)
		return false;
	memset(packet->payload + at, 0, packet->length - at < 8 ? packet->length - at : 8);
	return true;
}

static void shrink_packet(struct work *work, size_t index)
{
	static bool (*const edits[])(struct model_packet *, unsigned int) = {
		drop_tag,	drop_poke, drop_extension, plain_extension,
		plain_ethernet, plain_ip,  plain_udp,	   zero_payload,
	};
	struct shrink *shrink = work->shrink;
	struct model_packet *packet = &shrink->packets[index], before;

	for (size_t e = 0; e < ARRAY_SIZE(edits); e++) {
		for (unsigned int i = 0;;) {
			before = *packet;
			if (!edits[e](packet, i))
				break;
			if (memcmp(packet, &before, sizeof(before)) != 0 &&
			    still(work, &shrink->policy, shrink->packets, shrink->n_packets))
				continue;
			*packet = before;
			i++;
		}
	}
}

void shrink(struct trial_host *host, struct shrink *shrink)
{
	struct work work = {.host = host, .shrink = shrink};

	shrink_packets(&work);
	drop_listeners(&work);
	for (size_t i = 0; i < shrink->policy.n_listeners; i++)
		shrink_listener(&work, i);
	for (size_t i = 0; shrink->n_packets <= FEW && i < shrink->n_packets; i++)
		shrink_packet(&work, i);
}
