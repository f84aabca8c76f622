/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file decimal.c
 * Contract: decimal.h. Most numbers have few digits and take a short way, in which double arithmetic
 * is exact: whole numbers below 2^53 and powers of ten up to 10^22. All others are worked out with
 * integers of any size (struct big); that is slow, small and right.
 */
#include "codec/decimal.h"

#include "base/try.h"
#include "codec/ieee.h"

/* ---- integers of any size, not negative ---- */

/* 10^(324+60) and what a double is shifted by need 1,400 bits; with room to multiply. */
#define BIG_WORDS 48

struct big {
    size_t len; /* words in use; the highest is not 0 */
    uint32_t word[BIG_WORDS];
};

static void big_set(struct big *b, uint64_t value)
{
    b->word[0] = (uint32_t)value;
    b->word[1] = (uint32_t)(value >> 32);
    b->len = b->word[1] != 0 ? 2 : b->word[0] != 0 ? 1 : 0;
}

static void big_push(struct big *b, uint32_t word)
{
    if (word != 0 && b->len < BIG_WORDS)
        b->word[b->len++] = word;
}

/* b = b * factor + add */
static void big_multiply(struct big *b, uint32_t factor, uint32_t add)
{
    uint64_t carry = add;
    for (size_t i = 0; i < b->len; i++) {
        carry += (uint64_t)b->word[i] * factor;
        b->word[i] = (uint32_t)carry;
        carry >>= 32;
    }
    big_push(b, (uint32_t)carry);
}

static void big_multiply_pow10(struct big *b, unsigned power)
{
    for (; power >= 9; power -= 9)
        big_multiply(b, 1000000000u, 0);
    for (; power > 0; power--)
        big_multiply(b, 10, 0);
}

static void big_shift(struct big *b, unsigned bits)
{
    size_t words = bits / 32;
    if (b->len == 0)
        return;
    if (bits % 32 != 0)
        big_multiply(b, UINT32_C(1) << (bits % 32), 0);
    if (words == 0 || words > BIG_WORDS - b->len)
        return;
    memmove(b->word + words, b->word, b->len * sizeof b->word[0]);
    memset(b->word, 0, words * sizeof b->word[0]);
    b->len += words;
}

static int big_compare(const struct big *a, const struct big *b)
{
    if (a->len != b->len)
        return a->len < b->len ? -1 : 1;
    for (size_t i = a->len; i-- > 0;) {
        if (a->word[i] != b->word[i])
            return a->word[i] < b->word[i] ? -1 : 1;
    }
    return 0;
}

/* a = a - b, which is not greater than a */
static void big_subtract(struct big *a, const struct big *b)
{
    uint64_t borrow = 0;
    for (size_t i = 0; i < a->len; i++) {
        uint64_t take = borrow + (i < b->len ? b->word[i] : 0);
        borrow = take > a->word[i] ? 1 : 0;
        a->word[i] = (uint32_t)(a->word[i] - take);
    }
    while (a->len > 0 && a->word[a->len - 1] == 0)
        a->len--;
}

/* Compare a + b with c. */
static int big_compare_sum(const struct big *a, const struct big *b, const struct big *c)
{
    struct big sum = *a;
    uint64_t carry = 0;
    for (size_t i = 0; i < sum.len || i < b->len; i++) {
        carry += (uint64_t)(i < sum.len ? sum.word[i] : 0) + (i < b->len ? b->word[i] : 0);
        sum.word[i] = (uint32_t)carry;
        carry >>= 32;
        if (i >= sum.len)
            sum.len = i + 1;
    }
    big_push(&sum, (uint32_t)carry);
    return big_compare(&sum, c);
}

static int big_bits(const struct big *b)
{
    int bits = (int)(b->len * 32);
    for (uint32_t top = b->len > 0 ? b->word[b->len - 1] : 0; top != 0 && top >> 31 == 0; top <<= 1)
        bits--;
    return bits;
}

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
    case LN_DECIMAL_PLAIN:
        return complete && !p->has_exponent;
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

/* The first 64 bits of numerator / denominator, and whether something follows; the result is
 * *quotient * 2^exponent, with its highest bit set. */
static void divide(struct big *numerator, struct big *denominator, uint64_t *quotient,
                   int *exponent, bool *sticky)
{
    int shift = big_bits(numerator) - big_bits(denominator);
    if (shift > 0)
        big_shift(denominator, (unsigned)shift);
    else
        big_shift(numerator, (unsigned)-shift);
    if (big_compare(numerator, denominator) < 0) { /* both have as many bits: one at most */
        big_shift(numerator, 1);
        shift--;
    }
    uint64_t bits = 0;
    for (int i = 0; i < 64; i++) {
        bits <<= 1;
        if (big_compare(numerator, denominator) >= 0) {
            big_subtract(numerator, denominator);
            bits |= 1;
        }
        big_shift(numerator, 1);
    }
    *quotient = bits;
    *exponent = shift - 63;
    *sticky = numerator->len > 0;
}

/* Round 64 bits times 2^exponent to a double, half to even (IEEE 754 4.3.1). */
static enum ln_status round_double(uint64_t bits, int exponent, bool sticky, double *out)
{
    int biased = exponent + 63 + 1023; /* of the highest bit */
    unsigned drop = 11;                /* 64 bits to 53 */
    if (biased <= 0) {                 /* subnormal: fewer bits */
        drop += (unsigned)(1 - biased);
        biased = 0;
    }
    if (drop > 64) {
        *out = 0;
        return LN_OK;
    }
    uint64_t kept = drop == 64 ? 0 : bits >> drop;
    uint64_t half = UINT64_C(1) << (drop - 1);
    uint64_t rest = bits & (half | (half - 1));
    if (rest > half || (rest == half && (sticky || (kept & 1) != 0)))
        kept++;
    /* the hidden bit of a normal number, and a carry, add to the exponent as they should */
    uint64_t exponent_bits = biased == 0 ? 0 : (uint64_t)(biased - 1);
    uint64_t whole = (exponent_bits << 52) + kept;
    if (biased >= 0x7ff || whole >> 52 >= 0x7ff)
        return LN_BAD_PEER;
    *out = ln__ieee_from64(whole);
    return LN_OK;
}

static enum ln_status long_way(const struct ln_decimal *d, double *out)
{
    struct big numerator;
    struct big denominator;
    uint64_t quotient = 0;
    int exponent = 0;
    bool sticky = false;
    int32_t magnitude = d->count + d->exponent; /* value < 10^magnitude */
    if (magnitude > 310)
        return LN_BAD_PEER;
    if (magnitude < -330) {
        *out = 0;
        return LN_OK;
    }
    big_set(&numerator, 0);
    big_set(&denominator, 1);
    for (size_t i = 0; i < d->count; i++)
        big_multiply(&numerator, 10, d->digit[i]);
    if (d->exponent < 0)
        big_multiply_pow10(&denominator, (unsigned)-d->exponent);
    else
        big_multiply_pow10(&numerator, (unsigned)d->exponent);
    divide(&numerator, &denominator, &quotient, &exponent, &sticky);
    return round_double(quotient, exponent, sticky, out);
}

enum ln_status ln__decimal_to_double(const struct ln_decimal *d, double *out)
{
    double value = 0;
    if (d->count > 0 && !short_way(d, &value))
        TRY(long_way(d, &value));
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

/* At most 17 digits with nothing but zeros left out; value = 0.d1d2d3... * 10^point. */
struct digits {
    uint8_t digit[20];
    size_t count;
    int point;
};

/* Numbers of up to 15 digits, by trying: digits / 10^k rounds to the value, and no smaller k does. */
static bool few_digits(double value, struct digits *out)
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

/* The value as rest / scale, and half the way to its neighbours below and above as low / scale and
 * high / scale: all that lies between reads as this double. */
struct interval {
    struct big rest;
    struct big scale;
    struct big low;
    struct big high;
    bool closed; /* the ends do, too: the value is even */
};

/* Returns the exponent of the highest bit of the value. */
static int make_interval(double value, struct interval *v)
{
    uint64_t bits = ln__ieee_bits64(value);
    uint64_t fraction = bits & ((UINT64_C(1) << 52) - 1);
    int biased = (int)(bits >> 52 & 0x7ff);
    int exponent = (biased == 0 ? 1 : biased) - 1023 - 52;
    uint64_t mantissa = biased == 0 ? fraction : fraction | UINT64_C(1) << 52;
    /* the neighbour below a power of two is only half as far */
    unsigned uneven = fraction == 0 && biased > 1 ? 1 : 0;
    unsigned up = exponent > 0 ? (unsigned)exponent : 0;
    unsigned down = exponent < 0 ? (unsigned)-exponent : 0;
    big_set(&v->rest, mantissa);
    int highest = big_bits(&v->rest) - 1 + exponent;
    big_shift(&v->rest, up + 1 + uneven);
    big_set(&v->scale, 1);
    big_shift(&v->scale, down + 1 + uneven);
    big_set(&v->low, 1);
    big_shift(&v->low, up);
    big_set(&v->high, 1);
    big_shift(&v->high, up + uneven);
    v->closed = (mantissa & 1) == 0;
    return highest;
}

static bool reaches_one(const struct interval *v)
{
    int order = big_compare_sum(&v->rest, &v->high, &v->scale);
    return v->closed ? order >= 0 : order > 0;
}

static void times_ten(struct interval *v)
{
    big_multiply(&v->rest, 10, 0);
    big_multiply(&v->low, 10, 0);
    big_multiply(&v->high, 10, 0);
}

/* Scale so that value and upper end are below 1, and ten times that is not. Returns the point. */
static int scale_interval(struct interval *v, int highest)
{
    /* log10(2) = 0.30103; the estimate is right or one too small, for any double */
    int point = highest * 30103 / 100000 - (highest < 0 ? 1 : 0);
    if (point >= 0) {
        big_multiply_pow10(&v->scale, (unsigned)point);
    } else {
        big_multiply_pow10(&v->rest, (unsigned)-point);
        big_multiply_pow10(&v->low, (unsigned)-point);
        big_multiply_pow10(&v->high, (unsigned)-point);
    }
    while (reaches_one(v)) {
        big_multiply(&v->scale, 10, 0);
        point++;
    }
    return point;
}

/* The fewest digits in the interval, and of those the nearest (Steele and White, Burger and Dybvig:
 * free-format printing). A double needs at most 17. */
static void many_digits(double value, struct digits *out)
{
    struct interval v;
    int highest = make_interval(value, &v);
    out->point = scale_interval(&v, highest);
    out->count = 0;
    bool low = false;
    bool high = false;
    while (!low && !high && out->count < sizeof out->digit) {
        uint8_t digit = 0;
        times_ten(&v);
        while (big_compare(&v.rest, &v.scale) >= 0) {
            big_subtract(&v.rest, &v.scale);
            digit++;
        }
        int below = big_compare(&v.rest, &v.low);
        low = v.closed ? below <= 0 : below < 0;
        high = reaches_one(&v);
        if (high && (!low || big_compare_sum(&v.rest, &v.rest, &v.scale) >= 0))
            digit++; /* it does not become 10: then the digit before would have ended it */
        out->digit[out->count++] = digit;
    }
}

static size_t put_digits(const struct digits *d, size_t from, size_t to, char *text)
{
    size_t len = 0;
    for (size_t i = from; i < to; i++)
        text[len++] = (char)('0' + (i < d->count ? d->digit[i] : 0));
    return len;
}

/* d.ddde+dd */
static size_t put_scientific(const struct digits *d, char *text)
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

static size_t put_plain(const struct digits *d, char *text)
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
    struct digits d = { .count = 0 };
    size_t sign = 0;
    if (ln__ieee_bits64(value) >> 63 != 0) {
        text[sign++] = '-';
        value = -value;
    }
    if (!few_digits(value, &d))
        many_digits(value, &d);
    bool plain = value == 0 || (d.point > -12 && d.point <= 21);
    return sign + (plain ? put_plain(&d, text + sign) : put_scientific(&d, text + sign));
}
