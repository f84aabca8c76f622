/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Write or Create is kept by the program before the server is told: `keep` of struct
 * ln_client_config. What it cannot keep is taken back, whole, and nobody hears of it.
 */
#include "support/lwworld.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct lw_world w;

static struct {
    enum ln_answer answer;
    unsigned calls;
    uint16_t oid, iid;
    unsigned answers_before; /* datagrams that had left the device when it was asked to keep */
    int64_t seen;            /* 3442/0/120, as it stood then */
} kept;

static size_t sent(void)
{
    size_t count = 0;
    for (size_t i = 0; i < ln_testkit_event_count(w.kit); i++)
        count += ln_testkit_event(w.kit, i)->what == LN_TESTKIT_SENT;
    return count;
}

static enum ln_answer keep(void *user, struct ln_client *client, uint16_t oid, uint16_t iid)
{
    struct ln_value v;
    assert_ptr_equal(user, &w);
    kept.calls++;
    kept.oid = oid;
    kept.iid = iid;
    kept.answers_before = (unsigned)sent();
    if (ln_client_get(client, ln_path_resource(3442, iid, 120), &v) == LN_OK)
        kept.seen = v.as.integer;
    return kept.answer;
}

static void begin(void)
{
    struct lw_options options = LW_OPTIONS_INIT;
    const char *what = "";
    memset(&kept, 0, sizeof kept);
    options.config.keep = keep;
    assert_int_equal(lw_open(&w, &options, &what), LN_OK);
    assert_true(lw_register(&w));
}

static void test_kept_before_the_answer(void **state)
{
    (void)state;
    begin();
    size_t before = sent();
    assert_int_equal(lw_put(&w, "/3442/0/120", 0, "77", 2), LN_COAP_CHANGED);
    assert_int_equal(kept.calls, 1);
    assert_int_equal(kept.oid, 3442);
    assert_int_equal(kept.seen, 77);                   /* the new value stood there */
    assert_int_equal(kept.answers_before, before + 1); /* the request, and nothing of ours */
    assert_true(sent() > kept.answers_before);
    assert_int_equal(lw_put(&w, "/3442/0/120", 0, "x", 1), LN_COAP_BAD_REQUEST);
    assert_int_equal(kept.calls, 1); /* what is refused is not kept */
    lw_close(&w);
}

static void test_what_cannot_be_kept_is_not_written(void **state)
{
    (void)state;
    static const char observed[] = "/3442/0/120";
    begin();
    struct lw_request observe = { LW_REQUEST_INIT, .code = LN_COAP_GET, .path = observed };
    observe.observe = 0;
    assert_true(lw_ask(&w, &observe));
    kept.answer = LN_ANSWER_INTERNAL;
    assert_int_equal(lw_put(&w, observed, 0, "77", 2), LN_COAP_INTERNAL_ERROR);
    assert_int_equal(w.server.answer.len, strlen("this device cannot keep the value"));
    assert_string_equal(lw_read(&w, observed), "1024");
    assert_true(lw_run(&w, NULL, 10000));
    assert_int_equal(w.server.note_count, 0);
    /* the lifetime of a server: nothing is told to it either */
    unsigned updates = w.server.updates;
    assert_int_equal(lw_put(&w, "/1/0/1", 0, "777", 3), LN_COAP_INTERNAL_ERROR);
    assert_true(lw_run(&w, NULL, 10000));
    assert_int_equal(w.server.updates, updates);
    assert_string_equal(lw_read(&w, "/1/0/1"), "3600");
    kept.answer = LN_ANSWER_OK;
    assert_int_equal(lw_put(&w, observed, 0, "77", 2), LN_COAP_CHANGED);
    assert_string_equal(lw_read(&w, observed), "77");
    lw_close(&w);
}

static void test_create(void **state)
{
    (void)state;
    struct lw_request rq = { LW_REQUEST_INIT, .code = LN_COAP_POST, .path = "/3442" };
    rq.format = 11542;
    rq.payload = "\xc1\x78\x07";
    rq.len = 3;
    begin();
    kept.answer = LN_ANSWER_UNAVAILABLE;
    assert_true(lw_ask(&w, &rq));
    assert_int_equal(w.server.answer.code, LN_COAP_UNAVAILABLE);
    assert_null(ln_client_instance(w.client, 3442, 1));
    kept.answer = LN_ANSWER_OK;
    assert_true(lw_ask(&w, &rq));
    assert_int_equal(w.server.answer.code, LN_COAP_CREATED);
    assert_int_equal(kept.iid, 1);
    assert_int_equal(kept.seen, 7);
    assert_non_null(ln_client_instance(w.client, 3442, 1));
    lw_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kept_before_the_answer),
        cmocka_unit_test(test_what_cannot_be_kept_is_not_written),
        cmocka_unit_test(test_create),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
