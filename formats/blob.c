/* The frame of a compiled network: a head, a table of sections, and their bytes. */
#include "formats/blob.h"

#include <string.h>
#include <xxhash.h>

#include "base/cursor.h"
#include "version.h"

#define MAGIC "\x93mo-blob"
#define FORMAT 2
#define ORDER 0x01020304u /* in the order of the machine that wrote it */
#define PAGE 4096
#define VERSION_MAX 24

/* The head, as it lies in the file; all but order little-endian, which is what we run on. */
struct head {
	char magic[8];
	uint32_t format, order;
	uint64_t size, source;
	uint32_t n, zero;
	char version[VERSION_MAX];
	uint64_t hash; /* of what comes before, and of the table */
};
_Static_assert(sizeof(struct head) == 72, "the head has no gaps");
_Static_assert(sizeof(struct blob_entry) == 40, "an entry has no gaps");

bool blob_file_sniff(const void *data, size_t size)
{
	return size >= 8 && !memcmp(data, MAGIC, 8);
}

static uint64_t head_hash(const struct head *h, const struct blob_entry *e)
{
	return XXH3_64bits_withSeed(
	    h, offsetof(struct head, hash), XXH3_64bits(e, h->n * sizeof *e));
}

/* ---- writing ---- */

static const char zeros[PAGE];

static size_t padding(uint64_t size, size_t to)
{
	return (size_t)(-size % to);
}

static bool describe(const struct blob_section *s, uint64_t offset, struct blob_entry *e)
{
	XXH3_state_t *hash = XXH3_createState();
	if (!hash)
		return false;
	XXH3_64bits_reset(hash);
	*e = (struct blob_entry){.offset = offset};
	strncpy(e->name, s->name, sizeof e->name - 1);
	for (size_t i = 0; i < s->nparts; i++) {
		size_t size = s->part[i].size, pad = padding(size, BLOB_ALIGN);
		XXH3_64bits_update(hash, s->part[i].data, size);
		XXH3_64bits_update(hash, zeros, pad);
		e->size += size + pad;
	}
	e->hash = XXH3_64bits_digest(hash);
	XXH3_freeState(hash);
	return true;
}

static int pad_to(struct output *o, int64_t offset, struct err *err)
{
	size_t n = (size_t)(offset - output_size(o));
	return output_write(o, zeros, n, err);
}

static int write_section(
    struct output *o, const struct blob_section *s, const struct blob_entry *e, struct err *err)
{
	int rc = pad_to(o, (int64_t)e->offset, err);
	for (size_t i = 0; i < s->nparts && !rc; i++) {
		rc = output_write(o, s->part[i].data, s->part[i].size, err);
		rc = rc ? rc : output_write(o, zeros, padding(s->part[i].size, BLOB_ALIGN), err);
	}
	return rc;
}

int blob_file_write(
    struct output *o, uint64_t source, const struct blob_section *s, int n, struct err *err)
{
	struct head h = {.format = FORMAT, .order = ORDER, .source = source, .n = (uint32_t)n};
	struct blob_entry e[BLOB_SECTIONS] = {0};
	memcpy(h.magic, MAGIC, 8);
	strncpy(h.version, MO_VERSION, sizeof h.version - 1);
	h.size = sizeof h + (size_t)n * sizeof *e;
	for (int i = 0; i < n; i++) {
		h.size += padding(h.size, PAGE);
		if (!describe(&s[i], h.size, &e[i]))
			return fail_nomem(err);
		h.size += e[i].size;
	}
	h.hash = head_hash(&h, e);
	int rc = output_write(o, &h, sizeof h, err);
	rc = rc ? rc : output_write(o, e, (size_t)n * sizeof *e, err);
	for (int i = 0; i < n && !rc; i++)
		rc = write_section(o, &s[i], &e[i], err);
	return rc;
}

/* ---- reading ---- */

/* What an older or a newer program, or another machine, wrote is told from damage. */
static int check_origin(const struct head *h, struct err *err)
{
	if (h->order != ORDER)
		return fail(err, E_FORMAT, "compiled on a machine of another byte order");
	if (h->format != FORMAT)
		return fail(err, E_FORMAT,
		    "compiled blob of format %u, this program reads format %d", h->format, FORMAT);
	if (h->n > BLOB_SECTIONS || memchr(h->version, 0, sizeof h->version) == NULL)
		return fail(err, E_FORMAT, "the head of the compiled blob is damaged");
	return OK;
}

static int check_table(
    const struct head *h, const struct blob_entry *e, size_t size, struct err *err)
{
	for (uint32_t i = 0; i < h->n; i++)
		if (e[i].offset % PAGE || e[i].offset > size || e[i].size > size - e[i].offset ||
		    !memchr(e[i].name, 0, sizeof e[i].name))
			return fail(err, E_FORMAT, "the table of the compiled blob is damaged");
	return OK;
}

int blob_file_open(const struct file *f, struct blob_head *out, struct err *err)
{
	struct cursor c = cursor_of(f->data, f->size);
	const uint8_t *p = cursor_bytes(&c, sizeof(struct head));
	struct head h;
	out->n = 0;
	if (!p || !blob_file_sniff(p, sizeof h))
		return fail(err, E_FORMAT, "no compiled blob");
	memcpy(&h, p, sizeof h);
	int rc = check_origin(&h, err);
	if (rc)
		return rc;
	p = cursor_bytes(&c, h.n * sizeof *out->entry);
	if (!p || h.size != f->size)
		return fail(err, E_FORMAT,
		    "the compiled blob is cut short: %zu bytes, its head says %llu", f->size,
		    (unsigned long long)h.size);
	struct blob_head all = {.source = h.source, .n = (int)h.n};
	memcpy(all.entry, p, h.n * sizeof *all.entry);
	if (head_hash(&h, all.entry) != h.hash)
		return fail(err, E_FORMAT, "the head of the compiled blob is damaged");
	if ((rc = check_table(&h, all.entry, f->size, err)))
		return rc;
	*out = all;
	if (strcmp(h.version, MO_VERSION))
		return fail(err, E_FORMAT, "compiled by mo %s, this is mo %s: compile it again",
		    h.version, MO_VERSION);
	return OK;
}

bool blob_file_has(const struct blob_head *h, const char *name)
{
	for (int i = 0; i < h->n; i++)
		if (!strcmp(h->entry[i].name, name))
			return true;
	return false;
}

int blob_file_section(struct file *f, const struct blob_head *h, const char *name, bool verify,
    const struct blob_entry **out, struct err *err)
{
	for (int i = 0; i < h->n; i++) {
		const struct blob_entry *e = &h->entry[i];
		if (strcmp(e->name, name))
			continue;
		if (verify && file_hash(f, e->offset, e->size, 0) != e->hash)
			return fail(
			    err, E_FORMAT, "section '%s' of the compiled blob is damaged", name);
		*out = e;
		return OK;
	}
	return fail(err, E_FORMAT, "the compiled blob lacks its section '%s'", name);
}
