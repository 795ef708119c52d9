/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * unattended - ports that datagrams are sorted to, and that no UDP socket of this host has.
 *
 * A hint: the server may be on another host, or in another network namespace.
 */
#ifndef EM_UNATTENDED_H
#define EM_UNATTENDED_H

#include "base/diag.h"
#include "policy/ports.h"

/*
 * The ports that sockets of this network namespace have, in *out, the caller's to free; NULL where
 * this kernel does not say.  Returns 0 or -errno, reported.
 */
int em_unattended_sockets(struct em_ports **out, struct em_diag *diag);

/* Of the targets those that have no socket; likewise. */
int em_unattended_find(struct em_ports **out, const struct em_ports *targets, struct em_diag *diag);

#endif
