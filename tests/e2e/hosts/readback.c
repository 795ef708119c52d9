/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * readback - whether the nft backend finds out that the kernel has kept something else than it was
 * sent: what was installed for one policy is compared with what another one has. Root.
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
#include "nft/install.h"
#include "nft/message.h"
#include "nft/readback.h"

#define SKIP	   77
#define GENERATION 1

struct bench {
	struct em_netlink netlink;
	struct em_batch batch;
	struct em_diag diag;
	unsigned int failed;
};

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "readback: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

/* The tag is on line 2, the check on line 3. */
static struct em_policy *read_policy(struct bench *bench, const char *tag, unsigned int check)
{
	int fd = memfd_create("config", MFD_CLOEXEC);
	struct em_policy *policy;
	char path[64];

	if (fd < 0 || fchmod(fd, 0600))
		die("config");
	dprintf(fd,
		"listeners = ( { name = \"t\"; interfaces = [ \"lo\" ]; port = 5000;\n"
		"tag = { %s };\n"
		"checks = ( { offset = %u; bytes = \"0x4d58\"; } );\n"
		"entities = ( ); unknown = 6001; } );\n",
		tag, check);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (em_config_read(&policy, path, &bench->diag))
		die("policy");
	close(fd);
	return policy;
}

static void expect(struct bench *bench, const char *tag, unsigned int check, int error,
		   unsigned int line)
{
	struct em_policy *policy = read_policy(bench, tag, check);
	struct em_ruleset *ruleset = NULL;
	struct em_refusal refusal;
	int rc;

	if (em_ruleset_new(&ruleset, policy, GENERATION, (struct em_form){.zones = false}))
		die("ruleset");
	rc = em_readback_compare(&bench->netlink, &bench->batch, ruleset, &refusal);
	if (rc != error || refusal.error != error || (line && refusal.origin.place.line != line)) {
		printf("FAIL tag { %s }, check at %u: %d, line %u instead of %d, line %u\n", tag,
		       check, rc, (unsigned int)refusal.origin.place.line, error, line);
		bench->failed++;
	}
	em_ruleset_free(ruleset);
	em_policy_free(policy);
}

static void delete_rules(struct bench *bench, const char *chain)
{
	em_message_flush_chain(&bench->batch, EM_TABLE_NETDEV, chain);
	if (em_batch_commit(&bench->netlink, &bench->batch, &bench->diag))
		die("delete rules");
}

int main(void)
{
	static const char installed[] = "offset = 4; length = 4;";
	struct em_policy *policy;
	struct em_refusal refusal;
	struct bench bench = {.failed = 0};

	if (geteuid() || unshare(CLONE_NEWNET)) {
		puts("skip: needs root");
		return SKIP;
	}
	em_diag_init(&bench.diag, stderr);
	if (em_netlink_open(&bench.netlink, &bench.diag) ||
	    em_batch_init(&bench.batch, &bench.diag))
		return SKIP;
	policy = read_policy(&bench, installed, 2);
	if (em_install_trial(&bench.netlink, &bench.batch, policy, GENERATION,
			     (struct em_form){.zones = false}, &refusal))
		die("install");
	em_policy_free(policy);
	expect(&bench, installed, 2, 0, 0);
	expect(&bench, installed, 3, -ERANGE, 3);
	expect(&bench, "offset = 5; length = 4;", 2, -ERANGE, 0);
	expect(&bench, "offset = 4; length = 5;", 2, -ERANGE, 0);
	delete_rules(&bench, "v1-checks-t");
	expect(&bench, installed, 2, -ERANGE, 3);
	em_batch_clear(&bench.batch);
	em_netlink_close(&bench.netlink);
	printf("%s\n", bench.failed ? "failed" : "passed");
	return bench.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
