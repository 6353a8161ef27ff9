/* Tuning of matrix products on OpenCL: at first use, remembered in memory and in a file, and by
 * request. The first use is a GPU's; here one is posed. */
#include "threads.h"
#include "values_kit.h"

static char file_path[300];
static const char *tuning_file(void) { return file_path; }

static ag_cl_state *state(void) { return dev->state; }
static ag_mm_variant *best(ag_mm_how how, ag_mm_class c) {
  return &state()->target.products.best[how][c];
}

static void forget(void) { memset(&state()->target.products, 0, sizeof(ag_mm_choices)); }

/* Builds the product of a matrix of float32 and a vector: of class NARROW. */
static void first_use(void) {
  ag_kernel *k = calloc(1, sizeof *k);
  *k = (ag_kernel){.kind = AG_K_MATMUL, .nslots = 3};
  k->mm.type = AG_F32, k->mm.m = 500, k->mm.n = 1, k->mm.k = 700;
  k->mm.slot_b = 1, k->mm.slot_c = 2, k->mm.block = 1, k->mm.ldc = 500;
  k->mm.rs_a = 1, k->mm.cs_a = 500, k->mm.rs_b = 1, k->mm.cs_b = 700;
  CHECK_OK(ag_device_build(dev, k));
  dev->table->unbuild(dev, k);
  free(k);
}

static int lines(void) {
  int n = 0, c;
  FILE *f = fopen(file_path, "r");
  if (!f) return -1;
  while ((c = fgetc(f)) != EOF) n += c == '\n';
  fclose(f);
  return n;
}

static void test_first_use(void) {
  ag_mm_variant was;
  char key[700], text[AG_MM_TEXT], line[1000] = "";
  first_use();
  CHECK(best(AG_MM_F32, AG_MM_NARROW)->kind == AG_MM_NONE, "tuned, though not asked for");
  state()->tunes = 1;
  const double start = ag_threads_seconds();
  first_use();
  was = *best(AG_MM_F32, AG_MM_NARROW);
  CHECK(was.kind == AG_MM_SKINNY || was.kind == AG_MM_GROUPED, "kind %d", (int)was.kind);
  CHECK(best(AG_MM_F32, AG_MM_LARGE)->kind == AG_MM_NONE, "another class was tuned");
  CHECK(ag_threads_seconds() - start < 30, "%g seconds", ag_threads_seconds() - start);
  CHECK(lines() == 1, "%d lines", lines());
  FILE *f = fopen(file_path, "r");
  if (f && !fgets(line, sizeof line, f)) *line = 0;
  if (f) fclose(f);
  ag_mm_print(&was, text);
  snprintf(key, sizeof key, "%s\t%s\tfloat32\tnarrow\t%s\n", dev->name, dev->driver, text);
  CHECK(!strcmp(line, key), "the file has: %s", line);
  first_use();
  CHECK(lines() == 1, "measured twice");
}

/* What the file says is taken, if it is a candidate; other devices' lines and rubbish are not. */
static void test_file(void) {
  FILE *f = fopen(file_path, "w");
  fprintf(f, "rubbish\n%s\t%s\tfloat32\tnarrow\tskinny 32 rows, 8 slices\n", dev->name,
          dev->driver);
  fprintf(f, "%s\t%s\tfloat32\tnarrow\tskinny 1 rows, 1 slices\n", dev->name, dev->driver);
  fprintf(f, "Other GPU\t%s\tfloat32\tnarrow\tgrouped\n", dev->driver);
  fclose(f);
  forget();
  const int64_t builds = ag_stat.builds;
  first_use();
  CHECK(best(AG_MM_F32, AG_MM_NARROW)->tile_m == 32, "%d rows",
        best(AG_MM_F32, AG_MM_NARROW)->tile_m);
  CHECK(ag_stat.builds - builds <= 1, "measured, though the file has it");
  CHECK(lines() == 4, "%d lines", lines());
}

/* Nothing is written without the user's consent, nor does that hinder. */
static void test_no_file(void) {
  const int n = lines();
  forget();
  ag_hook_tuning_file = NULL;
  first_use();
  CHECK(best(AG_MM_F32, AG_MM_NARROW)->kind != AG_MM_NONE, "not tuned");
  CHECK(lines() == n, "written");
  snprintf(file_path, sizeof file_path, "/nowhere/at/all");
  ag_hook_tuning_file = tuning_file;
  forget();
  first_use();
  CHECK(best(AG_MM_F32, AG_MM_NARROW)->kind != AG_MM_NONE, "not tuned");
}

static void test_request(void) {
  static ag_tuning report;
  int chosen = 0;
  CHECK_OK(ag_device_tune(dev, 0.2, &report));
  CHECK(report.n >= 2, "%d rows", report.n);
  for (int i = 0; i < report.n; i++) {
    CHECK(report.row[i].gflops > 0, "%s", report.row[i].variant);
    chosen += report.row[i].chosen;
  }
  CHECK(chosen == 1 + dev->has_f64, "%d are chosen", chosen);
  CHECK(best(AG_MM_F32, AG_MM_LARGE)->kind == AG_MM_PACKED, "nothing was taken");
  ag_device *host = NULL;
  CHECK_OK(ag_device_find(&host, "host"));
  CHECK_OK(ag_device_tune(host, 0.1, &report));
  CHECK(report.n == 0, "%d rows for host", report.n);
}

int main(int argc, char **argv) {
  int status;
  if (!open_opencl(argc, argv, &status)) return status;
  const char *dir = getenv("TMPDIR");
  snprintf(file_path, sizeof file_path, "%s/anygpu-test-tune-%ld", dir ? dir : "/tmp",
           (long)(ag_threads_seconds() * 1e6));
  ag_hook_tuning_file = tuning_file;
  pretend(1, dev->has_f64);
  test_first_use();
  test_file();
  char written[sizeof file_path];
  memcpy(written, file_path, sizeof written);
  test_no_file();
  remove(written);
  pretend(0, dev->has_f64);
  forget();
  ag_hook_tuning_file = NULL;
  test_request();
  CHECK(ag_device_memory(dev).live_buffers == 0, "buffers leak");
  ag_device_shutdown();
  return check_summary(0);
}
