/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/codec/x509.c and src/codec/x509_text.c. The files are made by
 * tests/data/x509/make.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/x509.h"
#include "support/bytes.h"

/* 2026-11-23 11:43:05, when the files were made, and 36500 days later */
#define MADE 1795434185
#define ENDS (MADE + INT64_C(36500) * 86400)

static struct ln_x509 read_file(const char *name)
{
    struct ln_x509 cert;
    assert_int_equal(ln__x509_read(bytes_file(name), &cert), LN_OK);
    return cert;
}

static void assert_name(struct ln_span name, const char *expected)
{
    char text[256];
    size_t len = ln__x509_name_text(name, text, sizeof text);
    assert_string_equal(text, expected);
    assert_int_equal(len, strlen(expected));
}

/* ---- certificates ---- */

static void test_fields_of_a_leaf(void **state)
{
    (void)state;
    struct ln_x509 leaf = read_file("x509/leaf.der");
    struct ln_x509 sub = read_file("x509/sub.der");
    assert_int_equal(leaf.version, 3);
    assert_true(ln_span_equal(leaf.serial, bytes_hex("00 80 00 00 00 00 00 00 03")));
    assert_name(leaf.subject, "CN=leaf.example, OU=lab+OU=Łódź, O=Acme\\, Inc., C=PL");
    assert_name(leaf.issuer, "CN=Test Issuer, O=Acme\\, Inc., C=PL");
    assert_true(ln_span_equal(leaf.issuer, sub.subject));
    assert_int_equal(leaf.not_before, MADE);
    assert_int_equal(leaf.not_after, ENDS);
    assert_false(leaf.is_ca);
    assert_false(leaf.has_path_len);
    assert_false(leaf.self_issued);
    assert_true(leaf.has_san);
    assert_int_equal(leaf.ski.len, 20);
    assert_true(ln_span_equal(leaf.aki, sub.ski));
    assert_int_equal(ln__x509_spki_check(leaf.spki), LN_OK);
    assert_int_equal(leaf.spki.len, 44); /* Ed25519 */
    assert_ptr_equal(leaf.tbs.data, leaf.der.data + 4);
}

static void test_fields_of_authorities(void **state)
{
    (void)state;
    struct ln_x509 root = read_file("x509/root.der");
    assert_true(root.is_ca && root.has_path_len && root.self_issued);
    assert_int_equal(root.path_len, 1);
    assert_false(root.has_san);
    assert_int_equal(root.aki.len, 0);
    struct ln_x509 sub = read_file("x509/sub.der");
    assert_true(sub.is_ca && !sub.has_path_len && !sub.self_issued);
    assert_true(ln_span_equal(sub.aki, root.ski));
}

static void test_old_and_bare_ones(void **state)
{
    (void)state;
    struct ln_x509 v1 = read_file("x509/v1.der");
    assert_int_equal(v1.version, 1);
    assert_true(v1.self_issued && !v1.is_ca && !v1.has_san);
    struct ln_x509 bare = read_file("x509/bare.der");
    assert_int_equal(bare.subject.len, 2);
    assert_name(bare.subject, "");
    assert_int_equal(bare.san.len, 0);
}

static void test_alternative_names(void **state)
{
    (void)state;
    static const struct {
        enum ln_san_kind kind;
        const char *hex;
    } expected[] = {
        { LN_SAN_DNS, "6c6561662e6578616d706c65" },
        { LN_SAN_DNS, "2a2e77696c642e6578616d706c65" },
        { LN_SAN_IP, "c0000201" },
        { LN_SAN_IP, "20010db8000000000000000000000001" },
        { LN_SAN_OTHER, "6140622e6578616d706c65" },
    };
    struct ln_x509 leaf = read_file("x509/leaf.der");
    struct ln_cursor sans = ln__x509_sans(&leaf);
    struct ln_san san;
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        assert_true(ln__x509_san_next(&sans, &san));
        assert_int_equal(san.kind, expected[i].kind);
        assert_true(ln_span_equal(san.value, bytes_hex(expected[i].hex)));
    }
    assert_false(ln__x509_san_next(&sans, &san));
    struct ln_x509 root = read_file("x509/root.der");
    sans = ln__x509_sans(&root);
    assert_false(ln__x509_san_next(&sans, &san));
}

static const char *const files[] = { "x509/leaf.der", "x509/root.der", "x509/sub.der",
                                     "x509/v1.der", "x509/bare.der" };

static void test_cut_or_followed_by_something(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct ln_span whole = bytes_file(files[i]);
        struct ln_x509 cert = { .version = 77 };
        for (size_t len = 0; len < whole.len; len++) {
            struct ln_span cut = bytes_copy(ln_span(whole.data, len));
            assert_int_equal(ln__x509_read(cut, &cert), LN_BAD_PEER);
        }
        const struct ln_span parts[] = { whole, ln_span("\n", 1) };
        assert_int_equal(ln__x509_read(bytes_join(parts, 2), &cert), LN_BAD_PEER);
        assert_int_equal(cert.version, 77); /* unchanged all the time */
    }
}

/* Damage at every place: what is read lies inside of the input. */
static void test_every_byte_damaged(void **state)
{
    (void)state;
    struct ln_mspan der = bytes_mcopy(bytes_file("x509/leaf.der"));
    for (size_t i = 0; i < der.len; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            struct ln_x509 cert;
            der.data[i] ^= (uint8_t)(1u << bit);
            if (ln__x509_read(ln_span(der.data, der.len), &cert) == LN_OK) {
                char text[64];
                assert_in_range(cert.subject.data - der.data, 0, der.len - cert.subject.len);
                assert_true(ln__x509_name_text(cert.subject, text, sizeof text) < sizeof text);
                assert_true(ln__x509_sans_text(&cert, text, sizeof text) < sizeof text);
            }
            der.data[i] ^= (uint8_t)(1u << bit);
        }
    }
}

static const struct {
    const char *file;
    const char *from;
    const char *to;
    const char *why;
} patches[] = {
    { "x509/leaf.der", "0603551d0e", "0603551d0f", "an extension twice (keyUsage)" },
    { "x509/leaf.der", "a003020102", "a003020103", "version 4" },
    { "x509/leaf.der", "a003020102", "a003020101", "version 2 with extensions" },
    { "x509/leaf.der", "8704c0000201", "8604c0000201", NULL },
    { "x509/leaf.der", "820c6c656166", "870c6c656166", "an iPAddress of 12 bytes" },
    { "x509/leaf.der", "820c6c656166", "160c6c656166", "an alternative name without context tag" },
    { "x509/leaf.der", "170d323631313233", "180d323631313233", "a notBefore of another type" },
    { "x509/leaf.der", "170d323631313233", "170d323631333233", "month 13" },
    { "x509/root.der", "30060101ff020101", "3006010101020101", "a BOOLEAN of 1" },
    { "x509/root.der", "30060101ff020101", "30060101ff0201ff", "a negative path length" },
    { "x509/root.der", "30060101ff020101", "30060201010101ff", "constraints in the other order" },
    { "x509/root.der", "30060101ff020101", "30060101000201ff", "the same, and no CA" },
    { "x509/root.der", "0201013005", "0200013005", "a serial number without octets" },
    { "x509/v1.der", "0201043005", "0a01043005", "an ENUMERATED as serial number" },
};

static void test_patched_ones_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof patches / sizeof patches[0]; i++) {
        struct ln_x509 cert;
        struct ln_span der = bytes_replace(bytes_file(patches[i].file), bytes_hex(patches[i].from),
                                           bytes_hex(patches[i].to));
        print_message("  %s\n", patches[i].why != NULL ? patches[i].why : "(control)");
        assert_int_equal(ln__x509_read(der, &cert), patches[i].why != NULL ? LN_BAD_PEER : LN_OK);
    }
}

static void test_public_keys(void **state)
{
    (void)state;
    struct ln_span key = bytes_copy(read_file("x509/leaf.der").spki);
    assert_int_equal(ln__x509_spki_check(key), LN_OK);
    assert_int_equal(ln__x509_spki_check(ln_span(key.data, key.len - 1)), LN_BAD_PEER);
    const struct ln_span parts[] = { key, ln_span("", 1) };
    assert_int_equal(ln__x509_spki_check(bytes_join(parts, 2)), LN_BAD_PEER);
    assert_int_equal(ln__x509_spki_check(bytes_hex("30 0a 30 05 06 03 2b 65 70  03 01 00")),
                     LN_BAD_PEER); /* no key in it */
    assert_int_equal(ln__x509_spki_check(bytes_file("x509/leaf.der")), LN_BAD_PEER);
}

/* ---- names as text ---- */

/* A name of one attribute: CN, of this type and contents. */
static struct ln_span common_name(uint8_t tag, struct ln_span value)
{
    const uint8_t v = (uint8_t)value.len;
    const uint8_t head[] = { 0x30, (uint8_t)(v + 11),
                             0x31, (uint8_t)(v + 9),
                             0x30, (uint8_t)(v + 7),
                             0x06, 3,
                             0x55, 4,
                             3,    tag,
                             v };
    const struct ln_span parts[] = { ln_span(head, sizeof head), value };
    return bytes_join(parts, 2);
}

static const struct {
    uint8_t tag;
    const char *hex;
    const char *text;
    const char *why;
} values[] = {
    { 0x0c, "61 c5 82", "CN=ał", "UTF8String" },
    { 0x13, "61 62", "CN=ab", "PrintableString" },
    { 0x16, "61 ff 62", "CN=a?b", "IA5String with another byte in it" },
    { 0x14, "4d fc 6c", "CN=Mül", "T61String as Latin-1" },
    { 0x1e, "00 61 01 42", "CN=ał", "BMPString" },
    { 0x1e, "20 ac", "CN=€", "BMPString, three bytes of UTF-8" },
    { 0x1e, "08 00", "CN=ࠀ", "the first of these" },
    { 0x1e, "00 80", "CN=??", "a control character of C1, two bytes of UTF-8" },
    { 0x1c, "00010000 0010ffff", "CN=𐀀\xf4\x8f\xbf\xbf", "the ends of four bytes" },
    { 0x1e, "d8 00 df ff", "CN=??", "the ends of the surrogates" },
    { 0x1e, "d8 3d de 00", "CN=??", "BMPString has no surrogates" },
    { 0x1e, "00 61 00", "CN=a", "half a character is left out" },
    { 0x1c, "0001f600", "CN=😀", "UniversalString" },
    { 0x1c, "00110000", "CN=?", "higher than Unicode" },
    { 0x04, "61", "CN=(binary)", "no string" },
    { 0x0c, "", "CN=", "empty" },
    { 0x0c, "61 00 62", "CN=a?b", "NUL" },
    { 0x0c, "61 1b5b32 4a", "CN=a?[2J", "terminal sequence" },
    { 0x0c, "61 0a 62", "CN=a b", "line break" },
    { 0x0c, "61 e280ae 62", "CN=a???b", "right-to-left override" },
    { 0x0c, "61 c080", "CN=a??", "overlong UTF-8" },
    { 0x0c, "612c4f3d62", "CN=a\\,O=b", "a comma cannot begin another attribute" },
    { 0x0c, "2b 22 5c 3c 3e 3b", "CN=\\+\\\"\\\\\\<\\>\\;", "nor the other special characters" },
};

static void test_values_of_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        print_message("  %s: %s\n", values[i].text, values[i].why);
        assert_name(common_name(values[i].tag, bytes_hex(values[i].hex)), values[i].text);
    }
}

static const struct {
    const char *hex;
    const char *text;
    const char *why;
} names[] = {
    { "30 00", "", "an empty name" },
    { "30 12  31 10  30 0e 06 0a 0992268993f22c640119 0c 00", "DC=", "a long known type" },
    { "30 0c  31 0a  30 08 06 03 2a0304 0c 01 61", "1.2.3.4=a", "an unknown type" },
    { "30 0d  31 0b  30 09 06 04 88370304 0c 01 61", "2.999.3.4=a", "its first arc is above 39" },
    { "30 0a  31 08  30 06 06 01 50 0c 01 61", "2.0=a", "the first one there" },
    { "30 0f  31 0d  30 0b 06 06 2a8fffffff7f 0c 01 61", "1.2.4294967295=a", "a large arc" },
    { "30 11  31 0f  30 0d 06 08 2a8f8f8f8f8f8f7f 0c 01 61", "1.2.?=a", "an arc above 32 bits" },
    { "", "(unreadable)", "nothing" },
    { "31 00", "(unreadable)", "no SEQUENCE" },
    { "30 02 30 00", "(unreadable)", "no SET in it" },
    { "30 00 00", "(unreadable)", "something behind it" },
    { "30 07 31 05 30 03 06 01 2a", "(unreadable)", "a type without a value" },
};

static void test_forms_of_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        print_message("  %s: %s\n", names[i].text, names[i].why);
        assert_name(bytes_hex(names[i].hex), names[i].text);
    }
}

static void test_names_are_cut(void **state)
{
    (void)state;
    struct ln_x509 leaf = read_file("x509/leaf.der");
    char whole[256];
    char text[256];
    size_t len = ln__x509_name_text(leaf.subject, whole, sizeof whole);
    for (size_t room = 0; room <= len + 1; room++) {
        memset(text, 'x', sizeof text);
        size_t got = ln__x509_name_text(leaf.subject, text, room);
        assert_int_equal(text[room], 'x');
        assert_true(got < room || room == 0);
        if (room > 4 && room <= len)
            assert_string_equal(text + got - 3, "...");
        if (room > 4)
            assert_memory_equal(text, whole, got - (room <= len ? 3 : 0));
    }
    assert_string_equal(text, whole);
}

/* 400 characters of a BMPString, 3 bytes each in UTF-8: cut, and between two of them. */
static void test_long_values(void **state)
{
    (void)state;
    uint8_t data[19 + 800];
    struct ln_span head = bytes_hex("30 820331 31 82032d 30 820329 06 03 550403 1e 820320");
    assert_int_equal(head.len, 21);
    for (size_t i = 0; i < 400; i++) {
        data[2 * i] = 0x20;
        data[2 * i + 1] = 0xac;
    }
    const struct ln_span parts[] = { head, ln_span(data, 800) };
    char text[512];
    size_t len = ln__x509_name_text(bytes_join(parts, 2), text, sizeof text);
    assert_in_range(len, 250, 270);
    assert_memory_equal(text, "CN=€€", 9);
    assert_string_equal(text + len - 6, "€...");
}

/* Forty parts: the most specific ones are shown. */
static void test_names_of_many_parts(void **state)
{
    (void)state;
    uint8_t data[3 + 40 * 12] = { 0x30, 0x82 };
    static const uint8_t part[] = { 0x31, 10, 0x30, 8, 0x06, 3, 0x55, 4, 11, 0x0c, 1, 'a' };
    struct ln_span head = bytes_hex("30 82 01 e0");
    for (size_t i = 0; i < 40; i++)
        memcpy(data + i * sizeof part, part, sizeof part);
    data[39 * sizeof part + 11] = 'z';
    const struct ln_span parts[] = { head, ln_span(data, 40 * sizeof part) };
    char text[512];
    (void)ln__x509_name_text(bytes_join(parts, 2), text, sizeof text);
    assert_memory_equal(text, "OU=z, OU=a, ", 12);
    assert_string_equal(text + strlen(text) - 11, ", OU=a, ...");
}

static void test_alternative_names_as_text(void **state)
{
    (void)state;
    static const char expected[] =
        "DNS:leaf.example, DNS:*.wild.example, IP:192.0.2.1, IP:2001:db8::1";
    struct ln_x509 leaf = read_file("x509/leaf.der");
    char text[128];
    assert_int_equal(ln__x509_sans_text(&leaf, text, sizeof text), strlen(expected));
    assert_string_equal(text, expected);
    assert_int_equal(ln__x509_sans_text(&leaf, text, 20), 19);
    assert_string_equal(text, "DNS:leaf.example...");
    struct ln_x509 root = read_file("x509/root.der");
    assert_int_equal(ln__x509_sans_text(&root, text, sizeof text), 0);
    assert_string_equal(text, "");
    /* "leaf.example" -> "a, IP:1\0\n2.." */
    struct ln_x509 odd;
    struct ln_span der = bytes_replace(bytes_file("x509/leaf.der"), bytes_hex("820c 6c6561662e65"),
                                       bytes_hex("820c 612c20000a65"));
    assert_int_equal(ln__x509_read(der, &odd), LN_OK);
    (void)ln__x509_sans_text(&odd, text, sizeof text);
    assert_memory_equal(text, "DNS:a\\, ? exampl", 16);
}

/* ---- CRLs ---- */

static void test_fields_of_a_crl(void **state)
{
    (void)state;
    struct ln_crl crl;
    assert_int_equal(ln__x509_crl_read(bytes_file("x509/crl.der"), &crl), LN_OK);
    assert_true(ln_span_equal(crl.issuer, read_file("x509/sub.der").subject));
    assert_int_equal(crl.this_update, MADE);
    assert_true(crl.has_next_update);
    assert_int_equal(crl.next_update, MADE + 30 * 86400);
}

static void test_malformed_crls(void **state)
{
    (void)state;
    struct ln_crl crl = { .this_update = 77 };
    struct ln_span whole = bytes_file("x509/crl.der");
    for (size_t len = 0; len < whole.len; len++)
        assert_int_equal(ln__x509_crl_read(bytes_copy(ln_span(whole.data, len)), &crl),
                         LN_BAD_PEER);
    const struct ln_span parts[] = { whole, ln_span("", 1) };
    assert_int_equal(ln__x509_crl_read(bytes_join(parts, 2), &crl), LN_BAD_PEER);
    assert_int_equal(ln__x509_crl_read(bytes_file("x509/sub.der"), &crl), LN_BAD_PEER);
    struct ln_x509 cert;
    assert_int_equal(ln__x509_read(whole, &cert), LN_BAD_PEER);
    struct ln_span v3 =
        bytes_replace(whole, bytes_hex("3081960201013005"), bytes_hex("3081960201023005"));
    assert_int_equal(ln__x509_crl_read(v3, &crl), LN_BAD_PEER); /* there is no version 3 */
    assert_int_equal(crl.this_update, 77);
}

/* A CRL with so many unknown extensions, 1.2.n. */
static struct ln_span crl_with_extensions(size_t count)
{
    uint8_t list[100 * 9];
    for (size_t i = 0; i < count; i++) {
        const uint8_t extension[9] = { 0x30, 7, 0x06, 2, 0x2a, (uint8_t)(i + 1), 0x04, 1, 0 };
        memcpy(list + 9 * i, extension, sizeof extension);
    }
    const uint8_t all = (uint8_t)(9 * count >> 8);
    const uint8_t low = (uint8_t)(9 * count);
    const size_t wrapped = 9 * count + 4;
    const size_t tbs = wrapped + 4 + 26;
    const uint8_t head[] = {
        0x30,
        0x82,
        (uint8_t)((tbs + 14) >> 8),
        (uint8_t)(tbs + 14), /* CertificateList */
        0x30,
        0x82,
        (uint8_t)(tbs >> 8),
        (uint8_t)tbs, /* tbsCertList */
        0x02,
        1,
        1, /* version 2 */
        0x30,
        4,
        0x06,
        2,
        0x2a,
        0x03, /* algorithm */
        0x30,
        0, /* issuer */
        0x17,
        13,
        '2',
        '6',
        '1',
        '1',
        '2',
        '3',
        '0',
        '0',
        '0',
        '0',
        '0',
        '0',
        'Z',
        0xa0,
        0x82,
        (uint8_t)(wrapped >> 8),
        (uint8_t)wrapped,
        0x30,
        0x82,
        all,
        low,
    };
    const struct ln_span parts[] = { ln_span(head, sizeof head), ln_span(list, 9 * count),
                                     bytes_hex("30 04 06 02 2a 03  03 02 00 00") };
    return bytes_join(parts, 3);
}

static void test_number_of_extensions(void **state)
{
    (void)state;
    struct ln_crl crl;
    assert_int_equal(ln__x509_crl_read(crl_with_extensions(30), &crl), LN_OK);
    assert_int_equal(ln__x509_crl_read(crl_with_extensions(64), &crl), LN_OK);
    assert_int_equal(ln__x509_crl_read(crl_with_extensions(65), &crl), LN_BAD_PEER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_of_a_leaf),
        cmocka_unit_test(test_fields_of_authorities),
        cmocka_unit_test(test_old_and_bare_ones),
        cmocka_unit_test(test_alternative_names),
        cmocka_unit_test(test_cut_or_followed_by_something),
        cmocka_unit_test(test_every_byte_damaged),
        cmocka_unit_test(test_patched_ones_are_refused),
        cmocka_unit_test(test_public_keys),
        cmocka_unit_test(test_values_of_names),
        cmocka_unit_test(test_forms_of_names),
        cmocka_unit_test(test_names_are_cut),
        cmocka_unit_test(test_long_values),
        cmocka_unit_test(test_names_of_many_parts),
        cmocka_unit_test(test_alternative_names_as_text),
        cmocka_unit_test(test_fields_of_a_crl),
        cmocka_unit_test(test_malformed_crls),
        cmocka_unit_test(test_number_of_extensions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
