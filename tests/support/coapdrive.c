/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file coapdrive.c
 * A CoAP client and server on the public API, driven by lines: tests in Python use it against real
 * peers.
 *
 * Each line of standard input is a command and its arguments as words "name=value"; each gets one
 * line "name=value ..." as its answer. The program serves all the time, also while it waits for a
 * command, and ends with its input.
 *
 *   connect kind=udp|dtls|tcp|tls host= port= [psk=IDENTITY:HEXKEY] [ca=PEM] [szx=] [ahead=] [ms=]
 *   request method= path=a/b [query=x&y] [accept=] [text=] [size=] [observe=1] [non=1] [bulk=1]
 *           [unordered=1] [szx=] [option=NUMBER]                              -> id=
 *   wait id= [count=] [ms=]   until the answer (or so many notifications) came
 *                             -> outcome= code= len= right= pieces= count= last= text=
 *   unobserve id=    cancel id=    ping [ms=]    release    info    counters
 *   close            ends the connection
 *   listen kind= [psk=] [chain=PEM key=PEM]                                   -> port=
 *   notify [size=] [con=1]    to whom observes /obs                           -> count=
 *   watch [observers=] [acks=] [ms=]    until so many observe and have acknowledged
 *
 * Bodies of a size are a pattern: byte i is (i * 31 + (i >> 8)) & 255; "right" tells whether what came
 * is that. As a server: /hello, /big (GET: the size in the query), /sink (PUT, POST: answers length
 * and whether the body was right), /obs (observable), /later (answered separately), else 4.04.
 */
#include <linnet/blocking.h>
#include <linnet/coap_link.h>
#include <linnet/tls.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CLIENTS = 8, REQUESTS = 64, LINE = 8192 };

static struct ln_env *env;

static void die(const char *what)
{
    (void)fprintf(stderr, "coapdrive: %s\n", what);
    exit(1);
}

/* ---- the ends ---- */

struct end {
    struct ln_coap_link link; /* first: config.user */
    bool used;
    bool failed;
    bool observed;
    struct ln_coap_token token;
    uint64_t key;
    uint32_t size; /* of what is observed */
    bool deferred;
    struct ln_coap_later later;
    ln_msec later_at;
    uint32_t sink; /* bytes of the body that comes */
    bool sink_right;
    unsigned acknowledged;
    bool ready, released;
};

static struct end client;
static struct end clients[CLIENTS]; /* of the listener */
static struct ln_sock *listener;
static bool listens_to_streams;

static uint8_t pattern(uint32_t i)
{
    return (uint8_t)(i * 31 + (i >> 8));
}

static bool is_right(struct ln_span bytes, uint32_t offset)
{
    for (uint32_t i = 0; i < bytes.len; i++)
        if (bytes.data[i] != pattern(offset + i))
            return false;
    return true;
}

/* The size of the body is what `user` says. */
static enum ln_status read_pattern(void *user, uint32_t offset, struct ln_mspan room, size_t *len,
                                   bool *end)
{
    uint32_t size = (uint32_t)(uintptr_t)user;
    size_t left = offset < size ? size - offset : 0;
    *end = left <= room.len;
    *len = *end ? left : room.len;
    for (uint32_t i = 0; i < *len; i++)
        room.data[i] = pattern(offset + i);
    return LN_OK;
}

static struct ln_coap_source source_of(uint32_t size)
{
    static const uint8_t etag[] = { 0x0e, 0x7a };
    return (struct ln_coap_source) { .read = read_pattern,
                                     .user = (void *)(uintptr_t)size,
                                     .size = size,
                                     .etag = ln_span(etag, sizeof etag),
                                     .any_order = true };
}

/* ---- requests of others ---- */

static bool path_is(const struct ln_coap_msg *msg, const char *name)
{
    struct ln_coap_iter it = ln_coap_options(msg->options);
    struct ln_span first;
    return ln_coap_next_of(&it, LN_COAP_URI_PATH, &first) &&
           ln_span_equal(first, ln_span_str(name)) != 0;
}

static uint32_t query_number(const struct ln_coap_msg *msg)
{
    struct ln_coap_iter it = ln_coap_options(msg->options);
    struct ln_span query = ln_span(NULL, 0);
    uint32_t number = 0;
    (void)ln_coap_next_of(&it, LN_COAP_URI_QUERY, &query);
    for (size_t i = 0; i < query.len && i < 9; i++)
        number = number * 10 + (uint32_t)(query.data[i] - '0');
    return number;
}

static void serve_sink(struct end *e, const struct ln_coap_incoming *in,
                       struct ln_coap_reply *reply)
{
    char text[64];
    if (in->first) {
        e->sink = 0;
        e->sink_right = true;
    }
    e->sink_right =
        e->sink_right && in->offset == e->sink && is_right(in->msg->payload, in->offset);
    e->sink += (uint32_t)in->msg->payload.len;
    if (!in->last) {
        reply->code = LN_COAP_CONTINUE;
        return;
    }
    int n = snprintf(text, sizeof text, "%u bytes, %s", (unsigned)e->sink,
                     e->sink_right ? "right" : "wrong");
    reply->code = LN_COAP_CHANGED;
    ln_coap_put_payload(reply->out, ln_span(text, (size_t)n));
}

static void serve(void *user, const struct ln_coap_incoming *in, struct ln_coap_reply *reply)
{
    struct end *e = user;
    const struct ln_coap_msg *msg = in->msg;
    reply->code = LN_COAP_CONTENT;
    if (path_is(msg, "sink") && (msg->code == LN_COAP_PUT || msg->code == LN_COAP_POST)) {
        serve_sink(e, in, reply);
    } else if (msg->code != LN_COAP_GET) {
        reply->code = LN_COAP_METHOD_NOT_ALLOWED;
    } else if (path_is(msg, "hello")) {
        ln_coap_put_uint(reply->out, LN_COAP_CONTENT_FORMAT, 0);
        ln_coap_put_payload(reply->out, ln_span_str("hello from linnet"));
    } else if (path_is(msg, "big")) {
        reply->source = source_of(query_number(msg));
    } else if (path_is(msg, "obs")) {
        if ((msg->has & LN_COAP_HAS_OBSERVE) != 0) {
            e->observed = msg->observe == 0;
            e->token = msg->token;
            e->key = ln_coap_key(msg);
            reply->observe = e->observed;
        }
        reply->source = source_of(e->size != 0 ? e->size : 10);
    } else if (path_is(msg, "later")) {
        ln_coap_reply_later(reply, in, &e->later);
        e->deferred = true;
        e->later_at = in->now + 300;
    } else {
        ln_coap_reply_text(reply, LN_COAP_NOT_FOUND, "no such resource");
    }
}

static void rejected(void *user, ln_coap_peer peer, const struct ln_coap_token *token)
{
    struct end *e = user;
    (void)peer;
    (void)token;
    e->observed = false;
}

static void event(void *user, enum ln_coap_event what, const struct ln_coap_msg *msg)
{
    struct end *e = user;
    (void)msg;
    e->ready = e->ready || what == LN_COAP_PEER_READY;
    e->released = e->released || what == LN_COAP_PEER_RELEASED;
}

static const struct ln_coap_handler handler = { .request = serve,
                                                .rejected = rejected,
                                                .event = event };

static void acknowledged(void *user, ln_coap_id id, enum ln_coap_outcome outcome, ln_msec now)
{
    struct end *e = user;
    (void)id;
    (void)now;
    if (outcome == LN_COAP_ACKNOWLEDGED)
        e->acknowledged++;
    else if (outcome != LN_COAP_SENT)
        e->observed = false;
}

static void answer_late(struct end *e)
{
    struct ln_coap_answer answer = { .code = LN_COAP_CONTENT,
                                     .payload = ln_span_str("better late") };
    e->deferred = false;
    if (ln_coap_respond(e->link.coap, &e->later, &answer, ln_now(env), NULL, NULL, NULL) != LN_OK)
        die("no deferred answer");
}

/* ---- our requests ---- */

static struct request {
    bool used, over;
    ln_coap_id id;
    enum ln_coap_outcome outcome;
    uint8_t code;
    uint32_t len;
    bool right;
    unsigned pieces;
    unsigned count; /* answers that are complete: notifications */
    uint32_t last_len;
    char text[1024];
} requests[REQUESTS];

static enum ln_coap_verdict on_response(void *user, const struct ln_coap_response *r)
{
    struct request *q = user;
    q->outcome = r->outcome;
    q->over = r->final;
    if (r->outcome != LN_COAP_RESPONSE)
        return LN_COAP_GO;
    q->code = r->msg->code;
    if (r->offset == 0) {
        q->right = true;
        q->text[0] = '\0';
    }
    q->pieces++;
    q->right = q->right && is_right(r->payload, r->offset);
    q->len += (uint32_t)r->payload.len;
    if (r->offset == 0 && r->payload.len < sizeof q->text / 3)
        for (size_t i = 0; i < r->payload.len; i++)
            (void)snprintf(q->text + strlen(q->text), 4, "%%%02x", r->payload.data[i]);
    if (r->last) {
        q->count++;
        q->last_len = q->len;
        q->len = 0;
    }
    return LN_COAP_GO;
}

/* ---- arguments ---- */

static char line[LINE]; /* the command, its words ended by NUL */
static size_t line_len;

/* The value of a word "name=value", or NULL. */
static const char *arg(const char *name)
{
    size_t len = strlen(name);
    for (size_t at = 0; at < line_len; at += strlen(line + at) + 1)
        if (strncmp(line + at, name, len) == 0 && line[at + len] == '=')
            return line + at + len + 1;
    return NULL;
}

static unsigned long number(const char *name, unsigned long otherwise)
{
    const char *value = arg(name);
    return value != NULL ? strtoul(value, NULL, 10) : otherwise;
}

static size_t unhex(const char *text, uint8_t *out, size_t room)
{
    size_t len = strlen(text) / 2;
    for (size_t i = 0; i < len && i < room; i++) {
        const char pair[3] = { text[2 * i], text[2 * i + 1], '\0' };
        out[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return len < room ? len : room;
}

/* ---- making ends ---- */

static enum ln_sock_kind kind_of(void)
{
    static const char *const words[] = { "udp", "tcp", "dtls", "tls" };
    const char *kind = arg("kind");
    for (int i = 0; kind != NULL && i < 4; i++)
        if (strcmp(kind, words[i]) == 0)
            return (enum ln_sock_kind)i;
    die("which kind?");
    return LN_UDP;
}

static struct ln_tls_config *tls_of(enum ln_sock_kind kind)
{
    static const char *const alpn[] = { "coap" }; /* RFC 8323 8.2 */
    struct ln_tls_options options = LN_TLS_OPTIONS_INIT;
    struct ln_tls_config *config = NULL;
    struct ln_diag diag;
    uint8_t key[64];
    ln_diag_clear(&diag);
    if (kind == LN_UDP || kind == LN_TCP)
        return NULL;
    if (arg("psk") != NULL) {
        const char *psk = arg("psk");
        size_t identity = strcspn(psk, ":");
        options.auth = LN_AUTH_PSK;
        options.psk_identity = ln_span(psk, identity);
        options.psk_key = ln_span(key, unhex(psk + identity + 1, key, sizeof key));
    }
    if (arg("ca") != NULL)
        options.trust = ln_source_file(arg("ca"));
    if (arg("chain") != NULL) {
        options.chain = ln_source_file(arg("chain"));
        options.key = ln_source_file(arg("key"));
    }
    if (kind == LN_TLS) {
        options.alpn = alpn;
        options.alpn_count = 1;
    }
    if (ln_tls_config_new(env, kind, &options, &diag, &config) != LN_OK)
        die(diag.text);
    return config;
}

static void make_end(struct end *e, bool stream)
{
    struct ln_coap_config config = {
        .transport = stream ? LN_COAP_OVER_TCP : LN_COAP_OVER_UDP,
        .nstart = { 1, (uint8_t)number("ahead", 1) },
        .block_szx = (uint8_t)number("szx", 0),
        .exchanges = 16,
        .transfers = 8,
        .pool_bytes = 16384,
        .send = ln_coap_link_send,
        .handler = &handler,
        .user = e,
    };
    *e = (struct end) { .used = true };
    if (ln_coap_new(env, &config, NULL, &e->link.coap) != LN_OK)
        die("no endpoint");
}

static void drop_end(struct end *e)
{
    if (!e->used)
        return;
    ln_coap_free(e->link.coap);
    ln_sock_free(e->link.sock);
    *e = (struct end) { .used = false };
}

/* ---- one turn of the loop ---- */

static void step_end(struct end *e)
{
    if (!e->used || e->failed)
        return;
    enum ln_status st = ln_coap_link_step(&e->link, ln_now(env));
    if (st != LN_OK && st != LN_AGAIN) {
        (void)fprintf(stderr, "coapdrive: %s: %s\n", ln_status_name(st),
                      ln_sock_diag(e->link.sock)->text);
        e->failed = true;
        ln_coap_link_closed(&e->link, ln_now(env));
    }
    if (e->deferred && ln_now(env) >= e->later_at)
        answer_late(e);
}

static void accept_one(void)
{
    struct ln_sock *sock = NULL;
    struct end *e = NULL;
    for (size_t i = 0; i < CLIENTS; i++)
        if (!clients[i].used || clients[i].failed)
            e = &clients[i];
    if (listener == NULL || e == NULL || ln_sock_accept(listener, ln_now(env), &sock) != LN_OK)
        return;
    drop_end(e);
    make_end(e, listens_to_streams);
    e->link.sock = sock;
}

static void add_interest(const struct ln_interest *want, struct pollfd *fds, size_t *count,
                         ln_msec *until)
{
    for (size_t i = 0; i < want->count; i++) {
        short events = 0;
        if ((want->wait[i].events & LN_WANT_READ) != 0)
            events |= POLLIN;
        if ((want->wait[i].events & LN_WANT_WRITE) != 0)
            events |= POLLOUT;
        fds[(*count)++] = (struct pollfd) { .fd = (int)want->wait[i].handle, .events = events };
    }
    if (want->ready)
        *until = 0;
    if (want->deadline < *until)
        *until = want->deadline;
}

/* Wait for anything, and do what is due. True if there is input. */
static bool turn(ln_msec until)
{
    struct pollfd fds[1 + (CLIENTS + 2) * LN_WAIT_MAX];
    size_t count = 1;
    fds[0] = (struct pollfd) { .fd = 0, .events = POLLIN };
    struct end *ends[CLIENTS + 1];
    for (size_t i = 0; i < CLIENTS; i++)
        ends[i] = &clients[i];
    ends[CLIENTS] = &client;
    for (size_t i = 0; i <= CLIENTS; i++) {
        if (!ends[i]->used || ends[i]->failed)
            continue;
        struct ln_interest want = ln_interest(0);
        ln_coap_link_interest(&ends[i]->link, &want);
        if (ends[i]->deferred && ends[i]->later_at < until)
            until = ends[i]->later_at;
        add_interest(&want, fds, &count, &until);
    }
    if (listener != NULL) {
        struct ln_interest want = ln_interest(0);
        ln_sock_interest(listener, LN_WANT_READ, &want);
        add_interest(&want, fds, &count, &until);
    }
    ln_msec ms = until == LN_NEVER ? 1000 : until - ln_now(env);
    if (poll(fds, (nfds_t)count, ms < 0 ? 0 : ms > 1000 ? 1000 : (int)ms) < 0 && errno != EINTR)
        die("poll");
    accept_one();
    for (size_t i = 0; i <= CLIENTS; i++)
        step_end(ends[i]);
    return fds[0].revents != 0;
}

/* ---- commands ---- */

static void do_connect(void)
{
    enum ln_sock_kind kind = kind_of();
    struct ln_tls_config *tls = tls_of(kind);
    ln_msec until = ln_now(env) + (ln_msec)number("ms", 10000);
    drop_end(&client);
    make_end(&client, kind == LN_TCP || kind == LN_TLS);
    if (ln_sock_new(env, kind, NULL, tls, NULL, &client.link.sock) != LN_OK)
        die("no socket");
    ln_tls_config_unref(tls);
    enum ln_status st =
        ln_sock_connect(client.link.sock, arg("host"), (uint16_t)number("port", 0), ln_now(env));
    struct ln_sock_info info = { .state = LN_SOCK_CONNECTING };
    while ((st == LN_OK || st == LN_AGAIN) && info.state == LN_SOCK_CONNECTING &&
           ln_now(env) < until && !client.failed) {
        (void)turn(until);
        ln_sock_info(client.link.sock, &info);
    }
    (void)printf("state=%s alpn=%s\n", ln_sock_state_name(info.state),
                 info.tls.alpn != NULL ? info.tls.alpn : "");
}

static uint8_t method_of(void)
{
    const char *name = arg("method");
    for (uint8_t code = 1; code < 8; code++)
        if (name != NULL && strcmp(ln_coap_code_name(code), name) == 0)
            return code;
    die("which method?");
    return 0;
}

/* The words of `text` between separators, as options. */
static void put_words(struct ln_coap_writer *w, uint16_t option, const char *text, const char *cut)
{
    while (text != NULL && *text != '\0') {
        size_t len = strcspn(text, cut);
        ln_coap_put(w, option, ln_span(text, len));
        text += len + (text[len] != '\0');
    }
}

static void do_request(void)
{
    uint8_t room[1024];
    struct ln_coap_writer w;
    size_t slot = 0;
    struct ln_coap_source source = source_of((uint32_t)number("size", 0));
    struct ln_coap_request rq = { .code = method_of(),
                                  .non_confirmable = number("non", 0) != 0,
                                  .class_ = number("bulk", 0) != 0 ? LN_COAP_BULK : LN_COAP_NORMAL,
                                  .observe = number("observe", 0) != 0,
                                  .unordered = number("unordered", 0) != 0,
                                  .szx = (uint8_t)number("szx", 0),
                                  .on_response = on_response };
    while (slot < REQUESTS && requests[slot].used)
        slot++;
    if (slot == REQUESTS)
        die("too many requests");
    ln_coap_write_options(&w, ln_mspan(room, sizeof room));
    put_words(&w, LN_COAP_URI_PATH, arg("path"), "/");
    put_words(&w, LN_COAP_URI_QUERY, arg("query"), "&");
    if (arg("accept") != NULL)
        ln_coap_put_uint(&w, LN_COAP_ACCEPT, (uint32_t)number("accept", 0));
    if (arg("option") != NULL)
        ln_coap_put_uint(&w, (uint16_t)number("option", 0), 1);
    if (ln_coap_writer_end(&w, &rq.options) != LN_OK)
        die("too many options");
    if (arg("size") != NULL)
        rq.source = &source;
    else
        rq.payload = ln_span_str(arg("text"));
    struct request *q = &requests[slot];
    *q = (struct request) { .used = true, .right = true };
    rq.user = q;
    enum ln_status st = ln_coap_request(client.link.coap, &rq, ln_now(env), &q->id);
    q->used = st == LN_OK;
    (void)printf("status=%s id=%zu\n", ln_status_name(st), slot);
}

static void do_wait(void)
{
    struct request *q = &requests[number("id", 0) % REQUESTS];
    unsigned long count = number("count", 0);
    ln_msec until = ln_now(env) + (ln_msec)number("ms", 10000);
    while (!q->over && (count == 0 || q->count < count) && ln_now(env) < until)
        (void)turn(until);
    (void)printf("over=%d outcome=%d code=%u.%02u len=%u right=%d pieces=%u count=%u text=%s\n",
                 q->over, q->outcome, ln_coap_class(q->code), q->code & 31u, (unsigned)q->last_len,
                 q->right, q->pieces, q->count, q->text);
}

static void pong(void *user, ln_coap_id id, enum ln_coap_outcome outcome, ln_msec now)
{
    (void)id;
    (void)now;
    *(int *)user = (int)outcome;
}

static void do_ping(void)
{
    int outcome = -1;
    ln_coap_id id = 0;
    ln_msec until = ln_now(env) + (ln_msec)number("ms", 10000);
    enum ln_status st = ln_coap_ping(client.link.coap, 0, ln_now(env), pong, &outcome, &id);
    while (st == LN_OK && outcome < 0 && ln_now(env) < until)
        (void)turn(until);
    if (outcome < 0)
        ln_coap_cancel(client.link.coap, id);
    (void)printf("status=%s outcome=%d\n", ln_status_name(st), outcome);
}

static void do_listen(void)
{
    enum ln_sock_kind kind = kind_of();
    struct ln_sock_options options = LN_SOCK_OPTIONS_INIT;
    struct ln_tls_config *tls = tls_of(kind);
    struct ln_sock_info info;
    struct ln_addr local;
    options.reuse_addr = true;
    listens_to_streams = kind == LN_TCP || kind == LN_TLS;
    if (ln_sock_new(env, kind, &options, tls, NULL, &listener) != LN_OK ||
        ln_addr_parse("127.0.0.1", 0, &local) != LN_OK || ln_sock_bind(listener, &local) != LN_OK)
        die("cannot listen");
    ln_tls_config_unref(tls);
    ln_sock_info(listener, &info);
    (void)printf("port=%u\n", info.local.port);
}

static void do_notify(void)
{
    unsigned count = 0;
    for (size_t i = 0; i < CLIENTS; i++) {
        struct end *e = &clients[i];
        if (!e->used || e->failed || !e->observed)
            continue;
        e->size = (uint32_t)number("size", 10);
        struct ln_coap_source source = source_of(e->size);
        struct ln_coap_notification n = { .token = e->token,
                                          .key = e->key,
                                          .confirmable = number("con", 0) != 0,
                                          .answer = { .code = LN_COAP_CONTENT, .source = &source },
                                          .done = acknowledged,
                                          .user = e };
        if (ln_coap_notify(e->link.coap, &n, ln_now(env), NULL) == LN_OK)
            count++;
    }
    (void)printf("count=%u\n", count);
}

/* Until so many clients observe, or have acknowledged so many notifications. */
static void do_watch(void)
{
    ln_msec until = ln_now(env) + (ln_msec)number("ms", 10000);
    unsigned observers = 0;
    unsigned acks = 0;
    do {
        (void)turn(ln_now(env) + 20);
        observers = acks = 0;
        for (size_t i = 0; i < CLIENTS; i++) {
            observers += clients[i].used && clients[i].observed;
            acks += clients[i].acknowledged;
        }
    } while (ln_now(env) < until &&
             (observers != number("observers", observers) || acks < number("acks", 0)));
    (void)printf("observers=%u acks=%u\n", observers, acks);
}

static void do_info(void)
{
    struct ln_coap_peer_info info;
    const struct ln_coap_counters *n = ln_coap_counters(client.link.coap);
    ln_coap_peer_info(client.link.coap, &info);
    (void)printf("ready=%d block_wise=%d max_message=%u released=%d failed=%d busy=%d", info.ready,
                 info.block_wise, (unsigned)info.max_message, client.released, client.failed,
                 ln_coap_is_busy(client.link.coap));
#define PRINT_COUNTER(name, text) (void)printf(" %s=%u", #name, (unsigned)n->name);
    LN_COAP_COUNTER_LIST(PRINT_COUNTER)
#undef PRINT_COUNTER
    (void)printf("\n");
}

static void run_command(void)
{
    enum ln_status st = LN_OK;
    size_t slot = number("id", 0) % REQUESTS;
    if (strcmp(line, "connect") == 0) {
        do_connect();
    } else if (strcmp(line, "request") == 0) {
        do_request();
    } else if (strcmp(line, "wait") == 0) {
        do_wait();
    } else if (strcmp(line, "ping") == 0) {
        do_ping();
    } else if (strcmp(line, "listen") == 0) {
        do_listen();
    } else if (strcmp(line, "notify") == 0) {
        do_notify();
    } else if (strcmp(line, "watch") == 0) {
        do_watch();
    } else if (strcmp(line, "info") == 0) {
        do_info();
    } else if (strcmp(line, "unobserve") == 0) {
        st = ln_coap_unobserve(client.link.coap, requests[slot].id, ln_now(env));
        (void)printf("status=%s\n", ln_status_name(st));
    } else if (strcmp(line, "cancel") == 0) {
        ln_coap_cancel(client.link.coap, requests[slot].id);
        (void)printf("status=LN_OK\n");
    } else if (strcmp(line, "release") == 0) {
        st = ln_coap_release(client.link.coap, ln_now(env));
        (void)printf("status=%s\n", ln_status_name(st));
    } else if (strcmp(line, "close") == 0) {
        ln_coap_link_closed(&client.link, ln_now(env));
        client.failed = true;
        (void)printf("status=LN_OK\n");
    } else {
        (void)printf("error=unknown\n");
    }
    (void)fflush(stdout);
}

/* ---- input ---- */

static char input[LINE];
static size_t input_len;

/* Commands that are whole; false at the end of the input. */
static bool read_commands(void)
{
    ssize_t got = read(0, input + input_len, sizeof input - input_len);
    if (got <= 0)
        return false;
    input_len += (size_t)got;
    for (;;) {
        char *end = memchr(input, '\n', input_len);
        if (end == NULL)
            return input_len < sizeof input;
        line_len = (size_t)(end - input);
        memcpy(line, input, line_len);
        line[line_len] = '\0';
        input_len -= line_len + 1;
        memmove(input, end + 1, input_len);
        for (size_t i = 0; i < line_len; i++)
            if (line[i] == ' ')
                line[i] = '\0';
        run_command();
    }
}

int main(void)
{
    if (ln_env_posix_new(&env) != LN_OK)
        return 1;
    while (!turn(LN_NEVER) || read_commands())
        ;
    drop_end(&client);
    for (size_t i = 0; i < CLIENTS; i++)
        drop_end(&clients[i]);
    ln_sock_free(listener);
    ln_env_posix_free(env);
    return 0;
}
