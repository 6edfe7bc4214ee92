/* What the processor offers (CPUID) and the operating system keeps (XCR0), as bits. */
#include <string.h>
#include <unistd.h>

#include "base/cpu.h"

#define LEVEL_AVX2 CPU_AVX2
#define LEVEL_AVX512 (LEVEL_AVX2 | CPU_AVX512)
#define LEVEL_VNNI (LEVEL_AVX512 | CPU_VNNI)
#define LEVEL_BF16 (LEVEL_VNNI | CPU_BF16)

static const struct level {
	const char *name;
	unsigned bits;
} levels[] = {
    {"ref", 0},
    {"avx2", LEVEL_AVX2},
    {"avx512", LEVEL_AVX512},
    {"vnni", LEVEL_VNNI},
    {"bf16", LEVEL_BF16},
};
#define NLEVELS (sizeof levels / sizeof *levels)
#define KNOWN 0x80000000u /* set in the cache once the machine was asked */

/* The machine's bits and what the user leaves of them; atomic, so that any thread may ask first. */
static unsigned machine_cache;
static unsigned allowed = ~0u;

#if defined(__x86_64__)
#include <cpuid.h>

#define XCR0_YMM 0x06u /* XMM and YMM state */
#define XCR0_ZMM 0xe6u /* and opmask, upper ZMM, ZMM16-31 */
#define BIT(n) (1u << (n))
#define ALL(word, bits) (((word) & (bits)) == (bits))

static unsigned xcr0(void)
{
	unsigned lo, hi;
	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return lo;
}

struct cpuid {
	unsigned a, b, c, d;
};

static struct cpuid ask(unsigned leaf, unsigned part)
{
	struct cpuid r;
	__cpuid_count(leaf, part, r.a, r.b, r.c, r.d);
	return r;
}

/* Each question once: a virtual machine asks its host, which takes microseconds. */
static unsigned machine_ask(void)
{
	struct cpuid maker = ask(0, 0);
	struct cpuid one = maker.a >= 7 ? ask(1, 0) : (struct cpuid){0};
	if (!ALL(one.c, BIT(12) | BIT(27) | BIT(28) | BIT(29)))
		return 0; /* FMA, OSXSAVE, AVX, F16C */
	struct cpuid seven = ask(7, 0);
	unsigned state = xcr0(), found = CPU_AVX2;
	if (!ALL(state, XCR0_YMM) || !(seven.b & BIT(5)))
		return 0;
	if (!ALL(state, XCR0_ZMM) || !ALL(seven.b, BIT(16) | BIT(17) | BIT(30) | BIT(31)))
		return found; /* AVX512 F, DQ, BW, VL */
	found |= CPU_AVX512;
	if (seven.c & BIT(11))
		found |= CPU_VNNI;
	if (seven.a >= 1 && (ask(7, 1).a & BIT(5)))
		found |= CPU_BF16 | (maker.b == signature_AMD_ebx ? CPU_BF16_FAST : 0);
	return found;
}
#else
static unsigned machine_ask(void)
{
	return 0;
}
#endif

static unsigned machine(void)
{
	unsigned bits = __atomic_load_n(&machine_cache, __ATOMIC_RELAXED);
	if (!(bits & KNOWN)) {
		bits = machine_ask() | KNOWN;
		__atomic_store_n(&machine_cache, bits, __ATOMIC_RELAXED);
	}
	return bits & ~KNOWN;
}

unsigned cpu_features(void)
{
	unsigned keep = __atomic_load_n(&allowed, __ATOMIC_RELAXED), have = machine() & keep;
	bool named = keep != ~0u;
	return named && (have & CPU_BF16) ? have | CPU_BF16_FAST : have;
}

bool cpu_limit(const char *level)
{
	for (size_t i = 0; i < NLEVELS; i++) {
		if (strcmp(level, levels[i].name))
			continue;
		__atomic_store_n(&allowed, levels[i].bits, __ATOMIC_RELAXED);
		return true;
	}
	return false;
}

const char *cpu_level(void)
{
	unsigned have = cpu_features();
	size_t best = 0;
	for (size_t i = 0; i < NLEVELS; i++)
		if ((have & levels[i].bits) == levels[i].bits)
			best = i;
	return levels[best].name;
}

size_t cpu_l2(void)
{
	static long cache;
	long bytes = __atomic_load_n(&cache, __ATOMIC_RELAXED);
	if (!bytes) {
#ifdef _SC_LEVEL2_CACHE_SIZE
		bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
#endif
		bytes = bytes <= 0 ? 1 << 20 : bytes < 1 << 18 ? 1 << 18 : bytes;
		bytes = bytes > 1 << 22 ? 1 << 22 : bytes;
		__atomic_store_n(&cache, bytes, __ATOMIC_RELAXED);
	}
	return (size_t)bytes;
}
