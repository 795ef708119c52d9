/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "scenario.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "host.h"
#include "policy.h"
#include "tests/lib/rig_parts.h"

#define GONE_MS	     3000 /* for the kernel to free what nobody uses any more */
#define UNTOUCHED_MS 300  /* the same, where it need not come to that */

#define EXIT_NOT_SUPPORTED 3 /* of entitymux */
#define KILLED		   (INJECT_SIGNAL + SIGKILL)

static struct {
	const struct scenario *scenario;
	char *pristine;			      /* rough snapshots: nothing applied */
	char *after;			      /* the command has succeeded */
	struct inject reference;	      /* the command without a fault */
	bool ready;			      /* what is there is as before the command */
	char *before;			      /* exact snapshot of it */
	enum policy in_force;		      /* when datagrams were sent last */
	struct host_counters expected;	      /* of it */
	struct host_counters before_counters; /* the same, before the command */
	char text[4096];		      /* what does not hold */
} now;

static const char *wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));
static const char *wrong(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(now.text, sizeof(now.text), format, arguments);
	va_end(arguments);
	return now.text;
}

static const char *arrived(const struct host_ports *where)
{
	static char text[96];

	snprintf(text, sizeof(text), "arrived at %u %u %u %u, and %u %u %u %u copies", where->of[0],
		 where->of[1], where->of[2], where->of[3], where->copies[0], where->copies[1],
		 where->copies[2], where->copies[3]);
	return text;
}

static const char *check_sorted(enum policy policy, const char *when)
{
	struct host_ports where;

	if (policy_in_force(&where) != policy)
		return wrong("%s: %s", when, arrived(&where));
	policy_count(&now.expected, policy);
	now.in_force = policy;
	return NULL;
}

/* A command that has to succeed; what it printed goes to *out unless that is NULL. */
static const char *succeeds(struct inject *done, const char *when)
{
	const char *text = NULL;

	if (done->status)
		text = wrong("%s: exit status %d: %s", when, done->status, done->err);
	inject_clear(done);
	return text;
}

static bool is_counted(const struct host_counters *seen, const struct host_counters *expected,
		       bool all)
{
	return seen->packets == expected->packets && seen->rewritten == expected->rewritten &&
	       seen->unknown == expected->unknown && seen->copied == expected->copied &&
	       !memcmp(seen->entities, expected->entities,
		       (all ? HOST_TAGS : 2) * sizeof(seen->entities[0]));
}

static const char *compare_counters(const struct inject *stats,
				    const struct host_counters *expected, bool all,
				    const char *when)
{
	struct host_counters seen;

	if (stats->status || !host_read_counters(&seen, stats->out))
		return wrong("%s: exit status %d: %s", when, stats->status, stats->err);
	if (is_counted(&seen, expected, all))
		return NULL;
	return wrong("%s: counted %" PRIu64 " packets, %" PRIu64 " rewritten, %" PRIu64
		     " unknown, %" PRIu64 " copied, %" PRIu64 " %" PRIu64
		     " of the entities, instead of %" PRIu64 ", %" PRIu64 ", %" PRIu64 ", %" PRIu64
		     ", %" PRIu64 " %" PRIu64,
		     when, seen.packets, seen.rewritten, seen.unknown, seen.copied,
		     seen.entities[0], seen.entities[1], expected->packets, expected->rewritten,
		     expected->unknown, expected->copied, expected->entities[0],
		     expected->entities[1]);
}

static const char *check_counters(const char *when)
{
	struct inject stats = {0};
	const char *text;

	command_word(&stats, "stats", "--json");
	/* Those of an entity that was deleted are gone with it. */
	if (now.in_force == DELETED)
		now.expected.entities[1] = 0;
	text = compare_counters(&stats, &now.expected, false, when);
	inject_clear(&stats);
	return text;
}

static const char *check_snapshot(const char *expected, const char *when)
{
	char *seen = host_snapshot(true, expected, GONE_MS);
	const char *text = NULL;

	if (strcmp(seen, expected))
		text = wrong("%s: %s", when, host_difference(expected, seen));
	free(seen);
	return text;
}

/* Whatever a fault has left that remove does not take. */
static void clear_by_force(void)
{
	rig_shell("ip link set dev in0 xdp off || :\n"
		  "ip link set dev in0 xdpgeneric off || :\n"
		  "tc qdisc del dev in0 clsact || :\n"
		  "ip link del entitymux || :\n"
		  "for t in $(nft list tables | sed -n 's/^table \\([a-z0-9]*\\) "
		  "\\(entitymux.*\\)/\\1:\\2/p'); do nft delete table ${t%:*} ${t#*:}; done\n"
		  "rm -rf " RUNSTATEDIR "/entitymux /sys/fs/bpf/entitymux\n");
}

static const char *check_removed(const char *when)
{
	struct inject remove = {0};
	const char *text;

	command_word(&remove, "remove", NULL);
	text = succeeds(&remove, when);
	if (!text)
		text = check_snapshot(now.pristine, when);
	if (text)
		clear_by_force();
	return text;
}

/* What is to be undone. */
static const char *apply_new(void)
{
	struct inject apply = {0};
	const char *text = NULL;

	if (now.scenario->command == SCENARIO_WHEN_DUE) {
		command_apply_for_a_second(now.scenario->backend);
		/* So that the command has to do it. */
		host_kill_orphans();
	} else {
		command_apply(&apply, now.scenario->backend, NEW);
		text = succeeds(&apply, "then apply of the new policy");
	}
	return text ? text : check_sorted(NEW, "then apply of the new policy");
}

/* What was killed may have left the file that it had begun. */
static void write_policies(void)
{
	rig_shell("rm -f " RUNSTATEDIR "/old.entities*");
	policy_write_files(now.scenario->copies, now.scenario->command == SCENARIO_SAVE);
}

/* Makes what is there before the command. */
static const char *make_ready(void)
{
	struct inject apply = {0};
	const char *text = NULL;

	if (now.ready)
		return NULL;
	text = check_removed("then remove");
	write_policies();
	now.expected = (struct host_counters){0};
	if (!text && now.scenario->before) {
		command_apply(&apply, now.scenario->before, OLD);
		text = succeeds(&apply, "then remove and apply");
		if (!text)
			text = check_sorted(OLD, "then remove and apply");
	}
	if (!text && command_is_undo(now.scenario))
		text = apply_new();
	free(now.before);
	now.before = host_snapshot(false, NULL, 0);
	now.ready = !text;
	return text;
}

/* The policy before the command, or the one after it. */
static bool is_either(enum policy policy)
{
	return policy == command_after(now.scenario) || policy == command_before(now.scenario);
}

static const char *check_status(void)
{
	struct inject status = {0};
	const char *text;

	command_word(&status, "status", NULL);
	text = succeeds(&status, "then status");
	return text;
}

/* After a fault in an undo: what it says of itself is so, and rollback by hand does the rest. */
static const char *check_undone(void)
{
	struct inject status = {0}, next = {0};
	struct host_ports where;
	enum policy seen = policy_in_force(&where);
	const char *text = NULL;

	policy_count(&now.expected, seen);
	command_word(&status, "status", NULL);
	if (now.scenario->command == SCENARIO_WHEN_DUE && seen == NEW &&
	    (status.status != 4 || !strstr(status.out, "entitymux rollback")))
		text = wrong("then status: exit status %d: %s", status.status, status.out);
	inject_clear(&status);
	if (!text && seen == NEW) {
		command_word(&next, "rollback", NULL);
		text = succeeds(&next, "then rollback");
	} else if (!text) {
		command_apply(&next, now.scenario->before, OLD);
		text = succeeds(&next, "then apply");
	}
	if (!text)
		text = check_status();
	if (!text)
		text = check_sorted(OLD, "in the end");
	if (!text)
		text = check_counters("in the end");
	return text ? text : check_snapshot(now.after, "in the end");
}

/* The file comes after the policy, and both before the end. */
static const char *check_saved(const struct inject *done, enum policy seen)
{
	enum policy saved;

	if (now.scenario->command != SCENARIO_SAVE)
		return NULL;
	saved = policy_in_file();
	if (saved == POLICIES)
		return wrong("exit status %d, and an entities file that is not whole",
			     done->status);
	if (saved == ADDED && seen != ADDED)
		return wrong("exit status %d, and only the file has the change", done->status);
	if (!done->status && saved != ADDED)
		return wrong("exit status 0, and the file has not changed");
	return NULL;
}

/* After a fault: another run sees to it. */
static const char *check_next(const struct scenario_point *point, enum policy seen)
{
	struct inject next = {0};
	const char *text;

	now.ready = false;
	if (point->removes || now.scenario->command == SCENARIO_REMOVE)
		return NULL; /* which make_ready() does */
	if (command_is_undo(now.scenario))
		return check_undone();
	if (!command_is_change(now.scenario))
		return check_counters("then stats");
	if (command_is_edit(now.scenario))
		command_edit(&next, now.scenario, seen);
	else
		command_apply(&next, now.scenario->backend, command_after(now.scenario));
	text = succeeds(&next, "then apply");
	if (!text)
		text = check_saved(&next, ADDED);
	if (!text)
		text = check_sorted(command_after(now.scenario), "then apply");
	if (!text)
		text = check_counters("then apply and stats");
	return text ? text : check_snapshot(now.after, "then apply");
}

/* What a failure says: why, and no other status than 1. */
static const char *check_failure(const struct scenario_point *point, const struct inject *done)
{
	if (done->status != 1)
		return wrong("exit status %d: %s", done->status, done->err);
	if (!done->err[0])
		return wrong("exit status 1 without a word");
	if (point->error != EPERM && point->error != EACCES &&
	    !strcasestr(done->err, strerror(point->error)) &&
	    !strstr(done->err, strerror(EAGAIN)) && !strstr(done->err, "out of memory"))
		return wrong("says something else: %s", done->err);
	return NULL;
}

/* What a command that has succeeded says, if that is what it is for. */
static const char *check_output(const struct inject *done)
{
	if (now.scenario->command == SCENARIO_STATUS && !strstr(done->out, "in place"))
		return wrong("exit status 0, and printed: %s", done->out);
	/* Of the tags that were sent, the old policy has the first two. */
	if (now.scenario->command == SCENARIO_UNKNOWN &&
	    !(strstr(done->out, "0x00000003 ") && strstr(done->out, "0x00000004 ")))
		return wrong("exit status 0, and printed: %s", done->out);
	if (now.scenario->command == SCENARIO_STATS)
		return compare_counters(done, &now.before_counters, true, "exit status 0");
	return NULL;
}

static const char *check_done(const struct inject *done, enum policy seen)
{
	const char *text = check_output(done);

	if (text)
		return text;
	if (seen != command_after(now.scenario))
		return wrong("exit status 0, and the old policy is in force");
	if (done->err[0])
		return NULL;
	if (command_is_change(now.scenario) || command_is_undo(now.scenario))
		return check_status();
	if (now.scenario->command != SCENARIO_REMOVE)
		return NULL;
	/* Where it cannot be looked into, a folder without a policy stays for the next run. */
	rig_shell("[ -n \"$(find " RUNSTATEDIR "/entitymux -name 'gen-*' 2>&1)\" ] ||\n"
		  "  rm -rf " RUNSTATEDIR "/entitymux\n");
	return check_snapshot(now.after, "exit status 0");
}

/* The counters of the moment, for a command that sets them back. */
static void expect_reset(const struct inject *done)
{
	struct inject stats = {0};
	struct host_counters seen;

	if (now.scenario->command != SCENARIO_RESET)
		return;
	command_word(&stats, "stats", "--json");
	if (done->status == KILLED && host_read_counters(&seen, stats.out) &&
	    is_counted(&seen, &(struct host_counters){0}, true))
		now.expected = (struct host_counters){0};
	if (!done->status)
		now.expected = (struct host_counters){0};
	inject_clear(&stats);
}

/*
 * The command has failed, and the new policy is in force all the same.  It may be so where only the
 * result could not be printed, and then the command says so.
 */
static bool is_unsaid_apply(const struct inject *done, enum policy seen)
{
	return done->status && done->status != KILLED && command_is_change(now.scenario) &&
	       seen != command_before(now.scenario) &&
	       !strstr(done->err, "the policy is in force all the same");
}

static const char *check_all(const struct scenario_point *point, const struct inject *done)
{
	struct host_ports where;
	enum policy seen;
	const char *text = NULL;

	expect_reset(done);
	seen = policy_in_force(&where);
	now.ready = false;
	if (done->hung)
		return wrong("takes longer than %d s", INJECT_SECONDS);
	if (!is_either(seen))
		return wrong("exit status %d, and a policy that is not whole: %s", done->status,
			     arrived(&where));
	policy_count(&now.expected, seen);
	now.in_force = seen;
	if (!done->status)
		text = check_done(done, seen);
	else if (done->status != KILLED)
		text = check_failure(point, done);
	if (!text)
		text = check_saved(done, seen);
	if (text)
		return text;
	if (is_unsaid_apply(done, seen))
		return wrong("exit status %d, and the new policy is in force: %s", done->status,
			     done->err);
	if (done->status && done->status != KILLED && now.scenario->command != SCENARIO_WHEN_DUE) {
		char *after = host_snapshot(false, now.before, UNTOUCHED_MS);

		now.ready = !strcmp(after, now.before);
		free(after);
		if (now.ready)
			return now.scenario->before ? check_counters("then stats") : NULL;
	}
	return check_next(point, seen);
}

const char *scenario_try(const struct scenario_point *point, bool *reached)
{
	struct inject inject = {.at = point->at, .error = point->error};
	const char *text = make_ready(), *later;

	if (text)
		rig_die(text);
	now.before_counters = now.expected;
	command_run(&inject, point->scenario);
	*reached = inject.reached;
	text = check_all(point, &inject);
	inject_clear(&inject);
	if (text)
		clear_by_force();
	later = make_ready();
	return text ? text : later;
}

static void die(const char *what)
{
	fprintf(stderr, "faults: %s: without a fault: %s\n", now.scenario->name, what);
	exit(EXIT_FAILURE);
}

/* What nobody uses any more is gone. */
static char *settled_snapshot(void)
{
	char *before = host_snapshot(true, NULL, 0), *after;

	for (int waited = 0; waited < GONE_MS; waited += UNTOUCHED_MS) {
		poll(NULL, 0, UNTOUCHED_MS);
		after = host_snapshot(true, NULL, 0);
		if (!strcmp(before, after)) {
			free(after);
			break;
		}
		free(before);
		before = after;
	}
	return before;
}

static bool is_refused(const char *backend)
{
	struct inject apply = {0};
	bool refused;

	command_try(&apply, backend, NEW);
	refused = apply.status == EXIT_NOT_SUPPORTED;
	inject_clear(&apply);
	return refused;
}

const struct inject *scenario_begin(const char *entitymux, const struct scenario *scenario)
{
	const char *text;

	command_init(entitymux);
	now.scenario = scenario;
	if (!now.pristine)
		now.pristine = host_snapshot(true, NULL, 0);
	write_policies();
	if (scenario->copies &&
	    (is_refused(scenario->backend) || (scenario->before && is_refused(scenario->before))))
		return NULL;
	now.ready = false;
	text = make_ready();
	if (text)
		die(text);
	inject_clear(&now.reference);
	command_run(&now.reference, scenario);
	if (now.reference.status)
		die(now.reference.err);
	now.ready = false;
	free(now.after);
	now.after = settled_snapshot();
	return &now.reference;
}
