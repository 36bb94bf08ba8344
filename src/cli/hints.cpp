#include "cli/hints.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "judge/hint.h"

namespace bantam::cli {

namespace {

constexpr std::string_view kOnlyAHint =
    "only a hint: a small p may be chance, or have another cause; a large one does not say that the set was never seen";

std::vector<double> of_items(const Json& report, const std::string& task, const judge::TaskRun& run, bool bits) {
  std::vector<double> out;
  const Json& items = report.at("tasks").at(task).at("items");
  for (std::size_t i = 0; i < items.size(); ++i) {
    const double sum = items[i].at("loglikelihoods").at(0).get<double>();
    const auto bytes = static_cast<double>(run.items[i].contexts.front().size());
    out.push_back(bits ? -sum / bytes / 0.6931471805599453 : sum);
  }
  return out;
}

std::string few_digits(double value, const char* form) {
  char text[48];
  std::snprintf(text, sizeof text, form, value);
  return text;
}

}  // namespace

Json contamination_hints(const std::shared_ptr<const ModelFile>& file, const std::string& path,
                         const std::vector<judge::TaskRun>& runs, const std::string& data,
                         const judge::Asking& asking, Judging how) {
  std::vector<judge::OrderTest> orders;
  std::vector<judge::GapTest> gaps;
  std::vector<std::string> order_of, gap_of;
  std::vector<judge::TaskRun> texts;
  for (const judge::TaskRun& run : runs) {
    if (run.spec->kind == judge::Kind::rolling || run.spec->splits.empty()) continue;
    if (auto order = judge::order_test(run, asking.seed)) {
      texts.push_back(order->run);
      orders.push_back(std::move(*order));
      order_of.push_back(run.name);
    }
    // The files of a task of the user's own lie beside it, or in the folder of data.
    judge::DataFolder beside{Path(run.spec->file).parent_path()}, given{Path(data)};
    judge::DataFolder& folder = data.empty() || beside.has(run.spec->splits.at(run.spec->test)) ? beside : given;
    judge::Asking one = asking;
    if (run.name != run.spec->name) one.subject = run.name.substr(run.spec->name.size() + 1);
    if (auto gap = judge::gap_test(run, folder, one)) {
      texts.push_back(gap->run);
      gaps.push_back(std::move(*gap));
      gap_of.push_back(run.name);
    }
  }
  Json out = Json::object();
  if (texts.empty()) return out;
  if (!how.journal.empty()) how.journal += ".hint";
  how.trained_on.clear();
  how.several = {};
  const std::string journal = how.journal;
  judge::Asking plain = asking;
  plain.chat = {};
  const Json report = judge_model(file, path, texts, plain, std::move(how))->json();
  std::error_code ignored;
  if (!journal.empty()) std::filesystem::remove(journal, ignored);
  for (std::size_t i = 0; i < orders.size(); ++i) {
    const judge::OrderTest& test = orders[i];
    out[order_of[i]]["order"] = judge::order_hint(test, of_items(report, test.run.name, test.run, false), asking.seed);
  }
  for (std::size_t i = 0; i < gaps.size(); ++i) {
    const judge::GapTest& test = gaps[i];
    out[gap_of[i]]["gap"] = judge::gap_hint(test, of_items(report, test.run.name, test.run, true));
  }
  for (auto& hint : out) hint["note"] = kOnlyAHint;
  return out;
}

std::string hint_text(const Json& hints) {
  std::string out;
  for (const auto& [task, hint] : hints.items()) {
    out += task + ": hint of contamination:";
    if (hint.contains("order"))
      out += " its published order is liked by " + few_digits(hint["order"]["nats_for_the_published_order"].get<double>(), "%+.3f") +
             " nats a group, p " + few_digits(hint["order"]["p"].get<double>(), "%.3g") + ";";
    if (hint.contains("gap"))
      out += " the test takes " + few_digits(hint["gap"]["gap"].get<double>(), "%+.3f") + " bits a byte beside the set's other questions, p " +
             few_digits(hint["gap"]["p"].get<double>(), "%.3g") + ";";
    out += " only a hint\n";
  }
  return out;
}

}  // namespace bantam::cli
