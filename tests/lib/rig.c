/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * rig - two network namespaces in which every frame that a policy lets pass can be seen whole.
 */
#include "tests/lib/rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/rig_parts.h"

#define SENTINEL_ETHERTYPE 0x88b5 /* IEEE 802, local experimental */
#define SENTINEL_LENGTH	   (ETH_HLEN + 4)
#define UP_MS		   30000
#define POLL_MS		   20

static void make_links(int sender_namespace)
{
	char script[1024];

	snprintf(script, sizeof(script),
		 "sender=/proc/%d/fd/%d\n"
		 "ip link add bridge type bridge stp_state 0 forward_delay 0 ageing_time 0 "
		 "mcast_snooping 0\n"
		 "for pair in tx0:in0 tx1:in1 capture:out; do\n"
		 "  ip link add ${pair#*:} type veth peer name ${pair%%:*} netns $sender\n"
		 "  ip link set ${pair#*:} master bridge up\n"
		 "done\n"
		 "ip link set bridge up\n",
		 getpid(), sender_namespace);
	rig_shell(script);
}

static void open_sockets(struct rig *rig)
{
	static const char *const interfaces[] = {"tx0", "tx1", "capture"};

	rig_no_offloads(interfaces, 3);
	rig_shell("for i in tx0 tx1 capture; do ip link set $i up; done\n");
	rig->senders[0] = rig_packet_socket("tx0", false);
	rig->senders[1] = rig_packet_socket("tx1", false);
	ring_open(&rig->rings[0], "tx0");
	ring_open(&rig->rings[1], "tx1");
	rig->capture = rig_packet_socket("capture", true);
	rig_prepare_capture(rig->capture);
}

int rig_send_sentinel(struct rig *rig, unsigned int interface)
{
	uint8_t frame[SENTINEL_LENGTH] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1};
	uint16_t type = htons(SENTINEL_ETHERTYPE);

	rig->sentinels++;
	memcpy(frame + 12, &type, sizeof(type));
	memcpy(frame + ETH_HLEN, &rig->sentinels, sizeof(rig->sentinels));
	return send(rig->senders[interface], frame, sizeof(frame), 0) < 0 ? -errno : 0;
}

bool rig_is_sentinel(const uint8_t *frame, size_t length, uint32_t *number)
{
	uint16_t type = htons(SENTINEL_ETHERTYPE);

	if (length != SENTINEL_LENGTH || memcmp(frame + 12, &type, sizeof(type)) != 0)
		return false;
	memcpy(number, frame + ETH_HLEN, sizeof(*number));
	return true;
}

size_t rig_put_tag_back(uint8_t *frame, size_t length, const struct tpacket_auxdata *aux)
{
	uint16_t tag[2] = {htons(aux->tp_vlan_tpid), htons(aux->tp_vlan_tci)};

	memmove(frame + 16, frame + 12, length - 12);
	memcpy(frame + 12, tag, sizeof(tag));
	return length + sizeof(tag);
}

static int receive(const struct rig *rig, struct packet *frame, int timeout_ms)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	} control;
	struct iovec iov = {frame->bytes, sizeof(frame->bytes) - 4};
	struct msghdr message = {.msg_iov = &iov,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	struct pollfd wait = {.fd = rig->capture, .events = POLLIN};
	const struct cmsghdr *header;
	ssize_t length;

	if (poll(&wait, 1, timeout_ms) == 0)
		return -ETIMEDOUT;
	length = recvmsg(rig->capture, &message, 0);
	if (length < 0)
		return -errno;
	frame->length = length;
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_level == SOL_PACKET && header->cmsg_type == PACKET_AUXDATA) {
		struct tpacket_auxdata aux;

		memcpy(&aux, CMSG_DATA(header), sizeof(aux));
		if (aux.tp_status & TP_STATUS_VLAN_VALID)
			frame->length = rig_put_tag_back(frame->bytes, length, &aux);
	}
	return 0;
}

/* A link comes up some time after it has been told to, and drops what comes before. */
static void wait_until_up(struct rig *rig, unsigned int interface)
{
	struct packet frame;
	uint32_t sentinel;

	for (int waited = 0; waited < UP_MS; waited += POLL_MS) {
		(void)rig_send_sentinel(rig, interface);
		if (receive(rig, &frame, POLL_MS) == 0 &&
		    rig_is_sentinel(frame.bytes, frame.length, &sentinel))
			return;
	}
	errno = ETIMEDOUT;
	rig_die("waiting for the links");
}

void rig_open(struct rig *rig)
{
	static const char *const interfaces[] = {"in0", "in1", "out"};
	int sender, host;

	*rig = (struct rig){0};
	sender = rig_new_namespace();
	host = rig_new_namespace();
	rig_private_mounts();
	/* These exist where br_netfilter is loaded, and would take frames through iptables. */
	rig_write_file("/proc/sys/net/bridge/bridge-nf-call-iptables", "0");
	rig_write_file("/proc/sys/net/bridge/bridge-nf-call-ip6tables", "0");
	rig_write_file("/proc/sys/net/bridge/bridge-nf-call-arptables", "0");
	make_links(sender);
	rig_no_offloads(interfaces, 3);
	rig_enter(sender);
	open_sockets(rig);
	rig_enter(host);
	for (unsigned int i = 0; i < RIG_INTERFACES; i++)
		wait_until_up(rig, i);
}

static void send_frame(struct rig *rig, unsigned int interface, const struct packet *frame)
{
	int err = 0;

	if (frame->paged)
		err = ring_send(&rig->rings[interface], frame->bytes, frame->length);
	else if (send(rig->senders[interface], frame->bytes, frame->length, 0) < 0)
		err = -errno;
	if (err) {
		errno = -err;
		rig_die("send");
	}
}

int rig_exchange(struct rig *rig, unsigned int interface, const struct packet *frame,
		 struct packet *seen, int max)
{
	struct packet next;
	uint32_t sentinel;
	int count = 0, err;

	send_frame(rig, interface, frame);
	err = rig_send_sentinel(rig, interface);
	while (!err) {
		err = receive(rig, &next, RIG_TIMEOUT_MS);
		if (err)
			break;
		if (rig_is_sentinel(next.bytes, next.length, &sentinel)) {
			if (sentinel == rig->sentinels)
				return count;
			/* So far it was what came too late for an exchange before this one. */
			count = 0;
			continue;
		}
		if (count < max)
			seen[count] = next;
		count++;
	}
	return err;
}

static char *contents(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	char *text = calloc(1, size + 1);

	if (!text || pread(fd, text, size, 0) != size)
		rig_die("output of a command");
	close(fd);
	return text;
}

void rig_run(struct rig_output *output, const char *const *argv)
{
	int out = memfd_create("stdout", MFD_CLOEXEC), err = memfd_create("stderr", MFD_CLOEXEC);
	int status;
	pid_t child;

	fflush(NULL);
	child = fork();
	if (out < 0 || err < 0 || child < 0)
		rig_die("fork");
	if (child == 0) {
		dup2(out, STDOUT_FILENO);
		dup2(err, STDERR_FILENO);
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			rig_die("waitpid");
	}
	output->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	output->out = contents(out);
	output->err = contents(err);
}

void rig_output_clear(struct rig_output *output)
{
	free(output->out);
	free(output->err);
	*output = (struct rig_output){0};
}

char *rig_snapshot(void)
{
	static const char script[] = "ip -o link show | grep xdp || :\n"
				     "tc qdisc show\n"
				     "for i in in0 in1; do\n"
				     "  tc filter show dev $i ingress || :\n"
				     "  tc filter show dev $i egress || :\n"
				     "done 2>/dev/null\n"
				     "if command -v nft >/dev/null; then nft list ruleset; fi\n";
	const char *const argv[] = {"sh", "-ec", script, NULL};
	struct rig_output output;

	rig_run(&output, argv);
	if (output.status) {
		fprintf(stderr, "rig: snapshot: %s", output.err);
		exit(EXIT_FAILURE);
	}
	free(output.err);
	return output.out;
}

const char *rig_folder(void)
{
	return RUNSTATEDIR;
}
