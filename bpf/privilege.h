/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * privilege - what to say where bpf(2) is not permitted.
 *
 * CAP_NET_ADMIN, CAP_BPF and CAP_PERFMON are what our programs need; the last one because the
 * verifier lets nobody else add a variable to a pointer into a packet.  CAP_SYS_ADMIN stands for
 * all of them, and before Linux 5.8 there is nothing in its place.
 */
#ifndef EM_PRIVILEGE_H
#define EM_PRIVILEGE_H

#define EM_PRIVILEGE_TEXT 192

/* Writes "needs CAP_… and CAP_… (run as root)", or what else it may be, and returns text. */
const char *em_privilege_explain(char text[EM_PRIVILEGE_TEXT]);

#endif
