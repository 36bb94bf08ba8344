// What a teacher says at the tokens of a text: shares of each that is trained on, found out once and kept in a
// file that is mapped, so that several students may learn from it and none of it need fit into memory.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/rooms.h"
#include "data/dataset.h"
#include "models/loader.h"
#include "ops/soft_target.h"
#include "tensor/runtime.h"
#include "train/shares.h"

namespace bantam::infer {
class Session;
}

namespace bantam::train {

class SoftStore {
 public:
  // Of the tokens of these documents that count in the loss. Nothing is asked yet. `vocabulary`: the student's,
  // which a teacher's logits may go beyond. `store` outlives this.
  SoftStore(std::shared_ptr<const ModelFile> teacher, const Path& path, const TokenStore& store,
            std::vector<std::int64_t> documents, std::int64_t vocabulary, const TeacherSettings& settings);

  // Tells apart what was asked of whom: no result of one purpose is of another.
  const std::string& purpose() const { return purpose_; }
  // Bytes of the file.
  std::uint64_t bytes() const;

  // From the file `kept` where it is of this purpose, else asked document by document and written there, whole
  // or not at all. `go_on` is asked between documents; false: it said no. Throws Error.
  bool fill(const Path& kept, Runtime runtime, const std::function<bool(std::int64_t done)>& go_on);

  // What may stand at a token of a document; empty where nothing was asked. After fill(). Throws Error where the
  // file is damaged.
  ops::SoftTarget at(std::int64_t document, std::int64_t token) const;

 private:
  class Writer;
  bool take(const Path& kept);
  void ask(Writer& to, infer::Session& session, std::int64_t document) const;

  std::shared_ptr<const ModelFile> teacher_;
  const TokenStore& store_;
  std::vector<std::int64_t> documents_;
  std::int64_t vocabulary_;
  TeacherSettings settings_;
  std::uint64_t width_;                // tokens of an entry, at most
  std::vector<std::int64_t> first_;    // of each document of the store: its first entry; -1: none
  std::int64_t entries_ = 0;
  std::string purpose_;
  std::optional<MappedFile> file_;
};

}  // namespace bantam::train
