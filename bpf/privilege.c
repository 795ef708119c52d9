/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "bpf/privilege.h"

#include <linux/capability.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "host/capability.h"

/* Linux 5.8, include/uapi/linux/capability.h */
#ifndef CAP_BPF
#define CAP_PERFMON 38
#define CAP_BPF	    39
#endif

static const struct {
	int number;
	const char *name;
} capabilities[] = {
	{CAP_NET_ADMIN, "CAP_NET_ADMIN"},
	{CAP_BPF, "CAP_BPF"},
	{CAP_PERFMON, "CAP_PERFMON"},
};

#define N_CAPABILITIES (sizeof(capabilities) / sizeof(capabilities[0]))

const char *em_privilege_explain(char text[EM_PRIVILEGE_TEXT])
{
	uint64_t effective = em_capability_effective();
	const char *separator = "needs ";

	text[0] = '\0';
	if (effective & 1ULL << CAP_SYS_ADMIN)
		effective |= 1ULL << CAP_BPF | 1ULL << CAP_PERFMON;
	else if (prctl(PR_CAPBSET_READ, CAP_BPF) < 0)
		return strcpy(text,
			      "needs CAP_SYS_ADMIN (run as root), for want of CAP_BPF in this "
			      "kernel (Linux 5.8)");
	for (size_t i = 0; i < N_CAPABILITIES; i++) {
		size_t used = strlen(text);

		if (effective & 1ULL << capabilities[i].number)
			continue;
		snprintf(text + used, EM_PRIVILEGE_TEXT - used, "%s%s", separator,
			 capabilities[i].name);
		separator = " and ";
	}
	if (text[0])
		return strcat(text, " (run as root)");
	return strcpy(text, "CAP_NET_ADMIN, CAP_BPF and CAP_PERFMON are there, but a container, a "
			    "security module or the limit of locked memory (ulimit -l) forbids it");
}
