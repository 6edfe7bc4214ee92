/* Arithmetic on partly known dimensions, and their spelling. */
#include "graph/shape.h"

#include <string.h>

#include "base/checked.h"

struct shape shape_unknown(void)
{
	return (struct shape){.rank = -1};
}

struct shape shape_of(int rank, const int64_t *dims)
{
	struct shape s = {.rank = rank};
	for (int i = 0; i < rank; i++)
		s.dim[i] = dim_of(dims[i]);
	return s;
}

struct shape shape_any(int rank)
{
	struct shape s = {.rank = rank};
	for (int i = 0; i < rank; i++)
		s.dim[i] = dim_any();
	return s;
}

bool shape_static(const struct shape *s)
{
	for (int i = 0; i < s->rank; i++)
		if (!dim_static(s->dim[i]))
			return false;
	return s->rank >= 0;
}

static bool dim_equal(struct dim a, struct dim b)
{
	return a.min == b.min && a.max == b.max &&
	       (dim_static(a) || !a.symbol || !b.symbol || a.symbol == b.symbol);
}

bool shape_equal(const struct shape *a, const struct shape *b)
{
	if (a->rank != b->rank)
		return false;
	for (int i = 0; i < a->rank; i++)
		if (!dim_equal(a->dim[i], b->dim[i]))
			return false;
	return true;
}

int64_t shape_count(const struct shape *s)
{
	if (!shape_static(s))
		return -1;
	int64_t n = 1, most = 1; /* most: without the zeros, so that their order does not matter */
	for (int i = 0; i < s->rank; i++) {
		int64_t d = s->dim[i].min;
		if (d < 0 || mul_i64(n, d, &n) || mul_i64(most, d ? d : 1, &most) ||
		    most > LIMIT_TENSOR_BYTES)
			return -1;
	}
	return n;
}

/* Sums and products that stop at the ends; a lower bound never becomes the "no bound" value. */
static int64_t add_sat(int64_t a, int64_t b)
{
	int64_t r;
	if (a == DIM_INF || b == DIM_INF)
		return DIM_INF;
	return add_i64(a, b, &r) ? (a < 0 ? INT64_MIN : DIM_INF) : r;
}

static int64_t mul_sat(int64_t a, int64_t b)
{
	int64_t r;
	if (!a || !b)
		return 0;
	if (a == DIM_INF || b == DIM_INF || mul_i64(a, b, &r))
		return (a < 0) != (b < 0) ? INT64_MIN : DIM_INF;
	return r;
}

static int64_t lower(int64_t v)
{
	return v == DIM_INF ? DIM_INF - 1 : v;
}

static bool is(struct dim d, int64_t n)
{
	return d.min == n && d.max == n;
}

struct dim dim_add(struct dim a, struct dim b)
{
	if (is(a, 0))
		return b;
	if (is(b, 0))
		return a;
	return (struct dim){lower(add_sat(a.min, b.min)), add_sat(a.max, b.max), 0};
}

struct dim dim_mul(struct dim a, struct dim b)
{
	if (is(a, 1))
		return b;
	if (is(b, 1))
		return a;
	int64_t corner[4] = {mul_sat(a.min, b.min), mul_sat(a.min, b.max), mul_sat(a.max, b.min),
	    mul_sat(a.max, b.max)};
	struct dim d = {corner[0], corner[0], 0};
	for (int i = 1; i < 4; i++) {
		d.min = corner[i] < d.min ? corner[i] : d.min;
		d.max = corner[i] > d.max ? corner[i] : d.max;
	}
	d.min = lower(d.min);
	return d;
}

bool dim_merge(struct dim a, struct dim b, struct dim *out)
{
	struct dim d = {a.min > b.min ? a.min : b.min, a.max < b.max ? a.max : b.max, 0};
	if (d.min > d.max)
		return false;
	if (!dim_static(d))
		d.symbol = a.symbol ? a.symbol : b.symbol;
	*out = d;
	return true;
}

bool shape_merge(const struct shape *a, const struct shape *b, struct shape *out)
{
	if (a->rank < 0 || b->rank < 0) {
		*out = a->rank < 0 ? *b : *a;
		return true;
	}
	if (a->rank != b->rank)
		return false;
	struct shape s = {.rank = a->rank};
	for (int i = 0; i < s.rank; i++)
		if (!dim_merge(a->dim[i], b->dim[i], &s.dim[i]))
			return false;
	*out = s;
	return true;
}

static bool may_be_one(struct dim d)
{
	return d.min <= 1 && d.max >= 1;
}

bool dim_broadcast(struct dim a, struct dim b, struct dim *out)
{
	if (is(a, 1) || is(b, 1)) {
		*out = is(a, 1) ? b : a;
		return true;
	}
	bool a1 = may_be_one(a), b1 = may_be_one(b);
	if (a1 && b1) {
		bool same = a.symbol && a.symbol == b.symbol;
		*out = same ? a
			    : (struct dim){
				  a.min < b.min ? a.min : b.min, a.max > b.max ? a.max : b.max, 0};
		return true;
	}
	if (!a1 && !b1)
		return dim_merge(a, b, out);
	*out = a1 ? b : a; /* one that is not 1 decides */
	return true;
}

bool shape_broadcast(const struct shape *a, const struct shape *b, struct shape *out)
{
	if (a->rank < 0 || b->rank < 0) {
		*out = shape_unknown();
		return true;
	}
	struct shape s = {.rank = a->rank > b->rank ? a->rank : b->rank};
	for (int i = 0; i < s.rank; i++) {
		int ia = i - (s.rank - a->rank), ib = i - (s.rank - b->rank);
		struct dim da = ia < 0 ? dim_of(1) : a->dim[ia];
		struct dim db = ib < 0 ? dim_of(1) : b->dim[ib];
		if (!dim_broadcast(da, db, &s.dim[i]))
			return false;
	}
	*out = s;
	return true;
}

bool shape_fits(const struct shape *s, int rank, const int64_t *dims)
{
	if (s->rank < 0)
		return true;
	if (s->rank != rank)
		return false;
	for (int i = 0; i < rank; i++) {
		if (dims[i] < s->dim[i].min || dims[i] > s->dim[i].max)
			return false;
		for (int k = 0; k < i; k++)
			if (s->dim[i].symbol && s->dim[i].symbol == s->dim[k].symbol &&
			    dims[i] != dims[k])
				return false;
	}
	return true;
}

void shape_text(struct text *t, const struct shape *s)
{
	if (s->rank < 0)
		text_add(t, "...");
	for (int i = 0; i < s->rank; i++) {
		struct dim d = s->dim[i];
		text_add(t, i ? "," : "");
		if (dim_static(d))
			text_printf(t, "%lld", (long long)d.min);
		else if (d.max != DIM_INF)
			text_printf(t, "%lld..%lld", (long long)d.min, (long long)d.max);
		else if (d.min)
			text_printf(t, "%lld..", (long long)d.min);
		else
			text_add(t, "?");
	}
}

/* A run of digits; false when there is none or it is too large. */
static bool digits(const char **s, int64_t *out)
{
	const char *p = *s;
	int64_t v = 0;
	for (; *p >= '0' && *p <= '9'; p++)
		if (mul_i64(v, 10, &v) || add_i64(v, *p - '0', &v))
			return false;
	bool any = p > *s;
	*s = p;
	*out = v;
	return any && v != DIM_INF;
}

static const char *skip(const char *s)
{
	return s + strspn(s, " \t");
}

static bool parse_dim(const char **s, struct dim *out)
{
	const char *p = *s;
	*out = dim_any();
	if (*p == '?') {
		p++;
	} else if (!strncmp(p, "-1", 2)) {
		p += 2;
	} else {
		if (strncmp(p, "..", 2) && !digits(&p, &out->min))
			return false;
		if (strncmp(p, "..", 2))
			out->max = out->min;
		else if (p += 2, *p >= '0' && *p <= '9' && !digits(&p, &out->max))
			return false;
	}
	*s = skip(p);
	return out->min <= out->max;
}

bool shape_parse(const char *s, struct shape *out)
{
	struct shape r = {0};
	s = skip(s);
	bool open = *s == '[';
	s = skip(s + open);
	if (!strncmp(s, "...", 3)) {
		r.rank = -1;
		s = skip(s + 3);
	} else if (*s && *s != ']') {
		do {
			s = skip(s + (r.rank > 0));
			if (r.rank == MAX_RANK || !parse_dim(&s, &r.dim[r.rank++]))
				return false;
		} while (*s == ',');
	}
	if (open && *s++ != ']')
		return false;
	if (*skip(s))
		return false;
	*out = r;
	return true;
}
