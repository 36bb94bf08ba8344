#include "serve/engine.h"

#include <algorithm>
#include <utility>

namespace bantam::serve {

namespace {

// Rows of a pass that go to prompts while nobody else waits for a token: clients who come then do
// not wait long.
constexpr std::int64_t kRowsAlone = 256;

}  // namespace

struct Engine::Job {
  Job(Wanted&& wanted, bool speculate, DraftModel* draft)
      : answer(std::move(wanted.answer)),
        speculation(*answer, draft),
        going(wanted.prompt, *answer) {
    going.prompt_probabilities = wanted.prompt_probabilities;
    going.adapter = wanted.adapter;
    whole = wanted.whole;
    if (speculate) going.proposer = &speculation;
  }

  std::unique_ptr<Answer> answer;
  Speculation speculation;
  std::function<void()> wake;

  // Of the engine's thread, until the news says that it has ended.
  Going going;
  std::string piece;  // not yet published
  bool whole = false;
  std::size_t told = 0;  // of the tokens' probabilities
  bool failed = false;

  // Under the engine's mutex.
  AnswerNews news;
  bool left = false;

  bool over() const { return failed || going.over(); }
};

Engine::Engine(std::unique_ptr<Session> session, const EngineOptions& options,
               std::unique_ptr<DraftModel> draft)
    : session_(std::move(session)),
      draft_(std::move(draft)),
      decoder_(*session_, {.rows_alone = kRowsAlone}),
      options_(options) {
  // The engine's thread takes no memory for these: it could not say so to anybody.
  const auto most = 2 * static_cast<std::size_t>(slots());
  for (auto* list : {&running_, &woken_}) list->reserve(most);
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
  return std::min(open_, slots());
}

std::int64_t Engine::waiting() const {
  const std::lock_guard lock(mutex_);
  return std::max<std::int64_t>(open_ - slots(), 0);
}

Engine::Ticket Engine::start(Wanted& wanted, std::function<void()> wake) {
  {
    // Before anything is made of what is wanted: a refusal must be cheap.
    const std::lock_guard lock(mutex_);
    if (stopping_ || open_ >= slots() + options_.queue) return {};
    ++open_;
  }
  try {
    auto job = std::make_shared<Job>(std::move(wanted), options_.speculate, draft_.get());
    job->wake = std::move(wake);
    {
      const std::lock_guard lock(mutex_);
      waiting_.push_back(job);
    }
    changed_.notify_all();
    return {this, std::move(job)};
  } catch (...) {
    const std::lock_guard lock(mutex_);
    --open_;
    throw;
  }
}

Engine::Ticket::~Ticket() {
  if (job_) engine_->leave(*job_);
}

AnswerNews Engine::Ticket::news() {
  const std::lock_guard lock(engine_->mutex_);
  AnswerNews news = job_->news;
  job_->news.text.clear();
  job_->news.tokens.clear();
  return news;
}

const Answer& Engine::Ticket::answer() const { return *job_->answer; }

std::span<const TokenProbabilities> Engine::Ticket::prompt_probabilities() const {
  return job_->going.probabilities();
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

// Lets those go who were left, and takes new ones in while there are slots; waits while there is
// nothing to do. False: the engine ends.
bool Engine::admit() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return stopping_ || !waiting_.empty() || !running_.empty(); });
  std::erase_if(running_, [](const auto& job) { return job->left; });
  while (!waiting_.empty() && static_cast<std::int64_t>(running_.size()) < slots()) {
    running_.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  if (!stopping_) return true;
  running_.insert(running_.end(), waiting_.begin(), waiting_.end());
  waiting_.clear();
  for (const auto& job : running_) {
    job->news.ended = true;
    job->news.reason = StopReason::interrupted;
    job->wake();
  }
  return false;
}

std::vector<Going*> Engine::goings() const {
  std::vector<Going*> all;
  for (const auto& job : running_) all.push_back(&job->going);
  return all;
}

// Gives those who are new a slot.
void Engine::seat() {
  const std::vector<Going*> all = goings();
  for (Going* going : all)
    if (going->slot() < 0) decoder_.seat(*going, all);
}

void Engine::pass() {
  decoder_.step(goings());
  for (const auto& job : running_) {
    job->failed = job->failed || job->going.fault() != nullptr;
    job->piece += job->going.take_text();
  }
}

// Tells those who asked. A slot is free before its last news is out, so that whoever has an answer
// can ask again at once.
void Engine::publish() {
  {
    const std::lock_guard lock(mutex_);
    for (const auto& job : running_) {
      if ((job->piece.empty() || job->whole) && !job->over()) continue;
      AnswerNews& news = job->news;
      try {
        news.text += std::exchange(job->piece, {});
        const auto tokens = job->answer->probabilities();
        news.tokens.insert(news.tokens.end(),
                           tokens.begin() + static_cast<std::ptrdiff_t>(job->told), tokens.end());
        job->told = tokens.size();
      } catch (const std::bad_alloc&) {
        job->failed = true;
      }
      news.answer_tokens = static_cast<std::int64_t>(job->answer->ids().size());
      news.reused_tokens = job->going.reused();
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
