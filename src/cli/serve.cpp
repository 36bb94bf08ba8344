// `bantam serve`: answers other programs by OpenAI's protocol.
#include <sys/stat.h>

#include <algorithm>
#include <ctime>
#include <memory>

#include "adapt/adapter.h"
#include "base/error.h"
#include "base/machine.h"
#include "cli/conversation.h"
#include "cli/interrupt.h"
#include "cli/model_options.h"
#include "cli/output.h"
#include "cli/speculating.h"
#include "cli/template_variables.h"
#include "cli/verbs.h"
#include "files/model_path.h"
#include "serve/server.h"

namespace bantam::cli {

namespace {

constexpr std::int64_t kMostSlots = 16, kQueue = 64, kMostQueue = 10'000;

struct ServeVerb {
  ModelOptions model;
  std::optional<std::int64_t> port, slots, queue;
  std::optional<std::string> host, key_file, template_name, name;
  std::vector<std::string> set;
  SpeculationFlags speculation;
  SamplingFlags sampling;

  void run() const;
  serve::ServerOptions server_options() const;
  SessionOptions first_options() const;
  SessionOptions session_options(const ModelFile& file, const DraftFile& draft) const;
  std::vector<serve::ServedAdapter> served_adapters(const Json& variables) const;
};

serve::ServerOptions ServeVerb::server_options() const {
  serve::ServerOptions options;
  options.host = host.value_or(options.host);
  options.port = static_cast<int>(port.value_or(options.port));
  options.log = [](const std::string& line) { note(line); };
  if (!key_file) return options;
  options.keys = serve::Keys::read(Path(*key_file));
  struct stat status {};
  if (stat(key_file->c_str(), &status) == 0 && (status.st_mode & 077) != 0)
    note("others on this machine can read the keys in " + printable(*key_file, 200) +
         "; chmod 600 keeps them out");
  return options;
}

SessionOptions ServeVerb::first_options() const {
  SessionOptions options = model.session();
  options.slots = slots.value_or(kMostSlots);
  return options;
}

// Where nobody says how long a conversation may be, the keys and values of all slots, a draft's among
// them, take half of the memory that is free. The context itself stays what it is: answers do not depend on the machine.
SessionOptions ServeVerb::session_options(const ModelFile& file, const DraftFile& draft) const {
  SessionOptions options = first_options();
  const std::int64_t trained = file.config().context;
  if (model.memory) {
    model.keep_to_memory(file, options, draft.shape());
    return options;
  }
  if (model.context) return options;
  const std::optional<RunShape> beside = draft.shape();
  options.positions = std::clamp(
      positions_cached(run_shape(file, options), available_memory() / 2, beside ? &*beside : nullptr),
      std::min<std::int64_t>(256, trained), trained);
  if (options.positions < trained)
    note("a conversation may have " + std::to_string(options.positions) + " tokens of " +
         std::to_string(trained) + ", so that " + std::to_string(options.slots) +
         " fit into memory; --slots with less, or --ctx, changes it");
  return options;
}

std::string name_of(const std::string& path) {
  Path name = Path(path).lexically_normal();
  if (!name.has_filename()) name = name.parent_path();
  return files::is_gguf_name(name) ? name.stem().string() : name.filename().string();
}

// What a conversation under each adapter is written by: the template that it was trained under, where it
// brings one, unless there is one for all.
std::vector<serve::ServedAdapter> ServeVerb::served_adapters(const Json& variables) const {
  std::vector<serve::ServedAdapter> all;
  for (const NamedAdapter& one : model.adapters) {
    all.push_back({one.name});
    if (template_name) continue;
    std::string brought = adapt::template_of(Path(one.path));
    if (brought.empty()) continue;
    std::optional<ChatTemplate>& own = all.back().chat_template;
    own.emplace(std::move(brought), one.path + " (chat template)");
    own->set_variables(variables);
  }
  return all;
}

void ServeVerb::run() const {
  serve::ServerOptions options = server_options();
  const auto file = std::make_shared<const ModelFile>(Path(model.path));
  model.warn_of_context(*file);
  check_biases(sampling.chosen(), file->config());
  const auto tokenizer = tokenizer_of(*file);
  std::optional<ChatTemplate> chat_template =
      choose_template(template_name, *tokenizer, model.path, model.adapter);
  const Json variables = template_variables(set);
  if (chat_template) {
    warn_of_unread(*chat_template, variables);
    chat_template->set_variables(variables);
  }
  const std::string own_name = name.value_or(name_of(model.path));
  for (const NamedAdapter& one : model.adapters)
    if (one.name == own_name)
      throw Error("the model itself is called " + printable(own_name, 60) +
                      "; give the adapter another name, or the model one with --name",
                  Error::Kind::usage)
          .field("--adapter");
  std::vector<serve::ServedAdapter> adapters = served_adapters(variables);
  const DraftFile draft = speculation.open(*tokenizer, first_options());
  auto session = std::make_unique<Session>(file, session_options(*file, draft));
  auto draft_model = draft.load(*session);
  serve::Engine engine(std::move(session), {queue.value_or(kQueue), !speculation.off},
                       std::move(draft_model));
  serve::Service service{engine, tokenizer, std::move(chat_template),
                         own_name, std::time(nullptr)};
  service.adapters = std::move(adapters);
  service.defaults = {sampling.chosen(), sampling.seed.value_or(-1) >= 0};
  serve::Server server(service, options);
  check_interrupt();
  const bool bare_colons =
      options.host.find(':') != std::string::npos && options.host.front() != '[';
  note("listening on http://" + (bare_colons ? "[" + options.host + "]" : options.host) + ":" +
       std::to_string(server.port()) + "/v1 (Ctrl-C ends)");
  server.run([] { return interrupted(); });
  // This is how a server ends: no failure.
  forget_interrupt();
}

std::function<void()> declare_serve(Options& options) {
  auto command = std::make_shared<ServeVerb>();
  command->model.declare(options, true, true);
  command->model.declare_memory(options);
  options.whole("--port", "N", command->port, 0, 65535, "port (default 8080; 0: any free one)");
  options.text("--host", "ADDR", command->host,
               "address to listen on (default 127.0.0.1: this machine alone); another one needs a "
               "key");
  options.text("--api-key-file", "FILE", command->key_file,
               "only who sends a key of this file (one a line) is served");
  options.whole("--slots", "N", command->slots, 1, kMostSlots,
                "answers in the making at once (default 16)");
  options.whole("--queue", "N", command->queue, 0, kMostQueue,
                "how many more requests wait for a slot (default 64); who comes then is told to "
                "come again");
  options
      .text("--template", "NAME", command->template_name,
            "a chat template in place of the model's own: " + template_names())
      .words = template_words();
  declare_variables(options, command->set);
  options.text("--name", "NAME", command->name,
               "what clients call the model (default: the file's name)");
  command->speculation.declare(options);
  command->sampling.declare(options);
  return [command] { command->run(); };
}

}  // namespace

const Verb kServe{
    "serve", "let other programs ask a model",
    "Answers on http://127.0.0.1:8080/v1 as OpenAI's servers do: /v1/chat/completions,\n"
    "/v1/completions (with echo and logprobs for programs that judge models), /v1/models,\n"
    "/tokenize, /detokenize, /health. Programs on this machine alone can ask, unless there is\n"
    "a key. Adapters that are given with a name are served side by side, each to the requests\n"
    "that ask for the model of that name. The options of the sampler hold where a client says\n"
    "nothing. Nothing of what is asked or answered is kept. Ctrl-C lets the answers in the\n"
    "making end; a second one does not.",
    "bantam serve model.gguf\n"
    "bantam serve model.gguf --host 0.0.0.0 --api-key-file key.txt\n"
    "bantam serve model.gguf --adapter sums=adapters/sums --adapter tales=adapters/tales",
    declare_serve};

}  // namespace bantam::cli
