/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * The kernel as it is seldom met: interrupted calls, dumps that change, answers that are lost.
 *
 * Linked with --wrap: what is sent goes nowhere, and what is received is told by each test.
 */
#include <errno.h>
#include <limits.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "host/nl.h"

/* A datagram with up to two messages, or an errno. */
struct answer {
	int error;
	struct {
		uint16_t type; /* 0: there is none */
		uint16_t flags;
		uint32_t sequence;
		int value;
	} messages[2];
};

static struct {
	const struct answer *answers;
	size_t n;
	size_t next;
	unsigned int sent;
	int send_errors; /* that many calls are interrupted */
} kernel;

static unsigned int seen; /* the sum of what a visitor was shown */

__attribute__((used)) ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *socket,
						       const void *bytes, size_t length);
__attribute__((used)) ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *socket,
							 void *buffer, size_t size);

ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *socket, const void *bytes, size_t length)
{
	(void)socket;
	(void)bytes;
	if (kernel.send_errors-- > 0) {
		errno = EINTR;
		return -1;
	}
	kernel.sent++;
	return length;
}

ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *socket, void *buffer, size_t size)
{
	const struct answer *answer = &kernel.answers[kernel.next];
	size_t used = 0;

	(void)socket;
	assert_true(size >= 1024);
	if (kernel.next == kernel.n) {
		errno = EAGAIN;
		return -1;
	}
	kernel.next++;
	errno = answer->error;
	for (size_t i = 0; i < 2 && !errno && answer->messages[i].type; i++) {
		struct nlmsghdr *header = mnl_nlmsg_put_header((char *)buffer + used);
		struct nlmsgerr *body = mnl_nlmsg_put_extra_header(header, sizeof(*body));

		header->nlmsg_type = answer->messages[i].type;
		header->nlmsg_flags = answer->messages[i].flags;
		header->nlmsg_seq = answer->messages[i].sequence;
		body->error = answer->messages[i].value;
		used += header->nlmsg_len;
	}
	return errno ? -1 : (ssize_t)used;
}

static void expect(const struct answer *answers, size_t n)
{
	memset(&kernel, 0, sizeof(kernel));
	kernel.answers = answers;
	kernel.n = n;
	seen = 0;
}

static int add(void *context, const struct nlmsghdr *header)
{
	const int *value = mnl_nlmsg_get_payload(header);

	(void)context;
	seen += *value;
	return 0;
}

static int ask(uint16_t flags)
{
	const struct rtmsg family = {0};
	struct em_nl_message message;

	return em_nl_ask(NETLINK_ROUTE,
			 em_nl_begin(&message, RTM_GETLINK, flags, &family, sizeof(family)), add,
			 NULL);
}

#define EXPECT(...)                                                                                \
	const struct answer answers[] = {__VA_ARGS__};                                             \
	expect(answers, sizeof(answers) / sizeof(answers[0]))

#define LINK(value)	     RTM_NEWLINK, NLM_F_MULTI, 1, value
#define LINK_INTR(value)     RTM_NEWLINK, NLM_F_MULTI | NLM_F_DUMP_INTR, 1, value
#define DONE(value)	     NLMSG_DONE, NLM_F_MULTI, 1, value
#define ERROR(number, value) NLMSG_ERROR, 0, number, value

static void test_dump(void **state)
{
	EXPECT({0, {{LINK(1)}, {LINK(2)}}}, {0, {{LINK(4)}}}, {0, {{DONE(0)}}});
	(void)state;
	assert_int_equal(ask(NLM_F_DUMP), 0);
	assert_int_equal(seen, 7);
}

static void test_dump_fails_on_its_way(void **state)
{
	EXPECT({0, {{LINK(1)}}}, {0, {{DONE(-ENOMEM)}}});
	(void)state;
	assert_int_equal(ask(NLM_F_DUMP), -ENOMEM);
	assert_int_equal(seen, 0);
}

/* What was seen before the change is not seen twice. */
static void test_interrupted_dump(void **state)
{
	EXPECT({0, {{LINK(1)}}}, {0, {{LINK_INTR(2)}}}, {0, {{LINK(4)}}}, {0, {{DONE(0)}}});
	(void)state;
	assert_int_equal(ask(NLM_F_DUMP), 0);
	assert_int_equal(kernel.sent, 2);
	assert_int_equal(seen, 4);
}

static void test_interrupted_at_the_end(void **state)
{
	EXPECT({0, {{LINK(1)}}}, {0, {{NLMSG_DONE, NLM_F_DUMP_INTR, 1, 0}}},
	       {0, {{LINK(1)}, {DONE(0)}}});
	(void)state;
	assert_int_equal(ask(NLM_F_DUMP), 0);
	assert_int_equal(seen, 1);
}

static void test_always_interrupted(void **state)
{
	struct answer answers[100];
	const struct answer one = {0, {{LINK_INTR(1)}}};

	(void)state;
	for (size_t i = 0; i < 100; i++)
		answers[i] = one;
	expect(answers, 100);
	assert_int_equal(ask(NLM_F_DUMP), -EAGAIN);
	assert_int_equal(seen, 0);
}

static void test_signals(void **state)
{
	EXPECT({EINTR}, {0, {{LINK(1)}}}, {EINTR}, {0, {{DONE(0)}}});
	(void)state;
	kernel.send_errors = 1;
	assert_int_equal(ask(NLM_F_DUMP), 0);
	assert_int_equal(kernel.sent, 1);
	assert_int_equal(seen, 1);
}

static void test_lost_answers(void **state)
{
	EXPECT({0, {{LINK(1)}}}, {ENOBUFS}, {0, {{LINK(1)}}}, {0, {{DONE(0)}}});
	(void)state;
	assert_int_equal(ask(NLM_F_DUMP), 0);
	assert_int_equal(seen, 1);
}

static void test_truncated(void **state)
{
	EXPECT({ENOSPC});
	(void)state;
	assert_int_equal(ask(NLM_F_DUMP), -ENOSPC);
}

static void test_get(void **state)
{
	EXPECT({0, {{RTM_NEWLINK, 0, 7, 8}}}, {0, {{RTM_NEWLINK, 0, 1, 1}}});
	(void)state;
	assert_int_equal(ask(0), 0);
	assert_int_equal(seen, 1);
}

static void test_get_nothing(void **state)
{
	EXPECT({0, {{ERROR(1, -ENODEV)}}});
	(void)state;
	assert_int_equal(ask(0), -ENODEV);
}

/* Of three messages. */
static int send_batch(struct em_nl_batch *batch)
{
	const struct rtmsg family = {0};

	assert_int_equal(em_nl_batch_init(batch, 3), 0);
	for (int i = 0; i < 3; i++)
		em_nl_batch_add(batch, RTM_SETLINK, 0, &family, sizeof(family));
	return em_nl_batch_send(batch);
}

static void test_batch(void **state)
{
	struct em_nl_batch batch;

	EXPECT({EINTR}, {0, {{ERROR(1, 0)}, {ERROR(2, -EBUSY)}}}, {0, {{ERROR(3, 0)}}});
	(void)state;
	kernel.send_errors = 1;
	assert_int_equal(send_batch(&batch), -EBUSY);
	assert_int_equal(kernel.sent, 1);
	assert_int_equal(batch.outcomes[0].error, 0);
	assert_int_equal(batch.outcomes[1].error, -EBUSY);
	assert_int_equal(batch.outcomes[2].error, 0);
	em_nl_batch_clear(&batch);
}

static void test_batch_loses_an_answer(void **state)
{
	struct em_nl_batch batch;

	EXPECT({0, {{ERROR(1, 0)}}}, {ENOBUFS}, {0, {{ERROR(3, -EBUSY)}}});
	(void)state;
	assert_int_equal(send_batch(&batch), -ENOBUFS);
	assert_int_equal(batch.outcomes[2].error, -EBUSY);
	em_nl_batch_clear(&batch);
}

static void test_error(void **state)
{
	(void)state;
	assert_int_equal(em_nl_error(0), 0);
	assert_int_equal(em_nl_error(-ENOENT), -ENOENT);
	assert_int_equal(em_nl_error(-4095), -4095);
	assert_int_equal(em_nl_error(-5001), -EPROTO); /* EM_EUSAGE */
	assert_int_equal(em_nl_error(INT_MIN), -EPROTO);
	assert_int_equal(em_nl_error(1), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dump),
		cmocka_unit_test(test_dump_fails_on_its_way),
		cmocka_unit_test(test_interrupted_dump),
		cmocka_unit_test(test_interrupted_at_the_end),
		cmocka_unit_test(test_always_interrupted),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_lost_answers),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_get_nothing),
		cmocka_unit_test(test_batch),
		cmocka_unit_test(test_batch_loses_an_answer),
		cmocka_unit_test(test_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
