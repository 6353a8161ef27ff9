#' Layers
#'
#' What [nn_model()] is made of. A layer is an ordinary list of settings; its parameters are drawn
#' when [nn_fit()] starts, from R's random numbers, so that [set.seed()] is enough to get them
#' again.
#'
#' \tabular{ll}{
#' [layer_dense()] \tab a weighted sum of all features \cr
#' [layer_conv1d()], [layer_conv2d()], [layer_depthwise_conv2d()], [layer_conv2d_transpose()] \tab
#'   windows over sequences and images \cr
#' [layer_max_pool1d()], [layer_max_pool2d()], [layer_average_pool1d()], [layer_average_pool2d()],
#'   [layer_global_max_pool()], [layer_global_average_pool()] \tab fewer positions \cr
#' [layer_rnn()], [layer_lstm()], [layer_gru()] \tab sequences, step by step \cr
#' [layer_multi_head_attention()], [layer_positional()] \tab sequences, all steps at once \cr
#' [layer_embedding()] \tab numbers for codes \cr
#' [layer_batch_norm()], [layer_layer_norm()] \tab mean 0 and variance 1 \cr
#' [layer_dropout()] \tab noise in training \cr
#' [layer_activation()], [layer_prelu()] \tab the [activations] \cr
#' [layer_flatten()], [layer_reshape()], [layer_permute()] \tab another shape \cr
#' [layer_add()], [layer_multiply()], [layer_average()], [layer_concat()] \tab several into one \cr
#' [layer_lambda()] \tab any function of an array \cr
#' [nn_shared()] \tab layers at several places, with the same weights
#' }
#'
#' @section Dimensions:
#' Data have samples first: `n x features`, `n x time x features`, `n x height x width x channels`.
#' So do all settings: a `kernel_size` or a `dim` is in the order height, width, channels, and never
#' counts the samples.
#'
#' Inside a network dimensions are reversed: features or channels come first, where they are next to
#' each other in memory, and samples last. What a [layer_lambda()] sees is therefore `aperm()` of
#' what its user has in mind, a matrix of `features x n`. A product is `W %*% h`, and a vector with
#' an element for each feature is recycled as R does it: `h + bias`.
#'
#' @section Beside Keras and PyTorch:
#' Formulas are those of PyTorch where the two differ. Some defaults differ among the
#' three:
#'
#' \tabular{llll}{
#' \tab **here** \tab **Keras 3** \tab **PyTorch** \cr
#' weights before a `"relu"` or the like \tab He, normal \tab Glorot, uniform \tab uniform (1) \cr
#' other dense and convolutional weights \tab Glorot, uniform \tab Glorot, uniform \tab uniform (1)
#'   \cr
#' biases \tab 0 \tab 0 \tab uniform (1) \cr
#' recurrent weights \tab orthogonal blocks \tab orthogonal \tab uniform (2) \cr
#' biases of an LSTM's forget gate \tab 1 \tab 1 \tab uniform (2) \cr
#' order of the blocks of a GRU \tab r, z, n \tab z, r, n \tab r, z, n \cr
#' embeddings \tab uniform within 0.05 \tab uniform within 0.05 \tab normal, sd 1 \cr
#' what stays of the running mean in [layer_batch_norm()] \tab 0.9 \tab 0.99 \tab 0.9 \cr
#' `eps` of normalisations \tab 1e-5 \tab 1e-3 \tab 1e-5 \cr
#' slope of [leaky_relu()] \tab 0.01 \tab 0.2, as a layer 0.3 \tab 0.01 \cr
#' padded zeros in an average pool \tab do not count \tab do not count \tab count \cr
#' [opt_adam()]: `eps` \tab 1e-8 \tab 1e-7 \tab 1e-8 \cr
#' [opt_adamw()]: `weight_decay` \tab 0.01 \tab 0.004 \tab 0.01 \cr
#' [opt_rmsprop()]: `lr` \tab 0.01 \tab 0.001 \tab 0.01 \cr
#' `rho`, `eps` \tab 0.99, 1e-8 \tab 0.9, 1e-7 \tab 0.99, 1e-8 \cr
#' [opt_adagrad()]: `lr` \tab 0.01 \tab 0.001 \tab 0.01 \cr
#' `eps`, start of `v` \tab 1e-10, 0 \tab 1e-7, 0.1 \tab 1e-10, 0 \cr
#' [opt_adadelta()]: `lr` \tab 1 \tab 0.001 \tab 1 \cr
#' `rho`, `eps` \tab 0.9, 1e-6 \tab 0.95, 1e-7 \tab 0.9, 1e-6 \cr
#' `clip_norm` \tab of all together \tab of each parameter \tab of all together
#' }
#' (1) within 1 / sqrt(inputs), (2) within 1 / sqrt(units)
#'
#' @section A layer of one's own:
#' [layer_lambda()] is the short way, for a function without parameters. In the package, a layer is
#' one file, `R/nn-layer-<name>.R`, and a line in its test. Its `layer_<name>()` checks the
#' settings and makes a list of class `nn_layer_<name>`, with methods for
#'
#' * `nn_layer_shape(layer, shape)`: the shape of the output. Shapes are of one sample, reversed:
#'   `c(channels, width, height)`. An input that does not fit is an `anygpu_error_shape`. By
#'   default the shape stays.
#' * `nn_layer_init(layer, shape)`: a named list of the starting values of what is trained, by
#'   default none; `nn_layer_state(layer, shape)`: of what is kept beside it, as running means.
#' * `nn_layer_forward(layer, w, h, ctx)`: the output, of the input `h` and the named list `w` of
#'   parameters and state, all of them arrays of the device. It is written with R's operators and
#'   functions and must not look at values, for it is run once, and what it computes is then
#'   repeated for each batch, its gradient too. `ctx$training` says whether this is for training,
#'   `ctx$uniform(dim)` gives random numbers that are new in each batch, `ctx$update(name,
#'   value)` sets a state.
#'
#' A layer that merges gets lists of shapes and inputs.
#'
#' @return Each function gives an object of class `nn_layer`, or of class `nn_node` where the
#'   output of another layer is put before its arguments.
#' @seealso [nn_model()], [nn_input()] for networks that are no chain.
#' @examples
#' # an image classifier
#' nn_model(layer_conv2d(16, 3, activation = "relu"), layer_max_pool2d(2), layer_flatten(),
#'          layer_dropout(0.3), layer_dense(10))
#'
#' # with a shortcut
#' x <- nn_input(8)
#' nn_model(x |> layer_dense(8, "relu") |> layer_batch_norm() |> layer_add(x) |> layer_dense(1))
#' @name layers
NULL
