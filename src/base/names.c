/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract: the names of alerts, versions and groups in <linnet/diag.h>. Cipher suites: suites.c.
 * All of IANA "TLS parameters", as of 2025.
 */
#include <linnet/diag.h>

#include "base/text.h"

/* Indexed by AlertDescription. IANA adds "_RESERVED" to the ones that TLS 1.3 dropped; a TLS 1.2
 * peer still sends them, so they are named without it. */
static const char *const alerts[] = {
    [0] = "close_notify",
    [10] = "unexpected_message",
    [20] = "bad_record_mac",
    [21] = "decryption_failed",
    [22] = "record_overflow",
    [30] = "decompression_failure",
    [40] = "handshake_failure",
    [41] = "no_certificate",
    [42] = "bad_certificate",
    [43] = "unsupported_certificate",
    [44] = "certificate_revoked",
    [45] = "certificate_expired",
    [46] = "certificate_unknown",
    [47] = "illegal_parameter",
    [48] = "unknown_ca",
    [49] = "access_denied",
    [50] = "decode_error",
    [51] = "decrypt_error",
    [52] = "too_many_cids_requested",
    [60] = "export_restriction",
    [70] = "protocol_version",
    [71] = "insufficient_security",
    [80] = "internal_error",
    [86] = "inappropriate_fallback",
    [90] = "user_canceled",
    [100] = "no_renegotiation",
    [109] = "missing_extension",
    [110] = "unsupported_extension",
    [111] = "certificate_unobtainable",
    [112] = "unrecognized_name",
    [113] = "bad_certificate_status_response",
    [114] = "bad_certificate_hash_value",
    [115] = "unknown_psk_identity",
    [116] = "certificate_required",
    [117] = "general_error",
    [120] = "no_application_protocol",
    [121] = "ech_required",
};

const char *ln_alert_name(uint8_t number)
{
    if (number == LN_ALERT_NOT_TOLD)
        return "not told by this library";
    if (number >= sizeof alerts / sizeof alerts[0] || alerts[number] == NULL)
        return "unassigned";
    return alerts[number];
}

/* DTLS counts downwards: 1's complement of the TLS version it goes with. */
static const struct {
    uint16_t id;
    const char *name;
} versions[] = {
    { 0x0300, "SSL 3.0" }, { 0x0301, "TLS 1.0" },  { 0x0302, "TLS 1.1" },  { 0x0303, "TLS 1.2" },
    { 0x0304, "TLS 1.3" }, { 0xfeff, "DTLS 1.0" }, { 0xfefd, "DTLS 1.2" }, { 0xfefc, "DTLS 1.3" },
};

const char *ln_version_name(uint16_t version)
{
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++)
        if (versions[i].id == version)
            return versions[i].name;
    return "unknown";
}

struct group {
    uint16_t id;
    const char *name;
};

/* IANA "TLS Supported Groups": the elliptic curves that libraries still know, finite fields
 * (RFC 7919), post-quantum ones and hybrids. */
static const struct group groups[] = {
    { 15, "secp160k1" },
    { 16, "secp160r1" },
    { 17, "secp160r2" },
    { 18, "secp192k1" },
    { 19, "secp192r1" },
    { 20, "secp224k1" },
    { 21, "secp224r1" },
    { 22, "secp256k1" },
    { 23, "secp256r1" },
    { 24, "secp384r1" },
    { 25, "secp521r1" },
    { 26, "brainpoolP256r1" },
    { 27, "brainpoolP384r1" },
    { 28, "brainpoolP512r1" },
    { 29, "x25519" },
    { 30, "x448" },
    { 31, "brainpoolP256r1tls13" },
    { 32, "brainpoolP384r1tls13" },
    { 33, "brainpoolP512r1tls13" },
    { 34, "GC256A" },
    { 35, "GC256B" },
    { 36, "GC256C" },
    { 37, "GC256D" },
    { 38, "GC512A" },
    { 39, "GC512B" },
    { 40, "GC512C" },
    { 41, "curveSM2" },
    { 256, "ffdhe2048" },
    { 257, "ffdhe3072" },
    { 258, "ffdhe4096" },
    { 259, "ffdhe6144" },
    { 260, "ffdhe8192" },
    { 512, "MLKEM512" },
    { 513, "MLKEM768" },
    { 514, "MLKEM1024" },
    { 4587, "SecP256r1MLKEM768" },
    { 4588, "X25519MLKEM768" },
    { 4589, "SecP384r1MLKEM1024" },
};

/* What NIST and OpenSSL call them: people copy these from server configurations. */
static const struct group group_aliases[] = {
    { 23, "P-256" },
    { 24, "P-384" },
    { 25, "P-521" },
    { 23, "prime256v1" },
};

const char *ln_group_name(uint16_t group)
{
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
        if (groups[i].id == group)
            return groups[i].name;
    return NULL;
}

static uint16_t find_group(const struct group *table, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (ln__text_same(table[i].name, name))
            return table[i].id;
    return 0;
}

uint16_t ln_group_id(const char *name)
{
    if (name == NULL)
        return 0;
    uint16_t id = find_group(groups, sizeof groups / sizeof groups[0], name);
    if (id == 0)
        id = find_group(group_aliases, sizeof group_aliases / sizeof group_aliases[0], name);
    return id;
}
