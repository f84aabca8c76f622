/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TESTS_BENCH_MANAGER_H
#define LN_TESTS_BENCH_MANAGER_H
/**
 * @file manager.h
 * An LwM2M server of one device for server.c: it registers whoever comes, reads one path a number of
 * times, one Read after the other, and then executes /3/0/4, by which the device knows that it is over.
 *
 * For each registration message it prints what went over the wire since the one before, handshake
 * included: "event=register packets_up=N bytes_up=N packets_down=N bytes_down=N"; event: register,
 * update, or read for the first answer.
 */
#include <linnet/coap_msg.h>

#include "bench/common.h"

struct bench_wire {
    unsigned packets_in;
    unsigned packets_out;
    size_t bytes_in;
    size_t bytes_out;
};

struct bench_manager {
    unsigned long reads; /**< how many; 0: none, and no end either */
    const char *path;    /**< "3/0/0" */
    struct bench_wire *wire;
    /** Send one datagram. */
    void (*send)(void *ctx, const uint8_t *data, size_t len);
    void *ctx;
    unsigned long left;
    uint16_t mid;
};

static inline void bench_manager_tell(struct bench_manager *m, const char *event)
{
    char line[160];
    struct bench_wire *w = m->wire;
    int len = snprintf(line, sizeof line,
                       "event=%s packets_up=%u bytes_up=%zu packets_down=%u bytes_down=%zu\n",
                       event, w->packets_in, w->bytes_in, w->packets_out, w->bytes_out);
    memset(w, 0, sizeof *w);
    (void)fwrite(line, 1, (size_t)len, stdout);
    (void)fflush(stdout);
}

static inline void bench_manager_end(struct bench_manager *m, struct ln_coap_writer *w)
{
    struct ln_span bytes;
    bench_need(ln_coap_writer_end(w, &bytes) == LN_OK, "a message of the server");
    m->send(m->ctx, bytes.data, bytes.len);
}

/** Each segment of "3/0/0" is an option of its own. */
static inline void bench_manager_path(struct ln_coap_writer *w, const char *path)
{
    while (*path != '\0') {
        size_t len = strcspn(path, "/");
        ln_coap_put(w, LN_COAP_URI_PATH, ln_span(path, len));
        path += len + (path[len] == '/');
    }
}

/** The next Read, or after the last one the Execute. */
static inline void bench_manager_ask(struct bench_manager *m)
{
    uint8_t room[64];
    struct ln_coap_writer w;
    struct ln_coap_token token = { .len = 8, .data = { 'm', 'a', 'n', 'a', 'g', 'e' } };
    uint16_t mid = ++m->mid;
    token.data[6] = (uint8_t)(mid >> 8);
    token.data[7] = (uint8_t)mid;
    bool read = m->left > 0;
    ln_coap_write_udp(&w, ln_mspan(room, sizeof room), LN_COAP_CON,
                      read ? LN_COAP_GET : LN_COAP_POST, mid, &token);
    bench_manager_path(&w, read ? m->path : "3/0/4");
    bench_manager_end(m, &w);
}

static inline void bench_manager_answer(struct bench_manager *m, const struct ln_coap_msg *msg)
{
    uint8_t room[64];
    struct ln_coap_writer w;
    struct ln_coap_iter it = ln_coap_options(msg->options);
    struct ln_span segment;
    unsigned segments = 0;
    while (ln_coap_next_of(&it, LN_COAP_URI_PATH, &segment))
        segments++;
    bool registers = msg->code == LN_COAP_POST && segments == 1;
    uint8_t code = registers ? LN_COAP_CREATED : LN_COAP_CHANGED;
    if (msg->code == LN_COAP_DELETE)
        code = LN_COAP_DELETED;
    ln_coap_write_udp(&w, ln_mspan(room, sizeof room), LN_COAP_ACK, code, msg->mid, &msg->token);
    if (registers) {
        ln_coap_put_text(&w, LN_COAP_LOCATION_PATH, "rd");
        ln_coap_put_text(&w, LN_COAP_LOCATION_PATH, "5a3f");
    }
    bench_manager_end(m, &w);
    if (msg->code == LN_COAP_DELETE)
        return;
    bench_manager_tell(m, registers ? "register" : "update");
    m->left = m->reads;
    if (registers && m->reads > 0)
        bench_manager_ask(m);
}

/** A datagram of the device. */
static inline void bench_manager_receive(struct bench_manager *m, const uint8_t *data, size_t len)
{
    struct ln_coap_msg msg;
    bench_need(ln_coap_read_udp(ln_span(data, len), &msg) == LN_OK, "a malformed message");
    if (ln_coap_is_request(msg.code)) {
        bench_manager_answer(m, &msg);
        return;
    }
    if (msg.mid != m->mid || m->left == 0)
        return; /* that was the Execute */
    bench_need(msg.type == LN_COAP_ACK && msg.code == LN_COAP_CONTENT && msg.payload.len > 0,
               "a Read was not answered");
    if (m->left == m->reads)
        bench_manager_tell(m, "read");
    m->left--;
    bench_manager_ask(m);
}

#endif
