/* A program with its network inside, which several threads run at once on one copy of the weights.
 * The blob is of mo-compile, for this machine's instruction set; nothing is read from any file.
 *   mo-compile net.xml -o net.blob
 *   cc -DBLOB='"net.blob"' embedded.c $(pkg-config --cflags --libs mo) -pthread -o embedded
 * usage: embedded [THREADS] */
#include <mo.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* At a multiple of 64, so that the weights are used where they are. */
__asm__(".section .rodata\n.balign 64\nnet_begin: .incbin \"" BLOB "\"\nnet_end: .byte 0\n.text\n");
extern const char net_begin[] __asm__("net_begin"), net_end[] __asm__("net_end");

#define RUNS 20
#define MAX_THREADS 64

static struct mo_model *model;

struct worker {
	pthread_t thread;
	float *score; /* of the last run, its own copy */
	size_t bytes;
	char error[256];
};

/* Its own request, with one thread, on its own data. */
static void *work(void *arg)
{
	struct worker *w = arg;
	struct mo_request *request = NULL;
	struct mo_tensor in, out;
	int status = mo_input_info(model, 0, &in);
	status = status ? status : mo_request_new(model, 1, &request);
	in.data = status ? NULL : calloc(1, (size_t)mo_tensor_bytes(&in));
	for (int i = 0; i < RUNS && !status; i++)
		status = mo_request_run(request, &in, &out);
	if (status)
		snprintf(w->error, sizeof w->error, "%s", mo_error());
	else if ((w->score = malloc(w->bytes = (size_t)mo_tensor_bytes(&out))))
		memcpy(w->score, out.data, w->bytes);
	free(in.data);
	mo_request_free(request);
	return NULL;
}

/* Where the time goes, by layer. */
static void print_call(
    void *user, const char *layer, const char *type, const char *kernel, double seconds)
{
	(void)user;
	printf("%9.4f ms  %-12s %s (%s)\n", seconds * 1e3, kernel, layer, type);
}

static int profile(void)
{
	struct mo_request *request = NULL;
	struct mo_tensor in, out;
	int status = mo_input_info(model, 0, &in);
	status = status ? status : mo_request_new(model, 1, &request);
	in.data = status ? NULL : calloc(1, (size_t)mo_tensor_bytes(&in));
	status = status ? status : mo_request_profile(request, &in, &out, print_call, NULL);
	if (!status)
		printf("computed in %s\n", mo_request_precision(request));
	free(in.data);
	mo_request_free(request);
	return status;
}

int main(int argc, char **argv)
{
	static struct worker worker[MAX_THREADS];
	int n = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 2, same = 1, failed = 0;
	n = n < 1 ? 1 : n > MAX_THREADS ? MAX_THREADS : n;
	if (mo_model_load_memory(net_begin, (size_t)(net_end - net_begin), NULL, &model) ||
	    profile()) {
		fprintf(stderr, "embedded: %s\n", mo_error());
		return 1;
	}
	for (int i = 0; i < n; i++)
		if (pthread_create(&worker[i].thread, NULL, work, &worker[i]))
			return 1;
	for (int i = 0; i < n; i++) {
		pthread_join(worker[i].thread, NULL);
		failed |= !worker[i].score;
		if (worker[i].error[0])
			fprintf(stderr, "embedded: %s\n", worker[i].error);
	}
	for (int i = 1; i < n && !failed; i++)
		same &= !memcmp(worker[i].score, worker[0].score, worker[0].bytes);
	if (!failed)
		printf(
		    "%d runs in %d threads, results %s\n", n * RUNS, n, same ? "equal" : "DIFFER");
	for (int i = 0; i < n; i++)
		free(worker[i].score);
	mo_model_free(model);
	return failed || !same;
}
