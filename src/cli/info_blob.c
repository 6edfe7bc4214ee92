/* mo-info on a compiled network: what it was made from and for, and whether it serves here. */
#include <stdio.h>
#include <sys/stat.h>

#include "cli/feed.h"
#include "cli/info.h"
#include "cli/precision.h"
#include "exec/compiled.h"
#include "exec/exec.h"
#include "store/network.h"

struct look {
	struct file *f;
	struct made made;
	struct graph *g;
	struct exec_products products;         /* of the first plan */
	struct exec_plan_size size[EXEC_SETS]; /* of each */
	bool serves;
	struct err why; /* not, or why it cannot be read */
};

bool info_is_blob(const struct info_run *r)
{
	struct stat st;
	const char *path = input_path(r->model);
	return !stat(path, &st) && S_ISREG(st.st_mode) && network_is_blob(path);
}

/* The plans are there as they were compiled. */
static int look_at_plans(struct look *l)
{
	struct exec_options o = {.exact = l->made.exact, .bf16 = l->made.bf16};
	struct exec *e = NULL;
	int s = exec_new(l->g, &o, &e, &l->why);
	s = s ? s : exec_prepare(e, exec_planned_for(l->g, 0), &l->why);
	s = s ? s : exec_plan_sizes(e, l->size, &l->why);
	if (!s)
		l->products = exec_products(e);
	exec_free(e);
	return s;
}

/* What cannot be read fails; what does not serve is a finding. */
static int look_at(struct look *l, const char *path, struct err *err)
{
	struct blob_head head;
	int s = network_file(path, false, &l->f, err);
	s = s ? s : network_made(l->f, &head, &l->made, err);
	if (s && !(l->made.source && l->made.isa[0]))
		return s;
	if (s) { /* of another version */
		l->why = *err;
		*err = (struct err){0};
		return OK;
	}
	if (made_check(&l->made, l->made.exact, l->made.bf16, &l->why))
		return OK;
	s = network_load(l->f, &head, true, &l->g, err);
	l->serves = !s && !look_at_plans(l);
	return s;
}

static void print_plans(const struct look *l)
{
	for (int i = 0; i < exec_planned(l->g); i++) {
		const struct exec_plan_size *p = &l->size[i];
		const struct tensor *in = exec_planned_for(l->g, i);
		struct text t = {0};
		for (int k = 0; k < l->g->ninputs; k++) {
			struct shape s = tensor_shape(&in[k]);
			text_printf(&t, "%s[", value_name(&l->g->inputs[k]->out[0]));
			shape_text(&t, &s);
			text_add(&t, "] ");
		}
		printf("plan     %s%d calls, %.1f MB of workspace, %.1f MB of weights, %.1f MB of "
		       "them alone\n",
		    t.data ? t.data : "", p->calls, (double)p->workspace * 1e-6,
		    (double)p->weights * 1e-6, (double)p->alone * 1e-6);
		text_free(&t);
	}
	printf("shapes   %s\n",
	    exec_planned_open(l->g) ? "others that fit the inputs are planned" : "no others");
}

static void print(const struct look *l)
{
	const struct made *m = &l->made;
	printf("format   compiled network, %.1f MB in memory\n", (double)l->f->size * 1e-6);
	printf("compiled for %s%s%s, from '%s'\n", m->isa, m->exact ? ", exact" : "",
	    m->bf16 ? ", BF16 products" : "", m->source);
	if (l->g) {
		info_print_edges(l->g, false);
		info_print_edges(l->g, true);
	}
	if (l->serves)
		print_plans(l);
	if (l->serves)
		printf("computed in %s: of %d products with weights %d in i8, %d in bf16\n",
		    precision_name(l->products), l->products.all, l->products.int8,
		    l->products.bf16);
	else
		printf("does not serve here: %s\n", l->why.text);
}

static cJSON *plans_json(const struct look *l)
{
	cJSON *all = cJSON_CreateArray();
	for (int i = 0; i < exec_planned(l->g); i++) {
		const struct exec_plan_size *p = &l->size[i];
		const struct tensor *in = exec_planned_for(l->g, i);
		cJSON *o = cJSON_CreateObject(), *shapes = cJSON_AddObjectToObject(o, "shapes");
		for (int k = 0; k < l->g->ninputs; k++) {
			cJSON *dims = cJSON_AddArrayToObject(
			    shapes, value_name(&l->g->inputs[k]->out[0]));
			for (int d = 0; d < in[k].rank; d++)
				cJSON_AddItemToArray(
				    dims, cJSON_CreateNumber((double)in[k].dim[d]));
		}
		cJSON_AddNumberToObject(o, "calls", p->calls);
		cJSON_AddNumberToObject(o, "workspace_bytes", (double)p->workspace);
		cJSON_AddNumberToObject(o, "weights_bytes", (double)p->weights);
		cJSON_AddNumberToObject(o, "weights_alone_bytes", (double)p->alone);
		cJSON_AddItemToArray(all, o);
	}
	return all;
}

static cJSON *json_of(const struct info_run *r, const struct look *l)
{
	const struct made *m = &l->made;
	cJSON *j = cJSON_CreateObject();
	cJSON_AddStringToObject(j, "model", r->model);
	cJSON_AddStringToObject(j, "format", "blob");
	cJSON_AddNumberToObject(j, "bytes", (double)l->f->size);
	cJSON_AddStringToObject(j, "isa", m->isa);
	cJSON_AddBoolToObject(j, "exact", m->exact);
	cJSON_AddBoolToObject(j, "bf16", m->bf16);
	cJSON_AddStringToObject(j, "source", m->source);
	cJSON_AddBoolToObject(j, "serves", l->serves);
	if (!l->serves)
		cJSON_AddStringToObject(j, "reason", l->why.text);
	if (l->g) {
		cJSON_AddItemToObject(j, "inputs", info_edges_json(l->g, false));
		cJSON_AddItemToObject(j, "outputs", info_edges_json(l->g, true));
	}
	if (l->serves) {
		cJSON_AddBoolToObject(j, "open", exec_planned_open(l->g));
		cJSON_AddItemToObject(j, "plans", plans_json(l));
	}
	cJSON_AddNumberToObject(j, "products", l->products.all);
	cJSON_AddNumberToObject(j, "products_bf16", l->products.bf16);
	cJSON_AddNumberToObject(j, "products_i8", l->products.int8);
	return j;
}

int info_blob(const struct info_run *r, struct err *err)
{
	struct look l = {0};
	if (r->all || r->advice || r->svg || r->html)
		return fail(err, E_USAGE,
		    "'%s': a compiled network has no layers to show: look at what it was compiled "
		    "from",
		    r->model);
	int s = look_at(&l, r->model, err);
	if (s)
		err_in(err, "'%s'", r->model);
	if (!s && info_prints(r))
		print(&l);
	if (!s && r->json)
		s = json_write(r->json, json_of(r, &l), err);
	graph_free(l.g);
	made_free(&l.made);
	file_unref(l.f);
	err_clear(&l.why);
	return s;
}
