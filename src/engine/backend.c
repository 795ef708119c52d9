/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "engine/backend.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config-build.h"
#include "policy/conversation.h"

const struct em_backend_ops *const em_backends[] = {
#ifdef HAVE_BPF
	&em_bpf_backend,
#endif
	&em_nft_backend,
	NULL,
};

/* In the order in which they are tried. */
static const struct {
	struct em_choice choice;
	bool automatic;
} choices_known[] = {
#ifdef HAVE_BPF
	{{&em_bpf_backend, EM_BACKEND_AUTO}, true},
	{{&em_bpf_backend, EM_BACKEND_XDP}, false},
	{{&em_bpf_backend, EM_BACKEND_XDP_GENERIC}, false},
	{{&em_bpf_backend, EM_BACKEND_TC}, false},
#endif
	{{&em_nft_backend, EM_BACKEND_NFT}, true},
};

void em_plan_clear(struct em_plan *plan)
{
	free(plan->attachments);
	free(plan->links);
	memset(plan, 0, sizeof(*plan));
}

void em_plan_note(struct em_plan *plan, const char *format, ...)
{
	size_t used = strlen(plan->reason);
	va_list args;

	va_start(args, format);
	vsnprintf(plan->reason + used, sizeof(plan->reason) - used, format, args);
	va_end(args);
}

int em_plan_lacks(struct em_plan *plan, const struct em_place *place, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(plan->lacking, sizeof(plan->lacking), format, args);
	va_end(args);
	plan->lacking_place = place ? *place : (struct em_place){0};
	return -EM_EUNSUPPORTED;
}

void em_plan_settle(struct em_plan *plan)
{
	if (plan->backend != EM_BACKEND_AUTO)
		return;
	plan->backend = EM_BACKEND_TC;
	for (size_t i = 0; i < plan->n_attachments; i++)
		if (plan->attachments[i].hook == EM_HOOK_XDP_NATIVE)
			plan->backend = EM_BACKEND_XDP;
}

void em_kernel_state_clear(struct em_kernel_state *installed)
{
	free(installed->attachments);
	memset(installed, 0, sizeof(*installed));
}

size_t em_backend_choices(enum em_backend wanted, struct em_choice choices[EM_CHOICES_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < sizeof(choices_known) / sizeof(choices_known[0]); i++)
		if (wanted == EM_BACKEND_AUTO ? choices_known[i].automatic
					      : wanted == choices_known[i].choice.backend)
			choices[n++] = choices_known[i].choice;
	return n;
}

static int check_interface(struct em_attachment *attachment, struct em_link *link,
			   struct em_diag *diag)
{
	int rc = em_link_read(link, attachment->interface, diag);

	attachment->ifindex = link->ifindex;
	if (!rc && !link->up)
		rc = em_diag_error(diag, -ENETDOWN, NULL,
				   "interface %s is down; bring it up first: ip link set %s up",
				   attachment->interface, attachment->interface);
	return rc;
}

static int check_interfaces(struct em_plan *plan, struct em_diag *diag)
{
	int first = 0;

	for (size_t i = 0; i < plan->n_attachments; i++) {
		int rc = check_interface(&plan->attachments[i], &plan->links[i], diag);

		first = first ? first : rc;
	}
	return first;
}

int em_plan_init(struct em_plan *plan, const struct em_policy *policy,
		 const struct em_choice *choice, struct em_diag *diag)
{
	char(*names)[IF_NAMESIZE] = NULL;
	int n = em_policy_interfaces(policy, &names);

	if (n < 0)
		return em_diag_enomem(diag);
	*plan = (struct em_plan){.datapath = choice->datapath, .backend = choice->backend};
	plan->attachments = calloc(n, sizeof(*plan->attachments));
	plan->links = calloc(n, sizeof(*plan->links));
	if (!plan->attachments || !plan->links) {
		free(names);
		return em_diag_enomem(diag);
	}
	plan->n_attachments = n;
	for (int i = 0; i < n; i++) {
		memcpy(plan->attachments[i].interface, names[i], IF_NAMESIZE);
		plan->attachments[i].replies = em_conversation_on(policy, names[i]);
	}
	free(names);
	return check_interfaces(plan, diag);
}

int em_plan_check_coalescing(struct em_plan *plan)
{
	for (size_t i = 0; i < plan->n_attachments; i++) {
		const char *glue = em_link_coalescing(&plan->links[i]);

		if (glue && !plan->attachments[i].before_gro)
			return em_plan_lacks(plan, NULL,
					     "%s: %s glues datagrams together, and of those only "
					     "the first one's tag is seen; turn it off: ethtool -K "
					     "%s %s off",
					     plan->links[i].name, glue, plan->links[i].name, glue);
	}
	return 0;
}
