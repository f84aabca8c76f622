/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: the answer to Register. Its first byte is the code, the rest options and payload; the
 * client is registered only by 2.01 with a Location, and then its Update goes out. */
#include "fuzz/fuzz.h"

#include "fuzz/lwm2m.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fz z;
    uint8_t answer[1200];
    struct ln_coap_msg msg;
    if (size < 1 || size > 1100)
        return 0;
    fz_open(&z);
    CHECK(ln_coap_read_udp(ln_span(z.heard, z.heard_len), &msg) == LN_OK);
    answer[0] = (uint8_t)(0x60 | msg.token.len); /* an acknowledgement */
    answer[1] = data[0];
    answer[2] = (uint8_t)(msg.mid >> 8);
    answer[3] = (uint8_t)msg.mid;
    memcpy(answer + 4, msg.token.data, msg.token.len);
    memcpy(answer + 4 + msg.token.len, data + 1, size - 1);
    fz_say(&z, ln_span(answer, 4 + msg.token.len + size - 1));
    CHECK(!fz_is_registered(&z) || data[0] == LN_COAP_CREATED);
    if (fz_is_registered(&z)) {
        CHECK(ln_client_update(z.client, 1) == LN_OK);
        fz_run(&z, 20);
        CHECK(ln_coap_read_udp(ln_span(z.heard, z.heard_len), &msg) == LN_OK);
        CHECK(msg.code == LN_COAP_POST && (msg.has & LN_COAP_HAS_URI_PATH) != 0);
    }
    fz_run(&z, 200);
    fz_close(&z);
    return 0;
}
