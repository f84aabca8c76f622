/* SPDX-License-Identifier: Apache-2.0 */
/* What `linnet probe` does over a connection, to learn what its handshake did not tell. */
#include "probe.h"

#include <string.h>

static ln_msec earlier(ln_msec a, ln_msec b)
{
    return a < b ? a : b;
}

/* ---- TLS 1.3 ---- */

/* The server judges our certificate after our side of the handshake is done (RFC 8446 4.4): its
 * refusal, or its tickets, come one round trip later. */
#define LISTEN_MIN_MS 250
#define LISTEN_MAX_MS 3000

static bool heard_enough(const struct ln_sock *s, const struct probe_settings *settings,
                         uint64_t wire_before)
{
    struct ln_sock_info info;
    ln_sock_info(s, &info);
    if (settings->security.tls.sessions != NULL && !info.tls.session_stored)
        return false;
    return info.wire_received > wire_before;
}

static void listen_a_while(const struct ln_env *env, struct ln_sock *s,
                           const struct probe_settings *settings, struct probe_attempt *attempt)
{
    struct ln_sock_info info;
    ln_sock_info(s, &info);
    if (info.tls.version != LN_TLS_1_3)
        return;
    ln_msec wait = info.tls.handshake_ms * 3 + LISTEN_MIN_MS;
    ln_msec until = ln_deadline_in(env, earlier(wait, LISTEN_MAX_MS));
    for (;;) {
        uint8_t room[2048];
        size_t got = 0;
        enum ln_status st = ln_sock_recv(s, ln_mspan(room, sizeof room), &got);
        if (st == LN_OK && got == 0) {
            snprintf(attempt->note, sizeof attempt->note,
                     "the server closed the connection right after the handshake");
            return;
        }
        if (st == LN_OK) /* the server speaks first: a CoAP CSM, a greeting */
            return;
        if (st != LN_AGAIN) {
            attempt->diag = *ln_sock_diag(s);
            return;
        }
        if (heard_enough(s, settings, info.wire_received) || ln_now(env) >= until)
            return;
        struct ln_interest want;
        ln_sock_interest(s, LN_WANT_READ, &want);
        if (env->net.ops->wait(env->net.ctx, &want, until) != LN_OK)
            return;
        st = ln_sock_step(s, ln_now(env));
        if (st != LN_OK && st != LN_AGAIN)
            attempt->diag = *ln_sock_diag(s);
        if (attempt->diag.status != LN_OK)
            return;
    }
}

/* ---- UDP ---- */

#define UDP_WAIT_MS 1000

/* LN_OK: something came; LN_TIMEOUT: nothing; anything else is in attempt->diag. */
static enum ln_status ask(struct ln_sock *s, struct ln_span question, struct ln_mspan room,
                          size_t *got, ln_msec until, struct probe_attempt *attempt)
{
    *got = 0;
    enum ln_status st = ln_sock_send_until(s, question, until, NULL);
    if (st == LN_OK)
        st = ln_sock_recv_until(s, room, until, got);
    if (st == LN_NO_SPACE)
        st = LN_OK; /* long, but an answer */
    if (st != LN_OK && st != LN_TIMEOUT)
        attempt->diag = *ln_sock_diag(s);
    return st;
}

static void send_datagram(const struct ln_env *env, struct ln_sock *s,
                          const struct probe_settings *settings, struct probe_attempt *attempt)
{
    uint8_t room[16];
    size_t got = 0;
    ln_msec until = ln_deadline_in(env, earlier(settings->args->timeout_ms, UDP_WAIT_MS));
    enum ln_status st = ask(s, ln_span(NULL, 0), ln_mspan(room, sizeof room), &got, until, attempt);
    if (st == LN_TIMEOUT)
        snprintf(attempt->note, sizeof attempt->note,
                 "an empty datagram was sent and nothing refused it; UDP does not tell whether "
                 "anybody got it");
    else if (st == LN_OK)
        snprintf(attempt->note, sizeof attempt->note,
                 "an empty datagram was sent, and the peer answered it");
}

/* ---- CoAP ---- */

/* ACK_TIMEOUT, doubled each time, RFC 7252 4.2. A ping is no request: nobody may have seen it. */
#define PING_FIRST_MS 2000

static void ping(const struct ln_env *env, struct ln_sock *s, const struct probe_settings *settings,
                 struct probe_attempt *attempt)
{
    uint8_t question[4] = { 0x40, 0, 0, 0 }; /* version 1, confirmable, empty, message id */
    ln_msec until = ln_deadline_in(env, settings->args->timeout_ms);
    ln_msec start = ln_now(env);
    unsigned sent = 0;
    if (env->random.fill(env->random.ctx, ln_mspan(question + 2, 2)) != LN_OK)
        return;
    for (ln_msec wait = PING_FIRST_MS; ln_now(env) < until; wait *= 2) {
        uint8_t answer[16];
        size_t got = 0;
        ln_msec next = earlier(until, ln_deadline_in(env, wait));
        enum ln_status st = ask(s, ln_span(question, sizeof question),
                                ln_mspan(answer, sizeof answer), &got, next, attempt);
        sent++;
        if (st == LN_TIMEOUT)
            continue;
        bool reset = got == 4 && answer[0] == 0x70 && answer[1] == 0 &&
                     memcmp(answer + 2, question + 2, 2) == 0;
        if (st == LN_OK)
            snprintf(attempt->note, sizeof attempt->note, "%s after %lld ms: %s",
                     reset ? "a CoAP ping was answered by a reset" : "something answered",
                     (long long)(ln_now(env) - start),
                     reset ? "a CoAP endpoint lives there" : "but not as a CoAP endpoint should");
        return;
    }
    ln_diag_set(&attempt->diag, LN_TIMEOUT, LN_CAT_NO_ANSWER, LN_PHASE_TRANSFER,
                "%u CoAP ping%s sent, and nothing came back", sent, sent == 1 ? " was" : "s were");
}

void probe_after(const struct ln_env *env, struct ln_sock *s, const struct probe_settings *settings,
                 struct probe_attempt *attempt)
{
    switch (settings->after) {
    case PROBE_AFTER_NOTHING:
        break;
    case PROBE_AFTER_DATAGRAM:
        send_datagram(env, s, settings, attempt);
        break;
    case PROBE_AFTER_COAP_PING:
        ping(env, s, settings, attempt);
        break;
    case PROBE_AFTER_LISTEN:
        listen_a_while(env, s, settings, attempt);
        break;
    }
}
