/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: SenML in JSON. See fuzz/payload.h for what must hold. */
#include "fuzz/fuzz.h"

#include "codec/senml.h"
#include "fuzz/payload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_payload(&ln__format_senml_json, data, size);
}
