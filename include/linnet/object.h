/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_OBJECT_H
#define LN_OBJECT_H
/**
 * @file object.h
 * How to describe an LwM2M object: a constant table of resources, bound to the fields of a struct.
 *
 * A simple object needs no code: each row of the table names a field of your struct, and the library
 * reads and writes it. What is computed, streamed or acted on is done by the functions of
 * struct ln_object_ops, all of them optional.
 *
 * Life:      ln_client_add_object -> ln_client_add_instance* -> (change a field, ln_client_changed)*
 *            -> ln_client_remove_instance. Tables are constant and borrowed while the client lives.
 * Writing:   is a transaction. A write from a server goes into a copy of the instance's struct:
 *            bound fields and `write` work on that copy, `validate` may refuse it, and only then it
 *            replaces the original and `written` is told. What fails anywhere changes nothing.
 *            The program may make it last before the answer: `keep` of struct ln_client_config.
 *            (Structs are copied as bytes: do not point into your own struct from within it.)
 * Threads:   all functions run in the thread of the client, within ln_client_step() or the call
 *            that caused them.
 * Re-entrancy: they may call ln_client_get, _set, _changed, _update and _post, and must not call
 *            ln_client_step, _free or remove what they are called for.
 * Errors:    an enum ln_answer is what a server is told; it is no enum ln_status, so that "I failed"
 *            and "I say no" cannot be mixed up.
 * Example:   examples/02_object.c, docs/howto-object.md
 */
#include <linnet/args.h>
#include <linnet/cpp.h>
#include <linnet/env.h>
#include <linnet/path.h>
#include <linnet/value.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ln_client;
struct ln_object;

/** What a server is told: the codes of CoAP (RFC 7252 5.9). */
enum ln_answer {
    LN_ANSWER_OK = 0,
    LN_ANSWER_BAD_REQUEST = 0x80,        /**< 4.00: the value is malformed or out of range */
    LN_ANSWER_UNAUTHORIZED = 0x81,       /**< 4.01 */
    LN_ANSWER_NOT_FOUND = 0x84,          /**< 4.04 */
    LN_ANSWER_NOT_ALLOWED = 0x85,        /**< 4.05: not possible with this resource, or not now */
    LN_ANSWER_NOT_ACCEPTABLE = 0x86,     /**< 4.06: not in that format */
    LN_ANSWER_TOO_LARGE = 0x8d,          /**< 4.13 */
    LN_ANSWER_UNSUPPORTED_FORMAT = 0x8f, /**< 4.15 */
    LN_ANSWER_INTERNAL = 0xa0,           /**< 5.00: the device failed */
    LN_ANSWER_UNAVAILABLE = 0xa3,        /**< 5.03: busy, try later */
};

/* ---- rows of the table ---- */

/* What a server may do with a resource, and what it is. */
#define LN_RES_READ 0x01u
#define LN_RES_WRITE 0x02u
#define LN_RES_EXECUTE 0x04u
#define LN_RES_MULTIPLE 0x08u  /**< has resource instances */
#define LN_RES_MANDATORY 0x10u /**< must be in a Create or a replacing Write, if it is writable */
#define LN_RES_STREAMED 0x20u  /**< opaque or text of any length: read_piece, write_piece */
#define LN_RES_SECRET 0x40u    /**< never shown in logs, not even its length */

/** How the field looks in C. LN_STORE_OPS: there is none, struct ln_object_ops does it. */
enum ln_store {
    LN_STORE_OPS = 0,
    LN_STORE_BOOL,
    LN_STORE_I8,
    LN_STORE_U8,
    LN_STORE_I16,
    LN_STORE_U16,
    LN_STORE_I32,
    LN_STORE_U32,
    LN_STORE_I64,
    LN_STORE_U64,
    LN_STORE_FLOAT,
    LN_STORE_DOUBLE,
    LN_STORE_TEXT,     /**< char[N]: a string with its NUL; longer ones are refused with 4.00 */
    LN_STORE_CONSTANT, /**< const char *: read only; NULL = the resource does not exist */
    LN_STORE_BYTES,    /**< LN_BYTES(N): opaque of at most N bytes */
    LN_STORE_OBJLNK,   /**< struct ln_objlnk */
};

/** A field of at most `n` bytes: `struct { ...; LN_BYTES(64) key; }`. */
#define LN_BYTES(n)                                                                                \
    struct {                                                                                       \
        uint16_t len;                                                                              \
        uint8_t data[n];                                                                           \
    }

/** A field of at most `n` resource instances of the C type `type`, in rising order of their ids. */
#define LN_MULTI(type, n)                                                                          \
    struct {                                                                                       \
        uint16_t count;                                                                            \
        uint16_t ids[n];                                                                           \
        type values[n];                                                                            \
    }

/** The same for strings of less than `room` bytes. */
#define LN_MULTI_TEXT(room, n)                                                                     \
    struct {                                                                                       \
        uint16_t count;                                                                            \
        uint16_t ids[n];                                                                           \
        char values[n][room];                                                                      \
    }

/** One resource. Made by the macros below; 16 bytes. */
struct ln_resource {
    uint16_t id;
    uint8_t type;  /**< enum ln_value_type */
    uint8_t flags; /**< LN_RES_ */
    uint8_t store; /**< enum ln_store */
    uint8_t unused;
    uint16_t offset; /**< of the field in the instance */
    uint16_t size;   /**< bytes of one value in the field */
    uint16_t most;   /**< LN_RES_MULTIPLE: how many fit */
    uint16_t ids;    /**< LN_RES_MULTIPLE: offset of `ids` in the instance */
    uint16_t values; /**< LN_RES_MULTIPLE: offset of `values` in the instance */
};

#define LN__FIELD(s, member) (((s *)0)->member)
/* The C type of a field, told by the compiler. */
#ifdef __cplusplus
extern "C++" {
#define LN__STORE(type, store)                                                                     \
    template <> struct ln__store_of<type> {                                                        \
        static constexpr uint8_t is = store;                                                       \
    }
LN__STORE(bool, LN_STORE_BOOL);
LN__STORE(int8_t, LN_STORE_I8);
LN__STORE(uint8_t, LN_STORE_U8);
LN__STORE(int16_t, LN_STORE_I16);
LN__STORE(uint16_t, LN_STORE_U16);
LN__STORE(int32_t, LN_STORE_I32);
LN__STORE(uint32_t, LN_STORE_U32);
LN__STORE(int64_t, LN_STORE_I64);
LN__STORE(uint64_t, LN_STORE_U64);
LN__STORE(float, LN_STORE_FLOAT);
LN__STORE(double, LN_STORE_DOUBLE);
LN__STORE(const char *, LN_STORE_CONSTANT);
LN__STORE(struct ln_objlnk, LN_STORE_OBJLNK);
#undef LN__STORE
template <size_t N> struct ln__store_of<char[N]> {
    static constexpr uint8_t is = LN_STORE_TEXT;
};
}
#define LN__STORE_OF(value) ln__store_of<decltype(value)>::is
#else
#define LN__STORE_OF(value)                                                                        \
    _Generic((value), _Bool: LN_STORE_BOOL, int8_t: LN_STORE_I8, uint8_t: LN_STORE_U8,             \
        int16_t: LN_STORE_I16, uint16_t: LN_STORE_U16, int32_t: LN_STORE_I32,                      \
        uint32_t: LN_STORE_U32, int64_t: LN_STORE_I64, uint64_t: LN_STORE_U64,                     \
        float: LN_STORE_FLOAT, double: LN_STORE_DOUBLE, char *: LN_STORE_TEXT,                     \
        const char *: LN_STORE_CONSTANT, struct ln_objlnk: LN_STORE_OBJLNK)
#endif

/** A resource that is the field `member` of your struct `s`; the C type is found by itself. */
#define LN_RESOURCE(id, type, flags, s, member)                                                    \
    { (id), (type), (flags), LN__STORE_OF(LN__FIELD(s, member)), 0, offsetof(s, member),           \
      sizeof(LN__FIELD(s, member)), 0, 0, 0 }
/** The same for a field declared with LN_BYTES(). Also for strings that may hold a NUL. */
#define LN_RESOURCE_BYTES(id, type, flags, s, member)                                              \
    { (id), (type), (flags), LN_STORE_BYTES, 0, offsetof(s, member),                               \
      sizeof(LN__FIELD(s, member).data), 0, 0, 0 }
/** The same for a field declared with LN_MULTI(). */
#define LN_RESOURCE_MULTI(id, type, flags, s, member)                                              \
    { (id), (type), (flags) | LN_RES_MULTIPLE, LN__STORE_OF(LN__FIELD(s, member).values[0]), 0,    \
      offsetof(s, member), sizeof(LN__FIELD(s, member).values[0]),                                 \
      sizeof(LN__FIELD(s, member).ids) / sizeof(uint16_t), offsetof(s, member.ids),                \
      offsetof(s, member.values) }
/** LN_MULTI(LN_BYTES(N), M) likewise. */
#define LN_RESOURCE_MULTI_BYTES(id, type, flags, s, member)                                        \
    { (id), (type), (flags) | LN_RES_MULTIPLE, LN_STORE_BYTES, 0, offsetof(s, member),             \
      sizeof(LN__FIELD(s, member).values[0]),                                                      \
      sizeof(LN__FIELD(s, member).ids) / sizeof(uint16_t), offsetof(s, member.ids),                \
      offsetof(s, member.values) }
/** A resource without a field: `ops` reads and writes it. */
#define LN_RESOURCE_OPS(id, type, flags) { (id), (type), (flags), LN_STORE_OPS, 0, 0, 0, 0, 0, 0 }
/** An executable resource. */
#define LN_RESOURCE_EXECUTE(id, flags)                                                             \
    { (id), LN_VALUE_NONE, (flags) | LN_RES_EXECUTE, LN_STORE_OPS, 0, 0, 0, 0, 0, 0 }

/* ---- functions ---- */

/** What a function is called for. Borrowed for the call. */
struct ln_at {
    struct ln_client *client;
    const struct ln_object *object;
    void *user;     /**< as given to ln_client_add_object() */
    void *instance; /**< your struct: in a write the copy, see above; NULL in `create` if none */
    const struct ln_resource *resource;
    uint16_t iid;
    uint16_t riid; /**< LN_ID_NONE for a single resource */
    uint16_t ssid; /**< the server that asks; LN_ID_NONE: the application itself */
};

/** All optional; NULL means what stands behind "else". */
struct ln_object_ops {
    /** Values are going to be read: update fields that change by themselves. Called once before each
     *  Read, notification and evaluation, with at->resource NULL. Else: nothing. */
    void (*refresh)(const struct ln_at *at);
    /** Read a resource without a field. Strings and bytes in *out are borrowed until the next call.
     *  LN_ANSWER_NOT_FOUND: it does not exist now. Else: 4.05. */
    enum ln_answer (*read)(const struct ln_at *at, struct ln_value *out);
    /** How long a streamed resource is now, in bytes. Else: 4.05. */
    enum ln_answer (*read_size)(const struct ln_at *at, uint32_t *size);
    /** Fill the room with the bytes of a streamed resource at `offset`; both lie within its size. The
     *  same bytes may be asked for again. Else: 4.05. */
    enum ln_answer (*read_piece)(const struct ln_at *at, uint32_t offset, struct ln_mspan room);
    /** The id of the resource instance that follows `after` (LN_ID_NONE: the first one) of a resource
     *  without a field; LN_ID_NONE at the end. Else: there are none. */
    uint16_t (*next_riid)(const struct ln_at *at, uint16_t after);
    /** Whether an optional resource without a field exists now. Else: it does. */
    bool (*exists)(const struct ln_at *at);
    /** Take over a value of a resource without a field. Else: 4.05. */
    enum ln_answer (*write)(const struct ln_at *at, const struct ln_value *value);
    /** Remove resource instance at->riid, or all of them (LN_ID_NONE), before an array is replaced.
     *  Also called for optional resources that a replacing Write leaves out. Else: 4.05. */
    enum ln_answer (*clear)(const struct ln_at *at);
    /** Bytes of a streamed resource, in order. `offset` 0: a new value begins; an older one that was
     *  not finished is void. `size`: as told by the server, UINT32_MAX = not known. A streamed value
     *  is not part of a transaction: it has to be undone here. Else: 4.05. */
    enum ln_answer (*write_piece)(const struct ln_at *at, uint32_t offset, uint32_t size,
                                  struct ln_span piece, bool last);
    /** The rest of a streamed value will not come. */
    void (*write_dropped)(const struct ln_at *at);
    /** Execute. What ends the connection (a reboot) is to be done later: the answer must get out.
     *  Else: 4.05. */
    enum ln_answer (*execute)(const struct ln_at *at, const struct ln_args *args);
    /** Whether the copy may replace the original: ranges, and fields that must fit together. `was` is
     *  the original, NULL for a new instance. Else: yes. */
    enum ln_answer (*validate)(const struct ln_at *at, const void *was);
    /** The instance was written and holds the new values; `was` holds the old ones (NULL: created).
     *  Called once for each transaction. */
    void (*written)(const struct ln_at *at, const void *was);
    /** Give a new instance its first values: at->instance is zeroed. Else: all zero. Values only: a
     *  Create that is refused afterwards is undone by forgetting them, so that what must be released
     *  is to be acquired in `written`. */
    enum ln_answer (*create)(const struct ln_at *at);
    /** An instance may be deleted by a server? Else: yes, if the object has LN_OBJECT_DELETE. */
    enum ln_answer (*may_delete)(const struct ln_at *at);
    /** An instance goes. If the library allocated it, it is wiped and freed afterwards. */
    void (*removed)(const struct ln_at *at);
};

#define LN_OBJECT_CREATE 0x01u  /**< servers may create instances */
#define LN_OBJECT_DELETE 0x02u  /**< servers may delete instances */
#define LN_OBJECT_PRIVATE 0x04u /**< no server sees it: not listed, never read (/0, /21) */
#define LN_OBJECT_SINGLE 0x08u  /**< one instance, with id 0 */
#define LN_OBJECT_KEPT 0x10u    /**< a Bootstrap-Delete of / leaves it alone (/3) */

/** An object. Constant; borrowed while the client lives. */
struct ln_object {
    uint16_t id;
    const char *version;                 /**< "1.1"; NULL = "1.0" */
    const struct ln_resource *resources; /**< in rising order of ids */
    uint16_t resource_count;
    uint16_t flags;         /**< LN_OBJECT_ */
    uint16_t instance_size; /**< bytes of your struct */
    uint16_t instance_max;  /**< 0 = no limit */
    /** Offset + 1 of a `uint32_t` in your struct whose bit n tells whether resources[n] exists, for
     *  objects with optional resources; 0: all exist. The first 32 rows count. Writes set bits. */
    uint16_t present;
    const struct ln_object_ops *ops; /**< NULL: all is bound */
};

/** The bit of a resource in the field that `present` names; 0 if there is no such row. */
LN_API uint32_t ln_object_bit(const struct ln_object *object, uint16_t rid);

#define LN_PRESENT(s, member) (offsetof(s, member) + 1)
#define LN_COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))

#ifdef __cplusplus
}
#endif
#endif
