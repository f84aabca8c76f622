/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_OBJECTS_H
#define LN_OBJECTS_H
/**
 * @file objects.h
 * The objects that come with the library, each ready to be added to a client.
 *
 * Life:     ln_client_new -> ln_core_objects_add (0, 1, 2) -> ln_client_add_account -> others ->
 *           ln_client_start
 * Memory:   instances are the library's where nothing else is said; /3, /4 and /3333 take a struct
 *           of yours whose fields you change, followed by ln_client_changed().
 * Own ones: are written in the same way: object.h. src/objects uses nothing but the public API.
 * Example:  examples/01_hello.c, examples/02_object.c
 */
#include <linnet/client.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- accounts: Security /0 and Server /1, Access Control /2 ---- */

/** Add the objects 0, 1 and 2, without instances. */
LN_MUST_USE LN_API enum ln_status ln_core_objects_add(struct ln_client *client);

/** How the server and the device prove who they are: /0/x/2. */
enum ln_security_mode {
    LN_SECURITY_PSK = 0,
    LN_SECURITY_RPK = 1, /**< not yet */
    LN_SECURITY_CERTIFICATE = 2,
    LN_SECURITY_NONE = 3,
    LN_SECURITY_EST = 4, /**< not yet */
};

/** One management server. Start from LN_ACCOUNT_INIT. All is copied. */
struct ln_account {
    const char *uri;            /**< "coaps://server.example", at most 255 bytes */
    uint16_t ssid;              /**< short server id, 1..65534 */
    enum ln_security_mode mode; /**< coap: NONE; coaps: PSK or CERTIFICATE */
    struct ln_span identity;    /**< PSK: at most 128 bytes; else the own certificate, DER */
    struct ln_span secret;      /**< PSK: the key, at most 64 bytes; else the private key, DER */
    struct ln_span server_key;  /**< certificate mode: the server's certificate or its digest */
    uint8_t matching;           /**< how: 0 exact, 1 SHA-256, 2 SHA-384, 3 SHA-512 */
    uint8_t usage;              /**< what it certifies, RFC 6698: 0..3; 3 = the server itself */
    const char *sni;            /**< name to verify instead of the URI's host; NULL */
    const uint16_t *suites; /**< cipher suites to offer, IANA ids; NULL = the library's choice */
    size_t suite_count;     /**< at most 8 */
    uint32_t lifetime_s; /**< of the registration; 0 = for ever at a server of LwM2M 1.2, and 86,400
                               at others */
    const char *binding; /**< "U" */
    bool store;          /**< keep notifications while offline (/1/x/6) */
};
#ifdef __cplusplus
static inline struct ln_account ln__account_init(void)
{
    struct ln_account made = {};
    made.ssid = 1;
    made.mode = LN_SECURITY_NONE;
    made.usage = 3;
    made.lifetime_s = 86400;
    made.binding = "U";
    made.store = true;
    return made;
}
#define LN_ACCOUNT_INIT ln__account_init()
#else
#define LN_ACCOUNT_INIT { .ssid = 1, .mode = LN_SECURITY_NONE, .usage = 3, .lifetime_s = 86400,    \
                          .binding = "U", .store = true }
#endif

/**
 * Add an instance of /0 and one of /1 for a server.
 * @param diag  may be NULL; names the field
 * @retval LN_BAD_ARG    a field is missing or too long, or the ssid is in use; nothing was added
 * @retval LN_UNSUPPORTED  the mode; nothing was added. (URI and keys are looked at by ln_client_start)
 * @retval LN_BAD_STATE  ln_core_objects_add() was not called, or the client runs
 * @retval LN_NO_MEMORY  nothing was added
 */
LN_MUST_USE LN_API enum ln_status ln_client_add_account(struct ln_client *client,
                                                        const struct ln_account *account,
                                                        struct ln_diag *diag);

/* ---- Device /3 ---- */

/** Most sources of power, and most error codes. */
#define LN_DEVICE_POWER_MAX 4
#define LN_DEVICE_ERRORS_MAX 8

/** The fields of /3/0. Strings are borrowed; NULL: the resource does not exist. */
struct ln_device {
    const char *manufacturer;
    const char *model;
    const char *serial;
    const char *firmware;
    const char *hardware;
    const char *software;
    const char *type;
    const char *binding; /**< /3/0/16; "U" */
    LN_MULTI(int32_t, LN_DEVICE_POWER_MAX) power_sources;
    LN_MULTI(int32_t, LN_DEVICE_POWER_MAX) power_voltages; /**< mV, of the same ids */
    LN_MULTI(int32_t, LN_DEVICE_POWER_MAX) power_currents; /**< mA */
    LN_MULTI(int32_t, LN_DEVICE_ERRORS_MAX) errors;        /**< [0] = 0: none */
    int32_t battery_level;                                 /**< percent */
    int32_t battery_status;                                /**< 0 normal .. 6 unknown */
    int32_t memory_free;                                   /**< kB */
    int32_t memory_total;                                  /**< kB */
    char utc_offset[8];                                    /**< "+02:00"; written by servers */
    char timezone[48];   /**< "Europe/Berlin"; written by servers */
    int64_t time_offset; /**< /3/0/13 minus the wall clock; changed when a server sets the time */
    uint32_t present;    /**< which optional resources exist: ln_device_init() */

    /** Restart the device: called when a server asks, so that it must return; the answer goes out
     *  after it. NULL: /3/0/4 is answered 4.05. */
    void (*reboot)(void *user);
    void (*factory_reset)(void *user); /**< NULL: there is no /3/0/5 */
    /** Fill in what changes by itself (memory, battery) before it is read; may be NULL. */
    void (*refresh)(void *user, struct ln_device *device);
    void *user;
};

/** "U", error 0, and all optional resources that are measured switched off. */
LN_API void ln_device_init(struct ln_device *device);
/** Say that an optional resource exists from now on: 6..10, 14, 15, 20, 21. Others: LN_NOT_FOUND. */
LN_MUST_USE LN_API enum ln_status ln_device_enable(struct ln_device *device, uint16_t rid);
/** @param device  borrowed until the client is freed */
LN_MUST_USE LN_API enum ln_status ln_device_add(struct ln_client *client, struct ln_device *device);
/** Add an error code (1..32) or, with 0, clear all; observers are told. */
LN_API void ln_device_error(struct ln_client *client, struct ln_device *device, int32_t code);

/* ---- Connectivity Monitoring /4 ---- */

#define LN_CONNECTIVITY_ADDRESSES_MAX 4
#define LN_CONNECTIVITY_BEARERS_MAX 4

struct ln_connectivity {
    int32_t bearer; /**< 21 WLAN, 41 Ethernet, ... */
    LN_MULTI(int32_t, LN_CONNECTIVITY_BEARERS_MAX) bearers;
    int32_t signal; /**< dBm; 0 for wires */
    int32_t link_quality;
    LN_MULTI_TEXT(46, LN_CONNECTIVITY_ADDRESSES_MAX) addresses;
    LN_MULTI_TEXT(46, LN_CONNECTIVITY_ADDRESSES_MAX) routers;
    uint32_t present;
    /** As in struct ln_device. */
    void (*refresh)(void *user, struct ln_connectivity *connectivity);
    void *user;
};
LN_API void ln_connectivity_init(struct ln_connectivity *connectivity);
LN_MUST_USE LN_API enum ln_status ln_connectivity_add(struct ln_client *client,
                                                      struct ln_connectivity *connectivity);

/* ---- Time /3333 ---- */

struct ln_time {
    int64_t offset; /**< /3333/x/5506 minus the wall clock; changed when a server sets the time */
    char application_type[32];
};
/** Add the object and one instance; its current time is the wall clock's.
 *  @param time  borrowed until the client is freed; NULL: one is allocated */
LN_MUST_USE LN_API enum ln_status ln_time_add(struct ln_client *client, struct ln_time *time);

/* ---- test objects of OMA: 3441 (LwM2M 1.0) and 3442 (LwM2M 1.1) ---- */

/** Add both objects, with one instance each; servers may create more. */
LN_MUST_USE LN_API enum ln_status ln_test_objects_add(struct ln_client *client);

#ifdef __cplusplus
}
#endif
#endif
