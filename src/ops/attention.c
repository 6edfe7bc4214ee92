/* ScaledDotProductAttention: softmax(q k' scale + mask) v. */
#include <math.h>
#include <string.h>

#include "ops/elem.h"
#include "ops/matmul.h"
#include "ops/rows.h"

const struct attr_def attrs_sdpa[] = {{"causal", ATTR_BOOL, true, NULL, NULL}, {0}};

static struct shape batch_of(const struct shape *x)
{
	struct shape b = *x;
	b.rank -= 2;
	return b;
}

static int check_mask(struct infer *s, const struct shape *y, struct dim q, struct dim k)
{
	struct shape full = *y, joined;
	const struct shape *m = &s->in[3].shape;
	if (!infer_has(s, 3) || attr_bool(s->node, "causal") || m->rank < 0)
		return OK;
	if (s->in[3].type != DT_BOOL && s->in[3].type != s->in[0].type)
		return infer_fail(s, "the mask is of type '%s', expected boolean or '%s'",
		    dtype_name(s->in[3].type), dtype_name(s->in[0].type));
	full.dim[full.rank - 2] = q;
	full.dim[full.rank - 1] = k;
	if (m->rank > full.rank || !shape_broadcast(&full, m, &joined))
		return infer_fail(s, "the mask does not broadcast to the scores");
	return OK;
}

int infer_sdpa(struct infer *s)
{
	const struct shape *q = &s->in[0].shape, *k = &s->in[1].shape, *v = &s->in[2].shape;
	struct shape *y = &s->out[0].shape, qk;
	struct dim d;
	int r = infer_float(s, 0);
	for (int i = 1; i < 3 && !r; i++)
		r = infer_same_types(s, 0, i);
	s->out[0].type = s->in[0].type;
	if (!r && infer_has(s, 4))
		r = infer_one(s, 4);
	if (r || q->rank < 0 || k->rank < 0 || v->rank < 0)
		return r;
	if (q->rank < 2 || k->rank < 2 || v->rank < 2)
		return infer_fail(s, "queries, keys and values must have rank 2 or more");
	if (!dim_merge(q->dim[q->rank - 1], k->dim[k->rank - 1], &d))
		return infer_fail(s, "queries have %lld elements, keys %lld",
		    (long long)q->dim[q->rank - 1].min, (long long)k->dim[k->rank - 1].min);
	if (!dim_merge(k->dim[k->rank - 2], v->dim[v->rank - 2], &d))
		return infer_fail(s, "there are %lld keys, but %lld values",
		    (long long)k->dim[k->rank - 2].min, (long long)v->dim[v->rank - 2].min);
	struct shape bq = batch_of(q), bk = batch_of(k), bv = batch_of(v);
	if (!shape_broadcast(&bq, &bk, &qk) || !shape_broadcast(&qk, &bv, y))
		return infer_fail(s, "the batch dims do not broadcast");
	if (y->rank + 2 > MAX_RANK)
		return infer_fail(s, "the rank is above %d", MAX_RANK);
	y->dim[y->rank++] = q->dim[q->rank - 2];
	y->dim[y->rank++] = v->dim[v->rank - 1];
	return check_mask(s, y, q->dim[q->rank - 2], d);
}

struct attention {
	struct product scores, result;
	struct tensor weights; /* one head's scores, f64 */
	const struct tensor *mask;
	bool causal;
	double scale;
};

static double masked(const struct attention *a, int64_t mask_at, int64_t i, int64_t j)
{
	const struct tensor *m = a->mask;
	if (a->causal)
		return j > i ? -INFINITY : 0;
	if (!m)
		return 0;
	int64_t rows = m->rank > 1 ? m->dim[m->rank - 2] : 1;
	int64_t cols = m->rank > 0 ? m->dim[m->rank - 1] : 1;
	int64_t at = mask_at + (rows > 1 ? i * cols : 0) + (cols > 1 ? j : 0);
	if (m->type == DT_BOOL)
		return ((const uint8_t *)m->data)[at] ? 0 : -INFINITY;
	return tensor_f64(m, at);
}

static void softmax_rows(const struct attention *a, int64_t mask_at, bool wide)
{
	int64_t n = a->scores.n;
	for (int64_t i = 0; i < a->scores.m; i++) {
		double *x = (double *)a->weights.data + i * n;
		for (int64_t j = 0; j < n; j++) {
			x[j] = x[j] * a->scale + masked(a, mask_at, i, j);
			x[j] = wide ? x[j] : (float)x[j]; /* a far mask absorbs the score */
		}
		double sum = softmax_line(x, n, wide);
		for (int64_t j = 0; j < n; j++)
			x[j] /= sum;
	}
}

static int attention_setup(struct eval *s, struct attention *a)
{
	const struct tensor *q = &s->in[0], *k = &s->in[1], *v = &s->in[2];
	int64_t l = q->dim[q->rank - 2], e = q->dim[q->rank - 1];
	int64_t n = k->dim[k->rank - 2], ev = v->dim[v->rank - 1];
	*a = (struct attention){.causal = attr_bool(s->node, "causal")};
	a->mask = eval_has(s, 3) ? &s->in[3] : NULL;
	a->scale = eval_has(s, 4) ? tensor_f64(&s->in[4], 0) : 1 / sqrt((double)e);
	a->weights.type = DT_F64;
	a->weights.rank = 2;
	a->weights.dim[0] = l;
	a->weights.dim[1] = n;
	a->weights.data = eval_scratch(s, l * n, sizeof(double));
	a->scores = (struct product){.m = l,
	    .n = n,
	    .k = e,
	    .a = q,
	    .b = k,
	    .y = &a->weights,
	    .a_m = e,
	    .a_k = 1,
	    .b_k = 1,
	    .b_n = e};
	a->result = (struct product){.m = l,
	    .n = ev,
	    .k = n,
	    .a = &a->weights,
	    .b = v,
	    .y = &s->out[0],
	    .a_m = n,
	    .a_k = 1,
	    .b_k = ev,
	    .b_n = 1};
	a->scores.panel = a->result.panel = eval_scratch(
	    s, PRODUCT_PANEL(e > n ? e : n), sizeof(double));
	return a->weights.data && a->scores.panel ? OK : E_NOMEM;
}

int eval_sdpa(struct eval *s)
{
	struct attention a;
	struct walk w;
	int r = attention_setup(s, &a), rank[4], nin = a.mask ? 4 : 3;
	if (r || !tensor_count(&s->out[0]))
		return r;
	const int64_t *dim[4];
	int64_t mask_size = 1, head = 0;
	for (int k = 0; k < nin; k++) {
		rank[k] = s->in[k].rank > 2 ? s->in[k].rank - 2 : 0;
		dim[k] = s->in[k].dim;
	}
	if (a.mask)
		mask_size = dims_count(a.mask->dim, rank[3], a.mask->rank);
	walk_start(&w, s->out[0].rank - 2, s->out[0].dim, nin, rank, dim);
	for (; !w.done; walk_next(&w))
		for (int64_t i = 0; i < w.n; i++, head++) {
			a.scores.a_at = (w.at[0] + i * w.step[0]) * a.scores.m * a.scores.k;
			a.scores.b_at = (w.at[1] + i * w.step[1]) * a.scores.n * a.scores.k;
			a.result.b_at = (w.at[2] + i * w.step[2]) * a.result.k * a.result.n;
			a.result.y_at = head * a.result.m * a.result.n;
			product_run(&a.scores);
			softmax_rows(&a, a.mask ? (w.at[3] + i * w.step[3]) * mask_size : 0,
			    s->out[0].type == DT_F64);
			product_run(&a.result);
		}
	return OK;
}
