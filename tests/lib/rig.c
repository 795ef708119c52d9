/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rig - two network namespaces in which every frame that a policy lets pass can be seen whole.
 */
#include "rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define SENTINEL_ETHERTYPE 0x88b5 /* IEEE 802, local experimental */
#define SENTINEL_LENGTH	   (ETH_HLEN + 4)
#define TIMEOUT_MS	   2000
#define UP_MS		   30000
#define POLL_MS		   20
#define CAPTURE_BYTES	   (4 << 20)

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "rig: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return;
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(path);
	close(fd);
}

/* Leaves this process in a new network namespace, without IPv6 of its own. */
static int new_namespace(void)
{
	int fd;

	if (unshare(CLONE_NEWNET))
		die("unshare (needs root)");
	fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die("/proc/self/ns/net");
	write_file("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
	write_file("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
	return fd;
}

static void enter(int namespace)
{
	if (setns(namespace, CLONE_NEWNET))
		die("setns");
}

static void make_folders(const char *path)
{
	char copy[256];

	snprintf(copy, sizeof(copy), "%s/", path);
	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(copy, 0755) && errno != EEXIST)
			die(copy);
		*slash = '/';
	}
}

/*
 * A mount namespace in which the state of entitymux is our own, and /sys shows the interfaces of
 * this network namespace: it belongs to the one in which it is mounted.
 */
static void private_mounts(void)
{
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		die("mount namespace");
	if (mount("sysfs", "/sys", "sysfs", 0, NULL))
		die("/sys");
	make_folders(RUNSTATEDIR);
	if (mount("tmpfs", RUNSTATEDIR, "tmpfs", 0, "mode=0755"))
		die(RUNSTATEDIR);
}

static void shell(const char *script)
{
	const char *const argv[] = {"sh", "-ec", script, NULL};
	struct rig_output output;

	rig_run(&output, argv);
	if (output.status) {
		fprintf(stderr, "rig: exit status %d of:\n%s%s", output.status, script, output.err);
		exit(EXIT_FAILURE);
	}
	rig_output_clear(&output);
}

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
	shell(script);
}

static void ethtool(int fd, const char *interface, uint32_t command)
{
	struct ethtool_value value = {.cmd = command};
	struct ifreq request = {.ifr_data = (char *)&value};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	if (ioctl(fd, SIOCETHTOOL, &request) && errno != EOPNOTSUPP)
		die(interface);
}

/* Checksums, segmentation, aggregation and VLAN tags are as in the frame. */
static void no_offloads(const char *const *interfaces, size_t count)
{
	static const uint32_t commands[] = {ETHTOOL_SRXCSUM, ETHTOOL_STXCSUM, ETHTOOL_STSO,
					    ETHTOOL_SGSO,    ETHTOOL_SGRO,    ETHTOOL_SFLAGS};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < sizeof(commands) / sizeof(commands[0]); j++)
			ethtool(fd, interfaces[i], commands[j]);
	close(fd);
}

/* So that nothing is lost while the other end sends, and nobody waits for what was lost. */
static void prepare_capture(int fd)
{
	struct timeval timeout = {.tv_sec = TIMEOUT_MS / 1000};
	int size = CAPTURE_BYTES;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)))
		die("capture");
}

/* Receives only where asked to: a socket that sends would fill up with the frames it has sent. */
static int packet_socket(const char *interface, bool receive)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET,
				      .sll_protocol = receive ? htons(ETH_P_ALL) : 0,
				      .sll_ifindex = if_nametoindex(interface)};
	int one = 1, fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0 || !address.sll_ifindex ||
	    setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one)) ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)))
		die(interface);
	return fd;
}

static void open_sockets(struct rig *rig)
{
	static const char *const interfaces[] = {"tx0", "tx1", "capture"};

	no_offloads(interfaces, 3);
	shell("for i in tx0 tx1 capture; do ip link set $i up; done\n");
	rig->senders[0] = packet_socket("tx0", false);
	rig->senders[1] = packet_socket("tx1", false);
	rig->capture = packet_socket("capture", true);
	prepare_capture(rig->capture);
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
	die("waiting for the links");
}

void rig_open(struct rig *rig)
{
	static const char *const interfaces[] = {"in0", "in1", "out"};
	int sender, host;

	*rig = (struct rig){0};
	sender = new_namespace();
	host = new_namespace();
	private_mounts();
	/* These exist where br_netfilter is loaded, and would take frames through iptables. */
	write_file("/proc/sys/net/bridge/bridge-nf-call-iptables", "0");
	write_file("/proc/sys/net/bridge/bridge-nf-call-ip6tables", "0");
	write_file("/proc/sys/net/bridge/bridge-nf-call-arptables", "0");
	make_links(sender);
	no_offloads(interfaces, 3);
	enter(sender);
	open_sockets(rig);
	enter(host);
	for (unsigned int i = 0; i < RIG_INTERFACES; i++)
		wait_until_up(rig, i);
}

int rig_exchange(struct rig *rig, unsigned int interface, const struct packet *frame,
		 struct packet *seen, int max)
{
	struct packet next;
	uint32_t sentinel;
	int count = 0, err;

	if (send(rig->senders[interface], frame->bytes, frame->length, 0) < 0)
		die("send");
	err = rig_send_sentinel(rig, interface);
	while (!err) {
		err = receive(rig, &next, TIMEOUT_MS);
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
		die("output of a command");
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
		die("fork");
	if (child == 0) {
		dup2(out, STDOUT_FILENO);
		dup2(err, STDERR_FILENO);
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			die("waitpid");
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
