/* mo-bench --beside: other forms of the same network, each run in processes of its own in turn. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/bench.h"
#include "cli/cases.h"
#include "formats/ir.h"
#include "cli/child.h"

struct beside {
	struct bench *b;
	struct cases cases; /* the model itself first */
	const char **file;
};

static int add_file(struct beside *d, const char *file, struct err *err)
{
	const struct bench *b = d->b;
	char threads[32], streams[32], seconds[40], seed[32], batch[32], precision[48], *argv[24];
	int n = 0;
	snprintf(threads, sizeof threads, "--threads=%" PRId64, b->threads);
	snprintf(streams, sizeof streams, "--streams=%" PRId64, b->streams ? b->streams : 1);
	snprintf(seconds, sizeof seconds, "--time=%g", b->seconds / (double)b->rounds);
	snprintf(seed, sizeof seed, "--random=%" PRId64, b->seed);
	snprintf(batch, sizeof batch, "--batch=%" PRId64, b->batch);
	snprintf(precision, sizeof precision, "--infer-precision=%.16s",
	    b->precision ? b->precision : "");
	const struct {
		bool on;
		char *word;
	} more[] = {{b->batch > 0, batch}, {b->precision != NULL, precision}, {b->async, "--async"},
	    {b->exact, "--exact"}, {b->lenient, "--lenient"},
	    {b->random_weights, "--random-weights"}, {b->no_mmap, "--no-mmap"},
	    {b->p->cpu != NULL, "--cpu"}, {b->p->cpu != NULL, (char *)b->p->cpu}};
	char *const always[] = {"mo-bench", "-q", "--json=-", threads, streams, seconds, seed};
	for (size_t i = 0; i < sizeof always / sizeof *always; i++)
		argv[n++] = always[i];
	for (size_t i = 0; i < sizeof more / sizeof *more; i++)
		if (more[i].on)
			argv[n++] = more[i].word;
	argv[n++] = "--input";
	argv[n++] = (char *)file;
	argv[n] = NULL;
	d->file[d->cases.n] = file;
	return cases_add(&d->cases, file, CHILD_SELF, argv, err);
}

/* With the constants beside an IR. */
static int64_t file_bytes(const char *path)
{
	struct stat s;
	int64_t bytes = stat(path, &s) ? 0 : s.st_size;
	char *bin = ir_bin_path(path);
	if (bin && !stat(bin, &s))
		bytes += s.st_size;
	free(bin);
	return bytes;
}

static const char *text_in(const cJSON *o, const char *key)
{
	const cJSON *v = cJSON_GetObjectItem(o, key);
	return cJSON_IsString(v) ? v->valuestring : "";
}

static const cJSON *first_result(const struct beside *d, int i)
{
	for (int r = 0; r < d->cases.rounds; r++)
		if (d->cases.v[i].result[r])
			return d->cases.v[i].result[r];
	return NULL;
}

static cJSON *form_json(const struct beside *d, int i)
{
	static const char *const medians[][2] = {{"read_ms", "read_ms"},
	    {"compile_ms", "compile_ms"}, {"first_ms", "first_ms"},
	    {"latency_ms", "latency_ms.median"}, {"latency_min_ms", "latency_ms.min"},
	    {"throughput_fps", "throughput_fps"}, {"peak_rss_mb", "peak_rss_mb"}};
	const struct bench_case *k = &d->cases.v[i];
	const char *name = strrchr(d->file[i], '/');
	cJSON *o = cJSON_CreateObject();
	cJSON_AddStringToObject(o, "name", name ? name + 1 : d->file[i]);
	cJSON_AddStringToObject(o, "file", d->file[i]);
	cJSON_AddNumberToObject(o, "bytes", (double)file_bytes(d->file[i]));
	cJSON_AddStringToObject(o, "status", k->reason ? "failed" : "ok");
	cJSON_AddStringToObject(o, "format", text_in(first_result(d, i), "format"));
	if (k->reason) {
		cJSON_AddStringToObject(o, "reason", k->reason);
		return o;
	}
	for (size_t m = 0; m < sizeof medians / sizeof *medians; m++)
		cJSON_AddNumberToObject(
		    o, medians[m][0], cases_median(k, d->cases.rounds, medians[m][1]));
	cJSON_AddStringToObject(
	    o, "effective_precision", text_in(first_result(d, i), "effective_precision"));
	return o;
}

static void print(const struct beside *d)
{
	printf("%-32s %9s %9s %9s %9s %11s %12s\n", "side by side", "MB", "read ms", "compile",
	    "first", "latency ms", "samples/s");
	for (int i = 0; i < d->cases.n; i++) {
		const struct bench_case *k = &d->cases.v[i];
		int n = d->cases.rounds;
		printf("%-32s %9.3f ", d->file[i], (double)file_bytes(d->file[i]) * 1e-6);
		if (k->reason)
			printf("failed: %s\n", k->reason);
		else
			printf("%9.2f %9.2f %9.2f %11.3f %12.2f\n", cases_median(k, n, "read_ms"),
			    cases_median(k, n, "compile_ms"), cases_median(k, n, "first_ms"),
			    cases_median(k, n, "latency_ms.median"),
			    cases_median(k, n, "throughput_fps"));
	}
}

int bench_beside(struct bench *b, cJSON **out, struct err *err)
{
	struct beside d = {.b = b,
	    .cases = {.rounds = (int)b->rounds,
		.identity = "",
		.p = b->p,
		.each = b->seconds / (double)b->rounds + 0.5}};
	d.file = calloc((size_t)b->beside.n + 1, sizeof *d.file);
	int s = d.file ? add_file(&d, b->job->model, err) : fail_nomem(err);
	for (int i = 0; i < b->beside.n && !s; i++)
		s = add_file(&d, b->beside.v[i], err);
	s = s ? s : cases_run(&d.cases, err);
	if (!s) {
		if (!b->json || strcmp(b->json, "-"))
			print(&d);
		*out = cJSON_CreateArray();
		for (int i = 0; i < d.cases.n; i++)
			cJSON_AddItemToArray(*out, form_json(&d, i));
	}
	cases_free(&d.cases);
	free((void *)d.file);
	return s;
}
