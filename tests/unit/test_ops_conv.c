/* Convolutions, pooling, products, normalisation and quantization by hand-worked examples. */
#include "op_text.h"

#define F(shape) "x = Parameter-1 {shape=" shape " element_type=f32}\n"
#define PADS "pads_begin=0,0 pads_end=0,0 dilations=1,1"
#define ONES "strides=1,1 " PADS

static void conv(void **state)
{
	(void)state;
#define X9 "x = Const f32[1,1,3,3] 1 2 3 4 5 6 7 8 9\n"
	op_gives(X9 "w = Const f32[1,1,2,2] 1 0 0 1\ny = Convolution-1(x, w) {" ONES
		    "} : f32[1,1,2,2]\n",
	    0, "6 8 12 14");
	op_gives(X9
	    "w = Const f32[1,1,2,2] 1 1 1 1\n"
	    "y = Convolution-1(x, w) {strides=2,2 pads_begin=1,1 pads_end=0,0 dilations=1,1}\n",
	    0, "1 5 11 28");
	op_gives(X9 "w = Const f32[1,1,2,2] 1 1 1 1\n"
		    "y = Convolution-1(x, w) {" ONES " auto_pad=same_upper} : f32[1,1,3,3]\n",
	    0, "12 16 9 24 28 15 15 17 9");
	op_gives(X9 "w = Const f32[1,1,2,2] 1 1 1 1\n"
		    "y = Convolution-1(x, w) {" ONES " auto_pad=same_lower} : f32[1,1,3,3]\n",
	    0, "1 3 5 5 12 16 11 24 28");
	op_gives("x = Const f32[1,2,1,2] 1 2 3 4\nw = Const f32[2,1,1,1,1] 10 100\n"
		 "y = GroupConvolution-1(x, w) {" ONES "}\n",
	    0, "10 20 300 400");
	op_gives("x = Const f32[0,1,3,3]\nw = Const f32[2,1,2,2] fill(1)\n"
		 "y = Convolution-1(x, w) {" ONES "} : f32[0,2,2,2]\n",
	    0, "");
	op_infers(F("?,3,?,8..16") "w = Const f32[4,3,3,3] fill(1)\n"
				   "y = Convolution-1(x, w) {strides=2,2 " PADS
				   "} : f32[?,4,1..,3..7]\n");
	op_infers(F("...") "w = Const f32[4,3,3,3] fill(1)\n"
			   "y = Convolution-1(x, w) {" ONES "} : f32[?,4,?,?]\n");
	op_refused(F("1,2,5,5") "w = Const f32[4,3,3,3] fill(1)\ny = Convolution-1(x, w) {" ONES
				"}\n",
	    "channels");
	op_refused(F("1,3,2,5") "w = Const f32[4,3,3,3] fill(1)\ny = Convolution-1(x, w) {" ONES
				"}\n",
	    "the kernel covers 3");
	op_refused(F("1,3,5,5") "w = Const f32[4,3,3,3] fill(1)\n"
				"y = Convolution-1(x, w) {strides=1 " PADS "}\n",
	    "expected 2");
	op_refused(F("1,3,5,5") "w = Const f32[4,3,3,3] fill(1)\n"
				"y = Convolution-1(x, w) {strides=0,1 " PADS "}\n",
	    "strides");
	op_refused(F("1,3,5") "w = Const f32[4,3,3,3] fill(1)\ny = Convolution-1(x, w) {" ONES
			      "}\n",
	    "rank");
}

static void deconv(void **state)
{
	(void)state;
	op_gives(
	    "x = Const f32[1,1,2] 1 2\nw = Const f32[1,1,3] 1 10 100\n"
	    "y = ConvolutionBackpropData-1(x, w) {strides=2 pads_begin=0 pads_end=0 dilations=1}"
	    " : f32[1,1,5]\n",
	    0, "1 10 102 20 200");
	op_gives(
	    "x = Const f32[1,1,2] 1 2\nw = Const f32[1,1,3] 1 10 100\n"
	    "y = ConvolutionBackpropData-1(x, w) {strides=2 pads_begin=1 pads_end=1 dilations=1 "
	    "output_padding=1} : f32[1,1,4]\n",
	    0, "10 102 20 200");
	op_gives(
	    "x = Const f32[1,1,2] 1 2\nw = Const f32[1,1,3] 1 10 100\ns = Const i64[1] 4\n"
	    "y = ConvolutionBackpropData-1(x, w, s) {strides=2 pads_begin=0 pads_end=0 dilations=1 "
	    "auto_pad=same_upper} : f32[1,1,4]\n",
	    0, "10 102 20 200");
	op_gives("x = Const f32[1,2,1] 1 2\nw = Const f32[2,1,2,1] 1 10 100 1000\n"
		 "y = GroupConvolutionBackpropData-1(x, w) {strides=1 pads_begin=0 pads_end=0 "
		 "dilations=1} : f32[1,4,1]\n",
	    0, "1 10 200 2000");
}

#define KERNEL "kernel=2,2 pads_begin=0,0 pads_end=0,0"

static void pool(void **state)
{
	(void)state;
	op_gives(X9 "y, i = MaxPool-8(x) {strides=1,1 " KERNEL "} : f32[1,1,2,2], i64[1,1,2,2]\n",
	    1, "4 5 7 8");
	op_gives(X9 "y = MaxPool-1(x) {strides=2,2 rounding_type=ceil " KERNEL "}\n", 0, "5 6 8 9");
	op_gives("x = Const f32[1,1,1,2] -inf nan\n"
		 "y = MaxPool-1(x) {strides=1,1 kernel=1,1 pads_begin=0,0 pads_end=0,0}\n",
	    0, "-inf nan");
	op_gives(X9 "y = AvgPool-1(x) {strides=2,2 kernel=2,2 pads_begin=1,1 pads_end=0,0 "
		    "exclude-pad=true}\n",
	    0, "1 2.5 5.5 7");
	op_gives(X9 "y = AvgPool-1(x) {strides=2,2 kernel=2,2 pads_begin=1,1 pads_end=0,0 "
		    "exclude-pad=false}\n",
	    0, "0.25 1.25 2.75 7");
	op_infers(
	    F("1,1,7,7") "y = AvgPool-14(x) {strides=3,3 kernel=1,1 pads_begin=0,0 pads_end=1,1 "
			 "exclude-pad=false rounding_type=ceil} : f32[1,1,4,4]\n");
	op_infers(
	    F("1,1,7,7") "y = AvgPool-14(x) {strides=3,3 kernel=1,1 pads_begin=0,0 pads_end=1,1 "
			 "exclude-pad=false rounding_type=ceil_torch} : f32[1,1,3,3]\n");
	op_infers(F("?,3,?,8") "y = MaxPool-1(x) {strides=2,2 " KERNEL "} : f32[?,3,1..,4]\n");
	op_refused(F("1,1,1,7") "y = MaxPool-1(x) {strides=2,2 " KERNEL "}\n", "kernel covers");
	op_refused(F("1,1,7") "y = MaxPool-1(x) {strides=2,2 " KERNEL "}\n", "rank");
	op_gives("x = Const f32[1,1,4] 1 2 3 4\ns = Const i64[1] 3\ny = AdaptiveAvgPool-8(x, s)\n",
	    0, "1.5 2.5 3.5");
}

static void products(void **state)
{
	(void)state;
#define A23 "a = Const f32[2,3] 1 2 3 4 5 6\n"
	op_gives(A23 "b = Const f32[3] 1 0 -1\ny = MatMul-1(a, b) : f32[2]\n", 0, "-2 -2");
	op_gives(A23
	    "b = Const f32[2,3] 1 0 0 0 1 0\ny = MatMul-1(a, b) {transpose_b=true} : f32[2,2]\n",
	    0, "1 2 4 5");
	op_gives(A23 "y = MatMul-1(a, a) {transpose_a=true} : f32[3,3]\n", 0,
	    "17 22 27 22 29 36 27 36 45");
	op_gives("a = Const f32[2,0]\nb = Const f32[0,2]\ny = MatMul-1(a, b)\n", 0, "0 0 0 0");
	op_gives(
	    "a = Const i64[2] 4611686018427387904 1\nb = Const i64[2] 2 3\ny = MatMul-1(a, b)\n", 0,
	    "-9223372036854775805");
	op_infers(F("?,1,4,8") "b = Const f32[5,8,6] fill(1)\ny = MatMul-1(x, b) : f32[?,5,4,6]\n");
	op_refused(F("2,3") "b = Const f32[2,3] fill(1)\ny = MatMul-1(x, b)\n", "columns of 2");
	op_gives(A23 "y = Einsum-7(a) {equation=\"ij->ji\"} : f32[3,2]\n", 0, "1 4 2 5 3 6");
	op_gives(A23 "b = Const f32[3,2] 1 0 0 1 1 1\ny = Einsum-7(a, b) {equation=\"ij,jk\"}\n", 0,
	    "4 5 10 11");
	op_gives("a = Const f32[2,2] 1 2 3 4\ny = Einsum-7(a) {equation=\"ii\"} : f32[]\n", 0, "5");
	op_gives("a = Const f32[2,2] 1 2 3 4\ny = Einsum-7(a) {equation=\"...i->i...\"}\n", 0,
	    "1 3 2 4");
	op_refused(F("2,3") "y = Einsum-7(x) {equation=\"ijk->i\"}\n", "rank 2");
	op_refused(F("2,3") "y = Einsum-7(x) {equation=\"ij->k\"}\n", "output label");
	op_refused(F("2,3") "y = Einsum-7(x, x) {equation=\"ij,jk\"}\n", "does not fit");
	op_refused(F("2,3") "y = Einsum-7(x) {equation=\"i!\"}\n", "malformed");
	op_gives("q = Const f32[1,2,1] 0 0\nk = Const f32[1,2,1] 1 2\nv = Const f32[1,2,1] 3 5\n"
		 "y = ScaledDotProductAttention-13(q, k, v) {causal=true}\n",
	    0, "3 4");
}

static void norms(void **state)
{
	(void)state;
	op_gives("x = Const f32[1,2,2] 1 2 3 4\ng = Const f32[2] 1 2\nb = Const f32[2] 0 1\n"
		 "m = Const f32[2] 1 3\nv = Const f32[2] 1 4\n"
		 "y = BatchNormInference-5(x, g, b, m, v) {epsilon=0}\n",
	    0, "0 1 1 2");
	op_gives("x = Const f32[1,4] 1 1 3 3\na = Const i64[1] 1\n"
		 "y = MVN-6(x, a) {normalize_variance=true eps=0 eps_mode=INSIDE_SQRT}\n",
	    0, "-1 -1 1 1");
	op_gives("x = Const f32[1,2] 1 3\na = Const i64[1] 1\n"
		 "y = MVN-6(x, a) {normalize_variance=true eps=1 eps_mode=OUTSIDE_SQRT}\n",
	    0, "-0.5 0.5");
	op_gives("x = Const f32[1,2] 3 4\na = Const i64[1] 1\n"
		 "y = NormalizeL2-1(x, a) {eps=0 eps_mode=add}\n",
	    0, "0.6 0.8");
	op_gives("x = Const f32[1,2] 3 4\na = Const i64[1] 1\n"
		 "y = NormalizeL2-1(x, a) {eps=100 eps_mode=max}\n",
	    0, "0.3 0.4");
	op_gives("x = Const f32[1,3,1] 1 2 3\na = Const i64[1] 1\n"
		 "y = LRN-1(x, a) {alpha=3 beta=1 bias=1 size=3}\n",
	    0, "0.16666667 0.13333333 0.21428571");
	op_gives(
	    "x = Const f32[1,4,1] 1 3 10 30\ns = Const f32[4] 1 1 2 2\nb = Const f32[4] 0 0 1 1\n"
	    "y = GroupNormalization-12(x, s, b) {num_groups=2 epsilon=0}\n",
	    0, "-1 1 -1 3");
	op_refused(F("1,4,2") "s = Const f32[4] fill(1)\n"
			      "y = GroupNormalization-12(x, s, s) {num_groups=3 epsilon=0}\n",
	    "3 groups");
}

static void quantize(void **state)
{
	(void)state;
#define RANGE(il, ih, ol, oh)                                                 \
	"a = Const f32[] " il "\nb = Const f32[] " ih "\nc = Const f32[] " ol \
	"\nd = Const f32[] " oh "\ny = FakeQuantize-1(x, a, b, c, d) "
	op_gives("x = Const f32[6] -1 0 0.5 1 2.4 9\n" RANGE("0", "3", "0", "3") "{levels=4}\n", 0,
	    "0 0 0 1 2 3");
	op_gives(
	    "x = Const f32[3] 1.5 2.5 0.5\n" RANGE("0", "3", "0", "3") "{levels=4}\n", 0, "2 2 0");
	op_gives("x = Const f32[4] -1 0 1 9\n" RANGE("0", "1", "5", "-5") "{levels=2}\n", 0,
	    "5 5 -5 -5");
	op_gives("x = Const f32[4] -2 0 1 3\n" RANGE("2", "-1", "0", "1") "{levels=256}\n", 0,
	    "0 0.6666667 0.3333333 1");
	op_gives("x = Const f32[1,2,1] 0.4 0.4\na = Const f32[] 0\nb = Const f32[2,1] 1 0.5\n"
		 "y = FakeQuantize-1(x, a, b, a, b) {levels=2} : f32[1,2,1]\n",
	    0, "0 0.5");
	op_gives("x = Const f32[3] 1000 1.06 -3\ns = Const f32[] 1\n"
		 "y = FakeConvert-13(x, s) {destination_type=f8e4m3}\n",
	    0, "448 1 -3");
	op_refused(F("2,3") RANGE("0", "1", "0", "1") "{levels=1}\n", "levels");
	op_refused(
	    F("2,3") "a = Const f32[2] fill(1)\ny = FakeQuantize-1(x, a, a, a, a) {levels=4}\n",
	    "broadcast");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(conv),
	    cmocka_unit_test(deconv),
	    cmocka_unit_test(pool),
	    cmocka_unit_test(products),
	    cmocka_unit_test(norms),
	    cmocka_unit_test(quantize),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
