/* What the processor and the operating system let us use, looked up once, and a mask to lower it.
 */
#ifndef BASE_CPU_H
#define BASE_CPU_H

#include <stdbool.h>
#include <stddef.h>

enum cpu_feature {
	CPU_AVX2 = 1 << 0,   /* AVX2, FMA, F16C, and YMM state in XCR0 */
	CPU_AVX512 = 1 << 1, /* F, BW, DQ, VL, and ZMM state in XCR0 */
	CPU_VNNI = 1 << 2,   /* AVX512_VNNI */
	CPU_BF16 = 1 << 3,   /* AVX512_BF16 */
	/* Beside CPU_BF16: its products come faster than FP32's. So on AMD's cores; Intel's start
	 * dpbf16ps every other cycle on one port, and take half the rate of FP32. Set wherever
	 * cpu_limit names "bf16", so that all such kernels can be tried. */
	CPU_BF16_FAST = 1 << 4,
};

/* Bits the machine has, lowered by cpu_limit. CPUID and XCR0 are read once. */
unsigned cpu_features(void);
/* "ref", "avx2", "avx512", "vnni", "bf16" (each with all before it): keeps only these of what the
 * machine has; false for another word. Call before threads start. */
bool cpu_limit(const char *level);
/* Name of the highest level in use, for reports. */
const char *cpu_level(void);
/* Bytes of a core's second cache, between 256 KB and 4 MB; 1 MB when nobody tells. */
size_t cpu_l2(void);

#endif
