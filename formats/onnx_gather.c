/* Operators that pick elements by index, or put them there. */
#include <string.h>

#include "formats/onnx_translate.h"

void tr_gather_node(struct tr *t)
{
	tr_out(t, 0, tr_gather(t, tr_in(t, 0), tr_in(t, 1), tr_int(t, "axis", 0)));
}

void tr_gather_elements(struct tr *t)
{
	struct node *n = tr_new(t, OP_GATHER_ELEMENTS, tr_in(t, 0), tr_in(t, 1));
	tr_set_i(t, n, "axis", tr_int(t, "axis", 0));
	tr_out(t, 0, tr_end(t, n));
}

void tr_gather_nd(struct tr *t)
{
	struct node *n = tr_new(t, OP_GATHER_ND, tr_in(t, 0), tr_in(t, 1));
	tr_set_i(t, n, "batch_dims", tr_int(t, "batch_dims", 0));
	tr_out(t, 0, tr_end(t, n));
}

static const char *reduction_of(struct tr *t)
{
	static const char *const names[][2] = {
	    {"none", "none"}, {"add", "sum"}, {"mul", "prod"}, {"max", "max"}, {"min", "min"}};
	const char *s = tr_str(t, "reduction", "none");
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (!strcmp(s, names[i][0]))
			return names[i][1];
	tr_fail(t, E_FORMAT, "attribute 'reduction' is '%s'", s);
	return "none";
}

void tr_scatter_elements(struct tr *t)
{
	struct node *n = tr_new(t, OP_SCATTER_ELEMENTS, tr_in(t, 0), tr_in(t, 1), tr_in(t, 2),
	    tr_scalar_i64(t, tr_int(t, "axis", 0)));
	tr_set_s(t, n, "reduction", reduction_of(t));
	tr_set_i(t, n, "use_init_val", true);
	tr_out(t, 0, tr_end(t, n));
}

void tr_scatter_nd(struct tr *t)
{
	struct node *n = tr_new(t, OP_SCATTER_ND, tr_in(t, 0), tr_in(t, 1), tr_in(t, 2));
	tr_set_s(t, n, "reduction", reduction_of(t));
	tr_out(t, 0, tr_end(t, n));
}

void tr_non_zero(struct tr *t)
{
	struct node *n = tr_new(t, OP_NON_ZERO, tr_in(t, 0));
	tr_set_type(t, n, "output_type", DT_I64);
	tr_out(t, 0, tr_end(t, n));
}

void tr_compress(struct tr *t)
{
	struct value *x = tr_in(t, 0);
	int64_t axis = tr_int(t, "axis", 0);
	if (!tr_has(t, "axis"))
		x = tr_reshape(t, x, 1, (int64_t[]){-1});
	struct node *n = tr_new(t, OP_NON_ZERO, tr_in(t, 1));
	tr_set_type(t, n, "output_type", DT_I64);
	struct value *at = tr_squeeze(t, tr_end(t, n), 1, (int64_t[]){0});
	tr_out(t, 0, tr_gather(t, x, at, axis));
}

/* Values are [off, on]; indices and depth may be of any number type. */
void tr_one_hot(struct tr *t)
{
	struct value *at = tr_convert(t, tr_in(t, 0), DT_I64);
	struct value *depth = tr_scalar(t, tr_convert(t, tr_in(t, 1), DT_I64)),
		     *values = tr_in(t, 2);
	struct value *off = tr_gather(t, values, tr_scalar_i64(t, 0), 0);
	struct value *on = tr_gather(t, values, tr_scalar_i64(t, 1), 0);
	struct node *n = tr_new(t, OP_ONE_HOT, at, depth, on, off);
	tr_set_i(t, n, "axis", tr_int(t, "axis", -1));
	tr_set_s(t, n, "negative_indices_mode", "normalize");
	tr_out(t, 0, tr_end(t, n));
}

void tr_unique(struct tr *t)
{
	struct value *x = tr_in(t, 0);
	bool sorted = tr_bool(t, "sorted", true), by_axis = tr_has(t, "axis");
	int64_t axis = tr_int(t, "axis", 0);
	struct node *n = by_axis ? tr_new(t, OP_UNIQUE, x, tr_scalar_i64(t, axis))
				 : tr_new(t, OP_UNIQUE, x);
	tr_set_i(t, n, "sorted", sorted);
	tr_set_type(t, n, "index_element_type", DT_I64);
	tr_set_type(t, n, "count_element_type", DT_I64);
	struct value *y = tr_end(t, n);
	for (int i = 0; i < t->nout && i < 4 && y; i++)
		tr_out(t, i, tr_port(y, i));
}

void tr_non_max_suppression(struct tr *t)
{
	struct value *boxes = tr_in(t, 0), *scores = tr_in(t, 1);
	struct value *most = tr_given(t, 2) ? tr_scalar(t, t->in[2]) : tr_scalar_i64(t, 0);
	struct value *iou = tr_given(t, 3) ? tr_scalar(t, t->in[3]) : tr_number(t, DT_F32, 0);
	/* without a threshold every score counts */
	struct value *least = tr_given(t, 4) ? tr_scalar(t, t->in[4])
					     : tr_number(t, DT_F32, -3.4028234663852886e38);
	int64_t centre = tr_int(t, "center_point_box", 0);
	struct node *n = tr_new(t, OP_NMS, boxes, scores, most, iou, least);
	tr_set_s(t, n, "box_encoding", centre ? "center" : "corner");
	tr_set_i(t, n, "sort_result_descending", false);
	tr_set_type(t, n, "output_type", DT_I64);
	tr_out(t, 0, tr_end(t, n));
}
