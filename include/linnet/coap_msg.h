/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_COAP_MSG_H
#define LN_COAP_MSG_H
/**
 * @file coap_msg.h
 * Messages of CoAP as bytes: read and written for UDP (RFC 7252) and for TCP (RFC 8323).
 *
 * Reading:   one pass over the bytes checks the whole message and decodes the options that the
 *            library works with. Nothing is copied but the token: spans point into the input and
 *            are valid while it is. What is malformed is LN_BAD_PEER and changes nothing.
 * Writing:   into room of the caller's. A writer never overruns; it puts each option where its
 *            number belongs, so they may come in any order. What does not fit makes the writer
 *            fail for good, and ln_coap_writer_end() says so.
 * Pure:      no memory, no clock, no log. Threads: none needed.
 * See also:  coap.h, the endpoint that stands on this.
 */
#include <linnet/span.h>
#include <linnet/status.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- vocabulary ---- */

/** name, class, detail, the registry's words (RFC 7252 12.1, 7959, 8132, 8323 7.1, 9175) */
#define LN_COAP_CODE_LIST(X)                                                                       \
    X(EMPTY, 0, 0, "Empty")                                                                        \
    X(GET, 0, 1, "GET")                                                                            \
    X(POST, 0, 2, "POST")                                                                          \
    X(PUT, 0, 3, "PUT")                                                                            \
    X(DELETE, 0, 4, "DELETE")                                                                      \
    X(FETCH, 0, 5, "FETCH")                                                                        \
    X(PATCH, 0, 6, "PATCH")                                                                        \
    X(IPATCH, 0, 7, "iPATCH")                                                                      \
    X(CREATED, 2, 1, "Created")                                                                    \
    X(DELETED, 2, 2, "Deleted")                                                                    \
    X(VALID, 2, 3, "Valid")                                                                        \
    X(CHANGED, 2, 4, "Changed")                                                                    \
    X(CONTENT, 2, 5, "Content")                                                                    \
    X(CONTINUE, 2, 31, "Continue")                                                                 \
    X(BAD_REQUEST, 4, 0, "Bad Request")                                                            \
    X(UNAUTHORIZED, 4, 1, "Unauthorized")                                                          \
    X(BAD_OPTION, 4, 2, "Bad Option")                                                              \
    X(FORBIDDEN, 4, 3, "Forbidden")                                                                \
    X(NOT_FOUND, 4, 4, "Not Found")                                                                \
    X(METHOD_NOT_ALLOWED, 4, 5, "Method Not Allowed")                                              \
    X(NOT_ACCEPTABLE, 4, 6, "Not Acceptable")                                                      \
    X(INCOMPLETE, 4, 8, "Request Entity Incomplete")                                               \
    X(CONFLICT, 4, 9, "Conflict")                                                                  \
    X(PRECONDITION_FAILED, 4, 12, "Precondition Failed")                                           \
    X(TOO_LARGE, 4, 13, "Request Entity Too Large")                                                \
    X(UNSUPPORTED_FORMAT, 4, 15, "Unsupported Content-Format")                                     \
    X(UNPROCESSABLE, 4, 22, "Unprocessable Entity")                                                \
    X(TOO_MANY_REQUESTS, 4, 29, "Too Many Requests")                                               \
    X(INTERNAL_ERROR, 5, 0, "Internal Server Error")                                               \
    X(NOT_IMPLEMENTED, 5, 1, "Not Implemented")                                                    \
    X(BAD_GATEWAY, 5, 2, "Bad Gateway")                                                            \
    X(UNAVAILABLE, 5, 3, "Service Unavailable")                                                    \
    X(GATEWAY_TIMEOUT, 5, 4, "Gateway Timeout")                                                    \
    X(PROXYING_NOT_SUPPORTED, 5, 5, "Proxying Not Supported")                                      \
    X(CSM, 7, 1, "CSM")                                                                            \
    X(PING, 7, 2, "Ping")                                                                          \
    X(PONG, 7, 3, "Pong")                                                                          \
    X(RELEASE, 7, 4, "Release")                                                                    \
    X(ABORT, 7, 5, "Abort")

/** LN_COAP_GET, LN_COAP_CONTENT (2.05) and so on: the byte of the wire. */
enum ln_coap_code {
#define LN_COAP_CODE_ENUM(name, class_, detail, text) LN_COAP_##name = (class_) << 5 | (detail),
    LN_COAP_CODE_LIST(LN_COAP_CODE_ENUM)
#undef LN_COAP_CODE_ENUM
};

/** 0 request, 2 success, 4 client error, 5 server error, 7 signalling (TCP) */
static inline unsigned ln_coap_class(uint8_t code)
{
    return code >> 5;
}

/** 1.01 to 0.31: a method, known or not. 0.00 is none. */
static inline bool ln_coap_is_request(uint8_t code)
{
    return code > 0 && code < 0x20;
}

static inline bool ln_coap_is_response(uint8_t code)
{
    return ln_coap_class(code) >= 2 && ln_coap_class(code) <= 5;
}

/** "Not Found"; NULL for a code without a name here. */
LN_API const char *ln_coap_code_name(uint8_t code);

/** Room for every text of ln_coap_code_text(). */
#define LN_COAP_CODE_ROOM 40
/** "4.04 Not Found", "GET", "2.30". @return `text` */
LN_API const char *ln_coap_code_text(uint8_t code, char text[LN_COAP_CODE_ROOM]);

/** Types of messages over UDP, RFC 7252 3. */
enum ln_coap_type { LN_COAP_CON = 0, LN_COAP_NON = 1, LN_COAP_ACK = 2, LN_COAP_RST = 3 };

/** name, number, whether it may be repeated, format, shortest and longest value
 *  (RFC 7252 5.10, 7641 2, 7959 2.1 and 4, 7967, 8613, 9175) */
#define LN_COAP_OPTION_LIST(X)                                                                     \
    X(IF_MATCH, 1, true, OPAQUE, 0, 8)                                                             \
    X(URI_HOST, 3, false, TEXT, 1, 255)                                                            \
    X(ETAG, 4, true, OPAQUE, 1, 8)                                                                 \
    X(IF_NONE_MATCH, 5, false, FLAG, 0, 0)                                                         \
    X(OBSERVE, 6, false, UINT, 0, 3)                                                               \
    X(URI_PORT, 7, false, UINT, 0, 2)                                                              \
    X(LOCATION_PATH, 8, true, TEXT, 0, 255)                                                        \
    X(OSCORE, 9, false, OPAQUE, 0, 255)                                                            \
    X(URI_PATH, 11, true, TEXT, 0, 255)                                                            \
    X(CONTENT_FORMAT, 12, false, UINT, 0, 2)                                                       \
    X(MAX_AGE, 14, false, UINT, 0, 4)                                                              \
    X(URI_QUERY, 15, true, TEXT, 0, 255)                                                           \
    X(ACCEPT, 17, false, UINT, 0, 2)                                                               \
    X(LOCATION_QUERY, 20, true, TEXT, 0, 255)                                                      \
    X(BLOCK2, 23, false, UINT, 0, 3)                                                               \
    X(BLOCK1, 27, false, UINT, 0, 3)                                                               \
    X(SIZE2, 28, false, UINT, 0, 4)                                                                \
    X(PROXY_URI, 35, false, TEXT, 1, 1034)                                                         \
    X(PROXY_SCHEME, 39, false, TEXT, 1, 255)                                                       \
    X(SIZE1, 60, false, UINT, 0, 4)                                                                \
    X(ECHO, 252, false, OPAQUE, 1, 40)                                                             \
    X(NO_RESPONSE, 258, false, UINT, 0, 1)                                                         \
    X(REQUEST_TAG, 292, true, OPAQUE, 0, 8)

/** LN_COAP_URI_PATH and so on: option numbers. Odd numbers are critical (RFC 7252 5.4.1). */
enum ln_coap_option {
#define LN_COAP_OPTION_ENUM(name, number, repeatable, format, min, max) LN_COAP_##name = (number),
    LN_COAP_OPTION_LIST(LN_COAP_OPTION_ENUM)
#undef LN_COAP_OPTION_ENUM
};

/** Options of signalling messages (RFC 8323 5); their numbers count in their own code only. */
enum ln_coap_signal_option {
    LN_COAP_CSM_MAX_MESSAGE_SIZE = 2,
    LN_COAP_CSM_BLOCK_WISE = 4,
    LN_COAP_PING_CUSTODY = 2,
    LN_COAP_RELEASE_ALTERNATIVE = 2,
    LN_COAP_RELEASE_HOLD_OFF = 4,
    LN_COAP_ABORT_BAD_CSM = 2,
};

/** "Uri-Path"; NULL for a number without a name here. */
LN_API const char *ln_coap_option_name(uint16_t number);
/** Whether the number is in LN_COAP_OPTION_LIST. */
LN_API bool ln_coap_option_is_known(uint16_t number);

/** A token: 0 to 8 bytes (the extended ones of RFC 8974 are refused). Bytes behind `len` are 0. */
struct ln_coap_token {
    uint8_t len;
    uint8_t data[8];
};

static inline bool ln_coap_token_equal(const struct ln_coap_token *a, const struct ln_coap_token *b)
{
    return a->len == b->len && memcmp(a->data, b->data, sizeof a->data) == 0;
}

/** Block1 or Block2, RFC 7959 2.2. The block is the `16 << szx` bytes at `num << (szx + 4)`. */
struct ln_coap_block {
    uint32_t num; /**< 0 .. 2^20 - 1 */
    bool more;
    uint8_t szx; /**< 0..6: 16..1024 bytes; 7 is reserved (UDP) or BERT (TCP) */
};

/** Bytes of a block: 16 .. 1024. `szx` 0..6. */
static inline size_t ln_coap_block_size(uint8_t szx)
{
    return (size_t)16 << szx;
}

/** Where a block begins: below 2^30 for szx 0..6. */
static inline uint32_t ln_coap_block_offset(struct ln_coap_block block)
{
    return block.num << (block.szx + 4u);
}

/* ---- messages ---- */

/* Which of the members below an option filled in: bits of `has`. */
#define LN_COAP_HAS_OBSERVE 0x0001u
#define LN_COAP_HAS_CONTENT_FORMAT 0x0002u
#define LN_COAP_HAS_ACCEPT 0x0004u
#define LN_COAP_HAS_BLOCK1 0x0008u
#define LN_COAP_HAS_BLOCK2 0x0010u
#define LN_COAP_HAS_SIZE1 0x0020u
#define LN_COAP_HAS_SIZE2 0x0040u
#define LN_COAP_HAS_ETAG 0x0080u
#define LN_COAP_HAS_MAX_AGE 0x0100u
#define LN_COAP_HAS_URI_PATH 0x0200u
#define LN_COAP_HAS_URI_QUERY 0x0400u
#define LN_COAP_HAS_LOCATION_PATH 0x0800u
#define LN_COAP_HAS_IF_MATCH 0x1000u
#define LN_COAP_HAS_IF_NONE_MATCH 0x2000u
#define LN_COAP_HAS_PROXY 0x4000u /**< Proxy-Uri or Proxy-Scheme */
#define LN_COAP_HAS_ECHO 0x8000u
#define LN_COAP_HAS_OSCORE 0x10000u

/**
 * A message that was read.
 *
 * The members of options are meaningful if their bit of `has` is set. An elective option whose
 * length is illegal, or that is repeated though it must not be, counts as absent; of a critical one
 * like that, and of a critical one that is not in LN_COAP_OPTION_LIST, `bad_option` keeps the first
 * number (RFC 7252 5.4). Whether to answer 4.02 is the reader's decision.
 */
struct ln_coap_msg {
    uint8_t type; /**< enum ln_coap_type; over TCP always LN_COAP_NON */
    uint8_t code;
    uint16_t mid; /**< message id; over TCP 0 */
    struct ln_coap_token token;
    struct ln_span options; /**< as on the wire, checked; for ln_coap_options() */
    struct ln_span payload;

    uint32_t has;
    uint16_t bad_option; /**< 0 = none */
    uint16_t content_format;
    uint16_t accept;
    uint32_t observe; /**< 0 .. 2^24 - 1 */
    uint32_t max_age; /**< seconds */
    uint32_t size1;
    uint32_t size2;
    struct ln_coap_block block1;
    struct ln_coap_block block2;
    struct ln_span etag; /**< the first one; 1..8 bytes */
    struct ln_span echo; /**< RFC 9175; 1..40 bytes */
};

/**
 * Read a datagram.
 *
 * @param in   borrowed while spans of *out are used
 * @param out  unchanged unless LN_OK
 * @retval LN_BAD_PEER     malformed (RFC 7252 3 and 4.2): to be ignored or, if confirmable, reset
 * @retval LN_UNSUPPORTED  an extended token (RFC 8974: TKL 13 or 14): to be treated likewise
 */
LN_MUST_USE LN_API enum ln_status ln_coap_read_udp(struct ln_span in, struct ln_coap_msg *out);

/**
 * Of a datagram that may be malformed behind its first four bytes: what a Reset needs to know.
 * @retval LN_BAD_PEER  shorter than that, or another version: to be ignored silently
 */
LN_MUST_USE LN_API enum ln_status ln_coap_read_udp_header(struct ln_span in, uint8_t *type,
                                                          uint8_t *code, uint16_t *mid);

/**
 * How long the message is that begins a stream (RFC 8323 3.2).
 *
 * @param in   the bytes that there are, possibly more than one message
 * @param len  receives the length of the whole message, header included; 64 bits because a peer
 *             may claim more than 2^32
 * @retval LN_AGAIN        more bytes are needed to tell: there must be 1 to 5
 * @retval LN_BAD_PEER     TKL 15: the stream cannot be read any further
 * @retval LN_UNSUPPORTED  an extended token (TKL 13 or 14): likewise
 */
LN_MUST_USE LN_API enum ln_status ln_coap_frame_tcp(struct ln_span in, uint64_t *len);

/** Read exactly one message of a stream, as ln_coap_frame_tcp() cut it out. Results as
 *  ln_coap_read_udp(). For signalling (7.xx) only `options` counts: numbers mean others there. */
LN_MUST_USE LN_API enum ln_status ln_coap_read_tcp(struct ln_span in, struct ln_coap_msg *out);

/* ---- options of a message that was read ---- */

struct ln_coap_opt {
    uint16_t number;
    struct ln_span value;
};

/** A place between two options. Copying it is looking ahead. */
struct ln_coap_iter {
    struct ln_span left;
    uint16_t number;
};

/** Before the first option. `options` is msg->options or what ln_coap_writer_end() gave. */
static inline struct ln_coap_iter ln_coap_options(struct ln_span options)
{
    struct ln_coap_iter it;
    it.left = options;
    it.number = 0;
    return it;
}

/** The next option. False at the end (and at what is malformed, which a message that was read
 *  never holds); *out is unchanged then. */
LN_API bool ln_coap_next(struct ln_coap_iter *it, struct ln_coap_opt *out);

/** The next option of this number: segments of Uri-Path, Uri-Query, Location-Path, ETags.
 *  Call it for one number or for rising ones with the same `it`. */
LN_API bool ln_coap_next_of(struct ln_coap_iter *it, uint16_t number, struct ln_span *value);

/** An unsigned integer of 0 to 4 bytes (RFC 7252 3.2), leading zeros allowed. */
LN_MUST_USE LN_API enum ln_status ln_coap_uint(struct ln_span value, uint32_t *out);

/* ---- writing ---- */

/**
 * A message, or a bare list of options, that grows in room of the caller's.
 *
 * Options in rising order cost nothing extra; one that belongs before others moves them. Options
 * must stand before the payload is put. After the first thing that does not fit, or is not legal,
 * nothing is put any more and the status stays: check once, at the end.
 */
struct ln_coap_writer {
    uint8_t *data;
    size_t room;
    size_t len;     /**< bytes used from `data`, the space before `start` included */
    size_t start;   /**< where the message begins: before it is space for the length (TCP) */
    size_t options; /**< where the options begin */
    size_t payload; /**< where the payload begins, behind its marker; 0 = none */
    uint16_t last;  /**< highest option number so far */
    uint8_t kind;   /**< datagram, message of a stream, or options alone */
    uint8_t token_len;
    enum ln_status status; /**< LN_NO_SPACE or LN_BAD_ARG once something failed */
};

/** Begin a datagram. `token` may be NULL (none). */
LN_API void ln_coap_write_udp(struct ln_coap_writer *w, struct ln_mspan room,
                              enum ln_coap_type type, uint8_t code, uint16_t mid,
                              const struct ln_coap_token *token);
/** Begin a message of a stream. The message will not begin at the start of `room`. */
LN_API void ln_coap_write_tcp(struct ln_coap_writer *w, struct ln_mspan room, uint8_t code,
                              const struct ln_coap_token *token);
/** Begin a list of options alone, as `struct ln_coap_request` in coap.h takes it. */
LN_API void ln_coap_write_options(struct ln_coap_writer *w, struct ln_mspan room);

/** Change the code of the message; of a list of options nothing. */
LN_API void ln_coap_set_code(struct ln_coap_writer *w, uint8_t code);

/** Put an option. LN_BAD_ARG: longer than 65535 + 269 bytes, or behind the payload. */
LN_API void ln_coap_put(struct ln_coap_writer *w, uint16_t number, struct ln_span value);
/** NULL is the empty text. */
LN_API void ln_coap_put_text(struct ln_coap_writer *w, uint16_t number, const char *text);
/** In as few bytes as it takes: 0 takes none (RFC 7252 3.2). */
LN_API void ln_coap_put_uint(struct ln_coap_writer *w, uint16_t number, uint32_t value);
LN_API void ln_coap_put_block(struct ln_coap_writer *w, uint16_t number,
                              struct ln_coap_block block);
/** Put all options of a checked list. LN_BAD_ARG: the list is malformed. */
LN_API void ln_coap_put_options(struct ln_coap_writer *w, struct ln_span options);

/** Append payload; the marker comes by itself, and not at all for an empty payload. The bytes may
 *  stand in the free room behind it. */
LN_API void ln_coap_put_payload(struct ln_coap_writer *w, struct ln_span bytes);
/** Room for payload, to write into directly; its length is 0 if there is none. Nothing else may
 *  be put before ln_coap_payload_written(). */
LN_API struct ln_mspan ln_coap_payload_room(struct ln_coap_writer *w);
/** `len` bytes of that room were written; 0 is allowed. */
LN_API void ln_coap_payload_written(struct ln_coap_writer *w, size_t len);

/** Bytes of payload so far. */
static inline size_t ln_coap_payload_len(const struct ln_coap_writer *w)
{
    return w->payload == 0 ? 0 : w->len - w->payload;
}

/**
 * Finish.
 * @param out  the message, within the room; unchanged unless LN_OK
 * @retval LN_NO_SPACE, LN_BAD_ARG  what failed first
 */
LN_MUST_USE LN_API enum ln_status ln_coap_writer_end(struct ln_coap_writer *w, struct ln_span *out);

#ifdef __cplusplus
}
#endif
#endif
