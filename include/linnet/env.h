/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_ENV_H
#define LN_ENV_H
/**
 * @file env.h
 * What the library needs from the world, all of it injected: memory, clocks, randomness, log,
 * name resolution, files, digests and raw sockets. The library calls no malloc, time or rand.
 *
 * Life:     ln_env_posix_new -> use it for any number of objects -> ln_env_posix_free; or fill a
 *           `struct ln_env` yourself. It is borrowed by every object until that object is freed.
 * Threads:  the environment of POSIX may be shared by threads; each object belongs to one thread.
 * Memory:   through `alloc` only.
 * Porting:  docs/howto-microcontroller.md; the port of POSIX is in src/port/posix and src/net/posix.
 */
#include <linnet/addr.h>
#include <linnet/diag.h>
#include <linnet/span.h>
#include <linnet/status.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ln_env;

/** Milliseconds on a clock that never goes back. Only differences mean something. */
typedef int64_t ln_msec;

/** A deadline that never comes. */
#define LN_NEVER INT64_MAX

/* ---- what to wait for ---- */

/** What an event loop waits on: a descriptor on POSIX. Opaque to the library. */
typedef intptr_t ln_handle;
#define LN_NO_HANDLE ((ln_handle)-1)

#define LN_WANT_READ 1u
#define LN_WANT_WRITE 2u

/** Handles of one socket stack: name servers being asked plus addresses being raced. */
#define LN_WAIT_MAX 16

struct ln_wait {
    ln_handle handle;
    unsigned events; /**< LN_WANT_READ | LN_WANT_WRITE */
};

/**
 * What an object waits for, asked for anew before each wait.
 *
 * Wait until one of `wait` is ready, or until `deadline`, and then step the object. If `ready` is
 * set, do not wait at all.
 */
struct ln_interest {
    unsigned events;  /**< in: what the caller wants to do; each filter rewrites it */
    bool ready;       /**< there is work that no handle will announce */
    ln_msec deadline; /**< monotonic; LN_NEVER = none */
    size_t count;
    struct ln_wait wait[LN_WAIT_MAX];
};

/** Empty an interest; it is one in `events` then. */
static inline void ln_interest_init(struct ln_interest *want, unsigned events)
{
    want->events = events;
    want->ready = false;
    want->deadline = LN_NEVER;
    want->count = 0; /* what is behind it has no meaning, and needs no clearing */
}

/** An empty interest in `events`. */
static inline struct ln_interest ln_interest(unsigned events)
{
    struct ln_interest want;
    memset(&want, 0, sizeof want);
    ln_interest_init(&want, events);
    return want;
}

/** Add a handle (for filters and ports). Events of one handle are merged; a full table is dropped
 *  into `ready`, so that nothing is ever forgotten. LN_NO_HANDLE and 0 events add nothing. */
LN_API void ln_interest_add(struct ln_interest *want, ln_handle handle, unsigned events);

/** Lower the deadline to `at` if that is earlier. */
LN_API void ln_interest_until(struct ln_interest *want, ln_msec at);

/* ---- memory ---- */

/** One function for all: `block` NULL allocates, `size` 0 frees (and returns NULL). */
struct ln_alloc {
    void *(*resize)(void *ctx, void *block, size_t size);
    void *ctx;
};

/* ---- clocks ---- */

struct ln_clock {
    ln_msec (*monotonic)(void *ctx); /**< milliseconds */
    int64_t (*wall)(void *ctx);      /**< seconds since 1970-01-01 UTC; may be wrong at boot */
    void *ctx;
};

/* ---- randomness ---- */

struct ln_random {
    /** Fill with cryptographic randomness. Anything but LN_OK ends what was going to use it. */
    enum ln_status (*fill)(void *ctx, struct ln_mspan room);
    void *ctx;
};

/* ---- log ---- */

enum ln_level { LN_LOG_OFF = 0, LN_LOG_ERROR, LN_LOG_WARN, LN_LOG_INFO, LN_LOG_DEBUG };

struct ln_log {
    /** `module` is static ("tls", "udp"); `text` is one line without its end, borrowed. */
    void (*write)(void *ctx, enum ln_level level, const char *module, const char *text);
    void *ctx;
    enum ln_level level; /**< what is above it is not even formatted */
};

/* ---- names to addresses ---- */

/** One question under way. A resolver embeds it as the first member of its own structure. */
struct ln_lookup {
    const struct ln_resolver_ops *ops;
};

struct ln_resolver_ops {
    /**
     * Ask for the addresses of one family. Never blocks.
     * @param family  LN_IPV4 or LN_IPV6
     * @retval LN_OK  *out is under way and the caller's to cancel
     * @retval LN_UNSUPPORTED, LN_NO_MEMORY, LN_IO  nothing is under way; diag tells
     */
    enum ln_status (*start)(void *ctx, const struct ln_env *env, const char *host,
                            enum ln_family family, struct ln_diag *diag, struct ln_lookup **out);
    /**
     * Go on.
     * @param out, room  receives up to `room` addresses (port 0), in the resolver's order
     * @retval LN_AGAIN      no answer yet
     * @retval LN_OK         *count addresses, at least one
     * @retval LN_NOT_FOUND  there is none of that family; diag tells
     * @retval others        the question failed; diag tells
     */
    enum ln_status (*poll)(struct ln_lookup *lookup, ln_msec now, struct ln_addr *out, size_t room,
                           size_t *count, struct ln_diag *diag);
    void (*interest)(const struct ln_lookup *lookup, struct ln_interest *want);
    /** Give up or tidy up: frees the lookup in every state. */
    void (*cancel)(struct ln_lookup *lookup);
};

struct ln_resolver {
    const struct ln_resolver_ops *ops; /**< NULL: only literals can be connected to */
    void *ctx;
};

/* ---- files ---- */

struct ln_files {
    /**
     * Read a whole file.
     * @param room  may be empty, to ask for the size
     * @retval LN_OK         *len bytes
     * @retval LN_NO_SPACE   *len is the size needed; room is unspecified
     * @retval LN_NOT_FOUND, LN_DENIED, LN_IO
     * @retval LN_BAD_ARG    a directory or no plain file
     */
    enum ln_status (*read)(void *ctx, const char *path, struct ln_mspan room, size_t *len);
    /** Replace a file: after a crash there is the old one or the new one. Mode 0600. */
    enum ln_status (*replace)(void *ctx, const char *path, struct ln_span data);
    /** Remove a file. LN_NOT_FOUND if there is none. */
    enum ln_status (*remove)(void *ctx, const char *path);
    /** Name every plain file of a directory, in no order, until `each` returns false. */
    enum ln_status (*list)(void *ctx, const char *path, bool (*each)(void *user, const char *name),
                           void *user);
    void *ctx;
};

/* ---- digests ---- */

enum ln_hash { LN_SHA256 = 0, LN_SHA384, LN_SHA512 };
#define LN_HASH_MAX 64

/** Bytes of a digest: 32, 48, 64. */
static inline size_t ln_hash_len(enum ln_hash hash)
{
    return hash == LN_SHA256 ? 32 : hash == LN_SHA384 ? 48 : 64;
}

/** A digest that is computed in pieces, for what does not fit into memory. See digest.h to use it. */
struct ln_digest_ops {
    /**
     * Begin one.
     * @param env  for its memory; outlives it
     * @param out  receives what the other functions take
     * @retval LN_UNSUPPORTED  this hash is not known
     * @retval LN_NO_MEMORY    *out is unchanged
     */
    enum ln_status (*begin)(void *ctx, const struct ln_env *env, enum ln_hash hash, void **out);
    enum ln_status (*update)(void *digest, struct ln_span data);
    /** The digest of all that came so far; more may follow. */
    enum ln_status (*value)(void *digest, uint8_t out[LN_HASH_MAX]);
    /** Release it, in every state. */
    void (*end)(void *digest);
};

struct ln_digest {
    /** Digest of all parts, one after the other. NULL: the TLS library's is used. */
    enum ln_status (*hash)(void *ctx, enum ln_hash hash, const struct ln_span *parts, size_t count,
                           uint8_t out[LN_HASH_MAX]);
    void *ctx;
    /** The same in pieces. NULL: the TLS library's is used. */
    const struct ln_digest_ops *pieces;
};

/* ---- raw sockets ---- */

enum ln_net_kind { LN_NET_DATAGRAM, LN_NET_STREAM };

/** How a raw socket is to be opened. Zero in any field leaves the system's default. */
struct ln_net_open {
    enum ln_net_kind kind;
    enum ln_family family;
    uint8_t dscp;     /**< 0..63 */
    uint8_t priority; /**< 0..7; 7 needs privilege */
    bool reuse_addr;
    bool transparent; /**< privileged */
    bool v6_only;
    const char *interface_name; /**< NULL = any */
};

/** What one receive brought. */
struct ln_net_got {
    size_t len;          /**< bytes in the room */
    size_t full;         /**< length of the datagram; > len if it was cut */
    struct ln_addr from; /**< datagrams only */
};

/**
 * What a port implements: twelve non-blocking functions on raw sockets.
 *
 * All return LN_AGAIN where they would wait, and on failure fill `diag` (category, native number
 * and text). Names, races, deadlines, stickiness and counters are built above, once.
 */
struct ln_net_ops {
    const char *name; /**< "posix", "mem": the origin in diagnoses */
    enum ln_status (*open)(void *ctx, const struct ln_net_open *how, struct ln_diag *diag,
                           ln_handle *out);
    /** Streams also listen. */
    enum ln_status (*bind)(void *ctx, ln_handle h, enum ln_net_kind kind,
                           const struct ln_addr *local, struct ln_diag *diag);
    /** LN_AGAIN: under way; wait for write, then call finish(). Datagrams: sets the peer. */
    enum ln_status (*connect)(void *ctx, ln_handle h, const struct ln_addr *peer,
                              struct ln_diag *diag);
    enum ln_status (*finish)(void *ctx, ln_handle h, struct ln_diag *diag);
    enum ln_status (*accept)(void *ctx, ln_handle h, ln_handle *out, struct ln_addr *peer,
                             struct ln_diag *diag);
    /** `to` NULL: to the connected peer. A datagram goes out whole or not at all. */
    enum ln_status (*send)(void *ctx, ln_handle h, const struct ln_addr *to, struct ln_span data,
                           size_t *sent, struct ln_diag *diag);
    /** `kind` is what `h` was opened as. LN_OK with got->len 0 on a stream is its end. `peek` leaves
     *  the bytes where they are. */
    enum ln_status (*recv)(void *ctx, ln_handle h, enum ln_net_kind kind, struct ln_mspan room,
                           bool peek, struct ln_net_got *got, struct ln_diag *diag);
    /** No more traffic in either direction; the addresses still answer. */
    enum ln_status (*shutdown)(void *ctx, ln_handle h, struct ln_diag *diag);
    void (*close)(void *ctx, ln_handle h);
    /** Local and peer address; either may be NULL. LN_BAD_STATE where there is none. */
    enum ln_status (*names)(void *ctx, ln_handle h, struct ln_addr *local, struct ln_addr *peer);
    /** Path MTU of a connected socket, IP header included; LN_UNSUPPORTED if not known. */
    enum ln_status (*mtu)(void *ctx, ln_handle h, size_t *mtu);
    /** For the blocking layer: wait until something of `want` is ready or `until` has come.
     *  LN_OK in both cases. NULL: the blocking layer is unsupported. */
    enum ln_status (*wait)(void *ctx, const struct ln_interest *want, ln_msec until);
};

struct ln_net {
    const struct ln_net_ops *ops;
    void *ctx;
};

/* ---- all of it ---- */

struct ln_env {
    struct ln_alloc alloc;
    struct ln_clock clock;
    struct ln_random random;
    struct ln_log log;
    struct ln_resolver resolver;
    struct ln_files files;
    struct ln_digest digest;
    struct ln_net net;
};

static inline ln_msec ln_now(const struct ln_env *env)
{
    return env->clock.monotonic(env->clock.ctx);
}

/** Zeroed memory for `count` * `size` bytes, or NULL (also when the product overflows). */
LN_API void *ln_calloc(const struct ln_env *env, size_t count, size_t size);
/** As realloc(); NULL leaves the old block. New bytes are not cleared. */
LN_API void *ln_resize(const struct ln_env *env, void *block, size_t size);
/** NULL is allowed. */
LN_API void ln_free(const struct ln_env *env, void *block);
/** Wipe, then free. NULL is allowed. */
LN_API void ln_free_secret(const struct ln_env *env, void *block, size_t size);
/** Overwrite so that no compiler leaves it out. */
LN_API void ln_wipe(void *block, size_t size);
/** Equal, in a time that depends on the length alone. */
LN_API bool ln_equal_secret(const void *a, const void *b, size_t len);
/** Copy of a string, or NULL. */
LN_API char *ln_strdup(const struct ln_env *env, const char *text);
/** Write one line to the log, if its level is on. */
LN_API void ln_log(const struct ln_env *env, enum ln_level level, const char *module,
                   const char *format, ...) LN_PRINTF(4, 5);

/**
 * The environment of a POSIX system: heap, clocks, getrandom, log to stderr (level WARN), c-ares
 * (where it is built in), files, and sockets.
 *
 * @retval LN_OK         *out is the caller's, to be freed after everything that uses it
 * @retval LN_NO_MEMORY, LN_IO  *out is NULL
 */
LN_MUST_USE LN_API enum ln_status ln_env_posix_new(struct ln_env **out);
/** NULL is allowed. */
LN_API void ln_env_posix_free(struct ln_env *env);

#ifdef __cplusplus
}
#endif
#endif
