/* Classifies a video: the next frame is read and prepared while the network runs on this one.
 * Frames are raw pixels on stdin, as from ffmpeg -i film.mp4 -f rawvideo -pix_fmt rgb24 - | stream
 * MODEL WIDTH HEIGHT [PREPROCESS] Build with cc stream.c $(pkg-config --cflags --libs mo) -o stream
 */
#include <mo.h>
#include <stdio.h>
#include <stdlib.h>

struct stream {
	struct mo_model *model;
	struct mo_request *request;
	struct mo_tensor input;
	int width, height;
	const char *preprocess;
	unsigned char *pixels; /* of the frame that is being read */
};

/* The next frame as the network wants it: 1, 0 at the end, -1 for an error. */
static int next_frame(struct stream *s, struct mo_tensor *frame)
{
	size_t bytes = (size_t)s->width * (size_t)s->height * 3;
	if (fread(s->pixels, 1, bytes, stdin) != bytes)
		return 0;
	return mo_picture_prepare(s->pixels, s->width, s->height, s->preprocess, &s->input, frame)
		   ? -1
		   : 1;
}

static void tell(int n, const struct mo_tensor *out)
{
	const float *score = out->data;
	int64_t best = 0, classes = mo_tensor_bytes(out) / (int64_t)sizeof *score;
	for (int64_t i = 1; i < classes; i++)
		best = score[i] > score[best] ? i : best;
	printf("frame %d: class %d, score %g\n", n, (int)best, score[best]);
}

/* Two frames: the request reads one while the other is made. */
static int run(struct stream *s)
{
	struct mo_tensor frame[2] = {0}, out;
	int more = next_frame(s, &frame[0]);
	for (int n = 0; more > 0; n++) {
		struct mo_tensor *now = &frame[n % 2], *next = &frame[(n + 1) % 2];
		if (mo_request_start(s->request, now, NULL, NULL))
			return -1;
		more = next_frame(s, next);
		if (mo_request_wait(s->request, &out) || out.type != MO_F32)
			return -1;
		mo_tensor_free(now);
		tell(n, &out);
	}
	return more;
}

int main(int argc, char **argv)
{
	struct stream s = {0};
	if (argc < 4 || (s.width = (int)strtol(argv[2], NULL, 10)) < 1 ||
	    (s.height = (int)strtol(argv[3], NULL, 10)) < 1) {
		fprintf(stderr, "usage: stream MODEL WIDTH HEIGHT [PREPROCESS]\n");
		return 2;
	}
	s.preprocess = argv[4];
	s.pixels = malloc((size_t)s.width * (size_t)s.height * 3);
	int failed = !s.pixels || mo_model_load(argv[1], &s.model) ||
		     mo_input_info(s.model, 0, &s.input) ||
		     mo_request_new(s.model, 0, &s.request) || run(&s) < 0;
	if (failed)
		fprintf(stderr, "stream: %s\n", mo_error());
	mo_request_free(s.request);
	mo_model_free(s.model);
	free(s.pixels);
	return failed;
}
