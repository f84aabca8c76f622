/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_CODEC_LWM2M_CBOR_H
#define LN_CODEC_LWM2M_CBOR_H
/**
 * @file lwm2m_cbor.h
 * application/vnd.oma.lwm2m+cbor (OMA-TS-LightweightM2M_Core-V1_2 7.5.7): maps in maps, whose keys
 * joined from the outside to the inside are the path, always from the object on.
 *
 * Read: keys are ids or arrays of ids; a map may stand at any level. Keys of text (end devices
 * behind a gateway) are refused. null removes, or asks for a value.
 *
 * Written: maps without a length, so that a container need not be counted before; a time has tag 1;
 * a name is its path with null.
 */
#include "codec/cbor.h"

#include <linnet/path.h>

struct ln_format;
extern const struct ln_format ln__format_lwm2m_cbor;

/** The outermost map and one in it for each level. */
#define LN_LWM2M_CBOR_DEPTH (1 + LN_PATH_LEVELS_MAX)

enum ln_lwm2m_cbor_stage {
    LN_LWM2M_CBOR_AT_START,
    LN_LWM2M_CBOR_AT_KEY,
    LN_LWM2M_CBOR_IN_KEY, /**< in an array */
    LN_LWM2M_CBOR_AT_VALUE,
    LN_LWM2M_CBOR_AT_END,
};

struct ln_lwm2m_cbor_reader {
    enum ln_lwm2m_cbor_stage stage;
    uint8_t depth;                         /**< maps that are open */
    uint32_t entries[LN_LWM2M_CBOR_DEPTH]; /**< left in each; UINT32_MAX: up to a break */
    uint8_t levels[LN_LWM2M_CBOR_DEPTH];   /**< of the path of each map */
    uint32_t key_left;                     /**< ids left in a key that is an array */
    struct ln_path path;                   /**< of the key that was read */
    struct ln_cbor_value value;
};

#endif
