/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "engine/unattended.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "host/sockets.h"

static void note_port(void *context, uint16_t port)
{
	em_ports_add(context, port);
}

int em_unattended_sockets(struct em_ports **out, struct em_diag *diag)
{
	struct em_ports *ports = calloc(1, sizeof(*ports));
	int rc;

	*out = NULL;
	if (!ports)
		return em_diag_enomem(diag);
	rc = em_sockets_each(note_port, ports, diag);
	if (!rc) {
		*out = ports;
		return 0;
	}
	free(ports);
	return rc == -ENOENT ? 0 : rc;
}

int em_unattended_find(struct em_ports **out, const struct em_ports *targets, struct em_diag *diag)
{
	struct em_ports *sockets __attribute__((cleanup(em_freep))) = NULL;
	int rc = em_unattended_sockets(&sockets, diag);

	*out = NULL;
	if (rc || !sockets)
		return rc;
	*out = malloc(sizeof(**out));
	if (!*out)
		return em_diag_enomem(diag);
	**out = *targets;
	em_ports_subtract(*out, sockets);
	return 0;
}
