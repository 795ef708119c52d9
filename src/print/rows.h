/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * rows - the entities of a listener that are to be printed, in the order in which they are.
 */
#ifndef EM_ROWS_H
#define EM_ROWS_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/ports.h"
#include "policy/stats.h"

enum em_rows_order {
	EM_ROWS_AS_CONFIGURED,
	EM_ROWS_BY_NAME,
	EM_ROWS_BY_PACKETS, /* most first */
	EM_ROWS_BY_BYTES,   /* likewise */
	EM_ROWS_BY_LAST,    /* seen last first, and never last */
};

struct em_rows_wanted {
	char *const *names; /* see policy/names.h; NULL: all */
	enum em_rows_order order;
	size_t top;			/* so many of each listener; 0: all */
	const struct em_ports *sockets; /* ports that have one; not owned; NULL: not known */
	uint32_t silent; /* only those without a datagram for these seconds; 0: all */
};

struct em_row {
	const struct em_format *format;
	const struct em_entity *entity;
	struct em_count count; /* as it is printed: a negative sum is 0 */
	enum em_seen seen;
	uint64_t age; /* ns, with EM_SEEN_AT */
};

struct em_rows {
	struct em_row *all; /* owned */
	size_t n;
};

#define EM_ROW_NAME_MAX (EM_COVER_TEXT_MAX + EM_COVER_TEXT_MAX)

/* The name of an entity, behind that of its format where it has one and that is wanted. */
const char *em_row_name(const struct em_row *row, bool with_format, char text[EM_ROW_NAME_MAX]);

/* Of the listener of this index.  Freed by em_rows_clear().  Returns 0 or -ENOMEM. */
int em_rows_init(struct em_rows *out, const struct em_policy *policy, const struct em_stats *stats,
		 size_t listener, const struct em_rows_wanted *wanted);
void em_rows_clear(struct em_rows *rows);

/* Whether any listener has such entities.  Returns 1, 0 or -ENOMEM. */
int em_rows_any(const struct em_policy *policy, const struct em_stats *stats,
		const struct em_rows_wanted *wanted);

/*
 * A counter as it is printed.  No count reaches 2^63: a larger value is a negative sum, which would
 * mean nothing to a reader.
 */
int64_t em_rows_shown(uint64_t counter);

#endif
