/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * privilege - what to say where bpf(2) is not permitted.
 *
 * Our programs need CAP_NET_ADMIN, CAP_BPF and CAP_PERFMON, the last one because otherwise the
 * verifier does not let a program add a variable to a packet pointer. CAP_SYS_ADMIN includes all of
 * them; before Linux 5.8 it is the only way.
 */
#ifndef EM_PRIVILEGE_H
#define EM_PRIVILEGE_H

#define EM_PRIVILEGE_TEXT 192

/* Writes "needs CAP_… and CAP_… (run as root)", or what else it may be, and returns text. */
const char *em_privilege_explain(char text[EM_PRIVILEGE_TEXT]);

#endif
