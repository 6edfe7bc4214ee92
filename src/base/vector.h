/* What is asked of the compiler for single functions. */
#ifndef BASE_VECTOR_H
#define BASE_VECTOR_H

/* For loops that the compiler shall vectorise although the rest is built for size and speed. */
#if defined(__GNUC__) && !defined(__clang__)
#define VECTOR __attribute__((optimize("O3", "no-trapping-math")))
#else
#define VECTOR
#endif

#endif
