/* Networks with FakeQuantize and integer weights: which kernels of 8 bits a plan has, and that they
 * agree with eval. */
#include "int8_networks.h"

static void test_chain(void **state)
{
	(void)state;
	check("x = Parameter-1 {shape=1,3,9,7 element_type=f32}\n" RANGES FQ("q", "x", "s")
		  WEIGHTS("w", "6,3,3,3", S6) CONV("y", "q", "w",
		      "1,1") "b = Const f32[1,6,1,1] random(2)\n"
			     "z = Add-1(y, b)\n"
			     "r = ReLU-1(z)\n" FQ("p", "r", "u") WEIGHTS("v", "6,6,1,1", S6)
				 CONV("c", "p", "v", "0,0") "Result-1(c)\n",
	    0.2, (struct want){.conv = 2, .quantize = 1});
}

/* A bias whose shape comes from that of the sums: two readers, of which one needs no content. */
#define SHAPED_BIAS(out, in, values)                                                            \
	out "v = " values "\n" out "h = ShapeOf-3(" in ") {output_type=i64}\n" out              \
	    "r = ShapeOf-3(" out "h) {output_type=i64}\n" out "n = Const i64[1] 2\n" out        \
	    "d = Subtract-1(" out "r, " out "n) {auto_broadcast=numpy}\n" out                   \
	    "o = Const i64[1] 1\n" out "e = Broadcast-3(" out "o, " out "d) {mode=numpy}\n" out \
	    "s = ShapeOf-3(" out "v) {output_type=i64}\n" out "c = Concat-1(" out "o, " out     \
	    "s, " out "e) {axis=0}\n" out "b = Reshape-1(" out "v, " out                        \
	    "c) {special_zero=false}\n" out " = Add-1(" in ", " out "b)\n"

static void test_shaped_bias(void **state)
{
	(void)state;
	check("x = Parameter-1 {shape=1,3,9,7 element_type=f32}\n" RANGES FQ("q", "x", "s")
		  WEIGHTS("w", "6,3,3,3", S6) CONV("y", "q", "w", "1,1")
		      SHAPED_BIAS("z", "y", "Const f32[6] 1 -1 0.5 -0.25 2 3") "r = ReLU-1(z)\n" FQ(
			  "p", "r", "u") WEIGHTS("v", "6,6,1,1", S6) CONV("c", "p", "v", "0,0")
			  SHAPED_BIAS("t", "c", "Const f32[6] 3 2 1 -1 -2 -3") "Result-1(t)\n",
	    0.2, (struct want){.conv = 2, .quantize = 1});
	check("x = Parameter-1 {shape=1,3,9,7 element_type=f32}\n"
	      "w = Const f32[6,3,3,3] random(3)\n" CONV("y", "x", "w", "1,1") SHAPED_BIAS(
		  "z", "y", "Const f32[6] 1 -1 0.5 -0.25 2 3") "r = ReLU-1(z)\nResult-1(r)\n",
	    1e-4, (struct want){0});
}

/* What pads an image is its zero, whatever level that is. */
static void test_padding(void **state)
{
	(void)state;
	check("x = Parameter-1 {shape=2,4,5,6 element_type=f32}\n" RANGES FQ("q", "x", "m")
		  WEIGHTS("w", "6,4,3,3", S6) CONV("y", "q", "w", "2,2") "Result-1(y)\n",
	    1e-4, (struct want){.conv = 1, .quantize = 1});
}

/* A sum of two quantized values goes into the convolution that makes one of them, with the levels
 * between; so does a sum with a quantized value that nothing rounds. */
static void test_residual(void **state)
{
	(void)state;
	check("x = Parameter-1 {shape=1,6,8,8 element_type=f32}\n" RANGES FQ("q", "x", "s")
		  WEIGHTS("w", "6,6,3,3", S6) CONV("y", "q", "w", "1,1") FQ(
		      "p", "y", "s") "a = Add-1(q, p)\n"
				     "r = ReLU-1(a)\n" FQ("t", "r", "u") WEIGHTS("v", "6,6,1,1", S6)
					 CONV("c", "t", "v", "0,0") "d = Add-1(c, t)\n"
								    "Result-1(d)\n",
	    0.2, (struct want){.conv = 2, .quantize = 1});
}

/* No convolution can take it along. */
static void test_sum(void **state)
{
	(void)state;
	check("x = Parameter-1 {shape=1,6,8,8 element_type=f32}\n" RANGES FQ("q", "x", "s") FQ("p",
		  "x", "m") "a = Add-1(q, p)\n"
			    "r0 = Const f32[] 0\n"
			    "r = Maximum-1(r0, a)\n" FQ("t", "r", "u") WEIGHTS("v", "6,6,1,1", S6)
				CONV("c", "t", "v", "0,0") "Result-1(c)\n",
	    0.2, (struct want){.conv = 1, .quantize = 2, .add = 1});
}

/* Levels in the middle: one scale before, scales of channels behind it, BatchNormInference, and a
 * clamp that is written as Maximum and Minimum. */
static void test_levels_between(void **state)
{
	(void)state;
	check("x = Parameter-1 {shape=1,3,9,7 element_type=f32}\n" RANGES FQ("q", "x", "s")
		  WEIGHTS("w", "6,3,3,3", S6) CONV("y", "q", "w", "1,1") FQ("p", "y",
		      "s") "g = Const f32[6] 1 -1.1 0.9 1.2 0.8 1.3\n"
			   "b = Const f32[6] random(2)\n"
			   "v1 = Const f32[6] 0.5 0.6 0.7 0.8 0.9 1\n"
			   "n = BatchNormInference-5(p, g, b, b, v1) {epsilon=1e-5}\n"
			   "l0 = Const f32[] 0\n"
			   "l1 = Const f32[] 2\n"
			   "k0 = Maximum-1(l0, n)\n"
			   "k1 = Minimum-1(k0, l1)\n" FQ("t", "k1", "u") WEIGHTS("v", "6,6,1,1", S6)
			       CONV("c", "t", "v", "0,0") "Result-1(c)\n",
	    0.2, (struct want){.conv = 2, .quantize = 1});
	check("x = Parameter-1 {shape=1,3,9,7 element_type=f32}\n" RANGES FQ("q", "x", "s")
		  WEIGHTS("w", "6,3,3,3", S6) CONV(
		      "y", "q", "w", "1,1") "o0 = Const f32[1,6,1,1] -1 -2 -3 0 -0.5 0.1\n"
					    "o1 = Const f32[1,6,1,1] 1 2 3 4 5 6\n"
					    "p = FakeQuantize-1(y, m0, m1, o0, o1) {levels=16}\n"
					    "f = Const f32[1,6,1,1] random(2)\n"
					    "d = Multiply-1(f, p)\n"
					    "s = Subtract-1(d, f)\nResult-1(s)\n",
	    0.5, (struct want){.conv = 1, .quantize = 1});
}

/* Pooling keeps the levels, a Concat of equal scales has its parts written in place; a value that
 * is wanted as floats too becomes them. */
static void test_levels_kept(void **state)
{
	(void)state;
	check("x = Parameter-1 {shape=1,6,8,8 element_type=f32}\n" RANGES FQ("q", "x", "m") WEIGHTS(
		  "w", "6,6,3,3", S6) CONV("y", "q", "w", "1,1") FQ("p", "y",
		  "m") "m = MaxPool-8(q) {strides=1,1 dilations=1,1 pads_begin=1,1 pads_end=1,1 "
		       "kernel=3,3 index_element_type=i64}\n"
		       "j = Concat-1(m, p) {axis=1}\n" WEIGHTS("v", "6,12,1,1", S6)
			   CONV("c", "j", "v", "0,0") "Result-1(c)\nResult-1(p)\n",
	    0.2, (struct want){.conv = 2, .pool = 1, .quantize = 1, .dequantize = 1});
}

static void test_requantize(void **state)
{
	(void)state;
	check("x = Parameter-1 {shape=1,6,8,8 element_type=f32}\n" RANGES FQ("q", "x", "m")
		  FQ("p", "q", "s") WEIGHTS("w", "6,6,1,1", S6) CONV("y", "q", "w", "0,0")
		      CONV("c", "p", "w", "0,0") "Result-1(y)\nResult-1(c)\n",
	    0.2, (struct want){.conv = 2, .quantize = 1, .requantize = 1});
}

/* Rows times a matrix, spelled both ways. */
static void test_matmul(void **state)
{
	(void)state;
	check(
	    "x = Parameter-1 {shape=5,12 element_type=f32}\n" RANGES FQ("q", "x", "s") WEIGHTS("w",
		"7,12",
		"7,1] 0.01 0.02 0.015 0.01 0.03 0.012 0.02") "y = MatMul-1(q, w) "
							     "{transpose_b=true}\n" FQ(
								 "p", "y", "s") WEIGHTS("v", "7,3",
								 "1,3] 0.01 0.02 0.03") "z = "
											"MatMul-1("
											"p, v)\n"
											"Result-1("
											"z)\n",
	    0.2, (struct want){.conv = 2, .quantize = 1});
}

/* A scale for each channel is only for a depthwise convolution, and only where what is below zero
 * in the range of a channel that calibration saw nothing of cannot come. */
#define DEPTHWISE(clamp)                                                                       \
	"x = Parameter-1 {shape=1,3,9,7 element_type=f32}\n" RANGES FQ("q", "x", "s")          \
	    WEIGHTS("w", "6,3,3,3", S6)                                                        \
		CONV("y", "q", "w", "1,1") "b = Const f32[1,6,1,1] 0.1 0.2 0.3 -9 0.5 0.6\n"   \
					   "z = Add-1(y, b)\n" clamp                           \
					   "p0 = Const f32[1,6,1,1] 0 0 0 -0.0008062992 0 0\n" \
					   "p1 = Const f32[1,6,1,1] 2.1 3.3 1.7 0.0008 0.9 "   \
					   "1.1\n" FQ("p", "r", "p") WEIGHTS("v", "6,1,1,3,3", \
					       "6,1,1,1,1] 0.012 0.023 0.011 0.03 0.01 "       \
					       "0.02") "vt = Multiply-1(vf, vs)\n"             \
						       "c = GroupConvolution-1(p, vt) "        \
						       "{strides=1,1 dilations=1,1 "           \
						       "pads_begin=1,1 "                       \
						       "pads_end=1,1}\nResult-1(c)\n"

static void test_depthwise(void **state)
{
	(void)state;
	check(DEPTHWISE("r = ReLU-1(z)\n"), 0.2, (struct want){.conv = 2, .quantize = 1});
	check(DEPTHWISE("r = Clamp-1(z) {min=0 max=6}\n"), 0.2,
	    (struct want){.conv = 2, .quantize = 1});
	check(DEPTHWISE("r = Clamp-1(z) {min=-1 max=6}\n"), 0.2,
	    (struct want){.conv = 1, .quantize = 1});
	check(DEPTHWISE("r = Clamp-1(z) {min=0 max=3}\n"), 0.2,
	    (struct want){.conv = 1, .quantize = 1});
}

/* The axes of a mean come from the rank of what it reads, as they do in converted networks. */
static void test_shaped_mean(void **state)
{
	(void)state;
	check("x = Parameter-1 {shape=1,3,9,7 element_type=f32}\n" RANGES FQ("q", "x", "s")
		  WEIGHTS("w", "6,3,3,3", S6) CONV("y", "q", "w", "1,1") "r = ReLU-1(y)\n" FQ(
		      "p", "r", "u") "h = ShapeOf-3(p) {output_type=i64}\n"
				     "k = ShapeOf-3(h) {output_type=i64}\n"
				     "n = Squeeze-1(k)\n"
				     "n2 = Const i64[] 2\n"
				     "d = Const i64[] 1\n"
				     "a = Range-4(n2, n, d) {output_type=i64}\n"
				     "m = ReduceMean-1(p, a) {keep_dims=true}\n"
				     "Result-1(m)\n",
	    0.2, (struct want){.conv = 1, .quantize = 1});
}

/* Between layers with their channels last it is part of a chain. */
static void test_float_batch_norm(void **state)
{
	(void)state;
	check("x = Parameter-1 {shape=2,3,9,7 element_type=f32}\n"
	      "w = Const f32[6,3,3,3] random(3)\n" CONV(
		  "y", "x", "w", "1,1") "g = Const f32[6] 1 -1.1 0.9 1.2 0.8 1.3\n"
					"b = Const f32[6] random(2)\n"
					"v1 = Const f32[6] 0.5 0.6 0.7 0.8 0.9 1\n"
					"n = BatchNormInference-5(y, g, b, b, v1) {epsilon=1e-5}\n"
					"r = ReLU-1(n)\n"
					"o = BatchNormInference-1(g, b, r, b, v1) {epsilon=1e-5}\n"
					"v = Const f32[6,6,1,1] random(4)\n" CONV(
					    "c", "o", "v", "0,0") "Result-1(c)\n",
	    1e-4, (struct want){0});
}

/* As floats it is part of a chain. */
static void test_float_fake_quantize(void **state)
{
	(void)state;
	check("x = Parameter-1 {shape=2,3,5,7 element_type=f32}\n" RANGES "r = Sigmoid-1(x)\n" FQ(
		  "q", "r", "m") "p = FakeQuantize-1(q, n0, n1, m0, s1) {levels=12}\n"
				 "Result-1(p)\n",
	    0.2, (struct want){0});
}

/* Two ways from one value that meet again are one chain, with ranges for each channel or for all,
 * to floats or to the bytes that a convolution reads. */
static void test_joined(void **state)
{
	(void)state;
	check("x = Parameter-1 {shape=2,3,5,7 element_type=f32}\n" RANGES
	      "w = Const f32[3,3,1,1] random(4)\n" CONV("y", "x", "w",
		  "0,0") "l = Const f32[1,3,1,1] -1 -0.5 -0.3\nh = Const f32[1,3,1,1] 1 1.5 1.2\n"
			 "g = Sigmoid-1(y)\n" FQ(
			     "a", "g", "m") "b = FakeQuantize-1(y, l, h, l, h) {levels=256}\n"
					    "p = Multiply-1(b, a)\n"
					    "z = FakeQuantize-1(p, l, h, l, h) {levels=16}\n"
					    "Result-1(z)\n",
	    0.2, (struct want){0});
	check("x = Parameter-1 {shape=1,3,9,7 element_type=f32}\n" RANGES
	      "v = Const f32[3,3,1,1] random(4)\n" CONV("y", "x", "v",
		  "0,0") "g = Sigmoid-1(y)\n"
			 "p = Multiply-1(g, y)\n" FQ("q", "p", "s") WEIGHTS("w", "6,3,3,3", S6)
			     CONV("z", "q", "w", "1,1") "Result-1(z)\n",
	    0.2, (struct want){.conv = 1});
}

/* One of the ways reads what comes later, and is done with it before the other begins. */
static void test_not_joined(void **state)
{
	(void)state;
	check("x = Parameter-1 {shape=1,3,5,7 element_type=f32}\nv = Const f32[3,3,1,1] "
	      "random(4)\n" CONV(
		  "y", "x", "v", "0,0") "a = Sigmoid-1(y)\n"
					"w = Const f32[3,3,1,1] random(5)\n" CONV("u", "x", "w",
					    "0,0") "c = Tanh-1(u)\n"
						   "d = Subtract-1(c, a)\nb = Tanh-1(y)\nz = "
						   "Add-1(d, b)\nResult-1(z)\n",
	    1e-4, (struct want){0});
}

/* Channels with zero points of their own whose windows no kernel for bytes takes: several filters
 * for each channel, and windows that are too large. */
static void test_channels_in_floats(void **state)
{
	(void)state;
#define CHANNELS(size)                                                                            \
	"x = Parameter-1 {shape=" size                                                            \
	" element_type=f32}\nv = Const f32[3,3,1,1] random(4)\n" CONV(                            \
	    "y", "x", "v", "0,0") "l = Const f32[1,3,1,1] -0.51 -1.02 0\n"                        \
				  "h = Const f32[1,3,1,1] 2.04 1.53 2.55\nq = FakeQuantize-1(y, " \
				  "l, h, l, h) {levels=256}\n"                                    \
				  "n = Const f32[1] -1\np = Const f32[1] 1\n"
#define WINDOWS                                            \
	"f = FakeQuantize-1(w, n, p, n, p) {levels=255}\n" \
	"z = GroupConvolution-1(q, f) {strides=1,1 dilations=1,1 pads_begin=1,1 pads_end=1,1}\n"
	check(CHANNELS("2,3,9,7") "w = Const f32[3,2,1,3,3] random(3)\n" WINDOWS "Result-1(z)\n",
	    1e-2, (struct want){0});
	check(CHANNELS("1,3,19,18") "w = Const f32[3,1,1,17,17] random(3)\n" WINDOWS
				    "Result-1(z)\n",
	    1e-2, (struct want){0});
}

/* Behind quantized convolutions they are done tile by tile; a depthwise one reads bytes whose zero
 * points differ from channel to channel. */
static void test_tail(void **state)
{
	(void)state;
	check("x = Parameter-1 {shape=1,3,9,7 element_type=f32}\n" RANGES FQ("p", "x", "s") WEIGHTS(
		  "w", "6,3,3,3", S6) CONV("y", "p", "w",
		  "1,1") "l = Const f32[1,6,1,1] -0.51585 -1.0733 -0.272975 0 -2.895015 -1.0711\n"
			 "h = Const f32[1,6,1,1] 2.114985 1.663615 2.51137 2.582895 0 1.660205\n"
			 "g = Sigmoid-1(y)\n" FQ("a", "g", "m")
			     FQ("b", "y", "s") "m = Multiply-1(b, a)\n"
					       "f = FakeQuantize-1(m, l, h, l, h) "
					       "{levels=256}\n" WEIGHTS("v", "6,1,1,3,3",
						   "6,1,1,1,1] 0.012 0.023 0.011 0.03 0.01 "
						   "0.02") "vt = Multiply-1(vf, vs)\n"
							   "d = GroupConvolution-1(f, vt) "
							   "{strides=1,1 dilations=1,1 "
							   "pads_begin=1,1 "
							   "pads_end=1,1}\n"
							   "e = HSwish-4(d)\n"
							   "Result-1(e)\n",
	    0.2, (struct want){.conv = 2, .quantize = 1});
}

/* The parts of a Split are bytes where they lie; what reads one as floats gets it as floats. */
static void test_split(void **state)
{
	(void)state;
	check("x = Parameter-1 {shape=1,3,9,7 element_type=f32}\n" RANGES FQ("q", "x", "s")
		  WEIGHTS("w", "6,3,3,3", S6) CONV("y", "q", "w", "1,1") FQ("p", "y",
		      "s") "ax = Const i64[] 1\nle = Const i64[3] 1 3 2\n"
			   "v0, v1, v2 = VariadicSplit-1(p, ax, le)\n" WEIGHTS("u", "6,3,1,1", S6)
			       CONV("c", "v1", "u", "0,0") "t = Sigmoid-1(v2)\n"
							   "o = Concat-1(v0, t, c) {axis=1}\n"
							   "Result-1(o)\n",
	    0.2, (struct want){.conv = 2, .quantize = 1, .dequantize = 2});
}

#define S6_IN "1,6,1,1] 0.010123 0.020717 0.015391 0.009913 0.030319 0.012177"
#define DECONV(out, in, w, how) out " = ConvolutionBackpropData-1(" in ", " w ") {" how "}\n"

/* Transposed: with what follows, to bytes and to floats; a sum behind is one of its own. */
static void test_transposed(void **state)
{
	(void)state;
	check(
	    "x = Parameter-1 {shape=1,3,5,7 element_type=f32}\n" RANGES FQ("q", "x", "m") WEIGHTS(
		"w", "3,6,2,2", S6_IN) DECONV("y", "q", "w",
		"strides=2,2 dilations=1,1 pads_begin=0,0 pads_end=0,0") "b = Const f32[1,6,1,1] "
									 "random(2)\n"
									 "z = Add-1(y, b)\n"
									 "r = ReLU-1(z)\n" FQ("p",
									     "r", "u") WEIGHTS("v",
									     "6,6,4,4",
									     S6_IN) DECONV("c", "p",
									     "v",
									     "strides=2,2 "
									     "dilations=1,1 "
									     "pads_begin=1,1 "
									     "pads_end=1,1") "Resul"
											     "t-1("
											     "c)\n",
	    0.2, (struct want){.conv = 2, .quantize = 1});
	check("x = Parameter-1 {shape=1,6,5,7 element_type=f32}\n" RANGES FQ("q", "x", "s")
		  WEIGHTS("w", "6,6,1,1", S6_IN) DECONV("y", "q", "w",
		      "strides=1,1 dilations=1,1 pads_begin=0,0 pads_end=0,0") "z = Add-1(y, q)\n"
									       "Result-1(z)\n",
	    1e-4, (struct want){.conv = 1, .quantize = 1, .dequantize = 1});
}

/* Sums that Winograd cannot hold: weights are all large, and pixels all dark. */
static void test_heavy_weights(void **state)
{
	(void)state;
	check("x = Parameter-1 {shape=1,256,32,32 element_type=f32}\n"
	      "dark = Const f32[] 0.01\n"
	      "d = Multiply-1(x, dark)\n" RANGES FQ("q", "d",
		  "u") "wi = Const i8[32,256,3,3] fill(127)\n"
		       "wf = Convert-1(wi) {destination_type=f32}\n"
		       "ws = Const f32[] 0.0001\n"
		       "w = Multiply-1(wf, ws)\n" CONV("y", "q", "w", "1,1") "Result-1(y)\n",
	    1e-4, (struct want){.conv = 1});
}

/* No level is zero; scales differ between input channels; weights need 9 bits. */
static void test_fallback(void **state)
{
	(void)state;
	check("x = Parameter-1 {shape=1,3,5,5 element_type=f32}\n" RANGES FQ("q", "x", "n")
		  WEIGHTS("w", "6,3,3,3", S6) CONV("y", "q", "w", "1,1") "Result-1(y)\n",
	    1e-4, (struct want){0});
	check("x = Parameter-1 {shape=1,3,5,5 element_type=f32}\n" RANGES FQ("q", "x", "s")
		  WEIGHTS("w", "6,3,3,3", "1,3,1,1] 0.01 0.02 0.03")
		      CONV("y", "q", "w", "1,1") "Result-1(y)\n",
	    1e-4, (struct want){0});
	check("x = Parameter-1 {shape=1,1,3,3 element_type=f32}\n" RANGES FQ("q", "x",
		  "s") "wi = Const u8[1,1,1,2] 255 0\n"
		       "wf = Convert-1(wi) {destination_type=f32}\n"
		       "wz = Const f32[] 100\n"
		       "wc = Subtract-1(wf, wz)\n"
		       "ws = Const f32[] 0.01\n"
		       "w = Multiply-1(wc, ws)\n" CONV("y", "q", "w", "0,0") "Result-1(y)\n",
	    1e-4, (struct want){.quantize = 1, .dequantize = 1});
}

struct moved {
	int quantize, inner, last; /* calls of these kinds, whose elements are as they should be */
	int64_t constants;
};

static void note(void *user, const struct exec_timing *t)
{
	struct moved *m = user;
	bool conv = !strcmp(t->kernel, "conv u8");
	m->quantize += !strcmp(t->kernel, "quantize") && t->read == 4 && t->written == 1;
	m->inner += conv && t->read == 1 && t->written == 1;
	m->last += conv && t->read == 1 && t->written == 4;
	m->constants += conv ? t->constants : 0;
}

/* Reports count what is in memory: bytes between the layers, floats at the ends. */
static void test_timings(void **state)
{
	(void)state;
	struct graph *g = scan("x = Parameter-1 {shape=1,3,9,7 element_type=f32}\n" RANGES FQ(
	    "q", "x", "s") WEIGHTS("w", "6,3,3,3", S6) CONV("y", "q", "w", "1,1") FQ("p", "y", "u")
		WEIGHTS("v", "6,6,1,1", S6) CONV("c", "p", "v", "0,0") "Result-1(c)\n");
	struct moved m = {0};
	struct tensor in = random_input(g, 0, 1), out[1];
	struct exec *e = make(g, &(struct exec_options){.timed = note, .timed_user = &m});
	run(e, &in, out);
	assert_true(m.quantize == 1 && m.inner == 1 && m.last == 1);
	assert_true(m.constants >= 6 * 3 * 9 + 6 * 6);
	exec_free(e);
	tensor_free(&in);
	graph_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_chain),
	    cmocka_unit_test(test_shaped_bias),
	    cmocka_unit_test(test_padding),
	    cmocka_unit_test(test_residual),
	    cmocka_unit_test(test_sum),
	    cmocka_unit_test(test_levels_between),
	    cmocka_unit_test(test_levels_kept),
	    cmocka_unit_test(test_requantize),
	    cmocka_unit_test(test_matmul),
	    cmocka_unit_test(test_depthwise),
	    cmocka_unit_test(test_shaped_mean),
	    cmocka_unit_test(test_float_batch_norm),
	    cmocka_unit_test(test_float_fake_quantize),
	    cmocka_unit_test(test_joined),
	    cmocka_unit_test(test_not_joined),
	    cmocka_unit_test(test_channels_in_floats),
	    cmocka_unit_test(test_tail),
	    cmocka_unit_test(test_split),
	    cmocka_unit_test(test_transposed),
	    cmocka_unit_test(test_heavy_weights),
	    cmocka_unit_test(test_fallback),
	    cmocka_unit_test(test_timings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
