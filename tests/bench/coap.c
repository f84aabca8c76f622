/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file coap.c
 * What a CoAP endpoint costs, without a socket: scripts/bench counts the instructions of runs of
 * different length, so that neither the start nor the end counts.
 *
 * usage: bench_coap ACTION COUNT
 *   serve      COUNT confirmable GETs come and are answered in their ACK
 *   ask        COUNT confirmable GETs of ours are answered in their ACK
 *   notify     COUNT confirmable notifications are acknowledged
 *   download   COUNT blocks of 1,024 bytes are fetched, one at a time
 *   ahead      the same, four at a time, in order
 *   upload     COUNT blocks of 1,024 bytes are sent
 *   produce    COUNT blocks of 1,024 bytes are given out, from a source
 *   consume    COUNT blocks of 1,024 bytes come
 *   bytes      prints what endpoints take
 */
#include <linnet/coap.h>
#include <stdio.h>
#include <stdlib.h>

static struct {
    struct ln_env env;
    struct ln_coap *coap;
    size_t allocated;
    uint64_t dice;
    ln_msec now;
    uint8_t sent[8][LN_COAP_MESSAGE_MAX]; /* the last messages of the endpoint */
    size_t sent_len[8];
    size_t sent_count;
    uint32_t blocks; /* of the body under way */
    uint64_t got;
    bool done;
} bench;

static void need(bool truth, const char *what)
{
    if (truth)
        return;
    (void)fprintf(stderr, "bench_coap: %s\n", what);
    exit(1);
}

/* ---- the environment ---- */

static void *resize(void *ctx, void *block, size_t size)
{
    (void)ctx;
    if (size == 0) {
        free(block);
        return NULL;
    }
    bench.allocated += size;
    return realloc(block, size);
}

static enum ln_status fill(void *ctx, struct ln_mspan room)
{
    (void)ctx;
    for (size_t i = 0; i < room.len; i++) {
        bench.dice = bench.dice * 6364136223846793005u + 1442695040888963407u;
        room.data[i] = (uint8_t)(bench.dice >> 40);
    }
    return LN_OK;
}

static enum ln_status keep(void *user, ln_coap_peer peer, struct ln_span data, size_t *sent)
{
    size_t slot = bench.sent_count++ % 8;
    (void)user;
    (void)peer;
    memcpy(bench.sent[slot], data.data, data.len);
    bench.sent_len[slot] = data.len;
    *sent = data.len;
    return LN_OK;
}

/* ---- what the program around it does ---- */

static enum ln_status read_block(void *user, uint32_t offset, struct ln_mspan room, size_t *len,
                                 bool *end)
{
    (void)user;
    memset(room.data, (int)offset, room.len);
    *len = room.len;
    *end = offset / 1024 + 1 >= bench.blocks;
    return LN_OK;
}

/* As the LwM2M client does for a Read: three segments, one value. */
static void request(void *user, const struct ln_coap_incoming *in, struct ln_coap_reply *reply)
{
    struct ln_coap_iter it = ln_coap_options(in->msg->options);
    struct ln_span segment;
    unsigned path = 0;
    (void)user;
    while (ln_coap_next_of(&it, LN_COAP_URI_PATH, &segment))
        path = path * 10 + (segment.data[0] - '0');
    bench.got += in->msg->payload.len;
    if (in->msg->code == LN_COAP_PUT) {
        reply->code = in->last ? LN_COAP_CHANGED : LN_COAP_CONTINUE;
        return;
    }
    reply->code = LN_COAP_CONTENT;
    ln_coap_put_uint(reply->out, LN_COAP_CONTENT_FORMAT, 0);
    if (bench.blocks > 0)
        reply->source =
            (struct ln_coap_source) { .read = read_block, .size = LN_COAP_SIZE_UNKNOWN };
    else
        ln_coap_put_payload(reply->out, ln_span("Linnet", path > 0 ? 6 : 5));
}

static enum ln_coap_verdict on_response(void *user, const struct ln_coap_response *r)
{
    (void)user;
    need(r->outcome == LN_COAP_RESPONSE, ln_coap_outcome_text(r->outcome));
    bench.got += r->payload.len;
    bench.done = r->final;
    return LN_COAP_GO;
}

static void on_done(void *user, ln_coap_id id, enum ln_coap_outcome outcome, ln_msec now)
{
    (void)user, (void)id, (void)now;
    if (outcome == LN_COAP_SENT)
        return;
    need(outcome == LN_COAP_ACKNOWLEDGED, "a notification was not acknowledged");
    bench.done = true;
}

static void make(enum ln_coap_transport transport, uint8_t ahead, uint8_t exchanges)
{
    static const struct ln_coap_handler handler = { .request = request };
    struct ln_coap_config config = { .transport = transport,
                                     .nstart = { 1, ahead },
                                     .exchanges = exchanges,
                                     .send = keep,
                                     .handler = &handler };
    bench.env.alloc.resize = resize;
    bench.env.random.fill = fill;
    need(ln_coap_new(&bench.env, &config, NULL, &bench.coap) == LN_OK, "no endpoint");
}

static void receive(struct ln_span bytes)
{
    need(ln_coap_receive(bench.coap, 0, bytes, bench.now) == LN_OK, "not received");
}

/* ---- the actions ---- */

/* A request of the peer whose message is made once; only its id changes. */
static void ask_endpoint(struct ln_span message, uint8_t *bytes, uint16_t mid)
{
    size_t before = bench.sent_count;
    bytes[2] = (uint8_t)(mid >> 8);
    bytes[3] = (uint8_t)mid;
    receive(message);
    need(bench.sent_count == before + 1, "no answer");
    (void)ln_coap_deadline(bench.coap); /* as every loop does */
}

static const struct ln_coap_token token = { .len = 4, .data = { 1, 2, 3, 4 } };

static void serve(unsigned long count)
{
    uint8_t room[64];
    struct ln_coap_writer w;
    struct ln_span message;
    ln_coap_write_udp(&w, ln_mspan(room, sizeof room), LN_COAP_CON, LN_COAP_GET, 0, &token);
    ln_coap_put_text(&w, LN_COAP_URI_PATH, "3");
    ln_coap_put_text(&w, LN_COAP_URI_PATH, "0");
    ln_coap_put_text(&w, LN_COAP_URI_PATH, "0");
    need(ln_coap_writer_end(&w, &message) == LN_OK, "no message");
    for (unsigned long i = 0; i < count; i++)
        ask_endpoint(message, room, (uint16_t)i);
}

/* Blocks of a body, out or in: what the peer sends is made anew for each, which costs little. */
static void serve_blocks(unsigned long count, bool out)
{
    static uint8_t room[1200];
    static const uint8_t payload[1024];
    bench.blocks = (uint32_t)count;
    for (uint32_t num = 0; num < count; num++) {
        struct ln_coap_writer w;
        struct ln_span message;
        struct ln_coap_block block = { .num = num, .szx = 6, .more = !out && num + 1 < count };
        ln_coap_write_udp(&w, ln_mspan(room, sizeof room), LN_COAP_CON,
                          out ? LN_COAP_GET : LN_COAP_PUT, 0, &token);
        ln_coap_put_text(&w, LN_COAP_URI_PATH, "5");
        ln_coap_put_block(&w, out ? LN_COAP_BLOCK2 : LN_COAP_BLOCK1, block);
        if (!out)
            ln_coap_put_payload(&w, ln_span(payload, sizeof payload));
        need(ln_coap_writer_end(&w, &message) == LN_OK, "no message");
        ask_endpoint(message, room, (uint16_t)num);
    }
}

/* Answer what the endpoint sent in slot `slot`, with a block of `count` if it asks for one. */
static void answer(size_t slot, unsigned long count)
{
    static uint8_t room[1200];
    static const uint8_t payload[1024];
    struct ln_coap_msg m;
    struct ln_coap_writer w;
    struct ln_span message;
    need(ln_coap_read_udp(ln_span(bench.sent[slot % 8], bench.sent_len[slot % 8]), &m) == LN_OK,
         "malformed");
    bool put = m.code == LN_COAP_PUT;
    uint8_t code = put ? (m.block1.more ? LN_COAP_CONTINUE : LN_COAP_CHANGED) : LN_COAP_CONTENT;
    ln_coap_write_udp(&w, ln_mspan(room, sizeof room), LN_COAP_ACK, code, m.mid, &m.token);
    if (put)
        ln_coap_put_block(&w, LN_COAP_BLOCK1, m.block1);
    if (!put && count > 0) {
        m.block2.szx = 6;
        m.block2.more = m.block2.num + 1 < count;
        ln_coap_put_block(&w, LN_COAP_BLOCK2, m.block2);
        ln_coap_put_payload(&w, ln_span(payload, sizeof payload));
    }
    need(ln_coap_writer_end(&w, &message) == LN_OK, "no message");
    receive(message);
    (void)ln_coap_deadline(bench.coap);
}

static struct ln_span path_option(const char *path, uint8_t *room, size_t len)
{
    struct ln_coap_writer w;
    struct ln_span options;
    ln_coap_write_options(&w, ln_mspan(room, len));
    ln_coap_put_text(&w, LN_COAP_URI_PATH, path);
    need(ln_coap_writer_end(&w, &options) == LN_OK, "no options");
    return options;
}

static void ask(unsigned long count)
{
    for (unsigned long i = 0; i < count; i++) {
        uint8_t room[16];
        struct ln_coap_request rq = { .code = LN_COAP_GET,
                                      .options = path_option("x", room, sizeof room),
                                      .on_response = on_response };
        need(ln_coap_request(bench.coap, &rq, bench.now, NULL) == LN_OK, "not asked");
        answer(bench.sent_count - 1, 0);
        need(bench.done, "not answered");
    }
}

static void transfer(unsigned long count, bool put, bool bulk)
{
    uint8_t room[16];
    struct ln_coap_source source = { .read = read_block, .size = LN_COAP_SIZE_UNKNOWN };
    struct ln_coap_request rq = { .code = put ? LN_COAP_PUT : LN_COAP_GET,
                                  .options = path_option("x", room, sizeof room),
                                  .class_ = bulk ? LN_COAP_BULK : LN_COAP_NORMAL,
                                  .source = put ? &source : NULL,
                                  .on_response = on_response };
    bench.blocks = (uint32_t)count;
    need(ln_coap_request(bench.coap, &rq, bench.now, NULL) == LN_OK, "not asked");
    for (size_t slot = 0; !bench.done; slot++) {
        need(slot < bench.sent_count, "nothing was sent");
        answer(slot, put ? 0 : count);
    }
    need(put || bench.got == count * 1024, "not all came");
}

static void notify(unsigned long count)
{
    struct ln_coap_notification n = { .token = token,
                                      .confirmable = true,
                                      .answer = { .code = LN_COAP_CONTENT,
                                                  .payload = ln_span("21.5", 4) },
                                      .done = on_done };
    for (unsigned long i = 0; i < count; i++) {
        need(ln_coap_notify(bench.coap, &n, bench.now, NULL) == LN_OK, "not sent");
        uint8_t ack[4] = { 0x60 };
        memcpy(ack + 2, bench.sent[(bench.sent_count - 1) % 8] + 2, 2);
        bench.done = false;
        receive(ln_span(ack, sizeof ack));
        (void)ln_coap_deadline(bench.coap);
        need(bench.done, "not done");
    }
}

static void bytes(void)
{
    size_t udp = 0;
    make(LN_COAP_OVER_UDP, 1, 0);
    udp = bench.allocated;
    ln_coap_free(bench.coap);
    bench.coap = NULL;
    bench.allocated = 0;
    make(LN_COAP_OVER_TCP, 1, 0);
    (void)printf("udp=%zu tcp=%zu\n", udp, bench.allocated);
}

int main(int argc, char **argv)
{
    const char *action = argc > 1 ? argv[1] : "";
    unsigned long count = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    bool ahead = strcmp(action, "ahead") == 0;
    if (strcmp(action, "bytes") == 0) {
        bytes();
        ln_coap_free(bench.coap);
        return 0;
    }
    /* fewer than 16,384 message ids at once are never held back (RFC 7252 4.4) */
    need(count > 0 && count < 16384, "usage: bench_coap ACTION COUNT");
    make(LN_COAP_OVER_UDP, ahead ? 4 : 1, ahead ? 8 : 0);
    if (strcmp(action, "serve") == 0)
        serve(count);
    else if (strcmp(action, "ask") == 0)
        ask(count);
    else if (strcmp(action, "notify") == 0)
        notify(count);
    else if (strcmp(action, "produce") == 0 || strcmp(action, "consume") == 0)
        serve_blocks(count, action[0] == 'p');
    else if (ahead || strcmp(action, "download") == 0 || strcmp(action, "upload") == 0)
        transfer(count, action[0] == 'u', action[0] != 'u');
    else
        need(false, "unknown action");
    ln_coap_free(bench.coap);
    return 0;
}
