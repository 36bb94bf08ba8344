// `bantam plan`: what a model will take and do, on this machine or another, before it is loaded.
#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/counting.h"
#include "base/error.h"
#include "base/machine.h"
#include "base/progress.h"
#include "blocks/format.h"
#include "cli/conversion_parts.h"
#include "cli/model_options.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "plan/choice.h"
#include "plan/machine.h"
#include "train/recipe.h"
#include "train/trainer.h"

namespace bantam::cli {

namespace {

struct PlanVerb {
  ModelOptions model;
  std::optional<std::string> size, type, device_name;
  std::optional<std::int64_t> memory, prompt;
  double decode = 0;
  bool json = false;

  void run() const;
  void plan_one() const;
  void choose() const;
};

// What is known of a model and the machine that it will run on.
struct Planned {
  std::string model;
  RunShape run;
  MemoryParts memory;
  SpeedPlan speed;
  std::int64_t context = 0;  // the longest that memory allows
  std::int64_t limit = 0;    // of memory
  std::string machine;
};

const Device& need_device(const std::string& name) {
  if (const Device* device = find_device(name)) return *device;
  std::string known;
  for (const Device& d : devices()) known += (known.empty() ? "" : ", ") + std::string(d.name);
  throw Error(known + " were expected, not \"" + printable(name, 40) + "\"", Error::Kind::usage)
      .field("--device");
}

// As `bantam quantize --type` would store a model.
Storing storing_of(const std::string& name) {
  const TypePlan types = types_by_name(name, false, false);
  return {name, [types](const Config& config) -> StoredType {
            TypePlan planned = types;
            planned.apply(config, family_by_gguf(config.family, "").make(config)->weights());
            return [planned](const WeightSpec& w) {
              return planned.type_of(w.gguf).value_or(Type::f32);
            };
          }};
}

// Which are offered where nobody says: not those that only models trained for them can bear.
std::vector<Storing> usual_ways() {
  std::vector<Storing> ways;
  for (const std::string& name : names_of_storing()) {
    const bool ternary = name.starts_with("tq");
    if (!ternary && name != "f32" && name != "bf16") ways.push_back(storing_of(name));
  }
  return ways;
}

// This machine as a device, measured in about a second.
Device measured_device(const Machine& machine, std::string& name) {
  ThreadPool pool(machine.threads);
  const MachineSpeed speed = measure_machine(pool, machine.used, 3);
  name = machine.processor.empty() ? "this machine" : machine.processor;
  const auto peak = [&](std::string_view what) {
    for (const MachineSpeed::Peak& p : speed.peaks)
      if (p.what == what) return p.operations_per_s;
    return 0.0;
  };
  return {"here",
          name,
          machine.threads,
          speed.read_bytes_per_s,
          std::max(peak("int8 products"), peak("int8 tiles") / 2),
          peak("f32 multiply-add"),
          1e9,
          machine.free_memory_bytes};
}

Json memory_json(const MemoryParts& m) {
  return {{"total_bytes", m.total()},
          {"program_bytes", m.program},
          {"weights_bytes", m.weights},
          {"cache_bytes", m.cache},
          {"scratch_bytes", m.scratch}};
}

Json speed_json(const SpeedPlan& s) {
  return {{"load_s", s.load_s},
          {"prompt_tokens", s.prompt},
          {"first_token_s", s.first_token_s},
          {"prefill_tokens_per_s", s.prefill_per_s},
          {"decode_tokens_per_s", s.decode_per_s}};
}

std::string bytes_text(std::int64_t bytes) { return byte_text(static_cast<double>(bytes)); }

void show(const Planned& p, bool json) {
  if (json) {
    Json j = {{"model", p.model},
              {"machine", p.machine},
              {"arithmetic", arithmetic_name(p.run.arithmetic)},
              {"cache", format(p.run.cache).name},
              {"context", p.run.positions},
              {"largest_context", p.context},
              {"memory_limit_bytes", p.limit},
              {"fits", p.memory.total() <= p.limit}};
    j.update(memory_json(p.memory));
    j.update(speed_json(p.speed));
    print(to_text(j) + "\n");
    return;
  }
  print(fmt::format("{} on {}, {}, {} arithmetic\n", p.model, p.machine, number_of(p.run.threads, "thread"),
                    arithmetic_name(p.run.arithmetic)));
  print(fmt::format(
      "  memory        {}: weights {}, cache {} ({}, {}), scratch {}, program {}\n",
      bytes_text(p.memory.total()), bytes_text(p.memory.weights), bytes_text(p.memory.cache),
      number_of(p.run.positions, "token"), format(p.run.cache).name, bytes_text(p.memory.scratch),
      bytes_text(p.memory.program)));
  print(fmt::format("  load          {:.2f} s\n", p.speed.load_s));
  print(fmt::format("  first token   {:.2f} s after a prompt of {}, {:.0f} tokens/s\n",
                    p.speed.first_token_s, number_of(p.speed.prompt, "token"), p.speed.prefill_per_s));
  print(fmt::format("  answers       {:.1f} tokens/s\n", p.speed.decode_per_s));
  if (p.memory.total() > p.limit)
    print(fmt::format("  context       does not fit into {}: {} tokens would\n",
                      bytes_text(p.limit), p.context));
  else
    print(fmt::format("  context       {} tokens at most, within {}\n", p.context,
                      bytes_text(p.limit)));
}

// What a model of so many parameters would look like: as a well-known one with fewer or more layers, and below
// those as `bantam train` raises it. Throws Error where none comes near.
Config config_planned(std::int64_t parameters) {
  const auto away_from = [&](const Config& c) {
    return std::fabs(std::log(static_cast<double>(parameters_of(c)) / static_cast<double>(parameters)));
  };
  const Config known = config_of_size(parameters);
  if (away_from(known) < 0.05) return known;
  const std::int64_t nearest = parameters_of(known);
  if (nearest < parameters)
    throw Error(fmt::format("a model of at most {} parameters was expected", count_text(static_cast<double>(nearest))),
                Error::Kind::usage)
        .field("--size");
  constexpr std::int64_t kContext = 2048;
  std::optional<Config> best;
  double least = 1;
  for (std::int64_t vocabulary = 16384; vocabulary >= 512; vocabulary /= 2) try {
      const Config c = train::shape_for_size(parameters, vocabulary, kContext);
      if (5 * vocabulary * c.width > 2 * parameters) continue;  // most of it would be the embedding
      if (away_from(c) < least) best = c, least = away_from(c);
    } catch (const Error&) {  // none of this vocabulary
    }
  if (best) return *best;
  throw Error(fmt::format("no model of about {} parameters can be planned; 100k or more were expected", parameters),
              Error::Kind::usage)
      .field("--size");
}

void PlanVerb::plan_one() const {
  Planned p;
  const SessionOptions options = model.session();
  const std::int64_t length = prompt.value_or(512);
  const Device* device = device_name ? &need_device(*device_name) : nullptr;
  std::shared_ptr<const ModelFile> file;
  std::shared_ptr<const Tokenizer> tokenizer;
  Config config;
  StoredType stored;  // of a model that is not there
  if (size) {
    config = config_planned(parse_count(*size));
    tokenizer = typical_tokenizer(config.vocabulary);
    p.model =
        fmt::format("{} parameters", count_text(static_cast<double>(parameters_of(config))));
  } else {
    file = std::make_shared<const ModelFile>(Path(model.path));
    config = file->config();
    p.model = model.path;
    tokenizer = tokenizer_if_any(*file);
  }
  p.memory.program = program_bytes();
  if (size || type) {
    const std::string name = type.value_or("q8_0");
    stored = storing_of(name).types(config);
    p.model += " in " + name;
    p.run = run_shape_of(config, stored, options);
  } else {
    p.run = run_shape(*file, options);
  }
  if (device) p.run.threads = model.threads ? p.run.threads : device->threads;
  const std::int64_t program = std::exchange(p.memory, plan_memory(p.run)).program;
  p.memory.program = program;
  const Machine machine = probe_machine();
  p.machine = device                      ? std::string(device->what)
              : machine.processor.empty() ? "this machine"
                                          : machine.processor;
  p.limit = memory.value_or(
      static_cast<std::int64_t>(device ? device->memory : machine.free_memory_bytes));
  RunShape longest = p.run;
  longest.positions = std::max(p.run.positions, p.run.config.context);
  p.context = largest_context(longest, p.memory.program, p.limit);
  if (device)
    p.speed = reckon_speed(*device, costs_of(p.run), length);
  else
    p.speed = stored ? measure_speed(config, stored, options, length)
                     : measure_speed(file, options, length);
  show(p, json);
}

void PlanVerb::choose() const {
  const Machine machine = probe_machine();
  std::string name;
  const Device device = device_name ? need_device(*device_name) : measured_device(machine, name);
  ChoiceLimits limits;
  limits.decode_per_s = decode;
  limits.memory = memory.value_or(static_cast<std::int64_t>(device.memory));
  limits.context = model.context.value_or(limits.context);
  const std::vector<Storing> ways = type ? std::vector{storing_of(*type)} : usual_ways();
  const std::vector<ModelChoice> all = choose_model(device, limits, ways, model.session());
  if (json) {
    Json j = {{"machine", device.what},
              {"memory_limit_bytes", limits.memory},
              {"decode_at_least", limits.decode_per_s},
              {"context", limits.context}};
    j["choices"] = Json::array();
    for (const auto& c : all) {
      Json row = {{"size", c.shape->name}, {"like", c.shape->like}, {"type", c.type}};
      row.update(memory_json(c.memory));
      row.update(speed_json(c.speed));
      j["choices"].push_back(std::move(row));
    }
    print(to_text(j) + "\n");
    return;
  }
  print(fmt::format("{}: {} of memory, {:.0f} tokens/s or more, a context of {} tokens\n",
                    device.what, bytes_text(limits.memory), limits.decode_per_s, limits.context));
  if (all.empty()) print("  no known size keeps within that\n");
  for (const auto& c : all)
    print(
        fmt::format("  {:<5} {:<7} {:>8} of memory, answers {:.1f} tokens/s, a prompt of {} in "
                    "{:.1f} s   (as {})\n",
                    c.shape->name, c.type, bytes_text(c.memory.total()),
                    c.speed.decode_per_s, c.speed.prompt, c.speed.first_token_s, c.shape->like));
}

void PlanVerb::run() const {
  const bool named = !model.path.empty();
  if (named && size) throw Error("a model or --size was expected, not both", Error::Kind::usage);
  if (named || size)
    plan_one();
  else if (decode > 0 || memory)
    choose();
  else
    throw Error("a model, --size, or --decode and --memory were expected", Error::Kind::usage);
}

std::function<void()> declare_plan(Options& options) {
  auto command = std::make_shared<PlanVerb>();
  command->model.declare(options, false);
  options.text("--size", "N", command->size, "plan for a model of so many parameters: 135m, 1.2b");
  options
      .text("--type", "TYPE", command->type,
            "how its weights are stored, as bantam quantize would: a mix (q4_k_m) or a type (q8_0); "
            "of a model: what it would be then (default: as it is; of a size: q8_0)")
      .words = names_of_storing();
  std::string names;
  for (const Device& d : devices()) names += (names.empty() ? "" : ", ") + std::string(d.name);
  options.text("--device", "NAME", command->device_name,
               "not this machine, but one of these: " + names);
  options.bytes("--memory", "SIZE", command->memory, 1,
                "memory that it may take: 4GB (default: what is free)");
  options.number("--decode", "N", command->decode, 0, 1e9,
                 "without a model: which sizes give so many tokens a second");
  options.whole("-p,--prompt", "N", command->prompt, 1, 1 << 20,
                "tokens of a prompt (default 512)");
  options.flag("--json", command->json, "as one JSON object");
  return [command] { command->run(); };
}

}  // namespace

const Verb kPlan{
    "plan", "foretell a model's memory and speed before it is loaded",
    "Says what a model will take and how fast it will be: on this machine, measured on some\n"
    "of its layers in about two seconds, or on another one, reckoned from what such machines\n"
    "can do. Without a model: which sizes, stored how, keep within --memory and --decode.",
    "bantam plan model.gguf --ctx 8192\n"
    "bantam plan --size 1.2b --type q4_k_m --device pi5\n"
    "bantam plan --decode 10 --memory 4GB",
    declare_plan};

}  // namespace bantam::cli
