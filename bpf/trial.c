/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "bpf/trial.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_arp.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bpf/attached.h"
#include "bpf/program.h"
#include "host/likeness.h"
#include "host/scratch.h"

#define LIKENESS "like%u"
#define LOWER	 "lower0"

/* What became of one interface; as many as there are interfaces. */
struct outcome {
	bool tried;
	struct em_rtnl_change change;
};

struct trial {
	const struct em_link *links;
	size_t n;
	int program;
	int program_fragments; /* -EINVAL: this kernel has none such */
};

/*
 * What a driver says where its kind, its settings or its queues rule native XDP out: drivers use
 * any error. ENOMEM counts only with an explanation: then it means that there are too few queues.
 */
bool em_trial_is_lacking(const struct em_rtnl_change *change)
{
	switch (-change->error) {
	case 0:
	case EPERM:
	case ENODEV:
	case EFAULT:
	case EBADF:
	case EINTR:
	case EMFILE:
	case ENFILE:
		return false;
	case ENOMEM:
		return change->message[0];
	default:
		return true;
	}
}

void em_trial_describe(const struct em_rtnl_change *change, char *text, size_t size)
{
	snprintf(text, size, "it does not take a native XDP program: %s%s%s",
		 strerror(-change->error), change->message[0] ? ": " : "", change->message);
}

int em_trial_has_fragments(void)
{
	int program = em_programs_placeholder(true);

	if (program < 0)
		return program == -EINVAL ? 0 : program;
	close(program);
	return 1;
}

/*
 * Interfaces of kind "tun" are not made by rtnetlink. They live as long as their descriptor, which
 * stays open.
 */
static int make_tun(const struct em_link *like, const char *name)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	int any = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {.ifr_flags = IFF_NO_PI};
	int rc = 0;

	snprintf(request.ifr_name, IF_NAMESIZE, "%s", name);
	request.ifr_flags |= like->type == ARPHRD_ETHER ? IFF_TAP : IFF_TUN;
	if (fd < 0 || any < 0 || ioctl(fd, TUNSETIFF, &request))
		rc = -errno;
	request.ifr_mtu = like->mtu;
	if (!rc && ioctl(any, SIOCSIFMTU, &request))
		rc = -errno;
	if (any >= 0)
		close(any);
	return rc;
}

/* The interface that this one is made on: for a trial, one end of a veth pair will do. */
static unsigned int make_lower(void)
{
	const struct em_link pair = {.kind = "veth", .mtu = 1500};

	if (!if_nametoindex(LOWER))
		(void)em_likeness_make(LOWER, &pair, 0);
	return if_nametoindex(LOWER);
}

/* Makes an interface like this one. Returns its index; 0: none can be made. */
static unsigned int make_like(const struct em_link *like, unsigned int number)
{
	bool on_another = like->lower && strcmp(like->kind, "veth");
	char name[IF_NAMESIZE];
	int rc;

	if (like->type == ARPHRD_LOOPBACK)
		return if_nametoindex("lo");
	if (!like->kind[0])
		return 0;
	snprintf(name, sizeof(name), LIKENESS, number);
	if (!strcmp(like->kind, "tun"))
		rc = make_tun(like, name);
	else
		rc = em_likeness_make(name, like, on_another ? make_lower() : 0);
	return rc ? 0 : if_nametoindex(name);
}

/* In the child. */
static void try_all(void *result, const void *context)
{
	const struct trial *trial = context;
	struct outcome *outcomes = result;

	for (size_t i = 0; i < trial->n; i++) {
		bool fragments = em_link_needs_fragments(&trial->links[i]);
		struct em_rtnl_change *change = &outcomes[i].change, again;
		unsigned int ifindex;

		if (trial->links[i].native_xdp == EM_NATIVE_NO)
			continue;
		if (fragments && trial->program_fragments < 0)
			continue;
		ifindex = make_like(&trial->links[i], i);
		if (!ifindex)
			continue;
		outcomes[i].change = (struct em_rtnl_change){.kind = EM_RTNL_XDP,
							     .ifindex = ifindex,
							     .mode = XDP_FLAGS_DRV_MODE,
							     .program = trial->program,
							     .expected = -1};
		if (fragments)
			change->program = trial->program_fragments;
		outcomes[i].tried = true;
		change->error = em_rtnl_change(change, 1);
		again = *change;
		again.program = trial->program_fragments;
		if (em_trial_is_lacking(change) && again.program >= 0 && !em_rtnl_change(&again, 1))
			change->error = 0;
	}
}

/* A program of ours that is already attached is better evidence than any trial. */
static bool has_proof(const struct em_link *link)
{
	struct em_xdp_seen seen;

	return !em_attached_see_xdp(&seen, link->ifindex) && seen.ours &&
	       seen.hook == EM_HOOK_XDP_NATIVE;
}

static void conclude(struct em_link *link, const struct outcome *outcome)
{
	if (link->native_xdp == EM_NATIVE_NO)
		return;
	if (has_proof(link) || (outcome->tried && !outcome->change.error)) {
		link->native_xdp = EM_NATIVE_YES;
	} else if (outcome->tried && em_trial_is_lacking(&outcome->change)) {
		link->native_xdp = EM_NATIVE_NO;
		em_trial_describe(&outcome->change, link->native_why, sizeof(link->native_why));
	}
}

/* The program was loaded just now and is attached nowhere, so that nothing can be detached. */
int em_trial_replaces(void)
{
	int program = em_programs_placeholder(false);
	struct em_rtnl_change change = {.kind = EM_RTNL_XDP,
					.ifindex = EM_RTNL_LOOPBACK,
					.mode = XDP_FLAGS_SKB_MODE,
					.program = -1,
					.expected = program};

	int rc;

	if (program < 0)
		return program;
	rc = em_rtnl_change(&change, 1);
	close(program);
	/*
	 * A kernel before 5.7 does not know the flag; later ones say that the expected program is
	 * missing.
	 */
	return rc == -EINVAL ? 0 : rc == -EEXIST ? 1 : rc;
}

static int try_likenesses(struct em_link *links, size_t n, int program)
{
	struct trial trial = {.links = links, .n = n, .program = program};
	struct outcome *outcomes = calloc(n, sizeof(*outcomes));
	int rc;

	if (!outcomes)
		return -ENOMEM;
	trial.program_fragments = em_programs_placeholder(true);
	rc = trial.program_fragments >= 0 || trial.program_fragments == -EINVAL
		     ? em_scratch_run(try_all, outcomes, n * sizeof(*outcomes), &trial)
		     : trial.program_fragments;
	if (trial.program_fragments >= 0)
		close(trial.program_fragments);
	for (size_t i = 0; !rc && i < n; i++)
		conclude(&links[i], &outcomes[i]);
	free(outcomes);
	return rc;
}

/* Apply does not need a namespace: without one, what is unknown stays unknown. */
static int report_scratch(int rc, struct em_diag *diag)
{
	if (!rc || rc == -EPERM)
		return 0;
	return em_diag_errno(diag, rc, NULL, "cannot try things in a network namespace");
}

int em_trial_foresee(struct em_link *links, size_t n, struct em_diag *diag)
{
	int program, rc;

	if (!n)
		return 0;
	program = em_programs_placeholder(false);
	/* Apply meets the same error, and reports it. */
	if (program < 0)
		return 0;
	rc = try_likenesses(links, n, program);
	close(program);
	return report_scratch(rc, diag);
}

/* In the child, on lo. */
static void change_all(void *result, const void *context)
{
	const size_t *n = context;

	(void)em_rtnl_change(result, *n);
}

/* A kernel without the qdisc, or without filters of this kind. */
static bool is_lacking(int rc)
{
	return rc == -ENOENT || rc == -EOPNOTSUPP || rc == -EINVAL;
}

static int judge_egress(const struct em_rtnl_change *change, struct em_outcome *outcome,
			const struct em_place *place, struct em_diag *diag)
{
	const char *between = change->message[0] ? ": " : "";

	if (is_lacking(change->error))
		return em_outcome_lacks(outcome, place,
					"replies: this kernel takes no BPF filter at TC egress: "
					"%s%s%s",
					strerror(-change->error), between, change->message);
	return em_diag_errno(diag, change->error, place,
			     "replies: cannot try a BPF filter at TC egress%s%s", between,
			     change->message);
}

int em_trial_egress(int program, struct em_outcome *outcome, const struct em_place *place,
		    struct em_diag *diag)
{
	struct em_rtnl_change changes[] = {
		{.kind = EM_RTNL_QDISC_ADD, .ifindex = EM_RTNL_LOOPBACK},
		{.kind = EM_RTNL_FILTER_SET,
		 .ifindex = EM_RTNL_LOOPBACK,
		 .program = program,
		 .name = em_programs_name(EM_PROGRAM_REPLY),
		 .handle = EM_TC_HANDLE_OWNER,
		 .egress = true},
	};
	const size_t n = sizeof(changes) / sizeof(changes[0]);
	int rc = em_scratch_run(change_all, changes, sizeof(changes), &n);

	if (rc)
		return report_scratch(rc, diag);
	for (size_t i = 0; i < n; i++)
		if (changes[i].error)
			return judge_egress(&changes[i], outcome, place, diag);
	return 0;
}
