// `bantam info --verify`: every byte of a model read, every number, name and part looked at, and what it
// says beside what it said when it was written.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "adapt/golden_file.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/progress.h"
#include "base/thread_pool.h"
#include "cli/conversation.h"
#include "cli/info_parts.h"
#include "cli/interrupt.h"
#include "models/loader.h"
#include "tensor/runtime.h"
#include "chat/chat_template.h"
#include "tokenizer/tokenizer.h"

namespace bantam::cli {

namespace {

constexpr std::size_t kMostProblems = 20;

class Problems {
 public:
  // What `look` throws is a problem.
  template <class Look>
  void none_in(Look&& look) {
    try {
      look();
    } catch (const Error& error) {
      add(error.what());
    }
  }
  void add(const std::string& text) {
    if (all_.size() < kMostProblems) all_.push_back(text);
  }
  const Json& json() const { return all_; }

 private:
  Json all_ = Json::array();
};

// The first element of a tensor that is no finite number; negative: all are.
std::int64_t first_not_finite(ThreadPool& pool, const TensorInfo& t) {
  const Format& f = *t.format;
  const std::int64_t blocks = t.shape.count() / f.block;
  const std::int64_t step = std::max<std::int64_t>(4096 / f.block, 1);  // blocks decoded at a time
  std::atomic<std::int64_t> first{INT64_MAX};
  pool.parallel_ranges(blocks, step, [&](std::int64_t begin, std::int64_t end, unsigned) {
    std::vector<float> numbers(static_cast<std::size_t>(step * f.block));
    for (std::int64_t b = begin; b < end && b * f.block < first.load(); b += step) {
      const std::int64_t count = std::min(step, end - b) * f.block;
      f.decode(t.data.data() + b * f.block_bytes, numbers.data(), count);
      for (std::int64_t i = 0; i < count; ++i) {
        if (std::isfinite(numbers[static_cast<std::size_t>(i)])) continue;
        std::int64_t known = first.load();
        while (b * f.block + i < known && !first.compare_exchange_weak(known, b * f.block + i)) {
        }
        break;
      }
    }
  });
  return first == INT64_MAX ? -1 : first.load();
}

void add_sums(const ModelFile& file, Progress& progress, std::int64_t& done, Json& out) {
  std::set<std::string> names;
  if (file.gguf()) names.insert(file.gguf()->path());  // a first part may have no tensor
  for (const TensorInfo& t : file.tensors().tensors()) names.insert(t.file);
  for (const std::string& name : names) {
    const MappedFile mapped{Path(name)};
    Sha256 sum;
    constexpr std::size_t kPiece = std::size_t{16} << 20;
    for (std::size_t at = 0; at < mapped.bytes().size(); at += kPiece) {
      check_interrupt();
      const auto piece = mapped.bytes().subspan(at, std::min(kPiece, mapped.bytes().size() - at));
      sum.add(piece);
      mapped.release(piece);
      progress.update(done += static_cast<std::int64_t>(piece.size()), "sum of " + name);
    }
    out[Path(name).filename().string()] = sum.hex();
  }
}

void look_at_tokenizer(const ModelFile& file, const Path& path, Problems& problems) {
  std::shared_ptr<const Tokenizer> tokenizer;
  problems.none_in(
      [&] { tokenizer = file.gguf() ? open_tokenizer(*file.gguf()) : open_tokenizer(path); });
  if (!tokenizer) return;
  if (tokenizer->size() > file.config().vocabulary)
    problems.add("the tokenizer has " + std::to_string(tokenizer->size()) +
                 " tokens, the embedding only " + std::to_string(file.config().vocabulary));
  problems.none_in([&] {
    const std::string text = "Hello, world! 12 + 30 = 42.";
    tokenizer->decode(tokenizer->encode(text));
  });
  problems.none_in([&] {
    const auto chat = own_template(*tokenizer, path.string());
    if (!chat) return;
    ChatInput input;
    input.messages = Json::array({{{"role", "user"}, {"content", "Hello"}},
                                  {{"role", "assistant"}, {"content", "Hello!"}},
                                  {{"role", "user"}, {"content", "Bye"}}});
    set_special_tokens(*tokenizer, input);
    chat->render(input);
  });
}

// What the golden vectors of the model, or of an adapter on it, say. Without any an adapter is put onto the
// model all the same: whether it fits is seen then.
void look_at_golden(const Path& model, const std::optional<Path>& adapter, Runtime runtime, Json& out,
                    Problems& problems) {
  const std::string of = adapter ? "adapter" : "model";
  problems.none_in([&] {
    const auto golden = adapt::read_golden(adapter.value_or(model));
    if (!golden && !adapter) return;
    const std::vector<std::string> found =
        adapt::differences(golden.value_or(adapt::GoldenVectors()), model, adapter, runtime.pool, runtime.kernels);
    out.push_back({{"of", of}, {"prompts", golden ? golden->prompts.size() : 0}, {"same", golden && found.empty()}});
    if (golden)
      for (const std::string& line : found) problems.add("golden vectors of the " + of + ": " + line);
  });
}

}  // namespace

Json verify_model(const Path& path, const std::optional<Path>& adapter) {
  const auto file = std::make_shared<const ModelFile>(path);
  Problems problems;
  std::set<std::string> unsupported;  // types: no fault of the file
  // Each weight that the architecture has, of its shape, and none that it has not.
  problems.none_in([&] {
    const std::unique_ptr<Model> model = file->family().make(file->config());
    const std::vector<WeightSpec> weights = model->weights();
    refuse_unknown(*file, weights);
    for (const WeightSpec& weight : weights)
      problems.none_in([&] {
        try {
          file->find(weight);
        } catch (const UnsupportedType&) {
          unsupported.insert(file->locate(weight)->type_name);
        }
      });
  });
  std::int64_t bytes = 0, unchecked = 0, done = 0;
  const auto tensors = file->tensors().tensors();
  for (const TensorInfo& t : tensors) bytes += static_cast<std::int64_t>(t.data.size());
  // A small model takes no time worth speaking of.
  Progress progress(Progress::detect(bytes < (64 << 20)), "bytes", 2 * bytes);
  OwnRuntime own;
  const Runtime runtime = own.lend();
  for (const TensorInfo& t : tensors) {
    check_interrupt();
    if (t.format) {
      if (const std::int64_t at = first_not_finite(runtime.pool, t); at >= 0)
        problems.add(t.file + ": " + t.name + ": element " + std::to_string(at) +
                     " is not a finite number");
    } else {
      ++unchecked;
    }
    file->tensors().release(t);
    progress.update(done += static_cast<std::int64_t>(t.data.size()), t.name);
  }
  Json result = {{"tensors", tensors.size()}, {"bytes", bytes}, {"unchecked", unchecked}};
  result["sha256"] = Json::object();
  add_sums(*file, progress, done, result["sha256"]);
  look_at_tokenizer(*file, path, problems);
  Json golden = Json::array();
  look_at_golden(path, std::nullopt, runtime, golden, problems);
  const std::size_t of_model = problems.json().size();
  if (adapter) look_at_golden(path, adapter, runtime, golden, problems);
  result["adapter_problems"] = problems.json().size() - of_model;
  result["golden"] = golden;
  result["unsupported"] = unsupported;
  result["problems"] = problems.json();
  return result;
}

}  // namespace bantam::cli
