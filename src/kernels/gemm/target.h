// Compiles part of a file for an instruction set. Include everything first; between BEGIN and END
// only functions of an anonymous namespace, no lambdas (clang leaves them out), and no call of an
// inline function from outside: its copy, compiled for the instruction set, is what the linker
// might give to everybody. GCC 12 warns there at every signed index of an array of vectors, so it
// does not.
#pragma once

#define BANTAM_PRAGMA(text) _Pragma(#text)
#if defined(__clang__)
#define BANTAM_TARGET_BEGIN(features) \
  BANTAM_PRAGMA(clang attribute push(__attribute__((target(features))), apply_to = function))
#define BANTAM_TARGET_END BANTAM_PRAGMA(clang attribute pop)
#define BANTAM_UNROLL BANTAM_PRAGMA(unroll)
#else
#define BANTAM_TARGET_BEGIN(features)                       \
  BANTAM_PRAGMA(GCC diagnostic push)                        \
  BANTAM_PRAGMA(GCC diagnostic ignored "-Wsign-conversion") \
  BANTAM_PRAGMA(GCC push_options)                           \
  BANTAM_PRAGMA(GCC target(features))
#define BANTAM_TARGET_END BANTAM_PRAGMA(GCC pop_options) BANTAM_PRAGMA(GCC diagnostic pop)
#define BANTAM_UNROLL BANTAM_PRAGMA(GCC unroll 32)
#endif
#define BANTAM_INLINE inline __attribute__((always_inline))
