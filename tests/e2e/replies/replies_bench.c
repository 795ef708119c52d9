/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * replies_bench - the sockets of the conversations, and the steps.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "replies.h"
#include "tests/lib/rig_parts.h"

#define TIMEOUT_MS   1000
#define DATAGRAM_MAX 65536
#define SEGMENTS     3
#define NAME_TEXT    (INET6_ADDRSTRLEN + 8)

static const uint16_t ports[REPLIES_PORTS] = {
	5000, 5001, 5002, 6001, 6002, 6008, 6101, 6102, 6201, 7001, 9999,
};

/* The addresses of replies.sh, IPv4 and IPv6. */
static const char *const server_addresses[REPLIES_PLACES][2][2] = {
	{{"192.0.2.1", "192.0.2.2"}, {"2001:db8:1::1", "2001:db8:1::2"}},
	{{"203.0.113.9", "203.0.113.10"}, {"2001:db8:3::9", "2001:db8:3::a"}},
	{{"10.0.5.1", "10.0.5.2"}, {"2001:db8:5::1", "2001:db8:5::2"}},
};
static const char *const client_addresses[2][2] = {{"192.0.2.9", "192.0.2.10"},
						   {"2001:db8:1::9", "2001:db8:1::a"}};
static const char *const vlan_addresses[2][2] = {{"10.0.5.9", "10.0.5.10"},
						 {"2001:db8:5::9", "2001:db8:5::a"}};
/* On each wire the same. */
static const char link_server[] = "fe80::1", link_peer[] = "fe80::9";
static const char *const other_addresses[2][2] = {{"198.51.100.9", "198.51.100.10"},
						  {"2001:db8:2::9", "2001:db8:2::a"}};

void replies_die(const char *what)
{
	fprintf(stderr, "replies: %s: %s\n", what, strerror(errno));
	exit(2);
}

void replies_fail(struct replies_bench *bench, const char *format, ...)
{
	va_list arguments;

	bench->failures++;
	printf("  | step %u: ", bench->steps);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
}

static bool is_ip6(const struct replies_bench *bench)
{
	return bench->family == AF_INET6;
}

static void name_make(const struct replies_bench *bench, const char *address, uint16_t port,
		      struct replies_name *name)
{
	memset(name, 0, sizeof(*name));
	name->any.sa_family = bench->family;
	name->length = is_ip6(bench) ? sizeof(name->ip6) : sizeof(name->ip4);
	/* The port is at the same place in both. */
	name->ip4.sin_port = htons(port);
	if (inet_pton(bench->family, address,
		      is_ip6(bench) ? (void *)&name->ip6.sin6_addr : (void *)&name->ip4.sin_addr) !=
	    1)
		replies_die(address);
}

static bool name_equal(const struct replies_name *a, const struct replies_name *b)
{
	if (a->any.sa_family != b->any.sa_family || a->ip4.sin_port != b->ip4.sin_port)
		return false;
	if (a->any.sa_family == AF_INET6)
		return !memcmp(&a->ip6.sin6_addr, &b->ip6.sin6_addr, sizeof(a->ip6.sin6_addr));
	return a->ip4.sin_addr.s_addr == b->ip4.sin_addr.s_addr;
}

static const char *name_text(const struct replies_name *name, char text[NAME_TEXT])
{
	size_t length;

	inet_ntop(name->any.sa_family,
		  name->any.sa_family == AF_INET6 ? (const void *)&name->ip6.sin6_addr
						  : (const void *)&name->ip4.sin_addr,
		  text, INET6_ADDRSTRLEN);
	length = strlen(text);
	snprintf(text + length, NAME_TEXT - length, ".%u", ntohs(name->ip4.sin_port));
	return text;
}

void replies_enter(const struct replies_bench *bench, enum replies_host host)
{
	if (setns(bench->namespaces[host], CLONE_NEWNET))
		replies_die("setns");
}

static void option(int fd, int level, int name, int value)
{
	if (setsockopt(fd, level, name, &value, sizeof(value)))
		replies_die("setsockopt");
}

/* On a link it belongs to the interface, and so does what it sends to. */
static int udp_socket(const struct replies_bench *bench, const struct replies_name *at,
		      const char *interface)
{
	int fd = socket(bench->family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct replies_name name = *at;

	if (fd < 0)
		replies_die("socket");
	if (is_ip6(bench))
		option(fd, IPPROTO_UDP, UDP_NO_CHECK6_RX, 1);
	if (bench->link)
		name.ip6.sin6_scope_id = if_nametoindex(interface);
	if (bind(fd, &name.any, name.length))
		replies_die("bind");
	return fd;
}

static void set_checksum(const struct replies_bench *bench, int fd)
{
	if (is_ip6(bench))
		option(fd, IPPROTO_UDP, UDP_NO_CHECK6_TX, bench->no_checksum);
	else
		option(fd, SOL_SOCKET, SO_NO_CHECK, bench->no_checksum);
}

int replies_server(struct replies_bench *bench, unsigned int address, uint16_t port,
		   struct replies_name *name)
{
	replies_enter(bench, bench->place == REPLIES_ROUTED ? REPLIES_BEHIND : REPLIES_ROUTER);
	name_make(bench,
		  bench->link ? link_server
			      : server_addresses[bench->place][is_ip6(bench)][address],
		  port, name);
	return udp_socket(bench, name, bench->link);
}

/* Sees what a sender receives, frame by frame. */
static int sniffer(const struct replies_bench *bench, enum replies_host host)
{
	int fd;

	replies_enter(bench, host);
	fd = rig_packet_socket("tx0", true);
	if (fcntl(fd, F_SETFL, O_NONBLOCK))
		replies_die("sniffer");
	return fd;
}

void replies_open(struct replies_bench *bench)
{
	for (int i = 0; i < REPLIES_PORTS; i++)
		bench->servers[i] = replies_server(bench, 0, ports[i], &bench->server);
	for (int i = 0; i < REPLIES_SENDERS; i++)
		bench->sniffers[i] = sniffer(bench, i);
}

static int *server_of(struct replies_bench *bench, uint16_t port)
{
	for (int i = 0; i < REPLIES_PORTS; i++)
		if (ports[i] == port)
			return &bench->servers[i];
	errno = ENOENT;
	replies_die("no server on this port");
}

void replies_restart(struct replies_bench *bench, uint16_t port)
{
	int *server = server_of(bench, port);
	struct replies_name name;

	close(*server);
	*server = replies_server(bench, 0, port, &name);
}

struct replies_peer replies_peer(struct replies_bench *bench, enum replies_host host,
				 unsigned int address)
{
	struct replies_peer peer = {.host = host};
	const char *text = bench->link ? link_peer
				       : (host == REPLIES_OTHER ? other_addresses
					  : bench->place == REPLIES_VLAN
						  ? vlan_addresses
						  : client_addresses)[is_ip6(bench)][address];

	replies_enter(bench, host);
	name_make(bench, text, bench->next_port++, &peer.name);
	peer.fd = udp_socket(bench, &peer.name, "tx0");
	return peer;
}

struct replies_name replies_server_name(const struct replies_bench *bench, uint16_t port)
{
	struct replies_name name = bench->server;

	name.ip4.sin_port = htons(port);
	return name;
}

void replies_connect(struct replies_bench *bench, struct replies_peer *peer, uint16_t port)
{
	struct replies_name name = replies_server_name(bench, port);

	if (connect(peer->fd, &name.any, name.length))
		replies_die("connect");
}

size_t replies_make(struct replies_bench *bench, uint32_t tag, uint8_t *bytes)
{
	struct replies_payload payload = {.magic = {'R', 'P', 'L', 'Y'}, .number = ++bench->number};
	size_t length = bench->length ? bench->length : sizeof(payload);

	for (int i = 0; i < 4; i++)
		payload.tag[i] = (uint8_t)(tag >> (24 - 8 * i));
	memcpy(bytes, &payload, sizeof(payload));
	for (size_t i = sizeof(payload); i < length; i++)
		bytes[i] = (uint8_t)(bench->number + i % 251);
	return length;
}

static void send_to(struct replies_bench *bench, int fd, uint32_t tag,
		    const struct replies_name *to)
{
	static uint8_t bytes[DATAGRAM_MAX];
	struct sockaddr_storage connected;
	socklen_t size = sizeof(connected);
	size_t length = replies_make(bench, tag, bytes);
	bool is_connected = !getpeername(fd, (struct sockaddr *)&connected, &size);

	set_checksum(bench, fd);
	if (sendto(fd, bytes, length, 0, is_connected ? NULL : &to->any,
		   is_connected ? 0 : to->length) != (ssize_t)length)
		replies_fail(bench, "cannot send: %s", strerror(errno));
}

/* The expected datagram: same number, same bytes.  What is left of others is thrown away. */
static bool take(struct replies_bench *bench, int fd, struct replies_name *from)
{
	static uint8_t bytes[DATAGRAM_MAX], expected[DATAGRAM_MAX];
	struct replies_payload payload;
	ssize_t length;

	for (;;) {
		from->length = sizeof(from->ip6);
		length = recvfrom(fd, bytes, sizeof(bytes), 0, &from->any, &from->length);
		if (length < (ssize_t)sizeof(payload))
			return false;
		memcpy(&payload, bytes, sizeof(payload));
		if (payload.number == bench->number)
			break;
	}
	bench->number--;
	if ((size_t)length != replies_make(bench, 0, expected) ||
	    memcmp(bytes + sizeof(payload), expected + sizeof(payload), length - sizeof(payload)))
		replies_fail(bench, "%zd bytes, which are not those that were sent", length);
	return true;
}

/* The next frame of a sniffer, or -1; `complete`: a device has nothing left to do about it. */
static ssize_t next_frame(int sniffer, uint8_t *bytes, bool *complete)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	} control;
	struct iovec iov = {bytes, DATAGRAM_MAX};
	struct msghdr message = {.msg_iov = &iov,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	ssize_t length = recvmsg(sniffer, &message, 0);
	struct tpacket_auxdata aux = {0};

	if (length > 0 && CMSG_FIRSTHDR(&message))
		memcpy(&aux, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(aux));
	*complete = !(aux.tp_status & TP_STATUS_CSUMNOTREADY);
	return length;
}

/* Checksums of the frames behind the socket; a receiver that trusts its device checks none. */
static void sniff(struct replies_bench *bench, enum replies_host host)
{
	static uint8_t bytes[DATAGRAM_MAX];
	struct replies_frame frame;
	ssize_t length;
	bool complete;

	while ((length = next_frame(bench->sniffers[host], bytes, &complete)) > 0) {
		if (!replies_frame(bytes, length, &frame))
			continue;
		if (complete && !replies_checksum(&frame))
			replies_fail(bench, "a checksum of protocol %u is wrong", frame.protocol);
		if (frame.protocol == IPPROTO_UDP)
			memcpy(&bench->last_checksum, frame.payload + 6,
			       sizeof(bench->last_checksum));
	}
}

static bool wait_for(int fd)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};

	return poll(&wait, 1, TIMEOUT_MS) > 0;
}

/* Where the datagram arrives; 0: nowhere. */
static uint16_t arrival(struct replies_bench *bench, struct replies_name *from)
{
	struct pollfd wait[REPLIES_PORTS];

	for (int i = 0; i < REPLIES_PORTS; i++)
		wait[i] = (struct pollfd){.fd = bench->servers[i], .events = POLLIN};
	while (poll(wait, REPLIES_PORTS, TIMEOUT_MS) > 0)
		for (int i = 0; i < REPLIES_PORTS; i++)
			if (wait[i].revents && take(bench, wait[i].fd, from))
				return ports[i];
	return 0;
}

void replies_ask(struct replies_bench *bench, const struct replies_peer *peer, uint16_t to,
		 uint32_t tag, uint16_t arrives)
{
	struct replies_name name = replies_server_name(bench, to), from;
	char expected[NAME_TEXT], seen[NAME_TEXT];
	uint16_t port;

	bench->steps++;
	send_to(bench, peer->fd, tag, &name);
	port = arrival(bench, &from);
	if (port != arrives)
		replies_fail(bench, "tag %u to port %u is on port %u, not %u", tag, to, port,
			     arrives);
	if (port && !name_equal(&from, &peer->name))
		replies_fail(bench, "tag %u to port %u comes from %s, not %s", tag, to,
			     name_text(&from, seen), name_text(&peer->name, expected));
}

/* A socket that receives what is sent to many hosts, on the wire to the client. */
static int group_socket(struct replies_bench *bench, const char *group, struct replies_name *name)
{
	unsigned int in0;
	int fd;

	replies_enter(bench, REPLIES_ROUTER);
	in0 = if_nametoindex("in0");
	fd = udp_socket(bench, name, "in0");
	if (is_ip6(bench)) {
		struct ipv6_mreq join = {.ipv6mr_multiaddr = name->ip6.sin6_addr,
					 .ipv6mr_interface = in0};

		if (setsockopt(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &join, sizeof(join)))
			replies_die(group);
	} else if (IN_MULTICAST(ntohl(name->ip4.sin_addr.s_addr))) {
		struct ip_mreqn join = {.imr_multiaddr = name->ip4.sin_addr,
					.imr_ifindex = (int)in0};

		if (setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &join, sizeof(join)))
			replies_die(group);
	}
	return fd;
}

void replies_ask_group(struct replies_bench *bench, const struct replies_peer *peer,
		       const char *group, uint16_t to, uint32_t tag, uint16_t arrives)
{
	struct replies_name name, from;
	int server;

	name_make(bench, group, arrives, &name);
	server = group_socket(bench, group, &name);
	name.ip4.sin_port = htons(to);
	if (!is_ip6(bench))
		option(peer->fd, SOL_SOCKET, SO_BROADCAST, 1);
	bench->steps++;
	send_to(bench, peer->fd, tag, &name);
	if (!wait_for(server) || !take(bench, server, &from))
		replies_fail(bench, "tag %u to %s does not arrive on port %u", tag, group, arrives);
	close(server);
}

void replies_answer_by(struct replies_bench *bench, int server, const struct replies_peer *peer,
		       const struct replies_name *seen)
{
	char to[NAME_TEXT], expected[NAME_TEXT], found[NAME_TEXT];
	struct replies_name from;

	bench->steps++;
	send_to(bench, server, 0, &peer->name);
	name_text(&peer->name, to);
	name_text(seen, expected);
	if (!wait_for(peer->fd) || !take(bench, peer->fd, &from))
		replies_fail(bench, "an answer to %s, expected from %s, does not arrive", to,
			     expected);
	else if (!name_equal(&from, seen))
		replies_fail(bench, "an answer to %s comes from %s, not %s", to,
			     name_text(&from, found), expected);
	sniff(bench, peer->host);
}

void replies_answer(struct replies_bench *bench, uint16_t from, const struct replies_peer *peer,
		    uint16_t seen)
{
	struct replies_name name = replies_server_name(bench, seen);

	replies_answer_by(bench, *server_of(bench, from), peer, &name);
}

static void take_segments(struct replies_bench *bench, uint32_t first,
			  const struct replies_peer *peer, uint16_t seen)
{
	struct replies_name name = replies_server_name(bench, seen), source;

	for (bench->number = first + 1; bench->number <= first + SEGMENTS; bench->number++)
		if (!wait_for(peer->fd) || !take(bench, peer->fd, &source))
			replies_fail(bench, "segment %u does not arrive", bench->number - first);
		else if (!name_equal(&source, &name))
			replies_fail(bench, "segment %u comes from port %u, not %u",
				     bench->number - first, ntohs(source.ip4.sin_port), seen);
}

/* Older kernels (6.1) send none through a device that sums nothing up: then there is nothing to
 * see. */
void replies_segments(struct replies_bench *bench, uint16_t from, const struct replies_peer *peer,
		      uint16_t seen)
{
	uint8_t bytes[SEGMENTS * sizeof(struct replies_payload)];
	int server = *server_of(bench, from);
	uint32_t first = bench->number;
	int error;

	bench->steps++;
	for (int i = 0; i < SEGMENTS; i++)
		replies_make(bench, 0, bytes + i * sizeof(struct replies_payload));
	option(server, IPPROTO_UDP, UDP_SEGMENT, sizeof(struct replies_payload));
	error = sendto(server, bytes, sizeof(bytes), 0, &peer->name.any, peer->name.length) < 0
			? errno
			: 0;
	option(server, IPPROTO_UDP, UDP_SEGMENT, 0);
	if (error && error != EIO)
		replies_fail(bench, "cannot send segments: %s", strerror(error));
	if (!error)
		take_segments(bench, first, peer, seen);
	bench->number = first + SEGMENTS + 1;
	sniff(bench, peer->host);
}

/*
 * The quote names the port the peer knows.  Its checksum is that of the datagram as it was sent,
 * where that is complete (the client leaves it to a device that does not) and so is the quote.
 */
static void check_quote(struct replies_bench *bench, const struct replies_peer *peer, uint16_t to,
			const struct replies_frame *error)
{
	struct replies_frame quote;
	uint16_t words[3]; /* source port, destination port, length */

	if (!replies_checksum(error))
		replies_fail(bench, "the checksum of the ICMP error is wrong");
	if (!replies_packet(error->payload + 8, error->length - 8, true, &quote) ||
	    quote.protocol != IPPROTO_UDP || quote.length < 8) {
		replies_fail(bench, "the ICMP error quotes no UDP datagram");
		return;
	}
	memcpy(words, quote.payload, sizeof(words));
	if (words[0] != peer->name.ip4.sin_port || ntohs(words[1]) != to)
		replies_fail(bench, "the ICMP error quotes ports %u > %u, not %u > %u",
			     ntohs(words[0]), ntohs(words[1]), ntohs(peer->name.ip4.sin_port), to);
	if (peer->host == REPLIES_OTHER && ntohs(words[2]) == quote.length &&
	    !replies_checksum(&quote))
		replies_fail(bench, "the ICMP error quotes a checksum that was not sent");
}

/* Reads on to the ICMP error, on the wire. */
static bool find_error(struct replies_bench *bench, enum replies_host host, uint8_t *bytes,
		       struct replies_frame *frame)
{
	uint8_t unreachable = is_ip6(bench) ? 1 : 3;
	ssize_t length;

	while (wait_for(bench->sniffers[host])) {
		length = recv(bench->sniffers[host], bytes, DATAGRAM_MAX, 0);
		if (length > 0 && replies_frame(bytes, length, frame) &&
		    frame->protocol == (is_ip6(bench) ? IPPROTO_ICMPV6 : IPPROTO_ICMP) &&
		    frame->payload[0] == unreachable)
			return true;
	}
	return false;
}

void replies_refused(struct replies_bench *bench, struct replies_peer *peer, uint16_t to,
		     uint32_t tag)
{
	static uint8_t bytes[DATAGRAM_MAX];
	struct replies_name name = replies_server_name(bench, to);
	struct replies_frame frame;
	char byte;

	bench->steps++;
	sniff(bench, peer->host);
	send_to(bench, peer->fd, tag, &name);
	if (!find_error(bench, peer->host, bytes, &frame)) {
		replies_fail(bench, "no ICMP error arrives");
		return;
	}
	check_quote(bench, peer, to, &frame);
	if (!wait_for(peer->fd) || recv(peer->fd, &byte, 1, 0) >= 0 || errno != ECONNREFUSED)
		replies_fail(bench, "the socket is not told: expected ECONNREFUSED");
}

void replies_apply(const struct replies_bench *bench, const char *name)
{
	char backend[64], config[512];
	int status;
	pid_t child;

	snprintf(backend, sizeof(backend), "--backend=%s", bench->backend);
	snprintf(config, sizeof(config), "%s/%s.conf", bench->folder, name);
	fflush(NULL);
	child = fork();
	if (child < 0)
		replies_die("fork");
	if (child == 0) {
		replies_enter(bench, REPLIES_ROUTER);
		/* What it prints is for people. */
		if (!freopen("/dev/null", "w", stdout))
			replies_die("/dev/null");
		execl(bench->entitymux, "entitymux", "apply", backend, config, NULL);
		replies_die(bench->entitymux);
	}
	errno = EPROTO;
	if (waitpid(child, &status, 0) < 0 || status)
		replies_die("apply");
}
