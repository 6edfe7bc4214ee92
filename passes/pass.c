/* The pass manager: runs the pipeline of passes.def, keeps facts true and fills in the report. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "passes/pass.h"

#define PASS_ROUNDS 16 /* repeats of a group; networks seen so far need 5 at most */

#define PASS(id, group) extern const struct pass pass_##id;
#include "passes/passes.def"
#undef PASS

const struct pass *const pass_table[] = {
#define PASS(id, group) &pass_##id,
#include "passes/passes.def"
#undef PASS
    NULL};

static const int pass_group[] = {
#define PASS(id, group) group,
#include "passes/passes.def"
#undef PASS
    0};

const struct pass *pass_find(const char *name)
{
	for (int i = 0; pass_table[i]; i++)
		if (!strcmp(pass_table[i]->name, name))
			return pass_table[i];
	return NULL;
}

struct pass_options pass_defaults(void)
{
	return (struct pass_options){.fp16_max_error = 1e-3, .fold_bytes = LIMIT_FOLD_BYTES};
}

int graph_layers(const struct graph *g)
{
	int count = 0;
	graph_each (g, n) {
		count += !node_is(n, OP_CONST) && !node_is(n, OP_PARAMETER) &&
			 !node_is(n, OP_RESULT);
		for (int i = 0; i < n->nbodies; i++)
			count += graph_layers(n->body[i].graph);
	}
	return count;
}

/* What the manager knows while it works. */
struct manager {
	struct pass_ctx ctx;
	struct graph *graph; /* the model's */
	unsigned facts;
	struct err own; /* for a caller that wants no words */
};

static struct pass_result *result_of(const struct pass_ctx *c)
{
	for (int i = 0; c->report && c->pass && i < c->report->npasses; i++)
		if (!strcmp(c->report->pass[i].name, c->pass->name))
			return &c->report->pass[i];
	return NULL;
}

static void keep_note(struct pass_ctx *c, struct pass_result *r, const char *text)
{
	for (int i = 0; i < r->nnotes; i++)
		if (!strcmp(r->note[i], text))
			return;
	const char **note = arena_array(c->report->arena, r->nnotes + 1, sizeof *note);
	const char *copy = arena_str(c->report->arena, text);
	if (!note || !copy)
		return;
	if (r->nnotes)
		memcpy(note, r->note, r->nnotes * sizeof *note);
	note[r->nnotes++] = copy;
	r->note = note;
}

void pass_note(struct pass_ctx *c, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	log_say(&c->log, LOG_DEBUG, "%s: %s", c->pass ? c->pass->name : "passes", text);
	struct pass_result *r = result_of(c);
	if (r)
		keep_note(c, r, text);
}

static bool disabled(const struct pass_options *o, const struct pass *p)
{
	for (int i = 0; i < o->ndisabled; i++)
		if (!strcmp(o->disabled[i], p->name))
			return true;
	return false;
}

static int sort_all(struct graph *g, struct err *err)
{
	int e = graph_sort(g, err);
	graph_each (g, n)
		for (int i = 0; !e && i < n->nbodies; i++)
			e = sort_all(n->body[i].graph, err);
	return e;
}

static int establish(struct manager *m, unsigned need)
{
	int e = OK;
	if (!(need & ~m->facts))
		return OK;
	if (!(m->facts & FACT_ORDER))
		e = sort_all(m->graph, m->ctx.err);
	if (!e && need & ~m->facts & FACT_SHAPES)
		e = graph_infer(m->graph, m->ctx.err);
	if (!e)
		m->facts |= need | FACT_ORDER;
	return e;
}

/* The pass over one graph and the bodies inside it. */
static int run_deep(struct manager *m, struct graph *g)
{
	struct pass_ctx *c = &m->ctx;
	struct arena_mark mark = arena_mark(c->scratch);
	c->graph = g;
	int total = c->pass->run(c);
	arena_reset(c->scratch, mark);
	graph_each (g, n) {
		for (int i = 0; total >= 0 && i < n->nbodies; i++) {
			int r = run_deep(m, n->body[i].graph);
			total = r < 0 ? r : total + r;
		}
	}
	return total;
}

static int run_one(struct manager *m, const struct pass *p)
{
	m->ctx.pass = p;
	int e = establish(m, p->needs);
	if (e)
		return e;
	struct pass_result *r = result_of(&m->ctx);
	int before = r ? graph_layers(m->graph) : 0;
	double start = clock_seconds();
	int done = run_deep(m, m->graph);
	if (done < 0)
		return err_in(m->ctx.err, "pass '%s'", p->name);
	if (done)
		m->facts &= p->keeps;
	if (r) {
		r->rewrites += done;
		r->ms += (clock_seconds() - start) * 1e3;
		r->nodes_after += graph_layers(m->graph) - before;
	}
#ifdef DEV
	if (establish(m, FACT_ORDER) || graph_verify(m->graph, m->ctx.err))
		return err_in(m->ctx.err, "after pass '%s'", p->name);
#endif
	if (m->ctx.options->after)
		m->ctx.options->after(m->ctx.options->user, p, m->graph, done);
	return done;
}

/* Rows [from, to) until nothing changes. */
static int run_group(struct manager *m, int from, int to)
{
	int rounds = pass_group[from] ? PASS_ROUNDS : 1;
	for (int round = 0, changed = 1; changed && round < rounds; round++) {
		changed = 0;
		for (int i = from; i < to; i++) {
			struct pass_result *r;
			if (disabled(m->ctx.options, pass_table[i]))
				continue;
			m->ctx.pass = pass_table[i];
			if (!round && (r = result_of(&m->ctx)))
				r->nodes_before = r->nodes_after = graph_layers(m->graph);
			int done = run_one(m, pass_table[i]);
			if (done < 0)
				return done;
			changed += done;
		}
	}
	return OK;
}

static int report_rows(struct pass_report *r, const struct pass_options *o)
{
	int n = 0;
	while (pass_table[n])
		n++;
	r->npasses = 0;
	r->pass = arena_array(r->arena, n, sizeof *r->pass);
	if (!r->pass)
		return E_NOMEM;
	for (int i = 0; i < n; i++)
		if (!disabled(o, pass_table[i]))
			r->pass[r->npasses++].name = pass_table[i]->name;
	return OK;
}

static int finish(struct manager *m)
{
	int e = establish(m, FACT_ORDER | FACT_SHAPES);
	if (!e)
		e = graph_verify(m->graph, m->ctx.err);
	return e;
}

static void manager_close(struct manager *m)
{
	arena_free(m->ctx.scratch);
	err_clear(&m->own);
}

static int manager_open(struct manager *m, struct graph *g, const struct pass_options *o,
    const struct log *log, struct pass_report *report, struct err *err)
{
	*m = (struct manager){
	    .graph = g, .ctx = {.graph = g, .options = o, .report = report, .err = err}};
	if (!err)
		m->ctx.err = &m->own;
	if (log)
		m->ctx.log = *log;
	m->ctx.scratch = arena_new();
	if (!m->ctx.scratch || (report && report_rows(report, o))) {
		arena_free(m->ctx.scratch);
		return fail_nomem(err);
	}
	return OK;
}

int passes_run(struct graph *g, const struct pass_options *o, const struct log *log,
    struct pass_report *report, struct err *err)
{
	struct manager m;
	int e = manager_open(&m, g, o, log, report, err);
	if (e)
		return e;
	for (int from = 0, to; !e && pass_table[from]; from = to) {
		to = from + 1;
		while (pass_table[to] && pass_group[to] && pass_group[to] == pass_group[from])
			to++;
		e = run_group(&m, from, to);
	}
	if (!e)
		e = finish(&m);
	manager_close(&m);
	return e;
}

int pass_run(const struct pass *p, struct graph *g, const struct pass_options *o, struct err *err)
{
	struct manager m;
	int e = manager_open(&m, g, o, NULL, NULL, err);
	if (e)
		return e;
	int done = run_one(&m, p);
	if (done >= 0 && (e = finish(&m)))
		done = e;
	manager_close(&m);
	return done;
}
