// Several answers at once: one thread owns the session and runs the answers in the making as one
// batch, each in a slot of its own. Knows nothing of HTTP.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "infer/answer.h"
#include "infer/session.h"

namespace bantam::serve {

// What has become of an answer since it was last asked.
struct AnswerNews {
  std::string text;    // whole characters
  bool ended = false;  // then `reason` says why, and no more comes
  StopReason reason = StopReason::none;
  std::int64_t answer_tokens = 0;  // so far
  std::int64_t reused_tokens = 0;  // of the prompt, which the slot still held
  bool failed = false;             // ended by a fault of the server
};

class Engine {
 public:
  // Throws Error as Session does.
  Engine(std::shared_ptr<const ModelFile> file, const SessionOptions& options);
  // Ends the answers in the making.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  std::int64_t slots() const { return session_.slots(); }
  std::int64_t busy() const;                   // slots whose answers are in the making
  std::int64_t room() const { return room_; }  // tokens of a prompt and its answer together
  std::int64_t vocabulary() const { return session_.config().vocabulary; }

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

   private:
    friend Engine;
    Ticket(Engine* engine, std::shared_ptr<Job> job) : engine_(engine), job_(std::move(job)) {}
    Engine* engine_ = nullptr;
    std::shared_ptr<Job> job_;
  };

  // Continues `prompt`: ids of the vocabulary, at least one and at most room(). `wake` is called
  // from the engine's thread whenever there is news, also after the ticket has gone. An empty
  // ticket: every slot is taken.
  Ticket start(std::vector<std::int32_t> prompt, std::unique_ptr<Answer> answer,
               std::function<void()> wake);

 private:
  void run();
  bool admit();
  void seat();
  void pass();
  void publish();
  void fail_all();
  void leave(Job& job);
  std::int64_t choose_slot(const std::vector<std::int32_t>& prompt);

  // Of the engine's thread.
  Session session_;
  std::int64_t room_;
  std::vector<std::shared_ptr<Job>> running_, woken_;
  std::vector<std::uint64_t> last_used_;  // by slot: the pass that used it last
  std::uint64_t passes_ = 0;

  mutable std::mutex mutex_;  // for what follows, and the news of every job
  std::condition_variable changed_;
  std::vector<std::shared_ptr<Job>> waiting_;
  std::int64_t open_ = 0;  // jobs that have neither ended nor been left
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace bantam::serve
