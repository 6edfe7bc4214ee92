/* Reads and writes the sections of compiled networks. */
#include "store/network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/text.h"
#include "plan.h"

#define MADE_MAX 8192 /* bytes of the section "made" */

/* ---- what it was made from and for: lines of a word and a value ---- */

void made_free(struct made *m)
{
	free(m->source);
	*m = (struct made){0};
}

static void made_text(const struct made *m, struct text *t)
{
	text_printf(
	    t, "plan " PLAN_HASH "\nisa %s\nexact %d\nbf16 %d\n", m->isa, m->exact, m->bf16);
	if (m->source && strlen(m->source) < MADE_MAX / 2 && !strchr(m->source, '\n'))
		text_printf(t, "source %s\n", m->source);
}

static int read_made(const char *data, size_t size, struct made *m, struct err *err)
{
	char text[MADE_MAX + 1], *rest = text;
	size_t n = size < MADE_MAX ? size : MADE_MAX;
	memcpy(text, data, n);
	text[n] = 0;
	for (char *line; (line = strsep(&rest, "\n"));) {
		char *value = strchr(line, ' ');
		if (!value)
			continue;
		*value++ = 0;
		if (!strcmp(line, "plan"))
			snprintf(m->plan, sizeof m->plan, "%s", value);
		else if (!strcmp(line, "isa"))
			snprintf(m->isa, sizeof m->isa, "%s", value);
		else if (!strcmp(line, "exact"))
			m->exact = *value == '1';
		else if (!strcmp(line, "bf16"))
			m->bf16 = *value == '1';
		else if (!strcmp(line, "source") && !m->source && !(m->source = strdup(value)))
			return fail_nomem(err);
	}
	if (!m->source && !(m->source = strdup("")))
		return fail_nomem(err);
	return m->isa[0] ? OK : fail(err, E_FORMAT, "section 'made' has no isa");
}

int network_made(struct file *f, struct blob_head *head, struct made *out, struct err *err)
{
	const struct blob_entry *e;
	struct err ignored = {0};
	*out = (struct made){0};
	*head = (struct blob_head){0};
	int rc = blob_file_open(f, head, err);
	int found = blob_file_section(f, head, "made", true, &e, rc ? &ignored : err);
	if (!found)
		found = read_made(
		    (const char *)f->data + e->offset, e->size, out, rc ? &ignored : err);
	err_clear(&ignored);
	return rc ? rc : found;
}

int made_check(const struct made *m, bool exact, bool bf16, struct err *err)
{
	if (strcmp(m->plan, PLAN_HASH))
		return fail(err, E_UNSUPPORTED,
		    "compiled by another build of mo (plans %s, here " PLAN_HASH
		    "): compile it again",
		    m->plan);
	if (strcmp(m->isa, cpu_level()))
		return fail(err, E_UNSUPPORTED,
		    "compiled for %s, this run has %s: compile it again, or see --cpu", m->isa,
		    cpu_level());
	if (exact && !m->exact)
		return fail(err, E_UNSUPPORTED, "compiled without --exact");
	if (bf16 && !m->bf16)
		return fail(err, E_UNSUPPORTED, "compiled without --infer-precision bf16");
	return OK;
}

/* ---- reading ---- */

static int section(struct file *f, const struct blob_head *h, const char *name, bool verify,
    struct blob **out, struct err *err)
{
	const struct blob_entry *e;
	int rc = blob_file_section(f, h, name, verify, &e, err);
	if (rc)
		return rc;
	*out = blob_mapped(f, e->offset, e->size);
	return *out ? OK : fail_nomem(err);
}

/* Nothing when the file has none. */
static int section_if(struct file *f, const struct blob_head *h, const char *name, bool verify,
    struct blob **out, struct err *err)
{
	return blob_file_has(h, name) ? section(f, h, name, verify, out, err) : OK;
}

static void expect(struct file *f, const struct blob *b)
{
	file_expect(f, (size_t)((const uint8_t *)blob_direct(b) - f->data), blob_size(b));
}

int network_load(
    struct file *f, const struct blob_head *h, bool verify, struct graph **out, struct err *err)
{
	struct exec_sections s = {0};
	int rc = section(f, h, "graph", true, &s.graph, err);
	rc = rc ? rc : section(f, h, "plan", true, &s.plan, err);
	rc = rc ? rc : section(f, h, "weights", verify, &s.weights, err);
	rc = rc ? rc : section_if(f, h, "network", true, &s.network, err);
	rc = rc ? rc : section_if(f, h, "constants", verify, &s.constants, err);
	if (!rc && !verify)
		expect(f, s.weights);
	rc = rc ? rc : exec_load(&s, out, err);
	blob_unref(s.graph);
	blob_unref(s.plan);
	blob_unref(s.weights);
	blob_unref(s.network);
	blob_unref(s.constants);
	return rc;
}

int network_plain(struct file *f, struct file **out, struct err *err)
{
	if (blob_zstd_sniff(f->data, f->size))
		return blob_zstd_read(f, out, err);
	*out = file_ref(f);
	return OK;
}

int network_file(const char *path, bool no_mmap, struct file **out, struct err *err)
{
	struct file *f;
	int rc = no_mmap ? file_load(path, &f, err) : file_map(path, &f, err);
	if (rc)
		return rc;
	rc = network_plain(f, out, err);
	file_unref(f);
	return rc ? err_in(err, "'%s'", path) : OK;
}

int network_verify(const char *path, struct err *err)
{
	struct blob_head head;
	struct made made = {0};
	struct graph *g = NULL;
	struct file *f;
	int rc = network_file(path, false, &f, err);
	if (rc)
		return rc;
	rc = network_made(f, &head, &made, err);
	rc = rc ? rc : network_load(f, &head, true, &g, err);
	graph_free(g);
	made_free(&made);
	file_unref(f);
	return rc ? err_in(err, "'%s'", path) : OK;
}

bool network_holds_blob(const struct file *f)
{
	return blob_file_sniff(f->data, f->size) ||
	       (blob_zstd_sniff(f->data, f->size) && blob_zstd_holds(f->data, f->size));
}

bool network_is_blob(const char *path)
{
	struct file *f;
	if (file_map(path, &f, NULL))
		return false;
	bool is = network_holds_blob(f);
	file_unref(f);
	return is;
}

/* ---- writing ---- */

static struct blob_part part_of(struct exec_bytes b)
{
	return (struct blob_part){b.data, b.size};
}

static struct blob_part *parts_of(const struct exec_bytes *b, size_t n)
{
	struct blob_part *p = calloc(n + 1, sizeof *p);
	for (size_t i = 0; p && i < n; i++)
		p[i] = part_of(b[i]);
	return p;
}

static int write_image(struct output *o, uint64_t hash, const struct made *m,
    const struct exec_image *i, struct err *err)
{
	struct blob_part *w = parts_of(i->weights, i->nweights),
			 *c = parts_of(i->constants, i->nconstants);
	struct text t = {0};
	made_text(m, &t);
	struct blob_part graph = part_of(i->graph), plan = part_of(i->plan),
			 network = part_of(i->network), made = {t.data, t.len};
	struct blob_section s[] = {{"made", &made, 1}, {"graph", &graph, 1}, {"plan", &plan, 1},
	    {"weights", w, i->nweights}, {"network", &network, 1}, {"constants", c, i->nconstants}};
	int rc = !w || !c || t.failed ? fail_nomem(err)
				      : blob_file_write(o, hash, s, i->network.size ? 6 : 4, err);
	free(w);
	free(c);
	text_free(&t);
	return rc;
}

int network_write(struct exec *e, const struct exec_shapes *s, uint64_t hash, const struct made *m,
    const char *path, struct err *err)
{
	struct exec_image i;
	struct output *o = NULL;
	int rc = exec_save(e, s, &i, err);
	rc = rc ? rc : output_open(path, &o, err);
	rc = rc ? rc : write_image(o, hash, m, &i, err);
	if (rc)
		output_abort(o);
	else
		rc = output_rename(o, err);
	exec_image_free(&i);
	return rc;
}
