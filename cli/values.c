/* SPDX-License-Identifier: Apache-2.0 */
#include "values.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int hex_digit(char c)
{
    const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *at = c != '\0' ? strchr(digits, c) : NULL;
    return at != NULL ? (int)((at - digits) % 16) : -1;
}

static bool is_separator(char c)
{
    return c == ':' || c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* May decode in place: it never writes further than it has read. */
static bool decode_hex(const char *text, uint8_t *out, size_t room, size_t *len)
{
    *len = 0;
    for (const char *p = text; *p != '\0';) {
        if (is_separator(*p)) {
            p++;
            continue;
        }
        int high = hex_digit(p[0]);
        int low = high >= 0 ? hex_digit(p[1]) : -1;
        if (low < 0 || *len == room)
            return false;
        out[(*len)++] = (uint8_t)(high * 16 + low);
        p += 2;
    }
    return *len > 0;
}

bool value_hex(const char *option, const char *text, struct ln_mspan room, size_t *len,
               struct option_error *error)
{
    if (decode_hex(text, room.data, room.len, len))
        return true;
    snprintf(error->text, sizeof error->text,
             "--%s: expected 1 to %zu bytes as pairs of hexadecimal digits", option, room.len);
    return false;
}

static bool read_file(const char *option, const char *path, struct ln_mspan room, size_t *len,
                      struct option_error *error)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        snprintf(error->text, sizeof error->text, "--%s: cannot open %.100s: %s", option, path,
                 strerror(errno));
        return false;
    }
    setvbuf(file, NULL, _IONBF, 0); /* no copy of a secret stays in a buffer of stdio */
    *len = fread(room.data, 1, room.len, file);
    bool failed = ferror(file) != 0;
    fclose(file);
    if (failed || *len == room.len) {
        snprintf(error->text, sizeof error->text, "--%s: %.100s %s", option, path,
                 failed ? "cannot be read" : "is too long");
        return false;
    }
    while (*len > 0 && is_separator((char)room.data[*len - 1]))
        (*len)--;
    room.data[*len] = '\0';
    return true;
}

bool value_text(const char *option, const char *text, struct ln_mspan room, size_t *len,
                struct option_error *error)
{
    if (text[0] == '@')
        return read_file(option, text + 1, room, len, error);
    *len = strlen(text);
    if (*len >= room.len) {
        snprintf(error->text, sizeof error->text, "--%s: longer than %zu bytes", option,
                 room.len - 1);
        return false;
    }
    memcpy(room.data, text, *len + 1);
    return true;
}

/* "0xc0a8" or "49320" */
static uint16_t read_id(const char *text)
{
    if (text[0] < '0' || text[0] > '9')
        return 0;
    char *end = NULL;
    unsigned long id = strtoul(text, &end, 0);
    return *end == '\0' && id <= UINT16_MAX ? (uint16_t)id : 0;
}

bool value_ids(const char *option, const char *text, uint16_t (*find)(const char *name),
               uint16_t *out, size_t room, size_t *count, struct option_error *error)
{
    *count = 0;
    for (const char *p = text;;) {
        char name[64] = "";
        size_t len = strcspn(p, ",");
        if (len < sizeof name)
            memcpy(name, p, len);
        uint16_t id = read_id(name);
        if (id == 0)
            id = find(name);
        if (id == 0 || *count == room) {
            snprintf(error->text, sizeof error->text,
                     id == 0 ? "--%s: '%.*s' is neither an IANA name nor a number such as 0x1301"
                             : "--%s: too many at '%.*s'",
                     option, (int)(len < 80 ? len : 80), p);
            return false;
        }
        out[(*count)++] = id;
        if (p[len] == '\0')
            return true;
        p += len + 1;
    }
}

/* One of the three small numbers, up to `most`; moves *text behind it. */
static bool tlsa_number(char **text, unsigned long most, uint8_t *out)
{
    char *end = NULL;
    *text += strspn(*text, " \t");
    if (**text < '0' || **text > '9')
        return false;
    unsigned long number = strtoul(*text, &end, 10);
    if (number > most || (*end != ' ' && *end != '\t'))
        return false;
    *out = (uint8_t)number;
    *text = end;
    return true;
}

bool value_tlsa(const char *option, char *text, struct ln_tlsa *out, struct option_error *error)
{
    size_t len = 0;
    if (tlsa_number(&text, LN_TLSA_DANE_EE, &out->usage) && tlsa_number(&text, 1, &out->selector) &&
        tlsa_number(&text, LN_TLSA_SHA512, &out->matching) &&
        decode_hex(text, (uint8_t *)text, strlen(text), &len)) {
        out->data = ln_span(text, len);
        return true;
    }
    snprintf(error->text, sizeof error->text,
             "--%s: expected usage, selector, matching type and hexadecimal data in one argument, "
             "such as '3 1 1 0123...'",
             option);
    return false;
}

bool value_version(const char *option, const char *text, bool datagram, uint16_t *out,
                   struct option_error *error)
{
    static const struct {
        const char *text;
        uint16_t stream, datagram;
    } versions[] = {
        { "1.0", LN_TLS_1_0, LN_DTLS_1_0 },
        { "1.1", LN_TLS_1_1, 0 }, /* there is no DTLS 1.1 */
        { "1.2", LN_TLS_1_2, LN_DTLS_1_2 },
        { "1.3", LN_TLS_1_3, LN_DTLS_1_3 },
    };
    const char *number = text;
    const char *prefix = datagram ? "dtls" : "tls";
    if (strncmp(text, prefix, strlen(prefix)) == 0)
        number += strlen(prefix);
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        uint16_t version = datagram ? versions[i].datagram : versions[i].stream;
        if (strcmp(number, versions[i].text) == 0 && version != 0) {
            *out = version;
            return true;
        }
    }
    snprintf(error->text, sizeof error->text, "--%s '%.20s': expected 1.2 or 1.3%s", option, text,
             datagram ? " (or, for very old servers, 1.0)"
                      : " (or, for very old servers, 1.0, 1.1)");
    return false;
}

bool value_words(const char *option, char *text, const char **out, size_t room, size_t *count,
                 struct option_error *error)
{
    *count = 0;
    for (char *p = text;;) {
        size_t len = strcspn(p, ",");
        if (len == 0 || *count == room) {
            snprintf(error->text, sizeof error->text,
                     len == 0 ? "--%s: a word in the list is empty" : "--%s: too many words",
                     option);
            return false;
        }
        out[(*count)++] = p;
        if (p[len] == '\0')
            return true;
        p[len] = '\0';
        p += len + 1;
    }
}
