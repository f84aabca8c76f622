/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_DOWNLOAD_H
#define LN_DOWNLOAD_H
/**
 * @file download.h
 * One resumable download, whatever the protocol is: it goes on after every cut, and never mixes two
 * files.
 *
 * Life:     ln_download_new -> step until it is not LN_AGAIN -> ln_download_free. Suspend, reconnect
 *           and cancel at any time.
 * Blocking: nothing blocks but what your store does: LN_AGAIN, then ln_download_interest(), wait,
 *           ln_download_step(). Time is an argument.
 * Threads:  one thread per download.
 * Memory:   does not grow with the file: the download, one buffer, a socket with its TLS.
 * Errors:   ln_download_info() has the reason as a word for programs, ln_download_diag() the story.
 * Example:  docs/howto-download.md; `linnet download` is made of it
 *
 * What it promises:
 *  - A download goes on only where the resource is proven to be the same: full URI, a strong
 *    validator (an entity tag, or a date that cannot lie) and the size. Before it goes on after a
 *    restart of the program, what is stored is read again and its SHA-256 compared. Whatever does not
 *    fit begins anew from the first byte.
 *  - SHA-256 of everything is computed while it streams; with options.sha256 anything else is refused.
 *  - Failures are of three classes: final ones end it at once (404, a wrong certificate), others are
 *    tried again after a growing, randomised pause, and a resource that has changed begins anew.
 *    Tries without progress, new beginnings, bytes and time all have limits.
 *  - Keys, user names and passwords go to the origin that they were given for, and nowhere else.
 *
 * Callbacks (store, security, progress) may call ln_download_suspend, _resume, _reconnect, _cancel,
 * _free, _info and _diag of their download, and must not call _step or _interest.
 */
#include <linnet/coap.h>
#include <linnet/cpp.h>
#include <linnet/sock.h>
#include <linnet/uri.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ln_download;
struct ln_tls_config;
struct ln_tlsa;

/** No limit, where 0 means a default. */
#define LN_DOWNLOAD_NO_LIMIT UINT64_MAX

/* ---- where the bytes go ---- */

/** The longest state that is handed to `save`. */
#define LN_DOWNLOAD_STATE_MAX 512

/**
 * Storage, by the caller. Functions return LN_OK, or a status that ends the download: LN_NO_SPACE is
 * told as the reason SPACE, anything else as STORE. A text for people may be left in `diag`.
 */
struct ln_download_store {
    /** Go on writing behind the first `offset` bytes and forget what is behind them; 0: from scratch.
     *  Called before the first write, and whenever the file begins anew. Required. */
    enum ln_status (*begin)(void *ctx, uint64_t offset, struct ln_diag *diag);
    /** It will have `size` bytes in all: called behind begin() where the server tells the size, so that
     *  a store that is too small says LN_NO_SPACE before a byte was paid for, and one that is not can
     *  make room in one piece. NULL: whether there is room shows when it is written. */
    enum ln_status (*reserve)(void *ctx, uint64_t size, struct ln_diag *diag);
    /** The next bytes, never empty and in order; borrowed for the call. LN_AGAIN: they are taken, but
     *  give no more until ln_download_ready(); with CoAP a few blocks may be on their way. Required. */
    enum ln_status (*write)(void *ctx, uint64_t offset, struct ln_span data, struct ln_diag *diag);
    /** Read what was written before; *got is less than the room only at its end. NULL: a download
     *  cannot go on after a restart. */
    enum ln_status (*read)(void *ctx, uint64_t offset, struct ln_mspan room, size_t *got);
    /** What was written survives a loss of power from now on. NULL: it does after each write. */
    enum ln_status (*sync)(void *ctx, struct ln_diag *diag);
    /** What `save` was given last; LN_NOT_FOUND if nothing. NULL together with save: as read. */
    enum ln_status (*load)(void *ctx, struct ln_mspan room, size_t *len);
    /** Keep at most LN_DOWNLOAD_STATE_MAX bytes, instead of the ones before; empty: forget them.
     *  They hold no secret. A failure is logged, and costs no more than the chance to go on. */
    enum ln_status (*save)(void *ctx, struct ln_span state);
    void *ctx;
};

/* ---- security ---- */

/** Whom security is asked for. Borrowed for the call. */
struct ln_download_target {
    const struct ln_uri *uri;
    struct ln_span text; /**< without user name, password and fragment */
    unsigned redirects;  /**< 0 = the URI of the download */
    bool same_origin;    /**< scheme, host and port are those of the download's URI */
    bool same_host;      /**< the host is; scheme and port may differ */
};

struct ln_download_security {
    struct ln_tls_config *tls;  /**< one reference, taken; LN_TLS, or LN_DTLS for coaps. It should
                                    offer LN_HTTP_ALPN for https, and "coap" for coaps+tcp */
    const char *server_name;    /**< instead of the host, see ln_sock_set_server_name(); copied */
    const struct ln_tlsa *tlsa; /**< see ln_sock_set_tlsa(); copied */
    size_t tlsa_count;
};

/**
 * Say how to talk to a server: called before each connection to a secure URI, so that keys may change.
 *
 * Redirects may lead to any host. Give keys, pre-shared ones above all, and TLSA records to
 * `same_origin` only; a configuration for others should have trust and nothing else.
 * @param out  zeroed; on success `tls` must be set
 * @retval LN_DENIED  there is no security for that origin
 */
typedef enum ln_status ln_download_secure(void *user, const struct ln_download_target *target,
                                          struct ln_download_security *out, struct ln_diag *diag);

/* ---- why it ended ---- */

/** What can be done about a failure. */
enum ln_download_class {
    LN_DOWNLOAD_FINAL = 0, /**< the same request would fail again */
    LN_DOWNLOAD_RETRY,     /**< tried again, from where it was */
    LN_DOWNLOAD_RESTART,   /**< tried again, from the first byte */
};

/**
 * Why a download ended, or why it waits: name, word, class, meaning. Where tries are used up the
 * reason of the last one stays. The results of the LwM2M object Firmware Update that fit are in
 * docs/howto-download.md.
 */
#define LN_DOWNLOAD_REASON_LIST(X)                                                                 \
    X(NONE, "none", FINAL, "nothing failed")                                                       \
    X(BAD_URI, "bad_uri", FINAL, "the URI cannot be read")                                         \
    X(SCHEME, "scheme", FINAL, "this build does not speak that protocol")                          \
    X(SECURITY, "security", FINAL, "no trust and keys are configured for that server")             \
    X(NAME, "name", RETRY, "the host name was not resolved")                                       \
    X(CONNECTION, "connection", RETRY, "the connection failed or broke")                           \
    X(HANDSHAKE, "handshake", FINAL, "the two sides did not accept each other's security")         \
    X(NOT_FOUND, "not_found", FINAL, "the server has no such resource")                            \
    X(DENIED, "denied", FINAL, "the server wants other credentials")                               \
    X(ANSWER, "answer", FINAL, "the server refuses")                                               \
    X(BUSY, "busy", RETRY, "the server cannot do it now")                                          \
    X(REDIRECT, "redirect", FINAL, "a redirect leads where it must not, or nowhere")               \
    X(PROTOCOL, "protocol", RETRY, "the server breaks the protocol")                               \
    X(CHANGED, "changed", RESTART, "the resource is another one than before")                      \
    X(UNBOUNDED, "unbounded", FINAL, "nothing tells where the resource ends")                      \
    X(TOO_LARGE, "too_large", FINAL, "the resource is larger than is accepted")                    \
    X(DIGEST, "digest", FINAL, "the SHA-256 is not the expected one")                              \
    X(SPACE, "space", FINAL, "there is no room to store it")                                       \
    X(STORE, "store", FINAL, "storing it failed")                                                  \
    X(MEMORY, "memory", FINAL, "there is not enough memory")                                       \
    X(BYTES, "bytes", FINAL, "more bytes came than it may cost")                                   \
    X(TIME, "time", FINAL, "it took longer than it may")                                           \
    X(CANCELLED, "cancelled", FINAL, "it was cancelled")                                           \
    X(INTERNAL, "internal", FINAL, "a fault in this library or below it")

enum ln_download_reason {
#define LN_DOWNLOAD_REASON_ENUM(name, word, class_, meaning) LN_DOWNLOAD_##name,
    LN_DOWNLOAD_REASON_LIST(LN_DOWNLOAD_REASON_ENUM)
#undef LN_DOWNLOAD_REASON_ENUM
};

/** "not_found" and so on. Never NULL. */
LN_API const char *ln_download_reason_word(enum ln_download_reason reason);
/** One clause. Never NULL. */
LN_API const char *ln_download_reason_meaning(enum ln_download_reason reason);
LN_API enum ln_download_class ln_download_reason_class(enum ln_download_reason reason);

/* ---- settings ---- */

/** Settings, copied but where it is said otherwise. Start from LN_DOWNLOAD_OPTIONS_INIT. */
struct ln_download_options {
    size_t size;      /**< set by LN_DOWNLOAD_OPTIONS_INIT */
    const char *uri;  /**< required; a user name and password in it are used with http and https */
    const char *user; /**< instead of those of the URI; NULL = these */
    const char *password;           /**< NULL = "" */
    struct ln_download_store store; /**< its functions and ctx must outlive the download */
    struct ln_sock_options sock;
    /** Security for the origin of `uri`, and for https where http of the same host redirects to. LN_TLS
     *  or LN_DTLS as the scheme needs; referenced. */
    struct ln_tls_config *tls;
    ln_download_secure *security; /**< instead of `tls` */
    void *security_user;
    struct ln_span sha256; /**< 32 bytes that it must have; empty = any */
    void (*progress)(void *user, const struct ln_download *download); /**< bytes were stored, or the
                                                                          state changed; may be NULL */
    void *progress_user;

    uint64_t size_max; /**< larger files are refused; 0 = no limit */
    uint64_t
        bytes_max; /**< of all bodies together, over restarts of the program; 0 = three times the
                             size and 64 KiB; LN_DOWNLOAD_NO_LIMIT */
    uint64_t
        rate_max; /**< bytes of bodies in a second, on average; 0 = no limit. The server is held up
                            meanwhile, and no limit of its time strikes for that */
    uint64_t time_max_ms;      /**< since the first step; 0 = 24 hours; LN_DOWNLOAD_NO_LIMIT */
    uint32_t attempts_max;     /**< in a row, without a byte that is new; 0 = 8 */
    uint32_t restarts_max;     /**< new beginnings from the first byte; 0 = 3 */
    uint32_t backoff_first_ms; /**< 0 = 1,000; doubles with each try without progress, of which
                                    between half and all is waited, by chance */
    uint32_t backoff_max_ms;  /**< 0 = 300,000. A server that asks for more patience gets an hour at
                                    most */
    uint32_t open_timeout_ms; /**< resolve, connect, handshake; 0 = 60,000 */
    uint32_t answer_timeout_ms; /**< until the server answers; 0 = 30,000; coap, coaps: as long as
                                     messages are sent again (RFC 7252 4.8.2: 93 s), and 30,000
                                     behind an empty ACK */
    uint32_t idle_timeout_ms;   /**< no byte comes; 0 = 30,000; coap, coaps: likewise */
    uint32_t
        slow_timeout_ms; /**< fewer than slow_bytes in that time; 0 = 60,000; coap, coaps: 0 = never;
                              UINT32_MAX: never */
    uint32_t slow_bytes;   /**< 0 = 1024 */
    uint32_t buffer_bytes; /**< http: larger ones bring larger pieces; 0 = 16 KiB; 1 KiB..1 MiB */
    uint32_t save_bytes;   /**< the state is saved after so many new bytes; 0 = 256 KiB */
    uint32_t sync_bytes;   /**< and the store is synced after so many; 0 = 4 MiB */
    struct ln_coap_timing coap; /**< coap, coaps: of messages; all zero = RFC 7252's */
    uint8_t coap_ahead; /**< blocks that may be asked for at once, 1 (RFC 7252 4.7) .. 16; 0 = 16.
                                  Over UDP it begins with one, and falls when something is lost. Each
                                  takes about 1.2 kB of memory */
    uint8_t coap_szx;   /**< largest block, 1..6 = 32..1,024 bytes; 0 = 6 */
    bool insecure_downgrade; /**< follow redirects from https to http */
    bool insecure_basic;     /**< send user name and password over http */
    bool
        bounded_only; /**< without sha256, also refuse what ends with a TLS connection (close_notify) */
};
#define LN_DOWNLOAD_OPTIONS_INIT LN__SIZED(struct ln_download_options)

/**
 * Check the options and make a download. Touches neither network nor store.
 *
 * @param env   borrowed until the download is freed
 * @param diag  may be NULL; on failure names the field
 * @param out   *out must be NULL; the caller owns what it receives
 * @retval LN_BAD_ARG      a field is wrong or missing, or the URI cannot be read
 * @retval LN_UNSUPPORTED  this build does not speak the scheme, or has no SHA-256
 * @retval LN_NO_MEMORY    nothing was created
 */
LN_MUST_USE LN_API enum ln_status ln_download_new(const struct ln_env *env,
                                                  const struct ln_download_options *options,
                                                  struct ln_diag *diag, struct ln_download **out);
/** What is stored stays, with its state. NULL is allowed. From a callback, the memory is given back
 *  when the call that it came from returns, and nothing is called any more. */
LN_API void ln_download_free(struct ln_download *download);

/* ---- driving ---- */

/**
 * Do all work that is due.
 *
 * @retval LN_OK      complete: everything is stored, synced and verified
 * @retval LN_AGAIN   under way: ln_download_interest(), wait, call again; also while suspended
 * @retval LN_CLOSED  it was freed by a callback: do not touch it again
 * @retval others     it has failed: ln_download_info(), ln_download_diag()
 */
LN_MUST_USE LN_API enum ln_status ln_download_step(struct ln_download *download, ln_msec now);

/** What to wait for. Nothing while it is suspended, or waits for ln_download_ready(). */
LN_API void ln_download_interest(const struct ln_download *download, struct ln_interest *want);

/** The store can take more. */
LN_API void ln_download_ready(struct ln_download *download);

/** Close the connection and do nothing until ln_download_resume(). */
LN_API void ln_download_suspend(struct ln_download *download);
LN_API void ln_download_resume(struct ln_download *download);
/** Close the connection and connect again at once: the network has changed. Counts as no try. */
LN_API void ln_download_reconnect(struct ln_download *download);
/** End it at once: failed, CANCELLED. What is stored stays, with its state. */
LN_API void ln_download_cancel(struct ln_download *download);

/* ---- what is known ---- */

enum ln_download_state {
    LN_DOWNLOAD_CHECKING = 0, /**< reads what is stored from before */
    LN_DOWNLOAD_RUNNING,
    LN_DOWNLOAD_WAITING, /**< for the next try: `wait_until` */
    LN_DOWNLOAD_SUSPENDED,
    LN_DOWNLOAD_COMPLETE,
    LN_DOWNLOAD_FAILED,
};

/** "running" and so on. Never NULL. */
LN_API const char *ln_download_state_word(enum ln_download_state state);

struct ln_download_info {
    enum ln_download_state state;
    enum ln_download_reason reason; /**< of the end, or of the last failure while it goes on */
    unsigned answer;                /**< of the server, such as 404; CoAP: 404 for 4.04; 0 = none */
    uint64_t offset;                /**< bytes that are stored */
    bool has_total;
    uint64_t total;
    uint64_t resumed_at; /**< bytes that were stored before this run, and were used */
    uint64_t received;   /**< bytes of bodies, also those of earlier runs */
    unsigned requests;   /**< of this run */
    unsigned attempts;   /**< without progress, by now */
    unsigned restarts;   /**< new beginnings, also those of earlier runs */
    ln_msec wait_until;  /**< WAITING */
    bool has_validator;  /**< the server told one: it can go on after a cut */
    bool has_sha256;     /**< COMPLETE */
    uint8_t sha256[32];
    char etag[64]; /**< for people: cut, cleaned; "" = none */
};
LN_API void ln_download_info(const struct ln_download *download, struct ln_download_info *out);

/** What failed last; status LN_OK if nothing did. Borrowed until the next call. */
LN_API const struct ln_diag *ln_download_diag(const struct ln_download *download);

/** TLS of the connection that stands, or stood last; all zero = none. */
LN_API void ln_download_tls_info(const struct ln_download *download, struct ln_tls_info *out);

/** Whether this build can download from URIs of that scheme. */
LN_API bool ln_download_speaks(enum ln_uri_scheme scheme);

#ifdef __cplusplus
}
#endif
#endif
