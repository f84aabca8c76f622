/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file filter.c
 * The TLS and DTLS socket: drives an engine through handshake, retransmission, data and closing.
 *
 * Time:   the library's timer tells when a flight is due again; when to give up is decided here, on
 *         the monotonic clock: for DTLS after the longest wait of the schedule has passed in vain
 *         (RFC 6347 4.2.4), for TLS at a limit for the whole handshake.
 * Errors: a handshake that failed is explained by diagnose.c and leaves the socket FAILED; where the
 *         session may be to blame it is forgotten, so that the next connect is a full handshake.
 */
#include "tls/filter.h"
#include "base/try.h"
#include "tls/names.h"
#include "tls/suites.h"
#include <string.h>

/** Larger handshake datagrams gain little and risk much (field: black holes above 1200..1400). */
#define HANDSHAKE_MTU 1200
/** OpenSSL buffers a flight in 4096 bytes. */
#define HANDSHAKE_MTU_MAX 4000
#define HANDSHAKE_MTU_MIN 208
/** After that many retransmissions of a flight its datagrams get smaller: perhaps they are lost
 *  because of their size. 548 = 576, which every IPv4 host takes (RFC 791), less IP and UDP. */
#define SHRINK_AFTER 3
#define SHRUNK_MTU 548
/** By how much the library's own end of the schedule, which is counted in wall clock time and rounded
 *  up at each wait, may come behind ours. */
#define CLOCK_SLACK_MS 1000

/** The largest plaintext of one record (RFC 6347 4.1.1, RFC 8446 5.1). */
#define RECORD_MAX 16384

static const struct ln_sock_ops tls_ops;
static const struct ln_sock_ops dtls_ops;

static struct ln_tls_sock *self(struct ln_sock *s)
{
    return (struct ln_tls_sock *)s;
}

static const struct ln_tls_sock *peek_self(const struct ln_sock *s)
{
    return (const struct ln_tls_sock *)s;
}

struct ln_tls_sock *ln__tls_of(const struct ln_sock *s)
{
    bool ours = s != NULL && (s->ops == &tls_ops || s->ops == &dtls_ops);
    return ours ? (struct ln_tls_sock *)(uintptr_t)s : NULL;
}

const char *ln__tls_name(const struct ln_tls_sock *t)
{
    const char *name = t->server_name != NULL ? t->server_name : t->peer_name;
    if (name == NULL)
        name = t->base.host;
    return name != NULL ? name : "";
}

const struct ln_tlsa_set *ln__tls_records(const struct ln_tls_sock *t)
{
    return t->tlsa != NULL ? t->tlsa : t->config->tlsa;
}

static bool is_dtls(const struct ln_tls_sock *t)
{
    return t->config->kind == LN_DTLS;
}

/* ---- starting ---- */

size_t ln__tls_handshake_mtu(const struct ln_tls_sock *t)
{
    struct ln_sock_info below;
    ln_sock_info(t->base.below, &below);
    size_t mtu = t->config->mtu != 0 ? t->config->mtu : HANDSHAKE_MTU;
    size_t most = t->config->mtu != 0 ? HANDSHAKE_MTU_MAX : HANDSHAKE_MTU;
    if (below.inner_mtu != 0 && below.inner_mtu < mtu)
        mtu = below.inner_mtu;
    if (mtu > most)
        mtu = most;
    return mtu < HANDSHAKE_MTU_MIN ? HANDSHAKE_MTU_MIN : mtu;
}

/** The schedule's whole length: first, doubled until max, and once more max. */
static ln_msec schedule_length(const struct ln_tls_config *c)
{
    ln_msec total = 0;
    for (uint64_t wait = c->first_ms; wait < c->max_ms; wait *= 2)
        total += (ln_msec)wait;
    return total + (ln_msec)c->max_ms;
}

static ln_msec later(ln_msec now, ln_msec by)
{
    return by > LN_NEVER - now ? LN_NEVER : now + by;
}

/** The DNS name to send as SNI, or NULL: a literal is never sent (RFC 6066 3). */
static enum ln_status reference(struct ln_tls_sock *t, struct ln_name *name)
{
    enum ln_status st = ln__name_parse(ln__tls_name(t), name);
    if (st == LN_OK)
        return LN_OK;
    bool needed = t->config->auth != LN_AUTH_PSK && !t->config->insecure_skip_verification &&
                  !t->config->insecure_skip_name && t->base.role == LN_CLIENT;
    memset(name, 0, sizeof *name);
    if (!needed)
        return LN_OK;
    return ln_diag_set(t->base.diag, LN_BAD_ARG, LN_CAT_CONFIGURATION, LN_PHASE_HANDSHAKE,
                       "there is no name to verify the server by: connect by name, or set the "
                       "server name");
}

/** Records of which none can be used would leave nobody to trust: better to say so at once. */
static enum ln_status check_records(struct ln_tls_sock *t)
{
    bool dane = t->config->auth == LN_AUTH_DANE && t->base.role == LN_CLIENT;
    if (!dane || ln__dane_plan(ln__tls_records(t), false) != LN_DANE_REFUSE)
        return LN_OK;
    return ln_diag_set(t->base.diag, LN_DENIED, LN_CAT_DANE_MISMATCH, LN_PHASE_HANDSHAKE,
                       "no TLSA record is of a usage, selector and matching type that is known");
}

/** Go on with an association that was kept, if there is one. */
static bool restore(struct ln_tls_sock *t, struct ln_mspan room)
{
    size_t len = ln__tls_association_take(t, room);
    if (len == 0)
        return false;
    t->restored = ln__tls_link_restore(t->link, t, ln_span(room.data, len)) == LN_OK;
    ln_wipe(room.data, len);
    return t->restored;
}

static enum ln_status begin(struct ln_tls_sock *t)
{
    struct ln_name name;
    TRY(check_records(t));
    TRY(reference(t, &name));
    enum ln_status st = ln__tls_link_new(t->base.env, t->config, &t->link);
    if (st != LN_OK)
        return ln_diag_set(t->base.diag, st, LN_CAT_OUT_OF_MEMORY, LN_PHASE_HANDSHAKE,
                           "no memory for a TLS connection");
    uint8_t session[LN_SESSION_MAX];
    size_t session_len = 0;
    t->mtu = is_dtls(t) ? ln__tls_handshake_mtu(t) : 0;
    t->session_offered = false;
    t->session_stored = false;
    if (restore(t, ln_mspan(session, sizeof session)))
        return LN_OK;
    if (t->base.role == LN_CLIENT)
        session_len = ln__tls_session_load(t, ln_mspan(session, sizeof session));
    t->session_offered = session_len > 0;
    const char *sni = t->base.role == LN_CLIENT ? ln__name_sni(&name) : NULL;
    st = ln__tls_link_start(t->link, t, sni, ln_span(session, session_len));
    ln_wipe(session, session_len);
    if (st != LN_OK)
        return ln__tls_diagnose(t, st, LN_PHASE_HANDSHAKE);
    return LN_OK;
}

static void begin_clock(struct ln_tls_sock *t, ln_msec now)
{
    t->started_at = now;
    t->retransmit_at = LN_NEVER;
    t->give_up_at = LN_NEVER;
    if (t->config->total_ms != 0)
        t->give_up_at = later(now, (ln_msec)t->config->total_ms);
    t->handshake_ms = 0;
    t->flight = 0;
    t->tries_before = 0;
    t->restored = false;
    t->forgotten = false;
    t->asked = false;
    t->answered = false;
}

/** Of `room` bytes for a datagram, what a Connection ID leaves. */
static size_t less_cid(const struct ln_tls_link *link, size_t room)
{
    return room > link->cid_overhead ? room - link->cid_overhead : 0;
}

/** Of `below` bytes for a datagram, what is left for the plaintext of a record; which may be more than a
 *  record can hold. */
static size_t plain_of(const struct ln_tls_link *link, size_t below)
{
    return ln__suite_inner_mtu(link->open ? link->facts.chosen_suite : 0, less_cid(link, below));
}

static size_t at_most_a_record(size_t len)
{
    return len < RECORD_MAX ? len : RECORD_MAX;
}

/** Ask the path anew what fits. Where its MTU is not known the socket below says what it takes. */
static void measure(struct ln_tls_sock *t)
{
    struct ln_sock_info below;
    ln_sock_info(t->base.below, &below);
    bool known = below.mtu != 0 && below.inner_mtu != 0;
    t->send_max = at_most_a_record(known ? plain_of(t->link, below.inner_mtu) : RECORD_MAX);
}

/* ---- handshake ---- */

static void established(struct ln_tls_sock *t, ln_msec now)
{
    struct ln_tls_link *link = t->link;
    struct ln_tls_session_info info;
    link->backend->info(link->engine, &info);
    link->facts.chosen_version = info.version;
    link->facts.chosen_suite = info.suite;
    link->open = true;
    t->handshake_ms = now - t->started_at;
    t->retransmit_at = LN_NEVER;
    link->cid_overhead = info.cid_overhead;
    if (t->restored)
        t->session_stored = ln__tls_session_is_kept(t);
    if (info.resumed && t->session_offered && info.version != LN_TLS_1_3)
        t->session_stored = true; /* still: only a ticket of TLS 1.3 is spent when it is used */
    if (!is_dtls(t))
        return;
    ln__dtls_guard_established(&link->guard, ln__suite_record_min(info.suite));
    t->send_max = 0; /* whoever sends asks the path */
}

/** Take the library's timer over into our clock. Each flight of ours has the whole schedule; the
 *  library counts it on the wall clock, which may step, so that the end is also kept here. */
static void schedule(struct ln_tls_sock *t, ln_msec now)
{
    struct ln_tls_timer timer;
    if (!is_dtls(t))
        return;
    t->link->backend->timer(t->link->engine, &timer);
    t->retransmit_at = timer.left_ms >= 0 ? later(now, timer.left_ms) : LN_NEVER;
    if (timer.flight == t->flight && t->give_up_at != LN_NEVER)
        return;
    t->flight = timer.flight;
    t->tries_before = t->link->facts.retransmissions;
    if (t->config->total_ms == 0)
        t->give_up_at = later(now, schedule_length(t->config) + CLOCK_SLACK_MS);
}

/** The patience ended, the schedule's or the caller's. */
static enum ln_status give_up(struct ln_tls_sock *t)
{
    return ln__tls_diagnose(t, LN_TIMEOUT, LN_PHASE_HANDSHAKE);
}

/** Nothing came, and nothing waits to be read either: who slept over the timer finds the answer late. */
static bool nobody_answered(struct ln_tls_sock *t)
{
    size_t got = 0;
    if (t->link->facts.got_bytes)
        return false;
    enum ln_status st = ln_below_recv(&t->base, ln_mspan(NULL, 0), &got);
    if (st == LN_REFUSED) /* our next datagram is answered so again, and that counts */
        ln_diag_clear(t->base.diag);
    return st == LN_AGAIN;
}

/** The wait for an answer is over: the flight will go out again, to another address or in smaller
 *  pieces. */
static void prepare_again(struct ln_tls_sock *t)
{
    struct ln_tls_link *link = t->link;
    if (nobody_answered(t))
        ln_below_notice(&t->base, LN_NOTICE_NO_ANSWER);
    bool shrink = link->facts.retransmissions - t->tries_before + 1 >= SHRINK_AFTER;
    if (shrink && t->config->mtu == 0 && t->mtu > SHRUNK_MTU) {
        t->mtu = SHRUNK_MTU;
        link->backend->set_mtu(link->engine, t->mtu);
    }
}

/** Nothing came from the address we had: the same hello, made anew, for the next one. */
static enum ln_status begin_elsewhere(struct ln_tls_sock *t)
{
    struct ln_addr refused = t->link->refused;
    ln__tls_link_free(t->link);
    t->link = NULL;
    TRY(begin(t));
    t->link->refused = refused;
    return LN_OK;
}

static enum ln_status shake(struct ln_tls_sock *t)
{
    for (;;) {
        struct ln_tls_link *link = t->link;
        enum ln_status st = link->backend->handshake(link->engine, t->base.diag);
        if (st != LN_AGAIN || !link->moved)
            return st;
        TRY(begin_elsewhere(t)); /* at most once for each address */
    }
}

static enum ln_status drive(struct ln_tls_sock *t, ln_msec now)
{
    const struct ln_tls_link *waiting = t->link;
    if (now >= t->retransmit_at && !waiting->backend->wants_write(waiting->engine))
        prepare_again(t);
    enum ln_status st = shake(t);
    if (t->link == NULL)
        return st;
    if (st == LN_OK) {
        established(t, now);
        return LN_OK;
    }
    if (st != LN_AGAIN)
        return ln__tls_diagnose(t, st, LN_PHASE_HANDSHAKE);
    schedule(t, now);
    return now >= t->give_up_at ? give_up(t) : LN_AGAIN;
}

static enum ln_status tls_connect(struct ln_sock *s, ln_msec now)
{
    struct ln_tls_sock *t = self(s);
    if (t->link != NULL && t->link->owner == NULL) { /* bound as a listener is, but a client */
        ln__tls_link_free(t->link);
        t->link = NULL;
    }
    if (t->link == NULL) {
        begin_clock(t, now);
        TRY(begin(t));
    } else if (t->handed_over) {
        t->handed_over = false; /* a link that a listener began */
        begin_clock(t, now);
    }
    return drive(t, now);
}

static void tls_notice(struct ln_sock *s, enum ln_notice notice)
{
    struct ln_tls_sock *t = self(s);
    if (notice == LN_NOTICE_GIVE_UP && s->state == LN_SOCK_CONNECTING && t->link != NULL)
        (void)give_up(t);
}

/* ---- data ---- */

static enum ln_status send_datagram(struct ln_tls_sock *t, struct ln_span data, size_t *sent)
{
    struct ln_tls_link *link = t->link;
    if (data.len > t->send_max)
        measure(t); /* perhaps the path takes more by now */
    if (data.len > t->send_max)
        return LN_NO_SPACE;
    link->too_large = false;
    t->asked = true;
    enum ln_status st = link->backend->write(link->engine, data, sent, t->base.diag);
    if (st != LN_OK || !link->too_large)
        return st;
    measure(t); /* or less */
    return LN_NO_SPACE;
}

static enum ln_status tls_send(struct ln_sock *s, struct ln_span data, size_t *sent)
{
    struct ln_tls_sock *t = self(s);
    struct ln_tls_link *link = t->link;
    enum ln_status st = is_dtls(t) ? send_datagram(t, data, sent)
                                   : link->backend->write(link->engine, data, sent, t->base.diag);
    if (st == LN_OK || st == LN_AGAIN || st == LN_NO_SPACE)
        return st;
    return ln__tls_diagnose(t, st, LN_PHASE_TRANSFER);
}

static enum ln_status tls_recv(struct ln_sock *s, struct ln_mspan room, size_t *got)
{
    struct ln_tls_sock *t = self(s);
    struct ln_tls_link *link = t->link;
    size_t full = 0;
    enum ln_status st = link->backend->read(link->engine, room, got, &full, t->base.diag);
    s->datagram_len = full;
    if (st == LN_OK || st == LN_NO_SPACE)
        t->answered = true;
    if (st == LN_OK || st == LN_AGAIN || st == LN_NO_SPACE)
        return st;
    return ln__tls_diagnose(t, st, LN_PHASE_TRANSFER);
}

/* ---- closing ---- */

static bool has_cid(const struct ln_tls_sock *t)
{
    struct ln_tls_session_info info;
    t->link->backend->info(t->link->engine, &info);
    return info.cid_in_use;
}

static bool says_goodbye(const struct ln_tls_sock *t)
{
    switch (t->config->close_policy) {
    case LN_CLOSE_NOTIFY:
        return true;
    case LN_CLOSE_SILENT:
        return false;
    case LN_CLOSE_AUTO:
        break;
    }
    return !is_dtls(t) || (!t->config->has_sessions && !has_cid(t));
}

static void goodbye(struct ln_tls_sock *t)
{
    struct ln_tls_link *link = t->link;
    bool healthy = link != NULL && link->open && t->base.state == LN_SOCK_OPEN &&
                   t->base.below->state == LN_SOCK_OPEN;
    if (healthy && says_goodbye(t))
        link->backend->close_notify(link->engine);
}

static enum ln_status tls_shutdown(struct ln_sock *s, ln_msec now)
{
    (void)now;
    goodbye(self(s));
    return LN_OK;
}

/** An association that the peer has not heard the end of can go on at the next connect. */
static void keep(struct ln_tls_sock *t)
{
    bool stands = t->link != NULL && t->link->open &&
                  (t->base.state == LN_SOCK_OPEN || t->base.state == LN_SOCK_SHUT);
    if (stands && is_dtls(t) && !says_goodbye(t))
        ln__tls_association_keep(t);
}

static void tls_close(struct ln_sock *s)
{
    struct ln_tls_sock *t = self(s);
    goodbye(t);
    keep(t);
    ln__tls_link_free(t->link);
    t->link = NULL;
    t->handed_over = false;
    t->session_offered = false;
    t->session_stored = false;
    t->time_floored = false;
}

static void tls_destroy(struct ln_sock *s)
{
    struct ln_tls_sock *t = self(s);
    ln__tlsa_set_free(t->base.env, t->tlsa);
    ln_free(t->base.env, t->server_name);
    ln_free(t->base.env, t->peer_name);
    ln_tls_config_unref(t->config);
}

/* ---- what is known ---- */

static void tls_interest(const struct ln_sock *s, struct ln_interest *want)
{
    const struct ln_tls_sock *t = peek_self(s);
    const struct ln_tls_link *link = t->link;
    if (s->state == LN_SOCK_BOUND) {
        want->events = LN_WANT_READ;
        return;
    }
    if (link == NULL || t->handed_over) {
        want->ready = true; /* the handshake is still to begin, and no handle tells */
        return;
    }
    bool blocked = link->backend->wants_write(link->engine);
    if (s->state == LN_SOCK_CONNECTING) {
        want->events = blocked ? LN_WANT_WRITE : LN_WANT_READ;
        if (!blocked)
            ln_interest_until(want, t->retransmit_at);
        ln_interest_until(want, t->give_up_at);
        return;
    }
    if ((want->events & LN_WANT_READ) != 0 && link->backend->pending(link->engine))
        want->ready = true;
    if (blocked)
        want->events |= LN_WANT_WRITE;
}

static void tls_info(const struct ln_sock *s, struct ln_sock_info *out)
{
    const struct ln_tls_sock *t = peek_self(s);
    const struct ln_tls_link *link = t->link;
    out->tls.alpn = "";
    if (link == NULL)
        return;
    struct ln_tls_session_info info;
    link->backend->info(link->engine, &info);
    out->tls.version = info.version;
    out->tls.suite = info.suite;
    out->tls.group = info.group;
    out->tls.resumed = info.resumed;
    out->tls.cid_in_use = info.cid_in_use;
    out->tls.cid_restored = t->restored;
    out->tls.alpn = info.alpn;
    out->tls.session_stored = t->session_stored;
    out->tls.verify = link->facts.verify;
    out->tls.verify_native = link->facts.verify_native;
    out->tls.flights_sent = link->facts.flights_sent;
    out->tls.flights_received = link->facts.flights_received;
    out->tls.retransmissions = link->facts.retransmissions;
    out->tls.handshake_ms = t->handshake_ms;
    out->tls.dropped_records = ln__dtls_guard_dropped(&link->guard);
    if (!is_dtls(t)) {
        out->inner_mtu = 0;
    } else if (out->inner_mtu != 0) {
        size_t plain = plain_of(link, out->inner_mtu);
        out->overhead += out->inner_mtu - plain;
        out->inner_mtu = at_most_a_record(plain);
    }
}

static const struct ln_sock_ops tls_ops = {
    .name = "tls",
    .traits = LN_TRAIT_STREAM | LN_TRAIT_SECURE,
    .connect = tls_connect,
    .bind = ln__tls_bind,
    .accept = ln__tls_accept,
    .send = tls_send,
    .recv = tls_recv,
    .shutdown = tls_shutdown,
    .close = tls_close,
    .interest = tls_interest,
    .info = tls_info,
    .notice = tls_notice,
    .destroy = tls_destroy,
};

static const struct ln_sock_ops dtls_ops = {
    .name = "dtls",
    .traits = LN_TRAIT_DATAGRAM | LN_TRAIT_SECURE,
    .connect = tls_connect,
    .bind = ln__tls_bind,
    .accept = ln__tls_accept,
    .send = tls_send,
    .recv = tls_recv,
    .shutdown = tls_shutdown,
    .close = tls_close,
    .interest = tls_interest,
    .info = tls_info,
    .notice = tls_notice,
    .destroy = tls_destroy,
};

/* ---- making ---- */

enum ln_status ln__tls_sock_new(struct ln_sock *below, struct ln_tls_config *config,
                                const char *peer_name, struct ln_sock **out)
{
    const struct ln_sock_ops *ops = config->kind == LN_DTLS ? &dtls_ops : &tls_ops;
    const struct ln_env *env = below->env;
    char *name = NULL;
    if (peer_name != NULL) {
        name = ln_strdup(env, peer_name);
        if (name == NULL)
            return LN_NO_MEMORY;
    }
    struct ln_sock *s = NULL;
    enum ln_status st = ln_filter_new(ops, sizeof(struct ln_tls_sock), env, below, &s);
    if (st != LN_OK) {
        ln_free(env, name);
        return st;
    }
    self(s)->config = ln_tls_config_ref(config);
    self(s)->peer_name = name;
    *out = s;
    return LN_OK;
}
