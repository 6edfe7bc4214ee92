/* Bodies in the XML of an IR, their port maps and back edges. */
#include "formats/ir_xml_element.h"

#include <string.h>

#include "base/limits.h"

static int read_purpose(struct xml *x, const struct xml_element *n, struct ir_map *m)
{
	const char *s = element_attr(n, "purpose");

	m->purpose = PURPOSE_NONE;
	if (!s || !*s)
		return OK;
	if (!strcmp(s, "current_iteration"))
		m->purpose = PURPOSE_CURRENT_ITERATION;
	else if (!strcmp(s, "execution_condition"))
		m->purpose = PURPOSE_EXECUTION_CONDITION;
	else
		return element_bad(x, n, "has an unknown purpose");
	return OK;
}

static int read_map(struct xml *x, const struct xml_element *n, struct ir_map *m)
{
	int rc;

	m->line = n->line;
	m->axis = -1;
	if (element_is(n, "edge")) {
		m->kind = MAP_BACK_EDGE;
		rc = element_int(x, n, "from-layer", &m->port);
		return rc == OK ? element_int(x, n, "to-layer", &m->layer) : rc;
	}
	m->kind = element_is(n, "input") ? MAP_INPUT : MAP_OUTPUT;
	if ((rc = element_signed(x, n, "external_port_id", -1, &m->port)) != OK ||
	    (rc = element_int(x, n, "internal_layer_id", &m->layer)) != OK ||
	    (rc = element_signed(x, n, "axis", -1, &m->axis)) != OK ||
	    (rc = element_signed(x, n, "start", 0, &m->start)) != OK ||
	    (rc = element_signed(x, n, "end", -1, &m->end)) != OK ||
	    (rc = element_signed(x, n, "stride", 1, &m->stride)) != OK ||
	    (rc = element_signed(x, n, "part_size", 1, &m->part_size)) != OK)
		return rc;
	return read_purpose(x, n, m);
}

static int read_maps(struct xml *x, const struct xml_element *maps, const struct xml_element *edges,
    struct ir_body *b)
{
	int total = element_count(maps, "input") + element_count(maps, "output") +
		    element_count(edges, "edge");
	int rc = OK;

	if (total > 3 * LIMIT_PORTS)
		return fail(
		    x->err, E_LIMIT, "a port map has more than %d entries", 3 * LIMIT_PORTS);
	b->map = arena_array(x->arena, (size_t)total + 1, sizeof *b->map);
	if (!b->map)
		return fail_nomem(x->err);
	for (const struct xml_element *n = maps ? maps->children : NULL; n && rc == OK; n = n->next)
		if (element_is(n, "input") || element_is(n, "output"))
			rc = read_map(x, n, &b->map[b->nmaps++]);
	for (const struct xml_element *n = edges ? edges->children : NULL; n && rc == OK;
	     n = n->next)
		if (element_is(n, "edge"))
			rc = read_map(x, n, &b->map[b->nmaps++]);
	return rc;
}

static int read_inside(struct xml *x, const struct xml_element *n)
{
	const struct xml_element *layers = element_child(n, "layers"),
				 *edges = element_child(n, "edges");
	int rc = OK;

	for (n = layers ? layers->children : NULL; n && rc == OK; n = n->next)
		if (element_is(n, "layer"))
			rc = xml_read_layer(x, n);
	for (n = edges ? edges->children : NULL; n && rc == OK; n = n->next)
		if (element_is(n, "edge"))
			rc = xml_read_edge(x, n);
	return rc;
}

static int read_body(struct xml *x, const struct xml_element *layer, const char *element,
    const char *maps, struct ir_body *b)
{
	const struct xml_element *n = element_child(layer, element);
	struct ir_doc *outer = x->doc;
	int rc;

	if (!n)
		return fail(
		    x->err, E_FORMAT, "line %ld: <layer> has no <%s>", layer->line, element);
	if (x->depth == LIMIT_BODIES)
		return fail(
		    x->err, E_LIMIT, "line %ld: bodies nest deeper than %d", n->line, LIMIT_BODIES);
	rc = read_maps(x, element_child(layer, maps), element_child(layer, "back_edges"), b);
	if (rc != OK)
		return rc;
	x->doc = &b->doc;
	x->depth++;
	rc = read_inside(x, n);
	x->depth--;
	x->doc = outer;
	return rc;
}

int xml_read_bodies(struct xml *x, const struct xml_element *n, struct ir_layer *l)
{
	bool branches = element_child(n, "then_body") || element_child(n, "else_body");

	if (!branches && !element_child(n, "body"))
		return OK;
	l->nbodies = branches ? 2 : 1;
	l->body = arena_array(x->arena, (size_t)l->nbodies, sizeof *l->body);
	if (!l->body)
		return fail_nomem(x->err);
	if (!branches)
		return read_body(x, n, "body", "port_map", &l->body[0]);
	int rc = read_body(x, n, "then_body", "then_port_map", &l->body[0]);
	return rc == OK ? read_body(x, n, "else_body", "else_port_map", &l->body[1]) : rc;
}
