/* SPDX-License-Identifier: Apache-2.0 */
#include "support/payload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/text.h"
#include "support/bytes.h"

enum { DUMP_ROOM = 8192, VALUE_ROOM = 512, CONTAINERS = 64, OUT_ROOM = 8192 };

struct ln_path payload_path(const char *text)
{
    struct ln_path path = ln_path_root();
    assert_int_equal(ln_path_read(ln_span_str(text), &path), LN_OK);
    return path;
}

/* ---- reading ---- */

struct dump {
    struct ln_reader reader;
    struct ln_span payload;
    size_t fed;
    uint8_t *piece; /* what was fed last */
    struct payload_way way;
    struct ln__text out;
};

static void feed(struct dump *d)
{
    size_t left = d->payload.len - d->fed;
    size_t len = d->way.step == 0 || d->way.step > left ? left : d->way.step;
    /* a block of its own, and the one before is gone: a sanitizer sees who looks at it */
    free(d->piece);
    d->piece = malloc(len > 0 ? len : 1);
    assert_non_null(d->piece);
    if (len > 0)
        memcpy(d->piece, d->payload.data + d->fed, len);
    d->fed += len;
    assert_int_equal(ln__reader_feed(&d->reader, ln_span(d->piece, len), d->fed == d->payload.len),
                     LN_OK);
}

static enum ln_status next(struct dump *d, struct ln_entry *entry)
{
    for (;;) {
        enum ln_status st = ln__reader_next(&d->reader, entry);
        if (st != LN_AGAIN)
            return st;
        feed(d);
    }
}

static enum ln_status take_pieces(struct dump *d, enum ln_value_type type, struct ln_mspan out,
                                  struct ln_value *value)
{
    uint8_t room[5];
    size_t len = 0;
    for (;;) {
        struct ln_span piece;
        enum ln_status st = ln__reader_piece(&d->reader, type, ln_mspan(room, sizeof room), &piece);
        if (st == LN_AGAIN) {
            feed(d);
            continue;
        }
        if (st != LN_OK)
            return st;
        if (piece.len == 0)
            break;
        if (piece.len > out.len - len)
            return LN_NO_SPACE;
        memcpy(out.data + len, piece.data, piece.len);
        len += piece.len;
    }
    *value = ln_value_bytes(type, ln_span(out.data, len));
    return LN_OK;
}

static enum ln_status take(struct dump *d, enum ln_value_type type, struct ln_mspan room,
                           struct ln_value *value)
{
    if (d->way.piecewise && ln_value_type_is_bytes(type))
        return take_pieces(d, type, room, value);
    for (;;) {
        enum ln_status st = ln__reader_value(&d->reader, type, room, value);
        if (st != LN_AGAIN)
            return st;
        feed(d);
    }
}

static void add_bytes(struct dump *d, const struct ln_value *value)
{
    bool text = value->type != LN_VALUE_OPAQUE;
    ln__text_add(&d->out, text ? "\"" : "");
    for (size_t i = 0; i < value->as.bytes.len; i++)
        ln__text_add(&d->out, text ? "%c" : "%02x", value->as.bytes.data[i]);
    ln__text_add(&d->out, text ? "\"" : "");
}

static void add_value(struct dump *d, const struct ln_value *value)
{
    switch (value->type) {
    case LN_VALUE_NONE:
        ln__text_add(&d->out, "none");
        break;
    case LN_VALUE_STRING:
    case LN_VALUE_OPAQUE:
    case LN_VALUE_CORELNK:
        add_bytes(d, value);
        break;
    case LN_VALUE_INTEGER:
    case LN_VALUE_TIME:
        ln__text_add(&d->out, "%lld", (long long)value->as.integer);
        break;
    case LN_VALUE_UNSIGNED:
        ln__text_add(&d->out, "%llu", (unsigned long long)value->as.natural);
        break;
    case LN_VALUE_FLOAT:
        ln__text_add(&d->out, "%.17g", value->as.number);
        break;
    case LN_VALUE_BOOLEAN:
        ln__text_add(&d->out, value->as.boolean ? "true" : "false");
        break;
    case LN_VALUE_OBJLNK:
        ln__text_add(&d->out, "%u:%u", value->as.link.object, value->as.link.instance);
        break;
    }
}

static void add_taken(struct dump *d, const struct ln_path *path)
{
    uint8_t room[VALUE_ROOM];
    struct ln_value value;
    enum ln_value_type type = (enum ln_value_type)(path->id[2] % 10);
    size_t len = d->way.room > 0 && d->way.room < sizeof room ? d->way.room : sizeof room;
    enum ln_status st = take(d, type, ln_mspan(room, len), &value);
    ln__text_add(&d->out, "=");
    if (st != LN_OK) {
        ln__text_add(&d->out, "!%s", ln_status_name(st));
        return;
    }
    assert_true(type == LN_VALUE_NONE || value.type == type);
    add_value(d, &value);
}

static void add_entry(struct dump *d, const struct ln_entry *entry)
{
    static const char *const marks[] = { ".", "", "[", "{", "?", "-" };
    char path[LN_PATH_ROOM];
    if (entry->kind != LN_ENTRY_END) {
        (void)ln_path_text(&entry->path, path);
        ln__text_add(&d->out, "%s", path);
    }
    ln__text_add(&d->out, "%s", marks[entry->kind]);
    if (entry->kind == LN_ENTRY_VALUE)
        add_taken(d, &entry->path);
    if (entry->has_time)
        ln__text_add(&d->out, "@%lld", (long long)entry->time_ms);
    ln__text_add(&d->out, entry->kind == LN_ENTRY_END ? "" : " ");
}

static void dump(const struct ln_format *format, const char *path, struct ln_span payload,
                 struct payload_way way, char text[DUMP_ROOM])
{
    struct ln_path base = payload_path(path);
    struct dump d = { .payload = payload, .way = way, .out = ln__text_init(text, DUMP_ROOM) };
    struct ln_entry entry = { .kind = LN_ENTRY_VALUE };
    enum ln_status st = ln__reader_init(&d.reader, format, &base);
    bool begun = st == LN_OK;
    while (st == LN_OK && entry.kind != LN_ENTRY_END) {
        st = next(&d, &entry);
        if (st == LN_OK)
            add_entry(&d, &entry);
    }
    if (st == LN_OK) /* the end is the end */
        assert_true(ln__reader_next(&d.reader, &entry) == LN_OK && entry.kind == LN_ENTRY_END);
    else
        ln__text_add(&d.out, "%s", ln_status_name(st));
    if (begun && st != LN_OK) /* and a failure stays */
        assert_int_equal(ln__reader_next(&d.reader, &entry), st);
    assert_false(d.out.cut);
    free(d.piece);
}

const char *payload_dump(const struct ln_format *format, const char *path, struct ln_span payload,
                         struct payload_way way)
{
    char text[DUMP_ROOM];
    dump(format, path, payload, way, text);
    return (const char *)bytes_copy(ln_span(text, strlen(text) + 1)).data;
}

/* A payload that is cut short or longer than it says is found out early when it is all here, and
 * late when it comes in pieces: then the entries of both agree as far as the first one went. */
static void assert_agree(const char *whole, const char *other)
{
    size_t len = strlen(whole);
    size_t status = strlen("LN_BAD_PEER");
    if (strcmp(whole, other) == 0)
        return;
    if (len >= status && strcmp(whole + len - status, "LN_BAD_PEER") == 0 &&
        strncmp(whole, other, len - status) == 0 && strstr(other, "LN_BAD_PEER") != NULL)
        return;
    assert_string_equal(other, whole);
}

const char *payload_read(const struct ln_format *format, const char *path, struct ln_span payload)
{
    char text[DUMP_ROOM];
    const char *whole = payload_dump(format, path, payload, (struct payload_way) { .step = 0 });
    for (size_t step = 0; step <= payload.len && step < 40; step++) {
        for (int piecewise = 0; piecewise <= 1; piecewise++) {
            struct payload_way way = { .step = step, .piecewise = piecewise != 0 };
            dump(format, path, payload, way, text);
            assert_agree(whole, text);
        }
    }
    return whole;
}

/* ---- writing ---- */

/* What a run that measures learns, and the others are told. */
struct measured {
    size_t lengths[CONTAINERS];
    size_t count;
    size_t values;
    size_t length;
};

static void stream(struct ln_writer *w, const struct ln_path *path, const struct ln_value *value)
{
    size_t offset = 0;
    size_t before = 0;
    struct ln_mspan room;
    assert_int_equal(ln__writer_stream(w, path, value->type, value->as.bytes.len), LN_OK);
    while (ln__writer_want(w, &offset, &room)) {
        /* one byte less than asked for now and then: the caller may do that */
        size_t len = room.len > 1 && room.len % 3 == 0 ? room.len - 1 : room.len;
        assert_true(len > 0 && offset >= before && offset + len <= value->as.bytes.len);
        before = offset;
        memcpy(room.data, value->as.bytes.data + offset, len);
        ln__writer_filled(w, len);
    }
}

static void call(struct ln_writer *w, const struct payload_item *item, struct measured *m,
                 bool told, size_t *opened, size_t closing[8], size_t *depth)
{
    struct ln_path path = payload_path(item->path != NULL ? item->path : "/");
    switch (item->call) {
    case PAYLOAD_VALUE:
        assert_int_equal(ln__writer_value(w, &path, &item->value), LN_OK);
        break;
    case PAYLOAD_STREAM:
        stream(w, &path, &item->value);
        break;
    case PAYLOAD_NAME:
        assert_int_equal(ln__writer_name(w, &path), LN_OK);
        break;
    case PAYLOAD_REFUSED:
        assert_int_equal(ln__writer_value(w, &path, &item->value), LN_UNSUPPORTED);
        break;
    case PAYLOAD_TIME:
        ln__writer_time(w, item->value.as.integer);
        break;
    case PAYLOAD_OPEN:
        assert_true(*opened < CONTAINERS && *depth < 8);
        assert_int_equal(ln__writer_open(w, &path, told ? m->lengths[*opened] : LN_LENGTH_UNKNOWN),
                         LN_OK);
        closing[(*depth)++] = (*opened)++;
        break;
    case PAYLOAD_CLOSE:
        assert_int_equal(ln__writer_close(w), LN_OK);
        m->lengths[closing[--*depth]] = ln__writer_inner(w);
        break;
    }
}

struct run {
    const struct ln_format *format;
    struct ln_path base;
    const struct payload_item *items;
    size_t count;
};

static struct ln_span run(const struct run *r, struct ln_mspan room, size_t skip, bool told,
                          struct measured *m)
{
    struct ln_writer w;
    size_t opened = 0;
    size_t closing[8];
    size_t depth = 0;
    ln__writer_init(&w, r->format, &r->base, room);
    if (told)
        ln__writer_window(&w, skip, m->values);
    for (size_t i = 0; i < r->count; i++)
        call(&w, &r->items[i], m, told, &opened, closing, &depth);
    assert_int_equal(ln__writer_end(&w), LN_OK);
    if (told)
        assert_int_equal(ln__writer_length(&w), m->length);
    m->length = ln__writer_length(&w);
    m->values = w.values;
    struct ln_span got = ln__writer_bytes(&w);
    assert_int_equal(ln__writer_has_more(&w), skip + got.len < m->length);
    return got;
}

static void check_window(const struct run *r, struct ln_span whole, size_t skip, size_t len,
                         bool told, struct measured *m)
{
    /* a block of just its length: a sanitizer sees the first byte that is too many */
    struct ln_mspan room = ln_mspan(malloc(len > 0 ? len : 1), len);
    assert_non_null(room.data);
    struct ln_span got = run(r, room, skip, told, m);
    size_t want = skip < whole.len ? whole.len - skip : 0;
    assert_int_equal(got.len, want < len ? want : len);
    if (got.len > 0)
        assert_memory_equal(got.data, whole.data + skip, got.len);
    free(room.data);
}

struct ln_span payload_write(const struct ln_format *format, const char *path,
                             const struct payload_item *items, size_t count)
{
    uint8_t room[OUT_ROOM];
    struct run r = { format, payload_path(path), items, count };
    struct measured m = { .count = 0 };
    struct ln_span whole = run(&r, ln_mspan(NULL, 0), 0, false, &m);
    size_t length = m.length;
    whole = bytes_copy(run(&r, ln_mspan(room, sizeof room), 0, false, &m));
    assert_int_equal(m.length, length);
    assert_int_equal(whole.len, length);
    for (size_t len = 0; len <= length && len < 300; len += 1 + len / 32)
        check_window(&r, whole, 0, len, false, &m);
    for (size_t skip = 0; skip <= length + 1; skip += 1 + length / 60) {
        for (size_t len = 0; len <= 20; len += 1 + len / 2)
            check_window(&r, whole, skip, len, true, &m);
        check_window(&r, whole, skip, 64, true, &m);
    }
    return whole;
}
