/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/coap: bodies in blocks (RFC 7959) where we are the server. */
#include "support/coapend.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* ---- Block1: a body that comes ---- */

static void serve_write(struct coapend *e, const struct ln_coap_incoming *in,
                        struct ln_coap_reply *reply)
{
    (void)e;
    reply->code = in->last ? LN_COAP_CHANGED : LN_COAP_CONTINUE;
}

static void a_body_comes_block_by_block(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    e.serve = serve_write;
    coapend_receive(&e, "CON PUT 0001 aa Uri-Path:x Block1:0/1/16 Size1:40 | @0+16");
    coapend_expect(&e, "ACK 2.31 0001 aa Block1:0/1/16");
    assert_true(ln_coap_is_busy(e.coap));
    coapend_receive(&e, "CON PUT 0002 ab Uri-Path:x Block1:1/1/16 | @16+16");
    coapend_expect(&e, "ACK 2.31 0002 ab Block1:1/1/16");
    coapend_receive(&e, "CON PUT 0003 ac Uri-Path:x Block1:2/0/16 | @32+8");
    coapend_expect(&e, "ACK 2.04 0003 ac Block1:2/0/16");
    coapend_expect_log(&e, "request PUT /x 0+16 first\nrequest PUT /x 16+16\n"
                           "request PUT /x 32+8 last\n");
    assert_false(ln_coap_is_busy(e.coap));
    coapend_deinit(&e);
}

static void a_body_of_one_block_is_a_whole_one(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    e.serve = serve_write;
    coapend_receive(&e, "CON PUT 0001 aa Uri-Path:x Block1:0/0/16 | @0+9");
    coapend_expect(&e, "ACK 2.04 0001 aa Block1:0/0/16");
    coapend_expect_log(&e, "request PUT /x 0+9 first last\n");
    coapend_deinit(&e);
}

/* scenario: H36 */
static void a_new_block_0_begins_anew(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    e.serve = serve_write;
    coapend_receive(&e, "CON PUT 0001 aa Uri-Path:x Block1:0/1/16 | @0+16");
    coapend_expect(&e, "ACK 2.31 0001 aa Block1:0/1/16");
    coapend_receive(&e, "CON PUT 0002 aa Uri-Path:x Block1:1/1/16 | @16+16");
    coapend_expect(&e, "ACK 2.31 0002 aa Block1:1/1/16");
    coapend_receive(&e, "CON PUT 0003 aa Uri-Path:x Block1:0/1/32 | @0+32");
    coapend_expect(&e, "ACK 2.31 0003 aa Block1:0/1/32");
    coapend_receive(&e, "CON PUT 0004 aa Uri-Path:x Block1:1/0/32 | @32+1");
    coapend_expect(&e, "ACK 2.04 0004 aa Block1:1/0/32");
    coapend_expect_log(&e, "request PUT /x 0+16 first\nrequest PUT /x 16+16\ndropped\n"
                           "request PUT /x 0+32 first\nrequest PUT /x 32+1 last\n");
    /* and a whole body instead of blocks ends what was begun */
    coapend_receive(&e, "CON PUT 0005 aa Uri-Path:x Block1:0/1/16 | @0+16");
    coapend_expect(&e, "ACK 2.31 0005 aa Block1:0/1/16");
    coapend_receive(&e, "CON PUT 0006 aa Uri-Path:x Block1:0/0/16 | @0+3");
    coapend_expect(&e, "ACK 2.04 0006 aa Block1:0/0/16");
    coapend_expect_log(&e, "request PUT /x 0+16 first\ndropped\nrequest PUT /x 0+3 first last\n");
    coapend_deinit(&e);
}

/* scenario: H37 */
static void repeated_blocks_are_handed_out_once(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    e.serve = serve_write;
    coapend_receive(&e, "CON PUT 0001 aa Uri-Path:x Block1:0/1/16 | @0+16");
    coapend_receive(&e, "CON PUT 0001 aa Uri-Path:x Block1:0/1/16 | @0+16"); /* the same message */
    coapend_expect(&e, "ACK 2.31 0001 aa Block1:0/1/16");
    coapend_expect(&e, "ACK 2.31 0001 aa Block1:0/1/16");
    coapend_receive(&e, "CON PUT 0002 aa Uri-Path:x Block1:1/1/16 | @16+16");
    coapend_expect(&e, "ACK 2.31 0002 aa Block1:1/1/16");
    coapend_receive(&e, "CON PUT 0003 aa Uri-Path:x Block1:1/1/16 | @16+16"); /* asked once more */
    coapend_expect(&e, "ACK 2.31 0003 aa Block1:1/1/16");
    coapend_receive(&e, "CON PUT 0004 aa Uri-Path:x Block1:2/1/16 | @32+16");
    coapend_expect(&e, "ACK 2.31 0004 aa Block1:2/1/16");
    coapend_receive(&e, "CON PUT 0005 aa Uri-Path:x Block1:1/1/16 | @16+16"); /* long done */
    coapend_expect(&e, "ACK 4.08 0005 aa Block1:1/1/16 | a block before this one is missing");
    coapend_receive(&e, "CON PUT 0006 aa Uri-Path:x Block1:3/0/16 | @48+2");
    coapend_receive(&e, "CON PUT 0006 aa Uri-Path:x Block1:3/0/16 | @48+2");
    coapend_expect(&e, "ACK 2.04 0006 aa Block1:3/0/16");
    coapend_expect(&e, "ACK 2.04 0006 aa Block1:3/0/16");
    coapend_expect_log(&e, "request PUT /x 0+16 first\nrequest PUT /x 16+16\n"
                           "request PUT /x 32+16\nrequest PUT /x 48+2 last\n");
    coapend_deinit(&e);
}

static void a_gap_is_incomplete(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    e.serve = serve_write;
    coapend_receive(&e, "CON PUT 0001 aa Uri-Path:x Block1:1/1/16 | @16+16");
    coapend_expect(&e, "ACK 4.08 0001 aa Block1:1/1/16 | this body did not begin with block 0");
    coapend_receive(&e, "CON PUT 0002 aa Uri-Path:x Block1:0/1/16 | @0+16");
    coapend_expect(&e, "ACK 2.31 0002 aa Block1:0/1/16");
    coapend_receive(&e, "CON PUT 0003 aa Uri-Path:x Block1:2/1/16 | @32+16");
    coapend_expect(&e, "ACK 4.08 0003 aa Block1:2/1/16 | a block before this one is missing");
    coapend_receive(&e, "CON PUT 0004 aa Uri-Path:x Block1:1/0/16 | @16+16"); /* what is missing */
    coapend_expect(&e, "ACK 2.04 0004 aa Block1:1/0/16");
    coapend_expect_log(&e, "request PUT /x 0+16 first\nrequest PUT /x 16+16 last\n");
    coapend_deinit(&e);
}

/* scenario: H30 */
static void size_7_is_refused(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    coapend_receive(&e, "CON PUT 0001 aa #27:0f | @0+16");
    coapend_expect(&e, "ACK 4.00 0001 aa | block size 7 is reserved");
    coapend_receive(&e, "CON GET 0002 aa #23:07");
    coapend_expect(&e, "ACK 4.00 0002 aa | block size 7 is reserved");
    coapend_expect_log(&e, "");
    coapend_deinit(&e);
}

/* scenario: H31 */
static void the_highest_block_number_does_not_overflow(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    e.serve = serve_write;
    coapend_receive(&e, "CON PUT 0001 aa Uri-Path:x Block1:0/1/16 | @0+16");
    coapend_expect(&e, "ACK 2.31 0001 aa Block1:0/1/16");
    coapend_receive(&e, "CON PUT 0002 aa Uri-Path:x Block1:1048575/0/1024 | @16+16");
    coapend_expect(&e,
                   "ACK 4.08 0002 aa Block1:1048575/0/1024 | a block before this one is missing");
    e.serve = NULL;
    coapend_receive(&e, "CON GET 0003 aa Uri-Path:x Block2:1048575/0/1024");
    coapend_expect(&e, "ACK 4.00 0003 aa | this block is behind the end of the body");
    coapend_deinit(&e);
}

/* scenario: H32, H33 */
static void the_size_may_change_if_the_offset_is_right(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    e.serve = serve_write;
    coapend_receive(&e, "CON PUT 0001 aa Uri-Path:x Block1:0/1/64 | @0+64");
    coapend_expect(&e, "ACK 2.31 0001 aa Block1:0/1/64");
    coapend_receive(&e, "CON PUT 0002 aa Uri-Path:x Block1:1/1/128 | @128+128"); /* larger: 128 */
    coapend_expect(&e, "ACK 4.08 0002 aa Block1:1/1/128 | a block before this one is missing");
    coapend_receive(&e, "CON PUT 0003 aa Uri-Path:x Block1:4/1/16 | @64+16"); /* smaller: 64 */
    coapend_expect(&e, "ACK 2.31 0003 aa Block1:4/1/16");
    coapend_receive(&e, "CON PUT 0004 aa Uri-Path:x Block1:5/0/16 | @80+16");
    coapend_expect(&e, "ACK 2.04 0004 aa Block1:5/0/16");
    coapend_expect_log(&e, "request PUT /x 0+64 first\nrequest PUT /x 64+16\n"
                           "request PUT /x 80+16 last\n");
    coapend_deinit(&e);
}

static void we_ask_for_smaller_blocks(void **state)
{
    struct coapend e;
    struct ln_coap_config config = { .block_szx = 2 };
    (void)state;
    coapend_init(&e, &config);
    e.serve = serve_write;
    coapend_receive(&e, "CON PUT 0001 aa Uri-Path:x Block1:0/1/128 | @0+128");
    coapend_expect(&e, "ACK 2.31 0001 aa Block1:0/1/64");
    coapend_receive(&e, "CON PUT 0002 aa Uri-Path:x Block1:2/0/64 | @128+64");
    coapend_expect(&e, "ACK 2.04 0002 aa Block1:2/0/64");
    coapend_deinit(&e);
}

/* scenario: H34, H40 */
static void a_payload_must_be_as_long_as_its_block(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    e.serve = serve_write;
    coapend_receive(&e, "CON PUT 0001 aa Uri-Path:x Block1:0/1/64 | @0+63");
    coapend_expect(&e, "ACK 4.00 0001 aa | the payload is not as long as the block");
    coapend_receive(&e, "CON PUT 0002 aa Uri-Path:x Block1:0/1/64 | @0+65");
    coapend_expect(&e, "ACK 4.00 0002 aa | the payload is not as long as the block");
    coapend_receive(&e, "CON PUT 0003 aa Uri-Path:x Block1:0/0/64 | @0+65");
    coapend_expect(&e, "ACK 4.00 0003 aa | the payload is not as long as the block");
    coapend_receive(&e, "CON PUT 0004 aa Uri-Path:x Block1:0/1/16");
    coapend_expect(&e, "ACK 4.00 0004 aa | the payload is not as long as the block");
    coapend_expect_log(&e, "");
    /* and it changes nothing for a transfer that is under way */
    coapend_receive(&e, "CON PUT 0005 aa Uri-Path:x Block1:0/1/16 | @0+16");
    coapend_expect(&e, "ACK 2.31 0005 aa Block1:0/1/16");
    coapend_receive(&e, "CON PUT 0006 aa Uri-Path:x Block1:1/1/16 | @16+15");
    coapend_expect(&e, "ACK 4.00 0006 aa | the payload is not as long as the block");
    coapend_receive(&e, "CON PUT 0007 aa Uri-Path:x Block1:1/0/16 | @16+15");
    coapend_expect(&e, "ACK 2.04 0007 aa Block1:1/0/16");
    coapend_deinit(&e);
}

/* scenario: H35 */
static void a_body_may_end_early(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    e.serve = serve_write;
    coapend_receive(&e, "CON PUT 0001 aa Uri-Path:x Block1:0/1/16 Size1:1000 | @0+16");
    coapend_expect(&e, "ACK 2.31 0001 aa Block1:0/1/16");
    coapend_receive(&e, "CON PUT 0002 aa Uri-Path:x Block1:1/0/16"); /* an empty last block */
    coapend_expect(&e, "ACK 2.04 0002 aa Block1:1/0/16");
    coapend_expect_log(&e, "request PUT /x 0+16 first\nrequest PUT /x 16+0 last\n");
    /* what comes behind the end belongs to nothing */
    coapend_receive(&e, "CON PUT 0003 aa Uri-Path:x Block1:2/0/16 | @32+1");
    coapend_expect(&e, "ACK 4.08 0003 aa Block1:2/0/16 | this body did not begin with block 0");
    coapend_deinit(&e);
}

/* scenario: H38, H42 */
static void bodies_have_a_limit(void **state)
{
    struct coapend e;
    struct ln_coap_config config = { .body_max = 40 };
    (void)state;
    coapend_init(&e, &config);
    e.serve = serve_write;
    coapend_receive(&e, "CON PUT 0001 aa Uri-Path:x Block1:0/1/16 Size1:41 | @0+16"); /* at once */
    coapend_expect(&e, "ACK 4.13 0001 aa Block1:0/1/16 Size1:40");
    coapend_expect_log(&e, "");
    coapend_receive(&e, "CON PUT 0002 aa Uri-Path:x Block1:0/1/16 Size1:1 | @0+16"); /* a lie */
    coapend_expect(&e, "ACK 2.31 0002 aa Block1:0/1/16");
    coapend_receive(&e, "CON PUT 0003 aa Uri-Path:x Block1:1/1/16 | @16+16");
    coapend_expect(&e, "ACK 2.31 0003 aa Block1:1/1/16");
    coapend_receive(&e, "CON PUT 0004 aa Uri-Path:x Block1:2/1/16 | @32+16");
    coapend_expect(&e, "ACK 4.13 0004 aa Block1:2/1/16 Size1:40");
    coapend_expect_log(&e, "request PUT /x 0+16 first\nrequest PUT /x 16+16\ndropped\n");
    assert_false(ln_coap_is_busy(e.coap));
    coapend_deinit(&e);
}

/* scenario: H41 */
static void two_peers_do_not_get_mixed_up(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    e.serve = serve_write;
    coapend_receive_from(&e, 1, "CON PUT 0001 aa Uri-Path:x Block1:0/1/16 | @0+16");
    coapend_receive_from(&e, 2, "CON PUT 0001 aa Uri-Path:x Block1:0/1/32 | @0+32");
    coapend_receive_from(&e, 1, "CON PUT 0002 aa Uri-Path:x Block1:1/1/16 | @16+16");
    coapend_receive_from(&e, 2, "CON PUT 0002 aa Uri-Path:x Block1:1/0/32 | @32+7");
    coapend_receive_from(&e, 1, "CON PUT 0003 aa Uri-Path:x Block1:2/0/16 | @32+3");
    coapend_expect(&e, "ACK 2.31 0001 aa Block1:0/1/16");
    coapend_expect(&e, "ACK 2.31 0001 aa Block1:0/1/32");
    coapend_expect(&e, "ACK 2.31 0002 aa Block1:1/1/16");
    coapend_expect(&e, "ACK 2.04 0002 aa Block1:1/0/32");
    coapend_expect(&e, "ACK 2.04 0003 aa Block1:2/0/16");
    coapend_expect_log(&e, "request PUT /x 0+16 first\nrequest PUT /x 0+32 first\n"
                           "request PUT /x 16+16\nrequest PUT /x 32+7 last\n"
                           "request PUT /x 32+3 last\n");
    coapend_deinit(&e);
}

static void what_the_body_belongs_to_tells_transfers_apart(void **state)
{
    struct coapend e;
    struct ln_coap_config config = { .transfers = 8 };
    (void)state;
    coapend_init(&e, &config);
    e.serve = serve_write;
    coapend_receive(&e, "CON PUT 0001 aa Uri-Path:x Block1:0/1/16 | @0+16");
    coapend_expect(&e, "ACK 2.31 0001 aa Block1:0/1/16");
    static const char *const others[] = {
        "CON POST 0002 aa Uri-Path:x Block1:1/0/16 | @16+1",
        "CON PUT 0003 aa Uri-Path:y Block1:1/0/16 | @16+1",
        "CON PUT 0004 aa Uri-Path:x Uri-Path:x Block1:1/0/16 | @16+1",
        "CON PUT 0005 aa Uri-Path:x Uri-Query:x Block1:1/0/16 | @16+1",
        "CON PUT 0006 aa Uri-Path:x Content-Format:0 Block1:1/0/16 | @16+1",
        "CON PUT 0007 aa Uri-Path:x Accept:0 Block1:1/0/16 | @16+1",
        "CON PUT 0008 aa Uri-Path:x Block1:1/0/16 Request-Tag:01 | @16+1",
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        char text[200];
        coapend_receive(&e, others[i]);
        (void)snprintf(text, sizeof text,
                       "ACK 4.08 %04zx aa Block1:1/0/16 | this body did not begin with block 0",
                       i + 2);
        coapend_expect(&e, text);
    }
    coapend_receive(&e, "CON PUT 0010 bb Uri-Path:x Block1:1/0/16 | @16+1");
    coapend_expect(&e, "ACK 2.04 0010 bb Block1:1/0/16");
    coapend_deinit(&e);
}

static void transfers_have_a_limit_in_number_and_time(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    e.serve = serve_write;
    coapend_receive(&e, "CON PUT 0001 aa Uri-Path:x Block1:0/1/16 | @0+16");
    coapend_receive(&e, "CON PUT 0002 aa Uri-Path:y Block1:0/1/16 | @0+16");
    coapend_receive(&e, "CON PUT 0003 aa Uri-Path:z Block1:0/1/16 | @0+16");
    coapend_expect(&e, "ACK 2.31 0001 aa Block1:0/1/16");
    coapend_expect(&e, "ACK 2.31 0002 aa Block1:0/1/16");
    coapend_expect(&e, "ACK 5.03 0003 aa Block1:0/1/16 | too many transfers at once");
    assert_int_equal(ln_coap_counters(e.coap)->no_space, 1);
    e.log_len = 0;
    coapend_advance(&e, 246999);
    assert_int_equal(e.log_len, 0);
    coapend_advance(&e, 1); /* EXCHANGE_LIFETIME */
    coapend_expect_log(&e, "dropped\ndropped\n");
    assert_false(ln_coap_is_busy(e.coap));
    coapend_deinit(&e);
}

static void serve_refusing(struct coapend *e, const struct ln_coap_incoming *in,
                           struct ln_coap_reply *reply)
{
    (void)e;
    if (in->offset > 0)
        ln_coap_reply_text(reply, LN_COAP_BAD_REQUEST, "not that");
    else
        reply->code = LN_COAP_CONTINUE;
}

static void the_handler_can_end_a_body(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    e.serve = serve_refusing;
    coapend_receive(&e, "CON PUT 0001 aa Uri-Path:x Block1:0/1/16 | @0+16");
    coapend_expect(&e, "ACK 2.31 0001 aa Block1:0/1/16");
    coapend_receive(&e, "CON PUT 0002 aa Uri-Path:x Block1:1/1/16 | @16+16");
    coapend_expect(&e, "ACK 4.00 0002 aa Block1:1/1/16 | not that");
    assert_false(ln_coap_is_busy(e.coap));
    coapend_expect_log(&e, "request PUT /x 0+16 first\nrequest PUT /x 16+16\n");
    coapend_deinit(&e);
}

/* ---- Block2: a body that goes, written into the answer ---- */

static void serve_200_bytes(struct coapend *e, const struct ln_coap_incoming *in,
                            struct ln_coap_reply *reply)
{
    (void)in;
    reply->code = LN_COAP_CONTENT;
    ln_coap_put_uint(reply->out, LN_COAP_CONTENT_FORMAT, 42);
    for (uint32_t i = 0; i < e->body_size; i++) {
        uint8_t byte = coaptext_body(i);
        ln_coap_put_payload(reply->out, ln_span(&byte, 1));
    }
}

static void an_answer_is_cut_as_the_peer_wants_it(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    e.serve = serve_200_bytes;
    e.body_size = 200;
    coapend_receive(&e, "CON GET 0001 aa Uri-Path:x");
    coapend_expect(&e, "ACK 2.05 0001 aa Content-Format:42 | @0+200");
    coapend_receive(&e, "CON GET 0002 aa Uri-Path:x Block2:0/0/128");
    coapend_expect(&e, "ACK 2.05 0002 aa Content-Format:42 Block2:0/1/128 | @0+128");
    coapend_receive(&e, "CON GET 0003 aa Uri-Path:x Block2:1/0/128");
    coapend_expect(&e, "ACK 2.05 0003 aa Content-Format:42 Block2:1/0/128 | @128+72");
    coapend_receive(&e, "CON GET 0004 aa Uri-Path:x Block2:2/0/128");
    coapend_expect(&e, "ACK 4.00 0004 aa | this block is behind the end of the body");
    coapend_receive(&e, "CON GET 0005 aa Uri-Path:x Block2:0/0/1024");
    coapend_expect(&e, "ACK 2.05 0005 aa Content-Format:42 Block2:0/0/1024 | @0+200");
    assert_false(ln_coap_is_busy(e.coap));
    e.body_size = 256;
    coapend_receive(&e, "CON GET 0006 aa Uri-Path:x Block2:2/0/128"); /* just behind the end */
    coapend_expect(&e, "ACK 4.00 0006 aa | this block is behind the end of the body");
    coapend_deinit(&e);
}

static void an_answer_longer_than_our_blocks_is_cut(void **state)
{
    struct coapend e;
    struct ln_coap_config config = { .block_szx = 2 };
    (void)state;
    coapend_init(&e, &config);
    e.serve = serve_200_bytes;
    e.body_size = 64;
    coapend_receive(&e, "CON GET 0001 aa Uri-Path:x");
    coapend_expect(&e, "ACK 2.05 0001 aa Content-Format:42 | @0+64");
    e.body_size = 65;
    coapend_receive(&e, "CON GET 0002 aa Uri-Path:x");
    coapend_expect(&e, "ACK 2.05 0002 aa Content-Format:42 Block2:0/1/64 | @0+64");
    coapend_receive(&e, "CON GET 0003 aa Uri-Path:x Block2:1/0/64");
    coapend_expect(&e, "ACK 2.05 0003 aa Content-Format:42 Block2:1/0/64 | @64+1");
    /* what must not be asked for twice goes as it is */
    e.body_size = 200;
    coapend_receive(&e, "CON POST 0004 aa Uri-Path:x Block2:0/0/16");
    coapend_expect(&e, "ACK 2.05 0004 aa Content-Format:42 | @0+200");
    coapend_deinit(&e);
}

/* ---- Block2: a body that goes, from a source ---- */

static void serve_source(struct coapend *e, const struct ln_coap_incoming *in,
                         struct ln_coap_reply *reply)
{
    reply->code = LN_COAP_CONTENT;
    reply->observe = (in->msg->has & LN_COAP_HAS_OBSERVE) != 0;
    ln_coap_put_uint(reply->out, LN_COAP_CONTENT_FORMAT, 42);
    reply->source = coapend_source(e);
    e->read_max_offset = 0;
}

static const uint8_t etag[] = { 0xe1, 0xe2 };

static void a_source_is_read_block_by_block(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    e.serve = serve_source;
    e.body_size = 2500;
    e.etag = ln_span(etag, sizeof etag);
    coapend_receive(&e, "CON GET 0001 aa Uri-Path:x");
    coapend_expect(&e, "ACK 2.05 0001 aa ETag:e1e2 Content-Format:42 Block2:0/1/1024 Size2:2500 | "
                       "@0+1024");
    assert_true(ln_coap_is_busy(e.coap));
    coapend_receive(&e, "CON GET 0002 aa Uri-Path:x Block2:1/0/1024");
    coapend_expect(&e, "ACK 2.05 0002 aa ETag:e1e2 Content-Format:42 Block2:1/1/1024 | @1024+1024");
    coapend_receive(&e, "CON GET 0003 aa Uri-Path:x Block2:1/0/1024"); /* once more */
    coapend_expect(&e, "ACK 2.05 0003 aa ETag:e1e2 Content-Format:42 Block2:1/1/1024 | @1024+1024");
    coapend_receive(&e, "CON GET 0004 aa Uri-Path:x Block2:32/0/64"); /* smaller ones from here */
    coapend_expect(&e, "ACK 2.05 0004 aa ETag:e1e2 Content-Format:42 Block2:32/1/64 | @2048+64");
    coapend_receive(&e, "CON GET 0005 aa Uri-Path:x Block2:2/0/1024");
    coapend_expect(&e, "ACK 2.05 0005 aa ETag:e1e2 Content-Format:42 Block2:2/0/1024 | @2048+452");
    coapend_expect_log(&e, "request GET /x 0+0 first last\nsource done whole\n");
    assert_false(ln_coap_is_busy(e.coap));
    assert_int_equal(e.coap == NULL, false);
    coapend_deinit(&e);
}

static void a_short_source_is_no_transfer(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    e.serve = serve_source;
    e.body_size = 1024;
    coapend_receive(&e, "CON GET 0001 aa Uri-Path:x");
    coapend_expect(&e, "ACK 2.05 0001 aa Content-Format:42 | @0+1024");
    coapend_expect_log(&e, "request GET /x 0+0 first last\nsource done whole\n");
    e.body_size = 0;
    coapend_receive(&e, "CON GET 0002 aa Uri-Path:x Block2:0/0/16");
    coapend_expect(&e, "ACK 2.05 0002 aa Content-Format:42 Block2:0/0/16");
    assert_false(ln_coap_is_busy(e.coap));
    coapend_deinit(&e);
}

static void going_back_asks_the_handler_anew(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    e.serve = serve_source;
    e.body_size = 100;
    coapend_receive(&e, "CON GET 0001 aa Uri-Path:x Block2:0/0/32");
    coapend_expect(&e, "ACK 2.05 0001 aa Content-Format:42 Block2:0/1/32 Size2:100 | @0+32");
    coapend_receive(&e, "CON GET 0002 aa Uri-Path:x Block2:2/0/32");
    coapend_expect(&e, "ACK 2.05 0002 aa Content-Format:42 Block2:2/1/32 | @64+32");
    coapend_receive(&e, "CON GET 0003 aa Uri-Path:x Block2:1/0/32");
    coapend_expect(&e, "ACK 2.05 0003 aa Content-Format:42 Block2:1/1/32 | @32+32");
    coapend_receive(&e, "CON GET 0004 aa Uri-Path:x"); /* from the start */
    coapend_expect(&e, "ACK 2.05 0004 aa Content-Format:42 | @0+100");
    coapend_expect_log(&e, "request GET /x 0+0 first last\n"
                           "request GET /x 0+0 first last further\nsource done broken\n"
                           "request GET /x 0+0 first last\nsource done whole\n");
    coapend_advance(&e, 247000);
    coapend_expect_log(&e, "source done broken\n");
    coapend_deinit(&e);
}

static void a_source_of_any_order_is_kept(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    e.serve = serve_source;
    e.body_size = 100;
    e.any_order = true;
    coapend_receive(&e, "CON GET 0001 aa Uri-Path:x Block2:0/0/32");
    coapend_receive(&e, "CON GET 0002 aa Uri-Path:x Block2:2/0/32");
    coapend_receive(&e, "CON GET 0003 aa Uri-Path:x Block2:1/0/32");
    coapend_receive(&e, "CON GET 0004 aa Uri-Path:x Block2:3/0/32");
    coapend_expect(&e, "ACK 2.05 0001 aa Content-Format:42 Block2:0/1/32 Size2:100 | @0+32");
    coapend_expect(&e, "ACK 2.05 0002 aa Content-Format:42 Block2:2/1/32 | @64+32");
    coapend_expect(&e, "ACK 2.05 0003 aa Content-Format:42 Block2:1/1/32 | @32+32");
    coapend_expect(&e, "ACK 2.05 0004 aa Content-Format:42 Block2:3/0/32 | @96+4");
    coapend_expect_log(&e, "request GET /x 0+0 first last\nsource done whole\n");
    coapend_deinit(&e);
}

static void a_source_that_fails_is_an_internal_error(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    e.serve = serve_source;
    e.body_size = 100;
    e.read_status = LN_IO;
    coapend_receive(&e, "CON GET 0001 aa Uri-Path:x Block2:0/0/32");
    coapend_expect(&e, "ACK 5.00 0001 aa");
    coapend_expect_log(&e, "request GET /x 0+0 first last\nsource done broken\n");
    e.read_status = LN_OK;
    coapend_receive(&e, "CON GET 0002 aa Uri-Path:x Block2:0/0/32");
    coapend_expect(&e, "ACK 2.05 0002 aa Content-Format:42 Block2:0/1/32 Size2:100 | @0+32");
    e.read_status = LN_IO;
    coapend_receive(&e, "CON GET 0003 aa Uri-Path:x Block2:1/0/32");
    coapend_expect(&e, "ACK 5.00 0003 aa");
    coapend_expect_log(&e, "request GET /x 0+0 first last\nsource done broken\n");
    coapend_deinit(&e);
}

static void too_many_sources_are_unavailable(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    e.serve = serve_source;
    e.body_size = 100;
    coapend_receive(&e, "CON GET 0001 aa Uri-Path:x Block2:0/0/32");
    coapend_receive(&e, "CON GET 0002 aa Uri-Path:y Block2:0/0/32");
    coapend_receive(&e, "CON GET 0003 aa Uri-Path:z Block2:0/0/32");
    coapend_receive(&e, "CON GET 0004 aa Uri-Path:z");
    coapend_expect(&e, "ACK 2.05 0001 aa Content-Format:42 Block2:0/1/32 Size2:100 | @0+32");
    coapend_expect(&e, "ACK 2.05 0002 aa Content-Format:42 Block2:0/1/32 Size2:100 | @0+32");
    coapend_expect(&e, "ACK 5.03 0003 aa | too many transfers at once");
    coapend_expect(&e, "ACK 2.05 0004 aa Content-Format:42 | @0+100"); /* needs no slot */
    coapend_deinit(&e);
}

/* Answers that nobody reads on make room after MAX_TRANSMIT_WAIT, the older one first; bodies that come
 * do not: what was gathered is not to be had again. */
static void abandoned_sources_make_room(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    e.serve = serve_source;
    e.body_size = 100;
    coapend_receive(&e, "CON GET 0001 aa Uri-Path:x Block2:0/0/32");
    coapend_advance(&e, 50000);
    coapend_receive(&e, "CON GET 0002 aa Uri-Path:y Block2:0/0/32");
    coapend_advance(&e, 42999);
    e.log_len = 0;
    coapend_receive(&e, "CON GET 0003 aa Uri-Path:z Block2:0/0/32");
    coapend_advance(&e, 1);
    coapend_receive(&e, "CON GET 0004 aa Uri-Path:z Block2:0/0/32");
    coapend_receive(&e, "CON GET 0005 aa Uri-Path:v Block2:0/0/32");
    coapend_receive(&e, "CON GET 0006 aa Uri-Path:y Block2:1/0/32"); /* still there */
    coapend_expect(&e, "ACK 2.05 0001 aa Content-Format:42 Block2:0/1/32 Size2:100 | @0+32");
    coapend_expect(&e, "ACK 2.05 0002 aa Content-Format:42 Block2:0/1/32 Size2:100 | @0+32");
    coapend_expect(&e, "ACK 5.03 0003 aa | too many transfers at once");
    coapend_expect(&e, "ACK 2.05 0004 aa Content-Format:42 Block2:0/1/32 Size2:100 | @0+32");
    coapend_expect(&e, "ACK 5.03 0005 aa | too many transfers at once");
    coapend_expect(&e, "ACK 2.05 0006 aa Content-Format:42 Block2:1/1/32 | @32+32");
    coapend_deinit(&e);
}

/* Combined use, RFC 7959 3.3: a body both ways. */
static void serve_both(struct coapend *e, const struct ln_coap_incoming *in,
                       struct ln_coap_reply *reply)
{
    if (in->last)
        serve_source(e, in, reply);
    else
        reply->code = LN_COAP_CONTINUE;
}

static void bodies_may_come_and_go(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    e.serve = serve_both;
    e.body_size = 40;
    coapend_receive(&e, "CON FETCH 0001 aa Uri-Path:x Block1:0/1/16 | @0+16");
    coapend_expect(&e, "ACK 2.31 0001 aa Block1:0/1/16");
    coapend_receive(&e, "CON FETCH 0002 aa Uri-Path:x Block2:0/0/32 Block1:1/0/16 | @16+3");
    coapend_expect(&e, "ACK 2.05 0002 aa Content-Format:42 Block2:0/1/32 Block1:1/0/16 Size2:40 | "
                       "@0+32");
    coapend_receive(&e, "CON FETCH 0003 aa Uri-Path:x Block2:1/0/32");
    coapend_expect(&e, "ACK 2.05 0003 aa Content-Format:42 Block2:1/0/32 | @32+8");
    coapend_expect_log(&e, "request FETCH /x 0+16 first\nrequest FETCH /x 16+3 last\n"
                           "source done whole\n");
    coapend_deinit(&e);
}

/* ---- notifications and deferred answers in blocks ---- */

static void the_peer_fetches_the_rest_of_a_notification(void **state)
{
    struct coapend e;
    struct ln_coap_msg request;
    uint8_t room[COAPTEXT_ROOM];
    (void)state;
    coapend_init(&e, NULL);
    e.serve = serve_source;
    e.body_size = 100;
    e.etag = ln_span(etag, sizeof etag);
    const char *get = "CON GET 0001 aa Observe:0 Uri-Path:x Block2:0/0/64";
    assert_int_equal(ln_coap_read_udp(coaptext_build(get, NULL, room), &request), LN_OK);
    coapend_receive(&e, get);
    coapend_expect(&e, "ACK 2.05 0001 aa ETag:e1e2 Observe:0 Content-Format:42 Block2:0/1/64 "
                       "Size2:100 | @0+64");
    coapend_receive(&e, "CON GET 0002 bb Uri-Path:x Block2:1/0/64");
    coapend_expect(&e, "ACK 2.05 0002 bb ETag:e1e2 Content-Format:42 Block2:1/0/64 | @64+36");
    coapend_expect_log(&e, "request GET /x 0+0 first last\nsource done whole\n");

    static const uint8_t format[] = { 0xc1, 42 };
    struct ln_coap_source source = coapend_source(&e);
    struct ln_coap_notification n = {
        .token = request.token,
        .key = ln_coap_key(&request),
        .szx = 2,
        .answer = { .code = LN_COAP_CONTENT,
                    .options = ln_span(format, sizeof format),
                    .source = &source },
        .done = coapend_done,
        .user = &e,
    };
    for (int confirmable = 0; confirmable <= 1; confirmable++) {
        e.read_max_offset = 0;
        n.confirmable = confirmable != 0;
        memset(&e.vars, 0, sizeof e.vars);
        assert_int_equal(ln_coap_notify(e.coap, &n, e.now, NULL), LN_OK);
        coapend_expect(&e, confirmable != 0
                               ? "CON 2.05 $m aa ETag:e1e2 Observe:2 Content-Format:42 "
                                 "Block2:0/1/64 Size2:100 | @0+64"
                               : "NON 2.05 $m aa ETag:e1e2 Observe:1 Content-Format:42 "
                                 "Block2:0/1/64 Size2:100 | @0+64");
        coapend_receive(&e, confirmable != 0 ? "CON GET 0004 bb Uri-Path:x Block2:1/0/64"
                                             : "CON GET 0003 bb Uri-Path:x Block2:1/0/64");
        coapend_expect(&e,
                       confirmable != 0
                           ? "ACK 2.05 0004 bb ETag:e1e2 Content-Format:42 Block2:1/0/64 | @64+36"
                           : "ACK 2.05 0003 bb ETag:e1e2 Content-Format:42 Block2:1/0/64 | @64+36");
        coapend_expect_log(&e, "done sent\nsource done whole\n");
    }
    coapend_receive(&e, "ACK $m");
    coapend_expect_log(&e, "done acknowledged\n");
    coapend_deinit(&e);
}

/* A confirmable one is kept in the pool to be sent again: its block must fit there. */
static void the_pool_bounds_the_block_of_a_confirmable_notification(void **state)
{
    struct coapend e;
    struct ln_coap_config config = { .pool_bytes = 200 };
    (void)state;
    coapend_init(&e, &config);
    e.body_size = 2000;
    struct ln_coap_source source = coapend_source(&e);
    struct ln_coap_notification n = { .token = { .len = 1, .data = { 0xaa } },
                                      .confirmable = true,
                                      .answer = { .code = LN_COAP_CONTENT, .source = &source } };
    assert_int_equal(ln_coap_notify(e.coap, &n, e.now, NULL), LN_OK);
    coapend_expect(&e, "CON 2.05 $m aa Observe:0 Block2:0/1/128 Size2:2000 | @0+128");
    coapend_advance(&e, 3000);
    coapend_expect(&e, "CON 2.05 $m aa Observe:0 Block2:0/1/128 Size2:2000 | @0+128");
    /* another one finds no room, and is the caller's as before */
    e.log_len = 0;
    n.key = 1;
    assert_int_equal(ln_coap_notify(e.coap, &n, e.now, NULL), LN_OK); /* 32-byte blocks */
    n.key = 2;
    assert_int_equal(ln_coap_notify(e.coap, &n, e.now, NULL), LN_NO_SPACE);
    coapend_expect_log(&e, "");
    coapend_deinit(&e);
}

static void serve_later(struct coapend *e, const struct ln_coap_incoming *in,
                        struct ln_coap_reply *reply)
{
    ln_coap_reply_later(reply, in, &e->later);
}

static void a_deferred_answer_may_be_long(void **state)
{
    struct coapend e;
    struct ln_coap_config config = { .pool_bytes = 2000 };
    (void)state;
    coapend_init(&e, &config);
    e.serve = serve_later;
    coapend_receive(&e, "CON GET 0001 aa Uri-Path:x Block2:0/0/256");
    coapend_expect(&e, "ACK 0001");
    e.body_size = 300;
    struct ln_coap_source source = coapend_source(&e);
    struct ln_coap_answer answer = { .code = LN_COAP_CONTENT, .source = &source };
    assert_int_equal(ln_coap_respond(e.coap, &e.later, &answer, e.now, coapend_done, &e, NULL),
                     LN_OK);
    coapend_expect(&e, "CON 2.05 $m aa Block2:0/1/256 Size2:300 | @0+256");
    coapend_receive(&e, "ACK $m");
    coapend_receive(&e, "CON GET 0002 bb Uri-Path:x Block2:1/0/256");
    coapend_expect(&e, "ACK 2.05 0002 bb Block2:1/0/256 | @256+44");
    coapend_expect_log(&e, "request GET /x 0+0 first last\ndone sent\ndone acknowledged\n"
                           "source done whole\n");
    coapend_deinit(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_comes_block_by_block),
        cmocka_unit_test(a_body_of_one_block_is_a_whole_one),
        cmocka_unit_test(a_new_block_0_begins_anew),
        cmocka_unit_test(repeated_blocks_are_handed_out_once),
        cmocka_unit_test(a_gap_is_incomplete),
        cmocka_unit_test(size_7_is_refused),
        cmocka_unit_test(the_highest_block_number_does_not_overflow),
        cmocka_unit_test(the_size_may_change_if_the_offset_is_right),
        cmocka_unit_test(we_ask_for_smaller_blocks),
        cmocka_unit_test(a_payload_must_be_as_long_as_its_block),
        cmocka_unit_test(a_body_may_end_early),
        cmocka_unit_test(bodies_have_a_limit),
        cmocka_unit_test(two_peers_do_not_get_mixed_up),
        cmocka_unit_test(what_the_body_belongs_to_tells_transfers_apart),
        cmocka_unit_test(transfers_have_a_limit_in_number_and_time),
        cmocka_unit_test(the_handler_can_end_a_body),
        cmocka_unit_test(an_answer_is_cut_as_the_peer_wants_it),
        cmocka_unit_test(an_answer_longer_than_our_blocks_is_cut),
        cmocka_unit_test(a_source_is_read_block_by_block),
        cmocka_unit_test(a_short_source_is_no_transfer),
        cmocka_unit_test(going_back_asks_the_handler_anew),
        cmocka_unit_test(a_source_of_any_order_is_kept),
        cmocka_unit_test(a_source_that_fails_is_an_internal_error),
        cmocka_unit_test(too_many_sources_are_unavailable),
        cmocka_unit_test(abandoned_sources_make_room),
        cmocka_unit_test(bodies_may_come_and_go),
        cmocka_unit_test(the_peer_fetches_the_rest_of_a_notification),
        cmocka_unit_test(the_pool_bounds_the_block_of_a_confirmable_notification),
        cmocka_unit_test(a_deferred_answer_may_be_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
