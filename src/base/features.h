/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_BASE_FEATURES_H
#define LN_BASE_FEATURES_H
/**
 * @file features.h
 * What LN_SMALL and LN_WITHOUT leave out where a file of its own (x_small.c in place of x.c) would repeat too much. Used
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
#define LN__REASON(text)
#define LN__REASON_FIELD
#else
enum {
    LN__WITH_TCP = 1,
    LN__WITH_FETCH = 1,
    LN__WITH_BASE64 = 1,
    LN__WITH_WORDS = 1,
};
/** A sentence; NULL in a small build. */
#define LN__WORDS(text) (text)
/** The last field of a constant table, `why`, and its sentence; a small build has no such field. */
#define LN__REASON(text) text
#define LN__REASON_FIELD const char *why;
#endif

/* What the CMake variable LN_WITHOUT names, of any build. */

#ifdef LN_WITHOUT_OBSERVE
enum { LN__WITH_OBSERVE = 0 };
#else
enum { LN__WITH_OBSERVE = 1 }; /**< LwM2M: observations and their notifications */
#endif

#ifdef LN_WITHOUT_ATTRIBUTES
enum { LN__WITH_ATTRIBUTES = 0 };
#else
enum { LN__WITH_ATTRIBUTES = 1 }; /**< LwM2M: Write-Attributes; pmin and pmax of /1 stay */
#endif

#ifdef LN_WITHOUT_DISCOVER
enum { LN__WITH_DISCOVER = 0 };
#else
enum { LN__WITH_DISCOVER = 1 }; /**< LwM2M: Discover */
#endif

#ifdef LN_WITHOUT_CREATE
enum { LN__WITH_CREATE = 0 };
#else
enum { LN__WITH_CREATE = 1 }; /**< LwM2M: Create and Delete */
#endif

#ifdef LN_WITHOUT_BLOCKS
enum { LN__WITH_BLOCKS = 0 };
#else
enum { LN__WITH_BLOCKS = 1 }; /**< CoAP: bodies in blocks, RFC 7959, and streamed resources */
#endif

#endif
