/* Labelled samples and pictures through a network, or two side by side, a batch at a time. */
#ifndef CLI_STREAM_H
#define CLI_STREAM_H

#include "cli/progress.h"
#include "cli/run.h"
#include "quant/metrics.h"
#include "quant/source.h"

/* Zero-initialise, but for answer, which is called for every sample, user, and what is marked. */
struct stream {
	struct run *r;
	struct graph *reference; /* set, or NULL: also run on the same samples */
	bool single;             /* set: one picture after the other, nothing is left out */
	struct preprocess_spec spec;
	struct source *source;
	struct samples samples;
	struct exec *e, *other;
	struct progress progress;
	int64_t batch, held;
	int *order;                     /* of the reference's inputs among those of the network */
	struct tensor *one, *in, *swap; /* a sample, a run, the run in the reference's order */
	struct tensor *out, *want;
	int64_t *label, *at; /* of the samples held */
	/* want is NULL without a reference. */
	int (*answer)(struct stream *s, int64_t sample, int64_t label,
	    const struct sample_view *got, const struct sample_view *want, struct err *err);
	void *user;
};

int stream_open(
    struct stream *s, struct run *r, const char *const *data, int ndata, struct err *err);
void stream_close(struct stream *s);
/* Every sample; one that cannot be read is said and counted, none at all is an error. */
int stream_run(struct stream *s, struct err *err);

#endif
