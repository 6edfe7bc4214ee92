/* Shape operators: what inference knows of partly known shapes, and of the integers in them. */
#include "op_text.h"

#define X "x = Parameter-1 {shape=?,3,4 element_type=f32}\n"

static void reshape(void **state)
{
	(void)state;
	op_infers(
	    X "t = Const i64[2] -1 12\ny = Reshape-1(x, t) {special_zero=false} : f32[?,12]\n");
	op_infers(X "t = Const i64[2] 0 -1\ny = Reshape-1(x, t) {special_zero=true} : f32[?,12]\n");
	op_infers(X "t = Const i64[2] -1 6\ny = Reshape-1(x, t) {special_zero=false} : f32[?,6]\n");
	op_infers("x = Parameter-1 {shape=1..4,3,4 element_type=f32}\nt = Const i32[2] -1 6\n"
		  "y = Reshape-1(x, t) {special_zero=false} : f32[2..8,6]\n");
	op_infers("x = Parameter-1 {shape=0,3 element_type=f32}\nt = Const i64[3] -1 3 2\n"
		  "y = Reshape-1(x, t) {special_zero=false} : f32[0,3,2]\n");
	op_infers("x = Parameter-1 {shape=0,3 element_type=f32}\nt = Const i64[2] 0 -1\n"
		  "y = Reshape-1(x, t) {special_zero=true} : f32[0,3]\n");
	op_infers("x = Parameter-1 {shape=... element_type=f32}\nt = Const i64[2] 0 -1\n"
		  "y = Reshape-1(x, t) {special_zero=true} : f32[?,?]\n");
	op_refused(X "t = Const i64[2] -1 -1\ny = Reshape-1(x, t) {special_zero=false}\n", "twice");
	op_refused(X "t = Const i64[2] -2 5\ny = Reshape-1(x, t) {special_zero=false}\n", "is -2");
	op_refused("x = Parameter-1 {shape=5,3 element_type=f32}\nt = Const i64[2] -1 4\n"
		   "y = Reshape-1(x, t) {special_zero=false}\n",
	    "divided");
	op_refused("x = Parameter-1 {shape=5,3 element_type=f32}\nt = Const i64[2] 4 4\n"
		   "y = Reshape-1(x, t) {special_zero=false}\n",
	    "16");
	op_refused("x = Parameter-1 {shape=5 element_type=f32}\nt = Const i64[2] 5 0\n"
		   "y = Reshape-1(x, t) {special_zero=true}\n",
	    "lacks");
	op_infers(X "t = Const i64[3] 9223372036854775807 9223372036854775807 -1\n"
		    "y = Reshape-1(x, t) {special_zero=false}\n");
}

/* A flatten as exporters write it: the batch survives through ShapeOf, Gather, Concat. */
static void shape_subgraphs(void **state)
{
	(void)state;
#define FLATTEN                                                                                \
	"s = ShapeOf-3(x) {output_type=i64} : i64[3]\n"                                        \
	"i = Const i64[] 0\na = Const i64[] 0\nb = Gather-8(s, i, a) {batch_dims=0} : i64[]\n" \
	"z = Const i64[1] 0\nu = Unsqueeze-1(b, z) : i64[1]\nm = Const i64[1] -1\n"            \
	"t = Concat-1(u, m) {axis=0} : i64[2]\n"
	op_infers(X FLATTEN "y = Reshape-1(x, t) {special_zero=false} : f32[?,12]\n");
	op_infers("x = Parameter-1 {shape=2..5,3,4 element_type=f32}\n" FLATTEN
		  "y = Reshape-1(x, t) {special_zero=false} : f32[2..5,12]\n");
	op_infers(X "s = ShapeOf-3(x) {output_type=i32}\nb = Const i64[1] 1\ne = Const i64[1] 3\n"
		    "st = Const i64[1] 1\ny = Slice-8(s, b, e, st)\nv = Const f32[] 1\n"
		    "z = Broadcast-3(v, y) {mode=numpy} : f32[3,4]\n");
	op_infers(
	    X "s = ShapeOf-1(x)\nb = Const i64[1] -1\ne = Const i64[1] 0\nst = Const i64[1] 1\n"
	      "y = StridedSlice-1(s, b, e, st) {begin_mask=0 end_mask=1}\nv = Const f32[] 1\n"
	      "z = Tile-1(v, y) : f32[4]\n");
	op_infers(X "s = ShapeOf-3(x) {output_type=i64}\na = Const i64[] 0\nl = Const i64[2] 1 -1\n"
		    "p, q = VariadicSplit-1(s, a, l) : i64[1], i64[2]\nv = Const f32[] 1\n"
		    "z = Broadcast-3(v, q) {mode=numpy} : f32[3,4]\n");
	op_infers(X "s = ShapeOf-3(x) {output_type=i64}\na = Const i64[1] 0\n"
		    "r = Reverse-1(s, a) {mode=index}\nv = Const f32[] 1\n"
		    "z = Broadcast-3(v, r) {mode=numpy} : f32[4,3,?]\n");
	op_infers(
	    X "s = ShapeOf-3(x) {output_type=i64}\ni = Const i64[1] 0\nu = Const i64[1] 7\n"
	      "a = Const i64[] 0\nt = ScatterElementsUpdate-3(s, i, u, a)\nv = Const f32[] 1\n"
	      "z = Broadcast-3(v, t) {mode=numpy} : f32[7,3,4]\n");
	op_infers("a = Const i64[] 2\nb = Const i64[] 8\nc = Const i64[] 3\n"
		  "r = Range-4(a, b, c) {output_type=i64} : i64[2]\nv = Const f32[] 1\n"
		  "z = Broadcast-3(v, r) {mode=numpy} : f32[2,5]\n");
}

/* The same symbol on both sides cancels, whatever its size. */
static void symbols(void **state)
{
	(void)state;
	struct graph *g = scan("x = Parameter-1 {shape=?,3,? element_type=f32}\n"
			       "s = ShapeOf-3(x) {output_type=i64}\ni = Const i64[1] 2\n"
			       "a = Const i64[] 0\nw = Gather-8(s, i, a) {batch_dims=0}\n"
			       "m = Const i64[1] -1\nt = Concat-1(m, w) {axis=0}\n"
			       "y = Reshape-1(x, t) {special_zero=false}\n");
	struct shape shape = *node_attr(g->first, "shape")->shape;
	uint32_t batch = graph_symbol(g), width = graph_symbol(g);
	shape.dim[0].symbol = batch;
	shape.dim[2].symbol = width;
	assert_true(attr_set_shape(g->first, "shape", &shape));
	assert_int_equal(graph_infer(g, NULL), OK);
	assert_int_equal(g->last->out[0].info.shape.dim[1].symbol, width);
	graph_free(g);

	g = scan(X "t = Const i64[2] -1 12\ny = Reshape-1(x, t) {special_zero=false}\n");
	shape = *node_attr(g->first, "shape")->shape;
	shape.dim[0].symbol = batch = graph_symbol(g);
	assert_true(attr_set_shape(g->first, "shape", &shape));
	assert_int_equal(graph_infer(g, NULL), OK);
	assert_int_equal(g->last->out[0].info.shape.dim[0].symbol, batch);
	graph_free(g);
}

static void squeeze_and_unsqueeze(void **state)
{
	(void)state;
#define Y "x = Parameter-1 {shape=1,3,?,1 element_type=i8}\n"
	op_infers(Y "a = Const i64[2] 0 -1\ny = Squeeze-1(x, a) : i8[3,?]\n");
	op_infers(Y "a = Const i64[1] 2\ny = Squeeze-1(x, a) : i8[1,3,1]\n");
	op_infers(Y "y = Squeeze-1(x) : i8[...]\n");
	op_infers(
	    "x = Parameter-1 {shape=1,3,2..4,1 element_type=i8}\ny = Squeeze-1(x) : i8[3,2..4]\n");
	op_infers(
	    Y "a = Const i64[2] 1 0\ny = Squeeze-15(x, a) {allow_axis_skip=true} : i8[3,?,1]\n");
	op_refused(Y "a = Const i64[1] 1\ny = Squeeze-1(x, a)\n", "only 1 can be squeezed");
	op_refused(Y "a = Const i64[1] 4\ny = Squeeze-1(x, a)\n", "out of range");
	op_infers(Y "a = Const i64[2] -1 0\ny = Unsqueeze-1(x, a) : i8[1,1,3,?,1,1]\n");
	op_refused(Y "a = Const i64[2] 1 -5\ny = Unsqueeze-1(x, a)\n", "twice");
}

static void broadcast(void **state)
{
	(void)state;
	op_infers("x = Parameter-1 {shape=?,1 element_type=f32}\nt = Const i64[3] 2 3 4\n"
		  "y = Broadcast-3(x, t) {mode=numpy} : f32[2,3,4]\n");
	op_infers("x = Parameter-1 {shape=5,1 element_type=f32}\nt = Const i64[2] 1 4\n"
		  "y = Broadcast-3(x, t) {mode=bidirectional} : f32[5,4]\n");
	op_refused("x = Parameter-1 {shape=5,2 element_type=f32}\nt = Const i64[2] 5 4\n"
		   "y = Broadcast-3(x, t) {mode=numpy}\n",
	    "cannot be broadcast");
	op_refused("x = Parameter-1 {shape=5,2 element_type=f32}\nt = Const i64[1] 5\n"
		   "y = Broadcast-3(x, t) {mode=numpy}\n",
	    "rank");
	op_refused("x = Parameter-1 {shape=5 element_type=f32}\nt = Const i64[2] 5 4\n"
		   "y = Broadcast-3(x, t) {mode=explicit}\n",
	    "mapping");
	op_gives("x = Const f32[2] 1 2\nt = Const i64[2] 2 3\na = Const i64[1] 0\n"
		 "y = Broadcast-3(x, t, a) {mode=explicit}\n",
	    0, "1 1 1 2 2 2");
}

static void generated(void **state)
{
	(void)state;
	op_gives("a = Const i64[] 5\nb = Const i64[] -2\nc = Const i64[] -3\n"
		 "y = Range-4(a, b, c) {output_type=i32} : i32[3]\n",
	    0, "5 2 -1");
	op_gives("a = Const f32[] 1\nb = Const f32[] 2\nc = Const f32[] 0.25\n"
		 "y = Range-4(a, b, c) {output_type=f32}\n",
	    0, "1 1.25 1.5 1.75");
	op_refused("a = Const i64[] 0\nb = Const i64[] 2\nc = Const i64[] 0\n"
		   "y = Range-4(a, b, c) {output_type=i64}\n",
	    "no end");
	op_refused("a = Const i64[] -9223372036854775807\nb = Const i64[] 9223372036854775807\n"
		   "c = Const i64[] 1\ny = Range-4(a, b, c) {output_type=i64}\n",
	    "no end");
	op_gives("r = Const i64[] 2\nc = Const i64[] 3\nd = Const i64[] 1\n"
		 "y = Eye-9(r, c, d) {output_type=f32} : f32[2,3]\n",
	    0, "0 1 0 0 0 1");
	op_gives(
	    "i = Const i64[3] 1 -1 7\nd = Const i64[] 2\na = Const f32[] 5\nb = Const f32[] 1\n"
	    "y = OneHot-1(i, d, a, b) {axis=-1} : f32[3,2]\n",
	    0, "1 5 1 1 1 1");
	op_gives("i = Const i64[2] 1 -1\nd = Const i64[] 2\na = Const i8[] 5\nb = Const i8[] 1\n"
		 "y = OneHot-16(i, d, a, b) {axis=0 negative_indices_mode=normalize} : i8[2,2]\n",
	    0, "1 1 5 5");
	op_refused("i = Const i64[2] 1 -1\nd = Const i64[] -2\na = Const i8[] 5\nb = Const i8[] 1\n"
		   "y = OneHot-16(i, d, a, b) {axis=0}\n",
	    "depth");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reshape),
	    cmocka_unit_test(shape_subgraphs),
	    cmocka_unit_test(symbols),
	    cmocka_unit_test(squeeze_and_unsqueeze),
	    cmocka_unit_test(broadcast),
	    cmocka_unit_test(generated),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
