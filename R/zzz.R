.onLoad <- function(libname, pkgname) {
  .Call(C_setup, topenv(), system.file("kernels", package = pkgname, lib.loc = libname))
}

.onUnload <- function(libpath) {
  gc()
  library.dynam.unload("anygpu", libpath)
}
