/* Cuts a network into pieces, and runs them with what crosses the cuts kept. */
#include "quant/flow.h"

#include <stdlib.h>
#include <string.h>

#include "ops/edit.h"
#include "ops/op.h"

struct piece {
	uint32_t end; /* ids of values */
	uint32_t *in, *out;
	int nin, nout; /* out[0] is the end */
};

struct flow {
	struct graph *g;
	struct arena *arena;
	struct value **value; /* by id, as all that follows */
	bool *moves;          /* depends on the inputs */
	bool *known;          /* while pieces are cut: is kept, or no longer needed */
	int *last;            /* the last piece that reads it as an input; -1: none */
	struct tensor **kept; /* [runs], or NULL */
	struct piece *piece;
	int npieces;
	int64_t runs, bytes;
};

void flow_free(struct flow *f)
{
	if (!f)
		return;
	for (uint32_t i = 0; f->kept && i < f->g->nvalues; i++) {
		for (int64_t r = 0; f->kept[i] && r < f->runs; r++)
			tensor_free(&f->kept[i][r]);
		free(f->kept[i]);
	}
	free(f->kept);
	arena_free(f->arena);
	free(f);
}

/* ---- cutting ---- */

static int number_values(struct flow *f, struct err *err)
{
	struct graph *g = f->g;
	graph_number(g);
	size_t n = (size_t)g->nvalues + 1;
	f->value = arena_array(f->arena, n, sizeof *f->value);
	f->moves = arena_array(f->arena, n, sizeof *f->moves);
	f->known = arena_array(f->arena, n, sizeof *f->known);
	f->last = arena_array(f->arena, n, sizeof *f->last);
	f->kept = calloc(n, sizeof(struct tensor *));
	if (!f->value || !f->moves || !f->known || !f->last || !f->kept)
		return fail_nomem(err);
	graph_each (g, node) {
		bool moves = node_is(node, OP_PARAMETER);
		for (int k = 0; k < node->nin; k++)
			moves |= node_in(node, k) && f->moves[node_in(node, k)->id];
		for (int k = 0; k < node->nout; k++) {
			f->value[node->out[k].id] = &node->out[k];
			f->moves[node->out[k].id] = moves;
			f->last[node->out[k].id] = -1;
		}
	}
	return OK;
}

static bool has_known(const struct flow *f, const struct node *n)
{
	return n->nout && f->known[n->out[0].id];
}

/* Marks the nodes that the end needs and that no piece has had: those of `mine`, by first output.
 */
static void mark_piece(const struct flow *f, const struct value *end, bool *mine)
{
	mine[end->node->out[0].id] = true;
	for (const struct node *n = end->node; n; n = n->prev) {
		if (!n->nout || !mine[n->out[0].id])
			continue;
		for (int k = 0; k < n->nin; k++) {
			const struct value *v = node_in(n, k);
			if (v && f->moves[v->id] && !f->known[v->id])
				mine[v->node->out[0].id] = true;
		}
	}
}

/* Is v, of the piece, read by a node that is not? */
static bool leaves(const struct flow *f, const struct value *v, const bool *mine)
{
	value_each_use (v, u)
		if (!(u->node->op->flags & OPF_SINK) && u->node->nout &&
		    !mine[u->node->out[0].id] && !has_known(f, u->node))
			return true;
	return false;
}

static void add(uint32_t *list, int *n, uint32_t id)
{
	for (int i = 0; i < *n; i++)
		if (list[i] == id)
			return;
	list[(*n)++] = id;
}

static int cut_piece(struct flow *f, int k, const struct value *end, struct err *err)
{
	struct piece *p = &f->piece[k];
	size_t n = (size_t)f->g->nvalues + 1;
	bool *mine = calloc(n, sizeof *mine);
	p->in = arena_array(f->arena, n, sizeof *p->in);
	p->out = arena_array(f->arena, n, sizeof *p->out);
	if (!mine || !p->in || !p->out) {
		free(mine);
		return fail_nomem(err);
	}
	mark_piece(f, end, mine);
	p->end = p->out[0] = end->id;
	p->nout = 1;
	graph_each (f->g, node) {
		if (!node->nout || !mine[node->out[0].id])
			continue;
		for (int i = 0; i < node->nin; i++) {
			const struct value *v = node_in(node, i);
			if (!v || !f->moves[v->id] || !f->known[v->id])
				continue;
			add(p->in, &p->nin, v->id);
			f->last[v->id] = k;
		}
		for (int i = 0; i < node->nout; i++)
			if (leaves(f, &node->out[i], mine))
				add(p->out, &p->nout, node->out[i].id);
	}
	for (uint32_t i = 0; i < f->g->nvalues; i++)
		f->known[i] |= mine[f->value[i]->node->out[0].id];
	free(mine);
	return OK;
}

/* Bytes that a value takes in one run; -1: not known. */
static int64_t value_bytes(const struct value *v)
{
	const struct shape *s = &v->info.shape;
	int64_t n = shape_static(s) ? shape_count(s) : -1;
	return n < 0 ? -1 : dtype_bytes(v->info.type, n);
}

static void find_bytes(struct flow *f)
{
	int64_t now = 0;
	for (int i = 0; i < f->g->ninputs; i++)
		now += value_bytes(&f->g->inputs[i]->out[0]);
	for (int k = 0; k < f->npieces; k++) {
		const struct piece *p = &f->piece[k];
		for (int i = 0; i < p->nout && f->bytes >= 0; i++) {
			int64_t bytes = value_bytes(f->value[p->out[i]]);
			now += bytes;
			f->bytes = bytes < 0 ? -1 : now > f->bytes ? now : f->bytes;
		}
		for (int i = 0; i < p->nin && f->bytes >= 0; i++)
			now -= f->last[p->in[i]] == k ? value_bytes(f->value[p->in[i]]) : 0;
	}
}

int flow_new(
    struct graph *g, const struct value *const *end, int n, struct flow **out, struct err *err)
{
	struct flow *f = calloc(1, sizeof *f);
	if (!f)
		return fail_nomem(err);
	f->g = g;
	f->arena = arena_new();
	f->npieces = n;
	f->piece = f->arena ? arena_array(f->arena, (size_t)n + 1, sizeof *f->piece) : NULL;
	int status = f->piece ? number_values(f, err) : fail_nomem(err);
	for (int k = 0; k < g->ninputs && !status; k++)
		f->known[g->inputs[k]->out[0].id] = true;
	for (int k = 0; k < n && !status; k++)
		status = cut_piece(f, k, end[k], err);
	if (status) {
		flow_free(f);
		return status;
	}
	find_bytes(f);
	*out = f;
	return OK;
}

int64_t flow_bytes(const struct flow *f)
{
	return f->bytes;
}

/* ---- running ---- */

/* A name of its own for each value, for the clone to be cut by. */
static int name_all(struct flow *f, const uint32_t *id, int n, const char ***out, struct err *err)
{
	const char **name = *out = calloc((size_t)n + 1, sizeof *name);
	for (int i = 0; i < n && name; i++) {
		name[i] = arena_printf(f->arena, " flow %u", (unsigned)id[i]);
		if (!name[i] || !value_add_name(f->value[id[i]], name[i]))
			return fail_nomem(err);
	}
	return name ? OK : fail_nomem(err);
}

static int make_piece(struct flow *f, const uint32_t *in, int nin, const uint32_t *out, int nout,
    struct graph **g, struct err *err)
{
	const char **from = NULL, **to = NULL;
	int status = name_all(f, in, nin, &from, err);
	status = status ? status : name_all(f, out, nout, &to, err);
	if (!status && !(*g = graph_clone(f->g)))
		status = fail_nomem(err);
	status = status ? status : edit_cut(*g, from, nin, to, nout, err);
	status = status ? status : graph_infer(*g, err);
	free(from);
	free(to);
	return status;
}

/* What came out of the runs becomes what is kept of the values. */
static int take(struct flow *f, const uint32_t *id, struct kept *k, struct err *err)
{
	for (int i = 0; i < k->width; i++) {
		struct tensor *t = f->kept[id[i]] = calloc((size_t)k->runs + 1, sizeof *t);
		if (!t)
			return fail_nomem(err);
		for (int64_t r = 0; r < k->runs; r++) {
			t[r] = k->t[r * k->width + i];
			k->t[r * k->width + i] = (struct tensor){0};
		}
	}
	return OK;
}

/* Borrows what is kept. */
static int lend(const struct flow *f, const struct piece *p, struct kept *in, struct err *err)
{
	*in = (struct kept){.runs = f->runs, .width = p->nin};
	in->t = calloc((size_t)(f->runs * p->nin) + 1, sizeof *in->t);
	for (int i = 0; i < p->nin && in->t; i++)
		for (int64_t r = 0; r < f->runs; r++)
			in->t[r * p->nin + i] = f->kept[p->in[i]][r];
	return in->t ? OK : fail_nomem(err);
}

static int run_piece(struct flow *f, struct graph *g, const struct kept *in, const uint32_t *out,
    const struct evaluation *v, struct err *err)
{
	struct kept keep = {0};
	struct evaluation e = *v;
	e.in = in;
	e.want = NULL;
	e.keep = &keep;
	int status = evaluate(g, &e, NULL, err);
	status = status ? status : take(f, out, &keep, err);
	kept_free(&keep);
	return status;
}

int flow_start(struct flow *f, const struct evaluation *v, struct err *err)
{
	struct graph *g = NULL;
	int n = f->g->ninputs;
	uint32_t *id = calloc((size_t)n + 1, sizeof *id);
	int status = id ? OK : fail_nomem(err);
	for (int k = 0; k < n && id; k++)
		id[k] = f->g->inputs[k]->out[0].id;
	f->runs = deal_runs(v->deal);
	status = status ? status : make_piece(f, NULL, 0, id, n, &g, err);
	status = status ? status : run_piece(f, g, NULL, id, v, err);
	graph_free(g);
	free(id);
	return status;
}

static void drop(struct flow *f, int k)
{
	const struct piece *p = &f->piece[k];
	for (int i = 0; i < p->nin; i++) {
		uint32_t id = p->in[i];
		if (f->last[id] != k)
			continue;
		for (int64_t r = 0; r < f->runs; r++)
			tensor_free(&f->kept[id][r]);
	}
}

int flow_run(struct flow *f, int k, const struct evaluation *v, struct tensor **y, struct err *err)
{
	const struct piece *p = &f->piece[k];
	struct graph *g = NULL;
	struct kept in = {0};
	int status = make_piece(f, p->in, p->nin, p->out, p->nout, &g, err);
	status = status ? status : lend(f, p, &in, err);
	status = status ? status : run_piece(f, g, &in, p->out, v, err);
	free(in.t);
	graph_free(g);
	drop(f, k);
	*y = status ? NULL : f->kept[p->end];
	return status;
}
