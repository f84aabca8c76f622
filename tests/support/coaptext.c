/* SPDX-License-Identifier: Apache-2.0 */
#include "support/coaptext.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include <cmocka.h>

uint8_t coaptext_body(uint32_t offset)
{
    return (uint8_t)(offset * 7 + offset / 16 * 3 + offset / 256 * 11 + offset / 4096 * 5);
}

static void mistake(const char *text, const char *what)
{
    fail_msg("coaptext: %s in \"%s\"", what, text);
}

/* ---- the names of options and codes ---- */

enum format { OPAQUE, TEXT, UINT, FLAG, BLOCK };

static enum format format_of(uint16_t number)
{
    if (number == LN_COAP_BLOCK1 || number == LN_COAP_BLOCK2)
        return BLOCK;
    switch (number) {
#define FORMAT_CASE(name, number_, repeatable, format, min, max)                                   \
    case number_: return format;
        LN_COAP_OPTION_LIST(FORMAT_CASE)
#undef FORMAT_CASE
    }
    return OPAQUE;
}

static uint8_t code_of(const char *word, const char *text)
{
    for (unsigned code = 0; code < 256; code++) {
        char name[LN_COAP_CODE_ROOM];
        ln_coap_code_text((uint8_t)code, name);
        char *space = strchr(name, ' ');
        if (space != NULL)
            *space = '\0';
        if (strcmp(name, word) == 0)
            return (uint8_t)code;
        const char *plain = ln_coap_code_name((uint8_t)code);
        if (ln_coap_class((uint8_t)code) == 7 && plain != NULL && strcasecmp(plain, word) == 0)
            return (uint8_t)code;
    }
    mistake(text, word);
    return 0;
}

static uint16_t number_of(const char *name, const char *text)
{
    if (name[0] == '#')
        return (uint16_t)strtoul(name + 1, NULL, 10);
    for (unsigned n = 0; n < 65536; n++)
        if (ln_coap_option_name((uint16_t)n) != NULL &&
            strcmp(ln_coap_option_name((uint16_t)n), name) == 0)
            return (uint16_t)n;
    mistake(text, name);
    return 0;
}

static size_t hex_of(const char *word, uint8_t *out, size_t room, const char *text)
{
    size_t len = strlen(word) / 2;
    if (strlen(word) % 2 != 0 || len > room)
        mistake(text, word);
    for (size_t i = 0; i < len; i++) {
        const char pair[3] = { word[2 * i], word[2 * i + 1], '\0' };
        char *end = NULL;
        out[i] = (uint8_t)strtoul(pair, &end, 16);
        if (*end != '\0')
            mistake(text, word);
    }
    return len;
}

/* ---- reading a text ---- */

struct reader {
    const char *text; /* all of it, for messages */
    const char *at;
    char word[600];
};

/* The next word; false at "|" and at the end. */
static bool next_word(struct reader *r)
{
    while (*r->at == ' ')
        r->at++;
    if (*r->at == '\0' || (*r->at == '|' && (r->at[1] == ' ' || r->at[1] == '\0')))
        return false;
    size_t len = strcspn(r->at, " ");
    if (len >= sizeof r->word)
        mistake(r->text, "a long word");
    memcpy(r->word, r->at, len);
    r->word[len] = '\0';
    r->at += len;
    return true;
}

static struct ln_coap_token value_of(const struct reader *r, const struct coaptext_vars *vars,
                                     size_t bytes)
{
    struct ln_coap_token value = { .len = 0 };
    if (r->word[0] == '$') {
        unsigned char name = (unsigned char)r->word[1];
        if (vars == NULL || name >= 128 || !vars->known[name])
            mistake(r->text, r->word);
        return vars->value[name];
    }
    if (strcmp(r->word, "-") != 0)
        value.len = (uint8_t)hex_of(r->word, value.data, sizeof value.data, r->text);
    if (bytes != 0 && value.len != bytes)
        mistake(r->text, r->word);
    return value;
}

static void put_option(struct ln_coap_writer *w, const struct reader *r)
{
    char name[600];
    uint8_t bytes[300];
    const char *colon = strchr(r->word, ':');
    if (colon == NULL)
        mistake(r->text, r->word);
    size_t len = (size_t)(colon - r->word);
    memcpy(name, r->word, len);
    name[len] = '\0';
    const char *value = colon + 1;
    uint16_t number = number_of(name, r->text);
    switch (name[0] == '#' ? OPAQUE : format_of(number)) {
    case UINT:
        ln_coap_put_uint(w, number, (uint32_t)strtoul(value, NULL, 10));
        break;
    case TEXT:
        ln_coap_put_text(w, number, value);
        break;
    case BLOCK: {
        unsigned num = 0;
        unsigned more = 0;
        unsigned size = 0;
        if (sscanf(value, "%u/%u/%u", &num, &more, &size) != 3)
            mistake(r->text, r->word);
        struct ln_coap_block block = { .num = num, .more = more != 0 };
        while (size > 16u << block.szx)
            block.szx++;
        ln_coap_put_block(w, number, block);
        break;
    }
    case FLAG:
    case OPAQUE:
        len = hex_of(value, bytes, sizeof bytes, r->text);
        ln_coap_put(w, number, ln_span(bytes, len));
        break;
    }
}

static void put_payload(struct ln_coap_writer *w, const char *text)
{
    unsigned from = 0;
    unsigned len = 0;
    if (sscanf(text, "@%u+%u", &from, &len) != 2) {
        ln_coap_put_payload(w, ln_span_str(text));
        return;
    }
    for (unsigned i = 0; i < len; i++) {
        uint8_t byte = coaptext_body(from + i);
        ln_coap_put_payload(w, ln_span(&byte, 1));
    }
}

static const char *const types[] = { "CON", "NON", "ACK", "RST", "TCP" };

struct ln_span coaptext_build(const char *text, const struct coaptext_vars *vars,
                              uint8_t room[COAPTEXT_ROOM])
{
    struct reader r = { .text = text, .at = text };
    struct ln_coap_writer w;
    struct ln_span out = ln_span(NULL, 0);
    unsigned type = 0;
    if (!next_word(&r))
        mistake(text, "nothing");
    while (type < 5 && strcmp(types[type], r.word) != 0)
        type++;
    if (type == 5)
        mistake(text, r.word);
    uint8_t code = 0;
    bool tcp = type == 4;
    struct ln_coap_token mid = { .len = 2 };
    struct ln_coap_token token = { .len = 0 };
    bool more = next_word(&r);
    bool is_id = r.word[0] == '$' || strcmp(r.word, "-") == 0 ||
                 (strlen(r.word) == 4 && strchr(r.word, '.') == NULL &&
                  strspn(r.word, "0123456789abcdef") == 4);
    if (more && !is_id) {
        code = code_of(r.word, text);
        more = next_word(&r);
    }
    if (more && !tcp) {
        mid = value_of(&r, vars, 2);
        more = next_word(&r);
    }
    if (more)
        token = value_of(&r, vars, 0);
    if (tcp)
        ln_coap_write_tcp(&w, ln_mspan(room, COAPTEXT_ROOM), code, &token);
    else
        ln_coap_write_udp(&w, ln_mspan(room, COAPTEXT_ROOM), (enum ln_coap_type)type, code,
                          (uint16_t)(mid.data[0] << 8 | mid.data[1]), &token);
    while (more && next_word(&r))
        put_option(&w, &r);
    if (strncmp(r.at, "| ", 2) == 0)
        put_payload(&w, r.at + 2);
    if (ln_coap_writer_end(&w, &out) != LN_OK)
        mistake(text, "a message too long");
    return out;
}

/* ---- writing a text ---- */

struct printer {
    char *text;
    size_t at;
};

static void print(struct printer *p, const char *format, ...) LN_PRINTF(2, 3);
static void print(struct printer *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(p->text + p->at, COAPTEXT_ROOM - p->at, format, args);
    va_end(args);
    if (n > 0)
        p->at += (size_t)n < COAPTEXT_ROOM - p->at ? (size_t)n : COAPTEXT_ROOM - p->at - 1;
}

static void print_hex(struct printer *p, struct ln_span bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        print(p, "%02x", bytes.data[i]);
}

static void print_text(struct printer *p, struct ln_span bytes)
{
    for (size_t i = 0; i < bytes.len && i < 200; i++)
        if (bytes.data[i] >= ' ' && bytes.data[i] < 0x7f)
            print(p, "%c", bytes.data[i]);
        else
            print(p, "\\x%02x", bytes.data[i]);
}

static void print_option(struct printer *p, const struct ln_coap_opt *opt)
{
    const char *name = ln_coap_option_name(opt->number);
    uint32_t value = 0;
    if (name != NULL)
        print(p, " %s:", name);
    else
        print(p, " #%u:", opt->number);
    enum format format = format_of(opt->number);
    if ((format == UINT || format == BLOCK) && ln_coap_uint(opt->value, &value) != LN_OK)
        format = OPAQUE;
    switch (format) {
    case UINT:
        print(p, "%u", (unsigned)value);
        break;
    case BLOCK:
        print(p, "%u/%u/%u", (unsigned)(value >> 4), (unsigned)(value >> 3 & 1),
              16u << (value & 7));
        break;
    case TEXT:
        print_text(p, opt->value);
        break;
    case FLAG:
    case OPAQUE:
        print_hex(p, opt->value);
        break;
    }
}

static void print_payload(struct printer *p, struct ln_span bytes)
{
    for (uint32_t from = 0; from < 8192 && bytes.len > 3; from += 16) {
        size_t i = 0;
        while (i < bytes.len && bytes.data[i] == coaptext_body(from + (uint32_t)i))
            i++;
        if (i == bytes.len) {
            print(p, " | @%u+%zu", (unsigned)from, bytes.len);
            return;
        }
    }
    print(p, " | ");
    print_text(p, bytes);
}

const char *coaptext_render(struct ln_span bytes, bool tcp, char text[COAPTEXT_ROOM])
{
    struct printer p = { .text = text };
    struct ln_coap_msg m;
    text[0] = '\0';
    enum ln_status st = tcp ? ln_coap_read_tcp(bytes, &m) : ln_coap_read_udp(bytes, &m);
    if (st != LN_OK) {
        print(&p, "malformed ");
        print_hex(&p, bytes);
        return text;
    }
    char code[LN_COAP_CODE_ROOM];
    ln_coap_code_text(m.code, code);
    print(&p, "%s %.*s", tcp ? "TCP" : types[m.type], (int)strcspn(code, " "), code);
    if (!tcp)
        print(&p, " %04x", m.mid);
    print(&p, " ");
    print_hex(&p, ln_span(m.token.data, m.token.len));
    if (m.token.len == 0)
        print(&p, "-");
    struct ln_coap_iter it = ln_coap_options(m.options);
    struct ln_coap_opt opt;
    while (ln_coap_next(&it, &opt))
        print_option(&p, &opt);
    if (m.payload.len > 0)
        print_payload(&p, m.payload);
    return text;
}

/* ---- expecting ---- */

static void take(struct coaptext_vars *vars, const char *word, struct ln_coap_token value)
{
    unsigned char name = (unsigned char)word[1];
    if (word[0] != '$' || name >= 128 || vars->known[name])
        return;
    vars->known[name] = true;
    vars->value[name] = value;
}

/* Variables stand where the message id and the token do. */
static void take_all(struct ln_span bytes, const char *expected, struct coaptext_vars *vars)
{
    struct reader r = { .text = expected, .at = expected };
    struct ln_coap_msg m;
    bool tcp = strncmp(expected, "TCP", 3) == 0;
    enum ln_status st = tcp ? ln_coap_read_tcp(bytes, &m) : ln_coap_read_udp(bytes, &m);
    if (st != LN_OK || !next_word(&r) || !next_word(&r))
        return;
    if (r.word[0] != '$' && !next_word(&r)) /* the code */
        return;
    if (!tcp) {
        struct ln_coap_token mid = { .len = 2, .data = { (uint8_t)(m.mid >> 8), (uint8_t)m.mid } };
        take(vars, r.word, mid);
        if (!next_word(&r))
            return;
    }
    take(vars, r.word, m.token);
}

void coaptext_expect(struct ln_span bytes, const char *expected, struct coaptext_vars *vars)
{
    uint8_t room[COAPTEXT_ROOM];
    char is[COAPTEXT_ROOM];
    char wanted[COAPTEXT_ROOM];
    bool tcp = strncmp(expected, "TCP", 3) == 0;
    take_all(bytes, expected, vars);
    struct ln_span built = coaptext_build(expected, vars, room);
    if (ln_span_equal(bytes, built) == 0)
        fail_msg("\n  expected: %s\n        is: %s", coaptext_render(built, tcp, wanted),
                 coaptext_render(bytes, tcp, is));
}
