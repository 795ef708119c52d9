/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * probe - what this kernel and these interfaces support, and what apply would choose.
 *
 * Makes no change that another program can see.  Objects for trials are made in a private network
 * namespace (scratch.h).  The choice is made by an apply that stops before its first change.
 */
#ifndef EM_PROBE_H
#define EM_PROBE_H

#include <stdio.h>

#include "engine/transaction.h"

#define EM_PROBE_FEATURES_MAX 16 /* more than all backends have */

struct em_probe_feature {
	const struct em_backend_ops *backend;
	struct em_feature feature;
};

struct em_probe_remark {
	char *what;
	char *remedy; /* a command, or NULL */
};

struct em_probe_remarks {
	struct em_probe_remark *list;
	size_t n;
};

struct em_probe_interface {
	bool present;
	struct em_link link;		   /* if false: only its name is known */
	struct em_probe_remarks others;	   /* programs, filters and chains on it */
	struct em_probe_remarks obstacles; /* obstacles to some backend */
};

/* The result of preparing the policy with one backend, or with the automatic choice. */
struct em_probe_attempt {
	int error;		    /* 0, or what apply would return */
	struct em_transaction done; /* with the plan */
	char *why;		    /* on failure: the message of apply */
	/* Keys that this backend does not support. */
	struct em_probe_remarks findings;
};

struct em_probe {
	struct em_probe_feature features[EM_PROBE_FEATURES_MAX];
	size_t n_features;
	struct em_probe_interface *interfaces;
	size_t n_interfaces;
	const struct em_policy *policy; /* not owned; NULL: none was given */
	const char *config;		/* not owned; its path */
	/* Ports of the policy without a socket; owned; NULL: not known, or no policy. */
	struct em_ports *unattended;
	struct em_probe_attempt attempts[EM_BACKENDS]; /* by backend; with a policy */
};

/*
 * Fills in *out for the interfaces of the policy or, if policy is NULL, for all interfaces. The
 * caller calls em_probe_clear() in any case.  Returns 0 or -errno, reported.
 */
int em_probe_run(struct em_probe *out, const struct em_policy *policy, const char *config,
		 struct em_diag *diag);
void em_probe_clear(struct em_probe *probe);

/* What apply would do. */
const struct em_probe_attempt *em_probe_choice(const struct em_probe *probe);

#endif
