/* Opens networks: models, compiled blobs with their source to fall back to, and the cache. */
#include "store/store.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/text.h"
#include "formats/ir.h"
#include "ops/edit.h"
#include "store/shapes.h"

const char *cache_use_name(enum cache_use use)
{
	return use == CACHE_HIT ? "hit" : use == CACHE_MISS ? "miss" : "off";
}

/* ---- compiled networks ---- */

/* One that is compiled has the sizes that it was compiled for. */
static int set_compiled_batch(struct graph *g, int64_t batch, struct err *err)
{
	for (int k = 0; k < g->ninputs && batch; k++) {
		struct shape *s = &g->inputs[k]->out[0].info.shape;
		struct text t = {0};
		if (s->rank < 1)
			continue;
		if (batch < s->dim[0].min || batch > s->dim[0].max) {
			s->rank = 1;
			shape_text(&t, s);
			int rc = fail(err, E_UNSUPPORTED, "compiled for batch %s, not for %" PRId64,
			    t.data ? t.data : "", batch);
			text_free(&t);
			return rc;
		}
		s->dim[0] = dim_of(batch);
	}
	return OK;
}

static int check_made(const struct made *m, const struct store_options *o, struct err *err)
{
	if (o->whole)
		return fail(
		    err, E_UNSUPPORTED, "a compiled network has no values between its layers");
	if (o->f32 && m->bf16)
		return fail(err, E_UNSUPPORTED, "compiled with --infer-precision bf16");
	return made_check(m, o->exact, o->bf16, err);
}

static int load_file(struct file *f, const struct store_options *o, struct made *made,
    struct blob_head *head, struct graph **out, struct err *err)
{
	int rc = network_made(f, head, made, err);
	rc = rc ? rc : check_made(made, o, err);
	rc = rc ? rc : network_load(f, head, false, out, err);
	rc = rc ? rc : set_compiled_batch(*out, o->batch, err);
	if (rc) {
		graph_free(*out);
		*out = NULL;
	}
	return rc;
}

/* made and head are set as far as they could be read. */
static int load_path(const char *path, const struct store_options *o, struct made *made,
    struct blob_head *head, struct graph **out, struct err *err)
{
	struct file *f;
	*made = (struct made){0};
	int rc = network_file(path, o->no_mmap, &f, err);
	if (rc)
		return rc;
	rc = load_file(f, o, made, head, out, err);
	file_unref(f);
	return rc ? err_in(err, "'%s'", path) : OK;
}

/* ---- the cache ---- */

static struct cache_key key_of(const struct store_options *o)
{
	return (struct cache_key){
	    .exact = o->exact, .bf16 = o->bf16, .lenient = o->lenient, .batch = o->batch};
}

/* Takes the blob; one that does not serve is as good as none. */
static bool try_cached(struct stored *s, const char *blob)
{
	struct blob_head head;
	struct made made;
	struct err err = {0};
	struct graph *g = NULL;
	int rc = load_path(blob, &s->o, &made, &head, &g, &err);
	if (!rc && !s->sources.n && made.source)
		sources_add(&s->sources, made.source);
	made_free(&made);
	if (rc) {
		log_say(&s->o.log, LOG_INFO, "cache: %s", err.text);
		err_clear(&err);
		return false;
	}
	graph_free(s->g);
	s->g = g;
	s->format = MODEL_BLOB;
	s->use = CACHE_HIT;
	s->content = head.source;
	s->blob = strdup(blob);
	cache_touch(blob);
	return true;
}

static bool find_by_stamp(struct stored *s, const char *path)
{
	struct cache_key k = key_of(&s->o);
	char *blob = cache_find(s->o.cache.dir, &k, path);
	bool hit = blob && try_cached(s, blob);
	free(blob);
	return hit;
}

static void note(struct stored *s, const char *blob)
{
	struct cache_key k = key_of(&s->o);
	struct err err = {0};
	if (sources_settled(&s->sources) && cache_note(s->o.cache.dir, &k, &s->sources, blob, &err))
		log_say(&s->o.log, LOG_WARN, "cache: %s", err.text);
	err_clear(&err);
}

static bool shapes_known(const struct graph *g)
{
	for (int k = 0; k < g->ninputs; k++)
		if (!shape_static(&g->inputs[k]->out[0].info.shape))
			return false;
	return true;
}

/* The model is read; another file may have had the same content. Sets content when what is compiled
 * of it can be kept. */
static void find_by_content(struct stored *s)
{
	struct cache_key k = key_of(&s->o);
	struct err err = {0};
	if (sources_hash(&s->sources, &s->content, &err) || !sources_hold(&s->sources))
		s->content = 0;
	err_clear(&err);
	char *blob = s->content ? cache_path(s->o.cache.dir, &k, s->content) : NULL;
	if (blob && !access(blob, R_OK) && try_cached(s, blob))
		note(s, blob);
	free(blob);
}

static int keep(struct stored *s, struct exec *e, const struct exec_shapes *shapes,
    const char *blob, struct err *err)
{
	struct made made = {.exact = s->o.exact, .bf16 = s->o.bf16};
	int64_t bytes = s->o.cache.bytes ? s->o.cache.bytes : CACHE_BYTES;
	int removed;
	made.source = s->sources.n ? s->sources.v->path : NULL;
	strncpy(made.isa, cpu_level(), sizeof made.isa - 1);
	int rc = network_write(e, shapes, s->content, &made, blob, err);
	if (!rc && (rc = network_verify(blob, err)))
		unlink(blob);
	if (rc)
		return rc;
	if (s->use == CACHE_MISS)
		note(s, blob);
	return cache_prune(s->o.cache.dir, bytes, &removed, err);
}

/* Beside those that are there, as far as there is room. */
static int add_planned(const struct stored *s, struct shape_sets *p)
{
	int rc = OK;
	for (int i = 0; i < exec_planned(s->g) && p->s.n < CACHE_PLANS && !rc; i++)
		rc = shapes_add(p, s->g, exec_planned_for(s->g, i), NULL);
	return rc;
}

static int add_given(
    const struct stored *s, const struct exec_shapes *shapes, struct shape_sets *p, struct err *err)
{
	int rc = OK;
	p->s.open = shapes->open;
	for (int i = 0; i < shapes->n && !rc; i++)
		rc = shapes_add(p, s->g, shapes->in + (size_t)i * (size_t)s->g->ninputs, err);
	return rc;
}

void store_keep(struct stored *s, struct exec *e, const struct exec_shapes *shapes)
{
	struct cache_key k = key_of(&s->o);
	struct shape_sets all = {0};
	struct err err = {0};
	if (s->use == CACHE_OFF || !s->content)
		return;
	char *blob = s->blob ? strdup(s->blob) : cache_path(s->o.cache.dir, &k, s->content);
	int rc = blob ? add_given(s, shapes, &all, &err) : fail_nomem(&err);
	rc = rc ? rc : add_planned(s, &all);
	rc = rc ? rc : keep(s, e, &all.s, blob, &err);
	if (rc)
		log_say(&s->o.log, rc == E_UNSUPPORTED ? LOG_INFO : LOG_WARN, "cache: not kept: %s",
		    err.text);
	err_clear(&err);
	shapes_free(&all);
	free(blob);
}

void store_made(struct stored *s, struct exec *e)
{
	struct tensor *last = exec_plan_loaded(e) ? NULL : exec_last_shapes(e);
	bool open = s->use == CACHE_HIT ? exec_planned_open(s->g) : !shapes_known(s->g);
	if (last)
		store_keep(s, e, &(struct exec_shapes){last, 1, open});
	free(last);
}

/* ---- models ---- */

static int set_batch(struct graph *g, int64_t batch, struct err *err)
{
	int *axis = calloc((size_t)g->ninputs + 1, sizeof *axis);
	if (!axis)
		return fail_nomem(err);
	for (int k = 0; k < g->ninputs; k++)
		axis[k] = g->inputs[k]->out[0].info.shape.rank > 0 ? 0 : -1;
	int rc = edit_batch(g, axis, batch, err);
	free(axis);
	return rc;
}

static int read_model(const char *path, struct stored *s, struct err *err)
{
	struct onnx_options o = {.log = s->o.log,
	    .lenient = s->o.lenient,
	    .random_weights = s->o.random_weights,
	    .depends = sources_depend,
	    .user = &s->sources};
	sources_add_model(&s->sources, path);
	int rc = model_read(path, &o, &s->g, &s->format, err);
	return rc || !s->o.batch ? rc : set_batch(s->g, s->o.batch, err);
}

static int open_model(const char *path, struct stored *s, struct err *err)
{
	bool cached = s->o.cache.dir && !s->o.whole;
	s->use = cached ? CACHE_MISS : CACHE_OFF;
	if (cached && find_by_stamp(s, path))
		return OK;
	int rc = read_model(path, s, err);
	if (!rc && cached)
		find_by_content(s);
	return rc;
}

/* ---- a blob given as such ---- */

/* Of a source beside the blob only the name is kept. The caller frees it. */
static char *beside(const char *blob, const char *source)
{
	const char *slash = strrchr(blob, '/');
	struct text t = {0};
	if (slash && source[0] != '/')
		text_addn(&t, blob, (size_t)(slash + 1 - blob));
	text_add(&t, source);
	if (!t.failed)
		return t.data;
	text_free(&t);
	return NULL;
}

/* Reads what the blob was compiled from, which must be what it was. */
static int open_source(const char *path, uint64_t content, struct stored *s, struct err *err)
{
	uint64_t now = 0;
	int rc = read_model(path, s, err);
	rc = rc ? rc : sources_hash(&s->sources, &now, err);
	return rc || now == content ? rc : fail(err, E_FORMAT, "'%s' has changed since", path);
}

static bool may_compile_again(int rc)
{
	return rc == E_FORMAT || rc == E_UNSUPPORTED;
}

static int open_blob(const char *path, struct stored *s, struct err *err)
{
	struct blob_head head;
	struct made made;
	struct err other = {0};
	s->format = MODEL_BLOB;
	int rc = load_path(path, &s->o, &made, &head, &s->g, err);
	char *source = rc && made.source && made.source[0] ? beside(path, made.source) : NULL;
	made_free(&made);
	if (may_compile_again(rc) && source && !access(source, R_OK)) {
		rc = open_source(source, head.source, s, &other);
		if (rc) {
			fail(err, rc, "%.500s; %.500s", err->text, other.text);
		} else {
			log_say(&s->o.log, LOG_WARN, "%s: taking '%s'", err->text, source);
			err_clear(err);
		}
		err_clear(&other);
	}
	free(source);
	return rc;
}

int store_open(const char *path, const struct store_options *o, struct stored *out, struct err *err)
{
	struct stat st;
	*out = (struct stored){.o = *o};
	int rc = !stat(path, &st) && S_ISREG(st.st_mode) && network_is_blob(path)
		     ? open_blob(path, out, err)
		     : open_model(path, out, err);
	if (rc)
		store_free(out);
	return rc;
}

/* Weights are used where they are, which must be at a multiple of 64. */
static int load_aligned(
    struct file *f, const struct store_options *o, struct graph **out, struct err *err)
{
	struct blob_head head;
	struct made made;
	struct file *plain;
	int rc = network_plain(f, &plain, err);
	if (rc)
		return rc;
	struct file *copy = (uintptr_t)plain->data % BLOB_ALIGN ? file_copy(plain)
								: file_ref(plain);
	file_unref(plain);
	if (!copy)
		return fail_nomem(err);
	rc = load_file(copy, o, &made, &head, out, err);
	made_free(&made);
	file_unref(copy);
	return rc;
}

int store_open_file(struct file *f, const char *name, const struct store_options *o,
    struct stored *out, struct err *err)
{
	struct onnx_options onnx = {.log = o->log, .lenient = o->lenient};
	*out = (struct stored){.o = *o};
	if (network_holds_blob(f)) {
		out->format = MODEL_BLOB;
		int rc = load_aligned(f, o, &out->g, err);
		return rc ? err_in(err, "'%s'", name) : OK;
	}
	out->format = MODEL_ONNX;
	if (!onnx_sniff(f->data, f->size))
		return fail(err, E_FORMAT,
		    "'%s' is neither a compiled network nor ONNX (an IR is two files: load it by "
		    "its path, or by both)",
		    name);
	int rc = onnx_read_file(f, name, NULL, &onnx, &out->g, err);
	rc = rc || !o->batch ? rc : set_batch(out->g, o->batch, err);
	if (rc)
		store_free(out);
	return rc;
}

int store_open_ir(struct file *xml, struct file *bin, const char *name,
    const struct store_options *o, struct stored *out, struct err *err)
{
	struct ir_read_options ir = {.log = o->log, .lenient = o->lenient};
	*out = (struct stored){.o = *o, .format = MODEL_IR};
	int rc = ir_read_mapped(xml, bin, name, &ir, &out->g, err);
	rc = rc || !o->batch ? rc : set_batch(out->g, o->batch, err);
	if (rc)
		store_free(out);
	return rc;
}

void store_free(struct stored *s)
{
	graph_free(s->g);
	sources_free(&s->sources);
	free(s->blob);
	s->blob = NULL;
	s->g = NULL;
}
