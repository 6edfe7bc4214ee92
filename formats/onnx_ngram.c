/* TfIdfVectorizer over integers: how often each n-gram of a pool stands in a row. */
#include <string.h>

#include "formats/onnx_translate.h"

/* The pool: ngrams of length 1, then of length 2, ...; where each length begins. */
struct pool {
	const int64_t *item, *begin, *index;
	const float *weight; /* NULL: 1 */
	int nitems, nlengths, ngrams;
	int64_t width; /* of the output */
};

static void read_pool(struct tr *t, struct pool *p)
{
	p->nitems = tr_ints(t, "pool_int64s", &p->item);
	p->nlengths = tr_ints(t, "ngram_counts", &p->begin);
	p->ngrams = tr_ints(t, "ngram_indexes", &p->index);
	int weights = tr_floats(t, "weights", &p->weight);
	if (tr_has(t, "pool_strings"))
		tr_fail(t, E_UNSUPPORTED, "n-grams of strings");
	else if (p->nitems < 1 || p->nlengths < 1 || p->ngrams < 1 ||
		 (weights >= 0 && weights != p->ngrams))
		tr_fail(t, E_FORMAT, "the pool of n-grams is not whole");
	for (int i = 0; i < p->ngrams && t->status == OK; i++) {
		if (p->index[i] < 0 || p->index[i] >= LIMIT_ATTR_VALUES)
			tr_fail(t, E_FORMAT, "attribute 'ngram_indexes' holds %lld",
			    (long long)p->index[i]);
		else if (p->index[i] >= p->width)
			p->width = p->index[i] + 1;
	}
	for (int i = 0; i < p->nlengths && t->status == OK; i++) {
		int64_t end = i + 1 < p->nlengths ? p->begin[i + 1] : p->nitems;
		if (p->begin[i] < 0 || end < p->begin[i] || end > p->nitems ||
		    (end - p->begin[i]) % (i + 1))
			tr_fail(t, E_FORMAT, "attribute 'ngram_counts' does not fit the pool");
	}
}

/* Column k of the n-grams of length n, [1, 1, count]. */
static struct value *column(
    struct tr *t, const struct pool *p, int n, int k, int count, enum dtype type)
{
	int64_t *v = arena_array(t->scope->im->arena, (size_t)count, sizeof *v);
	if (!v) {
		tr_fail(t, E_NOMEM, "out of memory");
		return NULL;
	}
	for (int i = 0; i < count; i++)
		v[i] = p->item[p->begin[n - 1] + (int64_t)i * n + k];
	return tr_convert(t, tr_reshape(t, tr_i64(t, count, v), 3, (int64_t[]){1, 1, count}), type);
}

/* How often each n-gram of length n stands in x [rows, length] with steps of step: [rows, count].
 */
static struct value *occurrences(struct tr *t, const struct pool *p, struct value *x, int n,
    int64_t step, int64_t length, int count)
{
	int64_t places = length - (n - 1) * step;
	struct value *all = NULL;
	for (int k = 0; k < n && t->status == OK; k++) {
		struct value *part = tr_slice(t, x, 1, k * step, k * step + places);
		part = tr_unsqueeze(t, part, 1, (int64_t[]){2});
		struct value *hit = tr_op(
		    t, OP_EQUAL, part, column(t, p, n, k, count, tr_dtype(x)));
		all = all ? tr_op(t, OP_LOGICAL_AND, all, hit) : hit;
	}
	return tr_reduce(t, OP_REDUCE_SUM, tr_convert(t, all, DT_F32), tr_i64_1(t, 1), false);
}

/* Row i of [count, width] has a one where the i-th n-gram of these is written. */
static struct value *placement(
    struct tr *t, const struct pool *p, int first, int count, bool weighted)
{
	struct onnx_const c = {.type = DT_F32, .rank = 2, .dim = {count, p->width}};
	int64_t cells;
	if (__builtin_mul_overflow(count, p->width, &cells) || cells > LIMIT_ATTR_VALUES) {
		tr_fail(t, E_LIMIT, "too many n-grams");
		return NULL;
	}
	float *v = arena_array(t->scope->im->arena, (size_t)cells, sizeof *v);
	for (int i = 0; v && i < count; i++)
		v[i * p->width + p->index[first + i]] = weighted && p->weight ? p->weight[first + i]
									      : 1;
	c.data = v ? blob_copy(v, (size_t)cells * sizeof *v) : NULL;
	return tr_constant(t, NULL, &c);
}

static struct value *count_length(struct tr *t, const struct pool *p, struct value *x, int n,
    int64_t skips, const char *mode, int first, int count)
{
	int64_t length = tr_dim(x, 1);
	struct value *sum = NULL;
	for (int64_t s = 0; s <= (n == 1 ? 0 : skips) && t->status == OK; s++) {
		if (length - (n - 1) * (s + 1) < 1)
			break;
		struct value *c = occurrences(t, p, x, n, s + 1, length, count);
		sum = sum ? tr_op(t, OP_ADD, sum, c) : c;
	}
	if (!sum)
		return NULL;
	if (!strcmp(mode, "IDF"))
		sum = tr_convert(t, tr_op(t, OP_GREATER, sum, tr_number(t, DT_F32, 0)), DT_F32);
	return tr_op(t, OP_MATMUL, sum, placement(t, p, first, count, strcmp(mode, "TF") != 0));
}

void tr_tfidf_vectorizer(struct tr *t)
{
	struct value *x = tr_in(t, 0), *y = NULL;
	struct pool p = {0};
	const char *mode = tr_str(t, "mode", "");
	int64_t least = tr_int(t, "min_gram_length", 1), most = tr_int(t, "max_gram_length", 1);
	int64_t skips = tr_int(t, "max_skip_count", 0);
	int rank = tr_rank(t, x), first = 0;
	read_pool(t, &p);
	if (strcmp(mode, "TF") && strcmp(mode, "IDF") && strcmp(mode, "TFIDF"))
		tr_fail(t, E_FORMAT, "attribute 'mode' is '%s'", mode);
	if (rank == 1)
		x = tr_unsqueeze(t, x, 1, (int64_t[]){0});
	if (t->status == OK &&
	    (rank < 1 || rank > 2 || tr_dim(x, 1) < 0 || skips < 0 || skips > 1000))
		tr_fail(t, E_UNSUPPORTED, "rows whose length is not known");
	for (int n = 1; n <= p.nlengths && t->status == OK; n++) {
		int64_t end = n < p.nlengths ? p.begin[n] : p.nitems;
		int count = (int)((end - p.begin[n - 1]) / n);
		if (first + count > p.ngrams)
			tr_fail(t, E_FORMAT, "attribute 'ngram_indexes' has %d values, too few",
			    p.ngrams);
		struct value *c = count && n >= least && n <= most && t->status == OK
				      ? count_length(t, &p, x, n, skips, mode, first, count)
				      : NULL;
		y = y && c ? tr_op(t, OP_ADD, y, c) : c ? c : y;
		first += count;
	}
	if (t->status == OK && !y)
		tr_fail(t, E_UNSUPPORTED, "no n-gram that could stand in the data");
	tr_out(t, 0, rank == 1 ? tr_squeeze(t, y, 1, (int64_t[]){0}) : y);
}
