/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/codec/coap_read.c and coap_names.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <linnet/coap_msg.h>

#include "support/bytes.h"

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

static bool is(struct ln_span span, const char *text)
{
    return ln_span_equal(span, ln_span_str(text)) != 0;
}

/* ---- what is read ---- */

static void a_request_is_read_with_all_it_says(void **state)
{
    struct ln_span in = bytes_hex("44 01 7d 34 20 21 22 23   # CON, GET, id, token\n"
                                  "60                        # Observe 0\n"
                                  "51 33  02 31 30           # Uri-Path 3, 10\n"
                                  "12 01 60                  # Content-Format 352\n"
                                  "33 61 3d 62               # Uri-Query a=b\n"
                                  "22 2d 18                  # Accept 11544\n"
                                  "62 01 2e                  # Block2 18/more/1024\n"
                                  "41 35                     # Block1 3/0/512\n"
                                  "12 03 e8                  # Size2 1000\n"
                                  "d3 13 01 00 00            # Size1 65536\n"
                                  "d2 b3 0a 0b               # Echo\n"
                                  "ff 68 69");
    struct ln_coap_msg m;
    (void)state;
    assert_int_equal(ln_coap_read_udp(in, &m), LN_OK);
    assert_int_equal(m.type, LN_COAP_CON);
    assert_int_equal(m.code, LN_COAP_GET);
    assert_int_equal(m.mid, 0x7d34);
    assert_int_equal(m.token.len, 4);
    assert_memory_equal(m.token.data, "\x20\x21\x22\x23\0\0\0\0", 8);
    assert_true(is(m.payload, "hi"));
    assert_int_equal(m.has, LN_COAP_HAS_OBSERVE | LN_COAP_HAS_URI_PATH |
                                LN_COAP_HAS_CONTENT_FORMAT | LN_COAP_HAS_URI_QUERY |
                                LN_COAP_HAS_ACCEPT | LN_COAP_HAS_BLOCK2 | LN_COAP_HAS_BLOCK1 |
                                LN_COAP_HAS_SIZE2 | LN_COAP_HAS_SIZE1 | LN_COAP_HAS_ECHO);
    assert_int_equal(m.bad_option, 0);
    assert_int_equal(m.observe, 0);
    assert_int_equal(m.content_format, 352);
    assert_int_equal(m.accept, 11544);
    assert_true(m.block2.num == 18 && m.block2.more && m.block2.szx == 6);
    assert_int_equal(ln_coap_block_offset(m.block2), 18 * 1024);
    assert_true(m.block1.num == 3 && !m.block1.more && m.block1.szx == 5);
    assert_int_equal(m.size2, 1000);
    assert_int_equal(m.size1, 65536);
    assert_true(is(m.echo, "\x0a\x0b"));

    static const char *const path[] = { "3", "10" };
    struct ln_coap_iter it = ln_coap_options(m.options);
    struct ln_span value;
    for (size_t i = 0; i < 2; i++) {
        assert_true(ln_coap_next_of(&it, LN_COAP_URI_PATH, &value));
        assert_true(is(value, path[i]));
    }
    assert_false(ln_coap_next_of(&it, LN_COAP_URI_PATH, &value));
    assert_true(ln_coap_next_of(&it, LN_COAP_URI_QUERY, &value)); /* a higher one, with the same */
    assert_true(is(value, "a=b"));
    assert_false(ln_coap_next_of(&it, LN_COAP_URI_PATH, &value)); /* not backwards */
}

static void an_answer_is_read(void **state)
{
    struct ln_span in = bytes_hex("61 45 00 01 aa  42 e1 e2  01 e3"
                                  "22 12 34              # Observe\n"
                                  "22 72 64  01 35       # Location-Path rd, 5\n"
                                  "61 3c                 # Max-Age 60");
    struct ln_coap_msg m;
    (void)state;
    assert_int_equal(ln_coap_read_udp(in, &m), LN_OK);
    assert_int_equal(m.type, LN_COAP_ACK);
    assert_int_equal(m.code, LN_COAP_CONTENT);
    assert_int_equal(m.observe, 0x1234);
    assert_int_equal(m.max_age, 60);
    assert_true(is(m.etag, "\xe1\xe2")); /* the first */
    assert_int_equal(m.has, LN_COAP_HAS_ETAG | LN_COAP_HAS_OBSERVE | LN_COAP_HAS_LOCATION_PATH |
                                LN_COAP_HAS_MAX_AGE);
    assert_int_equal(m.payload.len, 0);
}

static void other_options_leave_their_mark(void **state)
{
    struct ln_coap_msg m;
    (void)state;
    assert_int_equal(ln_coap_read_udp(bytes_hex("40 03 00 01 11 aa 40  40  d2 0d 63 6f # If-Match, "
                                                "If-None-Match, OSCORE, Proxy-Uri"),
                                      &m),
                     LN_OK);
    assert_int_equal(m.has, LN_COAP_HAS_IF_MATCH | LN_COAP_HAS_IF_NONE_MATCH | LN_COAP_HAS_OSCORE |
                                LN_COAP_HAS_PROXY);
    assert_int_equal(m.bad_option, 0);
}

/* ---- malformed ---- */

/* A message that is refused leaves what was there. */
static void expect(struct ln_span in, enum ln_status wanted, const char *why)
{
    struct ln_coap_msg m;
    struct ln_coap_msg before;
    memset(&m, 0x5a, sizeof m);
    before = m;
    enum ln_status st = ln_coap_read_udp(in, &m);
    if (st != wanted)
        fail_msg("%s: %s", why, ln_status_name(st));
    if (st != LN_OK)
        assert_memory_equal(&m, &before, sizeof m);
}

static const struct {
    const char *hex;
    enum ln_status status;
    const char *why;
} headers[] = {
    { "", LN_BAD_PEER, "no byte" },
    { "40", LN_BAD_PEER, "one" },
    { "40 01", LN_BAD_PEER, "two" },
    { "40 01 00", LN_BAD_PEER, "three" },
    { "40 01 00 01", LN_OK, "four" },
    { "00 01 00 01", LN_BAD_PEER, "version 0" },
    { "80 01 00 01", LN_BAD_PEER, "version 2" },
    { "c0 01 00 01", LN_BAD_PEER, "version 3" },
    { "48 01 00 01 01 02 03 04 05 06 07 08", LN_OK, "TKL 8" },
    { "49 01 00 01 01 02 03 04 05 06 07 08 09", LN_BAD_PEER, "TKL 9" },
    { "4a 01 00 01 01 02 03 04 05 06 07 08 09 0a", LN_BAD_PEER, "TKL 10" },
    { "4b 01 00 01 01 02 03 04 05 06 07 08 09 0a 0b", LN_BAD_PEER, "TKL 11" },
    { "4c 01 00 01 01 02 03 04 05 06 07 08 09 0a 0b 0c", LN_BAD_PEER, "TKL 12" },
    { "4d 01 00 01", LN_UNSUPPORTED, "TKL 13, nothing behind it" },
    { "4d 01 00 01 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d", LN_UNSUPPORTED, "RFC 8974" },
    { "4e 01 00 01", LN_UNSUPPORTED, "TKL 14, nothing behind it" },
    { "4e 01 00 01 00", LN_UNSUPPORTED, "TKL 14, half of it" },
    { "4f 01 00 01 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f", LN_BAD_PEER, "TKL 15" },
    { "41 01 00 01", LN_BAD_PEER, "a token of one byte, and none there" },
    { "48 01 00 01 01 02 03 04 05 06 07", LN_BAD_PEER, "a token one byte short" },
    { "40 00 00 01", LN_OK, "empty" },
    { "41 00 00 01 aa", LN_BAD_PEER, "empty with a token" },
    { "40 00 00 01 ff 00", LN_BAD_PEER, "empty with a payload" },
    { "41 00 00 01", LN_BAD_PEER, "empty that claims a token" },
    { "40 20 00 01", LN_BAD_PEER, "class 1" },
    { "40 c0 00 01", LN_BAD_PEER, "class 6" },
    { "40 e1 00 01", LN_BAD_PEER, "class 7" },
    { "40 1f 00 01", LN_OK, "a method nobody knows" },
    { "40 bf 00 01", LN_OK, "an error nobody knows" },
};

/* scenario: H01, H02, H03, H04 */
static void headers_are_checked(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(headers); i++)
        expect(bytes_hex(headers[i].hex), headers[i].status, headers[i].why);
}

static const struct {
    const char *hex; /* behind 40 01 00 01 */
    enum ln_status status;
    const char *why;
} options[] = {
    { "f0", LN_BAD_PEER, "H05: delta 15" },
    { "0f", LN_BAD_PEER, "H05: length 15" },
    { "f1 00", LN_BAD_PEER, "H05: delta 15, with a value" },
    { "1f 00 00 00", LN_BAD_PEER, "H05: length 15, with bytes" },
    { "d0", LN_BAD_PEER, "H06: one byte of delta is missing" },
    { "e0", LN_BAD_PEER, "H06: both bytes of delta are missing" },
    { "e0 00", LN_BAD_PEER, "H06: the second byte of delta is missing" },
    { "0d", LN_BAD_PEER, "H06: one byte of length is missing" },
    { "0e", LN_BAD_PEER, "H06: both bytes of length are missing" },
    { "0e 00", LN_BAD_PEER, "H06: the second byte of length is missing" },
    { "dd 00", LN_BAD_PEER, "H06: the length behind an extended delta is missing" },
    { "ee 00 00 00", LN_BAD_PEER, "H06: the second byte of length behind an extended delta" },
    { "ff", LN_BAD_PEER, "H14: a marker and no payload" },
    { "b1 61 ff", LN_BAD_PEER, "H14: the same behind an option" },
    { "ff 00", LN_OK, "a payload of one byte" },
    { "01", LN_BAD_PEER, "H08: a value of one byte that is not there" },
    { "b5 61 62 63 64", LN_BAD_PEER, "H08: one byte short" },
    { "0d ff", LN_BAD_PEER, "H08: 268 bytes" },
    { "0e ff ff 00", LN_BAD_PEER, "H08: 65804 bytes" },
    { "e0 fe f2", LN_OK, "option 65535" },
    { "e0 fe f3", LN_BAD_PEER, "H07: option 65536" },
    { "e0 ff ff", LN_BAD_PEER, "H07: option 65804" },
    { "e0 fe f2 10", LN_BAD_PEER, "H07: 65535 + 1" },
    { "e0 fe f2 e0 ff ff", LN_BAD_PEER, "H07: 65535 + 65804, a wrap to a lower number" },
    { "e0 80 00 e0 80 00", LN_BAD_PEER, "H07: two halves too many" },
    { "b1 61 10 10", LN_OK, "empty ones" },
};

/* scenario: H05, H06, H07, H08, H14 */
static void option_encoding_is_checked(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(options); i++) {
        const struct ln_span parts[] = { bytes_hex("40 01 00 01"), bytes_hex(options[i].hex) };
        expect(bytes_join(parts, 2), options[i].status, options[i].why);
    }
}

/* scenario: H09, H13 */
static void numbers_without_meaning_are_kept_apart(void **state)
{
    struct ln_coap_msg m;
    (void)state;
    /* 65535 is critical, 65534 is not */
    assert_int_equal(ln_coap_read_udp(bytes_hex("40 01 00 01 e0 fe f2"), &m), LN_OK);
    assert_int_equal(m.bad_option, 65535);
    assert_int_equal(ln_coap_read_udp(bytes_hex("40 01 00 01 e0 fe f1"), &m), LN_OK);
    assert_int_equal(m.bad_option, 0);
    /* the first one counts: 13, then 65535 */
    assert_int_equal(ln_coap_read_udp(bytes_hex("40 01 00 01 d0 00 e0 fe e5"), &m), LN_OK);
    assert_int_equal(m.bad_option, 13);
    assert_int_equal(m.has, 0);
}

/* scenario: H10 */
static void empty_segments_are_segments(void **state)
{
    struct ln_coap_msg m;
    struct ln_span value;
    size_t n = 0;
    (void)state;
    assert_int_equal(ln_coap_read_udp(bytes_hex("40 01 00 01 80 00 30 00 00 40 00"), &m), LN_OK);
    assert_int_equal(m.has,
                     LN_COAP_HAS_LOCATION_PATH | LN_COAP_HAS_URI_PATH | LN_COAP_HAS_URI_QUERY);
    assert_int_equal(m.bad_option, 0);
    for (struct ln_coap_iter it = ln_coap_options(m.options);
         ln_coap_next_of(&it, LN_COAP_URI_PATH, &value); n++)
        assert_int_equal(value.len, 0);
    assert_int_equal(n, 3);
}

/* RFC 7252 5.4.5: what occurs once too often is not recognised. */
/* scenario: H11 */
static void what_must_not_be_repeated_counts_once(void **state)
{
    struct ln_coap_msg m;
    (void)state;
    assert_int_equal(ln_coap_read_udp(bytes_hex("40 01 00 01 c1 01 01 02"), &m), LN_OK);
    assert_int_equal(m.content_format, 1); /* elective: ignored */
    assert_int_equal(m.bad_option, 0);
    assert_int_equal(ln_coap_read_udp(bytes_hex("40 01 00 01 d1 04 01 01 02"), &m), LN_OK);
    assert_int_equal(m.accept, 1); /* critical: told */
    assert_int_equal(m.bad_option, LN_COAP_ACCEPT);
    assert_int_equal(ln_coap_read_udp(bytes_hex("40 01 00 01 d1 0a 06 01 16"), &m), LN_OK);
    assert_true(m.block2.num == 0 && m.block2.szx == 6);
    assert_int_equal(m.bad_option, LN_COAP_BLOCK2);
}

/* scenario: H12 */
static void a_thousand_tiny_options_are_read(void **state)
{
    uint8_t bytes[4 + 1 + 1000] = { 0x40, 0x01, 0x00, 0x01, 0xb0 };
    struct ln_coap_msg m;
    struct ln_coap_opt opt;
    size_t n = 0;
    (void)state;
    assert_int_equal(ln_coap_read_udp(ln_span(bytes, sizeof bytes), &m), LN_OK);
    for (struct ln_coap_iter it = ln_coap_options(m.options); ln_coap_next(&it, &opt); n++)
        assert_int_equal(opt.number, LN_COAP_URI_PATH);
    assert_int_equal(n, 1001);
}

/* scenario: H15 */
static void integers_have_their_length(void **state)
{
    static const struct {
        const char *hex;
        uint32_t has;
        uint16_t bad;
        const char *why;
    } cases[] = {
        { "63 ff ff ff", LN_COAP_HAS_OBSERVE, 0, "Observe of 3 bytes" },
        { "64 00 00 00 01", 0, 0, "Observe of 4" },
        { "c2 ff ff", LN_COAP_HAS_CONTENT_FORMAT, 0, "Content-Format of 2" },
        { "c3 00 00 01", 0, 0, "Content-Format of 3" },
        { "c9 00 00 00 00 00 00 00 00 01", 0, 0, "Content-Format of 9" },
        { "d4 01 ff ff ff ff", LN_COAP_HAS_MAX_AGE, 0, "Max-Age of 4" },
        { "d5 01 00 ff ff ff ff", 0, 0, "Max-Age of 5" },
        { "d2 04 ff ff", LN_COAP_HAS_ACCEPT, 0, "Accept of 2" },
        { "d3 04 00 00 01", 0, LN_COAP_ACCEPT, "Accept of 3" },
        { "d3 0a ff ff f6", LN_COAP_HAS_BLOCK2, 0, "Block2 of 3" },
        { "d4 0a 00 00 00 06", 0, LN_COAP_BLOCK2, "Block2 of 4" },
        { "d4 0e 00 00 00 06", 0, LN_COAP_BLOCK1, "Block1 of 4" },
        { "d4 0f ff ff ff ff", LN_COAP_HAS_SIZE2, 0, "Size2 of 4" },
        { "d5 0f 00 00 00 00 01", 0, 0, "Size2 of 5" },
        { "d5 2f 00 00 00 00 01", 0, 0, "Size1 of 5" },
        { "73 00 00 01", 0, LN_COAP_URI_PORT, "Uri-Port of 3" },
        { "40", 0, 0, "an empty ETag" },
        { "49 00 00 00 00 00 00 00 00 00", 0, 0, "an ETag of 9" },
        { "30", 0, LN_COAP_URI_HOST, "an empty Uri-Host" },
        { "51 00", 0, LN_COAP_IF_NONE_MATCH, "If-None-Match with a value" },
        { "d0 ef", 0, 0, "an empty Echo" },
    };
    struct ln_coap_msg m;
    uint32_t value = 7;
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct ln_span parts[] = { bytes_hex("40 01 00 01"), bytes_hex(cases[i].hex) };
        assert_int_equal(ln_coap_read_udp(bytes_join(parts, 2), &m), LN_OK);
        if (m.has != cases[i].has || m.bad_option != cases[i].bad)
            fail_msg("%s: has %x, bad option %u", cases[i].why, (unsigned)m.has, m.bad_option);
    }
    assert_int_equal(ln_coap_uint(bytes_hex("01 02 03 04"), &value), LN_OK);
    assert_int_equal(value, 0x01020304);
    assert_int_equal(ln_coap_uint(bytes_hex("00 00 00 00 01"), &value), LN_BAD_PEER);
    assert_int_equal(value, 0x01020304);
    assert_int_equal(ln_coap_uint(ln_span(NULL, 0), &value), LN_OK);
    assert_int_equal(value, 0);
}

/* What a Location-Path or a query may hold is for its reader to judge: the bytes are as they came. */
/* scenario: H16, H17, H18 */
static void hostile_texts_stay_what_they_are(void **state)
{
    static const char *const segments[] = { "rd/x", "..", "%2", "a%00b" };
    uint8_t bytes[3000] = { 0x41, 0x41, 0x00, 0x01, 0xaa };
    size_t at = 5;
    struct ln_coap_msg m;
    struct ln_span value;
    (void)state;
    for (size_t i = 0; i < COUNT(segments); i++) {
        size_t len = strlen(segments[i]);
        bytes[at++] = (uint8_t)((i == 0 ? 0x80 : 0) | len);
        memcpy(bytes + at, segments[i], len);
        at += len;
    }
    bytes[at++] = 0x03; /* a NUL inside */
    memcpy(bytes + at, "a\0b", 3);
    at += 3;
    bytes[at++] = 0x0d; /* 255 characters */
    bytes[at++] = 255 - 13;
    memset(bytes + at, 'y', 255);
    at += 255;
    bytes[at++] = 0x0d; /* 256 are one too many */
    bytes[at++] = 256 - 13;
    memset(bytes + at, 'z', 256);
    at += 256;
    assert_int_equal(ln_coap_read_udp(ln_span(bytes, at), &m), LN_OK);
    struct ln_coap_iter it = ln_coap_options(m.options);
    for (size_t i = 0; i < COUNT(segments); i++) {
        assert_true(ln_coap_next_of(&it, LN_COAP_LOCATION_PATH, &value));
        assert_true(is(value, segments[i]));
    }
    assert_true(ln_coap_next_of(&it, LN_COAP_LOCATION_PATH, &value));
    assert_int_equal(value.len, 3);
    assert_true(ln_coap_next_of(&it, LN_COAP_LOCATION_PATH, &value));
    assert_int_equal(value.len, 255);

    /* a host of 256 characters is no host: critical, so it is told */
    bytes[5] = 0x3d;
    bytes[6] = 256 - 13;
    memset(bytes + 7, 'h', 256);
    assert_int_equal(ln_coap_read_udp(ln_span(bytes, 7 + 256), &m), LN_OK);
    assert_int_equal(m.bad_option, LN_COAP_URI_HOST);
}

/* Whatever is cut off a good message makes it malformed or shorter, never read past its end (which a
 * sanitizer would see). */
static void every_prefix_is_safe(void **state)
{
    struct ln_span in = bytes_hex("48 45 7d 34 01 02 03 04 05 06 07 08 6d 01 00 00 00 00 00 00 00 "
                                  "00 00 00 00 00 00 00 51 33 12 01 60 dd 00 01 30 30 30 30 30 30 "
                                  "30 30 30 30 30 30 30 30 ff 68 69");
    struct ln_coap_msg m;
    (void)state;
    for (size_t len = 0; len <= in.len; len++) {
        struct ln_span part = bytes_copy(ln_span(in.data, len));
        if (ln_coap_read_udp(part, &m) == LN_OK)
            assert_true(m.options.len + m.payload.len <= len);
    }
}

/* ---- headers of what is malformed ---- */

static void the_header_is_read_alone(void **state)
{
    uint8_t type = 9;
    uint8_t code = 9;
    uint16_t mid = 9;
    (void)state;
    assert_int_equal(ln_coap_read_udp_header(bytes_hex("5f e5 12 34 ff"), &type, &code, &mid),
                     LN_OK);
    assert_true(type == LN_COAP_NON && code == 0xe5 && mid == 0x1234);
    assert_int_equal(ln_coap_read_udp_header(bytes_hex("40 01 12"), &type, &code, &mid),
                     LN_BAD_PEER);
    assert_int_equal(ln_coap_read_udp_header(bytes_hex("00 01 12 34"), &type, &code, &mid),
                     LN_BAD_PEER);
    assert_true(type == LN_COAP_NON && code == 0xe5 && mid == 0x1234);
}

/* ---- TCP ---- */

static const struct {
    const char *hex;
    enum ln_status status;
    uint64_t len;
    const char *why;
} frames[] = {
    { "", LN_AGAIN, 0, "nothing" },
    { "00", LN_OK, 2, "the shortest message" },
    { "08", LN_OK, 10, "a token" },
    { "c1", LN_OK, 15, "12 bytes, the longest literal" },
    { "d1", LN_AGAIN, 0, "the length is still to come" },
    { "d1 00", LN_OK, 2 + 1 + 1 + 13, "13; the code does not matter" },
    { "d1 ff", LN_OK, 2 + 1 + 1 + 268, "268" },
    { "e1 00", LN_AGAIN, 0, "half of the length" },
    { "e0 00 00", LN_OK, 2 + 2 + 269, "269" },
    { "e0 ff ff 01", LN_OK, 2 + 2 + 65804, "65804" },
    { "f0 00 00 00", LN_AGAIN, 0, "three bytes of four" },
    { "f0 00 00 00 00 01", LN_OK, 2 + 4 + 65805, "65805" },
    { "f8 ff ff ff ff 01", LN_OK, UINT64_C(4295033100) + 14, "more than 2^32" },
    { "09", LN_BAD_PEER, 0, "TKL 9" },
    { "0f", LN_BAD_PEER, 0, "TKL 15" },
    { "0d", LN_UNSUPPORTED, 0, "TKL 13" },
    { "0e", LN_UNSUPPORTED, 0, "TKL 14" },
};

static void frames_are_measured(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(frames); i++) {
        uint64_t len = 77;
        enum ln_status st = ln_coap_frame_tcp(bytes_hex(frames[i].hex), &len);
        if (st != frames[i].status || len != (st == LN_OK ? frames[i].len : 77))
            fail_msg("%s: %s, %llu bytes", frames[i].why, ln_status_name(st),
                     (unsigned long long)len);
    }
}

static void messages_of_a_stream_are_read(void **state)
{
    struct ln_coap_msg m;
    (void)state;
    assert_int_equal(ln_coap_read_tcp(bytes_hex("52 45 aa bb c1 28 ff 68 69"), &m), LN_OK);
    assert_int_equal(m.code, LN_COAP_CONTENT);
    assert_int_equal(m.type, LN_COAP_NON);
    assert_int_equal(m.mid, 0);
    assert_int_equal(m.token.len, 2);
    assert_int_equal(m.content_format, 40);
    assert_true(is(m.payload, "hi"));
    /* of signalling, numbers mean something else: 2 is Max-Message-Size, 4 Block-Wise-Transfer */
    assert_int_equal(ln_coap_read_tcp(bytes_hex("40 e1 22 04 80 20"), &m), LN_OK);
    assert_int_equal(m.has, 0);
    assert_int_equal(m.bad_option, 0);
    assert_int_equal(m.options.len, 4);
    /* exactly one message */
    assert_int_equal(ln_coap_read_tcp(bytes_hex("52 45 aa bb c1 28 ff 68"), &m), LN_BAD_PEER);
    assert_int_equal(ln_coap_read_tcp(bytes_hex("52 45 aa bb c1 28 ff 68 69 00"), &m), LN_BAD_PEER);
    assert_int_equal(ln_coap_read_tcp(bytes_hex("d1"), &m), LN_BAD_PEER);
    assert_int_equal(ln_coap_read_tcp(bytes_hex("0d 01"), &m), LN_UNSUPPORTED);
    assert_int_equal(ln_coap_read_tcp(bytes_hex("00 20"), &m), LN_BAD_PEER);
    assert_int_equal(ln_coap_read_tcp(bytes_hex("00 00"), &m), LN_OK); /* empty: keep alive */
}

/* ---- names ---- */

static void codes_have_names(void **state)
{
    char text[LN_COAP_CODE_ROOM];
    (void)state;
    assert_string_equal(ln_coap_code_text(LN_COAP_NOT_FOUND, text), "4.04 Not Found");
    assert_string_equal(ln_coap_code_text(LN_COAP_GET, text), "GET");
    assert_string_equal(ln_coap_code_text(LN_COAP_CONTINUE, text), "2.31 Continue");
    assert_string_equal(ln_coap_code_text(0x5e, text), "2.30");
    assert_string_equal(ln_coap_code_text(0xff, text), "7.31");
    assert_string_equal(ln_coap_code_text(LN_COAP_EMPTY, text), "0.00 Empty");
    assert_null(ln_coap_code_name(0x5e));
    for (unsigned code = 0; code < 256; code++)
        assert_true(strlen(ln_coap_code_text((uint8_t)code, text)) < LN_COAP_CODE_ROOM);
    assert_int_equal(LN_COAP_UNSUPPORTED_FORMAT, 4 << 5 | 15);
}

static void all_options_have_names(void **state)
{
    (void)state;
#define NAME_IS_THERE(name, number, repeatable, format, min, max)                                  \
    assert_non_null(ln_coap_option_name(number));
    LN_COAP_OPTION_LIST(NAME_IS_THERE)
#undef NAME_IS_THERE
    assert_string_equal(ln_coap_option_name(LN_COAP_URI_PATH), "Uri-Path");
    assert_null(ln_coap_option_name(2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_read_with_all_it_says),
        cmocka_unit_test(an_answer_is_read),
        cmocka_unit_test(other_options_leave_their_mark),
        cmocka_unit_test(headers_are_checked),
        cmocka_unit_test(option_encoding_is_checked),
        cmocka_unit_test(numbers_without_meaning_are_kept_apart),
        cmocka_unit_test(empty_segments_are_segments),
        cmocka_unit_test(what_must_not_be_repeated_counts_once),
        cmocka_unit_test(a_thousand_tiny_options_are_read),
        cmocka_unit_test(integers_have_their_length),
        cmocka_unit_test(hostile_texts_stay_what_they_are),
        cmocka_unit_test(every_prefix_is_safe),
        cmocka_unit_test(the_header_is_read_alone),
        cmocka_unit_test(frames_are_measured),
        cmocka_unit_test(messages_of_a_stream_are_read),
        cmocka_unit_test(codes_have_names),
        cmocka_unit_test(all_options_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
