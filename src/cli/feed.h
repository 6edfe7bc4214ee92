/* Tensors for a network's inputs, from --data files and --random. */
#ifndef CLI_FEED_H
#define CLI_FEED_H

#include "base/status.h"
#include "cli/options.h"
#include "graph/graph.h"

#define SHAPE_HELP                                                                          \
	"\"ids[1,128],mask[1,128]\": sizes that the model leaves open, for inputs without " \
	"--data; else 1"

struct feed {
	int n;
	struct tensor *in;   /* one per input of the graph; DT_NONE: not given yet */
	struct shape *shape; /* what each may be; a caller may narrow it */
	struct log log;
};

/* log is for warnings. */
int feed_new(struct feed *f, const struct graph *g, struct log log, struct err *err);
void feed_free(struct feed *f);
/* Words FILE or NAME=FILE: .npy, .npz (arrays by the inputs' names) or a TensorProto; those without
 * a name go to the inputs in order. bf16 and f8 inputs take their bits as u16 and u8. */
int feed_files(struct feed *f, const struct graph *g, const struct list *data, struct err *err);
/* Narrows the shapes to the one set that the text names, as in store/shapes.h; NULL does nothing.
 */
int feed_shape(struct feed *f, const struct graph *g, const char *text, struct err *err);
/* Fills what is not given: floats in [0,1), integers 0..49, booleans; sizes that are not fixed are
 * those of a compiled network's first plan that fits, or of a given tensor, else 1. The same seed
 * gives the same values. */
int feed_random(struct feed *f, const struct graph *g, int64_t seed, struct err *err);
/* E_USAGE that lists the inputs when one is not given. */
int feed_complete(const struct feed *f, const struct graph *g, struct err *err);
/* "'input' f32[1,3,32,32], 'mask' …" */
void feed_describe(const struct graph *g, struct text *t);
/* The path that the tools read for the word "-". */
const char *input_path(const char *word);

#endif
