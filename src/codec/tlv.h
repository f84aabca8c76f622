/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_CODEC_TLV_H
#define LN_CODEC_TLV_H
/**
 * @file tlv.h
 * application/vnd.oma.lwm2m+tlv (OMA-TS-LightweightM2M_Core-V1_1_1 7.4.3): the format table, and
 * what a reader of it remembers between two entries.
 *
 * Read: all that is well-formed, in the shortest encoding or not, in any order. In the payload of
 * an instance its resources may be wrapped in the instance itself; in that of a resource instance,
 * it may be wrapped in its resource. Integers of 1, 2, 4 and 8 bytes, floats of 4 and 8.
 *
 * Written: the shortest encoding; floats of 4 bytes where these say the same; unsigned numbers so
 * that a reader of signed ones reads the same, up to 2^63-1.
 *
 * Values have no type in the payload: taken as LN_VALUE_NONE they are OPAQUE.
 */
#include <linnet/path.h>

struct ln_format;
extern const struct ln_format ln__format_tlv;

/** Where a reader is: in an object instance, and in it in a resource of many instances. */
struct ln_tlv_reader {
    uint32_t instance_left; /**< bytes of the open instance that were not read yet */
    uint32_t array_left;    /**< of the open resource */
    uint16_t instance;
    uint16_t array;
    bool in_instance;
    bool in_array;
    bool wrapped; /**< an instance came on the outermost level */
    bool bare;    /**< something else did */
};

#endif
