#include "train/soft_store.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/hash.h"
#include "infer/session.h"

namespace bantam::train {

// The file: the purpose (64 letters), then for each token of each document a number of ids, the ids and their
// shares, both with room for the most that there can be.
namespace {

constexpr std::size_t kHead = 64;

std::string purpose_of(const ModelFile& teacher, const Path& path, const TokenStore& store,
                       std::span<const std::int64_t> documents, const TeacherSettings& settings) {
  Sha256 sum;
  const std::string said = teacher_mark(teacher, path) + store.fingerprint();
  sum.add(std::as_bytes(std::span(said)));
  sum.add(std::as_bytes(documents));
  sum.add(std::as_bytes(std::span(&settings.share, 1)));
  sum.add(std::as_bytes(std::span(&settings.likeliest, 1)));
  return sum.hex();
}

}  // namespace

class SoftStore::Writer {
 public:
  Writer(const Path& path, std::uint64_t width, const std::string& purpose) : file_(path, 0600), entry_(1 + 2 * width), width_(width) {
    file_.write(purpose);
  }
  void nothing() { put({}); }
  void put(const SoftLabel& label) {
    std::ranges::fill(entry_, 0u);
    entry_[0] = static_cast<std::uint32_t>(label.ids.size());
    std::memcpy(entry_.data() + 1, label.ids.data(), label.ids.size() * 4);
    std::memcpy(entry_.data() + 1 + width_, label.shares.data(), label.shares.size() * 4);
    buffer_.insert(buffer_.end(), entry_.begin(), entry_.end());
    constexpr std::size_t kAtOnce = std::size_t{1} << 20;
    if (buffer_.size() >= kAtOnce) flush();
  }
  void commit() {
    flush();
    file_.commit();
  }

 private:
  void flush() {
    file_.write(std::as_bytes(std::span(buffer_)));
    buffer_.clear();
  }
  AtomicFile file_;
  std::vector<std::uint32_t> entry_, buffer_;
  std::uint64_t width_;
};

SoftStore::SoftStore(std::shared_ptr<const ModelFile> teacher, const Path& path, const TokenStore& store,
                     std::vector<std::int64_t> documents, std::int64_t vocabulary, const TeacherSettings& settings)
    : teacher_(std::move(teacher)),
      store_(store),
      documents_(std::move(documents)),
      vocabulary_(vocabulary),
      settings_(settings),
      // The label has a place of its own where it is not among the likeliest.
      width_(static_cast<std::uint64_t>(settings.likeliest) + 1),
      first_(static_cast<std::size_t>(store.documents()), -1),
      purpose_(purpose_of(*teacher_, path, store, documents_, settings)) {
  for (const std::int64_t d : documents_) {
    first_[static_cast<std::size_t>(d)] = entries_;
    entries_ += static_cast<std::int64_t>(store.document(d).size());
  }
}

std::uint64_t SoftStore::bytes() const { return kHead + static_cast<std::uint64_t>(entries_) * (1 + 2 * width_) * 4; }

bool SoftStore::take(const Path& kept) {
  std::error_code ignored;
  if (std::filesystem::file_size(kept, ignored) != bytes() || ignored) return false;
  MappedFile file(kept);
  if (std::memcmp(file.bytes().data(), purpose_.data(), kHead) != 0) return false;
  file_.emplace(std::move(file));
  return true;
}

// A document that is longer than the teacher's context is read in windows that overlap by half, so that the
// teacher has seen as much before each of its answers.
void SoftStore::ask(Writer& to, Session& session, std::int64_t document) const {
  const auto ids = store_.document(document);
  const auto weights = store_.weights(document);
  const std::size_t room = static_cast<std::size_t>(session.room()), half = std::max<std::size_t>(room / 2, 1);
  to.nothing();  // the first token is foretold by none
  for (std::size_t start = 0, next = 1; next < ids.size(); start += half) {
    const auto window = ids.subspan(start, std::min(room, ids.size() - 1 - start));
    session.trim(0, 0);
    const Session::Part part{0, window, Session::Want::all};
    session.evaluate({&part, 1}, [&](std::size_t, std::size_t index, std::span<const float> logits) {
      if (start + index + 1 != next) return;
      if (weights[next] > 0)
        to.put(soft_label(logits.first(std::min(logits.size(), static_cast<std::size_t>(vocabulary_))), ids[next], settings_));
      else
        to.nothing();
      ++next;
    });
  }
}

bool SoftStore::fill(const Path& kept, Runtime runtime, const std::function<bool(std::int64_t)>& go_on) {
  if (take(kept)) return true;
  std::int64_t longest = 1;
  for (const std::int64_t d : documents_) longest = std::max(longest, static_cast<std::int64_t>(store_.document(d).size()));
  SessionOptions options;
  options.positions = longest;
  options.cache = Type::f32;
  Session session(teacher_, runtime, options);
  Writer writer(kept, width_, purpose_);
  std::int64_t done = 0;
  for (const std::int64_t d : documents_) {
    if (!go_on(done++)) return false;
    ask(writer, session, d);
  }
  writer.commit();
  if (!take(kept)) throw Error("was written and is another now").in(kept.string());
  return true;
}

ops::SoftTarget SoftStore::at(std::int64_t document, std::int64_t token) const {
  const std::int64_t first = first_[static_cast<std::size_t>(document)];
  if (first < 0 || !file_) return {};
  const auto entry = static_cast<std::uint64_t>(first + token) * (1 + 2 * width_);
  const auto* words = reinterpret_cast<const std::uint32_t*>(file_->bytes().data() + kHead) + entry;
  if (words[0] > width_) throw Error("is damaged: remove it, and the teacher is asked again").in(file_->path().string());
  return {{reinterpret_cast<const std::int32_t*>(words + 1), words[0]},
          {reinterpret_cast<const float*>(words + 1 + width_), words[0]}};
}

}  // namespace bantam::train
