// Sets of questions as their publishers give them: JSON lines, JSON, CSV, plain text, packed by gzip
// or not, in a folder of the user's. Every record is a JSON object.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/json.h"

namespace bantam::judge {

// Where records lie in a folder of data. The kind of file is told by its ending: .jsonl, .json,
// .csv, .lst (a record {"line"} for each line), .raw and .txt (one record {"text"}); ".gz" may
// follow.
struct Source {
  std::string path;                  // relative; one `*` in the name of the file takes any text
  std::string star;                  // the field that gets what `*` took
  std::vector<std::string> columns;  // of a CSV without a head line
  std::string at;                    // of a JSON file: the member that holds the list
  std::string number;                // a field; records are kept whose number is in [from, to]
  std::int64_t from = 0, to = 0;
  std::string beside, as;            // a file of lines beside it, and the field that gets each
};

// A file that was read.
struct DataFile {
  std::string path;  // relative to the folder
  std::string sha256;  // of the unpacked bytes
  std::uint64_t bytes = 0;
};

class DataFolder {
 public:
  explicit DataFolder(Path root) : root_(std::move(root)) {}
  const Path& root() const { return root_; }

  // Whether one of the sources is there.
  bool has(const std::vector<Source>& sources) const;
  // The records of the first source that is there. Throws Error: none is (`where` says where the
  // set is had); with file and line what cannot be read.
  std::vector<Json> read(const std::vector<Source>& sources, const std::string& where);
  // Every file that was read, in order, once.
  const std::vector<DataFile>& files() const { return files_; }
  void forget_files() { files_.clear(); }

  // The files of a source that are there, in order, as paths inside the folder.
  std::vector<std::string> matches(const Source& source) const;

 private:
  std::string bytes_of(const std::string& relative);
  void read_one(const Source& source, const std::string& relative, std::vector<Json>& out);

  Path root_;
  std::vector<DataFile> files_;
};

// Lines of a file: where a record begins, and where the names of its fields stand (of a table its first row).
struct RecordPlace {
  std::uint64_t line, names_line;
};

// The records of one file, for tests and tasks of a user's own; `name` is what errors name and whose
// ending tells the kind. In UTF-8, or in UTF-16 as some programs export tables.
std::vector<Json> parse_records(std::string text, const std::string& name,
                                const Source& source = {});
// The same, one by one, each with its place; those of a .json file have no lines, and line 1 is said.
void read_records(std::string text, const std::string& name, const Source& source,
                  const std::function<void(Json&&, const RecordPlace&)>& take);

// The bytes of a file, unpacked when its name ends in ".gz". Throws Error when they are more than
// 1 GiB.
std::string read_unpacked(const Path& path);

}  // namespace bantam::judge
