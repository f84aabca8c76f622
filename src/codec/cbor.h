/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_CODEC_CBOR_H
#define LN_CODEC_CBOR_H
/**
 * @file cbor.h
 * CBOR (RFC 8949) as far as payloads of LwM2M need it, and the format application/cbor (60).
 *
 * Read: numbers of every size, in the shortest form or not, half floats, decimal fractions (tag 4),
 * times (tag 1), strings and containers of definite and indefinite length. No other tags, no big
 * numbers, no "undefined". What must be skipped may be nested eight deep.
 *
 * Written: the shortest form of each number, also of floats. Times have tag 1.
 *
 * The readers here follow reader.h: LN_AGAIN leaves all as it was.
 */
#include "codec/item.h"
#include "codec/window.h"

struct ln_format;
struct ln_reader;

/** application/cbor: one value. Taken as LN_VALUE_NONE it has the type that it tells. */
extern const struct ln_format ln__format_cbor;

enum ln_cbor_major {
    LN_CBOR_UNSIGNED = 0,
    LN_CBOR_NEGATIVE = 1,
    LN_CBOR_BYTES = 2,
    LN_CBOR_TEXT = 3,
    LN_CBOR_ARRAY = 4,
    LN_CBOR_MAP = 5,
    LN_CBOR_TAG = 6,
    LN_CBOR_SIMPLE = 7,
};

/* ---- reading ---- */

/** The first bytes of an item: what it is, and a number. */
struct ln_cbor_head {
    enum ln_cbor_major major;
    uint8_t info;    /**< the five bits behind the major type */
    bool indefinite; /**< a string or container without a length; of SIMPLE: the break */
    uint64_t value;  /**< integer, length, count, tag, or the bits of a float */
    size_t size;     /**< of the head */
};

/**
 * Look at the head that stands `offset` bytes from here.
 * @param offset  plus a head of 9 bytes must not exceed LN_READER_CARRY
 */
LN_MUST_USE enum ln_status ln__cbor_peek(struct ln_reader *r, size_t offset,
                                         struct ln_cbor_head *out);

/** Whether a head is the break of an indefinite length. */
static inline bool ln__cbor_is_break(const struct ln_cbor_head *head)
{
    return head->major == LN_CBOR_SIMPLE && head->indefinite;
}

/** "up to a break", where items are counted. No payload has as many. */
#define LN_CBOR_UNTIL_BREAK UINT32_MAX

/** Read the head of an array or a map: how many items or pairs it has. */
LN_MUST_USE enum ln_status ln__cbor_open(struct ln_reader *r, enum ln_cbor_major major,
                                         uint32_t *items);

/** Whether it ends here; then its break, if it has one, is read, and *items is 0. */
LN_MUST_USE enum ln_status ln__cbor_at_end(struct ln_reader *r, uint32_t *items, bool *end);

/** An item of it was read. */
static inline void ln__cbor_count(uint32_t *items)
{
    if (*items != LN_CBOR_UNTIL_BREAK)
        (*items)--;
}

/** A value: read to its end, but for strings, whose bytes follow. */
struct ln_cbor_value {
    struct ln_item item;
    bool chunked;      /**< a string in chunks, up to a break */
    size_t chunk_left; /**< bytes of this chunk */
};

/**
 * Begin to read a value; sets `native` and `left` of the reader.
 * @retval LN_BAD_PEER  a container, a tag that says nothing to us, or malformed
 */
LN_MUST_USE enum ln_status ln__cbor_begin(struct ln_reader *r, struct ln_cbor_value *out);

/** Anything but bytes, as read_scalar of a format. */
LN_MUST_USE enum ln_status ln__cbor_scalar(struct ln_reader *r, struct ln_cbor_value *v,
                                           enum ln_value_type type, struct ln_value *out);

/** The next bytes, as read_piece of a format. */
LN_MUST_USE enum ln_status ln__cbor_piece(struct ln_reader *r, struct ln_cbor_value *v,
                                          enum ln_value_type type, struct ln_span *out);

/** Skip the bytes that are left. */
LN_MUST_USE enum ln_status ln__cbor_finish(struct ln_reader *r, struct ln_cbor_value *v);

#define LN_CBOR_DEPTH_MAX 8

/** An item that is being skipped, whatever is in it. All zeros: not begun. */
struct ln_cbor_skip {
    bool begun;
    uint8_t depth;                     /**< containers that are open */
    uint32_t items[LN_CBOR_DEPTH_MAX]; /**< left in each; LN_CBOR_UNTIL_BREAK */
    size_t bytes;                      /**< left of a string */
};

/** Skip an item; call again after LN_AGAIN. @retval LN_BAD_PEER  malformed, or nested too deep */
LN_MUST_USE enum ln_status ln__cbor_skip(struct ln_reader *r, struct ln_cbor_skip *s);

/* ---- writing ---- */

void ln__cbor_put_head(struct ln_window *out, enum ln_cbor_major major, uint64_t value);

/** The head of an array or map whose end is a break. */
void ln__cbor_put_open(struct ln_window *out, enum ln_cbor_major major);
void ln__cbor_put_break(struct ln_window *out);

void ln__cbor_put_int(struct ln_window *out, int64_t value);
void ln__cbor_put_double(struct ln_window *out, double value);
void ln__cbor_put_text(struct ln_window *out, const char *text, size_t len);

/**
 * A value that is neither text nor bytes. NONE is null, a time has tag 1 if `tagged`.
 * @return false: bytes; nothing is written
 */
LN_MUST_USE bool ln__cbor_put_value(struct ln_window *out, const struct ln_value *value,
                                    bool tagged);

#endif
