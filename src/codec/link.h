/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_CODEC_LINK_H
#define LN_CODEC_LINK_H
/**
 * @file link.h
 * application/link-format (RFC 6690) as LwM2M uses it: `</1>;ver=1.1,</1/0>,</3/0/7>;dim=2;pmin=5`.
 *
 * The writer makes the payloads of Register, Update and Discover through a window, so that they may
 * be produced block by block. The reader is for who receives them.
 */
#include "codec/attr.h"
#include "codec/window.h"

/* ---- writing ---- */

struct ln_link_writer {
    struct ln_window out;
    bool begun; /**< a link was written */
};

static inline struct ln_link_writer ln__link_writer(struct ln_mspan room, size_t skip)
{
    struct ln_link_writer w = { ln__window(room, skip), false };
    return w;
}

/**
 * The next link.
 * @param prefix  of all paths, without a slash at its end ("/lwm2m"); usually empty
 */
void ln__link_path(struct ln_link_writer *w, struct ln_span prefix, const struct ln_path *path);

/** `;dim=3`, of the last link. */
void ln__link_number(struct ln_link_writer *w, const char *name, uint64_t value);

/** `;ver=1.1`: not quoted, so only for texts without space, comma, semicolon and quotes. */
void ln__link_token(struct ln_link_writer *w, const char *name, struct ln_span value);

/** `;uri="coaps://a.example"`; quotes and backslashes in the value are escaped. */
void ln__link_quoted(struct ln_link_writer *w, const char *name, struct ln_span value);

/** `;pmin=5;gt=21.5`: all that are set, in the order of LN_ATTR_LIST. */
void ln__link_attrs(struct ln_link_writer *w, const struct ln_attrs *attrs);

/* ---- reading ---- */

/** One link; spans point into the payload. */
struct ln_link {
    struct ln_span target; /**< between < and > */
    struct ln_span params; /**< for ln__link_next_param(); empty or beginning with ";" */
};

struct ln_link_param {
    struct ln_span name;
    struct ln_span value; /**< without its quotes, escapes as they are; empty if there is none */
    bool has_value;
    bool quoted;
};

/**
 * Take the next link from the payload.
 *
 * @param in   what was not read yet; unchanged unless LN_OK
 * @param end  true: there is no other link, *out is unchanged
 * @retval LN_BAD_PEER  malformed: no target, an open quote, a parameter without a name, text
 *                      between links
 */
LN_MUST_USE enum ln_status ln__link_next(struct ln_span *in, struct ln_link *out, bool *end);

/** Take the next parameter of a link. Fails only if `params` is not from ln__link_next(). */
LN_MUST_USE enum ln_status ln__link_next_param(struct ln_span *params, struct ln_link_param *out,
                                               bool *end);

#endif
