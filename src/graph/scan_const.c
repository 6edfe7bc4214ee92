/* Types and constants as text. */
#include "graph/scan.h"

#include <string.h>

#include "base/rng.h"

#define CONST_BYTES (64 << 20) /* of one constant spelled in text */

int scan_type(struct scan *s, struct info *out)
{
	scan_skip(s, IN_LINE);
	char *type = scan_run(s, strspn(s->p, "abcdefghijklmnopqrstuvwxyz0123456789"));
	if (!type)
		return STATUS(s);
	out->type = dtype_parse(type);
	if (out->type == DT_NONE && strcmp(type, "undefined"))
		return fail(s->err, E_FORMAT, "'%.100s' is no element type", type);
	char *shape = *s->p == '[' ? scan_run(s, strcspn(s->p, "]\n")) : NULL;
	if (!shape && STATUS(s) == E_NOMEM)
		return E_NOMEM;
	if (!shape || *s->p != ']')
		return scan_expected(s, "a shape in brackets");
	s->p++;
	if (!shape_parse(shape + 1, &out->shape))
		return fail(s->err, E_FORMAT, "'%.100s]' is no shape", shape);
	return OK;
}

/* The upper half of u64, which the other parsers do not reach. */
static bool parse_u64(const char *s, uint64_t *out)
{
	uint64_t v = 0;
	for (const char *p = s; *p; p++)
		if (*p < '0' || *p > '9' || __builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
			return false;
	*out = v;
	return *s;
}

/* Bytes written for one element are put at place i. */
static int scan_element(struct scan *s, struct tensor *t, int64_t i)
{
	int64_t v;
	uint64_t u;
	double d;
	scan_skip(s, IN_LINE);
	char *number = scan_run(s, strcspn(s->p, " \t\r\n#)"));
	if (!number)
		return STATUS(s);
	if (!dtype_is_float(t->type) && parse_i64(number, &v))
		tensor_set_i64(t, i, v);
	else if (t->type == DT_U64 && parse_u64(number, &u))
		tensor_set_i64(t, i, (int64_t)u);
	else if (parse_f64(number, &d))
		tensor_set_f64(t, i, d);
	else
		return fail(s->err, E_FORMAT, "'%.100s' is no number", number);
	return OK;
}

static void fill_random(struct tensor *t, int64_t count, uint64_t seed)
{
	for (int64_t i = 0; i < count; i++) {
		if (dtype_is_float(t->type))
			tensor_set_f64(t, i, 2 * (double)rng_f32(&seed) - 1);
		else if (t->type == DT_BOOL)
			tensor_set_i64(t, i, (int64_t)(rng_next(&seed) % 2));
		else
			tensor_set_i64(t, i, (int64_t)(rng_next(&seed) % 10));
	}
}

static int scan_random(struct scan *s, struct tensor *t, int64_t count)
{
	int64_t seed;
	char *number = scan_run(s, strcspn(s->p, ")\n"));
	if (!number)
		return STATUS(s);
	if (!parse_i64(number, &seed) || !scan_take(s, ')', IN_LINE))
		return fail(s->err, E_FORMAT, "'%.100s' is no seed", number);
	fill_random(t, count, (uint64_t)seed);
	return OK;
}

static bool starts(struct scan *s, const char *prefix)
{
	size_t n = strlen(prefix);
	if (strncmp(s->p, prefix, n))
		return false;
	s->p += n;
	return true;
}

/* One element for fill(…), else all of them. */
static int scan_content(struct scan *s, struct tensor *t, int64_t count, bool *fill)
{
	int rc = OK;
	scan_skip(s, IN_LINE);
	*fill = starts(s, "fill(");
	if (*fill) {
		rc = scan_element(s, t, 0);
		return rc ? rc : scan_take(s, ')', IN_LINE) ? OK : scan_expected(s, "')'");
	}
	if (starts(s, "random("))
		return scan_random(s, t, count);
	if (starts(s, "hash("))
		return fail(s->err, E_UNSUPPORTED, "a constant printed as a hash cannot be read");
	for (int64_t i = 0; i < count && !rc; i++)
		rc = scan_element(s, t, i);
	return rc;
}

static int make_const(struct scan *s, const struct info *info, struct blob **out)
{
	int64_t count = shape_count(&info->shape), bytes = dtype_bytes(info->type, count);
	if (info->type == DT_NONE || bytes < 0)
		return fail(s->err, E_FORMAT, "a constant needs a type and a fixed shape");
	if (bytes > CONST_BYTES)
		return fail(s->err, E_LIMIT, "a constant of %lld bytes in text", (long long)bytes);
	struct tensor t;
	bool fill;
	int rc = tensor_alloc(&t, info->type, 1, &count, s->err);
	if (rc)
		return rc;
	if (!(rc = scan_content(s, &t, count, &fill))) {
		if (fill && dtype_bits(t.type) >= 8)
			*out = blob_fill(t.data, (size_t)dtype_bits(t.type) / 8, count);
		else
			*out = blob_copy(t.data, (size_t)bytes);
		if (!*out)
			rc = fail_nomem(s->err);
	}
	tensor_free(&t);
	return rc;
}

int scan_const(struct scan *s, struct node *n)
{
	struct info *info = &n->out[0].info;
	int rc = scan_type(s, info);
	return rc ? rc : make_const(s, info, &n->data);
}
