// What some sets need before a template can speak of their fields: a function from all records of a
// split to those that are asked, one row a function in the table of prepare.cpp.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace bantam::judge {

using Records = std::vector<Json>;

// Throws Error: there is no such function (with the nearest).
void check_prepare(std::string_view name);
// Throws Error with file and field for a record that is not as it should be; `file` is the task's.
Records prepare(std::string_view name, Records records, const std::string& file);

// Fields of a record. Throw Error naming `file` and the field when it is missing or of another type.
const Json& field_of(const Json& record, std::string_view name, const std::string& file);
std::string text_field(const Json& record, std::string_view name, const std::string& file);

// One file each.
Records prepare_hellaswag(Records records, const std::string& file);
Records prepare_mmlu(Records records, const std::string& file);
Records prepare_winogrande(Records records, const std::string& file);
Records prepare_wikitext(Records records, const std::string& file);
Records prepare_truthfulqa(Records records, const std::string& file);
Records prepare_lambada(Records records, const std::string& file);
Records prepare_drcd(Records records, const std::string& file);
Records prepare_passkey(Records records, const std::string& file);
Records prepare_facts(Records records, const std::string& file);
Records prepare_tmmlu(Records records, const std::string& file);

// The text of a WikiText page without the marks that its makers' tokenising left.
std::string detokenised(std::string text);

}  // namespace bantam::judge
