/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_COAP_INTERNAL_H
#define LN_COAP_INTERNAL_H
/*
 * What the files of src/coap share. Contract of the whole: <linnet/coap.h>.
 *
 *   endpoint.c   creation, settings, driving
 *   udp.c        the message layer of RFC 7252: types, message ids, duplicates
 *   tcp.c        the same place for RFC 8323: framing, CSM, signalling, output
 *   exchange.c   what we sent and wait for: queue, NSTART, retransmission, endings
 *   request.c    our requests: upload.c sends bodies (Block1), download.c takes them (Block2)
 *   answer.c     notifications and deferred answers
 *   server.c     requests of the peer: transfer.c keeps bodies in blocks
 *   piece.c      puts a piece of a body and its options into a message
 *   pool.c       bytes that must be kept: options, messages
 *   cache.c      duplicates
 *
 * Callbacks of the program may start, cancel and finish exchanges. So nobody holds a pointer to an
 * exchange, to a transfer or into the pool over a callback: it is looked up again by its id.
 */
#include <linnet/coap.h>

#include "base/features.h"

/* ---- pool ---- */

/* Bytes in the pool; len 0 = none. The pool keeps itself without gaps, so that what it returns is
 * valid until the next release only. */
struct ln__coap_chunk {
    uint16_t at, len;
};

/* Returns false, and counts, if there is no room. `len` > 0. */
bool ln__coap_store(struct ln_coap *coap, size_t len, struct ln__coap_chunk *out);
void ln__coap_release(struct ln_coap *coap, struct ln__coap_chunk *chunk);
struct ln_span ln__coap_chunk_bytes(const struct ln_coap *coap, struct ln__coap_chunk chunk);
uint8_t *ln__coap_chunk_data(struct ln_coap *coap, struct ln__coap_chunk chunk);
size_t ln__coap_pool_left(const struct ln_coap *coap);

/* ---- exchanges ---- */

enum ln__coap_kind {
    EX_FREE = 0,
    EX_REQUEST,
    EX_LEG, /* asks for one block of the answer to the request `parent` */
    EX_NOTIFICATION,
    EX_ANSWER, /* a deferred one */
    EX_PING,
};

enum ln__coap_state {
    EX_QUEUED = 0, /* waits for NSTART, a message id, or the socket */
    EX_UNACKED,    /* confirmable and sent; sent again at the deadline */
    EX_WAITING,    /* an answer is due until the deadline */
    EX_HELD,       /* its block came before its turn: kept in `data`, or to be asked for again */
    EX_RESTING,    /* nothing is outstanding: observing, paused, or its legs do the work */
};

enum {
    EX_NON = 0x0001,
    EX_OBSERVE = 0x0002,
    EX_UNOBSERVE = 0x0004,
    EX_SEQUENCED = 0x0008, /* observe_seq and observe_at are known */
    EX_UPLOAD = 0x0010,    /* the body of the request goes in blocks */
    EX_DOWNLOAD = 0x0020,  /* the body of the answer comes in blocks */
    EX_UNORDERED = 0x0040,
    EX_PAUSED = 0x0080,
    EX_RESTARTED = 0x0100, /* an upload began anew once, after 4.08 */
    EX_ASK_BLOCK2 = 0x0200,
    EX_ALONE = 0x0400, /* a block that was asked for ahead was refused: one at a time from now on */
    EX_HAS_ETAG = 0x0800,
    EX_MORE = 0x1000,   /* of a held leg: the block said that more follow */
    EX_FAILED = 0x2000, /* to be ended by the next step with `failure` */
    EX_SENT_ONCE = 0x4000,
    EX_SOURCE = 0x8000,      /* source.read is set and its `done` is due */
    EX_HAS_MID = 0x10000,    /* for the message that is due */
    EX_HELD_DATA = 0x20000,  /* of a held leg: its block is in `held`; else it is asked for again */
    EX_EVERY_ETAG = 0x40000, /* a block without it is of another body */
};

struct ln__coap_exchange {
    ln_coap_id id; /* 0 = free */
    ln_coap_peer peer;
    uint32_t order; /* of queueing */
    uint8_t kind;
    uint8_t state;
    uint8_t code;
    uint8_t class_;
    uint32_t flags;
    uint16_t mid;
    struct ln_coap_token token;
    uint8_t retries;
    uint8_t parent;  /* of a leg: the index of its request */
    uint8_t failure; /* enum ln_coap_outcome */
    uint32_t timeout_ms;
    uint16_t options_len; /* of `data`; behind them stand marker and payload */
    uint16_t last_option; /* the highest of them */
    struct ln__coap_chunk data;
    struct ln__coap_chunk held; /* a block that came before its turn */
    ln_msec deadline;
    ln_msec sent;
    union {
        ln_coap_on_response *response; /* of requests */
        ln_coap_on_done *done;         /* of all others; may be NULL */
    } on;
    void *user;

    /* the body of the request */
    struct ln_coap_source source;
    uint32_t up_at; /* the block under way */
    uint32_t up_len;
    uint8_t up_szx;
    bool up_end;

    /* the body of the answer */
    uint8_t down_szx;  /* the smallest that came */
    uint8_t ask_szx;   /* of the block that is asked for */
    uint8_t down_code; /* of the answer */
    uint8_t etag_len;
    uint8_t etag[8];
    uint32_t down_at;    /* of the block that this request or leg asks for ... */
    uint32_t down_until; /* ... and where it ends, should it come in smaller blocks */
    uint32_t down_next;  /* the next to ask for */
    uint32_t down_done;  /* all before it was handed over (in order) */
    uint32_t down_end;   /* LN_COAP_SIZE_UNKNOWN until the last block came */
    uint32_t down_size;  /* as the peer told */
    uint32_t from;
    uint32_t answer_max;

    uint32_t observe_seq;
    ln_msec observe_at;
};

/* ---- transfers: bodies in blocks, as the server ---- */

enum ln__coap_direction { TRANSFER_FREE = 0, TRANSFER_IN, TRANSFER_OUT };

struct ln__coap_transfer {
    uint64_t key;
    ln_coap_peer peer;
    uint8_t direction;
    uint8_t code; /* of the answer */
    uint32_t at;  /* IN: the next offset; OUT: the offset read last */
    uint32_t last_len;
    ln_msec deadline;
    void *body;                   /* IN: the handler's */
    struct ln_coap_source source; /* OUT; its etag points to etag below */
    uint8_t etag[8];
    struct ln__coap_chunk options; /* OUT: of the answer */
};

/* ---- duplicates ---- */

struct ln__coap_cache {
    uint8_t *data;
    uint16_t room, used;
};

/* What a duplicate is to be answered with. */
enum ln__coap_replay {
    REPLAY_NOTHING = 0, /* it was not confirmable */
    REPLAY_ACK,         /* an empty ACK */
    REPLAY_ANSWER,      /* an ACK with the answer */
    REPLAY_BARE,        /* the answer without its body, which found no room */
};

struct ln__coap_cached {
    ln_coap_peer peer;
    uint32_t expires_s;
    uint16_t mid;
    uint16_t len; /* of options and payload, which follow */
    uint8_t replay;
    uint8_t safe; /* GET, FETCH */
    uint8_t code;
    struct ln_coap_token token;
};

/* A record of this message, or false. *body is valid until the next call for the cache. */
bool ln__coap_cache_find(struct ln_coap *coap, ln_coap_peer peer, uint16_t mid, ln_msec now,
                         struct ln__coap_cached *out, struct ln_span *body);
/* Remember a message of which there is no record; expires_s and len are filled in here. If there is no
 * room, it is remembered with less than that, or not at all: see cache.c. */
void ln__coap_cache_add(struct ln_coap *coap, struct ln__coap_cached entry, struct ln_span body,
                        ln_msec now);

/* ---- TCP ---- */

struct ln__coap_stream {
    uint8_t *in; /* the beginning of a message that is not whole yet */
    uint8_t *out;
    uint32_t in_used, in_room;
    uint32_t out_used, out_room;
    uint32_t peer_max; /* its Max-Message-Size */
    bool started, ready, block_wise, released, failed;
};

/* ---- the endpoint ---- */

struct ln__coap_note {
    ln_coap_peer peer;
    uint16_t mid;
    bool used;
    struct ln_coap_token token;
};

struct ln_coap {
    const struct ln_env *env;
    struct ln_coap_config config; /* with the defaults filled in */
    ln_msec exchange_lifetime, non_lifetime;
    struct ln_coap_counters counters;
    uint16_t max_message;

    uint16_t next_mid;
    ln_msec mid_used[4]; /* when a message id of each quarter was given out last */
    uint32_t observe_seq;
    uint32_t next_order;
    uint32_t generation;
    uint16_t deferred;
    uint8_t live; /* exchanges that are not free */
    uint8_t next_note;
    bool blocked;   /* `send` said LN_AGAIN */
    bool resetting; /* nothing new may begin */
    ln_msec now;    /* of the last call */

    uint8_t entropy[32];
    uint8_t entropy_left;

    struct ln__coap_exchange *exchanges;
    struct ln__coap_transfer *transfers;
    struct ln__coap_note *notes;
    uint8_t *pool;
    uint16_t pool_used;
    struct ln__coap_cache cache;
    struct ln__coap_stream *stream; /* NULL over UDP */
};

static inline bool ln__coap_is_tcp(const struct ln_coap *coap)
{
    return LN__WITH_TCP && coap->stream != NULL;
}

/* Whether what would go, or come, in blocks does so: never in a build without them. */
static inline bool ln__coap_in_blocks(bool wanted)
{
    return LN__WITH_BLOCKS && wanted;
}

/* How many bodies may be under way in blocks. */
static inline size_t ln__coap_transfers(const struct ln_coap_config *config)
{
    return ln__coap_in_blocks(true) ? config->transfers : 0;
}

/* A body that is read while it is sent. */
static inline bool ln__coap_is_source(const struct ln_coap_source *source)
{
    return ln__coap_in_blocks(source != NULL && source->read != NULL);
}

/* Of requests that take more than one message for an answer; a small build has none. */
static inline bool ln__coap_is_leg(const struct ln__coap_exchange *ex)
{
    return LN__WITH_FETCH && ex->kind == EX_LEG;
}

static inline bool ln__coap_fetches(const struct ln__coap_exchange *ex)
{
    return LN__WITH_FETCH && (ex->flags & EX_DOWNLOAD) != 0;
}

static inline bool ln__coap_observes(const struct ln__coap_exchange *ex)
{
    return LN__WITH_FETCH && (ex->flags & EX_OBSERVE) != 0;
}

/* now + ms, without wrapping. */
static inline ln_msec ln__coap_after(ln_msec now, ln_msec ms)
{
    return now > LN_NEVER - ms ? LN_NEVER : now + ms;
}

/* Random bytes, fetched in advance: a token must not cost a system call. */
enum ln_status ln__coap_random(struct ln_coap *coap, void *out, size_t len);
enum ln_status ln__coap_new_token(struct ln_coap *coap, struct ln_coap_token *out);

/* ---- messages on their way out (endpoint.c, udp.c, tcp.c) ---- */

/* A message that is written before it goes. */
struct ln__coap_message {
    struct ln_coap_writer w;
    uint8_t bytes[LN_COAP_MESSAGE_MAX];
};

/* Begin a message that fits what we and the peer allow; over TCP, type and mid do not count. */
void ln__coap_begin(const struct ln_coap *coap, struct ln__coap_message *m, enum ln_coap_type type,
                    uint8_t code, uint16_t mid, const struct ln_coap_token *token);
/* What goes out is an answer to what is being received now, or it may wait: room in the output of a
 * stream is kept for the former, because they would be lost. */
enum ln__coap_urgency { LN__COAP_MAY_WAIT, LN__COAP_NOW };
/* Finish and send. LN_AGAIN: not now; other failures are counted, and over TCP they stick. */
enum ln_status ln__coap_send(struct ln_coap *coap, ln_coap_peer peer, struct ln__coap_message *m,
                             enum ln__coap_urgency urgency);
/* An empty message: ACK, RST, or the CON that is a ping. */
enum ln_status ln__coap_send_empty(struct ln_coap *coap, ln_coap_peer peer, enum ln_coap_type type,
                                   uint16_t mid);
/* As ln__coap_send(), of bytes. */
enum ln_status ln__coap_transmit(struct ln_coap *coap, ln_coap_peer peer, struct ln_span bytes,
                                 enum ln__coap_urgency urgency);
/* Put options that were checked before, the highest being `last`; `w` has none yet. */
void ln__coap_put_checked(struct ln_coap_writer *w, struct ln_span options, uint16_t last);
/* The block size to use: ours, or the smaller one that is wished for (0 = none is). */
uint8_t ln__coap_szx(const struct ln_coap *coap, uint8_t wish);

/* The next message id; false while those that are left were used within EXCHANGE_LIFETIME: not
 * before *until. */
bool ln__coap_new_mid(struct ln_coap *coap, ln_msec now, uint16_t *mid);
ln_msec ln__coap_mid_due(const struct ln_coap *coap);

void ln__coap_receive_udp(struct ln_coap *coap, ln_coap_peer peer, struct ln_span in, ln_msec now);

enum ln_status ln__coap_receive_tcp(struct ln_coap *coap, struct ln_span in, ln_msec now);
void ln__coap_on_pong(struct ln_coap *coap, const struct ln_coap_token *token, ln_msec now);
enum ln_status ln__coap_stream_send(struct ln_coap *coap, struct ln_span message,
                                    enum ln__coap_urgency urgency);
/* Send what waits, then go on with what was received meanwhile. */
enum ln_status ln__coap_stream_step(struct ln_coap *coap, ln_msec now);
void ln__coap_stream_reset(struct ln_coap *coap);

/* ---- exchanges (exchange.c) ---- */

struct ln__coap_exchange *ln__coap_find(const struct ln_coap *coap, ln_coap_id id);
/* A free one with a new id, `kind`, `peer` and an order; NULL (counted) if all are in use. */
struct ln__coap_exchange *ln__coap_take(struct ln_coap *coap, enum ln__coap_kind kind,
                                        ln_coap_peer peer);
/* Free it without a word; its source is told whether the peer took all of it. Legs of a request go
 * with it. */
void ln__coap_drop(struct ln_coap *coap, struct ln__coap_exchange *ex, bool whole);
void ln__coap_free_slot(struct ln_coap *coap, struct ln__coap_exchange *ex); /* and nothing else */
void ln__coap_drop_legs(struct ln_coap *coap, const struct ln__coap_exchange *ex);
/* End it: free it, then tell. A leg ends its request. `msg` may be NULL. */
void ln__coap_end(struct ln_coap *coap, struct ln__coap_exchange *ex, enum ln_coap_outcome outcome,
                  const struct ln_coap_msg *msg, ln_msec now);
/* End it at the next step, because now is not the time for a callback. */
void ln__coap_fail_soon(struct ln__coap_exchange *ex, enum ln_coap_outcome outcome, ln_msec now);
/* LN_OK if something new may be begun; if something may be answered, which a peer that has released
 * the connection still waits for. */
enum ln_status ln__coap_may_begin(const struct ln_coap *coap);
enum ln_status ln__coap_may_answer(const struct ln_coap *coap);
/* Let it go out when its turn comes. */
void ln__coap_queue(struct ln_coap *coap, struct ln__coap_exchange *ex);
/* Send what may go. */
void ln__coap_pump(struct ln_coap *coap, ln_msec now);
/* Retransmissions and timeouts. */
void ln__coap_exchanges_step(struct ln_coap *coap, ln_msec now);
ln_msec ln__coap_exchanges_deadline(const struct ln_coap *coap);
unsigned ln__coap_index(const struct ln_coap *coap, const struct ln__coap_exchange *ex);

/* What came for them. Each returns false if it belongs to nothing. */
bool ln__coap_on_ack(struct ln_coap *coap, ln_coap_peer peer, uint16_t mid, ln_msec now);
bool ln__coap_on_rst(struct ln_coap *coap, ln_coap_peer peer, uint16_t mid, ln_msec now);
struct ln__coap_exchange *ln__coap_match_mid(const struct ln_coap *coap, ln_coap_peer peer,
                                             uint16_t mid);
struct ln__coap_exchange *ln__coap_match_token(const struct ln_coap *coap, ln_coap_peer peer,
                                               const struct ln_coap_token *token);

/* ---- requests ---- */

/* Write the message that a request or leg sends now (request.c). */
enum ln_status ln__coap_build_request(struct ln_coap *coap, struct ln__coap_exchange *ex,
                                      struct ln__coap_message *m);
/* An answer came for a request or leg (request.c). */
void ln__coap_on_response(struct ln_coap *coap, struct ln__coap_exchange *ex,
                          const struct ln_coap_msg *msg, ln_msec now);
/* Hand over a piece; returns the exchange, or NULL if it is over now. */
struct ln__coap_exchange *ln__coap_hand_over(struct ln_coap *coap, struct ln__coap_exchange *ex,
                                             const struct ln_coap_msg *msg, struct ln_span bytes,
                                             uint32_t offset, bool last, ln_msec now);

/* upload.c: write the block that is due; and see whether an answer is about the upload only, so
 * that it goes on. */
enum ln_status ln__coap_build_upload(struct ln_coap *coap, struct ln__coap_exchange *ex,
                                     struct ln_coap_writer *w);
bool ln__coap_upload_goes_on(struct ln_coap *coap, struct ln__coap_exchange *ex,
                             const struct ln_coap_msg *msg, ln_msec now);

/* download.c: an answer with blocks; legs too. Go on after a pause. */
void ln__coap_on_block(struct ln_coap *coap, struct ln__coap_exchange *leg,
                       const struct ln_coap_msg *msg, ln_msec now);
void ln__coap_download_go_on(struct ln_coap *coap, struct ln__coap_exchange *root, ln_msec now);
/* Forget the blocks so far: the body begins anew. */
void ln__coap_download_void(struct ln_coap *coap, struct ln__coap_exchange *root);

/* ---- pieces of bodies (piece.c) ---- */

struct ln__coap_piece {
    uint16_t option; /* LN_COAP_BLOCK1 or LN_COAP_BLOCK2 */
    uint32_t at;
    uint8_t szx;  /* in: the largest; out: the one used */
    bool force;   /* put the option although the body is whole in this message */
    bool uncut;   /* a payload in the writer goes as it is */
    bool observe; /* put Observe ... */
    uint32_t seq; /* ... with this number */
    bool echo;    /* put Block1 of the request */
    struct ln_coap_block block1;
    const struct ln_coap_source *source; /* NULL: the payload that is in the writer */
    uint32_t len;                        /* out */
    bool end;                            /* out */
    bool in_place;                       /* out: the message is complete as it stands */
};

/* First cut the piece, from the source or from the payload that stands in the writer: it waits at the
 * end of the room. LN_NO_SPACE: no block fits; LN_BAD_ARG: `at` is behind the end of the body;
 * others: of the source. Then put it, with its options. */
enum ln_status ln__coap_cut_piece(struct ln_coap_writer *w, struct ln__coap_piece *piece);
enum ln_status ln__coap_put_piece(struct ln_coap_writer *w, const struct ln__coap_piece *piece);

/* The largest block, of `szx` or smaller ones, that fits `room`; 7 = none. */
uint8_t ln__coap_fit_szx(uint8_t szx, size_t room);

/* ---- server ---- */

void ln__coap_serve(struct ln_coap *coap, ln_coap_peer peer, const struct ln_coap_msg *msg,
                    ln_msec now);

struct ln__coap_transfer *ln__coap_transfer_find(const struct ln_coap *coap,
                                                 enum ln__coap_direction direction,
                                                 ln_coap_peer peer, uint64_t key);
/* NULL (counted) if all are in use. */
struct ln__coap_transfer *ln__coap_transfer_take(struct ln_coap *coap,
                                                 enum ln__coap_direction direction,
                                                 ln_coap_peer peer, uint64_t key, ln_msec now);
/* Free it; its owner is told. */
void ln__coap_transfer_end(struct ln_coap *coap, struct ln__coap_transfer *t, bool whole);
void ln__coap_transfers_step(struct ln_coap *coap, ln_msec now);
ln_msec ln__coap_transfers_deadline(const struct ln_coap *coap);
void ln__coap_transfer_touch(const struct ln_coap *coap, struct ln__coap_transfer *t, ln_msec now);
/* A body whose first piece goes out: keep what its further blocks need. `options` are those of the
 * answer. False: no room; the source is still the caller's. */
bool ln__coap_transfer_out(struct ln_coap *coap, ln_coap_peer peer, uint64_t key, uint8_t code,
                           struct ln_span options, const struct ln__coap_piece *first, ln_msec now);
/* Undo that without a word to the source. */
void ln__coap_transfer_forget(struct ln_coap *coap, ln_coap_peer peer, uint64_t key);
/* ln_coap_key(), and Content-Format: what says which body a block belongs to. */
uint64_t ln__coap_key_in(const struct ln_coap_msg *request);

/* ---- options ---- */

/* Options as they may be given by the program: readable, and none of the endpoint's own. */
bool ln__coap_options_are_fine(struct ln_span options);

#endif
