// Runs a fuzz target over files and over the files of folders, without libFuzzer: kept inputs stay
// fixed with any compiler. Usage: fuzz_replay_NAME [-v] FILE|FOLDER...
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int count, char** arguments) {
  namespace fs = std::filesystem;
  std::string doing = "reading the arguments";
  try {
    std::vector<fs::path> inputs;
    bool verbose = false;
    for (int i = 1; i < count; ++i) {
      const std::string argument = arguments[i];
      if (argument == "-v") {
        verbose = true;  // the last name printed is the input that crashed
      } else if (fs::is_directory(argument)) {
        for (const fs::directory_entry& entry : fs::directory_iterator(argument))
          inputs.push_back(entry.path());
      } else {
        inputs.emplace_back(argument);
      }
    }
    std::sort(inputs.begin(), inputs.end());
    for (const fs::path& input : inputs) {
      doing = input.string();
      if (verbose) std::fprintf(stderr, "%s\n", doing.c_str());
      const std::string bytes = bantam::read_file(input);
      LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    }
    std::printf("%zu inputs replayed\n", inputs.size());
    return inputs.empty() ? 1 : 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: not caught: %s\n", doing.c_str(), error.what());
    return 1;
  }
}
