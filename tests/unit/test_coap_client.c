/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/coap: our requests over UDP, retransmission, NSTART, observing. */
#include "support/coapend.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "coap/internal.h"

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

static uint16_t mid_of(const struct coapend *e, char name)
{
    const struct ln_coap_token *v = &e->vars.value[(unsigned char)name];
    return (uint16_t)(v->data[0] << 8 | v->data[1]);
}

/* ---- an exchange ---- */

static void an_answer_comes_in_the_ack(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:3 Uri-Path:0", NULL, NULL), LN_OK);
    coapend_expect(&e, "CON GET $m $t Uri-Path:3 Uri-Path:0");
    assert_int_equal(e.vars.value['t'].len, 8);
    coapend_receive(&e, "ACK 2.05 $m $t Content-Format:0 | @0+4");
    coapend_expect_log(&e, "response 2.05 0+4 last final\n");
    coapend_receive(&e, "ACK 2.05 $m $t Content-Format:0 | @0+4"); /* once more */
    coapend_expect_log(&e, "");
    coapend_expect_nothing(&e);
    assert_int_equal(ln_coap_deadline(e.coap), LN_NEVER);
    assert_false(ln_coap_is_busy(e.coap));
    coapend_deinit(&e);
}

static void options_and_payload_go_as_they_were_given(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    assert_int_equal(coapend_request(&e,
                                     "POST Uri-Path:rd Content-Format:40 Uri-Query:ep=x "
                                     "Uri-Query:lt=300 | </1/0>,</3/0>",
                                     NULL, NULL),
                     LN_OK);
    coapend_expect(&e, "CON POST $m $t Uri-Path:rd Content-Format:40 Uri-Query:ep=x "
                       "Uri-Query:lt=300 | </1/0>,</3/0>");
    coapend_receive(&e, "ACK 2.01 $m $t Location-Path:rd Location-Path:5a3f");
    coapend_expect_log(&e, "response 2.01 0+0 last final\n");
    coapend_deinit(&e);
}

static void an_answer_comes_as_a_message_of_its_own(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:a", NULL, NULL), LN_OK);
    coapend_expect(&e, "CON GET $m $t Uri-Path:a");
    coapend_receive(&e, "ACK $m");
    coapend_advance(&e, 100000); /* no retransmission any more */
    coapend_expect_nothing(&e);
    coapend_receive(&e, "CON 2.05 1234 $t | @0+4");
    coapend_expect(&e, "ACK 1234");
    coapend_expect_log(&e, "response 2.05 0+4 last final\n");
    coapend_receive(&e, "CON 2.05 1234 $t | @0+4"); /* our ACK was lost */
    coapend_expect(&e, "ACK 1234");
    coapend_expect_log(&e, "");
    coapend_deinit(&e);
}

static void the_answer_may_overtake_the_ack(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:a", NULL, NULL), LN_OK);
    coapend_expect(&e, "CON GET $m $t Uri-Path:a");
    coapend_receive(&e, "NON 2.05 1234 $t | @0+4");
    coapend_expect_log(&e, "response 2.05 0+4 last final\n");
    coapend_receive(&e, "ACK $m");
    coapend_expect_log(&e, "");
    coapend_expect_nothing(&e);
    coapend_advance(&e, 300000);
    coapend_expect_nothing(&e);
    coapend_deinit(&e);
}

static void an_error_is_an_answer(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:a", NULL, NULL), LN_OK);
    coapend_expect(&e, "CON GET $m $t Uri-Path:a");
    coapend_receive(&e, "ACK 4.04 $m $t");
    coapend_expect_log(&e, "response 4.04 0+0 last final\n");
    coapend_deinit(&e);
}

/* scenario: H23 */
static void no_answer_behind_an_ack_times_out(void **state)
{
    struct coapend e;
    struct ln_coap_config config = { .timing = { .response_ms = 30000 } };
    (void)state;
    coapend_init(&e, &config);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:a", NULL, NULL), LN_OK);
    coapend_expect(&e, "CON GET $m $t Uri-Path:a");
    coapend_receive(&e, "ACK $m");
    coapend_advance(&e, 29999);
    coapend_expect_log(&e, "");
    coapend_advance(&e, 1);
    coapend_expect_log(&e, "timed out\n");
    coapend_receive(&e, "CON 2.05 1234 $t | @0+4"); /* too late */
    coapend_expect(&e, "RST 1234");
    coapend_expect_log(&e, "");
    coapend_deinit(&e);
}

static void a_reset_ends_a_request(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:a", NULL, NULL), LN_OK);
    coapend_expect(&e, "CON GET $m $t Uri-Path:a");
    coapend_receive(&e, "RST $m");
    coapend_expect_log(&e, "reset by the peer\n");
    coapend_deinit(&e);
}

/* scenario: H13 */
static void an_answer_with_an_unknown_critical_option_is_rejected(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:a", NULL, NULL), LN_OK);
    coapend_expect(&e, "CON GET $m $t Uri-Path:a");
    coapend_receive(&e, "ACK 2.05 $m $t #65001:");
    coapend_expect_log(&e, "the answer is unusable\n");
    assert_int_equal(coapend_request(&e, "GET Uri-Path:a", NULL, NULL), LN_OK);
    coapend_expect(&e, "CON GET $n $u Uri-Path:a");
    coapend_receive(&e, "CON 2.05 1234 $u #65001:");
    coapend_expect(&e, "RST 1234");
    coapend_expect_log(&e, "the answer is unusable\n");
    coapend_deinit(&e);
}

/* ---- who may answer ---- */

/* scenario: H21 */
static void an_answer_from_another_peer_is_none(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:a", NULL, NULL), LN_OK);
    coapend_expect(&e, "CON GET $m $t Uri-Path:a");
    coapend_receive_from(&e, 7, "ACK 2.05 $m $t | @0+4");
    coapend_receive_from(&e, 7, "ACK $m");
    coapend_receive_from(&e, 7, "RST $m");
    coapend_expect_nothing(&e);
    coapend_receive_from(&e, 7, "CON 2.05 1234 $t | @0+4");
    coapend_expect(&e, "RST 1234");
    coapend_expect_log(&e, "");
    assert_int_equal(ln_coap_counters(e.coap)->unexpected, 4);
    coapend_receive(&e, "ACK 2.05 $m $t | @0+4");
    coapend_expect_log(&e, "response 2.05 0+4 last final\n");
    coapend_deinit(&e);
}

static void an_answer_with_another_token_is_none(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:a", NULL, NULL), LN_OK);
    coapend_expect(&e, "CON GET $m $t Uri-Path:a");
    coapend_receive(&e, "ACK 2.05 $m 0102030405060708 | @0+4");
    coapend_receive(&e, "ACK 2.05 $m - | @0+4");
    coapend_expect_log(&e, "");
    coapend_expect_nothing(&e);
    coapend_receive(&e, "NON 2.05 1234 01 | @0+4");
    coapend_expect(&e, "RST 1234");
    coapend_receive(&e, "ACK 2.05 $m $t | @0+4");
    coapend_expect_log(&e, "response 2.05 0+4 last final\n");
    coapend_deinit(&e);
}

/* ---- retransmission ---- */

/* RFC 7252 4.2 and 4.8: five transmissions, the first gap 2 to 3 s, then doubled each time, and
 * MAX_TRANSMIT_WAIT at most in all. */
static void it_is_sent_five_times_with_doubled_gaps(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    for (int round = 0; round < 100; round++) {
        ln_msec start = e.now;
        ln_msec gaps[5] = { 0 };
        memset(&e.vars, 0, sizeof e.vars);
        assert_int_equal(coapend_request(&e, "GET Uri-Path:a", NULL, NULL), LN_OK);
        coapend_expect(&e, "CON GET $m $t Uri-Path:a");
        for (int i = 0; i < 5; i++) {
            ln_msec due = ln_coap_deadline(e.coap);
            gaps[i] = due - e.now;
            coapend_advance(&e, gaps[i] - 1);
            coapend_expect_nothing(&e);
            coapend_advance(&e, 1);
            if (i < 4)
                coapend_expect(&e, "CON GET $m $t Uri-Path:a");
            if (i > 0)
                assert_int_equal(gaps[i], 2 * gaps[i - 1]);
        }
        assert_in_range(gaps[0], 2000, 3000);
        assert_true(e.now - start <= 93000);
        coapend_expect_nothing(&e);
        coapend_expect_log(&e, "timed out\n");
    }
    assert_int_equal(ln_coap_counters(e.coap)->retransmitted, 400);
    coapend_deinit(&e);
}

/* Devices that booted together must not stay together. */
static void first_gaps_are_spread(void **state)
{
    struct coapend e;
    unsigned low = 0;
    unsigned high = 0;
    (void)state;
    coapend_init(&e, NULL);
    for (int round = 0; round < 400; round++) {
        ln_coap_id id = 0;
        assert_int_equal(coapend_request(&e, "GET", NULL, &id), LN_OK);
        ln_msec gap = ln_coap_deadline(e.coap) - e.now;
        low += gap < 2250;
        high += gap >= 2750;
        ln_coap_cancel(e.coap, id);
        e.sent_count = 0;
    }
    assert_in_range(low, 60, 140);
    assert_in_range(high, 60, 140);
    coapend_deinit(&e);
}

static void transmission_parameters_can_be_chosen(void **state)
{
    struct coapend e;
    struct ln_coap_config config = {
        .timing = { .ack_timeout_ms = 8000, .ack_random_permille = 1000, .max_retransmit = 1 }
    };
    (void)state;
    coapend_init(&e, &config);
    assert_int_equal(coapend_request(&e, "GET", NULL, NULL), LN_OK);
    assert_int_equal(ln_coap_deadline(e.coap) - e.now, 8000);
    coapend_advance(&e, 24000);
    coapend_expect(&e, "CON GET $m $t");
    coapend_expect(&e, "CON GET $m $t");
    coapend_expect_nothing(&e);
    coapend_expect_log(&e, "timed out\n");
    coapend_deinit(&e);
    config.timing.max_retransmit = LN_COAP_NO_RETRANSMIT;
    coapend_init(&e, &config);
    assert_int_equal(coapend_request(&e, "GET", NULL, NULL), LN_OK);
    coapend_advance(&e, 8000);
    coapend_expect(&e, "CON GET $m $t");
    coapend_expect_nothing(&e);
    coapend_expect_log(&e, "timed out\n");
    coapend_deinit(&e);
}

/* RFC 7252 4.8.2 */
static void times_follow_from_the_parameters(void **state)
{
    struct ln_coap_timing t = { .ack_timeout_ms = 0 };
    (void)state;
    assert_int_equal(ln_coap_max_transmit_span(&t), 45000);
    assert_int_equal(ln_coap_max_transmit_wait(&t), 93000);
    assert_int_equal(ln_coap_exchange_lifetime(&t), 247000);
    assert_int_equal(ln_coap_non_lifetime(&t), 145000);
    t.ack_timeout_ms = 8000; /* NB-IoT */
    assert_int_equal(ln_coap_max_transmit_span(&t), 180000);
    assert_int_equal(ln_coap_max_transmit_wait(&t), 372000);
    assert_int_equal(ln_coap_exchange_lifetime(&t), 388000);
}

static void a_socket_that_is_busy_is_tried_again(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    e.send_status = LN_AGAIN;
    assert_int_equal(coapend_request(&e, "GET Uri-Path:a", NULL, NULL), LN_OK);
    assert_true(ln_coap_wants_send(e.coap));
    assert_int_equal(ln_coap_deadline(e.coap), LN_NEVER); /* a matter of the socket, not of time */
    assert_int_equal(ln_coap_step(e.coap, e.now), LN_OK);
    assert_true(ln_coap_wants_send(e.coap));
    e.send_status = LN_OK;
    e.now += 60000;
    assert_int_equal(ln_coap_step(e.coap, e.now), LN_OK);
    assert_false(ln_coap_wants_send(e.coap));
    coapend_expect(&e, "CON GET $m $t Uri-Path:a");
    coapend_receive(&e, "ACK 2.05 $m $t");
    coapend_expect_log(&e, "response 2.05 0+0 last final\n");
    coapend_deinit(&e);
}

static void a_socket_that_fails_is_a_lost_datagram(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    e.send_status = LN_REFUSED; /* an ICMP error of an earlier one */
    assert_int_equal(coapend_request(&e, "GET Uri-Path:a", NULL, NULL), LN_OK);
    assert_int_equal(ln_coap_counters(e.coap)->not_sent, 1);
    e.send_status = LN_OK;
    coapend_advance(&e, 3000);
    coapend_expect(&e, "CON GET $m $t Uri-Path:a");
    coapend_receive(&e, "ACK 2.05 $m $t");
    coapend_expect_log(&e, "response 2.05 0+0 last final\n");
    coapend_deinit(&e);
}

/* ---- message ids ---- */

/* RFC 7252 4.4: counted from a random start, and not used again within EXCHANGE_LIFETIME. */
static void message_ids_are_not_used_again_too_soon(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    uint16_t first = e.coap->next_mid;
    uint16_t mid = first;
    ln_msec start = e.now;
    for (unsigned i = 0; i < 65536; i++) {
        assert_true(ln__coap_new_mid(e.coap, e.now, &mid));
        assert_int_equal(mid, (uint16_t)(first + i));
        e.now += i % 2; /* 32 s for all of them */
        if (e.coap->next_mid == first)
            break;
        if (ln__coap_mid_due(e.coap) > e.now)
            break;
    }
    /* The first quarter may have been begun in its middle: up to a quarter less than all. */
    unsigned used = (uint16_t)(mid - first) + 1u;
    assert_in_range(used, 65536 - 16384, 65536);
    assert_false(ln__coap_new_mid(e.coap, e.now, &mid));
    /* A request waits for one, and goes when it is there. */
    assert_int_equal(coapend_request(&e, "GET Uri-Path:a", NULL, NULL), LN_OK);
    coapend_expect_nothing(&e);
    ln_msec due = ln_coap_deadline(e.coap);
    assert_true(due > start + 247000 && due <= e.now + 247000);
    coapend_advance(&e, due - e.now);
    coapend_expect(&e, "CON GET $m $t Uri-Path:a");
    assert_int_equal(mid_of(&e, 'm'), (uint16_t)(mid + 1));
    coapend_deinit(&e);
}

static void the_first_message_id_and_all_tokens_are_random(void **state)
{
    struct coapend a;
    struct coapend b;
    (void)state;
    coapend_init(&a, NULL);
    coapend_init(&b, NULL);
    b.dice = 77;
    ln_coap_free(b.coap);
    b.coap = NULL;
    assert_int_equal(ln_coap_new(&b.env, &b.config, NULL, &b.coap), LN_OK);
    for (int i = 0; i < 3; i++) {
        ln_coap_id id = 0;
        assert_int_equal(coapend_request(&a, "GET", NULL, &id), LN_OK);
        ln_coap_cancel(a.coap, id);
        assert_int_equal(coapend_request(&b, "GET", NULL, &id), LN_OK);
        ln_coap_cancel(b.coap, id);
    }
    coapend_expect(&a, "CON GET $a $x");
    coapend_expect(&a, "CON GET $b $y");
    coapend_expect(&a, "CON GET $c $z");
    coapend_expect(&b, "CON GET $a $x");
    assert_int_not_equal(mid_of(&a, 'a'), mid_of(&b, 'a'));
    assert_int_equal(mid_of(&a, 'b'), (uint16_t)(mid_of(&a, 'a') + 1));
    assert_int_equal(mid_of(&a, 'c'), (uint16_t)(mid_of(&a, 'a') + 2));
    assert_false(ln_coap_token_equal(&a.vars.value['x'], &a.vars.value['y']));
    assert_false(ln_coap_token_equal(&a.vars.value['x'], &a.vars.value['z']));
    assert_false(ln_coap_token_equal(&a.vars.value['x'], &b.vars.value['x']));
    a.sent_count = a.sent_read = 0;
    b.sent_count = b.sent_read = 0;
    coapend_deinit(&a);
    coapend_deinit(&b);
}

static enum ln_status no_randomness(void *ctx, struct ln_mspan room)
{
    (void)ctx;
    (void)room;
    return LN_IO;
}

static void without_randomness_nothing_begins(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    struct ln_env env = e.env;
    env.random.fill = no_randomness;
    struct ln_coap *coap = NULL;
    struct ln_diag diag;
    ln_diag_clear(&diag);
    assert_int_equal(ln_coap_new(&env, &e.config, &diag, &coap), LN_IO);
    assert_null(coap);
    assert_true(diag.text[0] != '\0');
    e.env.random.fill = no_randomness;
    e.coap->entropy_left = 0;
    assert_int_equal(coapend_request(&e, "GET", NULL, NULL), LN_IO);
    coapend_expect_nothing(&e);
    assert_false(ln_coap_is_busy(e.coap));
    coapend_deinit(&e);
}

/* ---- NSTART and the queue ---- */

static void one_request_waits_for_the_other(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:a", NULL, NULL), LN_OK);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:b", NULL, NULL), LN_OK);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:c", NULL, NULL), LN_OK);
    coapend_expect(&e, "CON GET $m $t Uri-Path:a");
    coapend_expect_nothing(&e);
    coapend_receive(&e, "ACK $m"); /* not outstanding any more, RFC 7252 4.7 */
    coapend_expect(&e, "CON GET $n $u Uri-Path:b");
    coapend_receive(&e, "ACK 2.05 $n $u");
    coapend_expect(&e, "CON GET $o $v Uri-Path:c");
    coapend_receive(&e, "RST $o");
    coapend_receive(&e, "NON 2.05 1234 $t");
    coapend_expect_log(&e, "response 2.05 0+0 last final\nreset by the peer\n"
                           "response 2.05 0+0 last final\n");
    coapend_deinit(&e);
}

static void each_peer_and_each_class_has_its_own_nstart(void **state)
{
    struct coapend e;
    struct ln_coap_config config = { .nstart = { 1, 2 }, .exchanges = 8 };
    struct ln_coap_request bulk = { .class_ = LN_COAP_BULK };
    struct ln_coap_request other = { .peer = 5 };
    (void)state;
    coapend_init(&e, &config);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:a", NULL, NULL), LN_OK);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:b", NULL, NULL), LN_OK);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:c", &bulk, NULL), LN_OK);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:d", &bulk, NULL), LN_OK);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:e", &bulk, NULL), LN_OK);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:f", &other, NULL), LN_OK);
    coapend_expect(&e, "CON GET $a $b Uri-Path:a");
    coapend_expect(&e, "CON GET $c $d Uri-Path:c Block2:0/0/1024 Size2:0");
    coapend_expect(&e, "CON GET $e $f Uri-Path:d Block2:0/0/1024 Size2:0");
    coapend_expect(&e, "CON GET $g $h Uri-Path:f");
    coapend_expect_nothing(&e);
    coapend_deinit(&e);
}

static void non_confirmable_requests_do_not_wait(void **state)
{
    struct coapend e;
    struct ln_coap_request non = { .non_confirmable = true };
    struct ln_coap_config config = { .timing = { .response_ms = 10000 } };
    (void)state;
    coapend_init(&e, &config);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:a", &non, NULL), LN_OK);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:b", &non, NULL), LN_OK);
    coapend_expect(&e, "NON GET $m $t Uri-Path:a");
    coapend_expect(&e, "NON GET $n $u Uri-Path:b");
    coapend_receive(&e, "NON 2.05 0001 $u");
    coapend_expect_log(&e, "response 2.05 0+0 last final\n");
    coapend_advance(&e, 10000);
    coapend_expect_log(&e, "timed out\n");
    coapend_expect_nothing(&e);
    coapend_deinit(&e);
}

static void the_table_of_exchanges_can_be_full(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    ln_coap_id id[5] = { 0 };
    for (int i = 0; i < 4; i++)
        assert_int_equal(coapend_request(&e, "GET Uri-Path:a", NULL, &id[i]), LN_OK);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:a", NULL, &id[4]), LN_NO_SPACE);
    assert_int_equal(ln_coap_counters(e.coap)->no_space, 1);
    ln_coap_cancel(e.coap, id[2]);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:a", NULL, &id[4]), LN_OK);
    assert_int_not_equal(id[4], id[2]);
    coapend_deinit(&e);
}

static void the_pool_can_be_full(void **state)
{
    struct coapend e;
    struct ln_coap_config config = { .pool_bytes = 64 };
    char text[200];
    ln_coap_id id = 0;
    (void)state;
    coapend_init(&e, &config);
    (void)snprintf(text, sizeof text, "POST Uri-Path:a | %050d", 1);
    assert_int_equal(coapend_request(&e, text, NULL, &id), LN_OK);
    assert_int_equal(coapend_request(&e, text, NULL, NULL), LN_NO_SPACE);
    ln_coap_cancel(e.coap, id);
    assert_int_equal(coapend_request(&e, text, NULL, NULL), LN_OK);
    coapend_deinit(&e);
}

/* What is kept for one exchange survives the end of another. */
static void the_pool_closes_up_behind_what_ends(void **state)
{
    struct coapend e;
    ln_coap_id id[3] = { 0 };
    (void)state;
    coapend_init(&e, NULL);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:first | 1111", NULL, &id[0]), LN_OK);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:second | 22222222", NULL, &id[1]), LN_OK);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:third | 333", NULL, &id[2]), LN_OK);
    coapend_expect(&e, "CON GET $m $t Uri-Path:first | 1111");
    ln_coap_cancel(e.coap, id[1]);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:fourth | 4", NULL, &id[1]), LN_OK);
    coapend_receive(&e, "ACK 2.05 $m $t");
    coapend_expect(&e, "CON GET $n $u Uri-Path:third | 333");
    coapend_advance(&e, 3000);
    coapend_expect(&e, "CON GET $n $u Uri-Path:third | 333");
    coapend_receive(&e, "ACK 2.05 $n $u");
    coapend_expect(&e, "CON GET $o $v Uri-Path:fourth | 4");
    coapend_receive(&e, "ACK 2.05 $o $v");
    assert_int_equal(e.coap->pool_used, 0);
    coapend_deinit(&e);
}

/* ---- cancelling ---- */

static void what_is_cancelled_says_nothing(void **state)
{
    struct coapend e;
    ln_coap_id id = 0;
    (void)state;
    coapend_init(&e, NULL);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:a", NULL, &id), LN_OK);
    coapend_expect(&e, "CON GET $m $t Uri-Path:a");
    ln_coap_cancel(e.coap, id);
    ln_coap_cancel(e.coap, id); /* void ids are allowed */
    ln_coap_cancel(e.coap, 0);
    assert_false(ln_coap_is_busy(e.coap));
    coapend_receive(&e, "ACK 2.05 $m $t");
    coapend_receive(&e, "CON 2.05 1234 $t");
    coapend_expect(&e, "RST 1234");
    coapend_advance(&e, 300000);
    coapend_expect_log(&e, "");
    coapend_expect_nothing(&e);
    coapend_deinit(&e);
}

static void request_another(struct coapend *e, const struct ln_coap_response *r)
{
    e->on_response = NULL;
    assert_true(r->final);
    ln_coap_cancel(e->coap, r->id); /* void by now */
    for (int i = 0; i < 4; i++)
        assert_int_equal(coapend_request(e, "GET Uri-Path:next", NULL, NULL), LN_OK);
}

static void a_callback_may_begin_anew(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    e.on_response = request_another;
    assert_int_equal(coapend_request(&e, "GET Uri-Path:a", NULL, NULL), LN_OK);
    coapend_expect(&e, "CON GET $m $t Uri-Path:a");
    coapend_receive(&e, "ACK 2.05 $m $t");
    coapend_expect(&e, "CON GET $n $u Uri-Path:next");
    coapend_expect_nothing(&e);
    coapend_deinit(&e);
}

/* ---- ping ---- */

static void a_ping_is_answered_by_a_reset(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    assert_int_equal(ln_coap_ping(e.coap, 0, e.now, coapend_done, &e, NULL), LN_OK);
    coapend_expect(&e, "CON $m -");
    coapend_receive(&e, "ACK $m"); /* not what RFC 7252 4.3 wants */
    coapend_expect_log(&e, "");
    coapend_receive(&e, "RST $m");
    coapend_expect_log(&e, "done answered\n");
    assert_int_equal(ln_coap_ping(e.coap, 0, e.now, coapend_done, &e, NULL), LN_OK);
    coapend_advance(&e, 93000);
    coapend_expect_log(&e, "done timed out\n");
    coapend_deinit(&e);
}

/* ---- observing ---- */

static const struct ln_coap_request observing = { .observe = true };

static void notifications_come_as_they_are_sent(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:a", &observing, NULL), LN_OK);
    coapend_expect(&e, "CON GET $m $t Observe:0 Uri-Path:a");
    assert_true(ln_coap_is_busy(e.coap));
    coapend_receive(&e, "ACK 2.05 $m $t Observe:12 | @0+1");
    coapend_expect_log(&e, "response 2.05 0+1 last notification\n");
    assert_false(ln_coap_is_busy(e.coap));
    assert_int_equal(ln_coap_deadline(e.coap), LN_NEVER);
    coapend_receive(&e, "NON 2.05 0001 $t Observe:13 | @0+2");
    coapend_expect_nothing(&e);
    coapend_receive(&e, "CON 2.05 0002 $t Observe:14 | @0+3");
    coapend_expect(&e, "ACK 0002");
    coapend_expect_log(&e, "response 2.05 0+2 last notification\n"
                           "response 2.05 0+3 last notification\n");
    coapend_receive(&e, "CON 2.05 0002 $t Observe:14 | @0+3"); /* a duplicate */
    coapend_expect(&e, "ACK 0002");
    coapend_receive(&e, "CON 4.04 0003 $t");
    coapend_expect(&e, "ACK 0003");
    coapend_expect_log(&e, "response 4.04 0+0 last final\n");
    coapend_receive(&e, "CON 2.05 0004 $t Observe:15");
    coapend_expect(&e, "RST 0004");
    coapend_deinit(&e);
}

/* RFC 7641 3.4 */
/* scenario: H24 */
static void overtaken_notifications_are_dropped(void **state)
{
    static const struct {
        uint32_t before, now;
        ln_msec later_ms;
        bool fresh;
    } cases[] = {
        { 1, 2, 0, true },         { 2, 1, 0, false },        { 2, 2, 0, false },
        { 0xffffff, 0, 0, true },  { 0, 0xffffff, 0, false }, { 0, 0x7fffff, 0, true },
        { 0, 0x800000, 0, false }, { 0x800001, 0, 0, true },  { 0x800000, 0, 0, false },
        { 5, 3, 128000, false },   { 5, 3, 128001, true },    { 5, 5, 128001, true },
    };
    char text[100];
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct coapend e;
        coapend_init(&e, NULL);
        assert_int_equal(coapend_request(&e, "GET Uri-Path:a", &observing, NULL), LN_OK);
        coapend_expect(&e, "CON GET $m $t Observe:0 Uri-Path:a");
        (void)snprintf(text, sizeof text, "ACK 2.05 $m $t Observe:%u", (unsigned)cases[i].before);
        coapend_receive(&e, text);
        coapend_expect_log(&e, "response 2.05 0+0 last notification\n");
        coapend_advance(&e, cases[i].later_ms);
        (void)snprintf(text, sizeof text, "CON 2.05 0001 $t Observe:%u", (unsigned)cases[i].now);
        coapend_receive(&e, text);
        coapend_expect(&e, "ACK 0001"); /* in any case */
        coapend_expect_log(&e, cases[i].fresh ? "response 2.05 0+0 last notification\n" : "");
        coapend_deinit(&e);
    }
}

static void a_peer_that_does_not_observe_just_answers(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:a", &observing, NULL), LN_OK);
    coapend_expect(&e, "CON GET $m $t Observe:0 Uri-Path:a");
    coapend_receive(&e, "ACK 2.05 $m $t | @0+1");
    coapend_expect_log(&e, "response 2.05 0+1 last final\n");
    coapend_deinit(&e);
}

static void an_observation_is_ended_by_asking(void **state)
{
    struct coapend e;
    ln_coap_id id = 0;
    (void)state;
    coapend_init(&e, NULL);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:a Accept:0", &observing, &id), LN_OK);
    coapend_expect(&e, "CON GET $m $t Observe:0 Uri-Path:a Accept:0");
    coapend_receive(&e, "ACK 2.05 $m $t Observe:1");
    e.log_len = 0;
    assert_int_equal(ln_coap_unobserve(e.coap, id, e.now), LN_OK);
    coapend_expect(&e, "CON GET $n $t Observe:1 Uri-Path:a Accept:0");
    coapend_receive(&e, "ACK 2.05 $n $t | @0+1");
    coapend_expect_log(&e, "response 2.05 0+1 last final\n");
    assert_int_equal(ln_coap_unobserve(e.coap, id, e.now), LN_NOT_FOUND);
    coapend_deinit(&e);
}

static void an_observation_is_ended_by_a_reset(void **state)
{
    struct coapend e;
    ln_coap_id id = 0;
    (void)state;
    coapend_init(&e, NULL);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:a", &observing, &id), LN_OK);
    coapend_expect(&e, "CON GET $m $t Observe:0 Uri-Path:a");
    coapend_receive(&e, "ACK 2.05 $m $t Observe:1");
    ln_coap_cancel(e.coap, id);
    coapend_receive(&e, "NON 2.05 0001 $t Observe:2");
    coapend_expect(&e, "RST 0001");
    assert_int_equal(coapend_request(&e, "GET Uri-Path:b", &observing, &id), LN_OK);
    coapend_expect(&e, "CON GET $n $u Observe:0 Uri-Path:b");
    e.verdict = LN_COAP_STOP;
    coapend_receive(&e, "ACK 2.05 $n $u Observe:1");
    coapend_receive(&e, "CON 2.05 0002 $u Observe:2");
    coapend_expect(&e, "RST 0002");
    coapend_deinit(&e);
}

/* ---- wrong calls ---- */

static void wrong_requests_are_refused(void **state)
{
    static const uint8_t uri_path[] = { 0xb1, 'a' };
    static const uint8_t block1[] = { 0xd1, 0x0e, 0x00 };
    static const uint8_t observe[] = { 0x60 };
    static const uint8_t cut[] = { 0xb5, 'a' };
    static const uint8_t marker[] = { 0xb1, 'a', 0xff };
    static const uint8_t etag[9];
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    e.body_size = 10;
    const struct ln_coap_source source = coapend_source(&e);
    const struct ln_coap_source no_source = { .read = NULL };
    struct ln_coap_request good = { .code = LN_COAP_GET,
                                    .options = ln_span(uri_path, sizeof uri_path),
                                    .on_response = coapend_on_response,
                                    .user = &e };
    struct ln_coap_request bad[16];
    for (size_t i = 0; i < COUNT(bad); i++)
        bad[i] = good;
    size_t n = 0;
    bad[n++].code = LN_COAP_EMPTY;
    bad[n++].code = LN_COAP_CONTENT;
    bad[n++].on_response = NULL;
    bad[n++].options = ln_span(block1, sizeof block1);
    bad[n++].options = ln_span(observe, sizeof observe);
    bad[n++].options = ln_span(cut, sizeof cut);
    bad[n++].options = ln_span(marker, sizeof marker);
    bad[n++].from = 512;
    bad[n++].from = LN_COAP_BODY_MAX;
    bad[n++].etag = ln_span(etag, sizeof etag);
    bad[n++].szx = 7;
    bad[n++].answer_max = LN_COAP_BODY_MAX + 1;
    bad[n].code = LN_COAP_POST;
    bad[n++].observe = true;
    bad[n].payload = ln_span(uri_path, 1);
    bad[n++].source = &source;
    bad[n++].source = &no_source;
    bad[n++].class_ = (enum ln_coap_class)2;
    assert_int_equal(n, COUNT(bad));
    for (size_t i = 0; i < n; i++)
        if (ln_coap_request(e.coap, &bad[i], e.now, NULL) != LN_BAD_ARG)
            fail_msg("request %zu is taken", i);
    coapend_expect_nothing(&e);
    coapend_expect_log(&e, "");
    assert_int_equal(ln_coap_request(e.coap, &good, e.now, NULL), LN_OK);
    assert_int_equal(ln_coap_resume(e.coap, 12345, e.now), LN_NOT_FOUND);
    assert_int_equal(ln_coap_unobserve(e.coap, 12345, e.now), LN_NOT_FOUND);
    assert_int_equal(ln_coap_release(e.coap, e.now), LN_UNSUPPORTED);
    assert_int_equal(ln_coap_abort(e.coap, NULL, e.now), LN_UNSUPPORTED);
    coapend_deinit(&e);
}

static void options_must_fit_a_message(void **state)
{
    struct coapend e;
    struct ln_coap_config config = { .max_message = 64 };
    char text[300];
    (void)state;
    coapend_init(&e, &config);
    (void)snprintf(text, sizeof text, "GET Uri-Path:%045d", 1);
    assert_int_equal(coapend_request(&e, text, NULL, NULL), LN_OK);
    (void)snprintf(text, sizeof text, "GET Uri-Path:%060d", 1);
    assert_int_equal(coapend_request(&e, text, NULL, NULL), LN_NO_SPACE);
    coapend_deinit(&e);
}

static void wrong_settings_are_refused_by_name(void **state)
{
    static const struct {
        const char *name;
        struct ln_coap_config config;
    } cases[] = {
        { "transport", { .transport = (enum ln_coap_transport)2 } },
        { "timing.ack_random_permille", { .timing = { .ack_random_permille = 999 } } },
        { "timing", { .timing = { .max_retransmit = 21 } } },
        { "timing", { .timing = { .max_retransmit = 20, .ack_timeout_ms = 60000 } } },
        { "nstart", { .nstart = { 17, 1 } } },
        { "nstart", { .nstart = { 1, 17 } } },
        { "max_message", { .max_message = 63 } },
        { "max_message", { .max_message = 1281 } },
        { "block_szx", { .block_szx = 7 } },
        { "exchanges", { .exchanges = 65 } },
        { "transfers", { .transfers = 33 } },
        { "notes", { .notes = 65 } },
        { "pool_bytes", { .pool_bytes = 63 } },
        { "body_max", { .body_max = LN_COAP_BODY_MAX + 1 } },
        { "output_bytes", { .transport = LN_COAP_OVER_TCP, .output_bytes = 2559 } },
    };
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ln_coap_config config = cases[i].config;
        struct ln_coap *coap = NULL;
        struct ln_diag diag;
        ln_diag_clear(&diag);
        config.send = e.config.send;
        assert_int_equal(ln_coap_new(&e.env, &config, &diag, &coap), LN_BAD_ARG);
        assert_null(coap);
        assert_non_null(strstr(diag.text, cases[i].name));
    }
    struct ln_coap_config no_send = { .send = NULL };
    struct ln_coap *coap = NULL;
    assert_int_equal(ln_coap_new(&e.env, &no_send, NULL, &coap), LN_BAD_ARG);
    coap = e.coap; /* somebody's already */
    assert_int_equal(ln_coap_new(&e.env, &e.config, NULL, &coap), LN_BAD_ARG);
    ln_coap_free(NULL);
    coapend_deinit(&e);
}

/* The budget that the LwM2M client reckons with. */
static void an_endpoint_takes_two_and_a_half_kilobytes(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    assert_in_range(e.heap, 1000, 2560);
    coapend_deinit(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_comes_in_the_ack),
        cmocka_unit_test(options_and_payload_go_as_they_were_given),
        cmocka_unit_test(an_answer_comes_as_a_message_of_its_own),
        cmocka_unit_test(the_answer_may_overtake_the_ack),
        cmocka_unit_test(an_error_is_an_answer),
        cmocka_unit_test(no_answer_behind_an_ack_times_out),
        cmocka_unit_test(a_reset_ends_a_request),
        cmocka_unit_test(an_answer_with_an_unknown_critical_option_is_rejected),
        cmocka_unit_test(an_answer_from_another_peer_is_none),
        cmocka_unit_test(an_answer_with_another_token_is_none),
        cmocka_unit_test(it_is_sent_five_times_with_doubled_gaps),
        cmocka_unit_test(first_gaps_are_spread),
        cmocka_unit_test(transmission_parameters_can_be_chosen),
        cmocka_unit_test(times_follow_from_the_parameters),
        cmocka_unit_test(a_socket_that_is_busy_is_tried_again),
        cmocka_unit_test(a_socket_that_fails_is_a_lost_datagram),
        cmocka_unit_test(message_ids_are_not_used_again_too_soon),
        cmocka_unit_test(the_first_message_id_and_all_tokens_are_random),
        cmocka_unit_test(without_randomness_nothing_begins),
        cmocka_unit_test(one_request_waits_for_the_other),
        cmocka_unit_test(each_peer_and_each_class_has_its_own_nstart),
        cmocka_unit_test(non_confirmable_requests_do_not_wait),
        cmocka_unit_test(the_table_of_exchanges_can_be_full),
        cmocka_unit_test(the_pool_can_be_full),
        cmocka_unit_test(the_pool_closes_up_behind_what_ends),
        cmocka_unit_test(what_is_cancelled_says_nothing),
        cmocka_unit_test(a_callback_may_begin_anew),
        cmocka_unit_test(a_ping_is_answered_by_a_reset),
        cmocka_unit_test(notifications_come_as_they_are_sent),
        cmocka_unit_test(overtaken_notifications_are_dropped),
        cmocka_unit_test(a_peer_that_does_not_observe_just_answers),
        cmocka_unit_test(an_observation_is_ended_by_asking),
        cmocka_unit_test(an_observation_is_ended_by_a_reset),
        cmocka_unit_test(wrong_requests_are_refused),
        cmocka_unit_test(options_must_fit_a_message),
        cmocka_unit_test(wrong_settings_are_refused_by_name),
        cmocka_unit_test(an_endpoint_takes_two_and_a_half_kilobytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
