/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file http_fields.c
 * Contract: http.h, fields. One reader for each field that means something here; a table finds it.
 */
#include "codec/http.h"

#include "codec/ascii.h"

void ln__http_head_init(struct ln__http_head *head)
{
    *head = (struct ln__http_head) {
        .last_modified = -1, .date = -1, .retry_date = -1, .retry_after_s = -1
    };
}

/* ---- characters (RFC 9110 5.6.2, 5.5) ---- */

bool ln__http_is_token(struct ln_span name)
{
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.data[i];
        if (!ln__is_letter(c) && !ln__is_digit(c) && !ln__is_one_of(c, "!#$%&'*+-.^_`|~"))
            return false;
    }
    return name.len > 0;
}

bool ln__http_value_is_clean(struct ln_span value)
{
    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = value.data[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

/* ---- values ---- */

bool ln__http_number(struct ln_span text, uint64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (!ln__is_digit(text.data[i]))
            return false;
        uint64_t digit = (uint64_t)(text.data[i] - '0');
        if (value > ((uint64_t)INT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return text.len > 0;
}

static bool is_word(struct ln_span s, const char *word)
{
    return ln__same_word(s, ln_span_str(word));
}

static struct ln_span skip_space(struct ln_span s)
{
    while (s.len > 0 && (s.data[0] == ' ' || s.data[0] == '\t'))
        s = ln__behind(s, 1);
    return s;
}

/* The next element of a list with commas, its spaces taken off; empty ones are skipped. */
static bool next_element(struct ln_span *list, struct ln_span *out)
{
    while (list->len > 0) {
        size_t comma = ln__find(*list, ",");
        struct ln_span element = skip_space(ln__head(*list, comma));
        while (element.len > 0 && ln__is_one_of(element.data[element.len - 1], " \t"))
            element.len--;
        *list = ln__behind(*list, comma < list->len ? comma + 1 : comma);
        if (element.len > 0) {
            *out = element;
            return true;
        }
    }
    return false;
}

/* "100-199/1000", "100-199/" and "*" (RFC 9110 14.4); what is in between is not a range. */
static bool read_part(struct ln_span text, struct ln__http_range *out)
{
    size_t dash = ln__find(text, "-");
    size_t slash = ln__find(text, "/");
    if (dash >= slash || slash == text.len)
        return false;
    struct ln_span last = ln__behind(ln__head(text, slash), dash + 1);
    struct ln_span total = ln__behind(text, slash + 1);
    out->kind = LN__HTTP_RANGE_PART;
    out->has_total = !is_word(total, "*");
    return ln__http_number(ln__head(text, dash), &out->first) &&
           ln__http_number(last, &out->last) && out->first <= out->last &&
           (!out->has_total || (ln__http_number(total, &out->total) && out->last < out->total));
}

struct ln__http_range ln__http_range_read(struct ln_span value)
{
    static const char none[] = "*/";
    const struct ln__http_range bad = { .kind = LN__HTTP_RANGE_BAD };
    struct ln__http_range range = { .kind = LN__HTTP_RANGE_BAD };
    size_t unit = ln__find(value, " \t");
    if (!is_word(ln__head(value, unit), "bytes"))
        return bad;
    struct ln_span rest = skip_space(ln__behind(value, unit));
    if (rest.len > 2 && memcmp(rest.data, none, 2) == 0) {
        range.kind = LN__HTTP_RANGE_TOTAL;
        range.has_total = true;
        return ln__http_number(ln__behind(rest, 2), &range.total) ? range : bad;
    }
    return read_part(rest, &range) ? range : bad;
}

struct ln__http_etag ln__http_etag_read(struct ln_span value)
{
    struct ln__http_etag tag = { .len = 0 };
    struct ln_span opaque = value;
    tag.weak = value.len > 2 && value.data[0] == 'W' && value.data[1] == '/';
    if (tag.weak)
        opaque = ln__behind(value, 2);
    bool quoted = opaque.len >= 2 && opaque.data[0] == '"' && opaque.data[opaque.len - 1] == '"';
    if (!quoted || value.len > LN__HTTP_ETAG_MAX)
        return tag;
    for (size_t i = 1; i + 1 < opaque.len; i++) {
        uint8_t c = opaque.data[i];
        if (c <= ' ' || c == '"' || c == 0x7f)
            return tag;
    }
    tag.len = (uint8_t)value.len;
    memcpy(tag.data, value.data, value.len);
    return tag;
}

/* ---- dates ---- */

static int two_digits(const uint8_t *c)
{
    return ln__is_digit(c[0]) && ln__is_digit(c[1]) ? (c[0] - '0') * 10 + (c[1] - '0') : -1;
}

/* The position of three letters in a row of such, or -1. Case counts (RFC 9110 5.6.7). */
static int position(const uint8_t *c, const char *names)
{
    for (int i = 0; names[i * 3] != '\0'; i++)
        if (memcmp(c, names + (size_t)i * 3, 3) == 0)
            return i;
    return -1;
}

/* Days since 1970-01-01 of a date of the Gregorian calendar; the year begins in March, so that the
 * leap day is its last. */
static int64_t days(int year, int month, int day)
{
    int y = month > 2 ? year : year - 1;
    int m = month > 2 ? month - 3 : month + 9;
    int64_t leap = y / 4 - y / 100 + y / 400;
    return (int64_t)y * 365 + leap + (m * 153 + 2) / 5 + day - 1 - 719468;
}

static int month_days(int year, int month)
{
    static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return lengths[month - 1] + (month == 2 && leap);
}

int64_t ln__http_date_read(struct ln_span value)
{
    static const char pattern[] = "???, ?? ??? ???? ??:??:?? GMT";
    const uint8_t *c = value.data;
    if (value.len != LN__HTTP_DATE_LEN)
        return -1;
    for (size_t i = 0; i < LN__HTTP_DATE_LEN; i++)
        if (pattern[i] != '?' && c[i] != (uint8_t)pattern[i])
            return -1;
    int month = position(c + 8, "JanFebMarAprMayJunJulAugSepOctNovDec") + 1;
    int century = two_digits(c + 12);
    int year = two_digits(c + 14);
    int day = two_digits(c + 5);
    int hour = two_digits(c + 17);
    int minute = two_digits(c + 20);
    int second = two_digits(c + 23);
    bool good = position(c, "MonTueWedThuFriSatSun") >= 0 && month > 0 && century >= 19 &&
                year >= 0 && hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 &&
                second <= 60; /* a leap second */
    year += century * 100;
    if (!good || year < 1970 || day < 1 || day > month_days(year, month))
        return -1;
    return days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
}

/* ---- fields ---- */

typedef enum ln__http_problem field_reader(struct ln__http_head *head, struct ln_span value);

static enum ln__http_problem on_length(struct ln__http_head *head, struct ln_span value)
{
    uint64_t length = 0;
    if (!ln__http_number(value, &length))
        return LN__HTTP_PROBLEM_LENGTH;
    if (head->has_length && head->length != length)
        return LN__HTTP_PROBLEM_LENGTHS;
    head->has_length = true;
    head->length = length;
    return LN__HTTP_PROBLEM_NONE;
}

static enum ln__http_problem on_coding(struct ln__http_head *head, struct ln_span value)
{
    struct ln_span element;
    head->coding_seen = true;
    while (next_element(&value, &element)) {
        if (head->chunked || !is_word(element, "chunked"))
            return LN__HTTP_PROBLEM_CODING;
        head->chunked = true;
    }
    return LN__HTTP_PROBLEM_NONE;
}

static enum ln__http_problem on_encoding(struct ln__http_head *head, struct ln_span value)
{
    struct ln_span element;
    while (next_element(&value, &element))
        head->encoded = head->encoded || !is_word(element, "identity");
    return LN__HTTP_PROBLEM_NONE;
}

static enum ln__http_problem on_connection(struct ln__http_head *head, struct ln_span value)
{
    struct ln_span element;
    while (next_element(&value, &element)) {
        head->says_close = head->says_close || is_word(element, "close");
        head->says_keep_alive = head->says_keep_alive || is_word(element, "keep-alive");
    }
    return LN__HTTP_PROBLEM_NONE;
}

/* A second one makes both worthless. */
static enum ln__http_problem on_range(struct ln__http_head *head, struct ln_span value)
{
    const struct ln__http_range bad = { .kind = LN__HTTP_RANGE_BAD };
    bool first = head->range.kind == LN__HTTP_RANGE_NONE;
    head->range = first ? ln__http_range_read(value) : bad;
    return LN__HTTP_PROBLEM_NONE;
}

static enum ln__http_problem on_etag(struct ln__http_head *head, struct ln_span value)
{
    head->etag =
        ln__http_etag_read(value); /* of several the last one: they are not compared to each
                                                other, but with that of another response */
    return LN__HTTP_PROBLEM_NONE;
}

static enum ln__http_problem on_last_modified(struct ln__http_head *head, struct ln_span value)
{
    head->last_modified = ln__http_date_read(value);
    head->last_modified_text[0] = '\0';
    if (head->last_modified >= 0) {
        memcpy(head->last_modified_text, value.data, LN__HTTP_DATE_LEN);
        head->last_modified_text[LN__HTTP_DATE_LEN] = '\0';
    }
    return LN__HTTP_PROBLEM_NONE;
}

static enum ln__http_problem on_date(struct ln__http_head *head, struct ln_span value)
{
    head->date = ln__http_date_read(value);
    return LN__HTTP_PROBLEM_NONE;
}

/* Seconds, or a date, which is meaningful together with Date (RFC 9110 10.2.3). */
static enum ln__http_problem on_retry_after(struct ln__http_head *head, struct ln_span value)
{
    uint64_t seconds = 0;
    if (ln__http_number(value, &seconds))
        head->retry_after_s = (int64_t)seconds;
    else
        head->retry_date = ln__http_date_read(value);
    return LN__HTTP_PROBLEM_NONE;
}

static struct ln_span skip_quoted(struct ln_span s)
{
    size_t i = 1;
    while (i < s.len && s.data[i] != '"')
        i += s.data[i] == '\\' ? 2 : 1;
    return ln__behind(s, i < s.len ? i + 1 : s.len);
}

/* Schemes and their parameters share the commas (RFC 9110 11.6.1): a word that "=" follows is a
 * parameter, any other one at the start of an element is a scheme. */
static enum ln__http_problem on_challenge(struct ln__http_head *head, struct ln_span value)
{
    bool at_start = true;
    while (value.len > 0) {
        uint8_t c = value.data[0];
        size_t word = ln__find(value, " \t,=\"");
        if (c == '"') {
            value = skip_quoted(value);
        } else if (word == 0) {
            at_start = at_start ? c != '=' : c == ',';
            value = ln__behind(value, 1);
        } else {
            struct ln_span rest = skip_space(ln__behind(value, word));
            bool scheme = at_start && (rest.len == 0 || rest.data[0] != '=');
            bool basic = is_word(ln__head(value, word), "Basic");
            head->asks_basic = head->asks_basic || (scheme && basic);
            head->asks_other = head->asks_other || (scheme && !basic);
            at_start = false;
            value = ln__behind(value, word);
        }
    }
    return LN__HTTP_PROBLEM_NONE;
}

static const struct {
    const char *name;
    field_reader *read;
} fields[] = {
    { "Content-Length", on_length },       { "Transfer-Encoding", on_coding },
    { "Content-Encoding", on_encoding },   { "Connection", on_connection },
    { "Content-Range", on_range },         { "ETag", on_etag },
    { "Last-Modified", on_last_modified }, { "Date", on_date },
    { "Retry-After", on_retry_after },     { "WWW-Authenticate", on_challenge },
};

enum ln__http_problem ln__http_field(struct ln__http_head *head, struct ln_span name,
                                     struct ln_span value)
{
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (is_word(name, fields[i].name))
            return fields[i].read(head, value);
    return LN__HTTP_PROBLEM_NONE;
}

static void settle_retry_after(struct ln__http_head *head)
{
    if (head->retry_after_s >= 0 || head->retry_date < 0 || head->date < 0)
        return;
    int64_t wait = head->retry_date - head->date;
    head->retry_after_s = wait > 0 ? wait : 0;
}

enum ln__http_problem ln__http_head_check(struct ln__http_head *head)
{
    const struct ln__http_range *range = &head->range;
    settle_retry_after(head);
    if (head->coding_seen && head->has_length)
        return LN__HTTP_PROBLEM_LENGTH_AND_CHUNKS;
    if (head->coding_seen && (!head->chunked || head->minor == 0))
        return LN__HTTP_PROBLEM_CODING; /* HTTP/1.0 has none (RFC 9112 6.1) */
    if (head->status != 206)
        return LN__HTTP_PROBLEM_NONE;
    if (range->kind != LN__HTTP_RANGE_PART)
        return LN__HTTP_PROBLEM_RANGE;
    if (head->has_length && head->length != range->last - range->first + 1)
        return LN__HTTP_PROBLEM_RANGE_LENGTH;
    return LN__HTTP_PROBLEM_NONE;
}
