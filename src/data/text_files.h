// The text files under a folder, in an order that does not depend on the file system.
#pragma once

#include <string>
#include <vector>

#include "base/file.h"

namespace bantam::data {

struct TextFiles {
  struct Note {
    std::string path, why;
  };
  std::vector<Path> files;     // by path
  std::vector<Note> skipped;   // everything else that lies there, and why it is not read
  std::vector<Note> outside;   // links that lead out of the folder, and where: they are read
};

// ".txt", ".md" or ".jsonl" in lower case; empty: a file of another kind.
std::string kind_of_text(const Path& path);

// Every .txt, .md and .jsonl file under `folder`. Links are followed; no folder and no file is read
// twice. Throws Error when a folder cannot be listed.
TextFiles find_text_files(const Path& folder);

}  // namespace bantam::data
