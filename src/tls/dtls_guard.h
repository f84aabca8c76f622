/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TLS_DTLS_GUARD_H
#define LN_TLS_DTLS_GUARD_H
/**
 * @file dtls_guard.h
 * Stands between the network and the TLS library: of each datagram that arrives, drops the records
 * that no correct peer sends (DTLS 1.2, RFC 6347).
 *
 * Anybody can send us a UDP datagram that looks like the peer's. Libraries have ended sessions over
 * one short record (CVE-2026-75806), allocated what an unauthenticated fragment claimed
 * (CVE-2026-95690), read past cookies, believed forged alerts. The guard knows the few facts that
 * tell such records from genuine ones without a key, and makes them disappear, as RFC 6347 4.1.2.7
 * wants invalid records to be treated. It keeps a state of fixed size and allocates nothing.
 *
 * What a correct peer sends in a handshake passes: full, abbreviated, with tickets and client
 * certificates, in fragments of any size, repeated and reordered. There is no renegotiation (the
 * TLS configuration forbids it), so that epochs are 0 and 1, and a handshake has fewer than
 * LN_GUARD_WINDOW messages in each direction.
 *
 * It also reports what it saw in plain text, for the diagnosis: these are hints, anybody can have
 * forged them.
 *
 * Life:  init at the start of each handshake -> filter for each datagram -> established.
 */
#include <linnet/env.h>

/** A message_seq from here on is refused: one side sends at most 4 HelloVerifyRequests and 8 other
 *  messages in a handshake. */
#define LN_GUARD_WINDOW 16
/** The longest handshake message. A chain of ten certificates has less than 32 KiB. */
#define LN_GUARD_MESSAGE_MAX 65536u
/** What all messages of a handshake may claim together: what a library might allocate for them. */
#define LN_GUARD_CLAIM_MAX (2 * LN_GUARD_MESSAGE_MAX)
/** Encrypted records that overtook the ChangeCipherSpec: a Finished, repeated, and first data. The
 *  library keeps each until it has the keys, OpenSSL before 3.0.22 in 22 kB: what goes beyond is
 *  dropped, and the peer repeats its flight. Behind a ChangeCipherSpec, which can be forged as well,
 *  nothing is counted: genuine records must pass. */
#define LN_GUARD_EARLY_MAX 8
/** More HelloVerifyRequests than this, each for another ClientHello, are a loop. */
#define LN_GUARD_HELLO_VERIFY_MAX 4

/** Why a record was dropped: name, sentence. */
#define LN_GUARD_DROP_LIST(X)                                                                      \
    X(NONE, "it was not dropped")                                                                  \
    X(HEADER, "the datagram ended inside a record header")                                         \
    X(LENGTH, "the record is longer than its datagram")                                            \
    X(TOO_LONG, "the record is longer than any may be")                                            \
    X(EMPTY, "the record is empty")                                                                \
    X(VERSION, "the record is not of DTLS 1.0 or 1.2")                                             \
    X(TYPE, "the content type is unknown")                                                         \
    X(UNIFIED, "the record is of DTLS 1.3")                                                        \
    X(CID, "the record has a Connection ID, and we gave out none")                                 \
    X(EPOCH, "the epoch is neither that of the handshake nor that behind it")                      \
    X(EARLY, "too many encrypted records came before the ChangeCipherSpec")                        \
    X(SHORT, "the encrypted record has no room for nonce and tag")                                 \
    X(PLAINTEXT, "plain text where everything is encrypted")                                       \
    X(ALERT, "the alert is malformed")                                                             \
    X(CCS, "the ChangeCipherSpec is malformed")                                                    \
    X(BEFORE_HELLO, "nothing can come before the ClientHello")                                     \
    X(HELLO_REQUEST, "HelloRequest: there is no renegotiation")                                    \
    X(MESSAGE_TYPE, "the peer does not send this message in plain text")                           \
    X(MESSAGE_LENGTH, "no message of this type has this length")                                   \
    X(FRAGMENT, "the fragment is not part of its message, or is empty")                            \
    X(SEQUENCE, "the message number is further than any handshake goes")                           \
    X(CONFLICT, "two fragments of one message disagree on its type or length")                     \
    X(CLAIM, "the messages of this handshake claim too much memory")                               \
    X(HELLO_VERIFY, "the HelloVerifyRequest is malformed")                                         \
    X(HELLO_LOOP, "one HelloVerifyRequest after the other")                                        \
    X(HELLO, "the ClientHello or ServerHello is malformed")

enum ln_guard_drop {
#define LN_GUARD_DROP_ENUM(name, text) LN_GUARD_DROP_##name,
    LN_GUARD_DROP_LIST(LN_GUARD_DROP_ENUM)
#undef LN_GUARD_DROP_ENUM
        LN_GUARD_DROP_COUNT
};

/** What was seen in plain text until the session was established. Not authenticated. */
struct ln_guard_facts {
    uint32_t records;        /**< bit n: a record of content type n < 32 passed */
    uint64_t messages;       /**< bit n: a handshake message of type n < 64 passed */
    uint16_t version;        /**< chosen by the ServerHello: 0xfefd; 0 = none was seen */
    uint16_t suite;          /**< chosen by the ServerHello */
    unsigned hello_verifies; /**< HelloVerifyRequests, repetitions not counted */
    bool loop;               /**< there were more than LN_GUARD_HELLO_VERIFY_MAX */
    bool alert;              /**< an alert passed; the last one was: */
    uint8_t alert_level;
    uint8_t alert_number;
};

/** Numbers of the peer's plaintext records: a sender uses each once, one after the other, so what is
 *  missing between them was lost, and what comes twice was doubled on the way. Lower halves. */
struct ln_guard_numbers {
    uint32_t first;
    uint32_t last;
    uint64_t window;   /**< bit n: last - n has come */
    uint32_t distinct; /**< that have come; 0 = none */
    uint32_t doubled;
};

/** All but `facts` and `dropped` is the guard's own. */
struct ln_dtls_guard {
    struct ln_guard_facts facts;
    uint32_t dropped[LN_GUARD_DROP_COUNT]; /**< by reason */
    bool server;
    bool established;
    bool allow_dtls13;
    size_t record_min;          /**< shortest encrypted record, without its header */
    uint32_t claimed;           /**< bytes of all messages */
    uint8_t early;              /**< encrypted records that passed before: */
    bool changed;               /**< a ChangeCipherSpec passed */
    uint64_t last_hello_verify; /**< tells a repetition */
    struct ln_guard_numbers numbers;
    struct ln_guard_message {
        bool seen;
        uint8_t type;
        uint8_t times; /**< how often it was sent and arrived, in whole or in part */
        uint32_t length;
        uint32_t head;           /**< bytes from its beginning that have arrived without a gap */
    } messages[LN_GUARD_WINDOW]; /**< by message_seq */
};

/** Begin. @param server  our role: the peer is a client */
void ln__dtls_guard_init(struct ln_dtls_guard *g, bool server);

/** Let the encrypted records of DTLS 1.3 (RFC 9147 4) pass, unseen. They are dropped otherwise. */
void ln__dtls_guard_allow_dtls13(struct ln_dtls_guard *g);

/**
 * Take the records out of a datagram that must not reach the library.
 *
 * @param datagram  changed in place: what is kept moves together, in order
 * @return the bytes that are left; 0 = nothing to hand on
 */
size_t ln__dtls_guard_filter(struct ln_dtls_guard *g, uint8_t *datagram, size_t len);

/**
 * The handshake is done. From here on of plain text only repeated handshake messages pass, which may
 * mean that our last flight was lost, and (servers) a new ClientHello.
 *
 * @param record_min  ln__suite_record_min() of the suite
 */
void ln__dtls_guard_established(struct ln_dtls_guard *g, size_t record_min);

/** Whether the network lost or doubled records of the peer's handshake. Like the facts, a hint. */
bool ln__dtls_guard_path_is_bad(const struct ln_dtls_guard *g);
/** Whether it doubled any: what is lost there besides need not be lost for its size. */
bool ln__dtls_guard_path_doubles(const struct ln_dtls_guard *g);

/** How often the peer sent its flight and something of it arrived; its HelloVerifyRequests aside. */
unsigned ln__dtls_guard_flights(const struct ln_dtls_guard *g);
/** Whether of each flight the same arrived: no message that came once did not come again, more often
 *  than `missed` times. */
bool ln__dtls_guard_is_steady(const struct ln_dtls_guard *g, unsigned missed);
/** Whether a message, or a piece of one, is missing before another that has arrived. */
bool ln__dtls_guard_has_gap(const struct ln_dtls_guard *g);

/** How many records (or unreadable ends of datagrams) were dropped. */
uint64_t ln__dtls_guard_dropped(const struct ln_dtls_guard *g);

/** One clause. Never NULL. */
const char *ln__dtls_guard_drop_text(enum ln_guard_drop reason);

#endif
