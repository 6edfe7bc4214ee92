/* Einsum: any equation, explicit or implicit, with ellipsis and repeated labels. */
#include <string.h>

#include "ops/elem.h"
#include "ops/rows.h"

const struct attr_def attrs_einsum[] = {{"equation", ATTR_STRING, true, NULL, NULL}, {0}};

#define MAX_OPERANDS 64
#define LETTERS 52
#define LABELS (LETTERS + MAX_RANK) /* the dims of an ellipsis are numbered from its right end */
#define ELLIPSIS LABELS

/* An equation; label[k] are those of operand k, ELLIPSIS standing for the three dots. */
struct equation {
	int nops, n[MAX_OPERANDS + 1];
	uint8_t label[MAX_OPERANDS + 1][MAX_RANK + 1];
	bool explicit_out;
};

static int letter(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	return c >= 'a' && c <= 'z' ? c - 'a' + 26 : -1;
}

/* Reads one operand's labels up to ',' or "->" or the end. */
static const char *read_labels(struct equation *e, int k, const char *p)
{
	for (; *p && *p != ',' && !(p[0] == '-' && p[1] == '>'); p++) {
		int l = letter(*p);
		if (*p == ' ')
			continue;
		if (!strncmp(p, "...", 3)) {
			l = ELLIPSIS;
			p += 2;
		}
		if (l < 0 || e->n[k] > MAX_RANK)
			return NULL;
		e->label[k][e->n[k]++] = (uint8_t)l;
	}
	return p;
}

static int parse(const char *text, struct equation *e, struct err *err)
{
	const char *p = text;
	memset(e, 0, sizeof *e);
	do {
		p = e->nops < MAX_OPERANDS ? read_labels(e, e->nops++, p) : NULL;
	} while (p && *p == ',' && p++);
	if (p && *p == '-') {
		e->explicit_out = true;
		p = read_labels(e, MAX_OPERANDS, p + 2);
	}
	if (!p || *p)
		return fail(err, E_FORMAT, "attribute 'equation' is malformed: '%s'", text);
	return OK;
}

/* Replaces the ellipsis of operand k by numbered dims so that it has this rank. */
static int expand(struct equation *e, int k, int rank, struct err *err)
{
	uint8_t out[MAX_RANK + 1];
	int n = 0, dots = rank - e->n[k] + 1, seen = 0;
	for (int i = 0; i < e->n[k]; i++) {
		if (e->label[k][i] != ELLIPSIS) {
			if (n < MAX_RANK)
				out[n] = e->label[k][i];
			n++;
			continue;
		}
		for (int j = 0; j < dots && n < MAX_RANK; j++)
			out[n++] = (uint8_t)(LABELS - dots + j);
		seen++;
	}
	if (n != rank || seen > 1 || rank > MAX_RANK)
		return fail(
		    err, E_FORMAT, "operand %d has rank %d, which its labels do not fit", k, rank);
	memcpy(e->label[k], out, (size_t)n);
	e->n[k] = n;
	return OK;
}

static bool has_dots(const struct equation *e, int k)
{
	return memchr(e->label[k], ELLIPSIS, (size_t)e->n[k]) != NULL;
}

/* Without "->": the dims of the ellipsis, then the letters that occur once, in order. */
static void implicit_out(struct equation *e, const int count[LABELS])
{
	int n = 0;
	for (int l = LETTERS; l < LABELS; l++)
		if (count[l] && n < MAX_RANK)
			e->label[MAX_OPERANDS][n++] = (uint8_t)l;
	for (int l = 0; l < LETTERS; l++)
		if (count[l] == 1 && n < MAX_RANK)
			e->label[MAX_OPERANDS][n++] = (uint8_t)l;
	e->n[MAX_OPERANDS] = n;
}

/* The output's labels, from ranks of all operands: each once and known from the inputs. */
static int resolve_out(struct equation *e, struct err *err)
{
	int count[LABELS] = {0}, dots = 0, seen[LABELS] = {0};
	for (int k = 0; k < e->nops; k++)
		for (int i = 0; i < e->n[k]; i++)
			count[e->label[k][i]]++;
	for (int l = LETTERS; l < LABELS; l++)
		dots += count[l] > 0;
	if (!e->explicit_out)
		implicit_out(e, count);
	else if (has_dots(e, MAX_OPERANDS)) {
		int r = expand(e, MAX_OPERANDS, e->n[MAX_OPERANDS] - 1 + dots, err);
		if (r)
			return r;
	}
	for (int i = 0; i < e->n[MAX_OPERANDS]; i++) {
		int l = e->label[MAX_OPERANDS][i];
		if (!count[l] || seen[l]++)
			return fail(err, E_FORMAT,
			    "attribute 'equation' has an output label that is repeated or new");
	}
	if (e->n[MAX_OPERANDS] > MAX_RANK)
		return fail(err, E_FORMAT, "the output has a rank above %d", MAX_RANK);
	return OK;
}

static int einsum_parse(const struct node *n, int nin, struct equation *e, struct err *err)
{
	int r = parse(attr_s(n, "equation"), e, err);
	if (!r && e->nops != nin)
		r = fail(err, E_FORMAT, "attribute 'equation' names %d operands, there are %d",
		    e->nops, nin);
	return r;
}

int infer_einsum(struct infer *s)
{
	struct equation e;
	struct dim dim[LABELS];
	bool known[LABELS] = {false};
	int r = einsum_parse(s->node, s->nin, &e, s->err);
	s->out[0].type = s->in[0].type;
	for (int k = 0; k < s->nin && !r; k++) {
		const struct shape *x = &s->in[k].shape;
		r = infer_same_types(s, 0, k);
		if (!r && x->rank < 0)
			return OK;
		if (!r)
			r = expand(&e, k, x->rank, s->err);
		for (int i = 0; i < e.n[k] && !r; i++) {
			int l = e.label[k][i];
			if (!known[l])
				dim[l] = x->dim[i];
			else if (!dim_broadcast(dim[l], x->dim[i], &dim[l]))
				r = infer_fail(
				    s, "dim %d of operand %d does not fit its label", i, k);
			known[l] = true;
		}
	}
	if (!r)
		r = resolve_out(&e, s->err);
	if (r)
		return r;
	s->out[0].shape = shape_any(e.n[MAX_OPERANDS]);
	for (int i = 0; i < e.n[MAX_OPERANDS]; i++)
		s->out[0].shape.dim[i] = dim[e.label[MAX_OPERANDS][i]];
	return OK;
}

/* The loops: output labels outside, summed labels inside; how far each operand moves for each. */
struct nest {
	int nops, nout, nsum;
	int64_t dim[LABELS]; /* of the output labels, then of the summed ones */
	int64_t stride[MAX_OPERANDS][LABELS];
	const void *data[MAX_OPERANDS]; /* doubles, or int64_t for whole types */
	int64_t at[MAX_OPERANDS], pos[LABELS];
	bool whole;
};

static void nest_label(struct nest *m, const struct equation *e, const struct eval *s, int l)
{
	int d = m->nout + m->nsum;
	m->dim[d] = 1;
	for (int k = 0; k < m->nops; k++) {
		int64_t stride = 1;
		m->stride[k][d] = 0;
		for (int i = e->n[k] - 1; i >= 0; stride *= s->in[k].dim[i--])
			if (e->label[k][i] == l && s->in[k].dim[i] != 1) {
				m->stride[k][d] += stride;
				m->dim[d] = s->in[k].dim[i];
			}
	}
}

static int nest_build(struct eval *s, const struct equation *e, struct nest *m)
{
	bool used[LABELS] = {false}, out[LABELS] = {false};
	memset(m, 0, sizeof *m);
	m->nops = e->nops;
	m->whole = type_whole(s->in[0].type);
	for (int i = 0; i < e->n[MAX_OPERANDS]; i++, m->nout++) {
		out[e->label[MAX_OPERANDS][i]] = true;
		nest_label(m, e, s, e->label[MAX_OPERANDS][i]);
	}
	for (int k = 0; k < e->nops; k++)
		for (int i = 0; i < e->n[k]; i++) {
			int l = e->label[k][i];
			if (!out[l] && !used[l]) {
				nest_label(m, e, s, l);
				m->nsum++;
			}
			used[l] = true;
		}
	for (int k = 0; k < e->nops; k++) {
		int64_t n = tensor_count(&s->in[k]);
		void *p = eval_scratch(s, n, sizeof(double));
		if (!p)
			return E_NOMEM;
		if (m->whole)
			span_i64(p, &s->in[k], 0, n);
		else
			span_f64(p, &s->in[k], 0, n);
		m->data[k] = p;
	}
	return OK;
}

/* Moves to the next place of dims from..to-1; false after the last one. */
static bool nest_step(struct nest *m, int from, int to)
{
	for (int d = to - 1; d >= from; d--) {
		m->pos[d]++;
		for (int k = 0; k < m->nops; k++)
			m->at[k] += m->stride[k][d];
		if (m->pos[d] < m->dim[d])
			return true;
		for (int k = 0; k < m->nops; k++)
			m->at[k] -= m->dim[d] * m->stride[k][d];
		m->pos[d] = 0;
	}
	return false;
}

/* Sum over the innermost summed dim of the product of one or two operands: the usual case. */
static double sum_line(const struct nest *m, int d)
{
	double sum = 0;
	for (int64_t i = 0; i < m->dim[d]; i++) {
		double v = 1;
		for (int k = 0; k < m->nops; k++)
			v *= ((const double *)m->data[k])[m->at[k] + i * m->stride[k][d]];
		sum += v;
	}
	return sum;
}

static double sum_pair(const struct nest *m, int d)
{
	const double *a = (const double *)m->data[0] + m->at[0];
	const double *b = (const double *)m->data[1] + m->at[1];
	int64_t sa = m->stride[0][d], sb = m->stride[1][d];
	double sum = 0;
	for (int64_t i = 0; i < m->dim[d]; i++)
		sum += a[i * sa] * b[i * sb];
	return sum;
}

static double sum_f64(struct nest *m)
{
	int last = m->nout + m->nsum - 1;
	double sum = 0;
	if (!m->nsum) {
		double v = 1;
		for (int k = 0; k < m->nops; k++)
			v *= ((const double *)m->data[k])[m->at[k]];
		return v;
	}
	do
		sum += m->nops == 2 ? sum_pair(m, last) : sum_line(m, last);
	while (nest_step(m, m->nout, last));
	return sum;
}

static int64_t sum_i64(struct nest *m)
{
	uint64_t sum = 0;
	do {
		uint64_t v = 1;
		for (int k = 0; k < m->nops; k++)
			v *= ((const uint64_t *)m->data[k])[m->at[k]];
		sum += v;
	} while (nest_step(m, m->nout, m->nout + m->nsum));
	return (int64_t)sum;
}

int eval_einsum(struct eval *s)
{
	struct equation e;
	struct nest m;
	struct tensor *y = &s->out[0];
	int r = einsum_parse(s->node, s->nin, &e, s->err);
	for (int k = 0; k < s->nin && !r; k++)
		r = expand(&e, k, s->in[k].rank, s->err);
	if (!r)
		r = resolve_out(&e, s->err);
	if (!r)
		r = nest_build(s, &e, &m);
	if (r)
		return r;
	bool empty = false;
	for (int d = 0; d < m.nsum; d++)
		empty |= !m.dim[m.nout + d];
	int64_t n = tensor_count(y);
	for (int64_t i = 0; i < n; i++) {
		double v = m.whole || empty ? 0 : sum_f64(&m);
		int64_t k = m.whole && !empty ? sum_i64(&m) : 0;
		if (m.whole)
			span_put_i64(y, i, 1, &k);
		else
			span_put_f64(y, i, 1, &v);
		nest_step(&m, 0, m.nout);
	}
	return OK;
}
