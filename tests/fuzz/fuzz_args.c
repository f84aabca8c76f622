/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: src/codec/args.c. What is accepted adds up to the input again. */
#include "fuzz/fuzz.h"

#include "fuzz/check.h"

#include <linnet/args.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ln_span in = ln_span(data, size);
    struct ln_args args = { .present = 0xffff };
    enum ln_status st = ln_args_read(in, &args);
    CHECK(st == LN_OK || st == LN_BAD_PEER);
    if (st != LN_OK) {
        CHECK(args.present == 0xffff);
        return 0;
    }
    size_t len = 0;
    for (unsigned n = 0; n < LN_ARGS_MAX; n++) {
        if (!ln_args_has(&args, n)) {
            CHECK(!ln_args_has_value(&args, n) && args.value[n].len == 0);
            continue;
        }
        CHECK(lies_in(args.value[n], in));
        len += (len > 0 ? 1u : 0u) + 1;                                 /* a comma, the digit */
        len += ln_args_has_value(&args, n) ? args.value[n].len + 3 : 0; /* =, two quotes */
    }
    CHECK(len == size);
    return 0;
}
