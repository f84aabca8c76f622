/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/codec/senml.c, senml_json.c, senml_cbor.c and json.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "support/bytes.h"
#include "support/payload.h"

/* ---- reading JSON ---- */

struct row {
    const char *path;
    const char *text;
    const char *found;
};

static const struct row json_values[] = {
    { "/", "[]", "." },
    { "/", " [ ] \r\n\t", "." },
    { "/1/0/1", "[{\"n\":\"/1/0/1\",\"vs\":\"a\"}]", "/1/0/1=\"a\" ." },
    { "/1/0", "[{\"bn\":\"/1/0/\",\"n\":\"1\",\"vs\":\"\"},{\"n\":\"3\",\"v\":-5}]",
      "/1/0/1=\"\" /1/0/3=-5 ." },
    { "/1/0", "[{\"bn\":\"/1/0\",\"n\":\"/3\",\"v\":5}]", "/1/0/3=5 ." },
    { "/1", "[{\"bn\":\"/1/\"},{\"n\":\"0/3\",\"v\":5}]", "/1? /1/0/3=5 ." },
    { "/1", "[{\"bn\":\"/1/0/3\",\"v\":5}]", "/1/0/3=5 ." },
    { "/1", "[{\"bn\":\"/1/0/3/\",\"v\":5}]", "/1/0/3=5 ." },
    { "/", "[{\"bn\":\"/1/\",\"n\":\"0/3\",\"v\":5},{\"bn\":\"/2/0/\",\"n\":\"3\",\"v\":6}]",
      "/1/0/3=5 /2/0/3=6 ." },
    { "/1/0/13", "[{\"n\":\"/1/0/13/0\",\"v\":1},{\"n\":\"/1/0/13/7\",\"v\":2}]",
      "/1/0/13/0=1 /1/0/13/7=2 ." },
    { "/", "[{\"n\":\"/1/0/2\",\"vd\":\"AP-A\"}]", "/1/0/2=00ff80 ." },
    { "/", "[{\"n\":\"/1/0/2\",\"vd\":\"AP8=\"}]", "/1/0/2=00ff ." },
    { "/", "[{\"n\":\"/1/0/2\",\"vd\":\"AP+A\"}]", "/1/0/2=00ff80 ." },
    { "/", "[{\"n\":\"/1/0/2\",\"vd\":\"_\\/\\u0038\\u003d\"}]", "/1/0/2=ffff ." },
    { "/", "[{\"n\":\"/1/0/2\",\"vd\":\"\"}]", "/1/0/2= ." },
    { "/", "[{\"n\":\"/1/0/3\",\"v\":9223372036854775807}]", "/1/0/3=9223372036854775807 ." },
    { "/", "[{\"n\":\"/1/0/3\",\"v\":9223372036854775808}]", "/1/0/3=!LN_BAD_PEER ." },
    { "/", "[{\"n\":\"/1/0/3\",\"v\":1e2}]", "/1/0/3=100 ." },
    { "/", "[{\"n\":\"/1/0/3\",\"v\":5.0}]", "/1/0/3=5 ." },
    { "/", "[{\"n\":\"/1/0/3\",\"v\":5.5}]", "/1/0/3=!LN_BAD_PEER ." },
    { "/", "[{\"n\":\"/1/0/4\",\"v\":18446744073709551615}]", "/1/0/4=18446744073709551615 ." },
    { "/", "[{\"n\":\"/1/0/5\",\"v\":22.5}]", "/1/0/5=22.5 ." },
    { "/", "[{\"n\":\"/1/0/5\",\"v\":-1.5E-2}]", "/1/0/5=-0.014999999999999999 ." },
    { "/", "[{\"n\":\"/1/0/6\",\"vb\":true},{\"n\":\"/1/0/16\",\"vb\":false}]",
      "/1/0/6=true /1/0/16=false ." },
    { "/", "[{\"n\":\"/1/0/7\",\"v\":1700000000}]", "/1/0/7=1700000000 ." },
    { "/", "[{\"n\":\"/1/0/8\",\"vlo\":\"66:1\"}]", "/1/0/8=66:1 ." },
    { "/", "[{\"n\":\"/1/0/9\",\"vs\":\"</3>\"}]", "/1/0/9=\"</3>\" ." },
    { "/", "[{\"n\":\"/1/0/10\",\"v\":5}]", "/1/0/10=5 ." },
    { "/", "[{\"n\":\"/1/0/10\",\"v\":5.5}]", "/1/0/10=5.5 ." },
    { "/", "[{\"n\":\"/1/0/10\",\"vs\":\"x\"}]", "/1/0/10=\"x\" ." },
    { "/", "[{\"n\":\"/1/0/10\",\"vd\":\"AA\"}]", "/1/0/10=00 ." },
    { "/", "[{\"n\":\"/1/0/10\",\"vb\":true}]", "/1/0/10=true ." },
    { "/", "[{\"n\":\"/1/0/10\",\"vlo\":\"1:2\"}]", "/1/0/10=1:2 ." },
    { "/", "[{\"n\":\"\\/1\\/0\\u002f1\",\"vs\":\"\\\"\\\\\\/\\b\\f\\t\\u00e4\\ud83d\\ude00\"}]",
      "/1/0/1=\"\"\\/\b\f\t\xc3\xa4\xf0\x9f\x98\x80\" ." },
    { "/", "[ { \"n\" : \"/1/0/3\" , \"v\" : 5 } , { \"n\" : \"/1/0/13\" , \"v\" : 6 } ] ",
      "/1/0/3=5 /1/0/13=6 ." },
    { "/", "[{\"bver\":10,\"bu\":\"Cel\",\"u\":\"%\",\"n\":\"/1/0/3\",\"v\":5,\"s\":7,\"ut\":8}]",
      "/1/0/3=5 ." },
    { "/",
      "[{\"x\":[1,{\"y\":\"]\"},[]],\"n\":\"/1/0/3\",\"a long label of nobody\":null,\"v\":5}]",
      "/1/0/3=5 ." },
    { "/", "[{\"x\":[[[[[[[{}]]]]]]],\"n\":\"/1/0/3\",\"v\":5}]", "/1/0/3=5 ." },
    /* a value of another type */
    { "/",
      "[{\"n\":\"/1/0/1\",\"v\":5},{\"n\":\"/1/0/3\",\"vs\":\"5\"},{\"n\":\"/1/0/3\",\"v\":6}]",
      "/1/0/1=!LN_BAD_PEER /1/0/3=!LN_BAD_PEER /1/0/3=6 ." },
    { "/", "[{\"n\":\"/1/0/6\",\"v\":1},{\"n\":\"/1/0/8\",\"vs\":\"1:2\"}]",
      "/1/0/6=!LN_BAD_PEER /1/0/8=!LN_BAD_PEER ." },
    { "/", "[{\"n\":\"/1/0/2\",\"vs\":\"AA\"},{\"n\":\"/1/0/1\",\"vd\":\"AA\"}]",
      "/1/0/2=!LN_BAD_PEER /1/0/1=!LN_BAD_PEER ." },
    { "/", "[{\"n\":\"/1/0/2\",\"vd\":\"A\"},{\"n\":\"/1/0/3\",\"v\":6}]",
      "/1/0/2=!LN_BAD_PEER /1/0/3=6 ." },
    { "/", "[{\"n\":\"/1/0/2\",\"vd\":\"\xc3\xa4\"}]", "/1/0/2=!LN_BAD_PEER ." },
    /* names alone, and what is to be removed */
    { "/", "[{\"n\":\"/3/0/0\"},{\"n\":\"/1\"},{\"bn\":\"/\"}]", "/3/0/0? /1? /? ." },
    { "/", "[{\"n\":\"/\"}]", "/? ." },
    { "/", "[{\"n\":\"/1/0/13/2\",\"v\":null},{\"n\":\"/1/0/11/2\",\"vs\":null}]",
      "/1/0/13/2- /1/0/11/2- ." },
    /* times */
    { "/", "[{\"bt\":1700000000,\"n\":\"/1/0/3\",\"v\":5},{\"t\":-1.5,\"n\":\"/1/0/3\",\"v\":6}]",
      "/1/0/3=5@1700000000000 /1/0/3=6@1699999998500 ." },
    { "/", "[{\"t\":-10,\"n\":\"/1/0/3\",\"v\":5},{\"n\":\"/1/0/3\",\"v\":6}]",
      "/1/0/3=5@-10000 /1/0/3=6 ." },
    { "/", "[{\"bt\":1700000000.123,\"n\":\"/1/0/3\",\"v\":5}]", "/1/0/3=5@1700000000123 ." },
};

static void test_json(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof json_values / sizeof json_values[0]; i++) {
        const struct row *row = &json_values[i];
        print_message("  %s\n", row->text);
        assert_string_equal(
            payload_read(&ln__format_senml_json, row->path, bytes_copy(ln_span_str(row->text))),
            row->found);
    }
}

static const struct row json_malformed[] = {
    { "/", "", "LN_BAD_PEER" },
    { "/", " ", "LN_BAD_PEER" },
    { "/", "[", "LN_BAD_PEER" },
    { "/", "{}", "LN_BAD_PEER" },
    { "/", "5", "LN_BAD_PEER" },
    { "/", "[5]", "LN_BAD_PEER" },
    { "/", "[[]]", "LN_BAD_PEER" },
    { "/", "[,]", "LN_BAD_PEER" },
    { "/", "[{]", "LN_BAD_PEER" },
    { "/", "[{}]", "LN_BAD_PEER" },
    { "/", "[{\"v\":5}]", "LN_BAD_PEER" },
    { "/", "[{\"bn\":\"\",\"v\":5}]", "LN_BAD_PEER" },
    { "/", "[{\"bn\":\"/1/0/\",\"v\":5}]", "LN_BAD_PEER" },
    { "/", "[{\"n\":\"1/0/3\",\"v\":5}]", "LN_BAD_PEER" },
    { "/", "[{\"n\":\"/1/0/03\",\"v\":5}]", "LN_BAD_PEER" },
    { "/", "[{\"n\":\"/1/0/3/1/1\",\"v\":5}]", "LN_BAD_PEER" },
    { "/", "[{\"n\":\"/1/0/65535\",\"v\":5}]", "LN_BAD_PEER" },
    { "/", "[{\"n\":\"/1/0/65536\",\"v\":5}]", "LN_BAD_PEER" },
    { "/", "[{\"n\":\"/1/0/3//\",\"v\":5}]", "LN_BAD_PEER" },
    { "/", "[{\"n\":\"/rd/0/3\",\"v\":5}]", "LN_BAD_PEER" },
    { "/", "[{\"n\":5,\"v\":5}]", "LN_BAD_PEER" },
    { "/", "[{\"n\":null,\"v\":5}]", "LN_BAD_PEER" },
    { "/2", "[{\"n\":\"/1/0/3\",\"v\":5}]", "LN_BAD_PEER" },
    { "/1/0/3", "[{\"n\":\"/1/0/4\",\"v\":5}]", "LN_BAD_PEER" },
    { "/1/0/3", "[{\"n\":\"/1\"}]", "LN_BAD_PEER" },
    { "/", "[{\"n\":\"/1/0/3\",\"v\":5,\"v\":6}]", "LN_BAD_PEER" },
    { "/", "[{\"n\":\"/1/0/3\",\"v\":5,\"vs\":\"\"}]", "LN_BAD_PEER" },
    { "/", "[{\"n\":\"/1/0/3\",\"vb\":true,\"v\":6}]", "LN_BAD_PEER" },
    { "/", "[{\"n\":\"/1/0/3\",\"n\":\"/1/0/4\",\"v\":6}]", "LN_BAD_PEER" },
    { "/", "[{\"n\":\"/1/0/3\",\"vlo\":\"1:2\",\"v\":6}]", "LN_BAD_PEER" },
    { "/", "[{\"n\":\"/1/0/3\",\"v\":true}]", "LN_BAD_PEER" },
    { "/", "[{\"n\":\"/1/0/3\",\"v\":\"5\"}]", "LN_BAD_PEER" },
    { "/", "[{\"n\":\"/1/0/3\",\"vb\":1}]", "LN_BAD_PEER" },
    { "/", "[{\"n\":\"/1/0/3\",\"vs\":5}]", "LN_BAD_PEER" },
    { "/", "[{\"n\":\"/1/0/3\",\"vd\":5}]", "LN_BAD_PEER" },
    { "/", "[{\"n\":\"/1/0/3\",\"v\":[5]}]", "LN_BAD_PEER" },
    { "/", "[{\"n\":\"/1/0/8\",\"vlo\":\"1\"}]", "LN_BAD_PEER" },
    { "/", "[{\"n\":\"/1/0/8\",\"vlo\":\"65536:1\"}]", "LN_BAD_PEER" },
    { "/", "[{\"n\":\"/1/0/3\",\"v\":05}]", "LN_BAD_PEER" },
    { "/", "[{\"n\":\"/1/0/3\",\"v\":+5}]", "LN_BAD_PEER" },
    { "/", "[{\"n\":\"/1/0/3\",\"v\":-}]", "LN_BAD_PEER" },
    { "/", "[{\"n\":\"/1/0/3\",\"v\":1e999}]", "LN_BAD_PEER" },
    { "/", "[{\"n\":\"/1/0/3\",\"v\":nan}]", "LN_BAD_PEER" },
    { "/", "[{\"n\":\"/1/0/3\",\"v\":nuLl}]", "LN_BAD_PEER" },
    { "/", "[{\"n\":\"/1/0/3\",\"bv\":1,\"v\":5}]", "LN_BAD_PEER" },
    { "/", "[{\"bver\":11,\"n\":\"/1/0/3\",\"v\":5}]", "LN_BAD_PEER" },
    { "/", "[{\"bver\":\"10\",\"n\":\"/1/0/3\",\"v\":5}]", "LN_BAD_PEER" },
    { "/", "[{\"n\":\"/1/0/3\",\"v\":5,\"x_\":1}]", "LN_BAD_PEER" },
    { "/", "[{\"n\":\"/1/0/3\",\"v\":5,\"a label that is very long and must be known_\":1}]",
      "LN_BAD_PEER" },
    { "/", "[{\"bt\":1e308,\"t\":1e308,\"n\":\"/1/0/3\",\"v\":5}]", "LN_BAD_PEER" },
    { "/", "[{\"t\":9e15,\"n\":\"/1/0/3\",\"v\":5}]", "LN_BAD_PEER" },
    { "/", "[{\"t\":\"1\",\"n\":\"/1/0/3\",\"v\":5}]", "LN_BAD_PEER" },
    { "/", "[{\"n\":\"/1/0/3\",\"v\":5,}]", "LN_BAD_PEER" },
    { "/", "[{\"n\":\"/1/0/3\" \"v\":5}]", "LN_BAD_PEER" },
    { "/", "[{\"n\" \"/1/0/3\",\"v\":5}]", "LN_BAD_PEER" },
    { "/", "[{\"n\":\"/1/0/3\",\"v\":5", "LN_BAD_PEER" },
    { "/", "[{n:\"/1/0/3\",\"v\":5}]", "LN_BAD_PEER" },
    { "/", "[{\"n\":\"/1/0/3\",\"v\":5}", "/1/0/3=5 LN_BAD_PEER" },
    { "/", "[{\"n\":\"/1/0/3\",\"v\":5},]", "/1/0/3=5 LN_BAD_PEER" },
    { "/", "[{\"n\":\"/1/0/3\",\"v\":5}{}]", "/1/0/3=5 LN_BAD_PEER" },
    { "/", "[{\"n\":\"/1/0/3\",\"v\":5}]]", "/1/0/3=5 LN_BAD_PEER" },
    { "/", "[{\"n\":\"/1/0/3\",\"v\":5}] x", "/1/0/3=5 LN_BAD_PEER" },
    { "/", "[{\"x\":[}],\"n\":\"/1/0/3\",\"v\":5}]", "LN_BAD_PEER" },
    { "/", "[{\"x\":,\"n\":\"/1/0/3\",\"v\":5}]", "LN_BAD_PEER" },
    { "/", "[{\"x\":[[[[[[[[[]]]]]]]]],\"n\":\"/1/0/3\",\"v\":5}]", "LN_BAD_PEER" },
    { "/", "[{\"n\":\"/1/0/\\x\",\"v\":5}]", "LN_BAD_PEER" },
    { "/", "[{\"n\":\"/1/0/\\ud83d\",\"v\":5}]", "LN_BAD_PEER" },
    { "/", "[{\"n\":\"/1/0/\\ude00\",\"v\":5}]", "LN_BAD_PEER" },
    { "/", "[{\"n\":\"/1/0/\\u00g0\",\"v\":5}]", "LN_BAD_PEER" },
    { "/", "[{\"n\":\"/1/0/3\n\",\"v\":5}]", "LN_BAD_PEER" },
};

/* scenario: H60, H61, H62, H63, H64, H65, H70, H71, H74 */
static void test_json_that_is_malformed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof json_malformed / sizeof json_malformed[0]; i++) {
        const struct row *row = &json_malformed[i];
        print_message("  %s\n", row->text);
        assert_string_equal(
            payload_read(&ln__format_senml_json, row->path, bytes_copy(ln_span_str(row->text))),
            row->found);
    }
}

/* scenario: H62, H64, H65, H73, H74 */
static void test_json_that_is_long(void **state)
{
    (void)state;
    char text[12000];
    (void)snprintf(text, sizeof text, "[{\"n\":\"/1/0/3%0300d\",\"v\":5}]", 0);
    assert_string_equal(payload_read(&ln__format_senml_json, "/", bytes_copy(ln_span_str(text))),
                        "LN_BAD_PEER");
    (void)snprintf(text, sizeof text, "[{\"bn\":\"/1/0/%030d\",\"n\":\"%030d\",\"v\":5}]", 3, 3);
    assert_string_equal(payload_read(&ln__format_senml_json, "/", bytes_copy(ln_span_str(text))),
                        "LN_BAD_PEER");
    (void)snprintf(text, sizeof text, "[{\"n\":\"/1/0/3\",\"v\":%0400d}]", 1);
    assert_string_equal(payload_read(&ln__format_senml_json, "/", bytes_copy(ln_span_str(text))),
                        "LN_BAD_PEER");
    (void)snprintf(text, sizeof text, "[{\"n\":\"/1/0/1\",\"vs\":\"%0256d\"}]", 0);
    struct payload_way way = { .step = 7, .piecewise = true };
    const char *found =
        payload_dump(&ln__format_senml_json, "/", bytes_copy(ln_span_str(text)), way);
    assert_int_equal(strlen(found), strlen("/1/0/1=\"\" .") + 256); /* 256 is not 0 */
    memset(text, '[', sizeof text - 1);
    memcpy(text, "[{\"x\":", 6);
    text[sizeof text - 1] = '\0';
    way.step = 0;
    assert_string_equal(payload_dump(&ln__format_senml_json, "/", ln_span_str(text), way),
                        "LN_BAD_PEER");
}

/* In a string of a value, which may have any character: nothing else would refuse these. */
static void test_json_strings_that_are_malformed(void **state)
{
    (void)state;
    enum verdict { GOOD, NO_TEXT, NO_JSON };
    static const char *const ends[] = { "\" .", "=!LN_BAD_PEER .", "LN_BAD_PEER" };
    const struct {
        const char *string;
        enum verdict verdict;
    } rows[] = {
        { "\\ud83d\\ude00", GOOD }, /* a pair */
        { "\\ude00", NO_JSON },     /* half of one */
        { "\\ud83d", NO_JSON },     { "\\ud83dx", NO_JSON },
        { "\\ud83d\\n", NO_JSON },  { "\\ud83d\\ud83d", NO_JSON },
        { "\\u00g0", NO_JSON },     { "\\x", NO_JSON },
        { "\x7f", GOOD },           { "\x1f", NO_JSON },
        { "\n", NO_JSON },          { "\xc3\xa4", GOOD },
        { "\xc3", NO_TEXT },        { "\\u0000", NO_TEXT }, /* a NUL, which would cut it in C */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[80];
        struct payload_way way = { .step = 0 };
        (void)snprintf(text, sizeof text, "[{\"n\":\"/1/0/1\",\"vs\":\"%s\"}]", rows[i].string);
        print_message("  %s\n", text);
        const char *found =
            payload_dump(&ln__format_senml_json, "/", bytes_copy(ln_span_str(text)), way);
        const char *end = ends[rows[i].verdict];
        bool whole = rows[i].verdict == NO_JSON;
        assert_true(strlen(found) >= strlen(end));
        assert_string_equal(whole ? found : found + strlen(found) - strlen(end), end);
    }
}

/* Labels in any order are fine in one piece; in pieces, a string has to wait for its name. */
static void test_the_order_of_labels(void **state)
{
    (void)state;
    const char *const texts[] = {
        "[{\"vs\":\"abc\",\"bt\":5,\"n\":\"1\",\"bn\":\"/1/0/\"},{\"vd\":\"AA\",\"n\":\"2\"}]",
        "[{\"vs\":\"abc\",\"n\":\"1\",\"bt\":5,\"bn\":\"/1/0/\"},{\"vd\":\"AA\",\"n\":\"2\"}]",
    };
    for (size_t i = 0; i < 2; i++) {
        struct ln_span in = bytes_copy(ln_span_str(texts[i]));
        for (size_t step = 0; step < in.len; step++) {
            struct payload_way way = { .step = step };
            assert_string_equal(payload_dump(&ln__format_senml_json, "/", in, way),
                                step == 0 ? "/1/0/1=\"abc\"@5000 /1/0/2=00@5000 ." : "LN_NO_SPACE");
        }
    }
    /* numbers do not have to wait */
    assert_string_equal(payload_read(&ln__format_senml_json, "/",
                                     ln_span_str("[{\"v\":5,\"n\":\"3\",\"bn\":\"/1/0/\"}]")),
                        "/1/0/3=5 .");
    /* the name changes behind a string that was told already */
    struct payload_way way = { .step = 9 };
    struct ln_span in =
        bytes_copy(ln_span_str("[{\"bn\":\"/1/0/1\",\"vs\":\"a long text\",\"n\":\"1\"}]"));
    assert_string_equal(payload_dump(&ln__format_senml_json, "/", in, way),
                        "/1/0/1=\"a long text\" LN_NO_SPACE");
    way.step = 0;
    assert_string_equal(payload_dump(&ln__format_senml_json, "/", in, way),
                        "/1/0/11=\"a long text\" .");
    /* or its time */
    const char *const times[] = { "t", "bt" };
    for (size_t i = 0; i < 2; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, "[{\"n\":\"/1/0/1\",\"vs\":\"a long text\",\"%s\":5}]",
                       times[i]);
        in = bytes_copy(ln_span_str(text));
        way.step = 9;
        assert_string_equal(payload_dump(&ln__format_senml_json, "/", in, way),
                            "/1/0/1=\"a long text\" LN_NO_SPACE");
        way.step = 0;
        assert_string_equal(payload_dump(&ln__format_senml_json, "/", in, way),
                            "/1/0/1=\"a long text\"@5000 .");
    }
}

/* ---- reading CBOR ---- */

static const struct row cbor_values[] = {
    { "/", "80", "." },
    { "/", "9f ff", "." },
    /* the example of our own notes: /3/0 with two resources */
    { "/3/0", "82 a3 21 65 2f332f302f 00 61 31 03 61 78 a2 00 61 33 02 18 5f",
      "/3/0/1=\"x\" /3/0/3=95 ." },
    { "/3/0", "9f bf 21 65 2f332f302f 00 61 31 03 61 78 ff bf 00 61 33 02 18 5f ff ff",
      "/3/0/1=\"x\" /3/0/3=95 ." },
    { "/3/0", "81 a2 00 7f 65 2f332f302f 60 61 33 ff 02 05", "/3/0/3=5 ." },
    { "/1", "81 a2 00 66 2f312f302f32 08 42 00ff", "/1/0/2=00ff ." },
    { "/1", "81 a2 00 66 2f312f302f32 08 5f 41 00 41 ff ff", "/1/0/2=00ff ." },
    { "/1", "81 a2 00 66 2f312f302f31 03 7f 61 61 61 62 ff", "/1/0/1=\"ab\" ." },
    { "/1", "81 a2 00 66 2f312f302f31 03 60", "/1/0/1=\"\" ." },
    { "/1", "81 a2 00 66 2f312f302f35 02 f9 3e00", "/1/0/5=1.5 ." },
    { "/1", "81 a2 00 66 2f312f302f35 02 c4 82 20 0f", "/1/0/5=1.5 ." },
    { "/1", "81 a2 00 66 2f312f302f36 04 f5", "/1/0/6=true ." },
    { "/1", "81 a2 00 66 2f312f302f37 02 1a 6553f100", "/1/0/7=1700000000 ." },
    { "/1", "81 a2 00 66 2f312f302f38 63 766c6f 64 36363a31", "/1/0/8=66:1 ." },
    { "/1", "81 a2 00 66 2f312f302f33 02 f6", "/1/0/3- ." },
    { "/1", "81 a1 00 66 2f312f302f33", "/1/0/3? ." },
    { "/1", "81 a3 22 1a 6553f100 00 66 2f312f302f33 02 05", "/1/0/3=5@1700000000000 ." },
    { "/1", "81 a3 06 2e 00 66 2f312f302f33 02 05", "/1/0/3=5@-15000 ." },
    { "/1", "81 a3 06 f9 3e00 00 66 2f312f302f33 02 05", "/1/0/3=5@1500 ." },
    { "/1", "81 a4 20 0a 23 61 25 00 66 2f312f302f33 02 05", "/1/0/3=5 ." },
    { "/1", "81 a4 18 64 82 01 a1 02 03 62 7879 80 00 66 2f312f302f33 02 05", "/1/0/3=5 ." },
};

static void test_cbor(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cbor_values / sizeof cbor_values[0]; i++) {
        const struct row *row = &cbor_values[i];
        print_message("  %s\n", row->text);
        assert_string_equal(payload_read(&ln__format_senml_cbor, row->path, bytes_hex(row->text)),
                            row->found);
    }
}

static const struct row cbor_malformed[] = {
    { "/", "", "LN_BAD_PEER" },
    { "/", "a0", "LN_BAD_PEER" },
    { "/", "05", "LN_BAD_PEER" },
    { "/", "81", "LN_BAD_PEER" },
    { "/", "81 a0", "LN_BAD_PEER" },
    { "/", "81 80", "LN_BAD_PEER" },
    { "/", "9f", "LN_BAD_PEER" },
    { "/", "9a ff ff ff ff a1 00 66 2f312f302f33", "LN_BAD_PEER" },
    { "/", "9a ff ff ff fe a1 00 66 2f312f302f33", "/1/0/3? LN_BAD_PEER" },
    { "/", "9b 00 00 00 01 00 00 00 00", "LN_BAD_PEER" },
    { "/", "81 ba ff ff ff ff 00 66 2f312f302f33", "LN_BAD_PEER" },
    { "/", "80 00", "LN_BAD_PEER" },
    { "/", "81 a1 00 66 2f312f302f33 00", "/1/0/3? LN_BAD_PEER" },
    { "/", "82 a1 00 66 2f312f302f33", "/1/0/3? LN_BAD_PEER" },
    { "/", "9f a1 00 66 2f312f302f33", "/1/0/3? LN_BAD_PEER" },
    { "/", "81 bf 00 66 2f312f302f33", "LN_BAD_PEER" },
    { "/", "81 bf 00 ff", "LN_BAD_PEER" },
    { "/", "81 ff", "LN_BAD_PEER" },
    { "/", "81 a1 00 46 2f312f302f33", "LN_BAD_PEER" },
    { "/", "81 a1 00 05", "LN_BAD_PEER" },
    { "/", "81 a1 02 05", "LN_BAD_PEER" },
    { "/", "81 a1 f5 05", "LN_BAD_PEER" },
    { "/", "81 a1 41 00 05", "LN_BAD_PEER" },
    { "/", "81 a2 00 66 2f312f302f33 02 61 35", "LN_BAD_PEER" },
    { "/", "81 a2 00 66 2f312f302f33 02 f5", "LN_BAD_PEER" },
    { "/", "81 a2 00 66 2f312f302f33 04 01", "LN_BAD_PEER" },
    { "/", "81 a2 00 66 2f312f302f33 08 61 61", "LN_BAD_PEER" },
    { "/", "81 a2 00 66 2f312f302f33 03 41 61", "LN_BAD_PEER" },
    { "/", "81 a3 00 66 2f312f302f33 02 05 02 06", "LN_BAD_PEER" },
    { "/", "81 a3 00 66 2f312f302f33 02 05 03 60", "LN_BAD_PEER" },
    { "/", "81 a3 24 01 00 66 2f312f302f33 02 05", "LN_BAD_PEER" },
    { "/", "81 a3 20 0b 00 66 2f312f302f33 02 05", "LN_BAD_PEER" },
    { "/", "81 a3 62 785f 01 00 66 2f312f302f33 02 05", "LN_BAD_PEER" },
    { "/", "81 a3 06 f9 7e00 00 66 2f312f302f33 02 05", "LN_BAD_PEER" },
    { "/", "81 a3 06 fb 7fefffffffffffff 00 66 2f312f302f33 02 05", "LN_BAD_PEER" },
    { "/", "81 a2 18 64 81818181818181818181 00", "LN_BAD_PEER" },
    { "/", "81 a3 20 f9 7e00 00 66 2f312f302f33 02 05", "LN_BAD_PEER" },
    /* a count that is no "up to a break" where it is skipped, either */
    { "/", "81 a3 18 64 9a ffffffff ff 00 66 2f312f302f33 02 05", "LN_BAD_PEER" },
    { "/", "81 a3 18 64 ba 7fffffff ff 00 66 2f312f302f33 02 05", "LN_BAD_PEER" },
};

/* scenario: H61, H65, H66, H67, H68, H70, H71 */
static void test_cbor_that_is_malformed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cbor_malformed / sizeof cbor_malformed[0]; i++) {
        const struct row *row = &cbor_malformed[i];
        print_message("  %s\n", row->text);
        assert_string_equal(payload_read(&ln__format_senml_cbor, row->path, bytes_hex(row->text)),
                            row->found);
    }
}

/* ---- writing ---- */

#define OPEN(where) { .call = PAYLOAD_OPEN, .path = (where) }
#define CLOSE() { .call = PAYLOAD_CLOSE }
#define VALUE(where, what) { .path = (where), .value = what }

static void check_json(const char *path, const struct payload_item *items, size_t count,
                       const char *text)
{
    struct ln_span got = payload_write(&ln__format_senml_json, path, items, count);
    print_message("  %.*s\n", (int)got.len, (const char *)got.data);
    assert_int_equal(got.len, strlen(text));
    assert_memory_equal(got.data, text, got.len);
}
#define CHECK_JSON(path, items, text) check_json(path, items, sizeof(items) / sizeof(items)[0], text)

static void check_cbor(const char *path, const struct payload_item *items, size_t count,
                       const char *bytes)
{
    struct ln_span want = bytes_hex(bytes);
    struct ln_span got = payload_write(&ln__format_senml_cbor, path, items, count);
    assert_int_equal(got.len, want.len);
    assert_memory_equal(got.data, want.data, got.len);
}
#define CHECK_CBOR(path, items, bytes)                                                             \
    check_cbor(path, items, sizeof(items) / sizeof(items)[0], bytes)

static void test_writing(void **state)
{
    (void)state;
    const struct payload_item device[] = {
        OPEN("/3/0"),
        VALUE("/3/0/1", ln_value_string("x")),
        VALUE("/3/0/3", ln_value_integer(95)),
        OPEN("/3/0/13"),
        VALUE("/3/0/13/0", ln_value_integer(1)),
        CLOSE(),
        OPEN("/3/0/23"),
        CLOSE(),
        CLOSE(),
    };
    CHECK_JSON("/3/0", device,
               "[{\"bn\":\"/3/0/\",\"n\":\"1\",\"vs\":\"x\"},{\"n\":\"3\",\"v\":95},"
               "{\"n\":\"13/0\",\"v\":1}]");
    CHECK_CBOR("/3/0", device,
               "83 a3 21 65 2f332f302f 00 61 31 03 61 78 a2 00 61 33 02 18 5f "
               "a2 00 64 31332f30 02 01");
    check_json("/3", NULL, 0, "[]");
    check_cbor("/3", NULL, 0, "80");
    const struct payload_item types[] = {
        VALUE("/1/0/1", ln_value_string("a\"\\\n\x7f\xc3\xa4")),
        VALUE("/1/0/2", ln_value_opaque(ln_span("\xff\xff", 2))),
        VALUE("/1/0/3", ln_value_integer(INT64_MIN)),
        VALUE("/1/0/4", ln_value_unsigned(UINT64_MAX)),
        VALUE("/1/0/5", ln_value_float(22.5)),
        { PAYLOAD_VALUE, "/1/0/6", ln_value_boolean(true) },
        { PAYLOAD_VALUE, "/1/0/16", ln_value_boolean(false) },
        VALUE("/1/0/7", ln_value_time(1700000000)),
        VALUE("/1/0/8", ln_value_objlnk(66, 1)),
        VALUE("/1/0/9", ln_value_bytes(LN_VALUE_CORELNK, ln_span_str("</3>"))),
        VALUE("/1/0/13/7", ln_value_none()),
    };
    CHECK_JSON("/", types,
               "[{\"bn\":\"/1/0/\",\"n\":\"1\",\"vs\":\"a\\\"\\\\\\u000a\x7f\xc3\xa4\"},"
               "{\"n\":\"2\",\"vd\":\"__8\"},{\"n\":\"3\",\"v\":-9223372036854775808},"
               "{\"n\":\"4\",\"v\":18446744073709551615},{\"n\":\"5\",\"v\":22.5},"
               "{\"n\":\"6\",\"vb\":true},{\"n\":\"16\",\"vb\":false},"
               "{\"n\":\"7\",\"v\":1700000000},{\"n\":\"8\",\"vlo\":\"66:1\"},"
               "{\"n\":\"9\",\"vs\":\"</3>\"},{\"n\":\"13/7\",\"v\":null}]");
    CHECK_CBOR("/", types,
               "8b a3 21 65 2f312f302f 00 61 31 03 67 61 22 5c 0a 7f c3 a4 a2 00 61 32 08 42 ffff"
               "a2 00 61 33 02 3b 7fffffffffffffff a2 00 61 34 02 1b ffffffffffffffff"
               "a2 00 61 35 02 f9 4da0 a2 00 61 36 04 f5 a2 00 62 3136 04 f4"
               "a2 00 61 37 02 1a 6553f100 a2 00 61 38 63 766c6f 64 36363a31"
               "a2 00 61 39 03 64 3c2f333e a2 00 64 31332f37 02 f6");
}

static void test_writing_several_objects_names_and_times(void **state)
{
    (void)state;
    const struct payload_item batch[] = {
        { PAYLOAD_TIME, NULL, ln_value_integer(INT64_C(1700000000000)) },
        VALUE("/1/0/3", ln_value_integer(1)),
        VALUE("/2/0/3", ln_value_integer(2)),
        { PAYLOAD_TIME, NULL, ln_value_integer(INT64_C(1700000001050)) },
        VALUE("/1/0/3", ln_value_integer(3)),
        { PAYLOAD_TIME, NULL, ln_value_integer(-7) },
        VALUE("/1/0/3", ln_value_integer(4)),
    };
    CHECK_JSON("/", batch,
               "[{\"bn\":\"/1/0/\",\"bt\":1700000000,\"n\":\"3\",\"v\":1},"
               "{\"bn\":\"/2/0/\",\"n\":\"3\",\"v\":2},"
               "{\"bn\":\"/1/0/\",\"bt\":1700000001.05,\"n\":\"3\",\"v\":3},"
               "{\"bt\":-0.007,\"n\":\"3\",\"v\":4}]");
    CHECK_CBOR("/", batch,
               "84 a4 21 65 2f312f302f 22 1a 6553f100 00 61 33 02 01"
               "a3 21 65 2f322f302f 00 61 33 02 02"
               "a4 21 65 2f312f302f 22 fb 41d954fc40433333 00 61 33 02 03"
               "a3 22 fb bf7cac083126e979 00 61 33 02 04");
    const struct payload_item names[] = {
        { .call = PAYLOAD_NAME, .path = "/3/0/0" },
        { .call = PAYLOAD_NAME, .path = "/1" },
        VALUE("/1/0/3", ln_value_integer(1)),
        { .call = PAYLOAD_NAME, .path = "/" },
    };
    CHECK_JSON("/", names,
               "[{\"n\":\"/3/0/0\"},{\"n\":\"/1\"},{\"bn\":\"/1/0/\",\"n\":\"3\",\"v\":1},"
               "{\"bn\":\"\",\"n\":\"/\"}]");
    CHECK_CBOR("/", names,
               "84 a1 00 66 2f332f302f30 a1 00 62 2f31 a3 21 65 2f312f302f 00 61 33 02 01"
               "a2 21 60 00 61 2f");
    const struct payload_item infinite[] = {
        { PAYLOAD_REFUSED, "/1/0/5", ln_value_float(1.0 / 0.0) },
        VALUE("/1/0/5", ln_value_float(1)),
    };
    CHECK_JSON("/", infinite, "[{\"bn\":\"/1/0/\",\"n\":\"5\",\"v\":1}]");
}

/* More records than one byte can count, and long values that are streamed. */
static void test_writing_much(void **state)
{
    (void)state;
    static struct payload_item items[300];
    static char paths[300][LN_PATH_ROOM];
    static uint8_t bytes[500];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i % 96 + 30); /* with some that need escapes */
    for (size_t i = 0; i < 300; i++) {
        (void)snprintf(paths[i], sizeof paths[i], "/1/0/3/%u", (unsigned)i);
        items[i] = (struct payload_item) { .path = paths[i], .value = ln_value_boolean(true) };
    }
    static const size_t counts[] = { 23, 24, 255, 256, 300 };
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct ln_span got = payload_write(&ln__format_senml_cbor, "/1/0/3", items, counts[i]);
        const char *head = counts[i] < 24 ? "97" : counts[i] < 256 ? "98" : "99 01";
        struct ln_span want = bytes_hex(head);
        assert_memory_equal(got.data, want.data, want.len);
    }
    for (size_t len = 0; len <= sizeof bytes; len += 1 + len / 3) {
        const struct payload_item streams[] = {
            { PAYLOAD_STREAM, "/1/0/2", ln_value_opaque(ln_span(bytes, len)) },
            { PAYLOAD_STREAM, "/1/0/1", ln_value_bytes(LN_VALUE_STRING, ln_span(bytes, len)) },
        };
        const struct payload_item whole[] = {
            { PAYLOAD_VALUE, "/1/0/2", ln_value_opaque(ln_span(bytes, len)) },
            { PAYLOAD_VALUE, "/1/0/1", ln_value_bytes(LN_VALUE_STRING, ln_span(bytes, len)) },
        };
        struct ln_span one = payload_write(&ln__format_senml_json, "/", streams, 2);
        struct ln_span two = payload_write(&ln__format_senml_json, "/", whole, 2);
        assert_true(ln_span_equal(one, two));
        one = payload_write(&ln__format_senml_cbor, "/", streams, 2);
        two = payload_write(&ln__format_senml_cbor, "/", whole, 2);
        assert_true(ln_span_equal(one, two));
    }
}

static void test_the_tables(void **state)
{
    (void)state;
    const struct ln_format *const list[] = { &ln__format_senml_json, &ln__format_senml_cbor,
                                             &ln__format_senml_etch_json,
                                             &ln__format_senml_etch_cbor };
    static const uint16_t numbers[] = { 110, 112, 320, 322 };
    for (size_t i = 0; i < 4; i++)
        assert_ptr_equal(ln__format_find(list, 4, numbers[i]), list[i]);
    assert_null(ln__format_find(list, 4, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_json_that_is_malformed),
        cmocka_unit_test(test_json_that_is_long),
        cmocka_unit_test(test_json_strings_that_are_malformed),
        cmocka_unit_test(test_the_order_of_labels),
        cmocka_unit_test(test_cbor),
        cmocka_unit_test(test_cbor_that_is_malformed),
        cmocka_unit_test(test_writing),
        cmocka_unit_test(test_writing_several_objects_names_and_times),
        cmocka_unit_test(test_writing_much),
        cmocka_unit_test(test_the_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
