/* Walks the nodes of a graph in order and has each translated under the names of its scope. */
#include <string.h>

#include "formats/onnx_translate.h"

const struct onnx_op onnx_ops[] = {
#define ONNX(name, first, last, fn) {name, first, last, tr_##fn},
#include "formats/onnx_ops.def"
#undef ONNX
    {0},
};

const char *onnx_domain(const char *domain)
{
	return !domain || !strcmp(domain, "ai.onnx") ? "" : domain;
}

const char *onnx_node_name(const Onnx__NodeProto *n)
{
	if (n->name && *n->name)
		return n->name;
	for (size_t i = 0; i < n->n_output; i++)
		if (*n->output[i])
			return n->output[i];
	return onnx_text(n->op_type);
}

int onnx_opset(const struct onnx_scope *s, const char *domain)
{
	const Onnx__ModelProto *m = s->im->model;
	for (size_t i = 0; i < s->nopsets; i++)
		if (!strcmp(onnx_domain(s->opsets[i]->domain), domain))
			return (int)s->opsets[i]->version;
	for (size_t i = 0; i < m->n_opset_import; i++)
		if (!strcmp(onnx_domain(m->opset_import[i]->domain), domain))
			return (int)m->opset_import[i]->version;
	/* models older than opsets import none */
	return !*domain && !m->n_opset_import ? 1 : 0;
}

struct onnx_name *onnx_lookup(struct onnx_scope *s, const char *name)
{
	struct onnx_name *n = NULL;
	for (; s && !n; s = s->outer) {
		n = map_get(&s->names, name);
		if (!n && s->body)
			return onnx_capture(s, name);
	}
	return n;
}

int onnx_bind(struct onnx_scope *s, const char *name, struct value *v, const struct onnx_list *l)
{
	struct onnx_name *n = arena_alloc(s->im->arena, sizeof *n);
	if (!n || !map_put(&s->names, name, n))
		return fail_nomem(s->im->err);
	n->value = v;
	n->list = l;
	n->bad = !v && !l;
	return OK;
}

static int make_constant(struct onnx_scope *s, struct onnx_name *n)
{
	struct onnx_import *im = s->im;
	struct onnx_const c;
	char *name = arena_printf(im->arena, "%s%s", s->prefix, n->tensor->name);
	int status = onnx_tensor_load(&im->source, n->tensor, &c, im->err);
	if (status != OK)
		return status;
	struct node *k = graph_const(im->graph, NULL, name, c.type, c.rank, c.dim, c.data);
	if (!k || !value_add_name(&k->out[0], name))
		return fail_nomem(im->err);
	n->value = &k->out[0];
	return node_infer(k, im->err);
}

int onnx_value(struct onnx_scope *s, const char *name, struct value **out)
{
	struct onnx_name *n = onnx_lookup(s, name);
	*out = NULL;
	if (!n && s->im->err->status)
		return s->im->err->status;
	if (!n)
		return fail(s->im->err, E_FORMAT, "'%s' does not exist", name);
	if (!n->value && n->tensor && !n->bad) {
		int status = make_constant(s, n);
		if (status != OK)
			return status;
	}
	*out = n->value;
	return OK;
}

static const struct onnx_op *find_op(const Onnx__NodeProto *n, int opset, bool *known)
{
	const char *domain = onnx_domain(n->domain), *type = onnx_text(n->op_type);
	size_t len = strlen(domain);
	*known = false;
	for (const struct onnx_op *o = onnx_ops; o->name; o++) {
		if (len ? strncmp(o->name, domain, len) || o->name[len] != ':' ||
			      strcmp(o->name + len + 1, type)
			: strcmp(o->name, type) != 0)
			continue;
		*known = true;
		if (o->first <= opset && opset <= o->last)
			return o;
	}
	return NULL;
}

/* The row of a node, or NULL after noting why there is none. */
static const struct onnx_op *row_of(struct onnx_scope *s, const Onnx__NodeProto *n, int *opset)
{
	const char *domain = onnx_domain(n->domain);
	bool known;
	*opset = onnx_opset(s, domain);
	const struct onnx_op *op = find_op(n, *opset, &known);
	if (op)
		return op;
	if (!*opset)
		onnx_unsupported(s, n, 0, "its domain is not imported");
	else if (!*domain && *opset > ONNX_OPSET_MAX)
		onnx_unsupported(s, n, *opset, "operators are known up to opset 24");
	else
		onnx_unsupported(
		    s, n, *opset, known ? "not known in this opset" : "no such operator is known");
	return NULL;
}

/* What goes into a node and comes out of it. */
struct ports {
	struct value **in, **out;
	const struct onnx_list **in_list, **out_list;
	bool bad; /* an input cannot be had */
};

static int bind_outputs(struct onnx_scope *s, const Onnx__NodeProto *n, const struct ports *p)
{
	for (size_t i = 0; i < n->n_output; i++) {
		const char *name = n->output[i];
		if (!*name || (onnx_is_cut(s->im, name) && onnx_lookup(s, name)))
			continue;
		int status = onnx_bind(s, name, p->out[i], p->out_list[i]);
		if (status != OK)
			return status;
		if (!p->out[i])
			continue;
		char *full = arena_printf(s->im->arena, "%s%s", s->prefix, name);
		if (!full || !value_add_name(p->out[i], full))
			return fail_nomem(s->im->err);
	}
	return OK;
}

static int collect_attributes(struct tr *t)
{
	const Onnx__NodeProto *n = t->node;
	struct arena *a = t->scope->im->arena;
	int status = OK;
	t->attr = arena_array(a, n->n_attribute, sizeof *t->attr);
	t->used = arena_array(a, n->n_attribute, sizeof *t->used);
	if (!t->attr || !t->used)
		return fail_nomem(t->err);
	for (size_t i = 0; i < n->n_attribute && status == OK; i++) {
		const Onnx__AttributeProto *at = onnx_attribute(t->scope, n->attribute[i], &status);
		for (int k = 0; at && k < t->nattrs; k++)
			if (!strcmp(onnx_text(t->attr[k]->name), onnx_text(at->name)))
				return fail(
				    t->err, E_FORMAT, "attribute '%s' is given twice", at->name);
		if (at)
			t->attr[t->nattrs++] = at;
	}
	return status;
}

/* What no translator asked for might change the meaning. */
static int check_leftover(struct tr *t)
{
	for (int i = 0; i < t->nattrs; i++) {
		const char *name = onnx_text(t->attr[i]->name);
		if (t->used[i] || (t->opset < 6 && !strcmp(name, "consumed_inputs")))
			continue;
		const struct onnx_options *o = t->scope->im->options;
		if (!o->lenient)
			return fail(t->err, E_FORMAT,
			    "attribute '%s' is not known to %s of opset %d", name, t->node->op_type,
			    t->opset);
		log_say(&o->log, LOG_WARN,
		    "node '%s': attribute '%s' is not known to %s of opset %d", t->name, name,
		    t->node->op_type, t->opset);
	}
	return OK;
}

/* The layer that gives the first output carries the node's name. */
static void name_result(struct tr *t)
{
	for (struct node *n = t->mark ? t->mark->next : t->graph->first; n; n = n->next)
		if (t->nout && t->out[0] && t->out[0]->node == n)
			n->name = arena_str(t->graph->arena, t->name);
}

static int translate(struct onnx_scope *s, const Onnx__NodeProto *n, const struct ports *p)
{
	struct onnx_import *im = s->im;
	struct tr t = {.scope = s,
	    .node = n,
	    .graph = im->graph,
	    .err = im->err,
	    .in = p->in,
	    .out = p->out,
	    .in_list = p->in_list,
	    .out_list = p->out_list,
	    .nin = (int)n->n_input,
	    .nout = (int)n->n_output};
	const struct onnx_op *op = row_of(s, n, &t.opset);
	if (!op)
		return im->err->status == E_NOMEM ? E_NOMEM : OK;
	t.name = arena_printf(im->arena, "%s%s", s->prefix, onnx_node_name(n));
	if (!t.name)
		return fail_nomem(im->err);
	t.mark = im->graph->last;
	t.status = collect_attributes(&t);
	if (t.status == OK)
		op->translate(&t);
	for (int i = 0; i < t.nout && t.status == OK; i++)
		if (tr_wants(&t, i) && !p->out[i] && !p->out_list[i])
			tr_fail(&t, E_UNSUPPORTED, "output '%s' is not supported", n->output[i]);
	if (t.status == OK)
		t.status = check_leftover(&t);
	if (t.status == OK)
		name_result(&t);
	return t.status;
}

static bool is_if(const Onnx__NodeProto *n)
{
	return !*onnx_domain(n->domain) && !strcmp(onnx_text(n->op_type), "If");
}

static int convert(struct onnx_scope *s, const Onnx__NodeProto *n, const struct ports *p)
{
	const Onnx__FunctionProto *f = onnx_function_find(s->im, n);
	bool lists = false, taken;
	int opset;
	for (size_t i = 0; i < n->n_input; i++)
		lists = lists || p->in_list[i];
	if (p->bad) { /* nothing can come of it, but an unknown operator is worth a line */
		if (!f && !is_if(n))
			row_of(s, n, &opset);
		return OK;
	}
	if (f && lists) {
		onnx_unsupported(
		    s, n, onnx_opset(s, onnx_domain(n->domain)), "sequences given to a function");
		return OK;
	}
	if (f)
		return onnx_function_inline(
		    s, n, f, p->in, (int)n->n_input, p->out, (int)n->n_output);
	if (is_if(n) && n->n_input == 1 && onnx_decided(s->im, p->in[0], &taken))
		return onnx_if_inline(s, n, taken, p->out, (int)n->n_output);
	return translate(s, n, p);
}

static int take_inputs(struct onnx_scope *s, const Onnx__NodeProto *n, struct ports *p)
{
	for (size_t i = 0; i < n->n_input; i++) {
		struct onnx_name *name = *n->input[i] ? onnx_lookup(s, n->input[i]) : NULL;
		if (!name)
			continue;
		p->bad = p->bad || name->bad;
		p->in_list[i] = name->list;
		int status = onnx_value(s, n->input[i], &p->in[i]);
		if (status != OK)
			return status;
	}
	return OK;
}

static int convert_node(struct onnx_scope *s, const Onnx__NodeProto *n)
{
	struct onnx_import *im = s->im;
	struct ports p = {.in = arena_array(im->arena, n->n_input, sizeof *p.in),
	    .out = arena_array(im->arena, n->n_output, sizeof *p.out),
	    .in_list = arena_array(im->arena, n->n_input, sizeof *p.in_list),
	    .out_list = arena_array(im->arena, n->n_output, sizeof *p.out_list)};
	if (!p.in || !p.out || !p.in_list || !p.out_list)
		return fail_nomem(im->err);
	/* long names of calls inside calls are copied for each node, and weigh as much */
	im->nodes += 1 + (int64_t)strlen(s->prefix) / 16;
	if (im->nodes > LIMIT_NODES || im->graph->nnodes > LIMIT_NODES)
		return fail(im->err, E_LIMIT, "the model grows beyond %d nodes", LIMIT_NODES);
	int status = take_inputs(s, n, &p);
	if (status == OK)
		status = convert(s, n, &p);
	if (onnx_excused(s, n, status)) {
		memset(p.out, 0, n->n_output * sizeof *p.out);
		memset(p.out_list, 0, n->n_output * sizeof *p.out_list);
		status = OK;
	}
	if (status == OK)
		return bind_outputs(s, n, &p);
	return err_in(im->err, "node '%s' (%s)", onnx_node_name(n), onnx_text(n->op_type));
}

int onnx_nodes(struct onnx_scope *s, Onnx__NodeProto **node, size_t n, const struct map *needed)
{
	int status = OK;
	for (size_t i = 0; i < n && status == OK; i++) {
		bool want = !needed;
		for (size_t k = 0; !want && k < node[i]->n_output; k++)
			want = onnx_wanted(s->im, needed, node[i]->output[k]);
		if (want)
			status = convert_node(s, node[i]);
	}
	return status;
}
