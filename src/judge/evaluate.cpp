#include "judge/evaluate.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/machine.h"
#include "base/thread_pool.h"
#include "judge/answers.h"
#include "judge/likelihood.h"

namespace bantam::judge {

namespace {

// An item as sequences, and where each request's lie among them.
struct Prepared {
  std::vector<Sequence> sequences;  // choice, likelihood: one a request; rolling: the windows
};

Prepared prepared(const TaskRun& run, const Item& item, const Encoder& encoder) {
  Prepared out;
  try {
    switch (run.spec->kind) {
      case Kind::rolling:
        out.sequences = encoder.rolling(item.contexts.front());
        if (out.sequences.empty()) throw Error("a text without tokens");
        break;
      case Kind::generation:
        out.sequences = {encoder.prompt(item.contexts.front(),
                                        static_cast<std::size_t>(run.spec->most_tokens))};
        break;
      default:
        for (std::size_t i = 0; i < item.requests(); ++i)
          out.sequences.push_back(encoder.pair(item.context(i), item.continuation(i)));
    }
  } catch (const Error& error) {
    throw Error(error.message()).in(run.name + ", document " + item.doc);
  }
  return out;
}

Json to_json(const Response& r) {
  Json sums = Json::array(), greedy = Json::array();
  for (const Likelihood& l : r.likelihoods) {
    sums.push_back(l.sum);
    greedy.push_back(l.greedy);
  }
  return {{"sums", sums}, {"greedy", greedy}, {"lengths", r.lengths}, {"output", r.output}, {"outputs", r.outputs}, {"cut", r.cut}};
}

Response from_json(const Json& json) {
  Response r;
  for (std::size_t i = 0; i < json.at("sums").size(); ++i)
    r.likelihoods.push_back({json["sums"][i].get<double>(), json.at("greedy")[i].get<bool>()});
  r.lengths = json.at("lengths").get<std::vector<std::int64_t>>();
  r.output = json.at("output").get<std::string>();
  r.outputs = json.at("outputs").get<std::vector<std::string>>();
  r.cut = json.at("cut").get<std::int64_t>();
  return r;
}

// The work on one task.
class TaskWork {
 public:
  TaskWork(const TaskRun& run, std::shared_ptr<const Tokenizer> tokenizer, std::int64_t context,
           Journal* journal, const EvaluateOptions& options)
      : run_(run), tokenizer_(std::move(tokenizer)),
        encoder_(tokenizer_, static_cast<std::size_t>(context)), context_(context),
        journal_(journal), options_(options) {}

  std::optional<TaskResult> all(const Config& config, const OpenSession& open);

 private:
  void prepare_items();
  bool likelihoods(Session& session);
  bool answers(Session& session);
  bool score_all();
  void take(std::size_t i, Response response);
  std::int64_t slots_for(const Config& config, std::int64_t positions) const;

  const TaskRun& run_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  Encoder encoder_;
  std::int64_t context_;
  Journal* journal_;
  const EvaluateOptions& options_;
  TaskResult result_;
  std::vector<Prepared> items_;
  std::vector<std::size_t> open_;  // items that are still to be asked, in order
  std::int64_t done_ = 0;
};

void TaskWork::take(std::size_t i, Response response) {
  if (journal_) journal_->add(run_.name, run_.items[i].doc, to_json(response));
  result_.responses[i] = std::move(response);
  ++done_;
}

void TaskWork::prepare_items() {
  result_.responses.resize(run_.items.size());
  items_.resize(run_.items.size());
  for (std::size_t i = 0; i < run_.items.size(); ++i) {
    const Json* kept = journal_ ? journal_->find(run_.name, run_.items[i].doc) : nullptr;
    if (i == 0 || !kept) items_[i] = prepared(run_, run_.items[i], encoder_);
    if (i == 0) {
      const auto& tokens = items_[0].sequences.front().tokens;
      result_.first_tokens.assign(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(tokens.size(), 12)));
      std::vector<std::int32_t> known;
      for (const std::int32_t id : result_.first_tokens)
        if (id < tokenizer_->size()) known.push_back(id);
      result_.first_text = tokenizer_->decode(known, false);
    }
    if (kept) {
      result_.responses[i] = from_json(*kept);
      ++result_.resumed;
      ++done_;
    } else {
      open_.push_back(i);
    }
  }
}

std::int64_t TaskWork::slots_for(const Config& config, std::int64_t positions) const {
  const std::int64_t position_bytes =
      config.layers * config.kv_heads * config.head_dim * 2 * 4;  // float32, and no window
  const auto fit = static_cast<std::int64_t>(options_.cache_bytes) /
                   std::max<std::int64_t>(position_bytes * positions, 1);
  return std::clamp<std::int64_t>(options_.batch, 1, std::max<std::int64_t>(fit, 1));
}

std::optional<TaskResult> TaskWork::all(const Config& config, const OpenSession& open) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  prepare_items();
  if (options_.progress) options_.progress(done_, result_.resumed);
  if (!open_.empty()) {
    std::size_t longest = 1, room = 0, most_leaves = 1;
    if (run_.spec->kind == Kind::generation)
      room = static_cast<std::size_t>(run_.spec->most_tokens);
    for (const std::size_t i : open_) {
      for (const Sequence& s : items_[i].sequences) longest = std::max(longest, s.tokens.size() + room);
      if (run_.spec->kind != Kind::rolling)
        most_leaves = std::max(most_leaves, items_[i].sequences.size());
    }
    const auto positions = std::min<std::int64_t>(static_cast<std::int64_t>(longest), context_);
    const std::int64_t slots =
        std::max<std::int64_t>(slots_for(config, positions),
                               run_.spec->kind == Kind::choice ? static_cast<std::int64_t>(most_leaves) : 1);
    const bool writes = run_.spec->kind == Kind::generation;
    const std::unique_ptr<Session> session = open(writes ? slots : slots + 1, positions);
    if (!(writes ? answers(*session) : likelihoods(*session))) return std::nullopt;
  }
  if (!score_all()) return std::nullopt;
  result_.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return std::move(result_);
}

// Programs of a model may run for seconds each: as many at once as there are processors.
bool TaskWork::score_all() {
  const std::size_t count = run_.items.size();
  result_.scores.resize(count);
  const auto one = [&](std::size_t i) {
    const Response& response = result_.responses[i];
    result_.scores[i] = response.outputs.empty()
                            ? score(*run_.spec, run_.items[i], response)
                            : score_several(*run_.spec, run_.items[i], response, options_.several);
  };
  if (!runs_code(*run_.spec) && options_.several.check.empty()) {
    for (std::size_t i = 0; i < count; ++i) one(i);
    return true;
  }
  ThreadPool pool(default_threads());
  for (std::size_t at = 0; at < count; at += pool.size()) {
    if (options_.go_on && !options_.go_on()) return false;
    const std::size_t some = std::min<std::size_t>(pool.size(), count - at);
    pool.parallel_for(static_cast<std::int64_t>(some),
                      [&](std::int64_t task, unsigned) { one(at + static_cast<std::size_t>(task)); });
  }
  return true;
}

// Items of one subject, as many as the slots take, are one batch: what they share is computed once.
bool TaskWork::likelihoods(Session& session) {
  LikelihoodEngine engine(session);
  const auto slots = static_cast<std::size_t>(session.slots() - 1);
  const bool rolling = run_.spec->kind == Kind::rolling;
  for (std::size_t at = 0; at < open_.size();) {
    std::vector<Sequence> batch;
    std::size_t end = at, leaves = 0;
    while (end < open_.size() &&
           run_.items[open_[end]].subject == run_.items[open_[at]].subject) {
      const std::vector<Sequence>& more = items_[open_[end]].sequences;
      const std::size_t wanted = LikelihoodEngine::leaves(more);
      if (end > at && (rolling || leaves + wanted > slots)) break;
      leaves += wanted;
      batch.insert(batch.end(), more.begin(), more.end());
      ++end;
    }
    std::vector<Likelihood> found(batch.size());
    // The windows of one text may be more than there are slots.
    for (std::size_t first = 0; first < batch.size();) {
      const std::size_t count = rolling ? std::min(slots, batch.size() - first) : batch.size();
      if (!engine.run(std::span(batch).subspan(first, count), std::span(found).subspan(first, count),
                      options_.go_on))
        return false;
      first += count;
    }
    std::size_t next = 0;
    for (; at < end; ++at) {
      Response response;
      Likelihood whole;
      std::int64_t length = 0;
      for (const Sequence& s : items_[open_[at]].sequences) {
        response.cut = std::max(response.cut, static_cast<std::int64_t>(s.cut));
        const Likelihood& l = found[next++];
        if (rolling) {
          whole.sum += l.sum;
          whole.greedy = whole.greedy && l.greedy;
          length += static_cast<std::int64_t>(s.scored());
        } else {
          response.likelihoods.push_back(l);
          response.lengths.push_back(static_cast<std::int64_t>(s.scored()));
        }
      }
      if (rolling) {
        response.likelihoods = {whole};
        response.lengths = {length};
      }
      items_[open_[at]] = {};
      take(open_[at], std::move(response));
    }
    result_.work = engine.work();
    if (options_.progress) options_.progress(done_, result_.resumed);
  }
  return true;
}

bool TaskWork::answers(Session& session) {
  AnswerEngine engine(session, tokenizer_);
  const auto each = static_cast<std::size_t>(options_.several.count);
  std::vector<Sequence> prompts;
  std::vector<std::uint64_t> streams;
  for (const std::size_t i : open_)
    for (std::size_t k = 0; k < each; ++k) {
      prompts.push_back(items_[i].sequences.front());
      streams.push_back(i * each + k);
    }
  if (each > 1) engine.draw(options_.several.sampling, std::move(streams));
  engine.use(options_.tools);
  // EOS ends an answer by its token; its text is a stop too, as in the harness.
  std::vector<std::string> stops = run_.spec->stops;
  if (const auto eos = tokenizer_->eos()) stops.push_back(tokenizer_->decode({&*eos, 1}, false));
  std::vector<std::vector<Written>> waiting(open_.size());
  std::vector<std::size_t> missing(open_.size(), each);
  const bool whole = engine.run(
      prompts, stops, run_.spec->most_tokens,
      [&](std::size_t place, Written written) {
        const std::size_t at = place / each;
        waiting[at].resize(each);
        waiting[at][place % each] = std::move(written);
        if (--missing[at] > 0) return;
        Response response;
        response.lengths = {0};
        for (Written& w : waiting[at]) {
          response.lengths.front() += w.tokens;
          response.outputs.push_back(std::move(w.text));
        }
        response.output = response.outputs.front();
        if (each == 1) response.outputs.clear();
        response.cut = static_cast<std::int64_t>(prompts[place].cut);
        take(open_[at], std::move(response));
        waiting[at].clear();
        if (options_.progress) options_.progress(done_, result_.resumed);
      },
      options_.go_on);
  result_.work = engine.work();
  return whole;
}

}  // namespace

std::optional<TaskResult> evaluate(const TaskRun& run, std::shared_ptr<const Tokenizer> tokenizer,
                                   const Config& config, std::int64_t context,
                                   const OpenSession& open, Journal* journal,
                                   const EvaluateOptions& options) {
  return TaskWork(run, std::move(tokenizer), context, journal, options).all(config, open);
}

}  // namespace bantam::judge
