/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * packet - Ethernet frames from one-line descriptions, for tests.
 *
 * A description is words in the order of the wire; what is not said is as a well-behaved sender
 * would have it: lengths and checksums are right, addresses are 192.0.2.9 > 192.0.2.1 or
 * 2001:db8::9 > 2001:db8::1, ports 40000 > 5000.  Numbers are decimal or 0x hex.
 *
 *	ip4 udp hex:deadbeef
 *	vlan=5 ip4 opts=8 src=198.51.100.7 udp 4000>5000 len=+4 sum=0 hex:4d580001 text:PLTB pad=60
 *	ip6 hbh dopt=16 frag=0 mf udp fill:00*64 cut=-60
 *
 * Ethernet
 *	dmac=MAC smac=MAC	02:00:00:00:00:02 and 02:00:00:00:00:01
 *	vlan=TCI		an 802.1Q tag; more of them, one inside the other
 *	adtag=TCI		an 802.1ad tag
 *	type=N			ethertype, whatever follows
 * IP
 *	ip4, ip6		the header
 *	src=ADDRESS dst=ADDRESS ttl=N proto=N version=N
 *	total=LENGTH		ip4: total length; ip6: payload length
 *	opts=N			ip4: N bytes of options
 *	ihl=N			ip4: header length in words, whatever is there
 *	hbh[=N] rt[=N] dopt[=N] ah[=N] ext=TYPE
 *				ip6: an extension header of N bytes (8), any number, in this order
 *	hdrlen=N		ip6: the length byte of the extension header before, whatever is
 *there frag=OFFSET mf		fragment at a byte offset; more fragments (ip6: a fragment header)
 *
 * UDP
 *	udp [SPORT>DPORT]
 *	len=LENGTH		the length field
 *	sum=ok|bad|N		the checksum; 0 is none
 *	sum=pseudo		only that of the pseudo header, as where a device is to complete it
 *	sum=zero:PORT		right, and computed to 0 once the destination port has been changed
 *to PORT (the source port is chosen to make it so)
 *
 * Payload, any number of
 *	hex:DIGITS text:WORD fill:BYTE*COUNT
 *
 * Frame, last
 *	poke=OFFSET:BYTE	one byte of it, whatever is there
 *	cut=N, cut=-N		cut to N bytes; by N bytes
 *	pad=N			zeros up to N bytes
 *	paged			all behind the Ethernet header is in pages: ring.h
 *
 * A LENGTH is a number, or +N or -N relative to the truth.
 */
#ifndef TEST_PACKET_H
#define TEST_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACKET_MAX 70000

struct packet {
	uint8_t bytes[PACKET_MAX];
	size_t length;
	bool paged;
};

/* Builds the frame.  A mistake in the description is printed, and ends the program. */
void packet_build(struct packet *packet, const char *description);

#endif
