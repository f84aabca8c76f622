/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file http.c
 * Contract: http.h, reading. Every state takes what it can from the input and says whether there is
 * an event (LN_OK), more input is needed (LN_AGAIN), or the next state shall have a look.
 */
#include "codec/http.h"

#include "codec/ascii.h"

/* How a state ended, beside the statuses of ln__http_next(). */
enum turn { EVENT, MORE, ONWARD, REFUSED };

static const char *const problems[] = {
#define PROBLEM_TEXT(name, text) text,
    LN__HTTP_PROBLEM_LIST(PROBLEM_TEXT)
#undef PROBLEM_TEXT
};

const char *ln__http_problem_text(enum ln__http_problem problem)
{
    size_t i = (size_t)problem;
    return i < sizeof problems / sizeof problems[0] ? problems[i] : "unknown";
}

void ln__http_reader_init(struct ln__http_reader *r, bool no_body, size_t line_max)
{
    *r = (struct ln__http_reader) {
        .state = LN__HTTP_AT_STATUS,
        .no_body = no_body,
        .line_max = line_max < LN__HTTP_LINE_MAX ? line_max : LN__HTTP_LINE_MAX,
    };
    ln__http_head_init(&r->head);
}

static enum turn refuse(struct ln__http_reader *r, enum ln__http_problem problem)
{
    r->state = LN__HTTP_AT_PROBLEM;
    r->problem = problem;
    return REFUSED;
}

#define REFUSE(r, name) refuse(r, LN__HTTP_PROBLEM_##name)

/* ---- lines ---- */

/* One line without its CR LF. Who sends neither runs into `max`, whatever was sent so far. */
static enum turn take_line(struct ln__http_reader *r, struct ln_span in, size_t max,
                           struct ln_span *line, size_t *used)
{
    size_t look = in.len < max + 2 ? in.len : max + 2;
    const uint8_t *feed = look > 0 ? memchr(in.data, '\n', look) : NULL;
    if (feed == NULL)
        return look == max + 2 ? REFUSE(r, LINE_TOO_LONG) : MORE;
    size_t len = (size_t)(feed - in.data);
    if (len == 0 || in.data[len - 1] != '\r')
        return REFUSE(r, LINE_END);
    *line = ln__head(in, len - 1);
    *used = len + 1;
    return ONWARD;
}

/* A line of a head or trailer, counted. */
static enum turn take_head_line(struct ln__http_reader *r, struct ln_span in, struct ln_span *line,
                                size_t *used)
{
    size_t taken = 0;
    enum turn turn = take_line(r, in, r->line_max, line, &taken);
    if (turn != ONWARD)
        return turn;
    if (taken > LN__HTTP_HEAD_MAX - r->head_bytes)
        return REFUSE(r, HEAD_TOO_LONG);
    r->head_bytes += taken;
    *used = taken;
    return ONWARD;
}

static const char http_name[] = "HTTP/";
#define HTTP_NAME_LEN (sizeof http_name - 1)

/* "HTTP/1.1 200 OK" (RFC 9112 4). The reason may be missing, even with its space. */
static enum turn read_status(struct ln__http_reader *r, struct ln_span line)
{
    const uint8_t *c = line.data;
    if (line.len < 9 || c[5] != '1' || c[6] != '.' || !ln__is_digit(c[7]) || c[8] != ' ')
        return REFUSE(r, VERSION);
    bool digits = line.len >= 12 && ln__is_digit(c[9]) && ln__is_digit(c[10]) &&
                  ln__is_digit(c[11]) && (line.len == 12 || c[12] == ' ');
    if (!digits || c[9] < '1' || c[9] > '5')
        return REFUSE(r, STATUS);
    if (!ln__http_value_is_clean(ln__behind(line, 12)))
        return REFUSE(r, FIELD_VALUE);
    ln__http_head_init(&r->head);
    r->head.minor = c[7] > '0' ? 1 : 0; /* a later 1.x is understood as 1.1 (RFC 9110 2.5) */
    r->head.status = (uint16_t)((c[9] - '0') * 100 + (c[10] - '0') * 10 + (c[11] - '0'));
    r->state = LN__HTTP_AT_FIELDS;
    return ONWARD;
}

static struct ln_span trim(struct ln_span s)
{
    while (s.len > 0 && (s.data[0] == ' ' || s.data[0] == '\t'))
        s = ln__behind(s, 1);
    while (s.len > 0 && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t'))
        s.len--;
    return s;
}

/* "Name: value" (RFC 9112 5) */
static enum turn split_field(struct ln__http_reader *r, struct ln_span line,
                             struct ln__http_event *event)
{
    if (line.data[0] == ' ' || line.data[0] == '\t')
        return REFUSE(r, FOLDED);
    if (++r->fields > LN__HTTP_FIELDS_MAX)
        return REFUSE(r, TOO_MANY_FIELDS);
    size_t colon = ln__find(line, ":");
    event->kind = LN__HTTP_FIELD;
    event->name = ln__head(line, colon);
    if (colon == line.len || !ln__http_is_token(event->name))
        return REFUSE(r, FIELD_NAME);
    event->data = trim(ln__behind(line, colon + 1));
    if (!ln__http_value_is_clean(event->data))
        return REFUSE(r, FIELD_VALUE);
    return EVENT;
}

/* ---- framing ---- */

static bool is_interim(const struct ln__http_reader *r)
{
    return r->head.status < 200;
}

static bool has_no_body(const struct ln__http_reader *r)
{
    unsigned status = r->head.status;
    return r->no_body || status == 204 || status == 205 || status == 304;
}

static enum turn end_of_interim(struct ln__http_reader *r)
{
    if (r->head.status == 101)
        return REFUSE(r, SWITCHED);
    if (++r->interim > LN__HTTP_INTERIM_MAX)
        return REFUSE(r, TOO_MANY_INTERIM);
    r->state = LN__HTTP_AT_STATUS;
    return ONWARD;
}

/* How long the body is (RFC 9112 6.3). */
static enum turn end_of_head(struct ln__http_reader *r, struct ln__http_event *event)
{
    if (is_interim(r))
        return end_of_interim(r);
    enum ln__http_problem problem = ln__http_head_check(&r->head);
    if (problem != LN__HTTP_PROBLEM_NONE)
        return refuse(r, problem);
    r->state = LN__HTTP_AT_CLOSE;
    if (has_no_body(r)) {
        r->state = LN__HTTP_AT_END;
    } else if (r->head.chunked) {
        r->state = LN__HTTP_AT_CHUNK_SIZE;
    } else if (r->head.has_length) {
        r->left = r->head.length;
        r->state = r->left > 0 ? LN__HTTP_AT_LENGTH : LN__HTTP_AT_END;
    }
    r->until_close = r->state == LN__HTTP_AT_CLOSE;
    event->kind = LN__HTTP_HEAD;
    return EVENT;
}

/* Who does not even begin as HTTP does is not waited for until a line ends. */
static enum turn at_status(struct ln__http_reader *r, struct ln_span in, size_t *used)
{
    struct ln_span line;
    size_t start = in.len < HTTP_NAME_LEN ? in.len : HTTP_NAME_LEN;
    r->started = r->started || in.len > 0;
    if (start > 0 && memcmp(in.data, http_name, start) != 0)
        return REFUSE(r, STATUS_LINE);
    enum turn turn = take_head_line(r, in, &line, used);
    return turn == ONWARD ? read_status(r, line) : turn;
}

static enum turn at_fields(struct ln__http_reader *r, struct ln_span in, size_t *used,
                           struct ln__http_event *event)
{
    struct ln_span line;
    enum turn turn = take_head_line(r, in, &line, used);
    if (turn != ONWARD)
        return turn;
    if (line.len == 0)
        return end_of_head(r, event);
    turn = split_field(r, line, event);
    if (turn != EVENT || is_interim(r))
        return turn == EVENT ? ONWARD : turn;
    enum ln__http_problem problem = ln__http_field(&r->head, event->name, event->data);
    return problem != LN__HTTP_PROBLEM_NONE ? refuse(r, problem) : EVENT;
}

/* ---- bodies ---- */

static enum turn take_data(struct ln__http_reader *r, struct ln_span in, uint64_t most,
                           size_t *used, struct ln__http_event *event)
{
    if (in.len == 0)
        return MORE;
    *used = in.len < most ? in.len : (size_t)most;
    r->body += *used;
    event->kind = LN__HTTP_DATA;
    event->data = ln__head(in, *used);
    return EVENT;
}

static enum turn at_length(struct ln__http_reader *r, struct ln_span in, size_t *used,
                           struct ln__http_event *event)
{
    enum turn turn = take_data(r, in, r->left, used, event);
    r->left -= *used;
    if (turn == EVENT && r->left == 0)
        r->state = r->state == LN__HTTP_AT_CHUNK ? LN__HTTP_AT_CHUNK_END : LN__HTTP_AT_END;
    return turn;
}

static bool read_chunk_size(struct ln_span line, uint64_t *size, size_t *digits)
{
    uint64_t value = 0;
    size_t i = 0;
    for (; i < line.len && ln__is_hex(line.data[i]); i++) {
        if (value > (uint64_t)INT64_MAX >> 4)
            return false;
        value = value << 4 | (uint64_t)ln__hex_value(line.data[i]);
    }
    *size = value;
    *digits = i;
    return i > 0;
}

/* "1f40;name=value" (RFC 9112 7.1): extensions are ignored. */
static enum turn at_chunk_size(struct ln__http_reader *r, struct ln_span in, size_t *used)
{
    struct ln_span line;
    size_t digits = 0;
    enum turn turn = take_line(r, in, LN__HTTP_CHUNK_LINE_MAX, &line, used);
    if (turn == REFUSED && r->problem == LN__HTTP_PROBLEM_LINE_TOO_LONG)
        r->problem = LN__HTTP_PROBLEM_CHUNK_LINE;
    if (turn != ONWARD)
        return turn;
    if (!read_chunk_size(line, &r->left, &digits))
        return REFUSE(r, CHUNK_SIZE);
    struct ln_span rest = trim(ln__behind(line, digits));
    bool empty = digits == line.len;
    if (!empty && (rest.len == 0 || rest.data[0] != ';' || !ln__http_value_is_clean(rest)))
        return REFUSE(r, CHUNK_LINE);
    if (r->left > (uint64_t)INT64_MAX - r->body)
        return REFUSE(r, TOO_LONG);
    r->state = r->left > 0 ? LN__HTTP_AT_CHUNK : LN__HTTP_AT_TRAILERS;
    return ONWARD;
}

static enum turn at_chunk_end(struct ln__http_reader *r, struct ln_span in, size_t *used)
{
    static const uint8_t end[] = { '\r', '\n' };
    size_t look = in.len < sizeof end ? in.len : sizeof end;
    if (look > 0 && memcmp(in.data, end, look) != 0)
        return REFUSE(r, CHUNK_END);
    if (look < sizeof end)
        return MORE;
    *used = sizeof end;
    r->state = LN__HTTP_AT_CHUNK_SIZE;
    return ONWARD;
}

/* Trailers must be well-formed, and mean nothing here (RFC 9110 6.5). */
static enum turn at_trailers(struct ln__http_reader *r, struct ln_span in, size_t *used)
{
    struct ln_span line;
    struct ln__http_event unwanted;
    enum turn turn = take_head_line(r, in, &line, used);
    if (turn != ONWARD)
        return turn;
    if (line.len > 0)
        return split_field(r, line, &unwanted) == EVENT ? ONWARD : REFUSED;
    r->state = LN__HTTP_AT_END;
    return ONWARD;
}

/* ---- all of it ---- */

static enum turn take_turn(struct ln__http_reader *r, struct ln_span in, size_t *used,
                           struct ln__http_event *event)
{
    switch (r->state) {
    case LN__HTTP_AT_STATUS:
        return at_status(r, in, used);
    case LN__HTTP_AT_FIELDS:
        return at_fields(r, in, used, event);
    case LN__HTTP_AT_LENGTH:
    case LN__HTTP_AT_CHUNK:
        return at_length(r, in, used, event);
    case LN__HTTP_AT_CLOSE:
        return take_data(r, in, UINT64_MAX, used, event);
    case LN__HTTP_AT_CHUNK_SIZE:
        return at_chunk_size(r, in, used);
    case LN__HTTP_AT_CHUNK_END:
        return at_chunk_end(r, in, used);
    case LN__HTTP_AT_TRAILERS:
        return at_trailers(r, in, used);
    case LN__HTTP_AT_END:
    case LN__HTTP_AT_DONE:
    case LN__HTTP_AT_PROBLEM:
        break;
    }
    r->state = LN__HTTP_AT_DONE;
    event->kind = LN__HTTP_END;
    return EVENT;
}

enum ln_status ln__http_next(struct ln__http_reader *r, struct ln_span in, size_t *used,
                             struct ln__http_event *event)
{
    *used = 0;
    *event = (struct ln__http_event) { .kind = LN__HTTP_END };
    if (r->state == LN__HTTP_AT_PROBLEM)
        return LN_BAD_PEER;
    if (r->state == LN__HTTP_AT_DONE)
        return LN_CLOSED;
    for (;;) { /* ONWARD uses bytes, or moves towards the end */
        size_t taken = 0;
        enum turn turn = take_turn(r, ln__behind(in, *used), &taken, event);
        if (turn == REFUSED)
            return LN_BAD_PEER;
        *used += taken;
        if (turn != ONWARD)
            return turn == EVENT ? LN_OK : LN_AGAIN;
    }
}

enum ln_status ln__http_ended(struct ln__http_reader *r)
{
    switch (r->state) {
    case LN__HTTP_AT_CLOSE:
        r->state = LN__HTTP_AT_END;
        return LN_OK;
    case LN__HTTP_AT_END:
    case LN__HTTP_AT_DONE:
        return LN_OK;
    case LN__HTTP_AT_STATUS:
    case LN__HTTP_AT_FIELDS:
        (void)refuse(r, r->started ? LN__HTTP_PROBLEM_CUT_HEAD : LN__HTTP_PROBLEM_NOTHING);
        break;
    case LN__HTTP_AT_LENGTH:
    case LN__HTTP_AT_CHUNK_SIZE:
    case LN__HTTP_AT_CHUNK:
    case LN__HTTP_AT_CHUNK_END:
    case LN__HTTP_AT_TRAILERS:
        (void)REFUSE(r, CUT_BODY);
        break;
    case LN__HTTP_AT_PROBLEM:
        break;
    }
    return LN_BAD_PEER;
}

/* RFC 9112 9.3. A body where none may be (204 with a length) is still to come, or not. */
bool ln__http_keeps_open(const struct ln__http_reader *r)
{
    const struct ln__http_head *h = &r->head;
    bool doubtful = has_no_body(r) && !r->no_body && h->status != 304 &&
                    (h->coding_seen || (h->has_length && h->length > 0));
    if (r->state != LN__HTTP_AT_DONE || r->until_close || doubtful || h->says_close)
        return false;
    return h->minor >= 1 || h->says_keep_alive;
}
