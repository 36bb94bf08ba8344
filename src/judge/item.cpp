#include "judge/item.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/hash.h"
#include "base/nearest.h"
#include "judge/asked.h"
#include "judge/prepare.h"
#include "judge/python_random.h"
#include "judge/python_text.h"
#include "judge/template.h"

namespace bantam::judge {

namespace {

std::vector<Json> split_records(const TaskSpec& task, const std::string& split, DataFolder& data) {
  if (!task.make.empty() && split == task.test) return prepare(task.make, {}, task.file);
  const auto at = task.splits.find(split);
  if (at == task.splits.end())
    throw Error("the task has no files for \"" + split + "\"").in(task.file).field("data." + split);
  return prepare(task.prepare, data.read(at->second, task.where), task.file);
}

// Records by subject, in their order; one group without a name where a task has no subjects.
using Groups = std::map<std::string, std::vector<Json>>;

Groups grouped(const TaskSpec& task, std::vector<Json> records) {
  Groups groups;
  for (Json& record : records) {
    const std::string subject =
        task.subject.empty() ? "" : as_text(field_of(record, task.subject, task.file));
    if (!task.subject.empty()) {
      const auto name = task.subject_names.find(subject);
      record["subject_name"] = name == task.subject_names.end() ? subject : name->second;
    }
    groups[subject].push_back(std::move(record));
  }
  return groups;
}

std::size_t limited(std::size_t count, double limit) {
  if (limit <= 0) return count;
  const double wanted = limit < 1 ? std::ceil(limit * static_cast<double>(count)) : limit;
  return std::min(count, static_cast<std::size_t>(wanted));
}

// The examples before each document of one group.
class Examples {
 public:
  Examples(const TaskSpec& task, const Asked& asked, std::vector<Json> pool, std::int64_t shots,
           std::uint64_t seed)
      : task_(task), asked_(asked), pool_(std::move(pool)), random_(seed),
        shots_(static_cast<std::size_t>(shots)), made_(pool_.size()) {
    if (shots_ > (task.examples.empty() ? pool_.size() : task.examples.size()))
      throw Error("there are fewer than " + std::to_string(shots_) + " examples to show")
          .in(task.file);
  }

  // Drawn anew for each document, in the order of the documents.
  std::vector<Exchange> before(const Json& record) {
    std::vector<Exchange> out;
    if (shots_ == 0) return out;
    if (!task_.examples.empty()) {
      for (std::size_t i = 0; i < shots_; ++i)
        out.push_back(asked_.exchange(task_.examples[i].first, task_.examples[i].second));
      return out;
    }
    if (task_.sampler == Sampler::first) {
      for (std::size_t i = 0; i < shots_; ++i) out.push_back(made(i));
      return out;
    }
    const std::size_t draws = std::min(shots_ + (task_.one_more ? 1 : 0), pool_.size());
    for (const std::size_t at : random_.sample(pool_.size(), draws))
      if (out.size() < shots_ && !(task_.one_more && pool_[at] == record)) out.push_back(made(at));
    return out;
  }

 private:
  const Exchange& made(std::size_t at) {
    if (!made_[at]) made_[at] = asked_.example_of(pool_[at]);
    return *made_[at];
  }

  const TaskSpec& task_;
  const Asked& asked_;
  std::vector<Json> pool_;
  PythonRandom random_;
  std::size_t shots_;
  std::vector<std::optional<Exchange>> made_;
};

// What goes wrong with a document says with which: its place among those of its subject, and the file.
Item placed(const TaskSpec& task, const DataFolder& data, const std::string& subject, std::size_t document,
            const std::function<Item()>& make) {
  try {
    return make();
  } catch (const Error& error) {
    const auto test = task.splits.find(task.test);
    std::string place = "; document " + std::to_string(document) + (subject.empty() ? "" : " of " + printable(subject, 60));
    // A set may lie in one of several forms: the first that is there is read.
    std::vector<std::string> files;
    if (test != task.splits.end())
      for (std::size_t i = 0; files.empty() && i < test->second.size(); ++i) files = data.matches(test->second[i]);
    if (files.size() == 1) place += " in " + files.front();
    Error with_place(error.message() + place, error.kind());
    if (!error.file().empty()) with_place.in(error.file());
    if (!error.field().empty()) with_place.field(error.field());
    if (error.line()) with_place.line(*error.line());
    throw with_place;
  }
}

void refuse_subject(const TaskSpec& task, const std::string& subject, const Groups& groups) {
  std::vector<std::string> names;
  for (const auto& [name, unused] : groups) names.push_back(name);
  const std::string near = nearest(subject, names);
  throw Error("there is no subject \"" + printable(subject, 60) + "\" in " + task.name +
                  (near.empty() ? "" : "; did you mean " + task.name + "_" + near + "?"),
              Error::Kind::usage);
}

}  // namespace

std::int64_t shots_of(const TaskSpec& task, const Asking& asking) {
  return task.fixed_shots ? task.shots : asking.shots.value_or(task.shots);
}

std::vector<std::string> subjects_of(const TaskSpec& task, DataFolder& data) {
  std::vector<std::string> out;
  if (task.subject.empty()) return out;
  for (const auto& [name, unused] : grouped(task, split_records(task, task.test, data)))
    out.push_back(name);
  return out;
}

std::vector<Item> make_items(const TaskSpec& task, DataFolder& data, const Asking& asking) {
  const Asked asked(task, asking.chat);
  const std::int64_t shots = shots_of(task, asking);
  const Groups groups = grouped(task, split_records(task, task.test, data));
  Groups pools;
  if (shots > 0 && task.examples.empty())
    pools = grouped(task, split_records(task, task.pool, data));
  if (!asking.subject.empty() && !groups.contains(asking.subject))
    refuse_subject(task, asking.subject, groups);
  std::vector<Item> out;
  for (const auto& [subject, records] : groups) {
    if (!asking.subject.empty() && subject != asking.subject) continue;
    Examples examples(task, asked, pools.contains(subject) ? pools[subject] : std::vector<Json>{},
                      shots, asking.seed);
    const std::size_t count = limited(records.size(), asking.limit);
    for (std::size_t i = 0; i < count; ++i) {
      Item item = placed(task, data, subject, i, [&] { return asked.item(records[i], examples.before(records[i])); });
      item.subject = subject;
      item.doc = (subject.empty() ? "" : subject + " ") + std::to_string(i);
      out.push_back(std::move(item));
    }
  }
  return out;
}

std::string digest_line(const Item& item) {
  Sha256 sum;
  const auto add = [&](std::string_view text) { sum.add(std::as_bytes(std::span(text))); };
  for (std::size_t i = 0; i < item.requests(); ++i) {
    add(item.context(i));
    add("\x1E");
    add(item.continuation(i));
    add("\x1F");
  }
  return item.doc + " " + sum.hex().substr(0, 16);
}

}  // namespace bantam::judge
