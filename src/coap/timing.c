/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file timing.c
 * The times that follow from the transmission parameters, RFC 7252 4.8.2.
 */
#include "coap/timing.h"

const struct ln_coap_timing ln__coap_timing_default = {
    .ack_timeout_ms = 2000,      /* ACK_TIMEOUT */
    .ack_random_permille = 1500, /* ACK_RANDOM_FACTOR: spreads devices that booted together */
    .max_retransmit = 4,         /* MAX_RETRANSMIT */
    .max_latency_ms = 100000,    /* MAX_LATENCY */
};

struct ln_coap_timing ln__coap_timing_filled(const struct ln_coap_timing *timing)
{
    struct ln_coap_timing t = *timing;
    if (t.ack_timeout_ms == 0)
        t.ack_timeout_ms = ln__coap_timing_default.ack_timeout_ms;
    if (t.ack_random_permille == 0)
        t.ack_random_permille = ln__coap_timing_default.ack_random_permille;
    if (t.max_retransmit == 0)
        t.max_retransmit = ln__coap_timing_default.max_retransmit;
    if (t.max_retransmit == LN_COAP_NO_RETRANSMIT)
        t.max_retransmit = 0;
    if (t.max_latency_ms == 0)
        t.max_latency_ms = ln__coap_timing_default.max_latency_ms;
    return t;
}

/* ACK_TIMEOUT * (2^times - 1) * ACK_RANDOM_FACTOR */
static ln_msec transmissions(const struct ln_coap_timing *filled, unsigned times)
{
    ln_msec all = (ln_msec)filled->ack_timeout_ms * ((INT64_C(1) << times) - 1);
    return all * filled->ack_random_permille / 1000;
}

ln_msec ln_coap_max_transmit_span(const struct ln_coap_timing *timing)
{
    struct ln_coap_timing t = ln__coap_timing_filled(timing);
    return transmissions(&t, t.max_retransmit);
}

ln_msec ln_coap_max_transmit_wait(const struct ln_coap_timing *timing)
{
    struct ln_coap_timing t = ln__coap_timing_filled(timing);
    return transmissions(&t, t.max_retransmit + 1u);
}

ln_msec ln_coap_exchange_lifetime(const struct ln_coap_timing *timing)
{
    struct ln_coap_timing t = ln__coap_timing_filled(timing);
    ln_msec processing_delay = t.ack_timeout_ms;
    return transmissions(&t, t.max_retransmit) + 2 * (ln_msec)t.max_latency_ms + processing_delay;
}

ln_msec ln_coap_non_lifetime(const struct ln_coap_timing *timing)
{
    struct ln_coap_timing t = ln__coap_timing_filled(timing);
    return transmissions(&t, t.max_retransmit) + t.max_latency_ms;
}
