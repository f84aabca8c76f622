/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file dtls_guard.c
 * Contract: dtls_guard.h. Record by record; a record that is dropped changes nothing but a counter.
 */
#include "tls/dtls_guard.h"

#include "base/cursor.h"
#include "tls/suites.h"

/* ContentType, RFC 5246 6.2.1, RFC 9146 4 */
enum {
    TYPE_CCS = 20,
    TYPE_ALERT = 21,
    TYPE_HANDSHAKE = 22,
    TYPE_DATA = 23,
    TYPE_CID = 25,
};

/* HandshakeType, RFC 6347 4.3.2 */
enum {
    MSG_HELLO_REQUEST = 0,
    MSG_CLIENT_HELLO = 1,
    MSG_SERVER_HELLO = 2,
    MSG_HELLO_VERIFY = 3,
    MSG_NEW_SESSION_TICKET = 4,
    MSG_CERTIFICATE = 11,
    MSG_SERVER_KEY_EXCHANGE = 12,
    MSG_CERTIFICATE_REQUEST = 13,
    MSG_SERVER_HELLO_DONE = 14,
    MSG_CERTIFICATE_VERIFY = 15,
    MSG_CLIENT_KEY_EXCHANGE = 16,
    MSG_CERTIFICATE_STATUS = 22,
};

#define EXT_SUPPORTED_VERSIONS 43
#define SESSION_ID_MAX 32
#define RANDOM_LEN 32
/* RFC 5246 6.2.1 and 6.2.3 */
#define PLAINTEXT_MAX 16384
#define CIPHERTEXT_MAX (16384 + 2048)
/* Keys and signatures: RSA and finite fields of 16384 bits fit several times. */
#define KEYS_MAX 16384u

/* What either side sends in plain text, and how long it can be, fragments put together. A Finished
 * is always encrypted. */
static const struct message_rule {
    uint8_t type;
    bool from_client;
    bool from_server;
    uint32_t min;
    uint32_t max;
} rules[] = {
    /* version, random, session id, cookie, one suite, one compression: 2+32+1+1+4+2 */
    { MSG_CLIENT_HELLO, true, false, 42, LN_GUARD_MESSAGE_MAX },
    /* version, random, session id, suite, compression: 2+32+1+2+1 */
    { MSG_SERVER_HELLO, false, true, 38, LN_GUARD_MESSAGE_MAX },
    { MSG_HELLO_VERIFY, false, true, 3, 3 + 255 },
    { MSG_NEW_SESSION_TICKET, false, true, 6, LN_GUARD_MESSAGE_MAX },
    { MSG_CERTIFICATE, true, true, 3, LN_GUARD_MESSAGE_MAX },
    { MSG_CERTIFICATE_STATUS, false, true, 4, LN_GUARD_MESSAGE_MAX },
    { MSG_SERVER_KEY_EXCHANGE, false, true, 2, KEYS_MAX },
    { MSG_CERTIFICATE_REQUEST, false, true, 4, LN_GUARD_MESSAGE_MAX },
    { MSG_SERVER_HELLO_DONE, false, true, 0, 0 },
    { MSG_CERTIFICATE_VERIFY, true, false, 2, KEYS_MAX },
    { MSG_CLIENT_KEY_EXCHANGE, true, false, 2, KEYS_MAX },
};

static const char *const drop_texts[] = {
#define DROP_ROW(name, text) text,
    LN_GUARD_DROP_LIST(DROP_ROW)
#undef DROP_ROW
};

/* A record without its header; a handshake fragment with its header read. */
struct record {
    uint8_t type;
    uint16_t epoch;
    uint32_t number; /* the lower half of it */
    struct ln_span body;
};

struct fragment {
    uint8_t type;
    uint32_t length; /* of the whole message */
    uint16_t seq;
    uint32_t offset;
    struct ln_span body;
};

static bool is_whole(const struct fragment *f)
{
    return f->offset == 0 && f->body.len == f->length;
}

/* ---- hellos ---- */

/* Extensions, if there are any: whole ones, and nothing behind them. `versions` receives the body of
 * supported_versions. */
static bool read_extensions(struct ln_cursor *in, struct ln_span *versions)
{
    struct ln_span list = ln_span(NULL, 0);
    if (ln__cursor_is_empty(in))
        return true;
    if (ln__cursor_vector(in, 2, &list) != LN_OK || !ln__cursor_is_empty(in))
        return false;
    struct ln_cursor c = ln__cursor(list);
    while (!ln__cursor_is_empty(&c)) {
        uint16_t type = 0;
        struct ln_span body;
        if (ln__cursor_u16(&c, &type) != LN_OK || ln__cursor_vector(&c, 2, &body) != LN_OK)
            return false;
        if (type == EXT_SUPPORTED_VERSIONS)
            *versions = body;
    }
    return true;
}

/* version, random, session id: how both hellos begin */
static bool read_hello_head(struct ln_cursor *in, uint16_t *version)
{
    struct ln_span session;
    return ln__cursor_u16(in, version) == LN_OK && ln__cursor_skip(in, RANDOM_LEN) == LN_OK &&
           ln__cursor_vector(in, 1, &session) == LN_OK && session.len <= SESSION_ID_MAX;
}

static bool is_client_hello(struct ln_span body)
{
    struct ln_cursor in = ln__cursor(body);
    struct ln_span cookie;
    struct ln_span suites;
    struct ln_span compressions;
    struct ln_span versions = ln_span(NULL, 0);
    uint16_t version = 0;
    return read_hello_head(&in, &version) && ln__cursor_vector(&in, 1, &cookie) == LN_OK &&
           ln__cursor_vector(&in, 2, &suites) == LN_OK && suites.len >= 2 && suites.len % 2 == 0 &&
           ln__cursor_vector(&in, 1, &compressions) == LN_OK && compressions.len >= 1 &&
           read_extensions(&in, &versions);
}

struct server_hello {
    uint16_t version;
    uint16_t suite;
};

/* A whole ServerHello, or the first fragment of one: then its extensions are not looked at. */
static bool read_server_hello(struct ln_span body, bool whole, struct server_hello *out)
{
    struct ln_cursor in = ln__cursor(body);
    struct ln_span versions = ln_span(NULL, 0);
    uint8_t compression = 0;
    if (!read_hello_head(&in, &out->version) || ln__cursor_u16(&in, &out->suite) != LN_OK ||
        ln__cursor_u8(&in, &compression) != LN_OK)
        return false;
    if (!whole)
        return true;
    if (!read_extensions(&in, &versions))
        return false;
    struct ln_cursor chosen = ln__cursor(versions);
    return versions.len == 0 ||
           (versions.len == 2 && ln__cursor_u16(&chosen, &out->version) == LN_OK);
}

static enum ln_guard_drop check_server_hello(struct ln_dtls_guard *g, const struct fragment *f)
{
    struct server_hello hello = { .version = 0 };
    if (f->offset != 0)
        return LN_GUARD_DROP_NONE;
    if (!read_server_hello(f->body, is_whole(f), &hello))
        return is_whole(f) ? LN_GUARD_DROP_HELLO : LN_GUARD_DROP_NONE;
    size_t min = ln__suite_record_min(hello.suite);
    /* A forged ServerHello must not raise the bar above the genuine one's. */
    if (g->facts.version == 0 || min < g->record_min)
        g->record_min = min;
    g->facts.version = hello.version;
    g->facts.suite = hello.suite;
    return LN_GUARD_DROP_NONE;
}

/* FNV-1a: only to tell a repetition from another message. */
static uint64_t fingerprint(uint16_t seq, struct ln_span body)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325) ^ seq;
    for (size_t i = 0; i < body.len; i++)
        h = (h ^ body.data[i]) * UINT64_C(0x100000001b3);
    return h;
}

/* version, cookie<0..255>; never in fragments. A repetition (our ClientHello was repeated too, on a
 * slow path) is no new turn of a loop. */
static enum ln_guard_drop check_hello_verify(struct ln_dtls_guard *g, const struct fragment *f)
{
    struct ln_cursor in = ln__cursor(f->body);
    struct ln_span cookie;
    uint16_t version = 0;
    if (!is_whole(f) || ln__cursor_u16(&in, &version) != LN_OK ||
        ln__cursor_vector(&in, 1, &cookie) != LN_OK || !ln__cursor_is_empty(&in))
        return LN_GUARD_DROP_HELLO_VERIFY;
    uint64_t print = fingerprint(f->seq, f->body);
    if (g->facts.hello_verifies > 0 && print == g->last_hello_verify)
        return LN_GUARD_DROP_NONE;
    if (g->facts.hello_verifies == LN_GUARD_HELLO_VERIFY_MAX)
        return LN_GUARD_DROP_HELLO_LOOP;
    g->facts.hello_verifies++;
    g->last_hello_verify = print;
    return LN_GUARD_DROP_NONE;
}

/* ---- handshake messages ---- */

static const struct message_rule *find_rule(uint8_t type, bool from_client)
{
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        bool may = from_client ? rules[i].from_client : rules[i].from_server;
        if (rules[i].type == type && may)
            return &rules[i];
    }
    return NULL;
}

static enum ln_guard_drop check_shape(const struct ln_dtls_guard *g, const struct fragment *f)
{
    if (f->type == MSG_HELLO_REQUEST)
        return LN_GUARD_DROP_HELLO_REQUEST;
    const struct message_rule *rule = find_rule(f->type, g->server);
    if (rule == NULL)
        return LN_GUARD_DROP_MESSAGE_TYPE;
    if (f->length < rule->min || f->length > rule->max)
        return LN_GUARD_DROP_MESSAGE_LENGTH;
    if (f->offset > f->length || f->body.len > f->length - f->offset)
        return LN_GUARD_DROP_FRAGMENT;
    if (f->body.len == 0 && f->length != 0) /* it moves nothing on */
        return LN_GUARD_DROP_FRAGMENT;
    if (f->seq >= LN_GUARD_WINDOW)
        return LN_GUARD_DROP_SEQUENCE;
    return LN_GUARD_DROP_NONE;
}

static void extend(struct ln_guard_message *m, const struct fragment *f)
{
    uint32_t end = f->offset + (uint32_t)f->body.len;
    if (f->offset <= m->head && end > m->head)
        m->head = end;
}

/* All fragments of a message agree on its type and length; the first that comes sets them. */
static enum ln_guard_drop remember(struct ln_dtls_guard *g, const struct fragment *f)
{
    struct ln_guard_message *m = &g->messages[f->seq];
    if (m->seen && (m->type != f->type || m->length != f->length))
        return LN_GUARD_DROP_CONFLICT;
    if (m->seen) {
        extend(m, f);
        return LN_GUARD_DROP_NONE;
    }
    if (g->established) /* then there are repetitions only */
        return LN_GUARD_DROP_PLAINTEXT;
    if (f->length > LN_GUARD_CLAIM_MAX - g->claimed)
        return LN_GUARD_DROP_CLAIM;
    g->claimed += f->length;
    *m = (struct ln_guard_message) { .seen = true, .type = f->type, .length = f->length };
    extend(m, f);
    return LN_GUARD_DROP_NONE;
}

static enum ln_guard_drop check_client_hello(struct ln_dtls_guard *g, const struct fragment *f)
{
    if (is_whole(f) && !is_client_hello(f->body))
        return LN_GUARD_DROP_HELLO;
    /* A client that lost its state begins anew from the same port (RFC 6347 4.2.8). */
    if (g->established && is_whole(f))
        return LN_GUARD_DROP_NONE;
    return remember(g, f);
}

static enum ln_guard_drop check_message(struct ln_dtls_guard *g, const struct fragment *f)
{
    enum ln_guard_drop drop = check_shape(g, f);
    if (drop != LN_GUARD_DROP_NONE)
        return drop;
    if (f->type == MSG_CLIENT_HELLO)
        return check_client_hello(g, f);
    if (g->server && (g->facts.messages & (1u << MSG_CLIENT_HELLO)) == 0 && !g->established)
        return LN_GUARD_DROP_BEFORE_HELLO;
    if (f->type == MSG_HELLO_VERIFY)
        return g->established ? LN_GUARD_DROP_PLAINTEXT : check_hello_verify(g, f);
    drop = remember(g, f);
    if (drop == LN_GUARD_DROP_NONE && f->type == MSG_SERVER_HELLO && !g->established)
        drop = check_server_hello(g, f);
    return drop;
}

/* RFC 6347 4.2.2: type, length, message_seq, fragment_offset, fragment_length, fragment */
static bool read_fragment(struct ln_cursor *in, struct fragment *out)
{
    return ln__cursor_u8(in, &out->type) == LN_OK && ln__cursor_u24(in, &out->length) == LN_OK &&
           ln__cursor_u16(in, &out->seq) == LN_OK && ln__cursor_u24(in, &out->offset) == LN_OK &&
           ln__cursor_vector(in, 3, &out->body) == LN_OK;
}

/* A record has one or more fragments, of one or more messages. One that is bad spoils the record,
 * and what the others taught us is forgotten. */
static enum ln_guard_drop check_handshake(struct ln_dtls_guard *g, struct ln_span body)
{
    struct ln_dtls_guard next = *g;
    struct ln_cursor in = ln__cursor(body);
    do {
        struct fragment f;
        if (!read_fragment(&in, &f))
            return LN_GUARD_DROP_FRAGMENT;
        enum ln_guard_drop drop = check_message(&next, &f);
        if (drop == LN_GUARD_DROP_HELLO_LOOP)
            g->facts.loop = true;
        if (drop != LN_GUARD_DROP_NONE)
            return drop;
        if (!g->established)
            next.facts.messages |= UINT64_C(1) << f.type; /* types that passed are below 64 */
    } while (!ln__cursor_is_empty(&in));
    *g = next;
    return LN_GUARD_DROP_NONE;
}

/* ---- records ---- */

static enum ln_guard_drop check_alert(struct ln_dtls_guard *g, struct ln_span body)
{
    if (g->established)
        return LN_GUARD_DROP_PLAINTEXT;
    if (body.len != 2 || body.data[0] < 1 || body.data[0] > 2)
        return LN_GUARD_DROP_ALERT;
    g->facts.alert = true;
    g->facts.alert_level = body.data[0];
    g->facts.alert_number = body.data[1];
    return LN_GUARD_DROP_NONE;
}

static enum ln_guard_drop check_ccs(struct ln_dtls_guard *g, struct ln_span body)
{
    /* One that comes late is a repetition, which the library ignores; what it waits for, to repeat
     * our last flight, is the Finished behind it. */
    if (g->established)
        return LN_GUARD_DROP_PLAINTEXT;
    if (body.len != 1 || body.data[0] != 1)
        return LN_GUARD_DROP_CCS;
    g->changed = true;
    return LN_GUARD_DROP_NONE;
}

static enum ln_guard_drop check_plaintext(struct ln_dtls_guard *g, const struct record *r)
{
    if (r->body.len > PLAINTEXT_MAX)
        return LN_GUARD_DROP_TOO_LONG;
    if (r->type == TYPE_DATA)
        return LN_GUARD_DROP_PLAINTEXT;
    if (r->type == TYPE_HANDSHAKE)
        return check_handshake(g, r->body);
    if (g->server && (g->facts.messages & (1u << MSG_CLIENT_HELLO)) == 0 && !g->established)
        return LN_GUARD_DROP_BEFORE_HELLO;
    return r->type == TYPE_ALERT ? check_alert(g, r->body) : check_ccs(g, r->body);
}

static enum ln_guard_drop check_encrypted(struct ln_dtls_guard *g, const struct record *r)
{
    if (r->body.len < g->record_min)
        return LN_GUARD_DROP_SHORT;
    if (g->established || g->changed)
        return LN_GUARD_DROP_NONE;
    if (g->early == LN_GUARD_EARLY_MAX)
        return LN_GUARD_DROP_EARLY;
    g->early++;
    return LN_GUARD_DROP_NONE;
}

static enum ln_guard_drop check_record(struct ln_dtls_guard *g, const struct record *r)
{
    if (r->type < TYPE_CCS || r->type > TYPE_DATA)
        return LN_GUARD_DROP_TYPE;
    if (r->body.len == 0) /* RFC 5246 6.2.1; encrypted ones have a tag at least */
        return LN_GUARD_DROP_EMPTY;
    if (r->body.len > CIPHERTEXT_MAX)
        return LN_GUARD_DROP_TOO_LONG;
    if (r->epoch > 1)
        return LN_GUARD_DROP_EPOCH;
    if (r->epoch == 0)
        return check_plaintext(g, r);
    return check_encrypted(g, r);
}

/* RFC 6347 4.1: type, version, epoch, sequence number, length. Where the length cannot be believed,
 * all that is left is taken. */
static enum ln_guard_drop read_record(struct ln_cursor *in, struct record *out)
{
    uint16_t version = 0;
    struct ln_cursor c = *in;
    (void)ln__cursor_rest(in);
    if (ln__cursor_u8(&c, &out->type) != LN_OK)
        return LN_GUARD_DROP_HEADER;
    if ((out->type & 0xe0) == 0x20) /* RFC 9147 4, figure 3 */
        return LN_GUARD_DROP_UNIFIED;
    if (out->type == TYPE_CID) /* its length stands behind a Connection ID of unknown length */
        return LN_GUARD_DROP_CID;
    if (ln__cursor_u16(&c, &version) != LN_OK || ln__cursor_u16(&c, &out->epoch) != LN_OK ||
        ln__cursor_skip(&c, 2) != LN_OK || ln__cursor_uint(&c, 4, &out->number) != LN_OK ||
        ln__cursor_left(&c) < 2)
        return LN_GUARD_DROP_HEADER;
    if (ln__cursor_vector(&c, 2, &out->body) != LN_OK)
        return LN_GUARD_DROP_LENGTH;
    *in = c;
    return version == 0xfeff || version == 0xfefd ? LN_GUARD_DROP_NONE : LN_GUARD_DROP_VERSION;
}

/* ---- what a record that passed tells of the path ---- */

/* False if it has come before. What is older than the window is not told apart, and not counted. */
static bool count_number(struct ln_guard_numbers *n, uint32_t number)
{
    uint32_t ahead = number - n->last;
    if (n->distinct == 0) {
        *n = (struct ln_guard_numbers) { number, number, 1, 1, 0 };
        return true;
    }
    if (number > n->last) {
        n->window = (ahead < 64 ? n->window << ahead : 0) | 1;
        n->last = number;
        n->distinct++;
        return true;
    }
    uint32_t behind = n->last - number;
    uint64_t bit = behind < 64 ? UINT64_C(1) << behind : 0;
    if ((n->window & bit) != 0) {
        n->doubled++;
        return false;
    }
    if (number < n->first)
        n->first = number;
    n->window |= bit;
    n->distinct++;
    return true;
}

/* A HelloVerifyRequest has the number of the ClientHello that it answers (RFC 6347 4.2.1). */
static void learn(struct ln_dtls_guard *g, const struct record *r)
{
    struct fragment f;
    struct ln_cursor in = ln__cursor(r->body);
    g->facts.records |= 1u << r->type;
    if (r->epoch != 0)
        return;
    bool message = r->type == TYPE_HANDSHAKE && read_fragment(&in, &f);
    if (message && f.type == MSG_HELLO_VERIFY)
        return;
    bool fresh = count_number(&g->numbers, r->number);
    if (message && fresh && g->messages[f.seq].times < UINT8_MAX) /* checked: the record passed */
        g->messages[f.seq].times++;
}

static enum ln_guard_drop check_next(struct ln_dtls_guard *g, struct ln_cursor *in)
{
    struct record r = { .type = 0 };
    enum ln_guard_drop drop = read_record(in, &r);
    if (drop == LN_GUARD_DROP_UNIFIED && g->allow_dtls13)
        return LN_GUARD_DROP_NONE;
    if (drop == LN_GUARD_DROP_NONE)
        drop = check_record(g, &r);
    if (drop == LN_GUARD_DROP_NONE && !g->established)
        learn(g, &r);
    return drop;
}

/* ---- the interface ---- */

void ln__dtls_guard_init(struct ln_dtls_guard *g, bool server)
{
    *g = (struct ln_dtls_guard) { .server = server, .record_min = ln__suite_record_min(0) };
}

void ln__dtls_guard_allow_dtls13(struct ln_dtls_guard *g)
{
    g->allow_dtls13 = true;
}

void ln__dtls_guard_established(struct ln_dtls_guard *g, size_t record_min)
{
    g->established = true;
    g->record_min = record_min;
}

size_t ln__dtls_guard_filter(struct ln_dtls_guard *g, uint8_t *datagram, size_t len)
{
    struct ln_cursor in = ln__cursor(ln_span(datagram, len));
    size_t kept = 0;
    while (!ln__cursor_is_empty(&in)) {
        size_t at = len - ln__cursor_left(&in);
        enum ln_guard_drop drop = check_next(g, &in); /* takes at least one byte */
        size_t record_len = len - ln__cursor_left(&in) - at;
        if (drop != LN_GUARD_DROP_NONE) {
            g->dropped[drop]++;
            continue;
        }
        if (kept != at)
            memmove(datagram + kept, datagram + at, record_len);
        kept += record_len;
    }
    return kept;
}

bool ln__dtls_guard_path_doubles(const struct ln_dtls_guard *g)
{
    return g->numbers.doubled > 0;
}

bool ln__dtls_guard_path_is_bad(const struct ln_dtls_guard *g)
{
    const struct ln_guard_numbers *n = &g->numbers;
    return ln__dtls_guard_path_doubles(g) || (n->distinct > 0 && n->last - n->first >= n->distinct);
}

unsigned ln__dtls_guard_flights(const struct ln_dtls_guard *g)
{
    unsigned most = 0;
    for (size_t i = 0; i < LN_GUARD_WINDOW; i++)
        most = g->messages[i].times > most ? g->messages[i].times : most;
    return most;
}

bool ln__dtls_guard_is_steady(const struct ln_dtls_guard *g, unsigned missed)
{
    unsigned flights = ln__dtls_guard_flights(g);
    for (size_t i = 0; i < LN_GUARD_WINDOW; i++) {
        if (g->messages[i].seen && g->messages[i].times + missed < flights)
            return false;
    }
    return flights > 0;
}

bool ln__dtls_guard_has_gap(const struct ln_dtls_guard *g)
{
    bool incomplete = false;
    for (size_t i = 0; i < LN_GUARD_WINDOW; i++) {
        const struct ln_guard_message *m = &g->messages[i];
        if (incomplete && m->seen)
            return true;
        incomplete = incomplete || !m->seen || m->head < m->length;
    }
    return false;
}

uint64_t ln__dtls_guard_dropped(const struct ln_dtls_guard *g)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < LN_GUARD_DROP_COUNT; i++)
        sum += g->dropped[i];
    return sum;
}

const char *ln__dtls_guard_drop_text(enum ln_guard_drop reason)
{
    size_t i = (size_t)reason;
    return i < sizeof drop_texts / sizeof drop_texts[0] ? drop_texts[i] : "unknown";
}
