/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_DOWNLOAD_DOWNLOAD_H
#define LN_DOWNLOAD_DOWNLOAD_H
/**
 * @file download.h
 * The inside of a download, and what a protocol has to bring along.
 *
 * download.c  options, life, what callers ask
 * run.c       the states: checking, trying, waiting, done
 * fetch.c     what comes in: heads are compared, bytes are skipped, stored, hashed, counted
 * retry.c     reasons and their classes, pauses, limits
 * resume.c    the state that survives, and what is stored from before
 * record.c    that state as bytes
 * security.c  sockets for a URI
 * http.c, coap.c  one table of functions for each protocol
 */
#include <linnet/digest.h>
#include <linnet/download.h>
#include <linnet/tls.h>

#define LN__SHA256_LEN 32
#define LN__VALIDATOR_MAX 255
#define LN__UNKNOWN UINT64_MAX

/* ---- the state that survives (record.c) ---- */

enum ln__validator_kind { LN__NO_VALIDATOR = 0, LN__ETAG, LN__DATE };

/** What proves that a resource is still the same. */
struct ln__validator {
    uint8_t kind;
    uint8_t len;
    uint8_t data[LN__VALIDATOR_MAX]; /**< HTTP: as in the header; CoAP: the option */
};
bool ln__validator_same(const struct ln__validator *a, const struct ln__validator *b);

/** So many bytes are stored, with this digest. */
struct ln__download_point {
    uint64_t offset;
    uint8_t sha256[LN__SHA256_LEN];
};

enum { LN__POINTS = 2 };

struct ln__download_record {
    uint8_t uri[LN__SHA256_LEN]; /**< digest of the URI, without user name and fragment */
    struct ln__validator validator;
    uint64_t total; /**< LN__UNKNOWN */
    uint64_t received;
    uint32_t restarts;
    size_t points; /**< 0: nothing is stored yet */
    /** Rising. The last one was true when the state was saved; the one before it was synced, and so
     *  is also true after a loss of power. */
    struct ln__download_point point[LN__POINTS];
};

/** Without a checksum. @return its length */
size_t ln__download_record_write(const struct ln__download_record *record,
                                 uint8_t out[LN_DOWNLOAD_STATE_MAX]);
/** LN_BAD_PEER: it is not one, or of another version. */
LN_MUST_USE enum ln_status ln__download_record_read(struct ln_span in,
                                                    struct ln__download_record *out);

/* ---- protocols ---- */

/** What a server says before the first byte of a body. */
struct ln__download_head {
    uint64_t start; /**< where in the resource the body begins */
    uint64_t end;   /**< of a part, behind its last byte: more may follow (RFC 9110 15.3.7); 0 = it
                         goes to the end of the resource */
    uint64_t total; /**< LN__UNKNOWN */
    struct ln__validator validator;
    bool bounded; /**< the framing tells where it ends */
    bool proven;  /**< ... or its security does */
};

/**
 * A protocol. It brings a resource, from d->offset on, by calling ln__download_head() once and
 * ln__download_data() for what comes; whatever these return but LN_OK and LN_AGAIN it returns at once.
 *
 * While ln__download_is_held() it hands out nothing and asks for no more; step() comes when that is over. Before it
 * returns a failure it says what that is: in d->diag, or by ln__download_refuse().
 */
struct ln__download_driver {
    /** Memory for a fetch, once for a download. */
    enum ln_status (*make)(struct ln_download *d, void **fetch);
    /** Begin a try. LN_OK, or a failure. */
    enum ln_status (*begin)(void *fetch, ln_msec now);
    /** LN_OK: the body is complete; LN_AGAIN; or a failure. */
    enum ln_status (*step)(void *fetch, ln_msec now);
    void (*interest)(const void *fetch, struct ln_interest *want);
    /** End the try, and close the connection. Legal in every state. */
    void (*stop)(void *fetch);
    void (*free)(void *fetch);
    void (*tls_info)(const void *fetch, struct ln_tls_info *out);
};

extern const struct ln__download_driver ln__download_http;
extern const struct ln__download_driver ln__download_coap;

/** NULL: none in this build. */
const struct ln__download_driver *ln__download_driver_of(enum ln_uri_scheme scheme);

/* ---- a download ---- */

/** What a callback, or the program between two steps, asked for. */
enum ln__download_wish { LN__NO_WISH = 0, LN__SUSPEND, LN__RECONNECT, LN__CANCEL };

struct ln_download {
    const struct ln_env *env;
    struct ln_download_options options; /**< its defaults filled in, its strings owned */
    struct ln_uri uri;                  /**< of options.uri without user name: `text` */
    char *text;
    uint8_t sha256[LN__SHA256_LEN]; /**< expected, if options.sha256 is set */
    const struct ln__download_driver *driver;
    void *fetch;
    struct ln_diag diag;

    enum ln_download_state state;
    enum ln_download_reason reason;
    enum ln_status failure; /**< FAILED: what step() says */
    unsigned answer;
    int64_t retry_after_s; /**< of the last answer; -1 = none */
    bool refused;          /**< reason and answer are those of the try that just failed */

    /* the resource */
    uint64_t offset; /**< bytes stored */
    uint64_t total;  /**< LN__UNKNOWN */
    struct ln__validator validator;
    struct ln_hasher *hasher; /**< of the bytes stored */
    uint8_t digest[LN__SHA256_LEN];
    struct ln__download_point durable; /**< the last one that was synced */

    /* this try */
    bool headed;
    bool begun;        /**< the store was told where to go on */
    bool full;         /**< the store takes no more until ln_download_ready() */
    ln_msec early;     /**< the rate lets no more come until then; 0 = it does */
    uint64_t skip;     /**< bytes that are stored already */
    uint64_t end;      /**< of the head */
    uint64_t tried_at; /**< the offset at which the try began */
    bool continued;    /**< some try went on behind the first byte */
    bool ended;        /**< what it cost is settled: the next run begins to count anew */

    /* what is stored from before */
    bool started; /**< the first step was made */
    struct ln__download_record before;
    size_t candidate; /**< points of `before` that may still be true */
    uint64_t checked; /**< bytes read again */
    uint8_t *scratch;

    /* the state that survives */
    uint8_t uri_digest[LN__SHA256_LEN];
    uint64_t unsaved;
    uint64_t unsynced;
    ln_msec saved_at;

    /* counters and times */
    uint64_t received;
    uint64_t resumed_at;
    unsigned requests;
    unsigned attempts;
    unsigned restarts;
    ln_msec started_at;
    ln_msec wait_until;
    ln_msec paced_until; /**< when the limit of the rate lets all come that has come */
    uint64_t paced_rest; /**< thousandths of a byte that are less than a millisecond */

    /* callbacks */
    unsigned inside; /**< calls of ours that are on the stack */
    bool doomed;     /**< ln_download_free() was called by one of our callbacks */
    enum ln__download_wish wish;
    ln_msec now; /**< of the last step */
};

void ln__download_destroy(struct ln_download *d);

/* ---- run.c ---- */

enum ln_status ln__download_run(struct ln_download *d, ln_msec now);
/** Take up what was wished for; only while no driver is on the stack. */
void ln__download_obey(struct ln_download *d, ln_msec now);

/* ---- fetch.c ---- */

/**
 * LN_OK: hand out the body. LN_CLOSED: nobody wants it any more (see d->wish), or it is refused.
 */
enum ln_status ln__download_head(struct ln_download *d, const struct ln__download_head *head,
                                 ln_msec now);
/** Whether the driver has to wait with the next bytes: for the store, or for the rate. */
static inline bool ln__download_is_held(const struct ln_download *d)
{
    return d->full || d->early != 0;
}

/** LN_OK, LN_AGAIN (held: they are taken), or as ln__download_head(). */
enum ln_status ln__download_data(struct ln_download *d, struct ln_span data, ln_msec now);
/** The body is complete, says the driver. */
enum ln_status ln__download_complete(struct ln_download *d, ln_msec now);
/** Forget all that is known of the resource: the next try begins with its first byte. */
enum ln_status ln__download_start_over(struct ln_download *d);
/** Call options.progress. LN_CLOSED: go back to the caller. */
enum ln_status ln__download_tell(struct ln_download *d);

/* ---- retry.c ---- */

/** Note why the try fails. `status` and `text` go to d->diag if that is empty. @return status */
enum ln_status ln__download_refuse(struct ln_download *d, enum ln_download_reason reason,
                                   enum ln_status status, const char *text);
/** The category of a reason that has no cause below it. */
enum ln_category ln__download_category(enum ln_download_reason reason);
/** The reason that fits d->diag. */
enum ln_download_reason ln__download_classify(const struct ln_diag *diag);
/** How long to wait before the next try. */
enum ln_status ln__download_pause(struct ln_download *d, ln_msec *ms);
/** The most bytes that may come; LN_DOWNLOAD_NO_LIMIT. */
uint64_t ln__download_bytes_max(const struct ln_download *d);
ln_msec ln__download_time_limit(const struct ln_download *d);

/* ---- resume.c ---- */

/** The digest of the URI, which is the same for the same resource. */
enum ln_status ln__download_name(struct ln_download *d);
/** Load the state. LN_OK: nothing of it is to be checked; LN_AGAIN: it is. */
enum ln_status ln__download_load(struct ln_download *d);
/** Read again what is stored, some of it. LN_OK: done, d->offset tells how much is good. */
enum ln_status ln__download_check(struct ln_download *d);
/** Save where the download is, if it could go on there. */
void ln__download_save(struct ln_download *d, ln_msec now);
/** The same, when it is time. LN_CLOSED as ln__download_tell(). */
enum ln_status ln__download_save_sometimes(struct ln_download *d, ln_msec now);
/** What was written survives. */
enum ln_status ln__download_sync(struct ln_download *d);
void ln__download_forget(struct ln_download *d);

/* ---- security.c ---- */

/** A socket for one URI, CLOSED and ready to connect. */
enum ln_status ln__download_socket(struct ln_download *d, const struct ln_download_target *target,
                                   struct ln_diag *diag, struct ln_sock **out);
/** Whether the socket of options.tls could be made. */
enum ln_status ln__download_check_tls(struct ln_download *d, struct ln_diag *diag);

#endif
