/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TESTS_FUZZ_PAYLOAD_H
#define LN_TESTS_FUZZ_PAYLOAD_H
/**
 * @file payload.h
 * What every payload format must hold, whatever the bytes are: read in one piece and in many it
 * says the same, all of it lies below the path of the request, bytes lie in the payload or in the
 * room that was given, and what was read is written so that it reads as the same again.
 *
 * An input is: a byte for the level of the request, one for the resource (its id modulo 10 is the
 * type that is asked for), one for the length of the pieces (0: half of it), the payload.
 */
#include "codec/format.h"
#include "fuzz/check.h"

enum { FOUND_MAX = 256, ARENA = 4096, PAYLOAD_ROOM = 512 };

struct found {
    struct ln_entry entry;
    enum ln_status taken; /* of the value */
    struct ln_value value;
};

struct reading {
    struct found found[FOUND_MAX];
    size_t count;
    enum ln_status end;
    uint8_t arena[ARENA];
    size_t used;
    bool full; /* more than is kept here */
};

struct question {
    const struct ln_format *format;
    struct ln_path base;
    uint16_t resource;
    struct ln_span payload;
};

/* Gives pieces out, each in a block of its own that goes with the next one. */
struct feeder {
    struct ln_reader reader;
    struct ln_span left;
    size_t step;
    uint8_t *piece;
    size_t piece_len;
};

static void feed_piece(struct feeder *f)
{
    size_t len = f->left.len < f->step ? f->left.len : f->step;
    free(f->piece);
    f->piece = malloc(len > 0 ? len : 1);
    CHECK(f->piece != NULL);
    if (len > 0)
        memcpy(f->piece, f->left.data, len);
    f->piece_len = len;
    f->left = ln_span(f->left.data + len, f->left.len - len);
    CHECK(ln__reader_feed(&f->reader, ln_span(f->piece, len), f->left.len == 0) == LN_OK);
}

static void keep_bytes(struct reading *r, struct ln_value *value)
{
    struct ln_span bytes = value->as.bytes;
    if (bytes.len > ARENA - r->used) {
        r->full = true;
        bytes.len = 0;
    }
    if (bytes.len > 0)
        memcpy(r->arena + r->used, bytes.data, bytes.len);
    value->as.bytes = ln_span(r->arena + r->used, bytes.len);
    r->used += bytes.len;
}

static void take_value(struct feeder *f, struct reading *r, struct found *found)
{
    uint8_t room[PAYLOAD_ROOM];
    enum ln_value_type type = (enum ln_value_type)(found->entry.path.id[2] % 10);
    do {
        found->taken =
            ln__reader_value(&f->reader, type, ln_mspan(room, sizeof room), &found->value);
        if (found->taken == LN_AGAIN)
            feed_piece(f);
    } while (found->taken == LN_AGAIN);
    CHECK(found->taken == LN_OK || found->taken == LN_BAD_PEER || found->taken == LN_NO_SPACE);
    if (found->taken != LN_OK)
        return;
    CHECK(type == LN_VALUE_NONE || found->value.type == type);
    if (!ln_value_type_is_bytes(found->value.type))
        return;
    CHECK(lies_in(found->value.as.bytes, ln_span(room, sizeof room)) ||
          lies_in(found->value.as.bytes, ln_span(f->piece, f->piece_len)));
    keep_bytes(r, &found->value);
}

static void check_entry(const struct question *q, const struct ln_entry *entry)
{
    if (entry->kind == LN_ENTRY_END)
        return;
    CHECK(ln_path_is_below(&entry->path, &q->base));
    CHECK(entry->path.levels <= LN_PATH_LEVELS_MAX);
    for (size_t i = 0; i < entry->path.levels; i++)
        CHECK(entry->path.id[i] != LN_ID_NONE || (i == 1 && q->base.levels == 1));
    if (entry->kind == LN_ENTRY_VALUE)
        CHECK(entry->path.levels >= LN_LEVEL_RESOURCE);
    if (entry->kind == LN_ENTRY_INSTANCE)
        CHECK(entry->path.levels == LN_LEVEL_INSTANCE);
    if (entry->kind == LN_ENTRY_ARRAY)
        CHECK(entry->path.levels == LN_LEVEL_RESOURCE);
}

static void read_all(const struct question *q, size_t step, struct reading *r)
{
    struct feeder f = { .left = q->payload, .step = step };
    size_t steps = 0;
    r->count = r->used = 0;
    r->full = false;
    r->end = ln__reader_init(&f.reader, q->format, &q->base);
    while (r->end == LN_OK) {
        struct found found = { .taken = LN_OK };
        r->end = ln__reader_next(&f.reader, &found.entry);
        if (r->end == LN_AGAIN) {
            feed_piece(&f);
            r->end = LN_OK;
            continue;
        }
        if (r->end != LN_OK)
            break;
        CHECK(steps++ <= 2 * q->payload.len + 2); /* each entry has bytes of its own */
        check_entry(q, &found.entry);
        if (found.entry.kind == LN_ENTRY_END)
            break;
        if (found.entry.kind == LN_ENTRY_VALUE)
            take_value(&f, r, &found);
        if (r->count < FOUND_MAX)
            r->found[r->count++] = found;
        else
            r->full = true;
    }
    free(f.piece);
}

static bool is_whole(const struct ln_value *v)
{
    return v->type == LN_VALUE_INTEGER || v->type == LN_VALUE_TIME;
}

static bool is_number(const struct ln_value *v)
{
    return is_whole(v) || v->type == LN_VALUE_UNSIGNED || v->type == LN_VALUE_FLOAT;
}

static double as_double(const struct ln_value *v)
{
    if (v->type == LN_VALUE_FLOAT)
        return v->as.number;
    return v->type == LN_VALUE_UNSIGNED ? (double)v->as.natural : (double)v->as.integer;
}

/* Not every format tells a time from an integer; and JSON has but numbers, where a fraction that a
 * double has no place for (4503599627370497.2) is written as the whole number that was kept. */
static bool same_value(const struct ln_value *a, const struct ln_value *b)
{
    if (is_whole(a) && is_whole(b))
        return a->as.integer == b->as.integer;
    if (is_number(a) && is_number(b) && (a->type == LN_VALUE_FLOAT || b->type == LN_VALUE_FLOAT)) {
        double one = as_double(a);
        double other = as_double(b);
        return one == other || (one != one && other != other);
    }
    return ln_value_equal(a, b);
}

static bool same_found(const struct found *a, const struct found *b)
{
    return a->entry.kind == b->entry.kind && ln_path_equal(&a->entry.path, &b->entry.path) &&
           a->entry.has_time == b->entry.has_time && a->entry.time_ms == b->entry.time_ms &&
           a->taken == b->taken && (a->taken != LN_OK || same_value(&a->value, &b->value));
}

/* In one piece it is borrowed, in many it must fit the room. */
static bool is_long(const struct ln_value *value)
{
    return ln_value_type_is_bytes(value->type) && value->as.bytes.len > PAYLOAD_ROOM;
}

/* In pieces, a fault further on is found later, and what stands before it is told. */
static void check_same(const struct reading *whole, const struct reading *pieces)
{
    size_t count = whole->count < pieces->count ? whole->count : pieces->count;
    for (size_t i = 0; i < count; i++) {
        bool late = i + 1 == count && whole->end != LN_OK;
        bool refused =
            pieces->found[i].taken == LN_BAD_PEER || whole->found[i].taken == LN_BAD_PEER;
        bool too_long = pieces->found[i].taken == LN_NO_SPACE &&
                        (whole->found[i].taken == LN_BAD_PEER || is_long(&whole->found[i].value));
        /* what stands behind a value that was told, a time for example, comes too late for it */
        bool unreadable = i + 1 == pieces->count && pieces->end == LN_NO_SPACE;
        CHECK(same_found(&whole->found[i], &pieces->found[i]) || (late && refused) || too_long ||
              unreadable);
    }
    if (pieces->end == LN_NO_SPACE) /* cannot be read in pieces */
        return;
    CHECK(whole->end == pieces->end);
    CHECK(whole->end != LN_OK || whole->count == pieces->count);
    CHECK(whole->count <= pieces->count);
}

/* ---- and back ---- */

/* Close what does not hold this path. */
static void close_until(struct ln_writer *w, const struct ln_path *path)
{
    while (w->depth > 0 && !(ln_path_is_below(path, &w->open[w->depth - 1].path) &&
                             path->levels > w->open[w->depth - 1].path.levels))
        CHECK(ln__writer_close(w) == LN_OK);
}

static bool write_one(struct ln_writer *w, const struct found *found)
{
    const struct ln_entry *e = &found->entry;
    if (e->has_time)
        ln__writer_time(w, e->time_ms);
    close_until(w, &e->path);
    if (e->kind == LN_ENTRY_INSTANCE || e->kind == LN_ENTRY_ARRAY)
        return ln__writer_open(w, &e->path, LN_LENGTH_UNKNOWN) == LN_OK;
    struct ln_value none = ln_value_none();
    if (e->kind == LN_ENTRY_NAME)
        return ln__writer_name(w, &e->path) == LN_OK;
    bool remove = e->kind == LN_ENTRY_REMOVE;
    return ln__writer_value(w, &e->path, remove ? &none : &found->value) == LN_OK;
}

/* False if this cannot be written: a value that was refused, a new instance, no time behind a time,
 * a number that has no text. */
static bool write_all(const struct reading *r, struct ln_writer *w)
{
    struct ln_path root = ln_path_root();
    bool has_time = false;
    for (size_t i = 0; i < r->count; i++) {
        const struct found *f = &r->found[i];
        if (f->taken != LN_OK || f->entry.path.id[1] == LN_ID_NONE)
            return false;
        if (has_time && !f->entry.has_time)
            return false;
        has_time = f->entry.has_time;
        if (!write_one(w, f))
            return false;
    }
    close_until(w, &root);
    return ln__writer_end(w) == LN_OK;
}

static void check_round_trip(const struct question *q, const struct reading *r)
{
    static struct reading again;
    struct ln_writer w;
    size_t room = 2 * q->payload.len + 64 * r->count + 64;
    struct ln_mspan out = ln_mspan(malloc(room), room);
    CHECK(out.data != NULL);
    ln__writer_init(&w, q->format, &q->base, out);
    if (write_all(r, &w)) {
        struct question second = *q;
        second.payload = ln__writer_bytes(&w);
        CHECK(!ln__writer_has_more(&w));
        read_all(&second, room, &again);
        CHECK(again.end == LN_OK && again.count == r->count);
        for (size_t i = 0; i < r->count; i++)
            CHECK(same_found(&r->found[i], &again.found[i]));
    }
    free(out.data);
}

/** The target: see the head of this file. */
static inline int fuzz_payload(const struct ln_format *format, const uint8_t *data, size_t size)
{
    static struct reading whole;
    static struct reading pieces;
    struct question q = { .format = format, .base = ln_path_root() };
    if (size < 3)
        return 0;
    q.resource = data[1];
    const uint16_t ids[] = { 1, 0, q.resource, 1 };
    for (size_t i = 0; i < data[0] % 5u; i++)
        q.base = ln_path_child(q.base, ids[i]);
    q.payload = ln_span(data + 3, size - 3);
    size_t step = data[2] > 0 ? data[2] : q.payload.len / 2 + 1;
    read_all(&q, q.payload.len + 1, &whole);
    read_all(&q, step, &pieces);
    if (whole.full || pieces.full)
        return 0;
    check_same(&whole, &pieces);
    if (whole.end == LN_OK)
        check_round_trip(&q, &whole);
    return 0;
}

#endif
