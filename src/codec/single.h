/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_CODEC_SINGLE_H
#define LN_CODEC_SINGLE_H
/**
 * @file single.h
 * Formats whose payload is one value and says nothing else: text/plain and octet-stream.
 *
 * Text (OMA-TS-LightweightM2M_Core-V1_1_1 7.4.1): numbers are decimal, true is 1, false is 0, a
 * link is "3:0", bytes are Base64, with or without padding. Numbers of up to 64 characters. An
 * infinite number, or none, has no text. Taken as LN_VALUE_NONE it is a STRING.
 *
 * Octet-stream (7.4.2): a value of OPAQUE, as it is. Read as text, too, because some servers send
 * it so; never written for other types.
 */
struct ln_format;

extern const struct ln_format ln__format_text;
extern const struct ln_format ln__format_opaque;

#endif
