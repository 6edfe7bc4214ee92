/* Checks the names of a graph before anything is made of it: each given once, and before its use.
 */
#include "formats/onnx_import.h"

struct check {
	struct map given;    /* names that stand here so far */
	struct map producer; /* every output of this graph's nodes to the node */
	const struct check *outer;
	struct err *err;
};

static int check_graph(const Onnx__GraphProto *g, const struct check *outer, struct err *err);

static bool is_given(const struct check *c, const char *name)
{
	for (; c; c = c->outer)
		if (map_has(&c->given, name))
			return true;
	return false;
}

static int give(struct check *c, const char *name)
{
	return map_put(&c->given, name, NULL) ? OK : fail_nomem(c->err);
}

static int give_all(struct check *c, char **name, size_t n)
{
	int status = OK;
	for (size_t i = 0; i < n && status == OK; i++)
		status = give(c, name[i]);
	return status;
}

/* Outputs of all nodes: none twice, none of a name that is there already. */
static int check_outputs(struct check *c, Onnx__NodeProto **node, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < node[i]->n_output; k++) {
			const char *name = node[i]->output[k];
			if (!*name)
				continue;
			if (map_has(&c->given, name) || map_has(&c->producer, name))
				return fail(c->err, E_FORMAT,
				    "node '%s': output '%s' is given before",
				    onnx_node_name(node[i]), name);
			if (!map_put(&c->producer, name, node[i]))
				return fail_nomem(c->err);
		}
	}
	return OK;
}

static int check_inputs(struct check *c, const Onnx__NodeProto *n)
{
	for (size_t k = 0; k < n->n_input; k++) {
		const char *name = n->input[k];
		if (!*name || is_given(c, name))
			continue;
		const Onnx__NodeProto *later = map_get(&c->producer, name);
		if (!later)
			return fail(c->err, E_FORMAT, "input '%s' does not exist", name);
		return fail(c->err, E_FORMAT, "input '%s' is computed by the later node '%s'", name,
		    onnx_node_name(later));
	}
	for (size_t k = 0; k < n->n_attribute; k++) {
		const Onnx__AttributeProto *a = n->attribute[k];
		int status = a->g ? check_graph(a->g, c, c->err) : OK;
		for (size_t j = 0; j < a->n_graphs && status == OK; j++)
			status = check_graph(a->graphs[j], c, c->err);
		if (status != OK)
			return status;
	}
	return OK;
}

static int check_nodes(struct check *c, Onnx__NodeProto **node, size_t n)
{
	int status = check_outputs(c, node, n);
	for (size_t i = 0; i < n && status == OK; i++) {
		if (node[i]->n_input > LIMIT_PORTS || node[i]->n_output > LIMIT_PORTS)
			status = fail(
			    c->err, E_LIMIT, "has more than %d inputs or outputs", LIMIT_PORTS);
		else
			status = check_inputs(c, node[i]);
		if (status != OK)
			return err_in(c->err, "node '%s'", onnx_node_name(node[i]));
		for (size_t k = 0; k < node[i]->n_output && status == OK; k++)
			if (*node[i]->output[k])
				status = give(c, node[i]->output[k]);
	}
	return status;
}

static int give_graph_names(struct check *c, const Onnx__GraphProto *g)
{
	int status = OK;
	for (size_t i = 0; i < g->n_input && status == OK; i++) {
		const char *name = onnx_text(g->input[i]->name);
		if (!*name || map_has(&c->given, name))
			return fail(c->err, E_FORMAT, "input '%s' is %s", name,
			    *name ? "given twice" : "without a name");
		status = give(c, name);
	}
	struct map seen = {0};
	for (size_t i = 0; i < g->n_initializer && status == OK; i++) {
		const char *name = onnx_text(g->initializer[i]->name);
		if (!*name || map_has(&seen, name))
			status = fail(c->err, E_FORMAT, "initializer '%s' is %s", name,
			    *name ? "given twice" : "without a name");
		else
			status = map_put(&seen, name, NULL) ? give(c, name) : fail_nomem(c->err);
	}
	map_free(&seen);
	return status;
}

static int check_graph(const Onnx__GraphProto *g, const struct check *outer, struct err *err)
{
	struct check c = {.outer = outer, .err = err};
	int status = give_graph_names(&c, g);
	if (status == OK && g->n_sparse_initializer)
		status = fail(err, E_UNSUPPORTED, "sparse initializer '%s'",
		    g->sparse_initializer[0]->values
			? onnx_text(g->sparse_initializer[0]->values->name)
			: "");
	if (status == OK)
		status = check_nodes(&c, g->node, g->n_node);
	for (size_t i = 0; i < g->n_output && status == OK; i++)
		if (!is_given(&c, onnx_text(g->output[i]->name)))
			status = fail(err, E_FORMAT, "output '%s' is computed by no node",
			    onnx_text(g->output[i]->name));
	map_free(&c.given);
	map_free(&c.producer);
	return status;
}

int onnx_check_graph(const Onnx__GraphProto *g, struct err *err)
{
	return check_graph(g, NULL, err);
}

int onnx_check_function(const Onnx__FunctionProto *f, struct err *err)
{
	struct check c = {.err = err};
	int status = give_all(&c, f->input, f->n_input);
	if (status == OK)
		status = check_nodes(&c, f->node, f->n_node);
	for (size_t i = 0; i < f->n_output && status == OK; i++)
		if (!map_has(&c.given, f->output[i]))
			status = fail(
			    err, E_FORMAT, "output '%s' is computed by no node", f->output[i]);
	map_free(&c.given);
	map_free(&c.producer);
	return status;
}

static bool need_graph(struct map *needed, const Onnx__GraphProto *g);

static bool need_inputs(struct map *needed, const Onnx__NodeProto *n)
{
	bool ok = true;
	for (size_t k = 0; k < n->n_input; k++)
		ok = ok && map_put(needed, n->input[k], NULL);
	for (size_t k = 0; k < n->n_attribute; k++) {
		const Onnx__AttributeProto *a = n->attribute[k];
		ok = ok && (!a->g || need_graph(needed, a->g));
		for (size_t j = 0; j < a->n_graphs; j++)
			ok = ok && need_graph(needed, a->graphs[j]);
	}
	return ok;
}

/* More than is needed: names of the subgraph's own count as names around it. */
static bool need_graph(struct map *needed, const Onnx__GraphProto *g)
{
	bool ok = true;
	for (size_t i = 0; i < g->n_node; i++)
		ok = ok && need_inputs(needed, g->node[i]);
	for (size_t i = 0; i < g->n_output; i++)
		ok = ok && map_put(needed, onnx_text(g->output[i]->name), NULL);
	return ok;
}

bool onnx_wanted(const struct onnx_import *im, const struct map *needed, const char *output)
{
	return *output && map_has(needed, output) && !onnx_is_cut(im, output);
}

int onnx_needed(const struct onnx_import *im, char **outputs, size_t noutputs, struct map *needed)
{
	const Onnx__GraphProto *g = im->model->graph;
	bool ok = true;
	for (size_t i = 0; i < noutputs; i++)
		ok = ok && map_put(needed, outputs[i], NULL);
	for (size_t i = g->n_node; ok && i-- > 0;) {
		const Onnx__NodeProto *n = g->node[i];
		bool want = false;
		for (size_t k = 0; k < n->n_output; k++)
			want = want || onnx_wanted(im, needed, n->output[k]);
		ok = !want || need_inputs(needed, n);
	}
	return ok ? OK : fail_nomem(im->err);
}
