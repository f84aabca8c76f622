/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: application/vnd.oma.lwm2m+cbor. See fuzz/payload.h for what must hold. */
#include "fuzz/fuzz.h"

#include "codec/lwm2m_cbor.h"
#include "fuzz/payload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_payload(&ln__format_lwm2m_cbor, data, size);
}
