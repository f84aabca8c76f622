/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file link.c
 * Contract: link.h.
 */
#include "codec/link.h"

#include "base/cursor.h"
#include "base/try.h"
#include "codec/decimal.h"

/* ---- writing ---- */

void ln__link_path(struct ln_link_writer *w, struct ln_span prefix, const struct ln_path *path)
{
    char text[LN_PATH_ROOM];
    size_t len = ln_path_text(path, text);
    ln__window_text(&w->out, w->begun ? ",<" : "<");
    ln__window_put(&w->out, prefix.data, prefix.len);
    if (path->levels > 0 || prefix.len == 0)
        ln__window_put(&w->out, text, len);
    ln__window_byte(&w->out, '>');
    w->begun = true;
}

static void put_name(struct ln_link_writer *w, const char *name)
{
    ln__window_byte(&w->out, ';');
    ln__window_text(&w->out, name);
    ln__window_byte(&w->out, '=');
}

void ln__link_number(struct ln_link_writer *w, const char *name, uint64_t value)
{
    char text[LN_DECIMAL_ROOM];
    put_name(w, name);
    ln__window_put(&w->out, text, ln__decimal_write_uint(value, text));
}

void ln__link_token(struct ln_link_writer *w, const char *name, struct ln_span value)
{
    put_name(w, name);
    ln__window_put(&w->out, value.data, value.len);
}

void ln__link_quoted(struct ln_link_writer *w, const char *name, struct ln_span value)
{
    put_name(w, name);
    ln__window_byte(&w->out, '"');
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] == '"' || value.data[i] == '\\')
            ln__window_byte(&w->out, '\\');
        ln__window_byte(&w->out, value.data[i]);
    }
    ln__window_byte(&w->out, '"');
}

static void put_whole(struct ln_link_writer *w, const char *name, uint32_t value)
{
    ln__link_number(w, name, value);
}

static void put_flag(struct ln_link_writer *w, const char *name, bool value)
{
    ln__link_number(w, name, value ? 1 : 0);
}

static void put_decimal(struct ln_link_writer *w, const char *name, double value)
{
    char text[LN_DECIMAL_ROOM];
    put_name(w, name);
    ln__window_put(&w->out, text, ln__decimal_write_double(value, text));
}

void ln__link_attrs(struct ln_link_writer *w, const struct ln_attrs *attrs)
{
#define PUT_WHOLE put_whole
#define PUT_DECIMAL put_decimal
#define PUT_FLAG put_flag
#define PUT_ATTR(name, text, member, kind, level, types)                                           \
    if (ln__attr_is_set(attrs, LN_ATTR_##name))                                                    \
        PUT_##kind(w, text, attrs->member);
    LN_ATTR_LIST(PUT_ATTR)
#undef PUT_ATTR
#undef PUT_FLAG
#undef PUT_DECIMAL
#undef PUT_WHOLE
}

/* ---- reading ---- */

static bool next_is(const struct ln_cursor *in, uint8_t c)
{
    return in->left.len > 0 && in->left.data[0] == c;
}

/* How many characters come before one of these, a space or a control character. */
static size_t count_until(struct ln_span in, const char *set)
{
    size_t len = 0;
    while (len < in.len && in.data[len] > ' ' && strchr(set, in.data[len]) == NULL)
        len++;
    return len;
}

/* Up to a quote that is not escaped, which is read, too. */
static enum ln_status read_quoted(struct ln_cursor *in, struct ln_span *out)
{
    size_t len = 0;
    while (len < in->left.len && in->left.data[len] != '"')
        len += in->left.data[len] == '\\' ? 2 : 1;
    TRY(ln__cursor_take(in, len, out));
    return ln__cursor_skip(in, 1);
}

/* ;name, ;name=value, ;name="value" */
static enum ln_status read_param(struct ln_cursor *in, struct ln_link_param *out)
{
    struct ln_link_param param = { .has_value = false };
    if (!next_is(in, ';'))
        return LN_BAD_PEER;
    TRY(ln__cursor_skip(in, 1));
    TRY(ln__cursor_take(in, count_until(in->left, "=;,\"<>"), &param.name));
    if (param.name.len == 0)
        return LN_BAD_PEER;
    param.has_value = next_is(in, '=');
    if (param.has_value) {
        TRY(ln__cursor_skip(in, 1));
        param.quoted = next_is(in, '"');
        if (param.quoted) {
            TRY(ln__cursor_skip(in, 1));
            TRY(read_quoted(in, &param.value));
        } else {
            TRY(ln__cursor_take(in, count_until(in->left, ";,\""), &param.value));
        }
    }
    *out = param;
    return LN_OK;
}

/* <target>;params */
static enum ln_status read_link(struct ln_cursor *in, struct ln_link *out)
{
    struct ln_link link;
    struct ln_link_param param;
    if (!next_is(in, '<'))
        return LN_BAD_PEER;
    TRY(ln__cursor_skip(in, 1));
    TRY(ln__cursor_take(in, count_until(in->left, "<>\""), &link.target));
    if (!next_is(in, '>'))
        return LN_BAD_PEER;
    TRY(ln__cursor_skip(in, 1));
    struct ln_cursor params = *in;
    while (next_is(in, ';'))
        TRY(read_param(in, &param));
    TRY(ln__cursor_take(&params, ln__cursor_left(&params) - ln__cursor_left(in), &link.params));
    *out = link;
    return LN_OK;
}

enum ln_status ln__link_next(struct ln_span *in, struct ln_link *out, bool *end)
{
    struct ln_cursor c = ln__cursor(*in);
    struct ln_link link;
    *end = in->len == 0;
    if (*end)
        return LN_OK;
    TRY(read_link(&c, &link));
    if (!ln__cursor_is_empty(&c)) {
        if (!next_is(&c, ','))
            return LN_BAD_PEER;
        TRY(ln__cursor_skip(&c, 1));
        if (ln__cursor_is_empty(&c)) /* a comma promises another link */
            return LN_BAD_PEER;
    }
    *in = c.left;
    *out = link;
    return LN_OK;
}

enum ln_status ln__link_next_param(struct ln_span *params, struct ln_link_param *out, bool *end)
{
    struct ln_cursor c = ln__cursor(*params);
    *end = params->len == 0;
    if (*end)
        return LN_OK;
    TRY(read_param(&c, out));
    *params = c.left;
    return LN_OK;
}
