// Memory that costs what is written of it: address space at first, whose pages, small ones, come
// zeroed when they are touched and can be given back.
#pragma once

#include <cstddef>

#include "base/rooms.h"

namespace bantam::base {

class LazyMemory {
 public:
  // Throws bad_alloc when there is not even the address space.
  explicit LazyMemory(std::size_t bytes);
  ~LazyMemory();
  LazyMemory(LazyMemory&& other) noexcept;
  LazyMemory& operator=(LazyMemory&&) = delete;

  std::byte* data() const { return data_; }
  std::size_t size() const { return size_; }
  // The pages that lie wholly in [from, to) are given back to the system; what stood there is
  // zeroed or as it was.
  void give_back(std::size_t from, std::size_t to);
  // Whether what is touched of [from, to) from now on may come in huge pages: fewer are looked up, but a byte
  // costs 2 MiB. A wish: systems without them do nothing.
  void in_huge_pages(std::size_t from, std::size_t to, bool huge);

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace bantam::base
