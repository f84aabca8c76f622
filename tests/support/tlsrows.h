/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TESTS_TLSROWS_H
#define LN_TESTS_TLSROWS_H
/**
 * @file tlsrows.h
 * Which TLS libraries meet in a test, and what each of them can do.
 *
 * Every case runs for each `struct tls_row`: a protocol version over a pair of back ends, client
 * first. LN_TEST_PAIR=openssl:mbedtls in the environment keeps one pair; CMake registers each program
 * once for each pair. Without it all pairs run, one after the other.
 *
 * A case names what it needs. Where a back end lacks that, nothing is skipped: it must refuse, when
 * the configuration is made, with LN_UNSUPPORTED and a sentence that names the field. That is looked
 * at here, in place of the row.
 */
#include <linnet/tls.h>
#include <linnet/tls_backend.h>

struct tls_row {
    enum ln_sock_kind kind;
    uint16_t version;
    const struct ln_tls_backend *client;
    const struct ln_tls_backend *server;
    char name[64]; /**< "TLS 1.3, openssl to mbedtls" */
};

enum { TLS_ROWS_MAX = 32 };

struct tls_rows {
    size_t count;
    struct tls_row row[TLS_ROWS_MAX];
};

/* Needs that are no capability of the public header: an option with a value that not every library
 * knows. The table of who lacks which is in tlsrows.c. */
#define TLS_NEED_OLD_VERSIONS (1u << 16) /**< TLS 1.0, TLS 1.1, DTLS 1.0 */
#define TLS_NEED_PSK_SHA384 (1u << 17)   /**< an external PSK of TLS 1.3 that is bound to SHA-384 */
#define TLS_NEED_ED25519 (1u << 18)      /**< a certificate with such a key, for TLS */
#define TLS_NEED_ED25519_DTLS (1u << 19)
#define TLS_NEED_NUL_IN_IDENTITY (1u << 20)
#define TLS_NEED_LONG_PSK (1u << 21)         /**< more than 48 bytes */
#define TLS_NEED_KEY_UPDATE (1u << 22)       /**< nothing to configure: see test_tls_io.c */
#define TLS_NEED_HUGE_CERTIFICATE (1u << 23) /**< 16 KiB and more */
#define TLS_NEED_ANY_SUITES (1u << 24) /**< any suites in any order, also of TLS 1.2 and 1.3 at once */
#define TLS_NEED_ALPN_32 (1u << 25)    /**< a protocol name of 32 bytes */
#define TLS_NEED_PSK_ALONE (1u << 26)  /**< TLS 1.3: a hello with a key and nothing for certificates */
#define TLS_NEED_OWN_ALERTS (1u << 27) /**< tells which encrypted alert it sent; else it is derived */

/** All rows. A version is left out where client or server lacks one of the needs (LN_TLS_CAP_*,
 *  TLS_NEED_*, or 0), after that back end has refused as it must. */
struct tls_rows tls_rows(unsigned needs);
/** Only those of one version. */
struct tls_rows tls_rows_of(uint16_t version, unsigned needs);

/** For what is OpenSSL's alone: the native hook gets an SSL_CTX, DTLS timers ask gettimeofday(). Whatever
 *  a test does with that stands behind this question. */
bool tls_is_openssl(const struct ln_tls_backend *backend);

/** Back ends that only the tests link. The build writes this list; NULL ends it. */
extern const struct ln_tls_backend *const tests_extra_backends[];

/** Those of the library, and behind them the tests' own; NULL behind the last. */
const struct ln_tls_backend *tls_linked(size_t index);
bool tls_is_built_in(const struct ln_tls_backend *backend);

/** The back ends that this run is about, each once; NULL behind the last. */
const struct ln_tls_backend *tls_backend(size_t index);
bool tls_can(const struct ln_tls_backend *backend, unsigned needs);

/** The back end refuses these options: LN_UNSUPPORTED, and a sentence with this word. */
void tls_must_refuse(const struct ln_tls_backend *backend, enum ln_sock_kind kind,
                     const struct ln_tls_options *options, const char *word);
/** The same for the lowest of these needs that there is an option for, in that version. */
void tls_must_refuse_need(const struct ln_tls_backend *backend, uint16_t version, unsigned missing);
/** All needs that there is an option for. */
unsigned tls_askable_needs(void);

#endif
