/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/* The folder of what is applied: generations, their leftovers, and the lock between runs. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/config.h"
#include "state/baseline.h"
#include "state/generation.h"
#include "state/state.h"

#define CONFIG                                                                                     \
	"backend = \"auto\";\n"                                                                    \
	"listeners = (\n"                                                                          \
	"{ name = \"a\"; interfaces = [ \"eth0\", \"eth1\" ]; port = 5000;\n"                      \
	"  tag = { offset = 4; length = 4; };\n"                                                   \
	"  entities = ( { name = \"plant-a\"; tag = \"0xdeadbeef\"; port = 6001; },\n"             \
	"               { tag = \"0x00000001\"; port = 6002; } ); },\n"                            \
	"{ name = \"b\"; interfaces = [ \"eth0\" ]; port = 5001; payload = { min = 9; };\n"        \
	"  tag = { offset = 0; length = 1; }; entities = ( { tag = \"0x01\"; port = 7; } ); } "    \
	");\n"

/* A root folder that is not there yet, and what is reported. */
struct fixture {
	char above[64];
	char root[80];
	char net[160]; /* the folder of this namespace */
	struct em_diag diag;
	char *messages;
	size_t size;
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct stat status;

	if (!fixture || stat("/proc/self/ns/net", &status))
		return -1;
	strcpy(fixture->above, "/tmp/entitymux-test-XXXXXX");
	if (!mkdtemp(fixture->above))
		return -1;
	snprintf(fixture->root, sizeof(fixture->root), "%s/entitymux", fixture->above);
	snprintf(fixture->net, sizeof(fixture->net), "%s/net-%ju", fixture->root,
		 (uintmax_t)status.st_ino);
	em_diag_init(&fixture->diag, open_memstream(&fixture->messages, &fixture->size));
	*state = fixture;
	return fixture->diag.out ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status, (void)type, (void)walk;
	return remove(path);
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	nftw(fixture->above, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	fclose(fixture->diag.out);
	free(fixture->messages);
	free(fixture);
	return 0;
}

static const char *reported(struct fixture *fixture)
{
	fflush(fixture->diag.out);
	return fixture->messages;
}

/* A path below the folder of this namespace. */
static const char *below(const struct fixture *fixture, const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", fixture->net, name);
	return path;
}

static bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

static void put(const char *path, const char *mode, const char *text)
{
	FILE *file = fopen(path, mode);

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static struct em_state *open_state(struct fixture *fixture, enum em_state_mode mode)
{
	struct em_state *state = NULL;

	assert_int_equal(em_state_open_at(&state, fixture->root, mode, &fixture->diag), 0);
	assert_non_null(state);
	return state;
}

static struct em_policy *policy_of(struct fixture *fixture, const char *text)
{
	struct em_policy *policy = NULL;
	char path[96];

	snprintf(path, sizeof(path), "%s/conf", fixture->above);
	put(path, "w", text);
	assert_int_equal(em_config_read(&policy, path, &fixture->diag), 0);
	return policy;
}

static const struct em_attachment attachments[] = {
	{.interface = "eth0", .ifindex = 2, .hook = EM_HOOK_XDP_NATIVE},
	{.interface = "eth1", .ifindex = 30, .hook = EM_HOOK_TC_INGRESS},
};

/* Nothing in it is to be freed. */
static struct em_record record_of(uint32_t generation)
{
	return (struct em_record){
		.generation = generation,
		.backend = EM_BACKEND_XDP,
		.wanted = EM_BACKEND_AUTO,
		.config = (char *)(uintptr_t) "/etc/with blank\xff/entitymux.conf",
		.reason = (char *)(uintptr_t) "eth1: its driver has no XDP",
		.applied_at = "2026-11-22T10:00:00Z",
		.programs = (char *)(uintptr_t) "0.1.0 82b1c3d4e5f60718",
		.attachments = (struct em_attachment *)(uintptr_t)attachments,
		.listeners = 2,
		.entities = 3,
		.n_attachments = 2,
	};
}

static void store(struct fixture *fixture, struct em_state *state, uint32_t generation)
{
	struct em_policy *policy = policy_of(fixture, CONFIG);
	struct em_record record = record_of(generation);

	assert_int_equal(em_generation_store(state, &record, policy, &fixture->diag), 0);
	em_policy_free(policy);
}

/* Whether there is a record of the generation. */
static bool is_recorded(struct fixture *fixture, struct em_state *state, uint32_t generation)
{
	struct em_record record;

	assert_int_equal(em_generation_load_record(state, generation, &record, &fixture->diag), 0);
	assert_true(!record.generation || record.generation == generation);
	generation = record.generation;
	em_record_clear(&record);
	return generation;
}

static uint32_t next(struct fixture *fixture, struct em_state *state, uint32_t floor)
{
	uint32_t generation = 0;

	assert_int_equal(em_generation_next(&generation, state, floor, &fixture->diag), 0);
	return generation;
}

static bool same(struct fixture *fixture, struct em_state *state, uint32_t generation,
		 const struct em_policy *policy)
{
	bool out;

	assert_int_equal(em_generation_same_policy(state, generation, policy, &out, &fixture->diag),
			 0);
	return out;
}

static void test_read_nothing(void **context)
{
	struct fixture *fixture = *context;
	struct em_state *state = open_state(fixture, EM_STATE_READ);
	struct em_policy *policy = policy_of(fixture, CONFIG), *loaded;
	struct em_stats *stats = NULL;

	assert_false(is_recorded(fixture, state, 1));
	assert_int_equal(em_generation_load_policy(state, 1, &loaded, &fixture->diag), 0);
	assert_null(loaded);
	assert_int_equal(next(fixture, state, 5), 6);
	assert_false(same(fixture, state, 1, policy));
	assert_int_equal(em_stats_new(&stats, policy), 0);
	assert_int_equal(em_generation_load_baseline(state, 1, policy, stats, &fixture->diag), 0);
	em_state_close(state);
	assert_false(exists(fixture->root));
	assert_string_equal(reported(fixture), "");
	em_stats_free(stats);
	em_policy_free(policy);
}

static void test_store_load(void **context)
{
	struct fixture *fixture = *context;
	struct em_state *state = open_state(fixture, EM_STATE_WRITE);
	struct em_policy *policy = NULL;
	struct em_record loaded;

	store(fixture, state, 3);
	em_state_close(state);
	state = open_state(fixture, EM_STATE_READ);
	assert_false(is_recorded(fixture, state, 2));
	assert_int_equal(em_generation_load_record(state, 3, &loaded, &fixture->diag), 0);
	assert_int_equal(loaded.generation, 3);
	assert_int_equal(loaded.backend, EM_BACKEND_XDP);
	assert_int_equal(loaded.wanted, EM_BACKEND_AUTO);
	assert_string_equal(loaded.config, "/etc/with blank\xff/entitymux.conf");
	assert_string_equal(loaded.reason, "eth1: its driver has no XDP");
	assert_string_equal(loaded.applied_at, "2026-11-22T10:00:00Z");
	assert_string_equal(loaded.programs, "0.1.0 82b1c3d4e5f60718");
	assert_int_equal(loaded.listeners, 2);
	assert_int_equal(loaded.entities, 3);
	assert_null(loaded.ports);
	assert_int_equal(loaded.n_attachments, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_string_equal(loaded.attachments[i].interface, attachments[i].interface);
		assert_int_equal(loaded.attachments[i].ifindex, attachments[i].ifindex);
		assert_int_equal(loaded.attachments[i].hook, attachments[i].hook);
	}
	em_record_clear(&loaded);
	assert_int_equal(em_generation_load_policy(state, 3, &policy, &fixture->diag), 0);
	assert_true(same(fixture, state, 3, policy));
	assert_string_equal(reported(fixture), "");
	em_policy_free(policy);
	em_state_close(state);
}

static void test_modes(void **context)
{
	static const struct {
		const char *name;
		unsigned int mode;
	} files[] = {
		{"..", 0700},
		{"", 0700},
		{"gen-1", 0700},
		{"gen-1/policy.conf", 0600},
		{"gen-1/listener-1.entities", 0600},
		{"gen-1/record", 0600},
		{"gen-1/baseline", 0600},
		{"namespace", 0600},
		{"lock", 0600},
	};
	struct fixture *fixture = *context;
	mode_t mask = umask(022);
	struct em_state *state = open_state(fixture, EM_STATE_WRITE);
	struct em_policy *policy = policy_of(fixture, CONFIG);
	struct em_stats *stats = NULL;
	struct stat status;

	store(fixture, state, 1);
	assert_int_equal(em_stats_new(&stats, policy), 0);
	assert_int_equal(em_generation_save_baseline(state, 1, policy, stats, &fixture->diag), 0);
	em_stats_free(stats);
	em_policy_free(policy);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		assert_int_equal(stat(below(fixture, files[i].name), &status), 0);
		assert_int_equal(status.st_mode & 07777, files[i].mode);
	}
	em_state_close(state);
	umask(mask);
}

static void test_same_policy(void **context)
{
	struct fixture *fixture = *context;
	struct em_state *state = open_state(fixture, EM_STATE_WRITE);
	struct em_policy *policy = policy_of(fixture, CONFIG);
	uint16_t port = policy->listeners[1].formats->entities[0].action.port;
	struct stat status;

	store(fixture, state, 1);
	assert_true(same(fixture, state, 1, policy));
	assert_false(same(fixture, state, 2, policy));
	/* in an entities file, of the same length */
	policy->listeners[1].formats->entities[0].action.port = port + 1;
	assert_false(same(fixture, state, 1, policy));
	policy->listeners[1].formats->entities[0].action.port = port;
	policy->listeners[1].formats->payload_min++;
	assert_false(same(fixture, state, 1, policy));
	policy->listeners[1].formats->payload_min--;
	/* an entity less: what is stored begins with what is written */
	policy->listeners[0].formats->n_entities--;
	assert_false(same(fixture, state, 1, policy));
	policy->listeners[0].formats->n_entities++;
	policy->n_listeners--;
	assert_false(same(fixture, state, 1, policy));
	policy->n_listeners++;
	assert_true(same(fixture, state, 1, policy));
	put(below(fixture, "gen-1/policy.conf"), "a", "\n");
	assert_false(same(fixture, state, 1, policy));
	assert_int_equal(stat(below(fixture, "gen-1/policy.conf"), &status), 0);
	assert_int_equal(truncate(below(fixture, "gen-1/policy.conf"), status.st_size - 1), 0);
	assert_true(same(fixture, state, 1, policy));
	assert_int_equal(truncate(below(fixture, "gen-1/policy.conf"), status.st_size - 2), 0);
	assert_false(same(fixture, state, 1, policy));
	assert_string_equal(reported(fixture), "");
	em_policy_free(policy);
	em_state_close(state);
}

static void test_next_generation(void **context)
{
	struct fixture *fixture = *context;
	struct em_state *state = open_state(fixture, EM_STATE_WRITE);
	uint32_t generation;

	assert_int_equal(next(fixture, state, 0), 1);
	store(fixture, state, 9);
	store(fixture, state, 10);
	assert_int_equal(next(fixture, state, 0), 11);
	assert_int_equal(next(fixture, state, 10), 11);
	assert_int_equal(next(fixture, state, 20), 21);
	assert_int_equal(mkdir(below(fixture, "gen-12.tmp"), 0755), 0);
	assert_int_equal(next(fixture, state, 0), 13);
	assert_int_equal(mkdir(below(fixture, "gen-99.old"), 0755), 0);
	assert_int_equal(mkdir(below(fixture, "gen-99999999999"), 0755), 0);
	assert_int_equal(mkdir(below(fixture, "gen-4294967295"), 0755), 0);
	assert_int_equal(next(fixture, state, 0), 13);
	/* There is no number above the last, and none is given twice. */
	assert_int_equal(em_generation_next(&generation, state, 2000000000, &fixture->diag),
			 -EOVERFLOW);
	assert_int_equal(em_generation_clean(state, 0, &fixture->diag), 0);
	assert_false(exists(below(fixture, "gen-4294967295")));
	em_state_close(state);
}

static void test_clean(void **context)
{
	struct fixture *fixture = *context;
	struct em_state *state = open_state(fixture, EM_STATE_WRITE);

	for (uint32_t generation = 1; generation <= 4; generation++)
		store(fixture, state, generation);
	assert_int_equal(mkdir(below(fixture, "gen-3.tmp"), 0755), 0);
	put(below(fixture, "gen-3.tmp/policy.conf"), "w", "");
	assert_int_equal(mkdir(below(fixture, "gen-2.tmp"), 0755), 0);
	put(below(fixture, "gen-2.tmp/policy.conf"), "w", "");
	assert_int_equal(em_generation_clean(state, 3, &fixture->diag), 0);
	em_state_close(state);
	assert_false(exists(below(fixture, "gen-1")));
	assert_false(exists(below(fixture, "gen-2")));
	assert_false(exists(below(fixture, "gen-2.tmp")));
	assert_false(exists(below(fixture, "gen-3.tmp")));
	assert_true(exists(below(fixture, "gen-3/policy.conf")));
	assert_false(exists(below(fixture, "gen-4")));

	state = open_state(fixture, EM_STATE_WRITE);
	assert_int_equal(em_generation_clean(state, 0, &fixture->diag), 0);
	assert_int_equal(em_generation_clean(state, 0, &fixture->diag), 0);
	store(fixture, state, 5); /* still usable */
	assert_int_equal(em_generation_clean(state, 0, &fixture->diag), 0);
	assert_true(exists(below(fixture, "lock")));
	em_state_close(state);
	assert_false(exists(fixture->root));
	assert_string_equal(reported(fixture), "");
}

static void test_clean_foreign(void **context)
{
	struct fixture *fixture = *context;
	struct em_state *state = open_state(fixture, EM_STATE_WRITE);

	/* The one that fails is in the middle, in whichever order they are found. */
	for (uint32_t generation = 1; generation <= 3; generation++)
		store(fixture, state, generation);
	assert_int_equal(mkdir(below(fixture, "gen-2/folder"), 0755), 0);
	assert_int_not_equal(em_generation_clean(state, 0, &fixture->diag), 0);
	assert_false(exists(below(fixture, "gen-1")));
	assert_false(exists(below(fixture, "gen-3")));
	assert_non_null(strstr(reported(fixture), fixture->net));
	em_state_close(state);
	assert_true(exists(below(fixture, "lock")));
}

static void test_half_written(void **context)
{
	struct fixture *fixture = *context;
	struct em_state *state = open_state(fixture, EM_STATE_WRITE);
	struct em_policy *policy = policy_of(fixture, CONFIG);
	char whole[256];

	store(fixture, state, 1);
	snprintf(whole, sizeof(whole), "%s", below(fixture, "gen-1"));
	assert_int_equal(rename(whole, below(fixture, "gen-2.tmp")), 0);
	assert_false(is_recorded(fixture, state, 2));
	assert_false(same(fixture, state, 2, policy));
	put(below(fixture, "gen-2.tmp/leftover"), "w", "");
	store(fixture, state, 2);
	assert_false(exists(below(fixture, "gen-2.tmp")));
	assert_false(exists(below(fixture, "gen-2/leftover")));
	assert_true(is_recorded(fixture, state, 2));
	assert_string_equal(reported(fixture), "");
	em_policy_free(policy);
	em_state_close(state);
}

static void test_store_twice(void **context)
{
	struct fixture *fixture = *context;
	struct em_state *state = open_state(fixture, EM_STATE_WRITE);
	struct em_policy *policy = policy_of(fixture, CONFIG);
	struct em_record record = record_of(1), loaded;

	store(fixture, state, 1);
	strcpy(record.applied_at, "later");
	assert_int_not_equal(em_generation_store(state, &record, policy, &fixture->diag), 0);
	assert_int_equal(fixture->diag.errors, 1);
	assert_false(exists(below(fixture, "gen-1.tmp")));
	assert_int_equal(em_generation_load_record(state, 1, &loaded, &fixture->diag), 0);
	assert_string_equal(loaded.applied_at, "2026-11-22T10:00:00Z");
	em_record_clear(&loaded);
	em_policy_free(policy);
	em_state_close(state);
}

/* In ranges. */
static void test_ports(void **context)
{
	char waiting[][EM_INTERFACE_MAX + 1] = {"wg0", "an\\alternative\\name"};
	struct em_edited edited[] = {{"a", "0x0a00/8", true}, {"a:v9", "0x01..0x03", false}};
	static const uint16_t ports[] = {1, 6001, 6002, 6003, 65534, 65535};
	struct em_ports written = {.words = {0}};
	struct em_record record = record_of(1), loaded = {0};
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	(void)context;
	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++)
		em_ports_add(&written, ports[i]);
	record.ports = &written;
	record.edits = 7;
	record.header_limit = 12;
	record.edited = (struct em_edited_list){edited, 2};
	record.waiting = waiting;
	record.n_waiting = 2;
	record.samples = 1;
	assert_int_equal(em_record_write(&record, file), 0);
	fclose(file);
	assert_non_null(strstr(text, "\nports 1,6001-6003,65534-65535\n"));
	file = fmemopen(text, size, "r");
	assert_int_equal(em_record_read(&loaded, file), 0);
	fclose(file);
	free(text);
	assert_memory_equal(loaded.ports, &written, sizeof(written));
	assert_int_equal(loaded.edits, 7);
	assert_int_equal(loaded.header_limit, 12);
	assert_int_equal(loaded.edited.n, 2);
	assert_string_equal(loaded.edited.all[0].where, "a");
	assert_string_equal(loaded.edited.all[0].tag, "0x0a00/8");
	assert_true(loaded.edited.all[0].added);
	assert_string_equal(loaded.edited.all[1].where, "a:v9");
	assert_false(loaded.edited.all[1].added);
	assert_int_equal(loaded.n_waiting, 2);
	assert_string_equal(loaded.waiting[0], "wg0");
	assert_string_equal(loaded.waiting[1], "an\\alternative\\name");
	assert_int_equal(loaded.samples, 1);
	em_record_clear(&loaded);

	em_ports_subtract(&written, &written);
	file = open_memstream(&text, &size);
	assert_int_equal(em_record_write(&record, file), 0);
	fclose(file);
	assert_non_null(strstr(text, "\nports\n"));
	file = fmemopen(text, size, "r");
	assert_int_equal(em_record_read(&loaded, file), 0);
	fclose(file);
	free(text);
	assert_memory_equal(loaded.ports, &written, sizeof(written));
	em_record_clear(&loaded);
}

#define FACTS "backend xdp\nwanted auto\nconfig c\nreason r\napplied_at t\n"

/* It is as if it were not there, and a warning says so. */
static void test_malformed_record(void **context)
{
	static const char *const malformed[] = {
		"",
		"generation 1\n" FACTS,
		"format 2\ngeneration 1\n" FACTS,
		"format 1\ngeneration 2\n" FACTS,
		"format 1\n" FACTS,
		"format 1\ngeneration 1\nbackend xdq\nconfig c\nreason r\napplied_at t\n",
		"format 1\ngeneration 1\nbackend xdp\nreason r\napplied_at t\n",
		"format 1\ngeneration 1\n" FACTS "attachment 1 xdp-native\n",
		"format 1\ngeneration 1\n" FACTS "attachment 1 at-the-switch eth0\n",
		"format 1\ngeneration 1\n" FACTS "attachment 1 xdp-native eth0",
		"format 1\ngeneration 1\n" FACTS "ports 1-\n",
		"format 1\ngeneration 1\n" FACTS "ports 1,65536\n",
		"format 1\ngeneration 1\n" FACTS "ports x\n",
	};
	struct fixture *fixture = *context;
	struct em_state *state = open_state(fixture, EM_STATE_WRITE);
	unsigned int warnings = 0;

	store(fixture, state, 1);
	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
		put(below(fixture, "gen-1/record"), "w", malformed[i]);
		if (is_recorded(fixture, state, 1))
			fail_msg("accepted: %s", malformed[i]);
		assert_int_equal(fixture->diag.warnings, ++warnings);
	}
	unlink(below(fixture, "gen-1/record"));
	assert_false(is_recorded(fixture, state, 1));
	assert_int_equal(fixture->diag.warnings, ++warnings);
	assert_int_equal(fixture->diag.errors, 0);
	em_state_close(state);
}

/* Keys and words that a newer version has added. */
static void test_newer_record(void **context)
{
	struct fixture *fixture = *context;
	struct em_state *state = open_state(fixture, EM_STATE_WRITE);
	struct em_record loaded;

	store(fixture, state, 1);
	put(below(fixture, "gen-1/record"), "w",
	    "format 1\ngeneration 1\nodd\n" FACTS
	    "healed 7 times\nattachment 3 tc-ingress eth7 since yesterday\n\n");
	assert_int_equal(em_generation_load_record(state, 1, &loaded, &fixture->diag), 0);
	assert_int_equal(loaded.generation, 1);
	assert_int_equal(loaded.n_attachments, 1);
	assert_string_equal(loaded.attachments[0].interface, "eth7");
	assert_string_equal(loaded.config, "c");
	assert_string_equal(reported(fixture), "");
	em_record_clear(&loaded);
	em_state_close(state);
}

static void test_malformed_policy(void **context)
{
	struct fixture *fixture = *context;
	struct em_state *state = open_state(fixture, EM_STATE_WRITE);
	struct em_policy *loaded;

	store(fixture, state, 1);
	put(below(fixture, "gen-1/policy.conf"), "w", "listeners = 1;\n");
	assert_int_equal(em_generation_load_policy(state, 1, &loaded, &fixture->diag), 0);
	assert_null(loaded);
	assert_int_equal(fixture->diag.warnings, 1);
	unlink(below(fixture, "gen-1/policy.conf"));
	assert_int_equal(em_generation_load_policy(state, 1, &loaded, &fixture->diag), 0);
	assert_null(loaded);
	assert_int_equal(fixture->diag.warnings, 2);
	assert_int_equal(fixture->diag.errors, 0);
	em_state_close(state);
}

/* What cannot be read because a system call fails is there all the same. */
static void test_no_descriptors(void **context)
{
	struct fixture *fixture = *context;
	struct em_state *state = open_state(fixture, EM_STATE_WRITE);
	struct em_policy *policy = policy_of(fixture, CONFIG), *loaded;
	struct rlimit before, none = {0};
	struct em_stats *stats = NULL;
	struct em_record record;
	uint32_t generation;
	bool out;

	store(fixture, state, 1);
	assert_int_equal(em_stats_new(&stats, policy), 0);
	assert_int_equal(em_generation_save_baseline(state, 1, policy, stats, &fixture->diag), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(em_generation_load_record(state, 1, &record, &fixture->diag), -EMFILE);
	assert_int_equal(em_generation_load_policy(state, 1, &loaded, &fixture->diag), -EMFILE);
	assert_int_equal(em_generation_same_policy(state, 1, policy, &out, &fixture->diag),
			 -EMFILE);
	assert_int_equal(em_generation_load_baseline(state, 1, policy, stats, &fixture->diag),
			 -EMFILE);
	assert_int_equal(em_generation_next(&generation, state, 0, &fixture->diag), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(fixture->diag.errors, 5);
	assert_int_equal(fixture->diag.warnings, 0);
	em_stats_free(stats);
	em_policy_free(policy);
	em_state_close(state);
}

static void test_baseline(void **context)
{
	struct fixture *fixture = *context;
	struct em_state *state = open_state(fixture, EM_STATE_WRITE);
	struct em_policy *policy = policy_of(fixture, CONFIG);
	struct em_stats *stats = NULL, *loaded = NULL;
	unsigned long lost = 0;
	FILE *old;

	store(fixture, state, 1);
	assert_int_equal(em_stats_new(&stats, policy), 0);
	assert_int_equal(em_stats_new(&loaded, policy), 0);
	assert_int_equal(em_generation_load_baseline(state, 1, policy, loaded, &fixture->diag), 0);
	assert_int_equal(loaded->listeners[0].unknown, 0);

	stats->listeners[0].unknown = 5;
	stats->listeners[0].entities[1].bytes = (uint64_t)-7;
	assert_int_equal(em_generation_save_baseline(state, 1, policy, stats, &fixture->diag), 0);
	old = fopen(below(fixture, "gen-1/baseline"), "r");
	assert_non_null(old);
	stats->listeners[0].unknown = 6;
	assert_int_equal(em_generation_save_baseline(state, 1, policy, stats, &fixture->diag), 0);
	/* Replaced, not written over: the old one is still whole. */
	assert_int_equal(em_baseline_read(old, policy, loaded, &lost), 0);
	assert_int_equal(loaded->listeners[0].unknown, 5);
	em_stats_free(loaded);
	assert_int_equal(em_stats_new(&loaded, policy), 0);
	fclose(old);
	put(below(fixture, "gen-1/baseline.tmp"), "w", "half"); /* of a run that died */
	loaded->listeners[0].unknown = 1;
	assert_int_equal(em_generation_load_baseline(state, 1, policy, loaded, &fixture->diag), 0);
	assert_int_equal(loaded->listeners[0].unknown, 7);
	assert_int_equal(loaded->listeners[0].entities[1].bytes, (uint64_t)-7);
	assert_string_equal(reported(fixture), "");

	put(below(fixture, "gen-1/baseline"), "a", "half");
	assert_int_equal(em_generation_load_baseline(state, 1, policy, loaded, &fixture->diag), 0);
	assert_int_equal(loaded->listeners[0].unknown, 13);
	assert_int_equal(fixture->diag.warnings, 1);
	put(below(fixture, "gen-1/baseline"), "w", "half");
	assert_int_equal(em_generation_load_baseline(state, 1, policy, loaded, &fixture->diag), 0);
	assert_int_equal(fixture->diag.warnings, 2);
	assert_int_equal(fixture->diag.errors, 0);
	/* not stored */
	assert_int_not_equal(em_generation_save_baseline(state, 2, policy, stats, &fixture->diag),
			     0);
	assert_int_equal(fixture->diag.errors, 1);
	em_stats_free(loaded);
	em_stats_free(stats);
	em_policy_free(policy);
	em_state_close(state);
}

/* Another boot, or another namespace with the same inode number. */
static void check_stale(struct fixture *fixture, const char *line, const char *other)
{
	struct em_state *state = open_state(fixture, EM_STATE_WRITE);
	char identity[256] = "", *at;
	FILE *file;

	store(fixture, state, 1);
	em_state_close(state);
	file = fopen(below(fixture, "namespace"), "r");
	assert_non_null(file);
	identity[fread(identity, 1, sizeof(identity) - 1, file)] = '\0';
	fclose(file);
	at = strstr(identity, line);
	assert_non_null(at);
	memcpy(at, other, strlen(other));
	put(below(fixture, "namespace"), "w", identity);

	state = open_state(fixture, EM_STATE_READ);
	assert_false(is_recorded(fixture, state, 1));
	assert_int_equal(next(fixture, state, 0), 1);
	em_state_close(state);
	assert_true(exists(below(fixture, "gen-1")));
	state = open_state(fixture, EM_STATE_WRITE);
	assert_false(exists(below(fixture, "gen-1")));
	store(fixture, state, 1);
	em_state_close(state);
	state = open_state(fixture, EM_STATE_READ);
	assert_true(is_recorded(fixture, state, 1));
	em_state_close(state);
	assert_string_equal(reported(fixture), "");
}

static void test_other_boot(void **context)
{
	check_stale(*context, "boot ", "boot xxxx");
}

static void test_other_cookie(void **context)
{
	check_stale(*context, "cookie ", "cookie x");
}

/* Makes the folder of another namespace, with a generation.  Its lock is returned. */
static int make_other(const struct fixture *fixture, const char *name, const char *identity)
{
	char path[320];
	int lock;

	snprintf(path, sizeof(path), "%s/%s", fixture->root, name);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/%s/namespace", fixture->root, name);
	put(path, "w", identity);
	snprintf(path, sizeof(path), "%s/%s/gen-1", fixture->root, name);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/%s/lock", fixture->root, name);
	lock = open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(lock >= 0);
	return lock;
}

static bool has_other(const struct fixture *fixture, const char *name)
{
	char path[320];

	snprintf(path, sizeof(path), "%s/%s/gen-1", fixture->root, name);
	return exists(path);
}

/*
 * Only folders of namespaces that are gone for certain, here those of an earlier boot, that nobody
 * has locked, and only by a run that writes.
 */
static void test_sweep(void **context)
{
	const char *earlier = "boot 00000000-0000-0000-0000-000000000000\ncookie 1\n";
	struct fixture *fixture = *context;
	struct em_state *state = open_state(fixture, EM_STATE_WRITE);
	char identity[256] = "", path[320];
	FILE *file = fopen(below(fixture, "namespace"), "r");
	int locked;

	assert_non_null(file);
	identity[fread(identity, 1, sizeof(identity) - 1, file)] = '\0';
	fclose(file);
	/* Of this boot, by a kernel that tells no cookie. */
	strcpy(strchr(identity, '\n'), "\ncookie 0\n");
	store(fixture, state, 1);
	em_state_close(state);
	close(make_other(fixture, "net-1", earlier));
	close(make_other(fixture, "net-2", identity));
	close(make_other(fixture, "net-3", "boot 0000"));
	locked = make_other(fixture, "net-4", earlier);
	assert_int_equal(flock(locked, LOCK_SH), 0);
	close(make_other(fixture, "net-5", earlier));
	/* cannot be removed */
	snprintf(path, sizeof(path), "%s/net-5/gen-1.tmp", fixture->root);
	put(path, "w", "");
	em_state_close(open_state(fixture, EM_STATE_READ));
	assert_true(has_other(fixture, "net-1"));
	em_state_close(open_state(fixture, EM_STATE_WRITE));
	snprintf(path, sizeof(path), "%s/net-1", fixture->root);
	assert_false(exists(path));
	assert_true(has_other(fixture, "net-2"));
	assert_true(has_other(fixture, "net-3"));
	assert_true(has_other(fixture, "net-4"));
	assert_true(has_other(fixture, "net-5"));
	assert_true(exists(below(fixture, "gen-1")));
	close(locked);
	em_state_close(open_state(fixture, EM_STATE_WRITE));
	assert_false(has_other(fixture, "net-4"));
	assert_string_equal(reported(fixture), "");
}

/* What fails for want of descriptors, and where it does not, is what it is without. */
static void check_descriptors(struct fixture *fixture, enum em_state_mode mode, rlim_t limit)
{
	struct rlimit before, few;
	struct em_state *state = NULL;
	int rc;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = (struct rlimit){limit, before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	rc = em_state_open_at(&state, fixture->root, mode, &fixture->diag);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	if (rc)
		assert_int_equal(rc, -EMFILE);
	else
		assert_int_equal(next(fixture, state, 0), 2);
	em_state_close(state);
	assert_true(exists(below(fixture, "gen-1")));
}

static void test_few_descriptors(void **context)
{
	struct fixture *fixture = *context;
	struct em_state *state = open_state(fixture, EM_STATE_WRITE);
	int lowest;

	store(fixture, state, 1);
	em_state_close(state);
	lowest = dup(STDERR_FILENO);
	assert_true(lowest >= 0);
	close(lowest);
	for (int more = 0; more < 8; more++) {
		check_descriptors(fixture, EM_STATE_READ, lowest + more);
		check_descriptors(fixture, EM_STATE_WRITE, lowest + more);
	}
}

/* Runs body in a child that ends with its result; a child that hangs is ended by its alarm. */
static pid_t run(int (*body)(struct fixture *fixture, int in, int out), struct fixture *fixture,
		 int in, int out)
{
	pid_t child = fork();

	assert_true(child >= 0);
	if (child)
		return child;
	alarm(30);
	_exit(body(fixture, in, out));
}

static void assert_done(pid_t child)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* Whether something can be read within a time. */
static bool comes(int fd, int milliseconds)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};

	return poll(&wait, 1, milliseconds) == 1;
}

static void take(int fd)
{
	char byte;

	assert_true(comes(fd, 10000));
	assert_int_equal(read(fd, &byte, 1), 1);
}

/* Each opens, says so, waits to be told, and closes. */
static int hold(struct fixture *fixture, enum em_state_mode mode, int in, int out)
{
	struct em_state *state = NULL;
	char byte = 0;

	if (em_state_open_at(&state, fixture->root, mode, &fixture->diag))
		return 1;
	if (write(out, &byte, 1) != 1 || read(in, &byte, 1) != 1)
		return 2;
	em_state_close(state);
	/* Had to wait or not: the caller knows which. */
	return fixture->diag.errors ? 3 : !strcmp(reported(fixture), "") ? 0 : 4;
}

static int hold_write(struct fixture *fixture, int in, int out)
{
	return hold(fixture, EM_STATE_WRITE, in, out);
}

static int hold_read(struct fixture *fixture, int in, int out)
{
	return hold(fixture, EM_STATE_READ, in, out);
}

static int wait_then(struct fixture *fixture, enum em_state_mode mode, int in, int out)
{
	if (hold(fixture, mode, in, out) != 4)
		return 1;
	return strcmp(reported(fixture), "entitymux: waiting for another entitymux run\n") != 0;
}

static int wait_write(struct fixture *fixture, int in, int out)
{
	return wait_then(fixture, EM_STATE_WRITE, in, out);
}

static int wait_read(struct fixture *fixture, int in, int out)
{
	return wait_then(fixture, EM_STATE_READ, in, out);
}

/* Another run holds the lock, and neither is waited for it nor is that reported. */
static int try_read(struct fixture *fixture, int in, int out)
{
	struct em_state *state = NULL;
	char byte = 0;

	if (em_state_open_at(&state, fixture->root, EM_STATE_TRY, &fixture->diag) != -EBUSY)
		return 1;
	if (write(out, &byte, 1) != 1 || read(in, &byte, 1) != 1)
		return 2;
	return fixture->diag.errors || strcmp(reported(fixture), "");
}

static int hold_tried(struct fixture *fixture, int in, int out)
{
	return hold(fixture, EM_STATE_TRY, in, out);
}

/* Whether a child has come to wait for a lock, as the kernel sees it. */
static bool waits_for_lock(pid_t child)
{
	static const struct timespec moment = {.tv_nsec = 5000000};
	char line[256];
	bool waits = false;
	int pid;

	for (int i = 0; i < 2000 && !waits; i++) {
		FILE *locks = fopen("/proc/locks", "re");

		assert_non_null(locks);
		while (!waits && fgets(line, sizeof(line), locks))
			waits = sscanf(line, "%*d: -> FLOCK %*s %*s %d", &pid) == 1 && pid == child;
		fclose(locks);
		nanosleep(&moment, NULL);
	}
	return waits;
}

typedef int holder(struct fixture *fixture, int in, int out);

/* The first holds the lock; the second gets it only after the first has gone, or at once. */
static void check_pair(struct fixture *fixture, holder *first, holder *second, bool excludes)
{
	int to_first[2], from_first[2], to_second[2], from_second[2];
	pid_t one, two;

	assert_int_equal(pipe2(to_first, O_CLOEXEC) | pipe2(from_first, O_CLOEXEC) |
				 pipe2(to_second, O_CLOEXEC) | pipe2(from_second, O_CLOEXEC),
			 0);
	one = run(first, fixture, to_first[0], from_first[1]);
	take(from_first[0]);
	two = run(second, fixture, to_second[0], from_second[1]);
	if (excludes)
		assert_true(waits_for_lock(two));
	assert_int_equal(comes(from_second[0], excludes ? 0 : 10000), !excludes);
	assert_int_equal(write(to_first[1], "", 1), 1);
	assert_done(one);
	take(from_second[0]);
	assert_int_equal(write(to_second[1], "", 1), 1);
	assert_done(two);
	for (int i = 0; i < 2; i++) {
		close(to_first[i]);
		close(from_first[i]);
		close(to_second[i]);
		close(from_second[i]);
	}
}

static void test_lock(void **context)
{
	struct fixture *fixture = *context;
	struct em_state *state;

	/* Without a generation, the first takes the folder away, and the lock with it. */
	check_pair(fixture, hold_write, wait_write, true);
	assert_false(exists(fixture->root));
	check_pair(fixture, hold_write, wait_read, true);

	state = open_state(fixture, EM_STATE_WRITE);
	store(fixture, state, 1);
	em_state_close(state);
	check_pair(fixture, hold_write, wait_write, true);
	check_pair(fixture, hold_write, wait_read, true);
	check_pair(fixture, hold_read, wait_write, true);
	check_pair(fixture, hold_read, hold_read, false);
	check_pair(fixture, hold_write, try_read, false);
	check_pair(fixture, hold_read, hold_tried, false);
	check_pair(fixture, hold_tried, wait_write, true);
	assert_true(exists(below(fixture, "gen-1")));
}

/* Takes and gives back the lock again and again; `inside` can be made only by one at a time. */
static int struggle(struct fixture *fixture, int in, int out)
{
	char inside[96];
	int fd;

	(void)in, (void)out;
	snprintf(inside, sizeof(inside), "%s/inside", fixture->above);
	for (int i = 0; i < 300; i++) {
		struct em_state *state = NULL;

		if (em_state_open_at(&state, fixture->root, EM_STATE_WRITE, &fixture->diag))
			return 1;
		fd = open(inside, O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd < 0)
			return 2;
		close(fd);
		sched_yield();
		if (!exists(below(fixture, "lock")) || unlink(inside))
			return 3;
		em_state_close(state);
	}
	return 0;
}

static void test_lock_struggle(void **context)
{
	struct fixture *fixture = *context;
	pid_t children[4];

	for (size_t i = 0; i < 4; i++)
		children[i] = run(struggle, fixture, -1, -1);
	for (size_t i = 0; i < 4; i++)
		assert_done(children[i]);
	assert_false(exists(fixture->root));
}

static int store_elsewhere(struct fixture *fixture, int in, int out)
{
	struct em_policy *policy = policy_of(fixture, CONFIG);
	struct em_record record = record_of(8);
	struct em_state *state = NULL;

	(void)in, (void)out;
	if (unshare(CLONE_NEWNET))
		return 77;
	if (em_state_open_at(&state, fixture->root, EM_STATE_WRITE, &fixture->diag))
		return 1;
	if (is_recorded(fixture, state, 7) ||
	    em_generation_store(state, &record, policy, &fixture->diag))
		return 2;
	em_state_close(state);
	em_policy_free(policy);
	return 0;
}

static void test_other_namespace(void **context)
{
	struct fixture *fixture = *context;
	struct em_state *state = open_state(fixture, EM_STATE_WRITE);
	pid_t child;
	int status;

	store(fixture, state, 7);
	child = run(store_elsewhere, fixture, -1, -1); /* does not wait for the lock of ours */
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		print_message("no new network namespace here: not tried\n");
	else
		assert_int_equal(WEXITSTATUS(status), 0);
	assert_false(exists(below(fixture, "gen-8")));
	em_state_close(state);
}

static void test_unwritable(void **context)
{
	struct fixture *fixture = *context;
	struct em_state *state = NULL;

	put(fixture->root, "w", "not a folder");
	assert_true(em_state_open_at(&state, fixture->root, EM_STATE_WRITE, &fixture->diag) < 0);
	assert_true(em_state_open_at(&state, fixture->root, EM_STATE_READ, &fixture->diag) < 0);
	assert_null(state);
	assert_int_equal(fixture->diag.errors, 2);
	assert_non_null(strstr(reported(fixture), fixture->root));
	assert_non_null(strstr(reported(fixture), strerror(ENOTDIR)));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_read_nothing),    TEST(test_store_load),
		TEST(test_read_nothing),    TEST(test_ports),
		TEST(test_modes),	    TEST(test_same_policy),
		TEST(test_next_generation), TEST(test_clean),
		TEST(test_clean_foreign),   TEST(test_half_written),
		TEST(test_store_twice),	    TEST(test_malformed_record),
		TEST(test_newer_record),    TEST(test_malformed_policy),
		TEST(test_no_descriptors),  TEST(test_baseline),
		TEST(test_other_boot),	    TEST(test_other_cookie),
		TEST(test_sweep),	    TEST(test_lock),
		TEST(test_lock_struggle),   TEST(test_other_namespace),
		TEST(test_unwritable),	    TEST(test_few_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
