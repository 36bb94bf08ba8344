// Masks of real templates, character by character, beside an exact reference.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <cstdlib>
#include <map>

#include "chat/answer_mask.h"
#include "support/shared.h"

namespace bantam {
namespace {

std::shared_ptr<const Tokenizer> vocabulary(const std::string& name, const std::filesystem::path& scratch) {
  const auto file = test::shared_folder() / "tokenizers" / name / "tokenizer.json.gz";
  if (!std::filesystem::exists(file)) return nullptr;
  const auto unpacked = scratch / (name + ".json");
  const std::string command = "gzip -dc '" + file.string() + "' > '" + unpacked.string() + "'";
  if (std::system(command.c_str()) != 0) return nullptr;
  return open_tokenizer(unpacked);
}

TEST(AnswerMask, SharedReferenceCasesAreExact) {
  BANTAM_NEEDS_SHARED("adapt/masks.json");
  std::ifstream file(test::shared_folder() / "adapt" / "masks.json");
  const Json reference = Json::parse(file);
  std::string scratch = (std::filesystem::temp_directory_path() / "bantam-masks-XXXXXX").string();
  ASSERT_NE(mkdtemp(scratch.data()), nullptr);
  std::map<std::string, std::shared_ptr<const Tokenizer>> vocabularies;
  int checked = 0;
  for (const Json& row : reference["cases"]) {
    const std::string name = row["vocabulary"];
    if (!vocabularies.contains(name)) vocabularies[name] = vocabulary(name, scratch);
    if (!vocabularies[name]) continue;  // only in a file that is fetched
    const Tokenizer& tokenizer = *vocabularies[name];
    SCOPED_TRACE(row["template"].get<std::string>() + " " + row["conversation"].get<std::string>());
    const ChatTemplate chat(reference["templates"][row["template"].get<std::string>()]["template"], "t");
    ChatInput input;
    set_special_tokens(tokenizer, input);
    input.messages = row["messages"];
    input.tools = row["tools"];
    input.extra = row["variables"];
    input.bos_token = row["bos_token"];
    const MaskedPrompt masked = mask_answers(chat, tokenizer, input);
    ASSERT_EQ(masked.text, row["text"].get<std::string>());
    ASSERT_EQ(masked.ids, row["ids"].get<std::vector<std::int32_t>>());
    const auto wanted = row["mask"].get<std::vector<std::uint8_t>>();
    ASSERT_EQ(masked.mask.size(), wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const auto open = [&](const char* list) {
        return std::ranges::count(row[list], Json(i)) > 0;
      };
      if (masked.mask[i] != wanted[i]) {
        EXPECT_TRUE(open("straddle") || open("either")) << "token " << i;
      }
    }
    ++checked;
  }
  std::filesystem::remove_all(scratch);
  EXPECT_GE(checked, 27);
}

}  // namespace
}  // namespace bantam
