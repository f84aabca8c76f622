/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: src/codec/decimal.c. The C library is the judge of doubles. */
#include "fuzz/fuzz.h"

#include "codec/decimal.h"
#include "codec/ieee.h"
#include "fuzz/check.h"

/* The double of eight bytes is written so that both read it again. */
static void write_double(const uint8_t *data)
{
    uint64_t bits = 0;
    char text[LN_DECIMAL_ROOM + 1];
    struct ln_decimal d;
    double again = 0;
    memcpy(&bits, data, sizeof bits);
    double value = ln__ieee_from64(bits);
    if (!ln__ieee_is_finite(value))
        return;
    size_t len = ln__decimal_write_double(value, text);
    CHECK(len < sizeof text);
    text[len] = '\0';
    CHECK(ln__ieee_bits64(strtod(text, NULL)) == bits);
    CHECK(ln__decimal_read(ln_span(text, len), LN_DECIMAL_JSON, &d) == LN_OK);
    CHECK(ln__decimal_to_double(&d, &again) == LN_OK && ln__ieee_bits64(again) == bits);
}

static void read_text(struct ln_span in)
{
    static const enum ln_decimal_style styles[] = { LN_DECIMAL_INTEGER, LN_DECIMAL_COMPLETE,
                                                    LN_DECIMAL_JSON };
    struct ln_decimal d;
    struct ln_decimal other;
    double value = 0;
    if (ln__decimal_read(in, LN_DECIMAL_FLOAT, &d) != LN_OK) {
        for (size_t i = 0; i < 3; i++) /* FLOAT takes all that the others take */
            CHECK(ln__decimal_read(in, styles[i], &other) == LN_BAD_PEER);
        return;
    }
    char *text = malloc(in.len + 1);
    CHECK(text != NULL);
    memcpy(text, in.data, in.len);
    text[in.len] = '\0';
    double want = strtod(text, NULL);
    enum ln_status st = ln__decimal_to_double(&d, &value);
    CHECK((st == LN_OK) == ln__ieee_is_finite(want));
    CHECK(st != LN_OK || ln__ieee_bits64(value) == ln__ieee_bits64(want));
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_text(ln_span(data, size));
    if (size >= 8)
        write_double(data);
    return 0;
}
