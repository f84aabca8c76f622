/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file writer.c
 * Contract: format.h and writer.h. What all writers share: which calls fit together, containers
 * that are open, and long values of which the window needs a part.
 */
#include "codec/writer.h"

#include "base/try.h"

void ln__writer_init(struct ln_writer *w, const struct ln_format *format,
                     const struct ln_path *path, struct ln_mspan room)
{
    memset(w, 0, sizeof *w);
    w->format = format;
    w->base = *path;
    w->out = ln__window(room, 0);
    w->values_told = LN_LENGTH_UNKNOWN;
    w->stream.group = 1;
    w->stream.makes = 1;
    if ((format->traits & LN_FORMAT_WRITES) == 0)
        w->failed = LN_UNSUPPORTED;
    else if ((format->traits & LN_FORMAT_SINGLE) != 0 && path->levels < LN_LEVEL_RESOURCE)
        w->failed = LN_UNSUPPORTED;
}

void ln__writer_window(struct ln_writer *w, size_t skip, size_t values)
{
    w->out.skip = skip;
    w->values_told = values;
}

void ln__writer_time(struct ln_writer *w, int64_t time_ms)
{
    w->has_time = true;
    w->time_ms = time_ms;
}

/* Before each call that writes: `state` is what must hold for it. */
static enum ln_status enter(struct ln_writer *w, bool state)
{
    if (w->failed == LN_OK && (!state || w->stream.open))
        w->failed = LN_BAD_STATE;
    if (w->failed == LN_OK && !w->begun) {
        w->begun = true;
        if (w->format->write_begin != NULL)
            w->format->write_begin(w);
    }
    return w->failed;
}

/* What cannot be written harms nothing; all other failures stay. */
static enum ln_status leave(struct ln_writer *w, enum ln_status st)
{
    if (st != LN_OK && st != LN_UNSUPPORTED)
        w->failed = st;
    return st;
}

/* ---- containers ---- */

/* In the open container, below the path of the request or around it. */
static bool may_open(const struct ln_writer *w, const struct ln_path *path)
{
    if (w->depth == sizeof w->open / sizeof w->open[0] || path->levels == LN_LEVEL_ROOT ||
        path->levels > LN_LEVEL_RESOURCE)
        return false;
    if (w->depth > 0) {
        const struct ln_writer_open *top = &w->open[w->depth - 1];
        return path->levels > top->path.levels && ln_path_is_below(path, &top->path);
    }
    return ln_path_is_below(path, &w->base) || ln_path_is_below(&w->base, path);
}

enum ln_status ln__writer_open(struct ln_writer *w, const struct ln_path *path, size_t length)
{
    TRY(enter(w, may_open(w, path)));
    if (w->format->write_open == NULL)
        return LN_UNSUPPORTED;
    struct ln_writer_open *top = &w->open[w->depth++];
    *top = (struct ln_writer_open) { .path = *path, .start = w->out.at, .told = length };
    enum ln_status st = w->format->write_open(w, top);
    if (st != LN_OK)
        w->depth--;
    return leave(w, st);
}

enum ln_status ln__writer_close(struct ln_writer *w)
{
    TRY(enter(w, w->depth > 0));
    struct ln_writer_open *top = &w->open[w->depth - 1];
    w->inner = w->out.at - top->start - top->header;
    enum ln_status st = w->format->write_close(w, top);
    w->depth--;
    return leave(w, st);
}

size_t ln__writer_inner(const struct ln_writer *w)
{
    return w->inner;
}

/* ---- values ---- */

/* A resource, or a resource instance in its open resource (or alone). */
static bool may_write(const struct ln_writer *w, const struct ln_path *path)
{
    const struct ln_path *around = w->depth > 0 ? &w->open[w->depth - 1].path : &w->base;
    bool in_array = w->depth > 0 && around->levels == LN_LEVEL_RESOURCE;
    if (!ln_path_is_below(path, around))
        return false;
    if (around->levels < w->base.levels && !ln_path_is_below(path, &w->base))
        return false;
    if (path->levels == LN_LEVEL_RESOURCE)
        return !in_array;
    if (path->levels < LN_LEVEL_RESOURCE)
        return false;
    return in_array || w->base.levels == LN_LEVEL_RESOURCE_INSTANCE ||
           (w->format->traits & LN_FORMAT_NAMED) != 0;
}

static enum ln_status check_value(struct ln_writer *w, const struct ln_path *path)
{
    TRY(enter(w, may_write(w, path)));
    bool single = (w->format->traits & LN_FORMAT_SINGLE) != 0;
    return single && w->values > 0 ? LN_UNSUPPORTED : LN_OK;
}

static void put_bytes(struct ln_writer *w, struct ln_span bytes)
{
    if (w->stream.encode != NULL)
        w->stream.encode(w, bytes);
    else
        ln__window_put(&w->out, bytes.data, bytes.len);
}

/* Whole groups, or the last ones of the value, 48 bytes at a time. */
static void put_base64(struct ln_writer *w, struct ln_span bytes,
                       enum ln_status (*encode)(struct ln_span, struct ln_mspan, size_t *))
{
    char text[64];
    size_t len = 0;
    for (size_t at = 0; at < bytes.len; at += 48) {
        size_t part = bytes.len - at < 48 ? bytes.len - at : 48;
        if (encode(ln_span(bytes.data + at, part), ln_mspan(text, sizeof text), &len) == LN_OK)
            ln__window_put(&w->out, text, len);
    }
}

static void encode_base64(struct ln_writer *w, struct ln_span bytes)
{
    put_base64(w, bytes, ln__base64_encode);
}

static void encode_base64url(struct ln_writer *w, struct ln_span bytes)
{
    put_base64(w, bytes, ln__base64url_encode);
}

void ln__writer_base64(struct ln_writer *w, bool url)
{
    w->stream.encode = url ? encode_base64url : encode_base64;
    w->stream.group = 3;
    w->stream.makes = 4;
    w->stream.unpadded = url;
}

/* Bytes stand as they are, until a format says otherwise for the next value. */
static void end_bytes(struct ln_writer *w)
{
    if (w->stream.finish != NULL)
        w->stream.finish(w);
    w->stream.open = false;
    w->stream.encode = NULL;
    w->stream.finish = NULL;
    w->stream.group = 1;
    w->stream.makes = 1;
    w->stream.unpadded = false;
}

static enum ln_status write_bytes(struct ln_writer *w, const struct ln_path *path,
                                  const struct ln_value *value)
{
    TRY(w->format->write_bytes(w, path, value->type, value->as.bytes.len));
    put_bytes(w, value->as.bytes);
    if (w->stream.encode != NULL || w->stream.finish != NULL)
        end_bytes(w);
    return LN_OK;
}

enum ln_status ln__writer_value(struct ln_writer *w, const struct ln_path *path,
                                const struct ln_value *value)
{
    TRY(check_value(w, path));
    enum ln_status st = ln_value_type_is_bytes(value->type)
                            ? write_bytes(w, path, value)
                            : w->format->write_scalar(w, path, value);
    if (st == LN_OK)
        w->values++;
    return leave(w, st);
}

enum ln_status ln__writer_name(struct ln_writer *w, const struct ln_path *path)
{
    TRY(enter(w, w->depth == 0 && ln_path_is_below(path, &w->base)));
    enum ln_status st =
        w->format->write_name != NULL ? w->format->write_name(w, path) : LN_UNSUPPORTED;
    if (st == LN_OK)
        w->values++;
    return leave(w, st);
}

enum ln_status ln__writer_stream(struct ln_writer *w, const struct ln_path *path,
                                 enum ln_value_type type, size_t length)
{
    TRY(check_value(w, path));
    if (!ln_value_type_is_bytes(type))
        return LN_BAD_STATE;
    enum ln_status st = w->format->write_bytes(w, path, type, length);
    if (st == LN_OK) {
        w->values++;
        w->stream.length = length;
        w->stream.done = 0;
        w->stream.held = 0;
        w->stream.open = true;
    }
    return leave(w, st);
}

/* Go over the groups of bytes that lie before the window, and over all if the window is full. */
static void pass_over(struct ln_writer *w)
{
    struct ln_writer_stream *s = &w->stream;
    size_t left = s->length - s->done;
    size_t before = w->out.at < w->out.skip ? (w->out.skip - w->out.at) / s->makes : 0;
    size_t groups = left / s->group < before ? left / s->group : before;
    s->done += groups * s->group;
    w->out.at += groups * s->makes;
    if (w->out.at < w->out.skip || w->out.at - w->out.skip < w->out.room.len)
        return;
    left = s->length - s->done;
    size_t odd = left % s->group;
    w->out.at += left / s->group * s->makes;
    if (odd > 0)
        w->out.at += s->unpadded ? odd + 1 : s->makes;
    s->done = s->length;
}

bool ln__writer_want(struct ln_writer *w, size_t *offset, struct ln_mspan *room)
{
    struct ln_writer_stream *s = &w->stream;
    if (!s->open || w->failed != LN_OK)
        return false;
    if (s->makes > 0 && s->held == 0)
        pass_over(w);
    size_t left = s->length - s->done;
    if (left == 0) {
        end_bytes(w);
        return false;
    }
    *offset = s->done + s->held;
    if (s->encode == NULL) {
        size_t at = w->out.at - w->out.skip;
        *room = ln_mspan(w->out.room.data + at, w->out.room.len - at);
    } else {
        *room = ln_mspan(s->scratch + s->held, sizeof s->scratch - s->held);
    }
    if (room->len > left - s->held)
        room->len = left - s->held;
    return true;
}

void ln__writer_filled(struct ln_writer *w, size_t len)
{
    struct ln_writer_stream *s = &w->stream;
    if (s->encode == NULL) {
        s->done += len;
        w->out.at += len;
        return;
    }
    s->held = (uint8_t)(s->held + len);
    if (s->held < sizeof s->scratch && s->held < s->length - s->done)
        return; /* not whole groups, perhaps */
    s->encode(w, ln_span(s->scratch, s->held));
    s->done += s->held;
    s->held = 0;
}

enum ln_status ln__writer_end(struct ln_writer *w)
{
    TRY(enter(w, w->depth == 0));
    return leave(w, w->format->write_end != NULL ? w->format->write_end(w) : LN_OK);
}
