/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: CoAP over TCP (src/coap/tcp.c). Behind a CSM comes what the input says, once at a
 * stretch and once in pieces whose lengths the input says, too: what is sent, what the handler is
 * told, and how it ends must be the same. */
#include "fuzz/fuzz.h"

#include <linnet/coap.h>

#include "fuzz/check.h"

enum { ROOM = 1 << 17 };

struct run {
    struct ln_coap *coap;
    struct ln_env env;
    uint8_t seen[ROOM]; /* all that was sent and told */
    size_t len;
};

static void note(struct run *r, const void *bytes, size_t len)
{
    if (len > 0 && len <= ROOM - r->len) {
        memcpy(r->seen + r->len, bytes, len);
        r->len += len;
    }
}

static void *resize(void *ctx, void *block, size_t size)
{
    (void)ctx;
    if (size > 0)
        return realloc(block, size);
    free(block);
    return NULL;
}

static enum ln_status fill(void *ctx, struct ln_mspan room)
{
    (void)ctx;
    memset(room.data, 0x5a, room.len);
    return LN_OK;
}

static enum ln_status send_out(void *user, ln_coap_peer peer, struct ln_span data, size_t *sent)
{
    CHECK(peer == 0);
    note(user, data.data, data.len);
    *sent = data.len;
    return LN_OK;
}

static void request(void *user, const struct ln_coap_incoming *in, struct ln_coap_reply *reply)
{
    note(user, &in->msg->code, 1);
    note(user, in->msg->payload.data, in->msg->payload.len);
    reply->code = in->last ? LN_COAP_CONTENT : LN_COAP_CONTINUE;
    if (in->last)
        ln_coap_put_payload(reply->out, in->msg->payload);
}

static void event(void *user, enum ln_coap_event what, const struct ln_coap_msg *msg)
{
    uint8_t byte = (uint8_t)what;
    CHECK(msg != NULL);
    note(user, &byte, 1);
}

/* Play the stream in pieces; `cuts` empty: as large as is taken. */
static enum ln_status play(struct run *r, struct ln_span stream, struct ln_span cuts)
{
    static const struct ln_coap_handler handler = { .request = request, .event = event };
    static const uint8_t csm[] = { 0x00, LN_COAP_CSM };
    struct ln_coap_config config = {
        .transport = LN_COAP_OVER_TCP, .send = send_out, .handler = &handler, .user = r
    };
    memset(r, 0, sizeof *r);
    r->env.alloc.resize = resize;
    r->env.random.fill = fill;
    CHECK(ln_coap_new(&r->env, &config, NULL, &r->coap) == LN_OK);
    CHECK(ln_coap_start(r->coap, 0) == LN_OK);
    enum ln_status st = ln_coap_receive(r->coap, 0, ln_span(csm, sizeof csm), 0);
    for (size_t at = 0, cut = 0; at < stream.len && st == LN_OK; cut++) {
        size_t len = cuts.len > 0 ? 1u + cuts.data[cut % cuts.len] : stream.len;
        size_t most = ln_coap_receive_room(r->coap);
        CHECK(most > 0); /* the socket takes everything */
        len = len < stream.len - at ? len : stream.len - at;
        len = len < most ? len : most;
        uint8_t *copy = malloc(len); /* of just this length */
        CHECK(copy != NULL);
        memcpy(copy, stream.data + at, len);
        st = ln_coap_receive(r->coap, 0, ln_span(copy, len), 0);
        free(copy);
        CHECK(st == LN_OK || st == LN_BAD_PEER || st == LN_CLOSED);
        at += len;
    }
    ln_coap_free(r->coap);
    return st;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct run whole;
    static struct run cut;
    if (size < 2)
        return 0;
    size_t cuts = data[0] % 16 + 1u;
    if (cuts + 1 > size)
        cuts = size - 1;
    struct ln_span stream = ln_span(data + 1 + cuts, size - 1 - cuts);
    enum ln_status st = play(&whole, stream, ln_span(NULL, 0));
    CHECK(play(&cut, stream, ln_span(data + 1, cuts)) == st);
    CHECK(whole.len == cut.len && memcmp(whole.seen, cut.seen, cut.len) == 0);
    return 0;
}
