/* Times and what is said of many: percentiles and means. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/sorted.h"
#include "cli/bench.h"

double now_ms(void)
{
	return clock_seconds() * 1e3;
}

/* The most that was resident at any time, mapped files included (VmHWM). */
double peak_mb(void)
{
	char line[128];
	double kb = 0;
	FILE *f = fopen("/proc/self/status", "r");
	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "VmHWM: %lf kB", &kb) == 1)
			break;
	if (f)
		fclose(f);
	return kb / 1024;
}

int times_new(struct times *t, struct err *err)
{
	free(t->ms);
	t->n = 0;
	t->ms = calloc(MAX_RUNS, sizeof *t->ms);
	return t->ms ? OK : fail_nomem(err);
}

void times_sort(struct times *t)
{
	if (t->n)
		qsort(t->ms, (size_t)t->n, sizeof *t->ms, ascending_f64);
}

double times_at(const struct times *t, double share)
{
	int at = (int)ceil(share * t->n) - 1;
	return t->n ? t->ms[at < 0 ? 0 : at] : 0;
}

double times_mean(const struct times *t)
{
	double sum = 0;
	for (int i = 0; i < t->n; i++)
		sum += t->ms[i];
	return t->n ? sum / t->n : 0;
}

static double times_stddev(const struct times *t)
{
	double mean = times_mean(t), sum = 0;
	for (int i = 0; i < t->n; i++)
		sum += (t->ms[i] - mean) * (t->ms[i] - mean);
	return t->n ? sqrt(sum / t->n) : 0;
}

int times_outliers(const struct times *t)
{
	double mean = times_mean(t), far = 3 * times_stddev(t);
	int n = 0;
	for (int i = 0; i < t->n; i++)
		n += fabs(t->ms[i] - mean) > far;
	return n;
}

cJSON *times_json(const struct times *t)
{
	cJSON *j = cJSON_CreateObject();
	cJSON_AddNumberToObject(j, "min", times_at(t, 0));
	cJSON_AddNumberToObject(j, "median", times_at(t, 0.5));
	cJSON_AddNumberToObject(j, "mean", times_mean(t));
	cJSON_AddNumberToObject(j, "p90", times_at(t, 0.9));
	cJSON_AddNumberToObject(j, "p95", times_at(t, 0.95));
	cJSON_AddNumberToObject(j, "p99", times_at(t, 0.99));
	cJSON_AddNumberToObject(j, "max", times_at(t, 1));
	cJSON_AddNumberToObject(j, "stddev", times_stddev(t));
	return j;
}
