/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_CODEC_FORMAT_H
#define LN_CODEC_FORMAT_H
/**
 * @file format.h
 * Payload formats of LwM2M: one table per format, one reader and one writer for all of them.
 *
 * A build lists the formats it wants in a constant array of `const struct ln_format *`; nothing
 * else links a format. ln__format_find() picks one by its Content-Format number.
 *
 * READING turns a payload into entries, each with its absolute path:
 *
 *     struct ln_reader r;
 *     struct ln_entry e;
 *     TRY(ln__reader_init(&r, format, &path_of_request));
 *     TRY(ln__reader_feed(&r, payload, true));
 *     for (;;) {
 *         TRY(ln__reader_next(&r, &e));
 *         if (e.kind == LN_ENTRY_END)
 *             break;
 *         if (e.kind == LN_ENTRY_VALUE)
 *             TRY(ln__reader_value(&r, type_of(&e.path), room, &value));
 *     }
 *
 * A payload may come in pieces (block1): feed each when it comes. LN_AGAIN from next, value or
 * piece means: feed the next piece, then make the same call again with the same arguments. Bytes
 * of any length are taken piece by piece with ln__reader_piece().
 *
 * Only LN_ENTRY_END says that the whole payload was well-formed, so whoever must change nothing on
 * a bad payload reads it to its end before acting, or can take back what it did.
 *
 * WRITING produces a payload from values in the order of their paths:
 *
 *     ln__writer_init(&w, format, &path_of_request, room);
 *     TRY(ln__writer_open(&w, &instance, LN_LENGTH_UNKNOWN));
 *     TRY(ln__writer_value(&w, &path, &value));      ... any number, arrays opened and closed
 *     TRY(ln__writer_close(&w));
 *     TRY(ln__writer_end(&w));
 *
 * The room is a window on the payload. What lies before or behind it is counted and not stored, so
 * a payload of any length is produced in pieces (block2) by making the same calls again with
 * another ln__writer_window(), and ln__writer_stream() asks for the bytes of a long value only
 * where they fall into the window. Nothing is kept in between.
 *
 * Pure functions on the caller's memory. Not one of them allocates.
 */
#include "codec/base64.h"
#include "codec/cbor.h"
#include "codec/lwm2m_cbor.h"
#include "codec/senml.h"
#include "codec/tlv.h"
#include "codec/window.h"

#include <linnet/path.h>
#include <linnet/value.h>

/** Content-Format numbers (the registry of RFC 7252 12.3). */
enum ln_content_format {
    LN_CONTENT_TEXT = 0,
    LN_CONTENT_LINK = 40,
    LN_CONTENT_OPAQUE = 42,
    LN_CONTENT_CBOR = 60,
    LN_CONTENT_SENML_JSON = 110,
    LN_CONTENT_SENML_CBOR = 112,
    LN_CONTENT_SENML_ETCH_JSON = 320,
    LN_CONTENT_SENML_ETCH_CBOR = 322,
    LN_CONTENT_TLV = 11542,
    LN_CONTENT_LWM2M_CBOR = 11544,
};

/** What a format can do. */
#define LN_FORMAT_READS 0x01u  /**< has a reader */
#define LN_FORMAT_WRITES 0x02u /**< has a writer */
#define LN_FORMAT_SINGLE 0x04u /**< one value of one resource or resource instance, no more */
#define LN_FORMAT_TYPED 0x08u  /**< the payload tells the types of its values (some of them) */
#define LN_FORMAT_NAMED 0x10u  /**< values of several objects: composite operations and Send */
#define LN_FORMAT_TIMED 0x20u  /**< values may carry a time */

/** A length, or a number of values, that is not known. */
#define LN_LENGTH_UNKNOWN SIZE_MAX

struct ln_reader;
struct ln_writer;
struct ln_writer_open;
struct ln_entry;

/** One format. The functions are called through the reader and the writer only. */
struct ln_format {
    uint16_t number;  /**< Content-Format */
    uint8_t traits;   /**< LN_FORMAT_... */
    const char *name; /**< "tlv": for logs and command lines */

    enum ln_status (*read_begin)(struct ln_reader *r);
    enum ln_status (*read_next)(struct ln_reader *r, struct ln_entry *out);
    enum ln_status (*read_scalar)(struct ln_reader *r, enum ln_value_type type,
                                  struct ln_value *out);
    enum ln_status (*read_piece)(struct ln_reader *r, enum ln_value_type type, struct ln_mspan room,
                                 struct ln_span *out);

    void (*write_begin)(struct ln_writer *w);
    enum ln_status (*write_open)(struct ln_writer *w, struct ln_writer_open *top);
    enum ln_status (*write_close)(struct ln_writer *w, const struct ln_writer_open *top);
    enum ln_status (*write_scalar)(struct ln_writer *w, const struct ln_path *path,
                                   const struct ln_value *value);
    enum ln_status (*write_name)(struct ln_writer *w, const struct ln_path *path);
    /* what stands before the bytes of a value; sets up `stream` */
    enum ln_status (*write_bytes)(struct ln_writer *w, const struct ln_path *path,
                                  enum ln_value_type type, size_t length);
    enum ln_status (*write_end)(struct ln_writer *w);
};

/** The format of this number in a list; NULL if it is not there. */
static inline const struct ln_format *ln__format_find(const struct ln_format *const *list,
                                                      size_t count, uint32_t number)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i]->number == number)
            return list[i];
    }
    return NULL;
}

/* ---- reading ------------------------------------------------------------------------------- */

enum ln_entry_kind {
    LN_ENTRY_END,      /**< the payload ends here, and all of it was well-formed */
    LN_ENTRY_VALUE,    /**< a resource or a resource instance with a value: take it or leave it */
    LN_ENTRY_INSTANCE, /**< an object instance begins; what is in it follows, maybe nothing */
    LN_ENTRY_ARRAY,    /**< a resource of many instances begins; they follow, maybe none */
    LN_ENTRY_NAME,     /**< a path without a value, of any level (Read-Composite) */
    LN_ENTRY_REMOVE,   /**< a value of null: remove this resource instance (Write-Composite) */
};

/**
 * One thing that the payload says. Order and repetition are the peer's: ids may come unsorted and
 * twice. INSTANCE and ARRAY are told by formats that have them (TLV); others give values only.
 */
struct ln_entry {
    enum ln_entry_kind kind;
    bool has_time;
    /** Absolute, and below the path of the request or equal to it. A new object instance without
     * an id (Create) has the id LN_ID_NONE at the second level. */
    struct ln_path path;
    /** Milliseconds since 1970 or, below LN_TIME_ABSOLUTE_MS, relative to now (RFC 8428 4.5.3). */
    int64_t time_ms;
    /** VALUE: its bytes as they stand in the payload, LN_LENGTH_UNKNOWN if that shows later. */
    size_t length;
};

/** 2^28 seconds, RFC 8428 4.5.3: smaller times are relative to now. */
#define LN_TIME_ABSOLUTE_MS (INT64_C(268435456) * 1000)

/** Bytes that a reader keeps between two pieces: the longest text of a number or a name. */
#define LN_READER_CARRY 64

/** Private, but for its size: movable, no pointer into itself. */
struct ln_reader {
    const struct ln_format *format;
    struct ln_path base;   /**< of the request */
    struct ln_span in;     /**< of the last piece, what was not read yet */
    enum ln_status failed; /**< sticky */
    bool last;             /**< no piece follows */
    bool hungry;           /**< LN_AGAIN was said */
    bool in_value;         /**< there is a value to take */
    bool pieced;           /**< a piece of it was taken */
    uint8_t carried;
    uint8_t carry[LN_READER_CARRY]; /**< stands in front of `in` */
    enum ln_value_type native;      /**< of the value: the type that the payload tells */
    size_t left;  /**< bytes of the value that were not read yet; LN_LENGTH_UNKNOWN */
    size_t taken; /**< bytes that ln__reader_value() has gathered */
    union {
        struct ln_tlv_reader tlv;
        struct {
            bool told;                    /**< the one value */
            struct ln_base64_text base64; /**< of which so much was read */
        } single;
        struct {
            bool told;
            struct ln_cbor_value value;
        } cbor;
        struct ln_senml_reader senml;
        struct ln_lwm2m_cbor_reader lwm2m_cbor;
    } state;
};

/**
 * Begin to read.
 *
 * @param path  of the request: what the payload may speak of is this and what lies below. Copied.
 * @retval LN_UNSUPPORTED  the format has no reader, or cannot be read at this level (a single
 *                         value at an object)
 */
LN_MUST_USE enum ln_status ln__reader_init(struct ln_reader *r, const struct ln_format *format,
                                           const struct ln_path *path);

/**
 * The payload, or its next piece.
 *
 * @param piece  borrowed until the next call of feed, or the end of reading
 * @param last   no other piece follows
 * @retval LN_BAD_STATE  the reader has not asked for it with LN_AGAIN, or the last one was given
 */
LN_MUST_USE enum ln_status ln__reader_feed(struct ln_reader *r, struct ln_span piece, bool last);

/**
 * The next entry. A value that was not taken, or not to its end, is skipped.
 *
 * @param out  unchanged unless LN_OK
 * @retval LN_AGAIN     feed, and call again
 * @retval LN_BAD_PEER  malformed, or not below the path of the request; the reader is of no use
 *                      any more
 * @retval LN_NO_SPACE  well-formed so far, but cannot be read in pieces: a long value before its
 *                      name (SenML); the reader is of no use any more
 */
LN_MUST_USE enum ln_status ln__reader_next(struct ln_reader *r, struct ln_entry *out);

/**
 * Take the value of the entry.
 *
 * @param type  what it must be. NONE takes it as it comes: the type that the payload tells, else
 *              text as STRING and bytes as OPAQUE.
 * @param room  for bytes that do not stand in one piece in the payload as they are (Base64, escapes,
 *              block1); a number never needs it
 * @param out   bytes of it are borrowed from the payload or the room; unchanged unless LN_OK
 * @retval LN_AGAIN      feed, and call again with the same room
 * @retval LN_BAD_PEER   no value of this type: wrong length, out of range, not UTF-8, not a number.
 *                       The entry is used up and the next one can be read (unless the payload is
 *                       malformed too, which next() will say).
 * @retval LN_NO_SPACE   longer than the room; the entry is used up
 * @retval LN_BAD_STATE  there is no value to take
 */
LN_MUST_USE enum ln_status ln__reader_value(struct ln_reader *r, enum ln_value_type type,
                                            struct ln_mspan room, struct ln_value *out);

/**
 * Take the next bytes of a value that may be long.
 *
 * @param type  STRING, OPAQUE or CORELNK. UTF-8 is not checked here.
 * @param room  for decoded bytes, at least 4
 * @param out   borrowed from the payload or the room until the next call; empty: the value has
 *              ended
 * @retval LN_AGAIN      feed, and call again
 * @retval LN_BAD_PEER   no value of this type
 * @retval LN_BAD_STATE  there is no value to take
 */
LN_MUST_USE enum ln_status ln__reader_piece(struct ln_reader *r, enum ln_value_type type,
                                            struct ln_mspan room, struct ln_span *out);

/* ---- writing ------------------------------------------------------------------------------- */

/** A value of text or bytes that is being written. */
struct ln_writer_stream {
    size_t length; /**< of the value */
    size_t done;   /**< bytes of the value that are dealt with */
    /** Puts bytes; NULL: as they are. */
    void (*encode)(struct ln_writer *w, struct ln_span bytes);
    /** Puts what stands behind the bytes; NULL: nothing. */
    void (*finish)(struct ln_writer *w);
    bool open;
    bool unpadded;       /**< an odd group makes one byte more than it has */
    uint8_t group;       /**< so many bytes ... */
    uint8_t makes;       /**< ... make so many in the payload; 0: that depends on the bytes */
    uint8_t held;        /**< bytes in `scratch` */
    uint8_t scratch[48]; /**< where formats that encode get the bytes from: whole groups of 3 */
};

/** A container that was opened and not closed. */
struct ln_writer_open {
    struct ln_path path;
    size_t start;   /**< of its header in the payload */
    size_t told;    /**< the length that the caller gave, or LN_LENGTH_UNKNOWN */
    uint8_t header; /**< bytes of its header; 0: it does not show */
};

/** Private, but for its size: movable, no pointer into itself. */
struct ln_writer {
    const struct ln_format *format;
    struct ln_path base;   /**< of the request */
    struct ln_window out;  /**< the payload */
    enum ln_status failed; /**< sticky */
    bool begun;
    bool has_time;
    uint8_t depth;
    struct ln_writer_open open[3]; /**< an object, in it an instance, in it an array */
    int64_t time_ms;
    size_t values;      /**< written so far */
    size_t values_told; /**< by ln__writer_window() */
    size_t inner;       /**< length of the contents of what was closed last */
    struct ln_writer_stream stream;
    struct ln_senml_writer senml;
};

/**
 * Begin to write into a window at the start of the payload.
 *
 * @param path  of the request: what is written is this and what lies below. The root for Send and
 *              composite operations. Copied.
 * @param room  borrowed until the end; empty to measure only
 */
void ln__writer_init(struct ln_writer *w, const struct ln_format *format,
                     const struct ln_path *path, struct ln_mspan room);

/**
 * Before the first value: another window than the start of the payload.
 *
 * @param skip    bytes of the payload in front of the window
 * @param values  how many values the payload has (`w->values` after a run that measured), or
 *                LN_LENGTH_UNKNOWN if skip is 0
 */
void ln__writer_window(struct ln_writer *w, size_t skip, size_t values);

/** The values that follow have this time, see struct ln_entry; formats without times leave it out. */
void ln__writer_time(struct ln_writer *w, int64_t time_ms);

/**
 * An object, an object instance or a resource of many instances begins. All its values lie between
 * open and close; nothing in between: it is empty. Which of it shows is the format's matter.
 *
 * @param length  LN_LENGTH_UNKNOWN; or what ln__writer_inner() said in a run that measured. Must be
 *                known where the window does not begin at or before this place.
 * @retval LN_UNSUPPORTED  the format has one value only
 */
LN_MUST_USE enum ln_status ln__writer_open(struct ln_writer *w, const struct ln_path *path,
                                           size_t length);

/** It ends. @retval LN_BAD_STATE  it was not as long as told, or the length had to be known */
LN_MUST_USE enum ln_status ln__writer_close(struct ln_writer *w);

/** The length to give to ln__writer_open(): of what was closed last. */
size_t ln__writer_inner(const struct ln_writer *w);

/**
 * A value. NONE is null, where the format has it: remove this resource instance (Write-Composite).
 *
 * @param path  of a resource or resource instance, below the path of the request; in the order of
 *              ln_path_compare()
 * @retval LN_UNSUPPORTED  the format has no way to write this: a second value where there can be
 *                         one only, a type, a number that is not finite; nothing was written and
 *                         the writer can go on
 */
LN_MUST_USE enum ln_status ln__writer_value(struct ln_writer *w, const struct ln_path *path,
                                            const struct ln_value *value);

/**
 * A path of any level without a value: what a Read-Composite asks for.
 * @retval LN_UNSUPPORTED  the format has no such thing
 */
LN_MUST_USE enum ln_status ln__writer_name(struct ln_writer *w, const struct ln_path *path);

/**
 * A value of text or bytes that is not in memory:
 *
 *     TRY(ln__writer_stream(&w, &path, LN_VALUE_OPAQUE, 65536));
 *     while (ln__writer_want(&w, &offset, &room))
 *         ln__writer_filled(&w, read_at(offset, room.data, room.len));
 *
 * @param length  of the value, all of it
 */
LN_MUST_USE enum ln_status ln__writer_stream(struct ln_writer *w, const struct ln_path *path,
                                             enum ln_value_type type, size_t length);

/**
 * Which bytes of the value are needed now.
 *
 * @param offset  in the value; it only grows
 * @param room    where to put them, never empty; fill all or a part of it
 * @return false: no more, the value is done
 */
LN_MUST_USE bool ln__writer_want(struct ln_writer *w, size_t *offset, struct ln_mspan *room);

/** So many bytes were put there, at least one. */
void ln__writer_filled(struct ln_writer *w, size_t len);

/**
 * The payload ends.
 *
 * @retval LN_OK  all of it was produced; whether it fits the window is another question, see
 *                ln__writer_length()
 * @retval LN_BAD_STATE  something is still open, or the first failure of the calls before
 */
LN_MUST_USE enum ln_status ln__writer_end(struct ln_writer *w);

/** Bytes of the whole payload, be they in the window or not. */
static inline size_t ln__writer_length(const struct ln_writer *w)
{
    return w->out.at;
}

/** The bytes of the payload that are in the window. */
static inline struct ln_span ln__writer_bytes(const struct ln_writer *w)
{
    return ln__window_bytes(&w->out);
}

/** Whether something of the payload lies behind the window. */
static inline bool ln__writer_has_more(const struct ln_writer *w)
{
    return ln__window_has_more(&w->out);
}

#endif
