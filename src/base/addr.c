/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract: <linnet/addr.h>. Reads and writes literals without help of the system: strict when
 * reading, RFC 5952 when writing.
 */
#include "base/addr.h"

#include "base/text.h"

#define GROUPS 8 /* of an IPv6 address, 16 bits each */

/* ---- reading ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Value of a hexadecimal digit, or -1. */
static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* A decimal number without leading zeros (which others read as octal), up to `max`. Moves *at
 * behind it. */
static bool read_decimal(const char **at, uint32_t max, uint32_t *out)
{
    const char *p = *at;
    if (!is_digit(*p) || (*p == '0' && is_digit(p[1])))
        return false;
    uint64_t value = 0;
    for (; is_digit(*p); p++) {
        value = value * 10 + (uint64_t)(*p - '0');
        if (value > max)
            return false;
    }
    *out = (uint32_t)value;
    *at = p;
    return true;
}

/* Exactly four octets. Moves *at behind them. */
static bool read_ipv4(const char **at, uint8_t out[4])
{
    const char *p = *at;
    for (size_t i = 0; i < 4; i++) {
        uint32_t octet;
        if (i > 0 && *p++ != '.')
            return false;
        if (!read_decimal(&p, 255, &octet))
            return false;
        out[i] = (uint8_t)octet;
    }
    *at = p;
    return true;
}

/* One to four hexadecimal digits. Moves *at behind them. */
static bool read_group(const char **at, uint16_t *out)
{
    unsigned value = 0;
    size_t digits = 0;
    const char *p = *at;
    for (; hex_value(*p) >= 0; p++) {
        if (++digits > 4)
            return false;
        value = value << 4 | (unsigned)hex_value(*p);
    }
    if (digits == 0)
        return false;
    *out = (uint16_t)value;
    *at = p;
    return true;
}

/* The groups as they are written. */
struct groups {
    uint16_t value[GROUPS];
    size_t count;
    bool gap;      /* "::" was read, ... */
    size_t gap_at; /* ... before this group */
};

/* A group, or a dotted IPv4 address in the place of the last two. */
static bool read_group_or_ipv4(const char **at, struct groups *g, bool *last)
{
    uint8_t v4[4];
    const char *p = *at;
    *last = g->count + 2 <= GROUPS && read_ipv4(&p, v4);
    if (*last) {
        g->value[g->count++] = (uint16_t)(v4[0] << 8 | v4[1]);
        g->value[g->count++] = (uint16_t)(v4[2] << 8 | v4[3]);
        *at = p;
        return true;
    }
    if (g->count >= GROUPS || !read_group(at, &g->value[g->count]))
        return false;
    g->count++;
    return true;
}

/* All groups up to the first character that is none. */
static bool read_groups(const char **at, struct groups *g)
{
    const char *p = *at;
    bool last = false;
    bool first = true;
    while (!last) {
        if (p[0] == ':' && p[1] == ':') {
            if (g->gap)
                return false;
            g->gap = true;
            g->gap_at = g->count;
            p += 2;
            if (*p != ':' && hex_value(*p) < 0)
                break; /* the gap is the end */
        } else if (!first) {
            if (*p != ':')
                break;
            p++;
        }
        first = false;
        if (!read_group_or_ipv4(&p, g, &last))
            return false;
    }
    *at = p;
    /* "::" stands for at least one group of zeros (RFC 5952 4.2.2 forbids writing one, not reading) */
    return g->gap ? g->count < GROUPS : g->count == GROUPS;
}

static void spread_groups(const struct groups *g, uint8_t out[16])
{
    memset(out, 0, 16);
    size_t behind = g->gap ? g->count - g->gap_at : 0; /* groups behind the gap */
    for (size_t i = 0; i < g->count; i++) {
        size_t to = i < g->count - behind ? i : GROUPS - g->count + i;
        out[2 * to] = (uint8_t)(g->value[i] >> 8);
        out[2 * to + 1] = (uint8_t)(g->value[i] & 0xff);
    }
}

/* IPv6, with or without brackets and zone. The whole text. */
static bool read_ipv6(const char *text, struct ln_addr *out)
{
    const char *p = text;
    bool bracket = *p == '[';
    if (bracket)
        p++;
    struct groups g = { .count = 0 };
    if (!read_groups(&p, &g))
        return false;
    if (*p == '%') {
        p++;
        /* zone 0 is "no zone": nobody writes it on purpose */
        if (!read_decimal(&p, UINT32_MAX, &out->scope) || out->scope == 0)
            return false;
    }
    if (bracket && *p++ != ']')
        return false;
    if (*p != '\0')
        return false;
    out->family = LN_IPV6;
    spread_groups(&g, out->ip);
    return true;
}

static bool read_whole_ipv4(const char *text, struct ln_addr *out)
{
    const char *p = text;
    if (!read_ipv4(&p, out->ip) || *p != '\0')
        return false;
    out->family = LN_IPV4;
    return true;
}

enum ln_status ln_addr_parse(const char *text, uint16_t port, struct ln_addr *out)
{
    struct ln_addr addr = { .port = port };
    if (text == NULL)
        return LN_NOT_FOUND;
    if (!read_whole_ipv4(text, &addr)) {
        addr = (struct ln_addr) { .port = port };
        if (!read_ipv6(text, &addr))
            return LN_NOT_FOUND;
    }
    ln__addr_normalise(&addr);
    *out = addr;
    return LN_OK;
}

/* ---- comparing ---- */

static bool is_v4_mapped(const struct ln_addr *addr)
{
    static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };
    return addr->family == LN_IPV6 && memcmp(addr->ip, prefix, sizeof prefix) == 0;
}

void ln__addr_normalise(struct ln_addr *addr)
{
    if (is_v4_mapped(addr)) {
        addr->family = LN_IPV4;
        memmove(addr->ip, addr->ip + 12, 4);
    }
    if (addr->family == LN_IPV4) {
        addr->scope = 0;
        memset(addr->ip + 4, 0, sizeof addr->ip - 4);
    }
}

bool ln_addr_equal(const struct ln_addr *a, const struct ln_addr *b)
{
    struct ln_addr left = *a;
    struct ln_addr right = *b;
    ln__addr_normalise(&left);
    ln__addr_normalise(&right);
    if (left.family != right.family)
        return false;
    if (left.family == LN_FAMILY_ANY)
        return true; /* "no address" has no parts */
    return left.port == right.port && left.scope == right.scope &&
           memcmp(left.ip, right.ip, sizeof left.ip) == 0;
}

/* ---- writing ---- */

/* The run of zero groups that is written "::": the longest, the first of equals, not of one alone
 * (RFC 5952 4.2). `len` 0 = none. */
struct zero_run {
    size_t start;
    size_t len;
};

static bool is_zero_group(const struct ln_addr *addr, size_t group)
{
    return addr->ip[2 * group] == 0 && addr->ip[2 * group + 1] == 0;
}

static struct zero_run longest_zero_run(const struct ln_addr *addr)
{
    struct zero_run best = { .start = 0, .len = 1 };
    for (size_t i = 0; i < GROUPS; i++) {
        size_t end = i;
        while (end < GROUPS && is_zero_group(addr, end))
            end++;
        if (end - i > best.len)
            best = (struct zero_run) { .start = i, .len = end - i };
    }
    if (best.len < 2)
        best.len = 0;
    return best;
}

static void write_ipv6(struct ln__text *text, const struct ln_addr *addr)
{
    struct zero_run run = longest_zero_run(addr);
    for (size_t i = 0; i < GROUPS; i++) {
        if (run.len > 0 && i == run.start) {
            ln__text_add(text, "::");
            i += run.len - 1;
            continue;
        }
        bool after_gap = run.len > 0 && i == run.start + run.len;
        unsigned value = (unsigned)(addr->ip[2 * i] << 8 | addr->ip[2 * i + 1]);
        ln__text_add(text, "%s%x", i == 0 || after_gap ? "" : ":", value);
    }
    if (addr->scope != 0)
        ln__text_add(text, "%%%lu", (unsigned long)addr->scope);
}

static void write_ip(struct ln__text *text, const struct ln_addr *addr)
{
    if (addr->family == LN_IPV4)
        ln__text_add(text, "%u.%u.%u.%u", addr->ip[0], addr->ip[1], addr->ip[2], addr->ip[3]);
    else if (addr->family == LN_IPV6)
        write_ipv6(text, addr);
}

void ln_addr_format_ip(const struct ln_addr *addr, char text[LN_ADDR_TEXT_MAX])
{
    struct ln__text out = ln__text_init(text, LN_ADDR_TEXT_MAX);
    struct ln_addr copy = *addr;
    ln__addr_normalise(&copy);
    write_ip(&out, &copy);
}

void ln_addr_format(const struct ln_addr *addr, char text[LN_ADDR_TEXT_MAX])
{
    struct ln__text out = ln__text_init(text, LN_ADDR_TEXT_MAX);
    struct ln_addr copy = *addr;
    ln__addr_normalise(&copy);
    if (copy.family == LN_FAMILY_ANY)
        return;
    bool brackets = copy.family == LN_IPV6;
    ln__text_add(&out, "%s", brackets ? "[" : "");
    write_ip(&out, &copy);
    ln__text_add(&out, "%s:%u", brackets ? "]" : "", copy.port);
}
