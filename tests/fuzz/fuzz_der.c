/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: src/codec/der.c. Whatever is read lies in the input, and whatever is refused leaves
 * the cursor where it was. */
#include "fuzz/fuzz.h"

#include "codec/der.h"
#include "fuzz/check.h"

struct reader {
    struct ln_span in;
    struct ln_cursor at;
};

static void check_moved(const struct reader *r, const struct ln_cursor *after, enum ln_status st)
{
    CHECK(st == LN_OK || st == LN_BAD_PEER);
    CHECK(lies_in(after->left, r->in));
    if (st == LN_OK)
        CHECK(ln__cursor_left(after) < ln__cursor_left(&r->at));
    else
        CHECK(ln__cursor_left(after) == ln__cursor_left(&r->at));
}

static void read_strings(const struct reader *r)
{
    struct ln_cursor c = r->at;
    struct ln_span body = ln_span(NULL, 0);
    unsigned unused = 0;
    enum ln_status st = ln__der_oid(&c, &body);
    check_moved(r, &c, st);
    CHECK(lies_in(body, r->in));
    c = r->at;
    st = ln__der_integer(&c, &body);
    check_moved(r, &c, st);
    CHECK(lies_in(body, r->in));
    c = r->at;
    st = ln__der_bit_string(&c, &body, &unused);
    check_moved(r, &c, st);
    CHECK(lies_in(body, r->in));
    CHECK(unused <= 7 && (unused == 0 || body.len > 0));
}

static void read_values(const struct reader *r)
{
    struct ln_cursor c = r->at;
    bool truth = false;
    uint32_t value = 0;
    int64_t seconds = 0;
    check_moved(r, &c, ln__der_boolean(&c, &truth));
    c = r->at;
    check_moved(r, &c, ln__der_uint(&c, LN_DER_INTEGER, &value));
    c = r->at;
    check_moved(r, &c, ln__der_uint(&c, LN_DER_ENUMERATED, &value));
    c = r->at;
    check_moved(r, &c, ln__der_time(&c, &seconds));
    /* the years 0 to 9999 */
    CHECK(seconds >= INT64_C(-62167219200) && seconds <= INT64_C(253402300799));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = { .in = ln_span(data, size) };
    r.at = ln__cursor(r.in);
    for (size_t depth = 0; depth < 32; depth += 8) {
        enum ln_status st = ln__der_check(r.in, depth);
        CHECK(st == LN_OK || st == LN_BAD_PEER);
    }
    while (!ln__cursor_is_empty(&r.at)) {
        struct ln_cursor after = r.at;
        struct ln_der v;
        read_strings(&r);
        read_values(&r);
        enum ln_status st = ln__der_read(&after, &v);
        check_moved(&r, &after, st);
        if (st != LN_OK)
            break;
        CHECK(lies_in(v.whole, r.in) && lies_in(v.body, v.whole));
        CHECK(v.whole.len == ln__cursor_left(&r.at) - ln__cursor_left(&after));
        CHECK(v.whole.len >= v.body.len + 2);
        if ((v.tag & LN_DER_CONSTRUCTED) != 0) /* go into it, and lose what is behind */
            after = ln__cursor(v.body);
        r.at = after;
    }
    return 0;
}
