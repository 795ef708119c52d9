/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * Every key of a configuration at its limits and every mistake with its whole message; entities
 * files; numbers as they are written; the writer and back.
 */
#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/config.h"
#include "config/entities.h"

/* The file is t.conf; `expected` are its messages, each line without "entitymux: ". */
struct sample {
	const char *text;
	const char *expected; /* NULL: none, and it is accepted */
};

/* A listener from its keys, which begin in line 2; and one that lacks nothing, its keys in line 3.
 */
#define CONF(keys) "listeners = ( {\n" keys "\n} );\n"
#define NAME	   "name = \"a\"; "
#define ON	   "interfaces = [ \"eth0\" ]; "
#define PORT	   "port = 5000; "
#define TAG	   "tag = { offset = 0; length = 4; }; "
#define NONE	   "entities = (); "
#define WITH(keys) CONF(NAME ON PORT TAG NONE "\n" keys)
#define CHECK(x)   WITH("checks = ( { " x " } );")
#define ENTITY(x)  CONF(NAME ON PORT TAG "\nentities = ( { " x " } );")

#define C8   "abcdefgh"
#define C32  C8 C8 C8 C8
#define C64  C32 C32
#define H16  "00112233445566778899aabbccddeeff"
#define H256 H16 H16 H16 H16 H16 H16 H16 H16 H16 H16 H16 H16 H16 H16 H16 H16

#define LISTENER_KEYS                                                                              \
	"name, interfaces, port, vlan, addresses, sources, payload, checks, tag, entities, "       \
	"entities_file, unknown, formats, invalid, copies, unknown_copies, missing, replies, "     \
	"flows, flow_timeout"
#define BACKENDS   "expected \"auto\", \"xdp\", \"xdp-generic\", \"tc\" or \"nft\""
#define LISTENERS  "a list of 1-256 listeners, ( { name = …; … } )"
#define INTERFACES "expected an array of names, e.g. [ \"eth0\" ]"
#define BYTES16	   "abcdefghijklmnop"
#define BYTES80	   BYTES16 BYTES16 BYTES16 BYTES16 BYTES16
#define BYTES127   BYTES80 BYTES16 BYTES16 "abcdefghijklmno"
#define INTERFACE  "expected the name of an interface, 1-127 bytes without blanks and / : \" \\ *\n"
#define KIND	   "expected either bytes, or length with values, or with min, max or both\n"
#define BYTES	   "expected bytes as \"0x…\", \"aa:bb:…\" or \"text:…\""
#define WHOLE	   "expected a whole number, decimal or hex, without a sign\n"
#define COPIES	   "expected an array of 1-4 ports, e.g. [ 7001 ]"
#define ACTION	   "expected \"pass\", \"drop\" or a port 1-65535"

static const struct sample top_samples[] = {
	{WITH(""), NULL},
	{"", "t.conf: listeners: missing, expected " LISTENERS "\n"},
	{"backend = \"auto\";" WITH(""), NULL},
	{"backend = \"xdp\";" WITH(""), NULL},
	{"backend = \"xdp-generic\";" WITH(""), NULL},
	{"backend = \"tc\";" WITH(""), NULL},
	{"backend = \"nft\";" WITH(""), NULL},
	{"backend = \"ebpf\";" WITH(""), "t.conf:1: backend: \"ebpf\": " BACKENDS "\n"},
	{"backend = \"nftables\";" WITH(""),
	 "t.conf:1: backend: \"nftables\": " BACKENDS "; did you mean \"nft\"?\n"},
	{"backend = 1;" WITH(""), "t.conf:1: backend: expected \"auto\", \"xdp\", \"xdp-generic\", "
				  "\"tc\" or \"nft\", found a whole number\n"},
	{"backends = \"tc\";" WITH(""),
	 "t.conf:1: backends: unknown key; did you mean \"backend\"?\n"},
	{"colour = 1;" WITH(""),
	 "t.conf:1: colour: unknown key, expected one of backend, listeners\n"},
	{"listeners = ();", "t.conf:1: listeners: 0 elements, expected 1-256\n"},
	{"listeners = {};", "t.conf:1: listeners: expected " LISTENERS ", found a group { … }\n"},
	{"listeners = ( 1, [ 1 ] );",
	 "t.conf:1: listeners[0]: expected a group { name = …; … }, found a whole number\n"
	 "t.conf:1: listeners[1]: expected a group { name = …; … }, found an array [ … ]\n"},
	{"\nlisteners = (\n{ name = \"b\";\n} );",
	 "t.conf:3: listener \"b\": interfaces: missing, " INTERFACES "\n"
	 "t.conf:3: listener \"b\": port: missing, expected 1-65535\n"
	 "t.conf:3: listener \"b\": tag: missing, expected a group { offset = …; length = …; } or "
	 "a list of 1-4 of these\n"
	 "t.conf:3: listener \"b\": entities: missing, expected entities, entities_file or both\n"},
	{"listeners = (\n{ " ON PORT TAG NONE "} );",
	 "t.conf:2: listeners[0].name: missing, expected 1-32 of A-Z a-z 0-9 . _ -\n"},
	{WITH("colour = 1;"), "t.conf:3: colour: unknown key, expected one of " LISTENER_KEYS "\n"},
	/* A misspelt key is one mistake, and is read for its own all the same. */
	{CONF(NAME ON "prot = 70000; " TAG NONE),
	 "t.conf:2: prot: unknown key; did you mean \"port\"?\n"
	 "t.conf:2: prot: 70000 is out of range, expected 1-65535\n"},
	{CONF(NAME ON PORT TAG "Entites = ();"),
	 "t.conf:2: Entites: unknown key; did you mean \"entities\"?\n"},
	{"\nbackend = \"tc\";\nbackend = \"xdp\";" WITH(""),
	 "t.conf:3: backend: is there already (line 2)\n"},
	{CONF(NAME ON PORT TAG NONE "\nport = 7; colour = 1;"),
	 "t.conf:3: port: is there already (line 2)\n"
	 "t.conf:3: colour: unknown key, expected one of " LISTENER_KEYS "\n"},
	{"backend = \"t\\x00c\";" WITH(""),
	 "t.conf:1: \\x00 in a string, expected bytes without NUL (\"0x…\" can say it)\n"},
};

#define UNTIL(end) "expected \"" end "\" for what begins in line 1, "
#define THE_END	   ", found the end of the file\n"
#define ESCAPE                                                                                     \
	"t.conf:1: \\ in a string, expected \\\\ for the character itself, or one of \\\" \\n "    \
	"\\r \\t "                                                                                 \
	"\\f \\xNN\n"
#define STRAIGHT "; a string is in straight double quotes, \"…\"\n"
#define UNQUOTED "; a string is in double quotes, a boolean is true or false\n"
#define YAML	 "; this looks like YAML, a list is ( { name = value; … }, … )\n"
#define JSON                                                                                       \
	"; this looks like JSON, a setting is name = value; without quotes and without braces "    \
	"around the file\n"

static const struct sample syntax_samples[] = {
	/* All that is no mistake, with every version of libconfig or some. */
	{"#\r\nbackend: \"tc\"\r\n" WITH(""), NULL},
	{"\xef\xbb\xbf" WITH(""), NULL},
	{WITH("vlan : 5, unknown = 0X5LL replies = false") "# x", NULL},
	{WITH("replies = TRUE;") "// x", NULL},
	{CONF(NAME ON PORT TAG "entities = ( { tag = \"0x0102\"\n/**/\"0304\", port = 5, }, )"),
	 NULL},
	{CONF(NAME PORT TAG NONE "interfaces = [ \"a\", \"b\", ]"), NULL},
	{CONF("name = \"\\x61\"; " ON PORT TAG
	      "entities = ({ tag = \"text:\\t\\f\\n\\\"\"; port = 1; });"),
	 NULL},
	/* What was found, and what was expected. */
	{"backend = ;", "t.conf:1: expected the value of backend, found ;\n"},
	{"\nbackend", "t.conf:2: expected \"=\" after backend" THE_END},
	{"backend\n=\n", "t.conf:2: expected the value of backend" THE_END},
	{"backend = \"tc\";;", "t.conf:1: expected a key, found ;\n"},
	{"a b = 1;", "t.conf:1: expected \"=\" after a, found b\n"},
	{"a = 1_b = 5;", "t.conf:1: expected \";\" after the value of a, found =\n"},
	{"a = ( 1 2 );", "t.conf:1: expected \",\" or \")\" after an element, found 2\n"},
	{"a = [\n1\n};", "t.conf:3: expected \",\" or \"]\" after an element, found }\n"},
	{"a = {\n) };", "t.conf:2: expected a key or \"}\", found )\n"},
	{"a = (\n1,\n", "t.conf:2: " UNTIL(")") "a" THE_END},
	{"( 1", "t.conf:1: expected a key, found (\n"},
	{"a = ( {\nb = 1;\n", "t.conf:2: expected \"}\" for what begins in line 1" THE_END},
	{WITH("") "\n/* x", "t.conf:6: a comment begins here and is never closed, expected */\n"},
	{"\na = \"x;\nb = \"y\";", "t.conf:2: a string begins in this line and does not end in it, "
				   "expected \"\n"},
	{"a = \"x", "t.conf:1: a string begins in this line and does not end in it, expected \"\n"},
	{"a = \"\\d\";", ESCAPE},
	{"a = \"\\x4\";", ESCAPE},
	/* Other formats, and other quotes. */
	{"a = \u201cx\u201d;", "t.conf:1: expected the value of a, found \u201c (U+201C)" STRAIGHT},
	{"a = 'x';", "t.conf:1: expected the value of a, found '" STRAIGHT},
	{"a =\u00a05;", "t.conf:1: expected the value of a, found \u00a0 (U+00A0)\n"},
	{"{ \"backend\": \"nft\" }", "t.conf:1: expected a key, found {" JSON},
	{"\"backend\": \"nft\"", "t.conf:1: expected a key, found the string \"backend\"" JSON},
	{"listeners:\n- name: x", "t.conf:2: expected the value of listeners, found -" YAML},
	{"---\nbackend: nft", "t.conf:1: expected a key, found -" YAML},
	{"[main]",
	 "t.conf:1: expected a key, found [; this looks like an INI file, a setting is name = "
	 "value;\n"},
	{"backend = nft;", "t.conf:1: expected the value of backend, found nft" UNQUOTED},
	{"a = [ 10.0.0.1 ];", "t.conf:1: expected a value, found 10.0.0.1" UNQUOTED},
	/* Included files. */
	{"\n@include \"nothing\"\n", "t.conf:2: @include \"nothing\": No such file or directory\n"},
	{"@include \"/\"\n", "t.conf:1: @include \"/\": Is a directory\n"},
	{"@include \"/dev/zero\"\n", "t.conf:1: @include \"/dev/zero\": not a regular file\n"},
	{"@include x\n", "t.conf:1: @include: expected the path of a file, in quotes\n"},
	{"@include \"t.conf\"\n",
	 "t.conf:1: @include \"t.conf\": files that include each other 10 deep, "
	 "expected fewer\n"},
};

static const struct sample listener_samples[] = {
	/* name */
	{CONF("name = \"" C32 "\";" ON PORT TAG NONE), NULL},
	{CONF("name = \"aZ0._-\";" ON PORT TAG NONE), NULL},
	{CONF("name = \"" C32 "i\";" ON PORT TAG NONE),
	 "t.conf:2: name: \"" C32 "i\": expected 1-32 of A-Z a-z 0-9 . _ -\n"},
	{CONF("name = \"\";" ON PORT TAG NONE),
	 "t.conf:2: name: \"\": expected 1-32 of A-Z a-z 0-9 . _ -\n"},
	{CONF("name = \"a b\";" ON PORT TAG NONE),
	 "t.conf:2: name: \"a b\": expected 1-32 of A-Z a-z 0-9 . _ -\n"},
	{CONF("name = [ \"a\" ];" ON PORT TAG NONE),
	 "t.conf:2: name: expected a string, found an array [ … ]\n"},
	/* interfaces */
	{CONF(NAME PORT TAG NONE "interfaces = [ \"a\", \"abcdefghijklmno\" ];"), NULL},
	{CONF(NAME PORT TAG NONE "interfaces = ( \"a\", \"b\" );"), NULL},
	{CONF(NAME PORT TAG NONE "interfaces = \"eth0\";"),
	 "t.conf:2: interfaces: " INTERFACES ", found a string\n"},
	{CONF(NAME PORT TAG NONE "interfaces = [ ];"),
	 "t.conf:2: interfaces: empty, " INTERFACES "\n"},
	{CONF(NAME PORT TAG NONE "interfaces = [ 1 ];"),
	 "t.conf:2: interfaces[0]: expected a string, found a whole number\n"},
	{CONF(NAME PORT TAG NONE "interfaces = [ \"" BYTES127 "\" ];"), NULL},
	{CONF(NAME PORT TAG NONE "interfaces = [ \"\",\n\"" BYTES127 "p\" ];"),
	 "t.conf:2: interfaces[0]: \"\": " INTERFACE "t.conf:3: interfaces[1]: \"" BYTES80
	 "\": " INTERFACE},
	{CONF(NAME PORT TAG NONE "interfaces = [ \"a/b\", \"a b\", \"a:1\", \".\", \"..\" ];"),
	 "t.conf:2: interfaces[0]: \"a/b\": " INTERFACE
	 "t.conf:2: interfaces[1]: \"a b\": " INTERFACE
	 "t.conf:2: interfaces[2]: \"a:1\": " INTERFACE "t.conf:2: interfaces[3]: \".\": " INTERFACE
	 "t.conf:2: interfaces[4]: \"..\": " INTERFACE},
	{CONF(NAME PORT TAG NONE "interfaces = [ \"a*\", \"a\\\\\", \"a\\\"\" ];"),
	 "t.conf:2: interfaces[0]: \"a*\": " INTERFACE
	 "t.conf:2: interfaces[1]: \"a\\\": " INTERFACE
	 "t.conf:2: interfaces[2]: \"a\"\": " INTERFACE},
	{CONF(NAME PORT TAG NONE "interfaces = [ \"a\\x1bb\" ];"),
	 "t.conf:2: interfaces[0]: \"a\\x1bb\": " INTERFACE},
	{CONF(NAME PORT TAG NONE "interfaces = [ \"a\", \"b\", \"a\" ];"),
	 "t.conf:2: interfaces[2]: \"a\" is there already, expected each interface once\n"},
	/* port */
	{CONF(NAME ON TAG NONE "port = 1;"), NULL},
	{CONF(NAME ON TAG NONE "port = 65535;"), NULL},
	{CONF(NAME ON TAG NONE "port = 0xffff;"), NULL},
	{CONF(NAME ON TAG NONE "port = 65535L;"), NULL},
	{CONF(NAME ON TAG NONE "port = 0;"),
	 "t.conf:2: port: 0 is out of range, expected 1-65535\n"},
	{CONF(NAME ON TAG NONE "\nport = 65536;"),
	 "t.conf:3: port: 65536 is out of range, expected 1-65535\n"},
	{CONF(NAME ON TAG NONE "port = 0x10000L;"),
	 "t.conf:2: port: 0x10000L is out of range, expected 1-65535\n"},
	{CONF(NAME ON TAG NONE "port = 4294967297;"),
	 "t.conf:2: port: 4294967297 is out of range, expected 1-65535\n"},
	{CONF(NAME ON TAG NONE "port = 0x100000001;"),
	 "t.conf:2: port: 0x100000001 is out of range, expected 1-65535\n"},
	{CONF(NAME ON TAG NONE "port = 18446744073709551617L;"),
	 "t.conf:2: port: 18446744073709551617L is out of range, expected 1-65535\n"},
	{CONF(NAME ON TAG NONE "port = -5;"), "t.conf:2: port: -5: " WHOLE},
	{CONF(NAME ON TAG NONE "port = +5;"), "t.conf:2: port: +5: " WHOLE},
	{CONF(NAME ON TAG NONE "port = 5.0;"),
	 "t.conf:2: port: expected a whole number, found a number with a fraction\n"},
	{CONF(NAME ON TAG NONE "port = 5e3;"),
	 "t.conf:2: port: expected a whole number, found a number with a fraction\n"},
	{CONF(NAME ON TAG NONE "port = \"5\";"),
	 "t.conf:2: port: expected a whole number, found a string\n"},
	{CONF(NAME ON TAG NONE "port = true;"),
	 "t.conf:2: port: expected a whole number, found true or false\n"},
	{CONF(NAME ON TAG NONE "port = ( 5 );"),
	 "t.conf:2: port: expected a whole number, found a list ( … )\n"},
	{CONF(NAME ON TAG "port = 5vlan;" NONE), "t.conf:2: port: 5vlan: " WHOLE},
	/* vlan */
	{WITH("vlan = 1;"), NULL},
	{WITH("vlan = 4094;"), NULL},
	{WITH("vlan = 0;"), "t.conf:3: vlan: 0 is out of range, expected 1-4094\n"},
	{WITH("vlan = 4095;"), "t.conf:3: vlan: 4095 is out of range, expected 1-4094\n"},
	/* addresses */
	{WITH("addresses = [ \"192.0.2.1\", \"2001:db8::1\", \"::ffff:192.0.2.1\" ];"), NULL},
	{WITH("addresses = ( \"192.0.2.1\" );"), NULL},
	{WITH("addresses = [];"), "t.conf:3: addresses: empty, expected an array of addresses, "
				  "e.g. [ \"192.0.2.1\", \"2001:db8::1\" ]\n"},
	{WITH("addresses = \"::1\";"), "t.conf:3: addresses: expected an array of addresses, "
				       "e.g. [ \"192.0.2.1\", \"2001:db8::1\" ], found a string\n"},
	{WITH("addresses = [ 1 ];"),
	 "t.conf:3: addresses[0]: expected a string, found a whole number\n"},
	{WITH("addresses = [ \"10.0.0.300\", \"fe80::1%eth0\" ];"),
	 "t.conf:3: addresses[0]: \"10.0.0.300\": expected an IPv4 or IPv6 address\n"
	 "t.conf:3: addresses[1]: \"fe80::1%eth0\": expected an IPv4 or IPv6 address\n"},
	{WITH("addresses = [ \"10.0.0.0/8\" ];"),
	 "t.conf:3: addresses[0]: \"10.0.0.0/8\": expected an address without a prefix length\n"},
	{WITH("addresses = [ \"::1\", \"::2\", \"0::1\" ];"),
	 "t.conf:3: addresses[2]: \"0::1\" is there already, expected each address once\n"},
	/* sources */
	{WITH("sources = [ \"0.0.0.0/0\", \"::/0\", \"10.1.2.3/32\", \"10.1.2.3\", \"::1/128\" ];"),
	 NULL},
	{WITH("sources = [ \"10.0.0.0/8\", \"10.1.0.0/16\", \"10.0.0.0/8\" ];"), NULL},
	{WITH("sources = [];"), "t.conf:3: sources: empty, expected an array of prefixes, "
				"e.g. [ \"192.0.2.0/24\", \"2001:db8::/32\" ]\n"},
	{WITH("sources = 1;"), "t.conf:3: sources: expected an array of prefixes, e.g. "
			       "[ \"192.0.2.0/24\", \"2001:db8::/32\" ], found a whole number\n"},
	{WITH("sources = [ \"10.1.2.3/8\", \"2001:db8::1/33\" ];"),
	 "t.conf:3: sources[0]: \"10.1.2.3/8\" has bits set beyond the prefix, "
	 "expected \"10.0.0.0/8\"\n"
	 "t.conf:3: sources[1]: \"2001:db8::1/33\" has bits set beyond the prefix, "
	 "expected \"2001:db8::/33\"\n"},
	{WITH("sources = [ \"10.0.0.0/33\", \"::/129\", \"::/\", \"::/-1\", \"x/8\" ];"),
	 "t.conf:3: sources[0]: \"10.0.0.0/33\": expected an IPv4 or IPv6 prefix, "
	 "e.g. \"192.0.2.0/24\"\n"
	 "t.conf:3: sources[1]: \"::/129\": expected an IPv4 or IPv6 prefix, "
	 "e.g. \"192.0.2.0/24\"\n"
	 "t.conf:3: sources[2]: \"::/\": expected an IPv4 or IPv6 prefix, "
	 "e.g. \"192.0.2.0/24\"\n"
	 "t.conf:3: sources[3]: \"::/-1\": expected an IPv4 or IPv6 prefix, "
	 "e.g. \"192.0.2.0/24\"\n"
	 "t.conf:3: sources[4]: \"x/8\": expected an IPv4 or IPv6 prefix, "
	 "e.g. \"192.0.2.0/24\"\n"},
	/* unknown, invalid, replies, flows, flow_timeout */
	{WITH("unknown = \"pass\";"), NULL},
	{WITH("unknown = \"drop\";"), NULL},
	{WITH("unknown = 1;"), NULL},
	{WITH("unknown = 65535;"), NULL},
	{WITH("unknown = 0;"), "t.conf:3: unknown: 0 is out of range, " ACTION "\n"},
	{WITH("unknown = 65536;"), "t.conf:3: unknown: 65536 is out of range, " ACTION "\n"},
	{WITH("unknown = \"pas\";"),
	 "t.conf:3: unknown: \"pas\": " ACTION "; did you mean \"pass\"?\n"},
	{WITH("unknown = true;"), "t.conf:3: unknown: " ACTION ", found true or false\n"},
	{WITH("invalid = \"drop\";"), NULL},
	{WITH("invalid = \"pass\";"), NULL},
	{WITH("invalid = \"reject\";"), "t.conf:3: invalid: \"reject\": " ACTION "\n"},
	{WITH("invalid = 5;"), NULL},
	{WITH("invalid = 0;"), "t.conf:3: invalid: 0 is out of range, " ACTION "\n"},
	{WITH("missing = \"error\";"), NULL},
	{WITH("missing = \"wait\";"), NULL},
	{WITH("missing = \"skip\";"),
	 "t.conf:3: missing: \"skip\": expected \"error\" or \"wait\"\n"},
	/* copies, unknown_copies */
	{WITH("copies = [ 1 ]; unknown_copies = ( 2, 3, 4, 65535 );"), NULL},
	{WITH("copies = [ ];"), "t.conf:3: copies: empty, " COPIES "\n"},
	{WITH("copies = 7001;"), "t.conf:3: copies: " COPIES ", found a whole number\n"},
	{WITH("copies = [ 1, 2, 3, 4, 6 ];"), "t.conf:3: copies: 5 elements, expected 1-4\n"},
	{WITH("copies = [ 0, 65536 ];"),
	 "t.conf:3: copies[0]: 0 is out of range, expected 1-65535\n"
	 "t.conf:3: copies[1]: 65536 is out of range, expected 1-65535\n"},
	{WITH("copies = [ \"pass\" ];"),
	 "t.conf:3: copies[0]: expected a whole number, found a string\n"},
	{WITH("copies = [ 1, 2, 1 ];"),
	 "t.conf:3: copies[2]: 1 is there already, expected another port\n"},
	{WITH("copies = [ 1 ];\nunknown_copies = [ 2, 1 ];"),
	 "t.conf:4: listener \"a\": unknown_copies: 1 is in copies of the listener already, "
	 "expected "
	 "another port\n"},
	{WITH("copies = [ 1 ];\nunknown_copies = [ 5000 ];"),
	 "t.conf:4: listener \"a\": unknown_copies: 5000 is the port of listener \"a\" on eth0 "
	 "(line "
	 "1), expected a port of no listener\n"},
	{WITH("unknown = 7;\nunknown_copies = [ 7 ];"),
	 "t.conf:4: listener \"a\": unknown: 7 is one of the copies, expected a port that gets "
	 "none\n"},
	{WITH("replies = true;"), NULL},
	{WITH("replies = False;"), NULL},
	{WITH("replies = 1;"), "t.conf:3: replies: expected true or false, found a whole number\n"},
	{WITH("replies = \"true\";"),
	 "t.conf:3: replies: expected true or false, found a string\n"},
	{WITH("replies = true; flows = 1; flow_timeout = 1;"), NULL},
	{WITH("replies = true; flows = 4194304; flow_timeout = 86400;"), NULL},
	{WITH("flows = 1; replies = false;\nflow_timeout = 1;"),
	 "t.conf:3: warning: flows: without replies = true it has no effect\n"
	 "t.conf:4: warning: flow_timeout: without replies = true it has no effect\n"},
	{WITH("flows = 0; flow_timeout = 0;"),
	 "t.conf:3: flows: 0 is out of range, expected 1-4194304\n"
	 "t.conf:3: flow_timeout: 0 is out of range, expected 1-86400\n"},
	{WITH("flows = 4194305; flow_timeout = 86401;"),
	 "t.conf:3: flows: 4194305 is out of range, expected 1-4194304\n"
	 "t.conf:3: flow_timeout: 86401 is out of range, expected 1-86400\n"},
};

static const struct sample payload_samples[] = {
	{WITH("payload = { };"), NULL},
	{WITH("payload = { min = 0; max = 65507; };"), NULL},
	{WITH("payload = { min = 65507; max = 65507; };"), NULL},
	{WITH("payload = { min = 65508; };"),
	 "t.conf:3: payload.min: 65508 is out of range, expected 0-65507\n"},
	{WITH("payload = { max = 65508; };"),
	 "t.conf:3: payload.max: 65508 is out of range, expected 0-65507\n"},
	{WITH("payload = { min = -0; };"), "t.conf:3: payload.min: -0: " WHOLE},
	{WITH("payload = { min = \"a\"; };"),
	 "t.conf:3: payload.min: expected a whole number, found a string\n"},
	{WITH("payload = { min = 6; max = 5; };"),
	 "t.conf:3: payload: min 6 is more than max 5, expected at most as much\n"},
	{WITH("payload = { mni = 6; };"),
	 "t.conf:3: payload.mni: unknown key; did you mean \"min\"?\n"},
	{WITH("payload = { size = 6; };"),
	 "t.conf:3: payload.size: unknown key, expected one of min, max\n"},
	{WITH("payload = 5;"),
	 "t.conf:3: payload: expected a group { min = …; max = …; }, found a whole number\n"},
};

static const struct sample check_samples[] = {
	{WITH("checks = ();"), NULL},
	{WITH("checks = { offset = 0; };"),
	 "t.conf:3: checks: expected a list of at most 8 checks, ( { … } ), found a group { … }\n"},
	{WITH("checks = ( 1 );"),
	 "t.conf:3: checks[0]: expected a group { offset = …; … }, found a whole number\n"},
	{CHECK("offset = 0; bytes = \"0x01\"; "), NULL},
	{CHECK("offset = 1023; bytes = \"text:a\"; "), NULL},
	{CHECK("offset = 0; bytes = \"0x" H256 H256 H256 H256 "\"; "), NULL},
	{CHECK("offset = 0; bytes = \"0x" H256 H256 H256 H256 "00\"; "),
	 "t.conf:3: checks[0].bytes: 1025 bytes, expected 1-1024\n"},
	{CHECK("offset = 1024; bytes = \"0x01\"; "),
	 "t.conf:3: checks[0].offset: 1024 is out of range, expected 0-1023\n"},
	{CHECK("offset = 1023; bytes = \"0x0102\"; "),
	 "t.conf:3: checks[0].offset: 1023 and 2 bytes end at byte 1025, "
	 "expected 1024 at the latest\n"},
	{CHECK("bytes = \"0x0102\"; "), "t.conf:3: checks[0].offset: missing, expected 0-1023\n"},
	{CHECK("ofset = 1023; bytes = \"0x0102\"; "),
	 "t.conf:3: checks[0].ofset: unknown key; did you mean \"offset\"?\n"
	 "t.conf:3: checks[0]: 1023 and 2 bytes end at byte 1025, expected 1024 at the latest\n"},
	{CHECK("offset = 0; bytes = \"4d58\"; "),
	 "t.conf:3: checks[0].bytes: \"4d58\": " BYTES "\n"},
	{CHECK("offset = 0; bytes = \"0x4d5\"; "),
	 "t.conf:3: checks[0].bytes: \"0x4d5\": expected an even number of hex digits after 0x\n"},
	{CHECK("offset = 0; bytes = \"0x4d5g\"; "),
	 "t.conf:3: checks[0].bytes: \"0x4d5g\": expected an even number of hex digits after 0x\n"},
	{CHECK("offset = 0; bytes = \"0x\"; "),
	 "t.conf:3: checks[0].bytes: \"0x\": expected at least one byte after 0x or text:\n"},
	{CHECK("offset = 0; bytes = \"text:\"; "),
	 "t.conf:3: checks[0].bytes: \"text:\": expected at least one byte after 0x or text:\n"},
	{CHECK("offset = 0; bytes = 0x4d58; "),
	 "t.conf:3: checks[0].bytes: " BYTES ", found a whole number\n"},
	{CHECK("offset = 0; bytes = \"0x0102\"; mask = \"0xffff\"; "), NULL},
	{CHECK("offset = 0; bytes = \"0x0102\"; mask = \"0xff\"; "),
	 "t.conf:3: checks[0].mask: 1 bytes, expected 2 (the length of bytes)\n"},
	{CHECK("offset = 0; bytes = \"0x0102\"; mask = \"x\"; "),
	 "t.conf:3: checks[0].mask: \"x\": " BYTES "\n"},
	{CHECK("offset = 0; bytes = \"x\"; mask = \"y\"; "),
	 "t.conf:3: checks[0].bytes: \"x\": " BYTES "\nt.conf:3: checks[0].mask: \"y\": " BYTES
	 "\n"},
	{CHECK("offset = 0; bytes = \"0x0102\"; mask = \"0xff00\"; "),
	 "t.conf:3: warning: checks[0].bytes: can never match, it has bits outside the mask\n"},
	{CHECK("offset = 0; bytes = \"0a:bB\"; mask = \"ff:f0:00\"; "),
	 "t.conf:3: checks[0].mask: 3 bytes, expected 2 (the length of bytes)\n"},
	{CHECK("offset = 0; bytes = \"0a\"; "), "t.conf:3: checks[0].bytes: \"0a\": " BYTES "\n"},
	{CHECK("offset = 0; bytes = \"0a:\"; "), "t.conf:3: checks[0].bytes: \"0a:\": " BYTES "\n"},
	{CHECK("offset = 0; bytes = \"0a:b\"; "),
	 "t.conf:3: checks[0].bytes: \"0a:b\": " BYTES "\n"},
	{CHECK("offset = 0; bytes = \"0a:bbb\"; "),
	 "t.conf:3: checks[0].bytes: \"0a:bbb\": " BYTES "\n"},
	{CHECK("offset = 0; bytes = \"0a-bb\"; "),
	 "t.conf:3: checks[0].bytes: \"0a-bb\": " BYTES "\n"},
	{CHECK("offset = 0; bytes = \"0a:0g\"; "),
	 "t.conf:3: checks[0].bytes: \"0a:0g\": " BYTES "\n"},
	{CHECK("offset = 0; "), "t.conf:3: checks[0]: nothing to check, " KIND},
	{CHECK("offset = 0; length = 2; "), "t.conf:3: checks[0]: nothing to check, " KIND},
	{CHECK("offset = 0; mask = \"0x01\"; "),
	 "t.conf:3: checks[0].mask: nothing to check, " KIND},
	{CHECK("offset = 0; length = 1; min = 1; mask = \"0x01\"; not = true; "), NULL},
	{CHECK("offset = 0; length = 2; min = 1; mask = \"0x01\"; "),
	 "t.conf:3: checks[0].mask: 1 bytes, expected 2 (the length)\n"},
	{CHECK("offset = 0; length = 1; min = 2; max = 2; mask = \"0x01\"; "),
	 "t.conf:3: warning: checks[0].min: can never match, it has bits outside the mask\n"},
	{CHECK("offset = 0; bytes = \"0x02\"; mask = \"0x01\"; not = true; "),
	 "t.conf:3: warning: checks[0].bytes: can never fail, it has bits outside the mask\n"},
	{CHECK("offset = 0; bytes = \"0x02\"; not = 1; "),
	 "t.conf:3: checks[0].not: expected true or false, found a whole number\n"},
	/* Values. */
	{CHECK("offset = 0; length = 1; values = [ 3, 1 ]; "), NULL},
	{CHECK("offset = 0; length = 8; values = ( 3, \"0xffffffffffffffff\" ); "), NULL},
	{CHECK("offset = 0; length = 1; values = [ 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, "
	       "14, 15 ]; "),
	 NULL},
	{CHECK("offset = 0; length = 1; values = [ 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, "
	       "14, 15, 16 ]; "),
	 "t.conf:3: checks[0].values: 17 elements, expected 1-16\n"},
	{CHECK("offset = 0; length = 1; values = [ ]; "),
	 "t.conf:3: checks[0].values: empty, expected an array of 1-16 numbers, e.g. [ 1, 3 ]\n"},
	{CHECK("offset = 0; length = 1; values = 3; "),
	 "t.conf:3: checks[0].values: expected an array of 1-16 numbers, e.g. [ 1, 3 ], found a "
	 "whole number\n"},
	{CHECK("offset = 0; length = 1; values = [ 3, 256, 3 ]; "),
	 "t.conf:3: checks[0].values[1]: 256 is out of range, expected 0-255\n"
	 "t.conf:3: checks[0].values[2]: 3 is there already\n"},
	{CHECK("offset = 0; length = 1; values = [ 3 ]; max = 5; "),
	 "t.conf:3: checks[0].max: does not go with values, " KIND},
	{CHECK("offset = 0; length = 1; values = [ 2, 3 ]; mask = \"0x02\"; "),
	 "t.conf:3: warning: checks[0].values: no masked number is 3, it has bits outside the "
	 "mask\n"},
	{CHECK("offset = 0; length = 1; values = [ 1, 3 ]; mask = \"0x02\"; "),
	 "t.conf:3: warning: checks[0].values: can never match, it has bits outside the mask\n"},
	{CHECK("offset = 0; values = [ 3 ]; "),
	 "t.conf:3: checks[0].length: missing, expected 1, 2, 4 or 8\n"},
	{CHECK("offset = 0; bytes = \"0x01\"; values = [ 3 ]; "),
	 "t.conf:3: checks[0].values: does not go with bytes, " KIND},
	{CHECK("offset = 0; bytes = \"0x01\"; length = 1; min = 1; max = 2; "),
	 "t.conf:3: checks[0].min: does not go with bytes, " KIND},
	{CHECK("offset = 0; bytes = \"0x01\"; length = 1; "),
	 "t.conf:3: checks[0].length: does not go with bytes, " KIND},
	{CHECK("offset = 0; bytes = \"0x01\"; endian = \"big\"; "),
	 "t.conf:3: checks[0].endian: does not go with bytes, " KIND},
	/* Numbers. */
	{CHECK("offset = 1023; length = 1; min = 0; max = 255; "), NULL},
	{CHECK("offset = 0; length = 1; min = 5; max = 5; "), NULL},
	{CHECK("offset = 0; length = 2; max = 65535; "), NULL},
	{CHECK("offset = 0; length = 4; max = 2147483647; "), NULL},
	{CHECK("offset = 0; length = 4; max = 4294967295L; "), NULL},
	{CHECK("offset = 0; length = 4; max = 0xffffffff; "), NULL},
	{CHECK("offset = 0; length = 8; max = 9223372036854775807L; "), NULL},
	{CHECK("offset = 0; length = 8; max = 0xffffffffffffffffL; "), NULL},
	{CHECK("offset = 0; length = 8; max = \"0xffffffffffffffff\"; "), NULL},
	{CHECK("offset = 0; length = 2; min = \"0x01\"; max = \"0x0200\"; "), NULL},
	{CHECK("offset = 0; length = 1; max = 256; "),
	 "t.conf:3: checks[0].max: 256 is out of range, expected 0-255\n"},
	{CHECK("offset = 0; length = 2; min = 65536; "),
	 "t.conf:3: checks[0].min: 65536 is out of range, expected 0-65535\n"},
	{CHECK("offset = 0; length = 4; min = 0x100000000L; "),
	 "t.conf:3: checks[0].min: 0x100000000L is out of range, expected 0-4294967295\n"},
	{CHECK("offset = 0; length = 4; max = 2147483648; "), NULL},
	{CHECK("offset = 0; length = 8; max = 4294967296; "), NULL},
	{CHECK("offset = 0; length = 8; max = 0x1ffffffff; "), NULL},
	{CHECK("offset = 0; length = 8; max = 18446744073709551615; "), NULL},
	{CHECK("offset = 0; length = 8; max = 0x10000000000000000L; "),
	 "t.conf:3: checks[0].max: 0x10000000000000000L is out of range, "
	 "expected 0-18446744073709551615\n"},
	{CHECK("offset = 0; length = 2; max = \"0x010203\"; "),
	 "t.conf:3: checks[0].max: 3 bytes, expected at most 2 (the length)\n"},
	{CHECK("offset = 0; length = 2; max = \"7\"; "),
	 "t.conf:3: checks[0].max: \"7\": " BYTES "\n"},
	{CHECK("offset = 0; length = 2; max = 1.5; "),
	 "t.conf:3: checks[0].max: expected a whole number, found a number with a fraction\n"},
	{CHECK("offset = 0; length = 2; min = 3; max = 2; "),
	 "t.conf:3: checks[0]: min 3 is more than max 2, expected at most as much\n"},
	{CHECK("offset = 0; length = 3; min = 3; "),
	 "t.conf:3: checks[0].length: 3 is out of range, expected 1, 2, 4 or 8\n"},
	{CHECK("offset = 0; length = 0; min = 3; "),
	 "t.conf:3: checks[0].length: 0 is out of range, expected 1, 2, 4 or 8\n"},
	{CHECK("offset = 0; length = 16; min = 3; "),
	 "t.conf:3: checks[0].length: 16 is out of range, expected 1, 2, 4 or 8\n"},
	{CHECK("offset = 0; min = 3; "),
	 "t.conf:3: checks[0].length: missing, expected 1, 2, 4 or 8\n"},
	{CHECK("offset = 1017; length = 8; min = 3; "),
	 "t.conf:3: checks[0].offset: 1017 and 8 bytes end at byte 1025, "
	 "expected 1024 at the latest\n"},
	{CHECK("offset = 0; length = 2; min = 3; endian = \"little\"; "), NULL},
	{CHECK("offset = 0; length = 2; min = 3; endian = \"LE\"; "),
	 "t.conf:3: checks[0].endian: \"LE\": expected \"big\" or \"little\"\n"},
	{CHECK("offset = 0; length = 2; min = 3; endain = \"big\"; "),
	 "t.conf:3: checks[0].endain: unknown key; did you mean \"endian\"?\n"},
	{WITH("payload = { max = 11; };\nchecks = ( { offset = 10; length = 2; min = 1; } );"),
	 "t.conf:1: warning: listener \"a\": payload.max: no datagram can be valid, tag and checks "
	 "need 12 bytes and at most 11 are let through\n"},
	{WITH("payload = { max = 12; };\nchecks = ( { offset = 10; length = 2; min = 1; } );"),
	 NULL},
};

#define AT(offset, length) "{ offset = " #offset "; length = " #length "; }"
#define FIELD(name)	   "{ field = \"" name "\"; }"
#define TAGGED(tag)	   CONF(NAME ON PORT NONE "tag = " tag ";")

static const struct sample tag_samples[] = {
	{TAGGED(AT(0, 1)), NULL},
	{TAGGED(AT(1000, 24)), NULL},
	{TAGGED("( " AT(0, 4) "," AT(8, 4) "," AT(0, 4) "," AT(1020, 4) " )"), NULL},
	{TAGGED("{ offset = 0; length = 2; mask = \"0x0fff\"; }"), NULL},
	{TAGGED(AT(0, 0)), "t.conf:2: tag.length: 0 is out of range, expected 1-24\n"},
	{TAGGED(AT(0, 25)), "t.conf:2: tag.length: 25 is out of range, expected 1-24\n"},
	{TAGGED(AT(1024, 1)), "t.conf:2: tag.offset: 1024 is out of range, expected 0-1023\n"},
	{TAGGED(AT(1009, 16)),
	 "t.conf:2: tag.offset: 1009 and 16 bytes end at byte 1025, expected 1024 at the latest\n"},
	{TAGGED("( " AT(0, 8) ", " AT(8, 16) ", " AT(24, 1) " )"),
	 "t.conf:2: tag: 25 bytes in all, expected 1-24\n"},
	{TAGGED("()"), "t.conf:2: tag: 0 elements, expected 1-4\n"},
	{TAGGED("( " AT(0, 1) "," AT(1, 1) "," AT(2, 1) "," AT(3, 1) "," AT(4, 1) " )"),
	 "t.conf:2: tag: 5 elements, expected 1-4\n"},
	{TAGGED("[ 1 ]"),
	 "t.conf:2: tag: expected a group { offset = …; length = …; } or a list of "
	 "1-4 of these, found an array [ … ]\n"},
	{TAGGED("( 1 )"), "t.conf:2: tag[0]: expected a group { offset = …; length = …; }, "
			  "found a whole number\n"},
	{TAGGED("{ }"), "t.conf:2: tag.offset: missing, expected 0-1023\n"
			"t.conf:2: tag.length: missing, expected 1-24\n"},
	{TAGGED("( " AT(0, 1) ", { lenght = 1; offset = 3; } )"),
	 "t.conf:2: tag[1].lenght: unknown key; did you mean \"length\"?\n"},
	{TAGGED("{ offset = 0; length = 2; mask = \"0x0f\"; }"),
	 "t.conf:2: tag.mask: 1 bytes, expected 2 (the length)\n"},
	{TAGGED(FIELD("ip saddr")), NULL},
	{TAGGED("( " AT(0, 4) ", " FIELD("ip saddr") ", " FIELD("ip saddr") " )"), NULL},
	{TAGGED(FIELD("ip6 saddr")), NULL},
	{TAGGED(FIELD("ip sadr")), "t.conf:2: tag.field: \"ip sadr\": expected \"ip saddr\" or "
				   "\"ip6 saddr\"; did you mean \"ip saddr\"?\n"},
	{TAGGED("{ feild = \"ip saddr\"; }"),
	 "t.conf:2: tag.feild: unknown key; did you mean \"field\"?\n"},
	{TAGGED("{ field = 4; }"), "t.conf:2: tag.field: expected \"ip saddr\" or \"ip6 saddr\", "
				   "found a whole number\n"},
	{TAGGED("{ field = \"ip saddr\"; offset = 0; mask = \"0xffffff00\"; }"),
	 "t.conf:2: tag.offset: does not go with field, expected either field, or offset and "
	 "length\n"
	 "t.conf:2: tag.mask: does not go with field, expected either field, or offset and "
	 "length\n"},
	{TAGGED("( " FIELD("ip saddr") ", " FIELD("ip6 saddr") " )"),
	 "t.conf:2: tag[1].field: does not go with \"ip saddr\", expected fields of one IP "
	 "version\n"},
	{CONF(NAME ON PORT NONE "sources = [ \"192.0.2.0/24\" ]; tag = " FIELD("ip6 saddr") ";"),
	 "t.conf:2: tag: it has an IPv6 address, and sources are IPv4 only, expected one of the "
	 "same IP version in both\n"},
	{CONF(NAME ON PORT NONE "addresses = [ \"2001:db8::1\" ]; tag = " FIELD("ip saddr") ";"),
	 "t.conf:2: tag: it has an IPv4 address, and addresses are IPv6 only, expected one of the "
	 "same IP version in both\n"},
	{CONF(NAME ON PORT NONE
	      "sources = [ \"192.0.2.0/24\", \"::/0\" ]; tag = " FIELD("ip6 saddr") ";"),
	 NULL},
	{TAGGED("{ offset = 0; length = 2; mask = \"0x0ff\"; }"),
	 "t.conf:2: tag.mask: \"0x0ff\": expected an even number of hex digits after 0x\n"},
};

#define ADDRESSED(tag)                                                                             \
	CONF(NAME ON PORT "tag = " FIELD("ip saddr") ";\nentities = ( { tag = \"" tag              \
						     "\"; port = 1; } );")
#define PAIR(first, second) CONF(NAME ON PORT TAG "entities = (\n{ " first " },\n{ " second " } );")

static const struct sample entity_samples[] = {
	{ENTITY("tag = \"0x01020304\"; port = 1;"), NULL},
	{ENTITY("tag = \"text:abcd\"; port = 65535; name = \"" C64 "\";"), NULL},
	{ENTITY("tag = \"0x01020304\"; port = 1; name = \"Bjørn, plant 7 #2\";"), NULL},
	{ENTITY("tag = \"0x01020304\"; port = 1; copies = [ 2, 3, 4, 5 ];"), NULL},
	{ENTITY("tag = \"0x01020304\"; port = \"drop\"; copies = [ 1, 0 ];"),
	 "t.conf:3: entities[0].copies[1]: 0 is out of range, expected 1-65535\n"},
	{ENTITY("name = \"p\"; tag = \"0x01020304\"; port = 2; copies = [ 1, 2 ];"),
	 "t.conf:3: listener \"a\": entity \"p\": port: 2 is one of the copies, expected a port "
	 "that "
	 "gets none\n"},
	{CONF(NAME ON PORT TAG "copies = [ 1, 2 ];"
			       "\nentities = ( { tag = \"0x01020304\"; port = 2; },\n"
			       "{ tag = \"0x01020305\"; port = 3; copies = [ 1 ]; } );"),
	 "t.conf:3: listener \"a\": entity \"0x01020304\": port: 2 is one of the copies, expected "
	 "a "
	 "port that gets none\n"
	 "t.conf:4: listener \"a\": entity \"0x01020305\": copies: 1 is in copies of the listener "
	 "already, expected another port\n"},
	{ADDRESSED("192.0.2.7"), NULL},
	{ADDRESSED("0xc0000207"), NULL},
	{ADDRESSED("192.0.2"),
	 "t.conf:3: entities[0].tag: \"192.0.2\": expected an IPv4 address, or "
	 "bytes as \"0x…\" or \"text:…\"\n"},
	{ADDRESSED("2001:db8::7"), "t.conf:3: entities[0].tag: \"2001:db8::7\": expected an IPv4 "
				   "address, or bytes as \"0x…\" or \"text:…\"\n"},
	{CONF(NAME ON PORT "tag = " FIELD(
		 "ip6 saddr") ";\nentities = ( "
			      "{ tag = \"2001:db8::7\"; port = 1; },\n"
			      "{ tag = \"0x20010db8000000000000000000000007\"; port = 2; } );"),
	 "t.conf:4: entities[1].tag: 0x20010db8000000000000000000000007 is the tag of "
	 "\"0x20010db8000000000000000000000007\" already (line 3)\n"},
	/* An address in the payload, too; but eight pairs there are bytes. */
	{CONF(NAME ON PORT
	      "tag = " AT(0, 16) ";\nentities = ( "
				 "{ tag = \"2001:db8::7\"; port = 1; },\n"
				 "{ tag = \"0x20010db8000000000000000000000007\"; port = 2; } );"),
	 "t.conf:4: entities[1].tag: 0x20010db8000000000000000000000007 is the tag of "
	 "\"0x20010db8000000000000000000000007\" already (line 3)\n"},
	{CONF(NAME ON PORT "tag = " AT(
		 0, 16) ";\nentities = ( { tag = \"00:16:c0:01:f1:50:00:0a\"; port = 1; } );"),
	 "t.conf:3: entities[0].tag: 8 bytes, expected 16 (the length of the tag)\n"},
	{CONF(NAME ON PORT "tag = ( " AT(0, 2) ", " AT(
		 4, 2) " );\nentities = ( { tag = \"192.0.2.7\"; port = 1; } );"),
	 "t.conf:3: entities[0].tag: \"192.0.2.7\": " BYTES "\n"},
	{CONF(NAME ON PORT TAG "entities = { };"),
	 "t.conf:2: entities: expected a list of entities, ( { tag = …; port = …; } ), "
	 "found a group { … }\n"},
	{CONF(NAME ON PORT TAG "entities = ( 5 );"),
	 "t.conf:2: entities[0]: expected a group { tag = …; port = …; }, found a whole number\n"},
	{ENTITY(""), "t.conf:3: entities[0].tag: missing, " BYTES "\n"
		     "t.conf:3: entities[0].port: missing, " ACTION "\n"},
	{ENTITY("tag = \"0x010203\"; port = 0;"),
	 "t.conf:3: entities[0].tag: 3 bytes, expected 4 (the length of the tag)\n"
	 "t.conf:3: entities[0].port: 0 is out of range, " ACTION "\n"},
	{ENTITY("tag = \"0x0102030405\"; port = 65536;"),
	 "t.conf:3: entities[0].tag: 5 bytes, expected 4 (the length of the tag)\n"
	 "t.conf:3: entities[0].port: 65536 is out of range, " ACTION "\n"},
	{ENTITY("tag = 0x01020304; port = \"6\";"),
	 "t.conf:3: entities[0].tag: " BYTES ", found a whole number\n"
	 "t.conf:3: entities[0].port: \"6\": " ACTION "\n"},
	{ENTITY("tag = \"0x01020304\"; port = \"pass\";"), NULL},
	{ENTITY("tag = \"0x01020304\"; port = \"drop\";"), NULL},
	{ENTITY("tag = \"0x01020304\"; port = true;"),
	 "t.conf:3: entities[0].port: " ACTION ", found true or false\n"},
	{ENTITY("tag = \"text:é\"; port = 6;"),
	 "t.conf:3: entities[0].tag: 2 bytes, expected 4 (the length of the tag)\n"},
	{ENTITY("tga = \"0x01020304\"; port = 1;"),
	 "t.conf:3: entities[0].tga: unknown key; did you mean \"tag\"?\n"},
	{ENTITY("tag = \"0x01020304\"; port = 1; name = \"\";"),
	 "t.conf:3: entities[0].name: \"\": expected a name of 1-64 bytes\n"},
	{ENTITY("tag = \"0x01020304\"; port = 1; name = \"" C64 "x\";"),
	 "t.conf:3: entities[0].name: \"" C64 "x\": expected a name of 1-64 bytes\n"},
	{ENTITY("tag = \"0x01020304\"; port = 1; name = \"a\\x80\";"),
	 "t.conf:3: entities[0].name: \"a\\x80\": expected a name in UTF-8\n"},
	{ENTITY("tag = \"0x01020304\"; port = 1; name = \"a\\\"\";"),
	 "t.conf:3: entities[0].name: \"a\"\": expected a name without control characters, double "
	 "quotes and backslashes\n"},
	{ENTITY("tag = \"0x01020304\"; port = 1; name = \"a\\x07\";"),
	 "t.conf:3: entities[0].name: \"a\\x07\": expected a name without control characters, "
	 "double "
	 "quotes and backslashes\n"},
	{ENTITY("tag = \"0x01020304\"; port = 1; name = \" a\";"),
	 "t.conf:3: entities[0].name: \" a\": expected a name without blanks at its ends\n"},
	{PAIR("tag = \"0xdeadbeef\"; port = 1; name = \"plant-a\";",
	      "tag = \"0xDEADBEEF\"; port = 1;"),
	 "t.conf:4: entities[1].tag: 0xdeadbeef is the tag of \"plant-a\" already (line 3)\n"},
	{PAIR("tag = \"0xdeadbeef\"; port = 1; name = \"x\";",
	      "tag = \"0xdeadbeee\"; port = 1; name = \"x\";"),
	 "t.conf:4: entities[1].name: \"x\" is the name of another entity already (line 3)\n"},
	{PAIR("tag = \"0xdeadbeef\"; port = 1;",
	      "tag = \"0xdeadbeee\"; port = 1; name = \"0xdeadbeef\";"),
	 "t.conf:4: entities[1].name: \"0xdeadbeef\" is the name of another entity already "
	 "(line 3)\n"},
	{PAIR("tag = \"0xdeadbeee\"; port = 1; name = \"0xdeadbeef\";",
	      "tag = \"0xdeadbeef\"; port = 1;"),
	 "t.conf:4: entities[1].name: \"0xdeadbeef\" is the name of another entity already "
	 "(line 3)\n"},
	{PAIR("tag = \"0xdeadbeef\"; port = 1; name = \"0xdeadbeef\";",
	      "tag = \"0xdeadbeee\"; port = 1; name = \"0xDEADBEEF\";"),
	 NULL},
	/* One with a mistake is still compared with the others, and still counted. */
	{PAIR("tag = \"0xdead\"; port = 1; name = \"x\";",
	      "tag = \"0xdeadbeee\"; port = 0; name = \"x\"; }, { tag = \"0xdeadbeee\"; port = 1;"),
	 "t.conf:3: entities[0].tag: 2 bytes, expected 4 (the length of the tag)\n"
	 "t.conf:4: entities[1].port: 0 is out of range, " ACTION "\n"
	 "t.conf:4: entities[1].name: \"x\" is the name of another entity already (line 3)\n"
	 "t.conf:4: entities[2].tag: 0xdeadbeee is the tag of \"x\" already (line 4)\n"},
	{CONF(NAME ON PORT "tag = { offset = 0; length = 2; mask = \"0x0fff\"; };"
			   "entities = ( { tag = \"0x1fff\"; port = 5; } );"),
	 "t.conf:2: warning: entities[0].tag: 0x1fff can never match, it has bits outside the mask "
	 "0x0fff\n"},
	/* Of those that cover more than one tag, one lies within another, or apart from it. */
	{PAIR("tag = \"0xde000000/8\"; port = 1;", "tag = \"0xdead/16\"; port = 1;"), NULL},
	{PAIR("tag = \"0x00000001..0x00000003\"; port = 1;",
	      "tag = \"0x00000002..0x00000003\"; port = \"drop\";"),
	 NULL},
	{PAIR("tag = \"0xde..0xdf\"; port = 1;", "tag = \"0xdead/9\"; port = 1;"),
	 "t.conf:3: entities[0].tag: 1 bytes, expected 4 (the length of the tag)\n"
	 "t.conf:4: entities[1].tag: \"0xdead/9\": expected bits beyond the prefix to be 0, or "
	 "left "
	 "out\n"},
	{PAIR("tag = \"0x00000005..0x00000002\"; port = 1;",
	      "tag = \"prefix:0xdeadbeef00\"; port = 1;"),
	 "t.conf:3: entities[0].tag: \"0x00000005..0x00000002\": expected the first tag of a range "
	 "before .. and the last one behind it\n"
	 "t.conf:4: entities[1].tag: \"prefix:0xdeadbeef00\": expected a prefix that is not longer "
	 "than the tag\n"},
	{PAIR("tag = \"0xdead0000/16\"; port = 1;", "tag = \"0xdead0000..0xdeadffff\"; port = 1;"),
	 "t.conf:4: entities[1].tag: 0xdead0000/16 is the tag of \"0xdead0000/16\" already "
	 "(line 3)\n"},
	{PAIR("tag = \"0xdeadbeef/32\"; port = 1;", "tag = \"prefix:0xdeadbeef\"; port = 1;"),
	 "t.conf:4: entities[1].tag: 0xdeadbeef is the tag of \"0xdeadbeef\" already (line 3)\n"},
	{PAIR("tag = \"0x00000003..0x00000005\"; port = 1; name = \"x\";",
	      "tag = \"0x00000001..0x00000003\"; port = 1;"),
	 "t.conf:4: entities[1].tag: 0x00000001..0x00000003 overlaps 0x00000003..0x00000005 of "
	 "\"x\" (line 3), expected that one of them lies within the other, or that they have no "
	 "tag in common\n"},
	{PAIR("tag = \"0x00000001..0x00000002\"; port = 1;",
	      "tag = \"0xde000000/8\"; port = 1; name = \"0x00000001..0x00000002\";"),
	 "t.conf:4: entities[1].name: \"0x00000001..0x00000002\" is the name of another entity "
	 "already (line 3)\n"},
	{PAIR("tag = \"0xde000000/8\"; port = 1; name = \"0xde000000/9\";",
	      "tag = \"0xde000000/9\"; port = 1;"),
	 "t.conf:4: entities[1].name: \"0xde000000/9\" is the name of another entity already "
	 "(line 3)\n"},
	{PAIR("tag = \"0xde000000/8\"; port = 1; name = \"0xde000000/7\";",
	      "tag = \"0xde000000/9\"; port = 1;"),
	 NULL},
	{CONF(NAME ON PORT
	      "tag = { offset = 0; length = 2; mask = \"0x0ff0\"; };"
	      "entities = ( { tag = \"0x1001..0x1fff\"; port = 5; }, { tag = "
	      "\"0x0001..0x000f\"; port = 5; }, { tag = \"0x0011..0x0020\"; port = 5; } );"),
	 "t.conf:2: warning: entities[0].tag: 0x1001..0x1fff can never match, all that it covers "
	 "has bits outside the mask 0x0ff0\n"
	 "t.conf:2: warning: entities[1].tag: 0x0001..0x000f can never match, all that it covers "
	 "has bits outside the mask 0x0ff0\n"},
	{CONF(NAME ON PORT "tag = { offset = 0; length = 99; };"
			   "entities = ( { tag = \"0x1f\"; port = 0; }, { tag = \"0x1f1\"; "
			   "port = 1; } );"),
	 "t.conf:2: tag.length: 99 is out of range, expected 1-24\n"
	 "t.conf:2: entities[0].port: 0 is out of range, " ACTION "\n"
	 "t.conf:2: entities[1].tag: \"0x1f1\": expected an even number of hex digits after 0x\n"},
	{CONF(NAME ON PORT TAG "entities_file = \"\";"),
	 "t.conf:2: entities_file: empty, expected the path of a file\n"},
	{CONF(NAME ON PORT TAG "entities_file = 5;"),
	 "t.conf:2: entities_file: expected a string, found a whole number\n"},
};

#define TWO(first, second)                                                                         \
	"listeners = (\n{ name = \"a\"; " TAG NONE first " },\n{ name = \"b\"; " TAG NONE second   \
	" } );"
#define CLAIMED(interface)                                                                         \
	"t.conf:3: listener \"b\": port 5000 on " interface " is claimed by listener \"a\" "       \
	"already (line 2), expected another "                                                      \
	"port, interface, vlan "                                                                   \
	"or address\n"

static const struct sample claim_samples[] = {
	{TWO(ON PORT, ON PORT), CLAIMED("eth0")},
	{TWO(PORT "interfaces = [ \"x\", \"eth0\" ];", PORT "interfaces = [ \"eth0\", \"y\" ];"),
	 CLAIMED("eth0")},
	{TWO(ON PORT, ON "port = 5001;"), NULL},
	{TWO(ON PORT "copies = [ 7, 5001 ];", ON "port = 5001;"),
	 "t.conf:2: listener \"a\": copies: 5001 is the port of listener \"b\" on eth0 (line 3), "
	 "expected a port of no listener\n"},
	{TWO(ON PORT "copies = [ 5001 ];", "interfaces = [ \"eth1\" ]; port = 5001;"), NULL},
	{TWO(ON PORT, PORT "interfaces = [ \"eth1\" ];"), NULL},
	{TWO(ON PORT, ON PORT "vlan = 5;"), NULL},
	{TWO(ON PORT "vlan = 5;", ON PORT "vlan = 5;"), CLAIMED("eth0")},
	{TWO(ON PORT, ON PORT "addresses = [ \"::1\" ];"), NULL},
	{TWO(ON PORT "addresses = [ \"::2\" ];", ON PORT "addresses = [ \"::1\" ];"), NULL},
	{TWO(ON PORT "addresses = [ \"::2\", \"10.0.0.1\" ];",
	     ON PORT "addresses = [ \"10.0.0.1\", \"::1\" ];"),
	 CLAIMED("eth0")},
	/* What could not be read claims nothing. */
	{TWO(ON PORT, ON PORT "vlan = 0;"), "t.conf:3: vlan: 0 is out of range, expected 1-4094\n"},
	{TWO(ON PORT, ON PORT "addresses = [ \"x\" ];"),
	 "t.conf:3: addresses[0]: \"x\": expected an IPv4 or IPv6 address\n"},
	{"listeners = (\n{ " NAME ON PORT TAG NONE " },\n{ " NAME ON "port = 1; " TAG NONE "} );",
	 "t.conf:3: listeners[1].name: \"a\" is the name of another listener already (line 2)\n"},
};

#define FORMATS(keys, all) CONF(NAME ON PORT keys "\nformats = ( " all " );")
#define FORMAT(name, keys) "{ name = \"" name "\"; " TAG NONE keys " }"
#define MIN(n)		   "checks = ( { offset = 0; length = 1; min = " #n "; } ); "
#define NEVER		   "checks = ( { offset = 0; bytes = \"0x03\"; mask = \"0x01\"; } ); "

static const struct sample format_samples[] = {
	{FORMATS("", FORMAT("x", MIN(5)) "," FORMAT("y", "")), NULL},
	{FORMATS("payload = { min = 4; max = 9; }; ",
		 FORMAT("x", "payload = { max = 5; };") "," FORMAT("y", "payload = { min = 6; };")),
	 NULL},
	{FORMATS("", ""), "t.conf:3: formats: 0 elements, expected 1-8\n"},
	{FORMATS("", "{ name = \"x\"; }"),
	 "t.conf:3: formats[0].tag: missing, expected a group { offset = …; length = …; } or a "
	 "list of 1-4 of these\n"
	 "t.conf:3: formats[0].entities: missing, expected entities, entities_file or both\n"},
	{FORMATS("", "{ " TAG NONE " }"),
	 "t.conf:3: formats[0].name: missing, expected 1-32 of A-Z a-z 0-9 . _ -\n"},
	{FORMATS(TAG NONE, FORMAT("x", "")),
	 "t.conf:2: tag: does not go with formats, expected in each of them\n"
	 "t.conf:2: entities: does not go with formats, expected in each of them\n"},
	{FORMATS("", FORMAT("x", MIN(5)) ",\n" FORMAT("x", MIN(6))),
	 "t.conf:4: listener \"a\": formats[1].name: \"x\" is the name of another format already "
	 "(line 3)\n"},
	{FORMATS("", FORMAT("x", MIN(5)) ",\n" FORMAT("y", MIN(5) "payload = { min = 7; }; ")),
	 "t.conf:4: listener \"a\": formats[1]: can never be reached, \"x\" (line 3) fits all that "
	 "it fits, expected other checks, another payload or another order\n"},
	{FORMATS("", "{ name = \"x\"; tag = " FIELD("ip saddr") "; " NONE "},\n"
								"{ name = \"y\"; tag = " FIELD(
									"ip6 saddr") "; " NONE "}"),
	 NULL},
	{FORMATS("", "{ name = \"x\"; tag = " FIELD(
			     "ip saddr") "; " NONE "},\n"
					 "{ name = \"y\"; tag = " FIELD(
						 "ip6 saddr") "; " NONE "},\n" FORMAT("z", "")),
	 "t.conf:5: listener \"a\": formats[2]: can never be reached, \"y\" (line 4) fits all that "
	 "it fits, expected other checks, another payload or another order\n"},
	{FORMATS("sources = [ \"192.0.2.0/24\" ]; ",
		 "{ name = \"x\"; tag = " FIELD("ip saddr") "; " NONE "},\n" FORMAT("y", "")),
	 "t.conf:4: listener \"a\": formats[1]: can never be reached, \"x\" (line 3) fits all that "
	 "it fits, expected other checks, another payload or another order\n"},
	{FORMATS("", FORMAT("x", "") ",\n{ name = \"y\"; tag = ( " AT(0, 4) ", " FIELD(
			     "ip saddr") " ); " NONE "}"),
	 "t.conf:4: listener \"a\": formats[1]: can never be reached, \"x\" (line 3) fits all that "
	 "it fits, expected other checks, another payload or another order\n"},
	{FORMATS("sources = [ \"192.0.2.0/24\" ]; ",
		 "{ name = \"y\";\ntag = " FIELD("ip6 saddr") "; " NONE "}"),
	 "t.conf:4: formats[0].tag: it has an IPv6 address, and sources are IPv4 only, expected "
	 "one of the same IP version in both\n"},
	/* A check of the listener is one of both formats. */
	{FORMATS(NEVER, FORMAT("x", MIN(5)) ",\n" FORMAT("y", NEVER)),
	 "t.conf:2: warning: checks[0].bytes: can never match, it has bits outside the mask\n"
	 "t.conf:4: warning: formats[1].checks[0].bytes: can never match, it has bits outside the "
	 "mask\n"},
	{FORMATS("payload = { min = 6; }; ", FORMAT("x", "payload = { max = 5; };")),
	 "t.conf:3: formats[0].payload: 0-5, expected lengths within the listener's 6-65507\n"},
	{FORMATS("", FORMAT("x", MIN(5)) ",\n{ name = \"y\"; " TAG
					 "entities = ( { tag = \"0x00000000\"; port = 1; }, "
					 "{ tag = \"0x00000000\"; port = 2; } ); }"),
	 "t.conf:4: formats[1].entities[1].tag: 0x00000000 is the tag of \"0x00000000\" already "
	 "(line 4)\n"},
};

static const char twenty_mistakes[] =
	"backend = \"fast\";\n"
	"speed = 9;\n"
	"listeners = (\n"
	"{ name = \"a b\";\n"
	"interfaces = \"eth0\";\n"
	"prot = 5000;\n"
	"vlan = 4095;\n"
	"addresses = [ \"10.0.0.0/8\" ];\n"
	"sources = [ \"10.0.0.1/8\" ];\n"
	"payload = { min = 10; max = 5; };\n"
	"checks = ( { offset = 0; }, { offset = 1; bytes = \"4d\"; } );\n"
	"tag = { offset = 0; length = 4; };\n"
	"entities = ( { tag = \"0x01\"; port = 5; },\n"
	"{ tag = \"0x01020304\"; port = 70000; },\n"
	"{ tag = \"0x01020304\"; port = 7; name = \"\"; } );\n"
	"unknown = \"maybe\";\n"
	"invalid = 0;\n"
	"replies = \"yes\";\n"
	"flows = 0;\n"
	"flow_timeout = 1.5;\n"
	"} );\n";

static char folder[512];

static void write_file(const char *path, const char *text, size_t length)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

/* Reads a configuration; the messages are the caller's to free. */
static int read_config(struct em_policy **policy, const char *path, char **messages)
{
	struct em_diag diag;
	size_t size;
	FILE *stream = open_memstream(messages, &size);
	int error;

	*policy = NULL;
	em_diag_init(&diag, stream);
	error = em_config_read(policy, path, &diag);
	fclose(stream);
	assert_int_equal(error == 0, *policy != NULL);
	assert_int_equal(error == 0, diag.errors == 0);
	return error;
}

static void expect_messages(const char *messages, const char *expected, const char *text)
{
	char prefixed[16384] = "";
	size_t length = 0;

	while (expected && *expected) {
		size_t line = strcspn(expected, "\n") + 1;

		length += (size_t)snprintf(prefixed + length, sizeof(prefixed) - length,
					   "entitymux: %.*s", (int)line, expected);
		expected += line;
	}
	if (strcmp(messages, prefixed) != 0)
		print_error("%s\n", text);
	assert_string_equal(messages, prefixed);
}

static void expect(const char *text, const char *expected)
{
	struct em_policy *policy;
	char *messages;
	int error;

	write_file("t.conf", text, strlen(text));
	error = read_config(&policy, "t.conf", &messages);
	expect_messages(messages, expected, text);
	if (!expected || strstr(expected, "warning: "))
		assert_int_equal(error, 0);
	else if (strncmp(text + strspn(text, "\n"), "@include \"", 10) != 0)
		assert_int_equal(error, -EM_EUSAGE);
	else
		assert_true(error < 0);
	em_policy_free(policy);
	free(messages);
}

static void expect_samples(const struct sample *samples, size_t n)
{
	for (size_t i = 0; i < n; i++)
		expect(samples[i].text, samples[i].expected);
}

#define TABLE_TEST(table)                                                                          \
	static void test_##table(void **state)                                                     \
	{                                                                                          \
		(void)state;                                                                       \
		expect_samples(table##_samples, sizeof(table##_samples) / sizeof(struct sample));  \
	}

TABLE_TEST(top)
TABLE_TEST(syntax)
TABLE_TEST(listener)
TABLE_TEST(payload)
TABLE_TEST(check)
TABLE_TEST(tag)
TABLE_TEST(entity)
TABLE_TEST(claim)
TABLE_TEST(format)

static size_t count_lines(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void test_twenty_mistakes(void **state)
{
	struct em_policy *policy;
	char *messages;

	(void)state;
	write_file("t.conf", twenty_mistakes, strlen(twenty_mistakes));
	assert_int_equal(read_config(&policy, "t.conf", &messages), -EM_EUSAGE);
	if (count_lines(messages) != 20)
		print_error("%s", messages);
	assert_int_equal(count_lines(messages), 20);
	free(messages);
}

/* n copies of an item between head and tail, an @ in it being its number. */
static char *repeat(const char *head, const char *item, size_t n, const char *tail)
{
	char *text;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	fputs(head, stream);
	for (size_t i = 0; i < n; i++) {
		fputs(i ? ", " : "", stream);
		for (const char *c = item; *c; c++)
			if (*c == '@')
				fprintf(stream, "%zu", i);
			else
				fputc(*c, stream);
	}
	fputs(tail, stream);
	fclose(stream);
	return text;
}

static void expect_repeated(const char *head, const char *item, size_t n, const char *tail,
			    const char *expected)
{
	char *text = repeat(head, item, n, tail);

	expect(text, expected);
	free(text);
}

static void test_counts(void **state)
{
	static const char listener[] =
		"{ name = \"n@\"; interfaces = [ \"e@\" ]; " PORT TAG NONE "}";
	static const char check[] = "{ offset = @; bytes = \"0x01\"; }";

	(void)state;
	expect_repeated("listeners = (", listener, 256, ");", NULL);
	expect_repeated("listeners = (", listener, 257, ");",
			"t.conf:1: listeners: 257 elements, expected 1-256\n");
	expect_repeated("listeners = ({" NAME PORT TAG NONE "interfaces = [", "\"e@\"", 64, "];});",
			NULL);
	expect_repeated("listeners = ({" NAME PORT TAG NONE "interfaces = [", "\"e@\"", 65, "];});",
			"t.conf:1: interfaces: 65 elements, expected 1-64\n");
	expect_repeated("listeners = ({" NAME ON PORT TAG NONE "checks = (", check, 8, ");});",
			NULL);
	expect_repeated("listeners = ({" NAME ON PORT TAG NONE "checks = (", check, 9, ");});",
			"t.conf:1: checks: 9 elements, expected 0-8\n");
}

/* The configuration names e.csv, which has this content. */
static void expect_entities(const char *lines, size_t length, const char *expected)
{
	write_file("e.csv", lines, length);
	expect(CONF(NAME ON PORT TAG "entities_file = \"e.csv\";"), expected);
}

#define LINES(text, expected) expect_entities(text, sizeof(text) - 1, expected)
#define FILE_ACTION	      "expected pass, drop or a port 1-65535 in decimal\n"
#define FILE_TAG	      "expected bytes as \"0x…\", \"aa:bb:…\" or \"text:…\"\n"

static void test_entities_file(void **state)
{
	(void)state;
	LINES("", NULL);
	LINES("# a,b\n\n \t\n0x01020304,1\n 0x01020305 , 65535 , a, b \n  # x\r\ntext:abcd,7,\r\n"
	      "0x01020306,06001,#1\n0x01020307, pass\n0x01020308,drop,x",
	      NULL);
	LINES("0x01020304,Pass\n", "e.csv:1: port: \"Pass\": " FILE_ACTION);
	LINES("0x01020304", "e.csv:1: \"0x01020304\": expected tag,port or tag,port,name\n");
	LINES("0x01/8,1\n prefix:text:ab,drop,a\n0x00000001..0x00000009 ,7\n0x00000002,8\n", NULL);
	LINES("0x01/33,1\nprefix:0x,1\n0x0109/8,2\n0x01020304..0x01020303,1\n",
	      "e.csv:1: tag: \"0x01/33\": expected at most as many bits as the tag has behind the "
	      "/\n"
	      "e.csv:2: tag: \"prefix:0x\": expected at least one byte after 0x or text:\n"
	      "e.csv:3: tag: \"0x0109/8\": expected bits beyond the prefix to be 0, or left out\n"
	      "e.csv:4: tag: \"0x01020304..0x01020303\": expected the first tag of a range before "
	      ".. "
	      "and the last one behind it\n");
	LINES("0x01/8,1,a\n0x00ffffff..0x01000000,2\n",
	      "e.csv:2: tag: 0x00ffffff..0x01000000 overlaps 0x01000000/8 of \"a\" (line 1), "
	      "expected that one of them lies within the other, or that they have no tag in "
	      "common\n");
	LINES("\n,\n", "e.csv:2: tag: \"\": " FILE_TAG "e.csv:2: port: \"\": " FILE_ACTION);
	LINES("0x010203,0\n0x01020304,65536\n1,0x10\n",
	      "e.csv:1: tag: 3 bytes, expected 4 (the length of the tag)\n"
	      "e.csv:1: port: 0 is out of range, expected pass, drop or 1-65535\n"
	      "e.csv:2: port: 65536 is out of range, expected pass, drop or 1-65535\n"
	      "e.csv:3: tag: \"1\": " FILE_TAG "e.csv:3: port: \"0x10\": " FILE_ACTION);
	LINES("0x01020304,18446744073709551617\n0x01020305,-1\n",
	      "e.csv:1: port: 18446744073709551617 is out of range, expected pass, drop or "
	      "1-65535\n"
	      "e.csv:2: port: \"-1\": " FILE_ACTION);
	LINES("0x01020304,1,a\"b\n0x01020305,1,\xff\n0x01020306,1," C64 "x\n",
	      "e.csv:1: name: \"a\"b\": expected a name without control characters, double quotes "
	      "and backslashes\n"
	      "e.csv:2: name: \"\\xff\": expected a name in UTF-8\n"
	      "e.csv:3: name: \"" C64 "x\": expected a name of 1-64 bytes\n");
	LINES("0x0102\0"
	      "0304,1\n0x01020305,1\n",
	      "e.csv:1: a NUL byte, expected a text file\n");
	LINES("\xef\xbb\xbf"
	      "0x01020304,1\n",
	      NULL);
	LINES("0x01020304,1,a\n0x01020304,2,b\n0x01020305,3,a\n",
	      "e.csv:2: tag: 0x01020304 is the tag of \"a\" already (line 1)\n"
	      "e.csv:3: name: \"a\" is the name of another entity already (line 1)\n");
	write_file("e.csv", "\n0x01020304,1\n", 14);
	expect(CONF(NAME ON PORT TAG "entities_file = \"e.csv\"; "
				     "entities = ( { tag = \"0x01020304\"; port = 5; } );"),
	       "e.csv:2: tag: 0x01020304 is the tag of \"0x01020304\" already (t.conf:2)\n");
	expect(CONF(NAME ON PORT "tag = { offset = 0; length = 0; }; entities_file = \"e.csv\";"),
	       "t.conf:2: tag.length: 0 is out of range, expected 1-24\n");
}

/* Of tags of three pieces, each interval is up to 5 boxes. */
static void test_covering_limits(void **state)
{
	FILE *file = fopen("e.csv", "w");

	(void)state;
	assert_non_null(file);
	for (unsigned int i = 0; i <= EM_COVERING_MAX; i++)
		fprintf(file, "0x%08x..0x%08x,1\n", 2 * i, 2 * i + 1);
	fclose(file);
	expect(CONF(NAME ON PORT TAG "entities_file = \"e.csv\";"),
	       "e.csv:65537: tag: one entity too many that covers more than one tag, expected at "
	       "most 65536\n");
	file = fopen("e.csv", "w");
	assert_non_null(file);
	for (unsigned int i = 0; i < 205; i++)
		fprintf(file, "0x%08x..0x%08x,1\n", i << 24 | 1, i << 24 | 0xfffffe);
	fclose(file);
	expect(CONF(NAME ON PORT
		    "tag = ( { offset = 0; length = 2; }, { offset = 2; length = 1; }, "
		    "{ offset = 9; length = 1; } );\nentities_file = \"e.csv\";"),
	       "t.conf:2: tag: what entities with more than one tag cover is 1025 combinations of "
	       "ranges in its pieces, expected at most 1024 with several pieces, or a mask\n");
	expect(CONF(NAME ON PORT TAG "entities_file = \"e.csv\";"), NULL);
}

static void test_entities_file_lines(void **state)
{
	char line[1100];
	struct em_policy *policy;
	char *messages;

	(void)state;
	memset(line, ' ', sizeof(line));
	memcpy(line, "0x01020304,1\n", 12);
	expect_entities(line, 1023, NULL);
	expect_entities(line, 1024, "e.csv:1: a line of 1024 bytes, expected at most 1023\n");
	line[0] = '#';
	expect_entities(line, 1100, NULL);

	write_file("e.csv", "x\nx\nx\nx\nx\nx\nx\nx\nx\nx\nx\nx\nx\nx\nx\nx\nx\nx\nx\nx\nx\nx\n",
		   44);
	assert_int_equal(read_config(&policy, "t.conf", &messages), -EM_EUSAGE);
	assert_int_equal(count_lines(messages), 21);
	assert_string_equal(strstr(messages, "e.csv:20: "),
			    "e.csv:20: \"x\": expected tag,port or tag,port,name\n"
			    "entitymux: e.csv: … and 2 more mistakes\n");
	free(messages);
}

static void test_entities_file_full(void **state)
{
	FILE *file = fopen("e.csv", "w");

	(void)state;
	for (unsigned int i = 0; i < EM_ENTITIES_MAX; i++)
		fprintf(file, "0x%08x,%u\n", i * 2654435761U, i % 65535 + 1);
	fclose(file);
	expect(CONF(NAME ON PORT TAG "entities_file = \"e.csv\";"), NULL);
	expect(CONF(NAME ON PORT TAG "entities_file = \"e.csv\"; "
				     "entities = ( { tag = \"0x00000001\"; port = 5; } );"),
	       "e.csv:1048576: one entity too many, expected at most 1048576 in a listener\n");
	/* Equal ones are reported up to a point. */
	file = fopen("e.csv", "w");
	for (unsigned int i = 0; i < 25; i++)
		fputs("0x01020304,5\n", file);
	fclose(file);
	{
		struct em_policy *policy;
		char *messages;

		assert_int_equal(read_config(&policy, "t.conf", &messages), -EM_EUSAGE);
		assert_int_equal(count_lines(messages), 21);
		assert_non_null(strstr(messages, "t.conf:1: listener \"a\": … and 4 more "
						 "duplicates in its entities file\n"));
		free(messages);
	}
}

static void expect_unreadable(const char *path, int code, const char *expected)
{
	struct em_policy *policy;
	char *messages;

	assert_int_equal(read_config(&policy, path, &messages), code);
	expect_messages(messages, expected, path);
	free(messages);
}

static void test_unreadable(void **state)
{
	static const char nul[] = "listeners\0 = ();";
	static const char folder_entities[] = CONF(NAME ON PORT TAG "entities_file = \".\";");
	static const char device_entities[] =
		CONF(NAME ON PORT TAG "entities_file = \"/dev/zero\";");
	static const char no_entities[] = CONF(NAME ON PORT TAG "\nentities_file = \"none.csv\";");

	(void)state;
	expect_unreadable("none.conf", -ENOENT, "none.conf: No such file or directory\n");
	expect_unreadable("/", -EM_EUSAGE,
			  "/: a folder without a configuration, expected *.conf\n");
	write_file("t.conf", nul, sizeof(nul) - 1);
	expect_unreadable("t.conf", -EM_EUSAGE, "t.conf:1: a NUL byte, expected a text file\n");
	write_file("t.conf", no_entities, strlen(no_entities));
	expect_unreadable("t.conf", -ENOENT,
			  "t.conf:3: entities_file: none.csv: No such file or directory\n");
	write_file("t.conf", folder_entities, strlen(folder_entities));
	expect_unreadable("t.conf", -EINVAL, "t.conf:2: entities_file: .: Is a directory\n");
	write_file("t.conf", device_entities, strlen(device_entities));
	expect_unreadable("t.conf", -EINVAL,
			  "t.conf:2: entities_file: /dev/zero: not a regular file\n");
	assert_int_equal(mkfifo("pipe", 0600), 0);
	expect_unreadable("pipe", -EINVAL, "pipe: not a regular file\n");
	write_file("t.conf", "\xff\xfe#\0", 4);
	expect_unreadable("t.conf", -EM_EUSAGE, "t.conf: UTF-16, expected UTF-8 or ASCII\n");
	assert_int_equal(truncate("t.conf", (256 << 20) + 1), 0);
	expect_unreadable("t.conf", -EM_EUSAGE,
			  "t.conf: 268435457 bytes, expected at most 268435456\n");
}

static void expect_warned(const char *text, mode_t conf, mode_t csv, const char *expected)
{
	struct em_policy *policy;
	char *messages;

	write_file("t.conf", text, strlen(text));
	assert_int_equal(chmod("t.conf", conf), 0);
	assert_int_equal(chmod("e.csv", csv), 0);
	assert_int_equal(read_config(&policy, "t.conf", &messages), 0);
	expect_messages(messages, expected, text);
	em_policy_free(policy);
	free(messages);
}

static void test_writable(void **state)
{
	static const char text[] = CONF(NAME ON PORT TAG "entities_file = \"e.csv\";");

	(void)state;
	write_file("e.csv", "0x01020304,5\n", 13);
	expect_warned(text, 0755, 0644, "");
	expect_warned(text, 0620, 0644,
		      "t.conf: warning: others may write to it, expected chmod go-w t.conf\n");
	expect_warned(text, 0600, 0602,
		      "e.csv: warning: others may write to it, expected chmod go-w e.csv\n");
	assert_int_equal(chmod("t.conf", 0644), 0);
	assert_int_equal(chmod("e.csv", 0644), 0);
}

/* What has no end, or is far too much, is refused in no time. */
static void test_limits(void **state)
{
	char *text;

	(void)state;
	expect_repeated("a = (", "1", 1048577, ");",
			"t.conf:1: expected at most 1048576 elements, found 1\n");
	expect_repeated("a = ", "((((((((((((((((((((((((((((((((((", 1, "",
			"t.conf:1: expected at most 32 groups and lists within each other, found "
			"(\n");
	text = repeat("a = {", "k@ = 1", 257, "};");
	expect(text, "t.conf:1: expected at most 256 settings in a group, found k256\n");
	free(text);
	/* Each of the files names the next one many times. */
	for (unsigned int i = 0; i < 9; i++) {
		char name[16];
		FILE *file;

		snprintf(name, sizeof(name), "%u.conf", i);
		file = fopen(name, "w");
		assert_non_null(file);
		for (unsigned int k = 0; i < 8 && k < 10; k++)
			fprintf(file, "@include \"%u.conf\"\n", i + 1);
		assert_int_equal(fclose(file), 0);
	}
	expect_unreadable(
		"0.conf", -EM_EUSAGE,
		"7.conf:6: @include \"8.conf\": expected at most 1000 files and 268435456 "
		"bytes in all\n");
}

/* Numbers keep their order through included files, whose places are their own. */
static void test_include(void **state)
{
	static const char inner[] = "\nport = 70000;\nvlan = 0x5;\n";
	static const char main_text[] =
		CONF(NAME ON TAG NONE "\n@include \"more.conf\"\nflows = 9;\n"
				      "entities_file = \"more.csv\"; unknown = 4294967296;");
	static const char good[] =
		CONF(NAME ON TAG NONE "\n \t@include \t\"more.conf\" flows = 9;\n"
				      "entities_file = \"more.csv\";");
	struct em_policy *policy;
	char *messages;

	(void)state;
	assert_int_equal(mkdir("sub", 0700), 0);
	write_file("sub/more.conf", inner, strlen(inner));
	write_file("sub/more.csv", "0x01020304,5\n", 13);
	write_file("sub/t.conf", main_text, strlen(main_text));
	assert_int_equal(read_config(&policy, "sub/t.conf", &messages), -EM_EUSAGE);
	expect_messages(messages,
			"sub/more.conf:2: port: 70000 is out of range, expected 1-65535\n"
			"sub/t.conf:5: unknown: 4294967296 is out of range, " ACTION "\n",
			main_text);
	free(messages);
	write_file("sub/more.conf", "\nport = ;", 9);
	assert_int_equal(read_config(&policy, "sub/t.conf", &messages), -EM_EUSAGE);
	expect_messages(messages, "sub/more.conf:2: expected the value of port, found ;\n",
			main_text);
	free(messages);
	write_file("sub/more.conf", "port\0= 7;", 9);
	assert_int_equal(read_config(&policy, "sub/t.conf", &messages), -EM_EUSAGE);
	assert_non_null(strstr(messages, "sub/more.conf:1: a NUL byte, expected a text file\n"));
	free(messages);
	write_file("sub/more.conf", "port = 7;", 9);
	write_file("sub/t.conf", good, strlen(good));
	assert_int_equal(read_config(&policy, "sub/t.conf", &messages), 0);
	assert_int_equal(policy->listeners[0].port, 7);
	assert_int_equal(policy->listeners[0].flows, 9);
	assert_int_equal(policy->listeners[0].formats->n_entities, 1);
	assert_string_equal(policy->listeners[0].formats->entities[0].place.file, "sub/more.csv");
	em_policy_free(policy);
	free(messages);
}

static struct em_policy *read_good(const char *text)
{
	struct em_policy *policy;
	char *messages;

	write_file("t.conf", text, strlen(text));
	assert_int_equal(read_config(&policy, "t.conf", &messages), 0);
	assert_string_equal(messages, "");
	free(messages);
	return policy;
}

static const char complete[] =
	"backend = \"nft\";\n"
	"listeners = ( { name = \"first\"; interfaces = [ \"eth0\", \"br-lan.7@'\" ];\n"
	"port = 0x1388; vlan = 7;\n"
	"addresses = [ \"192.0.2.1\", \"2001:db8::1\" ]; sources = [ \"10.0.0.0/8\", \"::1\" ];\n"
	"payload = { min = 16; max = 512; };\n"
	"checks = ( { offset = 0; bytes = \"0x4d58\"; },\n"
	"{ offset = 2; bytes = \"text:@b\"; mask = \"0xf0ff\"; },\n"
	"/* 7 \" */ { offset = 2; length = 8; min = \"0x0100\"; },\n"
	"{ offset = 3; length = 8; min = 0x8000000000000000L; max = \"0xfffffffffffffffe\"; },\n"
	"{ offset = 5; length = 4; min = 4294967294L; endian = \"little\"; } );\n"
	"tag = ( { offset = 4; length = 2; mask = \"0x0fff\"; }, { offset = 9; length = 1; } );\n"
	"entities = ( { tag = \"0x0ead01\"; port = 6001; name = \"plant, a #1\"; }, # 5\n"
	"{ tag = \"text:\\x07ab\"; port = 6002; copies = [ 7002, 7003 ]; },\n"
	"{ tag = \"0x000001\"; port = \"pass\"; }, { tag = \"0x000002\"; port = \"drop\"; },\n"
	"{ tag = \"0x0800/15\"; port = 8; }, { tag = \"0x000003..0x000009\"; port = 9; } );\n"
	"copies = [ 7001 ]; unknown_copies = ( 7004 );\n"
	"unknown = 9; invalid = \"pass\"; missing = \"wait\"; replies = true; flows = 1; "
	"flow_timeout = 2; },\n"
	"\n"
	"{ name = \"second\"; interfaces = [ \"eth0\" ]; port = 5001;\n"
	"tag = { offset = 0; length = 16; }; entities = (); unknown = \"drop\"; invalid = 7; } "
	");\n";

static void test_values(void **state)
{
	struct em_policy *policy = read_good(complete);
	const struct em_listener *a = &policy->listeners[0], *b = &policy->listeners[1];

	(void)state;
	assert_int_equal(policy->backend, EM_BACKEND_NFT);
	assert_int_equal(policy->n_listeners, 2);
	assert_string_equal(a->name, "first");
	assert_string_equal(a->place.file, "t.conf");
	assert_int_equal(a->place.line, 2);
	assert_int_equal(b->place.line, 19);
	assert_int_equal(a->n_interfaces, 2);
	assert_int_equal(a->interfaces[1].place.line, 2);
	assert_string_equal(a->interfaces[1].name, "br-lan.7@'");
	assert_int_equal(a->port, 5000);
	assert_int_equal(a->vlan, 7);
	assert_int_equal(a->n_addresses, 2);
	assert_int_equal(a->addresses[1].family, AF_INET6);
	assert_memory_equal(a->addresses[0].bytes, "\xc0\x00\x02\x01\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	assert_int_equal(a->sources[0].length, 8);
	assert_int_equal(a->sources[1].length, 128);
	assert_int_equal(a->formats->payload_min, 16);
	assert_int_equal(a->formats->payload_max, 512);
	assert_int_equal(a->formats->unknown.verdict, EM_PORT);
	assert_int_equal(a->formats->unknown.port, 9);
	assert_int_equal(a->invalid.verdict, EM_PASS);
	assert_int_equal(a->copies.n, 1);
	assert_int_equal(a->copies.ports[0], 7001);
	assert_int_equal(a->unknown_copies.ports[0], 7004);
	assert_int_equal(a->formats->entities[0].copies, 0);
	assert_int_equal(a->formats->entities[1].copies, 1);
	assert_int_equal(a->copy_lists[0].n, 2);
	assert_int_equal(a->copy_lists[0].ports[1], 7003);
	assert_true(a->replies);
	assert_int_equal(a->missing, EM_MISSING_WAIT);
	assert_int_equal(a->replies_place.line, 17);
	assert_int_equal(a->flows, 1);
	assert_int_equal(a->flow_timeout, 2);
	/* What the second one leaves out. */
	assert_int_equal(b->vlan, 0);
	assert_int_equal(b->n_addresses, 0);
	assert_int_equal(b->n_sources, 0);
	assert_int_equal(b->formats->payload_min, 0);
	assert_int_equal(b->formats->payload_max, 65507);
	assert_int_equal(b->formats->n_checks, 0);
	assert_int_equal(b->formats->unknown.verdict, EM_DROP);
	assert_int_equal(b->invalid.verdict, EM_PORT);
	assert_int_equal(b->invalid.port, 7);
	assert_false(b->replies);
	assert_int_equal(b->missing, EM_MISSING_ERROR);
	assert_int_equal(b->replies_place.line, 19);
	assert_int_equal(b->flows, 65536);
	assert_int_equal(b->flow_timeout, 180);
	em_policy_free(policy);
}

static void test_payload_values(void **state)
{
	struct em_policy *policy = read_good(complete);
	const struct em_listener *a = &policy->listeners[0];
	const struct em_check *checks = a->formats->checks;

	(void)state;
	assert_int_equal(a->formats->n_checks, 5);
	assert_int_equal(checks[1].kind, EM_CHECK_BYTES);
	assert_int_equal(checks[1].offset, 2);
	assert_int_equal(checks[1].length, 2);
	assert_null(checks[0].mask);
	assert_memory_equal(checks[1].bytes, "@b", 2);
	assert_memory_equal(checks[1].mask, "\xf0\xff", 2);
	assert_int_equal(checks[2].kind, EM_CHECK_NUMBER);
	assert_true(checks[2].min == 256 && checks[2].max == UINT64_MAX);
	assert_true(checks[3].min == 1ULL << 63 && checks[3].max == UINT64_MAX - 1);
	assert_true(checks[4].min == 4294967294 && checks[4].max == 4294967295);
	assert_true(checks[4].little_endian && !checks[3].little_endian);
	assert_int_equal(checks[4].place.line, 10);
	assert_int_equal(a->formats->tag.n_pieces, 2);
	assert_int_equal(a->formats->tag.length, 3);
	assert_int_equal(a->formats->tag.pieces[1].offset, 9);
	assert_memory_equal(a->formats->tag.mask, "\x0f\xff\xff", 3);
	assert_int_equal(a->formats->n_entities, 6);
	assert_int_equal(a->formats->n_listed, 6);
	assert_string_equal(a->formats->entities[0].name, "plant, a #1");
	assert_null(a->formats->entities[1].name);
	assert_memory_equal(a->formats->entities[1].tag, "\x07\x61\x62", 3);
	assert_int_equal(a->formats->entities[1].action.verdict, EM_PORT);
	assert_int_equal(a->formats->entities[1].action.port, 6002);
	assert_int_equal(a->formats->entities[2].action.verdict, EM_PASS);
	assert_int_equal(a->formats->entities[3].action.verdict, EM_DROP);
	assert_null(a->formats->entities[3].last);
	assert_memory_equal(a->formats->entities[4].tag, "\x08\x00\x00", 3);
	assert_memory_equal(a->formats->entities[4].last, "\x08\x01\xff", 3);
	assert_memory_equal(a->formats->entities[5].last, "\x00\x00\x09", 3);
	assert_int_equal(a->formats->entities[1].place.line, 13);
	em_policy_free(policy);
}

static FILE *open_entities(size_t listener, const char *name, void *context)
{
	unsigned int *calls = context;

	assert_int_equal(listener, (*calls)++);
	return fopen(name, "w");
}

static char *file_text(const char *path)
{
	char *text = calloc(1, 65536);
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	assert_in_range(fread(text, 1, 65535, file), 1, 65534);
	fclose(file);
	return text;
}

static char *write_policy(const struct em_policy *policy, const char *path)
{
	unsigned int calls = 0;
	FILE *out = fopen(path, "w");

	assert_int_equal(em_config_write(policy, out, open_entities, &calls), 0);
	assert_int_equal(calls, policy->n_listeners);
	fclose(out);
	return file_text(path);
}

static void expect_equal_listeners(const struct em_listener *a, const struct em_listener *b)
{
	assert_int_equal(a->n_interfaces, b->n_interfaces);
	for (size_t i = 0; i < a->n_interfaces; i++)
		assert_string_equal(a->interfaces[i].name, b->interfaces[i].name);
	assert_int_equal(a->n_addresses, b->n_addresses);
	if (a->n_addresses)
		assert_memory_equal(a->addresses, b->addresses,
				    a->n_addresses * sizeof(*a->addresses));
	assert_int_equal(a->n_sources, b->n_sources);
	if (a->n_sources)
		assert_memory_equal(a->sources, b->sources, a->n_sources * sizeof(*a->sources));
	assert_int_equal(a->formats->n_checks, b->formats->n_checks);
	for (size_t i = 0; i < a->formats->n_checks; i++) {
		assert_int_equal(a->formats->checks[i].kind, b->formats->checks[i].kind);
		assert_int_equal(a->formats->checks[i].length, b->formats->checks[i].length);
		assert_true(a->formats->checks[i].min == b->formats->checks[i].min);
		assert_true(a->formats->checks[i].max == b->formats->checks[i].max);
		assert_int_equal(a->formats->checks[i].negated, b->formats->checks[i].negated);
		assert_int_equal(a->formats->checks[i].n_values, b->formats->checks[i].n_values);
		assert_memory_equal(a->formats->checks[i].values, b->formats->checks[i].values,
				    sizeof(a->formats->checks[i].values));
		assert_int_equal(!a->formats->checks[i].mask, !b->formats->checks[i].mask);
		assert_int_equal(a->formats->checks[i].little_endian,
				 b->formats->checks[i].little_endian);
	}
	assert_memory_equal(a->formats->tag.pieces, b->formats->tag.pieces,
			    sizeof(a->formats->tag.pieces));
	assert_memory_equal(a->formats->tag.mask, b->formats->tag.mask, a->formats->tag.length);
	assert_int_equal(a->formats->n_entities, b->formats->n_entities);
	for (size_t i = 0; i < a->formats->n_entities; i++) {
		char x[EM_COVER_TEXT_MAX], y[EM_COVER_TEXT_MAX];

		assert_memory_equal(a->formats->entities[i].tag, b->formats->entities[i].tag,
				    EM_TAG_MAX);
		assert_memory_equal(em_entity_last(&a->formats->entities[i]),
				    em_entity_last(&b->formats->entities[i]), EM_TAG_MAX);
		assert_int_equal(a->formats->entities[i].action.verdict,
				 b->formats->entities[i].action.verdict);
		assert_int_equal(a->formats->entities[i].copies, b->formats->entities[i].copies);
		assert_int_equal(a->formats->entities[i].action.port,
				 b->formats->entities[i].action.port);
		assert_string_equal(em_entity_name(a->formats, &a->formats->entities[i], x),
				    em_entity_name(b->formats, &b->formats->entities[i], y));
	}
}

static void test_round_trip(void **state)
{
	struct em_policy *policy = read_good(complete);
	char *first = write_policy(policy, "w.conf");
	char *entities = file_text("listener-1.entities");
	struct em_policy *again;
	char *messages, *second;

	(void)state;
	/* Those with copies are in the configuration itself, with those before them. */
	assert_non_null(strstr(first, "port = 6002; copies = [ 7002, 7003 ]; } );"));
	assert_string_equal(entities, "0x000001,pass\n0x000002,drop\n0x080000/15,8\n"
				      "0x000003..0x000009,9\n");
	assert_int_equal(read_config(&again, "w.conf", &messages), 0);
	assert_string_equal(messages, "");
	assert_int_equal(again->backend, policy->backend);
	assert_int_equal(again->n_listeners, policy->n_listeners);
	for (size_t i = 0; i < policy->n_listeners; i++)
		expect_equal_listeners(&policy->listeners[i], &again->listeners[i]);
	second = write_policy(again, "w.conf");
	assert_string_equal(first, second);
	free(first);
	free(second);
	free(entities);
	free(messages);
	em_policy_free(policy);
	em_policy_free(again);
}

static FILE *refuse(size_t listener, const char *name, void *context)
{
	(void)listener;
	(void)name;
	(void)context;
	errno = EROFS;
	return NULL;
}

static FILE *fill(size_t listener, const char *name, void *context)
{
	(void)listener;
	(void)name;
	(void)context;
	return fopen("/dev/full", "w");
}

static void test_write_failures(void **state)
{
	struct em_policy *policy = read_good(complete);
	unsigned int calls = 0;
	FILE *full = fopen("/dev/full", "w");
	FILE *out = fopen("w.conf", "w");

	(void)state;
	assert_int_equal(em_config_write(policy, out, refuse, NULL), -EROFS);
	assert_int_equal(em_config_write(policy, full, open_entities, &calls), -ENOSPC);
	assert_int_equal(em_config_write(policy, out, fill, NULL), -ENOSPC);
	fclose(out);
	fclose(full);
	em_policy_free(policy);
}

/* Written, the copy is the same, also after the original has changed. */
static void test_copy(void **state)
{
	struct em_policy *policy = read_good(complete), *copy = NULL;
	char *before = write_policy(policy, "before.conf"), *after;

	(void)state;
	assert_int_equal(em_policy_copy(&copy, policy), 0);
	for (size_t i = 0; i < policy->n_listeners; i++) {
		struct em_format *format = policy->listeners[i].formats;

		policy->listeners[i].interfaces[0].name[0] ^= 1;
		for (size_t j = 0; j < format->n_entities; j++)
			memset(format->entities[j].tag, 0x55, format->tag.length);
	}
	after = write_policy(copy, "after.conf");
	assert_string_equal(after, before);
	free(after);
	free(before);
	em_policy_free(copy);
	em_policy_free(policy);
}

static int remove_one(const char *path, const struct stat *status, int flag, struct FTW *where)
{
	(void)status;
	(void)flag;
	(void)where;
	return remove(path);
}

static int set_up(void **state)
{
	const char *parent = getenv("TMPDIR");

	(void)state;
	snprintf(folder, sizeof(folder), "%s/entitymux-config-XXXXXX", parent ? parent : "/tmp");
	return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	return chdir("/") || nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS) ? -1 : 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_top),
		cmocka_unit_test(test_syntax),
		cmocka_unit_test(test_listener),
		cmocka_unit_test(test_payload),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_tag),
		cmocka_unit_test(test_entity),
		cmocka_unit_test(test_claim),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_twenty_mistakes),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_entities_file),
		cmocka_unit_test(test_covering_limits),
		cmocka_unit_test(test_entities_file_lines),
		cmocka_unit_test(test_entities_file_full),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_writable),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_include),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_payload_values),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_write_failures),
		cmocka_unit_test(test_copy),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
