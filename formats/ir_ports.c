/* Compares what the ports of an IR declare with what inference found. */
#include "formats/ir_ports.h"

#include <inttypes.h>
#include <strings.h>

static bool same_precision(const char *declared, enum dtype type)
{
	static const char *const open[] = {"", "dynamic", "undefined", "UNSPECIFIED", "MIXED"};

	if (!declared || type == DT_NONE || dtype_parse(declared) == type)
		return true;
	for (size_t i = 0; i < sizeof open / sizeof *open; i++)
		if (!strcasecmp(declared, open[i]))
			return true;
	return false;
}

/* No dims may mean a scalar or an unknown rank. */
static bool same_dims(const struct ir_port *p, const struct shape *s)
{
	if (!p->ndims || s->rank < 0)
		return true;
	if (p->ndims != s->rank)
		return false;
	for (int i = 0; i < s->rank; i++)
		if (p->dim[i] >= 0 && (p->dim[i] < s->dim[i].min || p->dim[i] > s->dim[i].max))
			return false;
	return true;
}

static void declared_text(struct text *t, const struct ir_port *p)
{
	text_printf(t, "%s [", p->precision ? p->precision : "any type");
	for (int i = 0; i < p->ndims; i++) {
		if (p->dim[i] < 0)
			text_add(t, i ? ",?" : "?");
		else
			text_printf(t, "%s%" PRId64, i ? "," : "", p->dim[i]);
	}
	text_add(t, "]");
}

static int check_port(const struct ir_layer *l, const char *side, const struct ir_port *p,
    const struct info *info, struct err *err)
{
	struct text t = {0};

	if (same_precision(p->precision, info->type) && same_dims(p, &info->shape))
		return OK;
	text_printf(&t, "%s port %" PRId64 " declares ", side, p->id);
	declared_text(&t, p);
	text_printf(&t, ", inference gives %s [", dtype_precision(info->type));
	shape_text(&t, &info->shape);
	text_add(&t, "]");
	fail(err, E_FORMAT, "layer '%s': %s", l->name, t.data ? t.data : "");
	text_free(&t);
	return E_FORMAT;
}

int ir_check_ports(const struct ir_layer *l, const struct node *n, struct err *err)
{
	int rc = OK;

	for (int k = 0; k < l->nin && rc == OK; k++)
		rc = check_port(l, "input", &l->in[k], &node_in(n, k)->info, err);
	for (int k = 0; k < l->nout && rc == OK; k++)
		rc = check_port(l, "output", &l->out[k], &n->out[k].info, err);
	return rc;
}
