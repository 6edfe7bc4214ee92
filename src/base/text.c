/* Growing text, and numbers written and read in the "C" locale whatever the program's is. */
#include "base/text.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool text_room(struct text *t, size_t more)
{
	if (t->failed || more >= SIZE_MAX / 4 - t->len) {
		t->failed = true;
		return false;
	}
	size_t need = t->len + more + 1;
	if (need <= t->cap)
		return true;
	size_t cap = t->cap ? t->cap : 64;
	while (cap < need)
		cap *= 2;
	char *data = realloc(t->data, cap);
	if (!data) {
		t->failed = true;
		return false;
	}
	t->data = data;
	t->cap = cap;
	t->data[t->len] = 0;
	return true;
}

void text_addn(struct text *t, const char *s, size_t n)
{
	if (!text_room(t, n))
		return;
	if (n)
		memcpy(t->data + t->len, s, n);
	t->len += n;
	t->data[t->len] = 0;
}

void text_add(struct text *t, const char *s)
{
	text_addn(t, s, strlen(s));
}

void text_printf(struct text *t, const char *fmt, ...)
{
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	if (n < 0) {
		t->failed = true;
	} else if (text_room(t, (size_t)n)) {
		vsnprintf(t->data + t->len, (size_t)n + 1, fmt, again);
		t->len += (size_t)n;
	}
	va_end(again);
	va_end(ap);
}

void text_free(struct text *t)
{
	free(t->data);
	*t = (struct text){0};
}

/* Makes the thread's locale "C"; the C library keeps that locale built in, so nothing is allocated.
 */
static locale_t locale_enter(locale_t *c)
{
	*c = newlocale(LC_ALL_MASK, "C", NULL);
	return *c ? uselocale(*c) : NULL;
}

static void locale_leave(locale_t c, locale_t old)
{
	if (!c)
		return;
	uselocale(old);
	freelocale(c);
}

/* "inf", "-inf", "nan", and zero, which need no search. */
static bool number_special(char buf[NUMBER_MAX], double x)
{
	const char *s = NULL;
	if (isnan(x))
		s = "nan";
	else if (isinf(x))
		s = x < 0 ? "-inf" : "inf";
	else if (x == 0)
		s = signbit(x) ? "-0" : "0";
	if (s)
		memcpy(buf, s, strlen(s) + 1);
	return s != NULL;
}

/* Fewer digits than the type always keeps are tried only for subnormals, which keep fewer. */
char *number_f32(char buf[NUMBER_MAX], float x)
{
	if (number_special(buf, (double)x))
		return buf;
	locale_t c, old = locale_enter(&c);
	for (int digits = fabsf(x) < 0x1p-126f ? 1 : 6; digits <= 9; digits++) {
		snprintf(buf, NUMBER_MAX, "%.*g", digits, (double)x);
		if (strtof(buf, NULL) == x)
			break;
	}
	locale_leave(c, old);
	return buf;
}

char *number_f64(char buf[NUMBER_MAX], double x)
{
	if (number_special(buf, x))
		return buf;
	locale_t c, old = locale_enter(&c);
	for (int digits = fabs(x) < 0x1p-1022 ? 1 : 15; digits <= 17; digits++) {
		snprintf(buf, NUMBER_MAX, "%.*g", digits, x);
		if (strtod(buf, NULL) == x)
			break;
	}
	locale_leave(c, old);
	return buf;
}

static const char *skip_space(const char *s)
{
	while (*s == ' ' || (*s >= '\t' && *s <= '\r'))
		s++;
	return s;
}

/* Up to 18 digits and nothing else, as most numbers come. */
static bool parse_digits(const char *s, int64_t *out)
{
	int64_t v = 0;
	int n = 0;
	for (; n < 18 && s[n] >= '0' && s[n] <= '9'; n++)
		v = v * 10 + (s[n] - '0');
	if (!n || s[n])
		return false;
	*out = v;
	return true;
}

bool parse_i64(const char *s, int64_t *out)
{
	char *end;
	if (parse_digits(s, out))
		return true;
	s = skip_space(s);
	errno = 0;
	long long v = strtoll(s, &end, 10);
	if (end == s || errno || *skip_space(end))
		return false;
	*out = v;
	return true;
}

bool parse_f64(const char *s, double *out)
{
	char *end;
	s = skip_space(s);
	locale_t c = newlocale(LC_ALL_MASK, "C", NULL);
	if (!c)
		return false;
	errno = 0;
	double v = strtod_l(s, &end, c);
	bool over = errno == ERANGE && isinf(v); /* underflow rounds and is no error */
	freelocale(c);
	if (end == s || over || *skip_space(end))
		return false;
	*out = v;
	return true;
}

bool text_ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), k = strlen(end);
	return n >= k && !strcmp(s + n - k, end);
}

void text_drop_mark(char *s)
{
	if (!strncmp(s, "\xef\xbb\xbf", 3))
		memmove(s, s + 3, strlen(s + 3) + 1);
}

int utf8_length(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	static const unsigned least[5] = {0, 0, 0x80, 0x800, 0x10000};
	int n = *s >= 0xf0 ? 4 : *s >= 0xe0 ? 3 : *s >= 0xc0 ? 2 : 1;
	unsigned c = n == 1 ? *s : *s & (0x7fu >> n);

	if (*s >= 0xf8 || (n == 1 && *s >= 0x80))
		return 0;
	for (int i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) || c == 0xfffe ||
	    c == 0xffff || (c < 0x20 && c != '\t' && c != '\n' && c != '\r'))
		return 0;
	return n;
}
