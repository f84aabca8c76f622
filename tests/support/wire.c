/* SPDX-License-Identifier: Apache-2.0 */
#include "support/wire.h"

enum {
    RECORD_HANDSHAKE = 22,
    CLIENT_HELLO = 1,
    TLS_RECORD_HEADER = 5,
    DTLS_RECORD_HEADER = 13,
    EXT_SERVER_NAME = 0,
    EXT_GROUPS = 10,
    EXT_SIGNATURES = 13,
    EXT_ALPN = 16,
    EXT_TICKET = 35,
    EXT_PRE_SHARED_KEY = 41,
    EXT_CONNECTION_ID = 54,
    EXT_VERSIONS = 43,
};

static bool take(struct ln_span *in, size_t len, struct ln_span *out)
{
    if (in->len < len)
        return false;
    *out = ln_span(in->data, len);
    *in = ln_span(in->data + len, in->len - len);
    return true;
}

static bool take_uint(struct ln_span *in, size_t bytes, uint64_t *out)
{
    struct ln_span part;
    if (!take(in, bytes, &part))
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | part.data[i];
    *out = value;
    return true;
}

static bool take_u16(struct ln_span *in, uint16_t *out)
{
    uint64_t value = 0;
    if (!take_uint(in, 2, &value))
        return false;
    *out = (uint16_t)value;
    return true;
}

/* opaque x<..> with a length of `bytes` bytes */
static bool take_vector(struct ln_span *in, size_t bytes, struct ln_span *out)
{
    uint64_t len = 0;
    return take_uint(in, bytes, &len) && take(in, (size_t)len, out);
}

static bool read_list(struct ln_span in, struct wire_list *out)
{
    while (in.len > 0 && out->count < WIRE_LIST_MAX) {
        if (!take_u16(&in, &out->id[out->count]))
            return false;
        out->count++;
    }
    return in.len == 0;
}

/* RFC 6066 3: a list of one host_name */
static bool read_server_name(struct ln_span in, struct wire_hello *out)
{
    struct ln_span list;
    struct ln_span name;
    uint64_t type = 0;
    if (!take_vector(&in, 2, &list) || !take_uint(&list, 1, &type) || type != 0 ||
        !take_vector(&list, 2, &name) || name.len >= sizeof out->server_name)
        return false;
    memcpy(out->server_name, name.data, name.len);
    out->server_name[name.len] = '\0';
    return true;
}

static bool read_alpn(struct ln_span in, struct wire_hello *out)
{
    struct ln_span list;
    size_t at = 0;
    if (!take_vector(&in, 2, &list))
        return false;
    while (list.len > 0) {
        struct ln_span name;
        if (!take_vector(&list, 1, &name) || at + name.len + 2 > sizeof out->alpn)
            return false;
        if (at > 0)
            out->alpn[at++] = ',';
        memcpy(out->alpn + at, name.data, name.len);
        at += name.len;
    }
    out->alpn[at] = '\0';
    return true;
}

static bool read_pre_shared_key(struct ln_span in, struct wire_hello *out)
{
    struct ln_span identities;
    struct ln_span binders;
    struct ln_span first;
    out->has_psk = true;
    if (!take_vector(&in, 2, &identities) || !take_vector(&in, 2, &binders) ||
        !take_vector(&binders, 1, &first))
        return false;
    out->psk_binder_len = (uint16_t)first.len;
    return true;
}

static bool read_extension(uint16_t type, struct ln_span body, struct wire_hello *out)
{
    struct ln_span list = ln_span(NULL, 0);
    switch (type) {
    case EXT_SERVER_NAME:
        return read_server_name(body, out);
    case EXT_GROUPS:
        return take_vector(&body, 2, &list) && read_list(list, &out->groups);
    case EXT_SIGNATURES:
        return take_vector(&body, 2, &list) && read_list(list, &out->signatures);
    case EXT_ALPN:
        return read_alpn(body, out);
    case EXT_TICKET:
        out->ticket_len = body.len;
        return true;
    case EXT_CONNECTION_ID:
        if (!take_vector(&body, 1, &list) || body.len != 0)
            return false;
        out->has_cid = true;
        out->cid_len = list.len;
        return true;
    case EXT_PRE_SHARED_KEY:
        return read_pre_shared_key(body, out);
    case EXT_VERSIONS:
        return take_vector(&body, 1, &list) && read_list(list, &out->versions);
    default:
        return true;
    }
}

static bool read_extensions(struct ln_span in, struct wire_hello *out)
{
    while (in.len > 0) {
        uint16_t type = 0;
        struct ln_span body;
        if (!take_u16(&in, &type) || !take_vector(&in, 2, &body))
            return false;
        if (out->extensions.count < WIRE_LIST_MAX)
            out->extensions.id[out->extensions.count++] = type;
        if (!read_extension(type, body, out))
            return false;
    }
    return true;
}

static bool read_hello(struct ln_span in, bool datagram, struct wire_hello *out)
{
    struct ln_span part;
    if (!take_u16(&in, &out->version) || !take(&in, 32, &part) || !take_vector(&in, 1, &part))
        return false;
    out->session_id_len = part.len;
    if (datagram) {
        if (!take_vector(&in, 1, &part))
            return false;
        out->cookie_len = part.len;
    }
    if (!take_vector(&in, 2, &part) || !read_list(part, &out->suites))
        return false;
    if (!take_vector(&in, 1, &part)) /* compression methods */
        return false;
    if (in.len == 0)
        return true;
    return take_vector(&in, 2, &part) && read_extensions(part, out);
}

static bool read_tls(struct ln_span sent, struct wire_hello *out)
{
    uint64_t type = 0;
    uint64_t len = 0;
    uint16_t version = 0;
    struct ln_span record;
    struct ln_span body;
    return take_uint(&sent, 1, &type) && type == RECORD_HANDSHAKE && take_u16(&sent, &version) &&
           take_vector(&sent, 2, &record) && take_uint(&record, 1, &type) && type == CLIENT_HELLO &&
           take_uint(&record, 3, &len) && take(&record, (size_t)len, &body) &&
           read_hello(body, false, out);
}

static bool read_dtls(struct ln_span sent, struct wire_hello *out)
{
    struct wire_record record;
    uint64_t type = 0;
    uint64_t len = 0;
    uint64_t skip = 0;
    struct ln_span body;
    return wire_next_record(&sent, &record) && record.type == RECORD_HANDSHAKE &&
           record.epoch == 0 && take_uint(&record.body, 1, &type) && type == CLIENT_HELLO &&
           take_uint(&record.body, 3, &len) && take_uint(&record.body, 8, &skip) &&
           take(&record.body, (size_t)len, &body) && read_hello(body, true, out);
}

bool wire_client_hello(struct ln_span sent, bool datagram, struct wire_hello *out)
{
    memset(out, 0, sizeof *out);
    return datagram ? read_dtls(sent, out) : read_tls(sent, out);
}

bool wire_has(const struct wire_list *list, uint16_t id)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->id[i] == id)
            return true;
    }
    return false;
}

bool wire_equals(const struct wire_list *list, const uint16_t *ids, size_t count, uint16_t ignore)
{
    size_t at = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (ignore != 0 && list->id[i] == ignore)
            continue;
        if (at == count || list->id[i] != ids[at])
            return false;
        at++;
    }
    return at == count;
}

bool wire_next_record(struct ln_span *datagram, struct wire_record *out)
{
    uint64_t type = 0;
    if (datagram->len < DTLS_RECORD_HEADER)
        return false;
    if (!take_uint(datagram, 1, &type) || !take_u16(datagram, &out->version) ||
        !take_u16(datagram, &out->epoch) || !take_uint(datagram, 6, &out->sequence))
        return false;
    out->type = (uint8_t)type;
    return take_vector(datagram, 2, &out->body);
}

int wire_handshake_type(const struct wire_record *record)
{
    if (record->type != RECORD_HANDSHAKE || record->epoch != 0 || record->body.len < 12)
        return -1;
    return record->body.data[0];
}
