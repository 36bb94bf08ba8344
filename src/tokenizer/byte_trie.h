// Finds all strings of a set that begin at a place of a text. Built once: the nodes lie in
// breadth-first order, the children of a node side by side, sorted by their byte.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "base/rooms.h"

namespace bantam::tokenizer {

class ByteTrie {
 public:
  ByteTrie() { root_.fill(0); }
  // Distinct, non-empty strings and their values (not negative).
  explicit ByteTrie(std::vector<std::pair<std::string_view, std::int32_t>> entries) : ByteTrie() {
    std::sort(entries.begin(), entries.end());
    struct Range {
      std::size_t begin, end, depth;
    };
    std::vector<Range> level{{0, entries.size(), 0}};
    values_.push_back(-1);
    bytes_.push_back(0);
    for (std::size_t node = 0; node < level.size(); ++node) {
      auto [begin, end, depth] = level[node];
      first_.push_back(static_cast<std::uint32_t>(values_.size()));
      if (begin < end && entries[begin].first.size() == depth)
        values_[node] = entries[begin++].second;
      while (begin < end) {
        const char byte = entries[begin].first[depth];
        std::size_t next = begin + 1;
        while (next < end && entries[next].first[depth] == byte) ++next;
        if (node == 0)
          root_[static_cast<unsigned char>(byte)] = static_cast<std::uint32_t>(values_.size());
        level.push_back({begin, next, depth + 1});
        values_.push_back(-1);
        bytes_.push_back(static_cast<unsigned char>(byte));
        begin = next;
      }
    }
    first_.push_back(static_cast<std::uint32_t>(values_.size()));
  }

  // Calls found(size, value) for each string that begins at `at`, the shortest first.
  template <class Found>
  void walk(std::string_view text, std::size_t at, Found found) const {
    std::uint32_t node = root_[static_cast<unsigned char>(text[at])];
    for (std::size_t size = 1; node != 0; ++size) {
      if (values_[node] >= 0) found(size, values_[node]);
      if (at + size == text.size()) return;
      node = child(node, static_cast<unsigned char>(text[at + size]));
    }
  }

 private:
  std::uint32_t child(std::uint32_t node, unsigned char byte) const {
    const unsigned char* const all = bytes_.data();
    const unsigned char* begin = all + first_[node];
    const unsigned char* const end = all + first_[node + 1];
    if (end - begin > 16) begin = std::lower_bound(begin, end, byte);
    while (begin < end && *begin < byte) ++begin;
    return begin < end && *begin == byte ? static_cast<std::uint32_t>(begin - all) : 0;
  }

  std::array<std::uint32_t, 256> root_;  // 0: no child (no node is the root's ancestor)
  std::vector<std::uint32_t> first_;     // child of a node; one more than there are nodes
  std::vector<unsigned char> bytes_;
  std::vector<std::int32_t> values_;
};

}  // namespace bantam::tokenizer
