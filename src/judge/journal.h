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
  // Reads what a run of the same settings has left there; `settings` tells runs apart. A journal of
  // another run is begun anew. Throws Error when it cannot be written.
  Journal(Path path, const std::string& settings);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // The answer to an item, or null.
  const Json* find(const std::string& task, const std::string& doc) const;
  std::size_t found() const { return entries_.size(); }
  // Whether there was a journal of other settings, which is gone now.
  bool replaced() const { return replaced_; }
  // Adds an answer, and hands it to the system before it returns.
  void add(const std::string& task, const std::string& doc, const Json& answer);
  // The report is written: the journal goes.
  void remove();

 private:
  void read(const std::string& settings);
  void write(const std::string& line);
  Path path_;
  int descriptor_ = -1;
  bool replaced_ = false;
  std::uint64_t good_ = 0;  // bytes of whole lines
  std::map<std::pair<std::string, std::string>, Json> entries_;
};

}  // namespace bantam::judge
