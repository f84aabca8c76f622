/* SPDX-License-Identifier: Apache-2.0 */
#include "utf8.h"

/* How many bytes follow a first one; -1: it is none. */
static int followers(unsigned first)
{
    return first < 0x80                    ? 0
           : first >= 0xc2 && first < 0xe0 ? 1
           : first >= 0xe0 && first < 0xf0 ? 2
           : first >= 0xf0 && first < 0xf5 ? 3
                                           : -1;
}

bool utf8_is(const char *text, size_t len)
{
    const unsigned char *at = (const unsigned char *)text;
    const unsigned char *end = at + len;
    while (at < end) {
        unsigned first = *at++;
        int more = followers(first);
        /* The second byte is narrower: no longer form than needed, no surrogate, nothing above 10FFFF. */
        unsigned low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
        unsigned high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
        if (more < 0 || end - at < more)
            return false;
        for (; more > 0; more--, at++) {
            if (*at < low || *at > high)
                return false;
            low = 0x80;
            high = 0xbf;
        }
    }
    return true;
}
