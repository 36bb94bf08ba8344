#include "files/hf_folder.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "files/safetensors_writer.h"
#include "files/sample.h"
#include "support/shared.h"

namespace bantam {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using test::TemporaryFolder;

// Writes a model of four tensors of four bytes each into the folder.
void write_model(const Path& folder, std::uint64_t shard_bytes) {
  write_file(folder / "config.json", R"({"model_type":"llama"})");
  SafetensorsFolderWriter writer(folder, shard_bytes);
  for (const char* name : {"d", "b", "c", "a"}) writer.add_tensor(name, Type::f32, {1});
  writer.finish([](std::size_t i, const PutBytes& put) {
    const auto value = static_cast<float>(i);
    put(std::as_bytes(std::span(&value, 1)));
  });
}

float value_of(const HfFolder& folder, const char* name) {
  const TensorInfo& tensor = folder.need(name, {1});
  float value = -1;
  tensor.format->decode(tensor.data.data(), &value, 1);
  folder.release(tensor);
  return value;
}

TEST(HfFolder, ReadsOneFileOrManyTheSame) {
  for (const std::uint64_t shard_bytes : {100u, 8u, 5u, 1u}) {
    const TemporaryFolder folder;
    write_model(folder.path(), shard_bytes);
    EXPECT_EQ(fs::exists(folder / "model.safetensors"), shard_bytes == 100);
    EXPECT_EQ(fs::exists(folder / "model.safetensors.index.json"), shard_bytes != 100);
    EXPECT_EQ(fs::exists(folder / "model-00002-of-00002.safetensors"), shard_bytes == 8);
    EXPECT_EQ(fs::exists(folder / "model-00004-of-00004.safetensors"), shard_bytes < 8);
    const HfFolder model(folder.path());
    EXPECT_EQ(model.config()["model_type"], "llama");
    EXPECT_EQ(model.tensors().size(), 4u);
    EXPECT_EQ(value_of(model, "d"), 0);
    EXPECT_EQ(value_of(model, "b"), 1);
    EXPECT_EQ(value_of(model, "c"), 2);
    EXPECT_EQ(value_of(model, "a"), 3);
    EXPECT_EQ(model.tokenizer_path(), std::nullopt);
  }
}

TEST(HfFolder, TheIndexIsWrittenSorted) {
  const TemporaryFolder folder;
  write_model(folder.path(), 8);
  EXPECT_EQ(read_file(folder / "model.safetensors.index.json"), R"({
  "metadata": {
    "total_size": 16
  },
  "weight_map": {
    "a": "model-00002-of-00002.safetensors",
    "b": "model-00001-of-00002.safetensors",
    "c": "model-00002-of-00002.safetensors",
    "d": "model-00001-of-00002.safetensors"
  }
}
)");
}

TEST(HfFolder, OpensEveryReferenceFolder) {
  BANTAM_NEEDS_SHARED("golden");
  int count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(test::shared_folder() / "golden")) {
    if (entry.path().filename() != "config.json") continue;
    const HfFolder folder(entry.path().parent_path());
    EXPECT_GT(folder.tensors().size(), 0u) << entry.path();
    EXPECT_TRUE(folder.tokenizer_path()) << entry.path();
    ++count;
  }
  EXPECT_GT(count, 20);
}

std::string open_error(const Path& folder) {
  return error_of([&] { HfFolder{folder}; });
}

TEST(HfFolderMalformed, PathsThatAreNoFolder) {
  const TemporaryFolder folder;
  EXPECT_EQ(open_error(folder / "absent"),
            (folder / "absent").string() + ": there is no such folder");
  write_file(folder / "model.gguf", "x");
  EXPECT_EQ(
      open_error(folder / "model.gguf"),
      (folder / "model.gguf").string() + ": is a file; a folder with config.json was expected");
}

TEST(HfFolderMalformed, Config) {
  struct Case {
    std::string name, text, says;
  };
  std::string zeros;
  for (int i = 0; i < 100'000; ++i) zeros += "0,";
  for (const Case& c : {
           Case{"not JSON", "{", "not valid JSON"},
           Case{"empty", "", "not valid JSON"},
           Case{"an array", "[]", "a JSON object was expected"},
           Case{"nested 10,000 deep", std::string(10000, '['), "nested more than 64 deep"},
           Case{"nan", R"({"a":nan})", "not valid JSON"},
           Case{"1e400", R"({"a":1e400})", "too large"},
           Case{"a key twice", R"({"a":1,"a":2})", "twice"},
           Case{"many values", "[" + zeros + "0]", "more than 100000 values"},
       }) {
    SCOPED_TRACE(c.name);
    const TemporaryFolder folder;
    write_model(folder.path(), 100);
    write_file(folder / "config.json", c.text);
    const std::string error = open_error(folder.path());
    EXPECT_NE(error.find(c.says), std::string::npos) << error;
    EXPECT_EQ(error.find((folder / "config.json").string()), 0u) << error;
  }
  const TemporaryFolder folder;
  EXPECT_NE(open_error(folder.path()).find("the folder has no config.json"), std::string::npos);
}

TEST(HfFolderMalformed, PicklesAreRefusedUnopened) {
  for (const char* name : {"pytorch_model.bin", "model.pt", "model.pth", "x.ckpt", "x.pkl"}) {
    const TemporaryFolder folder;
    write_file(folder / "config.json", "{}");
    write_file(folder / name, "\x80\x02}q");
    fs::permissions(folder / name, fs::perms::none);  // opening it would be an error of its own
    for (const Path& path : {folder.path(), folder / name})
      EXPECT_EQ(open_error(path),
                (folder / name).string() +
                    ": holds weights as a Python pickle, which can run any program when it is "
                    "opened; it was not opened: get the model as safetensors or GGUF");
  }
}

TEST(HfFolderMalformed, TextUnderTheNameOfAPickleIsNone) {
  const TemporaryFolder folder;
  write_file(folder / "notes.bin", "Once upon a time\n");
  write_file(folder / "wide.bin", std::string_view("\xff\xfeO\0", 4));
  write_file(folder / "old.bin", "caf\xe9, \xa4\xa4\xa4\xe5");  // Latin-1, Big5
  write_file(folder / "numbers.bin", std::string_view("Once\0upon", 9));
  EXPECT_FALSE(is_pickle(folder / "notes.bin"));
  EXPECT_FALSE(is_pickle(folder / "wide.bin"));
  EXPECT_FALSE(is_pickle(folder / "old.bin"));
  EXPECT_FALSE(is_pickle(folder / "nothing.bin"));
  EXPECT_FALSE(is_pickle(folder.path()));
  EXPECT_TRUE(is_pickle(folder / "numbers.bin"));
}

TEST(HfFolderMalformed, NoWeights) {
  const TemporaryFolder folder;
  write_file(folder / "config.json", "{}");
  EXPECT_NE(open_error(folder.path()).find("no model.safetensors and no"), std::string::npos);
  write_file(folder / "other.safetensors", "x");
  EXPECT_NE(open_error(folder.path()).find("there is other.safetensors"), std::string::npos);
}

TEST(HfFolderMalformed, Index) {
  struct Case {
    std::string name, index, field, says;
  };
  const std::string shard = "model-00001-of-00004.safetensors";
  const auto map = [](const std::string& entries) { return R"({"weight_map":{)" + entries + "}}"; };
  for (const Case& c : {
           Case{"not JSON", "{", "", "not valid JSON"},
           Case{"no weight_map", "{}", "weight_map", "a weight_map that names"},
           Case{"an empty one", map(""), "weight_map", "a weight_map that names"},
           Case{"a text", R"({"weight_map":"x"})", "weight_map", "a weight_map that names"},
           Case{"twice", R"({"weight_map":{},"weight_map":{}})", "weight_map", "twice"},
           Case{"a number", map(R"("d":1)"), "d", "a file name was expected"},
           Case{"an array", map(R"("d":[])"), "d", "a file name was expected"},
           Case{"an object", map(R"("d":{})"), "d", "a file name was expected"},
           Case{"missing shard", map(R"("d":"absent.safetensors")"), "weight_map",
                "the shard absent.safetensors is not in the folder"},
           Case{"a tensor in no shard", map(R"("e":")" + shard + "\""), "e",
                "the tensor is not in " + shard},
           Case{"a tensor in another shard", map(R"("a":")" + shard + "\""), "a",
                "the tensor is not in " + shard},
           Case{"a tensor twice", map(R"("d":")" + shard + R"(","d":")" + shard + "\""), "d",
                "lists the tensor twice"},
           Case{"../", map(R"("d":"../)" + shard + "\""), "weight_map",
                "is not the name of a file"},
           Case{"a folder inside", map(R"("d":"sub/x")"), "weight_map",
                "is not the name of a file"},
           Case{"absolute", map(R"("d":"/etc/passwd")"), "weight_map", "is not the name of a file"},
           Case{"..", map(R"("d":"..")"), "weight_map", "is not the name of a file"},
           Case{"backslash", map(R"("d":"..\\x")"), "weight_map", "is not the name of a file"},
           Case{"NUL", map(R"("d":"x\u0000y")"), "weight_map", "is not the name of a file"},
           Case{"empty name", map(R"("d":"")"), "weight_map", "is not the name of a file"},
       }) {
    SCOPED_TRACE(c.name);
    const TemporaryFolder folder;
    write_model(folder.path(), 4);
    write_file(folder / "model.safetensors.index.json", c.index);
    std::optional<Error> error;
    error_of([&] { HfFolder{folder.path()}; }, &error);
    if (!error) continue;
    EXPECT_EQ(error->file(), (folder / "model.safetensors.index.json").string());
    EXPECT_EQ(error->field(), c.field) << error->what();
    EXPECT_NE(error->message().find(c.says), std::string::npos) << error->what();
  }
}

TEST(HfFolderMalformed, LinksMayNotLeaveTheFolder) {
  const TemporaryFolder outside;
  for (const char* name : {"config.json", "model.safetensors", "tokenizer.json"}) {
    SCOPED_TRACE(name);
    const TemporaryFolder folder;
    write_model(folder.path(), 100);
    write_file(outside / name, "{}");
    fs::remove(folder / name);
    fs::create_symlink(outside / name, folder / name);
    const std::string error = error_of([&] { HfFolder(folder.path()).tokenizer_path(); });
    EXPECT_NE(error.find("is a link out of the folder"), std::string::npos) << error;
    fs::remove(folder / name);
    fs::create_symlink("nowhere", folder / name);
    const std::string broken = error_of([&] { HfFolder(folder.path()).tokenizer_path(); });
    EXPECT_NE(broken.find("a link that leads nowhere"), std::string::npos) << broken;
  }
}

TEST(HfFolder, FollowsTheLinksOfTheDownloadCache) {
  const TemporaryFolder cache;
  const Path snapshot = cache / "snapshots" / "0123abcd";
  fs::create_directories(snapshot);
  fs::create_directories(cache / "blobs");
  write_model(cache / "blobs", 100);
  for (const char* name : {"config.json", "model.safetensors"})
    fs::create_symlink(Path("../../blobs") / name, snapshot / name);
  EXPECT_EQ(HfFolder(snapshot).tensors().size(), 4u);
}

TEST(HfFolder, TheFolderItselfMayBeALink) {
  const TemporaryFolder parent;
  fs::create_directory(parent / "real");
  write_model(parent / "real", 100);
  fs::create_symlink("real", parent / "link");
  EXPECT_EQ(HfFolder(parent / "link").tensors().size(), 4u);
}

}  // namespace
}  // namespace bantam
