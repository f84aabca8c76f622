/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_CODEC_OBJLNK_H
#define LN_CODEC_OBJLNK_H
/**
 * @file objlnk.h
 * A link to an object instance as text, "3:0"; 65535:65535 points nowhere.
 */
#include <linnet/value.h>

/** "65535:65535" */
#define LN_OBJLNK_ROOM 11

/** @retval LN_BAD_PEER  not two numbers up to 65535, in their shortest form, around a colon */
LN_MUST_USE enum ln_status ln__objlnk_read(struct ln_span text, struct ln_objlnk *out);

/** Without a NUL. Returns the length. */
size_t ln__objlnk_write(struct ln_objlnk link, char text[LN_OBJLNK_ROOM]);

#endif
