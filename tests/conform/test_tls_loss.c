/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_tls_loss.c
 * DTLS handshakes over networks that lose, double and reorder, seed after seed, and over small MTUs
 * with large chains (T19). LN_TEST_FULL=1 runs the seeds of the acceptance list, else a part.
 *
 * Randomness of libcrypto comes from the seed, too, so that a seed means the same datagrams each
 * time. To replay one: set FIRST_SEED and seeds below.
 */
#include "support/seeded.h"
#include "support/tlspair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define FIRST_SEED 1

static struct tls_pki ecdsa;

static int setup(void **state)
{
    (void)state;
    tls_pki_init(&ecdsa);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    seeded_random_off();
    tls_pki_deinit(&ecdsa);
    return 0;
}

/* ---- seeds ---- */

struct series {
    const char *sentence;
    struct ln_testkit_link link;
    unsigned at_least_permille; /* of the seeds complete */
    unsigned quick, full;       /* seeds */
};

struct outcome {
    unsigned complete;
    unsigned failed;
    unsigned guessed; /* of them: the record takes it for a wrong key */
    ln_msec slowest;
};

static size_t hellos_sent(const struct tls_pair *p)
{
    size_t count = 0;
    for (size_t i = 0; i < p->client_tap.packets; i++) {
        struct wire_hello hello;
        count += wire_client_hello(tls_tap_packet(&p->client_tap, i), true, &hello);
    }
    return count;
}

/* Silence behind our Finished looks like a wrong key, if everything before went through at once: one
 * hello, and one with the cookie. Then the record may guess, and must say that it does. */
static bool is_a_guess(const struct tls_pair *p, bool psk)
{
    return psk && p->client_diag.category == LN_CAT_PSK_KEY && p->client_diag.likely &&
           hellos_sent(p) == 2;
}

/* 1 + 2 + 4 + 8 + 16 + 32 + 60 s, and the second that the filter gives the library on top. */
#define SCHEDULE_MS 124000

static bool is_about(ln_msec is, ln_msec should)
{
    return is >= should - 10 && is <= should + 10;
}

/** Whether what was sent first of a flight left that long ago: answers to what the server repeats move
 *  a library's timers, and nothing that is not authenticated may move the end of a handshake. */
static bool schedule_is_over(const struct tls_pair *p)
{
    for (size_t i = 0; i < p->client_tap.packets; i++)
        if (is_about(p->ended - p->client_tap.packet[i].when, SCHEDULE_MS))
            return true;
    return false;
}

/* Time for each flight is up 60 s, the longest wait, after it was sent for the last time; or else when
 * its whole schedule is over. */
static void check_failure(struct tls_pair *p, bool psk, uint64_t seed, struct outcome *out)
{
    const struct ln_diag *d = &p->client_diag;
    if (p->client_status != LN_TIMEOUT)
        tls_fail(p, "seed %llu: %s", (unsigned long long)seed, ln_status_name(p->client_status));
    if (is_a_guess(p, psk))
        out->guessed++;
    else if (d->category != LN_CAT_NO_ANSWER && d->category != LN_CAT_STALLED)
        tls_fail(p, "seed %llu: the category is %s behind %zu hellos", (unsigned long long)seed,
                 ln_category_word(d->category), hellos_sent(p));
    assert_true(p->client_tap.packets > 0 && p->client_tap.packets == p->client_tap.sent);
    ln_msec last = p->client_tap.packet[p->client_tap.packets - 1].when;
    ln_msec waited = p->ended - last;
    if (!is_about(waited, 60000) && !(waited < 60000 && schedule_is_over(p)))
        tls_fail(p, "seed %llu: gave up %lld ms after the last datagram", (unsigned long long)seed,
                 (long long)waited);
}

static void on_a_good_path(struct tls_pair *p)
{
    struct ln_testkit_link good = { .delay_min_ms = 10 };
    assert_int_equal(ln_testkit_path(p->kit, p->client_host, p->server_host, &good), LN_OK);
}

static void run_seed(const struct tls_row *row, const struct series *t, bool psk, uint64_t seed,
                     struct outcome *out)
{
    struct tls_case c =
        psk ? tls_case_psk(row, t->sentence) : tls_case_cert(row, t->sentence, &ecdsa);
    struct tls_pair p;
    c.link = t->link;
    c.seed = seed;
    seeded_random(seed);
    tls_pair_open(&p, &c);
    if (tls_pair_connect(&p) == LN_OK) {
        out->complete++;
        if (p.ended - p.started > out->slowest)
            out->slowest = p.ended - p.started;
        on_a_good_path(&p);
        tls_pair_must_exchange(&p);
    } else {
        out->failed++;
        check_failure(&p, psk, seed, out);
        ln_sock_close(p.client);
        on_a_good_path(&p);
        tls_pair_must_connect(&p); /* the same object connects again */
        tls_pair_must_exchange(&p);
    }
    tls_pair_close(&p);
}

static void run_series(const struct series *t, bool psk)
{
    struct tls_rows rows = tls_rows_of(LN_DTLS_1_2, 0);
    unsigned seeds = tls_full() ? t->full : t->quick;
    for (size_t r = 0; r < rows.count; r++) {
        struct outcome out = { 0 };
        for (uint64_t seed = FIRST_SEED; seed < FIRST_SEED + seeds; seed++)
            run_seed(&rows.row[r], t, psk, seed, &out);
        print_message("%s, %s, %s: %u of %u seeds complete, the slowest in %lld ms; %u guesses\n",
                      rows.row[r].name, psk ? "PSK" : "ECDSA", t->sentence, out.complete, seeds,
                      (long long)out.slowest, out.guessed);
        assert_int_equal(out.complete + out.failed, seeds);
        assert_true(out.complete * 1000 >= t->at_least_permille * seeds);
    }
}

static const struct series ten_percent = {
    .sentence = "10 % loss",
    .link = { .loss_permille = 100, .delay_min_ms = 20, .delay_max_ms = 40 },
    .at_least_permille = 1000,
    .quick = 40,
    .full = 1000,
};

static const struct series thirty_percent = {
    .sentence = "30 % loss, reordering and duplication",
    .link = { .loss_permille = 300,
              .duplicate_permille = 100,
              .reorder_permille = 200,
              .reorder_ms = 80,
              .delay_min_ms = 20,
              .delay_max_ms = 60 },
    .at_least_permille = 940,
    .quick = 40,
    .full = 1000,
};

/* scenario: S40, S24, T1 */
static void test_psk_at_ten_percent(void **state)
{
    (void)state;
    run_series(&ten_percent, true);
}

/* scenario: S40, S24, T1 */
static void test_ecdsa_at_ten_percent(void **state)
{
    (void)state;
    run_series(&ten_percent, false);
}

/* scenario: S40, S24, T1 */
static void test_psk_at_thirty_percent(void **state)
{
    (void)state;
    run_series(&thirty_percent, true);
}

/* scenario: S40, S24, T1 */
static void test_ecdsa_at_thirty_percent(void **state)
{
    (void)state;
    run_series(&thirty_percent, false);
}

/* ---- one kind of trouble alone ---- */

/* scenario: S40 */
static void test_trouble_without_loss(void **state)
{
    (void)state;
    static const struct series table[] = {
        { .sentence = "every datagram twice",
          .link = { .duplicate_permille = 1000, .delay_min_ms = 5, .delay_max_ms = 30 },
          .at_least_permille = 1000,
          .quick = 10,
          .full = 200 },
        { .sentence = "half of them held back",
          .link = { .reorder_permille = 500, .reorder_ms = 100, .delay_min_ms = 10 },
          .at_least_permille = 1000,
          .quick = 10,
          .full = 200 },
        { .sentence = "a delay longer than the first two waits",
          .link = { .delay_min_ms = 1800, .delay_max_ms = 2600 },
          .at_least_permille = 1000,
          .quick = 10,
          .full = 200 },
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        run_series(&table[i], true);
        run_series(&table[i], false);
    }
}

/* ---- MTU ---- */

/* IPv4 and UDP headers */
#define HEADERS 28

static void never_above(struct tls_pair *p, size_t mtu, uint64_t seed)
{
    struct ln_testkit_counters out;
    struct ln_testkit_counters in;
    ln_testkit_counters(p->kit, p->client_host, p->server_host, &out);
    ln_testkit_counters(p->kit, p->server_host, p->client_host, &in);
    if (out.too_big != 0 || in.too_big != 0)
        tls_fail(p, "seed %llu: %llu datagrams above the MTU", (unsigned long long)seed,
                 (unsigned long long)out.too_big + (unsigned long long)in.too_big);
    size_t largest = out.largest > in.largest ? out.largest : in.largest;
    if (largest + HEADERS > mtu)
        tls_fail(p, "seed %llu: a datagram of %zu bytes at MTU %zu", (unsigned long long)seed,
                 largest, mtu);
}

/* A chain of three certificates of RSA-4096, all of them sent. */
static struct tls_case large_chain(const struct tls_row *row, const char *what,
                                   const struct tls_pki *rsa)
{
    struct tls_case c = tls_case_cert(row, what, rsa);
    tls_present(&c.server, rsa->pki, PKI_LIST(rsa->server, rsa->ca, rsa->root));
    tls_present(&c.client, rsa->pki, PKI_LIST(rsa->client, rsa->ca, rsa->root));
    c.server.trust = c.client.trust;
    c.server.client_auth = LN_CLIENT_AUTH_REQUIRE;
    return c;
}

/* scenario: T19, S40 */
static void test_a_large_chain_over_small_mtus(void **state)
{
    (void)state;
    static const uint16_t mtus[] = { 300, 576, 1200, 1500 };
    unsigned seeds = tls_full() ? 100 : 5;
    struct tls_pki rsa;
    tls_pki_init_type(&rsa, PKI_RSA_4096);
    struct tls_rows rows = tls_rows_of(LN_DTLS_1_2, 0);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t m = 0; m < COUNT(mtus); m++) {
            unsigned complete = 0;
            for (uint64_t seed = FIRST_SEED; seed < FIRST_SEED + seeds; seed++) {
                struct tls_case c = large_chain(&rows.row[r], "RSA-4096, three, 10 % loss", &rsa);
                memset(&c.client.chain, 0, sizeof c.client.chain);
                memset(&c.client.key, 0, sizeof c.client.key);
                c.server.client_auth = LN_CLIENT_AUTH_NONE;
                c.link = (struct ln_testkit_link) {
                    .loss_permille = 100, .delay_min_ms = 20, .delay_max_ms = 40, .mtu = mtus[m]
                };
                c.seed = seed;
                seeded_random(seed);
                struct tls_pair p;
                enum ln_status st = tls_pair_attempt(&p, &c);
                never_above(&p, mtus[m], seed);
                if (st == LN_OK)
                    complete++;
                else
                    assert_int_equal(st, LN_TIMEOUT);
                tls_pair_close(&p);
            }
            print_message("%s: RSA-4096 chain at MTU %u, 10 %% loss: %u of %u seeds complete\n",
                          rows.row[r].name, mtus[m], complete, seeds);
            assert_true(complete * 100 >= 95 * seeds);
        }
    }
    tls_pki_deinit(&rsa);
}

/* Large flights in both directions, without loss: done at once, without a retransmission. */
/* scenario: T19, S10 */
static void test_large_chains_in_both_directions(void **state)
{
    (void)state;
    static const uint16_t mtus[] = { 300, 576, 1200, 1500, 9000 };
    struct tls_pki rsa;
    tls_pki_init_type(&rsa, PKI_RSA_4096);
    struct tls_rows rows = tls_rows_of(LN_DTLS_1_2, 0);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t m = 0; m < COUNT(mtus); m++) {
            struct tls_case c = large_chain(&rows.row[r], "RSA-4096, both sides", &rsa);
            c.link = (struct ln_testkit_link) { .delay_min_ms = 20, .mtu = mtus[m] };
            struct tls_pair p;
            tls_pair_start(&p, &c);
            never_above(&p, mtus[m], 0);
            assert_int_equal(p.client_info.tls.retransmissions, 0);
            assert_int_equal(p.server_info.tls.retransmissions, 0);
            assert_int_equal(p.ended - p.started, 3 * 40);
            tls_pair_close(&p);
        }
    }
    tls_pki_deinit(&rsa);
}

/* The system does not know the MTU: 1200 is the most (field lesson 19). */
/* scenario: T19 */
static void test_an_unknown_mtu(void **state)
{
    (void)state;
    struct pki_spec spec = {
        .name = "large", .issuer = ecdsa.ca, .san = "DNS:" TLS_HOST, .padding = 5000
    };
    const struct pki_cert *large = pki_make(ecdsa.pki, &spec);
    struct tls_rows rows = tls_rows_of(LN_DTLS_1_2, 0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_cert(&rows.row[r], "nobody knows the MTU", &ecdsa);
        tls_present(&c.server, ecdsa.pki, PKI_LIST(large, ecdsa.ca));
        struct tls_pair p;
        tls_pair_start(&p, &c);
        assert_true(p.client_tap.largest <= 1200);
        assert_true(p.server_tap.largest <= 1200);
        tls_pair_close(&p);
    }
}

/* scenario: T19, S20 */
static void test_a_configured_mtu(void **state)
{
    (void)state;
    static const uint16_t mtus[] = { 208, 300, 548, 1200, 1400, 4000 };
    static const uint16_t suite[] = {
        0xc02b
    }; /* with a cookie, OpenSSL's whole list is 210 bytes */
    struct pki_spec spec = {
        .name = "large", .issuer = ecdsa.ca, .san = "DNS:" TLS_HOST, .padding = 5000
    };
    const struct pki_cert *large = pki_make(ecdsa.pki, &spec);
    struct tls_rows rows = tls_rows_of(LN_DTLS_1_2, 0);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t m = 0; m < COUNT(mtus); m++) {
            struct tls_case c = tls_case_cert(&rows.row[r], "options.mtu", &ecdsa);
            tls_present(&c.server, ecdsa.pki, PKI_LIST(large, ecdsa.ca));
            c.client.mtu = mtus[m];
            c.server.mtu = mtus[m];
            c.client.suites = suite;
            c.client.suite_count = COUNT(suite);
            c.link.mtu = 9000;
            struct tls_pair p;
            tls_pair_start(&p, &c);
            if (p.client_tap.largest > mtus[m] || p.server_tap.largest > mtus[m])
                tls_fail(&p, "a datagram of %zu bytes, %u are allowed", p.server_tap.largest,
                         mtus[m]);
            /* and the room is used: one record header and a little less at most */
            if (p.server_tap.largest + 64 < mtus[m])
                tls_fail(&p, "no datagram is larger than %zu of %u bytes", p.server_tap.largest,
                         mtus[m]);
            tls_pair_close(&p);
        }
    }
}

/* The path takes less than the system believes, and says nothing: after some retransmissions the
 * datagrams get smaller (field lesson 19: shrink on repeated timeout). */
/* scenario: T19, S24 */
static void test_a_silent_mtu_black_hole(void **state)
{
    (void)state;
    struct pki_spec spec = {
        .name = "large", .issuer = ecdsa.ca, .san = "DNS:" TLS_HOST, .padding = 3000
    };
    const struct pki_cert *large = pki_make(ecdsa.pki, &spec);
    struct tls_rows rows = tls_rows_of(LN_DTLS_1_2, 0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_cert(&rows.row[r], "576 are 1500 on paper", &ecdsa);
        tls_present(&c.server, ecdsa.pki, PKI_LIST(large, ecdsa.ca));
        c.link = (struct ln_testkit_link) { .delay_min_ms = 20, .mtu = 576, .reported_mtu = 1500 };
        struct tls_pair p;
        tls_pair_start(&p, &c);
        assert_true(p.server_info.tls.retransmissions + p.client_info.tls.retransmissions > 0);
        tls_pair_close(&p);
    }
}

/* The ClientHello is never cut: servers cannot put it together before the cookie. */
/* scenario: T19 */
static void test_the_client_hello_is_one_datagram(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows_of(LN_DTLS_1_2, 0);
    for (size_t r = 0; r < rows.count; r++) {
        for (int psk = 0; psk <= 1; psk++) {
            const char *what = "the ClientHello at MTU 300";
            struct tls_case c = psk != 0 ? tls_case_psk(&rows.row[r], what)
                                         : tls_case_cert(&rows.row[r], what, &ecdsa);
            c.link.mtu = 300;
            struct tls_pair p;
            tls_pair_start(&p, &c);
            for (size_t i = 0; i < 2; i++) { /* without and with the cookie */
                struct wire_hello hello;
                struct ln_span datagram = tls_tap_packet(&p.client_tap, i);
                if (!wire_client_hello(datagram, true, &hello))
                    tls_fail(&p, "datagram %zu is no whole ClientHello", i);
                assert_int_equal(hello.cookie_len > 0, i == 1);
            }
            tls_pair_close(&p);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_psk_at_ten_percent),
        cmocka_unit_test(test_ecdsa_at_ten_percent),
        cmocka_unit_test(test_psk_at_thirty_percent),
        cmocka_unit_test(test_ecdsa_at_thirty_percent),
        cmocka_unit_test(test_trouble_without_loss),
        cmocka_unit_test(test_a_large_chain_over_small_mtus),
        cmocka_unit_test(test_large_chains_in_both_directions),
        cmocka_unit_test(test_an_unknown_mtu),
        cmocka_unit_test(test_a_configured_mtu),
        cmocka_unit_test(test_a_silent_mtu_black_hole),
        cmocka_unit_test(test_the_client_hello_is_one_datagram),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
