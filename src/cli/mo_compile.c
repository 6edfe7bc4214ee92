/* mo-compile: a network as a compiled blob, which mo-run and mo-bench map and run at once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/threads.h"
#include "cli/feed.h"
#include "cli/json.h"
#include "cli/precision.h"
#include "cli/programs.h"
#include "passes/pass.h"
#include "store/shapes.h"
#include "store/store.h"

struct compile {
	struct program *p;
	/* options */
	const char *model, *output, *json, *precision, *cache, *cache_dir;
	struct list data, shapes;
	int64_t cache_size;
	bool exact, lenient, bf16, zstd, tune;
	double share;
	/* state */
	struct stored net;
	struct feed feed;
	struct shape_sets sets;
	struct exec_products products;
};

/* ---- compiling ---- */

/* What mo would do first; an IR has it behind it. */
static int load(struct compile *c, struct err *err)
{
	struct pass_options passes = pass_defaults();
	struct log log = tool_log(c->p);
	struct store_options o = {.log = log, .lenient = c->lenient};
	struct stat st;
	if (!stat(c->model, &st) && S_ISREG(st.st_mode) && network_is_blob(c->model))
		return fail(err, E_USAGE, "'%s' is compiled already", c->model);
	int s = store_open(input_path(c->model), &o, &c->net, err);
	sources_each(&c->net.sources, tool_depends, NULL);
	if (!s && c->net.format == MODEL_ONNX)
		s = passes_run(c->net.g, &passes, &log, NULL, err);
	return s;
}

/* Those of --shape; without it, sizes that are not fixed are those of the data, else 1. */
static int shapes(struct compile *c, struct err *err)
{
	if (c->shapes.n)
		return shapes_read(c->net.g, c->shapes.v, c->shapes.n, &c->sets, err);
	int s = feed_new(&c->feed, c->net.g, tool_log(c->p), err);
	s = s ? s : feed_files(&c->feed, c->net.g, &c->data, err);
	s = s ? s : feed_random(&c->feed, c->net.g, 1, err);
	return s ? s : shapes_add(&c->sets, c->net.g, c->feed.in, err);
}

/* The real path of the folder that a file is in or would be in. The caller frees it. */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? strndup(path, (size_t)(slash + 1 - path)) : strdup("."),
	     *real = NULL;
	if (folder)
		real = realpath(folder, NULL);
	free(folder);
	return real;
}

/* The source's path as the blob names it: of one that lies beside it or below only what follows,
 * so that both can move. */
static char *source_of(const struct compile *c)
{
	char *folder = folder_of(c->output),
	     *path = c->net.sources.n ? c->net.sources.v->path : NULL;
	size_t n = folder ? strlen(folder) : 0;
	if (path && n && !strncmp(path, folder, n) && path[n] == '/')
		path += n + 1;
	free(folder);
	return path;
}

/* In place of the blob that was written. */
static int compress(const char *path, struct err *err)
{
	struct file *f;
	int s = file_map(path, &f, err);
	if (s)
		return s;
	s = blob_zstd_write(f, path, err);
	file_unref(f);
	return s;
}

static int write_blob(struct compile *c, struct exec *e, struct err *err)
{
	struct made made = {.exact = c->exact, .bf16 = c->bf16};
	uint64_t hash = 0;
	int s = sources_hash(&c->net.sources, &hash, err);
	strncpy(made.isa, cpu_level(), sizeof made.isa - 1);
	made.source = source_of(c);
	s = s ? s : network_write(e, &c->sets.s, hash, &made, c->output, err);
	if (!s && c->zstd)
		s = compress(c->output, err);
	return s ? s : network_verify(c->output, err);
}

static int tell(const struct compile *c, struct err *err)
{
	struct stat st = {0};
	stat(c->output, &st);
	tool_say(
	    c->p, "wrote '%s', %.1f MB, for %s", c->output, (double)st.st_size * 1e-6, cpu_level());
	if (c->shapes.n)
		tool_say(c->p, "%d plan%s, %s", c->sets.s.n, c->sets.s.n == 1 ? "" : "s",
		    c->sets.s.open ? "other shapes are planned when they come" : "no other shapes");
	if (!c->json)
		return OK;
	cJSON *j = cJSON_CreateObject();
	cJSON_AddStringToObject(j, "output", c->output);
	cJSON_AddNumberToObject(j, "bytes", (double)st.st_size);
	cJSON_AddStringToObject(j, "isa", cpu_level());
	cJSON_AddBoolToObject(j, "exact", c->exact);
	cJSON_AddBoolToObject(j, "tune", c->tune);
	cJSON_AddNumberToObject(j, "share", c->share);
	cJSON_AddNumberToObject(j, "plans", c->sets.s.n);
	cJSON_AddBoolToObject(j, "open", c->sets.s.open);
	cJSON_AddStringToObject(j, "effective_precision", precision_name(c->products));
	return json_write(c->json, j, err);
}

static int compile(struct compile *c, struct err *err)
{
	struct exec_options o = {
	    .exact = c->exact, .tune = c->tune, .share = (float)c->share, .log = tool_log(c->p)};
	struct exec *e = NULL;
	if (!c->output)
		return fail(err, E_USAGE, "--output says where the blob goes");
	if (c->shapes.n && c->data.n)
		return fail(err, E_USAGE, "--shape and --data both say which sizes there are");
	int s = tool_check(c->p, err);
	s = s ? s : precision_read(c->p, c->precision, &c->bf16, err);
	o.bf16 = c->bf16;
	s = s ? s : load(c, err);
	s = s ? s : shapes(c, err);
	s = s ? s : exec_new(c->net.g, &o, &e, err);
	s = s ? s : exec_prepare(e, c->sets.s.in, err);
	s = s ? s : write_blob(c, e, err);
	if (!s)
		c->products = exec_products(e);
	exec_free(e);
	return s ? s : tell(c, err);
}

/* ---- the cache ---- */

/* What it was made of and for, or what is wrong with it. */
static void print_entry(const struct cache_entry *e)
{
	struct made made = {0};
	struct blob_head head;
	struct err err = {0};
	struct file *f = NULL;
	char when[32] = "";
	time_t seconds = (time_t)(e->used / 1000000000);
	struct tm tm;
	if (localtime_r(&seconds, &tm))
		strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &tm);
	int s = file_map(e->path, &f, &err);
	s = s ? s : network_made(f, &head, &made, &err);
	printf("%10.1f MB  %s  ", (double)e->bytes * 1e-6, when);
	if (s)
		printf("%s\n", err.text);
	else
		printf("%s%s%s  %s\n", made.isa, made.exact ? " exact" : "",
		    made.bf16 ? " bf16" : "", made.source);
	made_free(&made);
	file_unref(f);
	err_clear(&err);
}

static int list(const struct compile *c, struct err *err)
{
	struct cache_entries all;
	int s = cache_list(c->cache_dir, &all, err);
	for (int i = 0; i < all.n && !s; i++)
		print_entry(&all.v[i]);
	if (!s)
		printf("%d compiled networks, %.1f MB\n", all.n, (double)all.bytes * 1e-6);
	cache_entries_free(&all);
	return s;
}

/* What is damaged goes. */
static int verify(const struct compile *c, int *verdict, struct err *err)
{
	struct cache_entries all;
	int bad = 0, s = cache_list(c->cache_dir, &all, err);
	for (int i = 0; i < all.n && !s; i++) {
		struct err what = {0};
		if (network_verify(all.v[i].path, &what)) {
			printf("removed: %s\n", what.text);
			unlink(all.v[i].path);
			bad++;
		}
		err_clear(&what);
	}
	if (!s)
		printf("%d compiled networks, %d damaged\n", all.n, bad);
	cache_entries_free(&all);
	*verdict = bad ? 3 : 0;
	return s;
}

static int prune(const struct compile *c, struct err *err)
{
	int removed;
	int64_t bytes = c->cache_size < 0 ? CACHE_BYTES : c->cache_size << 20;
	int s = cache_prune(c->cache_dir, bytes, &removed, err);
	if (!s)
		printf("removed %d compiled networks\n", removed);
	return s;
}

static int cache(const struct compile *c, int *verdict, struct err *err)
{
	if (!c->cache_dir || c->model || c->output)
		return fail(err, E_USAGE, "--cache goes with --cache-dir, without a model");
	int s = tool_check(c->p, err);
	if (s)
		return s;
	if (!strcmp(c->cache, "list"))
		return list(c, err);
	if (!strcmp(c->cache, "verify"))
		return verify(c, verdict, err);
	if (!strcmp(c->cache, "prune"))
		return prune(c, err);
	return fail(err, E_USAGE, "--cache: '%s' is neither list, verify nor prune", c->cache);
}

static int run(struct compile *c, const struct list *operands, int *verdict, struct err *err)
{
	if (c->cache && !operands->n)
		return cache(c, verdict, err);
	int s = tool_model(operands, &c->model, err);
	if (!s && (c->cache || c->cache_dir))
		s = fail(err, E_USAGE, "--cache goes with --cache-dir, without a model");
	return s ? s : compile(c, err);
}

static const struct option_need needs[] = {
    {"share", "shape"},
    {"cache-size", "cache"},
    {"cache-dir", "cache"},
    {0},
};

#define AT(field) offsetof(struct compile, field)
static const struct option_row rows[] = {
    {.kind = OPT_SECTION, .about = "Input"},
    MODEL_ROW(struct compile),
    {OPT_LIST, "data", 'd', "[NAME=]FILE",
	"data for an input (.npy, .npz, TensorProto), whose shape counts where the model leaves "
	"it open; else 1",
	AT(data), NULL, 0, 0},
    {OPT_LIST, "shape", 0, "SET",
	"\"ids[1,128],mask[1,128]\" gets a plan, a set with ranges, \"ids[1,1..512]\", says which "
	"others may come; sets are given by ';' or several times",
	AT(shapes), NULL, 0, 0},
    LENIENT_ROW(struct compile),
    {.kind = OPT_SECTION, .about = "Output"},
    {OPT_OUTPUT, "output", 'o', "FILE", "the compiled blob", AT(output), NULL, 0, 0},
    {OPT_STRING, "infer-precision", 0, "TYPE", PRECISION_HELP, AT(precision), NULL, 0, 0},
    {OPT_FLAG, "exact", 0, NULL, "no algorithm that trades exactness for speed (Winograd)",
	AT(exact), NULL, 0, 0},
    {OPT_FLAG, "tune", 0, NULL,
	"choose the algorithm of each convolution by running all of them here", AT(tune), NULL, 0,
	0},
    {OPT_FLOAT, "share", 0, "X",
	"of several shapes: keep weights once where another shape's algorithm takes at most X "
	"times as long",
	AT(share), NULL, 1, 100},
    {OPT_FLAG, "zstd", 0, NULL,
	"compressed for transport; loading it takes longer, and memory instead of a mapping",
	AT(zstd), NULL, 0, 0},
    {OPT_OUTPUT, "json", 'j', "FILE", "what was written, as JSON; - is stdout", AT(json), NULL, 0,
	0},
    {.kind = OPT_SECTION, .about = "A cache of compiled networks"},
    {OPT_STRING, "cache", 0, "WHAT",
	"list it, verify its checksums (what is damaged goes), or prune it to its limit", AT(cache),
	NULL, 0, 0},
    {OPT_STRING, "cache-dir", 0, "DIR", "its folder, as given to mo-run and mo-bench",
	AT(cache_dir), NULL, 0, 0},
    {OPT_INT, "cache-size", 0, "MB", "its limit; 4096 by default", AT(cache_size), NULL, 0,
	1 << 24},
    {0},
};

int mo_compile_main(int argc, char **argv)
{
	struct list operands = {0};
	struct err err = {0};
	struct compile c = {.cache_size = -1};
	int code = 0;
	struct program p = {.name = "mo-compile",
	    .about = "Compiles an ONNX or OpenVINO IR network to a blob that runs without delay.",
	    .usage = "[options] MODEL -o FILE",
	    .rows = rows,
	    .values = &c,
	    .operands = &operands,
	    .max_operands = 1,
	    .needs = needs};
	c.p = &p;
	options_parse(&p, argc, argv);
	if (run(&c, &operands, &code, &err))
		code = tool_error(&p, &err);
	feed_free(&c.feed);
	shapes_free(&c.sets);
	store_free(&c.net);
	return tool_finish(&p, code);
}
