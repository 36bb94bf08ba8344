// Several answers at once: one thread owns the session and runs the answers in the making as one
// batch, each in a slot of its own. Knows nothing of HTTP.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/rooms.h"
#include "infer/answer.h"
#include "infer/decoder.h"
#include "infer/draft.h"
#include "infer/session.h"

namespace bantam::serve {

// What has become of an answer since it was last asked.
struct AnswerNews {
  std::string text;    // whole characters
  // Of the answer's tokens, where they are asked for; their text may be still to come.
  std::vector<TokenProbabilities> tokens;
  bool ended = false;  // then `reason` says why, and no more comes
  StopReason reason = StopReason::none;
  std::int64_t answer_tokens = 0;  // so far
  std::int64_t reused_tokens = 0;  // of the prompt, which the slot still held
  bool failed = false;             // ended by a fault of the server
};

// What is asked of the engine.
struct Wanted {
  std::vector<std::int32_t> prompt;  // ids of the vocabulary, at least one and at most room()
  std::unique_ptr<Answer> answer;
  // How likely the prompt's own tokens are, too, and so many others at each (Going); negative: no.
  std::int64_t prompt_probabilities = -1;
  // There is news only of the whole: a client that waits for it need not be woken at every token,
  // on a processor that computes the next one.
  bool whole = false;
  std::int32_t adapter = Session::kNoAdapter;  // one of the session's
};

struct EngineOptions {
  std::int64_t queue = 0;  // answers that wait for a slot
  bool speculate = true;   // guess tokens ahead from the text
};

class Engine {
 public:
  // As many answers at once as the session has slots; so many more wait for one, in the order in
  // which they came. `draft`, computing on what the session lends, guesses for a few of them.
  explicit Engine(std::unique_ptr<Session> session, const EngineOptions& options = {},
                  std::unique_ptr<DraftModel> draft = nullptr);
  // Ends the answers in the making.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  std::int64_t slots() const { return session_->slots(); }
  std::int64_t queue() const { return options_.queue; }
  std::int64_t busy() const;     // slots whose answers are in the making
  std::int64_t waiting() const;  // those who wait for a slot
  // Tokens of a prompt and its answer together.
  std::int64_t room() const { return decoder_.room(); }
  std::int64_t vocabulary() const { return session_->config().vocabulary; }

 private:
  struct Job;

 public:
  // An answer in the making, for who asked for it. One that goes away before the end frees its
  // slot. It must not outlive the engine.
  class Ticket {
   public:
    Ticket() = default;
    ~Ticket();
    Ticket(Ticket&& other) noexcept = default;
    Ticket& operator=(Ticket&&) = delete;
    explicit operator bool() const { return job_ != nullptr; }
    AnswerNews news();
    // Once the news says that it has ended.
    const Answer& answer() const;
    std::span<const TokenProbabilities> prompt_probabilities() const;

   private:
    friend Engine;
    Ticket(Engine* engine, std::shared_ptr<Job> job) : engine_(engine), job_(std::move(job)) {}
    Engine* engine_ = nullptr;
    std::shared_ptr<Job> job_;
  };

  // Begins, or waits for a slot. `wake` is called from the engine's thread whenever there is news,
  // also after the ticket has gone. An empty ticket: every slot is taken and so many wait already;
  // `wanted` is then as it was.
  Ticket start(Wanted& wanted, std::function<void()> wake);

 private:
  void run();
  bool admit();
  void seat();
  void pass();
  void publish();
  void fail_all();
  void leave(Job& job);
  std::vector<Going*> goings() const;

  // Of the engine's thread.
  std::unique_ptr<Session> session_;
  std::unique_ptr<DraftModel> draft_;  // may be null
  Decoder decoder_;
  EngineOptions options_;
  std::vector<std::shared_ptr<Job>> running_, woken_;

  mutable std::mutex mutex_;  // for what follows, and the news of every job
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Job>> waiting_;
  std::int64_t open_ = 0;  // jobs that have neither ended nor been left
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace bantam::serve
