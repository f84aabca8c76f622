/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/codec/tlv.c. The bytes are our own: the examples of the specification are wrong
 * (see OMA_LwM2M_for_Developers issue 593). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "support/bytes.h"
#include "support/payload.h"

struct row {
    const char *path;
    const char *bytes;
    const char *found;
    const char *why;
};

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        print_message("  %s %s: %s\n", rows[i].path, rows[i].bytes, rows[i].why);
        assert_string_equal(payload_read(&ln__format_tlv, rows[i].path, bytes_hex(rows[i].bytes)),
                            rows[i].found);
    }
}
#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof(rows)[0])

static const struct row values[] = {
    { "/1/0/1", "c1 01 61", "/1/0/1=\"a\" .", "a string" },
    { "/1/0/1", "c0 01", "/1/0/1=\"\" .", "an empty one" },
    { "/1/0/1", "c8 01 08 61 62 63 64 65 66 67 68", "/1/0/1=\"abcdefgh\" .", "of eight bytes" },
    { "/1/0/1", "c3 01 e2 82 ac", "/1/0/1=\"\xe2\x82\xac\" .", "UTF-8" },
    { "/1/0/2", "c3 02 00 ff 80", "/1/0/2=00ff80 .", "opaque" },
    { "/1/0/2", "c0 02", "/1/0/2= .", "opaque of no bytes" },
    { "/1/0/3", "c1 03 05", "/1/0/3=5 .", "an integer of one byte" },
    { "/1/0/3", "c1 03 ff", "/1/0/3=-1 .", "a negative one" },
    { "/1/0/3", "c2 03 80 00", "/1/0/3=-32768 .", "of two bytes" },
    { "/1/0/3", "c4 03 7f ff ff ff", "/1/0/3=2147483647 .", "of four" },
    { "/1/0/3", "c8 03 08 80 00 00 00 00 00 00 00", "/1/0/3=-9223372036854775808 .", "of eight" },
    { "/1/0/3", "c4 03 00 00 00 05", "/1/0/3=5 .", "longer than need be" },
    { "/1/0/4", "c1 04 ff", "/1/0/4=255 .", "an unsigned one has no sign" },
    { "/1/0/4", "c8 04 08 ff ff ff ff ff ff ff ff", "/1/0/4=18446744073709551615 .",
      "the greatest one" },
    { "/1/0/5", "c4 05 3f c0 00 00", "/1/0/5=1.5 .", "a float of four bytes" },
    { "/1/0/5", "c8 05 08 bf f8 00 00 00 00 00 00", "/1/0/5=-1.5 .", "of eight" },
    { "/1/0/6", "c1 06 01", "/1/0/6=true .", "true" },
    { "/1/0/6", "c1 06 00", "/1/0/6=false .", "false" },
    { "/1/0/7", "c4 07 65 53 f1 00", "/1/0/7=1700000000 .", "a time" },
    { "/1/0/8", "c4 08 00 42 00 01", "/1/0/8=66:1 .", "a link" },
    { "/1/0/8", "c4 08 ff ff ff ff", "/1/0/8=65535:65535 .", "a link to nowhere" },
    { "/1/0/9", "c6 09 3c 2f 33 2f 30 3e", "/1/0/9=\"</3/0>\" .", "a link of CoRE" },
    { "/1/0/10", "c1 0a 05", "/1/0/10=05 .", "as it comes: bytes" },
};

static void test_values(void **state)
{
    (void)state;
    CHECK_ROWS(values);
}

static const struct row refused_values[] = {
    { "/1/0/3", "c0 03", "/1/0/3=!LN_BAD_PEER .", "an integer of no bytes" },
    { "/1/0/3", "c3 03 00 00 05", "/1/0/3=!LN_BAD_PEER .", "of three" },
    { "/1/0/3", "c5 03 00 00 00 00 05", "/1/0/3=!LN_BAD_PEER .", "of five" },
    { "/1/0/3", "c6 03 00 00 00 00 00 05", "/1/0/3=!LN_BAD_PEER .", "of six" },
    { "/1/0/3", "c7 03 00 00 00 00 00 00 05", "/1/0/3=!LN_BAD_PEER .", "of seven" },
    { "/1/0/3", "c8 03 09 00 00 00 00 00 00 00 00 05", "/1/0/3=!LN_BAD_PEER .", "of nine" },
    { "/1/0/4", "c0 04", "/1/0/4=!LN_BAD_PEER .", "an unsigned one of no bytes" },
    { "/1/0/5", "c0 05", "/1/0/5=!LN_BAD_PEER .", "a float of no bytes" },
    { "/1/0/5", "c2 05 3c 00", "/1/0/5=!LN_BAD_PEER .", "of two" },
    { "/1/0/6", "c0 06", "/1/0/6=!LN_BAD_PEER .", "a boolean of no bytes" },
    { "/1/0/6", "c1 06 02", "/1/0/6=!LN_BAD_PEER .", "neither true nor false" },
    { "/1/0/6", "c2 06 00 01", "/1/0/6=!LN_BAD_PEER .", "of two bytes" },
    { "/1/0/7", "c0 07", "/1/0/7=!LN_BAD_PEER .", "a time of no bytes" },
    { "/1/0/8", "c0 08", "/1/0/8=!LN_BAD_PEER .", "a link of no bytes" },
    { "/1/0/8", "c3 08 00 42 00", "/1/0/8=!LN_BAD_PEER .", "a link of three" },
    { "/1/0/1", "c2 01 c3 28", "/1/0/1=!LN_BAD_PEER .", "text that is not UTF-8" },
    { "/1/0/1", "c3 01 61 00 62", "/1/0/1=!LN_BAD_PEER .", "with a NUL, which would cut it in C" },
    { "/1/0/2", "c3 02 61 00 62", "/1/0/2=610062 .", "bytes with a NUL" },
    { "/1/0", "c0 03 c1 04 07", "/1/0/3=!LN_BAD_PEER /1/0/4=7 .", "what follows is read" },
};

/* scenario: H53, H54 */
static void test_values_that_are_refused(void **state)
{
    (void)state;
    print_message("  (what comes piece by piece is not checked to be UTF-8)\n");
    for (size_t i = 0; i < sizeof refused_values / sizeof refused_values[0]; i++) {
        const struct row *row = &refused_values[i];
        for (size_t step = 0; step < 4; step++) {
            struct payload_way way = { .step = step };
            print_message("  %s: %s\n", row->bytes, row->why);
            assert_string_equal(
                payload_dump(&ln__format_tlv, row->path, bytes_hex(row->bytes), way), row->found);
        }
    }
}

static const struct row trees[] = {
    { "/1", "", ".", "an object without instances" },
    { "/1", "00 05", "/1/5[ .", "an empty instance" },
    { "/1", "03 00 c1 03 05 23 01 00 c1 03 06", "/1/0[ /1/0/3=5 /1/256[ /1/256/3=6 .",
      "two instances" },
    { "/1", "08 00 0b 86 0d 41 00 01 41 01 05 c1 03 05",
      "/1/0[ /1/0/13{ /1/0/13/0=1 /1/0/13/1=5 /1/0/3=5 .", "an array in an instance" },
    { "/1", "c1 03 05 86 0d 41 00 01 41 01 05",
      "/1/65535/3=5 /1/65535/13{ /1/65535/13/0=1 /1/65535/13/1=5 .",
      "an instance that has no id yet" },
    { "/1/0", "c1 03 05 c1 04 06", "/1/0/3=5 /1/0/4=6 .", "resources" },
    { "/1/0", "06 00 c1 03 05 c1 04 06", "/1/0/3=5 /1/0/4=6 .", "wrapped in their instance" },
    { "/1/0", "", ".", "an instance without resources" },
    { "/1/0", "00 00", ".", "wrapped, too" },
    { "/1/0", "86 0d 41 00 01 41 01 05", "/1/0/13{ /1/0/13/0=1 /1/0/13/1=5 .", "an array" },
    { "/1/0", "80 0d c1 03 05", "/1/0/13{ /1/0/3=5 .", "an empty one" },
    { "/1/0", "e1 01 2f 05", "/1/0/303=5 .", "an id of two bytes" },
    { "/1/0/13", "86 0d 41 00 01 41 01 05", "/1/0/13{ /1/0/13/0=1 /1/0/13/1=5 .",
      "an array alone" },
    { "/1/0/13", "80 0d", "/1/0/13{ .", "an empty one" },
    { "/1/0/13/1", "41 01 05", "/1/0/13/1=5 .", "one of its instances" },
    { "/1/0/13/1", "83 0d 41 01 05", "/1/0/13/1=5 .", "wrapped in the resource" },
    { "/1/0/13/1", "80 0d", ".", "the wrap alone" },
};

static void test_trees(void **state)
{
    (void)state;
    CHECK_ROWS(trees);
}

static const struct row long_forms[] = {
    { "/1/0/3", "e1 00 03 05", "/1/0/3=5 .", "an id of two bytes where one is enough" },
    { "/1/0/3", "c8 03 01 05", "/1/0/3=5 .", "a length of one byte where none is needed" },
    { "/1/0/3", "d0 03 00 01 05", "/1/0/3=5 .", "of two" },
    { "/1/0/3", "d8 03 00 00 01 05", "/1/0/3=5 .", "of three" },
    { "/1/0/3", "f8 00 03 00 00 01 05", "/1/0/3=5 .", "the longest header" },
    { "/1/0/3", "cf 03 01 05", "/1/0/3=5 .", "bits that do not count beside a length" },
    { "/1", "38 00 00 00 00 07 f8 00 03 00 00 01 05", "/1/0[ /1/0/3=5 .", "everywhere" },
};

/* scenario: H52 */
static void test_encodings_that_are_not_the_shortest(void **state)
{
    (void)state;
    CHECK_ROWS(long_forms);
}

static const struct row malformed[] = {
    { "/1/0/3", "c1", "LN_BAD_PEER", "a header of one byte" },
    { "/1/0/3", "e1 00", "LN_BAD_PEER", "half of an id" },
    { "/1/0/3", "c8 03", "LN_BAD_PEER", "no length" },
    { "/1/0/3", "d0 03 00", "LN_BAD_PEER", "half of a length" },
    { "/1/0/3", "d8 03 00 00", "LN_BAD_PEER", "two thirds of a length" },
    { "/1/0/3", "f8 00 03 00 00", "LN_BAD_PEER", "five of six bytes" },
    { "/1/0/3", "c1 03", "LN_BAD_PEER", "no value" },
    { "/1/0/1", "d8 01 ff ff ff 61", "LN_BAD_PEER", "16 MB that are not there" },
    { "/1/0/1", "c8 01 04 61 62 63", "LN_BAD_PEER", "one byte short" },
    { "/1/0/3", "c1 03 05 00", "LN_BAD_PEER /1/0/3=5", "a byte behind it" },
    { "/1/0/3", "c1 03 05 c1 03 06", "LN_BAD_PEER /1/0/3=5", "a second value" },
    { "/1/0/3", "c1 04 05", "LN_BAD_PEER", "another resource" },
    { "/1/0/3", "41 03 05", "LN_BAD_PEER", "a resource instance" },
    { "/1/0/3", "03 00 c1 03 05", "LN_BAD_PEER", "an instance" },
    { "/1/0/13/1", "41 02 05", "LN_BAD_PEER", "another resource instance" },
    { "/1/0/13/1", "83 0d 41 02 05", "LN_BAD_PEER", "wrapped" },
    { "/1/0/13/1", "83 0c 41 01 05", "LN_BAD_PEER", "wrapped in another resource" },
    { "/1/0/13/1", "c1 0d 05", "LN_BAD_PEER", "a resource" },
    { "/1/0/13/1", "41 01 05 41 01 05", "LN_BAD_PEER /1/0/13/1=5", "twice" },
    { "/1/0", "03 01 c1 03 05", "LN_BAD_PEER", "another instance" },
    { "/1/0", "00 00 00 00", "LN_BAD_PEER", "the instance twice" },
    { "/1/0", "03 00 c1 03 05 c1 04 06", "LN_BAD_PEER /1/0/3=5", "a resource behind the wrap" },
    { "/1/0", "c1 03 05 00 00", "LN_BAD_PEER /1/0/3=5", "the wrap behind a resource" },
    { "/1/0", "41 00 05", "LN_BAD_PEER", "a resource instance without its resource" },
    { "/1", "00 00 c1 03 05", "LN_BAD_PEER /1/0[", "with and without an id" },
    { "/1", "c1 03 05 00 00", "LN_BAD_PEER /1/65535/3=5", "without and with an id" },
    { "/1", "02 00 00 00", "LN_BAD_PEER /1/0[", "an instance in an instance" },
    { "/1", "02 00 40 00", "LN_BAD_PEER /1/0[", "a resource instance in an instance" },
    { "/1", "04 00 82 0d 80 00", "LN_BAD_PEER /1/0[ /1/0/13{", "an array in an array" },
    { "/1/0", "82 0d 00 00", "LN_BAD_PEER /1/0/13{", "an instance in an array" },
    { "/1/0", "82 0d c0 03", "LN_BAD_PEER /1/0/13{", "a resource in an array" },
    { "/1", "03 00 c2 03 05 06", "LN_BAD_PEER /1/0[", "a value longer than its instance" },
    { "/1", "01 00 c0 03", "LN_BAD_PEER /1/0[", "a header longer than its instance" },
    { "/1/0", "83 0d 42 00 01 02", "LN_BAD_PEER /1/0/13{", "a value longer than its array" },
    { "/1", "05 00 86 0d 41 00 01 41 01 05", "LN_BAD_PEER /1/0[",
      "an array longer than its instance" },
    { "/1", "20 ff ff", "LN_BAD_PEER", "the id that is none" },
    { "/1/0", "e0 ff ff", "LN_BAD_PEER", "of a resource" },
    { "/1/0/13", "83 0d 60 ff ff", "LN_BAD_PEER /1/0/13{", "of a resource instance" },
    { "/", "c1 03 05", "LN_UNSUPPORTED", "values of several objects" },
};

/* The entries before the fault are told, and then the fault: "LN_BAD_PEER <entries>". */
/* scenario: H50, H51, H55, H57 */
static void test_what_is_malformed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        const struct row *row = &malformed[i];
        char want[128];
        size_t status = strcspn(row->found, " ");
        const char *entries = row->found[status] != '\0' ? row->found + status + 1 : "";
        print_message("  %s %s: %s\n", row->path, row->bytes, row->why);
        (void)snprintf(want, sizeof want, "%s%s%.*s", entries, entries[0] != '\0' ? " " : "",
                       (int)status, row->found);
        assert_string_equal(payload_read(&ln__format_tlv, row->path, bytes_hex(row->bytes)), want);
    }
}

/* scenario: H56, H58 */
static void test_order_and_repetition_are_the_peers(void **state)
{
    (void)state;
    assert_string_equal(
        payload_read(&ln__format_tlv, "/1/0", bytes_hex("c1 04 06 c1 03 05 c1 04 07")),
        "/1/0/4=6 /1/0/3=5 /1/0/4=7 .");
    /* elements of no length move on, too */
    assert_string_equal(payload_read(&ln__format_tlv, "/1", bytes_hex("00 00 00 00 00 01")),
                        "/1/0[ /1/0[ /1/1[ .");
    assert_string_equal(payload_read(&ln__format_tlv, "/1/0", bytes_hex("80 0d 80 0d c0 01")),
                        "/1/0/13{ /1/0/13{ /1/0/1=\"\" .");
}

static void test_values_that_do_not_fit_or_are_not_taken(void **state)
{
    (void)state;
    struct ln_span bytes = bytes_hex("c5 01 68 65 6c 6c 6f c1 03 05");
    struct payload_way way = { .step = 3, .room = 4 };
    assert_string_equal(payload_dump(&ln__format_tlv, "/1/0", bytes, way),
                        "/1/0/1=!LN_NO_SPACE /1/0/3=5 .");
    way = (struct payload_way) { .step = 0, .room = 4 }; /* in one piece it needs no room */
    assert_string_equal(payload_dump(&ln__format_tlv, "/1/0", bytes, way),
                        "/1/0/1=\"hello\" /1/0/3=5 .");
    struct ln_path path = payload_path("/1/0");
    struct ln_reader r;
    struct ln_entry e;
    struct ln_value v;
    assert_int_equal(ln__reader_init(&r, &ln__format_tlv, &path), LN_OK);
    assert_int_equal(ln__reader_next(&r, &e), LN_AGAIN);
    assert_int_equal(ln__reader_value(&r, LN_VALUE_STRING, ln_mspan(NULL, 0), &v), LN_BAD_STATE);
    assert_int_equal(ln__reader_feed(&r, bytes, true), LN_OK);
    assert_int_equal(ln__reader_feed(&r, bytes, true), LN_BAD_STATE);
    assert_int_equal(ln__reader_next(&r, &e), LN_OK);
    assert_int_equal(e.length, 5);
    assert_int_equal(ln__reader_value(&r, LN_VALUE_STRING, ln_mspan(NULL, 0), &v), LN_OK);
    assert_ptr_equal(v.as.bytes.data, bytes.data + 2); /* borrowed where it stands */
    assert_int_equal(ln__reader_value(&r, LN_VALUE_STRING, ln_mspan(NULL, 0), &v), LN_BAD_STATE);
    assert_int_equal(ln__reader_next(&r, &e), LN_OK);
    assert_int_equal(ln__reader_next(&r, &e), LN_OK); /* the integer was not taken */
    assert_int_equal(e.kind, LN_ENTRY_END);
}

/* ---- writing ---- */

static void check_written(const char *path, const struct payload_item *items, size_t count,
                          const char *bytes)
{
    struct ln_span want = bytes_hex(bytes);
    struct ln_span got = payload_write(&ln__format_tlv, path, items, count);
    assert_int_equal(got.len, want.len);
    if (want.len > 0)
        assert_memory_equal(got.data, want.data, want.len);
}
#define CHECK_WRITTEN(path, items, bytes)                                                          \
    check_written(path, items, sizeof(items) / sizeof(items)[0], bytes)

static void test_writing_values(void **state)
{
    (void)state;
    const struct {
        struct ln_value value;
        const char *bytes;
    } rows[] = {
        { ln_value_string("a"), "c1 07 61" },
        { ln_value_string(""), "c0 07" },
        { ln_value_string("abcdefgh"), "c8 07 08 61 62 63 64 65 66 67 68" },
        { ln_value_opaque(ln_span("\0\xff", 2)), "c2 07 00 ff" },
        { ln_value_bytes(LN_VALUE_CORELNK, ln_span_str("</3>")), "c4 07 3c 2f 33 3e" },
        { ln_value_integer(0), "c1 07 00" },
        { ln_value_integer(127), "c1 07 7f" },
        { ln_value_integer(128), "c2 07 00 80" },
        { ln_value_integer(-128), "c1 07 80" },
        { ln_value_integer(-129), "c2 07 ff 7f" },
        { ln_value_integer(32767), "c2 07 7f ff" },
        { ln_value_integer(32768), "c4 07 00 00 80 00" },
        { ln_value_integer(-32769), "c4 07 ff ff 7f ff" },
        { ln_value_integer(86400), "c4 07 00 01 51 80" },
        { ln_value_integer(INT32_MIN), "c4 07 80 00 00 00" },
        { ln_value_integer((int64_t)INT32_MAX + 1), "c8 07 08 00 00 00 00 80 00 00 00" },
        { ln_value_integer(INT64_MIN), "c8 07 08 80 00 00 00 00 00 00 00" },
        { ln_value_unsigned(127), "c1 07 7f" },
        { ln_value_unsigned(255), "c2 07 00 ff" },
        { ln_value_unsigned(UINT64_MAX), "c8 07 08 ff ff ff ff ff ff ff ff" },
        { ln_value_float(1.5), "c4 07 3f c0 00 00" },
        { ln_value_float(0.1), "c8 07 08 3f b9 99 99 99 99 99 9a" },
        { ln_value_float(1e300), "c8 07 08 7e 37 e4 3c 88 00 75 9c" },
        { ln_value_float(-1.0 / 0.0), "c4 07 ff 80 00 00" },
        { ln_value_boolean(true), "c1 07 01" },
        { ln_value_boolean(false), "c1 07 00" },
        { ln_value_time(1700000000), "c4 07 65 53 f1 00" },
        { ln_value_objlnk(66, 1), "c4 07 00 42 00 01" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct payload_item item[] = { { .path = "/1/0/7", .value = rows[i].value } };
        CHECK_WRITTEN("/1/0/7", item, rows[i].bytes);
    }
    const struct payload_item wide[] = {
        { .path = "/1/0/300", .value = ln_value_integer(5) },
        { .path = "/1/0/301", .value = ln_value_none(), .call = PAYLOAD_REFUSED },
    };
    CHECK_WRITTEN("/1/0", wide, "e1 01 2c 05");
}

#define OPEN(where) { .call = PAYLOAD_OPEN, .path = (where) }
#define CLOSE() { .call = PAYLOAD_CLOSE }
#define NUMBER(where, number) { .path = (where), .value = ln_value_integer(number) }

/* The same calls whatever the request is about: what shows is worked out by its path. */
static void test_writing_trees(void **state)
{
    (void)state;
    const struct payload_item items[] = {
        OPEN("/1/0"),
        NUMBER("/1/0/3", 5),
        OPEN("/1/0/13"),
        NUMBER("/1/0/13/0", 1),
        NUMBER("/1/0/13/1", 5),
        CLOSE(),
        OPEN("/1/0/23"),
        CLOSE(),
        CLOSE(),
    };
    CHECK_WRITTEN("/1", items, "08 00 0d c1 03 05 86 0d 41 00 01 41 01 05 80 17");
    CHECK_WRITTEN("/1/0", items, "c1 03 05 86 0d 41 00 01 41 01 05 80 17");
    const struct payload_item array[] = {
        OPEN("/1/0"), OPEN("/1/0/13"), NUMBER("/1/0/13/0", 1), CLOSE(), CLOSE(),
    };
    CHECK_WRITTEN("/1/0/13", array, "83 0d 41 00 01");
    CHECK_WRITTEN("/1/0/13/0", array, "41 00 01");
    const struct payload_item alone[] = { NUMBER("/1/0/13/0", 1) };
    CHECK_WRITTEN("/1/0/13/0", alone, "41 00 01");
    const struct payload_item empty[] = { OPEN("/1"),     OPEN("/1/0"), CLOSE(),
                                          OPEN("/1/256"), CLOSE(),      CLOSE() };
    CHECK_WRITTEN("/1", empty, "00 00 20 01 00");
    check_written("/1", NULL, 0, "");
}

/* Containers of each length of header, told and not told, and a value that is streamed. */
static void test_long_containers(void **state)
{
    (void)state;
    static const size_t lengths[] = { 1, 4, 5, 6, 250, 252, 253, 254, 255, 256, 300, 1000, 4000 };
    static uint8_t text[4000];
    memset(text, 'x', sizeof text);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct ln_value value = ln_value_opaque(ln_span(text, lengths[i]));
        const struct payload_item items[] = {
            OPEN("/1/0"),
            OPEN("/1/0/12"),
            { .path = "/1/0/12/1", .value = value },
            CLOSE(),
            { .call = PAYLOAD_STREAM, .path = "/1/0/22", .value = value },
            CLOSE(),
        };
        struct ln_span got = payload_write(&ln__format_tlv, "/1", items, 6);
        struct payload_way way = { .step = 100, .piecewise = true, .room = 512 };
        const char *found = payload_dump(&ln__format_tlv, "/1", got, way);
        if (lengths[i] <= 512) {
            assert_non_null(strstr(found, "/1/0/12{ /1/0/12/1=78"));
            assert_non_null(strstr(found, "/1/0/22=78"));
        } else {
            assert_string_equal(found, "/1/0[ /1/0/12{ /1/0/12/1=!LN_NO_SPACE "
                                       "/1/0/22=!LN_NO_SPACE .");
        }
    }
}

static void test_calls_that_do_not_fit_together(void **state)
{
    (void)state;
    uint8_t room[64];
    struct ln_writer w;
    struct ln_path object = payload_path("/1");
    struct ln_path instance = payload_path("/1/0");
    struct ln_path other = payload_path("/2/0/0");
    struct ln_path element = payload_path("/1/0/13/0");
    struct ln_value five = ln_value_integer(5);
    ln__writer_init(&w, &ln__format_tlv, &object, ln_mspan(room, sizeof room));
    assert_int_equal(ln__writer_close(&w), LN_BAD_STATE);
    assert_int_equal(ln__writer_end(&w), LN_BAD_STATE); /* it stays */
    ln__writer_init(&w, &ln__format_tlv, &object, ln_mspan(room, sizeof room));
    assert_int_equal(ln__writer_open(&w, &instance, LN_LENGTH_UNKNOWN), LN_OK);
    assert_int_equal(ln__writer_end(&w), LN_BAD_STATE);
    ln__writer_init(&w, &ln__format_tlv, &object, ln_mspan(room, sizeof room));
    assert_int_equal(ln__writer_value(&w, &other, &five), LN_BAD_STATE);
    ln__writer_init(&w, &ln__format_tlv, &object, ln_mspan(room, sizeof room));
    assert_int_equal(ln__writer_value(&w, &element, &five), LN_BAD_STATE); /* not in its array */
    ln__writer_init(&w, &ln__format_tlv, &object, ln_mspan(room, sizeof room));
    assert_int_equal(ln__writer_value(&w, &instance, &five), LN_BAD_STATE);
    /* a length that was told and is another one */
    ln__writer_init(&w, &ln__format_tlv, &object, ln_mspan(room, sizeof room));
    assert_int_equal(ln__writer_open(&w, &instance, 4), LN_OK);
    assert_int_equal(ln__writer_close(&w), LN_BAD_STATE);
    /* a value that is streamed and not ended */
    struct ln_path resource = payload_path("/1/0/1");
    ln__writer_init(&w, &ln__format_tlv, &resource, ln_mspan(room, sizeof room));
    assert_int_equal(ln__writer_stream(&w, &resource, LN_VALUE_OPAQUE, 5), LN_OK);
    assert_int_equal(ln__writer_end(&w), LN_BAD_STATE);
    /* a length that had to be told: the window begins behind the header, which must grow */
    static const uint8_t eight[8];
    struct ln_value long_value = ln_value_opaque(ln_span(eight, sizeof eight));
    ln__writer_init(&w, &ln__format_tlv, &object, ln_mspan(room, sizeof room));
    ln__writer_window(&w, 4, LN_LENGTH_UNKNOWN);
    assert_int_equal(ln__writer_open(&w, &instance, LN_LENGTH_UNKNOWN), LN_OK);
    assert_int_equal(ln__writer_value(&w, &resource, &long_value), LN_OK);
    assert_int_equal(ln__writer_close(&w), LN_BAD_STATE);
    /* more than the format can say */
    ln__writer_init(&w, &ln__format_tlv, &resource, ln_mspan(room, sizeof room));
    assert_int_equal(ln__writer_stream(&w, &resource, LN_VALUE_OPAQUE, 0x1000000), LN_UNSUPPORTED);
    assert_int_equal(ln__writer_length(&w), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_values_that_are_refused),
        cmocka_unit_test(test_trees),
        cmocka_unit_test(test_encodings_that_are_not_the_shortest),
        cmocka_unit_test(test_what_is_malformed),
        cmocka_unit_test(test_order_and_repetition_are_the_peers),
        cmocka_unit_test(test_values_that_do_not_fit_or_are_not_taken),
        cmocka_unit_test(test_writing_values),
        cmocka_unit_test(test_writing_trees),
        cmocka_unit_test(test_long_containers),
        cmocka_unit_test(test_calls_that_do_not_fit_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
