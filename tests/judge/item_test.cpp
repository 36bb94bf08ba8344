// From task files and records to requests.
#include "judge/item.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "chat/chat_template.h"
#include "judge/python_text.h"
#include "judge/support.h"
#include "support/shared.h"

namespace bantam::test {
namespace {

using judge::Asking;

std::string message_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(Items, ChoicesAsTheTemplateSays) {
  const judge::TaskRun run = own_run("easy");
  ASSERT_EQ(run.items.size(), 12u);
  const judge::Item& item = run.items[1];
  EXPECT_EQ(item.contexts, (std::vector<std::string>{"Question: What does the dog do?\nAnswer:"}));
  EXPECT_EQ(item.continuations, (std::vector<std::string>{" fly", " bark"}));
  EXPECT_EQ(item.gold, 1);
  EXPECT_EQ(run.digest.size(), 64u);
}

TEST(Items, ExamplesNeverShowTheQuestionItself) {
  Asking asking;
  asking.shots = 11;  // of 12: all others
  for (const judge::Item& item : own_run("easy", asking).items) {
    const std::string question = "What does the " + item.record["stem"].get<std::string>().substr(14);
    const std::string& context = item.contexts.front();
    EXPECT_EQ(context.find(question), context.rfind(question)) << context;
    EXPECT_EQ(std::count(context.begin(), context.end(), '?'), 12);
  }
}

// The first documents are asked alike whatever the limit, and another seed shows other examples.
TEST(Items, LimitAndSeed) {
  Asking all, few, other;
  all.shots = few.shots = other.shots = 2;
  few.limit = 3;
  other.seed = 5;
  const judge::TaskRun a = own_run("easy", all), b = own_run("easy", few), c = own_run("easy", other);
  ASSERT_EQ(b.items.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(a.items[i].contexts, b.items[i].contexts);
  EXPECT_NE(a.digest, c.digest);
  Asking share;
  share.limit = 0.3;  // 3.6 documents, rounded up
  EXPECT_EQ(own_run("easy", share).items.size(), 4u);
}

TEST(Items, SubjectsHaveTheirOwnNumbersNamesAndExamples) {
  Asking asking;
  asking.shots = 1;
  const judge::TaskRun run = own_run("subjects", asking);
  ASSERT_EQ(run.items.size(), 5u);
  EXPECT_EQ(run.items[0].doc, "one 0");
  EXPECT_EQ(run.items[4].doc, "two 1");
  EXPECT_TRUE(run.items[4].contexts[0].starts_with(
      "About colours.\n\nred and blue\nA. purple\nB. green\nAnswer: A\n\nyellow and blue"));
  EXPECT_EQ(run.items[4].gold, 1);
}

TEST(Items, ErrorsNameThePlaceAndTheNearestName) {
  EXPECT_EQ(message_of([] { judge::choose_task("hellaswagg"); }),
            "there is no task \"hellaswagg\"; did you mean hellaswag?");
  EXPECT_EQ(judge::choose_task("mmlu_anatomy").subject, "anatomy");
  EXPECT_EQ(judge::choose_task("tmmluplus_accounting").spec->name, "tmmluplus");
  EXPECT_EQ(message_of([] { task_of("name = \"x\"\n[prompt]\nquestoin = \"a\"\n"); }),
            "test.toml:3: prompt.questoin: there is no such key; did you mean prompt.question?");
  EXPECT_EQ(message_of([] {
              judge::parse_records("{\"a\": 1}\n{\"a\": }\n", "set.jsonl");
            }).substr(0, 11),
            "set.jsonl:2");
  EXPECT_EQ(message_of([] { judge::parse_records("a,b\n1,2\n1,2,3\n", "set.csv"); }),
            "set.csv:3: a row of 2 cells was expected, not of 3");
  EXPECT_EQ(message_of([] { judge::parse_records("a,b\n1,\"2\n", "set.csv"); }),
            "set.csv:2: the quote that opens in this line is not closed");
  EXPECT_EQ(message_of([] { judge::parse_records("a,b,a\n1,2,3\n", "set.csv"); }),
            "set.csv:1: the column \"a\" stands twice; each needs a name of its own");
  EXPECT_EQ(message_of([] { judge::parse_records("{\"a\": 1}\n\n{\"a\": 1, \"a\": 2}\n", "set.jsonl"); }),
            "set.jsonl:3: a: the key stands twice in one object");
  EXPECT_EQ(message_of([] { task_of("name = \"x\"\n[data]\ntest = {path = \"x.csv\", columns = [\"a\", \"b\", \"a\"]}\n"); }),
            "test.toml:3: data.test.columns: the column \"a\" stands twice");
  ScratchFolder folder;
  write_file(folder / "easy.jsonl", "{\"stem\": \"s\", \"options\": [\"a\", \"b\"]}\n");
  judge::DataFolder data{folder.path()};
  const judge::Chosen easy = judge::read_task(judge_data() / "easy.toml");
  EXPECT_NE(message_of([&] { judge::make_run(easy, data, {}); }).find("speaks of \"key\", which is missing"),
            std::string::npos);
  judge::DataFolder empty{folder / "nothing"};
  EXPECT_NE(message_of([&] { judge::make_run(easy, empty, {}); }).find("easy.jsonl was expected there"),
            std::string::npos);
}

TEST(Items, TablesInUtf16AreRead) {
  using namespace std::string_literals;
  const auto records = judge::parse_records("\xff\xfe" + "a\0,\0b\0\n\0x\0,\0\x2d\x4e\n\0"s, "set.csv");
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(to_text(records[0]), "{\"a\":\"x\",\"b\":\"\xe4\xb8\xad\"}");
}

// A task that is known can be asked: its templates, patterns and scorer are read.
TEST(Items, TheProgramsOwnTasksAreWellFormed) {
  EXPECT_GE(judge::known_tasks().size(), 20u);
  for (const judge::TaskSpec& task : judge::known_tasks()) {
    EXPECT_FALSE(task.about.empty()) << task.name;
    EXPECT_FALSE(task.where.empty()) << task.name;
    EXPECT_FALSE(task.licence.empty()) << task.name;
    EXPECT_EQ(task.file, task.name + ".toml");
  }
}

// The sums of the first documents' requests, as the field's harness makes them.
TEST(Items, TheFieldsRequestsToTheCharacter) {
  BANTAM_NEEDS_SHARED("data/eval");
  struct Case {
    const char* task;
    std::int64_t shots;
    const char* last_of_three;
  };
  judge::DataFolder data{shared_folder() / "data" / "eval"};
  for (const auto& [name, shots, first] :
       {Case{"arc_easy", 0, "0 86c8778392554b2c"}, Case{"openbookqa", 5, "0 7b592283d2483051"},
        Case{"winogrande", 5, "0 f05e5a1927e768ec"}, Case{"hellaswag", 0, "0 d721ae0bd3b7967c"},
        Case{"wikitext", 0, "0 2b2d5eb97b97d270"}, Case{"gsm8k_cot", 8, "0 20bd22b93124a462"},
        Case{"mbpp_instruct", 3, "0 3a7f8d23d0d5771d"}, Case{"mmlu", 5, "abstract_algebra 0 98fb3ca9ec06c3e1"},
        Case{"cmmlu", 0, "agronomy 0 2f7eeeafca3bbcec"}}) {
    Asking asking;
    asking.shots = shots;
    asking.limit = 1;
    const judge::TaskRun run = judge::make_run(judge::choose_task(name), data, asking);
    EXPECT_EQ(judge::digest_line(run.items.front()), first) << name;
  }
}

// The conversations that reach a chat template, as the field's harness makes them.
TEST(Items, TheFieldsConversations) {
  BANTAM_NEEDS_SHARED("data/eval/golden/chat_messages.json");
  const Path eval = shared_folder() / "data" / "eval";
  const std::string file = (eval / "golden" / "chat_messages.json").string();
  const ChatTemplate form("{{ messages | tojson }}", "test");
  const auto tokenizer = tiny_tokenizer();
  for (const Json& one : parse_json(read_file(file), file)) {
    Asking asking;
    asking.shots = one["num_fewshot"].get<std::int64_t>();
    asking.limit = 1;
    asking.chat.form = &form;
    asking.chat.tokenizer = tokenizer.get();
    asking.chat.turns = one["fewshot_as_multiturn"].get<bool>();
    if (one["system_instruction"].is_string()) asking.chat.system = one["system_instruction"].get<std::string>();
    const std::string name = one["task"].get<std::string>();
    judge::Chosen chosen = judge::choose_task(name);
    if (name == "mbpp_instruct") {  // here one example is shown, where the task says three
      judge::TaskSpec spec = *chosen.spec;
      spec.fixed_shots = false;
      chosen.spec = std::make_shared<const judge::TaskSpec>(std::move(spec));
    }
    judge::DataFolder data{eval};
    const judge::Item item = judge::make_run(chosen, data, asking).items.front();
    ASSERT_EQ(item.contexts.size(), one["calls"].size()) << name;
    for (std::size_t i = 0; i < item.contexts.size(); ++i) {
      Json messages = one["calls"][i]["messages"];
      std::string begun;
      if (messages.back()["role"] == "assistant") {  // left open; its white space at the end goes
        begun = messages.back()["content"].get<std::string>();
        begun.resize(judge::right_edge(begun));
        messages.erase(messages.size() - 1);
      }
      ASSERT_TRUE(item.contexts[i].ends_with(begun)) << name;
      const std::string rest = item.contexts[i].substr(0, item.contexts[i].size() - begun.size());
      EXPECT_EQ(parse_json(rest, name), messages) << name;
    }
    if (one.contains("continuations") && one["continuations"].is_array()) {
      EXPECT_EQ(Json(item.continuations), one["continuations"]) << name;
    }
  }
}

}  // namespace
}  // namespace bantam::test
