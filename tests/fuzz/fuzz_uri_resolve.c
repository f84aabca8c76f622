/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: src/codec/uri_resolve.c and uri_parts.c. The first line is the base, the rest the
 * reference. A result is a URI, has no dot segments, and resolves to itself. */
#include "fuzz/fuzz.h"

#include <linnet/uri.h>

#include "fuzz/check.h"

static bool has_dot_segment(struct ln_span path)
{
    for (size_t i = 0; i < path.len; i++) {
        size_t end = i + 1;
        if (path.data[i] != '/')
            continue;
        while (end < path.len && path.data[end] == '.')
            end++;
        bool dots = end - i - 1 == 1 || end - i - 1 == 2;
        if (dots && (end == path.len || path.data[end] == '/'))
            return true;
    }
    return false;
}

/* The path comes from the reference (and lost its dots), or is the base's. */
static void check_result(struct ln_span base, struct ln_span reference, struct ln_span result)
{
    static uint8_t room[LN_URI_MAX];
    struct ln_uri uri;
    struct ln_uri again;
    size_t len = 0;
    CHECK(ln_uri_read(result, &uri, NULL) == LN_OK);
    CHECK(ln_uri_same_origin(&uri, &uri));
    bool from_base = reference.len == 0 || reference.data[0] == '?' || reference.data[0] == '#';
    CHECK(from_base || !has_dot_segment(uri.path));
    CHECK(ln_uri_resolve(base, result, ln_mspan(room, sizeof room), &len, NULL) == LN_OK);
    CHECK(ln_uri_read(ln_span(room, len), &again, NULL) == LN_OK);
    CHECK(ln_uri_same_origin(&uri, &again) && len <= result.len);
    CHECK(from_base || ln_span_equal(ln_span(room, len), result));
}

static void check_decoded(struct ln_span text)
{
    static uint8_t room[LN_URI_MAX];
    size_t len = 0;
    size_t needed = 0;
    enum ln_status st = ln_uri_decode(text, ln_mspan(room, sizeof room), &len);
    CHECK(st == LN_OK || st == LN_BAD_PEER || (st == LN_NO_SPACE && len > sizeof room));
    if (st == LN_OK) {
        CHECK(len <= text.len && len * 3 >= text.len);
        if (len > 0)
            CHECK(ln_uri_decode(text, ln_mspan(room, len - 1), &needed) == LN_NO_SPACE &&
                  needed == len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t room[LN_URI_MAX];
    const uint8_t *line = size > 0 ? memchr(data, '\n', size) : NULL;
    size_t first = line != NULL ? (size_t)(line - data) : size;
    struct ln_span base = ln_span(data, first);
    struct ln_span reference = ln_span(NULL, 0);
    if (line != NULL)
        reference = ln_span(line + 1, size - first - 1);
    enum ln_uri_problem problem = LN_URI_PROBLEM_NONE;
    size_t len = 0;
    enum ln_status st =
        ln_uri_resolve(base, reference, ln_mspan(room, sizeof room), &len, &problem);
    CHECK(st == LN_OK || st == LN_BAD_PEER || (st == LN_NO_SPACE && len > sizeof room));
    CHECK(st != LN_BAD_PEER || problem != LN_URI_PROBLEM_NONE);
    CHECK(lies_in(ln_uri_userinfo(reference), reference));
    check_decoded(reference);
    if (st == LN_OK) {
        static uint8_t result[LN_URI_MAX];
        memcpy(result, room, len);
        check_result(base, reference, ln_span(result, len));
    }
    return 0;
}
