// Bantam in C++17: opens a small language model and lets it write.
//
//   bantam::Model model("model.gguf");
//   model.generate(model.encode("Once upon a time"), {}, [](std::string_view text) {
//     std::cout << text << std::flush;
//     return true;
//   });
//
// This is bantam.h with values in place of buffers and an exception in place of statuses; what the
// fields of the options mean stands there, as does what threads may do. The code is in this header:
// whatever compiler and standard library a program is made with, it meets libbantam in C alone.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bantam/bantam.h"

namespace bantam {
inline namespace v0 {

using Token = std::int32_t;

// What every function throws when it fails; what() is a sentence for people. Memory that the system
// does not have is std::bad_alloc.
class Error : public std::runtime_error {
 public:
  Error(bantam_status status, const char* message) : std::runtime_error(message), status_(status) {}
  bantam_status status() const { return status_; }  // BANTAM_FAILED or BANTAM_MISUSE

 private:
  bantam_status status_;
};

// All fields have their defaults; see bantam.h.
struct OpenOptions : bantam_open_options {
  OpenOptions() { bantam_open_options_init(this, sizeof(bantam_open_options)); }
};
struct GenerateOptions : bantam_generate_options {
  GenerateOptions() { bantam_generate_options_init(this, sizeof(bantam_generate_options)); }
  std::vector<std::string> stop_texts;  // in place of `stops` and `stop_count`
  // In place of `settings` and `setting_count`: {{"typical", 0.9}, ...}.
  std::vector<std::pair<std::string, double>> more;
};

struct Message {
  std::string role, content;
};

struct Answer {
  std::string text;
  std::vector<Token> tokens;  // the end token included
  std::int64_t stop = 0;      // BANTAM_STOP_...
  std::int64_t prompt_tokens = 0;
  double prompt_seconds = 0, answer_seconds = 0;
};

// Called with each piece of text, always whole characters, and with an empty one between the passes
// of the model; false stops. What it throws stops too, and comes out of generate().
using OnText = std::function<bool(std::string_view text)>;

class Model {
 public:
  // A .gguf file, or a folder with config.json and safetensors.
  explicit Model(const std::string& path, const OpenOptions& options = {}) {
    bantam_model* model = nullptr;
    bantam_error error;
    check(bantam_open(path.c_str(), &options, &model, &error), error);
    model_.reset(model);
  }

  bantam_description description() const {
    bantam_description description{};
    description.size = sizeof description;
    bantam_error error;
    check(bantam_describe(model_.get(), &description, &error), error);
    return description;
  }

  std::vector<Token> encode(std::string_view text,
                            int flags = BANTAM_ADD_SPECIAL | BANTAM_PARSE_SPECIAL) const {
    return fill(std::vector<Token>(text.size() / 2 + 16),
                [&](std::vector<Token>& to, std::size_t* size, bantam_error* error) {
                  return bantam_encode(model_.get(), text.data(), text.size(), flags, to.data(),
                                       to.size(), size, error);
                });
  }

  std::string decode(const std::vector<Token>& tokens, int flags = 0) const {
    return fill(std::string(8 * tokens.size() + 16, '\0'),
                [&](std::string& to, std::size_t* size, bantam_error* error) {
                  return bantam_decode(model_.get(), tokens.data(), tokens.size(), flags, to.data(),
                                       to.size(), size, error);
                });
  }

  bool is_end(Token token) const { return bantam_is_end(model_.get(), token) != 0; }

  // The text of the prompt that a conversation becomes.
  std::string render_chat(const std::vector<Message>& messages) const {
    std::vector<bantam_message> all;
    for (const Message& m : messages) all.push_back({m.role.c_str(), m.content.c_str()});
    return fill(std::string(1024, '\0'),
                [&](std::string& to, std::size_t* size, bantam_error* error) {
                  return bantam_render_chat(model_.get(), all.data(), all.size(), to.data(),
                                            to.size(), size, error);
                });
  }
  // The same as tokens, for generate(); its options say own_text.
  std::vector<Token> encode_chat(const std::vector<Message>& messages) const {
    return encode(render_chat(messages), BANTAM_PARSE_SPECIAL);
  }

  // Continues the prompt, which is the whole sequence.
  Answer generate(const std::vector<Token>& prompt, GenerateOptions options = {},
                  const OnText& on_text = {}) {
    std::vector<const char*> stops;
    for (const std::string& stop : options.stop_texts) stops.push_back(stop.c_str());
    options.stops = stops.data();
    options.stop_count = stops.size();
    std::vector<bantam_setting> settings;
    for (const auto& [name, value] : options.more) settings.push_back({name.c_str(), value});
    options.settings = settings.data();
    options.setting_count = settings.size();
    Listener listener{on_text, {}, {}};
    // The context bounds the answer.
    const auto context = static_cast<std::size_t>(description().context);
    const std::size_t room = context + 1 - std::min(context, prompt.size());
    std::vector<Token> tokens(options.max_tokens < 0
                                  ? room
                                  : std::min(room, static_cast<std::size_t>(options.max_tokens)));
    bantam_result result{};
    result.size = sizeof result;
    result.tokens = tokens.data();
    result.capacity = tokens.size();
    bantam_error error;
    const bantam_status status = bantam_generate(model_.get(), prompt.data(), prompt.size(),
                                                 &options, hear, &listener, &result, &error);
    if (listener.failure) std::rethrow_exception(listener.failure);
    check(status, error);
    tokens.resize(result.count);
    return {std::move(listener.text), std::move(tokens),     result.stop,
            result.prompt_tokens,     result.prompt_seconds, result.answer_seconds};
  }

  // Logits after each of the last `rows` tokens: rows * description().vocabulary numbers.
  std::vector<float> logits(const std::vector<Token>& tokens, std::size_t rows = 1) {
    const auto width = static_cast<std::size_t>(description().vocabulary);
    std::vector<float> out(std::min(rows, tokens.size()) * width);
    bantam_error error;
    check(bantam_logits(model_.get(), tokens.data(), tokens.size(), rows, out.data(), out.size(),
                        &error),
          error);
    return out;
  }

  // For what bantam.h offers beside.
  bantam_model* c_model() const { return model_.get(); }

 private:
  struct Close {
    void operator()(bantam_model* model) const { bantam_close(model); }
  };
  struct Listener {
    const OnText& on_text;
    std::string text;
    std::exception_ptr failure;
  };

  static int hear(void* user, const char* text, std::size_t bytes) {
    auto& listener = *static_cast<Listener*>(user);
    try {
      listener.text.append(text, bytes);
      return listener.failure || (listener.on_text && !listener.on_text({text, bytes})) ? 1 : 0;
    } catch (...) {
      listener.failure = std::current_exception();
      return 1;
    }
  }

  static void check(bantam_status status, const bantam_error& error) {
    if (status == BANTAM_NO_MEMORY) throw std::bad_alloc();
    if (status != BANTAM_OK) throw Error(status, error.message);
  }

  // What `call` writes into a buffer, which becomes larger if it must.
  template <class Buffer, class Call>
  static Buffer fill(Buffer buffer, const Call& call) {
    std::size_t size = 0;
    bantam_error error;
    bantam_status status = call(buffer, &size, &error);
    if (status == BANTAM_TOO_SMALL) {
      buffer.resize(size);
      status = call(buffer, &size, &error);
    }
    check(status, error);
    buffer.resize(size);
    return buffer;
  }

  std::unique_ptr<bantam_model, Close> model_;
};

}  // namespace v0
}  // namespace bantam
