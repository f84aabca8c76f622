/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_BASE_TEXT_FORMAT_H
#define LN_BASE_TEXT_FORMAT_H
/*
 * The part of text.h for functions that are variadic themselves. The only door to stdio in base:
 * of it only vsnprintf is used.
 */
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>

/* As ln__text_add(). */
void ln__text_vadd(struct ln__text *text, const char *format, va_list args) LN_PRINTF(2, 0);

#endif
