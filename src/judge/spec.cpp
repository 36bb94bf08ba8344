#include "judge/spec.h"

#define TOML_EXCEPTIONS 1
#include <toml++/toml.h>

#include <functional>

#include "base/error.h"
#include "base/nearest.h"
#include "data/csv.h"
#include "judge/embedded.h"
#include "judge/prepare.h"
#include "judge/score.h"

namespace bantam::judge {

namespace {

using TakeNode = std::function<void(const toml::node&)>;
using KeyTable = std::map<std::string, TakeNode>;

Error expected(const std::string& what) { return Error(what + " was expected"); }

std::string text_of(const toml::node& node) {
  const auto value = node.value_exact<std::string>();
  if (!value) throw expected("a text in quotes");
  return *value;
}

std::vector<std::string> texts_of(const toml::node& node) {
  const toml::array* list = node.as_array();
  if (list == nullptr) throw expected("a list of texts");
  std::vector<std::string> out;
  for (const toml::node& one : *list) out.push_back(text_of(one));
  return out;
}

const toml::table& table_of_node(const toml::node& node) {
  const toml::table* table = node.as_table();
  if (table == nullptr) throw expected("a table");
  return *table;
}

TakeNode take_text(std::string& to) {
  return [&to](const toml::node& n) { to = text_of(n); };
}
TakeNode take_texts(std::vector<std::string>& to) {
  return [&to](const toml::node& n) { to = texts_of(n); };
}
TakeNode take_whole(std::int64_t& to, std::int64_t least, std::int64_t most) {
  return [&to, least, most](const toml::node& n) {
    const auto value = n.value_exact<std::int64_t>();
    if (!value || *value < least || *value > most)
      throw expected("a whole number from " + std::to_string(least) + " to " +
                     std::to_string(most));
    to = *value;
  };
}
TakeNode take_flag(bool& to) {
  return [&to](const toml::node& n) {
    const auto value = n.value_exact<bool>();
    if (!value) throw expected("true or false");
    to = *value;
  };
}
template <class T>
TakeNode take_word(T& to, std::vector<std::pair<std::string, T>> words) {
  return [&to, words](const toml::node& n) {
    const std::string word = text_of(n);
    std::string known;
    for (const auto& [name, value] : words) {
      if (name == word) {
        to = value;
        return;
      }
      known += (known.empty() ? "\"" : ", \"") + name + "\"";
    }
    throw expected("one of " + known);
  };
}

Error placed(Error error, const toml::node& node, const std::string& key, const std::string& file) {
  error.in(file);
  if (!key.empty()) error.field(key);
  error.line(node.source().begin.line);
  return error;
}

void take_all(const toml::table& table, const std::string& section, const KeyTable& keys,
              const std::string& file) {
  std::vector<std::string> known;
  for (const auto& [name, unused] : keys) known.push_back(name);
  for (const auto& [key, node] : table) {
    const std::string name(key.str());
    const auto at = keys.find(name);
    if (at == keys.end()) {
      const std::string near = nearest(name, known);
      throw placed(Error("there is no such key" +
                         (near.empty() ? "" : "; did you mean " + section + near + "?")),
                   node, section + name, file);
    }
    try {
      at->second(node);
    } catch (Error& error) {
      throw placed(error, node, section + name, file);
    }
  }
}

Source source_of(const toml::node& node, const std::string& section, const std::string& file) {
  Source source;
  source.star = "subject";
  if (node.is_string()) {
    source.path = text_of(node);
  } else {
    take_all(table_of_node(node), section,
             {{"path", take_text(source.path)},
              {"star", take_text(source.star)},
              {"columns", [&source](const toml::node& n) {
                source.columns = texts_of(n);
                if (const std::string twice = stands_twice(source.columns); !twice.empty())
                  throw Error("the column \"" + printable(twice, 60) + "\" stands twice");
              }},
              {"at", take_text(source.at)},
              {"beside", take_text(source.beside)},
              {"as", take_text(source.as)},
              {"number", take_text(source.number)},
              {"from", take_whole(source.from, INT64_MIN, INT64_MAX)},
              {"to", take_whole(source.to, INT64_MIN, INT64_MAX)}},
             file);
  }
  const Path path(source.path);
  if (source.path.empty() || path.is_absolute()) throw expected("a path inside the folder of data");
  for (const Path& part : path)
    if (part == "..") throw expected("a path inside the folder of data");
  return source;
}

TakeNode take_sources(TaskSpec& task, const std::string& split) {
  return [&task, split](const toml::node& node) {
    std::vector<Source>& to = task.splits[split];
    if (const toml::array* list = node.as_array())
      for (const toml::node& one : *list) to.push_back(source_of(one, "data." + split + ".", task.file));
    else
      to.push_back(source_of(node, "data." + split + ".", task.file));
  };
}

TakeNode take_examples(TaskSpec& task) {
  return [&task](const toml::node& node) {
    const toml::array* list = node.as_array();
    if (list == nullptr) throw expected("a list of tables");
    for (const toml::node& one : *list) {
      std::pair<std::string, std::string> example;
      take_all(table_of_node(one), "examples.list.",
               {{"question", take_text(example.first)}, {"answer", take_text(example.second)}},
               task.file);
      task.examples.push_back(std::move(example));
    }
  };
}

TakeNode take_filters(TaskSpec& task) {
  return [&task](const toml::node& node) {
    const toml::array* list = node.as_array();
    if (list == nullptr) throw expected("a list of tables");
    for (const toml::node& one : *list) {
      Filter filter;
      take_all(table_of_node(one), "score.filter.",
               {{"name", take_text(filter.name)},
                {"pattern", take_text(filter.pattern)},
                {"which", take_whole(filter.which, -1000, 1000)}},
               task.file);
      task.filters.push_back(std::move(filter));
    }
  };
}

TakeNode take_names(TaskSpec& task) {
  return [&task](const toml::node& node) {
    for (const auto& [key, name] : table_of_node(node))
      task.subject_names[std::string(key.str())] = text_of(name);
  };
}

TakeNode section(const std::string& name, KeyTable keys, const TaskSpec& task) {
  return [name, keys = std::move(keys), &task](const toml::node& node) {
    take_all(table_of_node(node), name + ".", keys, task.file);
  };
}

KeyTable prompt_keys(TaskSpec& t) {
  return {{"description", take_text(t.description)}, {"question", take_text(t.question)},
          {"contexts", take_texts(t.contexts)},      {"choices", take_texts(t.choices)},
          {"choices_from", take_text(t.choices_from)},
          {"labels", take_texts(t.labels)},          {"labels_from", take_text(t.labels_from)},
          {"gold", take_text(t.gold)},               {"target", take_text(t.target)},
          {"prefix", take_text(t.prefix)},           {"delimiter", take_text(t.delimiter)},
          {"example", take_text(t.example)}};
}

KeyTable keys_of(TaskSpec& t) {
  const KeyTable data{{"test", take_sources(t, "test")},
                      {"validation", take_sources(t, "validation")},
                      {"train", take_sources(t, "train")},
                      {"dev", take_sources(t, "dev")},
                      {"prepare", take_text(t.prepare)},
                      {"make", take_text(t.make)}};
  const KeyTable examples{
      {"pool", take_text(t.pool)},
      {"sampler", take_word<Sampler>(t.sampler,
                                     {{"random", Sampler::random}, {"first", Sampler::first}})},
      {"shots", take_whole(t.shots, 0, 1000)},
      {"fixed", take_flag(t.fixed_shots)},
      {"one_more", take_flag(t.one_more)},
      {"list", take_examples(t)}};
  const KeyTable score{{"by", take_text(t.scorer)},
                       {"metrics", take_texts(t.metrics)},
                       {"filter", take_filters(t)},
                       {"ignore", take_texts(t.ignore)},
                       {"ignore_case", take_flag(t.ignore_case)},
                       {"program", take_text(t.program)},
                       {"extract", take_text(t.extract)}};
  return {{"name", take_text(t.name)},
          {"version", take_text(t.version)},
          {"about", take_text(t.about)},
          {"where", take_text(t.where)},
          {"licence", take_text(t.licence)},
          {"note", take_text(t.note)},
          {"kind", take_word<Kind>(t.kind, {{"choice", Kind::choice},
                                            {"likelihood", Kind::likelihood},
                                            {"rolling", Kind::rolling},
                                            {"generation", Kind::generation}})},
          {"data", section("data", data, t)},
          {"prompt", section("prompt", prompt_keys(t), t)},
          {"examples", section("examples", examples, t)},
          {"generate", section("generate",
                               {{"stop", take_texts(t.stops)},
                                {"tokens", take_whole(t.most_tokens, 1, 1 << 20)}},
                               t)},
          {"score", section("score", score, t)},
          {"subjects", section("subjects",
                               {{"field", take_text(t.subject)}, {"names", take_names(t)}}, t)}};
}

void require(bool there, const std::string& field, const std::string& what, const TaskSpec& task) {
  if (!there) throw Error(what + " was expected").in(task.file).field(field);
}

void check_spec(TaskSpec& t) {
  require(!t.name.empty(), "name", "the name of the task", t);
  for (const char c : t.name)
    require(std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.', "name",
            "a name of letters, digits, _ - and .", t);
  require(t.splits.contains("test") || !t.make.empty(), "data.test", "the file of the questions", t);
  // Choices may stand by themselves: after nothing but the beginning of a text.
  require(!t.question.empty() || !t.contexts.empty() || t.kind == Kind::choice, "prompt.question",
          "a template", t);
  if (t.kind == Kind::choice) {
    require(!t.choices.empty() || !t.choices_from.empty(), "prompt.choices",
            "choices, or choices_from,", t);
    require(!t.gold.empty() || t.scorer == "mc2", "prompt.gold", "which choice is right", t);
  }
  if (t.kind == Kind::likelihood) require(!t.target.empty(), "prompt.target", "a template", t);
  if (t.scorer.empty()) t.scorer = default_scorer(t.kind);
  require(t.scorer != "code" || !t.program.empty(), "score.program", "a template", t);
  if (!t.prepare.empty()) check_prepare(t.prepare);
  if (!t.make.empty()) check_prepare(t.make);
  check_scorer(t);
}

}  // namespace

std::string_view kind_name(Kind kind) {
  static constexpr std::string_view kNames[] = {"choice", "likelihood", "rolling", "generation"};
  return kNames[static_cast<std::size_t>(kind)];
}

TaskSpec parse_task(std::string_view text, const std::string& file) {
  TaskSpec task;
  task.file = file;
  try {
    const toml::table table = toml::parse(text, file);
    take_all(table, "", keys_of(task), file);
  } catch (const toml::parse_error& error) {
    throw Error(std::string(error.description())).in(file).line(error.source().begin.line);
  }
  check_spec(task);
  return task;
}

const std::vector<TaskSpec>& known_tasks() {
  static const std::vector<TaskSpec> tasks = [] {
    std::vector<TaskSpec> out;
    for (const EmbeddedTask& one : embedded_tasks())
      out.push_back(parse_task(one.text, std::string(one.name)));
    return out;
  }();
  return tasks;
}

}  // namespace bantam::judge
