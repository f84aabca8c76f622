/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/coap: bodies in blocks (RFC 7959) where we are the client. */
#include "support/coapend.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* ---- Block2: the body of an answer ---- */

static void an_answer_comes_block_by_block(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:x Accept:42", NULL, NULL), LN_OK);
    coapend_expect(&e, "CON GET $a $k Uri-Path:x Accept:42");
    coapend_receive(&e, "ACK 2.05 $a $k Content-Format:42 Block2:0/1/32 Size2:80 | @0+32");
    coapend_expect(&e, "CON GET $b $l Uri-Path:x Accept:42 Block2:1/0/32");
    coapend_receive(&e, "ACK 2.05 $b $l Content-Format:42 Block2:1/1/32 | @32+32");
    coapend_expect(&e, "CON GET $c $m Uri-Path:x Accept:42 Block2:2/0/32");
    coapend_receive(&e, "ACK 2.05 $c $m Content-Format:42 Block2:2/0/32 | @64+16");
    coapend_expect_log(&e, "response 2.05 0+32\nresponse 2.05 32+32\n"
                           "response 2.05 64+16 last final\n");
    assert_false(ln_coap_token_equal(&e.vars.value['k'], &e.vars.value['l']));
    assert_false(ln_coap_token_equal(&e.vars.value['l'], &e.vars.value['m']));
    coapend_expect_nothing(&e);
    assert_false(ln_coap_is_busy(e.coap));
    coapend_deinit(&e);
}

static void a_single_block_is_the_whole_answer(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:x", NULL, NULL), LN_OK);
    coapend_expect(&e, "CON GET $a $k Uri-Path:x");
    coapend_receive(&e, "ACK 2.05 $a $k Block2:0/0/64 | @0+64");
    coapend_expect_log(&e, "response 2.05 0+64 last final\n");
    coapend_deinit(&e);
}

static void we_can_ask_for_smaller_blocks(void **state)
{
    struct coapend e;
    struct ln_coap_config config = { .block_szx = 5 };
    struct ln_coap_request small = { .szx = 1 };
    (void)state;
    coapend_init(&e, &config);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:x", &small, NULL), LN_OK);
    coapend_expect(&e, "CON GET $a $k Uri-Path:x Block2:0/0/32");
    coapend_receive(&e, "ACK 2.05 $a $k Block2:0/1/16 | @0+16"); /* smaller still: RFC 7959 2.4 */
    coapend_expect(&e, "CON GET $b $l Uri-Path:x Block2:1/0/16");
    coapend_receive(&e, "ACK 2.05 $b $l Block2:1/0/16 | @16+1");
    coapend_expect_log(&e, "response 2.05 0+16\nresponse 2.05 16+1 last final\n");
    assert_int_equal(coapend_request(&e, "GET Uri-Path:x", NULL, NULL), LN_OK);
    coapend_expect(&e, "CON GET $c $m Uri-Path:x Block2:0/0/512"); /* the endpoint's own */
    coapend_deinit(&e);
}

/* scenario: H33 */
static void blocks_may_become_smaller_on_the_way(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:x", NULL, NULL), LN_OK);
    coapend_expect(&e, "CON GET $a $k Uri-Path:x");
    coapend_receive(&e, "ACK 2.05 $a $k Block2:0/1/64 | @0+64");
    coapend_expect(&e, "CON GET $b $l Uri-Path:x Block2:1/0/64");
    coapend_receive(&e, "ACK 2.05 $b $l Block2:4/1/16 | @64+16"); /* the same offset */
    coapend_expect(&e, "CON GET $c $m Uri-Path:x Block2:5/0/16");
    coapend_receive(&e, "ACK 2.05 $c $m Block2:5/1/16 | @80+16");
    coapend_expect(&e, "CON GET $d $n Uri-Path:x Block2:6/0/16");
    coapend_receive(&e, "ACK 2.05 $d $n Block2:6/0/16 | @96+3");
    coapend_expect_log(&e, "response 2.05 0+64\nresponse 2.05 64+16\nresponse 2.05 80+16\n"
                           "response 2.05 96+3 last final\n");
    coapend_deinit(&e);
}

/* scenario: H30, H32, H34, H40 */
static void wrong_blocks_break_the_answer(void **state)
{
    static const struct {
        const char *answer; /* to Block2:1/0/32 */
        const char *why;
    } cases[] = {
        { "ACK 2.05 $b $l Block2:2/1/32 | @64+32", "another block" },
        { "ACK 2.05 $b $l Block2:0/1/32 | @0+32", "the one before" },
        { "ACK 2.05 $b $l Block2:1/1/64 | @64+64", "the right number, a larger size" },
        { "ACK 2.05 $b $l Block2:1/1/16 | @16+16", "the right number, a smaller size" },
        { "ACK 2.05 $b $l Block2:1/1/32 | @32+31", "more to come, but short" },
        { "ACK 2.05 $b $l Block2:1/1/32 | @32+33", "longer than its size" },
        { "ACK 2.05 $b $l Block2:1/0/32 | @32+33", "the last one, longer than its size" },
        { "ACK 2.05 $b $l #23:1f | @32+32", "size 7" },
        { "ACK 2.05 $b $l | @32+32", "no block at all" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct coapend e;
        coapend_init(&e, NULL);
        assert_int_equal(coapend_request(&e, "GET Uri-Path:x", NULL, NULL), LN_OK);
        coapend_expect(&e, "CON GET $a $k Uri-Path:x");
        coapend_receive(&e, "ACK 2.05 $a $k Block2:0/1/32 | @0+32");
        coapend_expect(&e, "CON GET $b $l Uri-Path:x Block2:1/0/32");
        e.log_len = 0;
        coapend_receive(&e, cases[i].answer);
        if (strcmp(e.log, "the answer is unusable\n") != 0)
            fail_msg("%s: %s", cases[i].why, e.log);
        coapend_expect_nothing(&e);
        assert_false(ln_coap_is_busy(e.coap));
        coapend_deinit(&e);
    }
}

/* scenario: H34, H40 */
static void a_wrong_first_block_breaks_the_answer(void **state)
{
    static const char *const cases[] = {
        "ACK 2.05 $a $k Block2:1/1/32 | @32+32", "ACK 2.05 $a $k Block2:0/1/32 | @0+31",
        "ACK 2.05 $a $k Block2:0/1/32",          "ACK 2.05 $a $k Block2:0/0/32 | @0+33",
        "ACK 2.05 $a $k #23:0f | @0+32",
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct coapend e;
        coapend_init(&e, NULL);
        assert_int_equal(coapend_request(&e, "GET Uri-Path:x", NULL, NULL), LN_OK);
        coapend_expect(&e, "CON GET $a $k Uri-Path:x");
        coapend_receive(&e, cases[i]);
        coapend_expect_log(&e, "the answer is unusable\n");
        coapend_expect_nothing(&e);
        coapend_deinit(&e);
    }
}

/* scenario: H35, H38 */
static void the_size_that_is_told_is_a_hint(void **state)
{
    static const char *const sizes[] = { "Size2:0", "Size2:1", "Size2:64", "Size2:4294967295" };
    char text[200];
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct coapend e;
        struct ln_coap_request bulk = { .class_ = LN_COAP_BULK, .szx = 1 };
        coapend_init(&e, NULL);
        assert_int_equal(coapend_request(&e, "GET Uri-Path:x", &bulk, NULL), LN_OK);
        coapend_expect(&e, "CON GET $a $k Uri-Path:x Block2:0/0/32 Size2:0");
        (void)snprintf(text, sizeof text, "ACK 2.05 $a $k Block2:0/1/32 %s | @0+32", sizes[i]);
        coapend_receive(&e, text);
        coapend_expect(&e, "CON GET $b $l Uri-Path:x Block2:1/0/32");
        coapend_receive(&e, "ACK 2.05 $b $l Block2:1/1/32 | @32+32");
        coapend_expect(&e, "CON GET $c $m Uri-Path:x Block2:2/0/32");
        coapend_receive(&e, "ACK 2.05 $c $m Block2:2/0/32"); /* empty: it ended at 64 */
        coapend_expect_log(&e, "response 2.05 0+32\nresponse 2.05 32+32\n"
                               "response 2.05 64+0 last final\n");
        coapend_deinit(&e);
    }
}

/* scenario: H39 */
static void a_body_that_changes_is_not_mixed(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:x", NULL, NULL), LN_OK);
    coapend_expect(&e, "CON GET $a $k Uri-Path:x");
    coapend_receive(&e, "ACK 2.05 $a $k ETag:01 Block2:0/1/32 | @0+32");
    coapend_expect(&e, "CON GET $b $l Uri-Path:x Block2:1/0/32");
    coapend_receive(&e, "ACK 2.05 $b $l ETag:01 Block2:1/1/32 | @32+32");
    coapend_expect(&e, "CON GET $c $m Uri-Path:x Block2:2/0/32");
    coapend_receive(&e, "ACK 2.05 $c $m ETag:02 Block2:2/0/32 | @64+1");
    coapend_expect_log(&e, "response 2.05 0+32\nresponse 2.05 32+32\n"
                           "the body changed while it was fetched\n");
    coapend_deinit(&e);
}

/* scenario: H42 */
static void an_endless_answer_ends(void **state)
{
    struct coapend e;
    struct ln_coap_request limited = { .answer_max = 64 };
    (void)state;
    coapend_init(&e, NULL);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:x", &limited, NULL), LN_OK);
    coapend_expect(&e, "CON GET $a $k Uri-Path:x");
    coapend_receive(&e, "ACK 2.05 $a $k Block2:0/1/32 | @0+32");
    coapend_expect(&e, "CON GET $b $l Uri-Path:x Block2:1/0/32");
    coapend_receive(&e, "ACK 2.05 $b $l Block2:1/1/32 | @32+32");
    coapend_expect_log(&e, "response 2.05 0+32\nthe answer is too long\n");
    assert_int_equal(coapend_request(&e, "GET Uri-Path:x", &limited, NULL), LN_OK);
    coapend_expect(&e, "CON GET $c $m Uri-Path:x");
    coapend_receive(&e, "ACK 2.05 $c $m | @0+65"); /* at once */
    coapend_expect_log(&e, "the answer is too long\n");
    coapend_deinit(&e);
}

/* scenario: H31 */
static void blocks_end_at_the_highest_number(void **state)
{
    struct coapend e;
    struct ln_coap_request late = { .from = LN_COAP_BODY_MAX - 1024 };
    (void)state;
    coapend_init(&e, NULL);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:x", &late, NULL), LN_OK);
    coapend_expect(&e, "CON GET $a $k Uri-Path:x Block2:1048575/0/1024");
    coapend_receive(&e, "ACK 2.05 $a $k Block2:1048575/1/1024 | @1073740800+1024");
    coapend_expect_log(&e, "the answer is too long\n");
    assert_int_equal(coapend_request(&e, "GET Uri-Path:x", &late, NULL), LN_OK);
    coapend_expect(&e, "CON GET $b $l Uri-Path:x Block2:1048575/0/1024");
    coapend_receive(&e, "ACK 2.05 $b $l Block2:1048575/0/1024 | @1073740800+1024");
    coapend_expect_log(&e, "response 2.05 1073740800+1024 last final\n");
    coapend_deinit(&e);
}

static void an_error_among_the_blocks_is_the_answer(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:x", NULL, NULL), LN_OK);
    coapend_expect(&e, "CON GET $a $k Uri-Path:x");
    coapend_receive(&e, "ACK 2.05 $a $k Block2:0/1/32 | @0+32");
    coapend_expect(&e, "CON GET $b $l Uri-Path:x Block2:1/0/32");
    coapend_receive(&e, "ACK 4.08 $b $l");
    coapend_expect_log(&e, "response 2.05 0+32\nresponse 4.08 0+0 last final\n");
    coapend_deinit(&e);
}

static void lost_blocks_are_asked_for_again(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:x", NULL, NULL), LN_OK);
    coapend_expect(&e, "CON GET $a $k Uri-Path:x");
    coapend_receive(&e, "ACK 2.05 $a $k Block2:0/1/32 | @0+32");
    coapend_expect(&e, "CON GET $b $l Uri-Path:x Block2:1/0/32");
    coapend_advance(&e, 3000);
    coapend_expect(&e, "CON GET $b $l Uri-Path:x Block2:1/0/32");
    coapend_receive(&e, "ACK 2.05 $b $l Block2:1/0/32 | @32+5");
    coapend_receive(&e, "ACK 2.05 $b $l Block2:1/0/32 | @32+5"); /* the other one, late */
    coapend_expect_log(&e, "response 2.05 0+32\nresponse 2.05 32+5 last final\n");
    assert_int_equal(coapend_request(&e, "GET Uri-Path:x", NULL, NULL), LN_OK);
    coapend_expect(&e, "CON GET $c $m Uri-Path:x");
    coapend_receive(&e, "ACK 2.05 $c $m Block2:0/1/32 | @0+32");
    coapend_advance(&e, 93000);
    coapend_expect_log(&e, "response 2.05 0+32\ntimed out\n");
    assert_false(ln_coap_is_busy(e.coap));
    e.sent_count = e.sent_read = 0;
    coapend_deinit(&e);
}

static void a_download_is_resumed_where_it_was(void **state)
{
    static const uint8_t etag[] = { 0x01 };
    struct coapend e;
    struct ln_coap_request rest = { .from = 2048, .etag = ln_span(etag, 1) };
    (void)state;
    coapend_init(&e, NULL);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:x", &rest, NULL), LN_OK);
    coapend_expect(&e, "CON GET $a $k Uri-Path:x Block2:2/0/1024");
    coapend_receive(&e, "ACK 2.05 $a $k ETag:01 Block2:2/0/1024 | @2048+100");
    coapend_expect_log(&e, "response 2.05 2048+100 last final\n");
    assert_int_equal(coapend_request(&e, "GET Uri-Path:x", &rest, NULL), LN_OK);
    coapend_expect(&e, "CON GET $b $l Uri-Path:x Block2:2/0/1024");
    coapend_receive(&e, "ACK 2.05 $b $l ETag:02 Block2:2/0/1024 | @2048+100"); /* another file */
    coapend_expect_log(&e, "the body changed while it was fetched\n");
    assert_int_equal(coapend_request(&e, "GET Uri-Path:x", &rest, NULL), LN_OK);
    coapend_expect(&e, "CON GET $c $m Uri-Path:x Block2:2/0/1024");
    coapend_receive(&e, "ACK 2.05 $c $m Block2:64/1/32 | @2048+32"); /* smaller blocks */
    coapend_expect(&e, "CON GET $d $n Uri-Path:x Block2:65/0/32");
    e.log_len = 0;
    coapend_receive(&e, "ACK 4.04 $d $n");
    coapend_expect_log(&e, "response 4.04 0+0 last final\n");
    assert_int_equal(coapend_request(&e, "GET Uri-Path:x", &rest, NULL), LN_OK);
    coapend_expect(&e, "CON GET $e $o Uri-Path:x Block2:2/0/1024");
    coapend_receive(&e, "ACK 2.05 $e $o | @0+100"); /* a peer that knows no blocks: all of it */
    coapend_expect_log(&e, "the answer is unusable\n");
    coapend_deinit(&e);
}

/* ---- pausing and stopping ---- */

static void a_download_can_be_paused(void **state)
{
    struct coapend e;
    ln_coap_id id = 0;
    (void)state;
    coapend_init(&e, NULL);
    e.verdict = LN_COAP_PAUSE;
    assert_int_equal(coapend_request(&e, "GET Uri-Path:x", NULL, &id), LN_OK);
    coapend_expect(&e, "CON GET $a $k Uri-Path:x");
    coapend_receive(&e, "ACK 2.05 $a $k Block2:0/1/32 | @0+32");
    coapend_advance(&e, 600000); /* as long as the flash takes */
    coapend_expect_nothing(&e);
    assert_true(ln_coap_is_busy(e.coap));
    assert_int_equal(ln_coap_resume(e.coap, id, e.now), LN_OK);
    coapend_expect(&e, "CON GET $b $l Uri-Path:x Block2:1/0/32");
    coapend_receive(&e, "ACK 2.05 $b $l Block2:1/0/32 | @32+5");
    coapend_expect_log(&e, "response 2.05 0+32\nresponse 2.05 32+5 last final\n");
    assert_int_equal(ln_coap_resume(e.coap, id, e.now), LN_NOT_FOUND);
    coapend_deinit(&e);
}

static void a_download_can_be_stopped(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    e.verdict = LN_COAP_STOP;
    assert_int_equal(coapend_request(&e, "GET Uri-Path:x", NULL, NULL), LN_OK);
    coapend_expect(&e, "CON GET $a $k Uri-Path:x");
    coapend_receive(&e, "ACK 2.05 $a $k Block2:0/1/32 | @0+32");
    coapend_expect_log(&e, "response 2.05 0+32\n");
    coapend_expect_nothing(&e);
    assert_false(ln_coap_is_busy(e.coap));
    coapend_deinit(&e);
}

/* ---- blocks asked for ahead ---- */

static const struct ln_coap_config ahead = { .nstart = { 1, 3 },
                                             .exchanges = 8,
                                             .pool_bytes = 512 };
static const struct ln_coap_request bulk = { .class_ = LN_COAP_BULK, .szx = 1 };

static void begin_ahead(struct coapend *e, const struct ln_coap_config *config,
                        const struct ln_coap_request *request)
{
    coapend_init(e, config);
    assert_int_equal(coapend_request(e, "GET Uri-Path:x", request, NULL), LN_OK);
    coapend_expect(e, "CON GET $a $k Uri-Path:x Block2:0/0/32 Size2:0");
    coapend_receive(e, "ACK 2.05 $a $k Block2:0/1/32 Size2:150 | @0+32");
    coapend_expect(e, "CON GET $b $l Uri-Path:x Block2:1/0/32");
    coapend_expect(e, "CON GET $c $m Uri-Path:x Block2:2/0/32");
    coapend_expect(e, "CON GET $d $n Uri-Path:x Block2:3/0/32");
    coapend_expect_nothing(e);
    coapend_expect_log(e, "response 2.05 0+32\n");
}

static void blocks_are_asked_for_ahead(void **state)
{
    struct coapend e;
    (void)state;
    begin_ahead(&e, &ahead, &bulk);
    coapend_receive(&e, "ACK 2.05 $b $l Block2:1/1/32 | @32+32");
    coapend_expect(&e, "CON GET $e $o Uri-Path:x Block2:4/0/32");
    coapend_receive(&e, "ACK 2.05 $c $m Block2:2/1/32 | @64+32");
    coapend_expect_nothing(&e); /* 150 bytes: there is no block 5 */
    coapend_receive(&e, "ACK 2.05 $d $n Block2:3/1/32 | @96+32");
    coapend_receive(&e, "ACK 2.05 $e $o Block2:4/0/32 | @128+22");
    coapend_expect_log(&e, "response 2.05 32+32\nresponse 2.05 64+32\nresponse 2.05 96+32\n"
                           "response 2.05 128+22 last final\n");
    coapend_expect_nothing(&e);
    assert_false(ln_coap_is_busy(e.coap));
    coapend_deinit(&e);
}

static void what_comes_too_early_waits_in_the_pool(void **state)
{
    struct coapend e;
    (void)state;
    begin_ahead(&e, &ahead, &bulk);
    coapend_receive(&e, "ACK 2.05 $d $n Block2:3/1/32 | @96+32");
    coapend_receive(&e, "ACK 2.05 $c $m Block2:2/1/32 | @64+32");
    coapend_expect_log(&e, "");
    coapend_expect_nothing(&e); /* no further ahead than that */
    coapend_advance(&e, 3000);
    coapend_expect(&e, "CON GET $b $l Uri-Path:x Block2:1/0/32");
    coapend_receive(&e, "ACK 2.05 $b $l Block2:1/1/32 | @32+32");
    coapend_expect_log(&e, "response 2.05 32+32\nresponse 2.05 64+32\nresponse 2.05 96+32\n");
    coapend_expect(&e, "CON GET $e $o Uri-Path:x Block2:4/0/32");
    coapend_receive(&e, "ACK 2.05 $e $o Block2:4/0/32 | @128+22");
    coapend_expect_log(&e, "response 2.05 128+22 last final\n");
    coapend_deinit(&e);
}

static void without_room_it_is_asked_for_again(void **state)
{
    struct coapend e;
    struct ln_coap_config small = ahead;
    small.pool_bytes = 64;
    (void)state;
    begin_ahead(&e, &small, &bulk);
    coapend_receive(&e, "ACK 2.05 $d $n Block2:3/1/32 | @96+32"); /* is kept */
    coapend_receive(&e, "ACK 2.05 $c $m Block2:2/1/32 | @64+32"); /* is not */
    coapend_receive(&e, "ACK 2.05 $b $l Block2:1/1/32 | @32+32");
    coapend_expect_log(&e, "response 2.05 32+32\n");
    coapend_expect(&e, "CON GET $e $o Uri-Path:x Block2:2/0/32");
    coapend_expect(&e, "CON GET $f $p Uri-Path:x Block2:4/0/32");
    coapend_receive(&e, "ACK 2.05 $e $o Block2:2/1/32 | @64+32");
    coapend_receive(&e, "ACK 2.05 $f $p Block2:4/0/32 | @128+22");
    coapend_expect_log(&e, "response 2.05 64+32\nresponse 2.05 96+32\n"
                           "response 2.05 128+22 last final\n");
    coapend_deinit(&e);
}

static void pieces_may_come_in_any_order(void **state)
{
    struct coapend e;
    struct ln_coap_request any = bulk;
    any.unordered = true;
    (void)state;
    begin_ahead(&e, &ahead, &any);
    coapend_receive(&e, "ACK 2.05 $d $n Block2:3/1/32 | @96+32");
    coapend_expect(&e, "CON GET $e $o Uri-Path:x Block2:4/0/32");
    coapend_receive(&e, "ACK 2.05 $e $o Block2:4/0/32 | @128+22");
    coapend_receive(&e, "ACK 2.05 $e $o Block2:4/0/32 | @128+22");
    coapend_receive(&e, "ACK 2.05 $b $l Block2:1/1/32 | @32+32");
    coapend_receive(&e, "ACK 2.05 $c $m Block2:2/1/32 | @64+32");
    coapend_expect_log(&e, "response 2.05 96+32\nresponse 2.05 128+22\nresponse 2.05 32+32\n"
                           "response 2.05 64+32 last final\n");
    coapend_expect_nothing(&e);
    assert_false(ln_coap_is_busy(e.coap));
    coapend_deinit(&e);
}

/* The length is not known, and what is asked for behind the end is refused. */
static void asking_behind_the_end_does_no_harm(void **state)
{
    (void)state;
    for (int unordered = 0; unordered <= 1; unordered++) {
        struct coapend e;
        struct ln_coap_request rq = bulk;
        rq.unordered = unordered != 0;
        coapend_init(&e, &ahead);
        assert_int_equal(coapend_request(&e, "GET Uri-Path:x", &rq, NULL), LN_OK);
        coapend_expect(&e, "CON GET $a $k Uri-Path:x Block2:0/0/32 Size2:0");
        coapend_receive(&e, "ACK 2.05 $a $k Block2:0/1/32 | @0+32");
        coapend_expect(&e, "CON GET $b $l Uri-Path:x Block2:1/0/32");
        coapend_expect(&e, "CON GET $c $m Uri-Path:x Block2:2/0/32");
        coapend_expect(&e, "CON GET $d $n Uri-Path:x Block2:3/0/32");
        coapend_receive(&e, "ACK 4.00 $d $n");
        coapend_receive(&e, "ACK 4.00 $c $m");
        coapend_expect_nothing(&e);
        coapend_receive(&e, "ACK 2.05 $b $l Block2:1/0/32 | @32+9");
        coapend_expect_log(&e, "response 2.05 0+32\nresponse 2.05 32+9 last final\n");
        assert_false(ln_coap_is_busy(e.coap));
        coapend_deinit(&e);
    }
}

/* A peer that serves blocks in order only: one at a time from then on. */
static void a_peer_that_wants_order_gets_it(void **state)
{
    (void)state;
    for (int unordered = 0; unordered <= 1; unordered++) {
        struct coapend e;
        struct ln_coap_request rq = bulk;
        rq.unordered = unordered != 0;
        begin_ahead(&e, &ahead, &rq);
        coapend_receive(&e, "ACK 4.08 $c $m");
        coapend_receive(&e, "ACK 4.08 $d $n");
        coapend_receive(&e, "ACK 2.05 $b $l Block2:1/1/32 | @32+32");
        coapend_expect(&e, "CON GET $e $o Uri-Path:x Block2:2/0/32");
        coapend_expect_nothing(&e);
        coapend_receive(&e, "ACK 2.05 $e $o Block2:2/1/32 | @64+32");
        coapend_expect(&e, "CON GET $f $p Uri-Path:x Block2:3/0/32");
        coapend_receive(&e, "ACK 4.08 $f $p"); /* in order, and refused: that is the answer */
        coapend_expect_log(&e, "response 2.05 32+32\nresponse 2.05 64+32\n"
                               "response 4.08 0+0 last final\n");
        coapend_expect_nothing(&e);
        assert_false(ln_coap_is_busy(e.coap));
        coapend_deinit(&e);
    }
}

static void smaller_blocks_leave_no_gap(void **state)
{
    struct coapend e;
    (void)state;
    begin_ahead(&e, &ahead, &bulk);
    coapend_receive(&e, "ACK 2.05 $c $m Block2:4/1/16 | @64+16"); /* instead of 64..95 */
    coapend_expect_nothing(&e);
    coapend_receive(&e, "ACK 2.05 $b $l Block2:2/1/16 | @32+16"); /* and here of 32..63 */
    coapend_expect(&e, "CON GET $e $o Uri-Path:x Block2:3/0/16");
    coapend_receive(&e, "ACK 2.05 $e $o Block2:3/1/16 | @48+16");
    coapend_expect(&e, "CON GET $f $p Uri-Path:x Block2:5/0/16");
    coapend_expect(&e, "CON GET $g $q Uri-Path:x Block2:8/0/16");
    coapend_receive(&e, "ACK 2.05 $d $n Block2:3/1/32 | @96+32"); /* was asked for before */
    coapend_receive(&e, "ACK 2.05 $f $p Block2:5/1/16 | @80+16");
    coapend_expect(&e, "CON GET $h $r Uri-Path:x Block2:9/0/16");
    coapend_receive(&e, "ACK 2.05 $g $q Block2:8/1/16 | @128+16");
    coapend_receive(&e, "ACK 2.05 $h $r Block2:9/0/16 | @144+6");
    coapend_expect_log(&e, "response 2.05 32+16\nresponse 2.05 48+16\nresponse 2.05 64+16\n"
                           "response 2.05 80+16\nresponse 2.05 96+32\nresponse 2.05 128+16\n"
                           "response 2.05 144+6 last final\n");
    coapend_deinit(&e);
}

static void blocks_that_disagree_about_the_end_break_it(void **state)
{
    struct coapend e;
    (void)state;
    begin_ahead(&e, &ahead, &bulk);
    coapend_receive(&e, "ACK 2.05 $c $m Block2:2/0/32 | @64+5");
    coapend_receive(&e, "ACK 2.05 $d $n Block2:3/0/32 | @96+5"); /* is not asked for any more */
    coapend_receive(&e, "ACK 2.05 $b $l Block2:1/0/32 | @32+5"); /* that would be the end, too */
    coapend_expect_log(&e, "the answer is unusable\n");
    coapend_deinit(&e);
}

static void a_pause_holds_what_still_comes(void **state)
{
    (void)state;
    for (int unordered = 0; unordered <= 1; unordered++) {
        struct coapend e;
        struct ln_coap_request rq = bulk;
        ln_coap_id id = 0;
        rq.unordered = unordered != 0;
        coapend_init(&e, &ahead);
        assert_int_equal(coapend_request(&e, "GET Uri-Path:x", &rq, &id), LN_OK);
        coapend_expect(&e, "CON GET $a $k Uri-Path:x Block2:0/0/32 Size2:0");
        coapend_receive(&e, "ACK 2.05 $a $k Block2:0/1/32 | @0+32");
        coapend_expect(&e, "CON GET $b $l Uri-Path:x Block2:1/0/32");
        coapend_expect(&e, "CON GET $c $m Uri-Path:x Block2:2/0/32");
        coapend_expect(&e, "CON GET $d $n Uri-Path:x Block2:3/0/32");
        e.verdict = LN_COAP_PAUSE;
        coapend_receive(&e, "ACK 2.05 $b $l Block2:1/1/32 | @32+32");
        coapend_receive(&e, "ACK 2.05 $c $m Block2:2/1/32 | @64+32");
        coapend_receive(&e, "ACK 2.05 $d $n Block2:3/0/32");
        coapend_expect_log(&e, "response 2.05 0+32\nresponse 2.05 32+32\n");
        coapend_expect_nothing(&e);
        assert_int_equal(ln_coap_resume(e.coap, id, e.now), LN_OK);
        coapend_expect_log(&e, unordered != 0 ? "response 2.05 64+32\n"
                                              : "response 2.05 64+32 last final\n");
        if (unordered != 0) {
            assert_int_equal(ln_coap_resume(e.coap, id, e.now), LN_OK);
            coapend_expect_log(&e, "response 2.05 96+0 last final\n");
        }
        assert_false(ln_coap_is_busy(e.coap));
        coapend_deinit(&e);
    }
}

static void a_cancelled_download_asks_no_more(void **state)
{
    struct coapend e;
    ln_coap_id id = 0;
    (void)state;
    coapend_init(&e, &ahead);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:x", &bulk, &id), LN_OK);
    coapend_expect(&e, "CON GET $a $k Uri-Path:x Block2:0/0/32 Size2:0");
    coapend_receive(&e, "ACK 2.05 $a $k Block2:0/1/32 | @0+32");
    e.sent_count = e.sent_read = 0;
    ln_coap_cancel(e.coap, id);
    assert_false(ln_coap_is_busy(e.coap));
    coapend_advance(&e, 300000);
    coapend_expect_nothing(&e);
    coapend_expect_log(&e, "response 2.05 0+32\n");
    coapend_deinit(&e);
}

static void a_reset_of_one_block_ends_the_download_once(void **state)
{
    struct coapend e;
    (void)state;
    begin_ahead(&e, &ahead, &bulk);
    coapend_receive(&e, "RST $c");
    coapend_expect_log(&e, "reset by the peer\n");
    coapend_receive(&e, "RST $b");
    coapend_advance(&e, 300000);
    coapend_expect_log(&e, "");
    assert_false(ln_coap_is_busy(e.coap));
    coapend_deinit(&e);
}

/* ---- notifications in blocks ---- */

static const struct ln_coap_request observing = { .observe = true };

static void the_rest_of_a_notification_is_fetched(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:x", &observing, NULL), LN_OK);
    coapend_expect(&e, "CON GET $a $k Observe:0 Uri-Path:x");
    coapend_receive(&e, "ACK 2.05 $a $k Observe:1 Block2:0/1/32 | @0+32");
    coapend_expect(&e, "CON GET $b $l Uri-Path:x Block2:1/0/32"); /* another token, no Observe */
    coapend_receive(&e, "ACK 2.05 $b $l Block2:1/0/32 | @32+9");
    coapend_expect_log(&e, "response 2.05 0+32 notification\n"
                           "response 2.05 32+9 last notification\n");
    assert_false(ln_coap_is_busy(e.coap));
    coapend_receive(&e, "CON 2.05 0001 $k Observe:2 ETag:02 Block2:0/1/32 | @0+32");
    coapend_expect(&e, "ACK 0001");
    coapend_expect(&e, "CON GET $c $m Uri-Path:x Block2:1/0/32");
    /* a newer state before the older one is complete */
    coapend_receive(&e, "NON 2.05 0002 $k Observe:3 ETag:03 Block2:0/1/32 | @0+32");
    coapend_expect(&e, "CON GET $d $n Uri-Path:x Block2:1/0/32");
    coapend_receive(&e, "ACK 2.05 $c $m ETag:02 Block2:1/0/32 | @32+9");
    coapend_receive(&e, "ACK 2.05 $d $n ETag:03 Block2:1/0/32 | @32+7");
    coapend_expect_log(&e, "response 2.05 0+32 notification\n"
                           "response 2.05 0+32 notification\n"
                           "response 2.05 32+7 last notification\n");
    coapend_deinit(&e);
}

/* ---- Block1: the body of a request ---- */

static enum ln_status put(struct coapend *e, uint32_t size)
{
    struct ln_coap_source source = coapend_source(e);
    struct ln_coap_request rq = { .source = &source };
    e->body_size = size;
    source.size = size;
    return coapend_request(e, "PUT Uri-Path:x Content-Format:42", &rq, NULL);
}

static const struct ln_coap_config small_blocks = { .block_szx = 1 };

static void a_body_goes_block_by_block(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, &small_blocks);
    assert_int_equal(put(&e, 80), LN_OK);
    coapend_expect(&e, "CON PUT $a $k Uri-Path:x Content-Format:42 Block2:0/0/32 Block1:0/1/32 "
                       "Size1:80 | @0+32");
    coapend_receive(&e, "ACK 2.31 $a $k Block1:0/1/32");
    coapend_expect(&e, "CON PUT $b $l Uri-Path:x Content-Format:42 Block1:1/1/32 | @32+32");
    coapend_advance(&e, 3000);
    coapend_expect(&e, "CON PUT $b $l Uri-Path:x Content-Format:42 Block1:1/1/32 | @32+32");
    coapend_receive(&e, "ACK 2.31 $b $l Block1:1/1/32");
    coapend_expect(&e, "CON PUT $c $m Uri-Path:x Content-Format:42 Block1:2/0/32 | @64+16");
    coapend_receive(&e, "ACK 2.04 $c $m Block1:2/0/32");
    coapend_expect_log(&e, "source done whole\nresponse 2.04 0+0 last final\n");
    assert_false(ln_coap_is_busy(e.coap));
    coapend_deinit(&e);
}

static void a_short_body_goes_in_one_message(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    assert_int_equal(put(&e, 1024), LN_OK);
    coapend_expect(&e, "CON PUT $a $k Uri-Path:x Content-Format:42 | @0+1024");
    coapend_receive(&e, "ACK 2.04 $a $k");
    coapend_expect_log(&e, "source done whole\nresponse 2.04 0+0 last final\n");
    coapend_deinit(&e);
}

static void a_long_payload_goes_in_blocks(void **state)
{
    struct coapend e;
    struct ln_coap_config config = { .max_message = 110, .pool_bytes = 1024 };
    (void)state;
    coapend_init(&e, &config);
    assert_int_equal(coapend_request(&e, "POST Uri-Path:rd Uri-Query:ep=x | @0+100", NULL, NULL),
                     LN_OK);
    coapend_expect(&e, "CON POST $a $k Uri-Path:rd Uri-Query:ep=x Block2:0/0/64 Block1:0/1/32 "
                       "Size1:100 | @0+32");
    for (unsigned num = 0; num < 3; num++) {
        char text[200];
        (void)snprintf(text, sizeof text, "ACK 2.31 $%c $%c Block1:%u/1/32", 'a' + (int)num,
                       'k' + (int)num, num);
        coapend_receive(&e, text);
        (void)snprintf(text, sizeof text,
                       "CON POST $%c $%c Uri-Path:rd Uri-Query:ep=x Block1:%u/%u/32 | @%u+%u",
                       'b' + (int)num, 'l' + (int)num, num + 1, num < 2, num * 32 + 32,
                       num < 2 ? 32u : 4u);
        coapend_expect(&e, text);
    }
    coapend_receive(&e, "ACK 2.01 $d $n Block1:3/0/32 Location-Path:rd");
    coapend_expect_log(&e, "response 2.01 0+0 last final\n");
    coapend_deinit(&e);
}

/* scenario: H33 */
static void the_peer_may_ask_for_smaller_blocks(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    assert_int_equal(put(&e, 2000), LN_OK);
    coapend_expect(&e, "CON PUT $a $k Uri-Path:x Content-Format:42 Block1:0/1/1024 Size1:2000 | "
                       "@0+1024");
    coapend_receive(&e, "ACK 2.31 $a $k Block1:0/1/256"); /* RFC 7959 2.3: num of the old size */
    coapend_expect(&e, "CON PUT $b $l Uri-Path:x Content-Format:42 Block1:4/1/256 | @1024+256");
    coapend_receive(&e, "ACK 2.31 $b $l Block1:4/1/64");
    coapend_expect(&e, "CON PUT $c $m Uri-Path:x Content-Format:42 Block1:20/1/64 | @1280+64");
    coapend_receive(&e, "ACK 2.31 $c $m Block1:20/1/1024"); /* larger ones: not asked */
    coapend_expect(&e, "CON PUT $d $n Uri-Path:x Content-Format:42 Block1:21/1/64 | @1344+64");
    coapend_deinit(&e);
}

static void too_large_makes_blocks_smaller(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    assert_int_equal(put(&e, 2000), LN_OK);
    coapend_expect(&e, "CON PUT $a $k Uri-Path:x Content-Format:42 Block1:0/1/1024 Size1:2000 | "
                       "@0+1024");
    coapend_receive(&e, "ACK 4.13 $a $k Block1:0/1/512"); /* RFC 7959 2.9.3 */
    coapend_expect(&e, "CON PUT $b $l Uri-Path:x Content-Format:42 Block1:0/1/512 Size1:2000 | "
                       "@0+512");
    coapend_receive(&e, "ACK 4.13 $b $l Block1:0/1/512"); /* not a smaller one: it is an answer */
    coapend_expect_log(&e, "source done broken\nresponse 4.13 0+0 last final\n");
    coapend_deinit(&e);
}

static void a_body_that_is_too_large_is_an_answer(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, &small_blocks);
    assert_int_equal(put(&e, 80), LN_OK);
    coapend_expect(&e, "CON PUT $a $k Uri-Path:x Content-Format:42 Block2:0/0/32 Block1:0/1/32 "
                       "Size1:80 | @0+32");
    coapend_receive(&e, "ACK 4.13 $a $k Size1:64");
    coapend_expect_log(&e, "source done broken\nresponse 4.13 0+0 last final\n");
    coapend_deinit(&e);
}

static void incomplete_is_tried_once_more(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    assert_int_equal(put(&e, 2000), LN_OK);
    coapend_expect(&e, "CON PUT $a $k Uri-Path:x Content-Format:42 Block1:0/1/1024 Size1:2000 | "
                       "@0+1024");
    coapend_receive(&e, "ACK 2.31 $a $k Block1:0/1/1024");
    coapend_expect(&e, "CON PUT $b $l Uri-Path:x Content-Format:42 Block1:1/0/1024 | @1024+976");
    coapend_receive(&e, "ACK 4.08 $b $l"); /* the peer forgot */
    coapend_expect(&e, "CON PUT $c $m Uri-Path:x Content-Format:42 Block1:0/1/1024 Size1:2000 | "
                       "@0+1024");
    coapend_receive(&e, "ACK 2.31 $c $m Block1:0/1/1024");
    coapend_expect(&e, "CON PUT $d $n Uri-Path:x Content-Format:42 Block1:1/0/1024 | @1024+976");
    coapend_receive(&e, "ACK 4.08 $d $n");
    coapend_expect_log(&e, "source done broken\nresponse 4.08 0+0 last final\n");
    coapend_deinit(&e);
}

/* A peer that stores each block by itself answers 2.04 to each, RFC 7959 2.3. */
static void success_for_each_block_goes_on(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    assert_int_equal(put(&e, 2000), LN_OK);
    coapend_expect(&e, "CON PUT $a $k Uri-Path:x Content-Format:42 Block1:0/1/1024 Size1:2000 | "
                       "@0+1024");
    coapend_receive(&e, "ACK 2.04 $a $k Block1:0/0/1024");
    coapend_expect(&e, "CON PUT $b $l Uri-Path:x Content-Format:42 Block1:1/0/1024 | @1024+976");
    coapend_receive(&e, "ACK 2.04 $b $l Block1:1/0/1024");
    coapend_expect_log(&e, "source done whole\nresponse 2.04 0+0 last final\n");
    coapend_deinit(&e);
}

static void wrong_answers_to_blocks_break_the_request(void **state)
{
    static const char *const cases[] = {
        "ACK 2.31 $a $k Block1:1/1/1024", /* another block */
        "ACK 2.31 $a $k #27:0f",          /* size 7 */
    };
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct coapend e;
        coapend_init(&e, NULL);
        assert_int_equal(put(&e, 2000), LN_OK);
        coapend_expect(&e, "CON PUT $a $k Uri-Path:x Content-Format:42 Block1:0/1/1024 "
                           "Size1:2000 | @0+1024");
        coapend_receive(&e, cases[i]);
        coapend_expect_log(&e, "source done broken\nthe answer is unusable\n");
        coapend_expect_nothing(&e);
        coapend_deinit(&e);
    }
}

static void continue_behind_the_last_block_is_no_answer(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    assert_int_equal(put(&e, 10), LN_OK);
    coapend_expect(&e, "CON PUT $a $k Uri-Path:x Content-Format:42 | @0+10");
    coapend_receive(&e, "ACK 2.31 $a $k");
    coapend_expect_log(&e, "source done broken\nthe answer is unusable\n");
    coapend_deinit(&e);
}

static void a_source_that_fails_ends_the_request(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    e.read_status = LN_IO;
    assert_int_equal(put(&e, 10), LN_OK);
    coapend_expect_log(&e, ""); /* never within the call */
    coapend_advance(&e, 0);
    coapend_expect_log(&e, "source done broken\nthe answer is unusable\n");
    e.read_status = LN_OK;
    assert_int_equal(put(&e, 2000), LN_OK);
    coapend_expect(&e, "CON PUT $a $k Uri-Path:x Content-Format:42 Block1:0/1/1024 Size1:2000 | "
                       "@0+1024");
    e.read_status = LN_IO;
    coapend_receive(&e, "ACK 2.31 $a $k Block1:0/1/1024");
    coapend_advance(&e, 0);
    coapend_expect_log(&e, "source done broken\nthe answer is unusable\n");
    assert_false(ln_coap_is_busy(e.coap));
    coapend_deinit(&e);
}

static void a_body_both_ways(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, &small_blocks);
    e.body_size = 40;
    struct ln_coap_source source = coapend_source(&e);
    struct ln_coap_request rq = { .source = &source };
    assert_int_equal(coapend_request(&e, "POST Uri-Path:x", &rq, NULL), LN_OK);
    coapend_expect(&e, "CON POST $a $k Uri-Path:x Block2:0/0/32 Block1:0/1/32 Size1:40 | @0+32");
    coapend_receive(&e, "ACK 2.31 $a $k Block1:0/1/32");
    coapend_expect(&e, "CON POST $b $l Uri-Path:x Block1:1/0/32 | @32+8");
    coapend_receive(&e, "ACK 2.04 $b $l Block2:0/1/32 Block1:1/0/32 | @0+32");
    coapend_expect(&e, "CON POST $c $m Uri-Path:x Block2:1/0/32"); /* no body, RFC 7959 3.3 */
    coapend_receive(&e, "ACK 2.04 $c $m Block2:1/0/32 | @32+3");
    coapend_expect_log(&e, "response 2.04 0+32\nsource done whole\n"
                           "response 2.04 32+3 last final\n");
    coapend_deinit(&e);
}

static void a_cancelled_upload_frees_its_source(void **state)
{
    struct coapend e;
    ln_coap_id id = 0;
    (void)state;
    coapend_init(&e, NULL);
    e.body_size = 5000;
    struct ln_coap_source source = coapend_source(&e);
    struct ln_coap_request rq = { .source = &source };
    assert_int_equal(coapend_request(&e, "PUT Uri-Path:x", &rq, &id), LN_OK);
    ln_coap_cancel(e.coap, id);
    coapend_expect_log(&e, "source done broken\n");
    e.sent_count = e.sent_read = 0;
    coapend_deinit(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_comes_block_by_block),
        cmocka_unit_test(a_single_block_is_the_whole_answer),
        cmocka_unit_test(we_can_ask_for_smaller_blocks),
        cmocka_unit_test(blocks_may_become_smaller_on_the_way),
        cmocka_unit_test(wrong_blocks_break_the_answer),
        cmocka_unit_test(a_wrong_first_block_breaks_the_answer),
        cmocka_unit_test(the_size_that_is_told_is_a_hint),
        cmocka_unit_test(a_body_that_changes_is_not_mixed),
        cmocka_unit_test(an_endless_answer_ends),
        cmocka_unit_test(blocks_end_at_the_highest_number),
        cmocka_unit_test(an_error_among_the_blocks_is_the_answer),
        cmocka_unit_test(lost_blocks_are_asked_for_again),
        cmocka_unit_test(a_download_is_resumed_where_it_was),
        cmocka_unit_test(a_download_can_be_paused),
        cmocka_unit_test(a_download_can_be_stopped),
        cmocka_unit_test(blocks_are_asked_for_ahead),
        cmocka_unit_test(what_comes_too_early_waits_in_the_pool),
        cmocka_unit_test(without_room_it_is_asked_for_again),
        cmocka_unit_test(pieces_may_come_in_any_order),
        cmocka_unit_test(asking_behind_the_end_does_no_harm),
        cmocka_unit_test(a_peer_that_wants_order_gets_it),
        cmocka_unit_test(smaller_blocks_leave_no_gap),
        cmocka_unit_test(blocks_that_disagree_about_the_end_break_it),
        cmocka_unit_test(a_pause_holds_what_still_comes),
        cmocka_unit_test(a_cancelled_download_asks_no_more),
        cmocka_unit_test(a_reset_of_one_block_ends_the_download_once),
        cmocka_unit_test(the_rest_of_a_notification_is_fetched),
        cmocka_unit_test(a_body_goes_block_by_block),
        cmocka_unit_test(a_short_body_goes_in_one_message),
        cmocka_unit_test(a_long_payload_goes_in_blocks),
        cmocka_unit_test(the_peer_may_ask_for_smaller_blocks),
        cmocka_unit_test(too_large_makes_blocks_smaller),
        cmocka_unit_test(a_body_that_is_too_large_is_an_answer),
        cmocka_unit_test(incomplete_is_tried_once_more),
        cmocka_unit_test(success_for_each_block_goes_on),
        cmocka_unit_test(wrong_answers_to_blocks_break_the_request),
        cmocka_unit_test(continue_behind_the_last_block_is_no_answer),
        cmocka_unit_test(a_source_that_fails_ends_the_request),
        cmocka_unit_test(a_body_both_ways),
        cmocka_unit_test(a_cancelled_upload_frees_its_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
