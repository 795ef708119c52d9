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
#define CHAIN	   "prerouting"

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

	em_message_table(&bench->batch);
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
	em_message_table(&bench->batch);
	em_message_objects(&bench->batch, ruleset);
	em_message_chains(&bench->batch, ruleset);
	em_message_base(&bench->batch, ruleset->interfaces[0], GENERATION);
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

	em_message_table(&bench->batch);
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
	em_message_delete_table(&bench->batch);
	em_batch_send(&bench->netlink, &bench->batch, false, &refusal);
}

/* Conntrack is not in family netdev. */
static void of_family_inet(struct nlmsghdr *message)
{
	struct nfgenmsg *header = mnl_nlmsg_get_payload(message);

	header->nfgen_family = NFPROTO_INET;
}

static void add_table_and_chain(struct em_batch *batch)
{
	struct nlmsghdr *message =
		em_batch_open(batch, NFT_MSG_NEWTABLE, NLM_F_CREATE, "add the table", NULL);
	struct nlattr *hook;

	of_family_inet(message);
	mnl_attr_put_strz(message, NFTA_TABLE_NAME, EM_RULESET_TABLE);
	em_batch_close(batch, message);
	message = em_batch_open(batch, NFT_MSG_NEWCHAIN, NLM_F_CREATE, "add base chain", NULL);
	of_family_inet(message);
	mnl_attr_put_strz(message, NFTA_CHAIN_TABLE, EM_RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_CHAIN_NAME, CHAIN);
	mnl_attr_put_strz(message, NFTA_CHAIN_TYPE, "filter");
	hook = mnl_attr_nest_start(message, NFTA_CHAIN_HOOK);
	mnl_attr_put_u32(message, NFTA_HOOK_HOOKNUM, htonl(NF_INET_PRE_ROUTING));
	mnl_attr_put_u32(message, NFTA_HOOK_PRIORITY, htonl(EM_RULESET_PRIORITY));
	mnl_attr_nest_end(message, hook);
	em_batch_close(batch, message);
}

/* `ct original zone set 1` */
static struct nftnl_rule *make_zone_rule(void)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();
	struct nftnl_expr *value = nftnl_expr_alloc("immediate"), *zone = nftnl_expr_alloc("ct");

	if (!rule || !value || !zone) {
		if (rule)
			nftnl_rule_free(rule);
		if (value)
			nftnl_expr_free(value);
		if (zone)
			nftnl_expr_free(zone);
		return NULL;
	}
	nftnl_expr_set_u32(value, NFTNL_EXPR_IMM_DREG, NFT_REG_1);
	nftnl_expr_set_u16(value, NFTNL_EXPR_IMM_DATA, 1);
	nftnl_expr_set_u32(zone, NFTNL_EXPR_CT_KEY, NFT_CT_ZONE);
	nftnl_expr_set_u32(zone, NFTNL_EXPR_CT_SREG, NFT_REG_1);
	nftnl_expr_set_u8(zone, NFTNL_EXPR_CT_DIR, 0); /* IP_CT_DIR_ORIGINAL */
	nftnl_rule_add_expr(rule, value);
	nftnl_rule_add_expr(rule, zone);
	nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, EM_RULESET_TABLE);
	nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, CHAIN);
	return rule;
}

static void try_zones(struct em_facility *facility, struct bench *bench)
{
	struct nftnl_rule *rule = make_zone_rule();
	struct em_refusal refusal;
	struct nlmsghdr *message;

	if (!rule)
		return;
	add_table_and_chain(&bench->batch);
	message = em_batch_open(&bench->batch, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND,
				"set a conntrack zone", NULL);
	of_family_inet(message);
	nftnl_rule_nlmsg_build_payload(message, rule);
	em_batch_close(&bench->batch, message);
	nftnl_rule_free(rule);
	em_batch_send(&bench->netlink, &bench->batch, true, &refusal);
	judge(facility, &refusal, "rules set them");
}

static void try_all(struct bench *bench, const struct em_policy *sample, em_facility_fn *found,
		    void *context)
{
	struct em_facility tables = {.name = "nf_tables"}, ingress = {.name = "netdev-ingress"},
			   offset = {.name = "payload-offset"},
			   counters = {.name = "map-counters"},
			   zones = {.name = "conntrack-zones"};

	try_tables(&tables, bench);
	try_ingress(&ingress, bench, sample);
	try_offset(&offset, bench, sample);
	try_counters(&counters, bench, sample);
	try_zones(&zones, bench);
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
