/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "engine/probe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/sample.h"
#include "engine/unattended.h"
#include "host/obstacle.h"
#include "host/scratch.h"

static int no_memory(struct em_diag *diag)
{
	return em_diag_enomem(diag);
}

/* Out of memory, the remark is dropped; the next allocation reports the error. */
static void add_remark(struct em_probe_remarks *remarks, const char *what, const char *remedy)
{
	struct em_probe_remark *grown =
		reallocarray(remarks->list, remarks->n + 1, sizeof(*remarks->list));

	if (!grown)
		return;
	remarks->list = grown;
	grown[remarks->n] = (struct em_probe_remark){.what = strdup(what),
						     .remedy = remedy ? strdup(remedy) : NULL};
	if (grown[remarks->n].what)
		remarks->n++;
	else
		free(grown[remarks->n].remedy);
}

static void clear_remarks(struct em_probe_remarks *remarks)
{
	for (size_t i = 0; i < remarks->n; i++) {
		free(remarks->list[i].what);
		free(remarks->list[i].remedy);
	}
	free(remarks->list);
}

/* The kernel. */

struct kernel {
	struct em_probe_feature features[EM_PROBE_FEATURES_MAX];
	size_t n_features;
	const struct em_backend_ops *backend; /* whose they are */
};

static void note_feature(void *context, const struct em_feature *feature)
{
	struct kernel *kernel = context;

	if (kernel->n_features < EM_PROBE_FEATURES_MAX)
		kernel->features[kernel->n_features++] =
			(struct em_probe_feature){kernel->backend, *feature};
}

/* In the child. */
static void try_features(void *result, const void *context)
{
	struct kernel *kernel = result;

	for (size_t i = 0; em_backends[i]; i++) {
		kernel->backend = em_backends[i];
		em_backends[i]->features(context, note_feature, kernel);
	}
}

static int probe_kernel(struct em_probe *probe, struct em_diag *diag)
{
	struct em_policy *sample __attribute__((cleanup(em_policy_freep))) = NULL;
	struct kernel kernel = {.n_features = 0};
	int rc = em_sample_new(&sample, diag);

	if (rc)
		return rc;
	rc = em_scratch_run(try_features, &kernel, sizeof(kernel), sample);
	if (rc == -EPERM) {
		em_diag_warning(diag, NULL,
				"making a network namespace is not permitted (needs CAP_SYS_ADMIN; "
				"run as root): what the kernel has is not tried, and neither is "
				"whether a virtual interface takes native XDP");
		return 0;
	}
	if (rc)
		return em_diag_errno(diag, rc, NULL, "cannot try things in a network namespace");
	memcpy(probe->features, kernel.features, sizeof(kernel.features));
	probe->n_features = kernel.n_features;
	return 0;
}

/* The interfaces. */

static void note_other(void *context, const char *what, const char *remedy)
{
	struct em_probe_interface *interface = context;

	add_remark(&interface->others, what, remedy);
}

/* The backends that use a hook, by their names for --backend. */
static const struct {
	enum em_hook hook;
	const char *backend;
} hooks[] = {
	{EM_HOOK_XDP_NATIVE, "xdp"},
	{EM_HOOK_XDP_GENERIC, "xdp-generic"},
	{EM_HOOK_TC_INGRESS, "tc"},
	{EM_HOOK_NFT_INGRESS, "nft"},
};

#define N_HOOKS (sizeof(hooks) / sizeof(hooks[0]))

/* An obstacle of one kind, with the backends that it affects. */
static void note_obstacle(struct em_probe_interface *interface, const struct em_attachment *like,
			  enum em_obstacle_kind kind)
{
	struct em_obstacle obstacle;
	char list[64] = "", what[256];
	size_t n = 0;

	for (size_t i = 0; i < N_HOOKS; i++) {
		struct em_attachment at = *like;

		at.hook = hooks[i].hook;
		if (!em_obstacle_find(&obstacle, kind, &interface->link, &at))
			continue;
		snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s", n ? ", " : "",
			 hooks[i].backend);
		n++;
	}
	if (!n)
		return;
	snprintf(what, sizeof(what), "%s: %s", n == N_HOOKS ? "all backends" : list, obstacle.what);
	add_remark(&interface->obstacles, what, obstacle.remedy[0] ? obstacle.remedy : NULL);
}

/* Assumes a program for frames in several buffers: apply chooses one where it is needed. */
static void note_obstacles(struct em_probe_interface *interface, const struct em_policy *policy)
{
	struct em_attachment like = {.fragments = true};

	if (policy)
		em_plan_describe(&like, policy, interface->link.name);
	for (int kind = 0; kind < EM_OBSTACLES; kind++)
		note_obstacle(interface, &like, kind);
}

static int probe_interface(struct em_probe_interface *interface, const char *name,
			   const struct em_policy *policy, struct em_diag *diag)
{
	int rc = 0;

	snprintf(interface->link.name, IF_NAMESIZE, "%s", name);
	if (!if_nametoindex(name))
		return errno == ENODEV ? 0
				       : em_diag_errno(diag, -errno, NULL, "interface %s", name);
	rc = em_link_read(&interface->link, name, NULL, diag);
	for (size_t i = 0; !rc && em_backends[i]; i++)
		rc = em_backends[i]->survey(&interface->link, note_other, interface, diag);
	if (rc)
		return rc;
	interface->present = true;
	note_obstacles(interface, policy);
	return 0;
}

/* Returns the number of interfaces, or -errno.  The caller frees *out. */
static int list_interfaces(char (**out)[IF_NAMESIZE], struct em_diag *diag)
{
	struct if_nameindex *all = if_nameindex();
	char(*names)[IF_NAMESIZE];
	int n = 0;

	if (!all)
		return em_diag_errno(diag, -errno, NULL, "cannot list the interfaces");
	while (all[n].if_index)
		n++;
	names = calloc(n + 1, sizeof(*names));
	for (int i = 0; names && i < n; i++)
		snprintf(names[i], IF_NAMESIZE, "%s", all[i].if_name);
	if_freenameindex(all);
	if (!names)
		return no_memory(diag);
	*out = names;
	return n;
}

static int probe_interfaces(struct em_probe *probe, struct em_diag *diag)
{
	char(*names)[IF_NAMESIZE] = NULL;
	int n = probe->policy ? em_policy_interfaces(probe->policy, &names)
			      : list_interfaces(&names, diag);
	int rc = 0;

	if (n < 0)
		return probe->policy ? no_memory(diag) : n;
	probe->interfaces = calloc(n + 1, sizeof(*probe->interfaces));
	if (!probe->interfaces) {
		free(names);
		return no_memory(diag);
	}
	for (int i = 0; !rc && i < n; i++)
		rc = probe_interface(&probe->interfaces[probe->n_interfaces++], names[i],
				     probe->policy, diag);
	free(names);
	return rc;
}

/* The choice. */

static void note_finding(void *context, const struct em_place *place, const char *finding)
{
	struct em_probe_remarks *findings = context;
	char *text;

	if (asprintf(&text, "%s:%u: %s", place->file, place->line, finding) < 0)
		return;
	add_remark(findings, text, NULL);
	free(text);
}

static int attempt(struct em_probe_attempt *attempt, const struct em_probe *probe,
		   enum em_backend wanted, struct em_diag *diag)
{
	struct em_diag_kept kept;
	int rc = em_diag_keep(&kept);

	if (rc)
		return no_memory(diag);
	attempt->done = (struct em_transaction){.policy = probe->policy,
						.wanted = wanted,
						.config = probe->config,
						.dry_run = true};
	rc = em_transaction_apply(&attempt->done, &kept.diag);
	attempt->error = rc;
	attempt->why = em_diag_take_kept(&kept);
	if (!attempt->why)
		return no_memory(diag);
	/* The automatic choice has no findings other than those of the single backends. */
	if (wanted != EM_BACKEND_AUTO && attempt->done.outcome.lacking_place.file &&
	    attempt->done.ops->check)
		attempt->done.ops->check(probe->policy, note_finding, &attempt->findings);
	return 0;
}

const struct em_probe_attempt *em_probe_choice(const struct em_probe *probe)
{
	return probe->policy ? &probe->attempts[probe->policy->backend] : NULL;
}

static int find_unattended(struct em_probe *probe, struct em_diag *diag)
{
	struct em_ports targets = {.words = {0}};

	em_ports_add_targets(&targets, probe->policy);
	return em_unattended_find(&probe->unattended, &targets, diag);
}

int em_probe_run(struct em_probe *out, const struct em_policy *policy, const char *config,
		 struct em_diag *diag)
{
	int rc;

	*out = (struct em_probe){.policy = policy, .config = config};
	rc = probe_kernel(out, diag);
	if (!rc)
		rc = probe_interfaces(out, diag);
	for (int i = 0; !rc && policy && i < EM_BACKENDS; i++)
		rc = attempt(&out->attempts[i], out, i, diag);
	if (!rc && policy)
		rc = find_unattended(out, diag);
	return rc;
}

void em_probe_clear(struct em_probe *probe)
{
	for (size_t i = 0; i < probe->n_interfaces; i++) {
		clear_remarks(&probe->interfaces[i].others);
		clear_remarks(&probe->interfaces[i].obstacles);
	}
	free(probe->interfaces);
	free(probe->unattended);
	for (int i = 0; i < EM_BACKENDS; i++) {
		em_transaction_clear(&probe->attempts[i].done);
		clear_remarks(&probe->attempts[i].findings);
		free(probe->attempts[i].why);
	}
	memset(probe, 0, sizeof(*probe));
}
