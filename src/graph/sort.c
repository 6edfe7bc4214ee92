/* Topological order, kept where it holds already. */
#include <stdlib.h>

#include "graph/graph.h"

enum { NEW, OPEN, DONE };

struct frame {
	struct node *node;
	int next; /* input to look at */
};

/* Places n after all it depends on, without recursion: a network may be a million nodes deep. */
static int place(
    struct node *n, struct frame *stack, struct node **order, int *count, struct err *err)
{
	int depth = 0;
	stack[depth++] = (struct frame){n, 0};
	n->mark = OPEN;
	while (depth) {
		struct frame *f = &stack[depth - 1];
		if (f->next == f->node->nin) {
			f->node->mark = DONE;
			order[(*count)++] = f->node;
			depth--;
			continue;
		}
		struct value *v = f->node->in[f->next++].value;
		if (!v || v->node->graph != n->graph || v->node->mark == DONE)
			continue;
		if (v->node->mark == OPEN)
			return fail(err, E_FORMAT, "node '%s' depends on itself", v->node->name);
		v->node->mark = OPEN;
		stack[depth++] = (struct frame){v->node, 0};
	}
	return OK;
}

static void relink(struct graph *g, struct node **order, int count)
{
	for (int i = 0; i < count; i++) {
		order[i]->prev = i ? order[i - 1] : NULL;
		order[i]->next = i + 1 < count ? order[i + 1] : NULL;
	}
	g->first = count ? order[0] : NULL;
	g->last = count ? order[count - 1] : NULL;
}

static int sort_one(struct graph *g, struct err *err)
{
	size_t n = (size_t)g->nnodes + 1;
	struct frame *stack = calloc(n, sizeof *stack);
	struct node **order = calloc(n, sizeof *order);
	int count = 0, rc = stack && order ? OK : fail_nomem(err);
	graph_each (g, node)
		node->mark = NEW;
	for (struct node *node = g->first; node && !rc; node = node->next)
		if (node->mark == NEW)
			rc = place(node, stack, order, &count, err);
	if (!rc)
		relink(g, order, count);
	free(stack);
	free(order);
	return rc;
}

int graph_sort(struct graph *g, struct err *err)
{
	int rc = sort_one(g, err);
	for (struct node *n = g->first; n && !rc; n = n->next)
		for (int i = 0; i < n->nbodies && !rc; i++)
			rc = graph_sort(n->body[i].graph, err);
	return rc;
}
