/* What mo-bench says: text and JSON. */
#include <stdio.h>

#include "base/cpu.h"
#include "cli/bench.h"
#include "cli/precision.h"

static double batch_of(const struct bench *b)
{
	return b->batch ? (double)b->batch : 1;
}

/* Samples a second: where one inference follows the other, batch over the median latency; where
 * several are under way, or come by the clock, the samples of all over the time of all. */
static double throughput(const struct job *j)
{
	const struct bench *b = j->b;
	double median = times_at(&j->latency, 0.5);
	if (b->streams == 1 && !b->async && b->rate <= 0)
		return median > 0 ? batch_of(b) / median * 1e3 : 0;
	return j->total_ms > 0 ? j->latency.n * batch_of(b) / j->total_ms * 1e3 : 0;
}

static const char *format_name(const struct job *j)
{
	static const char *const names[] = {"ONNX", "IR", "blob"};
	return names[j->net.format];
}

static void add_job(cJSON *o, const struct job *j)
{
	const struct bench *b = j->b;
	cJSON_AddNumberToObject(o, "read_ms", j->read_ms);
	cJSON_AddNumberToObject(o, "compile_ms", j->compile_ms);
	cJSON_AddNumberToObject(o, "first_ms", j->first_ms);
	cJSON_AddStringToObject(o, "format", format_name(j));
	cJSON_AddStringToObject(o, "cache", cache_use_name(j->net.use));
	cJSON_AddStringToObject(o, "plan", j->loaded ? "loaded" : "made");
	cJSON_AddItemToObject(o, "latency_ms", times_json(&j->latency));
	cJSON_AddNumberToObject(o, "throughput_fps", throughput(j));
	cJSON_AddNumberToObject(o, "single_pass_ms", j->latency.n ? j->total_ms / j->latency.n : 0);
	cJSON_AddNumberToObject(o, "total_ms", j->total_ms);
	cJSON_AddNumberToObject(o, "outliers", times_outliers(&j->latency));
	cJSON_AddStringToObject(o, "effective_precision", precision_name(j->products));
	cJSON_AddNumberToObject(o, "products", j->products.all);
	cJSON_AddNumberToObject(o, "products_bf16", j->products.bf16);
	cJSON_AddNumberToObject(o, "products_i8", j->products.int8);
	cJSON_AddNumberToObject(o, "iterations", j->latency.n);
	if (b->rate > 0) {
		cJSON_AddNumberToObject(o, "rate", b->rate);
		cJSON_AddNumberToObject(o, "dropped", (double)j->queue.dropped);
		cJSON_AddItemToObject(o, "age_ms", times_json(&j->queue.age));
	}
}

static void add_setup(cJSON *o, const struct bench *b)
{
	cJSON_AddNumberToObject(o, "threads", (double)(b->nthreads * b->streams));
	cJSON_AddNumberToObject(o, "streams", (double)b->streams);
	cJSON_AddNumberToObject(o, "batch", batch_of(b));
	cJSON_AddStringToObject(o, "mode", b->rate > 0 ? "rate" : b->async ? "async" : "sync");
	cJSON_AddNumberToObject(o, "peak_rss_mb", b->peak_mb);
	cJSON_AddStringToObject(o, "isa", cpu_level());
}

cJSON *bench_json(struct bench *b, const struct profile *p)
{
	cJSON *o = cJSON_CreateObject(), *list = NULL;
	if (b->njobs > 1)
		list = cJSON_AddArrayToObject(o, "models");
	for (int i = 0; i < b->njobs; i++) {
		cJSON *to = list ? cJSON_CreateObject() : o;
		cJSON_AddStringToObject(to, "model", b->job[i].model);
		if (b->cold)
			cJSON_AddItemToObject(to, "cold", cold_json(&b->job[i]));
		else
			add_job(to, &b->job[i]);
		if (list)
			cJSON_AddItemToArray(list, to);
	}
	add_setup(o, b);
	if (p->n)
		cJSON_AddItemToObject(o, "profile", profile_json(p));
	const cJSON *part;
	cJSON_ArrayForEach(part, b->parts)
	    cJSON_AddItemReferenceToObject(o, part->string, (cJSON *)part);
	return o;
}

static void print_job(const struct job *j)
{
	const struct times *t = &j->latency;
	const struct bench *b = j->b;
	printf("%s, kernels for %s, %d thread%s in %d stream%s, batch %.0f, computed in %s\n",
	    j->model, cpu_level(), b->nthreads * (int)b->streams,
	    b->nthreads * b->streams == 1 ? "" : "s", (int)b->streams, b->streams == 1 ? "" : "s",
	    batch_of(b), precision_name(j->products));
	if (j->products.bf16 || j->products.int8)
		printf("of %d products with weights %d in i8, %d in bf16\n", j->products.all,
		    j->products.int8, j->products.bf16);
	printf("read %.2f ms, compile %.2f ms, first inference %.2f ms, peak memory %.0f MB\n",
	    j->read_ms, j->compile_ms, j->first_ms, b->peak_mb);
	if (j->net.use != CACHE_OFF)
		printf("cache: %s\n", cache_use_name(j->net.use));
	printf("latency over %d runs: min %.3f ms, median %.3f, mean %.3f, p90 %.3f, p95 %.3f, "
	       "p99 %.3f, max %.3f\n",
	    t->n, times_at(t, 0), times_at(t, 0.5), times_mean(t), times_at(t, 0.9),
	    times_at(t, 0.95), times_at(t, 0.99), times_at(t, 1));
	printf("throughput %.2f %s a second, a single pass takes %.3f ms on average, %d outlier%s "
	       "beyond 3 standard deviations\n",
	    throughput(j), b->batch > 1 ? "samples" : "inferences", t->n ? j->total_ms / t->n : 0,
	    times_outliers(t), times_outliers(t) == 1 ? "" : "s");
	if (b->rate > 0)
		printf("%.4g a second came, %lld dropped; the newest result was at most %.3f ms "
		       "old, %.3f in the median\n",
		    b->rate, (long long)j->queue.dropped, times_at(&j->queue.age, 1),
		    times_at(&j->queue.age, 0.5));
}

void bench_print(struct bench *b, const struct profile *p)
{
	if (b->cold)
		cold_print(b);
	for (int i = 0; i < b->njobs && !b->cold; i++)
		print_job(&b->job[i]);
	if (b->profile)
		profile_print(p);
}
