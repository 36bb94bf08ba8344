#include "judge/prepare.h"

#include <array>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/nearest.h"
#include "judge/python_text.h"

namespace bantam::judge {

namespace {

struct Preparation {
  std::string_view name;
  Records (*run)(Records, const std::string&);
};

constexpr std::array kPreparations{
    Preparation{"hellaswag", prepare_hellaswag},
    Preparation{"mmlu", prepare_mmlu},
    Preparation{"winogrande", prepare_winogrande},
    Preparation{"wikitext", prepare_wikitext},
    Preparation{"truthfulqa", prepare_truthfulqa},
    Preparation{"lambada", prepare_lambada},
    Preparation{"drcd", prepare_drcd},
    Preparation{"tmmlu", prepare_tmmlu},
    Preparation{"passkey", prepare_passkey},
    Preparation{"facts", prepare_facts},
};

const Preparation* find_preparation(std::string_view name) {
  for (const Preparation& p : kPreparations)
    if (p.name == name) return &p;
  return nullptr;
}

}  // namespace

void check_prepare(std::string_view name) {
  if (find_preparation(name)) return;
  std::vector<std::string> names;
  for (const Preparation& p : kPreparations) names.emplace_back(p.name);
  const std::string near = nearest(name, names);
  throw Error("there is no preparation \"" + printable(name, 40) + "\"" +
              (near.empty() ? "" : "; did you mean " + near + "?"))
      .field("data.prepare");
}

Records prepare(std::string_view name, Records records, const std::string& file) {
  return name.empty() ? std::move(records) : find_preparation(name)->run(std::move(records), file);
}

const Json& field_of(const Json& record, std::string_view name, const std::string& file) {
  const auto at = record.find(std::string(name));
  if (at == record.end())
    throw Error("this field (a column of a CSV) is missing in a record").in(file).field(std::string(name));
  return *at;
}

std::string text_field(const Json& record, std::string_view name, const std::string& file) {
  const Json& value = field_of(record, name, file);
  if (!value.is_string())
    throw Error("a text was expected").in(file).field(std::string(name));
  return value.get<std::string>();
}

// LAMBADA in OpenAI's form: the last of the pieces between single spaces is to be guessed.
Records prepare_lambada(Records records, const std::string& file) {
  for (Json& record : records) {
    const std::string text = text_field(record, "text", file);
    const std::size_t space = text.rfind(' ');
    record["before"] = space == std::string::npos ? "" : text.substr(0, space);
    record["last"] = space == std::string::npos ? text : text.substr(space + 1);
  }
  return records;
}

// Partial scoring (Trinh & Le 2018): what follows the gap is scored after each option in it.
Records prepare_winogrande(Records records, const std::string& file) {
  for (Json& record : records) {
    const std::string sentence = text_field(record, "sentence", file);
    const std::size_t gap = sentence.find('_');
    if (gap == std::string::npos)
      throw Error("a sentence with a gap \"_\" was expected: \"" + printable(sentence, 60) + "\"")
          .in(file)
          .field("sentence");
    record["before"] = sentence.substr(0, gap);
    record["after"] = strip(std::string_view(sentence).substr(gap + 1));
  }
  return records;
}

// The makers' choices and labels, in the order of the file, as lists.
Records prepare_truthfulqa(Records records, const std::string& file) {
  for (Json& record : records)
    for (const char* which : {"mc1", "mc2"}) {
      const Json targets = field_of(record, std::string(which) + "_targets", file);
      if (!targets.is_object())
        throw Error("choices with 0 or 1 each were expected").in(file).field(which);
      Json choices = Json::array(), labels = Json::array();
      for (const auto& [choice, label] : targets.items()) {
        choices.push_back(choice);
        labels.push_back(label == 1 ? 1 : 0);
      }
      record[std::string(which) + "_choices"] = std::move(choices);
      record[std::string(which) + "_labels"] = std::move(labels);
    }
  return records;
}

}  // namespace bantam::judge
