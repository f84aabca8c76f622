/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TESTS_COAPTEXT_H
#define LN_TESTS_COAPTEXT_H
/**
 * @file coaptext.h
 * Messages of CoAP as a person writes them down, so that a test reads like a trace.
 *
 *     CON GET 7d34 a1b2 Uri-Path:3 Uri-Path:0 Accept:0 Block2:1/0/64
 *     ACK 2.05 7d34 a1b2 Content-Format:0 | 21.5
 *     NON 2.05 0001 - Observe:7 | @64+16          16 bytes of coaptext_body(), from offset 64
 *     TCP PING - #2:                              over TCP there is no type and no message id
 *     RST
 *
 * A word for each: type, code, message id (4 hex digits), token (hex, "-" = none), then options and
 * behind "|" the payload. Options: names of the registry or #number; values are text, decimal
 * numbers, num/more/size for blocks, hex for opaque ones and for #number. A code left out is 0.00.
 *
 * "$x" stands for a message id or token: in what is expected, the first "$x" takes the value that
 * there is, later ones must be the same; in what is built, it is the value that was taken.
 *
 * A mistake in a text aborts the test.
 */
#include <linnet/coap_msg.h>

struct coaptext_vars {
    bool known[128];
    struct ln_coap_token value[128]; /**< of message ids: two bytes */
};

#define COAPTEXT_ROOM 2048

/** The bytes; `room` holds them. */
struct ln_span coaptext_build(const char *text, const struct coaptext_vars *vars,
                              uint8_t room[COAPTEXT_ROOM]);

/** Fail the test, with both as text, unless the bytes are what is expected. Variables are taken. */
void coaptext_expect(struct ln_span bytes, const char *expected, struct coaptext_vars *vars);

/** As one line. @return `text` */
const char *coaptext_render(struct ln_span bytes, bool tcp, char text[COAPTEXT_ROOM]);

/** A byte of the body that all tests send: it differs from its neighbours and from block to block. */
uint8_t coaptext_body(uint32_t offset);

#endif
