// ViennaCL's matrix product, on its default OpenCL device: "viennacl SIZE..." prints lines as
// bench/gpu.c does.
#define VIENNACL_WITH_OPENCL
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>
#include <viennacl/linalg/prod.hpp>
#include <viennacl/matrix.hpp>

static double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

static void bench(std::size_t n) {
  typedef viennacl::matrix<float, viennacl::column_major> matrix;
  matrix a(n, n), b(n, n), c(n, n);
  std::vector<std::vector<float>> x(n, std::vector<float>(n));
  for (std::size_t i = 0; i < n * n; i++) x[i / n][i % n] = float(i * 7919 % 1000) / 500 - 1;
  viennacl::copy(x, a), viennacl::copy(x, b);
  double best = 1e300, until = now() + 4;
  for (int i = 0; i < 4 || (i < 50 && now() < until); i++) {
    const double start = now();
    c = viennacl::linalg::prod(a, b);
    viennacl::backend::finish();
    const double t = now() - start;
    if (i && t < best) best = t;
  }
  std::printf("matmul float32 exact %zu\t%.4g\tGFLOP/s\t\n", n, 2e-9 * double(n) * n * n / best);
  std::fflush(stdout);
}

int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++) bench(std::size_t(std::atoll(argv[i])));
}
