// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <jansson.h>

#include "engine/probe.h"

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

/* Text. */

static void print_kernel(const struct em_probe *probe)
{
	printf("kernel%s\n", probe->n_features ? "" : ": not tried");
	for (size_t i = 0; i < probe->n_features; i++) {
		const struct em_probe_feature *row = &probe->features[i];

		printf("  %-9s %-16s %-4s %s", row->datapath->name, row->feature.name,
		       row->feature.available ? "yes" : "no", row->feature.detail);
		if (!row->feature.available && row->feature.remedy)
			printf("; try: %s", row->feature.remedy);
		printf("\n");
	}
}

static void print_remarks(const char *title, const struct em_probe_remarks *remarks,
			  const char *remedy)
{
	for (size_t i = 0; i < remarks->n; i++) {
		printf("  %-14s %s", title, remarks->list[i].what);
		if (remarks->list[i].remedy)
			printf("; %s: %s", remedy, remarks->list[i].remedy);
		printf("\n");
	}
}

static void print_native(const struct em_link *link)
{
	printf("  %-14s %s", "native XDP", em_native_name(link->native_xdp));
	if (link->native_xdp == EM_NATIVE_NO)
		printf(", %s", link->native_why);
	else if (link->native_xdp == EM_NATIVE_UNKNOWN)
		printf(", it shows when apply tries it");
	else
		printf(", multi-buffer %s", link->multi_buffer ? "yes" : "no");
	printf("\n");
}

static void print_link(const struct em_link *link)
{
	printf("  %-14s %s", "driver", link->driver[0] ? link->driver : "unknown");
	if (link->kind[0])
		printf(", kind %s", link->kind);
	printf("\n  %-14s %u\n", "MTU", link->mtu);
	if (link->rx_queues)
		printf("  %-14s %u\n", "rx queues", link->rx_queues);
	print_native(link);
	printf("  %-14s", "offloads");
	for (size_t i = 0; i < N_OFFLOADS; i++)
		printf("%s%s %s", i ? ", " : " ", offloads[i].name, is_on(link, i) ? "on" : "off");
	printf("\n");
}

static void print_interfaces(const struct em_probe *probe)
{
	for (size_t i = 0; i < probe->n_interfaces; i++) {
		const struct em_probe_interface *interface = &probe->interfaces[i];

		printf("\ninterface %s%s\n", interface->link.name,
		       !interface->present   ? ": there is none"
		       : !interface->link.up ? ": down"
					     : "");
		if (!interface->present)
			continue;
		print_link(&interface->link);
		print_remarks("other", &interface->others, "take it away, if it may go");
		print_remarks("obstacle", &interface->obstacles, "try");
	}
}

static void print_attempts(const struct em_probe *probe)
{
	printf("\n%s\n", probe->config);
	for (int i = EM_BACKEND_AUTO + 1; i < EM_BACKENDS; i++) {
		const struct em_probe_attempt *attempt = &probe->attempts[i];

		printf("  %-14s %s", em_backend_name(i), attempt->error ? "no" : "yes");
		printf("%s%s\n", attempt->error ? ", " : "", attempt->error ? attempt->why : "");
		print_remarks("", &attempt->findings, "");
	}
}

static void print_choice(const struct em_probe *probe)
{
	const struct em_probe_attempt *choice = em_probe_choice(probe);
	const struct em_plan *plan = &choice->apply.plan;

	if (choice->error) {
		printf("\napply would fail: %s\n", choice->why);
		return;
	}
	printf("\napply would choose: backend %s (%s)\n", em_backend_name(plan->backend),
	       plan->reason);
	for (size_t i = 0; i < plan->n_attachments; i++)
		printf("  %s: %s\n", plan->attachments[i].interface,
		       em_hook_name(plan->attachments[i].hook));
}

void em_probe_print_text(const struct em_probe *probe)
{
	print_kernel(probe);
	print_interfaces(probe);
	if (!probe->policy)
		return;
	print_attempts(probe);
	print_choice(probe);
}

/* JSON.  What is out of memory becomes a document that cannot be made. */

static json_t *json_kernel(const struct em_probe *probe)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < probe->n_features; i++) {
		const struct em_probe_feature *row = &probe->features[i];

		json_array_append_new(
			rows,
			json_pack("{s:s, s:s, s:b, s:s, s:s?}", "backend", row->datapath->name,
				  "name", row->feature.name, "available", row->feature.available,
				  "detail", row->feature.detail, "remedy",
				  row->feature.available ? NULL : row->feature.remedy));
	}
	return rows;
}

static json_t *json_remarks(const struct em_probe_remarks *remarks)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < remarks->n; i++)
		json_array_append_new(rows, json_pack("{s:s, s:s?}", "what", remarks->list[i].what,
						      "remedy", remarks->list[i].remedy));
	return rows;
}

static json_t *json_offloads(const struct em_link *link)
{
	json_t *object = json_object();

	for (size_t i = 0; i < N_OFFLOADS; i++)
		json_object_set_new(object, offloads[i].name, json_boolean(is_on(link, i)));
	return object;
}

static json_t *json_interface(const struct em_probe_interface *interface)
{
	const struct em_link *link = &interface->link;

	if (!interface->present)
		return json_pack("{s:s, s:b}", "name", link->name, "present", false);
	return json_pack(
		"{s:s, s:b, s:b, s:s, s:s, s:i, s:i, s:s, s:s, s:b, s:o, s:o, s:o}", "name",
		link->name, "present", true, "up", link->up, "driver", link->driver, "kind",
		link->kind, "mtu", (int)link->mtu, "rx_queues", (int)link->rx_queues, "native_xdp",
		em_native_name(link->native_xdp), "native_xdp_detail", link->native_why,
		"multi_buffer", link->multi_buffer, "offloads", json_offloads(link), "others",
		json_remarks(&interface->others), "obstacles", json_remarks(&interface->obstacles));
}

static json_t *json_interfaces(const struct em_probe *probe)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < probe->n_interfaces; i++)
		json_array_append_new(rows, json_interface(&probe->interfaces[i]));
	return rows;
}

static json_t *json_hooks(const struct em_plan *plan)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < plan->n_attachments; i++)
		json_array_append_new(rows, json_pack("{s:s, s:s}", "name",
						      plan->attachments[i].interface, "hook",
						      em_hook_name(plan->attachments[i].hook)));
	return rows;
}

static json_t *json_attempts(const struct em_probe *probe)
{
	json_t *rows = json_array();

	for (int i = EM_BACKEND_AUTO + 1; i < EM_BACKENDS; i++) {
		const struct em_probe_attempt *attempt = &probe->attempts[i];

		json_array_append_new(rows,
				      json_pack("{s:s, s:b, s:s?, s:o}", "backend",
						em_backend_name(i), "carries", !attempt->error,
						"why", attempt->error ? attempt->why : NULL,
						"findings", json_remarks(&attempt->findings)));
	}
	return rows;
}

static json_t *json_choice(const struct em_probe *probe)
{
	const struct em_probe_attempt *choice = em_probe_choice(probe);
	const char *wanted = em_backend_name(choice->apply.wanted);
	const struct em_plan *plan = &choice->apply.plan;

	if (choice->error)
		return json_pack("{s:s, s:n, s:s, s:[]}", "wanted", wanted, "backend", "reason",
				 choice->why, "interfaces");
	return json_pack("{s:s, s:s, s:s, s:o}", "wanted", wanted, "backend",
			 em_backend_name(plan->backend), "reason", plan->reason, "interfaces",
			 json_hooks(plan));
}

int em_probe_print_json(const struct em_probe *probe)
{
	json_t *document = json_pack("{s:i, s:o, s:o}", "schema", 1, "kernel", json_kernel(probe),
				     "interfaces", json_interfaces(probe));
	int rc = 0;

	if (document && probe->policy)
		rc = json_object_update_new(
			document, json_pack("{s:s, s:o, s:o}", "config", probe->config, "backends",
					    json_attempts(probe), "choice", json_choice(probe)));
	if (!rc)
		rc = document ? json_dumpf(document, stdout, JSON_INDENT(2)) : -1;
	json_decref(document);
	printf("\n");
	return rc ? -EIO : 0;
}
