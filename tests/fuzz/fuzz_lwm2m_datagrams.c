/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: src/lwm2m behind src/coap. The server of a registered client sends any datagrams: each
 * is one byte of length and so many bytes. Nothing breaks, and the client goes on. */
#include "fuzz/fuzz.h"

#include "fuzz/lwm2m.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fz z;
    fz_open(&z);
    fz_register(&z);
    for (unsigned n = 0; size > 0 && n < 16; n++) {
        size_t len = data[0] < size - 1 ? data[0] : size - 1;
        fz_say(&z, ln_span(data + 1, len));
        data += 1 + len;
        size -= 1 + len;
    }
    fz_close(&z);
    return 0;
}
