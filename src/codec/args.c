/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file args.c
 * Contract: <linnet/args.h>.
 */
#include "base/cursor.h"
#include "base/try.h"
#include "base/utf8.h"

#include <linnet/args.h>

static bool next_is(const struct ln_cursor *in, uint8_t c)
{
    return in->left.len > 0 && in->left.data[0] == c;
}

/* What stands before the closing quote, which is read, too. */
static enum ln_status read_quoted(struct ln_cursor *in, struct ln_span *out)
{
    size_t len = 0;
    while (len < in->left.len && in->left.data[len] != '\'') {
        if (in->left.data[len] < ' ' || in->left.data[len] == 0x7f)
            return LN_BAD_PEER;
        len++;
    }
    TRY(ln__cursor_take(in, len, out));
    return ln__cursor_skip(in, 1);
}

/* 3, or 3='x' */
static enum ln_status read_argument(struct ln_cursor *in, struct ln_args *args)
{
    uint8_t digit = 0;
    TRY(ln__cursor_u8(in, &digit));
    if (digit < '0' || digit > '9')
        return LN_BAD_PEER;
    unsigned number = (unsigned)(digit - '0');
    if (ln_args_has(args, number))
        return LN_BAD_PEER;
    args->present = (uint16_t)(args->present | 1u << number);
    if (!next_is(in, '='))
        return LN_OK;
    TRY(ln__cursor_skip(in, 1));
    if (!next_is(in, '\''))
        return LN_BAD_PEER;
    TRY(ln__cursor_skip(in, 1));
    TRY(read_quoted(in, &args->value[number]));
    args->valued = (uint16_t)(args->valued | 1u << number);
    return LN_OK;
}

enum ln_status ln_args_read(struct ln_span text, struct ln_args *out)
{
    struct ln_args args = { .present = 0 };
    struct ln_cursor in = ln__cursor(text);
    if (!ln__utf8_is_valid(text))
        return LN_BAD_PEER;
    if (text.len > 0)
        TRY(read_argument(&in, &args));
    while (!ln__cursor_is_empty(&in)) {
        if (!next_is(&in, ','))
            return LN_BAD_PEER;
        TRY(ln__cursor_skip(&in, 1));
        TRY(read_argument(&in, &args));
    }
    *out = args;
    return LN_OK;
}
