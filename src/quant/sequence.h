/* In which order samples are taken from where they lie. */
#ifndef QUANT_SEQUENCE_H
#define QUANT_SEQUENCE_H

#include <stdint.h>

/* Both give the numbers from 0 to n - 1 in an order, from the heap; NULL without memory. */
int64_t *sequence_shuffled(int64_t n, uint64_t seed);
/* One of each class in turn, as long as it has any; those of class[i] == class[i + 1] lie together.
 */
int64_t *sequence_by_class(const int64_t *class, int64_t n);

#endif
