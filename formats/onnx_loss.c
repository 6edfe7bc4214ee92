/* The losses: what a network scored for the true classes. */
#include <string.h>

#include "formats/onnx_translate.h"

/* Reduces losses: the mean divides by the weights when there are any. */
static struct value *reduced(
    struct tr *t, struct value *loss, struct value *weight, const char *how)
{
	if (!strcmp(how, "none"))
		return loss;
	struct value *axes = tr_range(t, 0, tr_rank(t, loss));
	if (!strcmp(how, "mean") && !weight)
		return tr_reduce(t, OP_REDUCE_MEAN, loss, axes, false);
	struct value *sum = tr_reduce(t, OP_REDUCE_SUM, loss, axes, false);
	if (!strcmp(how, "mean"))
		return tr_op(t, OP_DIVIDE, sum, tr_reduce(t, OP_REDUCE_SUM, weight, axes, false));
	if (strcmp(how, "sum"))
		tr_fail(t, E_FORMAT, "attribute 'reduction' is '%s'", how);
	return sum;
}

/* -weight[c] * log_prob[c] at the true class c of each place; ignored places count nothing. */
static struct value *likelihood_loss(
    struct tr *t, struct value *log_prob, struct value *target, struct value *class_weight)
{
	bool ignoring = tr_has(t, "ignore_index");
	int64_t ignore = tr_int(t, "ignore_index", 0);
	const char *how = tr_str(t, "reduction", "mean");
	struct value *mask = NULL, *weight = NULL;
	if (ignoring) {
		mask = tr_op(t, OP_EQUAL, target, tr_number_of(t, target, (double)ignore));
		target = tr_op(t, OP_SELECT, mask, tr_number_of(t, target, 0), target);
	}
	if (class_weight)
		weight = tr_gather(t, class_weight, target, 0);
	else if (ignoring)
		weight = tr_broadcast(t, tr_number_of(t, log_prob, 1), tr_shape_of(t, target));
	if (ignoring)
		weight = tr_op(t, OP_SELECT, mask, tr_number_of(t, log_prob, 0), weight);
	struct node *n = tr_new(
	    t, OP_GATHER_ELEMENTS, log_prob, tr_unsqueeze(t, target, 1, (int64_t[]){1}));
	tr_set_i(t, n, "axis", 1);
	struct value *loss = tr_squeeze(t, tr_end(t, n), 1, (int64_t[]){1});
	loss = tr_op(t, OP_MULTIPLY, loss, tr_number_of(t, loss, -1));
	if (weight)
		loss = tr_op(t, OP_MULTIPLY, loss, weight);
	return reduced(t, loss, weight, how);
}

void tr_negative_log_likelihood_loss(struct tr *t)
{
	tr_out(
	    t, 0, likelihood_loss(t, tr_in(t, 0), tr_in(t, 1), tr_given(t, 2) ? t->in[2] : NULL));
}

void tr_softmax_cross_entropy_loss(struct tr *t)
{
	struct node *n = tr_new(t, OP_LOG_SOFTMAX, tr_in(t, 0));
	tr_set_i(t, n, "axis", 1);
	struct value *log_prob = tr_end(t, n);
	tr_out(t, 0, likelihood_loss(t, log_prob, tr_in(t, 1), tr_given(t, 2) ? t->in[2] : NULL));
	tr_out(t, 1, log_prob);
}
