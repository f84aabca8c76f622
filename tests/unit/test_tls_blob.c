/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/tls/blob.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/bytes.h"
#include "tls/blob.h"

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

static const char who[] = "a peer and its settings";
static const char what[] = "a session of thirty-three bytes..";

static struct ln_blob example(void)
{
    struct ln_blob blob = { LN_BLOB_SESSION, ln_span_str(who), ln_span_str(what) };
    return blob;
}

/* In a block of just its length. */
static struct ln_mspan written(const struct ln_blob *blob)
{
    uint8_t room[512];
    size_t len = ln__blob_write(blob, ln_mspan(room, sizeof room));
    assert_int_equal(len, blob->identity.len + blob->payload.len + LN_BLOB_OVERHEAD);
    return bytes_mcopy(ln_span(room, len));
}

static struct ln_span readable(struct ln_mspan room)
{
    return ln_span(room.data, room.len);
}

/* ---- frames ---- */

/* Blobs survive an update of the library: what an earlier one wrote is read. */
static void test_the_bytes_of_a_frame(void **state)
{
    (void)state;
    struct ln_span frame = bytes_hex("4c4e5302      # magic, version\n"
                                     "01            # a session\n"
                                     "0003 0005     # lengths\n"
                                     "616263        # identity\n"
                                     "0102030405    # payload\n"
                                     "549a1165dea586a3 # sum\n");
    struct ln_blob blob = { LN_BLOB_SESSION, ln_span_str("abc"), bytes_hex("0102030405") };
    struct ln_mspan ours = written(&blob);
    assert_int_equal(ours.len, frame.len);
    assert_memory_equal(ours.data, frame.data, frame.len);
    assert_int_equal(ln__blob_read(frame, &blob), LN_OK);
}

static void test_what_is_written_is_read(void **state)
{
    (void)state;
    static const size_t lengths[] = { 0, 1, 6, 7, 8, 9, 15, 16, 200 };
    uint8_t bytes[200];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7);
    for (size_t i = 0; i < COUNT(lengths); i++) {
        for (size_t k = 0; k < COUNT(lengths); k++) {
            struct ln_blob in = { LN_BLOB_SESSION, ln_span(bytes, lengths[i]),
                                  ln_span(bytes, lengths[k]) };
            struct ln_blob out;
            assert_int_equal(ln__blob_read(readable(written(&in)), &out), LN_OK);
            assert_int_equal(out.kind, LN_BLOB_SESSION);
            assert_true(ln_span_equal(out.identity, in.identity));
            assert_true(ln_span_equal(out.payload, in.payload));
        }
    }
}

static void test_room_that_is_too_small(void **state)
{
    (void)state;
    struct ln_blob blob = example();
    struct ln_mspan frame = written(&blob);
    for (size_t len = 0; len < frame.len; len++) {
        uint8_t *room = malloc(len + 1);
        assert_non_null(room);
        room[len] = 0x5a;
        assert_int_equal(ln__blob_write(&blob, ln_mspan(room, len)), 0);
        assert_int_equal(room[len], 0x5a);
        free(room);
    }
}

static void test_spans_that_are_too_long(void **state)
{
    (void)state;
    static uint8_t huge[0x10000];
    static uint8_t room[3 * sizeof huge];
    struct ln_blob most = { LN_BLOB_SESSION, ln_span(huge, 0xffff), ln_span(huge, 0xffff) };
    struct ln_blob identity = { LN_BLOB_SESSION, ln_span(huge, 0x10000), ln_span(huge, 1) };
    struct ln_blob payload = { LN_BLOB_SESSION, ln_span(huge, 1), ln_span(huge, 0x10000) };
    assert_int_equal(ln__blob_write(&most, ln_mspan(room, sizeof room)),
                     2 * 0xffff + LN_BLOB_OVERHEAD);
    assert_int_equal(ln__blob_write(&identity, ln_mspan(room, sizeof room)), 0);
    assert_int_equal(ln__blob_write(&payload, ln_mspan(room, sizeof room)), 0);
}

/* ---- damage ---- */

static void must_refuse(struct ln_span frame, const char *why, size_t at)
{
    struct ln_blob out = { .kind = 0 };
    if (ln__blob_read(frame, &out) != LN_BAD_PEER)
        fail_msg("%s at %zu was not found", why, at);
    assert_int_equal(out.kind, 0);
    assert_null(out.identity.data);
    assert_null(out.payload.data);
}

static void test_any_byte_that_is_changed(void **state)
{
    (void)state;
    struct ln_blob blob = example();
    struct ln_mspan frame = written(&blob);
    for (size_t i = 0; i < frame.len; i++) {
        uint8_t good = frame.data[i];
        for (unsigned other = 0; other < 256; other++) {
            frame.data[i] = (uint8_t)other;
            if (other != good)
                must_refuse(readable(frame), "a changed byte", i);
        }
        frame.data[i] = good;
    }
}

static void test_any_two_bits_that_are_turned(void **state)
{
    (void)state;
    struct ln_blob blob = example();
    struct ln_mspan frame = written(&blob);
    for (size_t i = 0; i < 8 * frame.len; i++) {
        for (size_t k = 0; k < i; k++) {
            frame.data[i / 8] ^= (uint8_t)(1u << i % 8);
            frame.data[k / 8] ^= (uint8_t)(1u << k % 8);
            must_refuse(readable(frame), "a pair of bits", i);
            frame.data[i / 8] ^= (uint8_t)(1u << i % 8);
            frame.data[k / 8] ^= (uint8_t)(1u << k % 8);
        }
    }
}

static void test_frames_that_are_cut_or_longer(void **state)
{
    (void)state;
    struct ln_blob blob = example();
    struct ln_mspan frame = written(&blob);
    static const uint8_t zero[16];
    for (size_t len = 0; len < frame.len; len++)
        must_refuse(bytes_copy(ln_span(frame.data, len)), "a cut", len);
    for (size_t more = 1; more <= sizeof zero; more++) {
        const struct ln_span parts[] = { readable(frame), ln_span(zero, more) };
        must_refuse(bytes_join(parts, 2), "a longer frame", more);
    }
    must_refuse(ln_span(NULL, 0), "nothing", 0);
    must_refuse(ln_span(zero, sizeof zero), "zeros", 0);
}

/* Parts of words change places; a tail of zeros gets longer; a border moves. */
static void test_other_contents_have_other_sums(void **state)
{
    (void)state;
    static const struct {
        const char *a;
        const char *b;
    } pairs[] = {
        { "00112233445566778899aabbccddeeff", "8899aabbccddeeff0011223344556677" },
        { "0011223344556677", "001122334455667700" },
        { "00", "0000" },
        { "", "00" },
        { "0000000000000000", "00000000000000000000000000000000" },
    };
    for (size_t i = 0; i < COUNT(pairs); i++) {
        struct ln_blob_peer a = ln__blob_peer(bytes_hex(pairs[i].a));
        struct ln_blob_peer b = ln__blob_peer(bytes_hex(pairs[i].b));
        assert_int_not_equal(a.half[0], b.half[0]);
        assert_int_not_equal(a.half[1], b.half[1]);
    }
}

/* ---- keys ---- */

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* 4096 peers whose names differ as little as names do. */
static void test_keys_of_many_peers(void **state)
{
    (void)state;
    static char keys[4096][LN_BLOB_KEY_MAX];
    for (size_t i = 0; i < COUNT(keys); i++) {
        uint8_t name[] = { 2, 0x16, 0x34, 'd', 'e', 'v', '-', 0, 0, '.', 'e', 'x', 0 };
        name[7] = (uint8_t)('0' + i / 64);
        name[8] = (uint8_t)('0' + i % 64);
        ln__blob_key(ln__blob_peer(ln_span(name, sizeof name)), LN_BLOB_SESSION, keys[i]);
        assert_int_equal(strlen(keys[i]), LN_BLOB_KEY_MAX - 1);
        assert_int_equal(strspn(keys[i], "0123456789abcdef"), LN_BLOB_KEY_MAX - 1);
    }
    qsort(keys, COUNT(keys), sizeof keys[0], by_text);
    size_t same_start = 0;
    for (size_t i = 1; i < COUNT(keys); i++) {
        assert_string_not_equal(keys[i - 1], keys[i]);
        same_start += memcmp(keys[i - 1], keys[i], 8) == 0;
    }
    assert_true(same_start < 8); /* of 32 bits, with 4096 keys: 0.002 pairs are to be expected */
}

static void test_keys_of_kinds(void **state)
{
    (void)state;
    struct ln_blob_peer peer = ln__blob_peer(ln_span_str(who));
    char session[LN_BLOB_KEY_MAX];
    char again[LN_BLOB_KEY_MAX];
    char other[LN_BLOB_KEY_MAX];
    ln__blob_key(peer, LN_BLOB_SESSION, session);
    ln__blob_key(ln__blob_peer(ln_span_str(who)), LN_BLOB_SESSION, again);
    ln__blob_key(peer, (enum ln_blob_kind)2, other);
    assert_string_equal(session, again);
    assert_string_not_equal(session, other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_bytes_of_a_frame),
        cmocka_unit_test(test_what_is_written_is_read),
        cmocka_unit_test(test_room_that_is_too_small),
        cmocka_unit_test(test_spans_that_are_too_long),
        cmocka_unit_test(test_any_byte_that_is_changed),
        cmocka_unit_test(test_any_two_bits_that_are_turned),
        cmocka_unit_test(test_frames_that_are_cut_or_longer),
        cmocka_unit_test(test_other_contents_have_other_sums),
        cmocka_unit_test(test_keys_of_many_peers),
        cmocka_unit_test(test_keys_of_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
