/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TESTS_HTTPFETCH_H
#define LN_TESTS_HTTPFETCH_H
/**
 * @file httpfetch.h
 * One request of an HTTP client, driven in virtual time to its end.
 */
#include <linnet/http.h>

enum { HTTP_FETCH_ROOM = 1 << 20, HTTP_FETCH_FIELDS = 8192 };

struct http_fetch {
    enum ln_status status;            /**< LN_OK: the body came to its end */
    bool headed;                      /**< the response was there */
    struct ln_http_response response; /**< its pointers are good until the next request */
    struct ln_diag diag;
    size_t len; /**< of the body */
    uint8_t body[HTTP_FETCH_ROOM];
    char fields[HTTP_FETCH_FIELDS]; /**< "Name=value|..." */
    ln_msec took;
};

/** Start, step, read. `pause_ms` is what the caller takes after each piece of the body. */
void http_fetch(struct ln_http *http, const struct ln_env *env,
                const struct ln_http_request *request, uint32_t pause_ms, struct http_fetch *out);

#endif
