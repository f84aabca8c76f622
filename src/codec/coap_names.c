/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file coap_names.c
 * Names of codes and options of CoAP. Contract: <linnet/coap_msg.h>.
 */
#include <linnet/coap_msg.h>

const char *ln_coap_code_name(uint8_t code)
{
    switch (code) {
#define CODE_CASE(name, class_, detail, text)                                                      \
    case LN_COAP_##name: return text;
        LN_COAP_CODE_LIST(CODE_CASE)
#undef CODE_CASE
    }
    return NULL;
}

const char *ln_coap_code_text(uint8_t code, char text[LN_COAP_CODE_ROOM])
{
    const char *name = ln_coap_code_name(code);
    size_t at = 0;
    if (name == NULL || !ln_coap_is_request(code)) { /* a method is known by its name alone */
        text[at++] = (char)('0' + ln_coap_class(code));
        text[at++] = '.';
        text[at++] = (char)('0' + (code & 0x1f) / 10);
        text[at++] = (char)('0' + (code & 0x1f) % 10);
        if (name != NULL)
            text[at++] = ' ';
    }
    for (; name != NULL && *name != '\0' && at + 1 < LN_COAP_CODE_ROOM; name++)
        text[at++] = *name;
    text[at] = '\0';
    return text;
}

/* "If-Match" from IF_MATCH would be right for most and wrong for the rest: they are written out. */
const char *ln_coap_option_name(uint16_t number)
{
    static const struct {
        uint16_t number;
        const char *name;
    } names[] = {
        { LN_COAP_IF_MATCH, "If-Match" },
        { LN_COAP_URI_HOST, "Uri-Host" },
        { LN_COAP_ETAG, "ETag" },
        { LN_COAP_IF_NONE_MATCH, "If-None-Match" },
        { LN_COAP_OBSERVE, "Observe" },
        { LN_COAP_URI_PORT, "Uri-Port" },
        { LN_COAP_LOCATION_PATH, "Location-Path" },
        { LN_COAP_OSCORE, "OSCORE" },
        { LN_COAP_URI_PATH, "Uri-Path" },
        { LN_COAP_CONTENT_FORMAT, "Content-Format" },
        { LN_COAP_MAX_AGE, "Max-Age" },
        { LN_COAP_URI_QUERY, "Uri-Query" },
        { LN_COAP_ACCEPT, "Accept" },
        { LN_COAP_LOCATION_QUERY, "Location-Query" },
        { LN_COAP_BLOCK2, "Block2" },
        { LN_COAP_BLOCK1, "Block1" },
        { LN_COAP_SIZE2, "Size2" },
        { LN_COAP_PROXY_URI, "Proxy-Uri" },
        { LN_COAP_PROXY_SCHEME, "Proxy-Scheme" },
        { LN_COAP_SIZE1, "Size1" },
        { LN_COAP_ECHO, "Echo" },
        { LN_COAP_NO_RESPONSE, "No-Response" },
        { LN_COAP_REQUEST_TAG, "Request-Tag" },
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].number == number)
            return names[i].name;
    return NULL;
}
