/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: certificates, CRLs, public keys and bundles, and the texts and policies that read
 * what a peer sent (src/codec/x509.c, x509_text.c, pkcs7.c; src/tls/names.c). */
#include "fuzz/fuzz.h"

#include "codec/pkcs7.h"
#include "codec/x509.h"
#include "fuzz/check.h"
#include "tls/names.h"

static void check_text_of_name(struct ln_span name)
{
    static const size_t rooms[] = { 0, 1, 4, 17, 256 };
    char text[256];
    for (size_t i = 0; i < sizeof rooms / sizeof rooms[0]; i++)
        CHECK(is_clean(text, ln__x509_name_text(name, text, rooms[i]), rooms[i]));
}

static void check_names(const struct ln_x509 *cert)
{
    static const char *const references[] = { "leaf.example", "a.wild.example", "192.0.2.1",
                                              "2001:db8::1" };
    struct ln_cursor sans = ln__x509_sans(cert);
    struct ln_san san;
    char text[256];
    while (ln__x509_san_next(&sans, &san)) {
        CHECK(lies_in(san.value, cert->san));
        CHECK(san.kind != LN_SAN_IP || san.value.len == 4 || san.value.len == 16);
    }
    CHECK(ln__cursor_is_empty(&sans)); /* no name was silently left out */
    for (size_t i = 0; i < sizeof references / sizeof references[0]; i++) {
        struct ln_name name;
        CHECK(ln__name_parse(references[i], &name) == LN_OK);
        CHECK(!ln__name_matches(&name, cert) || cert->has_san);
    }
    for (size_t room = 0; room < sizeof text; room += 51)
        CHECK(is_clean(text, ln__x509_sans_text(cert, text, room), room));
}

static void read_certificate(struct ln_span in)
{
    struct ln_x509 cert;
    enum ln_status st = ln__x509_read(in, &cert);
    CHECK(st == LN_OK || st == LN_BAD_PEER);
    if (st != LN_OK)
        return;
    const struct ln_span parts[] = { cert.tbs,  cert.serial, cert.issuer, cert.subject,
                                     cert.spki, cert.san,    cert.ski,    cert.aki };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        CHECK(lies_in(parts[i], in));
    CHECK(cert.version >= 1 && cert.version <= 3);
    CHECK(cert.serial.len > 0 && cert.subject.len >= 2 && cert.issuer.len >= 2);
    CHECK(cert.version == 3 || (!cert.has_san && !cert.is_ca));
    CHECK(ln__x509_spki_check(cert.spki) == LN_OK);
    CHECK(ln__x509_read(ln_span(in.data, in.len - 1), &cert) == LN_BAD_PEER);
    CHECK(ln__x509_read(in, &cert) == LN_OK);
    check_text_of_name(cert.subject);
    check_names(&cert);
}

static void read_bundle(struct ln_span in)
{
    struct ln_cursor certs;
    struct ln_span cert;
    size_t sum = 0;
    if (ln__pkcs7_certs(in, &certs) != LN_OK)
        return;
    size_t all = ln__cursor_left(&certs);
    while (ln__pkcs7_next(&certs, &cert)) {
        CHECK(lies_in(cert, in));
        sum += cert.len;
    }
    CHECK(sum == all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ln_span in = ln_span(data, size);
    struct ln_crl crl;
    if (ln__x509_crl_read(in, &crl) == LN_OK)
        CHECK(lies_in(crl.issuer, in) && crl.issuer.len >= 2);
    if (ln__x509_spki_check(in) == LN_OK)
        CHECK(size > 4);
    read_certificate(in);
    read_bundle(in);
    check_text_of_name(in);
    return 0;
}
