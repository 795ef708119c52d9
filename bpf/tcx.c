/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "bpf/tcx.h"

#include <bpf/bpf.h>
#include <errno.h>

#include "bpf/rtnl.h"

/* From Linux 6.6, include/uapi/linux/bpf.h; headers and libbpf of Debian 12 are older. */
#define TCX_INGRESS  46 /* BPF_TCX_INGRESS */
#define TCX_EGRESS   47 /* BPF_TCX_EGRESS */
#define FLAG_REPLACE 4	/* BPF_F_REPLACE */
#define FLAG_BEFORE  8	/* BPF_F_BEFORE; without another program: before all */

static enum bpf_attach_type hook_of(bool egress)
{
	return (enum bpf_attach_type)(egress ? TCX_EGRESS : TCX_INGRESS);
}

static int query(uint32_t ids[EM_TCX_MAX], unsigned int ifindex, bool egress)
{
	uint32_t n = EM_TCX_MAX;
	int rc = bpf_prog_query(ifindex, hook_of(egress), 0, NULL, ids, &n);

	return rc ? rc : (int)n;
}

int em_tcx_exists(void)
{
	uint32_t ids[EM_TCX_MAX];
	int n = query(ids, EM_RTNL_LOOPBACK, false);

	if (n == -EINVAL || n == -ENOSYS)
		return 0;
	return n < 0 ? n : 1;
}

int em_tcx_list(uint32_t ids[EM_TCX_MAX], unsigned int ifindex, bool egress)
{
	int n = query(ids, ifindex, egress);

	return n == -EINVAL || n == -ENOSYS ? 0 : n;
}

int em_tcx_attach(unsigned int ifindex, bool egress, int program, int replaced)
{
	LIBBPF_OPTS(bpf_prog_attach_opts, place, .flags = FLAG_BEFORE);

	if (replaced >= 0) {
		place.flags = FLAG_REPLACE;
		place.replace_prog_fd = replaced;
	}
	return bpf_prog_attach_opts(program, ifindex, hook_of(egress), &place);
}

int em_tcx_detach(unsigned int ifindex, bool egress, int program)
{
	return bpf_prog_detach2(program, ifindex, hook_of(egress));
}
