// The C interface (bantam/bantam.h) over the rooms above.
#include <array>
#include <atomic>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>

#include "api/call.h"
#include "base/nearest.h"
#include "chat/prompt.h"
#include "infer/answer.h"
#include "infer/sampler_options.h"
#include "infer/session.h"
#include "tokenizer/tokenizer.h"

using namespace bantam;
using namespace bantam::api;

// The tokenizer may be used by many threads, the session by one at a time.
struct bantam_model {
  std::string path;
  std::shared_ptr<const ModelFile> file;
  std::shared_ptr<const Tokenizer> tokenizer;
  std::shared_ptr<OwnRuntime> runtime;  // shared by models that were opened so
  std::unique_ptr<Session> session;
  std::atomic_flag busy;
};

namespace {

// Structures of version 0.1: what a caller has at least. No padding that a later field would fill.
constexpr std::size_t kOpenOptions = sizeof(size_t) + 4 * sizeof(int64_t);
constexpr std::size_t kDescription = sizeof(size_t) + 3 * sizeof(char*) + 7 * sizeof(int64_t);
constexpr std::size_t kGenerateOptions = 2 * sizeof(size_t) + 11 * sizeof(int64_t) + sizeof(char**);
constexpr std::size_t kResult =
    3 * sizeof(size_t) + sizeof(int32_t*) + 2 * sizeof(int64_t) + 2 * sizeof(double);
static_assert(sizeof(void*) != 8 || (sizeof(bantam_open_options) == kOpenOptions + sizeof(void*) &&
                                     sizeof(bantam_description) == kDescription &&
                                     sizeof(bantam_generate_options) ==
                                         kGenerateOptions + sizeof(void*) + sizeof(size_t) &&
                                     sizeof(bantam_result) == kResult));

// The n-th of the values, the first of which is the default.
template <class T, std::size_t N>
std::optional<T> choose(std::int64_t n, const std::array<T, N>& values, const char* name) {
  if (n == 0) return std::nullopt;
  if (n < 0 || n > static_cast<std::int64_t>(N))
    throw misuse(std::string(name) + " is " + std::to_string(n) + "; there are 0 to " +
                 std::to_string(N));
  return values[static_cast<std::size_t>(n - 1)];
}

SessionOptions session_options(const bantam_open_options& o) {
  if (o.threads < 0 || o.threads > kMostThreads)
    throw misuse("threads is " + std::to_string(o.threads) + "; there can be 0 to " +
                 std::to_string(kMostThreads));
  if (o.context < 0 || o.context > kMostContext)
    throw misuse("context is " + std::to_string(o.context) + "; there can be 0 to " +
                 std::to_string(kMostContext));
  SessionOptions options;
  options.threads = static_cast<unsigned>(o.threads);
  options.context = o.context;
  options.arithmetic =
      choose(o.arithmetic,
             std::array{Arithmetic::f32, Arithmetic::int8, Arithmetic::bf16, Arithmetic::faithful},
             "arithmetic");
  options.cache = choose(o.cache, std::array{Type::f32, Type::f16, Type::bf16}, "cache");
  return options;
}

// Made when the library is loaded: to make SamplingOptions takes memory, and
// bantam_generate_options_init cannot fail.
const bantam_generate_options kGenerateDefaults = [] {
  const SamplingOptions s;
  return bantam_generate_options{sizeof(bantam_generate_options),
                                 -1,
                                 s.seed,
                                 s.temperature,
                                 s.top_k,
                                 s.top_p,
                                 s.min_p,
                                 s.repeat_penalty,
                                 s.frequency_penalty,
                                 s.presence_penalty,
                                 s.penalty_last,
                                 nullptr,
                                 0,
                                 0,
                                 nullptr,
                                 0};
}();

// The settings of a caller by the table of the sampler's options.
void apply_settings(const bantam_generate_options& o, SamplingOptions& sampling) {
  check_array(o.settings, o.setting_count, "settings");
  for (std::size_t i = 0; i < o.setting_count; ++i) {
    need(o.settings[i].name, "the name of a setting");
    const SamplerOption* option = find_sampler_option(o.settings[i].name);
    if (option == nullptr) {
      std::vector<std::string> names;
      for (const SamplerOption& known : sampler_options()) names.emplace_back(known.main_name());
      const std::string near = nearest(o.settings[i].name, names);
      throw misuse("there is no setting " + printable(o.settings[i].name, 60) +
                   (near.empty() ? "" : "; did you mean " + near + "?"));
    }
    set_value(*option, sampling, o.settings[i].value);
  }
}

AnswerOptions answer_options(const bantam_generate_options& o,
                             std::span<const std::int32_t> prompt) {
  AnswerOptions options;
  SamplingOptions& s = options.sampling;
  s.seed = o.seed;
  s.temperature = o.temperature;
  s.top_k = o.top_k;
  s.top_p = o.top_p;
  s.min_p = o.min_p;
  s.repeat_penalty = o.repeat_penalty;
  s.frequency_penalty = o.frequency_penalty;
  s.presence_penalty = o.presence_penalty;
  s.penalty_last = o.penalty_last;
  try {
    apply_settings(o, s);
    s.check();
  } catch (const Error& error) {
    throw misuse(error.what());
  }
  options.most_tokens = std::max<std::int64_t>(o.max_tokens, -1);
  check_array(o.stops, o.stop_count, "stops");
  for (std::size_t i = 0; i < o.stop_count; ++i) {
    need(o.stops[i], "one of the stops");
    options.stops.emplace_back(o.stops[i]);
  }
  if (o.own_text == 0) options.continues.assign(prompt.begin(), prompt.end());
  return options;
}

std::int64_t stop_number(StopReason reason) {
  switch (reason) {
    case StopReason::end:
      return BANTAM_STOP_END;
    case StopReason::stop_string:
      return BANTAM_STOP_TEXT;
    case StopReason::length:
      return BANTAM_STOP_LENGTH;
    case StopReason::context:
      return BANTAM_STOP_CONTEXT;
    case StopReason::interrupted:
      return BANTAM_STOP_CALLER;
    case StopReason::none:
      break;
  }
  return 0;
}

// Holds a model while it computes.
class Use {
 public:
  explicit Use(bantam_model& model) : model_(model) {
    if (model.busy.test_and_set()) throw misuse("the model is in use by another call");
  }
  ~Use() { model_.busy.clear(); }
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;

 private:
  bantam_model& model_;
};

void give_result(bantam_result* result, const Answer& answer, const Timing& timing) {
  if (result == nullptr) return;
  const std::span<const std::int32_t> ids = answer.ids();
  std::copy_n(ids.begin(), std::min(ids.size(), result->capacity), result->tokens);
  give(result,
       {0, result->tokens, result->capacity, ids.size(), stop_number(answer.reason()),
        timing.prompt_tokens, timing.prompt_seconds, timing.answer_seconds},
       kResult, "result");
}

}  // namespace

const char* bantam_version(void) { return BANTAM_VERSION; }

void bantam_open_options_init(bantam_open_options* options, size_t size) {
  if (options == nullptr || size < kOpenOptions) return;
  const bantam_open_options defaults{size, 0, 0, 0, 0, nullptr};
  std::memset(options, 0, size);
  std::memcpy(options, &defaults, std::min(size, sizeof defaults));
}

bantam_status bantam_open(const char* path, const bantam_open_options* options,
                          bantam_model** model, bantam_error* error) {
  if (model != nullptr) *model = nullptr;
  return call(error, [&] {
    need(path, "path");
    need(model, "model");
    const bantam_open_options wanted = with_defaults(
        options, {sizeof *options, 0, 0, 0, 0, nullptr}, kOpenOptions, "bantam_open_options");
    const SessionOptions chosen = session_options(wanted);
    auto opened = std::make_unique<bantam_model>();
    opened->path = path;
    opened->file = std::make_shared<const ModelFile>(Path(path));
    opened->tokenizer = tokenizer_of(*opened->file);
    opened->runtime = wanted.share != nullptr ? wanted.share->runtime
                                              : std::make_shared<OwnRuntime>(chosen.threads);
    opened->session = std::make_unique<Session>(opened->file, opened->runtime->lend(), chosen);
    *model = opened.release();
    return BANTAM_OK;
  });
}

void bantam_close(bantam_model* model) { delete model; }

bantam_status bantam_describe(const bantam_model* model, bantam_description* description,
                              bantam_error* error) {
  return call(error, [&] {
    need(model, "model");
    need(description, "description");
    const Config& config = model->session->config();
    const Tokenizer& tokenizer = *model->tokenizer;
    give(description,
         {0, config.family.c_str(), config.name.c_str(), model->session->isa(), config.vocabulary,
          tokenizer.size(), model->session->context(), model->file->config().context,
          tokenizer.bos().value_or(-1), tokenizer.eos().value_or(-1),
          tokenizer.chat_template().empty() ? 0 : 1},
         kDescription, "bantam_description");
    return BANTAM_OK;
  });
}

bantam_status bantam_encode(const bantam_model* model, const char* text, size_t bytes, int flags,
                            int32_t* tokens, size_t capacity, size_t* count, bantam_error* error) {
  return call(error, [&] {
    need(model, "model");
    need(count, "count");
    check_array(text, bytes, "text");
    check_array(tokens, capacity, "tokens");
    check_flags(flags, BANTAM_ADD_SPECIAL | BANTAM_PARSE_SPECIAL);
    const std::vector<std::int32_t> ids = model->tokenizer->encode(
        {text, bytes}, {(flags & BANTAM_ADD_SPECIAL) != 0, (flags & BANTAM_PARSE_SPECIAL) != 0});
    return give_all<std::int32_t>(ids, tokens, capacity, count, error);
  });
}

bantam_status bantam_decode(const bantam_model* model, const int32_t* tokens, size_t count,
                            int flags, char* text, size_t capacity, size_t* bytes,
                            bantam_error* error) {
  return call(error, [&] {
    need(model, "model");
    need(bytes, "bytes");
    check_array(tokens, count, "tokens");
    check_array(text, capacity, "text");
    check_flags(flags, BANTAM_SHOW_SPECIAL);
    const std::string decoded = model->tokenizer->decode({tokens, count}, flags == 0);
    return give_all<char>(decoded, text, capacity, bytes, error);
  });
}

int bantam_is_end(const bantam_model* model, int32_t token) {
  if (model == nullptr || token < 0 || token >= model->tokenizer->size()) return 0;
  return model->tokenizer->ends(token) ? 1 : 0;
}

bantam_status bantam_render_chat(const bantam_model* model, const bantam_message* messages,
                                 size_t count, char* text, size_t capacity, size_t* bytes,
                                 bantam_error* error) {
  return call(error, [&] {
    need(model, "model");
    need(bytes, "bytes");
    check_array(messages, count, "messages");
    check_array(text, capacity, "text");
    const auto chat_template = own_template(*model->tokenizer, model->path);
    if (!chat_template) throw Error("the model has no chat template").in(model->path);
    Json conversation = Json::array();
    for (size_t i = 0; i < count; ++i) {
      need(messages[i].role, "the role of a message");
      need(messages[i].content, "the content of a message");
      conversation.push_back({{"role", messages[i].role}, {"content", messages[i].content}});
    }
    const std::string prompt =
        make_prompt(*model->tokenizer, *chat_template, std::move(conversation)).text;
    return give_all<char>(prompt, text, capacity, bytes, error);
  });
}

void bantam_generate_options_init(bantam_generate_options* options, size_t size) {
  if (options == nullptr || size < kGenerateOptions) return;
  bantam_generate_options defaults = kGenerateDefaults;
  defaults.size = size;
  std::memset(options, 0, size);
  std::memcpy(options, &defaults, std::min(size, sizeof defaults));
}

bantam_status bantam_generate(bantam_model* model, const int32_t* prompt, size_t count,
                              const bantam_generate_options* options, bantam_on_text callback,
                              void* user, bantam_result* result, bantam_error* error) {
  return call(error, [&] {
    need(model, "model");
    check_array(prompt, count, "prompt");
    if (result != nullptr) {
      checked_size<bantam_result>(result->size, kResult, "bantam_result");
      check_array(result->tokens, result->capacity, "result.tokens");
    }
    const std::span<const std::int32_t> ids{prompt, count};
    Answer answer(model->tokenizer,
                  answer_options(with_defaults(options, kGenerateDefaults, kGenerateOptions,
                                               "bantam_generate_options"),
                                 ids));
    const Use use(*model);
    const auto go_on = [&](std::string_view piece) {
      return callback == nullptr || callback(user, piece.data(), piece.size()) == 0;
    };
    const Timing timing =
        generate(*model->session, 0, ids, answer, go_on, [&] { return go_on(""); });
    give_result(result, answer, timing);
    return BANTAM_OK;
  });
}

bantam_status bantam_logits(bantam_model* model, const int32_t* tokens, size_t count, size_t rows,
                            float* logits, size_t capacity, bantam_error* error) {
  return call(error, [&] {
    need(model, "model");
    check_array(tokens, count, "tokens");
    check_array(logits, capacity, "logits");
    if (rows < 1 || rows > count)
      throw misuse("rows is " + std::to_string(rows) + " of " + std::to_string(count) + " tokens");
    const Use use(*model);
    Session& session = *model->session;
    const std::span<const std::int32_t> ids{tokens, count};
    session.require_known(ids);
    session.require_room(static_cast<std::int64_t>(count));
    const auto width = static_cast<std::size_t>(session.config().vocabulary);
    if (capacity / width < rows) return too_small(error, rows * width, capacity);
    // Of what is held, at most the tokens before the rows: those are computed.
    const auto held = static_cast<std::size_t>(session.reuse(0, ids.first(count - rows + 1)));
    const Session::Part before{0, ids.subspan(held, count - rows - held), Session::Want::none};
    session.evaluate({&before, 1}, {});
    const Session::Part asked{0, ids.last(rows), Session::Want::all};
    session.evaluate({&asked, 1},
                     [&](std::size_t, std::size_t row, std::span<const float> numbers) {
                       std::ranges::copy(numbers, logits + row * width);
                     });
    return BANTAM_OK;
  });
}
