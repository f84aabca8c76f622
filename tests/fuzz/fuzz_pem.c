/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: src/codec/pem.c. Blocks lie in the text, one behind the other; each is found again in
 * its own bytes; the room that is promised to be enough is enough. */
#include "fuzz/fuzz.h"

#include "codec/pem.h"
#include "fuzz/check.h"

static void decode(const struct ln_pem *block)
{
    size_t room = block->body.len;
    uint8_t *data = malloc(room > 0 ? room : 1);
    size_t len = 0;
    CHECK(data != NULL);
    enum ln_status st = ln__pem_decode(block, ln_mspan(data, room), &len);
    CHECK(st == LN_BAD_PEER || (st == LN_OK && len > 0 && len <= room));
    free(data);
}

static void check_block(const struct ln_pem *block, struct ln_span in)
{
    struct ln_pem again;
    struct ln_cursor c = ln__cursor(block->whole);
    CHECK(lies_in(block->whole, in) && lies_in(block->label, block->whole));
    CHECK(lies_in(block->body, block->whole) && lies_in(block->dek_info, block->whole));
    CHECK(lies_in(block->proc_type, block->whole));
    CHECK(block->label.len > 0 && block->label.len <= LN_PEM_LABEL_MAX);
    CHECK(ln__pem_next(&c, &again) == LN_OK && ln__cursor_is_empty(&c));
    CHECK(ln_span_equal(again.body, block->body) && ln_span_equal(again.label, block->label));
    CHECK(ln__pem_is_encrypted(block) == ln__pem_is_encrypted(&again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ln_span in = ln_span(data, size);
    struct ln_cursor c = ln__cursor(in);
    struct ln_pem block;
    size_t left = size;
    size_t blocks = 0;
    enum ln_status st = ln__pem_next(&c, &block);
    for (; st == LN_OK; st = ln__pem_next(&c, &block)) {
        CHECK(ln__cursor_left(&c) < left);
        left = ln__cursor_left(&c);
        check_block(&block, in);
        decode(&block);
        blocks++;
    }
    CHECK(st == LN_NOT_FOUND || st == LN_BAD_PEER);
    CHECK(ln__cursor_left(&c) == left);
    enum ln_form form = ln__pem_form(in);
    CHECK((form == LN_FORM_EMPTY) == (size == 0));
    if (form == LN_FORM_UNKNOWN || form == LN_FORM_EMPTY)
        CHECK(blocks == 0 && st == LN_NOT_FOUND);
    return 0;
}
