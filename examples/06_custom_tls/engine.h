/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CUSTOM_TLS_ENGINE_H
#define CUSTOM_TLS_ENGINE_H
/**
 * @file engine.h
 * The functions of engine.c that stand in the table.
 */
#include "backend.h"

enum ln_status gtls_start(void *engine, void *config, const struct ln_tls_start *how,
                          struct ln_diag *diag);
enum ln_status gtls_handshake(void *engine, struct ln_diag *diag);
void gtls_set_mtu(void *engine, size_t mtu);
bool gtls_wants_write(const void *engine);
enum ln_status gtls_write(void *engine, struct ln_span plain, size_t *used, struct ln_diag *diag);
enum ln_status gtls_read(void *engine, struct ln_mspan room, size_t *got, size_t *full,
                         struct ln_diag *diag);
bool gtls_pending(const void *engine);
void gtls_info(const void *engine, struct ln_tls_session_info *out);
enum ln_status gtls_peer_certificate(const void *engine, size_t index, struct ln_mspan room,
                                     size_t *len);
void gtls_close_notify(void *engine);
void gtls_stop(void *engine);

#endif
