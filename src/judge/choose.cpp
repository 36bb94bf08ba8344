#include "judge/choose.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/hash.h"
#include "base/nearest.h"
#include "data/text_encoding.h"
#include "judge/python_text.h"

namespace bantam::judge {

Chosen choose_task(const std::string& name) {
  std::vector<std::string> names;
  const TaskSpec* by_subject = nullptr;
  for (const TaskSpec& task : known_tasks()) {
    const auto shared = [&] { return std::make_shared<const TaskSpec>(task); };
    if (task.name == name) return {shared(), ""};
    names.push_back(task.name);
    // The longest task name that fits: "tmmluplus_x" is none of tmmlu.
    if (!task.subject.empty() && name.starts_with(task.name + "_") && name.size() > task.name.size() + 1 &&
        (by_subject == nullptr || task.name.size() > by_subject->name.size()))
      by_subject = &task;
  }
  if (by_subject)
    return {std::make_shared<const TaskSpec>(*by_subject),
            name.substr(by_subject->name.size() + 1)};
  const std::string near = nearest(lower(name), names);
  throw Error("there is no task \"" + printable(name, 60) + "\"" +
                  (near.empty() ? "; --list names them all" : "; did you mean " + near + "?"),
              Error::Kind::usage);
}

Chosen read_task(const Path& file) {
  return {std::make_shared<const TaskSpec>(parse_task(read_file(file, 1 << 24), file.string())), ""};
}

namespace {

std::string digest_of(const std::vector<Item>& items) {
  Sha256 sum;
  for (const Item& item : items) {
    const std::string line = digest_line(item) + "\n";
    sum.add(std::as_bytes(std::span(line)));
  }
  return sum.hex();
}

}  // namespace

TaskRun make_run(const Chosen& chosen, DataFolder& data, Asking asking) {
  TaskRun run;
  run.spec = chosen.spec;
  run.name = chosen.spec->name + (chosen.subject.empty() ? "" : "_" + chosen.subject);
  asking.subject = chosen.subject;
  data.forget_files();
  run.items = make_items(*chosen.spec, data, asking);
  run.files = data.files();
  run.shots = shots_of(*chosen.spec, asking);
  // The harness numbers the documents of each subject from 0.
  if (!chosen.subject.empty())
    for (std::size_t i = 0; i < run.items.size(); ++i) run.items[i].doc = std::to_string(i);
  run.digest = digest_of(run.items);
  return run;
}

TaskRun text_run(const std::vector<std::string>& files) {
  TaskSpec spec;
  spec.name = spec.file = "text";
  spec.kind = Kind::rolling;
  spec.scorer = "rolling";
  spec.question = "{{ text }}";
  spec.about = "perplexity of texts";
  TaskRun run;
  run.name = spec.name;
  for (const std::string& file : files) {
    std::string text = read_unpacked(file);
    Sha256 sum;
    sum.add(std::as_bytes(std::span(text)));
    run.files.push_back({file, sum.hex(), text.size()});
    try {
      to_utf8(text);
    } catch (Error& error) {
      throw error.in(file);
    }
    if (text.empty()) throw Error("is empty").in(file);  // a mark of the byte order alone is, too
    Item item;
    item.doc = std::to_string(run.items.size());
    item.contexts = {text};
    item.record = {{"id", file}, {"text", text}};
    item.question = text;
    run.items.push_back(std::move(item));
  }
  run.spec = std::make_shared<const TaskSpec>(std::move(spec));
  run.digest = digest_of(run.items);
  return run;
}

}  // namespace bantam::judge
