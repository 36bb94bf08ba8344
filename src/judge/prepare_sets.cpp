// Sets whose files hold more, or otherwise, than is asked.
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "judge/prepare.h"
#include "judge/python_text.h"

namespace bantam::judge {

// DRCD (Shao et al. 2018), in SQuAD's form: a record for each question.
Records prepare_drcd(Records records, const std::string& file) {
  Records out;
  for (const Json& article : records)
    for (const Json& paragraph : field_of(article, "paragraphs", file)) {
      const std::string context = text_field(paragraph, "context", file);
      for (const Json& question : field_of(paragraph, "qas", file)) {
        Json answers = Json::array();
        for (const Json& answer : field_of(question, "answers", file))
          answers.push_back(text_field(answer, "text", file));
        out.push_back({{"id", field_of(question, "id", file)},
                       {"context", context},
                       {"question", text_field(question, "question", file)},
                       {"answers", std::move(answers)}});
      }
    }
  return out;
}

// The makers' CSV has a column for each choice.
Records prepare_mmlu(Records records, const std::string& file) {
  for (Json& record : records) {
    if (record.contains("choices")) continue;
    Json choices = Json::array();
    for (const char* column : {"A", "B", "C", "D"})
      choices.push_back(text_field(record, column, file));
    record["choices"] = std::move(choices);
  }
  return records;
}

// TMMLU's answers are letters in either width.
Records prepare_tmmlu(Records records, const std::string& file) {
  for (Json& record : records) {
    std::string answer(strip(text_field(record, "answer", file)));
    for (char c = 'A'; c <= 'E'; ++c)
      if (answer == std::string("\xEF\xBC") + static_cast<char>(c - 'A' + 0xA1))
        answer = std::string(1, c);
    record["answer"] = answer;
  }
  return records;
}

}  // namespace bantam::judge
