/* Runs a graph: a plan per set of input shapes, kernels where there are some, eval for the rest. */
#ifndef EXEC_EXEC_H
#define EXEC_EXEC_H

#include "base/status.h"
#include "base/threads.h"
#include "graph/graph.h"

struct exec;

/* A value as it lies in memory: row by row as t says, or with dim 1 innermost and ld elements from
 * one pixel to the next. */
struct exec_view {
	const struct tensor *t; /* without data when a kernel took the value along: see ends */
	bool channels_last;
	int64_t ld;
	/* What the kernel that wrote the value saw of it, or NULL. */
	const struct exec_ends {
		float low, high;
		bool finite;
	} * ends;
};

/* One call of a run. */
struct exec_timing {
	const struct node *node; /* the first of those done together */
	const char *kernel;      /* what did it, for reports */
	double seconds;
	int read, written; /* bytes of an element in memory of what it reads and writes; 0: as the
			    * types say */
	int64_t constants; /* bytes, as they are packed */
};

struct exec_options {
	struct pool *pool; /* borrowed; NULL: one thread */
	bool eval_only;    /* no kernels: the operators' eval everywhere */
	bool exact;        /* no algorithm that trades exactness for speed (Winograd) */
	bool bf16;         /* products with constants may round both factors to BF16, as the
			    * kernels choose; without the instruction it stays FP32 */
	float share;       /* a convolution takes weights as they are packed for another plan where
			    * that way takes at most so many times as long as its best one; 0:
			    * never */
	bool tune;         /* the ways of convolutions are chosen by measuring, which takes
			    * seconds: for networks that are saved */
	struct log log;
	/* Called after each node with each of its outputs, in order: --dump, --compare,
	 * calibration. The tensor is valid during the call. Keeps every value alive only while it
	 * is needed. May be NULL. */
	int (*tap)(void *user, const struct value *v, const struct tensor *t, struct err *err);
	/* Which values the tap is for: kernels take the others along, as without a tap. They are
	 * results of layers that a Result needs, or inputs; not constants. NULL: all. */
	bool (*tapped)(void *user, const struct value *v);
	/* Instead of tap, with tapped: for who reads values as they lie, without a call that
	 * changes their layout. */
	int (*watch)(
	    void *user, const struct value *v, const struct exec_view *view, struct err *err);
	/* Of which of the tapped values a watcher wants nothing but the ends, so that kernels may
	 * take them along all the same; where none does, they lie in memory. May be NULL: of none.
	 */
	bool (*ends)(void *user, const struct value *v);
	/* With tapped: what no tapped value needs does not run, and there are no results: out of
	 * exec_run may be NULL. */
	bool no_results;
	void *user;
	/* Called after each call of a run; what a kernel took along is not called for. May be
	 * NULL. */
	void (*timed)(void *timed_user, const struct exec_timing *t);
	void *timed_user;
};

/* Borrows the graph, which must outlive it and not change. Constants are packed here, once. */
int exec_new(struct graph *g, const struct exec_options *o, struct exec **out, struct err *err);
/* Another exec of the same network, for another thread: with plans and workspaces of its own, on
 * constants and packed weights that both share. Each may go first. */
int exec_share(const struct exec *e, struct pool *pool, struct exec **out, struct err *err);
/* What its tap is called with, when execs that share a network have a user each. */
void exec_set_user(struct exec *e, void *user);
/* Another timed and timed_user than in its options; timed may be NULL. */
void exec_set_timed(
    struct exec *e, void (*timed)(void *user, const struct exec_timing *t), void *user);
/* Is this layer of the graph one with weights that reads 8 bits on both sides, so that it is
 * multiplied in 8 bits where its sizes have a kernel? Known before there is a plan. */
bool exec_in_8_bits(const struct exec *e, const struct node *n);
void exec_free(struct exec *e);
/* Makes the plan for inputs of these shapes (their data are not read), so that the first run need
 * not. */
int exec_prepare(struct exec *e, const struct tensor *in, struct err *err);
/* The same with all threads of a pool, for execs that run in one of them each. */
int exec_prepare_with(
    struct exec *e, const struct tensor *in, struct pool *packer, struct err *err);
/* in[k] for input k of the graph; out[k] is set to tensors that the exec owns until the next run.
 * Shapes that differ from the last run's make a new plan. Allocates nothing when they don't (unless
 * the network has data-dependent shapes). Types must match; a shape that does not fit is an error
 * that names the input. */
int exec_run(struct exec *e, const struct tensor *in, struct tensor *out, struct err *err);
/* Runs of one exec share the variables of a network with state: the next one starts anew. */
void exec_reset_state(struct exec *e);
/* Bytes of the workspace of the current plan, and of packed weights. */
size_t exec_workspace(const struct exec *e);
size_t exec_packed(const struct exec *e);
/* Convolutions and products with constant matrices that the current plan does in kernels, parts
 * planned by themselves included, and how many of them in BF16 and in 8 bits. */
struct exec_products {
	int all, bf16, int8;
};
struct exec_products exec_products(const struct exec *e);

#endif
