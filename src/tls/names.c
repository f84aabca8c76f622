/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file names.c
 * Contract: names.h.
 */
#include "tls/names.h"

#include <linnet/addr.h>

/* RFC 1035 2.3.4 */
#define LABEL_MAX 63

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Letters, digits and hyphen (RFC 952), and the underscore that is in use all the same. */
static bool is_name_character(char c)
{
    char l = lower(c);
    return (l >= 'a' && l <= 'z') || is_digit(c) || c == '-' || c == '_';
}

/* ---- the reference ---- */

/* Brackets and zone of an IPv6 address aside: "[fe80::1%eth0]" -> "fe80::1". False if that does
 * not fit; then it is no address. */
static bool bare_address(const char *host, char out[LN_ADDR_TEXT_MAX])
{
    size_t len = strlen(host);
    bool bracket = host[0] == '[';
    if (bracket) {
        if (len < 2 || host[len - 1] != ']')
            return false;
        host++;
        len -= 2;
    }
    const char *zone = memchr(host, '%', len);
    if (zone != NULL && zone + 1 == host + len)
        return false;
    if (zone != NULL)
        len = (size_t)(zone - host);
    if (len >= LN_ADDR_TEXT_MAX)
        return false;
    memcpy(out, host, len);
    out[len] = '\0';
    bool is_v6 = strchr(out, ':') != NULL && strpbrk(out, "[]") == NULL;
    return is_v6 || (!bracket && zone == NULL);
}

static bool read_address(const char *host, struct ln_name *out)
{
    char bare[LN_ADDR_TEXT_MAX];
    struct ln_addr addr;
    if (!bare_address(host, bare) || ln_addr_parse(bare, 0, &addr) != LN_OK)
        return false;
    out->is_ip = true;
    out->ip_len = addr.family == LN_IPV4 ? 4 : 16;
    memcpy(out->ip, addr.ip, out->ip_len);
    return true;
}

/* The length of the label that begins here. */
static size_t label_length(const char *at)
{
    return strcspn(at, ".");
}

static const char *label_fault(const char *label, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)label[i] > 0x7f)
            return "the name has a character outside ASCII: write it in its xn--... form";
        if (label[i] == '*')
            return "the name has a wildcard: only certificates may have one";
        if (!is_name_character(label[i]))
            return "the name has a character that is neither a letter, a digit, - _ nor .";
    }
    if (len == 0)
        return "the name has two dots in a row, or begins with one";
    return len > LABEL_MAX ? "a part of the name between two dots is longer than 63 bytes" : NULL;
}

/* A number as the last label, decimal or hexadecimal: then somebody meant an IPv4 address ("127.1",
 * "0x7f.1"). */
static bool is_number(const char *label, size_t len)
{
    bool hex = len > 1 && label[0] == '0' && lower(label[1]) == 'x';
    const char *digits = hex ? "0123456789abcdefABCDEF" : "0123456789";
    size_t skip = hex ? 2 : 0;
    return skip + strspn(label + skip, digits) >= len;
}

static const char *name_fault(const char *host)
{
    for (const char *at = host;;) {
        size_t len = label_length(at);
        const char *fault = label_fault(at, len);
        if (fault != NULL)
            return fault;
        bool last = at[len] == '\0' || at[len + 1] == '\0'; /* one dot may end the name */
        if (last && is_number(at, len))
            return "the name looks like an IPv4 address but is not four numbers from 0 to 255";
        if (last)
            return NULL;
        at += len + 1;
    }
}

/* NULL: it is read. */
static const char *read_reference(const char *host, struct ln_name *out)
{
    size_t len = host != NULL ? strlen(host) : 0;
    if (len == 0)
        return "the name is empty";
    if (len > LN_NAME_MAX)
        return "the name is longer than 255 bytes";
    if (read_address(host, out))
        return NULL;
    if (strpbrk(host, "[]:%") != NULL)
        return "the name is no IPv6 address, and no other name has : % [ or ]";
    const char *fault = name_fault(host);
    if (fault != NULL)
        return fault;
    if (host[len - 1] == '.')
        len--;
    for (size_t i = 0; i < len; i++)
        out->text[i] = lower(host[i]);
    return NULL;
}

const char *ln__name_fault(const char *host)
{
    struct ln_name ignored;
    return read_reference(host, &ignored);
}

enum ln_status ln__name_parse(const char *host, struct ln_name *out)
{
    struct ln_name name = { .is_ip = false };
    if (read_reference(host, &name) != NULL)
        return LN_BAD_ARG;
    *out = name;
    return LN_OK;
}

const char *ln__name_sni(const struct ln_name *name)
{
    return name->text[0] != '\0' ? name->text : NULL;
}

/* ---- what certificates present ---- */

/* Whatever a certificate presents, it can only be equal to a reference, which is clean: nothing else
 * needs to be checked in it. */
static bool same(const char *reference, const char *presented, size_t len)
{
    if (strlen(reference) != len)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (reference[i] != lower(presented[i]))
            return false;
    }
    return true;
}

static bool matches_dns(const char *reference, struct ln_span presented)
{
    const char *text = (const char *)presented.data;
    size_t len = presented.len;
    if (len > 2 && text[0] == '*' && text[1] == '.') {
        text += 2;
        len -= 2;
        if (memchr(text, '.', len) == NULL)
            return false; /* "*.com" */
        size_t first = label_length(reference);
        if (reference[first] == '\0')
            return false;
        reference += first + 1;
    }
    return same(reference, text, len);
}

bool ln__name_matches_san(const struct ln_name *name, const struct ln_san *san)
{
    switch (san->kind) {
    case LN_SAN_DNS:
        return name->text[0] != '\0' && matches_dns(name->text, san->value);
    case LN_SAN_IP:
        return name->is_ip && ln_span_equal(ln_span(name->ip, name->ip_len), san->value);
    case LN_SAN_OTHER:
        break;
    }
    return false;
}

bool ln__name_matches(const struct ln_name *name, const struct ln_x509 *cert)
{
    struct ln_cursor sans = ln__x509_sans(cert);
    struct ln_san san;
    while (ln__x509_san_next(&sans, &san)) {
        if (ln__name_matches_san(name, &san))
            return true;
    }
    return false;
}
