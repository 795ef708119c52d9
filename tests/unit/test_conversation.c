/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * Which conversations a policy has: of which listeners, each once, with which timeout; and which
 * listener is the first to have any.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/config.h"
#include "policy/conversation.h"

static struct em_policy *read_policy(void)
{
	const char *srcdir = getenv("srcdir");
	struct em_policy *policy = NULL;
	struct em_diag diag;
	char *path;

	assert_true(asprintf(&path, "%s/tests/unit/golden/replies.conf", srcdir ? srcdir : ".") >
		    0);
	em_diag_init(&diag, stderr);
	assert_int_equal(em_config_read(&policy, path, &diag), 0);
	free(path);
	return policy;
}

static void check_all(const struct em_policy *policy, const struct em_conversation *expected,
		      size_t n)
{
	struct em_conversations conversations;

	assert_int_equal(em_conversations_init(&conversations, policy), 0);
	assert_int_equal(conversations.n, n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(conversations.all[i].known, expected[i].known);
		assert_int_equal(conversations.all[i].target, expected[i].target);
		assert_int_equal(conversations.all[i].timeout, expected[i].timeout);
	}
	em_conversations_clear(&conversations);
	assert_int_equal(conversations.n, 0);
}

/*
 * Two entities with one port are one conversation; the port for what is unknown makes another, and
 * an entity at the listener's own port none.
 */
static void test_each_once(void **state)
{
	static const struct em_conversation expected[] = {
		{5000, 6001, 60}, {5000, 6002, 60}, {5001, 6002, 86400}, {5000, 7000, 60}};
	struct em_policy *policy = read_policy();

	(void)state;
	check_all(policy, expected, 4);
	em_policy_free(policy);
}

/* Listeners on one port, of which one is on other interfaces, have theirs in common. */
static void test_longest_timeout(void **state)
{
	static const struct em_conversation longer[] = {
		{5001, 5000, 60}, {5001, 6001, 60}, {5001, 6002, 86400}, {5001, 7000, 60}};
	static const struct em_conversation shorter[] = {
		{5001, 5000, 60}, {5001, 6001, 60}, {5001, 6002, 60}, {5001, 7000, 60}};
	struct em_policy *policy = read_policy();

	(void)state;
	policy->listeners[0].port = 5001;
	check_all(policy, longer, 4);
	policy->listeners[1].flow_timeout = 59;
	check_all(policy, shorter, 4);
	em_policy_free(policy);
}

static void test_have(void **state)
{
	static const struct {
		uint16_t known;
		uint16_t target;
		bool have;
	} samples[] = {
		{5000, 6001, true},  {5000, 6002, true},  {5000, 7000, true},
		{5001, 6002, true},  {5000, 5000, false}, {5001, 6001, false},
		{5001, 7000, false}, {5002, 6003, false}, {6001, 5000, false},
		{5000, 0, false},    {0, 6001, false},	  {65535, 65535, false},
	};
	struct em_policy *policy = read_policy();
	struct em_conversations conversations;

	(void)state;
	assert_int_equal(em_conversations_init(&conversations, policy), 0);
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
		assert_int_equal(!!em_conversations_find(&conversations, samples[i].known,
							 samples[i].target),
				 samples[i].have);
	em_conversations_clear(&conversations);
	em_policy_free(policy);
}

static void test_none(void **state)
{
	struct em_policy *policy = read_policy();
	struct em_conversations conversations;

	(void)state;
	check_all(NULL, NULL, 0);
	for (size_t i = 0; i < policy->n_listeners; i++)
		policy->listeners[i].replies = false;
	check_all(policy, NULL, 0);
	assert_null(em_conversation_first(policy));
	assert_int_equal(em_conversations_init(&conversations, policy), 0);
	assert_null(em_conversations_find(&conversations, 5000, 6001));
	em_conversations_clear(&conversations);
	em_policy_free(policy);
}

static void test_first(void **state)
{
	struct em_policy *policy = read_policy();

	(void)state;
	assert_ptr_equal(em_conversation_first(policy), &policy->listeners[0]);
	policy->listeners[0].replies = false;
	assert_ptr_equal(em_conversation_first(policy), &policy->listeners[1]);
	em_policy_free(policy);
}

static void test_on(void **state)
{
	struct em_policy *policy = read_policy();

	(void)state;
	assert_non_null(em_conversation_on(policy, "va"));
	assert_non_null(em_conversation_on(policy, "vb"));
	assert_null(em_conversation_on(policy, "v"));
	for (size_t i = 0; i < policy->n_listeners; i++)
		policy->listeners[i].replies = i == 1;
	assert_non_null(em_conversation_on(policy, "va"));
	assert_null(em_conversation_on(policy, "vb"));
	em_policy_free(policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_once), cmocka_unit_test(test_longest_timeout),
		cmocka_unit_test(test_have),	  cmocka_unit_test(test_none),
		cmocka_unit_test(test_first),	  cmocka_unit_test(test_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
