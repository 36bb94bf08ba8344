#include "adapt/look_first.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "adapt/adapter_gguf.h"
#include "adapt/defaults.h"
#include "adapt/prepare.h"
#include "base/counting.h"
#include "base/error.h"
#include "files/model_path.h"

namespace bantam::adapt {

void refuse_broken(const TuneRequest& request, const std::vector<BrokenRecord>& broken) {
  if (broken.empty() || request.skip_broken) return;
  throw Error(number_of(broken.size(), "record") + " cannot be used: " + broken.front().reason +
              "; mend them, or say --skip-broken to go on without them")
      .in(request.data.string())
      .line(static_cast<std::uint64_t>(broken.front().line));
}

void require_start(const TuneRequest& request, const Adapter& start, Method method, const std::string& model_template) {
  if (!request.chat_template) check_template(start, model_template);
  if (!start.whole.empty() && files::is_gguf_name(request.out))
    throw Error("it brings whole weights, which an adapter as GGUF cannot hold: give --out the name of a folder")
        .in(request.start->string());
  if (files::is_gguf_name(request.out) && !gguf_keeps(start))
    throw Error("its layers have ranks or alphas of their own, which an adapter as GGUF does not keep to the last bit: give --out the name of a "
                "folder")
        .in(request.start->string());
  const auto own = [&](const char* option, const std::string& what) {
    throw Error("is of a new adapter; the one to go on from has " + what, Error::Kind::usage).field(option);
  };
  if (request.rank && *request.rank != start.rank) own("--rank", "the rank " + std::to_string(start.rank));
  if (request.alpha && *request.alpha != start.alpha) own("--alpha", fmt::format("the alpha {}", start.alpha));
  if (!request.targets.empty()) own("--targets", "layers of its own");
  if (start.magnitudes() == (method == Method::dora)) return;
  throw Error(start.magnitudes() ? "the adapter to go on from is of the method dora: say --method dora"
                                 : "the adapter to go on from is not of the method dora: leave --method dora out")
      .in(request.start->string());
}

void look_at_questions(const TuneRequest& request, const ModelFile& file, bool quantised, bool fast_bf16,
                       const LocalTime& day, const ChatData& questions) {
  ChatData trial = questions;
  for (ChatRecord& r : trial.records) r.messages.push_back({{"role", "assistant"}, {"content", "."}});
  const PreparedData prepared = prepare_data(request, trial, day);
  refuse_broken(request, prepared.report.broken);
  if (prepared.examples.empty())
    throw Error("no record could be learnt from, whatever the teacher wrote" +
                (prepared.report.broken.empty() ? "" : ": " + prepared.report.broken.front().reason))
        .in(request.data.string());
  try {
    check_labels(prepared.examples, *prepared.tokenizer, request.labels_or_usual());
  } catch (Error& error) {
    throw error.in(request.data.string());
  }
  const Choice choice = choose(request, file, quantised, static_cast<std::int64_t>(prepared.examples.size()), fast_bf16);
  if (choice.method == Method::full) return;
  const std::unique_ptr<Model> shape = file.family().make(file.config());  // its weights' names and sizes
  if (request.start)
    require_start(request, read_adapter(*request.start, *shape), choice.method, prepared.tokenizer->chat_template());
  else
    adapted_weights(*shape, request.targets);
}

std::string look_at_lengths(const TuneRequest& request, const ModelFile& file, std::span<const LabelledExample> examples) {
  const std::int64_t context = file.config().context;
  std::int64_t count = 0, longest = 0, line = 0;
  for (const LabelledExample& e : examples) {
    const auto size = static_cast<std::int64_t>(std::max(e.first.ids.size(), e.second.ids.size()));
    if (size <= context) continue;
    if (count++ == 0) line = e.line;
    longest = std::max(longest, size);
  }
  if (count == 0) return "";
  const std::string cut = "--max-tokens " + std::to_string(context) + " cuts " + (count == 1 ? "it" : "them");
  if (file.config().learned_positions)
    throw Error(fmt::format("a record of more tokens than the {} positions that this model has learned: {}", context, cut))
        .in(request.data.string())
        .line(static_cast<std::uint64_t>(line));
  return fmt::format("longer than the model's context of {} tokens: {}, the longest of {}; it has not learned to read so far ({})", context,
                     number_of(count, "record"), longest, cut);
}

std::int64_t learnt_too(std::span<const LabelledExample> measured, std::span<const LabelledExample> examples) {
  std::set<std::string> learnt;
  for (const LabelledExample& e : examples) learnt.insert(fingerprint(e));
  return std::ranges::count_if(measured, [&](const LabelledExample& e) { return learnt.contains(fingerprint(e)); });
}

bool answered_before(const ChatRecord& record) {
  return std::ranges::count_if(record.messages, [](const Json& m) { return m["role"] == "assistant"; }) > 1;
}

}  // namespace bantam::adapt
