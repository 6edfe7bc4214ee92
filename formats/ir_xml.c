/* Reads the XML of an IR layer by layer, so that memory follows the network and not the markup. */
#include "formats/ir_xml.h"

#include <inttypes.h>

#include "base/limits.h"
#include "formats/ir_xml_element.h"

/* Pairs below an element as "folder/key" and value. */
static int read_info(struct xml *x, const struct xml_element *n, const char *folder, int depth)
{
	int rc = OK;

	if (depth > LIMIT_DEPTH)
		return fail(x->err, E_LIMIT, "line %ld: elements nest deeper than %d", n->line,
		    LIMIT_DEPTH);
	for (n = n->children; n && rc == OK; n = n->next) {
		const char *value, *key, *name;
		struct meta *m;
		value = element_attr(n, "value");
		name = element_is(n, "info") && element_attr(n, "name") ? element_attr(n, "name")
									: n->name;
		key = arena_printf(x->arena, "%s%s%s", folder, *folder ? "/" : "", name);
		if (!key)
			return fail_nomem(x->err);
		if (value) {
			if (!(m = xml_add_meta(x, &x->meta_end)))
				return fail_nomem(x->err);
			m->key = key;
			rc = element_text(x, n, "value", "", &m->value);
		}
		if (rc == OK)
			rc = read_info(x, n, key, depth + 1);
	}
	return rc;
}

static int read_net(struct xml *x, const struct xml_element *n)
{
	int64_t version;
	int rc;

	if (!element_is(n, "net"))
		return fail(x->err, E_FORMAT, "root element is <%s>, expected <net>", n->name);
	rc = element_int(x, n, "version", &version);
	if (rc != OK)
		return rc;
	if (version != 10 && version != 11)
		return fail(x->err, E_UNSUPPORTED,
		    "IR version %" PRId64 " is not read, only 10 and 11", version);
	x->doc->version = (int)version;
	return element_text(x, n, "name", "", &x->doc->name);
}

static int open_element(void *user, const struct xml_element *n, int depth, enum xml_inside *inside)
{
	struct xml *x = user;

	if (depth == 0)
		return read_net(x, n);
	*inside = XML_WHOLE;
	if (depth == 2)
		return element_is(n, x->place == LAYERS ? "layer" : "edge")
			   ? OK
			   : element_bad(x, n, "does not belong here");
	x->place = element_is(n, "layers") ? LAYERS : element_is(n, "edges") ? EDGES : OUTSIDE;
	if (!element_is(n, "rt_info"))
		*inside = x->place == OUTSIDE ? XML_SKIP : XML_EACH;
	return OK;
}

static int whole_element(void *user, const struct xml_element *n, int depth)
{
	struct xml *x = user;

	if (depth == 1)
		return read_info(x, n, "", 0);
	return x->place == LAYERS ? xml_read_layer(x, n) : xml_read_edge(x, n);
}

int ir_xml_parse(
    const void *data, size_t size, struct arena *arena, struct ir_doc *out, struct err *err)
{
	static const struct xml_handler handler = {open_element, whole_element};
	struct xml x = {.arena = arena, .doc = out, .err = err};

	*out = (struct ir_doc){0};
	x.meta_end = &out->meta;
	if (size > LIMIT_XML_BYTES)
		return fail(err, E_LIMIT, "XML is larger than the limit of %" PRId64 " bytes",
		    LIMIT_XML_BYTES);
	return xml_read(arena, data, size, &handler, &x, err);
}
