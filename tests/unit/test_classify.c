/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * The reference classifier: every step of "What happens to a packet" at its edges, and the
 * checksum against sums that are made here from scratch.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"
#include "policy/classify.h"
#include "tests/lib/outcome.h"
#include "tests/lib/packet.h"

/* A listener on eth0, port 5000, tag in the first four bytes, and whatever else is said. */
#define LISTENER(more)                                                                             \
	"{ name = \"l\"; interfaces = [ \"eth0\" ]; port = 5000; tag = { offset = 0; length = 4; " \
	"}; "                                                                                      \
	"entities = ( { name = \"a\"; tag = \"0xdeadbeef\"; port = 6001; }, "                      \
	"{ name = \"b\"; tag = \"text:PLTB\"; port = 6002; } ); " more " }"
#define POLICY(listeners) "listeners = ( " listeners " );"

struct row {
	const char *packet;
	const char *outcome;
};

static struct em_policy *policy_of(const char *text)
{
	int fd = memfd_create("config", MFD_CLOEXEC);
	struct em_policy *policy = NULL;
	struct em_diag diag;
	char path[64];

	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, 0600), 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	em_diag_init(&diag, stderr);
	assert_int_equal(em_config_read(&policy, path, &diag), 0);
	close(fd);
	return policy;
}

/* Only the destination port and the UDP checksum may change, and those only where it was sent on.
 */
static void check_untouched(const struct packet *before, const struct packet *after,
			    const struct em_classification *class)
{
	size_t changed = 0, first = before->length;

	for (size_t i = 0; i < before->length; i++) {
		if (before->bytes[i] == after->bytes[i])
			continue;
		first = changed++ ? first : i;
		if (class->action.verdict != EM_PORT || i >= first + 6)
			fail_msg("byte %zu of the frame has changed", i);
	}
}

static void check(const struct em_policy *policy, const char *interface, const char *description,
		  const char *expected)
{
	struct packet before, after;
	struct em_classification class;
	char outcome[OUTCOME_MAX];

	packet_build(&before, description);
	after = before;
	em_classify(policy, interface, after.bytes, after.length, &class);
	outcome_describe(policy, &class, outcome);
	if (strcmp(outcome, expected) != 0)
		fail_msg("\"%s\" on %s: %s, expected %s", description, interface, outcome,
			 expected);
	check_untouched(&before, &after, &class);
}

static void check_rows(const char *config, const struct row *rows, size_t count)
{
	struct em_policy *policy = policy_of(config);

	for (size_t i = 0; i < count; i++)
		check(policy, "eth0", rows[i].packet, rows[i].outcome);
	em_policy_free(policy);
}

#define CHECK_ROWS(config, rows) check_rows(config, rows, sizeof(rows) / sizeof((rows)[0]))

static void test_ethernet(void **state)
{
	static const struct row rows[] = {
		{"ip4 udp hex:deadbeef", "rewritten a 6001"},
		{"ip6 udp hex:deadbeef", "rewritten a 6001"},
		{"type=0x0806 ip4 udp hex:deadbeef", "not-ours"},
		{"type=0x86dd ip4 udp hex:deadbeef", "not-ours"},
		{"type=0x0800 ip6 udp hex:deadbeef", "not-ours"},
		{"vlan=5 ip4 udp hex:deadbeef", "rewritten v 6005 @tagged"},
		{"vlan=5 ip6 udp hex:deadbeef", "rewritten v 6005 @tagged"},
		{"vlan=0xe005 ip4 udp hex:deadbeef", "rewritten v 6005 @tagged"},
		{"vlan=0x1005 ip4 udp hex:deadbeef", "rewritten v 6005 @tagged"},
		{"vlan=0x0805 ip4 udp hex:deadbeef", "not-ours"},
		{"vlan=4 ip4 udp hex:deadbeef", "not-ours"},
		{"vlan=4095 ip4 udp hex:deadbeef", "not-ours"},
		{"vlan=0 ip4 udp hex:deadbeef", "not-ours"},
		{"vlan=0xf000 ip4 udp hex:deadbeef", "not-ours"},
		{"adtag=5 ip4 udp hex:deadbeef", "not-ours"},
		{"adtag=5 vlan=5 ip4 udp hex:deadbeef", "not-ours"},
		{"vlan=5 vlan=5 ip4 udp hex:deadbeef", "not-ours"},
		{"vlan=0 vlan=5 ip4 udp hex:deadbeef", "not-ours"},
		{"vlan=5 type=0x0806 ip4 udp hex:deadbeef", "not-ours"},
	};

	(void)state;
	CHECK_ROWS(
		POLICY(LISTENER("") ", { name = \"tagged\"; vlan = 5; interfaces = [ \"eth0\" ]; "
				    "port = 5000; tag = { offset = 0; length = 4; }; entities = "
				    "( { name = \"v\"; tag = \"0xdeadbeef\"; port = 6005; } ); }"),
		rows);
}

static void test_ip4(void **state)
{
	static const struct row rows[] = {
		{"ip4 opts=4 udp hex:deadbeef", "rewritten a 6001"},
		{"ip4 opts=40 udp hex:deadbeef", "rewritten a 6001"},
		{"ip4 version=0 udp hex:deadbeef", "not-ours"},
		{"ip4 version=6 udp hex:deadbeef", "not-ours"},
		{"ip4 ihl=0 udp hex:deadbeef", "not-ours"},
		{"ip4 ihl=4 udp hex:deadbeef", "not-ours"},
		/* With our port where a UDP header would begin. */
		{"ip4 dst=192.0.19.136 ihl=4 udp hex:deadbeef", "not-ours"},
		{"ip4 ihl=9 udp hex:deadbeef", "not-ours"},
		{"ip4 total=0 udp hex:deadbeef", "not-ours"},
		{"ip4 total=19 udp hex:deadbeef", "not-ours"},
		{"ip4 total=20 udp hex:deadbeef", "rewritten a 6001"},
		{"ip4 total=27 udp hex:deadbeef", "rewritten a 6001"},
		{"ip4 total=+0 udp hex:deadbeef", "rewritten a 6001"},
		{"ip4 total=+1 udp hex:deadbeef", "not-ours"},
		{"ip4 total=+1 udp hex:deadbeef pad=47", "rewritten a 6001"},
		{"ip4 total=+2 udp hex:deadbeef pad=47", "not-ours"},
		{"ip4 total=65535 udp hex:deadbeef", "not-ours"},
		{"ip4 opts=40 total=59 udp hex:deadbeef", "not-ours"},
		{"ip4 opts=40 total=60 udp hex:deadbeef", "rewritten a 6001"},
		{"ip4 proto=6 udp hex:deadbeef", "not-ours"},
		{"ip4 proto=136 udp hex:deadbeef", "not-ours"},
		{"ip4 frag=0 mf udp hex:deadbeef", "rewritten a 6001"},
		{"ip4 frag=8 udp hex:deadbeef", "not-ours"},
		{"ip4 frag=8 mf udp hex:deadbeef", "not-ours"},
		{"ip4 frag=65528 udp hex:deadbeef", "not-ours"},
		{"ip4 frag=32768 udp hex:deadbeef", "not-ours"},
		{"ip4 udp 5000>40000 hex:deadbeef", "not-ours"},
		{"ip4 udp 40000>5001 hex:deadbeef", "not-ours"},
		{"ip4 udp 40000>5256 hex:deadbeef", "not-ours"},
		{"ip4 udp 0>5000 hex:deadbeef", "rewritten a 6001"},
	};

	(void)state;
	CHECK_ROWS(POLICY(LISTENER("")), rows);
}

static void test_ip6(void **state)
{
	static const struct row rows[] = {
		{"ip6 hbh udp hex:deadbeef", "rewritten a 6001"},
		{"ip6 rt udp hex:deadbeef", "rewritten a 6001"},
		{"ip6 dopt udp hex:deadbeef", "rewritten a 6001"},
		{"ip6 dopt=2048 udp hex:deadbeef", "rewritten a 6001"},
		{"ip6 frag=0 udp hex:deadbeef", "rewritten a 6001"},
		{"ip6 frag=0 mf udp hex:deadbeef", "rewritten a 6001"},
		{"ip6 frag=8 udp hex:deadbeef", "not-ours"},
		{"ip6 frag=65528 udp hex:deadbeef", "not-ours"},
		{"ip6 frag=0 frag=0 udp hex:deadbeef", "rewritten a 6001"},
		{"ip6 frag=0 frag=8 udp hex:deadbeef", "not-ours"},
		{"ip6 frag=8 frag=0 udp hex:deadbeef", "not-ours"},
		{"ip6 frag=8 dopt udp hex:deadbeef", "not-ours"},
		/* The byte that is the length of other headers is reserved here. */
		{"ip6 frag=0 hdrlen=255 udp hex:deadbeef", "rewritten a 6001"},
		{"ip6 hbh dopt=24 rt=16 frag=0 dopt udp hex:deadbeef", "rewritten a 6001"},
		{"ip6 dopt frag=0 rt hbh hbh udp hex:deadbeef", "rewritten a 6001"},
		{"ip6 hbh hdrlen=1 udp hex:deadbeef", "not-ours"},
		{"ip6 hbh hdrlen=255 udp hex:deadbeef", "not-ours"},
		{"ip6 ah udp hex:deadbeef", "not-ours"},
		/* Of the length that it would have as another header. */
		{"ip6 ah=8 udp hex:deadbeef", "not-ours"},
		{"ip6 dopt ah udp hex:deadbeef", "not-ours"},
		{"ip6 ext=50 udp hex:deadbeef", "not-ours"},
		{"ip6 ext=59 udp hex:deadbeef", "not-ours"},
		{"ip6 ext=135 udp hex:deadbeef", "not-ours"},
		{"ip6 proto=6 udp hex:deadbeef", "not-ours"},
		{"ip6 version=4 udp hex:deadbeef", "not-ours"},
		{"ip6 total=0 udp hex:deadbeef", "rewritten a 6001"},
		{"ip6 total=-4 udp hex:deadbeef", "rewritten a 6001"},
		{"ip6 total=+1 udp hex:deadbeef", "not-ours"},
		{"ip6 total=+1 udp hex:deadbeef pad=67", "rewritten a 6001"},
		{"ip6 total=65535 udp hex:deadbeef", "not-ours"},
		{"ip6 total=0 hbh cut=54", "not-ours"},
		{"ip6 total=0 hbh cut=55", "not-ours"},
		{"ip6 total=0 hbh cut=56", "not-ours"},
		{"ip6 total=0 rt cut=57", "not-ours"},
		{"ip6 total=0 frag=0 cut=57", "not-ours"},
		{"ip6 total=0 frag=0 cut=58", "not-ours"},
	};

	(void)state;
	CHECK_ROWS(POLICY(LISTENER("")), rows);
}

/* nf_tables takes no transport header behind the first 64 KiB. */
static void test_ip6_far_udp(void **state)
{
	struct em_policy *policy = policy_of(POLICY(LISTENER("")));
	char chain[1024] = "ip6 total=0", description[2048];

	(void)state;
	for (int i = 0; i < 31; i++)
		strcat(chain, " dopt=2048");
	snprintf(description, sizeof(description), "%s dopt=2000 udp hex:deadbeef", chain);
	check(policy, "eth0", description, "rewritten a 6001"); /* at 65528 */
	snprintf(description, sizeof(description), "%s dopt=2008 udp hex:deadbeef", chain);
	check(policy, "eth0", description, "not-ours"); /* at 65536 */
	em_policy_free(policy);
}

/* Every length to which a frame can be cut: no UDP header, no tag, all there. */
static void check_cuts(const char *packet, size_t udp)
{
	struct em_policy *policy = policy_of(
		POLICY(LISTENER("") ", { name = \"v\"; vlan = 9; interfaces = [ \"eth0\" ]; "
				    "port = 5000; tag = { offset = 0; length = 4; }; entities = "
				    "( { name = \"v\"; tag = \"0xdeadbeef\"; port = 6009; } ); }"));
	bool tagged = !strncmp(packet, "vlan=", 5);
	char description[128];

	for (size_t length = 0; length <= udp + 12; length++) {
		snprintf(description, sizeof(description), "%s cut=%zu", packet, length);
		check(policy, "eth0", description,
		      length < udp + 8 ? "not-ours"
		      : length < udp + 12
			      ? (tagged ? "invalid length drop @v" : "invalid length drop")
			      : (tagged ? "rewritten v 6009 @v" : "rewritten a 6001"));
	}
	em_policy_free(policy);
}

static void test_every_cut(void **state)
{
	(void)state;
	check_cuts("ip4 total=20 udp hex:deadbeef", 34);
	check_cuts("ip4 opts=12 total=32 udp hex:deadbeef", 46);
	check_cuts("vlan=9 ip4 total=20 udp hex:deadbeef", 38);
	check_cuts("ip6 total=0 udp hex:deadbeef", 54);
	check_cuts("ip6 total=0 hbh rt frag=0 dopt=16 udp hex:deadbeef", 94);
	check_cuts("vlan=9 ip6 total=0 frag=0 udp hex:deadbeef", 66);
}

static void test_interfaces(void **state)
{
	static const char config[] = POLICY(
		"{ name = \"l\"; interfaces = [ \"eth0\", \"eth1\" ]; port = 5000; "
		"tag = { offset = 0; length = 1; }; entities = ( { name = \"a\"; tag = \"text:a\"; "
		"port = 6001; } ); }, { name = \"m\"; interfaces = [ \"eth2\" ]; port = 5000; "
		"tag = { offset = 0; length = 1; }; entities = ( { name = \"b\"; tag = \"text:a\"; "
		"port = 6002; } ); }");
	struct em_policy *policy = policy_of(config);

	(void)state;
	check(policy, "eth0", "ip4 udp text:a", "rewritten a 6001");
	check(policy, "eth1", "ip4 udp text:a", "rewritten a 6001");
	check(policy, "eth2", "ip4 udp text:a", "rewritten b 6002 @m");
	check(policy, "eth3", "ip4 udp text:a", "not-ours");
	check(policy, "eth", "ip4 udp text:a", "not-ours");
	em_policy_free(policy);
}

static void test_addresses(void **state)
{
	static const char any[] =
		"{ name = \"any\"; interfaces = [ \"eth0\" ]; port = 5000; tag = { offset = 0; "
		"length = 1; }; entities = ( { name = \"n\"; tag = \"text:a\"; port = 6000; } ); }";
	static const char named[] =
		"{ name = \"named\"; interfaces = [ \"eth0\" ]; port = 5000; addresses = [ "
		"\"192.0.2.1\", \"2001:db8::1\" ]; tag = { offset = 0; length = 1; }; "
		"entities = ( { name = \"f\"; tag = \"text:a\"; port = 6004; } ); }";
	static const struct row any_first[] = {
		{"ip4 udp text:a", "rewritten f 6004 @named"},
		{"ip6 udp text:a", "rewritten f 6004 @named"},
		{"ip4 dst=192.0.2.2 udp text:a", "rewritten n 6000"},
		{"ip6 dst=2001:db8::2 udp text:a", "rewritten n 6000"},
		{"ip6 dst=c000:201:: udp text:a", "rewritten n 6000"},
	};
	static const struct row named_first[] = {
		{"ip4 udp text:a", "rewritten f 6004"},
		{"ip4 dst=192.0.2.2 udp text:a", "rewritten n 6000 @any"},
		{"ip4 udp text:b", "unknown pass"},
	};
	static const struct row named_only[] = {
		{"ip4 udp text:a", "rewritten f 6004"},
		{"ip4 dst=192.0.2.2 udp text:a", "not-ours"},
	};
	char config[1024];

	(void)state;
	snprintf(config, sizeof(config), POLICY("%s, %s"), any, named);
	CHECK_ROWS(config, any_first);
	snprintf(config, sizeof(config), POLICY("%s, %s"), named, any);
	CHECK_ROWS(config, named_first);
	snprintf(config, sizeof(config), POLICY("%s"), named);
	CHECK_ROWS(config, named_only);
}

static void test_sources(void **state)
{
	static const struct row rows[] = {
		{"ip4 src=192.0.2.128 udp hex:deadbeef", "rewritten a 6001"},
		{"ip4 src=192.0.2.255 udp hex:deadbeef", "rewritten a 6001"},
		{"ip4 src=192.0.2.127 udp hex:deadbeef", "invalid source drop"},
		{"ip4 src=192.0.3.0 udp hex:deadbeef", "invalid source drop"},
		{"ip6 src=2001:db8:: udp hex:deadbeef", "rewritten a 6001"},
		{"ip6 src=2001:db8:1fff:ffff:ffff:ffff:ffff:ffff udp hex:deadbeef",
		 "rewritten a 6001"},
		{"ip6 src=2001:db8:2000:: udp hex:deadbeef", "invalid source drop"},
		{"ip6 src=c000:0280:: udp hex:deadbeef", "invalid source drop"},
		/* Source comes before length, and length before anything else. */
		{"ip4 src=192.0.2.1 udp", "invalid source drop"},
		{"ip4 src=192.0.2.1 udp hex:00000000", "invalid source drop"},
	};
	static const struct row other_family[] = {
		{"ip4 udp hex:deadbeef", "rewritten a 6001"},
		{"ip6 udp hex:deadbeef", "invalid source drop"},
	};

	(void)state;
	CHECK_ROWS(POLICY(LISTENER("sources = [ \"192.0.2.128/25\", \"2001:db8::/35\" ];")), rows);
	CHECK_ROWS(POLICY(LISTENER("sources = [ \"0.0.0.0/0\" ];")), other_family);
}

static void test_length(void **state)
{
	static const struct row defaults[] = {
		{"ip4 udp", "invalid length drop"},
		{"ip4 udp hex:deadbe", "invalid length drop"},
		{"ip4 udp hex:deadbe pad=60", "invalid length drop"},
		{"ip4 udp len=0 hex:deadbeef", "invalid length drop"},
		{"ip4 udp len=7 hex:deadbeef", "invalid length drop"},
		{"ip4 udp len=8 hex:deadbeef", "invalid length drop"},
		{"ip4 udp len=11 hex:deadbeef", "invalid length drop"},
		{"ip4 udp len=12 hex:deadbeef", "rewritten a 6001"},
		{"ip4 udp len=12 hex:deadbe", "invalid length drop"},
		{"ip4 udp len=13 hex:deadbeef", "rewritten a 6001"},
		{"ip4 udp len=65515 hex:deadbeef", "rewritten a 6001"},
		{"ip4 udp len=65516 hex:deadbeef", "invalid length drop"},
		{"ip4 udp len=65535 hex:deadbeef", "invalid length drop"},
		/* Padding behind the IP packet is in the frame, if UDP says that it is payload. */
		{"ip4 udp len=12 hex:50 pad=60", "unknown pass"},
		{"ip4 total=28 udp hex:deadbeef", "rewritten a 6001"},
	};
	static const struct row bounded[] = {
		{"ip4 udp hex:deadbeef00", "invalid length drop"},
		{"ip4 udp hex:deadbeef0000", "rewritten a 6001"},
		{"ip4 udp hex:deadbeef00000000", "rewritten a 6001"},
		{"ip4 udp hex:deadbeef0000000000", "invalid length drop"},
		/* The tag has to be in the frame, the rest of the payload does not. */
		{"ip4 udp len=16 hex:deadbeef", "rewritten a 6001"},
	};
	static const struct row checked[] = {
		{"ip4 udp hex:deadbeef000000000007", "rewritten a 6001"},
		{"ip4 udp hex:deadbeef0000000000", "invalid length drop"},
		{"ip4 udp len=+1 hex:deadbeef0000000000", "invalid length drop"},
		{"ip4 udp len=-1 hex:deadbeef000000000007", "invalid length drop"},
	};
	static const struct row empty_allowed[] = {
		{"ip4 udp", "invalid length pass"},
		{"ip4 udp hex:deadbeef", "invalid length pass"},
	};

	(void)state;
	CHECK_ROWS(POLICY(LISTENER("")), defaults);
	CHECK_ROWS(POLICY(LISTENER("payload = { min = 6; max = 8; };")), bounded);
	CHECK_ROWS(POLICY(LISTENER("checks = ( { offset = 9; bytes = \"0x07\"; } );")), checked);
	CHECK_ROWS(POLICY(LISTENER("payload = { min = 5; max = 9; }; invalid = \"pass\";")),
		   empty_allowed);
}

static void test_checks_of_bytes(void **state)
{
	static const struct row rows[] = {
		{"ip4 udp hex:deadbeef4d5801", "rewritten a 6001"},
		{"ip4 udp hex:deadbeef4d58f1", "rewritten a 6001"},
		{"ip4 udp hex:deadbeef4d5802", "invalid check drop"},
		{"ip4 udp hex:deadbeef4d5901", "invalid check drop"},
		{"ip4 udp hex:deadbeef4c5801", "invalid check drop"},
		{"ip4 udp hex:000000004d5801", "unknown pass"},
		/* Checks come before the tag. */
		{"ip4 udp hex:00000000000000", "invalid check drop"},
	};

	(void)state;
	CHECK_ROWS(POLICY(LISTENER("checks = ( { offset = 4; bytes = \"0x4d58\"; }, "
				   "{ offset = 6; bytes = \"0x01\"; mask = \"0x0f\"; } );")),
		   rows);
}

static void test_checks_of_numbers(void **state)
{
	static const struct row one[] = {
		{"ip4 udp hex:deadbeef7f", "invalid check drop"},
		{"ip4 udp hex:deadbeef80", "rewritten a 6001"},
		{"ip4 udp hex:deadbeef81", "rewritten a 6001"},
		{"ip4 udp hex:deadbeef82", "invalid check drop"},
	};
	static const struct row two_little[] = {
		{"ip4 udp hex:deadbeeffe00", "invalid check drop"},
		{"ip4 udp hex:deadbeefff00", "rewritten a 6001"},
		{"ip4 udp hex:deadbeef0001", "rewritten a 6001"},
		{"ip4 udp hex:deadbeef0101", "invalid check drop"},
		{"ip4 udp hex:deadbeef00ff", "invalid check drop"},
	};
	static const struct row four[] = {
		{"ip4 udp hex:deadbeef0000ffff", "invalid check drop"},
		{"ip4 udp hex:deadbeef00010000", "rewritten a 6001"},
		{"ip4 udp hex:deadbeefffffffff", "rewritten a 6001"},
	};
	static const struct row eight[] = {
		{"ip4 udp hex:deadbeef00000000ffffffff", "rewritten a 6001"},
		{"ip4 udp hex:deadbeef8000000000000000", "rewritten a 6001"},
		{"ip4 udp hex:deadbeef00000000fffffffe", "invalid check drop"},
		{"ip4 udp hex:deadbeef8000000000000001", "invalid check drop"},
		{"ip4 udp hex:deadbeefffffffffffffffff", "invalid check drop"},
	};
	static const struct row eight_little[] = {
		{"ip4 udp hex:deadbeef0807060504030201", "rewritten a 6001"},
		{"ip4 udp hex:deadbeef0907060504030201", "rewritten a 6001"},
		{"ip4 udp hex:deadbeef0707060504030201", "invalid check drop"},
		{"ip4 udp hex:deadbeef0a07060504030201", "invalid check drop"},
		{"ip4 udp hex:deadbeef0102030405060708", "invalid check drop"},
	};

	(void)state;
	CHECK_ROWS(POLICY(LISTENER(
			   "checks = ( { offset = 4; length = 1; min = 0x80; max = 0x81; } );")),
		   one);
	CHECK_ROWS(POLICY(LISTENER("checks = ( { offset = 4; length = 2; min = 255; max = 256; "
				   "endian = \"little\"; } );")),
		   two_little);
	CHECK_ROWS(POLICY(LISTENER("checks = ( { offset = 4; length = 4; min = 0x10000; "
				   "max = 0xffffffffL; endian = \"big\"; } );")),
		   four);
	CHECK_ROWS(POLICY(LISTENER("checks = ( { offset = 4; length = 8; min = 0xffffffffL; "
				   "max = \"0x8000000000000000\"; } );")),
		   eight);
	CHECK_ROWS(
		POLICY(LISTENER("checks = ( { offset = 4; length = 8; min = 0x0102030405060708L; "
				"max = 0x0102030405060709L; endian = \"little\"; } );")),
		eight_little);
}

static void test_tags(void **state)
{
	static const char pieces[] =
		POLICY("{ name = \"l\"; interfaces = [ \"eth0\" ]; port = 5000; "
		       "tag = ( { offset = 1022; length = 2; mask = \"0xf00f\"; }, { offset = 0; "
		       "length = 1; } ); "
		       "entities = ( { name = \"a\"; tag = \"0x100261\"; port = 6001; } ); }");
	static const struct row piece_rows[] = {
		{"ip4 udp hex:61 fill:00*1021 hex:1002", "rewritten a 6001"},
		{"ip6 udp hex:61 fill:ff*1021 hex:1ff2ff", "rewritten a 6001"},
		{"ip4 udp hex:61 fill:00*1021 hex:2002", "unknown pass"},
		{"ip4 udp hex:60 fill:00*1021 hex:1002", "unknown pass"},
		{"ip4 udp hex:61 fill:00*1021 hex:10", "invalid length drop"},
	};
	static const char longest[] =
		POLICY("{ name = \"l\"; interfaces = [ \"eth0\" ]; port = 5000; "
		       "tag = { offset = 3; length = 16; }; entities = "
		       "( { name = \"a\"; tag = \"text:abcdefghijklmnop\"; port = 6001; } ); }");
	static const struct row longest_rows[] = {
		{"ip4 udp text:___abcdefghijklmnop", "rewritten a 6001"},
		{"ip4 udp text:___abcdefghijklmnoP", "unknown pass"},
		{"ip4 udp text:___Abcdefghijklmnop", "unknown pass"},
		{"ip4 udp text:___abcdefghijklmno", "invalid length drop"},
	};

	(void)state;
	CHECK_ROWS(pieces, piece_rows);
	CHECK_ROWS(longest, longest_rows);
}

/* The innermost decides, whatever the order. */
static void test_ranges(void **state)
{
	static const char nested[] =
		POLICY("{ name = \"l\"; interfaces = [ \"eth0\" ]; port = 5000; "
		       "tag = { offset = 1; length = 2; }; "
		       "entities = ( { name = \"in\"; tag = \"0x2010..0x20ff\"; port = 6001; }, "
		       "{ name = \"around\"; tag = \"0x20/8\"; port = 6002; }, "
		       "{ name = \"end\"; tag = \"0x20f0/12\"; port = \"drop\"; }, "
		       "{ name = \"one\"; tag = \"0x2015\"; port = \"pass\"; }, "
		       "{ name = \"b\"; tag = \"prefix:text:b\"; port = 6004; } ); }");
	static const struct row rows[] = {
		{"ip4 udp hex:001fff", "unknown pass"},
		{"ip4 udp hex:002000", "rewritten around 6002"},
		{"ip6 udp hex:00200f", "rewritten around 6002"},
		{"ip4 udp hex:002010", "rewritten in 6001"},
		{"ip4 udp hex:002015", "passed one"},
		{"ip4 udp hex:002016", "rewritten in 6001"},
		{"ip4 udp hex:0020ef", "rewritten in 6001"},
		{"ip4 udp hex:0020f0", "dropped end"},
		{"ip4 udp hex:0020ff", "dropped end"},
		{"ip4 udp hex:002100", "unknown pass"},
		{"ip4 udp hex:0061ff", "unknown pass"},
		{"ip4 udp hex:006200", "rewritten b 6004"},
		{"ip6 udp hex:0062ff", "rewritten b 6004"},
		{"ip4 udp hex:006300", "unknown pass"},
	};
	static const char masked[] = POLICY(
		"{ name = \"l\"; interfaces = [ \"eth0\" ]; port = 5000; "
		"tag = ( { offset = 2; length = 1; mask = \"0x0f\"; }, { offset = 0; length = "
		"1; } ); entities = ( { name = \"a\"; tag = \"0x0180..0x0310\"; port = 6001; "
		"} ); }");
	static const struct row masked_rows[] = {
		{"ip4 udp hex:800091", "rewritten a 6001"},
		{"ip4 udp hex:7f00f1", "unknown pass"},
		{"ip4 udp hex:000002", "rewritten a 6001"},
		{"ip4 udp hex:1000a3", "rewritten a 6001"},
		{"ip4 udp hex:110003", "unknown pass"},
		{"ip4 udp hex:800004", "unknown pass"},
	};

	(void)state;
	CHECK_ROWS(nested, rows);
	CHECK_ROWS(masked, masked_rows);
}

static void test_actions(void **state)
{
	static const struct row pass[] = {{"ip4 udp text:none", "unknown pass"}};
	static const struct row drop[] = {{"ip4 udp text:none", "unknown drop"},
					  {"ip4 udp", "invalid length pass"}};
	static const struct row port[] = {{"ip4 udp text:none", "unknown 7000"},
					  {"ip4 udp", "invalid length drop"}};
	static const struct row sink[] = {{"ip4 udp", "invalid length 7001"},
					  {"ip6 udp sum=0", "invalid length 7001"}};
	static const struct row once[] = {{"ip4 udp 1>5000 text:PLTB", "rewritten b 6002"},
					  {"ip4 udp 1>5000 text:none", "unknown 6002"},
					  {"ip4 udp 1>6002 text:PLTB", "rewritten x 5000 @m"}};

	(void)state;
	CHECK_ROWS(POLICY(LISTENER("")), pass);
	CHECK_ROWS(POLICY(LISTENER("unknown = \"drop\"; invalid = \"pass\";")), drop);
	CHECK_ROWS(POLICY(LISTENER("unknown = 7000;")), port);
	CHECK_ROWS(POLICY(LISTENER("invalid = 7001;")), sink);
	CHECK_ROWS(
		POLICY(LISTENER("unknown = 6002;") ", { name = \"m\"; interfaces = [ \"eth0\" ]; "
						   "port = 6002; tag = { offset = 0; length = 4; "
						   "}; entities = "
						   "( { name = \"x\"; tag = \"text:PLTB\"; port = "
						   "5000; } ); }"),
		once);
}

/* From the IP header to the end of the frame, padding included and VLAN tag not. */
static void test_bytes(void **state)
{
	static const struct {
		const char *packet;
		uint32_t bytes;
	} rows[] = {
		{"ip4 udp hex:deadbeef", 32},
		{"ip4 udp hex:deadbeef pad=60", 46},
		{"ip4 udp", 28}, /* invalid */
		{"ip4 udp text:none", 32},
		{"ip6 hbh udp hex:deadbeef", 60},
		{"vlan=5 ip4 udp hex:deadbeef", 32},
		{"vlan=6 ip4 udp hex:deadbeef", 0}, /* not ours */
	};
	struct em_policy *policies[2] = {policy_of(POLICY(LISTENER(""))),
					 policy_of(POLICY(LISTENER("vlan = 5;")))};
	struct packet frame;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct em_classification class;

		packet_build(&frame, rows[i].packet);
		em_classify(policies[!strncmp(rows[i].packet, "vlan", 4)], "eth0", frame.bytes,
			    frame.length, &class);
		assert_int_equal(class.bytes, rows[i].bytes);
		assert_int_equal(class.listener != NULL, rows[i].bytes != 0);
	}
	em_policy_free(policies[0]);
	em_policy_free(policies[1]);
}

/* The sum of RFC 768 over an IPv4 or IPv6 frame without options, modulo 65535; UDP at 34 or 54. */
static uint32_t udp_sum(const struct packet *frame)
{
	bool ip6 = frame->bytes[12] == 0x86;
	size_t addresses = ip6 ? 22 : 26, udp = ip6 ? 54 : 34;
	uint32_t sum = 17 + (uint32_t)(frame->length - udp);

	for (size_t i = addresses; i < frame->length; i++)
		sum += i % 2 ? frame->bytes[i] : frame->bytes[i] << 8;
	return sum % 65535;
}

static uint16_t checksum_of(const struct packet *frame)
{
	const uint8_t *field = frame->bytes + (frame->bytes[12] == 0x86 ? 60 : 40);

	return (uint16_t)(field[0] << 8 | field[1]);
}

/* Sums to 0 modulo 65535 where the checksum is right; whatever it was, that is how it stays. */
static void check_checksum(const struct em_policy *policy, const char *description, bool right)
{
	struct packet before, after;
	struct em_classification class;

	packet_build(&before, description);
	after = before;
	em_classify(policy, "eth0", after.bytes, after.length, &class);
	assert_int_equal(class.action.verdict, EM_PORT);
	if (checksum_of(&before) == 0) {
		assert_int_equal(checksum_of(&after), 0);
		return;
	}
	assert_int_not_equal(checksum_of(&after), 0);
	assert_int_equal(udp_sum(&before) == 0, right);
	if (udp_sum(&before) != udp_sum(&after))
		fail_msg("\"%s\": the sum was %u and is now %u", description, udp_sum(&before),
			 udp_sum(&after));
}

static void test_checksum(void **state)
{
	struct em_policy *policy = policy_of(POLICY(LISTENER("unknown = 65535;")));
	struct packet frame;
	struct em_classification class;
	char description[128];

	(void)state;
	for (unsigned int port = 0; port < 65536; port += 13) {
		for (int family = 4; family <= 6; family += 2) {
			snprintf(description, sizeof(description), "ip%d udp %u>5000 %s fill:a5*%u",
				 family, port, port % 3 ? "hex:deadbeef" : "text:none", port % 8);
			check_checksum(policy, description, true);
		}
	}
	for (int family = 4; family <= 6; family += 2) {
		snprintf(description, sizeof(description), "ip%d udp sum=zero:6001 hex:deadbeef",
			 family);
		check_checksum(policy, description, true);
		packet_build(&frame, description);
		em_classify(policy, "eth0", frame.bytes, frame.length, &class);
		assert_int_equal(checksum_of(&frame), 0xffff);
		snprintf(description, sizeof(description), "ip%d udp sum=bad hex:deadbeef", family);
		check_checksum(policy, description, false);
	}
	em_policy_free(policy);
}

/* Every checksum there can be, right or wrong, to a higher, a lower, the same and the last port. */
static void test_checksum_exhaustively(void **state)
{
	static const char *const tags[] = {"low", "same", "high", "last"};
	struct em_policy *policy =
		policy_of(POLICY("{ name = \"l\"; interfaces = [ \"eth0\" ]; port = 5000; "
				 "tag = { offset = 0; length = 4; }; unknown = 65535; "
				 "entities = ( { tag = \"text:low_\"; port = 1; }, { tag = "
				 "\"text:same\"; port = 5000; }, "
				 "{ tag = \"text:high\"; port = 5001; }, { tag = \"text:last\"; "
				 "port = 65535; } ); }"));
	struct packet before, after;
	struct em_classification class;
	char description[64];

	(void)state;
	for (size_t tag = 0; tag < sizeof(tags) / sizeof(tags[0]); tag++) {
		snprintf(description, sizeof(description), "ip4 udp text:%s_", tags[tag]);
		packet_build(&before, description);
		after.length = before.length;
		for (unsigned int sum = 0; sum < 65536; sum++) {
			before.bytes[40] = sum >> 8;
			before.bytes[41] = sum & 0xff;
			memcpy(after.bytes, before.bytes, before.length);
			em_classify(policy, "eth0", after.bytes, after.length, &class);
			assert_int_equal(checksum_of(&after) == 0, sum == 0);
			assert_true(sum == 0 || udp_sum(&before) == udp_sum(&after));
		}
	}
	em_policy_free(policy);
}

/* Two headers and then UDP, on kernels that walk fewer, as many, and more. */
static void test_depth(void **state)
{
	static const enum em_result results[] = {EM_NOT_OURS, EM_NOT_OURS, EM_REWRITTEN,
						 EM_REWRITTEN};
	struct em_policy *policy = policy_of(POLICY(LISTENER("")));
	struct em_classification class;
	struct packet frame;

	(void)state;
	for (unsigned int ipv6_header_limit = 0;
	     ipv6_header_limit < sizeof(results) / sizeof(results[0]); ipv6_header_limit++) {
		packet_build(&frame, "ip6 hbh frag=0 mf udp hex:deadbeef");
		em_classify_with_limit(policy, "eth0", frame.bytes, frame.length, ipv6_header_limit,
				       &class);
		assert_int_equal(class.result, results[ipv6_header_limit]);
	}
	packet_build(&frame, "ip6 udp hex:deadbeef");
	em_classify_with_limit(policy, "eth0", frame.bytes, frame.length, 0, &class);
	assert_int_equal(class.result, EM_REWRITTEN);
	em_policy_free(policy);
}

static void test_result_names(void **state)
{
	(void)state;
	assert_string_equal(em_result_name(EM_NOT_OURS), "not-ours");
	assert_string_equal(em_result_name(EM_REWRITTEN), "rewritten");
	assert_string_equal(em_result_name(EM_PASSED), "passed");
	assert_string_equal(em_result_name(EM_DROPPED), "dropped");
	assert_string_equal(em_result_name(EM_UNKNOWN), "unknown");
	assert_string_equal(em_result_name(EM_INVALID), "invalid");
}

/* Which ports get a copy, as text. */
static void check_copies(const struct em_policy *policy, const char *description,
			 const char *expected)
{
	struct em_classification class;
	struct packet packet;
	char text[64] = "";

	packet_build(&packet, description);
	em_classify(policy, "eth0", packet.bytes, packet.length, &class);
	for (size_t i = 0; i < class.n_copies; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%u", i ? " " : "",
			 class.copies[i]);
	assert_string_equal(text, expected);
}

static void test_copies(void **state)
{
	struct em_policy *policy = policy_of(
		"listeners = ( { name = \"l\"; interfaces = [ \"eth0\" ]; port = 5000; "
		"sources = [ \"192.0.2.0/24\", \"2001:db8::/32\" ]; payload = { max = 4; };"
		"tag = { offset = 0; length = 4; }; copies = [ 7001 ]; unknown_copies = [ 7002, "
		"7003 ];"
		"entities = ( { tag = \"0xdeadbeef\"; port = 6001; },"
		"{ tag = \"0x00000001\"; port = \"drop\"; copies = [ 7004, 7002 ]; },"
		"{ tag = \"0x00000100/24\"; port = \"pass\"; copies = [ 7005 ]; } ); } );");

	(void)state;
	check_copies(policy, "ip4 udp hex:deadbeef", "7001");
	check_copies(policy, "ip6 udp hex:00000001", "7001 7004 7002");
	check_copies(policy, "ip4 udp hex:000001ff", "7001 7005");
	check_copies(policy, "ip4 udp hex:00000009", "7001 7002 7003");
	/* Invalid, fragments, and what is not ours. */
	check_copies(policy, "ip4 udp hex:deadbeef00", "");
	check_copies(policy, "ip4 frag=0 mf udp hex:deadbeef", "");
	check_copies(policy, "ip4 frag=0 udp hex:deadbeef", "7001");
	check_copies(policy, "ip6 frag=0 mf udp hex:deadbeef", "");
	check_copies(policy, "ip6 frag=0 mf dopt udp hex:00000009", "");
	check_copies(policy, "ip6 frag=0 dopt udp hex:deadbeef", "7001");
	check_copies(policy, "ip4 udp 40000>5001 hex:deadbeef", "");
	em_policy_free(policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_ethernet),
		cmocka_unit_test(test_ip4),
		cmocka_unit_test(test_ip6),
		cmocka_unit_test(test_ip6_far_udp),
		cmocka_unit_test(test_every_cut),
		cmocka_unit_test(test_interfaces),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_sources),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_checks_of_bytes),
		cmocka_unit_test(test_checks_of_numbers),
		cmocka_unit_test(test_tags),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_checksum),
		cmocka_unit_test(test_checksum_exhaustively),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_result_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
