/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_codec_coap.c
 * Random messages are read as they were written, over UDP and TCP, whatever the order in which their
 * options were put; and a stream means the same however it is cut.
 *
 * A failure tells its seed: LN_TEST_SEED=n repeats it. LN_TEST_FULL=1 runs many more.
 */
#include "support/coapend.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { OPTIONS = 12, SEEDS = 20000, SEEDS_FULL = 2000000 };

static uint64_t dice;

static unsigned cast(unsigned faces)
{
    dice = dice * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)((dice >> 33) % faces);
}

/* ---- round trips ---- */

struct option {
    uint16_t number;
    size_t len;
    uint8_t value[300];
};

struct message {
    struct ln_coap_token token;
    uint8_t code;
    uint16_t mid;
    size_t count;
    struct option options[OPTIONS];
    size_t payload_len;
    uint8_t payload[400];
};

static void fill(uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)cast(256);
}

static uint16_t any_number(void)
{
    static const uint16_t usual[] = { 1,  3,  4,  5,  6,  7,  8,  11, 12,  14,  15,
                                      17, 20, 23, 27, 28, 35, 39, 60, 252, 258, 292 };
    return cast(4) == 0 ? (uint16_t)cast(65536) : usual[cast(sizeof usual / sizeof usual[0])];
}

static void make(struct message *m)
{
    static const unsigned lengths[] = { 3, 15, 300 };
    static const uint8_t codes[] = { LN_COAP_GET, LN_COAP_IPATCH, LN_COAP_CONTENT,
                                     LN_COAP_NOT_FOUND, LN_COAP_INTERNAL_ERROR };
    memset(m, 0, sizeof *m);
    m->code = codes[cast(sizeof codes)];
    m->mid = (uint16_t)cast(65536);
    m->token.len = (uint8_t)cast(9);
    fill(m->token.data, m->token.len);
    m->count = cast(OPTIONS + 1);
    for (size_t i = 0; i < m->count; i++) {
        m->options[i].number = any_number();
        m->options[i].len = cast(lengths[cast(3)]);
        fill(m->options[i].value, m->options[i].len);
    }
    m->payload_len = cast(2) == 0 ? 0 : cast(400);
    fill(m->payload, m->payload_len);
}

static struct ln_span write_message(const struct message *m, bool tcp, struct ln_mspan room)
{
    struct ln_coap_writer w;
    struct ln_span out = ln_span(NULL, 0);
    if (tcp)
        ln_coap_write_tcp(&w, room, m->code, &m->token);
    else
        ln_coap_write_udp(&w, room, LN_COAP_CON, m->code, m->mid, &m->token);
    for (size_t i = 0; i < m->count; i++)
        ln_coap_put(&w, m->options[i].number, ln_span(m->options[i].value, m->options[i].len));
    ln_coap_put_payload(&w, ln_span(m->payload, m->payload_len));
    assert_int_equal(ln_coap_writer_end(&w, &out), LN_OK);
    return out;
}

/* By number; of the same number, in the order in which they were put. */
static void sort(struct message *m)
{
    for (size_t i = 1; i < m->count; i++)
        for (size_t j = i; j > 0 && m->options[j - 1].number > m->options[j].number; j--) {
            struct option other = m->options[j];
            m->options[j] = m->options[j - 1];
            m->options[j - 1] = other;
        }
}

static void compare(const struct message *m, const struct ln_coap_msg *read)
{
    struct ln_coap_iter it = ln_coap_options(read->options);
    struct ln_coap_opt opt;
    assert_int_equal(read->code, m->code);
    assert_true(ln_coap_token_equal(&read->token, &m->token));
    for (size_t i = 0; i < m->count; i++) {
        assert_true(ln_coap_next(&it, &opt));
        assert_int_equal(opt.number, m->options[i].number);
        assert_true(ln_span_equal(opt.value, ln_span(m->options[i].value, m->options[i].len)) != 0);
    }
    assert_false(ln_coap_next(&it, &opt));
    assert_true(ln_span_equal(read->payload, ln_span(m->payload, m->payload_len)) != 0);
}

static void round_trip(void)
{
    static uint8_t room[8192];
    struct message m;
    struct ln_coap_msg read;
    make(&m);
    struct ln_span udp = write_message(&m, false, ln_mspan(room, sizeof room));
    assert_int_equal(ln_coap_read_udp(udp, &read), LN_OK);
    struct message sorted = m;
    sort(&sorted);
    compare(&sorted, &read);
    assert_int_equal(read.mid, m.mid);
    struct ln_span tcp = write_message(&m, true, ln_mspan(room, sizeof room));
    assert_int_equal(ln_coap_read_tcp(tcp, &read), LN_OK);
    compare(&sorted, &read);
}

/* ---- streams, cut anywhere ---- */

static size_t make_stream(uint8_t *out, size_t room)
{
    static const char *const texts[] = {
        "TCP GET 01 Uri-Path:a",
        "TCP PING 02",
        "TCP POST 0304 Uri-Path:b Content-Format:0 | @0+300",
        "TCP PUT 05 Uri-Path:c Block1:0/1/64 | @0+64",
        "TCP PUT 05 Uri-Path:c Block1:1/0/64 | @64+7",
        "TCP GET 06 #9:",
        "TCP -",
        "TCP 2.05 77 | nobody asked",
        "TCP FETCH 0102030405060708 Uri-Path:d | @0+1000",
    };
    uint8_t one[COAPTEXT_ROOM];
    struct ln_span csm = coaptext_build("TCP CSM - #2:0480 #4:", NULL, one);
    size_t len = csm.len;
    memcpy(out, csm.data, csm.len);
    for (unsigned n = 1 + cast(12); n > 0; n--) {
        struct ln_span m = coaptext_build(texts[cast(sizeof texts / sizeof texts[0])], NULL, one);
        if (m.len > room - len)
            break;
        memcpy(out + len, m.data, m.len);
        len += m.len;
    }
    if (cast(4) == 0) /* and something wrong somewhere */
        out[csm.len + cast((unsigned)(len - csm.len + 1))] ^= (uint8_t)(1u << cast(8));
    return len;
}

static void sent(struct coapend *e, uint8_t *bytes, size_t room, size_t *len)
{
    for (size_t i = 0; i < e->sent_count; i++) {
        assert_true(*len + e->sent[i].len <= room);
        memcpy(bytes + *len, e->sent[i].bytes, e->sent[i].len);
        *len += e->sent[i].len;
    }
    e->sent_count = 0;
}

/* What an endpoint makes of a stream that comes in pieces of up to `most` bytes. */
static size_t play(struct ln_span stream, unsigned most, uint8_t *out, size_t room, char *log)
{
    static const struct ln_coap_config config = { .transport = LN_COAP_OVER_TCP };
    static struct coapend e;
    size_t len = 0;
    coapend_init(&e, &config);
    assert_int_equal(ln_coap_start(e.coap, e.now), LN_OK);
    for (size_t at = 0; at < stream.len;) {
        size_t piece = 1 + cast(most);
        size_t may = ln_coap_receive_room(e.coap);
        assert_true(may > 0);
        piece = piece < stream.len - at ? piece : stream.len - at;
        piece = piece < may ? piece : may;
        enum ln_status st = ln_coap_receive(e.coap, 0, ln_span(stream.data + at, piece), e.now);
        at += piece;
        sent(&e, out, room, &len);
        if (st != LN_OK) {
            coapend_note(&e, "%s", ln_status_name(st));
            break;
        }
    }
    ln_coap_reset(e.coap, e.now);
    assert_true(e.log_len < 8192);
    memcpy(log, e.log, e.log_len + 1);
    e.bodies_wrong = 0; /* a bit was turned */
    coapend_deinit(&e);
    return len;
}

static void cut_anywhere(void)
{
    static uint8_t stream[16384];
    static uint8_t whole[32768];
    static uint8_t cut[32768];
    static char whole_log[8192];
    static char cut_log[8192];
    struct ln_span in = ln_span(stream, make_stream(stream, sizeof stream - 8192));
    size_t whole_len = play(in, 1u << 20, whole, sizeof whole, whole_log);
    static const unsigned most[] = { 1, 3, 20, 500 };
    size_t cut_len = play(in, most[cast(4)], cut, sizeof cut, cut_log);
    assert_string_equal(whole_log, cut_log);
    assert_int_equal(whole_len, cut_len);
    assert_memory_equal(whole, cut, cut_len);
}

/* ---- all seeds ---- */

static uint64_t running; /* the seed, or UINT64_MAX once all is well */

static int tell_seed(void **state)
{
    (void)state;
    if (running != UINT64_MAX)
        print_message("seed %llu\n", (unsigned long long)running);
    return 0;
}

static void for_each_seed(void (*run)(void), uint64_t count)
{
    const char *seed = getenv("LN_TEST_SEED");
    uint64_t first = seed != NULL ? strtoull(seed, NULL, 10) : 0;
    for (uint64_t i = 0; i < (seed != NULL ? 1 : count); i++) {
        running = first + i;
        dice = running * 77 + 5;
        run();
    }
    running = UINT64_MAX;
}

static void messages_are_read_as_they_were_written(void **state)
{
    (void)state;
    for_each_seed(round_trip, getenv("LN_TEST_FULL") != NULL ? SEEDS_FULL : SEEDS);
}

static void a_stream_means_the_same_however_it_is_cut(void **state)
{
    (void)state;
    for_each_seed(cut_anywhere, getenv("LN_TEST_FULL") != NULL ? SEEDS_FULL / 20 : SEEDS / 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(messages_are_read_as_they_were_written, tell_seed),
        cmocka_unit_test_teardown(a_stream_means_the_same_however_it_is_cut, tell_seed),
    };
    return cmocka_run_group_tests_name("codec/coap", tests, NULL, NULL);
}
