/* NonMaxSuppression: boxes by falling score, without those that overlap a better one.
 * With a sigma, Soft-NMS (Bodla et al. 2017): overlap lowers the score instead. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ops/content.h"
#include "ops/rows.h"
#include "ops/view.h"

const struct attr_def attrs_nms[] = {
    {"box_encoding", ATTR_STRING, false, "corner", "corner|center"},
    {"sort_result_descending", ATTR_BOOL, false, "true", NULL},
    {"output_type", ATTR_TYPE, false, "i64", NULL}, {0}};

/* At most min(boxes, limit) boxes of every class of every batch. */
static struct dim most_boxes(struct infer *s)
{
	const struct shape *boxes = &s->in[0].shape, *scores = &s->in[1].shape;
	int64_t limit = 0;
	if (infer_has(s, 2) && !infer_int(s, 2, &limit))
		limit = DIM_INF;
	limit = limit < 0 ? 0 : limit;
	if (boxes->rank < 0 || scores->rank < 0)
		return dim_any();
	int64_t n = boxes->dim[1].max < limit ? boxes->dim[1].max : limit;
	struct dim d = dim_mul((struct dim){0, n, 0}, scores->dim[1]);
	d = dim_mul(d, boxes->dim[0]);
	return (struct dim){0, d.max, 0};
}

int infer_nms(struct infer *s)
{
	const struct shape *boxes = &s->in[0].shape, *scores = &s->in[1].shape;
	enum dtype index = attr_type(s->node, "output_type");
	struct dim d;
	int status = infer_want_rank(s, 0, 3, 3, "boxes");
	if (!status)
		status = infer_want_rank(s, 1, 3, 3, "scores");
	if (!status && index != DT_I32 && index != DT_I64)
		status = infer_fail(s, "output_type is %s, expected i32 or i64", dtype_name(index));
	if (!status && boxes->rank == 3 && !dim_merge(boxes->dim[2], dim_of(4), &d))
		status = infer_fail(
		    s, "boxes have %lld numbers, expected 4", (long long)boxes->dim[2].min);
	if (!status && boxes->rank == 3 && scores->rank == 3 &&
	    (!dim_merge(boxes->dim[0], scores->dim[0], &d) ||
		!dim_merge(boxes->dim[1], scores->dim[2], &d)))
		status = infer_fail(s, "boxes and scores do not fit together");
	s->out[0].type = s->out[2].type = index;
	s->out[1].type = s->in[1].type;
	s->out[0].shape = shape_any(2);
	s->out[0].shape.dim[0] = most_boxes(s);
	s->out[0].shape.dim[1] = dim_of(3);
	s->out[1].shape = s->out[0].shape;
	s->out[2].shape = shape_of(1, &(int64_t){1});
	return status;
}

struct box {
	double score;
	int64_t batch, class, index;
	int64_t judged; /* selected boxes that it was compared with */
	double y0, x0, y1, x1;
};

struct suppress {
	bool center;
	int64_t limit;
	double iou, score, sigma;
};

static struct box read_box(const struct tensor *boxes, int64_t at, bool center)
{
	double v[4];
	struct box b = {0};
	for (int i = 0; i < 4; i++)
		v[i] = tensor_f64(boxes, at * 4 + i);
	if (center) {
		b.x0 = v[0] - v[2] / 2;
		b.x1 = v[0] + v[2] / 2;
		b.y0 = v[1] - v[3] / 2;
		b.y1 = v[1] + v[3] / 2;
	} else {
		b.y0 = fmin(v[0], v[2]);
		b.y1 = fmax(v[0], v[2]);
		b.x0 = fmin(v[1], v[3]);
		b.x1 = fmax(v[1], v[3]);
	}
	return b;
}

static double overlap(const struct box *a, const struct box *b)
{
	double area_a = (a->y1 - a->y0) * (a->x1 - a->x0);
	double area_b = (b->y1 - b->y0) * (b->x1 - b->x0);
	double h = fmin(a->y1, b->y1) - fmax(a->y0, b->y0);
	double w = fmin(a->x1, b->x1) - fmax(a->x0, b->x0);
	if (area_a <= 0 || area_b <= 0 || h <= 0 || w <= 0)
		return 0;
	return h * w / (area_a + area_b - h * w);
}

/* Higher score first, then batch, class and index. */
static int by_score(const void *a, const void *b)
{
	const struct box *x = a, *y = b;
	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	if (x->batch != y->batch)
		return x->batch < y->batch ? -1 : 1;
	if (x->class != y->class)
		return x->class < y->class ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

/* Compares a candidate with the boxes selected since it was last judged; false: it is dropped. */
static bool survives(const struct suppress *p, struct box *c, const struct box *selected, int64_t n)
{
	int64_t from = c->judged;
	c->judged = n;
	for (int64_t i = n - 1; i >= from; i--) {
		double iou = overlap(c, &selected[i]);
		if (iou > p->iou)
			return false;
		if (p->sigma > 0)
			c->score *= exp(-0.5 / p->sigma * iou * iou);
		if (c->score <= p->score)
			return false;
	}
	return true;
}

/* Puts a candidate whose score fell back in order among the m that wait at c[0..m). */
static void requeue(struct box *c, int64_t m)
{
	struct box b = c[0];
	int64_t i = 0;
	for (; i + 1 < m && by_score(&c[i + 1], &b) < 0; i++)
		c[i] = c[i + 1];
	c[i] = b;
}

/* Selects from n candidates of one class into out; returns how many. */
static int64_t suppress_class(const struct suppress *p, struct box *c, int64_t n, struct box *out)
{
	int64_t m = 0;
	qsort(c, (size_t)n, sizeof *c, by_score);
	for (int64_t i = 0; i < n && m < p->limit;) {
		double score = c[i].score;
		if (!survives(p, &c[i], out, m)) {
			i++;
		} else if (c[i].score != score) {
			requeue(c + i, n - i);
		} else {
			out[m++] = c[i++];
		}
	}
	return m;
}

static void read_settings(struct eval *s, struct suppress *p)
{
	*p = (struct suppress){.center = attr_is(s->node, "box_encoding", "center")};
	if (eval_has(s, 2) && tensor_count(&s->in[2]))
		p->limit = tensor_i64(&s->in[2], 0);
	if (eval_has(s, 3) && tensor_count(&s->in[3]))
		p->iou = tensor_f64(&s->in[3], 0);
	if (eval_has(s, 4) && tensor_count(&s->in[4]))
		p->score = tensor_f64(&s->in[4], 0);
	if (eval_has(s, 5) && tensor_count(&s->in[5]))
		p->sigma = tensor_f64(&s->in[5], 0);
}

static int put_boxes(struct eval *s, const struct box *b, int64_t n)
{
	int64_t dims[2] = {n, 3}, one = 1;
	enum dtype index = attr_type(s->node, "output_type");
	if (eval_output(s, 0, index, 2, dims) || eval_output(s, 1, s->in[1].type, 2, dims) ||
	    eval_output(s, 2, index, 1, &one))
		return s->err->status;
	for (int64_t i = 0; i < n; i++) {
		int64_t v[] = {b[i].batch, b[i].class, b[i].index};
		for (int k = 0; k < 3; k++) {
			tensor_set_i64(&s->out[0], i * 3 + k, v[k]);
			tensor_set_f64(&s->out[1], i * 3 + k, k < 2 ? (double)v[k] : b[i].score);
		}
	}
	tensor_set_i64(&s->out[2], 0, n);
	return OK;
}

int eval_nms(struct eval *s)
{
	const struct tensor *boxes = &s->in[0], *scores = &s->in[1];
	int64_t batches = boxes->dim[0], n = boxes->dim[1], classes = scores->dim[1], found = 0;
	struct suppress p;
	read_settings(s, &p);
	if (boxes->rank != 3 || scores->rank != 3 || boxes->dim[2] != 4 ||
	    scores->dim[0] != batches || scores->dim[2] != n)
		return eval_fail(s, E_FORMAT, "boxes and scores do not fit together");
	p.limit = p.limit < 0 ? 0 : p.limit > n ? n : p.limit;
	struct box *wait = arena_array(s->scratch, (size_t)n + 1, sizeof *wait);
	struct box *out = arena_array(
	    s->scratch, (size_t)(batches * classes * p.limit) + 1, sizeof *out);
	if (!wait || !out)
		return fail_nomem(s->err);
	for (int64_t k = 0; n && k < batches * classes; k++) {
		int64_t m = 0;
		for (int64_t i = 0; i < n; i++) {
			double score = tensor_f64(scores, k * n + i);
			if (!(score > p.score))
				continue;
			wait[m] = read_box(boxes, k / classes * n + i, p.center);
			wait[m].score = score;
			wait[m].batch = k / classes;
			wait[m].class = k % classes;
			wait[m++].index = i;
		}
		found += suppress_class(&p, wait, m, out + found);
	}
	if (attr_bool(s->node, "sort_result_descending"))
		qsort(out, (size_t)found, sizeof *out, by_score);
	return put_boxes(s, out, found);
}
