#include "infer/session.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "blocks/format.h"

namespace bantam::infer {

namespace {

// Logits of a large vocabulary take more memory than the rest of a chunk: so many floats at a time.
constexpr std::int64_t kMostLogits = std::int64_t{1} << 23;

// Positions whose memory goes back to the system when they are forgotten at once; a prompt that is worth
// telling the cache of.
constexpr std::int64_t kWorthGivingBack = 512;

std::int64_t choose_context(const SessionOptions& options, const Config& config) {
  if (options.context < 0 || options.chunk < 1 || options.slots < 1)
    throw Error("a context, chunk and number of slots from 1 were expected");
  if (options.context > kMostContext)
    throw Error("a context of at most " + std::to_string(kMostContext) + " was expected");
  if (options.threads > kMostThreads)
    throw Error("at most " + std::to_string(kMostThreads) + " threads were expected");
  return options.context > 0 ? options.context : config.context;
}

// Weights in memory are numbers as training has them, and no blocks to multiply as integers; unless
// the model came from a file and only an adapter beside its blocks is trained.
Arithmetic arithmetic_in_memory(const Model& model, std::optional<Arithmetic> wanted) {
  const auto in_blocks = [](const WeightSpec& w) { return w.matrix && format(w.matrix->type()).quantised; };
  // What weights() hands out could be changed, and is only looked at.
  const bool blocks = std::ranges::any_of(const_cast<Model&>(model).weights(), in_blocks);
  if (!blocks && (wanted == Arithmetic::int8 || wanted == Arithmetic::faithful))
    throw Error("a model in memory is computed in f32 or bf16").field("arithmetic");
  return wanted.value_or(Arithmetic::f32);
}

}  // namespace

Type choose_cache_type(const SessionOptions& options, Arithmetic arithmetic) {
  if (!options.cache) return arithmetic == Arithmetic::bf16 ? Type::bf16 : Type::f16;
  for (const Type type : {Type::f32, Type::f16, Type::bf16, Type::q8_0, Type::q4_0})
    if (*options.cache == type) return type;
  throw Error("a cache of type f32, f16, bf16, q8_0 or q4_0 was expected");
}

std::shared_ptr<const Tokenizer> tokenizer_of(const ModelFile& file) {
  return file.gguf() ? open_tokenizer(*file.gguf()) : open_tokenizer(file.folder()->path());
}

Session::Session(std::shared_ptr<const ModelFile> file, const Model* model,
                 std::optional<Runtime> lent, const SessionOptions& options)
    : context_(choose_context(options, file ? file->config() : model->config())),
      chunk_(options.chunk),
      own_(lent ? nullptr : std::make_unique<OwnRuntime>(options.threads, options.isa)),
      runtime_(lent ? *lent : own_->lend()),
      file_(std::move(file)),
      context_of_run_(std::make_unique<Context>(runtime_.pool, runtime_.kernels, arena_)),
      model_(model),
      tokens_(static_cast<std::size_t>(options.slots)),
      chosen_(static_cast<std::size_t>(options.slots), kNoAdapter) {
  context_of_run_->arithmetic = file_ ? choose_arithmetic(*file_, options.arithmetic)
                                      : arithmetic_in_memory(*model, options.arithmetic);
  const Type type = choose_cache_type(options, context_of_run_->arithmetic);
  if (file_) {
    loaded_ = load_model(file_, context_of_run_->arithmetic, context_of_run_->exec, context_);
    if (options.prepare) variant_ = options.prepare(*loaded_, file_, context_of_run_->exec);
    for (const SessionOptions::Prepare& choice : options.choices)
      choices_.push_back(choice(*loaded_, file_, context_of_run_->exec));
    model_ = loaded_.get();
  }
  const std::int64_t positions =
      options.positions > 0 ? std::min(options.positions, context_) : context_;
  CacheShape shape = model_->cache_shape(options.slots, positions, type);
  shape.chunk = chunk_;
  const std::vector<WeightSpec> weights = this->weights();
  looked_up_.emplace(file_, weights, context_of_run_->arithmetic,
                     shape.slots * shape.context, chunk_);
  cache_ = std::make_unique<Cache>(std::move(shape));
}

Session::Session(std::shared_ptr<const ModelFile> file, Runtime runtime,
                 const SessionOptions& options)
    : Session(std::move(file), nullptr, runtime, options) {}

Session::Session(const Model& model, Runtime runtime, const SessionOptions& options)
    : Session(nullptr, &model, runtime, options) {}

Session::Session(std::shared_ptr<const ModelFile> file, const SessionOptions& options)
    : Session(std::move(file), nullptr, std::nullopt, options) {}

Session::~Session() = default;

void Session::check_slot(std::int64_t slot) const {
  if (slot < 0 || slot >= slots())
    throw Error("a slot from 0 to " + std::to_string(slots() - 1) + " was expected, not " +
                std::to_string(slot));
}

std::span<const std::int32_t> Session::tokens(std::int64_t slot) const {
  check_slot(slot);
  return tokens_[static_cast<std::size_t>(slot)];
}

std::int32_t Session::adapter(std::int64_t slot) const {
  check_slot(slot);
  return chosen_[static_cast<std::size_t>(slot)];
}

void Session::choose(std::int64_t slot, std::int32_t adapter) {
  if (adapter < kNoAdapter || adapter >= adapters())
    throw Error("there is no adapter " + std::to_string(adapter) + "; the session has " +
                std::to_string(adapters()));
  if (this->adapter(slot) == adapter) return;
  trim(slot, 0);
  chosen_[static_cast<std::size_t>(slot)] = adapter;
}

void Session::trim(std::int64_t slot, std::int64_t length) {
  check_slot(slot);
  std::vector<std::int32_t>& held = tokens_[static_cast<std::size_t>(slot)];
  if (length < 0 || static_cast<std::size_t>(length) >= held.size()) return;
  if (!cache_->holds(slot, length)) length = 0;
  const std::int64_t dropped = static_cast<std::int64_t>(held.size()) - length;
  held.resize(static_cast<std::size_t>(length));
  if (held.empty()) cache_->forget(slot);
  if (dropped >= kWorthGivingBack) cache_->shrink(slot, length);
}

void Session::copy(std::int64_t from, std::int64_t to, std::int64_t length) {
  const std::span<const std::int32_t> held = tokens(from);
  check_slot(to);
  length = std::clamp<std::int64_t>(length, 0, static_cast<std::int64_t>(held.size()));
  if (from == to) return trim(to, length);
  choose(to, adapter(from));
  if (!cache_->holds(from, length)) length = 0;
  if (length == 0) return trim(to, 0);
  cache_->copy(from, to, length);
  tokens_[static_cast<std::size_t>(to)].assign(held.begin(), held.begin() + length);
}

void Session::expect(std::int64_t slot, std::int64_t length) {
  if (length - static_cast<std::int64_t>(tokens(slot).size()) >= kWorthGivingBack) cache_->expect(slot, length);
}

void Session::weights_changed() {
  for (std::int64_t slot = 0; slot < slots(); ++slot) trim(slot, 0);
}

std::int64_t Session::reuse(std::int64_t slot, std::span<const std::int32_t> wanted) {
  const std::span<const std::int32_t> held = tokens(slot);
  const std::size_t most = wanted.empty() ? 0 : std::min(wanted.size() - 1, held.size());
  std::size_t same = 0;
  while (same < most && held[same] == wanted[same]) ++same;
  trim(slot, static_cast<std::int64_t>(same));
  return static_cast<std::int64_t>(tokens(slot).size());
}

void Session::require_room(std::int64_t length) const {
  if (length <= context_) return;
  throw Error("the prompt is " + std::to_string(length) +
              " tokens long, the context has room for " + std::to_string(context_) +
              "; shorten the prompt or ask for more context");
}

void Session::require_known(std::span<const std::int32_t> ids) const {
  for (const std::int32_t id : ids)
    if (id < 0 || id >= config().vocabulary)
      throw Error("there is no token " + std::to_string(id) + "; the vocabulary has 0 to " +
                  std::to_string(config().vocabulary - 1));
}

bool Session::evaluate(std::span<const Part> parts, const See& see, const GoOn& go_on) {
  return evaluate_rows(
      parts,
      [&](std::span<const Row> rows) {
        for (const Row& row : rows) see(row.part, row.index, row.logits);
      },
      go_on);
}

bool Session::evaluate_rows(std::span<const Part> parts, const SeeRows& see, const GoOn& go_on) {
  for (const Part& part : parts) {
    require_known(part.tokens);
    const auto length = static_cast<std::int64_t>(tokens(part.slot).size() + part.tokens.size());
    require_room(length);
    if (length > cache_->shape().context)
      throw Error("memory was set aside for " + std::to_string(cache_->shape().context) +
                  " positions, not for " + std::to_string(length));
    for (const Part& other : parts)
      if (&other != &part && other.slot == part.slot)
        throw Error("slot " + std::to_string(part.slot) + " stands twice in a batch");
  }
  for (const Part& part : parts)
    expect(part.slot, static_cast<std::int64_t>(tokens(part.slot).size() + part.tokens.size()));
  const std::int64_t most_wanted = std::max<std::int64_t>(kMostLogits / config().vocabulary, 1);
  Batch batch;
  std::vector<Place> wanted;
  const auto run = [&] {
    if (batch.rows() == 0) return;
    forward(batch, wanted, see);
    for (std::int64_t t = 0; t < batch.rows(); ++t) {
      const auto i = static_cast<std::size_t>(t);
      tokens_[static_cast<std::size_t>(batch.sequences[i])].push_back(batch.tokens[i]);
    }
    batch = {};
    wanted.clear();
  };
  for (const std::size_t p : by_adapter(parts)) {
    const Part& part = parts[p];
    const auto start = static_cast<std::int32_t>(tokens(part.slot).size());
    for (std::size_t i = 0; i < part.tokens.size(); ++i) {
      const bool want =
          part.want == Want::all || (part.want == Want::last && i + 1 == part.tokens.size());
      if (batch.rows() == chunk_ ||
          (want && static_cast<std::int64_t>(wanted.size()) == most_wanted)) {
        run();
        if (go_on && !go_on()) return false;
      }
      batch.add(part.tokens[i], start + static_cast<std::int32_t>(i),
                static_cast<std::int32_t>(part.slot), want);
      if (want) wanted.push_back({p, i});
    }
  }
  run();
  return !go_on || go_on();
}

// The places of the parts in the order in which they run: an adapter's numbers are then read once for
// all of its rows.
std::vector<std::size_t> Session::by_adapter(std::span<const Part> parts) const {
  std::vector<std::size_t> order(parts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (adapters() > 0)
    std::ranges::stable_sort(order, {}, [&](std::size_t p) { return adapter(parts[p].slot); });
  return order;
}

std::vector<AdaptedRows> Session::adapted_rows(const Batch& batch) const {
  std::vector<AdaptedRows> out;
  if (adapters() == 0) return out;
  for (std::int64_t t = 0; t < batch.rows(); ++t) {
    const std::int32_t chosen = adapter(batch.sequences[static_cast<std::size_t>(t)]);
    if (chosen == kNoAdapter) continue;
    if (out.empty() || out.back().adapter != chosen || out.back().end != t)
      out.push_back({chosen, t, t});
    out.back().end = t + 1;
  }
  return out;
}

void Session::forward(const Batch& batch, std::span<const Place> wanted, const SeeRows& see) {
  arena_.reset();
  looked_up_->fetch(batch);
  context_of_run_->adapted_rows = adapted_rows(batch);
  const Tensor logits = model_->forward(*context_of_run_, batch, cache_.get());
  const auto width = static_cast<std::size_t>(config().vocabulary);
  std::vector<Row> rows;
  rows.reserve(wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i)
    rows.push_back({wanted[i].part, wanted[i].index, {logits.f32() + i * width, width}});
  if (!rows.empty()) see(rows);
}

}  // namespace bantam::infer
