#include "judge/report.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "judge/calibration.h"
#include "judge/chinese.h"

namespace bantam::judge {

Json metrics_json(const Metrics& metrics) {
  Json out = Json::object();
  for (const auto& [name, metric] : metrics) {
    out[name] = {{"value", metric.value}};
    out[name]["stderr"] = metric.error ? Json(*metric.error) : Json();
    out[name]["items"] = metric.count;
  }
  return out;
}

std::vector<ItemScore> item_scores(const TaskRun& run, const TaskResult& result) {
  std::vector<ItemScore> out;
  for (std::size_t i = 0; i < run.items.size(); ++i) {
    ItemScore item{run.items[i].subject, result.scores[i].values, 0, 0, 0};
    const Json& more = result.scores[i].more;
    if (more.is_object() && more.contains("words")) {
      item.words = more["words"].get<double>();
      item.bytes = more["bytes"].get<double>();
      item.tokens = static_cast<double>(result.responses[i].lengths.front());
    }
    out.push_back(std::move(item));
  }
  return out;
}

namespace {

Json document_name(const std::string& doc) {
  std::int64_t number = 0;
  const auto [end, failed] = std::from_chars(doc.data(), doc.data() + doc.size(), number);
  return failed == std::errc() && end == doc.data() + doc.size() ? Json(number) : Json(doc);
}

Json item_report(const TaskSpec& spec, const Item& item, const Response& response, const Scored& scored) {
  Json out = {{"doc", document_name(item.doc)}};
  for (const char* key : {"id", "ID", "task_id", "ind"})
    if (const auto at = item.record.find(key); at != item.record.end() && at->is_primitive()) {
      out["id"] = *at;
      break;
    }
  if (!out.contains("id")) out["id"] = out["doc"];
  if (!item.subject.empty()) out["subject"] = item.subject;
  out["contexts"] = item.contexts;
  if (!item.continuations.empty()) out["continuations"] = item.continuations;
  if (spec.kind == Kind::choice) out["choices"] = item.choices;
  if (item.gold >= 0) out["gold"] = item.gold;
  if (!item.target.empty()) out["target"] = item.target;
  if (spec.kind == Kind::generation) {
    out["output"] = response.output;
    if (!response.outputs.empty()) out["outputs"] = response.outputs;
    out["tokens"] = response.lengths.front();
  } else {
    out["loglikelihoods"] = Json::array();
    out["greedy"] = Json::array();
    for (const Likelihood& l : response.likelihoods) {
      out["loglikelihoods"].push_back(l.sum);
      out["greedy"].push_back(l.greedy);
    }
    out["lengths"] = response.lengths;
  }
  if (response.cut > 0) out["cut"] = response.cut;
  if (scored.correct) out["correct"] = *scored.correct;
  out["scores"] = Json::object();
  for (const auto& [name, value] : scored.values) out["scores"][name] = value;
  if (scored.more.is_object())
    for (const auto& [key, value] : scored.more.items()) out[key] = value;
  return out;
}

// The rule that items were scored by, for who scores them again.
Json scoring_of(const TaskSpec& spec) {
  Json out = {{"by", spec.scorer}};
  if (spec.kind != Kind::generation) return out;
  out["filters"] = Json::array();
  for (const Filter& f : spec.filters) out["filters"].push_back({{"name", f.name}, {"pattern", f.pattern}, {"which", f.which}});
  out["ignore"] = spec.ignore;
  out["ignore_case"] = spec.ignore_case;
  return out;
}

// By the plain sums, as acc is; null where there is nothing to choose.
Json calibration_of(const TaskRun& run, const TaskResult& result) {
  std::vector<Confidence> all;
  if (run.spec->kind == Kind::choice)
    for (std::size_t i = 0; i < run.items.size(); ++i) {
      if (!result.scores[i].correct) return nullptr;
      std::vector<double> sums;
      for (const Likelihood& l : result.responses[i].likelihoods) sums.push_back(l.sum);
      all.push_back({confidence_of(sums), *result.scores[i].correct});
    }
  return all.empty() ? Json() : calibration_json(all);
}

// Of written answers: what is Chinese in them, and how often a filter found nothing.
void say_of_answers(const TaskRun& run, const TaskResult& result, Json& out) {
  if (run.spec->kind != Kind::generation) return;
  ChineseCount chinese;
  std::int64_t tokens = 0;
  Json nothing = Json::object();
  for (std::size_t i = 0; i < run.items.size(); ++i) {
    const ChineseCount one = count_chinese(result.responses[i].output);
    chinese += one;
    if (one.characters > 0) tokens += result.responses[i].lengths.front();
    const Json& more = result.scores[i].more;
    if (!more.is_object() || !more.contains("filtered") || !more["filtered"].is_object()) continue;
    for (const auto& [filter, picked] : more["filtered"].items())
      nothing[filter] = nothing.value(filter, 0) + (picked == "[invalid]" ? 1 : 0);
  }
  if (!nothing.empty()) out["invalid_answers"] = std::move(nothing);
  if (chinese.characters == 0) return;
  const auto count = static_cast<double>(chinese.characters);
  out["chinese"] = {{"characters", chinese.characters},
                    {"simplified_share", static_cast<double>(chinese.simplified) / count},
                    {"mainland_terms_per_1000", 1000 * static_cast<double>(chinese.terms) / count},
                    {"tokens_per_character", static_cast<double>(tokens) / count}};
}

// Scores of the items that training had, and of those that it had not; marks the items.
Json split_by_training(const std::vector<ItemScore>& scores, const std::vector<Overlap>& overlaps,
                       Json& items) {
  std::vector<ItemScore> clean, dirty;
  std::int64_t unknown = 0, touched = 0;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const Overlap& o = overlaps[i];
    if (!o.known) {
      ++unknown;
      continue;
    }
    items[i]["training_overlap"] = o.share;
    items[i]["clean"] = !o.dirty();
    if (!o.first.empty()) items[i]["training_place"] = o.first;
    touched += !o.dirty() && o.share > 0;
    (o.dirty() ? dirty : clean).push_back(scores[i]);
  }
  Json out = {{"rule", "runs of 13 words, or Chinese characters, that training text has too; dirty: four fifths of the question"},
              {"items_clean", clean.size()}, {"items_dirty", dirty.size()},
              {"items_clean_with_a_shared_run", touched}, {"items_too_short", unknown}};
  if (!clean.empty()) out["clean"] = metrics_json(aggregate(clean));
  if (!dirty.empty()) out["dirty"] = metrics_json(aggregate(dirty));
  return out;
}

}  // namespace

std::string ledger_text(const Item& item) {
  if (text_units(item.question).size() >= Ledger::kRun) return item.question;
  std::string answer = item.target;
  if (item.gold >= 0 && static_cast<std::size_t>(item.gold) < item.choices.size())
    answer = item.choices[static_cast<std::size_t>(item.gold)];
  return item.question + " " + answer;
}

Json task_report(const TaskRun& run, const TaskResult& result, const TaskSpec& spec,
                 const std::vector<Overlap>* overlaps) {
  const std::vector<ItemScore> scores = item_scores(run, result);
  Json files = Json::array();
  for (const DataFile& file : run.files)
    files.push_back({{"file", file.path}, {"sha256", file.sha256}, {"bytes", file.bytes}});
  Json items = Json::array();
  std::int64_t cut = 0;
  for (std::size_t i = 0; i < run.items.size(); ++i) {
    items.push_back(item_report(spec, run.items[i], result.responses[i], result.scores[i]));
    cut += result.responses[i].cut > 0;
  }
  Json out = {{"task", spec.name}, {"version", spec.version}, {"about", spec.about},
              {"kind", kind_name(spec.kind)}, {"scoring", scoring_of(spec)}, {"few_shot", run.shots},
              {"metrics", metrics_json(aggregate(scores))}};
  if (Json calibration = calibration_of(run, result); !calibration.is_null())
    out["calibration"] = std::move(calibration);
  say_of_answers(run, result, out);
  if (!spec.note.empty()) out["note"] = spec.note;
  Json subjects = Json::object();
  for (const auto& [subject, metrics] : aggregate_subjects(scores)) subjects[subject] = metrics_json(metrics);
  if (!subjects.empty()) out["subjects"] = std::move(subjects);
  out["data"] = std::move(files);
  out["prompts_sha256"] = run.digest;
  out["first_tokens"] = result.first_tokens;
  out["first_text"] = result.first_text;
  out["cut_items"] = cut;
  if (overlaps) out["contamination"] = split_by_training(scores, *overlaps, items);
  out["items"] = std::move(items);
  return out;
}

}  // namespace bantam::judge
