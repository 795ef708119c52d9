/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * object_counters - the form of the nft backend's ruleset for kernels whose map elements cannot
 * count, and whose sets cannot have both a size and timeouts, on a kernel where they can: the
 * end-to-end table's packets, their counters, and that nothing stays behind.  Root.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"
#include "engine/backend.h"
#include "nft/check_host.h"
#include "nft/clean.h"
#include "nft/counters.h"
#include "nft/install.h"
#include "nft/inventory.h"
#include "nft/message.h"
#include "nft/readback.h"
#include "policy/classify.h"
#include "table.h"
#include "tests/lib/counts.h"
#include "tests/lib/rig.h"

#define SEEN_MAX    4
#define SECONDS_MAX 120
#define SKIP	    77
#define GENERATION  1
#define NEXT	    2

struct run {
	struct rig rig;
	struct em_netlink netlink;
	struct em_batch batch;
	struct em_diag diag;
	unsigned int passed;
	unsigned int failed;
};

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "object_counters: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static void judge(struct run *run, bool good, const struct test_policy *test, unsigned int line,
		  const char *what)
{
	if (good) {
		run->passed++;
		return;
	}
	run->failed++;
	printf("FAIL [%s], line %u: %s\n", test->title, line, what);
}

static struct em_policy *read_policy(struct run *run, const struct test_policy *test)
{
	int fd = memfd_create("config", MFD_CLOEXEC);
	struct em_policy *policy;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (fd < 0 || fchmod(fd, 0600) || write(fd, test->config, strlen(test->config)) < 0 ||
	    em_config_read(&policy, path, &run->diag))
		die("config");
	close(fd);
	return policy;
}

static void run_case(struct run *run, const struct em_policy *policy,
		     const struct test_policy *test, const struct test_case *one,
		     struct em_stats *expected)
{
	static struct packet sent, frame, seen[SEEN_MAX];
	struct em_classification class;
	int n;

	packet_build(&sent, one->packet);
	frame = sent;
	em_classify(policy, one->interface ? "in1" : "in0", frame.bytes, frame.length, &class);
	em_stats_count(expected, policy, &class);
	n = rig_exchange(&run->rig, one->interface, &sent, seen, SEEN_MAX);
	if (class.action.verdict == EM_DROP)
		judge(run, n == 0, test, one->line, "not dropped");
	else
		judge(run,
		      n == 1 && seen[0].length == frame.length &&
			      !memcmp(seen[0].bytes, frame.bytes, frame.length),
		      test, one->line, "another frame than the reference's");
}

static bool same_count(const struct em_count *a, const struct em_count *b)
{
	return a->packets == b->packets && a->bytes == b->bytes;
}

static void compare_listener(struct run *run, const struct test_policy *test,
			     const struct em_listener_stats *seen,
			     const struct em_listener_stats *expected)
{
	judge(run,
	      same_count(&seen->total, &expected->total) &&
		      seen->rewritten == expected->rewritten && seen->passed == expected->passed &&
		      seen->dropped == expected->dropped && seen->unknown == expected->unknown &&
		      !memcmp(seen->invalid, expected->invalid, sizeof(seen->invalid)),
	      test, test->line, "counters of a listener");
	for (size_t i = 0; i < expected->n_entities; i++)
		judge(run, same_count(&seen->entities[i], &expected->entities[i]), test, test->line,
		      "counters of an entity");
}

static void compare_counters(struct run *run, const struct test_policy *test,
			     const struct em_policy *policy, const struct em_stats *expected)
{
	struct em_stats *seen __attribute__((cleanup(em_stats_freep))) = NULL;

	if (em_stats_new(&seen, policy) ||
	    em_counters_read(&run->netlink, policy, GENERATION, seen, &run->diag))
		die("counters");
	for (size_t i = 0; i < policy->n_listeners; i++)
		compare_listener(run, test, &seen->listeners[i], &expected->listeners[i]);
}

/* As the backend does it, but for the choice of the form. */
static bool install(struct run *run, const struct em_policy *policy, uint32_t generation,
		    bool objects)
{
	struct em_ruleset *ruleset __attribute__((cleanup(em_ruleset_freep))) = NULL;
	int error =
		em_ruleset_new(&ruleset, policy, generation,
			       (struct em_form){.object_counters = objects, .forgets = objects});
	struct em_installed installed = {.whole = true};
	struct em_refusal refusal;

	if (error)
		die("ruleset");
	if (em_install_ruleset(&run->netlink, &run->batch, ruleset, &installed.id, &run->diag) ||
	    em_readback_compare(&run->netlink, &run->batch, ruleset, &installed, &refusal))
		return false;
	em_message_bases(&run->batch, ruleset, EM_TABLE_NETDEV);
	return !em_batch_commit(&run->netlink, &run->batch, &run->diag);
}

static size_t count_kind(const struct em_inventory *inventory, enum em_object_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < inventory->n_objects; i++)
		n += inventory->objects[i].kind == kind;
	return n;
}

/* A counter that is named by what a map has for the tag, and not by itself. */
static bool names_by_tag(const char *listing)
{
	static const char start[] = "counter name ";

	while ((listing = strstr(listing, start))) {
		listing += strlen(start);
		if (*listing != '"')
			return true;
	}
	return false;
}

/* Whether each entity has its counter, and the maps lead to them. */
static void look(struct run *run, const struct test_policy *test, const struct em_policy *policy)
{
	const char *const argv[] = {"nft", "list", "table", "netdev", EM_RULESET_TABLE, NULL};
	size_t counters, n_maps = 0, n_entities = 0;
	struct em_inventory inventory;
	struct rig_output output;

	if (em_inventory_read(&inventory, EM_TABLE_NETDEV, &run->netlink, &run->diag))
		die("inventory");
	for (size_t i = 0; i < policy->n_listeners; i++) {
		for (size_t f = 0; f < policy->listeners[i].n_formats; f++)
			n_maps += policy->listeners[i].formats[f].n_intervals ? 2 : 1;
		n_entities += em_listener_entities(&policy->listeners[i]);
	}
	counters = policy->n_listeners * EM_COUNTERS + n_entities;
	judge(run, count_kind(&inventory, EM_OBJECT_COUNTER) == counters, test, test->line,
	      "number of counters");
	judge(run, count_kind(&inventory, EM_OBJECT_COUNTER_MAP) == n_maps, test, test->line,
	      "number of maps of counters");
	em_inventory_clear(&inventory);
	rig_run(&output, argv);
	/* What no entity has no rule leads to. */
	judge(run,
	      output.status == 127 || (output.status == 0 && strstr(output.out, "-counts-") &&
				       (!n_entities || names_by_tag(output.out))),
	      test, test->line, "nft does not list it");
	rig_output_clear(&output);
}

/* Of generations: the one in force is to be all there is, and in the usual form. */
static void look_again(struct run *run, const struct test_policy *test,
		       const struct em_policy *policy)
{
	struct em_inventory inventory;
	bool others = false;

	if (em_inventory_read(&inventory, EM_TABLE_NETDEV, &run->netlink, &run->diag))
		die("inventory");
	for (size_t i = 0; i < inventory.n_objects; i++)
		others |= inventory.objects[i].generation != NEXT;
	judge(run,
	      !others && !count_kind(&inventory, EM_OBJECT_COUNTER_MAP) &&
		      count_kind(&inventory, EM_OBJECT_COUNTER) ==
			      policy->n_listeners * EM_COUNTERS,
	      test, test->line, "the next generation is not all there is");
	em_inventory_clear(&inventory);
}

/* First by the names of the objects, with another generation in the table, then with the table. */
static void take_away(struct run *run, const struct test_policy *test,
		      const struct em_policy *policy)
{
	struct em_inventory inventory;

	judge(run, install(run, policy, NEXT, false), test, test->line, "the next generation");
	judge(run, !em_nft_backend.clean(NEXT, policy, &run->diag), test, test->line,
	      "clean by name");
	look_again(run, test, policy);
	judge(run, install(run, policy, GENERATION, true), test, test->line, "installed again");
	judge(run, !em_nft_backend.clean(0, NULL, &run->diag), test, test->line, "clean");
	if (em_inventory_read(&inventory, EM_TABLE_NETDEV, &run->netlink, &run->diag))
		die("inventory");
	judge(run, !inventory.present, test, test->line, "clean left something");
	em_inventory_clear(&inventory);
}

/* What is tried to choose the form is gone afterwards, and the table is as good as none. */
static void probe(struct run *run, const struct test_policy *test, const struct em_policy *policy)
{
	struct em_inventory inventory;
	struct em_refusal refusal;
	int counting = em_install_can_count(&run->netlink, &run->batch, policy, GENERATION,
					    (struct em_form){.zones = false}, &refusal);

	judge(run, counting >= 0, test, test->line, "whether elements count");
	if (em_inventory_read(&inventory, EM_TABLE_NETDEV, &run->netlink, &run->diag))
		die("inventory");
	judge(run, inventory.n_objects == 0, test, test->line, "the try left something");
	em_inventory_clear(&inventory);
}

/* What this form cannot have. */
static bool refuses(struct run *run, const struct em_policy *policy)
{
	struct em_outcome outcome = {.lacking = ""};

	return em_nft_check_host_objects(&run->netlink, &run->batch, policy, false, &outcome,
					 &run->diag) == -EM_EUNSUPPORTED &&
	       strstr(outcome.lacking, "tag: ");
}

static void run_policy(struct run *run, const struct test_policy *test)
{
	struct em_policy *policy __attribute__((cleanup(em_policy_freep))) = read_policy(run, test);
	struct em_stats *expected __attribute__((cleanup(em_stats_freep))) = NULL;

	if (em_stats_new(&expected, policy))
		die("stats");
	probe(run, test, policy);
	if (refuses(run, policy)) {
		judge(run, strstr(test->optional, "nft"), test, test->line, "refused");
		return;
	}
	/* Some policies need a newer kernel; the table says so. */
	if (!install(run, policy, GENERATION, true)) {
		judge(run, strstr(test->optional, "nft"), test, test->line, "not installed");
		em_nft_backend.clean(0, NULL, &run->diag);
		return;
	}
	look(run, test, policy);
	for (size_t i = 0; i < test->n_cases; i++)
		run_case(run, policy, test, &test->cases[i], expected);
	compare_counters(run, test, policy, expected);
	take_away(run, test, policy);
}

int main(int argc, char **argv)
{
	static struct run run;
	const char *srcdir = getenv("srcdir");
	struct table table;
	char path[4096];

	if (geteuid() != 0) {
		puts("this makes network namespaces: run as root");
		return SKIP;
	}
	snprintf(path, sizeof(path), "%s/tests/e2e/packets/cases", srcdir ? srcdir : ".");
	alarm(SECONDS_MAX);
	em_diag_init(&run.diag, stdout);
	table_read(&table, argc > 1 ? argv[1] : path);
	rig_open(&run.rig);
	if (em_netlink_open(&run.netlink, &run.diag) || em_batch_init(&run.batch, &run.diag))
		die("nf_tables");
	for (size_t i = 0; i < table.n_policies; i++)
		run_policy(&run, &table.policies[i]);
	em_batch_clear(&run.batch);
	em_netlink_close(&run.netlink);
	table_clear(&table);
	printf("%u passed, %u failed\n", run.passed, run.failed);
	return run.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
