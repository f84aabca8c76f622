/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_OPTIONS_H
#define LAB_OPTIONS_H
/**
 * @file options.h
 * The command line of linnet-lab.
 */
#include "keys.h"

#include <stdbool.h>
#include <stdint.h>

/** The longest timeout: a day. */
#define TIMEOUT_MAX_S 86400u

struct options {
    const char *address;     /**< where to listen; NULL: everywhere, IPv6 and IPv4 */
    uint16_t port;           /**< of coap; 0: any */
    uint16_t secure_port;    /**< of coaps; 0: any */
    const char *certificate; /**< PEM file of the server's chain; NULL: none */
    const char *private_key;
    const char *trust;  /**< PEM file of the CAs that sign devices' certificates */
    const char *script; /**< NULL: commands come from standard input */
    bool json;
    bool serve;         /**< no commands at all */
    unsigned verbose;   /**< how much libcoap tells, on standard error */
    int64_t timeout_ms; /**< what lab.timeout_ms begins with */
};

enum options_result { OPTIONS_RUN, OPTIONS_DONE, OPTIONS_WRONG };

/**
 * Read the command line; keys go to `keys`. What is wrong was told on standard error; DONE: it was
 * asked for help or the version, and that was printed.
 */
enum options_result options_read(struct options *options, struct keys *keys, int argc, char **argv);

#endif
