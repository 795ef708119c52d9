/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include <stddef.h>

#include "print/print.h"

static const struct {
	const char *name; /* as ethtool(8) calls it */
	size_t offset;
} offloads[] = {
	{"rx-vlan-offload", offsetof(struct em_link, vlan_offload)},
	{"generic-receive-offload", offsetof(struct em_link, gro)},
	{"rx-gro-hw", offsetof(struct em_link, gro_hw)},
	{"rx-gro-list", offsetof(struct em_link, gro_list)},
	{"rx-udp-gro-forwarding", offsetof(struct em_link, udp_forwarding)},
	{"large-receive-offload", offsetof(struct em_link, lro)},
};

#define N_OFFLOADS (sizeof(offloads) / sizeof(offloads[0]))

static bool is_on(const struct em_link *link, size_t offload)
{
	return *(const bool *)((const char *)link + offloads[offload].offset);
}

/* A table of remarks.  Row titles are padded to this width. */
#define TITLE 14

static void print_kernel(struct em_document *out, const struct em_probe *probe)
{
	em_document_text(out, probe->n_features ? "kernel\n" : "kernel: not tried\n");
	em_document_array(out, "kernel");
	for (size_t i = 0; i < probe->n_features; i++) {
		const struct em_feature *feature = &probe->features[i].feature;

		em_document_object(out, EM_DOCUMENT_ELEMENT);
		em_document_string_cell(out, "backend", "  ", probe->features[i].backend->name, 9);
		em_document_string_cell(out, "name", " ", feature->name, 16);
		em_document_bool(out, "available", feature->available ? " yes  " : " no   ",
				 feature->available);
		em_document_string(out, "detail", "", feature->detail, "");
		em_document_string(out, "remedy",
				   "; try: ", feature->available ? NULL : feature->remedy, "");
		em_document_close(out);
		em_document_text(out, "\n");
	}
	em_document_close(out);
}

/* title and remedy are the text before each remark and before the command. */
static void print_remarks(struct em_document *out, const char *key,
			  const struct em_probe_remarks *remarks, const char *title,
			  const char *remedy)
{
	em_document_array(out, key);
	for (size_t i = 0; i < remarks->n; i++) {
		em_document_object(out, EM_DOCUMENT_ELEMENT);
		em_document_string_cell(out, NULL, "  ", title, TITLE);
		em_document_string(out, "what", " ", remarks->list[i].what, "");
		em_document_string(out, "remedy", remedy, remarks->list[i].remedy, "");
		em_document_close(out);
		em_document_text(out, "\n");
	}
	em_document_close(out);
}

static void print_native(struct em_document *out, const struct em_link *link)
{
	bool no = link->native_xdp == EM_NATIVE_NO;

	em_document_string_cell(out, NULL, "  ", "native XDP", TITLE);
	em_document_string(out, "native_xdp", " ", em_native_name(link->native_xdp), "");
	em_document_string(out, "native_xdp_detail", no ? ", " : NULL, link->native_why, "");
	if (link->native_xdp == EM_NATIVE_UNKNOWN)
		em_document_text(out, ", it shows when apply tries it");
	else if (!no)
		em_document_text(out, ", multi-buffer ");
	em_document_bool(out, "multi_buffer",
			 link->native_xdp != EM_NATIVE_YES ? NULL
			 : link->multi_buffer		   ? "yes"
							   : "no",
			 link->multi_buffer);
	em_document_text(out, "\n");
}

static void print_offloads(struct em_document *out, const struct em_link *link)
{
	em_document_string_cell(out, NULL, "  ", "offloads", TITLE);
	em_document_object(out, "offloads");
	for (size_t i = 0; i < N_OFFLOADS; i++) {
		bool on = is_on(link, i);

		em_document_text(out, i ? ", " : " ");
		em_document_text(out, offloads[i].name);
		em_document_bool(out, offloads[i].name, on ? " on" : " off", on);
	}
	em_document_close(out);
	em_document_text(out, "\n");
}

static void print_link(struct em_document *out, const struct em_link *link)
{
	em_document_bool(out, "up", link->up ? "\n" : ": down\n", link->up);
	em_document_string_cell(out, NULL, "  ", "driver", TITLE);
	em_document_string(out, "driver", link->driver[0] ? " " : NULL, link->driver, "");
	em_document_text(out, link->driver[0] ? "" : " unknown");
	em_document_string(out, "kind", link->kind[0] ? ", kind " : NULL, link->kind, "");
	em_document_string_cell(out, NULL, "\n  ", "MTU", TITLE);
	em_document_number(out, "mtu", " ", link->mtu, "\n");
	if (link->rx_queues)
		em_document_string_cell(out, NULL, "  ", "rx queues", TITLE);
	em_document_number(out, "rx_queues", link->rx_queues ? " " : NULL, link->rx_queues, "\n");
	print_native(out, link);
	print_offloads(out, link);
}

static void print_interface(struct em_document *out, const struct em_probe_interface *interface)
{
	em_document_object(out, EM_DOCUMENT_ELEMENT);
	em_document_string(out, "name", "\ninterface ", interface->link.name, "");
	em_document_bool(out, "present", interface->present ? "" : ": there is none\n",
			 interface->present);
	if (interface->present) {
		print_link(out, &interface->link);
		print_remarks(out, "others", &interface->others, "other",
			      "; take it away, if it may go: ");
		print_remarks(out, "obstacles", &interface->obstacles, "obstacle", "; try: ");
	}
	em_document_close(out);
}

static void print_attempts(struct em_document *out, const struct em_probe *probe)
{
	em_document_array(out, "backends");
	for (int i = EM_BACKEND_AUTO + 1; i < EM_BACKENDS; i++) {
		const struct em_probe_attempt *attempt = &probe->attempts[i];

		em_document_object(out, EM_DOCUMENT_ELEMENT);
		em_document_string_cell(out, "backend", "  ", em_backend_name(i), TITLE);
		em_document_bool(out, "carries", attempt->error ? " no" : " yes", !attempt->error);
		em_document_string(out, "why", ", ", attempt->error ? attempt->why : NULL, "");
		em_document_text(out, "\n");
		print_remarks(out, "findings", &attempt->findings, "", "; ");
		em_document_close(out);
	}
	em_document_close(out);
}

static void print_choice(struct em_document *out, const struct em_probe *probe)
{
	const struct em_probe_attempt *choice = em_probe_choice(probe);
	const struct em_plan none = {0}, *plan = choice->error ? &none : &choice->done.plan;

	em_document_object(out, "choice");
	em_document_string(out, "wanted", NULL, em_backend_name(choice->done.wanted), "");
	em_document_string(out, "backend", "\napply would choose: backend ",
			   choice->error ? NULL : em_backend_name(plan->backend), "");
	if (choice->error)
		em_document_string(out, "reason", "\napply would fail: ", choice->why, "\n");
	else
		em_document_string(out, "reason", " (", choice->done.outcome.reason, ")\n");
	em_print_hooks(out, plan);
	em_document_close(out);
}

void em_print_probe(struct em_document *out, const struct em_probe *probe)
{
	print_kernel(out, probe);
	em_document_array(out, "interfaces");
	for (size_t i = 0; i < probe->n_interfaces; i++)
		print_interface(out, &probe->interfaces[i]);
	em_document_close(out);
	if (!probe->policy)
		return;
	em_document_string(out, "config", "\n", probe->config, "\n");
	em_print_unattended(out, probe->unattended);
	print_attempts(out, probe);
	print_choice(out, probe);
}
