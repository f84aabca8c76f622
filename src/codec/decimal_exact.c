/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file decimal_exact.c
 * Contract: decimal_exact.h. Worked out with integers of any size (struct big); that is slow, small and
 * right.
 */
#include "codec/decimal_exact.h"

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

/* ---- decimal to double ---- */

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

enum ln_status ln__decimal_long_way(const struct ln_decimal *d, double *out)
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

/* ---- double to digits ---- */

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
void ln__decimal_many_digits(double value, struct ln__digits *out)
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
