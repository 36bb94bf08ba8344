// The usual mixes of block types: which tensor gets which, as files of the field have it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/view.h"

namespace bantam::shrink {

// What a matrix is for, as far as mixes tell matrices apart.
enum class Place : std::uint8_t {
  embedding,  // the table alone
  head,       // output.weight, or the embedding where it is the head too
  query,
  key,
  value,  // also where q, k and v are one tensor
  attention_out,
  gate,
  up,
  down,
  other
};
Place place_of(std::string_view gguf_name, bool tied);

// Where a rule of a mix applies.
struct Spot {
  std::int64_t layer = 0, layers = 1;  // among the tensors of its place
  std::int64_t queries_a_key = 1;      // query heads that share a key head
  bool importance = false;             // an importance matrix is used
};

struct MixRule {
  Place place;
  bool (*when)(const Spot& spot);
  Type type;
};

struct Mix {
  std::string_view name;
  std::uint32_t file_type;         // general.file_type
  Type type;                       // of what no rule names
  std::span<const MixRule> rules;  // the first that applies
};

std::span<const Mix> mixes();
const Mix* find_mix(std::string_view name);  // case does not matter; null: none of that name
Type mix_type(const Mix& mix, Place place, const Spot& spot);

}  // namespace bantam::shrink
