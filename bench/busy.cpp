// Decoding beside other work: tokens a second with one thread and with two, on an idle machine and
// with one of two cores taken by another process, in alternation. A pool whose threads waited for
// each other by spinning would fall far below one thread's speed. Usage: busy MODEL [rounds]
#include <fmt/format.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <vector>

#include "base/error.h"
#include "infer/session.h"

namespace bantam {

namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// A process that keeps one core busy.
class OtherWork {
 public:
  explicit OtherWork(int core) : child_(fork()) {
    if (child_ != 0) return;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<std::size_t>(core), &set);
    sched_setaffinity(0, sizeof set, &set);
    for (volatile unsigned work = 0;;) work = work + 1;
  }
  ~OtherWork() {
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
  }

 private:
  pid_t child_;
};

double speed(Session& session) {
  constexpr int kTokens = 48;
  session.trim(0, 0);
  const std::int32_t token = 5;
  const double start = now();
  for (int i = 0; i < kTokens; ++i) {
    const Session::Part part{0, std::span(&token, 1), Session::Want::last};
    session.evaluate(std::span(&part, 1), [](std::size_t, std::size_t, std::span<const float>) {});
  }
  return kTokens / (now() - start);
}

double median(std::vector<double> v) {
  std::nth_element(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2), v.end());
  return v[v.size() / 2];
}

void run(const std::string& path, int rounds) {
  // Two of the cores that this process may use, and no others: the other work has one of them.
  cpu_set_t allowed, two;
  CPU_ZERO(&two);
  sched_getaffinity(0, sizeof allowed, &allowed);
  int core = -1;
  for (std::size_t i = 0; i < CPU_SETSIZE && CPU_COUNT(&two) < 2; ++i)
    if (CPU_ISSET(i, &allowed)) {
      CPU_SET(i, &two);
      core = static_cast<int>(i);
    }
  if (CPU_COUNT(&two) < 2) throw Error("two processors are needed");
  sched_setaffinity(0, sizeof two, &two);
  const auto file = std::make_shared<const ModelFile>(Path(path));
  std::vector<std::unique_ptr<Session>> sessions;
  for (const unsigned threads : {1u, 2u}) {
    SessionOptions options;
    options.threads = threads;
    options.context = 256;
    sessions.push_back(std::make_unique<Session>(file, options));
    speed(*sessions.back());
  }
  std::vector<double> figures[2][2];  // [busy][threads - 1]
  for (int round = 0; round < rounds; ++round)
    for (const int busy : {0, 1}) {
      const std::unique_ptr<OtherWork> other = busy ? std::make_unique<OtherWork>(core) : nullptr;
      for (const int threads : {0, 1})
        figures[busy][threads].push_back(speed(*sessions[static_cast<std::size_t>(threads)]));
    }
  for (const int busy : {0, 1}) {
    const double one = median(figures[busy][0]), both = median(figures[busy][1]);
    fmt::print("{}: 1 thread {:.1f} tokens/s, 2 threads {:.1f} ({:.2f} x)\n",
               busy ? "one core busy" : "idle         ", one, both, both / one);
  }
}

}  // namespace

}  // namespace bantam

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "busy: busy MODEL [rounds]\n");
    return 2;
  }
  try {
    bantam::run(argv[1], argc > 2 ? std::atoi(argv[2]) : 5);
    return 0;
  } catch (const bantam::Error& error) {
    fmt::print(stderr, "busy: {}\n", error.what());
    return 1;
  }
}
