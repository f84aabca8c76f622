/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file diagnose.c
 * Facts -> one category and one sentence, the same for every TLS library.
 *
 * Order matters and follows ERR-03 of the requirements: memory, our own refusal of a certificate,
 * the peer's alert, the socket below, the library's reason, silence. Where the wire allows a guess
 * only, the verdict is marked likely and its sentence names the candidates.
 */
#include "tls/filter.h"
#include <stdio.h>
#include <string.h>

/* Handshake message types (RFC 8446 4, RFC 6347 4.3.2) */
#define MT_CLIENT_HELLO 1
#define MT_SERVER_HELLO 2
#define MT_HELLO_VERIFY 3
#define MT_ENCRYPTED_EXTENSIONS 8
#define MT_CERTIFICATE 11
#define MT_CERTIFICATE_REQUEST 13
#define MT_SERVER_HELLO_DONE 14
#define MT_FINISHED 20

/* AlertLevel, RFC 5246 7.2 */
#define LEVEL_FATAL 2

enum alert {
    A_UNEXPECTED_MESSAGE = 10,
    A_BAD_RECORD_MAC = 20,
    A_DECRYPTION_FAILED = 21,
    A_HANDSHAKE_FAILURE = 40,
    A_NO_CERTIFICATE = 41,
    A_BAD_CERTIFICATE = 42,
    A_CERTIFICATE_UNKNOWN = 46,
    A_ILLEGAL_PARAMETER = 47,
    A_UNKNOWN_CA = 48,
    A_ACCESS_DENIED = 49,
    A_DECRYPT_ERROR = 51,
    A_PROTOCOL_VERSION = 70,
    A_INSUFFICIENT_SECURITY = 71,
    A_USER_CANCELED = 90,
    A_MISSING_EXTENSION = 109,
    A_UNRECOGNIZED_NAME = 112,
    A_UNKNOWN_PSK_IDENTITY = 115,
    A_CERTIFICATE_REQUIRED = 116,
    A_NO_APPLICATION_PROTOCOL = 120,
};

/** From how many flights on it is a pattern, also if one was lost; from how many on if of each flight the
 *  same arrives; below which size datagrams are small. */
#define REPEATED 4
#define REPEATED_STEADILY 2
#define SMALL_DATAGRAM 700

struct verdict {
    enum ln_status status;
    enum ln_category category;
    bool likely;
    const char *text;
};

struct cause {
    const struct ln_tls_sock *t;
    const struct ln_tls_facts *facts;
    enum ln_status status;
    enum ln_phase phase;
    bool client;
    bool psk;
    bool stream;
};

static bool seen(const struct cause *c, int type)
{
    return (c->facts->seen >> type & 1) != 0;
}

static bool said(const struct cause *c, int type)
{
    return (c->facts->said >> type & 1) != 0;
}

/** Whether the peer answered our hello with a handshake message at all. */
static bool negotiated(const struct cause *c)
{
    return seen(c, c->client ? MT_SERVER_HELLO : MT_CLIENT_HELLO);
}

static struct verdict certain(enum ln_status status, enum ln_category category, const char *text)
{
    struct verdict v = { status, category, false, text };
    return v;
}

static struct verdict likely(enum ln_status status, enum ln_category category, const char *text)
{
    struct verdict v = { status, category, true, text };
    return v;
}

/** Whether the peer's alert ended the connection. A warning does not (RFC 5246 7.2.2); in TLS 1.3 the
 *  level means nothing, and user_canceled is the only one that goes on (RFC 8446 6.1). */
static bool ended_by_alert(const struct ln_tls_facts *f)
{
    if (f->alert_from != LN_ALERT_RECEIVED)
        return false;
    bool levels = f->chosen_version != LN_TLS_1_3 && f->chosen_version != LN_DTLS_1_3;
    return levels ? f->alert_level == LEVEL_FATAL : f->alert_number != A_USER_CANCELED;
}

/* ---- our refusal of a certificate ---- */

static struct verdict of_verify(const struct cause *c)
{
    switch (c->facts->verify) {
    case LN_VERIFY_INCOMPLETE:
        return likely(
            LN_DENIED, LN_CAT_CHAIN_INCOMPLETE,
            "the peer's chain does not reach a trusted CA: either the peer does not send "
            "the intermediate that issued its certificate, or that issuer is to be trusted");
    case LN_VERIFY_EXPIRED:
        return certain(LN_DENIED, LN_CAT_EXPIRED, "a certificate of the peer has expired");
    case LN_VERIFY_CRL_EXPIRED:
        return certain(LN_DENIED, LN_CAT_EXPIRED, "the CRL of an issuer is out of date");
    case LN_VERIFY_NOT_YET_VALID:
        return certain(LN_DENIED, LN_CAT_NOT_YET_VALID,
                       "a certificate of the peer is not valid yet");
    case LN_VERIFY_WRONG_NAME:
        return certain(LN_DENIED, LN_CAT_WRONG_NAME,
                       "the peer's certificate is for other names than the one connected to");
    case LN_VERIFY_REVOKED:
        return certain(LN_DENIED, LN_CAT_REVOKED, "a certificate of the peer was revoked");
    case LN_VERIFY_CRL_BAD:
        return certain(LN_DENIED, LN_CAT_UNTRUSTED,
                       "an issuer's CRL is missing or its signature is wrong");
    case LN_VERIFY_WEAK:
        return certain(LN_DENIED, LN_CAT_WEAK,
                       "a certificate of the peer has a key or signature that is too weak");
    case LN_VERIFY_BAD_SIGNATURE:
        return certain(LN_DENIED, LN_CAT_UNTRUSTED, "a signature in the peer's chain is wrong");
    case LN_VERIFY_BAD_USAGE:
        return certain(LN_DENIED, LN_CAT_UNTRUSTED,
                       "a certificate in the peer's chain may not be used for this");
    case LN_VERIFY_DANE:
        return certain(LN_DENIED, LN_CAT_DANE_MISMATCH,
                       "no TLSA record matches the peer's certificates");
    case LN_VERIFY_MALFORMED:
        return certain(LN_DENIED, LN_CAT_UNTRUSTED, "a certificate of the peer cannot be read");
    case LN_VERIFY_UNWANTED:
        return likely(
            LN_DENIED, LN_CAT_PSK_IDENTITY,
            "the server answered with a certificate instead of the pre-shared key: it does "
            "not know the identity, or has no keys at all");
    case LN_VERIFY_NOT_DONE:
    case LN_VERIFY_OK:
    case LN_VERIFY_UNTRUSTED:
        break;
    }
    if (!c->t->config->has_trust)
        return certain(LN_DENIED, LN_CAT_UNTRUSTED,
                       "no CA is configured to be trusted, so nobody can be");
    return certain(LN_DENIED, LN_CAT_UNTRUSTED, "the peer's certificate leads to no trusted CA");
}

/* ---- the peer's alert ---- */

static struct verdict of_certificate_alert(const struct cause *c)
{
    if (!c->client)
        return certain(LN_REFUSED, LN_CAT_UNTRUSTED, "the client refused our certificate");
    if (c->facts->certificate_sent)
        return certain(LN_REFUSED, LN_CAT_CLIENT_CERT_REJECTED,
                       "the server refused our client certificate");
    if (seen(c, MT_CERTIFICATE_REQUEST))
        return certain(LN_REFUSED, LN_CAT_CLIENT_CERT_WANTED,
                       "the server wants a client certificate, and none is configured");
    return certain(LN_REFUSED, LN_CAT_ALERT_OTHER, "the peer complained about a certificate");
}

static struct verdict of_handshake_failure(const struct cause *c)
{
    if (!c->client)
        return certain(LN_REFUSED, LN_CAT_ALERT_OTHER,
                       "the client refused what we answered, and does not say why");
    if (seen(c, MT_CERTIFICATE_REQUEST) && !c->facts->certificate_sent)
        return likely(LN_REFUSED, LN_CAT_CLIENT_CERT_WANTED,
                      "the server wants a client certificate, and none is configured");
    if (c->facts->certificate_sent)
        return likely(LN_REFUSED, LN_CAT_CLIENT_CERT_REJECTED,
                      "the server gave up after our client certificate");
    if (c->psk && seen(c, MT_SERVER_HELLO)) /* GnuTLS does so */
        return likely(LN_REFUSED, LN_CAT_PSK_IDENTITY,
                      "the server chose a suite and then refused our pre-shared key: it does not "
                      "know the identity");
    if (c->psk && c->t->config->max_version == LN_TLS_1_3)
        return likely(
            LN_REFUSED, LN_CAT_PSK_IDENTITY,
            "the server refused what was offered: it does not know the identity, or has no "
            "pre-shared-key suite in common with us");
    if (c->psk)
        return likely(LN_REFUSED, LN_CAT_SUITE,
                      "the server refused what was offered: it has no pre-shared-key suite in "
                      "common with us, or does not know the identity");
    return likely(LN_REFUSED, LN_CAT_SUITE,
                  "the server refused what was offered: no cipher suite, group or signature "
                  "algorithm in common");
}

static struct verdict of_decrypt_alert(const struct cause *c)
{
    if (c->psk && c->phase == LN_PHASE_HANDSHAKE && c->facts->chosen_version != LN_TLS_1_3 &&
        c->client) /* RFC 4279 2: a server may hide whether it knows the identity */
        return likely(LN_REFUSED, LN_CAT_PSK_KEY,
                      "the server could not decrypt what our pre-shared key encrypted: the keys "
                      "differ, or it does not know the identity and hides that");
    if (c->psk && c->phase == LN_PHASE_HANDSHAKE)
        return certain(LN_REFUSED, LN_CAT_PSK_KEY,
                       "the peer could not decrypt what our pre-shared key encrypted: the keys "
                       "differ");
    if (c->client && c->facts->certificate_sent && c->phase == LN_PHASE_HANDSHAKE)
        return likely(LN_REFUSED, LN_CAT_CLIENT_CERT_REJECTED,
                      "the server could not verify the signature of our client certificate");
    return certain(LN_REFUSED, LN_CAT_RECORD_DAMAGED, "the peer could not decrypt a record");
}

static struct verdict of_alert(const struct cause *c)
{
    uint8_t number = c->facts->alert_number;
    bool only_key =
        number == A_MISSING_EXTENSION && c->psk && c->client; /* nothing for certificates */
    if (number == A_HANDSHAKE_FAILURE || only_key)
        return of_handshake_failure(c);
    if (number == A_MISSING_EXTENSION && c->client && c->psk) /* what certificates would take */
        return of_handshake_failure(c);
    if (number == A_PROTOCOL_VERSION)
        return certain(LN_REFUSED, LN_CAT_VERSION,
                       "the peer has none of the protocol versions that were offered");
    if (number == A_INSUFFICIENT_SECURITY)
        return certain(LN_REFUSED, LN_CAT_SUITE, "the peer demands stronger suites or groups");
    if (number == A_UNKNOWN_PSK_IDENTITY)
        return certain(LN_REFUSED, LN_CAT_PSK_IDENTITY,
                       "the server does not know the PSK identity");
    if (number == A_BAD_RECORD_MAC || number == A_DECRYPT_ERROR || number == A_DECRYPTION_FAILED)
        return of_decrypt_alert(c);
    if (number == A_ILLEGAL_PARAMETER && c->psk && said(c, MT_CLIENT_HELLO) && !negotiated(c))
        return likely(LN_REFUSED, LN_CAT_PSK_KEY,
                      "the server refused the proof of our pre-shared key: the keys differ");
    if (number == A_CERTIFICATE_REQUIRED || number == A_NO_CERTIFICATE)
        return certain(LN_REFUSED, LN_CAT_CLIENT_CERT_WANTED,
                       "the server wants a client certificate, and none was sent");
    if ((number >= A_BAD_CERTIFICATE && number <= A_CERTIFICATE_UNKNOWN) ||
        number == A_UNKNOWN_CA || number == A_ACCESS_DENIED)
        return of_certificate_alert(c);
    if (number == A_UNRECOGNIZED_NAME)
        return certain(LN_REFUSED, LN_CAT_WRONG_NAME, "the server does not serve that name");
    if (number == A_NO_APPLICATION_PROTOCOL)
        return certain(LN_REFUSED, LN_CAT_ALERT_OTHER,
                       "the peer has none of the application protocols (ALPN) that were offered");
    return certain(LN_REFUSED, LN_CAT_ALERT_OTHER, "the peer ended the connection by an alert");
}

/* ---- a close_notify in the handshake ---- */

static struct verdict of_goodbye(const struct cause *c)
{
    if (c->psk && c->client && !c->stream && said(c, MT_FINISHED))
        return likely(LN_CLOSED, LN_CAT_PSK_KEY,
                      "the server said goodbye after our Finished, as some do that cannot read it: "
                      "the keys differ; or it has shut down");
    return certain(LN_CLOSED, LN_CAT_RESET, "the peer said goodbye in the handshake");
}

/* ---- silence ---- */

/** Chance may lose the same piece of a flight each time, but then it loses and doubles others too. On a
 *  path with no other fault each hello that was repeated brought a flight, and each flight the same; of
 *  many one may be missing. (Of the first flight all can be: OpenSSL fills the first datagram to the brim,
 *  and sends each message by itself when it repeats them.) */
static bool is_a_pattern(const struct cause *c)
{
    const struct ln_dtls_guard *guard = &c->t->link->guard;
    unsigned flights = ln__dtls_guard_flights(guard);
    unsigned missed = flights >= REPEATED ? 1 : 0;
    return flights >= REPEATED_STEADILY && !ln__dtls_guard_path_doubles(guard) &&
           flights + missed >= c->facts->retransmissions && ln__dtls_guard_is_steady(guard, missed);
}

/** A server repeats its flight with certificates, and of it small datagrams arrive, but no large ones. */
static bool only_small_ones(const struct cause *c)
{
    const struct ln_tls_link *link = c->t->link;
    bool half_a_flight = c->client && !c->stream && !c->psk && !said(c, MT_FINISHED) &&
                         !seen(c, MT_SERVER_HELLO_DONE);
    return half_a_flight && link->largest < SMALL_DATAGRAM && ln__dtls_guard_has_gap(&link->guard);
}

static struct verdict of_half_a_flight(const struct cause *c)
{
    if (is_a_pattern(c))
        return likely(
            LN_TIMEOUT, LN_CAT_FRAGMENTS_LOST,
            "small datagrams of the server's flight keep arriving and the others never do: "
            "large ones are lost on the way");
    if (ln__dtls_guard_flights(&c->t->link->guard) >= REPEATED)
        return likely(
            LN_TIMEOUT, LN_CAT_STALLED,
            "the server's flight came again and again and never whole: the path loses many "
            "datagrams, or all large ones");
    return certain(LN_TIMEOUT, LN_CAT_STALLED, "the peer answered and then fell silent");
}

/** A server without our key cannot read our Finished, and drops it. If the path is known to lose what
 *  is sent, because earlier flights had to go twice, or records are missing or double, then seven losses
 *  in a row are a cause, too. */
static struct verdict of_silence_behind_psk(const struct cause *c)
{
    if (c->t->tries_before > 0 || ln__dtls_guard_path_is_bad(&c->t->link->guard))
        return likely(LN_TIMEOUT, LN_CAT_STALLED,
                      "the server fell silent after our Finished, on a path that loses or doubles "
                      "datagrams: it never got through, or the keys differ");
    return likely(LN_TIMEOUT, LN_CAT_PSK_KEY,
                  "the server fell silent after our Finished, as DTLS servers do when the keys "
                  "differ; or the path died");
}

static struct verdict of_silence(const struct cause *c)
{
    const struct ln_tls_facts *f = c->facts;
    if (!f->got_bytes && c->stream)
        return certain(LN_TIMEOUT, LN_CAT_STALLED,
                       "the peer accepted the connection and never answered our hello");
    if (!f->got_bytes && c->t->link->datagrams > 0 && c->t->link->guard.facts.records == 0)
        return likely(
            LN_TIMEOUT, LN_CAT_NOT_TLS,
            "something answers there, but not in DTLS: another protocol, or a newer version");
    if (!f->got_bytes)
        return certain(LN_TIMEOUT, LN_CAT_NO_ANSWER, "nothing ever came back from the peer");
    if (c->psk && c->client && said(c, MT_FINISHED))
        return of_silence_behind_psk(c);
    if (only_small_ones(c))
        return of_half_a_flight(c);
    if (c->client && f->certificate_sent && said(c, MT_FINISHED))
        return likely(LN_TIMEOUT, LN_CAT_STALLED,
                      "the server fell silent after our certificate: it refused it without a word, "
                      "or large datagrams are lost on the way");
    return certain(LN_TIMEOUT, LN_CAT_STALLED, "the peer answered and then fell silent");
}

/* ---- the library's reason ---- */

static struct verdict of_eof(const struct cause *c)
{
    if (c->phase == LN_PHASE_TRANSFER)
        return certain(LN_BAD_PEER, LN_CAT_TRUNCATED,
                       "the connection ended without close_notify: data may be missing");
    if (!c->facts->got_bytes)
        return likely(LN_CLOSED, LN_CAT_RESET,
                      "the peer closed the connection at our hello: it speaks another protocol, or "
                      "refuses what was offered");
    return certain(LN_CLOSED, LN_CAT_RESET, "the peer closed the connection in the handshake");
}

static struct verdict of_decrypt(const struct cause *c)
{
    if (c->psk && c->phase == LN_PHASE_HANDSHAKE)
        return likely(LN_REFUSED, LN_CAT_PSK_KEY,
                      "the peer's Finished does not decrypt: the pre-shared keys differ");
    return certain(LN_BAD_PEER, LN_CAT_RECORD_DAMAGED,
                   "a record does not decrypt: it was damaged or forged");
}

static bool chose_what_was_not_offered(const struct cause *c)
{
    return c->client && c->facts->alert_from == LN_ALERT_SENT &&
           c->facts->alert_number == A_ILLEGAL_PARAMETER;
}

static struct verdict of_reason(const struct cause *c)
{
    switch (c->facts->reason) {
    case LN_TLS_REASON_NOT_TLS:
        if (!negotiated(c))
            return certain(LN_BAD_PEER, LN_CAT_NOT_TLS, "what came back is not TLS");
        return certain(LN_BAD_PEER, LN_CAT_RECORD_DAMAGED, "a record makes no sense");
    case LN_TLS_REASON_VERSION:
        return certain(LN_REFUSED, LN_CAT_VERSION, "no protocol version in common");
    case LN_TLS_REASON_SUITE:
        if (chose_what_was_not_offered(c))
            return certain(LN_BAD_PEER, LN_CAT_SUITE,
                           "the server chose a cipher suite that was not offered");
        return certain(LN_REFUSED, LN_CAT_SUITE, "no cipher suite in common");
    case LN_TLS_REASON_GROUP:
        if (chose_what_was_not_offered(c))
            return certain(LN_BAD_PEER, LN_CAT_GROUP,
                           "the server chose a key exchange group that was not offered");
        return certain(LN_REFUSED, LN_CAT_GROUP, "no key exchange group in common");
    case LN_TLS_REASON_SIGNATURE:
        if (c->psk && !c->client) /* no key was found, and there is no certificate to sign with */
            return certain(LN_REFUSED, LN_CAT_PSK_IDENTITY, "the PSK identity is not known");
        return certain(LN_REFUSED, LN_CAT_SUITE, "no signature algorithm in common");
    case LN_TLS_REASON_DECRYPT:
        return of_decrypt(c);
    case LN_TLS_REASON_PSK_UNKNOWN:
        return certain(LN_REFUSED, LN_CAT_PSK_IDENTITY, "the PSK identity is not known");
    case LN_TLS_REASON_NO_CLIENT_CERT:
        return certain(LN_DENIED, LN_CAT_CLIENT_CERT_WANTED, "the client sent no certificate");
    case LN_TLS_REASON_EOF:
        return of_eof(c);
    case LN_TLS_REASON_TIMEOUT:
        return of_silence(c);
    case LN_TLS_REASON_MALFORMED:
    case LN_TLS_REASON_UNEXPECTED:
        return certain(LN_BAD_PEER, LN_CAT_RECORD_DAMAGED,
                       "the peer sent a message that is malformed or out of order");
    case LN_TLS_REASON_LEGACY:
        return certain(LN_DENIED, LN_CAT_LEGACY_SERVER,
                       "the server does not know secure renegotiation (RFC 5746)");
    case LN_TLS_REASON_CONFIG:
        return certain(LN_BAD_ARG, LN_CAT_CONFIGURATION, "the TLS library refuses a setting");
    case LN_TLS_REASON_VERIFY:
    case LN_TLS_REASON_MEMORY:
    case LN_TLS_REASON_OTHER:
        break;
    }
    return certain(c->status == LN_OK ? LN_INTERNAL : c->status, LN_CAT_ALERT_OTHER,
                   "the TLS library gave up");
}

static struct verdict judge(const struct cause *c)
{
    const struct ln_tls_facts *f = c->facts;
    if (c->status == LN_NO_MEMORY || f->reason == LN_TLS_REASON_MEMORY)
        return certain(LN_NO_MEMORY, LN_CAT_OUT_OF_MEMORY, "the TLS library ran out of memory");
    if (f->reason == LN_TLS_REASON_VERIFY && !ended_by_alert(f))
        return of_verify(c);
    if (ended_by_alert(f))
        return of_alert(c);
    if (c->status == LN_CLOSED && f->closed_by_peer && c->phase == LN_PHASE_TRANSFER)
        return certain(LN_CLOSED, LN_CAT_CLOSED_BY_PEER, "the peer ended the association");
    if (f->closed_by_peer)
        return of_goodbye(c);
    if (c->status == LN_TIMEOUT)
        return of_silence(c);
    return of_reason(c);
}

/* ---- the record ---- */

static void add_facts(struct ln_diag *d, const struct ln_tls_sock *t, const struct ln_tls_facts *f)
{
    const struct ln_tls_config *config = t->config;
    d->alert_from = f->alert_from;
    d->alert_level = f->alert_level;
    d->alert_number = f->alert_number;
    d->alert_derived = f->alert_derived;
    d->verify = f->verify;
    d->verify_native = f->verify_native;
    d->verify_depth = f->verify_depth;
    memcpy(d->subject, f->subject, sizeof d->subject);
    d->flights_sent = f->flights_sent;
    d->flights_received = f->flights_received;
    d->retransmissions = f->retransmissions;
    d->offered_min = config->min_version;
    d->offered_max = config->max_version;
    d->chosen_version = f->chosen_version;
    d->chosen_suite = f->chosen_suite;
    memcpy(d->offered_suites, config->suites, sizeof d->offered_suites);
    d->offered_suite_count = (uint16_t)config->suite_count;
}

/** What the sentence needs beyond the verdict: whose certificate, which name, which clock. */
static void details(const struct ln_tls_sock *t, const struct ln_tls_facts *f,
                    enum ln_category category, char *text, size_t room)
{
    text[0] = '\0';
    if (category == LN_CAT_WRONG_NAME && f->verify == LN_VERIFY_WRONG_NAME)
        snprintf(text, room, " (%.80s)", ln__tls_name(t));
    else if (f->subject[0] != '\0' && f->verify != LN_VERIFY_OK)
        snprintf(text, room, " (%.80s)", f->subject);
    bool about_time = category == LN_CAT_EXPIRED || category == LN_CAT_NOT_YET_VALID;
    if (about_time && t->time_floored) {
        size_t len = strlen(text);
        snprintf(text + len, room - len, "; this machine's clock is wrong");
    }
}

/** Whether the record is the engine's: its library's words, to be put into ours. That of a TLS socket
 *  below us has the same origin, and is ours already: it has a phase. */
static bool is_raw(const struct ln_diag *d, const struct ln_tls_backend *backend)
{
    return d->status != LN_OK && d->phase == LN_PHASE_NONE && d->origin != NULL &&
           strcmp(d->origin, backend->name) == 0;
}

/** Whether the server may have failed over the session that was offered: it showed a sign of life, or
 *  hung up. A network that carries nothing, and our own lack of memory, say nothing about it. */
static bool may_be_the_session(const struct cause *c)
{
    const struct ln_tls_facts *f = c->facts;
    if (!c->t->session_offered || c->phase != LN_PHASE_HANDSHAKE)
        return false;
    if (c->status == LN_NO_MEMORY || f->reason == LN_TLS_REASON_MEMORY)
        return false;
    return f->got_bytes || f->closed_by_peer || c->status == LN_CLOSED ||
           f->reason == LN_TLS_REASON_EOF;
}

enum ln_status ln__tls_diagnose(struct ln_tls_sock *t, enum ln_status status, enum ln_phase phase)
{
    struct ln_diag *d = t->base.diag;
    const struct ln_diag before = *d;
    const struct ln_tls_facts *facts = &t->link->facts;
    const struct cause c = { .t = t,
                             .facts = facts,
                             .status = status,
                             .phase = phase,
                             .client = t->base.role == LN_CLIENT,
                             .psk = t->config->auth == LN_AUTH_PSK,
                             .stream = t->config->kind == LN_TLS };
    if (may_be_the_session(&c))
        ln__tls_session_forget(t);
    bool raw = is_raw(d, t->link->backend);
    bool lower_said = d->status != LN_OK && !raw;
    if (lower_said && !ended_by_alert(facts) &&
        facts->reason != LN_TLS_REASON_VERIFY) { /* the deepest cause; ours is where it struck */
        d->phase = phase;
        add_facts(d, t, facts);
        return d->status;
    }
    struct verdict v = judge(&c);
    char more[112];
    details(t, facts, v.category, more, sizeof more);
    ln_diag_clear(d);
    ln_diag_set(d, v.status, v.category, phase, "%s%s", v.text, more);
    d->likely = v.likely;
    add_facts(d, t, facts);
    if (raw)
        ln_diag_native(d, before.origin, before.native, before.native_text);
    ln_log(t->base.env, LN_LOG_INFO, "tls", "%s: %s", ln_category_word(v.category), d->text);
    return v.status;
}
