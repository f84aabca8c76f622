/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TESTS_HTTPLOG_H
#define LN_TESTS_HTTPLOG_H
/**
 * @file httplog.h
 * A response, read from pieces of any size, as a text: one line for each field, the head, the body
 * and how it ended. However it is cut, the text is the same.
 */
#include "codec/http.h"

/** How the bytes come. */
struct http_feed {
    uint64_t seed; /**< of the cuts; 0 = all at once */
    size_t most;   /**< bytes that come together; 0 = 16 */
    bool no_body;  /**< the request was HEAD */
    size_t line_max;
    bool stays; /**< the connection does not end behind the last byte */
};

enum { HTTP_LOG_FIELDS_MAX = 1 << 17 };

struct http_log {
    char fields[HTTP_LOG_FIELDS_MAX]; /**< "Name=value|...|200 length 5|" */
    size_t fields_len;
    uint8_t *body; /**< of malloc(), the caller frees it */
    size_t body_len;
    const char *end; /**< "end", "more" is needed, or the sentence of the problem */
    enum ln__http_problem problem;
    struct ln__http_head head;
    bool keeps_open;
    size_t left; /**< bytes behind the response */
};

void http_log_read(struct http_log *log, struct ln_span response, const struct http_feed *feed);
/** Whether two are the same in all that a client can see. */
bool http_log_same(const struct http_log *a, const struct http_log *b);

#endif
