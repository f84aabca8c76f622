/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CUSTOM_TLS_INBOX_H
#define CUSTOM_TLS_INBOX_H
/**
 * @file inbox.h
 * DTLS: what arrives in a handshake, put together and in order before GnuTLS sees it.
 *
 * GnuTLS 3.7 keeps one run of bytes of a message: a fragment that does not touch it is forgotten, and
 * where several are lost or come in another size each time, a large message is never whole. It also
 * forgets its own flight, and stops repeating it, when the first message of the answer is there. Both
 * end handshakes on bad paths that need not end. So messages are put together here, and handed over
 * when the peer's flight is whole: up to the message that ends it, or up to its Finished.
 *
 * Behind the handshake everything passes as it comes.
 */
#include "backend.h"

/** Messages of one side in a handshake; the filter's guard lets no more through. */
#define GTLS_INBOX_MESSAGES 16
/** Encrypted records that came before the ChangeCipherSpec: a Finished, seldom an alert. */
#define GTLS_INBOX_EARLY 1024

struct gtls_message {
    uint8_t *bytes; /**< header and body, then one bit for each byte of the body that is there */
    uint32_t len;   /**< of the body */
    uint32_t have;
};

struct gtls_inbox {
    uint8_t datagram[GTLS_DATAGRAM_MAX];
    struct ln_span records; /**< of the datagram, those that were not looked at */
    struct ln_span direct;  /**< of the datagram, one that is handed on as it is */
    struct gtls_message messages[GTLS_INBOX_MESSAGES]; /**< by message_seq */
    uint16_t next;                                     /**< the message that GnuTLS wants to see */
    uint32_t given;                                    /**< bytes of its body that GnuTLS has */
    bool changed;                                      /**< ChangeCipherSpec is there */
    bool encrypted; /**< ... and GnuTLS has it: from here on nothing encrypted waits */
    bool whole;     /**< messages are being handed over */
    bool change;    /**< ... and behind them ChangeCipherSpec */
    bool ticket;    /**< clients: the ServerHello promised a NewSessionTicket */
    uint8_t early[GTLS_INBOX_EARLY];
    size_t early_len;
    uint8_t version[2];
    uint32_t number; /**< of the records in plain text that GnuTLS was given */
};

/** Whether there is something for GnuTLS; looks at the records of the datagram, one by one. */
bool gtls_inbox_ready(struct gtls_engine *e);
/** The next record for GnuTLS, if one is ready. @return its length; 0 if it does not fit `room` */
size_t gtls_inbox_take(struct gtls_engine *e, struct ln_mspan room);
/** The handshake is done: nothing waits any more. */
void gtls_inbox_clear(struct gtls_inbox *in);

#endif
