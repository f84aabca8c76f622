/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_CODEC_WRITER_H
#define LN_CODEC_WRITER_H
/**
 * @file writer.h
 * What the write functions of a format may ask the writer.
 *
 * The rules for a format: decide first whether something can be written, then put it; what comes
 * back as LN_UNSUPPORTED has put nothing. The writer has checked already that a path belongs here.
 */
#include "codec/format.h"

/**
 * The bytes of the value are Base64, and its window is worked out.
 * @param url  the alphabet for URLs, and no padding
 */
void ln__writer_base64(struct ln_writer *w, bool url);

#endif
