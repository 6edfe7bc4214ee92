/* mo-info --svg, --html: the network as a picture, which graphviz lays out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/child.h"
#include "cli/info.h"
#include "report/picture.h"
#include "report/view.h"

#define TIMEOUT 300 /* seconds that graphviz may take */

/* A file without a name that a child can open by path. */
static int open_memory(const char *name, char path[32], int *fd, struct err *err)
{
	*fd = memfd_create(name, 0);
	if (*fd < 0)
		return fail_errno(err, "make", name);
	snprintf(path, 32, "/proc/self/fd/%d", *fd);
	return OK;
}

static int write_all(int fd, const struct text *t, struct err *err)
{
	for (size_t at = 0; at < t->len;) {
		ssize_t n = write(fd, t->data + at, t->len - at);
		if (n <= 0)
			return fail_errno(err, "write", "the drawing");
		at += (size_t)n;
	}
	return OK;
}

static int run_dot(const char *from, const char *to, int boxes, struct err *err)
{
	char *argv[] = {"dot", "-Tsvg", "-o", (char *)to, (char *)from, NULL};
	struct child c;
	int s = child_run("dot", argv, TIMEOUT, &c, err);
	if (s)
		s = fail(err, E_IO, "pictures need the program 'dot': install graphviz");
	else if (c.timed_out)
		s = fail(err, E_LIMIT, "graphviz took more than %d s for %d boxes", TIMEOUT, boxes);
	else if (c.code)
		s = fail(err, E_IO, "graphviz failed: %s", child_reason(&c));
	child_free(&c);
	return s;
}

/* What dot makes of the text, from its element svg on, in *svg, and the mapping that it lies in. */
static int draw(const struct text *dot, int boxes, struct file **file, const char **svg,
    size_t *size, struct err *err)
{
	char from[32], to[32];
	int in = -1, out = -1;
	int s = open_memory("network.dot", from, &in, err);
	s = s ? s : open_memory("network.svg", to, &out, err);
	s = s ? s : write_all(in, dot, err);
	s = s ? s : run_dot(from, to, boxes, err);
	s = s ? s : file_map_fd(out, "the picture", file, err);
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	if (s)
		return s;
	const char *data = (const char *)(*file)->data;
	*svg = memmem(data, (*file)->size, "<svg", 4);
	if (!*svg)
		return fail(err, E_FORMAT, "graphviz made no SVG");
	*size = (*file)->size - (size_t)(*svg - data);
	return OK;
}

static int write_view(const struct info_run *r, const struct view *v, struct err *err)
{
	struct text t = {0};
	int s = OK;
	if (r->svg) {
		view_svg(&t, v);
		s = t.failed ? fail_nomem(err) : output_file(r->svg, t.data, t.len, err);
		text_free(&t);
	}
	if (!s && r->html) {
		t = (struct text){0};
		view_html(&t, v);
		s = t.failed ? fail_nomem(err) : output_file(r->html, t.data, t.len, err);
		text_free(&t);
	}
	return s;
}

int info_picture(struct info_run *r, struct err *err)
{
	struct text dot = {0};
	struct file *file = NULL;
	struct view v = {.title = r->model};
	struct graph *g = r->fused ? r->fused : r->g;
	int boxes = 0;
	int s = picture_dot(&dot, g, &r->products, &boxes, err);
	s = s ? s : draw(&dot, boxes, &file, &v.svg, &v.size, err);
	v.boxes = boxes;
	s = s ? s : write_view(r, &v, err);
	file_unref(file);
	text_free(&dot);
	if (!s)
		tool_say(r->p, "drew %d boxes", boxes);
	return s;
}
