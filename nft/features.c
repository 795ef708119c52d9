/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * features - what the kernel's nf_tables has, each tried; see features.h.
 */
#include "nft/features.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "nft/answers.h"
#include "nft/conntrack.h"
#include "nft/install.h"
#include "nft/message.h"
#include "nft/netlink.h"
#include "nft/ruleset.h"

#define GENERATION 1

/* The socket and the batch for trials; the batch is empty between two of them. */
struct bench {
	struct em_netlink netlink;
	struct em_batch batch;
	struct em_diag *quiet;
};

static void judge(struct em_feature *feature, const struct em_refusal *refusal, const char *good)
{
	feature->available = !refusal->error;
	if (refusal->error)
		snprintf(feature->detail, sizeof(feature->detail), "cannot %s: %s",
			 refusal->origin.what, em_refusal_reason(refusal));
	else
		snprintf(feature->detail, sizeof(feature->detail), "%s", good);
}

static void try_tables(struct em_feature *feature, struct bench *bench,
		       const struct em_policy *sample)
{
	struct em_refusal refusal;

	(void)sample;
	em_message_table(&bench->batch, EM_TABLE_NETDEV);
	em_batch_send(&bench->netlink, &bench->batch, true, &refusal);
	judge(feature, &refusal, "takes tables of family netdev");
}

static int try_policy(struct bench *bench, const struct em_policy *policy,
		      struct em_refusal *refusal)
{
	struct em_ruleset *ruleset __attribute__((cleanup(em_ruleset_freep))) = NULL;
	int rc = em_ruleset_new(&ruleset, policy, GENERATION, (struct em_form){.zones = false});

	if (rc) {
		*refusal = (struct em_refusal){rc, {.what = "build the ruleset"}};
		return rc;
	}
	em_message_tables(&bench->batch, ruleset, false);
	em_message_objects(&bench->batch, ruleset);
	em_message_chains(&bench->batch, ruleset);
	em_message_bases(&bench->batch, ruleset, EM_TABLE_NETDEV);
	return em_batch_send(&bench->netlink, &bench->batch, true, refusal);
}

static void try_ingress(struct em_feature *feature, struct bench *bench,
			const struct em_policy *sample)
{
	struct em_refusal refusal;

	try_policy(bench, sample, &refusal);
	judge(feature, &refusal, "takes our ruleset, on lo");
}

static void delete_table(struct bench *bench, enum em_table table)
{
	struct em_refusal refusal;

	em_message_table(&bench->batch, table);
	em_message_delete_table(&bench->batch, table);
	em_batch_send(&bench->netlink, &bench->batch, false, &refusal);
}

/*
 * A tag that begins just beyond the reach of older kernels, which refuse it, or cut the offset and
 * say nothing.
 */
static void try_offset(struct em_feature *feature, struct bench *bench,
		       const struct em_policy *sample)
{
	struct em_listener listener = sample->listeners[0];
	struct em_format format = listener.formats[0];
	struct em_policy far = *sample;
	struct em_refusal refusal;

	format.tag.pieces[0].offset = EM_LOAD_LAST - EM_UDP_HEADER + 1;
	listener.formats = &format;
	far.listeners = &listener;
	em_install_trial(&bench->netlink, &bench->batch, &far, GENERATION,
			 (struct em_form){.zones = false}, &refusal);
	judge(feature, &refusal, "tags and checks may begin at any byte");
	if (refusal.error == -ERANGE || refusal.error == -EOVERFLOW)
		snprintf(feature->detail, sizeof(feature->detail),
			 "tags and checks begin at payload byte %u at the latest",
			 EM_LOAD_LAST - EM_UDP_HEADER);
	delete_table(bench, EM_TABLE_NETDEV);
}

/* A trial is not enough here: older kernels take the definition and leave the counters out. */
static void try_counters(struct em_feature *feature, struct bench *bench,
			 const struct em_policy *sample)
{
	struct em_refusal refusal = {0};
	int counting = em_install_can_count(&bench->netlink, &bench->batch, sample, GENERATION,
					    (struct em_form){.zones = false}, &refusal);

	judge(feature, &refusal, "elements of maps count");
	if (counting == 0) {
		feature->available = false;
		snprintf(feature->detail, sizeof(feature->detail),
			 "elements of maps do not count: each entity has a named counter");
	}
	delete_table(bench, EM_TABLE_NETDEV);
}

/*
 * Tries a statement of table inet, in a chain to which nothing leads. What it refers to is in the
 * batch already.
 */
static int try_rule(struct bench *bench, struct em_statement *statements, size_t n,
		    struct em_refusal *refusal)
{
	struct em_rule rule = {.statements = statements, .n_statements = n};
	struct em_chain chain = {.table = EM_TABLE_INET,
				 .name = {.generation = GENERATION, .role = "try"},
				 .rules = &rule,
				 .n_rules = 1};
	struct em_ruleset ruleset = {.chains = &chain, .n_chains = 1};

	em_message_chains(&bench->batch, &ruleset);
	return em_batch_send(&bench->netlink, &bench->batch, true, refusal);
}

static void try_egress(struct em_feature *feature, struct bench *bench,
		       const struct em_policy *sample)
{
	struct em_refusal refusal;

	(void)sample;
	em_answers_try(&bench->netlink, &bench->batch, &refusal);
	judge(feature, &refusal, "chains and sets for replies");
	if (!feature->available)
		snprintf(feature->detail + strlen(feature->detail),
			 sizeof(feature->detail) - strlen(feature->detail),
			 ": replies need conntrack");
}

static void try_zones(struct em_feature *feature, struct bench *bench,
		      const struct em_policy *sample)
{
	struct em_statement zone = {
		.kind = EM_STATEMENT_SET, .written = EM_FIELD_ZONE, .low = {0, 1}};
	struct em_refusal refusal;

	(void)sample;
	em_message_table(&bench->batch, EM_TABLE_INET);
	try_rule(bench, &zone, 1, &refusal);
	judge(feature, &refusal, "rules set them");
}

static void try_timeouts(struct em_feature *feature, struct bench *bench,
			 const struct em_policy *sample)
{
	const struct em_object one = em_object_timeout(1, AF_INET);
	struct em_statement timeout = {.kind = EM_STATEMENT_TIMEOUT, .target = one.name};
	struct em_refusal refusal;

	(void)sample;
	em_message_table(&bench->batch, EM_TABLE_INET);
	em_message_object(&bench->batch, &one);
	try_rule(bench, &timeout, 1, &refusal);
	judge(feature, &refusal, "rules set them");
}

/* In a base chain of that type: before Linux 5.2 they are not in family inet. */
static int try_nat_rule(struct bench *bench, struct em_statement *statements, size_t n,
			struct em_refusal *refusal)
{
	struct em_rule rule = {.statements = statements, .n_statements = n};
	struct em_chain chain = {.table = EM_TABLE_INET,
				 .name = em_ruleset_base(EM_BASE_NAT, NULL),
				 .base = &em_ruleset_bases[EM_BASE_NAT],
				 .rules = &rule,
				 .n_rules = 1};
	struct em_ruleset ruleset = {.chains = &chain, .n_chains = 1};

	em_message_bases(&bench->batch, &ruleset, EM_TABLE_INET);
	return em_batch_send(&bench->netlink, &bench->batch, true, refusal);
}

static void try_nat(struct em_feature *feature, struct bench *bench, const struct em_policy *sample)
{
	const struct em_object ports = em_object_ports(GENERATION);
	struct em_statement udp_to_port[] = {{.kind = EM_STATEMENT_EQUAL,
					      .loads = {{.field = EM_FIELD_L4PROTO}},
					      .n_loads = 1,
					      .low = {IPPROTO_UDP}},
					     {.kind = EM_STATEMENT_TRANSLATE,
					      .loads = {{.field = EM_FIELD_ZONE}},
					      .n_loads = 1,
					      .target = ports.name}};
	struct em_refusal refusal;

	(void)sample;
	em_message_table(&bench->batch, EM_TABLE_INET);
	em_message_object(&bench->batch, &ports);
	try_nat_rule(bench, udp_to_port, 2, &refusal);
	judge(feature, &refusal, "rules translate ports, for IPv4 and IPv6");
}

static bool ignore(void *context, const struct em_conntrack *entry)
{
	(void)context;
	(void)entry;
	return true;
}

static void try_ctnetlink(struct em_feature *feature, struct bench *bench,
			  const struct em_policy *sample)
{
	struct em_refusal refusal = {em_conntrack_list(&bench->netlink, ignore, NULL),
				     {.what = "list conntrack"}};

	(void)sample;
	judge(feature, &refusal, "lists what conntrack remembers");
}

static const struct {
	const char *name;
	void (*try)(struct em_feature *feature, struct bench *bench,
		    const struct em_policy *sample);
} features[] = {
	{"nf_tables", try_tables},	{"netdev-ingress", try_ingress},
	{"payload-offset", try_offset}, {"map-counters", try_counters},
	{"netdev-egress", try_egress},	{"conntrack-zones", try_zones},
	{"ct-timeouts", try_timeouts},	{"inet-nat", try_nat},
	{"ctnetlink", try_ctnetlink},
};

#define N_FEATURES (sizeof(features) / sizeof(features[0]))

static void try_all(struct bench *bench, const struct em_policy *sample, em_feature_fn *found,
		    void *context)
{
	for (size_t i = 0; i < N_FEATURES; i++) {
		struct em_feature feature = {.name = features[i].name};

		features[i].try(&feature, bench, sample);
		found(context, &feature);
	}
}

static void report_none(int rc, em_feature_fn *found, void *context)
{
	for (size_t i = 0; i < N_FEATURES; i++) {
		struct em_feature none = {.name = features[i].name,
					  .detail = "this kernel has no nf_tables"};

		if (rc != -EPROTONOSUPPORT)
			snprintf(none.detail, sizeof(none.detail), "cannot be tried: %s",
				 strerror(-rc));
		found(context, &none);
	}
}

void em_nft_features(const struct em_policy *sample, em_feature_fn *found, void *context)
{
	FILE *nowhere = fopen("/dev/null", "we");
	struct em_diag quiet;
	struct bench bench = {.quiet = &quiet};
	int rc;

	if (!nowhere)
		return;
	em_diag_init(&quiet, nowhere);
	rc = em_netlink_open(&bench.netlink, &quiet);
	if (rc) {
		report_none(rc, found, context);
	} else {
		if (!em_batch_init(&bench.batch, &quiet))
			try_all(&bench, sample, found, context);
		em_batch_clear(&bench.batch);
		em_netlink_close(&bench.netlink);
	}
	fclose(nowhere);
}
