/* Finds compiled networks by what is known of the model, and notes what was found. */
#include "store/cache.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/cpu.h"
#include "base/text.h"
#include "plan.h"
#include "version.h"

#define REF_MAX 65536 /* bytes of a ref */
#define REF_HEAD "mo-ref 1"

static void key_text(struct text *t, const struct cache_key *k)
{
	text_printf(t, "mo %s " PLAN_HASH " isa %s exact %d bf16 %d lenient %d batch %" PRId64 "\n",
	    MO_VERSION, cpu_level(), k->exact, k->bf16, k->lenient, k->batch);
}

static uint64_t text_hash(const struct text *t)
{
	return XXH3_64bits(t->data, t->len);
}

static char *take(struct text *t)
{
	if (!t->failed)
		return t->data;
	text_free(t);
	return NULL;
}

char *cache_path(const char *dir, const struct cache_key *k, uint64_t content)
{
	struct text key = {0}, path = {0};
	key_text(&key, k);
	if (!key.failed)
		text_printf(
		    &path, "%s/%016" PRIx64 "%016" PRIx64 ".blob", dir, content, text_hash(&key));
	path.failed |= key.failed;
	text_free(&key);
	return take(&path);
}

static void stamp_text(struct text *t, const struct source *s)
{
	text_printf(t, "%" PRIu64 " %" PRIu64 " %" PRId64 " %" PRId64 " %s\n", s->stamp.dev,
	    s->stamp.ino, s->stamp.size, s->stamp.mtime, s->path);
}

/* Of the model's own file: the others stand in the ref. */
static char *ref_path(const char *dir, const struct cache_key *k, const struct source *model)
{
	struct text key = {0}, path = {0};
	key_text(&key, k);
	stamp_text(&key, model);
	if (!key.failed)
		text_printf(&path, "%s/%016" PRIx64 ".ref", dir, text_hash(&key));
	path.failed |= key.failed;
	text_free(&key);
	return take(&path);
}

/* ---- refs: a head, the blob's name, a line for each file, the hash of all that ---- */

static bool source_holds(char *line)
{
	struct stamp want, now;
	int at = 0;
	if (sscanf(line, "%" SCNu64 " %" SCNu64 " %" SCNd64 " %" SCNd64 " %n", &want.dev, &want.ino,
		&want.size, &want.mtime, &at) != 4 ||
	    !at)
		return false;
	return stamp_read(line + at, &now) && stamp_same(&want, &now);
}

/* The name of the blob in the ref, if its sources are what they were; points into text. */
static const char *read_ref(char *text, size_t size)
{
	char *line, *rest = text, *last = size < 2 ? NULL : memrchr(text, '\n', size - 1);
	uint64_t hash;
	if (!last || sscanf(last + 1, "%" SCNx64, &hash) != 1 ||
	    hash != XXH3_64bits(text, (size_t)(last + 1 - text)))
		return NULL;
	*last = 0;
	line = strsep(&rest, "\n");
	const char *blob = rest ? strsep(&rest, "\n") : NULL;
	if (strcmp(line, REF_HEAD) || !blob || !rest || strchr(blob, '/'))
		return NULL;
	while ((line = strsep(&rest, "\n")))
		if (!source_holds(line))
			return NULL;
	return blob;
}

static char *follow(const char *dir, const char *ref)
{
	struct err ignored = {0};
	struct text path = {0};
	char *text = NULL;
	size_t size = 0;
	if (!access(ref, R_OK) && !file_slurp(ref, REF_MAX, &text, &size, &ignored)) {
		const char *name = read_ref(text, size);
		if (name)
			text_printf(&path, "%s/%s", dir, name);
	}
	free(text);
	err_clear(&ignored);
	if (path.data && !path.failed && !access(path.data, R_OK))
		return path.data;
	text_free(&path);
	return NULL;
}

char *cache_find(const char *dir, const struct cache_key *k, const char *model)
{
	struct sources s = {0};
	sources_add(&s, model);
	char *ref = s.failed ? NULL : ref_path(dir, k, s.v);
	char *blob = ref ? follow(dir, ref) : NULL;
	free(ref);
	sources_free(&s);
	return blob;
}

int cache_note(const char *dir, const struct cache_key *k, const struct sources *s,
    const char *blob, struct err *err)
{
	struct text t = {0};
	struct output *o = NULL;
	const char *slash = strrchr(blob, '/');
	char *ref = s->n ? ref_path(dir, k, s->v) : NULL;
	text_printf(&t, REF_HEAD "\n%s\n", slash ? slash + 1 : blob);
	for (int i = 0; i < s->n; i++) {
		t.failed |= strchr(s->v[i].path, '\n') != NULL;
		stamp_text(&t, &s->v[i]);
	}
	if (!t.failed)
		text_printf(&t, "%016" PRIx64 "\n", text_hash(&t));
	int rc = !ref || t.failed || t.len > REF_MAX
		     ? fail(err, E_LIMIT, "the model has files that cannot be noted")
		     : output_open(ref, &o, err);
	rc = rc ? rc : output_write(o, t.data, t.len, err);
	if (rc)
		output_abort(o);
	else
		rc = output_rename(o, err);
	text_free(&t);
	free(ref);
	return rc;
}

void cache_touch(const char *blob)
{
	utimensat(AT_FDCWD, blob, NULL, 0);
}
