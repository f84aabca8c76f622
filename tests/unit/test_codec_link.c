/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/codec/link.c and src/codec/window.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "codec/link.h"
#include "support/bytes.h"

static struct ln_path at(const char *text)
{
    struct ln_path path;
    assert_int_equal(ln_path_read(ln_span_str(text), &path), LN_OK);
    return path;
}

/* ---- writing ---- */

static void write_register(struct ln_link_writer *w)
{
    struct ln_path paths[] = { at("/"), at("/1"), at("/1/0"), at("/4") };
    ln__link_path(w, ln_span(NULL, 0), &paths[0]);
    ln__link_quoted(w, "rt", ln_span_str("oma.lwm2m"));
    ln__link_number(w, "ct", 11542);
    ln__link_path(w, ln_span(NULL, 0), &paths[1]);
    ln__link_token(w, "ver", ln_span_str("1.1"));
    ln__link_path(w, ln_span(NULL, 0), &paths[2]);
    ln__link_path(w, ln_span_str("/lwm2m"), &paths[3]);
    ln__link_path(w, ln_span_str("/lwm2m"), &paths[0]);
    ln__link_quoted(w, "uri", ln_span_str("a\"b\\c"));
}

static const char registered[] = "</>;rt=\"oma.lwm2m\";ct=11542,</1>;ver=1.1,</1/0>,</lwm2m/4>,"
                                 "</lwm2m>;uri=\"a\\\"b\\\\c\"";

static void write_discover(struct ln_link_writer *w)
{
    struct ln_path path = at("/3/0/7");
    struct ln_attrs attrs = { .set = 0x3ff,
                              .pmin = 1,
                              .pmax = 4294967295,
                              .gt = 21.5,
                              .lt = -3,
                              .st = 0.001,
                              .epmin = 0,
                              .epmax = 7,
                              .edge = true,
                              .con = false,
                              .hqmax = 9 };
    struct ln_attrs none = { .set = 0 };
    ln__link_path(w, ln_span(NULL, 0), &path);
    ln__link_number(w, "dim", 0);
    ln__link_attrs(w, &attrs);
    path = at("/3/0/7/1");
    ln__link_path(w, ln_span(NULL, 0), &path);
    ln__link_attrs(w, &none);
}

static const char discovered[] =
    "</3/0/7>;dim=0;pmin=1;pmax=4294967295;gt=21.5;lt=-3;st=0.001;epmin=0;epmax=7;edge=1;con=0;"
    "hqmax=9,</3/0/7/1>";

/* Every window on the text shows the same text. */
static void check_written(void (*write)(struct ln_link_writer *), const char *text)
{
    size_t length = strlen(text);
    for (size_t len = 0; len <= length + 1; len++) {
        for (size_t skip = 0; skip <= length + 1; skip += 7) {
            struct ln_mspan room = bytes_mcopy(ln_span(text, len > length ? length : len));
            if (room.len > 0)
                memset(room.data, '#', room.len);
            struct ln_link_writer w = ln__link_writer(room, skip);
            write(&w);
            size_t left = skip < length ? length - skip : 0;
            struct ln_span got = ln__window_bytes(&w.out);
            assert_int_equal(w.out.at, length);
            assert_int_equal(got.len, left < room.len ? left : room.len);
            assert_int_equal(ln__window_has_more(&w.out), left > room.len);
            if (got.len > 0)
                assert_memory_equal(got.data, text + skip, got.len);
        }
    }
}

static void test_writing(void **state)
{
    (void)state;
    check_written(write_register, registered);
    check_written(write_discover, discovered);
}

static void test_shifting_and_patching_in_a_window(void **state)
{
    (void)state;
    for (size_t len = 0; len <= 10; len++) {
        for (size_t skip = 0; skip <= 3; skip++) {
            struct ln_mspan room = bytes_mcopy(ln_span("##########", len));
            struct ln_window w = ln__window(room, skip);
            ln__window_text(&w, "abcdefg");
            ln__window_shift(&w, 3, 2);
            ln__window_patch(&w, 1, (const uint8_t *)"1234", 4);
            struct ln_span got = ln__window_bytes(&w);
            size_t want = 9 - skip < len ? 9 - skip : len;
            assert_int_equal(w.at, 9);
            assert_int_equal(got.len, want);
            if (want > 0)
                assert_memory_equal(got.data, &"a1234defg"[skip], want);
        }
    }
}

/* ---- reading ---- */

/* "target name=value name='quoted' name; target ..." */
static enum ln_status dump(struct ln_span in, char *out, size_t room)
{
    size_t len = 0;
    out[0] = '\0';
    for (;;) {
        struct ln_link link;
        bool end = false;
        enum ln_status st = ln__link_next(&in, &link, &end);
        if (st != LN_OK || end)
            return st;
        len += (size_t)snprintf(out + len, room - len, "%.*s", (int)link.target.len,
                                (const char *)link.target.data);
        for (;;) {
            struct ln_link_param p;
            assert_int_equal(ln__link_next_param(&link.params, &p, &end), LN_OK);
            if (end)
                break;
            const char *quote = p.quoted ? "'" : "";
            len += (size_t)snprintf(out + len, room - len, " %.*s%s%s%.*s%s", (int)p.name.len,
                                    (const char *)p.name.data, p.has_value ? "=" : "", quote,
                                    (int)p.value.len, (const char *)p.value.data, quote);
        }
        len += (size_t)snprintf(out + len, room - len, "; ");
    }
}

static void test_reading(void **state)
{
    (void)state;
    const struct {
        const char *text;
        const char *found;
    } rows[] = {
        { "", "" },
        { "</3>", "/3; " },
        { "<>", "; " },
        { "</1>;ver=1.1,</1/0>,</4>", "/1 ver=1.1; /1/0; /4; " },
        { "</>;rt=\"oma.lwm2m\";ct=\"60 110\"", "/ rt='oma.lwm2m' ct='60 110'; " },
        { "</3>;a;b=;c=\"\"", "/3 a b= c=''; " },
        { "</3>;uri=\"a,b;c<d>\\\"e\\\\\",</4>", "/3 uri='a,b;c<d>\\\"e\\\\'; /4; " },
        { registered, "/ rt='oma.lwm2m' ct=11542; /1 ver=1.1; /1/0; /lwm2m/4; "
                      "/lwm2m uri='a\\\"b\\\\c'; " },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char found[256];
        assert_int_equal(dump(bytes_copy(ln_span_str(rows[i].text)), found, sizeof found), LN_OK);
        assert_string_equal(found, rows[i].found);
    }
}

/* scenario: H75 */
static void test_what_is_malformed(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "x",
        "<",
        "</3",
        "</3;a",
        "</3\"",
        "</3 0>",
        "</3>x",
        "</3>;",
        "</3>;=5",
        "</3>;a=\"x",
        "</3>;a=\"x\\\"",
        "</3>;a=\"x\\",
        "</3>;a=\"x\"y",
        "</3>;a=b\"c\"",
        "</3>,",
        ",</3>",
        "</3>,,</4>",
        "</3></4>",
        "</3> ,</4>",
        "</3>, </4>",
        "</3>;a b",
        "<</3>>",
        "</3>;<a>",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char found[256];
        print_message("  %s\n", rows[i]);
        assert_int_equal(dump(bytes_copy(ln_span_str(rows[i])), found, sizeof found), LN_BAD_PEER);
    }
    struct ln_span in = ln_span_str("</3>x");
    struct ln_span before = in;
    struct ln_link link = { .target = in };
    bool end = false;
    assert_int_equal(ln__link_next(&in, &link, &end), LN_BAD_PEER);
    assert_memory_equal(&in, &before, sizeof in);
    assert_memory_equal(&link.target, &before, sizeof in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writing),
        cmocka_unit_test(test_shifting_and_patching_in_a_window),
        cmocka_unit_test(test_reading),
        cmocka_unit_test(test_what_is_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
