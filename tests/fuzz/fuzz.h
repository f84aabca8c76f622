/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TESTS_FUZZ_H
#define LN_TESTS_FUZZ_H
/**
 * @file fuzz.h
 * What every fuzz target defines, so that its definition has a prototype.
 *
 * Called by libFuzzer (preset fuzz) or by replay_main.c (all other presets) with one input.
 * Returns 0; whatever is wrong must crash. It must be deterministic: no clock, no randomness, no
 * state that outlives the call.
 */
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
