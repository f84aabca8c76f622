/* SPDX-License-Identifier: Apache-2.0 */
/* The guard of src/tls/dtls_guard.c and handshakes of OpenSSL and GnuTLS, recorded by
 * tests/data/dtls/record.py: what correct peers send passes, whatever the network does to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/bytes.h"
#include "tls/dtls_guard.h"

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

enum { CCS = 20, HANDSHAKE = 22 };
enum {
    SERVER_HELLO = 2,
    HELLO_VERIFY = 3,
    TICKET = 4,
    CERTIFICATE = 11,
    SERVER_KEY_EXCHANGE = 12,
    CERTIFICATE_REQUEST = 13,
    SERVER_HELLO_DONE = 14,
};

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

#define DATAGRAMS_MAX 40

struct recording {
    size_t count;
    bool from_client[DATAGRAMS_MAX];
    struct ln_span datagram[DATAGRAMS_MAX];
};

static struct recording load(const char *name)
{
    struct recording r = { .count = 0 };
    struct ln_span text = bytes_file(name);
    for (size_t at = 0; at < text.len;) {
        const uint8_t *line = text.data + at;
        const uint8_t *end = memchr(line, '\n', text.len - at);
        assert_non_null(end);
        size_t len = (size_t)(end - line);
        if (line[0] != '#') {
            char hex[8000];
            assert_true(len > 2 && len < sizeof hex && r.count < DATAGRAMS_MAX);
            memcpy(hex, line + 2, len - 2);
            hex[len - 2] = '\0';
            r.from_client[r.count] = line[0] == '>';
            r.datagram[r.count++] = bytes_hex(hex);
        }
        at += len + 1;
    }
    assert_true(r.count > 0);
    return r;
}

static void pass_unchanged(struct ln_dtls_guard *g, struct ln_span datagram)
{
    struct ln_mspan copy = bytes_mcopy(datagram);
    assert_int_equal(ln__dtls_guard_filter(g, copy.data, copy.len), datagram.len);
    assert_memory_equal(copy.data, datagram.data, datagram.len);
    assert_int_equal(ln__dtls_guard_dropped(g), 0);
}

static const char *const recordings[] = {
    "dtls/certificate.txt",  "dtls/mutual_mtu_300.txt", "dtls/psk_cookie.txt",
    "dtls/ticket.txt",       "dtls/session_id.txt",     "dtls/ticket_last_flight_lost.txt",
    "dtls/lost_flights.txt", "dtls/gnutls_mutual.txt",
};

static void test_handshakes_pass(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(recordings); i++) {
        struct recording r = load(recordings[i]);
        struct ln_dtls_guard at_client = client();
        struct ln_dtls_guard at_server = server();
        print_message("  %s: %zu datagrams\n", recordings[i], r.count);
        for (size_t n = 0; n < r.count; n++)
            pass_unchanged(r.from_client[n] ? &at_server : &at_client, r.datagram[n]);
    }
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* Whatever the network does: any order, anything twice. Only a server's first datagram is always the
 * ClientHello, for nobody sends anything else before our answer. */
static void test_handshakes_pass_in_any_order(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 400; seed++) {
        struct recording r = load(recordings[seed % COUNT(recordings)]);
        struct ln_dtls_guard at_client = client();
        struct ln_dtls_guard at_server = server();
        uint32_t random = seed;
        assert_true(r.from_client[0]);
        pass_unchanged(&at_server, r.datagram[0]);
        for (size_t n = 0; n < 3 * r.count; n++) {
            size_t pick = next_random(&random) % r.count;
            pass_unchanged(r.from_client[pick] ? &at_server : &at_client, r.datagram[pick]);
        }
    }
}

/* Each record in a datagram of its own, and several datagrams as one. */
static void test_handshakes_pass_in_other_datagrams(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(recordings); i++) {
        struct recording r = load(recordings[i]);
        struct ln_dtls_guard single = client();
        struct ln_dtls_guard joined = client();
        struct ln_span all = ln_span(NULL, 0);
        for (size_t n = 0; n < r.count; n++) {
            if (r.from_client[n])
                continue;
            const struct ln_span parts[] = { all, r.datagram[n] };
            all = bytes_join(parts, 2);
            for (size_t at = 0; at < r.datagram[n].len;) {
                const uint8_t *record = r.datagram[n].data + at;
                size_t len = 13 + (size_t)(record[11] << 8 | record[12]);
                pass_unchanged(&single, ln_span(record, len));
                at += len;
            }
        }
        pass_unchanged(&joined, all);
    }
}

/* The client is done, its last flight was lost, and the server sends its own again (RFC 6347
 * 4.2.4). What tells the library is the Finished, which passes; the repeated ServerHello does too.
 * The ChangeCipherSpec between them is of no use to anybody any more. */
static void test_last_flight_of_an_abbreviated_handshake(void **state)
{
    (void)state;
    struct recording r = load("dtls/ticket_last_flight_lost.txt");
    struct ln_dtls_guard g = client();
    size_t from_server = 0;
    for (size_t n = 0; n < r.count; n++) {
        if (r.from_client[n])
            continue;
        struct ln_mspan d = bytes_mcopy(r.datagram[n]);
        size_t kept = ln__dtls_guard_filter(&g, d.data, d.len);
        from_server++;
        /* HelloVerifyRequest; ServerHello, ChangeCipherSpec and Finished; the three again, each
         * in a datagram of its own */
        assert_int_equal(kept, from_server == 4 ? 0 : d.len);
        if (from_server == 2)
            ln__dtls_guard_established(&g, 24);
    }
    assert_int_equal(from_server, 5);
    assert_int_equal(ln__dtls_guard_dropped(&g), 1);
}

static void test_facts_of_recorded_handshakes(void **state)
{
    (void)state;
    struct recording r = load("dtls/mutual_mtu_300.txt");
    struct ln_dtls_guard g = client();
    for (size_t n = 0; n < r.count; n++) {
        if (!r.from_client[n])
            pass_unchanged(&g, r.datagram[n]);
    }
    assert_int_equal(g.facts.records, 1u << CCS | 1u << HANDSHAKE);
    assert_int_equal(g.facts.messages, 1u << SERVER_HELLO | 1u << HELLO_VERIFY | 1u << TICKET |
                                           1u << CERTIFICATE | 1u << SERVER_KEY_EXCHANGE |
                                           1u << CERTIFICATE_REQUEST | 1u << SERVER_HELLO_DONE);
    assert_int_equal(g.facts.version, 0xfefd);
    assert_int_equal(g.facts.suite, 0xc02c);
    assert_int_equal(g.facts.hello_verifies, 1);
    assert_false(g.facts.loop);
    assert_false(g.facts.alert);

    r = load("dtls/psk_cookie.txt");
    g = client();
    for (size_t n = 0; n < r.count; n++) {
        if (!r.from_client[n])
            pass_unchanged(&g, r.datagram[n]);
    }
    assert_int_equal(g.facts.suite, 0x00a8);
    assert_int_equal(g.facts.messages & 1u << CERTIFICATE, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handshakes_pass),
        cmocka_unit_test(test_handshakes_pass_in_any_order),
        cmocka_unit_test(test_handshakes_pass_in_other_datagrams),
        cmocka_unit_test(test_last_flight_of_an_abbreviated_handshake),
        cmocka_unit_test(test_facts_of_recorded_handshakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
