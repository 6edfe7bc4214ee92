/* Immutable counted bytes of constants: mapped, on the heap, or an expression evaluated when read.
 */
#ifndef GRAPH_BLOB_H
#define GRAPH_BLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/file.h"
#include "base/status.h"
#include "graph/dtype.h"

struct blob;

/* All constructors return a reference that blob_unref gives back, or NULL without memory.
 * They take their own reference on blobs and files handed in. */
struct blob *blob_heap(
    void *data, size_t size); /* takes data, frees it with free() (also on failure) */
struct blob *blob_copy(const void *data, size_t size);
struct blob *blob_mapped(struct file *f, size_t off, size_t size);
struct blob *blob_lent(const void *data, size_t size); /* bytes that outlive it */
/* count copies of one element. */
struct blob *blob_fill(const void *element, size_t element_size, int64_t count);
/* f32 source seen as [outer][channels][inner]: out = (float)(source * scale[channel]), one
 * rounding. Copies scale. Scaling a scaled blob with the same geometry multiplies the scales in
 * double. */
struct blob *blob_scaled(struct blob *src, int64_t channels, int64_t inner, const double *scale);
/* size bytes that make writes when they are first read; it is given user, which free() takes back
 * (on failure, too). */
struct blob *blob_made(size_t size, void (*make)(const void *user, void *dst), void *user);
/* count elements of type from, cast to type to: float to float rounds once; other pairs as
 * tensor_set_*. */
struct blob *blob_cast(struct blob *src, enum dtype from, enum dtype to, int64_t count);

/* f32 to f16 with the rounding errors of each row of that many elements balanced
 * (f32_to_f16_diffuse). */
struct blob *blob_half(struct blob *src, int64_t row, int64_t count);

struct blob *blob_ref(struct blob *b);
void blob_unref(struct blob *b); /* NULL is legal */
size_t blob_size(const struct blob *b);
/* The bytes where they can be addressed at once (mapped or heap), else NULL. Mapped ones start at
 * any address: read their elements by memcpy. */
const void *blob_direct(const struct blob *b);
/* The bytes of any blob, aligned to 8: a deferred or misaligned one is evaluated once and kept.
 * NULL without memory. */
const void *blob_data(struct blob *b);
/* Evaluates bytes [off, off+size) into dst without keeping anything; off and size are multiples of
 * 64 or end at the blob's end. */
int blob_read(const struct blob *b, size_t off, void *dst, size_t size, struct err *err);
/* Says that the mapped source bytes of [off, off+size) are not needed soon (pages may go). */
void blob_forget(const struct blob *b, size_t off, size_t size);
bool blob_deferred(const struct blob *b);
/* True for blob_made. */
bool blob_is_made(const struct blob *b);
/* True for blob_fill, with the element's bytes. */
bool blob_is_fill(const struct blob *b, const void **element, size_t *element_size);

#endif
