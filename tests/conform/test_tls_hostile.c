/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_tls_hostile.c
 * Datagrams that nobody of the two has sent: replayed, damaged, forged, senseless ones. Whoever can
 * reach a port may send them, so they must change nothing (TLS-84, TLS-123, H90 to H95, H97, H99).
 *
 * All allocations of the TLS libraries are counted in this program, to see that they stay bounded.
 */
#include "support/libmem.h"
#include "support/tlspair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>
#include <linnet/filter.h>

/* ---- forging ---- */

static struct ln_addr client_address(const struct tls_pair *p)
{
    struct ln_sock_info info;
    ln_sock_info(p->client, &info);
    return info.local;
}

static struct ln_addr server_address(void)
{
    struct ln_addr out;
    assert_int_equal(ln_addr_parse(TLS_SERVER_IP, TLS_PORT, &out), LN_OK);
    return out;
}

static void to_client(struct tls_pair *p, struct ln_span datagram)
{
    struct ln_addr from = server_address();
    struct ln_addr to = client_address(p);
    assert_int_equal(ln_testkit_inject(p->kit, &from, &to, datagram, 0), LN_OK);
}

static void to_server(struct tls_pair *p, struct ln_span datagram)
{
    struct ln_addr from = client_address(p);
    struct ln_addr to = server_address();
    assert_int_equal(ln_testkit_inject(p->kit, &from, &to, datagram, 0), LN_OK);
}

static void to_both(struct tls_pair *p, struct ln_span datagram)
{
    to_client(p, datagram);
    to_server(p, datagram);
}

struct forged {
    uint8_t bytes[1600];
    size_t len;
};

static void add(struct forged *f, uint64_t value, size_t bytes)
{
    assert_true(f->len + bytes <= sizeof f->bytes);
    for (size_t i = bytes; i-- > 0;)
        f->bytes[f->len++] = (uint8_t)(value >> (8 * i));
}

static void add_record(struct forged *f, uint8_t type, uint16_t epoch, uint64_t sequence,
                       const void *body, size_t len)
{
    add(f, type, 1);
    add(f, LN_DTLS_1_2, 2);
    add(f, epoch, 2);
    add(f, sequence, 6);
    add(f, len, 2);
    for (size_t i = 0; i < len; i++)
        add(f, body != NULL ? ((const uint8_t *)body)[i] : 0x5a, 1);
}

static struct ln_span span_of(const struct forged *f)
{
    return ln_span(f->bytes, f->len);
}

enum { RECORD_CCS = 20, RECORD_ALERT = 21, RECORD_HANDSHAKE = 22, RECORD_DATA = 23 };

/* Still there, and nothing was delivered that nobody sent. */
static void must_be_unharmed(struct tls_pair *p, const char *what)
{
    uint8_t room[64];
    size_t got = 0;
    tls_pair_run(p, 10);
    enum ln_status st = tls_pair_recv(p, p->client, ln_mspan(room, sizeof room), &got, 10);
    p->client_diag = *ln_sock_diag(p->client);
    p->server_diag = *ln_sock_diag(p->server);
    if (st != LN_TIMEOUT)
        tls_fail(p, "%s: the client received %zu bytes, %s", what, got, ln_status_name(st));
    st = tls_pair_recv(p, p->server, ln_mspan(room, sizeof room), &got, 10);
    if (st != LN_TIMEOUT)
        tls_fail(p, "%s: the server received %zu bytes, %s", what, got, ln_status_name(st));
    if (!tls_pair_try_exchange(p))
        tls_fail(p, "%s: the association is broken", what);
}

static const uint16_t suites[] = { 0xc0a8, 0x00a8, 0x00ae, 0xccab };

/* Calls `test` on an open association for each pair of libraries and kind of suite. */
static void on_open_pairs(const char *what, void (*test)(struct tls_pair *p))
{
    struct tls_rows rows = tls_rows_of(LN_DTLS_1_2, 0);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t i = 0; i < COUNT(suites); i++) {
            struct tls_case c = tls_case_psk(&rows.row[r], what);
            c.client.suites = &suites[i];
            c.client.suite_count = 1;
            c.server.suites = &suites[i];
            c.server.suite_count = 1;
            struct tls_pair p;
            tls_pair_start(&p, &c);
            tls_pair_must_exchange(&p);
            test(&p);
            tls_pair_close(&p);
        }
    }
}

/* ---- on an open association ---- */

static uint64_t dropped(const struct ln_sock *s)
{
    struct ln_sock_info info;
    ln_sock_info(s, &info);
    return info.tls.dropped_records;
}

/* Shorter than explicit nonce and tag: what CVE-2026 records were made of. Of what is
 * shorter than 16 bytes no library hears. */
static void short_records(struct tls_pair *p)
{
    uint64_t before[] = { dropped(p->client), dropped(p->server) };
    static const uint8_t types[] = { RECORD_DATA, RECORD_ALERT, RECORD_HANDSHAKE, RECORD_CCS };
    for (size_t t = 0; t < COUNT(types); t++) {
        for (size_t len = 0; len <= 40; len++) {
            struct forged f = { .len = 0 };
            add_record(&f, types[t], 1, 1000 + len, NULL, len);
            to_both(p, span_of(&f));
        }
        must_be_unharmed(p, "short records");
    }
    assert_true(dropped(p->client) >= before[0] + COUNT(types) * 16);
    assert_true(dropped(p->server) >= before[1] + COUNT(types) * 16);
}

/* scenario: H90, S40 */
static void test_short_records(void **state)
{
    (void)state;
    on_open_pairs("records shorter than nonce and tag", short_records);
}

static void plain_alerts(struct tls_pair *p)
{
    static const uint8_t alerts[][2] = { { 2, 40 }, { 2, 10 }, { 2, 20 }, { 1, 0 },
                                         { 2, 0 },  { 1, 90 }, { 2, 80 }, { 255, 255 } };
    for (size_t i = 0; i < COUNT(alerts); i++) {
        struct forged f = { .len = 0 };
        add_record(&f, RECORD_ALERT, 0, 100 + i, alerts[i], 2);
        to_both(p, span_of(&f));
        struct forged again = { .len = 0 };
        add_record(&again, RECORD_ALERT, 1, 100 + i, alerts[i], 2);
        to_both(p, span_of(&again));
        must_be_unharmed(p, "plaintext alerts");
    }
}

/* TLS-123 */
/* scenario: H91, S40 */
static void test_forged_alerts(void **state)
{
    (void)state;
    on_open_pairs("alerts that nobody has signed", plain_alerts);
}

static void other_epochs(struct tls_pair *p)
{
    static const uint16_t epochs[] = { 0, 2, 3, 255, 256, 0x7fff, 0xffff };
    static const uint64_t sequences[] = { 0, 1, 1000, UINT64_C(0xffffffffffff) };
    static const uint8_t types[] = {
        RECORD_DATA, RECORD_HANDSHAKE, RECORD_CCS, RECORD_ALERT, 0, 24, 25, 26, 255
    };
    for (size_t e = 0; e < COUNT(epochs); e++) {
        for (size_t s = 0; s < COUNT(sequences); s++) {
            for (size_t t = 0; t < COUNT(types); t++) {
                struct forged f = { .len = 0 };
                add_record(&f, types[t], epochs[e], sequences[s], NULL, 48);
                to_both(p, span_of(&f));
            }
        }
        must_be_unharmed(p, "foreign epochs");
    }
}

/* scenario: H94, S40 */
static void test_foreign_epochs(void **state)
{
    (void)state;
    on_open_pairs("records of epochs that are not", other_epochs);
}

static void nonsense(struct tls_pair *p)
{
    uint8_t bytes[1400];
    uint32_t seed = 12345;
    for (size_t i = 0; i < sizeof bytes; i++) {
        seed = seed * 1664525 + 1013904223;
        bytes[i] = (uint8_t)(seed >> 24);
    }
    for (size_t len = 0; len < 64; len++)
        to_both(p, ln_span(bytes + len, len));
    for (size_t len = 64; len < sizeof bytes; len += 97)
        to_both(p, ln_span(bytes, len));
    memset(bytes, 0, sizeof bytes);
    to_both(p, ln_span(bytes, 13));
    to_both(p, ln_span(bytes, 1400));
    memset(bytes, 0xff, sizeof bytes);
    to_both(p, ln_span(bytes, 13));
    to_both(p, ln_span(bytes, 1400));
    must_be_unharmed(p, "nonsense");
    /* a length that claims more than there is */
    struct forged f = { .len = 0 };
    add(&f, RECORD_DATA, 1);
    add(&f, LN_DTLS_1_2, 2);
    add(&f, 1, 2);
    add(&f, 77, 6);
    add(&f, 0xffff, 2);
    add(&f, 0x1234567890, 5);
    to_both(p, span_of(&f));
    must_be_unharmed(p, "a record that claims too much");
}

/* scenario: S40 */
static void test_nonsense(void **state)
{
    (void)state;
    on_open_pairs("datagrams without sense", nonsense);
}

/* A HelloRequest or a ClientHello in plaintext, out of order. */
static void hello_requests(struct tls_pair *p)
{
    struct ln_span hello = tls_tap_packet(&p->client_tap, 0);
    for (uint16_t sequence = 0; sequence < 5; sequence++) {
        struct forged body = { .len = 0 };
        add(&body, 0, 1);        /* hello_request */
        add(&body, 0, 3);        /* length */
        add(&body, sequence, 2); /* message_seq */
        add(&body, 0, 3);
        add(&body, 0, 3);
        struct forged f = { .len = 0 };
        add_record(&f, RECORD_HANDSHAKE, 0, 50 + sequence, body.bytes, body.len);
        to_client(p, span_of(&f));
        to_server(p, span_of(&f));
    }
    must_be_unharmed(p, "hello requests");
    struct ln_span copy = pki_join(tls_world.pki, hello, ln_span(NULL, 0));
    to_server(p, copy);
    must_be_unharmed(p, "the first ClientHello once more");
}

/* scenario: H95 */
static void test_hello_requests(void **state)
{
    (void)state;
    on_open_pairs("handshake messages out of order", hello_requests);
}

/* ---- copies of what was really sent ---- */

static void send_and_receive(struct tls_pair *p, const char *message)
{
    uint8_t room[64];
    size_t got = 0;
    size_t len = strlen(message);
    assert_int_equal(tls_pair_send(p, p->client, ln_span(message, len)), LN_OK);
    assert_int_equal(tls_pair_recv(p, p->server, ln_mspan(room, sizeof room), &got, 1000), LN_OK);
    assert_int_equal(got, len);
    assert_memory_equal(room, message, len);
}

static struct ln_span last_sent(const struct tls_tap *tap)
{
    struct ln_span last = tls_tap_packet(tap, tap->packets - 1);
    return pki_join(tls_world.pki, last, ln_span(NULL, 0));
}

static void replayed(struct tls_pair *p)
{
    send_and_receive(p, "once");
    struct ln_span copy = last_sent(&p->client_tap);
    for (int i = 0; i < 5; i++) {
        to_server(p, copy);
        must_be_unharmed(p, "a replay");
    }
    for (int i = 0; i < 100; i++) /* far behind the window */
        send_and_receive(p, "more");
    to_server(p, copy);
    must_be_unharmed(p, "a replay from long ago");
    to_client(p, copy); /* mirrored */
    must_be_unharmed(p, "a datagram that came back");
}

/* scenario: S40 */
static void test_replays(void **state)
{
    (void)state;
    on_open_pairs("what was sent is sent again", replayed);
}

static void damaged(struct tls_pair *p)
{
    send_and_receive(p, "what will be damaged");
    struct ln_span copy = last_sent(&p->client_tap);
    uint8_t bytes[256];
    assert_true(copy.len <= sizeof bytes);
    for (size_t i = 0; i < copy.len; i++) {
        memcpy(bytes, copy.data, copy.len);
        bytes[10] ^= 0x40; /* a sequence number that was not seen yet */
        if (i != 10)
            bytes[i] ^= 0x01;
        to_server(p, ln_span(bytes, copy.len));
    }
    must_be_unharmed(p, "damaged records");
    for (size_t len = 0; len < copy.len; len++) {
        memcpy(bytes, copy.data, copy.len);
        bytes[10] ^= 0x40;
        to_server(p, ln_span(bytes, len));
    }
    must_be_unharmed(p, "cut records");
}

/* scenario: S40 */
static void test_damage(void **state)
{
    (void)state;
    on_open_pairs("one bit of a record is turned", damaged);
}

static void append_garbage(struct tls_pair *p, struct ln_testkit_packet *packet, void *user)
{
    (void)p;
    (void)user;
    if (packet->room - packet->len < 5)
        return;
    memcpy(packet->data + packet->len, "\x17\xfe\xfd\x00\x01", 5);
    packet->len += 5;
}

static void garbage_behind(struct tls_pair *p)
{
    p->spec.on_packet = append_garbage;
    tls_pair_must_exchange(p);
    p->spec.on_packet = NULL;
    must_be_unharmed(p, "garbage behind a record");
}

/* A broken record behind a good one costs the broken one only (RFC 6347 4.1.2.7). */
/* scenario: S40 */
static void test_garbage_behind_a_record(void **state)
{
    (void)state;
    on_open_pairs("garbage behind each record", garbage_behind);
}

/* ---- the caller's time ---- */

static void throw(void *user)
{
    struct tls_pair *p = user;
    struct forged f = { .len = 0 };
    add_record(&f, RECORD_DATA, 1, UINT64_C(0xf00000000000) + (uint64_t)tls_pair_now(p), NULL, 60);
    to_client(p, span_of(&f));
}

/* PIT-26: discarded records do not restart the clock of a receive, nor end it. */
/* scenario: S27, S40, S46, PIT-26 */
static void test_discarded_records_cost_no_time(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows_of(LN_DTLS_1_2, 0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_psk(&rows.row[r], "a forged record each 50 ms");
        struct tls_pair p;
        uint8_t room[16];
        size_t got = 0;
        tls_pair_start(&p, &c);
        ln_msec now = tls_pair_now(&p);
        for (ln_msec at = 50; at < 3000; at += 50)
            assert_int_equal(ln_testkit_at(p.kit, now + at, throw, &p), LN_OK);
        assert_int_equal(tls_pair_recv(&p, p.client, ln_mspan(room, sizeof room), &got, 2000),
                         LN_TIMEOUT);
        assert_int_equal(tls_pair_now(&p) - now, 2000);
        tls_pair_finish(&p);
    }
}

/* ---- in the handshake ---- */

static void add_fragment(struct forged *f, uint64_t record, uint8_t type, size_t total,
                         uint16_t sequence, size_t offset, size_t len)
{
    struct forged body = { .len = 0 };
    add(&body, type, 1);
    add(&body, total, 3);
    add(&body, sequence, 2);
    add(&body, offset, 3);
    add(&body, len, 3);
    size_t really = len < 64 ? len : 64; /* what is there, whatever it claims */
    for (size_t i = 0; i < really; i++)
        add(&body, 0, 1);
    add_record(f, RECORD_HANDSHAKE, 0, record, body.bytes, body.len);
}

struct flood {
    const char *sentence;
    void (*make)(struct forged *f, unsigned i);
};

static void claims_16_mib(struct forged *f, unsigned i)
{
    add_fragment(f, 500 + i, 11, 0xffffff, (uint16_t)(2 + i % 8), 0, 20);
}
static void offset_past_the_end(struct forged *f, unsigned i)
{
    add_fragment(f, 500 + i, 11, 1000, (uint16_t)(2 + i % 8), 990, 64);
}
static void zero_length(struct forged *f, unsigned i)
{
    add_fragment(f, 500 + i, 11, 5000, (uint16_t)(2 + i % 8), i % 5000, 0);
}
static void far_future(struct forged *f, unsigned i)
{
    add_fragment(f, 500 + i, 11, 5000, (uint16_t)(60000 + i), 0, 60);
}
static void future_messages(struct forged *f, unsigned i)
{
    add_fragment(f, 500 + i, 11, 16000, (uint16_t)(20 + i % 1000), 0, 60);
}
static void claims_more_than_there_is(struct forged *f, unsigned i)
{
    add_fragment(f, 500 + i, 11, 5000, (uint16_t)(2 + i % 8), 0, 5000);
}
static void hello_request(struct forged *f, unsigned i)
{
    add_fragment(f, 500 + i, 0, 0, (uint16_t)i, 0, 0);
}
static void unknown_message(struct forged *f, unsigned i)
{
    add_fragment(f, 500 + i, (uint8_t)(100 + i % 100), 10, (uint16_t)(2 + i % 8), 0, 10);
}
static void encrypted_nonsense(struct forged *f, unsigned i)
{
    add_record(f, RECORD_HANDSHAKE, 1, i, NULL, 40 + i % 100);
}
static void far_epoch(struct forged *f, unsigned i)
{
    add_record(f, RECORD_DATA, (uint16_t)(2 + i), i, NULL, 60);
}

static const struct flood *flood_now;
static unsigned flood_count;

/* Some arrive ahead of each datagram that the server really sends, at the client; and of each of the
 * client's at the server. */
static void flood_both(struct tls_pair *p, struct ln_testkit_packet *packet, void *user)
{
    (void)user;
    if (packet->from_host == NULL || flood_count >= 2000)
        return;
    struct ln_addr from = packet->from;
    struct ln_addr to = packet->to;
    for (unsigned i = 0; i < 40; i++) {
        struct forged f = { .len = 0 };
        flood_now->make(&f, flood_count++);
        assert_int_equal(ln_testkit_inject(p->kit, &from, &to, span_of(&f), 1), LN_OK);
    }
}

/* What a stranger can make up is dropped, the real handshake completes, and memory stays bounded. A
 * forged message in the place of a real one can always end a handshake; these are no such. */
/* scenario: H92, H94, H95 */
static void test_forged_fragments(void **state)
{
    (void)state;
    static const struct flood table[] = {
        { "messages of 16 MiB", claims_16_mib },
        { "fragments past the end", offset_past_the_end },
        { "fragments of no bytes", zero_length },
        { "messages of the far future", far_future },
        { "messages of the near future", future_messages },
        { "fragments longer than their record", claims_more_than_there_is },
        { "hello requests", hello_request },
        { "unknown messages", unknown_message },
        { "records that nobody can decrypt yet", encrypted_nonsense },
        { "records of far epochs", far_epoch },
    };
    struct tls_rows rows = tls_rows_of(LN_DTLS_1_2, 0);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t i = 0; i < COUNT(table); i++) {
            for (int psk = 0; psk <= 1; psk++) {
                struct tls_case c =
                    psk != 0 ? tls_case_psk(&rows.row[r], table[i].sentence)
                             : tls_case_cert(&rows.row[r], table[i].sentence, &tls_world);
                c.link.delay_min_ms = 20;
                c.on_packet = flood_both;
                flood_now = &table[i];
                flood_count = 0;
                struct tls_pair p;
                tls_pair_open(&p, &c);
                libmem_mark();
                size_t before = libmem_live();
                tls_pair_must_connect(&p);
                if (libmem_peak() - before > 1024 * 1024)
                    tls_fail(&p, "the libraries took %zu bytes", libmem_peak() - before);
                p.spec.on_packet = NULL;
                tls_pair_finish(&p);
            }
        }
    }
}

/* ---- HelloVerifyRequests ---- */

static void spoil_cookie(struct tls_pair *p, struct ln_testkit_packet *packet, void *user)
{
    struct wire_hello hello;
    unsigned *count = user;
    if (packet->from_host != p->client_host ||
        !wire_client_hello(ln_span(packet->data, packet->len), true, &hello) ||
        hello.cookie_len == 0)
        return;
    /* header 13, handshake header 12, version 2, random 32, session id, cookie length 1 */
    packet->data[13 + 12 + 2 + 32 + 1 + hello.session_id_len + 1] ^= 1;
    (*count)++;
}

/* Each answer to a cookie is another cookie: for ever, if nobody counts. */
/* scenario: H93, S24, T1 */
static void test_a_loop_of_hello_verify_requests(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows_of(LN_DTLS_1_2, 0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_psk(&rows.row[r], "no cookie is ever right");
        unsigned spoiled = 0;
        c.link.delay_min_ms = 50;
        c.on_packet = spoil_cookie;
        c.user = &spoiled;
        struct tls_pair p;
        assert_int_not_equal(tls_pair_attempt(&p, &c), LN_OK);
        tls_want_category(&p, &p.client_diag, LN_CAT_STALLED);
        assert_true(p.ended - p.started <= 124000);
        assert_true(spoiled > 0);
        if (p.client_tap.sent > 200)
            tls_fail(&p, "%zu ClientHellos were sent", p.client_tap.sent);
        tls_pair_close(&p);
    }
}

static void forge_hello_verify(struct tls_pair *p, struct ln_testkit_packet *packet, void *user)
{
    const size_t *shape = user;
    if (packet->from_host != p->client_host || p->client_tap.sent != 1)
        return;
    static const struct {
        size_t claimed; /* cookie length byte */
        size_t there;   /* bytes behind it */
        size_t total;   /* message length, 0 = as it is */
    } shapes[] = { { 255, 4, 0 }, { 255, 0, 0 },        { 16, 15, 0 }, { 0, 0, 0 },
                   { 32, 40, 0 }, { 20, 20, 0xffffff }, { 20, 20, 2 } };
    struct forged body = { .len = 0 };
    size_t total = 3 + shapes[*shape].there;
    if (shapes[*shape].total != 0)
        total = shapes[*shape].total;
    add(&body, 3, 1); /* hello_verify_request */
    add(&body, total, 3);
    add(&body, 0, 2);
    add(&body, 0, 3);
    add(&body, total, 3);
    add(&body, LN_DTLS_1_0, 2);
    add(&body, shapes[*shape].claimed, 1);
    for (size_t i = 0; i < shapes[*shape].there; i++)
        add(&body, i, 1);
    struct forged f = { .len = 0 };
    add_record(&f, RECORD_HANDSHAKE, 0, 0, body.bytes, body.len);
    struct ln_addr from = packet->to;
    struct ln_addr to = packet->from;
    assert_int_equal(ln_testkit_inject(p->kit, &from, &to, span_of(&f), 1), LN_OK);
}

/* scenario: H93 */
static void test_malformed_hello_verify_requests(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows_of(LN_DTLS_1_2, 0);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t shape = 0; shape < 7; shape++) {
            struct tls_case c = tls_case_psk(&rows.row[r], "a HelloVerifyRequest that lies");
            c.link.delay_min_ms = 50;
            c.on_packet = forge_hello_verify;
            c.user = &shape;
            struct tls_pair p;
            tls_pair_open(&p, &c);
            /* It may end the handshake, as any forged answer may; never anything else. */
            if (tls_pair_connect(&p) == LN_OK) {
                tls_pair_must_exchange(&p);
            } else {
                assert_int_not_equal(p.client_diag.category, LN_CAT_NONE);
                assert_true(p.ended - p.started <= 130000);
            }
            ln_sock_close(p.client);
            p.spec.on_packet = NULL;
            tls_pair_must_connect(&p);
            tls_pair_finish(&p);
        }
    }
}

/* ---- servers: nothing is kept for those who have not proven their address ---- */

static struct ln_addr stranger(unsigned i)
{
    struct ln_addr out;
    assert_int_equal(ln_addr_parse("198.51.100.1", (uint16_t)(1024 + i % 60000), &out), LN_OK);
    out.ip[3] = (uint8_t)(1 + i / 60000);
    return out;
}

/* A ClientHello as our client sends it; the listener has answered one before. */
static struct ln_span learn_hello(struct tls_pair *p, size_t index)
{
    tls_pair_must_connect(p);
    struct ln_span hello =
        pki_join(tls_world.pki, tls_tap_packet(&p->client_tap, index), ln_span(NULL, 0));
    tls_pair_hang_up(p);
    tls_tap_clear(&p->client_tap);
    tls_tap_clear(&p->server_tap);
    return hello;
}

static void only_hello_verify(const struct tls_pair *p)
{
    for (size_t i = 0; i < p->server_tap.packets; i++) {
        struct ln_span datagram = tls_tap_packet(&p->server_tap, i);
        struct wire_record record;
        assert_true(wire_next_record(&datagram, &record));
        if (wire_handshake_type(&record) != 3)
            tls_fail(p, "a server answers a stranger with message %d",
                     wire_handshake_type(&record));
    }
}

/* RFC 6347 4.2.1 */
/* scenario: S40 */
static void test_strangers_cost_the_server_nothing(void **state)
{
    (void)state;
    unsigned strangers = tls_full() ? 20000 : 1000;
    struct tls_rows rows = tls_rows_of(LN_DTLS_1_2, 0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_psk(&rows.row[r], "ClientHellos from everywhere");
        struct tls_pair p;
        tls_pair_open(&p, &c);
        struct ln_span hello = learn_hello(&p, 0);
        struct ln_addr to = server_address();
        struct ln_testkit_memory before;
        struct ln_testkit_memory after;
        struct ln_addr first = stranger(strangers); /* whatever a listener needs, it has then */
        assert_int_equal(ln_testkit_inject(p.kit, &first, &to, hello, 0), LN_OK);
        tls_pair_run(&p, 10);
        tls_tap_clear(&p.server_tap);
        ln_testkit_memory(p.server_host, &before);
        size_t theirs = libmem_live();
        for (unsigned i = 0; i < strangers; i++) {
            struct ln_addr from = stranger(i);
            assert_int_equal(ln_testkit_inject(p.kit, &from, &to, hello, 0), LN_OK);
            if (i % 50 == 49)
                tls_pair_run(&p, 1);
        }
        tls_pair_run(&p, 100);
        assert_null(p.server);
        assert_int_equal(p.server_tap.sent, strangers); /* each is answered, once */
        only_hello_verify(&p);
        if (p.server_tap.largest > hello.len)
            tls_fail(&p, "an answer is longer than the question: an amplifier");
        ln_testkit_memory(p.server_host, &after);
        assert_int_equal(after.live_blocks, before.live_blocks);
        assert_int_equal(after.live_bytes, before.live_bytes);
        assert_int_equal(after.allocations, before.allocations);
        if (libmem_live() > theirs + 256)
            tls_fail(&p, "the libraries keep %zu bytes of strangers", libmem_live() - theirs);
        tls_pair_must_connect(&p); /* and the one that is real gets through */
        tls_pair_finish(&p);
    }
}

/* scenario: S40 */
static void test_a_cookie_is_good_for_its_address_only(void **state)
{
    (void)state;
    struct ln_addr neighbour; /* somebody else behind the same address: another port */
    assert_int_equal(ln_addr_parse(TLS_CLIENT_IP, 4444, &neighbour), LN_OK);
    struct tls_rows rows = tls_rows_of(LN_DTLS_1_2, 0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_psk(&rows.row[r], "a cookie from another address");
        struct tls_pair p;
        tls_pair_open(&p, &c);
        struct ln_span hello = learn_hello(&p, 1);
        struct wire_hello seen;
        assert_true(wire_client_hello(hello, true, &seen));
        assert_true(seen.cookie_len > 0);
        struct ln_addr to = server_address();
        for (unsigned i = 0; i < 20; i++) {
            struct ln_addr from = stranger(i);
            assert_int_equal(ln_testkit_inject(p.kit, &from, &to, hello, 0), LN_OK);
        }
        assert_int_equal(ln_testkit_inject(p.kit, &neighbour, &to, hello, 0), LN_OK);
        tls_pair_run(&p, 100);
        assert_null(p.server);
        only_hello_verify(&p);
        tls_pair_must_connect(&p);
        tls_pair_close(&p);
    }
}

/* scenario: S40, H92 */
static void test_nonsense_for_a_listener(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows_of(LN_DTLS_1_2, 0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_psk(&rows.row[r], "nonsense for a listener");
        struct tls_pair p;
        tls_pair_open(&p, &c);
        struct ln_span hello = learn_hello(&p, 0);
        struct ln_addr to = server_address();
        uint8_t bytes[1600];
        unsigned n = 0;
        assert_true(hello.len < sizeof bytes);
        for (size_t len = 0; len < hello.len; len++, n++) { /* cut everywhere */
            struct ln_addr from = stranger(n);
            assert_int_equal(ln_testkit_inject(p.kit, &from, &to, ln_span(hello.data, len), 0),
                             LN_OK);
        }
        tls_pair_run(&p, 100);
        for (size_t i = 0; i < hello.len; i++, n++) { /* damaged everywhere */
            struct ln_addr from = stranger(n);
            memcpy(bytes, hello.data, hello.len);
            bytes[i] ^= 0x80;
            assert_int_equal(ln_testkit_inject(p.kit, &from, &to, ln_span(bytes, hello.len), 0),
                             LN_OK);
        }
        tls_pair_run(&p, 100);
        for (unsigned i = 0; i < COUNT(suites) * 100; i++, n++) { /* all kinds of records */
            struct ln_addr from = stranger(n);
            struct forged f = { .len = 0 };
            add_record(&f, (uint8_t)(18 + i % 10), (uint16_t)(i % 3), i, NULL, i % 200);
            assert_int_equal(ln_testkit_inject(p.kit, &from, &to, span_of(&f), 0), LN_OK);
        }
        tls_pair_run(&p, 100);
        assert_null(p.server);
        only_hello_verify(&p);
        tls_pair_must_connect(&p);
        tls_pair_finish(&p);
    }
}

/* ---- a send that would block while the timer runs ---- */

struct gate {
    struct ln_sock base;
    const struct tls_pair *p;
    size_t let_through; /* datagrams, then the gate closes */
    ln_msec opens_at;
    size_t blocked;
    size_t sent;
};

static struct gate *gate_of(struct ln_sock *s)
{
    return (struct gate *)(void *)s;
}

static bool is_closed(const struct gate *g)
{
    return g->sent >= g->let_through && tls_pair_now(g->p) < g->opens_at;
}

static enum ln_status gate_send(struct ln_sock *s, struct ln_span data, size_t *sent)
{
    struct gate *g = gate_of(s);
    if (is_closed(g)) {
        g->blocked++;
        return LN_AGAIN;
    }
    g->sent++;
    return ln_below_send(s, data, sent);
}

static void gate_interest(const struct ln_sock *s, struct ln_interest *want)
{
    const struct gate *g = (const struct gate *)(const void *)s;
    if ((want->events & LN_WANT_WRITE) == 0 || !is_closed(g))
        return;
    want->events &= ~LN_WANT_WRITE;
    ln_interest_until(want, g->opens_at);
}

static const struct ln_sock_ops gate_ops = {
    .name = "gate",
    .send = gate_send,
    .interest = gate_interest,
};

/* Put it between DTLS and UDP of the client. */
static struct gate *put_gate(struct tls_pair *p, size_t let_through)
{
    struct ln_sock *udp = NULL;
    struct ln_sock *s = NULL;
    struct ln_diag diag;
    ln_sock_free(p->client);
    p->client = NULL;
    assert_int_equal(ln_sock_new(&p->client_env, LN_UDP, NULL, NULL, NULL, &udp), LN_OK);
    assert_int_equal(ln_filter_new(&gate_ops, sizeof(struct gate), NULL, udp, &s), LN_OK);
    struct gate *g = gate_of(s);
    g->p = p;
    g->let_through = let_through;
    g->opens_at = tls_pair_now(p) + 10000;
    assert_int_equal(ln_sock_wrap(&s, p->client_config, NULL, &diag), LN_OK);
    p->client = s;
    p->socks[0] = s;
    return g;
}

static void run_gate(const struct tls_row *row, size_t through, uint32_t delay)
{
    struct tls_case c = tls_case_cert(row, "the network takes nothing for ten seconds", &tls_world);
    c.client.mtu = 300;
    c.server.mtu = 300;
    c.server.client_auth = LN_CLIENT_AUTH_REQUIRE;
    c.server.trust = c.client.trust;
    c.link.delay_min_ms = delay;
    tls_present(&c.client, tls_world.pki, PKI_LIST(tls_world.client, tls_world.ca));
    struct tls_pair p;
    tls_pair_open(&p, &c);
    struct gate *g = put_gate(&p, through);
    tls_pair_must_connect(&p);
    tls_pair_must_exchange(&p);
    /* the gate was met, unless fewer datagrams were sent in all */
    assert_true(g->blocked > 0 || (through >= 6 && delay == 0));
    tls_pair_close(&p);
}

/* CVE-2026-84782: the retransmission timer must not fire while a flight is only half out; and if the
 * network takes nothing when it fires, the flight goes out later, as a whole. */
/* scenario: H97, S32, C4 */
static void test_the_timer_while_a_send_blocks(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows_of(LN_DTLS_1_2, 0);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t through = 0; through < 10; through++) {
            run_gate(&rows.row[r], through, 0);
            run_gate(&rows.row[r], through, 800); /* answers come later than the first timer */
        }
    }
}

/* ---- many failures ---- */

/* scenario: H99 */
static void test_failed_handshakes_leave_nothing(void **state)
{
    (void)state;
    unsigned rounds = tls_full() ? 100000 : 300;
    static const struct ln_testkit_link link = { .delay_min_ms = 1 };
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_cert(&rows.row[r], "failed again and again", &tls_world);
        c.server_name = "elsewhere.example";
        c.link = link;
        struct tls_pair p;
        tls_pair_open(&p, &c);
        size_t at_10 = 0;
        struct ln_testkit_memory memory_at_10 = { 0 };
        for (unsigned i = 0; i < rounds; i++) {
            assert_int_equal(tls_pair_connect(&p), LN_DENIED);
            tls_pair_hang_up(&p);
            if (i == 10) {
                at_10 = libmem_live();
                ln_testkit_memory(p.client_host, &memory_at_10);
            }
        }
        struct ln_testkit_memory memory;
        ln_testkit_memory(p.client_host, &memory);
        assert_int_equal(memory.live_blocks, memory_at_10.live_blocks);
        if (libmem_live() > at_10 + 4096)
            tls_fail(&p, "the libraries keep %zu bytes more", libmem_live() - at_10);
        tls_pair_close(&p);
    }
}

int main(void)
{
    if (!libmem_install())
        return EXIT_FAILURE;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_short_records),
        cmocka_unit_test(test_forged_alerts),
        cmocka_unit_test(test_foreign_epochs),
        cmocka_unit_test(test_nonsense),
        cmocka_unit_test(test_hello_requests),
        cmocka_unit_test(test_replays),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_garbage_behind_a_record),
        cmocka_unit_test(test_discarded_records_cost_no_time),
        cmocka_unit_test(test_forged_fragments),
        cmocka_unit_test(test_a_loop_of_hello_verify_requests),
        cmocka_unit_test(test_malformed_hello_verify_requests),
        cmocka_unit_test(test_strangers_cost_the_server_nothing),
        cmocka_unit_test(test_a_cookie_is_good_for_its_address_only),
        cmocka_unit_test(test_nonsense_for_a_listener),
        cmocka_unit_test(test_the_timer_while_a_send_blocks),
        cmocka_unit_test(test_failed_handshakes_leave_nothing),
    };
    return cmocka_run_group_tests(tests, tls_world_setup, tls_world_teardown);
}
