/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/coap over TCP (RFC 8323): framing, signalling, output that has to wait. */
#include "support/coapend.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct ln_coap_config tcp = { .transport = LN_COAP_OVER_TCP };

/* Both CSMs have gone. */
static void open_stream(struct coapend *e, const struct ln_coap_config *config)
{
    coapend_init(e, config);
    assert_int_equal(ln_coap_start(e->coap, e->now), LN_OK);
    coapend_expect(e, "TCP CSM - #2:0480 #4:");
    coapend_receive(e, "TCP CSM - #2:0480 #4:");
    coapend_expect_log(e, "event ready\n");
    coapend_expect_nothing(e);
}

static enum ln_status receive(struct coapend *e, const char *text)
{
    uint8_t room[COAPTEXT_ROOM];
    return ln_coap_receive(e->coap, 0, coaptext_build(text, &e->vars, room), e->now);
}

static enum ln_status receive_raw(struct coapend *e, const char *bytes, size_t len)
{
    return ln_coap_receive(e->coap, 0, ln_span(bytes, len), e->now);
}

/* ---- beginning ---- */

static void both_sides_begin_with_a_csm(void **state)
{
    struct coapend e;
    struct ln_coap_peer_info info;
    (void)state;
    coapend_init(&e, &tcp);
    assert_int_equal(coapend_request(&e, "GET", NULL, NULL), LN_BAD_STATE);
    assert_int_equal(ln_coap_start(e.coap, e.now), LN_OK);
    coapend_expect(&e, "TCP CSM - #2:0480 #4:"); /* 1152, block-wise */
    assert_int_equal(ln_coap_start(e.coap, e.now), LN_BAD_STATE);
    ln_coap_peer_info(e.coap, &info);
    assert_false(info.ready);
    assert_int_equal(info.max_message, 1152);
    /* requests need not wait for the peer's, RFC 8323 5.3 */
    assert_int_equal(coapend_request(&e, "GET Uri-Path:a", NULL, NULL), LN_OK);
    coapend_expect(&e, "TCP GET $t Uri-Path:a");
    coapend_receive(&e, "TCP CSM - #2:010000 #4: #6:1234"); /* 65536; 6 is elective and unknown */
    ln_coap_peer_info(e.coap, &info);
    assert_true(info.ready && info.block_wise && !info.released);
    assert_int_equal(info.max_message, 65536);
    coapend_receive(&e, "TCP CSM - #2:40"); /* they may come again, and change */
    ln_coap_peer_info(e.coap, &info);
    assert_int_equal(info.max_message, 64);
    coapend_receive(&e, "TCP 2.05 $t | @0+4");
    coapend_expect_log(&e, "event ready\nevent ready\nresponse 2.05 0+4 last final\n");
    coapend_deinit(&e);
}

static void what_is_no_csm_first_ends_it(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, &tcp);
    assert_int_equal(ln_coap_start(e.coap, e.now), LN_OK);
    coapend_expect(&e, "TCP CSM - #2:0480 #4:");
    assert_int_equal(receive(&e, "TCP GET aa Uri-Path:a"), LN_BAD_PEER);
    coapend_expect(&e, "TCP ABORT - | the first message is not a CSM");
    assert_int_equal(receive(&e, "TCP CSM -"), LN_BAD_STATE);
    assert_int_equal(coapend_request(&e, "GET", NULL, NULL), LN_BAD_STATE);
    assert_int_equal(ln_coap_step(e.coap, e.now), LN_BAD_STATE);
    coapend_expect_nothing(&e);
    ln_coap_reset(e.coap, e.now); /* another connection */
    assert_int_equal(ln_coap_start(e.coap, e.now), LN_OK);
    coapend_expect(&e, "TCP CSM - #2:0480 #4:");
    assert_int_equal(receive(&e, "TCP CSM -"), LN_OK);
    coapend_expect_log(&e, "event ready\n");
    coapend_deinit(&e);
}

static void a_critical_option_of_signalling_ends_it(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, &tcp);
    assert_int_equal(ln_coap_start(e.coap, e.now), LN_OK);
    coapend_expect(&e, "TCP CSM - #2:0480 #4:");
    assert_int_equal(receive(&e, "TCP CSM - #7:"), LN_BAD_PEER);
    coapend_expect(&e, "TCP ABORT - #2:07 | a critical option of a signalling message is not "
                       "understood");
    coapend_deinit(&e);
    open_stream(&e, &tcp);
    assert_int_equal(receive(&e, "TCP PING - #5:"), LN_BAD_PEER);
    coapend_expect(&e, "TCP ABORT - | a critical option of a signalling message is not understood");
    coapend_deinit(&e);
}

/* ---- requests both ways ---- */

static void requests_are_answered(void **state)
{
    struct coapend e;
    (void)state;
    open_stream(&e, &tcp);
    coapend_receive(&e, "TCP GET aabb Uri-Path:3 Uri-Path:0");
    coapend_expect(&e, "TCP 2.05 aabb | /3/0");
    coapend_receive(&e, "TCP GET aabb Uri-Path:3 Uri-Path:0"); /* not a duplicate: TCP has none */
    coapend_expect(&e, "TCP 2.05 aabb | /3/0");
    coapend_receive(&e, "TCP GET cc #9:");
    coapend_expect(&e, "TCP 4.02 cc | option 9 is not understood");
    coapend_expect_log(&e, "request GET /3/0 0+0 first last\nrequest GET /3/0 0+0 first last\n");
    coapend_receive(&e, "TCP -");           /* empty: keeps the path open */
    coapend_receive(&e, "TCP 2.05 ee | x"); /* an answer to nothing */
    coapend_expect_nothing(&e);
    assert_int_equal(ln_coap_counters(e.coap)->unexpected, 1);
    coapend_deinit(&e);
}

static void our_requests_wait_for_nobody_and_have_a_timeout(void **state)
{
    struct coapend e;
    struct ln_coap_config config = tcp;
    config.timing.response_ms = 20000;
    (void)state;
    open_stream(&e, &config);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:a", NULL, NULL), LN_OK);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:b", NULL, NULL), LN_OK);
    coapend_expect(&e, "TCP GET $t Uri-Path:a");
    coapend_expect(&e, "TCP GET $u Uri-Path:b");
    coapend_receive(&e, "TCP 2.05 $u | @0+3");
    coapend_expect_log(&e, "response 2.05 0+3 last final\n");
    coapend_advance(&e, 19999);
    coapend_expect_log(&e, "");
    coapend_advance(&e, 1);
    coapend_expect_log(&e, "timed out\n");
    coapend_expect_nothing(&e);
    coapend_deinit(&e);
}

static void blocks_go_both_ways(void **state)
{
    struct coapend e;
    struct ln_coap_config config = tcp;
    config.block_szx = 1;
    (void)state;
    open_stream(&e, &config);
    e.body_size = 40;
    struct ln_coap_source source = coapend_source(&e);
    struct ln_coap_request rq = { .source = &source };
    assert_int_equal(coapend_request(&e, "POST Uri-Path:x", &rq, NULL), LN_OK);
    coapend_expect(&e, "TCP POST $k Uri-Path:x Block2:0/0/32 Block1:0/1/32 Size1:40 | @0+32");
    coapend_receive(&e, "TCP 2.31 $k Block1:0/1/32");
    coapend_expect(&e, "TCP POST $l Uri-Path:x Block1:1/0/32 | @32+8");
    coapend_receive(&e, "TCP 2.04 $l Block2:0/1/32 Block1:1/0/32 | @0+32");
    coapend_expect(&e, "TCP POST $m Uri-Path:x Block2:1/0/32");
    coapend_receive(&e, "TCP 2.04 $m Block2:1/0/32 | @32+3");
    coapend_expect_log(&e, "response 2.04 0+32\nsource done whole\n"
                           "response 2.04 32+3 last final\n");
    coapend_receive(&e, "TCP PUT aa Uri-Path:x #27:0f | @0+16"); /* BERT is not announced */
    coapend_expect(&e, "TCP 4.00 aa | block size 7 is reserved");
    coapend_deinit(&e);
}

static void notifications_have_no_type(void **state)
{
    struct coapend e;
    ln_coap_id id = 99;
    (void)state;
    open_stream(&e, &tcp);
    struct ln_coap_notification n = { .token = { .len = 1, .data = { 0xaa } },
                                      .confirmable = true,
                                      .answer = { .code = LN_COAP_CONTENT },
                                      .done = coapend_done,
                                      .user = &e };
    assert_int_equal(ln_coap_notify(e.coap, &n, e.now, &id), LN_OK);
    coapend_expect(&e, "TCP 2.05 aa Observe:0");
    coapend_expect_log(&e, "done sent\n");
    assert_int_equal(id, 0);
    assert_false(ln_coap_is_busy(e.coap));
    coapend_deinit(&e);
}

/* RFC 8323 7.1: the order of the stream is the order of the notifications. */
static void observing_needs_no_numbers(void **state)
{
    struct coapend e;
    struct ln_coap_request observing = { .observe = true };
    (void)state;
    open_stream(&e, &tcp);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:a", &observing, NULL), LN_OK);
    coapend_expect(&e, "TCP GET $t Observe:0 Uri-Path:a");
    coapend_receive(&e, "TCP 2.05 $t Observe:5 | @0+1");
    coapend_receive(&e, "TCP 2.05 $t Observe: | @0+2");
    coapend_receive(&e, "TCP 2.05 $t Observe: | @0+3");
    coapend_expect_log(&e, "response 2.05 0+1 last notification\n"
                           "response 2.05 0+2 last notification\n"
                           "response 2.05 0+3 last notification\n");
    coapend_deinit(&e);
}

static void serve_later(struct coapend *e, const struct ln_coap_incoming *in,
                        struct ln_coap_reply *reply)
{
    ln_coap_reply_later(reply, in, &e->later);
}

static void a_deferred_answer_needs_no_ack(void **state)
{
    static const struct ln_coap_answer changed = { .code = LN_COAP_CHANGED };
    struct coapend e;
    (void)state;
    open_stream(&e, &tcp);
    e.serve = serve_later;
    coapend_receive(&e, "TCP POST aa Uri-Path:x");
    coapend_expect_nothing(&e);
    assert_true(ln_coap_is_busy(e.coap));
    assert_int_equal(ln_coap_respond(e.coap, &e.later, &changed, e.now, coapend_done, &e, NULL),
                     LN_OK);
    coapend_expect(&e, "TCP 2.04 aa");
    assert_false(ln_coap_is_busy(e.coap));
    coapend_deinit(&e);
}

/* ---- signalling ---- */

static void pings_are_answered(void **state)
{
    struct coapend e;
    (void)state;
    open_stream(&e, &tcp);
    coapend_receive(&e, "TCP PING aabb");
    coapend_expect(&e, "TCP PONG aabb");
    coapend_receive(&e, "TCP PING cc #2:"); /* custody */
    coapend_expect(&e, "TCP PONG cc #2:");
    assert_int_equal(ln_coap_ping(e.coap, 0, e.now, coapend_done, &e, NULL), LN_OK);
    coapend_expect(&e, "TCP PING -");
    coapend_receive(&e, "TCP PONG 0102"); /* of something else */
    coapend_expect_log(&e, "");
    coapend_receive(&e, "TCP PONG -");
    coapend_expect_log(&e, "done answered\n");
    coapend_receive(&e, "TCP PONG -"); /* of nothing */
    coapend_expect_log(&e, "");
    coapend_receive(&e, "TCP 7.10 -"); /* a signal of the future */
    coapend_expect_nothing(&e);
    coapend_deinit(&e);
}

static void release_ends_new_requests(void **state)
{
    struct coapend e;
    struct ln_coap_peer_info info;
    (void)state;
    open_stream(&e, &tcp);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:a", NULL, NULL), LN_OK);
    coapend_expect(&e, "TCP GET $t Uri-Path:a");
    coapend_receive(&e, "TCP RELEASE - #4:0a");
    ln_coap_peer_info(e.coap, &info);
    assert_true(info.released);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:b", NULL, NULL), LN_BAD_STATE);
    coapend_receive(&e, "TCP 2.05 $t");
    coapend_expect_log(&e, "event released\nresponse 2.05 0+0 last final\n");
    ln_coap_reset(e.coap, e.now); /* a new connection knows nothing of that */
    assert_int_equal(ln_coap_start(e.coap, e.now), LN_OK);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:b", NULL, NULL), LN_OK);
    coapend_deinit(&e);

    open_stream(&e, &tcp);
    assert_int_equal(ln_coap_release(e.coap, e.now), LN_OK);
    coapend_expect(&e, "TCP RELEASE -");
    assert_int_equal(ln_coap_release(e.coap, e.now), LN_BAD_STATE);
    coapend_receive(&e, "TCP GET aa Uri-Path:x"); /* what was under way is answered */
    coapend_expect(&e, "TCP 2.05 aa | /x");
    coapend_deinit(&e);
}

static void abort_ends_everything(void **state)
{
    struct coapend e;
    (void)state;
    open_stream(&e, &tcp);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:a", NULL, NULL), LN_OK);
    coapend_expect(&e, "TCP GET $t Uri-Path:a");
    assert_int_equal(receive(&e, "TCP ABORT - | because"), LN_CLOSED);
    coapend_expect_log(&e, "event aborted\n");
    ln_coap_reset(e.coap, e.now);
    coapend_expect_log(&e, "the connection ended\n");
    coapend_deinit(&e);

    open_stream(&e, &tcp);
    assert_int_equal(ln_coap_abort(e.coap, "enough", e.now), LN_OK);
    coapend_expect(&e, "TCP ABORT - | enough");
    assert_int_equal(receive(&e, "TCP GET aa"), LN_BAD_STATE);
    coapend_deinit(&e);
}

/* ---- framing ---- */

static void a_message_may_come_byte_by_byte(void **state)
{
    struct coapend e;
    uint8_t room[COAPTEXT_ROOM];
    (void)state;
    open_stream(&e, &tcp);
    struct ln_span request = coaptext_build("TCP POST aabb Uri-Path:x | @0+300", NULL, room);
    for (size_t i = 0; i < request.len; i++) {
        coapend_expect_nothing(&e);
        assert_int_equal(ln_coap_receive(e.coap, 0, ln_span(request.data + i, 1), e.now), LN_OK);
    }
    coapend_expect(&e, "TCP 2.05 aabb | /x");
    coapend_deinit(&e);
}

static void several_messages_may_come_at_once(void **state)
{
    struct coapend e;
    uint8_t room[COAPTEXT_ROOM];
    uint8_t all[600];
    size_t len = 0;
    (void)state;
    open_stream(&e, &tcp);
    static const char *const texts[] = { "TCP GET 01 Uri-Path:a", "TCP PING 02",
                                         "TCP GET 03 Uri-Path:b | @0+200",
                                         "TCP GET 04 Uri-Path:c" };
    for (size_t i = 0; i < 4; i++) {
        struct ln_span one = coaptext_build(texts[i], NULL, room);
        memcpy(all + len, one.data, one.len);
        len += one.len;
    }
    size_t cut = len - 3;
    assert_int_equal(ln_coap_receive(e.coap, 0, ln_span(all, cut), e.now), LN_OK);
    coapend_expect(&e, "TCP 2.05 01 | /a");
    coapend_expect(&e, "TCP PONG 02");
    coapend_expect(&e, "TCP 2.05 03 | /b");
    coapend_expect_nothing(&e);
    assert_int_equal(ln_coap_receive(e.coap, 0, ln_span(all + cut, 3), e.now), LN_OK);
    coapend_expect(&e, "TCP 2.05 04 | /c");
    coapend_deinit(&e);
}

static void what_breaks_the_stream_ends_it(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *answer;
    } cases[] = {
        { "\x09\x01", 2, "TCP ABORT - | a token is longer than 8 bytes" },
        { "\x0d\x01", 2, "TCP ABORT - | a token is longer than 8 bytes" },
        { "\x0f\x01", 2, "TCP ABORT - | a token is longer than 8 bytes" },
        { "\xe0\xff\xff\x01", 4, "TCP ABORT - | a message is longer than our Max-Message-Size" },
        { "\xf0\xff\xff\xff\xff\x01", 6,
          "TCP ABORT - | a message is longer than our Max-Message-Size" },
        { "\x10\x01\xf0", 3, "TCP ABORT - | a message is malformed" }, /* option delta 15 */
        { "\x10\x01\xff", 3, "TCP ABORT - | a message is malformed" }, /* an empty payload */
        { "\x10\x01\x81", 3, "TCP ABORT - | a message is malformed" }, /* an option cut off */
        { "\x00\x20", 2, "TCP ABORT - | a message is malformed" },     /* class 1 */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct coapend e;
        open_stream(&e, &tcp);
        assert_int_equal(receive_raw(&e, cases[i].bytes, cases[i].len), LN_BAD_PEER);
        coapend_expect(&e, cases[i].answer);
        coapend_expect_log(&e, "");
        coapend_deinit(&e);
    }
}

static void the_largest_message_is_taken(void **state)
{
    struct coapend e;
    uint8_t room[COAPTEXT_ROOM];
    (void)state;
    open_stream(&e, &tcp);
    /* 1 + 2 + 1 bytes of header, 1 of token, 1 of marker */
    struct ln_span fits = coaptext_build("TCP POST aa | @0+1146", NULL, room);
    assert_int_equal(fits.len, 1152);
    for (size_t at = 0; at < fits.len; at += 500) {
        size_t len = fits.len - at < 500 ? fits.len - at : 500;
        assert_true(ln_coap_receive_room(e.coap) >= len);
        assert_int_equal(ln_coap_receive(e.coap, 0, ln_span(fits.data + at, len), e.now), LN_OK);
    }
    coapend_expect(&e, "TCP 2.05 aa");
    assert_int_equal(receive(&e, "TCP POST aa | @0+1147"), LN_BAD_PEER);
    coapend_expect(&e, "TCP ABORT - | a message is longer than our Max-Message-Size");
    coapend_deinit(&e);
}

static void we_keep_to_the_peers_size(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, &tcp);
    assert_int_equal(ln_coap_start(e.coap, e.now), LN_OK);
    coapend_expect(&e, "TCP CSM - #2:0480 #4:");
    coapend_receive(&e, "TCP CSM - #2:64 #4:"); /* 100 bytes */
    e.body_size = 200;
    struct ln_coap_source source = coapend_source(&e);
    struct ln_coap_request rq = { .source = &source };
    assert_int_equal(coapend_request(&e, "PUT Uri-Path:x", &rq, NULL), LN_OK);
    coapend_expect(&e, "TCP PUT $k Uri-Path:x Block1:0/1/32 Size1:200 | @0+32");
    coapend_deinit(&e);
}

/* ---- output ---- */

/* The bytes of all that was sent, as messages. */
static void expect_stream(struct coapend *e, const char *const *texts, size_t count)
{
    uint8_t *all = malloc(COAPEND_SENT_MAX * sizeof e->sent[0].bytes);
    size_t len = 0;
    size_t at = 0;
    assert_non_null(all);
    for (; e->sent_read < e->sent_count; e->sent_read++) {
        memcpy(all + len, e->sent[e->sent_read].bytes, e->sent[e->sent_read].len);
        len += e->sent[e->sent_read].len;
    }
    e->sent_read = e->sent_count = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t one = 0;
        assert_int_equal(ln_coap_frame_tcp(ln_span(all + at, len - at), &one), LN_OK);
        assert_true(one <= len - at);
        coaptext_expect(ln_span(all + at, (size_t)one), texts[i], &e->vars);
        at += (size_t)one;
    }
    assert_int_equal(at, len);
    free(all);
}

static void output_may_go_in_pieces(void **state)
{
    static const char *const all[] = { "TCP 2.05 01 | /a", "TCP 2.05 02 | /b" };
    struct coapend e;
    (void)state;
    open_stream(&e, &tcp);
    e.send_max = 3;
    coapend_receive(&e, "TCP GET 01 Uri-Path:a");
    coapend_receive(&e, "TCP GET 02 Uri-Path:b");
    for (int i = 0; i < 10 && ln_coap_wants_send(e.coap); i++)
        assert_int_equal(ln_coap_step(e.coap, e.now), LN_OK);
    assert_false(ln_coap_wants_send(e.coap));
    expect_stream(&e, all, 2);
    coapend_deinit(&e);
}

static void serve_long(struct coapend *e, const struct ln_coap_incoming *in,
                       struct ln_coap_reply *reply)
{
    static const uint8_t bytes[1000];
    (void)e;
    (void)in;
    reply->code = LN_COAP_CONTENT;
    ln_coap_put_payload(reply->out, ln_span(bytes, sizeof bytes));
}

/* No answer is lost when the socket is full: nothing is taken from the input instead. */
static void input_waits_for_output(void **state)
{
    struct coapend e;
    uint8_t room[COAPTEXT_ROOM];
    uint8_t all[600];
    size_t len = 0;
    (void)state;
    open_stream(&e, &tcp);
    e.serve = serve_long;
    e.send_status = LN_AGAIN;
    for (unsigned i = 0; i < 10; i++) {
        char text[60];
        (void)snprintf(text, sizeof text, "TCP GET %02x Uri-Path:a", i);
        struct ln_span one = coaptext_build(text, NULL, room);
        memcpy(all + len, one.data, one.len);
        len += one.len;
    }
    assert_int_equal(ln_coap_receive(e.coap, 0, ln_span(all, len), e.now), LN_OK);
    assert_true(ln_coap_wants_send(e.coap));
    assert_int_equal(ln_coap_receive_room(e.coap), 0);
    e.send_status = LN_OK;
    size_t bytes = 0;
    for (int i = 0; i < 100 && ln_coap_wants_send(e.coap); i++)
        assert_int_equal(ln_coap_step(e.coap, e.now), LN_OK);
    assert_true(ln_coap_receive_room(e.coap) > 0);
    for (size_t i = 0; i < e.sent_count; i++)
        bytes += e.sent[i].len;
    assert_int_equal(bytes, 10 * (1 + 2 + 1 + 1 + 1 + 1000));
    e.sent_count = 0;
    coapend_deinit(&e);
}

static void requests_wait_for_output(void **state)
{
    static const char *const all[] = { "TCP POST $a Uri-Path:x | @0+100",
                                       "TCP POST $b Uri-Path:x | @0+100" };
    struct coapend e;
    struct ln_coap_config config = tcp;
    config.pool_bytes = 1000;
    (void)state;
    open_stream(&e, &config);
    e.serve = serve_long;
    e.send_status = LN_AGAIN;
    coapend_receive(&e, "TCP GET aa");
    coapend_receive(&e, "TCP GET aa"); /* there is room for another answer, but no more than that */
    assert_int_equal(coapend_request(&e, "POST Uri-Path:x | @0+100", NULL, NULL), LN_OK);
    assert_int_equal(coapend_request(&e, "POST Uri-Path:x | @0+100", NULL, NULL), LN_OK);
    e.send_status = LN_OK;
    assert_int_equal(ln_coap_step(e.coap, e.now), LN_OK);
    assert_int_equal(e.sent[0].len, 2 * 1006);
    e.sent_read = 1;
    expect_stream(&e, all, 2);
    coapend_deinit(&e);
}

static void a_failed_socket_fails_the_endpoint(void **state)
{
    struct coapend e;
    (void)state;
    open_stream(&e, &tcp);
    e.send_status = LN_CLOSED;
    assert_int_equal(coapend_request(&e, "GET Uri-Path:a", NULL, NULL), LN_OK);
    assert_int_equal(ln_coap_step(e.coap, e.now), LN_BAD_STATE);
    coapend_expect_log(&e, "");
    ln_coap_reset(e.coap, e.now);
    coapend_expect_log(&e, "the connection ended\n");
    coapend_deinit(&e);
}

static void more_than_there_is_room_for_is_refused(void **state)
{
    static const char bytes[2000] = { (char)0xe0, 1 };
    struct coapend e;
    (void)state;
    open_stream(&e, &tcp);
    size_t most = ln_coap_receive_room(e.coap);
    assert_true(most >= 1152 && most < sizeof bytes);
    assert_int_equal(receive_raw(&e, bytes, most + 1), LN_BAD_ARG);
    assert_int_equal(receive_raw(&e, bytes, most), LN_OK);
    coapend_deinit(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_sides_begin_with_a_csm),
        cmocka_unit_test(what_is_no_csm_first_ends_it),
        cmocka_unit_test(a_critical_option_of_signalling_ends_it),
        cmocka_unit_test(requests_are_answered),
        cmocka_unit_test(our_requests_wait_for_nobody_and_have_a_timeout),
        cmocka_unit_test(blocks_go_both_ways),
        cmocka_unit_test(notifications_have_no_type),
        cmocka_unit_test(observing_needs_no_numbers),
        cmocka_unit_test(a_deferred_answer_needs_no_ack),
        cmocka_unit_test(pings_are_answered),
        cmocka_unit_test(release_ends_new_requests),
        cmocka_unit_test(abort_ends_everything),
        cmocka_unit_test(a_message_may_come_byte_by_byte),
        cmocka_unit_test(several_messages_may_come_at_once),
        cmocka_unit_test(what_breaks_the_stream_ends_it),
        cmocka_unit_test(the_largest_message_is_taken),
        cmocka_unit_test(we_keep_to_the_peers_size),
        cmocka_unit_test(output_may_go_in_pieces),
        cmocka_unit_test(input_waits_for_output),
        cmocka_unit_test(requests_wait_for_output),
        cmocka_unit_test(a_failed_socket_fails_the_endpoint),
        cmocka_unit_test(more_than_there_is_room_for_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
