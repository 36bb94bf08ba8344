#include "cli/eval_report.h"

#include <sys/resource.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/counting.h"
#include "base/hash.h"
#include "base/progress.h"
#include "chat/chat_template.h"
#include "cli/model_options.h"
#include "cli/version.h"
#include "judge/encode.h"
#include "judge/page.h"
#include "judge/report.h"

namespace bantam::cli {

namespace {

std::string sum_of_file(const Path& path) {
  try {
    const MappedFile file(path);
    Sha256 sum;
    sum.add(file.bytes());
    return sum.hex();
  } catch (const Error&) {
    return "";
  }
}

// Every file of the model, by name.
Json model_files(const ModelFile& file) {
  std::vector<Path> paths;
  for (const TensorInfo& t : file.tensors().tensors())
    if (std::find(paths.begin(), paths.end(), Path(t.file)) == paths.end()) paths.emplace_back(t.file);
  if (file.folder())
    for (const char* name : {"config.json", "tokenizer.json", "tokenizer_config.json"})
      if (std::filesystem::exists(Path(file.folder()->path()) / name))
        paths.push_back(Path(file.folder()->path()) / name);
  Json out = Json::array();
  for (const Path& path : paths)
    out.push_back({{"file", path.filename().string()},
                   {"bytes", std::filesystem::file_size(path)},
                   {"sha256", sum_of_file(path)}});
  return out;
}

std::string rounded(double value) {
  char text[40];
  std::snprintf(text, sizeof text, value >= 1000 ? "%.6g" : "%.4f", value);
  return text;
}

}  // namespace

EvalReport::EvalReport(const ModelFile& file, const std::string& path, const SessionOptions& options,
                       std::int64_t context, const judge::Asking& asking)
    : report_(std::make_unique<Json>()) {
  energy_.start();
  const auto tokenizer = tokenizer_of(file);
  const judge::Encoder encoder(tokenizer, static_cast<std::size_t>(context));
  Json& r = *report_;
  r["format"] = judge::kReportFormat;
  r["program"] = {{"name", "bantam"}, {"version", kVersion}, {"sha256", sum_of_file("/proc/self/exe")}};
  r["model"] = {{"path", path},
                {"name", file.config().name},
                {"family", file.config().family},
                {"files", model_files(file)}};
  r["settings"] = {
      {"arithmetic", arithmetic_name(choose_arithmetic(file, options.arithmetic))},
      {"cache", options.cache == Type::bf16 || !options.cache ? "bf16"
                : options.cache == Type::f16                 ? "f16"
                                                             : "f32"},
      {"context", context},
      {"limit", asking.limit},
      {"few_shot", asking.shots ? Json(*asking.shots) : Json()},
      {"few_shot_seed", asking.seed},
      {"chat", asking.chat.form != nullptr},
      {"system", asking.chat.system},
      {"examples_as_turns", asking.chat.turns},
      {"beginning_of_text", encoder.beginning()},
      {"requests", "lm-evaluation-harness 0.4.13"}};
  if (asking.chat.form) {
    const std::string& source = asking.chat.form->source();
    Sha256 sum;
    sum.add(std::as_bytes(std::span(source)));
    r["settings"]["chat_template_sha256"] = sum.hex();
  }
  r["tasks"] = Json::object();
}

EvalReport::~EvalReport() = default;

void EvalReport::say_several(const judge::Several& several) {
  if (several.count <= 1) return;
  const SamplingOptions& s = several.sampling;
  (*report_)["settings"]["several"] = {
      {"answers", several.count}, {"taken", several.check.empty() ? "by vote" : "by a checker"}, {"check", several.check},
      {"temperature", s.temperature}, {"top_k", s.top_k}, {"top_p", s.top_p}, {"min_p", s.min_p}, {"seed", s.seed}};
}

void EvalReport::say_tools(const std::vector<const judge::Tool*>& tools) {
  for (const judge::Tool* tool : tools) (*report_)["settings"]["tools"].push_back(tool->name);
}

void EvalReport::say_variables(const Json& variables) {
  if (!variables.empty()) (*report_)["settings"]["template_variables"] = variables;
}

std::string EvalReport::settings(const std::vector<judge::TaskRun>& runs) const {
  Json all = {(*report_)["program"], (*report_)["model"]["files"], (*report_)["settings"]};
  for (const judge::TaskRun& run : runs)
    all.push_back({run.name, run.spec->version, run.shots, run.digest, run.spec->stops,
                   run.spec->most_tokens});
  const std::string text = to_text(all);
  Sha256 sum;
  sum.add(std::as_bytes(std::span(text)));
  return sum.hex();
}

void EvalReport::say_training(const std::string& name, const judge::TrainingText& text) {
  (*report_)["training_text"][name] = text.json();
}

void EvalReport::say_hints(const Json& hints) {
  for (const auto& [task, hint] : hints.items()) (*report_)["tasks"][task]["contamination_hint"] = hint;
}

void EvalReport::see(const Session& session) {
  (*report_)["cost"]["isa"] = session.isa();
  (*report_)["cost"]["threads"] = session.threads();
}

std::string EvalReport::add(const judge::TaskRun& run, const judge::TaskResult& result,
                            const std::vector<judge::Overlap>* overlaps) {
  Json task = judge::task_report(run, result, *run.spec, overlaps);
  std::string line;
  for (const auto& [name, metric] : task["metrics"].items()) {
    line += (line.empty() ? "" : ", ") + name + " " + rounded(metric["value"].get<double>());
    if (metric["stderr"].is_number()) line += " ± " + rounded(metric["stderr"].get<double>());
  }
  if (task["cut_items"] != 0)
    line += "; " + number_of(task["cut_items"].get<std::int64_t>(), "item") + " did not fit the context and lost the beginning";
  (*report_)["tasks"][run.name] = std::move(task);
  work_.asked += result.work.asked;
  work_.computed += result.work.computed;
  seconds_ += result.seconds;
  items_ += static_cast<std::int64_t>(run.items.size());
  resumed_ += result.resumed;
  return line;
}

Json EvalReport::json() const {
  Json report = *report_;
  Json& cost = report["cost"];
  const std::int64_t answered = items_ - resumed_;
  cost["note"] = "of this run alone; all else in the report is the same on every machine of this kind";
  cost["seconds"] = seconds_;
  cost["items"] = answered;
  cost["items_resumed"] = resumed_;
  cost["items_per_second"] = seconds_ > 0 ? static_cast<double>(answered) / seconds_ : 0.0;
  cost["tokens_asked"] = work_.asked;
  cost["tokens_computed"] = work_.computed;
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) == 0) {
    cost["processor_seconds"] = static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                                static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    cost["peak_memory_bytes"] = static_cast<std::int64_t>(usage.ru_maxrss) * 1024;
  }
  if (const auto joules = energy_.joules()) cost["joules"] = *joules;
  return report;
}

void EvalReport::write(const std::string& out) const {
  const Json report = json();
  write_file(out, to_text(report) + "\n");
  write_file(Path(out).replace_extension(".html"), judge::report_page(report));
}

std::string EvalReport::table() const {
  std::string out;
  for (const auto& [name, task] : (*report_)["tasks"].items())
    for (const auto& [metric, value] : task["metrics"].items()) {
      std::string line = name;
      line.resize(std::max<std::size_t>(line.size() + 2, 24), ' ');
      line += metric;
      line.resize(std::max<std::size_t>(line.size() + 2, 56), ' ');
      line += rounded(value["value"].get<double>());
      if (value["stderr"].is_number()) line += " ± " + rounded(value["stderr"].get<double>());
      out += line + "\n";
    }
  return out;
}

std::string eval_list() {
  std::string out;
  for (const judge::TaskSpec& task : judge::known_tasks()) {
    std::string line = task.name;
    line.resize(std::max<std::size_t>(line.size() + 2, 24), ' ');
    out += line + task.about + "\n";
    out += std::string(24, ' ') + task.where + "; " + task.licence + "\n";
  }
  return out;
}

}  // namespace bantam::cli
