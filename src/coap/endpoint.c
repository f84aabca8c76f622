/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file endpoint.c
 * An endpoint from creation to its end, and the calls that drive it. Contract: <linnet/coap.h>.
 *
 * All memory is one block: the endpoint, its tables, and behind them the bytes of pool, cache and
 * stream.
 */
#include "base/try.h"
#include "coap/internal.h"
#include "coap/timing.h"

/* ---- settings ---- */

enum {
    NSTART_MAX = 16,
    MAX_MESSAGE_MIN = 64,
    EXCHANGES_MAX = 64,
    TRANSFERS_MAX = 32,
    NOTES_MAX = 64,
    POOL_MIN = 64,
    RETRANSMIT_MAX = 20,
};

static void fill(uint8_t *field, uint8_t value)
{
    if (*field == 0)
        *field = value;
}

static void fill16(uint16_t *field, uint16_t value)
{
    if (*field == 0)
        *field = value;
}

static bool is_tcp(const struct ln_coap_config *c)
{
    return LN__WITH_TCP && c->transport == LN_COAP_OVER_TCP;
}

static struct ln_coap_config filled(const struct ln_coap_config *config)
{
    struct ln_coap_config c = *config;
    bool tcp = is_tcp(&c);
    c.timing = ln__coap_timing_filled(&config->timing);
    if (c.timing.response_ms == 0)
        c.timing.response_ms = (uint32_t)ln_coap_exchange_lifetime(&config->timing);
    fill(&c.nstart[LN_COAP_NORMAL], 1);
    fill(&c.nstart[LN_COAP_BULK], 1);
    fill16(&c.max_message, 1152);
    fill(&c.block_szx, 6);
    fill(&c.exchanges, 4);
    fill(&c.transfers, 2);
    fill(&c.notes, 8);
    fill16(&c.pool_bytes, 512);
    fill16(&c.cache_bytes, 512);
    if (c.body_max == 0)
        c.body_max = LN_COAP_BODY_MAX;
    if (c.output_bytes == 0)
        c.output_bytes = 2 * LN_COAP_MESSAGE_MAX;
    if (tcp || c.cache_bytes == LN_COAP_NO_CACHE)
        c.cache_bytes = 0; /* TCP delivers once */
    if (tcp)
        c.notes = 0;
    return c;
}

/* The name of the first field that is out of range, or NULL. */
static const char *wrong_field(const struct ln_coap_config *given)
{
    const struct ln_coap_timing *t = &given->timing;
    if (given->send == NULL)
        return "send";
    if (given->transport != LN_COAP_OVER_UDP && !is_tcp(given))
        return "transport";
    if (t->ack_random_permille != 0 && t->ack_random_permille < 1000)
        return "timing.ack_random_permille";
    if ((t->max_retransmit > RETRANSMIT_MAX && t->max_retransmit != LN_COAP_NO_RETRANSMIT) ||
        ln_coap_max_transmit_wait(t) > INT32_MAX || ln_coap_exchange_lifetime(t) > INT32_MAX)
        return "timing"; /* more than 24 days for one message */
    struct ln_coap_config c = filled(given);
    if (c.nstart[LN_COAP_NORMAL] > NSTART_MAX || c.nstart[LN_COAP_BULK] > NSTART_MAX)
        return "nstart";
    if (c.max_message < MAX_MESSAGE_MIN || (!is_tcp(&c) && c.max_message > LN_COAP_MESSAGE_MAX))
        return "max_message";
    if (c.block_szx > 6)
        return "block_szx";
    if (c.exchanges > EXCHANGES_MAX)
        return "exchanges";
    if (c.transfers > TRANSFERS_MAX)
        return "transfers";
    if (c.notes > NOTES_MAX)
        return "notes";
    if (c.pool_bytes < POOL_MIN)
        return "pool_bytes";
    if (c.body_max > LN_COAP_BODY_MAX)
        return "body_max";
    if (is_tcp(&c) && c.output_bytes < 2 * LN_COAP_MESSAGE_MAX)
        return "output_bytes";
    return NULL;
}

/* ---- life ---- */

/* A piece of the block at the cursor `at`, rounded so that the next one is aligned too. */
static size_t rounded(size_t bytes)
{
    return (bytes + 7) & ~(size_t)7;
}

struct layout {
    size_t exchanges, transfers, notes, stream, pool, cache, in, out, all;
};

/* First byte of a message over TCP, length, code and token stand before what is counted. */
enum { TCP_FRAME_EXTRA = 2 + 4 + 8 };

static struct layout lay_out(const struct ln_coap_config *c)
{
    bool tcp = is_tcp(c);
    struct layout l;
    l.exchanges = rounded(sizeof(struct ln_coap));
    l.transfers = l.exchanges + rounded(c->exchanges * sizeof(struct ln__coap_exchange));
    l.notes = l.transfers + rounded(ln__coap_transfers(c) * sizeof(struct ln__coap_transfer));
    l.stream = l.notes + rounded(c->notes * sizeof(struct ln__coap_note));
    l.pool = l.stream + (tcp ? rounded(sizeof(struct ln__coap_stream)) : 0);
    l.cache = l.pool + c->pool_bytes;
    l.in = l.cache + c->cache_bytes;
    l.out = l.in + (tcp ? (size_t)c->max_message + TCP_FRAME_EXTRA : 0);
    l.all = l.out + (tcp ? c->output_bytes : 0);
    return l;
}

static void point(struct ln_coap *coap, const struct layout *l)
{
    uint8_t *block = (uint8_t *)coap;
    coap->exchanges = (struct ln__coap_exchange *)(void *)(block + l->exchanges);
    coap->transfers = (struct ln__coap_transfer *)(void *)(block + l->transfers);
    coap->notes = (struct ln__coap_note *)(void *)(block + l->notes);
    coap->pool = block + l->pool;
    coap->cache.data = block + l->cache;
    coap->cache.room = coap->config.cache_bytes;
    if (!is_tcp(&coap->config))
        return;
    coap->stream = (struct ln__coap_stream *)(void *)(block + l->stream);
    coap->stream->in = block + l->in;
    coap->stream->in_room = (uint32_t)(l->out - l->in);
    coap->stream->out = block + l->out;
    coap->stream->out_room = coap->config.output_bytes;
}

enum ln_status ln_coap_new(const struct ln_env *env, const struct ln_coap_config *config,
                           struct ln_diag *diag, struct ln_coap **out)
{
    const char *wrong = *out != NULL ? "out" : wrong_field(config);
    if (wrong != NULL)
        return ln_diag_set(diag, LN_BAD_ARG, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                           "the field %s of the CoAP settings is out of range", wrong);
    struct ln_coap_config c = filled(config);
    struct layout l = lay_out(&c);
    struct ln_coap *coap = ln_calloc(env, 1, l.all);
    if (coap == NULL)
        return ln_diag_set(diag, LN_NO_MEMORY, LN_CAT_OUT_OF_MEMORY, LN_PHASE_CONFIGURE,
                           "no memory for a CoAP endpoint (%zu bytes)", l.all);
    coap->env = env;
    coap->config = c;
    coap->exchange_lifetime = ln_coap_exchange_lifetime(&config->timing);
    coap->non_lifetime = ln_coap_non_lifetime(&config->timing);
    coap->max_message = c.max_message < LN_COAP_MESSAGE_MAX ? c.max_message : LN_COAP_MESSAGE_MAX;
    for (size_t i = 0; i < 4; i++)
        coap->mid_used[i] = INT64_MIN / 2; /* long ago */
    point(coap, &l);
    if (ln__coap_is_tcp(coap))
        ln__coap_stream_reset(coap);
    /* RFC 7252 4.4: the first message id is random */
    enum ln_status st = ln__coap_random(coap, &coap->next_mid, sizeof coap->next_mid);
    if (st != LN_OK) {
        ln_free(env, coap);
        return ln_diag_set(diag, st, LN_CAT_LOCAL_IO, LN_PHASE_CONFIGURE,
                           "no randomness for a CoAP endpoint");
    }
    *out = coap;
    return LN_OK;
}

void ln_coap_free(struct ln_coap *coap)
{
    if (coap == NULL)
        return;
    ln_coap_reset(coap, coap->now);
    ln_wipe(coap->entropy, sizeof coap->entropy);
    ln_free(coap->env, coap);
}

void ln_coap_reset(struct ln_coap *coap, ln_msec now)
{
    coap->resetting = true; /* callbacks start nothing new */
    for (size_t i = 0; i < coap->config.exchanges; i++)
        if (coap->exchanges[i].id != 0 && !ln__coap_is_leg(&coap->exchanges[i]))
            ln__coap_end(coap, &coap->exchanges[i], LN_COAP_DROPPED, NULL, now);
    for (size_t i = 0; i < ln__coap_transfers(&coap->config); i++)
        if (coap->transfers[i].direction != TRANSFER_FREE)
            ln__coap_transfer_end(coap, &coap->transfers[i], false);
    for (size_t i = 0; i < coap->config.notes; i++)
        coap->notes[i].used = false;
    coap->cache.used = 0;
    coap->deferred = 0;
    coap->blocked = false;
    if (ln__coap_is_tcp(coap))
        ln__coap_stream_reset(coap);
    coap->resetting = false;
}

void ln_coap_set_max_message(struct ln_coap *coap, size_t bytes)
{
    size_t highest = coap->config.max_message;
    if (highest > LN_COAP_MESSAGE_MAX)
        highest = LN_COAP_MESSAGE_MAX;
    size_t most = bytes < highest ? bytes : highest;
    coap->max_message = (uint16_t)(most > MAX_MESSAGE_MIN ? most : MAX_MESSAGE_MIN);
}

void ln_coap_set_nstart(struct ln_coap *coap, enum ln_coap_class class_, uint8_t nstart)
{
    uint8_t most = nstart < NSTART_MAX ? nstart : NSTART_MAX;
    if (class_ == LN_COAP_NORMAL || class_ == LN_COAP_BULK)
        coap->config.nstart[class_] = most > 1 ? most : 1;
}

uint8_t ln__coap_szx(const struct ln_coap *coap, uint8_t wish)
{
    enum { BESIDES = 4 + 8 + 32 }; /* header, token and some options */
    uint8_t szx = wish != 0 && wish < coap->config.block_szx ? wish : coap->config.block_szx;
    return ln__coap_fit_szx(szx, (size_t)coap->max_message - BESIDES);
}

/* ---- randomness ---- */

enum ln_status ln__coap_random(struct ln_coap *coap, void *out, size_t len)
{
    if (len > coap->entropy_left) {
        coap->entropy_left = 0;
        TRY(coap->env->random.fill(coap->env->random.ctx,
                                   ln_mspan(coap->entropy, sizeof coap->entropy)));
        coap->entropy_left = sizeof coap->entropy;
    }
    coap->entropy_left = (uint8_t)(coap->entropy_left - len);
    memcpy(out, coap->entropy + coap->entropy_left, len);
    memset(coap->entropy + coap->entropy_left, 0, len); /* it is given out once */
    return LN_OK;
}

enum ln_status ln__coap_new_token(struct ln_coap *coap, struct ln_coap_token *out)
{
    struct ln_coap_token token = { .len = sizeof token.data };
    TRY(ln__coap_random(coap, token.data, sizeof token.data));
    *out = token;
    return LN_OK;
}

/* ---- messages on their way out ---- */

void ln__coap_begin(const struct ln_coap *coap, struct ln__coap_message *m, enum ln_coap_type type,
                    uint8_t code, uint16_t mid, const struct ln_coap_token *token)
{
    size_t most = coap->max_message;
    if (!ln__coap_is_tcp(coap)) {
        ln_coap_write_udp(&m->w, ln_mspan(m->bytes, most), type, code, mid, token);
        return;
    }
    if (coap->stream->peer_max < most)
        most = coap->stream->peer_max;
    ln_coap_write_tcp(&m->w, ln_mspan(m->bytes, most), code, token);
}

enum ln_status ln__coap_send(struct ln_coap *coap, ln_coap_peer peer, struct ln__coap_message *m,
                             enum ln__coap_urgency urgency)
{
    struct ln_span bytes;
    TRY(ln_coap_writer_end(&m->w, &bytes));
    return ln__coap_transmit(coap, peer, bytes, urgency);
}

enum ln_status ln__coap_transmit(struct ln_coap *coap, ln_coap_peer peer, struct ln_span bytes,
                                 enum ln__coap_urgency urgency)
{
    size_t sent = 0;
    enum ln_status st = ln__coap_is_tcp(coap)
                            ? ln__coap_stream_send(coap, bytes, urgency)
                            : coap->config.send(coap->config.user, peer, bytes, &sent);
    if (st == LN_OK)
        coap->counters.sent++;
    else
        coap->counters.not_sent++;
    if (st == LN_AGAIN)
        coap->blocked = true;
    return st;
}

void ln__coap_put_checked(struct ln_coap_writer *w, struct ln_span options, uint16_t last)
{
    if (w->status != LN_OK || options.len > w->room - w->len) {
        w->status = w->status != LN_OK ? w->status : LN_NO_SPACE;
        return;
    }
    if (options.len > 0)
        memcpy(w->data + w->len, options.data, options.len);
    w->len += options.len;
    w->last = last;
}

/* ---- driving ---- */

enum ln_status ln_coap_receive(struct ln_coap *coap, ln_coap_peer peer, struct ln_span data,
                               ln_msec now)
{
    coap->now = now;
    if (ln__coap_is_tcp(coap))
        return ln__coap_receive_tcp(coap, data, now);
    ln__coap_receive_udp(coap, peer, data, now);
    return LN_OK;
}

enum ln_status ln_coap_step(struct ln_coap *coap, ln_msec now)
{
    coap->now = now;
    coap->blocked = false;
    if (ln__coap_is_tcp(coap))
        TRY(ln__coap_stream_step(coap, now));
    ln__coap_transfers_step(coap, now);
    ln__coap_exchanges_step(coap, now);
    return ln__coap_is_tcp(coap) && coap->stream->failed ? LN_BAD_STATE : LN_OK;
}

ln_msec ln_coap_deadline(const struct ln_coap *coap)
{
    ln_msec exchanges = ln__coap_exchanges_deadline(coap);
    ln_msec transfers = ln__coap_transfers_deadline(coap);
    return exchanges < transfers ? exchanges : transfers;
}

bool ln_coap_wants_send(const struct ln_coap *coap)
{
    return coap->blocked || (ln__coap_is_tcp(coap) && coap->stream->out_used > 0);
}

bool ln_coap_is_busy(const struct ln_coap *coap)
{
    for (size_t i = 0; i < coap->config.exchanges; i++) {
        const struct ln__coap_exchange *ex = &coap->exchanges[i];
        bool only_observes =
            ex->state == EX_RESTING && ln__coap_observes(ex) && !ln__coap_fetches(ex);
        if (ex->id != 0 && !only_observes)
            return true;
    }
    for (size_t i = 0; i < ln__coap_transfers(&coap->config); i++)
        if (coap->transfers[i].direction != TRANSFER_FREE)
            return true;
    return coap->deferred > 0;
}

void ln_coap_peer_info(const struct ln_coap *coap, struct ln_coap_peer_info *out)
{
    const struct ln__coap_stream *s = coap->stream;
    *out = (struct ln_coap_peer_info) {
        .ready = s == NULL || s->ready,
        .block_wise = s == NULL || s->block_wise,
        .released = s != NULL && s->released,
        .max_message = s != NULL ? s->peer_max : coap->max_message,
    };
}

const struct ln_coap_counters *ln_coap_counters(const struct ln_coap *coap)
{
    return &coap->counters;
}

const char *ln_coap_outcome_text(enum ln_coap_outcome outcome)
{
    switch (outcome) {
    case LN_COAP_RESPONSE:
        return "answered";
    case LN_COAP_SENT:
        return "sent";
    case LN_COAP_ACKNOWLEDGED:
        return "acknowledged";
    case LN_COAP_TIMED_OUT:
        return "timed out";
    case LN_COAP_WAS_RESET:
        return "reset by the peer";
    case LN_COAP_BROKEN:
        return "the answer is unusable";
    case LN_COAP_REPLACED:
        return "the body changed while it was fetched";
    case LN_COAP_TOO_LONG:
        return "the answer is too long";
    case LN_COAP_DROPPED:
        return "the connection ended";
    }
    return "unknown";
}
