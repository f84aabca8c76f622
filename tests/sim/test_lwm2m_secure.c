/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client and its server over DTLS, in virtual time: a handshake that hangs, a server that lost its
 * DTLS state, and what a session that is resumed, or is not, means for the registration.
 */
#include "support/coapfile.h"
#include "support/httpserver.h"
#include "support/lwworld.h"
#include "support/vtime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { PORT = 5701, SSID = 2, SEEN = 16, DELAY = 25 };

static struct lw_world w;
static struct coap_server server;
static struct ln_env server_env;
static struct ln_tls_config *server_tls;

/* What the server was asked, "/rd" for a Register. */
static struct {
    ln_msec at;
    uint8_t code;
    char path[16];
    char query[64];
} seen[SEEN];
static size_t seen_count;
static bool sleeps;    /* the client of the next world is in queue mode */
static bool one_suite; /* the account of the next world offers TLS_PSK_WITH_AES_128_CCM_8 alone */

static void respond(void *user, const struct coap_ask *ask, struct coap_say *say)
{
    bool registers = strcmp(ask->path, "/rd") == 0;
    (void)user;
    assert_true(seen_count < SEEN);
    seen[seen_count].at = lw_now(&w);
    seen[seen_count].code = ask->code;
    assert_true(strlen(ask->path) < sizeof seen[0].path);
    strcpy(seen[seen_count].query, ask->query);
    strcpy(seen[seen_count++].path, ask->path);
    say->code = registers ? LN_COAP_CREATED : LN_COAP_CHANGED;
    say->more_option = registers ? LN_COAP_LOCATION_PATH : 0; /* "/x" */
}

static void listen(void)
{
    coap_server_open(&server, w.kit, w.server_host, &server_env, LN_DTLS, PORT, server_tls, respond,
                     NULL);
}

static void open_server(void)
{
    struct ln_tls_options options = LN_TLS_OPTIONS_INIT;
    http_psk(&options);
    assert_int_equal(ln_tls_config_new(&server_env, LN_DTLS, &options, NULL, &server_tls), LN_OK);
    listen();
}

static void close_server(void)
{
    coap_server_close(&server);
    ln_tls_config_unref(server_tls);
    server_tls = NULL;
}

/* All connections are gone, without a farewell. `sessions`: it still knows those of before. */
static void restart_server(bool sessions)
{
    const struct ln_testkit_link dead = { .loss_permille = 1000 };
    const struct ln_testkit_link alive = { .delay_min_ms = DELAY };
    assert_int_equal(ln_testkit_path(w.kit, w.device_host, w.server_host, &dead), LN_OK);
    if (sessions)
        coap_server_close(&server);
    else
        close_server();
    assert_int_equal(ln_testkit_path(w.kit, w.device_host, w.server_host, &alive), LN_OK);
    if (sessions)
        listen();
    else
        open_server();
}

static void add_secure_account(struct lw_world *world)
{
    static const uint16_t ccm_8[] = { 0xc0a8 };
    struct ln_tls_options key = LN_TLS_OPTIONS_INIT;
    struct ln_account account = LN_ACCOUNT_INIT;
    http_psk(&key);
    account.uri = "coaps://192.0.2.1:5701";
    account.ssid = SSID;
    account.mode = LN_SECURITY_PSK;
    account.identity = key.psk_identity;
    account.secret = key.psk_key;
    account.lifetime_s = 86400;
    account.suites = ccm_8;
    account.suite_count = one_suite;
    assert_int_equal(ln_client_add_account(world->client, &account, NULL), LN_OK);
}

static void open_world(void)
{
    struct lw_options options = LW_OPTIONS_INIT;
    const char *what = "";
    options.config.queue_mode = sleeps;
    options.config.awake_ms = 10000;
    options.lifetime_s = 7 * 86400;
    options.link.delay_min_ms = DELAY;
    options.prepare = add_secure_account;
    seen_count = 0;
    (void)vtime_calls();
    assert_int_equal(lw_open(&w, &options, &what), LN_OK);
    ln_testkit_env(w.server_host, &server_env);
    assert_int_equal(lw_start(&w), LN_OK);
}

static bool is_registered(const struct lw_world *world)
{
    return lw_is_registered_at(world, SSID);
}

static void open_registered(void)
{
    open_world();
    open_server();
    assert_true(lw_run(&w, is_registered, 10000));
    assert_int_equal(seen_count, 1);
    assert_string_equal(seen[0].path, "/rd");
}

static void close_world(void)
{
    close_server();
    lw_close(&w);
}

/* One that hears every ClientHello and says nothing. */
static struct ln_sock *open_mute(void)
{
    struct ln_sock_options options = { .reuse_addr = true };
    struct ln_sock *mute = NULL;
    const struct ln_addr local = { .port = PORT };
    assert_int_equal(ln_sock_new(&server_env, LN_UDP, &options, NULL, NULL, &mute), LN_OK);
    assert_int_equal(ln_sock_bind(mute, &local), LN_OK);
    return mute;
}

/* For a minute the other server is served at once, and the same attempt then succeeds. */
/* scenario: T6 */
static void test_a_handshake_that_takes_a_minute(void **state)
{
    (void)state;
    open_world();
    struct ln_sock *mute = open_mute();
    assert_true(lw_run(&w, lw_is_registered, 1000));
    for (ln_msec end = lw_now(&w) + 60000; lw_now(&w) < end;) {
        ln_msec asked = lw_now(&w);
        assert_string_equal(lw_read(&w, "/3/0/0"), "Linnet");
        assert_in_range(lw_now(&w) - asked, 50, 70); /* a round trip */
        assert_true(lw_run(&w, NULL, 1000));
    }
    assert_false(is_registered(&w));
    ln_sock_free(mute);
    open_server();
    assert_true(lw_run(&w, is_registered, 100000));
    assert_int_equal(lw_count(&w, LN_CLIENT_ATTEMPT_FAILED), 0);
    close_world();
}

static bool registered_again(const struct lw_world *world)
{
    (void)world;
    return seen_count >= 2;
}

/* The server forgot all about us and says nothing to what it cannot decrypt: MAX_TRANSMIT_WAIT and
 * one handshake later it has our Register, and no attempt counts as failed. */
/* scenario: T4 */
static void test_a_server_that_lost_its_dtls_state(void **state)
{
    (void)state;
    open_registered();
    restart_server(false);
    assert_int_equal(ln_client_update(w.client, SSID), LN_OK);
    ln_msec began = lw_now(&w);
    assert_true(lw_run(&w, registered_again, 600000));
    assert_string_equal(seen[1].path, "/rd");
    assert_in_range(seen[1].at - began, 62000, 93000 + 1000);
    assert_true(lw_run(&w, is_registered, 1000));
    assert_int_equal(lw_count(&w, LN_CLIENT_ATTEMPT_FAILED), 0);
    close_world();
}

/* A link that vanished: the session is resumed, and the registration goes on with an Update. Without
 * the session it begins anew. */
static void test_a_new_connection(void **state)
{
    (void)state;
    open_registered();
    restart_server(true);
    assert_int_equal(ln_client_reconnect(w.client, SSID), LN_OK);
    assert_true(lw_run(&w, registered_again, 10000));
    assert_string_equal(seen[1].path, "/x");
    restart_server(false);
    assert_int_equal(ln_client_reconnect(w.client, SSID), LN_OK);
    seen_count = 1;
    assert_true(lw_run(&w, registered_again, 10000));
    assert_string_equal(seen[1].path, "/rd");
    close_world();
}

/* What an Update said that nobody heard is said by the next one, over the resumed session. */
static void test_what_a_lost_update_said(void **state)
{
    (void)state;
    open_registered();
    const struct ln_testkit_link dead = { .loss_permille = 1000 };
    assert_int_equal(ln_testkit_path(w.kit, w.device_host, w.server_host, &dead), LN_OK);
    struct ln_value v = ln_value_integer(7200);
    assert_int_equal(ln_client_set(w.client, ln_path_resource(1, 1, 1), &v), LN_OK);
    assert_true(lw_run(&w, NULL, 30000));
    restart_server(true);
    assert_int_equal(ln_client_reconnect(w.client, SSID), LN_OK);
    assert_true(lw_run(&w, registered_again, 10000));
    assert_string_equal(seen[1].path, "/x");
    assert_string_equal(seen[1].query, "lt=7200");
    close_world();
}

static bool is_asleep(const struct lw_world *world)
{
    return lw_count(world, LN_CLIENT_ASLEEP) >= 2;
}

static void open_asleep(void)
{
    sleeps = true;
    open_registered();
    sleeps = false;
    assert_true(lw_run(&w, is_asleep, 60000)); /* at both servers */
}

/* A server that lost its DTLS sessions while the device slept: whoever wakes by a full handshake
 * registers, also if it woke for the periodic Update. */
static void test_waking_to_a_server_that_forgot(void **state)
{
    (void)state;
    open_asleep();
    restart_server(false);
    assert_true(lw_run(&w, registered_again, INT64_C(2) * 86400 * 1000));
    assert_string_equal(seen[1].path, "/rd");
    assert_true(lw_run(&w, NULL, 60000));
    assert_int_equal(seen_count, 2);
    close_world();
}

/* Whoever is stopped while it wakes up says goodbye when it is awake. */
static void test_a_stop_while_waking(void **state)
{
    (void)state;
    open_asleep();
    restart_server(true);
    assert_int_equal(ln_client_update(w.client, SSID), LN_OK);
    assert_true(lw_run(&w, NULL, 10)); /* in the midst of the handshake */
    assert_true(lw_stop(&w, 60000));
    assert_int_equal(seen_count, 2);
    assert_string_equal(seen[1].path, "/x");
    assert_int_equal(seen[1].code, LN_COAP_DELETE);
    close_world();
}

static bool attempt_failed(const struct lw_world *world)
{
    return lw_count(world, LN_CLIENT_ATTEMPT_FAILED) > 0;
}

/* -1: none. */
static int64_t kept_alert(void)
{
    struct ln_value v;
    enum ln_status st = ln_client_get(w.client, ln_path_resource(1, 1, 11), &v);
    assert_true(st == LN_OK || st == LN_NOT_FOUND);
    return st == LN_OK ? (int64_t)v.as.natural : -1;
}

/* A server that wants another suite says so by an alert, and /1/x/11 keeps it. */
static void test_an_alert_is_kept(void **state)
{
    static const uint16_t other_suites[] = { 0x00a8 }; /* TLS_PSK_WITH_AES_128_GCM_SHA256 */
    struct ln_tls_options options = LN_TLS_OPTIONS_INIT;
    (void)state;
    one_suite = true;
    open_world();
    one_suite = false;
    http_psk(&options);
    options.suites = other_suites;
    options.suite_count = 1;
    assert_int_equal(ln_tls_config_new(&server_env, LN_DTLS, &options, NULL, &server_tls), LN_OK);
    listen();
    assert_int_equal(kept_alert(), -1);
    assert_true(lw_run(&w, attempt_failed, 300000));
    assert_int_equal(kept_alert(), 40); /* handshake_failure */
    close_world();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_handshake_that_takes_a_minute),
        cmocka_unit_test(test_a_server_that_lost_its_dtls_state),
        cmocka_unit_test(test_a_new_connection),
        cmocka_unit_test(test_what_a_lost_update_said),
        cmocka_unit_test(test_waking_to_a_server_that_forgot),
        cmocka_unit_test(test_a_stop_while_waking),
        cmocka_unit_test(test_an_alert_is_kept),
    };
    return cmocka_run_group_tests_name("lwm2m/secure", tests, NULL, NULL);
}
