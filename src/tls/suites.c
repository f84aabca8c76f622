/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file suites.c
 * Contract: suites.h. Sizes are those of RFC 5246 6.2.3, 5288, 6655, 7905 and 8446.
 */
#include "tls/suites.h"

/* Columns of the table, so that a row reads like the name of its suite. */
#define CERTIFICATE .psk = false
#define PRE_SHARED .psk = true
#define TLS13 .tls13 = true
#define GCM .aead = true, .nonce_len = 8, .tag_len = 16
#define CCM .aead = true, .nonce_len = 8, .tag_len = 16
#define CCM_8 .aead = true, .nonce_len = 8, .tag_len = 8
#define CHACHA .aead = true, .nonce_len = 0, .tag_len = 16
#define TAG16 .aead = true, .nonce_len = 0, .tag_len = 16
#define TAG8 .aead = true, .nonce_len = 0, .tag_len = 8
#define CBC_SHA .nonce_len = 16, .tag_len = 20, .block_len = 16
#define CBC_SHA256 .nonce_len = 16, .tag_len = 32, .block_len = 16
#define CBC_SHA384 .nonce_len = 16, .tag_len = 48, .block_len = 16
#define SHA256 .hash = LN_SHA256
#define SHA384 .hash = LN_SHA384

/* Sorted by id (looked up by halves). */
static const struct ln_suite suites[] = {
    { 0x002f, CERTIFICATE, CBC_SHA, SHA256 },    /* RSA_WITH_AES_128_CBC_SHA */
    { 0x0033, CERTIFICATE, CBC_SHA, SHA256 },    /* DHE_RSA_WITH_AES_128_CBC_SHA */
    { 0x0035, CERTIFICATE, CBC_SHA, SHA256 },    /* RSA_WITH_AES_256_CBC_SHA */
    { 0x0039, CERTIFICATE, CBC_SHA, SHA256 },    /* DHE_RSA_WITH_AES_256_CBC_SHA */
    { 0x003c, CERTIFICATE, CBC_SHA256, SHA256 }, /* RSA_WITH_AES_128_CBC_SHA256 */
    { 0x003d, CERTIFICATE, CBC_SHA256, SHA256 }, /* RSA_WITH_AES_256_CBC_SHA256 */
    { 0x0067, CERTIFICATE, CBC_SHA256, SHA256 }, /* DHE_RSA_WITH_AES_128_CBC_SHA256 */
    { 0x006b, CERTIFICATE, CBC_SHA256, SHA256 }, /* DHE_RSA_WITH_AES_256_CBC_SHA256 */
    { 0x008c, PRE_SHARED, CBC_SHA, SHA256 },     /* PSK_WITH_AES_128_CBC_SHA */
    { 0x008d, PRE_SHARED, CBC_SHA, SHA256 },     /* PSK_WITH_AES_256_CBC_SHA */
    { 0x0090, PRE_SHARED, CBC_SHA, SHA256 },     /* DHE_PSK_WITH_AES_128_CBC_SHA */
    { 0x0091, PRE_SHARED, CBC_SHA, SHA256 },     /* DHE_PSK_WITH_AES_256_CBC_SHA */
    { 0x009c, CERTIFICATE, GCM, SHA256 },        /* RSA_WITH_AES_128_GCM_SHA256 */
    { 0x009d, CERTIFICATE, GCM, SHA384 },        /* RSA_WITH_AES_256_GCM_SHA384 */
    { 0x009e, CERTIFICATE, GCM, SHA256 },        /* DHE_RSA_WITH_AES_128_GCM_SHA256 */
    { 0x009f, CERTIFICATE, GCM, SHA384 },        /* DHE_RSA_WITH_AES_256_GCM_SHA384 */
    { 0x00a8, PRE_SHARED, GCM, SHA256 },         /* PSK_WITH_AES_128_GCM_SHA256 */
    { 0x00a9, PRE_SHARED, GCM, SHA384 },         /* PSK_WITH_AES_256_GCM_SHA384 */
    { 0x00aa, PRE_SHARED, GCM, SHA256 },         /* DHE_PSK_WITH_AES_128_GCM_SHA256 */
    { 0x00ab, PRE_SHARED, GCM, SHA384 },         /* DHE_PSK_WITH_AES_256_GCM_SHA384 */
    { 0x00ae, PRE_SHARED, CBC_SHA256, SHA256 },  /* PSK_WITH_AES_128_CBC_SHA256 */
    { 0x00af, PRE_SHARED, CBC_SHA384, SHA384 },  /* PSK_WITH_AES_256_CBC_SHA384 */
    { 0x00b2, PRE_SHARED, CBC_SHA256, SHA256 },  /* DHE_PSK_WITH_AES_128_CBC_SHA256 */
    { 0x00b3, PRE_SHARED, CBC_SHA384, SHA384 },  /* DHE_PSK_WITH_AES_256_CBC_SHA384 */
    { 0x1301, TLS13, TAG16, SHA256 },            /* AES_128_GCM_SHA256 */
    { 0x1302, TLS13, TAG16, SHA384 },            /* AES_256_GCM_SHA384 */
    { 0x1303, TLS13, TAG16, SHA256 },            /* CHACHA20_POLY1305_SHA256 */
    { 0x1304, TLS13, TAG16, SHA256 },            /* AES_128_CCM_SHA256 */
    { 0x1305, TLS13, TAG8, SHA256 },             /* AES_128_CCM_8_SHA256 */
    { 0xc009, CERTIFICATE, CBC_SHA, SHA256 },    /* ECDHE_ECDSA_WITH_AES_128_CBC_SHA */
    { 0xc00a, CERTIFICATE, CBC_SHA, SHA256 },    /* ECDHE_ECDSA_WITH_AES_256_CBC_SHA */
    { 0xc013, CERTIFICATE, CBC_SHA, SHA256 },    /* ECDHE_RSA_WITH_AES_128_CBC_SHA */
    { 0xc014, CERTIFICATE, CBC_SHA, SHA256 },    /* ECDHE_RSA_WITH_AES_256_CBC_SHA */
    { 0xc023, CERTIFICATE, CBC_SHA256, SHA256 }, /* ECDHE_ECDSA_WITH_AES_128_CBC_SHA256 */
    { 0xc024, CERTIFICATE, CBC_SHA384, SHA384 }, /* ECDHE_ECDSA_WITH_AES_256_CBC_SHA384 */
    { 0xc027, CERTIFICATE, CBC_SHA256, SHA256 }, /* ECDHE_RSA_WITH_AES_128_CBC_SHA256 */
    { 0xc028, CERTIFICATE, CBC_SHA384, SHA384 }, /* ECDHE_RSA_WITH_AES_256_CBC_SHA384 */
    { 0xc02b, CERTIFICATE, GCM, SHA256 },        /* ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 */
    { 0xc02c, CERTIFICATE, GCM, SHA384 },        /* ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 */
    { 0xc02f, CERTIFICATE, GCM, SHA256 },        /* ECDHE_RSA_WITH_AES_128_GCM_SHA256 */
    { 0xc030, CERTIFICATE, GCM, SHA384 },        /* ECDHE_RSA_WITH_AES_256_GCM_SHA384 */
    { 0xc035, PRE_SHARED, CBC_SHA, SHA256 },     /* ECDHE_PSK_WITH_AES_128_CBC_SHA */
    { 0xc036, PRE_SHARED, CBC_SHA, SHA256 },     /* ECDHE_PSK_WITH_AES_256_CBC_SHA */
    { 0xc037, PRE_SHARED, CBC_SHA256, SHA256 },  /* ECDHE_PSK_WITH_AES_128_CBC_SHA256 */
    { 0xc038, PRE_SHARED, CBC_SHA384, SHA384 },  /* ECDHE_PSK_WITH_AES_256_CBC_SHA384 */
    { 0xc09c, CERTIFICATE, CCM, SHA256 },        /* RSA_WITH_AES_128_CCM */
    { 0xc09d, CERTIFICATE, CCM, SHA256 },        /* RSA_WITH_AES_256_CCM */
    { 0xc09e, CERTIFICATE, CCM, SHA256 },        /* DHE_RSA_WITH_AES_128_CCM */
    { 0xc09f, CERTIFICATE, CCM, SHA256 },        /* DHE_RSA_WITH_AES_256_CCM */
    { 0xc0a0, CERTIFICATE, CCM_8, SHA256 },      /* RSA_WITH_AES_128_CCM_8 */
    { 0xc0a1, CERTIFICATE, CCM_8, SHA256 },      /* RSA_WITH_AES_256_CCM_8 */
    { 0xc0a2, CERTIFICATE, CCM_8, SHA256 },      /* DHE_RSA_WITH_AES_128_CCM_8 */
    { 0xc0a3, CERTIFICATE, CCM_8, SHA256 },      /* DHE_RSA_WITH_AES_256_CCM_8 */
    { 0xc0a4, PRE_SHARED, CCM, SHA256 },         /* PSK_WITH_AES_128_CCM */
    { 0xc0a5, PRE_SHARED, CCM, SHA256 },         /* PSK_WITH_AES_256_CCM */
    { 0xc0a6, PRE_SHARED, CCM, SHA256 },         /* DHE_PSK_WITH_AES_128_CCM */
    { 0xc0a7, PRE_SHARED, CCM, SHA256 },         /* DHE_PSK_WITH_AES_256_CCM */
    { 0xc0a8, PRE_SHARED, CCM_8, SHA256 },       /* PSK_WITH_AES_128_CCM_8 */
    { 0xc0a9, PRE_SHARED, CCM_8, SHA256 },       /* PSK_WITH_AES_256_CCM_8 */
    { 0xc0aa, PRE_SHARED, CCM_8, SHA256 },       /* PSK_DHE_WITH_AES_128_CCM_8 */
    { 0xc0ab, PRE_SHARED, CCM_8, SHA256 },       /* PSK_DHE_WITH_AES_256_CCM_8 */
    { 0xc0ac, CERTIFICATE, CCM, SHA256 },        /* ECDHE_ECDSA_WITH_AES_128_CCM */
    { 0xc0ad, CERTIFICATE, CCM, SHA256 },        /* ECDHE_ECDSA_WITH_AES_256_CCM */
    { 0xc0ae, CERTIFICATE, CCM_8, SHA256 },      /* ECDHE_ECDSA_WITH_AES_128_CCM_8 */
    { 0xc0af, CERTIFICATE, CCM_8, SHA256 },      /* ECDHE_ECDSA_WITH_AES_256_CCM_8 */
    { 0xcca8, CERTIFICATE, CHACHA, SHA256 },     /* ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 */
    { 0xcca9, CERTIFICATE, CHACHA, SHA256 },     /* ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 */
    { 0xccaa, CERTIFICATE, CHACHA, SHA256 },     /* DHE_RSA_WITH_CHACHA20_POLY1305_SHA256 */
    { 0xccab, PRE_SHARED, CHACHA, SHA256 },      /* PSK_WITH_CHACHA20_POLY1305_SHA256 */
    { 0xccac, PRE_SHARED, CHACHA, SHA256 },      /* ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256 */
    { 0xccad, PRE_SHARED, CHACHA, SHA256 },      /* DHE_PSK_WITH_CHACHA20_POLY1305_SHA256 */
    { 0xd001, PRE_SHARED, GCM, SHA256 },         /* ECDHE_PSK_WITH_AES_128_GCM_SHA256 */
    { 0xd002, PRE_SHARED, GCM, SHA384 },         /* ECDHE_PSK_WITH_AES_256_GCM_SHA384 */
    { 0xd003, PRE_SHARED, CCM_8, SHA256 },       /* ECDHE_PSK_WITH_AES_128_CCM_8_SHA256 */
    { 0xd005, PRE_SHARED, CCM, SHA256 },         /* ECDHE_PSK_WITH_AES_128_CCM_SHA256 */
};

/* RFC 6655 3 and RFC 7905 2: 8 + 8 bytes of CCM_8, 16 of ChaCha20. The same for DTLS 1.3, whose
 * records are padded to 16 bytes of ciphertext (RFC 9147 4.2.3). */
#define RECORD_MIN 16
/* Every AEAD suite stays below (13 + 8 + 16), and CBC with SHA-1 (at most 13 + 16 + 16 + 20, less the
 * padding of a full block). Only CBC with SHA-2, which must be asked for, can cost more. */
#define OVERHEAD_UNKNOWN 64
/* Unified header with 16 bits of sequence number and a length, RFC 9147 4; content type. */
#define OVERHEAD_DTLS13 (5 + 1)

const struct ln_suite *ln__suite(uint16_t id)
{
    size_t from = 0;
    size_t to = sizeof suites / sizeof suites[0];
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (suites[middle].id == id)
            return &suites[middle];
        if (suites[middle].id < id)
            from = middle + 1;
        else
            to = middle;
    }
    return NULL;
}

static size_t at_most(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t minus(size_t a, size_t b)
{
    return a > b ? a - b : 0;
}

static size_t whole_blocks(size_t bytes, size_t block)
{
    return bytes / block * block;
}

size_t ln__suite_record_min(uint16_t id)
{
    const struct ln_suite *s = ln__suite(id);
    if (s == NULL || s->tls13)
        return RECORD_MIN;
    if (s->block_len == 0)
        return (size_t)s->nonce_len + s->tag_len;
    /* At least one byte of padding. The MAC is inside of the blocks; behind them (RFC 7366), it takes
     * as much or more. */
    return s->nonce_len + whole_blocks((size_t)s->tag_len + s->block_len, s->block_len);
}

size_t ln__suite_inner_mtu(uint16_t id, size_t below)
{
    const struct ln_suite *s = ln__suite(id);
    if (s == NULL)
        return minus(below, OVERHEAD_UNKNOWN);
    if (s->tls13)
        return minus(below, (size_t)OVERHEAD_DTLS13 + s->tag_len);
    size_t body = minus(below, (size_t)LN_DTLS_HEADER_LEN + s->nonce_len);
    if (s->block_len == 0)
        return minus(body, s->tag_len);
    size_t inside = minus(whole_blocks(body, s->block_len), (size_t)s->tag_len + 1);
    size_t behind = minus(whole_blocks(minus(body, s->tag_len), s->block_len), 1);
    return at_most(inside, behind);
}
