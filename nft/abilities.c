/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * abilities - what the kernel's nf_tables has, each tried; see features.h.
 */
#include "abilities.h"

/* Before <linux/netfilter.h>, which else brings its own. */
#include <netinet/in.h>

#include <errno.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <string.h>

#include "counters.h"
#include "message.h"
#include "netlink.h"
#include "ruleset.h"

#define GENERATION 1

/* Where what is tried is sent to, with nothing in it between two tries. */
struct bench {
	struct em_netlink netlink;
	struct em_batch batch;
	struct em_diag *quiet;
};

static void judge(struct em_facility *facility, const struct em_refusal *refusal, const char *good)
{
	facility->available = !refusal->error;
	if (refusal->error)
		snprintf(facility->detail, sizeof(facility->detail), "cannot %s: %s",
			 refusal->origin.what, strerror(-refusal->error));
	else
		snprintf(facility->detail, sizeof(facility->detail), "%s", good);
}

static void try_tables(struct em_facility *facility, struct bench *bench)
{
	struct em_refusal refusal;

	em_message_table(&bench->batch, EM_TABLE_NETDEV);
	em_batch_send(&bench->netlink, &bench->batch, true, &refusal);
	judge(facility, &refusal, "takes tables of family netdev");
}

static int try_policy(struct bench *bench, const struct em_policy *policy,
		      struct em_refusal *refusal)
{
	struct em_ruleset *ruleset __attribute__((cleanup(em_ruleset_freep))) = NULL;
	int error = em_ruleset_new(&ruleset, policy, GENERATION);

	if (error) {
		*refusal = (struct em_refusal){error, {.what = "build the ruleset"}};
		return error;
	}
	em_message_tables(&bench->batch, ruleset);
	em_message_objects(&bench->batch, ruleset);
	em_message_chains(&bench->batch, ruleset);
	em_message_base(&bench->batch, ruleset->interfaces[0], GENERATION);
	if (ruleset->replies)
		em_message_inet_bases(&bench->batch, GENERATION, &ruleset->replies_place);
	return em_batch_send(&bench->netlink, &bench->batch, true, refusal);
}

static void try_ingress(struct em_facility *facility, struct bench *bench,
			const struct em_policy *sample)
{
	struct em_refusal refusal;

	try_policy(bench, sample, &refusal);
	judge(facility, &refusal, "takes our ruleset, on lo");
}

/* A tag that begins just beyond what older kernels reach. */
static void try_offset(struct em_facility *facility, struct bench *bench,
		       const struct em_policy *sample)
{
	struct em_listener listener = sample->listeners[0];
	struct em_policy far = *sample;
	struct em_refusal refusal;

	listener.tag.pieces[0].offset = EM_LOAD_LAST - EM_UDP_HEADER + 1;
	far.listeners = &listener;
	try_policy(bench, &far, &refusal);
	judge(facility, &refusal, "tags and checks may begin at any byte");
	if (refusal.error == -ERANGE || refusal.error == -EOVERFLOW)
		snprintf(facility->detail, sizeof(facility->detail),
			 "tags and checks begin at payload byte %u at the latest",
			 EM_LOAD_LAST - EM_UDP_HEADER);
}

/* Here a try is not enough: older kernels take the definition and leave the counters out. */
static void try_counters(struct em_facility *facility, struct bench *bench,
			 const struct em_policy *sample)
{
	struct em_refusal refusal;
	int counting = 0;

	em_message_table(&bench->batch, EM_TABLE_NETDEV);
	em_message_map(&bench->batch, &sample->listeners[0], GENERATION, true);
	em_message_entities(&bench->batch, &sample->listeners[0], GENERATION, 0);
	em_batch_send(&bench->netlink, &bench->batch, false, &refusal);
	if (!refusal.error)
		counting = em_counters_in_elements(&bench->netlink, &sample->listeners[0],
						   GENERATION, bench->quiet);
	judge(facility, &refusal, "elements of maps count");
	if (refusal.error)
		return;
	if (counting <= 0) {
		facility->available = false;
		snprintf(facility->detail, sizeof(facility->detail),
			 "elements of maps do not count: each entity has a named counter");
	}
	em_message_delete_table(&bench->batch, EM_TABLE_NETDEV);
	em_batch_send(&bench->netlink, &bench->batch, false, &refusal);
}

/* All of table inet and what leads there, which is told from one another by what is refused. */
static void try_replies(struct em_facility *facility, struct bench *bench,
			const struct em_policy *sample)
{
	struct em_listener listener = sample->listeners[0];
	struct em_policy replies = *sample;
	struct em_refusal refusal;

	listener.replies = true;
	listener.flow_timeout = 1;
	replies.listeners = &listener;
	try_policy(bench, &replies, &refusal);
	judge(facility, &refusal, "rules set them, and translate by them");
}

static void try_all(struct bench *bench, const struct em_policy *sample, em_facility_fn *found,
		    void *context)
{
	struct em_facility tables = {.name = "nf_tables"}, ingress = {.name = "netdev-ingress"},
			   offset = {.name = "payload-offset"}, counters = {.name = "map-counters"},
			   zones = {.name = "conntrack-zones"};

	try_tables(&tables, bench);
	try_ingress(&ingress, bench, sample);
	try_offset(&offset, bench, sample);
	try_counters(&counters, bench, sample);
	try_replies(&zones, bench, sample);
	found(context, &tables);
	found(context, &ingress);
	found(context, &offset);
	found(context, &counters);
	found(context, &zones);
}

static void report_none(em_facility_fn *found, void *context)
{
	static const char *const names[] = {"nf_tables", "netdev-ingress", "payload-offset",
					    "map-counters", "conntrack-zones"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct em_facility none = {.name = names[i],
					   .detail = "this kernel has no nf_tables"};

		found(context, &none);
	}
}

void em_abilities_try(const struct em_policy *sample, em_facility_fn *found, void *context)
{
	FILE *nowhere = fopen("/dev/null", "we");
	struct em_diag quiet;
	struct bench bench = {.quiet = &quiet};

	if (!nowhere)
		return;
	em_diag_init(&quiet, nowhere);
	if (em_netlink_open(&bench.netlink, &quiet)) {
		report_none(found, context);
	} else {
		if (!em_batch_init(&bench.batch, &quiet))
			try_all(&bench, sample, found, context);
		em_batch_clear(&bench.batch);
		em_netlink_close(&bench.netlink);
	}
	fclose(nowhere);
}
