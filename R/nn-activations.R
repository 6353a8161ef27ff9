# One row per activation; each takes a device array with features first and samples last.
nn_activations <- list(
  linear = function(z) z,
  relu = function(z) relu(z),
  sigmoid = function(z) sigmoid(z),
  tanh = function(z) tanh(z),
  softmax = function(z) nn_softmax_first(z)
)

# The activation's name, or an error.
nn_activation <- function(x, name = "activation") {
  nn_choice(x, name, names(nn_activations), "linear")
}

nn_activate <- function(name, z) nn_activations[[name]](z)

# exp(z_i) / sum_i exp(z_i) along the first dimension; taking out the largest keeps exp() in range,
# and no gradient passes through it, since the result does not depend on it.
nn_softmax_first <- function(z) .Call(C_nn_softmax, z)
