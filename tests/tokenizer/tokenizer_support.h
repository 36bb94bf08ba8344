// Small tokenizers made in a test, and the plainest way to do what they do.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/tokenizer_json.h"

namespace bantam::test {

using Ids = std::vector<std::int32_t>;

inline std::shared_ptr<const Tokenizer> from_json(const std::string& json) {
  return std::make_shared<const Tokenizer>(read_tokenizer_json(json, "tokenizer.json"));
}

// The message of what `make` throws; empty when it throws nothing.
template <class Make>
std::string message_of(Make make) {
  try {
    make();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

// A folder that goes when the test ends.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "bantam-text-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// 256 bytes, then what random merges make, then two control tokens. Merges are such as training
// makes: each of tokens that are there already.
inline TrainedTokenizer random_bpe(std::uint64_t seed, int merges, const std::string& alphabet) {
  TrainedTokenizer t;
  for (int byte = 0; byte < 256; ++byte) t.tokens.emplace_back(1, static_cast<char>(byte));
  std::uint64_t state = seed * 2654435761u + 1;
  const auto random = [&](std::size_t n) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::size_t>(state >> 33) % n;
  };
  std::map<std::string, bool> there;
  for (int tries = 0; static_cast<int>(t.merges.size()) < merges && tries < merges * 50; ++tries) {
    const auto pick = [&]() -> std::int32_t {
      const std::size_t made = t.tokens.size() - 256;
      if (made > 0 && random(2) == 0) return static_cast<std::int32_t>(256 + random(made));
      return static_cast<unsigned char>(alphabet[random(alphabet.size())]);
    };
    const std::int32_t left = pick(), right = pick();
    const std::string joined =
        t.tokens[static_cast<std::size_t>(left)] + t.tokens[static_cast<std::size_t>(right)];
    if (joined.size() > 12 || there[joined]) continue;
    there[joined] = true;
    t.merges.emplace_back(left, right);
    t.tokens.push_back(joined);
  }
  t.special = {static_cast<std::int32_t>(t.tokens.size()),
               static_cast<std::int32_t>(t.tokens.size()) + 1};
  t.tokens.push_back("<|begin|>");
  t.tokens.push_back("<|im_end|>");
  t.bos = t.special[0];
  t.eos = t.special[1];
  t.pre_tokenizer = "gpt-2";
  return t;
}

// Merges by looking through all pairs again and again.
inline Ids plain_bpe(const TrainedTokenizer& t, const std::string& word) {
  Ids ids;
  for (const char c : word) ids.push_back(static_cast<unsigned char>(c));
  std::map<std::pair<std::int32_t, std::int32_t>, std::pair<std::size_t, std::int32_t>> ranks;
  std::map<std::string, std::int32_t> id_of;
  for (std::size_t i = 0; i < t.tokens.size(); ++i)
    id_of.emplace(t.tokens[i], static_cast<std::int32_t>(i));
  for (std::size_t rank = 0; rank < t.merges.size(); ++rank) {
    const auto [left, right] = t.merges[rank];
    const std::string joined =
        t.tokens[static_cast<std::size_t>(left)] + t.tokens[static_cast<std::size_t>(right)];
    ranks.emplace(t.merges[rank], std::make_pair(rank, id_of.at(joined)));
  }
  for (;;) {
    std::size_t best = t.merges.size(), at = 0;
    for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
      const auto found = ranks.find({ids[i], ids[i + 1]});
      if (found == ranks.end() || found->second.first >= best) continue;
      best = found->second.first;
      at = i;
    }
    if (best == t.merges.size()) return ids;
    ids[at] = ranks.at({ids[at], ids[at + 1]}).second;
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
}

inline std::string random_text(std::uint64_t seed, std::size_t size, const std::string& alphabet) {
  std::string text;
  std::uint64_t state = seed;
  while (text.size() < size) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    text += alphabet[static_cast<std::size_t>(state >> 33) % alphabet.size()];
  }
  return text;
}

}  // namespace bantam::test
