/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * record - the facts of one apply, as `status` shows them, and the file with them.
 *
 * The format is that of lines.h:
 *
 *	format 1
 *	generation 3
 *	backend xdp
 *	wanted auto
 *	config /etc/entitymux.conf
 *	reason the fastest this host can carry
 *	applied_at 2026-11-22T10:00:00Z
 *	programs 0.1.0 82b1c3d4e5f60718
 *	listeners 1
 *	entities 2
 *	replaces 2
 *	restores 1
 *	edits 4
 *	edited telemetry:v9 0x0a00/8 added
 *	samples 1
 *	header_limit 12
 *	undoes /etc/new.conf
 *	ports 6001-6002,7000
 *	attachment 2 xdp-native eth0 program=7 alias=uplink0 vlan replies
 *	waiting wg0
 *
 * Unknown keys are skipped, and so are unknown words at the end of a line.
 */
#ifndef EM_RECORD_H
#define EM_RECORD_H

#include <stdint.h>
#include <stdio.h>

#include "host/hook.h"
#include "policy/policy.h"
#include "policy/ports.h"
#include "state/edited.h"

struct em_record {
	uint32_t generation; /* 0: nothing is known */
	enum em_backend backend;
	enum em_backend wanted; /* as asked for on the command line or in the configuration */
	char *config;		/* absolute path of the configuration; owned */
	char *reason;		/* why this backend; owned */
	char applied_at[32];	/* UTC, ISO 8601 */
	char *programs;		/* em_backend_programs(); owned, or NULL: of an older version */
	uint32_t listeners;	/* number in the policy */
	uint32_t entities;
	uint32_t replaces; /* the generation in force before; 0: none */
	uint32_t restores; /* of a rollback: the earlier generation with this policy; 0: none */
	uint32_t edits;	   /* of the policy that its configuration does not have */
	struct em_edited_list edited; /* the entities that these have changed; owned */
	uint32_t samples;	      /* 1: it copies packets, for `sample`; else 0 */
	uint32_t header_limit; /* of nf_tables here, see engine/header_limit.h; 0: not known */
	char *undoes; /* of a rollback: the configuration of what it undid; owned, or NULL */
	struct em_ports *ports;		   /* that it sorts to; owned; NULL: not known */
	struct em_attachment *attachments; /* owned */
	size_t n_attachments;
	char (*waiting)[EM_INTERFACE_MAX + 1]; /* interfaces that were missing or down; owned */
	size_t n_waiting;
};

void em_record_clear(struct em_record *record);

/* Writes the file.  Returns 0 or -errno of the stream, unreported. */
int em_record_write(const struct em_record *record, FILE *out);

/*
 * Reads the file.  Returns 0, -ENOMEM, -errno of the stream, or -EBADMSG if a mandatory key is
 * missing or malformed; all unreported.  *out is unchanged on failure.
 */
int em_record_read(struct em_record *out, FILE *in);

#endif
