/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TESTS_BENCH_COMMON_H
#define LN_TESTS_BENCH_COMMON_H
/**
 * @file common.h
 * What the programs of scripts/bench share: the modes they measure, their arguments, a counting heap.
 *
 * A header and no more, because every .c file in this folder becomes a program.
 *
 * server.c  the peer of both clients, plain OpenSSL
 * floor.c   the client that has to be beaten: plain OpenSSL, as little as a user can do with
 * linnet.c  the same client on the public API of the library
 * floor_mbedtls.c  the floor once more, of plain Mbed TLS
 * cid_mbedtls.c    bytes of a wake-up with Connection ID; it needs none of this
 * engine.c  an LwM2M client on the public API; of its DTLS, floor.c is the floor too ("device")
 * trust.c   how often the system's CA bundle is opened
 * codec.c   one payload of LwM2M, written or read; it needs none of this
 */
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* ---- what both sides agree on ---- */

struct bench_mode {
    const char *name;
    bool datagram;
    bool psk;           /**< else: verified server certificate, ECDSA on P-256, one intermediate */
    uint16_t version;   /**< as on the wire; OpenSSL has the same numbers */
    uint16_t suite;     /**< IANA id */
    const char *cipher; /**< OpenSSL's name; NULL: without TLS, for LwM2M only */
};

static const struct bench_mode bench_modes[] = {
    { "tls12", false, false, 0x0303, 0xc02b, "ECDHE-ECDSA-AES128-GCM-SHA256" },
    { "tls13", false, false, 0x0304, 0x1301, "TLS_AES_128_GCM_SHA256" },
    { "psk-ccm8", true, true, 0xfefd, 0xc0a8, "PSK-AES128-CCM8" },
    { "psk-gcm", true, true, 0xfefd, 0x00a8, "PSK-AES128-GCM-SHA256" },
    { "ecdsa", true, false, 0xfefd, 0xc02b, "ECDHE-ECDSA-AES128-GCM-SHA256" },
    { "udp", true, false, 0, 0, NULL },
};

#define BENCH_GROUP NID_X9_62_prime256v1
#define BENCH_GROUP_ID 0x0017 /* what that is on the wire */
#define BENCH_NAME "server.example" /* in the certificate of tests/support/mkpki */
#define BENCH_ADDRESS "127.0.0.1"
#define BENCH_IDENTITY "bench-device-0001"
#define BENCH_KEY "0123456789abcdef" /* 16 bytes, of no secrecy */
#define BENCH_MTU 1200               /* DTLS handshake datagrams, the library's default */
#define BENCH_CHUNK 16384            /* one full record */
#define BENCH_ANSWER_S 60            /* whoever waits longer than that gives up */

static inline const struct bench_mode *bench_mode_find(const char *name)
{
    for (size_t i = 0; i < sizeof bench_modes / sizeof *bench_modes; i++)
        if (strcmp(bench_modes[i].name, name) == 0)
            return &bench_modes[i];
    return NULL;
}

/** Offer the suite of a mode and nothing else. From 3.2 on, OpenSSL has a tag of 8 bytes only below
 *  every security level. */
static inline bool bench_set_suite(SSL_CTX *ctx, const struct bench_mode *m)
{
    if (strstr(m->cipher, "CCM8") != NULL && OpenSSL_version_num() >= 0x30200000L)
        SSL_CTX_set_security_level(ctx, 0);
    return m->version == TLS1_3_VERSION ? SSL_CTX_set_ciphersuites(ctx, m->cipher) == 1
                                        : SSL_CTX_set_cipher_list(ctx, m->cipher) == 1;
}

/** A request is the number of bytes that are wanted, big endian. */
enum { BENCH_REQUEST = 8 };

static inline void bench_request_write(uint64_t bytes, uint8_t out[BENCH_REQUEST])
{
    for (int i = 0; i < BENCH_REQUEST; i++)
        out[i] = (uint8_t)(bytes >> (56 - 8 * i));
}

static inline uint64_t bench_request_read(const uint8_t in[BENCH_REQUEST])
{
    uint64_t bytes = 0;
    for (int i = 0; i < BENCH_REQUEST; i++)
        bytes = bytes << 8 | in[i];
    return bytes;
}

/* ---- ending early ---- */

/** A benchmark that went wrong has no figure. */
static inline _Noreturn void bench_die(const char *what, const char *detail)
{
    (void)fprintf(stderr, "bench: %s%s%s\n", what, detail != NULL ? ": " : "",
                  detail != NULL ? detail : "");
    ERR_print_errors_fp(stderr);
    exit(EXIT_FAILURE);
}

static inline void bench_need(bool ok, const char *what)
{
    if (!ok)
        bench_die(what, NULL);
}

static inline const char *bench_path(const char *folder, const char *name)
{
    static char path[4096];
    int len = snprintf(path, sizeof path, "%s/%s", folder, name);
    bench_need(len > 0 && (size_t)len < sizeof path, "the folder's name is too long");
    return path;
}

/* ---- arguments of the clients ---- */

enum bench_sessions {
    BENCH_NO_SESSIONS, /**< neither offered nor kept */
    BENCH_SAVE,        /**< each handshake is a full one, and its session is serialised and kept */
    BENCH_RESUME,      /**< each handshake but the first resumes what the one before left behind */
};

enum bench_action {
    BENCH_EACH,   /**< connections one after the other */
    BENCH_HOLD,   /**< all at once, to see their memory */
    BENCH_DEVICE, /**< one, and then what a device does with an LwM2M server; floor.c only */
};

struct bench_args {
    enum bench_action action;
    const struct bench_mode *mode;
    uint16_t port;
    const char *folder; /**< of mkpki */
    unsigned count;     /**< of connections */
    uint64_t bytes;     /**< to receive on each connection; 0 = do not even ask; "device": to answer
                             a Read with */
    enum bench_sessions sessions;
};

static inline bool bench_read_number(const char *text, uint64_t max, uint64_t *out)
{
    char *end = NULL;
    unsigned long long value = strtoull(text, &end, 10);
    *out = value;
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && value <= max;
}

static inline struct bench_args bench_args_read(int argc, char **argv)
{
    static const char *const words[] = { "none", "save", "resume" };
    static const char *const actions[] = { "each", "hold", "device" };
    struct bench_args a = { .mode = NULL };
    uint64_t port = 0;
    uint64_t count = 0;
    int sessions = -1;
    int action = -1;
    bool ok = argc == 8 && bench_read_number(argv[3], UINT16_MAX, &port) &&
              bench_read_number(argv[5], 100000, &count) &&
              bench_read_number(argv[6], UINT64_MAX, &a.bytes);
    for (int i = 0; ok && i < 3; i++)
        if (strcmp(argv[7], words[i]) == 0)
            sessions = i;
    for (int i = 0; ok && i < 3; i++)
        if (strcmp(argv[1], actions[i]) == 0)
            action = i;
    ok = ok && sessions >= 0 && action >= 0;
    a.mode = ok ? bench_mode_find(argv[2]) : NULL;
    if (a.mode == NULL || a.mode->cipher == NULL) {
        (void)fprintf(stderr,
                      "usage: %s each|hold|device MODE PORT FOLDER COUNT BYTES none|save|resume\n",
                      argv[0]);
        exit(2);
    }
    a.action = (enum bench_action)action;
    a.port = (uint16_t)port;
    a.folder = argv[4];
    a.count = (unsigned)count;
    a.sessions = (enum bench_sessions)sessions;
    return a;
}

/* ---- a heap that counts ---- */

struct bench_heap {
    size_t live; /**< bytes asked for and not yet given back */
    size_t peak;
    size_t blocks; /**< allocations so far */
};

/** Before each block stands its size; 16 bytes keep the alignment that malloc() promises. */
enum { BENCH_BLOCK_HEAD = 16 };

static inline void bench_heap_count(struct bench_heap *heap, size_t less, size_t more)
{
    heap->live = heap->live - less + more;
    heap->blocks += more > 0;
    if (heap->live > heap->peak)
        heap->peak = heap->live;
}

/** As `resize` of struct ln_alloc: NULL allocates, size 0 frees. */
static inline void *bench_heap_resize(void *ctx, void *block, size_t size)
{
    struct bench_heap *heap = ctx;
    uint8_t *head = block != NULL ? (uint8_t *)block - BENCH_BLOCK_HEAD : NULL;
    size_t before = 0;
    if (head != NULL)
        memcpy(&before, head, sizeof before);
    if (size == 0) {
        bench_heap_count(heap, before, 0);
        free(head);
        return NULL;
    }
    uint8_t *grown = realloc(head, BENCH_BLOCK_HEAD + size);
    if (grown == NULL)
        return NULL;
    memcpy(grown, &size, sizeof size);
    bench_heap_count(heap, before, size);
    return grown + BENCH_BLOCK_HEAD;
}

/** What OpenSSL allocates, once bench_heap_watch_openssl() was called. */
static struct bench_heap bench_openssl_heap;

static inline void *bench_openssl_malloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return size > 0 ? bench_heap_resize(&bench_openssl_heap, NULL, size) : NULL;
}

static inline void *bench_openssl_realloc(void *block, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return bench_heap_resize(&bench_openssl_heap, block, size);
}

static inline void bench_openssl_free(void *block, const char *file, int line)
{
    (void)file;
    (void)line;
    (void)bench_heap_resize(&bench_openssl_heap, block, 0);
}

/** Must come before anything else that OpenSSL does. */
static inline void bench_heap_watch_openssl(void)
{
    bench_need(CRYPTO_set_mem_functions(bench_openssl_malloc, bench_openssl_realloc,
                                        bench_openssl_free) == 1,
               "OpenSSL's memory cannot be counted");
}

/* ---- results ---- */

/** What "hold" measures: two heaps, before, with one connection, and with all of them. */
struct bench_growth {
    size_t config; /**< of the configuration, without connections */
    size_t first;  /**< of the first connection: with it comes what all share */
    size_t all;    /**< of all connections */
    size_t peak;   /**< the most that one further handshake needed on top of what was there */
};

static inline void bench_print_growth(const char *who, const struct bench_growth *g, unsigned count)
{
    size_t further = count > 1 ? (g->all - g->first) / (count - 1) : g->all;
    (void)printf("%s_config=%zu %s_first=%zu %s_further=%zu %s_peak=%zu ", who, g->config, who,
                 g->first, who, further, who, g->peak);
}

static inline long long bench_microseconds(struct timeval t)
{
    return (long long)t.tv_sec * 1000000 + t.tv_usec;
}

/** CPU time of this process so far, and what the connections came to. A resumption is asked for once,
 *  of the last connection: start-up cancels out of the figures, and so does a single question. */
static inline void bench_print_usage(bool resumed, uint64_t received)
{
    struct rusage usage;
    bench_need(getrusage(RUSAGE_SELF, &usage) == 0, "getrusage");
    (void)printf("user_us=%lld system_us=%lld resumed=%d received=%llu\n",
                 bench_microseconds(usage.ru_utime), bench_microseconds(usage.ru_stime), resumed,
                 (unsigned long long)received);
}

#endif
