# NAMESPACE and man/ from the comments in R/, by roxygen2 with the installed package (`make docs`
# installs it first), in a copy: the tree is not compiled.
copy <- file.path(tempdir(), "anygpu")
dir.create(copy)
invisible(file.copy(c("DESCRIPTION", "NAMESPACE", "R", "man"), copy, recursive = TRUE))
roxygen2::roxygenise(copy, load_code = "installed")
unlink("man", recursive = TRUE)
invisible(file.copy(file.path(copy, c("NAMESPACE", "man")), ".", recursive = TRUE,
                    overwrite = TRUE))
