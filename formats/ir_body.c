/* Bodies of an IR become graphs of their own, port maps what leads in and out. */
#include <inttypes.h>

#include "formats/ir_reader.h"
#include "graph/op.h"
#include "ops/op.h"

/* Parameters and Results are marked with their places in the body's lists. */
static void mark_ends(struct graph *g)
{
	for (int i = 0; i < g->ninputs; i++)
		g->inputs[i]->mark = (uint32_t)i;
	for (int i = 0; i < g->noutputs; i++)
		g->outputs[i]->mark = (uint32_t)i;
}

/* Place of the Parameter or Result that has this layer id, -1 when it is none. */
static int find_end(struct ir_reader *in, int64_t id, enum op_id kind)
{
	int layer = ir_find_layer(in, id);
	return layer >= 0 && node_is(in->node[layer], kind) ? (int)in->node[layer]->mark : -1;
}

static int make_map(struct ir_reader *r, struct ir_reader *in, const struct ir_layer *l,
    const struct ir_map *from, struct port_map *m)
{
	bool out = from->kind == MAP_OUTPUT;

	*m = (struct port_map){.axis = from->axis,
	    .start = from->start,
	    .end = from->end,
	    .stride = from->stride,
	    .part_size = from->part_size};
	m->kind = from->kind;
	m->purpose = from->purpose;
	m->inner = find_end(in, from->layer, out ? OP_RESULT : OP_PARAMETER);
	if (m->inner < 0)
		return fail(r->err, E_FORMAT, "line %ld: no %s of the body is layer %" PRId64,
		    from->line, out ? "Result" : "Parameter", from->layer);
	m->outer = from->kind == MAP_BACK_EDGE ? find_end(in, from->port, OP_RESULT)
		   : out                       ? ir_find_port(l->out, l->nout, from->port)
					       : ir_find_port(l->in, l->nin, from->port);
	if (m->outer < 0 && (from->kind == MAP_BACK_EDGE || from->port != -1 || !from->purpose))
		return fail(r->err, E_FORMAT,
		    "line %ld: a port map names %" PRId64 ", which is not there", from->line,
		    from->port);
	return OK;
}

static int make_maps(struct ir_reader *r, struct ir_reader *in, const struct ir_layer *l,
    const struct ir_body *from, struct body *b)
{
	int rc = OK;

	b->map = arena_array(r->graph->arena, (size_t)from->nmaps + 1, sizeof *b->map);
	if (!b->map)
		return fail_nomem(r->err);
	bool *fed = arena_array(r->arena, (size_t)in->graph->ninputs + 1, sizeof *fed);
	bool *given = arena_array(r->arena, (size_t)l->nout + 1, sizeof *given);
	if (!fed || !given)
		return fail_nomem(r->err);
	mark_ends(in->graph);
	for (int i = 0; i < from->nmaps && rc == OK; i++) {
		struct port_map *m = &b->map[i];
		rc = make_map(r, in, l, &from->map[i], m);
		bool *once = m->kind == MAP_INPUT                     ? &fed[m->inner]
			     : m->kind == MAP_OUTPUT && m->outer >= 0 ? &given[m->outer]
								      : NULL;
		if (rc == OK && once && *once)
			rc = fail(r->err, E_FORMAT,
			    "line %ld: a port map names the same port twice", from->map[i].line);
		if (rc == OK && once)
			*once = true;
	}
	b->nmaps = rc == OK ? from->nmaps : 0;
	return rc;
}

static int read_body(struct ir_reader *r, const struct ir_layer *l, int i, struct node *n)
{
	struct ir_reader in = {.options = r->options,
	    .bin_path = r->bin_path,
	    .arena = r->arena,
	    .doc = l->body[i].doc,
	    .bin = r->bin,
	    .err = r->err};
	int rc;

	in.graph = n->body[i].graph = graph_new_body(r->graph, "");
	if (!in.graph)
		return fail_nomem(r->err);
	if ((rc = ir_index_layers(&in)) == OK && (rc = ir_check_layers(&in)) == OK &&
	    (rc = ir_make_nodes(&in)) == OK && (rc = ir_connect(&in)) == OK)
		rc = make_maps(r, &in, l, &l->body[i], &n->body[i]);
	r->bin = in.bin;
	map_free(&in.names);
	return rc;
}

int ir_read_bodies(struct ir_reader *r, const struct ir_layer *l, struct node *n)
{
	int rc = OK;

	n->body = arena_array(r->graph->arena, (size_t)l->nbodies, sizeof *n->body);
	if (!n->body)
		return fail_nomem(r->err);
	n->nbodies = l->nbodies;
	for (int i = 0; i < l->nbodies && rc == OK; i++)
		rc = read_body(r, l, i, n);
	return rc;
}
