/* Convolution with channels last: the choice among the ways, and the calls to the chosen one. */
#include <math.h>

#include "kernels/nhwc_ways.h"

static const struct nhwc_way *const ways[] = {
    [CONV_IGEMM] = &nhwc_igemm,
    [CONV_WINOGRAD] = &nhwc_winograd,
    [CONV_WINOGRAD_2] = &nhwc_winograd,
    [CONV_DEPTHWISE] = &nhwc_depthwise,
    [CONV_IGEMM_BF16] = &nhwc_igemm_bf16,
    [CONV_WINOGRAD_LINE] = &nhwc_winograd,
    [CONV_GROUPS] = &nhwc_groups,
    [CONV_WINOGRAD_TILES] = &nhwc_wino_tiles,
};

const char *nhwc_conv_f32_name(int way)
{
	static const char *const names[] = {[CONV_IGEMM] = "conv",
	    [CONV_WINOGRAD] = "conv winograd",
	    [CONV_WINOGRAD_2] = "conv winograd 2x2",
	    [CONV_DEPTHWISE] = "conv depthwise",
	    [CONV_IGEMM_BF16] = "conv bf16",
	    [CONV_WINOGRAD_LINE] = "conv winograd 1x4",
	    [CONV_GROUPS] = "conv groups",
	    [CONV_WINOGRAD_TILES] = "conv winograd tiles"};
	return names[way];
}

int nhwc_conv_f32_choose(const struct conv_shape *s, bool exact)
{
	if (nhwc_depthwise_fits(s))
		return CONV_DEPTHWISE;
	if (nhwc_group_pays(s))
		return CONV_GROUPS;
	return exact ? CONV_IGEMM : nhwc_winograd_choose(s);
}

int nhwc_conv_f32_choose_bf16(const struct conv_shape *s, bool exact)
{
	int way = nhwc_conv_f32_choose(s, exact);
	return nhwc_bf16_pays(s, way) ? CONV_IGEMM_BF16 : way;
}

bool nhwc_conv_f32_fits(const struct conv_shape *s, int way)
{
	if (way == CONV_DEPTHWISE)
		return nhwc_depthwise_fits(s);
	if (way == CONV_GROUPS)
		return nhwc_group_fits(s);
	if (way == CONV_WINOGRAD_TILES)
		return nhwc_wino_tiles_fits(s);
	return way == CONV_IGEMM || way == CONV_IGEMM_BF16 || nhwc_winograd_fits(s, way);
}

bool nhwc_conv_f32_reads_planes(const struct conv_shape *s, int way)
{
	return way == CONV_IGEMM && nhwc_igemm_reads_planes(s);
}

bool nhwc_conv_f32_sees(int way)
{
	return way == CONV_IGEMM || way == CONV_WINOGRAD_TILES || ways[way] == &nhwc_winograd;
}

/* One of the ways that can take each other's place, for this shape? */
static bool is_replaceable(const struct conv_shape *s, int way)
{
	if (way == CONV_IGEMM)
		return nhwc_winograd_fits(s, CONV_WINOGRAD) ||
		       nhwc_winograd_fits(s, CONV_WINOGRAD_LINE);
	if (way == CONV_WINOGRAD_TILES)
		return nhwc_wino_tiles_fits(s);
	return (way == CONV_WINOGRAD || way == CONV_WINOGRAD_2 || way == CONV_WINOGRAD_LINE) &&
	       nhwc_winograd_fits(s, way);
}

double nhwc_conv_f32_against(const struct conv_shape *s, int way, int other)
{
	if (!is_replaceable(s, way) || !is_replaceable(s, other))
		return INFINITY;
	return (double)nhwc_winograd_cost(s, other) / (double)nhwc_winograd_cost(s, way);
}

void nhwc_conv_f32_plan(struct nhwc_conv_f32 *c, int threads)
{
	c->threads = threads;
	ways[c->way]->plan(c);
	c->scratch = c->shared + (size_t)threads * c->worker;
}

size_t nhwc_conv_f32_packed(const struct nhwc_conv_f32 *c)
{
	return ways[c->way]->packed(c);
}

void nhwc_conv_f32_pack(
    const struct nhwc_conv_f32 *c, struct pool *pool, const float *w, float *packed)
{
	ways[c->way]->pack(c, pool, w, packed);
}

int nhwc_conv_f32_panel(const struct nhwc_conv_f32 *c)
{
	if (c->s.groups > 1)
		return 0;
	return c->way == CONV_IGEMM        ? igemm_f32_rows[c->row].nr
	       : c->way == CONV_IGEMM_BF16 ? igemm_bf16_rows[c->row].nr
					   : 0;
}

void nhwc_conv_f32_run(
    const struct nhwc_conv_f32 *c, struct pool *pool, const struct nhwc_conv_f32_args *a)
{
	ways[c->way]->run(c, pool, a);
}
