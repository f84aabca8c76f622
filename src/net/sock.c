/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file sock.c
 * The core of every socket: states, order and counters of a stack of filters.
 *
 * States:  one table says which call is legal in which state. A filter sees legal calls only.
 * Order:   connect and step go from the bottom to the top, shutdown and close from the top to the
 *          bottom, info from the bottom, interest from the top.
 * Failure: a connect that fails makes the stack FAILED. So does a failure of send, recv or step, with
 *          the exceptions in `endings`. Whoever fails without a diagnosis gets one here.
 * Host:    one copy for the stack. Every filter has the pointer; close() of the top frees it.
 * Diag:    one record for the stack, in the same block as its bottom. While a stack connects, nobody
 *          but the filters writes it; afterwards each call of the user starts with an empty one, so
 *          that an ICMP error which the socket outlived does not hide what fails later.
 * Cost:    send and recv of an open socket are one look at the table and two counters; what is not
 *          the ordinary case is out of line.
 */
#include <linnet/filter.h>

#include "base/try.h"

/* ---- what is legal when ---- */

enum call {
    CALL_CONNECT,
    CALL_BIND,
    CALL_ACCEPT,
    CALL_STEP,
    CALL_SEND,
    CALL_RECV,
    CALL_SEND_TO,
    CALL_RECV_FROM,
    CALL_SHUTDOWN,
};

#define MAY(call) (1u << CALL_##call)

static const uint16_t legal[] = {
    [LN_SOCK_CLOSED] = MAY(CONNECT) | MAY(BIND) | MAY(STEP),
    /* connect: datagrams only, see ln_sock_connect() */
    [LN_SOCK_BOUND] = MAY(CONNECT) | MAY(ACCEPT) | MAY(SEND_TO) | MAY(RECV_FROM) | MAY(STEP),
    [LN_SOCK_CONNECTING] = MAY(STEP),
    [LN_SOCK_OPEN] =
        MAY(SEND) | MAY(RECV) | MAY(SEND_TO) | MAY(RECV_FROM) | MAY(SHUTDOWN) | MAY(STEP),
    [LN_SOCK_SHUT] = MAY(RECV) | MAY(STEP),
    [LN_SOCK_FAILED] = MAY(STEP), /* which tells the failure again */
};

static const char *const call_names[] = {
    [CALL_CONNECT] = "connect", [CALL_BIND] = "bind",           [CALL_ACCEPT] = "accept",
    [CALL_STEP] = "step",       [CALL_SEND] = "send",           [CALL_RECV] = "recv",
    [CALL_SEND_TO] = "send_to", [CALL_RECV_FROM] = "recv_from", [CALL_SHUTDOWN] = "shutdown",
};

static const char *const state_names[] = {
    [LN_SOCK_CLOSED] = "closed", [LN_SOCK_BOUND] = "bound", [LN_SOCK_CONNECTING] = "connecting",
    [LN_SOCK_OPEN] = "open",     [LN_SOCK_SHUT] = "shut",   [LN_SOCK_FAILED] = "failed",
};

const char *ln_sock_state_name(enum ln_sock_state state)
{
    return (size_t)state < sizeof state_names / sizeof state_names[0] ? state_names[state]
                                                                      : "unknown";
}

static inline bool may(const struct ln_sock *s, enum call call)
{
    return ((unsigned)legal[s->state] >> call & 1u) != 0;
}

/* While a stack connects, its record belongs to the filters: a wrong call of the user must not take
 * the place of the cause that is still to come. */
static enum ln_status refuse(struct ln_sock *s, enum call call)
{
    if (s->state != LN_SOCK_CONNECTING)
        (void)ln_diag_set(s->diag, LN_BAD_STATE, LN_CAT_CONFIGURATION, LN_PHASE_NONE,
                          "%s is not possible while the socket is %s", call_names[call],
                          ln_sock_state_name(s->state));
    return LN_BAD_STATE;
}

static inline void turn_page(struct ln_sock *s)
{
    if (s->diag->status != LN_OK)
        ln_diag_clear(s->diag);
}

/* ---- failing ---- */

/* A mistake of the program, or what cannot be: the same at any time. */
static bool is_mistake(enum ln_status st)
{
    return st == LN_BAD_ARG || st == LN_BAD_STATE || st == LN_UNSUPPORTED;
}

/* What a status of send, recv or step means for the socket. */
enum ending {
    GOES_ON,         /* nothing changed, or the program's mistake */
    ENDS_CONNECTION, /* but a datagram transport without TLS has none: ICMP about one datagram */
    ENDS,
};

static const uint8_t endings[] = {
    [LN_OK] = GOES_ON,
    [LN_AGAIN] = GOES_ON,
    [LN_CLOSED] = ENDS,
    [LN_TIMEOUT] = ENDS_CONNECTION,
    [LN_REFUSED] = ENDS_CONNECTION,
    [LN_BAD_ARG] = GOES_ON,
    [LN_BAD_STATE] = GOES_ON,
    [LN_BAD_PEER] = ENDS,
    [LN_NO_MEMORY] = ENDS_CONNECTION,
    [LN_NO_SPACE] = GOES_ON,
    [LN_UNSUPPORTED] = GOES_ON,
    [LN_NOT_FOUND] = ENDS_CONNECTION,
    [LN_DENIED] = ENDS_CONNECTION,
    [LN_IO] = ENDS,
    [LN_INTERNAL] = ENDS,
};

static bool ends(const struct ln_sock *s, enum ln_status st)
{
    unsigned kept = LN_TRAIT_DATAGRAM | LN_TRAIT_SECURE;
    bool plain_datagrams = (s->traits & kept) == LN_TRAIT_DATAGRAM;
    if ((size_t)st >= sizeof endings)
        return true;
    return endings[st] > (plain_datagrams ? ENDS_CONNECTION : GOES_ON);
}

static const uint8_t categories[] = {
    [LN_OK] = LN_CAT_INTERNAL_FAULT,         [LN_AGAIN] = LN_CAT_INTERNAL_FAULT,
    [LN_CLOSED] = LN_CAT_CLOSED_BY_PEER,     [LN_TIMEOUT] = LN_CAT_NO_ANSWER,
    [LN_REFUSED] = LN_CAT_PEER_REFUSED,      [LN_BAD_ARG] = LN_CAT_CONFIGURATION,
    [LN_BAD_STATE] = LN_CAT_CONFIGURATION,   [LN_BAD_PEER] = LN_CAT_RECORD_DAMAGED,
    [LN_NO_MEMORY] = LN_CAT_OUT_OF_MEMORY,   [LN_NO_SPACE] = LN_CAT_LOCAL_IO,
    [LN_UNSUPPORTED] = LN_CAT_CONFIGURATION, [LN_NOT_FOUND] = LN_CAT_DNS,
    [LN_DENIED] = LN_CAT_LOCAL_IO,           [LN_IO] = LN_CAT_LOCAL_IO,
    [LN_INTERNAL] = LN_CAT_INTERNAL_FAULT,
};

/* A sentence for a failure that has none yet. */
static enum ln_status explain(struct ln_sock *s, enum ln_status st, enum ln_phase phase)
{
    bool known = (size_t)st < sizeof categories;
    enum ln_category category = known ? (enum ln_category)categories[st] : LN_CAT_INTERNAL_FAULT;
    return ln_diag_set(s->diag, st, category, phase, "%s: %s", s->ops->name, ln_status_meaning(st));
}

static enum ln_status fail(struct ln_sock *s, enum ln_status st, enum ln_phase phase)
{
    s->state = LN_SOCK_FAILED;
    return explain(s, st, phase);
}

/* ---- making and releasing ---- */

static size_t diag_offset(size_t size)
{
    size_t align = _Alignof(struct ln_diag);
    return (size + align - 1) / align * align;
}

/* A stack starts where its lower part is. */
static enum ln_status first_state(const struct ln_sock *below, enum ln_sock_state *out)
{
    static const uint8_t first[] = {
        [LN_SOCK_CLOSED] = LN_SOCK_CLOSED,
        [LN_SOCK_BOUND] = LN_SOCK_BOUND,
        [LN_SOCK_CONNECTING] = LN_SOCK_CONNECTING,
        [LN_SOCK_OPEN] = LN_SOCK_CONNECTING,
        [LN_SOCK_SHUT] = LN_SOCK_SHUT,
        [LN_SOCK_FAILED] = LN_SOCK_FAILED,
    };
    *out = (enum ln_sock_state)first[below->state];
    return *out == LN_SOCK_SHUT || *out == LN_SOCK_FAILED ? LN_BAD_STATE : LN_OK;
}

enum ln_status ln_filter_new(const struct ln_sock_ops *ops, size_t size, const struct ln_env *env,
                             struct ln_sock *below, struct ln_sock **out)
{
    enum ln_sock_state state = LN_SOCK_CLOSED;
    if (env == NULL && below != NULL)
        env = below->env;
    if (env == NULL || size < sizeof(struct ln_sock))
        return LN_BAD_ARG;
    if (below != NULL)
        TRY(first_state(below, &state));
    size_t offset = diag_offset(size);
    size_t room = below != NULL ? size : offset + sizeof(struct ln_diag);
    struct ln_sock *s = (struct ln_sock *)ln_calloc(env, 1, room);
    if (s == NULL)
        return LN_NO_MEMORY;
    s->ops = ops;
    s->env = env;
    s->below = below;
    s->state = state;
    s->traits = ops->traits;
    if (below == NULL) {
        s->diag = (struct ln_diag *)(void *)((uint8_t *)s + offset);
        ln_diag_clear(s->diag);
    } else {
        s->diag = below->diag;
        s->role = below->role;
        s->host = below->host;
        s->port = below->port;
        if (s->traits == 0)
            s->traits = below->traits;
    }
    *out = s;
    return LN_OK;
}

void ln_sock_close(struct ln_sock *s)
{
    char *host = s->host;
    if (s->state == LN_SOCK_CLOSED)
        return;
    for (struct ln_sock *f = s; f != NULL; f = f->below) {
        if (f->ops->close != NULL)
            f->ops->close(f);
        f->state = LN_SOCK_CLOSED;
        f->role = LN_CLIENT;
        f->accepting = false;
        f->resting = false;
        f->rest_ms = 0;
        f->host = NULL;
        f->port = 0;
        f->datagram_len = 0;
    }
    ln_free(s->env, host);
}

void ln_sock_free(struct ln_sock *s)
{
    if (s == NULL)
        return;
    ln_sock_close(s);
    while (s != NULL) {
        struct ln_sock *below = s->below;
        if (s->ops->destroy != NULL)
            s->ops->destroy(s);
        ln_free(s->env, s);
        s = below;
    }
}

/* ---- notices ---- */

static void notify(struct ln_sock *s, enum ln_notice notice)
{
    for (; s != NULL; s = s->below) {
        if (s->ops->notice != NULL)
            s->ops->notice(s, notice);
    }
}

void ln_below_notice(struct ln_sock *s, enum ln_notice notice)
{
    notify(s->below, notice);
}

/* ---- listeners that rest ---- */

/* Where accept fails for want of descriptors or memory, the client stays in the queue and the handle
 * readable: to try again at once, and again, would keep an event loop busy and help nobody. */
#define REST_FIRST_MS 10
#define REST_MAX_MS 1000

static void rest(struct ln_sock *s, ln_msec now)
{
    unsigned ms = s->rest_ms == 0 ? REST_FIRST_MS : 2u * s->rest_ms;
    s->rest_ms = (uint16_t)(ms < REST_MAX_MS ? ms : REST_MAX_MS);
    s->accept_at = now + s->rest_ms;
    s->resting = true;
}

static void end_rest(struct ln_sock *s, ln_msec now)
{
    if (now >= s->accept_at)
        s->resting = false;
}

/* What stands in the queue does not count now. */
static void ignore_clients(const struct ln_sock *s, struct ln_interest *want)
{
    size_t kept = 0;
    for (size_t i = 0; i < want->count; i++) {
        want->wait[kept] = want->wait[i];
        want->wait[kept].events &= ~LN_WANT_READ;
        kept += want->wait[kept].events != 0;
    }
    want->count = kept;
    want->events &= ~LN_WANT_READ;
    want->ready = false;
    ln_interest_until(want, s->accept_at);
}

/* ---- connect and step ---- */

static enum ln_status connect_here(struct ln_sock *s, ln_msec now)
{
    enum ln_status passing = s->below != NULL ? LN_OK : LN_UNSUPPORTED;
    enum ln_status st = s->ops->connect != NULL ? s->ops->connect(s, now) : passing;
    if (st == LN_AGAIN)
        return st;
    if (st == LN_OK) {
        s->state = LN_SOCK_OPEN;
        return st;
    }
    ln_below_notice(s, LN_NOTICE_HANDSHAKE_FAILED);
    return fail(s, st, LN_PHASE_CONNECT);
}

/* A step that fails without consequence for the socket has nothing to tell. */
static enum ln_status step_here(struct ln_sock *s, ln_msec now)
{
    enum ln_status st = s->ops->step != NULL ? s->ops->step(s, now) : LN_OK;
    return ends(s, st) ? fail(s, st, LN_PHASE_TRANSFER) : LN_OK;
}

/* Bring each filter forward, the lowest first. */
static enum ln_status advance(struct ln_sock *s, ln_msec now)
{
    if (s->below != NULL) {
        enum ln_status st = advance(s->below, now);
        if (st != LN_OK && st != LN_AGAIN)
            s->state = LN_SOCK_FAILED;
        if (st != LN_OK)
            return st;
    }
    switch (s->state) {
    case LN_SOCK_CONNECTING:
        return connect_here(s, now);
    case LN_SOCK_OPEN:
    case LN_SOCK_BOUND:
        return step_here(s, now);
    case LN_SOCK_FAILED:
        return s->diag->status;
    case LN_SOCK_CLOSED:
    case LN_SOCK_SHUT:
        break;
    }
    return LN_OK;
}

/* Rule 2 of the stack. Who breaks it would let its user wait for ever; better to fail loudly. */
static bool waits_for_something(const struct ln_sock *s)
{
    struct ln_interest want;
    ln_sock_interest(s, 0, &want);
    return want.ready || want.count > 0 || want.deadline != LN_NEVER;
}

static enum ln_status go_on_connecting(struct ln_sock *s, ln_msec now)
{
    enum ln_status st = advance(s, now);
    if (st == LN_OK) {
        notify(s, LN_NOTICE_OPENED);
    } else if (st == LN_AGAIN && !waits_for_something(s)) {
        ln_diag_clear(s->diag);
        (void)ln_diag_set(s->diag, LN_INTERNAL, LN_CAT_INTERNAL_FAULT, LN_PHASE_CONNECT,
                          "%s: a filter said \"not now\" and waits for nothing", s->ops->name);
        return fail(s, LN_INTERNAL, LN_PHASE_CONNECT);
    }
    return st;
}

static enum ln_status check_target(struct ln_sock *s, const char *host, uint16_t port)
{
    size_t len = host != NULL ? strlen(host) : 0;
    if (len == 0 || len > LN_HOST_MAX)
        return ln_diag_set(s->diag, LN_BAD_ARG, LN_CAT_CONFIGURATION, LN_PHASE_CONNECT,
                           "host: a name or address of 1 to %d bytes is needed", LN_HOST_MAX);
    if (port == 0)
        return ln_diag_set(s->diag, LN_BAD_ARG, LN_CAT_CONFIGURATION, LN_PHASE_CONNECT,
                           "port: 1 to 65535 is needed");
    return LN_OK;
}

enum ln_status ln_sock_connect(struct ln_sock *s, const char *host, uint16_t port, ln_msec now)
{
    bool bound_stream = s->state == LN_SOCK_BOUND && (s->traits & LN_TRAIT_DATAGRAM) == 0;
    if (!may(s, CALL_CONNECT) || bound_stream)
        return refuse(s, CALL_CONNECT);
    turn_page(s);
    TRY(check_target(s, host, port));
    char *copy = ln_strdup(s->env, host);
    if (copy == NULL)
        return fail(s, LN_NO_MEMORY, LN_PHASE_CONNECT);
    s->resting = false;
    for (struct ln_sock *f = s; f != NULL; f = f->below) {
        f->state = LN_SOCK_CONNECTING;
        f->host = copy;
        f->port = port;
    }
    return go_on_connecting(s, now);
}

enum ln_status ln_sock_step(struct ln_sock *s, ln_msec now)
{
    if (s->state == LN_SOCK_FAILED)
        return s->diag->status; /* whatever state the lower ones are in */
    if (s->state == LN_SOCK_CONNECTING)
        return go_on_connecting(s, now);
    if (s->state == LN_SOCK_OPEN || s->state == LN_SOCK_BOUND)
        turn_page(s);
    if (s->resting)
        end_rest(s, now);
    return advance(s, now);
}

/* The lowest one that is not open yet: it is what the others wait for. */
static struct ln_sock *who_connects(struct ln_sock *s)
{
    while (s->below != NULL && s->below->state != LN_SOCK_OPEN)
        s = s->below;
    return s;
}

void ln_sock_give_up(struct ln_sock *s)
{
    if (s->state != LN_SOCK_CONNECTING)
        return;
    struct ln_sock *f = who_connects(s);
    if (f->ops->notice != NULL)
        f->ops->notice(f, LN_NOTICE_GIVE_UP);
    (void)ln_diag_set(s->diag, LN_TIMEOUT, LN_CAT_NO_ANSWER,
                      f->below != NULL ? LN_PHASE_HANDSHAKE : LN_PHASE_CONNECT,
                      "connect to host %.80s port %u: not done in the time that was given",
                      s->host != NULL ? s->host : "", (unsigned)s->port);
    ln_below_notice(f, LN_NOTICE_HANDSHAKE_FAILED);
    s->state = LN_SOCK_FAILED;
}

/* ---- servers ---- */

static enum ln_status bind_all(struct ln_sock *s, const struct ln_addr *local)
{
    enum ln_status st = LN_UNSUPPORTED;
    if (s->below != NULL)
        st = bind_all(s->below, local);
    if (s->ops->bind != NULL && (s->below == NULL || st == LN_OK))
        st = s->ops->bind(s, local);
    if (st != LN_OK)
        return explain(s, st, LN_PHASE_CONNECT);
    s->state = LN_SOCK_BOUND;
    return LN_OK;
}

enum ln_status ln_sock_bind(struct ln_sock *s, const struct ln_addr *local)
{
    if (!may(s, CALL_BIND))
        return refuse(s, CALL_BIND);
    turn_page(s);
    enum ln_status st = bind_all(s, local);
    if (st != LN_OK) {
        s->state = LN_SOCK_FAILED; /* so that close() does not take it for closed */
        ln_sock_close(s);
    }
    return st;
}

/* A transport that accept made is open; what is over it has its handshake before it. */
static void admit(struct ln_sock *client)
{
    if (client->state == LN_SOCK_CLOSED)
        client->state = LN_SOCK_OPEN;
    for (struct ln_sock *f = client; f != NULL; f = f->below) {
        f->role = LN_SERVER;
        f->accepting = f->state == LN_SOCK_CONNECTING;
    }
}

/* An operation that a filter does not have goes on below it; but nothing gets past encryption. */
static bool passes(const struct ln_sock *s)
{
    return s->below != NULL && (s->ops->traits & LN_TRAIT_SECURE) == 0;
}

static enum ln_status accept_here(struct ln_sock *s, ln_msec now, struct ln_sock **client)
{
    while (s->ops->accept == NULL && passes(s))
        s = s->below;
    return s->ops->accept != NULL ? s->ops->accept(s, now, client) : LN_UNSUPPORTED;
}

enum ln_status ln_sock_accept(struct ln_sock *s, ln_msec now, struct ln_sock **out)
{
    if (!may(s, CALL_ACCEPT))
        return refuse(s, CALL_ACCEPT);
    turn_page(s);
    if (*out != NULL)
        return ln_diag_set(s->diag, LN_BAD_ARG, LN_CAT_CONFIGURATION, LN_PHASE_CONNECT,
                           "accept: *out must be NULL");
    end_rest(s, now);
    if (s->resting)
        return LN_AGAIN;
    struct ln_sock *client = NULL;
    enum ln_status st = accept_here(s, now, &client);
    if (is_mistake(st) || st == LN_OK || st == LN_AGAIN)
        s->rest_ms = 0;
    else
        rest(s, now);
    if (st == LN_AGAIN)
        return st;
    if (st != LN_OK)
        return explain(s, st, LN_PHASE_CONNECT); /* one client's failure: we go on listening */
    admit(client);
    *out = client;
    return LN_OK;
}

/* ---- data ---- */

/* Out of line: everything but LN_OK. A socket that is SHUT stays so whatever comes. */
static enum ln_status data_failed(struct ln_sock *s, enum ln_status st)
{
    bool alive = s->state == LN_SOCK_OPEN || s->state == LN_SOCK_BOUND;
    return alive && ends(s, st) ? fail(s, st, LN_PHASE_TRANSFER) : st;
}

static enum ln_status send_here(struct ln_sock *s, struct ln_span data, size_t *sent)
{
    enum ln_status st = LN_UNSUPPORTED;
    *sent = 0;
    if (!may(s, CALL_SEND))
        return refuse(s, CALL_SEND);
    if (data.len == 0 && (s->traits & LN_TRAIT_STREAM) != 0)
        return LN_OK; /* no filter has to know what "nothing" is */
    if (s->ops->send != NULL)
        st = s->ops->send(s, data, sent);
    else if (passes(s))
        st = send_here(s->below, data, sent);
    if (st == LN_OK) {
        s->sent_bytes += *sent;
        return LN_OK;
    }
    *sent = 0;
    return data_failed(s, st);
}

static enum ln_status recv_failed(struct ln_sock *s, struct ln_mspan room, size_t *got,
                                  enum ln_status st)
{
    if (st == LN_NO_SPACE && room.len == 0)
        return LN_OK; /* the answer to "is there something?" */
    if (st == LN_NO_SPACE)
        s->received_bytes += *got;
    else
        *got = 0;
    return data_failed(s, st);
}

static enum ln_status recv_here(struct ln_sock *s, struct ln_mspan room, size_t *got)
{
    enum ln_status st = LN_UNSUPPORTED;
    *got = 0;
    if (!may(s, CALL_RECV))
        return refuse(s, CALL_RECV);
    if (s->ops->recv != NULL) {
        st = s->ops->recv(s, room, got);
    } else if (passes(s)) {
        st = recv_here(s->below, room, got);
        s->datagram_len = s->below->datagram_len;
    }
    if (st == LN_OK) {
        if (room.len > 0)
            s->datagram_len = *got;
        s->received_bytes += *got;
        return LN_OK;
    }
    return recv_failed(s, room, got, st);
}

enum ln_status ln_sock_send(struct ln_sock *s, struct ln_span data, size_t *sent)
{
    if (may(s, CALL_SEND))
        turn_page(s);
    return send_here(s, data, sent);
}

enum ln_status ln_sock_recv(struct ln_sock *s, struct ln_mspan room, size_t *got)
{
    if (may(s, CALL_RECV))
        turn_page(s);
    return recv_here(s, room, got);
}

enum ln_status ln_below_send(struct ln_sock *s, struct ln_span data, size_t *sent)
{
    *sent = 0;
    return s->below != NULL ? send_here(s->below, data, sent) : LN_UNSUPPORTED;
}

enum ln_status ln_below_recv(struct ln_sock *s, struct ln_mspan room, size_t *got)
{
    *got = 0;
    return s->below != NULL ? recv_here(s->below, room, got) : LN_UNSUPPORTED;
}

static enum ln_status send_to_here(struct ln_sock *s, const struct ln_addr *to, struct ln_span data)
{
    enum ln_status st = LN_UNSUPPORTED;
    if (s->ops->send_to != NULL)
        st = s->ops->send_to(s, to, data);
    else if (passes(s))
        st = send_to_here(s->below, to, data);
    if (st != LN_OK)
        return data_failed(s, st);
    s->sent_bytes += data.len;
    return LN_OK;
}

enum ln_status ln_sock_send_to(struct ln_sock *s, const struct ln_addr *to, struct ln_span data)
{
    if (!may(s, CALL_SEND_TO))
        return refuse(s, CALL_SEND_TO);
    turn_page(s);
    return send_to_here(s, to, data);
}

static enum ln_status recv_from_here(struct ln_sock *s, struct ln_mspan room, size_t *got,
                                     struct ln_addr *from)
{
    enum ln_status st = LN_UNSUPPORTED;
    *got = 0;
    if (s->ops->recv_from != NULL) {
        st = s->ops->recv_from(s, room, room.len == 0, got, from);
    } else if (passes(s)) {
        st = recv_from_here(s->below, room, got, from);
        s->datagram_len = s->below->datagram_len;
    }
    if (st != LN_OK)
        return recv_failed(s, room, got, st);
    if (room.len > 0)
        s->datagram_len = *got;
    s->received_bytes += *got;
    return LN_OK;
}

enum ln_status ln_sock_recv_from(struct ln_sock *s, struct ln_mspan room, size_t *got,
                                 struct ln_addr *from)
{
    struct ln_addr unwanted;
    *got = 0;
    if (!may(s, CALL_RECV_FROM))
        return refuse(s, CALL_RECV_FROM);
    turn_page(s);
    return recv_from_here(s, room, got, from != NULL ? from : &unwanted);
}

/* ---- shutdown ---- */

enum ln_status ln_sock_shutdown(struct ln_sock *s, ln_msec now)
{
    enum ln_status first = LN_OK;
    if (!may(s, CALL_SHUTDOWN))
        return refuse(s, CALL_SHUTDOWN);
    turn_page(s);
    for (struct ln_sock *f = s; f != NULL; f = f->below) {
        enum ln_status st = f->ops->shutdown != NULL ? f->ops->shutdown(f, now) : LN_OK;
        if (first == LN_OK && st != LN_AGAIN) /* what cannot leave at once is not waited for */
            first = st;
        f->state = LN_SOCK_SHUT;
    }
    return ends(s, first) ? fail(s, first, LN_PHASE_CLOSE) : first;
}

/* ---- what to wait for, and what is known ---- */

/* A filter has nothing to say before there is something below it to say it to. */
static bool can_be_asked(const struct ln_sock *s)
{
    if (s->below == NULL)
        return true;
    enum ln_sock_state state = s->below->state;
    return state == LN_SOCK_OPEN || state == LN_SOCK_BOUND || state == LN_SOCK_SHUT;
}

void ln_sock_interest(const struct ln_sock *s, unsigned events, struct ln_interest *want)
{
    ln_interest_init(want, events);
    want->ready = s->state == LN_SOCK_FAILED; /* the next step tells */
    if (s->state == LN_SOCK_FAILED || s->state == LN_SOCK_CLOSED)
        return;
    for (const struct ln_sock *f = s; f != NULL; f = f->below) {
        if (f->ops->interest != NULL && can_be_asked(f))
            f->ops->interest(f, want);
    }
    if (s->resting)
        ignore_clients(s, want);
}

static void info_up(const struct ln_sock *s, struct ln_sock_info *out)
{
    if (s->below != NULL) {
        info_up(s->below, out);
    } else {
        out->wire_sent = s->sent_bytes;
        out->wire_received = s->received_bytes;
    }
    if (s->ops->info != NULL)
        s->ops->info(s, out);
}

bool ln_sock_is_open(const struct ln_sock *s)
{
    return s->state == LN_SOCK_OPEN;
}

void ln_sock_info(const struct ln_sock *s, struct ln_sock_info *out)
{
    memset(out, 0, sizeof *out);
    out->tls.alpn = "";
    info_up(s, out);
    out->state = s->state;
    out->role = s->role;
    out->host = s->host != NULL ? s->host : "";
    out->datagram_len = s->datagram_len;
    out->app_sent = s->sent_bytes;
    out->app_received = s->received_bytes;
}

const struct ln_diag *ln_sock_diag(const struct ln_sock *s)
{
    return s->diag;
}
