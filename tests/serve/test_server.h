// A server of a tiny model that runs inside the test program.
#pragma once

#include <atomic>
#include <memory>
#include <thread>

#include "serve/server.h"
#include "support/http_client.h"
#include "support/tiny_adapter.h"
#include "support/tiny_model.h"

namespace bantam::test {

inline constexpr const char* kChat = "/v1/chat/completions";
inline constexpr const char* kCompletions = "/v1/completions";

inline constexpr const char* kTestTemplate =
    "{{ bos_token }}{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}[assistant] {% endif %}";

struct TestSetup {
  std::int64_t slots = 16, context = 128, queue = 0;
  std::string chat_template = kTestTemplate;
  serve::ServerOptions server = serve::ServerOptions();
  serve::Limits limits = {};
  std::vector<TinyAdapter> adapters = {};  // named "adapter-0" and so on
};

class TestServer {
 public:
  explicit TestServer(TestSetup setup = {})
      : file_(model_file(setup)),
        engine_(std::make_unique<Session>(file_, session_options(setup)),
                serve::EngineOptions{setup.queue, true}) {
    auto tokenizer = tiny_tokenizer();
    std::optional<ChatTemplate> chat;
    if (!setup.chat_template.empty()) chat.emplace(setup.chat_template, "tiny");
    service_ = std::make_unique<serve::Service>(
        serve::Service{engine_, tokenizer, std::move(chat), "tiny", 1, setup.limits});
    for (std::size_t i = 0; i < setup.adapters.size(); ++i) {
      service_->adapters.push_back({"adapter-" + std::to_string(i)});
      if (const std::string& own = setup.adapters[i].chat_template; !own.empty())
        service_->adapters.back().chat_template.emplace(own, "adapter");
    }
    setup.server.port = 0;
    server_ = std::make_unique<serve::Server>(*service_, setup.server);
    thread_ = std::thread([this] { server_->run([this] { return stop_.load(); }); });
  }
  ~TestServer() { end(); }

  int port() const { return server_->port(); }
  serve::Engine& engine() { return engine_; }
  // Without waiting.
  void ask_to_stop() { stop_ = true; }
  void end() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }

  Reply post(const std::string& path, const Json& body) const {
    HttpClient client(port());
    client.post(path, body);
    return client.reply();
  }

  // What generate() makes of a prompt at temperature 0, in a session of its own, which has the adapter
  // of this number alone.
  std::string alone(const std::string& prompt, std::int64_t tokens, int adapter = -1) const {
    SessionOptions own;
    if (adapter >= 0) own.prepare = tiny_attachment(adapter_path(adapter));
    Session session(file_, own);
    AnswerOptions options;
    options.sampling.temperature = 0;
    options.most_tokens = tokens;
    const auto tokenizer = tiny_tokenizer();
    Answer answer(tokenizer, options);
    generate(session, 0, tokenizer->encode(prompt, {false, true}), answer);
    return answer.text();
  }

 private:
  std::shared_ptr<const ModelFile> model_file(const TestSetup& setup) {
    TinyModel tiny;
    tiny.context = setup.context;
    write_tiny_gguf(folder_ / "tiny.gguf", tiny);
    auto file = std::make_shared<const ModelFile>(folder_ / "tiny.gguf");
    for (std::size_t i = 0; i < setup.adapters.size(); ++i)
      write_tiny_adapter(adapter_path(static_cast<int>(i)), file, setup.adapters[i]);
    return file;
  }
  Path adapter_path(int i) const { return folder_ / ("adapter-" + std::to_string(i)); }
  SessionOptions session_options(const TestSetup& setup) const {
    SessionOptions options;
    options.slots = setup.slots;
    options.threads = 2;
    for (std::size_t i = 0; i < setup.adapters.size(); ++i)
      options.choices.push_back(tiny_choice(adapter_path(static_cast<int>(i))));
    return options;
  }

  ScratchFolder folder_;
  std::shared_ptr<const ModelFile> file_;
  serve::Engine engine_;
  std::unique_ptr<serve::Service> service_;
  std::unique_ptr<serve::Server> server_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

// A request for an answer that does not end before the context is full.
inline Json endless(const Json& more = Json::object()) {
  Json body = {{"prompt", "the "}, {"max_tokens", 1000000}, {"logit_bias", {{"260", -100}}}};
  body.update(more);
  return body;
}

}  // namespace bantam::test
