/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: agent/store.c. What is whole lies within the file; the last 32 bytes decide. */
#include "fuzz/fuzz.h"

#include "agent/store.h"
#include "fuzz/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ln_env *env;
    struct ln_span record = ln_span(NULL, 0);
    uint64_t number = 7;
    if (env == NULL)
        CHECK(ln_env_posix_new(&env) == LN_OK);
    if (store_read(env, ln_span(data, size), &number, &record) != LN_OK) {
        CHECK(number == 7 && record.data == NULL);
        return 0;
    }
    CHECK(record.data >= data && record.data + record.len <= data + size);
    CHECK(record.len <= STORE_RECORD_MAX);
    return 0;
}
