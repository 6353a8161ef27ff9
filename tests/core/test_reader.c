/* Files of samples: every sample once in a pass, whatever the thread does, and passes that are
 * broken off. Sample i is the byte i mod 256 and twice the integer i. */
#include "check.h"
#include "nn/reader.h"
#include <stdlib.h>

#define N        1000
#define CAPACITY 64
#define CHUNKS   16

static const char *path = "test_reader.bin";

static int file_write(int n) {
  FILE *f = fopen(path, "wb");
  if (!f) return 0;
  for (int i = 0; i < n; i++) {
    unsigned char b[9] = {(unsigned char)i};
    for (int j = 0; j < 8; j++) b[1 + j] = (unsigned char)(i >> 8 * (j % 4));
    fwrite(b, 1, sizeof b, f);
  }
  return fclose(f) == 0;
}

/* Reads at most `most` chunks; the sum of the samples' integers. */
static double pass(ag_reader *r, int most, int64_t *samples) {
  const void *data[2];
  double sum = 0;
  int64_t n = 1, wrong = 0;
  *samples = 0;
  for (int c = 0; c < most && n; c++) {
    CHECK_OK(ag_reader_next(r, &n, data));
    const float *byte = data[0];
    const double *word = data[1];
    for (int64_t i = 0; i < n; i++) {
      wrong += byte[i] != (float)((int)word[2 * i] & 255) || word[2 * i] != word[2 * i + 1];
      sum += word[2 * i];
    }
    *samples += n;
  }
  CHECK(wrong == 0, "%d samples", (int)wrong);
  return sum;
}

static const ag_reader_spec spec = {
    .n = N,
    .nfield = 2,
    .field = {{AG_FILE_U8, 1, AG_F32}, {AG_FILE_I32, 2, AG_F64}},
    .capacity = CAPACITY,
};

static ag_reader *reader_open(void) {
  ag_reader_spec s = spec;
  ag_reader *r;
  s.path = path;
  CHECK_OK(ag_reader_new(&r, &s));
  return r;
}

static void passes(ag_reader *r) {
  double first[CHUNKS];
  int64_t samples;
  for (int i = 0; i < CHUNKS; i++) first[i] = CAPACITY * ((i * 7) % CHUNKS);
  for (int p = 0; p < 20; p++) {
    CHECK_OK(ag_reader_start(r, CHUNKS, first));
    if (p % 3 == 0) {
      pass(r, p % 7, &samples);
      continue;
    }
    double sum = pass(r, CHUNKS + 1, &samples);
    CHECK(samples == N && sum == N * (N - 1) / 2.0, "%d samples, %g", (int)samples, sum);
  }
  first[0] = N;
  CHECK(ag_reader_start(r, 1, first) == AG_E_ARGUMENT, "a sample that is not there");
}

int main(void) {
  CHECK(file_write(N), "%s", path);
  for (int threads = 1; threads <= 2; threads++) {
    ag_threads_set(threads);
    for (int i = 0; i < 10; i++) {
      ag_reader *r = reader_open();
      if (r) passes(r);
      ag_reader_free(r);
    }
  }
  CHECK(file_write(10), "%s", path);
  ag_reader *r = reader_open();
  const double start = 0;
  const void *data[2];
  int64_t n;
  CHECK_OK(ag_reader_start(r, 1, &start));
  for (int i = 0; i < 2; i++)
    CHECK(ag_reader_next(r, &n, data) == AG_E_ARGUMENT, "a file that became shorter");
  ag_reader_free(r);
  remove(path);
  return check_summary(0);
}
