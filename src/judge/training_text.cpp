#include "judge/training_text.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/counting.h"
#include "base/error.h"

namespace bantam::judge {

namespace {

using Notes = std::vector<TextFiles::Note>;

std::string note_of(const Notes& files, std::string_view what) {
  return number_of(files.size(), "file") + (files.size() == 1 ? " was " : " were ") + std::string(what) +
         (files.size() == 1 ? ": " : ", the first of them ") + printable(files.front().path, 400) + ": " +
         printable(files.front().why, 400);
}

Json json_of(const Notes& files) {
  constexpr std::size_t kListed = 100;
  Json list = Json::array();
  for (std::size_t i = 0; i < std::min(files.size(), kListed); ++i)
    list.push_back({{"file", files[i].path}, {"why", files[i].why}});
  return {{"files", files.size()}, {"list", std::move(list)}};
}

void add(const ReadReport& read, TrainingText& to) {
  to.files += read.files;
  to.documents += read.documents;
  to.not_read.insert(to.not_read.end(), read.skipped.begin(), read.skipped.end());
  for (const TextFiles::Note& n : read.bad) {
    const bool wide = std::ranges::find(read.utf16, n.path) != read.utf16.end();
    to.in_part.push_back({n.path, (wide ? "not UTF-16: " : "not UTF-8: ") + n.why});
  }
  for (const TextFiles::Note& n : read.wordless) to.in_part.push_back({n.path, n.why + " without a word"});
}

}  // namespace

std::vector<std::string> TrainingText::notes() const {
  std::vector<std::string> out;
  if (!not_read.empty()) out.push_back(note_of(not_read, "not read"));
  if (!in_part.empty()) out.push_back(note_of(in_part, "read in part"));
  return out;
}

Json TrainingText::json() const {
  return {{"paths", paths}, {"files", files}, {"documents", documents}, {"not_read", json_of(not_read)}, {"read_in_part", json_of(in_part)}};
}

TrainingText read_training_text(const std::vector<std::string>& paths, const ReadOptions& options,
                                const std::function<void(Document&&, const std::string& place)>& take) {
  TrainingText out;
  out.paths = paths;
  for (const std::string& path : paths) {
    std::int64_t document = 0;
    add(read_documents(path, options, [&](Document&& d) { take(std::move(d), path + ", document " + std::to_string(document++)); }), out);
  }
  return out;
}

}  // namespace bantam::judge
