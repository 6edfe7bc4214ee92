/* A metric that an outside program computes: --metric-cmd. */
#ifndef QUANT_COMMAND_H
#define QUANT_COMMAND_H

#include "quant/evaluate.h"
#include "quant/verdict.h"

/* What a network gave for samples, in a temporary folder that goes with it: <k>.npy holds the rows
 * of output k, in its own type, and samples.csv "sample,name,label" for each row. */
struct outputs;
int outputs_new(int nout, struct outputs **out, struct err *err);
/* Adds a row. E_UNSUPPORTED when its sizes are not those of the first. name may be NULL. */
int outputs_add(struct outputs *o, const struct sample_view *v, int64_t sample, const char *name,
    int64_t label, struct err *err);
/* Finishes the files and runs the program by the shell, with the folder as its last argument. Its
 * value, of which larger is better, is the number on the last line that it prints. E_DATA when it
 * fails or prints none. */
int outputs_metric(struct outputs *o, const char *command, double *value, struct err *err);
void outputs_free(struct outputs *o); /* NULL is legal */

/* All of it for one network on the samples from `from` on: runs them, keeps what the network gives
 * in memory meanwhile. */
struct command {
	const char *text;
	const struct samples *samples;
	int64_t from;
	struct pool *pool;                 /* borrowed; NULL: one thread */
	const struct verdict_names *names; /* of samples */
	struct log log;
};
int command_value(const struct command *c, struct graph *g, double *value, struct err *err);

#endif
