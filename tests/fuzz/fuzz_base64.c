/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: src/codec/base64.c. Each text that is accepted is the one text of its bytes. */
#include "fuzz/fuzz.h"

#include "codec/base64.h"
#include "fuzz/check.h"

/* A block of its own, so that a byte too many is seen. */
static struct ln_mspan room_of(size_t len)
{
    uint8_t *data = malloc(len > 0 ? len : 1);
    CHECK(data != NULL);
    return ln_mspan(data, len);
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The same digit in the alphabet of section 4. */
static uint8_t standard(uint8_t c)
{
    if (c == '-')
        return '+';
    return c == '_' ? '/' : c;
}

static void check_is_text_of(struct ln_span text, enum ln_base64_form form, struct ln_span bytes)
{
    struct ln_mspan again = room_of(ln__base64_encoded_len(bytes.len));
    size_t len = 0;
    CHECK(ln__base64_encode(bytes, again, &len) == LN_OK && len == again.len);
    size_t at = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_space(text.data[i])) {
            CHECK(at < len && again.data[at] == standard(text.data[i]));
            at++;
        }
    }
    if (form == LN_BASE64_ANY && at < len) /* without its padding */
        CHECK(again.data[at] == '=' && ln__base64url_encoded_len(bytes.len) == at);
    else
        CHECK(at == len);
    free(again.data);
}

static void decode(struct ln_span text, enum ln_base64_form form)
{
    size_t need = 0;
    enum ln_status st = ln__base64_decode(text, form, ln_mspan(NULL, 0), &need);
    CHECK(st == LN_OK || st == LN_NO_SPACE || st == LN_BAD_PEER);
    if (st == LN_BAD_PEER)
        return;
    CHECK(need <= ln__base64_decoded_max(text.len) && (st == LN_OK) == (need == 0));
    struct ln_mspan room = room_of(need);
    size_t len = 0;
    CHECK(ln__base64_decode(text, form, room, &len) == LN_OK && len == need);
    check_is_text_of(text, form, ln_span(room.data, len));
    free(room.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ln_span in = ln_span(data, size);
    decode(in, LN_BASE64_NO_SPACE);
    decode(in, LN_BASE64_WRAPPED);
    decode(in, LN_BASE64_ANY);
    struct ln_mspan text = room_of(ln__base64_encoded_len(size));
    size_t len = 0;
    CHECK(ln__base64_encode(in, text, &len) == LN_OK);
    decode(ln_span(text.data, len), LN_BASE64_NO_SPACE);
    free(text.data);
    return 0;
}
