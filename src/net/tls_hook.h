/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_NET_TLS_HOOK_H
#define LN_NET_TLS_HOOK_H
/**
 * @file tls_hook.h
 * The one thing that src/net needs from src/tls. Declared here and implemented there, so that no
 * file of src/net includes one of src/tls.
 */
#include <linnet/sock.h>

/**
 * Put TLS or DTLS over a transport.
 *
 * @param below      taken on success
 * @param tls        referenced
 * @param peer_name  copied; NULL = the host of the stack
 * @param diag       may be NULL
 * @param out        receives the new top of the stack
 * @retval LN_BAD_ARG    the configuration is for the other nature (stream, datagram); diag tells
 * @retval LN_NO_MEMORY  `below` is still the caller's
 */
enum ln_status ln__tls_filter_new(struct ln_sock *below, struct ln_tls_config *tls,
                                  const char *peer_name, struct ln_diag *diag,
                                  struct ln_sock **out);

#endif
