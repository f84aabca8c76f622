/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_COAP_H
#define LN_COAP_H
/**
 * @file coap.h
 * A CoAP endpoint, client and server in one, that does no I/O: RFC 7252, 7641, 7959 and 8323.
 *
 * Life:      ln_coap_new -> (ln_coap_start after each connect, for TCP) -> ln_coap_receive for what
 *            comes, ln_coap_step when ln_coap_deadline has come -> ln_coap_reset when the
 *            association is another one -> ln_coap_free. coap_link.h joins one to a socket.
 * I/O:       bytes come in by ln_coap_receive() and go out through config.send. One endpoint serves
 *            one socket; the main case is one peer. Where a socket has many, each has a key.
 * Time:      is an argument: monotonic milliseconds that must not go back.
 * Threads:   one thread per endpoint.
 * Memory:    one block, allocated by ln_coap_new() and sized by the limits in its config. Nothing
 *            that comes from the network allocates. What finds no room is LN_NO_SPACE, or 5.03 for
 *            the peer, and a counter.
 * Callbacks: run inside the call that caused them. They may call everything here but
 *            ln_coap_receive, ln_coap_step, ln_coap_reset and ln_coap_free. A call that fails never
 *            calls back; after ln_coap_cancel() nothing calls back.
 * Failures:  answers of the peer are data: a 4.04 is LN_COAP_RESPONSE with a code. How a request
 *            ended is told exactly once, as an enum ln_coap_outcome.
 * Not here:  multicast, OSCORE, proxying, No-Response (RFC 7967), BERT (RFC 8323 6), observing over
 *            more than one hop, tokens longer than 8 bytes (RFC 8974).
 * Example:   examples/07_coap.c, docs/howto-coap.md
 */
#include <linnet/coap_msg.h>
#include <linnet/env.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ln_coap;

/** Who a message is from or to: any number that the owner of the socket gives to an address or a
 *  DTLS session. Use 0 where there is one peer. */
typedef uint32_t ln_coap_peer;

/** A request or notification under way; 0 is none. Never used again while another one could be
 *  meant. */
typedef uint32_t ln_coap_id;

/** A body whose length nobody knows yet. */
#define LN_COAP_SIZE_UNKNOWN UINT32_MAX
/** Bodies end here: 2^20 blocks of 1024 bytes, RFC 7959 2.2. */
#define LN_COAP_BODY_MAX (UINT32_C(1) << 30)
/** The largest datagram an endpoint makes. */
#define LN_COAP_MESSAGE_MAX 1280

/* ---- settings ---- */

enum ln_coap_transport { LN_COAP_OVER_UDP = 0, LN_COAP_OVER_TCP };

/** RFC 7252 4.8. All zero means the defaults that are named there. */
struct ln_coap_timing {
    uint32_t ack_timeout_ms;      /**< 0 = 2,000 (ACK_TIMEOUT); 8,000 to 16,000 suits NB-IoT */
    uint16_t ack_random_permille; /**< 0 = 1,500 (ACK_RANDOM_FACTOR 1.5); at least 1,000 */
    uint8_t max_retransmit;       /**< 0 = 4; LN_COAP_NO_RETRANSMIT; at most 20 */
    uint32_t max_latency_ms;      /**< 0 = 100,000 (MAX_LATENCY) */
    uint32_t response_ms;         /**< how long a request waits after its empty ACK, or over TCP at
                                       all; 0 = EXCHANGE_LIFETIME */
};
#define LN_COAP_NO_RETRANSMIT UINT8_MAX

/* What follows from them, RFC 7252 4.8.2; with the defaults 45, 93, 247 and 145 s. */
LN_API ln_msec ln_coap_max_transmit_span(const struct ln_coap_timing *timing);
LN_API ln_msec ln_coap_max_transmit_wait(const struct ln_coap_timing *timing);
LN_API ln_msec ln_coap_exchange_lifetime(const struct ln_coap_timing *timing);
LN_API ln_msec ln_coap_non_lifetime(const struct ln_coap_timing *timing);

/** Requests wait in one of two queues, each with its own NSTART (RFC 7252 4.7). */
enum ln_coap_class {
    LN_COAP_NORMAL = 0, /**< requests and confirmable notifications */
    LN_COAP_BULK,       /**< downloads; its NSTART also says how many blocks are asked for ahead */
};

struct ln_coap_incoming;
struct ln_coap_reply;

/** What the peer did that belongs to no request of ours. */
enum ln_coap_event {
    LN_COAP_PEER_READY,    /**< TCP: its CSM has come; block-wise and its message size are known */
    LN_COAP_PEER_RELEASED, /**< TCP: it wants to end: finish what is under way, then close */
    LN_COAP_PEER_ABORTED,  /**< TCP: it ended it; the payload may say why */
};

/** The server's half of an endpoint. Constant; borrowed while the endpoint lives. */
struct ln_coap_handler {
    /**
     * A request has come, or the next block of its body: see struct ln_coap_incoming.
     *
     * A request is handed out once; duplicates are answered from the cache. Fill in *reply: a code
     * at least. Both are borrowed for the call. NULL: every request is answered 4.04.
     */
    void (*request)(void *user, const struct ln_coap_incoming *in, struct ln_coap_reply *reply);
    /** The rest of a body will not come: forget what in->body was set to. Only told if it was set
     *  to something; not told after `last`, nor after an answer of yours that ended the body. May be
     *  NULL if in->body is never set. */
    void (*dropped)(void *user, ln_coap_peer peer, void *body);
    /** The peer answered a non-confirmable notification with a Reset: it observes no more
     *  (RFC 7641 3.6). Confirmable ones learn it by their `done`. May be NULL. */
    void (*rejected)(void *user, ln_coap_peer peer, const struct ln_coap_token *token);
    /** `msg` is borrowed for the call. May be NULL. */
    void (*event)(void *user, enum ln_coap_event event, const struct ln_coap_msg *msg);
    /** Critical options that `request` acts on besides Uri-Host, Uri-Port, Uri-Path, Uri-Query,
     *  Accept, Block1 and Block2; ends with 0; NULL = none. All others are answered 4.02. */
    const uint16_t *understood;
};

/** Settings, copied by ln_coap_new(). All zero but `send` is valid and means the defaults. */
struct ln_coap_config {
    enum ln_coap_transport transport;
    struct ln_coap_timing timing;
    uint8_t nstart[2];    /**< by enum ln_coap_class; 0 = 1; at most 16. More than 1 is against
                                RFC 7252 4.7 unless the peer is known to bear it */
    uint16_t max_message; /**< largest message we send, at most 1,280, and over TCP also the largest
                                we hold (announced as Max-Message-Size); 0 = 1,152 (RFC 7252 4.6);
                                at least 64. Lower it to info.inner_mtu of the socket:
                                ln_coap_set_max_message() */
    uint8_t block_szx;    /**< largest block we use or ask for: 1..6 = 32..1,024 bytes; 0 = 6. It
                                is lowered so that blocks fit max_message. 16-byte blocks are
                                used if the peer asks for them */
    uint8_t exchanges;    /**< requests and notifications under way or queued; 0 = 4; at most 64 */
    uint8_t transfers;   /**< bodies that come or go in blocks as the server; 0 = 2; at most 32. One
                                that goes and is not read on for MAX_TRANSMIT_WAIT makes room */
    uint8_t notes;       /**< sent notifications that a Reset is matched to; 0 = 8; at most 64 */
    uint16_t pool_bytes; /**< messages that may have to be sent again, options of transfers;
                                0 = 512; at least 64 */
    uint16_t cache_bytes; /**< answers kept for duplicates, 24 bytes each besides options and
                                payload; 0 = 512; LN_COAP_NO_CACHE: duplicates are handled anew */
    uint32_t body_max;    /**< longest body a peer may send in blocks: else 4.13; 0 = 2^30 */
    uint16_t
        output_bytes; /**< TCP: what waits until the socket takes it; 0 = 2,560, which is also the
                                least */

    /**
     * Send a datagram, or bytes of the stream.
     *
     * Must not call back into the endpoint. @param data borrowed for the call
     * @param sent  bytes taken: all of a datagram, any part of a stream
     * @retval LN_OK
     * @retval LN_AGAIN  not now; ln_coap_wants_send() is true until ln_coap_step() succeeded in
     *                   sending. What is confirmable is kept, what is not is lost
     * @retval others    it cannot be sent; UDP: treated as lost on the way, and counted; TCP: the
     *                   endpoint has failed until ln_coap_reset()
     */
    enum ln_status (*send)(void *user, ln_coap_peer peer, struct ln_span data, size_t *sent);
    const struct ln_coap_handler *handler; /**< NULL: no server: every request is answered 4.04 */
    void *user;                            /**< for `send` and `handler` */
};
#define LN_COAP_NO_CACHE UINT16_MAX

/**
 * Create an endpoint.
 *
 * @param env     borrowed until it is freed; its memory once, its randomness for tokens, message
 *                ids and the jitter of timeouts
 * @param config  borrowed for the call
 * @param out     *out must be NULL; the caller owns what it receives
 * @retval LN_BAD_ARG    a field is out of range; diag names it
 * @retval LN_NO_MEMORY, or what env->random said: nothing was created
 */
LN_MUST_USE LN_API enum ln_status ln_coap_new(const struct ln_env *env,
                                              const struct ln_coap_config *config,
                                              struct ln_diag *diag, struct ln_coap **out);
/** As ln_coap_reset(), then release everything. NULL is allowed. */
LN_API void ln_coap_free(struct ln_coap *coap);

/**
 * The association is another one (a new handshake, a new address, a closed connection): forget
 * everything about it. What is under way ends as LN_COAP_DROPPED; bodies that came are `dropped`.
 * Message ids go on where they were, and counters too. Not needed when a DTLS session was resumed
 * with its registration.
 */
LN_API void ln_coap_reset(struct ln_coap *coap, ln_msec now);

/** Largest message we send from now on, 64 .. config.max_message; others are brought into this
 *  range. For paths whose MTU is learnt later. Transfers under way keep their block size. */
LN_API void ln_coap_set_max_message(struct ln_coap *coap, size_t bytes);

/** NSTART of a class from now on, 1 .. 16; others are brought into this range. For those who control
 *  congestion themselves (RFC 7252 4.7); what is under way already stays so. */
LN_API void ln_coap_set_nstart(struct ln_coap *coap, enum ln_coap_class class_, uint8_t nstart);

/* ---- driving ---- */

/** How many bytes ln_coap_receive() can take at once. UDP: any datagram, SIZE_MAX. TCP: 0 while what
 *  waits to be sent must go first. */
LN_API size_t ln_coap_receive_room(const struct ln_coap *coap);

/** TCP: send our CSM (RFC 8323 5.3). To be called once after each connect; UDP: does nothing.
 *  @retval LN_NO_SPACE, LN_BAD_STATE  called twice without ln_coap_reset() between */
LN_MUST_USE LN_API enum ln_status ln_coap_start(struct ln_coap *coap, ln_msec now);

/**
 * Bytes have come.
 *
 * @param data  one datagram; or the next bytes of the stream, at most ln_coap_receive_room() of
 *              them. Borrowed for the call
 * @retval LN_OK        also for a bad datagram, which is counted and otherwise changes nothing
 * @retval LN_BAD_PEER  TCP: the stream broke the protocol; an Abort was sent as far as that was
 *                      possible: close the connection and ln_coap_reset()
 * @retval LN_CLOSED    TCP: the peer aborted: likewise
 */
LN_MUST_USE LN_API enum ln_status ln_coap_receive(struct ln_coap *coap, ln_coap_peer peer,
                                                  struct ln_span data, ln_msec now);

/** Do what is due: retransmissions, timeouts, queued requests, bytes that could not be sent.
 *  @retval LN_OK
 *  @retval others  TCP: what `send` said; the endpoint has failed until ln_coap_reset() */
LN_MUST_USE LN_API enum ln_status ln_coap_step(struct ln_coap *coap, ln_msec now);

/** When ln_coap_step() is due next; LN_NEVER = only when something comes. */
LN_API ln_msec ln_coap_deadline(const struct ln_coap *coap);

/** `send` said LN_AGAIN: step as soon as the socket can be written. */
LN_API bool ln_coap_wants_send(const struct ln_coap *coap);

/** Something is under way that sleep would break: an exchange that is not finished, a body half
 *  received or half sent, a deferred answer. Observations of ours alone do not count. */
LN_API bool ln_coap_is_busy(const struct ln_coap *coap);

/* ---- bodies that are made piece by piece ---- */

/**
 * A body that somebody produces while it is sent, so that it is nowhere in memory as a whole.
 *
 * Copied by the call that takes it. From then on `done` is called exactly once, whatever happens.
 */
struct ln_coap_source {
    /**
     * The bytes at `offset`. Offsets rise, except that one may be asked for again as long as no
     * higher one was read, with the same result; and 0 at any time, if the transfer begins anew.
     * Must not call the endpoint.
     *
     * @param room  to be filled unless the body ends; at most a block
     * @param len   bytes written
     * @param end   true if nothing comes after these bytes
     * @retval LN_OK
     * @retval others  the body cannot be produced: the exchange ends, the peer sees 5.00
     */
    enum ln_status (*read)(void *user, uint32_t offset, struct ln_mspan room, size_t *len,
                           bool *end);
    /** The body is not needed any more; `whole`: it was read to its end, and as far as the protocol
     *  tells the peer has it. May be NULL. */
    void (*done)(void *user, bool whole);
    void *user;
    uint32_t size;       /**< told to the peer as Size1 or Size2; LN_COAP_SIZE_UNKNOWN */
    bool any_order;      /**< Block2: any offset may be asked for at any time */
    struct ln_span etag; /**< Block2: identifies this state, 0..8 bytes, copied */
};

/* ---- client: requests ---- */

/** How a request, a notification or a ping went. */
enum ln_coap_outcome {
    LN_COAP_RESPONSE = 0, /**< the peer answered: all or a piece of the answer */
    LN_COAP_SENT,         /**< notifications: it went out for the first time */
    LN_COAP_ACKNOWLEDGED, /**< notifications and deferred answers: it arrived */
    LN_COAP_TIMED_OUT,    /**< no sign of the peer: not after all retransmissions, or no answer
                               behind its empty ACK */
    LN_COAP_WAS_RESET,    /**< the peer rejected the message (RFC 7252 4.2) */
    LN_COAP_BROKEN,       /**< the answer is unusable: wrong blocks, an unknown critical option, or
                               our own source failed */
    LN_COAP_REPLACED,     /**< the body became another one between two blocks (ETag): begin anew */
    LN_COAP_TOO_LONG,     /**< the answer is longer than request.answer_max */
    LN_COAP_DROPPED,      /**< ln_coap_reset(), or the connection ended */
};

/** "timed out" and so on. Never NULL. */
LN_API const char *ln_coap_outcome_text(enum ln_coap_outcome outcome);

/** What on_response tells the endpoint. */
enum ln_coap_verdict {
    LN_COAP_GO = 0, /**< go on */
    LN_COAP_PAUSE,  /**< these bytes are taken, but ask for no more until ln_coap_resume() */
    LN_COAP_STOP,   /**< end it here, without another call; an observation is cancelled */
};

/** One piece of news about a request. */
struct ln_coap_response {
    struct ln_coap *coap;
    ln_coap_id id;
    enum ln_coap_outcome outcome;
    ln_msec now;
    ln_msec sent;                  /**< when the request went out first */
    const struct ln_coap_msg *msg; /**< NULL unless LN_COAP_RESPONSE. Behind the first block its
                                        options may be missing */
    struct ln_span payload;        /**< what is new of the body; may differ from msg->payload */
    uint32_t offset;               /**< where it belongs; 0 (or request.from) again: the body begins
                                        anew, what came of it before is void */
    uint32_t size;                 /**< of the whole body, as the peer told (a hint only), or
                                        LN_COAP_SIZE_UNKNOWN */
    bool last;                     /**< the body is complete with this. Of a request that observes:
                                        this representation is; more may come unless `final` */
    bool final;                    /**< nothing will be told about this request any more, and the
                                        id is void */
    bool notification;             /**< the answer carried Observe: the observation stands */
};

typedef enum ln_coap_verdict ln_coap_on_response(void *user, const struct ln_coap_response *r);

/**
 * A request. Options and payload are copied; if they fit one message this is all that is sent, else
 * the body goes in blocks (RFC 7959) with the options repeated.
 *
 * Token, message id, Observe, Block1, Block2, Size1 and Size2 are the endpoint's business and must
 * not be among the options.
 */
struct ln_coap_request {
    ln_coap_peer peer;
    uint8_t code;              /**< LN_COAP_GET ... */
    bool non_confirmable;      /**< UDP; a body in blocks is confirmable always */
    enum ln_coap_class class_; /**< the queue to wait in */
    bool observe;              /**< GET, FETCH: ask to observe (RFC 7641) */
    bool unordered;            /**< pieces of the answer may come in any order, each once;
                                              `last` comes with the one that completes it. Else what
                                              comes too early waits in the pool or is asked anew */
    struct ln_span options;    /**< a checked list: ln_coap_write_options(); may be empty */
    struct ln_span payload;    /**< copied to the pool */
    const struct ln_coap_source *source; /**< instead of payload; NULL = none */
    uint32_t from;                       /**< resume an answer here: a multiple of 1,024 */
    struct ln_span etag;                 /**< of the body that is resumed: another one is
                                              LN_COAP_REPLACED; 0..8 bytes, copied */
    bool every_etag;                     /**< a block without the ETag of the others is
                                              LN_COAP_REPLACED as well */
    uint32_t answer_max;                 /**< longest answer; 0 = LN_COAP_BODY_MAX */
    uint8_t szx;                      /**< largest block for this one, as config.block_szx; 0 = the
                                              endpoint's */
    ln_coap_on_response *on_response; /**< required */
    void *user;
};

/**
 * Queue a request; it goes out now if NSTART allows.
 *
 * @param id  may be NULL
 * @retval LN_OK        on_response will tell how it went, and never within this call
 * @retval LN_BAD_ARG   options are malformed or forbidden, both payload and source, `from` is odd
 * @retval LN_NO_SPACE  all exchanges are in use, the pool is full, or options leave no room for
 *                      a block in a message
 * @retval LN_BAD_STATE TCP: not started, failed, or released
 * @retval others       randomness failed
 */
LN_MUST_USE LN_API enum ln_status ln_coap_request(struct ln_coap *coap,
                                                  const struct ln_coap_request *request,
                                                  ln_msec now, ln_coap_id *id);

/** Go on after LN_COAP_PAUSE. LN_NOT_FOUND: the id is void. */
LN_MUST_USE LN_API enum ln_status ln_coap_resume(struct ln_coap *coap, ln_coap_id id, ln_msec now);

/**
 * Forget a request, a notification or a ping: no callback any more but the `done` of its source.
 * An answer that comes later is rejected. Of an observation, the next notification is: use
 * ln_coap_unobserve() to tell the peer at once. An id that is void is allowed.
 */
LN_API void ln_coap_cancel(struct ln_coap *coap, ln_coap_id id);

/**
 * End an observation of ours: asks with Observe 1 and the same token (RFC 7641 3.6). The answer
 * comes to on_response as the final one.
 * @retval LN_NOT_FOUND  the id is void or does not observe
 */
LN_MUST_USE LN_API enum ln_status ln_coap_unobserve(struct ln_coap *coap, ln_coap_id id,
                                                    ln_msec now);

/** `outcome` is LN_COAP_RESPONSE if the peer is there. `rtt` is the time it took. */
typedef void ln_coap_on_done(void *user, ln_coap_id id, enum ln_coap_outcome outcome, ln_msec now);

/** Ask whether the peer is there: an empty confirmable message (RFC 7252 4.3), or Ping (8323 5.4).
 *  Results as ln_coap_request(). */
LN_MUST_USE LN_API enum ln_status ln_coap_ping(struct ln_coap *coap, ln_coap_peer peer, ln_msec now,
                                               ln_coap_on_done *done, void *user, ln_coap_id *id);

/* ---- server: requests of the peer ---- */

/**
 * A request, or one block of it.
 *
 * A request that came in one message has first and last both set. A body in blocks comes as one
 * call for each block, in order and without gaps or repetitions; all but the last are to be
 * answered LN_COAP_CONTINUE (or an error, which ends the transfer). If the peer starts again from
 * block 0, the old body is `dropped` and `first` comes again.
 */
struct ln_coap_incoming {
    struct ln_coap *coap;
    ln_coap_peer peer;
    ln_msec now;
    const struct ln_coap_msg *msg; /**< code, token, options; its payload is this piece */
    uint32_t offset;               /**< of this piece in the body */
    uint32_t size;                 /**< of the body, as the peer told (a hint only), or
                                        LN_COAP_SIZE_UNKNOWN */
    bool first;
    bool last;
    void **body;   /**< yours to set when first && !last: kept until last or `dropped` */
    uint32_t from; /**< where in the answer the peer goes on reading (Block2); 0 = at the start.
                        Unless the answer is a source of which this endpoint knows, the request is
                        handed out once for each block: GET and FETCH must not mind */
};

/** An answer that was put off: a value, to be kept by the handler. */
struct ln_coap_later {
    ln_coap_peer peer;
    struct ln_coap_token token;
    uint16_t mid;
    uint8_t code; /**< of the request */
    bool confirmable;
    uint8_t szx; /**< largest block that the peer wants */
    uint64_t key;
};

/**
 * The answer to be filled in.
 *
 * A body that fits `out` may be written there whatever size of block the peer wants: the endpoint
 * cuts it and, for GET and FETCH, calls the handler again for the rest. Whatever is longer is a
 * source.
 */
struct ln_coap_reply {
    uint8_t code;                 /**< 0 (as it comes) is answered as 5.00 */
    bool observe;                 /**< success of a request with Observe 0: the observation stands;
                                      Observe is added to the answer */
    struct ln_coap_writer *out;   /**< options (but Observe, Block1, Block2, Size2, and ETag of a
                                      source) and payload go here */
    struct ln_coap_source source; /**< read != NULL: the body, instead of a payload in `out` */
};

/** A short answer: code and a sentence for people as payload (RFC 7252 5.5.2), cut to fit. What was
 *  in reply->out is replaced. `text` may be NULL. */
LN_API void ln_coap_reply_text(struct ln_coap_reply *reply, uint8_t code, const char *text);

/**
 * Put the answer off: the peer gets an empty ACK now and the answer as a message of its own
 * (RFC 7252 5.2.2). Only for the last (or only) piece of a request.
 * @param later  keep it for ln_coap_respond(); after ln_coap_reset() it is void
 */
LN_API void ln_coap_reply_later(struct ln_coap_reply *reply, const struct ln_coap_incoming *in,
                                struct ln_coap_later *later);

/** An answer or notification: everything is copied but the source, see there. */
struct ln_coap_answer {
    uint8_t code;
    struct ln_span options; /**< a checked list; as reply->out */
    struct ln_span payload;
    const struct ln_coap_source *source; /**< instead of payload; NULL = none */
};

/**
 * Give an answer that was put off: confirmable if the request was.
 *
 * @param done  may be NULL; called as for notifications
 * @param id    may be NULL
 * @retval LN_NO_SPACE, LN_BAD_ARG  as ln_coap_request(); `later` can be used again
 */
LN_MUST_USE LN_API enum ln_status ln_coap_respond(struct ln_coap *coap,
                                                  const struct ln_coap_later *later,
                                                  const struct ln_coap_answer *answer, ln_msec now,
                                                  ln_coap_on_done *done, void *user,
                                                  ln_coap_id *id);

/* ---- server: notifications ---- */

/** What a request asks for, whoever asks and however it is cut: method, Uri-Path, Uri-Query,
 *  Accept and Request-Tag. Keep it with an observation for ln_coap_notify(). */
LN_API uint64_t ln_coap_key(const struct ln_coap_msg *request);

/**
 * A notification (RFC 7641 4). The endpoint numbers it and sends it; who observes what, and when, is
 * the caller's business.
 */
struct ln_coap_notification {
    ln_coap_peer peer;
    struct ln_coap_token token; /**< of the request that began the observation */
    uint64_t key;               /**< ln_coap_key() of that request: the peer fetches further blocks
                                     of a source by it */
    bool confirmable;           /**< over TCP it does not matter */
    uint8_t szx;                /**< as config.block_szx; 0 = the endpoint's */
    struct ln_coap_answer answer; /**< an error code ends the observation: it carries no Observe */
    ln_coap_on_done *done;        /**< may be NULL. LN_COAP_SENT when it goes out, which is the end
                                     for a non-confirmable one; then exactly one of ACKNOWLEDGED,
                                     WAS_RESET, TIMED_OUT, DROPPED */
    void *user;
};

/**
 * Send a notification, or queue it behind NSTART if it is confirmable.
 *
 * @param id  may be NULL; 0 for a non-confirmable one, which is over when this returns
 * @retval LN_AGAIN     non-confirmable and the socket did not take it: it is lost
 * @retval LN_NO_SPACE, LN_BAD_ARG, LN_BAD_STATE  as ln_coap_request()
 */
LN_MUST_USE LN_API enum ln_status ln_coap_notify(struct ln_coap *coap,
                                                 const struct ln_coap_notification *notification,
                                                 ln_msec now, ln_coap_id *id);

/* ---- the end of a connection (TCP) ---- */

/** Say that we will close: no new requests after this; those under way are still answered
 *  (RFC 8323 5.5). UDP: LN_UNSUPPORTED. */
LN_MUST_USE LN_API enum ln_status ln_coap_release(struct ln_coap *coap, ln_msec now);

/** Say why we close, then close (RFC 8323 5.6). `text` may be NULL. UDP: LN_UNSUPPORTED. */
LN_MUST_USE LN_API enum ln_status ln_coap_abort(struct ln_coap *coap, const char *text,
                                                ln_msec now);

/** What is known of the peer's abilities. */
struct ln_coap_peer_info {
    bool ready;      /**< UDP: true; TCP: its CSM has come */
    bool block_wise; /**< UDP: true */
    bool released;
    uint32_t max_message; /**< TCP: its Max-Message-Size, 1,152 before its CSM; UDP: ours */
};
LN_API void ln_coap_peer_info(const struct ln_coap *coap, struct ln_coap_peer_info *out);

/* ---- counters ---- */

/** name, what it counts */
#define LN_COAP_COUNTER_LIST(X)                                                                    \
    X(received, "messages that came")                                                              \
    X(sent, "messages that went out, retransmissions included")                                    \
    X(retransmitted, "confirmable messages that were sent again")                                  \
    X(malformed, "messages that could not be read")                                                \
    X(duplicates, "requests and answers that had come before")                                     \
    X(replayed, "duplicates answered from the cache")                                              \
    X(unexpected, "answers, ACKs and Resets that match nothing: wrong peer, token or id, late")    \
    X(refused, "requests answered by the endpoint itself: bad option, no slot, wrong block")       \
    X(no_space, "what found no room in the memory of the endpoint")                                \
    X(not_sent, "messages that `send` did not take")

struct ln_coap_counters {
#define LN_COAP_COUNTER_FIELD(name, text) uint32_t name;
    LN_COAP_COUNTER_LIST(LN_COAP_COUNTER_FIELD)
#undef LN_COAP_COUNTER_FIELD
};
/** Borrowed while the endpoint lives; they wrap. */
LN_API const struct ln_coap_counters *ln_coap_counters(const struct ln_coap *coap);

#ifdef __cplusplus
}
#endif
#endif
