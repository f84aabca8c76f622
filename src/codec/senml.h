/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_CODEC_SENML_H
#define LN_CODEC_SENML_H
/**
 * @file senml.h
 * SenML (RFC 8428) as LwM2M uses it, in JSON and in CBOR, and the same in which null removes (RFC
 * 8790): the format tables, and what a reader remembers.
 *
 * Read: names are resolved by joining base name and name, and must come out as an absolute path;
 * one slash at its end is forgiven. Units, sums and update times are ignored, so are unknown
 * labels, but for those that end in "_" and must be understood. A base value is refused. Each label
 * stands once in a record, and one value at most.
 *
 * Written: the base name is the object instance and changes with it; times are base times.
 *
 * In one piece, labels may stand in any order. In pieces (block1) the name must stand before a value
 * of text or bytes; if it does not, the reader says LN_NO_SPACE.
 */
#include "codec/base64.h"
#include "codec/cbor.h"
#include "codec/json.h"

#include <linnet/path.h>

struct ln_format;
struct ln_entry;
struct ln_writer;
struct ln_writer_open;

extern const struct ln_format ln__format_senml_json;
extern const struct ln_format ln__format_senml_cbor;
extern const struct ln_format ln__format_senml_etch_json;
extern const struct ln_format ln__format_senml_etch_cbor;

/** Label in JSON, label in CBOR (RFC 8428 table 4), name here. LwM2M adds vlo, a text in CBOR, too. */
#define LN_SENML_LABEL_LIST(X)                                                                     \
    X("bver", -1, BASE_VERSION)                                                                    \
    X("bn", -2, BASE_NAME)                                                                         \
    X("bt", -3, BASE_TIME)                                                                         \
    X("bu", -4, BASE_UNIT)                                                                         \
    X("bv", -5, BASE_VALUE)                                                                        \
    X("bs", -6, BASE_SUM)                                                                          \
    X("n", 0, NAME)                                                                                \
    X("u", 1, UNIT)                                                                                \
    X("v", 2, NUMBER)                                                                              \
    X("vs", 3, STRING)                                                                             \
    X("vb", 4, BOOLEAN)                                                                            \
    X("s", 5, SUM)                                                                                 \
    X("t", 6, TIME)                                                                                \
    X("ut", 7, UPDATE_TIME)                                                                        \
    X("vd", 8, DATA)                                                                               \
    X("vlo", 127, LINK)

enum ln_senml_label {
#define LN_SENML_LABEL_ENUM(json, cbor, name) LN_SENML_##name,
    LN_SENML_LABEL_LIST(LN_SENML_LABEL_ENUM)
#undef LN_SENML_LABEL_ENUM
        LN_SENML_OTHER, /**< to be ignored */
};

/** A path is never longer, nor is what can become one by joining. */
#define LN_SENML_NAME_MAX 32

/** A text that is gathered: a name, a label, a link. */
struct ln_senml_text {
    bool begun;
    bool too_long;
    uint8_t len;
    uint8_t last; /**< its last character, even if it is too long */
    char text[LN_SENML_NAME_MAX];
};

enum ln_senml_stage {
    LN_SENML_AT_PACK,   /**< before the array */
    LN_SENML_AT_RECORD, /**< before a record, or the end of the array */
    LN_SENML_AT_LABEL,
    LN_SENML_AT_FIELD, /**< behind a label */
    LN_SENML_IN_VALUE, /**< it was told, and its record goes on behind it */
    LN_SENML_AT_END,
};

struct ln_senml_reader {
    enum ln_senml_stage stage;
    enum ln_senml_label label; /**< of the field */
    /* what holds for all records that follow */
    bool has_base_time;
    double base_time;
    struct ln_senml_text base_name;
    /* the record */
    uint32_t seen; /**< bit n: label n stood there */
    double time;
    struct ln_senml_text name;
    enum ln_senml_label value; /**< label of the value, OTHER: none */
    bool told;                 /**< its entry */
    struct ln_item item;       /**< the value, or the head of it */
    struct ln_objlnk link;
    bool whole;            /**< all the rest of the payload is here */
    bool ahead;            /**< the record was read to its end, and its value is read now */
    struct ln_span at;     /**< where a string begins */
    struct ln_span resume; /**< what follows the record */
    struct ln_base64_text base64;
    struct ln_senml_text text; /**< scratch: a label, a link */
    union {
        struct {
            bool first;   /**< nothing was read of the container */
            bool comma;   /**< a comma was read */
            bool labeled; /**< a label was read, and no colon */
            bool closed;  /**< the array was */
            struct ln_json_skip skip;
        } json;
        struct {
            uint32_t records_left; /**< UINT32_MAX: up to a break */
            uint32_t fields_left;
            struct ln_cbor_value value;
            struct ln_cbor_skip skip;
        } cbor;
    } syntax;
};

/** How the one syntax or the other is read. */
struct ln_senml_syntax {
    enum ln_item_kind data; /**< what the value of `vd` is */
    /** The head of the array. */
    enum ln_status (*open_pack)(struct ln_reader *r);
    /** The head of a record. *end: the array ended, and with it the payload. */
    enum ln_status (*open_record)(struct ln_reader *r, bool *end);
    /** The label of a field. *end: the record ended. */
    enum ln_status (*label)(struct ln_reader *r, enum ln_senml_label *out, bool *end);
    /** A value that is no container: all of it, or the head of a string. */
    enum ln_status (*begin)(struct ln_reader *r, struct ln_item *out);
    /** The next bytes of a string. */
    enum ln_status (*piece)(struct ln_reader *r, enum ln_value_type type, struct ln_mspan room,
                            struct ln_span *out);
    /** Skip what is left of a string. */
    enum ln_status (*finish)(struct ln_reader *r);
    /** Skip any value. */
    enum ln_status (*skip)(struct ln_reader *r);
};

/** read_next of the formats. */
LN_MUST_USE enum ln_status ln__senml_next(struct ln_reader *r, const struct ln_senml_syntax *syntax,
                                          struct ln_entry *out);

/** read_scalar of the formats. */
LN_MUST_USE enum ln_status ln__senml_scalar(struct ln_reader *r, enum ln_value_type type,
                                            struct ln_value *out);

/** read_piece of the formats. */
LN_MUST_USE enum ln_status ln__senml_piece(struct ln_reader *r,
                                           const struct ln_senml_syntax *syntax,
                                           enum ln_value_type type, struct ln_mspan room,
                                           struct ln_span *out);

/** Read a text; call again after LN_AGAIN. `begun` must be false at its start. */
LN_MUST_USE enum ln_status ln__senml_gather(struct ln_reader *r,
                                            const struct ln_senml_syntax *syntax,
                                            struct ln_senml_text *text);

/** The label of a text; of a text too long for any. @retval LN_BAD_PEER  ends in "_", RFC 8428 4.4 */
LN_MUST_USE enum ln_status ln__senml_label_of(const struct ln_senml_text *text,
                                              enum ln_senml_label *out);

/** The label of a number in CBOR. */
enum ln_senml_label ln__senml_label_of_number(int64_t number);
int ln__senml_number_of_label(enum ln_senml_label label);

/* ---- writing ---- */

/** What holds for the records that follow. */
struct ln_senml_writer {
    bool has_base;
    struct ln_path base; /**< the object instance that the base name is */
    bool has_time;
    int64_t time_ms;
};

/** What the next record has besides its value. */
struct ln_senml_head {
    bool has_base; /**< a base name, */
    bool has_time; /**< a base time, */
    int64_t time_ms;
    char base[LN_PATH_ROOM + 1];
    size_t base_len;
    char name[LN_PATH_ROOM]; /**< and always a name */
    size_t name_len;
    struct ln_senml_writer after;
};

/** Works it out for a value. */
void ln__senml_head(const struct ln_writer *w, const struct ln_path *path,
                    struct ln_senml_head *out);

/** Works it out for a path of any level, without a value. */
void ln__senml_head_of_name(const struct ln_writer *w, const struct ln_path *path,
                            struct ln_senml_head *out);

/** "vs", "vd": the label of a value of this type. */
enum ln_senml_label ln__senml_label_of_type(enum ln_value_type type);

/** Containers do not show: what is empty is not there. write_open and write_close of the formats. */
LN_MUST_USE enum ln_status ln__senml_open(struct ln_writer *w, struct ln_writer_open *top);
LN_MUST_USE enum ln_status ln__senml_close(struct ln_writer *w, const struct ln_writer_open *top);

/** The table of a format, of the functions that a file has by these names. */
#define LN_SENML_TABLE(content_format, text)                                                       \
    {                                                                                              \
        .number = (content_format),                                                                \
        .traits = LN_FORMAT_READS | LN_FORMAT_WRITES | LN_FORMAT_TYPED | LN_FORMAT_NAMED |         \
                  LN_FORMAT_TIMED,                                                                 \
        .name = (text), .read_next = read_next, .read_scalar = ln__senml_scalar,                   \
        .read_piece = read_piece, .write_begin = write_begin, .write_open = ln__senml_open,        \
        .write_close = ln__senml_close, .write_scalar = write_scalar, .write_name = write_name,    \
        .write_bytes = write_bytes, .write_end = write_end,                                        \
    }

#endif
