/* Labelled samples and pictures through a network, a batch at a time. */
#ifndef CLI_STREAM_H
#define CLI_STREAM_H

#include "cli/run.h"
#include "formats/dataset.h"

/* Zero-initialise, but for answer, which is called with every sample's row of scores, and user. */
struct stream {
	struct run *r;
	struct preprocess_spec spec;
	struct dataset *d;
	struct exec *e;
	int64_t batch, held;
	struct tensor in;
	int64_t *label, *at; /* of the samples held */
	struct tensor *out;
	double *score; /* nscore of them */
	int64_t nscore;
	int64_t unreadable;
	int (*answer)(struct stream *s, int64_t sample, int64_t label, const double *score,
	    int64_t n, struct err *err);
	void *user;
};

int stream_open(struct stream *s, struct run *r, const char *data, struct err *err);
void stream_close(struct stream *s);
/* Every sample; one that cannot be read is said and counted, none at all is an error. */
int stream_run(struct stream *s, struct err *err);
/* One sample (t is taken or stays the caller's), and what is held back for a full batch. */
int stream_put(struct stream *s, struct tensor *t, int64_t sample, int64_t label, struct err *err);
int stream_flush(struct stream *s, struct err *err);

#endif
