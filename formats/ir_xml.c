/* Reads the XML of an IR layer by layer, so that memory follows the network and not the markup. */
#include "formats/ir_xml.h"

#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>

#include "base/library.h"
#include "base/limits.h"
#include "base/text.h"
#include "formats/ir_tags.h"
#include "formats/ir_xml_element.h"

#if LIBXML_VERSION >= 21200
typedef const xmlError *xml_error;
#else
typedef xmlErrorPtr xml_error;
#endif

/* libxml2 comes with libraries of its own that take longer to load than a compiled network takes
 * to run: only those who read an IR pay for it. */
static struct {
	__typeof__(xmlFreeTextReader) *free_reader;
	__typeof__(xmlGetLineNo) *line;
	__typeof__(xmlReaderForMemory) *reader_for_memory;
	__typeof__(xmlSetGenericErrorFunc) *set_generic_error;
	__typeof__(xmlTextReaderConstLocalName) *name;
	__typeof__(xmlTextReaderCurrentNode) *node;
	__typeof__(xmlTextReaderDepth) *depth;
	__typeof__(xmlTextReaderExpand) *expand;
	__typeof__(xmlTextReaderGetParserLineNumber) *parser_line;
	__typeof__(xmlTextReaderNext) *next;
	__typeof__(xmlTextReaderNodeType) *type;
	__typeof__(xmlTextReaderRead) *read;
	__typeof__(xmlTextReaderSetStructuredErrorHandler) *set_handler;
	__typeof__(__xmlGenericError) *generic_error;
	__typeof__(__xmlGenericErrorContext) *generic_error_context;
} lib;

static const struct library_function lib_functions[] = {
    {"xmlFreeTextReader", &lib.free_reader},
    {"xmlGetLineNo", &lib.line},
    {"xmlReaderForMemory", &lib.reader_for_memory},
    {"xmlSetGenericErrorFunc", &lib.set_generic_error},
    {"xmlTextReaderConstLocalName", &lib.name},
    {"xmlTextReaderCurrentNode", &lib.node},
    {"xmlTextReaderDepth", &lib.depth},
    {"xmlTextReaderExpand", &lib.expand},
    {"xmlTextReaderGetParserLineNumber", &lib.parser_line},
    {"xmlTextReaderNext", &lib.next},
    {"xmlTextReaderNodeType", &lib.type},
    {"xmlTextReaderRead", &lib.read},
    {"xmlTextReaderSetStructuredErrorHandler", &lib.set_handler},
    {"__xmlGenericError", &lib.generic_error},
    {"__xmlGenericErrorContext", &lib.generic_error_context},
    {NULL, NULL},
};
static pthread_once_t lib_once = PTHREAD_ONCE_INIT;
static struct err lib_error;

static void load_lib(void)
{
	library_load("libxml2.so.2", lib_functions, &lib_error);
}

long element_line(const xmlNode *n)
{
	return lib.line(n);
}

static void note_problem(void *user, xml_error e)
{
	struct xml *x = user;
	size_t n = e->message ? strcspn(e->message, "\n") : 0;

	x->nomem |= e->code == XML_ERR_NO_MEMORY;
	if (*x->problem || e->level < XML_ERR_ERROR)
		return;
	if (n > sizeof x->problem - 1)
		n = sizeof x->problem - 1;
	memcpy(x->problem, n ? e->message : "?", n ? n : 1);
	x->problem[n ? n : 1] = 0;
}

/* Pairs below an element as "folder/key" and value. */
static int read_info(struct xml *x, const xmlNode *n, const char *folder, int depth)
{
	int rc = OK;

	if (depth > LIMIT_DEPTH)
		return fail(x->err, E_LIMIT, "line %ld: elements nest deeper than %d",
		    element_line(n), LIMIT_DEPTH);
	for (n = n->children; n && rc == OK; n = n->next) {
		const char *value, *key, *name;
		struct meta *m;
		if (n->type != XML_ELEMENT_NODE)
			continue;
		value = element_attr(n, "value");
		name = element_is(n, "info") && element_attr(n, "name") ? element_attr(n, "name")
									: (const char *)n->name;
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

static int read_net(struct xml *x, const xmlNode *n)
{
	int64_t version;
	int rc;

	if (!element_is(n, "net"))
		return fail(x->err, E_FORMAT, "root element is <%s>, expected <net>",
		    (const char *)n->name);
	rc = element_int(x, n, "version", &version);
	if (rc != OK)
		return rc;
	if (version != 10 && version != 11)
		return fail(x->err, E_UNSUPPORTED,
		    "IR version %" PRId64 " is not read, only 10 and 11", version);
	x->doc->version = (int)version;
	return element_text(x, n, "name", "", &x->doc->name);
}

enum place { OUTSIDE, LAYERS, EDGES };

/* One element at this depth; *skip: its inside is done with. */
static int read_element(struct xml *x, int depth, enum place *place, bool *skip)
{
	const char *name = (const char *)lib.name(x->reader);
	bool whole = depth == 2 || (depth == 1 && !strcmp(name, "rt_info"));
	const xmlNode *n = whole ? lib.expand(x->reader) : lib.node(x->reader);

	*skip = whole;
	if (!n)
		return fail_nomem(x->err); /* unless libxml2 has said why */
	if (depth == 0)
		return read_net(x, n);
	if (depth == 1) {
		*place = element_is(n, "layers")  ? LAYERS
			 : element_is(n, "edges") ? EDGES
						  : OUTSIDE;
		*skip |= *place == OUTSIDE;
		return element_is(n, "rt_info") ? read_info(x, n, "", 0) : OK;
	}
	if (*place == LAYERS && element_is(n, "layer"))
		return xml_read_layer(x, n);
	if (*place == EDGES && element_is(n, "edge"))
		return xml_read_edge(x, n);
	return element_bad(x, n, "does not belong here");
}

static int read_all(struct xml *x)
{
	enum place place = OUTSIDE;
	int more = lib.read(x->reader), rc = OK;

	while (more == 1 && rc == OK) {
		int type = lib.type(x->reader);
		bool skip = false;
		if (type == XML_READER_TYPE_DOCUMENT_TYPE)
			return fail(x->err, E_FORMAT, "a document type declaration is not allowed");
		if (type == XML_READER_TYPE_ELEMENT)
			rc = read_element(x, lib.depth(x->reader), &place, &skip);
		if (rc != OK)
			break;
		more = skip ? lib.next(x->reader) : lib.read(x->reader);
	}
	/* libxml2 gives up without a word only when it has no memory for one */
	if (x->nomem || (more < 0 && !*x->problem))
		return fail_nomem(x->err);
	if (*x->problem)
		return fail(
		    x->err, E_FORMAT, "line %d: %s", lib.parser_line(x->reader), x->problem);
	return rc;
}

/* libxml2 writes what it cannot hand to a reader, such as a failure to make one, to stderr. */
static void say_nothing(void *user, const char *fmt, ...)
{
	(void)user;
	(void)fmt;
}

static int parse_quietly(struct xml *x, const void *data, size_t size)
{
	xmlGenericErrorFunc say = *lib.generic_error();
	void *user = *lib.generic_error_context();
	int rc;

	lib.set_generic_error(NULL, say_nothing);
	x->reader = lib.reader_for_memory(data, (int)size, NULL, "UTF-8", XML_PARSE_NONET);
	if (x->reader) {
		lib.set_handler(x->reader, note_problem, x);
		rc = read_all(x);
		lib.free_reader(x->reader);
	} else {
		rc = fail_nomem(x->err);
	}
	lib.set_generic_error(user, say);
	return rc;
}

int ir_xml_parse(
    const void *data, size_t size, struct arena *arena, struct ir_doc *out, struct err *err)
{
	struct xml x = {.arena = arena, .doc = out, .err = err};

	*out = (struct ir_doc){0};
	x.meta_end = &out->meta;
	if (size > LIMIT_XML_BYTES || size > INT_MAX)
		return fail(err, E_LIMIT, "XML is larger than the limit of %" PRId64 " bytes",
		    LIMIT_XML_BYTES);
	pthread_once(&lib_once, load_lib);
	if (lib_error.status)
		return fail(err, lib_error.status, "%s", lib_error.text);
	int rc = ir_check_tags(data, size, err);
	return rc == OK ? parse_quietly(&x, data, size) : rc;
}
