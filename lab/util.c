/* SPDX-License-Identifier: Apache-2.0 */
/** @file util.c  See util.h. */
#include "util.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

static void *or_end(void *block)
{
    if (block == NULL) {
        fputs("linnet-lab: out of memory\n", stderr);
        exit(1);
    }
    return block;
}

void *lab_alloc(size_t size)
{
    return or_end(calloc(1, size > 0 ? size : 1));
}

void *lab_resize(void *block, size_t size)
{
    return or_end(realloc(block, size > 0 ? size : 1));
}

char *lab_copy(const char *text, size_t len)
{
    char *copy = lab_alloc(len + 1);
    if (len > 0)
        memcpy(copy, text, len);
    return copy;
}

char *lab_text(const char *text)
{
    return lab_copy(text, strlen(text));
}

char *lab_clean(const void *bytes, size_t len)
{
    char *copy = lab_alloc(len + 1);
    (void)ln__text_copy(copy, len + 1, ln_span(bytes, len));
    return copy;
}

char *lab_format(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = lab_alloc(len < 0 ? 1 : (size_t)len + 1);
    if (len >= 0)
        vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    return text;
}

void lab_wipe(void *block, size_t size)
{
    volatile unsigned char *byte = block;
    while (size-- > 0)
        *byte++ = 0;
}

void lab_random(void *block, size_t size)
{
    if (getrandom(block, size, 0) != (ssize_t)size) { /* up to 256 bytes come whole */
        fputs("linnet-lab: the system has no random bytes\n", stderr);
        exit(1);
    }
}

int64_t lab_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool lab_number(const char *text, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return false;
        unsigned digit = (unsigned)(*text - '0');
        if (value > (max - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

static int digit_of(char c)
{
    const char *digits = "0123456789abcdef";
    const char *found = c == '\0' ? NULL : strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c);
    return found == NULL ? -1 : (int)(found - digits);
}

uint8_t *lab_hex(const char *text, size_t *len)
{
    size_t digits = strlen(text);
    if (digits % 2 != 0)
        return NULL;
    uint8_t *bytes = lab_alloc(digits / 2);
    for (size_t i = 0; i < digits / 2; i++) {
        int high = digit_of(text[2 * i]);
        int low = digit_of(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            lab_wipe(bytes, digits / 2);
            free(bytes);
            return NULL;
        }
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    *len = digits / 2;
    return bytes;
}

char *lab_hex_text(const void *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *byte = bytes;
    char *text = lab_alloc(2 * len + 1);
    for (size_t i = 0; i < len; i++) {
        text[2 * i] = digits[byte[i] >> 4];
        text[2 * i + 1] = digits[byte[i] & 15];
    }
    return text;
}

bool lab_begins(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}
