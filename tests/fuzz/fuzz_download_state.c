/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: src/download/record.c. What is accepted makes sense, and is written as it was read. */
#include "fuzz/fuzz.h"

#include "download/download.h"
#include "fuzz/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ln__download_record r = { .restarts = 7 };
    uint8_t out[LN_DOWNLOAD_STATE_MAX];
    enum ln_status st = ln__download_record_read(ln_span(data, size), &r);
    CHECK(st == LN_OK || st == LN_BAD_PEER);
    if (st != LN_OK) {
        CHECK(r.restarts == 7 && r.points == 0);
        return 0;
    }
    CHECK(r.points <= LN__POINTS && (r.total == LN__UNKNOWN || r.total <= (uint64_t)INT64_MAX));
    CHECK((r.validator.kind == LN__NO_VALIDATOR) == (r.validator.len == 0));
    for (size_t i = 0; i < r.points; i++) {
        CHECK(r.point[i].offset > (i > 0 ? r.point[i - 1].offset : 0));
        CHECK(r.point[i].offset <= r.total);
    }
    CHECK(size <= sizeof out);
    CHECK(ln__download_record_write(&r, out) == size);
    CHECK(memcmp(out, data, size) == 0);
    return 0;
}
