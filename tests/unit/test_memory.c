/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * What libnftnl has no memory for: nothing else is sent in its place, and what is there does not
 * count as missing.
 *
 * Linked with --wrap: one call of libnftnl fails, or takes an answer apart as the test says.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <libnftnl/expr.h>

#include "config/config.h"
#include "nft/message.h"
#include "nft/parsed.h"

/* Sending. */

#define ROUNDS 300 /* about as many calls fail, one by one */

static unsigned int calls, failing; /* so far, and the one that fails */

static bool fails(void)
{
	return ++calls == failing;
}

#define WRAP_ALLOC(type, name, parameters, arguments)                                              \
	type *__real_##name parameters;                                                            \
	__attribute__((used)) type *__wrap_##name parameters;                                      \
	type *__wrap_##name parameters                                                             \
	{                                                                                          \
		return fails() ? NULL : __real_##name arguments;                                   \
	}
#define WRAP_SET(name, parameters, arguments)                                                      \
	int __real_##name parameters;                                                              \
	__attribute__((used)) int __wrap_##name parameters;                                        \
	int __wrap_##name parameters                                                               \
	{                                                                                          \
		return fails() ? -1 : __real_##name arguments;                                     \
	}

WRAP_ALLOC(struct nftnl_rule, nftnl_rule_alloc, (void), ())
WRAP_ALLOC(struct nftnl_set, nftnl_set_alloc, (void), ())
WRAP_ALLOC(struct nftnl_expr, nftnl_expr_alloc, (const char *name), (name))
WRAP_SET(nftnl_expr_set_str, (struct nftnl_expr * e, uint16_t attribute, const char *text),
	 (e, attribute, text))
WRAP_SET(nftnl_rule_set_str, (struct nftnl_rule * rule, uint16_t attribute, const char *text),
	 (rule, attribute, text))
WRAP_SET(nftnl_rule_set_data,
	 (struct nftnl_rule * rule, uint16_t attribute, const void *data, uint32_t length),
	 (rule, attribute, data, length))
WRAP_SET(nftnl_set_set_str, (struct nftnl_set * set, uint16_t attribute, const char *text),
	 (set, attribute, text))
WRAP_SET(nftnl_set_set_data,
	 (struct nftnl_set * set, uint16_t attribute, const void *data, uint32_t length),
	 (set, attribute, data, length))

/* Returns the batch's error. */
static int send_all(const struct em_ruleset *ruleset, unsigned int which, struct em_diag *diag)
{
	struct em_batch batch;
	int error;

	calls = 0;
	failing = which;
	assert_int_equal(em_batch_init(&batch, diag), 0);
	em_message_objects(&batch, ruleset);
	em_message_chains(&batch, ruleset);
	for (enum em_table table = 0; table < EM_TABLES; table++)
		em_message_bases(&batch, ruleset, table);
	error = batch.error;
	em_batch_clear(&batch);
	failing = 0;
	return error;
}

static void test_messages(void **state)
{
	const char *srcdir = getenv("srcdir");
	struct em_policy *policy = NULL;
	struct em_ruleset *ruleset = NULL;
	struct em_diag diag;
	unsigned int all;
	char *path;

	assert_true(asprintf(&path, "%s/tests/unit/golden/%s.conf", srcdir ? srcdir : ".",
			     (const char *)*state) > 0);
	em_diag_init(&diag, stderr);
	assert_int_equal(em_config_read(&policy, path, &diag), 0);
	assert_int_equal(em_ruleset_new(&ruleset, policy, 1, (struct em_form){.ifb = 7}), 0);
	assert_int_equal(send_all(ruleset, 0, &diag), 0);
	all = calls;
	assert_true(all > 0);
	for (unsigned int which = 1; which <= all; which += 1 + all / ROUNDS)
		if (send_all(ruleset, which, &diag) != -ENOMEM)
			fail_msg("call %u of %u fails without an error", which, all);
	em_ruleset_free(ruleset);
	em_policy_free(policy);
	free(path);
}

/* Receiving. */

static struct {
	const char *table, *name;
	int result, error;
} answer;

__attribute__((used)) int __wrap_nftnl_obj_nlmsg_parse(const struct nlmsghdr *message,
						       struct nftnl_obj *object);

int __wrap_nftnl_obj_nlmsg_parse(const struct nlmsghdr *message, struct nftnl_obj *object)
{
	(void)message;
	if (answer.table)
		nftnl_obj_set_str(object, NFTNL_OBJ_TABLE, answer.table);
	if (answer.name)
		nftnl_obj_set_str(object, NFTNL_OBJ_NAME, answer.name);
	errno = answer.error;
	return answer.result;
}

static int parse(struct nftnl_obj **object)
{
	const struct nlmsghdr message = {.nlmsg_len = sizeof(message)};

	errno = ENOMEM; /* of something else, before */
	*object = NULL;
	return em_parsed_obj(object, &message);
}

static void test_answer(void **state)
{
	struct nftnl_obj *object;

	(void)state;
	answer.table = "entitymux";
	answer.name = "v1-one";
	answer.result = answer.error = 0;
	assert_int_equal(parse(&object), MNL_CB_OK);
	assert_string_equal(nftnl_obj_get_str(object, NFTNL_OBJ_NAME), "v1-one");
	em_parsed_obj_freep(&object);
	assert_null(object);
}

static void test_answer_without_memory(void **state)
{
	struct nftnl_obj *object;

	(void)state;
	answer.table = "entitymux";
	answer.name = "v1-one";
	answer.result = -1;
	answer.error = ENOMEM;
	assert_int_equal(parse(&object), MNL_CB_ERROR);
	assert_int_equal(errno, ENOMEM);
	assert_null(object);
}

/* As libnftnl 1.2.4 does. */
static void test_answer_without_a_name(void **state)
{
	struct nftnl_obj *object;

	(void)state;
	answer.result = answer.error = 0;
	for (int i = 0; i < 2; i++) {
		answer.table = i ? "entitymux" : NULL;
		answer.name = i ? NULL : "v1-one";
		assert_int_equal(parse(&object), MNL_CB_ERROR);
		assert_int_equal(errno, ENOMEM);
		assert_null(object);
	}
}

static void test_answer_that_is_not_understood(void **state)
{
	struct nftnl_obj *object;

	(void)state;
	answer.table = answer.name = NULL;
	answer.result = -1;
	for (int i = 0; i < 2; i++) {
		answer.error = i ? EOPNOTSUPP : 0;
		assert_int_equal(parse(&object), MNL_CB_OK);
		assert_null(object);
	}
}

/* cmocka wants it without const. */
#define MESSAGES(golden)                                                                           \
	{                                                                                          \
		"test_messages: " golden, test_messages, NULL, NULL, (void *)(uintptr_t)(golden)   \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MESSAGES("basic"),
		MESSAGES("actions"),
		MESSAGES("copies"),
		MESSAGES("exploring"),
		MESSAGES("replies"),
		MESSAGES("sources"),
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_answer_without_memory),
		cmocka_unit_test(test_answer_without_a_name),
		cmocka_unit_test(test_answer_that_is_not_understood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
