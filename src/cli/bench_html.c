/* mo-bench --html: everything a run found out, on a page. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "cli/bench.h"
#include "cli/suite.h"
#include "graph/op.h"
#include "report/hints.h"
#include "report/page.h"

#define ALONE 20 /* runs on one thread at most, within about ALONE_MS but for two of them */
#define ALONE_MS 500
#define MAX_POINTS 500 /* of the series; each is the slowest of its runs */

/* The first stream's times in their order. */
static cJSON *series(const struct job *j)
{
	const struct stream *s = j->stream;
	cJSON *list = cJSON_CreateArray();
	int n = s ? s->n : 0, step = (n + MAX_POINTS - 1) / MAX_POINTS;
	for (int i = 0; i < n; i += step) {
		double most = 0;
		for (int k = i; k < n && k < i + step; k++)
			most = s->ms[k] > most ? s->ms[k] : most;
		cJSON_AddItemToArray(list, cJSON_CreateNumber(most));
	}
	return list;
}

#define HIDDEN UINT32_MAX

/* Constants, and what is computed from nothing else, as weights that are stored in fewer bits. */
static bool constant(const struct node *k)
{
	bool all = k->nin > 0;
	for (int i = 0; i < k->nin; i++)
		all &= !k->in[i].value || k->in[i].value->node->mark == HIDDEN;
	return k->data || all;
}

static cJSON *layer(const struct node *k)
{
	cJSON *o = cJSON_CreateObject(), *in;
	const struct value *v = k->nout ? &k->out[0] : k->nin ? k->in[0].value : NULL;
	struct text shape = {0};
	cJSON_AddStringToObject(o, "name", k->name);
	cJSON_AddStringToObject(o, "op", k->op->type);
	if (v)
		shape_text(&shape, &v->info.shape);
	cJSON_AddStringToObject(o, "type_name", v ? dtype_name(v->info.type) : "");
	cJSON_AddStringToObject(o, "shape", shape.data ? shape.data : "");
	in = cJSON_AddArrayToObject(o, "inputs");
	for (int i = 0; i < k->nin; i++)
		if (k->in[i].value && k->in[i].value->node->mark != HIDDEN)
			cJSON_AddItemToArray(in, cJSON_CreateNumber(k->in[i].value->node->mark));
	text_free(&shape);
	return o;
}

/* Layers but for constants, each with the layers before it. */
static cJSON *layers(struct graph *g)
{
	cJSON *list = cJSON_CreateArray();
	uint32_t n = 0;
	for (struct node *k = g->first; k; k = k->next) {
		k->mark = constant(k) ? HIDDEN : n++;
		if (k->mark != HIDDEN)
			cJSON_AddItemToArray(list, layer(k));
	}
	return list;
}

static int64_t open_inputs(const struct graph *g)
{
	int64_t n = 0;
	for (int i = 0; i < g->ninputs; i++)
		n += !shape_static(&g->inputs[i]->out[0].info.shape);
	return n;
}

/* Which products are not in 8 bits, and why, a line for each reason. A compiled network has no
 * FakeQuantize left to look at. */
static int floats_of(const struct job *j, struct text *t, struct err *err)
{
	struct products p = {0};
	int s = OK;
	if (j->products.int8 && j->net.format != MODEL_BLOB)
		s = products_find(j->g, &p, err);
	for (int w = 0; w < PRODUCT_WHYS && !s; w++)
		if (w != PRODUCT_INT8 && p.count[w]) {
			hint_floats(t, &p, (enum product_why)w);
			text_add(t, "\n");
		}
	products_free(&p);
	return s;
}

/* Milliseconds of an inference on one thread, the least of a few; 0 where it has no other. */
static int on_one_thread(const struct job *j, double *ms, struct err *err)
{
	struct pool *pool = NULL;
	struct exec *e = NULL;
	const struct bench *b = j->b;
	bool other = b->nthreads > 1 && b->streams == 1 && !b->async && b->rate <= 0;
	int s = other ? pool_new(1, &pool, err) : OK;
	double begin = now_ms();
	*ms = 0;
	s = s || !pool ? s : exec_share(j->exec, pool, &e, err);
	for (int i = 0; i < ALONE && e && !s && (i < 2 || now_ms() < begin + ALONE_MS); i++) {
		double start = now_ms();
		s = exec_run(e, j->feed[0].in, j->out, err);
		double took = now_ms() - start;
		*ms = i < 2 || took < *ms ? took : *ms; /* the first one makes the plan */
	}
	exec_free(e);
	pool_free(pool);
	return s;
}

static int add_advice(cJSON *o, const struct job *j, const struct profile *p, struct err *err)
{
	struct text t = {0};
	struct advice_run r = {.latency = times_at(&j->latency, 0.5),
	    .read = j->read_ms,
	    .compile = j->compile_ms,
	    .first = j->first_ms,
	    .products = j->products.all,
	    .int8 = j->products.int8,
	    .threads = j->b->nthreads,
	    .vnni = cpu_features() & CPU_VNNI,
	    .dynamic_inputs = open_inputs(j->g),
	    .source = j->net.format == MODEL_BLOB ? "blob" : "model"};
	struct text floats = {0};
	int s = profile_advice(p, &r, err);
	s = s ? s : floats_of(j, &floats, err);
	s = s ? s : on_one_thread(j, &r.one_thread, err);
	r.floats = floats.data;
	if (!s)
		advice_write(&t, &r);
	t.failed |= floats.failed;
	text_free(&floats);
	if (s) {
		free((void *)r.call);
		return s;
	}
	cJSON *list = cJSON_AddArrayToObject(o, "advice");
	for (char *line = t.data, *end; line && *line; line = end + 1) {
		end = strchr(line, '\n');
		*end = 0;
		cJSON_AddItemToArray(list, cJSON_CreateString(line));
	}
	free((void *)r.call);
	s = t.failed ? fail_nomem(err) : OK;
	text_free(&t);
	return s;
}

int html_write(const char *path, cJSON *o, struct err *err)
{
	char *text = o ? cJSON_PrintUnformatted(o) : NULL;
	int s = text ? page_write(path, text, err) : fail_nomem(err);
	cJSON_free(text);
	cJSON_Delete(o);
	return s;
}

int bench_html(struct bench *b, const struct profile *p, struct err *err)
{
	struct job *j = b->job;
	cJSON *o = bench_json(b, p);
	cJSON_AddItemToObject(o, "machine", machine_json());
	int s = OK;
	if (p->n) {
		cJSON_AddItemToObject(o, "series_ms", series(j));
		cJSON_AddItemToObject(o, "layers", layers(j->g));
		s = add_advice(o, j, p, err);
	}
	if (!s)
		return html_write(b->html, o, err);
	cJSON_Delete(o);
	return s;
}
