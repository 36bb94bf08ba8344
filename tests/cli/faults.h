// Faults on demand for this test program: memory that ends at the n-th allocation, or a failure of
// the n-th call to the system that writes. faults.cpp replaces `operator new`, aligned_alloc,
// write, fsync and rename.
#pragma once

#include <cstddef>

namespace bantam::test {

// From the n-th allocation on (from 0) no more memory is handed out than was in use then: what is
// freed can be had again, as on a machine that is full. Negative: there is enough.
void end_memory_at(long allocation);
// The n-th call fails with this errno; 0: a write is short instead.
void fail_call(long call, int error);
// Whether the n-th allocation or call has come since.
bool fault_reached();

}  // namespace bantam::test
