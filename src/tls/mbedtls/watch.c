/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file watch.c
 * What passes in plain text: messages, alerts, and what the hellos agree on.
 *
 * The library has no callback for messages, and no function that tells an alert's number, whether a
 * session was resumed or which group was used. All of that stands in records that are not encrypted,
 * and the records pass through our hands (bio.c). Nothing here is trusted: what is read serves the
 * diagnosis and the info structure, and a record that cannot be read is left to the library.
 *
 * Of what is encrypted, the content type shows before TLS 1.3 (an alert was sent), and the sizes of
 * our own records in TLS 1.3 (a certificate was sent). The number of an encrypted alert that arrives
 * comes from the library's debug message.
 */
#include "base/cursor.h"
#include "mbedtls.h"
#include <stdlib.h>
#include <string.h>

enum { TYPE_CCS = 20, TYPE_ALERT = 21, TYPE_HANDSHAKE = 22, TYPE_DATA = 23 };

enum {
    MSG_CLIENT_HELLO = 1,
    MSG_SERVER_HELLO = 2,
    MSG_TICKET = 4,
    MSG_CERTIFICATE = 11,
    MSG_KEY_EXCHANGE = 12,
    MSG_CERTIFICATE_REQUEST = 13,
    MSG_FINISHED = 20,
};

enum {
    EXT_GROUPS = 10,
    EXT_SIGNATURES = 13,
    EXT_EMS = 23,
    EXT_PSK = 41,
    EXT_VERSIONS = 43,
    EXT_KEY_SHARE = 51,
};

#define NAMED_CURVE 3
/** TLS 1.3: a Certificate without certificates, padded; every real one is longer. */
#define SEALED_EMPTY_MAX 128

enum direction { RECEIVED = 0, SENT = 1 };

/* ---- hellos ---- */

static bool next_extension(struct ln_cursor *list, uint16_t *type, struct ln_span *body)
{
    return ln__cursor_u16(list, type) == LN_OK && ln__cursor_vector(list, 2, body) == LN_OK;
}

static void on_server_extension(struct mbed_engine *e, uint16_t type, struct ln_span body)
{
    struct ln_cursor in = ln__cursor(body);
    uint16_t value = 0;
    if (type == EXT_EMS)
        e->watch.ems = true;
    if (ln__cursor_u16(&in, &value) != LN_OK)
        return;
    if (type == EXT_VERSIONS)
        e->facts->chosen_version = value;
    if (type == EXT_KEY_SHARE)
        e->watch.group = value;
    if (type == EXT_PSK) {
        e->watch.psk_chosen = true;
        e->watch.psk_index = value;
    }
}

/** version, random, session id, suite, compression, extensions */
static void on_server_hello(struct mbed_engine *e, struct ln_span body)
{
    struct ln_cursor in = ln__cursor(body);
    struct ln_span skipped;
    struct ln_span list;
    uint16_t version = 0;
    uint16_t suite = 0;
    if (ln__cursor_u16(&in, &version) != LN_OK || ln__cursor_skip(&in, 32) != LN_OK ||
        ln__cursor_vector(&in, 1, &skipped) != LN_OK || ln__cursor_u16(&in, &suite) != LN_OK ||
        ln__cursor_skip(&in, 1) != LN_OK)
        return;
    e->facts->chosen_version = version;
    e->facts->chosen_suite = suite;
    if (ln__cursor_vector(&in, 2, &list) != LN_OK)
        return;
    struct ln_cursor extensions = ln__cursor(list);
    uint16_t type = 0;
    while (next_extension(&extensions, &type, &skipped))
        on_server_extension(e, type, skipped);
}

static uint16_t count_identities(struct ln_span psk)
{
    struct ln_cursor in = ln__cursor(psk);
    struct ln_span list;
    struct ln_span identity;
    uint16_t count = 0;
    if (ln__cursor_vector(&in, 2, &list) != LN_OK)
        return 0;
    struct ln_cursor identities = ln__cursor(list);
    while (ln__cursor_vector(&identities, 2, &identity) == LN_OK &&
           ln__cursor_skip(&identities, 4) == LN_OK) /* obfuscated_ticket_age */
        count++;
    return count;
}

/** version, random, session id, [cookie,] suites, compressions, extensions. False where the message
 *  was not kept to its end, or is malformed; what could be read is there all the same. */
struct client_hello {
    uint16_t version;
    struct ln_span suites;
    struct ln_span extensions;
};

static bool read_client_hello(const struct mbed_engine *e, struct ln_span body,
                              struct client_hello *out)
{
    struct ln_cursor in = ln__cursor(body);
    struct ln_span skipped;
    if (ln__cursor_u16(&in, &out->version) != LN_OK || ln__cursor_skip(&in, 32) != LN_OK ||
        ln__cursor_vector(&in, 1, &skipped) != LN_OK ||
        (e->config->datagram && ln__cursor_vector(&in, 1, &skipped) != LN_OK) ||
        ln__cursor_vector(&in, 2, &out->suites) != LN_OK ||
        ln__cursor_vector(&in, 1, &skipped) != LN_OK || ln__cursor_skip(&in, 2) != LN_OK)
        return false;
    out->extensions = ln__cursor_rest(&in);
    return true;
}

static void on_own_hello(struct mbed_engine *e, struct ln_span body)
{
    struct client_hello hello;
    struct ln_span extension;
    uint16_t type = 0;
    if (!read_client_hello(e, body, &hello))
        return;
    struct ln_cursor extensions = ln__cursor(hello.extensions);
    while (next_extension(&extensions, &type, &extension))
        if (type == EXT_PSK)
            e->watch.psk_offered = count_identities(extension);
}

/* ---- what a client and we do not have in common ---- */

static bool has_u16(const uint16_t *ids, uint16_t id)
{
    for (; *ids != 0; ids++)
        if (*ids == id)
            return true;
    return false;
}

/** @param list  with its length of `width` bytes in front */
static bool shares_u16(struct ln_span list, size_t width, const uint16_t *ours)
{
    struct ln_cursor in = ln__cursor(list);
    struct ln_span ids;
    uint16_t id = 0;
    if (ln__cursor_vector(&in, width, &ids) != LN_OK)
        return true; /* nothing to judge by */
    in = ln__cursor(ids);
    while (ln__cursor_u16(&in, &id) == LN_OK)
        if (has_u16(ours, id))
            return true;
    return false;
}

static bool shares_suite(const struct mbed_engine *e, struct ln_span suites)
{
    struct ln_cursor in = ln__cursor(suites);
    uint16_t id = 0;
    while (ln__cursor_u16(&in, &id) == LN_OK)
        for (const int *ours = e->config->suites; *ours != 0; ours++)
            if (*ours == id)
                return true;
    return false;
}

static bool shares_version(const struct mbed_engine *e, const struct client_hello *hello,
                           struct ln_span versions)
{
    const uint16_t ours[] = { e->config->min_version, e->config->max_version, 0 };
    if (e->config->datagram)
        return hello->version == 0xfefd;
    if (versions.len == 0)
        return e->config->min_version == LN_TLS_1_2 && hello->version >= LN_TLS_1_2;
    return shares_u16(versions, 1, ours);
}

/** The library calls all of these a failed handshake. */
static void on_peer_hello(struct mbed_engine *e, struct ln_span body)
{
    struct client_hello hello;
    struct ln_span versions = ln_span(NULL, 0);
    struct ln_span extension;
    uint16_t type = 0;
    unsigned lacks = 0;
    if (!read_client_hello(e, body, &hello))
        return;
    struct ln_cursor extensions = ln__cursor(hello.extensions);
    while (next_extension(&extensions, &type, &extension)) {
        if (type == EXT_VERSIONS)
            versions = extension;
        if (type == EXT_GROUPS && !shares_u16(extension, 2, e->config->groups))
            lacks |= MBED_LACKS_GROUP;
        if (type == EXT_SIGNATURES && !shares_u16(extension, 2, e->config->signatures))
            lacks |= MBED_LACKS_SIGNATURE;
    }
    if (!shares_version(e, &hello, versions))
        lacks |= MBED_LACKS_VERSION;
    if (!shares_suite(e, hello.suites))
        lacks |= MBED_LACKS_SUITE;
    e->watch.lacks = lacks;
}

/** ECDHE: curve type and curve; behind the identity hint where a key is shared (RFC 5489 2). */
static void on_key_exchange(struct mbed_engine *e, struct ln_span body)
{
    struct ln_cursor in = ln__cursor(body);
    struct ln_span hint;
    uint8_t type = 0;
    uint16_t group = 0;
    if (e->config->psk && ln__cursor_vector(&in, 2, &hint) != LN_OK)
        return;
    if (ln__cursor_u8(&in, &type) == LN_OK && type == NAMED_CURVE &&
        ln__cursor_u16(&in, &group) == LN_OK)
        e->watch.group = group;
}

/* ---- messages ---- */

/** @param body  its first bytes; @param len  of all of it */
static void on_message(struct mbed_engine *e, enum direction way, uint8_t type, struct ln_span body,
                       size_t len)
{
    bool from_server = (way == SENT) == (e->role == LN_SERVER);
    if (type >= 64)
        return;
    if (way == SENT)
        e->facts->said |= UINT64_C(1) << type;
    else
        e->facts->seen |= UINT64_C(1) << type;
    if (type == MSG_SERVER_HELLO && from_server)
        on_server_hello(e, body);
    if (type == MSG_SERVER_HELLO && way == SENT)
        mbed_version_chosen(e);
    if (type == MSG_CLIENT_HELLO && way == SENT)
        on_own_hello(e, body);
    if (type == MSG_CLIENT_HELLO && way == RECEIVED)
        on_peer_hello(e, body);
    if (type == MSG_KEY_EXCHANGE && from_server)
        on_key_exchange(e, body);
    if (type == MSG_TICKET)
        e->watch.ticket = true;
    if (type == MSG_CERTIFICATE && way == SENT && len > 3) /* more than an empty list */
        e->facts->certificate_sent = true;
}

static void on_alert(struct mbed_engine *e, enum direction way, struct ln_span body)
{
    if (body.len != 2 || body.data[1] == MBEDTLS_SSL_ALERT_MSG_CLOSE_NOTIFY)
        return;
    e->facts->alert_from = way == SENT ? LN_ALERT_SENT : LN_ALERT_RECEIVED;
    e->facts->alert_level = body.data[0];
    e->facts->alert_number = body.data[1];
    e->facts->alert_derived = false;
}

static void on_ccs(struct mbed_engine *e, enum direction way)
{
    if (e->facts->chosen_version != LN_TLS_1_3)
        e->watch.encrypted[way] = true;
}

/* ---- what is encrypted ---- */

/** TLS 1.3 clients: our messages between ServerHello and Finished come one in a record, and the
 *  first is a Certificate if there are several. */
static void on_sealed(struct mbed_engine *e, size_t len)
{
    struct mbed_watch *w = &e->watch;
    if (e->open || e->role != LN_CLIENT || e->facts->chosen_version != LN_TLS_1_3)
        return;
    w->sealed++;
    if (w->sealed == 1)
        w->first_sealed_len = len;
    if (w->sealed != 2)
        return;
    e->facts->seen |= UINT64_C(1) << MSG_CERTIFICATE_REQUEST;
    if (w->first_sealed_len > SEALED_EMPTY_MAX)
        e->facts->certificate_sent = true;
}

static void on_encrypted(struct mbed_engine *e, enum direction way, uint8_t type, size_t len)
{
    uint64_t finished = UINT64_C(1) << MSG_FINISHED;
    if (type == TYPE_ALERT && way == SENT)
        e->watch.alert_sent = true;
    if (type == TYPE_DATA && way == SENT)
        on_sealed(e, len);
    if (e->open || type != TYPE_HANDSHAKE)
        return;
    if (way == SENT)
        e->facts->said |= finished;
    else
        e->facts->seen |= finished;
}

/* ---- datagrams ---- */

/** RFC 6347 4.2.2: type, length, message_seq, fragment_offset, fragment */
static void read_fragments(struct mbed_engine *e, enum direction way, struct ln_span body)
{
    struct ln_cursor in = ln__cursor(body);
    uint8_t type = 0;
    uint32_t len = 0;
    uint32_t offset = 0;
    struct ln_span fragment;
    while (ln__cursor_u8(&in, &type) == LN_OK && ln__cursor_u24(&in, &len) == LN_OK &&
           ln__cursor_skip(&in, 2) == LN_OK && ln__cursor_u24(&in, &offset) == LN_OK &&
           ln__cursor_vector(&in, 3, &fragment) == LN_OK)
        if (offset == 0)
            on_message(e, way, type, fragment, len);
}

/** RFC 6347 4.1: type, version, epoch, sequence number, length */
static void read_datagram(struct mbed_engine *e, enum direction way, struct ln_span datagram)
{
    struct ln_cursor in = ln__cursor(datagram);
    uint8_t type = 0;
    uint16_t epoch = 0;
    struct ln_span body;
    while (ln__cursor_u8(&in, &type) == LN_OK && ln__cursor_skip(&in, 2) == LN_OK &&
           ln__cursor_u16(&in, &epoch) == LN_OK && ln__cursor_skip(&in, 6) == LN_OK &&
           ln__cursor_vector(&in, 2, &body) == LN_OK) {
        if (epoch != 0)
            on_encrypted(e, way, type, body.len);
        else if (type == TYPE_HANDSHAKE)
            read_fragments(e, way, body);
        else if (type == TYPE_ALERT)
            on_alert(e, way, body);
        else if (type == TYPE_CCS)
            on_ccs(e, way);
        if (epoch == 0 && type == TYPE_ALERT && way == SENT)
            e->watch.alert_sent = true;
    }
}

/* ---- streams ---- */

/** Several whole messages, as the library writes them. */
static void read_whole_messages(struct mbed_engine *e, struct ln_span body)
{
    struct ln_cursor in = ln__cursor(body);
    uint8_t type = 0;
    struct ln_span message;
    while (ln__cursor_u8(&in, &type) == LN_OK && ln__cursor_vector(&in, 3, &message) == LN_OK)
        on_message(e, SENT, type, message, message.len);
}

/** type, version, length */
static void read_sent_records(struct mbed_engine *e, struct ln_span records)
{
    struct ln_cursor in = ln__cursor(records);
    uint8_t type = 0;
    struct ln_span body;
    while (ln__cursor_u8(&in, &type) == LN_OK && ln__cursor_skip(&in, 2) == LN_OK &&
           ln__cursor_vector(&in, 2, &body) == LN_OK) {
        if (e->watch.encrypted[SENT] || type == TYPE_DATA) {
            on_encrypted(e, SENT, type, body.len);
            continue;
        }
        if (type == TYPE_HANDSHAKE)
            read_whole_messages(e, body);
        else if (type == TYPE_CCS)
            on_ccs(e, SENT);
        else if (type == TYPE_ALERT) {
            on_alert(e, SENT, body);
            e->watch.alert_sent = true;
        }
    }
}

bool mbed_watch_begin(struct mbed_engine *e)
{
    if (e->config->datagram)
        return true;
    e->watch.message = mbedtls_calloc(1, MBED_MESSAGE_ROOM);
    return e->watch.message != NULL;
}

void mbed_watch_end(struct mbed_engine *e)
{
    mbedtls_free(e->watch.message);
    e->watch.message = NULL;
}

/** Bytes of handshake messages, cut anywhere. Of each message the first ones are kept. */
static void feed_messages(struct mbed_engine *e, struct ln_span data)
{
    struct mbed_watch *w = &e->watch;
    size_t at = w->message != NULL ? 0 : data.len;
    while (at < data.len) {
        size_t n = 1;
        if (w->message_seen >= 4 && w->message_total - w->message_seen < data.len - at)
            n = w->message_total - w->message_seen;
        else if (w->message_seen >= 4)
            n = data.len - at;
        for (size_t i = 0; i < n && w->message_seen + i < MBED_MESSAGE_ROOM; i++)
            w->message[w->message_seen + i] = data.data[at + i];
        at += n;
        w->message_seen += n;
        if (w->message_seen == 4)
            w->message_total = 4 + ((size_t)w->message[1] << 16 | (size_t)w->message[2] << 8 |
                                    (size_t)w->message[3]);
        if (w->message_seen < 4 || w->message_seen < w->message_total)
            continue;
        size_t kept = w->message_seen < MBED_MESSAGE_ROOM ? w->message_seen : MBED_MESSAGE_ROOM;
        w->message_seen = 0;
        on_message(e, RECEIVED, w->message[0], ln_span(w->message + 4, kept - 4),
                   w->message_total - 4);
    }
}

static void feed_alert(struct mbed_engine *e, struct ln_span data)
{
    struct mbed_watch *w = &e->watch;
    for (size_t i = 0; i < data.len; i++) {
        w->alert[w->alert_len++] = data.data[i];
        if (w->alert_len == 2) {
            w->alert_len = 0;
            on_alert(e, RECEIVED, ln_span(w->alert, 2));
        }
    }
}

/** A piece of a record's body. */
static void feed_body(struct mbed_engine *e, struct ln_span data)
{
    struct mbed_watch *w = &e->watch;
    uint8_t type = w->header[0];
    if (w->encrypted[RECEIVED])
        on_encrypted(e, RECEIVED, type, data.len);
    else if (type == TYPE_HANDSHAKE)
        feed_messages(e, data);
    else if (type == TYPE_ALERT)
        feed_alert(e, data);
    else if (type == TYPE_CCS)
        on_ccs(e, RECEIVED);
}

static void feed_stream(struct mbed_engine *e, struct ln_span data)
{
    struct mbed_watch *w = &e->watch;
    size_t at = 0;
    while (at < data.len) {
        if (w->header_len < sizeof w->header) {
            w->header[w->header_len++] = data.data[at++];
            w->record_left = (size_t)w->header[3] << 8 | w->header[4];
        } else {
            size_t n = data.len - at < w->record_left ? data.len - at : w->record_left;
            feed_body(e, ln_span(data.data + at, n));
            at += n;
            w->record_left -= n;
        }
        if (w->header_len == sizeof w->header && w->record_left == 0)
            w->header_len = 0;
    }
}

/* ---- the interface ---- */

/** RFC 8446 4.1.2 and 9.2: without a version in common it is protocol_version; missing_extension is
 *  what the library makes of an unknown PSK identity, for which RFC 8446 4.2.11 has a word. */
uint8_t mbed_better_alert(const struct mbed_engine *e, uint8_t number)
{
    if (number == MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE &&
        (e->watch.lacks & MBED_LACKS_VERSION) != 0)
        return MBEDTLS_SSL_ALERT_MSG_PROTOCOL_VERSION;
    if (number == MBED_ALERT_MISSING_EXTENSION && e->config->psk)
        return MBEDTLS_SSL_ALERT_MSG_UNKNOWN_PSK_IDENTITY;
    return number;
}

void mbed_watch_sent(struct mbed_engine *e, struct ln_span records)
{
    if (e->config->datagram)
        read_datagram(e, SENT, records);
    else
        read_sent_records(e, records);
}

void mbed_watch_received(struct mbed_engine *e, struct ln_span data)
{
    if (e->open)
        return;
    if (e->config->datagram)
        read_datagram(e, RECEIVED, data);
    else
        feed_stream(e, data);
}

static void on_debug_alert(struct mbed_engine *e, const char *digits)
{
    unsigned long number = strtoul(digits, NULL, 10);
    const uint8_t alert[2] = { MBEDTLS_SSL_ALERT_LEVEL_FATAL, (uint8_t)number };
    if (number <= UINT8_MAX)
        on_alert(e, RECEIVED, ln_span(alert, sizeof alert));
}

/** "is a fatal alert message (msg 40)", perhaps behind the connection's address. And a TLS 1.3 server of
 *  3.6 that cannot make the key of its ticket, for lack of memory, only mentions it, and gives a ticket
 *  whose key anybody knows. Where the texts are others some day, the number is not told, and nothing
 *  else changes. */
void mbed_watch_debug(void *engine, int level, const char *file, int line, const char *text)
{
    static const char fatal[] = "is a fatal alert message (msg ";
    struct mbed_engine *e = engine;
    const char *found = strstr(text, fatal);
    (void)level;
    (void)file;
    (void)line;
    if (found != NULL)
        on_debug_alert(e, found + sizeof fatal - 1);
    if (strstr(text, "compute_resumption_master_secret") != NULL)
        e->no_ticket_key = true;
}
