/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file certificate.c
 * A certificate in words for people: ln_certificate_read() of tls.h.
 */
#include "base/try.h"
#include "codec/x509.h"
#include <linnet/tls.h>
#include <string.h>

enum ln_status ln_certificate_read(struct ln_span der, struct ln_certificate *out)
{
    struct ln_x509 cert;
    TRY(ln__x509_read(der, &cert));
    memset(out, 0, sizeof *out);
    ln__x509_name_text(cert.subject, out->subject, sizeof out->subject);
    ln__x509_name_text(cert.issuer, out->issuer, sizeof out->issuer);
    ln__x509_sans_text(&cert, out->names, sizeof out->names);
    out->not_before = cert.not_before;
    out->not_after = cert.not_after;
    out->is_ca = cert.is_ca;
    out->self_issued = cert.self_issued;
    return LN_OK;
}
