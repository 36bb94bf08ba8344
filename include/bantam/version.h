/* The version of the library and of the program: what CMake, the program and pkg-config say comes
 * from here. CHANGELOG.md says what is in it. */
#ifndef BANTAM_VERSION_H
#define BANTAM_VERSION_H

#define BANTAM_VERSION "0.1.0"

#endif
