// What was answered so far, kept beside the report: a run that was killed goes on from there.
#pragma once

#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/file.h"
#include "base/json.h"

namespace bantam::judge {

class Journal {
 public:
  // Reads what a run of the same settings has left there; `settings` tells runs apart. Throws Error
  // when it cannot be written, or what is there is another run's, or no journal.
  Journal(Path path, const std::string& settings);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // The answer to an item, or null.
  const Json* find(const std::string& task, const std::string& doc) const;
  std::size_t found() const { return entries_.size(); }
  // Adds an answer, and hands it to the system before it returns.
  void add(const std::string& task, const std::string& doc, const Json& answer);
  // The report is written: the journal goes.
  void remove();

 private:
  void open();
  void read(const std::string& settings);
  void write(const Json& line);
  Path path_;
  int descriptor_ = -1;
  std::uint64_t good_ = 0;  // bytes of whole lines
  std::map<std::pair<std::string, std::string>, Json> entries_;
};

// Takes away what an earlier run has left there, whatever its settings. Throws Error where something else is.
void forget_journal(const Path& path);

}  // namespace bantam::judge
