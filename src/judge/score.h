// From a model's answers to scores: one function a kind of score, one row each in the table of
// score.cpp; and from the scores of items to those of a task.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/rooms.h"
#include "judge/item.h"
#include "judge/likelihood.h"

namespace bantam::judge {

// What came back for an item.
struct Response {
  std::vector<Likelihood> likelihoods;  // of each continuation; rolling: one, of the whole text
  std::vector<std::int64_t> lengths;    // in tokens, of what was scored
  std::string output;                   // generation: cut at its stops
  std::vector<std::string> outputs;     // where several answers were asked for: all of them
  std::int64_t cut = 0;                 // tokens that the context had no room for
};

struct Scored {
  std::vector<std::pair<std::string, double>> values;  // metric and score, in the task's order
  std::optional<bool> correct;                         // by the first metric, where it is one
  Json more;                                           // what else the report keeps; or null
};

std::string default_scorer(Kind kind);
// Throws Error: there is no such scorer (with the nearest), or a metric that it does not give.
void check_scorer(const TaskSpec& task);
// Scorers that run the model's own code say so: it needs a sandbox.
bool runs_code(const TaskSpec& task);

Scored score(const TaskSpec& task, const Item& item, const Response& response);

// One row of the table: `metrics` are what it can give, the first ones by default all.
struct Scorer {
  std::string_view name;
  std::vector<std::string> metrics;
  Scored (*run)(const TaskSpec&, const Item&, const Response&);
};
Scored score_choice(const TaskSpec& task, const Item& item, const Response& response);
Scored score_mc2(const TaskSpec& task, const Item& item, const Response& response);
Scored score_likelihood(const TaskSpec& task, const Item& item, const Response& response);
Scored score_rolling(const TaskSpec& task, const Item& item, const Response& response);
Scored score_match(const TaskSpec& task, const Item& item, const Response& response);
Scored score_number(const TaskSpec& task, const Item& item, const Response& response);
Scored score_letter(const TaskSpec& task, const Item& item, const Response& response);
Scored score_prefix(const TaskSpec& task, const Item& item, const Response& response);
Scored score_ifeval(const TaskSpec& task, const Item& item, const Response& response);
Scored score_code(const TaskSpec& task, const Item& item, const Response& response);
Scored score_memorised(const TaskSpec& task, const Item& item, const Response& response);
Scored score_refusal(const TaskSpec& task, const Item& item, const Response& response);

// The program that is run for an answer: what the task takes of it, with the tests.
std::string program_of(const TaskSpec& task, const Json& record, const std::string& answer);

// The part of an answer that a filter picks, "[invalid]" where there is none.
std::string filtered(const Filter& filter, std::string_view output);
// Whether two texts are equal once the task's patterns are removed from both.
bool exact_match(const TaskSpec& task, std::string_view answer, std::string_view reference);

}  // namespace bantam::judge
