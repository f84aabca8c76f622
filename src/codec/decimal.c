/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file decimal.c
 * Contract: decimal.h. Most numbers have few digits and take a short way, in which double arithmetic
 * is exact: whole numbers below 2^53 and powers of ten up to 10^22. All others are the work of
 * decimal_exact.c.
 */
#include "codec/decimal_exact.h"

#include "base/try.h"
#include "codec/ieee.h"

/* ---- text to decimal ---- */

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static size_t count_digits(struct ln_span text, size_t at)
{
    size_t count = 0;
    while (at + count < text.len && is_digit(text.data[at + count]))
        count++;
    return count;
}

/* Where the parts of a number stand in its text. */
struct parts {
    size_t whole;
    size_t whole_count;
    size_t fraction;
    size_t fraction_count;
    bool has_point;
    bool has_exponent;
    int32_t exponent;
};

/* "e-5", all that is left. No double needs more than four digits. */
static enum ln_status read_exponent(struct ln_span text, size_t at, int32_t *out)
{
    bool negative = false;
    int32_t value = 0;
    if (at < text.len && (text.data[at] == '+' || text.data[at] == '-'))
        negative = text.data[at++] == '-';
    size_t count = count_digits(text, at);
    if (count == 0 || count > 4 || at + count != text.len)
        return LN_BAD_PEER;
    for (size_t i = 0; i < count; i++)
        value = value * 10 + (text.data[at + i] - '0');
    *out = negative ? -value : value;
    return LN_OK;
}

static enum ln_status split(struct ln_span text, size_t at, struct parts *p)
{
    p->whole = at;
    p->whole_count = count_digits(text, at);
    at += p->whole_count;
    p->has_point = at < text.len && text.data[at] == '.';
    if (p->has_point) {
        p->fraction = ++at;
        p->fraction_count = count_digits(text, at);
        at += p->fraction_count;
    }
    p->has_exponent = at < text.len && (text.data[at] == 'e' || text.data[at] == 'E');
    if (p->has_exponent)
        return read_exponent(text, at + 1, &p->exponent);
    return at == text.len ? LN_OK : LN_BAD_PEER;
}

static bool is_of_style(struct ln_span text, const struct parts *p, enum ln_decimal_style style)
{
    bool complete = p->whole_count > 0 && (!p->has_point || p->fraction_count > 0);
    switch (style) {
    case LN_DECIMAL_INTEGER:
        return p->whole_count > 0 && !p->has_point && !p->has_exponent;
    case LN_DECIMAL_COMPLETE:
        return complete;
    case LN_DECIMAL_FLOAT:
        return p->whole_count + p->fraction_count > 0;
    case LN_DECIMAL_JSON:
        return complete && (p->whole_count == 1 || text.data[p->whole] != '0');
    }
    return false;
}

/* One more digit at the end, which is dropped when it is a zero in front. */
static void add_digit(struct ln_decimal *d, uint8_t digit)
{
    if (d->count > 0 || digit != 0)
        d->digit[d->count++] = digit;
}

static void trim(struct ln_decimal *d)
{
    while (d->count > 0 && d->digit[d->count - 1] == 0) {
        d->count--;
        d->exponent++;
    }
    if (d->count == 0)
        d->exponent = 0;
}

enum ln_status ln__decimal_read(struct ln_span text, enum ln_decimal_style style,
                                struct ln_decimal *out)
{
    struct ln_decimal d = { .count = 0 };
    struct parts p = { .whole = 0 };
    d.negative = text.len > 0 && text.data[0] == '-';
    TRY(split(text, d.negative ? 1 : 0, &p));
    if (!is_of_style(text, &p, style))
        return LN_BAD_PEER;
    if (p.whole_count + p.fraction_count > LN_DECIMAL_DIGITS_MAX)
        return LN_BAD_PEER;
    for (size_t i = 0; i < p.whole_count; i++)
        add_digit(&d, (uint8_t)(text.data[p.whole + i] - '0'));
    for (size_t i = 0; i < p.fraction_count; i++)
        add_digit(&d, (uint8_t)(text.data[p.fraction + i] - '0'));
    d.exponent = p.exponent - (int32_t)p.fraction_count;
    trim(&d);
    *out = d;
    return LN_OK;
}

struct ln_decimal ln__decimal_make(bool negative, uint64_t mantissa, int32_t exponent)
{
    struct ln_decimal d = { .negative = negative, .exponent = exponent };
    char text[LN_DECIMAL_ROOM];
    size_t len = ln__decimal_write_uint(mantissa, text);
    for (size_t i = 0; i < len; i++)
        add_digit(&d, (uint8_t)(text[i] - '0'));
    trim(&d);
    return d;
}

/* ---- decimal to numbers ---- */

/* Its absolute value, if that is an integer of 64 bits. */
static enum ln_status to_magnitude(const struct ln_decimal *d, uint64_t *out)
{
    uint64_t value = 0;
    if (d->exponent < 0 || d->count + d->exponent > 20)
        return LN_BAD_PEER;
    for (int32_t i = 0; i < d->count + d->exponent; i++) {
        uint64_t digit = i < d->count ? d->digit[i] : 0;
        if (value > (UINT64_MAX - digit) / 10)
            return LN_BAD_PEER;
        value = value * 10 + digit;
    }
    *out = value;
    return LN_OK;
}

enum ln_status ln__decimal_to_uint(const struct ln_decimal *d, uint64_t *out)
{
    uint64_t value = 0;
    TRY(to_magnitude(d, &value));
    if (d->negative && value != 0)
        return LN_BAD_PEER;
    *out = value;
    return LN_OK;
}

/* 10^0 to 10^22: the powers that a double holds exactly. */
static const double powers[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                 1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
#define POWER_MAX 22
#define EXACT_MAX (UINT64_C(1) << 53)

/* Both operands are exact, so that the one operation rounds right. */
static bool short_way(const struct ln_decimal *d, double *out)
{
    uint64_t digits = 0;
    if (d->count > 15 || d->exponent > POWER_MAX || d->exponent < -POWER_MAX)
        return false;
    for (size_t i = 0; i < d->count; i++)
        digits = digits * 10 + d->digit[i];
    *out = d->exponent < 0 ? (double)digits / powers[-d->exponent]
                           : (double)digits * powers[d->exponent];
    return true;
}

enum ln_status ln__decimal_to_double(const struct ln_decimal *d, double *out)
{
    double value = 0;
    if (d->count > 0 && !short_way(d, &value))
        TRY(ln__decimal_long_way(d, &value));
    *out = d->negative ? -value : value;
    return LN_OK;
}

/* ---- numbers to text ---- */

static size_t put_uint(uint64_t value, char *text)
{
    char digits[20];
    size_t count = 0;
    size_t len = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    while (count > 0)
        text[len++] = digits[--count];
    return len;
}

size_t ln__decimal_write_uint(uint64_t value, char text[LN_DECIMAL_ROOM])
{
    return put_uint(value, text);
}

size_t ln__decimal_write_int(int64_t value, char text[LN_DECIMAL_ROOM])
{
    if (value >= 0)
        return put_uint((uint64_t)value, text);
    text[0] = '-';
    return 1 + put_uint(0 - (uint64_t)value, text + 1);
}

/* Numbers of up to 15 digits, by trying: digits / 10^k rounds to the value, and no smaller k does. */
static bool few_digits(double value, struct ln__digits *out)
{
    for (int k = 0; k <= POWER_MAX; k++) {
        double scaled = value * powers[k] + 0.5;
        if (scaled >= 1e15)
            return false;
        uint64_t whole = (uint64_t)scaled;
        if ((double)whole / powers[k] != value)
            continue;
        char text[LN_DECIMAL_ROOM];
        out->count = ln__decimal_write_uint(whole, text);
        out->point = (int)out->count - k;
        for (size_t i = 0; i < out->count; i++)
            out->digit[i] = (uint8_t)(text[i] - '0');
        return true;
    }
    return false;
}

static size_t put_digits(const struct ln__digits *d, size_t from, size_t to, char *text)
{
    size_t len = 0;
    for (size_t i = from; i < to; i++)
        text[len++] = (char)('0' + (i < d->count ? d->digit[i] : 0));
    return len;
}

/* d.ddde+dd */
static size_t put_scientific(const struct ln__digits *d, char *text)
{
    size_t len = put_digits(d, 0, 1, text);
    int exponent = d->point - 1;
    if (d->count > 1) {
        text[len++] = '.';
        len += put_digits(d, 1, d->count, text + len);
    }
    text[len++] = 'e';
    text[len++] = exponent < 0 ? '-' : '+';
    return len +
           ln__decimal_write_uint((uint64_t)(exponent < 0 ? -exponent : exponent), text + len);
}

static size_t put_plain(const struct ln__digits *d, char *text)
{
    size_t len = 0;
    size_t whole = d->point > 0 ? (size_t)d->point : 0;
    if (whole == 0)
        text[len++] = '0';
    len += put_digits(d, 0, whole, text + len);
    if (d->count <= whole)
        return len;
    text[len++] = '.';
    for (int i = d->point; i < 0; i++)
        text[len++] = '0';
    return len + put_digits(d, whole, d->count, text + len);
}

size_t ln__decimal_write_double(double value, char text[LN_DECIMAL_ROOM])
{
    struct ln__digits d = { .count = 0 };
    size_t sign = 0;
    if (ln__ieee_bits64(value) >> 63 != 0) {
        text[sign++] = '-';
        value = -value;
    }
    if (!few_digits(value, &d))
        ln__decimal_many_digits(value, &d);
    bool plain = value == 0 || (d.point > -12 && d.point <= 21);
    return sign + (plain ? put_plain(&d, text + sign) : put_scientific(&d, text + sign));
}
