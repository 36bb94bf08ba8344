#include "serve/engine.h"

#include <algorithm>
#include <utility>

namespace bantam::serve {

namespace {

// Rows of a pass that go to prompts. While others wait for their next token a long prompt comes in
// small pieces, which cost the pass little more than the weights' way through memory does.
constexpr std::int64_t kRowsAlone = 256, kRowsBesideAnswers = 48;

// Tokens that another slot must hold beyond what a free one does before they are copied: the copy
// costs what the free slot held.
constexpr std::int64_t kWorthACopy = 16;

std::int64_t common_prefix(std::span<const std::int32_t> a, std::span<const std::int32_t> b) {
  return std::ranges::mismatch(a, b).in1 - a.begin();
}

}  // namespace

struct Engine::Job {
  std::vector<std::int32_t> prompt;
  std::unique_ptr<Answer> answer;
  std::function<void()> wake;

  // Of the engine's thread.
  std::int64_t slot = -1, reused = 0;
  std::int32_t last = 0;  // the token to go on with
  std::string piece;      // not yet published
  bool failed = false;

  // Under the engine's mutex.
  AnswerNews news;
  bool left = false;

  bool over() const { return failed || answer->stopped(); }
};

Engine::Engine(std::shared_ptr<const ModelFile> file, const SessionOptions& options)
    : session_(std::move(file), options),
      room_(options.positions > 0 ? std::min(options.positions, session_.context())
                                  : session_.context()),
      last_used_(static_cast<std::size_t>(options.slots)) {
  // The engine's thread takes no memory for these: it could not say so to anybody.
  const auto most = 2 * static_cast<std::size_t>(options.slots);
  for (auto* list : {&running_, &waiting_, &woken_}) list->reserve(most);
  thread_ = std::thread([this] { run(); });
}

Engine::~Engine() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

std::int64_t Engine::busy() const {
  const std::lock_guard lock(mutex_);
  return open_;
}

Engine::Ticket Engine::start(std::vector<std::int32_t> prompt, std::unique_ptr<Answer> answer,
                             std::function<void()> wake) {
  auto job = std::make_shared<Job>();
  job->prompt = std::move(prompt);
  job->answer = std::move(answer);
  job->wake = std::move(wake);
  job->answer->see(job->prompt);
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || open_ >= slots()) return {};
    waiting_.push_back(job);
    ++open_;
  }
  changed_.notify_all();
  return {this, std::move(job)};
}

Engine::Ticket::~Ticket() {
  if (job_) engine_->leave(*job_);
}

AnswerNews Engine::Ticket::news() {
  const std::lock_guard lock(engine_->mutex_);
  AnswerNews news = job_->news;
  job_->news.text.clear();
  return news;
}

void Engine::leave(Job& job) {
  const std::lock_guard lock(mutex_);
  if (job.news.ended || job.left) return;
  job.left = true;
  --open_;
  std::erase_if(waiting_, [&](const auto& waiting) { return waiting.get() == &job; });
}

void Engine::run() {
  while (admit()) {
    try {
      seat();
      pass();
    } catch (const std::exception&) {
      fail_all();  // memory has ended, as a rule: whoever comes next may have more luck
    }
    publish();
  }
}

// Lets those go who were left, and takes new ones in; waits while there is nothing to do. False:
// the engine ends.
bool Engine::admit() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return stopping_ || !waiting_.empty() || !running_.empty(); });
  std::erase_if(running_, [](const auto& job) { return job->left; });
  running_.insert(running_.end(), waiting_.begin(), waiting_.end());
  waiting_.clear();
  if (!stopping_) return true;
  for (const auto& job : running_) {
    job->news.ended = true;
    job->news.reason = StopReason::interrupted;
    job->wake();
  }
  return false;
}

// Gives those who are new a slot.
void Engine::seat() {
  for (const auto& job : running_) {
    if (job->slot >= 0) continue;
    const std::int64_t slot = choose_slot(job->prompt);
    job->reused = session_.reuse(slot, job->prompt);
    job->slot = slot;
  }
}

// The free slot that holds most of the prompt's beginning already, of equal ones that which has not
// been used for longest. A beginning that another slot holds is copied.
std::int64_t Engine::choose_slot(const std::vector<std::int32_t>& prompt) {
  struct Place {
    std::int64_t slot = -1, common = -1;
    std::uint64_t used = 0;
  };
  Place best, any, oldest;
  for (std::int64_t slot = 0; slot < slots(); ++slot) {
    const Place here{slot, common_prefix(session_.tokens(slot), prompt),
                     last_used_[static_cast<std::size_t>(slot)]};
    if (here.common > any.common) any = here;
    if (std::ranges::any_of(running_, [&](const auto& job) { return job->slot == slot; })) continue;
    if (here.common > best.common || (here.common == best.common && here.used < best.used))
      best = here;
    if (oldest.slot < 0 || here.used < oldest.used) oldest = here;
  }
  if (any.common < best.common + kWorthACopy) return best.slot;
  session_.copy(any.slot, oldest.slot, any.common);
  // Nothing is copied where a sliding window of the other slot has moved on.
  const auto copied = static_cast<std::int64_t>(session_.tokens(oldest.slot).size());
  return copied == any.common ? oldest.slot : best.slot;
}

// One forward pass: a token of each answer, and a piece of each prompt that is not read yet.
void Engine::pass() {
  ++passes_;
  const auto unread = [&](const Job& job) {
    return static_cast<std::int64_t>(job.prompt.size() -
                                     std::min(job.prompt.size(), session_.tokens(job.slot).size()));
  };
  std::vector<Job*> jobs;
  std::int64_t prompts = 0;
  for (const auto& job : running_) {
    if (job->over()) continue;
    jobs.push_back(job.get());
    prompts += unread(*job) > 0 ? 1 : 0;
  }
  std::int64_t rows =
      prompts < static_cast<std::int64_t>(jobs.size()) ? kRowsBesideAnswers : kRowsAlone;
  std::vector<Session::Part> parts;
  for (Job* job : jobs) {
    last_used_[static_cast<std::size_t>(job->slot)] = passes_;
    const std::int64_t rest = unread(*job);
    if (rest == 0) {
      parts.push_back({job->slot, {&job->last, 1}, Session::Want::last});
      continue;
    }
    const std::int64_t count = std::min(rest, std::max<std::int64_t>(rows / prompts, 1));
    --prompts;
    rows -= count;
    parts.push_back({job->slot,
                     std::span(job->prompt)
                         .last(static_cast<std::size_t>(rest))
                         .first(static_cast<std::size_t>(count)),
                     count == rest ? Session::Want::last : Session::Want::none});
  }
  session_.evaluate(parts, [&](std::size_t part, std::size_t, std::span<const float> logits) {
    Job& job = *jobs[part];
    try {
      job.piece += job.answer->step(logits);
      job.last = job.answer->ids().back();
    } catch (const std::exception&) {
      job.failed = true;  // this one alone: the model gave no number
    }
  });
  for (Job* job : jobs)
    if (!job->over() && !job->answer->ids().empty() &&
        static_cast<std::int64_t>(session_.tokens(job->slot).size()) >= room_)
      job->piece += job->answer->stop(StopReason::context);
}

// Tells those who asked. A slot is free before its last news is out, so that whoever has an answer
// can ask again at once.
void Engine::publish() {
  {
    const std::lock_guard lock(mutex_);
    for (const auto& job : running_) {
      if (job->piece.empty() && !job->over()) continue;
      AnswerNews& news = job->news;
      try {
        news.text += std::exchange(job->piece, {});
      } catch (const std::bad_alloc&) {
        job->failed = true;
      }
      news.answer_tokens = static_cast<std::int64_t>(job->answer->ids().size());
      news.reused_tokens = job->reused;
      if (job->over()) {
        news.ended = true;
        news.failed = job->failed;
        news.reason = job->answer->reason();
        if (!job->left) --open_;
      }
      woken_.push_back(job);
    }
    std::erase_if(running_, [](const auto& job) { return job->over(); });
  }
  for (const auto& job : woken_) job->wake();
  woken_.clear();
}

void Engine::fail_all() {
  for (const auto& job : running_) job->failed = true;
}

}  // namespace bantam::serve
