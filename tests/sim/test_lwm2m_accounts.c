/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accounts that cannot be used are refused in one sentence, when they are made or when the client
 * starts, and then there is nothing of them.
 */
#include "support/lwworld.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct lw_world w;

#define PSK() .mode = LN_SECURITY_PSK, .identity = { (const uint8_t *)"me", 2 }, \
                  .secret = { (const uint8_t *)"0123456789abcdef", 16 }
#define CERTIFICATE .mode = LN_SECURITY_CERTIFICATE, \
                    .server_key = { (const uint8_t *)"\x30\x03\x02\x01\x01", 5 }
#define COAPS .uri = "coaps://192.0.2.9"
#define TEN "0123456789"
#define LONG_NAME TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define OTHER .ssid = 2, .binding = "U"

static const uint16_t suites[9] = { 0xc0a8 };

static const struct {
    const char *why;
    struct ln_account account;
    enum ln_status status;
    bool at_once; /* ln_client_add_account() says so, not ln_client_start() */
    const char *sentence;
} rows[] = {
    { "raw public keys",
      { OTHER, COAPS, .mode = LN_SECURITY_RPK },
      LN_UNSUPPORTED,
      true,
      "raw public keys are not supported" },
    { "EST",
      { OTHER, COAPS, .mode = LN_SECURITY_EST },
      LN_UNSUPPORTED,
      true,
      "EST is not supported" },
    { "no mode",
      { OTHER, COAPS, .mode = (enum ln_security_mode)5 },
      LN_BAD_ARG,
      true,
      "mode must be 0 to 4" },
    { "no ssid", { .binding = "U", COAPS, PSK(), .ssid = 0 }, LN_BAD_ARG, true, "ssid must be" },
    { "an ssid that is used",
      { .binding = "U", COAPS, PSK(), .ssid = 1 },
      LN_BAD_ARG,
      true,
      "in use already" },
    { "no identity",
      { OTHER, COAPS, .mode = LN_SECURITY_PSK },
      LN_BAD_ARG,
      true,
      "needs identity and secret" },
    { "a long name",
      { OTHER, COAPS, PSK(), .sni = LONG_NAME LONG_NAME },
      LN_BAD_ARG,
      true,
      "sni is longer" },
    { "many suites",
      { OTHER, COAPS, PSK(), .suites = suites, .suite_count = 9 },
      LN_BAD_ARG,
      true,
      "more than 8 suites" },
    { "another binding",
      { .ssid = 2, .binding = "S", COAPS, PSK() },
      LN_BAD_ARG,
      true,
      "binding must be" },
    { "a usage of PKIX without an anchor",
      { OTHER, COAPS, CERTIFICATE, .usage = 0 },
      LN_BAD_ARG,
      false,
      "usage 0 and 1 need a trust anchor" },
    { "another usage",
      { OTHER, COAPS, CERTIFICATE, .usage = 4 },
      LN_BAD_ARG,
      false,
      "usage must be 0 to 3" },
    { "another matching type",
      { OTHER, COAPS, CERTIFICATE, .usage = 3, .matching = 4 },
      LN_BAD_ARG,
      false,
      "matching type must be 0 to 3" },
    { "nobody to be verified",
      { OTHER, COAPS, .mode = LN_SECURITY_CERTIFICATE },
      LN_BAD_ARG,
      false,
      "nobody could be verified" },
    { "TCP",
      { OTHER, .uri = "coap+tcp://192.0.2.9", .mode = LN_SECURITY_NONE },
      LN_UNSUPPORTED,
      false,
      "LwM2M over TCP is not supported yet" },
    { "TLS",
      { OTHER, .uri = "coaps+tcp://192.0.2.9", PSK() },
      LN_UNSUPPORTED,
      false,
      "LwM2M over TCP is not supported yet" },
    { "HTTP",
      { OTHER, .uri = "http://192.0.2.9", .mode = LN_SECURITY_NONE },
      LN_BAD_ARG,
      false,
      "the scheme must be coap or coaps" },
    { "no URI",
      { OTHER, .uri = "nonsense", .mode = LN_SECURITY_NONE },
      LN_BAD_ARG,
      false,
      "no scheme" },
    { "a path",
      { OTHER, .uri = "coap://192.0.2.9/lwm2m", .mode = LN_SECURITY_NONE },
      LN_UNSUPPORTED,
      false,
      "with a path or a query" },
    { "keys without DTLS",
      { OTHER, .uri = "coap://192.0.2.9", PSK() },
      LN_BAD_ARG,
      false,
      "needs coaps" },
    { "DTLS without keys",
      { OTHER, COAPS, .mode = LN_SECURITY_NONE },
      LN_BAD_ARG,
      false,
      "needs a security mode" },
};

static void test_accounts_that_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < LN_COUNT_OF(rows); i++) {
        struct lw_options options = LW_OPTIONS_INIT;
        struct ln_diag diag;
        const char *what = "";
        assert_int_equal(lw_open(&w, &options, &what), LN_OK);
        enum ln_status st = ln_client_add_account(w.client, &rows[i].account, &diag);
        if ((st != LN_OK) != rows[i].at_once)
            fail_msg("%s: made: %s", rows[i].why, ln_status_name(st));
        if (st == LN_OK)
            st = ln_client_start(w.client, lw_now(&w), &diag);
        if (st != rows[i].status || strstr(diag.text, rows[i].sentence) == NULL)
            fail_msg("%s: %s, \"%s\"", rows[i].why, ln_status_name(st), diag.text);
        assert_int_equal(ln_client_next_server(w.client, LN_ID_NONE), LN_ID_NONE);
        if (rows[i].at_once) { /* the others are not touched by it */
            assert_int_equal(ln_client_next_instance(w.client, 0, 0), LN_ID_NONE);
            assert_int_equal(ln_client_next_instance(w.client, 1, 0), LN_ID_NONE);
            assert_true(lw_register(&w));
        }
        lw_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accounts_that_are_refused),
    };
    return cmocka_run_group_tests_name("lwm2m/accounts", tests, NULL, NULL);
}
