/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file pem.c
 * Contract: pem.h. The text is read line by line, each line once.
 */
#include "codec/pem.h"

#include "base/try.h"
#include "codec/base64.h"
#include "codec/der.h"

static const char begin_mark[] = "-----BEGIN ";
static const char end_mark[] = "-----END ";
static const char tail_mark[] = "-----";
static const char utf8_bom[] = "\xef\xbb\xbf";

static bool starts_with(struct ln_span s, const char *prefix)
{
    size_t len = strlen(prefix);
    return s.len >= len && memcmp(s.data, prefix, len) == 0;
}

static struct ln_span without_first(struct ln_span s, size_t len)
{
    return ln_span(s.data + len, s.len - len);
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static struct ln_span trim(struct ln_span s)
{
    while (s.len > 0 && is_blank(s.data[0]))
        s = without_first(s, 1);
    while (s.len > 0 && is_blank(s.data[s.len - 1]))
        s.len--;
    return s;
}

/* The next line without its end (LF, CR or CRLF), and without blanks around it or a byte order mark
 * before it. False at the end of the text; otherwise at least one byte was read. */
static bool next_line(struct ln_cursor *text, struct ln_span *line)
{
    struct ln_span left = text->left;
    if (left.len == 0)
        return false;
    size_t len = 0;
    while (len < left.len && left.data[len] != '\n' && left.data[len] != '\r')
        len++;
    size_t end = len;
    if (end < left.len) {
        bool crlf = left.data[end] == '\r' && end + 1 < left.len && left.data[end + 1] == '\n';
        end += crlf ? 2 : 1;
    }
    struct ln_span s = ln_span(left.data, len);
    if (starts_with(s, utf8_bom)) /* also in the middle: files are joined by `cat` */
        s = without_first(s, sizeof utf8_bom - 1);
    *line = trim(s);
    text->left = without_first(left, end);
    return true;
}

/* ---- form ---- */

static bool is_all_der(struct ln_span content)
{
    struct ln_cursor in = ln__cursor(content);
    struct ln_span body;
    while (!ln__cursor_is_empty(&in)) {
        if (ln__der_expect(&in, LN_DER_SEQUENCE, &body) != LN_OK)
            return false;
    }
    return true;
}

static bool has_block(struct ln_span content)
{
    struct ln_cursor in = ln__cursor(content);
    struct ln_span line;
    while (next_line(&in, &line)) {
        if (starts_with(line, begin_mark))
            return true;
    }
    return false;
}

enum ln_form ln__pem_form(struct ln_span content)
{
    if (content.len == 0)
        return LN_FORM_EMPTY;
    if (is_all_der(content))
        return LN_FORM_DER;
    if (has_block(content))
        return LN_FORM_PEM;
    return content.data[0] == LN_DER_SEQUENCE ? LN_FORM_DER : LN_FORM_UNKNOWN;
}

/* ---- blocks ---- */

/* RFC 7468 3: printable characters, no hyphen or space at its ends. Lower case is not refused. */
static bool is_label(struct ln_span s)
{
    if (s.len == 0 || s.len > LN_PEM_LABEL_MAX)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] < ' ' || s.data[i] > '~')
            return false;
    }
    uint8_t first = s.data[0];
    uint8_t last = s.data[s.len - 1];
    return first != ' ' && first != '-' && last != ' ' && last != '-';
}

/* "-----BEGIN label-----" */
static enum ln_status read_boundary(struct ln_span line, const char *mark, struct ln_span *label)
{
    size_t tail = sizeof tail_mark - 1;
    if (!starts_with(line, mark))
        return LN_BAD_PEER;
    struct ln_span rest = without_first(line, strlen(mark));
    if (rest.len < tail || !starts_with(without_first(rest, rest.len - tail), tail_mark))
        return LN_BAD_PEER;
    rest.len -= tail;
    if (!is_label(rest))
        return LN_BAD_PEER;
    *label = rest;
    return LN_OK;
}

/* The value of a "Name: value", if the line has this name (which is always written the same way). */
static void read_header(struct ln_span line, const char *name, struct ln_span *value)
{
    if (!starts_with(line, name))
        return;
    struct ln_span rest = trim(without_first(line, strlen(name)));
    if (rest.len > 0 && rest.data[0] == ':')
        *value = trim(without_first(rest, 1));
}

/* RFC 1421 4.4: headers, if the first line has a colon, up to an empty line. */
static enum ln_status read_headers(struct ln_cursor *text, struct ln_pem *block)
{
    struct ln_cursor ahead = *text;
    struct ln_span line;
    if (!next_line(&ahead, &line) || line.len == 0 || memchr(line.data, ':', line.len) == NULL)
        return LN_OK; /* Base64 has no colon */
    do {
        if (line.len > 0 && line.data[0] == '-')
            return LN_BAD_PEER;
        read_header(line, "Proc-Type", &block->proc_type);
        read_header(line, "DEK-Info", &block->dek_info);
        *text = ahead;
        if (line.len == 0)
            return LN_OK;
    } while (next_line(&ahead, &line));
    return LN_BAD_PEER;
}

/* Everything behind the first line. */
static enum ln_status read_block(struct ln_cursor *text, struct ln_pem *block)
{
    TRY(read_headers(text, block));
    struct ln_span line;
    const uint8_t *body = text->left.data;
    const uint8_t *end = body;
    while (next_line(text, &line)) {
        if (line.len == 0 || line.data[0] != '-') {
            end = text->left.data;
            continue;
        }
        struct ln_span label;
        TRY(read_boundary(line, end_mark, &label)); /* refuses another "-----BEGIN", too */
        if (!ln_span_equal(label, block->label))
            return LN_BAD_PEER;
        block->body = ln_span(body, (size_t)(end - body));
        block->whole.len = (size_t)(line.data + line.len - block->whole.data);
        return LN_OK;
    }
    return LN_BAD_PEER;
}

enum ln_status ln__pem_next(struct ln_cursor *text, struct ln_pem *out)
{
    struct ln_cursor c = *text;
    struct ln_span line;
    while (next_line(&c, &line)) {
        struct ln_pem block = { .whole = line };
        if (!starts_with(line, begin_mark))
            continue;
        TRY(read_boundary(line, begin_mark, &block.label));
        TRY(read_block(&c, &block));
        *text = c;
        *out = block;
        return LN_OK;
    }
    return LN_NOT_FOUND;
}

bool ln__pem_is_encrypted(const struct ln_pem *block)
{
    static const char word[] = "ENCRYPTED";
    size_t len = sizeof word - 1;
    struct ln_span s = block->proc_type;
    return s.len >= len && memcmp(s.data + s.len - len, word, len) == 0;
}

bool ln__pem_label_is(const struct ln_pem *block, const char *label)
{
    return ln_span_equal(block->label, ln_span_str(label)) != 0;
}

enum ln_status ln__pem_decode(const struct ln_pem *block, struct ln_mspan room, size_t *len)
{
    size_t got = 0;
    enum ln_status st = ln__base64_decode(block->body, LN_BASE64_WRAPPED, room, &got);
    if (st == LN_BAD_PEER || got == 0)
        return LN_BAD_PEER;
    *len = got;
    return st;
}
