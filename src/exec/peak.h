/* What one core of this machine does at most, measured: the limits that a profile is held against.
 */
#ifndef EXEC_PEAK_H
#define EXEC_PEAK_H

#include "base/status.h"

struct peak {
	double gflops; /* FP32 multiply-adds × 2, a second: the GEMM kernel on a tile in L1 */
	double gbytes; /* read from memory a second, from more than the caches hold */
	double cache_gbytes; /* the same from half of the second cache */
};
/* Takes about 0.1 s and 256 MB. */
int peak_measure(struct peak *p, struct err *err);

#endif
