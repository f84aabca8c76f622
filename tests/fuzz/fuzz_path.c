/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: src/codec/path.c. Each text that is accepted is the one text of its path. */
#include "fuzz/fuzz.h"

#include "fuzz/check.h"

#include <linnet/path.h>

/* Part by part, as Uri-Path options come. */
static enum ln_status read_parts(struct ln_span in, struct ln_path *out)
{
    *out = ln_path_root();
    for (size_t at = 1; in.len > 1 && at <= in.len;) {
        size_t end = at;
        while (end < in.len && in.data[end] != '/')
            end++;
        enum ln_status st = ln_path_add_part(out, ln_span(in.data + at, end - at));
        if (st != LN_OK)
            return st;
        at = end + 1;
    }
    return LN_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ln_span in = ln_span(data, size);
    struct ln_path path = ln_path_object(7);
    struct ln_path parts;
    char text[LN_PATH_ROOM];
    enum ln_status st = ln_path_read(in, &path);
    CHECK(st == LN_OK || st == LN_BAD_PEER || st == LN_NOT_FOUND);
    if (st != LN_OK) {
        CHECK(path.levels == 1 && path.id[0] == 7);
        return 0;
    }
    size_t len = ln_path_text(&path, text);
    CHECK(len < sizeof text && text[len] == '\0');
    CHECK(ln_span_equal(ln_span(text, len), in));
    CHECK(read_parts(in, &parts) == LN_OK && ln_path_equal(&path, &parts));
    struct ln_path head = ln_path_head(path, path.levels / 2u);
    CHECK(ln_path_is_below(&path, &head) && ln_path_compare(&head, &path) <= 0);
    return 0;
}
