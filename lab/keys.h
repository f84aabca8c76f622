/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_KEYS_H
#define LAB_KEYS_H
/**
 * @file keys.h
 * Who may register, and how: pre-shared keys, and endpoints that must come with a certificate.
 *
 * An endpoint with an entry may only come that way. One without an entry may come in the clear.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct key {
    char *endpoint;
    char *identity; /**< NULL: a certificate whose common name is the endpoint */
    uint8_t *secret;
    size_t secret_len;
    struct key *next;
};

struct keys {
    struct key *first;
};

/** Add "ENDPOINT=IDENTITY:HEXKEY". An endpoint has one entry, and an identity one endpoint.
 *  @return NULL, or what is wrong; never the key itself */
const char *keys_add(struct keys *keys, const char *entry);

/** Entries of a file, one a line; a # begins a comment.
 *  @return NULL, or what is wrong, and where; free() it */
char *keys_read(struct keys *keys, const char *path);

/** From now on this endpoint must come with a certificate. @return NULL, or what is wrong */
const char *keys_add_certificate(struct keys *keys, const char *endpoint);

bool keys_remove(struct keys *keys, const char *endpoint);

const struct key *keys_of_endpoint(const struct keys *keys, const char *endpoint);
const struct key *keys_of_identity(const struct keys *keys, const void *identity, size_t len);

/** All of them, secrets wiped. */
void keys_free(struct keys *keys);

#endif
