/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a handshake said and heard, its key log, and what of a session can be resumed.
 *
 * A session of TLS 1.2 is kept once its handshake is done, if both sides have the extended master
 * secret: without it a resumption proves less than it seems (RFC 7627). Tickets of TLS 1.3 come later
 * and are kept as they come.
 */
#include "backend.h"
#include <stdio.h>

/* ---- messages ---- */

/* ServerHello: version, random, session id, suite (RFC 5246 7.4.1.3, RFC 8446 4.1.3). */
static void note_server_hello(struct ln_tls_facts *facts, const gnutls_datum_t *message)
{
    size_t at = 2 + 32;
    if (message->size <= at)
        return;
    at += 1u + message->data[at];
    if (message->size < at + 2)
        return;
    facts->chosen_suite = (uint16_t)(message->data[at] << 8 | message->data[at + 1]);
    facts->chosen_version = (uint16_t)(message->data[0] << 8 | message->data[1]);
    if (facts->chosen_suite >> 8 == 0x13)
        facts->chosen_version = LN_TLS_1_3;
}

#define SUPPORTED_VERSIONS 43 /* RFC 8446 4.2.1 */

/* The bytes behind a length of `prefix` bytes. An empty span with NULL where they are not there. */
static struct ln_span take_vector(struct ln_span *from, size_t prefix)
{
    size_t len = 0;
    if (from->len < prefix)
        return *from = ln_span(NULL, 0);
    for (size_t i = 0; i < prefix; i++)
        len = len << 8 | from->data[i];
    if (len > from->len - prefix)
        return *from = ln_span(NULL, 0);
    struct ln_span vector = ln_span(from->data + prefix, len);
    *from = ln_span(vector.data + len, from->len - prefix - len);
    return vector;
}

static bool has_version(const struct gtls_config *c, struct ln_span list)
{
    for (size_t i = 0; i + 2 <= list.len; i += 2) {
        uint16_t version = (uint16_t)(list.data[i] << 8 | list.data[i + 1]);
        if (version >= c->min_version && version <= c->max_version)
            return true;
    }
    return false;
}

/* A server without TLS 1.3 does not look at the list of versions, finds no suite in common, and says
 * that. What the two have not in common is a version. */
static void note_versions(struct gtls_engine *e, const gnutls_datum_t *hello)
{
    struct ln_span rest = ln_span(hello->data, hello->size);
    if (e->config->datagram || rest.len < 2 + 32)
        return;
    uint16_t highest = (uint16_t)(rest.data[0] << 8 | rest.data[1]); /* for hellos without a list */
    e->no_version = highest < e->config->min_version;
    rest = ln_span(rest.data + 2 + 32, rest.len - 2 - 32);
    (void)take_vector(&rest, 1); /* session id */
    (void)take_vector(&rest, 2); /* suites */
    (void)take_vector(&rest, 1); /* compression */
    struct ln_span extensions = take_vector(&rest, 2);
    while (extensions.len >= 4) {
        bool found = extensions.data[0] == 0 && extensions.data[1] == SUPPORTED_VERSIONS;
        extensions = ln_span(extensions.data + 2, extensions.len - 2);
        struct ln_span body = take_vector(&extensions, 2);
        if (found)
            e->no_version = !has_version(e->config, take_vector(&body, 1));
    }
}

static int on_message(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming,
                      const gnutls_datum_t *message)
{
    struct gtls_engine *e = gnutls_session_get_ptr(session);
    struct ln_tls_facts *facts = e->facts;
    (void)when;
    if (!incoming && e->config->datagram)
        gtls_flight_composed(e);
    if (type >= 64)
        return 0; /* of GnuTLS's own numbering */
    if (incoming)
        facts->seen |= (uint64_t)1 << type;
    else
        facts->said |= (uint64_t)1 << type;
    if (incoming && type == GNUTLS_HANDSHAKE_CLIENT_HELLO)
        note_versions(e, message);
    if (incoming && type == GNUTLS_HANDSHAKE_SERVER_HELLO)
        note_server_hello(facts, message);
    if (incoming && type == GNUTLS_HANDSHAKE_NEW_SESSION_TICKET)
        e->ticket_new = true;
    if (!incoming && type == GNUTLS_HANDSHAKE_CERTIFICATE_PKT && message->size > 4)
        facts->certificate_sent = true; /* more than empty lists */
    return 0;
}

/* ---- key log ---- */

static size_t add_hex(char *text, const gnutls_datum_t *bytes)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes->size; i++) {
        text[2 * i] = digits[bytes->data[i] >> 4];
        text[2 * i + 1] = digits[bytes->data[i] & 15];
    }
    return 2 * (size_t)bytes->size;
}

static int on_secret(gnutls_session_t session, const char *label, const gnutls_datum_t *secret)
{
    const struct gtls_engine *e = gnutls_session_get_ptr(session);
    gnutls_datum_t client = { NULL, 0 };
    gnutls_datum_t server = { NULL, 0 };
    char line[384];
    gnutls_session_get_random(session, &client, &server);
    int len = snprintf(line, sizeof line, "%.64s ", label);
    if (len < 0 || (size_t)len + 2 * ((size_t)client.size + secret->size) + 2 > sizeof line)
        return 0;
    size_t at = (size_t)len;
    at += add_hex(line + at, &client);
    line[at++] = ' ';
    at += add_hex(line + at, secret);
    line[at] = '\0';
    e->config->keylog(e->config->keylog_user, line);
    ln_wipe(line, sizeof line);
    return 0;
}

void gtls_watch(struct gtls_engine *e)
{
    gnutls_handshake_set_hook_function(e->session, GNUTLS_HANDSHAKE_ANY, GNUTLS_HOOK_PRE,
                                       on_message);
    if (e->config->keylog != NULL)
        gnutls_session_set_keylog_function(e->session, on_secret);
}

/* ---- sessions ---- */

void gtls_offer_session(struct gtls_engine *e, struct ln_span blob)
{
    /* what GnuTLS cannot read is not offered, and the handshake is a full one */
    (void)gnutls_session_set_data(e->session, blob.data, blob.len);
}

static bool is_resumable(gnutls_session_t session)
{
    gnutls_datum_t id = { NULL, 0 };
    bool has_id = gnutls_session_get_id2(session, &id) >= 0 && id.size > 0;
    bool has_ticket = (gnutls_session_get_flags(session) & GNUTLS_SFLAGS_SESSION_TICKET) != 0;
    if (gtls_version_id(session) == LN_TLS_1_3)
        return has_ticket;
    return (has_id || has_ticket) && gnutls_session_ext_master_secret_status(session) != 0;
}

void gtls_store_session(struct gtls_engine *e)
{
    gnutls_datum_t blob = { NULL, 0 };
    if (!e->open || !e->ticket_new)
        return;
    e->ticket_new = false;
    if (!e->config->resume || e->role == LN_SERVER || !is_resumable(e->session))
        return;
    if (gnutls_session_get_data2(e->session, &blob) < 0)
        return;
    e->io->session(e->io->ctx, ln_span(blob.data, blob.size));
    gnutls_memset(blob.data, 0, blob.size);
    gnutls_free(blob.data);
}
