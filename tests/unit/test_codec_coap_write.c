/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/codec/coap_write.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <linnet/coap_msg.h>

#include "support/bytes.h"

static const struct ln_coap_token token = { .len = 2, .data = { 0xaa, 0xbb } };

static void expect(struct ln_coap_writer *w, const char *hex)
{
    struct ln_span out = ln_span(NULL, 0);
    struct ln_span wanted = bytes_hex(hex);
    assert_int_equal(ln_coap_writer_end(w, &out), LN_OK);
    assert_int_equal(out.len, wanted.len);
    assert_memory_equal(out.data, wanted.data, wanted.len);
}

static void a_datagram_is_written(void **state)
{
    uint8_t room[100];
    struct ln_coap_writer w;
    (void)state;
    ln_coap_write_udp(&w, ln_mspan(room, sizeof room), LN_COAP_ACK, LN_COAP_CONTENT, 0x7d34,
                      &token);
    ln_coap_put_uint(&w, LN_COAP_CONTENT_FORMAT, 11542);
    ln_coap_put_block(&w, LN_COAP_BLOCK2, (struct ln_coap_block) { .num = 3, .more = true });
    ln_coap_put_payload(&w, ln_span_str("h"));
    ln_coap_put_payload(&w, ln_span_str("i"));
    assert_int_equal(ln_coap_payload_len(&w), 2);
    expect(&w, "62 45 7d 34 aa bb c2 2d 16 b1 38 ff 68 69");
    ln_coap_write_udp(&w, ln_mspan(room, sizeof room), LN_COAP_CON, LN_COAP_EMPTY, 1, NULL);
    expect(&w, "40 00 00 01");
}

static void options_go_where_their_number_belongs(void **state)
{
    uint8_t room[100];
    struct ln_coap_writer w;
    (void)state;
    ln_coap_write_udp(&w, ln_mspan(room, sizeof room), LN_COAP_CON, LN_COAP_GET, 1, NULL);
    ln_coap_put_uint(&w, LN_COAP_SIZE1, 5);      /* 60 */
    ln_coap_put_text(&w, LN_COAP_URI_PATH, "a"); /* 11 */
    ln_coap_put_uint(&w, LN_COAP_ACCEPT, 60);    /* 17 */
    ln_coap_put_text(&w, LN_COAP_URI_PATH, "b"); /* behind the other one */
    ln_coap_put_uint(&w, LN_COAP_OBSERVE, 0);    /* 6 */
    ln_coap_put_uint(&w, 65535, 1);
    ln_coap_put_uint(&w, 300, 2);
    expect(&w, "40 01 00 01  60  51 61  01 62  61 3c  d1 1e 05  d1 e3 02  e1 fd c6 01");
}

static void integers_take_as_few_bytes_as_they_need(void **state)
{
    static const struct {
        uint32_t value;
        const char *hex;
    } cases[] = {
        { 0, "c0" },         { 1, "c1 01" },           { 255, "c1 ff" },
        { 256, "c2 01 00" }, { 65536, "c3 01 00 00" }, { UINT32_MAX, "c4 ff ff ff ff" },
    };
    uint8_t room[20];
    struct ln_coap_writer w;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ln_coap_write_options(&w, ln_mspan(room, sizeof room));
        ln_coap_put_uint(&w, LN_COAP_CONTENT_FORMAT, cases[i].value);
        expect(&w, cases[i].hex);
    }
}

static void long_values_have_long_headers(void **state)
{
    static const size_t lengths[] = { 12, 13, 268, 269, 270, 1000, 65535, 65535 + 269 };
    static uint8_t value[65535 + 270];
    static uint8_t room[70000];
    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct ln_coap_writer w;
        struct ln_span out = ln_span(NULL, 0);
        ln_coap_write_options(&w, ln_mspan(room, sizeof room));
        ln_coap_put(&w, 1000, ln_span(value, lengths[i]));
        assert_int_equal(ln_coap_writer_end(&w, &out), LN_OK);
        struct ln_coap_iter it = ln_coap_options(out);
        struct ln_coap_opt opt;
        assert_true(ln_coap_next(&it, &opt));
        assert_int_equal(opt.number, 1000);
        assert_int_equal(opt.value.len, lengths[i]);
        assert_false(ln_coap_next(&it, &opt));
    }
    struct ln_coap_writer w;
    ln_coap_write_options(&w, ln_mspan(room, sizeof room));
    ln_coap_put(&w, 1000, ln_span(value, sizeof value));
    assert_int_equal(w.status, LN_BAD_ARG);
}

static void wrong_calls_fail_for_good(void **state)
{
    static const struct ln_coap_token long_token = { .len = 9 };
    uint8_t room[100] = { 0 };
    struct ln_coap_writer w;
    struct ln_span out = ln_span(room, 1);
    (void)state;
    ln_coap_write_udp(&w, ln_mspan(room, sizeof room), LN_COAP_CON, LN_COAP_GET, 1, &long_token);
    assert_int_equal(w.status, LN_BAD_ARG);
    ln_coap_put_uint(&w, 12, 1);
    ln_coap_put_payload(&w, ln_span_str("x"));
    assert_int_equal(ln_coap_writer_end(&w, &out), LN_BAD_ARG);
    assert_ptr_equal(out.data, room);
    assert_int_equal(out.len, 1);

    ln_coap_write_udp(&w, ln_mspan(room, sizeof room), LN_COAP_CON, LN_COAP_GET, 1, NULL);
    ln_coap_put_payload(&w, ln_span_str("x"));
    ln_coap_put_uint(&w, 12, 1); /* behind the payload */
    assert_int_equal(w.status, LN_BAD_ARG);

    ln_coap_write_options(&w, ln_mspan(room, sizeof room));
    ln_coap_put_payload(&w, ln_span_str("x")); /* a list of options has none */
    assert_int_equal(w.status, LN_BAD_ARG);

    ln_coap_write_options(&w, ln_mspan(room, sizeof room));
    ln_coap_put_block(&w, LN_COAP_BLOCK1, (struct ln_coap_block) { .num = UINT32_C(1) << 20 });
    assert_int_equal(w.status, LN_BAD_ARG);
    ln_coap_write_options(&w, ln_mspan(room, sizeof room));
    ln_coap_put_block(&w, LN_COAP_BLOCK1, (struct ln_coap_block) { .szx = 8 });
    assert_int_equal(w.status, LN_BAD_ARG);

    static const char *const lists[] = { "b5 61", "ff 00", "f0", "b1 61 ff" };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        ln_coap_write_options(&w, ln_mspan(room, sizeof room));
        ln_coap_put_options(&w, bytes_hex(lists[i]));
        assert_int_equal(w.status, LN_BAD_ARG);
        ln_coap_write_options(&w, ln_mspan(room, sizeof room));
        ln_coap_put_uint(&w, 20, 1);
        ln_coap_put_options(&w, bytes_hex(lists[i]));
        assert_int_equal(w.status, LN_BAD_ARG);
    }
}

static void lists_of_options_are_put_together(void **state)
{
    uint8_t room[100];
    struct ln_coap_writer w;
    (void)state;
    ln_coap_write_udp(&w, ln_mspan(room, sizeof room), LN_COAP_CON, LN_COAP_GET, 1, NULL);
    ln_coap_put_options(&w, bytes_hex("b1 61 61 3c"));
    ln_coap_put_options(&w, bytes_hex("60 51 62"));
    ln_coap_put_uint(&w, LN_COAP_BLOCK2, 6);
    expect(&w, "40 01 00 01 60 51 61 01 62 61 3c 61 06");
}

/* Builds a message with everything in it, in `room`. */
static enum ln_status build(struct ln_mspan room, bool tcp, struct ln_span *out)
{
    static const uint8_t long_value[300];
    struct ln_coap_writer w;
    if (tcp)
        ln_coap_write_tcp(&w, room, LN_COAP_POST, &token);
    else
        ln_coap_write_udp(&w, room, LN_COAP_CON, LN_COAP_POST, 1, &token);
    ln_coap_put(&w, LN_COAP_PROXY_URI, ln_span(long_value, sizeof long_value));
    ln_coap_put_text(&w, LN_COAP_URI_PATH, "rd");
    ln_coap_put_options(&w, bytes_hex("d1 02 61 22 11 22"));
    ln_coap_put_uint(&w, LN_COAP_OBSERVE, 7);
    ln_coap_put_block(&w, LN_COAP_BLOCK1, (struct ln_coap_block) { .num = 300, .more = true });
    ln_coap_put_uint(&w, LN_COAP_SIZE1, 70000);
    struct ln_mspan payload = ln_coap_payload_room(&w);
    if (payload.len >= 2) {
        memcpy(payload.data, "hi", 2);
        ln_coap_payload_written(&w, 2);
    } else {
        ln_coap_put_payload(&w, ln_span_str("hi"));
    }
    ln_coap_put_payload(&w, ln_span_str("ho"));
    ln_coap_set_code(&w, LN_COAP_PUT);
    return ln_coap_writer_end(&w, out);
}

/* With a room that is too short by any number of bytes: LN_NO_SPACE, and nothing behind it touched. */
/* scenario: H19 */
static void a_room_that_is_too_short_is_never_overrun(void **state)
{
    (void)state;
    for (int tcp = 0; tcp <= 1; tcp++) {
        uint8_t whole[600];
        struct ln_span out = ln_span(NULL, 0);
        assert_int_equal(build(ln_mspan(whole, sizeof whole), tcp != 0, &out), LN_OK);
        size_t gap = (size_t)(out.data - whole); /* before the header over TCP */
        size_t need = gap + out.len;
        for (size_t room = 0; room <= need; room++) {
            uint8_t *block =
                malloc(room > 0 ? room : 1); /* a sanitizer sees the first byte behind */
            struct ln_span again = ln_span(NULL, 0);
            assert_non_null(block);
            enum ln_status st = build(ln_mspan(block, room), tcp != 0, &again);
            assert_int_equal(st, room < need ? LN_NO_SPACE : LN_OK);
            if (st == LN_OK)
                assert_true(ln_span_equal(again, out) != 0);
            free(block);
        }
    }
}

static void messages_of_a_stream_are_written(void **state)
{
    static const size_t lengths[] = { 0, 1, 11, 12, 13, 267, 268, 269, 70000 };
    static uint8_t room[80000];
    static uint8_t value[70000];
    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct ln_coap_writer w;
        struct ln_coap_msg m;
        struct ln_span out = ln_span(NULL, 0);
        uint64_t frame = 0;
        ln_coap_write_tcp(&w, ln_mspan(room, sizeof room), LN_COAP_CONTENT, &token);
        ln_coap_put_payload(&w, ln_span(value, lengths[i]));
        assert_int_equal(ln_coap_writer_end(&w, &out), LN_OK);
        assert_int_equal(ln_coap_frame_tcp(out, &frame), LN_OK);
        assert_int_equal(frame, out.len);
        assert_int_equal(ln_coap_read_tcp(out, &m), LN_OK);
        assert_int_equal(m.code, LN_COAP_CONTENT);
        assert_true(ln_coap_token_equal(&m.token, &token));
        assert_int_equal(m.payload.len, lengths[i]);
    }
}

static void payload_is_written_in_place(void **state)
{
    uint8_t room[10];
    struct ln_coap_writer w;
    (void)state;
    ln_coap_write_udp(&w, ln_mspan(room, 6), LN_COAP_CON, LN_COAP_GET, 1, NULL);
    assert_int_equal(ln_coap_payload_room(&w).len, 1); /* and the marker */
    ln_coap_payload_written(&w, 0);
    expect(&w, "40 01 00 01");
    ln_coap_payload_room(&w).data[0] = 0x55;
    ln_coap_payload_written(&w, 1);
    assert_int_equal(ln_coap_payload_room(&w).len, 0);
    expect(&w, "40 01 00 01 ff 55");
    ln_coap_payload_written(&w, 1);
    assert_int_equal(w.status, LN_NO_SPACE);
    ln_coap_write_udp(&w, ln_mspan(room, 5), LN_COAP_CON, LN_COAP_GET, 1, NULL);
    assert_int_equal(ln_coap_payload_room(&w).len, 0); /* the marker alone does not help */
    ln_coap_put_payload(&w, ln_span(NULL, 0));
    expect(&w, "40 01 00 01");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_datagram_is_written),
        cmocka_unit_test(options_go_where_their_number_belongs),
        cmocka_unit_test(integers_take_as_few_bytes_as_they_need),
        cmocka_unit_test(long_values_have_long_headers),
        cmocka_unit_test(wrong_calls_fail_for_good),
        cmocka_unit_test(lists_of_options_are_put_together),
        cmocka_unit_test(a_room_that_is_too_short_is_never_overrun),
        cmocka_unit_test(messages_of_a_stream_are_written),
        cmocka_unit_test(payload_is_written_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
