/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_testkit_wire.c
 * Looking at the network: tap, injection, counters, list of events, capture.
 */
#include <stdlib.h>

#include "testkit_world.h"

enum { PORT = 5683 };

/* ---- tap ---- */

enum tap_act { WATCH, DROP, CHANGE, GROW, LATER, FORGE, RESTART };

struct tap {
    struct world *w;
    enum tap_act what;
    size_t seen;
    struct ln_testkit_packet last;
};

static void tap(void *user, struct ln_testkit_packet *packet)
{
    struct tap *t = (struct tap *)user;
    struct ln_addr forged = at("198.51.100.1", 1);
    t->seen++;
    t->last = *packet;
    switch (t->what) {
    case WATCH:
        break;
    case DROP:
        packet->drop = true;
        break;
    case CHANGE:
        packet->data[0] ^= 0xff;
        break;
    case GROW:
        packet->data[packet->len++] = '!';
        break;
    case LATER:
        packet->delay_ms = 70;
        break;
    case FORGE:
        EXPECT(LN_OK, ln_testkit_inject(t->w->kit, &forged, &packet->to, ln_span_str("forged"), 5));
        break;
    case RESTART:
        ln_testkit_host_restart(t->w->a);
        ln_testkit_host_restart(t->w->b);
        break;
    }
}

struct tap_case {
    const char *sentence;
    enum tap_act what;
    const char *first; /* what arrives, NULL = nothing */
    ln_msec after;
    const char *second;
};

static const struct tap_case tap_cases[] = {
    { "who only looks changes nothing", WATCH, "hello", 0, NULL },
    { "drop", DROP, NULL, 0, NULL },
    { "change", CHANGE,
      "\x97"
      "ello",
      0, NULL },
    { "make longer", GROW, "hello!", 0, NULL },
    { "delay", LATER, "hello", 70, NULL },
    { "add a forged one", FORGE, "hello", 0, "forged" },
};

static void check_arrival(const struct tap_case *c, const struct world *w, ln_handle to,
                          const char *text)
{
    struct ln_net_got got;
    uint8_t room[100];
    enum ln_status st = raw_recv(&w->eb, to, room, sizeof room, &got);
    bool right = text == NULL
                     ? st == LN_AGAIN
                     : st == LN_OK && got.len == strlen(text) && memcmp(room, text, got.len) == 0;
    if (!right)
        fail_msg("%s: %s, %zu bytes", c->sentence, ln_status_name(st), got.len);
}

static void a_tap_sees_and_changes_datagrams(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof tap_cases / sizeof tap_cases[0]; i++) {
        const struct tap_case *c = &tap_cases[i];
        struct world w;
        world_open(&w, 1);
        struct tap t = { .w = &w, .what = c->what };
        ln_testkit_tap(w.kit, tap, &t);
        ln_handle from = udp_at(&w.ea, A_IP, 7), to = udp_at(&w.eb, B_IP, PORT);
        EXPECT(LN_OK, raw_send_to(&w.ea, from, B_IP, PORT, "hello", 5));
        assert_int_equal(t.seen, 1);
        assert_int_equal(t.last.kind, LN_NET_DATAGRAM);
        assert_ptr_equal(t.last.from_host, w.a);
        assert_ptr_equal(t.last.to_host, w.b);
        assert_int_equal(t.last.from.port, 7);
        assert_int_equal(t.last.len, 5);
        if (c->after > 0) {
            ln_testkit_advance(w.kit, c->after - 1);
            check_arrival(c, &w, to, NULL);
        }
        ln_testkit_advance(w.kit, 1);
        check_arrival(c, &w, to, c->first);
        ln_testkit_advance(w.kit, 5);
        check_arrival(c, &w, to, c->second);
        world_close(&w);
    }
}

static void a_tap_may_restart_hosts(void **state)
{
    struct world w;
    (void)state;
    world_open(&w, 1);
    struct tap t = { .w = &w, .what = WATCH };
    ln_testkit_tap(w.kit, tap, &t);
    ln_handle listener = raw_bound(&w.eb, LN_NET_STREAM, B_IP, PORT);
    ln_handle h = raw_open(&w.ea, LN_NET_STREAM, LN_IPV4);
    EXPECT(LN_AGAIN, raw_connect(&w.ea, h, B_IP, PORT));
    ln_testkit_advance(w.kit, 1);
    assert_int_equal(t.seen, 0); /* of streams only segments with bytes */
    t.what = RESTART;
    EXPECT(LN_OK, raw_send(&w.ea, h, "x", 1, NULL));
    assert_int_equal(t.last.kind, LN_NET_STREAM);
    EXPECT(LN_IO, raw_send(&w.ea, h, "x", 1, NULL));
    ln_testkit_advance(w.kit, 10000);
    raw_close(&w.eb, listener);
    ln_handle u = udp_at(&w.ea, A_IP, 7);
    EXPECT(LN_OK, raw_send_to(&w.ea, u, B_IP, PORT, "x", 1));
    world_close(&w);
}

static void a_dropped_segment_is_sent_again(void **state)
{
    struct ln_testkit_counters counters;
    struct ln_net_got got;
    struct ln_addr peer;
    uint8_t room[10];
    ln_handle server = LN_NO_HANDLE;
    struct world w;
    (void)state;
    world_open(&w, 1);
    ln_handle listener = raw_bound(&w.eb, LN_NET_STREAM, B_IP, PORT);
    ln_handle h = raw_open(&w.ea, LN_NET_STREAM, LN_IPV4);
    EXPECT(LN_AGAIN, raw_connect(&w.ea, h, B_IP, PORT));
    ln_testkit_advance(w.kit, 1);
    EXPECT(LN_OK, w.eb.net.ops->accept(w.eb.net.ctx, listener, &server, &peer, NULL));
    struct tap t = { .w = &w, .what = DROP };
    ln_testkit_tap(w.kit, tap, &t);
    EXPECT(LN_OK, raw_send(&w.ea, h, "ab", 2, NULL));
    ln_testkit_advance(w.kit, 100);
    t.what = CHANGE;
    ln_testkit_advance(w.kit, 100);
    EXPECT(LN_OK, raw_read(&w.eb, server, room, 10, &got));
    assert_int_equal(room[0], 'a' ^ 0xff);
    ln_testkit_counters(w.kit, w.a, w.b, &counters);
    assert_int_equal(counters.dropped_by_tap, 1);
    assert_int_equal(counters.resent, 1);
    world_close(&w);
}

static void forged_datagrams_pass_everything(void **state)
{
    struct ln_testkit_counters counters;
    struct ln_net_got got;
    uint8_t room[100];
    struct world w;
    (void)state;
    world_open(&w, 1);
    EXPECT(LN_OK, ln_testkit_link(w.kit, NULL, NULL, &(struct ln_testkit_link) { .down = true }));
    ln_handle to = udp_at(&w.eb, B_IP, PORT);
    struct ln_addr from = at("198.51.100.66", 666), dest = at(B_IP, PORT), nobody = at("::2", 1);
    EXPECT(LN_OK, ln_testkit_inject(w.kit, &from, &dest, ln_span_str("boo"), 3));
    EXPECT(LN_OK, ln_testkit_inject(w.kit, &from, &nobody, ln_span_str("boo"), 3));
    ln_testkit_advance(w.kit, 3);
    EXPECT(LN_OK, raw_recv(&w.eb, to, room, sizeof room, &got));
    assert_true(ln_addr_equal(&got.from, &from));
    ln_testkit_counters(w.kit, NULL, NULL, &counters);
    assert_int_equal(counters.injected, 2);
    assert_int_equal(counters.packets, 0);
    world_close(&w);
}

/* ---- the list of events ---- */

static void events_are_listed(void **state)
{
    char line[200];
    struct world w;
    (void)state;
    world_open(&w, 1);
    ln_handle from = udp_at(&w.ea, A_IP, 7);
    (void)udp_at(&w.eb, B_IP, PORT);
    EXPECT(LN_OK,
           ln_testkit_link(w.kit, w.a, w.b, &(struct ln_testkit_link) { .delay_min_ms = 250 }));
    EXPECT(LN_OK, raw_send_to(&w.ea, from, B_IP, PORT, "hello", 5));
    ln_testkit_advance(w.kit, 250);
    assert_int_equal(ln_testkit_event_count(w.kit), 2);
    assert_null(ln_testkit_event(w.kit, 2));
    const struct ln_testkit_event *event = ln_testkit_event(w.kit, 1);
    assert_int_equal(event->what, LN_TESTKIT_DELIVERED);
    size_t len = ln_testkit_event_line(event, line, sizeof line);
    assert_string_equal(line, "1000.250 delivered udp 192.0.2.1:7 -> 192.0.2.2:5683 5");
    assert_int_equal(len, strlen(line));
    len = ln_testkit_event_line(event, line, 10);
    assert_string_equal(line, "1000.250 ");
    assert_int_equal(len, 9);
    assert_int_equal(ln_testkit_event_line(event, line, 0), 0);
    world_close(&w);
}

static void events_of_hosts_are_listed(void **state)
{
    char line[200];
    struct ln_testkit_nat *nat = NULL;
    struct world w;
    (void)state;
    world_open(&w, 1);
    EXPECT(LN_OK, ln_testkit_nat_new(w.kit, "203.0.113.1", 0, &nat));
    EXPECT(LN_OK, ln_testkit_nat_rebind(nat, "203.0.113.2"));
    ln_testkit_host_kill(w.a);
    ln_testkit_host_revive(w.a);
    ln_testkit_host_restart(w.b);
    static const char *const lines[] = {
        "1000.000 rebound udp 203.0.113.1 -> 203.0.113.2 0",
        "1000.000 killed 192.0.2.1",
        "1000.000 revived 192.0.2.1",
        "1000.000 restarted 192.0.2.2",
    };
    assert_int_equal(ln_testkit_event_count(w.kit), 4);
    for (size_t i = 0; i < 4; i++) {
        (void)ln_testkit_event_line(ln_testkit_event(w.kit, i), line, sizeof line);
        assert_string_equal(line, lines[i]);
    }
    world_close(&w);
}

static void the_list_forgets_the_oldest(void **state)
{
    const struct ln_testkit_config config = { .events_max = 4 };
    struct world w;
    (void)state;
    world_open_with(&w, &config);
    ln_handle from = udp_at(&w.ea, A_IP, 7);
    for (size_t i = 1; i <= 10; i++)
        EXPECT(LN_OK, raw_send_to(&w.ea, from, "198.51.100.1", PORT, "0123456789", i));
    assert_int_equal(ln_testkit_event_count(w.kit), 4);
    assert_int_equal(ln_testkit_event(w.kit, 0)->len, 9); /* each was sent and swallowed */
    assert_int_equal(ln_testkit_event(w.kit, 3)->len, 10);
    assert_int_equal(ln_testkit_event(w.kit, 3)->what, LN_TESTKIT_SWALLOWED);
    world_close(&w);
}

/* ---- capture ---- */

struct capture {
    uint8_t data[65536];
    size_t len;
};

static void keep(void *user, struct ln_span bytes)
{
    struct capture *c = (struct capture *)user;
    assert_true(c->len + bytes.len <= sizeof c->data);
    memcpy(c->data + c->len, bytes.data, bytes.len);
    c->len += bytes.len;
}

static uint32_t u32(const uint8_t *at_)
{
    uint32_t value;
    memcpy(&value, at_, sizeof value);
    return value;
}

/* RFC 1071 over big-endian words; 0: the checksum in the data is right. */
static unsigned checksum(uint32_t sum, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        sum += i % 2 == 0 ? (uint32_t)data[i] << 8 : data[i];
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return ~sum & 0xffff;
}

/* Header and transport checksum of a raw IP packet. */
static void check_packet(const uint8_t *ip, size_t len)
{
    bool v6 = ip[0] >> 4 == 6;
    size_t header = v6 ? 40 : 20, addresses = v6 ? 32 : 8;
    uint32_t protocol = v6 ? ip[6] : ip[9];
    size_t total = v6 ? 40u + (size_t)(ip[4] << 8 | ip[5]) : (size_t)(ip[2] << 8 | ip[3]);
    assert_int_equal(total, len);
    if (!v6)
        assert_int_equal(checksum(0, ip, 20), 0);
    uint32_t pseudo = protocol + (uint32_t)(len - header);
    for (size_t i = 0; i < addresses; i += 2)
        pseudo += (uint32_t)ip[header - addresses + i] << 8 | ip[header - addresses + i + 1];
    assert_int_equal(checksum(pseudo, ip + header, len - header), 0);
}

/* The sequence number of a TCP packet with bytes or FIN continues where the last one ended. */
static void check_sequence(const uint8_t *ip, size_t len)
{
    static uint32_t expected;
    size_t header = ip[0] >> 4 == 6 ? 40 : 20;
    if ((header == 40 ? ip[6] : ip[9]) != 6)
        return;
    const uint8_t *tcp = ip + header;
    uint32_t seq = (uint32_t)tcp[4] << 24 | (uint32_t)tcp[5] << 16 | (uint32_t)tcp[6] << 8 | tcp[7];
    size_t payload = len - header - 20;
    if ((tcp[13] & 0x12) == 0x02)
        expected = seq + 1; /* SYN of the client */
    else if (payload > 0 || (tcp[13] & 0x01) != 0)
        assert_int_equal(seq, expected);
    expected += (uint32_t)payload;
}

/* Walk the blocks; how many packets, and how many with this comment. */
static size_t read_capture(const struct capture *c, int64_t until_us, const char *comment,
                           size_t *commented)
{
    size_t packets = 0;
    *commented = 0;
    assert_int_equal(u32(c->data), 0x0a0d0d0a);
    assert_int_equal(u32(c->data + 8), 0x1a2b3c4d);
    for (size_t off = 0; off < c->len;) {
        const uint8_t *block = c->data + off;
        size_t total = u32(block + 4);
        assert_true(total % 4 == 0 && off + total <= c->len);
        assert_int_equal(u32(block + total - 4), total);
        if (u32(block) == 6) {
            size_t len = u32(block + 20), padded = (len + 3) & ~(size_t)3;
            int64_t time = (int64_t)((uint64_t)u32(block + 12) << 32 | u32(block + 16));
            assert_true(time > until_us - 10000 && time <= until_us); /* the wall clock's */
            packets++;
            check_packet(block + 28, len);
            check_sequence(block + 28, len);
            if (28 + padded + 4 < total) {
                const uint8_t *option = block + 28 + padded;
                size_t option_len = u32(option) >> 16;
                assert_int_equal(u32(option) & 0xffff, 1);
                *commented +=
                    option_len == strlen(comment) && memcmp(option + 4, comment, option_len) == 0;
            }
        }
        off += total;
    }
    return packets;
}

static void a_capture_is_pcapng(void **state)
{
    struct capture *c = (struct capture *)calloc(1, sizeof *c);
    size_t commented = 0;
    struct world w;
    (void)state;
    assert_non_null(c);
    world_open(&w, 1);
    ln_testkit_capture(w.kit, keep, c);
    ln_handle a4 = udp_at(&w.ea, A_IP, 7), a6 = udp_at(&w.ea, A_IP6, 7);
    for (size_t i = 0; i < 5; i++) {
        EXPECT(LN_OK, raw_send_to(&w.ea, a4, B_IP, PORT, "odd, even", i));
        EXPECT(LN_OK, raw_send_to(&w.ea, a6, B_IP6, PORT, "odd, even", i));
    }
    EXPECT(LN_OK,
           ln_testkit_link(w.kit, w.a, w.b, &(struct ln_testkit_link) { .loss_permille = 1000 }));
    EXPECT(LN_OK, raw_send_to(&w.ea, a4, B_IP, PORT, "lost", 4));
    assert_int_equal(read_capture(c, ln_testkit_wall_us(), "lost", &commented), 11);
    assert_int_equal(commented, 1);
    EXPECT(LN_OK, ln_testkit_link(w.kit, w.a, w.b, NULL));
    (void)raw_bound(&w.eb, LN_NET_STREAM, B_IP6, PORT);
    ln_handle h = raw_open(&w.ea, LN_NET_STREAM, LN_IPV6);
    EXPECT(LN_AGAIN, raw_connect(&w.ea, h, B_IP6, PORT));
    ln_testkit_advance(w.kit, 1);
    EXPECT(LN_OK, raw_send(&w.ea, h, "hello", 5, NULL));
    raw_close(&w.ea, h);
    ln_testkit_advance(w.kit, 1);
    assert_int_equal(read_capture(c, ln_testkit_wall_us(), "lost", &commented),
                     11 + 5); /* SYN SYN+ACK ACK PSH FIN */
    ln_testkit_capture(w.kit, NULL, NULL);
    size_t len = c->len;
    EXPECT(LN_OK, raw_send_to(&w.ea, a4, B_IP, PORT, "x", 1));
    assert_int_equal(c->len, len);
    world_close(&w);
    free(c);
}

static void the_class_of_service_is_seen(void **state)
{
    struct ln_net_open how = { .kind = LN_NET_DATAGRAM, .family = LN_IPV4, .dscp = 46 };
    ln_handle h = LN_NO_HANDLE;
    struct world w;
    (void)state;
    world_open(&w, 1);
    struct tap t = { .w = &w, .what = WATCH };
    ln_testkit_tap(w.kit, tap, &t);
    EXPECT(LN_OK, w.ea.net.ops->open(w.ea.net.ctx, &how, NULL, &h));
    EXPECT(LN_OK, raw_send_to(&w.ea, h, B_IP, PORT, "x", 1));
    assert_int_equal(t.last.dscp, 46);
    how.interface_name = "mem0";
    EXPECT(LN_OK, w.ea.net.ops->open(w.ea.net.ctx, &how, NULL, &h));
    how.interface_name = "eth0";
    EXPECT(LN_NOT_FOUND, w.ea.net.ops->open(w.ea.net.ctx, &how, NULL, &h));
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tap_sees_and_changes_datagrams),
        cmocka_unit_test(a_tap_may_restart_hosts),
        cmocka_unit_test(a_dropped_segment_is_sent_again),
        cmocka_unit_test(forged_datagrams_pass_everything),
        cmocka_unit_test(events_are_listed),
        cmocka_unit_test(events_of_hosts_are_listed),
        cmocka_unit_test(the_list_forgets_the_oldest),
        cmocka_unit_test(a_capture_is_pcapng),
        cmocka_unit_test(the_class_of_service_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
