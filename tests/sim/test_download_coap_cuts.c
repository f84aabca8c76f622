/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_download_coap_cuts.c
 * Downloads by CoAP that are cut, swapped and killed: they go on where they were, or begin anew, and
 * never mix.
 */
#include "support/coapworld.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

static struct coap_world w;

/* ---- cuts ---- */

static struct {
    unsigned from, until; /* requests that are not heard; streams: the first one cuts */
    bool reset;
} cut;

static void cutting(void *user, const struct coap_ask *ask, struct coap_say *say)
{
    bool hit = ask->number >= cut.from && ask->number < cut.until;
    say->silent = hit && !cut.reset;
    say->reset = hit && cut.reset;
    if (!hit)
        coap_world_serve_file(user, ask, say);
}

/* The path is gone for longer than messages are sent again: then it goes on where it was. */
/* scenario: T3 */
static void test_cut_at_every_nth_message(void **state)
{
    (void)state;
    w.script = cutting;
    for (unsigned i = 0; i < 2 * 2 * 30; i++) {
        coap_world_reset(&w);
        coap_world_use(&w, i % 2); /* over TCP the connection is cut */
        w.options.coap_ahead = i / 2 % 2 == 0 ? 1 : 16;
        cut.from = i / 4 + 1;
        cut.until = cut.from + (i % 2 != 0 ? 1 : w.options.coap_ahead == 1 ? 5 : 80);
        cut.reset = i % 2 != 0;
        if (i % 2 == 0 && w.options.coap_ahead == 16)
            w.options.coap.max_retransmit = LN_COAP_NO_RETRANSMIT, cut.until = cut.from + 1;
        else
            w.options.coap.max_retransmit = 0;
        coap_world_run(&w);
        coap_world_must_have(&w, "cut", w.file.content);
        assert_int_equal(w.info.requests, 2);
        assert_int_equal(w.info.restarts, 0);
        assert_true(w.info.received <= 30000 + 1024);
        if (w.options.coap_ahead == 1)
            assert_true(w.servers[i % 2].body_sent <= 30000 * 105 / 100);
    }
}

static void test_resets(void **state)
{
    (void)state;
    w.script = cutting;
    cut.reset = true;
    cut.from = 5;
    cut.until = UINT32_MAX;
    coap_world_run(&w);
    coap_world_must_fail(&w, "rejected for ever", LN_DOWNLOAD_CONNECTION, "Reset");
    assert_int_equal(w.info.requests, 9);
    cut.until = 12;
    coap_world_run(&w);
    coap_world_must_have(&w, "rejected for a while", w.file.content);
    assert_true(w.info.resumed_at > 0);
}

static void test_silence(void **state)
{
    (void)state;
    w.script = cutting;
    cut.reset = false;
    cut.from = 1;
    cut.until = UINT32_MAX;
    w.options.attempts_max = 2;
    coap_world_run(&w);
    coap_world_must_fail(&w, "nobody is there", LN_DOWNLOAD_CONNECTION, "does not answer");
    assert_int_equal(w.servers[0].requests, 2 * 5);
    coap_world_reset(&w);
    cut.from = 4;
    cut.until = 4 + 4; /* the fifth time is heard */
    w.options.coap_ahead = 1;
    coap_world_run(&w);
    coap_world_must_have(&w, "patience", w.file.content);
    assert_int_equal(w.info.requests, 1);
    coap_world_reset(&w);
    w.options.idle_timeout_ms = 5000; /* sooner than RFC 7252 gives up */
    coap_world_run(&w);
    coap_world_must_have(&w, "less of it", w.file.content);
    assert_int_equal(w.info.requests, 2);
    coap_world_reset(&w);
    coap_world_use(&w, 1);
    cut.from = 4;
    cut.until = UINT32_MAX;
    ln_msec before = networld_now(&w.net);
    w.options.idle_timeout_ms = 0;
    w.options.attempts_max = 1;
    coap_world_run(&w);
    coap_world_must_fail(&w, "a stream that stands still", LN_DOWNLOAD_CONNECTION,
                         "does not answer");
    assert_int_equal(w.info.requests, 2); /* one that brought something, and one that did not */
    assert_in_range(networld_now(&w.net) - before, 60000, 62000);
}

/* Each answer is a message of its own, behind an empty ACK. */
static void separate(void *user, const struct coap_ask *ask, struct coap_say *say)
{
    say->separate = true;
    coap_world_serve_file(user, ask, say);
}

static void test_separate_answers(void **state)
{
    (void)state;
    w.script = separate;
    coap_world_use(&w, 0);
    coap_world_run(&w);
    coap_world_must_have(&w, "separate", w.file.content);
    coap_world_reset(&w);
    coap_world_use(&w, 2);
    coap_world_run(&w);
    coap_world_must_have(&w, "separate, secured", w.file.content);
}

/* ---- the file is another one ---- */

static struct {
    unsigned at; /* the request from which on it is another one */
    struct coap_file first, then;
} swap;

static void swapping(void *user, const struct coap_ask *ask, struct coap_say *say)
{
    (void)user;
    coap_serve_file(ask->number < swap.at ? &swap.first : &swap.then, ask, say);
}

/* Whatever it becomes, and whenever: begun anew, and never a mixture. */
/* scenario: T3 */
static void test_swapped_while_it_comes(void **state)
{
    (void)state;
    static const size_t sizes[] = { 30000, 30001, 40000, 20000, 500, 0 };
    w.script = swapping;
    swap.first = w.file;
    for (size_t i = 0; i < COUNT(sizes); i++)
        for (unsigned at = 2; at <= 29; at += 3)
            for (size_t scheme = 0; scheme < 2; scheme++) {
                coap_world_reset(&w);
                coap_world_use(&w, scheme);
                swap.at = at;
                swap.then = (struct coap_file) { .content = { w.other, sizes[i] },
                                                 .etag = ln_span_str("v2") };
                coap_world_run(&w);
                coap_world_must_have(&w, "swapped", swap.then.content);
                assert_int_equal(w.info.restarts, 1);
                assert_string_equal(w.info.etag, "7632");
            }
}

/* An entity tag that goes away, too, is another one. */
static void test_tags_that_come_and_go(void **state)
{
    (void)state;
    w.script = swapping;
    swap.first = w.file;
    swap.at = 7;
    swap.then = (struct coap_file) { .content = { w.other, 30000 } };
    coap_world_run(&w);
    coap_world_must_have(&w, "the tag is gone", swap.then.content);
    assert_int_equal(w.info.restarts, 1);
}

/* A different file for every block: it ends. */
static void always_another(void *user, const struct coap_ask *ask, struct coap_say *say)
{
    static char text[9];
    coap_world_serve_file(user, ask, say);
    (void)snprintf(text, sizeof text, "%u", ask->number);
    say->etag = ln_span_str(text);
}

static void test_a_file_that_never_stays_the_same(void **state)
{
    (void)state;
    w.script = always_another;
    coap_world_run(&w);
    coap_world_must_fail(&w, "never the same", LN_DOWNLOAD_CHANGED, "changed");
    assert_int_equal(w.info.restarts, 3);
    assert_int_equal(w.info.requests, 4);
}

static void swapping_and_cutting(void *user, const struct coap_ask *ask, struct coap_say *say)
{
    bool hit = ask->number >= cut.from && ask->number < cut.until;
    say->silent = hit;
    if (!hit)
        swapping(user, ask, say);
}

/* Between two tries: while nobody was there. */
/* scenario: T3 */
static void test_swapped_between_tries(void **state)
{
    (void)state;
    static const struct {
        const char *tag;
        size_t size;
        unsigned restarts;
    } rows[] = { { "v2", 30000, 1 }, { "v2", 3000, 1 },  { "v2", 500, 1 }, { "v1", 30000, 0 },
                 { "v1", 20000, 1 }, { "v1", 30001, 1 }, { "", 30000, 1 }, { "", 0, 1 } };
    w.script = swapping_and_cutting;
    swap.first = w.file;
    cut.from = swap.at = 12;
    w.options.coap_ahead = 1;
    cut.until = 17;
    for (size_t i = 0; i < COUNT(rows); i++) {
        bool same = rows[i].restarts == 0;
        coap_world_reset(&w);
        swap.then = (struct coap_file) { .content = { same ? w.content : w.other, rows[i].size },
                                         .etag = ln_span_str(rows[i].tag) };
        coap_world_run(&w);
        coap_world_must_have(&w, rows[i].tag, swap.then.content);
        assert_int_equal(w.info.restarts, rows[i].restarts);
    }
}

/* Nothing proves that the rest belongs to what is stored. */
static void test_without_tag(void **state)
{
    (void)state;
    w.script = cutting;
    w.file.etag = ln_span_str("");
    w.options.coap_ahead = 1;
    cut.reset = false;
    cut.from = 12;
    cut.until = 17;
    coap_world_run(&w);
    coap_world_must_have(&w, "without a tag", w.file.content);
    assert_int_equal(w.info.restarts, 1);
    assert_false(w.info.has_validator);
    coap_world_reset(&w);
    cut.until = UINT32_MAX;
    cut.from = 2;
    coap_world_run(&w);
    coap_world_must_fail(&w, "and never whole", LN_DOWNLOAD_CONNECTION, "does not answer");
    assert_true(w.info.restarts <= 3);
}

/* ---- the program ends, and begins again ---- */

/* scenario: T3 */
static void test_killed_anywhere(void **state)
{
    (void)state;
    w.options.save_bytes = 2000;
    w.options.sync_bytes = 5000;
    for (size_t scheme = 0; scheme < 2; scheme++)
        for (size_t at = 1; at < 30000; at += 1999) {
            coap_world_reset(&w);
            coap_world_use(&w, scheme);
            coap_world_step_until(&w, at);
            size_t stored = w.store.len;
            coap_world_kill(&w);
            coap_world_run(&w);
            coap_world_must_have(&w, "killed", w.file.content);
            assert_true(w.info.resumed_at + 2000 + 16 * 1024 > stored);
            assert_int_equal(w.info.restarts, 0);
            assert_true(w.info.requests <= 1); /* none: everything was there */
        }
}

/* The end was not told before: the block before it is asked for, and proves that nothing follows. */
static void test_killed_behind_the_last_byte(void **state)
{
    (void)state;
    w.file.content.len = 10240;
    w.file.no_size = true;
    w.options.save_bytes = 1;
    coap_world_step_until(&w, 10240);
    assert_int_equal(w.store.len, 10240);
    coap_world_kill(&w);
    w.asked[0] = '\0';
    coap_world_run(&w);
    coap_world_must_have(&w, "all was there", w.file.content);
    assert_true(w.info.requests == 0 || strcmp(w.asked, "9216|") == 0);
}

static void test_blocks_that_do_not_fit_the_start(void **state)
{
    (void)state;
    w.options.save_bytes = 1;
    w.file.szx = 1;
    coap_world_step_until(&w, 1056); /* 33 blocks of 32 bytes */
    assert_int_equal(w.store.len, 1056);
    coap_world_kill(&w);
    w.asked[0] = '\0';
    w.file.szx = 0;
    w.options.coap_ahead = 1;
    coap_world_run(&w);
    coap_world_must_have(&w, "from 1056", w.file.content);
    assert_memory_equal(w.asked, "1024|2048|", 10);
    assert_true(w.info.resumed_at == 1056 && w.info.received == 30000 + 32);
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_prestate_setup_teardown(name, coap_world_set_up, coap_world_tear_down, &w)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_cut_at_every_nth_message),
        TEST(test_resets),
        TEST(test_silence),
        TEST(test_separate_answers),
        TEST(test_swapped_while_it_comes),
        TEST(test_tags_that_come_and_go),
        TEST(test_a_file_that_never_stays_the_same),
        TEST(test_swapped_between_tries),
        TEST(test_without_tag),
        TEST(test_killed_anywhere),
        TEST(test_killed_behind_the_last_byte),
        TEST(test_blocks_that_do_not_fit_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
