/* What of a network is computed in 8 bits: values behind a FakeQuantize, and weights that are
 * stored as integers with a scale. */
#ifndef EXEC_QUANT_H
#define EXEC_QUANT_H

#include "exec/state.h"

/* The elements (q - zero) * scale of a value, q from 0 to top. */
struct quant {
	float scale; /* 0: not a value of that kind */
	float shift; /* the zero point before it was rounded, which OpenVINO adds values with */
	float low;   /* what level 0 means, in floats */
	int zero, top;
	bool on; /* computed in 8 bits */
	/* OpenVINO's levels are signed, so bytes less the zero point: only sums read them. */
	bool is_signed;
	/* One for each channel: what only a depthwise convolution reads, and only as bytes. scale
	 * is 1 and zero 0 then, and zero points are in zeros. NULL: all are 0, and of negative
	 * values (clamped: there are some in the range) none may come. */
	float *scales, *lows; /* lows: of bytes 0 */
	uint8_t *zeros;
	bool clamped;
	bool floats; /* who reads it takes the floats that the bytes mean */
};

/* Constants: one for each channel or one for all. */
struct per_channel {
	const float *at;
	int64_t step; /* from a channel's to the next */
};

static inline struct per_channel per_channel(const struct tensor *t)
{
	return (struct per_channel){t->data, tensor_count(t) != 1};
}

static inline float channel_at(const struct per_channel *p, int64_t c)
{
	return p->at[c * p->step];
}

/* The weights of a layer: (q - zero) * scale, with one zero and one scale for each output channel
 * or for all. Or floats behind a FakeQuantize with a range that is symmetric about 0. */
struct quant_weights {
	const struct node *q, *zero, *scale; /* Consts; zero NULL: 0 */
	const struct node *fq;               /* or this one, whose value is the weights */
	/* The range differs between the columns of a filter: the weights stay floats, and the sums
	 * are those of floats, as OpenVINO's are. */
	bool floats;
	int axis[2]; /* of the output channels, outer first */
	int naxes;
};

/* Sets quant for every value, and deferred of the steps that only unpack weights which stay
 * integers. */
int quant_choose(struct network *net, const struct exec_options *o, struct err *err);
/* Does n, a layer with weights, read 8 bits on both sides? */
bool quant_layer(const struct network *net, const struct node *n, struct quant_weights *w);
/* q - zero as [output channels][rest], in the file or in room, and scales of the output channels;
 * room and scale are on the heap in every case. E_UNSUPPORTED when one does not fit i8. */
int quant_read(struct network *net, const struct quant_weights *w, const int8_t **q, int8_t **room,
    float **scale, struct err *err);
/* Narrows lo..hi by n when that is a ReLU or Clamp of x, as whatever operation it is written. */
bool quant_clamp(const struct node *n, const struct value *x, float *lo, float *hi);
/* Layers that only pass elements on: they keep 8 bits as they are. */
bool quant_reshapes(const struct node *n);
/* Split and VariadicSplit: their parts are bytes all, or none. */
bool quant_splits(const struct node *n);
/* Is what comes of n, at most after a clamp, read by one FakeQuantize that is computed in 8 bits?
 */
bool quant_requantized(const struct network *net, const struct node *n);
void quant_free(struct network *net);
/* Of two convolutions that are summed the one behind the first input is computed last: it takes the
 * sum along. */
int quant_order_sums(struct network *net, struct err *err);
/* Are the levels of fq, the first node behind a convolution that is more than a change for each
 * channel, rounded to? Not when a sum follows that is quantized again: OpenVINO leaves that
 * rounding out, and what it answers is what an IR means. */
bool quant_rounds(const struct exec *e, const struct node *fq);
/* The floats that bytes of v mean, q * scale + low for each of n channels, as OpenVINO has them;
 * true: with a rounding for the product and one for the sum, else with one. */
bool quant_floats(
    const struct network *net, const struct value *v, int64_t n, float *scale, float *low);
/* What OpenVINO makes of weights by fq, whose ranges are the same on both sides; on the heap. */
int quant_float_weights(struct network *net, const struct node *fq, float **out, struct err *err);
/* What a kernel takes along that changes each element on its own: the value changed; or NULL. */
const struct value *quant_changes(const struct network *net, const struct node *n);
#define QUANT_NO_RANGE 1e-6f /* ends of ranges that say nothing of the sign */
/* Is the range lo..hi of levels 0..top signed for OpenVINO, with the zero point in the middle? */
bool quant_is_signed(float lo, float hi, int top);
/* Same scale and zero point? */
bool quant_same(const struct quant *a, const struct quant *b);

#endif
