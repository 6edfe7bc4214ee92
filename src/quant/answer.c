/* One sample's outputs in a few numbers: best class, rank of the label, distance to the original.
 */
#include <math.h>
#include <stdlib.h>

#include "quant/metrics.h"

int answer_output(const struct tensor *out, int nout, int64_t batch)
{
	for (int k = 0; k < nout; k++)
		if (dtype_is_float(out[k].type) && tensor_count(&out[k]) > batch)
			return k;
	return 0;
}

/* Elements of one sample in output k, -1 when they do not divide. */
static int64_t part(const struct sample_view *v, int k)
{
	int64_t n = tensor_count(&v->out[k]);
	return n % v->batch ? -1 : n / v->batch;
}

static double value_at(const struct tensor *t, int64_t i)
{
	return t->type == DT_F32 ? ((const float *)t->data)[i] : tensor_f64(t, i);
}

/* Are a sample's values one row, all other dims 1? */
static bool one_row(const struct tensor *t, int64_t n)
{
	for (int i = 0; i < t->rank; i++)
		if (t->dim[i] == n)
			return n > 1;
	return false;
}

static void take_class(
    const struct tensor *t, int64_t from, int64_t n, int64_t label, struct answer *a)
{
	double top = 0, own = NAN;
	a->classed = one_row(t, n);
	a->best = a->rank = -1;
	for (int64_t i = 0; i < n && a->classed; i++) {
		double v = value_at(t, from + i);
		if (!isnan(v) && (a->best < 0 || v > top)) {
			top = v;
			a->best = i;
		}
	}
	if (label >= 0 && label < n)
		own = value_at(t, from + label);
	if (isnan(own))
		return;
	a->rank = 0;
	for (int64_t i = 0; i < n; i++) {
		double v = value_at(t, from + i);
		a->rank += v > own || (v == own && i < label);
	}
}

static bool all_finite(const struct tensor *t, int64_t from, int64_t n)
{
	if (!dtype_is_float(t->type))
		return true;
	for (int64_t i = 0; i < n; i++)
		if (!isfinite(value_at(t, from + i)))
			return false;
	return true;
}

/* Sums over one output; those of several are averaged. */
struct distance {
	double cosine, mse, nsr;
};

static struct distance distance_of(
    const struct tensor *z, int64_t zi, const struct tensor *y, int64_t yi, int64_t n)
{
	double zz = 0, yy = 0, yz = 0, dd = 0;
	for (int64_t i = 0; i < n; i++) {
		double a = value_at(z, zi + i), b = value_at(y, yi + i), d = a - b;
		if (a == b || (isnan(a) && isnan(b))) { /* infinities too */
			if (!isfinite(a))
				continue;
			d = 0;
		}
		zz += a * a;
		yy += b * b;
		yz += a * b;
		dd += d * d;
	}
	if (!isfinite(dd) || !isfinite(zz))
		return (struct distance){-1, INFINITY, INFINITY};
	if (dd == 0)
		return (struct distance){1, 0, 0};
	return (struct distance){
	    .cosine = zz > 0 && yy > 0 ? yz / sqrt(zz) / sqrt(yy) : 0,
	    .mse = n ? dd / n : 0,
	    .nsr = yy > 0 ? dd / yy : INFINITY,
	};
}

static int take_distance(const struct sample_view *got, const struct sample_view *want,
    struct answer *a, struct err *err)
{
	struct distance sum = {0};
	int floats = 0;
	if (got->nout != want->nout)
		return fail(
		    err, E_USAGE, "%d outputs where the original has %d", got->nout, want->nout);
	for (int k = 0; k < got->nout; k++) {
		int64_t n = part(got, k);
		if (n < 0 || n != part(want, k))
			return fail(
			    err, E_USAGE, "output %d has another size than the original's", k);
		if (!dtype_is_float(got->out[k].type))
			continue;
		struct distance d = distance_of(
		    &got->out[k], got->slot * n, &want->out[k], want->slot * n, n);
		sum.cosine += d.cosine;
		sum.mse += d.mse;
		sum.nsr += d.nsr;
		floats++;
	}
	if (!floats)
		return OK;
	a->cosine = sum.cosine / floats;
	a->mse = sum.mse / floats;
	a->nsr = sum.nsr / floats;
	return OK;
}

int answer_take(const struct sample_view *got, const struct sample_view *want, int64_t label,
    struct answer *out, struct err *err)
{
	int k = answer_output(got->out, got->nout, got->batch);
	*out = (struct answer){.seen = true, .finite = true, .best = -1, .rank = -1, .cosine = 1};
	for (int i = 0; i < got->nout; i++) {
		int64_t n = part(got, i);
		if (n < 0)
			return fail(err, E_USAGE,
			    "output %d does not hold an equal part for each sample", i);
		out->finite = out->finite && all_finite(&got->out[i], got->slot * n, n);
		if (i == k && (label >= n || label < -1)) /* -1: none */
			return fail(err, E_DATA,
			    "label %lld is no class: the network has %lld (see --label-offset)",
			    (long long)label, (long long)n);
		if (i == k)
			take_class(&got->out[k], got->slot * n, n, label, out);
	}
	return want ? take_distance(got, want, out, err) : OK;
}
