// Documents from files: what is read, what is refused, and what the message says.
#include "data/documents.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <map>

#include "base/error.h"

namespace bantam::test {

namespace {

namespace fs = std::filesystem;

class DocumentsTest : public ::testing::Test {
 protected:
  DocumentsTest() {
    folder_ = fs::path(::testing::TempDir()) / ("bantam-documents-" + std::to_string(getpid()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~DocumentsTest() override { fs::remove_all(folder_); }

  void put(const std::string& name, const std::string& text) {
    fs::create_directories((folder_ / name).parent_path());
    write_file(folder_ / name, text);
  }
  std::vector<Document> read(const ReadOptions& options = {}) {
    std::vector<Document> out;
    report_ = read_documents(folder_, options, [&](Document&& d) { out.push_back(std::move(d)); });
    return out;
  }
  std::string refusal(const ReadOptions& options = {}) {
    try {
      read(options);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  fs::path folder_;
  ReadReport report_;
};

TEST_F(DocumentsTest, AreReadInTheOrderOfTheirPaths) {
  put("b.TXT", "second");
  put("a/z.md", "# first");
  put("c.jsonl", "{\"text\":\"third\"}\n\n{\"text\":\"fourth\"}");
  put("d.png", "no text");
  const std::vector<Document> all = read();
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[0].text, "# first");
  EXPECT_EQ(all[1].text, "second");
  EXPECT_EQ(all[2].text, "third");
  EXPECT_EQ(all[3].text, "fourth");
  EXPECT_EQ(report_.files, 3);
  ASSERT_EQ(report_.skipped.size(), 1u);
  EXPECT_EQ(report_.skipped[0].path, (folder_ / "d.png").string());
  EXPECT_EQ(report_.skipped[0].why, "not .txt, .md or .jsonl");
}

TEST_F(DocumentsTest, ConversationsHaveRoles) {
  put("a.jsonl",
      "{\"messages\":[{\"role\":\"user\",\"content\":\"1+1?\"},{\"role\":\"assistant\",\"content\":"
      "\"2\"}]}\n"
      "{\"prompt\":\"p\",\"answer\":\"a\"}\r\n");
  const std::vector<Document> all = read();
  ASSERT_EQ(all.size(), 2u);
  ASSERT_EQ(all[0].messages.size(), 2u);
  EXPECT_EQ(all[0].messages[1].role, "assistant");
  EXPECT_EQ(all[0].messages[1].content, "2");
  EXPECT_EQ(all[1].messages[0].content, "p");
  EXPECT_EQ(all[1].messages[1].content, "a");
}

TEST_F(DocumentsTest, LongTextIsCutWithoutLosingAByte) {
  std::string text;
  for (int i = 0; i < 4000; ++i) text += (i % 7 == 0 ? "段落結束。\n\n" : "字 word ");
  put("long.txt", text);
  std::string joined;
  const std::vector<Document> all = read({.bad_text = BadText::replace, .document_bytes = 1000});
  EXPECT_GT(all.size(), 20u);
  for (const Document& d : all) {
    EXPECT_LE(d.text.size(), 1001u);
    joined += d.text;
  }
  EXPECT_EQ(joined, text);
  EXPECT_EQ(report_.bad_bytes, 0);
}

TEST_F(DocumentsTest, OneLineOfManyBytesIsCutBetweenCharacters) {
  std::string text;
  for (int i = 0; i < 100000; ++i) text += "字";
  put("line.txt", text);
  std::string joined;
  for (const Document& d : read()) joined += d.text;
  EXPECT_EQ(joined, text);
  EXPECT_EQ(report_.bad_bytes, 0);
}

TEST_F(DocumentsTest, BytesThatAreNotUtf8AreReplacedOrSkipped) {
  put("a.txt", "good \xff\xc3 text\xed\xa0\x80");
  std::vector<Document> all = read();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].text, "good \xef\xbf\xbd\xef\xbf\xbd text\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(report_.bad_bytes, 5);
  EXPECT_NE(report_.first_bad.find("a.txt at offset 5"), std::string::npos);
  put("b.txt", "fine");
  all = read({.bad_text = BadText::skip, .document_bytes = 32768});
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].text, "fine");
  EXPECT_EQ(report_.skipped_documents, 1);
}

TEST_F(DocumentsTest, EveryFileThatIsDamagedIsNamed) {
  put("a.txt", "good \xff\xc3 text");
  put("b.txt", "fine");
  put("c.jsonl", "{\"text\":\"x\"}\n{\"text\":\"\xff\"}");
  put("d.txt", "\xef\xbb\xbfmark \xff");
  EXPECT_EQ(read().size(), 5u);
  const auto expect = [&](std::size_t at, const char* name, const std::string& why) {
    EXPECT_EQ(report_.bad[at].path, (folder_ / name).string());
    EXPECT_EQ(report_.bad[at].why, why);
  };
  ASSERT_EQ(report_.bad.size(), 3u);
  expect(0, "a.txt", "2 bytes, the first at offset 5");
  expect(1, "c.jsonl", "1 byte, the first at offset 22");
  expect(2, "d.txt", "1 byte, the first at offset 8");
  EXPECT_TRUE(report_.skipped.empty());
  EXPECT_EQ(read({.bad_text = BadText::skip, .document_bytes = 32768}).size(), 2u);
  ASSERT_EQ(report_.bad.size(), 3u);
  expect(0, "a.txt", "2 bytes, the first at offset 5; 1 document is left out");
  EXPECT_TRUE(report_.skipped.empty());
}

TEST_F(DocumentsTest, FilesWithoutTextAreNamed) {
  put("a.txt", "");
  put("b.md", " \n\t\r\n");
  put("c.jsonl", "\n\n");
  put("d.jsonl", "{\"text\":\" \"}");
  put("e.txt", "\xef\xbb\xbf");
  put("f.txt", "text");
  put("g.png", "");
  EXPECT_EQ(read().size(), 1u);
  std::map<std::string, std::string> why;
  for (const TextFiles::Note& n : report_.skipped) why[fs::path(n.path).filename()] = n.why;
  EXPECT_EQ(why, (std::map<std::string, std::string>{{"a.txt", "empty"},
                                                     {"b.md", "nothing but white space"},
                                                     {"c.jsonl", "no record with text"},
                                                     {"d.jsonl", "no record with text"},
                                                     {"e.txt", "nothing but white space"},
                                                     {"g.png", "not .txt, .md or .jsonl"}}));
}

TEST_F(DocumentsTest, NulBytesCrLfAndNoLastNewlineAreText) {
  put("a.txt", std::string("a\0b\r\nc", 6));
  const std::vector<Document> all = read();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].text, std::string("a\0b\r\nc", 6));
}

struct Bad {
  const char* name;
  std::string file, text;
  std::vector<std::string> says;
};

TEST_F(DocumentsTest, WhatIsWrongIsNamed) {
  const std::string deep = "{\"text\":" + std::string(10000, '[') + std::string(10000, ']') + "}";
  const Bad cases[] = {
      {"UTF-32", "a.txt", std::string("\xff\xfe\0\0a\0\0\0", 8), {"a.txt", "UTF-32", "iconv"}},
      {"broken line",
       "a.jsonl",
       "{\"text\":\"x\"}\n{\"text\":\"y\"\n{\"text\":\"z\"}",
       {"a.jsonl:2", "JSON"}},
      {"missing field", "a.jsonl", "{\"text\":\"x\"}\n{\"texts\":\"y\"}", {"a.jsonl:2", "text"}},
      {"wrong type", "a.jsonl", "{\"text\":7}", {"a.jsonl:1", "text: a text was expected"}},
      {"not an object", "a.jsonl", "[1]", {"a.jsonl:1", "object"}},
      {"no messages", "a.jsonl", "{\"messages\":[]}", {"a.jsonl:1", "messages"}},
      {"unknown role",
       "a.jsonl",
       "{\"messages\":[{\"role\":\"zork\",\"content\":\"a\"}]}",
       {"a.jsonl:1", "role", "zork"}},
      {"message without content",
       "a.jsonl",
       "{\"messages\":[{\"role\":\"user\"}]}",
       {"a.jsonl:1", "content", "without content"}},
      {"too deep", "a.jsonl", deep, {"a.jsonl:1", "deep"}},
      {"escape cut", "a.jsonl", "{\"text\":\"\\u12\"}", {"a.jsonl:1", "JSON"}},
      {"lone surrogate", "a.jsonl", "{\"text\":\"\\ud800\"}", {"a.jsonl:1", "JSON"}},
      {"empty file", "a.txt", "", {"no text"}},
      {"white space", "a.txt", " \n\t\n", {"no text"}},
      {"no known kind", "a.pdf", "%PDF", {"no text", ".jsonl"}},
  };
  for (const Bad& bad : cases) {
    SCOPED_TRACE(bad.name);
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    put(bad.file, bad.text);
    const std::string message = refusal();
    ASSERT_FALSE(message.empty());
    for (const std::string& word : bad.says)
      EXPECT_NE(message.find(word), std::string::npos) << message;
  }
}

TEST_F(DocumentsTest, AnEmptyFolderSaysWhatWasExpected) {
  EXPECT_EQ(refusal(), folder_.string() +
                           ": no text was found in it: it is empty; .txt, .md or .jsonl files with text in them were expected");
}

TEST_F(DocumentsTest, WhereNothingIsLeftItSaysOfWhatAndWhy) {
  put("a.pdf", "%PDF");
  put("b.txt", "caf\xe9 au lait");
  put("c.jsonl", "{\"text\":\"\"}");
  const std::string in = folder_.string() + "/";
  ReadOptions leave_out;
  leave_out.bad_text = BadText::skip;
  EXPECT_EQ(refusal(leave_out),
            folder_.string() + ": no text was found in it: " + in +
                "b.txt: not UTF-8: 1 byte, the first at offset 3; 1 document is left out; " + in + "c.jsonl: no record with text; " + in +
                "a.pdf: not .txt, .md or .jsonl; with data.bad_text = \"replace\" such places are marked and the rest is read; "
                ".txt, .md or .jsonl files with text in them were expected");
  // One file, which is named already.
  folder_ /= "b.txt";
  EXPECT_EQ(refusal(leave_out), folder_.string() + ": no text was found in it: not UTF-8: 1 byte, the first at offset 3; 1 document is left "
                                                   "out; with data.bad_text = \"replace\" such places are marked and the rest is read");
  folder_ = folder_.parent_path();
  for (int i = 0; i < 9; ++i) put("d/" + std::to_string(i) + ".png", "x");
  const std::string many = refusal(leave_out);
  EXPECT_NE(many.find("d/1.png: not .txt, .md or .jsonl; and 7 more; with"), std::string::npos) << many;
}

TEST_F(DocumentsTest, LinksAreFollowedAndWhatIsNotReadIsNamed) {
  const fs::path outside = folder_.string() + "-outside";
  fs::create_directories(outside);
  write_file(outside / "o.txt", "outside");
  put("a.txt", "text");
  put("real/b.txt", "below");
  put(".git/c.txt", "hidden");
  fs::create_directory_symlink(folder_, folder_ / "loop");
  fs::create_directory_symlink(folder_.parent_path(), folder_ / "real" / "above");
  fs::create_symlink("circle.txt", folder_ / "circle.txt");
  fs::create_directory_symlink(outside, folder_ / "more");
  fs::create_symlink("a.txt", folder_ / "again.txt");
  fs::create_symlink("nowhere", folder_ / "broken.txt");
  ASSERT_EQ(mkfifo((folder_ / "pipe.txt").c_str(), 0600), 0);
  const std::vector<Document> all = read();
  fs::remove_all(outside);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].text, "text");
  EXPECT_EQ(all[1].text, "outside");
  EXPECT_EQ(all[2].text, "below");
  ASSERT_EQ(report_.outside.size(), 1u);
  EXPECT_EQ(report_.outside[0].path, (folder_ / "more").string());
  EXPECT_EQ(report_.outside[0].why, fs::weakly_canonical(outside).string());
  std::map<std::string, std::string> why;
  for (const TextFiles::Note& n : report_.skipped)
    why[fs::relative(fs::path(n.path).parent_path(), folder_) / fs::path(n.path).filename()] = n.why;
  EXPECT_EQ(why.size(), 7u);
  EXPECT_EQ(why["./.git"], "hidden");
  EXPECT_NE(why["./loop"].find("in which this folder lies"), std::string::npos);
  EXPECT_NE(why["real/above"].find("in which this folder lies"), std::string::npos);
  EXPECT_EQ(why["./circle.txt"], "a link that leads in a circle");
  EXPECT_EQ(why["./again.txt"],
            "the same as " + (folder_ / "a.txt").string() + ", which is read");
  EXPECT_EQ(why["./broken.txt"], "a link that leads nowhere");
  EXPECT_EQ(why["./pipe.txt"], "no regular file");
}

TEST_F(DocumentsTest, MarksAndUtf16AreRecognised) {
  using namespace std::string_literals;
  put("a.txt", "\xef\xbb\xbfmark");
  put("b.txt", "\xff\xfe" + "h\0i\0 \0\x2d\x4e\x3d\xd8\x00\xde"s);  // "hi 中😀"
  put("c.txt", "\xfe\xff" + "\0h\0i"s);
  put("d.txt", "p\0l\0a\0i\0n\0 \0t\0e\0x\0t\0"s);  // no mark
  put("e.jsonl", "\xef\xbb\xbf{\"text\":\"line\"}\n{\"text\":\"two\"}");
  put("f.jsonl", "\xff\xfe" + "{\0\"\0t\0e\0x\0t\0\"\0:\0\"\0w\0\"\0}\0\n\0"s);
  const std::vector<Document> all = read();
  std::vector<std::string> texts;
  for (const Document& d : all) texts.push_back(d.text);
  EXPECT_EQ(texts, (std::vector<std::string>{"mark", "hi 中😀", "hi", "plain text", "line", "two",
                                             "w"}));
  EXPECT_EQ(report_.bad_bytes, 0);
  EXPECT_EQ(report_.utf16.size(), 4u);
}

// Half a pair of surrogates is two bytes, a last byte alone is one: counted, told and left out as bytes that are
// no UTF-8 are.
TEST_F(DocumentsTest, WhatIsNoUtf16IsCounted) {
  using namespace std::string_literals;
  put("a.txt", "\xff\xfe" + "h\0\x3d\xd8i\0\x00\xde!\0"s);  // a high half at 4, a low one at 8
  put("b.txt", "\xfe\xff" + "\0h\0i\0"s);                     // cut at 6
  put("c.txt", "p\0l\0a\0i\0n\0 \0t\0e\0x\0t\0\x3d\xd8"s);  // no mark; a high half at the end, 20
  put("d.jsonl", "\xff\xfe" + "{\0\"\0t\0e\0x\0t\0\"\0:\0\"\0\x00\xdcw\0\"\0}\0\n\0"s);
  std::vector<std::string> texts;
  for (const Document& d : read()) texts.push_back(d.text);
  EXPECT_EQ(texts, (std::vector<std::string>{"h\ufffdi\ufffd!", "hi\ufffd", "plain text\ufffd", "\ufffdw"}));
  EXPECT_EQ(report_.bad_bytes, 4 + 1 + 2 + 2);
  EXPECT_EQ(report_.first_bad, (folder_ / "a.txt").string() + " at offset 4");
  std::vector<std::string> why;
  for (const auto& note : report_.bad) why.push_back(note.why);
  EXPECT_EQ(why, (std::vector<std::string>{"4 bytes, the first at offset 4", "1 byte, the first at offset 6",
                                           "2 bytes, the first at offset 20", "2 bytes, the first at offset 20"}));
  put("e.txt", "whole");
  ReadOptions skip;
  skip.bad_text = BadText::skip;
  EXPECT_EQ(read(skip).size(), 1u);
  EXPECT_EQ(report_.skipped_documents, 4);
  EXPECT_EQ(report_.bad.at(0).why, "4 bytes, the first at offset 4; 1 document is left out");
}

TEST_F(DocumentsTest, RecordsWithoutAWordAreCountedAndLeftOut) {
  put("a.jsonl", "{\"text\":\"\"}\n{\"text\":\"a\"}\n{\"prompt\":\"\",\"completion\":\"\"}\n");
  put("b.jsonl", "{\"text\":\"b\"}\n");
  EXPECT_EQ(read().size(), 2u);
  ASSERT_EQ(report_.wordless.size(), 1u);
  EXPECT_EQ(report_.wordless[0].path, (folder_ / "a.jsonl").string());
  EXPECT_EQ(report_.wordless[0].why, "2 records");
}

TEST_F(DocumentsTest, AFileWithoutPermissionIsNamed) {
  if (geteuid() == 0) GTEST_SKIP() << "root may read everything";
  put("secret.txt", "x");
  fs::permissions(folder_ / "secret.txt", fs::perms::none);
  EXPECT_NE(refusal().find("secret.txt"), std::string::npos);
}

TEST(Documents, ThatAreNotThereAreNamed) {
  try {
    read_documents("/nonexistent/text", {}, [](Document&&) {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("/nonexistent/text"), std::string::npos);
  }
}

}  // namespace

}  // namespace bantam::test
