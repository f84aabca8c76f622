/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_cid_offer_mbedtls.c
 * Connection ID (RFC 9146) is offered, agreed on and in the records: what the wire shows, what fits
 * into a datagram, and lengths and ids that are not what they should be.
 */
#include "support/cidworld.h"
#include "support/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* ---- offering ---- */

struct offer {
    bool seen;
    bool offered;
    size_t cid_len;
};
static struct offer offer;

/** Extension 54 of the ClientHello. */
static void look_at_hello(struct cid_world *w, struct ln_testkit_packet *packet)
{
    struct ln_span datagram = ln_span(packet->data, packet->len);
    struct wire_hello hello;
    if (packet->from_host != w->device_host || offer.seen ||
        !wire_client_hello(datagram, true, &hello))
        return;
    offer.seen = true;
    offer.offered = hello.has_cid;
    offer.cid_len = hello.cid_len;
}

/* A Connection ID of no bytes is offered by default: we need none, and one saves 32 bytes per downlink
 * packet (field lessons 4.2). */
/* scenario: C2, H96 */
static void test_what_is_offered(void **state)
{
    (void)state;
    static const struct {
        enum ln_connection_id option;
        size_t server;
        bool offered;
        bool in_use;
    } table[] = {
        { LN_CID_AUTO, CID_LEN, true, true },  { LN_CID_OFFER, CID_LEN, true, true },
        { LN_CID_OFF, CID_LEN, false, false }, { LN_CID_AUTO, 0, true, false },
        { LN_CID_OFFER, 0, true, false },
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct cid_world *w = cid_open(table[i].server);
        memset(&offer, 0, sizeof offer);
        w->options.connection_id = table[i].option;
        w->touch = look_at_hello;
        cid_begin(w);
        assert_true(offer.seen);
        assert_int_equal(offer.offered, table[i].offered);
        assert_int_equal(offer.cid_len, 0);
        assert_int_equal(w->info.tls.cid_in_use, table[i].in_use);
        assert_false(w->info.tls.cid_restored);
        cid_close(w);
    }
}

/* scenario: C2, S23 */
static void test_a_library_without_it(void **state)
{
    (void)state;
    struct cid_world *w = cid_open(CID_LEN);
    for (size_t i = 0; ln_tls_builtin(i) != NULL; i++) {
        struct ln_tls_capabilities can;
        struct ln_diag diag;
        struct ln_tls_config *config = NULL;
        ln_tls_capabilities(ln_tls_builtin(i), &can);
        bool has = (can.caps & LN_TLS_CAP_CONNECTION_ID) != 0;
        w->options.backend = ln_tls_builtin(i);
        w->options.connection_id = LN_CID_OFFER;
        enum ln_status st = ln_tls_config_new(&w->device, LN_DTLS, &w->options, &diag, &config);
        assert_int_equal(st, has ? LN_OK : LN_UNSUPPORTED);
        if (!has)
            assert_non_null(strstr(diag.text, "connection_id"));
        ln_tls_config_unref(config);
        config = NULL;
        st = ln_tls_config_new(&w->device, LN_TLS, &w->options, &diag, &config);
        assert_int_equal(st, has ? LN_BAD_ARG : st);
        assert_true(st == LN_BAD_ARG || st == LN_UNSUPPORTED);
        w->options.connection_id = LN_CID_AUTO; /* nothing is demanded: nothing is refused */
        assert_int_equal(ln_tls_config_new(&w->device, LN_DTLS, &w->options, &diag, &config),
                         LN_OK);
        ln_tls_config_unref(config);
    }
    cid_close(w);
}

/* ---- records ---- */

/* What the socket says fits does fit, with Connection ID and padding. */
/* scenario: C2, S20 */
static void test_sizes(void **state)
{
    (void)state;
    static const uint16_t suites[] = { 0xc0a8, 0xc0a4, 0x00a8, 0xccab, 0x00ae };
    static const struct ln_testkit_link link = { .delay_min_ms = 10,
                                                 .mtu = 576,
                                                 .refuse_too_big = true };
    static const uint8_t data[600];
    for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++) {
        struct cid_world *w = cid_open(CID_LEN);
        size_t sent = 0;
        w->options.suites = &suites[i];
        w->options.suite_count = 1;
        assert_int_equal(ln_testkit_path(w->kit, w->device_host, w->server_host, &link), LN_OK);
        cid_begin(w);
        size_t most = w->info.inner_mtu;
        assert_true(most > 400 && most < 576 - 28);
        w->traffic.largest = 0;
        w->server.options.mute = true;
        for (size_t len = most - 40; len <= most; len++)
            assert_int_equal(ln_sock_send(w->sock, ln_span(data, len), &sent), LN_OK);
        assert_true(w->traffic.largest <= 576 - 28);
        assert_int_equal(ln_sock_send(w->sock, ln_span(data, most + 1), &sent), LN_NO_SPACE);
        ln_testkit_advance(w->kit, 100);
        assert_int_equal(w->server.last_len, most);
        w->server.options.mute = false;
        cid_exchange(w, "two");
        cid_close(w);
    }
}

/* Records with a Connection ID are not for us, who gave none out; whatever is in them. */
/* scenario: H96, C2 */
static void test_records_with_unknown_ids(void **state)
{
    (void)state;
    struct cid_world *w = cid_open(CID_LEN);
    struct ln_addr from;
    struct ln_addr to;
    cid_begin(w);
    assert_int_equal(ln_addr_parse(CID_SERVER_IP, CID_SERVER_PORT, &from), LN_OK);
    assert_int_equal(ln_addr_parse(CID_NAT_IP, 0, &to), LN_OK);
    to.port = w->server.association[0].peer.port;
    uint64_t dropped = w->info.tls.dropped_records;
    for (size_t len = 0; len <= 254; len += 127) {
        uint8_t record[13 + 254 + 64] = { CID_RECORD, 0xfe, 0xfd, 0, 1 };
        memset(record + 11, 0x5a, len);
        record[11 + len + 1] = 64;
        assert_int_equal(ln_testkit_inject(w->kit, &from, &to, ln_span(record, 13 + len + 64), 0),
                         LN_OK);
        cid_exchange(w, "in spite of it");
    }
    assert_true(w->info.tls.dropped_records >= dropped + 3);
    cid_close(w);
}

/** The server's connection_id extension, spoilt on its way. */
static uint8_t bad_length;
static void spoil_server_hello(struct cid_world *w, struct ln_testkit_packet *packet)
{
    static const uint8_t extension[] = { 0, 54, 0, CID_LEN + 1, CID_LEN };
    if (packet->from_host != w->server_host)
        return;
    for (size_t at = 0; at + sizeof extension <= packet->len; at++)
        if (memcmp(packet->data + at, extension, sizeof extension) == 0)
            packet->data[at + 4] = bad_length;
}

/* Lengths that lie: the handshake fails, and nothing else happens. */
/* scenario: H96 */
static void test_lengths_that_lie(void **state)
{
    (void)state;
    static const uint8_t lengths[] = { 0, 1, CID_LEN - 1, CID_LEN + 1, 32, 33, 254, 255 };
    for (size_t i = 0; i < sizeof lengths; i++) {
        struct cid_world *w = cid_open(CID_LEN);
        bad_length = lengths[i];
        w->touch = spoil_server_hello;
        cid_start(w);
        assert_int_not_equal(cid_try_connect(w), LN_OK);
        assert_false(w->info.tls.cid_in_use);
        w->touch = NULL;
        ln_sock_close(w->sock);
        cid_connect(w);
        cid_exchange(w, "and then it works");
        cid_close(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_offered),
        cmocka_unit_test(test_a_library_without_it),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_records_with_unknown_ids),
        cmocka_unit_test(test_lengths_that_lie),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
