/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "engine/backend.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "config-build.h"

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
	/* Where XDP is what the first one lacks, for a policy that is too large for it, say. */
	{{&em_bpf_backend, EM_BACKEND_TC}, true},
#endif
	{{&em_nft_backend, EM_BACKEND_NFT}, true},
};

size_t em_backend_choices(enum em_backend wanted, struct em_choice choices[EM_CHOICES_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < sizeof(choices_known) / sizeof(choices_known[0]); i++)
		if (wanted == EM_BACKEND_AUTO ? choices_known[i].automatic
					      : wanted == choices_known[i].choice.backend)
			choices[n++] = choices_known[i].choice;
	return n;
}

void em_backend_programs(const struct em_backend_ops *ops, char text[EM_PROGRAMS_TEXT])
{
	if (ops && ops->programs)
		snprintf(text, EM_PROGRAMS_TEXT, "%s %016" PRIx64, PACKAGE_VERSION,
			 ops->programs());
	else
		snprintf(text, EM_PROGRAMS_TEXT, "%s", PACKAGE_VERSION);
}

void em_kernel_state_clear(struct em_kernel_state *kernel)
{
	free(kernel->attachments);
	free(kernel->drifts);
	*kernel = (struct em_kernel_state){0};
}

int em_kernel_state_add_drift(struct em_kernel_state *kernel, const struct em_drift *drift)
{
	struct em_drift *grown = reallocarray(kernel->drifts, kernel->n_drifts + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	kernel->drifts = grown;
	grown[kernel->n_drifts++] = *drift;
	return 0;
}
