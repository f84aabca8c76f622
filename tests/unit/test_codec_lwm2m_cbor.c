/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/codec/lwm2m_cbor.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/bytes.h"
#include "support/payload.h"

struct row {
    const char *path;
    const char *bytes;
    const char *found;
};

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        print_message("  %s %s\n", rows[i].path, rows[i].bytes);
        assert_string_equal(
            payload_read(&ln__format_lwm2m_cbor, rows[i].path, bytes_hex(rows[i].bytes)),
            rows[i].found);
    }
}
#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof(rows)[0])

static const struct row good[] = {
    { "/3/0", "a1 82 03 00 a2 01 61 78 03 18 5f", "/3/0/1=\"x\" /3/0/3=95 ." },
    { "/3/0", "a1 03 a1 00 a2 01 61 78 03 18 5f", "/3/0/1=\"x\" /3/0/3=95 ." },
    { "/3/0", "bf 9f 03 00 ff bf 01 61 78 03 18 5f ff ff", "/3/0/1=\"x\" /3/0/3=95 ." },
    { "/3/0", "a1 81 03 a1 81 00 a1 81 03 05", "/3/0/3=5 ." },
    { "/3/0", "a2 83 03 00 01 61 78 83 03 00 03 18 5f", "/3/0/1=\"x\" /3/0/3=95 ." },
    { "/3", "a1 03 a1 00 a1 03 05", "/3/0[ /3/0/3=5 ." },
    { "/3", "a1 03 a1 00 a0", "/3/0[ ." },
    { "/3", "a0", "." },
    { "/3", "a1 03 a0", "." },
    { "/3/0", "a1 82 03 00 a1 0d a2 00 01 18 20 05", "/3/0/13{ /3/0/13/0=1 /3/0/13/32=5 ." },
    { "/3/0", "a1 82 03 00 a1 0d a0", "/3/0/13{ ." },
    { "/3/0/13", "a1 83 03 00 0d a1 00 01", "/3/0/13{ /3/0/13/0=1 ." },
    { "/3/0/13/0", "a1 83 03 00 0d a1 00 01", "/3/0/13/0=1 ." },
    { "/3/0/13/0", "a1 84 03 00 0d 00 01", "/3/0/13/0=1 ." },
    { "/3/0/3", "a1 83 03 00 03 05", "/3/0/3=5 ." },
    { "/", "a2 82 01 00 a1 03 05 82 19 0ce7 00 a1 03 06", "/1/0[ /1/0/3=5 /3303/0[ /3303/0/3=6 ." },
    { "/", "a1 84 01 00 0d 02 f6", "/1/0/13/2- ." },
    { "/", "a2 01 f6 83 03 00 00 f6", "/1? /3/0/0- ." },
    { "/1/0", "a1 82 01 00 a5 02 42 00ff 05 f9 3e00 06 f5 07 c1 1a 6553f100 08 64 36363a31",
      "/1/0/2=00ff /1/0/5=1.5 /1/0/6=true /1/0/7=1700000000 /1/0/8=66:1 ." },
    { "/1/0", "a1 82 01 00 a2 01 05 03 61 35", "/1/0/1=!LN_BAD_PEER /1/0/3=!LN_BAD_PEER ." },
    { "/1/0", "a1 82 01 00 a2 01 7f 61 61 61 62 ff 03 05", "/1/0/1=\"ab\" /1/0/3=5 ." },
};

static void test_reading(void **state)
{
    (void)state;
    CHECK_ROWS(good);
}

static const struct row malformed[] = {
    { "/", "", "LN_BAD_PEER" },
    { "/", "80", "LN_BAD_PEER" },
    { "/", "05", "LN_BAD_PEER" },
    { "/", "f6", "LN_BAD_PEER" },
    { "/", "a1", "LN_BAD_PEER" },
    { "/", "a1 03", "LN_BAD_PEER" },
    { "/", "bf", "LN_BAD_PEER" },
    { "/", "bf 03", "LN_BAD_PEER" },
    { "/", "a0 00", "LN_BAD_PEER" },
    { "/", "a1 03 05", "LN_BAD_PEER" },
    { "/", "a1 82 03 00 05", "LN_BAD_PEER" },
    { "/", "a1 80 05", "LN_BAD_PEER" },
    { "/", "a1 9f ff 05", "LN_BAD_PEER" },
    { "/", "a1 01 a1 9f ff f6", "LN_BAD_PEER" },
    { "/", "a1 01 a1 80 f6", "LN_BAD_PEER" },
    { "/", "a1 85 01 00 03 00 00 05", "LN_BAD_PEER" },
    { "/", "a1 84 01 00 03 00 a1 00 05", "LN_BAD_PEER" },
    { "/", "a1 84 01 00 03 00 a0", "LN_BAD_PEER" },
    { "/", "a1 83 01 00 03 80", "LN_BAD_PEER" },
    { "/", "a1 83 01 00 03 a1 82 00 00 05", "/1/0/3{ LN_BAD_PEER" },
    { "/", "a1 20 05", "LN_BAD_PEER" },
    { "/", "a1 61 33 05", "LN_BAD_PEER" },
    { "/", "a1 82 61 33 00 05", "LN_BAD_PEER" },
    { "/", "a1 19 ff ff a0", "LN_BAD_PEER" },
    { "/", "a1 1a 00 01 00 00 a0", "LN_BAD_PEER" },
    { "/", "a1 81 81 03 05", "LN_BAD_PEER" },
    { "/3", "a1 01 a1 00 a1 03 05", "LN_BAD_PEER" },
    { "/3/0", "a1 82 03 01 a1 03 05", "LN_BAD_PEER" },
    { "/3/0/3", "a1 82 03 00 f6", "LN_BAD_PEER" },
    { "/", "ba ff ff ff ff 83 01 00 03 05", "LN_BAD_PEER" },
    { "/", "ba ff ff ff fe 83 01 00 03 05", "/1/0/3=5 LN_BAD_PEER" },
    { "/", "a2 83 01 00 03 05", "/1/0/3=5 LN_BAD_PEER" },
    { "/", "a1 83 01 00 03 05 ff", "/1/0/3=5 LN_BAD_PEER" },
    { "/", "a1 83 01 00 03 18", "LN_BAD_PEER" },
    { "/", "bf 01 bf 00 bf 03 05 ff ff", "/1/0[ /1/0/3=5 LN_BAD_PEER" },
};

/* scenario: H63, H65, H66, H67 */
static void test_what_is_malformed(void **state)
{
    (void)state;
    CHECK_ROWS(malformed);
}

#define OPEN(where) { .call = PAYLOAD_OPEN, .path = (where) }
#define CLOSE() { .call = PAYLOAD_CLOSE }
#define NUMBER(where, number) { .path = (where), .value = ln_value_integer(number) }

static void check_written(const char *path, const struct payload_item *items, size_t count,
                          const char *bytes)
{
    struct ln_span want = bytes_hex(bytes);
    struct ln_span got = payload_write(&ln__format_lwm2m_cbor, path, items, count);
    assert_int_equal(got.len, want.len);
    assert_memory_equal(got.data, want.data, want.len);
}
#define CHECK_WRITTEN(path, items, bytes)                                                          \
    check_written(path, items, sizeof(items) / sizeof(items)[0], bytes)

static void test_writing(void **state)
{
    (void)state;
    const struct payload_item tree[] = {
        OPEN("/1/0"),
        NUMBER("/1/0/3", 5),
        OPEN("/1/0/13"),
        NUMBER("/1/0/13/0", 1),
        NUMBER("/1/0/13/7", 2),
        CLOSE(),
        OPEN("/1/0/23"),
        CLOSE(),
        CLOSE(),
    };
    CHECK_WRITTEN("/1/0", tree, "bf 82 01 00 bf 03 05 0d bf 00 01 07 02 ff 17 bf ff ff ff");
    const struct payload_item nested[] = {
        OPEN("/1"), OPEN("/1/0"), NUMBER("/1/0/3", 5), CLOSE(), OPEN("/1/300"), CLOSE(), CLOSE(),
    };
    CHECK_WRITTEN("/1", nested, "bf 01 bf 00 bf 03 05 ff 19 012c bf ff ff ff");
    const struct payload_item values[] = {
        NUMBER("/1/0/3", 5),
        { PAYLOAD_VALUE, "/1/0/2", ln_value_opaque(ln_span("\1\2", 2)) },
        { PAYLOAD_STREAM, "/1/0/1", ln_value_string("abc") },
        { PAYLOAD_VALUE, "/1/0/7", ln_value_time(1700000000) },
        { PAYLOAD_VALUE, "/1/0/8", ln_value_objlnk(66, 1) },
        { PAYLOAD_VALUE, "/1/0/13/2", ln_value_none() },
        { .call = PAYLOAD_NAME, .path = "/2" },
        { .call = PAYLOAD_NAME, .path = "/3/0/0" },
    };
    CHECK_WRITTEN("/", values,
                  "bf 83 01 00 03 05 83 01 00 02 42 0102 83 01 00 01 63 616263"
                  "83 01 00 07 c1 1a 6553f100 83 01 00 08 64 36363a31 84 01 00 0d 02 f6"
                  "02 f6 83 03 00 00 f6 ff");
    check_written("/1", NULL, 0, "bf ff");
    uint8_t room[8];
    struct ln_writer w;
    struct ln_path root = ln_path_root();
    ln__writer_init(&w, &ln__format_lwm2m_cbor, &root, ln_mspan(room, sizeof room));
    assert_int_equal(ln__writer_name(&w, &root), LN_UNSUPPORTED);
    assert_int_equal(ln__writer_end(&w), LN_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reading),
        cmocka_unit_test(test_what_is_malformed),
        cmocka_unit_test(test_writing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
