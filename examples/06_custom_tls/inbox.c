/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract: inbox.h. Records of RFC 6347 4.1, messages and fragments of 4.2.2. The filter's guard has
 * dropped what no correct peer sends and bounds what messages may claim; what is left is still
 * unauthenticated, and every length is looked at before it is used.
 */
#include "inbox.h"

#define RECORD_HEADER 13
#define MESSAGE_HEADER 12
#define MESSAGE_MAX 65536u
/* GnuTLS's room for a record is a little more than this. */
#define PIECE_MAX 16000u

enum content { CHANGE_CIPHER_SPEC = 20, ALERT = 21, HANDSHAKE = 22 };

/* HandshakeType, RFC 6347 4.3.2 */
enum message {
    CLIENT_HELLO = 1,
    SERVER_HELLO = 2,
    HELLO_VERIFY_REQUEST = 3,
    NEW_SESSION_TICKET = 4,
    CERTIFICATE = 11,
    SERVER_HELLO_DONE = 14,
    CERTIFICATE_VERIFY = 15,
    CLIENT_KEY_EXCHANGE = 16,
    FINISHED = 20,
};

#define SESSION_TICKET_EXTENSION 35 /* RFC 5077 3.2 */

static uint32_t read_24(const uint8_t *p)
{
    return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

static void write_24(uint8_t *p, uint32_t n)
{
    p[0] = (uint8_t)(n >> 16);
    p[1] = (uint8_t)(n >> 8);
    p[2] = (uint8_t)n;
}

static uint16_t read_16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

/* ---- putting messages together ---- */

static bool is_whole(const struct gtls_message *m)
{
    return m->bytes != NULL && m->have == m->len;
}

static void forget(struct gtls_message *m)
{
    gnutls_free(m->bytes);
    memset(m, 0, sizeof *m);
}

/* Without memory the fragment is lost, as any may be. */
static bool begin_message(struct gtls_message *m, const uint8_t *header, uint32_t len)
{
    size_t size = MESSAGE_HEADER + (size_t)len + (len + 7) / 8;
    m->bytes = gnutls_calloc(1, size);
    if (m->bytes == NULL)
        return false;
    m->len = len;
    m->have = 0;
    memcpy(m->bytes, header, MESSAGE_HEADER);
    return true;
}

static void add_bytes(struct gtls_message *m, uint32_t at, const uint8_t *data, uint32_t len)
{
    uint8_t *body = m->bytes + MESSAGE_HEADER;
    uint8_t *bits = body + m->len;
    for (uint32_t i = at; i < at + len; i++) {
        if ((bits[i / 8] >> (i % 8) & 1) != 0)
            continue; /* the first to come is the one that counts */
        bits[i / 8] = (uint8_t)(bits[i / 8] | 1u << (i % 8));
        body[i] = data[i - at];
        m->have++;
    }
}

static void add_fragment(struct gtls_inbox *in, const uint8_t *header, const uint8_t *data)
{
    uint32_t len = read_24(header + 1);
    uint16_t seq = read_16(header + 4);
    uint32_t at = read_24(header + 6);
    uint32_t part = read_24(header + 9);
    if (seq < in->next || seq >= GTLS_INBOX_MESSAGES || len > MESSAGE_MAX || at > len ||
        part > len - at)
        return;
    struct gtls_message *m = &in->messages[seq];
    if (m->bytes == NULL && !begin_message(m, header, len))
        return;
    if (m->len == len && m->bytes[0] == header[0])
        add_bytes(m, at, data, part);
}

static void add_fragments(struct gtls_inbox *in, struct ln_span body)
{
    while (body.len >= MESSAGE_HEADER) {
        uint32_t part = read_24(body.data + 9);
        if (part > body.len - MESSAGE_HEADER)
            return;
        add_fragment(in, body.data, body.data + MESSAGE_HEADER);
        size_t used = MESSAGE_HEADER + (size_t)part;
        body = ln_span(body.data + used, body.len - used);
    }
}

/* ---- sorting records ---- */

static void add_early(struct gtls_inbox *in, struct ln_span record)
{
    if (record.len > sizeof in->early - in->early_len)
        return;
    memcpy(in->early + in->early_len, record.data, record.len);
    in->early_len += record.len;
}

static void sort(struct gtls_inbox *in, struct ln_span record, bool open)
{
    bool plain = read_16(record.data + 3) == 0;
    uint8_t type = record.data[0];
    memcpy(in->version, record.data + 1, sizeof in->version);
    if (open || (plain && type == ALERT) || (in->encrypted && (!plain || type != HANDSHAKE))) {
        in->direct = record;
        in->whole = true; /* what came before an alert is of interest too */
    } else if (!plain) {
        add_early(in, record);
    } else if (type == HANDSHAKE) {
        add_fragments(in, ln_span(record.data + RECORD_HEADER, record.len - RECORD_HEADER));
    } else if (type == CHANGE_CIPHER_SPEC) {
        in->changed = true;
    }
}

/* The first record of those that are left; an end that is none is dropped. */
static struct ln_span next_record(struct gtls_inbox *in)
{
    struct ln_span record = in->records;
    size_t len = record.len;
    if (len > RECORD_HEADER)
        len = RECORD_HEADER + (size_t)read_16(record.data + 11);
    if (len <= RECORD_HEADER || len > record.len) {
        in->records = ln_span(NULL, 0);
        return in->records;
    }
    in->records = ln_span(record.data + len, record.len - len);
    return ln_span(record.data, len);
}

/* ---- whether a flight is whole ---- */

static uint8_t type_of(const struct gtls_message *m)
{
    return m->bytes[0];
}

/** The messages that are there without a gap. */
struct run {
    uint16_t end;
    uint8_t last;  /**< type of the last one; 0 = there is none */
    uint32_t seen; /**< bit n: one of type n */
    bool certificate;
    bool ticket;
};

/* version, random, session id, suite, compression, extensions (RFC 5246 7.4.1.3) */
static bool promises_ticket(const struct gtls_message *hello)
{
    const uint8_t *p = hello->bytes + MESSAGE_HEADER;
    size_t at = 2 + 32;
    if (hello->len <= at)
        return false;
    at += 1u + p[at] + 2 + 1 + 2;
    while (at + 4 <= hello->len) {
        if (read_16(p + at) == SESSION_TICKET_EXTENSION)
            return true;
        at += 4u + read_16(p + at + 2);
    }
    return false;
}

static struct run run_of(const struct gtls_inbox *in)
{
    struct run run = { .end = in->next };
    while (run.end < GTLS_INBOX_MESSAGES && is_whole(&in->messages[run.end])) {
        const struct gtls_message *m = &in->messages[run.end++];
        run.last = type_of(m);
        run.seen |= run.last < 32 ? 1u << run.last : 0;
        run.certificate = run.certificate || (run.last == CERTIFICATE && m->len > 3);
        run.ticket = run.ticket || (run.last == SERVER_HELLO && promises_ticket(m));
    }
    return run;
}

static bool has(const struct run *run, enum message type)
{
    return (run->seen >> type & 1) != 0;
}

static bool ends_a_flight(const struct run *run)
{
    return run->last == CLIENT_HELLO || run->last == HELLO_VERIFY_REQUEST ||
           run->last == SERVER_HELLO_DONE;
}

/* Whether ChangeCipherSpec and Finished come next. ChangeCipherSpec has no number: what stands before it
 * follows from the messages. */
static bool is_time_to_change(const struct gtls_engine *e, const struct run *run)
{
    const uint64_t said = e->facts->said;
    bool promised = e->inbox->ticket || run->ticket;
    if (e->role == LN_CLIENT && (said >> CLIENT_KEY_EXCHANGE & 1) == 0) /* abbreviated */
        return has(run, SERVER_HELLO) && !has(run, CERTIFICATE) &&
               (!promised || run->last == NEW_SESSION_TICKET);
    if (e->role == LN_CLIENT)
        return !promised || run->last == NEW_SESSION_TICKET;
    if ((said >> FINISHED & 1) != 0) /* abbreviated: ours went first */
        return true;
    return run->certificate ? run->last == CERTIFICATE_VERIFY : run->last == CLIENT_KEY_EXCHANGE;
}

/* ---- handing over ---- */

static bool has_message(const struct gtls_inbox *in)
{
    return in->next < GTLS_INBOX_MESSAGES && is_whole(&in->messages[in->next]);
}

/* In the order in which GnuTLS wants them: messages, ChangeCipherSpec, what is encrypted. */
static bool has_more(const struct gtls_inbox *in)
{
    return has_message(in) || in->change || (in->encrypted && in->early_len > 0) ||
           in->direct.len > 0;
}

static void look_for_a_flight(struct gtls_engine *e)
{
    struct gtls_inbox *in = e->inbox;
    const struct run run = run_of(in);
    bool finished = in->changed && in->early_len > 0 && !in->encrypted;
    in->change = finished && is_time_to_change(e, &run);
    in->whole = in->change || ends_a_flight(&run) || (in->encrypted && run.last != 0);
    in->ticket = in->ticket || (in->whole && run.ticket);
}

bool gtls_inbox_ready(struct gtls_engine *e)
{
    struct gtls_inbox *in = e->inbox;
    for (;;) {
        if (!in->whole && !e->open)
            look_for_a_flight(e);
        in->whole = in->whole && has_more(in);
        if (in->whole)
            return true;
        if (in->records.len == 0)
            return false;
        struct ln_span record = next_record(in);
        if (record.len > 0)
            sort(in, record, e->open);
    }
}

/* Headers of a record in plain text. Its number is ours: those of the peer have gaps, and GnuTLS drops
 * what it has seen. */
static void write_header(struct gtls_inbox *in, uint8_t *p, uint8_t type, size_t len)
{
    memset(p, 0, RECORD_HEADER);
    p[0] = type;
    memcpy(p + 1, in->version, sizeof in->version);
    write_24(p + 8, in->number++);
    p[11] = (uint8_t)(len >> 8);
    p[12] = (uint8_t)len;
}

static size_t take_message(struct gtls_inbox *in, struct ln_mspan room)
{
    struct gtls_message *m = &in->messages[in->next];
    uint32_t part = m->len - in->given < PIECE_MAX ? m->len - in->given : PIECE_MAX;
    size_t len = MESSAGE_HEADER + (size_t)part;
    if (room.len < RECORD_HEADER + len)
        return 0;
    write_header(in, room.data, HANDSHAKE, len);
    uint8_t *header = room.data + RECORD_HEADER;
    memcpy(header, m->bytes, MESSAGE_HEADER);
    write_24(header + 6, in->given);
    write_24(header + 9, part);
    memcpy(header + MESSAGE_HEADER, m->bytes + MESSAGE_HEADER + in->given, part);
    in->given += part;
    if (in->given == m->len) {
        forget(m);
        in->next++;
        in->given = 0;
    }
    return RECORD_HEADER + len;
}

static size_t take_change(struct gtls_inbox *in, struct ln_mspan room)
{
    if (room.len < RECORD_HEADER + 1)
        return 0;
    write_header(in, room.data, CHANGE_CIPHER_SPEC, 1);
    room.data[RECORD_HEADER] = 1;
    in->encrypted = true;
    in->change = false;
    return RECORD_HEADER + 1;
}

static size_t take_early(struct gtls_inbox *in, struct ln_mspan room)
{
    size_t len = RECORD_HEADER + (size_t)read_16(in->early + 11);
    if (room.len >= len)
        memcpy(room.data, in->early, len);
    memmove(in->early, in->early + len, in->early_len - len);
    in->early_len -= len;
    return room.len >= len ? len : 0;
}

static size_t take_direct(struct gtls_inbox *in, struct ln_mspan room)
{
    struct ln_span record = in->direct;
    in->direct = ln_span(NULL, 0);
    if (room.len < record.len)
        return 0;
    memcpy(room.data, record.data, record.len);
    if (read_16(record.data + 3) == 0)
        write_header(in, room.data, record.data[0], record.len - RECORD_HEADER);
    return record.len;
}

size_t gtls_inbox_take(struct gtls_engine *e, struct ln_mspan room)
{
    struct gtls_inbox *in = e->inbox;
    if (!gtls_inbox_ready(e))
        return 0;
    if (!e->open && has_message(in))
        return take_message(in, room);
    if (in->change)
        return take_change(in, room);
    if (in->early_len > 0 && in->encrypted)
        return take_early(in, room);
    return take_direct(in, room);
}

void gtls_inbox_clear(struct gtls_inbox *in)
{
    for (size_t i = 0; in != NULL && i < GTLS_INBOX_MESSAGES; i++)
        forget(&in->messages[i]);
}
