// Checks the steps of a worked answer by reading them.
#include "checker.h"

#include <algorithm>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "question.h"

namespace bantam::recipe::test {
namespace {

// One step: "4+8+1=13" has the terms 4 8 1, the signs + +, the relation = and the result 13.
struct Step {
  std::vector<int> terms;
  std::vector<std::string> signs;  // before each term but the first; "+4=28" begins with a sign
  char relation = 0;               // 0: no right side, as in "47+85"
  int result = 0;
};

void require(bool fact, const std::string& what) {
  if (!fact) throw std::runtime_error(what);
}

Step parse_step(const std::string& text) {
  Step step;
  std::size_t i = 0;
  const auto number = [&] {
    const std::size_t begin = i;
    while (i < text.size() && text[i] >= '0' && text[i] <= '9') ++i;
    require(i > begin, "a number was expected in " + text);
    return std::stoi(text.substr(begin, i - begin));
  };
  if (text[0] != '+') step.terms.push_back(number());
  while (i < text.size()) {
    const std::size_t length = static_cast<unsigned char>(text[i]) >= 0x80 ? 2 : 1;  // "×" has two
    const std::string sign = text.substr(i, length);
    i += length;
    if (sign == "=" || sign == "<" || sign == ">") {
      require(step.relation == 0, "two relations in " + text);
      step.relation = sign[0];
      step.result = number();
    } else {
      step.signs.push_back(sign);
      step.terms.push_back(number());
    }
  }
  return step;
}

int value_of(const Step& step, int before) {
  std::size_t sign = 0;
  int value = before;
  for (std::size_t i = 0; i < step.terms.size(); ++i) {
    const bool first = i == 0 && step.signs.size() < step.terms.size();
    const std::string how = first ? "" : step.signs[sign++];
    const int term = step.terms[i];
    value = how.empty()  ? term
            : how == "+" ? value + term
            : how == "-" ? value - term
                         : value * term;
  }
  return value;
}

// The value of a step, after checking that what it says is so.
int hold(const Step& step, int before) {
  const int value = value_of(step, before);
  if (step.relation == '=') require(value == step.result, "a step is wrong");
  if (step.relation == '<') require(value < step.result, "a step is wrong");
  if (step.relation == '>') require(value > step.result, "a step is wrong");
  return value;
}

// Reads columns off a sum from the right: what is left of its operands, and the result so far.
class Columns {
 public:
  explicit Columns(const Step& sum)
      : a_(sum.terms.at(0)), b_(sum.terms.at(1)), sign_(sum.signs.at(0)) {}

  void take(const Step& step, int value) {
    if (step.signs.size() == step.terms.size()) {  // "+4=28"
      require(sign_ == "×" && place_ > 1 && step.terms.at(0) == carry_, "a wrong carry");
      finish(value);
      return;
    }
    const bool times = sign_ == "×";
    require(step.relation == '=' && step.signs.at(0) == sign_, "another sign");
    require(step.terms.at(0) % 10 == a_ % 10, "another digit");
    require(step.terms.at(1) == (times ? b_ : b_ % 10), "another second digit");
    if (!times && place_ > 1) require(step.terms.at(2) == carry_, "a wrong carry");
    require(step.terms.size() == (times || place_ == 1 ? 2u : 3u), "too many terms");
    a_ /= 10;
    if (!times) b_ /= 10;
    if (sign_ == "-") {
      require(value >= 0 && value < 10, "a difference of more than one digit");
      result_ += place_ * value;
      carry_ = step.terms.at(0) / 10;
    } else if (times && place_ > 1) {
      pending_ = true;
      return;
    } else {
      require(step.terms.at(0) < 10, "two digits in a column");
      set(value);
    }
    place_ *= 10;
  }

  int result() const {
    require(a_ == 0 && !pending_ && place_ > 1, "columns are missing");
    if (sign_ != "×") require(b_ == 0, "columns are missing");
    if (sign_ == "-") require(carry_ == 0, "a borrow is left");
    return sign_ == "-" ? result_ : result_ + carry_ * place_;
  }

 private:
  void set(int value) {
    result_ += place_ * (value % 10);
    carry_ = value / 10;
  }
  void finish(int value) {
    require(pending_, "a carry out of place");
    pending_ = false;
    set(value);
    place_ *= 10;
  }

  int a_, b_;
  std::string sign_;
  int place_ = 1, carry_ = 0, result_ = 0;
  bool pending_ = false;
};

struct Work {
  std::vector<Step> steps;
  std::vector<int> values;
  std::string names;   // the letters of the numbers that are compared, in order
  std::string letter;  // the one that a comparison ends with
};

Work read_steps(const std::string& worked) {
  Work work;
  std::istringstream in(worked.substr(0, worked.rfind(" =>")));
  int before = 0;
  for (std::string word; in >> word;) {
    if (word.starts_with("A:") || word.starts_with("B:")) {
      work.names += word[0];
      word.erase(0, 2);
    }
    if (word == "A" || word == "B") {
      work.letter += word;
      continue;
    }
    work.steps.push_back(parse_step(word));
    before = hold(work.steps.back(), before);
    work.values.push_back(before);
  }
  require(!work.steps.empty(), "no steps");
  return work;
}

// Steps of a sum from step `first` on: the sum itself, then its columns. Returns what they give.
int read_columns(const Work& work, std::size_t first, int scale) {
  Step sum = work.steps.at(first);
  require(sum.relation == 0 && sum.terms.size() == 2, "the sum is not stated");
  require(sum.terms[1] % scale == 0, "a wrong factor");
  sum.terms[1] /= scale;
  Columns columns(sum);
  for (std::size_t i = first + 1; i < work.steps.size(); ++i) {
    columns.take(work.steps[i], work.values[i]);
  }
  return columns.result() * scale;
}

void check_comparison(const Work& work, const Asked& asked, const std::string& answer) {
  const int left = work.values.at(0), right = work.values.at(1);
  require(std::min(left, right) == asked.numbers[0] && std::max(left, right) == asked.numbers[1],
          "other numbers are compared");
  int a = 0, b = 0, scale = 1;
  for (std::size_t i = 2; i < work.steps.size(); ++i) {
    const Step& step = work.steps[i];
    require((step.relation == '=') == (i + 1 < work.steps.size()), "it ends at the wrong digit");
    a = 10 * a + step.terms.at(0);
    b = 10 * b + step.result;
  }
  while (scale < 1'000 && (left / scale != a || right / scale != b)) scale *= 10;
  require(scale < 1'000 && a != b, "other digits are compared");
  require(work.names == "AB" || work.names == "BA", "the numbers have no names");
  const bool first = work.letter == work.names.substr(0, 1);
  require(first || work.letter == work.names.substr(1), "it names none");
  require(std::to_string(first ? left : right) == answer, "it names the other one");
}

void check_weekday(const Work& work, const Asked& asked) {
  require(work.steps.size() == 3, "three steps were expected");
  require(work.steps[0].terms.at(0) == asked.numbers[0], "other days");
  require(work.steps[0].terms.at(1) % 7 == 0 && work.values[0] < 7, "not whole weeks");
  require(work.steps[1].terms.at(0) == asked.numbers[1], "another weekday");
  require(work.steps[1].terms.back() == work.values[0], "another number is moved by");
  require(work.steps[2].terms.at(0) == work.values[1], "another number is reduced");
  require(work.steps[2].terms.at(1) % 7 == 0 && work.values[2] < 7, "not whole weeks");
}

void check_date(const Work& work, const Asked& asked) {
  const Step& sum = work.steps.at(0);
  require(sum.terms == std::vector<int>({asked.numbers[2], asked.numbers[0]}), "another date");
  const Step &ones = work.steps.at(1), &tens = work.steps.at(2), &compared = work.steps.at(3);
  require(ones.terms == std::vector<int>({sum.terms[0] % 10, sum.terms[1]}), "other ones");
  require(tens.terms == std::vector<int>({sum.terms[0] / 10, ones.result / 10}), "other tens");
  require(compared.result == 10 * tens.result + ones.result % 10, "another day is compared");
  require(work.steps.size() == (compared.relation == '<' ? 5u : 4u), "a step too many or few");
}

void check_steps(const Dialogue& d, const Asked& asked) {
  const Work work = read_steps(d.worked);
  if (asked.operation == "larger") return check_comparison(work, asked, d.answer);
  if (asked.operation == "after" || asked.operation == "before") return check_weekday(work, asked);
  if (asked.operation == "date") return check_date(work, asked);
  require(work.letter.empty(), "a letter out of place");
  int scale = 1;
  std::size_t first = 0;
  if (asked.operation == "units") {
    int factor = asked.numbers[1] / asked.numbers[2];
    for (; factor % 10 == 0; factor /= 10) scale *= 10;
  }
  if (asked.numbers.size() == 3 && asked.operation != "units") {
    const Step& product = work.steps.at(0);
    require(product.terms == std::vector<int>({asked.numbers[0], asked.numbers[1]}) &&
                product.signs.at(0) == "×" && product.relation == '=',
            "another product");
    first = 1;
  }
  require(std::to_string(read_columns(work, first, scale)) == d.answer, "the columns give another");
  require(std::to_string(work.values.at(first)) == d.answer, "the sum stated gives another");
}

}  // namespace

std::string check(const Dialogue& d) {
  try {
    const Asked asked = read_question(d);
    require(d.answer == asked.answer, "the answer is " + asked.answer + ", not " + d.answer);
    require(final_answer(d.worked) == d.answer, "it ends with another answer");
    require(d.worked.find(" => ") != std::string::npos, "no arrow");
    check_steps(d, asked);
    return "";
  } catch (const std::exception& error) {
    return error.what();
  }
}

std::string asked(const Dialogue& d) {
  const Asked asked = read_question(d);
  std::string out = asked.operation;
  for (int n : asked.numbers) out += " " + std::to_string(n);
  return out;
}

}  // namespace bantam::recipe::test
