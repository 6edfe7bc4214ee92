/* How many processors the control groups leave to this process. */
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/threads.h"

/* Reads one line of at most size - 1 bytes, without its end; false when there is none. */
static bool read_line(const char *dir, const char *file, char *buf, size_t size)
{
	char path[PATH_MAX];
	if (snprintf(path, sizeof path, "%s/%s", dir, file) >= (int)sizeof path)
		return false;
	FILE *f = fopen(path, "re");
	if (!f)
		return false;
	bool ok = fgets(buf, (int)size, f) != NULL;
	fclose(f);
	if (ok)
		buf[strcspn(buf, "\n")] = 0;
	return ok;
}

/* Whole processors that quota of every period gives: rounded up; INT_MAX when unlimited. */
static int processors(int64_t quota, int64_t period)
{
	if (quota <= 0 || period <= 0)
		return INT_MAX;
	int64_t n = quota / period + (quota % period != 0);
	return n < INT_MAX ? (int)n : INT_MAX;
}

/* cpu.max of version 2: "max 100000" or "150000 100000". */
static int quota_v2(const char *dir)
{
	char line[128], *period;
	int64_t q, p;
	if (!read_line(dir, "cpu.max", line, sizeof line) || !(period = strchr(line, ' ')))
		return INT_MAX;
	*period++ = 0;
	return parse_i64(line, &q) && parse_i64(period, &p) ? processors(q, p) : INT_MAX;
}

static int quota_v1(const char *dir)
{
	char quota[64], period[64];
	int64_t q, p;
	if (!read_line(dir, "cpu.cfs_quota_us", quota, sizeof quota) ||
	    !read_line(dir, "cpu.cfs_period_us", period, sizeof period))
		return INT_MAX;
	return parse_i64(quota, &q) && parse_i64(period, &p) ? processors(q, p) : INT_MAX;
}

/* The tightest quota from mount/sub/path up to mount/sub; groups that are not there count as
 * unlimited (a container may see only the upper end of its path). */
static int quota_up(
    const char *mount, const char *sub, const char *path, int (*quota)(const char *))
{
	char dir[PATH_MAX];
	size_t top = strlen(mount) + strlen(sub);
	int n = INT_MAX;
	if (snprintf(dir, sizeof dir, "%s%s%s", mount, sub, path) >= (int)sizeof dir)
		return n;
	for (;;) {
		int here = quota(dir);
		n = here < n ? here : n;
		char *slash = strrchr(dir + top, '/');
		if (!slash)
			return n;
		*slash = 0;
	}
}

static bool lists(const char *controllers, const char *word)
{
	size_t n = strlen(word);
	for (const char *s = controllers; (s = strstr(s, word)); s += n)
		if ((s == controllers || s[-1] == ',') && (s[n] == 0 || s[n] == ','))
			return true;
	return false;
}

/* One line of /proc/self/cgroup, "hierarchy:controllers:path". */
static int quota_line(char *line, const char *mount)
{
	char *controllers = strchr(line, ':'), *path = NULL;
	if (controllers)
		path = strchr(++controllers, ':');
	if (!path)
		return INT_MAX;
	*path++ = 0;
	path[strcspn(path, "\n")] = 0;
	if (!*controllers) {
		int pure = quota_up(mount, "", path, quota_v2);
		int hybrid = quota_up(mount, "/unified", path, quota_v2);
		return pure < hybrid ? pure : hybrid;
	}
	if (!lists(controllers, "cpu"))
		return INT_MAX;
	int alone = quota_up(mount, "/cpu", path, quota_v1);
	int joint = quota_up(mount, "/cpu,cpuacct", path, quota_v1);
	return alone < joint ? alone : joint;
}

int threads_quota(const char *membership, const char *mount)
{
	char line[PATH_MAX];
	int n = INT_MAX;
	FILE *f = fopen(membership, "re");
	if (!f)
		return n;
	while (fgets(line, sizeof line, f)) {
		int here = quota_line(line, mount);
		n = here < n ? here : n;
	}
	fclose(f);
	return n;
}
