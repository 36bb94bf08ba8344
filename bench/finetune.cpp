// Fine-tuning speed: tokens a second of whole steps (AdamW) and the most memory that the process
// held, for full fine-tuning, LoRA, or LoRA on a model in blocks, beside PEFT where it is installed
// (finetune_peft.py, in the same run). Usage: finetune MODEL [full|lora|qlora] [steps] [rank]
// [records a step] [tokens a record]; MODEL is a GGUF file, or a folder (PEFT takes folders alone).
#include <fmt/format.h>
#include <time.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>

#include "adapt/attach.h"
#include "adapt/tuner.h"
#include "adapt/widen.h"
#include "base/error.h"
#include "base/machine.h"
#include "base/progress.h"
#include "base/random.h"
#include "models/loader.h"
#include "models/stored.h"

namespace bantam {

namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double processor_seconds() {
  timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

// What the process has held at most, in bytes.
double peak_memory() {
  std::ifstream file("/proc/self/status");
  for (std::string word; file >> word;)
    if (word == "VmHWM:") {
      double kilobytes = 0;
      file >> kilobytes;
      return kilobytes * 1024;
    }
  return 0;
}

std::vector<LabelledExample> random_examples(std::int64_t count, std::int64_t length,
                                             std::int64_t vocabulary) {
  std::vector<LabelledExample> out(static_cast<std::size_t>(count));
  const Random random(1, 1);
  std::uint64_t index = 0;
  for (LabelledExample& e : out) {
    for (std::int64_t i = 0; i <= length; ++i)
      e.first.ids.push_back(static_cast<std::int32_t>(
          random.below(index++, static_cast<std::uint64_t>(vocabulary))));
    e.first.mask.assign(e.first.ids.size(), 1);  // every token: what the peer's loss counts too
  }
  return out;
}

int run(int argc, char** argv) {
  if (argc < 2) throw Error("usage: finetune MODEL [full|lora|qlora] [steps] [rank] [records] [tokens]");
  const Path path(argv[1]);
  const std::string method = argc > 2 ? argv[2] : "lora";
  const auto number = [&](int i, std::int64_t otherwise) { return argc > i ? std::atoll(argv[i]) : otherwise; };
  const std::int64_t steps = number(3, 2), rank = number(4, 16), records = number(5, 8), length = number(6, 256);
  const auto file = std::make_shared<const ModelFile>(path);
  const Kernels kernels = kernels_for(best_isa());
  ThreadPool pool(default_threads());
  std::vector<Scratch> scratch(pool.size() + 1);
  const Exec exec{pool, kernels, scratch};
  adapt::TuneSettings settings;
  settings.steps = 1000;
  settings.batch = records;
  settings.optimiser.muon = false;
  settings.order = adapt::ExampleOrder::given;
  settings.arithmetic = method == "qlora"                   ? Arithmetic::faithful
                        : kernels.tiles && method != "full" ? Arithmetic::bf16
                                                            : Arithmetic::f32;
  const std::unique_ptr<Model> model = method == "full"
                                           ? file->family().make(file->config())
                                           : load_model(file, settings.arithmetic, exec);
  Tape tape;
  adapt::Adapter adapter;
  std::vector<Parameter> parameters;
  if (method == "full") {
    parameters = adopt_parameters(*model, tape, [&](const WeightSpec& w) { return stored_rows(file, w); });
  } else {
    if (settings.arithmetic == Arithmetic::f32) adapt::widen_matrices(*model, INT64_MAX, exec);
    adapt::NewAdapter fresh;
    fresh.weights = adapt::adapted_weights(*model, {});
    fresh.rank = rank;
    adapter = adapt::make_adapter(*model, file, fresh, exec);
    adapt::attach(*model, adapter, file, exec);
    parameters = adapt::adapter_parameters(*model, adapter, tape);
  }
  const auto examples = random_examples(records * 2, length, file->config().vocabulary);
  adapt::Tuner tuner(*model, tape, parameters, examples, settings, "", pool, kernels);
  tuner.step();  // makes room, packs
  double best = 1e30, processor = 1e30;  // seconds; of all processors together where others are at work
  for (std::int64_t i = 0; i < steps; ++i) {
    const double start = now(), used = processor_seconds();
    tuner.step();
    best = std::min(best, now() - start);
    processor = std::min(processor, processor_seconds() - used);
  }
  const auto tokens = static_cast<double>(records * length);
  fmt::print("{} {} rank {}, {} x {} tokens a step: {:.1f} tokens/s ({:.2f} s a step, {:.2f} s of processors), {} at most\n",
             method, kernels.name, rank, records, length, tokens / best, best, processor, byte_text(peak_memory()));
  const std::string command = fmt::format("python3 '{}/bench/finetune_peft.py' '{}' {} {} {} {} {}", BANTAM_SOURCE,
                                          path.string(), method, steps, rank, records, length);
  if (method != "qlora" && std::filesystem::is_directory(path) && std::system(command.c_str()) != 0)
    fmt::print("PEFT is not installed here: nothing to compare with\n");
  return 0;
}

}  // namespace

}  // namespace bantam

int main(int argc, char** argv) {
  try {
    return bantam::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "finetune: {}\n", error.what());
    return 1;
  }
}
