/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_tls_io.c
 * Data over TLS and DTLS: boundaries, truncation, what is pending, timeouts, the kinds of endings,
 * counters (secure-sockets.md 1.4 and 1.6).
 */
#include "support/rawpeer.h"
#include "support/shelf.h"
#include "support/tlspair.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#include <linnet/filter.h>

static void fill(uint8_t *data, size_t len, unsigned salt)
{
    for (size_t i = 0; i < len; i++)
        data[i] = (uint8_t)((i * 7 + i / 256 + salt) & 0xff);
}

static struct ln_sock_info info_of(const struct ln_sock *s)
{
    struct ln_sock_info info;
    ln_sock_info(s, &info);
    return info;
}

/* Until what was sent has arrived; nothing is read. */
static void let_arrive(struct tls_pair *p)
{
    ln_testkit_advance(p->kit, 100);
}

static bool is_ready(const struct ln_sock *s)
{
    struct ln_interest want = ln_interest(LN_WANT_READ);
    ln_sock_interest(s, LN_WANT_READ, &want);
    return want.ready;
}

/* ---- datagrams ---- */

struct cut {
    size_t room;
    enum ln_status st;
    size_t got;
};

/* scenario: S43, S24, PIT-03 */
static void test_truncation_is_exact(void **state)
{
    (void)state;
    static const struct cut table[] = {
        { 99, LN_NO_SPACE, 99 }, { 100, LN_OK, 100 },  { 101, LN_OK, 100 },
        { 1, LN_NO_SPACE, 1 },   { 1000, LN_OK, 100 }, { 20000, LN_OK, 100 },
    };
    static uint8_t room[20000];
    uint8_t message[100];
    uint8_t next[50];
    struct tls_rows rows = tls_rows_of(LN_DTLS_1_2, 0);
    fill(message, sizeof message, 1);
    fill(next, sizeof next, 2);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_psk(&rows.row[r], "a datagram of 100 bytes");
        struct tls_pair p;
        tls_pair_start(&p, &c);
        for (size_t i = 0; i < COUNT(table); i++) {
            size_t got = 77;
            memset(room, 0xee, sizeof room);
            assert_int_equal(tls_pair_send(&p, p.server, ln_span(message, 100)), LN_OK);
            assert_int_equal(tls_pair_send(&p, p.server, ln_span(next, 50)), LN_OK);
            enum ln_status st =
                tls_pair_recv(&p, p.client, ln_mspan(room, table[i].room), &got, 1000);
            if (st != table[i].st || got != table[i].got)
                tls_fail(&p, "room of %zu: %s, %zu bytes", table[i].room, ln_status_name(st), got);
            assert_memory_equal(room, message, got);
            assert_int_equal(room[got], 0xee);
            assert_int_equal(info_of(p.client).datagram_len, 100);
            /* the rest is gone, the next one is whole */
            assert_int_equal(tls_pair_recv(&p, p.client, ln_mspan(room, 200), &got, 1000), LN_OK);
            assert_int_equal(got, 50);
            assert_memory_equal(room, next, 50);
            assert_int_equal(info_of(p.client).datagram_len, 50);
            assert_int_equal(info_of(p.client).state, LN_SOCK_OPEN);
        }
        tls_pair_close(&p);
    }
}

/* Rule 1 of sock.h: an empty datagram is one, not an end. Where the library cannot send a record
 * without data (OpenSSL 3.0), it says so, and nothing changes. */
/* scenario: S43, S40 */
static void test_empty_datagrams(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows_of(LN_DTLS_1_2, 0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_psk(&rows.row[r], "empty datagrams");
        struct tls_pair p;
        uint8_t room[8];
        tls_pair_start(&p, &c);
        for (int i = 0; i < 3; i++) {
            size_t got = 77;
            size_t sent = 77;
            size_t before = p.client_tap.sent;
            enum ln_status st = ln_sock_send(p.client, ln_span(NULL, 0), &sent);
            assert_int_equal(sent, 0);
            if (st == LN_UNSUPPORTED) {
                assert_int_equal(p.client_tap.sent, before);
                assert_int_equal(info_of(p.client).state, LN_SOCK_OPEN);
                continue;
            }
            if (st != LN_OK)
                tls_fail(&p, "sending came to %s", ln_status_name(st));
            assert_int_equal(p.client_tap.sent, before + 1);
            assert_int_equal(tls_pair_recv(&p, p.server, ln_mspan(room, sizeof room), &got, 1000),
                             LN_OK);
            assert_int_equal(got, 0);
        }
        tls_pair_finish(&p);
    }
}

/* Rule 5: one send, one datagram; whatever is read with. */
/* scenario: S40, S42 */
static void test_datagrams_keep_their_boundaries(void **state)
{
    (void)state;
    static const size_t lengths[] = { 1, 500, 1, 2, 1300, 16, 17, 3 };
    uint8_t message[1400];
    uint8_t room[1400];
    struct tls_rows rows = tls_rows_of(LN_DTLS_1_2, 0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_psk(&rows.row[r], "datagrams of many lengths at once");
        struct tls_pair p;
        tls_pair_start(&p, &c);
        for (size_t i = 0; i < COUNT(lengths); i++) {
            fill(message, lengths[i], (unsigned)i);
            assert_int_equal(tls_pair_send(&p, p.client, ln_span(message, lengths[i])), LN_OK);
        }
        let_arrive(&p);
        for (size_t i = 0; i < COUNT(lengths); i++) {
            size_t got = 77;
            fill(message, lengths[i], (unsigned)i);
            assert_int_equal(tls_pair_recv(&p, p.server, ln_mspan(room, sizeof room), &got, 1000),
                             LN_OK);
            assert_int_equal(got, lengths[i]);
            assert_memory_equal(room, message, got);
        }
        tls_pair_close(&p);
    }
}

/* TLS-90, SOCK-22: what info.inner_mtu allows goes out in one datagram within the MTU; one byte more
 * is refused and changes nothing. */
/* scenario: S20, S43 */
static void test_inner_mtu_is_exact(void **state)
{
    (void)state;
    static const uint16_t suites[] = { 0xc0a8, 0x00a8, 0xc0a4, 0xccab, 0x00ae, 0xc037 };
    static const uint16_t mtus[] = { 300, 576, 1280, 1500 };
    static uint8_t message[2000];
    static uint8_t room[2000];
    struct tls_rows rows = tls_rows_of(LN_DTLS_1_2, 0);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t s = 0; s < COUNT(suites); s++) {
            for (size_t m = 0; m < COUNT(mtus); m++) {
                struct tls_case c = tls_case_psk(&rows.row[r], "as much as fits");
                c.client.suites = &suites[s];
                c.client.suite_count = 1;
                c.server.suites = &suites[s];
                c.server.suite_count = 1;
                c.link = (struct ln_testkit_link) { .mtu = mtus[m] };
                struct tls_pair p;
                size_t got = 0;
                size_t sent = 77;
                tls_pair_open(&p, &c);
                assert_int_equal(info_of(p.client).inner_mtu, 0); /* not open */
                tls_pair_must_connect(&p);
                size_t most = info_of(p.client).inner_mtu;
                size_t below = (size_t)mtus[m] - 28;
                assert_true(most > 0 && most < below);
                fill(message, most + 1, 5);
                size_t before = p.client_tap.sent;
                if (ln_sock_send(p.client, ln_span(message, most + 1), &sent) != LN_NO_SPACE)
                    tls_fail(&p, "suite 0x%04x: %zu bytes were taken at MTU %u", suites[s],
                             most + 1, mtus[m]);
                assert_int_equal(sent, 0);
                assert_int_equal(p.client_tap.sent, before);
                assert_int_equal(tls_pair_send(&p, p.client, ln_span(message, most)), LN_OK);
                assert_int_equal(p.client_tap.sent, before + 1);
                size_t wire = p.client_tap.packet[p.client_tap.packets - 1].len;
                if (wire > below)
                    tls_fail(&p, "a datagram of %zu bytes at MTU %u", wire, mtus[m]);
                /* no room is given away: exact for AEAD, within MAC and one block for CBC */
                size_t slack = suites[s] == 0x00ae || suites[s] == 0xc037 ? 16 + 32 : 0;
                if (wire + slack < below)
                    tls_fail(&p, "suite 0x%04x: %zu of %zu bytes are used", suites[s], wire, below);
                assert_int_equal(info_of(p.client).overhead, below - most);
                assert_int_equal(
                    tls_pair_recv(&p, p.server, ln_mspan(room, sizeof room), &got, 1000), LN_OK);
                assert_int_equal(got, most);
                assert_memory_equal(room, message, most);
                tls_pair_close(&p);
            }
        }
    }
}

/* A path may take more than a record can hold (loopback does): then that is the limit, and it is told. */
/* scenario: S20, S43 */
static void test_a_path_wider_than_a_record(void **state)
{
    (void)state;
    static uint8_t message[16385];
    static uint8_t room[16385];
    struct tls_rows rows = tls_rows_of(LN_DTLS_1_2, 0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_psk(&rows.row[r], "a path of 65535 bytes");
        c.link.mtu = 65535;
        struct tls_pair p;
        size_t sent = 77;
        size_t got = 0;
        tls_pair_start(&p, &c);
        struct ln_sock_info info = info_of(p.client);
        assert_int_equal(info.mtu, 65535);
        assert_int_equal(info.inner_mtu, 16384);
        assert_in_range(info.overhead, 13, 100); /* what a record adds, and not what is left over */
        fill(message, sizeof message, 9);
        assert_int_equal(ln_sock_send(p.client, ln_span(message, 16385), &sent), LN_NO_SPACE);
        assert_int_equal(sent, 0);
        /* GnuTLS wants its header to fit into so many bytes, too (tls_backend.h: LN_NO_SPACE) */
        size_t most = tls_is_built_in(rows.row[r].client) ? 16384 : 16000;
        assert_int_equal(tls_pair_send(&p, p.client, ln_span(message, most)), LN_OK);
        assert_int_equal(tls_pair_recv(&p, p.server, ln_mspan(room, sizeof room), &got, 1000),
                         LN_OK);
        assert_int_equal(got, most);
        assert_memory_equal(room, message, got);
        tls_pair_finish(&p);
    }
}

/* S20: forced_mtu of the transport below counts, too. */
/* scenario: S20 */
static void test_a_forced_mtu(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows_of(LN_DTLS_1_2, 0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_psk(&rows.row[r], "options.mtu of the socket is 400");
        c.client_socket.mtu = 400;
        struct tls_pair p;
        tls_pair_start(&p, &c);
        assert_int_equal(info_of(p.client).mtu, 400);
        assert_true(info_of(p.client).inner_mtu < 400 - 28);
        assert_true(p.client_tap.largest <= 400 - 28);
        tls_pair_close(&p);
    }
}

/* ---- streams ---- */

/* A stream has no inner MTU, and no datagram length. */
/* scenario: S41, S42 */
static void test_streams_have_no_boundaries(void **state)
{
    (void)state;
    static const size_t rooms[] = { 1, 7, 1024, 40000 };
    static uint8_t message[40000];
    static uint8_t room[40000];
    struct tls_rows rows = tls_rows(0);
    fill(message, sizeof message, 3);
    for (size_t r = 0; r < rows.count; r++) {
        if (rows.row[r].kind != LN_TLS)
            continue;
        for (size_t i = 0; i < COUNT(rooms); i++) {
            struct tls_case c = tls_case_psk(&rows.row[r], "40,000 bytes, read with small rooms");
            struct tls_pair p;
            tls_pair_start(&p, &c);
            assert_int_equal(info_of(p.client).inner_mtu, 0);
            assert_int_equal(tls_pair_send(&p, p.server, ln_span(message, sizeof message)), LN_OK);
            size_t at = 0;
            while (at < sizeof message) {
                size_t got = 0;
                size_t cap = rooms[i] < sizeof room - at ? rooms[i] : sizeof room - at;
                if (tls_pair_recv(&p, p.client, ln_mspan(room + at, cap), &got, 1000) != LN_OK ||
                    got == 0 || got > cap)
                    tls_fail(&p, "room of %zu: stopped at byte %zu", rooms[i], at);
                at += got;
            }
            assert_memory_equal(room, message, sizeof message);
            tls_pair_close(&p);
        }
    }
}

/* libssl on the other side: one record for each byte, and records of 16 KiB. */
/* scenario: S41, S45 */
static void test_tiny_and_huge_records(void **state)
{
    (void)state;
    static const size_t records[] = { 1, 16384 };
    static uint8_t message[16384 * 3];
    static uint8_t room[16384 * 3];
    struct tls_rows rows = tls_rows(0);
    fill(message, sizeof message, 4);
    for (size_t r = 0; r < rows.count; r++) {
        if (rows.row[r].kind != LN_TLS)
            continue;
        for (size_t i = 0; i < COUNT(records); i++) {
            struct tls_case c = tls_case_psk(&rows.row[r], "records of one size");
            struct raw_server raw = { .psk_identity = "device-1", .psk_key = c.client.psk_key };
            c.raw = &raw;
            size_t total = records[i] == 1 ? 500 : sizeof message;
            struct tls_pair p;
            tls_pair_start(&p, &c);
            for (size_t at = 0; at < total; at += records[i])
                assert_true(raw_server_write(&raw, message + at, records[i]));
            assert_true(tls_pair_recv_all(&p, p.client, ln_mspan(room, total)));
            assert_memory_equal(room, message, total);
            tls_pair_close(&p);
        }
    }
}

/* The transport gives and takes a byte at a time. */
/* scenario: S41, S32, PIT-15 */
static void test_a_transport_in_crumbs(void **state)
{
    (void)state;
    static const struct ln_testkit_chunks table[] = {
        { .read_max = 1, .write_max = 1 },
        { .read_max = 7, .write_max = 13, .vary = true },
        { .read_max = 0, .write_max = 5 },
        { .read_max = 3, .write_max = 0 },
    };
    static uint8_t message[5000];
    static uint8_t room[5000];
    fill(message, sizeof message, 6);
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++) {
        if (rows.row[r].kind != LN_TLS)
            continue;
        for (size_t i = 0; i < COUNT(table); i++) {
            struct tls_case c = tls_case_cert(&rows.row[r], "crumbs", &tls_world);
            struct tls_pair p;
            tls_pair_open(&p, &c);
            ln_testkit_host_chunks(p.client_host, &table[i]);
            ln_testkit_host_chunks(p.server_host, &table[i]);
            tls_pair_must_connect(&p);
            assert_int_equal(tls_pair_send(&p, p.client, ln_span(message, sizeof message)), LN_OK);
            assert_true(tls_pair_recv_all(&p, p.server, ln_mspan(room, sizeof room)));
            assert_memory_equal(room, message, sizeof message);
            tls_pair_close(&p);
        }
    }
}

/* scenario: S41, PIT-15 */
static void test_an_empty_send_on_a_stream(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(0);
    for (size_t r = 0; r < rows.count; r++) {
        if (rows.row[r].kind != LN_TLS)
            continue;
        struct tls_case c = tls_case_psk(&rows.row[r], "nothing is sent");
        struct tls_pair p;
        uint8_t room[8];
        size_t sent = 77;
        size_t got = 77;
        tls_pair_start(&p, &c);
        assert_int_equal(ln_sock_send(p.client, ln_span(NULL, 0), &sent), LN_OK);
        assert_int_equal(sent, 0);
        /* in no case the other side takes it for an end */
        assert_int_equal(tls_pair_recv(&p, p.server, ln_mspan(room, sizeof room), &got, 500),
                         LN_TIMEOUT);
        tls_pair_finish(&p);
    }
}

/* Three gigabytes of nothing, which take no memory. */
#define HUGE_LEN (UINT64_C(3) << 30)

static const uint8_t *map_huge(void)
{
    int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    assert_true(zero >= 0);
    const uint8_t *huge = mmap(NULL, (size_t)HUGE_LEN, PROT_READ, MAP_PRIVATE, zero, 0);
    (void)close(zero);
    assert_true(huge != MAP_FAILED);
    return huge;
}

/* Libraries count in int: what is longer is taken in parts, or does not fit; it never wraps around. */
/* scenario: S41, PIT-15 */
static void test_a_send_of_gigabytes(void **state)
{
    (void)state;
    static uint8_t room[65536];
    const uint8_t *huge = map_huge();
    struct tls_rows rows = tls_rows(0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_psk(&rows.row[r], "3 GiB at once");
        struct tls_pair p;
        size_t sent = 0;
        tls_pair_start(&p, &c);
        enum ln_status st = ln_sock_send(p.client, ln_span(huge, (size_t)HUGE_LEN), &sent);
        if (c.row.kind == LN_DTLS) {
            assert_int_equal(st, LN_NO_SPACE);
        } else {
            assert_int_equal(st, LN_OK);
            assert_true(sent > 0 && sent <= sizeof room);
            assert_true(tls_pair_recv_all(&p, p.server, ln_mspan(room, sent)));
            assert_memory_equal(room, huge, sent);
        }
        tls_pair_finish(&p);
    }
    assert_int_equal(munmap((void *)(uintptr_t)huge, (size_t)HUGE_LEN), 0);
}

/* A peer that does not read: send says LN_AGAIN one day, and goes on when it reads. */
/* scenario: S41, S42 */
static void test_backpressure(void **state)
{
    (void)state;
    enum { PERIOD = 16384, PART = 5000 };
    static uint8_t block[2 * PERIOD]; /* twice the same */
    struct tls_rows rows = tls_rows(0);
    fill(block, PERIOD, 9);
    memcpy(block + PERIOD, block, PERIOD);
    for (size_t r = 0; r < rows.count; r++) {
        if (rows.row[r].kind != LN_TLS)
            continue;
        struct tls_case c = tls_case_psk(&rows.row[r], "the peer does not read");
        struct tls_pair p;
        tls_pair_start(&p, &c);
        size_t total = 0;
        enum ln_status st = LN_OK;
        while (st == LN_OK && total < ((size_t)64 << 20)) {
            size_t sent = 0;
            st = ln_sock_send(p.client, ln_span(block + total % PERIOD, PART), &sent);
            if (st == LN_OK)
                assert_true(sent > 0);
            else
                assert_int_equal(sent, 0);
            total += sent;
        }
        assert_int_equal(st, LN_AGAIN);
        struct ln_interest want = ln_interest(LN_WANT_WRITE);
        ln_sock_interest(p.client, LN_WANT_WRITE, &want);
        assert_true(want.count > 0 || want.ready || want.deadline != LN_NEVER);
        /* now it reads, and gets all of it in order */
        static uint8_t room[16384];
        size_t read = 0;
        while (read < total) {
            size_t got = 0;
            assert_int_equal(tls_pair_recv(&p, p.server, ln_mspan(room, sizeof room), &got, 60000),
                             LN_OK);
            assert_true(got > 0 && got <= sizeof room);
            for (size_t i = 0; i < got; i++) {
                if (room[i] != block[(read + i) % PERIOD])
                    tls_fail(&p, "byte %zu is another one", read + i);
            }
            read += got;
        }
        assert_int_equal(read, total);
        /* "send the same data again later", and by now there is more behind it */
        const uint8_t *rest = block + total % PERIOD;
        assert_int_equal(tls_pair_send(&p, p.client, ln_span(rest, PERIOD)), LN_OK);
        assert_true(tls_pair_recv_all(&p, p.server, ln_mspan(room, PERIOD)));
        assert_memory_equal(room, rest, PERIOD);
        assert_int_equal(info_of(p.client).app_sent, total + PERIOD);
        tls_pair_close(&p);
    }
}

/* ---- what is pending ---- */

/* SOCK-24 HAS_BUFFERED_DATA, PIT-04, PIT-11: after a full handshake, too. One record is read in small
 * pieces: until it is drained `ready` is set, so that nobody waits. */
/* scenario: S44, S45, PIT-04, PIT-11 */
static void test_pending_data_is_announced(void **state)
{
    (void)state;
    static uint8_t message[4096];
    static uint8_t room[4096];
    fill(message, sizeof message, 8);
    struct tls_rows rows = tls_rows(0);
    for (size_t r = 0; r < rows.count; r++) {
        if (rows.row[r].kind != LN_TLS)
            continue;
        for (int psk = 0; psk <= 1; psk++) {
            struct tls_case c = psk != 0
                                    ? tls_case_psk(&rows.row[r], "4 KiB and silence")
                                    : tls_case_cert(&rows.row[r], "4 KiB and silence", &tls_world);
            struct tls_pair p;
            tls_pair_start(&p, &c);
            assert_int_equal(tls_pair_send(&p, p.server, ln_span(message, sizeof message)), LN_OK);
            let_arrive(&p);
            size_t at = 0;
            while (at < sizeof message) {
                size_t got = 0;
                size_t cap = sizeof message - at < 100 ? sizeof message - at : 100;
                /* no waiting: it is all here */
                enum ln_status st = ln_sock_recv(p.client, ln_mspan(room + at, cap), &got);
                if (st != LN_OK || got == 0)
                    tls_fail(&p, "a receive would wait at byte %zu: %s", at, ln_status_name(st));
                at += got;
                if (at < sizeof message && !is_ready(p.client))
                    tls_fail(&p, "%zu bytes are pending and nobody says so", sizeof message - at);
            }
            size_t got = 0;
            assert_int_equal(ln_sock_recv(p.client, ln_mspan(room, 100), &got), LN_AGAIN);
            assert_false(is_ready(p.client));
            assert_memory_equal(room + 100, message + 100, sizeof message - 100);
            tls_pair_close(&p);
        }
    }
}

/* Several records in one segment, several datagrams in the queue: the loop "read until LN_AGAIN, then
 * wait" never waits while something is there. */
/* scenario: S44, S45, PIT-04, PIT-11 */
static void test_drain_then_wait(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_psk(&rows.row[r], "fifty messages at once");
        c.no_polling = true;
        struct tls_pair p;
        uint8_t room[64];
        tls_pair_start(&p, &c);
        for (uint8_t i = 0; i < 50; i++)
            assert_int_equal(tls_pair_send(&p, p.server, ln_span(&i, 1)), LN_OK);
        let_arrive(&p);
        size_t count = 0;
        enum ln_status st = LN_OK;
        while (st == LN_OK) {
            size_t got = 0;
            st = ln_sock_recv(p.client, ln_mspan(room, 1), &got);
            if (st == LN_OK) {
                assert_int_equal(got, 1);
                assert_int_equal(room[0], count);
                count++;
            }
        }
        assert_int_equal(st, LN_AGAIN);
        assert_int_equal(count, 50);
        tls_pair_close(&p);
    }
}

/* Half a record is nothing to be read, however long it lies there: `ready` would be a busy loop. */
/* scenario: S44, S27 */
static void test_half_a_record_is_not_pending(void **state)
{
    (void)state;
    static uint8_t message[8000];
    struct tls_rows rows = tls_rows(0);
    for (size_t r = 0; r < rows.count; r++) {
        if (rows.row[r].kind != LN_TLS)
            continue;
        struct tls_case c = tls_case_psk(&rows.row[r], "half a record");
        struct tls_pair p;
        uint8_t room[100];
        size_t got = 0;
        size_t sent = 0;
        tls_pair_start(&p, &c);
        tls_pair_must_exchange(&p);
        struct ln_testkit_chunks half = { .write_max = 4000 };
        struct ln_testkit_chunks whole = { .write_max = 0 };
        ln_testkit_host_chunks(p.server_host, &half);
        enum ln_status st = ln_sock_send(p.server, ln_span(message, sizeof message), &sent);
        assert_true(st == LN_OK || st == LN_AGAIN);
        /* what is left of the record stays with the server */
        struct ln_testkit_link down = { .down = true };
        let_arrive(&p);
        assert_int_equal(ln_testkit_path(p.kit, p.client_host, p.server_host, &down), LN_OK);
        ln_testkit_host_chunks(p.server_host, &whole);
        st = ln_sock_recv(p.client, ln_mspan(room, sizeof room), &got);
        if (st == LN_AGAIN) { /* else the transport took it all at once */
            assert_false(is_ready(p.client));
            ln_msec before = tls_pair_now(&p);
            p.socks[1] = NULL;
            p.socks[2] = NULL;
            st = tls_pair_recv(&p, p.client, ln_mspan(room, sizeof room), &got, 700);
            assert_int_equal(st, LN_TIMEOUT);
            assert_int_equal(tls_pair_now(&p) - before, 700);
        }
        tls_pair_close(&p);
    }
}

/* Empty room is a question (sock.h). */
/* scenario: S44, S45 */
static void test_a_receive_without_room(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_psk(&rows.row[r], "is anything there?");
        struct tls_pair p;
        uint8_t room[8];
        size_t got = 77;
        tls_pair_start(&p, &c);
        assert_int_equal(ln_sock_recv(p.client, ln_mspan(NULL, 0), &got), LN_AGAIN);
        assert_int_equal(got, 0);
        assert_int_equal(tls_pair_send(&p, p.server, ln_span("abc", 3)), LN_OK);
        let_arrive(&p);
        for (int i = 0; i < 3; i++) {
            got = 77;
            assert_int_equal(ln_sock_recv(p.client, ln_mspan(NULL, 0), &got), LN_OK);
            assert_int_equal(got, 0);
        }
        assert_int_equal(ln_sock_recv(p.client, ln_mspan(room, sizeof room), &got), LN_OK);
        assert_int_equal(got, 3);
        assert_int_equal(ln_sock_recv(p.client, ln_mspan(NULL, 0), &got), LN_AGAIN);
        tls_pair_close(&p);
    }
}

/* ---- time ---- */

/* PIT-06, TLS-133: tickets are records without data for the caller. */
/* scenario: S27, S46, PIT-06 */
static void test_tickets_do_not_stretch_a_receive(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows_of(LN_TLS_1_3, 0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_cert(&rows.row[r], "tickets, and no data", &tls_world);
        struct raw_server raw = { .pki = tls_world.pki,
                                  .chain = tls_world.server_chain,
                                  .tickets = 4 };
        c.raw = &raw;
        c.link.delay_min_ms = 30;
        struct tls_pair p;
        uint8_t room[16];
        size_t got = 77;
        tls_pair_start(&p, &c);
        ln_msec before = tls_pair_now(&p);
        assert_int_equal(tls_pair_recv(&p, p.client, ln_mspan(room, sizeof room), &got, 200),
                         LN_TIMEOUT);
        assert_int_equal(tls_pair_now(&p) - before, 200);
        assert_int_equal(got, 0);
        assert_int_equal(info_of(p.client).state, LN_SOCK_OPEN);
        tls_pair_finish(&p);
    }
}

static int key_updates(SSL *ssl)
{
    return SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED) == 1 ? SSL_do_handshake(ssl) : 0;
}

/* TLS-133. A library that does not know the message ends the connection, and says so. */
/* scenario: S27 */
static void test_key_updates(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows_of(LN_TLS_1_3, 0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_cert(&rows.row[r], "the keys are changed", &tls_world);
        struct raw_server raw = { .pki = tls_world.pki, .chain = tls_world.server_chain };
        c.raw = &raw;
        struct tls_pair p;
        uint8_t room[16];
        size_t got = 77;
        tls_pair_start(&p, &c);
        if (!tls_can(c.row.client, TLS_NEED_KEY_UPDATE)) {
            assert_int_equal(key_updates(raw.ssl), 1);
            p.client_status = tls_pair_recv(&p, p.client, ln_mspan(room, sizeof room), &got, 100);
            p.client_diag = *ln_sock_diag(p.client);
            tls_want_status(&p, LN_BAD_PEER);
            tls_want_category(&p, &p.client_diag, LN_CAT_RECORD_DAMAGED);
            tls_want_alert(&p, &p.client_diag, LN_ALERT_SENT, 10);
            tls_pair_close(&p);
            continue;
        }
        for (int i = 0; i < 5; i++) {
            assert_int_equal(key_updates(raw.ssl), 1);
            ln_msec before = tls_pair_now(&p);
            assert_int_equal(tls_pair_recv(&p, p.client, ln_mspan(room, sizeof room), &got, 100),
                             LN_TIMEOUT);
            assert_int_equal(tls_pair_now(&p) - before, 100);
            tls_pair_must_exchange(&p);
        }
        tls_pair_close(&p);
    }
}

/* TLS-132: a renegotiation is refused; the connection may end, it must not do it. */
/* scenario: S39 */
static void test_renegotiation_is_refused(void **state)
{
    (void)state;
    static const uint16_t versions[] = { LN_TLS_1_2, LN_DTLS_1_2 };
    for (size_t v = 0; v < COUNT(versions); v++) {
        struct tls_rows rows = tls_rows_of(versions[v], 0);
        for (size_t r = 0; r < rows.count; r++) {
            struct tls_case c =
                tls_case_cert(&rows.row[r], "the server wants to begin anew", &tls_world);
            struct raw_server raw = { .pki = tls_world.pki, .chain = tls_world.server_chain };
            c.raw = &raw;
            struct tls_pair p;
            uint8_t room[16];
            size_t got = 0;
            tls_pair_start(&p, &c);
            uint64_t before = p.client_tap.total;
            assert_int_equal(SSL_renegotiate(raw.ssl), 1);
            assert_int_equal(SSL_do_handshake(raw.ssl), 1); /* a HelloRequest is out */
            enum ln_status st =
                tls_pair_recv(&p, p.client, ln_mspan(room, sizeof room), &got, 1000);
            assert_int_equal(got, 0);
            assert_true(st == LN_TIMEOUT || st == LN_REFUSED || st == LN_BAD_PEER);
            /* an alert perhaps, but no ClientHello */
            if (p.client_tap.total - before > 100)
                tls_fail(&p, "the client answered with %llu bytes",
                         (unsigned long long)(p.client_tap.total - before));
            tls_pair_close(&p);
        }
    }
}

/* ---- endings ---- */

/* scenario: S47, PIT-07 */
static void test_close_notify_is_the_end_of_a_stream(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(0);
    for (size_t r = 0; r < rows.count; r++) {
        if (rows.row[r].kind != LN_TLS)
            continue;
        struct tls_case c = tls_case_psk(&rows.row[r], "data, close_notify");
        struct tls_pair p;
        uint8_t room[16];
        tls_pair_start(&p, &c);
        assert_int_equal(tls_pair_send(&p, p.server, ln_span("last", 4)), LN_OK);
        ln_sock_close(p.server); /* says close_notify: LN_CLOSE_AUTO */
        size_t got = 0;
        assert_int_equal(tls_pair_recv(&p, p.client, ln_mspan(room, sizeof room), &got, 1000),
                         LN_OK);
        assert_int_equal(got, 4);
        for (int i = 0; i < 3; i++) { /* and it stays the end */
            got = 77;
            assert_int_equal(tls_pair_recv(&p, p.client, ln_mspan(room, sizeof room), &got, 1000),
                             LN_OK);
            assert_int_equal(got, 0);
        }
        assert_int_equal(ln_sock_diag(p.client)->status, LN_OK);
        tls_pair_close(&p);
    }
}

/* PIT-12: a cut stream is never taken for its end. */
/* scenario: S47, PIT-07, PIT-12 */
static void test_a_stream_that_is_cut(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(0);
    for (size_t r = 0; r < rows.count; r++) {
        if (rows.row[r].kind != LN_TLS)
            continue;
        struct tls_case c = tls_case_psk(&rows.row[r], "data, and FIN without close_notify");
        struct raw_server raw = { .psk_identity = "device-1", .psk_key = c.client.psk_key };
        c.raw = &raw;
        struct tls_pair p;
        uint8_t room[16];
        size_t got = 0;
        tls_pair_start(&p, &c);
        assert_true(raw_server_write(&raw, "last", 4));
        assert_true(ln_testkit_finish_streams(p.kit, p.server_host, p.client_host) > 0);
        assert_int_equal(tls_pair_recv(&p, p.client, ln_mspan(room, sizeof room), &got, 1000),
                         LN_OK);
        assert_int_equal(got, 4);
        got = 77;
        assert_int_equal(tls_pair_recv(&p, p.client, ln_mspan(room, sizeof room), &got, 1000),
                         LN_BAD_PEER);
        assert_int_equal(got, 0);
        p.client_diag = *ln_sock_diag(p.client);
        tls_want_category(&p, &p.client_diag, LN_CAT_TRUNCATED);
        assert_int_equal(p.client_diag.phase, LN_PHASE_TRANSFER);
        assert_int_equal(info_of(p.client).state, LN_SOCK_FAILED);
        tls_pair_close(&p);
    }
}

/* scenario: S47, PIT-07 */
static void test_a_stream_that_is_reset(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(0);
    for (size_t r = 0; r < rows.count; r++) {
        if (rows.row[r].kind != LN_TLS)
            continue;
        struct tls_case c = tls_case_psk(&rows.row[r], "a reset in the middle");
        struct tls_pair p;
        uint8_t room[16];
        size_t got = 77;
        tls_pair_start(&p, &c);
        assert_true(ln_testkit_reset_streams(p.kit, NULL, NULL) > 0);
        assert_int_equal(tls_pair_recv(&p, p.client, ln_mspan(room, sizeof room), &got, 1000),
                         LN_CLOSED);
        assert_int_equal(got, 0);
        p.client_diag = *ln_sock_diag(p.client);
        tls_want_category(&p, &p.client_diag, LN_CAT_RESET);
        assert_int_equal(p.client_diag.phase, LN_PHASE_TRANSFER);
        assert_int_equal(info_of(p.client).state, LN_SOCK_FAILED);
        ln_sock_close(p.client);
        ln_sock_free(p.server);
        p.server = NULL;
        p.socks[2] = NULL;
        tls_pair_must_connect(&p);
        tls_pair_finish(&p);
    }
}

/* TLS-120: DTLS tells the end of the association, which is no empty datagram. */
/* scenario: S47 */
static void test_close_notify_ends_an_association(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows_of(LN_DTLS_1_2, 0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_psk(&rows.row[r], "close_notify over DTLS");
        struct tls_pair p;
        uint8_t room[16];
        size_t got = 77;
        tls_pair_start(&p, &c);
        ln_sock_close(p.server); /* no session store there: LN_CLOSE_AUTO says it */
        let_arrive(&p);
        assert_int_equal(ln_sock_recv(p.client, ln_mspan(room, sizeof room), &got), LN_CLOSED);
        assert_int_equal(got, 0);
        p.client_diag = *ln_sock_diag(p.client);
        tls_want_category(&p, &p.client_diag, LN_CAT_CLOSED_BY_PEER);
        assert_int_equal(info_of(p.client).state, LN_SOCK_FAILED);
        tls_pair_close(&p);
    }
}

struct policy_case {
    const char *sentence;
    enum ln_close_policy policy;
    bool store;
    bool tls_says;
    bool dtls_says;
};

/* SOCK-30, section 9 */
/* scenario: S47 */
static void test_close_policies(void **state)
{
    (void)state;
    static const struct policy_case table[] = {
        { "auto", LN_CLOSE_AUTO, false, true, true },
        { "auto, with a session store", LN_CLOSE_AUTO, true, true, false },
        { "notify", LN_CLOSE_NOTIFY, false, true, true },
        { "notify, with a session store", LN_CLOSE_NOTIFY, true, true, true },
        { "silent", LN_CLOSE_SILENT, false, false, false },
        { "silent, with a session store", LN_CLOSE_SILENT, true, false, false },
    };
    struct tls_rows rows = tls_rows(0);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t i = 0; i < COUNT(table); i++) {
            struct tls_case c = tls_case_psk(&rows.row[r], table[i].sentence);
            c.client.close_policy = table[i].policy;
            c.client.sessions = table[i].store ? &shelf_nothing : NULL;
            c.no_polling = true;
            struct tls_pair p;
            uint8_t room[16];
            size_t got = 77;
            tls_pair_start(&p, &c);
            tls_pair_must_exchange(&p);
            ln_sock_close(p.client);
            let_arrive(&p);
            enum ln_status st = ln_sock_recv(p.server, ln_mspan(room, sizeof room), &got);
            enum ln_status want = LN_OK; /* and 0 bytes: the proven end */
            if (c.row.kind == LN_DTLS)
                want = table[i].dtls_says ? LN_CLOSED : LN_AGAIN;
            else if (!table[i].tls_says)
                want = LN_BAD_PEER;
            if (st != want || got != 0)
                tls_fail(&p, "the server sees %s, not %s", ln_status_name(st),
                         ln_status_name(want));
            tls_pair_close(&p);
        }
    }
}

/* ---- shutdown ---- */

/* SOCK-28: what had arrived can still be read, the addresses answer. */
/* scenario: S33, S47 */
static void test_shutdown(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_psk(&rows.row[r], "shutdown");
        c.no_polling = true;
        struct tls_pair p;
        uint8_t room[16];
        size_t got = 0;
        size_t sent = 0;
        tls_pair_open(&p, &c);
        assert_int_equal(ln_sock_shutdown(p.client, tls_pair_now(&p)), LN_BAD_STATE);
        tls_pair_must_connect(&p);
        assert_int_equal(tls_pair_send(&p, p.server, ln_span("early", 5)), LN_OK);
        let_arrive(&p);
        assert_int_equal(ln_sock_recv(p.client, ln_mspan(NULL, 0), &got), LN_OK); /* it is here */
        struct ln_sock_info before = info_of(p.client);
        assert_int_equal(ln_sock_shutdown(p.client, tls_pair_now(&p)), LN_OK);
        struct ln_sock_info after = info_of(p.client);
        assert_int_equal(after.state, LN_SOCK_SHUT);
        assert_true(ln_addr_equal(&before.peer, &after.peer));
        assert_true(ln_addr_equal(&before.local, &after.local));
        assert_string_equal(after.host, TLS_HOST);
        assert_int_equal(ln_sock_send(p.client, ln_span("x", 1), &sent), LN_BAD_STATE);
        assert_int_equal(ln_sock_shutdown(p.client, tls_pair_now(&p)), LN_BAD_STATE);
        assert_int_equal(ln_sock_recv(p.client, ln_mspan(room, sizeof room), &got), LN_OK);
        assert_int_equal(got, 5);
        ln_sock_close(p.client);
        assert_int_equal(info_of(p.client).state, LN_SOCK_CLOSED);
        assert_string_equal(info_of(p.client).host, "");
        ln_sock_free(p.server);
        p.server = NULL;
        p.socks[2] = NULL;
        tls_pair_must_connect(&p);
        tls_pair_finish(&p);
    }
}

/* ---- counters ---- */

/* SOCK 1.6: application and wire bytes, over reconnects. */
/* scenario: S42, PIT-30 */
static void test_counters(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_psk(&rows.row[r], "counters");
        struct tls_pair p;
        uint64_t wire_sent = 0;
        uint64_t wire_received = 0;
        tls_pair_open(&p, &c);
        for (uint64_t i = 1; i <= 3; i++) {
            tls_pair_must_connect(&p);
            tls_pair_must_exchange(&p); /* 1, 100 and 1000 bytes in both directions */
            struct ln_sock_info info = info_of(p.client);
            assert_int_equal(info.app_sent, 1101 * i);
            assert_int_equal(info.app_received, 1101 * i);
            tls_pair_hang_up(&p);
            wire_sent += p.client_tap.total;
            wire_received += p.server_tap.total;
            info = info_of(p.client); /* CLOSED: they survive */
            assert_int_equal(info.state, LN_SOCK_CLOSED);
            assert_int_equal(info.app_sent, 1101 * i);
            if (info.wire_sent != wire_sent)
                tls_fail(&p, "wire_sent is %llu, %llu went out", (unsigned long long)info.wire_sent,
                         (unsigned long long)wire_sent);
            assert_true(info.wire_received <= wire_received);
            assert_true(info.wire_received + 200 * i >= wire_received); /* a goodbye unread */
        }
        tls_pair_close(&p);
    }
}

/* ---- every call in every state ---- */

/* SOCK-05, H98, S33: a defined answer, and no crash. */
static void call_everything(struct tls_pair *p, struct ln_sock *s, enum ln_sock_state state)
{
    uint8_t room[8];
    size_t n = 77;
    struct ln_sock_info info;
    struct ln_interest want = ln_interest(LN_WANT_READ | LN_WANT_WRITE);
    struct ln_addr address = { .family = LN_FAMILY_ANY };
    struct ln_sock *out = NULL;
    struct ln_diag diag;
    ln_msec now = tls_pair_now(p);
    bool open = state == LN_SOCK_OPEN;
    bool closed = state == LN_SOCK_CLOSED;
    ln_sock_info(s, &info);
    assert_int_equal(info.state, state);
    assert_non_null(info.host);
    assert_non_null(info.tls.alpn);
    ln_sock_interest(s, LN_WANT_READ | LN_WANT_WRITE, &want);
    assert_non_null(ln_sock_diag(s));
    if (!open)
        assert_int_equal(ln_sock_send(s, ln_span("x", 1), &n), LN_BAD_STATE);
    if (!open && state != LN_SOCK_SHUT) {
        n = 77;
        assert_int_equal(ln_sock_recv(s, ln_mspan(room, sizeof room), &n), LN_BAD_STATE);
        assert_int_equal(n, 0);
    }
    enum ln_status st = ln_sock_send_to(s, &info.peer, ln_span("x", 1));
    assert_true(st == LN_BAD_STATE || st == LN_UNSUPPORTED);
    st = ln_sock_recv_from(s, ln_mspan(room, sizeof room), &n, &address);
    assert_true(st == LN_BAD_STATE || st == LN_UNSUPPORTED);
    if (!open)
        assert_int_equal(ln_sock_shutdown(s, now), LN_BAD_STATE);
    if (state != LN_SOCK_BOUND) {
        assert_int_equal(ln_sock_accept(s, now, &out), LN_BAD_STATE);
        assert_null(out);
    }
    if (!closed)
        assert_int_equal(ln_sock_bind(s, &address), LN_BAD_STATE);
    bool may_connect = state == LN_SOCK_BOUND && (s->traits & LN_TRAIT_DATAGRAM) != 0;
    if (!closed && !may_connect) {
        st = ln_sock_connect(s, TLS_HOST, TLS_PORT, now);
        assert_true(open ? st == LN_OK || st == LN_BAD_STATE
                         : st == LN_BAD_STATE || st == LN_AGAIN);
        assert_int_equal(ln_sock_set_server_name(s, "a.example"), LN_BAD_STATE);
    }
    st = ln_sock_peer_certificate(s, 0, ln_mspan(room, sizeof room), &n);
    if (!open && state != LN_SOCK_SHUT && state != LN_SOCK_FAILED && st != LN_BAD_STATE)
        tls_fail(p, "%s: ln_sock_peer_certificate() came to %s", ln_sock_state_name(state),
                 ln_status_name(st));
    if (state == LN_SOCK_CONNECTING || state == LN_SOCK_SHUT || state == LN_SOCK_FAILED) {
        struct ln_sock *wrapped = s;
        assert_int_equal(ln_sock_wrap(&wrapped, p->client_config, NULL, &diag), LN_BAD_STATE);
        assert_ptr_equal(wrapped, s);
    }
    ln_sock_info(s, &info);
    assert_int_equal(info.state, state);
}

/* scenario: S33, H98, S19 */
static void test_every_call_in_every_state(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_cert(&rows.row[r], "every call in every state", &tls_world);
        c.link.delay_min_ms = 50;
        c.no_polling = true;
        struct tls_pair p;
        tls_pair_open(&p, &c);
        call_everything(&p, p.client, LN_SOCK_CLOSED);
        call_everything(&p, p.listener, LN_SOCK_BOUND);
        assert_int_equal(ln_sock_connect(p.client, TLS_HOST, TLS_PORT, tls_pair_now(&p)), LN_AGAIN);
        call_everything(&p, p.client, LN_SOCK_CONNECTING); /* resolving or connecting */
        tls_pair_run(&p, 60);
        call_everything(&p, p.client, LN_SOCK_CONNECTING); /* shaking hands */
        ln_sock_close(p.client);
        call_everything(&p, p.client, LN_SOCK_CLOSED);
        tls_pair_run(&p, 1000);
        tls_pair_must_connect(&p);
        call_everything(&p, p.client, LN_SOCK_OPEN);
        call_everything(&p, p.server, LN_SOCK_OPEN);
        tls_pair_must_exchange(&p);
        assert_int_equal(ln_sock_shutdown(p.client, tls_pair_now(&p)), LN_OK);
        call_everything(&p, p.client, LN_SOCK_SHUT);
        ln_sock_close(p.client);
        assert_int_equal(ln_sock_set_server_name(p.client, "elsewhere.example"), LN_OK);
        assert_int_not_equal(tls_pair_connect(&p), LN_OK);
        call_everything(&p, p.client, LN_SOCK_FAILED);
        ln_sock_close(p.client);
        call_everything(&p, p.client, LN_SOCK_CLOSED);
        ln_sock_free(NULL);
        tls_pair_close(&p);
    }
}

/* ---- certificates of the peer ---- */

/* scenario: S36, H98 */
static void test_peer_certificates(void **state)
{
    (void)state;
    static uint8_t room[4096];
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_cert(&rows.row[r], "the peer's certificates", &tls_world);
        tls_present(&c.client, tls_world.pki, PKI_LIST(tls_world.client, tls_world.ca));
        c.server.trust = c.client.trust;
        c.server.client_auth = LN_CLIENT_AUTH_REQUIRE;
        struct tls_pair p;
        tls_pair_start(&p, &c);
        const struct {
            struct ln_sock *s;
            const struct pki_cert *chain[2];
        } ends[] = { { p.client, { tls_world.server, tls_world.ca } },
                     { p.server, { tls_world.client, tls_world.ca } } };
        for (size_t e = 0; e < 2; e++) {
            size_t len = 77;
            for (size_t i = 0; i < 2; i++) {
                struct ln_span want = pki_cert_der(ends[e].chain[i]);
                assert_int_equal(
                    ln_sock_peer_certificate(ends[e].s, i, ln_mspan(room, sizeof room), &len),
                    LN_OK);
                assert_true(ln_span_equal(ln_span(room, len), want));
                assert_int_equal(
                    ln_sock_peer_certificate(ends[e].s, i, ln_mspan(room, want.len - 1), &len),
                    LN_NO_SPACE);
                assert_int_equal(len, want.len);
                assert_int_equal(ln_sock_peer_certificate(ends[e].s, i, ln_mspan(NULL, 0), &len),
                                 LN_NO_SPACE);
                assert_int_equal(len, want.len);
            }
            assert_int_equal(
                ln_sock_peer_certificate(ends[e].s, 2, ln_mspan(room, sizeof room), &len),
                LN_NOT_FOUND);
            assert_int_equal(
                ln_sock_peer_certificate(ends[e].s, SIZE_MAX, ln_mspan(room, sizeof room), &len),
                LN_NOT_FOUND);
        }
        struct ln_certificate read;
        size_t len = 0;
        assert_int_equal(ln_sock_peer_certificate(p.client, 0, ln_mspan(room, sizeof room), &len),
                         LN_OK);
        assert_int_equal(ln_certificate_read(ln_span(room, len), &read), LN_OK);
        assert_non_null(strstr(read.subject, "the server"));
        assert_non_null(strstr(read.issuer, "Linnet test CA"));
        assert_non_null(strstr(read.names, "DNS:" TLS_HOST));
        assert_non_null(strstr(read.names, "IP:" TLS_SERVER_IP));
        assert_int_equal(read.not_before, PKI_NOW - PKI_DAY);
        assert_int_equal(read.not_after, PKI_NOW + 365 * PKI_DAY);
        assert_false(read.is_ca);
        assert_false(read.self_issued);
        tls_pair_close(&p);
    }
}

/* ---- key log and native hook ---- */

struct key_log {
    unsigned lines;
    char text[2048];
};

static void log_key(void *user, const char *line)
{
    struct key_log *log = user;
    log->lines++;
    assert_null(strpbrk(line, "\r\n"));
    size_t at = strlen(log->text);
    (void)snprintf(log->text + at, sizeof log->text - at, "%s\n", line);
}

/* The format is that of NSS: label, client random, secret (TLS-134). */
/* scenario: S29 */
static void test_key_log(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_KEYLOG);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_cert(&rows.row[r], "a key log", &tls_world);
        struct key_log log = { 0 };
        c.client.insecure_keylog = log_key;
        c.client.keylog_user = &log;
        struct tls_pair p;
        tls_pair_open(&p, &c);
        assert_int_equal(log.lines, 0);
        tls_pair_must_connect(&p);
        if (c.row.version == LN_TLS_1_3) {
            assert_non_null(strstr(log.text, "CLIENT_HANDSHAKE_TRAFFIC_SECRET "));
            assert_non_null(strstr(log.text, "SERVER_TRAFFIC_SECRET_0 "));
        } else {
            assert_int_equal(log.lines, 1);
            assert_int_equal(strncmp(log.text, "CLIENT_RANDOM ", 14), 0);
            /* 32 bytes of random, a space, 48 bytes of secret, as hexadecimal */
            assert_int_equal(strlen(log.text), 14 + 64 + 1 + 96 + 1);
        }
        tls_pair_close(&p);
    }
}

static enum ln_status note_native(void *user, void *native)
{
    void **seen = user;
    *seen = native;
    return native != NULL ? LN_OK : LN_INTERNAL;
}

/* TLS-130: called last, with a context that can be changed. */
static enum ln_status limit_to_one_suite(void *user, void *native)
{
    (void)user;
    return SSL_CTX_set_cipher_list(native, "ECDHE-ECDSA-AES256-GCM-SHA384") == 1 ? LN_OK
                                                                                 : LN_INTERNAL;
}

/* scenario: S32 */
static void test_native_hook(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_cert(&rows.row[r], "the native hook", &tls_world);
        void *seen = NULL;
        c.client.native_hook = note_native;
        c.client.native_user = &seen;
        struct tls_pair p;
        tls_pair_open(&p, &c);
        assert_non_null(seen);
        tls_pair_must_connect(&p);
        tls_pair_close(&p);
        if (!tls_is_openssl(c.row.client) || c.row.version == LN_TLS_1_3)
            continue;
        c.client.native_hook = limit_to_one_suite;
        tls_pair_start(&p, &c);
        assert_int_equal(p.client_info.tls.suite, 0xc02c);
        tls_pair_close(&p);
    }
}

/* ---- many times ---- */

/* SOCK-13 */
/* scenario: S19, S12 */
static void test_the_same_object_many_times(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(0);
    for (size_t r = 0; r < rows.count; r++) {
        for (int psk = 0; psk <= 1; psk++) {
            const char *what = "connect, exchange, close; thirty times";
            struct tls_case c = psk != 0 ? tls_case_psk(&rows.row[r], what)
                                         : tls_case_cert(&rows.row[r], what, &tls_world);
            struct tls_pair p;
            struct ln_testkit_memory first;
            struct ln_testkit_memory last;
            tls_pair_open(&p, &c);
            for (int i = 0; i < 30; i++) {
                tls_pair_must_connect(&p);
                tls_pair_must_exchange(&p);
                tls_pair_hang_up(&p);
                ln_testkit_memory(p.client_host, i == 0 ? &first : &last);
            }
            assert_int_equal(last.live_blocks, first.live_blocks);
            assert_int_equal(last.live_bytes, first.live_bytes);
            tls_pair_close(&p);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_truncation_is_exact),
        cmocka_unit_test(test_empty_datagrams),
        cmocka_unit_test(test_datagrams_keep_their_boundaries),
        cmocka_unit_test(test_inner_mtu_is_exact),
        cmocka_unit_test(test_a_path_wider_than_a_record),
        cmocka_unit_test(test_a_forced_mtu),
        cmocka_unit_test(test_streams_have_no_boundaries),
        cmocka_unit_test(test_tiny_and_huge_records),
        cmocka_unit_test(test_a_transport_in_crumbs),
        cmocka_unit_test(test_an_empty_send_on_a_stream),
        cmocka_unit_test(test_a_send_of_gigabytes),
        cmocka_unit_test(test_backpressure),
        cmocka_unit_test(test_pending_data_is_announced),
        cmocka_unit_test(test_drain_then_wait),
        cmocka_unit_test(test_half_a_record_is_not_pending),
        cmocka_unit_test(test_a_receive_without_room),
        cmocka_unit_test(test_tickets_do_not_stretch_a_receive),
        cmocka_unit_test(test_key_updates),
        cmocka_unit_test(test_renegotiation_is_refused),
        cmocka_unit_test(test_close_notify_is_the_end_of_a_stream),
        cmocka_unit_test(test_a_stream_that_is_cut),
        cmocka_unit_test(test_a_stream_that_is_reset),
        cmocka_unit_test(test_close_notify_ends_an_association),
        cmocka_unit_test(test_close_policies),
        cmocka_unit_test(test_shutdown),
        cmocka_unit_test(test_counters),
        cmocka_unit_test(test_every_call_in_every_state),
        cmocka_unit_test(test_peer_certificates),
        cmocka_unit_test(test_key_log),
        cmocka_unit_test(test_native_hook),
        cmocka_unit_test(test_the_same_object_many_times),
    };
    return cmocka_run_group_tests(tests, tls_world_setup, tls_world_teardown);
}
