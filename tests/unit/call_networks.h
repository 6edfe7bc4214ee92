/* Networks that between them have every kind of call that a compiled network may hold. */
#ifndef UNIT_CALL_NETWORKS_H
#define UNIT_CALL_NETWORKS_H

#define CONV " {strides=1,1 pads_begin=1,1 pads_end=1,1 dilations=1,1 auto_pad=explicit}\n"
#define MATMUL " {transpose_a=false transpose_b=false}\n"

#define FQ(out, in, r) \
	out " = FakeQuantize-1(" in ", " r "0, " r "1, " r "0, " r "1) {levels=256}\n"
/* Integers of 6 output channels. */
#define WEIGHTS(name, dims)                                                  \
	name "i = Const i8[" dims "] random(3)\n" name "f = Convert-1(" name \
	     "i) {destination_type=f32}\n" name                              \
	     "s = Const f32[6,1,1,1] 0.01 0.02 0.015 0.01 0.03 "             \
	     "0.012\n" name " = Multiply-1(" name "f, " name "s)\n"

static const char *const call_networks[] = {
    "x = Parameter-1 {shape=1,3,9,9 element_type=f32}\n"
    "w = Const f32[16,3,3,3] random(1)\na = Convolution-1(x, w)" CONV
    "bias = Const f32[1,16,1,1] random(2)\nb = Add-1(a, bias)\nc = ReLU-1(b)\n"
    "v = Const f32[16,16,3,3] random(3)\nd = Convolution-1(c, v)" CONV
    "e = Add-1(d, c)\nu = Const f32[16,1,1,3,3] random(4)\nf = GroupConvolution-1(e, u)" CONV
    "cat = Concat-1(f, e) {axis=1}\n"
    "p = MaxPool-1(cat) {kernel=2,2 strides=2,2 pads_begin=0,0 pads_end=0,0}\n"
    "q = Cos-1(p)\ng = Sigmoid-1(q)\nResult-1(g)\nResult-1(x)\n",
    /* results that lie inside of another value, at a multiple of 4 bytes */
    "x = Parameter-1 {shape=1,13,7,13 element_type=f32}\nw = Const f32[12,13,3,3] random(1)\n"
    "y = Convolution-1(x, w)" CONV "s = Const f32[12] random(2)\na = PReLU-1(y, s)\n"
    "ax = Const i64[] 1\nle = Const i64[2] 2 10\nb, c = VariadicSplit-1(a, ax, le)\n"
    "of = Const i64[2] 1 9\nd, e = VariadicSplit-1(c, ax, of)\nResult-1(e)\nResult-1(d)\n"
    "Result-1(b)\n",
    /* so large that convolutions are done strip by strip */
    "x = Parameter-1 {shape=1,3,136,136 element_type=f32}\n"
    "w = Const f32[40,3,3,3] random(1)\na = Convolution-1(x, w)" CONV
    "bias = Const f32[1,40,1,1] random(2)\nb = Add-1(a, bias)\nc = ReLU-1(b)\n"
    "u = Const f32[40,1,1,3,3] random(4)\nf = GroupConvolution-1(c, u)" CONV
    "v = Const f32[2,40,1,1] random(3)\nh = HSwish-4(f)\nd = Convolution-1(h, v) {strides=1,1 "
    "pads_begin=0,0 pads_end=0,0 dilations=1,1 auto_pad=explicit}\n"
    "axes = Const i64[2] 2 3\nm = ReduceMean-1(d, axes) {keep_dims=true}\nResult-1(m)\n",
    "x = Parameter-1 {shape=2,6,8 element_type=f32}\n"
    "w = Const f32[8,8] random(1)\na = MatMul-1(x, w)" MATMUL
    "t = MatMul-1(a, x) {transpose_a=false transpose_b=true}\ns = SoftMax-8(t) {axis=-1}\n"
    "b = MatMul-1(s, a)" MATMUL "axes = Const i64[1] 2\n"
    "m = MVN-6(b, axes) {normalize_variance=true eps=1e-5 eps_mode=INSIDE_SQRT}\n"
    "y = Const f32[2,1,8] random(5)\nz = Multiply-1(m, y)\nk = Cos-1(z)\n"
    "r = ScaledDotProductAttention-13(k, a, x) {causal=false}\n"
    "i = Const i64[3] 2 0 1\nt0 = Transpose-1(r, i)\ncat = Concat-1(t0, t0) {axis=0}\n"
    "Result-1(cat)\n",
    "x = Parameter-1 {shape=1,6,5,5 element_type=f32}\nu0 = Const f32[] 0\nu1 = Const f32[] 2.55\n"
    "s0 = Const f32[] -1.28\ns1 = Const f32[] 1.27\n" FQ("q", "x", "s") WEIGHTS(
	"w", "6,6,3,3") "y = Convolution-1(q, w)" CONV
			"bias = Const f32[1,6,1,1] random(2)\nz = Add-1(y, bias)\n" FQ(
			    "p", "z", "s") "a = Add-1(q, p)\nr = ReLU-1(a)\n" FQ("t", "r",
			    "u") "m = MaxPool-8(t) {strides=1,1 dilations=1,1 "
				 "pads_begin=1,1 pads_end=1,1 kernel=3,3 "
				 "index_element_type=i64}\n" FQ("k", "m", "s") WEIGHTS(
				     "v", "6,6,3,3") "c = Convolution-1(m, v)" CONV
						     "d = Convolution-1(k, v)" CONV
						     "e = Add-1(c, d)\nResult-1(e)\n"
						     "Result-1(t)\n" FQ("q2", "x",
							 "u") "a2 = Add-1(q, q2)\n" FQ("t2", "a2",
							 "s") "c2 = "
							      "Convolution-1("
							      "t2, w)" CONV "Result-1(c2)\n",
    "x = Parameter-1 {shape=1,3,5,5 element_type=f32}\nw = Const f32[6,3,3,3] random(1)\n"
    "a0 = Convolution-1(x, w)" CONV "p0 = Const i64[4] 0 0 2 0\np1 = Const i64[4] 0 0 -2 1\n"
    "a = Pad-12(a0, p0, p1) {pad_mode=constant}\n"
    "b = ShuffleChannels-1(a) {axis=1 group=2}\n"
    "c = ShuffleChannels-1(b) {axis=1 group=3}\nr = Const i64[1] 3\n"
    "d = ReduceMean-1(c, r) {keep_dims=true}\nt = Const i64[4] 2 1 0 3\n"
    "e = Transpose-1(c, t)\nk = Const bool[6] 1 0 1 0 1 0\nl = Const f32[] 1\n"
    "f = Select-1(k, c, l)\no = SoftMax-8(f) {axis=1}\n"
    "Result-1(d)\nResult-1(e)\nResult-1(o)\n",
    "x = Parameter-1 {shape=1,2,128 element_type=f32}\nh = Const f16[128,256] random(1)\n"
    "w = Convert-1(h) {destination_type=f32}\na = MatMul-1(x, w)" MATMUL
    "q = Const u4[256,4,64] random(2)\nqf = Convert-1(q) {destination_type=f32}\n"
    "s = Const f32[1,4,64] random(3)\nm = Multiply-1(qf, s)\nto = Const i64[2] 256 256\n"
    "v = Reshape-1(m, to) {special_zero=false}\nb = MatMul-1(a, v)" MATMUL "Result-1(b)\n",
    "x = Parameter-1 {shape=1,5,4,6 element_type=f32}\nw = Const f32[5,7,4,4] random(1)\n"
    "a = ConvolutionBackpropData-1(x, w) {strides=2,2 pads_begin=1,1 pads_end=1,1 "
    "dilations=1,1}\nbias = Const f32[1,7,1,1] random(2)\nb = Add-1(a, bias)\n"
    "c = Sigmoid-1(b)\naxes = Const i64[1] 1\n"
    "d = LRN-1(c, axes) {alpha=0.1 beta=0.6 bias=1.5 size=3}\nto = Const i64[2] 13 9\n"
    "plane = Const i64[2] 2 3\n"
    "e = Interpolate-11(d, to, plane) {mode=linear_onnx shape_calculation_mode=sizes}\n"
    "Result-1(e)\n",
    "x = Parameter-1 {shape=2,4,3 element_type=f32}\nh = Const f32[2,2,6] random(1)\n"
    "c = Const f32[2,2,6] random(2)\nn = Const i32[2] 4 2\nw = Const f32[2,24,3] random(3)\n"
    "r = Const f32[2,24,6] random(4)\nb = Const f32[2,24] random(5)\n"
    "y, yh, yc = LSTMSequence-5(x, h, c, n, w, r, b) {hidden_size=6 direction=bidirectional}\n"
    "w2 = Const f32[2,18,3] random(6)\nr2 = Const f32[2,18,6] random(7)\n"
    "b2 = Const f32[2,24] random(8)\n"
    "z, zh = GRUSequence-5(x, yh, n, w2, r2, b2) {hidden_size=6 direction=bidirectional "
    "linear_before_reset=true}\nResult-1(y)\nResult-1(yc)\nResult-1(z)\n",
    "x = Parameter-1 {shape=1,4,5,? element_type=f32}\nw = Const f32[8,4,3,3] random(1)\n"
    "a = Convolution-1(x, w)" CONV "Result-1(a)\n",
};
#define CALL_NETWORKS (sizeof call_networks / sizeof *call_networks)

#endif
