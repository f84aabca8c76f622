/* SPDX-License-Identifier: Apache-2.0 */
/* What users of other libraries met in block-wise transfers: each thread is a test, named by it. The
 * numbers are those of its issue tracker. */
#include "support/coapend.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void serve_write(struct coapend *e, const struct ln_coap_incoming *in,
                        struct ln_coap_reply *reply)
{
    (void)e;
    reply->code = in->last ? LN_COAP_CHANGED : LN_COAP_CONTINUE;
}

static void serve_source(struct coapend *e, const struct ln_coap_incoming *in,
                         struct ln_coap_reply *reply)
{
    (void)in;
    reply->code = LN_COAP_CONTENT;
    reply->source = coapend_source(e);
    e->read_max_offset = 0;
}

/* A block was answered that was not the one asked for. */
/* scenario: T5 */
static void zephyr_66607_the_block_that_is_asked_for_is_answered(void **state)
{
    struct coapend e;
    char text[200];
    (void)state;
    coapend_init(&e, NULL);
    e.serve = serve_source;
    e.body_size = 1000;
    coapend_receive(&e, "CON GET 0001 aa Uri-Path:x Block2:0/0/64");
    coapend_expect(&e, "ACK 2.05 0001 aa Block2:0/1/64 Size2:1000 | @0+64");
    static const unsigned order[] = { 1, 2, 5, 3, 14, 4, 15 };
    for (unsigned i = 0; i < sizeof order / sizeof order[0]; i++) {
        unsigned left = 1000 - order[i] * 64;
        (void)snprintf(text, sizeof text, "CON GET %04x aa Uri-Path:x Block2:%u/0/64", i + 2,
                       order[i]);
        coapend_receive(&e, text);
        (void)snprintf(text, sizeof text, "ACK 2.05 %04x aa Block2:%u/%d/64 | @%u+%u", i + 2,
                       order[i], left > 64, order[i] * 64, left < 64 ? left : 64);
        coapend_expect(&e, text);
    }
    coapend_deinit(&e);
}

/* A new block 0 in the middle of a transfer was not taken for a new beginning. */
/* scenario: T5, H36 */
static void zephyr_70591_and_16122_a_new_block_0_is_a_new_body(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    e.serve = serve_write;
    coapend_receive(&e, "CON PUT 0001 aa Uri-Path:x Block1:0/1/16 Size1:48 | @0+16");
    coapend_receive(&e, "CON PUT 0002 ab Uri-Path:x Block1:1/1/16 | @16+16");
    coapend_receive(&e, "CON PUT 0003 ac Uri-Path:x Block1:0/1/16 Size1:32 | @0+16");
    coapend_receive(&e, "CON PUT 0004 ad Uri-Path:x Block1:1/0/16 | @16+16");
    coapend_expect(&e, "ACK 2.31 0001 aa Block1:0/1/16");
    coapend_expect(&e, "ACK 2.31 0002 ab Block1:1/1/16");
    coapend_expect(&e, "ACK 2.31 0003 ac Block1:0/1/16");
    coapend_expect(&e, "ACK 2.04 0004 ad Block1:1/0/16");
    coapend_expect_log(&e, "request PUT /x 0+16 first\nrequest PUT /x 16+16\ndropped\n"
                           "request PUT /x 0+16 first\nrequest PUT /x 16+16 last\n");
    coapend_deinit(&e);
}

/* The first block came twice, was handed out twice, and the total was too large. */
/* scenario: T5, H37 */
static void zephyr_71351_a_repeated_block_0_is_handed_out_once(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    e.serve = serve_write;
    coapend_receive(&e, "CON PUT 0001 aa Uri-Path:x Block1:0/1/16 | @0+16");
    coapend_expect(&e, "ACK 2.31 0001 aa Block1:0/1/16");
    for (int i = 0; i < 3; i++) {
        coapend_advance(&e, 2500);
        coapend_receive(&e, "CON PUT 0001 aa Uri-Path:x Block1:0/1/16 | @0+16");
        coapend_expect(&e, "ACK 2.31 0001 aa Block1:0/1/16");
    }
    coapend_receive(&e, "CON PUT 0002 aa Uri-Path:x Block1:1/0/16 | @16+5");
    coapend_expect(&e, "ACK 2.04 0002 aa Block1:1/0/16");
    coapend_expect_log(&e, "request PUT /x 0+16 first\nrequest PUT /x 16+5 last\n");
    coapend_deinit(&e);
}

/* The end of a body was never told. */
/* scenario: T5 */
static void zephyr_16158_the_last_block_is_told(void **state)
{
    (void)state;
    for (unsigned size = 15; size <= 33; size++) { /* also where it ends with a whole block */
        struct coapend e;
        char text[200];
        unsigned last = (size - 1) / 16;
        coapend_init(&e, NULL);
        e.serve = serve_write;
        assert_int_equal(coapend_request(&e, "GET Uri-Path:x", NULL, NULL), LN_OK);
        coapend_expect(&e, "CON GET $0 $a Uri-Path:x");
        for (unsigned num = 0; num <= last; num++) {
            unsigned len = num < last ? 16 : size - num * 16;
            (void)snprintf(text, sizeof text, "ACK 2.05 $%u $%c Block2:%u/%d/16 | @%u+%u", num,
                           'a' + (int)num, num, num < last, num * 16, len);
            coapend_receive(&e, text);
            (void)snprintf(text, sizeof text, "response 2.05 %u+%u%s\n", num * 16, len,
                           num < last ? "" : " last final");
            coapend_expect_log(&e, text);
            if (num == last)
                break;
            (void)snprintf(text, sizeof text, "CON GET $%u $%c Uri-Path:x Block2:%u/0/16", num + 1,
                           'b' + (int)num, num + 1);
            coapend_expect(&e, text);
        }
        for (unsigned num = 0; num <= last; num++) {
            unsigned len = num < last ? 16 : size - num * 16;
            (void)snprintf(text, sizeof text, "CON PUT %04x aa Uri-Path:x Block1:%u/%d/16 | @%u+%u",
                           num, num, num < last, num * 16, len);
            coapend_receive(&e, text);
            (void)snprintf(text, sizeof text, "request PUT /x %u+%u%s%s\n", num * 16, len,
                           num == 0 ? " first" : "", num < last ? "" : " last");
            coapend_expect_log(&e, text);
        }
        e.sent_count = e.sent_read = 0;
        coapend_deinit(&e);
    }
}

/* A peer sent 996 bytes and said that it was a block of 1024. */
/* scenario: T5, H34 */
static void thingsboard_9761_a_block_of_996_bytes_is_none_of_1024(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    e.serve = serve_write;
    coapend_receive(&e, "CON PUT 0001 aa Uri-Path:x Block1:0/1/1024 | @0+996");
    coapend_expect(&e, "ACK 4.00 0001 aa | the payload is not as long as the block");
    coapend_expect_log(&e, "");
    assert_int_equal(coapend_request(&e, "GET Uri-Path:x", NULL, NULL), LN_OK);
    coapend_expect(&e, "CON GET $m $t Uri-Path:x");
    coapend_receive(&e, "ACK 2.05 $m $t Block2:0/1/1024 | @0+996");
    coapend_expect_log(&e, "the answer is unusable\n");
    coapend_deinit(&e);
}

/* A server answered requests for blocks by messages of their own. */
/* scenario: T5 */
static void thingsboard_11402_blocks_may_come_separately(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:x", NULL, NULL), LN_OK);
    coapend_expect(&e, "CON GET $a $k Uri-Path:x");
    coapend_receive(&e, "ACK $a");
    coapend_receive(&e, "CON 2.05 1001 $k Block2:0/1/32 | @0+32");
    coapend_expect(&e, "ACK 1001");
    coapend_expect(&e, "CON GET $b $l Uri-Path:x Block2:1/0/32");
    coapend_receive(&e, "CON 2.05 1001 $k Block2:0/1/32 | @0+32"); /* repeated */
    coapend_expect(&e, "ACK 1001");
    coapend_receive(&e, "CON 2.05 1002 $l Block2:1/1/32 | @32+32"); /* before the ACK */
    coapend_expect(&e, "ACK 1002");
    coapend_expect(&e, "CON GET $c $m Uri-Path:x Block2:2/0/32");
    coapend_receive(&e, "ACK $b");
    coapend_receive(&e, "ACK $c");
    coapend_receive(&e, "NON 2.05 1003 $m Block2:2/0/32 | @64+1");
    coapend_expect_log(&e, "response 2.05 0+32\nresponse 2.05 32+32\n"
                           "response 2.05 64+1 last final\n");
    coapend_expect_nothing(&e);
    coapend_deinit(&e);
}

/* Negotiation of sizes by 4.13 was not understood. */
/* scenario: T5 */
static void leshan_371_and_wakaama_510_too_large_negotiates(void **state)
{
    struct coapend e;
    struct ln_coap_config config = { .pool_bytes = 2000 };
    (void)state;
    coapend_init(&e, &config);
    /* a whole payload, which the peer wants in blocks of 64 */
    assert_int_equal(coapend_request(&e, "POST Uri-Path:rd | @0+150", NULL, NULL), LN_OK);
    coapend_expect(&e, "CON POST $a $k Uri-Path:rd | @0+150");
    coapend_receive(&e, "ACK 4.13 $a $k Block1:0/0/64");
    coapend_expect(&e, "CON POST $b $l Uri-Path:rd Block1:0/1/64 Size1:150 | @0+64");
    coapend_receive(&e, "ACK 2.31 $b $l Block1:0/1/64");
    coapend_expect(&e, "CON POST $c $m Uri-Path:rd Block1:1/1/64 | @64+64");
    coapend_receive(&e, "ACK 2.31 $c $m Block1:1/1/64");
    coapend_expect(&e, "CON POST $d $n Uri-Path:rd Block1:2/0/64 | @128+22");
    coapend_receive(&e, "ACK 2.01 $d $n Block1:2/0/64");
    coapend_expect_log(&e, "response 2.01 0+0 last final\n");
    /* Size1 says that the body itself would do: in blocks, then */
    assert_int_equal(coapend_request(&e, "POST Uri-Path:rd | @0+150", NULL, NULL), LN_OK);
    coapend_expect(&e, "CON POST $e $o Uri-Path:rd | @0+150");
    coapend_receive(&e, "ACK 4.13 $e $o Size1:1000");
    coapend_expect(&e, "CON POST $f $p Uri-Path:rd Block1:0/1/128 Size1:150 | @0+128");
    coapend_receive(&e, "ACK 4.13 $f $p Size1:100"); /* and now that it would not */
    coapend_expect_log(&e, "response 4.13 0+0 last final\n");
    coapend_deinit(&e);
    /* and as the server we tell what we would take */
    config = (struct ln_coap_config) { .body_max = 1000 };
    coapend_init(&e, &config);
    e.serve = serve_write;
    coapend_receive(&e, "CON PUT 0001 aa Uri-Path:x Block1:0/1/16 Size1:1001 | @0+16");
    coapend_expect(&e, "ACK 4.13 0001 aa Block1:0/1/16 Size1:1000");
    coapend_deinit(&e);
}

/* Long answers were impossible, or needed a buffer for all of it. */
/* scenario: T5 */
static void zephyr_47598_and_wakaama_807_64_kilobytes_out_of_a_small_endpoint(void **state)
{
    struct coapend e;
    char text[200];
    (void)state;
    coapend_init(&e, NULL);
    e.serve = serve_source;
    e.body_size = 65536;
    assert_true(e.heap < 3000);
    coapend_receive(&e, "CON GET 0000 aa Uri-Path:x");
    coapend_expect(&e, "ACK 2.05 0000 aa Block2:0/1/1024 Size2:65536 | @0+1024");
    for (unsigned num = 1; num < 64; num++) {
        (void)snprintf(text, sizeof text, "CON GET %04x aa Uri-Path:x Block2:%u/0/1024", num, num);
        coapend_receive(&e, text);
        (void)snprintf(text, sizeof text, "ACK 2.05 %04x aa Block2:%u/%d/1024 | @%u+1024", num, num,
                       num < 63, num * 1024);
        coapend_expect(&e, text);
    }
    coapend_expect_log(&e, "request GET /x 0+0 first last\nsource done whole\n");
    coapend_deinit(&e);
}

/* A limit of 8 kB on bodies surprised people. */
/* scenario: T5 */
static void californium_889_and_leshan_1615_bodies_are_not_limited_by_surprise(void **state)
{
    struct coapend e;
    char text[200];
    (void)state;
    coapend_init(&e, NULL);
    e.serve = serve_write;
    for (unsigned num = 0; num < 1024; num++) { /* a megabyte */
        (void)snprintf(text, sizeof text, "CON PUT %04x aa Uri-Path:x Block1:%u/%d/1024 | @%u+1024",
                       num, num, num < 1023, num * 1024);
        coapend_receive(&e, text);
        (void)snprintf(text, sizeof text, "ACK %s %04x aa Block1:%u/%d/1024",
                       num < 1023 ? "2.31" : "2.04", num, num, num < 1023);
        coapend_expect(&e, text);
    }
    e.log_len = 0;
    coapend_deinit(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zephyr_66607_the_block_that_is_asked_for_is_answered),
        cmocka_unit_test(zephyr_70591_and_16122_a_new_block_0_is_a_new_body),
        cmocka_unit_test(zephyr_71351_a_repeated_block_0_is_handed_out_once),
        cmocka_unit_test(zephyr_16158_the_last_block_is_told),
        cmocka_unit_test(thingsboard_9761_a_block_of_996_bytes_is_none_of_1024),
        cmocka_unit_test(thingsboard_11402_blocks_may_come_separately),
        cmocka_unit_test(leshan_371_and_wakaama_510_too_large_negotiates),
        cmocka_unit_test(zephyr_47598_and_wakaama_807_64_kilobytes_out_of_a_small_endpoint),
        cmocka_unit_test(californium_889_and_leshan_1615_bodies_are_not_limited_by_surprise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
