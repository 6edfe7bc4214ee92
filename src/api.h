/* What the files behind mo.h share. */
#ifndef API_H
#define API_H

#include <pthread.h>

#include "exec/exec.h"
#include "mo.h"
#include "store/store.h"

struct mo_model {
	struct stored net;
	struct graph *g; /* of net */
	enum cache_use use;
	struct exec_options o;
	pthread_mutex_t lock; /* of exec */
	struct exec *exec; /* never runs: it keeps what all requests share; NULL before the first */
};

/* Keeps the words for mo_error, and gives the status back. */
int api_failed(int status, struct err *err);
/* Our tensor as the caller's; the data are the same. */
void api_give(const struct tensor *t, struct mo_tensor *out);

#endif
