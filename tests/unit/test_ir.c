/* IR: the same bytes every time, constants once each, what was written reads back, and files that
 * are broken on purpose. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "network.h"

#include "base/file.h"
#include "formats/ir.h"

static char folder[] = "/tmp/test-ir-XXXXXX";
static char xml[64], bin[64], xml2[64], bin2[64];

static const char net[] =
    "x = Parameter-1 {shape=1,3,8,8 element_type=f32}\n"
    "w = Const f32[4,3,3,3] random(7)\n"
    "b = Const f32[1,4,1,1] 0.5 1 -2 3\n"
    "c = Convolution-1(x, w) {strides=1,1 pads_begin=1,1 pads_end=1,1 dilations=1,1 "
    "auto_pad=explicit}\n"
    "s = Add-1(c, b)\n"
    "b2 = Const f32[1,4,1,1] 0.5 1 -2 3\n"
    "m = Multiply-1(s, b2)\n"
    "axis = Const i64[] 1\n"
    "p, q = Split-1(m, axis) {num_splits=2}\n"
    "Result-1(p)\n"
    "Result-1(q)\n";

static void write_graph(struct graph *g, const char *x, const char *b, struct ir_written *w)
{
	struct ir_write_options o = {.version = 11, .written = w};
	struct err e = {0};
	if (ir_write(g, x, b, &o, &e))
		print_error("%s\n", e.text);
	assert_int_equal(e.status, OK);
}

static int read_graph(struct graph **g, struct err *e)
{
	struct ir_read_options o = {0};
	*g = NULL;
	return ir_read(xml, NULL, &o, g, e);
}

static char *slurp(const char *path, size_t *size)
{
	char *data = NULL;
	assert_int_equal(file_slurp(path, 1 << 26, &data, size, NULL), OK);
	return data;
}

static void spill(const char *path, const void *data, size_t size)
{
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, size, f), size);
	fclose(f);
}

static void assert_same_file(const char *a, const char *b)
{
	size_t n, m;
	char *x = slurp(a, &n), *y = slurp(b, &m);
	assert_int_equal(n, m);
	assert_memory_equal(x, y, n);
	free(x);
	free(y);
}

/* Written twice, and once more after reading: the same files. */
static void round_trip(void **state)
{
	struct graph *g = scan(net), *back;
	struct err e = {0};
	struct ir_written w;
	(void)state;

	value_add_name(graph_find_node(g, "x")->out, "x");
	write_graph(g, xml, bin, &w);
	assert_int_equal(w.constants, 4);
	assert_int_equal(w.shared, 1);
	write_graph(g, xml2, bin2, NULL);
	assert_same_file(xml, xml2);
	assert_same_file(bin, bin2);
	assert_int_equal(read_graph(&back, &e), OK);
	write_graph(back, xml2, bin2, NULL);
	assert_same_file(xml, xml2);
	assert_same_file(bin, bin2);
	graph_free(g);
	graph_free(back);
}

/* The bytes of a Const in the files, after reading. */
static const void *stored(struct graph *g, const char *name)
{
	struct node *n = graph_find_node(g, name);
	assert_non_null(n);
	return blob_direct(n->data);
}

static void constants(void **state)
{
	enum { N = 700001 }; /* more than one chunk, and no multiple of anything */
	static const double scale[1] = {0.5};
	struct graph *g = graph_new("constants"), *back;
	struct err e = {0};
	int64_t dims[1] = {N}, one[1] = {1};
	float four = 4, *v = malloc(N * sizeof *v);
	struct ir_written w;
	(void)state;

	for (int i = 0; i < N; i++)
		v[i] = (float)i;
	struct blob *plain = blob_copy(v, N * sizeof *v);
	struct blob *twos = blob_fill(&(float){4}, 4, N);
	struct {
		const char *name;
		const int64_t *dims;
		enum dtype type;
		struct blob *blob;
	} c[] = {{"plain", dims, DT_F32, plain},
	    {"same", dims, DT_F32, blob_copy(v, N * sizeof *v)}, {"fill", dims, DT_F32, twos},
	    {"scaled", dims, DT_F32, blob_scaled(plain, 1, N, scale)},
	    {"again", dims, DT_F32, blob_scaled(plain, 1, N, scale)},
	    {"half", dims, DT_F16, blob_cast(plain, DT_F32, DT_F16, N)},
	    {"small", one, DT_F32, blob_copy(&four, 4)},
	    {"tiny", one, DT_F32, blob_fill(&four, 4, 1)}};
	for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
		struct node *n = graph_const(
		    g, NULL, c[i].name, c[i].type, 1, c[i].dims, c[i].blob);
		graph_add(g, op_row(OP_RESULT), c[i].name, &(struct value *){n->out}, 1, 0);
	}
	write_graph(g, xml, bin, &w);
	assert_int_equal(w.constants, 8);
	assert_int_equal(w.shared, 3);
	assert_int_equal(read_graph(&back, &e), OK);
	for (size_t i = 0; i < sizeof c / sizeof *c; i++)
		assert_memory_equal(stored(back, c[i].name),
		    blob_data(graph_find_node(g, c[i].name)->data),
		    blob_size(graph_find_node(g, c[i].name)->data));
	assert_ptr_equal(stored(back, "plain"), stored(back, "same"));
	assert_ptr_equal(stored(back, "scaled"), stored(back, "again"));
	assert_int_equal((uintptr_t)stored(back, "half") % 64, 0);
	graph_free(back);
	graph_free(g);
	free(v);
}

/* Names that repeat, that hold what XML forbids, and tensor names with commas. */
static void names(void **state)
{
	static const char odd[] = "<a> & \"b\"\n'c'\t\xc3\xa9",
			  broken[] = "x\x01\xff\xc0\x80\xed\xa0\x80y";
	struct graph *g = scan("x = Parameter-1 {shape=?,1..5 element_type=f32}\n"
			       "y = ReLU-1(x)\nResult-1(y)\n");
	struct graph *back;
	struct err e = {0};
	(void)state;

	graph_find_node(g, "y")->name = odd;
	g->outputs[0]->name = "x";
	value_add_name(g->inputs[0]->out, "a,b");
	value_add_name(g->inputs[0]->out, ",");
	value_add_name(g->inputs[0]->out, broken);
	write_graph(g, xml, bin, NULL);
	assert_int_equal(read_graph(&back, &e), OK);
	struct value *x = back->inputs[0]->out;
	assert_string_equal(back->inputs[0]->name, "x");
	assert_string_equal(back->outputs[0]->name, "x_1");
	assert_string_equal(node_in(back->outputs[0], 0)->node->name, odd);
	assert_int_equal(x->nnames, 3);
	assert_string_equal(x->names[0], "a,b");
	assert_string_equal(x->names[1], ",");
	assert_null(strchr(x->names[2], 1));
	assert_int_equal(x->info.shape.dim[1].max, 5);
	graph_free(g);
	graph_free(back);
}

static const struct meta *find_meta(const struct graph *g, const char *key)
{
	const struct meta *m = g->meta;
	while (m && strcmp(m->key, key))
		m = m->next;
	return m;
}

static void run_time_info(void **state)
{
	struct meta preset = {.key = "nncf/quantization/preset", .value = "mixed"};
	struct meta path = {
	    .key = "conversion_parameters/input_model", .value = "/secret", .next = &preset};
	struct meta option = {.key = "precision", .value = "fp<16>"};
	struct ir_write_options o = {.version = 11, .parameters = &option};
	struct graph *g = scan(net), *back;
	struct err e = {0};
	(void)state;

	node_add_meta(graph_find_node(g, "s"), "decompression", "0", "");
	g->meta = &path;
	assert_int_equal(ir_write(g, xml, bin, &o, &e), OK);
	g->meta = NULL;
	assert_int_equal(read_graph(&back, &e), OK);
	assert_non_null(node_meta(graph_find_node(back, "s"), "decompression"));
	assert_string_equal(find_meta(back, preset.key)->value, "mixed");
	assert_string_equal(find_meta(back, "conversion_parameters/precision")->value, "fp<16>");
	assert_null(find_meta(back, path.key));
	graph_free(g);
	graph_free(back);
}

static void refused_writes(void **state)
{
	struct ir_write_options o = {.version = 7};
	struct graph *g = scan(
	    "x = Parameter-1 {shape=3 element_type=f32}\nResult-1(x)\nResult-1(x)\n");
	size_t n;
	char *before;
	(void)state;

	spill(xml, "old", 3);
	assert_int_equal(ir_write(g, xml, bin, &o, NULL), E_USAGE);
	o.version = 10;
	assert_int_equal(ir_write(g, xml, bin, &o, NULL), E_UNSUPPORTED);
	before = slurp(xml, &n);
	assert_string_equal(before, "old");
	free(before);
	graph_free(g);
}

/* What OpenVINO and NNCF wrote. */
static void foreign(void **state)
{
	static const char *const file[] = {"fp16", "nncf_int8_mixed", "weightonly_int8asym"};
	struct ir_read_options o = {0};
	(void)state;

	for (size_t i = 0; i < sizeof file / sizeof *file; i++) {
		char path[256];
		struct graph *g = NULL;
		struct err e = {0};
		snprintf(path, sizeof path, "testdata/ir/conv_bn_relu_fc_%s.xml", file[i]);
		if (ir_read(path, NULL, &o, &g, &e))
			print_error("%s\n", e.text);
		assert_non_null(g);
		assert_string_equal(g->inputs[0]->name, "x");
		assert_int_equal(graph_find_output(g, "prob"), 0);
		assert_int_equal(g->outputs[0]->in[0].value->info.shape.dim[1].min, 10);
		assert_int_equal(!!find_meta(g, "nncf/quantization/preset"), i == 1);
		graph_free(g);
	}
}

/* xml becomes xml2 with its first "from" made "to". */
static void edit(const char *from, const char *to)
{
	size_t n, at = 0;
	char *s = slurp(xml2, &n);
	struct text t = {0};

	while (at < n && strncmp(s + at, from, strlen(from)))
		at++;
	if (at == n)
		print_error("no '%s' in\n%s", from, s);
	assert_true(at < n);
	text_addn(&t, s, at);
	text_add(&t, to);
	text_add(&t, s + at + strlen(from));
	spill(xml, t.data, t.len);
	text_free(&t);
	free(s);
}

static void expect(int status, const char *words)
{
	struct graph *g;
	struct err e = {0};
	int rc = read_graph(&g, &e);
	if (rc != status || (words && !strstr(e.text, words)))
		print_error("%d '%s' instead of %d '%s'\n", rc, e.text, status, words ? words : "");
	assert_int_equal(rc, status);
	if (words)
		assert_non_null(strstr(e.text, words));
	err_clear(&e);
	graph_free(g);
}

static void broken_xml(void **state)
{
	static const struct {
		const char *from, *to;
		int status;
		const char *words;
	} c[] = {
	    {"<net ", "<!-- fine --><net ", OK, NULL},
	    {"<layers>", "<layers><?fine?>", OK, NULL},
	    {"version=\"11\"", "version=\"10\"", OK, NULL},
	    {"version=\"11\"", "version=\"7\"", E_UNSUPPORTED, "IR version 7"},
	    {"version=\"11\"", "", E_FORMAT, "version"},
	    {"<net ", "<!DOCTYPE net [<!ENTITY a \"aaaaaaaa\"><!ENTITY b \"&a;&a;&a;\">]><net ",
		E_FORMAT, "document type"},
	    {"<net ", "<!DOCTYPE net SYSTEM \"http://127.0.0.1/x.dtd\"><net ", E_FORMAT,
		"document type"},
	    {"name=\"s\"", "name=\"&evil;\"", E_FORMAT, NULL},
	    {"<layers>", "<layers><layer/>", E_FORMAT, "'id'"},
	    {"<layers>", "<layers><other/>", E_FORMAT, "<other>"},
	    {"</layers>", "", E_FORMAT, "line"},
	    {"layer id=\"2\"", "layer id=\"1\"", E_FORMAT, "used twice"},
	    {"layer id=\"2\"", "layer id=\"-2\"", E_FORMAT, "'id'"},
	    {"layer id=\"2\"", "layer id=\"99999999999999999999\"", E_FORMAT, "'id'"},
	    {"from-layer=\"0\"", "from-layer=\"77\"", E_FORMAT, "layer 77"},
	    {"to-layer=\"3\" to-port=\"0\"", "to-layer=\"3\" to-port=\"9\"", E_FORMAT, "port 9"},
	    {"to-layer=\"3\" to-port=\"0\"", "to-layer=\"3\" to-port=\"1\"", E_FORMAT, "two edges"},
	    {"from-layer=\"0\" from-port=\"0\"", "from-layer=\"6\" from-port=\"2\"", E_FORMAT,
		"depends on itself"},
	    {" strides=\"1, 1\"", "", E_FORMAT, "'strides' of Convolution is missing"},
	    {" strides=\"1, 1\"", " strides=\"1, x\"", E_FORMAT, "strides"},
	    {" strides=\"1, 1\"", " strides=\"1, 1\" stride=\"2\"", E_FORMAT, "'stride'"},
	    {"auto_pad=\"explicit\"", "auto_pad=\"some\"", E_FORMAT, "auto_pad"},
	    {"type=\"Convolution\"", "type=\"Konvolution\"", E_UNSUPPORTED, "unknown layer"},
	    {"type=\"Convolution\" version=\"opset1\"", "type=\"Convolution\" version=\"opset9\"",
		E_UNSUPPORTED, "not of this opset"},
	    {"type=\"Add\" version=\"opset1\"", "type=\"Add\" version=\"extension\"", E_UNSUPPORTED,
		"extension"},
	    {"?>", " encoding=\"IBM037\"?>", OK, NULL}, /* not for the file to say */
	    {"<dim>4</dim>", "<dim>&#52;</dim>", OK, NULL},
	    {"<dim>4</dim>", "<dim><![CDATA[4]]></dim>", OK, NULL},
	    {"<dim>4</dim>", "<dim>4<dim/></dim>", E_FORMAT, "size"},
	    {"<dim>4</dim>", "<dim>5</dim>", E_FORMAT, "port 0 declares FP32 [5,3,3,3]"},
	    {"<dim>4</dim>", "<dim>-1</dim>", OK, NULL},
	    {"<dim>4</dim>", "<dim>-4</dim>", E_FORMAT, "size"},
	    {"<dim>4</dim>", "", E_FORMAT, "declares"},
	    {"precision=\"FP32\"", "precision=\"I64\"", E_FORMAT, "port 0 declares I64"},
	    {"offset=\"0\"", "offset=\"9223372036854775807\"", E_FORMAT, "beyond the end"},
	    {"offset=\"0\"", "offset=\"-64\"", E_FORMAT, "offset"},
	    {"offset=\"0\"", "offset=\"449\"", E_FORMAT, "beyond the end"},
	    {"size=\"432\"", "size=\"431\"", E_FORMAT, "size"},
	    {"shape=\"4, 3, 3, 3\"", "shape=\"4, 3, 3, -3\"", E_FORMAT, NULL},
	    {"shape=\"4, 3, 3, 3\"", "shape=\"4294967296, 4294967296\"", E_LIMIT, "limit"},
	    {"shape=\"4, 3, 3, 3\"", "shape=\"1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1\"", E_FORMAT, NULL},
	    {"element_type=\"f32\" shape=\"4", "element_type=\"f31\" shape=\"4", E_UNSUPPORTED,
		"f31"},
	};
	struct graph *g = scan(net);
	(void)state;

	write_graph(g, xml2, bin2, NULL);
	write_graph(g, xml, bin, NULL);
	graph_free(g);
	for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
		edit(c[i].from, c[i].to);
		expect(c[i].status, c[i].words);
	}
}

static void lenient(void **state)
{
	struct ir_read_options o = {.lenient = true};
	struct graph *g = NULL;
	(void)state;

	edit(" strides=\"1, 1\"", " strides=\"1, 1\" stride=\"2\"");
	assert_int_equal(ir_read(xml, bin, &o, &g, NULL), OK);
	graph_free(g);
}

/* All layers that cannot be read are named. */
static void unsupported_layers(void **state)
{
	struct graph *g;
	struct err e = {0};
	(void)state;

	edit("type=\"Convolution\"", "type=\"Foo\"");
	rename(xml, xml2);
	edit("type=\"Multiply\"", "type=\"Bar\"");
	assert_int_equal(read_graph(&g, &e), E_UNSUPPORTED);
	assert_non_null(strstr(e.text, "2 of"));
	assert_non_null(strstr(e.details, "Foo"));
	assert_non_null(strstr(e.details, "Bar"));
	err_clear(&e);
}

/* Every cut of both files, every changed byte of the XML: an answer, and an error for each cut. */
static void mutilated(void **state)
{
	struct graph *g = scan(net);
	size_t n, m;
	(void)state;

	write_graph(g, xml, bin, NULL);
	graph_free(g);
	char *x = slurp(xml, &n), *b = slurp(bin, &m);
	for (size_t i = 0; i < n - 1; i += 7) {
		struct err e = {0};
		spill(xml, x, i);
		assert_int_not_equal(read_graph(&g, &e), OK);
		assert_null(g);
		x[i] ^= 0x15;
		spill(xml, x, n);
		read_graph(&g, &e);
		graph_free(g);
		err_clear(&e);
		x[i] ^= 0x15;
	}
	spill(xml, x, n);
	spill(bin, b, m - 1);
	expect(E_FORMAT, "beyond the end");
	unlink(bin);
	expect(E_IO, ".bin");
	free(x);
	free(b);
}

static void deep(void **state)
{
	struct text t = {0};
	(void)state;

	text_add(&t, "<net name=\"a\" version=\"11\"><layers>");
	for (int i = 0; i < 1000000; i++)
		text_add(&t, "<a>");
	spill(xml, t.data, t.len);
	expect(E_FORMAT, NULL);
	t.len = 0;
	text_add(&t, "<net name=\"a\" version=\"11\"><rt_info>");
	for (int i = 0; i < 100; i++)
		text_add(&t, "<a>");
	for (int i = 0; i < 100; i++)
		text_add(&t, "</a>");
	text_add(&t, "</rt_info></net>");
	spill(xml, t.data, t.len);
	expect(E_LIMIT, "deeper");
	text_free(&t);
}

/* Each is compared with those before it. */
static void many_attributes(void **state)
{
	struct text t = {0};
	(void)state;

	text_add(&t, "<?xml version=\"1.0\"?><!-- don't --><net name=\"a\" version=\"11\"");
	for (int i = 0; i < 200000; i++)
		text_printf(&t, " a%d=''", i);
	text_add(&t, "></net>");
	spill(xml, t.data, t.len);
	expect(E_LIMIT, "attributes");
	text_free(&t);
	spill(xml, "\xff\xfe<\0n\0e\0t\0>\0", 12);
	expect(E_FORMAT, "zero bytes");
}

static struct value *body_add(struct graph *g, enum op_id id, struct value *a, struct value *b)
{
	struct node *n = graph_add(g, op_row(id), NULL, (struct value *[]){a, b}, b ? 2 : 1, 1);
	return n->out;
}

/* A Loop that sums the rows of x: the sum goes round, every sum is collected. */
static struct graph *loop_graph(void)
{
	static const struct port_map map[] = {
	    {MAP_INPUT, 2, 1, -1, 0, 0, 0, 0, PURPOSE_NONE},
	    {MAP_INPUT, 3, 2, 0, 0, -1, 1, 1, PURPOSE_NONE},
	    {MAP_INPUT, -1, 0, -1, 0, 0, 0, 0, PURPOSE_CURRENT_ITERATION},
	    {MAP_OUTPUT, -1, 0, -1, 0, 0, 0, 0, PURPOSE_EXECUTION_CONDITION},
	    {MAP_OUTPUT, 0, 1, -1, 0, 0, 0, 0, PURPOSE_NONE},
	    {MAP_OUTPUT, 1, 1, 0, 0, -1, 1, 1, PURPOSE_NONE},
	    {MAP_BACK_EDGE, 1, 1, -1, 0, 0, 0, 0, PURPOSE_NONE},
	};
	static const char *const shapes[] = {"", "1,2", "1,2"};
	struct graph *g = scan("trip = Const i64[] 3\ngo = Const boolean[] 1\n"
			       "s = Parameter-1 {shape=1,2 element_type=f32}\n"
			       "x = Parameter-1 {shape=3,2 element_type=f32}\n");
	struct value *in[4], *p[3];
	int k = 0;

	graph_each (g, n)
		in[k++] = n->out;
	struct node *n = graph_add(g, op_row(OP_LOOP), "loop", in, 4, 2);
	n->body = arena_array(g->arena, 1, sizeof *n->body);
	n->nbodies = 1;
	struct graph *b = n->body->graph = graph_new_body(g, "body");
	for (int i = 0; i < 3; i++) {
		struct node *q = graph_add(b, op_row(OP_PARAMETER), NULL, NULL, 0, 1);
		struct shape shape;
		assert_true(shape_parse(shapes[i], &shape));
		attr_set_shape(q, "shape", &shape);
		attr_set_type(q, "element_type", i ? DT_F32 : DT_I64);
		p[i] = q->out;
	}
	struct value *sum = body_add(b, OP_ADD, p[1], p[2]);
	struct value *again = body_add(b, OP_EQUAL, p[0], p[0]);
	graph_add(b, op_row(OP_RESULT), NULL, &again, 1, 0);
	graph_add(b, op_row(OP_RESULT), NULL, &sum, 1, 0);
	n->body->map = arena_copy(g->arena, map, sizeof map);
	n->body->nmaps = sizeof map / sizeof *map;
	for (int i = 0; i < 2; i++) {
		struct value *v = &n->out[i];
		graph_add(g, op_row(OP_RESULT), NULL, &v, 1, 0);
	}
	assert_int_equal(graph_infer(g, NULL), OK);
	return g;
}

/* Bodies come back as they were; port maps that name what is not there do not. */
static void bodies(void **state)
{
	static const struct {
		const char *from, *to;
		int status;
		const char *words;
	} c[] = {
	    {"external_port_id=\"2\"", "external_port_id=\"9\"", E_FORMAT, "names 9"},
	    {"external_port_id=\"2\"", "external_port_id=\"-1\"", E_FORMAT, "names -1"},
	    {"external_port_id=\"2\"", "external_port_id=\"x\"", E_FORMAT, "external_port_id"},
	    {"external_port_id=\"5\"", "external_port_id=\"4\"", E_FORMAT, "twice"},
	    {"external_port_id=\"5\"", "external_port_id=\"2\"", E_FORMAT, "names 2"},
	    {"internal_layer_id=\"1\"", "internal_layer_id=\"2\"", E_FORMAT, "twice"},
	    {"internal_layer_id=\"1\"", "internal_layer_id=\"3\"", E_FORMAT, "no Parameter"},
	    {"internal_layer_id=\"1\"", "internal_layer_id=\"-1\"", E_FORMAT, "internal"},
	    {"internal_layer_id=\"6\"", "internal_layer_id=\"1\"", E_FORMAT, "no Result"},
	    {"to-layer=\"1\" />", "to-layer=\"6\" />", E_FORMAT, "no Parameter"},
	    {"current_iteration", "execution_condition", E_FORMAT, "nowhere"},
	    {"current_iteration", "something", E_FORMAT, "purpose"},
	    {"part_size=\"1\"", "part_size=\"0\"", E_FORMAT, "part size 0"},
	    {"stride=\"1\"", "stride=\"0\"", E_FORMAT, "stride 0"},
	    {"axis=\"0\"", "axis=\"7\"", E_FORMAT, NULL},
	    {"type=\"Loop\" version=\"opset5\"", "type=\"If\" version=\"opset8\"", E_UNSUPPORTED,
		"bodies"},
	};
	struct graph *g = loop_graph(), *back;
	struct err e = {0};
	(void)state;

	write_graph(g, xml, bin, NULL);
	assert_int_equal(read_graph(&back, &e), OK);
	write_graph(back, xml2, bin2, NULL);
	assert_same_file(xml, xml2);
	assert_same_file(bin, bin2);
	for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
		edit(c[i].from, c[i].to);
		expect(c[i].status, c[i].words);
	}
	graph_free(g);
	graph_free(back);
}

/* A body in a body in a body... */
static void nested(void **state)
{
	struct text t = {0};
	(void)state;

	text_add(&t, "<net name=\"a\" version=\"11\"><layers>");
	for (int i = 0; i < 20; i++)
		text_add(&t, "<layer id=\"0\" name=\"l\" type=\"Loop\" version=\"opset5\"><body>"
			     "<layers>");
	for (int i = 0; i < 20; i++)
		text_add(&t, "</layers></body></layer>");
	text_add(&t, "</layers></net>");
	spill(xml, t.data, t.len);
	expect(E_LIMIT, "deeper");
	text_free(&t);
}

static void sniffing(void **state)
{
	static const char *const yes[] = {"<net name=\"a\">", "\xef\xbb\xbf<net>",
	    "<?xml version=\"1.0\"?>\n<!-- a -->\n <net\n"};
	static const char *const no[] = {
	    "", "<", "<nets>", "<net", "\x08\x07<net >", "<!-- <net >", "<html><net >"};
	(void)state;

	for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
		assert_true(ir_sniff(yes[i], strlen(yes[i])));
	for (size_t i = 0; i < sizeof no / sizeof *no; i++)
		assert_false(ir_sniff(no[i], strlen(no[i])));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(round_trip),
	    cmocka_unit_test(constants),
	    cmocka_unit_test(names),
	    cmocka_unit_test(run_time_info),
	    cmocka_unit_test(refused_writes),
	    cmocka_unit_test(foreign),
	    cmocka_unit_test(broken_xml),
	    cmocka_unit_test(lenient),
	    cmocka_unit_test(unsupported_layers),
	    cmocka_unit_test(mutilated),
	    cmocka_unit_test(deep),
	    cmocka_unit_test(many_attributes),
	    cmocka_unit_test(sniffing),
	    cmocka_unit_test(bodies),
	    cmocka_unit_test(nested),
	};

	if (!mkdtemp(folder))
		return 1;
	snprintf(xml, sizeof xml, "%s/a.xml", folder);
	snprintf(bin, sizeof bin, "%s/a.bin", folder);
	snprintf(xml2, sizeof xml2, "%s/b.xml", folder);
	snprintf(bin2, sizeof bin2, "%s/b.bin", folder);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(xml);
	unlink(bin);
	unlink(xml2);
	unlink(bin2);
	rmdir(folder);
	return failed;
}
