/* An interrupted tool removes its unfinished outputs and dies by the signal. */
#include <signal.h>
#include <stddef.h>

#include "base/file.h"
#include "cli/signals.h"

static void on_signal(int sig)
{
	output_cleanup();
	/* The handler was reset on entry, and the signal is let through when it returns. */
	raise(sig);
}

void signals_setup(void)
{
	static const int caught[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
	for (size_t i = 0; i < sizeof caught / sizeof *caught; i++) {
		struct sigaction now, sa = {.sa_handler = on_signal, .sa_flags = SA_RESETHAND};
		/* A signal that our parent ignores (nohup) stays ignored. */
		if (sigaction(caught[i], NULL, &now) || now.sa_handler == SIG_IGN)
			continue;
		sigfillset(&sa.sa_mask);
		sigaction(caught[i], &sa, NULL);
	}
}
