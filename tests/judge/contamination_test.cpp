// Questions that training text holds are found, others are not.
#include "judge/contamination.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "judge/choose.h"
#include "judge/report.h"
#include "judge/support.h"
#include "support/shared.h"

namespace bantam::test {
namespace {

using judge::Ledger;

TEST(Ledger, WordsAndChineseCharacters) {
  EXPECT_EQ(judge::text_units("It's 3.5 ÄPFEL").size(), 5u);  // it s 3 5 äpfel
  EXPECT_EQ(judge::text_units("ÄPFEL!"), judge::text_units("äpfel"));
  EXPECT_EQ(judge::text_units("台北a市").size(), 4u);
  EXPECT_TRUE(judge::text_units(" \n.,").empty());
}

TEST(Ledger, FindsRunsAndSaysWhere) {
  const std::string a = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen";
  const std::string b = "a short one of eight words and more";  // looked for as a whole
  const std::string chinese = "請問台北市在哪一個國家的哪一個方向";
  Ledger ledger({a, b, "too short", chinese});
  ledger.read("nothing of it: one two three four five six seven eight nine ten eleven twelve", "x");
  ledger.read("Zero ONE, two. Three four five six seven eight nine ten eleven twelve thirteen!", "y");
  ledger.read("so: A short one of eight words and more.", "z");
  ledger.read("他說：「請問台北市在哪一個國家的哪一個方向」", "w");
  const auto found = ledger.overlaps();
  EXPECT_DOUBLE_EQ(found[0].share, 13.0 / 14);
  EXPECT_EQ(found[0].first, "y");
  EXPECT_TRUE(found[0].dirty());
  EXPECT_EQ(found[1].share, 1);
  EXPECT_FALSE(found[2].known);
  EXPECT_FALSE(found[2].dirty());
  EXPECT_EQ(found[3].share, 1);
}

// Fifty questions of GSM8K's test, hidden in its training part, are all found; of 1,000 others none.
TEST(Ledger, PlantedQuestions) {
  BANTAM_NEEDS_SHARED("data/eval/gsm8k");
  judge::DataFolder data{shared_folder() / "data" / "eval"};
  judge::Asking asking;
  asking.shots = 0;
  judge::TaskRun run = judge::make_run(judge::choose_task("gsm8k"), data, asking);
  run.items.resize(1050);
  std::vector<std::string> texts;
  for (const judge::Item& item : run.items) texts.push_back(judge::ledger_text(item));
  const ScratchFolder folder;
  std::string lines;
  std::size_t place = 0;
  judge::Source train;
  train.path = "gsm8k/train.jsonl";
  for (const Json& record : data.read({train}, "")) {
    if (place < 4000)
      lines += to_text({{"text", record["question"].get<std::string>() + "\n" + record["answer"].get<std::string>()}}) + "\n";
    if (place % 80 == 40 && place / 80 < 50)
      lines += to_text({{"text", run.items[place / 80 * 21].record["question"]}}) + "\n";
    ++place;
  }
  write_file(folder / "train.jsonl", lines);
  Ledger ledger(texts);
  judge::read_training_text({(folder / "train.jsonl").string()}, ledger);
  const auto found = ledger.overlaps();
  std::size_t planted = 0, others = 0;
  for (std::size_t i = 0; i < found.size(); ++i)
    (i % 21 == 0 && i / 21 < 50 ? planted : others) += found[i].dirty();
  EXPECT_EQ(planted, 50u);
  EXPECT_EQ(others, 0u);
  // The scores are split by it.
  judge::TaskResult result;
  for (std::size_t i = 0; i < run.items.size(); ++i) {
    judge::Response answer;
    answer.lengths = {1};
    answer.output = found[i].dirty() ? "#### 1" : "";
    if (found[i].dirty()) run.items[i].target = "1";
    result.scores.push_back(judge::score(*run.spec, run.items[i], answer));
    result.responses.push_back(std::move(answer));
  }
  const Json split = judge::task_report(run, result, *run.spec, &found)["contamination"];
  EXPECT_EQ(split["items_dirty"], 50);
  EXPECT_EQ(split["dirty"]["exact_match,strict-match"]["value"], 1.0);
  EXPECT_EQ(split["clean"]["exact_match,strict-match"]["value"], 0.0);
}

// What is passed over in a folder is told; a file that is named must be read.
TEST(TrainingText, SaysWhatItDidNotRead) {
  const ScratchFolder folder;
  const auto path = [&](const char* name) { return (folder / name).string(); };
  const auto read = [](const std::vector<std::string>& paths) {
    Ledger ledger({"one two three four five six seven eight"});
    return judge::read_training_text(paths, ledger);
  };
  write_file(folder / "a.txt", "One two three.");
  EXPECT_TRUE(read({folder.path().string()}).notes().empty());
  EXPECT_EQ(to_text(read({path("a.txt")}).json()["not_read"]), R"({"files":0,"list":[]})");
  write_file(folder / "b.pdf", "%PDF");
  write_file(folder / "c.md", " \n");
  write_file(folder / "d.txt", "caf\xe9 one");
  write_file(folder / "e.jsonl", "{\"text\": \"x\"}\n{\"text\": \" \"}\n");
  const judge::TrainingText text = read({folder.path().string()});
  EXPECT_EQ(text.files, 4);
  EXPECT_EQ(text.documents, 3);
  EXPECT_EQ(text.notes(), (std::vector<std::string>{
                              "2 files were not read, the first of them " + path("b.pdf") + ": not .txt, .md or .jsonl",
                              "2 files were read in part, the first of them " + path("d.txt") + ": not UTF-8: 1 byte, the first at offset 3"}));
  const Json json = text.json();
  EXPECT_EQ(json["not_read"]["files"], 2);
  EXPECT_EQ(json["not_read"]["list"][1], (Json{{"file", path("c.md")}, {"why", "nothing but white space"}}));
  EXPECT_EQ(json["read_in_part"]["list"][1], (Json{{"file", path("e.jsonl")}, {"why", "1 record without a word"}}));
  EXPECT_EQ(read({path("a.txt"), path("e.jsonl")}).notes(),
            (std::vector<std::string>{"1 file was read in part: " + path("e.jsonl") + ": 1 record without a word"}));
  // By name each of them is an error that names it.
  write_file(folder / "broken.jsonl", "{\"text\": \"x\"}\n{\"text\": 1}\n");
  write_file(folder / "empty.txt", "");
  std::filesystem::create_directory(folder / "none");
  write_file(folder / "none" / "x.pdf", "%PDF");
  for (const char* name : {"b.pdf", "c.md", "empty.txt", "broken.jsonl", "not there.txt", "none"}) {
    try {
      read({path("a.txt"), path(name)});
      ADD_FAILURE() << name;
    } catch (const Error& error) {
      EXPECT_EQ(error.file(), path(name));
    }
  }
}

}  // namespace
}  // namespace bantam::test
