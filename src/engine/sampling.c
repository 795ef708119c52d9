/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "engine/sampling.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/resolve.h"
#include "engine/transaction.h"
#include "policy/names.h"
#include "state/held.h"

#define READ_MS	   100	     /* for which a signal waits at most */
#define LOOK_NS	   EM_SECOND /* between two looks whether it is still in force */
#define VLAN_TAG   4
#define FRAME_ROOM (ETH_HLEN + VLAN_TAG + 65536 + 64) /* for the longest packet */

/* A run. */
struct run {
	struct em_sampling *sampling;
	struct em_samples samples;
	struct em_policy *policy; /* in force; owned */
	struct em_record record;
	const struct em_backend_ops *ops;
	struct em_sampler *sampler;
	uint32_t generation; /* that makes copies; 0: none is in force */
	int held;	     /* a descriptor; -1: none */
	bool *ethernet;	     /* of the interfaces in the record: they have Ethernet headers */
	uint8_t *frame;	     /* FRAME_ROOM bytes */
	bool ended;	     /* by whoever takes the copies */
	struct em_diag *diag;
};

static bool is_stopped(const sigset_t *signals)
{
	static const struct timespec now;

	return sigtimedwait(signals, NULL, &now) > 0;
}

/* The end of a pipe is an error of writing to it. */
static void block_pipe(void)
{
	sigset_t pipe;

	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	sigprocmask(SIG_BLOCK, &pipe, NULL);
}

/* A signal must not leave the generation behind, wherever it comes. */
static void take_signals(sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGINT);
	sigaddset(signals, SIGTERM);
	sigaddset(signals, SIGHUP);
	sigprocmask(SIG_BLOCK, signals, NULL);
}

/* They stay what they are as long as they have their index. */
static int read_links(struct run *run)
{
	const struct em_record *record = &run->record;
	int rc = 0;

	run->ethernet = calloc(record->n_attachments + 1, sizeof(*run->ethernet));
	if (!run->ethernet)
		return em_diag_enomem(run->diag);
	for (size_t i = 0; !rc && i < record->n_attachments; i++) {
		struct em_link link;

		rc = em_link_read(&link, record->attachments[i].interface, NULL, run->diag);
		run->ethernet[i] = link.ethernet;
		if (!rc)
			rc = run->sampling->begin(run->sampling->context, link.name, link.ethernet);
	}
	return rc;
}

static int load(struct run *run)
{
	struct em_state *state __attribute__((cleanup(em_state_closep))) = NULL;
	struct em_view view __attribute__((cleanup(em_inspect_clear))) = {0};
	struct em_diag *diag = run->diag;
	int rc = em_state_open(&state, EM_STATE_READ, diag);

	if (!rc)
		rc = em_inspect(&view, state, diag);
	if (rc)
		return rc;
	if (!em_inspect_is_applied(&view))
		return em_diag_error(diag, -ENOENT, NULL, "nothing is applied");
	if (em_inspect_is_waiting(&view))
		return em_diag_error(diag, -ENODEV, NULL,
				     "sample: all interfaces are waited for, there is nothing to "
				     "copy; see entitymux status");
	if (!view.ops)
		return em_diag_error(diag, -EIO, NULL,
				     "the kernel has nothing of the policy; see entitymux status");
	rc = em_generation_load_policy(state, view.generation, &run->policy, diag);
	if (!rc && (!run->policy || !view.record.generation))
		rc = em_diag_error(diag, -EIO, NULL,
				   "the policy in force is not known; apply again");
	if (rc)
		return rc;
	rc = em_names_check(run->sampling->names, run->policy, "sample", diag);
	if (!rc)
		rc = em_names_check(run->sampling->entities, run->policy, "sample", diag);
	if (rc)
		return rc;
	run->ops = view.ops;
	run->record = view.record;
	view.record = (struct em_record){0};
	return em_resolve_again(run->policy, &view.record, diag);
}

/* Puts the policy in its place again, with copies or without; the backend is to stay. */
static int put(struct run *run, uint32_t in_force, const struct em_samples *samples)
{
	struct em_transaction transaction = {
		.policy = run->policy,
		.config = run->record.config,
		.wanted = run->record.wanted,
		.heals = in_force,
		.keeps = &run->record,
		.samples = samples,
	};
	int rc = em_transaction_apply(&transaction, run->diag);

	if (transaction.in_force) {
		run->generation = samples ? transaction.plan.generation : 0;
		if (!rc && samples && transaction.ops != run->ops)
			rc = em_diag_error(run->diag, -EAGAIN, NULL,
					   "sample: the host carries the policy in another way "
					   "now: %s; try again",
					   transaction.outcome.reason);
	}
	em_transaction_clear(&transaction);
	return rc;
}

static int hold(struct run *run)
{
	struct em_state *state __attribute__((cleanup(em_state_closep))) = NULL;
	int rc = em_state_open(&state, EM_STATE_READ, run->diag);

	if (!rc)
		run->held = em_held_take(state, run->generation, run->diag);
	return run->held < 0 ? run->held : rc;
}

static int begin(struct run *run)
{
	int rc = run->ops->open_sampler(&run->sampler, &run->samples, run->diag);

	if (!rc)
		rc = put(run, run->record.generation, &run->samples);
	if (!rc)
		rc = hold(run);
	if (!rc)
		rc = run->ops->begin_sampler(run->sampler, run->generation, run->policy, run->diag);
	return rc;
}

/* Whether it is still in force; of another run that is at work, that is not known yet. */
static int look(struct run *run)
{
	struct em_state *state __attribute__((cleanup(em_state_closep))) = NULL;
	struct em_view view __attribute__((cleanup(em_inspect_clear))) = {0};
	int rc = em_state_open(&state, EM_STATE_TRY, run->diag);

	if (rc)
		return rc == -EBUSY ? 0 : rc;
	rc = em_inspect(&view, state, run->diag);
	if (!rc && view.generation != run->generation) {
		run->sampling->replaced = true;
		run->generation = 0;
	}
	return rc;
}

/* The stack takes the tag off before some hooks see the packet.  Returns the bytes before it. */
static size_t before_tag(const struct em_sampled *sampled, bool ethernet)
{
	const uint8_t *bytes = sampled->bytes;

	if (!ethernet || !sampled->listener->vlan || sampled->captured < ETH_HLEN ||
	    (bytes[12] == ETH_P_8021Q >> 8 && bytes[13] == (ETH_P_8021Q & 0xff)))
		return 0;
	return ETH_HLEN - 2;
}

static void put16(uint8_t *at, uint16_t value)
{
	at[0] = value >> 8;
	at[1] = value & 0xff;
}

/*
 * Writes the packet behind room for an Ethernet header, with its tag, and zeros for what was not
 * copied.
 */
static void put_frame(struct run *run, const struct em_sampled *sampled,
		      struct em_sampling_packet *packet)
{
	const size_t before = before_tag(sampled, packet->ethernet), tag = before ? VLAN_TAG : 0;
	uint8_t *to = run->frame + ETH_HLEN;

	memset(run->frame, 0, FRAME_ROOM);
	memcpy(to, sampled->bytes, before);
	if (before) {
		put16(to + before, ETH_P_8021Q);
		put16(to + before + 2, sampled->listener->vlan);
	}
	memcpy(to + before + tag, sampled->bytes + before, sampled->captured - before);
	packet->bytes = to;
	packet->captured = sampled->captured + tag;
	packet->length = sampled->length + tag;
	if (packet->length > FRAME_ROOM - ETH_HLEN)
		packet->length = FRAME_ROOM - ETH_HLEN;
}

static bool is_sorted(const struct run *run, const struct em_classification *class)
{
	return class->entity &&
	       em_plan_samples_entity(&run->samples, class->listener, class->format, class->entity);
}

/* The reference sees what was copied.  It may rewrite that: the caller has used it by then. */
static bool explain(struct run *run, const struct em_sampling_packet *packet,
		    struct em_explanation *out)
{
	const size_t added = packet->ethernet ? 0 : ETH_HLEN;
	struct em_frame frame = {.number = 1,
				 .bytes = run->frame + ETH_HLEN - added,
				 .length = packet->length + added,
				 .captured = packet->captured + added};

	if (added)
		put16(frame.bytes + ETH_HLEN - 2,
		      packet->bytes[0] >> 4 == 6 ? ETH_P_IPV6 : ETH_P_IP);
	em_explain_frame(run->policy, packet->interface, &frame, out);
	if (out->cut || out->class.listener != packet->listener)
		return false;
	if (packet->reason == EM_SAMPLE_SORTED)
		return is_sorted(run, &out->class);
	return packet->reason == EM_SAMPLE_UNKNOWN
		       ? out->class.result == EM_UNKNOWN
		       : out->class.result == EM_INVALID && out->class.reason == packet->reason;
}

/* Fills in the entity, where copies of but one of the listener are wanted. */
static void find_entity(const struct run *run, struct em_sampling_packet *packet)
{
	const struct em_listener *listener = packet->listener;
	size_t n = 0;

	for (size_t i = 0; i < listener->n_formats; i++) {
		const struct em_format *format = &listener->formats[i];

		for (size_t j = 0; n < 2 && j < format->n_entities; j++) {
			if (!em_plan_samples_entity(&run->samples, listener, format,
						    &format->entities[j]))
				continue;
			packet->format = format;
			packet->entity = n++ ? NULL : &format->entities[j];
		}
	}
}

/* Fills in the interface.  False: it has gone meanwhile. */
static bool find_interface(const struct run *run, unsigned int ifindex,
			   struct em_sampling_packet *packet)
{
	for (size_t i = 0; i < run->record.n_attachments; i++) {
		const struct em_attachment *attachment = &run->record.attachments[i];

		if (attachment->ifindex != ifindex)
			continue;
		memcpy(packet->interface, attachment->interface, sizeof(packet->interface));
		packet->ethernet = run->ethernet[i];
		return true;
	}
	return false;
}

static int take(void *context, const struct em_sampled *sampled)
{
	struct em_sampling_packet packet = {
		.time = sampled->time, .listener = sampled->listener, .reason = sampled->reason};
	struct em_explanation explanation;
	uint8_t copy[2 * EM_SAMPLE_BYTES];
	struct run *run = context;
	int rc;

	/* No program of ours copies more. */
	if (run->ended || sampled->captured > sizeof(copy) - VLAN_TAG ||
	    !find_interface(run, sampled->ifindex, &packet))
		return 0;
	put_frame(run, sampled, &packet);
	memcpy(copy, packet.bytes, packet.captured);
	if (explain(run, &packet, &explanation))
		packet.explanation = &explanation;
	else if (packet.reason == EM_SAMPLE_SORTED)
		find_entity(run, &packet);
	packet.bytes = copy;
	rc = run->sampling->take(run->sampling->context, &packet);
	run->ended = rc > 0;
	return rc < 0 ? rc : 0;
}

static int copy(struct run *run, const sigset_t *signals)
{
	uint64_t looked = em_clock_monotonic();
	int rc = 0;

	while (!rc && !run->ended && !run->sampling->replaced && !is_stopped(signals)) {
		rc = run->ops->read_sampler(run->sampler, READ_MS, take, run, &run->sampling->lost,
					    run->diag);
		if (!rc && em_clock_monotonic() - looked > LOOK_NS) {
			rc = look(run);
			looked = em_clock_monotonic();
		}
	}
	return rc;
}

/* What was copied last is there still. */
static int end(struct run *run, int rc)
{
	int last = 0, ended = 0;

	if (run->generation && !run->sampling->replaced)
		last = look(run);
	if (run->generation)
		ended = put(run, run->generation, NULL);
	if (run->held >= 0)
		close(run->held);
	if (!rc && !last && !ended)
		last = run->ops->read_sampler(run->sampler, 0, take, run, &run->sampling->lost,
					      run->diag);
	if (run->ops)
		run->ops->close_sampler(run->sampler);
	em_policy_free(run->policy);
	em_record_clear(&run->record);
	free(run->ethernet);
	free(run->frame);
	return rc ? rc : last ? last : ended;
}

int em_sampling_run(struct em_sampling *sampling, struct em_diag *diag)
{
	struct run run = {.sampling = sampling,
			  .samples = {.reasons = sampling->reasons,
				      .names = sampling->names,
				      .entities = sampling->entities},
			  .held = -1,
			  .frame = malloc(FRAME_ROOM),
			  .diag = diag};
	sigset_t signals;
	int rc = run.frame ? 0 : em_diag_enomem(diag);

	block_pipe();
	if (!rc)
		rc = load(&run);
	if (!rc)
		rc = read_links(&run);
	/* Up to here, where a pipe may have to be opened, they end the process. */
	take_signals(&signals);
	if (!rc)
		rc = begin(&run);
	if (!rc)
		rc = copy(&run, &signals);
	return end(&run, rc);
}
