/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_tls_timers.c
 * When a handshake sends again and when it gives up (secure-sockets.md 2.9, TLS-80 to TLS-82), in
 * virtual time: to the millisecond, and in no time at all.
 */
#include "support/rawpeer.h"
#include "support/tlspair.h"
#include "support/vtime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

/* Clocks of libraries count microseconds, ours milliseconds: one of rounding for each wait. */
#define ROUNDING 2

static void near(const struct tls_pair *p, ln_msec got, ln_msec want, ln_msec slack,
                 const char *what)
{
    if (got < want || got > want + slack)
        tls_fail(p, "%s at %lld ms, not %lld", what, (long long)got, (long long)want);
}

/* ---- DTLS against a black hole ---- */

struct schedule {
    const char *sentence;
    uint32_t first, max, total; /* as configured, 0 = default */
    size_t count;
    ln_msec sent[16];
    ln_msec end;
};

static void run_schedule(const struct tls_row *row, const struct schedule *t)
{
    struct tls_case c = tls_case_psk(row, t->sentence);
    c.client.handshake_first_ms = t->first;
    c.client.handshake_max_ms = t->max;
    c.client.handshake_total_ms = t->total;
    c.link.down = true;
    struct tls_pair p;
    assert_int_equal(tls_pair_attempt(&p, &c), LN_TIMEOUT);
    if (p.client_tap.sent != t->count)
        tls_fail(&p, "%zu ClientHellos, not %zu", p.client_tap.sent, t->count);
    for (size_t i = 0; i < t->count; i++)
        near(&p, p.client_tap.packet[i].when - p.started, t->sent[i], (ln_msec)i * ROUNDING,
             "a ClientHello");
    near(&p, p.ended - p.started, t->end, (ln_msec)t->count * ROUNDING, "the end");
    const struct ln_diag *d = &p.client_diag;
    tls_want_category(&p, d, LN_CAT_NO_ANSWER);
    assert_int_equal(d->phase, LN_PHASE_HANDSHAKE);
    assert_int_equal(d->retransmissions, t->count - 1);
    assert_int_equal(d->flights_received, 0);
    assert_int_equal(d->alert_from, LN_ALERT_NONE);
    tls_pair_close(&p);
}

/* scenario: S24, S37, T1 */
static void test_schedule_against_silence(void **state)
{
    (void)state;
    static const struct schedule table[] = {
        { .sentence = "1, 2, 4 .. 32 and 60 seconds: 123 in all",
          .count = 7,
          .sent = { 0, 1000, 3000, 7000, 15000, 31000, 63000 },
          .end = 123000 },
        { .sentence = "half a second, at most 3",
          .first = 500,
          .max = 3000,
          .count = 4,
          .sent = { 0, 500, 1500, 3500 },
          .end = 6500 },
        { .sentence = "doubling that lands on the maximum",
          .first = 100,
          .max = 800,
          .count = 4,
          .sent = { 0, 100, 300, 700 },
          .end = 1500 },
        { .sentence = "the first wait is the longest",
          .first = 1000,
          .max = 1000,
          .count = 1,
          .sent = { 0 },
          .end = 1000 },
        { .sentence = "twelve retransmissions",
          .first = 20,
          .max = 81920,
          .count = 13,
          .sent = { 0, 20, 60, 140, 300, 620, 1260, 2540, 5100, 10220, 20460, 40940, 81900 },
          .end = 163820 },
        { .sentence = "a limit for all of it",
          .total = 5000,
          .count = 3,
          .sent = { 0, 1000, 3000 },
          .end = 5000 },
        { .sentence = "an hour between two",
          .first = 3600000,
          .max = 4000000,
          .count = 2,
          .sent = { 0, 3600000 },
          .end = 7600000 },
    };
    struct tls_rows rows = tls_rows_of(LN_DTLS_1_2, 0);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t i = 0; i < COUNT(table); i++)
            run_schedule(&rows.row[r], &table[i]);
    }
}

/* OpenSSL ends a handshake by itself after twelve retransmissions of a flight (TLS-81). A schedule
 * with more is kept, or refused when the configuration is made: never cut short. */
/* scenario: S24, S26 */
static void test_more_than_twelve_retransmissions(void **state)
{
    (void)state;
    static const struct schedule t = {
        .sentence = "fourteen retransmissions",
        .first = 20,
        .max = 300000,
        .count = 15,
        .sent = { 0, 20, 60, 140, 300, 620, 1260, 2540, 5100, 10220, 20460, 40940, 81900, 163820,
                  327660 },
        .end = 627660,
    };
    struct tls_rows rows = tls_rows_of(LN_DTLS_1_2, 0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_psk(&rows.row[r], t.sentence);
        struct ln_tls_config *config = NULL;
        struct ln_diag diag;
        struct tls_pair p;
        c.client.handshake_first_ms = t.first;
        c.client.handshake_max_ms = t.max;
        tls_pair_open_bare(&p, &c);
        enum ln_status st =
            tls_pair_config(&p, &p.client_env, &c.client, rows.row[r].client, &diag, &config);
        ln_tls_config_unref(config);
        tls_pair_close(&p);
        if (st == LN_OK)
            run_schedule(&rows.row[r], &t);
        else
            assert_int_equal(st, LN_UNSUPPORTED);
    }
}

/* The same ClientHello each time, but for the number of its record: whoever lost one may take any. */
/* scenario: S24, S40 */
static void test_what_is_sent_again(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows_of(LN_DTLS_1_2, 0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_psk(&rows.row[r], "the same ClientHello again");
        c.link.down = true;
        struct tls_pair p;
        (void)tls_pair_attempt(&p, &c);
        struct wire_record first;
        struct ln_span datagram = tls_tap_packet(&p.client_tap, 0);
        assert_true(wire_next_record(&datagram, &first));
        for (size_t i = 1; i < p.client_tap.packets; i++) {
            struct wire_record again;
            datagram = tls_tap_packet(&p.client_tap, i);
            assert_true(wire_next_record(&datagram, &again));
            assert_int_equal(datagram.len, 0);
            assert_int_equal(again.sequence, first.sequence + i);
            assert_true(ln_span_equal(again.body, first.body));
        }
        tls_pair_close(&p);
    }
}

/* ---- the test itself: time is virtual for the library, too ---- */

/* Without gettimeofday() in this program OpenSSL would wait 123 real seconds, or never. */
/* scenario: S24 */
static void test_the_library_asks_our_clock(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows_of(LN_DTLS_1_2, 0);
    for (size_t r = 0; r < rows.count; r++) {
        unsigned long before = vtime_calls();
        struct tls_case c = tls_case_psk(&rows.row[r], "gettimeofday() is ours");
        c.link.down = true;
        struct tls_pair p;
        (void)tls_pair_attempt(&p, &c);
        assert_int_equal(p.client_tap.sent, 7);
        tls_pair_close(&p);
        if (tls_is_openssl(c.row.client))
            assert_true(vtime_calls() > before);
    }
}

/* ---- silence later ---- */

static void go_silent_after(struct tls_pair *p, struct ln_testkit_packet *packet, void *user)
{
    size_t *left = user;
    if (packet->from_host != p->server_host)
        return;
    if (*left == 0)
        packet->drop = true;
    else
        (*left)--;
}

struct stall {
    const char *sentence;
    size_t answers; /* datagrams that still come from the server */
    enum ln_category want;
    enum ln_category also;
};

/* Each flight of ours has a schedule of its own: the clock starts anew when the peer moved on. */
/* scenario: S24, S39, T1 */
static void test_silence_in_the_middle(void **state)
{
    (void)state;
    static const struct stall table[] = {
        { "silence after the HelloVerifyRequest", 1, LN_CAT_STALLED, LN_CAT_STALLED },
        { "silence after the ServerHello", 2, LN_CAT_STALLED, LN_CAT_FRAGMENTS_LOST },
    };
    struct tls_rows rows = tls_rows_of(LN_DTLS_1_2, 0);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t i = 0; i < COUNT(table); i++) {
            size_t left = table[i].answers;
            struct tls_case c = tls_case_cert(&rows.row[r], table[i].sentence, &tls_world);
            c.link.delay_min_ms = 20;
            c.on_packet = go_silent_after;
            c.user = &left;
            c.client.mtu = 400; /* several datagrams in the server's flight */
            c.server.mtu = 400;
            struct tls_pair p;
            assert_int_equal(tls_pair_attempt(&p, &c), LN_TIMEOUT);
            if (p.client_diag.category != table[i].also)
                tls_want_category(&p, &p.client_diag, table[i].want);
            near(&p, p.ended - p.started, 123000, 200, "the end");
            assert_true(p.client_diag.flights_received >= 1);
            assert_true(p.client_diag.retransmissions >= 6);
            tls_pair_close(&p);
        }
    }
}

/* The record says which wait ran: after it the same object connects again. */
/* scenario: S24, PIT-08 */
static void test_the_object_is_usable_afterwards(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows_of(LN_DTLS_1_2, 0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_psk(&rows.row[r], "silence, then the server is back");
        struct tls_pair p;
        tls_pair_open(&p, &c);
        for (int i = 0; i < 3; i++) {
            struct ln_testkit_link down = { .down = true };
            struct ln_testkit_link up = { .down = false };
            assert_int_equal(ln_testkit_path(p.kit, p.client_host, p.server_host, &down), LN_OK);
            assert_int_equal(tls_pair_connect(&p), LN_TIMEOUT);
            struct ln_sock_info info;
            ln_sock_info(p.client, &info);
            assert_int_equal(info.state, LN_SOCK_FAILED);
            size_t sent = 0;
            assert_int_equal(ln_sock_send(p.client, ln_span("x", 1), &sent), LN_BAD_STATE);
            assert_int_equal(ln_sock_connect(p.client, TLS_HOST, TLS_PORT, tls_pair_now(&p)),
                             LN_BAD_STATE);
            ln_sock_close(p.client);
            ln_sock_info(p.client, &info);
            assert_int_equal(info.state, LN_SOCK_CLOSED);
            assert_int_equal(ln_sock_diag(p.client)->category, LN_CAT_NO_ANSWER); /* survives */
            assert_int_equal(ln_testkit_path(p.kit, p.client_host, p.server_host, &up), LN_OK);
            tls_pair_must_connect(&p);
            assert_int_equal(ln_sock_diag(p.client)->status, LN_OK);
            tls_pair_must_exchange(&p);
            tls_pair_hang_up(&p);
        }
        tls_pair_close(&p);
    }
}

/* ---- a clock that jumps ---- */

static void jump(void *user)
{
    struct tls_pair *p = user;
    int64_t by = p->spec.client_wall; /* borrowed: the pair does not use it here */
    ln_testkit_set_wall(p->kit, ln_testkit_wall(p->kit) + by);
}

/* PIT-13: the end is measured on the monotonic clock. Inside the library a jump can move one
 * retransmission; it must not stop the handshake for an hour, nor end it at once. */
/* scenario: S24, S46, PIT-13 */
static void test_the_wall_clock_jumps(void **state)
{
    (void)state;
    static const int64_t jumps[] = { 3600, -3600, 10 * 365 * PKI_DAY, -365 * PKI_DAY };
    struct tls_rows rows = tls_rows_of(LN_DTLS_1_2, 0);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t i = 0; i < COUNT(jumps); i++) {
            struct tls_case c = tls_case_psk(&rows.row[r], "the wall clock jumps in a handshake");
            c.link.down = true;
            struct tls_pair p;
            tls_pair_open(&p, &c);
            p.spec.client_wall = jumps[i];
            assert_int_equal(ln_testkit_at(p.kit, tls_pair_now(&p) + 5000, jump, &p), LN_OK);
            assert_int_equal(tls_pair_connect(&p), LN_TIMEOUT);
            ln_msec took = p.ended - p.started;
            /* all waits but perhaps one */
            if (took < 60000 || took > 124000)
                tls_fail(&p, "a jump of %lld s makes it %lld ms", (long long)jumps[i],
                         (long long)took);
            tls_pair_close(&p);
        }
    }
}

/* ---- TLS ---- */

/* scenario: S37, S39, T1 */
static void test_tls_has_a_limit_and_no_timers(void **state)
{
    (void)state;
    static const uint32_t limits[] = { 0, 1500, 90000 };
    struct tls_rows rows = tls_rows(0);
    for (size_t r = 0; r < rows.count; r++) {
        if (rows.row[r].kind != LN_TLS)
            continue;
        for (size_t i = 0; i < COUNT(limits); i++) {
            struct tls_case c =
                tls_case_cert(&rows.row[r], "accepted, and then silence", &tls_world);
            c.client.handshake_total_ms = limits[i];
            struct tls_pair p;
            tls_pair_open(&p, &c);
            ln_sock_free(p.listener); /* a plain listener that says nothing */
            p.listener = NULL;
            p.socks[1] = NULL;
            struct ln_sock *plain = NULL;
            struct ln_addr local = { .family = LN_FAMILY_ANY, .port = TLS_PORT };
            assert_int_equal(ln_sock_new(&p.server_env, LN_TCP, NULL, NULL, NULL, &plain), LN_OK);
            assert_int_equal(ln_sock_bind(plain, &local), LN_OK);
            assert_int_equal(tls_pair_connect(&p), LN_TIMEOUT);
            near(&p, p.ended - p.started, limits[i] != 0 ? limits[i] : 60000, ROUNDING, "the end");
            tls_want_category(&p, &p.client_diag, LN_CAT_STALLED);
            assert_int_equal(p.client_diag.retransmissions, 0);
            assert_int_equal(p.client_tap.sent, 1);
            ln_sock_free(plain);
            tls_pair_close(&p);
        }
    }
}

/* scenario: S39, S37, T1, PIT-08 */
static void test_tls_into_a_black_hole(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows_of(LN_TLS_1_3, 0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_cert(&rows.row[r], "nobody accepts", &tls_world);
        c.link.down = true;
        c.client_socket.connect_timeout_ms = 4000;
        struct tls_pair p;
        assert_int_equal(tls_pair_attempt(&p, &c), LN_TIMEOUT);
        near(&p, p.ended - p.started, 4000, ROUNDING, "the end");
        tls_want_category(&p, &p.client_diag, LN_CAT_NO_ANSWER);
        assert_int_equal(p.client_diag.phase, LN_PHASE_CONNECT);
        tls_pair_close(&p);
    }
}

/* scenario: S39, T1, PIT-08 */
static void test_nothing_listens(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_cert(&rows.row[r], "the port is closed", &tls_world);
        c.port = 9;
        c.link.delay_min_ms = 10;
        struct tls_pair p;
        tls_pair_open(&p, &c);
        p.spec.port = 10;
        assert_int_equal(tls_pair_connect(&p), LN_REFUSED);
        tls_want_category(&p, &p.client_diag, LN_CAT_PEER_REFUSED);
        near(&p, p.ended - p.started, 20, ROUNDING, "the end");
        tls_pair_close(&p);
    }
}

/* ---- after the handshake ---- */

/* TLS-82: the handshake's timers are over; a receive waits as long as it is told to. */
/* scenario: S24, S46 */
static void test_no_timer_runs_when_open(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_psk(&rows.row[r], "open, and nothing happens for a day");
        struct tls_pair p;
        uint8_t room[16];
        size_t got = 0;
        tls_pair_start(&p, &c);
        tls_pair_must_exchange(&p);
        struct ln_interest want = ln_interest(LN_WANT_READ);
        ln_sock_interest(p.client, LN_WANT_READ, &want);
        assert_true(want.deadline == LN_NEVER);
        assert_false(want.ready);
        assert_true(want.count > 0);
        size_t sent = p.client_tap.sent + p.server_tap.sent;
        ln_msec before = tls_pair_now(&p);
        assert_int_equal(
            tls_pair_recv(&p, p.client, ln_mspan(room, sizeof room), &got, PKI_DAY * 1000),
            LN_TIMEOUT);
        assert_int_equal(tls_pair_now(&p) - before, PKI_DAY * 1000);
        assert_int_equal(p.client_tap.sent + p.server_tap.sent, sent);
        tls_pair_finish(&p);
    }
}

/* The server's last flight is lost: the client sends its own again, and the server, which is open by
 * then, must answer it again (RFC 6347 4.2.4). */
struct last_flight {
    bool server_done;
    unsigned dropped;
    unsigned to_drop;
};

static void drop_the_last_flight(struct tls_pair *p, struct ln_testkit_packet *packet, void *user)
{
    struct last_flight *f = user;
    struct ln_span datagram = ln_span(packet->data, packet->len);
    struct wire_record record;
    bool finished = false;
    if (packet->from_host != p->server_host)
        return;
    while (wire_next_record(&datagram, &record))
        finished = finished || record.epoch == 1;
    if (finished && f->dropped < f->to_drop) {
        f->dropped++;
        packet->drop = true;
    }
}

/* scenario: S24, S40 */
static void test_the_last_flight_is_sent_again(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows_of(LN_DTLS_1_2, 0);
    for (size_t r = 0; r < rows.count; r++) {
        for (unsigned lost = 1; lost <= 4; lost++) {
            for (int psk = 0; psk <= 1; psk++) {
                const char *what = "the server's Finished is lost";
                struct tls_case c = psk != 0 ? tls_case_psk(&rows.row[r], what)
                                             : tls_case_cert(&rows.row[r], what, &tls_world);
                struct last_flight flight = { .to_drop = lost };
                c.on_packet = drop_the_last_flight;
                c.user = &flight;
                struct tls_pair p;
                tls_pair_start(&p, &c);
                assert_int_equal(flight.dropped, lost);
                /* 1, 1 + 2, 1 + 2 + 4, ... seconds */
                near(&p, p.ended - p.started, ((INT64_C(1) << lost) - 1) * 1000,
                     (ln_msec)(lost + 1) * ROUNDING, "open");
                assert_int_equal(p.client_info.tls.retransmissions, lost);
                tls_pair_finish(&p);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schedule_against_silence),
        cmocka_unit_test(test_more_than_twelve_retransmissions),
        cmocka_unit_test(test_what_is_sent_again),
        cmocka_unit_test(test_the_library_asks_our_clock),
        cmocka_unit_test(test_silence_in_the_middle),
        cmocka_unit_test(test_the_object_is_usable_afterwards),
        cmocka_unit_test(test_the_wall_clock_jumps),
        cmocka_unit_test(test_tls_has_a_limit_and_no_timers),
        cmocka_unit_test(test_tls_into_a_black_hole),
        cmocka_unit_test(test_nothing_listens),
        cmocka_unit_test(test_no_timer_runs_when_open),
        cmocka_unit_test(test_the_last_flight_is_sent_again),
    };
    return cmocka_run_group_tests(tests, tls_world_setup, tls_world_teardown);
}
