/* The variables of a network with state: what Assign leaves to the ReadValue of the next run. */
#include <stdlib.h>
#include <string.h>

#include "exec/variables.h"

struct variable {
	const char *id; /* the graph's */
	struct tensor now, next;
	bool set;      /* now is what an earlier run left */
	bool assigned; /* next is what this run has left so far */
};

static bool is_read_value(const struct node *n)
{
	return node_is(n, OP_READ_VALUE) || node_is(n, OP_READ_VALUE_3);
}

static bool is_assign(const struct node *n)
{
	return node_is(n, OP_ASSIGN) || node_is(n, OP_ASSIGN_3);
}

bool has_variable(const struct node *n)
{
	return is_read_value(n) || is_assign(n);
}

static struct variable *find(struct exec *e, const struct node *n)
{
	const char *id = attr_s(n, "variable_id");
	for (int i = 0; i < e->nvariables; i++)
		if (!strcmp(e->variable[i].id, id))
			return &e->variable[i];
	return NULL;
}

int variables_new(struct exec *e, struct err *err)
{
	int most = 0;
	for (int i = 0; i < e->nsteps; i++)
		most += has_variable(e->step[i].node);
	e->variable = calloc((size_t)most + 1, sizeof *e->variable);
	if (!e->variable)
		return fail_nomem(err);
	for (int i = 0; i < e->nsteps; i++) {
		const struct node *n = e->step[i].node;
		if (has_variable(n) && !find(e, n))
			e->variable[e->nvariables++].id = attr_s(n, "variable_id");
	}
	return OK;
}

void variables_free(struct exec *e)
{
	for (int i = 0; i < e->nvariables; i++) {
		tensor_free(&e->variable[i].now);
		tensor_free(&e->variable[i].next);
	}
	free(e->variable);
}

void variables_end_run(struct exec *e, bool good)
{
	for (int i = 0; i < e->nvariables; i++) {
		struct variable *v = &e->variable[i];
		struct tensor old = v->now;
		if (good && v->assigned) {
			v->now = v->next;
			v->next = old; /* its memory serves the next run */
			v->set = true;
		}
		v->assigned = false;
	}
}

void exec_reset_state(struct exec *e)
{
	for (int i = 0; i < e->nvariables; i++)
		e->variable[i].set = false;
}

static bool same_size(const struct tensor *a, const struct tensor *b)
{
	return a->type == b->type && a->rank == b->rank &&
	       !memcmp(a->dim, b->dim, (size_t)a->rank * sizeof *a->dim);
}

/* Output 0 of n becomes a copy of from, which is absent for zeros. make: it has no place yet. */
static int put(
    const struct node *n, const struct tensor *from, struct tensor *to, bool make, struct err *err)
{
	const char *id = attr_s(n, "variable_id");
	if (make && from->type != DT_NONE)
		return tensor_clone(to, from, err);
	if (make)
		return fail(err, E_UNSUPPORTED,
		    "variable '%s' has neither an initial value nor a size", id);
	if (from->type != DT_NONE && !same_size(to, from))
		return fail(err, E_USAGE,
		    "variable '%s' has another size than this run needs: reset the state", id);
	if (!to->data || !tensor_bytes(to)) /* nobody asks for it */
		return OK;
	if (from->type == DT_NONE)
		memset(to->data, 0, tensor_bytes(to));
	else
		memcpy(to->data, from->data, tensor_bytes(to));
	return OK;
}

static int assign(struct variable *v, const struct tensor *from, struct err *err)
{
	int status = OK;
	if (!same_size(&v->next, from)) {
		tensor_free(&v->next);
		status = tensor_clone(&v->next, from, err);
	} else if (tensor_bytes(from)) {
		memcpy(v->next.data, from->data, tensor_bytes(from));
	}
	v->assigned = status == OK;
	return status;
}

int variables_step(struct exec *e, const struct node *n, const struct tensor *in,
    struct tensor *out, bool make, struct err *err)
{
	struct variable *v = find(e, n);
	struct tensor from = n->nin ? in[0] : (struct tensor){0};
	if (v->set && !is_assign(n))
		from = v->now;
	int status = put(n, &from, out, make, err);
	if (status == OK && is_assign(n))
		status = assign(v, &from, err);
	return status < 0 ? err_in(err, "node '%s'", n->name) : OK;
}
