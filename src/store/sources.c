/* The files behind a model: their stamps and the hash of their contents. */
#include "store/sources.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "formats/ir.h"

#define SETTLED 100000000 /* nanoseconds: clocks of file systems are no finer than some of them */

static int64_t nanoseconds(struct timespec t)
{
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t stamp_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return nanoseconds(t);
}

bool stamp_read(const char *path, struct stamp *out)
{
	struct stat st;
	if (stat(path, &st) || !S_ISREG(st.st_mode))
		return false;
	*out = (struct stamp){st.st_dev, st.st_ino, st.st_size, nanoseconds(st.st_mtim)};
	return true;
}

bool stamp_same(const struct stamp *a, const struct stamp *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size && a->mtime == b->mtime;
}

void sources_add(struct sources *s, const char *path)
{
	struct source *v = reallocarray(s->v, (size_t)s->n + 1, sizeof *v);
	s->v = v ? v : s->v;
	if (!v || s->failed) {
		s->failed = true;
		return;
	}
	v[s->n].path = realpath(path, NULL);
	s->failed = !v[s->n].path || !stamp_read(v[s->n].path, &v[s->n].stamp);
	s->n++;
}

void sources_depend(void *sources, const char *path)
{
	sources_add(sources, path);
}

void sources_add_model(struct sources *s, const char *model)
{
	char *bin = ir_bin_path(model);
	sources_add(s, model);
	s->failed |= !bin;
	if (bin && !access(bin, R_OK))
		sources_add(s, bin);
	free(bin);
}

void sources_each(const struct sources *s, void (*call)(void *user, const char *path), void *user)
{
	for (int i = 0; i < s->n; i++)
		if (s->v[i].path)
			call(user, s->v[i].path);
}

bool sources_hold(const struct sources *s)
{
	struct stamp now;
	for (int i = 0; i < s->n; i++)
		if (!stamp_read(s->v[i].path, &now) || !stamp_same(&now, &s->v[i].stamp))
			return false;
	return !s->failed;
}

bool sources_settled(const struct sources *s)
{
	int64_t now = stamp_now();
	for (int i = 0; i < s->n; i++)
		if (s->v[i].stamp.mtime > now - SETTLED)
			return false;
	return true;
}

int sources_hash(const struct sources *s, uint64_t *hash, struct err *err)
{
	*hash = 0;
	for (int i = 0; i < s->n; i++) {
		struct file *f;
		int rc = file_map(s->v[i].path, &f, err);
		if (rc)
			return rc;
		*hash = file_hash(f, 0, f->size, *hash);
		file_unref(f);
	}
	return s->failed ? fail(err, E_IO, "a file of the model went away") : OK;
}

void sources_free(struct sources *s)
{
	for (int i = 0; i < s->n; i++)
		free(s->v[i].path);
	free(s->v);
	*s = (struct sources){0};
}
