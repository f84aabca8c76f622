/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The formats of payloads that a small build knows: those that every version of LwM2M has. See core.h.
 */
#include "codec/format.h"
#include "codec/single.h"
#include "codec/tlv.h"
#include "lwm2m/core.h"

static const struct ln_format *const formats[] = {
    &ln__format_text,
    &ln__format_opaque,
    &ln__format_tlv,
};

const struct ln_format *const *ln__formats(size_t *count)
{
    *count = sizeof formats / sizeof formats[0];
    return formats;
}
