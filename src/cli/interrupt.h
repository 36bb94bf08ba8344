// Ctrl-C and SIGTERM: noticed at the next safe place, so that nothing half-done is left behind.
#pragma once

namespace bantam::cli {

// Throws nothing and is safe to call often. True once SIGINT or SIGTERM has come.
bool interrupted();
// Throws Interrupted when it has.
void check_interrupt();
// Forgets it: the answer has stopped, the conversation goes on.
void forget_interrupt();

// Ctrl-C asks an answer to stop, however often it is pressed; SIGTERM ends the program at once.
// Elsewhere the second signal ends it.
void interrupts_are_for_answers();

// Installs the handlers. SIGPIPE is ignored: writing then fails, and that is an error with a
// message.
void watch_signals();
// Ends the program by the signal that came, as a shell expects; returns when none has come.
void end_by_signal();

struct Interrupted {};

}  // namespace bantam::cli
