/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/codec/pem.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "codec/pem.h"
#include "support/bytes.h"

#define BEGIN(label) "-----BEGIN " label "-----"
#define END(label) "-----END " label "-----"
#define BLOCK(label, body) BEGIN(label) "\n" body "\n" END(label) "\n"

static struct ln_span text_of(const char *text)
{
    return bytes_copy(ln_span_str(text));
}

/* ---- where blocks are found ---- */

static const struct {
    const char *text;
    const char *found; /* label:contents of each */
    const char *why;
} texts[] = {
    { "", "", "nothing" },
    { "just words\n", "", "no block" },
    { BLOCK("A", "Zm9v"), "A:foo ", "one block" },
    { BEGIN("A") "\nZm9v\n" END("A"), "A:foo ", "no line end at the end" },
    { BEGIN("A") "\r\nZm9v\r\nYmFy\r\n" END("A") "\r\n", "A:foobar ", "CRLF" },
    { BEGIN("A") "\rZm9v\r" END("A") "\r", "A:foo ", "CR" },
    { "\xef\xbb\xbf" BLOCK("A", "Zm9v"), "A:foo ", "a byte order mark" },
    { BLOCK("A", "Zm9v") "\xef\xbb\xbf" BLOCK("B", "YmFy"), "A:foo B:bar ",
      "one in the middle: two files joined" },
    { "subject=CN = a\nissuer=CN = b\n" BLOCK("A", "Zm9v"), "A:foo ", "comments before it" },
    { BLOCK("A", "Zm9v") "comment\n\n" BLOCK("B", "YmFy") "end", "A:foo B:bar ", "and between" },
    { "# " BLOCK("A", "Zm9v") BLOCK("B", "YmFy"), "B:bar ", "a block that was commented out" },
    { "see " BEGIN("A") " below\n" BLOCK("A", "Zm9v"), "A:foo ", "a boundary inside of a line" },
    { "  " BEGIN("A") "  \n\tZm9v\n  " END("A") " \t\n", "A:foo ", "indented" },
    { BEGIN("A") "\nZm\n\n9v\n\n" END("A"), "A:foo ", "empty lines inside" },
    { BEGIN("A") "\n\nZm9v\n" END("A"), "A:foo ", "an empty line first, and no headers" },
    { BLOCK("X509 CRL", "Zm9v"), "X509 CRL:foo ", "a label of two words" },
    { BLOCK("A", "Zm9v") BLOCK("A", "Zm9v") BLOCK("A", "Zm9v"), "A:foo A:foo A:foo ", "three" },
    { "-----BEGIN\n" BLOCK("A", "Zm9v"), "A:foo ", "what begins no boundary" },
};

static void test_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct ln_cursor in = ln__cursor(text_of(texts[i].text));
        struct ln_pem block;
        char found[128] = "";
        enum ln_status st = ln__pem_next(&in, &block);
        print_message("  %s\n", texts[i].why);
        for (; st == LN_OK; st = ln__pem_next(&in, &block)) {
            uint8_t room[16];
            size_t len = 0;
            assert_int_equal(ln__pem_decode(&block, ln_mspan(room, sizeof room), &len), LN_OK);
            strncat(found, (const char *)block.label.data, block.label.len);
            strcat(found, ":");
            strncat(found, (const char *)room, len);
            strcat(found, " ");
            assert_memory_equal(block.whole.data, "-----BEGIN ", 11);
            assert_memory_equal(block.whole.data + block.whole.len - 5, "-----", 5);
        }
        assert_int_equal(st, LN_NOT_FOUND);
        assert_string_equal(found, texts[i].found);
    }
}

static const struct {
    const char *text;
    const char *why;
} damaged[] = {
    { BEGIN("A") "\nZm9v\n", "no end" },
    { BEGIN("A"), "nothing but a beginning" },
    { BEGIN("A") "\nZm9v\n" END("B") "\n", "the end of another block" },
    { BEGIN("A") "\nZm9v\n" BLOCK("B", "YmFy"), "a block in the block" },
    { BEGIN("A") "\nZm9v\n-----END A----\n", "an end that is misspelt" },
    { BEGIN("A") "\nZm9v" END("A") "\n", "an end that is not on a line of its own" },
    { "-----BEGIN A----\nZm9v\n" END("A") "\n", "a beginning that is misspelt" },
    { "-----BEGIN ABCDEFGHI\nZm9v\n-----END ABCDEFGHI\n", "boundaries without their ends" },
    { "-----BEGIN -----\nZm9v\n-----END -----\n", "no label" },
    { "-----BEGIN  A-----\nZm9v\n-----END  A-----\n", "a label that begins with a space" },
    { "-----BEGIN A------\nZm9v\n-----END A------\n", "a hyphen too many" },
    { "-----BEGIN \x01-----\nZm9v\n-----END \x01-----\n", "a control character as label" },
    { BEGIN("A") "\nProc-Type: 4,ENCRYPTED\n" END("A") "\n", "headers that do not end" },
    { BEGIN("A") "\nProc-Type: 4,ENCRYPTED\nZm9v\n" END("A") "\n", "no line behind the headers" },
};

static void test_damaged_blocks_are_errors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++) {
        struct ln_cursor in = ln__cursor(text_of(damaged[i].text));
        struct ln_pem block = { .label = ln_span("unchanged", 9) };
        size_t before = ln__cursor_left(&in);
        print_message("  %s\n", damaged[i].why);
        assert_int_equal(ln__pem_next(&in, &block), LN_BAD_PEER);
        assert_int_equal(ln__cursor_left(&in), before);
        assert_int_equal(block.label.len, 9);
    }
}

static void test_label_of_greatest_length(void **state)
{
    (void)state;
    char text[400];
    char label[LN_PEM_LABEL_MAX + 2];
    memset(label, 'L', sizeof label);
    for (size_t extra = 0; extra < 2; extra++) {
        int len = (int)(LN_PEM_LABEL_MAX + extra);
        struct ln_pem block;
        (void)snprintf(text, sizeof text, "-----BEGIN %.*s-----\nZm9v\n-----END %.*s-----\n", len,
                       label, len, label);
        struct ln_cursor in = ln__cursor(text_of(text));
        assert_int_equal(ln__pem_next(&in, &block), extra == 0 ? LN_OK : LN_BAD_PEER);
    }
}

/* ---- headers ---- */

static void test_encrypted_headers(void **state)
{
    (void)state;
    struct ln_cursor in = ln__cursor(text_of(
        BEGIN("RSA PRIVATE KEY") "\r\nProc-Type: 4,ENCRYPTED\r\n"
                                 "DEK-Info: AES-256-CBC,0011223344556677\r\n\r\nZm9v\r\n" END(
                                     "RSA PRIVATE KEY") "\r\n" BLOCK("PRIVATE KEY", "YmFy")));
    struct ln_pem block;
    assert_int_equal(ln__pem_next(&in, &block), LN_OK);
    assert_true(ln__pem_is_encrypted(&block));
    assert_true(ln_span_equal(block.proc_type, ln_span_str("4,ENCRYPTED")));
    assert_true(ln_span_equal(block.dek_info, ln_span_str("AES-256-CBC,0011223344556677")));
    assert_true(ln__pem_label_is(&block, "RSA PRIVATE KEY"));
    assert_false(ln__pem_label_is(&block, "RSA PRIVATE"));
    uint8_t room[8];
    size_t len = 0;
    assert_int_equal(ln__pem_decode(&block, ln_mspan(room, sizeof room), &len), LN_OK);
    assert_int_equal(len, 3);
    assert_int_equal(ln__pem_next(&in, &block), LN_OK);
    assert_false(ln__pem_is_encrypted(&block));
    assert_int_equal(block.dek_info.len, 0);
}

static void test_other_headers_are_skipped(void **state)
{
    (void)state;
    struct ln_cursor in = ln__cursor(text_of(
        BEGIN("A") "\nLocal-Name: x\n continued\nDEK-Info\nDEK-Info x\nProc-Type: 4,MIC-ONLY\n\nZm9v\n" END(
            "A")));
    struct ln_pem block;
    assert_int_equal(ln__pem_next(&in, &block), LN_OK);
    assert_false(ln__pem_is_encrypted(&block));
    assert_int_equal(block.dek_info.len, 0);
    assert_true(ln_span_equal(block.body, ln_span_str("Zm9v\n")));
}

/* ---- bodies ---- */

static const struct {
    const char *text;
    enum ln_status status;
    const char *why;
} bodies[] = {
    { BLOCK("A", "Zm9vYg=="), LN_OK, "padding" },
    { BLOCK("A", "Zm9vYg"), LN_BAD_PEER, "no padding" },
    { BLOCK("A", "Zm9vYg==Zg=="), LN_BAD_PEER, "something behind it" },
    { BLOCK("A", "Zm9v!"), LN_BAD_PEER, "no Base64" },
    { BLOCK("A", ""), LN_BAD_PEER, "empty" },
    { BEGIN("A") "\n" END("A"), LN_BAD_PEER, "not even a line" },
};

static void test_bodies(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct ln_cursor in = ln__cursor(text_of(bodies[i].text));
        struct ln_pem block;
        uint8_t room[16];
        size_t len = 0;
        print_message("  %s\n", bodies[i].why);
        assert_int_equal(ln__pem_next(&in, &block), LN_OK);
        assert_int_equal(ln__pem_decode(&block, ln_mspan(room, sizeof room), &len),
                         bodies[i].status);
    }
    struct ln_cursor in = ln__cursor(text_of(BLOCK("A", "Zm9vYg==")));
    struct ln_pem block;
    size_t len = 0;
    uint8_t room[3];
    assert_int_equal(ln__pem_next(&in, &block), LN_OK);
    assert_int_equal(ln__pem_decode(&block, ln_mspan(room, 3), &len), LN_NO_SPACE);
    assert_int_equal(len, 4);
}

/* ---- PEM or DER ---- */

static void test_form_is_told_by_content(void **state)
{
    (void)state;
    struct ln_span cert = bytes_file("x509/leaf.der");
    struct ln_span line = ln_span_str("\n" BEGIN("CERTIFICATE") "\n");
    const struct ln_span two[] = { cert, cert };
    const struct ln_span tail[] = { cert, ln_span("x", 1) };
    const struct ln_span both[] = { cert, line };
    struct {
        struct ln_span content;
        enum ln_form form;
        const char *why;
    } forms[] = {
        { ln_span(NULL, 0), LN_FORM_EMPTY, "no byte" },
        { text_of(BLOCK("A", "Zm9v")), LN_FORM_PEM, "a block" },
        { text_of("0 s:CN = a\n   i:CN = b\n" BLOCK("A", "Zm9v")), LN_FORM_PEM,
          "the output of s_client: its first byte is that of a SEQUENCE" },
        { cert, LN_FORM_DER, "one object" },
        { bytes_join(two, 2), LN_FORM_DER, "two of them" },
        { bytes_join(tail, 2), LN_FORM_DER, "with something behind it: still DER, and damaged" },
        { bytes_join(both, 2), LN_FORM_PEM, "DER and then PEM" },
        { ln_span(cert.data, cert.len - 1), LN_FORM_DER, "cut off" },
        { text_of("hello"), LN_FORM_UNKNOWN, "something else" },
        { text_of("-----BEGINNING"), LN_FORM_UNKNOWN, "almost a block" },
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        print_message("  %s\n", forms[i].why);
        assert_int_equal(ln__pem_form(forms[i].content), forms[i].form);
    }
    /* an object with a boundary line in one of its strings */
    const struct ln_span text[] = { bytes_hex("04 1d"), line };
    struct ln_span string = bytes_join(text, 2);
    assert_int_equal(string.len, 2 + 0x1d);
    const struct ln_span object[] = { bytes_hex("30 1f"), string };
    assert_int_equal(ln__pem_form(bytes_join(object, 2)), LN_FORM_DER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_damaged_blocks_are_errors),
        cmocka_unit_test(test_label_of_greatest_length),
        cmocka_unit_test(test_encrypted_headers),
        cmocka_unit_test(test_other_headers_are_skipped),
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_form_is_told_by_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
