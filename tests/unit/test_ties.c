/* Levels that several operations and one multiply-add in their place give differently: they are
 * among the ties, and moved factors leave fewer. */
#include "check.h"

#include "base/rng.h"
#include "exec/fuse_u8.h"

#define TURNS 20000

static float level(const struct ties *t, float y)
{
	return nearbyintf(fminf(fmaxf(y, t->lo), t->hi));
}

static bool is_tie(const struct ties *t, float x)
{
	for (int i = 0; i < t->n; i++)
		if (t->tie[i].x == x)
			return true;
	return false;
}

/* How many of levels first..first + top come out differently; each has to be among the ties, if
 * they were found for these factors. */
static int differences(const struct ties *t, const struct course *k, int first, int top, float mul,
    float plus, bool tied)
{
	int n = 0;
	for (int i = first; i <= first + top; i++) {
		float want = level(t, nearbyintf(course_end(k, (float)i)));
		if (level(t, (float)((double)i * mul + plus)) == want)
			continue;
		n++;
		if (tied)
			assert_true(is_tie(t, (float)i));
	}
	return n;
}

/* Factors whose product often puts levels into the middle between two others. */
static struct course random_course(uint64_t *seed)
{
	float scale = 0.01f + rng_f32(seed), halves = (float)(1 + rng_next(seed) % 7) / 4;
	float shift = (float)(rng_next(seed) % 20), next = (float)(rng_next(seed) % 40);
	return (struct course){.own = {scale, shift * scale},
	    .next = {halves / scale, next - 20},
	    .direct = rng_next(seed) % 4 == 0,
	    .own_fused = rng_next(seed) % 2,
	    .next_fused = rng_next(seed) % 2};
}

static void differences_are_ties(void **state)
{
	static const int tops[] = {255, 254, 15, 127, 128, 300};
	struct ties t;
	uint64_t seed = 1;
	int before = 0, after = 0;
	(void)state;
	for (int i = 0; i < TURNS; i++) {
		struct course k = random_course(&seed);
		int first = i % 3 ? 0 : -128, top = tops[i % 6];
		float own = k.direct ? 1 : k.own.scale, shift = k.direct ? 0 : k.own.shift;
		float mul = (float)((double)own * k.next.scale);
		float plus = (float)((double)shift * k.next.scale + k.next.shift);
		t.lo = i % 5 ? 0 : -128;
		t.hi = t.lo + 255;
		find_level_ties(&t, &k, first, top, 0, mul, plus);
		before += differences(&t, &k, first, top, mul, plus, t.n < TIES);
		fit_factors(&t, &mul, &plus);
		after += differences(&t, &k, first, top, mul, plus, false);
	}
	assert_true(before > 100);
	assert_true(after < before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(differences_are_ties)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
