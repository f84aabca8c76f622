/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LINNET_CPP_H
#define LINNET_CPP_H
/**
 * @file cpp.h
 * What the macros of the other headers need where C++17 lacks what they use in C11: designated
 * initialisers (LN_TLS_OPTIONS_INIT and its like) and _Generic (LN_RESOURCE). Not for direct use.
 */
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C++" {

/* Zero, but for its size. */
template <typename T> constexpr T ln__sized()
{
    T made {};
    made.size = sizeof(T);
    return made;
}

/* The enum ln_store of a field's type; object.h has the types. */
template <typename T> struct ln__store_of;
template <typename T> struct ln__store_of<T &> : ln__store_of<T> {
};
template <typename T> struct ln__store_of<const T &> : ln__store_of<T> {
};
}
#define LN__SIZED(type) ln__sized<type>()
#else
#define LN__SIZED(type) { .size = sizeof(type) }
#endif

#endif
