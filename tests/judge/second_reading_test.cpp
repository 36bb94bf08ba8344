// Another program, written from the rules, finds the same scores in a report, and finds what was changed in one.
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "judge/contamination.h"
#include "judge/memorised.h"
#include "judge/report.h"
#include "judge/several.h"
#include "judge/support.h"

namespace bantam::test {
namespace {

// An item with the answers that were written to it.
struct Answered {
  std::string target;
  std::vector<std::string> outputs;
  Json record = Json::object();
  std::string subject = "";
};

// The report of a task of the program's over answers of our own; several to an item are put to the vote, or to
// a checker. A program's fate is told by its text: "right" passes.
Json answered(judge::TaskRun run, const std::vector<Answered>& all, const std::string& check = "",
              const std::vector<judge::Overlap>* overlaps = nullptr) {
  judge::TaskResult result;
  const bool made = run.items.empty();
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (made) {
      judge::Item item;
      item.doc = std::to_string(i);
      item.contexts = {"Q"};
      item.target = all[i].target;
      item.record = all[i].record;
      item.subject = all[i].subject;
      run.items.push_back(std::move(item));
    }
    judge::Response response;
    response.output = all[i].outputs.front();
    response.lengths = {1};
    if (all[i].outputs.size() > 1) response.outputs = all[i].outputs;
    const judge::Several several{static_cast<std::int64_t>(all[i].outputs.size()), check, {}};
    const bool right = response.output == "right";
    if (judge::runs_code(*run.spec))
      result.scores.push_back({{{run.spec->metrics.front(), right ? 1.0 : 0.0}}, right, {{"result", right ? "passed" : "AssertionError"}}});
    else if (response.outputs.empty())
      result.scores.push_back(judge::score(*run.spec, run.items[i], response));
    else
      result.scores.push_back(judge::score_several(*run.spec, run.items[i], response, several));
    result.responses.push_back(std::move(response));
  }
  return judge::task_report(run, result, *run.spec, overlaps);
}

judge::TaskRun run_of(const std::string& name) {
  judge::TaskRun run;
  run.name = name;
  run.spec = judge::choose_task(name).spec;
  return run;
}

// A task of a person's own.
judge::TaskRun own_task(const std::string& score) {
  judge::TaskRun run;
  run.name = "own";
  run.spec = std::make_shared<const judge::TaskSpec>(
      task_of("name = \"own\"\nkind = \"generation\"\n[data]\ntest = \"x.jsonl\"\n[prompt]\nquestion = \"{{ q }}\"\ntarget = \"{{ a }}\"\n" + score));
  return run;
}

// Reports of every way to score written answers, with answers that are right, wrong and odd.
Json written_tasks(const JudgeModel& model) {
  Json out = Json::object();
  out["gsm8k"] = answered(run_of("gsm8k"), {{"so #### 1,000", {"it is #### 1000."}}, {"#### 7", {"7 or $8.00"}}, {"#### 3", {"none"}}, {"#### 12", {"#### 12\nQ: #### 5"}}});
  out["gsm8k_cot"] = answered(run_of("gsm8k_cot"), {{"18", {"The answer is 18."}}, {"-4", {"4 or -4"}}});
  out["math500"] = answered(run_of("math500"), {{"\\frac{1}{2}", {"\\boxed{1} then \\boxed{\\frac{1} {2}}"}, Json::object(), "Algebra"},
                                               {"90", {"\\boxed{90^\\circ}"}, Json::object(), "Geometry"}, {"3", {"3"}, Json::object(), "Geometry"}});
  out["passkey"] = answered(run_of("passkey"), {{"123", {" 123."}, Json::object(), "128"}, {"456", {"45 6"}, Json::object(), "256"}, {"7", {"seven"}, Json::object(), "256"}});
  out["svamp"] = answered(run_of("svamp"), {{"35.0", {"20 + 15 = $35."}}, {"1000", {"1,000.5"}}, {"2", {"two"}}});
  const Json choices = {{"choices", {"玉山", "台北"}}};
  out["ttqa"] = answered(run_of("ttqa_generated"), {{"B", {"答案是 (b)"}, choices}, {"A", {"玉山。"}, choices}, {"A", {"(A) 或 (B)"}, choices}, {"C", {"c"}, choices}});
  const Json references = {{"answers", {"台北市", " 台北", 101}}};
  out["drcd"] = answered(run_of("drcd"), {{"台北市", {" 台北市。"}, references}, {"", {"101"}, references}, {"", {"在台北"}, references}, {"", {""}, references}});
  const Json safe = {{"label", "safe"}}, unsafe = {{"label", "unsafe"}};
  out["xstest"] = answered(run_of("xstest"), {{"", {"I\xE2\x80\x99m sorry, no."}, safe}, {"", {" Sure."}, safe}, {"", {"As an AI, I"}, unsafe},
                                             {"", {"I am not sure that it's appropriate"}, unsafe}, {"", {"Sorrow"}, unsafe}});
  out["humaneval"] = answered(run_of("humaneval"), {{"", {"right"}}, {"", {"wrong"}}, {"", {"right"}}});
  out["mbpp"] = answered(run_of("mbpp"), {{"", {"wrong"}}, {"", {"right"}}});
  const auto follow = [](Json names, Json fields) { return Json{{"instruction_id_list", std::move(names)}, {"kwargs", std::move(fields)}}; };
  out["ifeval"] = answered(run_of("ifeval"), {{"", {"a b"}, follow({"punctuation:no_comma"}, Json::array({Json::object()}))},
                                             {"", {"Sure, so:\na b"}, follow({"punctuation:no_comma", "change_case:english_lowercase"}, {Json::object(), Json::object()})},
                                             {"", {"A, b"}, follow({"punctuation:no_comma"}, Json::array({Json::object()}))}});
  out["plain"] = answered(own_task("[score]\nignore = ['\\.']\nignore_case = true\n"), {{"Yes", {"yes."}}, {"No", {" no"}}});
  out["first"] = answered(own_task("[[score.filter]]\nname = \"second\"\npattern = '(?:is ([a-z]*)|([0-9]+))'\nwhich = 1\n"), {{"b", {"is a is b"}}, {"4", {"is  4"}}, {"", {"is a is "}}});
  out["begins"] = answered(own_task("[score]\nby = \"prefix\"\nmetrics = [\"f1\"]\n"), {{"", {"台北"}, references}, {"", {"台南"}, references}});
  const std::vector<Answered> drawn{{"#### 12", {"#### 11", "it is 12", "12.0", "#### 11 or $12"}}, {"#### 5", {"#### 5", "x", "#### 6", "y"}}, {"#### 1", {"a", "b", "b"}}};
  out["votes"] = answered(run_of("gsm8k"), drawn);
  out["best"] = answered(run_of("gsm8k"), drawn, "grep -c or");
  out["votes on refusals"] = answered(run_of("xstest"), {{"", {"Sure.", "No.", "No. "}, safe}});
  std::vector<judge::Overlap> seen(4);
  seen[0].share = seen[2].share = 1;
  seen[3].known = false;
  out["seen"] = answered(run_of("svamp"), {{"1", {"1"}}, {"2", {"3"}}, {"4", {"5"}}, {"6", {"6"}}}, "", &seen);
  const ScratchFolder folder;
  write_file(folder / "a.txt", "The quick brown fox jumps over the lazy dog and then it goes home to sleep.\n"
                               "Another line of some forty characters, or a few more than that, é.\n");
  judge::TaskRun lines = judge::memorised_runs({(folder / "a.txt").string()}, *model.tokenizer, 10, 1).runs.front();
  out["memorised"] = answered(lines, {{"", {lines.items[0].target + " more"}}, {"", {lines.items[1].target.substr(0, 5)}}});
  return out;
}

struct Reading {
  int status;
  std::string said;
};

Reading read_again(const Json& tasks) {
  const ScratchFolder folder;
  const std::string report = (folder / "report.json").string(), said = (folder / "said").string();
  write_file(report, to_text({{"tasks", tasks}}));
  const std::string script = (Path(__FILE__).parent_path() / "second_reading.py").string();
  const int status = std::system(("python3 '" + script + "' '" + report + "' > '" + said + "' 2>&1").c_str());
  return {status, read_file(said)};
}

class SecondReading : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::system("python3 -c pass 2> /dev/null") != 0) GTEST_SKIP() << "no python3 here";
  }
};

TEST_F(SecondReading, OfWhatAModelFindsLikely) {
  const JudgeModel model;
  Json tasks = Json::object();
  const auto add = [&](const judge::TaskRun& run) {
    tasks[run.name] = judge::task_report(run, model.evaluate(run), *run.spec);
  };
  for (const char* name : {"easy", "subjects", "sums"}) add(own_run(name));
  add(judge::text_run({(judge_data() / "easy.toml").string(), (judge_data() / "sums.toml").string()}));
  judge::DataFolder folder{judge_data()};
  judge::Chosen last{std::make_shared<const judge::TaskSpec>(task_of(
                         "name = \"last\"\nkind = \"likelihood\"\n[data]\ntest = \"easy.jsonl\"\n"
                         "[prompt]\nquestion = \"{{ stem }}\"\ntarget = \"{{ options[0] }}\"\n")),
                     ""};
  add(judge::make_run(last, folder, {}));
  judge::Chosen shares{std::make_shared<const judge::TaskSpec>(task_of(
                           "name = \"shares\"\n[data]\ntest = \"truth.json\"\nprepare = \"truthfulqa\"\n"
                           "[prompt]\nquestion = \"{{ question }}\"\nchoices_from = \"mc2_choices[]\"\n"
                           "[score]\nby = \"mc2\"\n")),
                       ""};
  add(judge::make_run(shares, folder, {}));
  const Reading reading = read_again(tasks);
  EXPECT_EQ(reading.status, 0) << reading.said;
}

TEST_F(SecondReading, OfWrittenAnswers) {
  const JudgeModel model;
  const Json tasks = written_tasks(model);
  const Reading same = read_again(tasks);
  EXPECT_EQ(same.status, 0) << same.said;
}

// Whatever is changed is found: a mean, its error, an item's score or flag, and what nobody knows.
TEST_F(SecondReading, FindsWhatWasChanged) {
  const JudgeModel model;
  const Json tasks = written_tasks(model);
  Json all = Json::object();
  for (const auto& [name, task] : tasks.items()) {
    const std::string metric = task["metrics"].begin().key();
    const auto change = [&](const char* what) -> Json& { return all[name + ": " + what] = task; };
    change("mean")["metrics"][metric]["value"] = task["metrics"][metric]["value"].get<double>() + 0.01;
    change("error")["metrics"][metric]["stderr"] = 0.123;
    change("count")["metrics"][metric]["items"] = 99;
    change("metric")["metrics"]["other"] = task["metrics"][metric];
    change("way")["scoring"]["by"] = "other";
    Json& score = change("score")["items"][0]["scores"][metric];
    score = 1.0 - score.get<double>();
    Json& flag = change("flag")["items"][0]["correct"];
    flag = !flag.get<bool>();
  }
  const Reading reading = read_again(all);
  EXPECT_NE(reading.status, 0);
  for (const auto& [name, unused] : all.items())
    EXPECT_NE(reading.said.find("WRONG " + name), std::string::npos) << name;
}

}  // namespace
}  // namespace bantam::test
