// Training text, as the questions about it (--trained-on, --memorised) read it, and what of it they did not
// read: a question is no clean one because the file that holds it was passed over.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/json.h"
#include "data/documents.h"

namespace bantam::judge {

struct TrainingText {
  std::vector<std::string> paths;
  std::int64_t files = 0, documents = 0;
  std::vector<TextFiles::Note> not_read;  // files of the folders, and why
  std::vector<TextFiles::Note> in_part;   // files with places that are no text, or records without a word

  // For people, a line each: how many files, the first of them and why. Empty: everything was read.
  std::vector<std::string> notes() const;
  // {"paths", "files", "documents", "not_read", "read_in_part": {"files": how many, "list": [{"file", "why"}]}}
  Json json() const;
};

// Every document under the paths, each with its place, "PATH, document N". Throws Error: a path that is not
// there, or cannot be read, or holds no text; with file and line a record that is broken.
TrainingText read_training_text(const std::vector<std::string>& paths, const ReadOptions& options,
                                const std::function<void(Document&&, const std::string& place)>& take);

}  // namespace bantam::judge
