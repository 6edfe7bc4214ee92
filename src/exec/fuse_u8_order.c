/* The floats between the sums of a quantized kernel and bytes as OpenVINO has them: what its passes
 * make of the constants of the nodes there, one rounding after the other, and which of them it
 * applies in one go. Sources: low_precision_transformations (fake_quantize.cpp, add.cpp,
 * network_helper.cpp: decomposeFakeQuantize) for the constants of the graph, intel_cpu's
 * nodes/fake_quantize.cpp and dnnl_postops_composer.cpp for those of the operations. Values near
 * the middle between two levels get the level that they get there only when every step is the same.
 */
#include <math.h>

#include "exec/fuse_u8.h"

#define SAME_SHIFT 0.00005f /* shifts that OpenVINO takes for one */
#define NO_SHIFT 0.00001f   /* and for none, as a share of the range */

static struct line to_levels(float lo, float hi, int top)
{
	return (struct line){(float)top / (hi - lo), -lo * (float)top / (hi - lo)};
}

/* From levels that are counted from first on to floats: (level - shift) * scale. */
static struct line from_levels(float lo, float hi, int first, int top)
{
	return (struct line){(hi - lo) / (float)top, first ? 0 : -((float)top * lo) / (hi - lo)};
}

/* The same as level * scale + shift, level from 0 on, after both ends were computed. */
static struct line by_ends(struct line m, int first, int top)
{
	float lo = ((float)first - m.shift) * m.scale;
	float hi = ((float)(first + top) - m.shift) * m.scale;
	return (struct line){(hi - lo) / (float)top, lo};
}

static bool is_one(const struct per_channel *p, int64_t channels)
{
	for (int64_t c = 1; c < channels && p->step; c++)
		if (channel_at(p, c) != channel_at(p, 0))
			return false;
	return true;
}

static float shift_of_all(float shift, float range)
{
	return fabsf(shift) < range * NO_SHIFT ? 0 : shift;
}

/* A last scale without a shift is one of the result, which is divided by. */
static float result_scale(float scale)
{
	return 1 / (1 / scale);
}

/* The same for all channels. */
static struct line to_levels_of_all(float lo, float hi, const struct fq_ranges *q)
{
	struct line m = to_levels(lo, hi, q->top);
	m.shift = shift_of_all(m.shift, (float)q->top);
	if (q->stored && m.shift == 0)
		m.scale = result_scale(m.scale);
	return m;
}

/* Shifts of channels that are nearly one become one. */
static bool join_shifts(struct line *m, int64_t channels, int top)
{
	for (int64_t c = 1; c < channels; c++)
		if (fabsf(m[c].shift - m[0].shift) >= SAME_SHIFT)
			return false;
	for (int64_t c = channels - 1; c >= 0; c--)
		m[c].shift = shift_of_all(m[0].shift, (float)top);
	return true;
}

int order_first(const struct fq_ranges *q, int64_t channels)
{
	bool any = false;
	if (q->top != 254 && q->top != 255)
		return 0;
	for (int64_t c = 0; c < channels; c++) {
		float lo = channel_at(&q->r[2], c), hi = channel_at(&q->r[3], c);
		bool small = fabsf(lo) < QUANT_NO_RANGE && fabsf(hi) < QUANT_NO_RANGE;
		if (!small && !quant_is_signed(lo, hi, q->top))
			return 0;
		any |= !small;
	}
	return any ? -(q->top + 1) / 2 : 0;
}

/* A clamp that leaves the whole range is dropped before anything else. */
static bool is_dropped(const struct walk *w, const struct fq_ranges *q)
{
	for (int64_t c = 0; c < w->f->channels && w->clamped; c++)
		if (channel_at(&q->r[0], c) < w->lo || channel_at(&q->r[1], c) > w->hi)
			return false;
	return true;
}

static struct line *lines(struct walk *w)
{
	return arena_array(w->l->e->scratch, (size_t)w->f->channels, sizeof(struct line));
}

/* ---- behind the sums ---- */

/* The levels of own mean floats that are summed with levels of added: as such. */
static struct line meaning_beside(const struct fq_ranges *own, const struct quant *added)
{
	struct line m = from_levels(
	    channel_at(&own->r[2], 0), channel_at(&own->r[3], 0), own->first, own->top);
	if (!added->is_signed)
		m.shift += added->shift * added->scale / m.scale;
	m.scale /= added->scale;
	return by_ends(m, own->first, own->top);
}

/* Scales of the sums of which q's ranges have been divided. */
static bool fold_scales(struct walk *w, const struct fq_ranges *q, struct line *m)
{
	for (int64_t c = 0; c < w->f->channels; c++) {
		float scale = w->mul[c];
		m[c] = to_levels(
		    channel_at(&q->r[0], c) / scale, channel_at(&q->r[1], c) / scale, q->top);
		if (!(scale > 0) || !isfinite(m[c].scale) || !isfinite(m[c].shift))
			return false;
	}
	join_shifts(m, w->f->channels, q->top);
	return true;
}

/* The levels behind the sums become what they mean by m, before they are clamped. */
static void move_first(struct walk *w, const struct fq_ranges *q, struct line m)
{
	struct fused_u8 *f = w->f;
	float *mul = f->f, *plus = f->f + f->channels, range = (float)q->top * m.scale;
	int64_t n = f->sums == U8_SUM_SCALED ? 0 : f->channels;
	bool one = true;
	for (int64_t c = 0; c < n; c++) {
		plus[c] = plus[c] * m.scale + m.shift;
		mul[c] *= m.scale;
		one &= plus[c] == plus[0];
	}
	for (int64_t c = 0; c < n && one; c++)
		plus[c] = shift_of_all(plus[c], range);
	if (!n) {
		f->shift = shift_of_all(f->shift * m.scale + m.shift, range);
		f->scale *= m.scale;
	}
	f->lo[0] = f->lo[0] * m.scale + m.shift;
	f->hi[0] = f->hi[0] * m.scale + m.shift;
}

/* Bytes that are signed are rounded as such: they get their zero point behind that. */
static void store_signed(struct walk *w, const struct fq_ranges *q)
{
	struct fused_u8 *f = w->f;
	move_first(w, q, (struct line){1, (float)q->first});
	if (f->sums == U8_SUM_SCALED && f->shift == 0)
		f->scale = result_scale(f->scale);
	w->mul = walk_plus(w) + f->channels;
	for (int64_t c = 0; c < f->channels; c++) {
		w->mul[c] = 1;
		walk_plus(w)[c] = (float)-q->first;
	}
	f->rounded |= 1 << f->levels++;
	f->lo[f->levels] = 0;
	f->hi[f->levels] = (float)q->top;
}

/* Nothing of q is folded into scales of sums of floats, which have none. */
static bool order_floats(struct walk *w, const struct fq_ranges *q)
{
	struct fused_u8 *f = w->f;
	int64_t n = f->channels;
	struct line *m = lines(w);
	if (!m || w->odd || w->gained)
		return false;
	for (int64_t c = 0; c < n; c++)
		m[c] = to_levels(channel_at(&q->r[0], c), channel_at(&q->r[1], c), q->top);
	join_shifts(m, n, q->top);
	bool one = is_one(&q->r[0], n) && is_one(&q->r[1], n);
	if (w->biased && !one)
		return false;
	f->sums = one ? U8_SUM_SCALED : U8_SUM_APART;
	f->scale = m->scale;
	f->shift = m->shift;
	for (int64_t c = 0; c < n && !one; c++) {
		w->mul[c] = m[c].scale;
		walk_plus(w)[c] = m[c].shift;
	}
	return true;
}

bool order_sums(struct walk *w, const struct fq_ranges *q, const struct quant *added)
{
	struct fused_u8 *f = w->f;
	int64_t n = f->channels;
	if (f->floats)
		return !added && order_floats(w, q);
	bool one = is_one(&q->r[0], n) && is_one(&q->r[1], n);
	bool folded = !w->biased && is_dropped(w, q);
	struct line *m = lines(w);
	if (!m || w->odd || w->gained || !(one || (folded && !added)) ||
	    (added && (!is_one(&q->r[2], n) || !is_one(&q->r[3], n))))
		return false;
	if (folded && !fold_scales(w, q, m))
		return false;
	for (int64_t c = 0; c < n && folded; c++) {
		w->mul[c] = m[c].scale;
		walk_plus(w)[c] = m[c].shift;
	}
	if (!folded) {
		*m = to_levels_of_all(channel_at(&q->r[0], 0), channel_at(&q->r[1], 0), q);
		f->scale = m->scale;
		f->shift = m->shift;
	}
	f->sums = folded ? U8_SUM_APART : U8_SUM_SCALED;
	if (added)
		move_first(w, q, meaning_beside(q, added));
	else if (q->stored && q->first)
		store_signed(w, q);
	return true;
}

/* ---- behind levels ---- */

/* What levels of w->last mean for channel c behind the gain. */
static struct line meaning_of(const struct walk *w, int64_t c)
{
	float lo = channel_at(&w->last.r[2], c), hi = channel_at(&w->last.r[3], c);
	if (w->gained) {
		lo *= w->gain[c];
		hi *= w->gain[c];
	}
	return from_levels(lo, hi, w->last.first, w->last.top);
}

/* The range of q behind the bias, if that has been taken off it. */
static struct line range_of(const struct walk *w, const struct fq_ranges *q, int64_t c, bool moved)
{
	float bias = w->biased && moved ? w->bias[c] : 0;
	return (struct line){channel_at(&q->r[0], c) - bias, channel_at(&q->r[1], c) - bias};
}

static bool is_uniform(const struct course *k, int64_t n, bool own)
{
	for (int64_t c = 1; c < n; c++) {
		const struct line *a = own ? &k[0].own : &k[0].next;
		const struct line *b = own ? &k[c].own : &k[c].next;
		if (a->scale != b->scale || a->shift != b->shift)
			return false;
	}
	return true;
}

/* Shifts that are nearly one are one, and what is the same for all channels has one rounding. */
static void join_courses(struct course *k, struct line *m, int64_t n, int top)
{
	for (int64_t c = 0; c < n; c++)
		m[c] = k[c].next;
	bool joined = join_shifts(m, n, top);
	for (int64_t c = 0; c < n && joined; c++)
		k[c].next.shift = m[c].shift;
	bool own = is_uniform(k, n, true), next = is_uniform(k, n, false);
	for (int64_t c = 0; c < n; c++) {
		k[c].own_fused = own;
		k[c].next_fused = next;
	}
}

static void set_courses(struct walk *w, const struct fq_ranges *q, struct course *k)
{
	int64_t n = w->f->channels;
	bool dropped = is_dropped(w, q), direct = dropped;
	for (int64_t c = 0; c < n; c++)
		direct &= meaning_of(w, c).scale > 0;
	if (direct && (w->f->levels > 1 || w->f->sums == U8_SUM_FUSED))
		w->last.first = 0;
	for (int64_t c = 0; c < n; c++) {
		struct line m = meaning_of(w, c), r = range_of(w, q, c, dropped);
		if (direct) {
			r.scale = r.scale / m.scale + m.shift;
			r.shift = r.shift / m.scale + m.shift;
		} else if (w->biased && !dropped) {
			m.shift -= w->bias[c] / m.scale;
		}
		k[c].direct = direct;
		k[c].own = by_ends(m, w->last.first, w->last.top);
		k[c].next = to_levels(r.scale, r.shift, q->top);
	}
}

/* About what the course does, in one multiply-add. */
static void course_factors(const struct course *k, int from, float *mul, float *plus)
{
	struct line own = k->direct ? (struct line){1, 0} : k->own;
	*mul = (float)((double)own.scale * k->next.scale);
	*plus = (float)((double)own.shift * k->next.scale + k->next.shift - from);
}

static bool is_ordered(const struct walk *w, const struct course *k, const int *from, bool rounded)
{
	for (int64_t c = 0; c < w->f->channels; c++)
		if (!isfinite(k[c].next.scale) || !isfinite(k[c].next.shift) ||
		    (!rounded && (!k[c].direct || k[c].next_fused || from[c])))
			return false;
	return true;
}

bool order_levels(struct walk *w, const struct fq_ranges *q, const int *from)
{
	struct fused_u8 *f = w->f;
	int64_t n = f->channels;
	struct course *k = arena_array(w->l->e->scratch, (size_t)n, sizeof *k);
	struct line *m = lines(w);
	struct ties *t = arena_array(w->l->e->scratch, 1, sizeof *t);
	bool rounded = f->rounded >> (f->levels - 1) & 1;
	if (!k || !m || !t || w->odd)
		return false;
	set_courses(w, q, k);
	join_courses(k, m, n, q->top);
	if (!is_ordered(w, k, from, rounded))
		return false;
	t->lo = f->lo[f->levels];
	t->hi = f->hi[f->levels];
	int first = k->direct ? w->last.first : 0;
	if (first) /* OpenVINO stores nothing else of them: a shift to their middle is none there */
		move_first(w, &w->last, (struct line){1, (float)first});
	for (int64_t c = 0; c < n; c++) {
		if (rounded) {
			course_factors(&k[c], from[c], &w->mul[c], &walk_plus(w)[c]);
			find_level_ties(
			    t, &k[c], first, w->last.top, from[c], w->mul[c], walk_plus(w)[c]);
			fit_factors(t, &w->mul[c], &walk_plus(w)[c]);
		} else {
			w->mul[c] = k[c].next.scale;
			walk_plus(w)[c] = k[c].next.shift;
		}
	}
	return true;
}

/* ---- sums with another value ---- */

bool order_added(struct walk *w, const struct quant *added)
{
	int64_t n = w->f->channels;
	if (w->odd || w->gained || w->biased || !is_one(&w->last.r[2], n) ||
	    !is_one(&w->last.r[3], n))
		return false;
	struct line m = meaning_beside(&w->last, added);
	for (int64_t c = 0; c < n; c++) {
		w->mul[c] = m.scale;
		walk_plus(w)[c] = m.shift;
	}
	return true;
}

void order_sum(struct walk *w, const struct fq_ranges *q)
{
	struct line m = to_levels_of_all(
	    channel_at(&q->r[0], 0) / w->unit, channel_at(&q->r[1], 0) / w->unit, q);
	w->f->sum_scale = m.scale;
	w->f->sum_shift = m.shift;
}
