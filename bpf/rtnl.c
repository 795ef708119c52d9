// SPDX-License-Identifier: GPL-2.0-or-later
#include "bpf/rtnl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/netlink.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/attr.h"

#define REQUEST_MAX 256	  /* bytes of the longest request */
#define ANSWER_MAX  32768 /* bytes of one datagram from the kernel */

#define INGRESS TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)
#define EGRESS	TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS)

struct request {
	_Alignas(NLMSG_ALIGNTO) char bytes[REQUEST_MAX];
};

static struct nlmsghdr *start(struct request *request, uint16_t type, uint16_t flags, uint32_t seq,
			      const void *family, size_t size)
{
	struct nlmsghdr *header = (void *)request->bytes;

	memset(request, 0, sizeof(*request));
	*header = (struct nlmsghdr){.nlmsg_len = NLMSG_LENGTH(size),
				    .nlmsg_type = type,
				    .nlmsg_flags = NLM_F_REQUEST | flags,
				    .nlmsg_seq = seq};
	memcpy(NLMSG_DATA(header), family, size);
	return header;
}

/* Requests are short and of a known form, so that REQUEST_MAX is never reached. */
static struct nlattr *put(struct nlmsghdr *header, uint16_t type, const void *data, size_t size)
{
	struct nlattr *attr = (void *)((char *)header + NLMSG_ALIGN(header->nlmsg_len));

	*attr = (struct nlattr){.nla_len = sizeof(*attr) + size, .nla_type = type};
	if (size)
		memcpy(attr + 1, data, size);
	header->nlmsg_len = NLMSG_ALIGN(header->nlmsg_len) + NLA_ALIGN(attr->nla_len);
	return attr;
}

static void put_u32(struct nlmsghdr *header, uint16_t type, uint32_t value)
{
	put(header, type, &value, sizeof(value));
}

static void put_string(struct nlmsghdr *header, uint16_t type, const char *text)
{
	put(header, type, text, strlen(text) + 1);
}

static void end_nest(struct nlmsghdr *header, struct nlattr *nest)
{
	nest->nla_len = (char *)header + header->nlmsg_len - (char *)nest;
}

static struct nlmsghdr *make_xdp(struct request *request, const struct em_rtnl_change *change,
				 uint32_t seq)
{
	const struct ifinfomsg link = {.ifi_family = AF_UNSPEC, .ifi_index = change->ifindex};
	struct nlmsghdr *header = start(request, RTM_SETLINK, NLM_F_ACK, seq, &link, sizeof(link));
	struct nlattr *nest = put(header, IFLA_XDP | NLA_F_NESTED, NULL, 0);
	bool replace = change->expected >= 0;

	put_u32(header, IFLA_XDP_FD, change->program);
	put_u32(header, IFLA_XDP_FLAGS,
		change->mode | (replace ? XDP_FLAGS_REPLACE : XDP_FLAGS_UPDATE_IF_NOEXIST));
	if (replace)
		put_u32(header, IFLA_XDP_EXPECTED_FD, change->expected);
	end_nest(header, nest);
	return header;
}

static struct nlmsghdr *make_qdisc(struct request *request, const struct em_rtnl_change *change,
				   uint32_t seq)
{
	const struct tcmsg tc = {.tcm_family = AF_UNSPEC,
				 .tcm_ifindex = change->ifindex,
				 .tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0),
				 .tcm_parent = TC_H_CLSACT};
	bool add = change->kind == EM_RTNL_QDISC_ADD;
	struct nlmsghdr *header =
		start(request, add ? RTM_NEWQDISC : RTM_DELQDISC,
		      NLM_F_ACK | (add ? NLM_F_CREATE | NLM_F_EXCL : 0), seq, &tc, sizeof(tc));

	if (add)
		put_string(header, TCA_KIND, "clsact");
	return header;
}

static struct nlmsghdr *make_filter(struct request *request, const struct em_rtnl_change *change,
				    uint32_t seq)
{
	const struct tcmsg tc = {
		.tcm_family = AF_UNSPEC,
		.tcm_ifindex = change->ifindex,
		.tcm_handle = change->handle,
		.tcm_parent = change->egress ? EGRESS : INGRESS,
		.tcm_info = TC_H_MAKE((uint32_t)change->priority << 16, htons(ETH_P_ALL))};
	bool set = change->kind == EM_RTNL_FILTER_SET;
	struct nlmsghdr *header = start(request, set ? RTM_NEWTFILTER : RTM_DELTFILTER,
					NLM_F_ACK | (set ? NLM_F_CREATE : 0), seq, &tc, sizeof(tc));
	struct nlattr *nest;

	put_string(header, TCA_KIND, "bpf");
	if (!set)
		return header;
	nest = put(header, TCA_OPTIONS | NLA_F_NESTED, NULL, 0);
	put_u32(header, TCA_BPF_FD, change->program);
	put_string(header, TCA_BPF_NAME, change->name);
	put_u32(header, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	end_nest(header, nest);
	return header;
}

/* What the kind cannot do without; a veth's other end is of its size, too. */
static void put_kind_data(struct nlmsghdr *header, const struct em_link *like)
{
	const struct ifinfomsg link = {.ifi_family = AF_UNSPEC};
	const uint16_t vlan = 1;
	struct nlattr *data, *peer;

	if (!strcmp(like->kind, "vlan")) {
		data = put(header, IFLA_INFO_DATA | NLA_F_NESTED, NULL, 0);
		put(header, IFLA_VLAN_ID, &vlan, sizeof(vlan));
		end_nest(header, data);
	} else if (!strcmp(like->kind, "veth")) {
		data = put(header, IFLA_INFO_DATA | NLA_F_NESTED, NULL, 0);
		peer = put(header, VETH_INFO_PEER, &link, sizeof(link));
		put_u32(header, IFLA_MTU, like->peer_mtu ? like->peer_mtu : like->mtu);
		if (like->peer_queues)
			put_u32(header, IFLA_NUM_TX_QUEUES, like->peer_queues);
		end_nest(header, peer);
		end_nest(header, data);
	}
}

static struct nlmsghdr *make_link(struct request *request, const char *name,
				  const struct em_link *like, unsigned int lower)
{
	const struct ifinfomsg link = {.ifi_family = AF_UNSPEC};
	struct nlmsghdr *header = start(request, RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL,
					1, &link, sizeof(link));
	struct nlattr *info;

	put_string(header, IFLA_IFNAME, name);
	put_u32(header, IFLA_MTU, like->mtu);
	if (like->peer_queues)
		put_u32(header, IFLA_NUM_RX_QUEUES, like->rx_queues);
	if (lower)
		put_u32(header, IFLA_LINK, lower);
	info = put(header, IFLA_LINKINFO | NLA_F_NESTED, NULL, 0);
	put_string(header, IFLA_INFO_KIND, like->kind);
	put_kind_data(header, like);
	end_nest(header, info);
	return header;
}

static struct nlmsghdr *make_request(struct request *request, const struct em_rtnl_change *change,
				     uint32_t seq)
{
	switch (change->kind) {
	case EM_RTNL_XDP:
		return make_xdp(request, change, seq);
	case EM_RTNL_QDISC_ADD:
	case EM_RTNL_QDISC_DEL:
		return make_qdisc(request, change, seq);
	default:
		return make_filter(request, change, seq);
	}
}

static void note_answer(struct em_rtnl_change *change, struct nlmsghdr *header)
{
	const struct nlmsgerr *answer = NLMSG_DATA(header);
	const struct nlattr *text;
	size_t at = NLMSG_HDRLEN + sizeof(*answer), length;

	change->error = answer->error;
	if (!(header->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(header->nlmsg_flags & NLM_F_CAPPED))
		at += answer->msg.nlmsg_len - NLMSG_HDRLEN;
	at = NLMSG_ALIGN(at);
	if (at > header->nlmsg_len)
		return;
	text = em_attr_find((const char *)header + at, header->nlmsg_len - at, NLMSGERR_ATTR_MSG);
	if (!text)
		return;
	length = text->nla_len - sizeof(*text);
	if (length >= sizeof(change->message))
		length = sizeof(change->message) - 1;
	memcpy(change->message, text + 1, length);
	change->message[length] = '\0';
}

static int read_answers(int socket, struct em_rtnl_change *changes, size_t n)
{
	_Alignas(struct nlmsghdr) char buffer[ANSWER_MAX];
	size_t answered = 0;

	while (answered < n) {
		ssize_t length = recv(socket, buffer, sizeof(buffer), 0);

		if (length < 0 && errno == EINTR)
			continue;
		if (length <= 0)
			return length ? -errno : -EPIPE;
		for (struct nlmsghdr *header = (void *)buffer; NLMSG_OK(header, length);
		     header = NLMSG_NEXT(header, length)) {
			if (header->nlmsg_type != NLMSG_ERROR || header->nlmsg_seq < 1 ||
			    header->nlmsg_seq > n)
				continue;
			note_answer(&changes[header->nlmsg_seq - 1], header);
			answered++;
		}
	}
	return 0;
}

static int send_bytes(int socket, const void *bytes, size_t length)
{
	const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	ssize_t sent;

	do
		sent = sendto(socket, bytes, length, 0, (const struct sockaddr *)&kernel,
			      sizeof(kernel));
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

static int send_requests(int socket, const struct em_rtnl_change *changes, size_t n)
{
	char *buffer = calloc(n, REQUEST_MAX);
	size_t length = 0;
	int rc;

	if (!buffer)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct request request;
		struct nlmsghdr *header = make_request(&request, &changes[i], i + 1);

		memcpy(buffer + length, header, header->nlmsg_len);
		length += NLMSG_ALIGN(header->nlmsg_len);
	}
	rc = send_bytes(socket, buffer, length);
	free(buffer);
	return rc;
}

static int open_socket(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), one = 1;

	if (fd < 0)
		return -errno;
	/* Both only make the answers better; without them they still come. */
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	return fd;
}

int em_rtnl_change(struct em_rtnl_change *changes, size_t n)
{
	int fd, rc;

	if (!n)
		return 0;
	for (size_t i = 0; i < n; i++) {
		changes[i].error = 0;
		changes[i].message[0] = '\0';
	}
	fd = open_socket();
	if (fd < 0)
		return fd;
	rc = send_requests(fd, changes, n);
	if (!rc)
		rc = read_answers(fd, changes, n);
	close(fd);
	for (size_t i = 0; !rc && i < n; i++)
		rc = changes[i].error;
	return rc;
}

int em_rtnl_make_like(const char *name, const struct em_link *like, unsigned int lower)
{
	struct em_rtnl_change change = {0};
	struct request request;
	struct nlmsghdr *header = make_link(&request, name, like, lower);
	int fd = open_socket(), rc;

	if (fd < 0)
		return fd;
	rc = send_bytes(fd, header, header->nlmsg_len);
	if (!rc)
		rc = read_answers(fd, &change, 1);
	close(fd);
	return rc ? rc : change.error;
}

/* Calls visit for each object of a dump. */
static int dump(uint16_t type, const struct tcmsg *tc,
		int (*visit)(void *context, struct nlmsghdr *header), void *context)
{
	_Alignas(struct nlmsghdr) char buffer[ANSWER_MAX];
	struct request request;
	struct nlmsghdr *header = start(&request, type, NLM_F_DUMP, 1, tc, sizeof(*tc));
	int fd = open_socket(), rc = 0;
	bool done = false;

	if (fd < 0)
		return fd;
	rc = send_bytes(fd, header, header->nlmsg_len);
	while (!rc && !done) {
		ssize_t length = recv(fd, buffer, sizeof(buffer), 0);

		if (length < 0 && errno == EINTR)
			continue;
		if (length <= 0)
			rc = length ? -errno : -EPIPE;
		for (header = (void *)buffer; !rc && !done && NLMSG_OK(header, length);
		     header = NLMSG_NEXT(header, length)) {
			const struct nlmsgerr *answer = NLMSG_DATA(header);

			done = header->nlmsg_type == NLMSG_DONE;
			if (header->nlmsg_type == NLMSG_ERROR)
				rc = answer->error ? answer->error : -EIO;
			else if (!done)
				rc = visit(context, header);
		}
	}
	close(fd);
	return rc;
}

static const struct nlattr *find_tc_attr(struct nlmsghdr *header, uint16_t type)
{
	return em_attr_find((const char *)header + NLMSG_SPACE(sizeof(struct tcmsg)),
			    header->nlmsg_len - NLMSG_SPACE(sizeof(struct tcmsg)), type);
}

struct filter_visit {
	int (*visit)(void *context, const struct em_rtnl_filter *filter);
	void *context;
	bool egress;
};

static int visit_filter(void *context, struct nlmsghdr *header)
{
	const struct filter_visit *visit = context;
	const struct tcmsg *tc = NLMSG_DATA(header);
	struct em_rtnl_filter filter = {
		.handle = tc->tcm_handle, .priority = tc->tcm_info >> 16, .egress = visit->egress};
	const struct nlattr *kind = find_tc_attr(header, TCA_KIND);
	const struct nlattr *options = find_tc_attr(header, TCA_OPTIONS), *id;

	/* Each priority is listed once without a handle, before its filters. */
	if (header->nlmsg_type != RTM_NEWTFILTER || !tc->tcm_handle)
		return 0;
	if (kind && options && !strcmp((const char *)(kind + 1), "bpf")) {
		id = em_attr_find_in(options, TCA_BPF_ID);
		if (id)
			memcpy(&filter.program, id + 1, sizeof(filter.program));
	}
	return visit->visit(visit->context, &filter);
}

int em_rtnl_each_filter(unsigned int ifindex,
			int (*visit)(void *context, const struct em_rtnl_filter *filter),
			void *context)
{
	struct filter_visit ingress = {visit, context, false}, egress = {visit, context, true};
	struct tcmsg tc = {.tcm_family = AF_UNSPEC, .tcm_ifindex = ifindex, .tcm_parent = INGRESS};
	int rc = dump(RTM_GETTFILTER, &tc, visit_filter, &ingress);

	if (rc)
		return rc;
	tc.tcm_parent = EGRESS;
	return dump(RTM_GETTFILTER, &tc, visit_filter, &egress);
}

struct qdisc_search {
	unsigned int ifindex;
	enum em_rtnl_ingress found;
};

static int visit_qdisc(void *context, struct nlmsghdr *header)
{
	const struct tcmsg *tc = NLMSG_DATA(header);
	const struct nlattr *kind = find_tc_attr(header, TCA_KIND);
	struct qdisc_search *search = context;

	/* Older kernels list the qdiscs of all interfaces, whichever was asked for. */
	if (header->nlmsg_type == RTM_NEWQDISC && tc->tcm_parent == TC_H_INGRESS &&
	    (unsigned int)tc->tcm_ifindex == search->ifindex)
		search->found = kind && !strcmp((const char *)(kind + 1), "clsact")
					? EM_RTNL_CLSACT
					: EM_RTNL_INGRESS;
	return 0;
}

int em_rtnl_ingress(unsigned int ifindex)
{
	const struct tcmsg tc = {.tcm_family = AF_UNSPEC, .tcm_ifindex = ifindex};
	struct qdisc_search search = {.ifindex = ifindex, .found = EM_RTNL_NO_INGRESS};
	int rc = dump(RTM_GETQDISC, &tc, visit_qdisc, &search);

	return rc ? rc : (int)search.found;
}
