#include "judge/page.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/counting.h"
#include "base/progress.h"
#include "judge/page_parts.h"

namespace bantam::judge {

namespace {

// The end of a long text, at a whole character: what stands next to the answer matters.
std::string tail_of_text(const std::string& text, std::size_t most) {
  if (text.size() <= most) return text;
  std::size_t at = text.size() - most;
  while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) ++at;
  return "… " + text.substr(at);
}

std::string shown(const Json& value, const char* form = "%.4g") {
  if (!value.is_number()) return value.is_string() ? value.get<std::string>() : to_text(value);
  if (value.is_number_integer()) return std::to_string(value.get<std::int64_t>());
  char text[40];
  std::snprintf(text, sizeof text, form, value.get<double>());
  return text;
}

// A bar from 0 to 1 with its 95 % interval as a line.
std::string bar(double value, double error) {
  if (!(value >= 0 && value <= 1)) return "";
  char text[420];
  const double low = std::max(0.0, value - 1.96 * error) * 100;
  const double high = std::min(1.0, value + 1.96 * error) * 100;
  std::snprintf(text, sizeof text,
                "<svg viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"%.3f\">"
                "<rect width=\"100\" height=\"10\" fill=\"var(--line)\" opacity=\".45\"/>"
                "<rect width=\"%.2f\" height=\"10\" fill=\"var(--bar)\"/>"
                "<rect x=\"%.2f\" y=\"4\" width=\"%.2f\" height=\"2\" fill=\"var(--ink)\"/></svg>",
                value, value * 100, low, high - low);
  return text;
}

std::string metric_row(const std::string& name, const std::string& metric, const Json& value) {
  const double v = value.value("value", 0.0);
  const bool has_error = value.contains("stderr") && value["stderr"].is_number();
  const double e = has_error ? value["stderr"].get<double>() : 0;
  return "<tr><td>" + escaped(name) + "</td><td>" + escaped(metric) + "</td><td class=n>" +
         shown(v, "%.4f") + "</td><td class=n>" + (has_error ? "± " + shown(e, "%.4f") : "") +
         "</td><td class=n>" + shown(value.value("items", Json(0))) + "</td><td>" + bar(v, e) +
         "</td></tr>\n";
}

constexpr std::string_view kScoreHead =
    "<table><tr><th>task</th><th>score</th><th>value</th><th>standard error</th><th>items</th>"
    "<th>0 to 1, with 95 % interval</th></tr>\n";

std::string scores(const Json& tasks) {
  std::string out = "<h2>Scores</h2>\n" + std::string(kScoreHead);
  for (const auto& [name, task] : tasks.items())
    for (const auto& [metric, value] : task["metrics"].items()) out += metric_row(name, metric, value);
  return out + "</table>\n";
}

std::string training(const std::string& name, const Json& task) {
  if (!task.contains("contamination")) return "";
  std::string out = "<h2>" + escaped(name) + ": what training text holds</h2>\n" + std::string(kScoreHead);
  for (const char* part : {"clean", "dirty"})
    if (task["contamination"].contains(part))
      for (const auto& [metric, value] : task["contamination"][part].items()) out += metric_row(part, metric, value);
  return out + "</table>\n";
}

// What of the training text was not read.
std::string training_text(const Json& report) {
  std::string out;
  if (report.contains("training_text"))
    for (const auto& [option, text] : report["training_text"].items())
      for (const auto& [key, what] : {std::pair{"not_read", "not read"}, {"read_in_part", "read in part"}})
        if (text[key]["files"] != 0)
          out += "<p class=wrong>" + escaped(option) + ": " + number_of(text[key]["files"].get<std::int64_t>(), "file") + " " + what +
                 ", the first of them " + escaped(shown(text[key]["list"][0]["file"])) + ": " + escaped(shown(text[key]["list"][0]["why"])) + "</p>\n";
  return out;
}

std::string subjects(const std::string& name, const Json& task) {
  if (!task.contains("subjects")) return "";
  std::string out = "<h2>" + escaped(name) + " by subject</h2>\n" + std::string(kScoreHead);
  for (const auto& [subject, metrics] : task["subjects"].items())
    if (!metrics.empty())
      out += metric_row(subject, metrics.begin().key(), metrics.begin().value());
  return out + "</table>\n";
}

std::string example(const Json& item) {
  constexpr std::size_t kMost = 1200;
  const bool right = item.value("correct", false);
  std::string out = "<details><summary><span class=" + std::string(right ? "right>right" : "wrong>wrong") +
                    "</span> document " + escaped(shown(item["doc"])) + "</summary>";
  for (const Json& context : item["contexts"])
    out += "<pre>" + escaped(tail_of_text(context.get<std::string>(), kMost)) + "</pre>";
  if (item.contains("choices") && item.contains("loglikelihoods")) {
    out += "<table><tr><th>choice</th><th>log-likelihood</th></tr>";
    for (std::size_t i = 0; i < item["loglikelihoods"].size(); ++i) {
      const Json& choices = item["choices"];
      const std::string text = choices.size() == 1
                                   ? "choice " + std::to_string(i + 1)
                                   : choices[std::min(i, choices.size() - 1)].get<std::string>();
      out += "<tr><td>" + escaped(text) + (item.value("gold", -1) == static_cast<int>(i) ? " <b>(right)</b>" : "") +
             "</td><td class=n>" + shown(item["loglikelihoods"][i], "%.3f") + "</td></tr>";
    }
    out += "</table>";
  }
  if (item.contains("output"))
    out += "<p class=faint>answer</p><pre>" + escaped(tail_of_text(item["output"].get<std::string>(), kMost)) + "</pre>";
  if (item.contains("result")) out += "<p>" + escaped(shown(item["result"])) + "</p>";
  if (item.contains("target"))
    out += "<p class=faint>expected</p><pre>" + escaped(tail_of_text(item["target"].get<std::string>(), kMost)) + "</pre>";
  return out + "</details>\n";
}

// Three that are right and three that are wrong, from the beginning.
std::string examples(const std::string& name, const Json& task) {
  std::string out;
  int right = 0, wrong = 0;
  for (const Json& item : task["items"]) {
    if (!item.contains("correct")) continue;
    int& count = item["correct"].get<bool>() ? right : wrong;
    if (count++ < 3) out += example(item);
    if (right >= 3 && wrong >= 3) break;
  }
  return out.empty() ? "" : "<h2>Examples of " + escaped(name) + "</h2>\n" + out;
}

std::string rows_of(const Json& object) {
  std::string out = "<table>";
  for (const auto& [key, value] : object.items())
    out += "<tr><td>" + escaped(key) + "</td><td><code>" + escaped(shown(value, "%.6g")) + "</code></td></tr>\n";
  return out + "</table>\n";
}

std::string calibration(const Json& tasks) {
  std::string rows;
  for (const auto& [name, task] : tasks.items()) {
    if (!task.contains("calibration")) continue;
    const Json& c = task["calibration"];
    rows += "<tr><td>" + escaped(name) + "</td><td class=n>" + shown(c["mean_confidence"], "%.3f") +
            "</td><td class=n>" + shown(c["error"], "%.3f") + "</td>";
    for (const auto& [share, accuracy] : c["surest"].items()) rows += "<td class=n>" + shown(accuracy, "%.3f") + "</td>";
    rows += "</tr>\n";
  }
  if (rows.empty()) return "";
  return "<h2>What the model knows of its knowledge</h2>\n<table><tr><th>task</th><th>mean confidence</th>"
         "<th>calibration error</th><th>accuracy, surest quarter</th><th>half</th><th>three quarters</th><th>all</th></tr>\n" +
         rows + "</table>\n";
}

std::string how_asked(const Json& tasks) {
  std::string out = "<h2>How the tasks were put</h2>\n<table><tr><th>task</th><th>version</th><th>examples</th>"
                    "<th>begins with</th><th>data</th><th>prompts</th></tr>\n";
  for (const auto& [name, task] : tasks.items()) {
    std::string files;
    for (const Json& file : task["data"])
      files += escaped(file["file"].get<std::string>()) + " <code class=faint>" +
               file["sha256"].get<std::string>().substr(0, 12) + "</code><br>";
    out += "<tr><td>" + escaped(name) + "</td><td>" + escaped(shown(task["version"])) + "</td><td class=n>" +
           shown(task["few_shot"]) + "</td><td><code>" + escaped(shown(task["first_text"])) + "</code></td><td>" + files +
           "</td><td><code>" + task["prompts_sha256"].get<std::string>().substr(0, 12) + "</code></td></tr>\n";
    if (task.value("cut_items", 0) > 0)
      out += "<tr><td></td><td colspan=5 class=wrong>" + number_of(task["cut_items"].get<std::int64_t>(), "item") +
             " did not fit the context: the beginning was cut off</td></tr>\n";
    if (task.contains("note"))
      out += "<tr><td></td><td colspan=5 class=faint>" + escaped(shown(task["note"])) + "</td></tr>\n";
  }
  return out + "</table>\n";
}

}  // namespace

std::string report_page(const Json& report) {
  const Json& tasks = report["tasks"];
  const std::string name = shown(report["model"]["path"]);
  std::string out = page_head(name) + "<p class=faint>bantam eval " +
                    escaped(shown(report["program"]["version"])) + ", " +
                    escaped(shown(report["model"]["family"])) + "</p>\n";
  out += scores(tasks);
  for (const auto& [task_name, task] : tasks.items()) out += subjects(task_name, task);
  for (const auto& [task_name, task] : tasks.items()) out += training(task_name, task);
  out += training_text(report);
  for (const auto& [task_name, task] : tasks.items()) out += examples(task_name, task);
  out += calibration(tasks);
  out += how_asked(tasks);
  out += "<h2>Settings</h2>\n" + rows_of(report["settings"]);
  out += "<h2>Cost of this run</h2>\n" + rows_of(report["cost"]);
  out += "<h2>Model</h2>\n" + rows_of(report["model"]) + rows_of(report["program"]);
  return out + "</body></html>\n";
}

}  // namespace bantam::judge
