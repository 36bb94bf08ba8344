// A model that is ready to run: weights, lent threads and kernels, and the cache of the sequences
// that it goes on with. Everything else (sampling, stopping, talking) stands on evaluate().
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "kernels/kernels.h"
#include "models/loader.h"
#include "models/looked_up.h"
#include "nn/cache.h"
#include "tensor/context.h"
#include "tensor/runtime.h"
#include "tokenizer/tokenizer.h"

namespace bantam::infer {

constexpr unsigned kMostThreads = 1024;
constexpr std::int64_t kMostContext = std::int64_t{1} << 28;

// The tokenizer of an opened model.
std::shared_ptr<const Tokenizer> tokenizer_of(const ModelFile& file);

struct SessionOptions {
  unsigned threads = 0;      // 0: default_threads(). Of a runtime that is lent: its own
  std::int64_t context = 0;  // positions of a sequence; 0: as many as the model was trained with
  std::int64_t positions =
      0;                     // to set memory aside for, when fewer than the context will do; 0: all
  std::int64_t slots = 1;    // sequences at once
  std::int64_t chunk = 512;  // rows of one forward pass
  std::optional<Arithmetic> arithmetic;  // see choose_arithmetic
  std::optional<Type> cache;             // F32, F16, BF16, Q8_0, Q4_0; see choose_cache_type
  std::optional<Isa> isa;                // default best_isa(). Of a lent runtime: its own
  // Called once with the loaded model, which it may change (an adapter). What it returns tells models
  // that were changed differently apart: prompts that are kept in files belong to one of them.
  using Prepare =
      std::function<std::string(Model&, const std::shared_ptr<const ModelFile>&, const Exec&)>;
  Prepare prepare = nullptr;
  // Adapters of which each slot chooses one (Session::choose), by their order: each function puts one
  // beside the model's weights.
  std::vector<Prepare> choices = {};
};

// What the options say, or F16, with bf16 arithmetic BF16. Throws Error for a type that no cache has.
Type choose_cache_type(const SessionOptions& options, Arithmetic arithmetic);

class Session {
 public:
  // A model of a file, on threads of its own. Throws Error: what loading the model throws, an
  // option out of its range.
  explicit Session(std::shared_ptr<const ModelFile> file, const SessionOptions& options = {});
  // The same on what is lent: several models share it, each may be asked from a thread of its own.
  Session(std::shared_ptr<const ModelFile> file, Runtime runtime,
          const SessionOptions& options = {});
  // A model in memory (a trainer's), which outlives the session and is not trained while it is
  // asked. Arithmetic: f32 when nobody says. Without a file, save() and load() throw.
  Session(const Model& model, Runtime runtime, const SessionOptions& options = {});
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  const Model& model() const { return *model_; }
  const Config& config() const { return model_->config(); }
  // The weights of a model of a file, by name (of one in memory: none). Whoever changes one changes
  // what the session computes from then on.
  std::vector<WeightSpec> weights() {
    return loaded_ ? loaded_->weights() : std::vector<WeightSpec>();
  }
  // Shows `see` what goes into each linear layer from now on; null: no more.
  void watch_linear_inputs(LinearInputs* see) { context_of_run_->linear_inputs = see; }
  std::int64_t context() const { return context_; }
  Arithmetic arithmetic() const { return context_of_run_->arithmetic; }
  Type cache_type() const { return cache_->shape().type; }
  std::int64_t slots() const { return cache_->shape().slots; }
  // Tokens that a slot has memory for: the context, or the positions that were asked for.
  std::int64_t room() const { return std::min(context_, cache_->shape().context); }
  Runtime runtime() const { return runtime_; }
  const char* isa() const { return runtime_.kernels.name; }
  unsigned threads() const { return runtime_.pool.size(); }

  // Adapters that a slot can choose; kNoAdapter is none of them: the model as it is.
  static constexpr std::int32_t kNoAdapter = -1;
  std::int32_t adapters() const { return static_cast<std::int32_t>(choices_.size()); }
  // What a slot evaluates from now on is under this adapter. What it held under another it forgets:
  // the same tokens have other keys and values there. Throws Error when there is no such adapter.
  void choose(std::int64_t slot, std::int32_t adapter);
  std::int32_t adapter(std::int64_t slot) const;

  // The tokens whose keys and values a slot holds.
  std::span<const std::int32_t> tokens(std::int64_t slot) const;
  // Forgets the positions from `length` on; all of them where a sliding window has moved on, so
  // that what comes next could not see what it must.
  void trim(std::int64_t slot, std::int64_t length);
  // Makes `to` hold the first `length` positions of `from`, under its adapter: a prompt that several
  // answers share. No position where trim would forget all.
  void copy(std::int64_t from, std::int64_t to, std::int64_t length);
  // The model's weights have changed (training went on; each was told, Weight::changed): no slot
  // holds anything any more.
  void weights_changed();
  // Trims a slot to what it has in common with `tokens`, all but the last of them at most, and
  // returns that length: what need not be evaluated again.
  std::int64_t reuse(std::int64_t slot, std::span<const std::int32_t> tokens);
  // Keeps a slot in a file, readable by its owner alone (it tells what was said); session_file.cpp.
  // Throws Error when it cannot be written.
  void save(std::int64_t slot, const Path& file);
  // Makes a slot hold what such a file has in common with `tokens`, all but the last of them at
  // most, and returns that length. Throws Error when the file is damaged, or was written for
  // another model or arithmetic.
  std::int64_t load(std::int64_t slot, const Path& file, std::span<const std::int32_t> tokens);

  // A sequence of this length will be in the slot before long: its memory can come in larger pieces.
  void expect(std::int64_t slot, std::int64_t length);

  // Throws Error, naming both lengths, when a sequence of this many tokens does not fit the
  // context.
  void require_room(std::int64_t length) const;
  // Throws Error for the first id that is not in the vocabulary.
  void require_known(std::span<const std::int32_t> tokens) const;

  // Tokens that follow those which their slot holds. At most one part for a slot.
  enum class Want : std::uint8_t { none, last, all };
  struct Part {
    std::int64_t slot = 0;
    std::span<const std::int32_t> tokens;
    Want want = Want::last;  // the tokens whose logits are asked for
  };
  // Called once for each token whose logits are asked for, in the order of the batch. `index` is
  // its place in the part. The logits [V] are valid during the call.
  using See =
      std::function<void(std::size_t part, std::size_t index, std::span<const float> logits)>;
  // Asked between forward passes whether to go on.
  using GoOn = std::function<bool()>;

  // Runs the parts as one batch, in chunks, those of one adapter one after the other. The logits of a
  // sequence do not depend on the chunks, nor on who else is in the batch. False: `go_on` said no; the slots hold what was evaluated so
  // far. Throws Error when a part does not fit, before anything is evaluated.
  bool evaluate(std::span<const Part> parts, const See& see, const GoOn& go_on = {});

  // The same with all logits of a forward pass at once, in the order of the batch, so that threads
  // can share the work on them. They are valid during the call.
  struct Row {
    std::size_t part, index;
    std::span<const float> logits;
  };
  using SeeRows = std::function<void(std::span<const Row> rows)>;
  bool evaluate_rows(std::span<const Part> parts, const SeeRows& see, const GoOn& go_on = {});

 private:
  struct Place {
    std::size_t part, index;
  };
  // Of `file`, or where there is none of `model`; on `lent`, or where nothing is on its own.
  Session(std::shared_ptr<const ModelFile> file, const Model* model, std::optional<Runtime> lent,
          const SessionOptions& options);
  void forward(const Batch& batch, std::span<const Place> wanted, const SeeRows& see);
  void check_slot(std::int64_t slot) const;
  std::vector<std::size_t> by_adapter(std::span<const Part> parts) const;
  std::vector<AdaptedRows> adapted_rows(const Batch& batch) const;
  Json signature(std::int64_t slot) const;
  std::int64_t take_saved(std::int64_t slot, std::span<const std::int32_t> ids, std::int64_t saved,
                          std::span<const std::int64_t> starts,
                          const std::function<std::span<const std::byte>(std::size_t bytes)>& take);

  std::string variant_;               // what SessionOptions::prepare made of the model
  std::vector<std::string> choices_;  // the same of each of SessionOptions::choices
  std::int64_t context_, chunk_;
  std::unique_ptr<OwnRuntime> own_;  // null: lent
  Runtime runtime_;
  std::shared_ptr<const ModelFile> file_;  // null: the model is one in memory
  Arena arena_;
  std::unique_ptr<Context> context_of_run_;
  std::unique_ptr<Model> loaded_;  // null: the model is somebody else's
  const Model* model_;
  std::unique_ptr<Cache> cache_;
  std::optional<LookedUp> looked_up_;
  std::vector<std::vector<std::int32_t>> tokens_;  // by slot
  std::vector<std::int32_t> chosen_;               // adapters, by slot
};

}  // namespace bantam::infer
