/* Two networks on the same data, tensor by tensor: where they part, and whether the outputs agree.
 */
#ifndef REPORT_COMPARE_H
#define REPORT_COMPARE_H

#include "base/threads.h"
#include "graph/graph.h"

struct compare_options {
	struct pool *pool; /* borrowed; NULL: one thread */
	bool eval_only;    /* as struct exec_options has it, for both networks */
	double tolerance;  /* of an error over its range; an output beyond it is no agreement */
	size_t keep_bytes; /* tensors of the reference kept between the runs; 0: 2 GiB. Those
			      beyond are counted as skipped. */
};

/* One tensor that both networks have, by its tensor name, else by its layer's name and port. */
struct compare_tensor {
	const char *name;  /* borrowed from the tested network, as are layer and op */
	const char *layer; /* the tested network's layer that makes it */
	const char *op;    /* its type, "Convolution" */
	double error;   /* error_over_range (report/error.h): infinite when sizes or NaNs differ */
	double max_abs; /* largest |got - want| */
	double sqnr;    /* 10 log10(sum want^2 / sum (got - want)^2) dB; infinite when equal */
	bool same_size; /* same element type and dims */
	bool want_finite, got_finite;
};

struct compare_output {
	const char *name;
	bool found; /* in the tested network */
	struct compare_tensor t;
	bool ok; /* found and within the tolerance */
};

struct compare {
	int ntensors; /* in the order of the tested network */
	struct compare_tensor *tensor;
	int first_differs;   /* index of the first beyond the tolerance, or -1 */
	int first_nonfinite; /* of the first not finite where the reference is, or -1 */
	int *worst;          /* all indices, largest error first */
	int unmatched;       /* tensors of the tested network that the reference lacks */
	int skipped;         /* matched, but beyond keep_bytes */
	int noutputs;        /* of the reference, in its order */
	struct compare_output *output;
	int extra_outputs; /* of the tested network that the reference lacks */
	bool ok;           /* every output is */
};

/* Runs want (the reference), then got. in: tensors in the order of want's inputs, matched to those
 * of got by name, else by position; type and shape must fit both. Both graphs are left as they
 * were. */
int compare_graphs(struct graph *want, struct graph *got, const struct tensor *in,
    const struct compare_options *o, struct compare *out, struct err *err);
void compare_free(struct compare *c);

#endif
