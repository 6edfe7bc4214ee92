/* What the machine is, for results that are kept. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/file.h"
#include "base/threads.h"
#include "cli/suite.h"
#include "version.h"

/* What follows the first "key : " in a text of lines; up to n - 1 bytes. */
static void field(const char *text, const char *key, char *out, size_t n)
{
	const char *p = text ? strstr(text, key) : NULL;
	p = p ? strchr(p, ':') : NULL;
	size_t len = p ? strcspn(p + 1, "\n") : 0;
	p = p ? p + 1 : "";
	while (len && *p == ' ') {
		p++;
		len--;
	}
	len = len < n ? len : n - 1;
	memcpy(out, p, len);
	out[len] = 0;
}

static void add_file_line(cJSON *o, const char *name, const char *path)
{
	char *text = NULL;
	size_t size;
	if (!file_slurp(path, 4096, &text, &size, NULL)) {
		text[strcspn(text, "\n")] = 0;
		cJSON_AddStringToObject(o, name, text);
	}
	free(text);
}

/* Cores, not their threads: each is counted where the first of its threads is. */
static int cores(void)
{
	int n = 0;
	for (int i = 0; i < (int)sysconf(_SC_NPROCESSORS_CONF); i++) {
		char path[96], *text = NULL;
		size_t size;
		snprintf(path, sizeof path,
		    "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", i);
		n += !file_slurp(path, 4096, &text, &size, NULL) && strtol(text, NULL, 10) == i;
		free(text);
	}
	return n;
}

cJSON *machine_json(void)
{
	cJSON *o = cJSON_CreateObject();
	char *text = NULL, cpu[128] = "";
	size_t size;
	struct utsname u;
	if (!file_slurp("/proc/cpuinfo", 4 << 20, &text, &size, NULL))
		field(text, "model name", cpu, sizeof cpu);
	free(text);
	cJSON_AddStringToObject(o, "cpu", cpu);
	cJSON_AddStringToObject(o, "isa", cpu_level());
	cJSON_AddNumberToObject(o, "cores", cores());
	cJSON_AddNumberToObject(o, "threads", threads_available());
	add_file_line(o, "governor", "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
	if (!uname(&u)) {
		cJSON_AddStringToObject(o, "kernel", u.release);
		cJSON_AddStringToObject(o, "architecture", u.machine);
	}
	cJSON_AddStringToObject(o, "mo", MO_VERSION);
	return o;
}
