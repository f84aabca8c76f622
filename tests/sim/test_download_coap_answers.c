/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_download_coap_answers.c
 * Downloads by CoAP from servers that lie, and from servers that refuse.
 */
#include "support/coapworld.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

static struct coap_world w;

/* ---- lies ---- */

static struct {
    uint32_t at; /* the first block that is told wrongly */
    void (*tell)(struct coap_say *say);
} lie;

static void lying(void *user, const struct coap_ask *ask, struct coap_say *say)
{
    coap_world_serve_file(user, ask, say);
    if (ask->at >= lie.at)
        lie.tell(say);
}

static void other_block(struct coap_say *say)
{
    say->block.num++;
}

static void short_block(struct coap_say *say)
{
    say->payload.len /= 2;
}

static void long_block(struct coap_say *say)
{
    say->payload = ln_span(w.content, 1025);
}

static void no_block(struct coap_say *say)
{
    say->has_block = false;
}

static void reserved_size(struct coap_say *say)
{
    say->block.szx = 7;
}

static void unknown_option(struct coap_say *say)
{
    say->more_option = 13;
}

static void another_success(struct coap_say *say)
{
    say->code = LN_COAP_CHANGED;
}

static void valid(struct coap_say *say)
{
    say->code = LN_COAP_VALID;
    say->payload.len = 0;
    say->has_block = false;
}

/* scenario: T3 */
static void test_blocks_that_are_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        void (*tell)(struct coap_say *say);
    } rows[] = { { "another block", other_block },     { "too short", short_block },
                 { "too long", long_block },           { "no block", no_block },
                 { "a reserved size", reserved_size }, { "an option", unknown_option },
                 { "changed", another_success },       { "valid", valid } };
    w.script = lying;
    for (size_t i = 0; i < COUNT(rows) * 4; i++) {
        const char *what = rows[i / 4].what;
        coap_world_reset(&w);
        coap_world_use(&w, i % 2);
        lie.at = i / 2 % 2 == 0 ? 0 : 9216;
        lie.tell = rows[i / 4].tell;
        coap_world_run(&w);
        if (w.result == LN_OK || w.info.state != LN_DOWNLOAD_FAILED ||
            (w.info.reason != LN_DOWNLOAD_PROTOCOL && w.info.reason != LN_DOWNLOAD_CHANGED &&
             lie.tell != no_block)) /* which is whole, but less than it is said to be */
            fail_msg("%s: %s, %s: %s", what, ln_status_name(w.result),
                     ln_download_reason_word(w.info.reason), w.diag.text);
        assert_true(w.store.len <= lie.at + 1024);
        assert_memory_equal(w.store.bytes, w.content, w.store.len);
        assert_true(w.info.requests <= 40);
    }
}

static uint32_t told_size;

static void wrong_size(struct coap_say *say)
{
    say->size = told_size;
}

/* scenario: T3, H115 */
static void test_sizes_that_lie(void **state)
{
    (void)state;
    w.script = lying;
    lie.at = 0;
    lie.tell = wrong_size;
    told_size = 29999;
    coap_world_run(&w);
    coap_world_must_fail(&w, "more than was told", LN_DOWNLOAD_PROTOCOL, "more than it announced");
    assert_true(w.store.len <= 30000);
    coap_world_reset(&w);
    told_size = 30001;
    coap_world_run(&w);
    coap_world_must_fail(&w, "less than was told", LN_DOWNLOAD_CONNECTION,
                         "less than it announced");
    coap_world_reset(&w);
    told_size = UINT32_MAX;
    coap_world_run(&w);
    assert_true(w.result != LN_OK || w.store.len == 30000); /* as if none was told */
    coap_world_reset(&w);
    told_size = 30000;
    w.options.size_max = 30000;
    coap_world_run(&w);
    coap_world_must_have(&w, "as large as may be", w.file.content);
    coap_world_reset(&w);
    w.options.size_max = 29999;
    coap_world_run(&w);
    coap_world_must_fail(&w, "larger than may be", LN_DOWNLOAD_TOO_LARGE, "larger");
    assert_int_equal(w.store.calls[DL_BEGIN], 0);
    coap_world_reset(&w);
    w.script = coap_world_serve_file;
    w.file.no_size = true;
    coap_world_run(&w);
    coap_world_must_fail(&w, "larger, and not told", LN_DOWNLOAD_TOO_LARGE, "larger");
    assert_true(w.store.len <= 29999);
}

/* A file without an end. */
static void endless(void *user, const struct coap_ask *ask, struct coap_say *say)
{
    coap_world_serve_file(user, ask, say);
    say->code = LN_COAP_CONTENT;
    say->has_size = false;
    say->has_etag = true;
    say->etag = w.file.etag;
    say->has_block = true;
    say->block = (struct ln_coap_block) { .num = ask->at / 1024, .more = true, .szx = 6 };
    say->payload = ln_span(w.content, 1024);
}

static void test_a_file_without_an_end(void **state)
{
    (void)state;
    w.script = endless;
    w.options.bytes_max = 200000;
    coap_world_run(&w);
    coap_world_must_fail(&w, "endless", LN_DOWNLOAD_BYTES, "bytes");
    assert_true(w.store.len <= 201000);
}

/* ---- answers that refuse ---- */

static struct {
    uint8_t code;
    uint32_t max_age; /* 0 = none */
    unsigned from, until;
} refusal;

static void refusing(void *user, const struct coap_ask *ask, struct coap_say *say)
{
    if (ask->number < refusal.from || ask->number >= refusal.until) {
        coap_world_serve_file(user, ask, say);
        return;
    }
    say->code = refusal.code;
    say->has_max_age = refusal.max_age != 0;
    say->max_age = refusal.max_age;
}

/* scenario: T3 */
static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        uint8_t code;
        enum ln_download_reason reason;
        unsigned requests, answer;
    } rows[] = {
        { LN_COAP_BAD_REQUEST, LN_DOWNLOAD_ANSWER, 1, 400 },
        { LN_COAP_UNAUTHORIZED, LN_DOWNLOAD_DENIED, 1, 401 },
        { LN_COAP_BAD_OPTION, LN_DOWNLOAD_ANSWER, 1, 402 },
        { LN_COAP_FORBIDDEN, LN_DOWNLOAD_DENIED, 1, 403 },
        { LN_COAP_NOT_FOUND, LN_DOWNLOAD_NOT_FOUND, 1, 404 },
        { LN_COAP_METHOD_NOT_ALLOWED, LN_DOWNLOAD_ANSWER, 1, 405 },
        { LN_COAP_TOO_MANY_REQUESTS, LN_DOWNLOAD_BUSY, 8, 429 },
        { LN_COAP_INTERNAL_ERROR, LN_DOWNLOAD_BUSY, 8, 500 },
        { LN_COAP_NOT_IMPLEMENTED, LN_DOWNLOAD_ANSWER, 1, 501 },
        { LN_COAP_BAD_GATEWAY, LN_DOWNLOAD_BUSY, 8, 502 },
        { LN_COAP_UNAVAILABLE, LN_DOWNLOAD_BUSY, 8, 503 },
        { LN_COAP_GATEWAY_TIMEOUT, LN_DOWNLOAD_BUSY, 8, 504 },
        { LN_COAP_PROXYING_NOT_SUPPORTED, LN_DOWNLOAD_ANSWER, 1, 505 },
    };
    w.script = refusing;
    for (size_t i = 0; i < COUNT(rows) * 2; i++) {
        char text[LN_COAP_CODE_ROOM];
        coap_world_reset(&w);
        coap_world_use(&w, i % 2);
        refusal.code = rows[i / 2].code;
        refusal.from = 1;
        refusal.until = UINT32_MAX;
        coap_world_run(&w);
        coap_world_must_fail(&w, "refused", rows[i / 2].reason,
                             ln_coap_code_text(refusal.code, text));
        assert_int_equal(w.info.answer, rows[i / 2].answer);
        assert_int_equal(w.info.requests, rows[i / 2].requests);
        assert_int_equal(w.servers[i % 2].requests, rows[i / 2].requests);
        assert_int_equal(w.store.calls[DL_BEGIN], 0);
    }
}

/* In the middle of it: what a server says once it may take back, what it has is gone. */
static void test_refusals_on_the_way(void **state)
{
    (void)state;
    w.script = refusing;
    refusal.from = 9;
    refusal.until = UINT32_MAX;
    refusal.code = LN_COAP_NOT_FOUND;
    coap_world_run(&w);
    coap_world_must_fail(&w, "gone", LN_DOWNLOAD_NOT_FOUND, "4.04");
    coap_world_reset(&w);
    w.options.coap_ahead = 1;
    refusal.until = 10;
    refusal.code = LN_COAP_UNAVAILABLE;
    coap_world_run(&w);
    coap_world_must_have(&w, "busy once", w.file.content);
    assert_int_equal(w.info.restarts, 0);
    assert_int_equal(w.info.requests, 2);
}

/* A server that wants its blocks asked for one by one. */
static uint32_t in_order;

static void orderly(void *user, const struct coap_ask *ask, struct coap_say *say)
{
    if (ask->at > in_order) {
        say->code = LN_COAP_INCOMPLETE;
        return;
    }
    coap_world_serve_file(user, ask, say);
    if (ask->at == in_order)
        in_order = ask->at + (uint32_t)say->payload.len;
}

static void test_a_server_that_wants_order(void **state)
{
    (void)state;
    const struct ln_testkit_link link = { .delay_min_ms = 50,
                                          .reorder_permille = 300,
                                          .reorder_ms = 30 };
    coap_world_link(&w, link);
    w.script = orderly;
    in_order = 0;
    coap_world_run(&w);
    coap_world_must_have(&w, "in order", w.file.content);
    assert_int_equal(w.info.requests, 1);
}

/* scenario: T3 */
static void test_patience_that_is_asked_for(void **state)
{
    (void)state;
    w.script = refusing;
    refusal.code = LN_COAP_UNAVAILABLE;
    refusal.max_age = 120;
    refusal.from = 1;
    refusal.until = 2;
    coap_world_run(&w);
    coap_world_must_have(&w, "later", w.file.content);
    ln_msec paused = w.servers[0].asked_at[1] - w.servers[0].asked_at[0];
    assert_in_range(paused, 120000, 150000);
    coap_world_reset(&w);
    refusal.max_age = UINT32_MAX; /* an hour will do */
    coap_world_run(&w);
    coap_world_must_have(&w, "much later", w.file.content);
    paused = w.servers[0].asked_at[1] - w.servers[0].asked_at[0];
    assert_in_range(paused, 3600000, 4500000);
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_prestate_setup_teardown(name, coap_world_set_up, coap_world_tear_down, &w)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_blocks_that_are_wrong),      TEST(test_sizes_that_lie),
        TEST(test_a_file_without_an_end),      TEST(test_refusals),
        TEST(test_refusals_on_the_way),        TEST(test_a_server_that_wants_order),
        TEST(test_patience_that_is_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
