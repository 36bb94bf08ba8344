#include "data/text_files.h"

#include <algorithm>
#include <map>

#include "base/error.h"

namespace bantam::data {

namespace {

namespace fs = std::filesystem;

bool is_under(const Path& path, const Path& folder) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first ==
         folder.end();
}

class Finder {
 public:
  explicit Finder(const Path& folder) : root_(fs::canonical(folder)) { known_[root_] = folder; }

  void folder(const Path& path) {
    std::vector<fs::directory_entry> entries;
    std::error_code problem;
    fs::directory_iterator it(path, problem), end;
    for (; !problem && it != end; it.increment(problem)) entries.push_back(*it);
    if (problem) throw Error("cannot list it: " + problem.message()).in(path.string());
    std::ranges::sort(entries, {}, [](const fs::directory_entry& e) { return e.path(); });
    // What lies here before what links lead to: a file is read under its own name.
    for (const bool links : {false, true})
      for (const fs::directory_entry& e : entries)
        if (e.is_symlink(problem) == links) entry(e.path(), links);
  }

  TextFiles take() {
    std::ranges::sort(found_.files);
    return std::move(found_);
  }

 private:
  void skip(const Path& path, std::string why) {
    found_.skipped.push_back({path.string(), std::move(why)});
  }

  void entry(const Path& path, bool link) {
    std::error_code problem;
    if (path.filename().string().starts_with(".")) return skip(path, "hidden");
    const fs::file_status status = fs::status(path, problem);
    if (status.type() == fs::file_type::not_found) return skip(path, "a link that leads nowhere");
    if (problem) return skip(path, link ? "a link that leads in a circle" : problem.message());
    const bool folder = fs::is_directory(status);
    if (!folder && !fs::is_regular_file(status)) return skip(path, "no regular file");
    if (!folder && kind_of_text(path).empty())
      return skip(path, "not .txt, .md or .jsonl");
    const Path real = fs::canonical(path, problem);
    if (problem) return skip(path, problem.message());
    if (link && folder && is_under(root_, real))
      return skip(path, "a link to " + real.string() + ", in which this folder lies");
    const auto [known, fresh] = known_.try_emplace(real, path);
    if (!fresh) return skip(path, "the same as " + known->second.string() + ", which is read");
    if (link && !is_under(real, root_)) found_.outside.push_back({path.string(), real.string()});
    if (folder)
      this->folder(path);
    else
      found_.files.push_back(path);
  }

  Path root_;
  std::map<Path, Path> known_;  // by where it really is: under which name it is read
  TextFiles found_;
};

}  // namespace

std::string kind_of_text(const Path& path) {
  std::string kind = path.extension().string();
  for (char& c : kind)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return kind == ".txt" || kind == ".md" || kind == ".jsonl" ? kind : "";
}

TextFiles find_text_files(const Path& folder) {
  Finder finder(folder);
  finder.folder(folder);
  return finder.take();
}

}  // namespace bantam::data
