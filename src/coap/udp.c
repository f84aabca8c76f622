/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file udp.c
 * The message layer of CoAP over UDP (RFC 7252 4): types, message ids, Resets, duplicates.
 *
 * A datagram that is malformed or belongs to nothing changes nothing but a counter.
 */
#include "coap/internal.h"

enum ln_status ln__coap_send_empty(struct ln_coap *coap, ln_coap_peer peer, enum ln_coap_type type,
                                   uint16_t mid)
{
    const uint8_t bytes[] = { (uint8_t)(1u << 6 | (unsigned)type << 4), LN_COAP_EMPTY,
                              (uint8_t)(mid >> 8), (uint8_t)mid };
    return ln__coap_transmit(coap, peer, ln_span(bytes, sizeof bytes), LN__COAP_NOW);
}

/* What fails to go out is as good as lost on the way: the peer will repeat itself. */
static void say_empty(struct ln_coap *coap, ln_coap_peer peer, enum ln_coap_type type, uint16_t mid)
{
    (void)ln__coap_send_empty(coap, peer, type, mid);
}

/* ---- message ids ---- */

/* RFC 7252 4.4: an id must not be used again within EXCHANGE_LIFETIME. They are given out in order,
 * so it is enough to know when each quarter of them was used last. */
static unsigned quarter(uint16_t mid)
{
    return mid >> 14;
}

ln_msec ln__coap_mid_due(const struct ln_coap *coap)
{
    uint16_t mid = coap->next_mid;
    if (quarter(mid) == quarter((uint16_t)(mid - 1)))
        return INT64_MIN; /* the quarter was entered in time */
    return ln__coap_after(coap->mid_used[quarter(mid)], coap->exchange_lifetime);
}

bool ln__coap_new_mid(struct ln_coap *coap, ln_msec now, uint16_t *mid)
{
    if (now < ln__coap_mid_due(coap))
        return false;
    *mid = coap->next_mid++;
    coap->mid_used[quarter(*mid)] = now;
    return true;
}

/* ---- duplicates ---- */

static void send_again(struct ln_coap *coap, const struct ln__coap_cached *entry,
                       struct ln_span body)
{
    struct ln__coap_message m;
    ln__coap_begin(coap, &m, LN_COAP_ACK, entry->code, entry->mid, &entry->token);
    ln__coap_put_checked(&m.w, body, 0);
    (void)ln__coap_send(coap, entry->peer, &m, LN__COAP_NOW);
}

/* True if the message came before and all that is due was done. */
static bool is_duplicate(struct ln_coap *coap, ln_coap_peer peer, const struct ln_coap_msg *msg,
                         ln_msec now)
{
    struct ln__coap_cached entry;
    struct ln_span body;
    if (!ln__coap_cache_find(coap, peer, msg->mid, now, &entry, &body))
        return false;
    coap->counters.duplicates++;
    switch ((enum ln__coap_replay)entry.replay) {
    case REPLAY_NOTHING:
        return true; /* RFC 7252 4.3: silently */
    case REPLAY_ACK:
        say_empty(coap, peer, LN_COAP_ACK, msg->mid);
        break;
    case REPLAY_ANSWER:
    case REPLAY_BARE:
        send_again(coap, &entry, body);
        break;
    }
    coap->counters.replayed++;
    return true;
}

/* ---- what comes ---- */

static void receive_malformed(struct ln_coap *coap, ln_coap_peer peer, struct ln_span in)
{
    uint8_t type = 0;
    uint8_t code = 0;
    uint16_t mid = 0;
    coap->counters.malformed++;
    /* RFC 7252 4.2: a confirmable message that cannot be processed is rejected */
    if (ln_coap_read_udp_header(in, &type, &code, &mid) == LN_OK && type == LN_COAP_CON)
        say_empty(coap, peer, LN_COAP_RST, mid);
}

/* An answer as a message of its own: separate, or a notification. */
static void receive_separate(struct ln_coap *coap, ln_coap_peer peer, const struct ln_coap_msg *msg,
                             ln_msec now)
{
    struct ln__coap_exchange *ex = ln__coap_match_token(coap, peer, &msg->token);
    if (ex == NULL || msg->bad_option != 0) {
        coap->counters.unexpected++;
        say_empty(coap, peer, LN_COAP_RST, msg->mid); /* also what ends an observation */
        if (ex != NULL)
            ln__coap_end(coap, ex, LN_COAP_BROKEN, NULL, now);
        return;
    }
    bool confirmable = msg->type == LN_COAP_CON;
    struct ln__coap_cached entry = { .peer = peer,
                                     .mid = msg->mid,
                                     .replay = confirmable ? REPLAY_ACK : REPLAY_NOTHING };
    ln__coap_cache_add(coap, entry, ln_span(NULL, 0), now);
    if (confirmable)
        say_empty(coap, peer, LN_COAP_ACK, msg->mid);
    ln__coap_on_response(coap, ex, msg, now);
}

static void receive_piggybacked(struct ln_coap *coap, ln_coap_peer peer,
                                const struct ln_coap_msg *msg, ln_msec now)
{
    struct ln__coap_exchange *ex = ln__coap_match_mid(coap, peer, msg->mid);
    bool asked = ex != NULL && (ex->kind == EX_REQUEST || ln__coap_is_leg(ex));
    if (!asked || !ln_coap_token_equal(&ex->token, &msg->token)) {
        coap->counters.unexpected++;
        return;
    }
    if (msg->bad_option != 0)
        ln__coap_end(coap, ex, LN_COAP_BROKEN, NULL, now);
    else
        ln__coap_on_response(coap, ex, msg, now);
}

static void receive_message(struct ln_coap *coap, ln_coap_peer peer, const struct ln_coap_msg *msg,
                            ln_msec now)
{
    if (ln_coap_is_request(msg->code)) {
        if (!is_duplicate(coap, peer, msg, now))
            ln__coap_serve(coap, peer, msg, now);
    } else if (msg->code != LN_COAP_EMPTY) {
        if (!is_duplicate(coap, peer, msg, now))
            receive_separate(coap, peer, msg, now);
    } else if (msg->type == LN_COAP_CON) {
        say_empty(coap, peer, LN_COAP_RST, msg->mid); /* "CoAP ping", RFC 7252 4.3 */
    } else {
        coap->counters.malformed++; /* an empty NON means nothing */
    }
}

static void receive_ack(struct ln_coap *coap, ln_coap_peer peer, const struct ln_coap_msg *msg,
                        ln_msec now)
{
    if (ln_coap_is_request(msg->code))
        coap->counters.malformed++;
    else if (msg->code != LN_COAP_EMPTY)
        receive_piggybacked(coap, peer, msg, now);
    else if (!ln__coap_on_ack(coap, peer, msg->mid, now))
        coap->counters.unexpected++;
}

void ln__coap_receive_udp(struct ln_coap *coap, ln_coap_peer peer, struct ln_span in, ln_msec now)
{
    struct ln_coap_msg msg;
    coap->counters.received++;
    if (ln_coap_read_udp(in, &msg) != LN_OK) {
        receive_malformed(coap, peer, in);
        return;
    }
    switch ((enum ln_coap_type)msg.type) {
    case LN_COAP_CON:
    case LN_COAP_NON:
        receive_message(coap, peer, &msg, now);
        break;
    case LN_COAP_ACK:
        receive_ack(coap, peer, &msg, now);
        break;
    case LN_COAP_RST:
        if (msg.code != LN_COAP_EMPTY)
            coap->counters.malformed++;
        else if (!ln__coap_on_rst(coap, peer, msg.mid, now))
            coap->counters.unexpected++;
        break;
    }
    ln__coap_pump(coap, now);
}
