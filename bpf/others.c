/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "bpf/others.h"

#include <errno.h>
#include <stdio.h>

#include "bpf/attached.h"
#include "bpf/rtnl.h"

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

static int note_filter(const struct listing *listing, const struct em_rtnl_filter *filter)
{
	char what[EM_ATTACHED_TEXT], name[16] = "";
	int ours = filter->program ? em_attached_is_ours(filter->program, name) : 0;

	if (ours || filter->egress)
		return ours < 0 ? ours : 0;
	em_attached_describe(what, filter, name);
	listing->found(listing->context, what, NULL);
	return 0;
}

int em_others_list(const struct em_link *link, em_other_fn *found, void *context,
		   struct em_diag *diag)
{
	struct listing listing = {.link = link, .found = found, .context = context};
	struct em_rtnl_filters filters __attribute__((cleanup(em_rtnl_clear_filters))) = {0};
	int rc = list_xdp(&listing);

	if (!rc)
		rc = em_rtnl_list_filters(&filters, link->ifindex);
	for (size_t i = 0; !rc && i < filters.n; i++)
		rc = note_filter(&listing, &filters.all[i]);
	if (rc && rc != -ENOSYS)
		return em_diag_errno(diag, rc, NULL, "%s: cannot look for programs of others",
				     link->name);
	return 0;
}
