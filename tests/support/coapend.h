/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TESTS_COAPEND_H
#define LN_TESTS_COAPEND_H
/**
 * @file coapend.h
 * One CoAP endpoint at a desk: what it sends is caught, what it receives is written by the test, its
 * clock is a variable, and all that it tells is a log of lines.
 *
 * Lines: "request GET /3/0 0+5 first last" (offset + length), "dropped", "rejected 0a0b",
 *        "response 2.05 0+64", with " last", " final", " notification" where they apply;
 *        "timed out", "reset", ... (the words of ln_coap_outcome_text) of requests;
 *        "done acknowledged" of notifications, answers, pings; "source done whole|broken";
 *        "event ready|released|aborted".
 */
#include "support/coaptext.h"

#include <linnet/coap.h>

enum { COAPEND_SENT_MAX = 128, COAPEND_LOG_ROOM = 1 << 16 };

struct coapend_sent {
    ln_coap_peer peer;
    size_t len;
    uint8_t bytes[3000];
};

struct coapend {
    struct ln_coap *coap;
    struct ln_env env;
    struct ln_coap_config config;
    struct coaptext_vars vars;
    ln_msec now;
    uint64_t dice;
    size_t live; /**< blocks of memory */
    size_t heap; /**< bytes of the endpoint */

    struct coapend_sent sent[COAPEND_SENT_MAX];
    size_t sent_count, sent_read;
    enum ln_status send_status; /**< of the next sends; LN_OK */
    size_t send_max;            /**< TCP: most bytes of one send; 0 = all */

    char log[COAPEND_LOG_ROOM];
    size_t log_len;

    /** The handler; NULL: 2.05 with the path as payload. Logged before. */
    void (*serve)(struct coapend *e, const struct ln_coap_incoming *in,
                  struct ln_coap_reply *reply);
    enum ln_coap_verdict verdict; /**< of on_response */
    void (*on_response)(struct coapend *e, const struct ln_coap_response *r);
    uint32_t body_size; /**< of the source and of served bodies */
    struct ln_span etag;
    struct ln_coap_later later;
    bool any_order;
    enum ln_status read_status; /**< of the source */
    size_t read_max_offset;
    size_t bodies_wrong; /**< pieces that are not coaptext_body() */
};

/** Make one; `config` may be NULL, its send, handler and user are replaced. */
void coapend_init(struct coapend *e, const struct ln_coap_config *config);
/** Free it and check that nothing is left. */
void coapend_deinit(struct coapend *e);

/** Receive a message from peer 0, or from another one. */
void coapend_receive(struct coapend *e, const char *text);
void coapend_receive_from(struct coapend *e, ln_coap_peer peer, const char *text);
void coapend_receive_bytes(struct coapend *e, ln_coap_peer peer, struct ln_span bytes);
/** The next message that was sent is this one (to any peer). */
void coapend_expect(struct coapend *e, const char *text);
/** Nothing more was sent. */
void coapend_expect_nothing(struct coapend *e);
/** Let time pass; steps at each deadline on the way. */
void coapend_advance(struct coapend *e, ln_msec ms);
/** The log since the last look is this. */
void coapend_expect_log(struct coapend *e, const char *lines);
void coapend_note(struct coapend *e, const char *format, ...) LN_PRINTF(2, 3);

/** A request with options as words: "GET Uri-Path:a Accept:0 | payload". Its on_response is logged.
 *  The other fields of `more` are used; NULL = none. */
enum ln_status coapend_request(struct coapend *e, const char *text,
                               const struct ln_coap_request *more, ln_coap_id *id);
/** A source of body_size bytes of coaptext_body(). */
struct ln_coap_source coapend_source(struct coapend *e);
/** A `done` that is logged; its user is the struct coapend. */
ln_coap_on_done coapend_done;
ln_coap_on_response coapend_on_response;

#endif
