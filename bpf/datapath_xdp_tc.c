// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The operations of the eBPF backend.  Programs are attached by netlink, so that they live without
 * a pin and work where there is no bpffs; they are found again through their interfaces.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attached.h"
#include "program.h"
#include "rtnl.h"

struct em_prepared {
	struct em_program *program;
};

/* What to change on the interfaces, with the programs that are there now. */
struct changes {
	struct em_rtnl_xdp *changes;
	struct em_attached *before; /* of the same interfaces; fd owned */
	size_t n;
};

static void changes_clear(struct changes *changes)
{
	for (size_t i = 0; i < changes->n; i++)
		if (changes->before[i].fd >= 0)
			close(changes->before[i].fd);
	free(changes->before);
	free(changes->changes);
}

static int changes_add(struct changes *changes, const struct em_attached *before,
		       const struct em_rtnl_xdp *change)
{
	void *grown;

	grown = realloc(changes->before, (changes->n + 1) * sizeof(*changes->before));
	if (!grown)
		return -ENOMEM;
	changes->before = grown;
	grown = realloc(changes->changes, (changes->n + 1) * sizeof(*changes->changes));
	if (!grown)
		return -ENOMEM;
	changes->changes = grown;
	changes->before[changes->n] = *before;
	changes->changes[changes->n] = *change;
	changes->n++;
	return 0;
}

/*
 * Calls visit for each interface with a program of ours; visit owns attached->fd.  Stops at the
 * first error and returns it.
 */
static int for_each_of_ours(int (*visit)(void *context, const struct if_nameindex *interface,
					 struct em_attached *attached),
			    void *context, struct em_diag *diag)
{
	struct if_nameindex *interfaces = if_nameindex();
	int rc = 0;

	if (!interfaces)
		return em_diag_error(diag, -errno, NULL, "cannot list the interfaces: %s",
				     strerror(errno));
	for (size_t i = 0; !rc && interfaces[i].if_index; i++) {
		struct em_attached attached;

		/* An interface may vanish while we look at it. */
		rc = em_attached_find(&attached, interfaces[i].if_index);
		if (rc == -ENODEV || rc == -ENOSYS)
			rc = 0;
		else if (rc)
			em_diag_error(diag, rc, NULL, "%s: cannot look for a program: %s",
				      interfaces[i].if_name, strerror(-rc));
		else if (em_attached_is_ours(&attached) &&
			 (rc = visit(context, &interfaces[i], &attached)))
			em_diag_error(diag, rc, NULL, "%s", strerror(-rc));
	}
	if_freenameindex(interfaces);
	return rc;
}

static void review(const struct em_policy *policy, em_review_fn *found, void *context)
{
	(void)policy;
	(void)found;
	(void)context;
}

static uint32_t mode_wanted(const struct em_plan *plan)
{
	return plan->backend == EM_BACKEND_XDP_GENERIC ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;
}

/* Whether a program of somebody else keeps us off an interface. */
static int check_free(const struct em_attachment *attachment, struct em_plan *plan,
		      struct em_diag *diag)
{
	struct em_attached attached;
	int rc = em_attached_find(&attached, attachment->ifindex);

	if (rc)
		return em_diag_error(diag, rc, NULL, "%s: cannot look for a program: %s",
				     attachment->interface, strerror(-rc));
	if (attached.fd >= 0)
		close(attached.fd);
	else if (attached.id)
		return em_plan_lacks(plan, NULL,
				     "%s: another XDP program is on the interface (id %u%s%s)",
				     attachment->interface, attached.id,
				     attached.name[0] ? ", " : "", attached.name);
	return 0;
}

/*
 * Whether a driver takes a native program shows when it is attached; trying that beforehand would
 * reset many a NIC, so it is left to commit.
 */
static int carry(const struct em_policy *policy, struct em_plan *plan, struct em_diag *diag)
{
	int rc = 0;

	(void)policy;
	for (size_t i = 0; !rc && i < plan->n_attachments; i++) {
		plan->attachments[i].hook = plan->backend == EM_BACKEND_XDP_GENERIC ?
						    EM_HOOK_XDP_GENERIC :
						    EM_HOOK_XDP_NATIVE;
		rc = check_free(&plan->attachments[i], plan, diag);
	}
	return rc;
}

static void release(struct em_prepared *prepared)
{
	if (!prepared)
		return;
	em_program_free(prepared->program);
	free(prepared);
}

static int prepare(struct em_prepared **out, const struct em_policy *policy, struct em_plan *plan,
		   uint32_t generation, struct em_diag *diag)
{
	struct em_prepared *prepared = calloc(1, sizeof(*prepared));
	int rc;

	if (!prepared)
		return em_diag_error(diag, -ENOMEM, NULL, "%s", strerror(ENOMEM));
	rc = em_program_load(&prepared->program, policy, plan, generation, diag);
	if (rc) {
		release(prepared);
		return rc;
	}
	*out = prepared;
	return 0;
}

static int add_detach(void *context, const struct if_nameindex *interface,
		      struct em_attached *attached)
{
	struct em_rtnl_xdp change = { .ifindex = interface->if_index,
				      .mode = attached->mode,
				      .program = -1,
				      .expected = attached->fd };
	int rc = changes_add(context, attached, &change);

	if (rc)
		close(attached->fd);
	return rc;
}

static int add_attach(struct changes *changes, const struct em_attachment *attachment,
		      uint32_t mode, int program, struct em_diag *diag)
{
	struct em_rtnl_xdp change = { .ifindex = attachment->ifindex,
				      .mode = mode,
				      .program = program,
				      .expected = -1 };
	struct em_attached attached = { .fd = -1 };

	for (size_t i = 0; i < changes->n; i++) {
		struct em_rtnl_xdp *present = &changes->changes[i];

		if (present->ifindex != attachment->ifindex)
			continue;
		/* The other mode has to go first: the kernel does not take both at once. */
		if (present->mode != mode)
			break;
		present->program = program;
		return 0;
	}
	if (changes_add(changes, &attached, &change))
		return em_diag_error(diag, -ENOMEM, NULL, "%s", strerror(ENOMEM));
	return 0;
}

/* Puts back what was there on the interfaces whose change succeeded, the last one first. */
static void undo(const struct changes *changes, struct em_diag *diag)
{
	struct em_rtnl_xdp *back = calloc(changes->n, sizeof(*back));
	size_t n = 0;

	for (size_t i = changes->n; back && i-- > 0;) {
		const struct em_rtnl_xdp *change = &changes->changes[i];

		if (change->error)
			continue;
		back[n++] = (struct em_rtnl_xdp){ .ifindex = change->ifindex,
						  .mode = change->mode,
						  .program = changes->before[i].fd,
						  .expected = change->program };
	}
	if (!back || em_rtnl_change_xdp(back, n))
		em_diag_error(diag, -EIO, NULL, "cannot put the previous programs back");
	free(back);
}

/* What a driver says where its kind, its settings or its queues rule native XDP out. */
static bool is_lacking(const struct em_rtnl_xdp *change)
{
	return change->error != -EPERM && change->error != -ENOMEM && change->error != -ENODEV &&
	       change->error != -EFAULT && change->error != -EBADF;
}

static int explain(const struct changes *changes, struct em_plan *plan, struct em_diag *diag)
{
	for (size_t i = 0; i < changes->n; i++) {
		const struct em_rtnl_xdp *change = &changes->changes[i];
		char name[IF_NAMESIZE] = "?", text[160];

		if (!change->error)
			continue;
		if_indextoname(change->ifindex, name);
		snprintf(text, sizeof(text), "%s%s%s", strerror(-change->error),
			 change->message[0] ? ": " : "", change->message);
		if (is_lacking(change))
			return em_plan_lacks(plan, NULL, "%s: the interface does not take %s XDP: %s",
					     name,
					     change->mode == XDP_FLAGS_SKB_MODE ? "generic" :
										  "native",
					     text);
		return em_diag_error(diag, change->error, NULL, "%s: cannot attach XDP: %s", name,
				     text);
	}
	return 0;
}

static int apply_changes(struct changes *changes, struct em_plan *plan, struct em_diag *diag)
{
	int rc = em_rtnl_change_xdp(changes->changes, changes->n), lacking;

	if (!rc)
		return 0;
	undo(changes, diag);
	lacking = explain(changes, plan, diag);
	if (lacking)
		return lacking;
	return em_diag_error(diag, rc == -EOPNOTSUPP ? -EIO : rc, NULL,
			     "cannot change the XDP programs: %s", strerror(-rc));
}

static int commit(struct em_prepared *prepared, struct em_plan *plan, struct em_diag *diag)
{
	int program = em_program_fd(prepared->program);
	uint32_t mode = mode_wanted(plan);
	struct changes changes = { 0 };
	int rc = for_each_of_ours(add_detach, &changes, diag);

	for (size_t i = 0; !rc && i < plan->n_attachments; i++)
		rc = add_attach(&changes, &plan->attachments[i], mode, program, diag);
	if (!rc)
		rc = apply_changes(&changes, plan, diag);
	changes_clear(&changes);
	return rc;
}

static int add_installed(void *context, const struct if_nameindex *interface,
			 struct em_attached *attached)
{
	struct em_installed *installed = context;
	struct em_attachment *grown;

	close(attached->fd);
	if (!attached->generation || attached->generation < installed->generation) {
		installed->remains = true;
		return 0;
	}
	if (attached->generation > installed->generation && installed->n_attachments) {
		installed->remains = true;
		installed->n_attachments = 0;
	}
	grown = realloc(installed->attachments,
			(installed->n_attachments + 1) * sizeof(*installed->attachments));
	if (!grown)
		return -ENOMEM;
	installed->attachments = grown;
	installed->generation = attached->generation;
	grown += installed->n_attachments++;
	*grown = (struct em_attachment){ .ifindex = interface->if_index,
					 .hook = attached->mode == XDP_FLAGS_SKB_MODE ?
							 EM_HOOK_XDP_GENERIC :
							 EM_HOOK_XDP_NATIVE };
	strncpy(grown->interface, interface->if_name, IF_NAMESIZE - 1);
	return 0;
}

static int discover(struct em_installed *out, struct em_diag *diag)
{
	struct em_installed installed = { 0 };
	int rc = for_each_of_ours(add_installed, &installed, diag);

	if (rc) {
		em_installed_clear(&installed);
		return rc;
	}
	*out = installed;
	return 0;
}

struct search {
	uint32_t generation;
	int fd;
};

static int keep_program(void *context, const struct if_nameindex *interface,
			struct em_attached *attached)
{
	struct search *search = context;

	(void)interface;
	if (search->fd < 0 && attached->generation == search->generation)
		search->fd = attached->fd;
	else
		close(attached->fd);
	return 0;
}

static int open_counters(struct em_counters **out, uint32_t generation, struct em_diag *diag)
{
	struct search search = { .generation = generation, .fd = -1 };
	int rc = for_each_of_ours(keep_program, &search, diag);

	if (rc)
		return rc;
	if (search.fd < 0)
		return em_diag_error(diag, -ENOENT, NULL, "no program of generation %u is attached",
				     generation);
	rc = em_attached_open_counters(out, search.fd, diag);
	close(search.fd);
	return rc;
}

struct detachment {
	struct changes changes;
	uint32_t keep; /* 0: none */
};

static int add_detach_unless_kept(void *context, const struct if_nameindex *interface,
				  struct em_attached *attached)
{
	struct detachment *detachment = context;

	if (detachment->keep && attached->generation == detachment->keep) {
		close(attached->fd);
		return 0;
	}
	return add_detach(&detachment->changes, interface, attached);
}

/* Nothing of ours outlives its attachment, so that detaching is removing. */
static int clean(uint32_t keep, struct em_diag *diag)
{
	struct detachment detachment = { .keep = keep };
	int rc = for_each_of_ours(add_detach_unless_kept, &detachment, diag);

	if (!rc) {
		rc = em_rtnl_change_xdp(detachment.changes.changes, detachment.changes.n);
		if (rc)
			em_diag_error(diag, rc == -EOPNOTSUPP ? -EIO : rc, NULL,
				      "cannot detach an XDP program: %s", strerror(-rc));
	}
	changes_clear(&detachment.changes);
	return rc;
}

static int detach(struct em_diag *diag)
{
	return clean(0, diag);
}

const struct em_datapath em_datapath_bpf = {
	.name = "eBPF",
	.review = review,
	.carry = carry,
	.prepare = prepare,
	.commit = commit,
	.release = release,
	.discover = discover,
	.open_counters = open_counters,
	.read_counters = em_attached_read_counters,
	.close_counters = em_attached_close_counters,
	.detach = detach,
	.clean = clean,
};
