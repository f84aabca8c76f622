/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_cid_wake_mbedtls.c
 * A device with Connection ID wakes up: behind another address, after a restart, at a server that has
 * forgotten it. First without a handshake, else with an abbreviated one, else with a full one.
 */
#include "support/cidworld.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

/* ---- another address ---- */

/* scenario: C2, T2 */
static void test_nat_rebind(void **state)
{
    (void)state;
    struct cid_world *w = cid_open(CID_LEN);
    cid_begin(w);
    unsigned handshakes = w->traffic.handshakes;
    for (unsigned i = 1; i <= 5; i++) {
        char address[32]; /* each second time another port only */
        (void)snprintf(address, sizeof address, "198.51.100.%u", 10 + i);
        assert_int_equal(ln_testkit_nat_rebind(w->nat, i % 2 == 0 ? NULL : address), LN_OK);
        cid_exchange(w, "after the NAT forgot us");
        assert_int_equal(w->server.moves, i);
    }
    assert_int_equal(w->traffic.handshakes, handshakes);
    assert_int_equal(w->server.full, 1);
    assert_int_equal(w->server.resumed, 0);
    assert_true(w->info.tls.cid_in_use);
    cid_close(w);
}

/* The same without Connection ID: silence, and then exactly one abbreviated handshake. */
/* scenario: T2 */
static void test_nat_rebind_without(void **state)
{
    (void)state;
    struct cid_world *w = cid_open(0);
    cid_begin(w);
    assert_int_equal(ln_testkit_nat_rebind(w->nat, NULL), LN_OK);
    assert_false(cid_ask(w, "after the NAT forgot us"));
    ln_sock_close(w->sock);
    cid_connect(w);
    cid_exchange(w, "after a handshake");
    assert_int_equal(w->server.full, 1);
    assert_int_equal(w->server.resumed, 1);
    assert_true(w->info.tls.resumed);
    cid_close(w);
}

/* ---- a restart ---- */

/* scenario: C2, T2, PIT-24, S17 */
static void test_restart(void **state)
{
    (void)state;
    struct cid_world *w = cid_open(CID_LEN);
    cid_live(w);
    unsigned handshakes = w->traffic.handshakes;
    for (unsigned i = 0; i < 20; i++) {
        if (i % 3 == 0)
            assert_int_equal(ln_testkit_nat_rebind(w->nat, NULL), LN_OK);
        cid_must_be_restored(w);
        assert_true(w->info.tls.session_stored);
        cid_end(w);
    }
    assert_int_equal(w->traffic.handshakes, handshakes);
    assert_int_equal(w->server.full, 1);
    cid_close(w);
}

/* The same object, closed and connected again. */
/* scenario: C2 */
static void test_close_and_connect(void **state)
{
    (void)state;
    struct cid_world *w = cid_open(CID_LEN);
    cid_begin(w);
    for (int i = 0; i < 3; i++) {
        if (i == 1)
            assert_int_equal(ln_sock_shutdown(w->sock, ln_testkit_now(w->kit)), LN_OK);
        ln_sock_close(w->sock);
        cid_connect(w);
        assert_true(w->info.tls.cid_restored);
        cid_exchange(w, "again");
    }
    assert_int_equal(w->server.full + w->server.resumed, 1);
    cid_close(w);
}

/* Resumption and Connection ID together: what is negotiated in an abbreviated handshake goes on after a
 * restart as well. */
/* scenario: C2, T2, T2b */
static void test_resumed_and_restored(void **state)
{
    (void)state;
    struct cid_world *w = cid_open(CID_LEN);
    cid_begin(w);
    cid_kill(w); /* a crash: nothing is kept but the session */
    cid_must_shake_hands(w, true);
    assert_true(w->info.tls.cid_in_use);
    cid_end(w);
    cid_must_be_restored(w);
    cid_end(w);
    assert_int_equal(w->server.full, 1);
    assert_int_equal(w->server.resumed, 1);
    cid_close(w);
}

/* An abbreviated handshake that nothing came back through is not proven on the server's side: nothing
 * is kept of it but the session. */
/* scenario: C2, T2b, PIT-23 */
static void test_nothing_came_back_yet(void **state)
{
    (void)state;
    struct cid_world *w = cid_open(CID_LEN);
    cid_begin(w);
    cid_kill(w);
    cid_start(w);
    cid_connect(w);
    assert_true(w->info.tls.resumed);
    ln_testkit_advance(w->kit, 100);
    cid_end(w); /* for all we know, our Finished was lost */
    cid_must_shake_hands(w, true);
    cid_close(w);
}

/* ---- a server that has forgotten us ---- */

/* No answer: what nobody answers to is not kept again, and the next connect is an abbreviated
 * handshake, or a full one. */
/* scenario: C2, T2 */
static void test_the_server_lost_it(void **state)
{
    (void)state;
    for (int tickets = 0; tickets <= 1; tickets++) {
        struct cid_world *w = cid_after_one_life();
        cid_server_forget(&w->server, tickets != 0);
        cid_start(w);
        cid_connect(w);
        assert_true(w->info.tls.cid_restored);
        assert_false(cid_ask(w, "is anybody there?"));
        cid_end(w);
        cid_must_shake_hands(w, tickets == 0);
        cid_end(w);
        cid_must_be_restored(w);
        cid_close(w);
    }
}

/* Who connects and sends nothing keeps it for the next time. */
/* scenario: C2 */
static void test_nothing_was_asked(void **state)
{
    (void)state;
    struct cid_world *w = cid_after_one_life();
    cid_start(w);
    cid_connect(w);
    assert_true(w->info.tls.cid_restored);
    cid_end(w);
    cid_must_be_restored(w);
    cid_close(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nat_rebind),
        cmocka_unit_test(test_nat_rebind_without),
        cmocka_unit_test(test_restart),
        cmocka_unit_test(test_close_and_connect),
        cmocka_unit_test(test_resumed_and_restored),
        cmocka_unit_test(test_nothing_came_back_yet),
        cmocka_unit_test(test_the_server_lost_it),
        cmocka_unit_test(test_nothing_was_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
