// What a task is: where its questions lie, how they are put, and how answers are scored. Read from a
// TOML file; those of the program lie in tasks/.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "judge/records.h"

namespace bantam::judge {

enum class Kind : std::uint8_t {
  choice,      // log-likelihoods of several continuations
  likelihood,  // of one continuation, and whether greedy decoding would give it
  rolling,     // of a whole text
  generation,  // an answer is written
};
std::string_view kind_name(Kind kind);

enum class Sampler : std::uint8_t { random, first };

// Picks a part of an answer by a pattern (scoring of generated text).
struct Filter {
  std::string name;
  std::string pattern;
  std::int64_t which = 0;  // 0: the first match, -1: the last
};

struct TaskSpec {
  std::string name, file;  // file: what errors name
  std::string version = "1.0", about, where, licence, note;
  Kind kind = Kind::choice;

  std::map<std::string, std::vector<Source>> splits;
  std::string test = "test", pool = "train";  // names among the splits
  std::string prepare;                        // what is done to the records first (prepare.h)
  std::string make;                           // or no files: what makes the records (prepare.h)

  // Templates (Jinja) over the fields of a record.
  std::string description, question, target, gold, prefix;
  std::vector<std::string> contexts;  // one for each choice, in place of the question
  std::vector<std::string> choices;
  std::string choices_from;  // or a path to a list of texts: "question.choices[].text"
  std::string labels_from;   // gold is a label of this list
  std::vector<std::string> labels;
  std::string delimiter = " ";
  std::string example;  // in place of question, delimiter and answer, before the blank line

  std::int64_t shots = 0;
  bool fixed_shots = false;  // whatever the command line says
  Sampler sampler = Sampler::random;
  bool one_more = false;  // one more is drawn than is wanted, as where pool and test have no name
  std::vector<std::pair<std::string, std::string>> examples;  // question and answer, in the task

  std::vector<std::string> stops;
  std::int64_t most_tokens = 256;

  std::string scorer;  // score.h; default by kind
  std::vector<std::string> metrics;
  std::vector<Filter> filters;
  std::vector<std::string> ignore;  // patterns that are removed before answers are compared
  bool ignore_case = false;
  std::string program;  // a template over the record and `answer`: what is run (scorer "code")
  std::string extract;  // a pattern whose first group is the answer's code; empty: all of it

  std::string subject;  // the field that divides the task into subjects
  std::map<std::string, std::string> subject_names;
};

// Throws Error with file and line: an unknown key (with the nearest), a value of the wrong type, a
// part that is missing.
TaskSpec parse_task(std::string_view toml, const std::string& file);

// The tasks of the program, by name.
const std::vector<TaskSpec>& known_tasks();

}  // namespace bantam::judge
