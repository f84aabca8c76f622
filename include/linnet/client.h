/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_CLIENT_H
#define LN_CLIENT_H
/**
 * @file client.h
 * The LwM2M client: one object that registers at management servers and serves their requests.
 *
 * Life:      ln_client_new -> ln_client_add_object* (objects.h has the common ones) ->
 *            ln_client_start -> ln_client_step* -> ln_client_stop -> ln_client_step until LN_CLOSED
 *            -> ln_client_free (at any time).
 * Servers:   are the instances of Security /0 and Server /1 that belong together by their short
 *            server id; ln_client_add_account() of objects.h makes such a pair.
 * Threads:   one thread per client; only ln_client_post() may be called from others.
 * Memory:    all through env->alloc; what grows while it runs is bounded by the limits in config.
 * Blocking:  never. ln_client_step() says what to wait for.
 * Errors:    status.h; the story of a call is in its `diag`, that of a server in its
 *            struct ln_server_info.
 * Example:   examples/01_hello.c, examples/05_own_event_loop.c
 */
#include <linnet/coap.h>
#include <linnet/cpp.h>
#include <linnet/object.h>
#include <linnet/tls.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ln_client;
struct ln_uri;               /* uri.h */
struct ln_download_security; /* download.h */

/* ---- what the client tells ---- */

enum ln_client_event_kind {
    LN_CLIENT_REGISTERED = 0, /**< `code` 2.01 */
    LN_CLIENT_UPDATED,
    LN_CLIENT_DEREGISTERED,
    LN_CLIENT_ATTEMPT_FAILED, /**< one attempt; `retry_at`, `diag` and `code` say more */
    LN_CLIENT_GAVE_UP,  /**< all attempts of all sequences; `bootstrap` if /1/x/16 wants one */
    LN_CLIENT_DISABLED, /**< by the server, until `retry_at` */
    LN_CLIENT_ASLEEP,   /**< queue mode: the awake window closed; told once each time */
    LN_CLIENT_AWAKE,
    LN_CLIENT_NOTIFICATION, /**< see `note` */
};

/** The life of one notification: queued first, then exactly one of those behind sent. */
enum ln_note_event {
    LN_NOTE_QUEUED = 0,
    LN_NOTE_SENT, /**< went out; of a non-confirmable one this is the end */
    LN_NOTE_ACKNOWLEDGED,
    LN_NOTE_TIMED_OUT,
    LN_NOTE_CANCELLED, /**< the server answered with Reset: it observes no more */
    LN_NOTE_DROPPED,   /**< no room, storing not wanted, registration over */
};

struct ln_client_event {
    enum ln_client_event_kind kind;
    uint16_t ssid;
    uint8_t code; /**< CoAP code of the answer; 0 = none came */
    bool bootstrap;
    ln_msec retry_at;           /**< LN_NEVER */
    const struct ln_diag *diag; /**< NULL, or why; borrowed for the call */
    struct {
        uint32_t id; /**< counts up from 1 for each client */
        enum ln_note_event event;
        bool confirmable;
        struct ln_path path; /**< what is observed */
    } note;
};

/* ---- settings ---- */

/** LwM2M versions as the registration says them. */
#define LN_LWM2M_1_0 10
#define LN_LWM2M_1_1 11
#define LN_LWM2M_1_2 12

/** Settings, copied by ln_client_new(). Start from LN_CLIENT_CONFIG_INIT. */
struct ln_client_config {
    size_t size;                /**< set by INIT; lets old programs meet a newer library */
    const struct ln_env *env;   /**< required; borrowed until the client is freed */
    const char *endpoint;       /**< required; 1..128 bytes of UTF-8; copied */
    uint8_t min_version;        /**< LN_LWM2M_1_0 .. ; default 1.0 */
    uint8_t max_version;        /**< default 1.1; 1.2 is tried first if it is allowed */
    bool queue_mode;            /**< sleep between awake windows ("Q"; binding "UQ" in 1.0) */
    uint32_t awake_ms;          /**< queue mode: stay reachable after the last message; 0 =
                                    MAX_TRANSMIT_WAIT of `coap` (93 s) */
    struct ln_coap_timing coap; /**< all zero: the defaults of RFC 7252 */
    uint16_t max_message;       /**< largest CoAP message; 0 = 1,152 (RFC 7252 4.6) */
    uint8_t block_szx;          /**< largest block, 1..6 = 32..1,024 bytes; 0 = 6 */
    uint32_t write_max;         /**< longest Write that is gathered from blocks, bytes; streamed
                                    resources have no limit; 0 = 4,096 */
    uint32_t read_max;          /**< longest answer that is kept for block-wise reading; streamed
                                    resources have no limit; 0 = 16,384 */
    uint16_t observations_max;  /**< of all servers together; 0 = 16 */
    uint16_t notes_max;         /**< notifications kept for one server; 0 = 16 */
    uint32_t notes_bytes;       /**< and their payload in bytes, of one server; 0 = 4,096 */
    uint32_t batch_ms; /**< changes of objects within this time make one Update; 0 = 1,000 */
    const struct ln_session_store *sessions; /**< (D)TLS sessions over restarts; NULL = in memory */
    struct ln_source trust; /**< anchors for certificate mode with usage 0, 1 or no certificate */
    bool system_trust;
    bool insecure_legacy_server;      /**< also meet TLS servers without RFC 5746: see tls.h */
    uint32_t handshake_first_ms;      /**< DTLS: first retransmission of a handshake; 0 = 1,000 */
    uint32_t handshake_max_ms;        /**< DTLS: the wait after which it fails; 0 = 60,000: a silent
                                           server costs two minutes. See tls.h */
    struct ln_sock_options sock;      /**< of the transport below; all zero is fine */
    const struct ln_tls_backend *tls; /**< NULL = the first built in */
    /** Something happened; borrowed for the call. May be NULL. It may call what the functions of
     *  objects may call (object.h), and must remove nothing. */
    void (*on_event)(void *user, struct ln_client *client, const struct ln_client_event *event);
    void *user;
    /** A server has written to this instance, or created it: the new values stand in it, and nobody
     *  was told. Keep them here, over a loss of power: the answer goes out when this has returned.
     *  Anything but LN_ANSWER_OK takes the Write back and is what the server is told. It may call
     *  ln_client_get() and the like, and change nothing. NULL: LN_ANSWER_OK. Not asked for streamed
     *  resources, which their objects keep, and for Delete, of which `removed` tells. */
    enum ln_answer (*keep)(void *user, struct ln_client *client, uint16_t oid, uint16_t iid);
};
#ifdef __cplusplus
static inline struct ln_client_config ln__client_config_init(void)
{
    struct ln_client_config made = ln__sized<struct ln_client_config>();
    made.min_version = LN_LWM2M_1_0;
    made.max_version = LN_LWM2M_1_1;
    return made;
}
#define LN_CLIENT_CONFIG_INIT ln__client_config_init()
#else
#define LN_CLIENT_CONFIG_INIT { .size = sizeof(struct ln_client_config),                           \
                                .min_version = LN_LWM2M_1_0, .max_version = LN_LWM2M_1_1 }
#endif

/* ---- life ---- */

/**
 * Create a client.
 *
 * @param config  borrowed for this call
 * @param diag    may be NULL; names the field that is wrong
 * @param out     *out must be NULL; receives the client. The caller owns it
 * @retval LN_BAD_ARG    a field is missing or out of range
 * @retval LN_NO_MEMORY  nothing was created
 */
LN_MUST_USE LN_API enum ln_status ln_client_new(const struct ln_client_config *config,
                                                struct ln_diag *diag, struct ln_client **out);

/** Release everything; NULL is allowed. Sends nothing: ln_client_stop() de-registers. */
LN_API void ln_client_free(struct ln_client *client);

/**
 * Register at every server. Accounts that cannot be used (unsupported mode, malformed URI) are told
 * here, and then nothing was started.
 * @retval LN_BAD_STATE  started already, or no account
 * @retval LN_UNSUPPORTED, LN_BAD_ARG, LN_NO_MEMORY  diag names instance and resource
 */
LN_MUST_USE LN_API enum ln_status ln_client_start(struct ln_client *client, ln_msec now,
                                                  struct ln_diag *diag);

/** De-register everywhere; ln_client_step() returns LN_CLOSED when that is done or given up. */
LN_API void ln_client_stop(struct ln_client *client, ln_msec now);

/**
 * Do all work that is due and say what to wait for.
 *
 * Never blocks. Calls object functions and on_event.
 * @param now   monotonic milliseconds; must not go back
 * @param want  out: handles, events and the next deadline
 * @retval LN_OK      nothing wrong, including "not connected yet"
 * @retval LN_CLOSED  the client finished after ln_client_stop()
 */
LN_MUST_USE LN_API enum ln_status ln_client_step(struct ln_client *client, ln_msec now,
                                                 struct ln_interest *want);

/**
 * Step and wait in a loop, for programs that do nothing else: until ln_client_stop() has done its
 * work, or until the deadline. The wait is the port's (env->net).
 * @param until  monotonic; LN_NEVER
 * @retval LN_OK      the deadline has come
 * @retval LN_CLOSED  as ln_client_step()
 * @retval LN_UNSUPPORTED, LN_IO  the port cannot wait
 */
LN_MUST_USE LN_API enum ln_status ln_client_run(struct ln_client *client, ln_msec until);

/**
 * Work that is done in the client's steps: a download, a timer of yours.
 * @param job  yours; borrowed until it is removed. Its functions must not call ln_client_step()
 */
struct ln_client_job {
    void (*step)(void *user, ln_msec now);
    /** What it waits for, added to *want. */
    void (*interest)(void *user, struct ln_interest *want);
    void *user;
    struct ln_client_job *next; /**< the library's */
};
LN_API void ln_client_add_job(struct ln_client *client, struct ln_client_job *job);
/** One that was not added is allowed. So is a call from the step of any job. */
LN_API void ln_client_remove_job(struct ln_client *client, struct ln_client_job *job);

/** Nothing waits to be said to any server that is registered: no notification, no Update. For work
 *  that ends the connection and should come after the last word. */
LN_API bool ln_client_is_quiet(const struct ln_client *client);

/**
 * Have `run` called in the client's thread, by its next step. The one function for other threads;
 * it takes no lock and may be called from signal handlers if `post` is static.
 *
 * The waiting thread is not woken by the library: `config.on_event` is no help here either, so wake
 * your loop by your own means (eventfd, pipe, uv_async_send) after this call.
 * @param post  yours; borrowed until `run` was called
 */
struct ln_post {
    void (*run)(struct ln_client *client, void *user);
    void *user;
    struct ln_post *next; /**< the library's */
};
LN_API void ln_client_post(struct ln_client *client, struct ln_post *post);

/** The environment it was created with. Never NULL. */
LN_API const struct ln_env *ln_client_env(const struct ln_client *client);

/* ---- objects ---- */

/**
 * Let the client serve an object.
 * @param object  borrowed until the client is freed; must be constant
 * @param user    for its functions
 * @param diag    may be NULL
 * @retval LN_BAD_ARG    the table is not in order (ids, sizes); diag names the row
 * @retval LN_BAD_STATE  there is an object with this id
 */
LN_MUST_USE LN_API enum ln_status ln_client_add_object(struct ln_client *client,
                                                       const struct ln_object *object, void *user,
                                                       struct ln_diag *diag);

/** Remove an object and its instances. LN_NOT_FOUND. */
LN_MUST_USE LN_API enum ln_status ln_client_remove_object(struct ln_client *client, uint16_t oid);

/**
 * Add an instance.
 * @param iid       LN_ID_NONE chooses the lowest free one
 * @param instance  your struct, borrowed until it is removed; NULL: one is allocated, zeroed and
 *                  given to ops->create
 * @param chosen    may be NULL; receives the id
 * @retval LN_BAD_STATE  it exists; LN_NO_SPACE  instance_max is reached
 */
LN_MUST_USE LN_API enum ln_status ln_client_add_instance(struct ln_client *client, uint16_t oid,
                                                         uint16_t iid, void *instance,
                                                         uint16_t *chosen);

/** Remove an instance; its observations end with 4.04. LN_NOT_FOUND. */
LN_MUST_USE LN_API enum ln_status ln_client_remove_instance(struct ln_client *client, uint16_t oid,
                                                            uint16_t iid);

/** The struct of an instance, yours or allocated; NULL if there is none. */
LN_API void *ln_client_instance(struct ln_client *client, uint16_t oid, uint16_t iid);

/** The instance id that follows `after` (LN_ID_NONE: the first); LN_ID_NONE at the end. */
LN_API uint16_t ln_client_next_instance(const struct ln_client *client, uint16_t oid,
                                        uint16_t after);

/** The object that follows `after` (LN_ID_NONE: the first); LN_ID_NONE at the end. */
LN_API uint16_t ln_client_next_object(const struct ln_client *client, uint16_t after);

/** The resource that follows `after` (LN_ID_NONE: the first) and exists in that instance now, also
 *  one that is only executed; NULL at the end. The row is the object's. */
LN_API const struct ln_resource *ln_client_next_resource(struct ln_client *client, uint16_t oid,
                                                         uint16_t iid, uint16_t after);

/** The resource instance that follows `after` (LN_ID_NONE: the first) of a multiple resource;
 *  LN_ID_NONE at the end. */
LN_API uint16_t ln_client_next_resource_instance(struct ln_client *client, struct ln_path resource,
                                                 uint16_t after);

/**
 * A value has changed, perhaps: whoever observes it is told as the attributes say. For the value
 * that crosses a threshold to be the one that is sent, call this with each new value. Values that
 * follow fast are one notification, but each that crosses a threshold is one of its own.
 * `rid` LN_ID_NONE: anything in the instance. Unknown paths are ignored.
 */
LN_API void ln_client_changed(struct ln_client *client, uint16_t oid, uint16_t iid, uint16_t rid);

/** Read or write one resource by path, as a server would but without its rights: read-only
 *  resources can be written. Strings and bytes are borrowed until the next call.
 *  @retval LN_NOT_FOUND, LN_BAD_ARG (type, range), LN_UNSUPPORTED (ops has no such function) */
LN_MUST_USE LN_API enum ln_status ln_client_get(struct ln_client *client, struct ln_path path,
                                                struct ln_value *out);
LN_MUST_USE LN_API enum ln_status ln_client_set(struct ln_client *client, struct ln_path path,
                                                const struct ln_value *value);

/* ---- servers ---- */

/** Send an Update now (LN_ID_NONE: to all). LN_NOT_FOUND; LN_BAD_STATE: not registered. */
LN_MUST_USE LN_API enum ln_status ln_client_update(struct ln_client *client, uint16_t ssid);

/** De-register and be silent for `seconds`; what Disable /1/x/4 does. */
LN_MUST_USE LN_API enum ln_status ln_client_disable(struct ln_client *client, uint16_t ssid,
                                                    uint32_t seconds);

/** Try again at once, whatever the server's state waits for. */
LN_MUST_USE LN_API enum ln_status ln_client_enable(struct ln_client *client, uint16_t ssid);

/** Drop the connection and keep everything else: for links that vanish without notice. The next
 *  step connects anew; a resumed session continues the registration. */
LN_MUST_USE LN_API enum ln_status ln_client_reconnect(struct ln_client *client, uint16_t ssid);

/** Queue mode: no server falls asleep until this is called with false as often as with true (a
 *  download is under way). */
LN_API void ln_client_stay_awake(struct ln_client *client, bool stay);

/** What is known about a server. */
struct ln_server_info {
    uint16_t ssid;
    uint16_t security_iid;
    uint16_t server_iid;
    const char *state; /**< "registered", "backoff" ...: docs/registration.md */
    bool registered;
    bool asleep;
    uint8_t version;     /**< negotiated; 0 = not yet */
    ln_msec waits_until; /**< end of the state's wait; LN_NEVER */
    ln_msec expires;     /**< of the registration; LN_NEVER */
    uint32_t attempt;    /**< failed attempts in this sequence */
    uint32_t observations;
    uint32_t notes; /**< notifications that wait */
    struct ln_sock_info sock;
    const struct ln_diag *diag; /**< of the last failure; borrowed until the next step */
};

/** The short server id that follows `after` (LN_ID_NONE: the first); LN_ID_NONE at the end. */
LN_API uint16_t ln_client_next_server(const struct ln_client *client, uint16_t after);
LN_MUST_USE LN_API enum ln_status ln_client_server_info(const struct ln_client *client,
                                                        uint16_t ssid, struct ln_server_info *out);

/** One observation of a server, and what its next notification waits for. */
struct ln_observation_info {
    struct ln_path path;
    bool held; /**< there is something to tell, and pmin holds it back until `due` */
    ln_msec
        due; /**< it is looked at then, or told then whatever it is (pmax); LN_NEVER: it waits for a
                      change */
};
/** @param index  0 .. observations - 1, in no order that means something. LN_NOT_FOUND */
LN_MUST_USE LN_API enum ln_status ln_client_observation_info(const struct ln_client *client,
                                                             uint16_t ssid, uint32_t index,
                                                             struct ln_observation_info *out);

/**
 * Security for a URI from the data model: the account whose server has the same host, scheme and
 * port; else, with certificates only, the same host. A pre-shared key never goes to another scheme
 * or port. For applications that ask the data model first and have files of their own.
 * @param out  with the account's server name (/0/x/14), borrowed from the data model: use it before
 *             the next step
 * @retval LN_NOT_FOUND  no account fits
 */
LN_MUST_USE LN_API enum ln_status ln_client_security_for_uri(struct ln_client *client,
                                                             const struct ln_uri *uri,
                                                             struct ln_download_security *out,
                                                             struct ln_diag *diag);

#ifdef __cplusplus
}
#endif
#endif
