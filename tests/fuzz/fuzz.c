/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"

int fuzz_file(const void *data, size_t size, char path[FUZZ_PATH_MAX])
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || fchmod(fd, 0600) || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, FUZZ_PATH_MAX, "/proc/self/fd/%d", fd);
	return fd;
}

void fuzz_diag(struct em_diag *diag)
{
	static FILE *nowhere;

	if (!nowhere)
		nowhere = fopen("/dev/null", "we");
	if (!nowhere)
		abort();
	em_diag_init(diag, nowhere);
}

struct em_policy *fuzz_policy(const void *text, size_t size)
{
	struct em_policy *policy = NULL;
	char path[FUZZ_PATH_MAX];
	struct em_diag diag;
	int fd = fuzz_file(text, size, path), rc;

	fuzz_diag(&diag);
	rc = em_config_read(&policy, path, &diag);
	if (rc && !diag.errors)
		abort(); /* an error without a message */
	close(fd);
	return rc ? NULL : policy;
}

#define LISTENER "listeners = ( { name = \"l\"; interfaces = [ \"in0\" ]; port = 5000; "

static const char *const policies[FUZZ_POLICIES] = {
	LISTENER
	"tag = { offset = 0; length = 4; }; entities = ( { tag = \"0x61626364\"; port = 6001; },"
	"{ tag = \"0x20000000..0x60ffffff\"; port = 6002; } ); unknown = 7000; } );",
	LISTENER
	"vlan = 5; payload = { min = 2; max = 600; }; sources = [ \"192.0.2.0/24\", "
	"\"2001:db8::/32\" ];"
	"checks = ( { offset = 0; bytes = \"0x4d58\"; mask = \"0xf0ff\"; } ); invalid = \"pass\";"
	"tag = ( { offset = 2; length = 2; mask = \"0x0fff\"; }, { field = \"ip saddr\"; } );"
	"entities = ( { tag = \"0x000161c00002\"; port = \"pass\"; } ); unknown = \"drop\"; } );",
	LISTENER
	"addresses = [ \"192.0.2.1\", \"ff02::1\" ]; formats = ("
	"{ name = \"a\"; checks = ( { offset = 0; length = 2; min = 1; max = 9; not = true; } );"
	"tag = { offset = 1020; length = 4; }; entities = (); unknown = 6003; },"
	"{ name = \"b\"; payload = { max = 64; }; tag = { field = \"ip6 saddr\"; };"
	"entities = ( { tag = \"prefix:0x2001\"; port = 6004; } ); },"
	"{ name = \"c\"; tag = { offset = 0; length = 1; }; entities = ( { tag = \"0x41\"; port = "
	"6005; } );"
	"unknown = \"drop\"; } ); } );",
	LISTENER
	"replies = true; tag = { offset = 3; length = 8; };"
	"entities = ( { tag = \"text:abcdefgh\"; port = 6001; } ); },"
	"{ name = \"m\"; interfaces = [ \"in0\" ]; port = 5000; addresses = [ \"192.0.2.9\" ];"
	"tag = { offset = 0; length = 1; }; entities = ( { tag = \"0x01\"; port = 6009; } ); } );",
};

const struct em_policy *fuzz_known_policy(uint8_t choice)
{
	static struct em_policy *known[FUZZ_POLICIES];
	struct em_policy **policy = &known[choice % FUZZ_POLICIES];
	const char *text = policies[choice % FUZZ_POLICIES];

	if (!*policy)
		*policy = fuzz_policy(text, strlen(text));
	if (!*policy)
		abort();
	return *policy;
}

char *fuzz_write(const struct em_policy *policy, size_t *size)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, size);

	if (!out || em_config_write(policy, out, NULL, NULL) || fclose(out))
		abort();
	return text;
}
