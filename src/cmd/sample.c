/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "capture/pcapng.h"
#include "cmd/cmd.h"
#include "engine/sampling.h"
#include "policy/names.h"
#include "print/print.h"

#define COUNT_MAX 1000000000
#define PROGRAM	  "entitymux"

struct options {
	const char *reason;
	const char *count;
	const char *file;
};

static const char *const reasons[] = {"source", "length", "check", "unknown", NULL};

static const struct em_option options[] = {
	{"reason", 0, "REASON", reasons, offsetof(struct options, reason),
	 "only packets that are invalid for this reason, or unknown"},
	{"count", 'c', "N", NULL, offsetof(struct options, count), "end after so many packets"},
	{"write", 'w', "FILE", NULL, offsetof(struct options, file),
	 "where the capture (pcapng) is written; - is standard output, as is none"},
	{0},
};

struct job {
	struct em_pcapng pcapng;
	const char *path; /* of the file, or what messages call it */
	bool standard;	  /* output */
	size_t left;	  /* packets; 0: no limit */
	uint64_t packets;
	bool begun; /* the file */
	struct em_diag *diag;
};

/* What somebody has seen enough of is no failure. */
static int flush(struct job *job)
{
	if (!fflush(job->pcapng.out) && !ferror(job->pcapng.out))
		return 0;
	if (errno != EPIPE)
		return em_diag_errno(job->diag, -errno, NULL, "%s", job->path);
	/* Nothing is left that could not be written. */
	__fpurge(job->pcapng.out);
	clearerr(job->pcapng.out);
	return 1;
}

/* Of what was not copied far enough to be explained. */
static void describe_reason(FILE *out, const struct em_sampling_packet *packet)
{
	char name[EM_COVER_TEXT_MAX];

	fprintf(out, "%s: %s%s", packet->listener->name,
		packet->reason < EM_REASONS ? "invalid: " : "",
		em_plan_sample_reason(packet->reason));
	if (packet->entity)
		fprintf(out, ": %s", em_entity_name(packet->format, packet->entity, name));
}

/* Returns the text, the caller's to free; NULL: out of memory. */
static char *describe(const struct em_sampling_packet *packet)
{
	struct em_document document;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	em_document_init(&document, out, false);
	if (packet->explanation)
		em_print_reason(&document, packet->explanation);
	else
		describe_reason(out, packet);
	if (fclose(out) || !text) {
		free(text);
		return NULL;
	}
	return text;
}

/* A file is only made, or what it had before lost, once there is something to copy. */
static int open_file(struct job *job)
{
	job->pcapng.out = job->standard ? stdout : fopen(job->path, "we");
	return job->pcapng.out ? 0 : em_diag_errno(job->diag, -errno, NULL, "%s", job->path);
}

static int begin(void *context, const char *name, bool ethernet)
{
	struct job *job = context;
	int rc;

	if (!job->begun) {
		rc = open_file(job);
		if (rc)
			return rc;
		em_pcapng_begin(&job->pcapng, PROGRAM);
		job->begun = true;
	}
	if (em_pcapng_add_interface(&job->pcapng, name, ethernet))
		return em_diag_enomem(job->diag);
	return flush(job);
}

static int take(void *context, const struct em_sampling_packet *packet)
{
	struct job *job = context;
	char *comment = describe(packet);
	int rc;

	if (!comment)
		return em_diag_enomem(job->diag);
	em_pcapng_add(&job->pcapng, &(struct em_pcapng_packet){.time = packet->time,
							       .interface = packet->interface,
							       .bytes = packet->bytes,
							       .captured = packet->captured,
							       .length = packet->length,
							       .comment = comment});
	free(comment);
	job->packets++;
	rc = flush(job);
	return rc ? rc : job->left && --job->left == 0;
}

static int choose_file(struct job *job, const char *path)
{
	job->standard = !path || !strcmp(path, "-");
	job->path = job->standard ? "standard output" : path;
	if (job->standard && isatty(STDOUT_FILENO))
		return em_diag_error(job->diag, -EM_EUSAGE, NULL,
				     "sample: a capture is nothing for a terminal; expected -w "
				     "FILE, or a pipe to a program that reads captures");
	return 0;
}

static int close_file(struct job *job, int rc)
{
	em_pcapng_clear(&(struct em_pcapng){.interfaces = job->pcapng.interfaces});
	if (!job->pcapng.out || job->pcapng.out == stdout)
		return rc;
	if (fclose(job->pcapng.out) && !rc)
		return em_diag_errno(job->diag, -errno, NULL, "%s", job->path);
	return rc;
}

static int check(const struct options *wanted, char *const *words, size_t *count,
		 struct em_diag *diag)
{
	for (char *const *word = words; *word; word++) {
		if (em_names_is_entity(*word) && wanted->reason)
			return em_diag_error(diag, -EM_EUSAGE, NULL,
					     "sample: %s: with --reason, expected LISTENER", *word);
		if (!em_names_is_entity(*word) && strchr(*word, ':'))
			return em_diag_error(diag, -EM_EUSAGE, NULL,
					     "sample: %s: expected LISTENER, LISTENER/ENTITY or "
					     "LISTENER:FORMAT/ENTITY",
					     *word);
	}
	if (!em_cmd_number(wanted->count, COUNT_MAX, count))
		return em_diag_error(diag, -EM_EUSAGE, NULL,
				     "sample: -c %s: expected a number from 1 to %d", wanted->count,
				     COUNT_MAX);
	return 0;
}

/* The words of listeners, or those of entities; the caller's to free.  NULL: out of memory. */
static char **choose(char *const *words, bool entities)
{
	size_t n = 0;
	char **chosen;

	while (words[n])
		n++;
	chosen = calloc(n + 1, sizeof(*chosen));
	for (n = 0; chosen && *words; words++)
		if (em_names_is_entity(*words) == entities)
			chosen[n++] = *words;
	return chosen;
}

static unsigned int wanted_reasons(const char *wanted)
{
	unsigned int bits = 0;

	for (unsigned int reason = 0; reason <= EM_SAMPLE_UNKNOWN; reason++)
		if (!wanted || !strcmp(wanted, em_plan_sample_reason(reason)))
			bits |= 1U << reason;
	return bits;
}

static void tell(const struct job *job, const struct em_sampling *sampling)
{
	em_diag_note(job->diag, "sample: %" PRIu64 " packets copied%s", job->packets,
		     sampling->replaced ? "; ended, since something else was applied" : "");
	if (sampling->lost)
		em_diag_warning(job->diag, NULL,
				"sample: other copies came too fast to be written");
}

/* Where only entities are named, nothing is wanted but these. */
static int sample(struct job *job, const struct options *wanted, char *const *words)
{
	char **names __attribute__((cleanup(em_freep))) = choose(words, false);
	char **entities __attribute__((cleanup(em_freep))) = choose(words, true);
	struct em_sampling sampling = {
		.names = names, .entities = entities, .begin = begin, .take = take, .context = job};
	int rc;

	if (!names || !entities)
		return em_diag_enomem(job->diag);
	if (*names || !*entities)
		sampling.reasons = wanted_reasons(wanted->reason);
	rc = em_sampling_run(&sampling, job->diag);
	if (rc >= 0)
		tell(job, &sampling);
	return rc > 0 ? 0 : rc;
}

static int run(const void *given, char *const *words, struct em_document *out, struct em_diag *diag)
{
	const struct options *wanted = given;
	struct job job = {.diag = diag};
	int rc = check(wanted, words, &job.left, diag);

	(void)out;
	if (!rc)
		rc = choose_file(&job, wanted->file);
	if (!rc)
		rc = sample(&job, wanted, words);
	return close_file(&job, rc);
}

const struct em_command em_cmd_sample = {
	.name = "sample",
	.help = "Copy packets to a capture: invalid and unknown ones, or those of an entity.",
	.words = "[LISTENER[[:FORMAT]/ENTITY]]...",
	.words_help =
		"The names may be patterns, as in the shell; none of them means all listeners.",
	.n_words = UINT_MAX,
	.options = options,
	.size = sizeof(struct options),
	.run = run,
};
