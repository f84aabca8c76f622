/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_LWM2M_SESSION_H
#define LN_LWM2M_SESSION_H
/**
 * @file session.h
 * The (D)TLS session of one server in memory, for clients without a store of their own: one blob, as
 * large as it is, gone with the process.
 */
#include <linnet/tls.h>

struct ln__session {
    const struct ln_env *env;
    uint8_t *blob;
    size_t len;
    char key[33];
};

/** The store over it; `session` must outlive what uses the store. */
struct ln_session_store ln__session_store(struct ln__session *session, const struct ln_env *env);
/** Wipe and free. */
void ln__session_free(struct ln__session *session);

#endif
