# First and second derivatives of every kind of node against finite differences of base R.

of_vectors <- list(
  "sum" = function(x) sum(x * different(length(x))),
  "product with itself" = function(x) sum(x * x * x),
  "quotient" = function(x) sum(different(length(x)) / x / (1 + x)),
  "mean" = function(x) mean(x)^3,
  "prod" = function(x) prod(x),
  "max" = function(x) max(x)^3 * sum(x),
  "min" = function(x) exp(min(x * x)),
  "range" = function(x) diff(range(x))^2,
  "var" = function(x) var(x^2),
  "norm" = function(x) sqrt(sum(x^2)),
  "softmax" = function(x) sum((exp(x - max(x)) / sum(exp(x - max(x))))^2 * different(length(x))),
  "recycled" = function(x) sum(x[1:3]^2 * x),
  "slices" = function(x) sum(x[2:4]^3 * x[3:5]) + sum(x[6:1]^2 * different(6)),
  "take" = function(x) sum(x[c(1, 5, 1, 3)]^3 * different(4)),
  "negative index" = function(x) sum(x[-c(2, 4)]^3),
  "concat" = function(x) sum(c(x[3:1]^2, x * 2, x[2])^2 * different(length(x) + 4)),
  "rev" = function(x) sum(rev(x)^2 * x),
  "reshape" = function(x) { dim(x) <- c(2, 3); sum(x[1, ]^3 * x[2, ]) },
  "cumsum" = function(x) sum(cumsum(x)^3 * different(length(x))),
  "cumprod" = function(x) sum(cumprod(x)^2 * different(length(x))),
  "cummax" = function(x) sum(cummax(x)^3 * different(length(x))),
  "cummin" = function(x) sum(cummin(x)^3 * different(length(x))),
  "assigned" = function(x) { x[2:4] <- x[1:3]^2; sum(x^3) },
  "assigned at positions" = function(x) { x[c(5, 1)] <- x[3] * x[2]; sum(x^3) },
  "assigned by a comparison" = function(x) {
    x[x > 1] <- x[2]^2
    sum(x^3)
  },
  "of several" = function(x) max(x, 1.2, x[2]^3)^3 + sum(x, x^2) * min(x[1], x[2]^2),
  "assigned by a mask" = function(x) {
    x[c(TRUE, FALSE, TRUE, FALSE, FALSE, TRUE)] <- 2
    sum(x^3)
  },
  "ifelse" = function(x) sum(ifelse(x > 0.9, x^3, x^2)),
  "pmax" = function(x) sum(pmax(x, 0.9)^3),
  "outer" = function(x) sum(outer(x, x)^2 * different(length(x)^2)),
  "ignored in part" = function(x) x[1]^3,
  "power" = function(x) sum(x^x[1]),
  "atan2" = function(x) sum(atan2(x, rev(x))),
  "log of a base" = function(x) sum(log(x + 2, 1 + x[2])),
  "modulo" = function(x) sum((x^2 %% 0.7)^2)
)

of_matrices <- list(
  "product" = function(x) sum((x %*% matrix(different(12), 4))^3),
  "product from the left" = function(x) sum((matrix(different(12), 4) %*% x)^3),
  "product with itself" = function(x) sum(crossprod(x)^2 * different(16)),
  "tcrossprod" = function(x) sum(tcrossprod(x, x^2) * different(9)),
  "transposed" = function(x) sum((t(x) %*% x)^2) + sum(t(x)[2:3, ]^3),
  "rows and columns" = function(x) sum(rowSums(x)^3) + sum(colMeans(x)^3),
  "column bias" = function(x) sum((x * rowSums(x)) ^ 2),
  "max of rows" = function(x) sum(rowMaxs(x)^2 * rowSums(x)),
  "products of columns" = function(x) sum(colProds(x)^2 * different(4)),
  "softmax of columns" = function(x) sum(softmax(x)^2 * different(12)),
  "log sum exp" = function(x) sum(colLogSumExps(x * 2)^2),
  "variances" = function(x) sum(rowVars(x)^2),
  "scaled" = function(x) sum(((x - rowMeans(x)) / sqrt(rowMeans((x - rowMeans(x))^2) + 0.1))^3),
  "rows taken" = function(x) sum(x[c(3, 1, 3), c(2, 2, 4)]^3 * different(9)),
  "aperm" = function(x) sum(aperm(x, c(2, 1))^3 * different(12)),
  "norms" = function(x) norm(x, "F")^3 + norm(x, "I")^2 + norm(x)^2,
  "diagonal" = function(x) sum(diag(x)^3),
  "bound" = function(x) sum(rbind(x^2, x[1:2, ])^2 * different(20)),
  "sweep" = function(x) sum(sweep(x, 2, colSums(x))^3),
  "running columns" = function(x) sum(colCumsums(x)^3) + sum(colCumprods(x)^2 * different(12)),
  "running extremes" = function(x) {
    sum(rowCummaxs(x)^3 * different(12)) + sum(colCummins(x)^3 * different(12))
  },
  "assigned" = function(x) {
    x[2, ] <- x[1, ]^2
    x[, 3] <- x[, 1] * x[2, 2]
    sum(x^3 * different(12))
  },
  "columns by positions" = function(x) {
    x[c(3, 1), c(4, 2)] <- x[1:2, 1:2]^2
    sum(x^3 * different(12))
  }
)

# What base R has under another name.
base_of <- list(
  rowMaxs = function(x) apply(x, 1, max), colProds = function(x) apply(x, 2, prod),
  colLogSumExps = function(x) log(colSums(exp(x))), rowVars = function(x) apply(x, 1, var),
  softmax = function(x) exp(x) / rep(colSums(exp(x)), each = nrow(x)),
  colCumsums = function(x) apply(x, 2, cumsum), colCumprods = function(x) apply(x, 2, cumprod),
  rowCummaxs = function(x) t(apply(x, 1, cummax)), colCummins = function(x) apply(x, 2, cummin)
)
in_base <- function(f) {
  environment(f) <- list2env(base_of, parent = environment(f))
  f
}

test_that("first and second derivatives of functions of vectors are right", {
  x <- c(0.7, 1.3, 0.4, 1.1, 1.6, 0.8)
  for (name in thinned(names(of_vectors), 6)) {
    f <- of_vectors[[name]]
    expect_derivatives(f, x, in_base(f), info = name)
  }
})

test_that("first and second derivatives of functions of matrices are right", {
  x <- matrix(c(0.7, 1.3, 0.4, 1.1, 1.6, 0.8, 1.45, 0.55, 0.95, 1.2, 0.35, 1.7), 3)
  for (name in thinned(names(of_matrices), 4)) {
    f <- of_matrices[[name]]
    expect_derivatives(f, x, in_base(f), info = name)
  }
})

test_that("first and second derivatives of every row of ops.def are right", {
  rows <- anygpu:::ops_table()
  rows <- rows[rows$differentiable & rows$name != "stop" & rows$arity < 3, ]
  rows <- rows[!rows$domain %in% c("logical", "integer", "bits"), ]
  set.seed(7)
  for (i in thinned(sample(nrow(rows)), 8)) {
    row <- rows[i, ]
    f <- row_function(row)
    reference <- row_reference(row)
    # away from halves and whole numbers, where the steps, corners and poles are
    x <- (floor(2 * draw(row$domain, 8 * row$arity)) + runif(8 * row$arity, 0.3, 0.7)) / 2
    if (row$name == "digamma") {
      expect_error(gpu_grad(function(x) sum(gpu_grad(function(u) sum(f(u)), x)), gpu(x)),
                   class = "anygpu_error_argument")
    } else if (row$arity == 1) {
      of_one <- function(f) function(x) sum(f(x) * different(8))
      expect_derivatives(of_one(f), x, of_one(reference), info = row$name)
    } else {
      of_both <- function(f) function(x) sum(f(x[1:8], x[9:16]) * different(8))
      expect_derivatives(of_both(f), x, of_both(reference), info = row$name)
    }
  }
})
