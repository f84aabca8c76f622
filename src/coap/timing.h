/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_COAP_TIMING_H
#define LN_COAP_TIMING_H
/*
 * Transmission parameters with the defaults filled in.
 */
#include <linnet/coap.h>

extern const struct ln_coap_timing ln__coap_timing_default;

/* max_retransmit counts truly in the result: 0 is none. So it must not be filled in twice. */
struct ln_coap_timing ln__coap_timing_filled(const struct ln_coap_timing *timing);

#endif
