/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "engine/heal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "engine/resolve.h"
#include "engine/transaction.h"
#include "host/events.h"

#define SETTLE_MS   100 /* a change is often one of several */
#define SETTLE_MAX  10	/* of these waits, on a host that never stops changing */
#define PAUSE_MIN_S 1	/* after mending, before the next look */
#define PAUSE_MAX_S 60
#define QUIET_S	    120	  /* after which the pause is short again */
#define LOOK_MS	    30000 /* for changes that are not announced, as of tcx */

/* The policy in force, and by which configuration and backend. */
struct force {
	struct em_policy *policy;
	struct em_record record;
};

static void clear_force(struct force *force)
{
	em_policy_free(force->policy);
	em_record_clear(&force->record);
}

static int look(struct em_heal *out, struct force *force, struct em_diag *diag)
{
	struct em_state *state __attribute__((cleanup(em_state_closep))) = NULL;
	struct em_view view __attribute__((cleanup(em_inspect_clear))) = {0};
	int rc = em_state_open(&state, EM_STATE_READ, diag);

	if (!rc)
		rc = em_inspect(&view, state, diag);
	if (!rc)
		rc = em_inspect_links(&view, diag);
	if (rc)
		return rc;
	out->applied = em_inspect_is_applied(&view);
	out->waits = view.pending.generation != 0;
	out->whole = em_inspect_is_whole(&view);
	if (!out->applied || out->whole || out->waits)
		return 0;
	rc = em_generation_load_policy(state, view.generation, &force->policy, diag);
	if (!rc && (!force->policy || !view.record.generation))
		rc = em_diag_error(diag, -EIO, NULL,
				   "the policy in force is not known; apply again");
	force->record = view.record;
	view.record = (struct em_record){0};
	return rc;
}

static int mend(const struct force *force, struct em_diag *diag)
{
	struct em_transaction transaction = {
		.policy = force->policy,
		.config = force->record.config,
		.wanted = force->record.wanted,
		.heals = force->record.generation,
		.keeps = &force->record,
	};
	int rc = em_resolve_again(force->policy, &force->record, diag);

	if (!rc)
		rc = em_transaction_apply(&transaction, diag);
	em_transaction_clear(&transaction);
	return rc;
}

int em_heal_once(struct em_heal *out, struct em_diag *diag)
{
	struct force force __attribute__((cleanup(clear_force))) = {0};
	struct force after __attribute__((cleanup(clear_force))) = {0};
	int rc;

	*out = (struct em_heal){0};
	rc = look(out, &force, diag);
	if (rc || !force.policy)
		return rc;
	rc = mend(&force, diag);
	if (rc)
		return rc;
	rc = look(out, &after, diag);
	if (!rc && out->applied && !out->whole)
		rc = em_diag_error(diag, -EIO, NULL,
				   "not whole after all; see what entitymux status says");
	out->healed = !rc;
	return rc;
}

struct healer {
	struct em_events events;
	em_heal_fn *tell;
	void *context;
	char *last;	    /* what was told last; NULL: that it is mended */
	unsigned int pause; /* after mending, the last one, in seconds */
	uint64_t busy_at;   /* its end, in ns of CLOCK_MONOTONIC */
};

/* Tells a reason once. */
static void tell_failure(struct healer *healer, char *text)
{
	text[strcspn(text, "\n")] = '\0';
	if (healer->last && !strcmp(healer->last, text)) {
		free(text);
		return;
	}
	free(healer->last);
	healer->last = text;
	healer->tell(healer->context, text);
}

/*
 * What fails while the host is changing may not fail a moment later: then it is tried once more.
 * *text is why the last try failed, if it is known; the caller frees it.  Returns 0 or -ENOMEM.
 */
static int try_twice(struct em_heal *result, bool *failed, char **text)
{
	*text = NULL;
	*failed = true;
	for (int i = 0; *failed && i < 2; i++) {
		struct em_diag_kept kept;
		int rc = em_diag_keep(&kept);

		if (rc)
			return rc;
		*failed = em_heal_once(result, &kept.diag) != 0;
		free(*text);
		*text = em_diag_take_kept(&kept);
		if (*failed)
			sleep(PAUSE_MIN_S);
	}
	return 0;
}

/* Returns 0 or -ENOMEM. */
static int heal(struct healer *healer, bool *healed)
{
	struct em_heal result;
	bool failed;
	char *text;
	int rc = try_twice(&result, &failed, &text);

	*healed = !rc && !failed && result.healed;
	if (rc || failed) {
		if (text)
			tell_failure(healer, text);
		return rc;
	}
	free(text);
	/* Also what could not be mended and has come to be whole by itself. */
	if (result.healed || (result.whole && healer->last))
		healer->tell(healer->context, NULL);
	if (result.healed || result.whole) {
		free(healer->last);
		healer->last = NULL;
	}
	return 0;
}

/* Longer each time, until there has been nothing to do for a while. */
static void pause_after(struct healer *healer)
{
	uint64_t now = em_clock_monotonic();

	if (now - healer->busy_at > QUIET_S * 1000000000ULL)
		healer->pause = 0;
	healer->pause = healer->pause ? healer->pause * 2 : PAUSE_MIN_S;
	if (healer->pause > PAUSE_MAX_S)
		healer->pause = PAUSE_MAX_S;
	sleep(healer->pause);
	healer->busy_at = em_clock_monotonic();
}

/* Returns 0 or -errno. */
static int wait_for_change(const struct healer *healer)
{
	int rc = em_events_wait(&healer->events, LOOK_MS);

	for (int i = 0; rc > 0 && i < SETTLE_MAX; i++)
		rc = em_events_wait(&healer->events, SETTLE_MS);
	return rc < 0 ? rc : 0;
}

int em_heal_run(em_heal_fn *tell, void *context, struct em_diag *diag)
{
	struct healer healer = {.tell = tell, .context = context};
	bool healed = false;
	int rc = em_events_open(&healer.events);

	while (!rc) {
		rc = heal(&healer, &healed);
		if (!rc && healed)
			pause_after(&healer);
		else if (!rc)
			rc = wait_for_change(&healer);
	}
	em_events_close(&healer.events);
	free(healer.last);
	return em_diag_errno(diag, rc, NULL, "cannot wait for changes");
}
