/* Runs of suites in a sqlite3 database, with the machine each ran on. */
#include <sqlite3.h>
#include <time.h>

#include "base/library.h"
#include "cli/suite.h"

#define FUNCTIONS(F)                 \
	F(sqlite3_bind_double)       \
	F(sqlite3_bind_text)         \
	F(sqlite3_busy_timeout)      \
	F(sqlite3_close)             \
	F(sqlite3_errmsg)            \
	F(sqlite3_exec)              \
	F(sqlite3_finalize)          \
	F(sqlite3_last_insert_rowid) \
	F(sqlite3_open)              \
	F(sqlite3_prepare_v2)        \
	F(sqlite3_step)
LIBRARY(sqlite, "libsqlite3.so.0", FUNCTIONS);

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS run (id INTEGER PRIMARY KEY, suite TEXT, at TEXT, machine TEXT,"
    " cpu TEXT, isa TEXT, mo TEXT);"
    "CREATE TABLE IF NOT EXISTS result (run INTEGER REFERENCES run(id), name TEXT, model TEXT,"
    " backend TEXT, precision TEXT, mode TEXT, batch INTEGER, threads INTEGER, streams INTEGER,"
    " status TEXT, reason TEXT, latency_ms REAL, latency_min_ms REAL, throughput_fps REAL);";
/* What version 0.4 and before did not have: in a database that has them, these change nothing. */
static const char *const columns[] = {"ALTER TABLE run ADD COLUMN cores INTEGER",
    "ALTER TABLE run ADD COLUMN governor TEXT", "ALTER TABLE run ADD COLUMN kernel TEXT",
    "ALTER TABLE result ADD COLUMN single_pass_ms REAL",
    "ALTER TABLE result ADD COLUMN outliers INTEGER", NULL};

static int sql_fail(sqlite3 *db, const char *path, struct err *err)
{
	return fail(err, E_IO, "'%s': sqlite: %s", path, db ? lib.sqlite3_errmsg(db) : "no memory");
}

static const char *word(const cJSON *o, const char *key)
{
	const cJSON *j = cJSON_GetObjectItem(o, key);
	return cJSON_IsString(j) ? j->valuestring : NULL;
}

/* Runs one statement with words for its first nwords parameters and numbers for the rest. */
static bool insert(sqlite3 *db, const char *sql, const char *const *words, int nwords,
    const double *numbers, int nnumbers)
{
	sqlite3_stmt *st = NULL;
	bool ok = lib.sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK;
	for (int i = 0; i < nwords && ok; i++)
		ok = lib.sqlite3_bind_text(st, i + 1, words[i], -1, SQLITE_TRANSIENT) == SQLITE_OK;
	for (int i = 0; i < nnumbers && ok; i++)
		ok = lib.sqlite3_bind_double(st, nwords + i + 1, numbers[i]) == SQLITE_OK;
	ok = ok && lib.sqlite3_step(st) == SQLITE_DONE;
	return lib.sqlite3_finalize(st) == SQLITE_OK && ok;
}

static bool insert_run(sqlite3 *db, const struct suite *s)
{
	char at[32];
	time_t now = time(NULL);
	struct tm t;
	cJSON *machine = machine_json();
	cJSON_AddItemToObject(machine, "backends", cJSON_Duplicate(s->backends, true));
	char *text = cJSON_PrintUnformatted(machine);
	strftime(at, sizeof at, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &t));
	const char *const words[] = {s->name, at, text, word(machine, "cpu"), word(machine, "isa"),
	    word(machine, "mo"), word(machine, "governor"), word(machine, "kernel")};
	const double cores[] = {cJSON_GetNumberValue(cJSON_GetObjectItem(machine, "cores"))};
	bool ok = insert(db,
	    "INSERT INTO run (suite, at, machine, cpu, isa, mo, governor, kernel, cores)"
	    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
	    words, 8, cores, 1);
	cJSON_free(text);
	cJSON_Delete(machine);
	return ok;
}

static bool insert_result(sqlite3 *db, const struct suite *s, int i, double run)
{
	const struct suite_case *v = &s->v[i];
	struct suite_result r = suite_result(s, i);
	const char *const words[] = {s->cases.v[i].name, v->model, v->backend, v->precision,
	    v->mode, r.ok ? "ok" : "failed", s->cases.v[i].reason};
	const double numbers[] = {run, (double)v->batch, (double)v->threads, (double)v->streams,
	    r.latency, r.minimum, r.fps, r.pass, r.outliers};
	return insert(db,
	    "INSERT INTO result (name, model, backend, precision, mode, status, reason, run, batch,"
	    " threads, streams, latency_ms, latency_min_ms, throughput_fps, single_pass_ms, "
	    "outliers)"
	    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	    words, 7, numbers, r.ok && v->ours ? 9 : 7);
}

int suite_database(const struct suite *s, const char *path, struct err *err)
{
	sqlite3 *db = NULL;
	int e = library_load(&sqlite, err);
	if (e)
		return e;
	bool ok = lib.sqlite3_open(path, &db) == SQLITE_OK;
	if (ok)
		lib.sqlite3_busy_timeout(db, 60000); /* another suite may be adding its run */
	ok = ok && lib.sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK &&
	     lib.sqlite3_exec(db, schema, NULL, NULL, NULL) == SQLITE_OK;
	for (int i = 0; columns[i] && ok; i++)
		lib.sqlite3_exec(db, columns[i], NULL, NULL, NULL);
	ok = ok && insert_run(db, s);
	double run = ok ? (double)lib.sqlite3_last_insert_rowid(db) : 0;
	for (int i = 0; i < s->cases.n && ok; i++)
		ok = insert_result(db, s, i, run);
	ok = ok && lib.sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
	e = ok ? OK : sql_fail(db, path, err);
	lib.sqlite3_close(db);
	return e;
}
