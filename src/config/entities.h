/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * entities - an entities file, lines of `tag,port[,name]`, read into a format.
 *
 * Also the one place that knows how a byte string is spelt, which the configuration shares.
 */
#ifndef EM_ENTITIES_H
#define EM_ENTITIES_H

#include <stddef.h>
#include <stdint.h>

#include "policy/policy.h"

/*
 * Appends the entities of the file at path to the format, whose tag is known already; with a tag
 * of length 0, which had its own mistake, the lines are only checked.  `named` is the place of the
 * key that named the file.  Mistakes are reported with their lines, the first 20 of them.
 * Returns 0, -EM_EUSAGE, -ENOMEM (not reported), or another -errno where the file cannot be read.
 */
int em_entities_read(struct em_policy *policy, struct em_format *format, const char *path,
		     const struct em_place *named, struct em_diag *diag);

/*
 * Appends one entity; takes over what it owns.  Grows geometrically.  Returns 0, -ENOMEM,
 * or -E2BIG at EM_ENTITIES_MAX; what it owns is freed on failure; writes no message.
 */
int em_entities_append(struct em_format *format, const struct em_entity *entity);

#define EM_EXPECTED_BYTES "bytes as \"0x…\", \"aa:bb:…\" or \"text:…\""

/*
 * Bytes of "0x…", "aa:bb:…" or "text:…" into bytes[size].  Returns how many there are (which may be
 * more than size: then only size were stored), or -1 and *expected set to what was expected
 * instead.
 */
int em_bytes_parse(const char *text, uint8_t *bytes, size_t size, const char **expected);

/*
 * What an entity covers, into *out: "0x…" and the like, "0x0a010000/16", "0x0a01/16",
 * "prefix:text:prod.", "0x20..0x63"; a tag of one piece and 4 or 16 bytes may also be written as an
 * address, for "0x…" in all of these. Returns the bytes of its tags, which may be another number
 * than the format's tag has; or -1 as em_bytes_parse(). With a tag of length 0 what is covered is
 * not looked at.
 */
int em_tag_parse(const struct em_format *format, const char *text, struct em_cover *out,
		 const char **expected);

/* NULL where name can be an entity's name, else what was expected. */
const char *em_entity_name_check(const char *name);

#endif
