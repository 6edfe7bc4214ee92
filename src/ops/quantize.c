/* FakeQuantize and FakeConvert: values as a narrower type would hold them. */
#include <math.h>

#include "base/half.h"
#include "ops/elem.h"
#include "ops/rows.h"

const struct attr_def attrs_fake_quantize[] = {{"levels", ATTR_INT, true, NULL, NULL},
    {"auto_broadcast", ATTR_STRING, false, "numpy", "none|numpy|explicit"}, {0}};
const struct attr_def attrs_fake_convert[] = {
    {"destination_type", ATTR_STRING, true, NULL, "f8e4m3|f8e5m2"}, {0}};

int infer_fake_quantize(struct infer *s)
{
	int64_t levels = attr_i(s->node, "levels");
	struct shape *out = &s->out[0].shape;
	int r = infer_float(s, 0);
	if (!r && (levels < 2 || levels > 1 << 24))
		r = infer_fail(
		    s, "attribute 'levels' is %lld, expected 2 to %d", (long long)levels, 1 << 24);
	infer_same(s);
	for (int k = 1; k < s->nin && !r; k++) {
		struct shape joined = *out;
		r = infer_same_types(s, 0, k);
		if (!r && !shape_broadcast(out, &s->in[k].shape, &joined))
			r = infer_fail(s, "input %d does not broadcast to the data", k);
		if (!r)
			*out = joined;
	}
	return r;
}

/* The ranges of one element: input low and high, output low and high. */
struct ranges {
	double lo, hi, out_lo, out_hi;
};

/* Half to even for 0 <= v <= 2^24, in loops that vectorise. */
static inline float nearest(float v)
{
	return v < 0x1p23f ? (v + 0x1p23f) - 0x1p23f : v;
}

/* In float, operation by operation as OpenVINO's reference has it: the bits decide which level a
 * value falls into. */
static VECTOR void quantize_f32(float *restrict y, const float *restrict x, int64_t n, float lo,
    float hi, float out_lo, float out_hi, float steps)
{
	float min = hi < lo ? hi : lo, max = hi < lo ? lo : hi;
	float in_range = hi - lo, out_range = out_hi - out_lo;
	for (int64_t i = 0; i < n; i++) {
		float v = x[i], q = (v - lo) / in_range * steps;
		float r = q < 0 ? -nearest(-q) : nearest(q);
		r = r / steps * out_range + out_lo;
		y[i] = v <= min ? out_lo : v > max ? out_hi : r;
	}
}

static double quantize_f64(double v, const struct ranges *r, double steps)
{
	if (v <= fmin(r->lo, r->hi))
		return r->out_lo;
	if (v > fmax(r->lo, r->hi))
		return r->out_hi;
	double q = (v - r->lo) / (r->hi - r->lo) * steps, level = floor(q + 0.5);
	if (level - q == 0.5 && fmod(level, 2) != 0)
		level -= 1;
	return level / steps * (r->out_hi - r->out_lo) + r->out_lo;
}

static struct ranges ranges_at(const struct eval *s, const struct walk *w, int64_t i)
{
	double v[4];
	for (int k = 0; k < 4; k++)
		v[k] = tensor_f64(&s->in[k + 1], w->at[k + 1] + i * w->step[k + 1]);
	return (struct ranges){v[0], v[1], v[2], v[3]};
}

static void quantize_span(
    struct eval *s, const struct walk *w, int64_t at, int64_t n, const struct ranges *r)
{
	float steps = (float)(attr_i(s->node, "levels") - 1), in[SPAN], out[SPAN];
	double v[SPAN];
	if (s->in[0].type == DT_F32 && w->step[0]) {
		quantize_f32((float *)s->out[0].data + w->out + at,
		    (const float *)s->in[0].data + w->at[0] + at, n, (float)r->lo, (float)r->hi,
		    (float)r->out_lo, (float)r->out_hi, steps);
		return;
	}
	if (w->step[0])
		span_f64(v, &s->in[0], w->at[0] + at, n);
	else
		span_fill_f64(v, &s->in[0], w->at[0], n);
	if (s->in[0].type == DT_F64) {
		for (int64_t i = 0; i < n; i++)
			v[i] = quantize_f64(v[i], r, (double)steps);
	} else {
		for (int64_t i = 0; i < n; i++)
			in[i] = (float)v[i];
		quantize_f32(out, in, n, (float)r->lo, (float)r->hi, (float)r->out_lo,
		    (float)r->out_hi, steps);
		for (int64_t i = 0; i < n; i++)
			v[i] = out[i];
	}
	span_put_f64(&s->out[0], w->out + at, n, v);
}

int eval_fake_quantize(struct eval *s)
{
	struct walk w;
	for (walk_tensors(&w, &s->out[0], 5, s->in); !w.done; walk_next(&w)) {
		bool even = !w.step[1] && !w.step[2] && !w.step[3] && !w.step[4];
		int64_t run = even ? SPAN : 1;
		for (int64_t i = 0; i < w.n; i += run) {
			struct ranges r = ranges_at(s, &w, i);
			quantize_span(s, &w, i, w.n - i < run ? w.n - i : run, &r);
		}
	}
	return OK;
}

/* Input k may not make input 0 any larger. */
static int infer_spreads(struct infer *s, int k)
{
	struct shape b;
	if (!infer_has(s, k))
		return OK;
	if (!shape_broadcast(&s->in[0].shape, &s->in[k].shape, &b) ||
	    !shape_merge(&b, &s->in[0].shape, &b))
		return infer_fail(s, "input %d does not broadcast to input 0", k);
	return OK;
}

int infer_fake_convert(struct infer *s)
{
	infer_same(s);
	int r = infer_float(s, 0);
	for (int k = 1; k < s->nin && !r; k++)
		if (!(r = infer_same_types(s, 0, k)))
			r = infer_spreads(s, k);
	return r;
}

/* By way of f16, as OpenVINO does it: a tie can come up that the value itself is not. */
static double through_f8(double v, bool e4m3)
{
	float f = f16_to_f32(f64_to_f16(v));
	return e4m3 ? f8e4m3_to_f32(f32_to_f8e4m3_sat(f)) : f8e5m2_to_f32(f32_to_f8e5m2_sat(f));
}

/* (f8(x * scale - shift) + shift) / scale. */
int eval_fake_convert(struct eval *s)
{
	struct walk w;
	bool e4m3 = attr_is(s->node, "destination_type", "f8e4m3");
	int nin = eval_has(s, 2) ? 3 : 2;
	for (walk_tensors(&w, &s->out[0], nin, s->in); !w.done; walk_next(&w))
		for (int64_t i = 0; i < w.n; i++) {
			double x = tensor_f64(&s->in[0], w.at[0] + i * w.step[0]);
			double scale = tensor_f64(&s->in[1], w.at[1] + i * w.step[1]);
			double shift = nin == 3 ? tensor_f64(&s->in[2], w.at[2] + i * w.step[2])
						: 0;
			double v = (float)((float)(x * scale) - (float)shift);
			v = (float)((float)through_f8(v, e4m3) + (float)shift) / scale;
			tensor_set_f64(&s->out[0], w.out + i, v);
		}
	return OK;
}
