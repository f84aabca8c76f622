/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CUSTOM_TLS_OUTBOX_H
#define CUSTOM_TLS_OUTBOX_H
/**
 * @file outbox.h
 * DTLS: records of GnuTLS on their way to the socket below, one in each datagram.
 *
 * GnuTLS 3.7 gives up if a flight takes more than 31 records, and forgets the rest of a flight if a
 * datagram finds no room below. So it is told that datagrams may be large, and the messages that are in
 * plain text are cut to the MTU here, with record numbers of our own; and in a handshake what finds no
 * room waits.
 */
#include "backend.h"

/** Send a record. What is lost below is lost; e->io_status tells of failures. */
void gtls_outbox_send(struct gtls_engine *e, struct ln_span record);
/** Send what found no room before. True if nothing is left. */
bool gtls_outbox_flush(struct gtls_engine *e);
void gtls_outbox_clear(struct gtls_outbox *out);

#endif
