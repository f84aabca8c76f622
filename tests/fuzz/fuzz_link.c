/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: src/codec/link.c. What is read lies in the input, reading moves on, and a link that is
 * written with what was read is read as the same. */
#include "fuzz/fuzz.h"

#include "codec/link.h"
#include "fuzz/check.h"

/* Quoted values keep their escapes in the reader; here they are written by hand. */
static void write_again(struct ln_window *out, const struct ln_link *link)
{
    struct ln_span params = link->params;
    ln__window_byte(out, '<');
    ln__window_put(out, link->target.data, link->target.len);
    ln__window_byte(out, '>');
    for (;;) {
        struct ln_link_param p;
        bool end = false;
        struct ln_span before = params;
        CHECK(ln__link_next_param(&params, &p, &end) == LN_OK);
        if (end)
            break;
        CHECK(params.len < before.len);
        CHECK(p.name.len > 0 && lies_in(p.name, link->params) && lies_in(p.value, link->params));
        ln__window_byte(out, ';');
        ln__window_put(out, p.name.data, p.name.len);
        ln__window_text(out, p.has_value ? "=" : "");
        ln__window_text(out, p.quoted ? "\"" : "");
        ln__window_put(out, p.value.data, p.value.len);
        ln__window_text(out, p.quoted ? "\"" : "");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ln_span in = ln_span(data, size);
    struct ln_span left = in;
    struct ln_mspan room = ln_mspan(malloc(size + 1), size + 1);
    CHECK(room.data != NULL);
    struct ln_window out = ln__window(room, 0);
    for (;;) {
        struct ln_link link;
        bool end = false;
        struct ln_span before = left;
        enum ln_status st = ln__link_next(&left, &link, &end);
        CHECK(st == LN_OK || st == LN_BAD_PEER);
        if (st != LN_OK || end) {
            CHECK(st == LN_OK || ln_span_equal(left, before));
            if (st == LN_OK) /* the whole payload is nothing but links */
                CHECK(ln_span_equal(ln__window_bytes(&out), in));
            break;
        }
        CHECK(left.len < before.len && lies_in(link.target, in) && lies_in(link.params, in));
        if (out.at > 0)
            ln__window_byte(&out, ',');
        write_again(&out, &link);
    }
    free(room.data);
    return 0;
}
