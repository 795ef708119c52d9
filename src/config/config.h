/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * config - the configuration file, read into a policy and written from one.
 *
 * It is one file, or a folder of them.  entitymux.conf(5) is the format.  Reading reports every
 * mistake in the file in one run; what was read is only handed out when there was none.
 */
#ifndef EM_CONFIG_H
#define EM_CONFIG_H

#include <stdio.h>

#include "policy/policy.h"

/*
 * Reads the configuration at path into *out (left alone on failure; the caller frees it).
 * Returns 0; -EM_EUSAGE for mistakes in the configuration or in an entities file; another -errno
 * where a file cannot be read.  All of it has been reported to diag.
 */
int em_config_read(struct em_policy **out, const char *path, struct em_diag *diag);

/*
 * The same, of a file that is beside its place: relative paths in it are relative to this folder
 * instead of its own.
 */
int em_config_read_in(struct em_policy **out, const char *path, const char *folder,
		      struct em_diag *diag);

/*
 * Writes the policy as a configuration that em_config_read() reads back as the same policy: every
 * key explicit, one spelling for each value, so that equal policies give equal bytes.  The
 * entities of listener i go, in their order, into the stream that open_entities(i, name, context)
 * returns, which is closed afterwards; name is what the configuration calls the file:
 * "listener-1.entities" for the first listener, and so on.  With open_entities NULL they are in the
 * configuration itself, as are those up to the last one with copies, for which a file has no room.
 * Returns 0 or -errno; writes no message.
 */
int em_config_write(const struct em_policy *policy, FILE *out,
		    FILE *(*open_entities)(size_t listener, const char *name, void *context),
		    void *context);

/* Writes one entity of the listener's format as it stands in the configuration, without a comma
 * behind it. */
void em_config_write_entity(FILE *out, const struct em_listener *listener,
			    const struct em_format *format, const struct em_entity *entity);

#endif
