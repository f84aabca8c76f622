/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file x509_text.c
 * Contract: x509.h, the part about texts.
 */
#include "codec/x509.h"

#include "base/text.h"
#include "base/try.h"
#include "codec/der.h"

#include <linnet/addr.h>

/* Parts of a name that are shown. Real names have fewer than ten. */
#define PARTS_MAX 32
/* One value, cleaned. The texts that this is for have room for less. */
#define VALUE_ROOM 260

/* The short names of RFC 4519 and those that OpenSSL prints. */
static const struct {
    const char *name;
    uint8_t len;
    uint8_t oid[10];
} attributes[] = {
    { "CN", 3, { 0x55, 0x04, 0x03 } },
    { "SN", 3, { 0x55, 0x04, 0x04 } },
    { "serialNumber", 3, { 0x55, 0x04, 0x05 } },
    { "C", 3, { 0x55, 0x04, 0x06 } },
    { "L", 3, { 0x55, 0x04, 0x07 } },
    { "ST", 3, { 0x55, 0x04, 0x08 } },
    { "street", 3, { 0x55, 0x04, 0x09 } },
    { "O", 3, { 0x55, 0x04, 0x0a } },
    { "OU", 3, { 0x55, 0x04, 0x0b } },
    { "title", 3, { 0x55, 0x04, 0x0c } },
    { "GN", 3, { 0x55, 0x04, 0x2a } },
    { "organizationIdentifier", 3, { 0x55, 0x04, 0x61 } },
    { "UID", 10, { 0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x01 } },
    { "DC", 10, { 0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19 } },
    { "emailAddress", 9, { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01 } },
};

/* ---- the type of an attribute ---- */

/* One arc; arcs of more than 32 bits (UUIDs) are shown as "?". */
static void add_arc(struct ln__text *text, uint64_t arc, bool first)
{
    if (first) {
        unsigned long long top = arc < 80 ? arc / 40 : 2;
        ln__text_add(text, "%llu.%llu", top, arc - 40 * top);
    } else if (arc > UINT32_MAX) {
        ln__text_add(text, ".?");
    } else {
        ln__text_add(text, ".%lu", (unsigned long)arc);
    }
}

static void add_dotted(struct ln__text *text, struct ln_span oid)
{
    uint64_t arc = 0;
    bool first = true;
    for (size_t i = 0; i < oid.len; i++) {
        if (arc <= UINT32_MAX) /* larger ones are not needed any more, and must not wrap */
            arc = arc << 7 | (oid.data[i] & 0x7fu);
        if ((oid.data[i] & 0x80) != 0)
            continue;
        add_arc(text, arc, first);
        first = false;
        arc = 0;
    }
}

static void add_type(struct ln__text *text, struct ln_span oid)
{
    for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++) {
        if (ln__der_oid_is(oid, attributes[i].oid, attributes[i].len)) {
            ln__text_add(text, "%s=", attributes[i].name);
            return;
        }
    }
    add_dotted(text, oid);
    ln__text_add(text, "=");
}

/* ---- its value ---- */

/* UTF-8 of one character, 0 bytes if there is no room; what Unicode does not have becomes "?". */
static size_t put_utf8(uint8_t *out, size_t room, uint32_t point)
{
    uint8_t bytes[4];
    size_t len = 0;
    if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
        point = '?';
    if (point < 0x80) {
        bytes[len++] = (uint8_t)point;
    } else if (point < 0x800) {
        bytes[len++] = (uint8_t)(0xc0 | point >> 6);
    } else if (point < 0x10000) {
        bytes[len++] = (uint8_t)(0xe0 | point >> 12);
        bytes[len++] = (uint8_t)(0x80 | (point >> 6 & 0x3f));
    } else {
        bytes[len++] = (uint8_t)(0xf0 | point >> 18);
        bytes[len++] = (uint8_t)(0x80 | (point >> 12 & 0x3f));
        bytes[len++] = (uint8_t)(0x80 | (point >> 6 & 0x3f));
    }
    if (point >= 0x80)
        bytes[len++] = (uint8_t)(0x80 | (point & 0x3f));
    if (len > room)
        return 0;
    memcpy(out, bytes, len);
    return len;
}

/* A string of characters of `width` bytes (Latin-1, UCS-2, UCS-4) as UTF-8; it is cut where the
 * room ends. */
static struct ln_span widen(struct ln_span value, size_t width, struct ln_mspan room)
{
    struct ln_cursor in = ln__cursor(value);
    size_t len = 0;
    uint32_t point = 0;
    while (ln__cursor_uint(&in, width, &point) == LN_OK) {
        size_t put = put_utf8(room.data + len, room.len - len, point);
        if (put == 0)
            break;
        len += put;
    }
    return ln_span(room.data, len);
}

/* Bytes per character of the strings that are not UTF-8 or ASCII; 0 = no string. */
static size_t string_width(uint8_t tag)
{
    switch (tag) {
    case LN_DER_UTF8_STRING:
    case LN_DER_NUMERIC_STRING:
    case LN_DER_PRINTABLE_STRING:
    case LN_DER_IA5_STRING:
    case LN_DER_VISIBLE_STRING:
    case LN_DER_T61_STRING: /* everybody wrote Latin-1 into it */
        return 1;
    case LN_DER_BMP_STRING:
        return 2;
    case LN_DER_UNIVERSAL_STRING:
        return 4;
    }
    return 0;
}

/* Cleaned text with a backslash before each character that separates (RFC 4514 2.4). */
static void add_escaped(struct ln__text *text, const char *value)
{
    while (*value != '\0') {
        size_t plain = strcspn(value, ",+\"\\<>;");
        ln__text_add(text, "%.*s", (int)plain, value);
        value += plain;
        if (*value != '\0') {
            ln__text_add(text, "\\%c", *value);
            value++;
        }
    }
}

static void add_value(struct ln__text *text, const struct ln_der *value)
{
    uint8_t wide[2 * VALUE_ROOM]; /* longer than the room below, so that a cut is seen there */
    char clean[VALUE_ROOM];
    struct ln_span utf8 = value->body;
    size_t width = string_width(value->tag);
    if (width == 0) {
        ln__text_add(text, "(binary)");
        return;
    }
    if (width > 1 || value->tag == LN_DER_T61_STRING)
        utf8 = widen(value->body, width, ln_mspan(wide, sizeof wide));
    (void)ln__text_copy(clean, sizeof clean, utf8);
    add_escaped(text, clean);
}

/* ---- names ---- */

/* RelativeDistinguishedName ::= SET OF AttributeTypeAndValue: "CN=a+O=b" */
static enum ln_status add_part(struct ln__text *text, struct ln_span part)
{
    struct ln_cursor set = ln__cursor(part);
    bool first = true;
    while (!ln__cursor_is_empty(&set) && !text->cut) {
        struct ln_cursor attribute;
        struct ln_span oid;
        struct ln_der value;
        TRY(ln__der_enter(&set, LN_DER_SEQUENCE, &attribute));
        TRY(ln__der_oid(&attribute, &oid));
        TRY(ln__der_read(&attribute, &value));
        if (!first)
            ln__text_add(text, "+");
        add_type(text, oid);
        add_value(text, &value);
        first = false;
    }
    return LN_OK;
}

/* The last PARTS_MAX parts; part n is in parts[n % PARTS_MAX]. */
static enum ln_status collect_parts(struct ln_span name, struct ln_span parts[PARTS_MAX],
                                    size_t *count)
{
    struct ln_cursor in = ln__cursor(name);
    struct ln_cursor list;
    size_t n = 0;
    TRY(ln__der_enter(&in, LN_DER_SEQUENCE, &list));
    while (!ln__cursor_is_empty(&list)) {
        TRY(ln__der_expect(&list, LN_DER_SET, &parts[n % PARTS_MAX]));
        n++;
    }
    *count = n;
    return ln__der_end(&in);
}

static enum ln_status add_name(struct ln__text *text, struct ln_span name)
{
    struct ln_span parts[PARTS_MAX];
    size_t count = 0;
    TRY(collect_parts(name, parts, &count));
    size_t shown = count < PARTS_MAX ? count : PARTS_MAX;
    for (size_t i = 0; i < shown; i++) {
        if (i > 0)
            ln__text_add(text, ", ");
        TRY(add_part(text, parts[(count - 1 - i) % PARTS_MAX]));
    }
    if (shown < count)
        ln__text_add(text, ", ...");
    return LN_OK;
}

size_t ln__x509_name_text(struct ln_span name, char *text, size_t room)
{
    struct ln__text t = ln__text_init(text, room);
    if (add_name(&t, name) != LN_OK) {
        t = ln__text_init(text, room);
        ln__text_add(&t, "(unreadable)");
    }
    return t.len;
}

static void add_ip(struct ln__text *text, struct ln_span ip)
{
    struct ln_addr addr = { .family = ip.len == 4 ? LN_IPV4 : LN_IPV6 };
    char line[LN_ADDR_TEXT_MAX];
    memcpy(addr.ip, ip.data, ip.len); /* 4 or 16, see ln__x509_san_next() */
    ln_addr_format_ip(&addr, line);
    ln__text_add(text, "IP:%s", line);
}

size_t ln__x509_sans_text(const struct ln_x509 *cert, char *text, size_t room)
{
    struct ln__text t = ln__text_init(text, room);
    struct ln_cursor sans = ln__x509_sans(cert);
    struct ln_san name;
    while (!t.cut && ln__x509_san_next(&sans, &name)) {
        char clean[VALUE_ROOM];
        if (name.kind == LN_SAN_OTHER)
            continue;
        if (t.len > 0)
            ln__text_add(&t, ", ");
        if (name.kind == LN_SAN_IP) {
            add_ip(&t, name.value);
        } else {
            (void)ln__text_copy(clean, sizeof clean, name.value);
            ln__text_add(&t, "DNS:");
            add_escaped(&t, clean);
        }
    }
    return t.len;
}
