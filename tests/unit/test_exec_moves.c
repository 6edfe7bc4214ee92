/* Layers that move elements: computed as eval does, by the calls that they should take. */
#include "engine.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONV " {strides=1,1 pads_begin=1,1 pads_end=1,1 dilations=1,1 auto_pad=explicit}\n"
/* x: an image whose channels lie last, from one that is read as it is */
#define IMAGE                                                                       \
	"i = Parameter-1 {shape=2,3,5,6 element_type=f32}\nw = Const f32[8,3,3,3] " \
	"random(1)\nx = Convolution-1(i, w)" CONV

/* A call that there must be one of; CALL_KINDS: none */
static enum call_kind wanted = CALL_KINDS;

static int moves(const struct exec *e)
{
	return count_calls(e, CALL_COPY) + count_calls(e, CALL_TO_ROW_MAJOR) +
	       count_calls(e, CALL_TO_CHANNELS_LAST) + count_calls(e, CALL_EVAL);
}

/* The same results with and without kernels, by so many calls that only move. */
static void check(const char *text, int expected)
{
	struct graph *g = scan(text);
	struct exec *e[] = {make(g, NULL), make_eval(g)};
	struct tensor in = random_input(g, 0, 1), out[2][4];
	for (int k = 0; k < 2; k++)
		run(e[k], &in, out[k]);
	for (int o = 0; o < g->noutputs; o++)
		assert_same(&out[0][o], &out[1][o], 2e-5);
	assert_int_equal(moves(e[0]), expected);
	assert_int_equal(count_calls(e[0], wanted), wanted != CALL_KINDS);
	for (int k = 0; k < 2; k++)
		exec_free(e[k]);
	tensor_free(&in);
	graph_free(g);
}

/* Channels of a Split stay in its operand; one move back, and the one channel that stands for all
 * is gathered. */
static void splits(void **state)
{
	(void)state;
	check(IMAGE "axis = Const i64[] 1\nlen = Const i64[3] 3 1 4\n"
		    "a, b, c = VariadicSplit-1(x, axis, len)\nv = Const f32[5,4,3,3] random(2)\n"
		    "d = Convolution-1(c, v)" CONV "u = Const f32[5,3,3,3] random(3)\n"
		    "f = Convolution-1(a, u)" CONV "g = Add-1(d, f)\nh = Multiply-1(g, b)\n"
		    "Result-1(h)\n",
	    2);
	check("x = Parameter-1 {shape=1,6,5,7 element_type=f32}\naxis = Const i64[] -3\n"
	      "a, b = Split-1(x, axis) {num_splits=2}\nc = Add-1(a, b)\nd = Sigmoid-1(c)\n"
	      "Result-1(d)\n",
	    0);
	/* halves of each row, which are too short in the second */
	check("x = Parameter-1 {shape=2,6,5,8 element_type=f32}\naxis = Const i64[] 3\n"
	      "a, b = Split-1(x, axis) {num_splits=2}\nc = Add-1(a, b)\nResult-1(c)\n",
	    2);
	check("x = Parameter-1 {shape=2,6,5,6 element_type=f32}\naxis = Const i64[] 3\n"
	      "a, b = Split-1(x, axis) {num_splits=2}\nc = Add-1(a, b)\nResult-1(c)\n",
	    1);
}

/* Tokens become an image, are convolved, and become tokens again: nothing moves. */
static void tokens(void **state)
{
	(void)state;
	check("x = Parameter-1 {shape=2,30,8 element_type=f32}\nturn = Const i64[3] 0 2 1\n"
	      "t = Transpose-1(x, turn)\nto = Const i64[4] 2 8 5 6\n"
	      "r = Reshape-1(t, to) {special_zero=false}\nw = Const f32[8,8,3,3] random(1)\n"
	      "c = Convolution-1(r, w)" CONV "back = Const i64[3] 2 8 30\n"
	      "s = Reshape-1(c, back) {special_zero=false}\ny = Transpose-1(s, turn)\n"
	      "m = Const f32[8,4] random(2)\n"
	      "z = MatMul-1(y, m) {transpose_a=false transpose_b=false}\nResult-1(z)\n",
	    0);
	/* for who reads it row by row, the exchange is a move */
	check("x = Parameter-1 {shape=2,30,8 element_type=f32}\nturn = Const i64[3] 0 2 1\n"
	      "t = Transpose-1(x, turn)\nm = Const f32[30,4] random(2)\n"
	      "z = MatMul-1(t, m) {transpose_a=false transpose_b=false}\nResult-1(z)\n",
	    1);
}

/* Rows and columns of matrices change places by one call, and so do runs that stay together, unless
 * they are short or go through too many dims. */
static void matrices(void **state)
{
	static const struct {
		const char *shape, *type, *order;
		enum call_kind kind;
	} c[] = {
	    {"2,3,5,7,11", "f32", "i64[5] 0 1 3 4 2", CALL_TO_CHANNELS_LAST},
	    {"37,19", "f32", "i64[2] 1 0", CALL_TO_CHANNELS_LAST},
	    {"3,1,17,9", "f32", "i64[4] 0 1 3 2", CALL_TO_CHANNELS_LAST},
	    {"4,1,3,6", "f32", "i64[4] 2 3 1 0", CALL_TO_CHANNELS_LAST},
	    {"2,5,33", "f16", "i64[3] 0 2 1", CALL_TO_CHANNELS_LAST},
	    {"2,5,33", "i64", "i64[3] 0 2 1", CALL_EVAL},
	    {"2,5,6,7", "f32", "i64[4] 0 2 1 3", CALL_COPY},
	    {"2,5,6,3", "f32", "i64[4] 0 2 1 3", CALL_EVAL},
	    {"2,5,6,3,2,4", "f32", "i64[6] 4 3 2 1 0 5", CALL_EVAL},
	    {"7,5,9,16", "u8", "i64[4] 2 1 0 3", CALL_COPY},
	    {"2,5,6", "f32", "i64[3] 2 1 0", CALL_EVAL},
	    {"2,5,6", "f32", "i64[3] 1 2 0", CALL_TO_CHANNELS_LAST},
	    {"2,5,6", "f32", "i64[3] 1 0 2", CALL_COPY},
	};
	(void)state;
	for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
		char text[300];
		snprintf(text, sizeof text,
		    "x = Parameter-1 {shape=%s element_type=%s}\no = Const %s\n"
		    "y = Transpose-1(x, o)\nResult-1(y)\n",
		    c[i].shape, c[i].type, c[i].order);
		wanted = c[i].kind;
		check(text, 1);
	}
	wanted = CALL_KINDS;
}

/* A Concat for a convolution: what lies row by row is moved right to its place. */
static void joined(void **state)
{
	(void)state;
	check("i = Parameter-1 {shape=1,3,5,6 element_type=f32}\nw = Const f32[8,3,3,3] random(1)\n"
	      "x = Convolution-1(i, w)" CONV "s = Sigmoid-1(i)\ncat = Concat-1(x, s) {axis=1}\n"
	      "v = Const f32[5,11,3,3] random(2)\ny = Convolution-1(cat, v)" CONV "Result-1(y)\n",
	    2);
}

/* Sums that are made whole numbers and floats again stay floats, with their channels last. */
static void truncations(void **state)
{
	(void)state;
	check(IMAGE "n = Convert-1(x) {destination_type=i32}\n"
		    "f = Convert-1(n) {destination_type=f32}\ns = Const f32[1,8,1,1] random(2)\n"
		    "m = Multiply-1(f, s)\nResult-1(m)\n",
	    1);
	check("x = Parameter-1 {shape=2,3,5,7 element_type=f32}\nk = Const f32[] 9.5\n"
	      "y = Multiply-1(x, k)\nn = Convert-1(y) {destination_type=i32}\n"
	      "f = Convert-1(n) {destination_type=f32}\ntwo = Const f32[] 2\n"
	      "p = Power-1(f, two)\none = Const f32[] 1\nq = Add-1(p, one)\n"
	      "e = Const f32[] -1\nr = Power-1(q, e)\nh = Const f32[] 0.5\n"
	      "t = Power-1(r, h)\nResult-1(t)\n",
	    0);
	/* the numbers are read, too */
	check(IMAGE "n = Convert-1(x) {destination_type=i32}\n"
		    "f = Convert-1(n) {destination_type=f32}\nResult-1(f)\nResult-1(n)\n",
	    3);
}

/* Boxes: one that is a run lies where it did. */
static void slices(void **state)
{
	(void)state;
	check("x = Parameter-1 {shape=3,6,5,8 element_type=f32}\nb = Const i64[2] -5 1\n"
	      "e = Const i64[2] 5 9\ns = Const i64[2] 1 1\na = Const i64[2] 1 -2\n"
	      "y = Slice-8(x, b, e, s, a)\nz = Sigmoid-1(y)\nResult-1(z)\n",
	    1);
	check("x = Parameter-1 {shape=3,6,5,8 element_type=f32}\nb = Const i64[1] 1\n"
	      "e = Const i64[1] 2\ns = Const i64[1] 1\ny = Slice-8(x, b, e, s)\n"
	      "z = Sigmoid-1(y)\nResult-1(z)\n",
	    0);
	/* by steps of 2 */
	wanted = CALL_EVAL;
	check("x = Parameter-1 {shape=3,6,5,8 element_type=f32}\nb = Const i64[1] 1\n"
	      "e = Const i64[1] 3\ns = Const i64[1] 2\ny = Slice-8(x, b, e, s)\n"
	      "z = Sigmoid-1(y)\nResult-1(z)\n",
	    1);
	wanted = CALL_KINDS;
}

/* Layers that foreign exporters leave: means and cubes, SoftMax of columns, a choice by a constant,
 * a Convert of floats to floats. */
static void exported(void **state)
{
	(void)state;
	wanted = CALL_NORM;
	check("x = Parameter-1 {shape=3,6,5,9 element_type=f32}\na = Const i64[2] -1 2\n"
	      "m = ReduceMean-1(x, a) {keep_dims=true}\ny = Subtract-1(x, m)\nResult-1(y)\n",
	    0);
	check("x = Parameter-1 {shape=3,6,5,9 element_type=f32}\ny = SoftMax-8(x) {axis=1}\n"
	      "Result-1(y)\n",
	    0);
	wanted = CALL_CHAIN;
	check("x = Parameter-1 {shape=2,4,9 element_type=f32}\nk = Const f32[] 3\n"
	      "p = Power-1(x, k)\nc = Const bool[1,4,9] 1 0 1 1 0 1 1 0 0 1 0 1 1 0 1 1 0 0 1 0 "
	      "1 1 0 1 1 0 0 1 0 1 1 0 1 1 0 0\nlow = Const f32[] -9\n"
	      "s = Select-1(c, p, low)\nf = Convert-1(s) {destination_type=f32}\n"
	      "e = Const bool[4,1] 0 1 1 0\nt = Select-1(e, low, f)\nz = Sigmoid-1(t)\n"
	      "Result-1(z)\n",
	    0);
	wanted = CALL_KINDS;
}

/* Means and largest values over pixels, of images as they lie, and along dims between others. */
static void reduced(void **state)
{
	(void)state;
	wanted = CALL_POOL;
	check(IMAGE "a = Const i64[2] -1 2\nm = ReduceMax-1(x, a) {keep_dims=false}\n"
		    "Result-1(m)\n",
	    0);
	check("x = Parameter-1 {shape=3,6,5,9 element_type=f32}\na = Const i64[2] 2 1\n"
	      "m = ReduceMean-1(x, a) {keep_dims=true}\ny = Subtract-1(x, m)\nResult-1(y)\n",
	    0);
	check("x = Parameter-1 {shape=6,5,200 element_type=f32}\na = Const i64[] 0\n"
	      "m = ReduceMax-1(x, a) {keep_dims=false}\nResult-1(m)\n",
	    0);
	/* too few behind, and apart */
	wanted = CALL_EVAL;
	check("x = Parameter-1 {shape=6,5,2 element_type=f32}\na = Const i64[] 1\n"
	      "m = ReduceMean-1(x, a) {keep_dims=false}\nResult-1(m)\n",
	    1);
	check("x = Parameter-1 {shape=6,5,2,9 element_type=f32}\na = Const i64[2] 0 2\n"
	      "m = ReduceMax-1(x, a) {keep_dims=false}\nResult-1(m)\n",
	    1);
	wanted = CALL_KINDS;
}

/* What is known of a whole image is joined to each of its pixels in place. */
static void repeated(void **state)
{
	(void)state;
	check(IMAGE "a = Const i64[2] 2 3\nm = ReduceMax-1(x, a) {keep_dims=true}\n"
		    "to = Const i64[4] 2 8 5 6\nb = Broadcast-3(m, to) {mode=numpy}\n"
		    "cat = Concat-1(x, b) {axis=1}\nv = Const f32[4,16,3,3] random(2)\n"
		    "y = Convolution-1(cat, v)" CONV "Result-1(y)\n",
	    2);
}

/* Channels dealt out from two convolutions, which write where they like: no move but one back. */
static void shuffled(void **state)
{
	(void)state;
	wanted = CALL_SHUFFLE;
	check(IMAGE "v = Const f32[8,8,3,3] random(2)\ny = Convolution-1(x, v)" CONV
		    "cat = Concat-1(x, y) {axis=1}\nto = Const i64[4] 2 2 8 30\n"
		    "g = Reshape-1(cat, to) {special_zero=false}\nby = Const i64[4] 0 2 1 3\n"
		    "t = Transpose-1(g, by)\nback = Const i64[4] 2 16 5 6\n"
		    "r = Reshape-1(t, back) {special_zero=false}\nResult-1(r)\n",
	    1);
	check(IMAGE "r = ShuffleChannels-1(x) {axis=-3 group=4}\nResult-1(r)\n", 1);
	wanted = CALL_KINDS;
}

/* Blocks of channels become pixels and channels again: lines are copied, a change of the order is a
 * shuffle; one move back. */
static void blocks(void **state)
{
	(void)state;
	check(IMAGE "d = DepthToSpace-1(x) {block_size=2 mode=blocks_first}\n"
		    "y = Sigmoid-1(d)\nResult-1(y)\n",
	    2);
	check(IMAGE "v = Const f32[27,8,3,3] random(2)\ny = Convolution-1(x, v)" CONV
		    "d = DepthToSpace-1(y) {block_size=3 mode=blocks_first}\n"
		    "s = SpaceToDepth-1(d) {block_size=3 mode=blocks_first}\nResult-1(s)\n",
	    3);
	check(IMAGE "d = DepthToSpace-1(x) {block_size=1 mode=depth_first}\nResult-1(d)\n", 2);
	wanted = CALL_SHUFFLE;
	check(IMAGE "d = DepthToSpace-1(x) {block_size=2 mode=depth_first}\nResult-1(d)\n", 2);
	check("i = Parameter-1 {shape=2,3,6,8 element_type=f32}\nw = Const f32[5,3,3,3] random(1)\n"
	      "x = Convolution-1(i, w)" CONV
	      "s = SpaceToDepth-1(x) {block_size=2 mode=depth_first}\nResult-1(s)\n",
	    2);
	wanted = CALL_KINDS;
}

/* Pixels of pads are copied from where they come from, or zeros; one move back. */
static void picks(void **state)
{
	static const char *const modes[] = {"constant", "edge", "reflect", "symmetric"};
	(void)state;
	wanted = CALL_PICK;
	for (int i = 0; i < 4; i++) {
		char text[500];
		snprintf(text, sizeof text,
		    IMAGE "b = Const i64[4] 0 0 2 -1\ne = Const i64[4] 0 0 -1 3\n"
			  "y = Pad-12(x, b, e) {pad_mode=%s}\nResult-1(y)\n",
		    modes[i]);
		check(text, 1);
	}
	check(IMAGE "s = Sigmoid-1(x)\nb = Const i64[4] 0 0 0 4\ne = Const i64[4] 0 0 2 0\n"
		    "z = Const f32[] 0\np = Pad-1(s, b, e, z) {pad_mode=constant}\n"
		    "v = Const f32[5,8,3,3] random(3)\ny = Convolution-1(p, v)" CONV
		    "Result-1(y)\n",
	    1);
	/* other values, and channels, are not for it */
	wanted = CALL_EVAL;
	check(IMAGE "b = Const i64[4] 0 0 0 4\nz = Const f32[] 1\n"
		    "p = Pad-1(x, b, b, z) {pad_mode=constant}\nResult-1(p)\n",
	    2);
	check(IMAGE "b = Const i64[4] 0 1 0 1\np = Pad-1(x, b, b) {pad_mode=edge}\n"
		    "Result-1(p)\n",
	    2);
	wanted = CALL_KINDS;
}

/* The largest of all pixels. */
static void largest(void **state)
{
	(void)state;
	wanted = CALL_POOL;
	check(IMAGE "a = Const i64[2] 2 -1\nm = ReduceMax-1(x, a) {keep_dims=false}\n"
		    "Result-1(m)\n",
	    0);
	wanted = CALL_KINDS;
}

/* Activations written as products, in the order of either operand. */
static void activations(void **state)
{
	static const char *const nets[] = {
	    ("e = Erf-1(d)\nf = Add-1(e, one)\ng = Multiply-1(x, f)\n"
	     "y = Multiply-1(g, half)\n"),
	    "e = Erf-1(d)\nf = Add-1(e, one)\ny = Multiply-1(f, x)\n",
	    "h = Multiply-1(x, half)\ne = Erf-1(d)\nf = Add-1(e, one)\ny = Multiply-1(h, f)\n",
	    "e = Erf-1(d)\nf = Add-1(e, one)\nh = Multiply-1(x, half)\ny = Multiply-1(f, h)\n",
	    "s = Sigmoid-1(x)\ny = Multiply-1(s, x)\n", "s = HSigmoid-5(x)\ny = Multiply-1(x, s)\n",
	    "h = Multiply-1(x, half)\ns = Sigmoid-1(h)\ny = Multiply-1(x, s)\n",
	    "h = Multiply-1(x, half)\ns = Sigmoid-1(x)\ny = Multiply-1(h, s)\n",
	    "e = Erf-1(x)\nf = Add-1(e, one)\ny = Multiply-1(f, x)\n"};
	(void)state;
	wanted = CALL_CHAIN;
	for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
		char text[700];
		snprintf(text, sizeof text,
		    "in = Parameter-1 {shape=2,3,5,9 element_type=f32}\nfour = Const f32[] 4\n"
		    "x = Multiply-1(in, four)\none = Const f32[] 1\nhalf = Const f32[] 0.5\n"
		    "%s%sResult-1(y)\n",
		    strstr(nets[i], "Erf-1(d)") ? "root = Const f32[] 1.4142135\n"
						  "d = Divide-1(x, root)\n"
						: "",
		    nets[i]);
		check(text, 0);
	}
	wanted = CALL_KINDS;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(splits),
	    cmocka_unit_test(tokens),
	    cmocka_unit_test(matrices),
	    cmocka_unit_test(joined),
	    cmocka_unit_test(truncations),
	    cmocka_unit_test(reduced),
	    cmocka_unit_test(repeated),
	    cmocka_unit_test(shuffled),
	    cmocka_unit_test(blocks),
	    cmocka_unit_test(picks),
	    cmocka_unit_test(largest),
	    cmocka_unit_test(activations),
	    cmocka_unit_test(slices),
	    cmocka_unit_test(exported),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
