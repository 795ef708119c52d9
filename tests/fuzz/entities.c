/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/* An entities file; the first byte chooses the tag that it is for. */
#include <unistd.h>

#include "fuzz.h"

static const char *const tags[] = {
	"{ offset = 0; length = 4; }",
	"{ offset = 0; length = 1; mask = \"0xf0\"; }",
	"{ field = \"ip6 saddr\"; }",
	"( { offset = 0; length = 4; }, { field = \"ip saddr\"; }, { offset = 9; length = 16; } )",
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[FUZZ_PATH_MAX], text[512];
	int fd, length;

	if (!size)
		return 0;
	fd = fuzz_file(data + 1, size - 1, path);
	length = snprintf(text, sizeof(text),
			  "listeners = ( { name = \"l\"; interfaces = [ \"in0\" ]; port = 5000; "
			  "tag = %s; entities_file = \"%s\"; } );",
			  tags[data[0] % (sizeof(tags) / sizeof(tags[0]))], path);
	em_policy_free(fuzz_policy(text, length));
	close(fd);
	return 0;
}
