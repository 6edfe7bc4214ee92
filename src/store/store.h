/* Networks to be run, from wherever they come: a model's file, a compiled blob, or the cache of
 * compiled networks beside the model. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "exec/compiled.h"
#include "formats/model.h"
#include "store/cache.h"

struct store_options {
	struct log log;
	bool lenient;
	bool random_weights; /* as onnx_options has it; such networks are not cached */
	/* what a compiled network must serve; where one does not, its source is read instead */
	bool whole; /* the values between the layers: no compiled network has them */
	bool exact, bf16;
	bool f32;      /* not bf16 */
	int64_t batch; /* dim 0 of every input that has one; 0: as it is */
	bool no_mmap;  /* blobs are read into memory */
	struct cache_options cache;
};

#define CACHE_PLANS 16 /* of one network, those added last */
enum cache_use { CACHE_OFF, CACHE_MISS, CACHE_HIT };

struct stored {
	struct graph *g;
	enum model_format format; /* MODEL_BLOB: compiled, whatever the file was */
	enum cache_use use;
	/* for store_made */
	struct store_options o;
	struct sources sources; /* after a hit only the model's own file */
	uint64_t content;
	char *blob; /* of the cache, after a hit */
};

/* Opens the network. On a CACHE_MISS, store_made may follow. */
int store_open(
    const char *path, const struct store_options *o, struct stored *out, struct err *err);
/* The same for bytes at hand: a compiled blob, or ONNX without external data. name is for messages.
 */
int store_open_file(struct file *f, const char *name, const struct store_options *o,
    struct stored *out, struct err *err);
/* An IR from the bytes of its two files. */
int store_open_ir(struct file *xml, struct file *bin, const char *name,
    const struct store_options *o, struct stored *out, struct err *err);
/* e has a plan of s->g: into the cache with it, beside those that are there. What goes wrong is a
 * warning. */
void store_made(struct stored *s, struct exec *e);
/* The same with plans for these shapes; e has made one that is not in the cache. */
void store_keep(struct stored *s, struct exec *e, const struct exec_shapes *shapes);
void store_free(struct stored *s);

const char *cache_use_name(enum cache_use use); /* "off", "miss", "hit" */

#endif
