/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_download_coap.c
 * Downloads by coap, coaps, coap+tcp and coaps+tcp over the in-memory network: URIs, sizes of blocks,
 * bad and narrow paths, callbacks, keys.
 */
#include "support/coapworld.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

static struct coap_world w;

/* ---- in one piece ---- */

/* scenario: S3 */
static void test_whole_files(void **state)
{
    (void)state;
    static const size_t sizes[] = { 0, 1, 1023, 1024, 1025, 2048, 100000 };
    for (size_t scheme = 0; scheme < COUNT(coap_world_uris); scheme++)
        for (size_t i = 0; i < COUNT(sizes) * 2; i++) {
            coap_world_reset(&w);
            coap_world_use(&w, scheme);
            w.file.content.len = sizes[i / 2];
            w.file.no_size = i % 2 != 0;
            coap_world_run(&w);
            coap_world_must_have(&w, coap_world_uris[scheme], w.file.content);
            assert_int_equal(w.info.requests, 1);
            assert_int_equal(w.info.restarts, 0);
            assert_int_equal(w.info.answer, 205);
            assert_string_equal(w.info.etag, "7631");
            assert_true(w.info.received == sizes[i / 2]);
            assert_true(w.servers[scheme].body_sent == sizes[i / 2]); /* nothing was asked twice */
            assert_int_equal(w.store.calls[DL_BEGIN], 1);
            struct ln_tls_info tls;
            ln_download_tls_info(w.download, &tls);
            assert_int_equal(tls.version, scheme < 2 ? 0 : scheme == 2 ? 0xfefd : 0x0304);
            assert_string_equal(tls.alpn, scheme == 3 ? "coap" : "");
        }
}

static char seen[600];

static void note_uri(void *user, const struct coap_ask *ask, struct coap_say *say)
{
    (void)user;
    (void)snprintf(seen, sizeof seen, "%s %s?%s", ask->host, ask->path, ask->query);
    coap_serve_file(&w.file, ask, say);
}

/* RFC 7252 6.4 */
static void test_uris(void **state)
{
    (void)state;
    static const struct {
        const char *uri, *seen;
    } rows[] = {
        { "coap://Server.Example/", "server.example ?" },
        { "coap://server.example", "server.example ?" },
        { "coap://192.0.2.1/a/b.bin", " /a/b.bin?" },
        { "coap://192.0.2.1:5683/a%2Fb//c/", " /a/b//c/?" },
        { "coap://192.0.2.1/fw?x=1&y=a%26b", " /fw?x=1&y=a&b" },
        { "coap://192.0.2.1/fw?", " /fw?" },
    };
    w.script = note_uri;
    for (size_t i = 0; i < COUNT(rows); i++) {
        coap_world_reset(&w);
        w.options.uri = rows[i].uri;
        coap_world_run(&w);
        coap_world_must_have(&w, rows[i].uri, w.file.content);
        assert_string_equal(seen, rows[i].seen);
    }
}

/* scenario: H84 */
static void test_uris_that_cannot_be_said(void **state)
{
    (void)state;
    static char longer[3000];
    static const char *const bad[] = { "coap://192.0.2.1/a/../b", "coap://192.0.2.1/%2e/b" };
    for (size_t i = 0; i < COUNT(bad) + 2; i++) {
        int len = (int)(i == COUNT(bad) ? 256 : 2000);
        (void)snprintf(longer, sizeof longer, "coap://192.0.2.1/%0*d", len, 0);
        for (char *at = longer + 17 + 200; len > 256 && at < longer + len; at += 200)
            *at = '/'; /* parts that are short enough, but too many */
        coap_world_reset(&w);
        w.options.uri = i < COUNT(bad) ? bad[i] : longer;
        coap_world_run(&w);
        coap_world_must_fail(&w, w.options.uri, LN_DOWNLOAD_BAD_URI, "URI");
        assert_int_equal(w.servers[0].requests, 0);
    }
}

static void test_refused_options(void **state)
{
    (void)state;
    struct ln_download *d = NULL;
    w.options.coap_szx = 7;
    assert_int_equal(ln_download_new(&w.net.device, &w.options, &w.diag, &d), LN_BAD_ARG);
    w.options.coap_szx = 0;
    w.options.coap_ahead = 17;
    assert_int_equal(ln_download_new(&w.net.device, &w.options, &w.diag, &d), LN_BAD_ARG);
    w.options.coap_ahead = 0;
    w.options.coap.ack_random_permille = 999;
    coap_world_run(&w);
    coap_world_must_fail(&w, "timing", LN_DOWNLOAD_BAD_URI, "ack_random_permille");
}

/* ---- blocks of other sizes ---- */

static struct {
    uint32_t at;
    uint8_t szx;
} shrink;

static void shrinking(void *user, const struct coap_ask *ask, struct coap_say *say)
{
    (void)user;
    w.file.szx = ask->at >= shrink.at ? shrink.szx : 0;
    coap_serve_file(&w.file, ask, say);
}

static void test_smaller_blocks(void **state)
{
    (void)state;
    w.script = shrinking;
    for (unsigned i = 0; i < 4 * 6 * 2; i++) {
        coap_world_reset(&w);
        coap_world_use(&w, i % 2);
        shrink.at = i / 12 * 5120;
        shrink.szx = (uint8_t)(i / 2 % 6);
        if (shrink.szx == 0)
            shrink.szx = 1;
        coap_world_run(&w);
        coap_world_must_have(&w, "smaller by the server", w.file.content);
        assert_int_equal(w.info.requests, 1);
    }
    w.script = coap_world_serve_file;
    w.file.szx = 0;
    coap_world_use(&w, 0);
    for (uint8_t szx = 1; szx <= 6; szx++) {
        coap_world_reset(&w);
        w.options.coap_szx = szx;
        coap_world_run(&w);
        coap_world_must_have(&w, "smaller by us", w.file.content);
        assert_int_equal(w.servers[0].requests, (30000 + (16 << szx) - 1) / (16 << szx));
    }
}

/* ---- bad paths ---- */

/* scenario: T3 */
static void test_loss_duplication_and_order(void **state)
{
    (void)state;
    unsigned seeds = getenv("LN_TEST_FULL") != NULL ? 300 : 10;
    for (unsigned seed = 0; seed < seeds; seed++)
        for (size_t scheme = 0; scheme < COUNT(coap_world_uris); scheme++) {
            coap_world_close(&w);
            coap_world_open(&w);
            coap_world_use(&w, scheme);
            const struct ln_testkit_link link = { .loss_permille = (uint16_t)(seed * 37 % 200),
                                                  .duplicate_permille = 100,
                                                  .reorder_permille = 100,
                                                  .delay_min_ms = 20,
                                                  .delay_max_ms = 20 + seed * 13 % 300,
                                                  .keep_order = scheme % 2 != 0 };
            ln_testkit_advance(w.net.kit, seed); /* other dice */
            coap_world_link(&w, link);
            coap_world_run(&w);
            coap_world_must_have(&w, coap_world_uris[scheme], w.file.content);
            assert_int_equal(w.info.restarts, 0);
            assert_true(w.info.received <= 30000 + 1024 * w.info.requests);
        }
}

/* With 100 ms there and back: what the link takes is what comes, not a block for each round trip. */
static ln_msec time_of(size_t scheme, uint8_t ahead, uint32_t bytes_per_s, uint32_t delay_ms)
{
    const struct ln_testkit_link link = { .delay_min_ms = delay_ms,
                                          .bytes_per_s = bytes_per_s,
                                          .queue_bytes = 1 << 20,
                                          .keep_order = true };
    coap_world_link(&w, link);
    coap_world_reset(&w);
    coap_world_use(&w, scheme);
    w.options.coap_ahead = ahead;
    ln_msec before = networld_now(&w.net);
    coap_world_run(&w);
    coap_world_must_have(&w, "far away", w.file.content);
    assert_int_equal(w.info.requests, 1);
    return networld_now(&w.net) - before;
}

static void test_the_link_is_the_limit(void **state)
{
    (void)state;
    w.file.content.len = COAP_WORLD_CONTENT;
    ln_msec link = (ln_msec)COAP_WORLD_CONTENT * 1000 / 125000;         /* 1 Mbit/s */
    assert_in_range(time_of(0, 0, 125000, 50), link, link * 135 / 100); /* headers, slow start */
    assert_in_range(time_of(1, 0, 125000, 50), link, link * 135 / 100);
    assert_true(time_of(0, 1, 125000, 50) > 391 * 100); /* one by one */
}

/* A link of 20 kbit/s would hold what is asked for ahead so long that it is asked for again. */
static void test_a_narrow_link(void **state)
{
    (void)state;
    w.file.content.len = 100000;
    ln_msec link = (ln_msec)100000 * 1000 / 2500;
    assert_in_range(time_of(0, 0, 2500, 200), link, link * 115 / 100);
    assert_true(w.servers[0].body_sent <= 100000 * 105 / 100);
}

/* ---- from outside ---- */

static void test_suspend_reconnect_cancel(void **state)
{
    (void)state;
    for (size_t scheme = 0; scheme < COUNT(coap_world_uris); scheme++) {
        coap_world_reset(&w);
        coap_world_use(&w, scheme);
        coap_world_step_until(&w, 5000);
        ln_download_suspend(w.download);
        coap_world_go_on(&w);
        assert_int_equal(w.info.state, LN_DOWNLOAD_SUSPENDED);
        unsigned before = w.servers[scheme].requests;
        ln_testkit_advance(w.net.kit, 600000);
        assert_true(w.servers[scheme].requests <= before + 16);
        ln_download_resume(w.download);
        coap_world_go_on(&w);
        coap_world_must_have(&w, "suspended", w.file.content);
        assert_int_equal(w.info.restarts, 0);

        coap_world_reset(&w);
        coap_world_step_until(&w, 9000);
        ln_download_reconnect(w.download);
        coap_world_go_on(&w);
        coap_world_must_have(&w, "reconnected", w.file.content);
        assert_int_equal(w.info.requests, 2);
        assert_true(w.info.received <= 30000 + 1024);

        coap_world_reset(&w);
        coap_world_step_until(&w, 9000);
        ln_download_cancel(w.download);
        ln_download_info(w.download, &w.info);
        assert_int_equal(w.info.reason, LN_DOWNLOAD_CANCELLED);
        assert_int_equal(ln_download_step(w.download, networld_now(&w.net)), LN_CLOSED);
        coap_world_run(&w);
        coap_world_must_have(&w, "begun again", w.file.content);
        assert_true(w.info.resumed_at >= 9000);
    }
}

static void test_a_store_that_needs_time(void **state)
{
    (void)state;
    for (size_t scheme = 0; scheme < 2; scheme++) {
        coap_world_reset(&w);
        coap_world_use(&w, scheme);
        w.store.busy = true;
        coap_world_begin(&w);
        for (size_t before = 0;; before = w.store.len) {
            coap_world_go_on(&w);
            if (w.result == LN_OK)
                break;
            assert_int_equal(w.result, LN_AGAIN);
            assert_true(w.store.len > before);
            ln_testkit_advance(w.net.kit, 600000);
            assert_int_equal(dl_drive(w.download, &w.net.device), LN_AGAIN);
            ln_download_ready(w.download);
        }
        coap_world_must_have(&w, "slow flash", w.file.content);
        assert_true(w.info.received <= 30000);
    }
}

/* In a pause nothing is answered: what is on its way then is heard behind it, or asked for again. */
static void test_a_limited_rate(void **state)
{
    (void)state;
    for (size_t scheme = 0; scheme < COAP_WORLD_SCHEMES; scheme++) {
        coap_world_reset(&w);
        coap_world_use(&w, scheme);
        w.options.rate_max = 5000;
        ln_msec begun = networld_now(&w.net);
        coap_world_run(&w);
        coap_world_must_have(&w, "limited", w.file.content);
        assert_int_equal(w.info.requests, 1);
        assert_in_range(networld_now(&w.net) - begun, 5900, 6500);
    }
}

static void cancel_in_callback(void *user, enum dl_call call)
{
    (void)user;
    if (call == DL_WRITE && w.store.len > 9000)
        ln_download_cancel(w.download);
}

static void free_in_callback(void *user, enum dl_call call)
{
    (void)user;
    if (call == DL_WRITE && w.store.len > 9000 && w.download != NULL) {
        ln_download_free(w.download);
        w.download = NULL;
    }
}

static void test_callbacks_may_end_it(void **state)
{
    (void)state;
    for (size_t scheme = 0; scheme < COUNT(coap_world_uris); scheme++) {
        coap_world_reset(&w);
        coap_world_use(&w, scheme);
        w.store.hook = cancel_in_callback;
        coap_world_run(&w);
        coap_world_must_fail(&w, "cancelled", LN_DOWNLOAD_CANCELLED, "cancelled");
        assert_in_range(w.store.len, 9001, 10240);
        coap_world_reset(&w);
        w.store.hook = free_in_callback;
        coap_world_begin(&w);
        struct ln_download *d = w.download;
        assert_int_equal(dl_drive(d, &w.net.device), LN_CLOSED);
        assert_null(w.download);
    }
}

static void test_stores_that_fail(void **state)
{
    (void)state;
    for (size_t scheme = 0; scheme < 2; scheme++) {
        coap_world_reset(&w);
        coap_world_use(&w, scheme);
        w.store.fails = DL_WRITE;
        w.store.fail_at = 4;
        w.store.status = LN_NO_SPACE;
        coap_world_run(&w);
        coap_world_must_fail(&w, "full", LN_DOWNLOAD_SPACE, "worn out");
        assert_int_equal(w.info.requests, 1);
    }
}

/* ---- security ---- */

/* scenario: H101 */
static void test_no_keys_no_download(void **state)
{
    (void)state;
    for (size_t scheme = 2; scheme < COUNT(coap_world_uris); scheme++) {
        coap_world_use(&w, scheme);
        w.options.tls = NULL;
        coap_world_run(&w);
        coap_world_must_fail(&w, "no keys", LN_DOWNLOAD_SECURITY, "no TLS configuration");
        assert_int_equal(w.servers[scheme].connections, 0);
    }
}

static void test_memory_does_not_grow(void **state)
{
    (void)state;
    struct ln_testkit_memory memory[2];
    static const size_t sizes[] = { 10000, COAP_WORLD_CONTENT };
    for (size_t i = 0; i < 2; i++) {
        coap_world_reset(&w);
        w.file.content.len = sizes[i];
        coap_world_run(&w);
        coap_world_must_have(&w, "memory", w.file.content);
        ln_testkit_memory(w.net.device_host, &memory[i]);
    }
    assert_true(memory[1].peak_bytes == memory[0].peak_bytes);
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_prestate_setup_teardown(name, coap_world_set_up, coap_world_tear_down, &w)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_whole_files),
        TEST(test_uris),
        TEST(test_uris_that_cannot_be_said),
        TEST(test_refused_options),
        TEST(test_smaller_blocks),
        TEST(test_loss_duplication_and_order),
        TEST(test_the_link_is_the_limit),
        TEST(test_a_narrow_link),
        TEST(test_suspend_reconnect_cancel),
        TEST(test_a_store_that_needs_time),
        TEST(test_a_limited_rate),
        TEST(test_callbacks_may_end_it),
        TEST(test_stores_that_fail),
        TEST(test_no_keys_no_download),
        TEST(test_memory_does_not_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
