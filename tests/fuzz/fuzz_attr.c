/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: src/codec/attr.c. Queries are separated by "&". What was accepted is printed for
 * Discover, and that reads as the same attributes. */
#include "fuzz/fuzz.h"

#include "codec/link.h"
#include "fuzz/check.h"

/* A change from queries between separators; those that are refused change nothing. */
static struct ln_attr_change read_queries(struct ln_span in, uint8_t separator)
{
    struct ln_attr_change change = { .unset = 0 };
    for (size_t at = 0; at <= in.len;) {
        size_t end = at;
        while (end < in.len && in.data[end] != separator)
            end++;
        struct ln_attr_change before = change;
        enum ln_status st = ln__attr_read(ln_span(in.data + at, end - at), &change);
        CHECK(st == LN_OK || st == LN_BAD_PEER || st == LN_NOT_FOUND || st == LN_DENIED);
        if (st != LN_OK)
            CHECK(memcmp(&before, &change, sizeof change) == 0);
        else
            CHECK(ln__attr_named(&change) != ln__attr_named(&before));
        CHECK((change.values.set & change.unset) == 0);
        at = end + 1;
    }
    return change;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t text[1024];
    struct ln_attr_change change = read_queries(ln_span(data, size), '&');
    struct ln_attrs attrs = { .set = 0 };
    enum ln_status st = ln__attr_apply(&attrs, &change);
    CHECK(st == LN_OK || st == LN_BAD_PEER);
    if (st != LN_OK) {
        CHECK(attrs.set == 0);
        return 0;
    }
    CHECK(attrs.set == change.values.set);
    struct ln_link_writer w = ln__link_writer(ln_mspan(text, sizeof text), 0);
    ln__link_attrs(&w, &attrs);
    CHECK(!ln__window_has_more(&w.out));
    struct ln_span printed = ln__window_bytes(&w.out);
    if (printed.len == 0)
        return 0;
    struct ln_attr_change again = read_queries(ln_span(printed.data + 1, printed.len - 1), ';');
    struct ln_attrs second = { .set = 0 };
    CHECK(ln__attr_apply(&second, &again) == LN_OK);
    CHECK(memcmp(&attrs, &second, sizeof attrs) == 0);
    return 0;
}
