/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_LWM2M_SECURITY_H
#define LN_LWM2M_SECURITY_H
/**
 * @file security.h
 * What an instance of Security /0 says of keys and certificates. There are two implementations of
 * which a build has one: security_tls.c, and security_off.c for LN_TLS=off, which takes mode 3 alone.
 */
#include "lwm2m/core.h"

enum mode { MODE_PSK = 0, MODE_RPK = 1, MODE_CERTIFICATE = 2, MODE_NOSEC = 3, MODE_EST = 4 };

#define RID_URI 0
#define RID_MODE 2
#define RID_IDENTITY 3
#define RID_SERVER_KEY 4
#define RID_SECRET 5
#define RID_MATCHING 13
#define RID_SNI 14
#define RID_USAGE 15
#define RID_SUITES 16

/** Check the security mode against the scheme, and make server->tls for coaps.
 *  @retval LN_BAD_ARG, LN_UNSUPPORTED  diag names the resource */
LN_MUST_USE enum ln_status ln__security_setup(struct ln__server *server, struct ln_diag *diag);
/** Give the DTLS socket the name that /0/x/14 wants verified, if there is one. */
LN_MUST_USE enum ln_status ln__security_name(struct ln__server *server, struct ln_diag *diag);
/** Release server->tls and the session. */
void ln__security_free(struct ln__server *server);

/* ---- reading the instance (connection.c) ---- */

struct ln_span ln__security_bytes(const struct ln__server *server, uint16_t rid);
int64_t ln__security_number(const struct ln__server *server, uint16_t rid, int64_t otherwise);
/** Put "Security /0/<iid>/<rid>: <why>" into the record. @return status */
enum ln_status ln__security_refuse(const struct ln__server *server, struct ln_diag *diag,
                                   enum ln_status status, unsigned rid, const char *why);

#endif
