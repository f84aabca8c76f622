/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/tls/dtls_guard.c: what attackers send does not pass. That what correct peers send
 * does is shown by tests/golden/test_tls_dtls_guard.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/bytes.h"
#include "tls/dtls_guard.h"

#define COUNT(table) (sizeof(table) / sizeof(table)[0])
#define DROP(name) LN_GUARD_DROP_##name

enum { CCS = 20, ALERT = 21, HANDSHAKE = 22, DATA = 23, HEARTBEAT = 24, CID = 25 };
enum {
    HELLO_REQUEST = 0,
    CLIENT_HELLO = 1,
    SERVER_HELLO = 2,
    HELLO_VERIFY = 3,
    TICKET = 4,
    CERTIFICATE = 11,
    SERVER_KEY_EXCHANGE = 12,
    CERTIFICATE_REQUEST = 13,
    SERVER_HELLO_DONE = 14,
    CERTIFICATE_VERIFY = 15,
    CLIENT_KEY_EXCHANGE = 16,
    FINISHED = 20,
};

/* ---- writing records ---- */

struct packet {
    size_t len;
    size_t header; /* where the last record begins */
    uint8_t data[70000];
};

static struct packet wire; /* the one that a test writes */

static void put(struct packet *p, struct ln_span bytes)
{
    assert_true(p->len + bytes.len <= sizeof p->data);
    if (bytes.len > 0)
        memcpy(p->data + p->len, bytes.data, bytes.len);
    p->len += bytes.len;
}

static void put_uint(struct packet *p, uint64_t value, size_t bytes)
{
    for (size_t i = bytes; i > 0; i--)
        put(p, ln_span(&(uint8_t) { (uint8_t)(value >> (8 * (i - 1))) }, 1));
}

static void begin_record(struct packet *p, uint8_t type, uint16_t epoch)
{
    p->header = p->len;
    put_uint(p, type, 1);
    put_uint(p, 0xfefd, 2);
    put_uint(p, epoch, 2);
    put_uint(p, p->len, 6); /* any sequence number */
    put_uint(p, 0, 2);
}

static void end_record(struct packet *p)
{
    size_t len = p->len - p->header - 13;
    p->data[p->header + 11] = (uint8_t)(len >> 8);
    p->data[p->header + 12] = (uint8_t)len;
}

static void put_record(struct packet *p, uint8_t type, uint16_t epoch, struct ln_span body)
{
    begin_record(p, type, epoch);
    put(p, body);
    end_record(p);
}

struct part {
    uint8_t type;
    uint32_t length;
    uint16_t seq;
    uint32_t offset;
    uint32_t fragment; /* length */
};

static void put_fragment(struct packet *p, const struct part *f, struct ln_span body)
{
    put_uint(p, f->type, 1);
    put_uint(p, f->length, 3);
    put_uint(p, f->seq, 2);
    put_uint(p, f->offset, 3);
    put_uint(p, f->fragment, 3);
    put(p, body);
}

static void put_zeros(struct packet *p, size_t len)
{
    static const uint8_t zeros[66000];
    put(p, ln_span(zeros, len));
}

/* A record of one fragment of zeros. */
static void put_part(struct packet *p, struct part f)
{
    begin_record(p, HANDSHAKE, 0);
    put_fragment(p, &f, ln_span(NULL, 0));
    put_zeros(p, f.fragment);
    end_record(p);
}

/* A whole message. */
static void put_message(struct packet *p, uint8_t type, uint16_t seq, struct ln_span body)
{
    uint32_t len = (uint32_t)body.len;
    begin_record(p, HANDSHAKE, 0);
    put_fragment(p, &(struct part) { type, len, seq, 0, len }, body);
    end_record(p);
}

#define RANDOM "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
/* suite c0a8; without extensions */
static const char server_hello[] = "fefd" RANDOM "00 c0a8 00";
static const char client_hello[] = "fefd" RANDOM "00 00 0002c0a8 0100";

static void put_client_hello(struct packet *p)
{
    put_message(p, CLIENT_HELLO, 0, bytes_hex(client_hello));
}

/* ---- filtering ---- */

static struct ln_dtls_guard client(void)
{
    struct ln_dtls_guard g;
    ln__dtls_guard_init(&g, false);
    return g;
}

static struct ln_dtls_guard server(void)
{
    struct ln_dtls_guard g;
    ln__dtls_guard_init(&g, true);
    return g;
}

/* A server that has seen the ClientHello. */
static struct ln_dtls_guard greeted_server(void)
{
    struct ln_dtls_guard g = server();
    wire.len = 0;
    put_client_hello(&wire);
    assert_int_equal(ln__dtls_guard_filter(&g, wire.data, wire.len), wire.len);
    wire.len = 0;
    return g;
}

static struct ln_dtls_guard established(bool is_server, size_t record_min)
{
    struct ln_dtls_guard g = is_server ? greeted_server() : client();
    ln__dtls_guard_established(&g, record_min);
    return g;
}

/* Send what was written, in a buffer of just that length. */
static size_t filter(struct ln_dtls_guard *g, struct packet *p)
{
    struct ln_mspan datagram = bytes_mcopy(ln_span(p->data, p->len));
    size_t kept = ln__dtls_guard_filter(g, datagram.data, datagram.len);
    assert_true(kept <= p->len);
    p->len = 0;
    return kept;
}

static void assert_passes(struct ln_dtls_guard *g, struct packet *p)
{
    size_t len = p->len;
    uint64_t dropped = ln__dtls_guard_dropped(g);
    assert_int_equal(filter(g, p), len);
    assert_int_equal(ln__dtls_guard_dropped(g), dropped);
}

/* All of it is dropped, as one record, for this reason. */
static void assert_dropped(struct ln_dtls_guard *g, struct packet *p, enum ln_guard_drop reason)
{
    uint64_t all = ln__dtls_guard_dropped(g);
    uint32_t before = g->dropped[reason];
    assert_int_equal(filter(g, p), 0);
    if (g->dropped[reason] != before + 1) {
        for (int i = 0; i < LN_GUARD_DROP_COUNT; i++) {
            if (g->dropped[i] > 0)
                print_message("%s: %u\n", ln__dtls_guard_drop_text((enum ln_guard_drop)i),
                              (unsigned)g->dropped[i]);
        }
    }
    assert_int_equal(g->dropped[reason], before + 1);
    assert_int_equal(ln__dtls_guard_dropped(g), all + 1);
}

/* ---- records ---- */

static void test_broken_records(void **state)
{
    (void)state;
    struct ln_dtls_guard g = client();
    put_record(&wire, ALERT, 0, bytes_hex("02 28"));
    struct ln_span whole = bytes_copy(ln_span(wire.data, wire.len));
    for (size_t len = 1; len < whole.len; len++) {
        wire.len = 0;
        put(&wire, ln_span(whole.data, len));
        assert_dropped(&g, &wire, len < 13 ? DROP(HEADER) : DROP(LENGTH));
    }
    assert_int_equal(filter(&g, &wire), 0); /* an empty datagram is nothing, and no drop */
    put_record(&wire, HANDSHAKE, 0, ln_span(NULL, 0));
    assert_dropped(&g, &wire, DROP(EMPTY));
    put_record(&wire, HEARTBEAT, 0, bytes_hex("01 00 00"));
    assert_dropped(&g, &wire, DROP(TYPE));
    put_record(&wire, 19, 0, bytes_hex("00"));
    assert_dropped(&g, &wire, DROP(TYPE));
    put_record(&wire, 26, 1, bytes_hex("0000")); /* ACK, RFC 9147 7 */
    assert_dropped(&g, &wire, DROP(TYPE));
    assert_int_equal(g.facts.records, 0);
}

static void test_versions_of_records(void **state)
{
    (void)state;
    static const uint16_t wrong[] = { 0x0303, 0x0100, 0xfefe, 0xfefc, 0xfffd, 0x0000 };
    struct ln_dtls_guard g = client();
    for (size_t i = 0; i < COUNT(wrong); i++) {
        put_record(&wire, ALERT, 0, bytes_hex("02 28"));
        wire.data[1] = (uint8_t)(wrong[i] >> 8);
        wire.data[2] = (uint8_t)wrong[i];
        assert_dropped(&g, &wire, DROP(VERSION));
    }
    put_record(&wire, ALERT, 0, bytes_hex("02 28"));
    wire.data[2] = 0xff; /* DTLS 1.0: as HelloVerifyRequests have it */
    assert_passes(&g, &wire);
}

/* Good records around bad ones stay, in their order. */
static void test_records_are_told_apart_in_one_datagram(void **state)
{
    (void)state;
    struct ln_dtls_guard g = client();
    struct ln_span good = bytes_hex("15 fefd 0000 000000000001 0002 0228");
    struct ln_span other = bytes_hex("14 fefd 0000 000000000002 0001 01");
    struct ln_span bad = bytes_hex("17 fefd 0000 000000000003 0003 616263");
    struct ln_span cut = bytes_hex("16 fefd 0000 000000000004 00ff 00");
    const struct ln_span parts[] = { bad, good, bad, bad, other, cut };
    const struct ln_span kept[] = { good, other };
    struct ln_span expected = bytes_join(kept, 2);
    struct ln_mspan d = bytes_mcopy(bytes_join(parts, COUNT(parts)));
    assert_int_equal(ln__dtls_guard_filter(&g, d.data, d.len), expected.len);
    assert_memory_equal(d.data, expected.data, expected.len);
    assert_int_equal(g.dropped[DROP(PLAINTEXT)], 3);
    assert_int_equal(g.dropped[DROP(LENGTH)], 1);
    assert_int_equal(ln__dtls_guard_dropped(&g), 4);
}

static void test_lengths_of_records(void **state)
{
    (void)state;
    struct ln_dtls_guard g = client();
    for (size_t extra = 0; extra <= 1; extra++) {
        begin_record(&wire, DATA, 1);
        put_zeros(&wire, 16384 + 2048 + extra);
        end_record(&wire);
        if (extra == 0)
            assert_passes(&g, &wire);
        else
            assert_dropped(&g, &wire, DROP(TOO_LONG));
    }
    put_part(&wire, (struct part) { CERTIFICATE, 20000, 2, 0, 16384 - 12 });
    assert_passes(&g, &wire);
    put_part(&wire, (struct part) { CERTIFICATE, 20000, 2, 0, 16384 - 11 });
    assert_dropped(&g, &wire, DROP(TOO_LONG));
}

/* scenario: H90 */
static void test_records_too_short_for_nonce_and_tag(void **state)
{
    (void)state;
    static const uint8_t types[] = { CCS, ALERT, HANDSHAKE, DATA };
    static const size_t minima[] = { 16, 24, 48, 64, 80 };
    for (size_t m = 0; m < COUNT(minima); m++) {
        struct ln_dtls_guard g = established(m % 2 == 0, minima[m]);
        for (size_t t = 0; t < COUNT(types); t++) {
            for (size_t len = 1; len < minima[m] + 3; len++) {
                begin_record(&wire, types[t], 1);
                put_zeros(&wire, len);
                end_record(&wire);
                if (len < minima[m])
                    assert_dropped(&g, &wire, DROP(SHORT));
                else
                    assert_passes(&g, &wire);
            }
        }
    }
}

/* scenario: H90 */
static void test_short_records_before_the_end_of_the_handshake(void **state)
{
    (void)state;
    struct ln_dtls_guard g = client();
    begin_record(&wire, HANDSHAKE, 1);
    put_zeros(&wire, 15);
    end_record(&wire);
    assert_dropped(&g, &wire, DROP(SHORT)); /* shorter than any suite's */
    put_message(&wire, SERVER_HELLO, 0, bytes_hex("fefd" RANDOM "00 00a8 00"));
    assert_passes(&g, &wire);
    begin_record(&wire, ALERT, 1);
    put_zeros(&wire, 23);
    end_record(&wire);
    assert_dropped(&g, &wire, DROP(SHORT)); /* GCM needs 24, since the suite is known */
    begin_record(&wire, ALERT, 1);
    put_zeros(&wire, 24);
    end_record(&wire);
    assert_passes(&g, &wire);
}

/* A forged ServerHello that comes first must not make genuine records of the real suite too short. */
static void test_a_forged_server_hello_raises_no_bar(void **state)
{
    (void)state;
    struct ln_dtls_guard g = client();
    put_message(&wire, SERVER_HELLO, 1, bytes_hex("fefd" RANDOM "00 00ae 00")); /* needs 64 */
    assert_passes(&g, &wire);
    put_message(&wire, SERVER_HELLO, 0, bytes_hex(server_hello)); /* needs 16 */
    assert_passes(&g, &wire);
    put_message(&wire, SERVER_HELLO, 2, bytes_hex("fefd" RANDOM "00 00ae 00"));
    assert_passes(&g, &wire);
    begin_record(&wire, HANDSHAKE, 1);
    put_zeros(&wire, 16);
    end_record(&wire);
    assert_passes(&g, &wire);
}

/* scenario: H94 */
static void test_epochs(void **state)
{
    (void)state;
    static const uint16_t far_epochs[] = { 2, 3, 0x0100, 0x7fff, 0xffff };
    for (size_t i = 0; i < COUNT(far_epochs); i++) {
        struct ln_dtls_guard during = client();
        struct ln_dtls_guard after = established(false, 16);
        begin_record(&wire, DATA, far_epochs[i]);
        put_zeros(&wire, 100);
        end_record(&wire);
        struct packet again = wire;
        assert_dropped(&during, &wire, DROP(EPOCH));
        assert_dropped(&after, &again, DROP(EPOCH));
    }
    struct ln_dtls_guard g = client();
    begin_record(&wire, HANDSHAKE, 1); /* a Finished that overtook its ChangeCipherSpec */
    put_zeros(&wire, 40);
    end_record(&wire);
    assert_passes(&g, &wire);
}

/* A library keeps what it cannot decrypt yet. A few may have overtaken the ChangeCipherSpec; behind it,
 * and in a session, there is nothing to keep, and no stranger can use the genuine ones' room up. */
/* scenario: H94 */
static void test_encrypted_records_before_the_change(void **state)
{
    (void)state;
    struct ln_dtls_guard during = client();
    struct ln_dtls_guard after = established(false, 16);
    for (int change = 0; change <= 1; change++) {
        for (int i = 0; i < 3 * LN_GUARD_EARLY_MAX; i++) {
            begin_record(&wire, i % 2 == 0 ? HANDSHAKE : CCS, 1); /* that type is encrypted too */
            put_zeros(&wire, 40);
            end_record(&wire);
            struct packet again = wire;
            if (change == 0 && i >= LN_GUARD_EARLY_MAX)
                assert_dropped(&during, &wire, DROP(EARLY));
            else
                assert_passes(&during, &wire);
            assert_passes(&after, &again);
        }
        put_record(&wire, CCS, 0, bytes_hex("01"));
        assert_passes(&during, &wire);
    }
}

/* scenario: H96 */
static void test_records_with_connection_id(void **state)
{
    (void)state;
    struct ln_dtls_guard g = established(false, 16);
    for (size_t cid = 0; cid <= 254; cid += 127) {
        begin_record(&wire, CID, 1);
        put_zeros(&wire, cid + 40);
        end_record(&wire);
        assert_dropped(&g, &wire, DROP(CID));
    }
    put_record(&wire, DATA, 1, bytes_hex("00112233445566778899aabbccddeeff")); /* the normal form */
    assert_passes(&g, &wire);
}

static void test_records_of_dtls_1_3(void **state)
{
    (void)state;
    struct ln_dtls_guard g = client();
    put(&wire, bytes_hex("2e 0001 0014 00112233445566778899aabbccddeeff00112233"));
    struct packet again = wire;
    assert_dropped(&g, &wire, DROP(UNIFIED));
    ln__dtls_guard_allow_dtls13(&g);
    assert_passes(&g, &again);
}

/* ---- plain text ---- */

/* scenario: H91 */
static void test_alerts_after_the_handshake(void **state)
{
    (void)state;
    for (int role = 0; role <= 1; role++) {
        struct ln_dtls_guard g = established(role == 1, 16);
        put_record(&wire, ALERT, 0, bytes_hex("01 00")); /* close_notify */
        assert_dropped(&g, &wire, DROP(PLAINTEXT));
        put_record(&wire, ALERT, 0, bytes_hex("02 28")); /* handshake_failure */
        assert_dropped(&g, &wire, DROP(PLAINTEXT));
        put_record(&wire, CCS, 0, bytes_hex("01"));
        assert_dropped(&g, &wire, DROP(PLAINTEXT));
        put_record(&wire, DATA, 0, bytes_hex("00112233445566778899aabbccddeeff"));
        assert_dropped(&g, &wire, DROP(PLAINTEXT));
        assert_false(g.facts.alert); /* no diagnosis from a stranger */
        assert_int_equal(g.facts.records & 1u << ALERT, 0);
    }
}

static void test_alerts_in_the_handshake(void **state)
{
    (void)state;
    static const char *const malformed[] = { "02", "02 28 00", "00 28", "03 28", "02 28 02 28" };
    struct ln_dtls_guard g = client();
    for (size_t i = 0; i < COUNT(malformed); i++) {
        put_record(&wire, ALERT, 0, bytes_hex(malformed[i]));
        assert_dropped(&g, &wire, DROP(ALERT));
    }
    assert_false(g.facts.alert);
    put_record(&wire, ALERT, 0, bytes_hex("01 70")); /* unrecognized_name, as a warning */
    assert_passes(&g, &wire);
    assert_int_equal(g.facts.alert_level, 1);
    put_record(&wire, ALERT, 0, bytes_hex("02 73")); /* unknown_psk_identity */
    assert_passes(&g, &wire);
    assert_true(g.facts.alert);
    assert_int_equal(g.facts.alert_level, 2);
    assert_int_equal(g.facts.alert_number, 115);
}

static void test_change_cipher_spec(void **state)
{
    (void)state;
    static const char *const malformed[] = { "00", "02", "01 01" };
    struct ln_dtls_guard g = client();
    for (size_t i = 0; i < COUNT(malformed); i++) {
        put_record(&wire, CCS, 0, bytes_hex(malformed[i]));
        assert_dropped(&g, &wire, DROP(CCS));
    }
    put_record(&wire, CCS, 0, bytes_hex("01"));
    assert_passes(&g, &wire);
}

static void test_plain_application_data(void **state)
{
    (void)state;
    struct ln_dtls_guard g = client();
    put_record(&wire, DATA, 0, bytes_hex("00112233445566778899aabbccddeeff"));
    assert_dropped(&g, &wire, DROP(PLAINTEXT)); /* never legal */
}

/* scenario: H95 */
static void test_hello_requests(void **state)
{
    (void)state;
    struct ln_dtls_guard guards[] = { client(), greeted_server(), established(false, 16),
                                      established(true, 16) };
    for (size_t i = 0; i < COUNT(guards); i++) {
        for (uint16_t seq = 0; seq < 3; seq++) {
            put_message(&wire, HELLO_REQUEST, seq, ln_span(NULL, 0));
            assert_dropped(&guards[i], &wire, DROP(HELLO_REQUEST));
        }
    }
}

static void test_messages_of_the_wrong_side(void **state)
{
    (void)state;
    static const uint8_t not_from_servers[] = {
        CLIENT_HELLO, CLIENT_KEY_EXCHANGE, CERTIFICATE_VERIFY, FINISHED, 24, 25, 63, 64, 128, 255
    };
    static const uint8_t not_from_clients[] = { SERVER_HELLO,
                                                HELLO_VERIFY,
                                                TICKET,
                                                SERVER_KEY_EXCHANGE,
                                                CERTIFICATE_REQUEST,
                                                SERVER_HELLO_DONE,
                                                FINISHED,
                                                22,
                                                255 };
    for (size_t i = 0; i < COUNT(not_from_servers); i++) {
        struct ln_dtls_guard g = client();
        put_part(&wire, (struct part) { not_from_servers[i], 100, 1, 0, 100 });
        assert_dropped(&g, &wire, DROP(MESSAGE_TYPE));
    }
    for (size_t i = 0; i < COUNT(not_from_clients); i++) {
        struct ln_dtls_guard g = greeted_server();
        put_part(&wire, (struct part) { not_from_clients[i], 100, 1, 0, 100 });
        assert_dropped(&g, &wire, DROP(MESSAGE_TYPE));
    }
}

static void test_servers_hear_the_hello_first(void **state)
{
    (void)state;
    struct ln_dtls_guard g = server();
    put_record(&wire, ALERT, 0, bytes_hex("02 28"));
    assert_dropped(&g, &wire, DROP(BEFORE_HELLO));
    put_record(&wire, CCS, 0, bytes_hex("01"));
    assert_dropped(&g, &wire, DROP(BEFORE_HELLO));
    put_part(&wire, (struct part) { CERTIFICATE, 100, 2, 0, 100 });
    assert_dropped(&g, &wire, DROP(BEFORE_HELLO));
    put_client_hello(&wire);
    assert_passes(&g, &wire);
    put_part(&wire, (struct part) { CERTIFICATE, 100, 2, 0, 100 });
    assert_passes(&g, &wire);
}

/* ---- fragments ---- */

static const struct {
    struct part part;
    uint32_t have; /* bytes that really follow */
    enum ln_guard_drop reason;
    const char *why;
} fragments[] = {
    { { CERTIFICATE, 100, 2, 0, 100 }, 100, DROP(NONE), "a whole message" },
    { { CERTIFICATE, 100, 2, 40, 60 }, 60, DROP(NONE), "the end of one" },
    { { CERTIFICATE, 100, 2, 40, 1 }, 1, DROP(NONE), "one byte of one" },
    { { SERVER_HELLO_DONE, 0, 5, 0, 0 }, 0, DROP(NONE), "a message without contents" },
    { { CERTIFICATE, 100, 2, 0, 101 }, 101, DROP(FRAGMENT), "longer than its message" },
    { { CERTIFICATE, 100, 2, 41, 60 }, 60, DROP(FRAGMENT), "over the end of it" },
    { { CERTIFICATE, 100, 2, 101, 1 }, 1, DROP(FRAGMENT), "behind it" },
    { { CERTIFICATE, 100, 2, 0xffffff, 1 }, 1, DROP(FRAGMENT), "far behind it" },
    { { CERTIFICATE, 100, 2, 0xffffff, 0xffffff }, 1, DROP(FRAGMENT), "a sum above 24 bits" },
    { { CERTIFICATE, 100, 2, 0, 100 }, 99, DROP(FRAGMENT), "longer than its record" },
    { { CERTIFICATE, 100, 2, 0, 99 }, 100, DROP(FRAGMENT), "and something behind it" },
    { { CERTIFICATE, 100, 2, 50, 0 }, 0, DROP(FRAGMENT), "without contents: it moves nothing on" },
    { { CERTIFICATE, 100, 2, 100, 0 }, 0, DROP(FRAGMENT), "without contents, at the end" },
    { { CERTIFICATE, 65536, 2, 0, 100 }, 100, DROP(NONE), "the longest message" },
    { { CERTIFICATE, 65537, 2, 0, 100 }, 100, DROP(MESSAGE_LENGTH), "a longer one" },
    { { CERTIFICATE, 0xffffff, 2, 0, 100 }, 100, DROP(MESSAGE_LENGTH), "16 MiB" },
    { { CERTIFICATE, 2, 2, 0, 2 }, 2, DROP(MESSAGE_LENGTH), "no room for a list" },
    { { SERVER_HELLO, 37, 2, 0, 10 }, 10, DROP(MESSAGE_LENGTH), "a ServerHello that is too short" },
    { { SERVER_HELLO_DONE, 1, 5, 0, 1 }, 1, DROP(MESSAGE_LENGTH), "contents where there are none" },
    { { SERVER_KEY_EXCHANGE, 16385, 3, 0, 100 }, 100, DROP(MESSAGE_LENGTH), "a key of 16 KiB" },
    { { TICKET, 5, 3, 0, 5 }, 5, DROP(MESSAGE_LENGTH), "a ticket without its head" },
    { { CERTIFICATE, 100, 15, 0, 100 }, 100, DROP(NONE), "the last message number" },
    { { CERTIFICATE, 100, 16, 0, 100 }, 100, DROP(SEQUENCE), "one further" },
    { { CERTIFICATE, 100, 0xffff, 0, 100 }, 100, DROP(SEQUENCE), "far in the future" },
};

/* scenario: H92 */
static void test_fragments(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(fragments); i++) {
        struct ln_dtls_guard g = client();
        print_message("  %s\n", fragments[i].why);
        begin_record(&wire, HANDSHAKE, 0);
        put_fragment(&wire, &fragments[i].part, ln_span(NULL, 0));
        put_zeros(&wire, fragments[i].have);
        end_record(&wire);
        if (fragments[i].reason == DROP(NONE))
            assert_passes(&g, &wire);
        else
            assert_dropped(&g, &wire, fragments[i].reason);
    }
    struct ln_dtls_guard g = client();
    put_record(&wire, HANDSHAKE, 0, bytes_hex("0b 000064 0002 000000 0000")); /* a header cut off */
    assert_dropped(&g, &wire, DROP(FRAGMENT));
}

/* scenario: H92 */
static void test_fragments_that_disagree(void **state)
{
    (void)state;
    struct ln_dtls_guard g = client();
    put_part(&wire, (struct part) { CERTIFICATE, 1000, 2, 0, 100 });
    assert_passes(&g, &wire);
    put_part(&wire, (struct part) { CERTIFICATE, 1001, 2, 100, 100 });
    assert_dropped(&g, &wire, DROP(CONFLICT));
    put_part(&wire, (struct part) { CERTIFICATE, 999, 2, 100, 100 });
    assert_dropped(&g, &wire, DROP(CONFLICT));
    put_part(&wire, (struct part) { CERTIFICATE_REQUEST, 1000, 2, 100, 100 });
    assert_dropped(&g, &wire, DROP(CONFLICT));
    put_part(&wire, (struct part) { CERTIFICATE, 1000, 2, 50, 100 }); /* overlapping is legal */
    assert_passes(&g, &wire);
    put_part(&wire, (struct part) { CERTIFICATE, 1000, 2, 100, 900 });
    assert_passes(&g, &wire);
}

/* scenario: H92 */
static void test_memory_that_is_claimed(void **state)
{
    (void)state;
    struct ln_dtls_guard g = client();
    for (uint16_t seq = 0; seq < LN_GUARD_WINDOW; seq++) {
        put_part(&wire, (struct part) { CERTIFICATE, LN_GUARD_MESSAGE_MAX, seq, 7, 1 });
        if (seq < 2)
            assert_passes(&g, &wire);
        else
            assert_dropped(&g, &wire, DROP(CLAIM));
    }
    assert_true(g.claimed <= LN_GUARD_CLAIM_MAX);
    put_part(&wire, (struct part) { CERTIFICATE, LN_GUARD_MESSAGE_MAX, 1, 8, 100 });
    assert_passes(&g, &wire); /* what was claimed may come */
}

/* One bad fragment spoils its record, and what the good one before it taught is forgotten. */
static void test_a_record_is_kept_whole_or_not(void **state)
{
    (void)state;
    struct ln_dtls_guard g = client();
    begin_record(&wire, HANDSHAKE, 0);
    put_fragment(&wire, &(struct part) { CERTIFICATE, 10, 2, 0, 10 },
                 bytes_hex("00112233445566778899"));
    put_fragment(&wire, &(struct part) { SERVER_HELLO_DONE, 1, 3, 0, 1 }, bytes_hex("00"));
    end_record(&wire);
    assert_dropped(&g, &wire, DROP(MESSAGE_LENGTH));
    assert_int_equal(g.facts.messages, 0);
    put_part(&wire, (struct part) { CERTIFICATE, 20, 2, 0, 20 });
    assert_passes(&g, &wire); /* another length: nothing was remembered */
    begin_record(&wire, HANDSHAKE, 0);
    put_fragment(&wire, &(struct part) { CERTIFICATE, 20, 2, 10, 10 },
                 bytes_hex("00112233445566778899"));
    put_fragment(&wire, &(struct part) { SERVER_HELLO_DONE, 0, 3, 0, 0 }, ln_span(NULL, 0));
    end_record(&wire);
    assert_passes(&g, &wire);
    assert_int_equal(g.facts.messages, 1u << CERTIFICATE | 1u << SERVER_HELLO_DONE);
}

/* ---- what the numbers tell of the path ---- */

static void send_numbered(struct ln_dtls_guard *g, uint32_t number, uint16_t seq)
{
    put_part(&wire, (struct part) { CERTIFICATE, 20, seq, 0, 20 });
    for (size_t i = 0; i < 4; i++)
        wire.data[wire.header + 7 + i] = (uint8_t)(number >> (24 - 8 * i));
    assert_passes(g, &wire);
}

static const struct {
    const char *sentence;
    bool bad;
    size_t count;
    uint32_t numbers[6];
} paths[] = {
    { "nothing", false, 0, { 0 } },
    { "one", false, 1, { 7 } },
    { "one after the other", false, 4, { 2, 3, 4, 5 } },
    { "one was lost", true, 3, { 2, 3, 5 } },
    { "many were lost", true, 2, { 2, 1000 } },
    { "overtaken on the way, and none is missing", false, 5, { 4, 2, 3, 6, 5 } },
    { "the last comes first", false, 3, { 9, 8, 7 } },
    { "overtaken, and one is missing", true, 4, { 4, 2, 6, 5 } },
    { "one was doubled", true, 3, { 2, 3, 2 } },
    { "the last was doubled", true, 3, { 2, 3, 3 } },
    { "far behind: others are missing in between", true, 3, { 2, 100, 2 } },
};

static void test_losses_and_copies(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(paths); i++) {
        struct ln_dtls_guard g = client();
        for (size_t k = 0; k < paths[i].count; k++)
            send_numbered(&g, paths[i].numbers[k], 2);
        bool doubles = strstr(paths[i].sentence, "doubled") != NULL;
        if (ln__dtls_guard_path_is_bad(&g) != paths[i].bad ||
            ln__dtls_guard_path_doubles(&g) != doubles)
            fail_msg("%s", paths[i].sentence);
    }
}

/* What is encrypted has numbers of its own, and a HelloVerifyRequest has that of the ClientHello. */
static void test_records_that_are_not_counted(void **state)
{
    (void)state;
    struct ln_dtls_guard g = client();
    send_numbered(&g, 100, 2);
    put_message(&wire, HELLO_VERIFY, 0, bytes_hex("fefd 02 0102"));
    assert_passes(&g, &wire); /* number 0 */
    put_record(&wire, HANDSHAKE, 1, bytes_hex("000102030405060708090a0b0c0d0e0f"));
    assert_passes(&g, &wire); /* number 0 */
    assert_false(ln__dtls_guard_path_is_bad(&g));
    put_record(&wire, ALERT, 0, bytes_hex("02 28"));
    assert_passes(&g, &wire); /* number 0 */
    assert_true(ln__dtls_guard_path_is_bad(&g));
}

static void test_flights_and_gaps(void **state)
{
    (void)state;
    struct ln_dtls_guard g = client();
    assert_int_equal(ln__dtls_guard_flights(&g), 0);
    assert_false(ln__dtls_guard_has_gap(&g));
    put_message(&wire, SERVER_HELLO, 0, bytes_hex(server_hello));
    assert_passes(&g, &wire);
    assert_int_equal(ln__dtls_guard_flights(&g), 1);
    assert_false(ln__dtls_guard_has_gap(&g)); /* what comes behind may still be on its way */
    for (uint32_t flight = 1; flight <= 3; flight++) {
        send_numbered(&g, 10 * flight, 2); /* but 1 does not come */
        assert_int_equal(ln__dtls_guard_flights(&g), flight);
        assert_true(ln__dtls_guard_has_gap(&g));
        /* of the second flight something came that the first one lacked, and more of the third */
        assert_int_equal(ln__dtls_guard_is_steady(&g, 0), flight == 1);
        assert_int_equal(ln__dtls_guard_is_steady(&g, 1), flight <= 2);
        assert_true(ln__dtls_guard_is_steady(&g, 2));
    }
    send_numbered(&g, 30, 2); /* a copy of the third */
    assert_int_equal(ln__dtls_guard_flights(&g), 3);
    put_part(&wire, (struct part) { CERTIFICATE, 20, 1, 10, 10 });
    wire.data[wire.header + 10] = 40;
    assert_passes(&g, &wire); /* the second half of it */
    assert_true(ln__dtls_guard_has_gap(&g));
    put_part(&wire, (struct part) { CERTIFICATE, 20, 1, 0, 10 });
    wire.data[wire.header + 10] = 41;
    assert_passes(&g, &wire); /* the first: the second came too early to be counted */
    assert_true(ln__dtls_guard_has_gap(&g));
    put_part(&wire, (struct part) { CERTIFICATE, 20, 1, 8, 12 });
    wire.data[wire.header + 10] = 42;
    assert_passes(&g, &wire);
    assert_false(ln__dtls_guard_has_gap(&g));
}

static void test_only_repetitions_after_the_handshake(void **state)
{
    (void)state;
    struct ln_dtls_guard g = client();
    put_part(&wire, (struct part) { CERTIFICATE, 20, 2, 0, 20 });
    assert_passes(&g, &wire);
    ln__dtls_guard_established(&g, 16);
    put_part(&wire, (struct part) { CERTIFICATE, 20, 2, 5, 10 });
    assert_passes(&g, &wire);
    put_part(&wire, (struct part) { CERTIFICATE, 21, 2, 0, 21 });
    assert_dropped(&g, &wire, DROP(CONFLICT));
    put_part(&wire, (struct part) { CERTIFICATE, 20, 3, 0, 20 });
    assert_dropped(&g, &wire, DROP(PLAINTEXT));
    put_message(&wire, SERVER_HELLO, 1, bytes_hex(server_hello));
    assert_dropped(&g, &wire, DROP(PLAINTEXT));
    put_message(&wire, HELLO_VERIFY, 0, bytes_hex("feff 00"));
    assert_dropped(&g, &wire, DROP(PLAINTEXT));

    struct ln_dtls_guard s = established(true, 16);
    put_message(&wire, CLIENT_HELLO, 0, bytes_hex("fefd" RANDOM "00 00 0004c0a800ae 0100"));
    assert_passes(&s, &wire); /* a client that lost its state, RFC 6347 4.2.8 */
    put_part(&wire, (struct part) { CERTIFICATE, 20, 2, 0, 20 });
    assert_dropped(&s, &wire, DROP(PLAINTEXT));
}

/* ---- hellos ---- */

static const struct {
    const char *hex;
    bool whole;
    enum ln_guard_drop reason;
    uint16_t version;
    uint16_t suite;
    const char *why;
} server_hellos[] = {
    { "fefd" RANDOM "00 c0a8 00", true, DROP(NONE), 0xfefd, 0xc0a8, "the shortest" },
    { "feff" RANDOM "00 c0a8 00", true, DROP(NONE), 0xfeff, 0xc0a8, "DTLS 1.0" },
    { "fefd" RANDOM "20" RANDOM "c02b 00 0000", true, DROP(NONE), 0xfefd, 0xc02b,
      "a session id, and no extension" },
    { "fefd" RANDOM "00 c0a8 00 0005 ff01000100", true, DROP(NONE), 0xfefd, 0xc0a8,
      "an extension" },
    { "fefd" RANDOM "00 1301 00 000b ff01000100 002b0002fefc", true, DROP(NONE), 0xfefc, 0x1301,
      "supported_versions has the last word" },
    { "fefd" RANDOM "00 c0a8 00 ff", true, DROP(HELLO), 0, 0, "half a length of extensions" },
    { "fefd" RANDOM "00 c0a8 00 0006 ff01000100", true, DROP(HELLO), 0, 0, "extensions cut off" },
    { "fefd" RANDOM "00 c0a8 00 0004 ff01000100", true, DROP(HELLO), 0, 0,
      "something behind them" },
    { "fefd" RANDOM "00 c0a8 00 0005 ff01000200", true, DROP(HELLO), 0, 0, "an extension cut off" },
    { "fefd" RANDOM "00 c0a8 00 0006 002b0002fefd00", true, DROP(HELLO), 0, 0,
      "too much behind it" },
    { "fefd" RANDOM "00 1301 00 0007 002b0003fefc00", true, DROP(HELLO), 0, 0,
      "supported_versions of three bytes" },
    { "fefd" RANDOM "21" RANDOM "00 c0a8 00", true, DROP(HELLO), 0, 0, "a session id of 33 bytes" },
    { "fefd" RANDOM "20 c0a8 00", true, DROP(HELLO), 0, 0, "a session id that is not there" },
    { "fefd" RANDOM "00 c0a8 00 0005", false, DROP(NONE), 0xfefd, 0xc0a8,
      "a first fragment: version and suite are there already" },
    { "fefd 0001", false, DROP(NONE), 0, 0, "a very short first fragment" },
};

static void test_server_hellos(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(server_hellos); i++) {
        struct ln_dtls_guard g = client();
        struct ln_span body = bytes_hex(server_hellos[i].hex);
        print_message("  %s\n", server_hellos[i].why);
        struct part f = { SERVER_HELLO, (uint32_t)body.len, 0, 0, (uint32_t)body.len };
        if (!server_hellos[i].whole)
            f.length = 90;
        begin_record(&wire, HANDSHAKE, 0);
        put_fragment(&wire, &f, body);
        end_record(&wire);
        if (server_hellos[i].reason == DROP(NONE))
            assert_passes(&g, &wire);
        else
            assert_dropped(&g, &wire, server_hellos[i].reason);
        assert_int_equal(g.facts.version, server_hellos[i].version);
        assert_int_equal(g.facts.suite, server_hellos[i].suite);
    }
}

static const struct {
    const char *hex;
    bool passes;
    const char *why;
} client_hellos[] = {
    { "fefd" RANDOM "00 00 0002c0a8 0100", true, "the shortest" },
    { "fefd" RANDOM "20" RANDOM
      "14 000102030405060708090a0b0c0d0e0f10111213 0004c0a800ff 0100 0004 "
      "00230000",
      true, "session id, cookie, two suites, an extension" },
    { "fefd" RANDOM "00 ff 0002c0a8 0100", false, "a cookie longer than the message" },
    { "fefd" RANDOM "21" RANDOM "00 00 0002c0a8 0100", false, "a session id of 33 bytes" },
    { "fefd" RANDOM "00 00 0000 0100 0000", false, "no suite" },
    { "fefd" RANDOM "00 00 0003c0a800 0100", false, "one and a half suites" },
    { "fefd" RANDOM "00 00 ff02c0a8 0100", false, "suites longer than the message" },
    { "fefd" RANDOM "00 00 0002c0a8 00 0000", false, "no compression method" },
    { "fefd" RANDOM "00 00 0002c0a8 0100 0005 00230000", false, "extensions cut off" },
    { "fefd" RANDOM "00 00 0002c0a8 0100 0004 00230001", false, "an extension cut off" },
    { "fefd" RANDOM "00 00 0002c0a8 0100 0000 00", false, "something behind the extensions" },
};

static void test_client_hellos(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(client_hellos); i++) {
        struct ln_dtls_guard g = server();
        print_message("  %s\n", client_hellos[i].why);
        put_message(&wire, CLIENT_HELLO, 0, bytes_hex(client_hellos[i].hex));
        if (client_hellos[i].passes)
            assert_passes(&g, &wire);
        else
            assert_dropped(&g, &wire, DROP(HELLO));
    }
    struct ln_dtls_guard g = server();
    put_part(&wire, (struct part) { CLIENT_HELLO, 41, 0, 0, 41 });
    assert_dropped(&g, &wire, DROP(MESSAGE_LENGTH));
}

static void test_server_hello_in_fragments(void **state)
{
    (void)state;
    struct ln_dtls_guard g = client();
    put_part(&wire, (struct part) { SERVER_HELLO, 90, 0, 40, 50 });
    assert_passes(&g, &wire);
    assert_int_equal(g.facts.version, 0); /* it is at the beginning */
    begin_record(&wire, HANDSHAKE, 0);
    put_fragment(&wire, &(struct part) { SERVER_HELLO, 90, 0, 0, 40 },
                 bytes_hex("fefd" RANDOM "00 c02b 00 0032"));
    end_record(&wire);
    assert_passes(&g, &wire);
    assert_int_equal(g.facts.version, 0xfefd);
    assert_int_equal(g.facts.suite, 0xc02b);
}

/* scenario: H93 */
static void test_cookies_longer_than_the_message(void **state)
{
    (void)state;
    static const char *const malformed[] = { "feff 14 0011", "feff ff", "feff 01 0011",
                                             "feff 00 00",   "feff",    "fe" };
    struct ln_dtls_guard g = client();
    for (size_t i = 0; i < COUNT(malformed); i++) {
        struct ln_span body = bytes_hex(malformed[i]);
        put_message(&wire, HELLO_VERIFY, 0, body);
        assert_dropped(&g, &wire, body.len < 3 ? DROP(MESSAGE_LENGTH) : DROP(HELLO_VERIFY));
    }
    put_part(&wire, (struct part) { HELLO_VERIFY, 23, 0, 0, 10 });
    assert_dropped(&g, &wire, DROP(HELLO_VERIFY)); /* never in fragments */
    put_part(&wire, (struct part) { HELLO_VERIFY, 259, 0, 0, 259 });
    assert_dropped(&g, &wire, DROP(MESSAGE_LENGTH));
    assert_int_equal(g.facts.hello_verifies, 0);
    put_message(&wire, HELLO_VERIFY, 0, bytes_hex("feff 02 0011"));
    assert_passes(&g, &wire);
    put_message(&wire, HELLO_VERIFY, 0, bytes_hex("feff 00"));
    assert_passes(&g, &wire); /* RFC 6347 4.2.1: cookie<0..255> */
    assert_int_equal(g.facts.hello_verifies, 2);
}

/* scenario: H93 */
static void test_hello_verify_loops(void **state)
{
    (void)state;
    struct ln_dtls_guard g = client();
    for (uint8_t turn = 0; turn < 8; turn++) {
        const uint8_t body[] = { 0xfe, 0xff, 1, turn };
        put_message(&wire, HELLO_VERIFY, turn, bytes_copy(ln_span(body, sizeof body)));
        if (turn < LN_GUARD_HELLO_VERIFY_MAX)
            assert_passes(&g, &wire);
        else
            assert_dropped(&g, &wire, DROP(HELLO_LOOP));
        assert_int_equal(g.facts.loop, turn >= LN_GUARD_HELLO_VERIFY_MAX);
    }
    ln__dtls_guard_init(&g, false);
    assert_false(g.facts.loop); /* of one handshake */
}

/* On a slow path our ClientHello was repeated, and so is its answer: no loop. */
static void test_repeated_hello_verify_is_no_loop(void **state)
{
    (void)state;
    struct ln_dtls_guard g = client();
    for (size_t i = 0; i < 20; i++) {
        put_message(&wire, HELLO_VERIFY, 0, bytes_hex("feff 04 00112233"));
        assert_passes(&g, &wire);
    }
    assert_int_equal(g.facts.hello_verifies, 1);
    assert_false(g.facts.loop);
}

/* The first server message may carry the number that its HelloVerifyRequest had. */
static void test_hello_verify_takes_no_message_number(void **state)
{
    (void)state;
    struct ln_dtls_guard g = client();
    put_message(&wire, HELLO_VERIFY, 0, bytes_hex("feff 04 00112233"));
    assert_passes(&g, &wire);
    put_message(&wire, SERVER_HELLO, 0, bytes_hex(server_hello));
    assert_passes(&g, &wire);
}

static void test_texts_of_reasons(void **state)
{
    (void)state;
    for (int i = 0; i < LN_GUARD_DROP_COUNT; i++)
        assert_true(strlen(ln__dtls_guard_drop_text((enum ln_guard_drop)i)) > 10);
    assert_string_equal(ln__dtls_guard_drop_text((enum ln_guard_drop)999), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_broken_records),
        cmocka_unit_test(test_versions_of_records),
        cmocka_unit_test(test_records_are_told_apart_in_one_datagram),
        cmocka_unit_test(test_lengths_of_records),
        cmocka_unit_test(test_records_too_short_for_nonce_and_tag),
        cmocka_unit_test(test_short_records_before_the_end_of_the_handshake),
        cmocka_unit_test(test_a_forged_server_hello_raises_no_bar),
        cmocka_unit_test(test_epochs),
        cmocka_unit_test(test_encrypted_records_before_the_change),
        cmocka_unit_test(test_records_with_connection_id),
        cmocka_unit_test(test_records_of_dtls_1_3),
        cmocka_unit_test(test_alerts_after_the_handshake),
        cmocka_unit_test(test_alerts_in_the_handshake),
        cmocka_unit_test(test_change_cipher_spec),
        cmocka_unit_test(test_plain_application_data),
        cmocka_unit_test(test_hello_requests),
        cmocka_unit_test(test_messages_of_the_wrong_side),
        cmocka_unit_test(test_servers_hear_the_hello_first),
        cmocka_unit_test(test_fragments),
        cmocka_unit_test(test_fragments_that_disagree),
        cmocka_unit_test(test_memory_that_is_claimed),
        cmocka_unit_test(test_a_record_is_kept_whole_or_not),
        cmocka_unit_test(test_losses_and_copies),
        cmocka_unit_test(test_records_that_are_not_counted),
        cmocka_unit_test(test_flights_and_gaps),
        cmocka_unit_test(test_only_repetitions_after_the_handshake),
        cmocka_unit_test(test_server_hellos),
        cmocka_unit_test(test_server_hello_in_fragments),
        cmocka_unit_test(test_client_hellos),
        cmocka_unit_test(test_cookies_longer_than_the_message),
        cmocka_unit_test(test_hello_verify_loops),
        cmocka_unit_test(test_repeated_hello_verify_is_no_loop),
        cmocka_unit_test(test_hello_verify_takes_no_message_number),
        cmocka_unit_test(test_texts_of_reasons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
