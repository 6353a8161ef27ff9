/* CLBlast's sgemm, on the first GPU, else the first device: "clblast SIZE..." prints lines as
 * bench/gpu.c does. */
#define CL_TARGET_OPENCL_VERSION 120
#include <clblast_c.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  timespec_get(&t, TIME_UTC);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int find_device(cl_device_id *d) {
  cl_platform_id platform[8];
  cl_uint n = 0;
  clGetPlatformIDs(8, platform, &n);
  for (cl_uint i = 0; i < n; i++)
    if (clGetDeviceIDs(platform[i], CL_DEVICE_TYPE_GPU, 1, d, NULL) == CL_SUCCESS) return 1;
  for (cl_uint i = 0; i < n; i++)
    if (clGetDeviceIDs(platform[i], CL_DEVICE_TYPE_ALL, 1, d, NULL) == CL_SUCCESS) return 1;
  return 0;
}

static cl_mem matrix(cl_context context, cl_command_queue queue, size_t n) {
  float *x = malloc(n * n * sizeof *x);
  if (!x) exit(1);
  for (size_t i = 0; i < n * n; i++) x[i] = (float)(i * 7919 % 1000) / 500 - 1;
  cl_mem m = clCreateBuffer(context, CL_MEM_READ_WRITE, n * n * sizeof *x, NULL, NULL);
  clEnqueueWriteBuffer(queue, m, CL_TRUE, 0, n * n * sizeof *x, x, 0, NULL, NULL);
  free(x);
  return m;
}

static void bench(cl_context context, cl_command_queue queue, size_t n) {
  cl_mem a = matrix(context, queue, n), b = matrix(context, queue, n),
         c = matrix(context, queue, n);
  double best = 1e300, until = now() + 4;
  for (int i = 0; i < 4 || (i < 50 && now() < until); i++) {
    const double start = now();
    if (CLBlastSgemm(CLBlastLayoutColMajor, CLBlastTransposeNo, CLBlastTransposeNo, n, n, n, 1, a,
                     0, n, b, 0, n, 0, c, 0, n, &queue, NULL) != CLBlastSuccess)
      exit(1);
    clFinish(queue);
    const double t = now() - start;
    if (i && t < best) best = t;
  }
  printf("matmul float32 exact %zu\t%.4g\tGFLOP/s\t\n", n, 2e-9 * (double)n * n * n / best);
  fflush(stdout);
  clReleaseMemObject(a), clReleaseMemObject(b), clReleaseMemObject(c);
}

int main(int argc, char **argv) {
  cl_device_id d;
  if (!find_device(&d)) return 1;
  cl_context context = clCreateContext(NULL, 1, &d, NULL, NULL, NULL);
  cl_command_queue queue = clCreateCommandQueue(context, d, 0, NULL);
  for (int i = 1; i < argc; i++) bench(context, queue, (size_t)atoll(argv[i]));
  clReleaseCommandQueue(queue);
  clReleaseContext(context);
  return 0;
}
