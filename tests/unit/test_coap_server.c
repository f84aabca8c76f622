/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/coap: requests of the peer, duplicates, deferred answers, notifications. */
#include "support/coapend.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "coap/internal.h"

/* ---- answers ---- */

static void a_request_is_answered_in_its_ack(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    coapend_receive(&e, "CON GET 7d34 a1b2 Uri-Path:3 Uri-Path:0");
    coapend_expect_log(&e, "request GET /3/0 0+0 first last\n");
    coapend_expect(&e, "ACK 2.05 7d34 a1b2 | /3/0");
    coapend_expect_nothing(&e);
    assert_false(ln_coap_is_busy(e.coap));
    coapend_deinit(&e);
}

static void a_non_confirmable_one_by_a_message_of_its_own(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    coapend_receive(&e, "NON GET 7d34 a1b2 Uri-Path:x");
    coapend_expect(&e, "NON 2.05 $m a1b2 | /x");
    coapend_receive(&e, "NON GET 7d35 a1b2 Uri-Path:x");
    coapend_expect(&e, "NON 2.05 $n a1b2 | /x");
    uint16_t m = (uint16_t)(e.vars.value['m'].data[0] << 8 | e.vars.value['m'].data[1]);
    uint16_t n = (uint16_t)(e.vars.value['n'].data[0] << 8 | e.vars.value['n'].data[1]);
    assert_int_equal((uint16_t)(m + 1), n);
    coapend_deinit(&e);
}

static void without_a_handler_nothing_is_found(void **state)
{
    struct coapend e;
    struct ln_coap_config config = { .handler = NULL };
    (void)state;
    coapend_init(&e, NULL);
    config = e.config;
    config.handler = NULL;
    ln_coap_free(e.coap);
    e.coap = NULL;
    assert_int_equal(ln_coap_new(&e.env, &config, NULL, &e.coap), LN_OK);
    coapend_receive(&e, "CON GET 0001 -");
    coapend_expect(&e, "ACK 4.04 0001 -");
    coapend_deinit(&e);
}

static void serve_nothing(struct coapend *e, const struct ln_coap_incoming *in,
                          struct ln_coap_reply *reply)
{
    (void)e;
    (void)in;
    (void)reply;
}

static void a_handler_that_forgets_is_an_internal_error(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    e.serve = serve_nothing;
    coapend_receive(&e, "CON GET 0001 -");
    coapend_expect(&e, "ACK 5.00 0001 -");
    coapend_deinit(&e);
}

static void serve_too_much(struct coapend *e, const struct ln_coap_incoming *in,
                           struct ln_coap_reply *reply)
{
    static const uint8_t bytes[2000];
    (void)e;
    (void)in;
    reply->code = LN_COAP_CONTENT;
    ln_coap_put_payload(reply->out, ln_span(bytes, sizeof bytes));
}

static void an_answer_that_does_not_fit_is_an_internal_error(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    e.serve = serve_too_much;
    coapend_receive(&e, "CON GET 0001 -");
    coapend_expect(&e, "ACK 5.00 0001 -");
    coapend_deinit(&e);
}

/* ---- what the endpoint refuses by itself ---- */

/* scenario: H13 */
static void unknown_critical_options_are_refused(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    coapend_receive(&e, "CON GET 0001 aa #9:00");
    coapend_expect(&e, "ACK 4.02 0001 aa | option 9 is not understood");
    coapend_receive(&e, "CON GET 0002 aa #65001:00");
    coapend_expect(&e, "ACK 4.02 0002 aa | option 65001 is not understood");
    coapend_receive(&e, "CON PUT 0003 aa If-None-Match:");
    coapend_expect(&e, "ACK 4.02 0003 aa | option 5 is not understood");
    coapend_receive(&e, "CON PUT 0004 aa If-Match:01");
    coapend_expect(&e, "ACK 4.02 0004 aa | option 1 is not understood");
    coapend_receive(&e, "NON GET 0005 aa #9:00");
    coapend_expect(&e, "RST 0005 -");
    coapend_receive(&e, "CON GET 0006 aa Proxy-Uri:coap://x");
    coapend_expect(&e, "ACK 5.05 0006 aa");
    coapend_receive(&e, "CON GET 0007 aa #65000:00 Uri-Path:a"); /* elective */
    coapend_expect(&e, "ACK 2.05 0007 aa | /a");
    coapend_expect_log(&e, "request GET /a 0+0 first last\n");
    coapend_deinit(&e);
}

/* scenario: H11 */
static void critical_options_of_ours_are_refused_if_malformed(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    coapend_receive(&e, "CON GET 0001 aa Accept:1 Accept:1"); /* once too often */
    coapend_expect(&e, "ACK 4.02 0001 aa | option 17 is not understood");
    coapend_receive(&e, "CON GET 0002 aa #17:000001"); /* three bytes */
    coapend_expect(&e, "ACK 4.02 0002 aa | option 17 is not understood");
    coapend_receive(&e, "CON GET 0003 aa #12:000001 Uri-Path:a"); /* Content-Format is elective */
    coapend_expect(&e, "ACK 2.05 0003 aa | /a");
    coapend_deinit(&e);
}

static void options_that_the_handler_understands_pass(void **state)
{
    static const uint16_t understood[] = { LN_COAP_IF_MATCH, 65001, 0 };
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    struct ln_coap_handler handler = *e.config.handler;
    struct ln_coap_config config = e.config;
    handler.understood = understood;
    config.handler = &handler;
    ln_coap_free(e.coap);
    e.coap = NULL;
    assert_int_equal(ln_coap_new(&e.env, &config, NULL, &e.coap), LN_OK);
    coapend_receive(&e, "CON GET 0001 aa If-Match:01 #65001:02");
    coapend_expect(&e, "ACK 2.05 0001 aa");
    coapend_receive(&e, "CON GET 0002 aa If-Match:010203040506070809"); /* 9 bytes */
    coapend_expect(&e, "ACK 4.02 0002 aa | option 1 is not understood");
    coapend_receive(&e, "CON GET 0003 aa #65001:02 #65003:");
    coapend_expect(&e, "ACK 4.02 0003 aa | option 65003 is not understood");
    coapend_deinit(&e);
}

/* ---- message layer ---- */

static void pings_are_reset(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    coapend_receive(&e, "CON 7d34");
    coapend_expect(&e, "RST 7d34");
    coapend_receive(&e, "NON 7d35"); /* means nothing */
    coapend_expect_nothing(&e);
    coapend_expect_log(&e, "");
    coapend_deinit(&e);
}

/* scenario: H01, H02, H03, H04 */
static void malformed_messages_change_nothing(void **state)
{
    static const struct {
        const char *hex;
        bool reset; /* confirmable, with a header: RFC 7252 4.2 */
        const char *why;
    } cases[] = {
        { "", false, "nothing" },
        { "40", false, "one byte" },
        { "40 01", false, "two" },
        { "40 01 12", false, "three" },
        { "00 01 12 34", false, "version 0" },
        { "80 01 12 34", false, "version 2" },
        { "49 01 12 34 01 02 03 04 05 06 07 08 09", true, "TKL 9" },
        { "4f 01 12 34 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f", true, "TKL 15" },
        { "4d 01 12 34", true, "TKL 13, extended, and nothing behind it" },
        { "4e 01 12 34 00", true, "TKL 14, extended, half of it" },
        { "44 01 12 34 01 02 03", true, "a token longer than the packet" },
        { "54 01 12 34 01 02 03", false, "the same, not confirmable" },
        { "64 45 12 34 01 02 03", false, "the same, an ACK" },
        { "74 00 12 34 01 02 03", false, "the same, a Reset" },
        { "40 01 12 34 f0", true, "an option with delta 15" },
        { "40 01 12 34 ff", true, "a marker without a payload" },
        { "40 00 12 34 00", true, "an empty message that is not" },
        { "41 00 12 34 00", true, "an empty message with a token" },
        { "40 20 12 34", true, "class 1 is reserved" },
        { "40 e1 12 34", true, "signalling belongs to TCP" },
        { "70 01 12 34", false, "a Reset that is a request" },
        { "60 01 12 34", false, "an ACK that is a request" },
    };
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t bytes[64];
        size_t len = 0;
        for (const char *p = cases[i].hex; *p != '\0'; p += *p == ' ' ? 1 : 2)
            if (*p != ' ') {
                unsigned byte = 0;
                assert_int_equal(sscanf(p, "%2x", &byte), 1);
                bytes[len++] = (uint8_t)byte;
            }
        uint32_t before = ln_coap_counters(e.coap)->malformed;
        coapend_receive_bytes(&e, 0, ln_span(bytes, len));
        if (ln_coap_counters(e.coap)->malformed != before + 1)
            fail_msg("not counted: %s", cases[i].why);
        if (cases[i].reset)
            coapend_expect(&e, "RST 1234");
        coapend_expect_nothing(&e);
    }
    coapend_expect_log(&e, "");
    coapend_deinit(&e);
}

/* scenario: H20 */
static void acks_and_resets_of_nothing_are_counted(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    coapend_receive(&e, "ACK 1234");
    coapend_receive(&e, "RST 1234");
    coapend_receive(&e, "ACK 2.05 1234 aa | x");
    assert_int_equal(ln_coap_counters(e.coap)->unexpected, 3);
    coapend_expect_nothing(&e);
    coapend_expect_log(&e, "");
    coapend_deinit(&e);
}

/* ---- duplicates ---- */

/* scenario: H22 */
static void duplicates_get_the_same_answer(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    coapend_receive(&e, "CON POST 7d34 a1b2 Uri-Path:3 Uri-Path:0 Uri-Path:4");
    coapend_expect(&e, "ACK 2.05 7d34 a1b2 | /3/0/4");
    for (int i = 0; i < 50; i++) {
        coapend_receive(&e, "CON POST 7d34 a1b2 Uri-Path:3 Uri-Path:0 Uri-Path:4");
        coapend_expect(&e, "ACK 2.05 7d34 a1b2 | /3/0/4");
    }
    coapend_expect_log(&e, "request POST /3/0/4 0+0 first last\n");
    assert_int_equal(ln_coap_counters(e.coap)->replayed, 50);
    /* another peer has message ids of its own */
    coapend_receive_from(&e, 1, "CON POST 7d34 a1b2 Uri-Path:x");
    coapend_expect(&e, "ACK 2.05 7d34 a1b2 | /x");
    coapend_expect_log(&e, "request POST /x 0+0 first last\n");
    coapend_deinit(&e);
}

static void duplicates_are_forgotten_after_their_lifetime(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    coapend_receive(&e, "CON POST 0001 aa");
    coapend_expect(&e, "ACK 2.05 0001 aa");
    coapend_receive(&e, "NON POST 0002 aa");
    coapend_expect(&e, "NON 2.05 $m aa");
    coapend_advance(&e, 144000);
    coapend_receive(&e, "NON POST 0002 aa"); /* silently */
    coapend_expect_nothing(&e);
    coapend_advance(&e, 247000 - 144000 - 1000);
    coapend_receive(&e, "CON POST 0001 aa");
    coapend_expect(&e, "ACK 2.05 0001 aa");
    coapend_expect_log(&e, "request POST  0+0 first last\nrequest POST  0+0 first last\n");
    coapend_advance(&e, 3000); /* EXCHANGE_LIFETIME is 247 s */
    coapend_receive(&e, "CON POST 0001 aa");
    coapend_expect(&e, "ACK 2.05 0001 aa");
    coapend_expect_log(&e, "request POST  0+0 first last\n");
    coapend_deinit(&e);
}

/* Answers to GET make room for what must not be done twice. */
static void a_post_is_remembered_longer_than_a_get(void **state)
{
    struct coapend e;
    struct ln_coap_config config = { .cache_bytes = 200 };
    char text[200];
    (void)state;
    coapend_init(&e, &config);
    coapend_receive(&e, "CON POST 0001 aa Uri-Path:reboot");
    coapend_expect(&e, "ACK 2.05 0001 aa | /reboot");
    for (unsigned mid = 2; mid < 6; mid++) {
        (void)snprintf(text, sizeof text, "CON GET %04x aa Uri-Path:%s", mid,
                       "a-long-path-whose-answer-is-long-too");
        coapend_receive(&e, text);
        (void)snprintf(text, sizeof text, "ACK 2.05 %04x aa | /%s", mid,
                       "a-long-path-whose-answer-is-long-too");
        coapend_expect(&e, text);
    }
    e.log_len = 0;
    coapend_receive(&e, "CON POST 0001 aa Uri-Path:reboot");
    coapend_expect(&e, "ACK 2.05 0001 aa | /reboot");
    assert_int_equal(e.log_len, 0); /* from the cache */
    coapend_receive(&e, "CON GET 0002 aa Uri-Path:a-long-path-whose-answer-is-long-too");
    coapend_expect(&e, "ACK 2.05 0002 aa | /a-long-path-whose-answer-is-long-too");
    coapend_expect_log(&e, "request GET /a-long-path-whose-answer-is-long-too 0+0 first last\n");
    coapend_deinit(&e);
}

/* An answer to GET that finds no room leaves what must not be done twice where it is. */
static void a_get_does_not_displace_a_post(void **state)
{
    struct coapend e;
    struct ln_coap_config config = { .cache_bytes = 56 };
    (void)state;
    coapend_init(&e, &config);
    coapend_receive(&e, "CON POST 0001 aa Uri-Path:reboot"); /* 24 bytes, and 8 of the answer */
    coapend_receive(&e, "CON GET 0002 aa Uri-Path:x");
    coapend_expect_log(&e, "request POST /reboot 0+0 first last\nrequest GET /x 0+0 first last\n");
    coapend_receive(&e, "CON POST 0001 aa Uri-Path:reboot");
    assert_int_equal(e.log_len, 0);                          /* from the cache */
    coapend_receive(&e, "CON POST 0003 aa Uri-Path:reboot"); /* but a newer one does */
    coapend_receive(&e, "CON POST 0001 aa Uri-Path:reboot");
    coapend_expect_log(&e, "request POST /reboot 0+0 first last\n"
                           "request POST /reboot 0+0 first last\n");
    coapend_deinit(&e);
}

/* A request that is not confirmable is repeated within NON_LIFETIME, 145 s; a confirmable one within
 * EXCHANGE_LIFETIME, 247 s. What has the same id after that is another one (RFC 7252 4.8.2). */
static void duplicates_have_their_time(void **state)
{
    static const struct {
        const char *message;
        ln_msec within, after;
    } rows[] = {
        { "NON POST 0001 aa Uri-Path:reboot", 144000, 3000 },
        { "CON POST 0001 aa Uri-Path:reboot", 246000, 3000 },
    };
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct coapend e;
        coapend_init(&e, NULL);
        coapend_receive(&e, rows[i].message);
        coapend_expect_log(&e, "request POST /reboot 0+0 first last\n");
        coapend_advance(&e, rows[i].within);
        coapend_receive(&e, rows[i].message);
        assert_int_equal(e.log_len, 0);
        coapend_advance(&e, rows[i].after);
        coapend_receive(&e, rows[i].message);
        coapend_expect_log(&e, "request POST /reboot 0+0 first last\n");
        coapend_deinit(&e);
    }
}

/* What cannot be kept and must not be done twice is answered without its body. */
static void a_long_answer_to_a_post_is_remembered_by_its_code(void **state)
{
    struct coapend e;
    struct ln_coap_config config = { .cache_bytes = 48 };
    (void)state;
    coapend_init(&e, &config);
    coapend_receive(&e, "CON POST 0001 aa Uri-Path:a-path-of-more-than-24-bytes");
    coapend_expect(&e, "ACK 2.05 0001 aa | /a-path-of-more-than-24-bytes");
    coapend_receive(&e, "CON POST 0001 aa Uri-Path:a-path-of-more-than-24-bytes");
    coapend_expect(&e, "ACK 2.05 0001 aa");
    coapend_expect_log(&e, "request POST /a-path-of-more-than-24-bytes 0+0 first last\n");
    coapend_deinit(&e);
}

static void the_cache_can_be_switched_off(void **state)
{
    struct coapend e;
    struct ln_coap_config config = { .cache_bytes = LN_COAP_NO_CACHE };
    (void)state;
    coapend_init(&e, &config);
    coapend_receive(&e, "CON GET 0001 aa");
    coapend_receive(&e, "CON GET 0001 aa");
    coapend_expect(&e, "ACK 2.05 0001 aa");
    coapend_expect(&e, "ACK 2.05 0001 aa");
    coapend_expect_log(&e, "request GET  0+0 first last\nrequest GET  0+0 first last\n");
    coapend_deinit(&e);
}

/* ---- answers that are put off ---- */

static void serve_later(struct coapend *e, const struct ln_coap_incoming *in,
                        struct ln_coap_reply *reply)
{
    ln_coap_reply_later(reply, in, &e->later);
}

static const struct ln_coap_answer changed = { .code = LN_COAP_CHANGED };

static void an_answer_may_come_later(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    e.serve = serve_later;
    coapend_receive(&e, "CON POST 0001 aabb Uri-Path:x");
    coapend_expect(&e, "ACK 0001");
    assert_true(ln_coap_is_busy(e.coap));
    coapend_receive(&e, "CON POST 0001 aabb Uri-Path:x"); /* the ACK was lost */
    coapend_expect(&e, "ACK 0001");
    assert_int_equal(ln_coap_respond(e.coap, &e.later, &changed, e.now, coapend_done, &e, NULL),
                     LN_OK);
    coapend_expect(&e, "CON 2.04 $m aabb");
    coapend_expect_log(&e, "request POST /x 0+0 first last\ndone sent\n");
    coapend_advance(&e, 3000);
    coapend_expect(&e, "CON 2.04 $m aabb");
    coapend_receive(&e, "ACK $m");
    coapend_expect_log(&e, "done acknowledged\n");
    assert_false(ln_coap_is_busy(e.coap));
    coapend_deinit(&e);
}

static void a_late_answer_goes_past_our_own_requests(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    e.serve = serve_later;
    assert_int_equal(coapend_request(&e, "GET Uri-Path:a", NULL, NULL), LN_OK);
    coapend_expect(&e, "CON GET $m $t Uri-Path:a");
    coapend_receive(&e, "CON POST 0001 aabb Uri-Path:x");
    coapend_expect(&e, "ACK 0001");
    assert_int_equal(ln_coap_respond(e.coap, &e.later, &changed, e.now, NULL, NULL, NULL), LN_OK);
    coapend_expect(&e, "CON 2.04 $n aabb");
    coapend_receive(&e, "ACK $n");
    coapend_receive(&e, "ACK 2.05 $m $t");
    assert_false(ln_coap_is_busy(e.coap));
    coapend_deinit(&e);
}

static void a_late_answer_to_a_non_confirmable_request(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    e.serve = serve_later;
    coapend_receive(&e, "NON POST 0001 aabb Uri-Path:x");
    coapend_expect_nothing(&e);
    assert_int_equal(ln_coap_respond(e.coap, &e.later, &changed, e.now, coapend_done, &e, NULL),
                     LN_OK);
    coapend_expect(&e, "NON 2.04 $m aabb");
    coapend_expect_log(&e, "request POST /x 0+0 first last\ndone sent\n");
    coapend_deinit(&e);
}

/* ---- observing ---- */

static void serve_observed(struct coapend *e, const struct ln_coap_incoming *in,
                           struct ln_coap_reply *reply)
{
    (void)e;
    (void)in;
    reply->code = LN_COAP_CONTENT;
    reply->observe = true;
    ln_coap_put_uint(reply->out, LN_COAP_CONTENT_FORMAT, 0);
    ln_coap_put_payload(reply->out, ln_span_str("20"));
}

static struct ln_coap_notification note(struct coapend *e, const char *value, bool confirmable)
{
    return (struct ln_coap_notification) {
        .token = { .len = 2, .data = { 0xaa, 0xbb } },
        .confirmable = confirmable,
        .answer = { .code = LN_COAP_CONTENT, .payload = ln_span_str(value) },
        .done = coapend_done,
        .user = e,
    };
}

static void notifications_are_numbered_in_rising_order(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    e.serve = serve_observed;
    coapend_receive(&e, "CON GET 0001 aabb Observe:0 Uri-Path:x");
    coapend_expect(&e, "ACK 2.05 0001 aabb Observe:0 Content-Format:0 | 20");
    e.log_len = 0;
    struct ln_coap_notification n = note(&e, "21", false);
    assert_int_equal(ln_coap_notify(e.coap, &n, e.now, NULL), LN_OK);
    coapend_expect(&e, "NON 2.05 $a aabb Observe:1 | 21");
    coapend_expect_log(&e, "done sent\n");
    n.confirmable = true;
    ln_coap_id id = 0;
    assert_int_equal(ln_coap_notify(e.coap, &n, e.now, &id), LN_OK);
    coapend_expect(&e, "CON 2.05 $b aabb Observe:2 | 21");
    assert_int_not_equal(id, 0);
    coapend_expect_log(&e, "done sent\n");
    coapend_receive(&e, "ACK $b");
    coapend_expect_log(&e, "done acknowledged\n");
    /* a cancelled one is answered without Observe, and so is one that was not asked to observe */
    coapend_receive(&e, "CON GET 0002 aabb Observe:1 Uri-Path:x");
    coapend_expect(&e, "ACK 2.05 0002 aabb Content-Format:0 | 20");
    coapend_receive(&e, "CON GET 0003 aabb Uri-Path:x");
    coapend_expect(&e, "ACK 2.05 0003 aabb Content-Format:0 | 20");
    coapend_deinit(&e);
}

/* The number is of 24 bits, RFC 7641 4.4. */
/* scenario: H24 */
static void the_number_of_notifications_wraps(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    struct ln_coap_notification n = note(&e, "21", false);
    e.coap->observe_seq = 0xffffff;
    assert_int_equal(ln_coap_notify(e.coap, &n, e.now, NULL), LN_OK);
    coapend_expect(&e, "NON 2.05 $a aabb Observe:16777215 | 21");
    assert_int_equal(ln_coap_notify(e.coap, &n, e.now, NULL), LN_OK);
    coapend_expect(&e, "NON 2.05 $b aabb Observe:0 | 21");
    coapend_deinit(&e);
}

static void a_reset_ends_an_observation(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    struct ln_coap_notification n = note(&e, "21", false);
    assert_int_equal(ln_coap_notify(e.coap, &n, e.now, NULL), LN_OK);
    coapend_expect(&e, "NON 2.05 $a aabb Observe:0 | 21");
    assert_int_equal(ln_coap_notify(e.coap, &n, e.now, NULL), LN_OK);
    coapend_expect(&e, "NON 2.05 $b aabb Observe:1 | 21");
    e.log_len = 0;
    coapend_receive(&e, "RST $a");
    coapend_expect_log(&e, "rejected aabb\n");
    coapend_receive(&e, "RST $a");         /* once */
    coapend_receive_from(&e, 1, "RST $b"); /* from somebody else */
    coapend_expect_log(&e, "");
    n.confirmable = true;
    assert_int_equal(ln_coap_notify(e.coap, &n, e.now, NULL), LN_OK);
    coapend_expect(&e, "CON 2.05 $c aabb Observe:2 | 21");
    coapend_receive_from(&e, 1, "RST $c"); /* from somebody else */
    coapend_expect_log(&e, "done sent\n");
    coapend_receive(&e, "RST $c");
    coapend_expect_log(&e, "done reset by the peer\n");
    coapend_deinit(&e);
}

static void a_confirmable_notification_times_out(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    struct ln_coap_notification n = note(&e, "21", true);
    assert_int_equal(ln_coap_notify(e.coap, &n, e.now, NULL), LN_OK);
    coapend_advance(&e, 93000);
    for (int i = 0; i < 5; i++)
        coapend_expect(&e, "CON 2.05 $a aabb Observe:0 | 21");
    coapend_expect_nothing(&e);
    coapend_expect_log(&e, "done sent\ndone timed out\n");
    coapend_deinit(&e);
}

static void an_error_ends_it_and_carries_no_number(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    struct ln_coap_notification n = note(&e, NULL, false);
    n.answer.code = LN_COAP_NOT_FOUND;
    assert_int_equal(ln_coap_notify(e.coap, &n, e.now, NULL), LN_OK);
    coapend_expect(&e, "NON 4.04 $a aabb");
    coapend_deinit(&e);
}

static void confirmable_notifications_keep_nstart(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    struct ln_coap_notification n = note(&e, "1", true);
    ln_coap_id second = 0;
    assert_int_equal(ln_coap_notify(e.coap, &n, e.now, NULL), LN_OK);
    n.answer.payload = ln_span_str("2");
    assert_int_equal(ln_coap_notify(e.coap, &n, e.now, &second), LN_OK);
    n.answer.payload = ln_span_str("3");
    assert_int_equal(ln_coap_notify(e.coap, &n, e.now, NULL), LN_OK);
    coapend_expect(&e, "CON 2.05 $a aabb Observe:0 | 1");
    coapend_expect_nothing(&e);
    coapend_expect_log(&e, "done sent\n");
    ln_coap_cancel(e.coap, second);
    coapend_receive(&e, "ACK $a");
    coapend_expect(&e, "CON 2.05 $b aabb Observe:2 | 3");
    coapend_expect_log(&e, "done acknowledged\ndone sent\n");
    coapend_deinit(&e);
}

static void reset_tells_everybody_once(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    struct ln_coap_notification n = note(&e, "1", true);
    assert_int_equal(ln_coap_notify(e.coap, &n, e.now, NULL), LN_OK);
    assert_int_equal(coapend_request(&e, "GET", NULL, NULL), LN_OK);
    assert_int_equal(ln_coap_ping(e.coap, 0, e.now, coapend_done, &e, NULL), LN_OK);
    e.log_len = 0;
    ln_coap_reset(e.coap, e.now);
    coapend_expect_log(&e, "done the connection ended\nthe connection ended\n"
                           "done the connection ended\n");
    assert_false(ln_coap_is_busy(e.coap));
    assert_int_equal(ln_coap_deadline(e.coap), LN_NEVER);
    coapend_deinit(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_answered_in_its_ack),
        cmocka_unit_test(a_non_confirmable_one_by_a_message_of_its_own),
        cmocka_unit_test(without_a_handler_nothing_is_found),
        cmocka_unit_test(a_handler_that_forgets_is_an_internal_error),
        cmocka_unit_test(an_answer_that_does_not_fit_is_an_internal_error),
        cmocka_unit_test(unknown_critical_options_are_refused),
        cmocka_unit_test(critical_options_of_ours_are_refused_if_malformed),
        cmocka_unit_test(options_that_the_handler_understands_pass),
        cmocka_unit_test(pings_are_reset),
        cmocka_unit_test(malformed_messages_change_nothing),
        cmocka_unit_test(acks_and_resets_of_nothing_are_counted),
        cmocka_unit_test(duplicates_get_the_same_answer),
        cmocka_unit_test(duplicates_are_forgotten_after_their_lifetime),
        cmocka_unit_test(a_post_is_remembered_longer_than_a_get),
        cmocka_unit_test(a_get_does_not_displace_a_post),
        cmocka_unit_test(duplicates_have_their_time),
        cmocka_unit_test(a_long_answer_to_a_post_is_remembered_by_its_code),
        cmocka_unit_test(the_cache_can_be_switched_off),
        cmocka_unit_test(an_answer_may_come_later),
        cmocka_unit_test(a_late_answer_goes_past_our_own_requests),
        cmocka_unit_test(a_late_answer_to_a_non_confirmable_request),
        cmocka_unit_test(notifications_are_numbered_in_rising_order),
        cmocka_unit_test(the_number_of_notifications_wraps),
        cmocka_unit_test(a_reset_ends_an_observation),
        cmocka_unit_test(a_confirmable_notification_times_out),
        cmocka_unit_test(an_error_ends_it_and_carries_no_number),
        cmocka_unit_test(confirmable_notifications_keep_nstart),
        cmocka_unit_test(reset_tells_everybody_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
