/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_CODEC_HTTP_H
#define LN_CODEC_HTTP_H
/**
 * @file http.h
 * HTTP/1.1 as a client needs it: responses read in pieces, requests written (RFC 9110, RFC 9112).
 *
 * The reader is handed all bytes that were not used yet and gives one event per call, so that where
 * the network cut the bytes never matters. It is strict: what two programs might frame differently
 * (a length twice, a length beside chunks, a folded line, a bare line feed) is refused, each with a
 * reason of its own, and after a refusal nothing more is read.
 *
 * Pure; nothing is allocated. Spans of events point into the input of that call.
 */
#include <linnet/span.h>
#include <linnet/status.h>
#include <linnet/uri.h>
#include <stdbool.h>

/* Servers keep to less: nginx and Apache accept 8 KiB a line, and proxies cut at the same place. */
#define LN__HTTP_LINE_MAX 8192
/** All heads of one response, interim ones and trailers included. */
#define LN__HTTP_HEAD_MAX 65536
#define LN__HTTP_FIELDS_MAX 100
/** 1xx responses before the one that counts. */
#define LN__HTTP_INTERIM_MAX 8
/** A chunk's size with its extensions. */
#define LN__HTTP_CHUNK_LINE_MAX 1024
#define LN__HTTP_ETAG_MAX 255
/** "Sun, 06 Nov 1994 08:49:37 GMT" */
#define LN__HTTP_DATE_LEN 29

/** Why a response was refused: name, sentence. */
#define LN__HTTP_PROBLEM_LIST(X)                                                                   \
    X(NONE, "nothing is wrong")                                                                    \
    X(NOTHING, "the server closed the connection without an answer")                               \
    X(CUT_HEAD, "the connection ended in the middle of the response's head")                       \
    X(CUT_BODY, "the connection ended before the body was complete")                               \
    X(LINE_TOO_LONG, "a line of the response's head is longer than is accepted")                   \
    X(HEAD_TOO_LONG, "the response's head is longer than 65536 bytes")                             \
    X(TOO_MANY_FIELDS, "the response has more than 100 header fields")                             \
    X(TOO_MANY_INTERIM, "the server sent more than 8 interim (1xx) responses")                     \
    X(LINE_END, "a line of the response's head does not end with CR LF")                           \
    X(STATUS_LINE, "the answer does not begin as HTTP does: that port speaks another protocol")    \
    X(VERSION, "the answer is of another version than HTTP/1.0 and HTTP/1.1")                      \
    X(STATUS, "the response's status is not a number from 100 to 599")                             \
    X(SWITCHED, "the server switches to another protocol, which was not asked for")                \
    X(FOLDED, "a header field is folded over several lines")                                       \
    X(FIELD_NAME, "a header field has no proper name and colon")                                   \
    X(FIELD_VALUE, "a control character is in a header field")                                     \
    X(LENGTH, "Content-Length is not a decimal number below 2^63")                                 \
    X(LENGTHS, "Content-Length comes twice, with different values")                                \
    X(LENGTH_AND_CHUNKS, "Content-Length and Transfer-Encoding come together")                     \
    X(CODING, "a transfer coding other than chunked, or chunked twice, or in HTTP/1.0")            \
    X(RANGE, "status 206 comes without a Content-Range that can be read")                          \
    X(RANGE_LENGTH, "Content-Length does not fit Content-Range")                                   \
    X(CHUNK_SIZE, "the size of a chunk is not a hexadecimal number below 2^63")                    \
    X(CHUNK_LINE, "something else than an extension follows the size of a chunk")                  \
    X(CHUNK_END, "a chunk is longer than its size says")                                           \
    X(TOO_LONG, "the chunks add up to 2^63 bytes or more")

enum ln__http_problem {
#define LN__HTTP_PROBLEM_ENUM(name, text) LN__HTTP_PROBLEM_##name,
    LN__HTTP_PROBLEM_LIST(LN__HTTP_PROBLEM_ENUM)
#undef LN__HTTP_PROBLEM_ENUM
};

/** One sentence, without its dot. Never NULL. */
const char *ln__http_problem_text(enum ln__http_problem problem);

/* ---- what a head says ---- */

enum ln__http_range_kind {
    LN__HTTP_RANGE_NONE = 0, /**< not there */
    LN__HTTP_RANGE_BAD,      /**< there, and not to be understood */
    LN__HTTP_RANGE_PART,     /**< "bytes 100-199/1000" or with "*" for the total */
    LN__HTTP_RANGE_TOTAL,    /**< "bytes *" and a total: none of it was asked for */
};

struct ln__http_range {
    enum ln__http_range_kind kind;
    uint64_t first;
    uint64_t last; /**< included */
    bool has_total;
    uint64_t total;
};

/** An entity tag as it was written. */
struct ln__http_etag {
    bool weak;
    uint8_t len; /**< with its quotes and W/; 0 = there is none that can be used */
    uint8_t data[LN__HTTP_ETAG_MAX];
};

/** The fields that the client understands. All zero, and -1 for the times: not there. */
struct ln__http_head {
    uint16_t status;
    uint8_t minor; /**< of HTTP/1.x: 0 or 1 */
    bool has_length;
    uint64_t length;
    bool chunked;
    bool coding_seen; /**< Transfer-Encoding was there */
    bool encoded;     /**< Content-Encoding is something else than identity */
    bool says_close;
    bool says_keep_alive;
    struct ln__http_range range;
    struct ln__http_etag etag;
    int64_t last_modified; /**< seconds since 1970 */
    char
        last_modified_text[LN__HTTP_DATE_LEN + 1]; /**< "" if it is in no form that is used today */
    int64_t date;
    int64_t retry_date;    /**< Retry-After, where it is one */
    int64_t retry_after_s; /**< from the response on */
    bool asks_basic;       /**< WWW-Authenticate offers Basic */
    bool asks_other;       /**< ... and something else */
};

/* ---- reading ---- */

enum ln__http_event_kind {
    LN__HTTP_FIELD, /**< a field of the final head, in order, before LN__HTTP_HEAD */
    LN__HTTP_HEAD,  /**< the head is complete, and framing is settled */
    LN__HTTP_DATA,  /**< bytes of the body, without framing; never empty */
    LN__HTTP_END,   /**< the body is complete; nothing more belongs to the response */
};

struct ln__http_event {
    enum ln__http_event_kind kind;
    struct ln_span name; /**< FIELD: as written */
    struct ln_span data; /**< FIELD: the value, trimmed; DATA: the bytes */
};

enum ln__http_state {
    LN__HTTP_AT_STATUS = 0,
    LN__HTTP_AT_FIELDS,
    LN__HTTP_AT_LENGTH, /**< body with Content-Length */
    LN__HTTP_AT_CLOSE,  /**< body until the connection ends */
    LN__HTTP_AT_CHUNK_SIZE,
    LN__HTTP_AT_CHUNK,
    LN__HTTP_AT_CHUNK_END,
    LN__HTTP_AT_TRAILERS,
    LN__HTTP_AT_END, /**< END was not told yet */
    LN__HTTP_AT_DONE,
    LN__HTTP_AT_PROBLEM,
};

struct ln__http_reader {
    enum ln__http_state state;
    enum ln__http_problem problem;
    bool no_body; /**< the request was HEAD */
    bool started; /**< something came */
    bool until_close;
    size_t line_max;
    size_t head_bytes; /**< of all heads and trailers so far */
    unsigned fields;
    unsigned interim;
    uint64_t left; /**< of the body, or of this chunk */
    uint64_t body; /**< bytes of the body so far */
    struct ln__http_head head;
};

/**
 * Begin to read the response to one request.
 *
 * @param no_body   the request was HEAD: whatever the head says, no body follows
 * @param line_max  longer lines are refused; at most LN__HTTP_LINE_MAX
 */
void ln__http_reader_init(struct ln__http_reader *r, bool no_body, size_t line_max);

/**
 * The next event.
 *
 * @param in     all bytes that were received and not used; may be empty
 * @param used   how many of them are done with (also with LN_AGAIN)
 * @param event  out; with LN_OK only
 * @retval LN_AGAIN     more bytes are needed: hand over the unused ones again, with more behind them
 * @retval LN_BAD_PEER  refused: r->problem tells; for ever
 * @retval LN_CLOSED    END was told; what is left belongs to no response
 */
LN_MUST_USE enum ln_status ln__http_next(struct ln__http_reader *r, struct ln_span in, size_t *used,
                                         struct ln__http_event *event);

/**
 * The connection ended, and all bytes were used or are not enough for anything.
 *
 * @retval LN_OK        that is how this body ends; the next event is END
 * @retval LN_BAD_PEER  something is missing: r->problem tells
 */
LN_MUST_USE enum ln_status ln__http_ended(struct ln__http_reader *r);

/** Whether the same connection may carry another request, once END was told. */
bool ln__http_keeps_open(const struct ln__http_reader *r);

/* ---- fields (http_fields.c) ---- */

/** An empty head. */
void ln__http_head_init(struct ln__http_head *head);
/** Take in one field; unknown ones say nothing. */
enum ln__http_problem ln__http_field(struct ln__http_head *head, struct ln_span name,
                                     struct ln_span value);
/** What can be checked when all fields are there. */
enum ln__http_problem ln__http_head_check(struct ln__http_head *head);

/** Decimal digits and nothing else, below 2^63. */
bool ln__http_number(struct ln_span text, uint64_t *out);
struct ln__http_range ln__http_range_read(struct ln_span value);
/** len 0: it is no entity tag (RFC 9110 8.8.3), or too long. */
struct ln__http_etag ln__http_etag_read(struct ln_span value);
/** Seconds since 1970 of "Sun, 06 Nov 1994 08:49:37 GMT"; -1 for anything else, the obsolete forms
 *  of RFC 9110 5.6.7 included: a date that is not understood is only not used. */
int64_t ln__http_date_read(struct ln_span value);

/* ---- writing ---- */

struct ln__http_field {
    struct ln_span name;
    struct ln_span value;
};

struct ln__http_request {
    const char *method;
    const struct ln_uri *uri;
    bool ranged;
    uint64_t from; /**< Range: bytes=from- */
    const struct ln__http_field *fields;
    size_t field_count;
};

/**
 * Write a request without body: its line, Host, Range and then the fields in their order.
 *
 * @param len  its length; with LN_NO_SPACE the length that is needed
 * @retval LN_BAD_ARG  a field's name is no token, or a control character is in a value
 * @retval LN_NO_SPACE
 */
LN_MUST_USE enum ln_status ln__http_request_write(const struct ln__http_request *request,
                                                  struct ln_mspan room, size_t *len);

/** Whether these bytes may stand in the value of a field. */
bool ln__http_value_is_clean(struct ln_span value);
/** Whether these bytes may be the name of a field. */
bool ln__http_is_token(struct ln_span name);

#endif
