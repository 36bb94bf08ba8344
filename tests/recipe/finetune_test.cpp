// recipes/finetune's scripts: what is learnt is not asked, the words are the tasks', other files
// than the wanted ones are refused in a line, and what is counted of answers that are programs.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>

#include "base/file.h"
#include "base/json.h"

namespace bantam::recipe {
namespace {

const std::string kScripts = std::string(BANTAM_SOURCE) + "/recipes/finetune/";

class OwnFolder {
 public:
  OwnFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "bantam-test-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder for a test");
    path_ = name;
  }
  ~OwnFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  OwnFolder(const OwnFolder&) = delete;
  OwnFolder& operator=(const OwnFolder&) = delete;
  const Path& path() const { return path_; }

 private:
  Path path_;
};

// A task of MBPP's file, whose words hold its number.
Json mbpp_task(int number) {
  const std::string n = std::to_string(number);
  return {{"task_id", number},
          {"text", "Write a function to add " + n + "."},
          {"code", "def add_" + n + "(x): \r\n\treturn x + " + n + "  "},
          {"test_list",
           {"assert add_" + n + "(0) == " + n, "assert add_" + n + "(1) != 0",
            "assert add_" + n + "(2)"}}};
}

std::vector<Json> lines_of(const Path& path) {
  std::vector<Json> out;
  std::istringstream text(read_file(path));
  for (std::string line; std::getline(text, line);) out.push_back(Json::parse(line));
  return out;
}

// What a script prints, standard error among it; `arguments` are of the folder it runs in.
std::string run_script(const Path& folder, const std::string& arguments) {
  const Path out = folder / "printed";
  const std::string line =
      "cd '" + folder.string() + "' && python3 '" + kScripts + arguments + " > printed 2>&1";
  const int status = std::system(line.c_str());
  return read_file(out) + (status == 0 ? "" : "[failed]");
}

void write_lines(const Path& path, const std::vector<Json>& records) {
  std::string text;
  for (const Json& r : records) text += r.dump() + "\n";
  write_file(path, text);
}

TEST(FinetuneCode, LearnsOfTheTrainSplitWhatIsNotAsked) {
  const OwnFolder folder;
  std::vector<Json> tasks;
  for (int n = 1; n <= 974; ++n) tasks.push_back(mbpp_task(n));
  tasks[601 - 1]["text"] =
      "write a function to  add 11.";  // asked in the same words but for blanks and capitals
  tasks[602 - 1]["code"] = tasks[12 - 1]["code"];
  tasks[603 - 1]["test_list"][2] = tasks[510 - 1]["test_list"][0];
  tasks[604 - 1]["text"] = tasks[511 - 1]["text"];  // of the validation split: not asked
  write_lines(folder.path() / "mbpp.jsonl", tasks);
  EXPECT_EQ(run_script(folder.path(), "make.py' code mbpp.jsonl out"),
            "out/train.jsonl: 371 records\nout/test.jsonl: 500 records\n");

  const std::vector<Json> train = lines_of(folder.path() / "out" / "train.jsonl");
  std::set<int> learnt, asked;
  for (const Json& r : train) learnt.insert(r.at("task_id").get<int>());
  for (const Json& r : lines_of(folder.path() / "out" / "test.jsonl"))
    asked.insert(r.at("task_id").get<int>());
  EXPECT_EQ(learnt.size(), 371);
  EXPECT_EQ(*learnt.begin(), 604);
  EXPECT_EQ(*learnt.rbegin(), 974);
  EXPECT_EQ(asked.size(), 500);
  EXPECT_EQ(*asked.begin(), 11);
  EXPECT_EQ(*asked.rbegin(), 510);

  const auto at = std::find_if(train.begin(), train.end(),
                               [](const Json& r) { return r.at("task_id") == 700; });
  ASSERT_NE(at, train.end());
  EXPECT_EQ(
      at->at("prompt"),
      "You are an expert Python programmer, and here is your task:\nWrite a function to add 700.\n"
      "Your code should pass these tests:\nassert add_700(0) == 700\nassert add_700(1) != "
      "0\nassert add_700(2)");
  EXPECT_EQ(at->at("completion"), "\n```python\ndef add_700(x):\n\treturn x + 700\n```");
}

TEST(FinetuneCode, SaysWhichFileIsWanted) {
  const OwnFolder folder;
  write_lines(folder.path() / "part.jsonl", {mbpp_task(11), mbpp_task(601)});
  EXPECT_EQ(run_script(folder.path(), "make.py' code part.jsonl out"),
            "part.jsonl: has no task 12: mbpp.jsonl with all 974 is wanted "
            "(google-research/mbpp)\n[failed]");
  EXPECT_EQ(run_script(folder.path(), "make.py' math part.jsonl out"),
            "part.jsonl: a record has no 'question'; wanted: grade_school_math/data/train.jsonl of "
            "https://github.com/openai/grade-school-math\n[failed]");
  EXPECT_EQ(run_script(folder.path(), "make.py' tools none.json out"),
            "none.json: No such file or directory; wanted: data/glaive_toolcall_en_demo.json of "
            "https://github.com/hiyouga/LLaMA-Factory\n[failed]");
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "out"));
}

TEST(FinetuneStatutes, AsksOfOtherArticlesThanItTeaches) {
  const OwnFolder folder;
  const Path acts = folder.path() / "clone" / "FalVMingLing";
  std::filesystem::create_directories(acts);
  const std::string script = read_file(kScripts + "make.py");
  const std::regex number("[A-Z][0-9]{7}");
  int count = 0;
  for (std::sregex_iterator at(script.begin(), script.end(), number), end; at != end; ++at) {
    const std::string act = at->str();
    Json entries = {{{"編章節", "第 一 章 總綱"}},
                    {{"條號", "第 1 條"}, {"條文內容", "（刪除）"}},
                    {{"條號", "第 2 條"}, {"條文內容", std::string(261, 'x')}}};
    for (int n = 3; n < 113; ++n)
      entries.push_back({{"條號", "第 " + std::to_string(n) + " 條"},
                         {"條文內容", act + ", article " + std::to_string(n) + "  \r\n" +
                                          std::string(150, 'y')}});
    write_file(acts / (act + ".json"),
               Json{{"法規名稱", act}, {"法規內容", entries}}.dump(1, '\t'));
    ++count;
  }
  EXPECT_EQ(count, 28);
  EXPECT_EQ(run_script(folder.path(), "make.py' statutes clone out"),
            "out/train.jsonl: 900 records\nout/test.jsonl: 100 records\n");

  std::set<std::string> prompts, named;
  for (const char* part : {"train.jsonl", "test.jsonl"})
    for (const Json& r : lines_of(folder.path() / "out" / part)) {
      const std::string prompt = r.at("prompt");
      const std::string article = prompt.substr(prompt.find('\n') + 1);
      EXPECT_EQ(prompt.substr(0, prompt.find('\n')), "下列條文出自哪一部法律？");
      EXPECT_EQ(article.size(), 120);
      EXPECT_EQ(article.find(' '), 9) << article;
      EXPECT_NE(article.find("\nyyy"), std::string::npos) << article;
      EXPECT_EQ(article.find(" \n"), std::string::npos) << article;
      EXPECT_EQ(r.at("completion"), "《" + article.substr(0, 8) + "》");
      prompts.insert(prompt);
      named.insert(r.at("completion"));
    }
  EXPECT_EQ(prompts.size(), 1000);
  EXPECT_EQ(named.size(), 28);

  std::filesystem::remove(acts / "J0080001.json");
  EXPECT_EQ(run_script(folder.path(), "make.py' statutes clone out"),
            "clone/FalVMingLing/J0080001.json: No such file or directory; wanted: the folder of a "
            "clone of https://github.com/kong0107/mojLawSplitJSON\n[failed]");
}

// A report of bantam eval with one answer to each of `outputs`, all asked for `add`.
Json report_of(const std::vector<std::pair<std::string, std::string>>& outputs) {
  Json items = Json::array();
  for (std::size_t i = 0; i < outputs.size(); ++i)
    items.push_back({{"doc", i},
                     {"contexts",
                      {"Your code should pass these tests:\nassert len(other(1))\n```python\n\n"
                       "Your code should pass these tests:\nassert set(add(1)) == 2<|im_end|>"}},
                     {"target", "def helper(x):\n  return x\ndef add(x):\n  return x + 1\n```"},
                     {"output", outputs[i].first},
                     {"tokens", 10},
                     {"result", outputs[i].second}});
  return {{"tasks", {{"mbpp_instruct", {{"items", items}}}}}};
}

TEST(FinetuneCode, CountsWhatAnswersAre) {
  const OwnFolder folder;
  const std::string right = "\ndef add(x):\n    return x + 1\n```\nThis adds.";
  write_file(
      folder.path() / "a.json",
      report_of({{"\ndef add(x):\n    return x + 1", "NameError: name 'add' is not defined"},
                 {"\ndef add(x)\n```", "SyntaxError: expected ':'"},
                 {"\ndef added(x):\n    return x\n```", "NameError: name 'add' is not defined"},
                 {"\ndef add(x):\n    return x\n```", "AssertionError"}})
          .dump());
  write_file(folder.path() / "b.json",
             report_of({{right, "passed"}, {right, "passed"}, {right, "passed"}, {right, "passed"}})
                 .dump());
  const std::string printed = run_script(folder.path(), "code_answers.py' a.json b.json");
  for (const char* line :
       {"4 questions\n", "the block of code ends              0.750    1.000 ",
        "it is Python                        0.500    1.000 ",
        "it defines the function asked       0.250    1.000 ",
        "the tests give a verdict            0.250    1.000 ",
        "the tests pass                      0.000    1.000   +1.000 to +1.000\n"})
    EXPECT_NE(printed.find(line), std::string::npos) << line << "\n" << printed;
}

TEST(FinetuneCode, BitsAByteAreOfBytes) {
  const OwnFolder folder;
  const auto report = [](double nats) {
    Json items = Json::array();
    for (int doc = 0; doc < 2; ++doc)  // four bytes: "é" has two
      items.push_back({{"doc", doc}, {"continuations", {"é()"}}, {"loglikelihoods", {nats}}});
    return Json{{"tasks", {{"code_solutions", {{"items", items}}}}}}.dump();
  };
  write_file(folder.path() / "a.json", report(-8 * 0.6931471805599453));
  write_file(folder.path() / "b.json", report(-4 * 0.6931471805599453));
  EXPECT_EQ(run_script(folder.path(), "code_answers.py' a.json b.json"),
            "2 questions\nbits a byte                         2.000    1.000   -1.000 to -1.000\n");
  write_file(folder.path() / "c.json", Json{{"tasks", {{"piqa", Json::object()}}}}.dump());
  EXPECT_EQ(
      run_script(folder.path(), "code_answers.py' a.json c.json"),
      "c.json: a report of mbpp_instruct or of recipes/finetune/code.toml is wanted\n[failed]");
}

}  // namespace
}  // namespace bantam::recipe
