/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_BASE_FEATURES_H
#define LN_BASE_FEATURES_H
/**
 * @file features.h
 * What LN_SMALL leaves out where a file of its own (x_small.c in place of x.c) would repeat too much. Used
 * in conditions that the compiler decides, at the one place that a feature hangs on.
 */

#ifdef LN_SMALL
enum {
    LN__WITH_TCP = 0,    /**< CoAP over TCP, RFC 8323 */
    LN__WITH_FETCH = 0,  /**< CoAP: our own requests observe, and get answers in blocks */
    LN__WITH_BASE64 = 0, /**< opaque values as text */
    LN__WITH_WORDS = 0,  /**< sentences: in diagnostic payloads and tables */
};
#define LN__WORDS(text) NULL
#else
enum {
    LN__WITH_TCP = 1,
    LN__WITH_FETCH = 1,
    LN__WITH_BASE64 = 1,
    LN__WITH_WORDS = 1,
};
/** A sentence in a constant table; NULL in a small build. */
#define LN__WORDS(text) text
#endif

#endif
