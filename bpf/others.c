/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "bpf/others.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bpf/attached.h"
#include "bpf/rtnl.h"

#define TCX_INGRESS ((enum bpf_attach_type)46) /* BPF_TCX_INGRESS, from Linux 6.6 on */
#define TCX_MAX	    64			       /* BPF_MPROG_MAX of the kernel */

struct listing {
	const struct em_link *link;
	em_other_fn *found;
	void *context;
};

static int list_xdp(const struct listing *listing)
{
	char what[96], remedy[64];
	struct em_xdp_seen seen;
	int rc = em_attached_see_xdp(&seen, listing->link->ifindex);

	if (rc || !seen.id || seen.ours)
		return rc;
	snprintf(what, sizeof(what), "XDP program, id %u%s%s", seen.id, seen.name[0] ? ", " : "",
		 seen.name);
	snprintf(remedy, sizeof(remedy), "ip link set dev %s %s off", listing->link->name,
		 seen.hook == EM_HOOK_XDP_GENERIC ? "xdpgeneric" : "xdpdrv");
	listing->found(listing->context, what, remedy);
	return 0;
}

static int note_filter(void *context, const struct em_rtnl_filter *filter)
{
	const struct listing *listing = context;
	char what[96], name[16] = "";

	if (filter->egress || (filter->program && em_attached_is_ours(filter->program, name)))
		return 0;
	if (filter->program)
		snprintf(what, sizeof(what),
			 "TC filter at ingress, priority %u: BPF program, id %u%s%s",
			 filter->priority, filter->program, name[0] ? ", " : "", name);
	else
		snprintf(what, sizeof(what), "TC filter at ingress, priority %u", filter->priority);
	listing->found(listing->context, what, NULL);
	return 0;
}

/* A kernel without tcx has none. */
static void list_tcx(const struct listing *listing)
{
	uint32_t programs[TCX_MAX], n = TCX_MAX;
	char what[96], name[16];

	if (bpf_prog_query(listing->link->ifindex, TCX_INGRESS, 0, NULL, programs, &n))
		return;
	for (uint32_t i = 0; i < n; i++) {
		if (em_attached_is_ours(programs[i], name))
			continue;
		snprintf(what, sizeof(what), "tcx program at ingress, id %u%s%s", programs[i],
			 name[0] ? ", " : "", name);
		listing->found(listing->context, what, NULL);
	}
}

int em_others_list(const struct em_link *link, em_other_fn *found, void *context,
		   struct em_diag *diag)
{
	struct listing listing = {.link = link, .found = found, .context = context};
	int rc = list_xdp(&listing);

	if (!rc)
		rc = em_rtnl_each_filter(link->ifindex, note_filter, &listing);
	if (!rc)
		list_tcx(&listing);
	if (rc && rc != -ENOSYS)
		return em_diag_errno(diag, rc, NULL, "%s: cannot look for programs of others",
				     link->name);
	return 0;
}
