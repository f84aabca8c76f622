/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: application/cbor, see fuzz/payload.h for what must hold; and skipping of items. */
#include "fuzz/fuzz.h"

#include "codec/reader.h"
#include "fuzz/payload.h"

/* In one piece and in many, skipping ends at the same place or fails. */
static enum ln_status skip_item(struct ln_span in, size_t step, size_t *left)
{
    struct feeder f = { .left = in, .step = step };
    struct ln_cbor_skip s = { .begun = false };
    struct ln_path path = ln_path_resource(1, 0, 1);
    enum ln_status st = ln__reader_init(&f.reader, &ln__format_cbor, &path);
    CHECK(st == LN_OK);
    do {
        f.reader.hungry = true;
        feed_piece(&f);
        st = ln__cbor_skip(&f.reader, &s);
    } while (st == LN_AGAIN);
    *left = f.left.len + f.reader.in.len + f.reader.carried;
    free(f.piece);
    return st;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t whole_left = 0;
    size_t left = 0;
    if (size < 3)
        return 0;
    enum ln_status whole = skip_item(ln_span(data + 3, size - 3), size, &whole_left);
    enum ln_status pieces = skip_item(ln_span(data + 3, size - 3), data[2] % 5u + 1, &left);
    CHECK(whole == pieces && (whole == LN_OK || whole == LN_BAD_PEER));
    CHECK(whole != LN_OK || whole_left == left);
    return fuzz_payload(&ln__format_cbor, data, size);
}
