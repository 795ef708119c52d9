/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "bpf/attached.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpf/abi.h"
#include "bpf/constants.h"
#include "bpf/pins.h"
#include "bpf/program.h"
#include "bpf/rtnl.h"
#include "bpf/tcx.h"
#include "host/nl.h"

#define PROGRAM_PREFIX "entitymux_"
/* What the names of their map end in, see kernel/maps.bpf.h. */
#define PROGRAM_MAPS 32 /* more than a program of ours has */

/*
 * No errno is that large. Without CAP_SYS_ADMIN and without a pin, nothing more than MAYBE_OURS can
 * be known.
 */
#define NOT_OURS   -4096
#define MAYBE_OURS -4097

static bool ends_in(const char *text, const char *end)
{
	size_t length = strlen(text), tail = strlen(end);

	return length >= tail && !strcmp(text + length - tail, end);
}

int em_attached_open_map(int program, const char *name)
{
	uint32_t ids[PROGRAM_MAPS], length = sizeof(struct bpf_prog_info);
	struct bpf_prog_info info = {.nr_map_ids = PROGRAM_MAPS, .map_ids = (uintptr_t)ids};
	int rc = bpf_obj_get_info_by_fd(program, &info, &length);

	if (rc)
		return rc;
	for (uint32_t i = 0; i < info.nr_map_ids && i < PROGRAM_MAPS; i++) {
		struct bpf_map_info map = {0};
		int fd = em_pins_open_map(ids[i]);

		if (fd < 0)
			return fd;
		length = sizeof(map);
		rc = bpf_obj_get_info_by_fd(fd, &map, &length);
		if (!rc && ends_in(map.name, name))
			return fd;
		close(fd);
		if (rc)
			return rc;
	}
	return -ENOENT;
}

/* What the constants say. */
struct facts {
	uint32_t generation;
	size_t n_replies;
	bool fragments;
};

/*
 * A program without constants is a placeholder, of generation 0. A program of another version that
 * keeps nothing for this one, see abi_kept.h, is ours as well, and its generation is also 0.
 */
static int read_facts(struct facts *facts, int program)
{
	struct em_abi_constants *constants = calloc(1, sizeof(*constants));
	int rc = constants ? em_constants_read(program, constants) : -ENOMEM;

	*facts = (struct facts){0};
	if (!rc)
		*facts = (struct facts){.generation = constants->generation,
					.n_replies = constants->n_replies,
					.fragments = constants->has_fragments};
	free(constants);
	return rc == -ENOENT ? 0 : rc;
}

/*
 * The descriptor of a program if it is ours, NOT_OURS, MAYBE_OURS or -errno.  Its name, as far as
 * it may be known, goes to name.
 */
static int identify(uint32_t id, char name[16])
{
	struct bpf_prog_info info = {0};
	uint32_t length = sizeof(info);
	int fd = em_pins_open_program(id), rc;

	name[0] = '\0';
	/* Gone meanwhile. */
	if (fd == -ENOENT)
		return NOT_OURS;
	if (fd == -EPERM)
		return MAYBE_OURS;
	if (fd < 0)
		return fd;
	rc = bpf_obj_get_info_by_fd(fd, &info, &length);
	if (!rc)
		memcpy(name, info.name, 16);
	if (!rc && !strncmp(name, PROGRAM_PREFIX, strlen(PROGRAM_PREFIX)))
		return fd;
	close(fd);
	return rc ? rc : NOT_OURS;
}

static bool is_others(int fd)
{
	return fd == NOT_OURS || fd == MAYBE_OURS;
}

static bool is_stub(const char *name)
{
	return !strcmp(name, EM_STUB_NAME);
}

void em_attached_close(const struct em_attached *attached)
{
	close(attached->fd);
	if (attached->stub >= 0)
		close(attached->stub);
}

uint32_t em_attached_mode(enum em_hook hook)
{
	return hook == EM_HOOK_XDP_GENERIC ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;
}

static int query_xdp(unsigned int ifindex, uint32_t *id, enum em_hook *hook)
{
	struct em_rtnl_xdp xdp;
	int rc = em_rtnl_read_xdp(&xdp, ifindex);

	if (rc)
		return rc;
	*id = xdp.program;
	*hook = xdp.generic ? EM_HOOK_XDP_GENERIC : EM_HOOK_XDP_NATIVE;
	return 0;
}

int em_attached_see_xdp(struct em_xdp_seen *out, unsigned int ifindex)
{
	struct facts facts;
	int rc, fd;

	*out = (struct em_xdp_seen){0};
	rc = query_xdp(ifindex, &out->id, &out->hook);
	if (rc || !out->id)
		return rc;
	fd = identify(out->id, out->name);
	if (fd < 0)
		return is_others(fd) ? 0 : fd;
	out->ours = true;
	out->stub = is_stub(out->name);
	rc = read_facts(&facts, fd);
	out->fragments = facts.fragments;
	close(fd);
	return rc;
}

struct visit {
	int (*see)(struct visit *visit, uint32_t id); /* each program, whoever's it is */
	bool stubs; /* see a stub, too; else only the program that it jumps to */
	int (*visit)(void *context, const struct em_attached *attached);
	void *context;
	struct em_attached attached;	     /* the interface; each program is filled in */
	const struct em_rtnl_filter *filter; /* that it is; NULL: it is at XDP */
	char front[2][EM_ATTACHED_TEXT];     /* at ingress and egress, see em_attached */
};

/* Only chain 0, in which classification begins. */
static void note_front(struct visit *visit, const char *name)
{
	const struct em_rtnl_filter *filter = visit->filter;

	if (filter && !filter->chain && !visit->front[filter->egress][0])
		em_attached_describe(visit->front[filter->egress], filter, name);
}

/* The filters of an ingress qdisc, which has no egress, are listed for both. */
static int visit_program(struct visit *visit, uint32_t id)
{
	struct em_attached attached = visit->attached;
	struct facts facts;
	char name[16];
	int rc;

	attached.fd = identify(id, name);
	if (is_others(attached.fd))
		note_front(visit, name);
	if (attached.fd < 0)
		return is_others(attached.fd) ? 0 : attached.fd;
	if (visit->filter)
		memcpy(attached.front, visit->front[visit->filter->egress], sizeof(attached.front));
	attached.kind = em_programs_parse(name);
	rc = read_facts(&facts, attached.fd);
	if (rc || (attached.hook == EM_HOOK_TC_EGRESS && attached.kind >= 0 &&
		   !em_programs_at_egress(attached.kind))) {
		close(attached.fd);
		return rc;
	}
	if (attached.stub >= 0) {
		attached.stub = fcntl(attached.stub, F_DUPFD_CLOEXEC, 0);
		if (attached.stub < 0) {
			rc = -errno;
			close(attached.fd);
			return rc;
		}
	}
	attached.generation = facts.generation;
	attached.n_replies = facts.n_replies;
	return visit->visit(visit->context, &attached);
}

static int visit_filter(struct visit *visit, const struct em_rtnl_filter *filter)
{
	visit->filter = filter;
	visit->attached.hook = filter->egress ? EM_HOOK_TC_EGRESS : EM_HOOK_TC_INGRESS;
	visit->attached.tcx = filter->tcx;
	visit->attached.handle = filter->handle;
	visit->attached.priority = filter->priority;
	if (filter->program)
		return visit->see(visit, filter->program);
	note_front(visit, "");
	return 0;
}

/* A stub without a program of ours is seen itself. */
static int visit_stub(struct visit *visit, uint32_t id)
{
	struct em_attached *attached = &visit->attached;
	int rc = em_stub_read(&attached->jumps, attached->stub), ours = 0;
	uint32_t program = attached->jumps.programs[attached->jumps.slot];
	char name[16];

	if (!rc && program)
		ours = em_attached_is_ours(program, name);
	if (ours < 0)
		return ours;
	if (!rc && (visit->stubs || !ours))
		rc = visit->see(visit, id);
	if (!rc && ours)
		rc = visit->see(visit, program);
	return rc;
}

static int visit_xdp(struct visit *visit, uint32_t id)
{
	char name[16];
	int fd = identify(id, name), rc;

	if (fd < 0 && !is_others(fd))
		return fd;
	visit->attached.stub = fd >= 0 && is_stub(name) ? fd : -1;
	rc = visit->attached.stub >= 0 ? visit_stub(visit, id) : visit->see(visit, id);
	visit->attached.stub = -1;
	if (fd >= 0)
		close(fd);
	return rc;
}

static int visit_interface(struct visit *visit, unsigned int ifindex, const char *name)
{
	struct em_rtnl_filters filters __attribute__((cleanup(em_rtnl_clear_filters))) = {0};
	uint32_t id;
	int rc;

	visit->attached = (struct em_attached){.ifindex = ifindex, .stub = -1};
	visit->front[0][0] = visit->front[1][0] = '\0';
	visit->filter = NULL;
	snprintf(visit->attached.interface, IF_NAMESIZE, "%s", name);
	rc = query_xdp(ifindex, &id, &visit->attached.hook);
	if (!rc && id)
		rc = visit_xdp(visit, id);
	if (!rc)
		rc = em_rtnl_list_filters(&filters, ifindex);
	for (size_t i = 0; !rc && i < filters.n; i++)
		rc = visit_filter(visit, &filters.all[i]);
	/* An interface may vanish while we look at it. */
	return rc == -ENODEV || rc == -ENOSYS ? 0 : rc;
}

struct interfaces {
	struct visit *visit;
	struct em_diag *diag;
	int error; /* reported */
};

static int visit_link(void *context, const struct nlmsghdr *header)
{
	const char *name =
		em_nl_get_text(em_nl_find(header, sizeof(struct ifinfomsg), IFLA_IFNAME));
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(header);
	struct interfaces *interfaces = context;
	int rc = visit_interface(interfaces->visit, info->ifi_index, name);

	if (rc < 0)
		interfaces->error = em_diag_errno(interfaces->diag, rc, NULL,
						  "%s: cannot look for our programs", name);
	return rc;
}

/* if_nameindex() may leave one out while others come and go. */
static int visit_interfaces(struct visit *visit, struct em_diag *diag)
{
	const struct ifinfomsg any = {.ifi_family = AF_UNSPEC};
	struct interfaces interfaces = {visit, diag, 0};
	struct em_nl_message message;
	int rc = em_nl_ask(NETLINK_ROUTE,
			   em_nl_begin(&message, RTM_GETLINK, NLM_F_DUMP, &any, sizeof(any)),
			   visit_link, &interfaces);

	if (rc < 0 && !interfaces.error)
		return em_diag_errno(diag, rc, NULL, "cannot list the interfaces");
	return rc;
}

int em_attached_each(int (*visit_one)(void *context, const struct em_attached *attached),
		     void *context, struct em_diag *diag)
{
	struct visit visit = {.see = visit_program, .visit = visit_one, .context = context};

	return visit_interfaces(&visit, diag);
}

/* Our filters have handles of their own. */
static int is_hidden(struct visit *visit, uint32_t id)
{
	enum em_hook hook = visit->attached.hook;
	char name[16];
	int fd;

	if ((hook == EM_HOOK_TC_INGRESS || hook == EM_HOOK_TC_EGRESS) &&
	    visit->attached.handle != EM_TC_HANDLE_SHARED &&
	    visit->attached.handle != EM_TC_HANDLE_OWNER)
		return 0;
	fd = identify(id, name);
	if (fd >= 0)
		close(fd);
	return fd == MAYBE_OURS;
}

int em_attached_any_hidden(struct em_diag *diag)
{
	struct visit visit = {.see = is_hidden, .stubs = true};

	if (em_tcx_exists() == -EPERM)
		return 1;
	return visit_interfaces(&visit, diag);
}

struct id_list {
	uint32_t *ids;
	size_t n;
};

static int note_id(struct visit *visit, uint32_t id)
{
	struct id_list *list = visit->context;
	uint32_t *grown = reallocarray(list->ids, list->n + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	list->ids = grown;
	grown[list->n++] = id;
	return 0;
}

int em_attached_unpin_others(struct em_diag *diag)
{
	struct id_list list = {0};
	struct visit visit = {.see = note_id, .stubs = true, .context = &list};
	int rc = visit_interfaces(&visit, diag);

	if (!rc) {
		rc = em_pins_sweep(list.ids, list.n);
		if (rc)
			em_diag_errno(diag, rc, NULL, "bpf: cannot remove a pin");
	}
	free(list.ids);
	return rc;
}

struct search {
	uint32_t generation;
	struct em_attached found; /* generation 0: nothing yet */
};

/* Programs at egress use only some of the maps. */
static int keep_program(void *context, const struct em_attached *attached)
{
	struct search *search = context;

	if (attached->hook == EM_HOOK_TC_EGRESS ||
	    attached->generation <= search->found.generation ||
	    (search->generation && attached->generation != search->generation)) {
		em_attached_close(attached);
		return 0;
	}
	if (search->found.generation)
		close(search->found.fd);
	search->found = *attached;
	if (attached->stub >= 0)
		close(attached->stub);
	return 0;
}

int em_attached_find(int *program, uint32_t generation, struct em_diag *diag)
{
	struct search search = {.generation = generation};
	int rc = em_attached_each(keep_program, &search, diag);

	*program = search.found.generation ? search.found.fd : -1;
	if (rc && *program >= 0)
		close(*program);
	return rc;
}

int em_attached_is_ours(uint32_t program, char name[16])
{
	int fd = identify(program, name);

	if (fd < 0)
		return is_others(fd) ? 0 : fd;
	close(fd);
	return 1;
}

void em_attached_describe(char text[EM_ATTACHED_TEXT], const struct em_rtnl_filter *filter,
			  const char *name)
{
	const char *hook = filter->egress ? "egress" : "ingress", *comma = name[0] ? ", " : "";

	if (filter->tcx)
		snprintf(text, EM_ATTACHED_TEXT, "tcx program at %s, id %u%s%s", hook,
			 filter->program, comma, name);
	else if (filter->program)
		snprintf(text, EM_ATTACHED_TEXT,
			 "TC filter at %s, priority %u: BPF program, id %u%s%s", hook,
			 filter->priority, filter->program, comma, name);
	else
		snprintf(text, EM_ATTACHED_TEXT, "TC filter at %s, priority %u", hook,
			 filter->priority);
}

static int is_others_filter(const struct em_rtnl_filter *filter)
{
	char name[16];
	int ours;

	if (filter->tcx)
		return 0;
	ours = filter->program ? em_attached_is_ours(filter->program, name) : 0;
	return ours < 0 ? ours : !ours;
}

int em_attached_has_others(unsigned int ifindex)
{
	struct em_rtnl_filters filters __attribute__((cleanup(em_rtnl_clear_filters)));
	int rc = em_rtnl_list_filters(&filters, ifindex);

	for (size_t i = 0; !rc && i < filters.n; i++)
		rc = is_others_filter(&filters.all[i]);
	return rc;
}
