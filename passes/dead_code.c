/* Dead code: nodes that no output of the network needs go, except its inputs. */
#include "passes/rewrite.h"

static int dead_code(struct pass_ctx *c)
{
	int done = 0;
	for (struct node *n = c->graph->last, *prev; n; n = prev) {
		bool used = node_is(n, OP_PARAMETER) || n->op->flags & OPF_SINK;
		prev = n->prev;
		for (int i = 0; i < n->nout; i++)
			used = used || n->out[i].nuses;
		if (used)
			continue;
		graph_remove(n);
		done++;
	}
	return done;
}

const struct pass pass_dead_code = {
    .name = "dead-code",
    .about = "drop nodes that no output needs",
    .needs = FACT_ORDER,
    .keeps = FACT_ORDER | FACT_SHAPES,
    .run = dead_code,
};
