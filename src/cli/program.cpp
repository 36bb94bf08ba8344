#include "cli/program.h"

#include <cstdio>
#include <new>
#include <system_error>

#include "base/error.h"
#include "base/nearest.h"
#include "cli/habits.h"
#include "cli/interrupt.h"
#include "cli/memory_reserve.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "cli/version.h"

namespace bantam::cli {

namespace {

std::vector<std::string> verb_names() {
  std::vector<std::string> names;
  for (const Verb* verb : verbs()) names.emplace_back(verb->name);
  return names;
}

const Verb& need_verb(const std::string& word) {
  if (const Verb* verb = find_verb(word)) return *verb;
  if (const std::string advice = advice_on_verb(word); !advice.empty())
    throw Error("there is no verb \"" + printable(word, 60) + "\": " + advice, Error::Kind::usage);
  const std::string near = nearest(word, verb_names());
  throw Error("there is no verb \"" + printable(word, 60) + "\"; " +
                  (near.empty() ? "bantam --help lists those that there are"
                                : "did you mean " + near + "?"),
              Error::Kind::usage);
}

void run_verb(const Verb& verb, std::span<const std::string> words) {
  Options options;
  const std::function<void()> action = verb.declare(options);
  try {
    if (!parse(options, words)) {
      print(help_of(verb, options));
      return;
    }
  } catch (const Error& error) {
    throw Error(std::string(error.what()) + " (bantam " + std::string(verb.name) + " --help)",
                error.kind());
  }
  action();
}

void run(std::span<const std::string> words) {
  if (words.empty()) {
    std::fputs(overview().c_str(), stderr);
    throw Error("a verb was expected", Error::Kind::usage);
  }
  const std::string& first = words.front();
  if (first == "--version" || first == "version")
    return print(std::string("bantam ") + kVersion + "\n");
  if (first == "help" && words.size() > 1) {
    const std::string asked[] = {"--help"};
    return run_verb(need_verb(words[1]), asked);
  }
  if (first == "--help" || first == "-h" || first == "help") return print(overview());
  run_verb(need_verb(first), words.subspan(1));
}

constexpr int kPipeStatus = 128 + 13;  // as a shell tells of a program that SIGPIPE has ended

// One line on standard error, with no memory taken: there may be none.
int fail(const char* message, int status) noexcept {
  std::fflush(stdout);
  std::fputs("bantam: ", stderr);
  for (; *message != '\0'; ++message) std::fputc(*message == '\n' ? ' ' : *message, stderr);
  std::fputc('\n', stderr);
  return status;
}

}  // namespace

int run_program(std::span<const std::string> words) noexcept {
  try {
    const MemoryReserve reserve;
    run(words);
    flush();
    return 0;
  } catch (const PipeClosed&) {
    return kPipeStatus;
  } catch (const Interrupted&) {
    return fail("interrupted", 1);
  } catch (const Error& error) {
    return fail(error.what(), static_cast<int>(error.kind()));
  } catch (const std::bad_alloc&) {
    return fail("the system has not enough memory for this", 1);
  } catch (const std::system_error& error) {
    return fail(error.what(), 1);
  } catch (const std::exception& error) {
    return fail(error.what(), 1);
  } catch (...) {
    return fail("an unknown fault", 1);
  }
}

}  // namespace bantam::cli
