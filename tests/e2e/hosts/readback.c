/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * readback - whether the nft backend finds out that the kernel has kept something else than it was
 * sent: what was installed for one policy is compared with what another one has, and after changes
 * by nft. Root.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"
#include "nft/check_host.h"
#include "nft/install.h"
#include "nft/readback.h"

#define SKIP	   77
#define GENERATION 1

struct bench {
	struct em_netlink netlink;
	struct em_batch batch;
	struct em_installed installed;
	struct em_diag diag;
	unsigned int failed;
};

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "readback: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

/* The tag is on line 2, the check on line 3, the entity on line 4. */
struct sample {
	unsigned int port;
	const char *tag;
	unsigned int check;
	unsigned int entity; /* its port */
	const char *others;  /* entities behind it, on line 5; NULL: none */
};

static struct em_policy *read_policy(struct bench *bench, const struct sample *sample)
{
	int fd = memfd_create("config", MFD_CLOEXEC);
	struct em_policy *policy;
	char path[64];

	if (fd < 0 || fchmod(fd, 0600))
		die("config");
	dprintf(fd,
		"listeners = ( { name = \"t\"; interfaces = [ \"lo\" ]; port = %u;\n"
		"tag = { %s };\n"
		"checks = ( { offset = %u; bytes = \"0x4d58\"; } );\n"
		"entities = ( { tag = \"text:some\"; port = %u; }\n"
		"%s ); unknown = 6001; } );\n",
		sample->port, sample->tag, sample->check, sample->entity,
		sample->others ? sample->others : "");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (em_config_read(&policy, path, &bench->diag))
		die("policy");
	close(fd);
	return policy;
}

static struct em_ruleset *build(struct em_policy *policy)
{
	struct em_ruleset *ruleset;

	if (em_ruleset_new(&ruleset, policy, GENERATION,
			   (struct em_form){.forgets = em_nft_forgets()}))
		die("ruleset");
	return ruleset;
}

static void expect(struct bench *bench, const char *what, const struct sample *sample, int error,
		   unsigned int line)
{
	struct em_policy *policy = read_policy(bench, sample);
	struct em_ruleset *ruleset = build(policy);
	struct em_refusal refusal;
	int rc = em_readback_compare(&bench->netlink, &bench->batch, ruleset, &bench->installed,
				     &refusal);

	if (rc != error || refusal.error != error || (line && refusal.origin.place.line != line)) {
		printf("FAIL %s: %d, line %u instead of %d, line %u\n", what, rc,
		       (unsigned int)refusal.origin.place.line, error, line);
		bench->failed++;
	}
	if (error == -ERANGE && !strstr(em_refusal_reason(&refusal), "listed differently")) {
		printf("FAIL %s: reason %s\n", what, em_refusal_reason(&refusal));
		bench->failed++;
	}
	em_ruleset_free(ruleset);
	em_policy_free(policy);
}

/* As if the kernel had made something else of what it was sent. */
static void change(struct bench *bench, const char *commands)
{
	char line[512];

	snprintf(line, sizeof(line), "nft '%s'", commands);
	if (system(line))
		die(commands);
	if (em_netlink_ruleset_id(&bench->netlink, &bench->installed.id))
		die("number of the ruleset");
}

static const struct sample as_sent = {5000, "offset = 4; length = 4;", 2, 6002};

static void install(struct bench *bench)
{
	struct em_policy *policy = read_policy(bench, &as_sent);
	struct em_ruleset *ruleset = build(policy);

	if (em_install_ruleset(&bench->netlink, &bench->batch, ruleset, &bench->installed.id,
			       &bench->diag))
		die("install");
	em_ruleset_free(ruleset);
	em_policy_free(policy);
}

static void try_policies(struct bench *bench)
{
	const struct sample port = {5001, as_sent.tag, 2, 6002};
	const struct sample offset = {5000, "offset = 5; length = 4;", 2, 6002};
	const struct sample check = {5000, as_sent.tag, 3, 6002};
	const struct sample entity = {5000, as_sent.tag, 2, 6003};

	install(bench);
	expect(bench, "as it was sent", &as_sent, 0, 0);
	expect(bench, "the key of a verdict map", &port, -ERANGE, 0);
	expect(bench, "the offset of the tag", &offset, -ERANGE, 0);
	expect(bench, "the offset of a check", &check, -ERANGE, 3);
	expect(bench, "the port of an entity", &entity, -ERANGE, 0);
	change(bench, "delete table netdev entitymux");
}

static void try_changes(struct bench *bench)
{
	static const struct {
		const char *commands;
		unsigned int line;
	} changes[] = {
		{"flush chain netdev entitymux v1-checks-t", 3},
		{"delete element netdev entitymux v1-entities-t { 0x736f6d65 }", 0},
		{"delete chain netdev entitymux ingress-lo", 0},
		{"delete chain netdev entitymux ingress-lo; add chain netdev entitymux ingress-lo "
		 "{ type filter hook ingress device lo priority 7; }",
		 0},
		{"add chain netdev entitymux ingress-lo { policy drop; }", 0},
	};

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		install(bench);
		change(bench, changes[i].commands);
		expect(bench, changes[i].commands, &as_sent, -ERANGE, changes[i].line);
		change(bench, "delete table netdev entitymux");
	}
}

int __wrap_em_counters_in_elements(struct em_netlink *netlink, const struct em_object *object);

/* As on a kernel before 4.16, which cannot be asked for elements. */
int __wrap_em_counters_in_elements(struct em_netlink *netlink, const struct em_object *object)
{
	(void)netlink;
	(void)object;
	return -EOPNOTSUPP;
}

static void expect_counting(struct bench *bench, const char *others, int expected,
			    unsigned int line)
{
	const struct sample sample = {5000, as_sent.tag, 2, 6002, others};
	struct em_policy *policy = read_policy(bench, &sample);
	struct em_refusal refusal = {0};
	int rc = em_install_can_count(&bench->netlink, &bench->batch, policy, GENERATION,
				      (struct em_form){.forgets = em_nft_forgets()}, &refusal);

	if (rc != expected || refusal.origin.place.line != line) {
		printf("FAIL counting on an old kernel, %s: %d, line %u instead of %d, line %u\n",
		       others, rc, (unsigned int)refusal.origin.place.line, expected, line);
		bench->failed++;
	}
	em_policy_free(policy);
	change(bench, "delete table netdev entitymux");
}

/* Such a kernel misreads ranges that adjoin. */
static void try_old(struct bench *bench)
{
	expect_counting(bench, "", 0, 0);
	expect_counting(bench, ", { tag = \"prefix:text:b\"; port = 1; }", 0, 0);
	expect_counting(bench,
			", { tag = \"prefix:text:b\"; port = 1; },"
			"{ tag = \"prefix:text:by\"; port = 2; }",
			-EOPNOTSUPP, 5);
}

/* What somebody has taken away since is not what the kernel did not keep. */
static void try_others(struct bench *bench)
{
	uint32_t id;

	install(bench);
	id = bench->installed.id;
	change(bench, "flush ruleset");
	bench->installed.id = id;
	expect(bench, "a flush by others", &as_sent, -EBUSY, 0);
}

int main(void)
{
	struct bench bench = {.installed.whole = true};

	if (geteuid() || unshare(CLONE_NEWNET)) {
		puts("skip: needs root");
		return SKIP;
	}
	em_diag_init(&bench.diag, stderr);
	if (em_netlink_open(&bench.netlink, &bench.diag) ||
	    em_batch_init(&bench.batch, &bench.diag))
		return SKIP;
	try_policies(&bench);
	try_changes(&bench);
	try_others(&bench);
	try_old(&bench);
	em_batch_clear(&bench.batch);
	em_netlink_close(&bench.netlink);
	printf("%s\n", bench.failed ? "failed" : "passed");
	return bench.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
