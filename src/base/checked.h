/* Arithmetic on sizes that come from a file: true when the result does not fit. */
#ifndef BASE_CHECKED_H
#define BASE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All return true on overflow (the result is then unspecified), like the compiler's builtins. */
static inline bool mul_i64(int64_t a, int64_t b, int64_t *r)
{
	return __builtin_mul_overflow(a, b, r);
}
static inline bool add_i64(int64_t a, int64_t b, int64_t *r)
{
	return __builtin_add_overflow(a, b, r);
}
static inline bool sub_i64(int64_t a, int64_t b, int64_t *r)
{
	return __builtin_sub_overflow(a, b, r);
}
static inline bool mul_size(size_t a, size_t b, size_t *r)
{
	return __builtin_mul_overflow(a, b, r);
}
static inline bool add_size(size_t a, size_t b, size_t *r)
{
	return __builtin_add_overflow(a, b, r);
}

#endif
