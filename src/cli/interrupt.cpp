#include "cli/interrupt.h"

#include <csignal>
#include <initializer_list>

namespace bantam::cli {

namespace {

// A handler can reach nothing else.
volatile std::sig_atomic_t caught = 0;
volatile std::sig_atomic_t patient = 0;

extern "C" void remember(int signal) {
  // Whoever asks twice does not want to wait.
  if (caught != 0 && patient == 0) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  }
  caught = signal;
}

}  // namespace

bool interrupted() { return caught != 0; }

void check_interrupt() {
  if (caught != 0) throw Interrupted();
}

void forget_interrupt() { caught = 0; }

void interrupts_are_for_answers() {
  patient = 1;
  std::signal(SIGTERM, SIG_DFL);
}

void watch_signals() {
  struct sigaction action {};
  action.sa_handler = remember;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGTERM}) {
    struct sigaction old {};
    // Ignored by the caller (nohup, a background job): stays so.
    if (sigaction(signal, nullptr, &old) == 0 && old.sa_handler == SIG_IGN) continue;
    sigaction(signal, &action, nullptr);
  }
  std::signal(SIGPIPE, SIG_IGN);
}

void end_by_signal() {
  if (caught == 0) return;
  const int signal = caught;
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

}  // namespace bantam::cli
