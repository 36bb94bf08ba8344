// The system calls that a sandboxed program may not make, as a filter for Linux's seccomp.
#pragma once

#include <string>

#include "base/rooms.h"

namespace bantam::judge {

// The bytes of the filter, as bubblewrap's --seccomp reads them: no new processes (threads are none),
// no new namespaces, no tracing of others. What is refused fails with EPERM.
std::string sandbox_filter();

}  // namespace bantam::judge
