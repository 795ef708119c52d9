/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "bpf/discover.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpf/attached.h"
#include "bpf/program.h"

/* Programs in slots that are not in force. */
static bool has_spares(const struct em_attached *attached)
{
	for (uint32_t i = 0; attached->stub >= 0 && i < EM_STUB_SLOTS; i++)
		if (i != attached->jumps.slot && attached->jumps.programs[i])
			return true;
	return false;
}

/* The attachments found, and the programs that only stand behind one of them. */
struct finding {
	struct em_kernel_state installed;
	size_t n_local;	   /* of this generation, with a program behind them */
	size_t n_deferred; /* of this generation, behind one */
	size_t n_replies;  /* that this generation is to have */
	uint32_t egress;   /* the generation of what is at egress; 0: nothing is */
	size_t n_egress;   /* of that generation */
};

/* What is in force shows by what sorts. */
static void count_egress(struct finding *finding, const struct em_attached *attached)
{
	if (finding->egress && attached->generation != finding->egress)
		finding->installed.leftovers = true;
	if (attached->generation > finding->egress) {
		finding->egress = attached->generation;
		finding->n_egress = 0;
	}
	finding->n_egress += attached->generation == finding->egress;
}

static bool has_all_egress(const struct finding *finding)
{
	return finding->n_egress == finding->n_replies &&
	       (!finding->n_egress || finding->egress == finding->installed.generation);
}

/* What comes before a program of ours may take packets away from it. */
static void note_front(struct em_fault *fault, const struct em_attached *attached)
{
	if (attached->front[0] && !fault->text[0])
		snprintf(fault->text, sizeof(fault->text),
			 "%s: a %s has come before ours and may take packets away: apply again",
			 attached->interface, attached->front);
}

/* Whether it is of the newest generation seen so far; programs of older ones are leftovers. */
static bool note_generation(struct finding *finding, uint32_t generation)
{
	struct em_kernel_state *installed = &finding->installed;

	if (!generation || generation < installed->generation) {
		installed->leftovers = true;
		if (generation > installed->older)
			installed->older = generation;
		return false;
	}
	if (generation > installed->generation && installed->generation)
		*finding = (struct finding){.installed = {.attachments = installed->attachments,
							  .older = installed->generation,
							  .leftovers = true,
							  .fault = installed->fault},
					    .egress = finding->egress,
					    .n_egress = finding->n_egress};
	installed->generation = generation;
	return true;
}

static int add_attachment(struct em_kernel_state *installed, const struct em_attached *attached)
{
	struct em_attachment *grown =
		reallocarray(installed->attachments, installed->n_attachments + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	installed->attachments = grown;
	grown += installed->n_attachments++;
	*grown = (struct em_attachment){.ifindex = attached->ifindex, .hook = attached->hook};
	memcpy(grown->interface, attached->interface, IF_NAMESIZE);
	return 0;
}

static int add_installed(void *context, const struct em_attached *attached)
{
	struct finding *finding = context;

	em_attached_close(attached);
	note_front(&finding->installed.fault, attached);
	finding->installed.leftovers |= has_spares(attached);
	if (attached->hook == EM_HOOK_TC_EGRESS) {
		count_egress(finding, attached);
		return 0;
	}
	if (!note_generation(finding, attached->generation))
		return 0;
	finding->n_replies = attached->n_replies;
	finding->n_local += attached->kind == EM_PROGRAM_XDP_LOCAL;
	finding->n_deferred += attached->kind == EM_PROGRAM_TC_DEFERRED;
	if (attached->kind == EM_PROGRAM_TC_DEFERRED)
		return 0;
	return add_attachment(&finding->installed, attached);
}

/* Programs at TC that those of the generation in force need. */
static int note_missing(struct em_kernel_state *installed, const char *where, size_t n,
			size_t expected)
{
	struct em_drift drift;

	installed->leftovers |= n != expected;
	if (n >= expected)
		return 0;
	snprintf(drift.object, sizeof(drift.object), "%s", where);
	snprintf(drift.what, sizeof(drift.what), "has %zu of %zu programs", n, expected);
	return em_kernel_state_add_drift(installed, &drift);
}

static int find_missing(struct finding *finding)
{
	struct em_kernel_state *installed = &finding->installed;
	bool known = finding->egress == installed->generation;
	int rc = note_missing(installed, "TC ingress", finding->n_deferred, finding->n_local);

	installed->leftovers |= !has_all_egress(finding);
	if (!rc && (known || !finding->n_egress))
		rc = note_missing(installed, "TC egress", finding->n_egress, finding->n_replies);
	return rc;
}

int em_discover(struct em_kernel_state *out, struct em_diag *diag)
{
	struct finding finding = {0};
	int rc = em_attached_each(add_installed, &finding, diag);

	if (!rc && find_missing(&finding))
		rc = em_diag_enomem(diag);
	if (!rc)
		rc = em_attached_any_hidden(diag);
	if (rc < 0) {
		em_kernel_state_clear(&finding.installed);
		return rc;
	}
	finding.installed.unreadable = rc;
	*out = finding.installed;
	return 0;
}
