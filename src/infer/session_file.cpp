// A sequence's tokens, keys and values in a file, so that a long prompt is evaluated once:
// "BANTAMKV", the length of a JSON head (u64, little-endian), the head, the tokens (i32), the
// cache's pieces in its own order, and the SHA-256 of all that. The numbers are as this machine has
// them in memory (little-endian everywhere Bantam runs).
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <span>

#include "base/error.h"
#include "base/hash.h"
#include "blocks/format.h"
#include "infer/session.h"

namespace bantam::infer {

namespace {

constexpr std::string_view kMagic = "BANTAMKV";
constexpr std::size_t kDigest = sizeof(Sha256::Digest);

// Which model: names, types and shapes of its tensors, and of each the bytes at both ends (of a
// model of gigabytes not all, which would take longer than the prompt).
std::string fingerprint(const ModelFile& file) {
  constexpr std::size_t kEnd = 4096;
  Sha256 sum;
  const auto add = [&](std::string_view text) { sum.add(std::as_bytes(std::span(text))); };
  for (const TensorInfo& t : file.tensors().tensors()) {
    add(t.name + " " + t.type_name + " " + t.shape.text() + "\n");
    const std::size_t count = std::min(kEnd, t.data.size());
    sum.add(t.data.first(count));
    sum.add(t.data.last(count));
  }
  return sum.hex();
}

class Reader {
 public:
  explicit Reader(const Path& path) : file_(path), rest_(file_.bytes()) {}
  std::string name() const { return file_.path().string(); }
  std::size_t left() const { return rest_.size(); }
  [[noreturn]] void refuse(const std::string& why) const { throw Error(why).in(name()); }

  std::span<const std::byte> take(std::size_t count) {
    if (count > rest_.size()) refuse("the file is shorter than it says; remove it");
    const auto part = rest_.first(count);
    rest_ = rest_.subspan(count);
    return part;
  }
  // Throws Error unless the file ends with the sum of what stands before.
  void check_sum() {
    if (rest_.size() < kMagic.size() + kDigest ||
        std::memcmp(rest_.data(), kMagic.data(), kMagic.size()) != 0)
      refuse("this is not a prompt that was saved");
    Sha256 sum;
    sum.add(rest_.first(rest_.size() - kDigest));
    const Sha256::Digest digest = sum.digest();
    if (std::memcmp(digest.data(), rest_.last(kDigest).data(), kDigest) != 0)
      refuse("the file is damaged; remove it");
    rest_ = rest_.first(rest_.size() - kDigest).subspan(kMagic.size());
  }

 private:
  MappedFile file_;
  std::span<const std::byte> rest_;
};

}  // namespace

// What a saved sequence depends on, beside its tokens.
Json Session::signature(std::int64_t slot) const {
  if (!file_) throw Error("a model in memory has no file by which a saved prompt could be told");
  Json head = {{"model", fingerprint(*file_)},
               {"arithmetic", static_cast<int>(arithmetic())},
               {"cache", static_cast<int>(cache_type())}};
  const std::int32_t chosen = adapter(slot);
  const std::string& changed =
      chosen == kNoAdapter ? variant_ : choices_[static_cast<std::size_t>(chosen)];
  if (!changed.empty()) head["adapter"] = changed;
  // Frequencies that are fixed when a model is opened, from the context asked for.
  const std::string& scaling = config().rope_scaling.kind;
  if (scaling == "longrope" || scaling == "dynamic") head["context"] = context_;
  return head;
}

void Session::save(std::int64_t slot, const Path& file) {
  const std::span<const std::int32_t> ids = tokens(slot);
  const auto length = static_cast<std::int64_t>(ids.size());
  Json head = signature(slot);
  head["tokens"] = length;
  head["starts"] = cache_->starts(slot);
  const std::string text = to_text(head);
  AtomicFile out(file, S_IRUSR | S_IWUSR);
  Sha256 sum;
  const auto put = [&](std::span<const std::byte> bytes) {
    sum.add(bytes);
    out.write(bytes);
  };
  const std::uint64_t size = text.size();
  put(std::as_bytes(std::span(kMagic)));
  put(std::as_bytes(std::span(&size, 1)));
  put(std::as_bytes(std::span(text)));
  put(std::as_bytes(ids));
  cache_->visit(slot, length, [&](std::size_t, std::span<std::byte> bytes) { put(bytes); });
  out.write(sum.digest());
  out.commit();
}

std::int64_t Session::load(std::int64_t slot, const Path& file,
                           std::span<const std::int32_t> wanted) {
  trim(slot, 0);
  Reader reader(file);
  reader.check_sum();
  std::uint64_t size = 0;
  std::memcpy(&size, reader.take(sizeof size).data(), sizeof size);
  const auto head_bytes = reader.take(size);
  const Json head = parse_json(
      {reinterpret_cast<const char*>(head_bytes.data()), head_bytes.size()}, reader.name());
  const Json own = signature(slot);
  const auto another = [&](const std::string& key) {
    reader.refuse("the prompt was saved for another " + key +
                  "; remove the file, or name another one");
  };
  for (const auto& [key, value] : own.items())
    if (!head.is_object() || !head.contains(key) || head[key] != value) another(key);
  if (head.contains("adapter") && !own.contains("adapter")) another("adapter");
  if (!head.contains("tokens") || !head["tokens"].is_number_integer() || !head.contains("starts") ||
      !head["starts"].is_array())
    reader.refuse("tokens and starts were expected");
  const auto length = head["tokens"].get<std::int64_t>();
  std::vector<std::int64_t> starts;
  for (const Json& start : head["starts"])
    starts.push_back(start.is_number_integer() ? start.get<std::int64_t>() : -1);
  if (length < 0 || static_cast<std::size_t>(length) > reader.left() / sizeof(std::int32_t))
    reader.refuse("the file is shorter than it says; remove it");
  std::vector<std::int32_t> ids(static_cast<std::size_t>(length));
  const auto id_bytes = reader.take(ids.size() * sizeof(std::int32_t));
  std::ranges::copy(id_bytes, std::as_writable_bytes(std::span(ids)).begin());
  require_known(ids);

  const std::size_t most = wanted.empty() ? 0 : std::min(wanted.size() - 1, ids.size());
  const auto [differ, ignored] = std::mismatch(
      wanted.begin(), wanted.begin() + static_cast<std::ptrdiff_t>(most), ids.begin());
  std::int64_t same = differ - wanted.begin();
  same = std::min(same, cache_->shape().context);
  try {
    return take_saved(slot, std::span(ids).first(static_cast<std::size_t>(same)), length, starts,
                      [&](std::size_t bytes) { return reader.take(bytes); });
  } catch (const Error&) {
    trim(slot, 0);
    throw;
  }
}

std::int64_t Session::take_saved(
    std::int64_t slot, std::span<const std::int32_t> ids, std::int64_t saved,
    std::span<const std::int64_t> starts,
    const std::function<std::span<const std::byte>(std::size_t bytes)>& take) {
  const auto length = static_cast<std::int64_t>(ids.size());
  // Where a window has moved on, less than the whole may be nothing.
  const std::vector<CacheShape::Layer>& layers = cache_->shape().layers;
  for (std::size_t i = 0; i < std::min(starts.size(), layers.size()); ++i)
    if (starts[i] > std::max<std::int64_t>(length + 1 - layers[i].window, 0) ||
        length - starts[i] > cache_->shape().room(layers[i]))
      return 0;
  if (length == 0) return 0;
  cache_->set_starts(slot, starts, length);
  cache_->visit(slot, length, [&](std::size_t layer, std::span<std::byte> bytes) {
    const std::int64_t position = format(cache_type()).bytes(layers[layer].head_dim);
    const auto from = take(static_cast<std::size_t>((saved - starts[layer]) * position));
    std::memcpy(bytes.data(), from.data(), bytes.size());
  });
  tokens_[static_cast<std::size_t>(slot)].assign(ids.begin(), ids.end());
  return length;
}

}  // namespace bantam::infer
