// The program `bantam`; see program.h.
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/program.h"

int main(int argc, char** argv) {
  int status = 1;
  try {
    bantam::cli::hold_standard_descriptors();
    bantam::cli::watch_signals();
    const std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
    status = bantam::cli::run_program(words);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bantam: %s\n", error.what());
  }
  bantam::cli::end_by_signal();
  return status;
}
