/* The cache as a folder: what is in it, and making room. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "store/cache.h"

#define ABANDONED INT64_C(3600000000000) /* nanoseconds after which nobody writes it any more */

static bool add(struct cache_entries *c, const char *dir, const char *name)
{
	struct text path = {0};
	struct stamp st;
	struct cache_entry *v = reallocarray(c->v, (size_t)c->n + 1, sizeof *v);
	if (v)
		c->v = v;
	text_printf(&path, "%s/%s", dir, name);
	if (!v || path.failed) {
		text_free(&path);
		return false;
	}
	if (!stamp_read(path.data, &st)) { /* gone meanwhile */
		text_free(&path);
		return true;
	}
	v[c->n++] = (struct cache_entry){path.data, st.size, st.mtime};
	c->bytes += st.size;
	return true;
}

/* The files whose names end so. */
static int scan(const char *dir, const char *suffix, struct cache_entries *out, struct err *err)
{
	bool ok = true;
	DIR *d = opendir(dir);
	*out = (struct cache_entries){0};
	if (!d)
		return fail_errno(err, "open", dir);
	for (struct dirent *e; ok && (e = readdir(d));)
		if (text_ends_with(e->d_name, suffix))
			ok = add(out, dir, e->d_name);
	closedir(d);
	return ok ? OK : fail_nomem(err);
}

static int last_first(const void *a, const void *b)
{
	int64_t x = ((const struct cache_entry *)a)->used,
		y = ((const struct cache_entry *)b)->used;
	return (x < y) - (x > y);
}

int cache_list(const char *dir, struct cache_entries *out, struct err *err)
{
	int rc = scan(dir, ".blob", out, err);
	if (out->n)
		qsort(out->v, (size_t)out->n, sizeof *out->v, last_first);
	return rc;
}

void cache_entries_free(struct cache_entries *c)
{
	for (int i = 0; i < c->n; i++)
		free(c->v[i].path);
	free(c->v);
	*c = (struct cache_entries){0};
}

/* The blob that a ref names need not be looked at closer: its name is enough. */
static bool has_blob(const char *dir, const char *ref)
{
	struct err ignored = {0};
	struct text path = {0};
	char *text = NULL, *rest;
	size_t size = 0;
	bool there = false;
	if (!file_slurp(ref, 1 << 16, &text, &size, &ignored)) {
		rest = text;
		strsep(&rest, "\n");
		text_printf(&path, "%s/%s", dir, rest ? strsep(&rest, "\n") : "");
		there = !path.failed && rest && !access(path.data, F_OK);
	}
	free(text);
	text_free(&path);
	err_clear(&ignored);
	return there;
}

static void sweep(const char *dir)
{
	struct err ignored = {0};
	struct cache_entries c;
	scan(dir, ".ref", &c, &ignored);
	for (int i = 0; i < c.n; i++)
		if (!has_blob(dir, c.v[i].path))
			unlink(c.v[i].path);
	cache_entries_free(&c);
	scan(dir, ".tmp", &c, &ignored);
	for (int i = 0; i < c.n; i++)
		if (strstr(c.v[i].path, "/.mo-") && c.v[i].used < stamp_now() - ABANDONED)
			unlink(c.v[i].path);
	cache_entries_free(&c);
	err_clear(&ignored);
}

int cache_prune(const char *dir, int64_t bytes, int *removed, struct err *err)
{
	struct cache_entries c;
	int64_t sum = 0;
	int rc = cache_list(dir, &c, err);
	*removed = 0;
	for (int i = 0; i < c.n && !rc; i++) {
		sum += c.v[i].bytes;
		if (sum <= bytes || (i == 0 && bytes))
			continue;
		if (unlink(c.v[i].path) && errno != ENOENT)
			rc = fail_errno(err, "remove", c.v[i].path);
		*removed += !rc;
	}
	cache_entries_free(&c);
	if (!rc)
		sweep(dir);
	return rc;
}
