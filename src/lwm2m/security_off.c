/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Security for LN_TLS=off: there is none, and whoever asks for it is refused. See security.h.
 */
#include <linnet/download.h>

#include "lwm2m/security.h"

enum ln_status ln__security_setup(struct ln__server *s, struct ln_diag *diag)
{
    if (s->kind == LN_DTLS || ln__security_number(s, RID_MODE, -1) != MODE_NOSEC)
        return ln__security_refuse(
            s, diag, LN_UNSUPPORTED, RID_MODE,
            LN__WORDS("this build has no DTLS: coap with mode 3 (none) is possible"));
    return LN_OK;
}

enum ln_status ln__security_name(struct ln__server *s, struct ln_diag *diag)
{
    (void)s;
    (void)diag;
    return LN_UNSUPPORTED;
}

void ln__security_free(struct ln__server *s)
{
    (void)s;
}

enum ln_status ln_client_security_for_uri(struct ln_client *client, const struct ln_uri *uri,
                                          struct ln_download_security *out, struct ln_diag *diag)
{
    (void)client;
    (void)uri;
    (void)out;
    (void)diag;
    return LN_NOT_FOUND;
}
