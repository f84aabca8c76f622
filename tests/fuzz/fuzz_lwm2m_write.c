/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: Write, Create and Write-Attributes of a registered client: a method, a path and a
 * format of the tables below, then any payload. A request is answered; what is refused changes
 * nothing. */
#include "fuzz/fuzz.h"

#include "fuzz/lwm2m.h"

static const char *const paths[][4] = {
    { "1", "0" },
    { "1", "0", "1" },
    { "1", "0", "7" },
    { "2" },
    { "3", "0" },
    { "3", "0", "14" },
    { "3442" },
    { "3442", "0" },
    { "3442", "0", "110" },
    { "3442", "0", "120" },
    { "3442", "0", "130" },
    { "3442", "0", "150" },
    { "3442", "0", "170" },
    { "3442", "0", "1120" },
    { "3442", "0", "1120", "3" },
    { "3442", "0", "1110" },
    { "3442", "0", "3" },
    { "3441", "0" },
};
static const uint16_t formats[] = { 0, 42, 60, 11542, 40 };
static const uint8_t codes[] = { LN_COAP_PUT, LN_COAP_POST };

/* Everything that a server can see of the instance, as TLV; told apart by its bytes. */
static size_t look(struct fz *z, uint8_t *room, size_t size, uint16_t mid)
{
    uint8_t out[64];
    struct ln_coap_writer w;
    struct ln_span datagram;
    struct ln_coap_msg msg;
    ln_coap_write_udp(&w, ln_mspan(out, sizeof out), LN_COAP_CON, LN_COAP_GET, mid, NULL);
    ln_coap_put_text(&w, LN_COAP_URI_PATH, "3442");
    CHECK(ln_coap_writer_end(&w, &datagram) == LN_OK);
    fz_say(z, datagram);
    CHECK(ln_coap_read_udp(ln_span(z->heard, z->heard_len), &msg) == LN_OK);
    CHECK(msg.code == LN_COAP_CONTENT && msg.payload.len <= size);
    memcpy(room, msg.payload.data, msg.payload.len);
    return msg.payload.len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fz z;
    static uint8_t before[1500];
    static uint8_t after[1500];
    uint8_t room[1200];
    struct ln_coap_writer w;
    struct ln_span datagram;
    struct ln_coap_msg msg;
    if (size < 3 || size > 1000)
        return 0;
    const char *const *path = paths[data[0] % (sizeof paths / sizeof paths[0])];
    uint8_t code = codes[data[1] % 2];
    fz_open(&z);
    fz_register(&z);
    size_t before_len = look(&z, before, sizeof before, 0x100);
    ln_coap_write_udp(&w, ln_mspan(room, sizeof room), LN_COAP_CON, code, 0x200, NULL);
    for (size_t i = 0; i < 4 && path[i] != NULL; i++)
        ln_coap_put_text(&w, LN_COAP_URI_PATH, path[i]);
    ln_coap_put_uint(&w, LN_COAP_CONTENT_FORMAT,
                     formats[data[2] % (sizeof formats / sizeof formats[0])]);
    ln_coap_put_payload(&w, ln_span(data + 3, size - 3));
    CHECK(ln_coap_writer_end(&w, &datagram) == LN_OK);
    fz_say(&z, datagram);
    CHECK(ln_coap_read_udp(ln_span(z.heard, z.heard_len), &msg) == LN_OK);
    bool answered = msg.type == LN_COAP_ACK && msg.mid == 0x200;
    bool refused = answered && msg.code >> 5 >= 4;
    fz_run(&z, 100);
    size_t after_len = look(&z, after, sizeof after, 0x300);
    CHECK(!refused || (after_len == before_len && memcmp(before, after, after_len) == 0));
    fz_close(&z);
    return 0;
}
