// The table of the forms that a record may have.
#pragma once

#include <span>
#include <string_view>

#include "base/rooms.h"
#include "data/conversation.h"

namespace bantam::data {

struct RecordReader {
  RecordForm form;
  std::string_view name;
  bool (*fits)(const Json& json);
  void (*read)(const Json& json, ChatRecord& record);  // throws Error
};
// The first that fits is the record's.
std::span<const RecordReader> record_readers();

}  // namespace bantam::data
