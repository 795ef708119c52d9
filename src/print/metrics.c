/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * metrics - the counters in the text format of Prometheus, as its node exporter reads it from
 * files.
 *
 * A series keeps its labels as long as its counter goes on: what an apply may change, as the port
 * of an entity, is in the labels of an information of its own.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "policy/names.h"
#include "policy/ports.h"
#include "print/print.h"

struct metrics {
	FILE *out;
	const struct em_policy *policy;
	const struct em_stats *stats;
	const struct em_rows_wanted *wanted;
	struct em_rows *rows; /* by listener; owned */
};

/* The value of a label: bytes that are not printable are escaped twice, so that any reader takes
 * it. */
static void print_label(FILE *out, const char *name, const char *value)
{
	size_t safe = em_utf8_printable(value);

	fprintf(out, "%s=\"", name);
	for (; *value; value++) {
		if (!safe)
			fprintf(out, "\\\\x%02x", (unsigned char)*value);
		else if (*value == '\\' || *value == '"')
			fprintf(out, "\\%c", *value);
		else
			fputc(*value, out);
		safe = safe > 1 ? safe - 1 : em_utf8_printable(value + 1);
	}
	fputc('"', out);
}

static void print_family(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP entitymux_%s %s\n# TYPE entitymux_%s %s\n", name, help, name, type);
}

static void begin_sample(FILE *out, const char *family, const struct em_listener *listener)
{
	fprintf(out, "entitymux_%s{", family);
	print_label(out, "listener", listener->name);
}

static void end_sample(FILE *out, uint64_t value)
{
	fprintf(out, "} %" PRId64 "\n", em_rows_shown(value));
}

/* Of listeners. */

static const struct {
	const char *name, *help;
	size_t offset; /* of a uint64_t */
} of_listener[] = {
	{"packets_total", "UDP datagrams for a listener.",
	 offsetof(struct em_listener_stats, total.packets)},
	{"bytes_total", "Their bytes, from the IP header on.",
	 offsetof(struct em_listener_stats, total.bytes)},
	{"rewritten_packets_total", "Datagrams of entities that were sorted to a port.",
	 offsetof(struct em_listener_stats, rewritten)},
	{"passed_packets_total", "Datagrams of entities that were left at the listener's port.",
	 offsetof(struct em_listener_stats, passed)},
	{"dropped_packets_total", "Datagrams of entities that were dropped.",
	 offsetof(struct em_listener_stats, dropped)},
	{"unknown_packets_total", "Valid datagrams whose tag no entity has.",
	 offsetof(struct em_listener_stats, unknown)},
	{"copied_packets_total", "Datagrams of which copies were made.",
	 offsetof(struct em_listener_stats, copied)},
	{"copy_errors_total", "Copies that could not be made.",
	 offsetof(struct em_listener_stats, copy_errors)},
};

static void print_of_listeners(const struct metrics *metrics, const char *name, size_t offset)
{
	for (size_t i = 0; i < metrics->stats->n_listeners; i++) {
		const struct em_listener *listener = &metrics->policy->listeners[i];
		const char *stats = (const char *)&metrics->stats->listeners[i];

		if (!em_names_listener(metrics->wanted->names, listener))
			continue;
		begin_sample(metrics->out, name, listener);
		end_sample(metrics->out, *(const uint64_t *)(const void *)(stats + offset));
	}
}

static void print_invalid(const struct metrics *metrics)
{
	print_family(metrics->out, "invalid_packets_total", "counter",
		     "Datagrams that are not valid, by the first reason.");
	for (size_t i = 0; i < metrics->stats->n_listeners; i++) {
		const struct em_listener *listener = &metrics->policy->listeners[i];

		if (!em_names_listener(metrics->wanted->names, listener))
			continue;
		for (int reason = 0; reason < EM_REASONS; reason++) {
			begin_sample(metrics->out, "invalid_packets_total", listener);
			fputc(',', metrics->out);
			print_label(metrics->out, "reason", em_reason_name(reason));
			end_sample(metrics->out, metrics->stats->listeners[i].invalid[reason]);
		}
	}
}

/* Of entities. */

enum of_entity { PACKETS, BYTES, COPIED, LAST_SEEN, INFO };

/* Seconds since 1970, with milliseconds. */
static void end_timestamp(const struct metrics *metrics, uint64_t age)
{
	uint64_t ms = (metrics->stats->wall_at - age) / (EM_SECOND / 1000);

	fprintf(metrics->out, "} %" PRIu64 ".%03" PRIu64 "\n", ms / 1000, ms % 1000);
}

static void print_entity(const struct metrics *metrics, const char *family, enum of_entity which,
			 const struct em_listener *listener, const struct em_row *row)
{
	char name[EM_COVER_TEXT_MAX], action[EM_ACTION_TEXT_MAX];
	FILE *out = metrics->out;

	if (which == LAST_SEEN && row->seen != EM_SEEN_AT)
		return;
	begin_sample(out, family, listener);
	if (*row->format->name) {
		fputc(',', out);
		print_label(out, "format", row->format->name);
	}
	fputc(',', out);
	print_label(out, "entity", em_entity_name(row->format, row->entity, name));
	if (which == INFO) {
		fputc(',', out);
		print_label(out, "tag", em_entity_tag_format(row->format, row->entity, name));
		fputc(',', out);
		print_label(out, "action", em_action_format(&row->entity->action, action));
	}
	if (which == LAST_SEEN)
		return end_timestamp(metrics, row->age);
	end_sample(out, which == PACKETS  ? row->count.packets
			: which == BYTES  ? row->count.bytes
			: which == COPIED ? row->count.copied
					  : 1);
}

static void print_of_entities(const struct metrics *metrics, const char *family,
			      enum of_entity which)
{
	for (size_t i = 0; i < metrics->stats->n_listeners; i++)
		for (size_t j = 0; j < metrics->rows[i].n; j++)
			print_entity(metrics, family, which, &metrics->policy->listeners[i],
				     &metrics->rows[i].all[j]);
}

/* What is applied. */

static void print_record(FILE *out, const struct em_record *record)
{
	print_family(out, "policy_info", "gauge", "The policy in force.");
	fprintf(out, "entitymux_policy_info{");
	print_label(out, "backend", em_print_backend(record->backend));
	fputc(',', out);
	print_label(out, "config", record->config);
	fprintf(out, "} 1\n");
	print_family(out, "interface_info", "gauge", "Where datagrams are sorted.");
	for (size_t i = 0; i < record->n_attachments; i++) {
		fprintf(out, "entitymux_interface_info{");
		print_label(out, "interface", record->attachments[i].interface);
		fputc(',', out);
		print_label(out, "hook", em_hook_name(record->attachments[i].hook));
		fprintf(out, "} 1\n");
	}
	print_family(out, "interface_waiting", "gauge", "An interface that the policy waits for.");
	for (size_t i = 0; i < record->n_waiting; i++) {
		fprintf(out, "entitymux_interface_waiting{");
		print_label(out, "interface", record->waiting[i]);
		fprintf(out, "} 1\n");
	}
}

static void print_counters(const struct metrics *metrics)
{
	FILE *out = metrics->out;

	for (size_t i = 0; i < sizeof(of_listener) / sizeof(of_listener[0]); i++) {
		print_family(out, of_listener[i].name, "counter", of_listener[i].help);
		print_of_listeners(metrics, of_listener[i].name, of_listener[i].offset);
	}
	print_invalid(metrics);
	print_family(out, "entity_packets_total", "counter", "Datagrams of an entity.");
	print_of_entities(metrics, "entity_packets_total", PACKETS);
	print_family(out, "entity_bytes_total", "counter", "Their bytes, from the IP header on.");
	print_of_entities(metrics, "entity_bytes_total", BYTES);
	print_family(out, "entity_copied_packets_total", "counter",
		     "Datagrams of an entity of which copies were made.");
	print_of_entities(metrics, "entity_copied_packets_total", COPIED);
	print_family(out, "entity_last_seen_timestamp_seconds", "gauge",
		     "When the last datagram of an entity came, where that is known.");
	print_of_entities(metrics, "entity_last_seen_timestamp_seconds", LAST_SEEN);
	print_family(out, "entity_info", "gauge", "What becomes of the datagrams of an entity.");
	print_of_entities(metrics, "entity_info", INFO);
}

/* Ports that datagrams are sorted to, and where nobody listens. */
static void print_unattended(FILE *out, const struct em_policy *policy,
			     const struct em_ports *sockets)
{
	struct em_ports unattended = {0};
	uint16_t first, last = 0;

	em_ports_add_targets(&unattended, policy);
	em_ports_subtract(&unattended, sockets);
	print_family(out, "port_without_socket", "gauge",
		     "A port of the policy that no UDP socket of this host has.");
	for (uint32_t from = 1; em_ports_range(&unattended, from, &first, &last); from = last + 1U)
		for (uint32_t port = first; port <= last; port++)
			fprintf(out, "entitymux_port_without_socket{port=\"%" PRIu32 "\"} 1\n",
				port);
}

static int print_applied(FILE *out, const struct em_snapshot *snapshot,
			 const struct em_rows_wanted *wanted)
{
	const struct em_stats *stats = snapshot->stats;
	struct metrics metrics = {out, snapshot->policy, stats, wanted,
				  calloc(stats->n_listeners + 1, sizeof(struct em_rows))};
	int rc = metrics.rows ? 0 : -ENOMEM;

	for (size_t i = 0; !rc && i < stats->n_listeners; i++)
		rc = em_rows_init(&metrics.rows[i], snapshot->policy, stats, i, wanted);
	if (!rc) {
		print_record(out, &snapshot->record);
		print_counters(&metrics);
		if (wanted->sockets)
			print_unattended(out, snapshot->policy, wanted->sockets);
	}
	for (size_t i = 0; metrics.rows && i < stats->n_listeners; i++)
		em_rows_clear(&metrics.rows[i]);
	free(metrics.rows);
	return rc;
}

int em_print_metrics(FILE *out, const struct em_snapshot *snapshot,
		     const struct em_rows_wanted *wanted)
{
	print_family(out, "policy_whole", "gauge",
		     "Whether a policy is applied and all of it is in place.");
	fprintf(out, "entitymux_policy_whole %d\n", snapshot->whole);
	return snapshot->stats ? print_applied(out, snapshot, wanted) : 0;
}
